"""The rule core: what becomes of a draft, given the books (specification 1.3, 1.8, 1.10). Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final, Protocol

from bot.errors import LedgerError
from bot.ledger.accounts import BUDGET_AVAILABLE, BUDGET_INITIATIVES, CHART
from bot.ledger.journal import Draft, Journal

COUNTED: Final = frozenset({"TAG", "CNT"})
"""Commodities that are counted, so their basis is N."""

LIMIT: Final = 2**53
"""Amounts stay below it, so that readers who only have floating numbers read them exactly."""

BUDGETS: Final = frozenset({BUDGET_AVAILABLE, BUDGET_INITIATIVES})
"""Accounts that may not be overdrawn."""

SENTENCES: Final[dict[str, str]] = {
    "E_NOT_INTEGER": "an amount is not a whole number; give it in the smallest unit, such as pence or seconds",
    "E_TOO_LARGE": "an amount is too large to be kept exactly; check its unit",
    "E_ZERO_LINE": "a line of 0 says nothing; leave it out",
    "E_TOO_FEW_LINES": "a journal needs a debit and a credit; add the missing side",
    "E_UNKNOWN_ACCOUNT": "an account is not in the chart of accounts; correct its name",
    "E_UNKNOWN_COMMODITY": "a currency or unit is not kept in this book; use the book's currency, SEC, TAG or CNT",
    "E_BASIS": "counts have the basis N, everything else E, M or R; correct the basis",
    "E_UNBALANCED": "debits and credits differ for a unit and basis; correct an amount",
    "E_VOID_HAS_LINES": "a voided hold moves nothing; leave out the lines",
    "E_INCOMPLETE": "what the journal does to another one is not said in full; name the journal and post or void",
    "E_UNKNOWN_JOURNAL": "the journal it refers to is not in the books; check the key",
    "E_NOT_PENDING": "only a pending journal can be resolved, and this one is posted; reverse it instead",
    "E_ALREADY_RESOLVED": "that hold was posted or voided already; post a new journal",
    "E_ALREADY_REVERSED": "that journal was reversed already; post a new journal",
    "E_REVERSAL_OF_PENDING": "a hold is voided, not reversed; void it",
    "E_REVERSAL_OF_REVERSAL": "a reversal is not reversed; post the first journal anew under a new key",
    "E_REVERSAL_NOT_MIRROR": "a reversal repeats the lines of its journal with the signs changed; copy them",
    "E_PERIOD_CLOSED": "the period of its date is closed; use the first open day and keep the first date as original",
    "E_BUDGET_OVERDRAWN": "the budget does not hold that much; grant or allocate more first",
    "E_IDEMPOTENCY_CONFLICT": "another journal has this key; a changed event needs a new event id",
}
"""Every code a draft can be refused with, and what to do, for a bookkeeper."""


class View(Protocol):
    """What the rules need to know of the books."""

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies this book keeps."""
        ...

    @property
    def closed_through(self) -> date | None:
        """The last day of the last closed period."""
        ...

    def by_key(self, key: str) -> Journal | None:
        """The journal with that key."""
        ...

    def resolution_of(self, key: str) -> str | None:
        """The key of the journal that resolves the one with ``key``."""
        ...

    def reversal_of(self, key: str) -> str | None:
        """The key of the journal that reverses the one with ``key``."""
        ...

    def budget(self, account: str, commodity: str, initiative: str | None) -> int:
        """The posted balance of a budget account; of one initiative where the account is kept by initiative."""
        ...


@dataclass(frozen=True, slots=True)
class Append:
    """The draft fits: write it."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The draft is in the books already: write nothing."""

    journal: Journal


@dataclass(frozen=True, slots=True)
class Rejected:
    """The draft does not fit, for the reason of ``code``."""

    draft: Draft
    code: str

    def error(self) -> LedgerError:
        """The refusal as an error a bookkeeper understands."""
        return LedgerError(self.code, f"journal '{self.draft.key}' is refused: {SENTENCES[self.code]}")


def decide(draft: Draft, view: View) -> Append | Unchanged | Rejected:
    """Return what becomes of ``draft``. The books are only read."""
    known = view.by_key(draft.key)
    if known is not None:
        return Unchanged(known) if _is_same(draft, known) else Rejected(draft, "E_IDEMPOTENCY_CONFLICT")
    code = (
        shape_problem(draft, view.currencies)
        or _resolution_problem(draft, view)
        or _reversal_problem(draft, view)
        or _period_problem(draft, view)
        or _budget_problem(draft, view)
    )
    return Rejected(draft, code) if code else Append(draft)


def placed(draft: Draft, closed_through: date | None) -> Draft:
    """Return ``draft`` on the first open day where its own day is closed; its own day is kept as ``original``."""
    if closed_through is None or draft.effective > closed_through:
        return draft
    first_open = date.fromordinal(closed_through.toordinal() + 1)
    return replace(draft, effective=first_open, original=draft.wanted)


