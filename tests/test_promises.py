"""The promises of the design, in its words, on both engines; those about Slack are in test_promises_with_slack.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from bot import pipeline
from bot.app import App
from bot.domain import Actor, Tagging
from bot.errors import CaseError, ClassifierError
from storage import cases, channels, ledger_reports, mentions
from storage.cases import CaseFilter
from storage.db import reading, transaction
from tests.installation import START, Clock, Installation, ToldTagger, assert_books_agree, line, work

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
TEXTS = (
    "complaint/where_is_it: where is my parcel",
    "complaint+request/billing_error: charged twice, please mend it",
    "praise/praise: thank you all",
    "request/how_to: how do i return this",
    "just talking to a friend",
)


@pytest.fixture(params=["sqlite embedded", "postgresql embedded", "postgresql cluster"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """An installation on both engines, and with the embedded one on both databases."""
    database, engine = request.param.split()
    return Installation(tmp_path, request.getfixturevalue(f"{database}_url"), engine=engine)


@pytest.fixture
def started(installation: Installation) -> Iterator[App]:
    running = installation.open()
    yield running
    running.parts.database.dispose()


def stored(running: App) -> int:
    with reading(running.parts.database) as session:
        return sum(mentions.counts_by_state(session).values())


def case_ids(running: App) -> list[int]:
    with reading(running.parts.database) as session:
        return sorted(case.id for case in cases.page(session, CaseFilter(), limit=1000))


# -- 1 -----------------------------------------------------------------------------------------------------------


def test_a_mention_is_stored_exactly_once_however_often_it_is_polled(installation: Installation, started: App) -> None:
    installation.publish(line(number, TEXTS[0]) for number in range(520))
    work(started)

    with transaction(started.parts.database) as session:
        channels.forget_cursor(session, "feed", channels.place(session, "feed"), notice="test")
    work(started)
    work(started)

    assert stored(started) == 520
    assert_books_agree(started)


def test_a_mention_is_stored_exactly_once_from_however_many_processes_it_is_polled(
    installation: Installation, started: App
) -> None:
    installation.publish(line(number, TEXTS[number % 5]) for number in range(600))
    others = [installation.open() for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [started, *others]))

    assert stored(started) == 600
    assert_books_agree(started)
    for other in others:
        other.parts.database.dispose()


def test_the_cursor_moves_in_the_transaction_that_stores_the_mentions(installation: Installation, started: App) -> None:
    installation.publish(line(number, TEXTS[0]) for number in range(3))
    event.listen(started.parts.database, "commit", _die)

    with pytest.raises(Died):
        pipeline.receive(started.parts, "feed")

    event.remove(started.parts.database, "commit", _die)
    with reading(started.parts.database) as session:
        assert channels.place(session, "feed").cursor is None
    assert stored(started) == 0


# -- 2 -----------------------------------------------------------------------------------------------------------


class Died(BaseException):
    """The process is killed here."""


def _die(_connection: object) -> None:
    raise Died


class Killer:
    """Kills at the n-th of the points at which the outside or a commit is reached."""

    def __init__(self, running: App, after: int) -> None:
        self.left = after
        event.listen(running.parts.database, "commit", self.point)

    def point(self, _connection: object = None) -> None:
        self.left -= 1
        if self.left == 0:
            raise Died


@pytest.mark.slow
@settings(max_examples=10)
@given(kills=st.lists(st.integers(1, 9), max_size=4))
def test_a_burst_of_any_size_is_kept_whole_also_when_the_process_is_killed_between_pages(kills: list[int]) -> None:
    with TemporaryDirectory() as folder:
        installation = Installation(Path(folder), f"sqlite:///{folder}/e.sqlite")
        installation.publish(line(number, TEXTS[number % 5]) for number in range(1100))
        for after in kills:
            _run_until_killed(installation, after)

        running = installation.open()
        work(running)

        assert stored(running) == 1100
        assert_books_agree(running)
        running.parts.database.dispose()


def _run_until_killed(installation: Installation, after: int) -> None:
    running = installation.open()
    Killer(running, after)
    try:
        while pipeline.receive(running.parts, "feed").more:
            pipeline.tag_batch(running.parts)
    except Died:
        pass
    running.parts.database.dispose()


# -- 3 -----------------------------------------------------------------------------------------------------------


def test_every_tag_is_in_the_ledger_exactly_once_in_the_transaction_of_its_tagging(
    installation: Installation, started: App
) -> None:
    installation.publish(line(number, TEXTS[number % 5]) for number in range(200))

    work(started)

    with reading(started.parts.database) as session:
        assert ledger_reports.tag_balance(session) == {
            ("complaint", "where_is_it", "feed"): 40,
            ("complaint", "billing_error", "feed"): 40,
            ("request", "billing_error", "feed"): 40,
            ("praise", "praise", "feed"): 40,
            ("request", "how_to", "feed"): 40,
        }
    assert_books_agree(started)


def test_a_tagging_that_is_not_committed_leaves_no_journal(installation: Installation, started: App) -> None:
    installation.publish([line(1, TEXTS[0])])
    pipeline.receive(started.parts, "feed")
    event.listen(started.parts.database, "commit", _die)

    with pytest.raises(Died):
        pipeline.tag_batch(started.parts)

    event.remove(started.parts.database, "commit", _die)
    with reading(started.parts.database) as session:
        assert mentions.counts_by_state(session) == {"new": 1}
        assert ledger_reports.totals(session).journals == 0


# -- 4 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_journal SET memo = 'x'",
        "UPDATE ledger_line SET amount = amount + 1",
        "DELETE FROM ledger_journal",
        "DELETE FROM ledger_line",
    ],
)
def test_journals_are_append_only_the_database_refuses_update_and_delete(
    installation: Installation, started: App, statement: str
) -> None:
    installation.publish([line(1, TEXTS[0])])
    work(started)

    with pytest.raises(DBAPIError), started.parts.database.begin() as connection:
        connection.execute(text(statement))

    assert_books_agree(started)


# -- 7 -----------------------------------------------------------------------------------------------------------


def test_one_failing_mention_delays_itself_only_and_is_counted(installation: Installation, started: App) -> None:
    installation.publish(line(number, "poison" if number == 30 else TEXTS[0]) for number in range(60))

    work(started)

    with reading(started.parts.database) as session:
        assert mentions.counts_by_state(session) == {"tagged": 59, "dead": 1}
    assert_books_agree(started)


@pytest.mark.slow
def test_a_batch_of_nothing_but_failing_mentions_does_not_hold_up_the_ones_behind_it(tmp_path: Path) -> None:
    installation = Installation(tmp_path, f"sqlite:///{tmp_path / 'e.sqlite'}", settings={"tagger": {"batch": 4}})
    installation.publish(line(number, "poison" if number < 6 else TEXTS[0]) for number in range(10))
    running = installation.open()

    work(running)

    with reading(running.parts.database) as session:
        assert mentions.counts_by_state(session) == {"tagged": 4, "dead": 6}
    running.parts.database.dispose()


@pytest.mark.slow
def test_a_tagger_that_fails_on_everything_sets_no_mention_aside(tmp_path: Path) -> None:
    installation = Installation(tmp_path, f"sqlite:///{tmp_path / 'e.sqlite'}", tagger=BrokenTagger())
    installation.publish(line(number, TEXTS[0]) for number in range(3))
    running = installation.open()
    pipeline.receive(running.parts, "feed")

    for _ in range(5):
        with pytest.raises(ClassifierError, match="the tagger fails on every text"):
            pipeline.tag_batch(running.parts)

    with reading(running.parts.database) as session:
        assert mentions.counts_by_state(session) == {"new": 3}
    running.parts.database.dispose()


class BrokenTagger(ToldTagger):
    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        raise RuntimeError(f"the model file is torn: {len(texts)}")


def test_one_failing_channel_delays_itself_only_and_is_shown(tmp_path: Path, database_url: str) -> None:
    broken = {"name": "broken", "connector": "replay", "path": str(tmp_path)}
    sound = {"name": "feed", "connector": "replay", "path": str(tmp_path / "feed.jsonl")}
    installation = Installation(tmp_path, database_url, settings={"channels": [broken, sound]})
    installation.publish(line(number, TEXTS[0]) for number in range(10))
    running = installation.open()

    work(running)

    with reading(running.parts.database) as session:
        health = {one.name: one for one in channels.health(session)}
    assert stored(running) == 10
    assert health["broken"].failures >= 1
    assert health["broken"].error
    assert health["feed"].failures == 0
    running.parts.database.dispose()


def test_one_line_that_cannot_be_read_is_kept_with_its_number_and_the_rest_goes_on(
    installation: Installation, started: App
) -> None:
    installation.publish([line(1, TEXTS[0])])
    with installation.feed.open("a") as file:
        file.write("{this is no JSON\n")
    installation.publish([line(3, TEXTS[0])])

    work(started)

    with reading(started.parts.database) as session:
        [(channel, item, _at)] = channels.skipped(session, limit=10)
    assert stored(started) == 2
    assert (channel, item.source_id) == ("feed", "line 2")


# -- 8 -----------------------------------------------------------------------------------------------------------


def test_of_two_agents_who_press_claim_together_exactly_one_owns_the_case_and_the_other_is_told_who(
    installation: Installation, started: App
) -> None:
    installation.publish(line(number, TEXTS[0]) for number in range(12))
    work(started)
    ids = case_ids(started)

    for case_id in ids:
        winner, refusal = _press_together(started, case_id)

        assert refusal == f"{winner.name} has claimed this case already."
        view = started.desk.view(case_id)
        assert view is not None
        assert view.owner == winner.ref


def _press_together(running: App, case_id: int) -> tuple[Actor, str]:
    barrier = threading.Barrier(2)

    def press(actor: Actor) -> str:
        barrier.wait()
        try:
            running.desk.claim(case_id, actor, action_id=f"{actor.ref}:{case_id}")
        except CaseError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        ann, bob = pool.map(press, (ANN, BOB))
    assert bool(ann) != bool(bob), (ann, bob)
    return (BOB, ann) if ann else (ANN, bob)


def test_two_workers_that_tag_one_author_at_once_open_one_case(tmp_path: Path, postgresql_url: str) -> None:
    installation = Installation(tmp_path, postgresql_url, settings={"tagger": {"batch": 1}})
    installation.publish(line(number, TEXTS[0], author=f"author-{number // 2}") for number in range(40))
    workers = [installation.open() for _ in range(2)]
    while pipeline.receive(workers[0].parts, "feed").more:
        pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda worker: [pipeline.tag_batch(worker.parts) for _ in range(60)], workers))

    assert len(case_ids(workers[0])) == 20
    assert_books_agree(workers[0])
    for worker in workers:
        worker.parts.database.dispose()


# -- 12 ----------------------------------------------------------------------------------------------------------


def test_the_same_input_makes_the_same_database(tmp_path: Path) -> None:
    dumps = [_dump_of_a_day(tmp_path / name) for name in ("one", "two")]

    assert dumps[0] == dumps[1]


def test_the_same_input_makes_the_same_ledger_on_both_databases(tmp_path: Path, postgresql_url: str) -> None:
    on_sqlite = _dump_of_a_day(tmp_path / "sqlite")
    on_postgresql = _dump_of_a_day(tmp_path / "postgresql", postgresql_url)

    for table in ("ledger_journal", "ledger_line", "case", "tag"):
        assert on_sqlite[table] == on_postgresql[table], table


def _dump_of_a_day(folder: Path, url: str = "") -> dict[str, list[tuple[Any, ...]]]:
    folder.mkdir()
    # With one engine: several workers post in another order, which is another chain of the same journals.
    url = url or f"sqlite:///{folder / 'e.sqlite'}"
    installation = Installation(folder, url, clock=Clock(), engine="embedded")
    installation.publish(
        line(number, TEXTS[number % 5], author=f"a{number % 40}", minutes=number) for number in range(150)
    )
    running = installation.open()
    installation.clock.forward(hours=5)
    work(running)
    for number, case_id in enumerate(case_ids(running)[:9]):
        action: Callable[..., object] = (running.desk.resolve, running.desk.not_for_us, running.desk.claim)[number % 3]
        action(case_id, ANN, action_id=f"press-{number}")
    dump = {}
    with running.parts.database.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            if table.name not in {"channel", "ledger_config"}:  # these hold paths of this very test
                key = list(table.primary_key.columns)
                dump[table.name] = [tuple(row) for row in connection.execute(table.select().order_by(*key))]
    running.parts.database.dispose()
    return dump


@settings(max_examples=10)
@given(order=st.permutations(range(12)))
def test_order_never_matters_to_a_balance(order: Sequence[int]) -> None:
    with TemporaryDirectory() as folder:
        installation = Installation(Path(folder), f"sqlite:///{folder}/e.sqlite")
        installation.publish(line(number, TEXTS[number % 5]) for number in order)
        running = installation.open()
        work(running)

        with reading(running.parts.database) as session:
            posted = [(b.account, b.dept, b.commodity, b.basis, b.amount) for b in ledger_reports.balances(session)]
            pending = sum(
                balance.amount
                for balance in ledger_reports.balances(session, status="pending")
                if balance.amount > 0 and balance.commodity == "GBP"
            )
        running.parts.database.dispose()

    assert posted == [
        ("Equity:Counts", "service", "CNT", "N", -10),
        ("Equity:Counts", "service", "TAG", "N", -13),
        ("Expenses:Contact:Waste", "billing", "CNT", "N", 3),
        ("Expenses:Contact:Waste", "billing", "TAG", "N", 6),
        ("Expenses:Contact:Waste", "logistics", "CNT", "N", 3),
        ("Expenses:Contact:Waste", "logistics", "TAG", "N", 3),
        ("Expenses:Contact:Automate", "digital", "CNT", "N", 2),
        ("Expenses:Contact:Automate", "digital", "TAG", "N", 2),
        ("Expenses:Contact:Serve", "service", "CNT", "N", 2),
        ("Expenses:Contact:Serve", "service", "TAG", "N", 2),
    ]
    # Three times 5 and 9 minutes, twice 4 and 2, at 30 pounds an hour.
    assert pending == 3 * 250 + 3 * 450 + 2 * 200 + 2 * 100
    assert START.tzinfo is not None
