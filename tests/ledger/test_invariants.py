"""All 25 invariants of the specification over months that simulated agents have lived, and over broken books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.month import lived
from bot.ledger.replay import replayed
from tests.conftest import IN_CI
from tests.installation import give_tables, prepare
from tests.ledger import invariants_of_figures, invariants_of_journals
from tests.ledger.books import Books
from tests.ledger.decisions import decide

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

ALL = invariants_of_journals.ALL | invariants_of_figures.ALL
VECTORS = Path(__file__).parent / "vectors"
MONTHS = 8 if IN_CI else 3


def worked_book() -> list[Any]:
    book = json.loads((VECTORS / "02_postings.json").read_text("utf-8"))
    costs = json.loads((VECTORS / "01_cost_model.json").read_text("utf-8"))["config"]
    return replayed(deepcopy(book) | {"config": costs}).book.journals


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder = tmp_path_factory.mktemp("month")
    url = f"sqlite:///{folder / 'earmark.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("module_postgresql_url")
    prepare(url)
    month = lived(folder, url, days=10, a_day=6, seed=11)
    decide(month, 11)
    yield Books(month, worked_book())
    month.running.parts.database.dispose()


def test_there_is_a_question_for_each_of_the_25() -> None:
    assert sorted(ALL, key=lambda name: int(name[1:])) == [f"I{number}" for number in range(1, 26)]


@pytest.mark.parametrize("name", ALL)
def test_the_invariant_holds_in_a_month_of_work(books: Books, name: str) -> None:
    ALL[name](books)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=MONTHS, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), days=st.integers(9, 14))
def test_all_invariants_hold_in_any_month(seed: int, days: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    give_tables(folder / "earmark.sqlite")

    month = lived(folder, f"sqlite:///{folder / 'earmark.sqlite'}", days=days, a_day=8, seed=seed)
    decide(month, seed)

    for question in ALL.values():
        question(Books(month, worked_book(), has_everything=False))
    month.running.parts.database.dispose()
