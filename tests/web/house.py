"""A small installation on a real database, a visitor with a browser's habits, and a reader of forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot import config, pipeline
from bot.config import Settings
from bot.domain import Actor, Author, Mention, Page, Skipped, Tag, Tagging
from bot.ledger.model import CostModel, cost_model
from bot.ledger.taxonomy import load_taxonomy
from bot.parts import Parts
from bot.web.app import create
from bot.web.desk_board import DeskBoard
from storage import channels, db, ledger, mentions

ADA = Actor("board:ada", "Ada", is_supervisor=False)
BO = Actor("board:bo", "Bo", is_supervisor=False)

SETTINGS: dict[str, Any] = {
    "channels": [{"name": "posts", "connector": "replay", "path": "posts.jsonl"}],
    "queues": [{"name": "care"}, {"name": "deliveries"}],
    "routes": [{"name": "parcels", "reason": ["where_is_it"], "queue": "deliveries"}, {"queue": "care"}],
}


class Clock:
    """Stands still unless a test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)


class Dictated:
    """A tagger that says of each text what the test said it would."""

    version = "dictated"

    def __init__(self) -> None:
        self.taggings: dict[str, Tagging] = {}

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return the dictated taggings."""
        return [self.taggings[text] for text in texts]


@dataclass
class House:
    """One installation."""

    database: Engine
    clock: Clock
    parts: Parts
    tagger: Dictated
    heard: int = 0
    board: DeskBoard = field(init=False)

    def __post_init__(self) -> None:
        self.board = DeskBoard(self.parts)

    def hear(
        self,
        text: str,
        *,
        tags: Sequence[Tag] = (Tag.COMPLAINT,),
        reason: str = "where_is_it",
        confidence: float = 0.9,
        review: str = "",
        author: Author | None = None,
        url: str = "",
    ) -> int:
        """Receive and tag one mention; return its id, which is its case's id where it opens one."""
        self.heard += 1
        number = self.heard
        mention = Mention(
            "replay", str(number), author or Author(f"a{number}", f"@writer{number}"), text, self.clock(), url
        )
        scores = {tag: confidence if tag in tags else 0.1 for tag in Tag}
        primary = tags[0] if tags else None
        self.tagger.taggings[mentions.storable(text)] = Tagging(
            scores, tuple(tags), primary, confidence, reason, 0.8, "en", "dictated", review
        )
        with db.transaction(self.database) as session:
            mentions.store(session, "posts", [mention], now=self.clock())
        pipeline.tag_batch(self.parts)
        return number

    def skip(self, source_id: str, reason: str) -> None:
        """Poll a page on which one item cannot be read."""
        with db.transaction(self.database) as session:
            place = channels.place(session, "posts")
            page = Page(skipped=(Skipped(source_id, reason),), cursor="1")
            channels.advance(session, "posts", place, page, new_count=0, now=self.clock())

    def site(self, who: Actor = ADA, *, is_demo: bool = False) -> Starlette:
        """Return the board as ``who`` uses it."""
        return create(self.board, settings=self.parts.settings.web, is_demo=is_demo, now=self.clock, who=who)

    def visitor(self, who: Actor = ADA, *, is_demo: bool = False) -> Visitor:
        """Return somebody with a browser."""
        return Visitor(self.site(who, is_demo=is_demo))


@cache
def _settings() -> tuple[Settings, CostModel]:
    settings = config.parse(SETTINGS, source="test")
    return settings, cost_model(settings.ledger, load_taxonomy())


def furnish(database: Engine, at: datetime) -> None:
    """Write into an empty database what starting the product writes."""
    with db.transaction(database) as session:
        ledger.record_config(session, _settings()[1], now=at)
        channels.ensure(session, ["posts"])


def build(database: Engine, clock: Clock) -> House:
    """Return a house on a furnished database."""
    settings, model = _settings()
    tagger = Dictated()
    parts = Parts(settings, database, {}, tagger, model, submit=lambda *_, **__: None, now=clock)
    return House(database, clock, parts, tagger)


class Forms(HTMLParser):
    """Finds forms, with the fields a browser would send, and the visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._action = ""
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "form":
            self._action = values["action"] or ""
            self.forms[self._action] = {}
        if tag == "select":
            self._select = values["name"] or ""
        is_sent = "checked" in values or values.get("type") == "hidden"
        if tag == "input" and is_sent:
            self._field(values["name"] or "", values["value"] or "")
        if tag == "option" and "selected" in values:
            self._field(self._select, values["value"] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def _field(self, name: str, value: str) -> None:
        self.forms[self._action].setdefault(name, []).append(value)

    @property
    def text(self) -> str:
        """What a reader sees, with single spaces."""
        return " ".join(" ".join(self.words).split())


class Visitor:
    """Loads pages and submits their forms as a browser does: cookie, Origin and all."""

    def __init__(self, site: Starlette) -> None:
        self.site = site
        self.client = TestClient(
            site, base_url="http://127.0.0.1", raise_server_exceptions=False, follow_redirects=False
        )

    def open(self, path: str) -> Forms:
        """Return a page that must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return Forms(answer.text)

    def form(self, case_id: int, action: str) -> dict[str, list[str]]:
        """Return the fields of a button on the page of a case."""
        return self.open(f"/case/{case_id}").forms[f"/case/{case_id}/{action}"]

    def send(self, case_id: int, action: str, fields: dict[str, list[str]], **headers: str) -> Any:
        """Submit a form."""
        return self.post(f"/case/{case_id}/{action}", fields, **headers)

    def post(self, path: str, fields: dict[str, list[str]], **headers: str) -> Any:
        """Submit a form to any address."""
        return self.client.post(path, data=fields, headers={"Origin": "http://127.0.0.1"} | headers)

    def press(self, case_id: int, action: str, **fields: list[str]) -> Any:
        """Open the page of a case, press a button, and return the answer."""
        return self.send(case_id, action, self.form(case_id, action) | fields)
