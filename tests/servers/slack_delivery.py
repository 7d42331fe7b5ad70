"""What the Slack stand-in sends to the app: signed requests, and the shapes of what people press and fill in."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.servers.slack_workspace import Json

SIGNING_SECRET = "stand-in-signing-secret"


@dataclass(frozen=True)
class Delivery:
    """Something Slack sends to the app: an interaction or an event."""

    kind: str
    """``interactive``, ``slash_commands`` or ``events_api``, as Socket Mode calls them."""
    payload: Json
    retry: int = 0

    def signed(self, secret: str) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the HTTP request. https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        is_event = self.kind == "events_api"
        text = json.dumps(self.payload)
        # A command's fields are the form itself: https://docs.slack.dev/interactivity/implementing-slash-commands
        form = self.payload if self.kind == "slash_commands" else {"payload": text}
        body = (text if is_event else urlencode(form)).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
        headers["Content-Type"] = "application/json" if is_event else "application/x-www-form-urlencoded"
        if self.retry:
            # https://docs.slack.dev/apis/events-api/#errors
            headers |= {"X-Slack-Retry-Num": str(self.retry), "X-Slack-Retry-Reason": "http_timeout"}
        return body, headers


@dataclass(frozen=True)
class Answer:
    """What the app answered. ``body`` is what a view submission may carry back."""

    status: int
    body: Json = field(default_factory=dict)


Outlet = Callable[[Delivery], Answer]


def http_outlet(url: str, secret: str = SIGNING_SECRET) -> Outlet:
    """Deliver by signed HTTP requests to ``url``."""

    def send(delivery: Delivery) -> Answer:
        body, headers = delivery.signed(secret)
        try:
            request = urllib.request.Request(url, body, headers)  # noqa: S310  # to the bot, on loopback
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # as above
                return Answer(answer.status, _json_or_empty(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code)

    return send


def _json_or_empty(body: bytes) -> Json:
    try:
        return dict(json.loads(body))
    except ValueError:
        return {}


def find_button(blocks: list[Json], action_id: str) -> tuple[Json, str]:
    """The button of that action_id and its block's id; a person cannot press what is not shown."""
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            if element.get("action_id") == action_id:
                return element, block["block_id"]
    raise AssertionError(f"no button {action_id} is shown")


def pressed(button: Json, block_id: str, action_ts: str) -> Json:
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    kept: Json = {key: button[key] for key in ("action_id", "type", "text", "value", "style") if key in button}
    return {**kept, "block_id": block_id, "action_ts": action_ts}


def form_state(blocks: list[Json], values: dict[str, str | list[str]]) -> Json:
    """state.values of a submission. https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
    state: Json = {}
    for block in blocks:
        element = block.get("element")
        if element:
            given = _given(element, values.get(element["action_id"]))
            state[block["block_id"]] = {element["action_id"]: {"type": element["type"], **given}}
    unknown = set(values) - {action for block in state.values() for action in block}
    assert not unknown, f"the form has no input {unknown}"
    return state


def _given(element: Json, value: str | list[str] | None) -> Json:
    if element["type"] == "plain_text_input":
        return {"value": value if value is not None else element.get("initial_value")}
    if element["type"] in {"datepicker", "timepicker"}:
        kind = element["type"].removesuffix("picker")
        return {f"selected_{kind}": value if value is not None else element.get(f"initial_{kind}")}
    options = {option["value"]: option for option in element["options"]}
    if element["type"] == "multi_static_select":
        chosen = [options[v] for v in value] if value is not None else element.get("initial_options", [])
        return {"selected_options": chosen}
    return {"selected_option": options[str(value)] if value is not None else element.get("initial_option")}
