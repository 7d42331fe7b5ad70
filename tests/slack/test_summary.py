"""The nightly summary in Slack: once, in its own words, with names that do nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot import config, nightly
from bot.config import Settings
from bot.domain import Liveness
from bot.slack.summary import LINE_MAX, mrkdwn
from storage import models, outbox, summaries
from storage.db import transaction
from storage.summaries import Kept, Thread
from tests.reports.books import vector
from tests.servers.slack import Fault, Planned
from tests.servers.slack_blocks import live_parts, visible_text
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


def summed_up(bench: Bench, settings: Settings, lines: tuple[str, ...] = LINES, thread: Thread | None = None) -> bool:
    """The summary is kept and ordered, as the nightly job does it; returns whether the order is new."""
    with transaction(bench.engine) as session:
        summaries.keep(session, Kept(DAY, lines, is_alarm=False, thread=thread), now=bench.clock())
        return nightly.order(session, settings, DAY, now=bench.clock())


def texts(bench: Bench) -> list[str]:
    return [message["text"] for message in bench.slack.messages("CCARE")]


def test_slack_shows_the_lines_of_vector_17(bench: Bench, settings: Settings) -> None:
    summed_up(bench, settings)

    bench.drain()

    [text] = texts(bench)
    assert text.replace("\N{WORD JOINER}", "").split("\n") == list(LINES)
    assert "*Waste* £579 yesterday, £15,382 this month (range £13,100–£17,900) = 70.3% of" in text  # noqa: RUF001  # an en dash
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


# -- the reply under it --------------------------------------------------------------------------------------------

CSV = "date,line,figure,value\n2026-09-29,2,waste.day_minor,57880\n"
THREAD = Thread(CSV, "where_is_it", (("dearest", 1), ("latest", 2), ("typical", 3)))


def three_cases(bench: Bench, text: str = "3rd time asking, where is my order") -> None:
    for number in (1, 2, 3):
        bench.add_case(number, text)


def replies(bench: Bench) -> list[dict[str, Any]]:
    [parent] = bench.slack.messages("CCARE")
    return bench.slack.messages("CCARE", thread_ts=parent["ts"])


def change_mention(bench: Bench, mention_id: int, **values: Any) -> None:
    table = models.Mention
    with transaction(bench.engine) as session:
        session.execute(update(table).where(col(table.id) == mention_id).values(**values))


def test_under_it_stand_three_mentions_and_the_figures(bench: Bench, settings: Settings) -> None:
    three_cases(bench)
    summed_up(bench, settings, thread=THREAD)

    bench.drain()

    [reply] = replies(bench)
    shown = visible_text(reply)
    assert shown.count("3rd time asking, where is my order") == 3
    assert "dearest · @ca•••" in shown
    assert "2026-09-29,2,waste.day_minor,57880" in shown
    assert "@cat" not in shown
    assert bench.slack.violations == []


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.STORED_THEN_500])
def test_a_lost_answer_does_not_post_the_reply_twice(bench: Bench, settings: Settings, fault: Fault) -> None:
    three_cases(bench)
    bench.slack.fail("chat.postMessage", None, fault)
    summed_up(bench, settings, thread=THREAD)

    bench.drain()

    assert (len(replies(bench)), bench.states()) == (1, ["sent", "sent"])
    assert "conversations.replies" in [method for method, _ in bench.slack.calls]


def test_the_reply_follows_at_once_and_the_next_card_waits(bench: Bench, settings: Settings) -> None:
    three_cases(bench)
    summed_up(bench, settings, thread=THREAD)
    bench.order("card", 1)

    bench.drain()

    kinds = [row.kind for row in sorted(bench.rows(), key=lambda row: row.slack_ts)]
    assert kinds == ["summary", "summary_thread", "card"]


@pytest.mark.parametrize(
    "values", [{"liveness": Liveness.DELETED.value, "text": ""}, {"is_private": True}, {"text": ""}]
)
def test_what_is_gone_or_not_public_by_then_is_not_shown(
    bench: Bench, settings: Settings, values: dict[str, Any]
) -> None:
    three_cases(bench)
    summed_up(bench, settings, thread=THREAD)
    change_mention(bench, 2, **values)

    bench.drain()

    [reply] = replies(bench)
    assert visible_text(reply).count("3rd time asking") == 2
    assert "[removed]" in visible_text(reply)


def test_an_erased_author_is_not_shown(bench: Bench, settings: Settings) -> None:
    three_cases(bench)
    summed_up(bench, settings, thread=THREAD)
    with transaction(bench.engine) as session:
        session.execute(update(models.Author).values(erased_at=bench.clock()))

    bench.drain()

    [reply] = replies(bench)
    assert visible_text(reply).count("[removed]") == 3
    assert "@ca" not in visible_text(reply)


def test_what_people_wrote_does_nothing_in_the_reply(bench: Bench, settings: Settings) -> None:
    three_cases(bench, "<!channel> *hey* <https://evil.example|win> @everyone")
    evil = Thread(CSV + "2026-09-29,4,spike.name,<!here> `x` evil.example\n", "where_is_it", THREAD.examples)
    summed_up(bench, settings, thread=evil)

    bench.drain()

    [reply] = replies(bench)
    assert live_parts(reply) == []
    assert "<!channel> *hey*" in visible_text(reply)


def test_figures_without_end_are_cut_at_a_line(bench: Bench, settings: Settings) -> None:
    summed_up(bench, settings, thread=Thread(CSV * 500))

    bench.drain()

    [reply] = replies(bench)
    assert "value\n…" in visible_text(reply)
    assert len(visible_text(reply)) < 7_000


def test_a_reply_is_not_lost_with_a_summary_that_is_tried_again(bench: Bench, settings: Settings) -> None:
    three_cases(bench)
    bench.slack.fail("chat.postMessage", Planned(Fault.REFUSED, code="not_in_channel"))
    summed_up(bench, settings, thread=THREAD)
    bench.drain()
    assert [row.slack_ts for row in bench.rows()] == ["", ""]

    with transaction(bench.engine) as session:
        outbox.revive(session, "CCARE")
    bench.drain()

    assert len(replies(bench)) == 1
