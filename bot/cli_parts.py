"""What commands share: the options with one meaning everywhere, and the installation they work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.desk import Desk
    from bot.domain import Actor
    from bot.parts import Parts

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FILE: Final = click.Path(path_type=Path, dir_okay=False)
ID: Final = click.IntRange(1, 2**63 - 1)
"""A number that the database can hold."""

CONFIG: Final = click.option(
    "--config",
    "config_file",
    type=FILE,
    default=Path("config.toml"),
    show_default=True,
    help="The configuration file.",
)
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
PERIOD: Final = click.option("--period", required=True, help="The month, such as 2026-09.")
BY: Final = click.option("--by", required=True, help="Who decides; it is kept with the decision.")
WHY: Final = click.option("--why", default="", help="The reason, in a sentence.")


def with_options(options: Sequence[Decorator]) -> Decorator:
    """Return a decorator that gives a command these options, in this order."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def add_below(ledger: click.Group, report: str, commands: Sequence[click.Command]) -> None:
    """Add commands to a report that has some below it, such as ``earmark ledger recharge``."""
    group = ledger.commands[report]
    if not isinstance(group, click.Group):
        raise TypeError(f"the report {report} takes no commands; name it in bot/cli_reports.py")
    for command in commands:
        group.add_command(command)


def settings_of(config_file: Path) -> Settings:
    """Read the configuration, and log as it says."""
    from bot import config, logs

    settings = config.load(config_file)
    logs.configure(settings.earmark.log_level)
    return settings


@contextmanager
def parts_of(config_file: Path) -> Iterator[Parts]:
    """Give the parts of an installation to one command, and close its database after it."""
    from bot import app

    # Without Slack: whoever decides about money needs no token of the bot.
    settings = settings_of(config_file).model_copy(update={"slack": None})
    parts = app.build(settings, role=app.Role.WORK).parts
    try:
        yield parts
    finally:
        parts.database.dispose()


def desk_of(config_file: Path) -> Desk:
    """Return the desk of an installation; nothing is polled or served."""
    from bot import app

    return app.build(settings_of(config_file), role=app.Role.WORK).desk


def actor_of(by: str, *, who: str) -> Actor:
    """Return the person of ``--by``, who may do what supervisors do; ``who`` is what the option is asked for.

    Raises:
        UsageError: the name is empty.
    """
    from bot.domain import Actor

    name = " ".join(by.split())
    if not name:
        raise click.UsageError(f"--by is empty; write {who}")
    return Actor(f"terminal:{name}", name, is_supervisor=True)
