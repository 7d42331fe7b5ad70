"""The way of a request that was passed on: who may answer what, when (specification 2.11). Pure."""

from __future__ import annotations

from typing import Final

from bot.domain import RequestState
from bot.errors import CaseError

ENDED: Final = (RequestState.SHIPPED, RequestState.DECLINED)
"""A request that ended takes no one more; who asks later opens a new one."""

WORDS: Final = {
    RequestState.NEW: "not passed on yet",
    RequestState.PASSED: "passed on",
    RequestState.ACKNOWLEDGED: "acknowledged",
    RequestState.PLANNED: "planned",
    RequestState.SHIPPED: "shipped",
    RequestState.DECLINED: "declined",
}

_ORDER: Final = tuple(RequestState)
TITLE_MAX: Final = 150
WHY_MAX: Final = 500


def steps_from(state: RequestState) -> tuple[RequestState, ...]:
    """Return what a request can become next: first it is passed on, then a team may leave steps out."""
    if state in ENDED:
        return ()
    if state is RequestState.NEW:
        return (RequestState.PASSED,)
    return tuple(later for later in _ORDER if _ORDER.index(later) > _ORDER.index(state))


def refuse_step(number: int, state: RequestState, to: RequestState) -> None:
    """Do nothing where a request in ``state`` may become ``to``.

    Raises:
        CaseError: it may not; a sentence for whoever answered.
    """
    if to in steps_from(state):
        return
    if state in ENDED:
        raise CaseError(f"Request {number} is {WORDS[state]} already; open a new one instead.")
    if state is RequestState.NEW:
        raise CaseError(f"Request {number} was not passed on to its team yet; do that first.")
    raise CaseError(f"Request {number} is {WORDS[state]}, which comes after {WORDS[to]}.")


def title_of(words: str) -> str:
    """Return a title on one line and not too long.

    Raises:
        CaseError: there are no words in it.
    """
    title = " ".join("".join(one if one.isprintable() else " " for one in words).split())[:TITLE_MAX].rstrip()
    if not title:
        raise CaseError("Say in a few words what they ask for.")
    return title


def key_of(title: str) -> str:
    """Return what two titles share that are the same but for case."""
    return title.casefold()
