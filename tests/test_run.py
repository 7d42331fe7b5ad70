"""``earmark run`` as an operator runs it: a process of its own, stopped, killed, started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from bot import app, config
from bot.app import App, Role
from storage import cases, db, models, outbox
from tests.installation import assert_books_agree, line
from tests.looking import contacts, rows
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Slack, running

ROOT = Path(__file__).parent.parent
GOLD = ROOT.parent / "shared" / "data" / "gold_dev.jsonl"
LIMIT_S = 90.0
TEXTS = (
    "where is my parcel, it should have been here on Monday",
    "you have charged me twice, please mend it",
    "thank you all, wonderful service",
    "how do I return this jumper?",
    "nice weather in Leeds",
)
CONFIG = """
[earmark]
database_url = "sqlite:///{folder}/e.sqlite"
workers = 2

[[channels]]
name = "feed"
connector = "replay"
path = "{feed}"
page_lines = 40
poll_seconds = 0.2

[[queues]]
name = "care"
slack_channel = "C0CARE"

[[routes]]
queue = "care"

[tagger]
batch = 8

[web]
port = 0

{more}
"""
SLACK = """
[slack]
api_url = "{address}"
seconds_between_messages = 0.0
quiesce_seconds = 0.2
"""

pytestmark = pytest.mark.slow


def configured(folder: Path, feed: Path, more: str = "") -> Path:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(folder=folder, feed=feed, more=more))
    return path


def written(folder: Path, count: int) -> Path:
    """A file with so many mentions."""
    feed = folder / "feed.jsonl"
    lines = (line(number, f"{TEXTS[number % 5]} ({number})", author=f"a{number % 50}") for number in range(count))
    feed.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return feed


@contextmanager
def started(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``earmark run`` in a process of its own; killed at the end if it still is there."""
    command = [sys.executable, "-c", "from bot.cli import main; main()", "run", "--config", str(path)]
    environment = {**os.environ, "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
    with (path.parent / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log, env=environment)  # noqa: S603  # the command is ours
    try:
        yield process
    finally:
        process.kill()
        process.wait(LIMIT_S)


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Come back when something holds; the process must not end before it does."""
    deadline = monotonic() + LIMIT_S
    while not holds():
        assert monotonic() < deadline, log.read_text()[-2000:]
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"it ended with {process.returncode}: {log.read_text()[-2000:]}")


def count_of(folder: Path, *, state: str) -> int:
    """How many mentions are in a state; 0 while there is no table."""
    database = db.connect(f"sqlite:///{folder / 'e.sqlite'}")
    try:
        if not (folder / "e.sqlite").exists() or db.revision(database) is None:
            return 0
        with db.reading(database) as session:
            table = models.Mention
            query = select(func.count()).select_from(table).where(col(table.state) == state)
            return session.scalar(query) or 0
    finally:
        database.dispose()


def is_worked(folder: Path, count: int) -> bool:
    return len_worked(folder) == count


def is_worked_so_far(folder: Path, count: int) -> bool:
    return len_worked(folder) >= count


def len_worked(folder: Path) -> int:
    return count_of(folder, state="tagged") + count_of(folder, state="ignored")


def opened(path: Path) -> App:
    """The installation, for looking."""
    return app.build(config.load(path), role=Role.WEB)


def assert_all_is_there_once(path: Path, count: int) -> None:
    looking = opened(path)
    found = rows(looking, models.Mention)
    assert len({mention.external_id for mention in found}) == len(found) == count
    assert {mention.state for mention in found} <= {"tagged", "ignored"}
    assert contacts(looking) == len(rows(looking, models.Case))
    assert_books_agree(looking)
    looking.parts.database.dispose()


def log_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(one) for one in (path.parent / "log").read_text().splitlines()]


# -- one process, no Slack ---------------------------------------------------------------------------------------


def test_a_sigterm_in_the_middle_of_work_stops_it_cleanly_and_nothing_is_lost(tmp_path: Path) -> None:
    path, log = configured(tmp_path, written(tmp_path, 150)), tmp_path / "log"
    with started(path) as process:
        wait_until(lambda: count_of(tmp_path, state="tagged") > 0, process, log)

        process.send_signal(signal.SIGTERM)

        assert process.wait(LIMIT_S) == 0
    events = [one["event"] for one in log_of(path)]
    assert events[:2] == ["board", "started"]
    assert events[-1] == "stopping"
    assert_books_agree(looking := opened(path))
    looking.parts.database.dispose()
    with started(path) as process:
        wait_until(lambda: is_worked(tmp_path, 150), process, log)
    assert_all_is_there_once(path, 150)


def test_killed_at_any_point_the_restart_finishes_the_work_nothing_lost_no_journal_twice(tmp_path: Path) -> None:
    path, log = configured(tmp_path, written(tmp_path, 150)), tmp_path / "log"
    random = Random(5)
    for share in (0, 40, 90):
        with started(path) as process:
            wait_until(partial(is_worked_so_far, tmp_path, share), process, log)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(random.uniform(0, 0.15))
            process.kill()

    with started(path) as process:
        wait_until(lambda: is_worked(tmp_path, 150), process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0

    assert_all_is_there_once(path, 150)


# -- with Slack --------------------------------------------------------------------------------------------------


@pytest.fixture
def slack() -> Slack:
    made = Slack(seconds_between_messages=0.0, has_tiers=False)
    made.add_channel("C0CARE", "care")
    return made


def cards(slack: Slack) -> Counter[str]:
    """How often each delivery is in the queue's channel."""
    return Counter(message["metadata"]["event_payload"]["delivery_id"] for message in slack.messages("C0CARE"))


def is_posted_so_far(slack: Slack, count: int) -> bool:
    return len(cards(slack)) >= count


def is_delivered(path: Path, count: int) -> bool:
    if not is_worked(path.parent, count):
        return False
    database = db.connect(f"sqlite:///{path.parent / 'e.sqlite'}")
    try:
        with db.reading(database) as session:
            return not outbox.channels_with_work(session)
    finally:
        database.dispose()


def assert_slack_shows_every_case_once(slack: Slack, path: Path) -> None:
    looking = opened(path)
    with db.reading(looking.parts.database) as session:
        assert cases.cards_shown(session) == cases.count(session)
        assert outbox.dead(session) == []
    case_count = len(rows(looking, models.Case))
    looking.parts.database.dispose()
    shown = cards(slack)
    assert len(shown) == case_count
    assert set(shown.values()) == {1}


def test_killed_at_any_point_no_card_is_in_slack_twice_and_none_is_lost(
    tmp_path: Path, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    random = Random(7)
    log = tmp_path / "log"
    with running(slack) as address:
        path = configured(tmp_path, written(tmp_path, 80), SLACK.format(address=address))
        for posted in (1, 20):
            with started(path) as process:
                wait_until(partial(is_posted_so_far, slack, posted), process, log)
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(random.uniform(0, 0.1))
                process.kill()
        with started(path) as process:
            wait_until(lambda: is_delivered(path, 80), process, log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 0

    assert_all_is_there_once(path, 80)
    assert_slack_shows_every_case_once(slack, path)


def test_real_mentions_end_up_in_the_database_in_slack_and_in_the_ledger_with_sums_that_agree(
    tmp_path: Path, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not GOLD.exists():
        pytest.skip("optional: there is no ../shared/data/gold_dev.jsonl")
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    count = len(GOLD.read_text(encoding="utf-8").splitlines())
    with running(slack) as address:
        path = configured(tmp_path, GOLD, SLACK.format(address=address))
        with started(path) as process:
            wait_until(lambda: is_delivered(path, count), process, tmp_path / "log")
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 0

    assert_all_is_there_once(path, count)
    assert_slack_shows_every_case_once(slack, path)
