"""Several nodes on one PostgreSQL, as real processes: killed, frozen, stopped, cut off, with clocks that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bot.app import Role
from storage import cases, db
from storage.models import Case, LedgerJournal, Mention, OutboxMessage, Tagging
from tests.installation import assert_books_agree, line
from tests.looking import contacts, rows
from tests.nodes import Nodes
from tests.servers.postgres import own_postgres
from tests.servers.slack import BOT_TOKEN, Slack, running
from tests.servers.wire import wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAKE_OVER_S_MAX = 10.0
TEXTS = (
    "complaint/where_is_it: where is my parcel",
    "complaint+request/billing_error: charged twice, please mend it",
    "praise/praise: thank you all",
    "request/how_to: how do i return this",
    "just talking to a friend",
)


@pytest.fixture
def nodes(tmp_path: Path, postgresql_url: str) -> Iterator[Nodes]:
    with Nodes(tmp_path, postgresql_url) as made:
        yield made


def publish(nodes: Nodes, count: int, *, first: int = 0, authors: int = 50) -> None:
    numbers = range(first, first + count)
    nodes.publish(*(line(number, TEXTS[number % 5], author=f"a{number % authors}") for number in numbers))


def assert_all_is_there_once(nodes: Nodes, count: int) -> None:
    looking = nodes.open()
    found = rows(looking, Mention)
    assert len({mention.external_id for mention in found}) == len(found) == count
    assert {mention.state for mention in found} <= {"tagged", "ignored"}
    assert len(rows(looking, Tagging)) == count
    assert contacts(looking) == len(rows(looking, Case))
    assert_books_agree(looking)
    looking.parts.database.dispose()


def test_nodes_of_every_role_do_the_work_together_and_stop_cleanly(nodes: Nodes) -> None:
    publish(nodes, 400)
    started = [nodes.start(role) for role in (Role.POLL, Role.WORK, Role.WORK, Role.WEB)]

    nodes.wait_until(lambda: nodes.tagged() == 400)

    assert [node.stop() for node in started] == [0, 0, 0, 0]
    assert_all_is_there_once(nodes, 400)


def test_what_a_killed_node_was_doing_is_taken_over_within_ten_seconds_and_done(nodes: Nodes) -> None:
    held = nodes.folder / "held"
    held.touch()
    publish(nodes, 40)
    doomed = nodes.start(tagger=f"told:{held}")
    nodes.wait_until(lambda: jobs(nodes)["tag", "doing"] == 2)
    other = nodes.start(Role.WORK)
    nodes.wait_until(lambda: workers(nodes) == 4)

    doomed.kill()
    took_s = nodes.wait_until(lambda: other.said("jobs_taken_over") > 0)
    nodes.wait_until(lambda: nodes.tagged() == 40)

    assert took_s < TAKE_OVER_S_MAX
    assert_all_is_there_once(nodes, 40)


def test_a_node_that_froze_in_its_work_and_wakes_does_none_of_it_again_and_goes_on(nodes: Nodes) -> None:
    held = nodes.folder / "held"
    held.touch()
    publish(nodes, 40)
    zombie = nodes.start(tagger=f"told:{held}")
    nodes.wait_until(lambda: jobs(nodes)["tag", "doing"] == 2)
    nodes.start(Role.WORK)
    nodes.wait_until(lambda: workers(nodes) == 4)

    zombie.freeze()
    nodes.wait_until(lambda: nodes.tagged() == 40)
    held.unlink()
    zombie.thaw()
    nodes.wait_until(lambda: zombie.said("worker_restarts") > 0)
    publish(nodes, 40, first=40)
    nodes.wait_until(lambda: nodes.tagged() == 80)

    assert zombie.stop() == 0
    assert_all_is_there_once(nodes, 80)


def test_what_a_stopped_node_leaves_is_taken_up_at_once(nodes: Nodes) -> None:
    publish(nodes, 1000)
    leaving = nodes.start()
    nodes.wait_until(lambda: nodes.tagged() > 0)
    nodes.start()
    nodes.wait_until(lambda: workers(nodes) == 4)

    status = leaving.stop()
    left = jobs(nodes)
    nodes.wait_until(lambda: nodes.tagged() == 1000)

    assert status == 0
    assert sum(count for (_, state), count in left.items() if state == "doing") <= 4
    assert_all_is_there_once(nodes, 1000)


def test_two_nodes_whose_clocks_differ_by_minutes_agree_on_the_time(nodes: Nodes) -> None:
    publish(nodes, 60)
    before = datetime.now(UTC)
    nodes.start(skew_s=120)
    nodes.start(Role.WORK, skew_s=-120)

    nodes.wait_until(lambda: nodes.tagged() == 60)

    looking = nodes.open()
    times = [row.at for row in rows(looking, Tagging)] + [row.received_at for row in rows(looking, Mention)]
    times += [row.recorded_at for row in rows(looking, LedgerJournal)]
    looking.parts.database.dispose()
    assert min(times) >= before - timedelta(seconds=1)
    assert max(times) <= datetime.now(UTC) + timedelta(seconds=1)


# -- the database goes away --------------------------------------------------------------------------------------


def test_a_node_cut_off_in_mid_transaction_stops_acting_and_goes_on_by_itself_once_it_can(nodes: Nodes) -> None:
    url = make_url(nodes.url)
    publish(nodes, 400)
    with wire(url.host or "", url.port or 5432) as line_to_it:
        near = url.set(host="127.0.0.1", port=line_to_it.port).render_as_string(hide_password=False)
        node = nodes.start(url=near)
        nodes.wait_until(lambda: node.said("started") == 1 and nodes.tagged() > 20)

        line_to_it.cut()
        nodes.wait_until(lambda: node.said("database_lost") == 1)
        publish(nodes, 20, first=400)
        stored = sum(nodes.states().values())
        nodes.wait_until(lambda: workers(nodes) == 0 or node.said("worker_restarts") > 0)
        still_stored = sum(nodes.states().values())
        line_to_it.mend()
        nodes.wait_until(lambda: nodes.tagged() == 420)

        assert still_stored == stored
        assert node.said("database_back") == 1
        assert node.is_running
        assert node.stop() == 0
    assert_all_is_there_once(nodes, 420)


def test_nodes_survive_a_crash_and_a_restart_of_postgresql(tmp_path: Path) -> None:
    with own_postgres() as server, Nodes(tmp_path, server.url) as nodes:
        publish(nodes, 600)
        started = [nodes.start(), nodes.start(Role.WORK)]
        # One that has not started yet would find no database, and end.
        nodes.wait_until(lambda: all(node.said("started") for node in started) and nodes.tagged() > 20)

        server.crash()
        nodes.wait_until(lambda: all(node.said("database_lost") for node in started))
        server.start()
        nodes.wait_until(lambda: nodes.tagged() == 600)

        assert [node.stop() for node in started] == [0, 0]
        assert_all_is_there_once(nodes, 600)


# -- Slack -------------------------------------------------------------------------------------------------------


def test_nodes_that_deliver_to_the_same_channels_and_die_post_each_card_once_and_in_order(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack = Slack(seconds_between_messages=0.0, has_tiers=False)
    slack.add_channel("C0CARE", "care")
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    with running(slack) as address:
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 0.5}
        with Nodes(tmp_path, postgresql_url, {"slack": quick}) as nodes:
            publish(nodes, 80, authors=80)  # no card is edited: an edit would change by what we know it
            doomed, _, frozen = nodes.start(), nodes.start(Role.SLACK), nodes.start(Role.SLACK)
            nodes.wait_until(lambda: len(shown(slack)) >= 5)
            frozen.freeze()
            doomed.kill()
            fresh = nodes.start()
            # Whoever is frozen with a channel keeps it, so that it cannot post beside another when it wakes.
            nodes.wait_until(lambda: fresh.said("started") == 1)
            frozen.thaw()
            nodes.wait_until(lambda: nodes.tagged() == 80 and not nodes.undelivered())

            assert_each_case_has_one_card(nodes, slack)
            assert_all_is_there_once(nodes, 80)


def shown(slack: Slack) -> Counter[str]:
    """How often each delivery is in the queue's channel."""
    return Counter(message["metadata"]["event_payload"]["delivery_id"] for message in slack.messages("C0CARE"))


