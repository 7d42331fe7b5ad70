"""The tag audit: what is drawn each night, what supervisors say of it, and the counts that reports make of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import Select, func, insert, select, update
from sqlmodel import Session, col

from bot.domain import NOTHING, Judgement, Liveness, Tag
from bot.views import SampledTagging
from storage import models
from storage.models_audit import AuditDraw, AuditSample
from storage.sql import changed, insert_new

FIRST: Final = 1
"""The tagger's own tagging is the first of a mention; corrections by people come after it."""

_PAGE: Final = 500
_IS_THERE: Final = (col(models.Mention.text) != "", col(models.Mention.liveness) != Liveness.DELETED.value)
"""Of what was erased or deleted nothing is left to judge."""


# -- the draw -----------------------------------------------------------------------------------------------------


def population(session: Session, *, since: datetime, until: datetime) -> list[int]:
    """Return the mentions that the tagger tagged from ``since`` to before ``until``, as far as there is still a text.

    Those it took for nothing are among them: what it misses counts as well.
    """
    tagging, mention = models.Tagging, models.Mention
    query = (
        select(col(tagging.mention_id))
        .join(mention, col(mention.id) == col(tagging.mention_id))
        .where(
            col(tagging.at) >= since,
            col(tagging.at) < until,
            col(tagging.n) == FIRST,
            col(tagging.source) == "model",
            *_IS_THERE,
        )
    )
    return list(session.scalars(query))


def drawn_on(session: Session, days: Sequence[date]) -> set[date]:
    """Return those of the days whose sample was drawn."""
    return set(session.scalars(select(col(AuditDraw.on_date)).where(col(AuditDraw.on_date).in_(days))))


def keep(session: Session, day: date, drawn: Sequence[int], *, population: int, now: datetime) -> bool:
    """Store the sample of a day, in the order drawn; False when that day has one, which stays as it is."""
    row = {"on_date": day, "population": population, "drawn": len(drawn), "drawn_at": now}
    kept = session.scalar(insert_new(session, AuditDraw).values(**row).returning(col(AuditDraw.on_date)))
    if kept is None or not drawn:
        return kept is not None
    cells = _cells(session, drawn)
    blank = {"tags": [], "primary_tag": "", "reason": "", "judged_quadrant": "", "judged_by": "", "judged_by_name": ""}
    rows = [
        {"mention_id": one, "on_date": day, "place": place, "quadrant": cells.get(one, ""), **blank}
        for place, one in enumerate(drawn, start=1)
    ]
    session.connection().execute(insert(AuditSample), rows)
    return True


def _cells(session: Session, mention_ids: Sequence[int]) -> dict[int, str]:
    """The quadrant of each contact that one of the mentions opened and that still counts as one."""
    case = models.Case
    query = select(col(case.id), col(case.quadrant)).where(
        col(case.id).in_(mention_ids), col(case.state) != "dismissed", col(case.merged_into).is_(None)
    )
    return dict(session.execute(query).all())


# -- judging ------------------------------------------------------------------------------------------------------


def waiting(session: Session, *, since: date, limit: int) -> list[SampledTagging]:
    """Return what nobody has judged yet of the samples from ``since`` on, in the order drawn, the oldest night first.

    It holds the words and what the tagger said of them: not who wrote, and nothing of what agents did since.
    """
    query = _drawn(_unjudged(since)).order_by(col(AuditSample.on_date), col(AuditSample.place)).limit(limit)
    return [_sampled(session, row) for row in session.execute(query)]


def waiting_count(session: Session, *, since: date) -> int:
    """Return how many :func:`waiting` would list without a limit."""
    mention = models.Mention
    query = select(func.count()).select_from(AuditSample).join(mention, col(mention.id) == col(AuditSample.mention_id))
    return session.scalar(query.where(*_unjudged(since), *_IS_THERE)) or 0


def _unjudged(since: date) -> tuple[Any, ...]:
    return (col(AuditSample.judged_at).is_(None), col(AuditSample.on_date) >= since)


def _drawn(conditions: Sequence[Any]) -> Select[AuditSample, models.Mention, models.Tagging]:
    mention, tagging = models.Mention, models.Tagging
    return (
        select(AuditSample, mention, tagging)
        .join(mention, col(mention.id) == col(AuditSample.mention_id))
        .join(tagging, (col(tagging.mention_id) == col(mention.id)) & (col(tagging.n) == FIRST))
        .where(*conditions, *_IS_THERE)
    )


def _sampled(session: Session, row: Any) -> SampledTagging:
    sample, mention, tagging = row
    return SampledTagging(
        mention_id=sample.mention_id,
        on_date=sample.on_date,
        place=sample.place,
        text=mention.text,
        channel=mention.channel,
        posted_at=mention.posted_at,
        said=_said(session, sample.mention_id, tagging),
    )


def _said(session: Session, mention_id: int, tagging: models.Tagging) -> Judgement:
    table = models.Tag
    names = session.scalars(select(col(table.tag)).where(col(table.mention_id) == mention_id, col(table.n) == FIRST))
    return Judgement(
        tuple(sorted(Tag(name) for name in names)),
        Tag(tagging.primary_tag) if tagging.primary_tag else None,
        tagging.reason,
    )


def find(session: Session, mention_id: int) -> SampledTagging | None:
    """Return one of the sample, judged or not; None when it was not drawn, or is no longer there."""
    found = session.execute(_drawn([col(AuditSample.mention_id) == mention_id])).first()
    return _sampled(session, found) if found else None


