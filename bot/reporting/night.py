"""The nightly summary's figures: one day, and its month up to that day. A section without data is None.

Whatever date is asked for, the day's end is the moment of the figures: what the books date later is not in them.
Line 8 says "proven" only for what an experiment was credited with.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.config import Settings
from bot.domain import Quadrant, Tag
from bot.errors import InputError
from bot.ledger.model import CostModel
from bot.reporting import calm, contacts, customers, money, passed, plans, promises
from bot.reporting.ask import Ask, month_of, previous, sums
from bot.reporting.recharge import recharge
from bot.reports import night as lines
from bot.reports import requests
from bot.reports.facts import LineSum, Period, counted_contacts, priced
from bot.reports.figures import rounded, title
from bot.reports.grid import by_reason
from bot.reports.loyalty import WINDOW_DAYS, Cohort
from bot.reports.night import Night
from bot.reports.priorities import CAP_MAX_BP
from bot.reports.response import TARGET_MINUTES, first_response
from bot.reports.savings import NO_BASELINE, SHORT_BASELINE, WEEKS_MIN
from bot.reports.summary import SHOWN_MAX
from storage import recharges, report_facts, report_imports, report_night, savings

USUAL_WEEKS: Final = 4
MOVER_CONTACTS_MIN: Final = 10
"""Contacts of a reason in the week below which its rise is noise."""

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)
_UNPROVEN: Final = {NO_BASELINE, SHORT_BASELINE}


@dataclass(frozen=True, kw_only=True)
class ToDay(Ask):
    """A month up to one of its days, inclusive."""

    day: date

    @cached_property
    def period(self) -> Period:
        """The days of the month so far."""
        return Period(self.day.replace(day=1), self.day)

    @cached_property
    def begins(self) -> datetime:
        """When the day begins, in UTC."""
        return self.moment(self.day)


def night(session: Session, settings: Settings, model: CostModel, day: date) -> Night:
    """Return what the summary of a day says; ``day`` must be over."""
    ask = to_day(session, settings, day)
    return Night(
        day=day,
        days_in_month=monthrange(day.year, day.month)[1],
        currency=ask.currency,
        trust=ask.footer(),
        is_month_open=report_night.is_open(session, ask.month),
        demand=_demand(ask),
        waste=_waste(ask),
        origins=_origins(ask, model),
        spike=_spike(ask),
        resolution=_resolution(ask),
        promises=promises.kept_line(ask),
        replies=_replies(ask),
        loyalty=_loyalty(ask),
        requests=_requests(ask),
        charges=_charges(ask),
        savings=_savings(ask),
    )


def so_far(session: Session, settings: Settings, model: CostModel, now: datetime) -> Night:
    """Return the lines that say something of a day that goes on: demand, waste, where from, promises, first replies."""
    today = now.astimezone(ZoneInfo(settings.earmark.timezone)).date()
    ask = ToDay(session, settings, month_of(today), now, day=today)
    demand = _demand(ask)
    return Night(
        day=today,
        days_in_month=monthrange(today.year, today.month)[1],
        currency=ask.currency,
        trust=ask.footer(),
        is_month_open=report_night.is_open(session, ask.month),
        is_over=False,
        # What is usual is that of whole days.
        demand=demand and replace(demand, usual=None),
        waste=_waste(ask),
        origins=_origins(ask, model),
        promises=promises.kept_line(ask),
        replies=_replies(ask),
    )


def examples(session: Session, settings: Settings, day: date) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return the dearest waste of the month up to a day, and kind and id of the mentions that stand for it."""
    dearest = money.top(to_day(session, settings, day)).top[:1]
    chosen = [(one.kind, int(one.mention_id)) for row in dearest for one in row.examples]
    return (dearest[0].reason if dearest else ""), tuple(chosen)


def to_day(session: Session, settings: Settings, day: date) -> ToDay:
    """Return what is asked: the month of ``day`` up to its end."""
    over = datetime.combine(day + _DAY, time(), ZoneInfo(settings.earmark.timezone)).astimezone(UTC)
    return ToDay(session, settings, month_of(day), over, day=day)


