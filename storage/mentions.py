"""Queries on mentions, their authors, taggings and tags. The hot path: bulk statements, no objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Row, Select, bindparam, func, insert, select, update
from sqlmodel import Session, col

from bot.domain import Author, Customer, Gone, Liveness, Mention, Tag, Tagging
from bot.views import DoubtfulMention
from storage import models
from storage.sql import insert_new, upsert

_STORED_CHARACTERS_MAX = 100_000
_HANDLE_MAX = 300

_OF_MENTION = (
    *("id", "author_id", "platform", "external_id", "text", "posted_at", "url", "thread", "in_reply_to"),
    *("language", "is_private", "channel"),
)
_OF_AUTHOR = ("external_id", "handle", "name", "followers")


class Shard(NamedTuple):
    """A share of the authors, and so of the mentions: all of one author are in one, in the order they came."""

    number: int
    of: int


WHOLE = Shard(0, 1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mention that waits for its tags, with what routing needs to know."""

    id: int
    author_id: int
    mention: Mention
    customer: Customer


@dataclass(frozen=True, slots=True)
class TaggingRow:
    """A tagging to be stored: the ``n``-th of a mention. ``actor`` is empty for the model."""

    mention_id: int
    n: int
    tagging: Tagging
    source: str
    actor: str
    channel: str


def storable(text: str) -> str:
    """Return ``text`` as both databases accept it: no NUL, no lone surrogates, bounded."""
    clean = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:_STORED_CHARACTERS_MAX]
    return clean.encode("utf-8", "replace").decode("utf-8")


class Stored(NamedTuple):
    """A mention that was not there before."""

    mention_id: int
    author_id: int


def store(
    session: Session,
    channel: str,
    mentions: Sequence[Mention],
    *,
    now: datetime,
    is_urgent: Callable[[Mention], bool] = lambda _mention: False,
) -> list[Stored]:
    """Store mentions that are not there yet, oldest first, with their authors; return the new ones.

    Those that ``is_urgent`` says may be are tagged before the others.
    """
    if not mentions:
        return []
    authors = _store_authors(session, mentions, now)
    rows = {
        (mention.platform, mention.external_id): _mention_row(channel, mention, authors, now)
        | {"is_urgent": is_urgent(mention)}
        for mention in mentions
    }
    known = _known(session, list(rows))
    fresh = [row for key, row in rows.items() if key not in known]
    if not fresh:
        return []
    columns = (col(models.Mention.id), col(models.Mention.author_id))
    stored = session.execute(insert_new(session, models.Mention).returning(*columns), fresh)
    return sorted(Stored(cast("int", mention_id), author_id) for mention_id, author_id in stored)


