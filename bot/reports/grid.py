"""The asset/liability grid: what each kind of contact costs, and on whom it falls (specification 2.2)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from bot.domain import Quadrant
from bot.reports.facts import LineSum, counted_contacts, priced
from bot.reports.figures import MONEY, VISIBLE, percent

_CELLS: Final[Mapping[Quadrant, tuple[int | None, int | None, str]]] = {
    Quadrant.ASSET: (1, 1, "grow"),
    Quadrant.AUTOMATE: (1, 0, "automate"),
    Quadrant.SIMPLIFY: (0, 1, "simplify"),
    Quadrant.LIABILITY: (0, 0, "eliminate"),
    Quadrant.UNCLASSIFIED: (None, None, "classify"),
}
"""Customer value, business value, and what to do about such contacts."""


@dataclass(frozen=True, slots=True)
class ReasonCost:
    """What the contacts of one reason cost."""

    reason: str
    contacts: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell of the grid; shares are of all contacts and of the whole contact cost. Reasons dearest first."""

    customer_value: int | None
    business_value: int | None
    action: str
    contacts: int
    contacts_share: str
    cost_minor: int
    cost_share: str
    measured_share: str
    reasons: tuple[ReasonCost, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The five cells, by quadrant. ``provisional`` is how the tags alone would part the unclassified cost."""

    total_contacts: int
    total_cost_minor: int
    grid: Mapping[Quadrant, GridCell]
    provisional: Mapping[str, int] = field(metadata=MONEY)


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """What one customer segment's contacts cost, and how much of all waste falls on it."""

    segment: str = field(metadata=VISIBLE)
    contacts: int
    cost_minor: int
    waste_minor: int
    share_of_waste: str
    waste_share_of_cost: str


class Approval(NamedTuple):
    """Who put a reason into its cell, and when."""

    reason: str
    by: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Movement:
    """How often a reason came up for each 1 000 of the driver, now and before; rates, so that sales do not count.

    ``change`` is the relative change of the rate, ``n/a`` where there was none before.
    """

    reason: str
    contacts_now: int
    contacts_before: int
    per_1000_now: float | None
    per_1000_before: float | None
    change: str
    approved_by: str
    approved_on: date | None


def grid(sums: Iterable[LineSum], *, currency: str) -> Grid:
    """Return the grid of posted lines. A line's account decides its cell, so cells add up to the statement."""
    lines = list(sums)
    costs, contacts = priced(lines, currency), counted_contacts(lines)
    whole_cost, whole_contacts = _amount(costs), _amount(contacts)
    cells = {
        quadrant: _cell(
            quadrant,
            [line for line in costs if line.cell is quadrant],
            [line for line in contacts if line.cell is quadrant],
            whole_cost=whole_cost,
            whole_contacts=whole_contacts,
        )
        for quadrant in _CELLS
    }
    return Grid(whole_contacts, whole_cost, cells, _provisional(costs))


def _cell(
    quadrant: Quadrant, costs: list[LineSum], contacts: list[LineSum], *, whole_cost: int, whole_contacts: int
) -> GridCell:
    customer_value, business_value, action = _CELLS[quadrant]
    cost, count = _amount(costs), _amount(contacts)
    return GridCell(
        customer_value=customer_value,
        business_value=business_value,
        action=action,
        contacts=count,
        contacts_share=percent(count, whole_contacts),
        cost_minor=cost,
        cost_share=percent(cost, whole_cost),
        measured_share=percent(_amount(line for line in costs if line.basis == "M"), cost),
        reasons=by_reason(costs, contacts),
    )


def by_reason(costs: Iterable[LineSum], contacts: Iterable[LineSum]) -> tuple[ReasonCost, ...]:
    """Return cost and contacts of each reason: cost falling, contacts falling, then the reason's name."""
    money, counts = _per_reason(costs), _per_reason(contacts)
    rows = [ReasonCost(reason, counts[reason], money[reason]) for reason in money.keys() | counts.keys()]
    kept = [row for row in rows if row.contacts or row.cost_minor]
    return tuple(sorted(kept, key=lambda row: (-row.cost_minor, -row.contacts, row.reason)))


def _per_reason(lines: Iterable[LineSum]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.why] += line.amount
    return sums


def _provisional(costs: Iterable[LineSum]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for line in costs:
        if line.cell is Quadrant.UNCLASSIFIED:
            sums[line.quadrant or Quadrant.UNCLASSIFIED.value] += line.amount
    return {quadrant: amount for quadrant, amount in sorted(sums.items()) if amount}


def by_segment(sums: Iterable[LineSum], *, currency: str) -> tuple[SegmentRow, ...]:
    """Return how much of the cost and of the waste falls on each segment, most waste first; "" is not known."""
    parts: defaultdict[str, list[LineSum]] = defaultdict(list)
    for line in sums:
        parts[line.segment or ""].append(line)
    whole = _waste(line for lines in parts.values() for line in priced(lines, currency))
    rows = [_segment(name, lines, currency=currency, whole_waste=whole) for name, lines in parts.items()]
    kept = [row for row in rows if row.contacts or row.cost_minor or row.waste_minor]
    return tuple(sorted(kept, key=lambda row: (-row.waste_minor, -row.cost_minor, row.segment)))


def _segment(name: str, lines: list[LineSum], *, currency: str, whole_waste: int) -> SegmentRow:
    costs = priced(lines, currency)
    cost, waste = _amount(costs), _waste(costs)
    contacts = _amount(counted_contacts(lines))
    return SegmentRow(name, contacts, cost, waste, percent(waste, whole_waste), percent(waste, cost))


def movement(
    now: Iterable[LineSum],
    before: Iterable[LineSum],
    *,
    driver_now: int,
    driver_before: int,
    approvals: Iterable[Approval] = (),
) -> tuple[Movement, ...]:
    """Return how each reason's rate moved between two periods, the strongest rise first.

    The driver is what contacts grow with: orders, flights, active customers.
    """
    counts_now, counts_before = (_per_reason(counted_contacts(lines)) for lines in (now, before))
    approved = {approval.reason: approval for approval in approvals}
    rows = []
    for reason in sorted(counts_now.keys() | counts_before.keys()):
        approval = approved.get(reason, Approval(reason, "", None))
        rows.append(_moved(approval, counts_now[reason], counts_before[reason], driver_now, driver_before))
    return tuple(sorted(rows, key=lambda row: (-((row.per_1000_now or 0) - (row.per_1000_before or 0)), row.reason)))


def _moved(approval: Approval, now: int, before: int, driver_now: int, driver_before: int) -> Movement:
    return Movement(
        reason=approval.reason,
        contacts_now=now,
        contacts_before=before,
        per_1000_now=now * 1000 / driver_now if driver_now else None,
        per_1000_before=before * 1000 / driver_before if driver_before else None,
        # Whole numbers: the ratio of two rates is one fraction.
        change=percent(now * driver_before - before * driver_now, before * driver_now),
        approved_by=approval.by,
        approved_on=approval.on,
    )


def _amount(lines: Iterable[LineSum]) -> int:
    return sum(line.amount for line in lines)


def _waste(lines: Iterable[LineSum]) -> int:
    return _amount(line for line in lines if line.cell is Quadrant.LIABILITY)
