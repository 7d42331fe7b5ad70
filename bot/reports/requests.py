"""Requests passed on to product teams, and whether customers were told (specification 2.11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final

from bot.domain import RequestState
from bot.reports.figures import percent

ACKNOWLEDGE_DAYS: Final = 14


_ANSWERED: Final = {RequestState.ACKNOWLEDGED, RequestState.PLANNED, RequestState.SHIPPED, RequestState.DECLINED}
_ENDED: Final = {RequestState.SHIPPED, RequestState.DECLINED}


@dataclass(frozen=True, slots=True)
class RequestFact:
    """A request of customers. ``customers`` are the distinct people who asked, ``customers_told`` those answered."""

    id: str
    team: str
    customers: int
    first_asked: date
    passed: date | None
    acknowledged: date | None
    state: RequestState
    customers_told: int = 0


@dataclass(frozen=True, slots=True)
class TeamRequests:
    """What one product team got and did. ``told_back`` is of the customers whose request shipped or was declined."""

    requests: int
    customers: int
    passed: int
    acknowledged: int
    median_days_to_acknowledge: float | None
    waiting_over_limit: tuple[str, ...]
    shipped: int
    told_back: str


@dataclass(frozen=True, slots=True)
class Requests:
    """All teams, and the requests whose customers still have to be told."""

    teams: Mapping[str, TeamRequests]
    to_tell: tuple[str, ...]


def requests(facts: Iterable[RequestFact], *, as_of: date, acknowledge_limit_days: int = ACKNOWLEDGE_DAYS) -> Requests:
    """Return how product teams dealt with what customers asked for; the longest waiting come first."""
    ordered = sorted(facts, key=lambda fact: (fact.passed or as_of, fact.id))
    teams: defaultdict[str, list[RequestFact]] = defaultdict(list)
    for fact in ordered:
        teams[fact.team].append(fact)
    rows = {team: _row(part, as_of, acknowledge_limit_days) for team, part in sorted(teams.items())}
    untold = [fact.id for fact in ordered if fact.state in _ENDED and fact.customers_told < fact.customers]
    return Requests(rows, tuple(untold))


def _row(facts: list[RequestFact], as_of: date, limit: int) -> TeamRequests:
    days = [(fact.acknowledged - fact.passed).days for fact in facts if fact.acknowledged and fact.passed]
    ended = [fact for fact in facts if fact.state in _ENDED]
    return TeamRequests(
        requests=len(facts),
        customers=sum(fact.customers for fact in facts),
        passed=sum(fact.passed is not None for fact in facts),
        acknowledged=sum(fact.acknowledged is not None for fact in facts),
        median_days_to_acknowledge=float(median(days)) if days else None,
        waiting_over_limit=tuple(fact.id for fact in facts if _waits(fact, as_of, limit)),
        shipped=sum(fact.state is RequestState.SHIPPED for fact in facts),
        told_back=percent(sum(fact.customers_told for fact in ended), sum(fact.customers for fact in ended)),
    )


def _waits(fact: RequestFact, as_of: date, limit: int) -> bool:
    if fact.passed is None or fact.acknowledged is not None or fact.state in _ANSWERED:
        return False
    return (as_of - fact.passed).days > limit
