"""Incidents: a spike opens exactly one, its cases are gathered, and it ends when things are ordinary again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot import incidents
from bot.app import App
from bot.domain import Actor, Tag
from bot.errors import CaseError
from bot.slack import cards
from bot.spikes import same_hours
from storage import incidents as stored
from storage import models
from storage.db import reading, transaction
from storage.models_incidents import Incident, IncidentHour
from tests.installation import Clock, Installation, line
from tests.looking import case, rows, take_in

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""
ANN = Actor("slack:UANN", "Ann")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
FAULT = "complaint/outage_fault: the card reader does not work"


@pytest.fixture
def installation(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    return Installation(tmp_path, database_url, Clock(NOON - timedelta(minutes=1)), {"slack": {}})


def at(moment: datetime, number: int, text: str = FAULT) -> dict[str, Any]:
    return line(number, text) | {"created_at": moment.isoformat()}


def usual(weeks: int = 8, each: int = 2) -> list[dict[str, Any]]:
    """Mentions in the hour of the burst in the weeks before, and one on each day, so that the book is as old."""
    return [
        at(NOON - timedelta(weeks=week, minutes=10 + n), 1000 * week + n)
        for week in range(1, weeks + 1)
        for n in range(each)
    ]


def burst(size: int, first: int = 1, moment: datetime = NOON, text: str = FAULT) -> list[dict[str, Any]]:
    return [at(moment - timedelta(minutes=2, seconds=n), first + n, text) for n in range(size)]


def of_incident(running: App, incident_id: str) -> list[int]:
    with reading(running.parts.database) as session:
        return stored.case_ids(session, incident_id)


def test_a_tenfold_burst_is_exactly_one_incident_with_all_its_cases(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12))

    going_on = [incidents.watch(running.parts) for _ in range(3)]
    take_in(running, installation, *burst(8, first=20))
    going_on.append(incidents.watch(running.parts))

    [incident] = rows(running, Incident)
    assert going_on == [1, 1, 1, 1]
    assert (incident.id, incident.reason, incident.state) == ("outage_fault-2026-11-18T11", "outage_fault", "open")
    assert (incident.began_at, incident.rule) == (NOON - timedelta(hours=1), "hour")
    assert len(of_incident(running, incident.id)) == 20
    [hour] = [one for one in rows(running, IncidentHour) if one.level != "none"]
    assert (hour.mentions, hour.baseline, hour.level) == (20, 2.0, "tenfold")


def test_two_processes_that_see_the_same_spike_open_one(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: incidents.watch(running.parts), range(8)))

    assert [one.id for one in rows(running, Incident)] == ["outage_fault-2026-11-18T11"]
    assert len(of_incident(running, "outage_fault-2026-11-18T11")) == 12
    assert {one.version for one in rows(running, models.Case) if one.incident_id} == {2}


@pytest.mark.parametrize(
    ("size", "each", "found"),
    [
        (9, 0, 0),  # nine are too few whatever is usual
        (10, 0, 1),
        (10, 2, 1),  # five times the usual
        (12, 9, 0),  # busy, and not odd
    ],
)
def test_only_what_the_rule_calls_a_spike_is_an_incident(  # the cells of the rule
    running: App, installation: Installation, size: int, each: int, found: int
) -> None:
    old = at(NOON - timedelta(weeks=9), 99_999, "praise/praise: thank you")
    take_in(running, installation, old, *usual(each=each), *burst(size))

    incidents.watch(running.parts)

    assert len(rows(running, Incident)) == found


def test_it_closes_after_two_ordinary_hours_and_the_next_spike_is_another(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    states = []
    for _ in range(4):
        installation.clock.forward(hours=1)
        incidents.watch(running.parts)
        states.append(rows(running, Incident)[0].state)

    installation.clock.at = NOON + timedelta(hours=5, minutes=59)
    take_in(running, installation, *burst(12, first=50, moment=NOON + timedelta(hours=6)))
    incidents.watch(running.parts)

    assert states == ["open", "open", "closed", "closed"]
    assert [(one.id, one.state) for one in rows(running, Incident)] == [
        ("outage_fault-2026-11-18T11", "closed"),
        ("outage_fault-2026-11-18T17", "open"),
    ]


def test_one_ordinary_hour_between_two_unusual_ones_is_the_same_incident(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    installation.clock.forward(hours=2)
    take_in(running, installation, *burst(12, first=50, moment=NOON + timedelta(hours=2)))

    incidents.watch(running.parts)

    [incident] = rows(running, Incident)
    assert (incident.state, incident.seen_at) == ("open", NOON + timedelta(hours=1))
    assert len(of_incident(running, incident.id)) == 24


def test_a_clock_that_is_set_back_changes_nothing(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    before = rows(running, Incident)[0]
    installation.clock.forward(hours=-1)

    incidents.watch(running.parts)

    after = rows(running, Incident)[0]
    assert (after.id, after.state, after.seen_at) == (before.id, before.state, before.seen_at)


def test_a_young_book_is_compared_by_days(running: App, installation: Installation) -> None:
    days = [at(NOON - timedelta(days=day, minutes=n), 100 * day + n) for day in range(1, 11) for n in range(3)]
    take_in(running, installation, *days, *burst(12))

    incidents.watch(running.parts)

    [incident] = rows(running, Incident)
    assert (incident.id, incident.rule) == ("outage_fault-2026-11-18T00", "day")
    [day] = rows(running, IncidentHour)
    assert (day.at, day.mentions, day.baseline, day.level) == (NOON - timedelta(hours=12), 12, 3.0, "spike")


def test_a_new_book_knows_nothing_yet(running: App, installation: Installation) -> None:
    take_in(running, installation, *burst(50))

    assert incidents.watch(running.parts) == 0
    assert rows(running, Incident) == []


def test_many_reasons_at_once_are_one_incident_of_everything(running: App, installation: Installation) -> None:
    reasons = ("where_is_it", "billing_error", "delay_cancel")
    mixed = [burst(8, 100 * (n + 1), text=f"complaint/{reason}: help") for n, reason in enumerate(reasons)]
    take_in(running, installation, *usual(), *chain(*mixed))

    incidents.watch(running.parts)

    [incident] = rows(running, Incident)
    assert (incident.id, incident.name) == ("everything-2026-11-18T11", "Many contacts at once")
    assert len(of_incident(running, incident.id)) == 24


def test_a_case_without_a_reason_that_says_the_same_belongs_to_it_too(running: App, installation: Installation) -> None:
    same = burst(1, 300, text="complaint/unclassified: the card reader does not work!!! @shop")
    other = burst(1, 301, text="complaint/unclassified: how rude everybody is here")
    take_in(running, installation, *usual(), *burst(11), *same, *other)
    with transaction(running.parts.database) as session:
        # What the tagger is told stands in front of the text here; people do not write that.
        for row in rows(running, models.Mention):
            words = row.text.partition(": ")[2]
            session.execute(update(models.Mention).where(col(models.Mention.id) == row.id).values(text=words))

    incidents.watch(running.parts)

    found = {one.id for one in rows(running, models.Case) if one.incident_id}
    texts = {row.text for row in rows(running, models.Mention) if row.id in found}
    assert texts == {"the card reader does not work", "the card reader does not work!!! @shop"}


def test_the_card_says_what_it_is_part_of(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    take_in(running, installation, *burst(1, 40))
    running.desk.rename_incident("outage_fault-2026-11-18T11", EVE, " Card  reader fault ", action_id="a")

    view = case(running, 29)

    assert view.incident is not None
    assert (view.incident.name, view.incident.mentions) == ("Card reader fault", 13)
    shown = str(cards.card(view, now=NOON).blocks)
    assert "part of " in shown
    assert "Card reader fault" in shown
    assert ", 13 mentions" in shown
    assert "bulk answer ready" not in shown


def test_a_supervisor_takes_a_case_out_and_the_clock_leaves_it_so(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12), *burst(1, 60, text="request/how_to: opening hours"))
    incidents.watch(running.parts)
    incident_id = "outage_fault-2026-11-18T11"
    first, stranger = of_incident(running, incident_id)[0], rows(running, models.Case)[-1].id

    running.desk.remove_from_incident(first, EVE, action_id="a")
    running.desk.add_to_incident(stranger, EVE, incident_id, action_id="b")
    twice = running.desk.add_to_incident(stranger, EVE, incident_id, action_id="b")
    incidents.watch(running.parts)

    assert not twice.changed
    found = of_incident(running, incident_id)
    assert first not in found
    assert stranger in found
    assert len(found) == 12


def test_what_was_closed_by_hand_stays_closed_until_things_were_ordinary(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    incident_id = "outage_fault-2026-11-18T11"

    message = running.desk.close_incident(incident_id, EVE, action_id="a")
    again = running.desk.close_incident(incident_id, EVE, action_id="a")
    installation.clock.forward(hours=1)
    take_in(running, installation, *burst(12, first=50, moment=NOON + timedelta(hours=1)))
    incidents.watch(running.parts)

    assert message == "The incident is closed; its cases stay as they are."
    assert again == "That was done already."
    assert [(one.id, one.state, one.closed_by) for one in rows(running, Incident)] == [
        (incident_id, "closed", "slack:UEVE")
    ]


def test_a_correction_of_the_reason_takes_a_case_out(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    incident_id = "outage_fault-2026-11-18T11"
    first = of_incident(running, incident_id)[0]

    running.desk.retag(first, ANN, action_id="a", tags=[Tag.REQUEST], primary=Tag.REQUEST, reason="how_to")
    incidents.watch(running.parts)

    assert first not in of_incident(running, incident_id)


def test_only_supervisors_work_on_incidents(running: App, installation: Installation) -> None:
    take_in(running, installation, *usual(), *burst(12))
    incidents.watch(running.parts)
    incident_id = "outage_fault-2026-11-18T11"

    with pytest.raises(CaseError, match="Only a supervisor works on incidents"):
        running.desk.rename_incident(incident_id, ANN, "Mine", action_id="a")
    with pytest.raises(CaseError, match="Only a supervisor works on incidents"):
        running.desk.close_incident(incident_id, ANN, action_id="b")
    with pytest.raises(CaseError, match="Only a supervisor says which cases are of an incident"):
        running.desk.remove_from_incident(of_incident(running, incident_id)[0], ANN, action_id="c")
    with pytest.raises(CaseError, match="There is no incident 'nothing'"):
        running.desk.rename_incident("nothing", EVE, "X", action_id="d")
    with pytest.raises(CaseError, match="needs a name"):
        running.desk.rename_incident(incident_id, EVE, "  ", action_id="e")


def test_the_same_hour_of_the_week_is_the_one_on_the_wall() -> None:
    from zoneinfo import ZoneInfo

    # London put its clocks back on 25 October 2026: ten o'clock was nine in UTC before.
    monday = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)

    found = same_hours(monday, ZoneInfo("Europe/London"))

    assert found[-2:] == [datetime(2026, 10, 19, 9, 0, tzinfo=UTC), datetime(2026, 10, 26, 10, 0, tzinfo=UTC)]
