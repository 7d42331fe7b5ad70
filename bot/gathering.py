"""What supervisors do to incidents: name them, put cases in and take them out, and say that they are over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlmodel import Session

from bot import cases
from bot import incidents as clockwork
from bot.acting import DONE_ALREADY, Acting, Written
from bot.cases import Change
from bot.domain import Actor, CaseFacts, Outcome
from bot.errors import CaseError
from storage import incidents, models
from storage.db import transaction
from storage.models_incidents import Incident

NAME_MAX: Final = 80

Deed = Callable[[Session, Incident], tuple[str, Mapping[str, Any]]]
"""What is done to an incident: returns a sentence for the one who did it, and what its history tells."""


class Gathering(Acting):
    """The desk's incidents. Everything here is for supervisors, and done once for each ``action_id``."""

    def rename_incident(self, incident_id: str, actor: Actor, name: str, *, action_id: str) -> str:
        """Give an incident the name that people use; return a sentence."""
        clean = " ".join(name.split())[:NAME_MAX]
        if not clean:
            raise CaseError("An incident needs a name, such as Card reader fault.")

        def deed(session: Session, incident: Incident) -> tuple[str, Mapping[str, Any]]:
            incidents.change(session, incident.id, name=clean, version=incident.version + 1)
            return f"The incident is called {clean} now.", {"name": clean, "was": incident.name}

        return self._on_incident(incident_id, actor, action_id, "renamed", deed)

    def close_incident(self, incident_id: str, actor: Actor, *, action_id: str) -> str:
        """Say that an incident is over; the clock opens none for that reason until things were ordinary again."""

        def deed(session: Session, incident: Incident) -> tuple[str, Mapping[str, Any]]:
            if incident.state == "closed":
                raise CaseError("This incident is closed already.")
            clockwork.close(session, incident, by=actor.ref, now=self._parts.now())
            return "The incident is closed; its cases stay as they are.", {}

        return self._on_incident(incident_id, actor, action_id, "closed", deed)

    def add_to_incident(self, case_id: int, actor: Actor, incident_id: str, *, action_id: str) -> Outcome:
        """Say that a case is part of an incident, whatever its reason; the clock leaves it there."""

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            incident = known(session, incident_id)
            if row.incident_id == incident.id:
                raise CaseError(f"Case {row.id} is part of {incident.name} already.")
            return Written({"incident_id": incident.id, "incident_by_hand": True}, {"incident": incident.id})

        return self._sort_out(case_id, actor, action_id, "into_incident", "This case is part of the incident.", effect)

    def remove_from_incident(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Say that a case is no part of an incident, whatever its reason; the clock leaves it out."""

        def effect(_session: Session, row: models.Case, _change: Change) -> Written:
            if row.incident_id is None:
                raise CaseError(f"Case {row.id} is part of no incident.")
            return Written({"incident_id": None, "incident_by_hand": True}, {"incident": row.incident_id})

        return self._sort_out(case_id, actor, action_id, "out_of_incident", "It is no part of the incident.", effect)

    def _sort_out(
        self,
        case_id: int,
        actor: Actor,
        action_id: str,
        kind: str,
        message: str,
        effect: Callable[[Session, models.Case, Change], Written],
    ) -> Outcome:
        def rule(facts: CaseFacts) -> Change:
            return cases.sort_out(facts, actor, kind, message)

        return self._act(case_id, actor, action_id, rule, effect)

    def _on_incident(self, incident_id: str, actor: Actor, action_id: str, kind: str, deed: Deed) -> str:
        """Do something to an incident: one transaction, under its own id, told to its history."""
        refuse_agents(actor)
        with transaction(self._parts.database) as session:
            incident = known(session, incident_id)
            if any(event.action_id == action_id for event in incidents.events_of(session, incident.id)):
                return DONE_ALREADY
            message, told = deed(session, incident)
            event = {"action_id": action_id, "incident_id": incident.id, "kind": kind, "detail": dict(told)}
            who = {"actor": actor.ref, "actor_name": actor.name, "at": self._parts.now()}
            incidents.record_event(session, event | who)
        return message


def known(session: Session, incident_id: str) -> Incident:
    """Return an incident, locked until the transaction ends.

    Raises:
        CaseError: there is none of that id.
    """
    found = incidents.row_for_update(session, incident_id)
    if found is None:
        raise CaseError(f"There is no incident '{incident_id}'; see earmark incident list.")
    return found


def refuse_agents(actor: Actor) -> None:
    """Do nothing for a supervisor.

    Raises:
        CaseError: it is somebody else.
    """
    if not actor.is_supervisor:
        raise CaseError("Only a supervisor works on incidents; ask one.")
