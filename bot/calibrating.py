"""``earmark ledger calibrate``: what measured work says the default minutes should be (specification 1.6).

It proposes and changes nothing: a supervisor puts the lines into the taxonomy, which makes a new version of the model.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import click
from sqlmodel import Session

from bot.app import cost_model_of, open_database
from bot.config import Settings
from bot.ledger.model import CostModel
from bot.ledger.taxonomy import STARTER
from bot.parts import kind_of, utc_now
from bot.reports.data import as_data
from bot.reports.measured import CONTACTS_MIN, WINDOW, DefaultProposal, MeasuredContact, default_proposals
from storage import db, report_measured

NOTHING: Final = (
    f"No default is proposed: no reason has {CONTACTS_MIN} measured contacts on one kind of channel in the last"
    f" {WINDOW.days} days whose median differs from it."
)


def run(settings: Settings, *, as_json: bool, now: Callable[[], datetime] = utc_now) -> None:
    """Print the medians that differ from the defaults, and the lines of the taxonomy that accept them.

    Raises:
        StorageError: the database is unreachable or has an older schema.
    """
    model = cost_model_of(settings.ledger)
    database = open_database(settings)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            found = proposals(session, model, now())
    finally:
        database.dispose()
    text = accepting(found, model, settings.ledger.taxonomy)
    if as_json:
        click.echo(json.dumps({"proposals": as_data(found), "toml": text}, ensure_ascii=False))
    else:
        click.echo(text if found else NOTHING)


def proposals(session: Session, model: CostModel, as_of: datetime) -> tuple[DefaultProposal, ...]:
    """Return the medians of contacts measured in the last 90 days that differ from what the model expects."""
    contacts = [
        MeasuredContact(row.reason, kind_of(row.platform, is_private=row.is_private), row.seconds, row.closed_at)
        for row in report_measured.contacts(session, since=as_of - WINDOW, until=as_of)
        # What has no reason yet has no default of its own either.
        if row.reason in model.taxonomy.reasons
    ]
    pairs = {(contact.reason, contact.kind) for contact in contacts}
    return default_proposals(
        contacts, as_of=as_of, defaults={pair: model.estimate(*pair).seconds for pair in sorted(pairs)}
    )


def accepting(found: Sequence[DefaultProposal], model: CostModel, taxonomy_file: str) -> str:
    """Return the lines of the taxonomy that accept the proposals, with where they belong as comments."""
    if not found:
        return ""
    by_reason: defaultdict[str, list[DefaultProposal]] = defaultdict(list)
    for proposal in found:
        by_reason[proposal.reason].append(proposal)
    head = (
        []
        if taxonomy_file
        else [f'# Copy {STARTER} and name the copy in the config: ledger.taxonomy = "taxonomy.toml".']
    )
    entries = [line for reason, rows in by_reason.items() for line in _entry(reason, rows, model)]
    tail = ["", "# Then bring what is posted in open periods up to it: earmark ledger reclass --dry-run"]
    return "\n".join([*head, *entries, *tail])


def _entry(reason: str, rows: Sequence[DefaultProposal], model: CostModel) -> list[str]:
    seconds = dict(model.taxonomy.reason(reason).channel_seconds) | {row.kind: row.median_seconds for row in rows}
    told = [
        f"# {row.kind}: the median of {row.contacts} measured contacts is {row.median_seconds} s,"
        f" the default {row.default_seconds} s"
        for row in rows
    ]
    table = ", ".join(f"{kind} = {number}" for kind, number in sorted(seconds.items()))
    return ["", f'# At the [[reason]] with id = "{reason}":', *told, f"channel_seconds = {{ {table} }}"]
