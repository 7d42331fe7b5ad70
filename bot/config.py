"""The configuration: ``load(path)`` returns frozen :class:`Settings` or says in one sentence what is wrong.

Secrets are never in the file: a key ending in ``_env`` names the environment variable that holds one,
and :func:`secret` reads it when a part is built.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.config_money import LedgerPriorities, LedgerRecharge, LedgerSavings
from bot.config_values import VARIABLE, ClockTime, Name, Section, Several, Text, Timezone, Variable, is_timezone
from bot.domain import Priority, Tag
from bot.errors import ConfigError
from bot.hours import WorkingSpan, parse_hours

DEFAULT_FILE = Path("config.toml")

_PASSWORD = re.compile(r"://[^/:@]*:[^@]+@|[?&](?:password|sslpassword)=", re.IGNORECASE)
"""Also one in the query, or one with a ``#`` or a ``/`` in it, where ``urlsplit`` sees the end of the host."""


class Earmark(Section):
    """``[earmark]``: the installation as a whole."""

    timezone: Annotated[Text, AfterValidator(is_timezone)] = "UTC"
    database_url: str = "sqlite:///earmark.sqlite"
    database_url_env: Variable = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    workers: int = Field(default=4, ge=1, le=64)
    engine: Literal["auto", "embedded", "cluster"] = "auto"

    @field_validator("database_url")
    @classmethod
    def _url_holds_no_password(cls, url: str) -> str:
        if has_password(url):
            message = (
                "a password does not belong in this file: put the whole URL into an environment variable"
                " and name it in earmark.database_url_env"
            )
            raise ValueError(message)
        return url


class Channel(BaseModel):
    """``[[channels]]``: one listening place. Keys beyond these belong to the connector, which checks them."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    name: Name
    connector: Name
    poll_seconds: float = Field(default=60.0, ge=0.05, le=86_400)

    @model_validator(mode="after")
    def _secrets_are_named(self) -> Self:
        for key, value in self.options.items():
            if key.endswith("_env") and not (isinstance(value, str) and (not value or VARIABLE.match(value))):
                message = f"{key} must be the name of an environment variable, in capitals, not the secret itself"
                raise ValueError(message)
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The connector's own keys, unchecked."""
        return dict(self.model_extra or {})

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        # Unchecked keys stay out: one of them may be a token that somebody pasted by mistake.
        return [("name", self.name), ("connector", self.connector), ("poll_seconds", self.poll_seconds)]


class SlaMinutes(Section):
    """Working minutes until the first answer is due, by tag (specification 2.13)."""

    complaint: int = Field(default=60, ge=1, le=525_600)
    request: int = Field(default=240, ge=1, le=525_600)
    praise: int = Field(default=1440, ge=1, le=525_600)

    def of(self, tag: Tag) -> int:
        """Minutes for ``tag``."""
        minutes: int = getattr(self, tag.value)
        return minutes


