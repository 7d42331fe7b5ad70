"""slack_sdk's Web API client as the Slack source uses it: one attempt a call, failures as ConnectorErrors, no logs."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import ConnectorError
from connectors import base

_OK = 200
_TRANSIENT = frozenset(
    {"accesslimited", "fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)
"""Slack's words for "not now"; every other ``ok: false`` needs a person."""


class SlackRefusedError(ConnectorError):
    """Slack said ``ok: false``, or answered with another status than 200. ``code`` is its word, empty without one."""

    def __init__(self, message: str, *, code: str, permanent: bool, retry_after_s: float | None) -> None:
        super().__init__(message, permanent=permanent, retry_after_s=retry_after_s)
        self.code = code


class Client:
    """Calls Slack and counts its calls."""

    def __init__(self, token: SecretStr, *, api_url: str, timeout_s: float) -> None:
        # The SDK sleeps between attempts of its own and logs bodies, which are messages; here the engine waits.
        quiet = logging.getLogger(__name__)
        quiet.setLevel(logging.CRITICAL)
        self._web = WebClient(base_url=api_url, timeout=max(1, round(timeout_s)), retry_handlers=[], logger=quiet)
        self._token = token
        self.calls = 0

    def history(self, channel: str, **arguments: Any) -> dict[str, Any]:
        """A page of conversations.history."""
        return _listing(self._call(self._web.conversations_history, channel=channel, **arguments))

    def replies(self, channel: str, ts: str, **arguments: Any) -> dict[str, Any]:
        """A page of conversations.replies."""
        return _listing(self._call(self._web.conversations_replies, channel=channel, ts=ts, **arguments))

    def user(self, user: str) -> dict[str, Any]:
        """The user object of users.info."""
        found = self._call(self._web.users_info, user=user).get("user")
        return found if isinstance(found, dict) else {}

    def me(self) -> dict[str, Any]:
        """auth.test: who our token is, and the address of the workspace."""
        return self._call(self._web.auth_test)

    def post(self, channel: str, thread_ts: str, text: str) -> dict[str, Any]:
        """chat.postMessage into a thread."""
        quiet = {"unfurl_links": False, "unfurl_media": False}
        return self._call(self._web.chat_postMessage, channel=channel, thread_ts=thread_ts, text=text, **quiet)

    def _call(self, method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
        """Return the answer of one attempt.

        Raises:
            SlackRefusedError: Slack answered, and it is no success.
            ConnectorError: no answer, or none that can be read.
        """
        self.calls += 1
        try:
            answer = method(token=self._token.get_secret_value(), **arguments)
        except SlackApiError as error:
            raise _refused(error) from error
        except (SlackClientError, http.client.HTTPException, OSError, ValueError, AttributeError) as error:
            raise base.unreachable("Slack", error) from error
        return answer.data if isinstance(answer.data, dict) else {}


def _listing(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that has messages. One without must not look like a channel from which all were deleted."""
    messages = answer.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ConnectorError("Slack gave an answer that is no list of messages; it is tried again")
    return answer


def _refused(error: SlackApiError) -> SlackRefusedError:
    answer = error.response
    said = answer.data.get("error") if isinstance(answer.data, dict) else None
    # A body that is no JSON arrives as a sentence with the body in it, which must not travel further.
    code = said if isinstance(said, str) and said.isascii() and said.replace("_", "").isalnum() else ""
    wait_s = _seconds({name.lower(): value for name, value in answer.headers.items()}.get("retry-after"))
    if answer.status_code == _OK and not code:
        message = "Slack gave no readable answer; it is tried again"
        return SlackRefusedError(message, code="", permanent=False, retry_after_s=wait_s)
    if answer.status_code != _OK:
        mapped = base.refused("Slack", answer.status_code, code, retry_after_s=wait_s)
        permanent = mapped.permanent and code not in _TRANSIENT
        return SlackRefusedError(str(mapped), code=code, permanent=permanent, retry_after_s=wait_s)
    permanent = code not in _TRANSIENT
    advice = (
        "check the channel's id, the app's scopes and that it is in the channel" if permanent else "it is tried again"
    )
    return SlackRefusedError(f"Slack answered '{code}'; {advice}", code=code, permanent=permanent, retry_after_s=wait_s)


def _seconds(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None
