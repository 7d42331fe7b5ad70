"""The outbox's rows, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from storage import outbox
from storage.db import transaction
from storage.outbox import Kind, Message, Order
from tests.installation import prepared
from tests.slack.conftest import START


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = prepared(database_url)
    yield made
    made.dispose()


def orders(count: int, channel: str = "CCARE") -> list[Order]:
    """Orders about no case: what is written on them is not the outbox's matter."""
    return [Order(channel, Kind.NOTE, None, f"{channel}:{number}") for number in range(count)]


def head(engine: Engine, channel: str = "CCARE") -> Message:
    with transaction(engine) as session:
        found = outbox.head(session, channel)
        assert found is not None
        return found


def test_thousands_of_orders_are_stored_in_order_and_only_the_new_ones(engine: Engine) -> None:
    with transaction(engine) as session:
        first = outbox.enqueue(session, orders(700), now=START)
        again = outbox.enqueue(session, orders(1200), now=START)

    assert (first, again) == (700, 500)
    assert head(engine).id == 1 or engine.dialect.name == "postgresql"
    with transaction(engine) as session:
        assert outbox.counts(session) == {("CCARE", "pending"): 1200}
        assert outbox.enqueue(session, [], now=START) == 0


def test_the_head_of_a_line_stays_until_it_is_sent_or_dead(engine: Engine) -> None:
    with transaction(engine) as session:
        outbox.enqueue(session, [*orders(2), *orders(1, "COTHER")], now=START)
    first = head(engine)
    with transaction(engine) as session:
        under_way = outbox.mark_sending(session, first, now=START)
        assert under_way is not None

    assert head(engine) == under_way
    assert (under_way.state, under_way.attempts, under_way.first_attempt_at) == ("sending", 1, START)
    with transaction(engine) as session:
        assert outbox.mark_sent(session, under_way, slack_ts="1.1", now=START)
    second = head(engine)
    with transaction(engine) as session:
        assert outbox.mark_dead(session, second, error="invalid_blocks")
        assert outbox.head(session, "CCARE") is None
        assert outbox.channels_with_work(session) == ["COTHER"]
        assert [message.error for message in outbox.dead(session)] == ["invalid_blocks"]


def test_of_two_that_hold_the_same_message_only_one_may_change_it(engine: Engine) -> None:
    with transaction(engine) as session:
        outbox.enqueue(session, orders(1), now=START)
    mine = theirs = head(engine)
    with transaction(engine) as session:
        under_way = outbox.mark_sending(session, mine, now=START)
        assert under_way is not None
        assert outbox.mark_sending(session, theirs, now=START) is None
        assert not outbox.mark_sent(session, theirs, slack_ts="1.1", now=START)
        assert not outbox.mark_pending(session, theirs, next_at=START, error="")
        assert not outbox.mark_dead(session, theirs, error="")
        assert outbox.mark_pending(session, under_way, next_at=START + timedelta(seconds=5), error="ratelimited")

    assert head(engine).next_at == START + timedelta(seconds=5)


def test_the_pace_of_a_channel_is_kept_and_moved(engine: Engine) -> None:
    with transaction(engine) as session:
        assert outbox.free_at(session, "CCARE") is None
        outbox.hold(session, "CCARE", until=START)
        outbox.hold(session, "CCARE", until=START + timedelta(seconds=1))

        assert outbox.free_at(session, "CCARE") == START + timedelta(seconds=1)


def test_an_event_is_new_once_and_again_after_it_was_forgotten(engine: Engine) -> None:
    with transaction(engine) as session:
        assert outbox.first_time(session, "Ev1", now=START)
        assert not outbox.first_time(session, "Ev1", now=START)
        outbox.forget_event(session, "Ev1")
        assert outbox.first_time(session, "Ev1", now=START)
        outbox.forget_events(session, before=START + timedelta(seconds=1))
        assert outbox.first_time(session, "Ev1", now=START)


def test_a_search_that_was_interrupted_goes_on_where_it_was_and_a_new_attempt_begins_anew(engine: Engine) -> None:
    with transaction(engine) as session:
        outbox.enqueue(session, orders(1), now=START)
    with transaction(engine) as session:
        under_way = outbox.mark_sending(session, head_in(session), now=START)
        assert under_way is not None
        outbox.note_error(session, under_way, error="ratelimited", cursor="page-2")

    searching = head(engine)
    assert searching.detail == {"cursor": "page-2"}
    with transaction(engine) as session:
        assert outbox.mark_sending(session, searching, now=START) is not None
    assert head(engine).detail == {}


def head_in(session: Session) -> Message:
    found = outbox.head(session, "CCARE")
    assert found is not None
    return found
