"""The reports on what to do: savings against a baseline, and the initiatives that fit the envelope."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from bot.domain import UNCLASSIFIED
from bot.errors import InputError
from bot.reporting import calm
from bot.reporting.ask import Ask
from bot.reports import priorities as priority
from bot.reports import rate as rates
from bot.reports import savings as saved
from storage import report_facts, report_imports

_YEAR: Final = timedelta(days=365)


def savings(ask: Ask) -> saved.Savings:
    """Return each reason's cost against the weeks before the month, at the month's volume.

    Raises:
        InputError: the driver was not imported for both.
    """
    name = driver_of(ask)
    first, last, weeks = baseline_span(ask)
    spikes, driver = calm.left_out(ask, first, last), _driver(ask, name, first, last)
    baseline = saved.Baseline(
        weeks=weeks,
        driver=driver,
        volumes=spikes.volumes(_volumes(ask, first, last)),
        drivers=spikes.drivers(driver),
    )
    return saved.savings(
        baseline,
        _volumes(ask, ask.period.first, ask.last),
        driver_now=_driver(ask, name, ask.period.first, ask.last),
        phi=ask.settings.ledger.savings.phi or _phi(ask, first, weeks, spikes),
        initiatives=report_imports.initiatives_by_reason(ask.session),
    )


def driver_of(ask: Ask) -> str:
    """Return the name of what contacts grow with: the one asked for, or the configured one."""
    return str(ask.options.get("driver") or ask.settings.ledger.savings.driver)


def baseline_span(ask: Ask) -> tuple[date, date, int]:
    """Return the first and the last day of the weeks before the month that it is held against, and their number."""
    last = ask.period.first - timedelta(days=1)
    first = _baseline_begin(ask, last)
    return first, last, max(((last - first).days + 1) // 7, 0)


def _baseline_begin(ask: Ask, last: date) -> date:
    """Whole weeks before the month, not more than the book has."""
    weeks = int(ask.options.get("weeks") or ask.settings.ledger.savings.baseline_weeks)
    known = report_facts.first_day(ask.session) or last
    whole = max((last - known).days + 1, 0) // 7
    return last - timedelta(days=7 * max(min(weeks, whole), 1) - 1)


def _driver(ask: Ask, name: str, first: date, last: date) -> int:
    found = sum(report_imports.driver_days(ask.session, name, first=first, last=last).values())
    if not found:
        names = ", ".join(report_imports.driver_names(ask.session)) or "none"
        raise InputError(
            f"there is no driver '{name}' from {first} to {last} (imported: {names});"
            " import it with: earmark import drivers FILE"
        )
    return found


def _volumes(ask: Ask, first: date, last: date) -> dict[str, saved.Volume]:
    found = report_facts.volumes(ask.session, first=first, last=last, unit=ask.currency)
    return {
        reason or UNCLASSIFIED: saved.Volume(volume.contacts, volume.cost_minor) for reason, volume in found.items()
    }


def _phi(ask: Ask, first: date, weeks: int, spikes: calm.LeftOut) -> dict[str, float]:
    """Over-dispersion of each reason's weekly contacts in the baseline."""
    daily = report_facts.daily_contacts(ask.session, first=first, last=first + timedelta(days=7 * weeks - 1))
    calmly = {
        reason or UNCLASSIFIED: {
            day: number - spikes.contacts_on(reason or UNCLASSIFIED, day) for day, number in days.items()
        }
        for reason, days in daily.items()
    }
    return {
        reason: saved.overdispersion(
            [sum(days.get(first + timedelta(days=7 * week + day), 0) for day in range(7)) for week in range(weeks)]
        )
        for reason, days in calmly.items()
    }


def rate(ask: Ask) -> rates.Rate:
    """Return what an hour costs by the month's payroll, beside the configured rate.

    Raises:
        InputError: there is no payroll, or nobody said how many hours it paid.
    """
    cost = ask.settings.ledger.cost
    return rates.rate(
        ask.footer().pool_minor,
        paid_hours=int(ask.options.get("paid_hours") or 0),
        practical_capacity_pct=cost.practical_capacity_pct,
        configured_minor=cost.rate_minor_per_hour,
        approved_by=cost.approved_by,
    )


def priorities(ask: Ask) -> priority.Priorities:
    """Return which initiatives to pay for out of a share of twelve months' operating expense.

    Raises:
        InputError: nobody said what the operating expense is, the share of it is above a tenth, or an initiative's
            figures cannot be.
    """
    configured = ask.settings.ledger.priorities
    opex, cap_bp = ask.options.get("opex"), ask.options.get("cap_bp")
    opex = configured.opex_12m_minor if opex is None else opex
    if not opex:
        raise InputError("say what twelve months' operating expense is: --opex, or ledger.priorities.opex_12m_minor")
    yearly = _volumes(ask, ask.last - _YEAR + timedelta(days=1), ask.last)
    found = report_imports.initiatives(ask.session)
    return priority.priorities(
        [
            priority.Initiative(
                one.external_id,
                one.title,
                one.owner,
                one.one_off_minor,
                one.run_minor_per_year,
                {reason: priority.Effect(*points) for reason, points in one.effects.items()},
                one.evidence,
            )
            for one in found
        ],
        annual_cost_minor={reason: volume.cost_minor for reason, volume in yearly.items()},
        opex_12m_minor=int(opex),
        cap_bp=configured.cap_bp if cap_bp is None else int(cap_bp),
        rulings=[
            priority.Ruling(one.external_id, "pin" if one.ruling == "pin" else "drop", one.ruled_by, one.ruled_why)
            for one in found
            if one.ruling
        ],
    )
