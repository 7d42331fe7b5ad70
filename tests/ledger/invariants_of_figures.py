"""What the specification (1.11) demands of what journals add up to, each invariant in its own words."""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import accumulate
from typing import Any, Final

from bot import erase, estimates
from bot.ledger.accounts import (
    BUDGET_AVAILABLE,
    BUDGET_INITIATIVES,
    CHART,
    CONTACT_ACCOUNTS,
    PROMISES,
    RECHARGE,
    VALUE_UNREALISED,
)
from bot.ledger.journal import Draft
from bot.ledger.money import cost_minor
from storage import models, models_operations
from storage.models_money import ConfirmedSaving
from storage.models_sums import LedgerCaseSum, LedgerSum
from tests.ledger.books import Books, Invariant, registered_in, sums_of
from tests.ledger.decisions import PERIOD, eligible

TAIL_S: Final = 30
FORBIDDEN: Final = re.compile(
    r"text|handle|url|author|external|platform|name|email|phone|subject|customer", re.IGNORECASE
)
ALL: Final[dict[str, Invariant]] = {}
invariant = registered_in(ALL)


@invariant
def i12_recharge_sums_to_0_over_departments_and_none_bears_more_than_its_waste(books: Books) -> None:
    borne: Counter[tuple[str, str]] = Counter()
    waste: Counter[tuple[str, str]] = Counter()
    for journal, line in books.posted():
        month = f"{journal.draft.effective:%Y-%m}"
        if line.account == RECHARGE:
            # Booked on the day that it is accepted, borne for the month that it was proposed for.
            borne[journal.draft.group_ref.split(":")[1], line.dept] += line.amount
        if line.commodity == "GBP" and (line.account.endswith(":Waste") or line.account == "Expenses:Goodwill"):
            waste[month, line.dept] += line.amount

    assert sum(borne.values()) == 0
    assert all(amount <= max(waste[key], 0) for key, amount in borne.items() if key[1] != "service")
    _no_line_is_recharged_twice(books)


def _no_line_is_recharged_twice(books: Books) -> None:
    """All that was ever asked of a department for a month is at most its waste, and each proposal ends once."""
    caused = eligible(books.month.running.parts)
    holds = {one.key: one.draft for one in books.journals if one.draft.kind == "recharge_hold"}
    ends = Counter(one.draft.resolves for one in books.journals if one.draft.resolves in holds)
    asked = _borne_for(holds.values())
    accepted = _borne_for(one.draft for one in books.journals if one.draft.kind == "recharge")

    books.must_have(accepted)
    assert all(count == 1 for count in ends.values())
    assert set(asked) <= {f"recharge:{PERIOD}:{dept}" for dept in caused}
    assert all(minor <= caused[ref.rpartition(":")[2]] for ref, minor in asked.items())
    assert all(minor <= asked[ref] for ref, minor in accepted.items())


def _borne_for(drafts: Iterable[Draft]) -> Counter[str]:
    """What departments bear, by the month and department that it was proposed for."""
    found: Counter[str] = Counter()
    for draft in drafts:
        for line in draft.lines:
            found[draft.group_ref] += line.amount if line.dept != "service" else 0
    return found


@invariant
def i13_shares_sum_to_10000_and_splits_to_their_total(books: Books) -> None:
    for version in books.rows(models.LedgerConfig):
        owners = [reason["owners"] for reason in tomllib.loads(version.toml)["reason"]]
        assert all(sum(points for _, points in shares) == 10_000 for shares in owners)
    for journal in books.both:
        # What the pool gives is what the owners bear, however many they are.
        for unit in ("SEC", "GBP"):
            given = sum(-one.amount for one in journal.draft.lines if one.commodity == unit and one.amount < 0)
            borne = sum(one.amount for one in journal.draft.lines if one.commodity == unit and one.amount > 0)
            assert given == borne


