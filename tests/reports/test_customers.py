"""Vectors 11, 14 and 19: loyalty, requests, first response, surveys."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import RequestState, Tag
from bot.reports.data import as_data
from bot.reports.loyalty import Cohort, Comparison, ContactOutcome, LoyaltyEvent, loyalty
from bot.reports.requests import RequestFact, requests
from bot.reports.response import CardFact, first_response, nearest_rank
from bot.reports.surveys import ces, nps
from tests.reports.books import differences, vector

LOYALTY = vector("11")["input"]
REQUESTS = vector("14")
SURVEYS = vector("19")
CLOSED = date(2026, 3, 1)


def loyal_contacts() -> list[ContactOutcome]:
    return [
        ContactOutcome(entry["customer"], date.fromisoformat(entry["closed"]), entry["outcome"])
        for entry in LOYALTY["contacts"]
    ]


def loyal_events() -> list[LoyaltyEvent]:
    return [
        LoyaltyEvent(entry["customer"], entry["type"], date.fromisoformat(entry["on"]), entry["amount_minor"])
        for entry in LOYALTY["events"]
    ]


def strangers() -> list[Comparison]:
    return [Comparison(entry["customer"], date.fromisoformat(entry["index_date"])) for entry in LOYALTY["comparison"]]


def test_loyalty_is_what_the_vector_says() -> None:
    found: Any = as_data(loyalty(loyal_contacts(), strangers(), loyal_events(), window_days=LOYALTY["window_days"]))

    assert differences(found["cohorts"], vector("11")["expect"]) == []
    assert found["heading"] == "What they did, not what we caused"


@given(data=st.data())
def test_the_order_of_contacts_and_events_never_matters(data: st.DataObject) -> None:
    mixed = loyalty(
        data.draw(st.permutations(loyal_contacts())),
        data.draw(st.permutations(strangers())),
        data.draw(st.permutations(loyal_events())),
    )

    assert mixed == loyalty(loyal_contacts(), strangers(), loyal_events())


@pytest.mark.parametrize(
    ("days", "again", "before"),
    [
        (0, 0, 500),  # the day itself belongs to the time before
        (1, 1, 0),
        (90, 1, 0),  # the last day is in
        (91, 0, 0),
        (-89, 0, 500),
        (-90, 0, 0),  # as many days before as after
    ],
)
def test_the_windows_are_ninety_days_each(days: int, again: int, before: int) -> None:
    event = LoyaltyEvent("u1", "order", CLOSED + timedelta(days=days), 500)

    found = loyalty([ContactOutcome("u1", CLOSED, "first")], [], [event]).cohorts[Cohort.FIRST]

    assert (found.buy_again, found.spend_before_minor) == (again, before)


def test_a_customer_counts_once_in_his_worst_cohort() -> None:
    contacts = [
        ContactOutcome("u1", CLOSED, "first"),
        ContactOutcome("u1", CLOSED + timedelta(days=9), "repeat"),
        ContactOutcome("u1", CLOSED + timedelta(days=5), "repeat"),
    ]
    order = LoyaltyEvent("u1", "order", CLOSED + timedelta(days=6), 500)

    found = loyalty(contacts, [Comparison("u1", CLOSED)], [order]).cohorts

    assert [cohort.customers for cohort in found.values()] == [0, 1, 0]
    assert found[Cohort.REPEAT].buy_again == 1


def test_a_window_that_is_not_over_is_left_out_and_counted() -> None:
    found = loyalty(loyal_contacts(), strangers(), loyal_events(), as_of=date(2026, 5, 31))

    assert found.not_over == 6
    assert found.cohorts[Cohort.FIRST].customers == 2


def test_requests_are_what_the_vector_says() -> None:
    facts = [
        RequestFact(
            entry["id"],
            entry["team"],
            entry["customers"],
            date.fromisoformat(entry["first_asked"]),
            date.fromisoformat(entry["passed"]) if entry["passed"] else None,
            date.fromisoformat(entry["acknowledged"]) if entry["acknowledged"] else None,
            RequestState(entry["state"]),
            entry["customers_told"],
        )
        for entry in REQUESTS["input"]["requests"]
    ]

    found = requests(facts, as_of=date.fromisoformat(REQUESTS["input"]["as_of"]))

    assert differences(as_data(found.teams), REQUESTS["expect"]) == []
    assert found.to_tell == ("q1",)
    assert requests(facts[::-1], as_of=date.fromisoformat(REQUESTS["input"]["as_of"])) == found


def test_a_request_waits_too_long_after_the_fourteenth_day() -> None:
    passed = RequestFact("q1", "web", 1, CLOSED, CLOSED, None, RequestState.PASSED)

    assert requests([passed], as_of=CLOSED + timedelta(days=14)).teams["web"].waiting_over_limit == ()
    assert requests([passed], as_of=CLOSED + timedelta(days=15)).teams["web"].waiting_over_limit == ("q1",)


def test_first_response_is_what_the_vector_says() -> None:
    given_cards = SURVEYS["first_response"]
    cards = [CardFact(Tag(card["tag"]), card["minutes"], card["age_minutes"]) for card in given_cards["cards"]]
    targets = {Tag(tag): minutes for tag, minutes in given_cards["target_minutes"].items()}

    found = first_response(cards, target_minutes=targets)

    data: Any = as_data(found)
    expected = given_cards["expect"]
    assert data["states"] == expected["states"]
    assert data["overall"]["within"] == expected["within"]
    assert data["overall"]["median_minutes"] == expected["median_minutes"]
    assert data["overall"]["p90_minutes"] == expected["p90_minutes"]


def test_a_card_that_still_has_time_counts_nowhere() -> None:
    found = first_response([CardFact(Tag.PRAISE, None, 1440), CardFact(Tag.PRAISE, None, 1441)])

    assert [(row.tag, row.waiting, row.counted, row.within) for row in found.by_tag] == [(Tag.PRAISE, 1, 1, "0.0%")]
    assert found.overall.median_minutes is None


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (9, 9), (10, 9), (11, 10), (100, 90)])
def test_the_ninetieth_percentile_is_the_nearest_rank(count: int, expected: int) -> None:
    assert nearest_rank(range(1, count + 1), 90) == expected


@pytest.mark.parametrize("case", SURVEYS["nps"], ids=str)
def test_a_promoter_score_is_what_the_vector_says(case: dict[str, Any]) -> None:
    answers = {name: count for name, count in case.items() if name != "expect"}

    assert differences(as_data(nps(**answers)), case["expect"]) == []


def test_effort_is_what_the_vector_says() -> None:
    assert differences(as_data(ces(SURVEYS["ces"]["scores"])), SURVEYS["ces"]["expect"]) == []


def test_the_interval_of_a_few_answers_ends_with_the_scale() -> None:
    assert nps(promoters=0, passives=1, detractors=9).low == -100
    assert nps(promoters=9, passives=1, detractors=0).high == 100


def test_no_answers_are_no_score() -> None:
    assert nps(promoters=0, passives=0, detractors=0).nps is None
    assert (ces([]).share, ces([]).mean) == ("n/a", None)


@pytest.mark.parametrize("score", [0, 8])
def test_an_effort_off_the_scale_is_refused(score: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 7"):
        ces([score])


counts = st.integers(0, 300)


@given(promoters=counts, passives=counts, detractors=counts)
def test_the_interval_of_a_score_contains_it_and_stays_on_the_scale(
    promoters: int, passives: int, detractors: int
) -> None:
    found = nps(promoters=promoters, passives=passives, detractors=detractors)

    if found.nps is not None and found.low is not None and found.high is not None:
        assert -100 <= found.low <= found.nps <= found.high <= 100
    assert found.show == (promoters + passives + detractors >= 30)
