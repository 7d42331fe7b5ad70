"""Which case a mention joins, which case it repeats, and what a person may do to a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from bot.domain import UNCLASSIFIED, Actor, CaseFacts, CaseState, Mention, RepeatKind
from bot.errors import CaseError
from bot.likeness import is_nearly

RESOLVED: Final = "resolved"
NO_ACTION: Final = "no_action"
NOT_FOR_US: Final = "not_for_us"
MERGED: Final = "merged"

CUSTOMER_AT_RISK: Final = frozenset({"leave_cancel"})
"""The reasons of customers who want to leave."""

LIVE = frozenset({CaseState.OPEN, CaseState.CLAIMED})
"""States of a case on which somebody works or shall work."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The case a mention joins; None opens a new one. ``reopens`` when that case was closed."""

    case_id: int | None
    reopens: bool
    why: str


def place(mention: Mention, cases: Sequence[CaseFacts], *, contact_gap: timedelta) -> Placement:
    """Return which of its author's ``cases`` a mention joins; their order does not matter.

    The nearest tie counts: first the thread, then time, then near-identical words. Among cases tied alike it is
    the one with the latest mention, then the highest id. A dismissed case is never joined.
    """
    live = [case for case in cases if case.state in LIVE]
    closed = [case for case in cases if _is_fresh(case, mention, contact_gap)]
    ties: tuple[tuple[str, Callable[[], Iterable[CaseFacts]]], ...] = (
        ("it is in the same thread", lambda: _in_thread(live, mention)),
        ("it is in the thread of a case closed a short while ago", lambda: _in_thread(closed, mention)),
        ("the author wrote a short while ago", lambda: _near(live, mention, contact_gap)),
        ("the author wrote nearly the same before", lambda: _alike(live, mention)),
        ("the author's case was closed a short while ago", lambda: _near(closed, mention, contact_gap)),
    )
    for why, candidates in ties:
        case = max(candidates(), key=lambda case: (case.last_mention_at, case.id), default=None)
        if case:
            return Placement(case.id, reopens=case.state not in LIVE, why=why)
    return Placement(None, reopens=False, why="the author has no case that it could belong to")


def _is_fresh(case: CaseFacts, mention: Mention, gap: timedelta) -> bool:
    """True when a mention re-opens the case: it was worked or let be, less than ``gap`` before."""
    if case.state is not CaseState.RESOLVED or case.closed_at is None or case.closed_how == MERGED:
        return False
    return mention.posted_at - case.closed_at < gap


def _in_thread(cases: Iterable[CaseFacts], mention: Mention) -> list[CaseFacts]:
    return [case for case in cases if mention.thread and case.thread == mention.thread]


def _near(cases: Iterable[CaseFacts], mention: Mention, gap: timedelta) -> list[CaseFacts]:
    """Return the cases whose mentions lie at most ``gap`` from this one, which may also be older than they are."""
    at = mention.posted_at
    return [case for case in cases if case.opened_at - gap <= at <= case.last_mention_at + gap]


def _alike(cases: Iterable[CaseFacts], mention: Mention) -> list[CaseFacts]:
    return [case for case in cases if any(is_nearly(mention.text, text) for text in case.texts)]


def repeat(
    reason: str, cases: Sequence[CaseFacts], *, now: datetime, window: timedelta
) -> tuple[RepeatKind, int | None]:
    """Return how a case newly opened at ``now`` follows the author's earlier ``cases``, and which of them.

    Specification 2.6: an earlier case with the same reason that is still open makes it a chase; one closed as
    resolved at most ``window`` ago makes it a repeat after resolved. A case without a reason repeats nothing,
    because two unknown reasons are not known to be the same.
    """
    same = [case for case in cases if case.reason == reason != UNCLASSIFIED and case.opened_at <= now]
    chased = [case for case in same if case.closed_at is None or case.closed_at > now]
    if chased:
        return RepeatKind.CHASE, max(chased, key=lambda case: (case.opened_at, case.id)).id
    resolved = [
        (case.closed_at, case.id)
        for case in same
        if case.closed_how == RESOLVED and case.closed_at and now - case.closed_at <= window
    ]
    return (RepeatKind.AFTER_RESOLVED, max(resolved)[1]) if resolved else (RepeatKind.NONE, None)


@dataclass(frozen=True, slots=True)
class Change:
    """How a case stands after an action. ``changed`` is False when it stood so before.

    ``kind`` names the event for the history, ``message`` is a sentence for the one who acted.
    """

    state: CaseState
    owner: str
    owner_name: str
    closed_at: datetime | None
    closed_how: str
    kind: str
    message: str
    changed: bool = True


