"""A customers' Slack channel against the stand-in: paging, threads, edits, limits. All sample text is ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.domain import Author, Connector, Gone, Liveness, Mention, Page, Skipped
from bot.errors import ConnectorError, CursorLostError
from connectors.slack import Slack as Source
from tests.servers.loopback import serve
from tests.servers.slack import BOT_TOKEN, Fault, Planned, Slack

CHANNEL = "C0CUSTOMERS"


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now

    def as_datetime(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


class Workspace:
    """A workspace with one channel of customers, its address and its clock."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.slack = Slack(clock=self.clock, has_tiers=options.pop("has_tiers", False), **options)
        self.slack.add_channel(CHANNEL)
        self.url = ""
        for number in range(20):
            self.slack.add_user(f"U{number:03d}", f"user{number}", f"User {number}")

    def source(self, *, token: str = BOT_TOKEN, **options: Any) -> Connector:
        given = {"channel_id": CHANNEL, "api_url": f"{self.url}/api/", **options}
        return Source(Source.Options.model_validate(given), {"token": SecretStr(token)}, clock=self.clock.as_datetime)

    def say(self, text: str, user: str = "U001", **extra: Any) -> str:
        self.clock.now += 1
        return str(self.slack.post_as(user, CHANNEL, text, **extra)["ts"])

    def burst(self, count: int) -> list[str]:
        return [self.say(f"it is down {number}", f"U{number % 20:03d}") for number in range(count)]


