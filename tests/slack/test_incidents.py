"""Incidents in Slack: one message, edited in place, with buttons for supervisors; cards say what they are part of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import incidents
from bot.domain import Actor, Mention, Sent
from storage.models import OutboxMessage
from storage.models_incidents import Incident, Reply
from tests.installation import Clock, Installation, line
from tests.looking import rows
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Fault, Slack
from tests.servers.slack_blocks import Json, visible_text
from tests.slack.office import Inline, Office, bolt_outlet, build

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
INCIDENT = "outage_fault-2026-11-18T11"
FAULT = "complaint/outage_fault: the card reader does not work"
SUE = Actor("slack:USUE", "Sue Example", is_supervisor=True)
CASES = 10


@pytest.fixture
def at_noon() -> Clock:
    return Clock(NOON - timedelta(minutes=1))


@pytest.fixture
def slack(at_noon: Clock) -> Slack:
    made = Slack(clock=lambda: at_noon().timestamp(), seconds_between_messages=0, has_tiers=False)
    made.add_user("UANN", "ann", "Ann Example")
    made.add_user("USUE", "sue", "Sue Example")
    made.add_channel("C0CARE", "care", members=("UANN", "USUE"))
    return made


@pytest.fixture
def said() -> list[tuple[str, str]]:
    """What customers were told: the post that is answered, and the words."""
    return []


@pytest.fixture
def office(
    slack: Slack,
    at_noon: Clock,
    said: list[tuple[str, str]],
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    """Ten customers wrote of one fault within the hour, and it has been noticed."""
    for name, value in (("BOT_TOKEN", BOT_TOKEN), ("APP_TOKEN", APP_TOKEN), ("SIGNING_SECRET", SIGNING_SECRET)):
        monkeypatch.setenv(f"SLACK_{name}", value)
    settings = {
        "slack": {"api_url": address, "seconds_between_messages": 0, "quiesce_seconds": 0},
        "queues": [{"name": "care", "slack_channel": "C0CARE", "supervisors": ["USUE"]}],
    }
    installation = Installation(tmp_path, f"sqlite:///{tmp_path / 'office.sqlite'}", at_noon, settings)
    running = installation.open()

    def reply(mention: Mention, text: str) -> Sent:
        said.append((mention.external_id, text))
        return Sent(f"re-{mention.external_id}")

    monkeypatch.setattr(running.parts.connectors["feed"], "reply", reply)
    slack.send_to(bolt_outlet(build(running, executor=Inline())))
    made = Office(running, slack, installation)
    old = [line(1000 + n, FAULT) | {"created_at": (NOON - timedelta(weeks=n, minutes=9)).isoformat()} for n in (4, 5)]
    installation.publish([*old, *(written(number) for number in range(1, CASES + 1))])
    made.deliver()
    incidents.watch(running.parts)
    made.deliver()
    yield made
    running.parts.database.dispose()


def written(number: int) -> dict[str, object]:
    return line(number, FAULT) | {"created_at": (NOON - timedelta(minutes=2)).isoformat()}


def shown_by(message: dict[str, object]) -> str:
    """What a message says, on one line."""
    return visible_text(message).replace("\n", "")


def messages(office: Office) -> list[Json]:
    """What the channel shows of the incident: one message, if all is well."""
    return [one for one in office.slack.messages("C0CARE") if "incident_rename" in str(one)]


def press(office: Office, user: str, button: str) -> None:
    [message] = messages(office)
    office.slack.press(user, "C0CARE", str(message["ts"]), button)


def test_an_incident_is_one_message_and_its_cards_say_what_they_are_part_of(office: Office) -> None:
    [message] = messages(office)

    shown = shown_by(message)
    assert "Outage fault · incident since 18 Nov, 11:00 UTC" in shown
    assert "10 mentions in 10 cases (10 waiting, 0 claimed, 0 closed), 10.0 times the usual at its peak" in shown
    cards = [shown_by(one) for one in office.slack.messages("C0CARE") if "case_claim" in str(one)]
    assert sum("🔥 part of Outage fault, 10 mentions" in card for card in cards) == CASES
    assert office.slack.violations == []


def test_it_is_edited_in_place_when_its_figures_move_and_not_otherwise(office: Office) -> None:
    before = messages(office)[0]["ts"]
    orders = len(rows(office.running, OutboxMessage))
    for _ in range(3):
        incidents.watch(office.running.parts)
        office.deliver()
    still = len(rows(office.running, OutboxMessage))

    office.installation.publish([written(number) for number in (20, 21)])
    office.deliver()
    incidents.watch(office.running.parts)
    office.deliver()

    assert still == orders
    [message] = messages(office)
    assert message["ts"] == before
    assert "12 mentions in 12 cases" in shown_by(message)
    # The two that came later were posted with the banner, and not redrawn.
    assert len(rows(office.running, OutboxMessage)) == orders + 3


def test_an_answer_of_a_supervisor_goes_to_all_who_wait_and_each_card_is_redrawn_without_a_note(
    office: Office, said: list[tuple[str, str]]
) -> None:
    press(office, "USUE", "incident_answer")
    form = office.slack.open_modal("USUE")
    office.slack.submit("USUE", {"words": "Card payments work again."}, times=2)
    office.deliver()
    incidents.watch(office.running.parts)
    office.deliver()

    assert form["title"]["text"] == "Answer all"
    assert "Goes in public to 10 who wait, each once" in str(form)
    assert sorted(int(post) for post, _ in said) == list(range(1, CASES + 1))
    assert {words for _, words in said} == {"Card payments work again."}
    cards = [one for one in office.slack.messages("C0CARE") if "🔥 part of " in shown_by(one)]
    assert all("✅ Resolved by Sue Example (in bulk)" in shown_by(card) for card in cards)
    assert all(not office.slack.messages("C0CARE", thread_ts=str(card["ts"])) for card in cards)
    shown = shown_by(messages(office)[0])
    assert "0 waiting, 0 claimed, 10 closed" in shown
    assert "In bulk: 10 answered" in shown
    assert office.slack.violations == []


def test_one_who_writes_later_is_sent_the_answer_by_any_agent(office: Office, said: list[tuple[str, str]]) -> None:
    press(office, "USUE", "incident_answer")
    office.slack.submit("USUE", {"words": "It works again."})
    office.deliver()
    office.installation.publish([written(30)])
    office.deliver()
    late = next(one for one in office.slack.messages("C0CARE") if "bulk answer ready" in shown_by(one))

    office.slack.press("UANN", "C0CARE", str(late["ts"]), "case_send_answer")
    office.deliver()

    assert said[-1] == ("30", "It works again.")
    shown = next(one for one in office.slack.messages("C0CARE") if one["ts"] == late["ts"])
    assert "✅ Resolved by Ann Example (in bulk)" in shown_by(shown)


def test_an_agent_is_told_to_ask_a_supervisor(office: Office) -> None:
    for button in ("incident_answer", "incident_resolve", "incident_rename", "incident_close"):
        press(office, "UANN", button)

    assert office.slack.ephemerals("UANN") == ["Only a supervisor works on incidents; ask one."] * 4
    assert rows(office.running, Reply) == []
    assert rows(office.running, Incident)[0].state == "open"


def test_a_supervisor_renames_resolves_and_closes(office: Office, said: list[tuple[str, str]]) -> None:
    press(office, "USUE", "incident_rename")
    office.slack.submit("USUE", {"words": "Card *reader* <!channel>"})
    press(office, "USUE", "incident_resolve")
    office.slack.submit("USUE", {"words": "Answered on the status page."})
    press(office, "USUE", "incident_close")
    office.deliver()
    incidents.watch(office.running.parts)
    office.deliver()

    [incident] = rows(office.running, Incident)
    assert (incident.name, incident.state, incident.closed_by) == ("Card *reader* <!channel>", "closed", "slack:USUE")
    assert said == []
    [message] = messages(office)
    assert "incident over, 18 Nov, 11:00 UTC to 18 Nov, 11:59 UTC" in shown_by(message)
    assert "<!channel>" not in str(message["text"])
    assert [one["text"]["text"] for one in message["blocks"][-1]["elements"]] == ["Rename…"]


def test_wrong_words_are_said_in_the_form(office: Office) -> None:
    press(office, "USUE", "incident_answer")
    office.slack.submit("USUE", {"words": "Done."})
    press(office, "USUE", "incident_answer")

    [answer] = office.slack.submit("USUE", {"words": "Done again."})

    assert answer.body["errors"] == {"words": "No case of this incident waits that nobody has claimed or answered."}


@pytest.mark.parametrize("fault", [Fault.STORED_THEN_RESET, Fault.STORED_THEN_500])
def test_a_lost_answer_of_slack_shows_it_once(office: Office, fault: Fault) -> None:
    office.running.desk.rename_incident(INCIDENT, SUE, "Card reader", action_id="n")
    incidents.watch(office.running.parts)
    office.slack.fail("chat.update", fault)

    office.deliver()

    [message] = messages(office)
    assert "Card reader · incident since" in shown_by(message)