def row_for_update(session: Session, mention_id: int) -> AuditSample | None:
    """Return a row of the sample, locked until the transaction ends (SQLite has only one writer anyway)."""
    return session.scalar(select(AuditSample).where(col(AuditSample.mention_id) == mention_id).with_for_update())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a supervisor said, by which press. ``quadrant`` is where the contact belongs by it."""

    judged: Judgement
    is_right: bool
    quadrant: str
    by: str
    by_name: str
    action_id: str


def judge(session: Session, mention_id: int, verdict: Verdict, *, now: datetime) -> bool:
    """Store a verdict; False when somebody else was faster, whose verdict stays."""
    unjudged = update(AuditSample).where(
        col(AuditSample.mention_id) == mention_id, col(AuditSample.judged_at).is_(None)
    )
    judged = verdict.judged
    values = {
        "is_right": verdict.is_right,
        "tags": [tag.value for tag in judged.tags],
        "primary_tag": judged.primary.value if judged.primary else "",
        "reason": judged.reason,
        "judged_quadrant": verdict.quadrant,
        "judged_by": verdict.by,
        "judged_by_name": verdict.by_name,
        "judged_at": now,
        "action_id": verdict.action_id,
    }
    return changed(session, unjudged.values(**values)) == 1


def booked(session: Session, mention_id: int) -> Judgement:
    """Return what the books say a mention is now: its live tags, under its newest tagging."""
    tag, tagging = models.Tag, models.Tagging
    names = session.scalars(select(col(tag.tag)).where(col(tag.mention_id) == mention_id, col(tag.is_live)))
    tags = tuple(sorted(Tag(name) for name in names))
    newest = select(tagging).where(col(tagging.mention_id) == mention_id).order_by(col(tagging.n).desc()).limit(1)
    said = session.scalar(newest)
    if not tags or said is None:
        return NOTHING
    return Judgement(tags, Tag(said.primary_tag) if said.primary_tag else None, said.reason)


def case_of(session: Session, mention_id: int) -> int | None:
    """Return the case that a mention belongs to; None for one without."""
    return session.scalar(select(col(models.Mention.case_id)).where(col(models.Mention.id) == mention_id))


# -- what reports and training read -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Night:
    """The sample of one date. ``population`` taggings were made on it, ``judged`` of the ``drawn`` have a verdict."""

    on_date: date
    population: int
    drawn: int
    judged: int
    right: int


def nights(session: Session, *, first: date, last: date, by: datetime) -> list[Night]:
    """Return the samples of the dates, both inclusive, with what was judged of them up to ``by``, oldest first."""
    judged = (col(AuditSample.on_date) == col(AuditDraw.on_date)) & (col(AuditSample.judged_at) <= by)
    query = (
        select(
            col(AuditDraw.on_date),
            col(AuditDraw.population),
            col(AuditDraw.drawn),
            func.count(col(AuditSample.mention_id)),
            func.count().filter(col(AuditSample.is_right).is_(True)),
        )
        .outerjoin(AuditSample, judged)
        .where(col(AuditDraw.on_date).between(first, last))
        .group_by(col(AuditDraw.on_date), col(AuditDraw.population), col(AuditDraw.drawn))
        .order_by(col(AuditDraw.on_date))
    )
    return [Night(*row) for row in session.execute(query)]


class Judged(NamedTuple):
    """What the tagger said of a mention, what a supervisor says, and the contact's quadrant in the books and by him."""

    said: Judgement
    judged: Judgement
    quadrant: str
    judged_quadrant: str


def verdicts(session: Session, *, first: date, last: date, by: datetime) -> list[Judged]:
    """Return every verdict of :func:`nights`, in the order drawn."""
    tagging = models.Tagging
    rows = session.execute(
        select(AuditSample, tagging)
        .join(tagging, (col(tagging.mention_id) == col(AuditSample.mention_id)) & (col(tagging.n) == FIRST))
        .where(col(AuditSample.on_date).between(first, last), col(AuditSample.judged_at) <= by)
        .order_by(col(AuditSample.on_date), col(AuditSample.place))
    ).all()
    return [
        Judged(_said(session, row.mention_id, said), _judgement(row), row.quadrant, row.judged_quadrant)
        for row, said in rows
    ]


def cells(session: Session, *, first: date, last: date, by: datetime) -> Counter[tuple[str, str]]:
    """Return how many judged contacts the books had in one quadrant and the supervisor puts into another."""
    query = (
        select(col(AuditSample.quadrant), col(AuditSample.judged_quadrant), func.count())
        .where(
            col(AuditSample.on_date).between(first, last),
            col(AuditSample.judged_at) <= by,
            col(AuditSample.quadrant) != "",
        )
        .group_by(col(AuditSample.quadrant), col(AuditSample.judged_quadrant))
    )
    return Counter({(found, judged): count for found, judged, count in session.execute(query)})


@dataclass(frozen=True, slots=True)
class Label:
    """A text and what a person says it is: something to learn from."""

    mention_id: int
    text: str
    language: str
    judged: Judgement


def labels(session: Session) -> Iterator[Label]:
    """Yield what was judged and still has its text, in the order of the mentions, a page at a time."""
    mention, after = models.Mention, 0
    while True:
        query = (
            select(AuditSample, mention)
            .join(mention, col(mention.id) == col(AuditSample.mention_id))
            .where(col(AuditSample.judged_at).is_not(None), col(AuditSample.mention_id) > after, *_IS_THERE)
            .order_by(col(AuditSample.mention_id))
            .limit(_PAGE)
        )
        found = session.execute(query).all()
        for sample, said in found:
            yield Label(sample.mention_id, said.text, said.language, _judgement(sample))
        if len(found) < _PAGE:
            return
        after = cast("int", found[-1][0].mention_id)


def _judgement(row: AuditSample) -> Judgement:
    return Judgement(
        tuple(Tag(name) for name in row.tags), Tag(row.primary_tag) if row.primary_tag else None, row.reason
    )
