"""Savings that finance confirms and the budget they fund: vector 07, booked. No figure above what is proven."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from random import Random

import pytest
import time_machine
from click.testing import CliRunner

from bot import budget, savings
from bot.app import App
from bot.cli import cli
from bot.errors import InputError
from bot.ledger.accounts import BUDGET_AVAILABLE
from bot.ledger.explain import explain
from bot.reporting.night import night
from storage import ledger, ledger_lines, models
from storage.db import reading
from storage.ledger_lines import Wanted
from tests.budget.summer import TRACK, VECTOR, assert_i14, balance, book, shown
from tests.installation import Installation
from tests.looking import rows

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all


def test_only_a_new_high_of_the_savings_funds_the_budget_as_in_vector_07(running: App) -> None:
    funded = []
    for month in VECTOR["budget"]["months"]:
        if month["confirmed_minor"]:
            book(running, month["month"], month["confirmed_minor"])
        before = balance(running, BUDGET_AVAILABLE)
        budget.fund(running.parts, month["month"], by="Finance")
        funded.append(balance(running, BUDGET_AVAILABLE) - before)

    expected = VECTOR["budget"]["expect"]
    assert funded == [row["funded_minor"] for row in expected["rows"]]
    assert balance(running, BUDGET_AVAILABLE) == expected["funded_total_minor"]
    assert [(one.month, one.funded_minor) for one in shown(running).fundings] == [
        ("2026-07", 20000),
        ("2026-09", 10000),
        ("2026-10", 12500),
    ]


def test_several_months_are_funded_at_once_as_if_one_by_one(running: App) -> None:
    for month in VECTOR["budget"]["months"][1:]:
        book(running, month["month"], month["confirmed_minor"])

    said = budget.fund(running.parts, "2026-10", by="Finance")

    assert said == "£425.00 granted for the savings up to 2026-10; give it out with: budget allocate."
    assert balance(running, BUDGET_AVAILABLE) == 42500


def test_what_is_funded_stands_and_is_funded_once(running: App) -> None:
    savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK)
    budget.fund(running.parts, "2026-09", by="Finance")

    assert budget.fund(running.parts, "2026-09", by="Finance") == (
        "£254.23 was granted for 2026-09 before, on 2026-10-09."
    )
    assert balance(running, BUDGET_AVAILABLE) == 25423
    with pytest.raises(InputError, match="--period 2026-08: savings up to 2026-09 are funded already"):
        budget.fund(running.parts, "2026-08", by="Finance")
    with pytest.raises(InputError, match="budget was granted on the savings up to 2026-09, so those stand"):
        savings.withdraw(running.parts, "2026-09", "where_is_it", by="Finance", why="a slip")
    with pytest.raises(InputError, match="budget was granted on the savings up to 2026-09, so those stand"):
        savings.confirm(running.parts, "2026-09", "outage_fault", saving_class="cashable", by="Finance")


def test_time_that_was_freed_is_no_money_unless_it_is_configured(running: App, installation: Installation) -> None:
    book(running, "2026-09", 40000, saving_class="capacity")

    assert budget.fund(running.parts, "2026-09", by="Finance").startswith(
        "Nothing to grant: confirmed savings stand at £0.00 in all"
    )
    counted = {"savings": {"phi": 2.0, "funds": "all", "budget_share_bp": 2500}}
    other = Installation(installation.folder, installation.url, installation.clock, {"ledger": counted}).open()
    budget.fund(other.parts, "2026-09", by="Finance")

    assert balance(other, BUDGET_AVAILABLE) == 10000
    other.parts.database.dispose()


def test_another_share_from_now_on_changes_nothing_that_was_granted(running: App, installation: Installation) -> None:
    book(running, "2026-09", 40000)
    budget.fund(running.parts, "2026-09", by="Finance")
    settings = {"ledger": {"savings": {"phi": 2.0, "budget_share_bp": 10_000}}}
    other = Installation(installation.folder, installation.url, installation.clock, settings).open()

    assert "was granted for 2026-09 before" in budget.fund(other.parts, "2026-09", by="Finance")
    book(other, "2026-10", 10000)
    budget.fund(other.parts, "2026-10", by="Finance")

    assert [(one.share_bp, one.funded_minor) for one in shown(other).fundings] == [(5000, 20000), (10000, 10000)]
    other.parts.database.dispose()


def test_budget_is_given_and_spent_and_never_overdrawn(running: App) -> None:
    book(running, "2026-09", 100000)
    budget.fund(running.parts, "2026-09", by="Finance")

    said = budget.allocate(running.parts, "track", 30000, by="Finance", document="board 14 Oct")
    assert said == "£300.00 given to track; £200.00 is left to give."
    with pytest.raises(InputError) as refused:
        budget.allocate(running.parts, "status", 20001, by="Finance", document="board 15 Oct")
    assert str(refused.value) == (
        "E_BUDGET_OVERDRAWN: £200.01 is asked and the innovation budget has £200.00 left; grant or allocate more first"
    )
    said = budget.spend(running.parts, "track", 12000, by="Finance", document="INV-1")
    assert said == "£120.00 spent by track; £180.00 is left."
    with pytest.raises(InputError, match=r"E_BUDGET_OVERDRAWN: £180\.01 is asked and track has £180\.00 left"):
        budget.spend(running.parts, "track", 18001, by="Finance", document="INV-2")
    with pytest.raises(InputError, match=r"E_BUDGET_OVERDRAWN: £0\.01 is asked and status has £0\.00 left"):
        budget.spend(running.parts, "status", 1, by="Finance", document="INV-3")

    [given] = shown(running).initiatives
    assert (given.initiative, given.title, given.given_minor, given.spent_minor, given.left_minor) == (
        "track",
        "Tracking page",
        30000,
        12000,
        18000,
    )


def test_the_same_document_is_booked_once_whatever_the_day(running: App, installation: Installation) -> None:
    book(running, "2026-09", 100000)
    budget.fund(running.parts, "2026-09", by="Finance")
    budget.allocate(running.parts, "track", 30000, by="Finance", document="board 14 Oct")
    budget.spend(running.parts, "track", 12000, by="Finance", document="INV-1")
    installation.clock.forward(days=3)

    again = budget.allocate(running.parts, "track", 30000, by="Finance", document=" board  14 Oct ")
    assert again == "£300.00 was given to track before (board 14 Oct)."
    assert budget.spend(running.parts, "track", 12000, by="Finance", document="INV-1") == (
        "£120.00 of track was booked before (INV-1)."
    )
    with pytest.raises(InputError, match=r"this document stands for £300\.00 already"):
        budget.allocate(running.parts, "track", 30001, by="Finance", document="board 14 Oct")
    assert balance(running, BUDGET_AVAILABLE) == 20000


def test_a_dropped_initiative_gets_nothing(running: App) -> None:
    with pytest.raises(InputError, match="the initiative 'chat' was dropped by Mia: too dear"):
        budget.allocate(running.parts, "chat", 1, by="Finance", document="d")
    with pytest.raises(InputError, match="there is no initiative 'gone'"):
        budget.spend(running.parts, "gone", 1, by="Finance", document="d")
    with pytest.raises(InputError, match="--document: name the decision or invoice"):
        budget.spend(running.parts, "track", 1, by="Finance", document=" ")


@pytest.mark.parametrize("seed", range(3))
def test_i14_holds_whatever_finance_does_in_whatever_order(running: App, seed: int) -> None:
    random = Random(seed)
    months = iter([f"2026-{month:02d}" for month in range(7, 13)])

    def confirm() -> None:
        month, amount = next(months, ""), random.choice([40000, -30000, 50000, 1, 333])
        if month > max((one.month for one in shown(running).fundings), default="2026"):
            book(running, month, amount)

    steps: list[Callable[[], object]] = [
        confirm,
        lambda: budget.fund(running.parts, random.choice(["2026-08", "2026-10", "2026-12"]), by="Finance"),
        lambda: budget.allocate(
            running.parts, random.choice(["track", "status"]), random.randrange(1, 20000), by="Finance",
            document=f"d{random.randrange(9)}",
        ),
        lambda: budget.spend(
            running.parts, random.choice(["track", "status"]), random.randrange(1, 9000), by="Finance",
            document=f"i{random.randrange(9)}",
        ),
    ]  # fmt: skip

    confirm()
    for _ in range(40):
        with suppress(InputError):
            random.choice(steps)()

    assert_i14(running)
    assert len(rows(running, models.LedgerJournal)) > 10


def test_the_lines_of_an_account_leave_out_the_account_whose_name_begins_with_its_own(running: App) -> None:
    book(running, "2026-07", 40000)
    budget.fund(running.parts, "2026-08", by="Finance")

    with reading(running.parts.database) as session:
        sums = [
            ledger_lines.total(session, Wanted(None, date(2027, 12, 31), "GBP", account=account)).amount
            for account in ("Equity:Savings", "Equity:Savings:Unfunded", "Assets:Budget")
        ]

    # Half of what was confirmed was granted; what is above accounts of the chart still means all of them.
    assert sums == [-40000, 20000, 20000]


# -- what is told ------------------------------------------------------------------------------------------------


def test_each_figure_is_followed_to_its_journals(running: App) -> None:
    savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK)
    budget.fund(running.parts, "2026-09", by="Finance")
    budget.allocate(running.parts, "track", 20000, by="Finance", document="board 14 Oct")

    with reading(running.parts.database) as session:
        told = {
            group: [one.text for one in explain(ledger.journals_of(session, group_ref=group))]
            for group in ("saving", "budget", "track")
        }

    assert told["saving"] == [
        (
            "Finance confirmed a saving (cashable, 2026-09); £508.46 realised to service on Equity:Savings:Unfunded,"
            " -£508.46 realised to service on Equity:Savings; decided by Finance."
        )
    ]
    assert told["budget"] == [
        (
            "Budget was granted out of savings (50 % of the new high £508.46 of cashable savings); £254.23 realised to"
            " service on Assets:Budget:Available, -£254.23 realised to service on Equity:Savings:Unfunded; decided by"
            " Finance."
        )
    ]
    assert told["track"][0].startswith("Budget was given to an initiative (board 14 Oct); £200.00 realised")
    assert [one.journal for one in shown(running).savings] == ["saving:2026-09:where_is_it:1:saving"]


def test_the_summary_says_what_is_left_to_give(running: App) -> None:
    savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK)
    budget.fund(running.parts, "2026-09", by="Finance")
    budget.allocate(running.parts, "track", 20000, by="Finance", document="board 14 Oct")

    with reading(running.parts.database) as session:
        line = night(session, running.parts.settings, running.parts.model, date(2026, 9, 30)).savings

    assert line is not None
    assert line.saving_low_minor == 50846
    # Granted and given in October: on the last of September there was nothing.
    assert line.budget_left_minor == 0
    assert shown(running).available_minor == 5423


@time_machine.travel(datetime(2026, 10, 9, 12, tzinfo=UTC), tick=False)
def test_savings_become_budget_on_the_command_line(running: App, installation: Installation) -> None:
    path = installation.folder / "config.toml"
    path.write_text(
        f'[earmark]\ndatabase_url = "{installation.url}"\n'
        '[[channels]]\nname = "feed"\nconnector = "replay"\npath = "feed.jsonl"\n'
        '[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n[ledger.savings]\nphi = 2.0\n'
    )

    def earmark(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["ledger", *arguments, "--config", str(path)])
        return result.exit_code, result.output if result.exception is None else str(result.exception)

    by = ("--by", "Finance")
    claim = ("savings", "confirm", "where_is_it", "--period", "2026-09", "--class", "cashable", "--initiative", "track")
    assert earmark(*claim, *by)[1].startswith("2026-09 where_is_it: £508.46 confirmed as cashable")
    assert earmark("budget", "fund", "--period", "2026-09", *by)[1].startswith("£254.23 granted")
    given = ("budget", "allocate", "track", "--amount", "20000", "--document", "board", *by)
    assert earmark(*given) == (0, "£200.00 given to track; £54.23 is left to give.\n")
    spent = ("budget", "spend", "track", "--amount", "20001", "--document", "INV-1", *by)
    assert earmark(*spent) == (
        1,
        "E_BUDGET_OVERDRAWN: £200.01 is asked and track has £200.00 left; grant or allocate more first",
    )
    # To the end of a far month: on PostgreSQL the clock is the database's, which no test turns.
    told = json.loads(earmark("budget", "--json", "--period", "2099-12")[1])
    assert (told["granted_minor"], told["available_minor"]) == (25423, 5423)
    assert earmark("savings", "withdraw", "where_is_it", "--period", "2026-09", "--why", "no", *by)[0] == 1
    assert "£508.46" in earmark("explain", "saving:2026-09")[1]
