"""``earmark status``: the installation at a glance, for whoever is called at night."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from bot.app import open_database
from bot.config import Settings
from bot.errors import StorageError
from bot.operating.attention import attention, is_alive
from bot.operating.metrics import disk_free, overdue_polls
from bot.parts import utc_now
from bot.web.words import ago, plural, span
from storage import db
from storage.vitals import Vitals, vitals

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Status:
    """What was found. ``vitals`` is None where the database could not be asked."""

    at: datetime
    version: str
    database: str
    schema: str
    vitals: Vitals | None
    disk_free: int | None
    attention: list[str]


def run(settings: Settings, *, as_json: bool, now: Callable[[], datetime] = utc_now) -> bool:
    """Print the status; True when nothing wants attention."""
    found = status(settings, now=now())
    if as_json:
        click.echo(json.dumps(told(found, settings), ensure_ascii=False))
    else:
        _print(found, settings)
    return not found.attention


def status(settings: Settings, *, now: datetime) -> Status:
    """Ask the database; one that cannot be asked is what wants attention."""
    database = open_database(settings)
    where = database.url.render_as_string(hide_password=True)
    queues = [queue.name for queue in settings.queues]
    installed, free = version("earmark"), disk_free(database)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            found = vitals(session, queues, now=now)
    except StorageError as error:
        return Status(now, installed, where, "", None, free, [_sentence(error)])
    finally:
        database.dispose()
    wants = attention(found, settings, version=installed, disk_free=free, now=now)
    return Status(now, installed, where, db.newest_revision(), found, free, wants)


def _sentence(error: StorageError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."


def told(status: Status, settings: Settings) -> dict[str, Any]:
    """Return the status as JSON holds it; ages are whole seconds, times ISO in UTC."""
    now = status.at
    data: dict[str, Any] = {
        "ok": not status.attention,
        "attention": status.attention,
        "at": now.isoformat(),
        "version": status.version,
        "database": status.database,
        "schema": status.schema,
        "disk_free_bytes": status.disk_free,
    }
    return data if status.vitals is None else data | _vitals_told(status.vitals, settings, now)


def _vitals_told(found: Vitals, settings: Settings, now: datetime) -> dict[str, Any]:
    overdue = dict(overdue_polls(found.channels, settings, now))
    return {
        "processes": [
            {
                "name": beat.name,
                "role": beat.role,
                "version": beat.version,
                "alive": is_alive(beat, now),
                "beat_age_s": _age(beat.beat_at, now),
                "trouble": list(beat.trouble),
            }
            for beat in found.processes
        ],
        "channels": [
            {
                "name": one.name,
                "polled_at": _iso(one.polled_at),
                "good_poll_at": _iso(one.read_at),
                "lag_s": _age(one.caught_up_at, now),
                "poll_overdue_s": int(overdue.get(one.name, 0)),
                "next_poll_at": _iso(one.next_poll_at),
                "failures": one.failures,
                "error": one.error,
                "notice": one.notice,
                "mentions": one.mention_count,
                "skipped": one.skipped_count,
            }
            for one in found.channels
        ],
        "mentions": {
            "untagged": found.untagged,
            "oldest_untagged_s": _age(found.oldest_untagged_at, now),
            "set_aside": found.set_aside,
        },
        "queues": [
            {"name": one.queue, "open": one.open, "unclaimed": one.unclaimed, "overdue": one.overdue}
            for one in found.queues
        ],
        "outbox": [
            {
                "slack_channel": one.slack_channel,
                "waiting": one.waiting,
                "oldest_s": _age(one.oldest_at, now),
                "error": one.error,
                "dead": one.dead,
            }
            for one in found.lines
        ],
        "answers": [
            {"channel": one.channel, "waiting": one.waiting, "oldest_s": _age(one.oldest_at, now), "error": one.error}
            for one in found.answers
        ],
        "ledger": {
            "journals": found.journals,
            "verified_at": _iso(found.check.at) if found.check else None,
            "problem": found.check.problem if found.check else None,
        },
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _age(at: datetime | None, now: datetime) -> int | None:
    return int((now - at).total_seconds()) if at else None


# -- for people --------------------------------------------------------------------------------------------------


def _print(found: Status, settings: Settings) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for part in _shown(found, settings):
        console.print(part)


def _shown(found: Status, settings: Settings) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    schema = f", schema {found.schema}" if found.schema else ""
    yield Text(f"Earmark {found.version} on {found.database}{schema}, {found.at:%Y-%m-%d %H:%M:%S} UTC", style="bold")
    if found.attention:
        yield Text(f"{plural(len(found.attention), 'thing')} to look at:", style="bold red")
        yield from (Padding(Text(f"- {sentence}", style="red"), (0, 0, 0, 2)) for sentence in found.attention)
    else:
        yield Text("All is well.", style="bold green")
    if found.vitals is not None:
        for table in _tables(found.vitals, settings, found.at):
            yield from ("", table)
        yield ""
        yield from _lines(found.vitals, found)


def _tables(found: Vitals, settings: Settings, now: datetime) -> Iterator[Table]:
    if found.processes:
        table = _table("process", "role", "version", "alive", "failing")
        for beat in found.processes:
            alive = f"yes, {ago(beat.beat_at, now)}" if is_alive(beat, now) else f"no, since {ago(beat.beat_at, now)}"
            table.add_row(*_row(beat.name, beat.role, beat.version, alive, len(beat.trouble) or ""))
        yield table
    table = _table("channel", "last good poll", "behind", "failures", "mentions", "skipped", "waits")
    names = [channel.name for channel in settings.channels]
    for one in (one for one in found.channels if one.name in names):
        behind = span((now - one.caught_up_at).total_seconds()) if one.caught_up_at else "-"
        left = (one.next_poll_at - now).total_seconds() if one.next_poll_at else 0.0
        counts = (one.failures, one.mention_count, one.skipped_count)
        table.add_row(*_row(one.name, ago(one.read_at, now), behind, *counts, f"in {span(left)}" if left > 0 else ""))
    yield table
    table = _table("queue", "open", "unclaimed", "overdue")
    for queue in found.queues:
        table.add_row(*_row(queue.queue, queue.open, queue.unclaimed, queue.overdue))
    yield table
    if found.lines:
        table = _table("outbox", "waiting", "oldest", "dead", "Slack last said")
        for line in found.lines:
            table.add_row(
                *_row(line.slack_channel, line.waiting, ago(line.oldest_at, now) if line.oldest_at else "-", line.dead),
                line.error,
            )
        yield table
    if found.answers:
        table = _table("answers to", "waiting", "oldest", "platform last said")
        for answers in found.answers:
            table.add_row(*_row(answers.channel, answers.waiting, ago(answers.oldest_at, now)), answers.error)
        yield table


def _lines(found: Vitals, of: Status) -> Iterator[RenderableType]:
    from rich.text import Text

    since = found.oldest_untagged_at
    oldest = f", the oldest for {span((of.at - since).total_seconds())}" if since else ""
    aside = f"; {plural(found.set_aside, 'mention')} could not be tagged" if found.set_aside else ""
    yield Text(f"Untagged: {plural(found.untagged, 'mention')}{oldest}{aside}.")
    check = found.check
    verified = "never verified" if check is None else f"verified {ago(check.at, of.at)}, {check.problem or 'all holds'}"
    yield Text(f"Ledger: {plural(found.journals, 'journal')}, {verified}.")
    if of.disk_free is not None:
        yield Text(f"Disk: {of.disk_free / 2**30:,.1f} GiB free beside the database.")


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns:
        is_number = name in {"open", "unclaimed", "overdue", "failures", "mentions", "skipped", "waiting", "dead"}
        table.add_column(name, justify="right" if is_number else "left")
    return table


def _row(*cells: object) -> list[RenderableType]:
    from rich.text import Text

    return [Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in cells]
