"""Block Kit's limits as Slack documents them, and what of a message would be live in Slack.

Limits: https://docs.slack.dev/reference/block-kit/blocks and /block-elements, /composition-objects; the same numbers
stand as constants in slack_sdk.models.blocks. Total size of a message: https://github.com/slackapi/bolt-js/issues/2509
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
MESSAGE_SIZE_MAX = 13_200
DATE_TOKENS = {
    "date_num", "date_slash", "date", "date_short", "date_long", "date_long_full", "date_pretty", "date_short_pretty",
    "date_long_pretty", "time", "time_secs", "ago", "day_divider_pretty",
}  # fmt: skip
"""https://docs.slack.dev/messaging/formatting-message-text#date-formatting"""

_EVERYWHERE = {"section", "divider", "image", "actions", "context", "header", "rich_text", "markdown", "video"}
SURFACES = {
    "message": _EVERYWHERE | {"file", "table", "input"},
    "modal": _EVERYWHERE - {"markdown"} | {"input", "alert"},
    "home": _EVERYWHERE - {"markdown"} | {"input"},
}


def message_problems(blocks: Any) -> list[str]:
    """Return what is wrong with the blocks of a message; [] when Slack would take them."""
    if not isinstance(blocks, list):
        return ["blocks must be a list"]
    return _block_problems(blocks, "message", MESSAGE_BLOCKS_MAX)


def is_too_large(blocks: list[Json]) -> bool:
    """True past the size at which Slack answers msg_blocks_too_long."""
    return len(json.dumps(blocks, ensure_ascii=False)) > MESSAGE_SIZE_MAX


def view_problems(view: Any) -> list[str]:
    """Return what is wrong with a modal or home view. https://docs.slack.dev/reference/views"""
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        return ["view.type must be modal or home"]
    problems = _block_problems(view.get("blocks") or [], view["type"], VIEW_BLOCKS_MAX)
    problems += _too_long(view, "private_metadata", 3000) + _too_long(view, "callback_id", 255)
    if view["type"] == "modal":
        problems += _text(view.get("title"), "title", 24, {"plain_text"})
        for name in ("submit", "close"):
            problems += _text(view[name], name, 24, {"plain_text"}) if name in view else []
        if "submit" not in view and any(block.get("type") == "input" for block in view.get("blocks") or []):
            problems.append("submit is required when blocks hold an input")
    return problems


def _block_problems(blocks: list[Any], surface: str, most: int) -> list[str]:
    problems = [] if 1 <= len(blocks) <= most else [f"1 to {most} blocks are allowed, there are {len(blocks)}"]
    problems += _twins("block_id", [block for block in blocks if isinstance(block, dict)])
    for number, block in enumerate(blocks):
        if not isinstance(block, dict) or block.get("type") not in SURFACES[surface]:
            problems.append(f"/blocks/{number}: unsupported type for {surface}")
            continue
        check = _BLOCKS.get(block["type"], _any_block)
        problems += [f"/blocks/{number}: {problem}" for problem in _too_long(block, "block_id", 255) + check(block)]
    if sum(len(block.get("text", "")) for block in blocks if _is(block, "markdown")) > 12_000:
        problems.append("markdown blocks exceed 12000 characters in sum")
    return problems


def _any_block(block: Json) -> list[str]:  # a divider has nothing to check
    return []


def _section(block: Json) -> list[str]:
    if "text" not in block and not block.get("fields"):
        return ["a section needs text or fields"]
    problems = _text(block["text"], "text", 3000) if "text" in block else []
    fields = block.get("fields") or []
    problems += ["fields: at most 10"] if len(fields) > 10 else []
    problems += [problem for field in fields for problem in _text(field, "field", 2000)]
    return problems + (_element(block["accessory"]) if "accessory" in block else [])


def _header(block: Json) -> list[str]:
    return _text(block.get("text"), "text", 150, {"plain_text"})


