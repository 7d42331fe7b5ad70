"""What all tests share: databases, a browser, and the rule that in CI nothing is skipped.

With ``EARMARK_CI=1`` a skipped test fails, because there a part is missing that CI has to bring. Only tests on data
that is no part of the project may skip even there; their reason begins with ``optional:``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from bot.app import App
    from tests.installation import Installation
    from tests.terminal import Terminal

pytest_plugins = ["pytester"]
# What they find wrong is told in full, as in a test.
pytest.register_assert_rewrite(
    "tests.answers",
    "tests.budget.summer",
    "tests.company",
    "tests.installation",
    "tests.ledger.books",
    "tests.ledger.invariants_of_figures",
    "tests.ledger.invariants_of_journals",
    "tests.nodes",
    "tests.recharging.autumn",
    "tests.storm",
    "tests.terminal",
    "tests.two_models",
)

IN_CI = os.environ.get("EARMARK_CI") == "1"
POSTGRESQL = os.environ.get("EARMARK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A PostgreSQL on which the tests may make and drop schemas."""

# No deadline: the same example takes longer on a busy machine, which says nothing about the code. Fewer examples where
# somebody waits for them.
# In CI one commit has one verdict, whenever it is asked for; everywhere else each run draws other examples.
settings.register_profile(
    "earmark", deadline=None, print_blob=True, max_examples=100 if IN_CI else 10, derandomize=IN_CI
)
settings.load_profile("earmark")


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Have SQLAlchemy compile a statement once for the databases of all tests: half of a short test was compiling.

    What is compiled is kept by dialect, which every engine makes anew; those of one kind are all set up alike here.
    """
    kept: dict[Any, Any] = {}

    def keep(connection: Connection) -> None:
        connection.execution_options(compiled_cache=kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultDialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(DefaultDialect, "__hash__", lambda one: hash(type(one)))
        event.listen(Engine, "engine_connect", keep)
        yield
        event.remove(Engine, "engine_connect", keep)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'earmark.sqlite'}"


@pytest.fixture
def postgresql_url(postgresql: psycopg.Connection) -> Iterator[str]:
    """The URL of an empty schema of PostgreSQL, dropped after the test."""
    with _schema(postgresql) as url:
        yield url


@pytest.fixture
def new_postgresql_url(postgresql: psycopg.Connection) -> Iterator[Callable[[], str]]:
    """Makes the URL of an empty schema of PostgreSQL each time it is called; they are dropped after the test."""
    with ExitStack() as schemas:
        yield lambda: schemas.enter_context(_schema(postgresql))


@pytest.fixture(scope="module")
def module_postgresql_url(postgresql: psycopg.Connection) -> Iterator[str]:
    """The URL of a schema of PostgreSQL that a module's tests share, empty at first."""
    with _schema(postgresql) as url:
        yield url


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    """The smallest installation, on both databases."""
    from tests.installation import Installation

    return Installation(tmp_path, database_url)


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    """It, open; whatever a test does, its books agree at the end."""
    from tests.installation import assert_books_agree

    running = installation.open()
    yield running
    assert_books_agree(running)
    running.parts.database.dispose()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    """Somebody at a terminal, without a token, whose tagger reads the tags off the text."""
    from bot import app
    from tests.installation import ToldTagger
    from tests.terminal import terminal_in

    monkeypatch.setattr(app, "tagger_of", lambda *_: ToldTagger())
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    with terminal_in(tmp_path, monkeypatch, capsys) as made:
        yield made


@contextmanager
def _schema(postgresql: psycopg.Connection) -> Iterator[str]:
    name = f"earmark_{uuid4().hex}"
    postgresql.execute(f"CREATE SCHEMA {name}".encode())
    yield f"{POSTGRESQL}{'&' if '?' in POSTGRESQL else '?'}options=-csearch_path%3D{name}"
    postgresql.execute(f"DROP SCHEMA {name} CASCADE".encode())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[psycopg.Connection]:
    """A connection to the test server, for making schemas."""
    try:
        connection = psycopg.connect(POSTGRESQL, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL answers; start one on 127.0.0.1:5432 or name one in EARMARK_TEST_POSTGRES")
    with connection:
        yield connection


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """An installed Chromium without a window. One a module: while it runs, no other event loop can in this thread."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium is installed; install the package chromium")
    with sync_playwright() as playwright:
        # Chromium refuses to run as root inside its sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the second database and the browser to CI: a newcomer has neither, and waits."""
    for item in items:
        if _needs_a_part(item):
            item.add_marker(pytest.mark.slow)


def _needs_a_part(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    fixtures = getattr(item, "fixturenames", ())
    return (
        "browser" in fixtures
        or any(str(parameter).startswith("postgresql") for parameter in parameters.values())
        or any(name.startswith("postgresql") for name in fixtures)
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped in CI."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a file that is skipped in CI."""
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (IN_CI and report.skipped and isinstance(report.longrepr, tuple)):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not reason.startswith("optional:"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure in CI: {reason}"