def _known(session: Session, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    table = models.Mention
    rows = session.execute(
        select(col(table.platform), col(table.external_id)).where(
            col(table.platform).in_({platform for platform, _ in keys}),
            col(table.external_id).in_([external_id for _, external_id in keys]),
        )
    )
    return {(platform, external_id) for platform, external_id in rows}


def _store_authors(session: Session, mentions: Sequence[Mention], now: datetime) -> dict[tuple[str, str], int]:
    table = models.Author
    rows = {
        (mention.platform, mention.author.external_id): _author_row(mention.platform, mention.author, now)
        for mention in mentions
    }
    known = _authors(session, rows)
    told = [key for key, row in rows.items() if key not in known or _said(row) != _said(known[key])]
    if told:
        # Only what is new, so that a poll does not wait for whoever tags its authors; and in key order, so that two
        # processes that store the same authors never wait for each other in a circle.
        key, update = ("platform", "external_id"), ("handle", "name", "followers", "seen_at")
        session.execute(upsert(session, table, key=key, update=update), [rows[one] for one in sorted(told)])
        known = _authors(session, rows)
    return {key: row["id"] for key, row in known.items()}


def _authors(session: Session, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    table = models.Author
    columns = [getattr(table, name) for name in ("id", "platform", "external_id", "handle", "name", "followers")]
    query = select(*columns).where(
        col(table.platform).in_({platform for platform, _ in keys}),
        col(table.external_id).in_([external_id for _, external_id in keys]),
    )
    return {(row["platform"], row["external_id"]): dict(row) for row in session.execute(query).mappings()}


def _said(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["handle"], row["name"], row["followers"]


def _author_row(platform: str, author: Author, now: datetime) -> dict[str, Any]:
    return {
        "platform": platform,
        "external_id": author.external_id,
        "handle": storable(author.handle)[:_HANDLE_MAX],
        "name": storable(author.name)[:_HANDLE_MAX],
        "followers": author.followers,
        "seen_at": now,
    }


def _mention_row(
    channel: str, mention: Mention, authors: Mapping[tuple[str, str], int], now: datetime
) -> dict[str, Any]:
    return {
        "channel": channel,
        "platform": mention.platform,
        "external_id": mention.external_id,
        "author_id": authors[mention.platform, mention.author.external_id],
        "text": storable(mention.text),
        "url": storable(mention.url),
        "thread": storable(mention.thread),
        "in_reply_to": storable(mention.in_reply_to),
        "language": mention.language,
        "is_private": mention.is_private,
        "posted_at": mention.posted_at,
        "received_at": now,
        "state": "new",
        "attempts": 0,
        "error": "",
        "liveness": Liveness.ALIVE.value,
    }


def mark_gone(session: Session, platform: str, gone: Sequence[Gone], *, now: datetime) -> list[int]:
    """Blank deleted posts, replace edited ones; return the ids of the cases whose card now reads differently."""
    table = models.Mention
    ids = [post.external_id for post in gone]
    of_posts = (col(table.platform) == platform, col(table.external_id).in_(ids))
    query = select(col(table.external_id), col(table.text), col(table.liveness), col(table.case_id)).where(*of_posts)
    known = {row.external_id: row for row in session.execute(query)} if gone else {}
    # Platforms tell of the same post again and again; only what reads differently is written and shown.
    news = {
        post.external_id: post
        for post in gone
        if post.external_id in known
        and (storable(post.text), post.liveness) != (known[post.external_id].text, known[post.external_id].liveness)
    }
    _rewrite(session, platform, list(news.values()), now)
    return sorted({known[one].case_id for one in news if known[one].case_id is not None})


def _rewrite(session: Session, platform: str, posts: Sequence[Gone], now: datetime) -> None:
    table = models.Mention
    statement = (
        update(table)
        .where(col(table.platform) == bindparam("of_platform"), col(table.external_id) == bindparam("of_id"))
        .values(text=bindparam("new_text"), liveness=bindparam("new_liveness"), checked_at=now)
        .execution_options(synchronize_session=False)
    )
    rows = [
        {
            "of_platform": platform,
            "of_id": post.external_id,
            "new_text": storable(post.text),
            "new_liveness": post.liveness.value,
        }
        for post in posts
    ]
    if rows:
        session.connection().execute(statement, rows)


def waiting(session: Session, *, limit: int, shard: Shard = WHOLE) -> list[Waiting]:
    """Return untagged mentions of a shard: those that may be urgent first, each kind oldest first."""
    table = models.Mention
    of_shard = col(table.author_id) % shard.of == shard.number
    every = _with_author().where(of_shard) if shard.of > 1 else _with_author()
    urgent = every.where(models.WAITS_AND_IS_URGENT).order_by(col(table.id)).limit(limit)
    found = [_waiting(row) for row in session.execute(urgent)]
    others = every.where(col(table.state) == "new", ~col(table.is_urgent)).order_by(col(table.id))
    return found + [_waiting(row) for row in session.execute(others.limit(limit - len(found)))]


def shards_waiting(session: Session, of: int) -> list[Shard]:
    """Return which of so many shards have untagged mentions."""
    table = models.Mention
    query = select(col(table.author_id) % of).where(col(table.state) == "new").distinct()
    return [Shard(number, of) for number in sorted(session.scalars(query))]


def still_waiting(session: Session, mention_ids: Sequence[int]) -> set[int]:
    """Return which mentions nobody has tagged meanwhile, locked on PostgreSQL, in the order of their ids."""
    table = models.Mention
    query = select(col(table.id)).where(col(table.id).in_(mention_ids), col(table.state) == "new")
    found = session.scalars(query.order_by(col(table.id)).with_for_update())
    return {mention_id for mention_id in found if mention_id is not None}


def without_case(session: Session, mention_id: int) -> Waiting | None:
    """Return a mention that was tagged as nothing and is in no case, locked on PostgreSQL; None when there is none."""
    table = models.Mention
    query = _with_author().where(col(table.id) == mention_id, col(table.state) == "ignored")
    found = session.execute(query.with_for_update(of=table)).first()
    return _waiting(found) if found else None


def _with_author() -> Select[Any]:
    """Mention, author, and the segment of the customer behind the author; columns, because objects cost more."""
    mention, author, customer = models.Mention, models.Author, models.Customer
    columns = [getattr(mention, name) for name in _OF_MENTION] + [getattr(author, name) for name in _OF_AUTHOR]
    query: Select[Any] = select(*columns, col(customer.segment)).select_from(mention)
    return query.join(author, col(author.id) == col(mention.author_id)).outerjoin(
        customer, col(customer.id) == col(author.customer_id)
    )


def doubtful(session: Session, *, limit: int) -> list[DoubtfulMention]:
    """Return mentions without a case that a person should look at, least certain first."""
    mention, author, tagging = models.Mention, models.Author, models.Tagging
    query = (
        select(mention, author, tagging)
        .join(author, col(author.id) == col(mention.author_id))
        .join(tagging, col(tagging.mention_id) == col(mention.id))
        .where(col(tagging.needs_review), col(mention.state) == "ignored")
        .order_by(col(tagging.confidence), col(mention.id))
        .limit(limit)
    )
    return [
        DoubtfulMention(
            cast("int", row.id), row.text, by.handle or by.name, row.channel, row.url, row.posted_at, seen.review
        )
        for row, by, seen in session.execute(query)
    ]


def doubtful_count(session: Session) -> int:
    """Return how many mentions :func:`doubtful` would list without a limit."""
    mention, tagging = models.Mention, models.Tagging
    query = select(func.count()).join(mention, col(mention.id) == col(tagging.mention_id)).select_from(tagging)
    return session.scalar(query.where(col(tagging.needs_review), col(mention.state) == "ignored")) or 0


def reviewed(session: Session, mention_id: int) -> int:
    """Take a mention off the review list; return how many taggings it has."""
    table = models.Tagging
    session.execute(
        update(table)
        .where(col(table.mention_id) == mention_id)
        .values(needs_review=False)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(select(func.count()).select_from(table).where(col(table.mention_id) == mention_id)) or 0


def _waiting(row: Row[Any]) -> Waiting:
    of_mention = dict(zip(_OF_MENTION, row, strict=False))
    author = Author(*row[len(_OF_MENTION) : -1])
    mention_id, author_id = of_mention.pop("id"), of_mention.pop("author_id")
    return Waiting(mention_id, author_id, Mention(author=author, **of_mention), Customer(row[-1] or ""))


def mention_of(row: models.Mention, author: models.Author) -> Mention:
    """Return the domain value of a stored mention."""
    return Mention(
        platform=row.platform,
        external_id=row.external_id,
        author=Author(author.external_id, author.handle, author.name, author.followers),
        text=row.text,
        posted_at=row.posted_at,
        url=row.url,
        thread=row.thread,
        in_reply_to=row.in_reply_to,
        language=row.language,
        is_private=row.is_private,
        channel=row.channel,
    )


def store_taggings(session: Session, rows: Sequence[TaggingRow], *, now: datetime) -> None:
    """Store taggings and their tags, which become the live ones."""
    if not rows:
        return
    session.connection().execute(insert(models.Tagging), [_tagging_row(row, now) for row in rows])
    tags = [_tag_row(row, tag) for row in rows for tag in row.tagging.tags]
    if tags:
        session.connection().execute(insert(models.Tag), tags)


def _tagging_row(row: TaggingRow, now: datetime) -> dict[str, Any]:
    tagging = row.tagging
    return {
        "mention_id": row.mention_id,
        "n": row.n,
        "source": row.source,
        "model": tagging.model,
        "scores": {tag.value: round(score, 4) for tag, score in tagging.scores.items()},
        "primary_tag": tagging.primary.value if tagging.primary else "",
        "confidence": tagging.confidence,
        "reason": tagging.reason,
        "reason_confidence": tagging.reason_confidence,
        "language": tagging.language,
        "needs_review": bool(tagging.review),
        "review": tagging.review,
        "actor": row.actor,
        "at": now,
    }


def _tag_row(row: TaggingRow, tag: Tag) -> dict[str, Any]:
    return {
        "mention_id": row.mention_id,
        "n": row.n,
        "tag": tag.value,
        "reason": row.tagging.reason,
        "channel": row.channel,
        "is_primary": tag == row.tagging.primary,
        "is_live": True,
    }


def settle(session: Session, cases: Mapping[int, int | None]) -> None:
    """Mark mentions as worked: ``cases`` maps a mention's id to its case, or None for one that opens none."""
    if not cases:
        return
    table = models.Mention
    statement = (
        update(table)
        .where(col(table.id) == bindparam("of_id"))
        .values(state=bindparam("new_state"), case_id=bindparam("new_case"))
        .execution_options(synchronize_session=False)
    )
    rows = [
        {"of_id": mention_id, "new_state": "ignored" if case_id is None else "tagged", "new_case": case_id}
        for mention_id, case_id in cases.items()
    ]
    session.connection().execute(statement, rows)


def record_failure(session: Session, mention_id: int, error: str, *, attempts_max: int) -> None:
    """Count a failed tagging; after ``attempts_max`` the mention is set aside as dead, its error kept."""
    table = models.Mention
    row = session.get(table, mention_id)
    if row is None or row.state != "new":
        return
    row.attempts += 1
    row.error = error
    if row.attempts >= attempts_max:
        row.state = "dead"
    session.add(row)


def kill_tags(session: Session, mention_ids: Sequence[int]) -> None:
    """Make the tags of mentions no longer live, before a correction or because it is not for us."""
    table = models.Tag
    session.execute(
        update(table)
        .where(col(table.mention_id).in_(mention_ids), col(table.is_live))
        .values(is_live=False)
        .execution_options(synchronize_session=False)
    )


def live_tags(session: Session) -> dict[tuple[str, str, str], int]:
    """Return how many tags are live, by (tag, reason, channel): what the ledger's TAG balance must equal."""
    table = models.Tag
    rows = session.execute(
        select(col(table.tag), col(table.reason), col(table.channel), func.count())
        .where(col(table.is_live))
        .group_by(col(table.tag), col(table.reason), col(table.channel))
    )
    return {(tag, reason, channel): count for tag, reason, channel, count in rows}


def counts_by_state(session: Session) -> dict[str, int]:
    """Return how many mentions are new, tagged, ignored, dead."""
    table = models.Mention
    rows = session.execute(select(col(table.state), func.count()).group_by(col(table.state)))
    return dict(rows.all())


def oldest_waiting_at(session: Session) -> datetime | None:
    """Return when the oldest untagged mention was received; None when none waits."""
    table = models.Mention
    return session.scalar(
        select(col(table.received_at)).where(col(table.state) == "new").order_by(col(table.id)).limit(1)
    )
