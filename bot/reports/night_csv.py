"""The figures of a nightly summary for a spreadsheet: one row a figure, with the line that it belongs to."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Final

from bot.reports.night import Night
from bot.reports.render import safe

COLUMNS: Final = ("date", "line", "figure", "value")
_SECTIONS: Final = (
    "demand",
    "waste",
    "origins",
    "spike",
    "resolution",
    "promises",
    "replies",
    "loyalty",
    "requests",
    "charges",
    "savings",
)
"""In the order of the summary's lines, which are counted from 1; trust has no number."""


def figures_csv(night: Night) -> str:
    """Return what a summary is made of as CSV. Money is in minor units; what is not known has no row."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    numbered = [(str(number), name) for number, name in enumerate(_SECTIONS, start=1)]
    for number, name in [*numbered, ("", "trust")]:
        for figure, value in _flat(name, getattr(night, name)):
            writer.writerow([night.day.isoformat(), number, safe(figure), safe(value)])
    return stream.getvalue()


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the figures under a name; those of records by their fields, those of lists by their place from 1."""
    if value is None:
        return
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
    elif isinstance(value, tuple | list):
        names = [*getattr(value, "_fields", ())]
        if not names:
            for place, part in enumerate(value, start=1):
                yield from _flat(f"{name}.{place}", part)
            return
    else:
        yield name, str(value)
        return
    for part in names:
        yield from _flat(f"{name}.{part}", getattr(value, part))
