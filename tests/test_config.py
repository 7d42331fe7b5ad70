from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot.config import Channel, Queue, RouteRule, Settings, SlackSettings, load, parse, secret
from bot.config_values import Section
from bot.domain import Priority, Tag
from bot.errors import ConfigError
from bot.hours import WorkingSpan, parse_hours

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
TOKEN = "xoxb-1234-abcdEFGH"
SMALLEST = """
[[channels]]
name = "sample"
connector = "replay"
path = "mentions.jsonl"
[[queues]]
name = "care"
slack_channel = "C1"
[[routes]]
queue = "care"
"""


def load_text(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load_text(tmp_path, text)
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / 'config.toml'}: ")
    assert "\n" not in message
    return message.removeprefix(f"{tmp_path / 'config.toml'}: ")


def test_the_smallest_config_runs(tmp_path: Path) -> None:
    settings = load_text(tmp_path, SMALLEST)

    assert [channel.name for channel in settings.channels] == ["sample"]
    assert settings.channels[0].options == {"path": "mentions.jsonl"}
    assert settings.routes == (RouteRule(queue="care"),)
    assert settings.queue("care") == Queue(name="care", slack_channel="C1")
    assert settings.queue("gone") is None
    assert settings.earmark.database_url == "sqlite:///earmark.sqlite"
    assert settings.slack is None


def test_a_full_config_is_read(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        """
        [earmark]
        timezone = "Europe/London"
        [[channels]]
        name = "shop"
        connector = "x"
        token_env = "X_TOKEN"
        [[queues]]
        name = "care"
        hours = "mon-tue 9:00-17:30"
        holidays = [2026-12-25]
        [queues.sla_minutes]
        complaint = 30
        [[routes]]
        queue = "care"
        tag = "complaint"
        phrase = ["money back", " cancel "]
        priority = "high"
        [[routes]]
        queue = "care"
        """,
    )

    care, rule = settings.queues[0], settings.routes[0]
    assert care.spans == (WorkingSpan(0, time(9), time(17, 30)), WorkingSpan(1, time(9), time(17, 30)))
    assert care.holidays == (date(2026, 12, 25),)
    assert [care.sla_minutes.of(tag) for tag in (Tag.COMPLAINT, Tag.REQUEST, Tag.PRAISE)] == [30, 240, 1440]
    assert (rule.tag, rule.phrase, rule.priority) == ((Tag.COMPLAINT,), ("money back", "cancel"), Priority.HIGH)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load_text(tmp_path, "\N{ZERO WIDTH NO-BREAK SPACE}" + SMALLEST).queues[0].name == "care"


