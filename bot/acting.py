"""How an action on a case is done: one transaction, under its own id, told to the history and to Slack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlmodel import Session

from bot import dispatch
from bot.cases import Change
from bot.domain import Actor, CaseFacts, Outcome
from bot.errors import CaseError
from bot.readings import Readings
from storage import casework, ledger, models
from storage.casework import CaseChange
from storage.db import after_commit, transaction

log = structlog.get_logger(__name__)

EARMARK = Actor("earmark", "Earmark", is_supervisor=True)
"""Who closes a case that nobody took."""

_TOLD = ("tag", "reason", "department", "queue")
"""What the history tells of an action beside its kind."""

DONE_ALREADY = "That was done already."


@dataclass(frozen=True, slots=True)
class Written:
    """What an action wrote beside moving the case: further columns of it, and what history and Slack tell of it.

    ``typed`` is what somebody wrote: it stands in the history alone, where an erasure finds it.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    is_quiet: bool = False
    """The card is redrawn, and its thread says nothing: done to hundreds of cases at once it would flood a channel."""


Rule = Callable[[CaseFacts], Change]
Effect = Callable[[Session, models.Case, Change], Written]
"""What an action does beside moving the case."""


def nothing_else(_session: Session, _row: models.Case, _change: Change) -> Written:
    """The effect of an action that only moves the case."""
    return Written()


class Acting(Readings):
    """What every action on a case goes through."""

    def _act(
        self,
        case_id: int,
        actor: Actor,
        action_id: str,
        rule: Rule,
        effect: Effect = nothing_else,
        prepare: Callable[[Session], None] = lambda _session: None,
    ) -> Outcome:
        """Do an action: ``prepare`` runs first, ``rule`` decides, ``effect`` writes; all of it or nothing."""
        with transaction(self._parts.database) as session:
            if actor.is_supervisor and actor != EARMARK:
                ledger.trust(session)
            prepare(session)
            return self._act_within(session, case_id, actor, action_id, rule, effect)

    def _act_within(
        self, session: Session, case_id: int, actor: Actor, action_id: str, rule: Rule, effect: Effect
    ) -> Outcome:
        row = casework.row_for_update(session, case_id)
        if row is None:
            raise CaseError(f"There is no case {case_id}.")
        if casework.action_is_done(session, action_id):
            return Outcome(case_id, changed=False, message=DONE_ALREADY)
        change = rule(casework.facts_of(row))
        if not change.changed:
            return Outcome(case_id, changed=False, message=change.message)
        written = effect(session, row, change)
        values = {**_columns(change), **written.columns}
        told = {name: values[name] for name in _TOLD if name in values and values[name] != getattr(row, name)}
        self._record(session, row, actor, action_id, change, {**told, **written.told, **written.typed})
        casework.change(session, [CaseChange(case_id, row.version, values)])
        note = None if written.is_quiet else {"event": change.kind, "actor": actor.name, **written.told}
        dispatch.show(self._parts, session, row, values, note, is_urgent=actor != EARMARK)
        after_commit(session, lambda: log.info("acted", trace=case_id, kind=change.kind))
        return Outcome(case_id, changed=True, message=change.message)

    def _record(
        self, session: Session, row: models.Case, actor: Actor, action_id: str, change: Change, told: Mapping[str, Any]
    ) -> None:
        event = casework.event_row(
            row.id, change.kind, action_id=action_id, now=self._parts.now(), from_version=row.version, detail=told
        )
        casework.record_events(session, [event | {"actor": actor.ref, "actor_name": actor.name}])


def _columns(change: Change) -> dict[str, Any]:
    return {
        "state": change.state.value,
        "owner": change.owner,
        "owner_name": change.owner_name,
        "closed_at": change.closed_at,
        "closed_how": change.closed_how,
    }
