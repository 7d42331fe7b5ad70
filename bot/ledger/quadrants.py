"""Quadrant and owners of a contact: five steps, the first that applies wins (specification 1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from bot.domain import Quadrant, RepeatKind, Tag
from bot.ledger.accounts import OF_QUADRANT, SERVICE, SUSPENSE, UNASSIGNED
from bot.ledger.model import CostModel
from bot.ledger.money import WHOLE, Shares, split
from bot.ledger.taxonomy import Override, Reason

OF_TAG: Final = {Tag.COMPLAINT: Quadrant.LIABILITY, Tag.PRAISE: Quadrant.ASSET, Tag.REQUEST: Quadrant.ASSET}
"""The provisional quadrant of a contact without a reason."""


MANUAL: Final = "manual"
"""The source of a cell that a supervisor decided for one case."""


class ByHand(NamedTuple):
    """Where a supervisor has put a contact. Without ``owners`` those stay that it has otherwise."""

    quadrant: Quadrant
    owners: Shares = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a contact stands in the grid, why, and which departments caused it with their shares."""

    quadrant: Quadrant
    quadrant_source: str
    owners: Shares

    @property
    def account(self) -> str:
        """The account that bears the contact: suspense while only its tag is known."""
        return SUSPENSE if self.quadrant_source == "tag" else OF_QUADRANT[self.quadrant]

    @property
    def department(self) -> str:
        """The first owner, who bears what cannot be parted."""
        return self.owners[0][0]


def cell(  # noqa: PLR0913  # the conditions of a rule; a bundle would only rename them
    model: CostModel,
    *,
    tag: Tag,
    reason: str | None,
    text: str = "",
    channel: str = "",
    segment: str = "",
    repeat: RepeatKind = RepeatKind.NONE,
    on: date | None = None,
    by_hand: ByHand | None = None,
) -> Cell:
    """Return the cell of a contact. ``on`` None leaves out the rules that hold only between dates.

    A reason that the taxonomy does not have counts as none. ``text`` is only looked at, never kept.
    """
    known = model.taxonomy.reasons.get(reason) if reason else None
    facts = _Facts(known.id if known else None, tag, text, channel, segment, on)
    rule = _matching_rule(model.taxonomy.overrides, facts)
    quadrant, source = _quadrant(known, rule, tag=tag, repeat=repeat)
    owners = _owners(model, known, rule, source=source, repeat=repeat)
    if by_hand is not None:
        return Cell(by_hand.quadrant, MANUAL, by_hand.owners or owners)
    return Cell(quadrant, source, owners)


def _quadrant(known: Reason | None, rule: Override | None, *, tag: Tag, repeat: RepeatKind) -> tuple[Quadrant, str]:
    if rule is not None:
        return rule.quadrant, f"rule:{rule.id}"
    if known is None:
        return OF_TAG[tag], "tag"
    if repeat is not RepeatKind.NONE and known.quadrant is not Quadrant.ASSET:
        return Quadrant.LIABILITY, "repeat"
    return known.quadrant, "reason"


def _owners(
    model: CostModel, known: Reason | None, rule: Override | None, *, source: str, repeat: RepeatKind
) -> Shares:
    if rule is not None and rule.owners:
        return rule.owners
    if known is None:
        return ((UNASSIGNED, WHOLE),)
    if source == "repeat" and repeat is RepeatKind.AFTER_RESOLVED:
        return _after_resolved(model, known.owners)
    return known.owners


def _after_resolved(model: CostModel, owners: Shares) -> Shares:
    """Who bears a contact that came back although we had closed it as resolved."""
    if model.after_resolved_owner == "owner":
        return owners
    if model.after_resolved_owner == "service":
        return ((SERVICE, WHOLE),)
    half = WHOLE // 2
    shares = {SERVICE: half}
    for name, points in split(half, owners):
        shares[name] = shares.get(name, 0) + points
    return tuple((name, points) for name, points in shares.items() if points)


class _Facts(NamedTuple):
    """What the conditions of a rule are held against."""

    reason: str | None
    tag: Tag
    text: str
    channel: str
    segment: str
    on: date | None


def _matching_rule(overrides: Iterable[Override], facts: _Facts) -> Override | None:
    return next((rule for rule in overrides if _matches(rule, facts)), None)


def _matches(rule: Override, facts: _Facts) -> bool:
    return (
        (not rule.reason or facts.reason in rule.reason)
        and (not rule.tag or facts.tag in rule.tag)
        and (not rule.channel or facts.channel in rule.channel)
        and (not rule.segment or facts.segment in rule.segment)
        and _in_force(rule, facts.on)
        and (not rule.phrase_any or _pattern(rule.phrase_any).search(facts.text) is not None)
    )


def _in_force(rule: Override, on: date | None) -> bool:
    if on is None:
        return rule.valid_from is None and rule.valid_to is None
    return (rule.valid_from is None or rule.valid_from <= on) and (rule.valid_to is None or on <= rule.valid_to)


@lru_cache(maxsize=256)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_phrase(phrase) for phrase in phrases), re.IGNORECASE)


def _phrase(phrase: str) -> str:
    r"""One word also finds its longer forms (scam: scammed); several must end at a word (not me: not "not meant")."""
    words = phrase.split()
    return r"(?<!\w)" + r"\s+".join(re.escape(word) for word in words) + ("" if len(words) == 1 else r"(?!\w)")
