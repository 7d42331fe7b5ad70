"""Who pressed, and where things are in this workspace: asked of Slack once, then remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient

from bot.domain import Actor
from bot.slack.calls import call
from bot.slack.readings import Readings
from bot.slack.text import line

_NAME_MAX = 80


class People:
    """Actors by Slack's user ids."""

    def __init__(self, client: WebClient, readings: Readings) -> None:
        self._client = client
        self._readings = readings
        self._names: dict[str, str] = {}
        self._address = ""

    def actor(self, user: Mapping[str, Any]) -> Actor:
        """Return who a payload's ``user`` is; his name as the workspace shows it."""
        user_id = str(user["id"])
        is_supervisor = bool(self._readings.queues_supervised_by(user_id))
        return Actor(f"slack:{user_id}", self._name(user_id, str(user.get("name") or user_id)), is_supervisor)

    def _name(self, user_id: str, otherwise: str) -> str:
        if user_id not in self._names:
            answer = call(self._client, "users.info", {"user": user_id})
            if not isinstance(answer, dict):
                return line(otherwise, _NAME_MAX)
            known = answer["user"]
            profile = known.get("profile") or {}
            name = profile.get("real_name") or known.get("real_name") or profile.get("display_name") or otherwise
            self._names[user_id] = line(str(name), _NAME_MAX)
        return self._names[user_id]

    def link(self, channel: str, ts: str) -> str:
        """Return the address of a message; "" while there is none, or Slack does not say where the workspace is."""
        if not (channel and ts):
            return ""
        if not self._address:
            answer = call(self._client, "auth.test", {})
            self._address = str(answer.get("url") or "") if isinstance(answer, dict) else ""
        return f"{self._address}archives/{channel}/p{ts.replace('.', '')}" if self._address else ""
