"""Show-back and recharge: which department caused the waste, and what it is asked to bear (specification 2.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain import Quadrant
from bot.ledger import accounts
from bot.ledger.accounts import SERVICE, UNASSIGNED
from bot.ledger.recharges import Item
from bot.reports.facts import LineSum, priced
from bot.reports.figures import MONEY, percent

EXTERNAL: Final = "external"
"""Weather, a carrier's strike, a regulator: shown, never charged."""

NEVER_CHARGED: Final = (SERVICE, EXTERNAL, UNASSIGNED)

PERIODS_MIN: Final = 3
ACCURACY_MIN_PCT: Final = 90
MEASURED_MIN_PCT: Final = 50
UNASSIGNED_MAX_PCT: Final = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One department's proposal and what became of it. ``released`` is what it does not have to bear."""

    dept: str
    state: str
    proposed: int = field(metadata=MONEY)
    accepted: int = field(metadata=MONEY)
    released: int = field(metadata=MONEY)


@dataclass(frozen=True, slots=True)
class Recharge:
    """Who caused the waste. All amounts are minor units, debits of the department positive.

    ``eligible`` holds waste and the goodwill paid on it, by department, dearest first. It ties to the statement::

        waste = charged + own failures of service + external + unassigned + open promises
        eligible = charged + goodwill charged

    ``to_return`` is what a department accepted although later corrections took the waste off it again.
    """

    waste_minor: int
    eligible: Mapping[str, int] = field(metadata=MONEY)
    charged_minor: int
    charged_share: str
    goodwill_charged_minor: int
    goodwill_not_charged_minor: int
    own_failures_of_service_minor: int
    external_minor: int
    unassigned_minor: int
    open_promises_minor: int
    not_charged: Mapping[str, int] = field(metadata=MONEY)
    steps: tuple[Step, ...]
    recharge_balance_per_dept: Mapping[str, int] = field(metadata=MONEY)
    recharge_balance_all_depts: int = field(metadata=MONEY)
    to_return: Mapping[str, int] = field(metadata=MONEY)


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition for charging instead of showing."""

    name: str
    wanted: str
    found: str
    holds: bool


def recharge(
    sums: Iterable[LineSum], *, currency: str, accruals: Iterable[LineSum] = (), items: Iterable[Item] = ()
) -> Recharge:
    """Return the statement of a period from its posted lines.

    ``accruals`` are those of the lines that stand for promises still open: nobody is charged for work not done yet.
    ``items`` are the proposals made so far for the period; without any it is a show-back.
    """
    lines = list(sums)
    waste = _by_dept(line for line in priced(lines, currency) if line.cell is Quadrant.LIABILITY)
    promised = _by_dept(line for line in priced(accruals, currency) if line.cell is Quadrant.LIABILITY)
    done = {dept: waste[dept] - promised[dept] for dept in waste.keys() | promised.keys()}
    goodwill = _by_dept(line for line in _goodwill(lines, currency) if line.quadrant == Quadrant.LIABILITY)
    charged = {dept: amount for dept, amount in done.items() if dept not in NEVER_CHARGED}
    generous = {dept: amount for dept, amount in goodwill.items() if dept not in NEVER_CHARGED}
    eligible = _dearest_first(Counter(charged), Counter(generous))
    steps = tuple(_step(item) for item in sorted(items, key=lambda item: (item.dept, item.number)))
    balance = _balance(steps)
    return Recharge(
        waste_minor=sum(waste.values()),
        eligible=eligible,
        charged_minor=sum(charged.values()),
        charged_share=percent(sum(charged.values()), sum(waste.values())),
        goodwill_charged_minor=sum(generous.values()),
        goodwill_not_charged_minor=sum(line.amount for line in _goodwill(lines, currency)) - sum(generous.values()),
        own_failures_of_service_minor=done.get(SERVICE, 0),
        external_minor=done.get(EXTERNAL, 0),
        unassigned_minor=done.get(UNASSIGNED, 0),
        open_promises_minor=sum(promised.values()),
        not_charged=_not_charged(priced(lines, currency), done),
        steps=steps,
        recharge_balance_per_dept=balance,
        recharge_balance_all_depts=sum(balance.values()),
        to_return=_to_return(eligible, steps),
    )


def _goodwill(lines: Iterable[LineSum], currency: str) -> list[LineSum]:
    return [line for line in lines if line.account == accounts.GOODWILL and line.commodity == currency]


def _by_dept(lines: Iterable[LineSum]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.dept or UNASSIGNED] += line.amount
    return sums


def _dearest_first(*parts: Counter[str]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for part in parts:
        sums.update(part)
    return {dept: amount for dept, amount in sorted(sums.items(), key=lambda entry: (-entry[1], entry[0])) if amount}


def _not_charged(costs: Iterable[LineSum], done: Mapping[str, int]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for line in costs:
        if line.cell is not None and line.cell is not Quadrant.LIABILITY:
            sums[f"not_waste:{line.cell}"] += line.amount
    sums.update({dept: done.get(dept, 0) for dept in NEVER_CHARGED})
    return {what: amount for what, amount in sorted(sums.items()) if amount}


def _step(item: Item) -> Step:
    return Step(item.dept, item.state, item.proposed_minor, item.accepted_minor, item.released_minor)


def _balance(steps: Iterable[Step]) -> dict[str, int]:
    """What departments bear, and the service team's relief: together always 0."""
    borne: Counter[str] = Counter()
    for step in steps:
        borne[step.dept] += step.accepted
    charged = {dept: amount for dept, amount in sorted(borne.items()) if amount}
    return {**charged, SERVICE: -sum(charged.values())} if charged else {}


