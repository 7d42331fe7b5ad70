"""What a reclassification reads: which cases stand under another version, what of them, and what accounts hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session, col

from bot.domain import Mention, Tag
from bot.ledger.accounts import CONTACT_ACCOUNTS, GOODWILL, PROMISES
from bot.ledger.journal import Draft
from bot.ledger.reclass import KINDS
from storage import models
from storage.ledger_rows import JOURNAL, LINE, chunks, journals_where
from storage.ledger_sums import SUM
from storage.mentions import mention_of

MOVED_ACCOUNTS = (*CONTACT_ACCOUNTS, GOODWILL, PROMISES)

_REVERSING = JOURNAL.alias("reversing")
_RESOLVING = JOURNAL.alias("resolving")


def cases_under_another_version(
    session: Session, version: str, *, closed_through: date | None, after: str, limit: int
) -> list[str]:
    """Return the next cases that have something standing, posted in open periods or pending, under another version.

    They come in the order of their ids as texts, those behind ``after``.
    """
    acted_on = or_(
        select(_REVERSING.c.seq).where(_REVERSING.c.reverses_id == JOURNAL.c.id).exists(),
        select(_RESOLVING.c.seq).where(_RESOLVING.c.resolves_id == JOURNAL.c.id).exists(),
    )
    query = (
        select(LINE.c.case_id)
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            LINE.c.case_id > after,
            LINE.c.config_version.is_not(None),
            LINE.c.config_version != version,
            JOURNAL.c.kind.in_(KINDS),
            _is_open(closed_through),
            ~acted_on,
        )
    )
    return list(session.scalars(query.distinct().order_by(LINE.c.case_id).limit(limit)))


def _is_open(closed_through: date | None) -> ColumnElement[bool]:
    is_pending: ColumnElement[bool] = JOURNAL.c.status == "pending"
    return or_(is_pending, JOURNAL.c.effective_date > (closed_through or date.min))


def drafts_of(session: Session, case_ids: Sequence[str]) -> dict[str, list[Draft]]:
    """Return the journals with lines about each case in the order of the chain, with those that void their holds."""
    connection = session.connection()
    found: dict[str, list[Draft]] = {}
    for chunk in chunks(case_ids):
        about = select(LINE.c.journal_seq).where(LINE.c.case_id.in_(chunk))
        # A void has no lines; it stands in the group of its case.
        is_void = (JOURNAL.c.kind == "cost_void") & JOURNAL.c.group_ref.in_(chunk)
        for journal in (*journals_where(connection, JOURNAL.c.seq.in_(about)), *journals_where(connection, is_void)):
            draft = journal.draft
            found.setdefault((draft.lines[0].case_id if draft.lines else "") or draft.group_ref, []).append(draft)
    return found


def cases(session: Session, case_ids: Sequence[int]) -> list[models.Case]:
    """Return stored cases, in the order of their ids."""
    table = models.Case
    query = select(table).where(col(table.id).in_(case_ids)).order_by(col(table.id))
    return list(session.scalars(query))


class Told(NamedTuple):
    """A mention as a reclassification looks at it: who wrote it does not matter, what the ledger counts of it does."""

    id: int
    mention: Mention
    segment: str
    """That of the customer behind it."""
    tag: Tag | None
    """The primary tag that is live; None when none is."""
    reason: str


def mentions(session: Session, mention_ids: Sequence[int]) -> dict[int, Told]:
    """Return mentions with their live primary tag and its reason."""
    mention, author, customer, tag = models.Mention, models.Author, models.Customer, models.Tag
    primary = and_(col(tag.mention_id) == col(mention.id), col(tag.is_live), col(tag.is_primary))
    found: dict[int, Told] = {}
    for chunk in chunks(mention_ids):
        query = (
            select(mention, author, col(customer.segment), col(tag.tag), col(tag.reason))
            .join(author, col(author.id) == col(mention.author_id))
            .outerjoin(customer, col(customer.id) == col(author.customer_id))
            .outerjoin(tag, primary)
            .where(col(mention.id).in_(chunk))
        )
        for row, writer, segment, name, reason in session.execute(query):
            tagged = Tag(name) if name else None
            found[int(row.id)] = Told(int(row.id), mention_of(row, writer), segment or "", tagged, reason or "")
    return found


def balances(session: Session, *, closed_through: date | None, unit: str) -> dict[tuple[str, str], int]:
    """Return what is posted in open periods on contacts, goodwill and promises, by account and department."""
    query = (
        select(SUM.c.account, SUM.c.dept, func.sum(SUM.c.amount))
        .where(
            SUM.c.status == "posted",
            SUM.c.effective_date > (closed_through or date.min),
            SUM.c.account.in_(MOVED_ACCOUNTS),
            SUM.c.commodity == unit,
        )
        .group_by(SUM.c.account, SUM.c.dept)
    )
    return {(account, dept): int(amount) for account, dept, amount in session.connection().execute(query)}
