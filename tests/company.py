"""A company in which anything may happen in any order: the rules of a hypothesis state machine, without what holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import event
from sqlmodel import SQLModel

from bot import pipeline
from bot.app import App
from bot.domain import Actor, Tag
from bot.errors import CaseError
from storage import models
from tests.installation import Installation, line
from tests.looking import rows

AGENTS = (Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob"), Actor("slack:UEVE", "Eve", is_supervisor=True))
TEXTS = (
    "complaint/where_is_it: where is my parcel",
    "complaint+request/billing_error?in doubt: charged twice, please mend it",
    "praise/praise: thank you all",
    "request/how_to: how do i return this",
    "just talking to a friend",
)
CORRECTIONS = (
    ((Tag.COMPLAINT,), "billing_error"),
    ((Tag.REQUEST, Tag.COMPLAINT), "how_to"),
    ((Tag.PRAISE,), "praise"),
)
DESK = ("claim", "release", "resolve", "not_for_us")


class Died(BaseException):
    """The process is killed here."""


class Company(RuleBasedStateMachine):
    """A few customers, three agents, and a process that is killed now and then, just before it commits."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        folder = Path(self.folder.name)
        self.installation = Installation(folder, self.new_url(folder), settings={**two_queues(), **(settings or {})})
        self.running = self.installation.open()
        self.published = 0
        self.minutes = 0
        self.pressed: list[tuple[str, int, int, int]] = []

    def teardown(self) -> None:
        self.running.parts.database.dispose()
        self.folder.cleanup()

    def new_url(self, folder: Path) -> str:
        """Return the URL of an empty database."""
        return f"sqlite:///{folder / 'e.sqlite'}"

    # -- what happens

    @initialize(texts=st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4))
    def a_first_morning(self, texts: list[str]) -> None:
        for author, text in enumerate(texts):
            self._write(text, author)
        self.work()

    @rule(text=st.sampled_from(TEXTS), author=st.integers(0, 3), in_thread=st.booleans())
    def somebody_writes(self, text: str, author: int, in_thread: bool) -> None:
        self._write(text, author, thread=f"thread-{author}" if in_thread else "")

    @rule()
    def work(self) -> None:
        pipeline.receive(self.running.parts, "feed")
        pipeline.tag(self.running.parts)

    @rule()
    def poll_again_from_the_beginning(self) -> None:
        with self.running.parts.database.begin() as connection:
            connection.exec_driver_sql("UPDATE channel SET cursor = NULL, version = version + 1")
        pipeline.receive(self.running.parts, "feed")

    @rule(
        action=st.sampled_from((*DESK, "retag")),
        number=st.integers(0, 9),
        agent=st.integers(0, 2),
        correction=st.integers(0, 2),
    )
    def somebody_presses(self, action: str, number: int, agent: int, correction: int) -> None:
        self.pressed.append((action, number, agent, correction))
        self._press(len(self.pressed) - 1)

    @precondition(lambda self: self.pressed)
    @rule(random=st.randoms(use_true_random=False))
    def a_click_is_delivered_once_more(self, random: Random) -> None:
        before = _fingerprint(self.running)

        self._press(random.randrange(len(self.pressed)), only_repeated=True)

        assert _fingerprint(self.running) == before

    @rule(hours=st.sampled_from([1, 20, 25, 80]))
    def time_passes(self, hours: int) -> None:
        self.minutes += hours * 60
        self.installation.clock.forward(hours=hours)
        pipeline.expire_holds(self.running.parts)

    @rule(action=st.sampled_from(["receive", "tag", "expire", *DESK, "retag"]), number=st.integers(0, 9))
    def it_is_killed_before_it_commits(self, action: str, number: int) -> None:
        before = _fingerprint(self.running)
        event.listen(self.running.parts.database, "commit", _die)
        try:
            self._do(action, number)
        except Died:
            self.running.parts.database.dispose()
            self.running = self.installation.open()
        else:
            event.remove(self.running.parts.database, "commit", _die)
        assert _fingerprint(self.running) == before

    @rule()
    def it_is_started_again(self) -> None:
        self.running.parts.database.dispose()
        self.running = self.installation.open()

    # -- how

    def _write(self, text: str, author: int, thread: str = "") -> None:
        self.published += 1
        self.minutes += 1
        self.installation.clock.forward(minutes=1)
        self.installation.publish(
            [line(self.published, text, author=f"author-{author}", minutes=self.minutes, thread=thread)]
        )

    def _press(self, press: int, *, only_repeated: bool = False) -> None:
        action, number, agent, correction = self.pressed[press]
        done = {row.action_id for row in rows(self.running, models.CaseEvent)}
        if only_repeated and f"press-{press}" not in done:
            return
        self._act(action, number, AGENTS[agent], correction, f"press-{press}")

    def _act(self, action: str, number: int, actor: Actor, correction: int, action_id: str) -> None:
        ids = [case.id for case in rows(self.running, models.Case)]
        if not ids:
            return
        try:
            if action == "retag":
                tags, reason = CORRECTIONS[correction]
                desk = self.running.desk
                desk.retag(
                    ids[number % len(ids)], actor, action_id=action_id, tags=tags, primary=tags[0], reason=reason
                )
            else:
                press: Callable[..., object] = getattr(self.running.desk, action)
                press(ids[number % len(ids)], actor, action_id=action_id)
        except CaseError as error:
            assert str(error).endswith(".")  # noqa: PT017  # refusals are sentences

    def _do(self, action: str, number: int) -> None:
        if action == "receive":
            pipeline.receive(self.running.parts, "feed")
        elif action == "tag":
            pipeline.tag(self.running.parts)
        elif action == "expire":
            pipeline.expire_holds(self.running.parts)
        else:
            self._act(action, number, AGENTS[2], number % 3, f"killed-{action}")


def _die(_connection: object) -> None:
    raise Died


def two_queues() -> dict[str, Any]:
    """Requests go to one queue, all else to another."""
    return {
        "queues": [{"name": "care"}, {"name": "help"}],
        "routes": [{"queue": "help", "tag": "request"}, {"queue": "care"}],
    }


def _fingerprint(running: App) -> dict[str, int]:
    """How many rows each table has, and the versions of the cases: what nothing may change that did not happen."""
    with running.parts.database.connect() as connection:
        counts = {
            table.name: connection.execute(table.select().with_only_columns(*table.primary_key)).fetchall()
            for table in SQLModel.metadata.sorted_tables
        }
    versions = [(case.id, case.version, case.state, case.owner) for case in rows(running, models.Case)]
    return {name: len(keys) for name, keys in counts.items()} | {"versions": hash(tuple(versions))}
