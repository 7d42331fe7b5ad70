"""``earmark ledger reclass``: the present configuration for what was posted in open periods (specification 1.5).

Each case is one transaction and its keys hold the version, so a run that was killed is simply run again: what it did
stands under the present version already. Closed periods are never touched.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import structlog
from sqlmodel import Session

from bot import dispatch
from bot.domain import Quadrant, RepeatKind, Tag
from bot.ledger import reclass as rules
from bot.ledger.journal import Draft
from bot.ledger.postings import Contact
from bot.ledger.quadrants import MANUAL, ByHand, Cell, cell
from bot.parts import Parts, channel_kind
from storage import casework, ledger, models, overrides, periods, promises
from storage import reclass as stored
from storage.db import reading, transaction
from storage.reclass import Told

BATCH: Final = 500
"""Cases that are looked up at a time."""
ACTOR: Final = "finance"
_MENTION: Final = re.compile(r"(?:re)?tag:(\d+):")
"""Whose tag a journal counts: that of a mention, or after a correction that of the mention which opened the case."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """What the open periods have on an account of a department, before and after."""

    account: str
    department: str
    before_minor: int
    after_minor: int
    moved_minor: int


@dataclass(frozen=True, slots=True)
class Reclassified:
    """What became of the open periods; in a dry run what would."""

    config_version: str
    cases: int
    journals: int
    moved: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done to one case: where it stands now, the drafts, and the keys in the place of old ones."""

    cell: Cell
    drafts: list[Draft] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def run(parts: Parts, *, dry_run: bool = False, advance: Callable[[int], None] = lambda _cases: None) -> Reclassified:
    """Apply the present configuration to the open periods; ``advance`` is told how many cases were looked at."""
    closed = _closed_through(parts)
    with reading(parts.database) as session:
        before = stored.balances(session, closed_through=closed, unit=parts.model.currency)
    moves: Counter[tuple[str, str]] = Counter()
    cases = journals = 0
    for case_ids in _batches(parts, closed):
        for case_id, drafts in _planned(parts, case_ids, closed).items():
            done = drafts if dry_run or not drafts else _reclass(parts, case_id, closed)
            cases, journals = cases + bool(done), journals + len(done)
            moves.update(_money(done, parts.model.currency))
            advance(1)
    log.info("reclassified", cases=cases, journals=journals, dry_run=dry_run)
    moved = tuple(_moved(key, before.get(key, 0), amount) for key, amount in sorted(moves.items()) if amount)
    return Reclassified(parts.model.config_version, cases, journals, moved)


def _closed_through(parts: Parts) -> date | None:
    with reading(parts.database) as session:
        closed = [one.period for one in periods.periods(session) if one.state == "closed"]
    return periods.last_day(max(closed)) if closed else None


def _batches(parts: Parts, closed: date | None) -> Iterator[list[int]]:
    """The cases in question, by their ids as texts, so that each comes once also where nothing of it changes."""
    after = ""
    while True:
        with reading(parts.database) as session:
            found = stored.cases_under_another_version(
                session, parts.model.config_version, closed_through=closed, after=after, limit=BATCH
            )
        if not found:
            return
        yield [int(one) for one in found]
        after = found[-1]


def _planned(parts: Parts, case_ids: Sequence[int], closed: date | None) -> dict[int, list[Draft]]:
    """What would be posted for each of the cases; mostly nothing, which is found out for all of them at once."""
    with reading(parts.database) as session:
        return {case_id: plan.drafts for case_id, plan in _plans(parts, session, case_ids, closed).items()}


def _reclass(parts: Parts, case_id: int, closed: date | None) -> list[Draft]:
    """Post one case anew, whole or not at all, as it stands once nobody else can change it."""
    with transaction(parts.database) as session:
        row = casework.row_for_update(session, case_id)
        plan = _plans(parts, session, [case_id], closed).get(case_id)
        if row is None or plan is None:
            return []
        # Finance runs this: months that are only softly closed are open to it.
        ledger.trust(session)
        ledger.post(session, plan.drafts, now=parts.now())
        _follow(parts, session, row, plan)
    return plan.drafts


def _plans(parts: Parts, session: Session, case_ids: Sequence[int], closed: date | None) -> dict[int, _Plan]:
    """Return what brings each of the cases up to the present version; the queries do not grow with the cases."""
    journals = stored.drafts_of(session, [str(case_id) for case_id in case_ids])
    counted = {_mention_of(draft) for drafts in journals.values() for draft in drafts}
    told = stored.mentions(session, [*case_ids, *filter(None, counted)])
    rows = stored.cases(session, case_ids)
    by_hand = overrides.newest(session, [row.id for row in rows if row.quadrant_source == MANUAL])
    return {
        row.id: _plan(parts, row, journals.get(str(row.id), []), told, closed, by_hand=by_hand.get(row.id))
        for row in rows
    }


