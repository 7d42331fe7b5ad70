"""The tag audit on the board."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot import sampling
from bot.domain import Actor, Tag
from storage.db import reading
from storage.ledger_reports import tag_balance
from tests.web.house import House, Visitor

EVE = Actor("board:eve", "Eve", is_supervisor=True)
DAY = date(2026, 3, 2)


def drawn(
    house: House, *, tags: Sequence[Tag] = (Tag.COMPLAINT,), reason: str = "where_is_it", confidence: float = 0.9
) -> tuple[int, Visitor]:
    """One drawn mention, and a supervisor with a browser."""
    mention_id = house.hear("late <b>again</b>", tags=tags, reason=reason, confidence=confidence)
    sampling.draw(house.parts, DAY)
    return mention_id, house.visitor(EVE)


def test_the_page_shows_the_words_and_what_the_tagger_said_and_nothing_of_agents(house: House) -> None:
    mention_id, eve = drawn(house, confidence=0.61)
    house.board.claim(mention_id, Actor("board:bo", "Bo"), action_id="c")

    page = eve.open("/audit")

    assert "late <b>again</b>" in page.text
    assert "above all complaint" in page.text
    assert set(page.forms) == {f"/audit/{mention_id}/right", f"/audit/{mention_id}/correct"}
    assert not {"Bo", "61 %", "@writer1"} & set(page.text.split())


def test_one_press_says_right_and_a_second_of_the_same_page_changes_nothing(house: House) -> None:
    mention_id, eve = drawn(house)
    fields = eve.open("/audit").forms[f"/audit/{mention_id}/right"]

    answer = eve.post(f"/audit/{mention_id}/right", fields)
    eve.post(f"/audit/{mention_id}/right", fields)

    assert (answer.status_code, answer.headers["location"]) == (303, "/audit")
    page = eve.open("/audit")
    assert "That was done already." in page.text
    assert "Nothing waits to be judged" in page.text


def test_a_correction_starts_from_what_the_tagger_said_and_reaches_the_books(house: House) -> None:
    mention_id, eve = drawn(house)
    fields = eve.open("/audit").forms[f"/audit/{mention_id}/correct"]

    eve.post(f"/audit/{mention_id}/correct", {**fields, "reason": ["billing_error"]})

    assert (fields["tags"], fields["primary"], fields["reason"]) == (["complaint"], ["complaint"], ["where_is_it"])
    assert f"Case {mention_id} is corrected." in eve.open("/audit").text
    with reading(house.database) as session:
        assert tag_balance(session) == {("complaint", "billing_error", "posts"): 1}


def test_no_tag_ticked_is_nothing_and_a_main_tag_that_is_not_ticked_is_refused(house: House) -> None:
    mention_id, eve = drawn(house)
    fields = eve.open("/audit").forms[f"/audit/{mention_id}/correct"]

    eve.post(f"/audit/{mention_id}/correct", {**fields, "primary": ["praise"]})
    refused = eve.open("/audit").text
    eve.post(f"/audit/{mention_id}/correct", {**fields, "tags": []})

    assert "The main tag must be one of the tags" in refused
    assert "is closed as not for us" in eve.open("/audit").text
    with reading(house.database) as session:
        assert tag_balance(session) == {}


def test_who_is_no_supervisor_sees_none_and_judges_none(house: House, ada: Visitor) -> None:
    mention_id, eve = drawn(house, tags=(Tag.PRAISE,), reason="praise")
    stolen = {**eve.open("/audit").forms[f"/audit/{mention_id}/right"]}

    page = ada.open("/audit")
    fields = {"token": ada.open("/").forms.get("", {}).get("token", stolen["token"]), "nonce": stolen["nonce"]}
    answer = ada.post(f"/audit/{mention_id}/right", fields)

    assert "Supervisors judge these." in page.text
    assert answer.status_code == 403
    assert house.board.audit_count() == 1
