"""Processes that begin with the product imported already: starting one costs a tenth of what a new Python does.

They are forked from a process that has one thread and no connection, so each is as good as a new one. Hundreds of
them are killed in a storm, where a new Python each time would be most of the work.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPORTED = (
    "__main__", "bot.engine.cluster", "bot.engine.embedded", "bot.nightly", "bot.operating.probes", "bot.serve",
    "bot.slack.delivery", "bot.slack.serving", "bot.web.serving", "connectors.replay", "tests.newborn",
)  # fmt: skip


class Process:
    """One process, with what of :class:`subprocess.Popen` is used of it."""

    def __init__(self, forked: BaseProcess) -> None:
        self._forked = forked

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._forked.exitcode

    @property
    def returncode(self) -> int | None:
        """The same."""
        return self._forked.exitcode

    def wait(self, timeout: float) -> int:
        """Wait for its end; return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        wait([self._forked.sentinel], timeout)
        self._forked.join(timeout=0 if self._forked.is_alive() else None)
        status = self._forked.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self._forked.name, timeout)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None and self._forked.pid is not None:
            os.kill(self._forked.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def start(
    arguments: Sequence[str], *, tagger: str, skew_s: float, log: Path, environment: Mapping[str, str]
) -> Process:
    """Start ``earmark`` with these arguments, in a process that writes into ``log``."""
    from tests.newborn import be

    forked = _nursery().Process(
        target=be, args=(list(arguments), tagger, skew_s, str(log), dict(environment)), daemon=True
    )
    forked.start()
    return Process(forked)


@cache
def _nursery() -> ForkServerContext:
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(IMPORTED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
    return made
