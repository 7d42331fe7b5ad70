"""Default minutes from measured work: what is proposed, and that the proposal can be taken over as it is printed."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from bot import calibrating
from bot.app import App
from bot.domain import Actor
from bot.errors import ConfigError
from bot.ledger.taxonomy import STARTER, load_taxonomy
from bot.reports.measured import DefaultProposal
from storage import models
from storage.db import reading
from tests.installation import START, Clock, Installation, line
from tests.looking import case, rows, take_in

ANN = Actor("slack:UANN", "Ann")
PARCEL = "complaint/where_is_it: where is my parcel"


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    return Installation(tmp_path, database_url, Clock(START))


def worked(running: App, installation: Installation, count: int, *, seconds: int = 100) -> None:
    """Contacts that agents worked on for so long, and one that was only closed."""
    take_in(running, installation, *(line(n, PARCEL, author=f"p{n}") for n in range(1, count + 2)))
    ids = [row.id for row in rows(running, models.Case)]
    for number, case_id in enumerate(ids[:count]):
        running.desk.claim(case_id, ANN, action_id=f"c{number}")
        installation.clock.forward(seconds=seconds)
        running.desk.resolve(case_id, ANN, action_id=f"r{number}")
        installation.clock.forward(minutes=10)
    running.desk.resolve(ids[count], ANN, action_id="last")


def proposed(running: App) -> tuple[DefaultProposal, ...]:
    with reading(running.parts.database) as session:
        return calibrating.proposals(session, running.parts.model, running.parts.now())


def test_thirty_measured_contacts_of_ninety_days_propose_their_median(installation: Installation) -> None:
    running = installation.open()
    worked(running, installation, 30)

    # 100 s, and the 30 after the last step.
    assert proposed(running) == (DefaultProposal("where_is_it", "social", 30, 300, 130),)
    installation.clock.forward(days=91)
    assert proposed(running) == ()
    running.parts.database.dispose()


def test_follow_up_work_on_promises_and_corrected_work_do_not_count_twice(installation: Installation) -> None:
    running = installation.open()
    worked(running, installation, 30)
    one = case(running).id
    running.desk.promise(one, ANN, installation.clock() + timedelta(hours=1), action_id="p")
    installation.clock.forward(seconds=200)
    running.desk.keep_promise(one, ANN, action_id="k")

    [found] = proposed(running)

    assert (found.contacts, found.median_seconds) == (30, 130)
    running.parts.database.dispose()


def test_the_printed_lines_make_the_median_the_default(installation: Installation, tmp_path: Path) -> None:
    running = installation.open()
    worked(running, installation, 30)
    text = calibrating.accepting(proposed(running), running.parts.model, "")
    [accepted] = [row for row in text.splitlines() if row.startswith("channel_seconds")]
    own = tmp_path / "taxonomy.toml"
    starter = STARTER.read_text(encoding="utf-8")
    own.write_text(starter.replace('id = "where_is_it"\n', f'id = "where_is_it"\n{accepted}\n', 1), encoding="utf-8")

    installation.settings = {"ledger": {"taxonomy": str(own)}}
    after = installation.open()

    assert accepted == "channel_seconds = { social = 130 }"
    assert "the median of 30 measured contacts is 130 s, the default 300 s" in text
    assert after.parts.model.estimate("where_is_it", "social").seconds == 130
    assert after.parts.model.estimate("where_is_it", "email").seconds == 360
    assert after.parts.model.config_version != running.parts.model.config_version
    assert "channel_seconds" in tomllib.loads(after.parts.model.toml)["reason"][-1]
    assert proposed(after) == ()
    for opened in (running, after):
        opened.parts.database.dispose()


def test_seconds_of_a_kind_of_channel_that_are_none_are_refused(tmp_path: Path) -> None:
    starter = STARTER.read_text(encoding="utf-8")
    for wrong in ("{ fax = 100 }", "{ social = 0 }", "{ social = 1.5 }"):
        file = tmp_path / "wrong.toml"
        file.write_text(
            starter.replace("minutes = 5\n", f"minutes = 5\nchannel_seconds = {wrong}\n", 1), encoding="utf-8"
        )

        with pytest.raises(ConfigError, match=r"reason\[1\]\.channel_seconds"):
            load_taxonomy(file)


def test_without_enough_measured_work_nothing_is_proposed(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    running = installation.open()
    running.parts.database.dispose()

    calibrating.run(running.parts.settings, as_json=False, now=installation.clock)

    assert capsys.readouterr().out.startswith("No default is proposed: no reason has 30 measured contacts")
