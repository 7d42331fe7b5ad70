"""Requests on the board: passed on from a case, answered on their page, told back on the case."""

from __future__ import annotations

from bot.domain import RequestState, Tag
from tests.web.house import House, Visitor


def passed(house: House, visitor: Visitor, title: str = "dark <b>mode</b>") -> int:
    """A request, opened from the page of a case."""
    case_id = house.hear("please add a dark mode", tags=(Tag.REQUEST,), reason="feature_request")
    visitor.press(case_id, "pass-on", title=[title])
    return case_id


def answer(visitor: Visitor, state: str, **fields: list[str]) -> int:
    form = visitor.open("/requests").forms[f"/request/1/{state}"]
    status: int = visitor.post(f"/request/1/{state}", form | fields).status_code
    return status


def state_of(house: House) -> RequestState:
    [found] = house.board.requests()
    return found.state


def test_a_case_is_passed_on_to_the_department_of_its_reason(house: House, ada: Visitor) -> None:
    case_id = passed(house, ada)

    page, request = ada.open(f"/case/{case_id}").text, house.board.requests()[0]

    assert (request.team, request.title, request.customers) == ("product", "dark <b>mode</b>", 1)
    assert "product was asked for dark <b>mode</b> : not passed on yet." in page
    assert "dark <b>mode</b>" in ada.open("/requests").text


def test_the_team_answers_on_the_page_until_the_end(house: House, ada: Visitor) -> None:
    passed(house, ada)

    for state in ("passed", "acknowledged", "planned", "shipped"):
        assert answer(ada, state) == 303

    assert state_of(house) is RequestState.SHIPPED
    assert [form for form in ada.open("/requests").forms if form.startswith("/request/")] == []


def test_the_customer_is_told_on_the_page_of_the_case(house: House, ada: Visitor) -> None:
    case_id = passed(house, ada)
    answer(ada, "passed")
    answer(ada, "declined", why=["Few would use it."])
    before = ada.open(f"/case/{case_id}").text

    ada.press(case_id, "customer-told")

    assert "declined. Tell the customer: Few would use it." in before
    assert "Tell the customer" not in ada.open(f"/case/{case_id}").text
    assert "1 of 1 told" in ada.open("/requests").text


def test_another_case_joins_from_the_list(house: House, ada: Visitor) -> None:
    passed(house, ada)
    other = house.hear("dark mode please", tags=(Tag.REQUEST,), reason="feature_request")

    ada.press(other, "pass-on", joins=["1"])

    assert house.board.requests()[0].customers == 2


def test_a_new_request_without_words_is_refused_in_words(house: House, ada: Visitor) -> None:
    case_id = house.hear("please", tags=(Tag.REQUEST,), reason="feature_request")

    refused = ada.press(case_id, "pass-on", title=[""], joins=["x"])

    assert refused.status_code == 409
    assert "Say in a few words what they ask for." in refused.text
    assert house.board.requests() == []


def test_a_page_submitted_twice_answers_once(house: House, ada: Visitor) -> None:
    passed(house, ada)
    form = ada.open("/requests").forms["/request/1/passed"]

    ada.post("/request/1/passed", form)
    ada.post("/request/1/passed", form)

    assert "That was done already." in ada.open("/requests").text
    assert state_of(house) is RequestState.PASSED


def test_an_answer_that_there_is_not_is_no_page(house: House, ada: Visitor) -> None:
    passed(house, ada)
    form = ada.open("/requests").forms["/request/1/passed"]

    assert ada.post("/request/1/new", form).status_code == 404
    assert ada.post("/request/9/passed", form).status_code == 303
    assert "There is no request 9." in ada.open("/requests").text
