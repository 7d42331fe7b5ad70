"""The Slack app: ``build`` wires the listeners, ``connect`` brings Slack to them by Socket Mode or by HTTP."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from typing import Protocol

import uvicorn
from pydantic import SecretStr
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.config import SlackSettings, secret
from bot.errors import SlackError
from bot.parts import utc_now
from bot.slack import actions, audit, home, incident_presses, ledger_command, override_presses, request_actions
from bot.slack.desk import Desk
from bot.slack.people import People
from bot.slack.readings import Readings

EVENTS_PATH = "/slack/events"
_STOP_S = 10

_bolt = logging.getLogger("bot.slack.bolt")


class Connection(Protocol):
    """How Slack reaches the app."""

    def start(self) -> None:
        """Begin to listen; returns at once.

        Raises:
            SlackError: Slack refuses the app's token, or does not answer.
        """
        ...

    def close(self) -> None:
        """Stop listening; what is being answered is finished first. Does nothing the second time."""
        ...


def build(  # noqa: PLR0913  # what the app is made of
    client: WebClient,
    desk: Desk,
    readings: Readings,
    *,
    database: Engine,
    signing_secret: SecretStr | None = None,
    now: Callable[[], datetime] = utc_now,
    executor: Executor | None = None,
) -> App:
    """Return the Bolt app with every listener; nothing is called yet.

    Requests by HTTP are verified with ``signing_secret``; Socket Mode needs none. ``executor`` runs the listeners.
    """
    # Bolt's warnings repeat what Slack sent, and complain of environment variables that we read ourselves.
    _bolt.setLevel(logging.ERROR)
    app = App(
        client=client,
        signing_secret=signing_secret.get_secret_value() if signing_secret else "socket mode",
        token_verification_enabled=False,  # a constructor makes no call; `earmark check` tests the token
        listener_executor=executor,
        logger=_bolt,
    )
    people = People(client, readings)
    presses = actions.register(app, client, desk, readings, people, now=now)
    request_actions.register(app, client, desk, readings, people, presses)
    incident_presses.register(app, client, desk, readings, people)
    overriding = override_presses.register(app, client, desk, readings, people, presses)
    ledger_command.register(app, readings, override=overriding.ask)
    publish = home.publisher(client, readings, people, now=now)
    audit.register(app, client, desk, readings, people, publish)
    home.register(app, publish, database=database, now=now)
    return app


def connect(settings: SlackSettings, app: App) -> Connection:
    """Return the connection that the settings ask for, not yet started.

    Raises:
        ConfigError: an environment variable that holds a secret is not set.
    """
    if settings.mode == "socket":
        return SocketConnection(app, secret(settings.app_token_env))
    return HttpConnection(app, settings.http_port)


class SocketConnection:
    """Socket Mode: we call Slack, so nothing of ours needs to be reachable."""

    def __init__(self, app: App, token: SecretStr) -> None:
        self._app = app
        self._token = token
        self._handler: SocketModeHandler | None = None

    def start(self) -> None:
        """See :class:`Connection`."""
        # The handler starts threads when it is made, so it is made here.
        handler = SocketModeHandler(self._app, self._token.get_secret_value())
        try:
            handler.client.connect()
        except (SlackApiError, SlackClientError, OSError) as error:
            handler.client.close()
            code = str(error.response.get("error", "")) if isinstance(error, SlackApiError) else ""
            raise SlackError(
                f"Slack does not open a Socket Mode connection ({code or type(error).__name__}); check the app-level"
                " token and that Socket Mode is switched on for the app",
                code=code,
                permanent=bool(code),
            ) from error
        self._handler = handler

    def close(self) -> None:
        """See :class:`Connection`."""
        if self._handler is not None:
            self._handler.client.close()
            self._handler = None


class HttpConnection:
    """Signed requests from Slack to our ``/slack/events``; something with a certificate has to stand in front."""

    def __init__(self, app: App, port: int, *, host: str = "127.0.0.1") -> None:
        self.port = port
        self._app = app
        self._host = host
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """See :class:`Connection`."""
        web = Starlette(routes=[Route(EVENTS_PATH, self._answer, methods=["POST"])])
        config = uvicorn.Config(
            web, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=_STOP_S
        )
        try:
            # It listens before the thread starts, so that Slack never finds the port closed.
            listener = socket.create_server((self._host, self.port))
        except OSError as error:
            raise SlackError(f"port {self.port} for Slack's requests is taken; change slack.http_port") from error
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="slack-http", daemon=True)
        self._thread.start()

    async def _answer(self, request: Request) -> Response:
        # Bolt is synchronous and the listeners write to the database, so they must not hold up the event loop.
        asked = to_bolt_request(request, await request.body())
        return to_starlette_response(await run_in_threadpool(self._app.dispatch, asked))

    def close(self) -> None:
        """See :class:`Connection`."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(timeout=_STOP_S + 1)
        self._server = self._thread = None