@pytest.mark.parametrize(
    ("changed", "to", "message"),
    [
        ("", "[earmark]\ntimezon = 'UTC'", "earmark.timezon: this key is not known; see config.example.toml"),
        ("", "[earmrk]", "earmrk: this key is not known"),
        ('slack_channel = "C1"', "chanel = 'C1'", "queues[1].chanel: this key is not known"),
        ('name = "care"', "", "queues[1].name: this key is missing; add it"),
        ("", "[earmark]\ntimezone = 'Europe/Londn'", "earmark.timezone: 'Europe/Londn' is no time zone"),
        ("", "[earmark]\ntimezone = ''", "earmark.timezone: this is empty"),
        ("", "[earmark]\ntimezone = '../etc/passwd'", "earmark.timezone: '../etc/passwd' is no time zone"),
        ('slack_channel = "C1"', "timezone = 'London'", "queues[1].timezone: 'London' is no time zone"),
        ('slack_channel = "C1"', "hours = ['9 to 5']", "queues[1].hours: '9 to 5' cannot be read as working hours"),
        ('slack_channel = "C1"', "hours = ['mon 25:00-26:00']", "queues[1].hours: '25:00' is no time of day"),
        ('slack_channel = "C1"', "hours = ['mon 17:00-9:00']", "queues[1].hours: 'mon 17:00-9:00' ends before it"),
        ('slack_channel = "C1"', "hours = 9", "queues[1].hours: this must be a list in square brackets"),
        ('slack_channel = "C1"', "holidays = ['Easter']", "queues[1].holidays[1]: Input should be a valid date"),
        ('slack_channel = "C1"', "sla_minutes = 60", "queues[1].sla_minutes: this must be a section"),
        ('slack_channel = "C1"', "sla_minutes.praise = 0", "queues[1].sla_minutes.praise: Input should be greater"),
        ("", "[summary]\npost_after = '24:00'", "summary.post_after: '24:00' is no time of day: write 00:00 to 23:59"),
        ("", "[summary]\npost_after = '0:10'", "summary.post_after: '0:10' is no time of day"),
        ('queue = "care"', 'queue = "car"', "routes[1].queue: there is no queue 'car'; known: care"),
        (
            "",
            "[ledger.cost]\nrate_minor_per_hour_by_queue = { car = 1 }",
            "ledger.cost.rate_minor_per_hour_by_queue: there is no queue 'car'; known: care",
        ),
        ("", "[ledger.cost]\nfixed_minor = { telephone = 25 }", "ledger.cost.fixed_minor.telephone"),
        ('queue = "care"', 'queue = "care"\ntag = "praise"', "routes[1]: the last route must have no conditions"),
        (
            'queue = "care"',
            'queue = "care"\n[[routes]]\nqueue = "care"',
            "routes[1]: it has no conditions, so no later",
        ),
        ('queue = "care"', 'queue = "care"\ntag = "anger"', "routes[1].tag[1]: Input should be 'complaint', 'praise'"),
        ('queue = "care"', 'queue = "care"\nphrase = " "', "routes[1].phrase[1]: this is empty"),
        ('queue = "care"', 'queue = "care"\nchannel = "shop"', "routes[1].channel: there is no channel 'shop'"),
        ("[[routes]]", "[[queues]]\nname = 'care'\n[[routes]]", "queues[2].name: two queues are named 'care'"),
        ("[[queues]]", "[[channels]]\nname = 'sample'\nconnector = 'x'\n[[queues]]", "channels[2].name: two channels"),
        ('name = "care"', 'name = "Care team"', "queues[1].name: 'Care team' is no name: use lower-case letters"),
        ('queue = "care"', "queue = ", "is not valid TOML (Invalid value (at line 10, column 9)); correct that line"),
        (SMALLEST, "", "channels: this key is missing; add it"),
        (SMALLEST, "channels = []", "channels: this list is empty; add at least one"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_file_and_key(tmp_path: Path, changed: str, to: str, message: str) -> None:
    text = SMALLEST.replace(changed, to, 1) if changed else to + SMALLEST

    assert refusal(tmp_path, text).startswith(message)


def test_a_file_that_is_missing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config.toml: there is no such file; copy config.example.toml to"):
        load(tmp_path / "config.toml")


def test_a_folder_in_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_bytes_that_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="is not valid TOML"):
        load(tmp_path / "config.toml")


@pytest.mark.parametrize(
    ("changed", "to", "key"),
    [
        ("", f"[slack]\nbot_token_env = '{TOKEN}'\n", "slack.bot_token_env"),
        ("", "[slack]\nsigning_secret_env = '8f742231b10e8888abcd99yyyzzz85a5'\n", "slack.signing_secret_env"),
        ("", f"[slack]\nbot_token = '{TOKEN}'\n", "slack.bot_token"),
        ("", f"[earmark]\ndatabase_url_env = 'postgresql://ann:{TOKEN}@db/earmark'\n", "earmark.database_url_env"),
        ("path", f"token_env = '{TOKEN}'\npath", "channels[1]: token_env"),
        ("path", "token_env = 42\npath", "channels[1]: token_env"),
    ],
)
def test_a_secret_pasted_into_the_file_is_refused_and_never_repeated(
    tmp_path: Path, changed: str, to: str, key: str
) -> None:
    message = refusal(tmp_path, SMALLEST.replace(changed, to, 1) if changed else to + SMALLEST)

    assert message.startswith(key)
    assert TOKEN not in message
    assert "8f742231b10e8888abcd99yyyzzz85a5" not in message


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{TOKEN}@db/earmark",
        f"postgresql://:{TOKEN}@db/earmark",
        f"postgresql://ann:#{TOKEN}@db/earmark",
        f"postgresql://ann:1/{TOKEN}@db:5432/earmark",
        f"postgresql://db/earmark?user=ann&password={TOKEN}",
    ],
)
def test_a_password_in_the_database_url_is_refused_and_never_repeated(tmp_path: Path, url: str) -> None:
    message = refusal(tmp_path, f"[earmark]\ndatabase_url = '{url}'\n{SMALLEST}")

    assert message.startswith("earmark.database_url: a password does not belong in this file")
    assert TOKEN not in message


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///earmark.sqlite",
        "sqlite:////var/lib/earmark/a:b@c.sqlite",
        "postgresql://ann@db:5432/earmark",
        "postgresql://db:5432/earmark",
        "postgresql+psycopg://db:5432",
        "postgresql:///earmark?host=/run/postgresql",
    ],
)
def test_a_database_url_without_a_password_is_accepted(tmp_path: Path, url: str) -> None:
    assert load_text(tmp_path, f"[earmark]\ndatabase_url = '{url}'\n{SMALLEST}").earmark.database_url == url


def test_a_connectors_own_keys_stay_out_of_repr(tmp_path: Path) -> None:
    settings = load_text(tmp_path, SMALLEST.replace("path", f'token = "{TOKEN}"\npath'))

    shown = f"{settings!r} {settings} {settings.channels[0]!r} {settings.channels}"

    assert settings.channels[0].options["token"] == TOKEN
    assert TOKEN not in shown


