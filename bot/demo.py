"""``earmark demo``: the shipped sample through the real pipeline, into a fresh database, on the board.

Nothing here is a short cut: the sample is a file that the replay connector follows, and sample agents press the
buttons that people press. Only the clock is helped along: the sample is moved so that it ends now.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
import tomllib
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bot import app, config, logs, sampling
from bot.app import App
from bot.config import Settings
from bot.domain import Actor
from bot.errors import CaseError
from bot.parts import utc_now
from storage import cases, ledger_grid, ledger_reports, ledger_verify, mentions
from storage.cases import CaseFilter
from storage.db import reading

SAMPLE = Path(__file__).parent / "sample"
CHANNEL = "sample"
SHARE_AT_ONCE = 0.7
"""How much of the sample is there when the board opens; the rest streams in."""
STREAM_SECONDS, AGENT_SECONDS = 1.5, 4.0
AGENTS = (Actor("demo:ash", "Sample agent Ash"), Actor("demo:birch", "Sample agent Birch"))
_WORKED_AFTER = timedelta(hours=20)
_WORKED = {0, 1, 2}
"""Of five old cases the sample agents have worked three, so that the ledger has work to show."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the sample. ``cards`` are cases a queue on the board shows."""

    mentions: int
    tagged: int
    live_tags: int
    tag_balance: int
    cases: int
    cards: int
    journals: int
    ledger_ok: bool


def run(*, port: int, once: bool, as_json: bool) -> None:
    """Show the demo until Ctrl-C; with ``once`` work the whole sample, print counts and return.

    Raises:
        EarmarkError: the port is taken.
    """
    logs.configure("warning")
    lines = _sample()
    with _folder() as folder:
        feed = folder / "mentions.jsonl"
        demo = _build(folder, feed)
        if once:
            _take_in(demo, feed, lines)
            _print(_counts(demo), as_json=as_json)
        else:
            _show(demo, feed, lines, port)
        demo.parts.database.dispose()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="earmark-demo-") as name:
        yield Path(name)


def _build(folder: Path, feed: Path) -> App:
    feed.touch()
    settings = _settings(folder, feed)
    app.create_if_new(settings)
    return app.build(settings)


def _settings(folder: Path, feed: Path) -> Settings:
    """The demo's configuration, as it ships, on this database and this file."""
    raw = tomllib.loads((SAMPLE / "demo.toml").read_text(encoding="utf-8"))
    raw.setdefault("earmark", {})["database_url"] = f"sqlite:///{folder / 'demo.sqlite'}"
    raw["channels"][0] |= {"path": str(feed), "poll_seconds": 0.5}
    return config.parse(raw, source="demo.toml")


def _sample() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLE / "mentions.jsonl").read_text(encoding="utf-8").splitlines()]


def _first(lines: Sequence[dict[str, Any]]) -> int:
    return int(len(lines) * SHARE_AT_ONCE)


def _moved(lines: Sequence[dict[str, Any]], *, ends_at: datetime) -> list[dict[str, Any]]:
    """The same mentions, as far apart as they were, the last one at ``ends_at``."""
    shift = ends_at - _time(lines[-1])
    return [{**line, "created_at": (_time(line) + shift).isoformat()} for line in lines]


def _time(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["created_at"]).astimezone(UTC)


