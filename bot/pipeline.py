"""The way of a mention: receive, tag; deliver is in :mod:`bot.slack.delivery`. One function a step.

Each may be run twice and be killed anywhere: what it has to do is read from the tables, the slow part happens with
no transaction open, and everything it does is committed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot import dispatch, plan, router
from bot.desk import Desk
from bot.domain import Mention, Page, Tagging
from bot.errors import CaseError, ClassifierError, ConnectorError, CursorLostError
from bot.operating.counters import POLLS, TAGGED
from bot.parts import Parts
from bot.plan import Planner
from storage import casework, channels, mentions, outbox, replies
from storage.db import reading, transaction
from storage.mentions import WHOLE, Shard, Stored, Waiting

TAG_ATTEMPTS_MAX = 3
"""Failed taggings after which a mention is set aside, so that it does not hold up the others."""
BATCHES_A_TURN = 8
"""A few seconds of work: whoever stops the bot waits for the turn to end."""
_PROBE = "Thank you."
HOLDS_A_TURN = 200
_BACKOFF_S_FIRST, _BACKOFF_S_MAX, _BACKOFF_S_PERMANENT = 5.0, 900.0, 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """What one poll brought. ``more``: the platform has more for us at once; ``again_at``: not before then."""

    read: int
    new: int
    skipped: int
    more: bool
    again_at: datetime | None = None

    def __add__(self, later: Received) -> Received:
        return Received(
            self.read + later.read, self.new + later.new, self.skipped + later.skipped, later.more, later.again_at
        )


# -- 1 receive ---------------------------------------------------------------------------------------------------


def receive(parts: Parts, channel: str, *, raises: bool = False) -> Received:
    """Poll ``channel`` once; store its mentions and its cursor in one transaction.

    A failed poll leaves the cursor where it is, is shown with the channel, and is tried again later and later.
    With ``raises`` it also raises ConnectorError, for somebody who waits for the answer.
    """
    with reading(parts.database) as session:
        now = parts.now()
        place, not_before = channels.place(session, channel), channels.next_poll_at(session, channel, now=now)
    if not raises and not_before is not None and not_before > now:
        return Received(0, 0, 0, more=False, again_at=not_before)
    try:
        page = parts.connectors[channel].poll(place.cursor)
    except CursorLostError as error:
        return _begin_again(parts, channel, place, error)
    except ConnectorError as error:
        later = _poll_later(parts, channel, error)
        if raises:
            raise
        return later
    return _store(parts, channel, place, page)


def receive_from(parts: Parts, channel: str, cursor: str | None) -> tuple[Received, str | None]:
    """Fetch one page from ``cursor`` on, whatever the channel's own cursor is, which stays; return the next cursor.

    Raises:
        ConnectorError: the platform did not answer or refused us.
    """
    page = parts.connectors[channel].poll(cursor)
    with transaction(parts.database) as session:
        new = mentions.store(session, channel, page.mentions, now=parts.now(), is_urgent=_is_urgent(parts))
        channels.record_skipped(session, channel, page.skipped, parts.now())
    _told(channel, new)
    return Received(len(page.mentions), len(new), len(page.skipped), more=page.more), page.cursor


def _store(parts: Parts, channel: str, place: channels.Place, page: Page) -> Received:
    now = parts.now()
    again_at = now + timedelta(seconds=page.wait_s) if page.wait_s else None
    with transaction(parts.database) as session:
        new = mentions.store(session, channel, page.mentions, now=now, is_urgent=_is_urgent(parts))
        if not channels.advance(session, channel, place, page, new_count=len(new), now=now):
            # Another process polled this channel meanwhile: its page is stored, ours is read again from its cursor.
            session.rollback()
            return Received(0, 0, 0, more=True)
        channels.wait_until(session, channel, again_at)
        gone = mentions.mark_gone(session, parts.connectors[channel].platform, page.gone, now=now)
        dispatch.redraw(parts, session, gone)
        call_tagging(parts, session, new)
    POLLS.labels(channel, "good").inc()
    _told(channel, new)
    counts = {"read": len(page.mentions), "new": len(new), "skipped": len(page.skipped)}
    log.info("received", channel=channel, **counts, more=page.more)
    return Received(len(page.mentions), len(new), len(page.skipped), more=page.more, again_at=again_at)


def _is_urgent(parts: Parts) -> Callable[[Mention], bool]:
    return lambda mention: router.may_be_urgent(mention, parts.settings.routes)


def _told(channel: str, new: Sequence[Stored]) -> None:
    """Begin the trace of each mention: its id is also in what it becomes, a case, journals, a card."""
    for stored in new:
        log.info("mention_received", trace=stored.mention_id, channel=channel)


def _begin_again(parts: Parts, channel: str, place: channels.Place, error: CursorLostError) -> Received:
    POLLS.labels(channel, "cursor_lost").inc()
    log.warning("cursor_lost", channel=channel, error=str(error))
    with transaction(parts.database) as session:
        channels.ensure(session, [channel])
        channels.forget_cursor(session, channel, place, notice=str(error))
    return Received(0, 0, 0, more=True)


def _poll_later(parts: Parts, channel: str, error: ConnectorError) -> Received:
    now = parts.now()
    with transaction(parts.database) as session:
        channels.ensure(session, [channel])
        failures = channels.failures(session, channel)
        again_at = now + timedelta(seconds=_poll_delay_s(error, failures))
        channels.record_failure(session, channel, str(error), next_poll_at=again_at, now=now)
    POLLS.labels(channel, "failed").inc()
    log.warning("poll_failed", channel=channel, error=str(error), permanent=error.permanent, again_at=again_at)
    return Received(0, 0, 0, more=False, again_at=again_at)


def _poll_delay_s(error: ConnectorError, failures: int) -> float:
    if error.retry_after_s is not None:
        return error.retry_after_s
    if error.permanent:
        return _BACKOFF_S_PERMANENT
    return min(_BACKOFF_S_FIRST * 2.0 ** min(failures, 16), _BACKOFF_S_MAX)


# -- 2 tag -------------------------------------------------------------------------------------------------------


def call_tagging(parts: Parts, session: Session, new: Iterable[Stored]) -> None:
    """Have new mentions tagged once ``session`` commits."""
    for number in sorted({stored.author_id % parts.shards for stored in new}):
        parts.submit(session, "tag", _key(Shard(number, parts.shards)))


def tag(parts: Parts, key: str = "", *, go_on: Callable[[], bool] = lambda: True) -> bool:
    """Tag waiting mentions, a turn's worth of batches, oldest first; True when more may wait.

    ``key`` names a shard, such as ``3/8``; without one all mentions are taken. ``go_on`` is asked between batches.
    """
    shard = Shard(*(int(part) for part in key.split("/"))) if key else WHOLE
    batches = (tag_batch(parts, shard) for _ in range(BATCHES_A_TURN))
    return all(taken and go_on() for taken in batches) or not go_on()


def _key(shard: Shard) -> str:
    return f"{shard.number}/{shard.of}" if shard.of > 1 else ""


def tag_batch(parts: Parts, shard: Shard = WHOLE) -> int:
    """Tag one batch: taggings, ledger, cases, routes and outbox in one transaction; return how many were taken up."""
    size = parts.settings.tagger.batch
    with reading(parts.database) as session:
        batch = mentions.waiting(session, limit=size, shard=shard)
    if not batch:
        return 0
    taggings, failed = _tagged(parts, batch)
    if not taggings:
        _prove_tagger(parts)
    if taggings:
        _commit(parts, batch, taggings)
    if failed:
        _set_aside(parts, failed)
    return len(batch)


def _tagged(parts: Parts, batch: Sequence[Waiting]) -> tuple[dict[int, Tagging], dict[int, str]]:
    """Return taggings and failures by mention. A batch that fails is tried one by one, to find the culprit.

    Raises:
        ClassifierError: the tagger itself cannot run, which is no mention's fault.
    """
    try:
        found = parts.tagger.tag([waiting.mention.text for waiting in batch])
        return {waiting.id: tagging for waiting, tagging in zip(batch, found, strict=True)}, {}
    except ClassifierError:
        raise
    except Exception as error:
        if len(batch) == 1:
            log.exception("tagging_failed", mention=batch[0].id)
            return {}, {batch[0].id: type(error).__name__}
    taggings: dict[int, Tagging] = {}
    failed: dict[int, str] = {}
    for waiting in batch:
        one, other = _tagged(parts, [waiting])
        taggings |= one
        failed |= other
    return taggings, failed


def _prove_tagger(parts: Parts) -> None:
    """Do nothing where the tagger can tag: then a batch of which nothing could be tagged has itself to blame.

    Raises:
        ClassifierError: the tagger fails on anything. The mentions wait until it is mended.
    """
    try:
        parts.tagger.tag([_PROBE])
    except Exception as error:
        raise ClassifierError("the tagger fails on every text; see the errors before this one") from error


def _commit(parts: Parts, read: Sequence[Waiting], taggings: dict[int, Tagging]) -> None:
    """Write a batch. Mentions that another worker has tagged meanwhile are left out."""
    now, authors = parts.now(), [waiting.author_id for waiting in read]
    # A mention may be older than its poll, so the window is counted from the oldest of them.
    since = min(waiting.mention.posted_at for waiting in read) - parts.settings.ledger.repeat.longest_window
    with transaction(parts.database) as session:
        # Authors are locked before mentions, as a poll does, so that the two never wait for each other in a circle.
        known = casework.of_authors(session, authors, closed_since=since)
        untagged = mentions.still_waiting(session, list(taggings))
        batch = [waiting for waiting in read if waiting.id in untagged]
        if not batch:
            return
        planner = Planner(parts, known, casework.of_other_accounts(session, authors, closed_since=since), now=now)
        for waiting in batch:
            planner.add(waiting, taggings[waiting.id])
        made = planner.finish()
        plan.write(parts, session, made, now=now)
    TAGGED.inc(len(batch))
    for waiting in batch:
        primary = taggings[waiting.id].primary
        log.info("mention_tagged", trace=waiting.id, tag=primary and primary.value, case=made.settled.get(waiting.id))


def _set_aside(parts: Parts, failed: dict[int, str]) -> None:
    with transaction(parts.database) as session:
        for mention_id, error in failed.items():
            mentions.record_failure(session, mention_id, error, attempts_max=TAG_ATTEMPTS_MAX)


# -- 5 clocks ----------------------------------------------------------------------------------------------------


def expire_holds(parts: Parts) -> int:
    """Close cases that nobody took in time: nobody worked, so their holds are voided; return how many."""
    with reading(parts.database) as session:
        case_ids = casework.holds_expired(session, now=parts.now(), limit=HOLDS_A_TURN)
    for case_id in case_ids:
        try:
            Desk(parts).expire(case_id)
        except CaseError:
            log.info("hold_kept", case=case_id)
    return len(case_ids)


def pending(parts: Parts) -> list[tuple[str, str]]:
    """Return every (step, key) for which the tables hold work: what a restart, or a lost wake-up, has to find."""
    with reading(parts.database) as session:
        jobs = [("deliver", channel) for channel in outbox.channels_with_work(session)] if parts.slack else []
        jobs += [("reply", channel) for channel in replies.channels_with_work(session, now=parts.now())]
        jobs += [("tag", _key(shard)) for shard in mentions.shards_waiting(session, parts.shards)]
    return jobs
