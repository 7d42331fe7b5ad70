"""tweepy's client, pointed at a configurable address and bounded in time and size; failures are ConnectorErrors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import requests
import tweepy
import urllib3
from pydantic import SecretStr

from bot.errors import ConnectorError
from connectors import base

FieldStyle = Literal["tweet", "post"]

TIMEOUT_S = 30.0
BODY_BYTES_MAX = 32 * 1024 * 1024
WAIT_WITHOUT_RESET_S = 60.0
"""X counts in windows of 15 minutes; without a reset time this is how long we hold still."""

_READ_BYTES = 65_536
_TOO_MANY = 429
_TITLE_MAX = 80


class XRefusedError(ConnectorError):
    """An answer of X that is no success. ``kind`` is the end of its problem type, ``parameters`` what it blames."""

    def __init__(self, error: ConnectorError, *, status: int, kind: str, parameters: frozenset[str]) -> None:
        super().__init__(str(error), permanent=error.permanent, retry_after_s=error.retry_after_s)
        self.status = status
        self.kind = kind
        self.parameters = parameters


@dataclass(frozen=True)
class Keys:
    """The four OAuth 1.0a secrets of an app acting for an account."""

    api_key: SecretStr
    api_secret: SecretStr
    access_token: SecretStr
    access_secret: SecretStr


@dataclass(frozen=True)
class _Answer:
    """The part of a requests.Response that tweepy asks for."""

    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise base.unreachable("X", error) from error


class _Bearer(requests.auth.AuthBase):
    """Sets the header when the request leaves; as an ``auth`` it also keeps a .netrc from replacing it."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request


class Client(tweepy.Client):  # type: ignore[misc]  # tweepy ships no types
    """tweepy's endpoints over our own request: address, time limit, field names and errors in one place.

    ``wait_s`` is what the last answer asked for: time until the window opens again, None while calls are left.
    """

    def __init__(
        self,
        token: SecretStr | None,
        keys: Keys | None,
        *,
        api_url: str,
        field_style: FieldStyle,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], datetime] = base.utc_now,
    ) -> None:
        super().__init__(return_type=dict, wait_on_rate_limit=False)
        self.wait_s: float | None = None
        self.keys = keys
        self._token = token
        self._api_url = api_url.rstrip("/")
        self._field_style = field_style
        self._timeout_s = timeout_s
        self._clock = clock

    def request(
        self,
        method: str,
        route: str,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
        user_auth: bool = False,
    ) -> _Answer:
        """Send one request and return its answer. Replaces tweepy's, which fixes the host and waits without limit.

        Raises:
            XRefusedError: X answered, and it is no success.
            ConnectorError: no answer, or none that can be read.
        """
        until = time.monotonic() + self._timeout_s
        try:
            with self.session.request(
                method,
                self._api_url + route,
                params=self._named(params),
                json=json,
                headers={"User-Agent": self.user_agent},
                auth=self._auth(user_auth),
                timeout=self._timeout_s,
                stream=True,
                allow_redirects=False,
            ) as response:
                body = _read(response, until)
                status, headers = response.status_code, response.headers
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise base.unreachable("X", error) from error
        self.wait_s = self._wait(headers) if headers.get("x-rate-limit-remaining") == "0" else None
        if not requests.codes.ok <= status < requests.codes.multiple_choices:
            raise self._problem(status, headers, body)
        return _Answer(body)

    def _auth(self, user_auth: bool) -> Any:
        if self.keys is None or not user_auth:
            return _Bearer(self._token) if self._token is not None else None
        secrets = (self.keys.api_key, self.keys.api_secret, self.keys.access_token, self.keys.access_secret)
        return tweepy.OAuth1UserHandler(*(secret.get_secret_value() for secret in secrets)).apply_auth()

    def _named(self, params: dict[str, Any] | None) -> dict[str, Any]:
        """X's OpenAPI of 2026-08-07 says ``post.fields`` where its documentation and tweepy say ``tweet.fields``."""
        named = dict(params or {})
        if self._field_style == "post" and "tweet.fields" in named:
            named["post.fields"] = named.pop("tweet.fields")
        return named

    def _wait(self, headers: Mapping[str, str]) -> float | None:
        """Seconds until ``x-rate-limit-reset``, which is Unix time; X sends no Retry-After.

        https://docs.x.com/x-api/fundamentals/rate-limits, read 2026-08-22.
        """
        try:
            return max(1.0, float(headers["x-rate-limit-reset"]) - self._clock().timestamp())
        except (KeyError, ValueError):
            return None

    def _problem(self, status: int, headers: Mapping[str, str], body: bytes) -> XRefusedError:
        found = _json_object(body)
        kind = str(found.get("type", "")).rpartition("/")[2]
        wait_s = (self._wait(headers) or WAIT_WITHOUT_RESET_S) if status == _TOO_MANY else None
        error = base.refused("X", status, str(found.get("title", ""))[:_TITLE_MAX], retry_after_s=wait_s)
        if kind == "usage-capped":
            message = (
                "X refuses more reads: the account's usage cap or credit is used up; raise it in X's developer console"
            )
            error = ConnectorError(message, permanent=True)
        return XRefusedError(error, status=status, kind=kind, parameters=_blamed(found))


def _read(response: requests.Response, until: float) -> bytes:
    """Return the body; a body that drips or never ends is given up, which requests' own time-out does not do."""
    body = bytearray()
    while chunk := response.raw.read1(_READ_BYTES, decode_content=True):
        body += chunk
        if time.monotonic() > until or len(body) > BODY_BYTES_MAX:
            message = "the answer takes too long or is too large"
            raise requests.exceptions.ReadTimeout(message)
    return bytes(body)


def _json_object(body: bytes) -> dict[str, Any]:
    """Return an error's JSON object; {} for HTML and anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _blamed(found: Mapping[str, Any]) -> frozenset[str]:
    errors = found.get("errors")
    parameters = (
        [error.get("parameters") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    )
    return frozenset(name for named in parameters if isinstance(named, dict) for name in named)
