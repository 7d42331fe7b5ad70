"""Any report as plain JSON data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Final

from bot.reports.footer import Footer

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
"""What ``json.dumps`` takes."""

_DECIMALS: Final = 6


def as_data(report: object, footer: Footer | None = None) -> Plain:
    """Return a report as plain data; a footer joins it under the key ``footer``.

    Dataclasses and mappings become objects, sequences lists, dates ISO text. Floats, which are statistics and never
    money, keep six decimals, so that two machines print the same; one that is not finite becomes null.
    """
    data = _plain(report)
    if footer is None:
        return data
    body = data if isinstance(data, dict) else {"rows": data}
    return {**body, "footer": _trust(footer)}


def _trust(footer: Footer) -> dict[str, Plain]:
    shares = {"measured_share": footer.measured_share, "absorption": footer.absorption, "text": footer.text}
    return {**{field.name: _plain(getattr(footer, field.name)) for field in fields(footer)}, **shares}


def _plain(value: object) -> Plain:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return round(value, _DECIMALS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return _plain_collection(value)


def _plain_collection(value: object) -> Plain:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    message = f"a report holds a {type(value).__name__}, which has no plain form"
    raise TypeError(message)
