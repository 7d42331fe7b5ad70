"""Any report as plain tables, read off its dataclasses, so that hardly one needs a layout of its own.

Single figures become a table of two columns, records a table of rows, and records inside rows another table that
repeats their parent's first column. Cells keep their values; :mod:`bot.reports.render` writes them for people or for
programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

from bot.reports.cells import Cell, Scalar, Table
from bot.reports.statement import Statement
from bot.reports.statement_tables import statement_tables


class _Entry(NamedTuple):
    """One field of a record."""

    name: str
    value: Any
    is_money: bool = False
    is_visible: bool = False


def tables(report: object) -> list[Table]:
    """Return a report, which is a dataclass or a sequence of them, as tables; empty ones are left out."""
    if isinstance(report, Statement):
        return statement_tables(report)
    if _is_record(report):
        return _of_record(_words(report), report)
    records = list(report) if isinstance(report, tuple | list) else []
    return _of_rows(_words(records[0]), [(None, record) for record in records]) if records else []


def _words(record: object) -> str:
    """The name of the record's class in words: ``TopWastes`` → ``Top wastes``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(record).__name__).capitalize()


def _of_record(title: str, record: object) -> list[Table]:
    entries = list(_entries(record))
    figures = [
        (Cell(entry.name, is_name=True), _cell(entry))
        for entry in entries
        if _is_scalar(entry.value) and entry.value != ()
    ]
    found = [Table(title, ("figure", "value"), tuple(figures))] if figures else []
    records = [entry for entry in entries if _is_record(entry.value)]
    for kind in dict.fromkeys(type(entry.value) for entry in records):
        found += _of_alike(title, [entry for entry in records if type(entry.value) is kind])
    for entry in entries:
        if not _is_scalar(entry.value) and not _is_record(entry.value):
            found += _of_collection(entry)
    return found


def _of_alike(title: str, entries: Sequence[_Entry]) -> list[Table]:
    """Several records of one kind stand below each other; one alone is read like a report."""
    if len(entries) == 1:
        return _of_record(entries[0].name, entries[0].value)
    return _of_rows(title, [(entry.name, entry.value) for entry in entries])


def _of_collection(entry: _Entry) -> list[Table]:
    if not isinstance(entry.value, Mapping):
        return _of_rows(entry.name, [(None, record) for record in entry.value])
    if any(_is_record(value) for value in entry.value.values()):
        return _of_rows(entry.name, list(entry.value.items()))
    rows = tuple((Cell(_scalar(key)), _cell(_Entry("", value, entry.is_money))) for key, value in entry.value.items())
    return [Table(entry.name, ("name", "value"), rows)] if rows else []


def _of_rows(title: str, records: Sequence[tuple[object, object]]) -> list[Table]:
    """One table of the records with their key in front, then one for each column that holds records itself."""
    rows: list[dict[str, Cell]] = []
    inner: dict[str, list[dict[str, Cell]]] = {}
    for key, record in records:
        entries = list(_flattened(record))
        row = {} if key is None else {"name": Cell(_scalar(key))}
        row |= {entry.name: _cell(entry) for entry in entries if _is_scalar(entry.value)}
        rows.append(row)
        for entry in entries:
            if not _is_scalar(entry.value):
                inner.setdefault(entry.name, []).extend(_children(row, entry.value))
    found = [_table(title, rows)] if rows else []
    return found + [_table(f"{title}: {name}", children) for name, children in inner.items()]


def _children(parent: Mapping[str, Cell], records: Iterable[object]) -> Iterator[dict[str, Cell]]:
    name, key = next(iter(parent.items()))
    for record in records:
        own = {entry.name: _cell(entry) for entry in _flattened(record) if _is_scalar(entry.value)}
        yield {f"of {name}": key, **own}


def _table(title: str, rows: Sequence[Mapping[str, Cell]]) -> Table:
    """The rows as a table; a column in which nothing stands is left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    kept = tuple(name for name in names if any(name in row and _is_shown(row[name]) for row in rows))
    return Table(title, kept, tuple(tuple(row.get(name, Cell(None)) for name in kept) for row in rows))


def _is_shown(cell: Cell) -> bool:
    return cell.is_visible or cell.value not in {None, ""}


def _flattened(record: object, prefix: str = "") -> Iterator[_Entry]:
    """The fields of a record, those of records inside it under their path."""
    for entry in _entries(record):
        if _is_record(entry.value):
            yield from _flattened(entry.value, f"{prefix}{entry.name}.")
        else:
            yield entry._replace(name=f"{prefix}{entry.name}")


def _entries(record: object) -> Iterator[_Entry]:
    if not is_dataclass(record):
        yield _Entry("value", record)
        return
    for field in fields(record):
        unit = field.metadata.get("unit")
        if unit != "detail":
            is_money = field.name.endswith("_minor") or unit == "minor"
            yield _Entry(field.name, getattr(record, field.name), is_money, unit == "visible")


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _is_scalar(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_scalar(part) for part in value)
    return value is None or isinstance(value, str | int | float | date | Enum)


def _cell(entry: _Entry) -> Cell:
    if isinstance(entry.value, tuple | list):
        return Cell(", ".join(_text(part) for part in entry.value))
    return Cell(_scalar(entry.value), entry.is_money, is_visible=entry.is_visible)


def _scalar(value: Any) -> Scalar:
    scalar: Scalar = value.value if isinstance(value, Enum) else value
    return scalar


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(_scalar(value))
