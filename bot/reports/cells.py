"""A table before it is drawn: columns named like the report's fields, and cells that keep their values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

Scalar = str | int | float | date | None


class Cell(NamedTuple):
    """A value. ``is_money``: minor units of the book's currency. ``is_name``: the name of a field."""

    value: Scalar
    is_money: bool = False
    is_name: bool = False
    is_visible: bool = False
    """Its column stays also where nothing stands in it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; every row has a cell for each of them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