def _context(block: Json) -> list[str]:
    elements = block.get("elements") or []
    problems = [] if 1 <= len(elements) <= 10 else ["a context has 1 to 10 elements"]
    for element in elements:
        problems += _image(element) if _is(element, "image") else _text(element, "element", 2000)
    return problems


def _actions(block: Json) -> list[str]:
    elements = block.get("elements") or []
    problems = [] if 1 <= len(elements) <= 25 else ["actions have 1 to 25 elements"]
    problems += _twins("action_id", elements)
    return problems + [problem for element in elements for problem in _element(element)]


def _input(block: Json) -> list[str]:
    problems = _text(block.get("label"), "label", 2000, {"plain_text"})
    problems += _text(block["hint"], "hint", 2000, {"plain_text"}) if "hint" in block else []
    return problems + (_element(block["element"]) if "element" in block else ["an input needs an element"])


def _image(block: Json) -> list[str]:
    problems = [] if block.get("image_url") or block.get("slack_file") else ["an image needs image_url or slack_file"]
    problems += _too_long(block, "image_url", 3000) + _too_long(block, "alt_text", 2000)
    return problems + ([] if block.get("alt_text") else ["an image needs alt_text"])


def _rich_text(block: Json) -> list[str]:
    known = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    problems = [] if block.get("elements") else ["rich_text needs elements"]
    for element in block.get("elements") or []:
        if element.get("type") not in known:
            problems.append(f"rich_text: unknown element {element.get('type')}")
            continue
        children = element.get("elements") or []
        problems += [] if children else [f"{element['type']} needs elements"]
        problems += _rich_text({"elements": children}) if element["type"] == "rich_text_list" else []
        if element["type"] != "rich_text_list":
            problems += [problem for child in children for problem in _rich_part(child)]
    return problems


def _rich_part(part: Json) -> list[str]:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""
    needed = {
        "text": "text", "link": "url", "emoji": "name", "user": "user_id", "usergroup": "usergroup_id",
        "channel": "channel_id", "broadcast": "range", "date": "timestamp", "color": "value",
    }  # fmt: skip
    name = needed.get(str(part.get("type")))
    if name is None:
        return [f"rich_text: unknown part {part.get('type')}"]
    if not part.get(name):
        return [f"rich_text {part['type']}: {name} must not be empty"]
    return _date(part) if part["type"] == "date" else []


def _date(part: Json) -> list[str]:
    tokens = re.findall(r"\{(\w+)\}", part.get("format", ""))
    problems = [] if tokens and set(tokens) <= DATE_TOKENS else ["date: format needs known tokens"]
    return problems + ([] if isinstance(part["timestamp"], int) else ["date: timestamp must be an integer"])


