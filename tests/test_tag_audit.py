"""The tag audit: what is drawn, who is heard, and that the books follow a correction."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier

import pytest

from bot import erase, nightly, pipeline, sampling
from bot.app import App
from bot.domain import NOTHING, Actor, Judgement, Tag
from bot.errors import CaseError
from bot.reporting import audits as report
from bot.reporting import money
from bot.reporting.ask import Ask
from bot.reports.sensitivity import Audit
from bot.reports.tag_audit import TagAudit
from bot.views import SampledTagging
from storage import audits, ledger_triggers, models
from storage.db import reading
from storage.models_audit import AuditDraw, AuditSample
from storage.models_summary import Summary
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import case, contacts, history, posted, rows, take_in

WEDNESDAY = date(2026, 11, 18)
ANN = Actor("slack:U1", "Ann")
SUE = Actor("slack:U2", "Sue", is_supervisor=True)
TIM = Actor("slack:U3", "Tim", is_supervisor=True)
BILLING = Judgement((Tag.COMPLAINT,), Tag.COMPLAINT, "billing_error")
LATE = "complaint/where_is_it: my parcel is late"


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    made = Installation(tmp_path, database_url, Clock())
    yield made
    made.close()


def drawn(place: Installation, *texts: str, sample: int = 20, author: str = "") -> App:
    """The app after people wrote ``texts`` on a Wednesday, and after the draw of that day."""
    place.settings = {**place.settings, "ledger": {"audit": {"sample_per_night": sample}}}
    running = place.open()
    take_in(running, place, *(line(number, text, author=author) for number, text in enumerate(texts, start=1)))
    place.clock.forward(days=1)
    sampling.draw(running.parts, WEDNESDAY)
    return running


def ids(found: list[SampledTagging]) -> list[int]:
    return [one.mention_id for one in found]


def accuracy(running: App) -> TagAudit:
    with reading(running.parts.database) as session:
        return report.accuracy(Ask(session, running.parts.settings, "2026-11", running.parts.now()))


# -- the draw -----------------------------------------------------------------------------------------------------


def test_those_with_the_smallest_hash_of_date_and_mention_are_drawn_in_that_order(place: Installation) -> None:
    running = drawn(place, *[LATE] * 12, sample=5)

    # sha256("2026-11-18:1") and so on, sorted.
    assert ids(running.desk.audit_list(20)) == [6, 7, 8, 4, 1]
    assert [(row.population, row.drawn) for row in rows(running, AuditDraw)] == [(12, 5)]


def test_a_date_is_drawn_once_in_the_whole_installation(place: Installation) -> None:
    running, other = drawn(place, *[LATE] * 3, sample=2), place.open()

    again = sampling.draw(other.parts, WEDNESDAY)

    assert not again
    assert sampling.draw_missing(other.parts, [WEDNESDAY]) == 0
    assert len(rows(running, AuditSample)) == 2


def test_two_processes_that_draw_at_the_same_moment_make_one_sample(place: Installation) -> None:
    one = drawn(place, *[LATE] * 3, sample=0)
    place.settings = {**place.settings, "ledger": {"audit": {"sample_per_night": 2}}}
    processes, barrier = [place.open(), place.open()], Barrier(2)

    def draw(running: App) -> bool:
        barrier.wait()
        return sampling.draw(running.parts, WEDNESDAY)

    with ThreadPoolExecutor(2) as both:
        made = list(both.map(draw, processes))

    assert sorted(made) == [False, True]
    assert len(rows(one, AuditSample)) == 2


def test_a_day_is_drawn_by_when_it_was_tagged_so_that_a_late_post_is_in_a_draw_too(place: Installation) -> None:
    running = drawn(place, LATE)
    take_in(running, place, line(2, LATE, minutes=-60 * 24 * 7))
    place.clock.forward(days=1)

    sampling.draw(running.parts, date(2026, 11, 19))

    assert [(row.mention_id, row.on_date.day) for row in rows(running, AuditSample)] == [(1, 18), (2, 19)]


def test_what_was_taken_for_nothing_is_drawn_and_what_a_person_tagged_is_not_drawn_twice(place: Installation) -> None:
    running = drawn(place, "nothing much to say", LATE)
    running.desk.tag_mention(1, SUE, action_id="t", tags=[Tag.PRAISE], primary=Tag.PRAISE, reason="praise")

    sampling.draw(running.parts, date(2026, 11, 19))

    assert {row.mention_id for row in rows(running, AuditSample)} == {1, 2}
    assert [row.population for row in rows(running, AuditDraw)] == [2, 0]


def test_nothing_is_drawn_where_nobody_wants_a_sample(place: Installation) -> None:
    running = drawn(place, LATE, sample=0)

    assert rows(running, AuditDraw) == []


def test_the_nightly_job_draws_before_it_verifies(place: Installation) -> None:
    running = drawn(place, LATE, sample=0)
    place.settings = {**place.settings, "ledger": {"audit": {"sample_per_night": 20}}}
    night = place.open()
    with running.parts.database.begin() as connection:
        ledger_triggers.remove(connection)
        connection.exec_driver_sql("UPDATE ledger_line SET dept = 'nobody' WHERE journal_seq = 1")

    nightly.run(night.parts)

    [summed] = rows(running, Summary)
    assert summed.is_alarm
    assert ids(running.desk.audit_list(5)) == [1]


def test_a_summary_that_was_posted_by_hand_does_not_keep_the_draw_away(place: Installation) -> None:
    running = drawn(place, LATE, sample=0)
    nightly.run(running.parts)
    place.settings = {**place.settings, "ledger": {"audit": {"sample_per_night": 20}}}

    made = nightly.run(place.open().parts)

    assert made == 0
    assert len(rows(running, AuditSample)) == 1


# -- judging ------------------------------------------------------------------------------------------------------


def test_one_tap_says_that_the_tagger_is_right_and_moves_nothing(place: Installation) -> None:
    running = drawn(place, LATE)
    before = posted(running)

    outcome = running.desk.judge(1, SUE, action_id="j")

    [row] = rows(running, AuditSample)
    assert outcome.message == "Thank you: right."
    assert (row.is_right, row.tags, row.primary_tag, row.reason) == (True, ["complaint"], "complaint", "where_is_it")
    assert (row.judged_by, row.judged_by_name, row.judged_at) == ("slack:U2", "Sue", place.clock.at)
    assert posted(running) == before
    assert running.desk.audit_count() == 0


def test_a_correction_is_a_retag_and_the_books_follow(place: Installation) -> None:
    running = drawn(place, LATE)

    outcome = running.desk.judge(1, SUE, action_id="j", judged=BILLING)

    assert outcome.message == "Thank you. Case 1 is corrected."
    assert (case(running).reason, case(running).department) == ("billing_error", "billing")
    assert posted(running)["Waste", "billing", "TAG", "N"] == 1
    assert history(running)[-1] == ("audited", "Sue")
    assert [row.source for row in rows(running, models.Tagging)] == ["model", "human"]
    assert_books_agree(running)


def test_a_mention_that_joined_a_case_is_corrected_by_itself(place: Installation) -> None:
    running = drawn(place, LATE, "request/how_to: and how do I change my address", author="ann")
    second = Judgement((Tag.COMPLAINT, Tag.REQUEST), Tag.COMPLAINT, "billing_error")

    outcome = running.desk.judge(2, SUE, action_id="j", judged=second)

    assert outcome.message == "Thank you. Its tags in case 1 are corrected."
    assert (case(running).reason, contacts(running)) == ("where_is_it", 1)
    found = {key: amount for key, amount in posted(running).items() if key[2] == "TAG" and amount}
    assert found == {("Waste", "logistics", "TAG", "N"): 1, ("Waste", "billing", "TAG", "N"): 2}
    assert_books_agree(running)


def test_a_mention_that_joined_a_case_can_turn_out_to_be_nothing_and_something_again(place: Installation) -> None:
    running = drawn(place, LATE, "request/how_to: thanks anyway", "well then", author="ann")

    running.desk.judge(2, SUE, action_id="j", judged=NOTHING)
    running.desk.judge(3, SUE, action_id="k", judged=BILLING)

    live = {(row.mention_id, row.tag) for row in rows(running, models.Tag) if row.is_live}
    assert live == {(1, "complaint"), (3, "complaint")}
    assert contacts(running) == 1
    assert_books_agree(running)


def test_what_was_taken_for_nothing_gets_its_case(place: Installation) -> None:
    running = drawn(place, "nothing much to say")

    outcome = running.desk.judge(1, SUE, action_id="j", judged=BILLING)

    assert outcome.message == "Thank you. It is in case 1 now."
    assert case(running).reason == "billing_error"
    assert_books_agree(running)


def test_what_should_be_nothing_leaves_the_books(place: Installation) -> None:
    running = drawn(place, LATE)

    outcome = running.desk.judge(1, SUE, action_id="j", judged=NOTHING)

    assert outcome.message == "Thank you. Case 1 is closed as not for us."
    assert contacts(running) == 0
    assert_books_agree(running)


def test_what_a_case_does_not_take_any_more_is_noted_and_said(place: Installation) -> None:
    running = drawn(place, LATE)
    running.desk.resolve(1, ANN, action_id="r")

    outcome = running.desk.judge(1, SUE, action_id="j", judged=NOTHING)

    assert outcome.message == "Thank you. The books stay as they are: This case is closed already (resolved)."
    assert [row.is_right for row in rows(running, AuditSample)] == [False]
    assert contacts(running) == 1
    assert_books_agree(running)


def test_a_merged_case_keeps_its_books(place: Installation) -> None:
    running = drawn(place, LATE, "complaint/billing_error: charged twice", author="ann")
    running.desk.resolve(1, ANN, action_id="r")
    take_in(running, place, line(3, "complaint/how_to: and now this", author="ann", minutes=60 * 24 * 3))
    running.desk.resolve(3, ANN, action_id="s")
    running.desk.merge(1, SUE, 3, action_id="m")

    outcome = running.desk.judge(1, SUE, action_id="j", judged=BILLING)

    assert outcome.message == "Thank you. The books stay as they are: its own case was merged into case 3."
    assert_books_agree(running)


def test_the_judge_does_not_see_what_an_agent_made_of_it_and_it_is_not_counted_for_the_tagger(
    place: Installation,
) -> None:
    running = drawn(place, LATE)
    complaint = [Tag.COMPLAINT]
    running.desk.retag(1, ANN, action_id="r", tags=complaint, primary=Tag.COMPLAINT, reason="billing_error")

    [shown] = running.desk.audit_list(5)
    outcome = running.desk.judge(1, SUE, action_id="j", judged=BILLING)

    assert (shown.text, shown.said.reason) == (LATE, "where_is_it")
    assert outcome.message == "Thank you. The books say so already."
    assert (accuracy(running).right, accuracy(running).judged) == (0, 1)
    assert [kind for kind, _ in history(running)] == ["opened", "retagged"]


def test_of_two_supervisors_who_judge_one_together_the_first_is_heard(place: Installation) -> None:
    running, barrier = drawn(place, LATE), Barrier(2)
    other = place.open()

    def judge(process: App, actor: Actor) -> str:
        barrier.wait()
        try:
            return process.desk.judge(1, actor, action_id=actor.ref, judged=BILLING).message
        except CaseError as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as both:
        answers = set(both.map(judge, [running, other], [SUE, TIM]))

    [row] = rows(running, AuditSample)
    assert answers == {"Thank you. Case 1 is corrected.", f"{row.judged_by_name} has judged this already."}
    assert [event for event in history(running) if event[0] == "audited"] == [("audited", row.judged_by_name)]
    assert_books_agree(running)


def test_the_same_press_delivered_twice_judges_once(place: Installation) -> None:
    running = drawn(place, LATE)
    running.desk.judge(1, SUE, action_id="j", judged=BILLING)

    again = running.desk.judge(1, SUE, action_id="j", judged=BILLING)

    assert (again.changed, again.message) == (False, "That was done already.")


@pytest.mark.parametrize(
    ("mention", "actor", "judged", "refusal"),
    [
        (1, ANN, None, "Only a supervisor judges the audit's sample; ask one."),
        (7, SUE, None, "This mention was not drawn for the audit."),
        (1, SUE, Judgement((Tag.PRAISE,), Tag.PRAISE, "no_such"), "There is no reason 'no_such' in the taxonomy."),
        (1, SUE, Judgement((Tag.PRAISE,), Tag.REQUEST, "praise"), "The primary tag must be one of the tags."),
        (1, SUE, Judgement((Tag.PRAISE,), None, "praise"), "Say which of the tags is the main one."),
    ],
)
def test_a_verdict_that_cannot_be_is_refused_and_nothing_is_stored(
    place: Installation, mention: int, actor: Actor, judged: Judgement | None, refusal: str
) -> None:
    running = drawn(place, LATE)

    with pytest.raises(CaseError, match=refusal):
        running.desk.judge(mention, actor, action_id="j", judged=judged)

    assert [row.judged_at for row in rows(running, AuditSample)] == [None]


def test_the_audit_is_no_work_on_the_case(place: Installation) -> None:
    running = drawn(place, LATE)
    running.desk.judge(1, SUE, action_id="j", judged=BILLING)
    place.clock.forward(minutes=10)

    running.desk.resolve(1, ANN, action_id="r")

    # Nobody's steps on the card were measured, so the default of the reason is booked.
    assert posted(running)["Waste", "billing", "SEC", "E"] == 540


# -- what was erased ----------------------------------------------------------------------------------------------


def test_what_was_erased_drops_out_of_the_sample(place: Installation) -> None:
    running = drawn(place, LATE, author="ann")
    erase.erase(running.parts, "replay:ann")

    with pytest.raises(CaseError, match="The text is gone, so there is nothing left to judge"):
        running.desk.judge(1, SUE, action_id="j")

    assert (running.desk.audit_list(5), running.desk.audit_count()) == ([], 0)


def test_an_erasure_after_the_verdict_keeps_the_count_and_gives_no_label(place: Installation) -> None:
    running = drawn(place, LATE, author="ann")
    running.desk.judge(1, SUE, action_id="j")

    erase.erase(running.parts, "replay:ann")

    with reading(running.parts.database) as session:
        assert list(audits.labels(session)) == []
    assert (accuracy(running).right, accuracy(running).judged) == (1, 1)


def test_what_was_erased_before_the_night_is_not_drawn(place: Installation) -> None:
    running = drawn(place, LATE, LATE, sample=0)
    erase.erase(running.parts, "replay:author-1")
    place.settings = {**place.settings, "ledger": {"audit": {"sample_per_night": 20}}}

    sampling.draw(place.open().parts, WEDNESDAY)

    assert [row.mention_id for row in rows(running, AuditSample)] == [2]


# -- what comes of it ---------------------------------------------------------------------------------------------


def test_labels_are_what_people_judged_confirmed_or_corrected(place: Installation) -> None:
    running = drawn(place, LATE, "nothing much to say", "praise/praise: thank you")
    running.desk.judge(1, SUE, action_id="a")
    running.desk.judge(2, SUE, action_id="b", judged=BILLING)

    with reading(running.parts.database) as session:
        found = [(one.text, one.judged) for one in audits.labels(session)]

    assert found == [
        (LATE, Judgement((Tag.COMPLAINT,), Tag.COMPLAINT, "where_is_it")),
        ("nothing much to say", BILLING),
    ]


def test_the_figures_are_those_of_the_verdicts_up_to_the_moment_asked_for(place: Installation) -> None:
    running = drawn(place, LATE, LATE, "request/how_to: how do I", "nothing", sample=4)
    running.desk.judge(1, SUE, action_id="a")
    running.desk.judge(2, SUE, action_id="b", judged=BILLING)
    running.desk.judge(3, SUE, action_id="c", judged=Judgement((Tag.COMPLAINT,), Tag.COMPLAINT, "how_to"))
    place.clock.forward(hours=1)

    found = accuracy(running)
    with reading(running.parts.database) as session:
        before = report.of_window(session, last=WEDNESDAY, by=place.clock.at.replace(hour=0))

    assert (found.population, found.drawn, found.judged, found.right) == (4, 4, 3, 1)
    assert (found.tags_right, found.reason_right, found.share, found.low, found.high) == (
        2, 2, "33.3%", "6.1%", "79.2%",
    )  # fmt: skip
    assert (before.drawn, before.judged) == (4, 0)


def test_the_trust_line_of_the_summary_says_how_many_were_right(place: Installation) -> None:
    running = drawn(place, LATE, LATE)
    running.desk.judge(1, SUE, action_id="a")
    running.desk.judge(2, SUE, action_id="b", judged=BILLING)
    take_in(running, place, line(3, LATE, minutes=60 * 24))
    place.clock.forward(days=1)

    nightly.run(running.parts)

    [summed] = rows(running, Summary)
    assert summed.lines[-1].startswith("_How far to trust this:_ tag audit 1/2 right; ")


def test_the_books_waste_is_corrected_by_what_the_sample_says_of_it(place: Installation) -> None:
    running = drawn(place, LATE, LATE, "request/how_to: how do I", "request/how_to: can I", "praise/praise: fine")
    running.desk.retag(2, ANN, action_id="r", tags=[Tag.REQUEST], primary=Tag.REQUEST, reason="how_to")
    for mention in (1, 3, 5):
        running.desk.judge(mention, SUE, action_id=f"j{mention}")
    running.desk.judge(4, SUE, action_id="j4", judged=BILLING)
    # When it was drawn, nobody had retagged it: the books had it as waste, and Sue says it is.
    running.desk.judge(2, SUE, action_id="j2")

    with reading(running.parts.database) as session:
        ask = Ask(session, running.parts.settings, "2026-11", running.parts.now())
        audit = report.of_waste(ask)
        found = money.sensitivity(ask)

    assert audit == Audit(flagged_right=2, flagged_wrong=0, unflagged_right=2, unflagged_wrong=1)
    # 2 of 5 contacts are waste by now; found are 2 of 3, so there are 3: (0.4 + 1 - 1) / (2/3 + 1 - 1) of 5.
    assert found.corrected_share == pytest.approx(0.6)
    assert found.corrected_contacts == 3


def test_holds_that_run_out_and_a_night_later_leave_the_sample_alone(place: Installation) -> None:
    running = drawn(place, LATE)
    place.clock.forward(days=4)
    pipeline.expire_holds(running.parts)

    assert ids(running.desk.audit_list(5)) == [1]
    place.clock.forward(days=30)
    assert running.desk.audit_list(5) == []
