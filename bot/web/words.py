"""How the board says things: money, times, states and journals in plain words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from bot.domain import CaseState, Quadrant, RepeatKind, RequestState, Tag
from bot.ledger.accounts import UNASSIGNED
from bot.ledger.money import display, exponent, symbol
from bot.requests import WORDS, steps_from
from bot.views import CaseEventView, CaseView, PassedRequest
from bot.web.board import WAITING, JournalLine, JournalView

SOON = timedelta(minutes=30)
"""A case that is due within this time is marked as such."""

BASIS = {"N": "counted", "E": "estimated", "M": "measured", "R": "realised"}

# "Liability" alone is a balance-sheet word; the ledger's specification asks for "liability contacts".
QUADRANTS = {
    Quadrant.ASSET: "Asset contacts",
    Quadrant.AUTOMATE: "To automate",
    Quadrant.SIMPLIFY: "To simplify",
    Quadrant.LIABILITY: "Liability contacts",
    Quadrant.UNCLASSIFIED: "Unclassified",
}

STATES = {
    CaseState.OPEN: "open",
    CaseState.CLAIMED: "claimed",
    CaseState.RESOLVED: "resolved",
    CaseState.DISMISSED: "not for us",
}

REQUESTS = WORDS

REPEATS = {
    RepeatKind.CHASE: "asks again while the first case is open",
    RepeatKind.AFTER_RESOLVED: "back after it was resolved",
}

_SOURCES = {
    "manual": "a supervisor decided it for this case",
    "repeat": "it repeats an earlier contact of the same person",
    "reason": "it is the default of the reason",
    "tag": "it is the default of the tag, as no reason fits",
}

_UNITS = {24 * 3600: "d", 3600: "h", 60: "min"}
_TITLE_BREAK = re.compile(r"[,;:] | \(")
_NAME = re.compile(r"[a-z0-9_-]+")
_CONTACT = "Expenses:Contact:"
_CLASSES = {
    "Waste": "as liability contacts",
    "Automate": "as contacts to automate",
    "Simplify": "as contacts to simplify",
    "Serve": "as asset contacts",
    "Unclassified": "as unclassified contacts",
}


@dataclass(frozen=True, slots=True)
class Due:
    """The countdown of a case. ``state``: none, later, soon, overdue; ``words``: ``due in 12 min``, ``overdue 3 h``."""

    state: str
    words: str


def money(minor: int, currency: str) -> str:
    """``(125050, "GBP")`` → ``£1,250.50``."""
    return display(minor, exponent=exponent(currency), symbol=symbol(currency))


def span(seconds: float) -> str:
    """A length of time in one unit, cut down: ``40 s``, ``75 min``, ``3 h``, ``2 d``."""
    whole = int(abs(seconds))
    for size, unit in ((48 * 3600, 24 * 3600), (90 * 60, 3600), (60, 60)):
        if whole >= size:
            return f"{whole // unit} {_UNITS[unit]}"
    return f"{whole} s"


def work_time(seconds: int) -> str:
    """Agent time, to the second: ``6 min 50 s``."""
    minutes, rest = divmod(abs(seconds), 60)
    return " ".join(filter(None, (f"{minutes} min" if minutes else "", f"{rest} s" if rest or not minutes else "")))


def ago(at: datetime | None, now: datetime) -> str:
    """``3 min ago``; ``never`` for None. A clock that runs ahead of ours is ``just now``, not the future."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    return "just now" if seconds < 10 else f"{span(seconds)} ago"  # noqa: PLR2004  # below this, seconds only flicker


def due(case: CaseView, now: datetime) -> Due:
    """Return the countdown of a case; a closed one has none."""
    if case.due_at is None or case.state not in WAITING:
        return Due("none", "")
    left = case.due_at - now
    if case.is_overdue(now):
        return Due("overdue", f"overdue {span(left.total_seconds())}")
    return Due("soon" if left <= SOON else "later", f"due in {span(left.total_seconds())}")


def clock(at: datetime | None) -> str:
    """``22 Nov 2026, 14:05 UTC``."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC" if at else "never"


def iso(at: date) -> str:
    """The machine's way to write a day or a time."""
    return at.isoformat()


def percent(share: float) -> str:
    """``0.876`` → ``88 %``; never rounds up to certainty."""
    return f"{min(round(share * 100), 99) if share < 1 else 100} %"


def plural(count: int, noun: str) -> str:
    """``1 contact``, ``1,204 contacts``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def label(name: str) -> str:
    """``where_is_it`` → ``where is it``: a name from the config, for people."""
    return name.replace("_", " ").replace("-", " ")


def clip(text: str, limit: int) -> str:
    """Return the beginning of a text on one line; an ellipsis stands for the rest."""
    line = " ".join(text[: limit * 2].split())
    return line if len(line) <= limit and len(text) <= limit * 2 else f"{line[:limit].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def safe_url(url: str) -> str:
    """Return ``url`` when a browser may follow it, else nothing: only http and https with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""


