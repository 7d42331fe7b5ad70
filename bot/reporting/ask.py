"""What is asked of a report: a month, and the books to read it from."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.config import Settings
from bot.errors import InputError
from bot.reports.facts import LineSum, Period
from bot.reports.footer import Footer
from bot.reports.tag_audit import AUDIT_DAYS
from storage import audits, report_facts
from storage.report_facts import LineTotal

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Ask:
    """A month of one book, as it stands ``now``. ``options`` are those that only some reports have."""

    session: Session
    settings: Settings
    month: str
    now: datetime
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def period(self) -> Period:
        """The days of the month, both inclusive, in the reporting time zone."""
        return period(self.month)

    @cached_property
    def last(self) -> date:
        """The last day there can be something on: the month's, or today."""
        return min(self.period.last, self.today)

    @property
    def today(self) -> date:
        """The present day in the reporting time zone."""
        return self.now.astimezone(self.zone).date()

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.settings.earmark.timezone)

    @cached_property
    def since(self) -> datetime:
        """When the month begins, in UTC."""
        return self.moment(self.period.first)

    @cached_property
    def until(self) -> datetime:
        """When the month is over, in UTC; nothing of it is later."""
        return self.moment(self.period.last + timedelta(days=1))

    @property
    def as_of(self) -> datetime:
        """The moment the report speaks of: the month's end, or now."""
        return min(self.until, self.now)

    def moment(self, day: date) -> datetime:
        """When a day begins in the reporting time zone, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @cached_property
    def currency(self) -> str:
        """The book's currency: that of the newest recorded configuration."""
        return report_facts.currency(self.session) or self.settings.ledger.currency

    @cached_property
    def posted(self) -> list[LineSum]:
        """The posted lines of the month."""
        return sums(report_facts.posted(self.session, first=self.period.first, last=self.period.last))

    def footer(self) -> Footer:
        """How far to trust the month's figures."""
        found = report_facts.trust(self.session, first=self.period.first, last=self.period.last, unit=self.currency)
        _, _, placeholders = report_facts.config_in_use(self.session)
        since = self.last - timedelta(days=AUDIT_DAYS - 1)
        nights = audits.nights(self.session, first=since, last=self.last, by=self.now)
        return Footer(
            contact_cost_minor=found.contact_cost_minor,
            measured_minor=found.measured_minor,
            audit_ok=sum(night.right for night in nights),
            audit_n=sum(night.judged for night in nights),
            audit_days=AUDIT_DAYS,
            absorbed_minor=found.absorbed_minor,
            pool_minor=found.pool_minor,
            placeholders=placeholders,
        )


def period(month: str) -> Period:
    """Return the days of a month such as ``2026-09``.

    Raises:
        InputError: it is no month.
    """
    match = _MONTH.fullmatch(month)
    if not match or not int(match[1]):
        raise InputError(f"--period {month}: this is no month; write such as 2026-09")
    year, number = int(match[1]), int(match[2])
    return Period(date(year, number, 1), date(year, number, monthrange(year, number)[1]))


def month_of(day: date) -> str:
    """Return the name of a day's month."""
    return f"{day.year:04d}-{day.month:02d}"


def previous(month: Period) -> Period:
    """Return the month before."""
    return period(month_of(month.first - timedelta(days=1)))


def sums(totals: Iterable[LineTotal]) -> list[LineSum]:
    """Return stored totals as the reports take them."""
    return [LineSum(*total) for total in totals]
