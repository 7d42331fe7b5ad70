"""Which initiatives to pay for out of a share of operating expense (specification 2.12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from bot.errors import InputError
from bot.ledger.money import WHOLE
from bot.reports.figures import rounded

CAP_MAX_BP: Final = 1000
"""A tenth of operating expense: a hard limit."""

NO_ROOM: Final = "does not fit what is left of the envelope"
NO_PAYBACK: Final = "does not pay back on the low estimate"

_MONTHS: Final = 12


class Effect(NamedTuple):
    """The share of a reason's cost an initiative removes, in basis points."""

    low_bp: int
    point_bp: int
    high_bp: int


@dataclass(frozen=True, slots=True)
class Initiative:
    """An idea of a department, with what it costs and which reasons it is said to shrink.

    ``evidence`` says what the effects rest on: a guess, a pilot, a control group.
    """

    id: str
    title: str
    owner: str
    one_off_minor: int
    run_minor_per_year: int
    effects: Mapping[str, Effect]
    evidence: str = ""

    @property
    def outlay_minor(self) -> int:
        """What the first year takes."""
        return self.one_off_minor + self.run_minor_per_year


@dataclass(frozen=True, slots=True)
class Ruling:
    """An executive puts an initiative first (``pin``) or leaves it out (``drop``), and says why."""

    initiative: str
    how: Literal["pin", "drop"]
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An initiative with what it removes of the waste that those before it leave.

    ``rank`` and ``envelope_used_minor`` None where it is not chosen. ``payback_months_point`` None where it never
    pays back. ``why`` says why not, or who ruled it in.
    """

    id: str
    title: str
    owner: str
    evidence: str
    outlay_first_year_minor: int
    waste_removed_low_minor: int
    waste_removed_point_minor: int
    waste_removed_high_minor: int
    net_low_minor: int
    ratio_low_x10000: int
    payback_months_point: float | None
    rank: int | None
    envelope_used_minor: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Priorities:
    """What fits the envelope, best first, and what does not."""

    envelope_minor: int
    chosen: tuple[Choice, ...]
    not_chosen: tuple[Choice, ...]
    envelope_left_minor: int


def priorities(
    initiatives: Iterable[Initiative],
    *,
    annual_cost_minor: Mapping[str, int],
    opex_12m_minor: int,
    cap_bp: int,
    rulings: Iterable[Ruling] = (),
) -> Priorities:
    """Return the ranked list: pick the best, take its low effect off the remaining cost, score the rest again.

    What is pinned goes first, even if it does not pay back; nothing goes beyond the envelope.

    Raises:
        InputError: the cap is above a tenth, an initiative's figures cannot be, or one is there or ruled on twice.
    """
    ideas = sorted(initiatives, key=lambda idea: idea.id)
    for idea in ideas:
        _check(idea)
    for idea, following in pairwise(ideas):
        if idea.id == following.id:
            raise InputError(f"initiative {idea.id} is submitted twice; leave one")
    ruled = _by_initiative(rulings)
    selection = _Selection(ideas, annual_cost_minor, envelope(opex_12m_minor, cap_bp), ruled)
    while selection.pick():
        pass
    return selection.result()


def envelope(opex_12m_minor: int, cap_bp: int) -> int:
    """Return what may be spent: ``cap_bp`` of twelve months' operating expense.

    Raises:
        InputError: the cap is above a tenth or below 0.
    """
    if not 0 <= cap_bp <= CAP_MAX_BP:
        raise InputError(f"cap_bp is {cap_bp}: give 0 to {CAP_MAX_BP} basis points of operating expense")
    return rounded(opex_12m_minor * cap_bp, WHOLE)


def _by_initiative(rulings: Iterable[Ruling]) -> dict[str, Ruling]:
    found: dict[str, Ruling] = {}
    for ruling in rulings:
        if ruling.initiative in found:
            raise InputError(f"initiative {ruling.initiative} is ruled on twice; leave one ruling")
        if not ruling.why.strip():
            raise InputError(f"the ruling on initiative {ruling.initiative} needs a reason")
        found[ruling.initiative] = ruling
    return found


def _check(idea: Initiative) -> None:
    if idea.one_off_minor < 0 or idea.run_minor_per_year < 0:
        raise InputError(f"initiative {idea.id}: a cost is below 0")
    for reason, effect in idea.effects.items():
        if not 0 <= effect.low_bp <= effect.point_bp <= effect.high_bp <= WHOLE:
            raise InputError(f"initiative {idea.id}, {reason}: give low <= point <= high between 0 and {WHOLE}")


class _Selection:
    """Initiatives on their way from waiting to chosen."""

    def __init__(
        self, ideas: list[Initiative], costs: Mapping[str, int], envelope_minor: int, ruled: Mapping[str, Ruling]
    ) -> None:
        self._waiting = {idea.id: idea for idea in ideas}
        self._costs = dict(costs)
        self._envelope = envelope_minor
        self._left = envelope_minor
        self._ruled = ruled
        self._chosen: list[Choice] = []

    def pick(self) -> bool:
        """Move the best initiative that may be chosen; False when none is left."""
        scored = [self._scored(idea) for idea in self._waiting.values()]
        fitting = [choice for choice in scored if not self._against(choice)]
        if not fitting:
            return False
        best = min(fitting, key=lambda choice: (not self._is(choice, "pin"), *_order(choice)))
        self._take(best)
        return True

    def result(self) -> Priorities:
        """What was chosen, and the rest in its order with the reason against each."""
        rest = sorted((self._scored(idea) for idea in self._waiting.values()), key=_order)
        not_chosen = tuple(_with(choice, why=self._against(choice)) for choice in rest)
        return Priorities(self._envelope, tuple(self._chosen), not_chosen, self._left)

    def _take(self, best: Choice) -> None:
        idea = self._waiting.pop(best.id)
        self._left -= idea.outlay_minor
        ruling = self._ruled.get(best.id)
        why = f"pinned by {ruling.by}: {ruling.why}" if ruling else ""
        self._chosen.append(_with(best, why=why, rank=len(self._chosen) + 1, used=self._envelope - self._left))
        for reason, effect in idea.effects.items():
            self._costs[reason] = self._costs.get(reason, 0) - self._removed(reason, effect.low_bp)

    def _against(self, choice: Choice) -> str:
        """Why an initiative cannot be chosen now; empty where it can."""
        if self._is(choice, "drop"):
            ruling = self._ruled[choice.id]
            return f"dropped by {ruling.by}: {ruling.why}"
        if choice.net_low_minor <= 0 and not self._is(choice, "pin"):
            return NO_PAYBACK
        return "" if choice.outlay_first_year_minor <= self._left else NO_ROOM

    def _is(self, choice: Choice, how: Literal["pin", "drop"]) -> bool:
        return choice.id in self._ruled and self._ruled[choice.id].how == how

    def _removed(self, reason: str, points: int) -> int:
        return self._costs.get(reason, 0) * points // WHOLE

    def _scored(self, idea: Initiative) -> Choice:
        low, point, high = (
            sum(self._removed(reason, effect[index]) for reason, effect in idea.effects.items()) for index in range(3)
        )
        net = low - idea.run_minor_per_year
        return Choice(
            id=idea.id,
            title=idea.title,
            owner=idea.owner,
            evidence=idea.evidence,
            outlay_first_year_minor=idea.outlay_minor,
            waste_removed_low_minor=low,
            waste_removed_point_minor=point,
            waste_removed_high_minor=high,
            net_low_minor=net,
            # What is free is worth its whole effect.
            ratio_low_x10000=net * WHOLE // max(idea.outlay_minor, 1),
            payback_months_point=_payback(idea, point),
            rank=None,
            envelope_used_minor=None,
            why="",
        )


def _payback(idea: Initiative, removed: int) -> float | None:
    yearly = removed - idea.run_minor_per_year
    return idea.one_off_minor * _MONTHS / yearly if yearly > 0 else None


def _order(choice: Choice) -> tuple[int, int, str]:
    return -choice.ratio_low_x10000, -choice.net_low_minor, choice.id


def _with(choice: Choice, *, why: str, rank: int | None = None, used: int | None = None) -> Choice:
    return replace(choice, why=why, rank=rank, envelope_used_minor=used)


def lifetime_multiple(retention: float, discount: float) -> float:
    """Return how many years' margins a customer is worth, ``r / (1 + i - r)``. A scenario, never posted."""
    return retention / (1 + discount - retention)
