"""The reports on money: statement, grid, show-back, dearest wastes, sensitivity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from bot.domain import UNCLASSIFIED, Quadrant
from bot.ledger.model import CostModel
from bot.reporting.ask import Ask, previous, sums
from bot.reports import grid as grids
from bot.reports import recharge as recharges
from bot.reports import sensitivity as swings
from bot.reports import statement as statements
from bot.reports import top as wastes
from bot.reports.facts import LineSum, counted_contacts, priced
from bot.reports.figures import percent
from storage import report_cases, report_facts, report_imports
from storage.report_cases import CandidateRow

LISTED: Final = 10

_COST: Final = attrgetter("cost_minor")
_AT: Final = attrgetter("at")


def statement(ask: Ask) -> statements.Statement:
    """Return the value/waste statement and the balance sheet."""
    first, last = ask.period
    return statements.statement(
        ask.period,
        currency=ask.currency,
        posted=ask.posted,
        to_date=sums(report_facts.to_date(ask.session, last=last)),
        pending=sums(report_facts.pending(ask.session, last=last)),
        prior_period=sums(report_facts.late(ask.session, first=first, last=last)),
    )


@dataclass(frozen=True, slots=True)
class Grid(grids.Grid):
    """The grid, on whom it falls, and how each reason moved against the month before."""

    by_segment: tuple[grids.SegmentRow, ...]
    movement: tuple[grids.Movement, ...]


def grid(ask: Ask) -> Grid:
    """Return the asset/liability grid; movement is for each 1 000 of the driver, where one was imported."""
    before = previous(ask.period)
    name = ask.options.get("driver", "orders")
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
class Recharge(recharges.Recharge):
    """What each department caused, and the conditions under which it may be charged instead of shown."""

    gates: tuple[recharges.Gate, ...]


def recharge(ask: Ask) -> Recharge:
    """Return the show-back statement."""
    first, last = ask.period
    found = recharges.recharge(
        ask.posted,
        currency=ask.currency,
        accruals=sums(report_facts.accruals(ask.session, first=first, last=last)),
    )
    footer = ask.footer()
    gates = recharges.gates(
        closed_periods=report_facts.closed_periods(ask.session),
        audit_ok=footer.audit_ok,
        audit_n=footer.audit_n,
        measured_minor=footer.measured_minor,
        contact_cost_minor=footer.contact_cost_minor,
        unassigned_minor=found.unassigned_minor,
        waste_minor=found.waste_minor,
    )
    return Recharge(**_fields(found), gates=gates)


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
    attacked = report_imports.initiatives_by_reason(ask.session)
    candidates = _candidates(ask, reasons)
    then = _waste_before(ask)
    now = {row.reason: row.cost_minor for row in grids.by_reason(costs, ())}
    return {
        reason: wastes.Background(
            owner=owner_of(model, reason),
            repeats=repeats.get(reason, 0),
            trend=percent(now[reason] - then.get(reason, 0), then.get(reason, 0)),
            initiative=attacked.get(reason, ""),
            candidates=candidates.get(reason, ()),
        )
        for reason in reasons
    }


def _candidates(ask: Ask, reasons: list[str]) -> dict[str, tuple[wastes.Candidate, ...]]:
    """Of each reason the mentions among which the examples are: all that can win one of the three draws.

    The rules are those of :func:`bot.reports.top.examples`, which has the last word; a month has too many mentions to
    make an object of each.
    """
    rows: defaultdict[str, list[CandidateRow]] = defaultdict(list)
    found = report_cases.candidates(ask.session, since=ask.since, until=ask.until, reasons=reasons, unit=ask.currency)
    for row in found:
        rows[row.reason].append(row)
    winners = {reason: _winners(ask, reason, part) for reason, part in rows.items()}
    times = report_cases.opened_at(ask.session, {row.mention_id for part in winners.values() for row in part})
    return {
        reason: tuple(
            wastes.Candidate(
                str(row.mention_id), row.cost_minor, times[row.mention_id], is_public=True, is_erased=False
            )
            for row in part
        )
        for reason, part in winners.items()
    }


def _winners(ask: Ask, reason: str, rows: list[CandidateRow]) -> list[CandidateRow]:
    seed = f"{ask.month}:{reason}:".encode()
    dearest, latest = max(map(_COST, rows)), max(map(_AT, rows))
    return [
        min((row for row in rows if row.cost_minor == dearest), key=_name),
        max((row for row in rows if row.at == latest), key=_name),
        min(rows, key=lambda row: sha256(b"%s%d" % (seed, row.mention_id)).digest()),
    ]


def _name(row: CandidateRow) -> str:
    return str(row.mention_id)


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
    )


def _fields(report: Any) -> dict[str, Any]:
    """The fields of a report, for one that says more."""
    return {field.name: getattr(report, field.name) for field in fields(report)}
