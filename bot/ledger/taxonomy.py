"""The taxonomy: why people write, who causes it, and how long an answer takes (specification 1.5 and 5)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.config import first_problem
from bot.config_values import Name
from bot.domain import UNCLASSIFIED, Quadrant, Tag
from bot.errors import ConfigError, LedgerError
from bot.ledger.accounts import UNASSIGNED
from bot.ledger.money import WHOLE, Shares, check_shares

STARTER: Final = Path(__file__).with_name("starter_taxonomy.toml")
"""The taxonomy that is used until a company writes its own."""

Seconds = Annotated[int, Field(strict=True, gt=0, le=24 * 60 * 60)]

Demand = Literal["failure", "value", "unknown"]
"""Failure demand is caused by not doing something, or not doing it right, for the customer (Seddon)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to write. ``owners`` are the departments that cause it, with their shares in basis points.

    ``seconds`` is what an answer takes when nobody measured it, ``channel_seconds`` what it takes on a kind of channel
    where that is known better: it stands there as it is, no percentage applies. ``phrases`` are examples in customers'
    words.
    """

    id: str
    title: str
    tag: Tag | None
    quadrant: Quadrant
    demand: Demand
    owners: Shares
    seconds: int
    phrases: tuple[str, ...] = ()
    channel_seconds: tuple[tuple[str, int], ...] = ()

    @property
    def minutes(self) -> float:
        """The default in minutes, as the file has it."""
        return self.seconds / 60


@dataclass(frozen=True, slots=True)
class Override:
    """A rule that beats a reason's default. Every condition must hold; an empty one always does.

    ``owners`` empty leaves the reason's owners. The dates are inclusive.
    """

    id: str
    quadrant: Quadrant
    owners: Shares = ()
    why: str = ""
    reason: tuple[str, ...] = ()
    tag: tuple[Tag, ...] = ()
    channel: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    phrase_any: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


UNCLASSIFIED_REASON: Final = Reason(
    id=UNCLASSIFIED,
    title="Not classified yet",
    tag=None,
    quadrant=Quadrant.UNCLASSIFIED,
    demand="unknown",
    owners=((UNASSIGNED, WHOLE),),
    seconds=300,
)
"""Where a contact waits until somebody says why it came. A taxonomy may replace it, never leave it out."""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Reasons by id in file order, and the overrides in the order they are tried."""

    version: str
    reasons: Mapping[str, Reason]
    overrides: tuple[Override, ...] = ()

    def reason(self, id: str | None) -> Reason:  # noqa: A002  # a reason's id is called id everywhere
        """The reason of that id; ``unclassified`` for one that the taxonomy does not have."""
        return self.reasons.get(id or UNCLASSIFIED, self.reasons[UNCLASSIFIED])


def as_shipped(used: Taxonomy) -> int:
    """Return how many reasons take the minutes that Earmark assumes for a reason of that name, so nobody chose them."""
    return sum(reason.seconds == _assumed().get(reason.id) for reason in used.reasons.values())


@cache
def _assumed() -> Mapping[str, int]:
    return {reason.id: reason.seconds for reason in load_taxonomy().reasons.values()}


