"""Savings are confirmed at the floor that the report shows, once, by finance."""

from __future__ import annotations

from typing import Any

import pytest

from bot import savings
from bot.app import App
from bot.errors import InputError
from bot.ledger.accounts import SAVINGS_UNFUNDED
from storage import models
from storage.models_money import ConfirmedSaving
from tests.budget.summer import TRACK, balance
from tests.looking import rows

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all


def test_a_saving_is_confirmed_at_the_floor_of_vector_07(running: App) -> None:
    said = savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK)

    assert said == ("2026-09 where_is_it: £508.46 confirmed as cashable (all reasons of the month together: -£199.16).")
    assert balance(running, SAVINGS_UNFUNDED) == 50846
    [row] = rows(running, ConfirmedSaving)
    assert (row.amount_minor, row.saving_minor, row.low_minor, row.high_minor) == (50846, 82220, 50846, 113593)
    [line, other] = [one for one in rows(running, models.LedgerLine) if one.initiative_id == "track"]
    assert (line.reason, line.amount, other.amount, line.basis) == ("where_is_it", 50846, -50846, "R")


def test_no_more_than_the_floor_is_confirmed(running: App) -> None:
    with pytest.raises(
        InputError, match=r"£508\.47 cannot be confirmed for where_is_it: £508\.46 is proven, the 95 % floor"
    ):
        savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK, amount_minor=50847)
    with pytest.raises(InputError, match="cannot be confirmed"):
        savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK, amount_minor=-1)

    savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK, amount_minor=50000)

    assert balance(running, SAVINGS_UNFUNDED) == 50000


def test_what_is_not_distinguishable_from_zero_is_not_confirmed(running: App) -> None:
    with pytest.raises(InputError, match="nothing can be confirmed for billing_error: not distinguishable from zero"):
        savings.confirm(running.parts, "2026-09", "billing_error", saving_class="cashable", initiative="", by="Finance")


def test_a_loss_is_confirmed_as_it_is_and_not_smaller(running: App) -> None:
    with pytest.raises(InputError, match=r"confirm a loss between -£1,594\.52 and -£882\.69"):
        savings.confirm(
            running.parts, "2026-09", "outage_fault", saving_class="cashable", by="Finance", amount_minor=-1
        )

    savings.confirm(running.parts, "2026-09", "outage_fault", saving_class="cashable", by="Finance")

    assert balance(running, SAVINGS_UNFUNDED) == -123860


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"by": "Ann"}, "--by Ann: this is for finance: Finance"),
        ({"initiative": ""}, "say with --initiative what brought the saving of where_is_it about; .* chat, track"),
        ({"initiative": "gone"}, "there is no initiative 'gone'; known: chat, status, track"),
        ({"initiative": "status"}, "the initiative 'status' attacks outage_fault, not where_is_it"),
        ({"period": "2026-10"}, "--period 2026-10: only figures of a closed month are final"),
        ({"period": "October"}, "--period October: this is no month"),
        ({"reason": "hunger"}, "there is no reason 'hunger' in 2026-09 or its baseline; there are: where_is_it, "),
    ],
)
def test_what_cannot_be_confirmed_is_refused_in_a_sentence(
    running: App, changed: dict[str, Any], sentence: str
) -> None:
    wanted = {"period": "2026-09", "reason": "where_is_it", **TRACK, **changed}

    with pytest.raises(InputError, match=sentence):
        savings.confirm(running.parts, **wanted)
    assert rows(running, ConfirmedSaving) == []


def test_a_saving_is_confirmed_once_and_another_figure_needs_a_withdrawal(running: App) -> None:
    savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK)

    again = savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK)
    assert again == "2026-09 where_is_it: £508.46 was confirmed before, on 2026-10-09 by Finance."
    with pytest.raises(InputError, match=r"is confirmed already with £508\.46 for track; withdraw that first"):
        savings.confirm(running.parts, "2026-09", "where_is_it", **TRACK, amount_minor=40000)
    with pytest.raises(InputError, match="say with --why"):
        savings.withdraw(running.parts, "2026-09", "where_is_it", by="Finance", why=" ")
    savings.withdraw(running.parts, "2026-09", "where_is_it", by="Finance", why="wrong class")
    assert balance(running, SAVINGS_UNFUNDED) == 0
    with pytest.raises(InputError, match="no saving of 'where_is_it' stands confirmed for 2026-09"):
        savings.withdraw(running.parts, "2026-09", "where_is_it", by="Finance", why="wrong class")

    savings.confirm(running.parts, "2026-09", "where_is_it", **{**TRACK, "saving_class": "capacity"})

    assert balance(running, SAVINGS_UNFUNDED) == 50846
    assert [(one.number, one.withdrawn_why) for one in rows(running, ConfirmedSaving)] == [(1, "wrong class"), (2, "")]
