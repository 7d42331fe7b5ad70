"""The commands of the reports: ``earmark ledger statement --period 2026-09`` and its siblings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.config import Settings

_HELP: Final = {
    "statement": "The value/waste statement and the balance sheet.",
    "grid": "What each kind of contact costs: by reason, by customer segment, and against the month before.",
    "recharge": "Which department caused the waste, and whether it may be charged instead of shown.",
    "top": "The dearest wastes, each with examples nobody could pick.",
    "sensitivity": "How far the waste moves with each assumption.",
    "repeats": "Repeat contacts and observed first-contact resolution.",
    "response": "How soon customers heard from us, and what surveys say.",
    "spikes": "Unusual hours and what incidents cost.",
    "loyalty": "What customers did after a contact; not what we caused.",
    "experiment": "What control groups prove. NAME is one experiment; without it all.",
    "savings": "Each reason's cost against the weeks before, at today's volume.",
    "priorities": "Which initiatives to pay for out of a share of operating expense.",
}

_DRIVER: Final = click.option(
    "--driver", default="orders", show_default=True, help="The imported driver that contacts grow with."
)
_MORE: Final[dict[str, list[Any]]] = {
    "grid": [_DRIVER],
    "savings": [
        _DRIVER,
        click.option(
            "--weeks",
            type=click.IntRange(1, 104),
            default=13,
            show_default=True,
            help="Weeks before the month that are its baseline.",
        ),
    ],
    "experiment": [click.argument("name", required=False)],
    "priorities": [
        click.option(
            "--opex",
            type=click.IntRange(0),
            required=True,
            help="Operating expense of twelve months, in minor units: 60000000 for 600,000.00.",
        ),
        click.option(
            "--cap-bp",
            type=click.IntRange(0, 1000),
            default=1000,
            show_default=True,
            help="The share of it that may be spent, in basis points.",
        ),
    ],
}


def register(ledger: click.Group, config_option: Any, settings_of: Callable[[Path], Settings]) -> None:
    """Add every report to the group ``ledger``."""
    for name, sentence in _HELP.items():
        ledger.add_command(_command(name, sentence, config_option, settings_of))


def _command(name: str, sentence: str, config_option: Any, settings_of: Callable[[Path], Settings]) -> click.Command:
    def report(
        *, config_file: Path, month: str | None, as_json: bool, csv_file: Path | None, **options: object
    ) -> None:
        from bot.reporting import command

        command.run(settings_of(config_file), name, month=month, as_json=as_json, csv_file=csv_file, options=options)

    decorated: Any = report
    for option in reversed([config_option, *_common(), *_MORE.get(name, [])]):
        decorated = option(decorated)
    example = f"earmark ledger {name} --period 2026-09{' --opex 60000000' if name == 'priorities' else ''}"
    return click.command(name, help=f"{sentence}\n\n\b\nExample:  {example}")(decorated)


def _common() -> list[Any]:
    return [
        click.option("--period", "month", help="The month, such as 2026-09; the present one without it."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--csv",
            "csv_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write the tables into this file instead.",
        ),
    ]
