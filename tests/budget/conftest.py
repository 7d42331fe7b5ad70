"""A summer and a September as in vector 07."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot import periods
from bot.app import App
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from storage import ledger, ledger_verify
from storage.db import reading, transaction
from tests.budget.summer import ACTUAL, BASELINE, FILES, LEDGER, assert_i14, work
from tests.installation import Clock, Installation


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    return Installation(tmp_path, database_url, Clock(datetime(2026, 10, 9, 12, tzinfo=UTC)), {"ledger": LEDGER})


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    """A summer and a September as in vector 07; the months are closed, and it is 9 October."""
    running = installation.open()
    with transaction(running.parts.database) as session:
        # From 2 June it is 13 weeks to the end of August.
        drafts = [work(reason, date(2026, 6, 2), *volume) for reason, volume in BASELINE.items()]
        drafts += [work(reason, date(2026, 9, 15), *volume) for reason, volume in ACTUAL.items()]
        ledger.post(session, drafts, now=running.parts.now())
    for kind, text in FILES.items():
        path = installation.folder / f"{kind}.csv"
        path.write_text(text)
        assert import_file(running.parts, KINDS[kind], path)[0].refused == 0
    for month in ("2026-06", "2026-09"):
        periods.close(running.parts, month, by="Finance")
    yield running
    with reading(running.parts.database) as session:
        assert ledger_verify.verify(session).ok
    assert_i14(running)
    running.parts.database.dispose()
