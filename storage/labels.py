"""What people say mentions are: agents' corrections and supervisors' verdicts, to learn from and to measure on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, cast

from sqlalchemy import func, select
from sqlmodel import Session, col

from bot.domain import Judgement, Liveness, Tag
from storage import models
from storage.models_audit import AuditSample

FIRST: Final = 1
"""The tagger's own tagging is the first of a mention."""

_PAGE: Final = 500
_IS_THERE: Final = (col(models.Mention.text) != "", col(models.Mention.liveness) != Liveness.DELETED.value)
"""Of what was erased or deleted there is nothing left to learn from."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text and what a person says it is. ``by`` is who, such as ``slack:U0123ABCDEF``; ``origin``: retag or audit."""

    mention_id: int
    text: str
    language: str
    judged: Judgement
    by: str
    at: datetime
    origin: str


class Tagged(NamedTuple):
    """A mention with what the tagger said of it when it came in, and with what a person says since, if one does."""

    mention_id: int
    text: str
    model: str
    said: Judgement
    corrected: Judgement | None


def labels(session: Session) -> Iterator[Label]:
    """Yield one label of each mention that a person judged and whose text is still there, in the mentions' order.

    Where an agent and a supervisor both did, the later word counts.
    """
    after = 0
    while page := _judged_after(session, after):
        after = page[-1]
        found = _latest(session, page)
        yield from (found[mention_id] for mention_id in page if mention_id in found)


def last_tagged(session: Session, count: int) -> list[Tagged]:
    """Return the last ``count`` mentions that the tagger tagged and whose text is still there, the newest first."""
    mention, tagging = models.Mention, models.Tagging
    query = (
        select(mention, tagging)
        .join(tagging, col(tagging.mention_id) == col(mention.id))
        .where(col(tagging.n) == FIRST, col(tagging.source) == "model", *_IS_THERE)
        .order_by(col(mention.id).desc())
        .limit(count)
    )
    rows = session.execute(query).all()
    ids = [row.id for row, _ in rows]
    tags, people = _tags(session, ids), dict[int, Label]()
    for start in range(0, len(ids), _PAGE):
        people |= _latest(session, ids[start : start + _PAGE])
    return [
        Tagged(row.id, row.text, told.model, _said(told, tags), people[row.id].judged if row.id in people else None)
        for row, told in rows
    ]


def _judged_after(session: Session, after: int) -> list[int]:
    """Return the next mentions that a person judged, in order."""
    mention, tagging = models.Mention, models.Tagging
    by_agent = select(col(tagging.mention_id)).where(col(tagging.source) == "human")
    by_audit = select(col(AuditSample.mention_id)).where(col(AuditSample.judged_at).is_not(None))
    query = select(col(mention.id)).where(
        col(mention.id) > after, col(mention.id).in_(by_agent.union(by_audit)), *_IS_THERE
    )
    return [cast("int", one) for one in session.scalars(query.order_by(col(mention.id)).limit(_PAGE))]


def _latest(session: Session, ids: Sequence[int]) -> dict[int, Label]:
    """Return what people said last of those of the mentions that they judged."""
    found = _retags(session, ids)
    for mention_id, verdict in _verdicts(session, ids).items():
        if mention_id not in found or found[mention_id].at <= verdict.at:
            found[mention_id] = verdict
    return found


def _retags(session: Session, ids: Sequence[int]) -> dict[int, Label]:
    """Return the newest tagging by a person of each of the mentions that has one."""
    mention, tagging = models.Mention, models.Tagging
    newest = (
        select(col(tagging.mention_id), func.max(col(tagging.n)).label("n"))
        .where(col(tagging.source) == "human", col(tagging.mention_id).in_(ids))
        .group_by(col(tagging.mention_id))
        .subquery()
    )
    rows = session.execute(
        select(mention, tagging)
        .join(tagging, col(tagging.mention_id) == col(mention.id))
        .join(newest, (newest.c.mention_id == col(tagging.mention_id)) & (newest.c.n == col(tagging.n)))
    ).all()
    tags = _tags(session, ids)
    return {row.id: _label(row, _said(told, tags), told.actor, told.at, "retag") for row, told in rows}


def _verdicts(session: Session, ids: Sequence[int]) -> dict[int, Label]:
    mention = models.Mention
    rows = session.execute(
        select(mention, AuditSample)
        .join(AuditSample, col(AuditSample.mention_id) == col(mention.id))
        .where(col(mention.id).in_(ids), col(AuditSample.judged_at).is_not(None))
    ).all()
    return {
        row.id: _label(row, _verdict(sample), sample.judged_by, cast("datetime", sample.judged_at), "audit")
        for row, sample in rows
    }


def _label(row: models.Mention, judged: Judgement, by: str, at: datetime, origin: str) -> Label:
    return Label(cast("int", row.id), row.text, row.language, judged, by, at, origin)


def _tags(session: Session, ids: Sequence[int]) -> dict[tuple[int, int], list[Tag]]:
    """Return the tags of every tagging of the mentions, by mention and number."""
    table, found = models.Tag, dict[tuple[int, int], list[Tag]]()
    for start in range(0, len(ids), _PAGE):
        query = select(table).where(col(table.mention_id).in_(ids[start : start + _PAGE]))
        for row in session.scalars(query):
            found.setdefault((row.mention_id, row.n), []).append(Tag(row.tag))
    return found


def _said(told: models.Tagging, tags: dict[tuple[int, int], list[Tag]]) -> Judgement:
    found = tuple(sorted(tags.get((told.mention_id, told.n), [])))
    return Judgement(found, Tag(told.primary_tag) if told.primary_tag else None, told.reason)


def _verdict(row: AuditSample) -> Judgement:
    primary = Tag(row.primary_tag) if row.primary_tag else None
    return Judgement(tuple(Tag(name) for name in row.tags), primary, row.reason)
