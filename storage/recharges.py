"""Proposals to charge departments for waste: what was proposed, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import and_, func, insert, or_, select, update
from sqlmodel import Session, col

from bot.domain import Quadrant
from bot.ledger.accounts import GOODWILL, WASTE
from bot.ledger.recharges import Item, ItemState
from storage.ledger_rows import JOURNAL, LINE
from storage.models_money import RechargeItem
from storage.sql import changed

OPEN = (ItemState.PROPOSED.value, ItemState.DISPUTED.value)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it is stored first."""

    period: str
    item: Item
    proposed_by: str
    samples: Sequence[int]
    hold_key: str


def store(session: Session, proposals: Sequence[Proposal]) -> None:
    """Store new proposals."""
    if proposals:
        session.execute(insert(RechargeItem), [_row(one) for one in proposals])


def _row(one: Proposal) -> dict[str, object]:
    names = ("dept", "number", "state", "proposed_minor", "proposed_on", "accepted_minor")
    item = asdict(one.item)
    return {
        **{name: item[name] for name in names},
        "period": one.period,
        "proposed_by": one.proposed_by,
        "samples": list(one.samples),
        "hold_key": one.hold_key,
        **dict.fromkeys(("disputed_by", "disputed_why", "settled_by", "settled_why", "end_key"), ""),
    }


def of_period(session: Session, period: str) -> list[RechargeItem]:
    """Return the proposals for a month, by department and number."""
    order = (col(RechargeItem.dept), col(RechargeItem.number))
    return list(session.scalars(select(RechargeItem).where(col(RechargeItem.period) == period).order_by(*order)))


def of_department(session: Session, period: str, dept: str) -> list[RechargeItem]:
    """Return the proposals to a department for a month in their order, locked until the transaction ends."""
    query = select(RechargeItem).where(col(RechargeItem.period) == period, col(RechargeItem.dept) == dept)
    return list(session.scalars(query.order_by(col(RechargeItem.number)).with_for_update()))


def open_items(session: Session) -> list[RechargeItem]:
    """Return the proposals that nobody has settled, oldest first."""
    order = (col(RechargeItem.proposed_on), col(RechargeItem.period), col(RechargeItem.dept), col(RechargeItem.number))
    return list(session.scalars(select(RechargeItem).where(col(RechargeItem.state).in_(OPEN)).order_by(*order)))


def disputed_on(session: Session, day: date) -> int:
    """Return how many proposals stood disputed at the end of a day."""
    table = RechargeItem
    is_settled = and_(col(table.settled_on).is_not(None), col(table.settled_on) <= day)
    query = select(func.count()).select_from(table).where(col(table.disputed_on) <= day, ~is_settled)
    return session.scalar(query) or 0


def item_of(row: RechargeItem) -> Item:
    """Return a stored proposal as the rules take it."""
    return Item(
        row.dept,
        row.proposed_minor,
        row.proposed_on,
        row.number,
        ItemState(row.state),
        row.accepted_minor,
        row.settled_on or row.disputed_on,
        row.settled_why or row.disputed_why,
    )


def record_dispute(session: Session, row: RechargeItem, item: Item, *, by: str) -> bool:
    """Write that a department disputes a proposal; False when it is not as it was read."""
    values = {"state": item.state.value, "disputed_on": item.answered_on, "disputed_by": by, "disputed_why": item.why}
    return _change(session, row, values)


def record_settlement(session: Session, row: RechargeItem, item: Item, *, by: str, why: str, end_key: str) -> bool:
    """Write what became of a proposal; False when it is not as it was read."""
    values = {
        "state": item.state.value,
        "accepted_minor": item.accepted_minor,
        "settled_on": item.answered_on,
        "settled_by": by,
        "settled_why": why,
        "end_key": end_key,
    }
    return _change(session, row, values)


def _change(session: Session, row: RechargeItem, values: Mapping[str, object]) -> bool:
    table = RechargeItem
    mine = update(table).where(
        col(table.period) == row.period,
        col(table.dept) == row.dept,
        col(table.number) == row.number,
        col(table.state) == row.state,
    )
    return changed(session, mine.values(**values)) == 1


def cases_charged(session: Session, *, first: date, last: date, unit: str) -> dict[str, list[str]]:
    """Return the cases whose waste, or goodwill on waste, each department bears in the days. Reads their lines."""
    is_waste = or_(
        LINE.c.account == WASTE, and_(LINE.c.account == GOODWILL, LINE.c.quadrant == Quadrant.LIABILITY.value)
    )
    keys = (LINE.c.dept, LINE.c.case_id)
    sums = (
        select(*keys)
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            JOURNAL.c.status == "posted",
            JOURNAL.c.effective_date.between(first, last),
            LINE.c.commodity == unit,
            LINE.c.case_id.is_not(None),
            is_waste,
        )
        .group_by(*keys)
        .having(func.sum(LINE.c.amount) > 0)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for dept, case_id in session.connection().execute(sums):
        found[dept].append(case_id)
    return dict(found)
