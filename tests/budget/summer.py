"""A summer and a September as in vector 07, and what finance makes of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from bot import savings
from bot.app import App
from bot.ledger.accounts import BUDGET_AVAILABLE, BUDGET_INITIATIVES, COUNTS, POOL, SERVICE, WASTE
from bot.ledger.journal import Draft, Line
from bot.reporting.ask import Ask
from bot.reporting.budget import report, standing
from bot.reports import savings as rules
from storage import ledger_reports
from storage.db import reading, transaction
from storage.models_money import ConfirmedSaving
from tests.looking import rows
from tests.reports.books import vector

VECTOR = vector("07")
BASELINE = {reason: (one["contacts"], one["cost_minor"]) for reason, one in VECTOR["input"]["baseline"].items()}
ACTUAL = {one["reason"]: (one["actual_contacts"], one["actual_cost_minor"]) for one in VECTOR["expect"]["rows"]}
TRACK: dict[str, Any] = {"saving_class": "cashable", "initiative": "track", "by": "Finance"}
LEDGER = {"finance": ["Finance"], "savings": {"phi": 2.0}}
FILES = {
    "drivers": "name,date,quantity\norders,2026-06-02,285000\norders,2026-09-15,96000\n",
    "initiatives": (
        "external_id,title,effects,one_off_minor,ruling,ruled_by,ruled_why\n"
        "track,Tracking page,where_is_it=2000/4000/6000,1400000,,,\n"
        "status,Status page,outage_fault=2000/4000/6000,460000,,,\n"
        "chat,Chat robot,where_is_it=1/2/3,1,drop,Mia,too dear\n"
    ),
}


def work(reason: str, on: date, contacts: int, cost_minor: int) -> Draft:
    """Contacts of a reason and their cost, in one journal."""
    lines = (
        Line(WASTE, "CNT", "N", contacts, "any", reason, quadrant="liability"),
        Line(COUNTS, "CNT", "N", -contacts, SERVICE),
        Line(WASTE, "GBP", "M", cost_minor, "any", reason, quadrant="liability"),
        Line(POOL, "GBP", "M", -cost_minor, SERVICE),
    )
    return Draft(f"work:{reason}:{on}", "cost", "posted", on, lines)


def balance(running: App, account: str) -> int:
    with reading(running.parts.database) as session:
        return sum(one.amount for one in ledger_reports.balances(session) if one.account == account)


def assert_i14(running: App) -> None:
    """No budget is overdrawn, in total or by initiative, and what is funded is at most its share of the mark."""
    found = shown(running)
    assert found.available_minor == balance(running, BUDGET_AVAILABLE) >= 0
    assert sum(one.left_minor for one in found.initiatives) == balance(running, BUDGET_INITIATIVES)
    assert all(one.left_minor >= 0 for one in found.initiatives)
    # Each at the share of its day; a penny that was lost in one month may come back in the next.
    assert all(one.funded_minor <= one.new_high_minor * one.share_bp // 10_000 + 1 for one in found.fundings)
    mark = rules.budget(standing(rows(running, ConfirmedSaving)), share_bp=0, funds="all").rows
    assert sum(one.new_high_minor for one in found.fundings) <= (mark[-1].high_water_minor if mark else 0)


def shown(running: App) -> Any:
    with reading(running.parts.database) as session:
        return report(Ask(session, running.parts.settings, "2027-12", running.parts.now()))


def book(running: App, month: str, amount_minor: int, *, saving_class: str = "cashable") -> None:
    """Finance has confirmed an amount, whatever the report says."""
    row = ConfirmedSaving(
        period=month,
        reason="where_is_it",
        number=1,
        saving_class=saving_class,
        initiative="track",
        amount_minor=amount_minor,
        saving_minor=amount_minor,
        low_minor=amount_minor,
        high_minor=amount_minor,
        confirmed_on=date(2026, 10, 9),
        confirmed_by="Finance",
        why="",
        journal_key="",
    )
    with transaction(running.parts.database) as session:
        savings.book(running.parts, session, row)
