from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cases import (
    NO_ACTION,
    NOT_FOR_US,
    RESOLVED,
    Change,
    Placement,
    claim,
    dismiss,
    hand_over,
    place,
    release,
    reopen,
    repeat,
    resolve,
    retag,
)
from bot.domain import UNCLASSIFIED, Actor, Author, CaseFacts, CaseState, Mention, RepeatKind
from bot.errors import CaseError

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
ANN, BOB, EVE = Actor("slack:U1", "Ann"), Actor("slack:U2", "Bob"), Actor("slack:U3", "Eve", is_supervisor=True)
RANT = "My parcel is three days late and nobody at the shop answers the phone"


def case(number: int = 1, *, last: timedelta = timedelta(hours=48), state: CaseState = CaseState.OPEN) -> CaseFacts:
    """A case whose only mention was ``last`` before NOW."""
    return CaseFacts(
        id=number, state=state, reason="where_is_it", opened_at=NOW - last, last_mention_at=NOW - last, thread="t1"
    )


def claimed(facts: CaseFacts, by: Actor = ANN) -> CaseFacts:
    return replace(facts, state=CaseState.CLAIMED, owner=by.ref, owner_name=by.name)


def closed(facts: CaseFacts, ago: timedelta, how: str = RESOLVED) -> CaseFacts:
    state = CaseState.DISMISSED if how == NOT_FOR_US else CaseState.RESOLVED
    return replace(facts, state=state, closed_at=NOW - ago, closed_how=how)


def mention(thread: str = "", text: str = "Hello?") -> Mention:
    return Mention("x", "1", Author("a1"), text, NOW, thread=thread)


def placed(written: Mention, *cases: CaseFacts) -> Placement:
    return place(written, cases, contact_gap=DAY)


# Joining a case.


def test_the_first_mention_of_an_author_opens_a_case() -> None:
    assert placed(mention("t1")) == Placement(None, reopens=False, why="the author has no case that it could belong to")


@pytest.mark.parametrize(
    ("written", "facts", "expected"),
    [
        # The thread ties however long ago the case was written to, and whoever works it.
        (mention("t1"), case(), (1, False)),
        (mention("t1"), claimed(case()), (1, False)),
        (mention("t2"), case(), (None, False)),
        # No thread is not a thread.
        (mention(""), replace(case(), thread=""), (None, False)),
        # Without the thread 24 hours tie, to the second.
        (mention("t2"), case(last=DAY), (1, False)),
        (mention("t2"), case(last=DAY + SECOND), (None, False)),
        # A mention that arrives late may be older than the case.
        (mention("t2"), case(last=-DAY), (1, False)),
        (mention("t2"), case(last=-DAY - SECOND), (None, False)),
        # Near-identical words tie beyond the 24 hours.
        (mention("t2", f"@shop {RANT}!!! 😡 https://x.example/1"), replace(case(), texts=("Hm.", RANT)), (1, False)),
        (mention("t2", "Where is my voucher?"), replace(case(), texts=(RANT,)), (None, False)),
        # But not to a closed case.
        (mention("t2", RANT), closed(replace(case(), texts=(RANT,)), timedelta(hours=1)), (None, False)),
        # A mention less than 24 hours after the closing opens the case again …
        (mention("t1"), closed(case(), DAY - SECOND), (1, True)),
        (mention("t2"), closed(case(last=DAY), timedelta(hours=1)), (1, True)),
        (mention("t1"), closed(case(), timedelta(hours=1), NO_ACTION), (1, True)),
        # … also one that was written before the closing and arrives after it …
        (mention("t1"), closed(case(), -timedelta(hours=1)), (1, True)),
        # … but not one after 24 hours, nor one that neither thread nor time ties to it …
        (mention("t1"), closed(case(), DAY), (None, False)),
        (mention("t2"), closed(case(), timedelta(hours=1)), (None, False)),
        # … and never a case that is not for us.
        (mention("t1"), closed(case(last=SECOND), SECOND, NOT_FOR_US), (None, False)),
    ],
)
def test_a_mention_joins_the_case_it_belongs_to(
    written: Mention, facts: CaseFacts, expected: tuple[int | None, bool]
) -> None:
    found = placed(written, facts)

    assert (found.case_id, found.reopens) == expected


