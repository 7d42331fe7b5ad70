"""Recomputes the books from their rows and names the first journal that is not as it was written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.ledger.decide import resolution_problem, reversal_problem, shape_problem
from bot.ledger.journal import START, Journal, chained, digest, journal_id


@dataclass(frozen=True, slots=True)
class Broken:
    """A journal that does not check, and what is wrong with it, such as ``payload`` or ``unbalanced``.

    ``seq`` 0 is the book as a whole: its journals check, and what was counted from them does not.
    """

    seq: int
    key: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        if not self.seq:
            return ", ".join(self.problems)
        name = f" ({self.key})" if self.key else ""
        return f"journal {self.seq}{name}: {', '.join(self.problems)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking found. ``head`` is the hash of the last journal that checked."""

    journals: int
    head: str
    broken: Broken | None = None

    @property
    def ok(self) -> bool:
        """True when every journal checked."""
        return self.broken is None


class Audit:
    """Checks journals one after the other, in the order of ``seq``, in constant memory."""

    def __init__(self, currencies: frozenset[str]) -> None:
        self.currencies = currencies
        self._seq = 0
        self._head = START

    @property
    def verdict(self) -> Verdict:
        """What stands so far, when nothing was broken."""
        return Verdict(self._seq, self._head)

    def check(self, journal: Journal, *, resolved: Journal | None, reversed_: Journal | None) -> Broken | None:
        """Return what is wrong with the next journal; its targets are given where it has any."""
        try:
            problems = [*self._chain_problems(journal), *self._content_problems(journal, resolved, reversed_)]
        except (TypeError, ValueError):
            # Such as bytes where a text was: a value that no journal can have has no digest either.
            problems = ["unreadable"]
        if problems:
            return Broken(journal.seq, journal.key, tuple(problems))
        self._seq, self._head = journal.seq, journal.hash
        return None

    def continues(self, *, seq: int, prev_hash: str, payload_sha256: str, key: str, hash_: str) -> bool:
        """Whether a journal whose content was checked otherwise takes the next place; then it counts as checked."""
        if seq != self._seq + 1 or prev_hash != self._head or hash_ != chained(prev_hash, payload_sha256, key, seq):
            return False
        self._seq, self._head = seq, hash_
        return True

    def _chain_problems(self, journal: Journal) -> Iterator[str]:
        if journal.seq != self._seq + 1:
            yield "sequence"
        if journal.prev_hash != self._head:
            yield "chain"
        elif journal.hash != chained(journal.prev_hash, journal.payload_sha256, journal.key, journal.seq):
            yield "hash"
        if journal.id != journal_id(journal.key):
            yield "id"
        # A balanced change keeps every sum: only the digest of the content shows it.
        if digest(journal.draft.payload()) != journal.payload_sha256:
            yield "payload"

    def _content_problems(self, journal: Journal, resolved: Journal | None, reversed_: Journal | None) -> Iterator[str]:
        draft = journal.draft
        codes = [shape_problem(draft, self.currencies)]
        if draft.resolves is not None:
            codes.append(resolution_problem(resolved) or _order_problem(journal, resolved))
        if draft.reverses is not None:
            codes.append(reversal_problem(draft, reversed_) or _order_problem(journal, reversed_))
        for code in codes:
            if code:
                yield code.removeprefix("E_").lower().replace("_", " ")


def _order_problem(journal: Journal, target: Journal | None) -> str | None:
    return "E_TARGET_FOLLOWS" if target is not None and target.seq >= journal.seq else None


def verify(journals: Iterable[Journal], currencies: frozenset[str]) -> Verdict:
    """Return the verdict on a whole book held in memory; a journal acted on twice is found too."""
    audit = Audit(currencies)
    by_key: dict[str, Journal] = {}
    acted_on: set[tuple[str, str]] = set()
    for journal in journals:
        by_key[journal.key] = journal
        draft = journal.draft
        targets = {
            (how, key) for how, key in (("resolves", draft.resolves), ("reverses", draft.reverses)) if key is not None
        }
        broken = audit.check(
            journal, resolved=by_key.get(draft.resolves or ""), reversed_=by_key.get(draft.reverses or "")
        )
        if broken is None and acted_on & targets:
            broken = Broken(journal.seq, journal.key, ("target acted on twice",))
        if broken is not None:
            return Verdict(audit.verdict.journals, audit.verdict.head, broken)
        acted_on |= targets
    return audit.verdict
