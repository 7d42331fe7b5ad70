"""What each kind of import is made of, as data. ``source`` and ``external_id`` name a row for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.imports import values
from bot.imports.values import Parse

SOURCE: Final = "source"
EXTERNAL_ID: Final = "external_id"


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a line. One that is not required may be missing or empty; it is then read from ``default``."""

    name: str
    parse: Parse
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of import.

    ``key`` is the pattern of an external id for lines without one; empty, each line must have its own.
    With ``may_change`` a later line with the same ids takes the place of the earlier one; a fact never changes.
    """

    name: str
    columns: tuple[Column, ...]
    key: str = ""
    may_change: bool = False

    def read(self, line: Mapping[str, str], *, source: str) -> dict[str, Any]:
        """Return the values of a line.

        Raises:
            ValueError: a field is missing or wrong; says which.
        """
        found: dict[str, Any] = {SOURCE: _parsed(_SOURCE, line.get(SOURCE) or source)}
        for column in self.columns:
            found[column.name] = _parsed(column, line.get(column.name) or "")
        given = line.get(EXTERNAL_ID) or (self.key.format(**found) if self.key else "")
        return found | {EXTERNAL_ID: _parsed(_EXTERNAL_ID, given)}

    @property
    def required(self) -> list[str]:
        """The fields that every line must have."""
        own = [] if self.key else [EXTERNAL_ID]
        return own + [column.name for column in self.columns if column.required]


_SOURCE: Final = Column(SOURCE, values.words)
_EXTERNAL_ID: Final = Column(EXTERNAL_ID, values.words)


def _parsed(column: Column, text: str) -> Any:
    given = text.strip() or column.default
    if not given and column.required:
        raise ValueError(f"{column.name} is missing")
    try:
        return column.parse(given)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{column.name} {error}") from error


def _optional(name: str, parse: Parse = values.words, default: str = "") -> Column:
    return Column(name, parse, required=False, default=default)


EVENTS: Final = (
    "order", "renewal", "upgrade", "referral", "review", "praise_public", "complaint_public", "cancellation",
    "port_out", "refund_full",
)  # fmt: skip
"""What a customer may do, in the words of the loyalty report."""

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "customers",
            (
                Column("ref", values.words),
                _optional("segment"),
                _optional("active_from", values.day_or_none),
                _optional("active_to", values.day_or_none),
                _optional("platform"),
                _optional("author"),
            ),
            key="{ref}:{platform}:{author}",
            may_change=True,
        ),
        Kind(
            "loyalty_events",
            (
                Column("customer_ref", values.words),
                Column("type", values.one_of(*EVENTS)),
                Column("occurred_at", values.moment),
                _optional("amount_minor", values.natural, "0"),
                _optional("currency", values.currency),
                _optional("product"),
            ),
        ),
        Kind(
            "drivers",
            (Column("date", values.day), Column("name", values.words), Column("quantity", values.natural)),
            key="{name}:{date}",
            may_change=True,
        ),
        Kind(
            "payroll",
            (
                Column("period", values.month),
                _optional("team", default="service"),
                Column("amount_minor", values.positive),
                _optional("currency", values.currency),
            ),
            key="{period}:{team}",
        ),
        Kind(
            "goodwill",
            (
                _optional("case_id", values.natural, "0"),
                _optional("platform"),
                _optional("mention"),
                Column("paid_on", values.day),
                Column("amount_minor", values.positive),
                _optional("currency", values.currency),
            ),
        ),
        Kind(
            "bot_answers",
            (
                _optional("case_id", values.natural, "0"),
                _optional("platform"),
                _optional("mention"),
                Column("answered_at", values.moment),
                _optional("bot"),
            ),
        ),
        Kind(
            "surveys",
            (
                Column("kind", values.one_of("nps", "ces")),
                Column("score", values.between(0, 10)),
                Column("answered_at", values.moment),
                _optional("customer_ref"),
            ),
        ),
        Kind(
            "experiments",
            (
                _optional("title"),
                _optional("salt"),
                _optional("treatment_bp", values.between(1, 9999), "5000"),
                _optional("treatment_n", values.natural, "0"),
                _optional("control_n", values.natural, "0"),
                Column("window_days", values.between(1, 3660)),
                _optional("margin_12m_minor", values.natural, "0"),
            ),
        ),
        Kind(
            "experiment_assignments",
            (
                Column("experiment", values.words),
                Column("customer_ref", values.words),
                Column("arm", values.one_of("treatment", "control")),
                Column("assigned_at", values.moment),
            ),
            key="{experiment}:{customer_ref}",
        ),
        Kind(
            "initiatives",
            (
                Column("title", values.words),
                _optional("owner"),
                _optional("one_off_minor", values.natural, "0"),
                _optional("run_minor_per_year", values.natural, "0"),
                Column("effects", values.effects),
                _optional("evidence"),
                _optional("ruling", values.one_of("", "pin", "drop")),
                _optional("ruled_by"),
                _optional("ruled_why"),
            ),
            may_change=True,
        ),
        Kind(
            "mentions",
            (
                Column("text", values.long_text),
                _optional("platform", default="import"),
                _optional("channel", default="import"),
                _optional("author"),
                _optional("author_name"),
                _optional("followers", values.between(0, 2**31 - 1), "0"),
                _optional("created_at", values.moment_or_none),
                _optional("url", values.long_text),
                _optional("thread"),
                _optional("in_reply_to"),
                _optional("language"),
                _optional("private", values.flag),
            ),
        ),
    )
}
"""Every kind, by its name on the command line."""