class Queue(Section):
    """``[[queues]]``: a service team, its Slack channel, its members, its hours."""

    name: Name
    slack_channel: str = ""
    members: Several[Text] = ()
    supervisors: Several[Text] = ()
    timezone: Timezone = ""
    hours: Several[str] = ()
    holidays: tuple[date, ...] = ()
    sla_minutes: SlaMinutes = SlaMinutes()

    @field_validator("hours")
    @classmethod
    def _hours_are_readable(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        for entry in hours:
            parse_hours(entry)
        return hours

    @property
    def spans(self) -> tuple[WorkingSpan, ...]:
        """Working time, by weekday and start; empty means round the clock."""
        spans = [span for entry in self.hours for span in parse_hours(entry)]
        return tuple(sorted(spans, key=lambda span: (span.weekday, span.start)))


class RouteRule(Section):
    """``[[routes]]``: conditions, all of which must hold, and where the mention then goes.

    A list means "any of these"; an absent condition always holds. Rules are tried in file order.
    """

    queue: str
    name: str = ""
    priority: Priority = Priority.NORMAL
    tag: Several[Tag] = ()
    reason: Several[Text] = ()
    channel: Several[Text] = ()
    platform: Several[Text] = ()
    language: Several[Text] = ()
    segment: Several[Text] = ()
    phrase: Several[Text] = ()
    followers_min: int | None = Field(default=None, ge=0)
    confidence_min: float | None = Field(default=None, ge=0, le=1)
    confidence_below: float | None = Field(default=None, ge=0, le=1)

    @property
    def is_catch_all(self) -> bool:
        """True when no condition is set."""
        lists = (self.tag, self.reason, self.channel, self.platform, self.language, self.segment, self.phrase)
        limits = (self.followers_min, self.confidence_min, self.confidence_below)
        return not any(lists) and all(limit is None for limit in limits)


class TaggerSettings(Section):
    """``[tagger]``: which model tags, and when a person should look."""

    model: str = "shipped"
    batch: int = Field(default=64, ge=1, le=1024)
    threads: int = Field(default=1, ge=1, le=64)
    review_below: float = Field(default=0.7, ge=0, le=1)
    reason_min_confidence: float = Field(default=0.0, ge=0, le=1)
    reasons: str = ""


ChannelKind = Literal["social", "dm", "chat", "email", "phone"]
Rate = Annotated[int, Field(ge=1, le=10_000_000)]


class LedgerCost(Section):
    """``[ledger.cost]``: how seconds become money (specification 1.6)."""

    rate_minor_per_hour: Rate = 3000
    rate_minor_per_hour_by_channel: dict[ChannelKind, Rate] = Field(default_factory=dict)
    rate_minor_per_hour_by_queue: dict[Name, Rate] = Field(default_factory=dict)
    fixed_minor: dict[ChannelKind, Annotated[int, Field(ge=0, le=10_000_000)]] = Field(default_factory=dict)
    approved_by: str = ""
    minutes_approved_by: str = ""
    channel_pct: dict[str, Annotated[int, Field(ge=1, le=10_000)]] = Field(
        default_factory=lambda: {"social": 100, "dm": 100, "chat": 100, "email": 120, "phone": 185}
    )
    bot_fixed_minor: int = Field(default=10, ge=1, le=10_000_000)
    followon_seconds: int = Field(default=60, ge=0, le=86_400)
    incident_bulk_seconds: int = Field(default=60, ge=1, le=86_400)
    promise_seconds: int = Field(default=300, ge=1, le=86_400)
    activity_gap_cap_seconds: int = Field(default=300, ge=30, le=86_400)
    practical_capacity_pct: int = Field(default=80, ge=1, le=100)
    hold_expiry_days: int = Field(default=3, ge=1, le=365)


class LedgerValue(Section):
    """``[ledger.value]``: value that is assumed until it is proven; 0 counts without money (specification 1.7)."""

    praise_public_minor: int = Field(default=0, ge=0, le=1_000_000_000)
    saved_customer_margin_12m_minor: int = Field(default=0, ge=0, le=1_000_000_000)
    saved_customer_uplift_bp: int = Field(default=0, ge=0, le=10_000)
    estimate_expiry_days: int = Field(default=180, ge=1, le=3_650)


class LedgerRepeat(Section):
    """``[ledger.repeat]``: when a case follows another, and who bears it (specification 1.5, 2.6)."""

    window_days: int = Field(default=7, ge=1, le=365)
    reason_window_days: dict[Name, Annotated[int, Field(ge=1, le=365)]] = Field(default_factory=dict)
    contact_gap_hours: int = Field(default=24, ge=1, le=720)
    after_resolved_owner: Literal["service", "owner", "split"] = "service"

    def window(self, reason: str) -> timedelta:
        """How long after a case was resolved another one with this reason repeats it."""
        return timedelta(days=self.reason_window_days.get(reason, self.window_days))

    @property
    def longest_window(self) -> timedelta:
        """The longest of all windows: what lies further back repeats nothing."""
        return timedelta(days=max([self.window_days, *self.reason_window_days.values()]))


class LedgerAudit(Section):
    """``[ledger.audit]``: how many of a day's taggings supervisors are asked to judge (specification 5 and 6)."""

    sample_per_night: int = Field(default=20, ge=0, le=1_000)


class LedgerSettings(Section):
    """``[ledger]``: the value/waste ledger."""

    currency: str = Field(default="GBP", pattern=r"^[A-Z]{3}$")
    taxonomy: str = ""
    mode: Literal["showback", "recharge"] = "showback"
    finance: Several[Text] = ()
    cost: LedgerCost = LedgerCost()
    value: LedgerValue = LedgerValue()
    repeat: LedgerRepeat = LedgerRepeat()
    recharge: LedgerRecharge = LedgerRecharge()
    savings: LedgerSavings = LedgerSavings()
    priorities: LedgerPriorities = LedgerPriorities()
    audit: LedgerAudit = LedgerAudit()


class ProductTeam(Section):
    """``[[product_teams]]``: who is asked for what customers want, where it hears of it, and for which reasons."""

    name: Name
    slack_channel: str = ""
    reasons: Several[Text] = ()


class SlackSettings(Section):
    """``[slack]``: the workspace. Leave the section out, and cards live on the board only."""

    bot_token_env: Variable = "SLACK_BOT_TOKEN"  # noqa: S105  # the name of a variable
    app_token_env: Variable = "SLACK_APP_TOKEN"  # noqa: S105  # the name of a variable
    signing_secret_env: Variable = "SLACK_SIGNING_SECRET"  # noqa: S105  # the name of a variable
    mode: Literal["socket", "http"] = "socket"
    http_port: int = Field(default=3000, ge=0, le=65_535)
    api_url: str = "https://slack.com/api/"
    agents_see_money: bool = False
    seconds_between_messages: float = Field(default=1.0, ge=0.0, le=60)
    quiesce_seconds: float = Field(default=15.0, ge=0.0, le=600)


class WebSettings(Section):
    """``[web]``: the board; and where metrics are served, beside the board or without it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)


class SummarySettings(Section):
    """``[summary]``: where the nightly summary goes, and from which time on the day before can be summed up."""

    slack_channel: str = ""
    post_after: ClockTime = "00:10"


class Settings(Section):
    """A whole configuration, checked. See config.example.toml for every key."""

    earmark: Earmark = Earmark()
    channels: tuple[Channel, ...] = Field(min_length=1)
    queues: tuple[Queue, ...] = Field(min_length=1)
    routes: tuple[RouteRule, ...] = Field(min_length=1)
    product_teams: tuple[ProductTeam, ...] = ()
    tagger: TaggerSettings = TaggerSettings()
    ledger: LedgerSettings = LedgerSettings()
    slack: SlackSettings | None = None
    web: WebSettings = WebSettings()
    summary: SummarySettings = SummarySettings()

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        _refuse_twins("channels", [channel.name for channel in self.channels])
        _refuse_twins("queues", [queue.name for queue in self.queues])
        _refuse_twins("product_teams", [team.name for team in self.product_teams])
        queues, channels = [queue.name for queue in self.queues], [channel.name for channel in self.channels]
        for number, rule in enumerate(self.routes, start=1):
            _refuse_strangers(f"routes[{number}].queue", [rule.queue], queues)
            _refuse_strangers(f"routes[{number}].channel", rule.channel, channels)
        rated = self.ledger.cost.rate_minor_per_hour_by_queue
        _refuse_strangers("ledger.cost.rate_minor_per_hour_by_queue", rated, queues, noun="queue")
        self._last_route_catches_all()
        return self

    def _last_route_catches_all(self) -> None:
        if not self.routes[-1].is_catch_all:
            message = (
                f"routes[{len(self.routes)}]: the last route must have no conditions,"
                " so that every mention goes somewhere; add one with only a queue"
            )
            raise ValueError(message)
        for number, rule in enumerate(self.routes[:-1], start=1):
            if rule.is_catch_all:
                message = (
                    f"routes[{number}]: it has no conditions, so no later route is ever reached; move it to the end"
                )
                raise ValueError(message)

    def queue(self, name: str) -> Queue | None:
        """The queue of that name; None when the config no longer has it."""
        return next((queue for queue in self.queues if queue.name == name), None)

    def product_team(self, name: str) -> ProductTeam | None:
        """The product team of that name; None where the config names none such."""
        return next((team for team in self.product_teams if team.name == name), None)


def _refuse_twins(key: str, names: list[str]) -> None:
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            message = f"{key}[{number}].name: two {key} are named '{name}'; rename one"
            raise ValueError(message)


def _refuse_strangers(key: str, names: Iterable[str], known: list[str], *, noun: str = "") -> None:
    for name in names:
        if name not in known:
            message = f"{key}: there is no {noun or key.rpartition('.')[2]} '{name}'; known: {', '.join(sorted(known))}"
            raise ValueError(message)


def load(path: Path = DEFAULT_FILE) -> Settings:
    """Return the settings of a TOML file.

    Raises:
        ConfigError: the file is missing, is no TOML, or a key is wrong; one sentence with file and key.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        message = f"{path}: there is no such file; copy config.example.toml to {path} and edit it"
        raise ConfigError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); check its path and permissions"
        raise ConfigError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: is not valid TOML ({error}); correct that line"
        raise ConfigError(message) from error
    return parse(raw, source=str(path))


