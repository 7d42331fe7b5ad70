"""The commands of incidents: ``earmark incident list`` and its siblings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from bot.cli_parts import CONFIG, JSON, settings_of

_BY: Final = click.option("--by", required=True, help="Who does it, for the history: a supervisor.")
_ID: Final = click.argument("incident_id", metavar="INCIDENT")


@click.group("incident")
def incident() -> None:
    """Many cases with one cause in a short time: see them, name them, answer them at once.

    \b
    Example:  earmark incident list --open
    """


@incident.command("list")
@CONFIG
@click.option("--open", "only_open", is_flag=True, help="Only those that go on.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@JSON
def listed(*, config_file: Path, only_open: bool, limit: int, as_json: bool) -> None:
    """List incidents, those that go on first, then the latest.

    \b
    Example:  earmark incident list --open
    """
    from bot import incident_command

    incident_command.show_list(settings_of(config_file), only_open=only_open, limit=limit, as_json=as_json)


@incident.command("show")
@_ID
@CONFIG
@JSON
def show(*, incident_id: str, config_file: Path, as_json: bool) -> None:
    """Show INCIDENT: its hours against the usual, its cases, and what was done about it.

    \b
    Example:  earmark incident show outage_fault-2026-11-18T11
    """
    from bot import incident_command

    incident_command.show_one(settings_of(config_file), incident_id, as_json=as_json)


@incident.command("rename")
@_ID
@click.argument("name")
@CONFIG
@_BY
def rename(*, incident_id: str, name: str, config_file: Path, by: str) -> None:
    """Give INCIDENT the NAME that people use.

    \b
    Example:  earmark incident rename outage_fault-2026-11-18T11 "Card reader fault" --by "Eve Example"
    """
    from bot import incident_command

    click.echo(incident_command.rename(settings_of(config_file), incident_id, name, by=by))


@incident.command("add")
@_ID
@click.argument("case_id", metavar="CASE", type=click.IntRange(1))
@CONFIG
@_BY
def add(*, incident_id: str, case_id: int, config_file: Path, by: str) -> None:
    """Say that CASE is part of INCIDENT, whatever its reason.

    \b
    Example:  earmark incident add outage_fault-2026-11-18T11 4711 --by "Eve Example"
    """
    from bot import incident_command

    click.echo(incident_command.add(settings_of(config_file), incident_id, case_id, by=by))


@incident.command("remove")
@click.argument("case_id", metavar="CASE", type=click.IntRange(1))
@CONFIG
@_BY
def remove(*, case_id: int, config_file: Path, by: str) -> None:
    """Say that CASE is part of no incident; the bot leaves it out from now on.

    \b
    Example:  earmark incident remove 4711 --by "Eve Example"
    """
    from bot import incident_command

    click.echo(incident_command.remove(settings_of(config_file), case_id, by=by))


@incident.command("answer")
@_ID
@click.argument("text")
@CONFIG
@_BY
def answer(*, incident_id: str, text: str, config_file: Path, by: str) -> None:
    """Send TEXT to every customer of INCIDENT who waits, in public, and resolve their cases.

    The running bot sends it. Cases that somebody has claimed are left to them. Given twice, nobody gets it twice.

    \b
    Example:  earmark incident answer outage_fault-2026-11-18T11 "Card payments work again." --by "Eve Example"
    """
    from bot import incident_command

    click.echo(incident_command.answer(settings_of(config_file), incident_id, text, by=by))


@incident.command("resolve")
@_ID
@click.argument("note")
@CONFIG
@_BY
def resolve(*, incident_id: str, note: str, config_file: Path, by: str) -> None:
    """Resolve the waiting cases of INCIDENT with a NOTE that no customer sees; the running bot does it.

    \b
    Example:  earmark incident resolve outage_fault-2026-11-18T11 "Answered on our status page" --by "Eve Example"
    """
    from bot import incident_command

    click.echo(incident_command.resolve(settings_of(config_file), incident_id, note, by=by))


@incident.command("close")
@_ID
@CONFIG
@_BY
def close(*, incident_id: str, config_file: Path, by: str) -> None:
    """Say that INCIDENT is over; the bot closes it by itself after two ordinary hours.

    \b
    Example:  earmark incident close outage_fault-2026-11-18T11 --by "Eve Example"
    """
    from bot import incident_command

    click.echo(incident_command.close(settings_of(config_file), incident_id, by=by))
