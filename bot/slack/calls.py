"""One call of Slack's Web API, and what its answer means for whoever wants to make it again."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

RETRY_AFTER_S = 30.0
"""How long to wait where Slack does not say."""
SETUP_WAIT_S = 60.0

# The server gave up half-way: Slack says of these that some of it may have happened.
# https://docs.slack.dev/reference/methods/chat.postMessage#errors
_UNKNOWN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_LIMITED = {"ratelimited", "rate_limited", "message_limit_exceeded"}
# Wrong for every message until an operator mends it, so nothing may be lost over it.
_SETUP = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "not_allowed_token_type", "ekm_access_denied", "team_access_not_granted", "org_login_required",
    "access_denied", "accesslimited",
}  # fmt: skip
_GONE = {"message_not_found", "thread_not_found"}


@dataclass(frozen=True, slots=True)
class Limited:
    """Slack did nothing and may be asked again after ``wait_s``. ``cursor``: how far a search got before."""

    wait_s: float
    reason: str
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack did nothing and never will."""

    code: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The message that the call is about is not there any more: somebody deleted it."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Slack may have done it or not."""

    reason: str


Trouble = Limited | Refused | Gone | Unknown


def call(client: WebClient, method: str, arguments: Mapping[str, Any]) -> Trouble | dict[str, Any]:
    """Return Slack's answer, or what kind of trouble there was; never raises for what Slack or the network does."""
    # Methods that read take no JSON: https://docs.slack.dev/apis/web-api/#methods_supporting_json
    is_read = method.startswith(("conversations.", "users."))
    try:
        answer = (
            client.api_call(method, params=dict(arguments))
            if is_read
            else client.api_call(method, json=dict(arguments))
        )
    except SlackApiError as error:
        return _trouble(error.response)
    except (OSError, http.client.HTTPException, SlackClientError, ValueError) as error:
        return Unknown(f"no answer: {type(error).__name__}")
    return dict(answer.data) if isinstance(answer.data, dict) else Unknown("the answer is no JSON object")


def _trouble(response: Any) -> Trouble:
    status, code = int(response.status_code), str((response.data or {}).get("error", ""))
    if status == http.HTTPStatus.TOO_MANY_REQUESTS or code in _LIMITED:
        return Limited(_retry_after(response.headers), "ratelimited")
    if status != http.HTTPStatus.OK or code in _UNKNOWN or not code.replace("_", "").isalnum():
        return Unknown(f"HTTP {status}" if status != http.HTTPStatus.OK else f"Slack says {code[:40]}")
    if code in _SETUP:
        return Limited(SETUP_WAIT_S, code)
    return Gone(code) if code in _GONE else Refused(code)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds; it comes in any case, or not at all."""
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(1.0, float(found))
    except ValueError:
        return RETRY_AFTER_S
