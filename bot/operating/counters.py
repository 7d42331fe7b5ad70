"""What this process has done since it started, for ``/metrics``. The database knows the rest.

Labels are names from the configuration and from the program, so their number is bounded; nothing of a person is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

COUNTERS: Final = CollectorRegistry()

POLLS: Final = Counter(
    "earmark_polls", "Polls by channel and result: good, failed, cursor_lost.", ("channel", "result"), registry=COUNTERS
)
TAGGED: Final = Counter("earmark_mentions_tagged", "Mentions tagged by this process.", registry=COUNTERS)
SLACK_ANSWERS: Final = Counter(
    "earmark_slack_answers",
    "Answers of Slack to the outbox: ok, limited (HTTP 429 and the like), gone, refused, unknown.",
    ("slack_channel", "answer"),
    registry=COUNTERS,
)
FAILURES: Final = Counter(
    "earmark_step_failures",
    "Steps that failed and are tried again, by kind of error.",
    ("step", "kind"),
    registry=COUNTERS,
)
STEP_SECONDS: Final = Histogram(
    "earmark_step_seconds",
    "How long a turn of a step took.",
    ("step",),
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    registry=COUNTERS,
)


def counted(step: str, run: Callable[[str], datetime | None]) -> Callable[[str], datetime | None]:
    """Return a step that counts its failures and its time."""

    def counting(key: str) -> datetime | None:
        with STEP_SECONDS.labels(step).time(), _failures(step):
            return run(key)

    return counting


@contextmanager
def _failures(step: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        code = getattr(error, "code", "")
        FAILURES.labels(step, f"{type(error).__name__}:{code}" if code else type(error).__name__).inc()
        raise
