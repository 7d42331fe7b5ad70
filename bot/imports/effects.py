"""What an import makes of lines that are new: the rows to store, and what else has to be written with them."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlmodel import Session

from bot import booking
from bot.answering import Answering
from bot.domain import RepeatKind, Tag
from bot.errors import CaseError, LedgerError
from bot.ledger import funds
from bot.ledger.journal import Draft
from bot.ledger.postings import Contact
from bot.parts import Parts
from bot.reports.control import assigned
from storage import casework, imports, ledger, models
from storage.mentions import mention_of

_CES: Final = range(1, 8)
_NO_CASE: Final = "there is no such case; give case_id, or platform and mention"


@dataclass(frozen=True, slots=True)
class Read:
    """A line with its values, and the digest by which it is known again."""

    number: int
    values: Mapping[str, Any]
    digest: str

    @property
    def key(self) -> imports.Key:
        """Source and external id."""
        return self.values["source"], self.values["external_id"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not imported, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A line with the row it becomes."""

    line: Read
    row: dict[str, Any]


Outcome = Accepted | Refused
Effect = Callable[[Parts, Session, Sequence[Read]], Iterator[Outcome]]


def _plain(_parts: Parts, _session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    for line in lines:
        yield Accepted(line, dict(line.values))


def _customers(parts: Parts, session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    """A handle belongs to one customer only; who links it anew has to say so to the first source."""
    authors = {line.number: (line.values["platform"], line.values["author"]) for line in lines if line.values["author"]}
    known = imports.linked(session, list(authors.values()))
    accepted = []
    for line in lines:
        author, ref = authors.get(line.number), line.values["ref"]
        if author and not line.values["platform"]:
            yield Refused(line.number, "platform is missing: say where the author writes")
        elif author and known.setdefault(author, ref) != ref:
            yield Refused(line.number, "author is linked to another customer")
        else:
            accepted.append(line)
    segments = {line.values["ref"]: line.values["segment"] for line in accepted}
    ids = imports.store_customers(session, segments, now=parts.now()) if segments else {}
    links = {authors[line.number]: ids[line.values["ref"]] for line in accepted if line.number in authors}
    imports.link_authors(session, links, now=parts.now())
    for line in accepted:
        yield Accepted(line, dict(line.values))


def _drivers(_parts: Parts, _session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    for line in lines:
        row = dict(line.values)
        yield Accepted(line, row | {"on_date": row.pop("date")})


def _surveys(_parts: Parts, _session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    for line in lines:
        if line.values["kind"] == "ces" and line.values["score"] not in _CES:
            yield Refused(line.number, "score of ces is not between 1 and 7")
        else:
            yield Accepted(line, dict(line.values))


def _named_once(kind: str) -> Effect:
    """The external id is the name by which others speak of it, so two sources cannot both have it."""

    def accept(parts: Parts, session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
        taken = imports.ids_elsewhere(session, kind, [line.values for line in lines])
        known = parts.model.taxonomy.reasons
        for line in lines:
            unknown = sorted(set(line.values.get("effects", {})) - set(known))
            if line.values["external_id"] in taken:
                yield Refused(line.number, "external_id is taken by another source")
            elif unknown:
                yield Refused(line.number, f"effects: {', '.join(unknown)} is no reason of the taxonomy")
            else:
                yield Accepted(line, dict(line.values))

    return accept


def _assignments(_parts: Parts, session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    experiments = imports.experiments(session, [line.values["experiment"] for line in lines])
    taken = imports.assigned(session, [_pair(line) for line in lines])
    for line in lines:
        name, ref = _pair(line)
        salt, points = experiments.get(name, ("", 0))
        if name not in experiments:
            yield Refused(line.number, "experiment is not known; import experiments first")
        elif (name, ref) in taken:
            yield Refused(line.number, "customer_ref has an arm in this experiment already")
        elif salt and assigned(ref, salt=salt, treatment_bp=points) != line.values["arm"]:
            yield Refused(line.number, "arm is not the one that the experiment's salt gives")
        else:
            taken.add((name, ref))
            yield Accepted(line, dict(line.values))


def _pair(line: Read) -> tuple[str, str]:
    return line.values["experiment"], line.values["customer_ref"]


def _payroll(parts: Parts, session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    """The payroll is a month's, so it is booked on its last day."""
    for line in lines:
        row = _in_book_currency(parts, line)
        draft = funds.pool_actual(
            _event(line), row["amount_minor"], on=_last_day(row["period"]), currency=row["currency"]
        )
        yield _posted(parts, session, line, row, draft)


def _goodwill(parts: Parts, session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    for line in lines:
        row = _in_book_currency(parts, line)
        case = imports.case_of(
            session, case_id=row["case_id"], platform=row.pop("platform"), mention=row.pop("mention")
        )
        about = _contact(parts, session, case) if case else None
        if case is None or about is None:
            yield Refused(line.number, _NO_CASE)
            continue
        draft = funds.goodwill(_event(line), about, row["amount_minor"], on=row["paid_on"], model=parts.model)
        yield _posted(parts, session, line, row | {"case_id": case.id}, draft)


def _bot_answers(parts: Parts, session: Session, lines: Sequence[Read]) -> Iterator[Outcome]:
    answering = Answering(parts)
    for line in lines:
        row = dict(line.values)
        case = imports.case_of(
            session, case_id=row["case_id"], platform=row.pop("platform"), mention=row.pop("mention")
        )
        if case is None:
            yield Refused(line.number, _NO_CASE)
            continue
        try:
            answering.answered(session, case.id, row["answered_at"], action_id=_event(line))
        except CaseError as error:
            yield Refused(line.number, str(error))
        else:
            yield Accepted(line, row | {"case_id": case.id})


def _contact(parts: Parts, session: Session, case: models.Case) -> Contact | None:
    found = casework.opening(session, case.id)
    if found is None:
        return None
    mention, author, segment = found
    return booking.contact(
        parts,
        case_id=case.id,
        mention=mention_of(mention, author),
        segment=segment,
        tag=Tag(case.tag),
        reason=case.reason,
        repeat=RepeatKind(case.repeat_kind),
        queue=case.queue,
    )


def _in_book_currency(parts: Parts, line: Read) -> dict[str, Any]:
    return dict(line.values) | {"currency": line.values["currency"] or parts.model.currency}


def _event(line: Read) -> str:
    source, external_id = line.key
    return f"csv:{source}:{external_id}"


def _last_day(month: str) -> date:
    year, number = (int(part) for part in month.split("-"))
    return date(year, number, monthrange(year, number)[1])


def _posted(parts: Parts, session: Session, line: Read, row: dict[str, Any], draft: Draft) -> Outcome:
    if row["currency"] != parts.model.currency:
        return Refused(line.number, f"currency is not the book's, {parts.model.currency}")
    try:
        ledger.post(session, [draft], now=parts.now())
    except LedgerError as error:
        return Refused(line.number, f"the ledger refuses it: {error}")
    return Accepted(line, row)


EFFECTS: Final[Mapping[str, Effect]] = {
    "customers": _customers,
    "loyalty_events": _plain,
    "drivers": _drivers,
    "payroll": _payroll,
    "goodwill": _goodwill,
    "bot_answers": _bot_answers,
    "surveys": _surveys,
    "experiments": _named_once("experiments"),
    "experiment_assignments": _assignments,
    "initiatives": _named_once("initiatives"),
}
"""By kind; mentions go the way of polled ones."""
