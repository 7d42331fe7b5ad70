"""The whole, to the last card: polled, tagged, worked and delivered in any order, and answers of Slack are lost.

What :mod:`tests.company` lets happen, and delivery besides: turns of a deliverer, lost and refused answers, death at
any commit of a delivery. However it went, in the end every mention is there once, every case has one card, and nothing
waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import event

from bot import pipeline
from bot.slack.delivery import deliver
from storage import models
from tests.company import Company, Died, two_queues
from tests.conftest import IN_CI
from tests.installation import assert_books_agree
from tests.looking import rows
from tests.servers.slack import BOT_TOKEN, Fault, Planned, Slack
from tests.servers.slack_workspace import Json
from tests.slack.conftest import Switch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # to find the shortest way to a failure takes minutes

CHANNELS = ("C0CARE", "C0HELP")
FAULTS = tuple(Planned(fault, code="internal_error") for fault in Fault if fault is not Fault.LATE)
ACCIDENTS_MAX = 5
"""A message that Slack does not answer six times over ten minutes is given up, and that is another test's matter."""
TURNS_MAX = 200


class Office(Company):
    """The company with a Slack channel for each of its two queues."""

    switch: ClassVar[Switch]

    def __init__(self) -> None:
        self.slack = Slack(clock=lambda: self.installation.clock().timestamp())
        for channel in CHANNELS:
            self.slack.add_channel(channel)
        self.switch.app = self.slack.app
        self.accidents = 0
        queues = [{**queue, "slack_channel": f"C0{queue['name'].upper()}"} for queue in two_queues()["queues"]]
        super().__init__({"slack": {"api_url": self.switch.address}, "queues": queues})

    def teardown(self) -> None:
        try:
            self._settle()
            self._everything_is_there_once()
        finally:
            self.slack.sockets.close()
            super().teardown()

    # -- what happens

    @rule(channel=st.sampled_from(CHANNELS))
    def a_deliverer_has_a_turn(self, channel: str) -> None:
        self._turn(channel)

    @rule(seconds=st.sampled_from([1, 20]), channel=st.sampled_from(CHANNELS))
    def a_deliverer_has_a_turn_a_little_later(self, seconds: int, channel: str) -> None:
        self.installation.clock.forward(seconds=seconds)
        self._turn(channel)

    @rule(number=st.integers(0, 3), is_request=st.booleans())
    def a_supervisor_moves_a_case_to_the_other_queue(self, number: int, is_request: bool) -> None:
        self.pressed.append(("retag", number, 2, 1 if is_request else 0))
        self._press(len(self.pressed) - 1)

    @precondition(lambda self: self.accidents < ACCIDENTS_MAX)
    @rule(fault=st.sampled_from(FAULTS), passes=st.integers(0, 2))
    def an_answer_of_slack_will_be_lost(self, fault: Planned, passes: int) -> None:
        self.accidents += 1
        self.slack.fail_next(*[None] * passes, fault)

    @precondition(lambda self: self.accidents < ACCIDENTS_MAX)
    @rule(channel=st.sampled_from(CHANNELS), commits=st.integers(0, 4))
    def it_is_killed_while_it_delivers(self, channel: str, commits: int) -> None:
        """The process dies instead of its next commit but so many: before a post, or after it."""
        self.accidents += 1
        left = iter(range(commits))

        def die(_connection: object) -> None:
            if next(left, None) is None:
                raise Died

        database = self.running.parts.database
        event.listen(database, "commit", die)
        try:
            self._turn(channel)
        except Died:
            self.it_is_started_again()
        else:
            event.remove(database, "commit", die)

    # -- what holds

    @invariant()
    def nothing_is_in_slack_twice_and_a_card_is_where_its_case_says(self) -> None:
        shown = Counter(_posted_as(message) for channel in CHANNELS for message in self._all_of(channel))
        assert set(shown.values()) <= {1}
        waiting = (row for row in rows(self.running, models.OutboxMessage) if row.state != "sent")
        leaving = {row.case_id for row in waiting if row.kind == "remove"}  # or gone, and nobody noted it yet
        for case in rows(self.running, models.Case):
            if case.card_ts and case.id not in leaving:
                assert case.card_ts in {message["ts"] for message in self.slack.messages(case.card_channel)}

    # -- how

    def _turn(self, channel: str) -> datetime | None:
        parts = self.running.parts
        assert parts.slack is not None
        assert parts.settings.slack is not None
        return deliver(parts.database, parts.slack, channel, now=parts.now, settings=parts.settings.slack)

    def _settle(self) -> None:
        """Let everything that waits be done; the clock goes on as the deliverers ask for it."""
        while pipeline.receive(self.running.parts, "feed").more:
            pass
        while pipeline.tag(self.running.parts):
            pass
        for channel in CHANNELS:
            for _ in range(TURNS_MAX):
                again_at = self._turn(channel)
                if again_at is None:
                    break
                self.installation.clock.at = max(self.installation.clock.at, again_at)
            else:
                raise AssertionError(f"{channel} is not drained after {TURNS_MAX} turns")

    def _everything_is_there_once(self) -> None:
        mentions = rows(self.running, models.Mention)
        assert sorted(int(mention.external_id) for mention in mentions) == list(range(1, self.published + 1))
        outbox = rows(self.running, models.OutboxMessage)
        assert {row.state for row in outbox} <= {"sent"}
        of_case = {row.delivery_id: row.case_id for row in outbox if row.kind == "card"}
        shown = [
            (of_case[_posted_as(message)], channel)
            for channel in CHANNELS
            for message in self.slack.messages(channel)
            # Where a card with a thread was taken away, Slack says that a message was deleted.
            if message.get("subtype") != "tombstone"
        ]
        cases = rows(self.running, models.Case)
        assert sorted(shown) == sorted((case.id, f"C0{case.queue.upper()}") for case in cases)
        assert self.slack.violations == []
        assert_books_agree(self.running)

    def _all_of(self, channel: str) -> list[Json]:
        return self.slack.workspace.channels[channel].messages


def _posted_as(message: Json) -> str:
    """The id under which a message was posted; an edit has one of its own, and takes the card's along."""
    payload = message["metadata"]["event_payload"]
    return str(payload.get("card_id") or payload["delivery_id"])


@pytest.fixture(autouse=True)
def given_slack(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    monkeypatch.setattr(Office, "switch", switch, raising=False)


def test_in_the_end_every_mention_is_there_once_every_case_has_one_card_and_nothing_waits() -> None:
    _play(Office, 20 if IN_CI else 4)


def test_the_same_holds_on_postgresql(new_postgresql_url: Callable[[], str]) -> None:
    class OnPostgresql(Office):
        def new_url(self, folder: Path) -> str:  # noqa: ARG002  # no file
            return new_postgresql_url()

    _play(OnPostgresql, 8 if IN_CI else 2)


def _play(machine: type[Office], examples: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=25))