def short(title: str) -> str:
    """The beginning of a reason's title, for where there is little room: ``Late, cancelled`` → ``Late``."""
    return _TITLE_BREAK.split(title, maxsplit=1)[0]


def has_cause(case: CaseView) -> bool:
    """True when a department is known to have caused the case."""
    return case.department not in {"", UNASSIGNED}


def who(case: CaseView) -> str:
    """The name of the writer, or the handle, or a word for nobody."""
    return case.author_name or case.author_handle or "somebody"


def quadrant_source(source: str) -> str:
    """Say which step of the ladder decided quadrant and department (ledger specification 1.5)."""
    if source.startswith("rule:"):
        return f"rule {source.removeprefix('rule:')} of the taxonomy decided it"
    return _SOURCES.get(source, "")


def source_of(journals: Iterable[JournalView]) -> str:
    """Return the source of the newest tag journal about a case, in words; empty when there is none."""
    sources = [
        line.quadrant_source
        for journal in journals
        if journal.kind == "tag"
        for line in journal.lines
        if line.quadrant_source
    ]
    return quadrant_source(sources[-1]) if sources else ""


def event_words(event: CaseEventView) -> str:
    """``not_for_us`` → ``Not for us``."""
    return label(event.kind).capitalize()


def event_details(event: CaseEventView) -> list[tuple[str, str]]:
    """Return what a line of history adds, as (what, value); lists and ids of mentions are left out."""
    return [
        (label(key.removesuffix("_at")), _detail(key, value))
        for key, value in event.detail.items()
        if isinstance(value, str) and value
    ]


def _detail(key: str, value: str) -> str:
    if key.endswith("_at"):
        return clock(datetime.fromisoformat(value))
    return label(value) if _NAME.fullmatch(value) else value


def line_amount(line: JournalLine) -> str:
    """The amount of a line with its sign: ``+1 TAG``, ``+300 SEC``, ``+£2.50``."""
    sign = "+" if line.amount > 0 else "\N{MINUS SIGN}"
    amount = abs(line.amount)
    plain = line.commodity in {"TAG", "CNT", "SEC"}
    return f"{sign}{amount:,} {line.commodity}" if plain else f"{sign}{money(amount, line.commodity)}"


def journal_words(journal: JournalView, currency: str) -> str:
    """Say in one sentence what a journal means."""
    what = "; ".join(_by_department(journal.lines, currency))
    if journal.resolution == "void":
        return "Expected work let go: nobody worked on it, so nothing was spent."
    if journal.is_reversal:
        return f"Taken back: {what}."
    if journal.status == "pending":
        return f"Work expected, not spent yet: {what}."
    if journal.kind == "tag":
        return f"Counted: {what}."
    if journal.kind == "cost":
        return f"Work done: {what}."
    return f"{label(journal.kind).capitalize()}: {what}." if what else f"{label(journal.kind).capitalize()}."


def _by_department(lines: Iterable[JournalLine], currency: str) -> list[str]:
    """One phrase a department and class, in the order of the lines; the other side of the journal is left out."""
    groups: dict[tuple[str, str], list[JournalLine]] = {}
    for line in lines:
        if line.account.startswith(_CONTACT):
            groups.setdefault((line.dept, line.account.removeprefix(_CONTACT)), []).append(line)
    return [
        f"{' and '.join(_amount(line, currency) for line in group)}, {_charged(dept)} {_CLASSES.get(kind, '')}"
        for (dept, kind), group in groups.items()
    ]


def _charged(dept: str) -> str:
    return "charged to nobody yet" if dept == UNASSIGNED else f"charged to {label(dept)}"


def _amount(line: JournalLine, currency: str) -> str:
    amount = abs(line.amount)
    if line.commodity == "TAG":
        return plural(amount, f"{line.tag} tag" if line.tag else "tag")
    if line.commodity == "CNT":
        return plural(amount, "contact")
    if line.commodity == "SEC":
        return work_time(amount)
    return f"{money(amount, line.commodity or currency)} ({BASIS[line.basis]})"


def tags_of(case: CaseView) -> set[Tag]:
    """The tags that a correction starts from: those of the mention that opened the case."""
    return {case.tag, *(case.mentions[0].tags if case.mentions else ())}


def next_steps(request: PassedRequest) -> list[RequestState]:
    """What a team can answer with one press; declining needs words."""
    return [state for state in steps_from(request.state) if state is not RequestState.DECLINED]


def can_decline(request: PassedRequest) -> bool:
    """True while a team can still say that it will not do it."""
    return RequestState.DECLINED in steps_from(request.state)
