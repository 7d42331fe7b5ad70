"""Requests passed on to product teams: opened, joined, answered, and whether their customers were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Select, String, and_, func, literal, or_, select, update
from sqlalchemy import cast as as_type
from sqlmodel import Session, col

from bot.domain import Actor, RequestState
from bot.views import AskedFor, PassedRequest
from storage import models
from storage.models_requests import ProductRequest, RequestAsk, RequestEvent
from storage.sql import changed, insert_new

_ENDED: Final = (RequestState.SHIPPED.value, RequestState.DECLINED.value)
_NOT_A_CONTACT: Final = "dismissed"
_TIMES: Final = {
    RequestState.PASSED: "passed_at",
    RequestState.ACKNOWLEDGED: "acknowledged_at",
    RequestState.PLANNED: "planned_at",
    RequestState.SHIPPED: "ended_at",
    RequestState.DECLINED: "ended_at",
}


# -- opening and joining ------------------------------------------------------------------------------------------


def open_or_find(session: Session, *, team: str, title: str, title_key: str, now: datetime) -> tuple[int, bool]:
    """Return the open request of a team with that title, and whether it was opened now."""
    row = {"team": team, "title": title, "title_key": title_key, "created_at": now}
    blank = {"state": RequestState.NEW.value, "why": "", "version": 1}
    opened = session.scalar(
        insert_new(session, ProductRequest).values(**row, **blank).returning(col(ProductRequest.id))
    )
    if opened is not None:
        return opened, True
    same = (col(ProductRequest.team) == team, col(ProductRequest.title_key) == title_key, _is_open())
    return cast("int", session.scalar(select(col(ProductRequest.id)).where(*same))), False


def _is_open() -> Any:
    return col(ProductRequest.state).not_in(_ENDED)


def row_for_update(session: Session, request_id: int) -> ProductRequest | None:
    """Return a request's row, locked until the transaction ends (SQLite has only one writer anyway)."""
    query = select(ProductRequest).where(col(ProductRequest.id) == request_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def ask(session: Session, request_id: int, case: models.Case, *, now: datetime) -> bool:
    """Note that the customer of a case asks for it; False when that is noted already."""
    row = {"request_id": request_id, "case_id": case.id, "asked_at": case.opened_at, "joined_at": now, "told_by": ""}
    statement = insert_new(session, RequestAsk).values(**row)
    return session.scalar(statement.returning(col(RequestAsk.case_id))) is not None


def move(session: Session, case_id: int, *, to: int) -> None:
    """Give what a case asks for to the case that it was merged into; what both ask for is asked once."""
    both = select(col(RequestAsk.request_id)).where(col(RequestAsk.case_id) == to)
    moved = update(RequestAsk).where(col(RequestAsk.case_id) == case_id, col(RequestAsk.request_id).not_in(both))
    changed(session, moved.values(case_id=to))


# -- answering ----------------------------------------------------------------------------------------------------


def step(session: Session, row: ProductRequest, to: RequestState, *, why: str, now: datetime) -> bool:
    """Write an answer; False when somebody else was faster. The first answer acknowledges, whatever it is."""
    values: dict[str, Any] = {"state": to.value, "version": row.version + 1, _TIMES[to]: now}
    if to is not RequestState.PASSED and row.acknowledged_at is None:
        values["acknowledged_at"] = now
    if why:
        values["why"] = why
    as_read = update(ProductRequest).where(col(ProductRequest.id) == row.id, col(ProductRequest.version) == row.version)
    return changed(session, as_read.values(**values)) == 1


def record(session: Session, request_id: int, kind: str, *, actor: Actor, action_id: str, now: datetime) -> None:
    """Append to the history of a request."""
    event = RequestEvent(
        action_id=action_id, request_id=request_id, kind=kind, actor=actor.ref, actor_name=actor.name, at=now
    )
    session.add(event)


def is_done(session: Session, action_id: str) -> bool:
    """True when an action with this id is in the history: the click was delivered twice."""
    return session.scalar(select(col(RequestEvent.id)).where(col(RequestEvent.action_id) == action_id)) is not None


def untold_cases(session: Session, request_id: int) -> list[models.Case]:
    """Return the cases whose customers still have to be told how a request ended, in the order of their ids."""
    case = models.Case
    query = (
        select(case)
        .join(RequestAsk, col(RequestAsk.case_id) == col(case.id))
        .where(
            col(RequestAsk.request_id) == request_id,
            col(RequestAsk.told_at).is_(None),
            col(case.state) != _NOT_A_CONTACT,
        )
        .order_by(col(case.id))
    )
    return list(session.scalars(query.with_for_update()))


def tell(session: Session, case_id: int, actor: Actor, *, now: datetime) -> list[int]:
    """Note that the customer of a case was told of all that ended; return the requests, in order."""
    ended = select(col(ProductRequest.id)).where(col(ProductRequest.state).in_(_ENDED))
    untold = (
        update(RequestAsk)
        .where(
            col(RequestAsk.case_id) == case_id,
            col(RequestAsk.told_at).is_(None),
            col(RequestAsk.request_id).in_(ended),
        )
        .values(told_at=now, told_by=actor.ref)
        .returning(col(RequestAsk.request_id))
    )
    return sorted(session.scalars(untold.execution_options(synchronize_session=False)))


# -- reading ------------------------------------------------------------------------------------------------------


def _customers(condition: Any = None) -> Any:
    """Distinct people: customers where they are known, else authors. A case that is not for us asks for nothing."""
    author = models.Author
    who = func.coalesce(
        literal("c").concat(as_type(col(author.customer_id), String)),
        literal("a").concat(as_type(col(author.id), String)),
    )
    counted = func.count(who.distinct())
    return counted if condition is None else counted.filter(condition)


def _with_askers(*columns: Any, at: datetime | None = None) -> Select[Any]:
    """Columns of requests with those who ask for them; with ``at`` only those who did by then."""
    case, author = models.Case, models.Author
    asks = col(RequestAsk.request_id) == col(ProductRequest.id)
    if at is not None:
        asks = and_(asks, col(RequestAsk.asked_at) <= at, col(RequestAsk.joined_at) <= at)
    query: Select[Any] = select(*columns).select_from(ProductRequest)
    return (
        query.outerjoin(RequestAsk, asks)
        .outerjoin(case, and_(col(case.id) == col(RequestAsk.case_id), col(case.state) != _NOT_A_CONTACT))
        .outerjoin(author, col(author.id) == col(case.author_id))
        .group_by(col(ProductRequest.id))
    )


def _viewed() -> Select[Any]:
    first = func.min(col(RequestAsk.asked_at))
    told = _customers(col(RequestAsk.told_at).is_not(None))
    # Answers are written past the objects of the session, which must not be shown as they were read before.
    return _with_askers(ProductRequest, _customers(), first, told).execution_options(populate_existing=True)


def _view(row: Any) -> PassedRequest:
    request, customers, first_asked, told = row
    return PassedRequest(
        id=request.id,
        team=request.team,
        title=request.title,
        state=RequestState(request.state),
        why=request.why,
        customers=customers,
        customers_told=told,
        first_asked_at=first_asked or request.created_at,
        passed_at=request.passed_at,
        acknowledged_at=request.acknowledged_at,
        planned_at=request.planned_at,
        ended_at=request.ended_at,
        version=request.version,
    )


def find(session: Session, request_id: int) -> PassedRequest | None:
    """Return a request; None when there is none."""
    row = session.execute(_viewed().where(col(ProductRequest.id) == request_id)).first()
    return _view(row) if row else None


def listed(session: Session, *, team: str = "", is_open: bool = False, limit: int) -> list[PassedRequest]:
    """Return requests, those that still go on first, of these the oldest; of a team, or of all."""
    query = _viewed()
    if team:
        query = query.where(col(ProductRequest.team) == team)
    if is_open:
        query = query.where(_is_open())
    ended = col(ProductRequest.state).in_(_ENDED)
    ordered = query.order_by(ended, col(ProductRequest.ended_at).desc(), col(ProductRequest.id))
    return [_view(row) for row in session.execute(ordered.limit(limit))]


def count(session: Session) -> int:
    """Return how many requests there are."""
    return session.scalar(select(func.count()).select_from(ProductRequest)) or 0


def teams(session: Session) -> list[str]:
    """Return the teams that have requests."""
    return sorted(session.scalars(select(col(ProductRequest.team)).distinct()))


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to a request."""

    kind: str
    actor_name: str
    at: datetime


def history(session: Session, request_id: int) -> list[HistoryLine]:
    """Return what happened to a request, oldest first."""
    rows = session.scalars(
        select(RequestEvent).where(col(RequestEvent.request_id) == request_id).order_by(col(RequestEvent.id))
    )
    return [HistoryLine(row.kind, row.actor_name, row.at) for row in rows]


def cases_of(session: Session, request_id: int) -> list[tuple[int, bool]]:
    """Return the cases that ask for it, in order, each with whether its customer was told how it ended."""
    case = models.Case
    query = (
        select(col(case.id), col(RequestAsk.told_at))
        .join(RequestAsk, col(RequestAsk.case_id) == col(case.id))
        .where(col(RequestAsk.request_id) == request_id, col(case.state) != _NOT_A_CONTACT)
        .order_by(col(case.id))
    )
    return [(case_id, told_at is not None) for case_id, told_at in session.execute(query)]


def of_case(session: Session, case_id: int) -> tuple[AskedFor, ...]:
    """Return what the customer of a case asks product teams for, in the order of the requests."""
    query = (
        select(ProductRequest, col(RequestAsk.told_at))
        .join(RequestAsk, col(RequestAsk.request_id) == col(ProductRequest.id))
        .where(col(RequestAsk.case_id) == case_id)
        .order_by(col(ProductRequest.id))
    )
    return tuple(
        AskedFor(
            cast("int", row.id),
            row.title,
            row.team,
            RequestState(row.state),
            row.why,
            to_tell=row.state in _ENDED and told_at is None,
        )
        for row, told_at in session.execute(query)
    )


@dataclass(frozen=True, slots=True)
class StoodAt:
    """A request as it stood at a moment: what came later is not in it."""

    id: int
    team: str
    state: RequestState
    customers: int
    customers_told: int
    first_asked_at: datetime
    passed_at: datetime | None
    acknowledged_at: datetime | None


def stood(session: Session, *, at: datetime, since: datetime) -> list[StoodAt]:
    """Return the requests that there were at a moment, but those that had ended before ``since``, by id."""
    told = _customers(col(RequestAsk.told_at) <= at)
    query = _with_askers(ProductRequest, _customers(), func.min(col(RequestAsk.asked_at)), told, at=at).where(
        col(ProductRequest.created_at) <= at,
        or_(col(ProductRequest.ended_at).is_(None), col(ProductRequest.ended_at) >= since),
    )
    return [_stood(row, at) for row in session.execute(query.order_by(col(ProductRequest.id)))]


def _stood(row: Any, at: datetime) -> StoodAt:
    request, customers, first_asked, told = row
    reached = [
        state
        for state, name in _TIMES.items()
        if (moment := getattr(request, name)) is not None and moment <= at and _is_of(request, state)
    ]
    return StoodAt(
        id=request.id,
        team=request.team,
        state=reached[-1] if reached else RequestState.NEW,
        customers=customers,
        customers_told=told,
        first_asked_at=first_asked or request.created_at,
        passed_at=_by(request.passed_at, at),
        acknowledged_at=_by(request.acknowledged_at, at),
    )


def _is_of(request: ProductRequest, state: RequestState) -> bool:
    """The time of an end is that of the one end there was."""
    return state.value not in _ENDED or state.value == request.state


def _by(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment <= at else None


# -- erasing ------------------------------------------------------------------------------------------------------


def blank_words(session: Session, author_id: int) -> None:
    """Blank the words of requests for which nobody but this author ever asked; what others ask for too stays."""
    case = models.Case
    asked = select(col(RequestAsk.request_id)).join(case, col(case.id) == col(RequestAsk.case_id))
    mine = asked.where(col(case.author_id) == author_id)
    of_others = asked.where(col(case.author_id) != author_id)
    alone = update(ProductRequest).where(col(ProductRequest.id).in_(mine), col(ProductRequest.id).not_in(of_others))
    # The key stays unique among the open ones of a team.
    gone = literal("erased:").concat(as_type(col(ProductRequest.id), String))
    changed(session, alone.values(title="", title_key=gone, why=""))
