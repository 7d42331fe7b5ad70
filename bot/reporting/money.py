"""The reports on money: statement, grid, dearest wastes, sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any, Final

from bot.domain import UNCLASSIFIED, Quadrant
from bot.ledger.model import CostModel
from bot.reporting import audits, plans
from bot.reporting.ask import Ask, previous, sums
from bot.reports import grid as grids
from bot.reports import sensitivity as swings
from bot.reports import statement as statements
from bot.reports import top as wastes
from bot.reports.facts import LineSum, counted_contacts, priced
from bot.reports.figures import percent
from storage import notes, report_cases, report_facts, report_imports
from storage.notes import Note
from storage.report_cases import CandidateGroup

LISTED: Final = 10


def statement(ask: Ask) -> statements.Statement:
    """Return the value/waste statement and the balance sheet."""
    first, last = ask.period
    found = statements.statement(
        ask.period,
        currency=ask.currency,
        posted=ask.posted,
        to_date=sums(report_facts.to_date(ask.session, last=last)),
        pending=sums(report_facts.pending(ask.session, last=last)),
        prior_period=sums(report_facts.late(ask.session, first=first, last=last)),
    )
    corrections = report_facts.corrections(ask.session, first=first, last=last, unit=ask.currency)
    return replace(found, prior_period=tuple(statements.PriorPeriod(*row) for row in corrections))


@dataclass(frozen=True, slots=True)
class Grid(grids.Grid):
    """The grid, on whom it falls, and how each reason moved against the month before."""

    by_segment: tuple[grids.SegmentRow, ...]
    movement: tuple[grids.Movement, ...]


def grid(ask: Ask) -> Grid:
    """Return the asset/liability grid; movement is for each 1 000 of the driver, where one was imported."""
    before = previous(ask.period)
    name = plans.driver_of(ask)
    now, then = (
        sum(report_imports.driver_days(ask.session, name, first=span.first, last=span.last).values())
        for span in (ask.period, before)
    )
    by, on, _ = report_facts.config_in_use(ask.session)
    reasons = {line.why for line in ask.posted}
    return Grid(
        **_fields(grids.grid(ask.posted, currency=ask.currency)),
        by_segment=grids.by_segment(ask.posted, currency=ask.currency),
        movement=grids.movement(
            ask.posted,
            sums(report_facts.posted(ask.session, first=before.first, last=before.last)),
            driver_now=now,
            driver_before=then,
            approvals=[grids.Approval(reason, by, on) for reason in sorted(reasons)] if by else (),
        ),
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as it may be read: handle masked, text cut, and nothing of what is gone."""

    reason: str
    kind: str
    mention_id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Top(wastes.TopWastes):
    """The dearest wastes and the mentions that stand for them."""

    examples: tuple[Shown, ...]


def top(ask: Ask, model: CostModel | None = None) -> Top:
    """Return the dearest reasons of waste with their examples; ``model`` names their owners."""
    costs = [line for line in priced(ask.posted, ask.currency) if line.cell is Quadrant.LIABILITY]
    listed = [row.reason for row in grids.by_reason(costs, ())][:LISTED]
    found = wastes.top_wastes(
        ask.posted,
        period=ask.month,
        currency=ask.currency,
        limit=LISTED,
        backgrounds=_backgrounds(ask, listed, costs, model),
    )
    return Top(**_fields(found), examples=_shown(ask, found))


def _backgrounds(
    ask: Ask, reasons: list[str], costs: list[LineSum], model: CostModel | None
) -> dict[str, wastes.Background]:
    repeats = report_cases.repeats_by_reason(ask.session, since=ask.since, until=ask.until)
    written = notes.newest(ask.session)
    attacked = report_imports.initiatives_by_reason(ask.session)
    candidates = _candidates(ask, reasons)
    then = _waste_before(ask)
    now = {row.reason: row.cost_minor for row in grids.by_reason(costs, ())}
    return {
        reason: wastes.Background(
            owner=owner_of(model, reason),
            repeats=repeats.get(reason, 0),
            trend=percent(now[reason] - then.get(reason, 0), then.get(reason, 0)),
            root_cause=_said(written.get(reason)),
            initiative=attacked.get(reason, ""),
            candidates=candidates.get(reason, ()),
        )
        for reason in reasons
    }


def _said(note: Note | None) -> str:
    """A note, who wrote it, and when."""
    return f"{note.text} ({note.written_by}, {note.written_at:%Y-%m-%d})" if note else ""


