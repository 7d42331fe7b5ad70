"""Answers in bulk: every waiting case of an incident once, whatever fails, and what that makes the books say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from bot import booking
from bot.app import App
from bot.domain import Actor, CaseState, Liveness, Tag
from bot.errors import CaseError, ConnectorError, UnconfirmedError
from bot.ledger.explain import explain
from bot.ledger.reclass import restated
from storage import casework, jobs, ledger, models
from storage.db import reading, transaction
from storage.models_incidents import Incident, Reply
from tests.answers import CASES, EVE, INCIDENT, NOON, Desk10, begun
from tests.conftest import IN_CI
from tests.installation import Clock, Installation, assert_books_agree
from tests.looking import case, posted, rows
from tests.steps import LIMIT_S, served, wait_until

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

ANN = Actor("slack:UANN", "Ann")


@pytest.fixture
def ten(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk10]:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    made = begun(Installation(tmp_path, database_url, Clock(NOON - timedelta(minutes=1)), {"slack": {}}))
    yield made
    assert_books_agree(made.running)
    made.close()


EVERYBODY = [str(number) for number in range(1, CASES + 1)]


def test_every_waiting_case_is_answered_once_resolved_and_costed_at_a_minute(ten: Desk10) -> None:
    said = ten.answer()
    again = ten.answer()
    ten.send_all()

    assert (said, again) == ("The answer goes to 10 cases.", "That was done already.")
    assert ten.platform.answered() == EVERYBODY
    assert {text for _, text in ten.platform.said} == {"It works again."}
    assert ten.replies() == ["sent"] * CASES
    assert ten.states() == ["resolved"] * CASES
    # 60 s at 30.00 an hour are 50; a case by itself would be 480 s and 400.
    assert posted(ten.running)["Waste", "engineering", "SEC", "E"] == 60 * CASES
    assert posted(ten.running)["Waste", "engineering", "GBP", "E"] == 50 * CASES
    assert incident_lines(ten.running) == {("cost", INCIDENT): CASES}


def incident_lines(running: App) -> dict[tuple[str, str], int]:
    """How many journals have lines of an incident, by kind and incident."""
    journal, lines = models.LedgerJournal, models.LedgerLine
    query = (
        select(col(journal.kind), col(lines.incident_id), func.count(func.distinct(col(journal.seq))))
        .join(lines, col(lines.journal_seq) == col(journal.seq))
        .where(col(lines.incident_id).is_not(None))
        .group_by(col(journal.kind), col(lines.incident_id))
    )
    with reading(running.parts.database) as session:
        return {(kind, incident): number for kind, incident, number in session.execute(query)}


def test_explain_tells_it_in_plain_words(ten: Desk10) -> None:
    ten.answer()
    ten.send_all()
    with reading(ten.running.parts.database) as session:
        told = explain(ledger.journals_of(session, case_id=str(case(ten.running, 5).id)))

    assert [one.kind for one in told] == ["tag", "cost_hold", "cost"]
    assert told[-1].text.startswith(
        f"Answered in bulk with the other cases of the incident {INCIDENT}; 1 min 00 s estimated to engineering on"
    )


def test_a_claimed_case_is_left_to_its_owner_who_may_send_the_answer_too(ten: Desk10) -> None:
    mine = case(ten.running, 3).id
    with pytest.raises(CaseError, match="No answer is ready for this case"):
        ten.running.desk.answer_as_incident(mine, ANN, action_id="early")
    ten.running.desk.claim(mine, ANN, action_id="c")

    said = ten.answer()
    ten.send_all()
    before = ten.platform.answered()
    ready = case(ten.running, 3).incident
    outcome = ten.running.desk.answer_as_incident(mine, ANN, action_id="b")
    ten.send_all()

    assert said == "The answer goes to 9 cases. 1 that somebody has claimed is left to them."
    assert (len(before), ten.platform.answered()) == (9, EVERYBODY)
    assert ready is not None
    assert ready.is_answered
    assert outcome.message == "The answer is on its way; the case is resolved once it is there."
    view = case(ten.running, 3)
    assert (view.state, view.owner) == (CaseState.RESOLVED, ANN.ref)
    with pytest.raises(CaseError, match="closed already"):
        ten.running.desk.answer_as_incident(mine, ANN, action_id="late")


def test_one_that_fails_delays_itself_only(ten: Desk10) -> None:
    ten.platform.faults = {
        "2": ConnectorError("X refused it", permanent=True),
        "5": UnconfirmedError("X did not confirm the reply"),
        "7": KeyError("bug"),
    }

    ten.answer()
    ten.send_all()

    by_post = dict(zip(EVERYBODY, ten.replies(), strict=True))
    assert {post for post, state in by_post.items() if state != "sent"} == {"2", "5", "7"}
    assert (by_post["2"], by_post["5"], by_post["7"]) == ("refused", "unknown", "unknown")
    # Nobody knows of 5 and 7; 2 has none for sure. All three still wait for a person.
    assert ten.platform.answered() == [post for post in EVERYBODY if post != "2"]
    assert ten.states().count("open") == 3
    doubtful = [row for row in rows(ten.running, models.Case) if row.incident_id and row.needs_review]
    assert [row.review.split(";")[0] for row in doubtful] == [
        "X did not confirm the reply",
        "an error nobody foresaw (KeyError)",
    ]


def test_the_next_answer_goes_to_the_refused_and_never_to_those_that_may_have_one(ten: Desk10) -> None:
    ten.platform.faults = {"2": ConnectorError("too long", permanent=True), "5": UnconfirmedError("no answer")}
    ten.answer("It works again, and here is a very long story.")
    ten.send_all()

    said = ten.answer("It works again.", action="a2")
    ten.send_all()
    with pytest.raises(CaseError, match="No case of this incident waits"):
        ten.answer("Again.", action="a3")
    note = ten.running.desk.resolve_incident(INCIDENT, EVE, "Looked: the answer is there.", action_id="n")
    ten.send_all()

    assert said == "The answer goes to 1 case."
    assert ten.platform.answered() == EVERYBODY
    assert note == "The note resolves 1 case."
    assert ten.states() == ["resolved"] * CASES


def test_where_a_platform_wants_us_to_wait_all_of_them_wait_and_none_is_lost(ten: Desk10) -> None:
    ten.platform.faults = {"4": ConnectorError("too many requests", retry_after_s=900.0)}
    ten.answer()

    again_at = ten.send()
    waiting = ten.replies().count("waiting")
    ten.send_all()

    assert again_at == ten.installation.clock.at
    assert waiting == 7
    assert ten.installation.clock.at == NOON + timedelta(minutes=14)
    assert ten.platform.answered() == EVERYBODY


def test_one_that_was_being_sent_when_its_process_died_is_never_sent_again(ten: Desk10) -> None:
    ten.platform.faults = {"1": KeyboardInterrupt()}
    ten.answer()
    with pytest.raises(KeyboardInterrupt):
        ten.send()

    ten.send_all()
    early = ten.replies()
    ten.installation.clock.forward(minutes=11)
    ten.send_all()

    assert early == ["sending"] + ["sent"] * 9
    assert ten.replies() == ["unknown"] + ["sent"] * 9
    assert "1" not in ten.platform.answered()


def test_two_processes_answer_nobody_twice(ten: Desk10) -> None:
    ten.answer()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: ten.send(), range(6)))
    ten.send_all()

    assert ten.platform.answered() == EVERYBODY


def test_a_node_that_was_taken_for_dead_while_it_sent_answers_nobody_twice_and_loses_nobody(
    cluster: Desk10,
) -> None:
    """Another takes its job over and sends the rest; the first wakes up and ends what it had begun."""
    cluster.platform.slow["1"] = may_go_on = threading.Event()
    frozen, other = cluster.start(), cluster.start()

    with served(frozen.engine):
        cluster.answer()
        assert cluster.platform.asked.wait(LIMIT_S)
        with served(other.engine):
            take_for_dead(cluster.running)
            wait_until(lambda: cluster.replies().count("sent") == CASES - 1)
            meanwhile = cluster.replies()
            may_go_on.set()
            wait_until(lambda: cluster.replies().count("sent") == CASES)

    assert meanwhile == ["sending"] + ["sent"] * 9
    assert cluster.platform.answered() == EVERYBODY
    assert cluster.states() == ["resolved"] * CASES
    assert posted(cluster.running)["Waste", "engineering", "SEC", "E"] == 60 * CASES


def test_answers_whose_wake_up_is_lost_are_found_by_any_node(cluster: Desk10) -> None:
    cluster.answer()
    with cluster.running.parts.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM procrastinate_jobs")

    cluster.send_all()

    assert cluster.platform.answered() == EVERYBODY


@pytest.fixture
def cluster(tmp_path: Path, postgresql_url: str) -> Iterator[Desk10]:
    """The incident in a cluster; no process sends yet."""
    made = begun(Installation(tmp_path, postgresql_url, Clock(NOON - timedelta(minutes=1))))
    yield made
    assert_books_agree(made.running)
    made.close()


def take_for_dead(running: App) -> None:
    """Nothing was heard of the workers for long; what they were doing is given to others."""
    with transaction(running.parts.database) as session:
        session.connection().exec_driver_sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 h'")
        assert jobs.rescue(session, stalled_s=60) > 0


def test_two_supervisors_who_answer_at_once_send_one_answer(ten: Desk10) -> None:
    ten.answer("It works again.", action="a1")
    with pytest.raises(CaseError, match="No case of this incident waits"):
        ten.answer("All good now.", action="a2")
    ten.send_all()

    assert ten.platform.answered() == EVERYBODY


def test_what_happens_before_it_is_sent_counts(ten: Desk10) -> None:
    ten.answer()
    cases = [row.id for row in rows(ten.running, models.Case) if row.incident_id]
    ten.running.desk.claim(cases[0], ANN, action_id="x0")
    ten.running.desk.resolve(cases[1], ANN, action_id="x1")
    ten.running.desk.not_for_us(cases[2], ANN, action_id="x2")
    ten.running.desk.remove_from_incident(cases[3], EVE, action_id="x3")
    with transaction(ten.running.parts.database) as session:
        session.get_one(models.Mention, cases[4]).liveness = Liveness.DELETED.value
    ten.send_all()

    assert ten.platform.answered() == EVERYBODY[5:]
    assert [row.error for row in rows(ten.running, Reply) if row.state == "dropped"] == [
        "somebody claimed the case meanwhile",
        "the case was closed meanwhile",
        "the case was closed meanwhile",
        "the case was taken out of the incident meanwhile",
        "the post is not there any more",
    ]


def test_a_note_resolves_what_no_platform_answers_and_stays_inside(ten: Desk10) -> None:
    ten.running.desk.resolve_incident(INCIDENT, EVE, "Answered on our status page.", action_id="n")
    ten.send_all()

    assert ten.platform.said == []
    assert ten.states() == ["resolved"] * CASES
    assert posted(ten.running)["Waste", "engineering", "SEC", "E"] == 60 * CASES
    assert case(ten.running, 3).events[-1].detail["note"] == "Answered on our status page."
    assert case(ten.running, 3).events[-1].actor_name == "Eve (in bulk)"


def test_a_correction_afterwards_keeps_the_minute_and_the_incident(ten: Desk10) -> None:
    ten.answer()
    ten.send_all()

    first = case(ten.running, 3).id
    ten.running.desk.retag(first, EVE, action_id="r", tags=[Tag.REQUEST], primary=Tag.REQUEST, reason="how_to")

    sums = posted(ten.running)
    assert (sums["Waste", "engineering", "SEC", "E"], sums["Automate", "digital", "SEC", "E"]) == (540, 60)
    assert incident_lines(ten.running)["cost", INCIDENT] == CASES + 1


def test_a_new_configuration_restates_the_minute_and_not_the_reasons_minutes(ten: Desk10) -> None:
    ten.answer()
    ten.send_all()
    parts, first = ten.running.parts, case(ten.running, 3).id
    with transaction(parts.database) as session:
        [cost] = [one.draft for one in ledger.journals_of(session, case_id=str(first)) if one.draft.kind == "cost"]
        row = casework.row_for_update(session, first)
        assert row is not None
        contact = booking.contact_of(parts, session, row)

    lines = restated(cost, contact, replace(parts.model, incident_bulk_seconds=90, rate_minor_per_hour=6000))

    assert [line.amount for line in lines if line.commodity == "SEC"] == [90, -90]
    assert [line.amount for line in lines if line.commodity == "GBP"] == [150, -150]
    assert {line.incident_id for line in lines} == {INCIDENT}


def test_only_supervisors_answer_and_not_with_nothing(ten: Desk10) -> None:
    with pytest.raises(CaseError, match="Only a supervisor works on incidents"):
        ten.running.desk.answer_incident(INCIDENT, ANN, "Hello", action_id="a")
    with pytest.raises(CaseError, match="The answer is empty"):
        ten.answer("  ")
    with pytest.raises(CaseError, match="has 2001 characters"):
        ten.answer("a" * 2001)
    assert rows(ten.running, Incident)[0].answer == ""


FAULTS = st.dictionaries(st.sampled_from(EVERYBODY[:6]), st.sampled_from(["refused", "unknown", "wait", "bug"]))


def fault(name: str) -> Exception:
    return {
        "refused": ConnectorError("refused", permanent=True),
        "unknown": UnconfirmedError("no answer"),
        "wait": ConnectorError("slow down", retry_after_s=60.0),
        "bug": KeyError("bug"),
    }[name]


@settings(max_examples=30 if IN_CI else 10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=FAULTS, presses=st.integers(1, 3))
def test_whatever_fails_nobody_is_answered_twice_and_the_books_agree(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, str], presses: int
) -> None:
    folder = tmp_path_factory.mktemp("answers")
    place = Installation(folder, f"sqlite:///{folder / 'a.sqlite'}", Clock(NOON - timedelta(minutes=1)))
    ten = begun(place)
    ten.platform.faults = {post: fault(name) for post, name in told.items()}

    for number in range(presses):
        try:
            ten.answer(f"Answer {number}", action=f"a{number}")
        except CaseError:
            break
        ten.send_all()

    assert len(ten.platform.answered()) == len(set(ten.platform.answered()))
    refused = {post for post, name in told.items() if name == "refused"}
    assert set(ten.platform.answered()) == set(EVERYBODY) - (refused if presses == 1 else set())
    doubt = sum(name in {"unknown", "bug"} for name in told.values())
    resolved = ten.states().count("resolved")
    assert resolved == CASES - doubt - (len(refused) if presses == 1 else 0)
    assert posted(ten.running).get(("Waste", "engineering", "SEC", "E"), 0) == 60 * resolved
    assert_books_agree(ten.running)
    ten.close()
