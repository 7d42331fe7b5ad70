"""What a tagged mention becomes: a case of its own, or part of one; its repeat, its urgency, its doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import pipeline
from bot.app import App
from bot.domain import Actor, CaseState, Gone, Liveness, Page, Priority, RepeatKind, Tag
from storage import models
from storage.outbox import Kind
from tests.installation import Installation, assert_books_agree, line
from tests.looking import case, contacts, history, journal_kinds, orders, pending, posted, rows, take_in, waiting

ANN = Actor("slack:UANN", "Ann")
PARCEL = "complaint/where_is_it: where is my parcel"
BILL = "complaint/billing_error: you have charged me twice"
THANKS = "praise/praise: thank you all"
CHAT = "just talking to a friend"
DAY = 24 * 60
RANT = "complaint/where_is_it: day {} and the armchair I paid for is still somewhere between your depot and nowhere"


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    settings: dict[str, Any] = {
        "queues": [{"name": "care", "slack_channel": "C0CARE"}, {"name": "thanks", "slack_channel": "C0THANKS"}],
        "routes": [
            {"queue": "thanks", "tag": "praise", "priority": "low", "confidence_min": 0.4},
            {"queue": "care", "name": "many read it", "followers_min": 10_000, "priority": "urgent"},
            {"queue": "care"},
        ],
        "slack": {},
    }
    return Installation(tmp_path, sqlite_url, settings=settings)


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    running = installation.open()
    installation.clock.forward(days=30)
    yield running
    assert_books_agree(running)
    running.parts.database.dispose()


# -- joining -----------------------------------------------------------------------------------------------------


def test_a_second_mention_within_a_day_joins_the_open_case_and_counts_no_second_contact(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve"))
    take_in(running, installation, line(2, BILL, author="eve", minutes=DAY - 1))

    assert len(rows(running, models.Case)) == 1
    assert case(running).mention_count == 2
    assert contacts(running) == 1
    assert journal_kinds(running) == ["tag", "cost_hold", "tag"]
    assert orders(running) == [("C0CARE", kind, 1) for kind in (Kind.CARD, Kind.NOTE, Kind.CARD_EDIT)]


def test_two_mentions_of_one_batch_make_the_same_of_it(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve"), line(2, BILL, author="eve", minutes=5))

    assert case(running).mention_count == 2
    assert case(running).version == 1
    assert contacts(running) == 1
    assert orders(running) == [("C0CARE", Kind.CARD, 1), ("C0CARE", Kind.NOTE, 1)]


def test_a_mention_a_day_later_on_another_matter_opens_a_case_of_its_own(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve"))
    take_in(running, installation, line(2, BILL, author="eve", minutes=DAY + 1))

    assert [row.repeat_kind for row in rows(running, models.Case)] == ["none", "none"]
    assert contacts(running) == 2


def test_a_mention_in_the_thread_of_an_open_case_joins_it_days_later(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve", thread="t1"))
    take_in(running, installation, line(2, BILL, author="eve", thread="t1", minutes=5 * DAY))

    assert case(running).mention_count == 2
    assert case(running).events[-1].detail == {"mention": 2, "why": "it is in the same thread"}


def test_another_author_in_the_same_thread_has_a_case_of_his_own(running: App, installation: Installation) -> None:
    take_in(
        running, installation, line(1, PARCEL, author="eve", thread="t1"), line(2, PARCEL, author="max", thread="t1")
    )

    assert [row.mention_count for row in rows(running, models.Case)] == [1, 1]


def test_nearly_the_same_words_of_the_same_author_join_days_later(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, RANT.format(9), author="eve"))
    take_in(running, installation, line(2, RANT.format(12) + "!!! @shop", author="eve", minutes=3 * DAY))

    assert case(running).mention_count == 2
    assert case(running).events[-1].detail["why"] == "the author wrote nearly the same before"


# -- re-opening --------------------------------------------------------------------------------------------------


def resolved_at(running: App, installation: Installation, *, minutes: int) -> None:
    """Somebody's first mention is answered ``minutes`` after it was written."""
    take_in(running, installation, line(1, PARCEL, author="eve", thread="t1"))
    installation.clock.at = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
    installation.clock.forward(minutes=minutes)
    running.desk.resolve(case(running).id, ANN, action_id="resolve")


