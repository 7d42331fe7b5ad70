"""The time of the database server: what all nodes of a cluster agree on, however their own clocks differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

from sqlalchemy import Engine, text

from storage.db import errors_named

ROUND_TRIP_S_MAX = 1.0
"""An answer that took longer says too little about what time it is."""


class _Sample(NamedTuple):
    at: datetime
    ticks: float


class DatabaseClock:
    """A clock set by the server's and carried on by this machine's steady ticks, which nobody puts forward or back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sample: _Sample | None = None

    def __call__(self) -> datetime:
        """Return the present time, aware UTC.

        Raises:
            StorageError: it was never set, and the database is unreachable.
        """
        sample = self._sample or self.set()
        return sample.at + timedelta(seconds=monotonic() - sample.ticks)

    def set(self) -> _Sample:
        """Ask the server for the time; what it said lay half-way between question and answer.

        Raises:
            StorageError: the database is unreachable.
        """
        with errors_named(self._engine), self._engine.connect() as connection:
            asked = monotonic()
            at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            answered = monotonic()
        found = _Sample(at.astimezone(UTC), (asked + answered) / 2)
        if self._sample is None or answered - asked <= ROUND_TRIP_S_MAX:
            self._sample = found
        return self._sample
