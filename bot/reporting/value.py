"""The report on value: what is assumed and not proven yet, and what was proven, by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.reporting.ask import Ask
from bot.reports.figures import counted
from storage import estimates, savings


@dataclass(frozen=True, slots=True)
class Assumed:
    """Value that is assumed for one behaviour and was neither proven nor let go; ``oldest`` runs out first."""

    behaviour: str
    estimates: int
    assumed_minor: int
    oldest: date


@dataclass(frozen=True, slots=True)
class Proven:
    """Value that an experiment or a document proves, and the estimates that made way for it."""

    by: str
    title: str
    behaviour: str
    amount_minor: int
    estimates_released: int
    released_minor: int
    on: date
    signed_by: str
    why: str
    journal: str


@dataclass(frozen=True, slots=True)
class Value:
    """What is assumed now, and all that was proven to the end of the month. The two are never added up."""

    assumed_minor: int
    proven_minor: int
    expires: str
    assumed: tuple[Assumed, ...]
    proven: tuple[Proven, ...]


def value(ask: Ask) -> Value:
    """Return what value rests on."""
    live = estimates.live_by_behaviour(ask.session)
    rows = savings.all_realised(ask.session, first=date.min, last=ask.period.last)
    return Value(
        assumed_minor=sum(one.amount_minor for one in live),
        proven_minor=sum(one.amount_minor for one in rows),
        expires=f"{counted(ask.settings.ledger.value.estimate_expiry_days, 'day')} after it was assumed",
        assumed=tuple(Assumed(one.behaviour, one.number, one.amount_minor, one.oldest) for one in live),
        proven=tuple(
            Proven(
                one.event.partition(":")[0],
                one.title,
                one.behaviour,
                one.amount_minor,
                one.released,
                one.released_minor,
                one.realised_on,
                one.realised_by,
                one.why,
                one.journal_key,
            )
            for one in rows
        ),
    )
