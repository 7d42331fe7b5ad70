from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clock import LOOKAHEAD_DAYS, due_at, working_minutes_between
from bot.config import Queue
from bot.hours import WEEKDAYS, WorkingSpan

OFFICE = ("mon-fri 09:00-17:30",)

ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # clock changes by half an hour
    "America/Havana",  # clock change at midnight
    "Pacific/Apia",  # skipped 30 December 2011 altogether
)


def queue(*hours: str, timezone: str = "", holidays: tuple[date, ...] = ()) -> Queue:
    return Queue(name="care", hours=hours, timezone=timezone, holidays=holidays)


def at(text: str, timezone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))


@pytest.mark.parametrize(
    ("timezone", "hours", "start", "minutes", "due"),
    [
        # Friday 17:29: the last minute of the week still counts …
        ("Europe/London", OFFICE, "2026-09-04T16:29+00:00", 1, "2026-09-04T16:30+00:00"),
        # … and the second minute is the first of Monday.
        ("Europe/London", OFFICE, "2026-09-04T16:29+00:00", 2, "2026-09-07T08:01+00:00"),
        # Saturday night waits for Monday 09:00 in London, an hour ahead of UTC.
        ("Europe/London", OFFICE, "2026-09-05T22:00+00:00", 60, "2026-09-07T09:00+00:00"),
        # Across the weekend of the clock change: Friday 16:30 GMT has 60 minutes left, Monday begins at 08:00 UTC.
        ("Europe/London", OFFICE, "2026-03-27T16:30+00:00", 90, "2026-03-30T08:30+00:00"),
        # The other way round: Friday 16:30 BST, Monday begins at 09:00 UTC.
        ("Europe/London", OFFICE, "2026-10-23T15:30+00:00", 90, "2026-10-26T09:30+00:00"),
        # The night shift of the spring change (01:00 GMT = 02:00 BST) has two hours, not three …
        ("Europe/London", ("sun 00:00-03:00",), "2026-03-29T00:00+00:00", 120, "2026-03-29T02:00+00:00"),
        # … so its 121st minute is a week later.
        ("Europe/London", ("sun 00:00-03:00",), "2026-03-29T00:00+00:00", 121, "2026-04-04T23:01+00:00"),
        # That of the autumn change (02:00 BST = 01:00 GMT) has four.
        ("Europe/London", ("sun 00:00-03:00",), "2026-10-24T23:00+00:00", 240, "2026-10-25T03:00+00:00"),
        # A shift that begins within the hour that does not exist begins when the clock jumps past it.
        ("Europe/London", ("sun 01:30-03:00",), "2026-03-29T00:00+00:00", 10, "2026-03-29T01:10+00:00"),
        # New York, spring (02:00 EST = 03:00 EDT, 8 March): 01:00-04:00 lasts from 06:00 to 08:00 UTC.
        ("America/New_York", ("sun 01:00-04:00",), "2026-03-08T05:00+00:00", 120, "2026-03-08T08:00+00:00"),
        # New York, autumn (02:00 EDT = 01:00 EST, 1 November): 01:00-04:00 lasts from 05:00 to 09:00 UTC.
        ("America/New_York", ("sun 01:00-04:00",), "2026-11-01T05:00+00:00", 240, "2026-11-01T09:00+00:00"),
        # A shift that ends in the repeated hour works it twice and rests in between: 05:00-05:30 and 06:00-06:30 UTC.
        ("America/New_York", ("sun 01:00-01:30",), "2026-11-01T05:00+00:00", 45, "2026-11-01T06:15+00:00"),
        # Kolkata is 5:30 ahead and never changes.
        ("Asia/Kolkata", OFFICE, "2026-03-27T11:59+00:00", 2, "2026-03-30T03:31+00:00"),
        # Lord Howe falls back by half an hour (02:00 = 01:30, 5 April): 01:00-03:00 lasts 150 minutes.
        ("Australia/Lord_Howe", ("sun 01:00-03:00",), "2026-04-04T14:00+00:00", 150, "2026-04-04T16:30+00:00"),
        # Lord Howe springs forward by half an hour (02:00 = 02:30, 4 October): 01:00-03:00 lasts 90 minutes.
        ("Australia/Lord_Howe", ("sun 01:00-03:00",), "2026-10-03T14:30+00:00", 90, "2026-10-03T16:00+00:00"),
        # Round the clock: an hour is an hour.
        ("Europe/London", (), "2026-03-29T00:30+00:00", 60, "2026-03-29T01:30+00:00"),
        # To midnight and on from midnight is one stretch.
        ("UTC", ("mon 22:00-24:00", "tue 00:00-02:00"), "2026-09-07T23:30+00:00", 60, "2026-09-08T00:30+00:00"),
        # Overlapping spans are not counted twice: 09:00-13:00 has 240 minutes.
        ("UTC", ("mon 09:00-12:00", "mon 11:00-13:00"), "2026-09-07T09:00+00:00", 240, "2026-09-07T13:00+00:00"),
        # A start with seconds keeps them.
        ("UTC", OFFICE, "2026-09-07T10:00:42+00:00", 5, "2026-09-07T10:05:42+00:00"),
    ],
)
def test_a_due_time_counts_only_working_minutes(
    timezone: str, hours: tuple[str, ...], start: str, minutes: int, due: str
) -> None:
    found = due_at(datetime.fromisoformat(start), minutes, queue(*hours, timezone=timezone), "UTC")

    assert found == datetime.fromisoformat(due)
    assert found.tzinfo is UTC


