"""The buttons: each works once, and the slower of two people is told who was faster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from bot.domain import CaseState, Tag
from bot.views import CaseView
from tests.web.house import BO, Forms, House, Visitor


def _view(house: House, case_id: int) -> CaseView:
    view = house.board.view(case_id)
    assert view is not None
    return view


def test_claiming_makes_the_visitor_the_owner_and_says_so_on_the_next_page(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    answer = ada.press(case_id, "claim")
    page, reloaded = ada.open(answer.headers["location"]), ada.open(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, f"/case/{case_id}")
    assert (_view(house, case_id).state, _view(house, case_id).owner) == (CaseState.CLAIMED, "board:ada")
    assert "You have claimed this case." in page.text
    assert "You have claimed this case." not in reloaded.text


def test_of_two_visitors_who_claim_exactly_one_owns_the_case_and_the_other_is_told_who(
    house: House, ada: Visitor
) -> None:
    case_id = house.hear("text")
    bo = house.visitor(BO)
    forms = {visitor: visitor.form(case_id, "claim") for visitor in (ada, bo)}
    together = Barrier(2)

    def press(visitor: Visitor) -> tuple[int, str]:
        together.wait()
        answer = visitor.send(case_id, "claim", forms[visitor])
        return answer.status_code, answer.text

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(press, (ada, bo)))

    owner = _view(house, case_id).owner_name
    assert sorted(status for status, _ in answers) == [303, 409]
    assert owner in {"Ada", "Bo"}
    assert f"{owner} has claimed this case already." in next(text for status, text in answers if status == 409)


def test_the_loser_gets_the_page_of_the_case_as_it_is_now(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.form(case_id, "claim")
    house.visitor(BO).press(case_id, "claim")

    answer = ada.send(case_id, "claim", fields)

    assert answer.status_code == 409
    assert f"/case/{case_id}/release" in Forms(answer.text).forms


def test_a_form_sent_twice_does_nothing_the_second_time(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.form(case_id, "claim")

    answers = [ada.send(case_id, "claim", fields) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert [event.kind for event in _view(house, case_id).events].count("claimed") == 1


def test_an_old_form_does_not_undo_what_came_after_it(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.form(case_id, "claim")
    ada.send(case_id, "claim", fields)
    ada.press(case_id, "release")

    ada.send(case_id, "claim", fields)

    assert _view(house, case_id).state is CaseState.OPEN


def test_a_case_can_be_claimed_again_after_it_was_given_back(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    for action in ("claim", "release", "claim"):
        assert ada.press(case_id, action).status_code == 303

    assert _view(house, case_id).state is CaseState.CLAIMED


def test_resolving_posts_the_work_once(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    ada.press(case_id, "claim")
    fields = ada.form(case_id, "resolve")

    for _ in range(2):
        ada.send(case_id, "resolve", fields)

    assert _view(house, case_id).state is CaseState.RESOLVED
    assert [journal.kind for journal in house.board.journals(case_id)].count("cost") == 1
    assert "Work done: 5 min and £2.50 (estimated), charged to logistics as liability contacts." in (
        ada.open(f"/case/{case_id}").text
    )


def test_what_is_not_for_us_leaves_the_ledger_and_offers_no_more_buttons(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    ada.press(case_id, "not-for-us")

    totals = house.board.totals()
    assert _view(house, case_id).state is CaseState.DISMISSED
    assert (sum(totals.live_tags.values()), sum(totals.tag_balance.values()), totals.contacts) == (0, 0, 0)
    assert ada.open(f"/case/{case_id}").forms == {}


def test_retagging_corrects_tags_and_reason_and_the_ledger_follows(house: House, ada: Visitor) -> None:
    case_id = house.hear("text", tags=(Tag.COMPLAINT,), reason="where_is_it")

    answer = ada.press(case_id, "retag", tags=["complaint", "request"], primary=["request"], reason=["how_to"])

    view, totals = _view(house, case_id), house.board.totals()
    assert answer.status_code == 303
    assert (view.tag, view.reason) == (Tag.REQUEST, "how_to")
    assert totals.live_tags == totals.tag_balance == {Tag.COMPLAINT: 1, Tag.PRAISE: 0, Tag.REQUEST: 1}


def test_the_retag_form_starts_from_how_the_case_is_tagged(house: House, ada: Visitor) -> None:
    case_id = house.hear("text", tags=(Tag.REQUEST, Tag.PRAISE), reason="how_to")

    fields = ada.form(case_id, "retag")

    assert (fields["tags"], fields["primary"], fields["reason"]) == (["praise", "request"], ["request"], ["how_to"])


def test_a_main_tag_that_is_not_ticked_is_refused_in_words(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    for tags, primary in ((["praise"], ["complaint"]), ([], ["complaint"]), (["praise"], []), (["x"], ["x"])):
        answer = ada.press(case_id, "retag", tags=tags, primary=primary)
        assert answer.status_code == 409
        assert "The main tag must be one of the tags" in answer.text


def test_a_reason_that_is_not_in_the_taxonomy_is_refused_in_words(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")

    answer = ada.press(case_id, "retag", reason=["made_up"])

    assert answer.status_code == 409
    assert "That reason is not in the taxonomy" in answer.text


def test_a_button_on_the_board_answers_the_script_in_place(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.open("/").forms[f"/case/{case_id}/claim"]

    mine = ada.send(case_id, "claim", fields, Accept="application/json")
    late = house.visitor(BO)
    late.open("/")
    refused = late.send(case_id, "resolve", late.form(case_id, "resolve"), Accept="application/json")

    assert (mine.status_code, mine.json()) == (200, {"ok": True, "message": "You have claimed this case."})
    assert refused.status_code == 409
    assert refused.json() == {"ok": False, "message": "Ada has claimed this case; ask them or a supervisor."}


def test_a_button_that_does_not_exist_and_a_case_that_does_not_exist_are_not_found(house: House, ada: Visitor) -> None:
    case_id = house.hear("text")
    fields = ada.form(case_id, "claim")

    answers = [ada.send(case_id, "explode", fields), ada.send(case_id + 1, "claim", fields)]

    assert [answer.status_code for answer in answers] == [404, 404]
