"""What X's JSON says: posts, authors and edits. Accepts the names of both field styles."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import Author, Gone, Liveness, Mention, Skipped
from connectors import base
from connectors.x_client import FieldStyle

PLATFORM = "x"

_EPOCH = datetime.fromtimestamp(1_288_834_974.657, UTC)
_ID_MAX = 2**63 - 1
_LANGUAGE_CODE_LENGTH = 2
_OLD_LANGUAGE_CODES = {"in": "id", "iw": "he", "ji": "yi"}


def asked_for(style: FieldStyle) -> dict[str, str]:
    """Return the parameters, in tweepy's names, that ask for what a mention needs and for nothing that costs more.

    References are a field in one style and an expansion in the other; asked for the other way round, X answers
    without them. ``note_…`` is the whole text of a post longer than 280 characters.
    """
    fields = "author_id,conversation_id,created_at,lang,"
    by_style = {
        "tweet": {"tweet_fields": fields + "note_tweet,referenced_tweets", "expansions": "author_id"},
        "post": {"tweet_fields": fields + "note_post", "expansions": "author_id,referenced_posts"},
    }
    return by_style[style] | {"user_fields": "name,public_metrics,username"}


def id_at(moment: datetime) -> int:
    """Return the smallest id a post of that moment can have: ids hold milliseconds since X's own epoch."""
    return max(0, (moment - _EPOCH) // timedelta(milliseconds=1)) << 22


def moment_of(post_id: int) -> datetime:
    """Return when the post of that id was made."""
    return _EPOCH + timedelta(milliseconds=post_id >> 22)


@dataclass(frozen=True)
class Found:
    """One post of an answer, read."""

    number: int
    mention: Mention
    is_repost: bool
    gone: tuple[Gone, ...]


def read(answer: Mapping[str, Any]) -> tuple[list[Found], list[Skipped]]:
    """Return the posts of an answer in its order, and what could not be read, with the reason."""
    authors = _authors(_section(answer, "includes").get("users"))
    found, skipped = [], _partial_errors(answer)
    for number, item in enumerate(_items(answer.get("data")), start=1):
        try:
            found.append(_post(item, authors))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            source = str(item.get("id", ""))[:32] if isinstance(item, dict) else ""
            skipped.append(Skipped(source or f"item {number} of an answer", f"cannot be read ({type(error).__name__})"))
    return found, skipped


def ids(answer: Mapping[str, Any]) -> list[int]:
    """Return the ids of all posts in an answer, the unreadable ones included as far as they have one."""
    given = [str(item.get("id", "")) for item in _objects(answer.get("data"))]
    return [int(text) for text in given if is_id(text)]


def is_id(text: str) -> bool:
    """True for what X accepts as the id of a post."""
    return text.isascii() and text.isdigit() and int(text[:20]) <= _ID_MAX


def billed(answer: Mapping[str, Any]) -> int:
    """Return how many resources X charges for: every post and every user returned."""
    included = _section(answer, "includes").values()
    return len(_items(answer.get("data"))) + sum(len(_items(items)) for items in included)


def next_token(answer: Mapping[str, Any]) -> str:
    """Return the token of the next page; empty on the last."""
    token = _section(answer, "meta").get("next_token")
    return token if isinstance(token, str) else ""


def liveness(answer: Mapping[str, Any], asked: Sequence[str]) -> dict[str, Liveness]:
    """Return how the posts asked for stand: not found is deleted, not shown to us is unknown."""
    stands = dict.fromkeys(asked, Liveness.UNKNOWN)
    for item in _objects(answer.get("data")):
        *past, newest = [str(version) for version in _history(item)] or [str(item.get("id"))]
        stands |= dict.fromkeys(past, Liveness.EDITED) | {newest: Liveness.ALIVE}
    for error in _objects(answer.get("errors")):
        if str(error.get("type", "")).endswith("/resource-not-found"):
            stands[str(error.get("resource_id") or error.get("value"))] = Liveness.DELETED
    return {post_id: stands[post_id] for post_id in asked}


def _post(item: Mapping[str, Any], authors: Mapping[str, Author]) -> Found:
    number = int(item["id"])
    author_id = base.storable(str(item.get("author_id", "")))
    author = authors.get(author_id) or Author(author_id or f"unknown:{number}")
    references = {
        ref["type"]: base.storable(str(ref["id"])) for ref in _one_of(item, "referenced_tweets", "referenced_posts")
    }
    text = _text(item)
    mention = Mention(
        platform=PLATFORM,
        external_id=str(number),
        author=author,
        text=text,
        posted_at=base.as_utc(item["created_at"]) if "created_at" in item else moment_of(number),
        url=f"https://x.com/{author.handle or 'i'}/status/{number}",
        thread=base.storable(str(item.get("conversation_id", ""))),
        in_reply_to=references.get("replied_to", ""),
        language=_language(str(item.get("lang", ""))),
    )
    gone = tuple(Gone(str(past), Liveness.EDITED, text) for past in _history(item) if str(past) != str(number))
    return Found(number, mention, is_repost=not references.keys().isdisjoint({"retweeted", "reposted"}), gone=gone)


def _text(item: Mapping[str, Any]) -> str:
    """Return the whole text, as its author wrote it: X sends ``&``, ``<`` and ``>`` escaped, once."""
    note = item.get("note_tweet") or item.get("note_post") or {}
    text = note.get("text") or item["text"]
    return base.storable(html.unescape(text))


def _language(code: str) -> str:
    """Return an ISO 639-1 code; empty for X's own codes, such as ``qme`` (only media) and ``und``."""
    code = _OLD_LANGUAGE_CODES.get(code, code.partition("-")[0])
    return code if len(code) == _LANGUAGE_CODE_LENGTH and code.isascii() and code.isalpha() else ""


def _authors(users: object) -> dict[str, Author]:
    authors = {}
    for user in _objects(users):
        followers = _section(user, "public_metrics").get("followers_count")
        user_id = base.storable(str(user.get("id")))
        authors[user_id] = Author(
            external_id=user_id,
            handle=base.storable(str(user.get("username", ""))),
            name=base.storable(str(user.get("name", ""))),
            followers=followers if isinstance(followers, int) else None,
        )
    return authors


def _partial_errors(answer: Mapping[str, Any]) -> list[Skipped]:
    """A 200 may carry errors beside its data. Those about users cost us a name and no mention, so they are left out."""
    errors = [error for error in _objects(answer.get("errors")) if error.get("resource_type") in {"tweet", "post"}]
    return [Skipped(str(error.get("resource_id", "")), str(error.get("title", "error of X"))[:80]) for error in errors]


def _history(item: Mapping[str, Any]) -> list[Any]:
    return _one_of(item, "edit_history_tweet_ids", "edit_history_post_ids")


def _one_of(item: Mapping[str, Any], old: str, new: str) -> list[Any]:
    return list(item.get(old) or item.get(new) or [])


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _section(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
