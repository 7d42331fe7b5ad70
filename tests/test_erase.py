"""Erasing an author: nothing of the person is left outside the ledger, and the ledger does not move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import SQLModel, col

from bot import erase
from bot.app import App
from bot.domain import Actor
from bot.errors import InputError
from storage import ledger_reports, ledger_verify, models
from storage.db import reading, transaction
from storage.models_incidents import Reply
from tests.installation import START, Installation, assert_books_agree, line, work
from tests.looking import case, orders, posted, rows, take_in

EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
SENTINELS = ("maximiliane", "sentinel")
"""What is about the person holds one of these words."""


@pytest.fixture
def installation(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    return Installation(tmp_path, database_url, settings={"slack": {}})


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    running = installation.open()
    take_in(running, installation, *the_feed())
    yield running
    assert_books_agree(running)
    running.parts.database.dispose()


def the_feed() -> list[dict[str, object]]:
    return [
        line(
            "sentinel-1",
            "complaint/where_is_it: I am maximiliane, where is my parcel",
            author="maximiliane",
            author_name="Maximiliane Example",
            followers=77,
            url="https://x.example/sentinel-1",
            thread="sentinel-1",
        ),
        line(
            "sentinel-2",
            "complaint/billing_error: maximiliane again",
            author="maximiliane",
            in_reply_to="sentinel-1",
        ),
        line(3, "complaint/where_is_it: mine too", author="moritz", thread="sentinel-1", in_reply_to="sentinel-2"),
    ]


def books(running: App) -> tuple[str, object, object]:
    with reading(running.parts.database) as session:
        verdict = ledger_verify.verify(session)
        return verdict.head, ledger_reports.balances(session), [one.hash for one in rows(running, models.LedgerJournal)]


def everything(running: App) -> str:
    """Every value of every row of every table."""
    with reading(running.parts.database) as session:
        return "\n".join(
            repr(tuple(row))
            for table in SQLModel.metadata.sorted_tables
            if table.name != "channel"
            for row in session.execute(select(table))
        ).lower()


def test_i19_erasing_leaves_nothing_of_the_person_and_every_hash_and_balance(running: App) -> None:
    running.desk.goodwill(case(running).id, 500, "for Maximiliane", actor=EVE, action_id="e1")
    before = books(running)
    assert all(word in everything(running) for word in SENTINELS)

    erase.erase(running.parts, "replay:maximiliane")

    assert [word for word in SENTINELS if word in everything(running)] == []
    assert books(running) == before


def test_what_the_person_was_told_goes_too_and_what_waits_is_told_to_nobody(running: App) -> None:
    case_id = case(running).id
    told: dict[str, Any] = {"case_id": case_id, "channel": "feed", "text": "Dear Maximiliane", "actor": EVE.ref}
    told["created_at"] = START
    there = {"url": "https://x.example/sentinel-9", "external_id": "sentinel-9"}
    sent: dict[str, Any] = {"action_id": "a", "state": "sent", **there}
    with transaction(running.parts.database) as session:
        session.add_all([Reply(**told, **sent), Reply(**told, action_id="b")])

    erase.erase(running.parts, "replay:maximiliane")

    assert [word for word in SENTINELS if word in everything(running)] == []
    assert [row.state for row in rows(running, Reply)] == ["sent", "dropped"]


def test_what_others_wrote_stays(running: App) -> None:
    erase.erase(running.parts, "replay:maximiliane")

    assert "mine too" in everything(running)
    assert len(rows(running, models.Mention)) == 3


def test_cards_are_redrawn_without_the_person(running: App) -> None:
    placed = len(orders(running))

    erase.erase(running.parts, "replay:maximiliane")

    assert {case_id for _, _, case_id in orders(running)[placed:]} == {case(running).id}
    assert (case(running).author_handle, case(running).author_name, case(running).followers) == ("", "", None)


def test_a_dry_run_says_what_would_be_blanked_and_blanks_nothing(running: App) -> None:
    before = everything(running)

    found = erase.find(running.parts, "replay:@Maximiliane")

    assert "Would blank: author " in erase.told(found, is_done=False)
    assert "2 mentions, 1 cases shown without them, 1 posts of others" in erase.told(found, is_done=False)
    assert "maximiliane" not in erase.told(found, is_done=False).lower()
    assert everything(running) == before


def test_a_case_goes_on_after_its_author_was_erased(running: App) -> None:
    erase.erase(running.parts, "replay:maximiliane")

    running.desk.resolve(case(running).id, EVE, action_id="e1")

    assert posted(running)["Waste", "logistics", "SEC", "E"] == 300


@pytest.mark.parametrize(
    ("author", "message"),
    [
        ("maximiliane", "names no platform"),
        ("replay:", "names no platform"),
        ("replay:nobody", "nobody of that handle"),
        ("x:moritz", "nobody"),
    ],
)
def test_an_author_who_is_not_there_is_not_erased(running: App, author: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        erase.erase(running.parts, author)


def test_an_author_is_erased_once(running: App) -> None:
    erase.erase(running.parts, "replay:maximiliane")

    with pytest.raises(InputError, match="nobody of that handle"):
        erase.erase(running.parts, "replay:maximiliane")


def test_a_handle_that_two_authors_have_is_not_guessed(running: App) -> None:
    with transaction(running.parts.database) as session:
        for author in session.scalars(select(models.Author).where(col(models.Author.external_id).is_not(None))):
            author.handle = "same"

    with pytest.raises(InputError, match="2 authors on replay have that handle"):
        erase.find(running.parts, "replay:same")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    authors=st.lists(st.sampled_from(["ann", "bob", "cat"]), min_size=1, max_size=8),
    erased=st.sets(st.sampled_from(["ann", "bob", "cat"])),
)
def test_promise_11_whoever_is_erased_the_ledger_stays(
    authors: list[str], erased: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("erase")
    installation = Installation(folder, f"sqlite:///{folder / 'earmark.sqlite'}")
    running = installation.open()
    feed = [line(n, f"complaint/where_is_it: text {n}", author=who) for n, who in enumerate(authors)]
    installation.publish(feed)
    work(running)
    before = books(running)

    for who in erased & set(authors):
        erase.erase(running.parts, f"replay:{who}")

    assert books(running) == before
    assert_books_agree(running)
    running.parts.database.dispose()
