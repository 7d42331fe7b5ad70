"""Every printed figure of the money reports against the journals behind it, and the reports against each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlmodel import Session

from bot import audit
from bot.app import App
from bot.domain import Quadrant
from bot.figures import Question, told, wanted
from bot.ledger.accounts import OF_QUADRANT, POOL, WASTE
from bot.reporting.ask import Ask
from bot.reporting.command import build
from bot.reports.statement import Amounts
from bot.soundness import audited
from storage import ledger_lines
from storage.db import reading

CONTACT: Final = "Expenses:Contact"
BASES: Final = ("E", "M", "R")


class Figure(NamedTuple):
    """A figure as a report prints it, and whose sum it is; ``sign`` is -1 where credits are shown positive."""

    name: str
    amount: int
    question: Question
    sign: int = 1


def traced(running: App, month: str, *, folder: Path) -> Iterator[str]:
    """Yield a sentence for each thing that was checked.

    Raises:
        AssertionError: something does not agree.
    """
    with reading(running.parts.database) as session:
        ask = Ask(session, running.parts.settings, month, running.parts.now(), {"driver": "orders", "weeks": 1})
        statement, grid, top, recharge, savings = (
            build(ask, name) for name in ("statement", "grid", "top", "recharge", "savings")
        )
        yield _tied(statement, grid, top, recharge)
        yield _saved(savings, statement)
        yield _followed(session, ask.currency, list(_figures(month, statement, grid, top, recharge)))
        report = audited(session)
        assert report["ok"], report
        yield f"verify: {report['journals']:,} journals, {report['live_tags']:,} live tags, all sound"
    yield _checked_by_beancount(running, folder)


def _tied(statement: Any, grid: Any, top: Any, recharge: Any) -> str:
    """I20: four reports say one thing about waste, and nothing of it is left over."""
    waste = statement.costs[WASTE].total
    parts = (
        recharge.charged_minor,
        recharge.own_failures_of_service_minor,
        recharge.external_minor,
        recharge.unassigned_minor,
        recharge.open_promises_minor,
    )
    assert waste == grid.grid[Quadrant.LIABILITY].cost_minor
    assert waste == sum(row.cost_minor for row in top.top) + top.rest_minor
    assert waste == sum(parts) == recharge.waste_minor
    assert grid.total_cost_minor == statement.contact_cost.total
    check = statement.balance_sheet.check_assets_minus_liabilities_minus_equity_minus_result
    assert (check.E, check.M, check.R) == (0, 0, 0)
    charged, service, external, unassigned, promised = parts
    return (
        f"waste {waste:,} = grid = top = charged {charged:,} + own failures {service:,} + external {external:,}"
        f" + unassigned {unassigned:,} + open promises {promised:,}"
    )


def _saved(savings: Any, statement: Any) -> str:
    """Each reason's actual cost is in the statement once, and what is creditable is the sum of its rows."""
    actual = sum(row.actual_cost_minor for row in savings.rows)
    assert actual == statement.contact_cost.total, (actual, statement.contact_cost.total)
    assert savings.total_creditable_minor == sum(row.creditable_minor for row in savings.rows)
    return f"savings: the actual cost of {len(savings.rows)} reasons is the contact cost, {actual:,}"


def _followed(session: Session, currency: str, figures: list[Figure]) -> str:
    lines, mentions = 0, set()
    for figure in figures:
        what = wanted(figure.question, currency=currency)
        rows = list(told(session, what))
        assert figure.sign * sum(row["amount"] for row in rows) == figure.amount, figure
        assert figure.sign * ledger_lines.total(session, what).amount == figure.amount, figure
        for row in rows:
            if row["case_id"]:
                assert row["mentions"], (figure.name, row)
                mentions.update(row["mentions"])
        lines += len(rows)
    return f"{len(figures)} figures followed to {lines:,} lines and {len(mentions):,} mentions"


