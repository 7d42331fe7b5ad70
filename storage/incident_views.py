"""An incident as people see it: in Slack, on the board, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from storage import incidents, replies
from storage.incidents import Tally
from storage.models_incidents import Incident


@dataclass(frozen=True, slots=True)
class HourView:
    """What was counted in an hour, or on a day, and what was usual."""

    at: datetime
    mentions: int
    usual: float
    level: str

    @property
    def ratio(self) -> float:
        """How many times the usual."""
        return self.mentions / max(self.usual, 1.0)


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident with the figures it stands at. Nothing in it is escaped; whoever shows it must."""

    id: str
    name: str
    reason: str
    state: str
    rule: str
    began_at: datetime
    closed_at: datetime | None
    closed_by: str
    answer: str
    slack_ts: str
    tally: Tally
    hours: tuple[HourView, ...]
    replies: Mapping[str, int]
    """How many answers are in which state."""
    to_answer: int
    """How many customers wait to whom no answer is under way: an answer goes to these."""
    version: int

    @property
    def is_open(self) -> bool:
        """True while it goes on."""
        return self.state == "open"

    @property
    def peak_ratio(self) -> float:
        """The highest multiple of the usual."""
        return max((hour.ratio for hour in self.hours), default=0.0)

    def figures(self) -> dict[str, Any]:
        """What moves; while it is the same, nobody need be shown it again."""
        counted = [self.tally.cases, self.tally.unclaimed, self.tally.claimed, self.tally.mentions]
        return {
            "name": self.name,
            "state": self.state,
            "counted": counted,
            "peak": round(self.peak_ratio, 1),
            "replies": dict(self.replies),
        }

    def data(self) -> dict[str, Any]:
        """The incident as JSON has it."""
        return {
            "id": self.id,
            "name": self.name,
            "reason": self.reason,
            "state": self.state,
            "rule": self.rule,
            "began_at": self.began_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "closed_by": self.closed_by,
            "cases": self.tally.cases,
            "unclaimed": self.tally.unclaimed,
            "claimed": self.tally.claimed,
            "closed": self.tally.closed,
            "mentions": self.tally.mentions,
            "peak_ratio": round(self.peak_ratio, 2),
            "to_answer": self.to_answer,
            "answer": self.answer,
            "replies": dict(self.replies),
        }


def view(session: Session, incident_id: str) -> IncidentView | None:
    """Return one incident; None when there is none of that id."""
    row = incidents.of_id(session, incident_id)
    return views(session, [row])[0] if row else None


def views(session: Session, rows: Sequence[Incident]) -> list[IncidentView]:
    """Return incidents in the order given."""
    hours = incidents.hours_of(session, [row.id for row in rows])
    return [
        IncidentView(
            id=row.id,
            name=row.name,
            reason=row.reason,
            state=row.state,
            rule=row.rule,
            began_at=row.began_at,
            closed_at=row.closed_at,
            closed_by=row.closed_by,
            answer=row.answer,
            slack_ts=row.slack_ts,
            tally=incidents.tally(session, row.id),
            hours=tuple(HourView(one.at, one.mentions, one.baseline, one.level) for one in hours.get(row.id, ())),
            replies=replies.counts(session, row.id),
            to_answer=replies.unanswered_count(session, row.id),
            version=row.version,
        )
        for row in rows
    ]
