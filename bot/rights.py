"""Who may decide about money (specification 4): names from the configuration. Without any, whoever can type may.

On the command line a name is what stands after ``--by``; in Slack it is the user's id.
"""

from __future__ import annotations

from bot.config import LedgerSettings
from bot.errors import InputError
from bot.reports.figures import one_line

NAME_MAX = 80


def named(by: str) -> str:
    """Return who acts, on one line.

    Raises:
        InputError: nobody is named.
    """
    name = one_line(by)
    if not name or len(name) > NAME_MAX:
        raise InputError(f"--by: say who decides, in at most {NAME_MAX} characters, such as --by 'Finance'")
    return name


def finance(settings: LedgerSettings, by: str) -> str:
    """Return who acts for finance.

    Raises:
        InputError: it is somebody else.
    """
    name = named(by)
    if settings.finance and name not in settings.finance:
        raise InputError(f"--by {name}: this is for finance: {', '.join(settings.finance)} (ledger.finance)")
    return name


def head(settings: LedgerSettings, dept: str, by: str) -> str:
    """Return who answers for a department.

    Raises:
        InputError: it is somebody else.
    """
    name, heads = named(by), settings.recharge.heads.get(dept, ())
    if heads and name not in heads:
        raise InputError(
            f"--by {name}: this is for the head of {dept}: {', '.join(heads)} (ledger.recharge.heads); finance may"
            " settle a dispute"
        )
    return name
