"""Journals and lines, their one canonical form, and the chain of hashes (specification 1.3 and 1.10)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

Basis = Literal["N", "E", "M", "R"]
"""Counted, estimated, measured, realised."""

Status = Literal["posted", "pending"]
"""Work that happened, or work that is expected."""

Resolution = Literal["post", "void"]
"""What became of a pending journal."""

NAMESPACE: Final = UUID("5f0a3a0e-6d5c-5e0b-9c56-0d7c2f3b1a11")
START: Final = "0" * 64
"""What stands before the first journal's hash."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""What the variant's two bits make of a hexadecimal digit of an id."""


class Line(NamedTuple):
    """One side of a journal: ``amount`` > 0 is a debit, < 0 a credit, in the commodity's smallest unit.

    What follows ``dept`` are snapshots at the time of posting. None of them may lead to a person.
    A tuple, because a mention makes about ten of them and a frozen dataclass costs several times as much.
    """

    account: str
    commodity: str
    basis: Basis
    amount: int
    dept: str
    reason: str | None = None
    tag: str | None = None
    channel: str | None = None
    quadrant: str | None = None
    quadrant_source: str | None = None
    segment: str | None = None
    case_id: str | None = None
    product_team: str | None = None
    incident_id: str | None = None
    initiative_id: str | None = None
    config_version: str | None = None

    def mirrored(self) -> Line:
        """The same line on the other side."""
        return self._replace(amount=-self.amount)

    def payload(self) -> tuple[str | int | None, ...]:
        """What the digest covers: the values in order, without the empty ones at the end.

        So a dimension that is added after the last one changes no old digest.
        """
        end = len(self)
        while self[end - 1] is None:
            end -= 1
        return self[:end]


@dataclass(frozen=True)
class Draft:
    """A journal to be posted. The same ``key`` means the same journal, however often it is handed in.

    ``original`` is set where ``effective`` had to move out of a closed period. ``resolves`` and ``reverses`` are
    the keys of other journals. ``group_ref`` is the id of a mention, case, promise or initiative.
    """

    key: str
    kind: str
    status: Status
    effective: date
    lines: tuple[Line, ...]
    original: date | None = None
    resolves: str | None = None
    resolution: Resolution | None = None
    reverses: str | None = None
    group_ref: str = ""
    memo: str = ""
    actor_ref: str = ""

    @property
    def wanted(self) -> date:
        """The date the event belongs to, whether or not its period was still open."""
        return self.original or self.effective

    @property
    def says_nothing(self) -> bool:
        """True when it would move nothing and end nothing, such as work that takes no time: it is left out."""
        return not self.lines and self.resolution != "void"

    @cached_property
    def sha256(self) -> str:
        """The digest of everything in the draft."""
        return digest(self.payload())

    def payload(self) -> dict[str, Any]:
        """What the digest covers: all of the draft; what is empty is left out."""
        payload: dict[str, Any] = {
            "key": self.key,
            "kind": self.kind,
            "status": self.status,
            "effective": self.effective.isoformat(),
            "lines": [line.payload() for line in self.lines],
        }
        if self.original is not None:
            payload["original"] = self.original.isoformat()
        for name in ("resolves", "resolution", "reverses", "group_ref", "memo", "actor_ref"):
            if value := getattr(self, name):
                payload[name] = value
        return payload


@dataclass(frozen=True, slots=True)
class Journal:
    """A draft in its place in the chain, as it was written."""

    seq: int
    id: str
    draft: Draft
    payload_sha256: str
    prev_hash: str
    hash: str

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.draft.key


def canonical(payload: dict[str, Any]) -> str:
    """Return the one text of a payload: sorted keys, no spaces, no ASCII escapes."""
    return _encode(payload)


def digest(payload: dict[str, Any]) -> str:
    """Return the SHA-256 of a payload's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(payload).encode()).hexdigest()


def journal_id(key: str) -> str:
    """Return the id that belongs to an idempotency key: ``uuid5(NAMESPACE, key)``, made at a third of its cost."""
    sha1 = hashlib.sha1(NAMESPACE.bytes + key.encode(), usedforsecurity=False).hexdigest()
    return f"{sha1[:8]}-{sha1[8:12]}-5{sha1[13:16]}-{_VARIANT[sha1[16]]}{sha1[17:20]}-{sha1[20:32]}"


def chained(prev_hash: str, payload_sha256: str, key: str, seq: int) -> str:
    """Return the hash of a journal that follows ``prev_hash``."""
    return hashlib.sha256(f"{prev_hash}{payload_sha256}{key}{seq}".encode()).hexdigest()


def appended(draft: Draft, *, seq: int, prev_hash: str) -> Journal:
    """Return the journal that ``draft`` becomes at ``seq``."""
    sha256 = draft.sha256
    return Journal(seq, journal_id(draft.key), draft, sha256, prev_hash, chained(prev_hash, sha256, draft.key, seq))
