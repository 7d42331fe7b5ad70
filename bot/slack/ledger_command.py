"""The slash command ``/ledger``: today, a case, why a department bears what it bears, or a form to say who should.

Only who asked sees the answer. It is given with the acknowledgement, which needs no scope, no further call, and works
everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from slack_bolt import Ack, App

from bot.slack.readings import Readings
from bot.slack.summary import mrkdwn
from bot.slack.text import inert

COMMAND: Final = "/ledger"
USAGE: Final = (
    "`/ledger today` what there is so far · `/ledger case 4711` every journal of a case in plain words ·"
    " `/ledger why logistics` what a department bears this month, and why ·"
    " `/ledger override 4711` say yourself which kind a case is or who caused it"
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

Override = Callable[[int, Mapping[str, Any]], str]
"""Opens a form on a case for whoever typed the command with this body; returns what to tell him, "" when it is open."""

log = structlog.get_logger(__name__)


def register(app: App, readings: Readings, *, override: Override) -> None:
    """Answer the command."""

    @app.command(COMMAND)
    def asked(ack: Ack, body: dict[str, Any]) -> None:
        try:
            text = _answer(readings, override, body)
        except Exception:  # the boundary of a Slack listener
            log.exception("ledger_command_failed")
            text = FAILED
        if text:
            ack(text=text, response_type="ephemeral")
        else:
            ack()


def _answer(readings: Readings, override: Override, body: Mapping[str, Any]) -> str:
    """Return what to tell a person, as mrkdwn; "" where a form says all."""
    word, _, rest = str(body.get("text") or "").strip().partition(" ")
    rest, sees_money = rest.strip(), readings.sees_money(str(body["user_id"]))
    if word.lower() == "override":
        found = _CASE.fullmatch(rest)
        return override(int(found[1]), body) if found else _no_number(rest)
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
        return _no_number(asked)
    lines = readings.told_case(int(found[1]))
    return _shown(lines, f"earmark ledger explain {found[1]}") if lines else f"There is no case {found[1]}."


def _no_number(asked: str) -> str:
    return f"'{inert(asked[:40])}' is no number of a case; it stands on the board as #4711. {USAGE}"


def _shown(lines: Sequence[str], command: str) -> str:
    """Whole lines as far as they fit, and where to read the rest."""
    shown: list[str] = []
    for number, one in enumerate(lines):
        text = mrkdwn([one])
        if sum(map(len, shown)) + len(text) > TEXT_MAX:
            return "\n".join([*shown, f"… and {len(lines) - number} more lines: `{command}`"])
        shown.append(text)
    return "\n".join(shown)
