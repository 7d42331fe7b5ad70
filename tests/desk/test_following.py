"""Which case follows another, and who bears it: by customer and reason, as they are known now."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from bot.app import App
from bot.domain import RepeatKind, Tag
from storage import models
from storage.db import transaction
from tests.desk.desks import ANN, PARCEL, retag
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import case, pending, posted, take_in

TWO_DAYS = 2 * 24 * 60
EXPECTED = {("Waste", "service", "GBP", "E"): 250, ("Waste", "service", "SEC", "E"): 300}


def resolved_once(running: App, installation: Installation) -> None:
    """A complaint that was resolved two days ago."""
    take_in(running, installation, line(1, PARCEL, author="mia"))
    running.desk.resolve(case(running).id, ANN, action_id="a1")
    installation.clock.forward(minutes=TWO_DAYS)


def link(running: App) -> None:
    """Everybody so far turns out to be one customer."""
    with transaction(running.parts.database) as session:
        session.add(models.Customer(id=1, ref="c1", created_at=START))
        session.flush()
        session.execute(update(models.Author).where(col(models.Author.id) > 0).values(customer_id=1))


def test_the_other_account_of_a_customer_repeats_what_the_first_one_asked(
    running: App, installation: Installation
) -> None:
    resolved_once(running, installation)
    # The other account is known already, by something else.
    take_in(running, installation, line(2, "praise/praise: fine", author="mia.m", minutes=TWO_DAYS - 30))
    running.desk.resolve(case(running, 2).id, ANN, action_id="a2")
    link(running)
    installation.clock.forward(days=1, hours=1)

    take_in(running, installation, line(3, PARCEL, author="mia.m", minutes=TWO_DAYS + 25 * 60))

    assert (case(running, 3).repeat_kind, case(running, 3).repeat_of) == (RepeatKind.AFTER_RESOLVED, case(running).id)
    assert pending(running) == EXPECTED


def test_accounts_that_nobody_has_linked_repeat_nothing(running: App, installation: Installation) -> None:
    resolved_once(running, installation)

    take_in(running, installation, line(2, PARCEL, author="somebody", minutes=TWO_DAYS))

    assert case(running, 2).repeat_kind is RepeatKind.NONE


def test_a_correction_to_another_reason_ends_a_repeat_and_the_owner_bears_it(
    running: App, installation: Installation
) -> None:
    resolved_once(running, installation)
    take_in(running, installation, line(2, PARCEL, author="mia", minutes=TWO_DAYS))
    assert pending(running) == EXPECTED

    retag(running, case(running, 2).id, Tag.COMPLAINT, "billing_error")

    assert (case(running, 2).repeat_kind, case(running, 2).repeat_of) == (RepeatKind.NONE, None)
    assert pending(running) == {("Waste", "billing", "GBP", "E"): 450, ("Waste", "billing", "SEC", "E"): 540}
    assert_books_agree(running)


def test_a_correction_to_the_reason_of_an_earlier_case_makes_a_repeat(running: App, installation: Installation) -> None:
    resolved_once(running, installation)
    other = "complaint/billing_error: where is my parcel"
    take_in(running, installation, line(2, other, author="mia", minutes=TWO_DAYS))

    retag(running, case(running, 2).id, Tag.COMPLAINT, "where_is_it")

    assert (case(running, 2).repeat_kind, case(running, 2).repeat_of) == (RepeatKind.AFTER_RESOLVED, case(running).id)
    assert pending(running) == EXPECTED


def test_a_correction_that_leaves_the_reason_leaves_the_repeat(running: App, installation: Installation) -> None:
    resolved_once(running, installation)
    take_in(running, installation, line(2, PARCEL, author="mia", minutes=TWO_DAYS))

    retag(running, case(running, 2).id, Tag.REQUEST, "where_is_it")

    assert case(running, 2).repeat_kind is RepeatKind.AFTER_RESOLVED
    assert posted(running)["Waste", "service", "CNT", "N"] == 1
