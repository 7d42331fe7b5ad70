"""The board of a running installation."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain import Actor
from bot.parts import Parts
from bot.web import app
from bot.web.desk_board import DeskBoard
from bot.web.server import BoardServer

VISITOR = Actor("board:you", "You", is_supervisor=True)
"""Whoever sits at this machine: the board listens on loopback, where there is nobody to tell apart."""


def start(parts: Parts, *, is_demo: bool = False, port: int | None = None) -> tuple[str, Callable[[], None]]:
    """Serve the board; return its address and what stops it.

    Raises:
        EarmarkError: the port is taken.
    """
    web = parts.settings.web
    site = app.create(DeskBoard(parts), settings=web, is_demo=is_demo, now=parts.now, who=VISITOR)
    server = BoardServer(site, web.host, web.port if port is None else port)
    host, bound = server.start()
    return f"http://{f'[{host}]' if ':' in host else host}:{bound}/", server.stop
