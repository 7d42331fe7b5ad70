"""A month of made-up work: mentions come every day, agents claim, resolve, retag and pass over, the rest expires."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bot import pipeline
from bot.app import App
from bot.domain import Actor, RequestState, Tag
from storage.models import Case
from storage.models_requests import ProductRequest
from tests.installation import Clock, Installation, line, work
from tests.looking import rows

OCTOBER = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
ANN = Actor("slack:U1", "Ann")
SUE = Actor("slack:U2", "Sue", is_supervisor=True)
PASSES_ON = 20
"""On this day Ann hands a product team what a customer asked for."""

WORDS = (
    "complaint/where_is_it: my parcel is late",
    "complaint/where_is_it: still no parcel",
    "complaint/billing_error: you charged me twice",
    "complaint/product_defect: it arrived broken",
    "complaint+request/outage_fault: the app is down, do something",
    "request/how_to: how do I change my address",
    "request/feature_request: please add a dark mode",
    "praise/praise: thank you, that was quick",
    "complaint/leave_cancel: I want to cancel",
    "complaint/unclassified: this is a disgrace",
    "nothing much to say",
)


@contextmanager
def a_month(folder: Path, url: str, *, days: int = 31, a_day: int = 6) -> Iterator[tuple[App, Clock]]:
    """An installation after a month of work, and its clock, which stands a few days after the month."""
    clock = Clock(OCTOBER)
    place = Installation(folder, url, clock, settings={"product_teams": [{"name": "mobile"}]})
    running = place.open()
    random, numbers, actions = Random(20261001), itertools.count(1), itertools.count(1)
    for day in range(days):
        morning = OCTOBER + timedelta(days=day)
        place.publish(a_line(next(numbers), morning + timedelta(minutes=17 * n), random) for n in range(a_day))
        clock.at = morning + timedelta(hours=6)
        work(running)
        if day == PASSES_ON:
            pass_one_on(running)
        act(running, random, actions)
        clock.at += timedelta(hours=4)
        pipeline.expire_holds(running.parts)
    clock.at += timedelta(days=4)
    pipeline.expire_holds(running.parts)
    try:
        yield running, clock
    finally:
        running.parts.database.dispose()


def a_line(number: int, at: datetime, random: Random) -> dict[str, Any]:
    """Forty people write again and again, so that some contacts are repeats."""
    author = f"person-{random.randrange(40)}"
    return line(number, random.choice(WORDS), author=author) | {"created_at": at.isoformat()}


def act(running: App, random: Random, actions: Iterator[int]) -> None:
    """Agents work through what is open: most is resolved, some is retagged, some is not for us, some waits."""
    for view in open_cases(running):
        done, key = random.random(), f"made-up:{next(actions)}"
        if done < 0.15:
            continue
        if done < 0.25:
            running.desk.retag(
                view, SUE, action_id=f"{key}:r", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="return_refund"
            )
        if done < 0.32:
            running.desk.not_for_us(view, SUE, action_id=f"{key}:n")
            continue
        running.desk.claim(view, ANN, action_id=f"{key}:c")
        running.desk.resolve(view, ANN, action_id=f"{key}:d")


def pass_one_on(running: App) -> None:
    """The latest request that is open goes to a product team."""
    latest = [case.id for case in rows(running, Case) if case.state == "open" and case.tag == Tag.REQUEST][-1]
    running.desk.pass_on(latest, ANN, action_id="made-up:pass", team="mobile", title="Dark mode")
    [request] = rows(running, ProductRequest)
    running.desk.answer(int(request.id or 0), RequestState.PASSED, ANN, action_id="made-up:passed")


def open_cases(running: App) -> list[int]:
    return [case.id for case in rows(running, Case) if case.state == "open"]
