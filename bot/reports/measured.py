"""Active time from what agents really did, and the default minutes it suggests (specification 1.6).

Claim-to-resolve time would count lunch as work and parallel cards twice. Here every second of an agent belongs to one
card at most, so nobody can book more than the clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

CAP_SECONDS: Final = 300
TAIL_SECONDS: Final = 30
CONTACTS_MIN: Final = 30
WINDOW: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Action:
    """An agent did something on a card: claimed, opened, replied, noted, resolved."""

    agent: str
    card: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """An action as booking sees it. ``counts``: it was done on the case in question and nobody has booked it yet.

    ``books``: with it, time was booked, or now is: a case was resolved, or a promise kept.
    """

    agent: str
    at: datetime
    counts: bool
    books: bool = False


@dataclass(frozen=True, slots=True)
class AgentCard:
    """The active seconds one agent gave to one card."""

    agent: str
    card: str
    seconds: int


@dataclass(frozen=True, slots=True)
class ActiveTime:
    """Active seconds, by agent and card and by card."""

    per_agent_card: tuple[AgentCard, ...]
    per_card: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MeasuredContact:
    """A closed contact with measured time; ``kind`` is its kind of channel, such as social, email or phone."""

    reason: str
    kind: str
    seconds: int
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class DefaultProposal:
    """A median that may replace a default, if a supervisor accepts it; that makes a new config version."""

    reason: str
    kind: str
    contacts: int
    default_seconds: int | None
    median_seconds: int


def active_time(
    actions: Iterable[Action], *, cap_seconds: int = CAP_SECONDS, tail_seconds: int = TAIL_SECONDS
) -> ActiveTime:
    """Return the active seconds of agents on cards.

    The gap to an agent's next action, on whichever card, belongs to the earlier action's card, at most
    ``cap_seconds``; ``tail_seconds`` follow the last action. Fractions of a second are dropped.
    """
    by_agent: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for action in actions:
        by_agent[action.agent].append((action.at, action.card))
    seconds: Counter[tuple[str, str]] = Counter()
    for agent, moments in by_agent.items():
        moments.sort()
        for (at, card), (following, _) in pairwise(moments):
            seconds[agent, card] += min(int((following - at).total_seconds()), cap_seconds)
        seconds[agent, moments[-1][1]] += tail_seconds
    return _active_time(seconds)


def seconds_to_book(
    steps: Iterable[Step], *, at: datetime, cap_seconds: int = CAP_SECONDS, tail_seconds: int = TAIL_SECONDS
) -> dict[str, int]:
    """Return the active seconds, by agent, that are booked at ``at``; {} when nothing was measured.

    ``steps`` are what the agents did on any card, in their order. As :func:`active_time`, but what is booked is never
    taken back, so it may not depend on what the agents do next:

    * The step that books is followed by its tail, at once and whole. Whatever the agent does elsewhere within the tail
      begins to count when it is over.
    * Of an agent who has done nothing since, the tail ends at ``at``.
    * Tails alone measure nothing: one press says when something was done, not how long it took.

    So every second of an agent is booked once at most, however his steps are spread over cards and bookings.
    """
    gaps: Counter[str] = Counter()
    tails: Counter[str] = Counter()
    by_agent: defaultdict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_agent[step.agent].append(step)
    cap, tail = timedelta(seconds=cap_seconds), timedelta(seconds=tail_seconds)
    for agent, moments in by_agent.items():
        free_from = moments[0].at
        for step, following in zip(moments, [*moments[1:], None], strict=True):
            begins, is_gap = max(step.at, free_from), False
            if step.books:
                ends = free_from = step.at + tail
            elif following is None:
                ends = min(step.at + tail, at)
            else:
                ends, is_gap = min(following.at, step.at + cap), True
            if step.counts:
                (gaps if is_gap else tails)[agent] += max(int((ends - begins).total_seconds()), 0)
    return dict(gaps + tails) if gaps.total() else {}


def _active_time(seconds: Mapping[tuple[str, str], int]) -> ActiveTime:
    per_card: Counter[str] = Counter()
    for (_, card), spent in sorted(seconds.items()):
        per_card[card] += spent
    return ActiveTime(
        tuple(AgentCard(agent, card, spent) for (agent, card), spent in sorted(seconds.items())),
        dict(sorted(per_card.items())),
    )


def default_proposals(
    contacts: Iterable[MeasuredContact], *, as_of: datetime, defaults: Mapping[tuple[str, str], int]
) -> tuple[DefaultProposal, ...]:
    """Return the medians of the last 90 days that differ from the default, by reason and kind of channel.

    Fewer than 30 measured contacts propose nothing. ``defaults`` are seconds by (reason, kind).
    """
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for contact in contacts:
        if as_of - WINDOW < contact.closed_at <= as_of:
            found[contact.reason, contact.kind].append(contact.seconds)
    rows = [
        DefaultProposal(*key, len(seconds), defaults.get(key), int(median(seconds) + 0.5))
        for key, seconds in sorted(found.items())
        if len(seconds) >= CONTACTS_MIN
    ]
    return tuple(row for row in rows if row.median_seconds != row.default_seconds)
