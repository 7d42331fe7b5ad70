"""What finance and the departments make of a month's books: charge, accept, dispute, settle; grant, give and spend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Final

import pytest

from benchmarks.month import Month
from bot import budget, recharging
from bot.errors import InputError
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from bot.parts import Parts
from bot.reporting import recharge as reporting
from bot.reporting.ask import Ask
from storage.db import reading
from tests.budget.summer import book

PERIOD: Final = "2026-08"
"""The month that is closed by then."""
STEPS: Final = 12
INITIATIVES: Final = "external_id,title,effects,one_off_minor\ntrack,Tracking page,where_is_it=1/2/3,100\n"


def decide(month: Month, seed: int) -> None:
    """Charge the closed month, whatever departments say to it, and spend what finance grants."""
    random, parts = Random(seed), month.running.parts
    charging = parts.settings.model_copy(
        update={"ledger": parts.settings.ledger.model_copy(update={"mode": "recharge"})}
    )
    with pytest.MonkeyPatch.context() as patch:
        # A book of one month may not charge yet; when it may is another test's matter.
        patch.setattr(reporting, "_gates", lambda _ask, _found: ())
        _charge(replace(parts, settings=charging), random)
    _grant(month, random)


def eligible(parts: Parts) -> dict[str, int]:
    """What each department caused in the closed month."""
    with reading(parts.database) as session:
        return dict(reporting.recharge(Ask(session, parts.settings, PERIOD, parts.now())).eligible)


def _charge(parts: Parts, random: Random) -> None:
    depts = sorted(eligible(parts)) or ["billing"]

    def part() -> int:
        return random.choice([0, 0, 1, 50, 200, 5_000])

    steps: list[Callable[[str], object]] = [
        lambda _dept: recharging.propose(parts, PERIOD, by="Finance"),
        lambda dept: recharging.accept(parts, PERIOD, dept, by="Head", why="part", amount_minor=part() or None),
        lambda dept: recharging.dispute(parts, PERIOD, dept, by="Head", why="no"),
        lambda dept: recharging.settle(parts, PERIOD, dept, by="Finance", amount_minor=part(), why="talked"),
    ]
    _taken([_on(steps[0], ""), lambda: recharging.accept(parts, PERIOD, depts[0], by="Head", why="all")])
    _taken([_on(random.choice(steps), random.choice(depts)) for _ in range(STEPS)])


def _on(step: Callable[[str], object], dept: str) -> Callable[[], object]:
    return lambda: step(dept)


def _grant(month: Month, random: Random) -> None:
    parts, path = month.running.parts, month.folder / "initiatives.csv"
    path.write_text(INITIATIVES, encoding="utf-8")
    import_file(parts, KINDS["initiatives"], path)
    book(month.running, "2026-05", 40_000)
    for number, of in enumerate(("2026-06", "2026-07", "2026-08")):
        amount, kind = random.choice([40_001, -30_000, 333, 1]), random.choice(["cashable", "capacity"])
        _taken([_funding(parts, f"2026-{5 + number:02d}")])
        book(month.running, of, amount, saving_class=kind)
        document = f"d{number}"
        _taken([_giving(budget.allocate, parts, random.randrange(1, 15_000), document)])
        _taken([_giving(budget.spend, parts, random.randrange(1, 9_000), document)])
    _taken([_funding(parts, PERIOD)])


def _funding(parts: Parts, period: str) -> Callable[[], object]:
    return lambda: budget.fund(parts, period, by="Finance")


def _giving(how: Callable[..., object], parts: Parts, minor: int, document: str) -> Callable[[], object]:
    return lambda: how(parts, "track", minor, by="Finance", document=document)


def _taken(steps: list[Callable[[], object]]) -> None:
    """Take each step; what may not be done is refused."""
    for step in steps:
        with suppress(InputError):
            step()
