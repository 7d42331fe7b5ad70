"""Vector 20: active seconds, and that nobody books more than the clock (I23)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.reports.data import as_data
from bot.reports.measured import Action, DefaultProposal, MeasuredContact, active_time, default_proposals
from tests.reports.books import differences, vector

VECTOR = vector("20")
NINE = datetime(2026, 9, 1, 9, tzinfo=UTC)


def test_active_seconds_are_what_the_vector_says() -> None:
    actions = [
        Action(entry["agent"], entry["card"], datetime.fromisoformat(f"2026-09-01T{entry['at']}+00:00"))
        for entry in VECTOR["actions"]
    ]

    assert differences(as_data(active_time(actions)), VECTOR["expect"]) == []


def test_one_action_is_half_a_minute() -> None:
    assert active_time([Action("ann", "A", NINE)]).per_card == {"A": 30}


def test_without_actions_nobody_worked() -> None:
    assert active_time([]).per_card == {}


actions_of_people = st.lists(
    st.builds(
        Action,
        agent=st.sampled_from(("ann", "bob")),
        card=st.sampled_from(("A", "B", "C")),
        at=st.integers(0, 20_000_000_000).map(lambda micros: NINE + timedelta(microseconds=micros)),
    ),
    max_size=20,
)


@given(actions=actions_of_people, tail=st.integers(0, 60), data=st.data())
def test_i23_an_agents_seconds_never_exceed_the_clock_and_the_order_never_matters(
    actions: list[Action], tail: int, data: st.DataObject
) -> None:
    found = active_time(actions, tail_seconds=tail)

    assert active_time(data.draw(st.permutations(actions)), tail_seconds=tail) == found
    for agent in {action.agent for action in actions}:
        moments = [action.at for action in actions if action.agent == agent]
        clock = (max(moments) - min(moments)).total_seconds() + tail
        assert 0 <= sum(row.seconds for row in found.per_agent_card if row.agent == agent) <= clock
    assert sum(found.per_card.values()) == sum(row.seconds for row in found.per_agent_card)


def contacts(count: int, *, seconds: int = 410, age_days: int = 1) -> list[MeasuredContact]:
    closed = NINE - timedelta(days=age_days)
    return [MeasuredContact("where_is_it", "social", seconds + number, closed) for number in range(count)]


def test_thirty_measured_contacts_propose_their_median_as_the_default() -> None:
    found = default_proposals(contacts(30), as_of=NINE, defaults={("where_is_it", "social"): 300})

    assert found == (DefaultProposal("where_is_it", "social", 30, 300, 425),)


def test_fewer_contacts_or_older_ones_propose_nothing() -> None:
    few, old = contacts(29), contacts(30, age_days=90)

    assert default_proposals([*few, *old], as_of=NINE, defaults={}) == ()


def test_a_median_like_the_default_proposes_nothing() -> None:
    assert default_proposals(contacts(31), as_of=NINE, defaults={("where_is_it", "social"): 425}) == ()