def assert_each_case_has_one_card(nodes: Nodes, slack: Slack) -> None:
    looking = nodes.open()
    with db.reading(looking.parts.database) as session:
        assert cases.cards_shown(session) == cases.count(session)
    sent = [row for row in sorted(rows(looking, OutboxMessage), key=lambda row: row.id or 0) if row.kind == "card"]
    looking.parts.database.dispose()
    assert set(shown(slack).values()) == {1}
    assert list(shown(slack)) == [row.delivery_id for row in sent]


# -- the job table -----------------------------------------------------------------------------------------------


def jobs(nodes: Nodes) -> Counter[tuple[str, str]]:
    """How many jobs there are of each step in each state."""
    database = db.connect(nodes.url)
    with database.connect() as connection:
        found = connection.exec_driver_sql("SELECT queue_name, status::text FROM procrastinate_jobs").all()
    database.dispose()
    return Counter((step, state) for step, state in found)


def workers(nodes: Nodes) -> int:
    """How many workers are registered; a node that tags and does other things has two."""
    database = db.connect(nodes.url)
    with database.connect() as connection:
        found: int = connection.exec_driver_sql("SELECT count(*) FROM procrastinate_workers").scalar_one()
    database.dispose()
    return found


def is_tagged_so_far(nodes: Nodes, count: int) -> bool:
    return nodes.tagged() >= count


def test_emptying_the_job_table_again_and_again_changes_nothing_in_the_end(nodes: Nodes) -> None:
    publish(nodes, 300)
    nodes.start()
    nodes.start(Role.WORK)
    database = db.connect(nodes.url)
    for share in (1, 60, 160):
        nodes.wait_until(partial(is_tagged_so_far, nodes, share))
        with database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM procrastinate_jobs")
    database.dispose()

    nodes.wait_until(lambda: nodes.tagged() == 300)

    assert_all_is_there_once(nodes, 300)
