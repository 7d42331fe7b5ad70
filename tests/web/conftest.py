"""A house to visit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from storage import db
from tests.web.house import Clock, House, Visitor, build, furnish

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
STATEMENTS: dict[Any, Any] = {}
"""Compiled SQL, kept from test to test: compiling it anew for each database would take longer than running it."""


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without mentions, to copy: migrating takes as long as a test."""
    path = tmp_path_factory.mktemp("board") / "furnished.sqlite"
    database = db.connect(f"sqlite:///{path}")
    furnish(database, START)
    database.dispose()
    return path


@pytest.fixture
def new_house(tmp_path: Path, furnished: Path) -> Iterator[Callable[[], House]]:
    databases: list[Engine] = []

    def make() -> House:
        path = shutil.copyfile(furnished, tmp_path / f"board{len(databases)}.sqlite")
        database = db.connect(f"sqlite:///{path}").execution_options(compiled_cache=STATEMENTS)
        databases.append(database)
        return build(database, Clock(START))

    yield make
    for database in databases:
        database.dispose()


@pytest.fixture
def house(new_house: Callable[[], House]) -> House:
    return new_house()


@pytest.fixture
def ada(house: House) -> Visitor:
    return house.visitor()
