"""Root-cause notes: what a supervisor says is behind the contacts of a reason (specification 2.5)."""

from __future__ import annotations

from typing import Final

from bot.domain import UNCLASSIFIED
from bot.errors import InputError
from bot.parts import Parts
from bot.reports.figures import one_line
from storage import notes
from storage.db import transaction
from storage.notes import Note

TEXT_MAX: Final = 280
NAME_MAX: Final = 80


def write(parts: Parts, reason: str, text: str, *, by: str) -> str:
    """Write a note on a reason, an empty one to take the last back; return a sentence.

    Raises:
        InputError: there is no such reason, or the note is too long.
    """
    known = parts.model.taxonomy.reasons
    if reason not in known or reason == UNCLASSIFIED:
        names = ", ".join(name for name in known if name != UNCLASSIFIED)
        raise InputError(f"REASON: there is no reason '{one_line(reason)[:NAME_MAX]}' in the taxonomy; known: {names}")
    said, author = one_line(text), one_line(by)
    if not 0 < len(author) <= NAME_MAX:
        raise InputError(f"--by: say who writes the note, in at most {NAME_MAX} characters, such as --by Sue")
    if len(said) > TEXT_MAX:
        raise InputError(f"TEXT: a note has at most {TEXT_MAX} characters, this one {len(said)}; say the cause alone")
    with transaction(parts.database) as session:
        is_new = notes.write(session, Note(reason, said, author, parts.now()))
    if not is_new:
        return f"The note on {reason} says that already." if said else f"There is no note on {reason}."
    return f"Noted on {reason}: {said}" if said else f"The note on {reason} is taken back."
