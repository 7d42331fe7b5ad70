"""Closing a month: what has to be settled, the seal, and what comes late (specification 1.9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text, update
from sqlmodel import col

from bot import periods
from bot.app import App
from bot.cli import cli
from bot.domain import Actor, Tag
from bot.errors import InputError, LedgerError
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from bot.reporting.ask import Ask
from bot.reporting.money import statement
from bot.reports.tables import tables
from storage import ledger, ledger_verify, models
from storage.db import reading, transaction
from tests.installation import Clock, Installation, line
from tests.looking import case, rows, take_in

EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"


@pytest.fixture
def december(running: App, installation: Installation) -> datetime:
    """A parcel of November, resolved; now it is the 8th of December."""
    take_in(running, installation, line(1, PARCEL, author="max"))
    running.desk.resolve(case(running).id, EVE, action_id="e1")
    installation.clock.at = datetime(2026, 12, 8, 12, tzinfo=UTC)
    return installation.clock.at


def test_a_closed_month_is_sealed_with_its_last_journal_and_its_balances(running: App, december: datetime) -> None:
    sealed = periods.close(running.parts, "2026-11", by="Finance")

    [row] = rows(running, models.LedgerPeriod)
    last = rows(running, models.LedgerJournal)[-1]
    assert (sealed.state, sealed.last_seq, sealed.last_hash, row.closed_by) == (
        "closed",
        last.seq,
        last.hash,
        "Finance",
    )
    assert row.closed_at == december
    assert row.trial_balance == {
        "Equity:Counts|service|CNT|N": -1,
        "Equity:Counts|service|TAG|N": -1,
        "Equity:Pool:Service|service|GBP|E": -250,
        "Equity:Pool:Service|service|SEC|E": -300,
        "Expenses:Contact:Waste|logistics|CNT|N": 1,
        "Expenses:Contact:Waste|logistics|GBP|E": 250,
        "Expenses:Contact:Waste|logistics|SEC|E": 300,
        "Expenses:Contact:Waste|logistics|TAG|N": 1,
    }


def test_i11_what_comes_late_goes_to_the_first_open_day_and_the_seal_still_holds(
    running: App, installation: Installation, december: datetime
) -> None:
    periods.close(running.parts, "2026-11", by="Finance")

    take_in(running, installation, line(2, PARCEL, author="late"))

    late = rows(running, models.LedgerJournal)[-1]
    assert (late.effective_date, late.original_date) == (date(2026, 12, 1), date(2026, 11, 18))
    with reading(running.parts.database) as session:
        assert ledger_verify.verify(session).ok


def test_figures_that_are_not_as_they_were_sealed_are_found(running: App, december: datetime) -> None:
    periods.close(running.parts, "2026-11", by="Finance")
    honest = rows(running, models.LedgerPeriod)[0].trial_balance or {}
    with transaction(running.parts.database) as session:
        session.execute(update(models.LedgerPeriod).values(trial_balance={**honest, "Equity:Counts|service|CNT|N": -2}))

    with reading(running.parts.database) as session:
        broken = ledger_verify.verify(session).broken

    assert broken is not None
    assert broken.problems == ("the figures of 2026-11 are not as they were sealed",)
    with transaction(running.parts.database) as session:
        session.execute(update(models.LedgerPeriod).values(trial_balance=honest))


def test_a_month_is_closed_once(running: App, december: datetime) -> None:
    first = periods.close(running.parts, "2026-11", by="Finance")

    assert periods.close(running.parts, "2026-11", by="Somebody else") == first


def test_a_month_is_soft_before_it_is_closed(running: App, december: datetime) -> None:
    periods.soften(running.parts, "2026-11")
    soft = [row.state for row in rows(running, models.LedgerPeriod)]

    periods.close(running.parts, "2026-11", by="Finance")
    periods.soften(running.parts, "2026-11")

    assert soft == ["soft"]
    assert [row.state for row in rows(running, models.LedgerPeriod)] == ["closed"]


@pytest.fixture
def soft(running: App, december: datetime) -> None:
    """November is over: only supervisors and finance post into it."""
    periods.soften(running.parts, "2026-11")


def dates(running: App, kind: str) -> list[tuple[date, date | None]]:
    """On which days the journals of a kind stand, and to which they belong."""
    return [(row.effective_date, row.original_date) for row in rows(running, models.LedgerJournal) if row.kind == kind]


def test_what_comes_late_into_a_soft_month_goes_to_the_first_open_day(
    running: App, installation: Installation, soft: None
) -> None:
    take_in(running, installation, line(2, PARCEL, author="late"))

    assert dates(running, "tag")[-1] == (date(2026, 12, 1), date(2026, 11, 18))


def retag(running: App, actor: Actor) -> None:
    tags = [Tag.COMPLAINT]
    running.desk.retag(
        case(running).id, actor, action_id="r1", tags=tags, primary=Tag.COMPLAINT, reason="billing_error"
    )


def test_an_agent_corrects_a_soft_month_on_the_first_open_day(running: App, soft: None) -> None:
    retag(running, Actor("slack:UANN", "Ann"))

    assert dates(running, "cost")[-1] == (date(2026, 12, 1), date(2026, 11, 18))
    assert dates(running, "reversal") == [(date(2026, 12, 1), date(2026, 11, 18))] * 2


def test_a_supervisor_corrects_a_soft_month_in_place(running: App, soft: None) -> None:
    retag(running, EVE)

    assert dates(running, "cost")[-1] == (date(2026, 11, 18), None)


def test_finance_imports_into_a_soft_month(running: App, soft: None, tmp_path: Path) -> None:
    file = tmp_path / "payroll.csv"
    file.write_text("period,team,amount_minor\n2026-11,service,80000\n", encoding="utf-8")

    import_file(running.parts, KINDS["payroll"], file)

    assert dates(running, "pool_actual") == [(date(2026, 11, 30), None)]


def test_the_statement_lists_what_belongs_to_a_month_that_was_over(running: App, soft: None) -> None:
    retag(running, Actor("slack:UANN", "Ann"))

    with reading(running.parts.database) as session:
        found = statement(Ask(session, running.parts.settings, "2026-12", running.parts.now()))

    listed = [(row.belongs_to, row.dept, row.reason, row.basis, row.amount_minor) for row in found.prior_period]
    assert listed == [
        ("2026-11", "billing", "billing_error", "E", 450),
        ("2026-11", "logistics", "where_is_it", "E", -250),
    ]
    assert found.prior_period_minor == 200
    assert "Prior-period corrections" in [table.title for table in tables(found)]


@pytest.mark.parametrize(
    ("period", "message"),
    [("2026-13", "is no month"), ("november", "is no month"), ("2026-12", "is not over yet"), ("2027-01", "not over")],
)
def test_what_is_no_month_that_is_over_is_not_closed(
    running: App, december: datetime, period: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        periods.close(running.parts, period, by="Finance")


def test_months_are_closed_in_their_order(running: App, installation: Installation, december: datetime) -> None:
    installation.clock.at = datetime(2027, 1, 8, tzinfo=UTC)

    with pytest.raises(InputError, match="2026-11 is still open"):
        periods.close(running.parts, "2026-12", by="Finance")

    periods.close(running.parts, "2026-11", by="Finance")
    periods.close(running.parts, "2026-12", by="Finance")
    with pytest.raises(InputError, match="2026-12 is closed"):
        periods.close(running.parts, "2026-10", by="Finance")


def test_a_month_with_work_that_nobody_finished_is_not_closed(
    running: App, installation: Installation, december: datetime
) -> None:
    take_in(running, installation, line(2, PARCEL, author="moritz"))
    running.desk.claim(case(running, 2).id, EVE, action_id="e2")

    with pytest.raises(InputError, match=r"1 cases of 2026-11 or before have waited for more than 3 days"):
        periods.close(running.parts, "2026-11", by="Finance")

    running.desk.resolve(case(running, 2).id, EVE, action_id="e3")
    assert periods.close(running.parts, "2026-11", by="Finance").state == "closed"


def test_too_much_cost_without_a_reason_has_to_be_accepted(
    running: App, installation: Installation, december: datetime
) -> None:
    installation.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
    take_in(running, installation, line(2, "complaint: hm", author="moritz"))
    running.desk.resolve(case(running, 2).id, EVE, action_id="e2")
    installation.clock.at = december

    with pytest.raises(InputError, match=r"has no reason"):
        periods.close(running.parts, "2026-11", by="Finance")

    assert periods.close(running.parts, "2026-11", by="Finance", accept_unclassified=True).state == "closed"


def test_books_that_do_not_verify_are_not_closed(tmp_path: Path, sqlite_url: str) -> None:
    installation = Installation(tmp_path, sqlite_url, clock=Clock())
    running = installation.open()
    take_in(running, installation, line(1, PARCEL))
    running.desk.resolve(case(running).id, EVE, action_id="e1")
    installation.clock.at = datetime(2026, 12, 8, tzinfo=UTC)
    with transaction(running.parts.database) as session:
        session.execute(text("DROP TRIGGER ledger_line_no_update"))
        session.execute(update(models.LedgerLine).where(col(models.LedgerLine.id) == 1).values(dept="nobody"))

    with pytest.raises(InputError, match="does not verify"):
        periods.close(running.parts, "2026-11", by="Finance")

    running.parts.database.dispose()


def test_nothing_is_written_into_a_closed_month_by_hand(running: App, december: datetime) -> None:
    periods.close(running.parts, "2026-11", by="Finance")
    with reading(running.parts.database) as session:
        old = ledger.draft_by_key(session, rows(running, models.LedgerJournal)[0].idem_key)
    assert old is not None

    with transaction(running.parts.database) as session:
        [again] = ledger.post(session, [old], now=december)

    assert not again.is_new
    with transaction(running.parts.database) as session, pytest.raises(LedgerError, match="E_IDEMPOTENCY_CONFLICT"):
        ledger.post(session, [replace(old, memo="other")], now=december)


# -- the command line --------------------------------------------------------------------------------------------


@pytest.fixture
def config_file(tmp_path: Path, sqlite_url: str) -> Path:
    """The configuration of an installation that had one case in January."""
    installation = Installation(tmp_path, sqlite_url, clock=Clock(datetime(2026, 1, 20, tzinfo=UTC)))
    running = installation.open()
    take_in(running, installation, line(1, PARCEL, author="max") | {"created_at": "2026-01-20T09:00:00+00:00"})
    running.desk.resolve(case(running).id, EVE, action_id="e1")
    running.parts.database.dispose()
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
        [earmark]
        database_url = "{sqlite_url}"
        [[channels]]
        name = "feed"
        connector = "replay"
        path = "{installation.feed}"
        [[queues]]
        name = "care"
        [[routes]]
        queue = "care"
        """,
        encoding="utf-8",
    )
    return path


