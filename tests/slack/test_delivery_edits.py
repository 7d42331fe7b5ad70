"""Cards are edited in place, noted in their thread and taken away, each once."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlmodel import col

from storage import models
from storage.db import transaction
from tests.servers.slack import Fault, Planned
from tests.servers.slack_blocks import visible_text
from tests.slack.bench import Bench


def test_an_edit_changes_the_card_in_place_and_shows_the_case_as_it_is(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.drain()

    bench.change_case(1, state="claimed", owner="slack:UANN", owner_name="Ann Example")
    bench.order("card_edit", 1)
    bench.drain()

    messages = bench.slack.messages("CCARE")
    assert len(messages) == 1
    assert "✋ Ann Example has this" in visible_text(messages[0])


def test_of_edits_that_wait_only_the_last_is_sent(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    for number in range(4):
        bench.order("card_edit", 1, key=f"edit:{number}")

    bench.drain()

    assert [method for method, _ in bench.slack.calls] == ["chat.postMessage", "chat.update"]
    assert [row.error for row in bench.rows()] == ["", *["skipped: a later edit shows it"] * 3, ""]


def test_an_edit_whose_card_is_dead_is_skipped_with_a_reason(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.order("card_edit", 1)
    bench.slack.fail("chat.postMessage", Planned(Fault.REFUSED, code="invalid_blocks"))

    bench.drain()

    assert bench.states() == ["dead", "sent"]
    assert bench.rows()[1].error == "skipped: its card is not in Slack"


def test_a_card_deleted_by_hand_is_not_edited_and_holds_nothing_up(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.drain()
    bench.slack.delete("CCARE", bench.case(1).card_ts)
    bench.order("card_edit", 1)
    bench.add_case(2)
    bench.order("card", 2)

    bench.drain()

    assert bench.rows()[1].error == "skipped: message_not_found"
    assert bench.cards() == ["2"]


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.RESET_BEFORE])
def test_a_note_comes_once_into_the_cards_thread(bench: Bench, fault: Fault) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.drain()
    bench.order("note", 1, event="claimed", actor="Ann <!channel> *Example*")
    bench.slack.fail("chat.postMessage", fault)

    bench.drain()

    thread = bench.slack.messages("CCARE", thread_ts=bench.case(1).card_ts)
    assert [note["text"].replace("\u2060", "") for note in thread] == [
        "Ann &lt;!channel&gt; \N{ASTERISK OPERATOR}Example\N{ASTERISK OPERATOR} claimed this."
    ]


@pytest.mark.parametrize("fault", [None, Fault.STORED_THEN_RESET, Fault.RESET_BEFORE])
def test_a_case_that_moves_leaves_one_card_in_its_new_channel(bench: Bench, fault: Fault | None) -> None:
    bench.slack.add_channel("CNEW")
    bench.add_case(1)
    bench.order("card", 1)
    bench.drain()
    bench.order("card_edit", 1)
    bench.order("remove", 1)
    bench.order("card", 1, key="card:1:new", channel="CNEW")
    bench.slack.fail("chat.delete", fault)

    bench.drain("CNEW", "CCARE")

    assert bench.slack.messages("CCARE") == []
    assert bench.cards("CNEW") == ["1"]
    assert (bench.case(1).card_channel, set(bench.states())) == ("CNEW", {"sent"})
    assert bench.rows()[1].error == "skipped: its card is taken away"


def test_a_case_that_moves_before_its_card_is_posted_is_never_shown_in_the_old_channel(bench: Bench) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    bench.order("remove", 1)

    bench.drain()

    assert bench.slack.calls == []
    assert bench.states() == ["sent", "sent"]


def test_text_erased_after_the_order_is_never_sent(bench: Bench) -> None:
    bench.add_case(1, text="my secret address")
    bench.order("card", 1)
    with transaction(bench.engine) as session:
        session.execute(update(models.Mention).where(col(models.Mention.id) == 1).values(text="", liveness="deleted"))

    bench.drain()

    message = bench.slack.messages("CCARE")[0]
    assert "secret" not in str(message)
    assert "[removed by author]" in visible_text(message)
