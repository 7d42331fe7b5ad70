"""A whole installation for tests: real database, real replay connector, real ledger; only the tagger is told."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import Engine

from bot import app, config
from bot.app import App, Role
from bot.domain import Tag, Tagging
from storage import db, ledger_reports, ledger_verify, mentions
from storage.db import reading

_TEMPLATE = f"earmark_template_{uuid4().hex}"
START = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
"""A Wednesday morning, on which the tests' mentions are posted."""


class Clock:
    """A clock that tests turn."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


class ToldTagger:
    """Reads the tags off the text, as in ``complaint+request/billing_error: my bill is wrong``; else there are none.

    What a text means is another test's matter. A text with the word ``poison`` breaks it.
    """

    version = "told-1"

    def __init__(self) -> None:
        self.calls = 0

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        self.calls += 1
        if any("poison" in text for text in texts):
            raise ValueError("a text broke the tagger")
        return [told(text) for text in texts]


def told(text: str) -> Tagging:
    """The tagging that a text asks for."""
    head = text.partition(":")[0]
    names, _, rest = head.partition("/")
    tags = tuple(Tag(name) for name in names.split("+") if name in set(Tag))
    reason, _, doubt = rest.partition("?")
    return Tagging(
        scores={tag: 0.9 if tag in tags else 0.1 for tag in Tag},
        tags=tags,
        primary=tags[0] if tags else None,
        confidence=0.5 if doubt else 0.9,
        reason=reason or "unclassified",
        reason_confidence=0.8,
        language="en",
        model=ToldTagger.version,
        review=doubt,
    )


def line(number: int | str, text: str, *, author: str = "", minutes: int = 0, **more: Any) -> dict[str, Any]:
    """One line of a replay file, posted ``minutes`` after :data:`START`."""
    posted = START + timedelta(minutes=minutes)
    return {
        "id": number,
        "text": text,
        "author": author or f"author-{number}",
        "created_at": posted.isoformat(),
        **more,
    }


def give_tables(database: Path) -> None:
    """Make a new SQLite file from one that was migrated once: the migration itself is another test's matter."""
    if not database.exists():
        database.write_bytes(_migrated())


def prepare(url: str) -> None:
    """Give a new database its tables without migrating it; what cannot be copied here is left to the product."""
    schema = url.rpartition("search_path%3D")[2]
    if url.startswith("sqlite:///"):
        give_tables(Path(url.removeprefix("sqlite:///")))
    elif schema.startswith("earmark_") and shutil.which("pg_dump"):
        _restore(url, schema)


def prepared(url: str) -> Engine:
    """An engine on a new database, with its tables and without rows."""
    prepare(url)
    engine = db.connect(url)
    if db.revision(engine) is None:
        db.upgrade(engine)
    return engine


def _restore(url: str, schema: str) -> None:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = %s LIMIT 1", [schema]).fetchone()
        if found is None:
            connection.execute(_dumped(url.rpartition("?")[0]).replace(_TEMPLATE, schema).encode())


@cache
def _dumped(server: str) -> str:
    """Migrate a schema and return what makes another like it; six times as fast as the migrations."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {_TEMPLATE}".encode())
        engine = db.connect(f"{server}?options=-csearch_path%3D{_TEMPLATE}")
        db.upgrade(engine)
        engine.dispose()
        command = ["pg_dump", "--no-owner", "--inserts", f"--schema={_TEMPLATE}", server]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603  # the command is ours
        connection.execute(f"DROP SCHEMA {_TEMPLATE} CASCADE".encode())
    lines = (line for line in done.stdout.splitlines() if not line.startswith("\\"))
    return "\n".join(lines).replace("CREATE SCHEMA", "CREATE SCHEMA IF NOT EXISTS")


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite"
        engine = db.connect(f"sqlite:///{path}")
        db.upgrade(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        engine.dispose()
        return path.read_bytes()


@dataclass
class Installation:
    """An app over one database, and the file that its channel replays."""

    folder: Path
    url: str
    clock: Clock = field(default_factory=Clock)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tagger: ToldTagger = field(default_factory=ToldTagger)
    engine: str = "auto"
    opened: list[App] = field(default_factory=list, init=False)
    """What was started on it."""

    @property
    def feed(self) -> Path:
        """The file behind the channel ``feed``."""
        path = self.folder / "feed.jsonl"
        path.touch()
        return path

    def publish(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """People write something."""
        with self.feed.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in lines)

    def configuration(self) -> dict[str, Any]:
        """The smallest configuration, with what the test adds."""
        base: dict[str, Any] = {
            "earmark": {"database_url": self.url, "engine": self.engine},
            "channels": [{"name": "feed", "connector": "replay", "path": str(self.feed)}],
            "queues": [{"name": "care", "slack_channel": "C0CARE"}],
            "routes": [{"queue": "care"}],
        }
        return {**base, **self.settings}

    def open(self, role: Role = Role.ALL) -> App:
        """Start the app as a new process would."""
        parsed = config.parse(self.configuration(), source="test")
        prepare(self.url)
        app.create_if_new(parsed)
        self.opened.append(app.build(parsed, role=role, tagger=self.tagger, now=self.clock))
        return self.opened[-1]

    def close(self) -> None:
        """End whatever runs on it."""
        for running in self.opened:
            running.parts.database.dispose()


def work(running: App) -> None:
    """Poll and tag until nothing is left to do."""
    for name in running.parts.connectors:
        running.engine.wake("poll", name)
    running.engine.drain()


def assert_books_agree(running: App) -> None:
    """The ledger verifies, and its TAG balance is the live tags, per tag, reason and channel."""
    with reading(running.parts.database) as session:
        assert ledger_verify.verify(session).ok
        assert ledger_reports.tag_balance(session) == mentions.live_tags(session)
