"""What the rules about cases read and write: the hot path of tagging, and the changes agents make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import and_, bindparam, collate, func, insert, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from bot.domain import CaseFacts, CaseState, Liveness, Mention
from bot.errors import StorageError
from storage import models
from storage.mentions import mention_of
from storage.sql import insert_new


class StaleCaseError(StorageError):
    """A case is no longer as it was read."""


TEXTS_A_CASE_MAX = 5
"""How many of a case's latest texts are compared with a new mention."""


@dataclass(frozen=True, slots=True)
class CaseChange:
    """New values for columns of a case, to be written only if its version still is ``version``."""

    case_id: int
    version: int
    values: Mapping[str, Any]


_WAITING = (CaseState.OPEN.value, CaseState.CLAIMED.value)


def open_cases(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new cases; each row holds every column that has no default."""
    if rows:
        session.connection().execute(insert(models.Case), list(rows))


def record_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to the history of cases."""
    if rows:
        session.connection().execute(insert(models.CaseEvent), list(rows))


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


def change(session: Session, changes: Sequence[CaseChange]) -> None:
    """Change cases, each only as it was read.

    Raises:
        StaleCaseError: somebody else changed one meanwhile; the transaction must not commit.
    """
    by_columns: defaultdict[tuple[str, ...], list[CaseChange]] = defaultdict(list)
    for one in changes:
        by_columns[tuple(one.values)].append(one)
    for columns, alike in by_columns.items():
        if _changed_alike(session, columns, alike) != len(alike):
            ids = ", ".join(str(one.case_id) for one in alike)
            raise StaleCaseError(f"one of the cases {ids} was changed by somebody else; the step is tried again")


def _changed_alike(session: Session, columns: Sequence[str], changes: Sequence[CaseChange]) -> int:
    """Change the same columns of many cases in one statement; return how many rows it met."""
    table = models.Case
    statement = (
        update(table)
        .where(col(table.id) == bindparam("of_case"), col(table.version) == bindparam("was_version"))
        .values({"version": bindparam("new_version"), **{name: bindparam(f"new_{name}") for name in columns}})
    )
    rows = [
        {"of_case": one.case_id, "was_version": one.version, "new_version": one.version + 1}
        | {f"new_{name}": value for name, value in one.values.items()}
        for one in changes
    ]
    return session.connection().execute(statement, rows).rowcount


def row_for_update(session: Session, case_id: int) -> models.Case | None:
    """Return a case's row, locked until the transaction ends (SQLite has only one writer anyway)."""
    table = models.Case
    # Read anew, also where this transaction has read it before: cases are changed past the session's objects.
    query = select(table).where(col(table.id) == case_id).with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


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
    table, ids = models.Case, sorted(set(author_ids))
    _lock_authors(session, ids)
    rows = session.scalars(
        select(table)
        .where(
            col(table.author_id).in_(ids),
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


def of_other_accounts(
    session: Session, author_ids: Iterable[int], *, closed_since: datetime
) -> dict[int, list[CaseFacts]]:
    """Return, for each author who is a known customer, the cases of that customer's other accounts, without texts.

    They may be repeated and are never joined, so they are only read. The same limits as in :func:`of_authors`.
    """
    table, mine, other = models.Case, aliased(models.Author), aliased(models.Author)
    query = (
        select(col(mine.id), table)
        .join(other, and_(col(other.customer_id) == col(mine.customer_id), col(other.id) != col(mine.id)))
        .join(table, col(table.author_id) == col(other.id))
        .where(
            col(mine.id).in_(set(author_ids)),
            or_(col(table.state).in_(_WAITING), col(table.closed_at) >= closed_since),
        )
        .order_by(col(table.id))
    )
    found: dict[int, list[CaseFacts]] = defaultdict(list)
    for author_id, row in session.execute(query):
        found[author_id].append(facts_of(row))
    return found


def before(session: Session, row: models.Case, *, closed_since: datetime) -> list[CaseFacts]:
    """Return the other cases of a case's customer that it may repeat, those of other accounts included."""
    table = models.Case
    mine = select(table).where(
        col(table.author_id) == row.author_id,
        col(table.id) != row.id,
        or_(col(table.state).in_(_WAITING), col(table.closed_at) >= closed_since),
    )
    elsewhere = of_other_accounts(session, [row.author_id], closed_since=closed_since)
    return [*map(facts_of, session.scalars(mine)), *elsewhere.get(row.author_id, [])]


def _lock_authors(session: Session, ids: Sequence[int]) -> None:
    """Of two workers that meet the first mentions of one author, the second must see the case the first one opens.

    In the order in which polls store them (that of their names, by code point), so that nobody waits in a circle.
    """
    if session.get_bind().dialect.name == "postgresql":
        author = models.Author
        by_name = [collate(col(name), "C") for name in (author.platform, author.external_id)]
        locked = select(col(author.id)).where(col(author.id).in_(ids)).order_by(*by_name)
        session.execute(locked.with_for_update(key_share=True))  # a poll may store further mentions of them


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


def just_overdue(session: Session, queues: Sequence[str], *, now: datetime, since: datetime, limit: int) -> list[int]:
    """Return claimed cases of some queues whose time ran out since then, of which the history does not say so yet.

    One that was claimed when it was overdue already is none: whoever took it has seen that.
    """
    table, event = models.Case, models.CaseEvent
    is_told = select(col(event.id)).where(
        col(event.case_id) == col(table.id), col(event.kind) == "overdue", col(event.at) >= col(table.due_at)
    )
    query = (
        select(col(table.id))
        .where(
            col(table.queue).in_(queues),
            col(table.state) == CaseState.CLAIMED.value,
            col(table.due_at) <= now,
            col(table.due_at) > since,
            col(table.claimed_at) < col(table.due_at),
            ~is_told.exists(),
        )
        .order_by(col(table.due_at), col(table.id))
        .limit(limit)
    )
    return list(session.scalars(query))


def opened_at(session: Session, case_id: int) -> datetime | None:
    """Return when a case was opened; None when there is no such case."""
    return session.scalar(select(col(models.Case.opened_at)).where(col(models.Case.id) == case_id))


def mention_ids(session: Session, case_id: int) -> list[int]:
    """Return the mentions of a case, oldest first."""
    table = models.Mention
    query = select(col(table.id)).where(col(table.case_id) == case_id).order_by(col(table.id))
    return [cast("int", mention_id) for mention_id in session.scalars(query)]


def action_is_done(session: Session, action_id: str) -> bool:
    """True when an action with this id is in the history: the click was delivered twice."""
    table = models.CaseEvent
    return session.scalar(select(col(table.id)).where(col(table.action_id) == action_id)) is not None


def touch(session: Session, case_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Raise the version of cases whose mentions changed; return (case, new version, queue) of each."""
    if not case_ids:
        return []
    table = models.Case
    statement = (
        update(table)
        .where(col(table.id).in_(case_ids))
        .values(version=col(table.version) + 1)
        .returning(col(table.id), col(table.version), col(table.queue))
        .execution_options(synchronize_session=False)
    )
    return sorted(session.execute(statement).all())


def opening(session: Session, case_id: int) -> tuple[models.Mention, models.Author, str] | None:
    """Return the mention that opened a case, its author, and the segment of the customer behind it."""
    mention, author, customer = models.Mention, models.Author, models.Customer
    query = (
        select(mention, author, col(customer.segment))
        .join(author, col(author.id) == col(mention.author_id))
        .outerjoin(customer, col(customer.id) == col(author.customer_id))
        .where(col(mention.id) == case_id)
    )
    found = session.execute(query).first()
    return (found[0], found[1], found[2] or "") if found else None


def answerable(session: Session, case_id: int) -> Mention | None:
    """Return the latest post of a case that can be answered: it is still there; None when none is."""
    mention, author = models.Mention, models.Author
    query = (
        select(mention, author)
        .join(author, col(author.id) == col(mention.author_id))
        .where(
            col(mention.case_id) == case_id,
            col(mention.liveness) != Liveness.DELETED.value,
            col(author.erased_at).is_(None),
        )
    )
    found = session.execute(query.order_by(col(mention.id).desc()).limit(1)).first()
    return mention_of(found[0], found[1]) if found else None


def came_back_at(session: Session, case_id: int) -> datetime | None:
    """Return when the mention was posted that re-opened a case last; None for one that never was."""
    event, mention = models.CaseEvent, models.Mention
    query = select(event).where(col(event.case_id) == case_id, col(event.kind) == "reopened")
    back = session.scalar(query.order_by(col(event.id).desc()).limit(1))
    if back is None:
        return None
    posted_at = session.scalar(select(col(mention.posted_at)).where(col(mention.id) == back.detail["mention"]))
    return min(posted_at, back.at) if posted_at else back.at


def newest_tagging(session: Session, mention_id: int) -> models.Tagging | None:
    """Return the tagging of a mention that counts; None before the first."""
    table = models.Tagging
    return session.scalar(
        select(table).where(col(table.mention_id) == mention_id).order_by(col(table.n).desc()).limit(1)
    )


def merged_into(session: Session, case_id: int) -> list[int]:
    """Return the cases that turned out to be this one."""
    table = models.Case
    return list(session.scalars(select(col(table.id)).where(col(table.merged_into) == case_id).order_by(col(table.id))))
