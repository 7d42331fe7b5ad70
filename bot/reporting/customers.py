"""The reports on customers: what they did after a contact, and what an experiment proves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final, Literal

from bot.domain import RepeatKind
from bot.errors import InputError
from bot.reporting.ask import Ask
from bot.reporting.contacts import fact
from bot.reports import loyalty as loyalties
from bot.reports.control import Arm, ChurnTest, Plan, churn_test
from bot.reports.repeats import repeats
from bot.reports.revenue import Cuped, Customer, cuped
from storage import report_cases, report_imports
from storage.models_imports import Experiment
from storage.report_imports import Did

_WINDOW: Final = timedelta(days=loyalties.WINDOW_DAYS)
_LEAVING: Final = frozenset({"cancellation", "port_out", "refund_full"})
_SPENDING: Final = frozenset({"order", "renewal", "upgrade"})


def loyalty(ask: Ask) -> loyalties.Loyalty:
    """Return what customers did after the month's contacts, beside customers who had none."""
    windows = ask.settings.ledger.repeat
    rows = report_cases.contacts(
        ask.session, since=ask.since - 2 * windows.longest_window, until=ask.until, unit=ask.currency
    )
    known = [row for row in rows if row.customer_ref]
    kinds = repeats(
        map(fact, known),
        as_of=ask.now,
        since=ask.since,
        window_days=windows.window_days,
        window_days_of=windows.reason_window_days,
    ).repeat_kind
    contacts = [
        loyalties.ContactOutcome(
            row.customer_ref, row.closed_at.astimezone(ask.zone).date(), _outcome(kinds[str(row.case_id)])
        )
        for row in known
        if row.closed_at and str(row.case_id) in kinds
    ]
    comparison = _comparison(ask, contacts)
    watched = sorted({one.customer for one in contacts} | {one.customer for one in comparison})
    events = report_imports.did(
        ask.session, watched, since=ask.since - _WINDOW, until=ask.now + timedelta(days=1), currency=ask.currency
    )
    return loyalties.loyalty(
        contacts,
        comparison,
        [
            loyalties.LoyaltyEvent(e.customer_ref, e.type, e.at.astimezone(ask.zone).date(), e.amount_minor)
            for e in events
        ],
        as_of=ask.today,
    )


def _outcome(kind: RepeatKind) -> Literal["first", "repeat"]:
    return "first" if kind is RepeatKind.NONE else "repeat"


def _comparison(ask: Ask, contacts: list[loyalties.ContactOutcome]) -> list[loyalties.Comparison]:
    """Customers without a contact around the month, watched from the median day of the others."""
    if not contacts:
        return []
    middle = ask.period.first.fromordinal(int(median(one.closed.toordinal() for one in contacts)))
    refs = report_cases.customers_without_contact(
        ask.session, since=ask.since - _WINDOW, until=ask.until + _WINDOW, on=middle
    )
    return [loyalties.Comparison(ref, middle) for ref in refs]


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """What one experiment shows by its one outcome, churn; revenue stands beside it once churn may be looked at."""

    experiment: str
    title: str
    window_days: int
    churn: ChurnTest
    revenue: Cuped | None


def experiment(ask: Ask) -> tuple[ExperimentResult, ...]:
    """Return every experiment, or the one that is asked for.

    Raises:
        InputError: there is no such experiment.
    """
    wanted = ask.options.get("name")
    found = [one for one in report_imports.experiments(ask.session) if wanted in {None, one.external_id}]
    if wanted and not found:
        raise InputError(f"there is no experiment '{wanted}'; import it with: earmark import experiments FILE")
    return tuple(_experiment(ask, one) for one in found)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one customer did: left or not within the window, and minor units spent before it and in it."""

    left: bool
    before: int
    after: int


def _experiment(ask: Ask, one: Experiment) -> ExperimentResult:
    window = timedelta(days=one.window_days)
    arms = report_imports.arms_of(ask.session, one.external_id, until=ask.until)
    outcomes = {arm: _outcomes(ask, assigned, window) for arm, assigned in arms.items()}
    treatment, control = outcomes.get("treatment", []), outcomes.get("control", [])
    last = max((at for assigned in arms.values() for at in assigned.values()), default=ask.now)
    churn = churn_test(
        _arm(treatment),
        _arm(control),
        Plan(one.treatment_bp, one.treatment_n, one.control_n, is_window_over=last + window <= ask.now),
        margin_12m_minor=one.margin_12m_minor,
    )
    revenue = _revenue(treatment, control) if churn.effect else None
    return ExperimentResult(one.external_id, one.title, one.window_days, churn, revenue)


def _outcomes(ask: Ask, assigned: Mapping[str, datetime], window: timedelta) -> list[_Outcome]:
    first, last = min(assigned.values()), max(assigned.values())
    events: defaultdict[str, list[Did]] = defaultdict(list)
    found = report_imports.did(
        ask.session, sorted(assigned), since=first - window, until=last + window, currency=ask.currency
    )
    for event in found:
        events[event.customer_ref].append(event)
    return [_outcome_of(events[ref], at, window) for ref, at in sorted(assigned.items())]


def _outcome_of(events: list[Did], at: datetime, window: timedelta) -> _Outcome:
    after = [event for event in events if at < event.at <= at + window]
    return _Outcome(
        left=any(event.type in _LEAVING for event in after),
        before=_spent([event for event in events if at - window < event.at <= at]),
        after=_spent(after),
    )


def _spent(events: list[Did]) -> int:
    return sum(event.amount_minor for event in events if event.type in _SPENDING)


def _arm(outcomes: list[_Outcome]) -> Arm:
    return Arm(len(outcomes), sum(outcome.left for outcome in outcomes))


def _revenue(treatment: list[_Outcome], control: list[_Outcome]) -> Cuped | None:
    """The difference in minor units; None where nobody's revenue differs, so that there is nothing to compare."""
    try:
        return cuped(*([Customer(one.before, one.after) for one in arm] for arm in (treatment, control)))
    except InputError:
        return None
