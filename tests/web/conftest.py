"""A house to visit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from storage import db
from tests.installation import prepared
from tests.web.house import Clock, House, Visitor, build, furnish

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Databases:
    """Engines that are kept from test to test, each time on another file: compiling their SQL anew takes longer."""

    def __init__(self) -> None:
        self._engines: list[Engine] = []
        self._files: list[Path] = []

    def take(self, file: Path) -> Engine:
        """Return an engine on ``file``, not used yet in this test."""
        number = len(self._files)
        self._files.append(file)
        if number == len(self._engines):
            self._engines.append(db.connect("sqlite:///file-is-chosen-on-connecting"))
            event.listen(self._engines[number], "do_connect", self._chooser(number))
        return self._engines[number]

    def _chooser(self, number: int) -> Callable[..., None]:
        def choose(_dialect: Any, _record: Any, arguments: list[Any], _options: Any) -> None:
            arguments[0] = str(self._files[number])

        return choose

    def give_back(self) -> None:
        """Close the files; the next test has others."""
        for engine in self._engines:
            engine.dispose()
        self._files.clear()


@pytest.fixture(scope="session")
def databases() -> Databases:
    return Databases()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without mentions, to copy."""
    path = tmp_path_factory.mktemp("board") / "furnished.sqlite"
    database = prepared(f"sqlite:///{path}")
    furnish(database, START)
    database.dispose()
    return path


@pytest.fixture
def new_house(tmp_path: Path, furnished: Path, databases: Databases) -> Iterator[Callable[[], House]]:
    count = 0

    def make() -> House:
        nonlocal count
        count += 1
        file = shutil.copyfile(furnished, tmp_path / f"board{count}.sqlite")
        return build(databases.take(file), Clock(START))

    yield make
    databases.give_back()


@pytest.fixture
def house(new_house: Callable[[], House]) -> House:
    return new_house()


@pytest.fixture
def ada(house: House) -> Visitor:
    return house.visitor()
