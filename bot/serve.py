"""``earmark run``: one process, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from bot import app
from bot.app import Role
from bot.config import Settings


def run(settings: Settings, role: str, *, metrics_port: int | None = None) -> None:
    """Run until SIGTERM or SIGINT; the step in the middle is finished first, or found again at the next start.

    A fresh SQLite file is migrated by itself; an older schema is not, because that wants a backup first.

    Raises:
        EarmarkError: the set-up is wrong; nothing was started.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    # Before anything else: a stop that comes while the tables are made must not cut that short either.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    app.create_if_new(settings)
    app.build(settings, role=Role(role)).run(stop, metrics_port=metrics_port)
