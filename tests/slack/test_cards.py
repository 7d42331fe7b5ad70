"""Cards: what an agent needs, within Slack's limits, whatever a stranger wrote. All sample text is ours."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.domain import CaseState, Judgement, Liveness, Priority, Quadrant, RepeatKind, Tag
from bot.ledger.recharges import OpenRecharge
from bot.slack import cards, home, modals
from bot.slack.text import escape, inert, line, plain, shorten
from bot.views import CaseMention, CaseView, QueueCounts, SampledTagging
from tests.servers.slack_blocks import live_parts, message_problems, view_problems, visible_text

NOW = datetime(2026, 3, 2, 13, 52, tzinfo=UTC)
NO_SHRINK = [Phase.explicit, Phase.reuse, Phase.generate]
"""Shrinking a text of thousands of characters takes longer than reading it."""
REASONS = [("where_is_it", "Where is it?"), ("billing_error", "Wrong charge")]


def mention(text: str = "where is my parcel", **changes: Any) -> CaseMention:
    made = CaseMention(
        1, text, NOW - timedelta(hours=1), "https://x.example/1", Liveness.ALIVE, (Tag.COMPLAINT, Tag.REQUEST), "en"
    )
    return replace(made, **changes)


def case(**changes: Any) -> CaseView:
    made = CaseView(
        id=7, state=CaseState.OPEN, queue="care", priority=Priority.NORMAL, tag=Tag.COMPLAINT, reason="where_is_it",
        confidence=0.93, needs_review=False, review="", department="logistics", quadrant=Quadrant.LIABILITY,
        why="rule 'late parcels': tag complaint", owner="", owner_name="", channel="x-care", platform="x",
        author_handle="cat", author_name="Cat Example", followers=12_400, opened_at=NOW, last_mention_at=NOW,
        due_at=NOW + timedelta(minutes=38), closed_at=None, closed_how="", repeat_kind=RepeatKind.NONE, repeat_of=None,
        mention_count=1, version=1, card_channel="CCARE", card_ts="1.000100", mentions=(mention(),),
    )  # fmt: skip
    return replace(made, **changes)


def shown(view: CaseView) -> str:
    return visible_text({"blocks": cards.card(view, now=NOW).blocks})


def labels(view: CaseView) -> list[str]:
    return [button["text"]["text"] for button in cards.card(view, now=NOW).blocks[-1]["elements"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "🔴 Complaint · where is it"),
        ({}, " · caused by logistics"),
        ({}, "Cat Example (@cat)"),
        ({}, " · 12,400 followers · x, x-care"),
        ({}, "due 2 Mar, 14:30 UTC, in 38 min"),
        ({}, "in care: rule 'late parcels': tag complaint"),
        ({}, "93 % sure"),
        ({"priority": Priority.URGENT}, "urgent"),
        ({"mention_count": 3}, "3 messages, latest shown"),
        ({"repeat_kind": RepeatKind.CHASE}, "↻ asks again while the first case is open"),
        ({"repeat_kind": RepeatKind.AFTER_RESOLVED}, "↻ back after it was resolved"),
        ({"needs_review": True, "review": "tags are close"}, "please review: tags are close"),
        ({"due_at": NOW - timedelta(hours=3)}, "overdue since 2 Mar, 10:52 UTC, 3 h"),
        ({"state": CaseState.CLAIMED, "owner": "slack:U1", "owner_name": "Ann"}, "✋ Ann has this"),
        ({"state": CaseState.RESOLVED, "owner_name": "Ann", "closed_at": NOW}, "✅ Resolved by Ann, 2 Mar, 13:52 UTC"),
        ({"state": CaseState.RESOLVED, "closed_how": "no_action", "closed_at": NOW}, "Closed without action"),
        ({"state": CaseState.DISMISSED, "owner_name": "Ann", "closed_at": NOW}, "Not for us, says Ann"),
        ({"author_name": "", "author_handle": ""}, "somebody"),
        ({"mentions": ()}, "[removed by author]"),
        ({"mentions": (mention(liveness=Liveness.DELETED),)}, "[removed by author]"),
    ],
)
def test_a_card_says(changes: dict[str, Any], words: str) -> None:
    assert words in shown(case(**changes))


def test_a_card_shows_the_latest_message() -> None:
    three = case(mentions=(mention("first"), mention("second"), mention("third")), mention_count=3)

    assert "third" in shown(three)
    assert "first" not in shown(three)


def test_a_deleted_post_is_neither_shown_nor_linked() -> None:
    view = case(mentions=(mention("take this back", liveness=Liveness.DELETED),))

    assert "take this back" not in str(cards.card(view, now=NOW))
    assert "Open post" not in labels(view)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CaseState.OPEN, ["Claim", "Resolve", "Not for us", "Retag", "Promise…", "Pass on…", "Open post"]),
        (CaseState.CLAIMED, ["Resolve", "Give back", "Not for us", "Retag", "Promise…", "Pass on…", "Open post"]),
        (CaseState.RESOLVED, ["Retag", "Pass on…", "Open post"]),
        (CaseState.DISMISSED, ["Open post"]),
    ],
)
def test_a_card_offers_what_can_be_done(state: CaseState, expected: list[str]) -> None:
    assert labels(case(state=state)) == expected


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "", "data:text/html,x", "slack://open", "https://" + "x" * 3000]
)
def test_only_web_addresses_are_linked(url: str) -> None:
    assert "Open post" not in labels(case(mentions=(mention(url=url),)))


ANY_TEXT = st.text(st.characters(), max_size=300) | st.sampled_from(
    ["<!channel>", "<@U123>", "<https://evil.example|bank>", "*b* _i_ ~s~ `c` ```x```", "> quote", "&amp;", "\u202egnp",
     "https://evil.example", "evil.example", "@here", ":tada:", "", " ", "\n" * 50, "é" * 5000,
     "👨‍👩‍👧" * 2000, "\u200d" * 100, "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢" * 200, "\ud800", "\x00\x1b[31m", "a\u2028b", "\U0001f1ec\U0001f1e7" * 1000]
)  # fmt: skip


@settings(max_examples=60, deadline=None, phases=NO_SHRINK)
@given(texts=st.lists(ANY_TEXT, min_size=7, max_size=7), state=st.sampled_from(CaseState), followers=st.integers(0))
def test_whatever_a_stranger_wrote_the_card_is_accepted_by_slack_and_nothing_in_it_is_live(
    texts: list[str], state: CaseState, followers: int
) -> None:
    text, name, handle, why, review, reason, owner = texts
    view = case(
        mentions=(mention(text),), author_name=name, author_handle=handle, why=why, review=review, needs_review=True,
        reason=reason, department=reason, owner=owner, owner_name=owner, state=state, followers=followers,
        channel=handle[:50], mention_count=10**6, repeat_kind=RepeatKind.CHASE, closed_at=NOW,
    )  # fmt: skip

    rendered = cards.card(view, now=NOW)
    form = modals.retag_form(view, REASONS)
    page = home.home(home.Overview([view], [QueueCounts(name, 1, 1, 1)], [view]), _no_link, now=NOW)

    assert message_problems(rendered.blocks) == []
    assert live_parts({"text": rendered.text, "blocks": rendered.blocks}) == []
    assert 0 < len(rendered.text) < 4_000
    assert len(json.dumps(rendered.blocks)) < 10_000
    assert view_problems(form) == []
    assert view_problems(page) == []
    assert live_parts(form) == live_parts(page) == []


def _no_link(_channel: str, _ts: str) -> str:
    return ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),  # bidi overrides, zero-width space, byte order mark
        ("tag\U000e0041\U000e007f", "tag"),  # tag characters can hide a whole text
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",) * 2,  # Persian needs its non-joiner
        ("👩\u200d🚀", "👩\u200d🚀"),  # an emoji needs its joiner
        ("a \u200d\u200d\u200d b", "a  b"),  # and a lone one is nothing
        ("one\r\ntwo\u2028three\n\n\n\n\nfour", "one\ntwo\nthree\n\nfour"),
        ("bell\x07 escape\x1b[0m", "bell escape[0m"),
        ("\u0627\u0644\u0633\u0644\u0627\u0645", "\u0627\u0644\u0633\u0644\u0627\u0645"),
    ],
)
def test_invisible_controls_go_and_what_scripts_need_stays(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 10, "short"),
        ("exactly 10", 10, "exactly 10"),
        ("more than ten", 10, "more than…"),
        ("cafe\u0301 au lait", 6, "cafe\u0301…"),  # the accent stays with its letter
        ("ab👨‍👩‍👧cd", 6, "ab…"),  # a family is one character
        ("🇬🇧🇫🇷🇩🇪", 5, "🇬🇧🇫🇷…"),
    ],
)
def test_text_is_cut_between_what_a_reader_sees_as_characters(text: str, most: int, expected: str) -> None:
    assert shorten(text, most) == expected


def test_long_text_is_cut_by_lines_and_by_its_size_as_json_too() -> None:
    assert shorten("a\n" * 30, 1000).count("\n") == 19
    assert len(json.dumps(shorten("😀" * 1000, 1000, bytes_max=600))) <= 600 + 8


@given(text=st.text(st.characters(exclude_categories=["Cs"])), most=st.integers(2, 50))
def test_a_cut_text_is_never_longer_than_asked(text: str, most: int) -> None:
    assert len(shorten(text, most)) <= most
    assert "\n" not in line(text, most)
    assert not [c for c in plain(text) if unicodedata.category(c) == "Cc" and c not in "\n\t"]


def test_our_own_words_are_escaped_and_a_strangers_are_made_inert() -> None:
    assert escape("Ann & <Ben>") == "Ann &amp; &lt;Ben&gt;"
    assert live_parts({"text": inert("<!channel> *b* _i_ ~s~ `c` https://evil.example evil.example snake_case")}) == []
    assert "snake_case" in inert("snake_case")


def test_a_note_names_who_did_what() -> None:
    assert cards.note({"event": "claimed", "actor": "Ann"}) == "Ann claimed this."
    assert cards.note({"event": "something new", "actor": "Ann"}) == "Ann changed this."
    assert cards.note({}) == "Somebody changed this."
    assert live_parts({"text": cards.note({"event": "resolved", "actor": "<!here> *x*"})}) == []


def test_the_retag_form_starts_from_what_is_known_and_offers_every_tag_and_reason() -> None:
    form = modals.retag_form(case(reason="nothing we know"), REASONS)

    inputs = {block["block_id"]: block["element"] for block in form["blocks"][1:]}
    assert [option["value"] for option in inputs["tags"]["options"]] == ["complaint", "praise", "request"]
    assert [option["value"] for option in inputs["tags"]["initial_options"]] == ["complaint", "request"]
    assert inputs["primary"]["initial_option"]["value"] == "complaint"
    assert "initial_option" not in inputs["reason"]
    assert [option["text"]["text"] for option in inputs["reason"]["options"]] == ["Where is it?", "Wrong charge"]


def test_the_fullest_home_stays_within_slacks_limits() -> None:
    said = Judgement(tuple(Tag), Tag.COMPLAINT, "where_is_it")
    drawn = SampledTagging(1, NOW.date(), 1, "\N{SLIGHTLY SMILING FACE}" * 9_000, "x-care", NOW, said)
    counts = [QueueCounts("care", 1, 1, 1)] * 99
    review = [case(review="two tags are close")] * 99
    asked = OpenRecharge(
        period="2026-09",
        dept="billing",
        number=1,
        is_disputed=True,
        proposed_minor=150_000,
        currency="GBP",
        answer_due=NOW.date(),
        is_overdue=True,
        why="not us" * 99,
    )
    many = home.Overview([case()] * 99, counts, review, [case()] * 99, [asked] * 99, [drawn] * 99, 99)

    page = home.home(many, lambda _channel, _ts: "https://example.slack.com/x", now=NOW, notice="Thank you: right.")

    assert view_problems(page) == []


def test_home_counts_what_it_does_not_show() -> None:
    page = visible_text(home.home(home.Overview([case()] * 42), _no_link, now=NOW))

    assert "Your cases (42)" in page
    assert "… and 12 more" in page