def parse(raw: dict[str, Any], *, source: str) -> Settings:
    """Return the settings of parsed TOML; ``source`` names the file in errors.

    Raises:
        ConfigError: a key is wrong.
    """
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        message = f"{source}: {first_problem(error)}"
        raise ConfigError(message) from error


_PLAINLY = {
    "tuple_type": "this must be a list in square brackets",
    "too_short": "this list is empty; add at least one",
    "model_type": "this must be a section with keys of its own",
    "string_too_short": "this is empty; write something or leave the key out",
}


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a pydantic error as ``key: what is wrong``, without the value given."""
    problem = error.errors(include_url=False, include_input=False)[0]
    key = _dotted(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: this key is not known; see config.example.toml for every key"
    if problem["type"] == "missing":
        return f"{key}: this key is missing; add it"
    text = _PLAINLY.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    return f"{key}: {text}" if key else text


def _dotted(location: tuple[int | str, ...]) -> str:
    """``('queues', 0, 'name')`` → ``queues[1].name``: people count from one."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")


def has_password(url: str) -> bool:
    """True when a database URL holds a password."""
    return bool(_PASSWORD.search(url))


def secret(variable: str) -> SecretStr:
    """Return the secret held by an environment variable.

    Raises:
        ConfigError: the variable is not set.
    """
    value = os.environ.get(variable, "")
    if not value:
        message = f"the environment variable {variable} is not set; export it, or name another one in the config"
        raise ConfigError(message)
    return SecretStr(value)
