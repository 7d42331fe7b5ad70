"""The board of a running installation, and the probes where there is no board."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot.domain import Actor
from bot.parts import Parts
from bot.web import app
from bot.web.desk_board import DeskBoard
from bot.web.server import BoardServer

VISITOR = Actor("board:you", "You", is_supervisor=True)
"""Whoever sits at this machine: the board listens on loopback, where there is nobody to tell apart."""


def start(
    parts: Parts, *, is_demo: bool = False, port: int | None = None, probes: Sequence[BaseRoute] = ()
) -> tuple[str, Callable[[], None]]:
    """Serve the board, and ``probes`` beside it; return its address and what stops it.

    Raises:
        EarmarkError: the port is taken.
    """
    web = parts.settings.web
    site = app.create(DeskBoard(parts), settings=web, is_demo=is_demo, now=parts.now, who=VISITOR, probes=probes)
    return _started(BoardServer(site, web.host, web.port if port is None else port))


def start_probes(parts: Parts, port: int, probes: Sequence[BaseRoute]) -> tuple[str, Callable[[], None]]:
    """Serve nothing but ``probes``; return their address and what stops it.

    Raises:
        EarmarkError: the port is taken.
    """
    key = "--metrics-port or web.metrics_port"
    host = parts.settings.web.metrics_host
    return _started(BoardServer(Starlette(routes=probes), host, port, name="the metrics", key=key))


def _started(server: BoardServer) -> tuple[str, Callable[[], None]]:
    host, bound = server.start()
    return f"http://{f'[{host}]' if ':' in host else host}:{bound}/", server.stop
