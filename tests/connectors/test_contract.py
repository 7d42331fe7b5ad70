"""What every registered connector promises, whatever its platform. All sample text is ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import Author, Mention, Page
from bot.errors import ConnectorError, CursorLostError
from connectors import CONNECTORS
from tests.connectors.worlds import WORLDS, World


@pytest.fixture(params=sorted(CONNECTORS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with WORLDS[request.param](tmp_path) as found:
        yield found


def ids(*pages: Page) -> list[str]:
    return [mention.external_id for page in pages for mention in page.mentions]


def test_every_registered_connector_has_a_world_to_prove_itself_in() -> None:
    assert WORLDS.keys() == CONNECTORS.keys()


def test_the_first_poll_starts_at_now_or_at_the_stated_window(world: World) -> None:
    world.old()

    page = world.connector().poll(None)

    assert (ids(page), page.more, page.notice) == ([], False, "")


def test_the_same_cursor_gives_the_same_mentions_again(world: World) -> None:
    source = world.connector()
    start = source.poll(None).cursor
    posted = world.burst(20)

    first, second = source.poll(start), source.poll(start)

    assert ids(first) == posted
    assert first.mentions == second.mentions
    assert first.cursor == second.cursor


def test_a_cursor_survives_json_and_a_restart(world: World) -> None:
    start = world.connector().poll(None).cursor
    before = world.burst(3)
    stored = json.loads(json.dumps(world.connector().poll(start).cursor))
    after = world.burst(2)

    page = world.connector().poll(stored)

    assert ids(page) == after
    assert before


def test_mentions_come_oldest_first_with_aware_utc_times(world: World) -> None:
    start = world.connector().poll(None).cursor
    posted = world.burst(150)

    page = world.connector().poll(start)

    times = [mention.posted_at for mention in page.mentions]
    assert ids(page) == posted
    assert times == sorted(times)
    assert {str(time.tzinfo) for time in times} == {"UTC"}


def test_mentions_leave_the_channel_to_the_receiver_and_name_platform_and_author(world: World) -> None:
    source = world.connector()
    start = source.poll(None).cursor
    world.burst(2)

    page = source.poll(start)

    assert {mention.channel for mention in page.mentions} == {""}
    assert {mention.platform for mention in page.mentions} == {source.platform}
    assert all(mention.author.external_id for mention in page.mentions)


@dataclass
class Burst:
    """A world in which many people posted after the first poll."""

    world: World
    cursor: str | None
    posted: list[str]


@pytest.fixture
def burst(world: World) -> Burst:
    cursor = world.connector().poll(None).cursor
    return Burst(world, cursor, world.burst(2500))


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_burst_of_any_size_is_kept_whole_also_when_the_process_dies_between_pages(
    burst: Burst, data: st.DataObject
) -> None:
    """Every poll is made by a new object; one that dies stores neither its mentions nor its cursor."""
    cursor, more = burst.cursor, True
    stored: list[str] = []

    while more:
        page = burst.world.connector(**burst.world.small_pages).poll(cursor)
        if data.draw(st.booleans(), label="dies before it stores the page"):
            page = burst.world.connector(**burst.world.small_pages).poll(cursor)
        stored += ids(page)
        cursor, more = page.cursor, page.more

    assert sorted(stored) == sorted(burst.posted)
    assert ids(burst.world.connector().poll(cursor)) == []


def test_a_backfill_gives_what_was_posted_since_and_leaves_no_gap(world: World) -> None:
    source = world.connector()
    source.poll(None)
    posted = world.burst(30)
    everything = source.poll(source.since(world.start))

    later = source.poll(source.since(everything.mentions[10].posted_at))

    assert ids(everything) == posted
    assert set(ids(later)) >= set(posted[10:])
    assert min(mention.posted_at for mention in later.mentions) >= everything.mentions[10].posted_at


def test_an_unreadable_item_is_skipped_with_its_reason_and_the_rest_is_read(world: World) -> None:
    start = world.connector().poll(None).cursor
    before = world.burst(1)
    world.bad()
    after = world.burst(1)

    page = world.connector().poll(start)

    assert ids(page) == [*before, *after]
    assert len(page.skipped) == 1
    assert page.skipped[0].source_id
    assert page.skipped[0].reason
    assert "soup" not in page.skipped[0].reason


def test_a_platform_that_fails_is_a_passing_error_that_states_the_wait_the_platform_asked_for(world: World) -> None:
    source = world.connector()
    start = source.poll(None).cursor

    for arrange, wait_s in world.failures():
        arrange()
        with pytest.raises(ConnectorError) as raised:
            source.poll(start)

        assert (raised.value.permanent, raised.value.retry_after_s) == (False, wait_s)


def test_a_cursor_that_is_not_ours_is_lost_and_nothing_else(world: World) -> None:
    with pytest.raises(CursorLostError):
        world.connector().poll("soup")


def test_what_cannot_be_replied_to_or_rechecked_says_so(world: World) -> None:
    source = world.connector()
    mention = Mention(source.platform, "nobody knows this", Author("nobody"), "text", world.start)

    assert set(source.recheck([mention.external_id]).values()) <= {"unknown"}
    with pytest.raises(ConnectorError) as raised:
        source.reply(mention, "hello")
    assert raised.value.permanent is True


def test_a_poll_counts_its_requests(world: World) -> None:
    source = world.connector()
    start = source.poll(None).cursor

    assert source.poll(start).cost.requests >= 1


def test_a_constructor_does_no_input_or_output(world: World) -> None:
    world.connector()  # imports

    with watched() as touched:
        world.connector()

    assert touched == []


_seen: list[str] | None = None


def _hook(event: str, _arguments: object) -> None:
    if _seen is not None and event.startswith(("open", "os.", "socket.", "subprocess.")):
        _seen.append(event)


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what this process opens, locally or on the network."""
    global _seen  # noqa: PLW0603  # an audit hook stays for good, so it is switched by a flag
    touched: list[str] = []
    _seen = touched
    try:
        yield touched
    finally:
        _seen = None
