"""A company's own labels: texts with what people say they are, to learn from, to fit on and to measure on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, Literal

from bot.domain import UNCLASSIFIED, Tag
from bot.errors import InputError
from classifiers.calibration import PRECEDENCE
from classifiers.text import normalised

Part = Literal["train", "dev", "test"]
_PARTS: tuple[Part, ...] = ("test", "test", "dev", "train", "train", "train", "train", "train", "train", "train")
"""Of ten texts two are measured on, one is fitted on, seven are learnt from."""


@dataclass(frozen=True, slots=True)
class Own:
    """A text with its true tags. ``reason`` is ``unclassified`` where nobody said one."""

    id: str
    text: str
    tags: frozenset[Tag]
    primary: Tag | None
    reason: str = UNCLASSIFIED

    @property
    def part(self) -> Part:
        """What the text is for."""
        return part_of(self.text)


def part_of(text: str) -> Part:
    """Return what a text is for. By its words alone, so that a copy of it never lies on the other side."""
    digest = sha1(normalised(text).encode(), usedforsecurity=False).digest()
    return _PARTS[int.from_bytes(digest[:4], "big") % len(_PARTS)]


def read_own(path: Path) -> list[Own]:
    """Return the labels of a JSON-lines file: ``text`` and ``tags``, and if there are any ``id, primary, reason``.

    Raises:
        InputError: the file can't be read, or a line is not a label; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read ({error}); give a file of JSON lines in UTF-8 with --own") from error
    return [_parsed(line, f"{path}, line {number}", number) for number, line in enumerate(lines, 1) if line.strip()]


def of_part(labels: Iterable[Own], part: Part) -> list[Own]:
    """Return the labels of one part, the last of those with the same words."""
    return list({normalised(label.text): label for label in labels if label.part == part}.values())


def _parsed(line: str, place: str, number: int) -> Own:
    try:
        row: Mapping[str, Any] = json.loads(line)
        text, names = row["text"], row["tags"]
        if not isinstance(text, str) or not isinstance(names, list):
            raise TypeError  # noqa: TRY301  # told like every other way of not being a label
        tags = frozenset(Tag(name) for name in names)
        primary = Tag(row["primary"]) if row.get("primary") else next((tag for tag in PRECEDENCE if tag in tags), None)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{place}: not a label; write {{"text": "…", "tags": ["complaint"]}} with tags of '
            f"{', '.join(Tag)} or none, and a 'primary' that is one of them"
        ) from error
    if primary is not None and primary not in tags:
        raise InputError(f"{place}: the primary tag {primary} is not one of the tags")
    return Own(str(row.get("id", number)), text, tags, primary, str(row.get("reason") or UNCLASSIFIED))
