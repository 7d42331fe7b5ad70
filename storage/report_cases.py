"""What the reports on contacts read: cases with their cost, answers, examples, and how many came by the hour."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, String, and_, cast, func, or_, select, type_coerce
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlmodel import Session, col

from bot.domain import Liveness, Quadrant
from storage import models
from storage.ledger_rows import chunks
from storage.ledger_sums import CASE_SUM
from storage.sql import hour_of

ANSWERS: Final = ("replied", "resolved")
"""Events by which a customer hears from us; who answers elsewhere closes the case here."""

NOT_A_CONTACT: Final = "not_for_us"


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact with its posted cost. ``subject`` is who wrote: a customer where known, else an author."""

    case_id: int
    subject: str
    customer_ref: str
    reason: str
    tag: str
    opened_at: datetime
    closed_at: datetime | None
    is_resolved: bool
    cost_minor: int


def contacts(session: Session, *, since: datetime, until: datetime, unit: str) -> list[ContactRow]:
    """Return the contacts opened from ``since`` to before ``until``, oldest first; what was not for us is none."""
    case, author, customer = models.Case, models.Author, models.Customer
    cost = and_(CASE_SUM.c.case_id == cast(col(case.id), String), CASE_SUM.c.commodity == unit)
    columns = (case.id, case.author_id, case.reason, case.tag, case.opened_at, case.closed_at, case.closed_how)
    query = (
        select(*(col(column) for column in columns), col(customer.id), col(customer.ref), CASE_SUM.c.amount)
        .join(author, col(author.id) == col(case.author_id))
        .outerjoin(customer, col(customer.id) == col(author.customer_id))
        .outerjoin(CASE_SUM, cost)
        .where(col(case.opened_at) >= since, col(case.opened_at) < until, col(case.closed_how) != NOT_A_CONTACT)
        .order_by(col(case.opened_at), col(case.id))
    )
    return [_contact(row) for row in session.execute(query)]


def _contact(row: Any) -> ContactRow:
    case_id, author_id, reason, tag, opened_at, closed_at, closed_how, customer_id, ref, cost = row
    return ContactRow(
        case_id=case_id,
        subject=f"a{author_id}" if customer_id is None else f"c{customer_id}",
        customer_ref=ref or "",
        reason=reason,
        tag=tag,
        opened_at=opened_at,
        closed_at=closed_at,
        is_resolved=closed_how == "resolved",
        cost_minor=int(cost or 0),
    )


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """When a customer first heard from us; None while they have not."""

    tag: str
    queue: str
    opened_at: datetime
    answered_at: datetime | None


def answers(session: Session, *, since: datetime, until: datetime) -> list[AnswerRow]:
    """Return the first answers to the contacts opened from ``since`` to before ``until``."""
    case, event = models.Case, models.CaseEvent
    answered = and_(col(event.case_id) == col(case.id), col(event.kind).in_(ANSWERS))
    query = (
        select(col(case.tag), col(case.queue), col(case.opened_at), func.min(col(event.at)))
        .outerjoin(event, answered)
        .where(col(case.opened_at) >= since, col(case.opened_at) < until, col(case.closed_how) != NOT_A_CONTACT)
        .group_by(col(case.id), col(case.tag), col(case.queue), col(case.opened_at))
        .order_by(col(case.id))
    )
    return [AnswerRow(*row) for row in session.execute(query)]


class CandidateRow(NamedTuple):
    """The mention that opened a case of waste, whether or not it may be shown.

    ``at`` is as the database has it, only good for comparing: a month may have a hundred thousand of these.
    """

    mention_id: int
    reason: str
    at: Any
    cost_minor: int


class CandidateGroup(NamedTuple):
    """All candidates of one reason: their ids with their costs in the same order, and the ids of the latest ones."""

    ids: list[bytes]
    """As digits: that is what the draw hashes."""
    costs: list[int]
    latest: list[bytes]


