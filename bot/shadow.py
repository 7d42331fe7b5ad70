"""A shadow run: what another model would have said of the mentions that came in last. Nothing is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.domain import Judgement, Tagging
from bot.reports.figures import title
from bot.reports.top import excerpt, masked

EXAMPLES: Final = 10
OTHER: Final = "other"
NAMES: Final = ("complaint", "request", "praise", OTHER)
_HANDLE: Final = re.compile(r"(?<!\w)@(\w+)")


@dataclass(frozen=True, slots=True)
class Pair:
    """A mention's ``text`` as the stored model tagged it and as the new one would; ``held_back`` from learning.

    ``corrected`` is what a person has said since, if one has.
    """

    mention_id: int
    text: str
    model: str
    said: Judgement
    new: Tagging
    corrected: Judgement | None
    held_back: bool

    @property
    def would_say(self) -> Judgement:
        """What the new model says, in the words that stored taggings are told in."""
        return Judgement(tuple(sorted(self.new.tags)), self.new.primary, self.new.reason)


def told(pairs: Sequence[Pair], version: str) -> dict[str, Any]:
    """Return the whole run as data: counts, the confusion of primary tags, who is right, and masked examples."""
    differing = [pair for pair in pairs if _differs(pair)]
    return {
        "mentions": len(pairs),
        "stored_by": dict(Counter(pair.model for pair in pairs).most_common()),
        "new": version,
        "tagged_differently": len(differing),
        "primary_differs": sum(pair.said.primary is not pair.new.primary for pair in pairs),
        "reason_differs": sum(
            bool(pair.said.tags) and bool(pair.new.tags) and pair.said.reason != pair.new.reason for pair in pairs
        ),
        "for_review": sum(bool(pair.new.review) for pair in pairs),
        "primary": _confusion(pairs),
        "corrected": _against_people([pair for pair in pairs if pair.corrected is not None]),
        "examples": [_example(pair) for pair in differing[:EXAMPLES]],
    }


def as_text(run: Mapping[str, Any]) -> str:
    """Return the run in words."""
    count = run["mentions"]
    if not count:
        return "No mention was tagged yet, so there is nothing to tag again.\n"
    stored = ", ".join(f"{model} ({n})" for model, n in run["stored_by"].items())
    share, review = run["tagged_differently"] / count, f"it asks for a person on {run['for_review']}"
    lines = [
        f"The last {count} mentions were tagged by {stored}.",
        f"{run['new']} would give {run['tagged_differently']} of them ({share:.1%}) other tags,",
        f"{run['primary_differs']} another main tag, {run['reason_differs']} another reason; {review}.",
        "",
        "main tag: as stored down, as the new model has it across",
        " " * 10 + "".join(f"{name:>11}" for name in NAMES),
        *(f"{row:10}" + "".join(f"{run['primary'][row][column]:11}" for column in NAMES) for row in NAMES),
        "",
        _people_in_words(run["corrected"]),
    ]
    for one in run["examples"]:
        lines += ["", f"{one['mention']:>7}  {one['stored']} → {one['new']}", f"         {one['text']}"]
    return "\n".join(lines) + "\n"


def _differs(pair: Pair) -> bool:
    return set(pair.said.tags) != set(pair.new.tags) or pair.said.primary is not pair.new.primary


def _confusion(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    found = Counter((_name(pair.said), _name(pair.would_say)) for pair in pairs)
    return {row: {column: found[row, column] for column in NAMES} for row in NAMES}


def _against_people(pairs: Sequence[Pair]) -> dict[str, int]:
    """How often either is what people say, over mentions that no model trained by us has learnt from."""
    fair = [pair for pair in pairs if pair.held_back]
    return {
        "by_people": len(pairs),
        "held_back": len(fair),
        "stored_right": sum(_agree(pair.corrected, pair.said) for pair in fair),
        "new_right": sum(_agree(pair.corrected, pair.would_say) for pair in fair),
    }


def _agree(person: Judgement | None, model: Judgement) -> bool:
    return person is not None and set(person.tags) == set(model.tags) and person.primary is model.primary


def _people_in_words(found: Mapping[str, int]) -> str:
    if not found["held_back"]:
        return f"People judged {found['by_people']} of these mentions; none of them is held back from learning."
    return (
        f"People judged {found['by_people']} of these mentions; of the {found['held_back']} that are held back from "
        f"learning the stored tags are right in {found['stored_right']}, the new ones in {found['new_right']}. "
        "People correct what they notice, so this flatters the new model."
    )


def _example(pair: Pair) -> dict[str, Any]:
    text = _HANDLE.sub(lambda handle: masked(handle.group(1)), pair.text)
    return {
        "mention": pair.mention_id,
        "stored": _in_words(pair.said),
        "new": _in_words(pair.would_say),
        "text": excerpt(text),
    }


def _in_words(said: Judgement) -> str:
    tags = sorted(said.tags, key=lambda tag: (tag is not said.primary, tag))
    return f"{', '.join(tags)}: {title(said.reason)}" if tags else OTHER


def _name(said: Judgement) -> str:
    return said.primary.value if said.primary else OTHER
