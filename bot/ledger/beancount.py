"""The ledger as plain text that beancount reads, so that anybody can check it with a program that is not ours. Pure.

Beancount knows no basis, so ``GBP`` on basis E is its commodity ``GBP-E``: what must not be added is kept apart, and
each has to balance by itself. Pending journals move no balance; they are comments. Every month ends with assertions
of all balances, exact to the penny.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from bot.ledger.accounts import CHART
from bot.ledger.journal import Journal, Line
from bot.ledger.money import exponent

_COUNTS: Final = ("TAG", "CNT", "SEC")
_SHOWN: Final = (
    "dept", "reason", "tag", "channel", "quadrant", "quadrant_source", "segment", "case_id", "product_team",
    "incident_id", "initiative_id", "config_version",
)  # fmt: skip
_DECEMBER: Final = 12


class Export:
    """Writes journals one after the other, and remembers only their sums by month."""

    def __init__(self) -> None:
        self._sums: Counter[tuple[tuple[int, int], str, str]] = Counter()

    def opening(self, first: date) -> Iterator[str]:
        """Yield what stands before the journals; nothing is earlier than ``first``."""
        yield "; Earmark's value/waste ledger: management accounts in memo money."
        yield 'option "title" "Earmark value/waste ledger"'
        # Half a penny of slack, beancount's own default, would let a changed penny pass an assertion.
        yield 'option "tolerance_multiplier" "0"'
        yield ""
        for path in CHART:
            yield f"{first} open {path}"

    def entry(self, journal: Journal) -> Iterator[str]:
        """Yield one journal."""
        draft = journal.draft
        head = f"{draft.effective} * {_quoted(draft.kind)} {_quoted(draft.memo)}"
        is_posted = draft.status == "posted" and bool(draft.lines)
        mark = "" if is_posted else "; "
        yield ""
        yield f"{mark}{head}" if is_posted else f"; {draft.status}: {head}"
        yield f"{mark}  seq: {journal.seq}"
        for name, value in (("key", journal.key), ("group", draft.group_ref), ("hash", journal.hash)):
            yield f"{mark}  {name}: {_quoted(value)}"
        for name, target in (("resolves", draft.resolves), ("reverses", draft.reverses)):
            if target:
                yield f"{mark}  {name}: {_quoted(target)}"
        for line in draft.lines:
            yield from (f"{mark}{text}" for text in _posting(line))
            if is_posted:
                self._sums[_month(draft.effective), line.account, _commodity(line)] += line.amount

    def closing(self) -> Iterator[str]:
        """Yield the balance of every account at the end of every month that has journals."""
        months = sorted({month for month, _, _ in self._sums})
        names = sorted({(account, commodity) for _, account, commodity in self._sums})
        balances: Counter[tuple[str, str]] = Counter()
        for month in months:
            yield ""
            for account, commodity in names:
                balances[account, commodity] += self._sums[month, account, commodity]
            for account, commodity in names:
                # Beancount's balance of an account includes those below it.
                amount = sum(
                    balance
                    for (path, unit), balance in balances.items()
                    if unit == commodity and (path == account or path.startswith(f"{account}:"))
                )
                yield f"{_next_month(month)} balance {account}  {_amount(amount, commodity)} {commodity}"


def _posting(line: Line) -> Iterator[str]:
    commodity = _commodity(line)
    yield f"  {line.account}  {_amount(line.amount, commodity)} {commodity}"
    for name in _SHOWN:
        if value := getattr(line, name):
            yield f"    {name}: {_quoted(value)}"


def _commodity(line: Line) -> str:
    return line.commodity if line.basis == "N" else f"{line.commodity}-{line.basis}"


def _amount(minor: int, commodity: str) -> str:
    unit = commodity.partition("-")[0]
    places = 0 if unit in _COUNTS else exponent(unit)
    whole, fraction = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}{f'.{fraction:0{places}d}' if places else ''}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(character if character.isprintable() else " " for character in escaped)}"'


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month


def _next_month(month: tuple[int, int]) -> date:
    year, number = month
    return date(year + number // _DECEMBER, number % _DECEMBER + 1, 1)
