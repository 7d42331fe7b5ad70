"""The nightly job: each date is summed up once, whatever the clock does, and never while it still goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert
from sqlmodel import Session

from bot import config, nightly
from bot.app import App, Role
from bot.config import Settings
from bot.domain import Actor
from bot.nightly import CATCH_UP_DAYS
from storage import db, ledger_triggers, summaries
from storage.db import reading, transaction
from storage.models import OutboxMessage
from storage.models_summary import Summary
from storage.models_sums import LedgerSum
from storage.summaries import Kept
from tests.installation import START, Clock, Installation, give_tables, line
from tests.looking import rows, take_in
from tests.servers.slack import BOT_TOKEN, Slack
from tests.servers.slack import running as served

ANN = Actor("slack:U1", "Ann")
DAY = timedelta(days=1)
WEDNESDAY = date(2026, 11, 18)
IN_LONDON = {
    "earmark": {"timezone": "Europe/London"},
    "slack": {},
    "summary": {"slack_channel": "C0EXEC"},
}


# -- which day is due ---------------------------------------------------------------------------------------------


def settings_of(timezone: str, post_after: str = "00:10") -> Settings:
    raw = {
        "earmark": {"timezone": timezone},
        "channels": [{"name": "feed", "connector": "replay", "path": "feed.jsonl"}],
        "queues": [{"name": "care"}],
        "routes": [{"queue": "care"}],
        "summary": {"slack_channel": "C0EXEC", "post_after": post_after},
        "slack": {},
    }
    return config.parse(raw, source="test")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database whose book begins on 1 January 2020."""
    file = tmp_path_factory.mktemp("nights") / "earmark.sqlite"
    give_tables(file)
    engine = db.connect(f"sqlite:///{file}")
    keys = dict.fromkeys(("account", "commodity", "basis", "dept", "reason", "quadrant", "segment"), "")
    first = {"effective_date": date(2020, 1, 1), "is_late": False, "status": "posted", "amount": 1, **keys}
    with transaction(engine) as session:
        session.execute(insert(LedgerSum), [first])
    yield engine
    engine.dispose()


def tick(session: Session, settings: Settings, now: datetime) -> list[date]:
    """What one tick of the clock sums up; the days of it are stored."""
    days = nightly.due(session, settings, now)
    return [day for day in days if summaries.keep(session, Kept(day, (), is_alarm=False), now=now)]


def ticked(engine: Engine, settings: Settings, moments: list[datetime]) -> list[tuple[datetime, date]]:
    """What the ticks sum up one after the other, in a database that forgets it afterwards."""
    with Session(engine) as session:
        found = [(now, day) for now in moments for day in tick(session, settings, now)]
        session.rollback()
    return found


CLOCK_CHANGES = st.sampled_from(
    [
        ("Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC)),  # 01:00 becomes 02:00
        ("Europe/London", datetime(2026, 10, 25, 1, tzinfo=UTC)),  # 02:00 becomes 01:00
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),  # 02:00 becomes 03:00
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),  # 02:00 becomes 01:00
        ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),  # midnight becomes 01:00
    ]
)
POST_AFTER = st.sampled_from(["00:00", "00:10", "01:30", "02:30", "23:59"])


@given(CLOCK_CHANGES, POST_AFTER, st.lists(st.integers(-5 * 24 * 60, 5 * 24 * 60), min_size=1, max_size=20))
def test_no_clock_sums_up_a_date_twice_or_before_it_is_over(
    begun: Engine, change: tuple[str, datetime], post_after: str, minutes: list[int]
) -> None:
    timezone, at = change
    zone, settings = ZoneInfo(timezone), settings_of(timezone, post_after)

    found = ticked(begun, settings, [at + timedelta(minutes=minute) for minute in minutes])

    days = [day for _, day in found]
    assert len(days) == len(set(days))
    for now, day in found:
        assert datetime.combine(day + DAY, time(), zone) <= now
        on_the_wall = now.astimezone(zone).replace(tzinfo=None)
        assert on_the_wall >= datetime.combine(day + DAY, time.fromisoformat(post_after))
        assert now.astimezone(zone).date() - day <= (CATCH_UP_DAYS + 1) * DAY


