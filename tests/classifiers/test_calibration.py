from __future__ import annotations

import pytest

from bot.domain import Tag
from classifiers.calibration import Scale, decide, logistic, logit

HALF = dict.fromkeys(Tag, 0.5)
AS_IT_IS = Scale(1.0, 0.0)


@pytest.mark.parametrize(
    ("complaint", "praise", "asking", "tags", "confidence"),
    [
        (0.9, 0.1, 0.1, (Tag.COMPLAINT,), 0.9),
        # A complaint that asks for something is first of all a complaint.
        (0.8, 0.1, 0.9, (Tag.COMPLAINT, Tag.REQUEST), 0.8),
        # A request is primary only if it is no complaint: 0.6 · 0.7.
        (0.4, 0.1, 0.7, (Tag.REQUEST,), 0.42),
        # Praise comes last: 0.9 · 0.8 · 0.9.
        (0.1, 0.9, 0.2, (Tag.PRAISE,), 0.648),
        # None of them: 0.9 · 0.9 · 0.9.
        (0.1, 0.1, 0.1, (), 0.729),
    ],
)
def test_the_first_tag_by_precedence_is_primary(
    complaint: float, praise: float, asking: float, tags: tuple[Tag, ...], confidence: float
) -> None:
    scores = {Tag.COMPLAINT: complaint, Tag.PRAISE: praise, Tag.REQUEST: asking}

    decision = decide(scores, HALF, AS_IT_IS)

    assert decision.tags == tags
    assert decision.primary is (tags[0] if tags else None)
    assert decision.confidence == pytest.approx(confidence)


def test_a_threshold_belongs_to_its_tag() -> None:
    scores = dict.fromkeys(Tag, 0.5)

    decision = decide(scores, {Tag.COMPLAINT: 0.6, Tag.PRAISE: 0.5, Tag.REQUEST: 0.4}, AS_IT_IS)

    assert decision.tags == (Tag.REQUEST, Tag.PRAISE)


def test_a_scale_moves_a_logit_before_it_becomes_a_probability() -> None:
    assert Scale(2.0, -1.0)(0.5) == 0.5
    assert Scale(2.0, -1.0)(1.0) == pytest.approx(0.731, abs=0.001)


def test_extreme_logits_stay_probabilities() -> None:
    assert 0.0 < logistic(-1e9) < 1e-15
    assert logistic(1e9) == pytest.approx(1.0)
    assert logit(0.0) == pytest.approx(-13.8, abs=0.1)
    assert logit(1.0) == pytest.approx(13.8, abs=0.1)
