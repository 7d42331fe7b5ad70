"""``/ledger`` in Slack: what it says, and to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Actor
from bot.readings import Readings
from storage import models
from tests.looking import rows
from tests.servers.slack_blocks import visible_text
from tests.slack.office import Office

ANN = Actor("slack:UANN", "Ann Example")
PARCEL = "complaint/where_is_it: where is my parcel"


@pytest.fixture
def busy(office: Office) -> Office:
    """Two parcels, of which one is resolved, and a promise that is overdue."""
    office.receive(PARCEL, PARCEL + " at last")
    ids = ids_of(office)
    office.running.desk.claim(ids[0], ANN, action_id="c1")
    office.installation.clock.forward(seconds=90)
    office.running.desk.resolve(ids[0], ANN, action_id="r1")
    office.running.desk.promise(ids[1], ANN, office.installation.clock() + timedelta(minutes=1), action_id="p1")
    office.installation.clock.forward(minutes=5)
    return office


def ids_of(office: Office) -> list[int]:
    return [row.id for row in rows(office.running, models.Case)]


def test_a_supervisor_asks_what_there_is_today(busy: Office) -> None:
    said = busy.slack.command("USUE", "/ledger today")

    lines = said.replace("\N{WORD JOINER}", "").split("\n")
    assert lines[0].startswith("*Value / waste ledger — Wed 18 Nov 2026*")
    assert lines[1] == "1. *Demand* 2 contacts today so far: 2 complaints, 0 requests, 0 praise. 1 not yet worked."
    assert lines[2].startswith("2. *Waste* £4 today so far, £4 this month")
    assert "6. *Promises* 0 of 1 call-back kept (0.0%); 1 overdue now, most in #care." in lines


def test_an_agent_is_told_of_today_without_money(busy: Office) -> None:
    said = busy.slack.command("UANN", "/ledger")

    assert "1. *Demand* 2 contacts today so far" in said
    assert "£" not in said
    assert "of cost" not in said


def test_finance_sees_money_and_agents_do_where_it_is_switched_on(busy: Office) -> None:
    parts = busy.running.parts
    assert parts.settings.slack is not None
    finance = parts.settings.ledger.model_copy(update={"finance": ("UFIN",)})
    switched = parts.settings.slack.model_copy(update={"agents_see_money": True})
    with_finance = Readings(replace(parts, settings=parts.settings.model_copy(update={"ledger": finance})))
    switched_on = Readings(replace(parts, settings=parts.settings.model_copy(update={"slack": switched})))

    assert [with_finance.sees_money(user) for user in ("UFIN", "USUE", "UANN")] == [True, True, False]
    assert switched_on.sees_money("UANN")


@pytest.mark.parametrize("asked", ["/ledger case 1", "/ledger why logistics"])
def test_an_agent_is_told_no_money(busy: Office, asked: str) -> None:
    said = busy.slack.command("UANN", asked)

    assert said.startswith("What contacts cost is for supervisors and finance.")


def test_a_case_is_told_journal_by_journal(busy: Office) -> None:
    said = busy.slack.command("USUE", f"/ledger case #{ids_of(busy)[0]}").replace("\N{WORD JOINER}", "")

    lines = said.split("\n")
    assert lines[0] == f"*Case {ids_of(busy)[0]}* complaint · where is it · liability · caused by logistics"
    assert "The mention was tagged complaint (where is it) and counts as a contact" in lines[1]
    assert "Work was done; 2 min 00 s measured to logistics on Expenses:Contact:Waste, £1.00 measured" in said


def test_a_department_is_told_why(busy: Office) -> None:
    said = busy.slack.command("USUE", "/ledger why Logistics").replace("\N{WORD JOINER}", "")

    lines = said.split("\n")
    assert lines[0] == "*Why logistics* £3.50 of waste in 2026-11 so far, 100.0% of all; 2 contacts"
    assert lines[1] == "1. *where is it* £3.50, 2 contacts: 2 because that is the reason's place."
    assert lines[2].startswith("Dearest cases: ")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("/ledger why nobody", "There is no department 'nobody'. Known: "),
        ("/ledger case 99999", "There is no case 99999."),
        ("/ledger case <!channel>", "is no number of a case"),
        ("/ledger help", "`/ledger today` what there is so far"),
        ("/ledger why", "`/ledger today` what there is so far"),
    ],
)
def test_what_cannot_be_answered_says_what_can(busy: Office, asked: str, answer: str) -> None:
    said = busy.slack.command("USUE", asked).replace("\N{WORD JOINER}", "")

    assert answer in said
    assert "<!channel>" not in said


def test_a_long_history_is_cut_at_a_line_and_says_where_the_rest_is(busy: Office) -> None:
    case_id = ids_of(busy)[1]
    for number in range(45):
        busy.running.desk.goodwill(case_id, 100 + number, "sorry", actor=ANN, action_id=f"g{number}")

    said = busy.slack.command("USUE", f"/ledger case {case_id}")

    assert said.split("\n")[-1].endswith(f"`earmark ledger explain {case_id}`")


def test_a_ledger_that_cannot_be_read_is_said(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_readings: Readings, *, with_money: bool) -> list[str]:
        raise RuntimeError(f"the disk is gone, {with_money}")

    monkeypatch.setattr(Readings, "told_today", broken)

    assert busy.slack.command("USUE", "/ledger today").startswith("Earmark could not read the ledger just now.")


def test_the_command_changes_nothing(busy: Office) -> None:
    before = [visible_text(card) for card in busy.slack.messages("C0CARE")]

    for asked in ("today", f"case {ids_of(busy)[0]}", "why logistics"):
        busy.slack.command("USUE", f"/ledger {asked}")

    assert [visible_text(card) for card in busy.slack.messages("C0CARE")] == before