def _demand(ask: ToDay) -> lines.Demand | None:
    opened = {found.tag: found for found in report_night.opened(ask.session, since=ask.begins, until=ask.until)}
    usual = _usual(ask)
    if not opened and not usual:
        return None
    count = {tag: opened[tag].contacts if tag in opened else 0 for tag in Tag}
    return lines.Demand(
        contacts=sum(found.contacts for found in opened.values()),
        complaints=count[Tag.COMPLAINT],
        requests=count[Tag.REQUEST],
        praise=count[Tag.PRAISE],
        pending=sum(found.untouched for found in opened.values()),
        usual=usual,
    )


def _usual(ask: ToDay) -> int | None:
    """The median of the last four same weekdays; None while the book does not reach back so far."""
    known = report_facts.first_day(ask.session)
    days = [ask.day - number * _WEEK for number in range(1, USUAL_WEEKS + 1)]
    if known is None or known > days[-1]:
        return None
    counts = [report_night.opened(ask.session, since=ask.moment(day), until=ask.moment(day + _DAY)) for day in days]
    # Twice the median is a whole number, so that halves are rounded like money.
    return rounded(round(2 * median(sum(found.contacts for found in one) for one in counts)), 2)


def _waste(ask: ToDay) -> lines.Waste | None:
    costs = priced(ask.posted, ask.currency)
    if not costs:
        return None
    widest = money.sensitivity(ask).tornado[0]
    return lines.Waste(
        day_minor=_wasted(ask, ask.day, ask.day),
        month_minor=sum(line.amount for line in costs if line.cell is Quadrant.LIABILITY),
        month_cost_minor=sum(line.amount for line in costs),
        range_minor=(widest.low_minor, widest.high_minor),
        baseline_minor=_baseline(ask),
    )


def _wasted(ask: ToDay, first: date, last: date) -> int:
    posted = sums(report_facts.posted(ask.session, first=first, last=last))
    return sum(line.amount for line in _of_waste(priced(posted, ask.currency)))


def _of_waste(posted: list[LineSum]) -> list[LineSum]:
    return [line for line in posted if line.cell is Quadrant.LIABILITY]


def _baseline(ask: ToDay) -> int | None:
    """The waste of the baseline's weeks but for incidents, at this volume; None with too few, or without a driver."""
    first, last, weeks = plans.baseline_span(ask)
    then, now = (_driven(ask, *span) for span in ((first, last), ask.period))
    if weeks < WEEKS_MIN or not then or not now:
        return None
    calmly = _wasted(ask, first, last) - calm.left_out(ask, first, last).waste_minor
    return rounded(calmly * now, then)


def _driven(ask: ToDay, first: date, last: date) -> int:
    return sum(report_imports.driver_days(ask.session, plans.driver_of(ask), first=first, last=last).values())


def _origins(ask: ToDay, model: CostModel) -> lines.Origins | None:
    costs, counts = _of_waste(priced(ask.posted, ask.currency)), _of_waste(counted_contacts(ask.posted))
    dearest = [row for row in by_reason(costs, counts) if row.cost_minor > 0][:SHOWN_MAX]
    if not dearest:
        return None
    top = [
        lines.TopReason(row.reason, money.owner_of(model, row.reason), row.cost_minor, row.contacts) for row in dearest
    ]
    return lines.Origins(top, _mover(ask))


def _mover(ask: ToDay) -> tuple[str, int] | None:
    """The reason of waste whose contacts rose most against the seven days before."""
    now, then = (_week(ask, ask.day - number * _WEEK) for number in (0, 1))
    rises = [
        (rounded((count - then[reason]) * 100, then[reason]), reason)
        for reason, count in sorted(now.items())
        if count >= MOVER_CONTACTS_MIN and 0 < then.get(reason, 0) < count
    ]
    return next(((reason, rise) for rise, reason in sorted(rises, key=lambda one: -one[0])), None)


def _week(ask: ToDay, last: date) -> dict[str, int]:
    posted = sums(report_facts.posted(ask.session, first=last - _WEEK + _DAY, last=last))
    return {row.reason: row.contacts for row in by_reason((), _of_waste(counted_contacts(posted)))}


def _spike(ask: ToDay) -> lines.Spike | None:
    """The largest incident that still went on during the day."""
    found = [row for row in contacts.spikes(ask).incidents if row.ended_at >= ask.begins]
    if not found:
        return None
    largest = max(found, key=lambda row: row.excess)
    name = largest.name or title(largest.reason)
    return lines.Spike(name, largest.peak_ratio, round(largest.excess), largest.cost_minor)


