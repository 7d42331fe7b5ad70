"""Vector 10: promises kept, late, broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import PromiseState
from bot.reports.data import as_data
from bot.reports.promises import PromiseFact, promises, state
from tests.reports.books import differences, vector

VECTOR = vector("10")
AS_OF = datetime.fromisoformat(VECTOR["input"]["as_of"])
MADE = datetime(2026, 9, 7, 15, tzinfo=UTC)
DUE = MADE + timedelta(days=1)


def _fact(entry: dict[str, Any]) -> PromiseFact:
    times = {key: datetime.fromisoformat(text) if text else None for key, text in entry.items() if key != "id"}
    assert times["made"]
    assert times["due"]
    return PromiseFact(entry["id"], times["made"], times["due"], times["fulfilled"], times["cancelled"])


FACTS = [_fact(entry) for entry in VECTOR["input"]["promises"]]


def test_the_promises_are_what_the_vector_says() -> None:
    assert differences(as_data(promises(FACTS, as_of=AS_OF)), VECTOR["expect"]) == []


def test_a_promise_due_this_very_moment_is_still_open() -> None:
    promise = PromiseFact("p1", MADE, DUE)

    assert state(promise, as_of=DUE) is PromiseState.OPEN
    assert state(promise, as_of=DUE + timedelta(seconds=1)) is PromiseState.BROKEN


def test_a_promise_cancelled_when_it_was_due_is_broken() -> None:
    assert state(PromiseFact("p1", MADE, DUE, cancelled_at=DUE), as_of=DUE) is PromiseState.BROKEN


def test_what_happened_later_has_not_happened_yet() -> None:
    promise = PromiseFact("p1", MADE, DUE, fulfilled_at=DUE - timedelta(hours=1))

    assert state(promise, as_of=MADE) is PromiseState.OPEN
    assert promises([promise], as_of=MADE - timedelta(seconds=1)).state == {}


def test_queues_and_departments_show_what_is_overdue_and_owed() -> None:
    late = PromiseFact("p1", MADE, DUE, queue="billing", dept="logistics", accrued_seconds=300, accrued_minor=250)
    soon = replace(late, id="p2", due_at=DUE + timedelta(days=9))
    done = replace(late, id="p3", queue="delivery", fulfilled_at=DUE)

    found = promises([done, soon, late], as_of=DUE + timedelta(days=1))

    assert [(row.name, row.overdue, row.accrued_minutes, row.accrued_minor) for row in found.by_queue] == [
        ("billing", 1, 10, 500),
        ("delivery", 0, 0, 0),
    ]
    assert [(row.name, row.kept, row.broken, row.open, row.kept_rate) for row in found.by_dept] == [
        ("logistics", 1, 1, 1, "50.0%")
    ]
    assert found.accrued_minor == 500


moments = st.integers(0, 200).map(lambda hour: MADE + timedelta(hours=hour))


@given(
    facts=st.lists(
        st.builds(
            PromiseFact,
            id=st.uuids().map(str),
            made_at=moments,
            due_at=moments,
            fulfilled_at=st.none() | moments,
            cancelled_at=st.none() | moments,
            queue=st.sampled_from(("a", "b")),
            dept=st.sampled_from(("x", "y")),
            accrued_minor=st.integers(0, 999),
        ),
        max_size=8,
    ),
    as_of=moments,
    data=st.data(),
)
def test_every_promise_is_in_one_state_and_their_order_never_matters(
    facts: list[PromiseFact], as_of: datetime, data: st.DataObject
) -> None:
    found = promises(facts, as_of=as_of)

    assert promises(data.draw(st.permutations(facts)), as_of=as_of) == found
    made = sum(fact.made_at <= as_of for fact in facts)
    for rows in (found.by_queue, found.by_dept):
        assert sum(row.kept + row.late + row.broken + row.open + row.cancelled for row in rows) == made
        assert sum(row.kept for row in rows) == found.kept
        assert sum(row.accrued_minor for row in rows) == found.accrued_minor
