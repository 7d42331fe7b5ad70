"""What ``/ledger`` says in Slack: today, one case, and why a department bears what it bears. Lines of plain words.

Names in them come from the taxonomy and from people: whoever shows the lines must escape them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlmodel import Session

from bot.domain import Quadrant
from bot.ledger.explain import SOURCES, explain
from bot.parts import Parts
from bot.reporting.ask import Ask, month_of
from bot.reporting.night import so_far
from bot.reports.facts import LineSum, counted_contacts, priced
from bot.reports.figures import counted, money, percent, title
from bot.reports.grid import by_reason
from bot.reports.summary import summary
from bot.views import CaseView
from storage import cases, ledger, notes, report_departments
from storage.db import reading
from storage.report_departments import Cause

REASONS_TOLD: Final = 5
CASES_TOLD: Final = 3

_AFTER_RESOLVED: Final = "it came back after it was resolved"


class Telling:
    """Tells the ledger in words; any thread may call."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def sees_money(self, slack_user: str) -> bool:
        """True for supervisors and finance, and for everybody where that is switched on."""
        settings = self._parts.settings
        is_supervisor = any(slack_user in queue.supervisors for queue in settings.queues)
        is_open = settings.slack is not None and settings.slack.agents_see_money
        is_finance = bool({slack_user, f"slack:{slack_user}"} & set(settings.ledger.finance))
        return is_open or is_supervisor or is_finance

    def told_today(self, *, with_money: bool) -> list[str]:
        """Return the lines of the nightly summary that say something of a day that goes on."""
        with reading(self._parts.database) as session:
            night = so_far(session, self._parts.settings, self._parts.model, self._parts.now())
        if with_money:
            return summary(night)
        # The last line is about the money too.
        return summary(replace(night, waste=None, origins=None))[:-1]

    def told_case(self, case_id: int) -> list[str]:
        """Return each journal of a case in plain words; [] when there is no such case."""
        with reading(self._parts.database) as session:
            view = cases.case_view(session, case_id)
            journals = ledger.journals_of(session, case_id=str(case_id))
        if view is None and not journals:
            return []
        sentences = [
            f"{one.seq}  {one.date}{'  pending' if one.is_pending else ''}  {one.text}" for one in explain(journals)
        ]
        return [_head(view, case_id), *sentences]

    def told_why(self, department: str) -> list[str]:
        """Return what a department bears this month and how it came to it; a sentence when there is no such one."""
        with reading(self._parts.database) as session:
            now = self._parts.now()
            ask = Ask(session, self._parts.settings, "", now)
            ask = Ask(session, self._parts.settings, month_of(ask.today), now)
            waste = [line for line in ask.posted if line.cell is Quadrant.LIABILITY]
            known = sorted({line.dept for line in waste} | self._owners())
            name = next((one for one in known if one.casefold() == department.strip().casefold()), None)
            if name is None:
                return [f"There is no department '{title(department)[:80]}'. Known: {', '.join(map(title, known))}."]
            return _why(session, ask, waste, name)

    def _owners(self) -> set[str]:
        return {dept for reason in self._parts.model.taxonomy.reasons.values() for dept, _ in reason.owners}


def _head(view: CaseView | None, case_id: int) -> str:
    if view is None:
        return f"*Case {case_id}*"
    return f"*Case {case_id}* {view.tag} · {title(view.reason)} · {view.quadrant} · caused by {title(view.department)}"


def _why(session: Session, ask: Ask, waste: list[LineSum], name: str) -> list[str]:
    costs = priced(waste, ask.currency)
    own = [line for line in waste if line.dept == name]
    rows = [
        row for row in by_reason(priced(own, ask.currency), counted_contacts(own)) if row.cost_minor or row.contacts
    ]
    total, whole = sum(row.cost_minor for row in rows), sum(line.amount for line in costs)
    contacts = sum(row.contacts for row in rows)
    head = (
        f"*Why {title(name)}* {money(total, ask.currency)} of waste in {ask.month} so far,"
        f" {percent(total, whole)} of all; {counted(contacts, 'contact')}"
    )
    causes = report_departments.causes(session, name, since=ask.since, until=ask.until)
    written = notes.newest(session)
    lines = [
        f"{number}. *{title(row.reason)}* {money(row.cost_minor, ask.currency)}, {counted(row.contacts, 'contact')}:"
        f" {_because([one for one in causes if one.reason == row.reason])}"
        + (f" Cause: {written[row.reason].text}." if row.reason in written else "")
        for number, row in enumerate(rows[:REASONS_TOLD], start=1)
    ]
    dearest = report_departments.dearest(
        session, name, since=ask.since, until=ask.until, unit=ask.currency, limit=CASES_TOLD
    )
    shown = ", ".join(f"{case_id} ({money(minor, ask.currency)})" for case_id, minor in dearest)
    return [head, *lines, *([f"Dearest cases: {shown}. Ask with /ledger case and the number."] if shown else [])]


def _because(causes: list[Cause]) -> str:
    """How the contacts of one reason came to a department, such as ``12 because that is the reason's place``."""
    told = [f"{one.contacts:,} because {_source(one)}" for one in causes]
    return "; ".join(told) + "." if told else "with shares of contacts whose first owner is another department."


def _source(cause: Cause) -> str:
    if cause.quadrant_source == "repeat" and cause.repeat_kind == "after_resolved":
        return _AFTER_RESOLVED
    if cause.quadrant_source.startswith("rule:"):
        return f"the rule {title(cause.quadrant_source.removeprefix('rule:'))} says so"
    return SOURCES.get(cause.quadrant_source, "nobody has said why")
