"""What connectors share: options, cursors, text that can be stored, times, and what an HTTP status means for us."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from bot.errors import ConnectorError, CursorLostError

_MILLISECONDS_FROM = 100_000_000_000
"""Unix times from here on are milliseconds; as seconds they would lie beyond the year 5000."""

_PERMANENT_FROM, _TOO_MANY, _BROKEN_FROM = 400, 429, 500
_NOT_NOW = frozenset({408, 425, _TOO_MANY})


def _is_variable(value: str) -> str:
    if value and not re.match(r"[A-Za-z_][A-Za-z0-9_]*\Z", value):
        message = "this must be the name of an environment variable, not the secret itself"
        raise ValueError(message)
    return value


Variable = Annotated[str, AfterValidator(_is_variable)]
"""The name of an environment variable that holds a secret; keys of this type end in ``_env``."""


def safe_address(url: str) -> str:
    """Return ``url`` when a token may be sent there: by https, or within this machine.

    Raises:
        ValueError: the token would travel readable.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}):
        message = "this must be an https address; the token would travel readable"
        raise ValueError(message)
    return url


class Options(BaseModel):
    """A connector's own keys of ``[[channels]]``: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Cursor(BaseModel):
    """A place in a channel. Stored as one line of JSON that only its own connector reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def encoded(self) -> str:
        """The same string for the same place, always."""
        return self.model_dump_json(exclude_defaults=True)


C = TypeVar("C", bound=Cursor)


def decode(kind: type[C], cursor: str, platform: str) -> C:
    """Return the place that ``cursor`` stands for.

    Raises:
        CursorLostError: it was not written by this connector.
    """
    try:
        return kind.model_validate_json(cursor)
    except ValidationError as error:
        message = f"{platform}: the stored place in the channel cannot be read; reading starts afresh"
        raise CursorLostError(message) from error


def storable(text: str) -> str:
    """Return ``text`` as every database takes it: NUL and lone surrogates become U+FFFD, the rest stays.

    Surrogates that belong together are joined, so an emoji written as two escapes survives.
    """
    if text.isascii() and "\0" not in text:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "\ufffd")


def as_utc(value: str | float) -> datetime:
    """Return an aware UTC time of ISO 8601 or Unix seconds (or milliseconds); a time without zone is UTC.

    Raises:
        ValueError: it is no time.
    """
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = "this is no time; write ISO 8601 or Unix seconds"
        raise ValueError(message) from error


def utc_now() -> datetime:
    """The clock of connectors; used for the start of the first poll and for waits that a platform states as a time."""
    return datetime.now(UTC)


def refused(who: str, status: int, detail: str = "", *, retry_after_s: float | None = None) -> ConnectorError:
    """Return the error for an HTTP status: 5xx and "not now" may pass, any other 4xx needs a person."""
    permanent = _PERMANENT_FROM <= status < _BROKEN_FROM and status not in _NOT_NOW
    advice = "check the channel's credentials and options" if permanent else "it is tried again"
    reason = f" ({detail})" if detail else ""
    return ConnectorError(
        f"{who} answered {status}{reason}; {advice}", permanent=permanent, retry_after_s=retry_after_s
    )


def unreachable(who: str, error: Exception) -> ConnectorError:
    """Return the error for an answer that never came or could not be read. The cause is named, its text is not."""
    return ConnectorError(f"{who} gave no readable answer ({type(error).__name__}); it is tried again")
