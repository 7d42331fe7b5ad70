"""Requests in Slack: passed on from a card, answered by their team, told back on the card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain import RequestState
from bot.slack import actions, requests
from bot.views import PassedRequest
from tests.installation import START, Clock
from tests.servers.slack import Fault, Planned, Slack
from tests.servers.slack_blocks import live_parts, message_problems, view_problems, visible_text
from tests.slack.office import Office, office_in, workspace

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

DARK = "request/feature_request: please add a dark mode"
TEAMS = [{"name": "mobile", "slack_channel": "C0MOBILE", "reasons": ["feature_request"]}, {"name": "web"}]


@pytest.fixture
def slack(office_clock: Clock) -> Slack:
    made = workspace(office_clock)
    made.add_user("UPAT", "pat", "Pat Example")
    made.add_channel("C0MOBILE", "mobile", members=("UPAT",))
    return made


@pytest.fixture
def office(
    slack: Slack, office_clock: Clock, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    with office_in(tmp_path, slack, office_clock, address, monkeypatch, {"product_teams": TEAMS}) as made:
        yield made


def pass_on(office: Office, *, number: int = 0, user: str = "UANN", **form: Any) -> None:
    """Press the button of a card, and fill in the form."""
    office.press(user, "case_pass_on", number=number)
    office.slack.submit(user, {"title": "Dark mode", **form})
    office.deliver()


def answer(office: Office, button: str, *, user: str = "UPAT", number: int = 0) -> None:
    """Press a button below a request in its team's channel."""
    ts = str(office.slack.messages("C0MOBILE")[number]["ts"])
    office.slack.press(user, "C0MOBILE", ts, button)
    office.deliver()


def team_sees(office: Office) -> list[str]:
    return [visible_text(message) for message in office.slack.messages("C0MOBILE")]


def thread(office: Office, number: int = 0) -> list[str]:
    return [str(note["text"]) for note in office.slack.messages("C0CARE", thread_ts=office.ts(number))]


def test_a_request_is_passed_on_from_its_card_and_its_team_sees_it(office: Office) -> None:
    office.receive(DARK)

    office.press("UANN", "case_pass_on")
    form = office.slack.open_modal("UANN")
    office.slack.submit("UANN", {"title": "Dark mode"})
    office.deliver()

    inputs = {block["block_id"]: block["element"] for block in form["blocks"][1:]}
    assert inputs["team"]["initial_option"]["value"] == "mobile"
    assert [option["text"]["text"] for option in inputs["joins"]["options"]] == ["A new request"]
    [shown] = team_sees(office)
    assert "Request 1: Dark mode" in shown
    assert "1 customer asked, first 18 Nov" in shown
    assert "💡 mobile was asked for Dark mode" in office.shown()
    assert thread(office) == ["Ann Example passed this on to mobile (request 1)."]
    assert office.slack.violations == []


def test_a_card_without_a_request_in_it_offers_no_passing_on(office: Office) -> None:
    office.receive("complaint/where_is_it: late", "complaint+request/billing_error: late, give it back")

    assert ["Pass on…" in office.buttons(number) for number in (0, 1)] == [False, True]


def test_the_next_one_joins_what_is_open_and_the_team_sees_how_many_ask(office: Office) -> None:
    office.receive(DARK, "request/feature_request: dark mode would be nice")
    pass_on(office)

    pass_on(office, number=1, user="UBEN", joins="1", title="")

    [shown] = team_sees(office)
    assert "2 customers asked" in shown


def test_a_new_request_without_words_is_refused_in_the_form(office: Office) -> None:
    office.receive(DARK)
    office.press("UANN", "case_pass_on")

    [refused] = office.slack.submit("UANN", {})

    assert refused.body["errors"] == {"title": "Say in a few words what they ask for."}
    assert team_sees(office) == []


def test_where_no_team_is_the_natural_one_the_agent_has_to_choose(office: Office) -> None:
    office.receive("request/identity_check: why do you ask for my passport")
    office.press("UANN", "case_pass_on")

    [refused] = office.slack.submit("UANN", {"title": "Fewer checks"})
    office.slack.submit("UANN", {"title": "Fewer checks", "team": "web"})

    assert refused.body["errors"] == {"title": "Choose the team that can do it."}
    assert [one.team for one in office.running.desk.requests()] == ["web"]


