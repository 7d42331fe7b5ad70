"""What every page needs: the board behind it, who is looking, the clock, and the templates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.domain import Actor, CaseState, Priority, Quadrant, RepeatKind, Tag
from bot.web import words
from bot.web.board import Board
from bot.web.live import Live
from bot.web.security import FLASH_COOKIE, Guard

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"


@cache
def static_url(name: str) -> str:
    """Return the address of a static file with a mark of its content, so that browsers may keep it for long."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


@cache
def environment() -> Environment:
    """Return the templates; every value is escaped, a missing one is an error."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals |= {"static": static_url, "words": words, "Tag": Tag, "CaseState": CaseState, "Quadrant": Quadrant}
    env.globals |= {"Priority": Priority, "RepeatKind": RepeatKind}
    env.filters |= {"label": words.label, "percent": words.percent, "clock": words.clock, "iso": words.iso}
    env.filters |= {"thousands": "{:,}".format, "safe_url": words.safe_url}
    return env


@dataclass(frozen=True)
class Site:
    """One running board."""

    board: Board
    who: Actor
    now: Callable[[], datetime]
    is_demo: bool
    live: Live
    guard: Guard = field(default_factory=Guard)

    def page(
        self, request: Request, template: str, context: Mapping[str, Any], *, status: int = 200, flash: str = ""
    ) -> Response:
        """Return a whole page; ``flash`` is the sentence on top of it, or the one an action left behind."""
        left_behind = self.guard.unseal(request.cookies.get(FLASH_COOKIE, ""))
        told = {"flash": flash or left_behind, "is_error": status >= HTTPStatus.BAD_REQUEST}
        html = self.render(request, template, {**context, **told})
        response = HTMLResponse(html, status_code=status)
        if left_behind:
            response.delete_cookie(FLASH_COOKIE, httponly=True, samesite="strict")
        self.guard.remember(request, response)
        return response

    def render(self, request: Request, template: str, context: Mapping[str, Any]) -> str:
        """Return the HTML of a template, with what all of them use."""
        session = self.guard.session(request)
        common = {
            "path": request.url.path,
            "now": self.now(),
            "who": self.who,
            "is_demo": self.is_demo,
            "token": self.guard.token(session),
            "nonce": lambda case: self.guard.nonce(session, case.id, case.version),
            "mention_nonce": lambda mention: self.guard.nonce(session, mention.id, 0),
            "audit_nonce": lambda drawn: self.guard.nonce(session, drawn.mention_id, 0),
        }
        return environment().get_template(template).render(common | dict(context))


def site_of(request: Request) -> Site:
    """Return the site that serves ``request``."""
    site: Site = request.app.state.site
    return site
