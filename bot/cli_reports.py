"""The commands of the reports: ``earmark ledger statement --period 2026-09`` and its siblings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from bot.cli_parts import CONFIG, FILE, JSON, Decorator, settings_of, with_options

_HELP: Final = {
    "statement": "The value/waste statement and the balance sheet.",
    "grid": "What each kind of contact costs: by reason, by customer segment, and against the month before.",
    "recharge": "Which department caused the waste, and whether it may be charged instead of shown.",
    "top": "The dearest wastes, each with examples nobody could pick.",
    "sensitivity": "How far the waste moves with each assumption.",
    "accuracy": "How often the tagger is right, by the random sample that supervisors judged.",
    "repeats": "Repeat contacts and observed first-contact resolution.",
    "response": "How soon customers heard from us, and what surveys say.",
    "spikes": "Unusual hours and what incidents cost.",
    "promises": "Promises to customers: kept, late, broken, and what is owed now.",
    "loyalty": "What customers did after a contact; not what we caused.",
    "experiment": "What control groups prove. NAME is one experiment; without it all.",
    "requests": "What customers asked of product teams, how soon these answered, and who was told.",
    "savings": "Each reason's cost against the weeks before, at today's volume.",
    "priorities": "Which initiatives to pay for out of a share of operating expense.",
    "budget": "The innovation budget: what confirmed savings fund, who was given it, what is spent.",
    "value": "Value that is assumed, and value that was proven.",
    "rate": "What an hour of work costs by the month's payroll, for ledger.cost.rate_minor_per_hour.",
}

_DRIVER: Final = click.option(
    "--driver", help="The imported driver that contacts grow with; without it ledger.savings.driver."
)
_MORE: Final[dict[str, list[Decorator]]] = {
    "grid": [_DRIVER],
    "savings": [
        _DRIVER,
        click.option(
            "--weeks",
            type=click.IntRange(1, 104),
            help="Weeks before the month that are its baseline; without it ledger.savings.baseline_weeks.",
        ),
    ],
    "experiment": [click.argument("name", required=False)],
    "rate": [
        click.option("--paid-hours", type=click.IntRange(1), help="Hours that the month's payroll paid."),
    ],
    "priorities": [
        click.option(
            "--opex",
            type=click.IntRange(0),
            help="Operating expense of twelve months, in minor units: 60000000 for 600,000.00;"
            " without it ledger.priorities.opex_12m_minor.",
        ),
        click.option(
            "--cap-bp",
            type=click.IntRange(0, 1000),
            help="The share of it that may be spent, in basis points; without it ledger.priorities.cap_bp.",
        ),
    ],
}

_COMMON: Final[list[Decorator]] = [
    click.option("--period", "month", help="The month, such as 2026-09; the present one without it."),
    JSON,
    click.option("--csv", "csv_file", type=FILE, help="Write the tables into this file instead."),
]

_EXAMPLES: Final = {"priorities": " --opex 60000000", "rate": " --paid-hours 1600"}

_GROUPS: Final = ("recharge", "savings", "budget", "value")
"""Reports that have commands below them, for what is decided on their figures."""


def register(ledger: click.Group) -> None:
    """Add every report to the group ``ledger``."""
    for name, sentence in _HELP.items():
        ledger.add_command(_command(name, sentence))
    ledger.add_command(lines)


def _command(name: str, sentence: str) -> click.Command:
    def report(
        *, config_file: Path, month: str | None, as_json: bool, csv_file: Path | None, **options: object
    ) -> None:
        from bot.reporting import command

        if click.get_current_context().invoked_subcommand is not None:
            return
        command.run(settings_of(config_file), name, month=month, as_json=as_json, csv_file=csv_file, options=options)

    decorated = with_options([CONFIG, *_COMMON, *_MORE.get(name, [])])(report)
    example = f"earmark ledger {name} --period 2026-09{_EXAMPLES.get(name, '')}"
    about = f"{sentence}\n\n\b\nExample:  {example}"
    if name in _GROUPS:
        return click.group(name, help=about, invoke_without_command=True)(decorated)
    return click.command(name, help=about)(decorated)


@click.command("lines")
@CONFIG
@click.option("--period", "month", required=True, help="The month, such as 2026-09.")
@click.option("--account", default="", help="An account, or several by what they begin with, such as Expenses:Contact.")
@click.option("--dept", help="Who caused or bears it.")
@click.option("--reason", help="Why they wrote; 'unclassified' where nobody knows.")
@click.option("--segment", help="The customers' segment; '' where it is not known.")
@click.option("--basis", type=click.Choice(["E", "M", "R", "N"]), help="Estimated, measured, realised, counted.")
@click.option("--unit", default="", help="CNT, TAG, SEC or a currency; the book's currency without it.")
@click.option("--to-date", is_flag=True, help="All days up to the month's end, as in a balance sheet.")
@click.option("--pending", is_flag=True, help="Expected work instead of work that was done.")
@click.option("--late", is_flag=True, help="Only what belongs to months already closed.")
@click.option("--promises", type=click.Choice(["only", "without"]), help="Only promises still open, or all but them.")
@JSON
@click.option(
    "--csv",
    "csv_file",
    type=FILE,
    help="Write all lines into this file instead.",
)
def lines(config_file: Path, *, as_json: bool, csv_file: Path | None, **options: Any) -> None:
    """List the journals and mentions behind a figure of a report, and what they add up to.

    \b
    Example:  earmark ledger lines --period 2026-09 --account Expenses:Contact:Waste --dept billing
    """
    from bot import figures

    figures.run(settings_of(config_file), figures.Question(**options), as_json=as_json, csv_file=csv_file)
