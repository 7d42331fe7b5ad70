"""Books that are not in the vectors. What comes out was worked out by hand from the specification (1.1 to 1.10)."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli import cli
from bot.errors import InputError, LedgerError
from bot.ledger.replay import replay

CONFIG: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "01_cost_model.json").read_text("utf-8"))[
    "config"
]
Row = tuple[str, str, str, str]


def config(**changes: Any) -> dict[str, Any]:
    """The vectors' costs (30.00 an hour, so a penny is 1.2 s), with a reason that takes no time."""
    costs = deepcopy(CONFIG) | changes
    costs["reasons"]["fyi"] = {"seconds": 0, "quadrant": "asset", "owners": [["service", 10_000]]}
    return costs


def event(id: str, type: str, day: str, **facts: Any) -> dict[str, Any]:  # noqa: A002  # the file's own words
    return {"id": id, "type": type, "date": f"2026-{day}"} | facts


def opened(id: str, day: str, contact: str, reason: str | None, **facts: Any) -> dict[str, Any]:  # noqa: A002
    given = {"mention": f"m-{contact}", "contact": contact, "opens": True, "subject": "s1", "channel": "x"}
    return event(id, "tag", day, **given, tag="complaint", reason=reason, routed=True) | facts


def joined(id: str, day: str, contact: str, reason: str, **facts: Any) -> dict[str, Any]:  # noqa: A002
    return opened(id, day, contact, reason, mention=f"m-{id}", opens=False) | facts


def resolved(id: str, day: str, contact: str, seconds: int | None = None, **facts: Any) -> dict[str, Any]:  # noqa: A002
    return event(id, "resolve", day, contact=contact, measured_seconds=seconds, resolved=True) | facts