def test_a_mention_within_a_day_of_the_answer_re_opens_the_case_with_a_minute_of_work_expected(
    running: App, installation: Installation
) -> None:
    resolved_at(running, installation, minutes=60)
    installation.clock.forward(days=1)

    take_in(running, installation, line(2, BILL, author="eve", thread="t1", minutes=60 + DAY - 1))

    view = case(running)
    assert (view.state, view.owner, view.closed_at, view.closed_how) == (CaseState.OPEN, "", None, "")
    assert view.due_at == datetime(2026, 11, 19, 10, 59, tzinfo=UTC)
    assert contacts(running) == 1
    assert history(running)[-1] == ("reopened", "Earmark")
    assert pending(running) == {
        ("Waste", "billing", "SEC", "E"): 60,
        ("Waste", "billing", "GBP", "E"): 50,
    }
    assert posted(running)["Waste", "logistics", "SEC", "E"] == 300


def test_the_work_on_a_re_opened_case_is_booked_beside_the_first(running: App, installation: Installation) -> None:
    resolved_at(running, installation, minutes=60)
    take_in(running, installation, line(2, PARCEL, author="eve", minutes=90))

    running.desk.resolve(case(running).id, ANN, action_id="resolve again")

    assert pending(running) == {}
    assert posted(running)["Waste", "logistics", "SEC", "E"] == 300 + 60


def test_a_mention_later_than_a_day_after_the_answer_opens_a_new_case(running: App, installation: Installation) -> None:
    resolved_at(running, installation, minutes=60)
    installation.clock.forward(days=3)

    take_in(running, installation, line(2, PARCEL, author="eve", thread="t1", minutes=60 + DAY))

    assert [row.state for row in rows(running, models.Case)] == ["resolved", "open"]


def test_a_dismissed_case_is_never_joined_again(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve", thread="t1"))
    running.desk.not_for_us(case(running).id, ANN, action_id="away")

    take_in(running, installation, line(2, PARCEL, author="eve", thread="t1", minutes=1))

    assert [row.state for row in rows(running, models.Case)] == ["dismissed", "open"]
    assert contacts(running) == 1


# -- mentions without a tag --------------------------------------------------------------------------------------


def test_a_mention_without_a_tag_opens_no_case_and_stands_in_no_book(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, CHAT))

    assert rows(running, models.Case) == []
    assert rows(running, models.LedgerJournal) == []
    assert [row.state for row in rows(running, models.Mention)] == ["ignored"]


def test_a_mention_without_a_tag_joins_an_open_case(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve"), line(2, CHAT, author="eve", minutes=5))

    assert case(running).mention_count == 2
    assert [row.state for row in rows(running, models.Mention)] == ["tagged", "tagged"]


def test_a_mention_without_a_tag_never_re_opens_a_case(running: App, installation: Installation) -> None:
    resolved_at(running, installation, minutes=60)

    take_in(running, installation, line(2, CHAT, author="eve", minutes=61))

    assert case(running).state is CaseState.RESOLVED
    assert case(running).mention_count == 1
    assert rows(running, models.Mention)[1].state == "ignored"


# -- urgency and doubt -------------------------------------------------------------------------------------------


def test_a_complaint_that_joins_a_thank_you_makes_it_as_urgent_and_asks_for_a_look(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, THANKS, author="eve"))
    assert (case(running).priority, case(running).due_at) == (Priority.LOW, datetime(2026, 11, 19, 9, 0, tzinfo=UTC))

    take_in(running, installation, line(2, BILL, author="eve", minutes=10, followers=50_000))

    view = case(running)
    assert (view.queue, view.tag, view.priority) == ("thanks", Tag.PRAISE, Priority.URGENT)
    assert view.due_at == datetime(2026, 11, 18, 10, 10, tzinfo=UTC)
    assert view.review == "a complaint joined this praise; retag it if that is what it now is about"
    assert [one.id for one in running.desk.review_list(10)] == [view.id]


def test_a_thank_you_that_joins_a_complaint_makes_it_no_less_urgent(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve"))
    take_in(running, installation, line(2, THANKS, author="eve", minutes=10))

    view = case(running)
    assert (view.priority, view.due_at) == (Priority.NORMAL, datetime(2026, 11, 18, 10, 0, tzinfo=UTC))
    assert not view.needs_review


def test_a_doubtful_tagging_is_routed_and_in_the_review_list(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "praise/praise?sure only by half: well, thanks a lot"))

    view = case(running)
    assert waiting(running, "thanks") == [view.id]
    assert (view.needs_review, view.review) == (True, "sure only by half")
    assert [one.id for one in running.desk.review_list(10)] == [view.id]
    assert running.desk.review_count() == 1


