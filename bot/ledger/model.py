"""The cost model: what a contact costs when nobody measured it, and what a second costs (specification 1.6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from bot.config import LedgerSettings
from bot.ledger.money import WHOLE, cost_minor, scaled_seconds
from bot.ledger.taxonomy import Override, Reason, Taxonomy

AfterResolvedOwner = Literal["service", "owner", "split"]

FULL_PCT: Final = 100
"""The percentage of a channel kind for which none is configured."""


class Effort(NamedTuple):
    """Work, and its price."""

    seconds: int
    minor: int


@dataclass(frozen=True, slots=True)
class CostModel:
    """Everything that turns an event into amounts. ``config_version`` names exactly these values."""

    config_version: str
    currency: str
    rate_minor_per_hour: int
    channel_pct: Mapping[str, int]
    followon_seconds: int
    after_resolved_owner: AfterResolvedOwner
    taxonomy: Taxonomy
    approved_by: str = ""
    bot_fixed_minor: int = 10
    incident_bulk_seconds: int = 60
    promise_seconds: int = 300
    praise_public_minor: int = 0
    saved_customer_margin_12m_minor: int = 0
    saved_customer_uplift_bp: int = 0
    estimate_expiry_days: int = 180
    repeat_window_days: int = 7
    toml: str = field(default="", repr=False)
    """The values as text, for the ledger's record of configurations."""

    def estimate(self, reason: str | None, kind: str) -> Effort:
        """Default work on a contact for ``reason`` on a channel of ``kind``; kinds not configured count in full."""
        base = self.taxonomy.reason(reason).seconds
        return self.priced(scaled_seconds(base, self.channel_pct.get(kind, FULL_PCT)))

    def priced(self, seconds: int) -> Effort:
        """``seconds`` of work with their price."""
        return Effort(seconds, cost_minor(seconds, self.rate_minor_per_hour))

    @property
    def saved_customer_minor(self) -> int:
        """What a customer at risk who was helped is assumed to be worth: uplift of the margin, not all of it."""
        return (self.saved_customer_margin_12m_minor * self.saved_customer_uplift_bp + WHOLE // 2) // WHOLE

    @property
    def sha256(self) -> str:
        """Digest of :attr:`toml`."""
        return hashlib.sha256(self.toml.encode()).hexdigest()

    @property
    def placeholders(self) -> list[str]:
        """Keys that nobody has approved yet; reports say so."""
        return [] if self.approved_by else ["ledger.cost.rate_minor_per_hour"]


def cost_model(settings: LedgerSettings, taxonomy: Taxonomy) -> CostModel:
    """Return the model of a configuration; equal configurations give equal models and versions."""
    text = _as_toml(settings, taxonomy)
    cost, value = settings.cost, settings.value
    return CostModel(
        config_version=f"{taxonomy.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}",
        currency=settings.currency,
        rate_minor_per_hour=cost.rate_minor_per_hour,
        channel_pct=MappingProxyType(dict(cost.channel_pct)),
        followon_seconds=cost.followon_seconds,
        after_resolved_owner=settings.repeat.after_resolved_owner,
        taxonomy=taxonomy,
        approved_by=cost.approved_by,
        bot_fixed_minor=cost.bot_fixed_minor,
        incident_bulk_seconds=cost.incident_bulk_seconds,
        promise_seconds=cost.promise_seconds,
        praise_public_minor=value.praise_public_minor,
        saved_customer_margin_12m_minor=value.saved_customer_margin_12m_minor,
        saved_customer_uplift_bp=value.saved_customer_uplift_bp,
        estimate_expiry_days=value.estimate_expiry_days,
        toml=text,
    )


def _as_toml(settings: LedgerSettings, taxonomy: Taxonomy) -> str:
    """Only what moves an amount or an account: a phrase more in a reason's examples is the same model."""
    cost = settings.cost
    head = {
        "currency": settings.currency,
        "rate_minor_per_hour": cost.rate_minor_per_hour,
        "approved_by": cost.approved_by,
        "bot_fixed_minor": cost.bot_fixed_minor,
        "followon_seconds": cost.followon_seconds,
        "incident_bulk_seconds": cost.incident_bulk_seconds,
        "promise_seconds": cost.promise_seconds,
        "after_resolved_owner": settings.repeat.after_resolved_owner,
        "taxonomy": taxonomy.version,
    }
    sections = [_section("[ledger]", head), _section("[ledger.channel_pct]", dict(sorted(cost.channel_pct.items())))]
    sections.append(_section("[ledger.value]", settings.value.model_dump()))
    sections += [_section("[[reason]]", _of_reason(reason)) for _, reason in sorted(taxonomy.reasons.items())]
    sections += [_section("[[override]]", _of_override(override)) for override in taxonomy.overrides]
    return "\n".join(sections)


def _of_reason(reason: Reason) -> dict[str, object]:
    return {
        "id": reason.id,
        "quadrant": reason.quadrant,
        "demand": reason.demand,
        "owners": reason.owners,
        "seconds": reason.seconds,
    }


def _of_override(override: Override) -> dict[str, object]:
    names = ("id", "quadrant", "owners", "reason", "tag", "channel", "segment", "phrase_any", "valid_from", "valid_to")
    values = {name: getattr(override, name) for name in names}
    return {name: value for name, value in values.items() if value}


def _section(title: str, values: Mapping[str, object]) -> str:
    # A JSON string, number or list of these is also TOML; a date is kept as its ISO text.
    lines = [f"{json.dumps(key)} = {json.dumps(value, default=str)}" for key, value in values.items()]
    return "\n".join([title, *lines, ""])
