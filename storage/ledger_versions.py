"""The versions of the cost model that journals were posted under."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from storage.ledger_rows import CONFIG


@dataclass(frozen=True, slots=True)
class Version:
    """One version; ``placeholders`` are keys that nobody had approved."""

    version: str
    sha256: str
    approved_by: str
    recorded_at: datetime
    placeholders: list[str]

    def told(self) -> dict[str, object]:
        """The version as JSON takes it."""
        return {**asdict(self), "recorded_at": self.recorded_at.isoformat()}


def versions(session: Session) -> list[Version]:
    """Return the versions, oldest first."""
    names = [CONFIG.c[name] for name in Version.__dataclass_fields__]
    query = select(*names).order_by(CONFIG.c.recorded_at, CONFIG.c.version)
    return [Version(*row) for row in session.connection().execute(query)]
