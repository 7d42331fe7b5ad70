"""What time alone brings comes once and at its time: missed ticks, restarts, clock changes and several nodes or not.

Reminders, broken promises, holds that run out, estimates nobody proved and the nightly summary; on both engines,
embedded over SQLite and cluster over PostgreSQL, each tick in a process that starts for it and ends.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import app, config, promising
from bot.app import App, Role
from bot.clock import on_the_clock
from bot.domain import Actor
from storage import models, outbox
from storage.db import reading
from storage.models_operations import Promise
from storage.models_summary import Summary
from tests.installation import START, Installation, assert_books_agree, line, prepare
from tests.looking import journal_kinds, rows, take_in
from tests.servers.slack import BOT_TOKEN, Slack
from tests.servers.slack import running as slack_at
from tests.steps import LIMIT_S, served, wait_until

pytestmark = pytest.mark.slow

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
PARCEL = "complaint/where_is_it: where is my parcel"
REMINDERS = ("promise_soon", "promise_broken")
VALUED: dict[str, Any] = {"ledger": {"value": {"praise_public_minor": 150}}}  # which expires after 180 days


@dataclass
class Place(Installation):
    """An installation whose processes come and go."""

    opened: list[App] = field(default_factory=list)

    def start(self, role: Role = Role.WORK) -> App:
        """Start a process; one that works delivers nothing."""
        parsed = config.parse(self.configuration(), source="test")
        self.opened.append(app.build(parsed, role=role, tagger=self.tagger, now=self.clock))
        return self.opened[-1]

    def close(self) -> None:
        """End whatever still runs."""
        for running in self.opened:
            running.parts.database.dispose()

    @contextmanager
    def process(self, role: Role = Role.WORK) -> Iterator[App]:
        """A process, and its end."""
        running = self.start(role)
        yield running
        running.parts.database.dispose()

    def tick(self) -> None:
        """A process starts, its clock ticks once, what is due is done, and it ends."""
        with self.process() as running:
            running.engine.wake("clock")
            running.engine.drain()

    def effects(self) -> list[tuple[str, str]]:
        """What time has brought so far, each with its moment in UTC, by time."""
        with self.process() as running:
            found = [(row.created_at, str(row.detail["event"])) for row in rows(running, models.OutboxMessage)
                     if row.kind == "note" and row.detail["event"] in REMINDERS]  # fmt: skip
            found += [(row.at, row.kind) for row in rows(running, models.CaseEvent) if row.actor == "earmark"
                      and row.kind == "no_action"]  # fmt: skip
            found += [(row.made_at, f"summary of {row.on_date:%d}") for row in rows(running, Summary)]
            return [(f"{at:%d %H:%M}", what) for at, what in sorted(found)]


@pytest.fixture
def place(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    made = Place(tmp_path, database_url, settings={"slack": {}})
    prepare(database_url)
    app.create_if_new(config.parse(made.configuration(), source="test"))
    yield made
    with made.process() as running:
        assert_books_agree(running)
    made.close()


def two_cases(place: Place, *, at: datetime, due_at: datetime) -> None:
    """Two customers complain; one is promised a call by Ann, who has claimed the case, the other waits for anybody."""
    place.clock.at = at
    with place.process(Role.ALL) as running:
        complaints = [line(number, PARCEL, created_at=at.isoformat()) for number in (1, 2)]
        take_in(running, place, *complaints)
        first, _ = rows(running, models.Case)
        running.desk.claim(first.id, ANN, action_id="claim")
        running.desk.promise(first.id, ANN, due_at, action_id="promise")


# -- restarts and missed ticks -----------------------------------------------------------------------------------


def test_what_came_due_while_no_process_ran_is_done_once_when_one_starts(place: Place) -> None:
    two_cases(place, at=START, due_at=START + timedelta(hours=1))
    place.clock.at = datetime(2026, 11, 19, 0, 30, tzinfo=UTC)
    place.tick()
    place.clock.at = datetime(2026, 11, 22, 9, 10, tzinfo=UTC)

    with place.process() as running, served(running.engine):
        wait_until(lambda: len(rows(running, Summary)) == 4)
    place.tick()

    # Nobody wants to hear "in 15 minutes" of what is over, and a day's news is told in its order.
    assert place.effects() == [
        ("19 00:30", "promise_broken"),
        ("19 00:30", "summary of 18"),
        ("22 09:10", "no_action"),
        ("22 09:10", "summary of 19"),
        ("22 09:10", "summary of 20"),
        ("22 09:10", "summary of 21"),
    ]


@pytest.mark.parametrize(
    ("ticks", "expected"),
    [
        # As it should be: reminded 15 minutes before, broken when its time is over.
        ((44, 45, 46, 59, 60, 61), [("09:45", "promise_soon"), ("10:00", "promise_broken")]),
        # Some ticks were missed: late, and once.
        ((50, 51, 75, 76), [("09:50", "promise_soon"), ("10:15", "promise_broken")]),
        # All of them: it is over, so there is nothing left to remind of.
        ((75, 76), [("10:15", "promise_broken")]),
        # Two ticks in one moment.
        ((45, 45, 60, 60), [("09:45", "promise_soon"), ("10:00", "promise_broken")]),
        # The machine's clock is put back, and goes over the same moments again.
        ((46, 30, 46, 61, 40, 46, 61), [("09:46", "promise_soon"), ("10:01", "promise_broken")]),
    ],
)
def test_a_promise_is_reminded_of_once_and_broken_once_whatever_ticks_are_missed(
    place: Place, ticks: Sequence[int], expected: list[tuple[str, str]]
) -> None:
    two_cases(place, at=START, due_at=START + timedelta(hours=1))

    for minutes in ticks:
        place.clock.at = START + timedelta(minutes=minutes)
        place.tick()

    assert place.effects() == [(f"18 {at}", what) for at, what in expected]


def test_more_than_a_turn_of_each_that_came_due_together_is_done_in_one_go(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promising, "ALARMS_A_TURN", 3)
    with place.process(Role.ALL) as running:
        take_in(running, place, *(line(number, PARCEL) for number in range(1, 9)))
        for row in rows(running, models.Case):
            running.desk.claim(row.id, ANN, action_id=f"claim-{row.id}")
            running.desk.promise(row.id, ANN, START + timedelta(hours=1), action_id=f"promise-{row.id}")
    place.clock.forward(hours=2)

    place.tick()

    assert place.effects() == [("18 11:00", "promise_broken")] * 8


def test_the_owner_of_a_case_is_called_once_when_it_becomes_overdue_whatever_ticks_are_missed(place: Place) -> None:
    with place.process(Role.ALL) as running:
        take_in(running, place, *(line(number, PARCEL) for number in range(1, 6)))
        claimed, resolved, _nobodys, late, before = rows(running, models.Case)
        for row in (claimed, resolved, before):
            running.desk.claim(row.id, ANN, action_id=f"claim-{row.id}")
        running.desk.resolve(resolved.id, ANN, action_id="resolve")
        due_at = claimed.due_at
    assert due_at == START + timedelta(hours=1)

    for minutes in (59, 61, 30, 62):  # the clock is put back in between
        place.clock.at = START + timedelta(minutes=minutes)
        place.tick()
    with place.process(Role.ALL) as running:
        running.desk.claim(late.id, ANN, action_id="claim-late")
        running.desk.release(before.id, ANN, action_id="release")
        running.desk.claim(before.id, BOB, action_id="claim-anew")
    place.clock.forward(minutes=5)
    place.tick()

    with place.process() as running:
        calls = [row for row in rows(running, models.OutboxMessage) if row.detail.get("event") == "overdue"]
        told = [row for row in rows(running, models.CaseEvent) if row.kind == "overdue"]
    # Who takes a case that is overdue already has seen that.
    assert [(row.case_id, row.created_at, row.detail["to"]) for row in calls] == [
        (case.id, START + timedelta(minutes=61), ["UANN"]) for case in (claimed, before)
    ]
    assert [row.case_id for row in told] == [claimed.id, before.id]


def test_what_became_overdue_days_ago_is_not_news(place: Place) -> None:
    two_cases(place, at=START, due_at=START + timedelta(days=9))
    place.clock.forward(days=2, hours=2)

    place.tick()

    with place.process() as running:
        assert [row.kind for row in rows(running, models.CaseEvent) if row.kind == "overdue"] == []


# -- both clock changes ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A weekend on which the clocks change: what is promised on the wall's clock, and what then comes when in UTC."""

    zone: str
    begins: str
    promised: tuple[str, str]
    ticks: tuple[str, ...]
    expected: list[tuple[str, str]]
    post_after: str = "00:10"


