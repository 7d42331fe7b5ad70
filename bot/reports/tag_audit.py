"""How often the tagger is right, by the random sample that supervisors judged (specification 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from bot.domain import Judgement, Tag
from bot.reports.figures import NOT_AVAILABLE, percent, rounded
from bot.reports.probability import wilson
from bot.reports.sensitivity import Accuracy, Audit, accuracy

AUDIT_DAYS: Final = 30
"""Nights whose samples a figure rests on: the month of a report, and enough of them for an interval at any day."""

Pair = tuple[Judgement, Judgement]
"""What the tagger said, and what a supervisor says."""


@dataclass(frozen=True, slots=True)
class NightFact:
    """One night's sample. ``population`` taggings were made that day; ``right`` of the ``judged`` were right."""

    on_date: date
    population: int
    drawn: int
    judged: int
    right: int


@dataclass(frozen=True, slots=True)
class TagRow:
    """How well one tag is found: ``sensitivity`` of those there, ``specificity`` of those not there."""

    tag: Tag
    right: int
    wrong: int
    missed: int
    sensitivity: str
    specificity: str


@dataclass(frozen=True, slots=True)
class TagAudit:
    """The audit of a window of nights. A tagging is right when nothing had to be corrected, the reason included.

    ``share`` has Wilson's 95 % interval from ``low`` to ``high``. ``share_of_all`` weights each night by how many
    taggings were made on its day, so that a busy day counts for as much as it is.
    """

    first: date
    last: date
    population: int
    drawn: int
    judged: int
    right: int
    share: str
    low: str
    high: str
    share_of_all: str
    tags_right: int
    reason_right: int
    by_tag: tuple[TagRow, ...] = ()
    nights: tuple[NightFact, ...] = field(default=())


def tag_audit(nights: Iterable[NightFact], pairs: Sequence[Pair], *, first: date, last: date) -> TagAudit:
    """Return what the samples of the nights from ``first`` to ``last`` say, both inclusive."""
    rows = tuple(nights)
    judged, right = sum(row.judged for row in rows), sum(row.right for row in rows)
    interval = wilson(right, judged) if judged else None
    return TagAudit(
        first=first,
        last=last,
        population=sum(row.population for row in rows),
        drawn=sum(row.drawn for row in rows),
        judged=judged,
        right=right,
        share=percent(right, judged),
        low=_share(interval.low) if interval else NOT_AVAILABLE,
        high=_share(interval.high) if interval else NOT_AVAILABLE,
        share_of_all=_weighted(rows),
        tags_right=sum(_same_tags(*pair) for pair in pairs),
        reason_right=sum(not judged.tags or said.reason == judged.reason for said, judged in pairs),
        by_tag=tuple(_row(tag, pairs) for tag in Tag) if pairs else (),
        nights=rows,
    )


def _share(part: float) -> str:
    return percent(round(part * 1_000_000), 1_000_000)


def _weighted(nights: Iterable[NightFact]) -> str:
    known = [night for night in nights if night.judged]
    whole = sum(night.population for night in known)
    parts = sum(rounded(night.population * night.right * 1_000, night.judged) for night in known)
    return percent(parts, whole * 1_000)


def _same_tags(said: Judgement, judged: Judgement) -> bool:
    return set(said.tags) == set(judged.tags) and said.primary is judged.primary


def _row(tag: Tag, pairs: Sequence[Pair]) -> TagRow:
    audit = confusion((tag in said.tags, tag in judged.tags) for said, judged in pairs)
    found = accuracy(audit)
    return TagRow(
        tag,
        audit.flagged_right,
        audit.flagged_wrong,
        audit.unflagged_wrong,
        _of(found, lambda known: known.sensitivity),
        _of(found, lambda known: known.specificity),
    )


def _of(found: Accuracy | None, part: Callable[[Accuracy], float]) -> str:
    return _share(part(found)) if found else NOT_AVAILABLE


def confusion(marks: Iterable[tuple[bool, bool]]) -> Audit:
    """Return the counts of ``(flagged, truly so)``."""
    counts = {(flagged, is_so): 0 for flagged in (True, False) for is_so in (True, False)}
    for mark in marks:
        counts[mark] += 1
    return Audit(counts[True, True], counts[True, False], counts[False, False], counts[False, True])
