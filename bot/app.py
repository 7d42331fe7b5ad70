"""The wiring: ``build(settings)`` picks connectors, tagger, database, engine and Slack. Nothing else knows them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Engine as Database
from sqlmodel import Session

import connectors
from bot import config, estimates, incidents, nightly, overdue, pipeline, promising, replying
from bot.config import Channel, LedgerSettings, Settings, TaggerSettings
from bot.desk import Desk
from bot.domain import Connector, Tagger
from bot.engine import Engine, Job, Step, Tick, Work
from bot.engine.embedded import Embedded
from bot.engine.ticking import SWEEP_SECONDS
from bot.errors import ConfigError
from bot.ledger.model import CostModel, cost_model
from bot.ledger.taxonomy import load_taxonomy
from bot.operating.beating import Heart
from bot.operating.counters import counted
from bot.parts import Parts, utc_now
from storage import channels, db, ledger, locks, outbox, relocation
from storage.database_clock import DatabaseClock

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from starlette.routing import BaseRoute

CLOCK_SECONDS = 60.0
TAG_SHARDS = 8
"""How many workers of a cluster tag at once, at most: about as many as keep the ledger's one chain busy."""
DELIVER_AGAIN_S = 2.0
"""How long to leave a Slack channel alone that another process delivers to."""
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
    engine: Engine
    role: Role

    def run(self, stop: threading.Event, *, metrics_port: int | None = None) -> None:
        """Serve until ``stop`` is set, then finish what runs and return.

        ``metrics_port`` is where the probes are served besides the board; None is what the configuration says.
        """
        with db.transaction(self.parts.database) as session:
            if relocation.resume(session, now=self.parts.now()):
                log.warning("goes_on_from_a_copy")
        with ExitStack() as stack:
            probes = self.probes()
            if self.parts.slack is not None and self.role in {Role.ALL, Role.SLACK}:
                stack.callback(_start_slack(self))
            if self.role in {Role.ALL, Role.WEB}:
                address, stop_board = serve_board(self.parts, probes=probes)
                stack.callback(stop_board)
                log.info("board", address=address)
            port = self.parts.settings.web.metrics_port if metrics_port is None else metrics_port
            if port is not None:
                address, stop_probes = _serve_probes(self.parts, port, probes)
                stack.callback(stop_probes)
                log.info("metrics", address=address)
            heart = Heart(self.parts, self.role.value, self.engine.pulse)
            heart.start()
            stack.callback(heart.stop)
            log.info("started", role=self.role.value, channels=len(self.parts.connectors))
            self.engine.run(stop)
            log.info("stopping")
        self.parts.database.dispose()

    def probes(self) -> list[BaseRoute]:
        """What this process says of itself to machines: ``/healthz``, ``/readyz``, ``/metrics``."""
        from bot.operating.probes import Probes

        return Probes(self.parts, self.engine.pulse, tags=self.role in {Role.ALL, Role.WORK}).routes()


def build(
    settings: Settings,
    *,
    role: Role = Role.ALL,
    tagger: Tagger | None = None,
    now: Callable[[], datetime] | None = None,
) -> App:
    """Return the app of a configuration. Opens the database, which must be migrated; talks to nobody else yet.

    The time is ``now``, else the database's in a cluster, whose machines may differ, else this machine's.

    Raises:
        ConfigError: a channel's options or a secret are wrong.
        StorageError: the database is unreachable or its schema is not the newest.
    """
    database = open_database(settings)
    is_cluster = is_clustered(settings, database)
    db.require_newest(database, with_jobs=is_cluster)
    now = now or (DatabaseClock(database) if is_cluster else utc_now)
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
        shards=TAG_SHARDS if is_cluster else 1,
    )
    with db.transaction(database) as session:
        relocation.require_here(session)
        ledger.record_config(session, model, now=now())
        channels.ensure(session, [channel.name for channel in settings.channels])
    return _with_engine(parts, role, is_cluster=is_cluster)


def is_clustered(settings: Settings, database: Database) -> bool:
    """True when several processes share the work by a job table.

    Raises:
        ConfigError: the database cannot hold one, or procrastinate is not installed.
    """
    wanted, is_postgresql = settings.earmark.engine, database.dialect.name == "postgresql"
    if wanted == "cluster" and not is_postgresql:
        raise ConfigError("earmark.engine: 'cluster' needs PostgreSQL; put its URL into earmark.database_url")
    if wanted == "embedded" or not is_postgresql:
        return False
    if find_spec("procrastinate") is None:
        raise ConfigError(
            "earmark.engine: on PostgreSQL the package 'procrastinate' is needed; pip install 'earmark[postgres]',"
            " or set earmark.engine to 'embedded' for a single machine"
        )
    return True