LONDON_SPRING = Change(  # 29 March: 01:00 GMT is 02:00 BST
    "Europe/London",
    "2026-03-28T12:00+00:00",
    ("2026-03-29", "02:15"),  # an hour and a quarter after midnight
    ("29 00:09", "29 00:10", "29 00:59", "29 01:00", "29 01:14", "29 01:15", "29 23:09", "29 23:10", "30 00:10",
     "31 11:59", "31 12:00"),
    [("29 00:10", "summary of 28"), ("29 01:00", "promise_soon"), ("29 01:15", "promise_broken"),
     ("29 23:10", "summary of 29"), ("31 11:59", "summary of 30"), ("31 12:00", "no_action")],
)  # fmt: skip
LONDON_AUTUMN = Change(  # 25 October: 02:00 BST is 01:00 GMT
    "Europe/London",
    "2026-10-24T12:00+00:00",
    ("2026-10-25", "01:30"),  # shown twice; the first is meant
    ("24 23:09", "24 23:10", "25 00:14", "25 00:15", "25 00:29", "25 00:30", "25 01:15", "25 01:30", "26 00:09",
     "26 00:10", "27 11:59", "27 12:00"),
    [("24 23:10", "summary of 24"), ("25 00:15", "promise_soon"), ("25 00:30", "promise_broken"),
     ("26 00:10", "summary of 25"), ("27 11:59", "summary of 26"), ("27 12:00", "no_action")],
)  # fmt: skip
NEW_YORK_SPRING = Change(  # 8 March: 02:00 EST is 03:00 EDT
    "America/New_York",
    "2026-03-07T18:00+00:00",
    ("2026-03-08", "03:05"),
    ("08 05:09", "08 05:10", "08 06:49", "08 06:50", "08 07:04", "08 07:05", "09 04:09", "09 04:10"),
    [("08 05:10", "summary of 07"), ("08 06:50", "promise_soon"), ("08 07:05", "promise_broken"),
     ("09 04:10", "summary of 08")],
)  # fmt: skip
NEW_YORK_AUTUMN = Change(  # 1 November: 02:00 EDT is 01:00 EST
    "America/New_York",
    "2026-11-01T03:00+00:00",  # late on 31 October
    ("2026-11-01", "01:30"),
    ("01 04:09", "01 04:10", "01 05:14", "01 05:15", "01 05:30", "01 06:30", "02 05:09", "02 05:10"),
    [("01 04:10", "summary of 31"), ("01 05:15", "promise_soon"), ("01 05:30", "promise_broken"),
     ("02 05:10", "summary of 01")],
)  # fmt: skip
AT_AN_HOUR_THAT_IS_NOT = Change(  # the clock on the wall jumps over 01:30
    "Europe/London",
    "2026-03-28T12:00+00:00",
    ("2026-03-29", "01:30"),  # which never is; half an hour after 01:00 GMT comes nearest
    ("29 00:59", "29 01:00", "29 01:15", "29 01:30", "30 00:29", "30 00:30"),
    [("29 01:00", "summary of 28"), ("29 01:15", "promise_soon"), ("29 01:30", "promise_broken"),
     ("30 00:30", "summary of 29")],
    post_after="01:30",
)  # fmt: skip
AT_AN_HOUR_THAT_COMES_TWICE = Change(
    "Europe/London",
    "2026-10-24T12:00+00:00",
    ("2026-10-25", "02:00"),
    ("25 00:29", "25 00:30", "25 01:05", "25 01:30", "25 01:45", "25 02:00", "26 01:29", "26 01:30"),
    [("25 00:30", "summary of 24"), ("25 01:45", "promise_soon"), ("25 02:00", "promise_broken"),
     ("26 01:30", "summary of 25")],
    post_after="01:30",
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(LONDON_SPRING, id="london-spring"),
        pytest.param(LONDON_AUTUMN, id="london-autumn"),
        pytest.param(NEW_YORK_SPRING, id="new-york-spring"),
        pytest.param(NEW_YORK_AUTUMN, id="new-york-autumn"),
        pytest.param(AT_AN_HOUR_THAT_IS_NOT, id="at-an-hour-that-is-not"),
        pytest.param(AT_AN_HOUR_THAT_COMES_TWICE, id="at-an-hour-that-comes-twice"),
    ],
)
def test_over_a_clock_change_everything_comes_once_and_at_its_time(place: Place, change: Change) -> None:
    place.settings = {
        "earmark": {"database_url": place.url, "timezone": change.zone},
        "slack": {},
        "summary": {"slack_channel": "C0EXEC", "post_after": change.post_after},
    }
    begins = datetime.fromisoformat(change.begins)
    two_cases(place, at=begins, due_at=on_the_clock(*change.promised, change.zone))

    for tick in change.ticks:
        day, _, time = tick.partition(" ")
        month = begins.month
        place.clock.at = datetime.fromisoformat(f"2026-{month:02}-{day}T{time}+00:00")
        place.tick()

    assert place.effects() == change.expected
    with place.process() as running:
        dates = [row.detail["date"] for row in rows(running, models.OutboxMessage) if row.kind == "summary"]
    assert len(dates) == len(set(dates)) == sum(what.startswith("summary") for _, what in change.expected)


