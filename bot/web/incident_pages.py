"""Incidents on the board: the list, one incident, and what a supervisor does about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.errors import CaseError
from bot.web.actions import sent_to
from bot.web.security import Form, answered
from bot.web.site import Site, site_of
from storage.incident_views import IncidentView

INCIDENTS_MAX: Final = 50
CASES_MAX: Final = 100

Press = Callable[[Site, str, str, str], str]
"""(site, incident, words, action id) → a sentence."""


def _answer(site: Site, incident: str, words: str, action_id: str) -> str:
    return site.board.answer_incident(incident, site.who, words, action_id=action_id)


def _resolve(site: Site, incident: str, words: str, action_id: str) -> str:
    return site.board.resolve_incident(incident, site.who, words, action_id=action_id)


def _rename(site: Site, incident: str, words: str, action_id: str) -> str:
    return site.board.rename_incident(incident, site.who, words, action_id=action_id)


def _close(site: Site, incident: str, _words: str, action_id: str) -> str:
    return site.board.close_incident(incident, site.who, action_id=action_id)


ACTIONS: Final[dict[str, Press]] = {"answer": _answer, "resolve": _resolve, "rename": _rename, "close": _close}


def incidents(request: Request) -> Response:
    """``/incidents``: those that go on, then the latest."""
    site = site_of(request)
    return site.page(request, "incidents.html", {"incidents": site.board.incidents(INCIDENTS_MAX)})


def incident(request: Request) -> Response:
    """``/incident/{id}``: one incident with its hours and cases."""
    site = site_of(request)
    view = _incident(site, request.path_params["incident_id"])
    context = {"incident": view, "case_ids": site.board.cases_of_incident(view.id), "cases_max": CASES_MAX}
    return site.page(request, "incident.html", context)


async def act_on_incident(request: Request) -> Response:
    """``POST /incident/{id}/{action}``: a supervisor's form; back to the incident, with a sentence, either way."""
    return await answered(request, _act)


def _act(request: Request, form: Form) -> Response:
    site, incident_id, name = site_of(request), request.path_params["incident_id"], request.path_params["action"]
    session = site.guard.check(request, form)
    if name not in ACTIONS:
        raise HTTPException(404, "The board has no such button.")
    view = _incident(site, incident_id)
    action_id = site.guard.action_id(session, name, view.id, form.one("nonce"))
    try:
        message = ACTIONS[name](site, view.id, form.one("words"), action_id)
    except CaseError as refusal:
        message = str(refusal)
    finally:
        site.live.forget()
    return sent_to(f"/incident/{view.id}", request, message)


def _incident(site: Site, incident_id: str) -> IncidentView:
    view = site.board.incident(incident_id)
    if view is None:
        raise HTTPException(404, "There is no such incident. It may have come from another database.")
    return view
