"""One book under two cost models: what it says of itself, whichever it is under."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import col

from bot.app import App
from bot.domain import Actor
from bot.ledger.model import CostModel
from storage import ledger, ledger_reports, models, models_operations
from storage.db import reading
from tests.installation import Clock, Installation
from tests.looking import rows

ANN = Actor("slack:UANN", "Ann")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
BILL = "complaint+request/billing_error: charged twice, give it back"
THANKS = "praise/praise: thank you"
SCAM = "complaint/identity_check: this is a scam"
REASON = """
[[reason]]
id = "{id}"
title = "{id}"
tag = "{tag}"
quadrant = "{quadrant}"
demand = "{demand}"
owners = {owners}
minutes = {minutes}
phrases = []
"""
BEFORE = {
    "where_is_it": ("complaint", "liability", '[["logistics", 10000]]', 5),
    "billing_error": ("complaint", "liability", '[["billing", 10000]]', 9),
    "identity_check": ("complaint", "simplify", '[["risk", 10000]]', 7),
    "praise": ("praise", "asset", '[["service", 10000]]', 2),
}
AFTER = BEFORE | {
    "where_is_it": ("complaint", "liability", '[["logistics", 6000], ["carrier", 4000]]', 6),
    "billing_error": ("complaint", "simplify", '[["billing", 10000]]', 9),
}
RULE = """
[[override]]
id = "fraud-report"
quadrant = "{quadrant}"
reason = ["identity_check"]
phrase_any = ["scam"]
"""
Reasons = dict[str, tuple[str, str, str, int]]


@dataclass
class Place:
    """One database under two configurations: before, and with other owners, minutes, kinds and another rate."""

    folder: Path
    url: str
    clock: Clock
    opened: list[App] = field(default_factory=list)

    def open(self, reasons: Reasons = BEFORE, *, rate: int = 3000, rule: str = "asset") -> tuple[App, Installation]:
        file = self.folder / "taxonomy.toml"
        names = ("tag", "quadrant", "owners", "minutes")
        texts = [
            REASON.format(
                id=key, demand="value" if key == "praise" else "failure", **dict(zip(names, values, strict=True))
            )
            for key, values in reasons.items()
        ]
        file.write_text('version = "t1"\n' + "".join(texts) + RULE.format(quadrant=rule), encoding="utf-8")
        settings = {"ledger": {"taxonomy": str(file), "cost": {"rate_minor_per_hour": rate}}}
        place = Installation(self.folder, self.url, self.clock, settings=settings)
        self.opened.append(place.open())
        return self.opened[-1], place

    def leave(self) -> None:
        """End what was opened."""
        for running in self.opened:
            running.parts.database.dispose()


def counts(running: App) -> Counter[tuple[str, str | None, str | None, str | None]]:
    """TAG and CNT by tag, reason and channel: what a configuration can't change."""
    found: Counter[tuple[str, str | None, str | None, str | None]] = Counter()
    for one in rows(running, models.LedgerLine):
        if one.commodity in {"TAG", "CNT"} and one.account.startswith("Expenses:"):
            found[one.commodity, one.tag, one.reason, one.channel] += one.amount
    return Counter({key: amount for key, amount in found.items() if amount})


def measured(running: App) -> int:
    table = models.LedgerLine
    is_measured = (col(table.basis) == "M", col(table.commodity) == "SEC", col(table.amount) != 0)
    owned = select(func.sum(col(table.amount))).where(*is_measured, col(table.account).startswith("Expenses:"))
    with reading(running.parts.database) as session:
        return int(session.scalar(owned) or 0)


def assert_estimates_follow_their_version(running: App, models_by_version: dict[str, CostModel]) -> None:
    """I21: recomputing an E line with its config_version gives its amount."""
    for number in {row.id for row in rows(running, models.Case)}:
        with reading(running.parts.database) as session:
            journals = [one.draft for one in ledger.journals_of(session, case_id=str(number))]
        for draft in journals:
            if draft.kind in {"cost", "cost_hold"} and draft.lines[0].basis == "E":
                model = models_by_version[str(draft.lines[0].config_version)]
                reason = draft.lines[0].reason
                effort = (
                    model.estimate(reason, "social")
                    if not draft.memo
                    else model.priced(model.followon_seconds, kind="social", queue="")
                )
                for unit, amount in (("SEC", effort.seconds), ("GBP", effort.minor)):
                    debits = [one.amount for one in draft.lines if one.commodity == unit and one.amount > 0]
                    assert sum(debits) == amount, draft.key


def assert_owed_is_on_the_balance_sheet(running: App) -> None:
    """I16: Liabilities:Promises are the accruals of promises that are owed, each under the key that it has now."""
    owed = [one for one in rows(running, models_operations.Promise) if one.state in {"open", "broken"}]
    with reading(running.parts.database) as session:
        accrued = [ledger.draft_by_key(session, one.accrual_key) for one in owed if one.cancelled_at is None]
        balance = sum(
            one.amount
            for one in ledger_reports.balances(session, status="posted")
            if (one.account, one.commodity) == ("Liabilities:Promises", "GBP")
        )
    booked = [one.amount for draft in accrued if draft for one in draft.lines if one.commodity == "GBP"]
    assert balance == sum(amount for amount in booked if amount < 0)
