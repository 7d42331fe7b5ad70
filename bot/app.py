"""The wiring: ``build(settings)`` picks connectors, tagger, database, engine and Slack. Nothing else knows them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Engine as Database
from sqlmodel import Session

import connectors
from bot import config, estimates, nightly, pipeline, promising
from bot.config import Channel, LedgerSettings, Settings, TaggerSettings
from bot.desk import Desk
from bot.domain import Connector, Tagger
from bot.engine import Job, Step, Tick, Work
from bot.engine.embedded import SWEEP_SECONDS, Embedded
from bot.ledger.model import CostModel, cost_model
from bot.ledger.taxonomy import load_taxonomy
from bot.parts import Parts, utc_now
from storage import channels, db, ledger, outbox

if TYPE_CHECKING:
    from slack_sdk import WebClient

CLOCK_SECONDS = 60.0
SHARED_SWEEP_SECONDS = 2.0
"""How often a process looks for work that another process made for it; one process that does all is told instead."""

log = structlog.get_logger(__name__)


class Role(StrEnum):
    """What a process does. Several processes may share one database, each with its role."""

    ALL = "all"
    POLL = "poll"
    WORK = "work"
    SLACK = "slack"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class App:
    """One process of an installation, ready to run."""

    parts: Parts
    desk: Desk
    engine: Embedded
    role: Role

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set, then finish what runs and return."""
        with ExitStack() as stack:
            if self.parts.slack is not None and self.role in {Role.ALL, Role.SLACK}:
                stack.callback(_start_slack(self))
            if self.role in {Role.ALL, Role.WEB}:
                address, stop_board = serve_board(self.parts)
                stack.callback(stop_board)
                log.info("board", address=address)
            log.info("started", role=self.role.value, channels=len(self.parts.connectors))
            self.engine.run(stop)
            log.info("stopping")
        self.parts.database.dispose()


def build(
    settings: Settings,
    *,
    role: Role = Role.ALL,
    tagger: Tagger | None = None,
    now: Callable[[], datetime] = utc_now,
) -> App:
    """Return the app of a configuration. Opens the database, which must be migrated; talks to nobody else yet.

    Raises:
        ConfigError: a channel's options or a secret are wrong.
        StorageError: the database is unreachable or its schema is not the newest.
    """
    database = open_database(settings)
    db.require_newest(database)
    model = cost_model_of(settings.ledger)
    parts = Parts(
        settings=settings,
        database=database,
        connectors=connectors_of(settings) if role in {Role.ALL, Role.POLL} else {},
        tagger=tagger or tagger_of(settings.tagger, model),
        model=model,
        submit=_submit_nothing,
        slack=slack_of(settings),
        now=now,
    )
    with db.transaction(database) as session:
        ledger.record_config(session, model, now=now())
        channels.ensure(session, [channel.name for channel in settings.channels])
    return _with_engine(parts, role)


