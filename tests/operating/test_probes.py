"""The probes: alive, ready, and figures that a monitor can read, with nothing of a person in them."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, update
from sqlmodel import col
from starlette.applications import Starlette
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from bot import pipeline
from bot.app import App
from bot.domain import Tagging
from bot.engine import Failing, Pulse
from bot.errors import ConnectorError
from bot.operating.probes import Probes
from storage import db, models, outbox
from storage.outbox import Kind, Order
from tests.answers import NOON, begun
from tests.installation import Clock, Installation, ToldTagger, line, work

LABELS = {
    "answer", "channel", "key", "kind", "le", "queue", "result", "role", "slack_channel", "step", "version",
}  # fmt: skip
REFUSED = "earmark_step_failures_total{kind=StorageError:read_only,step=poll}"


def asked(running: App, pulse: Pulse = Pulse(), *, tags: bool = True) -> TestClient:  # noqa: B008  # it is frozen
    return TestClient(Starlette(routes=Probes(running.parts, lambda: pulse, tags=tags).routes()))


def figures(client: TestClient) -> dict[str, float]:
    """Every sample by its name and the labels that say something, such as ``earmark_waiting{step=tag}``."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples]
    assert {name for sample in samples for name in sample.labels} <= LABELS
    return {sample.name + _labels(sample.labels): sample.value for sample in samples}


def _labels(labels: dict[str, str]) -> str:
    told = ",".join(f"{name}={value}" for name, value in sorted(labels.items()) if value)
    return f"{{{told}}}" if told else ""


# -- healthz and readyz ------------------------------------------------------------------------------------------


def test_a_process_whose_engine_turns_is_alive_without_a_database(installation: Installation) -> None:
    running = installation.open()
    running.parts.database.dispose()
    (installation.folder / "earmark.sqlite").unlink()

    alive = asked(running).get("/healthz")
    dead = asked(running, Pulse("a thread of the engine has died")).get("/healthz")

    assert (alive.status_code, alive.json()) == (200, {"ok": True, "engine": "ok"})
    assert (dead.status_code, dead.json()) == (503, {"ok": False, "engine": "a thread of the engine has died"})


def test_ready_says_so_part_by_part(installation: Installation) -> None:
    running = installation.open()

    ready = asked(running).get("/readyz")
    without_tagger = asked(running, tags=False).get("/readyz")

    assert (ready.status_code, ready.json()) == (200, {"ok": True, "engine": "ok", "database": "ok", "tagger": "ok"})
    assert without_tagger.json() == {"ok": True, "engine": "ok", "database": "ok"}
    assert isinstance(running.parts.tagger, ToldTagger)
    assert running.parts.tagger.calls == 1
    running.parts.database.dispose()


class Broken:
    version = "broken"

    def tag(self, _texts: Sequence[str]) -> list[Tagging]:
        raise ValueError("a secret of the model")


def test_each_part_that_is_not_ready_says_in_a_sentence_why(installation: Installation) -> None:
    running = installation.open()
    with db.transaction(running.parts.database) as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    broken = replace(running, parts=replace(running.parts, tagger=Broken()))

    answer = asked(broken, Pulse("the engine is not running")).get("/readyz")

    newest = db.newest_revision()
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "ok": False,
            "engine": "the engine is not running",
            "database": f"the database has schema 0001, this program needs {newest}; run 'earmark db upgrade'",
            "tagger": "the tagger cannot tag (ValueError); see the log, or run 'earmark check'",
        },
    )
    running.parts.database.dispose()


def test_a_database_that_is_away_makes_it_unready_and_its_figures_fewer(installation: Installation) -> None:
    running = installation.open()
    running.parts.database.dispose()
    (installation.folder / "earmark.sqlite").unlink()
    (installation.folder / "earmark.sqlite").mkdir()

    answer, found = asked(running).get("/readyz"), figures(asked(running))

    assert answer.status_code == 503
    assert "unable to open database file" in answer.json()["database"]
    assert found["earmark_database_up"] == 0
    assert found["earmark_engine_running"] == 1
    assert "earmark_waiting{step=tag}" not in found


# -- metrics -----------------------------------------------------------------------------------------------------


