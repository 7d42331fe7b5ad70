"""The card of a case: rendered when it is sent, from the case as it is then. Pure.

Everything a stranger wrote stands in places that Slack does not parse: rich text and plain text. Whether a person can
act on it depends on the state; what the buttons are called is fixed in :class:`Press`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject

from bot.cases import CUSTOMER_AT_RISK, LIVE
from bot.domain import CaseState, Liveness, Priority, RepeatKind, Tag
from bot.requests import ENDED, WORDS
from bot.slack import blocks
from bot.slack.blocks import Json, Part, clock, moment, section, words
from bot.slack.text import inert, line, plain, shorten
from bot.views import AskedFor, CaseMention, CaseView

REMOVED = "[removed by author]"
_WORDS_MAX, _WORDS_BYTES_MAX = 1_500, 4_000
"""They keep a card under 10,000 characters of JSON: Slack refuses from about 13,200 on, undocumented (bolt-js 2509)."""
_NAME_MAX, _FACT_MAX = 80, 200
_EXCERPT_MAX = 150
_ASKED_SHOWN = 3

_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")

TAG_SIGNS = {Tag.COMPLAINT: "🔴", Tag.REQUEST: "🔵", Tag.PRAISE: "🟢"}
_PRIORITY_SIGNS = {Priority.URGENT: "‼️ urgent", Priority.HIGH: "❗ high priority", Priority.LOW: "low priority"}
_REPEATS = {
    RepeatKind.CHASE: "asks again while the first case is open",
    RepeatKind.AFTER_RESOLVED: "back after it was resolved",
}
_NOTES = {
    "claimed": "{actor} claimed this.",
    "released": "{actor} gave this back to the queue.",
    "resolved": "{actor} resolved this.",
    "dismissed": "{actor} closed this: not for us.",
    "retagged": "{actor} corrected the tags.",
    "audited": "{actor} corrected the tags in the tag audit.",
    "reopened": "The author wrote again, so this is open again.",
    "joined": "The author wrote again; the card shows the latest message.",
    "promised": "{actor} promised the customer an answer by {due}.",
    "promise_kept": "{actor} kept the promise.",
    "promise_cancelled": "{actor} cancelled the promise.",
    "promise_soon": "{to}☎ Promise due {due}, made by {by}.",
    "overdue": "{to}⏰ This was due {due} and is not resolved yet.",
    "promise_broken": "{to}⏰ The promise made by {by} was due {due} and is still owed.",
    "goodwill": "{actor} gave {amount} as goodwill.",
    "merged": "{actor} merged this into another case.",
    "passed_on": "{actor} passed this on to {team} (request {request}).",
    "request_shipped": "Request {request} has shipped: please tell the customer, then press Customer told.",
    "request_declined": "{team} declined request {request}: please tell the customer, then press Customer told.",
    "customer_told": "{actor} told the customer how it ended.",
    "took_in": "{actor} merged another case into this one.",
    "overridden": "{actor} decided where this stands in the books.",
    "override_lifted": "{actor} let the rules say again where this stands in the books.",
    "into_incident": "{actor} said that this is part of an incident.",
    "out_of_incident": "{actor} said that this is no part of the incident.",
}


class Press(StrEnum):
    """The action ids of a card's buttons."""

    CLAIM = "case_claim"
    RESOLVE = "case_resolve"
    NOT_FOR_US = "case_not_for_us"
    RETAG = "case_retag"
    RELEASE = "case_release"
    PROMISE = "case_promise"
    KEEP_PROMISE = "promise_keep"
    CANCEL_PROMISE = "promise_cancel"
    CUSTOMER_KEPT = "case_customer_kept"
    SEND_ANSWER = "case_send_answer"
    PASS_ON = "case_pass_on"  # noqa: S105  # no password
    CUSTOMER_TOLD = "customer_told"
    OPEN_POST = "open_post"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a message shows: blocks, and the text for notifications and screen readers."""

    text: str
    blocks: list[Json]


def card(view: CaseView, *, now: datetime) -> Rendered:
    """Return the card of a case.

    Raises:
        SlackObjectFormationError: a documented limit of Block Kit is broken.
    """
    latest = view.mentions[-1] if view.mentions else None
    parts: list[Block] = [
        blocks.rich(_title(view), _who(view, latest), blocks.quote(_words_of(latest)), _due(view, now)),
        *_incident(view),
        blocks.context(_facts(view, now)),
        blocks.context([_state(view)]),
    ]
    buttons = _buttons(view, latest)
    parts += [ActionsBlock(elements=buttons)] if buttons else []
    return Rendered(_summary(view, latest), blocks.to_json(parts))


def note(detail: Mapping[str, Any]) -> str:
    """Return a line of a card's thread, as mrkdwn: what happened, and who did it."""
    sentence = _NOTES.get(str(detail.get("event")), "{actor} changed this.")
    told = {
        name: inert(line(str(detail.get(name) or "Somebody"), _NAME_MAX))
        for name in ("actor", "by", "amount", "team", "request")
    }
    due_at = detail.get("due_at")
    due = clock(datetime.fromisoformat(str(due_at))) if due_at else ""
    return sentence.format(**told, due=due, to=_called(detail.get("to")))


