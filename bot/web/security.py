"""What keeps strangers' pages from pressing our buttons: host, origin, session, form token, headers.

The board has no passwords: whoever reaches it may act, so it listens on loopback unless told otherwise. The
danger left is another web page in the same browser. Four locks, one behind the other: the cookie is SameSite=Strict,
every form carries a token bound to it, the Origin header must be ours, and the Host header must name us
(which stops DNS rebinding).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_COOKIE: Final = "earmark_session"
FLASH_COOKIE: Final = "earmark_flash"
FORM_BYTES_MAX: Final = 16 * 1024
FORM_FIELDS_MAX: Final = 40
FLASH_CHARS_MAX: Final = 600

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_SESSION = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_NONCE = re.compile(r"[0-9a-f]{32}\Z")


class SecurityHeaders:
    """Adds the headers to every answer; pages are never cached, static files are, under their fingerprint."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


def allowed_hosts(host: str) -> list[str]:
    """Return the names a browser may call the board by."""
    return sorted({"127.0.0.1", "localhost", "[::1]", host.lower()})


@dataclass(frozen=True)
class Guard:
    """Makes and checks form tokens, with a key that lives as long as the process."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def session(self, request: Request) -> str:
        """Return the session of this browser, a new one where it has none."""
        cookie = request.cookies.get(SESSION_COOKIE, "")
        if _SESSION.match(cookie):
            return cookie
        fresh: str = getattr(request.state, "fresh_session", "") or secrets.token_urlsafe(32)
        request.state.fresh_session = fresh
        return fresh

    def remember(self, request: Request, response: Response) -> None:
        """Set the cookie of a session that began with this request."""
        if fresh := getattr(request.state, "fresh_session", ""):
            response.set_cookie(SESSION_COOKIE, fresh, httponly=True, samesite="strict", path="/")

    def token(self, session: str) -> str:
        """Return the token that forms of this session carry."""
        return self._mac("form", session)

    def nonce(self, session: str, case_id: int | str, version: int) -> str:
        """Return the one-time mark of the forms of one case as this session sees it.

        It changes with the case's version, so a second submission of the same page is known as such, and the
        live board can be sent again without looking different.
        """
        return self._mac("nonce", session, str(case_id), str(version))[:32]

    def action_id(self, session: str, action: str, case_id: int | str, nonce: str) -> str:
        """Return the id that makes this press of a button happen once.

        Raises:
            HTTPException: 400, the nonce is not one of ours.
        """
        if not _NONCE.match(nonce):
            raise HTTPException(400, "That form is incomplete. Open the case again and press once more.")
        return f"board:{self._mac('action', session, action, str(case_id), nonce)[:32]}"

    def seal(self, text: str) -> str:
        """Return ``text`` in a form that a cookie can hold and nobody can change."""
        body = urlsafe_b64encode(text[:FLASH_CHARS_MAX].encode()).decode()
        return f"{body}.{self._mac('flash', body)}"

    def unseal(self, sealed: str) -> str:
        """Return what :meth:`seal` was given; empty for anything else."""
        body, _, mac = sealed.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac("flash", body).encode()):
            return ""
        return urlsafe_b64decode(body.encode()).decode()

    def check(self, request: Request, form: Form) -> str:
        """Return the session behind a form.

        Raises:
            HTTPException: 403, the form did not come from a page of ours.
        """
        cookie = request.cookies.get(SESSION_COOKIE, "")
        expected = self.token(cookie)
        if not cookie or not hmac.compare_digest(form.one("token").encode(), expected.encode()):
            raise HTTPException(403, "This page is from before the board started. Open it again and press once more.")
        return cookie

    def _mac(self, *parts: str) -> str:
        return hmac.new(self.key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a submitted form."""

    fields: dict[str, list[str]]

    def one(self, name: str) -> str:
        """The first value of a field; empty when it is absent."""
        return self.fields.get(name, [""])[0]

    def many(self, name: str) -> list[str]:
        """All values of a field."""
        return self.fields.get(name, [])


def check_origin(request: Request) -> None:
    """Refuse a form that another site sent.

    Raises:
        HTTPException: 403. Every browser sends Origin with a form, so a request without one is no browser of ours.
    """
    origin = urlsplit(request.headers.get("origin", ""))
    if origin.scheme not in {"http", "https"} or origin.netloc != request.headers.get("host"):
        raise HTTPException(403, "That form came from another site, so it was not accepted.")


async def read_form(request: Request) -> Form:
    """Return the submitted fields, reading no more than a form of ours can hold.

    Raises:
        HTTPException: 413 too long, 415 no form, 400 unreadable.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise HTTPException(415, "The board reads its own forms only.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise HTTPException(413, "That form is longer than any form of the board.")
    try:
        return Form(parse_qs(body.decode("ascii"), max_num_fields=FORM_FIELDS_MAX))
    except ValueError as error:
        raise HTTPException(400, "That form cannot be read. Open the page again.") from error


async def answered(request: Request, act: Callable[[Request, Form], Response]) -> Response:
    """Read the form that one of our own pages sent, and have ``act`` answer it, on a thread that may wait."""
    check_origin(request)
    return await run_in_threadpool(act, request, await read_form(request))
