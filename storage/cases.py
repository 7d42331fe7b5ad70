"""Cases as people see them: a queue, a card, a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Select, case, func, select
from sqlmodel import Session, col

from bot.domain import CaseState, Liveness, Priority, Quadrant, RepeatKind, Tag
from bot.views import CaseEventView, CaseMention, CaseView, QueueCounts
from storage import incidents, models, promises, requests

_Query = TypeVar("_Query", bound="Select[*tuple[Any, ...]]")

_WAITING = (CaseState.OPEN, CaseState.CLAIMED)
_PRIORITY_ORDER = {Priority.URGENT: 0, Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases to list; a condition left out holds for all. ``overdue_at`` keeps those due before it."""

    queue: str | None = None
    states: tuple[CaseState, ...] = _WAITING
    tag: Tag | None = None
    owner: str | None = None
    overdue_at: datetime | None = None


def case_view(session: Session, case_id: int) -> CaseView | None:
    """Return one case whole, with its mentions and history; None when there is no such case."""
    found = session.execute(_views().where(col(models.Case.id) == case_id)).first()
    if found is None:
        return None
    row, author = found
    view = _view(row, author, _mentions(session, case_id), _events(session, case_id))
    return replace(
        view,
        promise=next(iter(promises.owed(session, case_id)), None),
        incident=incidents.banner(session, row.incident_id),
        asked_for=requests.of_case(session, case_id),
    )


def page(session: Session, only: CaseFilter, *, limit: int = 30, offset: int = 0) -> list[CaseView]:
    """Return cases as a queue shows them: urgent first, then by due time; closed ones latest first.

    Each comes with its latest mention only.
    """
    table = models.Case
    urgency = case({key.value: rank for key, rank in _PRIORITY_ORDER.items()}, value=col(table.priority))
    is_history = not set(only.states) & set(_WAITING)
    order = [col(table.closed_at).desc()] if is_history else [urgency, col(table.due_at)]
    query = _narrowed(_views(), only).order_by(*order, col(table.id))
    return _with_latest_mention(session, session.execute(query.limit(limit).offset(offset)).all())


def _narrowed(query: _Query, only: CaseFilter) -> _Query:
    table = models.Case
    query = query.where(col(table.state).in_([state.value for state in only.states]))
    if only.queue is not None:
        query = query.where(col(table.queue) == only.queue)
    if only.tag is not None:
        query = query.where(col(table.tag) == only.tag.value)
    if only.owner is not None:
        query = query.where(col(table.owner) == only.owner)
    if only.overdue_at is not None:
        query = query.where(col(table.due_at) < only.overdue_at)
    return query


def review_list(session: Session, *, limit: int) -> list[CaseView]:
    """Return cases not closed whose tagging a person should look at, least certain first."""
    table = models.Case
    query = _views().where(col(table.needs_review), col(table.state).in_([state.value for state in _WAITING]))
    rows = session.execute(query.order_by(col(table.confidence), col(table.id)).limit(limit)).all()
    return _with_latest_mention(session, rows)


def promises_overdue(session: Session, *, now: datetime, limit: int) -> list[CaseView]:
    """Return the case of each promise that is owed although its time is over, with that promise; longest due first."""
    late = promises.overdue(session, now=now, limit=limit)
    table = models.Case
    rows = session.execute(_views().where(col(table.id).in_({one.case_id for one in late}))).all()
    found = {view.id: view for view in _with_latest_mention(session, rows)}
    return [replace(found[one.case_id], promise=one) for one in late]


def review_count(session: Session) -> int:
    """Return how many cases :func:`review_list` would list without a limit."""
    table = models.Case
    waiting = col(table.state).in_([state.value for state in _WAITING])
    return session.scalar(select(func.count()).select_from(table).where(col(table.needs_review), waiting)) or 0


def page_count(session: Session, only: CaseFilter) -> int:
    """Return how many cases :func:`page` would list without a limit."""
    return session.scalar(_narrowed(select(func.count()).select_from(models.Case), only)) or 0


