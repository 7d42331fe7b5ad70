"""Vector 09: mentions to contacts, contacts to episodes, first-contact resolution."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import RepeatKind
from bot.reports.data import as_data
from bot.reports.repeats import ContactFact, MentionFact, grouped, repeats
from tests.reports.books import differences, vector

VECTOR = vector("09")
AS_OF = datetime.fromisoformat(VECTOR["input"]["as_of"])
START = datetime(2026, 9, 1, 9, tzinfo=UTC)


def fact(entry: dict[str, Any]) -> ContactFact:
    return ContactFact(
        entry["id"],
        entry["subject"],
        entry["reason"],
        datetime.fromisoformat(entry["opened"]),
        datetime.fromisoformat(entry["closed"]) if entry["closed"] else None,
        entry["resolved"],
        entry["cost_minor"],
    )


CONTACTS = [fact(entry) for entry in VECTOR["input"]["contacts"]]


def test_mentions_become_contacts_as_the_vector_says() -> None:
    mentions = [
        MentionFact(entry["id"], entry["subject"], entry["thread"], datetime.fromisoformat(entry["at"]))
        for entry in VECTOR["grouping"]["mentions"]
    ]

    groups = grouped(mentions)

    found = {mention: f"c{number}" for number, group in enumerate(groups, start=1) for mention in group}
    assert found == VECTOR["grouping"]["expect"]


def test_repeats_and_resolution_are_what_the_vector_says() -> None:
    found = repeats(CONTACTS, as_of=AS_OF)

    kinds = {contact: None if kind == "none" else kind.value for contact, kind in found.repeat_kind.items()}
    expected = dict(VECTOR["expect"])
    assert kinds == expected.pop("repeat_kind")
    assert differences(as_data(found.overall), expected) == []


def test_one_reason_may_have_a_longer_window() -> None:
    found = repeats(CONTACTS, as_of=AS_OF, window_days_of={"outage_fault": 30})

    assert found.repeat_kind["k8"] is RepeatKind.AFTER_RESOLVED
    (outage,) = (row for row in found.by_reason if row.reason == "outage_fault")
    assert (outage.episodes, outage.matured, outage.fcr) == (1, 0, "n/a")
    assert outage.fcr_wilson95 is None


def test_the_reason_with_the_dearest_repeats_comes_first() -> None:
    found = repeats(CONTACTS, as_of=AS_OF)

    assert [(row.reason, row.repeat_cost_minor) for row in found.by_reason[:2]] == [
        ("where_is_it", 500),
        ("outage_fault", 400),
    ]


def test_two_unknown_reasons_are_not_known_to_be_the_same() -> None:
    first = ContactFact("k1", "s1", None, START, START + timedelta(hours=1), closed_resolved=True)
    second = replace(first, id="k2", opened_at=START + timedelta(days=1), closed_at=START + timedelta(days=2))

    found = repeats([first, second], as_of=AS_OF)

    assert (found.overall.repeats, found.overall.episodes) == (0, 2)


def test_what_happened_after_the_moment_of_the_report_has_not_happened() -> None:
    contact = ContactFact("k1", "s1", "x", START, START + timedelta(days=2), closed_resolved=True)
    chase = replace(contact, id="k2", opened_at=START + timedelta(days=3), closed_at=None, closed_resolved=None)

    found = repeats([contact, chase], as_of=START + timedelta(days=1))

    assert (found.overall.contacts, found.overall.matured) == (1, 0)


def test_a_repeat_chases_as_long_as_any_earlier_contact_of_the_episode_is_open() -> None:
    long_open = ContactFact("k1", "s1", "x", START, None, None)
    closed = ContactFact("k2", "s1", "x", START + timedelta(hours=1), START + timedelta(hours=2), closed_resolved=True)
    third = ContactFact("k3", "s1", "x", START + timedelta(days=20), None, None)

    found = repeats([long_open, closed, third], as_of=AS_OF)

    assert found.repeat_kind == {"k1": RepeatKind.NONE, "k2": RepeatKind.CHASE, "k3": RepeatKind.CHASE}


def test_the_report_says_how_many_customers_are_known() -> None:
    strangers = [replace(contact, is_identified=False) for contact in CONTACTS[:3]]

    assert repeats([*strangers, *CONTACTS[3:]], as_of=AS_OF).identity_coverage == "72.7%"


hours = st.integers(0, 24 * 40).map(lambda hour: timedelta(hours=hour))


@st.composite
def contacts(draw: st.DrawFn) -> list[ContactFact]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        opened, length = START + draw(hours), draw(st.none() | hours)
        found.append(
            ContactFact(
                f"k{number}",
                draw(st.sampled_from(("s1", "s2"))),
                draw(st.sampled_from(("a", "b", None))),
                opened,
                None if length is None else opened + length,
                None if length is None else draw(st.booleans()),
                draw(st.integers(0, 999)),
            )
        )
    return found


@given(facts=contacts(), as_of=hours.map(lambda length: START + length), data=st.data())
def test_the_order_of_contacts_never_matters_and_everything_is_counted_once(
    facts: list[ContactFact], as_of: datetime, data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(facts))

    found = repeats(facts, as_of=as_of)

    assert repeats(mixed, as_of=as_of) == found
    overall = found.overall
    assert overall.contacts == overall.episodes + overall.repeats
    assert overall.episodes == overall.matured + overall.not_matured
    assert 0 <= overall.fcr_numerator <= overall.matured
    for name in ("contacts", "repeats", "repeat_cost_minor", "episodes", "matured", "fcr_numerator"):
        assert sum(getattr(row, name) for row in found.by_reason) == getattr(overall, name)
    if overall.fcr_wilson95:
        low, high = overall.fcr_wilson95
        assert 0 <= low <= overall.fcr_numerator / overall.matured <= high <= 1


@given(
    mentions=st.lists(
        st.builds(
            MentionFact,
            id=st.uuids().map(str),
            subject=st.sampled_from(("s1", "s2")),
            thread=st.sampled_from(("t1", "t2")),
            at=hours.map(lambda length: START + length),
        ),
        max_size=10,
        unique_by=lambda mention: mention.id,
    ),
    data=st.data(),
)
def test_grouping_keeps_each_mention_once_in_any_order(mentions: list[MentionFact], data: st.DataObject) -> None:
    found = grouped(mentions)

    assert sorted(mention for group in found for mention in group) == sorted(mention.id for mention in mentions)
    assert grouped(data.draw(st.permutations(mentions))) == found
