"""In a burst what may be urgent is tagged first, nothing is dropped, and everybody sees how long the oldest waits."""

from __future__ import annotations

from pathlib import Path

from bot import pipeline
from bot.web.desk_board import DeskBoard
from storage import mentions, models
from storage.db import reading
from tests.installation import Installation, assert_books_agree, line
from tests.looking import rows

ROUTES = [{"queue": "care", "priority": "urgent", "phrase": ["ombudsman"]}, {"queue": "care"}]


def test_what_may_be_urgent_is_tagged_before_what_came_earlier(tmp_path: Path, database_url: str) -> None:
    settings = {"routes": ROUTES, "tagger": {"batch": 2}}
    installation = Installation(tmp_path, database_url, settings=settings)
    running = installation.open()
    installation.publish(line(number, f"complaint/where_is_it: {number}") for number in range(1, 6))
    installation.publish([line(number, f"complaint/where_is_it: to the ombudsman {number}") for number in (6, 7, 8)])
    pipeline.receive(running.parts, "feed")
    batches = []

    while True:
        with reading(running.parts.database) as session:
            batches.append([waiting.id for waiting in mentions.waiting(session, limit=2)])
        if not pipeline.tag_batch(running.parts):
            break

    assert batches == [[6, 7], [8, 1], [2, 3], [4, 5], []]
    assert len(rows(running, models.Case)) == 8
    assert_books_agree(running)
    running.parts.database.dispose()


def test_the_board_says_since_when_the_oldest_untagged_mention_waits(tmp_path: Path, sqlite_url: str) -> None:
    installation = Installation(tmp_path, sqlite_url)
    running = installation.open()
    board = DeskBoard(running.parts)
    installation.publish([line(1, "praise: thanks")])

    before = board.progress().waiting_since
    pipeline.receive(running.parts, "feed")

    assert (before, board.progress().waiting_since) == (None, installation.clock())
    pipeline.tag(running.parts)
    assert board.progress().waiting_since is None
    running.parts.database.dispose()
