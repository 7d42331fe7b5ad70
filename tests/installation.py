"""A whole installation for tests: real database, real replay connector, real ledger; only the tagger is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot import app, config
from bot.app import App
from bot.domain import Tag, Tagging
from storage import db, ledger_reports, ledger_verify, mentions
from storage.db import reading

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


def line(number: int, text: str, *, author: str = "", minutes: int = 0, **more: Any) -> dict[str, Any]:
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
            "earmark": {"database_url": self.url},
            "channels": [{"name": "feed", "connector": "replay", "path": str(self.feed)}],
            "queues": [{"name": "care", "slack_channel": "C0CARE"}],
            "routes": [{"queue": "care"}],
        }
        return {**base, **self.settings}

    def open(self) -> App:
        """Start the app as a new process would."""
        parsed = config.parse(self.configuration(), source="test")
        if self.url.startswith("sqlite:///"):
            give_tables(Path(self.url.removeprefix("sqlite:///")))
        app.create_if_new(parsed)
        return app.build(parsed, tagger=self.tagger, now=self.clock)


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
