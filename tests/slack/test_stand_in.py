"""The stand-in is held to what Slack documents, so that it is not bent to our client."""

from __future__ import annotations

import http.client
import urllib.error
from threading import Event
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.servers.slack import APP_TOKEN, Fault, Planned, Slack, running
from tests.servers.slack_blocks import message_problems, view_problems
from tests.slack.asking import button, code_of, modal, plain
from tests.slack.conftest import Clock
from tests.steps import LIMIT_S

METADATA = {"event_type": "a_card", "event_payload": {"id": "1"}}


def test_a_wrong_token_is_refused_by_slacks_own_words(client: WebClient, address: str) -> None:
    assert client.auth_test()["bot_id"] == "B0EARMARK"
    assert code_of(WebClient(token="xoxb-other", base_url=address).auth_test) == "invalid_auth"
    assert code_of(WebClient(base_url=address).auth_test) == "not_authed"
    assert code_of(WebClient(token=APP_TOKEN, base_url=address).auth_test) == "not_allowed_token_type"


def test_a_channel_takes_one_message_a_second_and_says_when_to_come_back(
    client: WebClient, slack: Slack, clock: Clock
) -> None:
    slack.add_channel("COTHER")
    client.chat_postMessage(channel="CCARE", text="one")

    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="CCARE", text="two")
    client.chat_postMessage(channel="COTHER", text="another channel is not held up")
    clock.advance(1)
    client.chat_postMessage(channel="CCARE", text="two")

    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert [message["text"] for message in slack.messages("CCARE")] == ["one", "two"]


@pytest.mark.parametrize(
    ("arrange", "code"),
    [
        ({"channel": "CNONE"}, "channel_not_found"),
        ({"channel": "CNOTIN"}, "not_in_channel"),
        ({"channel": "CPRIVATE"}, "channel_not_found"),  # Slack does not tell a stranger that it exists
        ({"channel": "COLD"}, "is_archived"),
        ({"text": ""}, "no_text"),
        ({"thread_ts": "1.000001"}, "thread_not_found"),
        ({"blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "section", "text": plain("é" * 2900)}] * 5}, "msg_blocks_too_long"),
        ({"metadata": {"event_type": "a b", "event_payload": {}}}, "invalid_metadata_schema"),
        ({"metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"metadata": {"event_type": "a", "event_payload": {"x": "y" * 9000}}}, "metadata_too_large"),
    ],
)
def test_a_post_slack_would_refuse_is_refused(client: WebClient, slack: Slack, arrange: Any, code: str) -> None:
    slack.add_channel("CNOTIN", joined=False)
    slack.add_channel("CPRIVATE", is_private=True, joined=False)
    slack.add_channel("COLD").is_archived = True

    asked = {"channel": "CCARE", "text": "hello", **arrange}
    assert code_of(client.api_call, api_method="chat.postMessage", json=asked) == code
    assert slack.messages("CCARE") == []


@pytest.mark.parametrize(
    ("block", "is_fine"),
    [
        ({"type": "header", "text": plain("h" * 150)}, True),
        ({"type": "header", "text": plain("h" * 151)}, False),
        ({"type": "section", "text": plain("s" * 3000)}, True),
        ({"type": "section", "text": plain("s" * 3001)}, False),
        ({"type": "section", "text": plain("")}, False),
        ({"type": "section"}, False),
        ({"type": "section", "fields": [plain("f")] * 11}, False),
        ({"type": "context", "elements": [plain("c")] * 10}, True),
        ({"type": "context", "elements": [plain("c")] * 11}, False),
        ({"type": "actions", "elements": [button(f"a{n}") for n in range(25)]}, True),
        ({"type": "actions", "elements": [button(f"a{n}") for n in range(26)]}, False),
        ({"type": "actions", "elements": [button(), button()]}, False),  # the same action_id twice
        ({"type": "actions", "elements": [button(value="v" * 2000)]}, True),
        ({"type": "actions", "elements": [button(value="v" * 2001)]}, False),
        ({"type": "actions", "elements": [{**button(), "text": plain("t" * 76)}]}, False),
        ({"type": "actions", "elements": [{**button(), "text": {"type": "mrkdwn", "text": "t"}}]}, False),
        ({"type": "actions", "elements": [button("a" * 256)]}, False),
        ({"type": "actions", "elements": [button(style="loud")]}, False),
        ({"type": "actions", "elements": [button(confirm={"title": plain("t" * 101)})]}, False),
        ({"type": "actions", "elements": [{"type": "overflow", "action_id": "o", "options": [
            {"text": plain("o"), "value": str(n)} for n in range(6)]}]}, False),
        ({"type": "actions", "elements": [{"type": "static_select", "action_id": "o", "options": [
            {"text": plain("o"), "value": "v" * 151}]}]}, False),
        ({"type": "actions", "elements": [{"type": "static_select", "action_id": "o", "options": [
            {"text": plain("o"), "value": "v"}], "initial_option": {"text": plain("x"), "value": "x"}}]}, False),
        ({"type": "divider", "block_id": "b" * 256}, False),
        ({"type": "markdown", "text": "m" * 12_001}, False),
        ({"type": "image", "image_url": "https://example.com/a.png"}, False),  # no alt_text
        ({"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [
            {"type": "text", "text": "<!channel>"}]}]}, True),
        ({"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [
            {"type": "text", "text": ""}]}]}, False),
        ({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "date", "timestamp": 1, "format": "{nonsense}"}]}]}, False),
    ],
)  # fmt: skip
def test_a_block_stands_within_its_documented_limits(block: dict[str, Any], is_fine: bool) -> None:
    assert (message_problems([block]) == []) is is_fine