def run(*arguments: str, config_file: Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [*arguments, "--config", str(config_file)])
    return done.exit_code, done.output


def test_a_month_is_closed_from_the_command_line(config_file: Path) -> None:
    unnamed = run("ledger", "close", "2026-01", config_file=config_file)
    soft = run("ledger", "close", "2026-01", "--soft", config_file=config_file)
    closed = run("ledger", "close", "2026-01", "--by", "Finance", config_file=config_file)

    assert unnamed[0] == 2
    assert "--by" in unnamed[1]
    assert soft[0] == 0
    assert soft[1].startswith("2026-01 is softly closed, and with it every month before: only supervisors and finance")
    assert closed[0] == 0
    assert closed[1].startswith("2026-01 is closed by Finance: 3 journals, last hash ")


def test_the_versions_of_the_cost_model_are_shown(config_file: Path) -> None:
    code, shown = run("ledger", "config", config_file=config_file)

    assert code == 0
    assert shown.startswith("* starter-1-")
    assert "placeholder, not approved" in shown


def test_an_author_is_erased_from_the_command_line_after_a_question(config_file: Path) -> None:
    dry = run("erase", "replay:max", "--dry-run", config_file=config_file)
    asked = run("erase", "replay:max", config_file=config_file)
    done = run("erase", "replay:max", "--yes", config_file=config_file)

    assert "Would blank: author 1, 1 mentions" in dry[1]
    assert asked[0] == 1
    assert "Blanked: author 1, 1 mentions" in done[1]
