"""A new configuration applied to open periods: what moves, what may not, and that it can be run again at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot import periods, reclass
from bot.app import App
from bot.cli import cli
from bot.domain import Tag
from storage import models
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import Sums, case, pending, posted, rows, take_in
from tests.two_models import (
    AFTER,
    ANN,
    BEFORE,
    BILL,
    EVE,
    PARCEL,
    SCAM,
    THANKS,
    Place,
    assert_estimates_follow_their_version,
    assert_owed_is_on_the_balance_sheet,
    counts,
    measured,
)

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Place]:
    place = Place(tmp_path, database_url, Clock())
    yield place
    place.leave()


def a_day(running: App, installation: Installation) -> None:
    """A case of every kind: measured, estimated, waiting, promised, merged, dismissed, given goodwill, come back."""
    desk, clock = running.desk, installation.clock
    texts = [PARCEL, PARCEL, PARCEL, BILL, BILL, THANKS, SCAM, PARCEL]
    take_in(running, installation, *(line(n, text, author=f"p{n}") for n, text in enumerate(texts, start=1)))
    ids = {number: case(running, number).id for number in range(1, 9)}
    desk.claim(ids[1], ANN, action_id="c1")
    clock.forward(seconds=280)
    desk.resolve(ids[1], ANN, action_id="r1")
    desk.resolve(ids[2], ANN, action_id="r2")
    desk.promise(ids[3], ANN, clock() + timedelta(hours=3), action_id="p3")
    desk.resolve(ids[4], ANN, action_id="r4")
    desk.goodwill(ids[4], 1000, "sorry", actor=EVE, action_id="g4")
    desk.resolve(ids[6], ANN, action_id="r6")
    desk.not_for_us(ids[8], EVE, action_id="n8")
    # The second writes again within the day, and the fifth asks something else as well.
    take_in(running, installation, line(9, PARCEL, author="p2", minutes=30), line(10, PARCEL, author="p5", minutes=5))


def money(sums: Sums) -> dict[tuple[str, str, str], int]:
    return {(account, dept, basis): amount for (account, dept, unit, basis), amount in sums.items() if unit == "GBP"}


def test_posted_work_moves_to_the_new_owners_at_the_new_price_and_measured_time_stays(place: Place) -> None:
    running, installation = place.open()
    a_day(running, installation)
    before = (counts(running), measured(running))
    assert money(posted(running))["Waste", "logistics", "M"] == 258

    after, _ = place.open(AFTER, rate=6000)
    found = reclass.run(after.parts)

    assert (counts(after), measured(after)) == before
    # 310 measured seconds at 60 an hour are 517, split 60 to 40.
    assert money(posted(after))["Waste", "logistics", "M"] == 310
    assert money(posted(after))["Waste", "carrier", "M"] == 207
    assert money(posted(after))["Simplify", "billing", "E"] == 900
    assert ("Waste", "billing", "E") not in {key for key, amount in money(posted(after)).items() if amount}
    assert {(one.account, one.department, one.moved_minor) for one in found.moved} >= {
        ("Expenses:Contact:Simplify", "billing", 900),
        ("Expenses:Contact:Waste", "billing", -450),
    }
    assert_books_agree(after)
    assert_owed_is_on_the_balance_sheet(after)
    assert_estimates_follow_their_version(
        after, {one.parts.model.config_version: one.parts.model for one in (running, after)}
    )


def test_what_is_expected_is_voided_and_held_again_and_still_ends_as_cost(place: Place) -> None:
    running, installation = place.open()
    a_day(running, installation)

    after, _ = place.open(AFTER, rate=6000)
    reclass.run(after.parts)

    waiting = case(after, 3)
    after.desk.resolve(waiting.id, ANN, action_id="r3")
    after.desk.keep_promise(waiting.id, ANN, action_id="k3")
    after.desk.resolve(case(after, 5).id, ANN, action_id="r5")
    after.desk.resolve(case(after, 2).id, ANN, action_id="r2b")
    after.desk.not_for_us(case(after, 7).id, EVE, action_id="n7")
    assert {key: amount for key, amount in pending(after).items() if amount} == {}
    assert_books_agree(after)
    assert_owed_is_on_the_balance_sheet(after)


def test_a_dry_run_says_what_a_run_does_and_changes_nothing(place: Place) -> None:
    running, installation = place.open()
    a_day(running, installation)
    after, _ = place.open(AFTER, rate=6000)
    journals = len(rows(after, models.LedgerJournal))

    said = reclass.run(after.parts, dry_run=True)
    untouched = len(rows(after, models.LedgerJournal))

    assert untouched == journals
    assert reclass.run(after.parts) == said
    assert len(rows(after, models.LedgerJournal)) == journals + said.journals


def test_a_second_run_changes_nothing(place: Place) -> None:
    running, installation = place.open()
    a_day(running, installation)
    after, _ = place.open(AFTER, rate=6000)
    reclass.run(after.parts)
    head = rows(after, models.LedgerJournal)[-1].hash

    again = reclass.run(after.parts)

    assert (again.cases, again.journals, again.moved) == (0, 0, ())
    assert rows(after, models.LedgerJournal)[-1].hash == head


def test_a_run_that_was_killed_is_finished_by_the_next_one(place: Place) -> None:
    running, installation = place.open()
    a_day(running, installation)
    after, _ = place.open(AFTER, rate=6000)
    whole = reclass.run(after.parts, dry_run=True)

    def die_after(number: int) -> Callable[[int], None]:
        looked: list[int] = []

        def advance(one: int) -> None:
            looked.append(one)
            if len(looked) == number:
                raise KeyboardInterrupt

        return advance

    with pytest.raises(KeyboardInterrupt):
        reclass.run(after.parts, advance=die_after(3))
    assert_books_agree(after)
    rest = reclass.run(after.parts)

    assert 0 < rest.cases < whole.cases
    assert {key: amount for key, amount in money(posted(after)).items() if key[1] == "carrier"} != {}
    assert reclass.run(after.parts).cases == 0


def test_back_to_the_first_configuration_the_balances_are_the_first_ones(place: Place) -> None:
    running, installation = place.open()
    a_day(running, installation)
    first = {key: amount for key, amount in (posted(running) | pending(running)).items() if amount}
    for reasons, rate in ((AFTER, 6000), (BEFORE, 3000), (AFTER, 6000), (BEFORE, 3000)):
        latest, _ = place.open(reasons, rate=rate)
        assert reclass.run(latest.parts).cases > 0

    assert {key: amount for key, amount in (posted(latest) | pending(latest)).items() if amount} == first
    assert_books_agree(latest)


def test_a_closed_month_stays_as_it_was_and_a_softly_closed_one_is_brought_up(place: Place) -> None:
    running, installation = place.open()
    take_in(running, installation, line(1, PARCEL))
    running.desk.resolve(case(running).id, ANN, action_id="r1")
    place.clock.at = datetime(2026, 12, 5, 9, tzinfo=UTC)
    take_in(running, installation, line(2, PARCEL, minutes=24 * 60 * 16))
    running.desk.resolve(case(running, 2).id, ANN, action_id="r2")
    periods.close(running.parts, "2026-11", by="Finance")
    place.clock.at = datetime(2027, 1, 5, 9, tzinfo=UTC)
    periods.soften(running.parts, "2026-12")

    after, _ = place.open(AFTER)
    found = reclass.run(after.parts)

    assert found.cases == 1
    new = [row for row in rows(after, models.LedgerJournal) if row.actor_ref == "finance"]
    assert {(row.effective_date.month, row.original_date) for row in new} == {(12, None)}
    assert_books_agree(after)


def test_a_rule_goes_on_matching_words_that_are_gone(place: Place) -> None:
    running, installation = place.open()
    take_in(running, installation, line(1, SCAM, author="max"))
    from bot import erase

    erase.erase(running.parts, "replay:max")

    after, _ = place.open(BEFORE, rule="liability")
    reclass.run(after.parts)

    assert (case(after).quadrant, rows(after, models.Case)[0].quadrant_source) == ("liability", "rule:fraud-report")


def test_a_correction_after_a_reclassification_finds_the_tags(place: Place) -> None:
    running, installation = place.open()
    take_in(running, installation, line(1, BILL))
    running.desk.resolve(case(running).id, ANN, action_id="r1")
    after, _ = place.open(AFTER)
    reclass.run(after.parts)

    after.desk.retag(case(after).id, EVE, action_id="t1", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="praise")

    assert dict(counts(after)) == {
        ("TAG", "complaint", "praise", "feed"): 1,
        ("CNT", "complaint", "praise", "feed"): 1,
    }
    assert_books_agree(after)


def test_a_merged_duplicate_can_still_be_taken_back(place: Place) -> None:
    from tests.test_operations import link

    running, installation = place.open()
    take_in(running, installation, line(1, PARCEL, author="a"), line(2, PARCEL, author="b"))
    link(running)
    one, two = case(running, 1).id, case(running, 2).id
    running.desk.promise(two, ANN, place.clock() + timedelta(hours=1), action_id="p1")
    running.desk.merge(two, EVE, one, action_id="m1")
    after, _ = place.open(AFTER)

    reclass.run(after.parts)

    assert reclass.run(after.parts).cases == 0
    assert_owed_is_on_the_balance_sheet(after)
    after.desk.keep_promise(one, ANN, action_id="k1")
    after.desk.not_for_us(one, EVE, action_id="n1")
    assert counts(after) == {}
    assert_books_agree(after)


def test_the_command_says_what_moves(place: Place, tmp_path: Path) -> None:
    if not place.url.startswith("sqlite"):
        pytest.skip("optional: the command reads its database from a file here")
    running, installation = place.open()
    take_in(running, installation, line(1, BILL))
    running.desk.resolve(case(running).id, ANN, action_id="r1")
    _, later = place.open(AFTER)
    file = config_file(tmp_path, later.configuration())

    dry = CliRunner().invoke(cli, ["ledger", "reclass", "--dry-run", "--config", str(file)])
    done = CliRunner().invoke(cli, ["ledger", "reclass", "--period", "open", "--json", "--config", str(file)])

    again = CliRunner().invoke(cli, ["ledger", "reclass", "--config", str(file)])

    assert (dry.exit_code, done.exit_code) == (0, 0), dry.output + done.output
    assert (
        again.stdout
        == f"Nothing changes: what is open says the same under {json.loads(done.stdout)['config_version']}.\n"
    )
    assert dry.stdout.startswith("1 case would be brought to t1-")
    assert "-£4.50" in dry.stdout
    data = json.loads(done.stdout)
    assert (data["cases"], data["journals"], data["dry_run"]) == (1, 6, False)
    assert [(one["account"], one["moved_minor"]) for one in data["moved"]] == [
        ("Expenses:Contact:Simplify", 450),
        ("Expenses:Contact:Waste", -450),
    ]


def config_file(folder: Path, raw: dict[str, Any]) -> Path:
    file = folder / "config.toml"
    file.write_text(
        f"[earmark]\ndatabase_url = {json.dumps(raw['earmark']['database_url'])}\n"
        f"[ledger]\ntaxonomy = {json.dumps(raw['ledger']['taxonomy'])}\n"
        f'[[channels]]\nname = "feed"\nconnector = "replay"\npath = {json.dumps(raw["channels"][0]["path"])}\n'
        '[[queues]]\nname = "care"\nslack_channel = "C0CARE"\n[[routes]]\nqueue = "care"\n',
        encoding="utf-8",
    )
    return file
