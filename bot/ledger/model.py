"""The cost model: what a contact costs when nobody measured it, and what a second costs (specification 1.6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from bot.config import LedgerCost, LedgerSettings
from bot.ledger.money import WHOLE, cost_minor, scaled_seconds
from bot.ledger.taxonomy import Override, Reason, Taxonomy, as_shipped

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
    minutes_approved_by: str = ""
    bot_fixed_minor: int = 10
    incident_bulk_seconds: int = 60
    promise_seconds: int = 300
    praise_public_minor: int = 0
    saved_customer_margin_12m_minor: int = 0
    saved_customer_uplift_bp: int = 0
    estimate_expiry_days: int = 180
    repeat_window_days: int = 7
    rate_minor_per_hour_by_channel: Mapping[str, int] = field(default_factory=dict)
    """By kind of channel, as is ``fixed_minor``."""
    rate_minor_per_hour_by_queue: Mapping[str, int] = field(default_factory=dict)
    fixed_minor: Mapping[str, int] = field(default_factory=dict)
    toml: str = field(default="", repr=False)
    """The values as text, for the ledger's record of configurations."""

    def estimate(self, reason: str | None, kind: str, queue: str = "") -> Effort:
        """Default work on a contact for ``reason`` on a channel of ``kind``; kinds not configured count in full."""
        known = self.taxonomy.reason(reason)
        own = dict(known.channel_seconds).get(kind)
        seconds = scaled_seconds(known.seconds, self.channel_pct.get(kind, FULL_PCT)) if own is None else own
        return self.priced(seconds, kind=kind, queue=queue)

    def priced(self, seconds: int, *, kind: str, queue: str) -> Effort:
        """``seconds`` of work in ``queue`` on a channel of ``kind`` with their price; no work, no fixed price either.

        Every posting of seconds takes its money from here.
        """
        if not seconds:
            return Effort(0, 0)
        return Effort(seconds, cost_minor(seconds, self.rate(kind, queue)) + self.fixed_minor.get(kind, 0))

    def rate(self, kind: str, queue: str) -> int:
        """The price of an hour: the queue's own, else that of the kind of channel, else the general one."""
        by_channel = self.rate_minor_per_hour_by_channel.get(kind, self.rate_minor_per_hour)
        return self.rate_minor_per_hour_by_queue.get(queue, by_channel)

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
        found = [] if self.approved_by else ["ledger.cost.rate_minor_per_hour"]
        ours = 0 if self.minutes_approved_by else as_shipped(self.taxonomy)
        return found + ([f"minutes of {ours} reason{'s' if ours > 1 else ''}"] if ours else [])


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
        minutes_approved_by=cost.minutes_approved_by,
        bot_fixed_minor=cost.bot_fixed_minor,
        incident_bulk_seconds=cost.incident_bulk_seconds,
        promise_seconds=cost.promise_seconds,
        praise_public_minor=value.praise_public_minor,
        saved_customer_margin_12m_minor=value.saved_customer_margin_12m_minor,
        saved_customer_uplift_bp=value.saved_customer_uplift_bp,
        estimate_expiry_days=value.estimate_expiry_days,
        rate_minor_per_hour_by_channel=MappingProxyType(dict[str, int](cost.rate_minor_per_hour_by_channel.items())),
        rate_minor_per_hour_by_queue=MappingProxyType(dict(cost.rate_minor_per_hour_by_queue)),
        fixed_minor=MappingProxyType(dict[str, int](cost.fixed_minor.items())),
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
        "activity_gap_cap_seconds": cost.activity_gap_cap_seconds,
        "taxonomy": taxonomy.version,
    }
    sections = [_section("[ledger]", head), _section("[ledger.channel_pct]", dict(sorted(cost.channel_pct.items())))]
    sections += _optional_sections(cost)
    sections.append(_section("[ledger.value]", settings.value.model_dump()))
    windows = {"window_days": settings.repeat.window_days, **dict(sorted(settings.repeat.reason_window_days.items()))}
    sections.append(_section("[ledger.repeat]", windows))
    sections += [_section("[[reason]]", _of_reason(reason)) for _, reason in sorted(taxonomy.reasons.items())]
    sections += [_section("[[override]]", _of_override(override)) for override in taxonomy.overrides]
    return "\n".join(sections)


def _optional_sections(cost: LedgerCost) -> list[str]:
    # Left out where they are empty, so that a version made before they could be filled is still the same.
    by = _section("[ledger.minutes]", {"approved_by": cost.minutes_approved_by})
    names = ("rate_minor_per_hour_by_channel", "rate_minor_per_hour_by_queue", "fixed_minor")
    tables: dict[str, dict[str, int]] = {name: dict(sorted(getattr(cost, name).items())) for name in names}
    filled = [_section(f"[ledger.{name}]", table) for name, table in tables.items() if table]
    return [*filled, by] if cost.minutes_approved_by else filled


def _of_reason(reason: Reason) -> dict[str, object]:
    values: dict[str, object] = {
        "id": reason.id,
        "quadrant": reason.quadrant,
        "demand": reason.demand,
        "owners": reason.owners,
        "seconds": reason.seconds,
    }
    # Left out where there are none, so that a version made before there could be any is still the same.
    return values | ({"channel_seconds": reason.channel_seconds} if reason.channel_seconds else {})


def _of_override(override: Override) -> dict[str, object]:
    names = ("id", "quadrant", "owners", "reason", "tag", "channel", "segment", "phrase_any", "valid_from", "valid_to")
    values = {name: getattr(override, name) for name in names}
    return {name: value for name, value in values.items() if value}


def _section(title: str, values: Mapping[str, object]) -> str:
    # A JSON string, number or list of these is also TOML; a date is kept as its ISO text.
    lines = [f"{json.dumps(key)} = {json.dumps(value, default=str)}" for key, value in values.items()]
    return "\n".join([title, *lines, ""])
