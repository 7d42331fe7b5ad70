"""The report on promises from real cases: what the month's came to, and what is owed now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.domain import Actor
from bot.reporting import promises as reporting
from bot.reporting.ask import Ask
from bot.reporting.night import night
from bot.reporting.promises import Promises
from bot.reports.summary import summary
from storage.db import reading
from tests.installation import START, Clock, Installation, line
from tests.looking import case, take_in

ANN = Actor("slack:UANN", "Ann")
PARCEL, BILL = "complaint/where_is_it: where is my parcel", "complaint/billing_error: charged twice"
QUEUES = {
    "queues": [{"name": "care"}, {"name": "care-billing"}],
    "routes": [{"reason": ["billing_error"], "queue": "care-billing"}, {"queue": "care"}],
}


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    return Installation(tmp_path, database_url, Clock(START), settings=QUEUES)


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    """Two cases in two queues; one promise kept, one late, one overdue, one called off, one due in December."""
    running = installation.open()
    take_in(running, installation, line(1, PARCEL, author="max"), line(2, BILL, author="mia"))
    desk, clock = running.desk, installation.clock
    one, two = case(running, 1).id, case(running, 2).id
    desk.promise(one, ANN, START + timedelta(hours=1), action_id="p1")
    desk.keep_promise(one, ANN, action_id="k1")
    desk.promise(two, ANN, START + timedelta(hours=1), action_id="p2")
    desk.promise(one, ANN, START + timedelta(hours=9), action_id="p3")
    desk.cancel_promise(one, ANN, action_id="c3")
    clock.forward(hours=2)
    desk.keep_promise(two, ANN, action_id="k2")
    desk.promise(two, ANN, START + timedelta(hours=3), action_id="p4")
    desk.promise(one, ANN, datetime(2026, 12, 1, 9, tzinfo=UTC), action_id="p5")
    clock.forward(hours=2)
    yield running
    running.parts.database.dispose()


def report(running: App, month: str = "2026-11") -> Promises:
    with reading(running.parts.database) as session:
        return reporting.promises(Ask(session, running.parts.settings, month, running.parts.now()))


def test_kept_late_and_broken_count_and_what_was_called_off_in_time_does_not(running: App) -> None:
    found = report(running)

    assert (found.kept, found.late, found.broken, found.cancelled, found.open) == (1, 1, 1, 1, 0)
    assert (found.counted, found.kept_rate) == (3, "33.3%")


def test_a_promise_counts_in_the_month_it_is_due_and_is_owed_at_once(running: App) -> None:
    december = report(running, "2026-12")

    assert (december.counted, december.open) == (0, 1)
    assert report(running).accrued_minutes == 5 + 5


def test_what_is_overdue_is_told_by_queue_and_by_the_department_awaited(running: App) -> None:
    found = report(running)

    [late] = found.overdue
    assert (late.queue, late.department, late.made_by, late.overdue_minutes) == ("care-billing", "billing", "Ann", 60)
    assert [(row.name, row.overdue, row.accrued_minor) for row in found.by_queue] == [
        ("care-billing", 1, 250),
        ("care", 0, 250),
    ]
    assert [(row.name, row.late, row.broken) for row in found.by_dept] == [("billing", 1, 1), ("logistics", 0, 0)]


def test_a_promise_broken_last_month_is_counted_there_and_stays_overdue(
    running: App, installation: Installation
) -> None:
    installation.clock.at = datetime(2026, 12, 5, 9, tzinfo=UTC)

    november, december = report(running), report(running, "2026-12")

    assert (november.broken, [late.promise for late in november.overdue]) == (1, [4])
    # Promise 5 was due on 1 December and is broken, promise 4 is only overdue.
    assert (december.broken, [late.promise for late in december.overdue]) == (1, [4, 5])


def test_the_nightly_summary_says_how_many_were_kept_and_where_most_is_overdue(
    running: App, installation: Installation
) -> None:
    installation.clock.forward(days=1)

    said = lines(running, date(2026, 11, 18))

    assert said["6"] == "6. *Promises* 1 of 3 call-backs kept (33.3%); 1 overdue now, most in #care-billing."


def lines(running: App, day: date) -> dict[str, Any]:
    with reading(running.parts.database) as session:
        found = summary(night(session, running.parts.settings, running.parts.model, day))
    return {line.partition(".")[0]: line for line in found}


def test_a_month_without_promises_has_no_line_about_them(tmp_path: Path, database_url: str) -> None:
    quiet = Installation(tmp_path, database_url, Clock(START))
    running = quiet.open()
    take_in(running, quiet, line(1, PARCEL))

    assert "6" not in lines(running, date(2026, 11, 18))
    running.parts.database.dispose()
