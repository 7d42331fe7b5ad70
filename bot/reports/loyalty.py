"""What customers did after a contact, not what we caused: buy again, buy more, spread the word, leave (2.8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Literal

from bot.reports.figures import percent

WINDOW_DAYS: Final = 90
HEADING: Final = "What they did, not what we caused"

_BUYING: Final = frozenset({"order", "renewal"})
_SPENDING: Final = frozenset({"order", "renewal", "upgrade"})
_MORE: Final = frozenset({"upgrade"})
_FOR_US: Final = frozenset({"referral", "praise_public", "review"})
_AGAINST_US: Final = frozenset({"complaint_public"})
_LEAVING: Final = frozenset({"cancellation", "port_out", "refund_full"})


class Cohort(StrEnum):
    """Solved at the first contact, contacted again, or never contacted."""

    FIRST = "first"
    REPEAT = "repeat"
    NO_CONTACT = "no_contact"


@dataclass(frozen=True, slots=True)
class ContactOutcome:
    """A closed contact of a known customer."""

    customer: str
    closed: date
    outcome: Literal["first", "repeat"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A customer without a contact, watched from a day like those of the others."""

    customer: str
    index_date: date


@dataclass(frozen=True, slots=True)
class LoyaltyEvent:
    """Something a customer did; ``type`` is one of the import's words, such as ``order``."""

    customer: str
    type: str
    on: date
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one cohort did in the window after, and spent before and after. Each customer counts once."""

    customers: int
    buy_again: int
    buy_again_rate: str
    buy_more: int
    buy_more_rate: str
    spread_word: int
    spread_word_rate: str
    spoke_against: int
    left: int
    spend_before_minor: int
    spend_after_minor: int


@dataclass(frozen=True, slots=True)
class Loyalty:
    """The cohorts side by side. ``not_over`` customers are left out because their window is not over yet."""

    heading: str
    window_days: int
    cohorts: Mapping[Cohort, Behaviour]
    not_over: int


def loyalty(
    contacts: Iterable[ContactOutcome],
    comparison: Iterable[Comparison],
    events: Iterable[LoyaltyEvent],
    *,
    window_days: int = WINDOW_DAYS,
    as_of: date | None = None,
) -> Loyalty:
    """Return what customers did in the ``window_days`` after the contact, against as many days before.

    The day itself belongs to the time before. A customer with any repeat contact is in the cohort ``repeat``, watched
    from the first of them; one with a contact is never in the comparison. ``as_of`` leaves out windows not over yet.
    """
    window = timedelta(days=window_days)
    watched = _watched(contacts, comparison)
    over = {who: since for who, since in watched.items() if as_of is None or since[1] + window <= as_of}
    by_customer: defaultdict[str, list[LoyaltyEvent]] = defaultdict(list)
    for event in events:
        by_customer[event.customer].append(event)
    did: defaultdict[Cohort, list[_Did]] = defaultdict(list)
    for customer, (cohort, day) in over.items():
        did[cohort].append(_did(by_customer[customer], day, window))
    return Loyalty(
        heading=HEADING,
        window_days=window_days,
        cohorts={cohort: _behaviour(did[cohort]) for cohort in Cohort},
        not_over=len(watched) - len(over),
    )


def _watched(contacts: Iterable[ContactOutcome], comparison: Iterable[Comparison]) -> dict[str, tuple[Cohort, date]]:
    """Each customer's cohort and day: the worst cohort, then the earliest day."""
    found: dict[str, tuple[Cohort, date]] = {}
    for cohort, customer, day in [
        *((Cohort.NO_CONTACT, one.customer, one.index_date) for one in comparison),
        *((Cohort(one.outcome), one.customer, one.closed) for one in contacts),
    ]:
        mine = found.get(customer)
        if mine is None or _before((cohort, day), mine):
            found[customer] = (cohort, day)
    return found


def _before(one: tuple[Cohort, date], other: tuple[Cohort, date]) -> bool:
    worst_first = (Cohort.REPEAT, Cohort.FIRST, Cohort.NO_CONTACT)
    return (worst_first.index(one[0]), one[1]) < (worst_first.index(other[0]), other[1])


@dataclass(frozen=True, slots=True)
class _Did:
    kinds: frozenset[str]
    spent_before: int
    spent_after: int

    @property
    def bought_more(self) -> bool:
        return bool(self.kinds & _MORE) or self.spent_after > self.spent_before > 0


def _did(events: Sequence[LoyaltyEvent], day: date, window: timedelta) -> _Did:
    after = [event for event in events if day < event.on <= day + window]
    before = [event for event in events if day - window < event.on <= day]
    return _Did(frozenset(event.type for event in after), _spent(before), _spent(after))


def _spent(events: Iterable[LoyaltyEvent]) -> int:
    return sum(event.amount_minor for event in events if event.type in _SPENDING)


def _behaviour(customers: Sequence[_Did]) -> Behaviour:
    n = len(customers)
    found = Counter(
        name
        for one in customers
        for name, is_so in (
            ("again", one.kinds & _BUYING),
            ("more", one.bought_more),
            ("word", one.kinds & _FOR_US),
            ("against", one.kinds & _AGAINST_US),
            ("left", one.kinds & _LEAVING),
        )
        if is_so
    )
    return Behaviour(
        customers=n,
        buy_again=found["again"],
        buy_again_rate=percent(found["again"], n),
        buy_more=found["more"],
        buy_more_rate=percent(found["more"], n),
        spread_word=found["word"],
        spread_word_rate=percent(found["word"], n),
        spoke_against=found["against"],
        left=found["left"],
        spend_before_minor=sum(one.spent_before for one in customers),
        spend_after_minor=sum(one.spent_after for one in customers),
    )
