"""People in the stand-in: what they see, press and fill in comes to the app as Slack sends it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.servers.slack import APP_TOKEN, SIGNING_SECRET, Answer, Delivery, Slack
from tests.servers.slack_blocks import live_parts
from tests.slack.asking import button, code_of, modal, plain
from tests.slack.conftest import Clock
from tests.steps import LIMIT_S


def recorded(slack: Slack, *answers: Answer) -> list[Delivery]:
    """What Slack sends from now on, answered in turn, the last answer for all that follow."""
    sent: list[Delivery] = []
    left = list(answers) or [Answer(200)]

    def outlet(delivery: Delivery) -> Answer:
        sent.append(delivery)
        return left.pop(0) if len(left) > 1 else left[0]

    slack.send_to(outlet)
    return sent


def test_only_members_are_told_something_in_private(client: WebClient, slack: Slack) -> None:
    slack.add_user("UEVE", "eve")

    client.chat_postEphemeral(channel="CCARE", user="UANN", text="for you")

    assert slack.ephemerals("UANN") == ["for you"]
    assert slack.messages("CCARE") == []
    assert code_of(client.chat_postEphemeral, channel="CCARE", user="UEVE", text="x") == "user_not_in_channel"


def test_a_trigger_opens_one_view_within_three_seconds(client: WebClient, slack: Slack, clock: Clock) -> None:
    used, late = slack.workspace.issue_trigger("UANN"), slack.workspace.issue_trigger("UANN")

    opened = client.views_open(trigger_id=used, view=modal())["view"]
    clock.advance(3.1)

    assert code_of(client.views_open, trigger_id=used, view=modal()) == "exchanged_trigger_id"
    assert code_of(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"
    assert code_of(client.views_open, trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"
    assert code_of(client.views_update, view_id=opened["id"], hash="0", view=modal()) == "hash_conflict"
    client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(title=plain("Second")))
    assert slack.open_modal("UANN")["title"]["text"] == "Second"


def test_a_home_is_published_and_kept_from_an_old_overwriting_it(client: WebClient, slack: Slack) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = client.views_publish(user_id="UANN", view=home)["view"]

    client.views_publish(user_id="UANN", view=home, hash=first["hash"])

    assert code_of(client.views_publish, user_id="UANN", view=home, hash=first["hash"]) == "hash_conflict"
    assert code_of(client.views_publish, user_id="UANN", view=modal()) == "invalid_arguments"
    assert slack.home("UANN")["type"] == "home"


def test_people_can_press_only_what_is_shown_and_every_press_is_signed(client: WebClient, slack: Slack) -> None:
    sent = recorded(slack)
    blocks = [{"type": "actions", "elements": [button("claim", value="7")]}]
    ts = client.chat_postMessage(channel="CCARE", text="card", blocks=blocks)["ts"]

    slack.press("UANN", "CCARE", ts, "claim", times=2)
    with pytest.raises(AssertionError, match="no button resolve"):
        slack.press("UANN", "CCARE", ts, "resolve")

    body, headers = sent[0].signed(SIGNING_SECRET)
    assert SignatureVerifier(SIGNING_SECRET).is_valid_request(body, headers)
    assert not SignatureVerifier("other").is_valid_request(body, headers)
    assert sent[0].payload == sent[1].payload
    assert sent[0].payload["actions"][0]["value"] == "7"
    assert sent[0].payload["user"]["id"] == "UANN"


def test_a_redelivered_event_carries_its_retry_number(slack: Slack) -> None:
    sent = recorded(slack)

    slack.open_home("UANN", times=2)
    slack.post_as("UANN", "CCARE", "an event nobody subscribed to")

    assert [delivery.payload["event_id"] for delivery in sent] == [sent[0].payload["event_id"]] * 2
    assert "X-Slack-Retry-Num" not in sent[0].signed(SIGNING_SECRET)[1]
    assert sent[1].signed(SIGNING_SECRET)[1]["X-Slack-Retry-Num"] == "1"


def test_a_form_is_submitted_with_what_it_shows_and_closes_when_nobody_objects(client: WebClient, slack: Slack) -> None:
    answers = [Answer(200, {"response_action": "errors", "errors": {"b0": "no"}}), Answer(200)]
    sent = recorded(slack, *answers)
    options = [{"text": plain(name), "value": name} for name in ("x", "y")]
    element = {"type": "static_select", "action_id": "pick", "options": options, "initial_option": options[0]}
    view = modal(submit=plain("Go"), blocks=[{"type": "input", "label": plain("Pick"), "element": element}])
    client.views_open(trigger_id=slack.workspace.issue_trigger("UANN"), view=view)

    slack.submit("UANN", {})
    slack.submit("UANN", {"pick": "y"})

    values = [delivery.payload["view"]["state"]["values"]["b0"]["pick"] for delivery in sent]
    assert [value["selected_option"]["value"] for value in values] == ["x", "y"]
    assert slack.workspace.modals == {}


@pytest.mark.slow
def test_socket_mode_carries_envelopes_and_comes_back_after_a_refresh(slack: Slack, address: str) -> None:
    client = SocketModeClient(app_token=APP_TOKEN, web_client=WebClient(base_url=address), ping_interval=1)
    seen: list[str] = []

    def acknowledge(socket: Any, request: SocketModeRequest) -> None:
        seen.append(request.payload["event"]["type"])
        socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(acknowledge)
    client.connect()
    try:
        assert slack.sockets.connected.wait(LIMIT_S)
        slack.open_home("UANN")
        slack.sockets.refresh()
        assert slack.sockets.connected.wait(LIMIT_S)
        slack.open_home("UBEN")
    finally:
        client.close()

    assert seen == ["app_home_opened", "app_home_opened"]
    assert slack.sockets.connection_count == 2
    assert slack.sockets.disconnected.wait(LIMIT_S)


def test_a_bot_token_opens_no_socket(address: str) -> None:
    client = WebClient(base_url=address)

    assert code_of(client.apps_connections_open, app_token="xoxb-stand-in") == "not_allowed_token_type"
    assert client.apps_connections_open(app_token=APP_TOKEN)["url"].startswith("ws://127.0.0.1")


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("<!channel> hello", ["<!channel>"]),
        ("&lt;!channel&gt; &amp; hello", []),
        ("<https://evil.example|your bank>", ["<https://evil.example|your bank>"]),
        ("see https://evil.example/x", ["https://evil.example/x"]),
        ("see evil.example", ["evil.example"]),
        ("*bold* and _it_", ["*bold*", "_it_"]),
        ("2 * 3 * 4, snake_case_name", []),
    ],
)
def test_what_is_live_in_slack_is_recognised(text: str, live: list[str]) -> None:
    quoted = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": text}]}],
    }

    assert live_parts({"text": text}) == live
    assert live_parts({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]}) == live
    assert live_parts({"blocks": [quoted]}) == []
    assert json.loads(json.dumps(quoted)) == quoted
