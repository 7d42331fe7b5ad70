"""What a baseline leaves out: the hours of incidents, with their contacts and what those cost (specification 2.4).

Last month's outage must not make this month look like a saving. The hours leave the driver too: a baseline with fewer
hours had fewer orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.domain import UNCLASSIFIED
from bot.ledger.accounts import WASTE
from bot.reporting.ask import Ask
from bot.reporting.stored import as_counted
from bot.reports.figures import rounded
from bot.reports.savings import Volume
from storage import incidents, report_incidents
from storage.report_incidents import Posted

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a span of days belongs to incidents. ``hours`` are by the incident's reason; "" is every reason's."""

    posted: tuple[Posted, ...] = ()
    hours: Mapping[str, frozenset[datetime]] = field(default_factory=dict)
    hours_in_all: int = 0

    def volumes(self, found: Mapping[str, Volume]) -> dict[str, Volume]:
        """Return contacts and cost of each reason without those of incidents."""
        return {
            reason: Volume(volume.contacts - self._sum(reason, "CNT"), volume.cost_minor - self._sum(reason, ""))
            for reason, volume in found.items()
        }

    def _sum(self, reason: str, commodity: str) -> int:
        """Contacts, or with no commodity money."""
        wanted = [one for one in self.posted if (one.reason or UNCLASSIFIED) == reason]
        return sum(one.amount for one in wanted if (one.commodity == "CNT") == (commodity == "CNT"))

    def contacts_on(self, reason: str, day: date) -> int:
        """Return how many contacts of a reason on a day were of incidents."""
        mine = (one for one in self.posted if one.commodity == "CNT" and one.day == day)
        return sum(one.amount for one in mine if (one.reason or UNCLASSIFIED) == reason)

    def drivers(self, driver: int) -> dict[str, int]:
        """Return the driver of the hours that are left, for reasons that lose some."""
        everything = self.hours.get("", frozenset())
        reasons = {one.reason or UNCLASSIFIED for one in self.posted} | (self.hours.keys() - {""})
        lost = {reason: len(self.hours.get(reason, frozenset()) | everything) for reason in reasons}
        left = {reason: max(self.hours_in_all - hours, 1) for reason, hours in lost.items() if hours}
        return {reason: max(rounded(driver * hours, self.hours_in_all), 1) for reason, hours in left.items()}

    @property
    def waste_minor(self) -> int:
        """The cost of incidents' cases that is waste."""
        return sum(one.amount for one in self.posted if one.account == WASTE and one.commodity != "CNT")


def left_out(ask: Ask, first: date, last: date) -> LeftOut:
    """Return what of the days from ``first`` to ``last``, both inclusive, belongs to stored incidents."""
    since, until = ask.moment(first), ask.moment(last + _DAY)
    rows = incidents.between(ask.session, since=since, until=until)
    if not rows:
        return LeftOut()
    counted = incidents.hours_of(ask.session, [row.id for row in rows])
    hours: dict[str, set[datetime]] = {}
    for row in rows:
        found = as_counted(row, counted.get(row.id, ()), until=until)
        for one in found.hours if found else ():
            spans = (one.at + number * _HOUR for number in range(24 if row.rule == "day" else 1))
            hours.setdefault(row.reason, set()).update(at for at in spans if since <= at < until)
    return LeftOut(
        tuple(report_incidents.posted(ask.session, first=first, last=last, unit=ask.currency)),
        {reason: frozenset(found) for reason, found in hours.items()},
        int((until.astimezone(UTC) - since.astimezone(UTC)) / _HOUR),
    )
