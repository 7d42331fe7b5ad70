"""Repeat contacts and observed first-contact resolution (specification 2.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain import UNCLASSIFIED, RepeatKind
from bot.reports.figures import DETAIL, percent
from bot.reports.probability import wilson

CONTACT_GAP: Final = timedelta(hours=24)
WINDOW_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class MentionFact:
    """A mention as far as grouping needs it. ``subject`` is an opaque id of who wrote it."""

    id: str
    subject: str
    thread: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactFact:
    """A contact. ``closed_resolved`` None while it is open; ``is_identified`` where the customer is known."""

    id: str
    subject: str
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None
    closed_resolved: bool | None
    cost_minor: int = 0
    is_identified: bool = True


@dataclass(frozen=True, slots=True)
class RepeatRow:
    """Repeats and first-contact resolution of one reason, or of all contacts.

    ``fcr_wilson95`` None where no episode has matured: a share of nothing has no interval.
    """

    reason: str
    contacts: int
    repeats: int
    repeat_rate: str
    repeat_cost_minor: int
    episodes: int
    matured: int
    not_matured: int
    fcr_numerator: int
    fcr: str
    fcr_wilson95: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Repeats:
    """*Observed* resolution: what we saw, not what customers say. Reasons with the dearest repeats come first.

    ``identity_coverage`` is the share of contacts with a known customer; without it repeats across channels are missed.
    """

    overall: RepeatRow
    by_reason: tuple[RepeatRow, ...]
    repeat_kind: Mapping[str, RepeatKind] = field(metadata=DETAIL)
    identity_coverage: str


def grouped(mentions: Iterable[MentionFact], *, gap: timedelta = CONTACT_GAP) -> list[tuple[str, ...]]:
    """Return the mentions' ids by contact: same subject and thread, each at most ``gap`` after the one before."""
    groups: list[list[str]] = []
    last: MentionFact | None = None
    for mention in sorted(mentions, key=lambda one: (one.subject, one.thread, one.at, one.id)):
        if last and (last.subject, last.thread) == (mention.subject, mention.thread) and mention.at - last.at <= gap:
            groups[-1].append(mention.id)
        else:
            groups.append([mention.id])
        last = mention
    return [tuple(group) for group in groups]


def repeats(
    contacts: Iterable[ContactFact],
    *,
    as_of: datetime,
    window_days: int = WINDOW_DAYS,
    window_days_of: Mapping[str, int] | None = None,
) -> Repeats:
    """Return repeats and resolution as they stood at ``as_of``; ``window_days_of`` are exceptions by reason."""
    known = [_as_of(contact, as_of) for contact in contacts if contact.opened_at <= as_of]
    windows = {reason: timedelta(days=days) for reason, days in (window_days_of or {}).items()}
    tally = _Tally(as_of, timedelta(days=window_days), windows)
    episodes = [episode for chain in _chains(known) for episode in tally.episodes(chain)]
    by_reason: defaultdict[str, list[list[ContactFact]]] = defaultdict(list)
    for episode in episodes:
        by_reason[_reason(episode[0])].append(episode)
    rows = [tally.row(reason, part) for reason, part in by_reason.items()]
    return Repeats(
        overall=tally.row("", episodes),
        by_reason=tuple(sorted(rows, key=lambda row: (-row.repeat_cost_minor, -row.repeats, row.reason))),
        repeat_kind={contact.id: tally.kinds[contact.id] for contact in sorted(known, key=lambda one: one.id)},
        identity_coverage=percent(sum(contact.is_identified for contact in known), len(known)),
    )


def _as_of(contact: ContactFact, as_of: datetime) -> ContactFact:
    """The contact as one saw it then: a later close has not happened yet."""
    if contact.closed_at is None or contact.closed_at <= as_of:
        return contact
    return replace(contact, closed_at=None, closed_resolved=None)


def _reason(contact: ContactFact) -> str:
    return contact.reason or UNCLASSIFIED


def _chains(contacts: Iterable[ContactFact]) -> Iterator[list[ContactFact]]:
    """The contacts of each subject and reason, oldest first.

    Two unknown reasons are not known to be the same, so an unclassified contact is a chain of its own.
    """
    chains: defaultdict[tuple[str, str, str], list[ContactFact]] = defaultdict(list)
    for contact in contacts:
        reason = _reason(contact)
        chains[contact.subject, reason, contact.id if reason == UNCLASSIFIED else ""].append(contact)
    for _, chain in sorted(chains.items()):
        yield sorted(chain, key=lambda one: (one.opened_at, one.id))


class _Tally:
    """Parts chains into episodes and counts them."""

    def __init__(self, as_of: datetime, window: timedelta, windows: Mapping[str, timedelta]) -> None:
        self.kinds: dict[str, RepeatKind] = {}
        self._as_of = as_of
        self._window = window
        self._windows = windows

    def episodes(self, chain: Sequence[ContactFact]) -> list[list[ContactFact]]:
        """The chain cut where a contact follows nothing; notes each contact's kind on the way."""
        parts: list[list[ContactFact]] = []
        for contact in chain:
            kind = self._kind(contact, parts[-1] if parts else [])
            self.kinds[contact.id] = kind
            if kind is RepeatKind.NONE:
                parts.append([contact])
            else:
                parts[-1].append(contact)
        return parts

    def row(self, reason: str, episodes: Sequence[Sequence[ContactFact]]) -> RepeatRow:
        """The figures of some episodes."""
        contacts = [contact for episode in episodes for contact in episode]
        again = [contact for contact in contacts if self.kinds[contact.id] is not RepeatKind.NONE]
        matured = [episode for episode in episodes if self._is_matured(episode)]
        solved = sum(len(episode) == 1 and bool(episode[0].closed_resolved) for episode in matured)
        return RepeatRow(
            reason=reason,
            contacts=len(contacts),
            repeats=len(again),
            repeat_rate=percent(len(again), len(contacts)),
            repeat_cost_minor=sum(contact.cost_minor for contact in again),
            episodes=len(episodes),
            matured=len(matured),
            not_matured=len(episodes) - len(matured),
            fcr_numerator=solved,
            fcr=percent(solved, len(matured)),
            fcr_wilson95=wilson(solved, len(matured)) if matured else None,
        )

    def _kind(self, contact: ContactFact, episode: Sequence[ContactFact]) -> RepeatKind:
        if not episode:
            return RepeatKind.NONE
        closes = [one.closed_at for one in episode if one.closed_at and one.closed_at <= contact.opened_at]
        if len(closes) < len(episode):
            return RepeatKind.CHASE
        is_soon = contact.opened_at - max(closes) <= self._window_of(contact)
        return RepeatKind.AFTER_RESOLVED if is_soon else RepeatKind.NONE

    def _is_matured(self, episode: Sequence[ContactFact]) -> bool:
        """True when every contact is closed and the time in which another would belong to it is over."""
        closes = [contact.closed_at for contact in episode if contact.closed_at]
        return len(closes) == len(episode) and max(closes) + self._window_of(episode[0]) <= self._as_of

    def _window_of(self, contact: ContactFact) -> timedelta:
        return self._windows.get(_reason(contact), self._window)
