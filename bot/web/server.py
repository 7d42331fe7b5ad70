"""Serves the board from a thread: start, stop, nothing in between."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from bot.errors import EarmarkError

GRACE_S: Final = 3
START_S: Final = 15.0


class _Server(uvicorn.Server):
    """uvicorn's server, which also tells when it has come up, or gone without coming up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


@dataclass
class BoardServer:
    """One listening address. ``port`` 0 takes any free one. Signals stay with the main thread."""

    app: ASGIApp
    host: str = "127.0.0.1"
    port: int = 0
    name: str = "the board"
    key: str = "--port or web.port"
    """What a person changes when the port is taken."""
    _server: _Server | None = field(default=None, repr=False)
    _thread: Thread | None = field(default=None, repr=False)

    def start(self) -> tuple[str, int]:
        """Listen, and return host and port once requests are answered.

        Raises:
            EarmarkError: the address cannot be used, such as a port that is taken.
        """
        listener = self._listen()
        config = uvicorn.Config(
            self.app,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)
        self._thread = Thread(target=self._server.run, args=([listener],), name=self.name, daemon=True)
        self._thread.start()
        if not self._server.settled.wait(START_S):
            self.stop()
            raise EarmarkError(f"{self.name} did not come up within {START_S:.0f} s; see the log")
        return self.host, int(listener.getsockname()[1])

    def stop(self) -> None:
        """Finish the requests under way, at most a few seconds, and give the port back. Safe to call twice."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise EarmarkError(
                f"{self.name} cannot listen on {self.host}:{self.port} ({error.strerror});"
                f" choose another port with {self.key}"
            ) from error
        return listener
