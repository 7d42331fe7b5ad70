"""A Slack workspace on loopback: Web API, Socket Mode, signed requests, and people who press buttons.

It enforces what Slack documents (limits, errors, block rules) and, on demand, fails the way networks do.
State lives here; tests act as people: :meth:`Slack.post_as`, :meth:`Slack.press`, :meth:`Slack.submit`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from tests.servers.loopback import serve
from tests.servers.slack_delivery import (
    SIGNING_SECRET,
    Answer,
    Delivery,
    Outlet,
    find_button,
    form_state,
    http_outlet,
    pressed,
)
from tests.servers.slack_faults import Fault, Planned, refused_before, spoiled, too_many
from tests.servers.slack_socket import Sockets
from tests.servers.slack_web_api import Limits, TooManyCalls, WebApi
from tests.servers.slack_workspace import APP, TEAM, Channel, Json, SlackRefusal, User, Workspace

__all__ = [
    "APP_TOKEN",
    "BOT_TOKEN",
    "SIGNING_SECRET",
    "Answer",
    "Delivery",
    "Fault",
    "Outlet",
    "Planned",
    "Slack",
    "http_outlet",
    "running",
]

BOT_TOKEN = "xoxb-stand-in"
APP_TOKEN = "xapp-stand-in"
ALL_SCOPES = frozenset(
    {"chat:write", "channels:history", "groups:history", "channels:read", "groups:read", "users:read"}
)


class Slack:
    """The stand-in. ``clock`` gives seconds since 1970 and is the only clock of its limits and timestamps.

    ``pages_from``: which end of the range the first page of conversations.history comes from when only ``oldest``
    is given. The documentation leaves it open, so a reader has to live with both: ``latest`` or ``oldest``.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        seconds_between_messages: float = 1.0,
        is_restricted: bool = False,
        has_tiers: bool = True,
        scopes: frozenset[str] = ALL_SCOPES,
        pages_from: str = "latest",
    ) -> None:
        self.workspace = Workspace(clock)
        self.limits = Limits(clock, seconds_between_messages, is_restricted, has_tiers)
        self.api = WebApi(self.workspace, self.limits, scopes, pages_from)
        self.sockets = Sockets(APP_TOKEN)
        self.calls: list[tuple[str, Json]] = []
        """Every call that reached us, in order: method and arguments, without the token."""
        self.on_call: Callable[[str, Json], None] = lambda _method, _args: None
        """Called, in a thread, after a call took effect and before it is answered: what else happens meanwhile."""
        self.commands = {"/ledger"}
        """Slash commands the app asked for in its manifest."""
        self.subscribed = {"app_home_opened"}
        """Event types the app asked for in its manifest."""
        self._outlet: Outlet | None = None
        self._faults: dict[str, deque[Planned | None]] = defaultdict(deque)
        self._any_faults: deque[Planned | None] = deque()
        self._lock = threading.RLock()
        self.app = Starlette(
            routes=[
                Route("/api/{method}", self._endpoint, methods=["GET", "POST"]),
                WebSocketRoute("/link/{ticket}", self.sockets.endpoint),
            ]
        )

    # What a test arranges.

    def add_user(self, user: str, name: str, real_name: str = "") -> User:
        """Add somebody to the workspace."""
        return self.workspace.users.setdefault(user, User(user, name, real_name or name.title()))

    def add_channel(  # the kinds of channel
        self,
        channel: str,
        name: str = "",
        *,
        members: tuple[str, ...] = (),
        is_private: bool = False,
        joined: bool = True,
    ) -> Channel:
        """Add a channel; ``joined``: the bot is in it."""
        made = Channel(
            channel, name or channel.lower(), is_private=is_private, bot_is_member=joined, members=[*members]
        )
        return self.workspace.channels.setdefault(channel, made)

    def fail(self, method: str, *faults: Fault | Planned | None) -> None:
        """Plan what happens to the next calls of ``method``, one each; None lets one pass."""
        planned = [Planned(fault) if isinstance(fault, Fault) else fault for fault in faults]
        self._faults[method].extend(planned)

    def fail_next(self, *faults: Planned | None) -> None:
        """Plan what happens to the next calls of any method, one each; None lets one pass."""
        self._any_faults.extend(faults)

    def send_to(self, outlet: Outlet) -> None:
        """Deliver interactions and events there while no Socket Mode connection is open."""
        self._outlet = outlet

    # What a test looks at.

    def messages(self, channel: str, *, thread_ts: str | None = None) -> list[Json]:
        """The top-level messages of a channel in order; with ``thread_ts``, the replies of that thread."""
        stored = self.workspace.channels[channel].messages
        if thread_ts is None:
            return [message for message in stored if message.get("thread_ts", message["ts"]) == message["ts"]]
        return [m for m in stored if m.get("thread_ts") == thread_ts and m["ts"] != thread_ts]

    def ephemerals(self, user: str) -> list[str]:
        """What only ``user`` was told, in order."""
        return [told["text"] for told in self.workspace.ephemerals if told["user"] == user]

    def home(self, user: str) -> Json:
        """The App Home of ``user`` as last published."""
        return self.workspace.homes[user]

    def open_modal(self, user: str) -> Json:
        """The modal ``user`` has open, the latest of them."""
        return [view for view in self.workspace.modals.values() if view["user"] == user][-1]

    @property
    def violations(self) -> list[str]:
        """What Slack would have accepted but advises against."""
        return self.api.violations

    # What people do.

    def post_as(self, user: str, channel: str, text: str, *, thread_ts: str | None = None, **extra: Any) -> Json:
        """Write a message as a person; ``extra`` are further fields such as ``files`` or ``subtype``."""
        with self._lock:
            place = self.workspace.channels[channel]
            message = {
                "type": "message",
                "user": user,
                "text": text,
                "ts": self.workspace.next_ts(),
                "team": TEAM,
                **extra,
            }
            if thread_ts:
                message["thread_ts"] = thread_ts
                parent = place.message(thread_ts)
                if parent is not None:
                    parent["thread_ts"] = thread_ts
            place.messages.append(message)
        self._event({**message, "channel": channel, "channel_type": "channel", "event_ts": message["ts"]})
        return message

    def edit(self, channel: str, ts: str, text: str) -> Json:
        """Change a person's message."""
        with self._lock:
            message = self.workspace.channels[channel].message(ts)
            assert message is not None, f"there is no message {ts} in {channel}"
            message |= {"text": text, "edited": {"user": message["user"], "ts": self.workspace.next_ts()}}
            return message

    def delete(self, channel: str, ts: str) -> None:
        """Take a message away."""
        with self._lock:
            self.workspace.remove_message(self.workspace.channels[channel], ts)

    def press(  # who, where, which button
        self, user: str, channel: str, ts: str, action_id: str, *, times: int = 1, shown: Json | None = None
    ) -> list[Answer]:
        """Press a button. ``shown`` is the message as the person still sees it; ``times``: delivered more than once."""
        with self._lock:
            message = dict(shown or self.workspace.channels[channel].message(ts) or {})
            button, block_id = find_button(message.get("blocks", []), action_id)
            payload = self._interaction("block_actions", user)
            payload |= {
                "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
                "channel": {"id": channel, "name": self.workspace.channels[channel].name},
                "message": message,
                "state": {"values": {}},
                "response_url": f"https://hooks.slack.invalid/actions/{TEAM}/{ts}",
                "actions": [pressed(button, block_id, self.workspace.next_ts())],
            }
        return [self._deliver(Delivery("interactive", payload)) for _ in range(times)]

    def press_home(self, user: str, action_id: str) -> Answer:
        """Press a button on the App Home of ``user``."""
        with self._lock:
            view = self.workspace.homes[user]
            button, block_id = find_button(view["blocks"], action_id)
            payload = self._interaction("block_actions", user)
            payload |= {"container": {"type": "view", "view_id": view["id"]}, "view": view}
            payload |= {"actions": [pressed(button, block_id, self.workspace.next_ts())]}
        return self._deliver(Delivery("interactive", payload))

    def submit(self, user: str, values: dict[str, str | list[str]], *, times: int = 1) -> list[Answer]:
        """Submit the modal ``user`` has open, with ``values`` by action_id: option values, or typed text.

        What is not in ``values`` keeps its initial value, as on screen. The modal closes when the app has no objection.
        """
        view = self.open_modal(user)
        state = {"values": form_state(view["blocks"], values)}
        payload = self._interaction("view_submission", user) | {"view": {**view, "state": state}, "response_urls": []}
        answers = [self._deliver(Delivery("interactive", payload)) for _ in range(times)]
        if answers[-1].status == 200 and answers[-1].body.get("response_action", "clear") == "clear":
            self.workspace.closed_views[view["id"]] = self.workspace.modals.pop(view["id"])
        return answers

    def command(self, user: str, text: str, *, channel: str = "C0CARE") -> str:
        """Type a slash command and return what only ``user`` is answered.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        name, _, rest = text.partition(" ")
        assert name in self.commands, f"{name} is not a valid command"
        payload: Json = {"token": "legacy-verification-token", "team_id": TEAM, "team_domain": "example"}
        payload |= {"channel_id": channel, "channel_name": channel.lower(), "user_id": user}
        payload |= {"user_name": self.workspace.users[user].name, "command": name, "text": rest, "api_app_id": APP}
        payload |= {"is_enterprise_install": "false", "response_url": f"https://hooks.slack.invalid/commands/{TEAM}/1"}
        payload |= {"trigger_id": self.workspace.issue_trigger(user)}
        answer = self._deliver(Delivery("slash_commands", payload))
        assert answer.status == 200
        assert answer.body.get("response_type", "ephemeral") == "ephemeral"
        shown = str(answer.body.get("text", ""))
        assert len(shown) <= 4_000, "Slack advises 4,000 characters at most"
        return shown

    def open_home(self, user: str, *, times: int = 1) -> list[Answer]:
        """Open the app's Home tab; ``times``: the event is redelivered, with retry headers."""
        event: Json = {"type": "app_home_opened", "user": user, "channel": f"D{user}", "tab": "home"}
        event["event_ts"] = self.workspace.next_ts()
        return self._event(event, times=times)

    # How it reaches the app.

    def _interaction(self, kind: str, user: str) -> Json:
        """What every interaction carries. https://docs.slack.dev/reference/interaction-payloads"""
        known = self.workspace.users[user]
        return {
            "type": kind,
            "team": {"id": TEAM, "domain": "example"},
            "user": {"id": user, "username": known.name, "name": known.name, "team_id": TEAM},
            "api_app_id": APP,
            "token": "legacy-verification-token",
            "trigger_id": self.workspace.issue_trigger(user),
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _event(self, event: Json, *, times: int = 1) -> list[Answer]:
        """https://docs.slack.dev/apis/events-api#callback-field"""
        if event["type"] not in self.subscribed:
            return []
        payload: Json = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": APP,
            "token": "legacy-verification-token",
        }
        payload |= {"event_id": self.workspace.next_id("Ev"), "event_time": int(self.workspace.clock())}
        payload |= {"authorizations": [{"team_id": TEAM, "user_id": "U0EARMARK", "is_bot": True}], "event": event}
        return [self._deliver(Delivery("events_api", payload, retry)) for retry in range(times)]

    def _deliver(self, delivery: Delivery) -> Answer:
        if self.sockets.is_connected:
            ack = self.sockets.send(delivery.kind, delivery.payload, delivery.retry)
            return Answer(200, ack.get("payload") or {})
        assert self._outlet is not None, "the app is not connected: no Socket Mode connection, no send_to()"
        return self._outlet(delivery)

    async def _endpoint(self, request: Request) -> Response:
        method = request.path_params["method"]
        args = await _arguments(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or args.pop("token", "")
        with self._lock:
            self.calls.append((method, args))
            queue = self._faults[method] or self._any_faults
            plan = queue.popleft() if queue else None
            refusal = refused_before(plan)
            answer = refusal or self._answer(method, args, token, str(request.base_url))
        if refusal is None:
            await run_in_threadpool(self.on_call, method, args)
        if plan and plan.fault is Fault.LATE:
            await asyncio.sleep(plan.delay_s)
        return spoiled(plan, answer)

    def _answer(self, method: str, args: Json, token: str, base: str) -> Response:
        try:
            if method == "apps.connections.open":
                return _ok(self.sockets.open_ticket(token, base))
            self._check_token(token)
            return _ok(self.api.call(method, args))
        except SlackRefusal as refusal:
            return JSONResponse({"ok": False, "error": refusal.code, **refusal.extra})
        except TooManyCalls as many:
            return too_many(many.retry_after_s)

    @staticmethod
    def _check_token(token: str) -> None:
        """https://docs.slack.dev/reference/methods/auth.test#errors"""
        if not token:
            raise SlackRefusal("not_authed")
        if token == APP_TOKEN:
            raise SlackRefusal("not_allowed_token_type")
        if token != BOT_TOKEN:
            raise SlackRefusal("invalid_auth")


def _ok(body: Json) -> Response:
    return JSONResponse({"ok": True, **body})


async def _arguments(request: Request) -> Json:
    """Slack takes JSON or form bodies, and the query. https://docs.slack.dev/apis/web-api/#methods_supporting_json"""
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        return dict(json.loads(body or b"{}"))
    return dict(request.query_params) | dict(parse_qsl(body.decode(), keep_blank_values=True))


@contextmanager
def running(slack: Slack) -> Iterator[str]:
    """Serve ``slack`` inside the ``with`` block; the value is the Web API's address, for ``WebClient(base_url=…)``."""
    with serve(slack.app) as address:
        try:
            yield f"{address}/api/"
        finally:
            slack.sockets.close()
