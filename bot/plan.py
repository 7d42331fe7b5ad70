"""What a batch of taggings makes of cases, routes, the ledger and the outbox: decided whole, then written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot import booking, cases, dispatch, estimates, router
from bot.clock import due_at
from bot.domain import Actor, CaseFacts, CaseState, Priority, RepeatKind, Route, Tag, Tagging
from bot.ledger import postings
from bot.ledger.journal import Draft
from bot.ledger.postings import Contact
from bot.parts import Parts
from storage import casework, incidents, ledger, mentions, models
from storage.casework import CaseChange
from storage.mentions import TaggingRow, Waiting
from storage.outbox import Order

PRECEDENCE = (Tag.COMPLAINT, Tag.REQUEST, Tag.PRAISE)
"""What a care team should treat a mention as, when it is several things."""
URGENCY = (Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW)


@dataclass(slots=True)
class Plan:
    """Everything one transaction has to write for a batch."""

    taggings: list[TaggingRow] = field(default_factory=list)
    settled: dict[int, int | None] = field(default_factory=dict)
    """Mention → its case; None where it opens none."""
    opened: list[Mapping[str, Any]] = field(default_factory=list)
    changed: list[CaseChange] = field(default_factory=list)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


@dataclass(slots=True)
class _Working:
    """A case while a batch is planned: ``values`` are its columns to insert, or to change."""

    facts: CaseFacts
    author_id: int
    queue: str
    tag: Tag
    priority: Priority
    due_at: datetime | None
    mention_count: int
    repeat: RepeatKind
    version: int = 1
    is_new: bool = True
    values: dict[str, Any] = field(default_factory=dict)


class Planner:
    """Takes the mentions of a batch in order; a later one may join the case an earlier one opened."""

    def __init__(
        self,
        parts: Parts,
        known: Mapping[int, Sequence[tuple[models.Case, CaseFacts]]],
        elsewhere: Mapping[int, Sequence[CaseFacts]],
        *,
        now: datetime,
    ) -> None:
        """``known``: the cases of the batch's authors; ``elsewhere``: those of their other accounts, by author."""
        self._parts = parts
        self._elsewhere = elsewhere
        self._now = now
        self._gap = timedelta(hours=parts.settings.ledger.repeat.contact_gap_hours)
        self._plan = Plan()
        self._cases = {
            author_id: {row.id: _stored(row, facts) for row, facts in found} for author_id, found in known.items()
        }

    def add(self, waiting: Waiting, tagging: Tagging, *, n: int = 1, actor: Actor | None = None) -> None:
        """Decide what becomes of one mention; its ``n``-th tagging is the model's, or that of ``actor``."""
        mention = waiting.mention
        source, by = ("human", actor.ref) if actor else ("model", "")
        self._plan.taggings.append(TaggingRow(waiting.id, n, tagging, source, by, channel=mention.channel))
        mine = self._cases.setdefault(waiting.author_id, {})
        placement = cases.place(mention, [working.facts for working in mine.values()], contact_gap=self._gap)
        joined = mine.get(placement.case_id) if placement.case_id is not None else None
        if tagging.primary is None and (joined is None or placement.reopens):
            # It asks nothing of us: it is kept, and says more only where somebody is at work anyway.
            self._plan.settled[waiting.id] = None
        elif joined is None:
            self._open(waiting, tagging, mine)
        else:
            self._join(joined, waiting, tagging, placement)

    def finish(self) -> Plan:
        """Return the plan; the planner must not be used after it."""
        for mine in self._cases.values():
            for working in mine.values():
                self._write(working)
        return self._plan

    def _open(self, waiting: Waiting, tagging: Tagging, mine: dict[int, _Working]) -> None:
        mention, tag = waiting.mention, tagging.primary
        assert tag is not None  # noqa: S101  # add() opens no case for a mention without a tag
        route = router.decide(mention, tagging, waiting.customer, self._parts.settings.routes)
        opened_at = min(mention.posted_at, self._now)
        repeat, repeat_of = cases.repeat(
            tagging.reason,
            [*(working.facts for working in mine.values()), *self._elsewhere.get(waiting.author_id, ())],
            now=opened_at,
            window=self._parts.settings.ledger.repeat.window(tagging.reason),
        )
        facts = CaseFacts(
            id=waiting.id,
            state=CaseState.OPEN,
            reason=tagging.reason,
            opened_at=opened_at,
            last_mention_at=opened_at,
            thread=mention.thread,
            texts=(mention.text,),
        )
        due = self._due(route, tag, opened_at)
        working = _Working(facts, waiting.author_id, route.queue, tag, route.priority, due, 1, repeat)
        contact = self._contact(waiting, tagging, working)
        hold = self._book(waiting, tagging, contact, opens=True, follow_on=False)
        self._value(waiting, contact, mine)
        working.values = _opening_row(waiting, tagging, route, contact, working) | {
            "repeat_of": repeat_of,
            "hold_key": hold,
            "hold_expires_at": self._parts.hold_expires_at(self._now),
        }
        mine[facts.id] = working
        self._plan.settled[waiting.id] = facts.id
        self._event(facts.id, "opened", waiting.id, 0, {"queue": route.queue, "why": route.why})
        identity = f"card:{mention.platform}:{mention.external_id}"
        orders = dispatch.opened(self._parts, queue=route.queue, case_id=facts.id, version=1, identity=identity)
        self._plan.orders += dispatch.urgent(orders) if route.priority is Priority.URGENT else orders

    def _join(self, working: _Working, waiting: Waiting, tagging: Tagging, placement: cases.Placement) -> None:
        facts, mention = working.facts, waiting.mention
        at = min(mention.posted_at, self._now)
        working.mention_count += 1
        working.facts = facts = replace(
            facts,
            last_mention_at=max(facts.last_mention_at, at),
            texts=(mention.text, *facts.texts)[: casework.TEXTS_A_CASE_MAX],
        )
        working.values |= {"mention_count": working.mention_count, "last_mention_at": facts.last_mention_at}
        if placement.reopens:
            self._reopen(working, at)
        if tagging.primary is not None:
            self._tag_joined(working, waiting, tagging, reopens=placement.reopens)
        self._plan.settled[waiting.id] = facts.id
        kind = "reopened" if placement.reopens else "joined"
        self._event(facts.id, kind, waiting.id, working.version, {"why": placement.why})
        self._plan.orders += dispatch.noted(
            self._parts, queue=working.queue, case_id=facts.id, key=f"{kind}:{waiting.id}", event=kind
        )

    def _tag_joined(self, working: _Working, waiting: Waiting, tagging: Tagging, *, reopens: bool) -> None:
        contact = self._contact(waiting, tagging, working)
        hold = self._book(waiting, tagging, contact, opens=False, follow_on=reopens)
        if reopens:
            working.values |= {"hold_key": hold, "hold_expires_at": self._parts.hold_expires_at(self._now)}
        self._escalate(working, waiting, tagging)
        if tagging.review:
            working.values |= {"needs_review": True, "review": tagging.review}

    def _reopen(self, working: _Working, at: datetime) -> None:
        change = cases.reopen(working.facts)
        working.facts = replace(
            working.facts, state=change.state, owner="", owner_name="", closed_at=None, closed_how=""
        )
        queue = self._parts.settings.queue(working.queue)
        if queue is not None:
            minutes = queue.sla_minutes.of(working.tag)
            working.due_at = due_at(at, minutes, queue, self._parts.settings.earmark.timezone)
        working.values |= {
            "state": change.state.value,
            "owner": change.owner,
            "owner_name": change.owner_name,
            "closed_at": change.closed_at,
            "closed_how": change.closed_how,
            "due_at": working.due_at,
        }

    def _escalate(self, working: _Working, waiting: Waiting, tagging: Tagging) -> None:
        """A complaint that joins somebody's thank-you must not wait as long as a thank-you may.

        The case stays in its queue, where the conversation is; it becomes as urgent, and a supervisor looks.
        """
        tag = tagging.primary
        if tag is None or PRECEDENCE.index(tag) >= PRECEDENCE.index(working.tag):
            return
        route = router.decide(waiting.mention, tagging, waiting.customer, self._parts.settings.routes)
        due = self._due(route, tag, min(waiting.mention.posted_at, self._now))
        working.due_at = min(filter(None, (working.due_at, due)), default=None)
        working.priority = min(working.priority, route.priority, key=URGENCY.index)
        working.values |= {
            "due_at": working.due_at,
            "priority": working.priority.value,
            "needs_review": True,
            "review": f"a {tag} joined this {working.tag}; retag it if that is what it now is about",
        }

    def _contact(self, waiting: Waiting, tagging: Tagging, working: _Working) -> Contact:
        assert tagging.primary is not None  # noqa: S101  # only tagged mentions are booked
        return booking.contact(
            self._parts,
            case_id=working.facts.id,
            mention=waiting.mention,
            segment=waiting.customer.segment,
            tag=tagging.primary,
            reason=tagging.reason,
            repeat=working.repeat,
            queue=working.queue,
        )

    def _book(self, waiting: Waiting, tagging: Tagging, contact: Contact, *, opens: bool, follow_on: bool) -> str:
        """Plan the journals of a mention's tags, and of the work expected; return the hold's key, "" without one."""
        model, on = self._parts.model, self._parts.book_date(waiting.mention.posted_at)
        self._plan.drafts += booking.tag_drafts(self._parts, waiting.id, contact, tags=tagging.tags, opens=opens, on=on)
        if not (opens or follow_on):
            return ""
        hold = postings.hold(f"mention:{waiting.id}", contact, on=on, model=model, follow_on=follow_on)
        if hold.says_nothing:
            return ""
        self._plan.drafts.append(hold)
        return hold.key

    def _value(self, waiting: Waiting, contact: Contact, mine: Mapping[int, _Working]) -> None:
        """Plan the value of public praise; a thank-you in the thread of a case that we worked on is a courtesy."""
        mention = waiting.mention
        is_courtesy = bool(mention.thread) and any(one.facts.thread == mention.thread for one in mine.values())
        if not is_courtesy:
            self._plan.drafts += estimates.of_praise(self._parts, f"mention:{waiting.id}", contact, mention)

    def _due(self, route: Route, tag: Tag, start: datetime) -> datetime | None:
        queue = self._parts.settings.queue(route.queue)
        if queue is None:
            return None
        return due_at(start, queue.sla_minutes.of(tag), queue, self._parts.settings.earmark.timezone)

    def _event(self, case_id: int, kind: str, mention_id: int, version: int, detail: Mapping[str, Any]) -> None:
        self._plan.events.append(
            casework.event_row(
                case_id,
                kind,
                action_id=f"{kind}:{mention_id}",
                now=self._now,
                from_version=version,
                detail={"mention": mention_id, **detail},
            )
        )

    def _write(self, working: _Working) -> None:
        if not working.values:
            return
        if working.is_new:
            self._plan.opened.append(working.values)
            return
        case_id = working.facts.id
        self._plan.changed.append(CaseChange(case_id, working.version, working.values))
        self._plan.orders += dispatch.edited(
            self._parts, queue=working.queue, case_id=case_id, version=working.version + 1
        )


