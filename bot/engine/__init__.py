"""Who calls which step when.

A step is a plain function of a key: it reads what is due, does the slow part with no transaction open, and commits
its effects at once. Tables hold the truth; a submitted step is only a wake-up, so losing one loses nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

Step = Callable[[str], datetime | None]
"""Does what is due for a key; returns when it wants to be called again, None when it need not be."""

Submit = Callable[[Session, str, str, datetime | None], None]
"""``submit(session, step, key, at)``: have a step run once the session commits, not before ``at``."""

Job = tuple[str, str]
"""A step's name and its key."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A step that time alone calls for, every ``seconds``."""

    step: str
    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Failing:
    """A step that failed when it was last tried, how often in a row, and why in words."""

    step: str
    key: str
    failures: int
    why: str

    def __str__(self) -> str:
        """As a person reads it, such as ``poll brand failed 3 times: …``."""
        times = "once" if self.failures == 1 else f"{self.failures} times"
        return f"{' '.join(filter(None, (self.step, self.key)))} failed {times}: {self.why}"


@dataclass(frozen=True, slots=True)
class Pulse:
    """How an engine is doing. ``stopped`` says why no step can be begun; it is empty while all is well."""

    stopped: str = ""
    failing: tuple[Failing, ...] = ()


class Engine(Protocol):
    """Runs steps. At least once after the commit; never two at once with the same name and key in healthy operation."""

    def submit(self, session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key`` after ``session`` commits; waiting twins are one job."""
        ...

    def wake(self, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key``: :meth:`submit` in a transaction of its own."""
        ...

    @property
    def is_stopping(self) -> bool:
        """True when a step should end at the next good place."""
        ...

    def drain(self, *, until: Callable[[], bool] = lambda: True) -> None:
        """Run until nothing is due, no step runs, and ``until`` agrees. No ticks: for one-off commands."""
        ...

    def run(self, stop: threading.Event) -> None:
        """Run steps until ``stop`` is set, then finish the ones that run and return."""
        ...

    def pulse(self) -> Pulse:
        """Return how it is doing, without asking the database."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine runs: the steps by name, the ticks, and ``pending``, which finds all work the tables hold."""

    steps: Mapping[str, Step]
    ticks: tuple[Tick, ...]
    pending: Callable[[], Iterable[Job]]
