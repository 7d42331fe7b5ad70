"""``earmark poll``: one channel, now, to the end of what it has; or again from some time on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from bot import app, pipeline
from bot.app import Role
from bot.config import Settings
from bot.errors import InputError
from bot.parts import Parts


def run(settings: Settings, channel: str, since: datetime | None) -> str:
    """Fetch a channel; return a sentence that says what came. The tags follow when ``earmark run`` takes them up.

    A backfill leaves the channel's own cursor alone, and what is there already is not stored twice, so it may be
    broken off and repeated.

    Raises:
        InputError: there is no such channel, or the time is not past.
        ConnectorError: the platform did not answer or refused us.
    """
    if channel not in {known.name for known in settings.channels}:
        names = ", ".join(known.name for known in settings.channels)
        raise InputError(f"there is no channel '{channel}' in the config; known: {names}")
    app.create_if_new(settings)
    parts = app.build(settings, role=Role.POLL).parts
    try:
        with _progress(channel) as advance:
            total = _backfill(parts, channel, since, advance) if since else _poll(parts, channel, advance)
    finally:
        parts.database.dispose()
    return (
        f"{channel}: {total.read} mentions read, {total.new} of them new, {total.skipped} could not be read"
        f"{' (see the board, Channels)' if total.skipped else ''}."
    )


def _poll(parts: Parts, channel: str, advance: Callable[[int], None]) -> pipeline.Received:
    total = pipeline.Received(0, 0, 0, more=True)
    while total.more:
        received = pipeline.receive(parts, channel, raises=True)
        total = total + received
        advance(received.read)
    return total


def _backfill(parts: Parts, channel: str, since: datetime, advance: Callable[[int], None]) -> pipeline.Received:
    start = (since if since.tzinfo else since.replace(tzinfo=UTC)).astimezone(UTC)
    if start >= parts.now():
        raise InputError(f"--since {start.isoformat()} is not in the past; give an earlier time")
    total = pipeline.Received(0, 0, 0, more=True)
    cursor = parts.connectors[channel].since(start)
    while total.more:
        received, cursor = pipeline.receive_from(parts, channel, cursor)
        total = total + received
        advance(received.read)
    return total


@contextmanager
def _progress(channel: str) -> Iterator[Callable[[int], None]]:
    """A count on standard error while somebody watches; no platform says beforehand how much will come."""
    if not sys.stderr.isatty():
        yield lambda _read: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed} mentions"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(channel, total=None)
        yield lambda read: bar.advance(task, read)
