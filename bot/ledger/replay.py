"""Replays a book of events in memory, for auditors and for our own checks. Events are those of vector 02."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import InputError, LedgerError
from bot.ledger.accounts import CONTACT_ACCOUNTS
from bot.ledger.bookfile import Entry, cost_config
from bot.ledger.model import CostModel
from bot.ledger.player import Player
from bot.ledger.totals import Balance, balances


def replay(book: Mapping[str, Any], model: CostModel | None = None) -> dict[str, Any]:
    """Return what the events of ``book`` make of an empty ledger, in the form of vector 02's ``expect``.

    ``model`` None takes the cost configuration that stands in the book under ``config``.

    Raises:
        InputError: an event or the configuration cannot be read.
        LedgerError: an event does not fit the books.
    """
    return expectation(replayed(book, model))


def replayed(book: Mapping[str, Any], model: CostModel | None = None) -> Player:
    """Return the books after all events of ``book``; arguments and errors as :func:`replay`."""
    file = Entry("book", book)
    closing = file.entry("closed_before_event") if book.get("closed_before_event") is not None else Entry("", {})
    done = Player(model or cost_config(file.entry("config").values))
    seen: dict[str, Mapping[str, Any]] = {}
    for number, raw in enumerate(file.list("events"), start=1):
        if not isinstance(raw, dict):
            raise InputError(f"event {number}: an event must be an object")
        event = Entry(f"event {raw.get('id', number)}", raw)
        if event.text("id") in closing.values:
            done.book.closed_through = closing.day(event.text("id"))
        if _is_new(event, seen):
            done.apply(event)
    return done


def _is_new(event: Entry, seen: dict[str, Mapping[str, Any]]) -> bool:
    """False for an event that came before, whenever it was recorded; another one with its id is refused."""
    told = {name: value for name, value in event.values.items() if name != "recorded"}
    known = seen.setdefault(event.text("id"), told)
    if known != told:
        code = "E_IDEMPOTENCY_CONFLICT"
        raise LedgerError(code, f"{event.name} came before with other values; a changed event needs a new event id")
    return known is told


def expectation(done: Player) -> dict[str, Any]:
    """Return counts and balances of the books, in the form of vector 02's ``expect``."""
    journals = done.book.journals
    posted = balances(journals, status="posted")
    sums: Counter[str] = Counter()
    for row in posted:
        sums[f"{row.commodity}/{row.basis}"] += row.amount
    return {
        "journal_count": len(journals),
        "live_tags": _counted(posted, "TAG"),
        "live_contacts": _counted(posted, "CNT"),
        "posted_balances": [_row(row) for row in posted],
        "pending_balances": [_row(row) for row in balances(journals, status="pending")],
        "posted_sum_per_commodity_basis": dict(sorted(sums.items())),
        "repeats": done.repeats,
    }


def _counted(rows: Sequence[Balance], commodity: str) -> int:
    return sum(row.amount for row in rows if row.commodity == commodity and row.account in CONTACT_ACCOUNTS)


def _row(row: Balance) -> dict[str, Any]:
    return {
        "account": row.account,
        "code": row.code,
        "dept": row.dept,
        "commodity": row.commodity,
        "basis": row.basis,
        "amount": row.amount,
    }
