"""Vector 13: what is a spike, and what an incident cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.data import as_data
from bot.reports.spikes import Counts, Work, incident_cost, incident_row, spike_row, spikes
from bot.spikes import Climb, Hour, Level, climb, day_reading, incidents, reading
from tests.reports.books import differences, vector

VECTOR = vector("13")
INCIDENT = VECTOR["incident"]["input"]
NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
HOURS = [
    Hour(
        INCIDENT["reason"],
        datetime.fromisoformat(f"{entry['hour']}:00+00:00"),
        entry["mentions"],
        entry["baseline"],
        reading(entry["mentions"], [round(entry["baseline"])] * 8).level,
    )
    for entry in INCIDENT["hours"]
]


@pytest.mark.parametrize("case", VECTOR["cases"], ids=lambda case: case["name"])
def test_a_count_is_read_as_the_vector_says(case: dict[str, Any]) -> None:
    found = reading(case["count"], case["history"])

    assert differences(as_data(found), case["expect"]) == []


def test_the_incident_of_the_vector_is_found_by_its_hours_and_costs_what_it_says() -> None:
    (incident,) = incidents(HOURS)
    work = Work(
        INCIDENT["handled_individually"],
        INCIDENT["seconds_each"],
        INCIDENT["answered_in_bulk"],
        INCIDENT["bulk_seconds"],
    )

    row = incident_row(incident, cost_minor=incident_cost(work, rate_minor_per_hour=INCIDENT["rate_minor_per_hour"]))

    assert [f"{hour.at:%Y-%m-%dT%H}" for hour in incident.hours] == INCIDENT["incident_hours"]
    assert differences(as_data(row), VECTOR["incident"]["expect"]) == []


def hours(*levels: str, reason: str = "x") -> list[Hour]:
    return [
        Hour(reason, NOON + timedelta(hours=number), 30, 10.0, Level.SPIKE if level == "s" else Level.NONE)
        for number, level in enumerate(levels)
    ]


def test_one_ordinary_hour_does_not_end_an_incident_and_two_do() -> None:
    found = incidents(hours(".", "s", ".", "s", ".", ".", "s", "."))

    assert [len(incident.hours) for incident in found] == [3, 1]
    assert (found[0].mentions, found[0].expected, found[0].peak_ratio) == (90, 30.0, 3.0)


def test_two_reasons_are_two_incidents() -> None:
    found = incidents([*hours("s"), *hours("s", reason="y")])

    assert [incident.reason for incident in found] == ["x", "y"]


@given(data=st.data(), levels=st.lists(st.sampled_from("s."), max_size=12))
def test_the_order_of_hours_and_of_history_never_matters(data: st.DataObject, levels: list[str]) -> None:
    mixed = data.draw(st.permutations(hours(*levels)))
    history = [3, 1, 4, 1, 5, 9, 2, 6]

    assert incidents(mixed) == incidents(hours(*levels))
    assert reading(20, data.draw(st.permutations(history))) == reading(20, history)


@given(count=st.integers(0, 500), history=st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_more_mentions_are_never_less_unusual(count: int, history: list[int]) -> None:
    order = [Level.NONE, Level.SPIKE, Level.TENFOLD]

    lower, higher = reading(count, history), reading(count + 1, history)

    assert order.index(lower.level) <= order.index(higher.level)
    assert lower.z < higher.z


def test_a_young_channel_is_compared_by_days() -> None:
    row = spike_row(Counts("x", 9, [1, 2], today=60, days=[10, 12, 9, 11, 10, 12, 13, 40, 45]))

    assert row.rule == "days (EARS C2)"
    assert row.count == 60
    assert row.reading is not None
    # Seven days of 10, 12, 9, 11, 10, 12, 13; the two loud days before today do not raise their own baseline.
    assert row.reading.baseline == pytest.approx(11.0)
    assert row.reading.level is Level.SPIKE


def test_nine_days_are_the_least_that_days_need() -> None:
    assert day_reading(60, [10] * 8) is None
    assert day_reading(60, [10] * 9) is not None


def test_an_old_channel_is_compared_by_its_hour_of_the_week() -> None:
    row = spike_row(Counts("x", 112, [10, 11, 9, 12, 10, 8, 11, 10], today=900, days=[]))

    assert (row.rule, row.count, row.climb) == ("same hour of the week", 112, None)
    assert row.reading is not None
    assert row.reading.level is Level.TENFOLD


def test_a_slow_climb_is_found_although_no_single_day_is_a_spike() -> None:
    steady = [98, 102, 100, 99, 101, 97, 103] * 4
    rising = [104, 106, 108, 110, 112, 114, 116, 118, 120]

    found = climb([*steady, *rising])

    assert found is not None
    assert found.is_climbing
    assert all(reading(day, steady[:8]).level is Level.NONE for day in rising)


def test_a_steady_series_does_not_climb() -> None:
    assert climb([98, 102, 100, 99, 101, 97, 103] * 8) == Climb(0.0, 0, is_climbing=False)
    assert climb([100] * 28) is None


def test_the_report_puts_the_most_unusual_reason_first_and_incidents_in_order_of_time() -> None:
    usual = [10, 11, 9, 12, 10, 8, 11, 10]
    counts = [Counts("calm", 12, usual), Counts("young", 3, []), Counts("loud", 112, usual), Counts("high", 40, usual)]

    found = spikes(counts, HOURS, {("outage_fault", HOURS[1].at): 49400})

    assert [row.reason for row in found.reasons] == ["loud", "high", "calm", "young"]
    assert [(row.began_at, row.cost_minor) for row in found.incidents] == [(HOURS[1].at, 49400)]
