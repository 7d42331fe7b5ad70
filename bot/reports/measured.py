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
