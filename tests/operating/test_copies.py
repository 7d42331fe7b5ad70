"""Copies are whole although others write meanwhile; who goes on from one posts nothing to Slack a second time."""

from __future__ import annotations

import re
import shutil
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from bot import erase, pipeline
from bot.app import App
from bot.domain import Actor
from bot.errors import EarmarkError, InputError
from bot.operating import copies
from storage import db, models, relocation
from tests.installation import Installation, assert_books_agree, line, work
from tests.looking import rows
from tests.servers.slack import BOT_TOKEN, Slack
from tests.servers.slack import running as served
from tests.servers.slack_blocks import visible_text

ANN = Actor("slack:UANN", "Ann")


def test_a_copy_made_while_others_write_is_one_consistent_moment_and_verifies(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    running = installation.open()
    installation.publish(line(number, f"complaint/where_is_it: {number}") for number in range(300))
    writing = threading.Thread(target=work, args=(running,))
    copy = installation.folder / "copy.sqlite"

    writing.start()
    copies.back_up(running.parts.settings, copy, now=installation.clock)
    writing.join()

    assert "Its ledger verifies" in capsys.readouterr().out
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in installation.folder.glob("copy*")] == ["copy.sqlite"]
    there = replace(installation, url=f"sqlite:///{copy}").open()
    work(there)
    assert len(rows(there, models.Mention)) == 300
    assert_books_agree(there)
    for app in (running, there):
        app.parts.database.dispose()


def test_an_older_copy_is_never_overwritten(installation: Installation) -> None:
    running, copy = installation.open(), installation.folder / "copy.sqlite"
    copy.write_text("precious")

    with pytest.raises(InputError, match="it exists already; name a file that does not"):
        copies.back_up(running.parts.settings, copy)

    assert copy.read_text() == "precious"
    running.parts.database.dispose()


def test_a_folder_that_is_not_there_is_said(installation: Installation) -> None:
    running = installation.open()

    with pytest.raises(InputError, match=r"it cannot be written \(No such file or directory\); check its folder"):
        copies.back_up(running.parts.settings, installation.folder / "none" / "copy.sqlite")
    running.parts.database.dispose()


def test_postgresql_is_backed_up_with_its_own_tool(tmp_path: Path, postgresql_url: str) -> None:
    running = Installation(tmp_path, postgresql_url).open()

    with pytest.raises(InputError, match="back it up with pg_dump"):
        copies.back_up(running.parts.settings, tmp_path / "copy.sqlite")
    running.parts.database.dispose()


# -- going on from a copy ----------------------------------------------------------------------------------------


@pytest.fixture
def slack(installation: Installation) -> Slack:
    made = Slack(clock=lambda: installation.clock().timestamp(), seconds_between_messages=0.0, has_tiers=False)
    made.add_channel("C0CARE", "care")
    return made


@pytest.fixture
def office(installation: Installation, slack: Slack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation that posts to Slack."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    with served(slack) as address:
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 0.0}
        installation.settings = {"slack": quick}
        yield installation


def shown(slack: Slack) -> list[tuple[str, str]]:
    """What the cards of the channel say, each with the number of its case."""
    cards = [message for message in slack.messages("C0CARE") if message.get("blocks")]
    told = [re.search(r"parcel \w+", visible_text(card)) for card in cards]
    return [
        (found.group() if found else "", card["blocks"][-1]["elements"][0]["value"])
        for found, card in zip(told, cards, strict=True)
    ]


def put_back(installation: Installation, copy: Path) -> App:
    """The machine died; the copy takes the place of its database, and work goes on."""
    file = Path(installation.url.removeprefix("sqlite:///"))
    for beside in file.parent.glob(f"{file.name}*"):
        beside.unlink()
    shutil.copyfile(copy, file)
    app = installation.open()
    with db.transaction(app.parts.database) as session:
        relocation.resume(session, now=installation.clock())
    return app


