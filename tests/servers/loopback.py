"""Runs an ASGI app on 127.0.0.1, in a thread, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class _Protocol(H11Protocol):
    """uvicorn's own, that remembers its connections so that an app can break one."""

    transports: ClassVar[WeakValueDictionary[Any, asyncio.Transport]] = WeakValueDictionary()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transports[transport.get_extra_info("peername")] = transport
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """uvicorn's own, that stops when it is told, where the original looks ten times a second."""

    _told: asyncio.Event | None = None

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        if not self.should_exit:
            await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything, without the tenth of a second that the original waits for each time."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wait_tasks_to_complete(), timeout=1)

    def tell(self) -> None:
        """Stop, from another thread."""
        self.should_exit = True
        if self._told is not None:
            self._loop.call_soon_threadsafe(self._told.set)


@contextmanager
def serve(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serve ``app`` inside the ``with`` block; the value is its address, such as ``http://127.0.0.1:40123``.

    The socket listens before the thread starts, so nobody has to wait for it. HTTP and WebSockets; no lifespan.
    """
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="loopback", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.tell()
            thread.join(timeout=10)
            assert not thread.is_alive(), "the loopback server did not stop"


def drop_connection(scope: Any) -> None:
    """Break the connection a request came on, without an answer: call it from the app, then return."""
    _Protocol.transports[tuple(scope["client"])].abort()
