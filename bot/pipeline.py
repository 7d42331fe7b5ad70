"""The way of a mention: receive, tag; deliver is in :mod:`bot.slack.delivery`. One function a step.

Each may be run twice and be killed anywhere: what it has to do is read from the tables, the slow part happens with
no transaction open, and everything it does is committed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import dispatch, plan
from bot.desk import Desk
from bot.domain import Page, Tagging
from bot.errors import CaseError, ClassifierError, ConnectorError, CursorLostError
from bot.parts import Parts
from bot.plan import Planner
from storage import casework, channels, mentions, outbox
from storage.db import reading, transaction
from storage.mentions import Waiting

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
        place, not_before = channels.place(session, channel), channels.next_poll_at(session, channel)
    if not raises and not_before is not None and not_before > parts.now():
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
        new = mentions.store(session, channel, page.mentions, now=parts.now())
        channels.record_skipped(session, channel, page.skipped, parts.now())
    return Received(len(page.mentions), new, len(page.skipped), more=page.more), page.cursor


def _store(parts: Parts, channel: str, place: channels.Place, page: Page) -> Received:
    now = parts.now()
    again_at = now + timedelta(seconds=page.wait_s) if page.wait_s else None
    with transaction(parts.database) as session:
        new = mentions.store(session, channel, page.mentions, now=now)
        if not channels.advance(session, channel, place, page, new_count=new, now=now):
            # Another process polled this channel meanwhile: its page is stored, ours is read again from its cursor.
            session.rollback()
            return Received(0, 0, 0, more=True)
        channels.wait_until(session, channel, again_at)
        gone = mentions.mark_gone(session, parts.connectors[channel].platform, page.gone, now=now)
        dispatch.redraw(parts, session, gone)
        if new:
            parts.submit(session, "tag")
    log.info("received", channel=channel, read=len(page.mentions), new=new, skipped=len(page.skipped), more=page.more)
    return Received(len(page.mentions), new, len(page.skipped), more=page.more, again_at=again_at)


def _begin_again(parts: Parts, channel: str, place: channels.Place, error: CursorLostError) -> Received:
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
    log.warning("poll_failed", channel=channel, error=str(error), permanent=error.permanent, again_at=again_at)
    return Received(0, 0, 0, more=False, again_at=again_at)


def _poll_delay_s(error: ConnectorError, failures: int) -> float:
    if error.retry_after_s is not None:
        return error.retry_after_s
    if error.permanent:
        return _BACKOFF_S_PERMANENT
    return min(_BACKOFF_S_FIRST * 2.0 ** min(failures, 16), _BACKOFF_S_MAX)


# -- 2 tag -------------------------------------------------------------------------------------------------------


def tag(parts: Parts) -> bool:
    """Tag waiting mentions, a turn's worth of batches, oldest first; True when more may wait."""
    return all(tag_batch(parts) for _ in range(BATCHES_A_TURN))


def tag_batch(parts: Parts) -> int:
    """Tag one batch: taggings, ledger, cases, routes and outbox in one transaction; return how many were taken up."""
    size = parts.settings.tagger.batch
    with reading(parts.database) as session:
        batch = mentions.waiting(session, limit=size)
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
    now = parts.now()
    with transaction(parts.database) as session:
        untagged = mentions.still_waiting(session, list(taggings))
        batch = [waiting for waiting in read if waiting.id in untagged]
        if not batch:
            return
        window = timedelta(days=parts.settings.ledger.repeat.window_days)
        # A mention may be older than its poll, so the window is counted from the oldest of them.
        since = min(waiting.mention.posted_at for waiting in batch) - window
        known = casework.of_authors(session, [waiting.author_id for waiting in batch], closed_since=since)
        planner = Planner(parts, known, now=now)
        for waiting in batch:
            planner.add(waiting, taggings[waiting.id])
        plan.write(parts, session, planner.finish(), now=now)


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
        if mentions.oldest_waiting_at(session) is not None:
            jobs.append(("tag", ""))
    return jobs