def test_the_team_answers_with_buttons_and_the_message_follows(office: Office) -> None:
    office.receive(DARK)
    pass_on(office)

    answer(office, "request_acknowledge")
    answer(office, "request_plan")

    [message] = office.slack.messages("C0MOBILE")
    assert "It is planned." in visible_text(message)
    assert [button["text"]["text"] for button in message["blocks"][-1]["elements"]] == ["Shipped", "Decline…"]


def test_when_it_ships_the_card_says_to_tell_the_customer_and_the_team_sees_who_was_told(office: Office) -> None:
    office.receive(DARK)
    pass_on(office)
    answer(office, "request_ship")
    reminded, to_tell = thread(office)[-1], office.shown()

    office.press("UANN", "customer_told")

    assert reminded == "Request 1 has shipped: please tell the customer, then press Customer told."
    assert "Dark mode: shipped; tell the customer" in to_tell
    assert "tell the customer" not in office.shown()
    assert thread(office)[-1] == "Ann Example told the customer how it ended."
    assert "Shipped. 1 of 1 customers told." in team_sees(office)[0]


def test_declining_asks_why_and_the_customer_is_told_it(office: Office) -> None:
    office.receive(DARK)
    pass_on(office)

    answer(office, "request_decline")
    office.slack.submit("UPAT", {"why": "Few would use it."})
    office.deliver()

    assert "Declined: Few would use it. 0 of 1 customers told." in team_sees(office)[0]
    assert "declined; tell the customer (Few would use it.)" in office.shown()
    assert thread(office)[-1].startswith("mobile declined request 1: please tell the customer")


def test_a_press_on_an_old_message_is_told_what_happened_meanwhile(office: Office) -> None:
    office.receive(DARK)
    pass_on(office)
    stale = dict(office.slack.messages("C0MOBILE")[0])
    answer(office, "request_ship")

    office.slack.press("UPAT", "C0MOBILE", str(stale["ts"]), "request_plan", shown=stale)

    assert office.slack.ephemerals("UPAT") == ["Request 1 is shipped already; open a new one instead."]


def test_a_lost_answer_of_slack_makes_no_second_message(office: Office) -> None:
    office.receive(DARK)
    office.slack.fail("chat.postMessage", *[Fault.STORED_THEN_RESET] * 2)
    office.press("UANN", "case_pass_on")
    office.slack.submit("UANN", {"title": "Dark mode"})
    office.deliver()
    office.deliver()

    assert len(team_sees(office)) == 1


def test_a_form_that_opens_too_late_is_explained(office: Office) -> None:
    office.receive(DARK)
    pass_on(office)
    office.slack.fail("views.open", Planned(Fault.REFUSED, code="expired_trigger_id"))

    answer(office, "request_decline")

    assert office.slack.ephemerals("UPAT") == [actions.TOO_LATE]


def test_what_agents_and_teams_type_does_nothing_in_slack(office: Office) -> None:
    hostile = "<!channel> <@UPAT> *bold* https://evil.example"
    office.receive(DARK, DARK.replace("please", "do"))
    pass_on(office, title=hostile)
    answer(office, "request_decline")
    office.slack.submit("UPAT", {"why": hostile})
    office.deliver()
    office.press("UANN", "case_pass_on", number=1)

    assert live_parts(office.slack.messages("C0MOBILE")[0]) == []
    assert live_parts(office.slack.messages("C0CARE")[0]) == []
    assert live_parts(office.slack.open_modal("UANN")) == []


def test_the_fullest_message_and_form_stay_within_slacks_limits() -> None:
    from tests.slack.test_cards import case

    full = PassedRequest(
        7, "t" * 300, "\N{SLIGHTLY SMILING FACE}" * 5_000, RequestState.DECLINED, "w" * 5_000, 9_999, 1, START,
        START, START, START, START, 9,
    )  # fmt: skip
    rendered = requests.card(full)
    form = requests.pass_form(case(), requests=[full] * 300, teams=["t" * 70] * 100, team="none of these")

    assert message_problems(rendered.blocks) == []
    assert view_problems(form) == []
