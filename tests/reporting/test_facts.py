"""Single reports on small installations: what is a spike, who may be an example, what a baseline is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot import incidents
from bot.app import App
from bot.domain import Actor
from bot.errors import InputError
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from bot.reporting import calm as calmed
from bot.reporting.ask import Ask, period
from bot.reporting.command import build
from bot.reporting.night import night
from bot.reports.night import Spike
from storage import db
from storage.models import Author
from tests.installation import Clock, Installation, line, work

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
ANN = Actor("slack:U1", "Ann")
EVE = Actor("slack:U2", "Eve", is_supervisor=True)
INCIDENT = "outage_fault-2026-11-18T11"


def opened(folder: Path, url: str, lines: Iterable[dict[str, Any]], *, at: datetime) -> App:
    place = Installation(folder, url, Clock(at))
    place.publish(lines)
    app = place.open()
    work(app)
    return app


def asked(app: App, name: str, month: str, **options: Any) -> Any:
    with db.reading(app.parts.database) as session:
        return build(Ask(session, app.parts.settings, month, app.parts.now(), options), name)


def test_an_hour_with_many_times_the_usual_is_an_incident_with_its_cost(tmp_path: Path, database_url: str) -> None:
    fault = "complaint/outage_fault: the app is down"
    usual = [
        line(100 * week + n, fault) | {"created_at": (NOON - timedelta(weeks=week, minutes=n)).isoformat()}
        for week in range(1, 6)
        for n in range(3)
    ]
    burst = [line(n, fault) | {"created_at": (NOON - timedelta(minutes=n)).isoformat()} for n in range(1, 21)]
    app = opened(tmp_path, database_url, [*usual, *burst], at=NOON + timedelta(minutes=5))
    app.desk.claim(16, ANN, action_id="a")
    app.desk.resolve(16, ANN, action_id="b")

    report = asked(app, "spikes", "2026-11")
    app.parts.database.dispose()

    # Two of the three usual mentions fall into the hour before noon, one into the next.
    [incident] = report.incidents
    assert (incident.reason, incident.began_at) == ("outage_fault", NOON - timedelta(hours=1))
    assert (incident.mentions, incident.expected, incident.peak_ratio) == (20, 2.0, 10.0)
    assert incident.cost_minor == 400
    assert [(row.reason, row.count) for row in report.reasons] == [("", 20), ("outage_fault", 20)]
    assert {str(row.reading.level) for row in report.reasons} == {"tenfold"}


def test_a_stored_incident_is_reported_as_it_was_counted_at_the_time_and_named(
    tmp_path: Path, database_url: str
) -> None:
    fault = "complaint/outage_fault: the app is down"
    usual = [
        line(100 * week, fault) | {"created_at": (NOON - timedelta(weeks=week, minutes=5)).isoformat()}
        for week in range(1, 6)
    ]
    burst = [line(n, fault) | {"created_at": (NOON - timedelta(minutes=n)).isoformat()} for n in range(1, 21)]
    app = opened(tmp_path, database_url, [*usual, *burst], at=NOON + timedelta(minutes=5))
    incidents.watch(app.parts)
    app.desk.rename_incident(INCIDENT, EVE, "Card reader fault", action_id="n")
    app.desk.claim(7, ANN, action_id="a")
    app.desk.resolve(7, ANN, action_id="b")
    app.desk.remove_from_incident(8, EVE, action_id="r")

    report = asked(app, "spikes", "2026-11")
    before, after = (asked(app, "spikes", month).incidents for month in ("2026-10", "2026-12"))
    with db.reading(app.parts.database) as session:
        of_the_day = night(session, app.parts.settings, app.parts.model, NOON.date()).spike
    app.parts.database.dispose()

    [incident] = report.incidents
    assert (incident.id, incident.name, incident.cases) == (INCIDENT, "Card reader fault", 19)
    assert (incident.mentions, incident.expected, incident.peak_ratio) == (20, 1.0, 20.0)
    assert incident.cost_minor == 400
    assert (before, after) == ((), ())
    assert of_the_day == Spike("Card reader fault", 20.0, 19, 400)


def test_examples_are_public_alive_and_not_erased_and_show_no_handle(tmp_path: Path, sqlite_url: str) -> None:
    bill = "complaint/billing_error: [bold]charged[/bold] twice"
    lines = [line(1, bill, author="maria"), line(2, bill, private=True), line(3, bill, author="gone")]
    app = opened(tmp_path, sqlite_url, lines, at=NOON)
    for case in (1, 2, 3):
        app.desk.claim(case, ANN, action_id=f"c{case}")
        app.desk.resolve(case, ANN, action_id=f"r{case}")
    with db.transaction(app.parts.database) as session:
        session.execute(update(Author).where(col(Author.external_id) == "gone").values(erased_at=NOON))

    report = asked(app, "top", "2026-11")
    app.parts.database.dispose()

    assert [(one.mention_id, one.author, one.text) for one in report.examples] == [
        ("1", "@ma•••", "complaint/billing_error: [bold]charged[/bold] twice")
    ] * 3
    assert report.top[0].contacts == 3


def test_savings_compare_with_the_weeks_before_at_this_months_volume(tmp_path: Path, sqlite_url: str) -> None:
    bill = "complaint/billing_error: charged twice"
    lines = [line(n, bill) | {"created_at": (NOON - timedelta(days=n)).isoformat()} for n in range(20, 60, 2)]
    app = opened(tmp_path, sqlite_url, lines, at=NOON)
    for case in range(1, 21):
        app.desk.claim(case, ANN, action_id=f"c{case}")
        app.desk.resolve(case, ANN, action_id=f"r{case}")
    drivers = tmp_path / "drivers.csv"
    days = [datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=n) for n in range(79)]
    drivers.write_text("name,date,quantity\n" + "".join(f"orders,{day:%Y-%m-%d},100\n" for day in days))
    import_file(app.parts, KINDS["drivers"], drivers)

    report = asked(app, "savings", "2026-11", driver="orders", weeks=4)
    with pytest.raises(InputError, match=r"no driver 'flights' .*imported: orders"):
        asked(app, "savings", "2026-11", driver="flights", weeks=4)
    app.parts.database.dispose()

    # The tags are of the mentions' days, the work of today: of twenty contacts those of
    # 5 October (44 days ago) to 29 October (20 days ago) lie in the four weeks before the month.
    [row] = report.rows
    assert (row.reason, row.baseline_contacts, row.actual_cost_minor) == ("billing_error", 13, 9000)
    assert row.verdict == "baseline too short"


def test_the_baseline_of_savings_leaves_out_the_hours_of_incidents(tmp_path: Path, database_url: str) -> None:
    bill, outage = "complaint/billing_error: charged twice", NOON - timedelta(days=35)
    calm = [line(n, bill) | {"created_at": (NOON - timedelta(days=n)).isoformat()} for n in range(20, 60, 2)]
    burst = [line(100 + n, bill) | {"created_at": (outage - timedelta(minutes=n)).isoformat()} for n in range(1, 13)]
    place = Installation(tmp_path, database_url, Clock(outage))
    place.publish([*calm[8:], *burst])
    app = place.open()
    work(app)
    incidents.watch(app.parts)
    place.clock.at = NOON
    incidents.watch(app.parts)
    place.publish(calm[:8])
    work(app)
    drivers = tmp_path / "drivers.csv"
    days = [datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=n) for n in range(79)]
    drivers.write_text("name,date,quantity\n" + "".join(f"orders,{day:%Y-%m-%d},100\n" for day in days))
    import_file(app.parts, KINDS["drivers"], drivers)

    report = asked(app, "savings", "2026-11", driver="orders", weeks=4)
    with db.reading(app.parts.database) as session:
        ask = Ask(session, app.parts.settings, "2026-11", NOON)
        left_out = calmed.left_out(ask, date(2026, 10, 4), date(2026, 10, 31))
    app.parts.database.dispose()

    # As without the twelve of 14 October, which were an incident of that day: under four weeks days are compared.
    [row] = report.rows
    assert (row.reason, row.baseline_contacts) == ("billing_error", 13)
    # 24 of 672 hours are out, and so are their orders.
    assert left_out.drivers(2800) == {"billing_error": 2700}


@pytest.mark.parametrize("month", ["2026-13", "26-09", "2026-9", "0000-01", "September"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(InputError, match="write such as 2026-09"):
        period(month)


def test_a_month_is_that_of_the_reporting_time_zone(tmp_path: Path, sqlite_url: str) -> None:
    text = "complaint/billing_error: charged twice"
    place = Installation(
        tmp_path, sqlite_url, Clock(NOON), {"earmark": {"database_url": sqlite_url, "timezone": "Asia/Tokyo"}}
    )
    place.publish(
        [line(1, text) | {"created_at": "2026-10-31T14:59:00Z"}, line(2, text) | {"created_at": "2026-10-31T15:00:00Z"}]
    )
    app = place.open()
    work(app)

    october, november = (asked(app, "repeats", month).overall.contacts for month in ("2026-10", "2026-11"))
    grids = [asked(app, "grid", month).total_contacts for month in ("2026-10", "2026-11")]
    app.parts.database.dispose()

    assert (october, november) == (1, 1)
    assert grids == [1, 1]
