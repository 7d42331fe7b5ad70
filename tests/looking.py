"""What tests look at after something happened: rows, cases, the books, the orders for Slack."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlmodel import SQLModel

from bot import pipeline
from bot.app import App
from bot.ledger.journal import Status
from bot.views import CaseView
from storage import cases, ledger_reports, models
from storage.cases import CaseFilter
from storage.db import reading
from storage.outbox import Kind
from tests.installation import Installation

Row = TypeVar("Row", bound=SQLModel)
Sums = dict[tuple[str, str, str, str], int]


def take_in(running: App, installation: Installation, *lines: dict[str, object]) -> None:
    """People write something, and it is polled and tagged; nothing is delivered."""
    installation.publish(lines)
    while pipeline.receive(running.parts, "feed").more:
        pass
    while pipeline.tag(running.parts):
        pass


def rows(running: App, table: type[Row]) -> list[Row]:
    """All rows of a table, in the order of its key."""
    key = list(SQLModel.metadata.tables[str(table.__tablename__)].primary_key.columns)
    with reading(running.parts.database) as session:
        found = list(session.scalars(select(table).order_by(*key)))
        session.expunge_all()
        return found


def case(running: App, number: int = 1) -> CaseView:
    """The ``number``-th case that was opened, whole."""
    ids = [row.id for row in rows(running, models.Case)]
    view = running.desk.view(ids[number - 1])
    assert view is not None
    return view


def waiting(running: App, queue: str) -> list[int]:
    """The cases that wait in a queue, in its order."""
    with reading(running.parts.database) as session:
        return [view.id for view in cases.page(session, CaseFilter(queue=queue))]


def posted(running: App) -> Sums:
    """The posted balances but for the service side: account, department, unit, basis → amount."""
    return _sums(running, "posted")


def pending(running: App) -> Sums:
    """The same of open holds: work that is expected."""
    return _sums(running, "pending")


def _sums(running: App, status: Status) -> Sums:
    with reading(running.parts.database) as session:
        return {
            (one.account.removeprefix("Expenses:Contact:"), one.dept, one.commodity, one.basis): one.amount
            for one in ledger_reports.balances(session, status=status)
            if one.account.startswith("Expenses:")
        }


def contacts(running: App) -> int:
    """The ledger's CNT balance."""
    with reading(running.parts.database) as session:
        return ledger_reports.totals(session).contacts


def journal_kinds(running: App) -> list[str]:
    """What was posted, in order."""
    return [row.kind for row in rows(running, models.LedgerJournal)]


def orders(running: App) -> list[tuple[str, Kind, int | None]]:
    """What Slack was to show, in order: Slack channel, kind, case."""
    return [(row.slack_channel, Kind(row.kind), row.case_id) for row in rows(running, models.OutboxMessage)]


def history(running: App, number: int = 1) -> list[tuple[str, str]]:
    """What became of the ``number``-th case, and who did it."""
    return [(event.kind, event.actor_name) for event in case(running, number).events]
