"""Queues with a rate of their own, and a price on top of each piece of work, from the mention to the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import reclass
from bot.domain import Actor, Tag
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import case, pending, posted, take_in

ANN = Actor("slack:UANN", "Ann")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
BILL = "complaint/billing_error: charged twice"
ROUTING = {
    "queues": [{"name": "care"}, {"name": "billing"}],
    "routes": [{"queue": "billing", "reason": "billing_error"}, {"queue": "care"}],
}
PRICES = {
    "rate_minor_per_hour": 3600,
    "rate_minor_per_hour_by_channel": {"dm": 1},
    "rate_minor_per_hour_by_queue": {"billing": 7200},
    "fixed_minor": {"social": 25},
}


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    place = Installation(tmp_path, database_url, Clock(), settings=ROUTING | {"ledger": {"cost": PRICES}})
    yield place
    place.close()


def money(sums: dict[tuple[str, str, str, str], int]) -> dict[tuple[str, str], int]:
    return {(dept, basis): amount for (_, dept, unit, basis), amount in sums.items() if unit == "GBP" and amount}


def test_work_costs_the_rate_of_its_queue_and_the_price_on_top_wherever_it_is_posted(
    installation: Installation,
) -> None:
    running = installation.open()
    desk, clock = running.desk, installation.clock

    take_in(running, installation, line(1, PARCEL, author="p1"), line(2, BILL, author="p2"))
    # 300 s at a penny and 540 s at two, and 25 each.
    assert money(pending(running)) == {("logistics", "E"): 325, ("billing", "E"): 1105}

    desk.claim(case(running, 1).id, ANN, action_id="c1")
    clock.forward(seconds=70)
    desk.resolve(case(running, 1).id, ANN, action_id="r1")
    desk.promise(case(running, 2).id, ANN, clock() + timedelta(hours=3), action_id="p2")
    desk.resolve(case(running, 2).id, ANN, action_id="r2")
    # 70 s and 30 after the last action were measured; the other case's 540 s and 300 s of a promise are estimated.
    assert money(posted(running)) == {("logistics", "M"): 125, ("billing", "E"): 1105 + 625}
    assert_books_agree(running)


def test_a_case_that_is_retagged_into_another_queue_is_expected_there_at_its_rate(installation: Installation) -> None:
    running = installation.open()
    take_in(running, installation, line(1, PARCEL))

    running.desk.retag(
        case(running).id, EVE, action_id="t1", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="billing_error"
    )

    assert case(running).queue == "billing"
    assert money(pending(running)) == {("billing", "E"): 1105}
    assert_books_agree(running)


def test_new_prices_change_nothing_posted_until_they_are_applied(tmp_path: Path, database_url: str) -> None:
    before = Installation(tmp_path, database_url, Clock(), settings=ROUTING)
    running = before.open()
    take_in(running, before, line(1, PARCEL, author="p1"), line(2, BILL, author="p2"))
    running.desk.resolve(case(running, 2).id, ANN, action_id="r2")
    was = money(posted(running)), money(pending(running))

    after = Installation(tmp_path, database_url, before.clock, settings=ROUTING | {"ledger": {"cost": PRICES}}).open()
    assert (money(posted(after)), money(pending(after))) == was
    reclass.run(after.parts)

    assert (money(posted(after)), money(pending(after))) != was
    assert money(pending(after)) == {("logistics", "E"): 325}
    assert_books_agree(after)
    before.close()
    after.parts.database.dispose()
