from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import RouteRule
from bot.domain import Author, Customer, Mention, Priority, Route, Tag, Tagging
from bot.errors import ConfigError
from bot.router import decide, may_be_urgent

MENTION = Mention(
    platform="x",
    external_id="1",
    author=Author("a1", handle="sam", followers=12_000),
    text="Still no parcel. I want a refund!",
    posted_at=datetime(2026, 9, 1, 9, 0, tzinfo=UTC),
    channel="shop-mentions",
    language="fr",
)
TAGGING = Tagging(
    scores={Tag.COMPLAINT: 0.91, Tag.REQUEST: 0.62, Tag.PRAISE: 0.01},
    tags=(Tag.COMPLAINT, Tag.REQUEST),
    primary=Tag.COMPLAINT,
    confidence=0.91,
    reason="where_is_it",
    reason_confidence=0.8,
    language="en",
    model="test",
)
CATCH_ALL = RouteRule(queue="care")


def decided(
    rule: RouteRule, mention: Mention = MENTION, tagging: Tagging = TAGGING, customer: Customer | None = None
) -> Route:
    return decide(mention, tagging, customer or Customer(), [rule, CATCH_ALL])


def saying(text: str) -> Mention:
    return replace(MENTION, text=text)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (RouteRule(queue="q", tag=(Tag.COMPLAINT,)), "route 1: tag is complaint"),
        # Any of the mention's tags counts, not only the primary one.
        (RouteRule(queue="q", tag=(Tag.PRAISE, Tag.REQUEST)), "route 1: tag is request"),
        (RouteRule(queue="q", reason=("billing_error", "where_is_it")), "route 1: reason is where_is_it"),
        (RouteRule(queue="q", channel=("shop-mentions",)), "route 1: channel is shop-mentions"),
        (RouteRule(queue="q", platform=("x",)), "route 1: platform is x"),
        (RouteRule(queue="q", language=("EN",)), "route 1: language is EN"),
        (RouteRule(queue="q", segment=("Gold",)), "route 1: segment is Gold"),
        (RouteRule(queue="q", phrase=("REFUND",)), "route 1: it says 'REFUND'"),
        (RouteRule(queue="q", followers_min=12_000), "route 1: followers 12,000 ≥ 12,000"),
        (RouteRule(queue="q", confidence_min=0.91), "route 1: confidence 0.91 ≥ 0.91"),
        (RouteRule(queue="q", confidence_below=0.95), "route 1: confidence 0.91 < 0.95"),
        (
            RouteRule(queue="q", name="vip", tag=(Tag.COMPLAINT,), followers_min=5_000),
            "rule 'vip': followers 12,000 ≥ 5,000 and tag is complaint",
        ),
    ],
)
def test_the_route_says_in_words_what_matched(rule: RouteRule, why: str) -> None:
    route = decided(rule, customer=Customer(segment="gold"))

    assert (route.queue, route.why) == ("q", why)


@pytest.mark.parametrize(
    "rule",
    [
        RouteRule(queue="q", tag=(Tag.PRAISE,)),
        RouteRule(queue="q", reason=("billing_error",)),
        RouteRule(queue="q", channel=("shop",)),
        RouteRule(queue="q", platform=("mastodon",)),
        RouteRule(queue="q", language=("fr",)),  # the platform says so, but the tagger knows better
        RouteRule(queue="q", segment=("gold",)),  # an unknown customer has no segment
        RouteRule(queue="q", phrase=("voucher",)),
        RouteRule(queue="q", followers_min=12_001),
        RouteRule(queue="q", confidence_min=0.92),
        RouteRule(queue="q", confidence_below=0.91),
        RouteRule(queue="q", tag=(Tag.COMPLAINT,), platform=("mastodon",)),  # all conditions must hold
    ],
)
def test_a_rule_whose_conditions_do_not_all_hold_is_passed_over(rule: RouteRule) -> None:
    route = decided(rule)

    assert route == Route(queue="care", priority=Priority.NORMAL, rule="route 2", why="no earlier rule matched")


def test_the_first_rule_that_matches_wins() -> None:
    first = RouteRule(queue="first", name="early", tag=(Tag.COMPLAINT,), priority=Priority.URGENT)
    second = RouteRule(queue="second", tag=(Tag.COMPLAINT,))

    route = decide(MENTION, TAGGING, Customer(), (first, second, CATCH_ALL))

    assert route == Route("first", Priority.URGENT, "early", "rule 'early': tag is complaint")


def test_rules_that_all_fail_are_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="no route matches; add a last one with only a queue"):
        decide(MENTION, TAGGING, Customer(), [RouteRule(queue="q", tag=(Tag.PRAISE,))])


def test_an_author_with_unknown_followers_has_not_enough() -> None:
    unknown = replace(MENTION, author=Author("a1"))

    assert decided(RouteRule(queue="q", followers_min=0), unknown).queue == "care"


