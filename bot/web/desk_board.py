"""The board over the real thing: the desk's actions, and readings of the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from bot import notes as rootcause
from bot.desk import Desk
from bot.domain import Actor, Quadrant, Tag
from bot.ledger.journal import Journal, Line
from bot.readings import Readings
from bot.views import CaseView
from bot.web.board import (
    WAITING,
    CaseFilter,
    Cause,
    ChannelHealth,
    JournalLine,
    JournalView,
    LedgerCheck,
    LedgerTotals,
    Progress,
    QuadrantTotals,
    ReasonNote,
    SkippedItem,
)
from storage import cases, channels, ledger, ledger_grid, ledger_reports, ledger_verify, mentions, notes
from storage.db import reading
from storage.ledger_grid import Cell


class DeskBoard(Desk, Readings):
    """A desk that can also be looked at. Each reading is one snapshot of the database."""

    def queue_page(self, queue: str, *, only: CaseFilter, limit: int, offset: int) -> list[CaseView]:
        """Cases of a queue, most urgent first."""
        states, overdue_at = only.states, None
        if only.overdue:
            states, overdue_at = tuple(state for state in states if state in WAITING), self._parts.now()
        rows = cases.CaseFilter(queue=queue, states=states, tag=only.tag, overdue_at=overdue_at)
        with reading(self._parts.database) as session:
            return cases.page(session, rows, limit=limit, offset=offset)

    def totals(self) -> LedgerTotals:
        """The ledger's running totals, with the tags that are live beside those it has booked."""
        with reading(self._parts.database) as session:
            books = ledger_reports.totals(session)
            live = mentions.live_tags(session)
            cells = ledger_grid.grid(session)
        waste = [cell for cell in cells if cell.quadrant is Quadrant.LIABILITY]
        own = self._parts.settings.ledger
        return LedgerTotals(
            currency=own.currency,
            approved_by=own.cost.approved_by,
            live_tags=_by_tag(live),
            tag_balance=books.live_tags,
            contacts=books.contacts,
            quadrants=[_quadrant(quadrant, cells) for quadrant in Quadrant],
            departments=_causes(waste, lambda cell: cell.dept),
            reasons=_causes(waste, lambda cell: cell.reason),
            journals=books.journals,
            head_hash=books.head,
        )

    def notes(self) -> Mapping[str, ReasonNote]:
        """What supervisors say is behind the contacts of reasons, by reason."""
        with reading(self._parts.database) as session:
            found = notes.newest(session)
        return {reason: ReasonNote(one.text, one.written_by, one.written_at) for reason, one in found.items()}

    def note(self, reason: str, text: str, actor: Actor) -> str:
        """Write a note on a reason, in the name of the one who presses."""
        return rootcause.write(self._parts, reason, text, by=actor.name)

    def verify(self) -> LedgerCheck:
        """Recompute the whole ledger."""
        with reading(self._parts.database) as session:
            verdict = ledger_verify.verify(session)
        broken = verdict.broken
        problem = f"Journal {broken.seq} does not check: {', '.join(broken.problems)}" if broken else ""
        return LedgerCheck(verdict.journals, problem)

    def journals(self, case_id: int) -> list[JournalView]:
        """The journals about a case, oldest first."""
        with reading(self._parts.database) as session:
            return [_journal(journal) for journal in ledger.journals_of(session, case_id=str(case_id))]

    def progress(self) -> Progress:
        """How far the work is."""
        with reading(self._parts.database) as session:
            states, opened = mentions.counts_by_state(session), cases.count(session)
            since = mentions.oldest_waiting_at(session)
        return Progress(
            mentions=sum(states.values()),
            tagged=states.get("tagged", 0),
            ignored=states.get("ignored", 0),
            waiting=states.get("new", 0),
            waiting_since=since,
            set_aside=states.get("dead", 0),
            cases=opened,
        )

    def channels(self) -> list[ChannelHealth]:
        """Every configured channel, in the order of the config."""
        with reading(self._parts.database) as session:
            known = {health.name: health for health in channels.health(session)}
        return [
            _health(known[channel.name], channel.connector)
            for channel in self._parts.settings.channels
            if channel.name in known
        ]

    def skipped(self, limit: int) -> list[SkippedItem]:
        """What could not be read, newest first."""
        with reading(self._parts.database) as session:
            found = channels.skipped(session, limit=limit)
        return [SkippedItem(channel, item.source_id, item.reason, at) for channel, item, at in found]


def _by_tag(live: dict[tuple[str, str, str], int]) -> dict[Tag, int]:
    counts: Counter[str] = Counter()
    for (tag, _reason, _channel), count in live.items():
        counts[tag] += count
    return {tag: counts[tag.value] for tag in Tag}


def _quadrant(quadrant: Quadrant, cells: Iterable[Cell]) -> QuadrantTotals:
    return QuadrantTotals(*_sums(cell for cell in cells if cell.quadrant is quadrant), quadrant)


def _causes(cells: Iterable[Cell], name: Callable[[Cell], str]) -> list[Cause]:
    groups: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[name(cell)].append(cell)
    causes = [Cause(*_sums(group), key) for key, group in groups.items()]
    return sorted(causes, key=lambda cause: (-cause.cost_minor, -cause.pending_minor, -cause.contacts, cause.name))


def _sums(cells: Iterable[Cell]) -> tuple[int, int, int, int]:
    """Contacts, estimated, measured, pending."""
    contacts = estimated = measured = pending = 0
    for cell in cells:
        contacts += cell.contacts
        estimated += cell.estimated_minor
        measured += cell.measured_minor
        pending += cell.pending_minor
    return contacts, estimated, measured, pending


def _journal(journal: Journal) -> JournalView:
    draft = journal.draft
    return JournalView(
        seq=journal.seq,
        kind=draft.kind,
        status=draft.status,
        effective_date=draft.effective,
        resolution=draft.resolution or "",
        is_reversal=draft.reverses is not None,
        memo=draft.memo,
        lines=tuple(_line(line) for line in draft.lines),
    )


def _line(line: Line) -> JournalLine:
    return JournalLine(
        account=line.account,
        commodity=line.commodity,
        basis=line.basis,
        amount=line.amount,
        dept=line.dept,
        reason=line.reason or "",
        tag=line.tag or "",
        quadrant=line.quadrant or "",
        quadrant_source=line.quadrant_source or "",
    )


def _health(health: channels.ChannelHealth, connector: str) -> ChannelHealth:
    return ChannelHealth(
        name=health.name,
        connector=connector,
        polled_at=health.polled_at,
        last_mention_at=health.last_mention_at,
        mention_count=health.mention_count,
        skipped_count=health.skipped_count,
        requests=health.requests,
        billed_items=health.billed_items,
        failures=health.failures,
        error=health.error,
        notice=health.notice,
    )