def _called(users: object) -> str:
    """The mentions by which Slack notifies people; only ids of users can be one."""
    known = [user for user in users if _USER_ID.fullmatch(str(user))] if isinstance(users, list) else []
    return "".join(f"<@{user}> " for user in known)


def title_of(view: CaseView) -> str:
    """``🔴 Complaint · where is it``, as plain text."""
    return f"{TAG_SIGNS[view.tag]} {view.tag.capitalize()} · {_spoken(view.reason)}"


def author_of(view: CaseView) -> str:
    """``Ann Example (@ann)``, as plain text; what is missing is left out."""
    name, handle = line(view.author_name, _NAME_MAX), line(view.author_handle.removeprefix("@"), _NAME_MAX)
    if name and handle and name != handle:
        return f"{name} (@{handle})"
    return name or (f"@{handle}" if handle else "somebody")


def due_words(view: CaseView, now: datetime) -> str:
    """``due 2 Mar, 14:30 UTC, in 38 min``; "" when nothing is due."""
    if view.due_at is None or view.state not in {CaseState.OPEN, CaseState.CLAIMED}:
        return ""
    if view.is_overdue(now):
        return f"overdue since {clock(view.due_at)}, {_span(now - view.due_at)}"
    return f"due {clock(view.due_at)}, in {_span(view.due_at - now)}"


def _title(view: CaseView) -> Any:
    cause = f" · caused by {_spoken(view.department)}" if view.department else ""
    urgency = _PRIORITY_SIGNS.get(view.priority, "")
    parts = [words(title_of(view), is_bold=True), words(cause + (f" · {urgency}" if urgency else ""))]
    return section(*parts, words("\n"))


def _who(view: CaseView, latest: CaseMention | None) -> Any:
    followers = f" · {view.followers:,} followers" if view.followers is not None else ""
    where = f" · {_spoken(view.platform)}, {line(view.channel, _NAME_MAX)}"
    parts: list[Part] = [words(author_of(view), is_bold=True), words(followers + where)]
    if latest is not None:
        parts += [words(" · "), moment(latest.posted_at, "{date_short_pretty} {time}", clock(latest.posted_at))]
    return section(*parts)


def _words_of(mention: CaseMention | None) -> str:
    """The customer's words, or that they are gone."""
    if mention is None or mention.liveness is Liveness.DELETED:
        return REMOVED
    text = shorten(plain(mention.text), _WORDS_MAX, bytes_max=_WORDS_BYTES_MAX)
    return text or "[no text]"


def _due(view: CaseView, now: datetime) -> Any:
    """The due time in the reader's time zone; ``{ago}`` counts down on his screen, so the card need not be edited."""
    if view.due_at is None or view.state not in {CaseState.OPEN, CaseState.CLAIMED}:
        return section(words(" "))
    label = "⏰ overdue since " if view.is_overdue(now) else "⏱ due "
    return section(words(label), moment(view.due_at, "{date_short_pretty} {time} ({ago})", due_words(view, now)))


def _incident(view: CaseView) -> list[Block]:
    """``part of Card reader fault, 316 mentions, bulk answer ready``: many wrote of this, so nobody need write anew."""
    found = view.incident
    if found is None:
        return []
    is_ready = found.is_answered and view.state in LIVE
    ready = ", bulk answer ready" if is_ready else ""
    mentions = f"{found.mentions:,} mention{'' if found.mentions == 1 else 's'}"
    name = words(line(found.name, _NAME_MAX), is_bold=True)
    return [blocks.rich(section(words("🔥 part of "), name, words(f", {mentions}{ready}")))]


def _facts(view: CaseView, now: datetime) -> list[str]:
    """What helps to judge the case, one line each; what is not so is not said."""
    messages = f"{view.mention_count} messages, latest shown" if view.mention_count > 1 else ""
    repeat = _REPEATS.get(view.repeat_kind, "")
    facts = [
        f"{round(view.confidence * 100)} % sure",
        messages,
        f"↻ {repeat}" if repeat else "",
        f"in {view.queue}: {view.why}" if view.why else f"in {view.queue}",
        promise_words(view, now),
        *(_asked(one) for one in view.asked_for[:_ASKED_SHOWN]),
        f"👁 please review: {view.review}" if view.needs_review and view.review else "",
    ]
    return [line(fact, _FACT_MAX) for fact in facts if fact]


def promise_words(view: CaseView, now: datetime) -> str:
    """``☎ promise due 2 Mar, 14:30 UTC (in 38 min), made by Ann``; "" when none is owed."""
    promise = view.promise
    if promise is None:
        return ""
    left = promise.due_at - now
    when = f"in {_span(left)}" if left > timedelta(0) else f"overdue {_span(-left)}"
    return f"☎ promise due {clock(promise.due_at)} ({when}), made by {line(promise.made_by_name, _NAME_MAX)}"


