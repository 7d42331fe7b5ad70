"""What the rules about cases read and write: the hot path of tagging, and the changes agents make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, insert, or_, select, update
from sqlmodel import Session, col

from bot.domain import CaseFacts, CaseState
from storage import models
from storage.sql import changed, insert_new

TEXTS_A_CASE_MAX = 5
"""How many of a case's latest texts are compared with a new mention."""

_WAITING = (CaseState.OPEN.value, CaseState.CLAIMED.value)


def open_cases(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new cases; each row holds every column that has no default."""
    if rows:
        session.execute(insert(models.Case), list(rows))


def record_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to the history of cases."""
    if rows:
        session.execute(insert(models.CaseEvent), list(rows))


def event_row(
    case_id: int,
    kind: str,
    *,
    action_id: str,
    now: datetime,
    from_version: int,
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a row of history made by Earmark itself; :func:`record_action` makes those of people."""
    return {
        "action_id": action_id,
        "case_id": case_id,
        "kind": kind,
        "actor": "earmark",
        "actor_name": "Earmark",
        "detail": dict(detail or {}),
        "from_version": from_version,
        "at": now,
    }


def record_action(session: Session, row: Mapping[str, Any]) -> bool:
    """Append an agent's action; False when this very action was recorded before, and must not be done again."""
    statement = insert_new(session, models.CaseEvent).returning(col(models.CaseEvent.id))
    return session.scalar(statement.values(**row)) is not None


def change(session: Session, case_id: int, *, version: int, values: Mapping[str, Any]) -> bool:
    """Change a case if its version still is ``version``; False when somebody else was quicker."""
    table = models.Case
    statement = update(table).where(col(table.id) == case_id, col(table.version) == version)
    return changed(session, statement.values(**values, version=version + 1)) == 1


def row_for_update(session: Session, case_id: int) -> models.Case | None:
    """Return a case's row, locked until the transaction ends (SQLite has only one writer anyway)."""
    table = models.Case
    return session.scalar(select(table).where(col(table.id) == case_id).with_for_update())


def facts_of(row: models.Case, texts: Sequence[str] = ()) -> CaseFacts:
    """Return what the rules need to know of a stored case."""
    return CaseFacts(
        id=row.id,
        state=CaseState(row.state),
        reason=row.reason,
        opened_at=row.opened_at,
        last_mention_at=row.last_mention_at,
        thread=row.thread,
        owner=row.owner,
        owner_name=row.owner_name,
        closed_at=row.closed_at,
        closed_how=row.closed_how,
        texts=tuple(texts),
    )


def of_authors(
    session: Session, author_ids: Iterable[int], *, closed_since: datetime
) -> dict[int, list[tuple[models.Case, CaseFacts]]]:
    """Return the cases a new mention of these authors might join or repeat, locked on PostgreSQL.

    That is all cases not closed, and those closed at or after ``closed_since``.
    """
    table = models.Case
    rows = session.scalars(
        select(table)
        .where(
            col(table.author_id).in_(sorted(set(author_ids))),
            or_(col(table.state).in_(_WAITING), col(table.closed_at) >= closed_since),
        )
        .order_by(col(table.id))
        .with_for_update()
    ).all()
    texts = _latest_texts(session, [row.id for row in rows if row.state in _WAITING])
    found: dict[int, list[tuple[models.Case, CaseFacts]]] = defaultdict(list)
    for row in rows:
        found[row.author_id].append((row, facts_of(row, texts.get(row.id, ()))))
    return found


def _latest_texts(session: Session, case_ids: Sequence[int]) -> dict[int, list[str]]:
    if not case_ids:
        return {}
    table = models.Mention
    rank = func.row_number().over(partition_by=col(table.case_id), order_by=col(table.id).desc()).label("rank")
    ranked = select(col(table.case_id), col(table.text), rank).where(col(table.case_id).in_(case_ids)).subquery()
    texts: dict[int, list[str]] = defaultdict(list)
    query = select(ranked.c.case_id, ranked.c.text).where(ranked.c.rank <= TEXTS_A_CASE_MAX)
    for case_id, text in session.execute(query.order_by(ranked.c.case_id, ranked.c.rank)):
        texts[case_id].append(text)
    return texts


def holds_expired(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Return cases nobody took before their hold ran out, longest waiting first."""
    table = models.Case
    query = (
        select(col(table.id))
        .where(col(table.hold_expires_at) <= now, col(table.state) == CaseState.OPEN.value)
        .order_by(col(table.hold_expires_at), col(table.id))
        .limit(limit)
    )
    return list(session.scalars(query))


def mention_ids(session: Session, case_id: int) -> list[int]:
    """Return the mentions of a case, oldest first."""
    table = models.Mention
    query = select(col(table.id)).where(col(table.case_id) == case_id).order_by(col(table.id))
    return [cast("int", mention_id) for mention_id in session.scalars(query)]