def candidates(
    session: Session, *, since: datetime, until: datetime, reasons: Collection[str], unit: str
) -> list[CandidateRow]:
    """Return what may stand as an example of waste, if it :func:`may_be_shown`: one mention a case."""
    case, chosen = models.Case, _are_candidates(since=since, until=until, unit=unit)
    query = select(col(case.id), col(case.reason), type_coerce(col(case.opened_at), String), CASE_SUM.c.amount)
    rows = session.connection().execute(query.where(*chosen, col(case.reason).in_(reasons)))
    return [CandidateRow._make(row) for row in rows]


def candidate_groups(
    session: Session, *, since: datetime, until: datetime, reasons: Collection[str], unit: str
) -> dict[str, CandidateGroup]:
    """Return the same by reason, put together by the database: a row of ours for each would take most of the time."""
    case, chosen = models.Case, _are_candidates(since=since, until=until, unit=unit)
    listed = _joined_up(col(case.id)), _joined_up(CASE_SUM.c.amount), func.max(col(case.opened_at))
    # All reasons, though some are wanted: asked for them, SQLite takes an index that has no quadrant.
    query = select(col(case.reason), *listed).where(*chosen).group_by(col(case.reason))
    found = [row for row in session.execute(query) if row[0] in reasons]
    if not found:
        return {}
    at_the_last = [and_(col(case.reason) == reason, col(case.opened_at) == at) for reason, _, _, at in found]
    latest: dict[str, list[bytes]] = {reason: [] for reason, *_ in found}
    for reason, case_id in session.execute(select(col(case.reason), col(case.id)).where(*chosen, or_(*at_the_last))):
        latest[reason].append(b"%d" % case_id)
    return {
        reason: CandidateGroup(ids.encode().split(b","), list(map(int, costs.split(","))), latest[reason])
        for reason, ids, costs, _ in found
    }


def grouped(rows: Sequence[CandidateRow]) -> CandidateGroup:
    """Return rows of one reason, one at the least, as a group."""
    last = max(row.at for row in rows)
    ids, costs = [b"%d" % row.mention_id for row in rows], [row.cost_minor for row in rows]
    return CandidateGroup(ids, costs, [b"%d" % row.mention_id for row in rows if row.at == last])


def _are_candidates(*, since: datetime, until: datetime, unit: str) -> tuple[ColumnElement[bool], ...]:
    """What holds of a case of waste in the month and its cost."""
    case = models.Case
    return (
        CASE_SUM.c.case_id == cast(col(case.id), String),
        CASE_SUM.c.commodity == unit,
        col(case.opened_at) >= since,
        col(case.opened_at) < until,
        col(case.quadrant) == Quadrant.LIABILITY.value,
    )


def _joined_up(column: SQLCoreOperations[Any]) -> ColumnElement[str]:
    """A group's values with commas between; several of them come in one order, because each row goes to all of them."""
    return func.aggregate_strings(cast(column, String), ",")


def may_be_shown(session: Session, mention_ids: Iterable[int]) -> set[int]:
    """Return those of the mentions that are public, alive and not erased."""
    mention, author = models.Mention, models.Author
    found: set[int] = set()
    for chunk in chunks(mention_ids):
        query = (
            select(col(mention.id))
            .join(author, col(author.id) == col(mention.author_id))
            .where(
                col(mention.id).in_(chunk),
                col(mention.is_private).is_(False),
                col(mention.liveness) == Liveness.ALIVE.value,
                col(author.erased_at).is_(None),
            )
        )
        found.update(int(number or 0) for number in session.scalars(query))
    return found


def opened_at(session: Session, case_ids: Collection[int]) -> dict[int, datetime]:
    """Return when cases were opened."""
    query = select(col(models.Case.id), col(models.Case.opened_at)).where(col(models.Case.id).in_(case_ids))
    return {case_id: at for case_id, at in session.execute(query)}  # noqa: C416  # rows are no pairs to mypy


