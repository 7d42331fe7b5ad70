"""Promise, goodwill and merge on the page of a case."""

from __future__ import annotations

import pytest

from bot.domain import Actor, Author, CaseState, Quadrant
from bot.views import CaseView
from tests.web.house import ADA, House, Visitor

EVE = Actor("board:eve", "Eve", is_supervisor=True)
MAX = Author("max", "@max")


def _view(house: House, case_id: int) -> CaseView:
    view = house.board.view(case_id)
    assert view is not None
    return view


def test_a_promise_is_made_shown_and_kept_on_the_page(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    ada.press(case_id, "promise", due=["2026-03-02T16:30"])
    shown = ada.open(f"/case/{case_id}").text
    ada.press(case_id, "keep-promise")

    assert "Promise due 2 Mar 2026, 16:30 UTC , made by Ada" in shown
    assert "Promise due" not in ada.open(f"/case/{case_id}").text
    assert [event.kind for event in _view(house, case_id).events] == ["opened", "promised", "promise_kept"]


def test_a_promise_can_be_cancelled_on_the_page(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    ada.press(case_id, "promise", due=["2026-03-02T16:30"])

    ada.press(case_id, "cancel-promise")

    assert _view(house, case_id).promise is None


@pytest.mark.parametrize("due", ["", "tomorrow", "2026-03-02", "2026-03-02T09:00"])
def test_what_is_no_time_to_come_is_not_promised(house: House, ada: Visitor, due: str) -> None:
    case_id = house.hear("text")

    answer = ada.press(case_id, "promise", due=[due])

    assert answer.status_code == 409
    assert _view(house, case_id).promise is None


def test_goodwill_is_typed_in_the_currency_of_the_book(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    ada.press(case_id, "goodwill", amount=["12.5"], why=["it came late"])

    [booked] = [journal for journal in house.board.journals(case_id) if journal.kind == "goodwill"]
    assert booked.lines[0].amount == 1250
    assert "it came late" in ada.open(f"/case/{case_id}").text


@pytest.mark.parametrize("amount", ["", "12,50", "1,250.00", "-5", "£5", "1e3", "5.005", "0", "99999999999999"])
def test_an_amount_that_can_be_misread_is_not_booked(house: House, ada: Visitor, amount: str) -> None:
    case_id = house.hear("text")

    answer = ada.press(case_id, "goodwill", amount=[amount], why=["it came late"])

    assert answer.status_code == 409
    assert all(journal.kind != "goodwill" for journal in house.board.journals(case_id))


def test_a_supervisor_says_who_caused_a_case_and_the_page_says_so(house: House) -> None:
    case_id = house.hear("text")
    eve = house.visitor(EVE)

    eve.press(case_id, "override", quadrant=["simplify"], owner=["external"], why=["the strike"])

    assert (_view(house, case_id).department, _view(house, case_id).quadrant) == ("external", Quadrant.SIMPLIFY)
    page = eve.open(f"/case/{case_id}").text
    assert "a supervisor decided it for this case" in page
    assert "the strike" in page


def test_both_lists_left_as_they_are_let_the_rules_decide_again(house: House) -> None:
    case_id = house.hear("text")
    before = _view(house, case_id).department
    eve = house.visitor(EVE)
    eve.press(case_id, "override", quadrant=["asset"], owner=["external"], why=["the strike"])

    eve.press(case_id, "override", quadrant=[""], owner=[""], why=["it was ours"])

    assert _view(house, case_id).department == before
    assert "the default of the" in eve.open(f"/case/{case_id}").text


@pytest.mark.parametrize(
    ("who", "quadrant", "owner"), [(ADA, "asset", ""), (EVE, "nonsense", ""), (EVE, "", "marketing")]
)
def test_what_is_not_on_the_lists_or_not_a_supervisors_is_refused(
    house: House, who: Actor, quadrant: str, owner: str
) -> None:
    case_id = house.hear("text")

    visitor = house.visitor(who)
    form = visitor.form(case_id, "goodwill")  # that of the decision is shown to supervisors alone
    answer = visitor.send(case_id, "override", form | {"quadrant": [quadrant], "owner": [owner], "why": ["so"]})

    assert answer.status_code == 409
    assert [event.kind for event in _view(house, case_id).events] == ["opened"]


def test_a_supervisor_merges_a_duplicate_and_its_page_says_where_it_went(house: House) -> None:
    one = house.hear("complaint", author=MAX)
    eve = house.visitor(EVE)
    eve.press(one, "resolve")
    house.clock.advance(days=2)
    two = house.hear("the same", author=MAX)

    answer = eve.press(one, "merge", into=[f"#{two}"])

    assert answer.status_code == 303
    assert f"This case is part of case {two} now." in eve.open(f"/case/{one}").text
    assert f"/case/{one}/retag" not in eve.open(f"/case/{one}").forms
    assert _view(house, two).mention_count == 2


@pytest.mark.parametrize("into", ["", "x", "-1", "²", "9" * 30, "4711"])
def test_a_case_is_not_merged_into_what_is_no_case(house: House, into: str) -> None:
    case_id = house.hear("text")

    answer = house.visitor(EVE).press(case_id, "merge", into=[into])

    assert answer.status_code == 409
    assert _view(house, case_id).state is CaseState.OPEN


def test_an_agent_is_not_offered_to_merge(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    assert f"/case/{case_id}/merge" not in ada.open(f"/case/{case_id}").forms


def test_only_who_wants_to_leave_can_be_kept(house: House, ada: Visitor) -> None:
    leaving, other = house.hear("bye", reason="leave_cancel"), house.hear("late")

    ada.press(leaving, "customer-kept")

    assert _view(house, leaving).events[-1].detail == {"customer": "kept"}
    assert f"/case/{other}/customer-kept" not in ada.open(f"/case/{other}").forms
