"""The configuration of what is made of the ledger's figures: recharges, savings, priorities (specification 5)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from bot.config_values import Name, Section, Several, Text


class LedgerRecharge(Section):
    """``[ledger.recharge]``: who answers for a department, and on which days nobody has to (specification 2.3)."""

    heads: dict[Name, Several[Text]] = Field(default_factory=dict)
    holidays: tuple[date, ...] = ()


class LedgerSavings(Section):
    """``[ledger.savings]``: what a saving is held against, and what of it may be spent (specification 2.4)."""

    baseline_weeks: int = Field(default=13, ge=1, le=104)
    driver: Text = "orders"
    phi: float = Field(default=0.0, ge=0, le=1_000)
    """Variance of weekly contacts over their mean; 0 measures it in the baseline."""
    budget_share_bp: int = Field(default=5_000, ge=0, le=10_000)
    funds: Literal["cashable", "all"] = "cashable"

    @field_validator("phi")
    @classmethod
    def _phi_is_no_less_than_chance(cls, phi: float) -> float:
        if 0 < phi < 1:
            message = "counts vary at least as much as chance: give 1 or more, or 0 to measure it"
            raise ValueError(message)
        return phi


class LedgerPriorities(Section):
    """``[ledger.priorities]``: the envelope for initiatives, a share of operating expense (specification 2.12)."""

    cap_bp: int = Field(default=1_000, ge=0, le=1_000)
    opex_12m_minor: int = Field(default=0, ge=0, lt=2**53)
    """0: whoever asks for the report has to say it."""
