"""The nightly summary in Slack: once, in its own words, with names that do nothing."""

from __future__ import annotations

from datetime import date

import pytest

from bot import config, nightly
from bot.config import Settings
from bot.slack.summary import LINE_MAX, mrkdwn
from storage import outbox, summaries
from storage.db import transaction
from storage.summaries import Kept
from tests.reports.books import vector
from tests.servers.slack import Fault, Planned
from tests.slack.bench import Bench

DAY = date(2026, 9, 29)
LINES = tuple(vector("17")["expect"])


@pytest.fixture
def settings() -> Settings:
    raw = {
        "channels": [{"name": "feed", "connector": "replay", "path": "feed.jsonl"}],
        "queues": [{"name": "care"}],
        "routes": [{"queue": "care"}],
        "summary": {"slack_channel": "CCARE"},
        "slack": {},
    }
    return config.parse(raw, source="test")


def summed_up(bench: Bench, settings: Settings, lines: tuple[str, ...] = LINES) -> bool:
    """The summary is kept and ordered, as the nightly job does it; returns whether the order is new."""
    with transaction(bench.engine) as session:
        summaries.keep(session, Kept(DAY, lines, is_alarm=False), now=bench.clock())
        return nightly.order(session, settings, DAY, now=bench.clock())


def texts(bench: Bench) -> list[str]:
    return [message["text"] for message in bench.slack.messages("CCARE")]


def test_slack_shows_the_lines_of_vector_17(bench: Bench, settings: Settings) -> None:
    summed_up(bench, settings)

    bench.drain()

    [text] = texts(bench)
    assert text.replace("\N{WORD JOINER}", "").split("\n") == list(LINES)
    assert "*Waste* £579 yesterday, £15,382 this month (range £13,100–£17,900) = 70.3% of" in text  # noqa: RUF001
    assert "11.2x usual at peak" in text
    assert bench.slack.violations == []


def test_ordered_again_and_again_it_is_one_message(bench: Bench, settings: Settings) -> None:
    assert [summed_up(bench, settings), summed_up(bench, settings)] == [True, False]
    bench.drain()
    assert not summed_up(bench, settings)

    bench.drain()

    assert len(texts(bench)) == 1


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.STORED_THEN_500])
def test_a_lost_answer_does_not_post_it_twice(bench: Bench, settings: Settings, fault: Fault) -> None:
    bench.slack.fail("chat.postMessage", fault)
    summed_up(bench, settings)

    bench.drain()

    assert (len(texts(bench)), bench.states()) == (1, ["sent"])


def test_it_keeps_its_place_between_cards(bench: Bench, settings: Settings) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    summed_up(bench, settings)
    bench.add_case(2)
    bench.order("card", 2)

    bench.drain()

    assert ["Value / waste" in text for text in texts(bench)] == [False, True, False]


def test_a_summary_slack_refused_is_tried_again_once_the_bot_is_let_in(bench: Bench, settings: Settings) -> None:
    bench.slack.fail("chat.postMessage", Planned(Fault.REFUSED, code="not_in_channel"))
    summed_up(bench, settings)
    bench.drain()
    assert bench.states() == ["dead"]

    with transaction(bench.engine) as session:
        revived = outbox.revive(session, "CCARE")
    bench.drain()

    assert (revived, len(texts(bench))) == (1, 1)


def test_names_in_it_do_nothing() -> None:
    hostile = "4. *Spike* <!channel> *loud* @everyone <https://evil.example|win> evil.example: 2.0x usual at peak."

    text = mrkdwn([hostile])

    assert text.startswith("4. *Spike* &lt;!channel&gt; ")
    assert text.count("*") == 2
    assert "<" not in text
    assert "@everyone" not in text
    assert "evil.example" not in text
    assert "2.0x usual" in text


def test_a_name_without_end_is_cut() -> None:
    assert len(mrkdwn([f"4. *Spike* {'a' * 50_000}"])) <= LINE_MAX + len("4. *Spike* ")
