"""The promises 2, 5, 6, 9, 10 and 11 of the design on both engines; test_promises.py has the others.

Each is stated elsewhere too, in more cases and on SQLite alone, which is quicker. Here is that the database and the
engine make no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from bot import erase, pipeline
from bot.app import App
from storage import ledger_reports
from storage.db import reading
from storage.models import Case, Mention, OutboxMessage
from storage.models_incidents import Reply
from tests.installation import Installation, assert_books_agree, line, work
from tests.looking import rows
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Fault, Slack
from tests.servers.slack import running as served
from tests.servers.slack_blocks import live_parts, visible_text
from tests.slack.office import Inline, bolt_outlet, build

PARCEL = "complaint/where_is_it: where is my parcel"
LIVE = "<!channel> <@UANN> <https://evil.example|our bank> *bold* _it_ ~no~ `code` &lt;!here&gt;"


class Died(BaseException):
    """The process is killed here."""


@pytest.fixture(params=["sqlite embedded", "postgresql embedded", "postgresql cluster"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """An installation on both engines, and with the embedded one on both databases."""
    database, engine = request.param.split()
    return Installation(tmp_path, request.getfixturevalue(f"{database}_url"), engine=engine)


@pytest.fixture
def slack(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """A Slack that takes what comes, for an installation that looks at once for what was not answered."""
    for name, value in (("BOT_TOKEN", BOT_TOKEN), ("APP_TOKEN", APP_TOKEN), ("SIGNING_SECRET", SIGNING_SECRET)):
        monkeypatch.setenv(f"SLACK_{name}", value)
    made = Slack(clock=lambda: installation.clock().timestamp(), seconds_between_messages=0.0, has_tiers=False)
    made.add_user("UANN", "ann", "Ann Example")
    made.add_channel("C0CARE", "care", members=("UANN",))
    with served(made) as address:
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 0.0}
        installation.settings = {"slack": quick}
        yield made


@pytest.fixture
def started(installation: Installation, slack: Slack) -> Iterator[App]:
    running = installation.open()
    yield running
    assert_books_agree(running)
    assert slack.violations == []
    running.parts.database.dispose()


def killed_at_commit(number: int, running: App) -> None:
    """Receive, tag and deliver until the process dies instead of its n-th commit, or all is done."""
    left = [number]

    def die(_connection: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Died

    event.listen(running.parts.database, "commit", die)
    try:
        while pipeline.receive(running.parts, "feed").more:
            pass
        for shard in range(running.parts.shards):
            pipeline.tag(running.parts, f"{shard}/{running.parts.shards}")
    except Died:
        pass
    running.parts.database.dispose()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_2_a_burst_is_kept_whole_also_when_the_process_is_killed_between_pages(
    installation: Installation, slack: Slack, number: int
) -> None:
    installation.publish(line(count, PARCEL) for count in range(1100))
    killed_at_commit(number, installation.open())

    running = installation.open()
    while pipeline.receive(running.parts, "feed").more:
        pass

    assert len(rows(running, Mention)) == 1100
    running.parts.database.dispose()


@pytest.mark.parametrize("number", range(1, 7))
def test_5_killed_at_any_commit_the_restart_finishes_the_work(
    installation: Installation, slack: Slack, number: int
) -> None:
    installation.publish(line(count, PARCEL) for count in range(3))
    killed_at_commit(number, installation.open())

    running = installation.open()
    work(running)

    # Authors are shared out among several shards, so which case comes to its card first is nobody's promise.
    assert sorted(case.card_ts or "" for case in rows(running, Case)) == [
        card["ts"] for card in slack.messages("C0CARE")
    ]
    assert len(slack.messages("C0CARE")) == 3
    assert_books_agree(running)
    running.parts.database.dispose()


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.STORED_THEN_500, Fault.RESET_BEFORE])
def test_6_an_ambiguous_slack_answer_is_resolved_by_looking_for_our_metadata_in_the_channel_not_by_posting_again(
    installation: Installation, slack: Slack, started: App, fault: Fault
) -> None:
    installation.publish([line(1, PARCEL)])
    slack.fail("chat.postMessage", fault)

    work(started)

    called = [method for method, _ in slack.calls]
    assert called[:2] == ["chat.postMessage", "conversations.history"]
    assert called.count("chat.postMessage") == (2 if fault is Fault.RESET_BEFORE else 1)
    assert len(slack.messages("C0CARE")) == 1
    assert [message.state for message in rows(started, OutboxMessage)] == ["sent"]


def test_9_an_internal_remark_cannot_reach_a_customer(installation: Installation, slack: Slack, started: App) -> None:
    installation.publish([line(1, PARCEL)])
    work(started)
    slack.send_to(bolt_outlet(build(started, executor=Inline())))
    slack.subscribed |= {"message", "app_mention", "message.channels"}
    [card] = slack.messages("C0CARE")

    slack.post_as("UANN", "C0CARE", "this customer is a pain", thread_ts=card["ts"])
    slack.post_as("UANN", "C0CARE", "<@U0EARMARK> reply: go away", thread_ts=card["ts"])
    work(started)

    assert rows(started, Reply) == []
    assert [case.version for case in rows(started, Case)] == [1]


def test_10_text_of_a_mention_is_shown_as_text(installation: Installation, slack: Slack, started: App) -> None:
    installation.publish([line(1, f"complaint/where_is_it: {LIVE}", author_name="<!here> *Cat*")])

    work(started)

    [card] = slack.messages("C0CARE")
    assert "<!channel> <@UANN> <https://evil.example|our bank> *bold* _it_ ~no~ `code` &lt;!here&gt;" in visible_text(
        card
    )
    assert live_parts(card) == []


def test_11_erasing_an_author_blanks_the_words_and_changes_no_balance_and_no_hash(
    installation: Installation, slack: Slack, started: App
) -> None:
    installation.publish([line(1, PARCEL, author="cat"), line(2, PARCEL, author="dog")])
    work(started)
    with reading(started.parts.database) as session:
        before = ledger_reports.totals(session)

    erase.erase(started.parts, "replay:cat")
    work(started)

    with reading(started.parts.database) as session:
        assert ledger_reports.totals(session) == before
    assert [mention.text for mention in rows(started, Mention)] == ["", PARCEL]
    shown = {card["ts"]: "where is my parcel" in visible_text(card) for card in slack.messages("C0CARE")}
    assert {case.id: shown[case.card_ts or ""] for case in rows(started, Case)} == {1: False, 2: True}
