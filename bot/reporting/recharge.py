"""The show-back and recharge statement: what each department caused, was asked to bear, and said to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from bot.ledger.recharges import Item
from bot.reporting.ask import Ask, sums
from bot.reports import disputes
from bot.reports import recharge as recharges
from bot.reports.recharge import Gate
from bot.reports.top import excerpt, masked
from storage import recharges as stored
from storage import report_cases, report_facts
from storage.models_money import RechargeItem

PRIVATE: Final = "[private]"
"""What stands for the words of a mention that is not public."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal, until when it can be disputed, and its journal: the one that ended it, else the pending one."""

    dept: str
    number: int
    proposed_by: str
    proposed_on: date
    answer_due: date
    is_overdue: bool
    journal: str


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to a proposal: disputed, or what became of it."""

    dept: str
    number: int
    what: str
    on: date
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the cases a department sees with a proposal, drawn by lot; a private or erased one keeps its words."""

    dept: str
    case_id: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Recharge(recharges.Recharge):
    """What each department caused, the conditions for charging it, and what became of proposals."""

    mode: str
    gates: tuple[Gate, ...]
    proposals: tuple[Proposal, ...]
    said: tuple[Said, ...]
    samples: tuple[Sample, ...]


def recharge(ask: Ask) -> Recharge:
    """Return the statement of a month."""
    first, last = ask.period
    rows = stored.of_period(ask.session, ask.month)
    items = tuple(stored.item_of(row) for row in rows)
    found = recharges.recharge(
        ask.posted,
        currency=ask.currency,
        accruals=sums(report_facts.accruals(ask.session, first=first, last=last)),
        items=items,
    )
    return Recharge(
        **_fields(found),
        mode=ask.settings.ledger.mode,
        gates=_gates(ask, found),
        proposals=tuple(_proposal(ask, row, item) for row, item in zip(rows, items, strict=True)),
        said=tuple(one for row in rows for one in _said(row)),
        samples=tuple(_samples(ask, rows)),
    )


def tag_accuracy(ask: Ask) -> tuple[int, int]:
    """Return how many of the tags drawn for the audit were right, and how many were drawn; 0 of 0 is not known."""
    footer = ask.footer()
    return footer.audit_ok, footer.audit_n


def _gates(ask: Ask, found: recharges.Recharge) -> tuple[Gate, ...]:
    footer = ask.footer()
    audit_ok, audit_n = tag_accuracy(ask)
    return recharges.gates(
        closed_periods=report_facts.closed_periods(ask.session),
        audit_ok=audit_ok,
        audit_n=audit_n,
        measured_minor=footer.measured_minor,
        contact_cost_minor=footer.contact_cost_minor,
        unassigned_minor=found.unassigned_minor,
        waste_minor=found.waste_minor,
    )


def _proposal(ask: Ask, row: RechargeItem, item: Item) -> Proposal:
    holidays = ask.settings.ledger.recharge.holidays
    return Proposal(
        row.dept,
        row.number,
        row.proposed_by,
        row.proposed_on,
        disputes.answer_due(row.proposed_on, holidays),
        disputes.is_overdue(item, today=ask.today, holidays=holidays),
        row.end_key or row.hold_key,
    )


def _said(row: RechargeItem) -> Iterator[Said]:
    if row.disputed_on is not None:
        yield Said(row.dept, row.number, "disputed", row.disputed_on, row.disputed_by, row.disputed_why)
    if row.settled_on is not None:
        yield Said(row.dept, row.number, row.state, row.settled_on, row.settled_by, row.settled_why)


def _samples(ask: Ask, rows: list[RechargeItem]) -> list[Sample]:
    pairs = [(row.dept, case_id) for row in rows for case_id in row.samples]
    words = report_cases.public_words_of(ask.session, [case_id for _, case_id in pairs])
    return [
        Sample(dept, case_id, masked(words[case_id][0]), excerpt(words[case_id][1]))
        if case_id in words
        else Sample(dept, case_id, "", PRIVATE)
        for dept, case_id in pairs
    ]


def _fields(report: Any) -> dict[str, Any]:
    return {one.name: getattr(report, one.name) for one in fields(report)}
