from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.likeness import essence, is_nearly

RANT = "My parcel is three days late and nobody at the shop answers the phone"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@shop Where is it?! 😡 https://shop.example/track?id=1", "where is it"),
        ("www.shop.example is DOWN…", "is down"),
        ("@care@mastodon.example STRASSE straße", "strasse strasse"),
        ("Bestellung 4711", "bestellung 4711"),
        ("मेरा बिल", "मेरा बिल"),
        ("!!! 😡😡", ""),
        ("", ""),
    ],
)
def test_the_essence_of_a_text_is_its_words(text: str, words: str) -> None:
    assert essence(text) == words


@pytest.mark.parametrize(
    "other",
    [
        RANT,
        RANT.upper() + "!!!",
        f"@shop {RANT} https://shop.example/1",
        RANT.replace("nobody", "noone"),
        RANT + " 😡😡😡",
    ],
)
def test_the_same_rant_with_other_trimmings_is_nearly_the_same(other: str) -> None:
    assert is_nearly(RANT, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RANT, "My parcel is here, thank you!"),
        (RANT, RANT[: len(RANT) // 2]),
        ("Thanks", "Tanks a lot"),
        # Texts without words are like nothing, not even like themselves.
        ("😡", "😡"),
        ("", ""),
    ],
)
def test_another_text_is_not_nearly_the_same(one: str, other: str) -> None:
    assert not is_nearly(one, other)


@given(one=st.text(alphabet="ab c", max_size=30), other=st.text(alphabet="ab c", max_size=30))
def test_it_does_not_matter_which_text_came_first(one: str, other: str) -> None:
    assert is_nearly(one, other) is is_nearly(other, one)


def test_of_a_huge_text_only_the_beginning_is_compared() -> None:
    assert len(essence("word " * 100_000)) == 600