def _with_engine(parts: Parts, role: Role) -> App:
    """The steps need to wake the engine, and the engine needs the steps: the knot is tied here."""
    engine: Embedded

    def submit(session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        engine.submit(session, step, key, at)

    parts = replace(parts, submit=submit)
    sweep_seconds = SWEEP_SECONDS if role is Role.ALL else SHARED_SWEEP_SECONDS
    engine = Embedded(
        work_of(parts, role), workers=parts.settings.earmark.workers, now=parts.now, sweep_seconds=sweep_seconds
    )
    return App(parts, Desk(parts), engine, role)


def _submit_nothing(_session: Session, _step: str, _key: str = "", _at: datetime | None = None) -> None:
    """Before there is an engine there is nobody to wake; its first sweep finds all work."""


def open_database(settings: Settings) -> Database:
    """Return the engine of the configured database; nothing is opened yet.

    Raises:
        ConfigError: the URL cannot be read, or the variable that should hold it is not set.
    """
    own = settings.earmark
    url = config.secret(own.database_url_env).get_secret_value() if own.database_url_env else own.database_url
    return db.connect(url, pool_size=own.workers + 4)


def create_if_new(settings: Settings) -> None:
    """Give an empty database its tables. One with an older schema is left alone: that wants a backup first.

    Raises:
        StorageError: the database is unreachable.
    """
    database = open_database(settings)
    if db.revision(database) is None:
        db.upgrade(database)
    database.dispose()


def cost_model_of(settings: LedgerSettings) -> CostModel:
    """Return the cost model with its taxonomy.

    Raises:
        ConfigError: the taxonomy file is missing or wrong.
    """
    path = Path(settings.taxonomy) if settings.taxonomy else None
    return cost_model(settings, load_taxonomy(path))


def tagger_of(settings: TaggerSettings, model: CostModel) -> Tagger:
    """Return the configured tagger, not loaded yet.

    Raises:
        ClassifierError: there is no such tagger.
    """
    import classifiers

    return classifiers.load(
        settings.model,
        reasons={reason.id: reason.phrases for reason in model.taxonomy.reasons.values() if reason.phrases},
        threads=settings.threads,
        review_below=settings.review_below,
        reason_min_confidence=settings.reason_min_confidence,
    )


def connectors_of(settings: Settings) -> dict[str, Connector]:
    """Return the connector of each channel, by the channel's name.

    Raises:
        ConfigError: an option is wrong or a secret is not set.
    """
    return {channel.name: connector_of(channel) for channel in settings.channels}


def connector_of(channel: Channel) -> Connector:
    """Return the connector of one channel.

    Raises:
        ConfigError: an option is wrong or a secret is not set.
    """
    return connectors.build(channel.connector, channel.name, channel.options, config.secret)


def slack_of(settings: Settings) -> WebClient | None:
    """Return the Slack client, without the SDK's retries: a lost answer is looked for, not posted again.

    Raises:
        ConfigError: the token is not set.
    """
    own = settings.slack
    if own is None:
        return None
    from slack_sdk import WebClient

    token = config.secret(own.bot_token_env).get_secret_value()
    return WebClient(token=token, base_url=own.api_url, retry_handlers=[], timeout=10)


def work_of(parts: Parts, role: Role) -> Work:
    """Return the steps and ticks of a role."""
    steps: dict[str, Step] = {}
    ticks: list[Tick] = []
    if role in {Role.ALL, Role.POLL}:
        steps["poll"] = lambda channel: _poll(parts, channel)
        ticks += [Tick("poll", channel.name, channel.poll_seconds) for channel in parts.settings.channels]
    if role in {Role.ALL, Role.WORK}:
        steps["tag"] = lambda _key: _tag(parts)
        steps["clock"] = lambda _key: _clock(parts)
        ticks.append(Tick("clock", "", CLOCK_SECONDS))
    if parts.slack is not None and role in {Role.ALL, Role.SLACK}:
        steps["deliver"] = lambda slack_channel: _deliver(parts, slack_channel)
    return Work(steps, tuple(ticks), lambda: _pending(parts))


def _poll(parts: Parts, channel: str) -> datetime | None:
    received = pipeline.receive(parts, channel)
    return parts.now() if received.more else received.again_at


def _tag(parts: Parts) -> datetime | None:
    return parts.now() if pipeline.tag(parts) else None


def _clock(parts: Parts) -> datetime | None:
    """Holds first, then promises, then estimates; the nightly summary when nothing else waits (specification 3)."""
    is_busy = pipeline.expire_holds(parts) == pipeline.HOLDS_A_TURN
    is_busy |= promising.ring(parts) == promising.ALARMS_A_TURN
    is_busy |= estimates.expire(parts) == estimates.ESTIMATES_A_TURN
    if is_busy:
        return parts.now()
    nightly.run(parts)
    return None


def _deliver(parts: Parts, slack_channel: str) -> datetime | None:
    from bot.slack.delivery import deliver

    if parts.slack is None or parts.settings.slack is None:
        return None
    return deliver(parts.database, parts.slack, slack_channel, now=parts.now, settings=parts.settings.slack)


def _pending(parts: Parts) -> Iterable[Job]:
    return pipeline.pending(parts)


def serve_board(parts: Parts, *, is_demo: bool = False, port: int | None = None) -> tuple[str, Callable[[], None]]:
    """Serve the board on the configured address, or on ``port``; return the address and what stops it.

    Raises:
        EarmarkError: the port is taken.
    """
    from bot.web.serving import start

    return start(parts, is_demo=is_demo, port=port)


def _start_slack(app: App) -> Callable[[], None]:
    """Listen to clicks in Slack; return what stops it.

    Cards that Slack refused before are tried once more: whoever starts us may just have let the bot into a channel.
    """
    from bot.slack.serving import start

    with db.transaction(app.parts.database) as session:
        settings = app.parts.settings
        for slack_channel in {queue.slack_channel for queue in settings.queues} | {settings.summary.slack_channel}:
            outbox.revive(session, slack_channel)
    return start(app.parts, app.desk)
