"""What README and docs say is true: commands exist, config blocks are accepted, links resolve."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import connectors
from bot.cli import cli
from bot.config import Settings, parse
from storage import db

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bot/sample/README.md"])
HOSTS = {
    "api.slack.com",
    "docs.slack.dev",
    "docs.x.com",
    "github.com",
    "keepachangelog.com",
    "semver.org",
    "www.tweepy.org",
}
LEDGER = (
    "accuracy budget calibrate close config experiment explain export grid lines loyalty note override priorities"
    " promises rate recharge reclass repeats replay requests response savings sensitivity spikes statement top"
    " value verify"
)
INCIDENT = "add answer close list remove rename resolve show"
COMMANDS = {
    "demo",
    "run",
    "check",
    "tag",
    "train",
    "evaluate",
    "poll",
    "erase",
    "import",
    "summary",
    "status",
    "trace",
    "db backup",
    "db move",
    "db restored",
    "db upgrade",
    *(f"ledger {name}" for name in LEDGER.split()),
    *(f"audit {name}" for name in ("list", "judge", "labels")),
    *(f"ledger recharge {name}" for name in ("propose", "accept", "dispute", "settle")),
    *(f"ledger savings {name}" for name in ("confirm", "withdraw")),
    *(f"ledger budget {name}" for name in ("fund", "allocate", "spend")),
    *(f"ledger value {name}" for name in ("credit", "accept")),
    *(f"incident {name}" for name in INCIDENT.split()),
    *(f"request {name}" for name in ("list", "show", "pass", "ack", "plan", "ship", "decline", "told")),
}

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(
    r"(?:^|[\s/])earmark"
    r" ((?:ledger (?:(?:recharge|savings|budget|value) (?=[a-z]))?|db |audit |incident |request )?[a-z]+)((?: +\S+)*)"
)

CHANNEL: dict[str, Any] = {"name": "a", "connector": "replay", "path": "a.jsonl"}


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=relative)


def blocks(page: Path, *languages: str) -> list[str]:
    return [body for language, body in _FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def invocations(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield every ``earmark …`` written as code: the command, and the options given to it."""
    text = page.read_text(encoding="utf-8")
    lines = [line for body in blocks(page, "sh", "ini") for line in body.splitlines()]
    for code in [*lines, *_INLINE.findall(_FENCE.sub("", text))]:
        for command, rest in _COMMAND.findall(code.partition("#")[0]):
            yield command, [word for word in rest.split() if word.startswith("--")]


@lru_cache
def help_of(command: str) -> str:
    done = CliRunner().invoke(cli, [*command.split(), "--help"])
    assert done.exit_code == 0, f"earmark {command} --help: {done.output}"
    return done.output


@every_page
def test_every_command_and_option_that_is_written_down_exists(page: Path) -> None:
    unknown = [
        f"earmark {command} {option}"
        for command, options in invocations(page)
        for option in options or [""]
        if option not in help_of(command)
    ]

    assert unknown == []


def test_the_readme_names_every_command() -> None:
    named = {command for command, _ in invocations(ROOT / "README.md")}

    assert named == COMMANDS


@every_page
def test_every_config_block_is_accepted(page: Path) -> None:
    for block in blocks(page, "toml"):
        settings = parse(completed(tomllib.loads(block)), source=relative(page))

        for channel in settings.channels:
            connectors.load(channel.connector, channel.name).Options.model_validate(channel.options)


def completed(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a fragment of a config with what it leaves out: a channel, its queues, a route that catches all."""
    routes = list(raw.get("routes", []))
    names = [queue["name"] for queue in raw.get("queues", [])] or ["care"]
    if not routes or set(routes[-1]) - {"queue", "name", "priority"}:
        routes.append({"queue": names[0]})
    queues = raw.get("queues") or [{"name": name} for name in sorted({route["queue"] for route in routes})]
    return {"channels": [CHANNEL], **raw, "queues": queues, "routes": routes}


def test_a_config_block_with_an_unknown_key_would_be_noticed() -> None:
    fragment = completed({"routes": [{"queue": "care", "folowers_min": 3}]})

    with pytest.raises(Exception, match=r"folowers_min: this key is not known"):
        parse(fragment, source="a page")


def test_every_question_to_the_database_can_be_asked(tmp_path: Path) -> None:
    questions = [
        question
        for page in PAGES
        for body in blocks(page, "sh")
        for question in re.findall(r'sqlite3 \S+ "(SELECT [^"]+)"', body)
    ]
    database = db.connect(f"sqlite:///{tmp_path / 'a.sqlite'}")
    db.upgrade(database)

    with db.reading(database) as session:
        answers = [session.connection().exec_driver_sql(question).all() for question in questions]

    database.dispose()
    assert answers == [[], []]


@every_page
def test_every_relative_link_resolves(page: Path) -> None:
    targets = [target.partition("#")[0] for target in _LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if target and "://" not in target]

    assert [target for target in local if not (page.parent / target).exists()] == []


@every_page
def test_links_outside_lead_to_documentation_and_never_to_a_package_registry(page: Path) -> None:
    prose = _INLINE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    hosts = set(re.findall(r"https?://([^/\s:)>\"']+)", prose))

    assert hosts - HOSTS == set()


@every_page
def test_no_figure_is_left_to_be_filled_in(page: Path) -> None:
    assert re.findall(r"@@\w+[^@]*@@", page.read_text(encoding="utf-8")) == []


def test_the_readme_shows_the_sample_as_large_as_it_is() -> None:
    lines = (ROOT / "bot/sample/mentions.jsonl").read_bytes().count(b"\n")

    assert f"[{lines} mentions we made up]" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_settings_named_in_running_text_exist() -> None:
    sections = {name for name in Settings.model_fields if name not in {"channels", "queues", "routes", "product_teams"}}
    pattern = re.compile(rf"`((?:{'|'.join(sections)})(?:\.[a-z_]+)+)`")

    for page in PAGES:
        for key in pattern.findall(page.read_text(encoding="utf-8")):
            assert _has(key.split(".")), f"{relative(page)}: {key}"


def _has(path: list[str]) -> bool:
    model: Any = Settings
    for part in path:
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            return False
        model = fields[part].annotation
        model = next((kind for kind in getattr(model, "__args__", ()) if kind is not type(None)), model)
    return True
