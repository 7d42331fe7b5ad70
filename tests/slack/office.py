"""A running installation with a Slack, and people at work in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from slack_bolt import App as BoltApp
from slack_bolt import BoltRequest
from sqlalchemy import select

from bot.app import App
from bot.readings import Readings
from bot.slack import app as slack_app
from storage import models
from storage.db import transaction
from tests.installation import Clock, Installation, line, work
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Answer, Delivery, Outlet, Slack
from tests.servers.slack_blocks import visible_text


class Inline(Executor):
    """Runs a listener where it is submitted, so that a test sees all it did."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def bolt_outlet(app: BoltApp) -> Outlet:
    """Deliver signed requests straight to a Bolt app."""

    def send(delivery: Delivery) -> Answer:
        body, headers = delivery.signed(SIGNING_SECRET)
        answer = app.dispatch(BoltRequest(body=body.decode(), headers=dict(headers)))
        return Answer(answer.status, json.loads(answer.body or "{}"))

    return send


@dataclass
class Office:
    """A running installation, its Slack, and the people in it."""

    running: App
    slack: Slack
    installation: Installation

    def receive(self, *texts: str, **more: Any) -> None:
        """Customers write."""
        self.installation.publish([line(number, text, **more) for number, text in enumerate(texts, start=1)])
        self.deliver()

    def deliver(self) -> None:
        """Everything that waits is worked."""
        work(self.running)

    def ts(self, number: int = 0) -> str:
        """The ts of a card, in order of posting."""
        return str(self.slack.messages("C0CARE")[number]["ts"])

    def press(self, user: str, button: str, *, number: int = 0, **more: Any) -> list[Answer]:
        """Press a button of a card, and let Slack show what came of it."""
        answers = self.slack.press(user, "C0CARE", self.ts(number), button, **more)
        self.deliver()
        return answers

    def shown(self, number: int = 0) -> str:
        """What a card says."""
        return visible_text(self.slack.messages("C0CARE")[number])

    def case(self) -> models.Case:
        """The only case."""
        with transaction(self.running.parts.database) as session:
            return session.scalars(select(models.Case)).one()

    def buttons(self, number: int = 0) -> list[str]:
        """The labels of a card's buttons."""
        return [button["text"]["text"] for button in self.slack.messages("C0CARE")[number]["blocks"][-1]["elements"]]


def workspace(clock: Clock) -> Slack:
    """A Slack with two agents and a supervisor in one queue's channel."""
    made = Slack(clock=lambda: clock().timestamp(), seconds_between_messages=0, has_tiers=False)
    made.add_user("UANN", "ann", "Ann Example")
    made.add_user("UBEN", "ben", "Ben Example")
    made.add_user("USUE", "sue", "Sue Example")
    made.add_channel("C0CARE", "care", members=("UANN", "UBEN", "USUE"))
    return made


@contextmanager
def office_in(
    folder: Path,
    slack: Slack,
    clock: Clock,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Office]:
    """An office that works in ``slack``; its configuration has ``more``."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    monkeypatch.setenv("SLACK_APP_TOKEN", APP_TOKEN)
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SIGNING_SECRET)
    settings: dict[str, Any] = {
        "slack": {"api_url": address, "seconds_between_messages": 0, "quiesce_seconds": 0},
        "queues": [{"name": "care", "slack_channel": "C0CARE", "supervisors": ["USUE"]}],
        **(more or {}),
    }
    installation = Installation(folder, f"sqlite:///{folder / 'office.sqlite'}", clock, settings)
    running = installation.open()
    slack.send_to(bolt_outlet(build(running, executor=Inline())))
    yield Office(running, slack, installation)
    running.parts.database.dispose()


def build(running: App, *, executor: Executor | None = None) -> BoltApp:
    assert running.parts.slack is not None
    return slack_app.build(
        running.parts.slack,
        running.desk,
        Readings(running.parts),
        database=running.parts.database,
        signing_secret=SecretStr(SIGNING_SECRET),
        now=running.parts.now,
        executor=executor,
    )