@invariant
def i14_budgets_are_never_overdrawn_in_total_or_by_initiative(books: Books) -> None:
    stands: Counter[tuple[str, str | None]] = Counter()
    moved = 0
    for journal in books.worked:
        for line in journal.draft.lines:
            if line.account in {BUDGET_AVAILABLE, BUDGET_INITIATIVES} and journal.draft.status == "posted":
                stands[line.account, line.initiative_id if line.account == BUDGET_INITIATIVES else None] += line.amount
                moved += 1
        assert min(stands.values(), default=0) >= 0
    assert moved > 2
    _funded_within_its_share_of_the_high_water_mark(books)


def _funded_within_its_share_of_the_high_water_mark(books: Books) -> None:
    share = books.month.running.parts.settings.ledger.savings.budget_share_bp
    by_month: Counter[str] = Counter()
    for one in books.rows(ConfirmedSaving):
        by_month[one.period] += one.amount_minor if one.saving_class == "cashable" else 0
    mark = max(0, *accumulate(minor for _, minor in sorted(by_month.items())))
    stands: Counter[str] = Counter()
    for journal, line in books.posted():
        if line.account in {BUDGET_AVAILABLE, BUDGET_INITIATIVES}:
            stands[line.account] += line.amount
            stands["granted"] += line.amount if journal.draft.kind == "budget_fund" else 0
            stands["moved"] += journal.draft.kind != "budget_fund"
        assert min(stands.values(), default=0) >= 0

    books.must_have(stands["granted"] and stands["moved"])
    assert stands["granted"] <= mark * share // 10_000


@invariant
def i15_unrealised_value_is_the_sum_of_live_estimates_and_none_is_older_than_its_expiry(books: Books) -> None:
    estimates.expire(books.month.running.parts)
    live = [one for one in books.rows(models_operations.ValueEstimate) if one.state == "live"]
    oldest = books.month.now.date() - timedelta(days=books.month.running.parts.model.estimate_expiry_days)

    assert books.balance(VALUE_UNREALISED, "GBP") == sum(one.amount_minor for one in live)
    books.must_have(live)
    assert all(one.assumed_on >= oldest for one in live)


@invariant
def i16_promises_on_the_balance_sheet_are_the_accruals_of_open_promises(books: Books) -> None:
    owed = [
        one
        for one in books.rows(models_operations.Promise)
        if one.state in {"open", "broken"} and one.cancelled_at is None
    ]
    by_key = {journal.key: journal.draft for journal in books.journals}
    for unit in ("SEC", "GBP"):
        accrued = sum(
            line.amount
            for promise in owed
            for line in by_key[promise.accrual_key].lines
            if (line.account, line.commodity) == (PROMISES, unit)
        )
        assert books.balance(PROMISES, unit) == accrued
    books.must_have(owed)


@invariant
def i17_all_accounts_sum_to_0_so_assets_less_claims_and_result_are_0(books: Books) -> None:
    for journals in (books.journals, books.worked):
        assert not any(sums_of(journals).values())
    assets: Counter[tuple[str, str]] = Counter()
    others: Counter[tuple[str, str]] = Counter()
    for _, line in books.posted():
        side = assets if CHART[line.account].root == "asset" else others
        side[line.commodity, line.basis] += line.amount
    # Liabilities, equity and the result are credits: shown positive, they are what the assets are.
    assert {unit: amount for unit, amount in assets.items() if amount} == {
        unit: -amount for unit, amount in others.items() if amount
    }


@invariant
def i18_retag_and_merge_keep_the_measured_seconds(books: Books) -> None:
    moved: Counter[str] = Counter()
    corrected = {
        journal.key.rpartition(":")[0]
        for journal in books.journals
        if journal.draft.memo in {"retag", "merged", "by hand"}
    }
    for journal, line in books.posted():
        event = journal.key.rpartition(":")[0]
        if event in corrected and (line.commodity, line.basis) == ("SEC", "M") and line.account in CONTACT_ACCOUNTS:
            moved[event] += line.amount
    books.must_have(moved)
    assert not any(moved.values())