def test_who_goes_on_from_a_copy_finds_the_cards_that_are_in_slack_and_posts_none_twice(
    office: Installation, slack: Slack
) -> None:
    running = office.open()
    office.publish([line(1, "complaint/where_is_it: parcel one", author="a")])
    work(running)
    copy = office.folder / "copy.sqlite"
    office.publish([line(2, "complaint/where_is_it: parcel two", author="b")])
    pipeline.receive(running.parts, "feed")
    pipeline.tag(running.parts)
    copies.back_up(running.parts.settings, copy, now=office.clock)
    office.clock.forward(hours=1)
    office.publish([line(3, "complaint/where_is_it: parcel three", author="c", minutes=30)])
    work(running)
    lost = [case.id for case in rows(running, models.Case)][-1]
    running.desk.claim(lost, ANN, action_id="press")
    running.engine.drain()
    before = shown(slack)
    running.parts.database.dispose()

    office.clock.forward(hours=1)
    again = put_back(office, copy)
    work(again)
    office.publish([line(4, "complaint/where_is_it: parcel four", author="d", minutes=120)])
    work(again)

    assert [text for text, _ in before] == ["parcel one", "parcel two", "parcel three"]
    assert [text for text, _ in shown(slack)] == ["parcel one", "parcel two", "parcel three", "parcel four"]
    assert [number for _, number in shown(slack)] == [str(case.id) for case in rows(again, models.Case)]
    # The claim was made after the copy, so it is lost, and the card says so.
    assert "Ann" not in visible_text(slack.messages("C0CARE")[2])
    assert_books_agree(again)
    again.parts.database.dispose()


def test_cards_are_known_again_although_the_ids_of_the_database_come_out_otherwise(
    office: Installation, slack: Slack
) -> None:
    running = office.open()
    copy = office.folder / "copy.sqlite"
    work(running)
    copies.back_up(running.parts.settings, copy, now=office.clock)
    office.publish([line(1, "complaint/where_is_it: parcel one"), line(2, "complaint/where_is_it: parcel two")])
    work(running)
    running.parts.database.dispose()

    office.feed.write_text("")
    office.publish([line(2, "complaint/where_is_it: parcel two"), line(1, "complaint/where_is_it: parcel one")])
    again = put_back(office, copy)
    work(again)

    assert sorted(shown(slack)) == [("parcel one", "2"), ("parcel two", "1")]
    again.parts.database.dispose()


def test_a_card_that_slack_does_not_show_is_posted_after_looking(office: Installation, slack: Slack) -> None:
    running = office.open()
    office.publish([line(1, "complaint/where_is_it: parcel one")])
    pipeline.receive(running.parts, "feed")
    pipeline.tag(running.parts)
    copy = office.folder / "copy.sqlite"
    copies.back_up(running.parts.settings, copy, now=office.clock)
    running.parts.database.dispose()

    again = put_back(office, copy)
    work(again)

    assert shown(slack) == [("parcel one", "1")]
    assert slack.violations == []
    again.parts.database.dispose()


def test_an_erased_post_is_in_no_id_of_an_order(office: Installation) -> None:
    running = office.open()
    office.publish([line(1, "complaint/where_is_it: parcel one", author="a")])
    work(running)
    before = [row.delivery_id for row in rows(running, models.OutboxMessage)]

    erase.erase(running.parts, "replay:a")

    after = [row.delivery_id for row in rows(running, models.OutboxMessage)]
    assert before[0] != after[0] == uuid5(NAMESPACE_URL, "earmark:C0CARE:card:1:v1").hex
    running.parts.database.dispose()


def test_another_kind_of_copy_is_noted_by_hand(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    running = installation.open()
    with pytest.raises(EarmarkError, match="this database is new"):
        copies.restored(running.parts.settings, None)
    installation.publish([line(1, "praise: thanks")])
    work(running)

    copies.restored(running.parts.settings, None)

    assert "is a copy of 2026-11-18 09:00:00 UTC" in capsys.readouterr().out
    with db.transaction(running.parts.database) as session:
        assert relocation.last_resumed(session) is None
        assert relocation.resume(session, now=installation.clock() + timedelta(hours=1))
        assert not relocation.resume(session, now=installation.clock() + timedelta(hours=2))
        assert relocation.last_resumed(session) == (installation.clock(), installation.clock() + timedelta(hours=1))
    running.parts.database.dispose()