# -- repeats -----------------------------------------------------------------------------------------------------

HOW = "request/how_to: how do i return this"


def test_a_chase_of_an_open_case_is_waste_of_the_department_that_caused_it(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, HOW, author="eve"))
    take_in(running, installation, line(2, "request/how_to: hello, anybody?", author="eve", minutes=2 * DAY))

    view = case(running, 2)
    assert (view.repeat_kind, view.repeat_of, view.department) == (RepeatKind.CHASE, 1, "digital")
    assert posted(running) == {
        ("Automate", "digital", "CNT", "N"): 1,
        ("Automate", "digital", "TAG", "N"): 1,
        ("Waste", "digital", "CNT", "N"): 1,
        ("Waste", "digital", "TAG", "N"): 1,
    }


@pytest.mark.parametrize(
    ("owner", "borne_by"),
    [
        ("service", [("service", 250)]),  # the default: the desk had said that it was done
        ("owner", [("logistics", 250)]),
        ("split", [("logistics", 125), ("service", 125)]),
    ],
)
def test_who_bears_a_repeat_after_resolved_is_configured(
    installation: Installation, owner: str, borne_by: list[tuple[str, int]]
) -> None:
    settings = {**installation.settings, "ledger": {"repeat": {"after_resolved_owner": owner}}}
    running = replace(installation, settings=settings).open()
    resolved_at(running, installation, minutes=60)
    installation.clock.forward(days=3)

    take_in(running, installation, line(2, "complaint/where_is_it: again!", author="eve", minutes=2 * DAY))

    assert case(running, 2).repeat_kind is RepeatKind.AFTER_RESOLVED
    assert case(running, 2).repeat_of == 1
    money = {dept: sum_ for (_, dept, unit, _), sum_ in pending(running).items() if unit == "GBP"}
    assert sorted(money.items()) == borne_by
    assert_books_agree(running)
    running.parts.database.dispose()


def test_another_reason_repeats_nothing(running: App, installation: Installation) -> None:
    resolved_at(running, installation, minutes=60)
    installation.clock.forward(days=3)

    take_in(running, installation, line(2, BILL, author="eve", minutes=2 * DAY))

    assert case(running, 2).repeat_kind is RepeatKind.NONE


# -- what is told ------------------------------------------------------------------------------------------------


def test_the_history_tells_what_opened_and_joined_a_case_and_the_route_says_why(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, PARCEL, author="eve", followers=20_000))
    take_in(running, installation, line(2, CHAT, author="eve"))

    why = "rule 'many read it': followers 20,000 ≥ 10,000"
    assert history(running) == [("opened", "Earmark"), ("joined", "Earmark")]
    assert case(running).events[0].detail == {"mention": 1, "queue": "care", "why": why}
    assert case(running).why == why


class Told:
    """A connector whose pages are told."""

    platform = "replay"

    def __init__(self, *gone: Gone) -> None:
        self.gone = gone

    def poll(self, cursor: str | None) -> Page:
        return Page(gone=self.gone, cursor=cursor)

    def since(self, at: datetime) -> None:
        raise NotImplementedError

    def recheck(self, ids: Sequence[str]) -> dict[str, Liveness]:
        raise NotImplementedError

    def reply(self, mention: object, text: str) -> Any:
        raise NotImplementedError


def test_a_deleted_mention_loses_its_text_and_its_card_is_drawn_again(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL), line(2, BILL))

    pipeline.receive(replace(running.parts, connectors={"feed": Told(Gone("1", Liveness.DELETED))}), "feed")

    [mention] = case(running).mentions
    assert (mention.text, mention.liveness) == ("", Liveness.DELETED)
    assert case(running, 2).mentions[0].text == BILL
    assert orders(running)[2:] == [("C0CARE", Kind.CARD_EDIT, 1)]


def test_an_edited_mention_shows_its_new_text_once_however_often_it_is_seen(
    running: App, installation: Installation
) -> None:
    take_in(running, installation, line(1, PARCEL))
    told = Told(Gone("1", Liveness.EDITED, "it has come, thanks"))

    for _ in range(2):
        pipeline.receive(replace(running.parts, connectors={"feed": told}), "feed")

    [mention] = case(running).mentions
    assert (mention.text, mention.liveness) == ("it has come, thanks", Liveness.EDITED)
    assert orders(running)[1:] == [("C0CARE", Kind.CARD_EDIT, 1)]
