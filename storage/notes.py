"""Root-cause notes on reasons: who wrote what when; the newest counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlmodel import Session, col

from storage.models_notes import ReasonNote


@dataclass(frozen=True, slots=True)
class Note:
    """What a supervisor says is behind the contacts of a reason."""

    reason: str
    text: str
    written_by: str
    written_at: datetime


def write(session: Session, note: Note) -> bool:
    """Store a note, an empty one to take the last back; False when the reason's note says just that already."""
    known = newest(session).get(note.reason)
    if (known.text if known else "") == note.text:
        return False
    values = {"reason": note.reason, "text": note.text, "written_by": note.written_by, "written_at": note.written_at}
    session.execute(insert(ReasonNote).values(**values))
    return True


def newest(session: Session, *, until: datetime | None = None) -> dict[str, Note]:
    """Return each reason's note as it stands, at ``until`` where that is given; reasons without one are left out."""
    latest = select(func.max(col(ReasonNote.id))).group_by(col(ReasonNote.reason))
    if until is not None:
        latest = latest.where(col(ReasonNote.written_at) < until)
    rows = session.scalars(select(ReasonNote).where(col(ReasonNote.id).in_(latest)))
    notes = (Note(row.reason, row.text, row.written_by, row.written_at) for row in rows)
    return {note.reason: note for note in notes if note.text}
