"""``earmark trace``: what became of one mention, from its post to the card."""

from __future__ import annotations

import json

import click

from bot.app import open_database
from bot.config import Settings
from bot.errors import InputError
from storage import db, traces


def run(settings: Settings, name: str, *, as_json: bool) -> None:
    """Print the way of a mention, by our id, by that of the case it opened, or as ``platform:id``.

    Raises:
        InputError: there is no such mention.
    """
    database = open_database(settings)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            platform, _, external_id = name.partition(":")
            found = int(name) if name.isdecimal() else traces.mention_id(session, platform, external_id)
            steps = traces.trace(session, found) if found is not None and found < 2**63 else []
    finally:
        database.dispose()
    if not steps:
        raise InputError(f"{name}: there is no such mention; name it by its number, such as 17, or as x:1234567890")
    if as_json:
        told = [{"at": step.at.isoformat(), "step": step.step, "what": step.what} for step in steps]
        click.echo(json.dumps({"trace": found, "steps": told}))
        return
    click.echo(f"Mention {found}; in the log: '\"trace\": {found}'")
    for step in steps:
        click.echo(f"{step.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {step.step:<9} {step.what}")