def queue_counts(session: Session, queues: Sequence[str], *, now: datetime) -> list[QueueCounts]:
    """Return how each queue stands, in the order given; an empty queue has zeros."""
    table = models.Case
    unclaimed = func.sum(case((col(table.state) == CaseState.OPEN.value, 1), else_=0))
    overdue = func.sum(case((col(table.due_at) < now, 1), else_=0))
    rows = session.execute(
        select(col(table.queue), func.count(), unclaimed, overdue)
        .where(col(table.state).in_([state.value for state in _WAITING]))
        .group_by(col(table.queue))
    )
    found = {queue: QueueCounts(queue, int(total), int(free), int(late)) for queue, total, free, late in rows}
    return [found.get(queue, QueueCounts(queue, 0, 0, 0)) for queue in queues]


def count(session: Session) -> int:
    """Return how many cases there are, in any state."""
    return session.scalar(select(func.count()).select_from(models.Case)) or 0


def cards_shown(session: Session) -> int:
    """Return how many cases have a card in Slack."""
    return session.scalar(select(func.count()).select_from(models.Case).where(col(models.Case.card_ts) != "")) or 0


def _views() -> Select[models.Case, models.Author]:
    return select(models.Case, models.Author).join(models.Author, col(models.Author.id) == col(models.Case.author_id))


def _with_latest_mention(session: Session, rows: Sequence[Any]) -> list[CaseView]:
    table = models.Mention
    case_ids = [row.id for row, _ in rows]
    newest = select(func.max(col(table.id))).where(col(table.case_id).in_(case_ids)).group_by(col(table.case_id))
    mentions = {mention.case_id: mention for mention in session.scalars(select(table).where(col(table.id).in_(newest)))}
    return [
        _view(row, author, (_mention_view(mentions[row.id], ()),) if row.id in mentions else ()) for row, author in rows
    ]


def _mentions(session: Session, case_id: int) -> tuple[CaseMention, ...]:
    table, tag = models.Mention, models.Tag
    tags: dict[int, list[Tag]] = defaultdict(list)
    live = select(col(tag.mention_id), col(tag.tag)).join(table, col(table.id) == col(tag.mention_id))
    for mention_id, name in session.execute(live.where(col(table.case_id) == case_id, col(tag.is_live))):
        tags[mention_id].append(Tag(name))
    rows = session.scalars(select(table).where(col(table.case_id) == case_id).order_by(col(table.id)))
    return tuple(_mention_view(row, sorted(tags[cast("int", row.id)])) for row in rows)


def _mention_view(row: models.Mention, tags: Sequence[Tag]) -> CaseMention:
    return CaseMention(
        id=cast("int", row.id),
        text=row.text,
        posted_at=row.posted_at,
        url=row.url,
        liveness=Liveness(row.liveness),
        tags=tuple(tags),
        language=row.language,
    )


def _events(session: Session, case_id: int) -> tuple[CaseEventView, ...]:
    table = models.CaseEvent
    rows = session.scalars(select(table).where(col(table.case_id) == case_id).order_by(col(table.id)))
    return tuple(CaseEventView(row.kind, row.actor_name, row.at, row.detail) for row in rows)


def _view(
    row: models.Case,
    author: models.Author,
    mentions: tuple[CaseMention, ...] = (),
    events: tuple[CaseEventView, ...] = (),
) -> CaseView:
    return CaseView(
        id=row.id,
        state=CaseState(row.state),
        queue=row.queue,
        priority=Priority(row.priority),
        tag=Tag(row.tag),
        reason=row.reason,
        confidence=row.confidence,
        needs_review=row.needs_review,
        review=row.review,
        department=row.department,
        quadrant=Quadrant(row.quadrant),
        why=row.why,
        owner=row.owner,
        owner_name=row.owner_name,
        channel=row.channel,
        platform=row.platform,
        author_handle=author.handle,
        author_name=author.name,
        followers=author.followers,
        opened_at=row.opened_at,
        last_mention_at=row.last_mention_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        closed_how=row.closed_how,
        repeat_kind=RepeatKind(row.repeat_kind),
        repeat_of=row.repeat_of,
        mention_count=row.mention_count,
        version=row.version,
        card_channel=row.card_channel,
        card_ts=row.card_ts,
        mentions=mentions,
        events=events,
        merged_into=row.merged_into,
    )
