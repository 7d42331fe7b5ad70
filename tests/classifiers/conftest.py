"""The shipped tagger, loaded once for all tests, with a small taxonomy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from classifiers import SHIPPED, Options
from classifiers.onnx import OnnxTagger

REASONS: Mapping[str, Sequence[str]] = {
    "where_is_it": ("where is my order", "still not arrived", "tracking has not moved"),
    "billing_error": ("charged twice", "the bill is wrong", "what is this fee"),
    "account_access": ("can't log in", "reset my password", "locked out of my account"),
    "praise": ("thank you", "great service", "love this"),
}


@pytest.fixture(scope="session")
def reasons() -> Mapping[str, Sequence[str]]:
    return REASONS


@pytest.fixture(scope="session")
def tagger() -> OnnxTagger:
    return OnnxTagger(SHIPPED, Options(REASONS, review_below=0.7, reason_min_confidence=0.0))
