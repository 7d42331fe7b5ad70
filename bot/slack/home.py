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

from bot.domain import Actor
from bot.ledger.recharges import OpenRecharge
from bot.reports.figures import money
from bot.slack import audit, blocks
from bot.slack.blocks import Part, section, words
from bot.slack.calls import call
from bot.slack.cards import author_of, due_words, promise_words, title_of
from bot.slack.people import People
from bot.slack.readings import Readings
from bot.slack.text import line
from bot.views import CaseView, QueueCounts, SampledTagging
from storage import outbox
from storage.db import transaction

CASES_SHOWN, REVIEWS_SHOWN, QUEUES_SHOWN, PROMISES_SHOWN, RECHARGES_SHOWN, AUDITS_SHOWN = 30, 10, 18, 12, 6, 3
"""Together with the headings they stay below the 100 blocks of a view."""
PROMISES_ASKED = 500
_NAME_MAX, _REVIEW_MAX = 80, 160
_EVENTS_KEPT = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Overview:
    """What Home shows to one person. All but ``cases`` is empty for whoever supervises nothing."""

    cases: Sequence[CaseView]
    queues: Sequence[QueueCounts] = field(default=())
    reviews: Sequence[CaseView] = field(default=())
    overdue: Sequence[CaseView] = field(default=())
    """The case of each promise that is overdue, with that promise."""
    recharges: Sequence[OpenRecharge] = field(default=())
    audits: Sequence[SampledTagging] = field(default=())
    audit_count: int = 0
    """How many drawn taggings wait to be judged; ``audits`` are the first of them."""


def home(overview: Overview, link: Callable[[str, str], str], *, now: datetime, notice: str = "") -> dict[str, Any]:
    """Return the Home view; ``link(channel, ts)`` is the address of a message, "" for none.

    ``notice`` is a sentence on top of it, about what was pressed last.
    """
    shown: list[Block] = [_line(words(notice, is_bold=True))] if notice else []
    shown += _overdue(overview.overdue, link, now) if overview.overdue else []
    shown += [_heading(f"Your cases ({len(overview.cases)})")]
    shown += [_case(view, link, due_words(view, now)) for view in overview.cases[:CASES_SHOWN]]
    shown += [] if overview.cases else [_line(words("You have no case. Claim one in your queue's channel."))]
    shown += _more(len(overview.cases), CASES_SHOWN)
    shown += _recharges(overview.recharges) if overview.recharges else []
    if overview.queues:
        shown += [DividerBlock(), _heading("Your queues"), *map(_queue, overview.queues[:QUEUES_SHOWN])]
        shown += _more(len(overview.queues), QUEUES_SHOWN)
        shown += [DividerBlock(), _heading("Please review")]
        shown += [_case(view, link, line(view.review, _REVIEW_MAX)) for view in overview.reviews[:REVIEWS_SHOWN]]
        shown += [] if overview.reviews else [_line(words("The tagger is sure of every open case."))]
        shown += [DividerBlock(), _heading(f"Tags to audit ({overview.audit_count})")]
        shown += audit.items(overview.audits[:AUDITS_SHOWN])
        shown += [] if overview.audits else [_line(words("Nothing waits to be judged. A sample is drawn every night."))]
    return View(type="home", blocks=shown).to_dict()


def _overdue(views: Sequence[CaseView], link: Callable[[str, str], str], now: datetime) -> list[Block]:
    """Broken promises come before everything else: a customer was told a time."""
    shown = [_heading(f"Overdue promises ({len(views)})")]
    shown += [_case(view, link, promise_words(view, now)) for view in views[:PROMISES_SHOWN]]
    return [*shown, *_more(len(views), PROMISES_SHOWN), DividerBlock()]


def _recharges(found: Sequence[OpenRecharge]) -> list[Block]:
    shown = [DividerBlock(), _heading(f"Recharges not settled ({len(found)})")]
    shown += [_recharge(one) for one in found[:RECHARGES_SHOWN]]
    return [*shown, *_more(len(found), RECHARGES_SHOWN)]


def _recharge(one: OpenRecharge) -> Block:
    amount, since = money(one.proposed_minor, one.currency), f"until {one.answer_due}"
    state = f"not answered {since}" if one.is_overdue else f"answer {since}"
    state = f"disputed: {line(one.why, _REVIEW_MAX)}" if one.is_disputed else state
    head = f"{line(one.dept, _NAME_MAX)} {one.period}"
    return _line(words(head, is_bold=True), words(f" · {amount} of waste · {state}"))


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
    recharges = readings.open_recharges(user_id)
    if not supervised:
        return Overview(readings.cases_of(actor), recharges=recharges)
    queues = [counts for counts in readings.queue_counts() if counts.queue in supervised]
    # Asked for more than is shown, because the list is over all queues.
    reviews = [view for view in readings.review_list(10 * REVIEWS_SHOWN) if view.queue in supervised]
    overdue = [view for view in readings.overdue_promises(PROMISES_ASKED) if view.queue in supervised]
    drawn = readings.audit_list(AUDITS_SHOWN)
    return Overview(readings.cases_of(actor), queues, reviews, overdue, recharges, drawn, readings.audit_count())


def publisher(
    client: WebClient, readings: Readings, people: People, *, now: Callable[[], datetime]
) -> Callable[[str, str], None]:
    """Return what shows somebody's Home, with a sentence on top of it."""

    def publish(user: str, notice: str = "") -> None:
        actor = people.actor({"id": user})
        view = home(overview(readings, actor, user), people.link, now=now(), notice=notice)
        answer = call(client, "views.publish", {"user_id": user, "view": view})
        if not isinstance(answer, dict):
            log.warning("home_not_published", trouble=type(answer).__name__)

    return publish


def register(app: App, publish: Callable[[str, str], None], *, database: Engine, now: Callable[[], datetime]) -> None:
    """Publish Home whenever somebody opens it."""

    @app.event("app_home_opened")
    def opened(event: dict[str, Any], body: dict[str, Any]) -> None:
        if event.get("tab") != "home" or not _is_new(database, str(body["event_id"]), now()):
            return
        try:
            publish(str(event["user"]), "")
        except Exception:  # the boundary of a Slack listener
            log.exception("home_failed")
            with transaction(database) as session:
                outbox.forget_event(session, str(body["event_id"]))


def _is_new(database: Engine, event_id: str, now: datetime) -> bool:
    """Slack delivers an event up to four times; Bolt runs the listener each time."""
    with transaction(database) as session:
        outbox.forget_events(session, before=now - _EVENTS_KEPT)
        return outbox.first_time(session, event_id, now=now)
