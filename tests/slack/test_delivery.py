"""Delivery: each message once, in order, whatever Slack, the network or the process does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient

from bot.config import SlackSettings
from bot.slack.delivery import MESSAGES_A_TURN
from storage import outbox
from storage.db import reading, transaction
from tests.servers.slack import BOT_TOKEN, Fault, Planned, Slack
from tests.servers.slack_blocks import visible_text
from tests.slack.bench import Bench, new_database
from tests.slack.conftest import START, Clock, Switch


def test_a_card_is_posted_with_our_metadata_and_the_case_knows_where(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)

    bench.drain()

    message = bench.slack.messages("CCARE")[0]
    row, case = bench.rows()[0], bench.case(1)
    assert (row.state, row.attempts, row.slack_ts, row.sent_at) == ("sent", 1, message["ts"], START)
    assert (case.card_channel, case.card_ts, case.version) == ("CCARE", message["ts"], 1)
    assert message["metadata"] == {"event_type": "earmark_card", "event_payload": {"delivery_id": row.delivery_id}}
    assert "where is my parcel" in visible_text(message)
    assert bench.slack.violations == []


def test_the_same_order_placed_twice_is_one_message(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.order("card", 1)

    bench.drain()

    assert bench.cards() == ["1"]


def test_a_state_of_sending_is_committed_before_slack_is_called(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    seen: list[Any] = []
    bench.slack.on_call = lambda method, _args: seen.append((method, bench.rows()[0].state, bench.rows()[0].attempts))

    bench.drain()

    assert seen == [("chat.postMessage", "sending", 1)]


def test_messages_keep_their_order_and_come_one_a_second(bench: Bench) -> None:
    for number in range(1, 6):
        bench.add_case(number)
        bench.order("card", number)

    assert bench.turn() == START + timedelta(seconds=1)
    bench.drain()

    assert bench.cards() == ["1", "2", "3", "4", "5"]
    assert bench.clock() == START + timedelta(seconds=4)
    assert {method for method, _ in bench.slack.calls} == {"chat.postMessage"}
    assert bench.counts() == {("CCARE", "sent"): 5}


def test_the_pace_of_a_channel_survives_a_restart(bench: Bench) -> None:
    for number in (1, 2):
        bench.add_case(number)
        bench.order("card", number)
    bench.turn()
    bench.engine.dispose()

    assert bench.turn() == START + timedelta(seconds=1)
    assert bench.cards() == ["1"]


def test_a_turn_ends_so_that_others_get_theirs(bench: Bench) -> None:
    bench.settings = SlackSettings(seconds_between_messages=0)
    bench.slack.limits.seconds_between_messages = 0
    for number in range(MESSAGES_A_TURN + 2):
        bench.add_case(number + 1)
        bench.order("card", number + 1)

    assert bench.turn() == START
    assert len(bench.cards()) == MESSAGES_A_TURN
    assert bench.turn() is None


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.STORED_THEN_500, Planned(
    Fault.STORED_THEN_REFUSED, code="fatal_error")])  # fmt: skip
@pytest.mark.parametrize("pages_from", ["latest", "oldest"])
def test_an_ambiguous_answer_is_resolved_by_looking_for_our_metadata_not_by_posting_again(
    bench: Bench, fault: Any, pages_from: str
) -> None:
    bench.slack.api.pages_from = pages_from
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", fault)

    assert bench.turn() == START + timedelta(seconds=15)
    assert bench.states() == ["sending"]
    bench.drain()

    assert bench.cards() == ["1"]
    assert bench.rows()[0].slack_ts == bench.slack.messages("CCARE")[0]["ts"] == bench.case(1).card_ts
    assert [method for method, _ in bench.slack.calls] == ["chat.postMessage", "conversations.history"]


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.ERROR_500, Planned(Fault.REFUSED, code="internal_error")])
def test_a_message_that_did_not_arrive_is_posted_again_after_looking(bench: Bench, fault: Any) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", fault)

    bench.drain()

    assert bench.cards() == ["1"]
    assert [method for method, _ in bench.slack.calls] == [
        "chat.postMessage", "conversations.history", "chat.postMessage",
    ]  # fmt: skip
    assert bench.rows()[0].attempts == 2


def test_our_message_is_found_among_hundreds_of_others(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", Fault.STORED_THEN_RESET)
    for number in range(300):
        bench.slack.post_as("UANN", "CCARE", f"before {number}")
    bench.turn()
    for number in range(300):
        bench.slack.post_as("UANN", "CCARE", f"after {number}")

    bench.drain()

    assert bench.states() == ["sent"]
    assert sum(message.get("bot_id") is not None for message in bench.slack.messages("CCARE")) == 1


@pytest.mark.parametrize("hours_off", [-20, 20, -300])
def test_our_message_is_found_also_where_our_clock_is_wrong(bench: Bench, hours_off: int) -> None:
    for number in (1, 2):
        bench.add_case(number)
        bench.order("card", number)
    bench.slack.workspace.clock = lambda: bench.clock.seconds() + 3600 * hours_off
    bench.drain() if hours_off == -300 else None  # with a card before it, no clock of ours is needed at all
    bench.add_case(3)
    bench.order("card", 3)
    bench.slack.fail("chat.postMessage", Fault.STORED_THEN_RESET)

    bench.drain()

    assert bench.cards() == ["1", "2", "3"]


@pytest.mark.parametrize("pages_from", ["latest", "oldest"])
def test_a_restricted_app_searches_page_by_page_a_minute_apart(bench: Bench, pages_from: str) -> None:
    bench.slack.limits.is_restricted = True
    bench.slack.api.pages_from = pages_from
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", Fault.STORED_THEN_RESET)
    for number in range(20):
        bench.slack.post_as("UANN", "CCARE", f"before {number}")
    bench.turn()
    for number in range(20):
        bench.slack.post_as("UANN", "CCARE", f"after {number}")

    bench.drain()

    assert bench.states() == ["sent"]
    assert sum(message.get("bot_id") is not None for message in bench.slack.messages("CCARE")) == 1


def test_the_wait_slack_asks_for_is_kept(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", Planned(Fault.RATE_LIMITED, retry_after_s=30))

    assert bench.turn() == START + timedelta(seconds=30)
    assert (bench.rows()[0].state, bench.rows()[0].error) == ("pending", "ratelimited")
    bench.drain()

    assert bench.cards() == ["1"]
    assert bench.clock() == START + timedelta(seconds=30)


def test_a_wait_slack_asks_for_is_asked_about_again_every_quarter_of_an_hour(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", Planned(Fault.RATE_LIMITED, retry_after_s=86_400))

    assert bench.turn() == START + timedelta(minutes=15)


@pytest.mark.parametrize("trouble", [None, Planned(Fault.RATE_LIMITED, retry_after_s=30), Fault.STORED_THEN_RESET])
def test_a_clock_that_is_set_back_holds_no_channel_up_and_posts_nothing_twice(bench: Bench, trouble: Any) -> None:
    for number in (1, 2):
        bench.add_case(number)
        bench.order("card", number)
    bench.slack.fail("chat.postMessage", trouble)
    bench.turn()
    # Slack's own clock was right all the time.
    bench.slack.workspace.clock = bench.slack.limits.clock = lambda: bench.clock.seconds() + 7200
    bench.clock.advance(-7200)
    set_back_to = bench.clock()

    bench.drain()

    assert bench.cards() == ["1", "2"]
    assert bench.clock() - set_back_to < timedelta(minutes=1)


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long", "channel_not_found", "not_in_channel"])
def test_a_message_slack_will_never_take_is_counted_and_the_others_go_on(bench: Bench, code: str) -> None:
    for number in (1, 2):
        bench.add_case(number)
        bench.order("card", number)
    bench.slack.fail("chat.postMessage", Planned(Fault.REFUSED, code=code))

    bench.drain()

    assert bench.states() == ["dead", "sent"]
    assert bench.counts() == {("CCARE", "dead"): 1, ("CCARE", "sent"): 1}
    with reading(bench.engine) as session:
        assert [(message.case_id, message.error) for message in outbox.dead(session)] == [(1, code)]


def test_a_failing_channel_delays_itself_only(bench: Bench) -> None:
    bench.slack.add_channel("COTHER")
    for number, channel in ((1, "CCARE"), (2, "COTHER")):
        bench.add_case(number)
        bench.order("card", number, channel=channel)
    bench.slack.fail("chat.postMessage", Fault.ERROR_500)
    bench.turn("CCARE")

    assert bench.turn("COTHER") is None

    assert bench.cards("COTHER") == ["2"]
    assert bench.states() == ["sending", "sent"]
    with reading(bench.engine) as session:
        assert outbox.channels_with_work(session) == ["CCARE"]


def test_a_revoked_token_loses_nothing(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    good, bench.client = bench.client, WebClient(token="xoxb-old", base_url=bench.client.base_url, retry_handlers=[])

    assert bench.turn() == START + timedelta(seconds=60)
    assert (bench.rows()[0].state, bench.rows()[0].error) == ("pending", "invalid_auth")
    bench.client = good
    bench.drain()

    assert bench.cards() == ["1"]


def test_dead_cards_are_tried_again_once_the_bot_is_let_in(bench: Bench) -> None:
    bench.slack.workspace.channels["CCARE"].bot_is_member = False
    bench.add_case(1)
    bench.order("card", 1)
    bench.order("card_edit", 1)
    bench.drain()
    assert bench.states() == ["dead", "sent"]

    bench.slack.workspace.channels["CCARE"].bot_is_member = True
    with transaction(bench.engine) as session:
        assert outbox.revive(session, "CCARE") == 1
    bench.drain()

    assert bench.cards() == ["1"]


def test_a_message_that_slack_never_answers_is_given_up_and_the_others_go_on(bench: Bench) -> None:
    for number in (1, 2):
        bench.add_case(number)
        bench.order("card", number)
    bench.slack.fail("chat.postMessage", *[Fault.ERROR_500] * 7)

    bench.drain()

    assert bench.states() == ["dead", "sent"]
    assert bench.rows()[0].error.startswith("Slack answered none of")
    assert bench.cards() == ["2"]


def test_an_outage_gives_nothing_up(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.slack.fail("chat.postMessage", Fault.ERROR_500)
    bench.slack.fail("conversations.history", *[Fault.ERROR_500] * 20)

    bench.drain()

    assert bench.clock() > START + timedelta(minutes=5)
    assert bench.cards() == ["1"]


# -- two at once, kills, and every fault in any order ------------------------------------------------------------


def test_two_deliverers_of_one_channel_post_one_card(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    other: list[Any] = []
    bench.slack.on_call = lambda _method, _args: other.append(bench.turn()) if not other else None

    bench.drain()

    assert other == [START + timedelta(seconds=15)]
    assert bench.cards() == ["1"]


def test_a_deliverer_that_slept_through_its_turn_changes_nothing(bench: Bench) -> None:
    """The first answer comes after another deliverer has found the message and closed it."""
    bench.add_case(1)
    bench.order("card", 1)
    done: list[str] = []

    def meanwhile(method: str, _args: Any) -> None:
        if method == "chat.postMessage" and not done:
            done.append(method)
            bench.clock.advance(60)
            bench.drain()

    bench.slack.on_call = meanwhile

    bench.drain()

    assert bench.cards() == ["1"]
    assert bench.rows()[0].slack_ts == bench.slack.messages("CCARE")[0]["ts"]
    assert bench.rows()[0].attempts == 1


class Killed(BaseException):
    """The process ends here: nothing after this line runs."""


class MortalClient(WebClient):
    """A client whose process dies before or after a call, as planned."""

    plan: list[str]

    def api_call(self, *args: Any, **kwargs: Any) -> Any:
        step = self.plan.pop(0) if self.plan else "fine"
        if step == "killed_before":
            raise Killed
        answer = super().api_call(*args, **kwargs)
        if step == "killed_after":
            raise Killed
        return answer


STEPS = ["fine", "killed_before", "killed_after", *[fault.value for fault in Fault if fault is not Fault.LATE]]
METHODS = ("chat.postMessage", "chat.update", "conversations.history", "conversations.replies")


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(plan=st.lists(st.sampled_from(STEPS), max_size=10), pages_from=st.sampled_from(["latest", "oldest"]))
def test_no_card_twice_none_lost_and_order_kept_whatever_fails_and_whenever_it_is_killed(
    plan: list[str], pages_from: str, tmp_path_factory: pytest.TempPathFactory, switch: Switch
) -> None:
    clock = Clock()
    slack = Slack(clock=clock.seconds, pages_from=pages_from)
    slack.add_channel("CCARE")
    switch.app = slack.app
    client = MortalClient(token=BOT_TOKEN, base_url=switch.address, timeout=5, retry_handlers=[])
    client.plan = [step if step.startswith("killed") else "fine" for step in plan]
    for step in plan:
        planned = None if step == "fine" or step.startswith("killed") else Planned(Fault(step), code="internal_error")
        slack.fail_next(planned) if step != "killed_before" else None
    engine = new_database(tmp_path_factory.mktemp("run"))
    bench = Bench(engine, slack, client, clock)
    for number in (1, 2, 3):
        bench.add_case(number)
        bench.order("card", number)
    bench.order("note", 1, event="claimed", actor="Ann")
    bench.change_case(2, state="claimed", owner="slack:UANN", owner_name="Ann")
    bench.order("card_edit", 2)

    for _ in range(len(plan) + 1):
        try:
            bench.drain()
            break
        except Killed:
            clock.advance(1)
    rows = bench.rows()
    engine.dispose()

    assert {row.state for row in rows} == {"sent"}
    posted = slack.messages("CCARE")
    assert bench.cards() == ["1", "2", "3"]
    assert [row.slack_ts for row in rows[:3]] == [message["ts"] for message in posted]
    assert [bench_note["text"] for bench_note in slack.messages("CCARE", thread_ts=posted[0]["ts"])] == [
        "Ann claimed this."
    ]
    assert "✋ Ann has this" in visible_text(posted[1])
