"""What can happen to one call of the Slack stand-in, as it happens on networks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.servers.loopback import drop_connection


class Fault(StrEnum):
    """What can happen to one call."""

    RESET_BEFORE = "reset_before"
    """The connection breaks and nothing is stored."""
    STORED_THEN_RESET = "stored_then_reset"
    """The call works, and the connection breaks before its answer."""
    ERROR_500 = "error_500"
    STORED_THEN_500 = "stored_then_500"
    RATE_LIMITED = "rate_limited"
    """429 with ``retry_after_s``."""
    LATE = "late"
    """The call works at once; its answer takes ``delay_s`` real seconds."""
    REFUSED = "refused"
    """``ok: false`` with ``code``, nothing stored."""
    STORED_THEN_REFUSED = "stored_then_refused"
    """``ok: false`` with ``code``, although it worked: Slack says this of internal_error and fatal_error."""


@dataclass(frozen=True)
class Planned:
    """One fault to come, with its details."""

    fault: Fault
    code: str = ""
    retry_after_s: int = 1
    delay_s: float = 0.0


class _Dropped(Response):
    """No answer: the connection breaks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's form
        drop_connection(scope)
        while (await receive())["type"] != "http.disconnect":
            pass


def refused_before(plan: Planned | None) -> Response | None:
    """The answer of a fault that happens before anything is stored; None when the call takes effect."""
    match plan.fault if plan else None:
        case Fault.RESET_BEFORE:
            return _Dropped()
        case Fault.ERROR_500:
            return Response("Internal Server Error", status_code=500)
        case Fault.RATE_LIMITED:
            return too_many(plan.retry_after_s if plan else 1)
        case Fault.REFUSED:
            return JSONResponse({"ok": False, "error": plan.code if plan else ""})
        case _:
            return None


def spoiled(plan: Planned | None, answer: Response) -> Response:
    """The answer after a fault that happens once everything is stored."""
    match plan.fault if plan else None:
        case Fault.STORED_THEN_RESET:
            return _Dropped()
        case Fault.STORED_THEN_500:
            return Response("Internal Server Error", status_code=500)
        case Fault.STORED_THEN_REFUSED:
            return JSONResponse({"ok": False, "error": plan.code if plan else ""})
        case _:
            return answer


def too_many(retry_after_s: int) -> Response:
    headers = {"Retry-After": str(retry_after_s)}
    return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)
