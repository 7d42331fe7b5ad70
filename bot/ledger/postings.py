"""What an event makes the ledger say: each function returns drafts (specification 1.4). Pure.

A key is ``{event_id}:{step}``; event ids come from the source of the event, never from a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain import Tag
from bot.ledger.accounts import COUNTS, POOL, SERVICE
from bot.ledger.journal import Basis, Draft, Line
from bot.ledger.model import CostModel, Effort
from bot.ledger.money import Shares, split
from bot.ledger.quadrants import Cell

FURTHER_TAG: Final = "further tag of the mention"
"""The memo of a tag that is not the mention's primary one."""

FOLLOW_UP: Final = "follow-up"
"""The memo of work that kept a promise."""

BULK: Final = "answered in bulk"
"""The memo of work on a case that was answered together with the others of its incident."""

FOLLOW_ON: Final = "follow-on"
"""The memo of the short hold of a case that came back within a day."""


@dataclass(frozen=True, slots=True)
class Contact:
    """What journals keep of a case. ``channel`` is the configured name, ``channel_kind`` picks the percentage.

    For the tag of a mention that joins a case, ``reason`` and ``channel`` are the mention's own: the TAG balance is
    the number of live tags by tag, reason and channel.
    """

    case_id: str
    channel: str
    channel_kind: str
    tag: Tag
    reason: str
    cell: Cell
    segment: str = ""
    incident_id: str = ""
    """The incident that a stored case belongs to when something is posted about it."""
    queue: str = ""
    """Whose work it is; a queue may have a rate of its own."""

    def effort(self, model: CostModel, seconds: int) -> Effort:
        """Return ``seconds`` of work on this contact with their price."""
        return model.priced(seconds, kind=self.channel_kind, queue=self.queue)

    def estimate(self, model: CostModel) -> Effort:
        """Return the default work on this contact, with its price."""
        return model.estimate(self.reason, self.channel_kind, self.queue)

    def pen(self, model: CostModel, commodity: str, basis: Basis, *, tag: Tag | None = None) -> Pen:
        """Return what writes lines about this contact."""
        dimensions = {
            "reason": self.reason,
            "tag": (tag or self.tag).value,
            "channel": self.channel or None,
            "quadrant": self.cell.quadrant.value,
            "quadrant_source": self.cell.quadrant_source,
            "segment": self.segment or None,
            "case_id": self.case_id,
            "incident_id": self.incident_id or None,
            "config_version": model.config_version,
        }
        return Pen(commodity, basis, dimensions)


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes lines of one commodity and basis with the same dimensions."""

    commodity: str
    basis: Basis
    dimensions: dict[str, str | None]

    def write(self, account: str, dept: str, amount: int) -> Line:
        """One line."""
        return Line(account, self.commodity, self.basis, amount, dept, **self.dimensions)

    def moved(self, debit: str, credit: str, total: int, shares: Shares) -> list[Line]:
        """``total`` from ``credit`` (service) to ``debit`` parted by ``shares``; parts of 0 are left out."""
        if total == 0:
            return []
        debits = [self.write(debit, dept, part) for dept, part in split(total, shares) if part]
        return [*debits, self.write(credit, SERVICE, -total)]


def tag_journals(  # noqa: PLR0913  # the facts of one tag, all by name
    event_id: str,
    contact: Contact,
    *,
    tag: Tag,
    primary: bool,
    opens: bool,
    on: date,
    group_ref: str,
    model: CostModel,
) -> list[Draft]:
    """Return the journal of one live tag; with ``opens`` it also counts the contact.

    Only the primary tag of the mention that opens a case may open it.
    """
    cell = contact.cell
    lines: list[Line] = []
    for commodity in ("TAG", "CNT") if opens else ("TAG",):
        pen = contact.pen(model, commodity, "N", tag=tag)
        lines += [pen.write(cell.account, cell.department, 1), pen.write(COUNTS, SERVICE, -1)]
    memo = "" if primary else FURTHER_TAG
    return [Draft(f"{event_id}:tag", "tag", "posted", on, tuple(lines), group_ref=group_ref, memo=memo)]


def hold(event_id: str, contact: Contact, *, on: date, model: CostModel, follow_on: bool = False) -> Draft:
    """Return the pending journal of the work we expect; ``follow_on`` is the short one of a case that came back.

    Where no work is expected, it says nothing.
    """
    lines = work(contact, model, _estimate(contact, model, follow_on=follow_on), "E", POOL)
    memo = FOLLOW_ON if follow_on else ""
    return Draft(f"{event_id}:hold", "cost_hold", "pending", on, lines, group_ref=contact.case_id, memo=memo)


def cost(  # noqa: PLR0913  # the facts of one piece of work, all by name
    event_id: str,
    contact: Contact,
    *,
    on: date,
    model: CostModel,
    resolves: str | None,
    seconds: int | None = None,
    hold: Draft | None = None,
    actor_ref: str = "",
) -> Draft:
    """Return the journal of work that was done; it posts the hold with the key ``resolves``.

    With ``seconds`` above 0 the work was measured. Otherwise it is what ``hold`` expected, or the default. Work that
    costs nothing voids the hold; without one it says nothing.
    """
    memo = ""
    if seconds:
        lines = work(contact, model, contact.effort(model, seconds), "M", POOL)
    elif hold is not None and hold.memo == FOLLOW_ON:
        # It was expected for the mention that came; the work was done for the case.
        lines, memo = work(contact, model, _estimate(contact, model, follow_on=True), "E", POOL), FOLLOW_ON
    elif hold is not None:
        lines, memo = _of_incident(hold.lines, contact), hold.memo
    else:
        lines = work(contact, model, _estimate(contact, model), "E", POOL)
    return _done(event_id, contact, lines, on=on, resolves=resolves, memo=memo, actor_ref=actor_ref)


def _done(  # noqa: PLR0913  # the facts of one journal, all by name
    event_id: str,
    contact: Contact,
    lines: tuple[Line, ...],
    *,
    on: date,
    resolves: str | None,
    memo: str = "",
    actor_ref: str = "",
) -> Draft:
    """The journal of work with its price; where there is none, only the end of what was expected."""
    if resolves and not lines:
        memo, group_ref = "nothing to pay", contact.case_id
        return void(event_id, resolves=resolves, on=on, memo=memo, group_ref=group_ref, actor_ref=actor_ref)
    return Draft(
        f"{event_id}:cost",
        "cost",
        "posted",
        on,
        lines,
        resolves=resolves,
        resolution="post" if resolves else None,
        group_ref=contact.case_id,
        memo=memo,
        actor_ref=actor_ref,
    )


def bulk_cost(
    event_id: str, contact: Contact, *, on: date, model: CostModel, resolves: str | None, actor_ref: str = ""
) -> Draft:
    """Return the journal of a contact that was answered with all the others of its incident, in less time."""
    expected = Draft("", "cost_hold", "pending", on, bulk_work(contact, model), memo=BULK)
    return cost(event_id, contact, on=on, model=model, resolves=resolves, hold=expected, actor_ref=actor_ref)


def bulk_work(contact: Contact, model: CostModel) -> tuple[Line, ...]:
    """Return the lines of one answer among many."""
    return work(contact, model, contact.effort(model, model.incident_bulk_seconds), "E", POOL)


def _of_incident(lines: tuple[Line, ...], contact: Contact) -> tuple[Line, ...]:
    """A case may have become part of an incident after its work was first expected."""
    if not contact.incident_id:
        return lines
    return tuple(line._replace(incident_id=contact.incident_id) for line in lines)


def bot_cost(event_id: str, contact: Contact, *, on: date, model: CostModel, resolves: str | None = None) -> Draft:
    """Return the journal of a contact that the bot resolved alone: a fixed price, and nobody's time."""
    cell = contact.cell
    lines = contact.pen(model, model.currency, "E").moved(cell.account, POOL, model.bot_fixed_minor, cell.owners)
    return _done(event_id, contact, tuple(lines), on=on, resolves=resolves)