def _stored(row: models.Case, facts: CaseFacts) -> _Working:
    return _Working(
        facts,
        author_id=row.author_id,
        queue=row.queue,
        tag=Tag(row.tag),
        priority=Priority(row.priority),
        due_at=row.due_at,
        mention_count=row.mention_count,
        repeat=RepeatKind(row.repeat_kind),
        version=row.version,
        is_new=False,
    )


def _opening_row(
    waiting: Waiting, tagging: Tagging, route: Route, contact: Contact, working: _Working
) -> dict[str, Any]:
    mention, facts = waiting.mention, working.facts
    return {
        "id": facts.id,
        "author_id": waiting.author_id,
        "channel": mention.channel,
        "platform": mention.platform,
        "thread": mention.thread,
        "queue": route.queue,
        "priority": route.priority.value,
        "rule": route.rule,
        "why": route.why,
        "state": facts.state.value,
        "owner": "",
        "owner_name": "",
        "tag": working.tag.value,
        "reason": tagging.reason,
        "department": contact.cell.department,
        "quadrant": contact.cell.quadrant.value,
        "quadrant_source": contact.cell.quadrant_source,
        "confidence": tagging.confidence,
        "needs_review": bool(tagging.review),
        "review": tagging.review,
        "repeat_kind": working.repeat.value,
        "mention_count": working.mention_count,
        "opened_at": facts.opened_at,
        "last_mention_at": facts.last_mention_at,
        "due_at": working.due_at,
        "closed_how": "",
        "version": 1,
        "card_channel": "",
        "card_ts": "",
    }


def write(parts: Parts, session: Session, plan: Plan, *, now: datetime) -> None:
    """Write all of a plan in ``session``'s transaction."""
    mentions.store_taggings(session, plan.taggings, now=now)
    casework.open_cases(session, incidents.join(session, plan.opened))
    casework.change(session, plan.changed)
    mentions.settle(session, plan.settled)
    casework.record_events(session, plan.events)
    ledger.post(session, plan.drafts, now=now)
    estimates.remember(session, plan.drafts)
    dispatch.order(parts, session, plan.orders, now=now)