def taxonomy(version: str, reasons: tuple[Reason, ...], overrides: tuple[Override, ...] = ()) -> Taxonomy:
    """Return a taxonomy of these reasons, with ``unclassified`` added where it is missing."""
    by_id = {reason.id: reason for reason in reasons}
    by_id.setdefault(UNCLASSIFIED, UNCLASSIFIED_REASON)
    return Taxonomy(version, MappingProxyType(by_id), overrides)


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Return the taxonomy of a TOML file; None is the shipped starter.

    Raises:
        ConfigError: the file is missing, is no TOML, or a key is wrong; one sentence with file and key.
    """
    source = path or STARTER
    try:
        raw = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{source}: cannot be read ({error.strerror}); correct ledger.taxonomy in the config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: is not valid TOML ({error}); correct that line") from error
    return parse_taxonomy(raw, source=str(source))


def parse_taxonomy(raw: dict[str, Any], *, source: str) -> Taxonomy:
    """Return the taxonomy of parsed TOML; ``source`` names the file in errors.

    Raises:
        ConfigError: a key is wrong.
    """
    try:
        entry = _File.model_validate(raw)
    except ValidationError as error:
        problem = first_problem(error).replace("config.example.toml", STARTER.name)
        raise ConfigError(f"{source}: {problem}") from error
    return taxonomy(
        entry.version,
        tuple(reason.as_reason() for reason in entry.reason),
        tuple(override.as_override() for override in entry.override),
    )


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("owners", check_fields=False)
    @classmethod
    def _owners_are_whole(cls, owners: Shares) -> Shares:
        names = [name for name, _ in owners]
        if len(set(names)) < len(names):
            raise ValueError("a department stands here twice; add its shares together")
        if owners:
            try:
                check_shares(owners)
            except LedgerError as error:
                raise ValueError(str(error)) from error
        return owners


class _ReasonEntry(_Entry):
    id: Name
    title: str = Field(min_length=1)
    tag: Tag | None = None
    quadrant: Quadrant
    demand: Demand = "unknown"
    owners: Shares = Field(min_length=1)
    minutes: float = Field(gt=0, le=24 * 60)
    channel_seconds: dict[Literal["social", "dm", "chat", "email", "phone"], Seconds] = Field(default_factory=dict)
    phrases: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()

    @field_validator("minutes")
    @classmethod
    def _whole_seconds(cls, minutes: float) -> float:
        if minutes * 60 != round(minutes * 60):
            raise ValueError("this is not a whole number of seconds; write such as 5 or 2.5")
        return minutes

    @model_validator(mode="after")
    def _failure_has_no_customer_value(self) -> _ReasonEntry:
        if self.demand == "failure" and self.quadrant in {Quadrant.ASSET, Quadrant.AUTOMATE}:
            raise ValueError(
                f"failure demand has no value to the customer, so its quadrant cannot be '{self.quadrant}':"
                " write liability or simplify, or demand = 'value'"
            )
        return self

    def as_reason(self) -> Reason:
        values = self.model_dump(exclude={"minutes", "industries", "channel_seconds"})
        seconds, own = round(self.minutes * 60), tuple(sorted(self.channel_seconds.items()))
        return Reason(**values, seconds=seconds, channel_seconds=own)


class _OverrideEntry(_Entry):
    id: Name
    quadrant: Quadrant
    owners: Shares = ()
    why: str = ""
    reason: tuple[str, ...] = ()
    tag: tuple[Tag, ...] = ()
    channel: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    phrase_any: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    @field_validator("reason", "tag", "channel", "segment", "phrase_any", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("phrase_any")
    @classmethod
    def _phrases_have_words(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.search(r"\w", phrase) for phrase in phrases):
            raise ValueError("a phrase needs at least one word")
        return phrases

    def as_override(self) -> Override:
        return Override(**self.model_dump())


class _File(_Entry):
    version: str = Field(min_length=1)
    reason: tuple[_ReasonEntry, ...] = Field(min_length=1)
    override: tuple[_OverrideEntry, ...] = ()

    @model_validator(mode="after")
    def _names_fit_together(self) -> _File:
        ids = [reason.id for reason in self.reason]
        _refuse_twins("reason", ids)
        _refuse_twins("override", [override.id for override in self.override])
        known = {*ids, UNCLASSIFIED}
        for number, override in enumerate(self.override, start=1):
            for reason in override.reason:
                if reason not in known:
                    raise ValueError(f"override[{number}].reason: there is no reason '{reason}'")
        return self


def _refuse_twins(key: str, ids: list[str]) -> None:
    for number, name in enumerate(ids, start=1):
        if name in ids[: number - 1]:
            raise ValueError(f"{key}[{number}].id: '{name}' stands here twice; rename one")
