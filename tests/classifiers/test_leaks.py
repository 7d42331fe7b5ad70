"""Near copies of measured texts are recognised, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.learning.leaks import Measured

WORDS = st.sets(st.sampled_from("abcdefghij"), min_size=1)


def test_a_measured_text_is_found() -> None:
    assert Measured(["my parcel is late"]).has("my parcel is late")


def test_a_retweet_with_a_word_more_is_found() -> None:
    assert Measured(["google to launch a new social network"]).has("rt google to launch a new social network")


def test_a_text_with_half_of_the_words_is_another_one() -> None:
    assert not Measured(["my parcel is late again"]).has("my train is late")


def test_two_thirds_of_all_words_are_near_and_less_is_not() -> None:
    measured = Measured(["a b c d"])

    # 4 of 6 words are in both; then 4 of 7.
    assert (measured.has("a b c d e f"), measured.has("a b c d e f g")) == (True, False)


@given(st.lists(WORDS, max_size=6), WORDS)
def test_the_index_finds_what_comparing_all_with_all_finds(measured: list[set[str]], probe: set[str]) -> None:
    near = any(3 * len(probe & other) >= 2 * len(probe | other) for other in measured)

    assert Measured(" ".join(sorted(other)) for other in measured).has(" ".join(sorted(probe))) == near
