"""The nightly summary: a header, up to eleven numbered lines, and one about trust (specification 3).

A section without data is left out but keeps its number, so that line 6 is always promises. Money is in whole units,
half away from zero. Names of incidents, teams and initiatives come from people: they are put on one line here and
must still be escaped for the place that shows them.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from bot.reports.figures import counted, one_line, percent, title, whole_money
from bot.reports.night import (
    Charges,
    Demand,
    LoyaltyLine,
    Night,
    Origins,
    PromisesKept,
    Replies,
    RequestsLine,
    Resolution,
    SavingsLine,
    Spike,
    Waste,
)

SHOWN_MAX: Final = 3
"""At most so many reasons and departments."""

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def summary(night: Night) -> list[str]:
    """Return the lines of the nightly summary, in Slack's mark-up for bold and italic."""
    money, when = night.currency, "yesterday" if night.is_over else "today so far"
    sections = (
        night.demand and _demand(night.demand, when),
        night.waste and _waste(night.waste, money, when),
        night.origins and night.origins.top and _origins(night.origins, money),
        night.spike and _spike(night.spike, money),
        night.resolution and _resolution(night.resolution, money),
        night.promises and _promises(night.promises),
        night.replies and _replies(night.replies),
        night.loyalty and _loyalty(night.loyalty, money),
        night.requests and _requests(night.requests),
        night.charges and night.charges.by_department and _charges(night.charges, money),
        night.savings and _savings(night.savings, money),
    )
    numbered = [f"{number}. {text}" for number, text in enumerate(sections, start=1) if text]
    return [_header(night), *numbered, f"_How far to trust this:_ {night.trust.text}"]


def alarm(day: date, broken: str) -> str:
    """Return the one line that stands for the summary when the ledger does not verify."""
    return (
        f"*Value / waste ledger — {_day(day)}* · ALARM: the ledger does not verify ({one_line(broken)})."
        " No figures tonight; recharge is frozen. Run `earmark ledger verify`."
    )


def _day(day: date) -> str:
    # Written out, because strftime follows the locale of the machine.
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _header(night: Night) -> str:
    month = "open" if night.is_month_open else "closed"
    return (
        f"*Value / waste ledger — {_day(night.day)}* · {_MONTHS[night.day.month - 1]} day {night.day.day}"
        f" of {night.days_in_month}, month {month} · money is handling cost unless marked; E = estimated"
    )


def _demand(line: Demand, when: str) -> str:
    usual = f" (usual {line.usual:,})" if line.usual is not None else ""
    pending = f" {line.pending:,} not yet worked." if line.pending else ""
    kinds = f"{counted(line.complaints, 'complaint')}, {counted(line.requests, 'request')}, {line.praise:,} praise"
    return f"*Demand* {counted(line.contacts, 'contact')} {when}{usual}: {kinds}.{pending}"


def _waste(line: Waste, currency: str, when: str) -> str:
    low_high = [whole_money(end, currency) for end in line.range_minor or ()]
    spread = f" (range {'–'.join(low_high)})" if low_high else ""  # noqa: RUF001  # a range takes an en dash
    return (
        f"*Waste* {whole_money(line.day_minor, currency)} {when}, {whole_money(line.month_minor, currency)}"
        f" this month{spread} = {percent(line.month_minor, line.month_cost_minor)} of handling cost"
        f"{_against(line, currency)}."
    )


def _against(line: Waste, currency: str) -> str:
    if line.baseline_minor is None:
        return ""
    below = line.baseline_minor - line.month_minor
    side = "below" if below >= 0 else "above"
    return f"; {whole_money(abs(below), currency)} {side} baseline at this volume"


def _origins(line: Origins, currency: str) -> str:
    dearest = sorted(line.top, key=lambda row: (-row.cost_minor, -row.contacts, row.reason))[:SHOWN_MAX]
    reasons = "; ".join(
        f"{title(row.reason)} {whole_money(row.cost_minor, currency)}"
        f" ({counted(row.contacts, 'contact')}, {one_line(row.owner)})"
        for row in dearest
    )
    mover = f" Fastest riser: {title(line.mover[0])} {line.mover[1]:+d}% week on week." if line.mover else ""
    return f"*Where it comes from* {reasons}.{mover}"


def _spike(line: Spike, currency: str) -> str:
    return (
        f"*Spike* {one_line(line.name)}: {line.peak_ratio:.1f}x usual at peak,"
        f" {counted(line.excess, 'excess mention')}, {whole_money(line.cost_minor, currency)} so far."
    )


def _resolution(line: Resolution, currency: str) -> str:
    before = f" (last month {percent(line.last_solved, line.last_matured)})" if line.last_matured else ""
    return (
        f"*Solved first time* {percent(line.solved, line.matured)}{before};"
        f" repeats cost {whole_money(line.repeat_cost_minor, currency)} this month."
    )


def _promises(line: PromisesKept) -> str:
    kept = f"{line.kept:,} of {counted(line.promised, 'call-back')} kept ({percent(line.kept, line.promised)})"
    where = f", most in {one_line(line.overdue_queue)}" if line.overdue and line.overdue_queue else ""
    overdue = f"; {line.overdue:,} overdue now{where}" if line.overdue else ""
    return f"*Promises* {kept}{overdue}."


def _replies(line: Replies) -> str:
    return (
        f"*First reply* median {line.median_minutes:g} min;"
        f" {percent(line.within, line.counted)} within {line.target_minutes} min."
    )


def _loyalty(line: LoyaltyLine, currency: str) -> str:
    again = percent(line.bought_again, line.customers)
    bought = f"; {again} bought again within {line.window_days} days (observed)" if line.customers else ""
    note = f" ({one_line(line.credited_note)})" if line.credited_note else ""
    money = whole_money(line.credited_minor, currency)
    proven = f" Proven by control group: {money}{note}." if line.credited_minor else ""
    return f"*Loyalty* {counted(line.praise, 'public thank-you')}{bought}.{proven}"


def _requests(line: RequestsLine) -> str:
    team = f" ({one_line(line.waiting_team)})" if line.waiting_team else ""
    waiting = f"; {line.waiting:,} unanswered for over {line.limit_days} days{team}" if line.waiting else ""
    return f"*Requests* {line.passed:,} passed to product teams{waiting}."


def _charges(line: Charges, currency: str) -> str:
    name = "Recharge" if line.is_recharge else "Show-back"
    dearest = sorted(line.by_department, key=lambda row: (-row[1], row[0]))[:SHOWN_MAX]
    departments = ", ".join(f"{one_line(dept)} {whole_money(minor, currency)}" for dept, minor in dearest)
    disputed = f"; {counted(line.disputed, 'line')} disputed" if line.disputed else ""
    return f"*{name}* {departments}{disputed}."


def _savings(line: SavingsLine, currency: str) -> str:
    outlay = whole_money(line.next_outlay_minor, currency)
    following = f"; next on the list: {one_line(line.next_item)} ({outlay})" if line.next_item else ""
    return (
        f"*Savings* at least {whole_money(line.saving_low_minor, currency)} this month (95% floor);"
        f" innovation budget {whole_money(line.budget_left_minor, currency)} left{following}."
    )
