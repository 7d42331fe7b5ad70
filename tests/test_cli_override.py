"""``earmark ledger override`` as a supervisor types it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from bot.app import App
from bot.cli import cli
from bot.errors import InputError
from tests.installation import Installation, line
from tests.looking import case, pending, posted, take_in

Override = Callable[..., Result]
BY = ("--by", "Sue", "--why", "a strike")


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A complaint about a parcel that waits, in a folder with a config."""
    (tmp_path / "config.toml").write_text(
        '[earmark]\ndatabase_url = "sqlite:///earmark.sqlite"\nlog_level = "error"\n'
        '[[channels]]\nname = "feed"\nconnector = "replay"\npath = "feed.jsonl"\n'
        '[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n'
    )
    monkeypatch.chdir(tmp_path)
    place = Installation(tmp_path, f"sqlite:///{tmp_path / 'earmark.sqlite'}")
    running = place.open()
    take_in(running, place, line(1, "complaint/where_is_it: where is my parcel"))
    yield running
    place.close()


@pytest.fixture
def override() -> Iterator[Override]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield lambda *words: CliRunner().invoke(cli, ["ledger", "override", *words], standalone_mode=False)
    # Commands set up logging for the whole process; other tests listen to it.
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_case_is_put_where_it_belongs_and_back(running: App, override: Override) -> None:
    put = override("1", "--quadrant", "simplify", "--owner", "external", *BY)
    there = pending(running)
    back = override("1", "--lift", *BY)

    assert put.output == "The case stands there now.\n"
    assert there["Simplify", "external", "GBP", "E"] == 250
    assert back.output == "The rules say again where it stands.\n"
    assert posted(running)["Waste", "logistics", "CNT", "N"] == 1


def test_several_owners_share_in_basis_points(running: App, override: Override) -> None:
    override("1", "--owner", "billing=6000", "--owner", "logistics=4000", *BY)

    assert pending(running)["Waste", "billing", "GBP", "E"] == 150
    assert pending(running)["Waste", "logistics", "GBP", "E"] == 100
    assert case(running).events[-1].actor_name == "Sue"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("1", *BY), "say --quadrant, --owner or both; --lift lets the rules decide again"),
        (("1", "--owner", "billing=half", *BY), "--owner billing=half: write a department and its basis points"),
        (("1", "--owner", "marketing", *BY), "There is no department 'marketing'; known: billing, "),
        (("1", "--owner", "billing=1", *BY), "The shares sum to 1 basis points; make them sum to 10000"),
        (("2", "--owner", "billing", *BY), "There is no case 2"),
        (("1", "--lift", *BY), "Nobody has put this case anywhere by hand"),
        (("1", "--owner", "billing", "--by", " ", "--why", "so"), "--by: say who decides"),
        (("1", "--owner", "billing", "--by", "Sue", "--why", " "), "Say why, in a few words"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    running: App, override: Override, words: tuple[str, ...], problem: str
) -> None:
    result = override(*words)

    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)
    assert pending(running)["Waste", "logistics", "GBP", "E"] == 250
