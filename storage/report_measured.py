"""The time that was measured on contacts, for what their defaults should be."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, cast, func, select
from sqlmodel import Session, col

from bot.ledger.accounts import CONTACT_ACCOUNTS
from bot.ledger.postings import FOLLOW_UP
from storage import models
from storage.ledger_rows import JOURNAL, LINE

_REVERSING = JOURNAL.alias("reversing")


class MeasuredRow(NamedTuple):
    """A closed contact and the seconds that agents were measured to work on it, promises left out."""

    reason: str
    platform: str
    is_private: bool
    seconds: int
    closed_at: datetime


def contacts(session: Session, *, since: datetime, until: datetime) -> list[MeasuredRow]:
    """Return the contacts resolved after ``since`` and up to ``until`` whose work was measured."""
    case, mention = models.Case, models.Mention
    taken_back = select(_REVERSING.c.seq).where(_REVERSING.c.reverses_id == JOURNAL.c.id).exists()
    seconds = func.sum(LINE.c.amount)
    keys = (col(case.id), col(case.reason), col(mention.platform), col(mention.is_private), col(case.closed_at))
    query = (
        select(*keys, seconds)
        .join(mention, col(mention.id) == col(case.id))
        .join(LINE, LINE.c.case_id == cast(col(case.id), String))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            col(case.closed_at) > since,
            col(case.closed_at) <= until,
            col(case.closed_how) == "resolved",
            JOURNAL.c.kind == "cost",
            JOURNAL.c.memo != FOLLOW_UP,
            LINE.c.commodity == "SEC",
            LINE.c.basis == "M",
            LINE.c.account.in_(CONTACT_ACCOUNTS),
            ~taken_back,
        )
        .group_by(*keys)
        .order_by(col(case.id))
    )
    return [
        MeasuredRow(reason, platform, private, int(spent), closed_at)
        for _, reason, platform, private, closed_at, spent in session.execute(query)
    ]
