"""`earmark tag` where somebody watches the bar while the output goes into a file."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from bot import app, tagfile
from tests.installation import ToldTagger


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_bar_is_drawn_for_a_person_and_the_output_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lines.txt").write_text("praise: lovely\nnothing\n")
    screen, file = Terminal(), io.StringIO()
    monkeypatch.setattr(app, "tagger_of", lambda *_: ToldTagger())
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", file)

    tagfile.run(tmp_path / "lines.txt", "shipped")

    assert [json.loads(line)["primary"] for line in file.getvalue().splitlines()] == ["praise", None]
    assert "tagging lines.txt" in screen.getvalue()
    assert "lovely" not in screen.getvalue()
