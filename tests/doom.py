"""Death at a named point: a process kills itself just before or after its n-th commit or call to the outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from slack_sdk import WebClient
from sqlalchemy.engine.default import DefaultDialect

from connectors.replay import Replay

VARIABLE = "EARMARK_TEST_DIES"
"""Holds ``before`` or ``after``, what, and how many of it: ``after commit 3``."""
POINTS = ("commit", "slack", "poll")
WHENS = ("before", "after")


def arm() -> None:
    """Have this process die as the variable says; nothing is armed without it."""
    if VARIABLE not in os.environ:
        return
    when, point, number = os.environ[VARIABLE].split()
    owner, name = _PLACES[point]
    setattr(owner, name, _dying(getattr(owner, name), when, count(1), int(number)))


_PLACES: dict[str, tuple[type, str]] = {
    "commit": (DefaultDialect, "do_commit"),
    "slack": (WebClient, "api_call"),
    "poll": (Replay, "poll"),
}


def _dying(done: Callable[..., Any], when: str, numbers: Iterator[int], last: int) -> Callable[..., Any]:
    def called(*arguments: Any, **named: Any) -> Any:
        is_last = next(numbers) == last
        if is_last and when == "before":
            _die()
        answer = done(*arguments, **named)
        if is_last:
            _die()
        return answer

    return called


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
