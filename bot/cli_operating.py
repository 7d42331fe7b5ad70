"""Commands for whoever operates an installation."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.cli_parts import CONFIG, FILE, JSON, settings_of

EXIT_ATTENTION = 1


@click.command("status")
@CONFIG
@JSON
def status(*, config_file: Path, as_json: bool) -> None:
    """Show how the installation is doing: exit 0, or 1 when something wants attention, with a sentence for each.

    It asks the database alone: no channel, no Slack, no running process.

    \b
    Example:  earmark status --json
    """
    from bot.operating import status as looking

    if not looking.run(settings_of(config_file), as_json=as_json):
        sys.exit(EXIT_ATTENTION)


@click.command("trace")
@click.argument("mention")
@CONFIG
@JSON
def trace(*, mention: str, config_file: Path, as_json: bool) -> None:
    """Show what became of MENTION, step by step: tags, case, journals, messages. Nothing of what people wrote.

    MENTION is its number, which is also that of the case it opened and of the log's "trace", or platform:id.

    \b
    Example:  earmark trace x:1234567890
    """
    from bot.operating import tracing

    tracing.run(settings_of(config_file), mention, as_json=as_json)


@click.command("move")
@click.option("--to", "to_url", default="", help="The new database, such as postgresql://earmark@host/earmark.")
@click.option("--to-env", default="", help="The environment variable with its URL, where that has a password.")
@CONFIG
def move(*, to_url: str, to_env: str, config_file: Path) -> None:
    """Move the whole installation to an empty PostgreSQL: all rows or none, the ledger verified there.

    Stop Earmark first. The old database stays as it is and is closed: no Earmark starts on it any more.

    \b
    Example:  earmark db move --to-env EARMARK_NEW_DATABASE_URL
    """
    from bot.operating import moving

    moving.run(settings_of(config_file), to_url=to_url, to_env=to_env)


@click.command("backup")
@click.argument("file", type=FILE)
@CONFIG
def backup(*, file: Path, config_file: Path) -> None:
    """Copy the SQLite database into FILE while Earmark runs, and verify the ledger in the copy.

    \b
    Example:  earmark db backup /var/backups/earmark-2026-11-22.sqlite
    """
    from bot.operating import copies

    copies.back_up(settings_of(config_file), file)


@click.command("restored")
@click.option(
    "--made",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    help="When the copy was made (UTC unless it says otherwise); without it, when it last did something.",
)
@CONFIG
def restored(*, made: datetime | None, config_file: Path) -> None:
    """Say that the database was put back from a copy that 'earmark db backup' did not make, such as pg_dump's.

    Cards that were posted after the copy was made are then looked for in Slack, not posted again. Say it before
    you start Earmark; a copy of 'earmark db backup' says it by itself.

    \b
    Example:  earmark db restored --made 2026-11-22T03:00
    """
    from bot.operating import copies

    at = made.replace(tzinfo=UTC) if made and made.tzinfo is None else made
    copies.restored(settings_of(config_file), at)


def register(cli: click.Group, database: click.Group) -> None:
    """Add the commands."""
    for command in (status, trace):
        cli.add_command(command)
    for command in (backup, restored, move):
        database.add_command(command)
