"""Loads a file in batches, each one transaction: what was loaded before a crash is known by its ids afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlmodel import Session

from bot import pipeline
from bot.domain import Author, Mention
from bot.imports.effects import EFFECTS, Accepted, Outcome, Read, Refused
from bot.imports.kinds import Kind
from bot.imports.reader import Line, lines
from bot.parts import Parts
from storage import channels, imports, ledger, mentions
from storage.db import transaction

BATCH: Final = 500

SOURCE: Final = "csv"
"""The source of lines that name none. Not the file's name: the same lines in a renamed file are the same lines."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file's lines."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(
            self.read + other.read,
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.refused + other.refused,
        )


def load(
    parts: Parts,
    kind: Kind,
    path: Path,
    *,
    dry_run: bool = False,
    refuse: Callable[[Refused], None] = lambda _refused: None,
    advance: Callable[[int], None] = lambda _bytes: None,
) -> Loaded:
    """Import a file; each line that cannot be is handed to ``refuse``, the others go on.

    A dry run does all of it and takes every batch back. It does not see that a line repeats one of an earlier batch.

    Raises:
        InputError: the file cannot be read at all.
        StorageError: the database is unreachable.
    """
    total = Loaded()
    for batch in _batches(lines(path, advance=advance), BATCH):
        readable, refused = _read(kind, batch)
        with transaction(parts.database) as session:
            # Payroll, goodwill and the like come from finance; what customers wrote comes from anybody.
            if kind.name != "mentions":
                ledger.trust(session)
            outcome, more = _store(parts, session, kind, readable)
            if dry_run:
                session.rollback()
        for one in sorted([*refused, *more], key=lambda one: one.number):
            refuse(one)
        total += Loaded(len(batch), *outcome, len(refused) + len(more))
    return total


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _read(kind: Kind, batch: Sequence[Line]) -> tuple[list[Read], list[Refused]]:
    readable = []
    refused = [Refused(line.number, line.problem) for line in batch if line.problem]
    for line in batch:
        if line.problem:
            continue
        try:
            values = kind.read(line.fields, source=SOURCE)
        except ValueError as error:
            refused.append(Refused(line.number, str(error)))
        else:
            readable.append(Read(line.number, values, _digest(values)))
    return readable, refused


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _store(
    parts: Parts, session: Session, kind: Kind, batch: Sequence[Read]
) -> tuple[tuple[int, int, int], list[Refused]]:
    """Write a batch; return how many were new, changed and unchanged, and what was refused."""
    if kind.name == "mentions":
        new = _store_mentions(parts, session, batch)
        return (new, 0, len(batch) - new), []
    known = imports.digests(session, kind.name, [line.key for line in batch])
    once, refused = _once(batch)
    fresh = [line for line in once if line.key not in known]
    differing = [line for line in once if line.key in known and known[line.key] != line.digest]
    outcomes = list(EFFECTS[kind.name](parts, session, fresh)) if fresh else []
    accepted = _write(parts, session, kind, outcomes)
    changed, more = _change(parts, session, kind, differing)
    refused += [one for one in outcomes if isinstance(one, Refused)] + more
    return (accepted, changed, len(batch) - accepted - changed - len(refused)), refused


def _once(batch: Sequence[Read]) -> tuple[list[Read], list[Refused]]:
    """The first line of each key; the same line again is nothing new, a differing one is refused."""
    first: dict[imports.Key, Read] = {}
    refused = []
    for line in batch:
        known = first.setdefault(line.key, line)
        if known.digest != line.digest:
            refused.append(Refused(line.number, f"line {known.number} has the same external_id and other values"))
    return list(first.values()), refused


def _write(parts: Parts, session: Session, kind: Kind, outcomes: Sequence[Outcome]) -> int:
    rows = [_row(parts, one) for one in outcomes if isinstance(one, Accepted)]
    imports.insert_rows(session, kind.name, rows)
    return len(rows)


def _change(parts: Parts, session: Session, kind: Kind, differing: Sequence[Read]) -> tuple[int, list[Refused]]:
    if not kind.may_change:
        reason = "was imported before with other values; a fact is not changed, correct it by a new line"
        return 0, [Refused(line.number, reason) for line in differing]
    outcomes = list(EFFECTS[kind.name](parts, session, differing)) if differing else []
    rows = [_row(parts, one) for one in outcomes if isinstance(one, Accepted)]
    imports.replace_rows(session, kind.name, rows)
    return len(rows), [one for one in outcomes if isinstance(one, Refused)]


def _row(parts: Parts, accepted: Accepted) -> dict[str, Any]:
    return accepted.row | {"digest": accepted.line.digest, "imported_at": parts.now()}


def _store_mentions(parts: Parts, session: Session, batch: Sequence[Read]) -> int:
    """The way of polled mentions: stored once, tagged by whoever tags."""
    by_channel: dict[str, list[Mention]] = {}
    for line in batch:
        by_channel.setdefault(line.values["channel"], []).append(_mention(parts, line.values))
    channels.ensure(session, sorted(by_channel))
    new = [
        stored
        for name, found in sorted(by_channel.items())
        for stored in mentions.store(session, name, found, now=parts.now())
    ]
    pipeline.call_tagging(parts, session, new)
    return len(new)


def _mention(parts: Parts, values: Any) -> Mention:
    external_id, handle = values["external_id"], values["author"]
    author = Author(handle or f"anonymous:{external_id}", handle, values["author_name"], values["followers"] or None)
    return Mention(
        platform=values["platform"],
        external_id=external_id,
        author=author,
        text=values["text"],
        posted_at=values["created_at"] or parts.now(),
        url=values["url"],
        thread=values["thread"],
        in_reply_to=values["in_reply_to"],
        language=values["language"],
        is_private=values["private"],
    )
