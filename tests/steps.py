"""A step that tests can look at, and an engine at work in a thread. Every wait is for an event, and is bounded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic

from bot.engine import Engine

LIMIT_S = 20.0
"""How long a test waits for what should come at once, on a machine that is busy."""


def real_now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


def wait_until(holds: Callable[[], bool]) -> None:
    """Come back when something holds."""
    deadline, pause = monotonic() + LIMIT_S, threading.Event()
    while not holds():
        assert monotonic() < deadline, "it did not come"
        pause.wait(0.05)


class Called:
    """A step that counts its calls, and can be held up or made to fail."""

    def __init__(self, *, fails: int = 0, held: bool = False, again: datetime | None = None) -> None:
        self.keys: list[str] = []
        self.fails = fails
        self.again = again
        self.most_at_once: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()
        self._changed = threading.Condition()
        self.may_go_on = threading.Event()
        if not held:
            self.may_go_on.set()

    def __call__(self, key: str) -> datetime | None:
        with self._changed:
            self.keys.append(key)
            self._at_once[key] += 1
            self.most_at_once[key] = max(self.most_at_once[key], self._at_once[key])
            self._changed.notify_all()
        assert self.may_go_on.wait(LIMIT_S)
        with self._changed:
            self._at_once[key] -= 1
        if len(self.keys) <= self.fails:
            raise ValueError("no luck")
        return self.again if len(self.keys) == 1 else None

    def wait_for(self, count: int) -> None:
        """Come back when it was called so often."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.keys) >= count, LIMIT_S), self.keys


@contextmanager
def served(engine: Engine) -> Iterator[threading.Event]:
    """The engine at work in a thread; stopped at the end, and seen to be stopped."""
    stop = threading.Event()
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(LIMIT_S)
        assert not thread.is_alive()
