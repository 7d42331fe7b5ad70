"""Charging departments for the waste they caused: proposed by finance, answered by its head (specification 2.3).

Each step is one transaction with its journals, and finds its own work done when it is taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from bot import rights
from bot.errors import InputError
from bot.ledger import recharges as drafts
from bot.ledger.journal import Draft
from bot.ledger.recharges import Item, ItemState
from bot.parts import Parts
from bot.periods import require_closed
from bot.reporting import recharge as reporting
from bot.reporting.ask import Ask
from bot.reports import disputes
from bot.reports.figures import money
from bot.reports.recharge import proposals
from bot.soundness import refuse_broken
from storage import ledger, recharges
from storage.db import transaction
from storage.models_money import RechargeItem
from storage.recharges import Proposal

WHY_MAX = 500


@dataclass(frozen=True, slots=True)
class Proposed:
    """A new proposal, for whoever made it."""

    dept: str
    number: int
    minor: int
    samples: tuple[int, ...]


def propose(parts: Parts, period: str, *, by: str) -> list[Proposed]:
    """Propose to each department what of a closed month's waste it was not asked to bear yet; [] when that is nothing.

    Raises:
        InputError: a condition for charging does not hold; the sentence says which.
    """
    settings = parts.settings
    by = rights.finance(settings.ledger, by)
    if settings.ledger.mode != "recharge":
        raise InputError("ledger.mode is 'showback': figures are shown and nobody is charged; set it to 'recharge'")
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        ask = Ask(session, settings, period, parts.now())
        require_closed(session, ask.month)
        found = reporting.recharge(ask)
        failed = [f"{gate.name} is {gate.found}, {gate.wanted} is needed" for gate in found.gates if not gate.holds]
        if failed:
            raise InputError(f"{period} cannot be charged yet: {'; '.join(failed)}")
        known = [recharges.item_of(row) for row in recharges.of_period(session, period)]
        return _propose(parts, ask, proposals(found.eligible, known), known, by)


def _propose(parts: Parts, ask: Ask, wanted: dict[str, int], known: Sequence[Item], by: str) -> list[Proposed]:
    if not wanted:
        return []
    session, today = ask.session, parts.book_date(parts.now())
    cases = recharges.cases_charged(session, first=ask.period.first, last=ask.period.last, unit=ask.currency)
    made, journals = [], []
    for dept, minor in wanted.items():
        item = disputes.propose(dept, minor, on=today, number=1 + sum(one.dept == dept for one in known))
        drawn = [int(one) for one in disputes.samples(cases.get(dept, ()), period=ask.month, dept=dept)]
        hold = drafts.held(ask.month, dept, item.number, minor, on=today, currency=ask.currency, by=by)
        journals.append(hold)
        made.append(Proposal(ask.month, item, by, drawn, hold.key))
    ledger.post(session, journals, now=parts.now())
    recharges.store(session, made)
    return [Proposed(one.item.dept, one.item.number, one.item.proposed_minor, tuple(one.samples)) for one in made]


def accept(  # noqa: PLR0913  # what a department says, all by name
    parts: Parts, period: str, dept: str, *, by: str, amount_minor: int | None = None, why: str = "", number: int = 0
) -> str:
    """Charge a department what it accepts of a proposal, all of it or a part; return a sentence.

    Raises:
        InputError: it is another one's to say, there is no such proposal, or the time for less than all is over.
    """
    by = rights.head(parts.settings.ledger, dept, by)
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        row = _row(session, period, dept, number)
        minor = row.proposed_minor if amount_minor is None else amount_minor
        if _is_settled_as(row, minor):
            return f"{_name(row)} was accepted before: {_money(parts, minor)}."
        item, today = recharges.item_of(row), parts.book_date(parts.now())
        if item.state is ItemState.DISPUTED and minor < item.proposed_minor:
            raise InputError(f"{_name(row)} is disputed; accept all of it, or let finance settle it")
        if minor < item.proposed_minor:
            _refuse_less(parts, row, item, why)
        settled = disputes.settle(item, minor, on=today, why=_words(why))
        _settle(parts, session, row, settled, by=by)
    return f"{_name(row)}: {_money(parts, minor)} of {_money(parts, item.proposed_minor)} is charged to {dept}."


def _refuse_less(parts: Parts, row: RechargeItem, item: Item, why: str) -> None:
    due = disputes.answer_due(item.proposed_on, parts.settings.ledger.recharge.holidays)
    if parts.book_date(parts.now()) > due:
        raise InputError(f"{_name(row)} could be accepted in part until {due}; accept all of it, or ask finance")
    if not _words(why):
        raise InputError(f"{_name(row)}: say with --why what is wrong with the rest")


def dispute(parts: Parts, period: str, dept: str, *, by: str, why: str, number: int = 0) -> str:
    """Record that a department disputes a proposal; its money stays pending. Return a sentence.

    Raises:
        InputError: it is another one's to say, there is no such proposal, or the ten working days are over.
    """
    by = rights.head(parts.settings.ledger, dept, by)
    with transaction(parts.database) as session:
        row = _row(session, period, dept, number)
        if row.state == ItemState.DISPUTED:
            return f"{_name(row)} is disputed already, since {row.disputed_on}."
        today, holidays = parts.book_date(parts.now()), parts.settings.ledger.recharge.holidays
        item = disputes.dispute(recharges.item_of(row), on=today, why=_words(why), holidays=holidays)
        _require(recharges.record_dispute(session, row, item, by=by), row)
    return f"{_name(row)} is disputed: {_money(parts, item.proposed_minor)} stays pending until finance settles it."


def settle(  # noqa: PLR0913  # what finance says, all by name
    parts: Parts, period: str, dept: str, *, by: str, amount_minor: int, why: str, number: int = 0
) -> str:
    """End a dispute with what the department bears, or withdraw a proposal with 0; return a sentence.

    Silence accepts nothing: a proposal that nobody answered can only be withdrawn.

    Raises:
        InputError: it is not for finance to say, there is no such proposal, or no reason is given.
    """
    by = rights.finance(parts.settings.ledger, by)
    if not _words(why):
        raise InputError("say with --why how it was settled")
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        row = _row(session, period, dept, number)
        if _is_settled_as(row, amount_minor):
            return f"{_name(row)} was settled before: {_money(parts, amount_minor)}."
        item = recharges.item_of(row)
        if item.state is ItemState.PROPOSED and amount_minor:
            raise InputError(f"{_name(row)} was not answered, and silence accepts nothing; it can be withdrawn with 0")
        settled = disputes.settle(item, amount_minor, on=parts.book_date(parts.now()), why=_words(why))
        _settle(parts, session, row, settled, by=by)
    return f"{_name(row)}: {_money(parts, amount_minor)} of {_money(parts, item.proposed_minor)} is charged to {dept}."


def _settle(parts: Parts, session: Session, row: RechargeItem, settled: Item, *, by: str) -> None:
    hold, today = ledger.draft_by_key(session, row.hold_key), parts.book_date(parts.now())
    if hold is None:
        raise InputError(f"{_name(row)} has no journal '{row.hold_key}'; see 'earmark ledger verify'")
    end: Draft = (
        drafts.accepted(hold, settled.accepted_minor, on=today, by=by)
        if settled.accepted_minor
        else drafts.released(hold, on=today, by=by)
    )
    ledger.post(session, [end], now=parts.now())
    stored = recharges.record_settlement(session, row, settled, by=by, why=settled.why, end_key=end.key)
    _require(stored, row)


def _row(session: Session, period: str, dept: str, number: int) -> RechargeItem:
    """The proposal that is meant: the one with the number, else the only open one, else the last."""
    rows = recharges.of_department(session, period, dept)
    if number:
        rows = [row for row in rows if row.number == number]
    waiting = [row for row in rows if row.state in recharges.OPEN]
    if len(waiting) > 1:
        numbers = ", ".join(str(row.number) for row in waiting)
        raise InputError(f"{dept} has several open proposals for {period}; say which with --number: {numbers}")
    if not rows:
        raise InputError(
            f"nothing was proposed to '{dept}' for {period}; see 'earmark ledger recharge --period {period}'"
        )
    return (waiting or rows)[-1]


def _is_settled_as(row: RechargeItem, minor: int) -> bool:
    return row.state not in recharges.OPEN and row.accepted_minor == minor


def _require(is_stored: bool, row: RechargeItem) -> None:
    if not is_stored:
        raise InputError(f"{_name(row)} was answered by somebody else at this moment; look again")


def _name(row: RechargeItem) -> str:
    return f"the proposal {row.number} to {row.dept} for {row.period}"


def _words(why: str) -> str:
    return " ".join(why.split())[:WHY_MAX]


def _money(parts: Parts, minor: int) -> str:
    return money(minor, parts.model.currency)
