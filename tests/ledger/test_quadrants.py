"""Which quadrant and which departments a contact gets, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.config import LedgerRepeat, LedgerSettings
from bot.domain import Quadrant, RepeatKind, Tag
from bot.ledger.model import CostModel, cost_model
from bot.ledger.quadrants import ByHand, Cell, cell
from bot.ledger.taxonomy import Override, load_taxonomy

SEPTEMBER, AUGUST = date(2026, 9, 10), date(2026, 8, 10)
OVERRIDES = (
    Override(
        "r1",
        Quadrant.ASSET,
        (("risk", 10000),),
        reason=("identity_check",),
        phrase_any=("scam", "fraud", "not me"),
        valid_from=date(2026, 9, 1),
    ),
    Override(
        "r2",
        Quadrant.ASSET,
        (("service", 10000),),
        reason=("how_to",),
        segment=("vip",),
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 8, 31),
    ),
)


@pytest.fixture
def model() -> CostModel:
    return cost_model(LedgerSettings(), replace(load_taxonomy(), overrides=OVERRIDES))


AGAIN = {"repeat": RepeatKind.AFTER_RESOLVED}


@pytest.mark.parametrize(
    ("tag", "reason", "facts", "quadrant", "source"),
    [
        # The nine cases of the specification's vector 05.
        ("request", "identity_check", {"text": "is this text a scam?"}, "asset", "rule:r1"),
        ("complaint", "identity_check", {"text": "why do you need my passport again"}, "simplify", "reason"),
        ("request", "how_to", {"segment": "vip", "text": "how do I export"}, "automate", "reason"),
        ("request", "how_to", {"segment": "vip", "on": AUGUST}, "asset", "rule:r2"),
        ("request", "how_to", {"text": "again: how do I export", **AGAIN}, "liability", "repeat"),
        ("request", "feature_request", {"text": "dark mode please, asking again", **AGAIN}, "asset", "reason"),
        ("praise", None, {"text": "you are brilliant"}, "asset", "tag"),
        ("complaint", None, {"text": "argh"}, "liability", "tag"),
        ("complaint", "where_is_it", {"by_hand": ByHand(Quadrant.SIMPLIFY)}, "simplify", "manual"),
        # A person beats a rule, a rule beats a repeat.
        ("request", "identity_check", {"text": "scam", "by_hand": ByHand(Quadrant.LIABILITY)}, "liability", "manual"),
        ("request", "identity_check", {"text": "scam", **AGAIN}, "asset", "rule:r1"),
        # A rule with dates needs a date.
        ("request", "identity_check", {"text": "scam", "on": None}, "simplify", "reason"),
        ("request", "identity_check", {"text": "scam", "on": AUGUST}, "simplify", "reason"),
        # A reason that the taxonomy does not have is none.
        ("complaint", "gone from the file", {}, "liability", "tag"),
        ("complaint", "unclassified", {}, "unclassified", "reason"),
    ],
)  # fmt: skip
def test_the_first_step_that_applies_decides_the_quadrant(
    model: CostModel, tag: str, reason: str | None, facts: dict[str, Any], quadrant: str, source: str
) -> None:
    found = cell(model, tag=Tag(tag), reason=reason, **({"on": SEPTEMBER} | facts))

    assert (found.quadrant, found.quadrant_source) == (quadrant, source)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("this is a SCAM", True),
        ("I was scammed", True),  # one word also finds its longer forms
        ("it was not  me", True),
        ("I did not meet anyone", False),  # several words end at a word
        ("it's unfraudulent", False),  # a phrase begins at a word
    ],
)
def test_a_phrase_is_found_as_words(model: CostModel, text: str, *, matches: bool) -> None:
    found = cell(model, tag=Tag.REQUEST, reason="identity_check", text=text, on=SEPTEMBER)

    assert (found.quadrant_source == "rule:r1") is matches


@pytest.mark.parametrize(
    ("reason", "source", "account"),
    [
        (None, "tag", "Expenses:Contact:Unclassified"),
        ("unclassified", "reason", "Expenses:Contact:Unclassified"),
        ("where_is_it", "reason", "Expenses:Contact:Waste"),
        ("how_to", "reason", "Expenses:Contact:Automate"),
        ("leave_cancel", "reason", "Expenses:Contact:Simplify"),
        ("praise", "reason", "Expenses:Contact:Serve"),
    ],
)
def test_a_contact_without_a_reason_stays_in_suspense(
    model: CostModel, reason: str | None, source: str, account: str
) -> None:
    found = cell(model, tag=Tag.COMPLAINT, reason=reason)

    assert (found.quadrant_source, found.account) == (source, account)


@pytest.mark.parametrize(
    ("setting", "repeat", "owners"),
    [
        ("service", RepeatKind.AFTER_RESOLVED, (("service", 10000),)),
        ("owner", RepeatKind.AFTER_RESOLVED, (("logistics", 10000),)),
        ("split", RepeatKind.AFTER_RESOLVED, (("service", 5000), ("logistics", 5000))),
        ("service", RepeatKind.CHASE, (("logistics", 10000),)),  # the owner's work is still awaited
        ("service", RepeatKind.NONE, (("logistics", 10000),)),
    ],
)
def test_a_contact_that_came_back_is_charged_as_configured(
    setting: Any, repeat: RepeatKind, owners: tuple[tuple[str, int], ...]
) -> None:
    settings = LedgerSettings(repeat=LedgerRepeat(after_resolved_owner=setting))
    found = cell(cost_model(settings, load_taxonomy()), tag=Tag.COMPLAINT, reason="where_is_it", repeat=repeat)

    assert found.owners == owners


def test_a_person_may_set_quadrant_and_owners(model: CostModel) -> None:
    found = cell(
        model,
        tag=Tag.COMPLAINT,
        reason="where_is_it",
        by_hand=ByHand(Quadrant.SIMPLIFY, (("external", 10000),)),
    )

    assert found == Cell(Quadrant.SIMPLIFY, "manual", (("external", 10000),))
    assert found.department == "external"