_BLOCKS: dict[str, Callable[[Json], list[str]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "rich_text": _rich_text,
}


def _element(element: Any) -> list[str]:
    if not isinstance(element, dict):
        return ["an element must be an object"]
    check = _ELEMENTS.get(str(element.get("type")))
    if check is None:
        return [f"unsupported element {element.get('type')}"]
    problems = _too_long(element, "action_id", 255) + check(element)
    if "placeholder" in element:
        problems += _text(element["placeholder"], "placeholder", 150, {"plain_text"})
    return problems + (_confirm(element["confirm"]) if "confirm" in element else [])


def _button(element: Json) -> list[str]:
    problems = _text(element.get("text"), "button text", 75, {"plain_text"})
    problems += _too_long(element, "value", 2000) + _too_long(element, "url", 3000)
    return problems + ([] if element.get("style", "primary") in {"primary", "danger"} else ["button: unknown style"])


def _options(most: int) -> Callable[[Json], list[str]]:
    def check(element: Json) -> list[str]:
        options = element.get("options") or []
        if not 1 <= len(options) <= most:
            return [f"{element['type']}: 1 to {most} options"]
        problems = [problem for option in options for problem in _option(option)]
        initial = [
            *element.get("initial_options", []),
            *([element["initial_option"]] if "initial_option" in element else []),
        ]
        return problems + [f"{element['type']}: an initial option is no option" for o in initial if o not in options]

    return check


def _option(option: Json) -> list[str]:
    return _text(option.get("text"), "option text", 75) + _too_long(option, "value", 150)


def _plain_input(element: Json) -> list[str]:
    return ["max_length: at most 3000"] if element.get("max_length", 1) > 3000 else []


def _matching(key: str, pattern: str) -> Callable[[Json], list[str]]:
    def check(element: Json) -> list[str]:
        given = element.get(key)
        return [] if given is None or re.fullmatch(pattern, given) else [f"{element['type']}: {key} is malformed"]

    return check


_ELEMENTS: dict[str, Callable[[Json], list[str]]] = {
    "button": _button,
    "static_select": _options(100),
    "multi_static_select": _options(100),
    "overflow": _options(5),
    "checkboxes": _options(10),
    "radio_buttons": _options(10),
    "plain_text_input": _plain_input,
    "datepicker": _matching("initial_date", r"\d{4}-\d{2}-\d{2}"),
    "timepicker": _matching("initial_time", r"\d{2}:\d{2}"),
    "image": _image,
}


def _confirm(confirm: Json) -> list[str]:
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    return [
        p for name, most in limits.items() if name in confirm for p in _text(confirm[name], f"confirm {name}", most)
    ]


def _text(value: Any, name: str, most: int, kinds: set[str] | None = None) -> list[str]:
    if not isinstance(value, dict) or value.get("type") not in (kinds or {"plain_text", "mrkdwn"}):
        return [f"{name} must be a text object"]
    if not isinstance(value.get("text"), str) or not 1 <= len(value["text"]) <= most:
        return [f"{name} must have 1 to {most} characters"]
    return []


def _too_long(value: Json, name: str, most: int) -> list[str]:
    return [f"{name} exceeds {most} characters"] if len(value.get(name) or "") > most else []


def _twins(name: str, items: list[Any]) -> list[str]:
    ids = [item[name] for item in items if isinstance(item, dict) and item.get(name)]
    return [f"{name} {twin} is there twice" for twin in sorted({i for i in ids if ids.count(i) > 1})]


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and value.get("type") == kind


def live_parts(message: Json) -> list[str]:
    """Return what of a message does something in Slack: mentions, links, broadcasts, mark-up, in reading order.

    In mrkdwn ``<…>`` sequences are live, addresses are linked, and paired ``*_~``` ` format.
    https://docs.slack.dev/messaging/formatting-message-text#escaping
    Buttons are controls of the app and are not counted.
    """
    parts = list(_live_in_mrkdwn(message.get("text") or ""))
    for found in _walk(message.get("blocks") or []):
        if found.get("type") == "mrkdwn":
            parts += _live_in_mrkdwn(found.get("text") or "")
        elif found.get("type") in {"user", "usergroup", "broadcast", "channel", "link", "markdown"}:
            parts.append(json.dumps(found, sort_keys=True))
    return parts


_LIVE = re.compile(
    r"<[^<>\n]+>"  # manual links, mentions, broadcasts
    r"|https?://\S+|\b[\w-]+\.[a-z]{2,}\b"  # addresses that Slack links by itself
    r"|(?<!\w)([*_~`])(?=\S)[^\n]*?\S\1(?!\w)",  # paired mark-up
    re.IGNORECASE,
)


def _live_in_mrkdwn(text: str) -> Iterator[str]:
    for found in _LIVE.finditer(text):
        yield found[0]


def _walk(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def visible_text(message: Json) -> str:
    """Return every word a reader of the blocks sees, one text a line."""
    texts = []
    for found in _walk(message.get("blocks") or []):
        if isinstance(found.get("text"), str) and found.get("type") in {"text", "plain_text", "mrkdwn", "link"}:
            texts.append(found["text"])
        elif found.get("type") == "date":
            texts.append(found.get("fallback", ""))
    return "\n".join(texts)
