"""``earmark trace``: one mention's way, told from the tables, without a word of anybody's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.domain import Actor
from bot.errors import InputError
from bot.operating import tracing
from tests.installation import Installation, line, work


def test_the_way_of_a_mention_is_told_in_the_order_of_time(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = Installation(tmp_path, database_url)
    running = installation.open()
    installation.publish([line("p1", "complaint/where_is_it: my secret parcel", author="cat")])
    installation.clock.forward(minutes=1)
    work(running)
    installation.clock.forward(minutes=1)
    running.desk.claim(1, Actor("slack:UANN", "Ann"), action_id="press")
    capsys.readouterr()

    tracing.run(running.parts.settings, "replay:p1", as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert told["trace"] == 1
    assert [(step["step"], step["what"].split(" (")[0]) for step in told["steps"]] == [
        ("posted", "on replay"),
        ("received", "from the channel feed; it is now tagged"),
        ("tagged", "complaint, where_is_it, 90% sure, by told-1"),
        ("case", "1 opened by mention 1"),
        ("booked", "journal 1: tag, posted"),
        ("booked", "journal 2: cost_hold, pending"),
        ("case", "1 claimed by slack:UANN"),
    ]
    assert "secret" not in json.dumps(told)
    running.parts.database.dispose()


@pytest.mark.parametrize("name", ["17", "x:none", "nonsense", "9" * 30])
def test_a_mention_that_is_not_there_is_said(tmp_path: Path, sqlite_url: str, name: str) -> None:
    running = Installation(tmp_path, sqlite_url).open()

    with pytest.raises(InputError, match=rf"{name}: there is no such mention; name it by its number"):
        tracing.run(running.parts.settings, name, as_json=False)
    running.parts.database.dispose()
