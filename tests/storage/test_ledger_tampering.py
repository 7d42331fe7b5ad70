"""A change of any value of the ledger's tables, made in the file behind our back, is found and its journal named."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from sqlmodel import SQLModel

from bot.config import LedgerSettings
from bot.domain import Tag
from bot.errors import StorageError
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, cost, hold, reversal, tag_journals
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from bot.ledger.verify import Verdict
from storage import db, periods
from storage.ledger import post, record_config
from storage.ledger_verify import verify
from tests.installation import give_tables

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
TODAY = date(2026, 9, 10)
CASES = 4
"""Each has a tag, a hold, the work that resolves it, and a reversal of that work: journals 1 to 4, 5 to 8 and so on."""


def drafts_of(number: int, model: CostModel) -> list[Draft]:
    contact = Contact(
        str(number),
        "x",
        "social",
        Tag.COMPLAINT,
        "billing_error",
        cell(model, tag=Tag.COMPLAINT, reason="billing_error"),
    )
    event = f"tag:{number}:complaint:v1"
    [tagged] = tag_journals(
        event, contact, tag=Tag.COMPLAINT, primary=True, opens=True, on=TODAY, group_ref=str(number), model=model
    )
    held = hold(event, contact, on=TODAY, model=model)
    done = cost(f"case:{number}:1", contact, on=TODAY, model=model, resolves=held.key, seconds=300, hold=held)
    return [tagged, held, done, reversal(f"case:{number}:2", done, memo="wrong case", actor_ref="slack:U1")]


CHANGES = 25
"""That a book is harmed in, one at a time, by one test."""

RARELY = [pytest.param(seq, marks=pytest.mark.slow) for seq in (6, 8, 16)]
"""A hold, a reversal, and the last journal of September."""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A book whose September is closed, so that its last journal has another day than it belongs to."""
    path = tmp_path_factory.mktemp("book") / "earmark.sqlite"
    give_tables(path)
    model = cost_model(LedgerSettings(), load_taxonomy())
    engine = db.connect(f"sqlite:///{path}")
    with db.transaction(engine) as session:
        record_config(session, model, NOW)
        for number in range(1, CASES + 1):
            post(session, drafts_of(number, model), now=NOW)
        periods.seal(session, "2026-09", by="Finance", now=NOW)
    with db.transaction(engine) as session:
        late = Contact("9", "x", "social", Tag.COMPLAINT, "how_to", cell(model, tag=Tag.COMPLAINT, reason="how_to"))
        post(session, [cost("late", late, on=TODAY, model=model, resolves=None, seconds=60)], now=NOW)
    engine.dispose()
    checkpointed(path)
    return path.read_bytes()


@pytest.fixture
def file(book: bytes, tmp_path: Path) -> Path:
    """A copy of it to do harm to."""
    path = tmp_path / "earmark.sqlite"
    path.write_bytes(book)
    return path


def checkpointed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")


def forced(path: Path, statement: str) -> None:
    """Change the file as somebody with all rights would."""
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints=ON")
        connection.execute(statement)
        connection.commit()


def verdict_of(path: Path) -> Verdict:
    engine = db.connect(f"sqlite:///{path}")
    try:
        with db.reading(engine) as session:
            return verify(session)
    finally:
        engine.dispose()


def tampered(path: Path, table: str, column: str, where: str) -> str:
    """Change one value in one row; return what checking says of it."""
    old = found(path, column, f"{table} WHERE {where}")
    forced(path, f"UPDATE {table} SET {column} = {changed(old)} WHERE {where}")  # noqa: S608  # own names
    return str(verdict_of(path).broken)


def found(path: Path, what: str, where: str) -> object:
    """The one value there."""
    with closing(sqlite3.connect(path)) as connection:
        value: object = connection.execute(f"SELECT {what} FROM {where}").fetchone()[0]  # noqa: S608  # own names
        return value


def changed(old: object) -> str:
    """Another value of the same kind, as near as can be, in SQL."""
    if old is None:
        return "'x'"
    if isinstance(old, int):
        return str(old + 100)
    assert isinstance(old, str)
    last = old[-1:]
    return f"'{old[:-1].replace(chr(39), chr(39) * 2)}{'1' if last == '0' else '0'}'"


