"""Vector 17: the nightly summary, line by line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.reports import night
from bot.reports.footer import Footer
from bot.reports.night import Night
from bot.reports.summary import alarm, summary
from tests.reports.books import vector

VECTOR = vector("17")


def full_night() -> Night:
    """The figures of the vector."""
    figures: dict[str, Any] = VECTOR["input"]
    return Night(
        day=date(2026, 9, 29),
        days_in_month=figures["days_in_month"],
        currency="GBP",
        demand=night.Demand(
            figures["contacts"],
            figures["complaints"],
            figures["requests"],
            figures["praise"],
            figures["pending"],
            figures["contacts_usual"],
        ),
        waste=night.Waste(
            figures["waste_day"],
            figures["waste_mtd"],
            figures["cost_mtd"],
            (figures["waste_low"], figures["waste_high"]),
            figures["waste_baseline_mtd"],
        ),
        origins=night.Origins([night.TopReason(*row) for row in figures["top"]], tuple(figures["mover"])),
        spike=night.Spike(*figures["incident"]),
        resolution=night.Resolution(
            figures["fcr_num"],
            figures["fcr_den"],
            figures["repeat_cost_mtd"],
            figures["fcr_prev_num"],
            figures["fcr_prev_den"],
        ),
        promises=night.PromisesKept(figures["kept"], figures["promised"], figures["overdue"], figures["overdue_queue"]),
        replies=night.Replies(
            figures["frt_median_min"], figures["frt_ok"], figures["frt_all"], figures["frt_target_min"]
        ),
        loyalty=night.LoyaltyLine(
            figures["praise_mtd"],
            figures["buy_again"],
            figures["buy_again_den"],
            figures["credited"],
            figures["credited_note"],
        ),
        requests=night.RequestsLine(figures["passed"], figures["waiting"], figures["waiting_team"]),
        charges=night.Charges([tuple(row) for row in figures["charge"]], figures["disputes"]),
        savings=night.SavingsLine(
            figures["saving_low"], figures["budget_left"], figures["next_item"], figures["next_outlay"]
        ),
        trust=Footer(
            figures["cost_mtd"],
            figures["measured"],
            figures["audit_ok"],
            figures["audit_n"],
            figures["absorbed"],
            figures["pool"],
        ),
    )


def test_the_summary_is_what_the_vector_says() -> None:
    assert summary(full_night()) == VECTOR["expect"]


@pytest.mark.parametrize("number", range(1, 12), ids=str)
def test_a_section_without_data_is_left_out_and_the_others_keep_their_numbers(number: int) -> None:
    names = (
        "demand", "waste", "origins", "spike", "resolution", "promises",
        "replies", "loyalty", "requests", "charges", "savings",
    )  # fmt: skip
    changes: dict[str, Any] = {names[number - 1]: None}

    assert summary(replace(full_night(), **changes)) == [
        *VECTOR["expect"][:number],
        *VECTOR["expect"][number + 1 :],
    ]


def test_an_empty_night_has_a_header_and_says_how_little_is_known() -> None:
    lines = summary(Night(date(2026, 2, 1), 28, "GBP", Footer(0, 0), is_month_open=False))

    assert lines[0].startswith("*Value / waste ledger — Sun 1 Feb 2026* · Feb day 1 of 28, month closed · money is ")
    assert lines[1:] == [
        "_How far to trust this:_ no tag audited yet; no service payroll imported.",
    ]


def test_nothing_is_proven_without_a_credited_experiment() -> None:
    lines = summary(replace(full_night(), loyalty=night.LoyaltyLine(620, 812, 2204)))

    assert lines[8] == "8. *Loyalty* 620 public thank-yous; 36.8% bought again within 90 days (observed)."


def test_line_ten_says_recharge_only_when_it_is_switched_on() -> None:
    lines = summary(replace(full_night(), charges=night.Charges([("Billing", 100)], is_recharge=True)))

    assert lines[10] == "10. *Recharge* Billing £1."


def test_at_most_three_reasons_and_departments_are_named_dearest_first() -> None:
    reasons = [night.TopReason(f"r{n}", "x", n * 100, 1) for n in range(1, 6)]
    departments = [(f"D{n}", n * 100) for n in range(1, 6)]

    lines = summary(replace(full_night(), origins=night.Origins(reasons), charges=night.Charges(departments)))

    assert lines[3] == "3. *Where it comes from* r5 £5 (1 contact, x); r4 £4 (1 contact, x); r3 £3 (1 contact, x)."
    assert lines[10] == "10. *Show-back* D5 £5, D4 £4, D3 £3."


def test_more_waste_than_the_baseline_says_above() -> None:
    lines = summary(replace(full_night(), waste=night.Waste(50, 20_000, 40_000, baseline_minor=15_000)))

    # Half a pound rounds away from zero.
    assert lines[2] == (
        "2. *Waste* £1 yesterday, £200 this month = 50.0% of handling cost; £50 above baseline at this volume."
    )


def test_a_currency_without_decimals_is_not_divided() -> None:
    lines = summary(replace(full_night(), currency="JPY"))

    assert lines[2].startswith("2. *Waste* ¥57,880 yesterday")


def test_a_name_with_line_breaks_stays_on_its_line() -> None:
    lines = summary(replace(full_night(), spike=night.Spike("Card\n*reader*\r\x1b[31m", 2.0, 1, 100)))

    assert lines[4] == "4. *Spike* Card *reader* [31m: 2.0x usual at peak, 1 excess mention, £1 so far."


def test_placeholders_nobody_approved_are_named_at_the_end() -> None:
    trust = replace(full_night().trust, placeholders=("ledger.cost.rate_minor_per_hour",))

    assert summary(replace(full_night(), trust=trust))[-1].endswith(
        "; placeholders nobody approved yet: ledger.cost.rate_minor_per_hour."
    )


def test_a_ledger_that_does_not_verify_gives_one_alarm_line() -> None:
    line = alarm(date(2026, 9, 29), "journal 17: payload digest")

    assert line.startswith("*Value / waste ledger — Tue 29 Sep 2026* · ALARM")
    assert "journal 17: payload digest" in line
    assert "\n" not in line
