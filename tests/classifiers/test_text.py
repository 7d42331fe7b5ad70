from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text import clean, normalised


@pytest.mark.parametrize(
    ("text", "read"),
    [
        # Whom a mention addresses says nothing about its tag.
        ("@acme_help why is my bag lost?", "@user why is my bag lost?"),
        ("see https://t.co/aB3 and www.example.com", "see http and http"),
        ("write to jo.doe@example.com", "write to mail"),
        # Entities come from platforms that escape what they deliver.
        ("Fish &amp; chips &lt;3", "Fish & chips <3"),
        ("#CustomerServiceFail", "# Customer Service Fail"),
        ("#so_bad", "# so bad"),
        # The length of a cry is no news after three letters, and a number is never shortened.
        ("sooooooo baaaaad!!!!!!", "sooo baaad!!!"),
        ("order 1000000", "order 1000000"),
        # Emoji are words, once a run, in any skin.
        ("great 👍🏽👍🏽", "great thumbs up"),
        ("😡😡😡", "pouting"),
        ("I ❤️ it", "I heart it"),
        # Nothing is left of what nobody sees.
        ("a\u200bb\ud800c\x00d", "abc d"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("", ""),
        ("Größe 靴 обувь", "Größe 靴 обувь"),
    ],
)
def test_a_text_is_cleaned_for_the_encoder(text: str, read: str) -> None:
    assert clean(text) == read


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_cleaned_and_then_written(text: str) -> None:
    cleaned = clean(text)

    cleaned.encode("utf-8")
    assert cleaned == cleaned.strip()
    assert all(character.isprintable() for character in cleaned)


def test_a_long_text_of_one_kind_is_cleaned_in_reasonable_time() -> None:
    for hostile in ("@" * 20_000, "a." * 10_000, "#" * 20_000, "&" * 20_000, "a@" * 10_000, "http" * 5_000):
        assert clean(hostile)


def test_copies_of_a_tweet_are_the_same_once_normalised() -> None:
    original = "@acme Why is my bag LOST?! https://t.co/aB3"

    assert normalised(original) == "why is my bag lost"
    assert normalised("@other why is my bag -- lost https://t.co/zzz") == normalised(original)
    assert normalised("why is my bag late") != normalised(original)
