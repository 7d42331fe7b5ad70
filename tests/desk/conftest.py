"""A desk with one open case."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import App
from tests.desk.desks import PARCEL, configured
from tests.installation import Installation, line
from tests.looking import case, take_in


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    return configured(tmp_path, sqlite_url)


@pytest.fixture
def open_case(running: App, installation: Installation) -> int:
    """A complaint about a parcel, an hour old, due now."""
    installation.clock.forward(hours=1)
    take_in(running, installation, line(1, PARCEL, author="max"))
    return case(running).id
