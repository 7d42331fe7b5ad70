"""Three months of a book that charges departments, and what stands in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from bot import periods, recharging
from bot.app import App
from bot.domain import Actor
from bot.ledger.accounts import RECHARGE
from bot.reporting import recharge as reporting
from bot.reporting.ask import Ask
from storage import ledger_reports, models
from storage.db import reading
from tests.installation import Installation, line
from tests.looking import rows, take_in

EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
HEADS = {"billing": ["Head of billing"]}
HEAD = {"billing": "Head of billing"}
TAG_ACCURACY = reporting.tag_accuracy
LEDGER = {"mode": "recharge", "finance": ["Finance"], "recharge": {"heads": HEADS, "holidays": [date(2026, 12, 25)]}}
BILL = "complaint/billing_error: charged twice"
PARCEL = "complaint/where_is_it: where is my parcel"
PROPOSED_ON = datetime(2026, 12, 14, 12, tzinfo=UTC)
"""A Monday. Ten working days later, Christmas Day left out, it is 29 December."""


def an_autumn(place: Installation) -> App:
    """September, October and November are worked and closed; it is Monday, 14 December."""
    running = place.open()
    for month, words in ((9, [BILL]), (10, [PARCEL]), (11, [BILL, BILL, PARCEL])):
        for day, text in enumerate(words, start=3):
            worked(running, place, text, datetime(2026, month, day, 9, tzinfo=UTC))
    place.clock.at = PROPOSED_ON
    for period in ("2026-09", "2026-10", "2026-11"):
        periods.close(running.parts, period, by="Finance")
    return running


def worked(running: App, installation: Installation, text: str, at: datetime) -> None:
    """Somebody writes, and Eve works on it for three minutes and a half: £1.75."""
    installation.clock.at = at
    number = len(rows(running, models.Mention)) + 1
    take_in(running, installation, line(number, text) | {"created_at": at.isoformat()})
    case_id = rows(running, models.Case)[-1].id
    running.desk.claim(case_id, EVE, action_id=f"c{case_id}")
    installation.clock.forward(seconds=180)
    running.desk.resolve(case_id, EVE, action_id=f"r{case_id}")


def assert_i12(running: App) -> None:
    """Recharges sum to 0 over departments, and nobody bears more than he caused in the month."""
    lines = [one for one in rows(running, models.LedgerLine) if one.account == RECHARGE]
    status = {one.seq: (one.status, one.group_ref) for one in rows(running, models.LedgerJournal)}
    posted = [one for one in lines if status[one.journal_seq][0] == "posted"]
    assert sum(one.amount for one in posted) == 0
    for period in ("2026-09", "2026-10", "2026-11"):
        eligible = statement(running, period).eligible
        for dept in {one.dept for one in posted} - {"service"}:
            borne = [one for one in posted if status[one.journal_seq][1] == f"recharge:{period}:{dept}"]
            assert sum(one.amount for one in borne if one.dept == dept) <= eligible.get(dept, 0)


def statement(running: App, period: str = "2026-11") -> Any:
    with reading(running.parts.database) as session:
        return reporting.recharge(Ask(session, running.parts.settings, period, running.parts.now()))


def recharged(running: App, status: str = "posted") -> dict[str, int]:
    """What stands on the account of recharges, by department."""
    with reading(running.parts.database) as session:
        found = ledger_reports.balances(session, status="posted" if status == "posted" else "pending")
    return {one.dept: one.amount for one in found if one.account == RECHARGE}


def kinds(running: App) -> list[str]:
    return [row.kind for row in rows(running, models.LedgerJournal) if row.kind.startswith("recharge")]


def propose(running: App) -> list[recharging.Proposed]:
    return recharging.propose(running.parts, "2026-11", by="Finance")
