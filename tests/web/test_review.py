"""The review list: doubtful cases, and mentions that were taken for nothing."""

from __future__ import annotations

from bot.domain import CaseState, Tag
from storage.db import reading
from storage.ledger_reports import tag_balance
from tests.web.house import House, Visitor


def test_a_doubtful_mention_without_a_case_waits_for_a_look(house: House, ada: Visitor) -> None:
    mention_id = house.hear("well, that was <b>something</b>", tags=(), review="only 52 % sure")

    page = ada.open("/review")

    assert "well, that was <b>something</b>" in page.text
    assert f"/mention/{mention_id}/tag" in page.forms
    assert house.board.review_count() == 1


def test_tagging_it_opens_a_case_and_books_the_tag(house: House, ada: Visitor) -> None:
    mention_id = house.hear("well, that was something", tags=(), review="only 52 % sure")
    fields = ada.open("/review").forms[f"/mention/{mention_id}/tag"]
    chosen = {**fields, "tags": ["complaint"], "primary": ["complaint"], "reason": ["where_is_it"]}

    answer = ada.post(f"/mention/{mention_id}/tag", chosen)

    view = house.board.view(mention_id)
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    assert view is not None
    assert (view.state, view.tag, view.queue) == (CaseState.OPEN, Tag.COMPLAINT, "deliveries")
    assert house.board.review_count() == 0
    with reading(house.database) as session:
        assert tag_balance(session) == {("complaint", "where_is_it", "posts"): 1}


def test_tagging_it_twice_tells_the_second_that_it_has_a_case(house: House, ada: Visitor) -> None:
    mention_id = house.hear("well, that was something", tags=(), review="only 52 % sure")
    fields = ada.open("/review").forms[f"/mention/{mention_id}/tag"]
    chosen = {**fields, "tags": ["request"], "primary": ["request"], "reason": ["how_to"]}
    ada.post(f"/mention/{mention_id}/tag", chosen)

    ada.post(f"/mention/{mention_id}/tag", chosen)

    assert "has a case already" in ada.open("/review").text
    with reading(house.database) as session:
        assert tag_balance(session) == {("request", "how_to", "posts"): 1}


def test_passing_over_takes_it_off_the_list_and_keeps_the_label(house: House, ada: Visitor) -> None:
    mention_id = house.hear("nice weather", tags=(), review="only 52 % sure")
    fields = ada.open("/review").forms[f"/mention/{mention_id}/pass-over"]

    ada.post(f"/mention/{mention_id}/pass-over", fields)

    assert house.board.review_count() == 0
    assert house.board.view(mention_id) is None


def test_no_tag_chosen_is_refused_in_words(house: House, ada: Visitor) -> None:
    mention_id = house.hear("well", tags=(), review="only 52 % sure")
    fields = ada.open("/review").forms[f"/mention/{mention_id}/tag"]

    ada.post(f"/mention/{mention_id}/tag", {**fields, "reason": ["how_to"]})

    assert "The main tag must be one of the tags" in ada.open("/review").text
    assert house.board.review_count() == 1
