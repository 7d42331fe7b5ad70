"""Commands that change what is stored: erasing an author, closing a month; and the versions of the cost model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli_parts import CONFIG, JSON, settings_of

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.parts import Parts


def _parts(settings: Settings) -> Parts:
    from bot import app

    # A role that polls nothing and serves nothing: such commands need the database and the cost model.
    return app.build(settings, role=app.Role.WORK).parts


@click.command("erase")
@click.argument("author")
@CONFIG
@click.option("--dry-run", is_flag=True, help="Only say what would be blanked.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(*, author: str, config_file: Path, dry_run: bool, yes: bool) -> None:
    """Blank text, handle, name and ids of AUTHOR everywhere outside the ledger, which has nothing of a person.

    AUTHOR is platform:handle or platform:id. This cannot be undone.

    \b
    Example:  earmark erase x:ann_example --dry-run
    """
    from bot import erase as erasing

    parts = _parts(settings_of(config_file))
    found = erasing.find(parts, author)
    if dry_run:
        click.echo(erasing.told(found, is_done=False))
        return
    if not yes:
        click.confirm(f"{erasing.told(found, is_done=False)} Go on?", abort=True, err=True)
    click.echo(erasing.told(erasing.erase(parts, author), is_done=True))


@click.command("close")
@click.argument("period")
@CONFIG
@click.option("--soft", is_flag=True, help="Only supervisors and finance post into it from now on.")
@click.option("--by", default="", help="Who closes it, for the seal; needed unless --soft.")
@click.option("--accept-unclassified", is_flag=True, help="Close although much of the cost has no reason.")
def close(*, period: str, config_file: Path, soft: bool, by: str, accept_unclassified: bool) -> None:
    """Close the month PERIOD and seal it: nothing is posted into it any more, later events go to the next open day.

    With --soft it is only over: automatic postings and those of agents go to the next open day, supervisors and
    finance still correct it.

    \b
    Example:  earmark ledger close 2026-09 --by "Finance, A. Example"
    """
    from bot import periods

    if not (soft or by.strip()):
        raise click.UsageError("say who closes the month with --by, such as --by Finance")
    parts = _parts(settings_of(config_file))
    if soft:
        click.echo(periods.soften(parts, period))
        return
    sealed = periods.close(parts, period, by=by.strip(), accept_unclassified=accept_unclassified)
    head = str(sealed.last_hash)[:16]
    click.echo(f"{period} is closed by {sealed.closed_by}: {sealed.last_seq} journals, last hash {head}.")


@click.command("config")
@CONFIG
@JSON
def versions(*, config_file: Path, as_json: bool) -> None:
    """Show every version of the cost model that journals were posted under, oldest first.

    \b
    Example:  earmark ledger config
    """
    from storage import ledger_versions
    from storage.db import reading

    parts = _parts(settings_of(config_file))
    with reading(parts.database) as session:
        found = ledger_versions.versions(session)
    if as_json:
        click.echo(json.dumps({"current": parts.model.config_version, "versions": [one.told() for one in found]}))
        return
    for one in found:
        mark = "*" if one.version == parts.model.config_version else " "
        approved = f"approved by {one.approved_by}" if one.approved_by else "placeholder, not approved"
        click.echo(f"{mark} {one.version}  since {one.recorded_at:%Y-%m-%d %H:%M} UTC  {approved}")


@click.command("reclass")
@click.option(
    "--period",
    type=click.Choice(["open"]),
    default="open",
    show_default=True,
    expose_value=False,  # the only choice there is: what is closed stays as it was
    help="Which periods.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would move.")
@CONFIG
@JSON
def reclass(*, dry_run: bool, config_file: Path, as_json: bool) -> None:
    """Apply the present cost model and taxonomy to what was posted in open periods, by reversal and posting anew.

    Closed periods stay as they were. Twice is once; a run that was stopped is run again.

    \b
    Example:  earmark ledger reclass --period open --dry-run
    """
    from bot import reclassing

    reclassing.run(settings_of(config_file), dry_run=dry_run, as_json=as_json)


@click.command("note")
@click.argument("reason")
@click.argument("text")
@click.option("--by", required=True, help="Who says so.")
@CONFIG
def note(*, reason: str, text: str, by: str, config_file: Path) -> None:
    """Note what is behind the contacts of REASON; 'earmark ledger top' shows it. An empty TEXT takes it back.

    \b
    Example:  earmark ledger note where_is_it "the carrier scans parcels a day late" --by Sue
    """
    from bot import notes

    click.echo(notes.write(_parts(settings_of(config_file)), reason, text, by=by))


@click.command("override")
@click.argument("case_id", metavar="CASE", type=click.IntRange(1))
@click.option("--quadrant", type=click.Choice(["asset", "automate", "simplify", "liability"]), help="What kind it is.")
@click.option("--owner", "owners", multiple=True, metavar="DEPARTMENT[=POINTS]", help="Who caused it; may be repeated.")
@click.option("--lift", is_flag=True, help="Let the rules decide again.")
@click.option("--why", required=True, help="Why, for the history of the case; without names.")
@click.option("--by", required=True, help="Who decides: a supervisor.")
@CONFIG
def override(  # noqa: PLR0913  # the options of one decision
    *, case_id: int, quadrant: str | None, owners: tuple[str, ...], lift: bool, why: str, by: str, config_file: Path
) -> None:
    """Say for one CASE which kind of contact it is, or who caused it, whatever the rules say.

    What is posted is reversed and posted anew. Several owners share with basis points that sum to 10000.

    \b
    Example:  earmark ledger override 4711 --owner billing=6000 --owner logistics=4000 --why "both" --by Sue
    """
    from bot import override_command

    settings = settings_of(config_file)
    if lift:
        if quadrant or owners:
            raise click.UsageError("--lift stands alone: without --quadrant and --owner")
        click.echo(override_command.lift(settings, case_id, why=why, by=by))
        return
    click.echo(override_command.override(settings, case_id, quadrant=quadrant, owners=owners, why=why, by=by))


@click.command("calibrate")
@CONFIG
@JSON
def calibrate(*, config_file: Path, as_json: bool) -> None:
    """Propose measured medians in place of default minutes, as lines for the taxonomy; change nothing.

    A reason needs 30 measured contacts on a kind of channel in the last 90 days.

    \b
    Example:  earmark ledger calibrate
    """
    from bot import calibrating

    calibrating.run(settings_of(config_file), as_json=as_json)


def register(cli: click.Group, ledger: click.Group) -> None:
    """Add the commands."""
    cli.add_command(erase)
    for command in (close, versions, reclass, override, note, calibrate):
        ledger.add_command(command)
