"""Socket Mode of the Slack stand-in. https://docs.slack.dev/apis/events-api/using-socket-mode"""

from __future__ import annotations

import asyncio
import secrets
import threading
from concurrent.futures import Future
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from tests.servers.slack_workspace import APP, Json, SlackRefusal

CONNECTIONS_MAX = 10
ACK_SECONDS = 20.0
"""Slack waits three; a busy test machine gets more."""


class Sockets:
    """The open connections of one app; each envelope goes to one of them."""

    def __init__(self, app_token: str) -> None:
        self._app_token = app_token
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._acks: dict[str, Future[Json]] = {}
        self._turn = 0
        self._served = 0
        self.connected = threading.Event()
        """Set while envelopes have a connection to go to."""
        self.disconnected = threading.Event()
        """Set while no connection is there at all, not even one that was asked to be left."""
        self.disconnected.set()
        self.connection_count = 0
        """Connections made since the start."""

    @property
    def is_connected(self) -> bool:
        """True while a connection is open."""
        return bool(self._open)

    def open_ticket(self, token: str, base: str) -> Json:
        """The answer of apps.connections.open: an address good for one connection.

        https://docs.slack.dev/reference/methods/apps.connections.open
        """
        if not token:
            raise SlackRefusal("not_authed")
        if token != self._app_token:
            raise SlackRefusal("not_allowed_token_type" if token.startswith("xoxb-") else "invalid_auth")
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return {"url": f"{base.replace('http', 'ws', 1)}link/{ticket}?app_id={APP}"}

    async def endpoint(self, socket: WebSocket) -> None:
        """One connection, from hello to its end."""
        ticket = socket.path_params["ticket"]
        if ticket not in self._tickets or len(self._open) >= CONNECTIONS_MAX:
            await socket.close()
            return
        self._tickets.discard(ticket)
        await socket.accept()
        self._loop = asyncio.get_running_loop()
        info = {"type": "hello", "connection_info": {"app_id": APP}, "num_connections": len(self._open) + 1}
        await socket.send_json({**info, "debug_info": {"host": "stand-in", "approximate_connection_time": 18060}})
        self._open.append(socket)
        self._served += 1
        self.connection_count += 1
        self.disconnected.clear()
        self.connected.set()
        try:
            await self._read_acks(socket)
        finally:
            self._forget(socket)
            self._served -= 1
            if not self._served:
                self.disconnected.set()

    async def _read_acks(self, socket: WebSocket) -> None:
        while True:
            try:
                ack: Any = await socket.receive_json()
            except (WebSocketDisconnect, RuntimeError):
                return
            waiting = self._acks.pop(ack["envelope_id"], None)
            if waiting is not None:
                waiting.set_result(ack)

    def _forget(self, socket: WebSocket) -> None:
        if socket in self._open:
            self._open.remove(socket)
        if not self._open:
            self.connected.clear()

    def send(self, kind: str, payload: Json, retry: int = 0) -> Json:
        """Send one envelope to one connection, each in turn, and return the app's ack.

        Raises:
            TimeoutError: the app did not acknowledge.
        """
        envelope = secrets.token_hex(8)
        message: Json = {"envelope_id": envelope, "type": kind, "payload": payload}
        message["accepts_response_payload"] = kind in {"interactive", "slash_commands"}
        if kind == "events_api":
            message |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        waiting = self._acks[envelope] = Future()
        self._turn += 1
        self._run(self._open[self._turn % len(self._open)].send_json(message))
        return waiting.result(timeout=ACK_SECONDS)

    def refresh(self) -> None:
        """Ask the app to come back on a new connection, as Slack does now and then.

        The old ones get no envelope any more, and are left for the app to close once it has a new one. Closed at once,
        they would race with what was said on them: the app might reconnect for the one and then for the other.
        """
        for socket in [*self._open]:
            self._forget(socket)
            self._run(socket.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}}))

    def close(self) -> None:
        """Close what is open."""
        for socket in [*self._open]:
            self._forget(socket)
            self._run(self._end(socket))

    @staticmethod
    async def _end(socket: WebSocket) -> None:
        if socket.client_state is WebSocketState.CONNECTED:
            await socket.close()

    def _run(self, coroutine: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=ACK_SECONDS)
