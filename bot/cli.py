"""The command line. Every command is a few lines; the work is elsewhere and is imported when it is called for."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bot import (
    cli_audit,
    cli_incidents,
    cli_money,
    cli_operating,
    cli_operations,
    cli_recharge,
    cli_reports,
    cli_requests,
    cli_tagger,
)
from bot.cli_parts import CONFIG, FILE, JSON, settings_of
from bot.errors import EarmarkError

IMPORTS = (
    "customers",
    "loyalty_events",
    "drivers",
    "payroll",
    "goodwill",
    "bot_answers",
    "surveys",
    "experiments",
    "experiment_assignments",
    "initiatives",
    "mentions",
)
EXIT_BAD_INPUT, EXIT_BROKEN, EXIT_BUG, EXIT_INTERRUPTED = 2, 1, 70, 130


class Commands(click.Group):
    """Commands that end quietly when whoever reads their output has had enough; click would call that a failure."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What Python still flushes at its exit goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="earmark", prog_name="earmark")
def cli() -> None:
    """Earmark listens to your channels, tags complaints, praise and requests, and books what they cost.

    \b
    Begin with:  earmark demo
    """


def main() -> None:
    """Run the command line; whatever goes wrong ends in one sentence, never in a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_BAD_INPUT)
    except EarmarkError as error:
        click.echo(f"earmark: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the boundary of the command line
        _report_bug(error)
        sys.exit(EXIT_BUG)


def _report_bug(error: Exception) -> None:
    import structlog

    from bot import logs

    logs.configure("info")
    structlog.get_logger(__name__).error("bug", exc_info=error)
    click.echo(f"earmark: this is a bug in Earmark ({type(error).__name__}); please report the line above", err=True)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8765, show_default=True, help="The board's port.")
@click.option("--once", is_flag=True, help="Stop when all is worked, and print counts.")
@JSON
def demo(*, port: int, once: bool, as_json: bool) -> None:
    """Replay the shipped sample through the real pipeline, and open the board. No token, no server.

    \b
    Example:  earmark demo --once
    """
    from bot import demo as show

    show.run(port=port, once=once, as_json=as_json)


@cli.command()
@CONFIG
@click.option(
    "--role",
    type=click.Choice(["all", "poll", "work", "slack", "web"]),
    default="all",
    show_default=True,
    help="What this process does; several processes may share one database.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    help="Serve /metrics, /healthz and /readyz here too; needed where there is no board.",
)
def run(*, config_file: Path, role: str, metrics_port: int | None) -> None:
    """Run the bot until it is told to stop (SIGTERM or Ctrl-C).

    \b
    Example:  earmark run --config config.toml
    """
    from bot import serve

    serve.run(settings_of(config_file), role, metrics_port=metrics_port)


@cli.command()
@CONFIG
def check(*, config_file: Path) -> None:
    """Prove the set-up: configuration, secrets, database, model, every channel, Slack. Exit 0, or 2 with what to fix.

    \b
    Example:  earmark check --config config.toml
    """
    from bot import check as prove

    if not prove.run(settings_of(config_file), print_line=click.echo):
        sys.exit(EXIT_BAD_INPUT)


@cli.command()
@click.argument("file", type=FILE, required=False)
@click.option("--model", default="shipped", show_default=True, help="The tagger: 'shipped', or the folder of another.")
def tag(*, file: Path | None, model: str) -> None:
    """Tag JSON lines or plain lines from FILE (or standard input); JSON lines come out.

    \b
    Example:  echo "where is my parcel?" | earmark tag
    """
    from bot import tagfile

    tagfile.run(file, model)


@cli.command()
@click.argument("channel")
@CONFIG
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    help="Fetch again from this time on (UTC unless it says otherwise).",
)
def poll(*, channel: str, config_file: Path, since: datetime | None) -> None:
    """Poll CHANNEL once, now, to the end of what it has; with --since a backfill. A running bot may go on meanwhile.

    \b
    Example:  earmark poll brand --since 2026-11-01
    """
    from bot import backfill

    click.echo(backfill.run(settings_of(config_file), channel, since))


@cli.command("import")
@click.argument("kind", type=click.Choice(IMPORTS))
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@CONFIG
def import_(*, kind: str, file: Path, dry_run: bool, config_file: Path) -> None:
    """Import FILE, CSV or JSON lines; the same file again imports nothing. Rejects go into FILE.rejects.csv, exit 2.

    \b
    Example:  earmark import customers customers.csv --dry-run
    """
    from bot.imports import command

    if not command.run(settings_of(config_file), kind, file, dry_run=dry_run):
        sys.exit(EXIT_BAD_INPUT)


@cli.command()
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day; yesterday without it.")
@click.option(
    "--post", is_flag=True, help="Have it shown in the Slack channel of [summary]; once, however often asked."
)
@click.option(
    "--csv",
    "csv_file",
    type=FILE,
    help="Also write its figures into this file.",
)
@CONFIG
@JSON
def summary(*, day: datetime | None, post: bool, csv_file: Path | None, config_file: Path, as_json: bool) -> None:
    """Print the nightly summary of a day; exit 1 with one alarm line if the ledger does not verify.

    \b
    Example:  earmark summary --date 2026-09-29
    """
    from bot import summing

    wanted = day.date() if day else None
    if not summing.run(settings_of(config_file), wanted, as_json=as_json, post=post, csv_file=csv_file):
        sys.exit(EXIT_BROKEN)


@cli.group()
def ledger() -> None:
    """Check the value/waste ledger, and read its reports.

    \b
    Example:  earmark ledger statement --period 2026-09
    """


cli_reports.register(ledger)


@ledger.command("verify")
@click.option("--rebuild-sums", is_flag=True, help="First count the sums that reports read anew from the journals.")
@CONFIG
@JSON
def ledger_verify(*, rebuild_sums: bool, config_file: Path, as_json: bool) -> None:
    """Recompute every sum and hash; exit 1 and name the first broken journal if one does not check.

    \b
    Example:  earmark ledger verify --json
    """
    from bot import books

    if not books.verify(settings_of(config_file), as_json=as_json, rebuild_sums=rebuild_sums):
        sys.exit(EXIT_BROKEN)


@ledger.command("explain")
@click.argument("what")
@CONFIG
@JSON
def ledger_explain(*, what: str, config_file: Path, as_json: bool) -> None:
    """Tell each journal of WHAT in plain words: a case by its number, or a decision such as recharge:2026-09.

    \b
    Example:  earmark ledger explain 4711
    """
    from bot import audit

    if what.isascii() and what.isdigit():
        audit.explain_case(settings_of(config_file), int(what), as_json=as_json)
    else:
        audit.explain_group(settings_of(config_file), what, as_json=as_json)


@ledger.command("replay")
@click.argument("file", type=FILE)
@click.option(
    "--cost",
    "cost_file",
    type=FILE,
    help="The cost model to price by; without it the book's own under 'config', else the worked book's.",
)
@JSON
def ledger_replay(*, file: Path, cost_file: Path | None, as_json: bool) -> None:
    """Post a book of events in memory, and print its balances. No database, no configuration.

    \b
    Example:  earmark ledger replay book.json --json
    """
    from bot import audit

    audit.replay_book(file, cost_file=cost_file, as_json=as_json)


@ledger.command("export")
@click.option(
    "--beancount",
    "file",
    type=FILE,
    required=True,
    help="The file to write, for bean-check and fava.",
)
@CONFIG
def ledger_export(*, file: Path, config_file: Path) -> None:
    """Write the whole ledger as plain text that another program can check.

    \b
    Example:  earmark ledger export --beancount ledger.beancount
    """
    from bot import audit

    click.echo(f"{audit.export(settings_of(config_file), file)} journals written to {file}.")


@cli.group("db")
def database() -> None:
    """Look after the database.

    \b
    Example:  earmark db upgrade
    """


@database.command("upgrade")
@CONFIG
def db_upgrade(*, config_file: Path) -> None:
    """Bring the database to the newest schema; safe to run twice.

    \b
    Example:  earmark db upgrade --config config.toml
    """
    from bot import books

    click.echo(books.upgrade(settings_of(config_file)))


cli_operations.register(cli, ledger)
cli.add_command(cli_audit.audit)
cli_operating.register(cli, database)
cli_recharge.register(ledger)
cli_money.register(ledger)
cli_tagger.register(cli)
cli.add_command(cli_incidents.incident)
cli.add_command(cli_requests.request)

if __name__ == "__main__":
    main()