def _candidates(ask: Ask, reasons: list[str]) -> dict[str, tuple[wastes.Candidate, ...]]:
    """Of each reason the mentions among which the examples are: all that can win one of the three draws.

    The rules are those of :func:`bot.reports.top.examples`, which has the last word; a month has too many mentions to
    make an object of each.
    """
    groups = report_cases.candidate_groups(
        ask.session, since=ask.since, until=ask.until, reasons=reasons, unit=ask.currency
    )
    winners = {reason: _drawn(ask, reason, group) for reason, group in groups.items()}
    shown = report_cases.may_be_shown(ask.session, {case_id for won in winners.values() for case_id in won})
    hidden = [reason for reason, won in winners.items() if not shown.issuperset(won)]
    if hidden:
        # One of them may not be shown: the draw is among those that may, so all have to be looked up.
        winners |= _drawn_of_shown(ask, hidden)
    times = report_cases.opened_at(ask.session, {case_id for won in winners.values() for case_id in won})
    return {
        reason: tuple(
            wastes.Candidate(str(case_id), cost, times[case_id], is_public=True, is_erased=False)
            for case_id, cost in won.items()
        )
        for reason, won in winners.items()
    }


def _drawn(ask: Ask, reason: str, group: CandidateGroup) -> dict[int, int]:
    """The dearest, the latest and the typical one, with their costs."""
    seed = f"{ask.month}:{reason}:".encode()
    most = max(group.costs)
    dearest = min(name for name, cost in zip(group.ids, group.costs, strict=True) if cost == most)
    typical = min(group.ids, key=lambda name: sha256(seed + name).digest())
    cost_of = {name: group.costs[group.ids.index(name)] for name in (dearest, max(group.latest), typical)}
    return {int(name): cost for name, cost in cost_of.items()}


def _drawn_of_shown(ask: Ask, reasons: Sequence[str]) -> dict[str, dict[int, int]]:
    """The same among those that may be shown; a reason without any has none."""
    rows = report_cases.candidates(ask.session, since=ask.since, until=ask.until, reasons=reasons, unit=ask.currency)
    shown = report_cases.may_be_shown(ask.session, [row.mention_id for row in rows])
    found: dict[str, dict[int, int]] = {}
    for reason in reasons:
        left = [row for row in rows if row.reason == reason and row.mention_id in shown]
        found[reason] = _drawn(ask, reason, report_cases.grouped(left)) if left else {}
    return found


def _waste_before(ask: Ask) -> dict[str, int]:
    before = previous(ask.period)
    lines = sums(report_facts.posted(ask.session, first=before.first, last=before.last))
    costs = [line for line in priced(lines, ask.currency) if line.cell is Quadrant.LIABILITY]
    return {row.reason: row.cost_minor for row in grids.by_reason(costs, ())}


def owner_of(model: CostModel | None, reason: str) -> str:
    """Return the departments that own a reason; "" where that is not known."""
    if model is None or (reason not in model.taxonomy.reasons and reason != UNCLASSIFIED):
        return ""
    return ", ".join(dept for dept, _ in model.taxonomy.reason(reason).owners)


def _shown(ask: Ask, found: wastes.TopWastes) -> tuple[Shown, ...]:
    pairs = [(row.reason, example) for row in found.top for example in row.examples]
    words = report_cases.words_of(ask.session, [int(example.mention_id) for _, example in pairs])
    return tuple(
        Shown(reason, example.kind, example.mention_id, wastes.masked(handle), wastes.excerpt(text))
        for reason, example in pairs
        for handle, text in [words.get(int(example.mention_id), ("", ""))]
    )


def sensitivity(ask: Ask) -> swings.Sensitivity:
    """Return how far the waste moves with each assumption."""
    waste = [line for line in priced(ask.posted, ask.currency) if line.cell is Quadrant.LIABILITY]
    contacts = counted_contacts(ask.posted)
    return swings.sensitivity(
        measured_minor=sum(line.amount for line in waste if line.basis == "M"),
        estimated_minor=sum(line.amount for line in waste if line.basis != "M"),
        flagged=sum(line.amount for line in contacts if line.cell is Quadrant.LIABILITY),
        n=sum(line.amount for line in contacts),
        found=swings.accuracy(audits.of_waste(ask)),
    )


def _fields(report: Any) -> dict[str, Any]:
    """The fields of a report, for one that says more."""
    return {field.name: getattr(report, field.name) for field in fields(report)}
