"""A report for people, as tables in the terminal, and for programs, as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Final

from bot.reports.cells import Cell, Table
from bot.reports.figures import money, one_line, title
from bot.reports.footer import Footer
from bot.reports.tables import tables

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table as RichTable

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # wide ones work too
_SMALL: Final = 0.01
_OWN_SHARE: Final = re.compile(r"-\d+\.\d%")


def renderables(report: object, *, currency: str, footer: Footer | None = None) -> Iterator[RenderableType]:
    """Yield what ``rich`` prints for a report: its tables, then the footer. Text is shown as text."""
    from rich.text import Text

    for table in tables(report):
        yield rich_table(table, currency=currency)
    if footer is not None:
        yield Text(footer.text, style="italic")


def rich_table(table: Table, *, currency: str) -> RichTable:
    """Return one table for the terminal, numbers to the right and money in the book's currency."""
    from rich.table import Table as RichTable
    from rich.text import Text

    rich = RichTable(title=Text(title(table.title)), title_justify="left")
    for index, name in enumerate(table.columns):
        is_text = all(_is_words(row[index]) for row in table.rows)
        rich.add_column(Text(_heading(name)), justify="left" if is_text else "right", overflow="fold")
    for row in table.rows:
        # Text objects: a string would be read for rich's own mark-up.
        rich.add_row(*(Text(shown(cell, currency=currency)) for cell in row))
    return rich


def shown(cell: Cell, *, currency: str) -> str:
    """Return a cell as people read it, on one line and without control characters."""
    value = cell.value
    if value in {None, ""}:
        return "none yet" if cell.is_visible else ""
    if cell.is_name:
        return _heading(str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if cell.is_money and isinstance(value, int | float):
        return money(round(value), currency)
    if isinstance(value, int):
        return f"{value:,}"
    return _decimal(value) if isinstance(value, float) else one_line(str(value))


def _decimal(value: float) -> str:
    """Three decimals, or two figures of what is smaller than that shows: more is no knowledge."""
    return f"{value:,.3f}" if abs(value) >= _SMALL or not value else f"{value:,.2g}"


def _heading(name: str) -> str:
    return title(name.removesuffix("_minor").replace(".", " "))


def _is_words(cell: Cell) -> bool:
    return cell.value is None or (isinstance(cell.value, str) and not cell.value.endswith("%"))


def as_csv(report: object) -> str:
    """Return a report as CSV: its tables one after the other, an empty line between, each with its heading row.

    Money stands in minor units, as the ledger has it. With more than one table each begins with a line of its title.
    """
    found = tables(report)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for number, table in enumerate(found):
        if number:
            stream.write("\n")
        if len(found) > 1:
            writer.writerow([safe(table.title)])
        writer.writerow([safe(name) for name in table.columns])
        writer.writerows([_csv_value(cell) for cell in row] for row in table.rows)
    return stream.getvalue()


def _csv_value(cell: Cell) -> str | int | float:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return safe(value) if isinstance(value, str) else value


def safe(text: str) -> str:
    """Return a text that no spreadsheet runs: one that begins like a formula gets an apostrophe in front.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _OWN_SHARE.fullmatch(text) else text