def repeats_by_reason(session: Session, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return how many contacts of each reason followed another one, as it was seen when they came."""
    case = models.Case
    query = (
        select(col(case.reason), func.count())
        .where(
            col(case.opened_at) >= since,
            col(case.opened_at) < until,
            col(case.closed_how) != NOT_A_CONTACT,
            col(case.repeat_kind) != "none",
        )
        .group_by(col(case.reason))
    )
    return {reason: int(number) for reason, number in session.execute(query)}


def living_words_of(session: Session, mention_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """As :func:`words_of`, without mentions that are private, gone, or whose author was erased."""
    mention, author = models.Mention, models.Author
    query = (
        select(col(mention.id), col(author.handle), col(mention.text))
        .join(author, col(author.id) == col(mention.author_id))
        .where(
            col(mention.id).in_(mention_ids),
            col(mention.is_private).is_(False),
            col(mention.liveness) == Liveness.ALIVE.value,
            col(author.erased_at).is_(None),
        )
    )
    return {mention_id: (handle, text) for mention_id, handle, text in session.execute(query)}


def words_of(session: Session, mention_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return handle and text of mentions, to be masked and cut by whoever shows them; gone ones have no text."""
    mention, author = models.Mention, models.Author
    found: dict[int, tuple[str, str]] = {}
    for chunk in chunks(mention_ids):
        query = (
            select(col(mention.id), col(author.handle), col(mention.text), col(mention.liveness))
            .join(author, col(author.id) == col(mention.author_id))
            .where(col(mention.id).in_(chunk))
        )
        for mention_id, handle, text, liveness in session.execute(query):
            found[mention_id] = (handle, text if liveness == Liveness.ALIVE.value else "")
    return found


def public_words_of(session: Session, mention_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return handle and text of those of the mentions that are public; what is gone has no text."""
    mention = models.Mention
    public = select(col(mention.id)).where(col(mention.id).in_(mention_ids), col(mention.is_private).is_(False))
    return words_of(session, [one for one in session.scalars(public) if one is not None])


def hourly(session: Session, *, since: datetime, until: datetime) -> dict[str, dict[datetime, int]]:
    """Return how many mentions of each reason were posted in each hour (UTC); hours without are left out."""
    mention, tag = models.Mention, models.Tag
    hour = hour_of(session, col(mention.posted_at))
    query = (
        select(col(tag.reason), hour, func.count())
        .join(mention, col(mention.id) == col(tag.mention_id))
        .where(
            col(mention.posted_at) >= since,
            col(mention.posted_at) < until,
            col(tag.is_live),
            col(tag.is_primary),
        )
        .group_by(col(tag.reason), hour)
    )
    found: dict[str, dict[datetime, int]] = {}
    for reason, text, number in session.execute(query):
        found.setdefault(reason, {})[_hour(text)] = int(number)
    return found


def _hour(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)


def cost_of_cases_opened(session: Session, *, reason: str, since: datetime, until: datetime, unit: str) -> int:
    """Return the posted cost of the cases of a reason opened from ``since`` to before ``until``."""
    case = models.Case
    cost = and_(CASE_SUM.c.case_id == cast(col(case.id), String), CASE_SUM.c.commodity == unit)
    query = (
        select(func.sum(CASE_SUM.c.amount))
        .join(case, cost)
        .where(col(case.reason) == reason, col(case.opened_at) >= since, col(case.opened_at) < until)
    )
    found: Any = session.scalar(query)
    return int(found or 0)


def customers_without_contact(session: Session, *, since: datetime, until: datetime, on: date) -> list[str]:
    """Return the customers known on a day who opened no case from ``since`` to before ``until``, by their ref.

    A customer whose source says from when or to when they were one is left out on other days.
    """
    case, author, customer = models.Case, models.Author, models.Customer
    had_contact = (
        select(col(case.id))
        .join(author, col(author.id) == col(case.author_id))
        .where(col(author.customer_id) == col(customer.id), col(case.opened_at) >= since, col(case.opened_at) < until)
        .exists()
    )
    query = select(col(customer.ref)).where(~had_contact, ~_inactive_on(on)).order_by(col(customer.ref))
    return list(session.scalars(query))


def _inactive_on(on: date) -> Any:
    from storage.models_imports import CustomerRecord as Record

    early = col(Record.active_from) > on
    over = col(Record.active_to) < on
    return select(col(Record.id)).where(col(Record.ref) == col(models.Customer.ref), early | over).exists()