def uncounted(event_id: str, contact: Contact, *, on: date, model: CostModel, into: str) -> Draft:
    """Return the journal that takes back the count of a contact merged into the case ``into``; its tags stay."""
    cell, pen = contact.cell, contact.pen(model, "CNT", "N")
    lines = (pen.write(cell.account, cell.department, -1), pen.write(COUNTS, SERVICE, 1))
    memo = f"merged into {into}"
    return Draft(f"{event_id}:uncount", "merge", "posted", on, lines, group_ref=contact.case_id, memo=memo)


def void(event_id: str, *, resolves: str, on: date, memo: str, group_ref: str = "", actor_ref: str = "") -> Draft:
    """Return the journal that ends the hold with the key ``resolves``: nobody worked, so nothing was spent."""
    return Draft(
        f"{event_id}:void",
        "cost_void",
        "posted",
        on,
        (),
        resolves=resolves,
        resolution="void",
        group_ref=group_ref,
        memo=memo,
        actor_ref=actor_ref,
    )


def reversal(
    event_id: str, target: Draft, *, memo: str, on: date | None = None, step: str = "", actor_ref: str = ""
) -> Draft:
    """Return the mirror of ``target``, line by line.

    A correction takes the date of what it corrects, so that the sum of that day is right: leave ``on`` out. Give
    ``on`` where the target was right and has ended, such as a promise that was kept. ``step`` keeps the keys of
    several reversals in one event apart; left out, it is ``rev-`` and the target's kind.
    """
    return Draft(
        f"{event_id}:{step or f'rev-{target.kind}'}",
        "reversal",
        "posted",
        on or target.effective,
        tuple(line.mirrored() for line in target.lines),
        reverses=target.key,
        group_ref=target.group_ref,
        memo=memo,
        actor_ref=actor_ref,
    )


def _estimate(contact: Contact, model: CostModel, *, follow_on: bool = False) -> Effort:
    if follow_on:
        return contact.effort(model, model.followon_seconds)
    return contact.estimate(model)


def work(contact: Contact, model: CostModel, effort: Effort, basis: Basis, credit: str) -> tuple[Line, ...]:
    """Seconds and money from ``credit`` to the contact's account, split over its owners."""
    cell = contact.cell
    seconds = contact.pen(model, "SEC", basis).moved(cell.account, credit, effort.seconds, cell.owners)
    money = contact.pen(model, model.currency, basis).moved(cell.account, credit, effort.minor, cell.owners)
    return (*seconds, *money)


def measured_seconds(lines: Iterable[Line]) -> int:
    """Return how many measured seconds the lines book."""
    return sum(line.amount for line in lines if line.commodity == "SEC" and line.basis == "M" and line.amount > 0)
