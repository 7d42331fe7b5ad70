"""``earmark check``: proves a set-up, part by part, and says what to mend. It stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from bot import app, config
from bot.config import Channel, Settings
from bot.domain import CaseState
from bot.errors import ConfigError, EarmarkError, SlackError
from storage import channels, db
from storage.cases import CaseFilter, page_count

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse

PROBE = "Where is my parcel? It should have been here on Monday."


@dataclass(frozen=True, slots=True)
class Check:
    """One part to prove: returns what was found, or raises with what to mend."""

    part: str
    prove: Callable[[], str]


def run(settings: Settings, *, print_line: Callable[[str], None]) -> bool:
    """Prove every part, also after one that fails; True when all hold."""
    failed = 0
    for check in _checks(settings):
        try:
            print_line(f"ok    {check.part}: {check.prove()}")
        except EarmarkError as error:
            failed += 1
            print_line(f"FAIL  {check.part}: {error}")
    print_line("All is well." if not failed else f"{failed} of the checks failed; mend them from the top.")
    return not failed


def _checks(settings: Settings) -> Iterator[Check]:
    yield Check("config", lambda: f"{len(settings.channels)} channels, {len(settings.queues)} queues")
    yield Check("routes", partial(_routes, settings))
    yield Check("database", partial(_database, settings))
    yield Check("taxonomy", partial(_taxonomy, settings))
    yield Check("model", partial(_model, settings))
    for channel in settings.channels:
        yield Check(f"channel {channel.name}", partial(_channel, settings, channel))
    if settings.slack is None:
        yield Check("slack", lambda: "not configured; cards live on the board only")
        return
    yield Check("slack", partial(_slack, settings))
    for queue in settings.queues:
        if queue.slack_channel:
            yield Check(f"queue {queue.name}", partial(_slack_channel, settings, queue.slack_channel))
    for team in settings.product_teams:
        if team.slack_channel:
            yield Check(f"product team {team.name}", partial(_slack_channel, settings, team.slack_channel))
    if settings.summary.slack_channel:
        yield Check("summary", partial(_slack_channel, settings, settings.summary.slack_channel))


def _routes(settings: Settings) -> str:
    """Reasons in the routes must exist, or the rule would never match."""
    known = app.cost_model_of(settings.ledger).taxonomy.reasons
    for number, rule in enumerate(settings.routes, start=1):
        for reason in rule.reason:
            if reason not in known:
                raise ConfigError(f"routes[{number}].reason: the taxonomy has no reason '{reason}'; correct it")
    return f"{len(settings.routes)} rules, the last catches all"


def _database(settings: Settings) -> str:
    database = app.open_database(settings)
    try:
        revision = db.revision(database)
        if revision is None:
            return "reachable and empty; 'earmark run' gives it its tables"
        db.require_newest(database, with_jobs=app.is_clustered(settings, database))
        with db.reading(database) as session:
            waiting = page_count(session, CaseFilter(states=(CaseState.OPEN, CaseState.CLAIMED)))
        return f"reachable, schema {revision}, {waiting} cases waiting"
    finally:
        database.dispose()


def _taxonomy(settings: Settings) -> str:
    model = app.cost_model_of(settings.ledger)
    unsigned = "" if model.approved_by else "; the hourly rate is a placeholder until ledger.cost.approved_by is set"
    return f"{len(model.taxonomy.reasons)} reasons, version {model.config_version}{unsigned}"


def _model(settings: Settings) -> str:
    tagger = app.tagger_of(settings.tagger, app.cost_model_of(settings.ledger))
    [tagging] = tagger.tag([PROBE])
    return f"{tagger.version} tags a probe as {tagging.primary or 'other'}, {tagging.reason}"


def _channel(settings: Settings, channel: Channel) -> str:
    """Poll from where the channel was left, and keep nothing of it."""
    connector = app.connector_of(channel)
    page = connector.poll(_cursor(settings, channel.name))
    more = " and more" if page.more else ""
    billed = f", {page.cost.billed_items} billed items" if page.cost.billed_items else ""
    return f"answers; {len(page.mentions)} mentions wait{more}{billed}"


def _cursor(settings: Settings, channel: str) -> str | None:
    database = app.open_database(settings)
    try:
        if db.revision(database) is None:
            return None
        with db.reading(database) as session:
            return channels.place(session, channel).cursor
    finally:
        database.dispose()


def _slack(settings: Settings) -> str:
    own, client = settings.slack, app.slack_of(settings)
    if own is None or client is None:
        return "not configured"
    config.secret(own.app_token_env if own.mode == "socket" else own.signing_secret_env)
    answer = _called(partial(client.auth_test))
    return f"signed in as {answer.get('user')} in {answer.get('team')}"


def _slack_channel(settings: Settings, slack_channel: str) -> str:
    client = app.slack_of(settings)
    if client is None:
        return "not configured"
    answer = _called(partial(client.conversations_info, channel=slack_channel))
    found = dict(answer["channel"])
    if not found.get("is_member", True):
        raise SlackError(f"the bot is not in {slack_channel}; invite it with /invite in that channel", permanent=True)
    return f"the bot is in #{found.get('name', slack_channel)}"


def _called(call: Callable[[], SlackResponse]) -> dict[str, Any]:
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        return dict(cast("dict[str, Any]", call().data))
    except SlackApiError as error:
        code = error.response["error"]
        raise SlackError(f"Slack answered '{code}'; see docs/slack.md for what the app needs", code=code) from error
    except (SlackClientError, OSError) as error:
        raise SlackError(
            f"Slack did not answer ({type(error).__name__}); check slack.api_url and the network"
        ) from error
