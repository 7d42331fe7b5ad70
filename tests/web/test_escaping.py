"""Promise 10: text of a mention is shown as text; mark-up in it does nothing in HTML."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain import Author, Tag
from tests.web.house import House, Visitor

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></p></main><h1>ours?</h1>",
    "<!channel> <@U123> <https://example.org|click here>",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; stays as it was written",
    "start \u202e reversed \u2066 isolated \x00 nul",
]
PAGES = ["/", "/fragment", "/queue/deliveries", "/review", "/case/1"]


def test_markup_in_a_mention_is_shown_as_text_on_every_page(new_house: Callable[[], House]) -> None:
    plain, hostile = new_house(), new_house()

    for text in HOSTILE:
        plain.hear(f"harmless {len(text)}", confidence=0.5, review="unsure")
        hostile.hear(text, confidence=0.5, review="unsure")

    for path in PAGES:
        page = hostile.visitor().open(path)
        assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.visitor().open(path).tags]
    for number, text in enumerate(HOSTILE, start=1):
        assert _as_stored(text) in hostile.visitor().open(f"/case/{number}").text
        assert _as_stored(text) in hostile.visitor().open("/").text


def _as_stored(text: str) -> str:
    return " ".join(text.replace("\x00", "\N{REPLACEMENT CHARACTER}").split())


def test_a_name_a_handle_and_a_reviewers_note_are_text_too(new_house: Callable[[], House]) -> None:
    plain, hostile = new_house(), new_house()

    plain.hear("text", author=Author("x", "@x", "Ex"), review="unsure")
    hostile.hear("text", author=Author("x", "<i>@x</i>", "<b>Ex</b>"), review="<u>unsure</u>")

    for path in PAGES:
        page = hostile.visitor().open(path)
        assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.visitor().open(path).tags]
        assert "<b>Ex</b>" in page.text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/post/1", True),
        ("http://example.org/post/1", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("//example.org", False),
        ("https://", False),  # no host
        ("https://[", False),  # no address at all
        ("", False),
    ],
)
def test_only_a_web_address_becomes_a_link_to_the_post(house: House, ada: Visitor, url: str, shown: bool) -> None:
    house.hear("text", url=url)

    links = [values for tag, values in ada.open("/case/1").tags if tag == "a" and values.get("target")]

    assert [link["href"] for link in links] == ([url] if shown else [])
    assert all(link["rel"] == "noopener noreferrer nofollow" for link in links)


def test_text_stands_in_an_element_that_keeps_its_direction_to_itself(house: House, ada: Visitor) -> None:
    house.hear("\u202eturned", author=Author("x", "@x", "\u202eMallory"), tags=(Tag.REQUEST,))

    html = ada.client.get("/case/1").text

    assert "<bdi>\u202eMallory</bdi>" in html
    assert 'class="mention-text" dir="auto">\u202eturned</p>' in html


def test_a_long_text_is_whole_on_its_page_and_short_on_the_board(house: House, ada: Visitor) -> None:
    text = "word " * 2000 + "end"

    house.hear(text)

    assert "end" in ada.open("/case/1").text
    assert "end" not in ada.open("/").text
    assert ada.open("/").text.count("word") < 100
