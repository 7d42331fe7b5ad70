"""Whatever agents do to cases, in whatever order: what the books must say afterwards, every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlmodel import col

from bot import estimates, pipeline, promising, sampling
from bot.app import App
from bot.domain import NOTHING, Actor, Judgement, Quadrant, Tag
from bot.errors import CaseError
from bot.ledger.accounts import CONTACT_ACCOUNTS, OF_QUADRANT, SUSPENSE
from storage import ledger, models, models_operations
from storage.db import reading, transaction
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import contacts, rows, take_in

pytestmark = pytest.mark.slow

AGENTS = (Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob"), Actor("slack:UEVE", "Eve", is_supervisor=True))
EVE = AGENTS[2]
TEXTS = (
    "complaint/where_is_it: late",
    "praise/praise: great",
    "complaint/leave_cancel: bye",
    "request+praise/how_to: how",
    "well then",
)
TAGS = ((Tag.COMPLAINT, "billing_error"), (Tag.PRAISE, "praise"), (Tag.REQUEST, "how_to"))
VALUE = {"praise_public_minor": 150, "saved_customer_margin_12m_minor": 10_000, "saved_customer_uplift_bp": 500}

Step = tuple[int, int, int, int]
"""What, on which case, by whom, and a number to vary it."""


@dataclass
class World:
    """An installation, and what is done in it."""

    installation: Installation
    running: App
    done: int = 0
    heard: int = 0
    acts: list[Callable[[int, Actor, int, str], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        desk = self.running.desk
        now = self.installation.clock
        self.acts = [
            lambda case, who, _, act: desk.claim(case, who, action_id=act),
            lambda case, who, n, act: desk.resolve(case, who, action_id=act, customer_kept=n % 3 == 0),
            lambda case, who, _, act: desk.resolve(case, who, action_id=act),
            lambda case, who, _, act: desk.release(case, who, action_id=act),
            lambda case, who, n, act: desk.not_for_us(case, who, action_id=act) if n % 4 == 0 else None,
            lambda case, _, n, act: self.retag(case, n, act),
            lambda case, who, n, act: desk.promise(case, who, now() + timedelta(minutes=n + 1), action_id=act),
            lambda case, who, _, act: desk.keep_promise(case, who, action_id=act),
            lambda case, who, _, act: desk.cancel_promise(case, who, action_id=act),
            lambda case, who, n, act: desk.goodwill(case, n + 1, "sorry", actor=who, action_id=act),
            lambda case, _, n, act: desk.merge(case, EVE, self.case(n), action_id=act),
            lambda _case, _who, n, _act: self.hear(n),
            lambda _case, _who, n, _act: self.wait(n),
            lambda _case, _who, n, act: self.audit(n, act),
            self.override,
            lambda case, _who, _n, act: desk.lift_override(case, EVE, action_id=act, why="no more"),
        ]

    def retag(self, case_id: int, number: int, action_id: str) -> None:
        tag, reason = TAGS[number % len(TAGS)]
        self.running.desk.retag(case_id, EVE, action_id=action_id, tags=[tag], primary=tag, reason=reason)

    def override(self, case_id: int, who: Actor, number: int, action_id: str) -> None:
        shares = ((), (("billing", 10_000),), (("external", 3_333), ("service", 6_667)))[number % 3]
        quadrant = (None, Quadrant.ASSET, Quadrant.SIMPLIFY, Quadrant.LIABILITY)[number % 4]
        self.running.desk.override(case_id, who, action_id=action_id, why="so", quadrant=quadrant, owners=shares)

    def audit(self, number: int, action_id: str) -> None:
        """Judge the next of the sample, drawn on the day itself: right, or one of three other things, or nothing."""
        desk = self.running.desk
        sampling.draw(self.running.parts, self.installation.clock().date())
        tag, reason = TAGS[number % len(TAGS)]
        judged = [None, NOTHING, Judgement((tag,), tag, reason), Judgement((Tag.REQUEST, tag), tag, reason)][number % 4]
        for drawn in desk.audit_list(1):
            desk.judge(drawn.mention_id, EVE, action_id=action_id, judged=judged)

    def hear(self, number: int) -> None:
        self.heard += 1
        minutes = int((self.installation.clock() - START).total_seconds() // 60)
        text = TEXTS[number % len(TEXTS)]
        take_in(self.running, self.installation, line(self.heard, text, author=f"max-{number % 3}", minutes=minutes))
        with transaction(self.running.parts.database) as session:
            if session.get(models.Customer, 1) is None:
                session.add(models.Customer(id=1, ref="c1", created_at=START))
                session.flush()
            # One customer with three accounts, so that any two cases may be merged.
            session.execute(update(models.Author).values(customer_id=1))

    def wait(self, number: int) -> None:
        self.installation.clock.forward(minutes=number**3 / 10)
        pipeline.expire_holds(self.running.parts)
        promising.ring(self.running.parts)
        estimates.expire(self.running.parts)

    def case(self, number: int) -> int:
        found = [row.id for row in rows(self.running, models.Case)]
        return found[number % len(found)]

    def take(self, step: Step) -> None:
        what, which, who, number = step
        self.done += 1
        with suppress(CaseError):  # an action that the case does not allow changes nothing
            act = self.acts[what % len(self.acts)]
            act(self.case(which), AGENTS[who], number, f"a{self.done}")

    def balance(self, account: str, unit: str) -> int:
        table = models.LedgerLine
        with reading(self.running.parts.database) as session:
            summed = func.sum(col(table.amount))
            of_unit = (col(table.account) == account, col(table.commodity) == unit)
            return int(session.scalar(select(summed).where(*of_unit)) or 0)

    def measured_seconds(self) -> int:
        table = models.LedgerLine
        with reading(self.running.parts.database) as session:
            measured = (col(table.commodity) == "SEC", col(table.basis) == "M", col(table.account).like("Expenses:%"))
            return int(session.scalar(select(func.sum(col(table.amount))).where(*measured)) or 0)

    def check(self) -> None:
        """The invariants of the ledger's specification that operations could break."""
        cases = rows(self.running, models.Case)
        live = [one for one in rows(self.running, models_operations.ValueEstimate) if one.state == "live"]
        owed = [
            one
            for one in rows(self.running, models_operations.Promise)
            if one.state in {"open", "broken"} and one.cancelled_at is None
        ]
        journals = rows(self.running, models.LedgerJournal)
        resolved = {one.resolves_id for one in journals}
        holds = {one.idem_key for one in journals if one.status == "pending" and one.id not in resolved}
        assert_books_agree(self.running)
        assert contacts(self.running) == sum(one.state != "dismissed" and one.merged_into is None for one in cases)
        assert holds == {one.hold_key for one in cases if one.hold_key}
        assert self.balance("Assets:Value:Unrealised", "GBP") == sum(one.amount_minor for one in live)
        assert self.balance("Liabilities:Promises", "SEC") == -300 * len(owed)
        self.check_places(cases)

    def check_places(self, cases: list[models.Case]) -> None:
        """What was spent on a case stands where the case does, whoever put it there."""
        spent: Counter[tuple[str, str]] = Counter()
        with reading(self.running.parts.database) as session:
            for case in cases:
                for journal in ledger.journals_of(session, case_id=str(case.id)):
                    for one in journal.draft.lines if journal.draft.status == "posted" else ():
                        if one.commodity == "SEC" and one.account in CONTACT_ACCOUNTS:
                            spent[str(case.id), one.account] += one.amount
        places = {str(case.id): _account(case) for case in cases}
        assert [key for key, seconds in spent.items() if seconds and places[key[0]] != key[1]] == []


def _account(case: models.Case) -> str:
    return SUSPENSE if case.quadrant_source == "tag" else OF_QUADRANT[Quadrant(case.quadrant)]


STEPS = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 9), st.integers(0, 2), st.integers(0, 30)), min_size=5, max_size=30
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_done_the_books_agree_and_measured_seconds_are_never_lost(
    steps: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("world")
    installation = Installation(place, f"sqlite:///{place / 'earmark.sqlite'}", settings={"ledger": {"value": VALUE}})
    world = World(installation, installation.open())
    world.hear(0)
    world.hear(1)
    world.hear(2)

    for step in steps:
        before = world.measured_seconds()
        world.take(step)
        is_correction = step[0] in {5, 10, 13, 14, 15}
        after = world.measured_seconds()
        assert after == before if is_correction else after >= before

    world.check()
    world.running.parts.database.dispose()
