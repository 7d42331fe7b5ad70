"""Imports on real databases: what comes in, what is refused with line and reason, and that twice is once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlmodel import col

from bot.app import App
from bot.domain import Actor, CaseState
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from bot.imports.loader import Loaded
from bot.ledger.accounts import FUNDING_GOODWILL, GOODWILL, POOL, WASTE
from storage import db, ledger, ledger_reports, ledger_verify
from storage.models import Author, Customer, Mention
from storage.models_imports import LoyaltyEvent, Payroll
from tests.installation import Installation, assert_books_agree, line, work


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[App]:
    place = Installation(tmp_path, database_url)
    place.publish([line(1, "complaint/billing_error: charged twice", author="ann")])
    app = place.open()
    work(app)
    yield app
    app.parts.database.dispose()


def given_file(folder: Path, content: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def imported(app: App, kind: str, path: Path, *, dry_run: bool = False) -> Loaded:
    return import_file(app.parts, KINDS[kind], path, dry_run=dry_run)[0]


def rejects(path: Path) -> list[tuple[int, str]]:
    file = path.with_name(f"{path.name}.rejects.csv")
    if not file.exists():
        return []
    heading, *rows = csv.reader(file.read_text("utf-8").splitlines())
    assert heading == ["line", "reason"]
    return [(int(number), reason) for number, reason in rows]


def balances(app: App) -> dict[str, int]:
    with db.reading(app.parts.database) as session:
        return {row.account: row.amount for row in ledger_reports.balances(session) if row.basis == "R"}


def counted(app: App, table: str) -> int:
    with db.reading(app.parts.database) as session:
        return int(session.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608  # own names


def test_customers_are_linked_to_the_handles_they_write_under(running: App, tmp_path: Path) -> None:
    path = given_file(
        tmp_path,
        "ref,segment,active_from,platform,author\n"
        "c-1,vip,2024-01-31,replay,ann\n"
        "c-1,vip,2024-01-31,mastodon,ann@example.org\n"
        "c-2,,,,\n",
    )

    first = imported(running, "customers", path)

    assert first == Loaded(3, 3, 0, 0, 0)
    with db.reading(running.parts.database) as session:
        linked = session.execute(
            select(col(Author.platform), col(Author.external_id), col(Customer.ref), col(Customer.segment))
            .join(Customer, col(Customer.id) == col(Author.customer_id))
            .order_by(col(Author.platform))
        ).all()
    assert [tuple(row) for row in linked] == [
        ("mastodon", "ann@example.org", "c-1", "vip"),
        ("replay", "ann", "c-1", "vip"),
    ]


def test_a_later_file_changes_what_is_known_of_a_customer(running: App, tmp_path: Path) -> None:
    imported(running, "customers", given_file(tmp_path, "external_id,ref,segment\n7,c-1,new\n"))

    again = imported(running, "customers", given_file(tmp_path, "external_id,ref,segment\n7,c-1,vip\n"))

    assert again == Loaded(1, 0, 1, 0, 0)
    with db.reading(running.parts.database) as session:
        assert list(session.scalars(select(col(Customer.segment)))) == ["vip"]


def test_a_handle_that_belongs_to_another_customer_is_refused(running: App, tmp_path: Path) -> None:
    path = given_file(tmp_path, "ref,platform,author\nc-1,replay,ann\nc-2,replay,ann\nc-3,,ann\n")

    found = imported(running, "customers", path)

    assert found == Loaded(3, 1, 0, 0, 2)
    assert rejects(path) == [
        (3, "author is linked to another customer"),
        (4, "platform is missing: say where the author writes"),
    ]


def test_payroll_is_booked_once_on_the_last_day_of_its_month(running: App, tmp_path: Path) -> None:
    path = given_file(tmp_path, "period,team,amount_minor\n2026-11,service,1000000\n2026-11,night,250000\n")

    first = imported(running, "payroll", path)
    second = imported(running, "payroll", path)

    assert (first, second) == (Loaded(2, 2, 0, 0, 0), Loaded(2, 0, 0, 2, 0))
    assert balances(running)[POOL] == 1250000
    with db.reading(running.parts.database) as session:
        draft = ledger.draft_by_key(session, "csv:csv:2026-11:night:pool")
    assert draft is not None
    assert draft.effective.isoformat() == "2026-11-30"
    assert_books_agree(running)


def test_other_figures_for_the_same_payroll_are_refused(running: App, tmp_path: Path) -> None:
    imported(running, "payroll", given_file(tmp_path, "period,amount_minor\n2026-11,1000000\n"))
    path = given_file(tmp_path, "period,amount_minor\n2026-11,1000001\n")

    found = imported(running, "payroll", path)

    assert found == Loaded(1, 0, 0, 0, 1)
    assert rejects(path) == [
        (2, "was imported before with other values; a fact is not changed, correct it by a new line")
    ]
    assert balances(running)[POOL] == 1000000


def test_goodwill_is_borne_by_the_department_that_caused_the_case(running: App, tmp_path: Path) -> None:
    path = given_file(
        tmp_path,
        '{"source": "erp", "external_id": 1, "case_id": 1, "paid_on": "2026-11-18", "amount_minor": 1500}\n'
        '{"source": "erp", "external_id": 2, "platform": "replay", "mention": "1", "paid_on": "2026-11-19",'
        ' "amount_minor": 500, "currency": "GBP"}\n'
        '{"source": "erp", "external_id": 3, "case_id": 99, "paid_on": "2026-11-18", "amount_minor": 1}\n'
        '{"source": "erp", "external_id": 4, "case_id": 1, "paid_on": "2026-11-18", "amount_minor": 1.5}\n'
        '{"source": "erp", "external_id": 5, "case_id": 1, "paid_on": "2026-11-18", "amount_minor": 5,'
        ' "currency": "EUR"}\n',
        "goodwill.jsonl",
    )

    found = imported(running, "goodwill", path)

    assert found == Loaded(5, 2, 0, 0, 3)
    assert rejects(path) == [
        (3, "there is no such case; give case_id, or platform and mention"),
        (4, "amount_minor is no whole number; amounts are in minor units, such as 1250 for 12.50"),
        (5, "currency is not the book's, GBP"),
    ]
    assert (balances(running)[GOODWILL], balances(running)[FUNDING_GOODWILL]) == (2000, -2000)
    with db.reading(running.parts.database) as session:
        draft = ledger.draft_by_key(session, "csv:erp:1:goodwill")
    assert draft is not None
    assert [(one.account, one.dept, one.amount) for one in draft.lines] == [
        (GOODWILL, "billing", 1500),
        (FUNDING_GOODWILL, "service", -1500),
    ]


def test_a_case_that_a_bot_answered_alone_costs_a_fixed_price_and_no_time(running: App, tmp_path: Path) -> None:
    path = given_file(
        tmp_path,
        "external_id,platform,mention,answered_at,bot\n"
        "1,replay,1,2026-11-18T09:05:00+00:00,help page\n"
        "2,replay,1,2026-11-18T09:07:00+00:00,help page\n"
        "3,replay,99,2026-11-18T09:07:00+00:00,help page\n",
    )

    found, again = imported(running, "bot_answers", path), imported(running, "bot_answers", path)

    assert (found, again.new) == (Loaded(3, 1, 0, 0, 2), 0)
    assert rejects(path) == [
        (3, "somebody is at work on the case, or has closed it; what was done there is booked as it was"),
        (4, "there is no such case; give case_id, or platform and mention"),
    ]
    with db.reading(running.parts.database) as session:
        posted = {(one.account, one.commodity, one.basis): one.amount for one in ledger_reports.balances(session)}
        assert ledger_reports.balances(session, status="pending") == []
    assert posted[WASTE, "GBP", "E"] == 10
    assert not any(unit == "SEC" for _, unit, _ in posted)
    case = running.desk.view(1)
    assert case is not None
    assert (case.state, case.closed_how) == (CaseState.RESOLVED, "resolved")
    assert_books_agree(running)


def test_a_bot_closes_no_case_that_somebody_has_taken(running: App, tmp_path: Path) -> None:
    running.desk.claim(1, Actor("slack:U1", "Ann"), action_id="c1")
    path = given_file(tmp_path, "external_id,case_id,answered_at\n1,1,2026-11-18T09:05:00+00:00\n")

    found = imported(running, "bot_answers", path)

    assert found.refused == 1
    assert counted(running, "bot_answer") == 0
    case = running.desk.view(1)
    assert case is not None
    assert case.state is CaseState.CLAIMED


def test_a_dry_run_says_what_would_happen_and_changes_nothing(running: App, tmp_path: Path) -> None:
    path = given_file(tmp_path, "period,amount_minor\n2026-11,1000000\n2026-13,5\n")

    found = imported(running, "payroll", path, dry_run=True)

    assert found == Loaded(2, 1, 0, 0, 1)
    assert rejects(path) == [(3, "period is no month; write such as 2026-09")]
    assert counted(running, "payroll") == 0
    assert POOL not in balances(running)


def test_experiments_come_before_their_assignments_which_follow_the_salt(running: App, tmp_path: Path) -> None:
    arms = "experiment,customer_ref,arm,assigned_at\n"
    path = given_file(tmp_path, f"{arms}calls,c-1,treatment,2026-09-01\n", "early.csv")
    assert imported(running, "experiment_assignments", path).new == 0
    assert rejects(path) == [(2, "experiment is not known; import experiments first")]
    imported(
        running,
        "experiments",
        given_file(tmp_path, "external_id,salt,treatment_bp,window_days\ncalls,2026,5000,90\n", "experiments.csv"),
    )
    # printf '2026:c-1' | sha256sum: its first eight digits are 9617 modulo 10000, and below 5000 is treatment;
    # c-2 has 5339, c-3 has 3758.
    rows = "calls,c-1,control,2026-09-01\ncalls,c-2,treatment,2026-09-01\ncalls,c-3,treatment,2026-09-01\n"

    path = given_file(tmp_path, arms + rows, "arms.csv")
    found = imported(running, "experiment_assignments", path)

    assert found == Loaded(3, 2, 0, 0, 1)
    assert rejects(path) == [(3, "arm is not the one that the experiment's salt gives")]


def test_initiatives_name_reasons_of_the_taxonomy(running: App, tmp_path: Path) -> None:
    path = given_file(
        tmp_path,
        "external_id,title,one_off_minor,effects\n"
        "status,Status page,460000,outage_fault=2000/4000/6000; billing_error=0/100/200\n"
        "magic,Magic,1,everything=1/2/3\n"
        "odd,Odd,1,billing_error=3/2/1\n",
    )

    found = imported(running, "initiatives", path)

    assert found == Loaded(3, 1, 0, 0, 2)
    assert rejects(path) == [
        (3, "effects: everything is no reason of the taxonomy"),
        (
            4,
            "effects needs low/point/high basis points of each reason, such as where_is_it=2000/4000/6000",
        ),
    ]


def test_mentions_are_stored_once_and_tagged_like_polled_ones(running: App, tmp_path: Path) -> None:
    rows = [
        {"id": "x1", "text": "complaint/billing_error: wrong", "author": "bob", "created_at": "2026-11-17T10:00:00Z"},
        {"id": "x2", "text": "praise/praise: thank you", "created_at": "2026-11-17T10:05:00Z"},
        {"id": "x3"},
    ]
    path = given_file(tmp_path, "\n".join(map(json.dumps, rows)), "old.jsonl")

    first = imported(running, "mentions", path)
    second = imported(running, "mentions", path)
    work(running)

    assert (first, second) == (Loaded(3, 2, 0, 0, 1), Loaded(3, 0, 0, 2, 1))
    assert rejects(path) == [(3, "text is missing")]
    with db.reading(running.parts.database) as session:
        states = session.execute(select(col(Mention.external_id), col(Mention.state)).order_by(col(Mention.id))).all()
    assert [tuple(row) for row in states] == [("1", "tagged"), ("x1", "tagged"), ("x2", "tagged")]
    assert_books_agree(running)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name;date;quantity\norders;2026-09-01;10;x\n", "has 4 fields, the first line names 3"),
        (b"name,date,quantity\norders,1/9/2026,10\n", "date is no date; write such as 2026-09-01"),
        (b"name,date,quantity\norders,2026-09-01,-1\n", "quantity is below 0"),
        (b"name,date,quantity\n,2026-09-01,1\n", "name is missing"),
        (b"name,date,quantity\n\xff,2026-09-01,1\n", "is no valid UTF-8"),
        (b"name,date,quantity\norders,2026-09-01," + b"9" * 200_000 + b"\n", "is no CSV"),
    ],
)
def test_a_bad_line_is_refused_and_says_why(tmp_path: Path, sqlite_url: str, content: bytes, reason: str) -> None:
    app = Installation(tmp_path, sqlite_url).open()
    path = tmp_path / "drivers.csv"
    path.write_bytes(content + b"orders,2026-09-02,11\n".replace(b",", b";" if b";" in content else b","))

    found = imported(app, "drivers", path)
    app.parts.database.dispose()

    assert found == Loaded(2, 1, 0, 0, 1)
    [(number, said)] = rejects(path)
    assert number == 2
    assert said.startswith(reason)


def test_a_file_without_rejects_leaves_no_old_rejects_behind(tmp_path: Path, sqlite_url: str) -> None:
    app = Installation(tmp_path, sqlite_url).open()
    path = given_file(tmp_path, "name,date,quantity\norders,nonsense,1\n")
    imported(app, "drivers", path)
    assert len(rejects(path)) == 1

    given_file(tmp_path, "name,date,quantity\norders,2026-09-01,1\n")
    imported(app, "drivers", path)
    app.parts.database.dispose()

    assert not path.with_name("file.csv.rejects.csv").exists()


events = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["shop", "crm"]),
            "external_id": st.integers(1, 5),
            "customer_ref": st.sampled_from(["c-1", "c-2"]),
            "type": st.sampled_from(["order", "renewal", "cancellation", "dance"]),
            "occurred_at": st.sampled_from(["2026-09-01", "2026-09-02T10:00:00+02:00"]),
            "amount_minor": st.integers(-1, 3),
        }
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=events, cut=st.integers(0, 12))
def test_whatever_a_file_holds_and_wherever_an_import_stopped_the_same_file_again_imports_nothing(
    running: App, tmp_path: Path, rows: list[dict[str, Any]], cut: int
) -> None:
    with db.transaction(running.parts.database) as session:
        session.connection().execute(text("DELETE FROM loyalty_event"))
    whole = given_file(tmp_path, "\n".join(map(json.dumps, rows)), "whole.jsonl")
    part = given_file(tmp_path, "\n".join(map(json.dumps, rows[:cut])), "part.jsonl")

    before = imported(running, "loyalty_events", part)
    after = imported(running, "loyalty_events", whole)
    stored = snapshot(running)
    again = imported(running, "loyalty_events", whole)

    keys = {(row["source"], str(row["external_id"])) for row in rows if is_good(row)}
    assert before.new + after.new == len(keys) == len(stored)
    assert again.new == again.changed == 0
    assert again.read == again.unchanged + again.refused == len(rows)
    assert snapshot(running) == stored


def is_good(row: dict[str, Any]) -> bool:
    return row["type"] != "dance" and int(row["amount_minor"]) >= 0


def snapshot(app: App) -> list[tuple[Any, ...]]:
    with db.reading(app.parts.database) as session:
        table = LoyaltyEvent
        columns = (table.source, table.external_id, table.customer_ref, table.type, table.amount_minor, table.digest)
        rows = session.execute(
            select(*(col(column) for column in columns)).order_by(col(table.source), col(table.external_id))
        )
        return [tuple(row) for row in rows]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(
        st.lists(st.tuples(st.sampled_from(["2026-09", "2026-10"]), st.integers(1, 3)), max_size=4), max_size=4
    )
)
def test_the_payroll_in_the_ledger_is_the_payroll_in_the_table_whatever_is_imported(
    running: App, tmp_path: Path, files: list[list[tuple[str, int]]]
) -> None:
    for number, rows in enumerate(files):
        body = "".join(f"{month},{amount}\n" for month, amount in rows)
        imported(running, "payroll", given_file(tmp_path, f"period,amount_minor\n{body}", f"payroll{number}.csv"))

    with db.reading(running.parts.database) as session:
        stored = sum(session.scalars(select(col(Payroll.amount_minor))))
        assert ledger_verify.verify(session).ok
    assert balances(running).get(POOL, 0) == stored
