"""A wire between a node and its database, on 127.0.0.1, that tests can cut and mend."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Carries bytes to ``target`` and back. Cut, it resets what it carries and refuses what comes."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def cut(self) -> None:
        """Break every connection, in the middle of whatever it carries, and take no other."""
        with self._lock:
            broken, self._open = self._open, []
        for one in (self._listener, *broken):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def mend(self) -> None:
        """Take connections again."""
        self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        threading.Thread(target=self._take, args=(listener,), daemon=True).start()
        return listener

    def _take(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                self._join(near, socket.create_connection(self._target, timeout=5))

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        far.settimeout(None)
        with self._lock:
            self._open += [near, far]
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while chunk := one.recv(65_536):
                other.sendall(chunk)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open = [kept for kept in self._open if kept is not one]
        one.close()


@contextmanager
def wire(host: str, port: int) -> Iterator[Wire]:
    """A wire to an address; cut at the end."""
    made = Wire((host, port))
    try:
        yield made
    finally:
        made.cut()
