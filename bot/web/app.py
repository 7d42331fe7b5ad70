"""The board as an ASGI application: ``create(board, …)`` puts pages, buttons, locks and error pages together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bot.config import WebSettings
from bot.domain import Actor
from bot.errors import EarmarkError
from bot.web import incident_pages, pages
from bot.web.actions import act, act_on_mention, answer, judge, note, wants_json
from bot.web.board import Board
from bot.web.live import Live
from bot.web.security import HEADERS, SecurityHeaders, allowed_hosts
from bot.web.site import STATIC, Site, site_of

log = structlog.get_logger(__name__)

SENTENCES = {
    404: "There is no such page here.",
    405: "That address does not take this kind of request.",
}


def create(
    board: Board,
    *,
    settings: WebSettings,
    is_demo: bool,
    now: Callable[[], datetime],
    who: Actor,
    probes: Sequence[BaseRoute] = (),
) -> Starlette:
    """Return the application. It does no I/O until the first request; ``who`` is whoever presses the buttons."""
    app = Starlette(
        routes=[
            Route("/", pages.queues),
            Route("/fragment", pages.fragment),
            Route("/queue/{name}", pages.queue),
            Route("/case/{case_id:int}", pages.case),
            Route("/case/{case_id:int}/{action}", act, methods=["POST"]),
            Route("/mention/{number:int}/{action}", act_on_mention, methods=["POST"]),
            Route("/audit", pages.audit),
            Route("/audit/{number:int}/{action}", judge, methods=["POST"]),
            Route("/requests", pages.requests),
            Route("/request/{number:int}/{action}", answer, methods=["POST"]),
            Route("/incidents", incident_pages.incidents),
            Route("/incident/{incident_id}", incident_pages.incident),
            Route("/incident/{incident_id}/{action}", incident_pages.act_on_incident, methods=["POST"]),
            Route("/ledger", pages.ledger),
            Route("/ledger/note", note, methods=["POST"]),
            Route("/review", pages.review),
            Route("/channels", pages.channels),
            Route("/health", pages.health),
            *probes,
            Mount("/static", _Static(directory=STATIC)),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings.host), www_redirect=False),
        ],
        exception_handlers={HTTPException: _refused, EarmarkError: _unavailable, Exception: _broken},
    )
    app.state.site = Site(board=board, who=who, now=now, is_demo=is_demo, live=Live(board))
    return app


class _Static(StaticFiles):
    """Static files carry a mark of their content in the address, so browsers may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    return _error_page(request, status, SENTENCES.get(status, detail) if detail in _DEFAULTS else detail)


def _unavailable(request: Request, error: Exception) -> Response:
    """The product said in a sentence why it could not do this now."""
    log.warning("board_unavailable", path=request.url.path, error=str(error))
    return _error_page(request, 503, str(error))


def _broken(request: Request, _: Exception) -> Response:
    """The last resort; the server below logs the traceback."""
    response = _error_page(request, 500, "Something went wrong on our side. The log says what; please try again.")
    response.headers.update(HEADERS | {"Cache-Control": "no-store"})  # this answer is made outside the middleware
    return response


def _error_page(request: Request, status: int, sentence: str) -> Response:
    if wants_json(request):
        return JSONResponse({"ok": False, "message": sentence}, status_code=status)
    return site_of(request).page(request, "error.html", {"status": status, "sentence": sentence}, status=status)


_DEFAULTS = {"Not Found", "Method Not Allowed"}
