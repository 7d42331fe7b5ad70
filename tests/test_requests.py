"""Requests passed on to product teams: opened and joined once, answered in order, and told back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from bot import erase
from bot.app import App
from bot.domain import Actor, RequestState
from bot.errors import CaseError
from bot.reporting import passed
from bot.reporting.ask import Ask
from bot.views import PassedRequest
from storage import models
from storage.db import reading
from storage.models_requests import ProductRequest, RequestAsk, RequestEvent
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import history, orders, rows, take_in

ANN = Actor("slack:U1", "Ann")
BEN = Actor("slack:U2", "Ben")
SUE = Actor("slack:U3", "Sue", is_supervisor=True)
PAT = Actor("slack:U4", "Pat")
DARK = "request/feature_request: please add a dark mode"
TEAMS = [
    {"name": "mobile", "slack_channel": "C0MOBILE", "reasons": ["feature_request"]},
    {"name": "payments"},
]


@pytest.fixture
def place(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation with a team that hears of requests in Slack, and one that does not."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-sample")
    made = Installation(tmp_path, database_url, Clock(), {"slack": {}, "product_teams": TEAMS})
    yield made
    made.close()


def asked(place: Installation, count: int = 1, text: str = DARK, author: str = "") -> App:
    running = place.open()
    take_in(running, place, *(line(number, text, author=author) for number in range(1, count + 1)))
    return running


def pass_on(running: App, case_id: int, *, team: str = "mobile", title: str = "Dark mode", by: Actor = ANN) -> None:
    running.desk.pass_on(case_id, by, action_id=f"pass:{case_id}:{title}", team=team, title=title)


def answer(running: App, to: RequestState, *, number: int = 1, by: Actor = PAT, why: str = "") -> str:
    return running.desk.answer(number, to, by, action_id=f"{to}:{number}:{by.ref}", why=why).message


def only(running: App) -> PassedRequest:
    [found] = running.desk.requests()
    return found


# -- opened and joined --------------------------------------------------------------------------------------------


def test_a_new_request_is_passed_at_once_to_a_team_that_hears_of_it_in_slack(place: Installation) -> None:
    running = asked(place)

    pass_on(running, 1, title="  Dark \n mode ")

    found = only(running)
    assert (found.team, found.title, found.state, found.customers) == ("mobile", "Dark mode", RequestState.PASSED, 1)
    assert (found.first_asked_at, found.passed_at) == (place.clock.at, place.clock.at)
    assert history(running)[-1] == ("passed_on", "Ann")
    assert [(row.kind, row.actor_name) for row in rows(running, RequestEvent)] == [("opened", "Ann"), ("passed", "Ann")]
    shown = [(channel, kind) for channel, kind, _ in orders(running)]
    assert ("C0MOBILE", "request") in shown


def test_a_team_without_a_slack_channel_has_to_be_told_by_somebody(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1, team="payments")
    before = only(running).state

    answer(running, RequestState.PASSED, by=ANN)

    assert (before, only(running).state) == (RequestState.NEW, RequestState.PASSED)


def test_another_case_joins_an_open_request_by_its_number_or_by_its_title(place: Installation) -> None:
    running = asked(place, 3)
    pass_on(running, 1)

    running.desk.pass_on(2, BEN, action_id="two", joins=1)
    pass_on(running, 3, title="DARK  mode", by=BEN)

    assert only(running).customers == 3
    assert [row.case_id for row in rows(running, RequestAsk)] == [1, 2, 3]


def test_one_person_who_asks_twice_is_one_customer(place: Installation) -> None:
    running = asked(place, author="ann")
    running.desk.resolve(1, ANN, action_id="r")
    take_in(running, place, line(2, "request/how_to: how do I get it dark", author="ann", minutes=60 * 30))
    pass_on(running, 1)

    running.desk.pass_on(2, ANN, action_id="two", joins=1)

    assert (len(rows(running, RequestAsk)), only(running).customers) == (2, 1)


def test_two_agents_who_open_the_same_request_together_make_one(place: Installation) -> None:
    running, other, barrier = asked(place, 2), place.open(), Barrier(2)

    def press(process: App, case_id: int) -> None:
        barrier.wait()
        pass_on(process, case_id)

    with ThreadPoolExecutor(2) as both:
        list(both.map(press, [running, other], [1, 2]))

    assert only(running).customers == 2
    assert [row.kind for row in rows(running, RequestEvent)].count("opened") == 1


def test_the_same_press_delivered_twice_passes_on_once(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1)
    answer(running, RequestState.SHIPPED)

    again = running.desk.pass_on(1, ANN, action_id="pass:1:Dark mode", team="mobile", title="Dark mode")

    assert (again.changed, again.message) == (False, "That was done already.")
    assert only(running).state is RequestState.SHIPPED


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"team": "nobody", "title": "x"}, "There is no product team 'nobody'; there are: mobile, payments."),
        ({"team": "mobile", "title": " \n"}, "Say in a few words what they ask for."),
        ({"joins": 7}, "There is no request 7."),
        ({"joins": 1}, "This case asks for that already."),
    ],
)
def test_what_cannot_be_passed_on_is_refused_and_leaves_nothing(
    place: Installation, given: dict[str, Any], refusal: str
) -> None:
    running = asked(place)
    pass_on(running, 1)

    with pytest.raises(CaseError, match=re.escape(refusal)):
        running.desk.pass_on(1, ANN, action_id="x", **given)

    assert (len(rows(running, ProductRequest)), len(rows(running, RequestAsk))) == (1, 1)


def test_what_is_not_for_us_asks_for_nothing(place: Installation) -> None:
    running = asked(place, 2)
    pass_on(running, 1)
    running.desk.pass_on(2, BEN, action_id="two", joins=1)

    running.desk.not_for_us(2, ANN, action_id="n")

    assert only(running).customers == 1
    with pytest.raises(CaseError, match="was dismissed as not for us"):
        pass_on(running, 2, title="Other")


def test_without_configured_teams_the_departments_of_the_taxonomy_are_offered(place: Installation) -> None:
    place.settings = {}
    running = place.open()

    assert "service" not in running.desk.product_teams()
    assert {"product", "engineering", "digital"} <= set(running.desk.product_teams())
    assert running.desk.team_for("feature_request") == "product"


# -- answered -----------------------------------------------------------------------------------------------------


def test_a_request_goes_its_way_and_each_step_has_its_time_and_actor(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1)
    for days, to in ((4, RequestState.ACKNOWLEDGED), (3, RequestState.PLANNED), (30, RequestState.SHIPPED)):
        place.clock.forward(days=days)
        answer(running, to)

    found = only(running)

    assert found.acknowledged_at == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert found.planned_at == datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert (found.ended_at, found.version) == (datetime(2026, 12, 25, 9, tzinfo=UTC), 5)
    assert [(row.kind, row.actor) for row in rows(running, RequestEvent)][2:] == [
        ("acknowledged", "slack:U4"), ("planned", "slack:U4"), ("shipped", "slack:U4"),
    ]  # fmt: skip


def test_the_first_answer_acknowledges_whatever_it_is(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1)
    place.clock.forward(days=2)

    answer(running, RequestState.DECLINED, why="Few would use it.")

    found = only(running)
    assert (found.acknowledged_at, found.why) == (place.clock.at, "Few would use it.")


@pytest.mark.parametrize(
    ("before", "to", "refusal"),
    [
        ([], RequestState.NEW, "Request 1 is passed on, which comes after not passed on yet."),
        ([RequestState.PLANNED], RequestState.ACKNOWLEDGED, "Request 1 is planned, which comes after acknowledged."),
        ([RequestState.SHIPPED], RequestState.DECLINED, "Request 1 is shipped already; open a new one instead."),
        ([], RequestState.DECLINED, "Say why it is declined; the customers are told."),
    ],
)
def test_an_answer_that_cannot_be_is_refused(
    place: Installation, before: list[RequestState], to: RequestState, refusal: str
) -> None:
    running = asked(place)
    pass_on(running, 1)
    for state in before:
        answer(running, state)

    with pytest.raises(CaseError, match=re.escape(refusal)):
        answer(running, to)


def test_what_was_not_passed_on_cannot_be_answered(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1, team="payments")

    with pytest.raises(CaseError, match=re.escape("Request 1 was not passed on to its team yet; do that first.")):
        answer(running, RequestState.ACKNOWLEDGED)


def test_of_two_who_answer_together_one_is_told_what_the_other_said(place: Installation) -> None:
    running, barrier = asked(place), Barrier(2)
    pass_on(running, 1)
    other = place.open()

    def press(process: App, to: RequestState) -> str:
        barrier.wait()
        try:
            return answer(process, to, why="Few would use it.")
        except CaseError as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as both:
        said = set(both.map(press, [running, other], [RequestState.SHIPPED, RequestState.DECLINED]))

    state = only(running).state.value
    assert said == {f"Request 1 is {state} now.", f"Request 1 is {state} already; open a new one instead."}


def test_a_press_delivered_twice_answers_once_and_a_second_one_changes_nothing(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1)

    said = [answer(running, RequestState.PLANNED), answer(running, RequestState.PLANNED)]
    said.append(answer(running, RequestState.PLANNED, by=SUE))

    assert said == ["Request 1 is planned now.", "That was done already.", "Request 1 is planned already."]
    assert only(running).version == 3


# -- told back ----------------------------------------------------------------------------------------------------


def test_at_the_end_each_case_is_reminded_once_and_who_was_told_is_counted(place: Installation) -> None:
    running = asked(place, 3)
    pass_on(running, 1)
    for case_id in (2, 3):
        running.desk.pass_on(case_id, BEN, action_id=f"j{case_id}", joins=1)
    running.desk.resolve(3, BEN, action_id="r")

    answer(running, RequestState.SHIPPED)
    running.desk.customer_told(3, BEN, action_id="t")

    notes = [row for row in rows(running, models.OutboxMessage) if row.dedupe_key.startswith("note:request:1:")]
    assert [(row.case_id, row.detail["event"]) for row in notes] == [
        (1, "request_shipped"), (2, "request_shipped"), (3, "request_shipped"),
    ]  # fmt: skip
    assert (only(running).customers_told, only(running).customers) == (1, 3)
    assert history(running, 3)[-1] == ("customer_told", "Ben")
    assert_books_agree(running)


def test_before_the_end_there_is_nothing_to_tell_and_after_it_only_once(place: Installation) -> None:
    running = asked(place)
    pass_on(running, 1)
    with pytest.raises(CaseError, match="There is nothing to tell this customer"):
        running.desk.customer_told(1, ANN, action_id="t")

    answer(running, RequestState.DECLINED, why="No.")
    running.desk.customer_told(1, ANN, action_id="u")

    with pytest.raises(CaseError, match=re.escape("There is nothing to tell this customer, or it was told meanwhile.")):
        running.desk.customer_told(1, ANN, action_id="v")


def test_after_the_end_the_same_wish_opens_a_new_request(place: Installation) -> None:
    running = asked(place, 2)
    pass_on(running, 1)
    answer(running, RequestState.DECLINED, why="Not now.")

    pass_on(running, 2)

    assert [(one.id, one.state) for one in running.desk.requests()] == [
        (2, RequestState.PASSED), (1, RequestState.DECLINED),
    ]  # fmt: skip
    with pytest.raises(CaseError, match=re.escape("Request 1 is declined already; open a new one instead.")):
        running.desk.pass_on(2, ANN, action_id="x", joins=1)


def test_what_a_merged_case_asked_for_goes_with_it(place: Installation) -> None:
    running = asked(place, author="ann")
    take_in(running, place, line(2, "request/how_to: and another thing", author="ann", minutes=60 * 30))
    pass_on(running, 1)

    running.desk.merge(1, SUE, 2, action_id="m")
    answer(running, RequestState.SHIPPED)

    assert [row.case_id for row in rows(running, RequestAsk)] == [2]
    assert only(running).customers == 1


def test_requests_post_no_money(place: Installation) -> None:
    running = asked(place)
    before = len(rows(running, models.LedgerJournal))
    pass_on(running, 1)
    answer(running, RequestState.SHIPPED)

    running.desk.customer_told(1, ANN, action_id="t")

    assert len(rows(running, models.LedgerJournal)) == before


def test_erasing_the_only_one_who_asked_blanks_the_words_and_what_others_ask_for_stays(place: Installation) -> None:
    running = asked(place, 2)
    pass_on(running, 1)
    pass_on(running, 1, title="What Ann alone wants", team="payments")
    running.desk.pass_on(2, BEN, action_id="j", joins=1)

    erase.erase(running.parts, "replay:author-1")

    assert sorted((one.title, one.customers) for one in running.desk.requests()) == [("", 1), ("Dark mode", 2)]


# -- the report ---------------------------------------------------------------------------------------------------


def test_a_month_shows_a_request_as_it_stood_then(place: Installation) -> None:
    running = asked(place, 2)
    pass_on(running, 1)
    place.clock.at = datetime(2026, 12, 10, 9, tzinfo=UTC)
    running.desk.pass_on(2, BEN, action_id="j", joins=1)
    answer(running, RequestState.SHIPPED)
    running.desk.customer_told(1, ANN, action_id="t")
    place.clock.forward(days=60)

    with reading(running.parts.database) as session:
        months = {
            month: passed.facts(Ask(session, running.parts.settings, month, place.clock.at))
            for month in ("2026-10", "2026-11", "2026-12", "2027-01")
        }

    assert (months["2026-10"], months["2027-01"]) == ([], [])
    [november], [december] = months["2026-11"], months["2026-12"]
    assert (november.state, november.customers, november.acknowledged) == (RequestState.PASSED, 1, None)
    assert (december.state, december.customers, december.customers_told) == (RequestState.SHIPPED, 2, 1)
    assert december.acknowledged == date(2026, 12, 10)
    assert timedelta(days=22) == december.acknowledged - (december.passed or date.min)