def _append(feed: Path, lines: Sequence[dict[str, Any]]) -> None:
    with feed.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _take_in(demo: App, feed: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Have ``lines`` happen up to now, most of what is old worked, and a sample drawn for the audit ahead of night."""
    _append(feed, _moved(lines, ends_at=utc_now()))
    demo.engine.wake("poll", CHANNEL)
    demo.engine.drain()
    _work_old_cases(demo)
    sampling.draw(demo.parts, demo.parts.book_date(utc_now()))


def _show(demo: App, feed: Path, lines: Sequence[dict[str, Any]], port: int) -> None:
    """Serve the board, fill it before the visitor's eyes, then stream on while the sample agents work."""
    address, stop_board = app.serve_board(demo.parts, is_demo=True, port=port, probes=demo.probes())
    try:
        click.echo(f"The board is at {address} (sample data, streaming live). Press Ctrl-C to stop.")
        if sys.stdout.isatty():
            webbrowser.open(address)
        _take_in(demo, feed, lines[: _first(lines)])
        _stream_on(demo, feed, lines)
    finally:
        stop_board()


def _stream_on(demo: App, feed: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Run until somebody has seen enough."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    streams = [
        threading.Thread(target=_stream, args=(feed, lines, stop), daemon=True),
        threading.Thread(target=_keep_working, args=(demo, stop), daemon=True),
    ]
    for stream in streams:
        stream.start()
    demo.engine.run(stop)
    for stream in streams:
        stream.join()


def _stream(feed: Path, lines: Sequence[dict[str, Any]], stop: threading.Event) -> None:
    """Write one mention at a time; when the sample ends, begin it again under new names."""
    waiting, round_number = list(lines[_first(lines) :]), 1
    while not stop.wait(STREAM_SECONDS):
        if not waiting:
            round_number += 1
            waiting = [_renamed(line, round_number) for line in lines]
        _append(feed, [{**waiting.pop(0), "created_at": utc_now().isoformat()}])


def _renamed(line: dict[str, Any], round_number: int) -> dict[str, Any]:
    """The same words from somebody else, in another thread."""
    keys = [key for key in ("id", "author", "thread", "in_reply_to") if line.get(key)]
    return {**line, **{key: f"{line[key]}-{round_number}" for key in keys}}


def _work_old_cases(demo: App) -> None:
    """Have the sample agents resolve most of the cases that are about a day old."""
    now = demo.parts.now()
    with reading(demo.parts.database) as session:
        waiting = cases.page(session, CaseFilter(), limit=1000)
    for case in sorted(waiting, key=lambda case: case.id):
        if now - case.opened_at > _WORKED_AFTER and case.id % 5 in _WORKED:
            _resolve(demo, case.id)


def _keep_working(demo: App, stop: threading.Event) -> None:
    """Have the sample agents resolve a case now and then, the most urgent first; most are left to the visitor."""
    while not stop.wait(AGENT_SECONDS):
        with reading(demo.parts.database) as session:
            waiting = cases.page(session, CaseFilter(), limit=1)
        for case in waiting:
            _resolve(demo, case.id)


def _resolve(demo: App, case_id: int) -> None:
    agent = AGENTS[case_id % len(AGENTS)]
    try:
        demo.desk.claim(case_id, agent, action_id=f"demo:claim:{case_id}")
        demo.desk.resolve(case_id, agent, action_id=f"demo:resolve:{case_id}")
    except CaseError:
        return  # the visitor was faster


def _counts(demo: App) -> Counts:
    with reading(demo.parts.database) as session:
        states = mentions.counts_by_state(session)
        live, balance = mentions.live_tags(session), ledger_reports.tag_balance(session)
        verdict = ledger_verify.verify(session)
        case_count = cases.count(session)
        return Counts(
            mentions=sum(states.values()),
            tagged=states.get("tagged", 0) + states.get("ignored", 0),
            live_tags=sum(live.values()),
            tag_balance=sum(balance.values()),
            cases=case_count,
            cards=case_count,
            journals=ledger_grid.journal_count(session),
            ledger_ok=verdict.ok and live == balance,
        )


def _print(counts: Counts, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({name: getattr(counts, name) for name in Counts.__slots__}))
        return
    click.echo(f"{counts.mentions} sample mentions received, {counts.tagged} tagged.")
    click.echo(f"{counts.live_tags} live tags; the ledger's TAG balance is {counts.tag_balance}.")
    click.echo(f"{counts.cases} cases, {counts.cards} cards on the board.")
    verdict = "verifies" if counts.ledger_ok else "does NOT verify"
    click.echo(f"{counts.journals} journals; the ledger {verdict}.")
