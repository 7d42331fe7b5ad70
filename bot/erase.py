"""``earmark erase``: a person asks to be forgotten, or a platform does for him."""

from __future__ import annotations

from bot import dispatch
from bot.errors import InputError
from bot.parts import Parts
from storage import erasure
from storage.db import reading, transaction
from storage.erasure import Found

_EXAMPLE = "write platform:handle or platform:id, such as x:ann_example"


def find(parts: Parts, author: str) -> Found:
    """Return what there is of ``author``, given as ``platform:handle`` or ``platform:id``.

    Raises:
        InputError: there is no such author, or more than one.
    """
    platform, separator, name = author.strip().partition(":")
    if not (platform and separator and name):
        raise InputError(f"AUTHOR: this names no platform; {_EXAMPLE}")
    with reading(parts.database) as session:
        found = erasure.authors(session, platform, name)
        if not found:
            raise InputError(f"AUTHOR: nobody of that handle or id on {platform} is in the database; {_EXAMPLE}")
        if len(found) > 1:
            raise InputError(f"AUTHOR: {len(found)} authors on {platform} have that handle; give the platform's id")
        return erasure.find(session, found[0])


def erase(parts: Parts, author: str) -> Found:
    """Blank text, handle, name, ids and links of ``author`` everywhere outside the ledger; return what was blanked.

    Cards in Slack are redrawn without them. The ledger holds nothing about a person, so no hash or balance moves.

    Raises:
        InputError: there is no such author, or more than one.
    """
    author_id = find(parts, author).author_id
    with transaction(parts.database) as session:
        found = erasure.find(session, author_id)
        erasure.blank(session, found, now=parts.now())
        dispatch.redraw(parts, session, found.case_ids)
    return found


def told(found: Found, *, is_done: bool) -> str:
    """Return what was, or would be, blanked, without a word about whom."""
    verb = "Blanked" if is_done else "Would blank"
    what = f"{len(found.mention_ids)} mentions, {len(found.case_ids)} cases shown without them"
    others = f", {found.referring} posts of others that name one by its id" if found.referring else ""
    return f"{verb}: author {found.author_id}, {what}{others}. The ledger stays as it is."
