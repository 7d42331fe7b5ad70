"""People at work in Slack, on the real desk: mentions come in, cards are pressed, cases and cards follow."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from slack_bolt import BoltRequest
from sqlalchemy import select
from sqlmodel import col

from bot import app as product
from bot import promising
from bot.config import SlackSettings
from bot.domain import Actor
from bot.errors import SlackError, StorageError
from bot.readings import Readings
from bot.slack import actions, serving
from bot.slack import app as slack_app
from bot.views import CaseView
from storage import models
from storage.db import transaction
from tests.servers.slack import (
    Delivery,
    Fault,
    Planned,
    http_outlet,
)
from tests.servers.slack_blocks import live_parts, visible_text
from tests.slack.conftest import Switch
from tests.slack.office import Inline, Office, bolt_outlet, build
from tests.steps import LIMIT_S

REASON = "where_is_it"


def test_a_complaint_becomes_a_card_that_says_what_an_agent_needs(office: Office) -> None:
    office.receive(f"complaint/{REASON}: where is my parcel?", author="cat", url="https://x.example/1", followers=12400)

    card = office.shown()

    for words in ("Complaint · where is it", "caused by logistics", "cat", "12,400 followers", "where is my parcel?",
                  "due ", "90 % sure", "Nobody has this yet"):  # fmt: skip
        assert words in card
    assert office.buttons() == ["Claim", "Resolve", "Not for us", "Retag", "Promise…", "Open post"]
    assert office.slack.violations == []


def test_a_claim_shows_on_the_card_and_in_its_thread(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")

    office.press("UANN", "case_claim")

    assert office.case().owner == "slack:UANN"
    assert "✋ Ann Example has this" in office.shown()
    assert office.buttons()[:2] == ["Resolve", "Give back"]
    assert [note["text"] for note in office.slack.messages("C0CARE", thread_ts=office.ts())] == [
        "Ann Example claimed this."
    ]


def test_of_two_agents_who_press_claim_together_exactly_one_owns_the_case_and_the_other_is_told_who(
    office: Office,
) -> None:
    office.receive(f"complaint/{REASON}: late")
    ts = office.ts()
    shown = dict(office.slack.messages("C0CARE")[0])
    bolt = build(office.running)  # its listeners run in threads, as in production
    office.slack.send_to(bolt_outlet(bolt))

    with ThreadPoolExecutor(2) as both:
        presses = [
            both.submit(office.slack.press, user, "C0CARE", ts, "case_claim", shown=shown) for user in ("UANN", "UBEN")
        ]
        answers = [answer.status for press in presses for answer in press.result()]
    bolt.listener_runner.listener_executor.shutdown()

    owner = office.case().owner
    winner, loser = ("Ann", "UBEN") if owner == "slack:UANN" else ("Ben", "UANN")
    assert answers == [200, 200]
    assert [len(office.slack.ephemerals(user)) for user in ("UANN", "UBEN")].count(1) == 1
    assert f"{winner} Example" in office.slack.ephemerals(loser)[0]


def test_a_click_delivered_twice_does_nothing_twice(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")

    answers = office.press("UANN", "case_claim", times=3)

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert office.case().version == 2
    assert len(office.slack.messages("C0CARE", thread_ts=office.ts())) == 1


def test_a_case_is_resolved_and_can_no_longer_be_claimed(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    stale = dict(office.slack.messages("C0CARE")[0])
    office.press("UANN", "case_claim")

    office.press("UANN", "case_resolve")
    office.press("UBEN", "case_claim", shown=stale)

    assert office.case().state == "resolved"
    assert "✅ Resolved by Ann Example" in office.shown()
    assert office.buttons() == ["Retag"]
    assert len(office.slack.ephemerals("UBEN")) == 1


def test_a_case_that_is_not_for_us_is_asked_about_first_and_then_closed(office: Office) -> None:
    office.receive(f"complaint/{REASON}: buy cheap watches")
    button = next(
        b for b in office.slack.messages("C0CARE")[0]["blocks"][-1]["elements"] if b["action_id"] == "case_not_for_us"
    )

    office.press("UANN", "case_not_for_us")

    assert button["confirm"]["title"]["text"] == "Not for us?"
    assert office.case().state == "dismissed"
    assert "Not for us" in office.shown()


def test_a_case_is_given_back_to_its_queue(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    office.press("UANN", "case_claim")

    office.press("UANN", "case_release")

    assert (office.case().state, office.case().owner) == ("open", "")
    assert "Nobody has this yet" in office.shown()


def test_retag_opens_a_form_with_what_the_case_is_now_and_saves_what_it_should_be(office: Office) -> None:
    office.receive(f"complaint/{REASON}: you charged me twice, and well done otherwise")

    office.press("UANN", "case_retag")
    form = office.slack.open_modal("UANN")
    office.slack.submit("UANN", {"tags": ["complaint", "praise"], "reason": "billing_error"})
    office.deliver()

    inputs = {block["block_id"]: block["element"] for block in form["blocks"][1:]}
    assert [option["value"] for option in inputs["tags"]["initial_options"]] == ["complaint"]
    assert inputs["reason"]["initial_option"]["value"] == REASON
    assert "you charged me twice" in visible_text(form)
    assert office.case().reason == "billing_error"
    assert "Complaint · billing error" in office.shown()
    assert office.slack.workspace.modals == {}


def test_a_promise_is_made_in_a_form_shown_on_the_card_and_kept_by_a_button(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")

    office.press("UANN", "case_promise")
    office.slack.submit("UANN", {"day": "2026-11-18", "time": "16:30"})
    office.deliver()
    shown, buttons = office.shown(), office.buttons()
    office.press("UANN", "promise_keep")

    assert "promise due 18 Nov, 16:30 UTC (in 7 h), made by Ann Example" in shown
    assert buttons[-3:] == ["Promise kept", "Cancel promise", "Promise…"]
    assert "promise due" not in office.shown()
    thread = [message["text"] for message in office.slack.messages("C0CARE", thread_ts=office.ts())]
    assert thread[-2:] == [
        "Ann Example promised the customer an answer by 18 Nov, 16:30 UTC.",
        "Ann Example kept the promise.",
    ]


def test_a_promise_for_a_time_that_is_over_is_refused_in_the_form(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    office.press("UANN", "case_promise")

    [answer] = office.slack.submit("UANN", {"day": "2026-11-18", "time": "08:00"})

    assert answer.body["errors"] == {"time": "That time is over already; promise a later one."}


def test_a_customer_who_wanted_to_leave_can_be_kept_by_a_button(office: Office) -> None:
    office.receive("complaint/leave_cancel: I want to cancel")

    office.press("UANN", "case_customer_kept")

    assert office.case().state == "resolved"


def test_a_form_that_contradicts_itself_says_so_and_stays_open(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    office.press("UANN", "case_retag")

    answers = office.slack.submit("UANN", {"tags": ["praise"], "primary": "complaint"})

    assert answers[0].body["response_action"] == "errors"
    assert list(answers[0].body["errors"]) == ["primary"]
    assert office.slack.open_modal("UANN")["callback_id"] == "retag_form"
    assert office.case().version == 1


def test_a_form_submitted_twice_corrects_once(office: Office) -> None:
    office.receive(f"complaint/{REASON}: thank you all")
    office.press("UANN", "case_retag")

    office.slack.submit("UANN", {"tags": ["praise"], "primary": "praise", "reason": "praise"}, times=2)

    with transaction(office.running.parts.database) as session:
        sources = list(session.scalars(select(col(models.Tagging.source)).order_by(col(models.Tagging.n))))
    assert sources == ["model", "human"]


def test_a_form_that_opens_too_late_is_explained(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    office.slack.fail("views.open", Planned(Fault.REFUSED, code="expired_trigger_id"))

    office.press("UANN", "case_retag")

    assert office.slack.ephemerals("UANN") == [actions.TOO_LATE]


def test_a_press_on_a_link_is_acknowledged(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late", url="https://x.example/1")

    assert [answer.status for answer in office.press("UANN", "open_post")] == [200]


def test_a_failure_is_told_in_words_without_its_details(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.receive(f"complaint/{REASON}: late")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(office.running.desk), "claim", broken)
    answers = office.press("UANN", "case_claim")

    assert answers[0].status == 200
    assert office.slack.ephemerals("UANN") == [actions.FAILED]


def test_an_internal_remark_cannot_reach_a_customer_because_nobody_listens_to_threads(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    office.slack.subscribed |= {"message", "app_mention", "message.channels"}
    before = len(office.slack.calls)

    office.slack.post_as("UANN", "C0CARE", "this customer is a pain", thread_ts=office.ts())
    office.slack.post_as("UANN", "C0CARE", "<@U0EARMARK> reply: go away", thread_ts=office.ts())
    office.deliver()

    heard = {method for method, _ in office.slack.calls[before:]}
    assert heard <= {"auth.test"}
    assert office.case().version == 1


def test_a_reply_that_slack_did_not_sign_is_refused(office: Office) -> None:
    bolt = build(office.running, executor=Inline())
    body, headers = Delivery("interactive", {"type": "block_actions"}).signed("some other secret")

    assert bolt.dispatch(BoltRequest(body=body.decode(), headers=dict(headers))).status == 401


# -- Home --------------------------------------------------------------------------------------------------------


def test_home_shows_an_agent_his_cards_with_links(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    office.press("UANN", "case_claim")

    office.slack.open_home("UANN")
    office.slack.open_home("UBEN")

    ann, ben = office.slack.home("UANN"), office.slack.home("UBEN")
    link = f"https://example.slack.com/archives/C0CARE/p{office.ts().replace('.', '')}"
    assert "Your cases (1)" in visible_text(ann)
    assert link in str(ann)
    assert "You have no case" in visible_text(ben)
    assert "Your queues" not in visible_text(ann)


def test_home_shows_a_supervisor_the_queues_and_what_to_review(office: Office) -> None:
    office.receive(
        f"complaint/{REASON}: late", f"complaint/{REASON}: later", "request/how_to?it says two things: how do I"
    )
    office.press("UANN", "case_claim")

    office.installation.clock.forward(hours=2)
    office.slack.open_home("USUE")

    home = visible_text(office.slack.home("USUE"))
    assert "care" in home
    assert "3 open · 2 unclaimed · ⏰ 2 overdue" in home
    assert "it says two things" in home


def test_overdue_promises_are_the_first_thing_a_supervisor_sees(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    due_at = office.installation.clock() + timedelta(minutes=30)
    office.running.desk.promise(office.case().id, Actor("slack:UANN", "Ann Example"), due_at, action_id="p1")
    office.installation.clock.forward(hours=1)

    office.slack.open_home("USUE")
    office.slack.open_home("UANN")

    shown = visible_text(office.slack.home("USUE"))
    assert shown.startswith("Overdue promises (1)")
    assert "(overdue 30 min), made by Ann Example" in shown
    assert "Overdue promises" not in visible_text(office.slack.home("UANN"))


def test_a_promise_reminds_its_maker_and_once_broken_calls_the_supervisors(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    due_at = office.installation.clock() + timedelta(minutes=30)
    office.running.desk.promise(office.case().id, Actor("slack:UANN", "Ann Example"), due_at, action_id="p1")
    for _ in range(2):
        office.installation.clock.forward(minutes=16)
        promising.ring(office.running.parts)
    office.deliver()

    thread = [note["text"] for note in office.slack.messages("C0CARE", thread_ts=office.ts())]

    assert thread[-2].startswith("<@UANN> ☎ Promise due")
    assert thread[-1].startswith("<@USUE> ⏰ The promise made by Ann Example was due")


def test_an_event_delivered_again_is_handled_once(office: Office) -> None:
    office.slack.open_home("UANN", times=3)

    assert [method for method, _ in office.slack.calls].count("views.publish") == 1


def test_an_event_whose_handling_failed_is_handled_when_it_comes_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = ["the database is locked"]
    real = Readings.cases_of

    def busy_once(readings: Readings, actor: Actor) -> list[CaseView]:
        if left:
            raise StorageError(left.pop())
        return real(readings, actor)

    monkeypatch.setattr(Readings, "cases_of", busy_once)
    office.slack.open_home("UANN", times=3)

    assert [method for method, _ in office.slack.calls].count("views.publish") == 1


# -- how Slack reaches us ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_by_socket_mode_a_click_reaches_the_desk_also_after_slack_asked_for_a_new_connection(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    ts = office.ts()
    stop = serving.start(office.running.parts, office.running.desk)
    try:
        assert office.slack.sockets.connected.wait(LIMIT_S)
        office.slack.press("UANN", "C0CARE", ts, "case_claim")
        office.slack.sockets.refresh()
        assert office.slack.sockets.connected.wait(LIMIT_S)
        office.deliver()
        office.slack.press("UANN", "C0CARE", ts, "case_resolve")
    finally:
        stop()

    assert office.case().state == "resolved"
    assert office.slack.sockets.connection_count == 2
    assert office.slack.sockets.disconnected.wait(LIMIT_S)


def test_by_http_a_signed_click_reaches_the_desk_and_an_unsigned_one_does_not(office: Office) -> None:
    office.receive(f"complaint/{REASON}: late")
    connection = slack_app.HttpConnection(build(office.running), 0)
    connection.start()
    try:
        address = f"http://127.0.0.1:{connection.port}/slack/events"
        office.slack.send_to(http_outlet(address, "not the secret"))
        refused = office.slack.press("UANN", "C0CARE", office.ts(), "case_claim")
        office.slack.send_to(http_outlet(address))
        taken = office.slack.press("UBEN", "C0CARE", office.ts(), "case_claim")
    finally:
        connection.close()
        connection.close()

    assert (refused[0].status, taken[0].status) == (401, 200)
    assert office.case().owner == "slack:UBEN"


def test_a_wrong_app_token_is_said_in_a_sentence(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-wrong")

    with pytest.raises(SlackError, match=re.escape("(invalid_auth); check the app-level token")):
        serving.start(office.running.parts, office.running.desk)


def test_text_of_a_mention_is_shown_as_text_and_does_nothing_in_slack(office: Office) -> None:
    hostile = "complaint: <!channel> <@UANN> <https://evil.example|your bank> *bold* `x` https://evil.example @here"
    office.receive(hostile, author="<!here>", url="javascript:alert(1)")
    office.press("UANN", "case_claim")
    office.press("UANN", "case_retag")
    office.slack.open_home("UANN")

    card = office.slack.messages("C0CARE")[0]
    assert live_parts(card) == []
    assert live_parts(office.slack.open_modal("UANN")) == []
    assert [part for part in live_parts(office.slack.home("UANN")) if "example.slack.com" not in part] == []
    assert "<!channel> <@UANN> <https://evil.example|your bank> *bold*" in office.shown()
    assert "Open post" not in office.buttons()


def test_an_ambiguous_answer_in_the_middle_of_real_work_makes_no_second_card(office: Office) -> None:
    office.slack.fail("chat.postMessage", Fault.STORED_THEN_RESET)

    office.receive(f"complaint/{REASON}: late")
    office.deliver()

    assert len(office.slack.messages("C0CARE")) == 1
    assert office.case().card_ts == office.ts()


def test_the_products_client_never_retries_by_itself_and_gives_up_before_a_message_is_looked_for(
    office: Office, switch: Switch
) -> None:
    made = product.slack_of(office.running.parts.settings)

    assert made is not None
    assert (made.base_url, made.retry_handlers) == (switch.address, [])
    assert made.timeout < SlackSettings().quiesce_seconds