def _with_engine(parts: Parts, role: Role, *, is_cluster: bool) -> App:
    """The steps need to wake the engine, and the engine needs the steps: the knot is tied here."""
    engine: Engine

    def submit(session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        engine.submit(session, step, key, at)

    parts = replace(parts, submit=submit)
    work = work_of(parts, role, go_on=lambda: not engine.is_stopping)
    engine = _cluster(parts, work) if is_cluster else _embedded(parts, work, role)
    return App(parts, Desk(parts), engine, role)


def _embedded(parts: Parts, work: Work, role: Role) -> Engine:
    sweep_seconds = SWEEP_SECONDS if role is Role.ALL else SHARED_SWEEP_SECONDS
    return Embedded(work, workers=parts.settings.earmark.workers, now=parts.now, sweep_seconds=sweep_seconds)


def _cluster(parts: Parts, work: Work) -> Engine:
    from bot.engine.cluster import Cluster

    set_clock = parts.now.set if isinstance(parts.now, DatabaseClock) else None
    return Cluster(work, parts.database, workers=parts.settings.earmark.workers, now=parts.now, set_clock=set_clock)


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
        ConfigError: the taxonomy file is missing or wrong, or does not know a reason that the configuration names.
    """
    path = Path(settings.taxonomy) if settings.taxonomy else None
    taxonomy = load_taxonomy(path)
    for reason in settings.repeat.reason_window_days:
        if reason not in taxonomy.reasons:
            message = f"ledger.repeat.reason_window_days: there is no reason '{reason}' in the taxonomy"
            raise ConfigError(f"{message}; known: {', '.join(sorted(taxonomy.reasons))}")
    return cost_model(settings, taxonomy)


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
        learnt=Path(settings.reasons) if settings.reasons else None,
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


def work_of(parts: Parts, role: Role, *, go_on: Callable[[], bool]) -> Work:
    """Return the steps and ticks of a role. A long step asks ``go_on`` whether to."""
    steps: dict[str, Step] = {}
    ticks: list[Tick] = []
    if role in {Role.ALL, Role.POLL}:
        steps["poll"] = lambda channel: _poll(parts, channel)
        steps["reply"] = lambda channel: replying.send(parts, channel)
        ticks += [Tick("poll", channel.name, channel.poll_seconds) for channel in parts.settings.channels]
    if role in {Role.ALL, Role.WORK}:
        steps["tag"] = lambda shard: _tag(parts, shard, go_on)
        steps["clock"] = lambda _key: _clock(parts)
        ticks.append(Tick("clock", "", CLOCK_SECONDS))
    if parts.slack is not None and role in {Role.ALL, Role.SLACK}:
        steps["deliver"] = lambda slack_channel: _deliver(parts, slack_channel)
    steps = {name: counted(name, step) for name, step in steps.items()}
    return Work(steps, tuple(ticks), lambda: _pending(parts))


def _poll(parts: Parts, channel: str) -> datetime | None:
    received = pipeline.receive(parts, channel)
    return parts.now() if received.more else received.again_at


def _tag(parts: Parts, shard: str, go_on: Callable[[], bool]) -> datetime | None:
    return parts.now() if pipeline.tag(parts, shard, go_on=go_on) else None


def _clock(parts: Parts) -> datetime | None:
    """Holds first, then promises, what is overdue, estimates, incidents; the nightly summary when nothing waits."""
    is_busy = pipeline.expire_holds(parts) == pipeline.HOLDS_A_TURN
    is_busy |= promising.ring(parts) == promising.ALARMS_A_TURN
    is_busy |= overdue.call(parts) == overdue.CALLS_A_TURN
    is_busy |= estimates.expire(parts) == estimates.ESTIMATES_A_TURN
    incidents.watch(parts)
    if is_busy:
        return parts.now()
    nightly.run(parts)
    return None


def _deliver(parts: Parts, slack_channel: str) -> datetime | None:
    from bot.slack.delivery import deliver

    if parts.slack is None or parts.settings.slack is None:
        return None
    with locks.only_one(parts.database, f"deliver:{slack_channel}") as held:
        if held is None:
            return parts.now() + timedelta(seconds=DELIVER_AGAIN_S)
        return deliver(
            parts.database,
            parts.slack,
            slack_channel,
            now=parts.now,
            settings=parts.settings.slack,
            is_alone=held.is_held,
        )


def _pending(parts: Parts) -> Iterable[Job]:
    return pipeline.pending(parts)


def serve_board(
    parts: Parts, *, is_demo: bool = False, port: int | None = None, probes: Sequence[BaseRoute] = ()
) -> tuple[str, Callable[[], None]]:
    """Serve the board on the configured address, or on ``port``; return the address and what stops it.

    Raises:
        EarmarkError: the port is taken.
    """
    from bot.web.serving import start

    return start(parts, is_demo=is_demo, port=port, probes=probes)


def _serve_probes(parts: Parts, port: int, probes: Sequence[BaseRoute]) -> tuple[str, Callable[[], None]]:
    from bot.web.serving import start_probes

    return start_probes(parts, port, probes)


def _start_slack(app: App) -> Callable[[], None]:
    """Listen to clicks in Slack; return what stops it.

    Cards that Slack refused before are tried once more: whoever starts us may just have let the bot into a channel.
    """
    from bot.slack.serving import start

    with db.transaction(app.parts.database) as session:
        settings = app.parts.settings
        shown = {queue.slack_channel for queue in settings.queues} | {settings.summary.slack_channel}
        for slack_channel in sorted(shown | {team.slack_channel for team in settings.product_teams}):
            outbox.revive(session, slack_channel)
    return start(app.parts, app.desk)