def test_a_message_has_50_blocks_at_most_and_no_block_id_twice() -> None:
    divider = {"type": "divider"}

    assert message_problems([divider] * 50) == []
    assert message_problems([divider] * 51)
    assert message_problems([{**divider, "block_id": "x"}, {**divider, "block_id": "x"}])
    assert message_problems([{"type": "alert", "text": plain("only in modals")}])


@pytest.mark.parametrize(
    "view",
    [
        modal(title=plain("t" * 25)),
        modal(private_metadata="p" * 3001),
        modal(callback_id="c" * 256),
        modal(blocks=[{"type": "divider"}] * 101),
        modal(blocks=[{"type": "input", "label": plain("l"), "element": {"type": "plain_text_input"}}]),  # no submit
        {"type": "page", "blocks": []},
    ],
)
def test_a_view_slack_would_refuse_has_problems(view: dict[str, Any]) -> None:
    assert view_problems(modal()) == []
    assert view_problems(view)


def test_blocks_without_text_are_accepted_and_noted(client: WebClient, slack: Slack) -> None:
    client.api_call("chat.postMessage", json={"channel": "CCARE", "blocks": [{"type": "divider"}]})

    assert slack.violations == ["a message with blocks has no top-level text"]


def test_long_text_is_cut_in_a_post_and_refused_in_an_update(client: WebClient) -> None:
    posted = client.chat_postMessage(channel="CCARE", text="x" * 50_000)

    assert len(posted["message"]["text"]) == 40_000
    assert code_of(client.chat_update, channel="CCARE", ts=posted["ts"], text="x" * 4_001) == "msg_too_long"


def test_only_our_own_message_can_be_changed_or_deleted(client: WebClient, slack: Slack) -> None:
    theirs = slack.post_as("UANN", "CCARE", "mine")["ts"]
    ours = client.chat_postMessage(channel="CCARE", text="first")["ts"]

    client.chat_update(channel="CCARE", ts=ours, text="second")
    assert code_of(client.chat_update, channel="CCARE", ts=theirs, text="x") == "cant_update_message"
    assert code_of(client.chat_delete, channel="CCARE", ts=theirs) == "cant_delete_message"
    assert code_of(client.chat_update, channel="CCARE", ts="1.000001", text="x") == "message_not_found"
    client.chat_delete(channel="CCARE", ts=ours)
    assert code_of(client.chat_delete, channel="CCARE", ts=ours) == "message_not_found"
    assert [message["text"] for message in slack.messages("CCARE")] == ["mine"]


