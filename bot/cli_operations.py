"""Commands that change what is stored: erasing an author, closing a month; and the versions of the cost model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.parts import Parts

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def register(cli: click.Group, ledger: click.Group, *, config: Decorator, settings: Callable[[Path], Settings]) -> None:
    """Add the commands; ``config`` is the option ``--config``, ``settings`` reads that file."""
    cli.add_command(_erase(config, settings))
    ledger.add_command(_close(config, settings))
    ledger.add_command(_versions(config, settings))


def _parts(settings: Settings) -> Parts:
    from bot import app

    # A role that polls nothing and serves nothing: such commands need the database and the cost model.
    return app.build(settings, role=app.Role.WORK).parts


def _erase(config: Decorator, settings: Callable[[Path], Settings]) -> click.Command:
    @click.command("erase")
    @click.argument("author")
    @config
    @click.option("--dry-run", is_flag=True, help="Only say what would be blanked.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def erase(*, author: str, config_file: Path, dry_run: bool, yes: bool) -> None:
        """Blank text, handle, name and ids of AUTHOR everywhere outside the ledger, which has nothing of a person.

        AUTHOR is platform:handle or platform:id. This cannot be undone.

        \b
        Example:  earmark erase x:ann_example --dry-run
        """
        from bot import erase as erasing

        parts = _parts(settings(config_file))
        found = erasing.find(parts, author)
        if dry_run:
            click.echo(erasing.told(found, is_done=False))
            return
        if not yes:
            click.confirm(f"{erasing.told(found, is_done=False)} Go on?", abort=True, err=True)
        click.echo(erasing.told(erasing.erase(parts, author), is_done=True))

    return erase


def _close(config: Decorator, settings: Callable[[Path], Settings]) -> click.Command:
    @click.command("close")
    @click.argument("period")
    @config
    @click.option("--soft", is_flag=True, help="Only mark the month as over; it is closed later.")
    @click.option("--by", default="", help="Who closes it, for the seal; needed unless --soft.")
    @click.option("--accept-unclassified", is_flag=True, help="Close although much of the cost has no reason.")
    def close(*, period: str, config_file: Path, soft: bool, by: str, accept_unclassified: bool) -> None:
        """Close the month PERIOD and seal it: nothing is posted into it any more, later events go to the next day.

        \b
        Example:  earmark ledger close 2026-09 --by "Finance, A. Example"
        """
        from bot import periods

        if not (soft or by.strip()):
            raise click.UsageError("say who closes the month with --by, such as --by Finance")
        parts = _parts(settings(config_file))
        if soft:
            click.echo(periods.soften(parts, period))
            return
        sealed = periods.close(parts, period, by=by.strip(), accept_unclassified=accept_unclassified)
        head = str(sealed.last_hash)[:16]
        click.echo(f"{period} is closed by {sealed.closed_by}: {sealed.last_seq} journals, last hash {head}.")

    return close


def _versions(config: Decorator, settings: Callable[[Path], Settings]) -> click.Command:
    @click.command("config")
    @config
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    def versions(*, config_file: Path, as_json: bool) -> None:
        """Show every version of the cost model that journals were posted under, oldest first.

        \b
        Example:  earmark ledger config
        """
        from storage import ledger_versions
        from storage.db import reading

        parts = _parts(settings(config_file))
        with reading(parts.database) as session:
            found = ledger_versions.versions(session)
        if as_json:
            click.echo(json.dumps({"current": parts.model.config_version, "versions": [one.told() for one in found]}))
            return
        for one in found:
            mark = "*" if one.version == parts.model.config_version else " "
            approved = f"approved by {one.approved_by}" if one.approved_by else "placeholder, not approved"
            click.echo(f"{mark} {one.version}  since {one.recorded_at:%Y-%m-%d %H:%M} UTC  {approved}")

    return versions
