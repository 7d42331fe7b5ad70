"""``earmark summary``: the nightly summary of a day on the terminal, and on request in Slack."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Engine
from sqlmodel import Session

from bot import nightly
from bot.app import cost_model_of, open_database
from bot.config import Settings
from bot.errors import ConfigError, InputError
from bot.nightly import Summed
from bot.parts import utc_now
from bot.reporting.command import write_text
from bot.reports.data import as_data
from storage import db, summaries
from storage.summaries import Kept

_SAID: Final = {True: "ordered", False: "ordered before"}


def run(
    settings: Settings,
    day: date | None,
    *,
    as_json: bool,
    post: bool,
    csv_file: Path | None = None,
    now: Callable[[], datetime] = utc_now,
) -> bool:
    """Print the summary of a day, of yesterday without one; False when the ledger does not verify.

    With ``csv_file`` its figures are written there. With ``post`` it is ordered for Slack, unless it was before; the
    running bot sends it. A day that was summed up at night is posted in the words of that night.

    Raises:
        InputError: the day is not over.
        ConfigError: it is to be posted and no Slack channel is configured.
        StorageError: the database is unreachable or has an older schema.
    """
    day = _day(settings, day, now())
    if post and not nightly.slack_channel(settings):
        raise ConfigError("summary.slack_channel: there is no Slack channel to post in; set it, and [slack]")
    database = open_database(settings)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            summed = nightly.sum_up(session, settings, cost_model_of(settings.ledger), day, now=now())
        kept, is_new = _ordered(database, settings, summed.kept, now()) if post else (summed.kept, None)
    finally:
        database.dispose()
    if csv_file is not None:
        write_text(csv_file, summed.kept.thread.csv if summed.kept.thread else "")
    _print(kept, summed, is_new, as_json=as_json, channel=settings.summary.slack_channel)
    return summed.night is not None


def _day(settings: Settings, day: date | None, now: datetime) -> date:
    last = nightly.last_over(now, ZoneInfo(settings.earmark.timezone))
    if day is not None and day > last:
        raise InputError(f"--date {day}: that day is not over in {settings.earmark.timezone}; the last one is {last}")
    return day or last


def _ordered(database: Engine, settings: Settings, kept: Kept, now: datetime) -> tuple[Kept, bool]:
    with db.transaction(database) as session:
        summaries.keep(session, kept, now=now)
        return _stored(session, kept), nightly.order(session, settings, kept.day, now=now)


def _stored(session: Session, kept: Kept) -> Kept:
    return summaries.of(session, kept.day) or kept


def _print(kept: Kept, summed: Summed, is_new: bool | None, *, as_json: bool, channel: str) -> None:
    if as_json:
        data = {
            "date": kept.day.isoformat(),
            "ok": summed.night is not None,
            "lines": list(kept.lines),
            "night": as_data(summed.night) if summed.night else None,
            "post": None if is_new is None else _SAID[is_new],
        }
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    for line in kept.lines:
        click.echo(line)
    if summed.night is None and not kept.is_alarm:
        click.echo(summed.kept.lines[0], err=True)
    if is_new is not None:
        click.echo(f"{_SAID[is_new].capitalize()} for {channel}; the running bot sends it.", err=True)
