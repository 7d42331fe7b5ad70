"""What every report says about itself: how much is measured, audited, explained by payroll, and not approved yet."""

from __future__ import annotations

from dataclasses import dataclass

from bot.reports.figures import percent
from bot.reports.statement import LITTLE_PCT


@dataclass(frozen=True, slots=True)
class Footer:
    """The figures behind "how far to trust this"; whatever is 0 is not known and left out of the sentence.

    ``audit_ok`` of ``audit_n`` randomly drawn tags were right, of the last ``audit_days`` nights. ``pool_minor`` is
    the service payroll of the period, ``absorbed_minor`` the part of it that contacts explain. ``placeholders`` are
    configured values nobody approved.
    """

    contact_cost_minor: int
    measured_minor: int
    audit_ok: int = 0
    audit_n: int = 0
    absorbed_minor: int = 0
    pool_minor: int = 0
    placeholders: tuple[str, ...] = ()
    audit_days: int = 0

    @property
    def measured_share(self) -> str:
        """The share of the contact cost that rests on measured time."""
        return percent(self.measured_minor, self.contact_cost_minor)

    @property
    def absorption(self) -> str:
        """The share of the service payroll that contacts explain."""
        return percent(self.absorbed_minor, self.pool_minor)

    @property
    def _explained(self) -> str:
        share = f"ledger explains {self.absorption} of the service payroll"
        if self.absorbed_minor > self.pool_minor:
            return f"{share}, ALARM: more than it cost, so the rate or the minutes are too high"
        return f"{share}, which is little" if self.absorbed_minor * 100 < self.pool_minor * LITTLE_PCT else share

    @property
    def text(self) -> str:
        """The sentence that closes a report and the nightly summary."""
        parts = [
            f"{self.measured_share} of cost is measured time" if self.contact_cost_minor else "",
            f"tag audit {self.audit_ok}/{self.audit_n} right" if self.audit_n else "no tag audited yet",
            self._explained if self.pool_minor else "no service payroll imported",
            f"placeholders nobody approved yet: {', '.join(self.placeholders)}" if self.placeholders else "",
        ]
        return "; ".join(part for part in parts if part) + "."
