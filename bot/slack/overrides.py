"""The form behind ``/ledger override``: a supervisor says for one case which kind it is and who caused it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_sdk.models.blocks import Option, PlainTextInputElement, StaticSelectElement

from bot.domain import Quadrant
from bot.ledger.money import WHOLE, Shares
from bot.overriding import WHY_MAX
from bot.slack import blocks
from bot.slack.modals import OPTIONS_MAX, field, modal, plain_text, quoted
from bot.slack.text import line
from bot.views import CaseView

OVERRIDE_FORM: Final = "override_form"
QUADRANT, OWNER, WHY = "quadrant", "owner", "why"
AS_IT_IS: Final = "-"
HINT: Final = "For this case only, before every rule. Both left as they are: the rules decide again."
KINDS: Final = (Quadrant.LIABILITY, Quadrant.SIMPLIFY, Quadrant.AUTOMATE, Quadrant.ASSET)
_NAME_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a supervisor says a case stands; without kind and owner the rules are to decide again."""

    case_id: int
    quadrant: Quadrant | None
    owners: Shares
    why: str


def override_form(view: CaseView, departments: Sequence[str]) -> dict[str, Any]:
    """Return the form on a case: kind of contact, department, and why."""
    known = departments[: OPTIONS_MAX - 1]
    why = PlainTextInputElement(max_length=WHY_MAX)
    cause = line(view.department.replace("_", " "), _NAME_MAX) or "nobody yet"
    shown = [
        quoted(view),
        blocks.context([f"Caused by {cause} so far. {HINT}"]),
        field(QUADRANT, "Kind of contact", _choice([kind.value for kind in KINDS])),
        field(OWNER, "Caused by", _choice(known)),
        field(WHY, "Why? Without names", why),
    ]
    return modal(OVERRIDE_FORM, "Override", str(view.id), shown)


def decided(view: Mapping[str, Any]) -> Decision:
    """Return what was submitted."""
    values = view["state"]["values"]
    quadrant, owner = (str(values[name][name]["selected_option"]["value"]) for name in (QUADRANT, OWNER))
    return Decision(
        int(view["private_metadata"]),
        None if quadrant == AS_IT_IS else Quadrant(quadrant),
        () if owner == AS_IT_IS else ((owner, WHOLE),),
        str(values[WHY][WHY].get("value") or ""),
    )


def _choice(values: Sequence[str]) -> StaticSelectElement:
    as_it_is = Option(value=AS_IT_IS, text=plain_text("as it is"))
    options = [Option(value=value, text=plain_text(value.replace("_", " "))) for value in values]
    return StaticSelectElement(options=[as_it_is, *options], initial_option=as_it_is)