# -- several at once ---------------------------------------------------------------------------------------------


def a_busy_morning(place: Place) -> None:
    """Three customers are promised a call, three wait for anybody, three say thank you."""
    with place.process(Role.ALL) as running:
        praise = (line(number, "praise/praise: thank you") for number in range(7, 10))
        take_in(running, place, *(line(number, PARCEL) for number in range(1, 7)), *praise)
        for row in rows(running, models.Case)[:3]:
            running.desk.claim(row.id, ANN, action_id=f"claim-{row.id}")
            running.desk.promise(row.id, ANN, START + timedelta(hours=1), action_id=f"promise-{row.id}")


def test_processes_that_do_the_clocks_work_at_the_same_time_do_it_once(place: Place) -> None:
    """An engine runs one at a time; a worker that was taken for dead may wake up and be a second."""
    place.settings = {**place.settings, **VALUED}
    a_busy_morning(place)
    together = threading.Barrier(4)
    steps = [app.work_of(place.start().parts, Role.WORK, go_on=lambda: True).steps["clock"] for _ in range(4)]

    def at_once(step: Callable[[str], Any]) -> None:
        for moment in MOMENTS:
            together.wait(LIMIT_S)
            place.clock.at = moment
            together.wait(LIMIT_S)
            step("")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(at_once, steps))

    assert_each_once(place)


