"""The configuration: ``load(path)`` returns frozen :class:`Settings` or says in one sentence what is wrong.

Secrets are never in the file: a key ending in ``_env`` names the environment variable that holds one,
and :func:`secret` reads it when a part is built.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.domain import Priority, Tag
from bot.errors import ConfigError
from bot.hours import WorkingSpan, parse_hours

DEFAULT_FILE = Path("config.toml")

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}\Z")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")
_PASSWORD = re.compile(r"://[^/:@]*:[^@]+@|[?&](?:password|sslpassword)=", re.IGNORECASE)
"""Also one in the query, or one with a ``#`` or a ``/`` in it, where ``urlsplit`` sees the end of the host."""


def _is_name(value: str) -> str:
    if not _NAME.match(value):
        message = f"'{value}' is no name: use lower-case letters, digits, '.', '-' and '_'"
        raise ValueError(message)
    return value


def _is_timezone(value: str) -> str:
    try:
        ZoneInfo(value or "UTC")
    except (KeyError, ValueError, OSError) as error:
        message = f"'{value}' is no time zone: use a name such as 'Europe/London' or 'UTC'"
        raise ValueError(message) from error
    return value


def _is_variable(value: str) -> str:
    if value and not _VARIABLE.match(value):
        # The value is not repeated: somebody may have pasted the secret itself. Lower-case letters are refused
        # because nearly every token has some, and hardly any variable.
        message = "this must be the name of an environment variable, in capitals, not the secret itself"
        raise ValueError(message)
    return value


def _is_clock_time(value: str) -> str:
    if not _CLOCK_TIME.match(value):
        message = f"'{value}' is no time of day: write 00:00 to 23:59"
        raise ValueError(message)
    return value


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_is_name)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Timezone = Annotated[str, AfterValidator(_is_timezone)]
ClockTime = Annotated[str, AfterValidator(_is_clock_time)]
"""A time of day such as ``00:10``, on the clock of the reporting time zone."""
Variable = Annotated[str, AfterValidator(_is_variable)]

_T = TypeVar("_T")
Several = Annotated[tuple[_T, ...], BeforeValidator(_one_or_several)]
"""A list; a single text stands for a list of one."""


class Section(BaseModel):
    """What all sections share: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Earmark(Section):
    """``[earmark]``: the installation as a whole."""

    timezone: Annotated[Text, AfterValidator(_is_timezone)] = "UTC"
    database_url: str = "sqlite:///earmark.sqlite"
    database_url_env: Variable = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    workers: int = Field(default=4, ge=1, le=64)

    @field_validator("database_url")
    @classmethod
    def _url_holds_no_password(cls, url: str) -> str:
        if _PASSWORD.search(url):
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
            if key.endswith("_env") and not (isinstance(value, str) and (not value or _VARIABLE.match(value))):
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


class LedgerCost(Section):
    """``[ledger.cost]``: how seconds become money (specification 1.6)."""

    rate_minor_per_hour: int = Field(default=3000, ge=1, le=10_000_000)
    approved_by: str = ""
    channel_pct: dict[str, Annotated[int, Field(ge=1, le=10_000)]] = Field(
        default_factory=lambda: {"social": 100, "dm": 100, "chat": 100, "email": 120, "phone": 185}
    )
    bot_fixed_minor: int = Field(default=10, ge=1, le=10_000_000)
    followon_seconds: int = Field(default=60, ge=0, le=86_400)
    incident_bulk_seconds: int = Field(default=60, ge=1, le=86_400)
    promise_seconds: int = Field(default=300, ge=1, le=86_400)
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
    contact_gap_hours: int = Field(default=24, ge=1, le=720)
    after_resolved_owner: Literal["service", "owner", "split"] = "service"


class LedgerSettings(Section):
    """``[ledger]``: the value/waste ledger."""

    currency: str = Field(default="GBP", pattern=r"^[A-Z]{3}$")
    taxonomy: str = ""
    cost: LedgerCost = LedgerCost()
    value: LedgerValue = LedgerValue()
    repeat: LedgerRepeat = LedgerRepeat()


class SlackSettings(Section):
    """``[slack]``: the workspace. Leave the section out, and cards live on the board only."""

    bot_token_env: Variable = "SLACK_BOT_TOKEN"  # noqa: S105  # the name of a variable
    app_token_env: Variable = "SLACK_APP_TOKEN"  # noqa: S105  # the name of a variable
    signing_secret_env: Variable = "SLACK_SIGNING_SECRET"  # noqa: S105  # the name of a variable
    mode: Literal["socket", "http"] = "socket"
    http_port: int = Field(default=3000, ge=0, le=65_535)
    api_url: str = "https://slack.com/api/"
    seconds_between_messages: float = Field(default=1.0, ge=0.0, le=60)
    quiesce_seconds: float = Field(default=15.0, ge=0.0, le=600)


class WebSettings(Section):
    """``[web]``: the board."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)


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
    tagger: TaggerSettings = TaggerSettings()
    ledger: LedgerSettings = LedgerSettings()
    slack: SlackSettings | None = None
    web: WebSettings = WebSettings()
    summary: SummarySettings = SummarySettings()

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        _refuse_twins("channels", [channel.name for channel in self.channels])
        _refuse_twins("queues", [queue.name for queue in self.queues])
        queues, channels = [queue.name for queue in self.queues], [channel.name for channel in self.channels]
        for number, rule in enumerate(self.routes, start=1):
            _refuse_strangers(f"routes[{number}].queue", [rule.queue], queues)
            _refuse_strangers(f"routes[{number}].channel", rule.channel, channels)
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


def _refuse_twins(key: str, names: list[str]) -> None:
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            message = f"{key}[{number}].name: two {key} are named '{name}'; rename one"
            raise ValueError(message)


def _refuse_strangers(key: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            noun = key.rpartition(".")[2]
            message = f"{key}: there is no {noun} '{name}'; known: {', '.join(sorted(known))}"
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