def test_the_thread_ties_closer_than_time() -> None:
    same_thread, recent = case(1), replace(case(2, last=SECOND), thread="t2")

    assert placed(mention("t1"), same_thread, recent) == Placement(1, reopens=False, why="it is in the same thread")


def test_an_open_case_is_joined_rather_than_a_closed_one_opened_again() -> None:
    resolved, still_open = closed(case(1, last=SECOND), SECOND), case(2, last=DAY)

    assert placed(mention("t1"), resolved, still_open).case_id == 2
    assert placed(mention("t9"), resolved, still_open).case_id == 2


def test_of_cases_tied_alike_the_latest_is_joined_and_then_the_one_with_the_highest_id() -> None:
    older, newer, twin = case(3, last=2 * SECOND), case(1, last=SECOND), case(2, last=SECOND)

    assert placed(mention("t1"), older, newer).case_id == 1
    assert placed(mention("t1"), older, newer, twin).case_id == 2


TEXTS = st.sampled_from(["", "😡", RANT, RANT + "!", "Where is my voucher?"])
CASES = st.lists(
    st.builds(
        CaseFacts,
        id=st.integers(1, 10_000),
        state=st.sampled_from(CaseState),
        reason=st.sampled_from(["where_is_it", "billing_error", UNCLASSIFIED]),
        opened_at=st.timedeltas(timedelta(hours=30), timedelta(days=9)).map(lambda ago: NOW - ago),
        last_mention_at=st.sampled_from([0, 1, 23, 24, 25, 30]).map(lambda hours: NOW - timedelta(hours=hours)),
        thread=st.sampled_from(["", "t1", "t2"]),
        closed_at=st.sampled_from([1, 23, 24, 25, 168, 169]).map(lambda hours: NOW - timedelta(hours=hours)),
        closed_how=st.sampled_from([RESOLVED, NO_ACTION]),
        texts=st.lists(TEXTS, max_size=2).map(tuple),
    ),
    max_size=6,
    unique_by=lambda facts: facts.id,
)


@given(thread=st.sampled_from(["", "t1"]), text=TEXTS, cases=CASES, shuffle=st.randoms())
def test_the_order_of_the_cases_never_matters(thread: str, text: str, cases: list[CaseFacts], shuffle: Random) -> None:
    written = mention(thread, text)
    shuffled = shuffle.sample(cases, len(cases))

    assert placed(written, *shuffled) == placed(written, *cases)
    assert repeated(*shuffled) == repeated(*cases)


@given(thread=st.sampled_from(["", "t1"]), text=TEXTS, cases=CASES)
def test_a_mention_only_ever_opens_a_resolved_case_again(thread: str, text: str, cases: list[CaseFacts]) -> None:
    found = placed(mention(thread, text), *cases)

    states = {facts.id: facts.state for facts in cases}
    expected = {CaseState.RESOLVED} if found.reopens else {CaseState.OPEN, CaseState.CLAIMED, None}
    assert states.get(found.case_id or 0) in expected


# Repeats.


def repeated(*cases: CaseFacts, reason: str = "where_is_it") -> tuple[RepeatKind, int | None]:
    return repeat(reason, cases, now=NOW, window=WEEK)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (case(), RepeatKind.CHASE),
        (claimed(case()), RepeatKind.CHASE),
        # Exactly 7 days is a repeat, one second more is not.
        (closed(case(), WEEK), RepeatKind.AFTER_RESOLVED),
        (closed(case(), WEEK + SECOND), RepeatKind.NONE),
        # Nobody had worked it, or it was not for us: nothing was promised.
        (closed(case(), SECOND, NO_ACTION), RepeatKind.NONE),
        (closed(case(), SECOND, NOT_FOR_US), RepeatKind.NONE),
        # Another reason is another matter, and an unknown one is like no other.
        (replace(case(), reason="billing_error"), RepeatKind.NONE),
        (replace(case(), reason=UNCLASSIFIED), RepeatKind.NONE),
    ],
)
def test_a_case_repeats_an_earlier_one_of_the_same_reason(facts: CaseFacts, kind: RepeatKind) -> None:
    assert repeated(facts) == (kind, None if kind is RepeatKind.NONE else 1)