def claim(case: CaseFacts, actor: Actor) -> Change:
    """The actor takes an open case.

    Raises:
        CaseError: somebody else has it, or it is closed.
    """
    _refuse_closed(case)
    if case.owner == actor.ref:
        return _unchanged(case, "claimed", "You have claimed this case already.")
    _refuse_owned_by_another(case)
    return _owned(case, actor, "claimed", "You have claimed this case.")


def release(case: CaseFacts, actor: Actor) -> Change:
    """The owner, or a supervisor, gives a case back to its queue.

    Raises:
        CaseError: it is somebody else's, or closed.
    """
    _refuse_closed(case)
    if case.state is CaseState.OPEN:
        return _unchanged(case, "released", "Nobody has claimed this case.")
    _refuse_stranger(case, actor)
    return _queued(case, "released", "This case waits in its queue again.")


def hand_over(case: CaseFacts, actor: Actor, to: Actor) -> Change:
    """The owner, a supervisor, or anybody while it is unclaimed, gives a case to ``to``.

    Raises:
        CaseError: it is somebody else's, or closed.
    """
    _refuse_closed(case)
    if case.owner == to.ref:
        return _unchanged(case, "handed_over", f"{to.name} has this case already.")
    _refuse_stranger(case, actor)
    return _owned(case, to, "handed_over", f"{to.name} has this case now.")


def resolve(
    case: CaseFacts, actor: Actor, *, now: datetime, how: Literal["resolved", "no_action"] = RESOLVED
) -> Change:
    """The owner or a supervisor closes a case as done; anybody may while it is unclaimed, and so becomes its owner.

    Raises:
        CaseError: it is somebody else's, or dismissed.
    """
    message = "This case is resolved." if how == RESOLVED else "This case is closed without action."
    return _closed(case, actor, Change(CaseState.RESOLVED, "", "", now, how, how, message))


def dismiss(case: CaseFacts, actor: Actor, *, now: datetime) -> Change:
    """The owner or a supervisor, or anybody while it is unclaimed, says that a case is not for us.

    Raises:
        CaseError: it is somebody else's, or resolved.
    """
    message = "This case is dismissed as not for us."
    return _closed(case, actor, Change(CaseState.DISMISSED, "", "", now, NOT_FOR_US, "dismissed", message))


def reopen(case: CaseFacts) -> Change:
    """A resolved case goes back to its queue, unclaimed: who had it may be off shift.

    Raises:
        CaseError: it is dismissed. Its tags count no longer, and a new mention opens a new case.
    """
    if case.state in LIVE:
        return _unchanged(case, "reopened", "This case is open already.")
    if case.state is CaseState.DISMISSED:
        raise CaseError("This case was dismissed as not for us and cannot be opened again.")
    return _queued(case, "reopened", "This case is open again.")


def retag(case: CaseFacts, actor: Actor) -> Change:
    """The owner or a supervisor corrects tags or reason; anybody may while it is unclaimed, and when it is resolved.

    Where it stands and who has it stay as they are; the tags themselves are not this function's matter.

    Raises:
        CaseError: it is somebody else's, or dismissed.
    """
    if case.state is CaseState.DISMISSED:
        raise CaseError("This case was dismissed as not for us, so it has no tags to correct.")
    return _noted(case, actor, "retagged", "Thank you, the tags are corrected.")


class Deed(StrEnum):
    """What is done for a customer while the case stays where it is, with whom it is: its name in the history."""

    PROMISED = "promised"
    PROMISE_KEPT = "promise_kept"
    PROMISE_CANCELLED = "promise_cancelled"
    PASSED_ON = "passed_on"
    CUSTOMER_TOLD = "customer_told"
    GOODWILL = "goodwill"


_TOLD_OF_A_DEED: Final = {
    Deed.PROMISED: "The promise is kept in view.",
    Deed.PROMISE_KEPT: "Thank you, the promise is kept.",
    Deed.PROMISE_CANCELLED: "The promise is cancelled.",
    Deed.PASSED_ON: "Thank you, it is passed on.",
    Deed.CUSTOMER_TOLD: "Thank you, the customer knows.",
    Deed.GOODWILL: "The goodwill is booked.",
}


def serve(case: CaseFacts, actor: Actor, deed: Deed) -> Change:
    """The owner or a supervisor does something for the customer; anybody may while it is unclaimed, or closed as done.

    Raises:
        CaseError: it is somebody else's, dismissed, or merged into another.
    """
    _refuse_dismissed(case)
    return _noted(case, actor, deed.value, _TOLD_OF_A_DEED[deed])


