"""What values of the configuration are made of: names, texts, times of day, and sections that know their keys."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z")
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}\Z")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")


def _is_name(value: str) -> str:
    if not _NAME.match(value):
        message = f"'{value}' is no name: use lower-case letters, digits, '.', '-' and '_'"
        raise ValueError(message)
    return value


def is_timezone(value: str) -> str:
    """Return the name of a time zone, or "" for none; refuse another word."""
    try:
        ZoneInfo(value or "UTC")
    except (KeyError, ValueError, OSError) as error:
        message = f"'{value}' is no time zone: use a name such as 'Europe/London' or 'UTC'"
        raise ValueError(message) from error
    return value


def _is_variable(value: str) -> str:
    if value and not VARIABLE.match(value):
        # The value is not repeated: somebody may have pasted the secret itself. Lower-case letters are refused
        # because nearly every token has some, and hardly any variable.
        message = "this must be the name of an environment variable, in capitals, not the secret itself"
        raise ValueError(message)
    return value


def _is_clock_time(value: str) -> str:
    if not _CLOCK_TIME.match(value):
        message = f"'{value}' is no time of day: write 00:00 to 23:59"
        raise ValueError(message)
    return value


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_is_name)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Timezone = Annotated[str, AfterValidator(is_timezone)]
ClockTime = Annotated[str, AfterValidator(_is_clock_time)]
"""A time of day such as ``00:10``, on the clock of the reporting time zone."""
Variable = Annotated[str, AfterValidator(_is_variable)]

_T = TypeVar("_T")
Several = Annotated[tuple[_T, ...], BeforeValidator(_one_or_several)]
"""A list; a single text stands for a list of one."""


class Section(BaseModel):
    """What all sections share: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
