"""The tag audit in App Home, on the real desk."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlmodel import col

from bot import erase, sampling
from storage.db import transaction
from storage.models_audit import AuditSample
from tests.installation import assert_books_agree
from tests.servers.slack import Fault, Planned
from tests.servers.slack_blocks import live_parts, visible_text
from tests.slack.office import Office

LATE = "complaint/where_is_it: my parcel is late"


def draw(office: Office, *texts: str) -> None:
    """Customers write, the day's sample is drawn, and the supervisor opens Home."""
    office.receive(*texts)
    sampling.draw(office.running.parts, date(2026, 11, 18))
    office.slack.open_home("USUE")


def shown(office: Office, user: str = "USUE") -> str:
    return visible_text(office.slack.home(user))


def verdicts(office: Office) -> list[tuple[int, bool | None]]:
    with transaction(office.running.parts.database) as session:
        rows = session.scalars(select(AuditSample).order_by(col(AuditSample.place)))
        return [(row.mention_id, row.is_right) for row in rows]


def test_home_shows_a_supervisor_the_first_of_the_sample_and_an_agent_nothing_of_it(office: Office) -> None:
    draw(office, *[LATE] * 4, "nothing much to say")
    office.slack.open_home("UANN")

    home_of_sue = shown(office)

    assert "Tags to audit (5)" in home_of_sue
    assert home_of_sue.count("The tagger says:") == 3
    assert "🔴 complaint · where is it" in home_of_sue
    assert "90 % sure" not in home_of_sue
    assert "Tags to audit" not in shown(office, "UANN")


def test_one_press_says_right_and_the_next_ones_move_up(office: Office) -> None:
    draw(office, LATE, "request/how_to: how do I")
    first, second = [mention for mention, _ in verdicts(office)]

    office.slack.press_home("USUE", "audit_right")

    assert verdicts(office) == [(first, True), (second, None)]
    assert "Thank you: right." in shown(office)
    assert "Tags to audit (1)" in shown(office)


def test_a_correction_in_the_form_reaches_the_books_and_the_card(office: Office) -> None:
    draw(office, LATE)

    office.slack.press_home("USUE", "audit_correct")
    form = office.slack.open_modal("USUE")
    office.slack.submit("USUE", {"tags": ["complaint", "request"], "reason": "billing_error"})
    office.deliver()

    inputs = {block["block_id"]: block["element"] for block in form["blocks"][1:]}
    assert inputs["reason"]["initial_option"]["value"] == "where_is_it"
    assert "my parcel is late" in visible_text(form)
    assert verdicts(office) == [(1, False)]
    assert office.case().reason == "billing_error"
    assert "Case 1 is corrected." in shown(office)
    thread = [message["text"] for message in office.slack.messages("C0CARE", thread_ts=office.ts())]
    assert thread == ["Sue Example corrected the tags in the tag audit."]
    assert_books_agree(office.running)


def test_a_form_without_a_tag_says_that_it_is_nothing(office: Office) -> None:
    draw(office, LATE)
    office.slack.press_home("USUE", "audit_correct")

    office.slack.submit("USUE", {"tags": []})

    assert office.case().state == "dismissed"


def test_a_form_that_contradicts_itself_says_so_and_stays_open(office: Office) -> None:
    draw(office, LATE)
    office.slack.press_home("USUE", "audit_correct")

    [answer] = office.slack.submit("USUE", {"tags": ["praise"]})

    assert list(answer.body["errors"]) == ["primary"]
    assert verdicts(office) == [(1, None)]


def test_who_comes_second_is_told_who_was_first(office: Office) -> None:
    draw(office, LATE)
    stale = office.slack.home("USUE")
    office.slack.press_home("USUE", "audit_correct")
    office.slack.press_home("USUE", "audit_right")
    office.slack.workspace.homes["USUE"] = stale

    office.slack.press_home("USUE", "audit_right")
    [answer] = office.slack.submit("USUE", {"reason": "billing_error"})

    assert "Sue Example has judged this already." in shown(office)
    assert answer.body["errors"] == {"reason": "Sue Example has judged this already."}
    assert verdicts(office) == [(1, True)]


def test_a_text_that_is_gone_and_a_form_that_comes_too_late_are_explained(office: Office) -> None:
    draw(office, LATE)
    office.slack.fail("views.open", Planned(Fault.REFUSED, code="expired_trigger_id"))
    office.slack.press_home("USUE", "audit_correct")
    late = shown(office)
    stale = office.slack.home("USUE")
    erase.erase(office.running.parts, "replay:author-1")
    office.slack.workspace.homes["USUE"] = stale

    office.slack.press_home("USUE", "audit_correct")

    assert "The form took too long to open." in late
    assert "The text is gone, so there is nothing left to judge." in shown(office)
    assert "Nothing waits to be judged." in shown(office)


def test_what_customers_wrote_does_nothing_in_home_or_form(office: Office) -> None:
    draw(office, "complaint: <!channel> <@UANN> <https://evil.example|bank> *bold* https://evil.example")
    office.slack.press_home("USUE", "audit_correct")

    assert [part for part in live_parts(office.slack.home("USUE")) if "example.slack.com" not in part] == []
    assert live_parts(office.slack.open_modal("USUE")) == []
