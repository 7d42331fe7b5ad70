"""The figures of a night for a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

from bot.reports.footer import Footer
from bot.reports.night import Demand, Night, Origins, PromisesKept, TopReason
from bot.reports.night_csv import figures_csv

NIGHT = Night(
    day=date(2026, 9, 29),
    days_in_month=30,
    currency="GBP",
    trust=Footer(contact_cost_minor=1000, measured_minor=610),
    demand=Demand(contacts=284, complaints=171, requests=75, praise=38),
    origins=Origins([TopReason("outage_fault", "Engineering", 337400, 861)], ("return_refund", 34)),
    promises=PromisesKept(143, 156, 5, "#care-billing"),
)


def rows(night: Night) -> list[list[str]]:
    return list(csv.reader(io.StringIO(figures_csv(night))))


def test_every_figure_is_a_row_with_the_number_of_its_line() -> None:
    found = rows(NIGHT)

    assert found[0] == ["date", "line", "figure", "value"]
    assert ["2026-09-29", "1", "demand.contacts", "284"] in found
    assert ["2026-09-29", "3", "origins.top.1.cost_minor", "337400"] in found
    assert ["2026-09-29", "3", "origins.mover.2", "34"] in found
    assert ["2026-09-29", "6", "promises.kept", "143"] in found
    assert ["2026-09-29", "", "trust.measured_minor", "610"] in found


def test_a_section_without_data_has_no_row() -> None:
    assert {row[1] for row in rows(NIGHT)[1:]} == {"1", "3", "6", ""}


def test_a_name_that_is_a_formula_is_none_in_the_spreadsheet() -> None:
    evil = replace(NIGHT, promises=PromisesKept(1, 1, 1, "=HYPERLINK(1)"))

    assert ["2026-09-29", "6", "promises.overdue_queue", "'=HYPERLINK(1)"] in rows(evil)