@invariant
def i19_erasing_anybody_changes_no_hash_and_no_balance_and_the_ledger_has_no_column_for_a_person(books: Books) -> None:
    before, sums = books.head(), (books.rows(LedgerSum), books.rows(LedgerCaseSum))
    handles = {author.external_id for author in books.rows(models.Author) if author.erased_at is None}

    for handle in sorted(handles)[:3]:
        erase.erase(books.month.running.parts, f"replay:{handle}")

    assert books.head() == before
    assert (books.rows(LedgerSum), books.rows(LedgerCaseSum)) == sums
    for table in (models.LedgerJournal, models.LedgerLine, LedgerSum, LedgerCaseSum):
        assert not [name for name in table.model_fields if FORBIDDEN.search(name)]


@invariant
def i20_reports_tie_and_every_figure_is_the_sum_of_the_journals_behind_it(books: Books) -> None:
    waste, savings, followed, *_ = books.traces
    assert re.fullmatch(r"waste [\d,]+ = grid = top = charged .+ \+ open promises [\d,]+", waste)
    assert savings.startswith("savings: the actual cost of ")
    assert int(followed.split()[0]) > 100


@invariant
def i21_an_estimate_recomputes_under_its_configuration(books: Books) -> None:
    tomls = {row.version: tomllib.loads(row.toml) for row in books.rows(models.LedgerConfig)}
    recomputed = 0
    for journal in books.journals:
        if journal.draft.kind not in {"cost_hold", "cost", "promise_made"} or not journal.draft.lines:
            continue
        borne: Counter[str] = Counter()
        for line in journal.draft.lines:
            if line.account in CONTACT_ACCOUNTS and line.basis in {"E", "M"}:
                borne[line.commodity] += line.amount
        line = journal.draft.lines[0]
        version = tomls[line.config_version or ""]
        assert borne["GBP"] in _prices(borne["SEC"], version["ledger"]), journal.key
        if journal.draft.kind == "cost_hold" and not journal.draft.memo:
            [minutes] = [one["seconds"] for one in version["reason"] if one["id"] == line.reason] or [300]
            assert borne["SEC"] == minutes
            recomputed += 1
    books.must_have(recomputed > 10)


def _prices(seconds: int, version: dict[str, Any]) -> set[int]:
    """What work on a public channel costs, in the one queue or the other: a case may have changed its queue since."""
    rates = {version["rate_minor_per_hour"], *version.get("rate_minor_per_hour_by_queue", {}).values()}
    return {cost_minor(seconds, rate) + version.get("fixed_minor", {}).get("social", 0) for rate in rates}


@invariant
def i22_a_contact_nobody_acted_on_has_cost_nothing(books: Books) -> None:
    acted = {event.case_id for event in books.rows(models.CaseEvent) if event.actor not in {"", "earmark"}}
    cost: Counter[str] = Counter()
    for _, line in books.posted():
        if line.account in CONTACT_ACCOUNTS and line.commodity in {"SEC", "GBP"}:
            cost[line.case_id or ""] += line.amount
    untouched = [str(case.id) for case in books.rows(models.Case) if case.id not in acted]
    books.must_have(untouched)
    assert not any(cost[case_id] for case_id in untouched)


@invariant
def i23_agents_measured_seconds_are_within_their_clocks(books: Books) -> None:
    spans: dict[str, list[Any]] = defaultdict(list)
    for event in books.rows(models.CaseEvent):
        if event.actor not in {"", "earmark"}:
            spans[event.actor].append(event.at)
    clocks = sum((max(at) - min(at)).total_seconds() + TAIL_S for at in spans.values())
    measured = sum(
        line.amount
        for _, line in books.posted()
        if (line.commodity, line.basis) == ("SEC", "M") and line.account in CONTACT_ACCOUNTS
    )
    assert measured <= clocks
    books.must_have(measured)


@invariant
def i25_the_export_passes_bean_check_with_balances_and_fails_after_one_line_was_altered(books: Books) -> None:
    assert books.traces[-1].endswith("and refuses them after a penny was changed")
    assert " balance " in (books.month.folder / "ledger.beancount").read_text("utf-8")
