"""Any report as plain tables, read off its dataclasses, so that no report needs a layout of its own.

Single figures become a table of two columns, rows a table, rows inside rows a table that repeats their parent's first
column. What every cell holds stays as it is; :mod:`bot.reports.render` writes it for people or for programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

Scalar = str | int | float | date | None


class Cell(NamedTuple):
    """A value, and whether it is minor units of the book's currency."""

    value: Scalar
    is_money: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; columns have the names of the report's fields, every row has all of them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class _Entry(NamedTuple):
    """One field of a record."""

    name: str
    value: Any
    is_money: bool


def tables(report: object) -> list[Table]:
    """Return a report, which is a dataclass or a sequence of them, as tables; empty ones are left out."""
    if _is_record(report):
        return _of_record(type(report).__name__, report)
    return _of_collection(_Entry("rows", report, is_money=False))


def _of_record(title: str, record: object) -> list[Table]:
    entries = list(_entries(record))
    single = [entry for entry in entries if _is_scalar(entry.value)]
    figures = [(Cell(entry.name), _cell(entry)) for entry in single if entry.value != ()]
    found = [Table(title, ("figure", "value"), tuple(figures))] if figures else []
    records = [entry for entry in entries if _is_record(entry.value)]
    for kind in dict.fromkeys(type(entry.value) for entry in records):
        found += _of_alike(title, [entry for entry in records if type(entry.value) is kind])
    for entry in entries:
        if entry not in single and entry not in records:
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
    rows = [(_scalar(key), _cell(_Entry("", value, entry.is_money))) for key, value in entry.value.items()]
    return [Table(entry.name, ("name", "value"), tuple((Cell(key), cell) for key, cell in rows))] if rows else []


def _of_rows(title: str, records: Sequence[tuple[object, object]]) -> list[Table]:
    """One table of the records with their key in front, then one for each column that holds rows itself."""
    flat: list[dict[str, Cell]] = []
    nested: dict[str, list[tuple[Cell, object]]] = {}
    for key, record in records:
        row = {} if key is None else {"name": Cell(_scalar(key))}
        inner: list[_Entry] = []
        for entry in _flattened(record):
            if _is_scalar(entry.value):
                row[entry.name] = _cell(entry)
            else:
                inner.append(entry)
        flat.append(row)
        first = next(iter(row.items()), ("", Cell("")))
        for entry in inner:
            nested.setdefault(f"{entry.name} by {first[0]}", []).extend((first[1], child) for child in entry.value)
    found = [_table(title, flat)] if flat else []
    return found + [_children(name, rows) for name, rows in nested.items()]


def _children(title: str, rows: Iterable[tuple[Cell, object]]) -> Table:
    column = title.rsplit(" by ", 1)[-1]
    flat = []
    for parent, child in rows:
        own = {entry.name: _cell(entry) for entry in _flattened(child) if _is_scalar(entry.value)}
        flat.append({f"of {column}": parent, **own})
    return _table(title, flat)


def _table(title: str, rows: Sequence[Mapping[str, Cell]]) -> Table:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    empty = [name for name in columns if all(row.get(name, Cell(None)).value in {None, ""} for row in rows)]
    kept = tuple(name for name in columns if name not in empty)
    return Table(title, kept, tuple(tuple(row.get(name, Cell(None)) for name in kept) for row in rows))


def _flattened(record: object, prefix: str = "") -> Iterator[_Entry]:
    """The fields of a record, those of records inside it under their path."""
    for entry in _entries(record):
        if _is_record(entry.value):
            yield from _flattened(entry.value, f"{prefix}{entry.name}.")
        else:
            yield entry._replace(name=f"{prefix}{entry.name}")


def _entries(record: object) -> Iterator[_Entry]:
    if not is_dataclass(record):
        yield _Entry("value", record, is_money=False)
        return
    for field in fields(record):
        is_money = field.name.endswith("_minor") or field.metadata.get("unit") == "minor"
        yield _Entry(field.name, getattr(record, field.name), is_money)


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _is_scalar(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_scalar(part) for part in value)
    return value is None or isinstance(value, str | int | float | date | Enum)


def _cell(entry: _Entry) -> Cell:
    value = entry.value
    if isinstance(value, tuple | list):
        return Cell(", ".join(_text(part) for part in value))
    return Cell(_scalar(value), entry.is_money)


def _scalar(value: Any) -> Scalar:
    scalar: Scalar = value.value if isinstance(value, Enum) else value
    return scalar


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(_scalar(value))
