"""First response: silence counts as late (specification 2.13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from types import MappingProxyType
from typing import Final

from bot.domain import Tag
from bot.reports.figures import DETAIL, percent

TARGET_MINUTES: Final[Mapping[Tag, int]] = MappingProxyType({Tag.COMPLAINT: 60, Tag.REQUEST: 240, Tag.PRAISE: 24 * 60})
"""Defaults, in care hours; not norms."""


class ResponseState(StrEnum):
    """How a card's first reply stands. One that still has time counts nowhere yet."""

    WITHIN = "within"
    LATE = "late"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class CardFact:
    """A card: the minutes to its first reply or, while there is none, its age; both in care hours."""

    tag: Tag
    minutes: int | None = None
    age_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """First replies for one tag; the tag None is all of them. ``counted`` are answered or late."""

    tag: Tag | None
    target_minutes: int | None
    answered: int
    within_count: int
    counted: int
    waiting: int
    within: str
    median_minutes: float | None
    p90_minutes: int | None


@dataclass(frozen=True, slots=True)
class FirstResponse:
    """First replies, overall and by tag. ``states`` are in the order of the cards."""

    overall: ResponseRow
    by_tag: tuple[ResponseRow, ...]
    states: tuple[ResponseState, ...] = field(metadata=DETAIL)


def state(card: CardFact, target_minutes: int) -> ResponseState:
    """Return how a card's first reply stands against its target; exactly on target is within."""
    if card.minutes is not None:
        return ResponseState.WITHIN if card.minutes <= target_minutes else ResponseState.LATE
    return ResponseState.LATE if (card.age_minutes or 0) > target_minutes else ResponseState.WAITING


def first_response(cards: Iterable[CardFact], *, target_minutes: Mapping[Tag, int] = TARGET_MINUTES) -> FirstResponse:
    """Return how soon customers heard from us; ``target_minutes`` may leave tags to their default."""
    facts = list(cards)
    targets = {**TARGET_MINUTES, **target_minutes}
    states = [state(card, targets[card.tag]) for card in facts]
    judged = list(zip(facts, states, strict=True))
    rows = (
        _row(tag, targets[tag], [(card, found) for card, found in judged if card.tag is tag])
        for tag in Tag
        if any(card.tag is tag for card in facts)
    )
    return FirstResponse(_row(None, None, judged), tuple(rows), tuple(states))


def _row(tag: Tag | None, target: int | None, judged: Sequence[tuple[CardFact, ResponseState]]) -> ResponseRow:
    minutes = sorted(card.minutes for card, _ in judged if card.minutes is not None)
    within = sum(found is ResponseState.WITHIN for _, found in judged)
    waiting = sum(found is ResponseState.WAITING for _, found in judged)
    return ResponseRow(
        tag=tag,
        target_minutes=target,
        answered=len(minutes),
        within_count=within,
        counted=len(judged) - waiting,
        waiting=waiting,
        within=percent(within, len(judged) - waiting),
        median_minutes=float(median(minutes)) if minutes else None,
        p90_minutes=nearest_rank(minutes, 90) if minutes else None,
    )


def nearest_rank(ordered: Sequence[int], pct: int) -> int:
    """Return the smallest of the ordered values that at least ``pct`` per cent of them do not exceed."""
    return ordered[max(-(-len(ordered) * pct // 100), 1) - 1]