def answer(case: CaseFacts, actor: Actor) -> Change:
    """Whoever may resolve a case has an answer sent to its customer; it is resolved once that is there.

    Raises:
        CaseError: it is somebody else's, or closed.
    """
    _refuse_closed(case)
    return _noted(case, actor, "answering", "The answer is on its way; the case is resolved once it is there.")


def sort_out(case: CaseFacts, actor: Actor, kind: str, message: str) -> Change:
    """A supervisor says whether a case belongs to an incident; where it stands and who has it stay as they are.

    Raises:
        CaseError: the actor is no supervisor, or the case is no contact of its own.
    """
    if not actor.is_supervisor:
        raise CaseError("Only a supervisor says which cases are of an incident; ask one.")
    _refuse_dismissed(case)
    return _noted(case, actor, kind, message)


def override(case: CaseFacts, actor: Actor, kind: str, message: str) -> Change:
    """A supervisor says where a case stands in the books, whoever has it.

    Raises:
        CaseError: the actor is no supervisor, or the case is no contact of its own.
    """
    if not actor.is_supervisor:
        raise CaseError("Only a supervisor decides where a case stands; ask one.")
    _refuse_dismissed(case)
    return _noted(case, actor, kind, message)


def merge(case: CaseFacts, into: CaseFacts, actor: Actor, *, now: datetime) -> Change:
    """A supervisor says that a case is the same as ``into``, where it goes on.

    Work that nobody has finished must not end in a case that is finished, so an open case needs an open one.

    Raises:
        CaseError: the actor is no supervisor, or the cases do not allow it.
    """
    if not actor.is_supervisor:
        raise CaseError("Only a supervisor merges cases; ask one.")
    if case.id == into.id:
        raise CaseError("A case cannot be merged into itself.")
    for one in (case, into):
        _refuse_dismissed(one)
    if case.state in LIVE and into.state not in LIVE:
        raise CaseError(f"Case {into.id} is closed, and this one is not; merge the other way round, or resolve it.")
    kept = _unchanged(case, "merged", f"This case is part of case {into.id} now.")
    return replace(kept, state=CaseState.RESOLVED, closed_at=now, closed_how=MERGED, changed=True)


def _unchanged(case: CaseFacts, kind: str, message: str) -> Change:
    return Change(
        state=case.state,
        owner=case.owner,
        owner_name=case.owner_name,
        closed_at=case.closed_at,
        closed_how=case.closed_how,
        kind=kind,
        message=message,
        changed=False,
    )


def _queued(case: CaseFacts, kind: str, message: str) -> Change:
    state = _unchanged(case, kind, message)
    return replace(state, state=CaseState.OPEN, owner="", owner_name="", closed_at=None, closed_how="", changed=True)


def _owned(case: CaseFacts, owner: Actor, kind: str, message: str) -> Change:
    claimed = _unchanged(case, kind, message)
    return replace(claimed, state=CaseState.CLAIMED, owner=owner.ref, owner_name=owner.name, changed=True)


def _closed(case: CaseFacts, actor: Actor, change: Change) -> Change:
    """Return ``change`` with the owner filled in; unchanged when the case is closed in that very way already."""
    if case.closed_how == change.closed_how and case.state is change.state:
        return _unchanged(case, change.kind, change.message)
    _refuse_closed(case)
    _refuse_stranger(case, actor)
    owner = Actor(case.owner, case.owner_name) if case.owner else actor
    return replace(change, owner=owner.ref, owner_name=owner.name)


def _noted(case: CaseFacts, actor: Actor, kind: str, message: str) -> Change:
    """Something happens to a case that stays where it is, with whom it is."""
    _refuse_merged(case)
    if case.state is CaseState.CLAIMED:
        _refuse_stranger(case, actor)
    return replace(_unchanged(case, kind, message), changed=True)


def _refuse_merged(case: CaseFacts) -> None:
    if case.closed_how == MERGED:
        raise CaseError(f"Case {case.id} was merged into another; work on that one.")


def _refuse_dismissed(case: CaseFacts) -> None:
    _refuse_merged(case)
    if case.state is CaseState.DISMISSED:
        raise CaseError(f"Case {case.id} was dismissed as not for us.")


def _refuse_closed(case: CaseFacts) -> None:
    if case.state not in LIVE:
        raise CaseError(f"This case is closed already ({case.closed_how.replace('_', ' ') or case.state}).")


def _refuse_owned_by_another(case: CaseFacts) -> None:
    if case.owner:
        raise CaseError(f"{case.owner_name or 'Somebody else'} has claimed this case already.")


def _refuse_stranger(case: CaseFacts, actor: Actor) -> None:
    if case.owner and case.owner != actor.ref and not actor.is_supervisor:
        name = case.owner_name or "Somebody else"
        raise CaseError(f"{name} has claimed this case; ask them or a supervisor.")