def test_two_cases_without_a_reason_do_not_repeat_each_other() -> None:
    assert repeated(replace(case(), reason=UNCLASSIFIED), reason=UNCLASSIFIED) == (RepeatKind.NONE, None)


def test_a_case_chases_the_open_one_rather_than_repeating_a_resolved_one() -> None:
    assert repeated(closed(case(2), SECOND), case(1)) == (RepeatKind.CHASE, 1)


def test_a_case_repeats_the_one_resolved_last() -> None:
    assert repeated(closed(case(1), SECOND), closed(case(2), 2 * SECOND)) == (RepeatKind.AFTER_RESOLVED, 1)


def test_repeats_are_those_of_the_specifications_example() -> None:
    """Eleven contacts of six people, as section 2.6 has them: who, why, opened, closed."""
    contacts = [
        ("s1", "where_is_it", "2026-09-01T09:00:00Z", "2026-09-01T10:00:00Z"),
        ("s1", "where_is_it", "2026-09-03T09:00:00Z", "2026-09-03T09:30:00Z"),
        ("s1", "billing_error", "2026-09-03T12:00:00Z", "2026-09-03T12:30:00Z"),
        ("s2", "where_is_it", "2026-09-02T09:00:00Z", "2026-09-04T09:00:00Z"),
        ("s2", "where_is_it", "2026-09-03T09:00:00Z", "2026-09-04T09:00:00Z"),
        ("s3", "outage_fault", "2026-09-05T09:00:00Z", "2026-09-05T09:30:00Z"),
        ("s3", "outage_fault", "2026-09-12T09:30:00Z", "2026-09-12T10:00:00Z"),
        ("s3", "outage_fault", "2026-09-19T10:00:01Z", "2026-09-19T10:30:00Z"),
        ("s4", "how_to", "2026-09-06T09:00:00Z", "2026-09-06T09:10:00Z"),
        ("s5", "how_to", "2026-09-27T09:00:00Z", "2026-09-27T09:10:00Z"),
        ("s6", "account_access", "2026-09-08T09:00:00Z", None),
    ]

    found = []
    for number, (person, reason, opened, _) in enumerate(contacts):
        earlier = [
            as_facts(n, reason=why, opened=start, closed=end)
            for n, (who, why, start, end) in enumerate(contacts[:number], 1)
            if who == person
        ]
        found.append(repeat(reason, earlier, now=datetime.fromisoformat(opened), window=WEEK))

    assert {number: kind for number, kind in enumerate(found, 1) if kind[1]} == {
        2: (RepeatKind.AFTER_RESOLVED, 1),
        5: (RepeatKind.CHASE, 4),
        7: (RepeatKind.AFTER_RESOLVED, 6),
    }


def as_facts(number: int, *, reason: str, opened: str, closed: str | None) -> CaseFacts:
    at = datetime.fromisoformat(opened)
    open_case = CaseFacts(number, CaseState.OPEN, reason, at, at)
    if closed is None:
        return open_case
    return replace(open_case, state=CaseState.RESOLVED, closed_at=datetime.fromisoformat(closed), closed_how=RESOLVED)


# What people do to a case.

RELEASED = "This case waits in its queue again."
BOBS_NOW = "Bob has this case now."
IS_RESOLVED = "This case is resolved."
IS_DISMISSED = "This case is dismissed as not for us."
RETAGGED = "Thank you, the tags are corrected."
ANNS = "Ann has claimed this case; ask them or a supervisor."

