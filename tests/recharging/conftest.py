"""A book that charges departments, with three closed months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest

from bot.app import App
from bot.reporting import recharge as reporting
from tests.installation import Clock, Installation, assert_books_agree
from tests.recharging.autumn import LEDGER, PROPOSED_ON, an_autumn, assert_i12


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    return Installation(tmp_path, database_url, Clock(datetime(2026, 9, 3, 9, tzinfo=UTC)), {"ledger": LEDGER})


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 tags drawn for the audit 188 were right."""
    monkeypatch.setattr(reporting, "tag_accuracy", lambda _ask: (188, 200))


@pytest.fixture(scope="session")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of three months, made once for all tests on SQLite."""
    folder = tmp_path_factory.mktemp("autumn")
    place = Installation(folder, f"sqlite:///{folder / 'earmark.sqlite'}", settings={"ledger": LEDGER})
    an_autumn(place).parts.database.dispose()
    return folder


@pytest.fixture
def running(installation: Installation, autumn: Path) -> Iterator[App]:
    if installation.url.startswith("sqlite"):
        copytree(autumn, installation.folder, dirs_exist_ok=True)
        installation.clock.at = PROPOSED_ON
        running = installation.open()
    else:
        running = an_autumn(installation)
    yield running
    assert_books_agree(running)
    assert_i12(running)
    running.parts.database.dispose()
