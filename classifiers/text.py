"""What the encoder gets to read of a mention; the same function serves training and running."""

from __future__ import annotations

import html
import re
import unicodedata

_URL = re.compile(r"(?:https?|ftp)://\S+|www\.\S+", re.IGNORECASE)
_MAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")
_HANDLE = re.compile(r"(?<![\w@])@\w+")
_HASHTAG = re.compile(r"#(\w{1,80})")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])")
_LONG_RUN = re.compile(r"([^\W\d_]|[!?.,:;*_=~-])\1{3,}")
_SPACES = re.compile(r"\s+")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_EMOJI_NOISE = re.compile(r"\b(?:sign|symbol|with|face|black|white|heavy|emoji|and)\b")
_RUN_KEPT = 3


def clean(text: str) -> str:
    """Return ``text`` as the encoder was trained to read it; any string is accepted, the result encodes as UTF-8.

    Handles and links become one word each: whom a mention addresses says nothing about its tag, and the
    encoder's time goes with the number of words. Emoji become their Unicode names, since the vocabulary has none.
    """
    shown = _URL.sub(" http ", html.unescape(text))
    shown = _HANDLE.sub("@user", _MAIL.sub(" mail ", shown))
    shown = _HASHTAG.sub(_split_hashtag, shown)
    shown = _LONG_RUN.sub(lambda run: run.group(1) * _RUN_KEPT, shown)
    return _SPACES.sub(" ", _spell_out(shown)).strip()


def normalised(text: str) -> str:
    """Return the letters and digits of ``text`` alone: equal for two copies of one message.

    Handles, links, case and punctuation differ between copies of a tweet. Used to keep measured texts out of training.
    """
    bare = _HANDLE.sub(" ", _URL.sub(" ", html.unescape(text)))
    return re.sub(r"[\W_]+", " ", bare.casefold()).strip()


def _split_hashtag(match: re.Match[str]) -> str:
    return "# " + _HUMP.sub(" ", match.group(1).replace("_", " "))


def _spell_out(text: str) -> str:
    """Replace every emoji by its name, once a run, and drop what has no shape."""
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    last_emoji = ""
    for character in text:
        spelt = _spelt(character)
        if spelt is None or (spelt == last_emoji and len(spelt) > 1):
            continue
        last_emoji = spelt if len(spelt) > 1 else ""
        shown.append(spelt)
    return "".join(shown)


def _spelt(character: str) -> str | None:
    """Return what stands for ``character``; None where nothing does."""
    if character < "\x7f":
        return max(character, " ")
    category = unicodedata.category(character)
    if character == "\ufffd":
        return None
    if category == "So":
        return f" {_emoji_name(character)} "
    if category in {"Sk", "Mn", "Me"} and character >= "\u2000":
        return None  # skin tones and variation selectors
    return None if category in _INVISIBLE else character


def _emoji_name(character: str) -> str:
    name = unicodedata.name(character, "emoji").lower().replace("-", " ")
    return _SPACES.sub(" ", _EMOJI_NOISE.sub(" ", name)).strip() or "emoji"
