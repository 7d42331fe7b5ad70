"""``earmark ledger recharge propose`` and its siblings: charging departments, and their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from bot.cli_parts import BY, CONFIG, PERIOD, WHY, add_below, parts_of, with_options

_NUMBER: Final = click.option(
    "--number", type=click.IntRange(1), default=None, help="Which proposal, where a department has several."
)
_shared: Final = with_options([PERIOD, BY, WHY, _NUMBER])


@click.command("propose")
@PERIOD
@BY
@CONFIG
def propose(*, config_file: Path, period: str, by: str) -> None:
    """Propose to each department to bear the waste it caused in a closed month; for finance. Charges nothing yet.

    Refused while a condition for charging does not hold. Run again, it proposes only what has come since.

    \b
    Example:  earmark ledger recharge propose --period 2026-09 --by Finance
    """
    from bot import recharging
    from bot.reports.figures import money

    with parts_of(config_file) as parts:
        made = recharging.propose(parts, period, by=by)
        for one in made:
            cases = ", ".join(map(str, one.samples)) or "none"
            amount = money(one.minor, parts.model.currency)
            click.echo(f"Proposed to {one.dept}: {amount} (proposal {one.number}; sample cases: {cases})")
    click.echo(
        "Departments answer with: earmark ledger recharge accept, or dispute."
        if made
        else f"Nothing new to propose for {period}."
    )


@click.command("accept")
@click.argument("dept")
@click.option(
    "--amount", "amount_minor", type=click.IntRange(1), help="A part, in minor units; all of it without this."
)
@_shared
@CONFIG
def accept(*, config_file: Path, period: str, dept: str, number: int | None, **said: Any) -> None:
    """Accept a proposal for DEPT, all of it or a part; what is accepted is charged, the rest is let go.

    For the department's head (ledger.recharge.heads). A part needs --why and is accepted within ten working days.

    \b
    Example:  earmark ledger recharge accept billing --period 2026-09 --by "Head of billing"
    """
    from bot import recharging

    with parts_of(config_file) as parts:
        click.echo(recharging.accept(parts, period, dept, number=number or 0, **said))


@click.command("dispute")
@click.argument("dept")
@_shared
@CONFIG
def dispute(*, config_file: Path, period: str, dept: str, number: int | None, **said: Any) -> None:
    """Dispute a proposal for DEPT, within ten working days; its money stays pending until finance settles it.

    \b
    Example:  earmark ledger recharge dispute billing --period 2026-09 --by "Head of billing" --why "carrier strike"
    """
    from bot import recharging

    with parts_of(config_file) as parts:
        click.echo(recharging.dispute(parts, period, dept, number=number or 0, **said))


@click.command("settle")
@click.argument("dept")
@click.option(
    "--amount",
    "amount_minor",
    type=click.IntRange(0),
    required=True,
    help="What DEPT bears, in minor units; 0 lets all of it go.",
)
@_shared
@CONFIG
def settle(*, config_file: Path, period: str, dept: str, number: int | None, **said: Any) -> None:
    """Settle a dispute with DEPT, or withdraw a proposal with --amount 0; for finance.

    A proposal that nobody answered stays one: silence accepts nothing.

    \b
    Example:  earmark ledger recharge settle billing --period 2026-09 --amount 100000 --by Finance --why "agreed"
    """
    from bot import recharging

    with parts_of(config_file) as parts:
        click.echo(recharging.settle(parts, period, dept, number=number or 0, **said))


def register(ledger: click.Group) -> None:
    """Add the commands to the report of the same name."""
    add_below(ledger, "recharge", (propose, accept, dispute, settle))