RESOLVED_BY_ANN = closed(claimed(case()), timedelta(hours=1))
DISMISSED_BY_ANN = closed(claimed(case()), timedelta(hours=1), NOT_FOR_US)
CHANGES = {
    "open": Change(CaseState.OPEN, "", "", None, "", "", ""),
    "anns": Change(CaseState.CLAIMED, "slack:U1", "Ann", None, "", "", ""),
    "bobs": Change(CaseState.CLAIMED, "slack:U2", "Bob", None, "", "", ""),
    "resolved by ann": Change(CaseState.RESOLVED, "slack:U1", "Ann", NOW, RESOLVED, "", ""),
    "dismissed by ann": Change(CaseState.DISMISSED, "slack:U1", "Ann", NOW, NOT_FOR_US, "", ""),
    "resolved before": Change(CaseState.RESOLVED, "slack:U1", "Ann", NOW - timedelta(hours=1), RESOLVED, "", ""),
    "dismissed before": Change(CaseState.DISMISSED, "slack:U1", "Ann", NOW - timedelta(hours=1), NOT_FOR_US, "", ""),
}


DONE: dict[str, tuple[Callable[[], Change], str, str, str]] = {
    "claim": (lambda: claim(case(), ANN), "anns", "claimed", "You have claimed this case."),
    "release": (lambda: release(claimed(case()), ANN), "open", "released", RELEASED),
    "release by a supervisor": (lambda: release(claimed(case()), EVE), "open", "released", RELEASED),
    "hand over": (lambda: hand_over(claimed(case()), ANN, BOB), "bobs", "handed_over", BOBS_NOW),
    "hand over by a supervisor": (lambda: hand_over(claimed(case()), EVE, BOB), "bobs", "handed_over", BOBS_NOW),
    "hand over of an open case": (lambda: hand_over(case(), ANN, BOB), "bobs", "handed_over", BOBS_NOW),
    "resolve": (lambda: resolve(claimed(case()), ANN, now=NOW), "resolved by ann", "resolved", IS_RESOLVED),
    "resolve by a supervisor leaves it the owner's work": (
        lambda: resolve(claimed(case()), EVE, now=NOW),
        "resolved by ann",
        "resolved",
        IS_RESOLVED,
    ),
    "resolve of an open case claims it": (
        lambda: resolve(case(), ANN, now=NOW),
        "resolved by ann",
        "resolved",
        IS_RESOLVED,
    ),
    "dismiss": (lambda: dismiss(case(), ANN, now=NOW), "dismissed by ann", "dismissed", IS_DISMISSED),
    "reopen": (lambda: reopen(RESOLVED_BY_ANN), "open", "reopened", "This case is open again."),
    "retag": (lambda: retag(claimed(case()), ANN), "anns", "retagged", RETAGGED),
    "retag of an open case": (lambda: retag(case(), BOB), "open", "retagged", RETAGGED),
    "retag of a resolved case": (lambda: retag(RESOLVED_BY_ANN, BOB), "resolved before", "retagged", RETAGGED),
}


@pytest.mark.parametrize(("change", "state", "kind", "message"), DONE.values(), ids=DONE)
def test_an_action_changes_a_case(change: Callable[[], Change], state: str, kind: str, message: str) -> None:
    assert change() == replace(CHANGES[state], kind=kind, message=message)


DONE_ALREADY: dict[str, tuple[Callable[[], Change], str, str, str]] = {
    "claim": (lambda: claim(claimed(case()), ANN), "anns", "claimed", "You have claimed this case already."),
    "release": (lambda: release(case(), ANN), "open", "released", "Nobody has claimed this case."),
    "hand over": (
        lambda: hand_over(claimed(case()), BOB, ANN),
        "anns",
        "handed_over",
        "Ann has this case already.",
    ),
    "resolve": (lambda: resolve(RESOLVED_BY_ANN, BOB, now=NOW), "resolved before", "resolved", IS_RESOLVED),
    "dismiss": (lambda: dismiss(DISMISSED_BY_ANN, BOB, now=NOW), "dismissed before", "dismissed", IS_DISMISSED),
    "reopen": (lambda: reopen(claimed(case())), "anns", "reopened", "This case is open already."),
}


@pytest.mark.parametrize(("change", "state", "kind", "message"), DONE_ALREADY.values(), ids=DONE_ALREADY)
def test_an_action_done_already_changes_nothing(
    change: Callable[[], Change], state: str, kind: str, message: str
) -> None:
    assert change() == replace(CHANGES[state], kind=kind, message=message, changed=False)


