"""Slack of a running installation: its clicks reach the desk."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import SecretStr

from bot.config import SlackSettings, secret
from bot.desk import Desk
from bot.errors import ConfigError
from bot.parts import Parts
from bot.readings import Readings
from bot.slack import app


def start(parts: Parts, desk: Desk) -> Callable[[], None]:
    """Listen to Slack; return what stops it.

    Raises:
        ConfigError: there is no ``[slack]`` section, or an environment variable that holds a secret is not set.
        SlackError: Slack refuses the app's token or does not answer, or the port is taken.
    """
    settings = parts.settings.slack
    if settings is None or parts.slack is None:
        raise ConfigError("slack: this section is missing; add it, or run without the role slack")
    listening = app.build(
        parts.slack,
        desk,
        Readings(parts),
        database=parts.database,
        signing_secret=_signing_secret(settings),
        now=parts.now,
    )
    connection = app.connect(settings, listening)
    connection.start()
    return connection.close


def _signing_secret(settings: SlackSettings) -> SecretStr | None:
    return secret(settings.signing_secret_env) if settings.mode == "http" else None