def test_a_queue_without_a_time_zone_has_the_default_one() -> None:
    found = due_at(at("2026-09-04T16:29"), 2, queue(*OFFICE), "Europe/London")

    assert found == at("2026-09-07T08:01")


def test_a_holiday_is_skipped() -> None:
    late_may = queue(*OFFICE, timezone="Europe/London", holidays=(date(2026, 5, 25),))

    found = due_at(at("2026-05-22T16:00"), 60, late_may, "UTC")

    # Friday 17:00 BST has 30 minutes left, Monday is a holiday, Tuesday begins at 08:00 UTC.
    assert found == at("2026-05-26T08:30")


def test_a_holiday_is_one_of_the_queues_own_calendar() -> None:
    auckland = queue(timezone="Pacific/Auckland", holidays=(date(2026, 12, 25),))

    # 24 December 12:00 UTC is already 25 December 01:00 in Auckland.
    found = due_at(at("2026-12-24T12:00"), 1, auckland, "UTC")

    assert found == at("2026-12-25T11:01")


def test_a_queue_that_never_opens_gets_a_due_time_all_the_same() -> None:
    first = date(2026, 1, 1)
    never = queue("mon 09:00-09:01", holidays=tuple(first + timedelta(days=n) for n in range(LOOKAHEAD_DAYS + 2)))

    found = due_at(at("2026-01-01T00:00"), 1, never, "UTC")

    assert found == at("2026-01-01T00:00") + timedelta(days=3660)


def test_no_working_minutes_lie_between_a_moment_and_an_earlier_one() -> None:
    assert working_minutes_between(at("2026-09-07T12:00"), at("2026-09-07T10:00"), queue(*OFFICE), "UTC") == 0


def test_working_minutes_are_those_inside_the_hours() -> None:
    friday_morning, monday_noon = at("2026-09-04T08:00"), at("2026-09-07T12:00")

    # Friday 09:00-17:30 is 510 minutes, Monday 09:00-12:00 is 180.
    assert working_minutes_between(friday_morning, monday_noon, queue(*OFFICE), "UTC") == 690