def test_a_refusal_does_not_carry_the_value_in_its_cause(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_text(tmp_path, f"[slack]\nbot_token_env = '{TOKEN}'\n{SMALLEST}")

    assert TOKEN not in f"{refused.value.__cause__!r} {refused.value.__cause__}"


def test_a_secret_is_read_from_its_variable_and_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARE_TOKEN", TOKEN)

    found = secret("CARE_TOKEN")

    assert found.get_secret_value() == TOKEN
    assert TOKEN not in f"{found!r} {found}"


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARE_TOKEN", raising=False)

    with pytest.raises(ConfigError, match="the environment variable CARE_TOKEN is not set; export it"):
        secret("CARE_TOKEN")


@pytest.mark.parametrize(
    ("entry", "spans"),
    [
        ("sat 10:00-14:00", [WorkingSpan(5, time(10), time(14))]),
        ("SUN 0:00-24:00", [WorkingSpan(6, time(0), None)]),
        # Over the weekend.
        ("sun-mon 22:00-23:00", [WorkingSpan(6, time(22), time(23)), WorkingSpan(0, time(22), time(23))]),
    ],
)
def test_working_hours_are_read(entry: str, spans: list[WorkingSpan]) -> None:
    assert parse_hours(entry) == spans


@pytest.mark.parametrize(
    "entry", ["", "mon", "mon 09:00", "mon-fry 09:00-10:00", "mon 09.00-10.00", "mon 24:00-24:00", "mon 09:60-10:00"]
)
def test_working_hours_that_make_no_sense_are_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read|is no time of day"):
        parse_hours(entry)


# The example.

OFF = re.compile(r"^# (\[+[\w.]+\]+|\w+ = .*)$", re.MULTILINE)
"""A section or key of the example that is commented out."""
EXAMPLES_OWN = {
    ("web", "metrics_port"),
    ("channels", "name"),
    ("channels", "connector"),
    ("channels", "path"),
    ("queues", "name"),
    ("routes", "queue"),
    ("product_teams", "name"),
}
"""Keys without a default, and the connector's."""
CONDITIONS = set(RouteRule.model_fields) - {"queue", "name", "priority"}


def switched_on() -> dict[str, Any]:
    return tomllib.loads(OFF.sub(r"\1", EXAMPLE.read_text(encoding="utf-8")))


def sections(model: type[BaseModel], raw: dict[str, Any], path: str = "") -> Iterator[tuple[str, type[BaseModel], Any]]:
    """Yield every section of Settings as ``(path, model, what the example writes there)``; the last of a list."""
    for name, kind in SECTIONS[model].items():
        written = raw[name][-1] if isinstance(raw[name], list) else raw[name]
        yield f"{path}{name}", kind, written
        yield from sections(kind, written, f"{path}{name}.")


def sections_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the fields of ``model`` that are sections, also as lists or optional ones."""
    kinds = {
        name: re.findall(r"bot\.config(?:_money)?\.(\w+)", str(field.annotation))
        for name, field in model.model_fields.items()
    }
    return {name: ALL[found[0]] for name, found in kinds.items() if found and found[0] in ALL}


KINDS: list[type[BaseModel]] = [Channel, *Section.__subclasses__()]
ALL = {kind.__name__: kind for kind in KINDS}
SECTIONS = {kind: sections_of(kind) for kind in ALL.values()}


def test_the_example_loads_as_it_is() -> None:
    settings = load(EXAMPLE)

    assert settings.slack is None
    assert settings.routes[0].tag == (Tag.COMPLAINT, Tag.REQUEST)


def test_the_example_loads_with_everything_switched_on() -> None:
    assert parse(switched_on(), source="example").slack == SlackSettings()


def test_the_example_shows_every_key() -> None:
    raw = switched_on()
    found = list(sections(Settings, raw))

    assert [path for path, _, _ in found] == [
        "earmark",
        "channels",
        "queues",
        "queues.sla_minutes",
        "routes",
        "product_teams",
        "tagger",
        "ledger",
        "ledger.cost",
        "ledger.value",
        "ledger.repeat",
        "ledger.recharge",
        "ledger.savings",
        "ledger.priorities",
        "ledger.audit",
        "slack",
        "web",
        "summary",
    ]
    for path, model, written in found:
        keys = {key for rule in raw["routes"] for key in rule} if path == "routes" else set(written)
        assert set(model.model_fields) - keys == set(), f"[{path}] misses keys"


def test_the_example_shows_the_defaults() -> None:
    for path, model, written in sections(Settings, switched_on()):
        shown = model.model_validate(written)
        for key in set(written) - set(SECTIONS[model]):
            if (path, key) not in EXAMPLES_OWN:
                default = model.model_fields[key].get_default(call_default_factory=True)
                assert getattr(shown, key) == default, f"{path}.{key}"


def test_the_last_route_of_the_example_has_no_conditions_and_the_first_shows_all() -> None:
    first, last = switched_on()["routes"]

    assert set(first) >= CONDITIONS
    assert CONDITIONS.isdisjoint(last)


def test_every_key_of_the_example_has_a_comment() -> None:
    keys = re.findall(r"^(?:# )?(\w+ = .*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    bare = [line for line in keys if not re.search(r"\s# \S.{8,}$", line)]

    assert len(keys) > 60
    assert bare == []
