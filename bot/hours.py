"""Working hours as the config writes them: ``mon-fri 09:00-17:30``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? +(\d{1,2}:\d{2})-(\d{1,2}:\d{2})\Z")


@dataclass(frozen=True, slots=True)
class WorkingSpan:
    """One stretch of working time on one weekday (0 is Monday), ``start`` inclusive, ``end`` exclusive, local time."""

    weekday: int
    start: time
    end: time | None
    """None is midnight at the end of the day."""


def parse_hours(entry: str) -> list[WorkingSpan]:
    """Return the spans of an entry, one a weekday; ``fri-mon`` runs over the weekend.

    Raises:
        ValueError: the entry cannot be read, or ends before it starts.
    """
    match = _HOURS.match(entry.strip().lower())
    if not match or match[1] not in WEEKDAYS or (match[2] or match[1]) not in WEEKDAYS:
        message = f"'{entry}' cannot be read as working hours: write 'mon-fri 09:00-17:30' or 'sat 10:00-14:00'"
        raise ValueError(message)
    start, end = _clock(match[3]), None if match[4] == "24:00" else _clock(match[4])
    if end is not None and end <= start:
        message = f"'{entry}' ends before it starts: split hours that run past midnight into two days"
        raise ValueError(message)
    first, last = WEEKDAYS.index(match[1]), WEEKDAYS.index(match[2] or match[1])
    days = [(first + offset) % 7 for offset in range((last - first) % 7 + 1)]
    return [WorkingSpan(weekday=day, start=start, end=end) for day in days]


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    try:
        return time(int(hour), int(minute))
    except ValueError as error:
        message = f"'{text}' is no time of day: write 00:00 to 24:00"
        raise ValueError(message) from error