def _plan(  # what is known of one case
    parts: Parts,
    row: models.Case,
    journals: Sequence[Draft],
    told: Mapping[int, Told],
    closed: date | None,
    *,
    by_hand: ByHand | None,
) -> _Plan:
    version = parts.model.config_version
    event_id, on = _event_id(row.id, version, journals), parts.book_date(parts.now())
    plan = _Plan(_cell(parts, row, told[row.id], Tag(row.tag), row.reason, row.quadrant_source))
    old = rules.outdated(journals, closed_through=closed, version=version)
    for number, draft in enumerate(old):
        lines = rules.restated(draft, _contact(parts, row, draft, told, by_hand=by_hand), parts.model)
        if not rules.says_the_same(draft.lines, lines):
            key = _key(event_id, number, draft)
            anew = rules.reposted(event_id, number, draft, lines, key=key, on=on)
            plan.drafts.extend(replace(one, actor_ref=ACTOR) for one in anew)
            plan.keys[draft.key] = key if lines else ""
    return plan


def _event_id(case_id: int, version: str, journals: Sequence[Draft]) -> str:
    """A version may be left and come back, so the event also counts how often the case was brought to it."""
    stem = f"reclass:{case_id}:{version}"
    times = {
        draft.key.removeprefix(f"{stem}:").partition(":")[0] for draft in journals if draft.key.startswith(f"{stem}:")
    }
    return f"{stem}:{len(times) + 1}"


def _key(event_id: str, number: int, draft: Draft) -> str:
    """A tag goes on being that of its mention, by which a later correction finds it."""
    mention_id = _mention_of(draft)
    return f"tag:{mention_id}:{event_id}:{number}" if mention_id else f"{event_id}:{draft.kind}{number}"


def _mention_of(draft: Draft) -> int | None:
    found = _MENTION.match(draft.key) if draft.kind == "tag" else None
    return int(found[1]) if found else None


def _contact(
    parts: Parts, row: models.Case, draft: Draft, told: Mapping[int, Told], *, by_hand: ByHand | None
) -> Contact:
    """Return where a journal's contact stands now: a tag where its mention does, all else where the case does."""
    about, line = told[_mention_of(draft) or row.id], draft.lines[0]
    is_joined = about.id != row.id and about.tag is not None
    tag, reason = (about.tag or Tag(row.tag), about.reason) if is_joined else (Tag(row.tag), row.reason)
    segment, source = line.segment or "", line.quadrant_source or ""
    found = _cell(parts, row, about, tag, reason, source, segment=segment)
    if source == MANUAL:
        owners = by_hand.owners if by_hand else rules.shares_of(draft)
        found = Cell(Quadrant(str(line.quadrant)), MANUAL, owners)
    mention = about.mention
    return Contact(str(row.id), mention.channel, channel_kind(mention), tag, reason, found, segment, queue=row.queue)


def _cell(  # noqa: PLR0913  # the facts of one contact
    parts: Parts, row: models.Case, about: Told, tag: Tag, reason: str, source: str, *, segment: str = ""
) -> Cell:
    mention = about.mention
    return cell(
        parts.model,
        tag=tag,
        reason=reason,
        text=mention.text or _phrase_of(parts, source),
        channel=mention.channel,
        segment=segment or about.segment,
        repeat=RepeatKind(row.repeat_kind),
        on=parts.book_date(mention.posted_at),
    )


def _phrase_of(parts: Parts, source: str) -> str:
    """Words that are gone cannot be looked at again: a rule that matched them once goes on matching."""
    rule = next((one for one in parts.model.taxonomy.overrides if f"rule:{one.id}" == source), None)
    return rule.phrase_any[0] if rule and rule.phrase_any else ""


def _follow(parts: Parts, session: Session, row: models.Case, plan: _Plan) -> None:
    """Keep the case, its hold and its promises in step with the books."""
    for old, new in plan.keys.items():
        promises.accrue_anew(session, old, key=new)
    values: dict[str, Any] = {"hold_key": plan.keys.get(row.hold_key, row.hold_key)}
    if row.quadrant_source != MANUAL:
        values |= {
            "department": plan.cell.department,
            "quadrant": plan.cell.quadrant.value,
            "quadrant_source": plan.cell.quadrant_source,
        }
    values = {name: value for name, value in values.items() if value != getattr(row, name)}
    if values:
        casework.change(session, [casework.CaseChange(row.id, row.version, values)])
    if "department" in values and row.closed_at is None:
        dispatch.redraw(parts, session, [row.id])


def _money(drafts: Sequence[Draft], unit: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for draft in drafts:
        for line in draft.lines if draft.status == "posted" else ():
            if line.commodity == unit and line.account in stored.MOVED_ACCOUNTS:
                found[line.account, line.dept] += line.amount
    return found


def _moved(key: tuple[str, str], before: int, amount: int) -> Moved:
    return Moved(*key, before_minor=before, after_minor=before + amount, moved_minor=amount)