def _is_same(draft: Draft, known: Journal) -> bool:
    """The same event again, also where its period was closed since and ``draft`` would now move to another day."""
    if draft.sha256 == known.payload_sha256:
        return True
    if draft.wanted != known.draft.wanted:
        return False
    as_first = replace(draft, effective=known.draft.effective, original=known.draft.original)
    return as_first.sha256 == known.payload_sha256


def shape_problem(draft: Draft, currencies: frozenset[str]) -> str | None:
    """Return the code of what is wrong with the draft by itself; None when nothing is."""
    if draft.resolution == "void":
        return "E_VOID_HAS_LINES" if draft.lines else None
    # One walk over the lines: a verification looks at millions of them, and a mention makes about ten.
    sums: dict[tuple[str, str], int] = {}
    for line in draft.lines:
        unit = line.commodity, line.basis
        if code := _amount_problem(line.amount) or _unit_problem(line.account, *unit, currencies):
            return code
        sums[unit] = sums.get(unit, 0) + line.amount
    if len(draft.lines) < 2:  # noqa: PLR2004  # a debit and a credit
        return "E_TOO_FEW_LINES"
    return "E_UNBALANCED" if any(sums.values()) else None


def _amount_problem(amount: int) -> str | None:
    if type(amount) is not int:
        return "E_NOT_INTEGER"
    if not -LIMIT < amount < LIMIT:
        return "E_TOO_LARGE"
    return None if amount else "E_ZERO_LINE"


@lru_cache(maxsize=1024)
def _unit_problem(account: str, commodity: str, basis: str, currencies: frozenset[str]) -> str | None:
    if account not in CHART:
        return "E_UNKNOWN_ACCOUNT"
    if commodity in COUNTED:
        return None if basis == "N" else "E_BASIS"
    if commodity != "SEC" and commodity not in currencies:
        return "E_UNKNOWN_COMMODITY"
    return None if basis in {"E", "M", "R"} else "E_BASIS"


def _resolution_problem(draft: Draft, view: View) -> str | None:
    if draft.resolves is None and draft.resolution is None:
        return None
    if draft.resolves is None or draft.resolution is None or draft.status != "posted" or draft.reverses is not None:
        return "E_INCOMPLETE"
    return resolution_problem(view.by_key(draft.resolves)) or (
        "E_ALREADY_RESOLVED" if view.resolution_of(draft.resolves) is not None else None
    )


def resolution_problem(target: Journal | None) -> str | None:
    """Return the code of why a journal cannot be resolved by nature; None when it can."""
    if target is None:
        return "E_UNKNOWN_JOURNAL"
    return None if target.draft.status == "pending" else "E_NOT_PENDING"


def _reversal_problem(draft: Draft, view: View) -> str | None:
    if draft.reverses is None:
        return None
    if draft.status != "posted":
        return "E_INCOMPLETE"
    target = view.by_key(draft.reverses)
    if target is not None and view.reversal_of(draft.reverses) is not None:
        return "E_ALREADY_REVERSED"
    return reversal_problem(draft, target)


def reversal_problem(draft: Draft, target: Journal | None) -> str | None:
    """Return the code of why ``draft`` is no reversal of ``target``; None when it is."""
    if target is None:
        return "E_UNKNOWN_JOURNAL"
    if target.draft.status == "pending":
        return "E_REVERSAL_OF_PENDING"
    if target.draft.reverses is not None:
        return "E_REVERSAL_OF_REVERSAL"
    mirror = tuple(line.mirrored() for line in target.draft.lines)
    return None if draft.lines == mirror else "E_REVERSAL_NOT_MIRROR"


def _period_problem(draft: Draft, view: View) -> str | None:
    closed_through = view.closed_through
    return "E_PERIOD_CLOSED" if closed_through is not None and draft.effective <= closed_through else None


def _budget_problem(draft: Draft, view: View) -> str | None:
    if draft.status != "posted":
        return None
    for (account, commodity, initiative), moved in budget_moves(draft).items():
        if moved < 0 and view.budget(account, commodity, initiative) + moved < 0:
            return "E_BUDGET_OVERDRAWN"
    return None


def budget_moves(draft: Draft) -> Counter[tuple[str, str, str | None]]:
    """Return what the draft moves on budget accounts: what is available in all, what is allocated by initiative."""
    moves: Counter[tuple[str, str, str | None]] = Counter()
    for line in draft.lines:
        if line.account in BUDGETS:
            initiative = line.initiative_id if line.account == BUDGET_INITIATIVES else None
            moves[line.account, line.commodity, initiative] += line.amount
    return moves
