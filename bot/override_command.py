"""``earmark ledger override``: a supervisor says from the terminal where a case stands."""

from __future__ import annotations

from collections.abc import Sequence

from bot import app
from bot.app import App
from bot.config import Settings
from bot.domain import Actor, Quadrant
from bot.errors import CaseError, InputError
from bot.ledger.money import WHOLE, Shares
from bot.rights import named


def override(
    settings: Settings, case_id: int, *, quadrant: str | None, owners: Sequence[str], why: str, by: str
) -> str:
    """Put a case where it belongs; return a sentence.

    Raises:
        InputError: what was given cannot be read, or the case does not allow it.
    """
    if quadrant is None and not owners:
        raise InputError("say --quadrant, --owner or both; --lift lets the rules decide again")
    chosen, shares = Quadrant(quadrant) if quadrant else None, _shares(owners)
    who = _supervisor(by)
    running = app.build(settings, role=app.Role.WORK)
    try:
        done = running.desk.override(
            case_id, who, action_id=_action_id(running, case_id), why=why, quadrant=chosen, owners=shares
        )
    except CaseError as error:
        raise InputError(str(error)) from error
    finally:
        running.parts.database.dispose()
    return done.message


def lift(settings: Settings, case_id: int, *, why: str, by: str) -> str:
    """Let the rules decide again where a case stands; return a sentence.

    Raises:
        InputError: nobody has put it anywhere, or the case does not allow it.
    """
    who = _supervisor(by)
    running = app.build(settings, role=app.Role.WORK)
    try:
        return running.desk.lift_override(case_id, who, action_id=_action_id(running, case_id), why=why).message
    except CaseError as error:
        raise InputError(str(error)) from error
    finally:
        running.parts.database.dispose()


def _shares(owners: Sequence[str]) -> Shares:
    """``billing=6000`` and ``logistics=4000``, or one department alone, which bears all."""
    if len(owners) == 1 and "=" not in owners[0]:
        return ((owners[0].strip(), WHOLE),)
    return tuple(_share(one) for one in owners)


def _share(text: str) -> tuple[str, int]:
    dept, _, points = (part.strip() for part in text.partition("="))
    if not (dept and points.isascii() and points.isdigit()):
        raise InputError(f"--owner {text}: write a department and its basis points, such as billing=6000")
    return dept, int(points[:6])


def _supervisor(by: str) -> Actor:
    name = named(by)
    return Actor(f"operator:{name}", name, is_supervisor=True)


def _action_id(running: App, case_id: int) -> str:
    """The same until the case has changed, so that a command given twice at once is done once."""
    view = running.desk.view(case_id)
    return f"command:override:{case_id}:v{view.version if view else 0}"
