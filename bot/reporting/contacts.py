"""The reports on contacts: repeats, first answers and surveys, spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bot.clock import working_minutes_between
from bot.config import Queue
from bot.domain import Tag
from bot.reporting.ask import Ask
from bot.reporting.stored import stored
from bot.reports import repeats as repeated
from bot.reports import response as responses
from bot.reports import spikes as spiked
from bot.reports.surveys import Ces, Nps, ces, nps
from bot.spikes import COUNT_MIN, WEEKS, WEEKS_MIN, Hour, Incident, incidents, reading, same_hours
from storage import report_cases
from storage.report_cases import AnswerRow, ContactRow
from storage.report_imports import survey_scores

_HOUR: Final = timedelta(hours=1)
_WEEK: Final = timedelta(weeks=1)
_PROMOTER, _PASSIVE = 9, 7

Counts = Mapping[datetime, int]
"""How many in which hour."""


def repeats(ask: Ask) -> repeated.Repeats:
    """Return repeats and observed first-contact resolution; what came before the month is history."""
    windows = ask.settings.ledger.repeat
    rows = report_cases.contacts(
        ask.session, since=ask.since - 2 * windows.longest_window, until=ask.until, unit=ask.currency
    )
    return repeated.repeats(
        (fact(row) for row in rows),
        as_of=ask.now,
        since=ask.since,
        window_days=windows.window_days,
        window_days_of=windows.reason_window_days,
    )


def fact(row: ContactRow) -> repeated.ContactFact:
    """Return a stored contact as the report takes it."""
    return repeated.ContactFact(
        id=str(row.case_id),
        subject=row.subject,
        reason=row.reason,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_resolved=row.is_resolved if row.closed_at else None,
        cost_minor=row.cost_minor,
        is_identified=bool(row.customer_ref),
    )


@dataclass(frozen=True, slots=True)
class Response:
    """How soon customers heard from us, and what they said when they were asked."""

    overall: responses.ResponseRow
    by_tag: tuple[responses.ResponseRow, ...]
    nps: Nps
    ces: Ces


def response(ask: Ask) -> Response:
    """Return first answers in care hours, and surveys. Surveys are context; they never post."""
    found = responses.first_response(cards(ask, since=ask.since, until=ask.until))
    promoters = survey_scores(ask.session, "nps", since=ask.since, until=ask.until)
    efforts = survey_scores(ask.session, "ces", since=ask.since, until=ask.until)
    return Response(
        overall=found.overall,
        by_tag=found.by_tag,
        nps=nps(
            promoters=sum(n for score, n in promoters.items() if score >= _PROMOTER),
            passives=sum(n for score, n in promoters.items() if _PASSIVE <= score < _PROMOTER),
            detractors=sum(n for score, n in promoters.items() if score < _PASSIVE),
        ),
        ces=ces([score for score, n in sorted(efforts.items()) for _ in range(n)]),
    )


def cards(ask: Ask, *, since: datetime, until: datetime) -> list[responses.CardFact]:
    """Return the contacts opened from ``since`` to before ``until`` with how soon they were answered, as of ``now``."""
    rows = report_cases.answers(ask.session, since=since, until=until)
    queues = {queue.name: queue for queue in ask.settings.queues}
    return [_card(ask, queues.get(row.queue), row) for row in rows]


def _card(ask: Ask, queue: Queue | None, row: AnswerRow) -> responses.CardFact:
    is_answered = row.answered_at is not None and row.answered_at <= ask.now
    end = row.answered_at if row.answered_at and is_answered else ask.now
    # A queue that is no longer in the config has no hours any more: round the clock.
    minutes = (
        working_minutes_between(row.opened_at, end, queue, ask.settings.earmark.timezone)
        if queue
        else max(end - row.opened_at, timedelta(0)) // timedelta(minutes=1)
    )
    if not is_answered:
        return responses.CardFact(Tag(row.tag), age_minutes=minutes)
    return responses.CardFact(Tag(row.tag), minutes=minutes)


def spikes(ask: Ask) -> spiked.SpikeReport:
    """Return how unusual each reason's last whole hour was, and the incidents of the month with what they cost.

    Those that the clock stored, and those that nobody saw at the time because their mentions came in later.
    """
    last_hour = ask.as_of.replace(minute=0, second=0, microsecond=0) - _HOUR
    by_reason: dict[str, Counts] = dict(
        report_cases.hourly(ask.session, since=ask.since - WEEKS * _WEEK - _HOUR, until=last_hour + _HOUR)
    )
    everything: dict[datetime, int] = {}
    for counts in by_reason.values():
        for hour, number in counts.items():
            everything[hour] = everything.get(hour, 0) + number
    # A reason can be unusual only in an hour with a minimum of mentions, so only those are looked at.
    hours = [hour for reason, counts in by_reason.items() for hour in _unusual(ask, reason, counts)]
    return spiked.spikes(
        [_counts(ask, reason, counts, last_hour) for reason, counts in {"": everything, **by_reason}.items()],
        hours,
        {(found.reason, found.hours[0].at): _cost(ask, found) for found in incidents(hours)},
        stored(ask),
    )


def _unusual(ask: Ask, reason: str, counts: Counts) -> Iterator[Hour]:
    began = min(counts)
    for hour, number in counts.items():
        history = _same_hours(ask, counts, hour, began)
        if hour >= ask.since and number >= COUNT_MIN and len(history) >= WEEKS_MIN:
            found = reading(number, history)
            yield Hour(reason, hour, number, found.baseline, found.level)


def _same_hours(ask: Ask, counts: Counts, hour: datetime, began: datetime) -> list[int]:
    """The counts of this hour of the week in the weeks before, as far as there were mentions at all."""
    return [counts.get(week, 0) for week in same_hours(hour, ask.zone) if week >= began]


def _counts(ask: Ask, reason: str, counts: Counts, hour: datetime) -> spiked.Counts:
    days: dict[date, int] = {}
    for at, number in counts.items():
        day = at.astimezone(ask.zone).date()
        days[day] = days.get(day, 0) + number
    today = hour.astimezone(ask.zone).date()
    first = min(days, default=today)
    before = [days.get(first + timedelta(days=n), 0) for n in range((today - first).days)]
    began = min(counts, default=hour)
    return spiked.Counts(reason, counts.get(hour, 0), _same_hours(ask, counts, hour, began), days.get(today, 0), before)


def _cost(ask: Ask, found: Incident) -> int:
    return report_cases.cost_of_cases_opened(
        ask.session,
        reason=found.reason,
        since=found.hours[0].at,
        until=found.hours[-1].at + _HOUR,
        unit=ask.currency,
    )
