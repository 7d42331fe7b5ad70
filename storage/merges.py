"""Two cases that are one: whose they are, and what moves."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlmodel import Session, col

from storage import models


def are_of_one_customer(session: Session, one: int, other: int) -> bool:
    """True when the same author opened both cases, or the authors are one customer."""
    case, author = models.Case, models.Author
    query = select(col(author.id), col(author.customer_id)).join(case, col(case.author_id) == col(author.id))
    found = session.execute(query.where(col(case.id).in_([one, other]))).all()
    if len({row.id for row in found}) == 1:
        return True
    customers = {row.customer_id for row in found}
    return len(customers) == 1 and None not in customers


def move_mentions(session: Session, case_id: int, *, to: int) -> None:
    """Give the mentions of a case to another, and what had been merged into it before."""
    mention, case = models.Mention, models.Case
    moved = update(mention).where(col(mention.case_id) == case_id).values(case_id=to)
    session.execute(moved.execution_options(synchronize_session=False))
    followed = update(case).where(col(case.merged_into) == case_id).values(merged_into=to)
    session.execute(followed.execution_options(synchronize_session=False))