def _figures(month: str, statement: Any, grid: Any, top: Any, recharge: Any) -> Iterator[Figure]:
    yield from _of_statement(month, statement)
    yield from _of_grid(month, grid)
    waste = Question(month, account=WASTE)
    for row in top.top:
        yield Figure(f"top {row.reason}", row.cost_minor, replace(waste, reason=row.reason))
        yield Figure(f"top {row.reason} contacts", row.contacts, replace(waste, reason=row.reason, unit="CNT"))
    done = replace(waste, promises="without")
    own, external, unassigned = (replace(done, dept=name) for name in ("service", "external", "unassigned"))
    yield Figure("recharge own failures", recharge.own_failures_of_service_minor, own)
    yield Figure("recharge external", recharge.external_minor, external)
    yield Figure("recharge unassigned", recharge.unassigned_minor, unassigned)
    yield Figure("recharge promises", recharge.open_promises_minor, replace(waste, promises="only"))


def _of_statement(month: str, statement: Any) -> Iterator[Figure]:
    question = Question(month)
    for path, amounts in statement.costs.items():
        yield from _by_basis(f"statement {path}", amounts, replace(question, account=path))
    for path, amounts in statement.value.items():
        yield from _by_basis(f"statement {path}", amounts, replace(question, account=path), sign=-1)
    contact = replace(question, account=CONTACT)
    yield from _by_basis("statement contact cost", statement.contact_cost, contact)
    yield Figure("statement pending", statement.pending_minor, replace(contact, pending=True))
    yield Figure("statement late", statement.prior_period_minor, replace(contact, late=True))
    payroll = replace(question, account=POOL, basis="R")
    yield Figure("statement payroll", statement.absorption.actual_pool_minor, payroll)
    sheet, to_date = statement.balance_sheet, replace(question, to_date=True)
    for side, sign in ((sheet.assets, 1), (sheet.liabilities, -1), (sheet.equity, -1)):
        for path, amounts in side.items():
            yield from _by_basis(f"balance sheet {path}", amounts, replace(to_date, account=path), sign=sign)


def _by_basis(name: str, amounts: Amounts, question: Question, *, sign: int = 1) -> Iterator[Figure]:
    yield Figure(name, amounts.total, question, sign)
    for basis in BASES:
        yield Figure(f"{name} {basis}", getattr(amounts, basis), replace(question, basis=basis), sign)


def _of_grid(month: str, grid: Any) -> Iterator[Figure]:
    for quadrant, cell in grid.grid.items():
        question = Question(month, account=OF_QUADRANT[quadrant])
        yield Figure(f"grid {quadrant}", cell.cost_minor, question)
        yield Figure(f"grid {quadrant} contacts", cell.contacts, replace(question, unit="CNT"))
        for row in cell.reasons:
            why = replace(question, reason=row.reason)
            yield Figure(f"grid {quadrant} {row.reason}", row.cost_minor, why)
            yield Figure(f"grid {quadrant} {row.reason} contacts", row.contacts, replace(why, unit="CNT"))
    for row in grid.by_segment:
        of_segment = Question(month, account=CONTACT, segment=row.segment)
        yield Figure(f"segment {row.segment}", row.cost_minor, of_segment)
        yield Figure(f"segment {row.segment} waste", row.waste_minor, replace(of_segment, account=WASTE))


def _checked_by_beancount(running: App, folder: Path) -> str:
    """I25: another program accepts the books, and refuses them with one penny more on one line."""
    file = folder / "ledger.beancount"
    journals = audit.export(running.parts.settings, file)
    assert _bean_check(file) == 0
    text = file.read_text("utf-8")
    posting = next(line for line in text.splitlines() if line.startswith("  ") and line.endswith("GBP-M"))
    amount = posting.split()[1]
    altered = posting.replace(amount, f"{float(amount) + 0.01:.2f}")
    file.write_text(text.replace(posting, altered, 1), encoding="utf-8")
    assert _bean_check(file) != 0
    return f"bean-check accepts {journals:,} journals, and refuses them after a penny was changed"


def _bean_check(file: Path) -> int:
    command = [sys.executable, "-m", "beancount.scripts.check", str(file)]
    return subprocess.run(command, check=False, capture_output=True, timeout=600).returncode  # noqa: S603  # our own