@pytest.mark.parametrize(
    ("told", "of_platform", "wanted", "queue"),
    [
        ("de", "", "de", "q"),
        ("und", "de", "de", "q"),  # the tagger cannot tell, the platform does
        ("", "de-AT", "de", "q"),  # a regional form is the language
        ("de", "", "de-at", "care"),  # but not the other way round
        ("den", "", "de", "care"),  # Slavey is not German
        ("und", "", "de", "care"),
    ],
)
def test_the_language_is_the_taggers_or_else_the_platforms(
    told: str, of_platform: str, wanted: str, queue: str
) -> None:
    route = decided(
        RouteRule(queue="q", language=(wanted,)),
        replace(MENTION, language=of_platform),
        replace(TAGGING, language=told),
    )

    assert route.queue == queue


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("I want a REFUND.", "refund"),
        ("refund", "refund"),
        ("#refund now", "refund"),
        ("money\n back, please", "money back"),  # any white space between the words
        ("You don\N{RIGHT SINGLE QUOTATION MARK}t answer", "don't answer"),
        ("Die STRASSE ist gesperrt", "straße"),  # case folding, not lower case
        ("le cafe\N{COMBINING ACUTE ACCENT} est froid", "café"),
        ("C++ is broken", "c++"),
        ("İADE istiyorum", "iade"),
        ("bad\N{PILE OF POO}service", "service"),
        ("\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16} you", "\N{HEAVY BLACK HEART}"),
        ("返金してください", "返金"),  # Japanese puts no space between words
        ("मेरा बिल गलत है", "बिल"),
    ],
)
def test_a_phrase_matches_as_whole_words_in_any_script(text: str, phrase: str) -> None:
    assert decided(RouteRule(queue="q", phrase=(phrase,)), saying(text)).queue == "q"


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It was refunded", "refund"),
        ("norefund", "refund"),
        ("re_fund", "fund"),
        ("money is back", "money back"),
        ("grande", "grand"),
        ("décafé", "café"),
        ("बिला नहीं", "बिल"),  # the vowel sign belongs to the word
        ("", "refund"),
    ],
)
def test_a_phrase_does_not_match_inside_a_word(text: str, phrase: str) -> None:
    assert decided(RouteRule(queue="q", phrase=(phrase,)), saying(text)).queue == "care"


def test_a_phrase_is_found_behind_an_occurrence_inside_a_word() -> None:
    assert decided(RouteRule(queue="q", phrase=("fund",)), saying("refund the fund")).queue == "q"


def test_a_confidence_just_below_its_limit_does_not_read_as_the_limit() -> None:
    route = decided(RouteRule(queue="q", confidence_below=0.7), tagging=replace(TAGGING, confidence=0.6999))

    assert route.why == "route 1: confidence 0.69 < 0.7"


WORDS = st.text(alphabet=st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F), min_size=1, max_size=8)


@given(before=WORDS, phrase=WORDS, after=WORDS)
def test_a_word_of_its_own_is_always_found_in_any_case(before: str, phrase: str, after: str) -> None:
    rule = RouteRule(queue="q", phrase=(phrase,))

    assert decided(rule, saying(f"{before}, {phrase.upper()} {after}")).queue == "q"
    assert decided(rule, saying(unicodedata.normalize("NFD", f"{before} {phrase}!"))).queue == "q"


@given(
    text=st.text(max_size=40),
    followers=st.none() | st.integers(0, 10**6),
    rules=st.lists(
        st.builds(
            RouteRule,
            queue=st.sampled_from(["a", "b", "c"]),
            tag=st.lists(st.sampled_from(Tag), max_size=2).map(tuple),
            followers_min=st.none() | st.integers(0, 10**6),
            phrase=st.lists(st.sampled_from(["refund", "late"]), max_size=1).map(tuple),
        ),
        max_size=6,
    ),
)
def test_a_rule_behind_the_one_that_matched_changes_nothing(
    text: str, followers: int | None, rules: list[RouteRule]
) -> None:
    mention = replace(saying(text), author=Author("a1", followers=followers))
    route = decide(mention, TAGGING, Customer(), [*rules, CATCH_ALL])

    assert decide(mention, TAGGING, Customer(), [*rules, CATCH_ALL, RouteRule(queue="late")]) == route


@given(secret=st.text(alphabet="qxz", min_size=6, max_size=12))
def test_why_never_repeats_what_the_author_wrote(secret: str) -> None:
    mention = Mention(
        platform="x",
        external_id=secret,
        author=Author(secret, handle=secret, name=secret, followers=9),
        text=f"refund {secret}",
        posted_at=MENTION.posted_at,
        url=secret,
        thread=secret,
    )
    rule = RouteRule(queue="q", phrase=("refund",), followers_min=1, language=("en",))

    assert secret not in decided(rule, mention).why


@pytest.mark.parametrize(
    ("rules", "may"),
    [
        ([RouteRule(queue="q", priority=Priority.URGENT, followers_min=12_000)], True),
        # What only the tagger knows is left open.
        ([RouteRule(queue="q", priority=Priority.URGENT, followers_min=5_000, tag=(Tag.PRAISE,))], True),
        ([RouteRule(queue="q", priority=Priority.URGENT, phrase=("refund",), channel=("shop-mentions",))], True),
        ([RouteRule(queue="q", priority=Priority.URGENT, phrase=("refund",), channel=("elsewhere",))], False),
        # A rule that looks at tags alone cannot be foretold.
        ([RouteRule(queue="q", priority=Priority.URGENT, tag=(Tag.COMPLAINT,))], False),
        ([RouteRule(queue="q", priority=Priority.HIGH, phrase=("refund",))], False),
        ([RouteRule(queue="q", priority=Priority.URGENT, platform=("y",)), CATCH_ALL], False),
    ],
)
def test_what_an_urgent_rule_may_take_shows_before_it_is_tagged(rules: list[RouteRule], may: bool) -> None:
    assert may_be_urgent(MENTION, rules) is may
