"""Value that is proven: once, at the lower end, and what was assumed of the same customers makes way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from sqlalchemy import insert, update
from sqlmodel import col

from bot import proving
from bot.app import App
from bot.cli import cli
from bot.domain import Actor
from bot.errors import InputError
from bot.ledger.accounts import BUY_AGAIN, BUY_MORE, SPREAD_WORD, VALUE_REALISED, VALUE_UNREALISED
from bot.ledger.explain import explain
from bot.reporting.ask import Ask
from bot.reporting.night import night
from bot.reporting.value import value
from bot.reports.summary import summary
from storage import ledger, ledger_reports, models, models_imports
from storage.db import reading, transaction
from storage.models_money import RealisedValue
from storage.models_operations import ValueEstimate
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import rows, take_in

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

ANN = Actor("slack:UANN", "Ann")
LEAVING = "complaint/leave_cancel: I want to cancel"
THANKS = "praise/praise: you are the best"
VALUE = {"praise_public_minor": 150, "saved_customer_margin_12m_minor": 24_000, "saved_customer_uplift_bp": 200}
TREATED, CONTROL = 6000, 3000
LEFT = {"treatment": 402, "control": 252}
"""Vector 12: 6.7 % of 6,000 against 8.4 % of 3,000, at a margin of £240.00: £7,932.28 at the lower end."""


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    return Installation(tmp_path, database_url, settings={"ledger": {"value": VALUE, "finance": ["Finance"]}})


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    """Two customers stayed and one said thanks; max was treated by the welcome call, moritz was not. 40 days ago."""
    running = installation.open()
    people = [line(1, LEAVING, author="max"), line(2, LEAVING, author="moritz"), line(3, THANKS, author="thea")]
    take_in(running, installation, *people)
    for case_id in (1, 2):
        running.desk.claim(case_id, ANN, action_id=f"c{case_id}")
        running.desk.resolve(case_id, ANN, action_id=f"r{case_id}", customer_kept=True)
    with transaction(running.parts.database) as session:
        for number, (ref, handle) in enumerate((("treatment-0", "max"), ("control-0", "moritz")), start=1):
            session.add(models.Customer(id=number, ref=ref, created_at=START))
            session.flush()
            linked = update(models.Author).where(col(models.Author.handle) == handle)
            session.execute(linked.values(customer_id=number))
        experiment(session)
    installation.clock.forward(days=40)
    yield running
    assert_books_agree(running)
    assert_i15(running)
    running.parts.database.dispose()


def experiment(session: Any) -> None:
    """A welcome call, assigned the day before, watched for 30 days."""
    imported: dict[str, Any] = {"source": "test", "digest": "", "imported_at": START}
    assigned_at = START - timedelta(days=1)
    session.add(
        models_imports.Experiment(
            **imported,
            external_id="welcome",
            title="welcome call",
            salt="",
            treatment_bp=6667,
            treatment_n=TREATED,
            control_n=CONTROL,
            window_days=30,
            margin_12m_minor=24_000,
        )
    )
    arms = {"treatment": TREATED, "control": CONTROL}
    names = [(arm, number) for arm, size in arms.items() for number in range(size)]
    session.execute(
        insert(models_imports.ExperimentAssignment),
        [
            {
                **imported, "external_id": f"{arm}-{number}", "experiment": "welcome", "arm": arm,
                "customer_ref": f"{arm}-{number}", "assigned_at": assigned_at,
            }
            for arm, number in names
        ],
    )  # fmt: skip
    session.execute(
        insert(models_imports.LoyaltyEvent),
        [
            {
                **imported, "external_id": f"{arm}-{number}", "customer_ref": f"{arm}-{number}", "product": "",
                "type": "cancellation", "occurred_at": START, "amount_minor": 0, "currency": "",
            }
            for arm, number in names
            if 0 < number <= LEFT[arm]
        ],
    )  # fmt: skip


def balance(running: App, account: str) -> int:
    with reading(running.parts.database) as session:
        return sum(one.amount for one in ledger_reports.balances(session) if one.account == account)


def live(running: App) -> list[tuple[int, str]]:
    return [(one.case_id, one.behaviour) for one in rows(running, ValueEstimate) if one.state == "live"]


def assert_i15(running: App) -> None:
    """Value:Unrealised is the sum of the estimates that live."""
    found = [one.amount_minor for one in rows(running, ValueEstimate) if one.state == "live"]
    assert balance(running, VALUE_UNREALISED) == sum(found)


# -- by a control group ------------------------------------------------------------------------------------------


def test_an_experiment_is_credited_at_the_lower_end_and_its_estimates_make_way(running: App) -> None:
    assert balance(running, VALUE_UNREALISED) == 480 + 480 + 150

    said = proving.credit(running.parts, "welcome", by="Finance")

    assert said == "£7,932.28 credited to welcome, the lower end of its 95 % interval; 1 estimate made way."
    assert balance(running, VALUE_REALISED) == 793228
    assert live(running) == [(2, "buy_again"), (3, "spread_word")]
    # What was assumed of max is taken back; what is proven of all who were called stands in its place.
    assert balance(running, BUY_AGAIN) == -793228 - 480
    assert balance(running, SPREAD_WORD) == -150


def test_an_experiment_is_credited_once_whatever_the_day(running: App, installation: Installation) -> None:
    proving.credit(running.parts, "welcome", by="Finance")
    journals = len(rows(running, models.LedgerJournal))
    installation.clock.forward(days=5)

    said = proving.credit(running.parts, "welcome", by="Finance")

    assert said == "£7,932.28 was credited to welcome before, on 2026-12-28."
    assert len(rows(running, models.LedgerJournal)) == journals


def test_an_experiment_whose_window_is_not_over_is_not_credited(running: App, installation: Installation) -> None:
    installation.clock.at = START + timedelta(days=3)

    with pytest.raises(InputError, match="the experiment 'welcome' proves nothing to credit: too early"):
        proving.credit(running.parts, "welcome", by="Finance")
    with pytest.raises(InputError, match="there is no experiment 'farewell'"):
        proving.credit(running.parts, "farewell", by="Finance")
    with pytest.raises(InputError, match="--by Ann: this is for finance: Finance"):
        proving.credit(running.parts, "welcome", by="Ann")
    assert rows(running, RealisedValue) == []


def test_a_difference_that_may_be_chance_is_not_credited(running: App) -> None:
    table = models_imports.LoyaltyEvent
    with transaction(running.parts.database) as session:
        less = update(table).where(col(table.external_id).like("control-%"))
        session.execute(less.values(type="order"))

    with pytest.raises(InputError, match="proves nothing to credit: increase"):
        proving.credit(running.parts, "welcome", by="Finance")


def test_a_reduction_without_a_margin_is_worth_nothing_yet(running: App) -> None:
    with transaction(running.parts.database) as session:
        session.execute(update(models_imports.Experiment).values(margin_12m_minor=0))

    with pytest.raises(InputError, match="proves a reduction worth 0: import it with the margin_12m_minor"):
        proving.credit(running.parts, "welcome", by="Finance")


def test_the_summary_says_what_a_control_group_proved_and_nothing_else(running: App) -> None:
    proving.credit(running.parts, "welcome", by="Finance")
    proving.accept(
        running.parts, "memo 1", amount_minor=5000, behaviour="buy_more", by="Finance", why="upgrades on the call"
    )

    with reading(running.parts.database) as session:
        made = night(session, running.parts.settings, running.parts.model, date(2026, 12, 28))

    [line_8] = [one for one in summary(made) if one.startswith("8. ")]
    assert line_8.endswith("Proven by control group: £7,932 (welcome call, Q4, 95% floor).")


# -- by a document -----------------------------------------------------------------------------------------------


def test_finance_accepts_value_on_a_document_once(running: App) -> None:
    wanted: dict[str, Any] = {"amount_minor": 90000, "behaviour": "buy_more", "by": "Finance", "why": "upgrades"}

    said = proving.accept(running.parts, "memo 12/2026", **wanted)

    assert said == "£900.00 of buy_more accepted on memo 12/2026; 0 estimates made way."
    assert balance(running, BUY_MORE) == -90000
    assert proving.accept(running.parts, "memo  12/2026", **wanted) == (
        "£900.00 was accepted on memo 12/2026 before, on 2026-12-28."
    )
    with pytest.raises(InputError, match=r"the document 'memo 12/2026' stands for £900\.00 of buy_more already"):
        proving.accept(running.parts, "memo 12/2026", **{**wanted, "amount_minor": 90001})
    with pytest.raises(InputError, match="say with --why"):
        proving.accept(running.parts, "memo 13", **{**wanted, "why": " "})
    assert balance(running, VALUE_REALISED) == 90000


def test_what_was_assumed_of_the_named_cases_makes_way_for_what_is_signed(running: App) -> None:
    wanted: dict[str, Any] = {"amount_minor": 900, "behaviour": "buy_again", "by": "Finance", "why": "contract renewed"}
    with pytest.raises(InputError, match="--case 3: no value of buy_again is assumed for it"):
        proving.accept(running.parts, "renewal 7", **wanted, cases=[2, 3])
    assert len(live(running)) == 3

    proving.accept(running.parts, "renewal 7", **wanted, cases=[2, 2])

    assert live(running) == [(1, "buy_again"), (3, "spread_word")]


def test_proof_is_followed_to_its_journals_and_stands_in_the_report(running: App) -> None:
    proving.credit(running.parts, "welcome", by="Finance")

    with reading(running.parts.database) as session:
        told = [one.text for one in explain(ledger.journals_of(session, group_ref="experiment:welcome"))]
        of_case = [one.text for one in explain(ledger.journals_of(session, case_id="1"))]
        found = value(Ask(session, running.parts.settings, "2026-12", running.parts.now()))
    assert told == [
        (
            "Value was proven (experiment:welcome); £7,932.28 realised to service on Assets:Value:Realised, -£7,932.28"
            " realised to service on Income:Value:BuyAgain; decided by Finance."
        )
    ]
    assert of_case[-1].startswith("Assumed value makes way for what was proven (experiment:welcome); £4.80 estimated")
    assert (found.assumed_minor, found.proven_minor) == (630, 793228)
    assert [(one.behaviour, one.estimates, one.assumed_minor) for one in found.assumed] == [
        ("buy_again", 1, 480),
        ("spread_word", 1, 150),
    ]
    [proof] = found.proven
    assert (proof.by, proof.title, proof.estimates_released, proof.released_minor, proof.journal) == (
        "experiment",
        "welcome call",
        1,
        480,
        "experiment:welcome:realise",
    )


@time_machine.travel(datetime(2026, 12, 28, 12, tzinfo=UTC), tick=False)
def test_value_is_proven_on_the_command_line(running: App, installation: Installation) -> None:
    path = installation.folder / "config.toml"
    path.write_text(
        f'[earmark]\ndatabase_url = "{installation.url}"\n'
        '[[channels]]\nname = "feed"\nconnector = "replay"\npath = "feed.jsonl"\n'
        '[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n'
    )

    def earmark(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["ledger", *arguments, "--config", str(path)])
        return result.output if result.exception is None else str(result.exception)

    signed = ("value", "accept", "memo 1", "--amount", "500", "--behaviour", "spread_word", "--case", "3")
    assert earmark(*signed, "--by", "CFO", "--why", "counted") == (
        "£5.00 of spread_word accepted on memo 1; 1 estimate made way.\n"
    )
    # To the end of a far month: on PostgreSQL the clock is the database's, which no test turns.
    told = json.loads(earmark("value", "--json", "--period", "2099-12"))
    assert (told["assumed_minor"], told["proven_minor"]) == (960, 500)
    assert "Value was proven (document:memo 1)" in earmark("explain", "document:memo 1")
