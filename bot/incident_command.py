"""``earmark incident``: incidents on the terminal, and what a supervisor does to them from there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from sqlmodel import Session

from bot import app
from bot.app import App
from bot.config import Settings
from bot.domain import Actor
from bot.errors import CaseError, InputError
from bot.reports.figures import counted, one_line
from storage import incident_views, incidents, replies
from storage.db import reading
from storage.incident_views import IncidentView

CASES_SHOWN = 20


def show_list(settings: Settings, *, only_open: bool, limit: int, as_json: bool) -> None:
    """Print incidents, those that go on first."""
    with _running(settings) as running, reading(running.parts.database) as session:
        found = incident_views.views(session, incidents.listed(session, limit=limit, only_open=only_open))
    if as_json:
        click.echo(json.dumps({"incidents": [one.data() for one in found]}, ensure_ascii=False))
        return
    nothing = "No incident goes on." if only_open else "There is no incident."
    click.echo("\n".join([_headline(one) for one in found] or [nothing]))


def show_one(settings: Settings, incident_id: str, *, as_json: bool) -> None:
    """Print one incident whole.

    Raises:
        InputError: there is none of that id.
    """
    with _running(settings) as running, reading(running.parts.database) as session:
        found = incident_views.view(session, incident_id)
        if found is None:
            raise InputError(f"there is no incident '{incident_id}'; see earmark incident list")
        more = _details(session, found)
    if as_json:
        click.echo(json.dumps(found.data() | more, ensure_ascii=False))
    else:
        click.echo("\n  ".join([_headline(found), *_lines(found, more)]))


def rename(settings: Settings, incident_id: str, name: str, *, by: str) -> str:
    """Give an incident a name; return a sentence."""
    with _running(settings) as running, _as_input():
        action_id = _on_incident(running, "rename", incident_id)
        return running.desk.rename_incident(incident_id, _supervisor(by), name, action_id=action_id)


def add(settings: Settings, incident_id: str, case_id: int, *, by: str) -> str:
    """Put a case into an incident; return a sentence."""
    with _running(settings) as running, _as_input():
        action_id = _on_case(running, "add", case_id)
        return running.desk.add_to_incident(case_id, _supervisor(by), incident_id, action_id=action_id).message


def remove(settings: Settings, case_id: int, *, by: str) -> str:
    """Take a case out of its incident; return a sentence."""
    with _running(settings) as running, _as_input():
        action_id = _on_case(running, "remove", case_id)
        return running.desk.remove_from_incident(case_id, _supervisor(by), action_id=action_id).message


def answer(settings: Settings, incident_id: str, text: str, *, by: str) -> str:
    """Have a text sent to all waiting cases of an incident; return a sentence."""
    with _running(settings) as running, _as_input():
        action_id = _on_incident(running, "answer", incident_id)
        return running.desk.answer_incident(incident_id, _supervisor(by), text, action_id=action_id)


def resolve(settings: Settings, incident_id: str, note: str, *, by: str) -> str:
    """Have all waiting cases of an incident resolved with a note; return a sentence."""
    with _running(settings) as running, _as_input():
        action_id = _on_incident(running, "resolve", incident_id)
        return running.desk.resolve_incident(incident_id, _supervisor(by), note, action_id=action_id)


def close(settings: Settings, incident_id: str, *, by: str) -> str:
    """Close an incident by hand; return a sentence."""
    with _running(settings) as running, _as_input():
        action_id = _on_incident(running, "close", incident_id)
        return running.desk.close_incident(incident_id, _supervisor(by), action_id=action_id)


@contextmanager
def _running(settings: Settings) -> Iterator[App]:
    # A role that polls nothing and serves nothing: the running bot does the rest.
    running = app.build(settings, role=app.Role.WORK)
    try:
        yield running
    finally:
        running.parts.database.dispose()


@contextmanager
def _as_input() -> Iterator[None]:
    try:
        yield
    except CaseError as error:
        raise InputError(str(error)) from error


def _supervisor(by: str) -> Actor:
    name = one_line(by)
    if not name:
        raise InputError("--by: say who does it, such as --by 'Eve Example'")
    return Actor(f"operator:{name}", name, is_supervisor=True)


def _on_incident(running: App, what: str, incident_id: str) -> str:
    """The id of a command: the same until the incident has changed, so that one given twice at once is done once."""
    with reading(running.parts.database) as session:
        row = incidents.of_id(session, incident_id)
        version = row.version if row else 0
    return f"command:{what}:{incident_id}:v{version}"


def _on_case(running: App, what: str, case_id: int) -> str:
    view = running.desk.view(case_id)
    return f"command:{what}:{case_id}:v{view.version if view else 0}"


def _headline(one: IncidentView) -> str:
    tally = one.tally
    when = f"{one.began_at:%d %b %H:%M}" + (f" to {one.closed_at:%d %b %H:%M}" if one.closed_at else "")
    waiting = f"{tally.unclaimed} unclaimed, {tally.claimed} claimed, {tally.closed} closed"
    return (
        f"{one.id}  {one.state}  {one_line(one.name)}: {counted(tally.cases, 'case')} ({waiting}),"
        f" {counted(tally.mentions, 'mention')}, {one.peak_ratio:.1f}x usual at peak, since {when} UTC"
    )


def _details(session: Session, one: IncidentView) -> dict[str, Any]:
    return {
        "hours": [
            {"at": hour.at.isoformat(), "mentions": hour.mentions, "usual": hour.usual, "level": hour.level}
            for hour in one.hours
        ],
        "case_ids": incidents.case_ids(session, one.id),
        "troubles": replies.troubles(session, one.id),
        "events": [
            {"at": event.at.isoformat(), "kind": event.kind, "by": event.actor_name, "detail": event.detail}
            for event in incidents.events_of(session, one.id)
        ],
    }


def _lines(one: IncidentView, more: Mapping[str, Any]) -> Iterator[str]:
    unit = "day" if one.rule == "day" else "hour"
    for hour in one.hours:
        mark = "" if hour.level == "none" else f"  {hour.level}"
        yield f"{unit} of {hour.at:%d %b %H:%M}: {hour.mentions} where {hour.usual:g} are usual{mark}"
    if more["case_ids"]:
        yield f"cases {_shown(more['case_ids'])}"
    if one.answer:
        yield f"answer: {one_line(one.answer)}"
    if one.replies:
        yield "answers: " + ", ".join(f"{number} {state}" for state, number in sorted(one.replies.items()))
    for why, case_ids in more["troubles"].items():
        yield f"not answered for sure: {one_line(why)}: cases {_shown(case_ids)}"
    for event in more["events"]:
        at = datetime.fromisoformat(event["at"])
        yield f"{at:%d %b %H:%M} {event['kind']} by {one_line(event['by'])}"


def _shown(case_ids: Sequence[int]) -> str:
    more = f" and {len(case_ids) - CASES_SHOWN} more" if len(case_ids) > CASES_SHOWN else ""
    return ", ".join(str(case_id) for case_id in case_ids[:CASES_SHOWN]) + more
