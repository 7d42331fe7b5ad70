"""``/ledger override`` in Slack: a form on a case, what it books, and who may."""

from __future__ import annotations

import pytest

from bot.slack import overrides
from storage import models
from tests.looking import rows
from tests.servers.slack_blocks import view_problems, visible_text
from tests.slack.office import Office

PARCEL = "complaint/where_is_it: where is my parcel"


@pytest.fixture
def parcel(office: Office) -> Office:
    """A case that logistics caused, by the rules."""
    office.receive(PARCEL)
    return office


def decide(office: Office, user: str = "USUE", **form: str) -> list[dict[str, str]]:
    """Type the command, fill in the form; return what Slack shows as wrong with it."""
    office.slack.command(user, f"/ledger override #{office.case().id}")
    answers = office.slack.submit(user, {"why": "seen on the label", **form})
    office.deliver()
    return [answer.body["errors"] for answer in answers if "errors" in answer.body]


def test_a_supervisor_says_in_a_form_who_caused_a_case_and_the_card_and_the_books_follow(parcel: Office) -> None:
    said = parcel.slack.command("USUE", f"/ledger override {parcel.case().id}")
    form = parcel.slack.open_modal("USUE")
    parcel.slack.submit("USUE", {"owner": "billing", "quadrant": "simplify", "why": "seen on the label"})
    parcel.deliver()

    assert said == ""
    assert view_problems(form) == []
    assert (parcel.case().department, parcel.case().quadrant) == ("billing", "simplify")
    assert "caused by billing" in parcel.shown()
    [note] = [str(one["text"]) for one in parcel.slack.messages("C0CARE", thread_ts=parcel.ts())]
    assert note == "Sue Example decided where this stands in the books."
    assert {row.actor_ref for row in rows(parcel.running, models.LedgerJournal) if row.memo == "by hand"} == {
        "slack:USUE"
    }


def test_the_form_begins_with_everything_as_it_is_and_says_where_the_case_stands(parcel: Office) -> None:
    parcel.slack.command("USUE", f"/ledger override {parcel.case().id}")

    form = parcel.slack.open_modal("USUE")
    chosen = [block["element"]["initial_option"]["value"] for block in form["blocks"][2:4]]
    assert chosen == [overrides.AS_IT_IS, overrides.AS_IT_IS]
    assert "where is my parcel" in visible_text(form)
    assert "Caused by logistics so far." in visible_text(form)


def test_left_as_it_is_the_rules_decide_again(parcel: Office) -> None:
    decide(parcel, owner="billing")

    problems = decide(parcel)

    assert problems == []
    assert parcel.case().department == "logistics"


def test_where_nobody_decided_there_is_nothing_to_take_back(parcel: Office) -> None:
    assert decide(parcel) == [{"why": "Nobody has put this case anywhere by hand."}]


def test_a_reason_of_blanks_is_refused_in_the_form(parcel: Office) -> None:
    assert decide(parcel, owner="billing", why="  ") == [{"why": "Say why, in a few words."}]


def test_a_form_that_is_sent_twice_is_one_decision(parcel: Office) -> None:
    parcel.slack.command("USUE", f"/ledger override {parcel.case().id}")

    parcel.slack.submit("USUE", {"owner": "billing", "why": "seen"}, times=2)

    assert [row.kind for row in rows(parcel.running, models.CaseEvent)].count("overridden") == 1


def test_an_agent_gets_a_sentence_and_no_form(parcel: Office) -> None:
    said = parcel.slack.command("UANN", f"/ledger override {parcel.case().id}")

    assert said.startswith("Where a case stands in the books is for supervisors to say.")
    with pytest.raises(IndexError):
        parcel.slack.open_modal("UANN")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("99999", "This case is not there any more."),
        ("<!channel>", "is no number of a case"),
        ("", "is no number of a case"),
    ],
)
def test_what_is_no_case_gets_a_sentence(parcel: Office, asked: str, answer: str) -> None:
    said = parcel.slack.command("USUE", f"/ledger override {asked}").replace("\N{WORD JOINER}", "")

    assert answer in said
    assert "<!channel>" not in said
