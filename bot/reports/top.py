"""The dearest wastes, each with examples nobody could pick (specification 2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain import Quadrant
from bot.reports.facts import LineSum, counted_contacts, priced
from bot.reports.figures import NOT_AVAILABLE, VISIBLE, drawn, one_line, percent, rounded
from bot.reports.grid import ReasonCost, by_reason

EXCERPT_MAX: Final = 140
REMOVED: Final = "[removed]"
_SHOWN_OF_HANDLE: Final = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mention that may stand as an example. ``cost_minor`` is the posted cost of its case."""

    id: str
    cost_minor: int
    at: datetime
    is_public: bool
    is_erased: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A mention that stands for its reason: the ``dearest``, the ``latest`` or a ``typical`` one.

    Only the id: handle and text are fetched when the report is shown, and may be gone by then.
    """

    kind: str
    mention_id: str


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a reason outside the ledger. Empty says so in the report, in sight of everybody."""

    owner: str = ""
    repeats: int | None = None
    trend: str = NOT_AVAILABLE
    root_cause: str = ""
    initiative: str = ""
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class TopWaste:
    """One reason among the dearest. ``share`` is of all waste."""

    rank: int
    reason: str
    cost_minor: int
    share: str
    contacts: int
    avg_minor: int | None
    measured_share: str
    owner: str
    trend: str
    repeat_rate: str
    root_cause: str = field(metadata=VISIBLE)
    initiative: str = field(metadata=VISIBLE)
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class TopWastes:
    """The dearest wastes; those listed and ``rest_minor`` add up to the statement's waste."""

    period: str
    waste_total_minor: int
    top: tuple[TopWaste, ...]
    rest_minor: int


def top_wastes(
    sums: Iterable[LineSum],
    *,
    period: str,
    currency: str,
    limit: int = 10,
    backgrounds: Mapping[str, Background] | None = None,
) -> TopWastes:
    """Return the ``limit`` dearest reasons of waste; ``period`` (``2026-09``) also seeds the draw of examples."""
    lines = [line for line in sums if line.cell is Quadrant.LIABILITY]
    costs = priced(lines, currency)
    rows = by_reason(costs, counted_contacts(lines))
    measured = {row.reason: row.cost_minor for row in by_reason((line for line in costs if line.basis == "M"), ())}
    whole = sum(row.cost_minor for row in rows)
    known = backgrounds or {}
    listed = tuple(
        _waste(rank, row, measured.get(row.reason, 0), whole, known.get(row.reason, Background()), period)
        for rank, row in enumerate(rows[:limit], start=1)
    )
    return TopWastes(period, whole, listed, whole - sum(row.cost_minor for row in listed))


def _waste(rank: int, row: ReasonCost, measured: int, whole: int, background: Background, period: str) -> TopWaste:
    return TopWaste(
        rank=rank,
        reason=row.reason,
        cost_minor=row.cost_minor,
        share=percent(row.cost_minor, whole),
        contacts=row.contacts,
        avg_minor=rounded(row.cost_minor, row.contacts) if row.contacts else None,
        measured_share=percent(measured, row.cost_minor),
        owner=background.owner,
        trend=background.trend,
        repeat_rate=NOT_AVAILABLE if background.repeats is None else percent(background.repeats, row.contacts),
        root_cause=background.root_cause,
        initiative=background.initiative,
        examples=examples(background.candidates, period=period, reason=row.reason),
    )


def examples(candidates: Iterable[Candidate], *, period: str, reason: str) -> tuple[Example, ...]:
    """Return the dearest, the latest and a typical mention of those that are public and not erased.

    The typical one has the smallest SHA-256 of ``period:reason:id``: drawn, and everybody can draw it again.
    """
    shown = [candidate for candidate in candidates if candidate.is_public and not candidate.is_erased]
    if not shown:
        return ()
    return (
        Example("dearest", min(shown, key=lambda one: (-one.cost_minor, one.id)).id),
        Example("latest", max(shown, key=lambda one: (one.at, one.id)).id),
        Example("typical", drawn([one.id for one in shown], seed=f"{period}:{reason}", limit=1)[0]),
    )


def masked(handle: str) -> str:
    """Return a handle that its owner may recognise and nobody else: ``maria`` → ``ma•••``."""
    name = one_line(handle).removeprefix("@")
    return f"@{name[: min(_SHOWN_OF_HANDLE, len(name) - 1)]}•••" if name else ""


def excerpt(text: str | None) -> str:
    """Return a mention's text on one line of at most 140 characters; ``[removed]`` for one that is gone."""
    shown = one_line(text or "")
    if not shown:
        return REMOVED
    return shown if len(shown) <= EXCERPT_MAX else shown[: EXCERPT_MAX - 1].rstrip() + "…"
