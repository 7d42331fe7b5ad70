"""A month of made-up work on real databases: reports agree with each other, with the journals and with beancount."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from sqlalchemy import select
from sqlmodel import col

from bot import audit
from bot.app import App
from bot.domain import Quadrant
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from bot.ledger.accounts import CONTACT_ACCOUNTS, WASTE
from bot.reporting.ask import Ask
from bot.reporting.command import BUILDERS, build
from bot.reporting.night import night
from bot.reports.data import as_data
from bot.reports.night import Night
from bot.reports.render import as_csv
from bot.reports.summary import summary
from bot.reports.top import Candidate, examples
from storage import db, ledger, ledger_sums, ledger_verify, models, report_cases
from storage.ledger_rows import JOURNAL, LINE
from storage.ledger_sums import CASE_SUM
from tests.installation import prepare
from tests.reporting.month import OCTOBER, a_month

pytestmark = pytest.mark.slow

OPTIONS = {"paid_hours": 1600, "opex": 600_000_000, "cap_bp": 1000, "driver": "orders", "weeks": 1}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, Path]]:
    folder = tmp_path_factory.mktemp("month")
    url = f"sqlite:///{folder / 'earmark.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("module_postgresql_url")
    prepare(url)
    with a_month(folder, url) as (app, _clock):
        for kind, text in FILES.items():
            path = folder / f"{kind}.csv"
            path.write_text(text, encoding="utf-8")
            found, _ = import_file(app.parts, KINDS[kind], path)
            assert (found.new, found.refused) == (len(text.splitlines()) - 1, 0), kind
        yield app, folder


def lines(heading: str, rows: Iterable[str]) -> str:
    return "\n".join([heading, *rows, ""])


DID = ("order", "order", "cancellation", "upgrade")
FILES = {
    "customers": lines(
        "ref,segment,platform,author",
        (f"c-{n},{'vip' if n % 3 else 'new'},replay,person-{n}" for n in range(50)),
    ),
    "drivers": lines(
        "name,date,quantity", (f"orders,2026-{9 + d // 30:02d}-{d % 30 + 1:02d},{900 + d}" for d in range(60))
    ),
    "payroll": "period,team,amount_minor\n2026-10,service,80000\n",
    "goodwill": "external_id,case_id,paid_on,amount_minor\ng1,1,2026-10-05,700\n",
    "loyalty_events": lines(
        "external_id,customer_ref,type,occurred_at,amount_minor,currency",
        (f"{n},c-{n % 50},{DID[n % 4]},2026-1{n % 2}-{n % 25 + 1:02d},100,GBP" for n in range(120)),
    ),
    "surveys": "external_id,kind,score,answered_at\n1,nps,10,2026-10-03\n2,nps,3,2026-10-04\n3,ces,6,2026-10-04\n",
    "experiments": "external_id,title,window_days,margin_12m_minor\ncalls,Welcome call,30,24000\n",
    "experiment_assignments": lines(
        "experiment,customer_ref,arm,assigned_at",
        (f"calls,c-{n},{'treatment' if n % 2 else 'control'},2026-10-01" for n in range(50)),
    ),
    "initiatives": lines(
        "external_id,title,owner,one_off_minor,effects",
        ["status,Status page,engineering,1000,outage_fault=2000/4000/6000"],
    ),
}
"""In the order in which they have to be imported."""


def asked(app: App, name: str, *, now: datetime | None = None) -> Any:
    with db.reading(app.parts.database) as session:
        return build(Ask(session, app.parts.settings, "2026-10", now or app.parts.now(), OPTIONS), name)


def test_i20_the_reports_on_money_agree_with_each_other_and_with_the_journals(month: tuple[App, Path]) -> None:
    app, _ = month

    statement, grid, top, recharge = (asked(app, name) for name in ("statement", "grid", "top", "recharge"))

    waste = statement.costs[WASTE].total
    assert waste > 0
    assert grid.grid[Quadrant.LIABILITY].cost_minor == waste
    assert sum(row.cost_minor for row in top.top) + top.rest_minor == waste
    assert sum(row.waste_minor for row in grid.by_segment) == waste
    assert waste == (
        recharge.charged_minor
        + recharge.own_failures_of_service_minor
        + recharge.external_minor
        + recharge.unassigned_minor
        + recharge.open_promises_minor
    )
    assert grid.total_cost_minor == statement.contact_cost.total == posted_by_line(app, CONTACT_ACCOUNTS)
    assert waste == posted_by_line(app, (WASTE,))
    check = statement.balance_sheet.check_assets_minus_liabilities_minus_equity_minus_result
    assert (check.E, check.M, check.R) == (0, 0, 0)


def posted_by_line(app: App, accounts: tuple[str, ...]) -> int:
    with db.reading(app.parts.database) as session:
        query = (
            select(LINE.c.amount)
            .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
            .where(JOURNAL.c.status == "posted", LINE.c.account.in_(accounts), LINE.c.commodity == "GBP")
        )
        return sum(session.scalars(query))


def test_the_figures_can_be_followed_to_cases_and_from_there_to_mentions(month: tuple[App, Path]) -> None:
    app, _ = month
    with db.reading(app.parts.database) as session:
        kept = {case_id: amount for case_id, _, amount in session.execute(select(CASE_SUM))}
        cases = list(session.scalars(select(col(models.Case.id))))
        told = {
            str(case_id): sum(
                line.amount
                for journal in ledger.journals_of(session, case_id=str(case_id))
                if journal.draft.status == "posted"
                for line in journal.draft.lines
                if line.case_id == str(case_id) and line.account in CONTACT_ACCOUNTS and line.commodity == "GBP"
            )
            for case_id in cases
        }

    assert {case_id: amount for case_id, amount in told.items() if amount} == {k: v for k, v in kept.items() if v}
    assert sum(kept.values()) == asked(app, "statement").contact_cost.total


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_report_is_data_a_table_and_csv(month: tuple[App, Path], name: str) -> None:
    app, _ = month

    report = asked(app, name)

    data = json.loads(json.dumps(as_data(report)))
    assert data
    assert as_csv(report).count("\n") > 1


def test_the_statement_shows_the_payroll_and_the_goodwill_that_were_imported(month: tuple[App, Path]) -> None:
    statement = asked(month[0], "statement")

    assert statement.absorption.actual_pool_minor == 80000
    assert statement.absorption.absorbed_minor == statement.contact_cost.total
    assert statement.costs["Expenses:Goodwill"].R == 700


def test_repeats_of_the_report_are_those_the_desk_saw(month: tuple[App, Path]) -> None:
    app, _ = month
    # Customers were imported after the month, so that both know authors only by who they are.
    report = asked(app, "repeats")

    with db.reading(app.parts.database) as session:
        table = models.Case
        query = select(col(table.id), col(table.repeat_kind)).where(col(table.closed_how) != "not_for_us")
        stored = {str(case_id): kind for case_id, kind in session.execute(query)}
    assert report.overall.contacts == len(stored)
    assert report.overall.repeats > 0
    assert report.identity_coverage == "100.0%"


def test_loyalty_and_experiments_see_what_customers_did(month: tuple[App, Path]) -> None:
    app, _ = month
    later = OCTOBER + timedelta(days=200)

    loyalty, [experiment] = asked(app, "loyalty", now=later), asked(app, "experiment", now=later)

    assert sum(row.customers for row in loyalty.cohorts.values()) == 50
    assert loyalty.not_over == 0
    assert sum(row.left for row in loyalty.cohorts.values()) > 0
    assert (experiment.churn.treatment_n, experiment.churn.control_n) == (25, 25)
    assert experiment.churn.effect is not None


def test_an_experiment_whose_window_is_not_over_shows_nothing(month: tuple[App, Path]) -> None:
    app, _ = month

    [experiment] = asked(app, "experiment", now=OCTOBER + timedelta(days=20))

    assert experiment.churn.verdict == "too early"
    assert (experiment.churn.effect, experiment.revenue) == (None, None)


def test_savings_without_a_baseline_claim_nothing(month: tuple[App, Path]) -> None:
    savings = asked(month[0], "savings")

    assert {row.verdict for row in savings.rows} == {"no baseline"}
    assert savings.total_creditable_minor == 0


def test_priorities_take_what_pays_back_on_the_low_estimate(month: tuple[App, Path]) -> None:
    app, _ = month

    priorities = asked(app, "priorities")

    [chosen] = priorities.chosen
    with db.reading(app.parts.database) as session:
        query = (
            select(LINE.c.amount)
            .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
            .where(
                JOURNAL.c.status == "posted",
                LINE.c.account.in_(CONTACT_ACCOUNTS),
                LINE.c.commodity == "GBP",
                LINE.c.reason == "outage_fault",
            )
        )
        outage = sum(session.scalars(query))
    assert (chosen.id, chosen.waste_removed_low_minor) == ("status", outage * 2000 // 10000)


def test_the_sums_beside_the_ledger_are_those_of_the_journals(month: tuple[App, Path]) -> None:
    with db.reading(month[0].parts.database) as session:
        kept = set(map(tuple, session.execute(select(ledger_sums.SUM).where(ledger_sums.SUM.c.amount != 0))))
        counted = set(map(tuple, session.execute(ledger_sums.recounted())))

        assert len(kept) > 100
        assert kept == {(day, bool(late), *rest[:-1], int(rest[-1])) for day, late, *rest in counted}
        assert ledger_verify.verify(session).ok


def test_bean_check_accepts_the_export(month: tuple[App, Path]) -> None:
    app, folder = month

    written = audit.export(app.parts.settings, folder / "ledger.beancount")

    text = (folder / "ledger.beancount").read_text("utf-8")
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    assert len([entry for entry in entries if type(entry).__name__ == "Balance"]) > 10
    with db.reading(app.parts.database) as session:
        assert written == ledger_verify.verify(session).journals


@pytest.mark.parametrize("change", ["one side", "both sides", "a missing journal"])
def test_bean_check_refuses_the_export_after_a_change(
    month: tuple[App, Path], change: str, alter: Callable[[str, str], str]
) -> None:
    app, folder = month
    audit.export(app.parts.settings, folder / "ledger.beancount")

    altered = alter((folder / "ledger.beancount").read_text("utf-8"), change)

    _, errors, _ = loader.load_string(altered)
    assert errors != []


@pytest.fixture
def alter() -> Callable[[str, str], str]:
    """Changes the export by a penny on one side or on both, or cuts a journal out."""

    def change(text: str, how: str) -> str:
        entries = text.split("\n\n")
        number = next(n for n, one in enumerate(entries) if ' * "cost" ' in one and "4.50 GBP-E" in one)
        if how == "a missing journal":
            return "\n\n".join(entries[:number] + entries[number + 1 :])
        entry = entries[number].replace(" 4.50 GBP-E", " 4.51 GBP-E")
        if how == "both sides":
            entry = entry.replace(" -4.50 GBP-E", " -4.51 GBP-E")
        return "\n\n".join([*entries[:number], entry, *entries[number + 1 :]])

    return change


def test_the_examples_are_those_that_all_candidates_would_give(month: tuple[App, Path]) -> None:
    app, _ = month
    with db.reading(app.parts.database) as session:
        ask = Ask(session, app.parts.settings, "2026-10", app.parts.now(), OPTIONS)
        found: Any = build(ask, "top")
        reasons = [row.reason for row in found.top]
        rows = report_cases.candidates(session, since=ask.since, until=ask.until, reasons=reasons, unit="GBP")
        shown = report_cases.may_be_shown(session, [row.mention_id for row in rows])
        times = report_cases.opened_at(session, {row.mention_id for row in rows})
    everything = [
        (row.reason, Candidate(mention, row.cost_minor, times[row.mention_id], is_public=True, is_erased=False))
        for row in rows
        for mention in [str(row.mention_id)]
        if row.mention_id in shown
    ]

    for waste in found.top:
        all_of_it = [one for reason, one in everything if reason == waste.reason]
        assert waste.examples == examples(all_of_it, period="2026-10", reason=waste.reason)
    assert len(everything) > 40


# -- the nightly summary -------------------------------------------------------------------------------------------


def summed_up(app: App, day: date) -> Night:
    with db.reading(app.parts.database) as session:
        return night(session, app.parts.settings, app.parts.model, day)


def test_the_summary_of_the_last_day_says_what_the_reports_of_the_month_say(month: tuple[App, Path]) -> None:
    app, _ = month
    # The reports as they stood when the month was over.
    midnight = datetime(2026, 11, 1, tzinfo=UTC)
    names = ("statement", "top", "recharge", "repeats", "sensitivity")
    statement, top, recharge, repeats, sensitivity = (asked(app, name, now=midnight) for name in names)

    found = summed_up(app, date(2026, 10, 31))

    assert found.waste is not None
    assert found.origins is not None
    assert found.charges is not None
    assert found.resolution is not None
    assert found.waste.month_minor == statement.costs[WASTE].total
    assert found.waste.month_cost_minor == statement.contact_cost.total
    assert found.waste.range_minor == (sensitivity.tornado[0].low_minor, sensitivity.tornado[0].high_minor)
    assert [row.reason for row in found.origins.top] == [row.reason for row in top.top[:3]]
    assert [row.cost_minor for row in found.origins.top] == [row.cost_minor for row in top.top[:3]]
    assert dict(found.charges.by_department) == recharge.eligible
    assert found.resolution.repeat_cost_minor == repeats.overall.repeat_cost_minor
    assert found.trust.pool_minor == 80000
    assert found.requests is not None
    assert (found.requests.passed, found.requests.waiting) == (1, 0)
    assert (found.promises, found.savings) == (None, None)


def test_the_days_of_a_month_add_up_to_it(month: tuple[App, Path]) -> None:
    app, _ = month

    nights = [summed_up(app, date(2026, 10, number)) for number in range(1, 32)]

    wasted = [one.waste.day_minor if one.waste else 0 for one in nights]
    running = [one.waste.month_minor if one.waste else 0 for one in nights]
    assert running == list(accumulate(wasted))
    assert sum(one.demand.contacts for one in nights if one.demand) == asked(app, "repeats").overall.contacts
    assert all(
        one.demand.contacts == one.demand.complaints + one.demand.requests + one.demand.praise
        for one in nights
        if one.demand
    )


def test_what_is_usual_needs_four_same_weekdays(month: tuple[App, Path]) -> None:
    app, _ = month

    early, late = (summed_up(app, date(2026, 10, number)).demand for number in (28, 29))

    assert early is not None
    assert late is not None
    assert early.usual is None
    assert late.usual in range(1, 7)


def test_the_lines_of_a_day_keep_their_numbers(month: tuple[App, Path]) -> None:
    app, _ = month

    lines = summary(summed_up(app, date(2026, 10, 31)))

    assert [line.partition(" ")[0] for line in lines[1:-1]] == ["1.", "2.", "3.", "5.", "7.", "8.", "9.", "10."]
    assert lines[0].startswith("*Value / waste ledger — Sat 31 Oct 2026* · Oct day 31 of 31, month open")
