"""Input that several report tests share: vectors, the two books of the specification, and random sums."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.domain import Quadrant
from bot.ledger.accounts import CHART, CONTACT_ACCOUNTS, GOODWILL, OF_QUADRANT, POOL
from bot.ledger.journal import Basis
from bot.ledger.money import split
from bot.reports.facts import LineSum

VECTORS = Path(__file__).parents[1] / "ledger" / "vectors"


def vector(name: str) -> dict[str, Any]:
    """A test vector by the beginning of its file's name."""
    (path,) = VECTORS.glob(f"{name}_*.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def differences(found: Any, expected: Any, at: str = "") -> list[str]:
    """Where ``found`` lacks or differs from ``expected``; floats may differ by a millionth, more keys may be there."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return [f"{at}: {found!r} is no object"]
        return [
            problem
            for key, value in expected.items()
            for problem in (differences(found[key], value, f"{at}.{key}") if key in found else [f"{at}.{key}: missing"])
        ]
    if isinstance(expected, list) and isinstance(found, list):
        lengths = [f"{at}: {len(found)} entries, {len(expected)} expected"] if len(found) != len(expected) else []
        pairs = enumerate(zip(found, expected, strict=False))
        return lengths + [problem for n, (one, other) in pairs for problem in differences(one, other, f"{at}[{n}]")]
    if isinstance(expected, float) and isinstance(found, float):
        return [] if math.isclose(found, expected, rel_tol=0, abs_tol=1e-6) else [f"{at}: {found} is not {expected}"]
    return [] if found == expected and type(found) is type(expected) else [f"{at}: {found!r} is not {expected!r}"]


def small_book(*, status: str = "posted", since: date = date.min, only: str = "") -> list[LineSum]:
    """The lines of vector 02, one by one; pending ones are those that nothing resolved."""
    journals = vector("02")["journals"]
    resolved = {journal.get("resolves") for journal in journals}
    return [
        LineSum(
            line["account"], line["commodity"], line["basis"], line["amount"], line["dept"],
            line.get("reason"), line.get("quadrant"),
        )
        for journal in journals
        if journal["status"] == status
        and date.fromisoformat(journal["effective"]) >= since
        and (status == "posted" or journal["key"] not in resolved)
        and journal["key"].startswith(only)
        for line in journal.get("lines", [])
    ]  # fmt: skip


def acme(rows: Sequence[Mapping[str, Any]] | None = None) -> list[LineSum]:
    """The sums of vector 00."""
    return [line for row in rows or vector("00")["rows"] for line in _of_reason(row)]


def _of_reason(row: Mapping[str, Any]) -> Iterator[LineSum]:
    quadrant = Quadrant(row["quadrant"])
    account, reason = OF_QUADRANT[quadrant], row["reason"]
    yield LineSum(account, "CNT", "N", row["contacts"], row["owners"][0][0], reason, quadrant)
    for basis, cost in (("M", row["cost_measured"]), ("E", row["cost_estimated"])):
        for dept, part in split(cost, row["owners"]):
            yield LineSum(account, "GBP", "M" if basis == "M" else "E", part, dept, reason, quadrant)


DEPARTMENTS = ("billing", "logistics", "service", "external", "unassigned", "")
REASONS = ("where_is_it", "billing_error", "unclassified", None)

UNITS: tuple[tuple[str, Basis], ...] = (
    ("GBP", "E"),
    ("GBP", "M"),
    ("GBP", "R"),
    ("EUR", "M"),
    ("SEC", "M"),
    ("CNT", "N"),
)
"""Commodities with a basis they may have: N exactly for counts (I3)."""

line_sums = st.lists(
    st.builds(
        lambda account, unit, amount, dept, reason, quadrant, segment: LineSum(
            account, unit[0], unit[1], amount, dept, reason, quadrant, segment
        ),
        st.sampled_from((*CONTACT_ACCOUNTS, GOODWILL, POOL, *CHART)),
        st.sampled_from(UNITS),
        st.integers(-(10**6), 10**6),
        st.sampled_from(DEPARTMENTS),
        st.sampled_from(REASONS),
        st.sampled_from([None, *(quadrant.value for quadrant in Quadrant)]),
        st.sampled_from((None, "", "vip", "new")),
    ),
    max_size=12,
)
"""Sums as the ledger may hold them, and many that no real book has."""