def history(client: WebClient, **args: Any) -> list[str]:
    return [message["text"] for message in client.conversations_history(channel="CCARE", **args)["messages"]]


def test_history_bounds_are_exclusive_unless_told_otherwise(client: WebClient, slack: Slack, clock: Clock) -> None:
    ts = []
    for text in "abcd":
        ts.append(slack.post_as("UANN", "CCARE", text)["ts"])
        clock.advance(1)

    assert history(client) == ["d", "c", "b", "a"]
    assert history(client, oldest=ts[0]) == ["d", "c", "b"]
    assert history(client, oldest=ts[0], latest=ts[3]) == ["c", "b"]
    assert history(client, oldest=ts[0], latest=ts[3], inclusive=True) == ["d", "c", "b", "a"]
    assert code_of(client.conversations_history, channel="CCARE", oldest="yesterday") == "invalid_ts_oldest"
    assert code_of(client.conversations_history, channel="CCARE", cursor="nonsense") == "invalid_cursor"


@pytest.mark.parametrize("pages_from", ["latest", "oldest"])
def test_history_pages_hold_every_message_once_also_when_more_arrive(clock: Clock, pages_from: str) -> None:
    slack = Slack(clock=clock.seconds, pages_from=pages_from)
    slack.add_channel("CCARE")
    first = slack.post_as("UANN", "CCARE", "0")["ts"]
    for number in range(1, 11):
        slack.post_as("UANN", "CCARE", str(number))

    with running(slack) as address:
        client = WebClient(token="xoxb-stand-in", base_url=address)
        seen, cursor = [], ""
        while True:
            page = client.conversations_history(channel="CCARE", oldest=first, limit=3, cursor=cursor)
            seen += [message["text"] for message in page["messages"]]
            slack.post_as("UANN", "CCARE", "late") if len(seen) == 3 else None
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                break

    assert page["has_more"] is False
    assert sorted(text for text in seen if text != "late") == sorted(str(number) for number in range(1, 11))
    assert seen[:3] == (["10", "9", "8"] if pages_from == "latest" else ["3", "2", "1"])


def test_metadata_comes_only_when_asked_for(client: WebClient) -> None:
    client.chat_postMessage(channel="CCARE", text="card", metadata=METADATA)

    silent = client.conversations_history(channel="CCARE")["messages"][0]
    told = client.conversations_history(channel="CCARE", include_all_metadata=True)["messages"][0]

    assert "metadata" not in silent
    assert told["metadata"] == METADATA


def test_a_reply_is_in_its_thread_and_not_in_the_history(client: WebClient, slack: Slack) -> None:
    start = slack.post_as("UANN", "CCARE", "start")["ts"]
    slack.post_as("UBEN", "CCARE", "reply", thread_ts=start)
    client.chat_postMessage(channel="CCARE", text="note", thread_ts=start)

    parent = client.conversations_history(channel="CCARE")["messages"]
    thread = client.conversations_replies(channel="CCARE", ts=start)["messages"]

    assert [(message["text"], message["reply_count"]) for message in parent] == [("start", 2)]
    assert [message["text"] for message in thread] == ["start", "reply", "note"]
    assert code_of(client.conversations_replies, channel="CCARE", ts="1.000001") == "thread_not_found"


def test_a_deleted_start_of_a_thread_leaves_a_tombstone_and_a_lone_message_nothing(
    client: WebClient, slack: Slack
) -> None:
    start = slack.post_as("UANN", "CCARE", "start")["ts"]
    slack.post_as("UBEN", "CCARE", "reply", thread_ts=start)
    alone = slack.post_as("UBEN", "CCARE", "alone")["ts"]

    slack.delete("CCARE", start)
    slack.delete("CCARE", alone)

    left = client.conversations_history(channel="CCARE")["messages"]
    assert [(message["subtype"], message["text"]) for message in left] == [("tombstone", "This message was deleted.")]


def test_an_edited_message_says_so(client: WebClient, slack: Slack) -> None:
    ts = slack.post_as("UANN", "CCARE", "frist")["ts"]

    slack.edit("CCARE", ts, "first")

    message = client.conversations_history(channel="CCARE")["messages"][0]
    assert (message["text"], message["ts"], message["edited"]["user"]) == ("first", ts, "UANN")


