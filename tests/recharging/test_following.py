"""What was decided about a recharge is followed, printed and shown."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
import time_machine
from click.testing import CliRunner

from bot import periods, recharging
from bot.app import App
from bot.cli import cli
from bot.domain import Actor
from bot.ledger.explain import explain
from bot.reporting.night import night
from bot.reports.night import Charges
from bot.slack.home import home, overview
from storage import ledger, ledger_verify, models
from storage.db import reading
from storage.models_money import RechargeItem
from tests.installation import Installation
from tests.looking import rows
from tests.recharging.autumn import BILL, LEDGER, PROPOSED_ON, propose, recharged, worked

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all


def test_an_open_proposal_does_not_keep_a_month_from_closing(running: App, installation: Installation) -> None:
    propose(running)
    installation.clock.at = datetime(2027, 1, 20, 12, tzinfo=UTC)

    assert periods.close(running.parts, "2026-12", by="Finance").state == "closed"
    recharging.accept(running.parts, "2026-11", "logistics", by="Anybody")
    assert recharged(running) == {"logistics": 175, "service": -175}
    with reading(running.parts.database) as session:
        assert ledger_verify.verify(session).ok


def test_a_decision_is_followed_from_the_statement_to_its_journals(running: App) -> None:
    propose(running)
    recharging.accept(running.parts, "2026-11", "billing", by="Head of billing")

    with reading(running.parts.database) as session:
        told = [one.text for one in explain(ledger.journals_of(session, group_ref="recharge:2026-11"))]

    assert told[0] == (
        "A recharge was proposed; it is in no account until it is accepted (waste of 2026-11);"
        " £3.50 realised to billing on Expenses:Recharge, -£3.50 realised to service on Expenses:Recharge;"
        " decided by Finance."
    )
    assert told[2].startswith("A recharge was accepted (waste of 2026-11); £3.50 realised to billing")
    assert "settles the proposal of journal " in told[2]
    assert told[2].endswith("decided by Head of billing.")


def test_the_summary_names_what_is_disputed(running: App, installation: Installation) -> None:
    propose(running)
    recharging.dispute(running.parts, "2026-11", "billing", by="Head of billing", why="carrier strike")
    worked(running, installation, BILL, datetime(2026, 12, 14, 15, tzinfo=UTC))
    installation.clock.at = datetime(2026, 12, 15, 9, tzinfo=UTC)

    with reading(running.parts.database) as session:
        made = night(session, running.parts.settings, running.parts.model, date(2026, 12, 14))

    assert made.charges == Charges((("billing", 175),), disputed=1, is_recharge=True)


def test_what_is_stored_is_what_the_ledger_says(running: App) -> None:
    propose(running)
    recharging.accept(running.parts, "2026-11", "billing", by="Head of billing")

    billing, logistics = rows(running, RechargeItem)
    keys = {row.idem_key for row in rows(running, models.LedgerJournal)}
    assert {billing.hold_key, billing.end_key, logistics.hold_key} <= keys
    assert (billing.hold_key, billing.end_key) == (
        "recharge:2026-11:billing:1:hold",
        "recharge:2026-11:billing:1:accept",
    )
    assert logistics.end_key == ""


@time_machine.travel(PROPOSED_ON, tick=False)
def test_a_month_is_charged_from_the_command_line(
    running: App, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = installation.folder / "config.toml"
    path.write_text(
        f'[earmark]\ndatabase_url = "{installation.url}"\n'
        '[[channels]]\nname = "feed"\nconnector = "replay"\npath = "feed.jsonl"\n'
        '[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n[ledger]\nmode = "recharge"\n[slack]\n'
    )
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)

    def earmark(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["ledger", *arguments, "--config", str(path)])
        return result.exit_code, result.output if result.exception is None else str(result.exception)

    month = ("--period", "2026-11")
    assert earmark("recharge", "propose", *month, "--by", "Finance") == (
        0,
        (
            "Proposed to billing: £3.50 (proposal 1; sample cases: 4, 3)\n"
            "Proposed to logistics: £1.75 (proposal 1; sample cases: 5)\n"
            "Departments answer with: earmark ledger recharge accept, or dispute.\n"
        ),
    )
    assert earmark("recharge", "propose", *month, "--by", "Finance") == (0, "Nothing new to propose for 2026-11.\n")
    assert earmark(
        "recharge", "accept", "billing", *month, "--by", "A", "--amount", "100", "--why", "one was ours"
    ) == (
        0,
        "the proposal 1 to billing for 2026-11: £1.00 of £3.50 is charged to billing.\n",
    )
    assert earmark("recharge", "dispute", "logistics", *month, "--by", "B", "--why", "strike")[0] == 0
    assert earmark("recharge", "settle", "logistics", *month, "--by", "C", "--amount", "0", "--why", "so be it")[0] == 0
    code, said = earmark("recharge", "accept", "logistics", *month, "--by", "B")
    assert (code, said) == (1, "the proposal to logistics is settled: released")
    shown = json.loads(earmark("recharge", *month, "--json")[1])
    assert shown["recharge_balance_per_dept"] == {"billing": 100, "service": -100}
    assert earmark("explain", "recharge:2026-11:logistics")[1].count("\n") == 2
    assert earmark("explain", "recharge:2026-10") == (
        1,
        (
            "there is no journal of 'recharge:2026-10'; give the number of a case, or a decision such as"
            " recharge:2026-09, saving:2026-09, budget, experiment:NAME or the id of an initiative"
        ),
    )


def test_each_sees_in_app_home_what_is_his_to_see(running: App, installation: Installation) -> None:
    settings = {
        "ledger": {**LEDGER, "finance": ["Finance", "UFIN"], "recharge": {"heads": {"logistics": ["ULOG"]}}},
        "queues": [{"name": "care", "supervisors": ["USUE"]}],
    }
    app = Installation(installation.folder, installation.url, installation.clock, settings).open()
    propose(running)
    recharging.dispute(running.parts, "2026-11", "billing", by="Head of billing", why="carrier strike")

    def seen(user: str | None) -> list[str]:
        return [one.dept for one in app.desk.open_recharges(user)]

    assert seen("UFIN") == ["billing", "logistics"]
    assert seen("USUE") == ["billing"]
    assert seen("ULOG") == ["logistics"]
    assert seen("UANN") == []
    assert seen(None) == ["billing", "logistics"]
    view = home(overview(app.desk, Actor("slack:UFIN", "Fin"), "UFIN"), lambda _channel, _ts: "", now=PROPOSED_ON)
    shown = json.dumps(view, ensure_ascii=False)
    assert "Recharges not settled (2)" in shown
    assert " · £3.50 of waste · disputed: carrier strike" in shown
    assert " · £1.75 of waste · answer until 2026-12-28" in shown
    app.parts.database.dispose()
