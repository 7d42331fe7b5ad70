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


class Engine(Protocol):
    """Runs steps. At least once after the commit; never two at once with the same name and key in healthy operation."""

    def submit(self, session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key`` after ``session`` commits; waiting twins are one job."""
        ...

    def run(self, stop: threading.Event) -> None:
        """Run steps until ``stop`` is set, then finish the ones that run and return."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine runs: the steps by name, the ticks, and ``pending``, which finds all work the tables hold."""

    steps: Mapping[str, Step]
    ticks: tuple[Tick, ...]
    pending: Callable[[], Iterable[Job]]