@given(CLOCK_CHANGES, POST_AFTER, st.integers(45, 360))
def test_a_clock_that_goes_on_ticking_sums_up_every_date(
    begun: Engine, change: tuple[str, datetime], post_after: str, step: int
) -> None:
    timezone, at = change
    first = at - 4 * DAY
    moments = [first + timedelta(minutes=step * number) for number in range(8 * 24 * 60 // step)]

    days = [day for _, day in ticked(begun, settings_of(timezone, post_after), moments)]

    assert days == [days[0] + number * DAY for number in range(len(days))]
    assert len(days) >= 7


def test_an_installation_begins_with_its_latest_day_and_catches_up_a_few_from_then_on(begun: Engine) -> None:
    morning = datetime(2026, 11, 19, 9, tzinfo=UTC)

    found = ticked(begun, settings_of("UTC"), [morning, morning + DAY, morning + 9 * DAY])

    assert [day.day for _, day in found] == [18, 19, 25, 26, 27]


# -- the whole job ------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation in London that posts its summary."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-sample")
    earmark = {"database_url": database_url, **IN_LONDON["earmark"]}
    made = Installation(tmp_path, database_url, Clock(), {**IN_LONDON, "earmark": earmark})
    yield made
    made.close()


def worked(place: Installation) -> App:
    """The app with a complaint and a thank-you of a Wednesday tagged; nothing is delivered."""
    running = place.open()
    complaint = line(1, "complaint/billing_error: charged twice", author="ann")
    take_in(running, place, complaint, line(2, "praise/praise: thank you", author="bob", minutes=5))
    return running


def night_of(place: Installation, running: App, now: datetime) -> int:
    place.clock.at = now
    return nightly.run(running.parts)


def orders(running: App) -> list[tuple[str, str]]:
    found = [row for row in rows(running, OutboxMessage) if row.kind == "summary"]
    return [(row.slack_channel, row.detail["date"]) for row in found]


def test_the_clock_step_sums_up_a_day_and_orders_it_once(place: Installation) -> None:
    running = worked(place)
    running.desk.claim(1, ANN, action_id="c")
    running.desk.resolve(1, ANN, action_id="d")
    place.clock.at = datetime(2026, 11, 19, 0, 9, tzinfo=UTC)

    early = clock_step(place)
    place.clock.at += timedelta(minutes=1)
    on_time = clock_step(place)
    again = clock_step(place)

    assert (early, on_time, again) == ([], [("C0EXEC", "2026-11-18")], [("C0EXEC", "2026-11-18")])


def clock_step(place: Installation) -> list[tuple[str, str]]:
    """The engine's clock step in a process of its own, which does not deliver."""
    running = place.open(Role.WORK)
    running.engine.wake("clock")
    running.engine.drain()
    return orders(running)


def test_the_text_is_that_of_the_day(place: Installation) -> None:
    running = worked(place)
    running.desk.claim(1, ANN, action_id="c")
    running.desk.resolve(1, ANN, action_id="d")

    assert night_of(place, running, datetime(2026, 11, 19, 0, 10, tzinfo=UTC)) == 1

    [summed] = rows(running, Summary)
    assert (summed.edition, summed.on_date, summed.is_alarm) == ("nightly", WEDNESDAY, False)
    header, *numbered, trust = summed.lines
    assert header == (
        "*Value / waste ledger — Wed 18 Nov 2026* · Nov day 18 of 30, month open"
        " · money is handling cost unless marked; E = estimated"
    )
    assert numbered == [
        "1. *Demand* 2 contacts yesterday: 1 complaint, 0 requests, 1 praise. 1 not yet worked.",
        "2. *Waste* £5 yesterday, £5 this month (range £3–£6) = 100.0% of handling cost.",  # noqa: RUF001  # an en dash
        "3. *Where it comes from* billing error £5 (1 contact, billing).",
        "7. *First reply* median 0 min; 50.0% within 60 min.",
        "8. *Loyalty* 1 public thank-you.",
        "10. *Show-back* billing £5.",
    ]
    assert trust == (
        "_How far to trust this:_ 0.0% of cost is measured time; no tag audited yet; no service payroll imported;"
        " placeholders nobody approved yet: ledger.cost.rate_minor_per_hour, minutes of 17 reasons."
    )


def test_two_processes_make_one_summary(place: Installation) -> None:
    one, other = worked(place), place.open()
    place.clock.at = datetime(2026, 11, 19, 0, 10, tzinfo=UTC)
    settings, now = one.parts.settings, place.clock.at
    with reading(other.parts.database) as session:
        other_looked = nightly.due(session, settings, now)

    made = nightly.run(one.parts)

    assert other_looked == [WEDNESDAY]
    assert (made, nightly._sum_up(other.parts, WEDNESDAY), nightly.run(other.parts)) == (1, False, 0)
    assert orders(one) == [("C0EXEC", "2026-11-18")]


def test_a_machine_that_slept_catches_up_oldest_first(place: Installation) -> None:
    running = worked(place)
    night_of(place, running, datetime(2026, 11, 19, 7, tzinfo=UTC))

    assert night_of(place, running, datetime(2026, 11, 28, 7, tzinfo=UTC)) == 3

    assert [day for _, day in orders(running)] == ["2026-11-18", "2026-11-25", "2026-11-26", "2026-11-27"]


def test_an_empty_book_has_no_summary(place: Installation) -> None:
    running = place.open()

    assert night_of(place, running, START + DAY) == 0
    assert orders(running) == []


def test_without_a_slack_channel_the_summary_is_kept_and_nothing_is_ordered(place: Installation) -> None:
    place.settings = {**place.settings, "summary": {}}
    running = worked(place)

    assert night_of(place, running, START + DAY) == 1
    assert ([row.on_date for row in rows(running, Summary)], orders(running)) == ([WEDNESDAY], [])


def test_a_ledger_that_does_not_verify_gets_one_alarm_line(place: Installation) -> None:
    running = worked(place)
    with running.parts.database.begin() as connection:
        ledger_triggers.remove(connection)
        connection.exec_driver_sql("UPDATE ledger_line SET dept = 'nobody' WHERE journal_seq = 1")

    assert night_of(place, running, START + DAY) == 1

    [summed] = rows(running, Summary)
    [alarm] = summed.lines
    assert summed.is_alarm
    assert alarm.startswith("*Value / waste ledger — Wed 18 Nov 2026* · ALARM: the ledger does not verify (journal 1 ")
    assert alarm.endswith("No figures tonight; recharge is frozen. Run `earmark ledger verify`.")
    assert orders(running) == [("C0EXEC", "2026-11-18")]


def test_the_order_for_slack_holds_a_date_and_nothing_else(place: Installation) -> None:
    running = worked(place)
    night_of(place, running, START + DAY)

    [order] = [row for row in rows(running, OutboxMessage) if row.kind == "summary"]

    assert (order.detail, order.case_id) == ({"date": "2026-11-18"}, None)


def test_two_processes_with_a_slack_between_them_post_one_summary(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack = Slack()
    slack.add_channel("C0CARE", "care")
    slack.add_channel("C0EXEC", "executives")
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    with served(slack) as address:
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 0.0}
        place.settings = {**place.settings, "slack": quick}
        apps = [worked(place), place.open()]
        place.clock.at = START + DAY
        for number in (0, 1, 0, 1):
            apps[number].engine.wake("clock")
            apps[number].engine.drain()

    [message] = slack.messages("C0EXEC")
    assert message["text"].startswith("*Value / waste ledger — Wed 18 Nov 2026* · Nov day 18 of 30, month open")
    assert len(message["text"].split("\n")) == 4
    assert slack.violations == []