MOMENTS = (
    START + timedelta(minutes=50),
    START + timedelta(minutes=61),
    START + timedelta(days=3),
    START + timedelta(days=181),
)


def assert_each_once(place: Place) -> None:
    whats = [what for _, what in place.effects()]
    assert {what: whats.count(what) for what in ("promise_soon", "promise_broken", "no_action")} == {
        "promise_soon": 3, "promise_broken": 3, "no_action": 6,
    }  # fmt: skip
    assert len(whats) - 12 == len(set(whats)) - 3, whats  # one summary a date
    with place.process() as running:
        kinds = journal_kinds(running)
        assert (kinds.count("value"), kinds.count("value_expire")) == (3, 3)
        assert kinds.count("cost_void") == 6
        assert [row.state for row in rows(running, Promise)] == ["broken"] * 3
        redrawn = Counter(row.case_id for row in rows(running, models.OutboxMessage) if row.kind == "card_edit")
    # Claimed, promised, reminded of, broken, overdue; or only closed.
    assert redrawn == {1: 5, 2: 5, 3: 5} | dict.fromkeys(range(4, 10), 1)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Slack:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    made = Slack(seconds_between_messages=0.0, has_tiers=False)
    made.add_channel("C0CARE", "care")
    made.add_channel("C0EXEC", "executives")
    return made


@pytest.fixture
def cluster(tmp_path: Path, postgresql_url: str, slack: Slack) -> Iterator[Place]:
    """An installation that posts to Slack, on PostgreSQL."""
    with slack_at(slack) as address:
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 0.0}
        made = Place(tmp_path, postgresql_url, settings={"slack": quick, "summary": {"slack_channel": "C0EXEC"}})
        made.settings = {**made.settings, **VALUED}
        prepare(postgresql_url)
        yield made
        made.close()


def test_two_nodes_of_a_cluster_do_it_once_and_slack_shows_it_once(cluster: Place, slack: Slack) -> None:
    a_busy_morning(cluster)
    nodes = [cluster.start(Role.ALL) for _ in range(2)]

    with served(nodes[0].engine), served(nodes[1].engine):
        for moment, count in zip(MOMENTS, (3, 6, 13, 16), strict=True):
            cluster.clock.at = moment
            for node in (*nodes, *nodes):
                node.engine.wake("clock")
            wait_until(lambda count=count: len(cluster.effects()) >= count and not waits(nodes[0]))  # type: ignore[misc]  # a late count

    assert_each_once(cluster)
    cards = slack.messages("C0CARE")
    said = [reply["text"] for card in cards for reply in slack.messages("C0CARE", thread_ts=card["ts"])]
    assert [sum(sign in text for text in said) for sign in ("☎ Promise due", "⏰ The promise", "⏰ This was due")] == [
        3,
        3,
        3,
    ]
    assert len(cards) == 9
    summaries = [message["text"].partition("— ")[2].partition("*")[0] for message in slack.messages("C0EXEC")]
    assert summaries == ["Fri 20 Nov 2026", "Sat 15 May 2027", "Sun 16 May 2027", "Mon 17 May 2027"]


def waits(node: App) -> bool:
    with reading(node.parts.database) as session:
        return bool(outbox.channels_with_work(session))
