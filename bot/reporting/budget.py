"""The report on the innovation budget: confirmed savings, what they fund, who was given it, what is spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.reporting.ask import Ask
from bot.reports.savings import ConfirmedSaving, budget
from storage import report_imports, report_night, savings
from storage.models_money import ConfirmedSaving as Row


@dataclass(frozen=True, slots=True)
class Month:
    """What stands confirmed for a month. ``share_minor`` of a new high is what may be granted at the present share."""

    month: str
    confirmed_minor: int
    cumulative_minor: int
    high_water_minor: int
    new_high_minor: int
    share_minor: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A saving as finance confirmed it. ``floor_minor`` is what the report had proven, for a loss its lower end."""

    month: str
    reason: str
    saving_class: str
    initiative: str
    amount_minor: int
    floor_minor: int
    confirmed_by: str
    is_withdrawn: bool
    journal: str


@dataclass(frozen=True, slots=True)
class Funding:
    """Budget that was granted, and the new high of savings it is a share of."""

    month: str
    share_bp: int
    new_high_minor: int
    funded_minor: int
    funded_by: str
    journal: str


@dataclass(frozen=True, slots=True)
class Given:
    """What one initiative was given, has spent, and has left."""

    initiative: str
    title: str
    given_minor: int
    spent_minor: int
    left_minor: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The innovation budget at the end of a month. Only new highs of the confirmed savings become budget."""

    share_bp: int
    counted_savings: str
    cumulative_minor: int
    high_water_minor: int
    granted_minor: int
    available_minor: int
    months: tuple[Month, ...]
    savings: tuple[Confirmed, ...]
    fundings: tuple[Funding, ...]
    initiatives: tuple[Given, ...]


def report(ask: Ask) -> Budget:
    """Return the budget as it stood at the end of the month."""
    configured = ask.settings.ledger.savings
    rows = savings.confirmed(ask.session, until=ask.month)
    found = budget(standing(rows), share_bp=configured.budget_share_bp, funds=configured.funds).rows
    fundings = [one for one in savings.fundings(ask.session) if one.period <= ask.month]
    titles = {one.external_id: one.title for one in report_imports.initiatives(ask.session)}
    given = savings.initiative_balances(ask.session, last=ask.period.last, unit=ask.currency)
    return Budget(
        share_bp=configured.budget_share_bp,
        counted_savings=configured.funds,
        cumulative_minor=found[-1].cumulative_minor if found else 0,
        high_water_minor=found[-1].high_water_minor if found else 0,
        granted_minor=sum(one.funded_minor for one in fundings),
        available_minor=report_night.budget_left(ask.session, last=ask.period.last, unit=ask.currency),
        months=tuple(
            Month(
                one.month,
                one.confirmed_minor,
                one.cumulative_minor,
                one.high_water_minor,
                one.new_high_minor,
                one.funded_minor,
            )
            for one in found
        ),
        savings=tuple(_confirmed(one) for one in rows),
        fundings=tuple(
            Funding(
                one.period,
                one.share_bp,
                one.high_water_minor - one.high_before_minor,
                one.funded_minor,
                one.funded_by,
                one.journal_key,
            )
            for one in fundings
        ),
        initiatives=tuple(
            Given(name, titles.get(name, ""), got, spent, got - spent) for name, (got, spent) in given.items()
        ),
    )


def standing(rows: Iterable[Row]) -> list[ConfirmedSaving]:
    """Return what stands of the confirmations, as the rules take it."""
    return [
        ConfirmedSaving(one.period, one.amount_minor, "cashable" if one.saving_class == "cashable" else "capacity")
        for one in rows
        if one.withdrawn_on is None
    ]


def _confirmed(one: Row) -> Confirmed:
    return Confirmed(
        one.period,
        one.reason,
        one.saving_class,
        one.initiative,
        one.amount_minor,
        one.low_minor,
        one.confirmed_by,
        one.withdrawn_on is not None,
        one.journal_key,
    )
