"""An installation to operate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installation import Installation


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str) -> Installation:
    """The smallest, on SQLite."""
    return Installation(tmp_path, sqlite_url)