def _resolution(ask: ToDay) -> lines.Resolution | None:
    month = contacts.repeats(ask).overall
    if not month.matured and not month.repeats:
        return None
    before = contacts.repeats(_whole(ask, previous(ask.period))).overall
    return lines.Resolution(
        month.fcr_numerator, month.matured, month.repeat_cost_minor, before.fcr_numerator, before.matured
    )


def _whole(ask: ToDay, month: Period) -> Ask:
    """A whole month, as it stood at the end of the day."""
    return Ask(ask.session, ask.settings, month_of(month.first), ask.now)


def _replies(ask: ToDay) -> lines.Replies | None:
    """First answers to the day's contacts, all against one target: that for complaints."""
    target = TARGET_MINUTES[Tag.COMPLAINT]
    cards = contacts.cards(ask, since=ask.begins, until=ask.until)
    found = first_response(cards, target_minutes=dict.fromkeys(Tag, target)).overall
    if found.median_minutes is None:
        return None
    return lines.Replies(found.median_minutes, found.within_count, found.counted, target)


def _loyalty(ask: ToDay) -> lines.LoyaltyLine | None:
    """Thanks, what customers did after the contacts of the last month whose windows are over, and what is proven.

    Thanks are the month's; proof by a control group is the quarter's.
    """
    watched = previous(Period(*[(ask.day - timedelta(days=WINDOW_DAYS)).replace(day=1)] * 2))
    cohorts = customers.loyalty(_whole(ask, watched)).cohorts
    contacted = [cohorts[cohort] for cohort in (Cohort.FIRST, Cohort.REPEAT)]
    quarter = (ask.day.month + 2) // 3
    credited = savings.all_realised(ask.session, first=ask.day.replace(month=3 * quarter - 2, day=1), last=ask.day)
    proven = [one for one in credited if one.event.startswith("experiment:")]
    line = lines.LoyaltyLine(
        praise=report_night.thanks(ask.session, since=ask.since, until=ask.until),
        bought_again=sum(cohort.buy_again for cohort in contacted),
        customers=sum(cohort.customers for cohort in contacted),
        window_days=WINDOW_DAYS,
        credited_minor=sum(one.amount_minor for one in proven),
        credited_note=f"{', '.join(one.title for one in proven)}, Q{quarter}, 95% floor" if proven else "",
    )
    return line if line.praise or line.customers or proven else None


def _requests(ask: ToDay) -> lines.RequestsLine | None:
    """What was passed on this month, and what waits for an answer; None where there is neither."""
    found = passed.facts(ask)
    waiting = {
        team: len(row.waiting_over_limit)
        for team, row in requests.requests(found, as_of=ask.day).teams.items()
        if row.waiting_over_limit
    }
    count = sum(fact.passed is not None and fact.passed >= ask.period.first for fact in found)
    if not count and not waiting:
        return None
    most = max(sorted(waiting), key=waiting.__getitem__, default="")
    return lines.RequestsLine(count, sum(waiting.values()), title(most), requests.ACKNOWLEDGE_DAYS)


def _charges(ask: ToDay) -> lines.Charges | None:
    shown = recharge(ask).eligible
    if not shown:
        return None
    return lines.Charges(
        tuple(shown.items()),
        disputed=recharges.disputed_on(ask.session, ask.day),
        is_recharge=ask.settings.ledger.mode == "recharge",
    )


def _savings(ask: ToDay) -> lines.SavingsLine | None:
    """None without a driver, or while no baseline is long enough to say anything."""
    try:
        found = plans.savings(ask)
    except InputError:
        return None
    if all(row.verdict in _UNPROVEN for row in found.rows):
        return None
    name, outlay = _next_item(ask)
    left = report_night.budget_left(ask.session, last=ask.day, unit=ask.currency)
    return lines.SavingsLine(found.total_creditable_minor, left, name, outlay)


def _next_item(ask: ToDay) -> tuple[str, int]:
    """The best initiative that was given no budget yet, whatever the envelope; none has no name."""
    outlays = sum(one.one_off_minor + one.run_minor_per_year for one in report_imports.initiatives(ask.session))
    # As much operating expense as it takes for all of them to fit.
    enough = {"opex": outlays * 10_000 // CAP_MAX_BP, "cap_bp": CAP_MAX_BP}
    funded = report_night.funded(ask.session)
    ranked = plans.priorities(replace(ask, options=enough)).chosen
    return next(((one.title, one.outlay_first_year_minor) for one in ranked if one.id not in funded), ("", 0))
