"""Merging duplicates, goodwill, and value that is assumed: what they make the books say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from bot import estimates
from bot.app import App
from bot.domain import Actor, CaseState, Tag
from bot.errors import CaseError
from storage import models, models_operations
from storage.db import reading, transaction
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import case, contacts, history, journal_kinds, orders, pending, posted, rows, take_in, waiting

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
BILL = "complaint/billing_error: charged twice"
LEAVING = "complaint/leave_cancel: I want to cancel"
THANKS = "praise/praise: you are the best"
DAY = 24 * 60


@pytest.fixture
def installation(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    value = {"praise_public_minor": 150, "saved_customer_margin_12m_minor": 24_000, "saved_customer_uplift_bp": 200}
    return Installation(tmp_path, database_url, settings={"slack": {}, "ledger": {"value": value}})


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    running = installation.open()
    yield running
    assert_books_agree(running)
    assert_value_is_live_estimates(running)
    running.parts.database.dispose()


def balance(running: App, account: str) -> int:
    table = models.LedgerLine
    with reading(running.parts.database) as session:
        summed = select(func.sum(col(table.amount))).where(col(table.account) == account)
        return int(session.scalar(summed) or 0)


def assert_value_is_live_estimates(running: App) -> None:
    """I15: Value:Unrealised is the sum of the estimates that live, and never below 0."""
    live = [one.amount_minor for one in rows(running, models_operations.ValueEstimate) if one.state == "live"]
    assert balance(running, "Assets:Value:Unrealised") == sum(live)


def link(running: App) -> None:
    """All authors are one customer."""
    with transaction(running.parts.database) as session:
        session.add(models.Customer(id=1, ref="c1", created_at=START))
        session.flush()
        session.execute(update(models.Author).values(customer_id=1))


def two_cases(running: App, installation: Installation, first: str = PARCEL, second: str = BILL) -> tuple[int, int]:
    """Two cases of one author: the first was closed before the second came, two days later."""
    take_in(running, installation, line(1, first, author="max"))
    installation.clock.forward(days=2)
    one = case(running).id
    running.desk.claim(one, ANN, action_id="first1")
    installation.clock.forward(seconds=100)
    running.desk.resolve(one, ANN, action_id="first2")
    take_in(running, installation, line(2, second, author="max", minutes=4 * DAY))
    return one, case(running, 2).id


def two_open(running: App, installation: Installation) -> tuple[int, int]:
    """Two open cases of one customer, who writes from two accounts."""
    take_in(running, installation, line(1, PARCEL, author="max"), line(2, BILL, author="max-2"))
    link(running)
    return case(running, 1).id, case(running, 2).id


# -- merge -------------------------------------------------------------------------------------------------------


def test_a_merged_duplicate_keeps_its_tag_and_is_no_contact_of_its_own(
    running: App, installation: Installation
) -> None:
    one, two = two_open(running, installation)

    running.desk.merge(two, EVE, one, action_id="e1")

    assert posted(running) == {
        ("Waste", "logistics", "CNT", "N"): 1,
        ("Waste", "logistics", "TAG", "N"): 1,
        ("Waste", "billing", "TAG", "N"): 1,
    }
    assert pending(running) == {("Waste", "logistics", "GBP", "E"): 250, ("Waste", "logistics", "SEC", "E"): 300}
    assert contacts(running) == 1
    assert waiting(running, "care") == [one]


def test_the_mentions_of_a_duplicate_are_read_in_the_case_that_goes_on(
    running: App, installation: Installation
) -> None:
    one, two = two_open(running, installation)
    before = len(orders(running))

    running.desk.merge(two, EVE, one, action_id="e1")

    assert [mention.id for mention in case(running, 1).mentions] == [one, two]
    assert (case(running, 1).mention_count, case(running, 2).merged_into) == (2, one)
    assert history(running, 1)[-1] == ("took_in", "Eve")
    assert history(running, 2)[-1] == ("merged", "Eve")
    assert {case_id for _, _, case_id in orders(running)[before:]} == {one, two}


def test_i18_measured_seconds_survive_a_merge_and_estimates_of_a_duplicate_do_not(
    running: App, installation: Installation
) -> None:
    one, two = two_open(running, installation)
    running.desk.claim(two, ANN, action_id="a1")
    installation.clock.forward(seconds=100)
    running.desk.resolve(two, ANN, action_id="a2")
    running.desk.resolve(one, BOB, action_id="b1")

    running.desk.merge(one, EVE, two, action_id="e1")

    seconds = {key: amount for key, amount in posted(running).items() if key[2] == "SEC"}
    assert seconds == {("Waste", "billing", "SEC", "M"): 130}


def test_work_measured_on_a_duplicate_moves_to_the_case_that_goes_on(running: App, installation: Installation) -> None:
    one, two = two_open(running, installation)
    running.desk.claim(two, ANN, action_id="a1")
    installation.clock.forward(seconds=100)
    running.desk.resolve(two, ANN, action_id="a2")

    running.desk.merge(two, EVE, one, action_id="e1")

    assert posted(running)["Waste", "logistics", "SEC", "M"] == 130


def test_time_on_an_open_duplicate_is_booked_when_the_other_case_is_resolved(
    running: App, installation: Installation
) -> None:
    one, two = two_open(running, installation)
    running.desk.claim(two, EVE, action_id="a1")
    installation.clock.forward(seconds=100)
    running.desk.merge(two, EVE, one, action_id="a2")
    installation.clock.forward(seconds=50)

    running.desk.resolve(one, EVE, action_id="a3")

    # The press that merges is told to both cases, and is one press.
    assert posted(running)["Waste", "logistics", "SEC", "M"] == 100 + 50 + 30


def test_what_is_not_for_us_takes_back_the_tags_of_its_duplicates_too(running: App, installation: Installation) -> None:
    one, two = two_open(running, installation)
    running.desk.merge(two, EVE, one, action_id="e1")

    running.desk.not_for_us(one, EVE, action_id="e2")

    assert posted(running) == {}
    assert contacts(running) == 0


def test_a_merged_case_is_worked_in_the_other_one_only(running: App, installation: Installation) -> None:
    one, two = two_open(running, installation)
    running.desk.merge(two, EVE, one, action_id="e1")

    attempts: tuple[Callable[[], object], ...] = (
        lambda: running.desk.claim(two, EVE, action_id="x1"),
        lambda: running.desk.retag(two, EVE, action_id="x2", tags=[Tag.PRAISE], primary=Tag.PRAISE, reason="praise"),
        lambda: running.desk.goodwill(two, 100, "broken", actor=EVE, action_id="x3"),
        lambda: running.desk.merge(two, EVE, one, action_id="x4"),
        lambda: running.desk.merge(one, EVE, two, action_id="x5"),
    )
    for attempt in attempts:
        with pytest.raises(CaseError, match=r"merged|closed"):
            attempt()


def test_a_mention_never_joins_a_case_that_was_merged(running: App, installation: Installation) -> None:
    one, two = two_cases(running, installation)
    running.desk.resolve(two, ANN, action_id="a1")
    running.desk.merge(two, EVE, one, action_id="e1")

    take_in(running, installation, line(3, BILL, author="max", minutes=4 * DAY + 10))

    assert case(running, 2).state is CaseState.RESOLVED
    assert len(rows(running, models.Case)) == 3


@pytest.mark.parametrize(
    ("actor", "message"),
    [(ANN, "Only a supervisor"), (EVE, "different people")],
)
def test_only_a_supervisor_merges_and_only_what_is_of_one_person(
    running: App, installation: Installation, actor: Actor, message: str
) -> None:
    take_in(running, installation, line(1, PARCEL, author="max"), line(2, BILL, author="moritz"))
    if actor is ANN:
        link(running)

    with pytest.raises(CaseError, match=message):
        running.desk.merge(case(running, 2).id, actor, case(running, 1).id, action_id="e1")

    assert journal_kinds(running).count("merge") == 0


def test_open_work_does_not_vanish_in_a_closed_case(running: App, installation: Installation) -> None:
    one, two = two_cases(running, installation)

    with pytest.raises(CaseError, match="merge the other way round"):
        running.desk.merge(two, EVE, one, action_id="e1")

    assert running.desk.merge(one, EVE, two, action_id="e2").changed


def test_a_promise_on_a_duplicate_is_kept_in_the_case_that_goes_on(running: App, installation: Installation) -> None:
    one, two = two_open(running, installation)
    running.desk.promise(two, ANN, installation.clock() + timedelta(hours=1), action_id="a1")

    running.desk.merge(two, EVE, one, action_id="e1")
    running.desk.keep_promise(one, ANN, action_id="a2")

    assert balance(running, "Liabilities:Promises") == 0


def test_a_case_that_took_in_others_can_be_merged_itself(running: App, installation: Installation) -> None:
    one, two = two_open(running, installation)
    take_in(running, installation, line(3, "complaint/outage_fault: app is down", author="max-3"))
    with transaction(running.parts.database) as session:
        session.execute(update(models.Author).values(customer_id=1))
    three = case(running, 3).id
    running.desk.merge(one, EVE, two, action_id="e1")

    running.desk.merge(two, EVE, three, action_id="e2")
    running.desk.not_for_us(three, EVE, action_id="e3")

    assert posted(running) == {}


# -- goodwill ----------------------------------------------------------------------------------------------------


def test_goodwill_is_borne_by_who_caused_the_case(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "complaint/product_defect: it arrived broken"))
    one = case(running).id

    running.desk.goodwill(one, 1250, "a new vase", actor=ANN, action_id="a1")

    assert posted(running)["Expenses:Goodwill", "product_quality", "GBP", "R"] == 1250
    assert balance(running, "Equity:Funding:Goodwill") == -1250
    assert history(running)[-1] == ("goodwill", "Ann")


def test_the_reason_of_goodwill_stays_out_of_the_ledger(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL))

    running.desk.goodwill(case(running).id, 500, "for  Mrs Example", actor=ANN, action_id="a1")

    assert case(running).events[-1].detail == {"amount": "£5.00", "why": "for Mrs Example"}
    assert not any("Example" in one.memo for one in rows(running, models.LedgerJournal))


def test_goodwill_is_given_once_however_often_it_is_pressed(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL))

    for _ in range(3):
        running.desk.goodwill(case(running).id, 500, "late", actor=ANN, action_id="a1")

    assert balance(running, "Expenses:Goodwill") == 500


@pytest.mark.parametrize(
    ("amount", "why", "message"),
    [(0, "late", "above 0"), (-5, "late", "above 0"), (10**10, "late", "at most"), (5, " ", "Say what")],
)
def test_goodwill_that_makes_no_sense_is_refused(
    running: App, installation: Installation, amount: int, why: str, message: str
) -> None:
    take_in(running, installation, line(1, PARCEL))

    with pytest.raises(CaseError, match=message):
        running.desk.goodwill(case(running).id, amount, why, actor=ANN, action_id="a1")


# -- value -------------------------------------------------------------------------------------------------------


def test_public_praise_is_worth_what_is_configured_in_the_transaction_of_its_tag(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, THANKS))

    assert journal_kinds(running) == ["tag", "cost_hold", "value"]
    assert balance(running, "Income:Value:SpreadWord") == -150


@pytest.mark.parametrize(
    "lines",
    [
        # A thank-you to the agent, in the case.
        [line(1, PARCEL, author="max"), line(2, THANKS, author="max", minutes=5)],
        # Said to us alone.
        [line(1, THANKS, author="max", private=True)],
        # In the thread of a case, two days later.
        [line(1, PARCEL, author="max", thread="t1"), line(2, "praise: thanks", author="max", thread="t1", minutes=5)],
    ],
)
def test_a_courtesy_and_private_praise_spread_no_word(
    running: App, installation: Installation, lines: list[dict[str, Any]]
) -> None:
    take_in(running, installation, *lines)

    assert balance(running, "Assets:Value:Unrealised") == 0


def test_a_thank_you_in_the_thread_of_an_old_case_is_a_courtesy(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="max", thread="t1"))
    running.desk.resolve(case(running).id, ANN, action_id="a1")
    installation.clock.forward(days=3)

    take_in(running, installation, line(2, THANKS, author="max", thread="t1", minutes=3 * DAY))

    assert len(rows(running, models.Case)) == 2
    assert balance(running, "Assets:Value:Unrealised") == 0


def test_value_follows_a_correction_of_the_tag_both_ways(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, THANKS))
    one, seen = case(running).id, []

    for number, tag in enumerate((Tag.REQUEST, Tag.PRAISE, Tag.PRAISE)):
        reason = "praise" if tag is Tag.PRAISE else "how_to"
        running.desk.retag(one, EVE, action_id=f"e{number}", tags=[tag], primary=tag, reason=reason)
        seen.append(balance(running, "Assets:Value:Unrealised"))

    assert seen == [0, 150, 150]


def test_praise_that_is_not_about_us_is_worth_nothing(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, THANKS))

    running.desk.not_for_us(case(running).id, ANN, action_id="a1")

    assert balance(running, "Assets:Value:Unrealised") == 0


def test_a_customer_who_stays_is_worth_the_uplift_and_not_the_whole_margin(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, LEAVING))

    running.desk.resolve(case(running).id, ANN, action_id="a1", customer_kept=True)

    assert balance(running, "Income:Value:BuyAgain") == -480
    assert case(running).events[-1].detail == {"customer": "kept"}


def test_who_did_not_want_to_leave_cannot_have_been_kept(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL))

    with pytest.raises(CaseError, match="wanted to leave"):
        running.desk.resolve(case(running).id, ANN, action_id="a1", customer_kept=True)


def test_i15_an_estimate_that_nobody_proved_is_let_go_after_its_time(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, THANKS))
    seen = []

    for days in (180, 1, 1):
        installation.clock.forward(days=days)
        seen.append((estimates.expire(running.parts), balance(running, "Assets:Value:Unrealised")))

    assert seen == [(0, 150), (1, 0), (0, 0)]
    assert balance(running, "Income:Value:Expired") == 150
    assert journal_kinds(running)[-1] == "value_expire"


def test_without_a_configured_value_praise_is_counted_and_worth_nothing(tmp_path: Path, sqlite_url: str) -> None:
    installation = Installation(tmp_path, sqlite_url)
    running = installation.open()
    take_in(running, installation, line(1, THANKS))

    assert journal_kinds(running) == ["tag", "cost_hold"]
    running.parts.database.dispose()
