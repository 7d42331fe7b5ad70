"""Incidents on the board: seen by all, worked by supervisors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import incidents
from bot.domain import Actor
from tests.web.house import House, Visitor

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

EVE = Actor("board:eve", "Eve", is_supervisor=True)


@pytest.fixture
def incident(house: House) -> str:
    """Ten customers write of one fault within the hour; the book is five weeks old."""
    now = house.clock()
    for weeks in (5, 4):
        house.clock.at = now - timedelta(weeks=weeks)
        house.hear(f"the card reader does not work, {weeks}", reason="outage_fault")
    house.clock.at = now
    for number in range(10):
        house.hear(f"the card reader does not work {number}", reason="outage_fault")
    incidents.watch(house.parts)
    [found] = house.board.incidents(5)
    return found.id


@pytest.fixture
def eve(house: House) -> Visitor:
    return house.visitor(EVE)


def test_it_is_listed_and_shown_with_its_hours_and_cases(house: House, incident: str, ada: Visitor) -> None:
    listed, shown = ada.open("/incidents"), ada.open(f"/incident/{incident}")

    assert "Outage fault" in listed.text
    assert "10.0 times the usual" in listed.text
    assert "10 mentions in 10 cases: 10 waiting, 0 claimed, 0 closed." in shown.text
    assert "tenfold" in shown.text
    assert shown.forms == {}


def test_a_supervisor_answers_and_the_case_says_that_the_answer_is_ready(
    house: House, incident: str, eve: Visitor
) -> None:
    case_id = house.board.cases_of_incident(incident)[0]
    house.board.claim(case_id, EVE, action_id="c")
    fields = eve.open(f"/incident/{incident}").forms[f"/incident/{incident}/answer"]

    told = eve.post(f"/incident/{incident}/answer", fields | {"words": ["It works again."]})
    again = eve.post(f"/incident/{incident}/answer", fields | {"words": ["It works again."]})
    shown, of_case = eve.open(f"/incident/{incident}").text, eve.open(f"/case/{case_id}")

    assert (told.status_code, again.status_code) == (303, 303)
    assert "That was done already." in shown
    assert "Bulk answer ready: It works again." in shown
    assert "Part of Outage fault , 10 mentions, bulk answer ready." in of_case.text
    assert f"/case/{case_id}/send-answer" in of_case.forms
    report = house.board.incident(incident)
    assert report is not None
    assert report.replies == {"waiting": 9}


def test_a_supervisor_renames_resolves_and_closes(house: House, incident: str, eve: Visitor) -> None:
    for action, words in (("rename", "Card <b>reader</b>"), ("resolve", "On the status page."), ("close", "")):
        fields = eve.open(f"/incident/{incident}").forms[f"/incident/{incident}/{action}"]
        eve.post(f"/incident/{incident}/{action}", fields | {"words": [words]})

    page = eve.client.get(f"/incident/{incident}").text
    assert "Card &lt;b&gt;reader&lt;/b&gt;" in page
    assert "<b>reader</b>" not in page
    view = house.board.incident(incident)
    assert view is not None
    assert (view.state, view.replies) == ("closed", {"waiting": 10})


def test_an_agent_who_posts_the_form_is_refused(house: House, incident: str, ada: Visitor) -> None:
    case_id = house.board.cases_of_incident(incident)[0]
    fields = ada.form(case_id, "claim")

    answer = ada.post(f"/incident/{incident}/close", fields)

    assert answer.status_code == 303
    assert "Only a supervisor works on incidents" in ada.open(f"/incident/{incident}").text
    assert house.board.incidents(5)[0].state == "open"


def test_what_is_not_there_is_said(ada: Visitor, incident: str) -> None:
    assert ada.client.get("/incident/nothing").status_code == 404
    fields = ada.form(1, "claim")
    assert ada.post(f"/incident/{incident}/explode", fields).status_code == 404