REFUSED: dict[str, tuple[Callable[[], Change], str]] = {
    "claim of another's": (lambda: claim(claimed(case()), BOB), "Ann has claimed this case already."),
    # A supervisor takes a case over by handing it over, so that it does not happen by a slip.
    "claim by a supervisor": (lambda: claim(claimed(case()), EVE), "Ann has claimed this case already."),
    "claim of a resolved": (lambda: claim(RESOLVED_BY_ANN, ANN), "This case is closed already (resolved)."),
    "claim of a dismissed": (lambda: claim(DISMISSED_BY_ANN, ANN), "This case is closed already (not for us)."),
    "release of another's": (lambda: release(claimed(case()), BOB), ANNS),
    "release of a resolved": (lambda: release(RESOLVED_BY_ANN, ANN), "This case is closed already (resolved)."),
    "hand over of another's": (lambda: hand_over(claimed(case()), BOB, BOB), ANNS),
    "hand over of a resolved": (
        lambda: hand_over(RESOLVED_BY_ANN, ANN, BOB),
        "This case is closed already (resolved).",
    ),
    "resolve of another's": (lambda: resolve(claimed(case()), BOB, now=NOW), ANNS),
    "resolve of a dismissed": (
        lambda: resolve(DISMISSED_BY_ANN, ANN, now=NOW),
        "This case is closed already (not for us).",
    ),
    "another closing of a resolved": (
        lambda: resolve(RESOLVED_BY_ANN, ANN, now=NOW, how=NO_ACTION),
        "This case is closed already (resolved).",
    ),
    "dismiss of another's": (lambda: dismiss(claimed(case()), BOB, now=NOW), ANNS),
    "dismiss of a resolved": (
        lambda: dismiss(RESOLVED_BY_ANN, ANN, now=NOW),
        "This case is closed already (resolved).",
    ),
    "reopen of a dismissed": (
        lambda: reopen(DISMISSED_BY_ANN),
        "This case was dismissed as not for us and cannot be opened again.",
    ),
    "retag of another's": (lambda: retag(claimed(case()), BOB), ANNS),
    "retag of a dismissed": (
        lambda: retag(DISMISSED_BY_ANN, ANN),
        "This case was dismissed as not for us, so it has no tags to correct.",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_an_action_that_does_not_fit_is_refused_in_words(change: Callable[[], Change], sentence: str) -> None:
    with pytest.raises(CaseError) as refusal:
        change()

    assert str(refusal.value) == sentence


def test_a_case_closed_without_action_says_so() -> None:
    change = resolve(case(), ANN, now=NOW, how=NO_ACTION)

    assert (change.state, change.closed_how, change.kind) == (CaseState.RESOLVED, "no_action", "no_action")
    assert change.message == "This case is closed without action."


ACTIONS: tuple[Callable[[CaseFacts, Actor], Change], ...] = (
    claim,
    release,
    lambda facts, actor: hand_over(facts, actor, BOB),
    lambda facts, actor: resolve(facts, actor, now=NOW),
    lambda facts, actor: dismiss(facts, actor, now=NOW),
    lambda facts, _: reopen(facts),
    retag,
)


@given(steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from([ANN, BOB, EVE])), max_size=12))
@example(steps=[(claim, ANN), (claim, BOB)])
def test_after_any_actions_a_claimed_case_has_an_owner_and_only_a_closed_one_a_time_of_closing(
    steps: list[tuple[Callable[[CaseFacts, Actor], Change], Actor]],
) -> None:
    facts = case()

    for action, actor in steps:
        try:
            change = action(facts, actor)
        except CaseError:
            continue
        facts = replace(
            facts,
            state=change.state,
            owner=change.owner,
            owner_name=change.owner_name,
            closed_at=change.closed_at,
            closed_how=change.closed_how,
        )

    is_closed = facts.state in {CaseState.RESOLVED, CaseState.DISMISSED}
    assert bool(facts.owner) is (facts.state is not CaseState.OPEN)
    assert bool(facts.closed_at) is bool(facts.closed_how) is is_closed
