"""Whatever people write gives a tagging with its language, and a sentence where a person should look."""

from __future__ import annotations

import pytest

from bot.domain import Tag
from classifiers import SHIPPED
from classifiers.answers import NOTHING_TO_READ
from classifiers.manifest import TOKENIZER
from classifiers.onnx import OnnxTagger
from classifiers.text import clean
from classifiers.windows import WindowReader

MAIL = "We live in a town by the sea, the market is on Saturday and the shops open at nine. " * 130


@pytest.mark.parametrize(
    ("text", "primary", "language", "review"),
    [
        # Handles are read as one word each: whom a mention addresses says nothing.
        ("@acme @acme_help @sue my order never arrived, what a disgrace", Tag.COMPLAINT, "en", ""),
        # A link and nothing else is a word without meaning, not an error.
        ("https://example.com/a?b=c#d", None, "und", None),
        # Emoji are read as their names.
        ("I love this shop so much 😍😍😍", Tag.PRAISE, "en", ""),
        ("😡", Tag.COMPLAINT, "und", ...),
        ("👩🏽‍🔧🇬🇧", None, "und", ...),
        # Hashtags are read as their words.
        ("#WorstServiceEver my parcel is three weeks late and nobody answers", Tag.COMPLAINT, "en", ""),
        # A retweet says what the tweet says.
        ("RT @sue: my parcel is three weeks late and nobody answers, awful", Tag.COMPLAINT, "en", ""),
        # Line breaks of every kind are spaces.
        ("My order\r\nnever\x0barrived\u2028and nobody\tanswers.\nAwful!", Tag.COMPLAINT, "en", ""),
        # Mark-up arrives escaped from some platforms.
        ("My order &amp; my refund never arrived &lt;br&gt; terrible service", Tag.COMPLAINT, "en", ""),
        ("", None, "und", NOTHING_TO_READ),
        (" \t\r\n\u00a0", None, "und", NOTHING_TO_READ),
        # Control, zero-width and private characters, a lone surrogate: no words.
        ("\x00\x01\x1b\x7f\u200b\u200d\ufeff\ue000\ud83d", None, "und", NOTHING_TO_READ),
        # … and between words they are nothing.
        ("My ord\u200ber ne\x00ver arri\u00adved and nobody answers, terrible", Tag.COMPLAINT, "en", ""),
        # Languages the tagger was not measured on are tagged, and a person should look.
        ("Wo bleibt mein Paket? Seit zwei Wochen warte ich darauf!", ..., "de", "Its language (de) is not one"),
        ("Mon colis n'est toujours pas arrivé et personne ne répond.", ..., "fr", "Its language (fr) is not one"),
        ("我的包裹还没有到 已经等了两个星期 没有人回复我的邮件。", ..., "zh", "Its language (zh) is not one"),
        ("لم يصل طلبي بعد وقد مضى أسبوعان ولا أحد يجيب على رسائلي", ..., "ar", "Its language (ar) is not one"),
        # Scripts mixed in one text.
        ("Ordered a книга from Αθήνα, 还没有到, where is my parcel please?", ..., ..., ...),
        # One word without end, and accents without end.
        ("a" * 5_000, ..., ..., ...),
        ("Z" + "\u0301\u0322" * 500 + "algo broke my app", ..., ..., ...),
    ],
    ids=lambda value: ascii(value)[:24] if isinstance(value, str) else "",
)
def test_any_text_gives_a_tagging(
    tagger: OnnxTagger, text: str, primary: object, language: object, review: object
) -> None:
    tagging = tagger.tag([text])[0]

    assert primary is ... or tagging.primary is primary
    assert language is ... or tagging.language == language
    if isinstance(review, str):
        assert tagging.review.startswith(review)
        assert review or not tagging.review


def test_a_mail_of_ten_thousand_characters_is_read_in_windows_and_not_cut(tagger: OnnxTagger) -> None:
    end = "You charged me twice, nobody answers, this is outrageous and I demand my money back!"
    reader = WindowReader(SHIPPED / TOKENIZER, tokens=128, overlap=16)

    without, with_end = tagger.tag([MAIL, MAIL + end])

    assert len(MAIL) > 10_000
    assert len(reader.read([clean(MAIL)])) > 15
    assert with_end.scores[Tag.COMPLAINT] > without.scores[Tag.COMPLAINT] + 0.1
    assert with_end.language == "en"
