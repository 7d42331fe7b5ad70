"""Signs of life: a process that runs the bot says so in the database, and what fails in it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

import structlog

from bot.engine import Pulse
from bot.errors import EarmarkError
from bot.parts import Parts
from storage import vitals
from storage.db import transaction
from storage.vitals import Beat

BEAT_SECONDS: Final = 15.0
_SENTENCES_MAX: Final = 20
_SENTENCE_LENGTH_MAX: Final = 500

log = structlog.get_logger(__name__)


class Heart:
    """Beats from :meth:`start` until :meth:`stop`, unless the engine has stopped turning."""

    def __init__(self, parts: Parts, role: str, pulse: Callable[[], Pulse]) -> None:
        self._parts = parts
        self._role = role
        self._pulse = pulse
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._started_at = parts.now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Say good-bye: a process that stops properly leaves no row."""
        self._stop.set()
        self._thread.join()
        try:
            with transaction(self._parts.database) as session:
                vitals.stopped(session, self._name)
        except EarmarkError as error:
            log.warning("good_bye_failed", error=str(error))

    def beat(self) -> None:
        """Give one sign of life."""
        pulse = self._pulse()
        if pulse.stopped:
            log.error("engine_stopped", why=pulse.stopped)
            return
        trouble = tuple(" ".join(str(one).split())[:_SENTENCE_LENGTH_MAX] for one in pulse.failing[:_SENTENCES_MAX])
        sign = Beat(self._name, self._role, version("earmark"), trouble, self._started_at, self._parts.now())
        try:
            with transaction(self._parts.database) as session:
                vitals.beat(session, sign)
        except EarmarkError as error:
            log.warning("beat_failed", error=str(error))

    def _run(self) -> None:
        # The engine begins to turn at about the same time; its first seconds are no trouble.
        while not self._stop.wait(1.0 if self._pulse().stopped else 0.0):
            self.beat()
            if self._stop.wait(BEAT_SECONDS):
                return
