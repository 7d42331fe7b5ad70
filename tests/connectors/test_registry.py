"""The registry: which connector, which options, which secrets; and errors that name the key and hide the value."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import ConfigError
from connectors import CONNECTORS, build, load
from connectors.base import Options

SECRET = "s3cr3t-value"


def secret(variable: str) -> SecretStr:
    if variable == "UNSET":
        raise ConfigError("not set")
    return SecretStr(SECRET)


NEEDED = "api_key_env, api_secret_env, access_token_env, access_secret_env"
ONE_PLACE = "connector: set exactly one of account_id (mentions of an account) and query (recent search)"
HTTPS = "this must be an https address; the token would travel readable"
NOT_SECRET = "this must be the name of an environment variable, not the secret itself"


@pytest.mark.parametrize(
    ("connector", "options", "message"),
    [
        # an unknown connector, and one that is nearly known
        ("myspace", {}, "connector: there is no connector 'myspace'; known: replay, slack, x"),
        (
            "repaly",
            {},
            "connector: there is no connector 'repaly'; known: replay, slack, x; did you mean 'replay'?",
        ),
        # a missing, an unknown and a wrong key
        ("replay", {}, "path: this key is missing; add it"),
        (
            "replay",
            {"path": "a", "pth": SECRET},
            "pth: this key is not known to the connector; known: follow, page_lines, path, platform, start",
        ),
        ("replay", {"path": "a", "page_lines": 0}, "page_lines: Input should be greater than or equal to 1"),
        ("x", {"query": "q" * 513}, "query: String should have at most 512 characters"),
        (
            "x",
            {"account_id": "@us"},
            "account_id: this must be the account's number, such as 2244994945, and not its @name",
        ),
        ("x", {}, ONE_PLACE),
        ("x", {"query": "q", "account_id": "1"}, ONE_PLACE),
        ("x", {"query": "q", "api_key_env": "A"}, f"connector: set all of {NEEDED}, or none"),
        ("x", {"query": "q", "read_as": "user"}, f"connector: read_as = 'user' needs {NEEDED}"),
        ("x", {"query": "q", "api_url": "http://example.test"}, f"api_url: {HTTPS}"),
        (
            "slack",
            {"channel_id": "#care"},
            "channel_id: this must be the id of a channel, such as C0123456789, found at the end of its About tab",
        ),
        # a secret where the name of its variable belongs, and a variable that is not set
        ("x", {"query": "q", "token_env": "AAAA%2Fsecret"}, f"token_env: {NOT_SECRET}"),
        (
            "x",
            {"query": "q", "token_env": "UNSET"},
            "token_env: the environment variable UNSET is not set; export it or name another",
        ),
    ],
)
def test_a_wrong_option_is_one_sentence_that_names_its_key(
    connector: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        build(connector, "care", options, secret)

    assert str(raised.value) == f"channels.care.{message}"
    assert SECRET not in repr(raised.value.__cause__)


def test_secrets_do_not_show_in_what_is_built() -> None:
    built = build("x", "care", {"query": "q"}, secret)

    assert SECRET not in repr(built) + repr(vars(built))


def test_every_connector_of_the_registry_can_be_loaded() -> None:
    assert {name: issubclass(load(name, "care").Options, Options) for name in CONNECTORS} == {
        "replay": True,
        "slack": True,
        "x": True,
    }


def test_the_registry_imports_no_platform_before_it_is_asked_for() -> None:
    code = "import sys, connectors; print([m for m in ('tweepy', 'slack_sdk', 'requests') if m in sys.modules])"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # the command is ours

    assert found.stdout.strip() == "[]"