@pytest.fixture(params=["latest", "oldest"])
def workspace(request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """Both answers to what Slack leaves open: which end of a range the first page comes from."""
    found = Workspace(pages_from=request.param)
    with serve(found.slack.app) as found.url:
        yield found


def drained(source: Connector, cursor: str | None) -> list[Page]:
    pages = [source.poll(cursor)]
    while pages[-1].more:
        pages.append(source.poll(pages[-1].cursor))
    return pages


def times(pages: list[Page]) -> list[str]:
    return [mention.external_id.removeprefix(f"{CHANNEL}:") for page in pages for mention in page.mentions]


def test_a_message_becomes_a_private_mention_with_its_author_thread_and_plain_text(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    ts = workspace.say("<@U002> 5 &lt; 6 &amp; <https://example.test/x|the page> is *down* <!here> <#C1|help>")

    page = workspace.source().poll(start)

    assert page.mentions == (
        Mention(
            platform="slack",
            external_id=f"{CHANNEL}:{ts}",
            author=Author("U001", "user1", "user1"),
            text="@U002 5 < 6 & the page (https://example.test/x) is *down* @here #help",
            posted_at=datetime.fromtimestamp(float(ts), UTC),
            url=f"https://example.slack.com/archives/{CHANNEL}/p{ts.replace('.', '')}",
            thread=f"{CHANNEL}:{ts}",
            is_private=True,
        ),
    )


def test_the_first_poll_starts_now_or_as_far_back_as_the_option_says(workspace: Workspace) -> None:
    workspace.say("old")
    workspace.clock.now += 3 * 3600
    recent = workspace.say("recent")
    workspace.clock.now += 60

    assert times([workspace.source().poll(None)]) == []
    assert times([workspace.source(backfill_hours=2).poll(None)]) == [recent]


def test_a_burst_larger_than_a_page_and_the_budget_is_finished_by_the_next_polls(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    burst = workspace.burst(1300)

    first = workspace.source(call_budget=1).poll(start)
    late = workspace.say("while the burst is read")
    rest = drained(workspace.source(call_budget=1), first.cursor)
    later = drained(workspace.source(), rest[-1].cursor)

    assert times([first]) == burst[-999:]
    assert sorted({*times([first, *rest, *later])}) == [*burst, late]


def test_at_the_restricted_rate_a_poll_is_one_page_of_15_and_asks_for_a_minute(workspace: Workspace) -> None:
    workspace.slack.limits.is_restricted = True
    source = workspace.source(rate="restricted")
    cursor = source.poll(None).cursor
    burst = workspace.burst(40)
    pages: list[Page] = []

    while not pages or pages[-1].more:
        workspace.clock.now += 60
        pages.append(source.poll(cursor))
        cursor = pages[-1].cursor

    assert [len(page.mentions) for page in pages] == [15, 15, 10]
    assert {page.wait_s for page in pages} == {60.0}
    assert sorted(times(pages)) == burst


def test_replies_are_read_also_in_threads_that_began_before_we_came(workspace: Workspace) -> None:
    parent = workspace.say("an old question")
    workspace.clock.now += 60
    start = workspace.source().poll(None).cursor
    reply = workspace.say("any news?", "U002", thread_ts=parent)
    workspace.say("our answer", "U003", thread_ts=parent)

    pages = drained(workspace.source(ignore_users=["U003"]), start)

    assert times(pages) == [reply]
    assert pages[0].mentions[0].thread == f"{CHANNEL}:{parent}"
    assert pages[0].mentions[0].in_reply_to == f"{CHANNEL}:{parent}"
    assert times(drained(workspace.source(), pages[-1].cursor)) == []


def test_a_message_and_its_replies_between_two_polls_are_all_read(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    parent = workspace.say("question")
    replies = [workspace.say(f"more {number}", "U002", thread_ts=parent) for number in range(1200)]

    pages = drained(workspace.source(call_budget=1), start)

    assert sorted(times(pages)) == [parent, *replies]


def test_an_edit_and_a_deletion_of_recent_messages_are_seen_once(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    edited, deleted, threaded, kept = (workspace.say(word) for word in ("edit", "delete", "threaded", "keep"))
    workspace.say("a reply", thread_ts=threaded)
    before = drained(workspace.source(), start)
    workspace.clock.now += 5
    workspace.slack.edit(CHANNEL, edited, "edited &amp; changed")
    workspace.slack.delete(CHANNEL, deleted)
    workspace.slack.delete(CHANNEL, threaded)  # leaves a tombstone

    after = drained(workspace.source(), before[-1].cursor)
    later = drained(workspace.source(), after[-1].cursor)

    assert kept in times(before)
    assert {gone for page in after for gone in page.gone} == {
        Gone(f"{CHANNEL}:{edited}", Liveness.EDITED, "edited & changed"),
        Gone(f"{CHANNEL}:{deleted}", Liveness.DELETED),
        Gone(f"{CHANNEL}:{threaded}", Liveness.DELETED),
    }
    assert [page.gone for page in later] == [()]


def test_joins_bots_and_our_own_messages_are_no_mentions(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    workspace.say("has joined", subtype="channel_join")
    workspace.say("build 7 failed", "U002", bot_id="B0OTHER")
    workspace.say("our card", "U0EARMARK", bot_id="B0EARMARK")
    person = workspace.say("help")

    assert times([workspace.source().poll(start)]) == [person]
    assert len(times([workspace.source(bots=True).poll(start)])) == 2


def test_a_message_of_only_files_is_read_by_their_names_and_one_of_nothing_is_skipped(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    workspace.say("", files=[{"id": "F1", "name": "broken.png"}])
    empty = workspace.say("")

    page = workspace.source().poll(start)

    assert [mention.text for mention in page.mentions] == ["[broken.png]"]
    assert page.skipped == (Skipped(empty, "this has no text"),)


def test_a_message_that_cannot_be_read_is_skipped_and_the_others_are_read(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    odd, good = workspace.say("odd", edited="soup"), workspace.say("good")
    bad = workspace.say("bad", edited={"ts": "soup"})

    page = workspace.source().poll(start)

    assert times([page]) == [odd, good]
    assert page.skipped == (Skipped(bad, "cannot be read (ValueError)"),)


def test_names_are_looked_up_once_and_their_absence_costs_no_mention(workspace: Workspace) -> None:
    source = workspace.source()
    start = source.poll(None).cursor
    workspace.say("known", "U001")
    workspace.say("known again", "U001")
    workspace.say("a stranger", "U999")

    page = source.poll(start)
    again = source.poll(start)

    assert [mention.author.handle for mention in page.mentions] == ["user1", "user1", ""]
    assert page.mentions == again.mentions
    assert [args["user"] for method, args in workspace.slack.calls if method == "users.info"] == ["U999", "U001"]


@pytest.mark.parametrize(
    ("fault", "permanent", "retry_after_s"),
    [
        (Planned(Fault.RATE_LIMITED, retry_after_s=30), False, 30.0),
        (Fault.ERROR_500, False, None),
        (Fault.RESET_BEFORE, False, None),
        (Planned(Fault.REFUSED, code="internal_error"), False, None),
        (Planned(Fault.REFUSED, code="missing_scope"), True, None),
        (Planned(Fault.REFUSED, code="not_in_channel"), True, None),
    ],
)
def test_every_way_to_fail_is_a_connector_error_and_then_the_poll_works(
    workspace: Workspace, fault: Fault | Planned, permanent: bool, retry_after_s: float | None
) -> None:
    source = workspace.source()
    start = source.poll(None).cursor
    ts = workspace.say("patience")
    workspace.slack.fail("conversations.history", fault)

    with pytest.raises(ConnectorError) as raised:
        source.poll(start)

    assert (raised.value.permanent, raised.value.retry_after_s) == (permanent, retry_after_s)
    assert times([source.poll(start)]) == [ts]


def test_a_failure_after_the_first_call_keeps_what_was_read_and_says_how_long_to_wait(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    burst = workspace.burst(1200)
    workspace.slack.fail("conversations.history", None, Planned(Fault.RATE_LIMITED, retry_after_s=7))

    page = workspace.source().poll(start)
    rest = drained(workspace.source(), page.cursor)

    assert (len(page.mentions), page.more, page.wait_s) == (999, True, 7.0)
    assert sorted(times([page, *rest])) == burst


def test_a_token_that_slack_refuses_is_replaced_by_the_place_where_reading_stopped(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    burst = workspace.burst(1200)
    page = workspace.source(call_budget=1).poll(start)
    workspace.slack.fail("conversations.history", Planned(Fault.REFUSED, code="invalid_cursor"))

    rest = drained(workspace.source(), page.cursor)

    assert sorted(times([page, *rest])) == burst


@pytest.mark.parametrize("body", ['{"ok": true}', '{"ok": true, "messages": [1]}', "[]", "null", "<html>"])
def test_an_answer_without_messages_is_an_error_and_deletes_nothing(workspace: Workspace, body: str) -> None:
    start = workspace.source().poll(None).cursor
    workspace.say("watched")
    page = workspace.source().poll(start)
    odd = Starlette(
        routes=[
            Route("/api/auth.test", lambda _: JSONResponse({"ok": True, "user_id": "U0EARMARK"}), methods=["POST"]),
            Route("/api/{method}", lambda _: Response(body), methods=["GET", "POST"]),
        ]
    )

    with serve(odd) as workspace.url, pytest.raises(ConnectorError) as raised:
        workspace.source().poll(page.cursor)

    assert raised.value.permanent is False


def test_a_wrong_token_is_a_permanent_error_that_does_not_show_it(workspace: Workspace) -> None:
    with pytest.raises(ConnectorError, match="invalid_auth") as raised:
        workspace.source(token="xoxb-wrong").poll(None)

    assert raised.value.permanent is True
    assert "xoxb" not in str(raised.value)


def test_a_cursor_of_somebody_else_is_lost(workspace: Workspace) -> None:
    with pytest.raises(CursorLostError, match="cannot be read"):
        workspace.source().poll('{"offset": 5}')


def test_recheck_tells_the_living_the_edited_and_the_deleted_apart_also_in_threads(workspace: Workspace) -> None:
    alive, edited, deleted = (workspace.say(word) for word in ("a", "e", "d"))
    reply, gone_reply = (workspace.say(word, thread_ts=alive) for word in ("r", "g"))
    workspace.slack.edit(CHANNEL, edited, "changed")
    workspace.slack.delete(CHANNEL, deleted)
    workspace.slack.delete(CHANNEL, gone_reply)
    asked = [f"{CHANNEL}:{ts}" for ts in (alive, edited, deleted, reply, gone_reply)]

    stands = workspace.source().recheck([*asked, "C0OTHER:1.000000", "no id"])

    assert list(stands.values()) == [
        Liveness.ALIVE,
        Liveness.EDITED,
        Liveness.DELETED,
        Liveness.ALIVE,
        Liveness.DELETED,
        Liveness.UNKNOWN,
        Liveness.UNKNOWN,
    ]
    assert workspace.source(rate="restricted").recheck(asked) == {}


def test_a_reply_is_posted_in_the_thread_as_text(workspace: Workspace) -> None:
    start = workspace.source().poll(None).cursor
    ts = workspace.say("help")
    (mention,) = workspace.source().poll(start).mentions

    sent = workspace.source().reply(mention, "<!channel> we are on it & sorry: https://example.test")

    (posted,) = workspace.slack.messages(CHANNEL, thread_ts=ts)
    assert posted["text"] == "&lt;!channel&gt; we are on it &amp; sorry: https://example.test"
    assert sent.external_id == f"{CHANNEL}:{posted['ts']}"
    assert workspace.slack.violations == []


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.STORED_THEN_500])
def test_a_reply_whose_answer_is_lost_is_not_tried_again(workspace: Workspace, fault: Fault) -> None:
    ts = workspace.say("help")
    mention = Mention("slack", f"{CHANNEL}:{ts}", Author("U001"), "help", workspace.clock.as_datetime())
    workspace.slack.fail("chat.postMessage", fault)

    with pytest.raises(ConnectorError, match="did not confirm the reply") as raised:
        workspace.source().reply(mention, "hello")

    assert raised.value.permanent is True


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(data=st.data(), pages_from=st.sampled_from(["latest", "oldest"]))
def test_whatever_happens_between_two_calls_nothing_is_lost(data: st.DataObject, pages_from: str) -> None:
    workspace = Workspace(pages_from=pages_from)
    with serve(workspace.slack.app) as workspace.url:
        cursor = workspace.source().poll(None).cursor
        alive, seen, deleted = set(workspace.burst(5)), set(), set()
        parents = [*alive]
        steps = st.sampled_from(["say", "reply", "edit", "delete", "poll", "poll", "refuse", "repeat"])
        for step in data.draw(st.lists(steps, min_size=3, max_size=14)):
            match step:
                case "say":
                    alive |= set(said := workspace.burst(data.draw(st.integers(1, 40))))
                    parents += said[:2]
                case "reply":
                    alive.add(workspace.say("more", thread_ts=data.draw(st.sampled_from(parents))))
                case "edit" if alive:
                    workspace.clock.now += 1
                    workspace.slack.edit(CHANNEL, data.draw(st.sampled_from(sorted(alive))), "changed")
                case "delete" if len(alive) > 1:
                    gone = data.draw(st.sampled_from(sorted(alive - set(parents)) or sorted(alive)))
                    workspace.slack.delete(CHANNEL, gone)
                    alive.discard(gone)
                    deleted.add(gone)
                    parents = [ts for ts in parents if ts != gone] or [workspace.say("a new start")]
                    alive |= set(parents) - deleted
                case "refuse":
                    refusal = Planned(Fault.REFUSED, code="invalid_cursor")
                    workspace.slack.fail("conversations.history", refusal)
                case "poll":
                    page = workspace.source(call_budget=1).poll(cursor)
                    seen |= set(times([page]))
                    cursor = page.cursor
                case _:  # the process died before it stored the page
                    workspace.source(call_budget=1).poll(cursor)
        pages = drained(workspace.source(), cursor)
        pages += drained(workspace.source(), pages[-1].cursor)

    assert seen | set(times(pages)) | deleted >= alive
    assert (seen | set(times(pages))) - deleted == alive