@st.composite
def some_hours(draw: st.DrawFn) -> str:
    first, last = draw(st.sampled_from(WEEKDAYS)), draw(st.sampled_from(WEEKDAYS))
    start = draw(st.integers(0, 1380))
    end = draw(st.integers(start + 60, 1440))
    return f"{first}-{last} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


CLOCK_CHANGES = tuple(
    datetime.fromisoformat(change)
    for change in (
        "2026-03-29T01:00+00:00",  # London
        "2026-10-25T01:00+00:00",
        "2026-03-08T07:00+00:00",  # New York
        "2026-11-01T06:00+00:00",
        "2026-04-04T15:00+00:00",  # Lord Howe
        "2026-10-03T15:30+00:00",
        "2026-03-08T05:00+00:00",  # Havana
        "2026-11-01T05:00+00:00",
        "2011-12-30T10:00+00:00",  # Apia
    )
)
MOMENTS = st.builds(
    lambda moment, seconds: moment + timedelta(seconds=seconds),
    st.sampled_from(CLOCK_CHANGES),
    st.integers(-36 * 3600, 36 * 3600) | st.integers(0, 10 * 365 * 86_400),
)

QUEUES = st.builds(
    Queue,
    name=st.just("care"),
    hours=st.lists(some_hours(), max_size=3).map(tuple),
    timezone=st.sampled_from(ZONES),
    holidays=st.lists(st.dates(date(2011, 1, 1), date(2030, 1, 1)), max_size=5).map(tuple),
)


@settings(deadline=None)
@given(start=MOMENTS, minutes=st.integers(1, 2000), team=QUEUES)
def test_the_minutes_up_to_a_due_time_are_the_minutes_given(start: datetime, minutes: int, team: Queue) -> None:
    due = due_at(start, minutes, team, "UTC")

    assert working_minutes_between(start, due, team, "UTC") == minutes


@settings(deadline=None)
@given(start=MOMENTS, later=st.timedeltas(timedelta(0), timedelta(days=9)), minutes=st.integers(1, 2000), team=QUEUES)
def test_a_later_start_or_a_longer_sla_is_never_due_earlier(
    start: datetime, later: timedelta, minutes: int, team: Queue
) -> None:
    due = due_at(start, minutes, team, "UTC")

    assert due_at(start + later, minutes, team, "UTC") >= due
    assert due_at(start, minutes + 1, team, "UTC") > due


@settings(deadline=None)
@given(start=MOMENTS, minutes=st.integers(1, 2000), team=QUEUES)
def test_a_due_time_is_never_inside_closed_hours(start: datetime, minutes: int, team: Queue) -> None:
    due = due_at(start, minutes, team, "UTC")

    # The minute before the due time is worked; the due time itself may be the closing bell.
    assert any(is_open_by_the_wall(due - timedelta(seconds=seconds), team) for seconds in (1, 30, 59))


@settings(deadline=None)
@given(start=MOMENTS, length=st.integers(0, 1500), team=QUEUES)
def test_working_minutes_are_those_at_which_the_clock_on_the_wall_shows_working_hours(
    start: datetime, length: int, team: Queue
) -> None:
    """Clock changes happen on whole minutes, so asking the wall once a minute leaves nothing out."""
    start = start.replace(second=0)
    minutes = [start + timedelta(minutes=minute) for minute in range(length)]

    counted = sum(is_open_by_the_wall(minute, team) for minute in minutes)

    assert working_minutes_between(start, start + timedelta(minutes=length), team, "UTC") == counted


def is_open_by_the_wall(moment: datetime, team: Queue) -> bool:
    local = moment.astimezone(ZoneInfo(team.timezone))
    if not team.hours or local.date() in team.holidays:
        return local.date() not in team.holidays
    today = [span for span in spans_of(team) if span.weekday == local.weekday()]
    return any(span.start <= local.time() and (span.end is None or local.time() < span.end) for span in today)


@lru_cache
def spans_of(team: Queue) -> tuple[WorkingSpan, ...]:
    return team.spans
