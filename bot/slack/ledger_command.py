"""The slash command ``/ledger``: today, a case, or why a department bears what it bears.

Only who asked sees the answer. It is given with the acknowledgement, which needs no scope, no further call, and works
everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import structlog
from slack_bolt import Ack, App

from bot.slack.readings import Readings
from bot.slack.summary import mrkdwn
from bot.slack.text import inert

COMMAND: Final = "/ledger"
USAGE: Final = (
    "`/ledger today` what there is so far · `/ledger case 4711` every journal of a case in plain words ·"
    " `/ledger why logistics` what a department bears this month, and why"
)
NO_MONEY: Final = (
    "What contacts cost is for supervisors and finance. Try `/ledger today`, or ask the supervisor of your queue."
)
FAILED: Final = (
    "Earmark could not read the ledger just now. Please ask again; if it still fails, tell whoever runs Earmark."
)
TEXT_MAX: Final = 3_500
"""Slack advises 4,000 characters at most."""

_ID_DIGITS_MAX: Final = 18
_CASE: Final = re.compile(rf"#?(\d{{1,{_ID_DIGITS_MAX}}})")

log = structlog.get_logger(__name__)


def register(app: App, readings: Readings) -> None:
    """Answer the command."""

    @app.command(COMMAND)
    def asked(ack: Ack, body: dict[str, Any]) -> None:
        try:
            text = answer(readings, str(body.get("text") or ""), str(body["user_id"]))
        except Exception:  # the boundary of a Slack listener
            log.exception("ledger_command_failed")
            text = FAILED
        ack(text=text, response_type="ephemeral")


def answer(readings: Readings, text: str, user_id: str) -> str:
    """Return what to tell a person who typed ``text`` behind the command, as mrkdwn."""
    word, _, rest = text.strip().partition(" ")
    rest, sees_money = rest.strip(), readings.sees_money(user_id)
    if word.lower() in {"", "today"} and not rest:
        return _shown(readings.told_today(with_money=sees_money), "earmark summary")
    if word.lower() not in {"case", "why"} or not rest:
        return USAGE
    if not sees_money:
        return NO_MONEY
    return (
        _case(readings, rest) if word.lower() == "case" else _shown(readings.told_why(rest), "earmark ledger recharge")
    )


def _case(readings: Readings, asked: str) -> str:
    found = _CASE.fullmatch(asked)
    if not found:
        return f"'{inert(asked[:40])}' is no number of a case; it stands on the board as #4711. {USAGE}"
    lines = readings.told_case(int(found[1]))
    return _shown(lines, f"earmark ledger explain {found[1]}") if lines else f"There is no case {found[1]}."


def _shown(lines: Sequence[str], command: str) -> str:
    """Whole lines as far as they fit, and where to read the rest."""
    shown: list[str] = []
    for number, one in enumerate(lines):
        text = mrkdwn([one])
        if sum(map(len, shown)) + len(text) > TEXT_MAX:
            return "\n".join([*shown, f"… and {len(lines) - number} more lines: `{command}`"])
        shown.append(text)
    return "\n".join(shown)
