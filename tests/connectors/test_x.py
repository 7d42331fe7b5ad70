"""X against the stand-in: paging, places, limits, errors, edits, deletions, replies. All sample text is ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.domain import Author, Cost, Gone, Liveness, Mention, Page, Skipped
from bot.errors import ConnectorError, CursorLostError
from connectors.x import X
from tests.servers.x import KEYS, TOKEN, XServer, x_server
from tests.servers.x_world import EPOCH_MS

KEY_OPTIONS = {f"{name}_env": name.upper() for name in KEYS}


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server() as platform:
        platform.world.user("brand")
        yield platform


def connector(server: XServer, *, token: str = TOKEN, **options: Any) -> X:
    place = {} if "account_id" in options else {"query": "@brand"}
    secrets = {"token": SecretStr(token)}
    if "api_key_env" in options:
        secrets |= {name: SecretStr(value) for name, value in KEYS.items()}
    return X(X.Options(api_url=server.url, **place | options), secrets, clock=server.world.now)


def drained(source: X, cursor: str | None) -> list[Page]:
    pages = [source.poll(cursor)]
    while pages[-1].more:
        pages.append(source.poll(pages[-1].cursor))
    return pages


def ids(pages: list[Page]) -> list[int]:
    return [int(mention.external_id) for page in pages for mention in page.mentions]


def test_a_post_becomes_a_mention_with_author_reach_thread_and_text_as_it_was_written(server: XServer) -> None:
    server.world.user("ada", followers=1200)
    start = connector(server).poll(None).cursor
    first = server.world.post("no name here")
    number = server.world.post("@brand 5 < 6 &amp; broken", reply_to=first)

    page = connector(server).poll(start)

    assert page.mentions == (
        Mention(
            platform="x",
            external_id=str(number),
            author=Author("1001", "ada", "Ada", 1200),
            text="@brand 5 < 6 &amp; broken",
            posted_at=datetime.fromtimestamp(((number >> 22) + EPOCH_MS) / 1000, UTC),
            url=f"https://x.com/ada/status/{number}",
            thread=str(first),
            in_reply_to=str(first),
            language="en",
        ),
    )


def test_a_long_post_arrives_whole(server: XServer) -> None:
    start = connector(server).poll(None).cursor
    text = "@brand " + "long & winding " * 40
    server.world.post(text)

    page = connector(server).poll(start)

    assert page.mentions[0].text == text


def test_the_newer_field_names_are_asked_for_and_understood() -> None:
    with x_server("post") as server:
        start = connector(server, field_style="post").poll(None).cursor
        old = server.world.post("@brand it broke", ago=timedelta(seconds=2))
        edited = server.world.edit(old, "@brand " + "it broke & stopped " * 30)
        answer = server.world.post("@brand me too", reply_to=edited)

        page = connector(server, field_style="post").poll(start)

    assert ids([page]) == [edited, answer]
    assert page.gone == (Gone(str(old), Liveness.EDITED, "@brand " + "it broke & stopped " * 30),)
    assert page.mentions[1].in_reply_to == str(edited)


def test_the_first_poll_starts_now_or_as_far_back_as_the_option_says(server: XServer) -> None:
    server.world.post("@brand old", ago=timedelta(hours=30))
    recent = server.world.post("@brand recent", ago=timedelta(hours=2))

    assert ids([connector(server).poll(None)]) == []
    assert ids([connector(server, backfill_hours=24).poll(None)]) == [recent]


def test_a_second_poll_starts_where_the_first_stopped(server: XServer) -> None:
    cursor = connector(server).poll(None).cursor
    first = server.world.post("@brand one")
    page = connector(server).poll(cursor)
    second = server.world.post("@brand two")

    later = connector(server).poll(page.cursor)

    assert (ids([page]), ids([later])) == ([first], [second])
    assert server.requests[-1][1]["since_id"] == str(first)


def test_a_burst_larger_than_the_budget_is_finished_by_the_next_polls_and_new_posts_follow_after(
    server: XServer,
) -> None:
    source = connector(server, page_budget=2)
    start = source.poll(None).cursor
    burst = server.world.burst(450)

    first = source.poll(start)
    late = server.world.post("@brand while the burst is read")
    rest = drained(source, first.cursor)

    assert ids([first]) == burst[250:]
    assert sorted(ids([first, *rest])) == burst
    assert ids([source.poll(rest[-1].cursor)]) == [late]


def test_an_expired_page_token_is_replaced_by_the_id_where_reading_stopped(server: XServer) -> None:
    source = connector(server, page_budget=2)
    start = source.poll(None).cursor
    burst = server.world.burst(450)
    first = source.poll(start)
    server.expire_tokens()

    rest = drained(source, first.cursor)

    assert ids(rest) == [*burst[150:250], *burst[:150]]  # the refused request counts in the budget


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_posts_deletions_and_lost_tokens_at_any_moment_leave_no_gap(data: st.DataObject) -> None:
    with x_server() as server:
        cursor = connector(server).poll(None).cursor
        alive, seen, deleted = set(server.world.burst(30)), set(), set()
        for _ in range(data.draw(st.integers(1, 8))):
            match data.draw(st.sampled_from(["post", "delete", "expire", "poll", "repeat"])):
                case "post":
                    alive |= set(server.world.burst(data.draw(st.integers(1, 220))))
                case "delete":
                    deleted.add(number := min(alive))
                    alive.discard(number)
                    server.world.delete(number)
                case "expire":
                    server.expire_tokens()
                case "poll":
                    page = connector(server, page_budget=1).poll(cursor)
                    seen |= set(ids([page]))
                    cursor = page.cursor
                case _:  # the process died before it stored the page
                    connector(server, page_budget=1).poll(cursor)

        pages = drained(connector(server), cursor)
        pages += drained(connector(server), pages[-1].cursor)  # what came while the last burst was read

    seen |= set(ids(pages))

    assert seen - deleted == alive


def test_a_channel_that_is_quiet_for_weeks_keeps_a_place_that_x_accepts(server: XServer) -> None:
    cursor = connector(server).poll(None).cursor
    for _ in range(4):
        server.world.advance(days=6)
        page = connector(server).poll(cursor)
        cursor = page.cursor
        assert page.notice == ""

    number = server.world.post("@brand hello again")

    assert ids([connector(server).poll(cursor)]) == [number]


def test_a_place_too_old_for_search_is_moved_and_what_was_missed_is_said(server: XServer) -> None:
    cursor = connector(server).poll(None).cursor
    server.world.advance(days=2)
    server.world.post("@brand lost")
    server.world.advance(days=10)
    number = server.world.post("@brand found", ago=timedelta(days=3))

    page = connector(server).poll(cursor)

    assert ids([page]) == [number]
    assert page.notice.startswith("X no longer finds posts of before ")
    assert "could not be read" in page.notice


def test_a_cursor_of_somebody_else_is_lost(server: XServer) -> None:
    with pytest.raises(CursorLostError, match="cannot be read"):
        connector(server).poll('{"offset": 5}')


def test_mentions_of_an_account_leave_out_its_own_posts_and_reposts(server: XServer) -> None:
    source = connector(server, account_id="1000")
    start = source.poll(None).cursor
    wanted = server.world.post("@brand help")
    server.world.post("we are @brand", "brand")
    server.world.repost(wanted, "bea")

    assert ids([source.poll(start)]) == [wanted]
    assert len(ids([connector(server, account_id="1000", reposts=True).poll(start)])) == 2


def test_more_mentions_than_the_timeline_holds_are_announced_as_missing(server: XServer) -> None:
    source = connector(server, account_id="1000", page_budget=4)
    start = source.poll(None).cursor
    burst = server.world.burst(1000)

    pages = drained(source, start)

    assert sorted(ids(pages)) == burst[200:]
    assert pages[-1].notice.startswith("X lists only the newest 800 mentions of an account")


def test_an_account_that_x_does_not_show_is_an_error_and_not_silence(server: XServer) -> None:
    with pytest.raises(ConnectorError, match="check that the account exists") as raised:
        connector(server, account_id="99").poll(None)

    assert raised.value.permanent is True


def test_a_refused_request_says_when_to_come_back_and_nothing_is_asked_before(server: XServer) -> None:
    server.limits["search"] = 1
    source = connector(server)
    first = source.poll(None)

    with pytest.raises(ConnectorError, match="X answered 429") as raised:
        source.poll(first.cursor)

    assert first.wait_s == pytest.approx(900, abs=5)
    assert raised.value.permanent is False
    assert raised.value.retry_after_s == pytest.approx(900, abs=5)


def test_a_poll_that_uses_up_the_window_keeps_what_it_read_and_goes_on_after_the_wait(server: XServer) -> None:
    source = connector(server)
    start = source.poll(None).cursor
    burst = server.world.burst(450)
    server.limits["search"] = 3

    first = source.poll(start)
    asked = len(server.requests)
    server.world.advance(seconds=first.wait_s or 0)
    server.limits["search"] = 450
    rest = drained(source, first.cursor)

    assert asked == 3  # the window's last call is not followed by one that must fail
    assert ids([first]) == burst[250:]
    assert first.more is True
    assert first.wait_s == pytest.approx(900, abs=5)
    assert sorted(ids([first, *rest])) == burst


@pytest.mark.parametrize(
    ("kind", "permanent", "retry_after_s"),
    [
        ("429 without reset", False, 60.0),
        ("usage-capped", True, None),  # a month's cap is no short wait
        ("503", False, None),
        ("503 html", False, None),
        ("401", True, None),
        ("400 odd", True, None),
        ("200 html", False, None),
        ("200 empty object", False, None),
        ("200 list", False, None),
        ("200 odd data", False, None),
        ("truncated", False, None),
        ("reset", False, None),
        ("slow", False, None),  # drips for longer than the time limit
    ],
)
def test_every_way_to_fail_is_a_connector_error_and_then_the_poll_works(
    server: XServer, kind: str, permanent: bool, retry_after_s: float | None
) -> None:
    source = connector(server, timeout_s=0.3 if kind == "slow" else 10.0)
    start = source.poll(None).cursor
    number = server.world.post("@brand patience")
    server.fail(kind)

    with pytest.raises(ConnectorError) as raised:
        source.poll(start)

    assert (raised.value.permanent, raised.value.retry_after_s) == (permanent, retry_after_s)
    assert TOKEN not in str(raised.value)
    assert ids([connector(server).poll(start)]) == [number]


def test_a_failure_after_the_first_page_keeps_that_page(server: XServer) -> None:
    source = connector(server)
    start = source.poll(None).cursor
    burst = server.world.burst(250)
    page = connector(server, page_budget=1).poll(start)
    server.fail("503")

    with pytest.raises(ConnectorError):
        source.poll(page.cursor)
    rest = drained(source, page.cursor)

    assert ids([page]) + sorted(ids(rest)) == [*burst[150:], *burst[:150]]


def test_a_wrong_token_is_a_permanent_error_that_does_not_show_it(server: XServer) -> None:
    with pytest.raises(ConnectorError, match="X answered 401") as raised:
        connector(server, token="wrong-secret").poll(None)

    assert raised.value.permanent is True
    assert "wrong-secret" not in str(raised.value)


def test_an_unreadable_post_is_skipped_and_the_others_are_read(server: XServer) -> None:
    start = connector(server).poll(None).cursor
    good, bad, odd = (server.world.post(f"@brand {word}") for word in ("good", "bad", "odd"))
    server.world.posts[bad].oddities = {"created_at": "yesterday"}
    server.world.posts[odd].oddities = {"note_tweet": "soup"}

    page = connector(server).poll(start)

    assert ids([page]) == [good]
    assert set(page.skipped) == {
        Skipped(str(bad), "cannot be read (ValueError)"),
        Skipped(str(odd), "cannot be read (AttributeError)"),
    }
    assert ids([connector(server).poll(page.cursor)]) == []


def test_text_that_no_database_takes_is_made_storable(server: XServer) -> None:
    start = connector(server).poll(None).cursor
    number = server.world.post("@brand x")
    server.world.posts[number].oddities = {"text": "@brand \0 \ud800 ok"}

    page = connector(server).poll(start)

    assert page.mentions[0].text == "@brand \ufffd \ufffd ok"


def test_a_suspended_author_costs_the_name_and_not_the_mention(server: XServer) -> None:
    start = connector(server).poll(None).cursor
    number = server.world.post("@brand hello")
    server.world.users["ada"].is_suspended = True

    page = connector(server).poll(start)

    assert page.mentions[0].author == Author("1001")
    assert page.mentions[0].url == f"https://x.com/i/status/{number}"
    assert page.skipped == ()


def test_an_edit_is_a_new_mention_and_the_old_one_is_gone(server: XServer) -> None:
    start = connector(server).poll(None).cursor
    old = server.world.post("@brand it brok")
    page = connector(server).poll(start)
    new = server.world.edit(old, "@brand it broke")

    later = connector(server).poll(page.cursor)

    assert ids([later]) == [new]
    assert later.gone == (Gone(str(old), Liveness.EDITED, "@brand it broke"),)


def test_recheck_tells_the_living_the_edited_the_deleted_and_the_hidden_apart_100_a_request(server: XServer) -> None:
    alive, edited, deleted, hidden = (server.world.post(f"@brand {n}") for n in range(4))
    server.world.edit(edited, "@brand again")
    server.world.delete(deleted)
    server.world.protect(hidden)
    others = [str(number) for number in server.world.burst(120)]

    stands = connector(server).recheck([str(alive), str(edited), str(deleted), str(hidden), "no id", *others])

    assert [stands[str(number)] for number in (alive, edited, deleted, hidden)] == [
        Liveness.ALIVE,
        Liveness.EDITED,
        Liveness.DELETED,
        Liveness.UNKNOWN,
    ]
    assert stands["no id"] == Liveness.UNKNOWN
    assert {stands[number] for number in others} == {Liveness.ALIVE}
    assert [len(asked["ids"].split(",")) for _, asked in server.requests] == [100, 24]


def test_the_cost_counts_requests_and_every_post_and_author_that_is_billed(server: XServer) -> None:
    source = connector(server)
    start = source.poll(None).cursor
    server.world.burst(120)

    page = source.poll(start)

    assert page.cost == Cost(requests=2, billed_items=190)  # 100 posts and 50 authors, then 20 and 20


def test_reading_as_the_account_signs_its_requests_and_needs_no_app_token(server: XServer) -> None:
    source = connector(server, read_as="user", account_id="1000", token="unused", **KEY_OPTIONS)
    start = source.poll(None).cursor
    number = server.world.post("@brand signed")

    assert ids([source.poll(start)]) == [number]
    assert X.Options.model_validate({"query": "q", "read_as": "user", **KEY_OPTIONS}).token_env == ""


def test_a_reply_is_published_as_the_account(server: XServer) -> None:
    source = connector(server, **KEY_OPTIONS)
    start = source.poll(None).cursor
    server.world.post("@brand help")
    (mention,) = source.poll(start).mentions

    sent = source.reply(mention, "We are on it & sorry.")

    assert server.replies == [
        {"text": "We are on it & sorry.", "reply": {"in_reply_to_tweet_id": mention.external_id}},
    ]
    assert sent.url == f"https://x.com/i/status/{sent.external_id}"


def test_a_reply_without_keys_says_what_is_missing(server: XServer) -> None:
    mention = Mention("x", "1", Author("1"), "text", datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises(
        ConnectorError, match="api_key_env, api_secret_env, access_token_env, access_secret_env"
    ) as raised:
        connector(server).reply(mention, "hello")

    assert raised.value.permanent is True


@pytest.mark.parametrize("kind", ["503", "reset", "truncated", "200 empty object"])
def test_a_reply_whose_answer_is_lost_is_not_tried_again(server: XServer, kind: str) -> None:
    mention = Mention("x", "1", Author("1"), "text", datetime(2026, 1, 1, tzinfo=UTC))
    server.fail(kind)

    with pytest.raises(ConnectorError, match="did not confirm the reply") as raised:
        connector(server, **KEY_OPTIONS).reply(mention, "hello")

    assert raised.value.permanent is True
