"""A correction of tags: the books follow, the card moves where it belongs, and the case is due anew."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot import pipeline
from bot.app import App
from bot.domain import CaseState, Priority, Tag
from bot.errors import CaseError
from storage import models
from storage.outbox import Kind
from tests.desk.desks import ANN, BOTH, EVE, PARCEL, retag
from tests.installation import Installation, line
from tests.looking import case, journal_kinds, orders, pending, posted, rows, take_in, waiting


def test_a_retag_reverses_the_tag_and_expects_the_work_of_the_new_reason(running: App, open_case: int) -> None:
    retag(running, open_case, Tag.COMPLAINT, "billing_error")

    view = case(running)
    assert (view.tag, view.reason, view.department, view.queue) == (Tag.COMPLAINT, "billing_error", "billing", "care")
    assert posted(running) == {("Waste", "billing", "CNT", "N"): 1, ("Waste", "billing", "TAG", "N"): 1}
    assert pending(running) == {("Waste", "billing", "GBP", "E"): 450, ("Waste", "billing", "SEC", "E"): 540}
    assert journal_kinds(running) == ["tag", "cost_hold", "reversal", "tag", "cost_void", "cost_hold"]


def test_a_retagged_case_is_resolved_at_the_price_of_its_new_reason(running: App, open_case: int) -> None:
    retag(running, open_case, Tag.COMPLAINT, "billing_error")

    running.desk.resolve(open_case, EVE, action_id="a2")

    assert posted(running)["Waste", "billing", "GBP", "E"] == 450
    assert pending(running) == {}


def test_a_retag_of_a_resolved_case_moves_the_work_done_and_leaves_it_closed(running: App, open_case: int) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")

    retag(running, open_case, Tag.REQUEST, "how_to")

    assert (case(running).state, case(running).queue) == (CaseState.RESOLVED, "care")
    assert posted(running) == {
        ("Automate", "digital", "CNT", "N"): 1,
        ("Automate", "digital", "TAG", "N"): 1,
        ("Automate", "digital", "GBP", "E"): 200,
        ("Automate", "digital", "SEC", "E"): 240,
    }
    assert pending(running) == {}


def test_a_mention_with_two_tags_can_be_retagged_to_one_and_back(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, BOTH))
    case_id = case(running).id

    retag(running, case_id, Tag.REQUEST, "billing_error", action_id="r1")
    assert posted(running)["Waste", "billing", "TAG", "N"] == 1
    both = (Tag.REQUEST, Tag.COMPLAINT)
    running.desk.retag(case_id, EVE, action_id="r2", tags=both, primary=Tag.COMPLAINT, reason="billing_error")

    assert posted(running) == {("Waste", "billing", "CNT", "N"): 1, ("Waste", "billing", "TAG", "N"): 2}
    assert case(running).mentions[0].tags == (Tag.COMPLAINT, Tag.REQUEST)
    assert [(row.n, row.source, row.actor) for row in rows(running, models.Tagging)] == [
        (1, "model", ""),
        (2, "human", "slack:UEVE"),
        (3, "human", "slack:UEVE"),
    ]


def test_a_retag_leaves_the_tags_of_mentions_that_joined_alone(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="max"))
    take_in(running, installation, line(2, PARCEL, author="max"))

    retag(running, case(running).id, Tag.REQUEST, "buy_interest")

    assert posted(running) == {
        ("Serve", "sales", "CNT", "N"): 1,
        ("Serve", "sales", "TAG", "N"): 1,
        ("Waste", "logistics", "TAG", "N"): 1,
    }


def test_a_retag_that_changes_the_queue_moves_the_card_and_frees_the_case(running: App, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")

    retag(running, open_case, Tag.REQUEST, "how_to", by=ANN)

    view = case(running)
    assert (view.queue, view.priority, view.state, view.owner) == ("help", Priority.LOW, CaseState.OPEN, "")
    assert view.due_at == datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
    assert waiting(running, "help") == [open_case]
    assert orders(running)[3:] == [("C0CARE", Kind.REMOVE, open_case), ("C0HELP", Kind.CARD, open_case)]


def test_a_case_that_moved_while_claimed_runs_out_if_its_new_queue_does_not_take_it(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")
    installation.clock.forward(days=10)
    retag(running, open_case, Tag.REQUEST, "how_to", by=ANN)

    assert pipeline.expire_holds(running.parts) == 0
    installation.clock.forward(days=3)
    assert pipeline.expire_holds(running.parts) == 1

    assert pending(running) == {}


def test_a_retag_within_one_queue_changes_how_urgent_the_case_is(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "praise/praise: well done, my bill is wrong"))
    assert case(running).due_at == datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
    running.desk.claim(case(running).id, ANN, action_id="a1")

    retag(running, case(running).id, Tag.COMPLAINT, "billing_error", by=ANN)

    view = case(running)
    assert (view.queue, view.owner_name) == ("care", "Ann")
    assert view.due_at == datetime(2026, 11, 18, 10, 0, tzinfo=UTC)


def test_a_re_opened_case_that_is_retagged_is_due_from_its_re_opening_on(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")
    installation.clock.forward(hours=10)
    take_in(running, installation, line(2, PARCEL, author="max", minutes=600))
    take_in(running, installation, line(3, PARCEL, author="max", minutes=630))

    retag(running, open_case, Tag.REQUEST, "how_to")

    assert case(running).due_at == datetime(2026, 11, 18, 19 + 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("buy_interest", [("C0CARE", Kind.CARD_EDIT), ("C0CARE", Kind.NOTE)]),  # the other queue has the same channel
        ("leave_cancel", [("C0CARE", Kind.REMOVE)]),  # the other queue has none
    ],
)
def test_a_card_moves_only_where_the_slack_channel_is_another(
    running: App, open_case: int, reason: str, expected: list[tuple[str, Kind]]
) -> None:
    retag(running, open_case, Tag.REQUEST, reason)

    assert [(channel, kind) for channel, kind, _ in orders(running)[1:]] == expected


def test_a_retag_answers_the_doubt(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "complaint/where_is_it?hardly sure: hm"))
    assert running.desk.review_count() == 1

    retag(running, case(running).id, Tag.COMPLAINT, "where_is_it")

    assert running.desk.review_count() == 0


@pytest.mark.parametrize(
    ("tags", "primary", "reason", "told"),
    [
        ([Tag.PRAISE], Tag.COMPLAINT, "where_is_it", "The primary tag must be one of the tags."),
        ([Tag.PRAISE], Tag.PRAISE, "weather", "There is no reason 'weather' in the taxonomy."),
    ],
)
def test_a_retag_that_makes_no_sense_is_refused(
    running: App, open_case: int, tags: list[Tag], primary: Tag, reason: str, told: str
) -> None:
    with pytest.raises(CaseError, match=told):
        running.desk.retag(open_case, ANN, action_id="a1", tags=tags, primary=primary, reason=reason)


def test_a_dismissed_case_has_no_tags_to_correct(running: App, open_case: int) -> None:
    running.desk.not_for_us(open_case, ANN, action_id="a1")

    with pytest.raises(CaseError, match="it has no tags to correct"):
        retag(running, open_case, Tag.PRAISE, "praise")