def played(*events: dict[str, Any], closed: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    return replay({"config": config(**changes), "events": list(events), "closed_before_event": closed or {}})


def amounts(result: dict[str, Any], status: str = "posted") -> dict[Row, int]:
    """By the end of the account's name (but that of the goodwill fund), department, unit and basis."""
    return {
        (_short(row["account"]), row["dept"], row["commodity"], row["basis"]): row["amount"]
        for row in result[f"{status}_balances"]
    }


def _short(account: str) -> str:
    return "Fund" if account == "Equity:Funding:Goodwill" else account.rsplit(":", maxsplit=1)[-1]


MONTH = (
    # Assumed 180 and 181 days before the 15th of September: only the second is older than 180 days.
    event("v1", "opening_estimate", "03-19", behaviour="buy_more", amount=500, case="k0"),
    event("v2", "opening_estimate", "03-18", behaviour="spread_word", amount=40, case="k0"),
    # By phone 540 s are 999 s, 833 p: 599/400 s and 500/333 p in shares of 60 and 40.
    opened("a1", "08-30", "k1", "product_defect", channel="phone"),
    resolved("a2", "08-30", "k1"),
    # August is closed here. By phone 300 s are 555 s, 463 p; all of it stands on the first of September.
    event("a3", "retag", "09-02", mention="m-k1", contact="k1", tag="complaint", reason="where_is_it", by="eve"),
    event("a3", "retag", "09-02", mention="m-k1", contact="k1", tag="complaint", reason="where_is_it", by="eve"),
    # It is the same reason now, four days after it was resolved: the desk bears it.
    opened("a5", "09-03", "k2", "where_is_it"),
    event("a6", "goodwill", "09-03", contact="k2", amount=101),
    opened("a7", "09-04", "k3", "product_defect", channel="email", subject="s3"),
    # 7 p in shares of 60 and 40 are 4.2 and 2.8.
    event("a8", "goodwill", "09-04", contact="k3", amount=7),
    event("a9", "promise_made", "09-04", contact="k3", promise="p1", due="2026-09-05T12:00:00+01:00"),
    # 61 s are 50.8 p, so 51: 37/24 s and 31/20 p.
    resolved("a10", "09-04", "k3", 61, resolved=False),
    event("a10b", "promise_broken", "09-05", promise="p1"),
    # Late, and nobody measured it: the accrual of 250 goes, and 250 are booked.
    event("a11", "promise_kept", "09-10", promise="p1", contact="k3", measured_seconds=None),
    opened("a12", "09-05", "k4", "fyi", subject="s4", tag="praise", public=True),
    resolved("a13", "09-05", "k4"),
    opened("a14", "09-05", "k5", "how_to", subject="s4", tag="request", channel="chat"),
    opened("a15", "09-05", "k6", "how_to", subject="s4", tag="request", same_as_open="k5"),
    resolved("a16", "09-05", "k6", 90),
    event("a17", "merge", "09-05", contact="k6", into="k5"),
    # Whoever still writes under the merged contact has joined the one that goes on.
    joined("a18", "09-06", "k6", "how_to", tag="request"),
    event("a19", "no_action", "09-08", contact="k5"),
    joined("a20", "09-08", "k5", "how_to", tag="request"),
    event("a21", "bot_resolve", "09-08", contact="k5"),
    event("a22", "not_a_contact", "09-08", mention="m-k2", contact="k2", by="ann"),
    event("a24", "expire", "09-15", as_of="2026-09-15"),
)


def test_a_month_of_corners_gives_what_was_worked_out_by_hand() -> None:
    result = played(*MONTH, closed={"a3": "2026-08-31"})

    assert amounts(result) == {
        ("Waste", "logistics", "TAG", "N"): 1,
        ("Waste", "logistics", "CNT", "N"): 1,
        ("Waste", "logistics", "SEC", "E"): 675,
        ("Waste", "logistics", "GBP", "E"): 563,
        ("Waste", "logistics", "SEC", "M"): 24,
        ("Waste", "logistics", "GBP", "M"): 20,
        ("Waste", "product_quality", "TAG", "N"): 1,
        ("Waste", "product_quality", "CNT", "N"): 1,
        ("Waste", "product_quality", "SEC", "E"): 180,
        ("Waste", "product_quality", "GBP", "E"): 150,
        ("Waste", "product_quality", "SEC", "M"): 37,
        ("Waste", "product_quality", "GBP", "M"): 31,
        ("Serve", "service", "TAG", "N"): 1,
        ("Serve", "service", "CNT", "N"): 1,
        ("Automate", "digital", "TAG", "N"): 4,
        ("Automate", "digital", "CNT", "N"): 1,
        ("Automate", "digital", "SEC", "M"): 90,
        ("Automate", "digital", "GBP", "M"): 75,
        ("Automate", "digital", "GBP", "E"): 10,
        ("Goodwill", "service", "GBP", "R"): 101,
        ("Fund", "service", "GBP", "R"): -108,
        ("Goodwill", "product_quality", "GBP", "R"): 4,
        ("Goodwill", "logistics", "GBP", "R"): 3,
        ("Counts", "service", "TAG", "N"): -7,
        ("Counts", "service", "CNT", "N"): -4,
        ("Service", "service", "SEC", "E"): -855,
        ("Service", "service", "GBP", "E"): -723,
        ("Service", "service", "SEC", "M"): -151,
        ("Service", "service", "GBP", "M"): -126,
        ("Unrealised", "service", "GBP", "E"): 650,
        ("BuyMore", "service", "GBP", "E"): -500,
        ("SpreadWord", "service", "GBP", "E"): -190,
        ("Expired", "service", "GBP", "E"): 40,
    }
    assert result["pending_balances"] == []
    assert (result["live_tags"], result["live_contacts"], result["journal_count"]) == (7, 4, 37)
    assert result["repeats"] == {"k2": "after_resolved"}
    assert not any(result["posted_sum_per_commodity_basis"].values())


def test_every_event_twice_is_every_event_once() -> None:
    twice = [one for each in MONTH for one in (each, deepcopy(each))]

    assert played(*twice, closed={"a3": "2026-08-31"}) == played(*MONTH, closed={"a3": "2026-08-31"})


def test_an_event_that_comes_again_after_its_month_was_closed_changes_nothing() -> None:
    again = [*MONTH, event("z", "pool_actual", "10-02", amount=9), *MONTH]

    result = played(*again, closed={"a3": "2026-08-31", "z": "2026-09-30"})

    assert result["journal_count"] == 38


def test_another_event_under_an_old_id_is_refused_by_its_code() -> None:
    with pytest.raises(LedgerError, match="E_IDEMPOTENCY_CONFLICT: event a6 came before with other values"):
        played(*MONTH, event("a6", "goodwill", "09-03", contact="k2", amount=102))


@pytest.mark.parametrize(
    ("on", "first_closed", "repeats", "dept"),
    [
        ("09-08", "resolved", {"k2": "after_resolved"}, "service"),  # the seventh day is in the window
        ("09-09", "resolved", {}, "logistics"),  # the eighth is not
        ("09-02", "unresolved", {}, "logistics"),  # the desk never said that it was done
        ("09-02", "open", {"k2": "chase"}, "logistics"),  # the owner's work is still awaited
        ("08-31", "resolved", {}, "logistics"),  # written before the other one was
    ],
)
def test_who_bears_a_contact_that_follows_another(
    on: str, first_closed: str, repeats: dict[str, str], dept: str
) -> None:
    first = [opened("a", "09-01", "k1", "where_is_it", routed=False)]
    if first_closed != "open":
        first.append(resolved("b", "09-01", "k1", 60, resolved=first_closed == "resolved"))

    result = played(*first, opened("c", on, "k2", "where_is_it"))

    assert result["repeats"] == repeats
    assert amounts(result, "pending")["Waste", dept, "SEC", "E"] == 300


def test_a_repeat_of_an_asset_reason_stays_an_asset_and_one_to_automate_becomes_waste() -> None:
    result = played(
        opened("a", "09-01", "k1", "how_to", tag="request"),
        resolved("b", "09-01", "k1", 60),
        opened("c", "09-02", "k2", "how_to", tag="request"),
        opened("d", "09-01", "k3", "buy_interest", tag="request", subject="s2"),
        resolved("e", "09-01", "k3", 60),
        opened("f", "09-02", "k4", "buy_interest", tag="request", subject="s2"),
    )

    assert amounts(result, "pending") == {
        ("Waste", "service", "SEC", "E"): 240,
        ("Waste", "service", "GBP", "E"): 200,
        ("Serve", "sales", "SEC", "E"): 360,
        ("Serve", "sales", "GBP", "E"): 300,
        ("Service", "service", "SEC", "E"): -600,
        ("Service", "service", "GBP", "E"): -500,
    }


def test_a_second_tag_of_a_mention_counts_and_never_costs() -> None:
    result = played(
        opened("a", "09-01", "k1", "where_is_it"),
        resolved("b", "09-01", "k1", 60),
        joined("c", "09-01", "k1", "where_is_it", mention="m-k1", tag="request", primary=False),
    )

    assert (result["live_tags"], result["live_contacts"]) == (2, 1)
    assert result["pending_balances"] == []


def test_a_retag_of_a_contact_that_came_back_keeps_a_minute_a_minute() -> None:
    result = played(
        opened("a", "09-01", "k1", "where_is_it"),
        resolved("b", "09-01", "k1"),
        joined("c", "09-01", "k1", "where_is_it"),
        resolved("d", "09-01", "k1"),
        event("e", "retag", "09-02", mention="m-k1", contact="k1", tag="complaint", reason="billing_error"),
    )

    assert amounts(result)["Waste", "billing", "SEC", "E"] == 600
    assert amounts(result)["Waste", "billing", "GBP", "E"] == 500
    assert ("Waste", "logistics", "SEC", "E") not in amounts(result)


def test_a_retag_after_a_promise_was_kept_keeps_the_follow_up_at_its_own_minutes() -> None:
    result = played(
        opened("a", "09-01", "k1", "where_is_it"),
        resolved("b", "09-01", "k1", 120),
        event("c", "promise_made", "09-01", contact="k1", promise="p"),
        event("d", "promise_kept", "09-02", contact="k1", promise="p"),
        event("e", "retag", "09-03", mention="m-k1", contact="k1", tag="complaint", reason="billing_error"),
    )

    assert amounts(result)["Waste", "billing", "SEC", "M"] == 120
    assert amounts(result)["Waste", "billing", "SEC", "E"] == 300


def test_a_correction_of_a_mention_that_joined_moves_neither_the_contact_nor_its_work() -> None:
    result = played(
        opened("a", "09-01", "k1", "where_is_it"),
        joined("b", "09-01", "k1", "where_is_it"),
        event("c", "retag", "09-02", mention="m-b", contact="k1", tag="praise", reason="praise"),
        resolved("d", "09-02", "k1", 60),
    )

    assert amounts(result)["Waste", "logistics", "TAG", "N"] == 2
    assert amounts(result)["Waste", "logistics", "SEC", "M"] == 60


def test_two_estimates_of_one_contact_run_out_each_in_its_time() -> None:
    result = played(
        opened("a", "01-01", "k1", "praise", tag="praise", public=True),
        resolved("b", "03-30", "k1", 60, saved=True),
        event("c", "expire", "07-01", as_of="2026-07-01"),
    )

    # 150 for the thank-you are 181 days old; 24,000 x 300 bp = 720 for the customer who stayed are 93.
    assert amounts(result)["Unrealised", "service", "GBP", "E"] == 720
    assert amounts(result)["Expired", "service", "GBP", "E"] == 150


def test_an_estimate_of_a_closed_month_is_as_old_as_what_it_is_about() -> None:
    result = played(
        event("a", "opening_estimate", "01-01", behaviour="buy_again", amount=70, case="k0"),
        event("b", "expire", "07-05", as_of="2026-07-05"),
        closed={"a": "2026-05-31"},
    )

    assert amounts(result)["Expired", "service", "GBP", "E"] == 70


@pytest.mark.parametrize(("spent", "refused"), [(800, False), (801, True)])
def test_a_budget_is_spent_to_its_last_penny_and_not_further(spent: int, refused: bool) -> None:
    book = [
        event("a", "saving_confirmed", "09-30", amount=2_000, by="finance"),
        event("b", "budget_fund", "09-30", amount=1_000),
        event("c", "budget_allocate", "09-30", initiative="i1", amount=800),
        event("d", "budget_allocate", "09-30", initiative="i2", amount=200),
        event("e", "budget_spend", "09-30", initiative="i1", amount=spent),
    ]

    if refused:
        with pytest.raises(LedgerError, match="E_BUDGET_OVERDRAWN"):
            played(*book)
    else:
        assert amounts(played(*book))["Initiatives", "service", "GBP", "R"] == 200


def test_a_contact_without_a_reason_waits_in_suspense_until_it_has_one() -> None:
    before = [opened("a", "09-01", "k1", None), resolved("b", "09-01", "k1", 120)]
    after = event("c", "retag", "09-02", mention="m-k1", contact="k1", tag="request", reason="how_to")

    assert amounts(played(*before))["Unclassified", "unassigned", "GBP", "M"] == 100
    assert amounts(played(*before, after))["Automate", "digital", "GBP", "M"] == 100


def test_a_book_in_yen_has_no_pounds() -> None:
    result = played(opened("a", "09-01", "k1", "where_is_it"), currency="JPY", rate_minor_per_hour={"default": 2_400})

    assert amounts(result, "pending")["Waste", "logistics", "JPY", "E"] == 200
    assert "GBP" not in json.dumps(result)


def test_work_that_takes_no_time_leaves_no_trace_but_what_was_measured() -> None:
    quiet = [opened("a", "09-01", "k1", "fyi"), resolved("b", "09-01", "k1")]
    worked = [opened("a", "09-01", "k1", "fyi"), resolved("b", "09-01", "k1", 12)]

    assert played(*quiet)["journal_count"] == 1
    assert amounts(played(*worked))["Serve", "service", "GBP", "M"] == 10


def test_a_bot_that_costs_nothing_ends_what_was_expected() -> None:
    result = played(
        opened("a", "09-01", "k1", "how_to"), event("b", "bot_resolve", "09-01", contact="k1"), bot_fixed_minor=0
    )

    assert result["pending_balances"] == []
    assert ("Automate", "digital", "GBP", "E") not in amounts(result)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (resolved("x", "09-02", "k1", -5), "event x: measured_seconds must be 0 or more"),
        (event("x", "retag", "09-02", mention="m9", contact="k1", tag="praise", reason="praise"), "'m9' is none of"),
        (event("x", "not_a_contact", "09-02", mention="m9", contact="k1"), "mention 'm9' is none of contact 'k1'"),
        (event("x", "merge", "09-02", contact="k1", into="k1"), "cannot be merged into itself"),
        (event("x", "promise_broken", "09-02", promise="p"), "promise 'p' is not open"),
        (resolved("x", "09-02", "k2"), "contact 'k2' was not opened by an earlier event"),
    ],
)
def test_what_cannot_have_happened_is_refused_in_one_sentence(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        played(opened("a", "09-01", "k1", "where_is_it"), wrong)


def test_a_promise_is_made_once_until_it_is_kept() -> None:
    made = event("b", "promise_made", "09-01", contact="k1", promise="p")

    with pytest.raises(InputError, match="promise 'p' is open already"):
        played(opened("a", "09-01", "k1", "where_is_it"), made, made | {"id": "c"})


def test_the_command_refuses_an_overdrawn_budget_with_its_code_and_exit_code_2(tmp_path: Path) -> None:
    book = {"config": config(), "events": [event("a", "budget_allocate", "09-30", initiative="i1", amount=1)]}
    file = tmp_path / "book.json"
    file.write_text(json.dumps(book), encoding="utf-8")

    result = CliRunner().invoke(cli, ["ledger", "replay", str(file), "--json"], standalone_mode=False)

    assert isinstance(result.exception, LedgerError)
    assert result.exception.code == "E_BUDGET_OVERDRAWN"


def test_a_book_may_have_rates_by_channel_and_queue_and_a_fixed_price() -> None:
    result = played(
        opened("a", "09-01", "k1", "where_is_it", channel="phone"),
        resolved("b", "09-01", "k1", 360),
        opened("c", "09-01", "k2", "billing_error", channel="phone", queue="premium", subject="s2"),
        resolved("d", "09-01", "k2", 360),
        rate_minor_per_hour={"default": 3_000, "by_channel": {"phone": 5_000}, "by_queue": {"premium": 7_000}},
        fixed_minor={"phone": 25},
    )

    # A tenth of an hour each: 500 and 700, and 25 for the call.
    assert amounts(result)["Waste", "logistics", "GBP", "M"] == 525
    assert amounts(result)["Waste", "billing", "GBP", "M"] == 725
