"""A desk with four queues, what lies on it, and a correction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.app import App
from bot.domain import Actor, Tag
from tests.installation import Installation

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
BOTH = "complaint+request/billing_error: charged twice, please mend it"
COUNTED = {("Waste", "logistics", "CNT", "N"): 1, ("Waste", "logistics", "TAG", "N"): 1}
WORK_EXPECTED = {("Waste", "logistics", "GBP", "E"): 250, ("Waste", "logistics", "SEC", "E"): 300}


def configured(folder: Path, url: str) -> Installation:
    """Four queues: two have a Slack channel of their own, one shares the first's, one has none."""
    settings: dict[str, Any] = {
        "queues": [
            {"name": "care", "slack_channel": "C0CARE"},
            {"name": "help", "slack_channel": "C0HELP"},
            {"name": "sales", "slack_channel": "C0CARE"},
            {"name": "quiet"},
        ],
        "routes": [
            {"queue": "help", "reason": "how_to", "priority": "low"},
            {"queue": "sales", "reason": "buy_interest"},
            {"queue": "quiet", "reason": "leave_cancel"},
            {"queue": "care"},
        ],
        "slack": {},
    }
    return Installation(folder, url, settings=settings)


def retag(running: App, case_id: int, tag: Tag, reason: str, *, by: Actor = EVE, action_id: str = "retag") -> None:
    running.desk.retag(case_id, by, action_id=action_id, tags=[tag], primary=tag, reason=reason)
