"""What an app asks of Slack: parts of messages and forms, and the code of a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


def code_of(call: Any, **args: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**args)
    return str(caught.value.response["error"])


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(action: str = "a", **extra: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": plain("Press"), **extra}


def modal(**extra: Any) -> dict[str, Any]:
    blocks = [{"type": "section", "text": plain("Hello")}]
    return {"type": "modal", "title": plain("Form"), "blocks": blocks, **extra}
