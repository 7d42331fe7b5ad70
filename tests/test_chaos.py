"""Promise 5 in a storm: processes killed at random and at named points, and nothing is lost or there twice.

CI kills a few; ``make chaos KILLS=200`` kills as many as it is told, on each engine, and prints what happened.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from storage import db
from storage.db import transaction
from storage.models import Mention
from tests import doom
from tests.installation import Installation, assert_books_agree, line, work
from tests.looking import contacts, rows
from tests.servers.slack import BOT_TOKEN
from tests.storm import TEXTS, Storm, storm

KILLS = int(os.environ.get("EARMARK_CHAOS_KILLS", "4"))
SEED = int(os.environ.get("EARMARK_CHAOS_SEED", "1"))
IS_LONG = KILLS >= 50
# In the work on two mentions there are some ten commits and two posts.
NUMBERS: dict[str, Iterable[int]] = {"commit": range(1, 10), "slack": range(1, 4), "poll": range(1, 3)}
if not IS_LONG:
    NUMBERS = {"commit": (1, 3), "slack": (1,), "poll": (1,)}
DEATHS = [f"{when} {point} {number}" for point, numbers in NUMBERS.items() for number in numbers for when in doom.WHENS]
ENGINES = ("sqlite", "postgresql")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 30 * KILLS)]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)


@pytest.mark.parametrize(("engine", "crew"), [("sqlite", 1), ("postgresql", 3)])
def test_processes_killed_at_random_lose_nothing_and_do_nothing_twice(
    engine: str, crew: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with storm(tmp_path, request.getfixturevalue(f"{engine}_url"), crew=crew, seed=SEED) as blowing:
        blowing.rage(KILLS)
        blowing.calm()

        blowing.check()
        print(f"\n{engine}: {blowing.told()}")  # noqa: T201  # make chaos shows it


@pytest.mark.parametrize("engine", ENGINES)
def test_a_process_that_dies_before_or_after_a_commit_a_post_or_a_poll_is_made_up_for(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storm(tmp_path, request.getfixturevalue(f"{engine}_url"), crew=1, seed=SEED) as blowing:
        died = [death for death in DEATHS if _dies(blowing, death, monkeypatch)]
        monkeypatch.delenv(doom.VARIABLE)
        blowing.calm()

        blowing.check()
    # A number that is never reached proves nothing; the first of each must be.
    assert {f"{when} {point} 1" for point in doom.POINTS for when in doom.WHENS} <= set(died)


def _dies(blowing: Storm, death: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Have a process work on two more mentions until it kills itself there, or is done without having come there."""
    monkeypatch.setenv(doom.VARIABLE, death)
    blowing.write(2)
    node = blowing.nodes.start()
    blowing.nodes.wait_until(lambda: not node.is_running or blowing.is_done())
    if node.is_running:
        assert node.stop() == 0
    return node.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("seed", range(4))
def test_after_a_power_cut_only_what_was_committed_is_there_and_the_rest_is_done_again(
    seed: int, tmp_path: Path
) -> None:
    chance = Random(seed)
    before = Installation(tmp_path, f"sqlite:///{tmp_path / 'before.sqlite'}")
    running = before.open()
    for first in range(0, 40, 4):
        before.publish(
            line(number, TEXTS[number % 5], author=f"author-{number % 7}") for number in range(first, first + 4)
        )
        work(running)
    for name in ("", "-wal"):
        (tmp_path / f"after.sqlite{name}").write_bytes((tmp_path / f"before.sqlite{name}").read_bytes())
    # What was being written when the power went is cut off, and may be noise.
    log = (tmp_path / "after.sqlite-wal").read_bytes()
    (tmp_path / "after.sqlite-wal").write_bytes(log[: chance.randrange(len(log))] + chance.randbytes(4096))

    after = Installation(tmp_path, f"sqlite:///{tmp_path / 'after.sqlite'}", before.clock)
    restarted = after.open()
    assert_books_agree(restarted)
    work(restarted)

    assert len(rows(restarted, Mention)) == 40
    assert contacts(restarted) == contacts(running)
    assert_books_agree(restarted)
    for one in (running, restarted):
        one.parts.database.dispose()


def test_a_commit_of_sqlite_is_on_the_disk_before_it_returns(sqlite_url: str) -> None:
    database = db.connect(sqlite_url)

    with transaction(database) as session:
        # 2 is FULL: the log of writes is synchronised at every commit.
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar_one() == 2

    database.dispose()
