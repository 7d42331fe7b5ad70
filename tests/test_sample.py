"""The shipped sample is what it says it is: made up, varied, hostile where it must be, and readable by the product."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings, load
from bot.domain import Author, Customer, Mention, Tag, Tagging
from bot.router import decide
from connectors.replay import Replay

SAMPLE = Path(__file__).parent.parent / "bot" / "sample"
TAXONOMY = SAMPLE.parent / "ledger" / "starter_taxonomy.toml"
KEYS = {
    "id", "text", "platform", "author", "author_name", "followers", "created_at", "url", "thread", "in_reply_to",
    "language", "private",
}  # fmt: skip
HANDLE = re.compile(r"sample_[a-z0-9_]+\Z")

# One mention for each reason of the starter taxonomy, by words that stand in it.
REASON_WORDS = {
    "where_is_it": "wheres my stuff",
    "delay_cancel": "missed my connection because of you",
    "outage_fault": "status page says all green, my phone says no service",
    "product_defect": "came with no lid",
    "billing_error": "charged me twice for one duvet",
    "return_refund": "a voucher when I asked for money",
    "service_failure": "40 minutes on hold",
    "policy_price": "in-contract price rise AGAIN",
    "account_access": "forgot my username",
    "how_to": "how do i turn off voicemail",
    "change_order": "swap the running jacket from M to L",
    "identity_check": "why do you need my passport",
    "leave_cancel": "how do I close my account",
    "buy_interest": "trade prices",
    "feature_request": "dark mode. please",
    "praise": "Big thank you to the lad",
}

HOSTILE = [
    "<script>",
    "<img src=x onerror=",
    "</textarea><iframe",
    "<!channel> <!here>",
    "<@U123>",
    "<https://evil.example|",
    "=HYPERLINK(",
    "+1+cmd|",
    "'); DROP TABLE",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "*bold* _claims_ ~struck~ `code`",
    "&lt;b&gt;",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\N{ZERO WIDTH SPACE}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\x00",
    "\x1b[31m",
    "\x07",
]


@pytest.fixture(scope="module")
def mentions() -> list[dict[str, Any]]:
    with (SAMPLE / "mentions.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def demo() -> Settings:
    return load(SAMPLE / "demo.toml")


def test_there_are_at_least_three_hundred_and_thirty_mentions_each_with_its_own_id(
    mentions: list[dict[str, Any]],
) -> None:
    ids = [mention["id"] for mention in mentions]

    assert len(ids) >= 330
    assert ids == [f"sample-{number:04d}" for number in range(1, len(ids) + 1)]


def test_they_come_oldest_first_over_eight_days(mentions: list[dict[str, Any]]) -> None:
    times = [datetime.fromisoformat(mention["created_at"]) for mention in mentions]

    assert times == sorted(times)
    assert times[-1] == datetime(2026, 11, 20, 18, tzinfo=UTC)
    assert timedelta(days=7, hours=20) < times[-1] - times[0] <= timedelta(days=8)


def test_every_line_says_that_it_is_made_up(mentions: list[dict[str, Any]]) -> None:
    addresses = Counter(mention["url"].rsplit("/", 1)[0] for mention in mentions)

    assert addresses == {"https://sample.example/post": len(mentions) - 1, "javascript:alert(document.domain)": 1}
    assert all(HANDLE.match(mention["author"]) for mention in mentions)
    assert "made up" in (SAMPLE / "README.md").read_text(encoding="utf-8").splitlines()[0]


def test_no_line_holds_a_number_long_enough_to_be_a_phone_or_a_card(mentions: list[dict[str, Any]]) -> None:
    found = [mention["id"] for mention in mentions if re.search(r"\d(?:[ -]?\d){6,}", mention["text"])]

    assert found == []


def test_only_documented_keys_are_used_and_each_at_least_once(mentions: list[dict[str, Any]]) -> None:
    used = {key for mention in mentions for key in mention}

    assert used == KEYS


def test_the_replay_connector_reads_every_line(mentions: list[dict[str, Any]], demo: Settings) -> None:
    options = {**demo.channels[0].options, "path": SAMPLE / demo.channels[0].options["path"]}
    connector = Replay(Replay.Options.model_validate(options), {})

    pages = list(_pages(connector))

    assert [mention.external_id for page in pages for mention in page] == [mention["id"] for mention in mentions]


def _pages(connector: Replay) -> Iterator[tuple[Mention, ...]]:
    cursor, more = None, True
    while more:
        page = connector.poll(cursor)
        assert page.skipped == ()
        yield page.mentions
        cursor, more = page.cursor, page.more


@pytest.mark.parametrize("business", ["shop", "air", "mobile", "bank", "app"])
def test_every_business_of_the_family_is_written_to(mentions: list[dict[str, Any]], business: str) -> None:
    assert sum(f"@quillmere_{business}" in mention["text"] for mention in mentions) >= 35


def test_twelve_languages_beside_english_make_up_about_an_eighth(mentions: list[dict[str, Any]]) -> None:
    languages = Counter(mention.get("language", "en") for mention in mentions)
    english = languages.pop("en")

    assert set(languages) == {"ar", "de", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "tr", "zh"}
    assert min(languages.values()) >= 3
    assert 0.10 < 1 - english / len(mentions) < 0.15


def test_every_reason_of_the_taxonomy_has_a_mention(mentions: list[dict[str, Any]]) -> None:
    taxonomy = tomllib.loads(TAXONOMY.read_text(encoding="utf-8"))
    texts = "\n".join(mention["text"] for mention in mentions)

    missing = [reason for reason, words in REASON_WORDS.items() if words not in texts]

    assert set(REASON_WORDS) == {reason["id"] for reason in taxonomy["reason"]}
    assert missing == []


@pytest.mark.parametrize("markup", HOSTILE)
def test_hostile_markup_is_there(mentions: list[dict[str, Any]], markup: str) -> None:
    assert any(markup in mention["text"] for mention in mentions)


def test_one_text_carries_two_hundred_combining_marks(mentions: list[dict[str, Any]]) -> None:
    assert max(len(re.findall(r"[\u0300-\u036f]", mention["text"])) for mention in mentions) == 200


def test_texts_run_from_a_single_letter_to_a_long_mail(mentions: list[dict[str, Any]]) -> None:
    lengths = [len(mention["text"]) for mention in mentions]

    assert min(lengths) <= 3
    assert sum(length <= 20 for length in lengths) >= 10
    assert max(lengths) >= 3000


def test_an_outage_brings_more_than_thirty_mentions_in_an_hour(mentions: list[dict[str, Any]]) -> None:
    evening = [mention for mention in mentions if "2026-11-18T19:04" <= mention["created_at"] < "2026-11-18T20:04"]

    assert len(evening) >= 30
    assert len({mention["author"] for mention in evening}) >= 30


def test_some_are_private_and_some_authors_have_many_followers(mentions: list[dict[str, Any]]) -> None:
    private = {mention["author"] for mention in mentions if mention.get("private")}
    famous = {mention["author"] for mention in mentions if mention.get("followers", 0) >= 20_000}

    assert len(private) >= 4
    assert len(famous) >= 8


def test_replies_point_at_an_earlier_mention_or_at_an_agent(mentions: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for mention in mentions:
        target = mention.get("in_reply_to", "")
        assert not target or target in seen or target.startswith("sample-agent-"), mention["id"]
        seen.add(mention["id"])


def test_no_two_texts_are_alike_but_reposts_of_ones_own_and_retweets(mentions: list[dict[str, Any]]) -> None:
    alike = [(first, second) for first, second in combinations(mentions, 2) if _are_alike(first, second)]

    strange = [
        (first["id"], second["id"])
        for first, second in alike
        if first["author"] != second["author"] and not second["text"].startswith(f"RT @{first['author']}: ")
    ]
    assert strange == []
    assert len(alike) == 6


def _are_alike(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """More than 80 % alike by difflib, which only looks at texts that share a third of their words."""
    one, other = first["text"].casefold(), second["text"].casefold()
    words, others = set(one.split()), set(other.split())
    if len(words & others) * 3 < len(words | others):
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() > 0.8


def test_every_queue_of_the_demo_has_a_route_and_every_route_a_known_reason(demo: Settings) -> None:
    taxonomy = tomllib.loads(TAXONOMY.read_text(encoding="utf-8"))
    reasons = {reason["id"] for reason in taxonomy["reason"]}

    assert {rule.queue for rule in demo.routes} == {queue.name for queue in demo.queues}
    assert {reason for rule in demo.routes for reason in rule.reason} == reasons
    assert demo.slack is None


@pytest.mark.parametrize(
    ("contact", "queue", "why"),
    [
        # A word of the text beats the reason.
        (
            ("Is this a scam?", 10, Tag.REQUEST, "how_to", "en"),
            "care-billing",
            "rule 'fraud first': tag is request and it says 'scam'",
        ),
        # A large audience beats the reason, with both figures named.
        (
            ("late", 61_200, Tag.COMPLAINT, "where_is_it", "en"),
            "vip-desk",
            "rule 'many will read the answer': followers 61,200 ≥ 20,000 and tag is complaint",
        ),
        # Praise needs no translator, a complaint does.
        (
            ("Danke!", 10, Tag.PRAISE, "praise", "de"),
            "thanks",
            "rule 'plain thanks': tag is praise and reason is praise",
        ),
        (
            ("Wann?", 10, Tag.COMPLAINT, "where_is_it", "de"),
            "triage",
            "rule 'needs another language': language is de",
        ),
        # The everyday case: the reason decides.
        (
            ("where is it", 10, Tag.COMPLAINT, "where_is_it", "en"),
            "care-delivery",
            "rule 'late, lost or cancelled': reason is where_is_it",
        ),
        # Nothing matched: the catch-all.
        (("hm", 10, Tag.REQUEST, "unclassified", "en"), "triage", "no earlier rule matched"),
    ],
)
def test_the_routes_of_the_demo_say_why(
    demo: Settings, contact: tuple[str, int, Tag, str, str], queue: str, why: str
) -> None:
    text, followers, tag, reason, language = contact
    mention = Mention("x", "1", Author("a", followers=followers), text, datetime(2026, 11, 20, tzinfo=UTC))
    tagging = Tagging({tag: 0.9}, (tag,), tag, 0.9, reason, 0.9, language, "model-1")

    route = decide(mention, tagging, Customer(), demo.routes)

    assert (route.queue, route.why) == (queue, why)
