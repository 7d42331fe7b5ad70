"""How often the tagger is right: counts, an interval, and a share in which a busy day counts for what it is."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import NOTHING, Judgement, Tag
from bot.reports.sensitivity import Audit
from bot.reports.tag_audit import NightFact, TagAudit, confusion, tag_audit

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
LATE = Judgement((Tag.COMPLAINT,), Tag.COMPLAINT, "where_is_it")
BILL = Judgement((Tag.COMPLAINT,), Tag.COMPLAINT, "billing_error")
BOTH = Judgement((Tag.COMPLAINT, Tag.REQUEST), Tag.COMPLAINT, "where_is_it")
ASKS = Judgement((Tag.COMPLAINT, Tag.REQUEST), Tag.REQUEST, "where_is_it")


def audited(*nights: tuple[int, int, int, int]) -> TagAudit:
    facts = [NightFact(FIRST + timedelta(days=number), *night) for number, night in enumerate(nights)]
    return tag_audit(facts, [], first=FIRST, last=LAST)


def test_ten_nights_of_twenty_are_188_of_200() -> None:
    found = audited(*[(400, 20, 20, 19)] * 8, *[(400, 20, 20, 18)] * 2)

    assert (found.drawn, found.judged, found.right, found.share) == (200, 200, 188, "94.0%")
    assert (found.low, found.high) == ("89.8%", "96.5%")


def test_a_busy_day_counts_for_as_much_as_it_is() -> None:
    # 900 taggings of which half are right, 100 of which all are: 0.9 * 50 % + 0.1 * 100 %.
    found = audited((900, 20, 20, 10), (100, 20, 20, 20))

    assert (found.share, found.share_of_all) == ("75.0%", "55.0%")


def test_a_night_that_nobody_judged_says_nothing() -> None:
    found = audited((900, 20, 0, 0), (100, 20, 10, 9))

    assert (found.drawn, found.judged, found.share, found.share_of_all) == (40, 10, "90.0%", "90.0%")


def test_without_a_verdict_there_is_no_share() -> None:
    found = audited((900, 20, 0, 0))

    assert (found.share, found.low, found.high, found.share_of_all, found.by_tag) == ("n/a", "n/a", "n/a", "n/a", ())


def test_tags_and_reason_are_counted_apart_and_each_tag_by_itself() -> None:
    pairs = [(LATE, LATE), (LATE, BILL), (LATE, BOTH), (BOTH, ASKS), (NOTHING, LATE), (BILL, NOTHING), (BOTH, BOTH)]

    found = tag_audit([NightFact(FIRST, 9, 7, 7, 2)], pairs, first=FIRST, last=LAST)

    assert (found.tags_right, found.reason_right) == (3, 5)
    complaint, _, request = found.by_tag
    assert (complaint.right, complaint.wrong, complaint.missed) == (5, 1, 1)
    assert (complaint.sensitivity, complaint.specificity) == ("83.3%", "0.0%")
    assert (request.right, request.wrong, request.missed) == (2, 0, 1)
    assert (request.sensitivity, request.specificity) == ("66.7%", "100.0%")


def test_what_carries_no_tag_needs_no_reason() -> None:
    assert Judgement((), None, "praise").agrees_with(NOTHING)
    assert not LATE.agrees_with(BILL)
    assert not BOTH.agrees_with(ASKS)
    assert BOTH.agrees_with(Judgement((Tag.REQUEST, Tag.COMPLAINT), Tag.COMPLAINT, "where_is_it"))


def test_marks_are_counted_as_the_corrected_counts_need_them() -> None:
    marks = [(True, True)] * 4 + [(True, False)] * 3 + [(False, False)] * 2 + [(False, True)]

    assert confusion(marks) == Audit(flagged_right=4, flagged_wrong=3, unflagged_right=2, unflagged_wrong=1)


@given(st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8))
def test_the_weighted_share_never_leaves_those_of_the_nights(nights: list[tuple[int, int, int]]) -> None:
    facts = [(population, 20, judged, min(right, judged)) for population, judged, right in nights]
    shares = [100 * right / judged for _, _, judged, right in facts if judged]

    found = audited(*facts)

    assert found.share_of_all == "n/a" or min(shares) - 0.1 <= float(found.share_of_all[:-1]) <= max(shares) + 0.1
