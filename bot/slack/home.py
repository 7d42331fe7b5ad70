"""App Home: an agent sees his cards, a supervisor the queues and what to review. Pure but for :func:`register`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock, PlainTextObject, RichTextElementParts
from slack_sdk.models.views import View
from sqlalchemy import Engine

from bot.domain import Actor, CaseView, QueueCounts
from bot.slack import blocks
from bot.slack.blocks import Part, section, words
from bot.slack.calls import call
from bot.slack.cards import author_of, due_words, title_of
from bot.slack.desk import Readings
from bot.slack.people import People
from bot.slack.text import line
from storage import outbox
from storage.db import transaction

CASES_SHOWN, REVIEWS_SHOWN, QUEUES_SHOWN = 30, 15, 30
"""Together with the headings they stay below the 100 blocks of a view."""
_NAME_MAX, _REVIEW_MAX = 80, 160
_EVENTS_KEPT = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Overview:
    """What Home shows to one person. ``queues`` and ``reviews`` are empty for whoever supervises nothing."""

    cases: Sequence[CaseView]
    queues: Sequence[QueueCounts] = field(default=())
    reviews: Sequence[CaseView] = field(default=())


def home(overview: Overview, link: Callable[[str, str], str], *, now: datetime) -> dict[str, Any]:
    """Return the Home view; ``link(channel, ts)`` is the address of a message, "" for none."""
    shown: list[Block] = [_heading(f"Your cases ({len(overview.cases)})")]
    shown += [_case(view, link, due_words(view, now)) for view in overview.cases[:CASES_SHOWN]]
    shown += [] if overview.cases else [_line(words("You have no case. Claim one in your queue's channel."))]
    shown += _more(len(overview.cases), CASES_SHOWN)
    if overview.queues:
        shown += [DividerBlock(), _heading("Your queues"), *map(_queue, overview.queues[:QUEUES_SHOWN])]
        shown += _more(len(overview.queues), QUEUES_SHOWN)
        shown += [DividerBlock(), _heading("Please review")]
        shown += [_case(view, link, line(view.review, _REVIEW_MAX)) for view in overview.reviews[:REVIEWS_SHOWN]]
        shown += [] if overview.reviews else [_line(words("The tagger is sure of every open case."))]
    return View(type="home", blocks=shown).to_dict()


def _heading(text: str) -> Block:
    return HeaderBlock(text=PlainTextObject(text=text, emoji=False))


def _line(*parts: Part) -> Block:
    return blocks.rich(section(*parts))


def _case(view: CaseView, link: Callable[[str, str], str], remark: str) -> Block:
    address = link(view.card_channel, view.card_ts)
    title = title_of(view)
    head = RichTextElementParts.Link(url=address, text=title) if address else words(title, is_bold=True)
    rest = f" · {author_of(view)} · {line(view.queue, _NAME_MAX)}"
    return _line(head, words(rest + (f" · {remark}" if remark else "")))


def _queue(counts: QueueCounts) -> Block:
    late = f" · ⏰ {counts.overdue} overdue" if counts.overdue else " · none overdue"
    figures = f" · {counts.open} open · {counts.unclaimed} unclaimed{late}"
    return _line(words(line(counts.queue, _NAME_MAX), is_bold=True), words(figures))


def _more(count: int, shown: int) -> list[Block]:
    return [_line(words(f"… and {count - shown} more"))] if count > shown else []


def overview(readings: Readings, actor: Actor, user_id: str) -> Overview:
    """Return what a person may see."""
    supervised = readings.queues_supervised_by(user_id)
    if not supervised:
        return Overview(readings.cases_of(actor))
    queues = [counts for counts in readings.queue_counts() if counts.queue in supervised]
    # Asked for more than is shown, because the list is over all queues.
    reviews = [view for view in readings.review_list(10 * REVIEWS_SHOWN) if view.queue in supervised]
    return Overview(readings.cases_of(actor), queues, reviews)


def register(  # what Home needs is what the app has
    app: App, client: WebClient, readings: Readings, people: People, *, database: Engine, now: Callable[[], datetime]
) -> None:
    """Publish Home whenever somebody opens it."""

    @app.event("app_home_opened")
    def opened(event: dict[str, Any], body: dict[str, Any]) -> None:
        if event.get("tab") != "home" or not _is_new(database, str(body["event_id"]), now()):
            return
        try:
            user = str(event["user"])
            actor = people.actor({"id": user})
            view = home(overview(readings, actor, user), people.link, now=now())
            answer = call(client, "views.publish", {"user_id": user, "view": view})
            if not isinstance(answer, dict):
                log.warning("home_not_published", trouble=type(answer).__name__)
        except Exception:  # the boundary of a Slack listener
            log.exception("home_failed")
            with transaction(database) as session:
                outbox.forget_event(session, str(body["event_id"]))


def _is_new(database: Engine, event_id: str, now: datetime) -> bool:
    """Slack delivers an event up to four times; Bolt runs the listener each time."""
    with transaction(database) as session:
        outbox.forget_events(session, before=now - _EVENTS_KEPT)
        return outbox.first_time(session, event_id, now=now)
