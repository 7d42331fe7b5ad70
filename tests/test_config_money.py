"""What finance configures: it is the default of the commands, and never changes what was posted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import config
from bot.app import cost_model_of
from bot.config import Settings
from bot.domain import Actor
from bot.errors import ConfigError, InputError
from bot.reporting import plans
from bot.reporting.ask import Ask
from storage import ledger_versions, models
from storage.db import reading
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import case, posted, rows, take_in

EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
DOWN = "complaint/outage_fault: the app is down"
DAY = 24 * 60


def settings_with(ledger: Mapping[str, Any]) -> Settings:
    raw = {
        "channels": [{"name": "a", "connector": "replay", "path": "a.jsonl"}],
        "queues": [{"name": "care"}],
        "routes": [{"queue": "care"}],
        "ledger": ledger,
    }
    return config.parse(raw, source="config.toml")


@pytest.mark.parametrize(
    ("ledger", "sentence"),
    [
        ({"mode": "chargeback"}, "ledger.mode: Input should be 'showback' or 'recharge'"),
        ({"priorities": {"cap_bp": 1001}}, "ledger.priorities.cap_bp: Input should be less than or equal to 1000"),
        ({"savings": {"phi": 0.5}}, "ledger.savings.phi: counts vary at least as much as chance: give 1 or more"),
        ({"savings": {"funds": "some"}}, "ledger.savings.funds: Input should be 'cashable' or 'all'"),
        ({"savings": {"budget_share_bp": 10_001}}, "ledger.savings.budget_share_bp: Input should be less than"),
        ({"savings": {"weeks": 8}}, "ledger.savings.weeks: this key is not known"),
        ({"repeat": {"reason_window_days": {"outage_fault": 0}}}, "ledger.repeat.reason_window_days.outage_fault: "),
        ({"recharge": {"heads": {"billing": ""}}}, "ledger.recharge.heads.billing[1]: this is empty"),
    ],
)
def test_what_finance_mistypes_is_one_sentence_with_the_key(ledger: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_with(ledger)

    assert str(refused.value).startswith(f"config.toml: {sentence}")


def test_a_window_for_a_reason_that_the_taxonomy_does_not_know_is_refused() -> None:
    settings = settings_with({"repeat": {"reason_window_days": {"outage": 30}}})

    with pytest.raises(ConfigError, match="there is no reason 'outage' in the taxonomy; known: account_access, "):
        cost_model_of(settings.ledger)


def test_commands_take_what_is_configured_and_options_beat_it(tmp_path: Path, sqlite_url: str) -> None:
    ledger = {"savings": {"driver": "flights", "baseline_weeks": 9}, "priorities": {"opex_12m_minor": 600_000_00}}
    place = Installation(tmp_path, sqlite_url, settings={"ledger": ledger})
    running = place.open()

    with reading(running.parts.database) as session:
        ask = Ask(session, running.parts.settings, "2026-11", START)
        asked = Ask(
            session, running.parts.settings, "2026-11", START, {"driver": "orders", "opex": 100_00, "cap_bp": 7}
        )

        with pytest.raises(InputError, match="there is no driver 'flights'"):
            plans.savings(ask)
        with pytest.raises(InputError, match="there is no driver 'orders'"):
            plans.savings(asked)
        assert plans.priorities(ask).envelope_minor == 60_000_00
        assert plans.priorities(asked).envelope_minor == 7
    running.parts.database.dispose()


@pytest.mark.parametrize(("reason_days", "kind"), [({"outage_fault": 30}, "after_resolved"), ({}, "none")])
def test_a_reason_may_have_a_window_of_its_own(
    tmp_path: Path, sqlite_url: str, reason_days: dict[str, int], kind: str
) -> None:
    """An outage that comes back after three weeks, and a parcel that does: only the first is the same trouble."""
    place = Installation(tmp_path, sqlite_url, settings={"ledger": {"repeat": {"reason_window_days": reason_days}}})
    running = place.open()
    take_in(running, place, line(1, DOWN, author="max"), line(2, PARCEL, author="ann"))
    for one in rows(running, models.Case):
        running.desk.resolve(one.id, EVE, action_id=f"r{one.id}")
    place.clock.forward(days=21)

    take_in(
        running, place, line(3, DOWN, author="max", minutes=21 * DAY), line(4, PARCEL, author="ann", minutes=21 * DAY)
    )

    kinds = {row.reason: row.repeat_kind for row in rows(running, models.Case) if row.opened_at > START + DAYS}
    assert kinds == {"outage_fault": kind, "where_is_it": "none"}
    assert_books_agree(running)
    running.parts.database.dispose()


DAYS = timedelta(days=1)


def test_a_pause_counts_as_work_up_to_the_configured_cap(tmp_path: Path, sqlite_url: str) -> None:
    place = Installation(tmp_path, sqlite_url, settings={"ledger": {"cost": {"activity_gap_cap_seconds": 60}}})
    running = place.open()
    take_in(running, place, line(1, PARCEL))
    running.desk.claim(case(running).id, EVE, action_id="c")
    place.clock.forward(seconds=600)

    running.desk.resolve(case(running).id, EVE, action_id="r")

    # A minute of the ten, and the half minute that follows the last action.
    assert posted(running)["Waste", "logistics", "SEC", "M"] == 90
    running.parts.database.dispose()


def test_a_new_version_of_the_configuration_changes_nothing_that_is_posted(tmp_path: Path, database_url: str) -> None:
    """Signed and dearer from today on: old lines keep their amounts, their hashes and the version they were made by."""
    first = Installation(tmp_path, database_url)
    running = first.open()
    take_in(running, first, line(1, PARCEL))
    running.desk.resolve(case(running).id, EVE, action_id="r1")
    before, balances, lines = journals(running), posted(running), versions(running)
    running.parts.database.dispose()

    first.clock.forward(days=1)
    signed = {
        "cost": {"rate_minor_per_hour": 6000, "approved_by": "Finance", "minutes_approved_by": "Sue"},
        "savings": {"budget_share_bp": 100},
    }
    second = Installation(tmp_path, database_url, clock=first.clock, settings={"ledger": signed})
    running = second.open()

    assert journals(running) == before
    assert posted(running) == balances
    with reading(running.parts.database) as session:
        old, new = ledger_versions.versions(session)
    assert old.placeholders == ["ledger.cost.rate_minor_per_hour", "minutes of 17 reasons"]
    assert new.placeholders == []
    assert lines == {old.version}
    take_in(running, second, line(2, PARCEL, author="max"))
    assert journals(running)[: len(before)] == before
    assert versions(running) == {old.version, new.version}
    assert_books_agree(running)
    running.parts.database.dispose()


def journals(running: Any) -> list[tuple[int, str]]:
    return [(row.seq, row.hash) for row in rows(running, models.LedgerJournal)]


def versions(running: Any) -> set[str | None]:
    return {row.config_version for row in rows(running, models.LedgerLine)}


def test_every_report_names_the_placeholders_until_they_are_signed(tmp_path: Path, sqlite_url: str) -> None:
    place = Installation(tmp_path, sqlite_url)
    running = place.open()
    with reading(running.parts.database) as session:
        unsigned = Ask(session, running.parts.settings, "2026-11", START).footer()
    running.parts.database.dispose()
    place.clock.forward(days=1)
    signed = Installation(
        tmp_path,
        sqlite_url,
        clock=place.clock,
        settings={"ledger": {"cost": {"approved_by": "Finance", "minutes_approved_by": "Sue"}}},
    )

    running = signed.open()

    with reading(running.parts.database) as session:
        footer = Ask(session, running.parts.settings, "2026-11", START).footer()
    assert "placeholders nobody approved yet: ledger.cost.rate_minor_per_hour, minutes of 17 reasons" in unsigned.text
    assert footer.placeholders == ()
    running.parts.database.dispose()
