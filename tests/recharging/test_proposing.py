"""Charging departments is proposed on closed months, once, by finance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import periods, recharging
from bot.app import App
from bot.errors import InputError
from bot.reporting import recharge as reporting
from storage import models
from storage.db import transaction
from storage.models_audit import AuditDraw, AuditSample
from tests.installation import Clock, Installation
from tests.looking import rows
from tests.recharging.autumn import (
    BILL,
    LEDGER,
    PARCEL,
    PROPOSED_ON,
    TAG_ACCURACY,
    kinds,
    propose,
    recharged,
    statement,
    worked,
)


def test_each_department_is_asked_once_for_what_it_caused(running: App) -> None:
    made = propose(running)

    assert [(one.dept, one.number, one.minor) for one in made] == [("billing", 1, 350), ("logistics", 1, 175)]
    assert set(made[0].samples) == {3, 4}
    assert recharged(running, "pending") == {"billing": 350, "logistics": 175, "service": -525}
    assert recharged(running) == {}
    assert propose(running) == []
    assert kinds(running) == ["recharge_hold", "recharge_hold"]


def test_two_who_propose_together_propose_once(running: App) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = [one for both in pool.map(lambda _: propose(running), range(2)) for one in both]

    assert sorted(one.dept for one in made) == ["billing", "logistics"]
    assert kinds(running) == ["recharge_hold", "recharge_hold"]


def test_the_statement_shows_what_was_proposed_by_when_and_with_which_cases(running: App) -> None:
    propose(running)

    found = statement(running)

    assert found.eligible == {"billing": 350, "logistics": 175}
    billing = found.proposals[0]
    assert (billing.dept, billing.proposed_by, billing.journal) == (
        "billing",
        "Finance",
        "recharge:2026-11:billing:1:hold",
    )
    assert (billing.proposed_on, billing.answer_due, billing.is_overdue) == (
        date(2026, 12, 14),
        date(2026, 12, 29),
        False,
    )
    assert [(one.dept, one.author, one.text) for one in found.samples if one.dept == "logistics"] == [
        ("logistics", "@au•••", PARCEL)
    ]


def test_nobody_else_than_finance_proposes(running: App) -> None:
    with pytest.raises(InputError, match=r"--by Ann: this is for finance: Finance \(ledger.finance\)"):
        recharging.propose(running.parts, "2026-11", by="Ann")
    with pytest.raises(InputError, match="--by: say who decides"):
        recharging.propose(running.parts, "2026-11", by=" ")


def test_only_a_closed_month_is_charged(running: App) -> None:
    with pytest.raises(InputError, match="--period 2026-12: only figures of a closed month are final; close"):
        recharging.propose(running.parts, "2026-12", by="Finance")
    with pytest.raises(InputError, match="--period 2026-13: this is no month"):
        recharging.propose(running.parts, "2026-13", by="Finance")


def test_a_tag_audit_that_nobody_made_keeps_everything_shown_and_nothing_charged(
    running: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "tag_accuracy", lambda _ask: (0, 0))

    with pytest.raises(InputError, match="2026-11 cannot be charged yet: tagging accuracy is n/a, at least 90% is nee"):
        propose(running)
    assert kinds(running) == []


def test_the_tag_audit_of_the_month_decides_about_its_recharge(running: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the three tags drawn in November two are right; the one of September says nothing about November."""
    monkeypatch.setattr(reporting, "tag_accuracy", TAG_ACCURACY)
    nights = [(date(2026, 9, 3), [False]), (date(2026, 11, 3), [True, True]), (date(2026, 11, 5), [False])]
    ids = iter([row.id for row in rows(running, models.Mention)])
    with transaction(running.parts.database) as session:
        for night_of, verdicts in nights:
            at = datetime(night_of.year, night_of.month, night_of.day, 23, tzinfo=UTC)
            drawn: dict[str, Any] = {
                "on_date": night_of,
                "population": len(verdicts),
                "drawn": len(verdicts),
                "drawn_at": at,
            }
            session.add(AuditDraw(**drawn))
            session.flush()
            for place, is_right in enumerate(verdicts, start=1):
                session.add(
                    AuditSample(
                        mention_id=next(ids) or 0, on_date=night_of, place=place, is_right=is_right, judged_at=at
                    )
                )

    with pytest.raises(InputError, match=r"cannot be charged yet: tagging accuracy is 66\.7%, at least 90% is needed"):
        propose(running)


def test_a_book_that_only_shows_charges_nobody(installation: Installation, running: App) -> None:
    shown = Installation(installation.folder, installation.url, installation.clock).open()

    with pytest.raises(InputError, match=r"ledger\.mode is 'showback': figures are shown and nobody is charged"):
        recharging.propose(shown.parts, "2026-11", by="Finance")
    shown.parts.database.dispose()


def test_two_closed_months_are_too_few(tmp_path: Path, sqlite_url: str) -> None:
    place = Installation(tmp_path, sqlite_url, Clock(datetime(2026, 10, 5, tzinfo=UTC)), {"ledger": LEDGER})
    young = place.open()
    worked(young, place, BILL, datetime(2026, 10, 5, 9, tzinfo=UTC))
    place.clock.at = PROPOSED_ON
    periods.close(young.parts, "2026-10", by="Finance")

    with pytest.raises(InputError, match="closed periods of show-back is 1, at least 3 is needed"):
        recharging.propose(young.parts, "2026-10", by="Finance")
    young.parts.database.dispose()
