"""``/healthz``, ``/readyz`` and ``/metrics``: for whoever restarts, balances and watches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.engine import Pulse
from bot.errors import EarmarkError
from bot.operating.counters import COUNTERS
from bot.operating.metrics import Figures
from bot.parts import Parts
from storage import db

OK: Final = "ok"
_PROBE: Final = "Thank you."


class Probes:
    """What a process says of itself. ``tags``: its role needs the tagger."""

    def __init__(self, parts: Parts, pulse: Callable[[], Pulse], *, tags: bool) -> None:
        self._parts = parts
        self._pulse = pulse
        self._tags = tags
        self._loading = threading.Lock()
        self._is_loaded = False
        self._figures = Figures(parts, pulse)

    def routes(self) -> list[BaseRoute]:
        """Return the addresses, to be served beside others."""
        return [Route("/healthz", self.healthz), Route("/readyz", self.readyz), Route("/metrics", self.metrics)]

    def healthz(self, _request: Request) -> Response:
        """``/healthz``: this process is alive, whatever the database does. Not so: restart it."""
        stopped = self._pulse().stopped
        return _answer({"engine": stopped or OK})

    def readyz(self, _request: Request) -> Response:
        """``/readyz``: this process can work. Not so: send it nothing, and read why."""
        parts = {"engine": self._pulse().stopped or OK, "database": self._database()}
        return _answer(parts | ({"tagger": self._tagger()} if self._tags else {}))

    def metrics(self, _request: Request) -> Response:
        """``/metrics``, in Prometheus' text format."""
        body = generate_latest(COUNTERS) + generate_latest(self._figures)
        return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _database(self) -> str:
        try:
            db.require_newest(self._parts.database)
        except EarmarkError as error:
            return str(error)
        return OK

    def _tagger(self) -> str:
        """A tagger that has tagged once stays loaded."""
        with self._loading:
            if self._is_loaded:
                return OK
            try:
                self._parts.tagger.tag([_PROBE])
            except EarmarkError as error:
                return str(error)
            except Exception as error:  # noqa: BLE001  # a model can fail in any way, and the probe must say so
                return f"the tagger cannot tag ({type(error).__name__}); see the log, or run 'earmark check'"
            self._is_loaded = True
            return OK


def _answer(parts: Mapping[str, str]) -> Response:
    is_well = all(said == OK for said in parts.values())
    return JSONResponse({"ok": is_well, **parts}, status_code=200 if is_well else 503)