def _asked(one: AskedFor) -> str:
    """``💡 mobile was asked for dark mode``, and at the end what its customer is to be told.

    The steps in between are left out: a card is not edited for each, as hundreds may ask for the same.
    """
    title = line(one.title, _NAME_MAX) or "something"
    why = f" ({line(one.why, _EXCERPT_MAX)})" if one.to_tell and one.why else ""
    tell = f"; tell the customer{why}" if one.to_tell else ""
    ended = f": {WORDS[one.state]}{tell}" if one.state in ENDED else ""
    return f"💡 {_spoken(one.team)} was asked for {title}{ended}"


def _state(view: CaseView) -> str:
    owner = line(view.owner_name or view.owner, _NAME_MAX)
    when = f", {clock(view.closed_at)}" if view.closed_at else ""
    match view.state:
        case CaseState.OPEN:
            return "Nobody has this yet"
        case CaseState.CLAIMED:
            return f"✋ {owner} has this"
        case CaseState.RESOLVED if view.merged_into is not None:
            return f"Part of case {view.merged_into} now{when}"
        case CaseState.RESOLVED if view.closed_how == "no_action":
            return f"Closed without action{when}"
        case CaseState.RESOLVED:
            return f"✅ Resolved{f' by {owner}' if owner else ''}{when}"
        case CaseState.DISMISSED:
            return f"Not for us{f', says {owner}' if owner else ''}{when}"


def _buttons(view: CaseView, latest: CaseMention | None) -> list[ButtonElement]:
    value = str(view.id)
    claim = blocks.button("Claim", Press.CLAIM, value, style="primary")
    resolve = blocks.button("Resolve", Press.RESOLVE, value, style="primary" if view.owner else None)
    release = blocks.button("Give back", Press.RELEASE, value)
    dismiss = blocks.button("Not for us", Press.NOT_FOR_US, value, confirm=_dismissal())
    retag = blocks.button("Retag", Press.RETAG, value)
    kept = blocks.button("Resolve: customer kept", Press.CUSTOMER_KEPT, value)
    at_risk = [kept] if view.reason in CUSTOMER_AT_RISK else []
    answer = blocks.button("Send bulk answer", Press.SEND_ANSWER, value)
    ready = [answer] if view.incident and view.incident.is_answered else []
    by_state = {
        CaseState.OPEN: [claim, resolve, *ready, *at_risk, dismiss, retag, *_promises(view), *_requests(view)],
        CaseState.CLAIMED: [resolve, *ready, *at_risk, release, dismiss, retag, *_promises(view), *_requests(view)],
        # What people correct is what the tagger learns from, so a resolved case can still be retagged.
        CaseState.RESOLVED: [retag, *(_promises(view) if view.promise else []), *_requests(view)],
        CaseState.DISMISSED: [],
    }
    is_there = latest is not None and latest.liveness is not Liveness.DELETED
    post = blocks.link_button("Open post", Press.OPEN_POST, latest.url) if latest and is_there else None
    shown = [] if view.merged_into is not None else by_state[view.state]
    return [*shown, *([post] if post else [])]


def _promises(view: CaseView) -> list[ButtonElement]:
    value = str(view.id)
    promise = blocks.button("Promise…", Press.PROMISE, value)
    if view.promise is None:
        return [promise]
    keep = blocks.button("Promise kept", Press.KEEP_PROMISE, value)
    return [keep, blocks.button("Cancel promise", Press.CANCEL_PROMISE, value), promise]


def _requests(view: CaseView) -> list[ButtonElement]:
    """What asks for something can be passed on; who asked is told how it ended."""
    value, tags = str(view.id), {view.tag, *(tag for mention in view.mentions for tag in mention.tags)}
    told = blocks.button("Customer told", Press.CUSTOMER_TOLD, value, style="primary")
    asks = [told] if any(one.to_tell for one in view.asked_for) else []
    return [*asks, *([blocks.button("Pass on…", Press.PASS_ON, value)] if Tag.REQUEST in tags else [])]


def _dismissal() -> ConfirmObject:
    return ConfirmObject(
        title="Not for us?",
        text="The case is closed, and its tags leave the ledger. For spam, and for posts that are not about us.",
        confirm="Not for us",
        deny="Keep it",
        style="danger",
    )


def _summary(view: CaseView, latest: CaseMention | None) -> str:
    """The top-level text: notifications show it, and screen readers read nothing else."""
    excerpt = inert(shorten(line(_words_of(latest), _WORDS_MAX), _EXCERPT_MAX))
    return f"{inert(title_of(view))} from {inert(author_of(view))}: {excerpt} ({inert(_state(view))})"


def _spoken(name: str) -> str:
    """``where_is_it`` → ``where is it``."""
    return line(name.replace("_", " "), _NAME_MAX)


def _span(length: timedelta) -> str:
    """``38 min``, ``3 h``, ``2 d``: one unit, cut down."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 90:  # noqa: PLR2004  # as people say it: "75 min", and then "2 h"
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"  # noqa: PLR2004  # the same for hours and days
