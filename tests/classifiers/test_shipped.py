"""The model that ships, itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import UNCLASSIFIED, Tag
from classifiers import SHIPPED, Options
from classifiers.answers import NOTHING_TO_READ
from classifiers.onnx import OnnxTagger

Reasons = Mapping[str, Sequence[str]]

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)
"""Control characters and lone surrogates among them."""


@pytest.mark.parametrize(
    ("text", "primary"),
    [
        ("This is the third time your app ate my payment. Absolutely useless.", Tag.COMPLAINT),
        ("@acme my parcel never arrived and nobody answers. Worst service ever!", Tag.COMPLAINT),
        ("Huge thanks to Maria in your Leeds shop, she was wonderful 😍", Tag.PRAISE),
        ("@acme I love the new app, great work!", Tag.PRAISE),
        ("How can I change the address on my account?", Tag.REQUEST),
        ("@acme can you send me the opening hours of your Bristol store please?", Tag.REQUEST),
        ("Acme opens a new office in Bristol next spring http://example.com/news", None),
        ("Meet me outside the Acme shop at six", None),
    ],
)
def test_plain_mentions_get_the_tag_a_person_would_give(tagger: OnnxTagger, text: str, primary: Tag | None) -> None:
    tagging = tagger.tag([text])[0]

    assert tagging.primary is primary
    assert tagging.tags[:1] == ((primary,) if primary else ())


@settings(max_examples=60)
@given(st.lists(ANY_TEXT, max_size=3))
def test_any_text_gives_a_tagging_and_never_an_error(tagger: OnnxTagger, reasons: Reasons, texts: list[str]) -> None:
    taggings = tagger.tag(texts)

    assert len(taggings) == len(texts)
    for tagging in taggings:
        assert all(0.0 <= value <= 1.0 for value in (*tagging.scores.values(), tagging.confidence))
        assert 0.0 <= tagging.reason_confidence <= 1.0
        assert (tagging.primary is None) == (tagging.tags == ())
        assert tagging.reason in {*reasons, UNCLASSIFIED}
        assert tagging.model == tagger.version


def test_no_texts_give_no_taggings(tagger: OnnxTagger) -> None:
    assert tagger.tag([]) == []


def test_a_text_is_tagged_the_same_whatever_it_comes_with(tagger: OnnxTagger) -> None:
    texts = ["Why was I charged twice?", "", "thanks!", "word " * 700, "😡😡😡", "My flight is late again"]

    alone = [tagger.tag([text])[0] for text in texts]

    assert tagger.tag(texts) == alone
    assert tagger.tag(texts[::-1]) == alone[::-1]


def test_threads_that_share_a_tagger_get_what_one_would(tagger: OnnxTagger) -> None:
    texts = [f"My order {number} has not arrived, where is it?" for number in range(12)]
    alone = tagger.tag(texts)

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(tagger.tag, [texts] * 4))

    assert together == [alone] * 4


def test_a_long_mail_is_read_to_its_end(tagger: OnnxTagger) -> None:
    # A beginning that complains of nothing: the ending has to be what makes it a complaint.
    greeting = "We live in a town by the sea, the market is on Saturday and the shops open at nine. " * 60
    ending = "You charged me twice, nobody answers, this is outrageous and I demand my money back!"

    without, with_ending = tagger.tag([greeting, greeting + ending])

    assert len(greeting) > 4_900
    assert without.primary is not Tag.COMPLAINT
    assert with_ending.primary is Tag.COMPLAINT
    assert with_ending.scores[Tag.COMPLAINT] > without.scores[Tag.COMPLAINT] + 0.1


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x07\u200b", "\ud83d"])
def test_a_text_without_words_is_left_to_a_person(tagger: OnnxTagger, text: str) -> None:
    tagging = tagger.tag([text])[0]

    assert (tagging.tags, tagging.confidence, tagging.reason) == ((), 0.0, UNCLASSIFIED)
    assert tagging.review == NOTHING_TO_READ


def test_a_language_the_model_was_not_measured_on_asks_for_a_person(tagger: OnnxTagger) -> None:
    tagging = tagger.tag(["Wo bleibt mein Paket? Seit zwei Wochen warte ich darauf und niemand antwortet."])[0]

    assert tagging.language == "de"
    assert tagging.review == "Its language (de) is not one the tagger was measured on."


def test_doubt_asks_for_a_person_and_says_how_much(reasons: Reasons) -> None:
    certain = OnnxTagger(SHIPPED, Options(reasons, review_below=0.0))
    doubtful = OnnxTagger(SHIPPED, Options(reasons, review_below=1.0))
    text = "My order has still not arrived, this is ridiculous."

    assert certain.tag([text])[0].review == ""
    assert doubtful.tag([text])[0].review.endswith("% sure that this is a complaint.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It has been three weeks and my parcel still isn't here. Awful.", "where_is_it"),
        ("You took the money from my card two times this month!", "billing_error"),
        ("I forgot my password, how do I get back in?", "account_access"),
    ],
)
def test_the_reason_is_the_one_whose_phrases_mean_the_same(tagger: OnnxTagger, text: str, reason: str) -> None:
    assert tagger.tag([text])[0].reason == reason


def test_a_reason_is_not_invented(tagger: OnnxTagger) -> None:
    tagging = tagger.tag(["The crew on the ferry laughed at my violin and I hated every minute."])[0]

    assert tagging.reason == UNCLASSIFIED


def test_a_reason_less_probable_than_asked_for_is_not_named(reasons: Reasons) -> None:
    strict = OnnxTagger(SHIPPED, Options(reasons, review_below=0.7, reason_min_confidence=0.999))

    assert strict.tag(["Where is my order? This is a disgrace."])[0].reason == UNCLASSIFIED


def test_without_a_taxonomy_there_are_no_reasons() -> None:
    bare = OnnxTagger(SHIPPED, Options({}, review_below=0.7))

    assert bare.tag(["Where is my order? This is a disgrace."])[0].reason == UNCLASSIFIED


def test_the_version_changes_with_whatever_changes_a_tagging(tagger: OnnxTagger, reasons: Reasons) -> None:
    same = OnnxTagger(SHIPPED, Options(reasons, review_below=0.7))
    others = [
        OnnxTagger(SHIPPED, Options({**reasons, "new": ("something else",)}, review_below=0.7)),
        OnnxTagger(SHIPPED, Options(reasons, review_below=0.6)),
        OnnxTagger(SHIPPED, Options(reasons, review_below=0.7, reason_min_confidence=0.9)),
    ]

    assert same.version == tagger.version
    assert len({tagger.version, *(other.version for other in others)}) == 4


def test_what_ships_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 24_000_000


def test_importing_the_taggers_loads_nothing_heavy() -> None:
    asked = (
        "import sys, classifiers; print(*sorted({'numpy', 'onnxruntime', 'transformers', 'torch'} & set(sys.modules)))"
    )

    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603  # our own words

    assert answer.stdout.strip() == ""


def test_making_a_tagger_loads_nothing_heavy() -> None:
    asked = (
        "import sys, classifiers; classifiers.load('shipped', reasons={}, review_below=0.7); "
        "print(*sorted({'numpy', 'onnxruntime', 'transformers', 'torch'} & set(sys.modules)))"
    )

    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603  # our own words

    assert answer.stdout.strip() == ""
