"""``earmark status``: what wants attention, in sentences, and an exit code for whoever watches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot import books, config, pipeline
from bot.app import App
from bot.engine import Failing, Pulse
from bot.errors import ConnectorError
from bot.operating import status
from bot.operating.attention import attention
from bot.operating.beating import Heart
from storage import db, models, outbox, vitals
from storage.outbox import Kind, Order
from storage.vitals import Beat, Check
from tests.answers import NOON, begun
from tests.installation import Clock, Installation, line, work

HERE = version("earmark")


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    opened = installation.open()
    yield opened
    opened.parts.database.dispose()


def beat(running: App, *, name: str = "bot-1:7", role: str = "all", **more: Any) -> None:
    """A process gives a sign of life."""
    now = running.parts.now()
    sign = Beat(name, role, HERE, (), now - timedelta(days=3), now)
    with db.transaction(running.parts.database) as session:
        vitals.beat(session, replace(sign, **more))


def wanted(running: App, *, disk_free: int | None = None) -> list[str]:
    now, settings = running.parts.now(), running.parts.settings
    with db.reading(running.parts.database) as session:
        found = vitals.vitals(session, [queue.name for queue in settings.queues], now=now)
    return attention(found, settings, version=HERE, disk_free=disk_free, now=now)


def test_an_installation_at_work_wants_nothing(running: App, installation: Installation) -> None:
    installation.publish([line(1, "complaint/where_is_it: late")])
    work(running)
    with db.transaction(running.parts.database) as session:
        vitals.record_check(session, Check(running.parts.now(), 3, ""))
    beat(running)

    assert wanted(running) == []


def test_nobody_at_work_is_said_first(running: App) -> None:
    assert wanted(running) == ["No process runs; start 'earmark run', or its service."]


def test_a_process_that_fell_silent_and_a_role_that_is_missing_are_said(
    running: App, installation: Installation
) -> None:
    work(running)
    beat(running, name="bot-1:7", role="poll")
    installation.clock.forward(minutes=3)
    for name, role in (("bot-2:8", "work"), ("bot-2:9", "web")):
        beat(running, name=name, role=role)

    assert wanted(running) == [
        "The process bot-1:7 (poll) has been silent for 3 min without having been stopped: it was killed, or hangs.",
        "No process has the role poll; start 'earmark run --role poll'.",
    ]


def test_what_fails_in_a_process_is_read_elsewhere(running: App) -> None:
    work(running)
    pulse = Pulse(failing=(Failing("tag", "", 4, "the tagger cannot be loaded; reinstall it"),))
    Heart(running.parts, "all", lambda: pulse).beat()

    [sentence] = wanted(running)
    assert sentence.endswith(": tag failed 4 times: the tagger cannot be loaded; reinstall it.")


def test_a_process_that_stops_properly_leaves_nothing_behind(running: App) -> None:
    heart = Heart(running.parts, "all", Pulse)
    heart.start()
    heart.beat()
    heart.stop()

    with db.reading(running.parts.database) as session:
        assert vitals.processes(session) == []


def test_a_process_of_another_version_is_to_be_restarted(running: App) -> None:
    work(running)
    beat(running, version="0.0.9")

    assert wanted(running) == [f"The process bot-1:7 runs version 0.0.9, installed is {HERE}; restart it."]


def test_what_waits_too_long_and_what_is_dead_is_said(tmp_path: Path, database_url: str) -> None:
    installation = Installation(tmp_path, database_url)
    running = installation.open()
    installation.publish([line(1, "complaint/where_is_it: late"), line(2, "praise: thanks")])
    pipeline.receive(running.parts, "feed")
    with db.transaction(running.parts.database) as session:
        orders = [Order("C0CARE", Kind.SUMMARY, None, f"summary:{number}") for number in range(3)]
        outbox.enqueue(session, orders, now=installation.clock())
        table = models.OutboxMessage
        session.execute(update(table).where(col(table.dedupe_key) == "summary:0").values(error="ratelimited"))
        session.execute(update(table).where(col(table.dedupe_key) == "summary:2").values(state="dead"))
        vitals.record_check(session, Check(installation.clock() - timedelta(hours=40), 7, ""))
    installation.clock.forward(minutes=20)
    beat(running)

    assert wanted(running, disk_free=300 * 2**20) == [
        "The channel feed is 20 min behind what was posted there.",
        "2 mentions wait for their tags, the oldest for 20 min.",
        "2 messages wait for C0CARE, the oldest for 20 min; Slack last said: ratelimited.",
        "Slack refused 1 card for C0CARE for good; 'earmark check' says why, and a restart tries them again.",
        "The ledger was last verified 40 h ago; run 'earmark ledger verify', and see why the night did not.",
        "Only 300 MiB are free beside the database; make room before it is full.",
    ]
    running.parts.database.dispose()


def test_answers_to_customers_that_wait_too_long_are_said_and_shown(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = begun(Installation(tmp_path, sqlite_url, clock=Clock(NOON - timedelta(minutes=1))))
    running, clock = desk.running, desk.installation.clock
    desk.platform.faults = {"1": ConnectorError("too many requests", retry_after_s=1800.0)}
    work(running)
    desk.answer()
    desk.send()
    clock.forward(minutes=11)
    beat(running)
    work(running)
    with db.transaction(running.parts.database) as session:
        vitals.record_check(session, Check(clock(), 3, ""))
    capsys.readouterr()

    assert wanted(running) == [
        "10 answers to customers of feed wait, the oldest for 11 min; the platform last said: too many requests."
    ]
    status.run(running.parts.settings, as_json=True, now=clock)
    assert json.loads(capsys.readouterr().out)["answers"] == [
        {"channel": "feed", "waiting": 10, "oldest_s": 660, "error": "too many requests"}
    ]
    status.run(running.parts.settings, as_json=False, now=clock)
    shown = " ".join(capsys.readouterr().out.split())
    assert "platform last said" in shown
    assert "feed 10 11 min ago too many requests" in shown
    moved = dict(desk.installation.configuration(), channels=[{"name": "new", "connector": "replay", "path": "x"}])
    elsewhere = replace(running, parts=replace(running.parts, settings=config.parse(moved, source="test")))
    assert wanted(elsewhere)[-1] == (
        "10 answers to customers of feed wait, the oldest for 11 min: there is no such channel in the config."
    )
    desk.close()


def test_a_ledger_that_does_not_verify_is_said_until_it_does(running: App) -> None:
    work(running)
    beat(running)
    with db.transaction(running.parts.database) as session:
        vitals.record_check(session, Check(running.parts.now(), 7, "journal 3 (tag:1): hash differs"))

    [sentence] = wanted(running)
    assert sentence.startswith("The ledger does NOT verify: journal 3 (tag:1): hash differs. Do not post on;")


def test_verifying_by_hand_is_remembered(running: App, capsys: pytest.CaptureFixture[str]) -> None:
    work(running)
    capsys.readouterr()

    books.verify(running.parts.settings, as_json=True)

    assert json.loads(capsys.readouterr().out)["ok"] is True
    with db.reading(running.parts.database) as session:
        check = vitals.last_check(session)
    assert check is not None
    assert (check.journals, check.problem) == (0, "")


def test_the_whole_status_is_one_json_object(
    running: App, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.publish([line(1, "complaint/where_is_it: late")])
    work(running)
    beat(running, started_at=running.parts.now())
    installation.clock.forward(seconds=30)
    capsys.readouterr()

    is_well = status.run(running.parts.settings, as_json=True, now=installation.clock)

    told = json.loads(capsys.readouterr().out)
    assert is_well
    assert (told["ok"], told["attention"], told["version"], told["schema"]) == (True, [], HERE, db.newest_revision())
    assert told["processes"] == [
        {"name": "bot-1:7", "role": "all", "version": HERE, "alive": True, "beat_age_s": 30, "trouble": []}
    ]
    [channel] = told["channels"]
    assert (channel["name"], channel["lag_s"], channel["failures"], channel["mentions"]) == ("feed", 30, 0, 1)
    assert told["queues"] == [{"name": "care", "open": 1, "unclaimed": 1, "overdue": 0}]
    assert told["mentions"] == {"untagged": 0, "oldest_untagged_s": None, "set_aside": 0}
    assert told["outbox"] == []


def test_people_read_sentences_and_tables(
    running: App, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    work(running)
    capsys.readouterr()

    is_well = status.run(running.parts.settings, as_json=False, now=installation.clock)

    shown = [text.rstrip() for text in capsys.readouterr().out.splitlines()]
    assert not is_well
    begins = shown.index("1 thing to look at:")
    assert shown[begins + 1] == "  - No process runs; start 'earmark run', or its service."
    assert shown[-3:-1] == ["Untagged: 0 mentions.", "Ledger: 0 journals, never verified."]


def test_a_database_that_cannot_be_asked_is_what_wants_attention(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.open().parts.database.dispose()
    settings = installation.open().parts.settings
    database = db.connect(installation.url)
    with db.transaction(database) as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.dispose()

    is_well = status.run(settings, as_json=False)

    assert not is_well
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        f"The database has schema 0001, this program needs {db.newest_revision()}; run 'earmark db upgrade'." in shown
    )