def test_the_figures_say_what_waits_since_when_and_what_fails(tmp_path: Path, database_url: str) -> None:
    installation = Installation(tmp_path, database_url)
    running = installation.open()
    installation.publish([line(1, "complaint/where_is_it: late"), line(2, "praise: thanks"), line(3, "nothing")])
    pipeline.receive(running.parts, "feed")
    installation.clock.forward(seconds=90)
    with db.transaction(running.parts.database) as session:
        orders = [Order("C0CARE", Kind.SUMMARY, None, f"summary:{number}") for number in range(3)]
        outbox.enqueue(session, orders, now=installation.clock())
        table = models.OutboxMessage
        session.execute(update(table).where(col(table.dedupe_key) == "summary:0").values(state="dead"))
    installation.clock.forward(seconds=30)
    pulse = Pulse(failing=(Failing("poll", "feed", 2, "no answer"), Failing("poll", "other", 1, "no answer")))

    found = figures(asked(running, pulse))

    expected: dict[str, float] = {
        "earmark_oldest_waiting_seconds{step=tag}": 120,
        "earmark_oldest_waiting_seconds{step=clock}": 0,
        "earmark_oldest_waiting_seconds{key=C0CARE,step=deliver}": 30,
        "earmark_oldest_waiting_seconds{key=feed,step=poll}": 60,
        "earmark_waiting{step=tag}": 3,
        "earmark_waiting{key=C0CARE,step=deliver}": 2,
        "earmark_outbox_dead{slack_channel=C0CARE}": 1,
        "earmark_channel_lag_seconds{channel=feed}": 120,
        "earmark_mentions_received_total{channel=feed}": 3,
        "earmark_steps_failing{step=poll}": 2,
        "earmark_database_up": 1,
        "earmark_cases_open{queue=care}": 0,
        "earmark_ledger_journals_total": 0,
    }
    assert {key: found[key] for key in expected} == expected
    assert found["earmark_channel_good_poll_timestamp_seconds{channel=feed}"] == installation.clock().timestamp() - 120
    running.parts.database.dispose()


def test_the_figures_say_how_many_answers_to_customers_wait_and_since_when(tmp_path: Path, database_url: str) -> None:
    desk = begun(Installation(tmp_path, database_url, clock=Clock(NOON - timedelta(minutes=1))))
    before = figures(asked(desk.running))
    desk.platform.faults = {"2": ConnectorError("too many requests", retry_after_s=60.0)}
    desk.answer()
    desk.send()
    desk.installation.clock.forward(seconds=45)

    meanwhile = figures(asked(desk.running))
    desk.send_all()

    waiting, oldest = "earmark_waiting{key=feed,step=reply}", "earmark_oldest_waiting_seconds{key=feed,step=reply}"
    assert (waiting in before, meanwhile[waiting], meanwhile[oldest]) == (False, 9, 45)
    assert waiting not in figures(asked(desk.running))
    desk.close()


def test_what_is_done_is_counted(installation: Installation) -> None:
    running = installation.open()
    before = figures(asked(running))
    installation.publish([line(1, "complaint/where_is_it: late"), line(2, "praise: thanks"), line(3, "nothing")])

    work(running)

    after = figures(asked(running))
    grown = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert grown["earmark_mentions_tagged_total"] == 3
    assert grown["earmark_mentions_received_total{channel=feed}"] == 3
    assert grown["earmark_polls_total{channel=feed,result=good}"] == 1
    # Woken once more while it ran, it looks once more.
    assert grown["earmark_step_seconds_count{step=tag}"] in {1, 2}
    assert grown["earmark_cases_unclaimed{queue=care}"] == 2
    assert grown["earmark_ledger_journals_total"] > 3
    running.parts.database.dispose()


def test_failures_are_counted_by_step_and_kind(installation: Installation) -> None:
    running = installation.open()
    before = figures(asked(running)).get(REFUSED, 0)
    installation.publish([line(1, "praise: thanks")])

    def refuse(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    event.listen(running.parts.database, "connect", refuse)
    running.parts.database.dispose()
    work(running)

    found = figures(asked(running))
    assert found[REFUSED] - before == 1
    running.parts.database.dispose()


# -- a process ---------------------------------------------------------------------------------------------------


@pytest.fixture
def addresses(installation: Installation) -> Iterator[dict[str, str]]:
    """A process that runs, and where its board and its metrics are."""
    installation.settings = {"web": {"port": 0}}
    running, stop = installation.open(), threading.Event()
    with capture_logs() as logs:
        thread = threading.Thread(target=running.run, args=(stop,), kwargs={"metrics_port": 0})
        thread.start()
        try:
            for _ in range(400):
                if any(one["event"] == "started" for one in logs):
                    break
                thread.join(0.05)
            yield {one["event"]: one["address"] for one in logs if "address" in one}
        finally:
            stop.set()
            thread.join(20)


def test_a_running_process_serves_its_probes_on_the_board_and_on_a_port_of_their_own(
    addresses: dict[str, str],
) -> None:
    answers = [
        urllib.request.urlopen(f"{addresses[where]}{path}", timeout=10).status  # noqa: S310  # our own server
        for where in ("board", "metrics")
        for path in ("healthz", "readyz", "metrics")
    ]

    assert answers == [200] * 6