COLUMNS = {
    name: [column.name for column in SQLModel.metadata.tables[name].columns]
    for name in (
        "ledger_journal", "ledger_line", "ledger_period", "ledger_config", "ledger_record", "ledger_sum",
        "ledger_case_sum",
    )
}  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS["ledger_journal"])
@pytest.mark.parametrize("seq", [7, *RARELY])
def test_a_change_of_any_value_of_a_journal_is_found_and_it_is_named(file: Path, column: str, seq: int) -> None:
    problem = tampered(file, "ledger_journal", column, f"seq = {seq}")

    # Without its number it is missing where it was, so the next one does not follow.
    assert problem.startswith(f"journal {seq + 1 if column == 'seq' else seq} (")


@pytest.mark.parametrize("column", COLUMNS["ledger_line"])
@pytest.mark.parametrize("seq", [7, *RARELY])
def test_a_change_of_any_value_of_a_line_is_found_and_its_journal_named(file: Path, column: str, seq: int) -> None:
    line = found(file, "max(id)", f"ledger_line WHERE journal_seq = {seq}")

    problem = tampered(file, "ledger_line", column, f"id = {line}")

    assert problem.startswith(f"journal {seq} (")


@pytest.mark.parametrize("table", ["ledger_period", "ledger_config", "ledger_record", "ledger_sum", "ledger_case_sum"])
def test_a_change_of_any_value_beside_the_journals_is_found(file: Path, book: bytes, table: str) -> None:
    unnoticed = []

    for column in COLUMNS[table]:
        file.write_bytes(book)
        [key, *_] = SQLModel.metadata.tables[table].primary_key.columns
        first = found(file, f"min({key.name})", table)
        if tampered(file, table, column, f"{key.name} = {first!r}") == "None":
            unnoticed.append(column)

    assert unnoticed == []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_values_of_any_table_row_and_column_that_are_changed_at_random_are_found(
    book: bytes, tmp_path: Path, seed: int
) -> None:
    random, unnoticed = Random(seed), []

    for number in range(CHANGES):
        # A file of its own: an error that is still kept may keep its hold on the last one.
        file = tmp_path / f"{number}.sqlite"
        file.write_bytes(book)
        table = random.choice(sorted(COLUMNS))
        column, row = random.choice(COLUMNS[table]), random.choice(rows_of(file, table))
        old = found(file, column, f"{table} WHERE {row}")
        new = random.choice([one for one in odd(random) if one != sql(old)])
        if overwritten(file, table, column, row, new) and not told(file):
            unnoticed.append((table, row, column, old, new))

    assert unnoticed == []


def rows_of(path: Path, table: str) -> list[str]:
    """The rows of a table, each as the condition that only it meets."""
    keys = [column.name for column in SQLModel.metadata.tables[table].primary_key.columns]
    with closing(sqlite3.connect(path)) as connection:
        values = connection.execute(f"SELECT {', '.join(keys)} FROM {table}").fetchall()  # noqa: S608  # own names
    return [" AND ".join(f"{key} = {sql(one)}" for key, one in zip(keys, row, strict=True)) for row in values]


def odd(random: Random) -> list[str]:
    """Values of every type that a column may be given, in SQL."""
    number = random.randrange(-(2**53), 2**53)
    return [
        "NULL",
        "''",
        "0",
        "1",
        str(number),
        f"{number}.5",
        f"'{number:x}'",
        f"x'{number % 256:02x}'",
        "'GBP'",
        "'E'",
    ]


def sql(value: object) -> str:
    """A value as :func:`odd` writes it."""
    return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"


