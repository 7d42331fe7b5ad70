"""Stores what is imported. A row with the same source and external id is there once; its digest says if it changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, SQLColumnExpression, Table, bindparam, insert, select, update
from sqlmodel import Session, SQLModel, col

from storage import models, models_imports
from storage.sql import insert_new

TABLES: Final[Mapping[str, type[SQLModel]]] = {
    "customers": models_imports.CustomerRecord,
    "loyalty_events": models_imports.LoyaltyEvent,
    "drivers": models_imports.Driver,
    "payroll": models_imports.Payroll,
    "goodwill": models_imports.Goodwill,
    "bot_answers": models_imports.BotAnswer,
    "surveys": models_imports.Survey,
    "experiments": models_imports.Experiment,
    "experiment_assignments": models_imports.ExperimentAssignment,
    "initiatives": models_imports.Initiative,
}
"""The table of each kind of import."""

Key = tuple[str, str]
"""Source and external id."""


def digests(session: Session, kind: str, keys: Sequence[Key]) -> dict[Key, str]:
    """Return the digests of the rows that are there, by key."""
    table = _table(kind)
    query = select(table.c.source, table.c.external_id, table.c.digest).where(
        _among((table.c.source, table.c.external_id), keys)
    )
    wanted = set(keys)
    rows = session.connection().execute(query)
    return {(source, name): digest for source, name, digest in rows if (source, name) in wanted}


def _among(
    columns: tuple[SQLColumnExpression[Any], SQLColumnExpression[Any]], pairs: Collection[Key]
) -> ColumnElement[bool]:
    """A little more than the pairs: SQLite reads the whole table for a list of pairs, and an index for two lists."""
    first, second = columns
    return first.in_({one for one, _ in pairs}) & second.in_({other for _, other in pairs})


def insert_rows(session: Session, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new rows; each holds every column."""
    if rows:
        session.connection().execute(insert(_table(kind)), [dict(row) for row in rows])


def replace_rows(session: Session, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows in the place of those with the same keys."""
    table = _table(kind)
    for row in rows:
        of_row = (table.c.source == row["source"]) & (table.c.external_id == row["external_id"])
        session.connection().execute(update(table).where(of_row).values(dict(row)))


def _table(kind: str) -> Table:
    return SQLModel.metadata.tables[str(TABLES[kind].__tablename__)]


def ids_elsewhere(session: Session, kind: str, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return those external ids of the rows that another source has given already."""
    table = _table(kind)
    sources = {row["external_id"]: row["source"] for row in rows}
    query = select(table.c.source, table.c.external_id).where(table.c.external_id.in_(list(sources)))
    found = session.connection().execute(query)
    return {external_id for source, external_id in found if source != sources[external_id]}


def store_customers(session: Session, segments: Mapping[str, str], *, now: datetime) -> dict[str, int]:
    """Store customers by ref with their segment, an empty one changes nothing; return their ids by ref."""
    table = models.Customer
    refs = sorted(segments)
    rows = [{"ref": ref, "segment": segments[ref], "created_at": now} for ref in refs]
    session.execute(insert_new(session, table), rows)
    known = {ref: (found, segment) for ref, found, segment in session.execute(_customers(refs))}
    changed = [
        {"of_id": known[ref][0], "new_segment": segments[ref]}
        for ref in refs
        if segments[ref] and segments[ref] != known[ref][1]
    ]
    if changed:
        statement = update(table).where(col(table.id) == bindparam("of_id")).values(segment=bindparam("new_segment"))
        session.connection().execute(statement, changed)
    return {ref: found for ref, (found, _) in known.items()}


def _customers(refs: Sequence[str]) -> Any:
    table = models.Customer
    return select(col(table.ref), col(table.id), col(table.segment)).where(col(table.ref).in_(refs))


def linked(session: Session, authors: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return to which customer's ref these authors, by platform and id, are linked; unlinked ones are left out."""
    author, customer = models.Author, models.Customer
    query = (
        select(col(author.platform), col(author.external_id), col(customer.ref))
        .join(customer, col(customer.id) == col(author.customer_id))
        .where(_among((col(author.platform), col(author.external_id)), authors))
    )
    wanted = set(authors)
    rows = session.execute(query)
    return {(platform, name): ref for platform, name, ref in rows if (platform, name) in wanted}


def link_authors(session: Session, customers: Mapping[tuple[str, str], int], *, now: datetime) -> None:
    """Link authors, by platform and id, to customers; one who has not written yet is linked beforehand."""
    if not customers:
        return
    table = models.Author
    keys = sorted(customers)
    session.execute(
        insert_new(session, table),
        [
            {"platform": platform, "external_id": external_id, "handle": "", "name": "", "seen_at": now}
            for platform, external_id in keys
        ],
    )
    statement = (
        update(table)
        .where(
            col(table.platform) == bindparam("of_platform"),
            col(table.external_id) == bindparam("of_id"),
            col(table.erased_at).is_(None),
        )
        .values(customer_id=bindparam("new_customer"))
    )
    rows = [
        {"of_platform": platform, "of_id": external_id, "new_customer": customers[platform, external_id]}
        for platform, external_id in keys
    ]
    session.connection().execute(statement, rows)


def case_of(session: Session, *, case_id: int, platform: str, mention: str) -> models.Case | None:
    """Return a case by its id, or by a mention in it; None where there is none."""
    if case_id:
        return session.get(models.Case, case_id)
    table = models.Mention
    found = session.scalar(
        select(col(table.case_id)).where(col(table.platform) == platform, col(table.external_id) == mention)
    )
    return session.get(models.Case, found) if found else None


def experiments(session: Session, names: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return salt and treatment share of experiments, by name."""
    table = models_imports.Experiment
    query = select(col(table.external_id), col(table.salt), col(table.treatment_bp))
    rows = session.execute(query.where(col(table.external_id).in_(list(names))))
    return {name: (salt, points) for name, salt, points in rows}


def assigned(session: Session, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those pairs of experiment and customer that have an arm already."""
    table = models_imports.ExperimentAssignment
    query = select(col(table.experiment), col(table.customer_ref)).where(
        _among((col(table.experiment), col(table.customer_ref)), pairs)
    )
    return {(experiment, ref) for experiment, ref in session.execute(query)} & set(pairs)
