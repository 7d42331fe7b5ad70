"""A supervisor says where one case stands: before every rule, with who, why and when, until it is taken back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot import erase, reclass
from bot.app import App
from bot.domain import Quadrant, Tag
from bot.errors import CaseError
from bot.ledger.money import Shares
from storage import models
from tests.desk.desks import ANN, COUNTED, EVE, PARCEL, WORK_EXPECTED, retag
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import case, history, journal_kinds, pending, posted, rows, take_in
from tests.two_models import AFTER, Place

SHARED: Shares = (("billing", 3_333), ("external", 6_667))


def decide(
    running: App, case_id: int, *, action_id: str = "o1", quadrant: Quadrant | None = None, owners: Shares = ()
) -> None:
    running.desk.override(case_id, EVE, action_id=action_id, why="the strike", quadrant=quadrant, owners=owners)


def source(running: App) -> str:
    return rows(running, models.Case)[0].quadrant_source


def test_what_was_done_on_a_case_moves_to_where_a_supervisor_puts_it(running: App, open_case: int) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")

    decide(running, open_case, quadrant=Quadrant.SIMPLIFY, owners=SHARED)

    # 300 s and 250 p in shares of 3333 and 6667: 99.99 and 200.01, 83.3 and 166.7.
    assert posted(running) == {
        ("Simplify", "billing", "TAG", "N"): 1,
        ("Simplify", "billing", "CNT", "N"): 1,
        ("Simplify", "billing", "SEC", "E"): 100,
        ("Simplify", "billing", "GBP", "E"): 83,
        ("Simplify", "external", "SEC", "E"): 200,
        ("Simplify", "external", "GBP", "E"): 167,
    }
    [row] = rows(running, models.Case)
    assert (row.quadrant, row.quadrant_source, row.department) == ("simplify", "manual", "billing")
    assert_books_agree(running)


def test_the_history_says_who_decided_it_and_why_and_the_ledger_holds_no_words(running: App, open_case: int) -> None:
    decide(running, open_case, quadrant=Quadrant.ASSET)

    assert history(running)[-1] == ("overridden", "Eve")
    [event] = [row for row in rows(running, models.CaseEvent) if row.kind == "overridden"]
    assert event.detail["why"] == "the strike"
    assert not [row for row in rows(running, models.LedgerJournal) if "strike" in row.memo]


def test_work_that_is_expected_is_expected_there(running: App, open_case: int) -> None:
    decide(running, open_case, owners=(("external", 10_000),))

    assert pending(running) == {("Waste", "external", "GBP", "E"): 250, ("Waste", "external", "SEC", "E"): 300}
    assert journal_kinds(running) == ["tag", "cost_hold", "reversal", "tag", "cost_void", "cost_hold"]


def test_a_correction_of_the_reason_leaves_the_decision_as_it_is(running: App, open_case: int) -> None:
    decide(running, open_case, quadrant=Quadrant.ASSET, owners=SHARED)

    retag(running, open_case, Tag.COMPLAINT, "billing_error")
    running.desk.resolve(open_case, ANN, action_id="a1")

    # 540 s and 450 p of the new reason, for those whom the supervisor named: 179.98 and 360.02, 149.99 and 300.01.
    assert posted(running)["Serve", "billing", "SEC", "E"] == 180
    assert posted(running)["Serve", "external", "GBP", "E"] == 300
    assert source(running) == "manual"
    assert_books_agree(running)


def test_what_is_promised_and_given_on_a_case_is_borne_by_whom_the_supervisor_named(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.promise(open_case, ANN, installation.clock() + timedelta(hours=2), action_id="p")

    decide(running, open_case, owners=(("billing", 10_000),))
    running.desk.goodwill(open_case, 500, "late", actor=EVE, action_id="g")

    assert posted(running)["Waste", "billing", "GBP", "E"] == 250
    assert posted(running)["Expenses:Goodwill", "billing", "GBP", "R"] == 500


def test_a_decision_that_is_taken_back_leaves_what_the_rules_say(running: App, open_case: int) -> None:
    decide(running, open_case, quadrant=Quadrant.ASSET, owners=SHARED)

    running.desk.lift_override(open_case, EVE, action_id="o2", why="it was ours after all")

    assert posted(running) == COUNTED
    assert pending(running) == WORK_EXPECTED
    assert source(running) == "reason"
    with pytest.raises(CaseError, match="Nobody has put this case anywhere by hand"):
        running.desk.lift_override(open_case, EVE, action_id="o3", why="again")


def test_the_newest_decision_counts_and_one_that_comes_twice_is_one(running: App, open_case: int) -> None:
    decide(running, open_case, quadrant=Quadrant.ASSET)
    decide(running, open_case, quadrant=Quadrant.SIMPLIFY, action_id="o2")
    before = len(journal_kinds(running))

    decide(running, open_case, quadrant=Quadrant.SIMPLIFY, action_id="o2")

    assert len(journal_kinds(running)) == before
    assert case(running).quadrant is Quadrant.SIMPLIFY


@pytest.mark.parametrize(
    ("owners", "problem"),
    [
        ((("marketing", 10_000),), "There is no department 'marketing'; known: billing, commercial"),
        ((("billing", 5_000), ("logistics", 4_999)), "The shares sum to 9999 basis points"),
        ((("billing", 5_000), ("billing", 5_000)), "A department is named twice"),
        ((("billing", 0), ("logistics", 10_000)), "A share must be a whole number"),
    ],
)
def test_owners_that_cannot_bear_it_are_refused(running: App, open_case: int, owners: Shares, problem: str) -> None:
    with pytest.raises(CaseError, match=problem):
        decide(running, open_case, owners=owners)

    assert posted(running) == COUNTED


def test_only_a_supervisor_decides_and_says_why(running: App, open_case: int) -> None:
    with pytest.raises(CaseError, match="Only a supervisor decides"):
        running.desk.override(open_case, ANN, action_id="o1", why="mine", quadrant=Quadrant.ASSET)
    with pytest.raises(CaseError, match="Say why"):
        running.desk.override(open_case, EVE, action_id="o2", why="  ", quadrant=Quadrant.ASSET)


def test_a_case_without_a_reason_needs_to_be_told_its_kind_as_well(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "complaint/unheard_of: this is a disgrace"))
    case_id = case(running).id

    with pytest.raises(CaseError, match="say also which kind of contact"):
        decide(running, case_id, owners=(("billing", 10_000),))
    decide(running, case_id, quadrant=Quadrant.LIABILITY, owners=(("billing", 10_000),), action_id="o2")

    assert posted(running)["Waste", "billing", "CNT", "N"] == 1


def test_an_erasure_blanks_why_and_leaves_where(running: App, open_case: int) -> None:
    decide(running, open_case, quadrant=Quadrant.ASSET)

    erase.erase(running.parts, "replay:max")
    running.desk.resolve(open_case, ANN, action_id="a1")

    [event] = [row for row in rows(running, models.CaseEvent) if row.kind == "overridden"]
    assert "why" not in event.detail
    assert posted(running)["Serve", "logistics", "GBP", "E"] == 250
    assert_books_agree(running)


def test_a_new_configuration_keeps_the_shares_to_the_basis_point(tmp_path: Path, sqlite_url: str) -> None:
    place = Place(tmp_path, sqlite_url, Clock())
    running, installation = place.open()
    take_in(running, installation, line(1, PARCEL))
    running.desk.resolve(case(running).id, ANN, action_id="a1")
    decide(running, case(running).id, quadrant=Quadrant.SIMPLIFY, owners=SHARED)
    running, _ = place.open(AFTER, rate=6000)

    reclass.run(running.parts)

    # 360 s instead of 300, in shares of 3333 and 6667: 119.99 and 240.01.
    assert source(running) == "manual"
    assert posted(running)["Simplify", "billing", "SEC", "E"] == 120
    assert posted(running)["Simplify", "external", "SEC", "E"] == 240
    assert_books_agree(running)
    place.leave()