def test_a_restricted_app_reads_15_messages_once_a_minute(clock: Clock) -> None:
    slack = Slack(clock=clock.seconds, is_restricted=True)
    slack.add_channel("CCARE")
    for number in range(20):
        slack.post_as("UANN", "CCARE", str(number))

    with running(slack) as address:
        client = WebClient(token="xoxb-stand-in", base_url=address)
        page = client.conversations_history(channel="CCARE", limit=200)
        with pytest.raises(SlackApiError) as caught:
            client.conversations_history(channel="CCARE", limit=200)
        clock.advance(60)
        client.conversations_history(channel="CCARE", limit=200)

    assert len(page["messages"]) == 15
    assert page["has_more"] is True
    assert caught.value.response.headers["Retry-After"] == "60"


def test_a_tier_three_method_takes_50_calls_a_minute(client: WebClient, clock: Clock) -> None:
    for _ in range(50):
        client.conversations_history(channel="CCARE", limit=1)

    assert code_of(client.conversations_history, channel="CCARE") == "ratelimited"
    clock.advance(60)
    client.conversations_history(channel="CCARE")


def test_a_missing_scope_is_named(clock: Clock) -> None:
    slack = Slack(clock=clock.seconds, scopes=frozenset({"chat:write", "channels:history"}))
    slack.add_channel("CSECRET", is_private=True)

    with running(slack) as address:
        client = WebClient(token="xoxb-stand-in", base_url=address)
        with pytest.raises(SlackApiError) as caught:
            client.conversations_history(channel="CSECRET")

    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "groups:history")


def test_people_and_channels_can_be_looked_up(client: WebClient, slack: Slack) -> None:
    slack.add_channel("CSECRET", "secret", is_private=True, joined=False)

    assert client.users_info(user="UANN")["user"]["real_name"] == "Ann Example"
    assert code_of(client.users_info, user="UNOBODY") == "user_not_found"
    assert client.conversations_info(channel="CCARE")["channel"]["name"] == "care"
    assert [c["id"] for c in client.conversations_list(types="public_channel,private_channel")["channels"]] == ["CCARE"]
    assert client.conversations_members(channel="CCARE")["members"] == ["UANN", "UBEN", "U0EARMARK"]


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        (Fault.RESET_BEFORE, (urllib.error.URLError, http.client.HTTPException, ConnectionError), 0),
        (Fault.STORED_THEN_RESET, (urllib.error.URLError, http.client.HTTPException, ConnectionError), 1),
        (Fault.ERROR_500, SlackApiError, 0),
        (Fault.STORED_THEN_500, SlackApiError, 1),
        (Fault.RATE_LIMITED, SlackApiError, 0),
        (Planned(Fault.REFUSED, code="internal_error"), SlackApiError, 0),
        (Planned(Fault.STORED_THEN_REFUSED, code="fatal_error"), SlackApiError, 1),
    ],
)
def test_a_planned_fault_happens_once(client: WebClient, slack: Slack, fault: Any, error: Any, stored: int) -> None:
    slack.fail("chat.postMessage", fault)

    with pytest.raises(error):
        client.chat_postMessage(channel="CCARE", text="hello")

    assert len(slack.messages("CCARE")) == stored
    client.auth_test()


def test_a_late_answer_is_late_but_its_message_is_there(slack: Slack, address: str) -> None:
    stored = Event()
    slack.on_call = lambda _method, _arguments: stored.set()
    slack.fail("chat.postMessage", Planned(Fault.LATE, delay_s=3.0))
    hasty = WebClient(token="xoxb-stand-in", base_url=address, timeout=0.1, retry_handlers=[])  # type: ignore[arg-type]  # fractions work

    with pytest.raises(TimeoutError):
        hasty.chat_postMessage(channel="CCARE", text="hello")

    # Who hangs up that soon may do so before a busy server has read what he sent.
    assert stored.wait(LIMIT_S)
    assert len(slack.messages("CCARE")) == 1
