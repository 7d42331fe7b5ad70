"""The manifest asks for what the app uses, and for nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.slack.ledger_command import COMMAND
from tests.servers.slack_web_api import SCOPES

ROOT = Path(__file__).parents[2]
USED = {
    "auth.test", "chat.delete", "chat.postEphemeral", "chat.postMessage", "chat.update", "conversations.history",
    "conversations.info", "conversations.replies", "users.info", "views.open", "views.publish",
}  # fmt: skip
"""Methods the product calls, here and in the Slack connector and `earmark check`."""


@pytest.fixture
def manifest() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docs/slack-app-manifest.yaml").read_text())
    return parsed


def called() -> set[str]:
    """The Web API methods named in the code, as ``"chat.update"`` or as ``client.chat_update``."""
    code = "\n".join(path.read_text() for folder in ("bot", "connectors") for path in (ROOT / folder).rglob("*.py"))
    named = set(re.findall(r'"((?:auth|chat|conversations|users|views)\.[a-zA-Z]+)"', code))
    methods = re.findall(r"\.((?:auth|chat|conversations|users|views)_[a-zA-Z]+)\b", code)
    return named | {method.replace("_", ".", 1) for method in methods}


def test_the_bot_has_exactly_the_scopes_that_its_calls_need(manifest: dict[str, Any]) -> None:
    needed = {SCOPES[method] for method in USED if method in SCOPES}
    private = {scope.replace("channels:", "groups:") for scope in needed}

    # The slash command calls nothing and needs a scope all the same.
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed | private | {"commands"}


def test_the_list_of_calls_is_what_the_code_calls() -> None:
    assert called() <= USED


def test_the_app_hears_of_its_home_and_of_presses_but_of_no_message(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]

    assert settings["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["socket_mode_enabled"] is True
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_the_app_answers_the_commands_that_the_manifest_has(manifest: dict[str, Any]) -> None:
    """https://docs.slack.dev/reference/app-manifest#slash_commands"""
    [command] = manifest["features"]["slash_commands"]

    assert command["command"] == COMMAND
    assert len(command["description"]) <= 2_000
    assert command["should_escape"] is True


def test_names_keep_within_the_limits_of_a_manifest(manifest: dict[str, Any]) -> None:
    """https://docs.slack.dev/reference/app-manifest"""
    display = manifest["display_information"]

    assert len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert len(manifest["features"]["bot_user"]["display_name"]) <= 80
    assert re.fullmatch(r"#[0-9a-f]{6}", display["background_color"])