def _to_return(eligible: Mapping[str, int], steps: Iterable[Step]) -> dict[str, int]:
    borne: Counter[str] = Counter()
    for step in steps:
        borne[step.dept] += step.accepted
    over = {dept: amount - max(eligible.get(dept, 0), 0) for dept, amount in sorted(borne.items())}
    return {dept: amount for dept, amount in over.items() if amount > 0}


def proposals(eligible: Mapping[str, int], items: Iterable[Item]) -> dict[str, int]:
    """Return what may still be proposed to each department: eligible and never proposed before.

    What was proposed once counts, also where it was released: no waste is charged twice, not even a refused one.
    """
    proposed: Counter[str] = Counter()
    for item in items:
        proposed[item.dept] += item.proposed_minor
    rest = {dept: amount - proposed[dept] for dept, amount in sorted(eligible.items())}
    return {dept: amount for dept, amount in rest.items() if amount > 0}


def gates(  # noqa: PLR0913  # one figure a gate, and what it is a share of
    *,
    closed_periods: int,
    audit_ok: int,
    audit_n: int,
    measured_minor: int,
    contact_cost_minor: int,
    unassigned_minor: int,
    waste_minor: int,
) -> tuple[Gate, ...]:
    """Return the conditions under which the program lets a book charge instead of show."""
    return (
        Gate(
            "closed periods of show-back", f"at least {PERIODS_MIN}", str(closed_periods), closed_periods >= PERIODS_MIN
        ),
        _share_gate("tagging accuracy", audit_ok, audit_n, at_least=ACCURACY_MIN_PCT),
        _share_gate("measured share", measured_minor, contact_cost_minor, at_least=MEASURED_MIN_PCT),
        Gate(
            "waste nobody owns",
            f"under {UNASSIGNED_MAX_PCT}%",
            percent(unassigned_minor, waste_minor),
            waste_minor > 0 and unassigned_minor * 100 < UNASSIGNED_MAX_PCT * waste_minor,
        ),
    )


def _share_gate(name: str, part: int, whole: int, *, at_least: int) -> Gate:
    return Gate(name, f"at least {at_least}%", percent(part, whole), whole > 0 and part * 100 >= at_least * whole)
