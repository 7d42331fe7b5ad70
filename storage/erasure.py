"""Erasing an author: all there is of a person outside the ledger, which has nothing of one (specification 1.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import String, delete, func, literal, or_, select, update
from sqlalchemy import cast as as_type
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import Session, col

from storage import models, outbox, requests
from storage.models_incidents import Reply

_IDS_A_STATEMENT = 500
_Id = TypeVar("_Id", str, int)
_FREE_WORDS = ("why", "note")
"""Keys in the history of a case under which somebody typed something, by kind of event."""
_KINDS_WITH_WORDS = ("goodwill", "resolved", "overridden", "override_lifted")


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of an author. ``referring`` are posts of others that name one of his posts by its id."""

    author_id: int
    platform: str
    mention_ids: tuple[int, ...]
    external_ids: tuple[str, ...]
    case_ids: tuple[int, ...]
    referring: int


def authors(session: Session, platform: str, name: str) -> list[int]:
    """Return the authors on a platform with that id or, in any case and with or without @, that handle."""
    table = models.Author
    handle = name.removeprefix("@").lower()
    is_he = or_(col(table.external_id) == name, func.lower(col(table.handle)).in_([handle, f"@{handle}"]))
    query = select(col(table.id)).where(col(table.platform) == platform, col(table.erased_at).is_(None), is_he)
    return [cast("int", author_id) for author_id in session.scalars(query.order_by(col(table.id)))]


def find(session: Session, author_id: int) -> Found:
    """Return what there is of an author."""
    mention, case = models.Mention, models.Case
    author = session.get_one(models.Author, author_id)
    posts = session.execute(
        select(col(mention.id), col(mention.external_id), col(mention.case_id)).where(
            col(mention.author_id) == author_id
        )
    ).all()
    own = session.scalars(select(col(case.id)).where(col(case.author_id) == author_id)).all()
    external_ids = tuple(post.external_id for post in posts)
    return Found(
        author_id,
        author.platform,
        tuple(post.id for post in posts),
        external_ids,
        tuple(sorted({*own, *(post.case_id for post in posts if post.case_id is not None)})),
        sum(_referring(session, author.platform, author_id, some) for some in _chunks(external_ids)),
    )


def _referring(session: Session, platform: str, author_id: int, external_ids: Sequence[str]) -> int:
    table = models.Mention
    refers = or_(col(table.in_reply_to).in_(external_ids), col(table.thread).in_(external_ids))
    others = (col(table.platform) == platform, col(table.author_id) != author_id)
    return session.scalar(select(func.count()).select_from(table).where(*others, refers)) or 0


def _chunks(ids: Sequence[_Id]) -> Iterator[Sequence[_Id]]:
    for start in range(0, len(ids), _IDS_A_STATEMENT):
        yield ids[start : start + _IDS_A_STATEMENT]


def blank(session: Session, found: Found, *, now: datetime) -> None:
    """Blank everything in ``found``. Rows stay, under ids of our own, so that the books keep what they count."""
    _blank_author(session, found.author_id, now)
    _blank_mentions(session, found.author_id)
    for some in _chunks(found.external_ids):
        _blank_references(session, found.platform, some)
    _blank_words(session, found.case_ids)
    _blank_replies(session, found.case_ids)
    for cases in _chunks(found.case_ids):
        outbox.forget_identities(session, cases)
    requests.blank_words(session, found.author_id)


def _run(session: Session, statement: UpdateBase) -> None:
    session.execute(statement.execution_options(synchronize_session=False))


def _blank_author(session: Session, author_id: int, now: datetime) -> None:
    values: dict[str, Any] = {"handle": "", "name": "", "followers": None, "customer_id": None, "erased_at": now}
    mine = update(models.Author).where(col(models.Author.id) == author_id)
    _run(session, mine.values(external_id=f"erased:{author_id}", **values))


def _blank_mentions(session: Session, author_id: int) -> None:
    mention, case = models.Mention, models.Case
    blanks = dict.fromkeys(("text", "url", "thread", "in_reply_to", "error"), "")
    ours = literal("erased:").concat(as_type(col(mention.id), String))
    _run(session, update(mention).where(col(mention.author_id) == author_id).values(external_id=ours, **blanks))
    _run(session, update(case).where(col(case.author_id) == author_id).values(thread=""))


def _blank_references(session: Session, platform: str, external_ids: Sequence[str]) -> None:
    """Posts of others answer his, and are in threads that began with his: the ids of his posts stand there too."""
    mention, case, skipped = models.Mention, models.Case, models.Skipped
    there = col(mention.platform) == platform
    _run(session, update(mention).where(there, col(mention.in_reply_to).in_(external_ids)).values(in_reply_to=""))
    _run(session, update(mention).where(there, col(mention.thread).in_(external_ids)).values(thread=""))
    of_case = (col(case.platform) == platform, col(case.thread).in_(external_ids))
    _run(session, update(case).where(*of_case).values(thread=""))
    _run(session, delete(skipped).where(col(skipped.source_id).in_(external_ids)))


def _blank_replies(session: Session, case_ids: Sequence[int]) -> None:
    """What was said to the person; what still waits is said to nobody."""
    mine = update(Reply).where(col(Reply.case_id).in_(case_ids))
    _run(session, mine.where(col(Reply.state) == "waiting").values(state="dropped", error="the author was erased"))
    _run(session, mine.values(text="", external_id="", url=""))


def _blank_words(session: Session, case_ids: Sequence[int]) -> None:
    """What agents typed about a case may name the person."""
    table = models.CaseEvent
    of_cases = (col(table.case_id).in_(case_ids), col(table.kind).in_(_KINDS_WITH_WORDS))
    for event in session.scalars(select(table).where(*of_cases)):
        event.detail = {key: value for key, value in event.detail.items() if key not in _FREE_WORDS}
