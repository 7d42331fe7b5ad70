"""The command line as an operator types it, in a folder with a config."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.cli import main

Earmark = Callable[..., tuple[int, str, str]]
"""Runs the command line; returns exit code, output and errors."""

ROOT = Path(__file__).parent.parent
EARMARK = (sys.executable, "-c", "from bot.cli import main; main()")
CONFIG = """
[earmark]
database_url = "sqlite:///{folder}/e.sqlite"
{earmark}

[[channels]]
name = "feed"
connector = "replay"
path = "{folder}/feed.jsonl"

[[queues]]
name = "care"
slack_channel = "C0CARE"

[[routes]]
queue = "care"

{more}
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What it said when it refused: one line, no traceback."""
        assert self.code == 2, self
        assert "Traceback" not in self.err
        [said] = [one for one in self.err.splitlines() if not one.startswith("{")]
        return said


@dataclass
class Terminal:
    """Types commands in a folder with a config, in this process."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def configure(self, *, earmark: str = "", more: str = "") -> Path:
        (self.folder / "feed.jsonl").touch()
        path = self.folder / "config.toml"
        path.write_text(CONFIG.format(folder=self.folder, earmark=earmark, more=more))
        return path

    def feed(self, *lines: dict[str, Any]) -> None:
        """Put mentions into the file that the channel replays."""
        (self.folder / "feed.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))

    def type(self, *arguments: str, stdin: bytes = b"") -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["earmark", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self.capture.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = self.capture.readouterr()
        return Ended(code, said.out, said.err)


@contextmanager
def terminal_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Terminal]:
    """A terminal in ``folder``. Commands set up logging for the whole process; other tests listen to it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    monkeypatch.chdir(folder)
    yield Terminal(folder, monkeypatch, capsys)
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@contextmanager
def terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: str = ""
) -> Iterator[Earmark]:
    """The command line in ``folder``, whose config logs errors only and has ``more`` at its end."""
    (folder / "config.toml").write_text(
        '[earmark]\ndatabase_url = "sqlite:///earmark.sqlite"\nlog_level = "error"\n'
        '[[channels]]\nname = "feed"\nconnector = "replay"\npath = "feed.jsonl"\n'
        f'[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n{more}'
    )
    with terminal_in(folder, monkeypatch, capsys) as made:

        def run(*arguments: str) -> tuple[int, str, str]:
            ended = made.type(*arguments)
            return ended.code, ended.out, ended.err

        yield run


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of our own in a process of its own."""
    return subprocess.run(  # noqa: S603  # the command is ours
        command, capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
    )
