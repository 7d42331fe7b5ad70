"""What finance decides on the command line: savings, the budget they fund, value that is proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from bot.cli_parts import BY, CONFIG, PERIOD, WHY, add_below, parts_of

_AMOUNT: Final = click.option(
    "--amount", "amount_minor", type=click.IntRange(1), required=True, help="In minor units: 42500 for 425.00."
)
_DOCUMENT: Final = click.option(
    "--document", required=True, help="The decision or invoice it rests on; the same one again is booked once."
)
_BEHAVIOURS: Final = ("spread_word", "buy_again", "buy_more")


@click.command("confirm")
@click.argument("reason")
@PERIOD
@BY
@click.option(
    "--class",
    "saving_class",
    type=click.Choice(["cashable", "capacity"]),
    required=True,
    help="cashable: fewer hours bought, an invoice down; capacity: time freed.",
)
@click.option("--initiative", default="", help="What brought the saving about; a loss needs none.")
@click.option(
    "--amount",
    "amount_minor",
    type=int,
    help="In minor units, up to the 95 % floor of the report, which it is without this; below 0 for a loss.",
)
@WHY
@CONFIG
def confirm(*, config_file: Path, reason: str, period: str, **said: Any) -> None:
    """Confirm the saving of REASON in a closed month, or its loss; for finance.

    \b
    Example:  earmark ledger savings confirm where_is_it --period 2026-09 --class cashable --initiative tracking
              --by Finance
    """
    from bot import savings

    with parts_of(config_file) as parts:
        click.echo(savings.confirm(parts, period, reason, **said))


@click.command("withdraw")
@click.argument("reason")
@PERIOD
@BY
@WHY
@CONFIG
def withdraw(*, config_file: Path, reason: str, period: str, by: str, why: str) -> None:
    """Take back what was confirmed for REASON, until budget is granted on it; for finance.

    \b
    Example:  earmark ledger savings withdraw where_is_it --period 2026-09 --by Finance --why "wrong class"
    """
    from bot import savings

    with parts_of(config_file) as parts:
        click.echo(savings.withdraw(parts, period, reason, by=by, why=why))


@click.command("fund")
@PERIOD
@BY
@CONFIG
def fund(*, config_file: Path, period: str, by: str) -> None:
    """Grant the share of every new high of the savings confirmed up to a month; for finance.

    The share and the savings that count are ledger.savings.budget_share_bp and ledger.savings.funds. The savings up
    to that month stand from then on.

    \b
    Example:  earmark ledger budget fund --period 2026-09 --by Finance
    """
    from bot import budget

    with parts_of(config_file) as parts:
        click.echo(budget.fund(parts, period, by=by))


@click.command("allocate")
@click.argument("initiative")
@_AMOUNT
@_DOCUMENT
@BY
@CONFIG
def allocate(*, config_file: Path, initiative: str, amount_minor: int, document: str, by: str) -> None:
    """Give available budget to INITIATIVE; for finance.

    \b
    Example:  earmark ledger budget allocate status --amount 30000 --document "board 2026-10-14" --by Finance
    """
    from bot import budget

    with parts_of(config_file) as parts:
        click.echo(budget.allocate(parts, initiative, amount_minor, by=by, document=document))


@click.command("spend")
@click.argument("initiative")
@_AMOUNT
@_DOCUMENT
@BY
@CONFIG
def spend(*, config_file: Path, initiative: str, amount_minor: int, document: str, by: str) -> None:
    """Book what INITIATIVE has spent of its budget; for finance.

    \b
    Example:  earmark ledger budget spend status --amount 12000 --document INV-2041 --by Finance
    """
    from bot import budget

    with parts_of(config_file) as parts:
        click.echo(budget.spend(parts, initiative, amount_minor, by=by, document=document))


@click.command("credit")
@click.argument("experiment")
@BY
@CONFIG
def credit(*, config_file: Path, experiment: str, by: str) -> None:
    """Book what EXPERIMENT proves, at the lower end of its interval, once; for finance.

    \b
    Example:  earmark ledger value credit welcome --by Finance
    """
    from bot import proving

    with parts_of(config_file) as parts:
        click.echo(proving.credit(parts, experiment, by=by))


@click.command("accept")
@click.argument("document")
@_AMOUNT
@click.option("--behaviour", type=click.Choice(_BEHAVIOURS), required=True, help="What customers did.")
@click.option("--case", "cases", type=int, multiple=True, help="A case whose assumed value makes way.")
@BY
@click.option("--why", required=True, help="Why it is due to us and would not have come anyway.")
@CONFIG
def accept(*, config_file: Path, document: str, **said: Any) -> None:
    """Book value that finance accepts as incremental on DOCUMENT, once; for finance.

    \b
    Example:  earmark ledger value accept "memo 12/2026" --amount 90000 --behaviour buy_more --by Finance
              --why "upgrades after the call, against the same month without"
    """
    from bot import proving

    with parts_of(config_file) as parts:
        click.echo(proving.accept(parts, document, **said))


def register(ledger: click.Group) -> None:
    """Add the commands to the reports they rest on."""
    add_below(ledger, "savings", (confirm, withdraw))
    add_below(ledger, "budget", (fund, allocate, spend))
    add_below(ledger, "value", (credit, accept))
