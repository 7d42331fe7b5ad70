"""Channels we listen to: one file a platform, and the registry that builds them.

A connector is a class that keeps :class:`bot.domain.Connector`. It carries an ``Options`` model for its own keys
of ``[[channels]]`` and is constructed as ``Class(options, secrets)`` without any I/O.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

from pydantic import SecretStr, ValidationError

from bot.domain import Connector
from bot.errors import ConfigError
from connectors.base import Options

CONNECTORS: dict[str, str] = {
    "replay": "connectors.replay:Replay",
    "slack": "connectors.slack:Slack",
    "x": "connectors.x:X",
}
"""Name in the config → ``module:Class``, imported on first use."""

ENVIRONMENT_KEY = "_env"


class ConnectorClass(Protocol):
    """What the registry expects of a class it names."""

    Options: type[Options]

    def __call__(self, options: Any, secrets: Mapping[str, SecretStr]) -> Connector:
        """Return a connector, without any I/O."""
        ...


def build(connector: str, name: str, options: Mapping[str, Any], secret: Callable[[str], SecretStr]) -> Connector:
    """Return the connector of channel ``name``, ready to poll; nothing is contacted yet.

    ``secret`` returns what an environment variable holds and raises ConfigError when it is not set.

    Raises:
        ConfigError: one sentence that names ``channels.<name>.<key>`` and never repeats a value.
    """
    built = load(connector, name)
    try:
        checked = built.Options.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigError(f"channels.{name}.{_first_problem(error, built.Options)}") from None
    return built(checked, _secrets(name, checked, secret))


def load(connector: str, name: str) -> ConnectorClass:
    """Return the class behind ``connector``; ``name`` is the channel that asks for it.

    Raises:
        ConfigError: there is no connector of that name.
    """
    target = CONNECTORS.get(connector)
    if target is None:
        close = difflib.get_close_matches(connector, CONNECTORS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        known = ", ".join(sorted(CONNECTORS))
        raise ConfigError(f"channels.{name}.connector: there is no connector '{connector}'; known: {known}{hint}")
    module, _, attribute = target.partition(":")
    found: ConnectorClass = getattr(import_module(module), attribute)
    return found


def _secrets(name: str, options: Options, secret: Callable[[str], SecretStr]) -> dict[str, SecretStr]:
    """Read every variable that a ``*_env`` key names: ``{"token": …}`` for ``token_env``."""
    found = {}
    for key, variable in options:
        if not key.endswith(ENVIRONMENT_KEY) or not variable:
            continue
        try:
            found[key.removesuffix(ENVIRONMENT_KEY)] = secret(variable)
        except ConfigError as error:
            message = (
                f"channels.{name}.{key}: the environment variable {variable} is not set; export it or name another"
            )
            raise ConfigError(message) from error
    return found


def _first_problem(error: ValidationError, options: type[Options]) -> str:
    """``path: this key is missing; add it``. Values stay out: one of them may be a secret in the wrong place."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in problem["loc"]) or "connector"
    if problem["type"] == "extra_forbidden":
        return f"{key}: this key is not known to the connector; known: {', '.join(sorted(options.model_fields))}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing; add it"
    return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
