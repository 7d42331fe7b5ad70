"""What an hour costs by queue and kind of channel, and what each piece of work costs on top (specification 1.6)."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date

import pytest

from bot.config import LedgerSettings
from bot.domain import Tag
from bot.ledger.corrections import Standing, merged, retagged
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, bot_cost, bulk_cost, cost, hold
from bot.ledger.promises import promise_kept, promise_made
from bot.ledger.quadrants import cell
from bot.ledger.reclass import restated
from bot.ledger.taxonomy import load_taxonomy

DAY = date(2026, 11, 18)
PRICES = {
    "rate_minor_per_hour": 3600,
    "rate_minor_per_hour_by_channel": {"phone": 7200},
    "rate_minor_per_hour_by_queue": {"premium": 10_800},
    "fixed_minor": {"phone": 25, "chat": 0},
}


def priced(**cost_keys: object) -> CostModel:
    return cost_model(LedgerSettings.model_validate({"cost": cost_keys}), load_taxonomy())


def contact(kind: str = "social", queue: str = "care") -> Contact:
    found = cell(priced(), tag=Tag.COMPLAINT, reason="where_is_it")
    return Contact("7", "x", kind, Tag.COMPLAINT, "where_is_it", found, queue=queue)


def booked(draft: Draft) -> tuple[int, int]:
    """Seconds and money that the contact bears."""
    seconds = sum(line.amount for line in draft.lines if line.commodity == "SEC" and line.amount > 0)
    return seconds, sum(line.amount for line in draft.lines if line.commodity == "GBP" and line.amount > 0)


@pytest.mark.parametrize(
    ("kind", "queue", "seconds", "minor"),
    [
        ("social", "care", 410, 410),  # the general rate: a penny a second
        ("phone", "care", 410, 845),  # that of the kind of channel, twice as much, and 25 for the call
        ("social", "premium", 410, 1230),  # that of the queue, three times as much
        (
            "phone",
            "premium",
            410,
            1255,
        ),  # that of the queue goes before that of the channel; the call is paid all the same
        ("chat", "", 410, 410),  # a fixed price of 0, and no queue
        ("phone", "care", 0, 0),  # no work, no call
    ],
)
def test_seconds_cost_the_rate_of_the_queue_else_of_the_channel_and_the_fixed_price(
    kind: str, queue: str, seconds: int, minor: int
) -> None:
    assert priced(**PRICES).priced(seconds, kind=kind, queue=queue) == (seconds, minor)


def test_without_prices_of_their_own_every_queue_and_channel_costs_the_same() -> None:
    model = priced()

    assert model.config_version == "starter-1-4c1f03318e4b"
    assert {model.priced(410, kind=kind, queue=queue).minor for kind in ("phone", "dm") for queue in ("", "a")} == {342}


def test_prices_make_another_version_and_are_kept_with_it() -> None:
    model = priced(**PRICES)
    kept = tomllib.loads(model.toml)["ledger"]

    assert model.config_version not in {priced().config_version, priced(rate_minor_per_hour=3600).config_version}
    assert kept["rate_minor_per_hour"] == 3600
    assert kept["rate_minor_per_hour_by_channel"] == {"phone": 7200}
    assert kept["rate_minor_per_hour_by_queue"] == {"premium": 10_800}
    assert kept["fixed_minor"] == {"chat": 0, "phone": 25}


def test_every_posting_of_seconds_takes_the_same_price() -> None:
    model, about = priced(**PRICES), contact("phone", "premium")
    expected = hold("e1", about, on=DAY, model=model)
    made = promise_made("e2", about, on=DAY, model=model)

    # 300 s at 185 % are 555 s, at 3 pence each, and 25.
    assert booked(expected) == (555, 1690)
    assert booked(cost("e3", about, on=DAY, model=model, resolves=expected.key, hold=expected)) == (555, 1690)
    assert booked(cost("e4", about, on=DAY, model=model, resolves=None)) == (555, 1690)
    assert booked(cost("e5", about, on=DAY, model=model, resolves=None, seconds=100)) == (100, 325)
    assert booked(hold("e6", about, on=DAY, model=model, follow_on=True)) == (60, 205)
    assert booked(bulk_cost("e7", about, on=DAY, model=model, resolves=None)) == (60, 205)
    assert booked(made) == (300, 925)
    assert [booked(one) for one in promise_kept("e8", made, about, on=DAY, model=model, seconds=None)][1] == (300, 925)
    # A bot has a price of its own, and nobody's time.
    assert booked(bot_cost("e9", about, on=DAY, model=model)) == (0, 10)


def test_a_correction_takes_the_price_of_where_the_work_is_now() -> None:
    model, about, elsewhere = priced(**PRICES), contact("phone", "premium"), contact("phone", "care")
    done = cost("e1", about, on=DAY, model=model, resolves=None, seconds=100)
    expected = hold("e2", about, on=DAY, model=model)
    old = Standing((), (done,), expected)

    moved = retagged("e3", old, elsewhere, tags=[Tag.COMPLAINT], on=DAY, model=model)
    joined = merged("e4", Standing((), (done,)), about, replace(elsewhere, channel_kind="social"), on=DAY, model=model)

    # 100 s at 2 pence and 25 for the call; 555 s in the same way; and 100 s at a penny for the case that goes on.
    assert [booked(one) for one in moved if one.kind == "cost"] == [(100, 225)]
    assert [booked(one) for one in moved if one.kind == "cost_hold"] == [(555, 1135)]
    assert [booked(one) for one in joined if one.kind == "cost"] == [(100, 100)]


def test_reclass_prices_what_was_posted_before_by_the_new_configuration() -> None:
    before, after, about = priced(rate_minor_per_hour=3600), priced(**PRICES), contact("phone", "premium")
    measured = cost("e1", about, on=DAY, model=before, resolves=None, seconds=100)
    expected = hold("e2", about, on=DAY, model=before, follow_on=True)

    assert (booked(measured), booked(expected)) == ((100, 100), (60, 60))
    for draft, anew in ((measured, (100, 325)), (expected, (60, 205))):
        assert booked(replace(draft, lines=restated(draft, about, after))) == anew