def overwritten(path: Path, table: str, column: str, row: str, new: str) -> bool:
    """Write a value over another; False where the keys of the table do not let anybody, or it is the same in there."""
    stored = f"SELECT typeof({column}) || quote({column}) FROM {table} WHERE {row}"  # noqa: S608  # own names
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute(stored).fetchone()
    try:
        forced(path, f"UPDATE {table} SET {column} = {new} WHERE {row}")  # noqa: S608  # own names
    except sqlite3.IntegrityError:
        return False
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute(stored).fetchone() != before)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        # The same day, the same moment, the same object to whoever parses them: other bytes.
        ("UPDATE ledger_journal SET effective_date = '20260910' WHERE seq = 6", "journal 6 (tag:2:complaint:v1:hold)"),
        ("UPDATE ledger_journal SET recorded_at = replace(recorded_at, ' ', 'T') WHERE seq = 6", "journal 6 ("),
        ("UPDATE ledger_journal SET resolution = '' WHERE seq = 6", "journal 6 ("),
        ("UPDATE ledger_journal SET reverses_id = '' WHERE seq = 6", "journal 6 ("),
        ("UPDATE ledger_line SET reason = '' WHERE id = 21", "journal 6 ("),
        ("UPDATE ledger_line SET amount = 1.5 WHERE id = 21", "journal 6 ("),
        ("UPDATE ledger_line SET amount = x'00ff' WHERE id = 21", "journal 6 ("),
        ("UPDATE ledger_journal SET memo = cast(x'ff' AS TEXT) WHERE seq = 6", "journal 6"),
        ("UPDATE ledger_period SET trial_balance = replace(trial_balance, ', ', ',')", "a month is stored"),
        ("UPDATE ledger_record SET recorded_at = replace(recorded_at, ' ', 'T')", "journal 1 ("),
        # What no program writes, which SQLite keeps and nobody can read.
        ("UPDATE ledger_config SET toml = ''", "a cost model, a closed month or a sum of lines cannot be read"),
        ("DELETE FROM ledger_period", "the month 2026-09 is on record and missing"),
        ("DELETE FROM ledger_config", "journal 2 (tag:1:complaint:v1:hold): unknown commodity"),
        ("DELETE FROM ledger_record WHERE ref = '17-17'", "journal 17 (late:cost): its writing is not on record"),
        ("DELETE FROM ledger_record", "journal 1 (tag:1:complaint:v1:tag): its writing is not on record"),
        ("DELETE FROM ledger_line WHERE id = 21", "journal 6 ("),
        ("DELETE FROM ledger_line WHERE journal_seq = 17", "journal 17 ("),
        ("DELETE FROM ledger_journal WHERE seq = 17", "journal 17: lines without a journal"),
        (
            "INSERT INTO ledger_line(journal_seq,n,account,commodity,basis,amount,dept) VALUES (99,1,'','','E',1,'')",
            "journal 99: lines without a journal",
        ),
        ("UPDATE ledger_line SET journal_seq = 7, n = 9 WHERE id = 21", "journal 6 ("),
    ],
)  # fmt: skip
def test_changes_that_mean_the_same_or_take_something_away_are_found(file: Path, statement: str, problem: str) -> None:
    forced(file, statement)

    assert str(verdict_of(file).broken).startswith(problem)


def test_a_book_cut_off_at_the_end_is_found_by_the_record(file: Path) -> None:
    forced(file, "DELETE FROM ledger_line WHERE journal_seq = 17")
    forced(file, "DELETE FROM ledger_journal WHERE seq = 17")

    assert str(verdict_of(file).broken) == "journal 17: missing, but on record"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_a_flipped_byte_on_a_page_of_the_ledger_is_found_and_told_in_one_sentence(file: Path, seed: int) -> None:
    sound = file.read_bytes()
    random = Random(seed)
    places = [at for page in pages_of(file, "ledger_journal", "ledger_line") for at in used(sound, page)]
    unnoticed = []

    for at in random.sample(places, 20):
        harmed = bytearray(sound)
        harmed[at] ^= 1 << random.randrange(8)
        file.write_bytes(harmed)
        problem = told(file)
        if not problem or "\n" in problem or "is locked" in problem:
            unnoticed.append((at, problem))

    assert unnoticed == []


def told(path: Path) -> str:
    """What is said of a file, by the ledger's check or by whoever could not open it."""
    try:
        broken = verdict_of(path).broken
    except StorageError as error:
        return str(error)
    return str(broken) if broken else ""


def pages_of(path: Path, *tables: str) -> list[int]:
    """The numbers of the pages with rows of the tables."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
        return [page for table in tables for (page,) in connection.execute(query, [table])]


def used(file: bytes, page: int) -> range:
    """Where on a leaf the rows are: from its first cell on; before it is free room that nobody reads."""
    size = int.from_bytes(file[16:18], "big")
    start = (page - 1) * size
    return range(start + int.from_bytes(file[start + 5 : start + 7], "big"), start + size)
