"""The innovation budget: granted out of new highs of confirmed savings, given to initiatives, spent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlmodel import Session

from bot import rights
from bot.errors import InputError, LedgerError
from bot.ledger import funds
from bot.ledger.journal import Draft
from bot.ledger.money import WHOLE
from bot.parts import Parts
from bot.reporting.ask import Ask
from bot.reporting.budget import standing
from bot.reports.figures import money, one_line
from bot.reports.savings import budget
from bot.soundness import refuse_broken
from storage import ledger, report_imports, report_night, savings
from storage.db import transaction
from storage.models_imports import Initiative
from storage.models_money import BudgetFunding

DOCUMENT_MAX: Final = 80


def fund(parts: Parts, period: str, *, by: str) -> str:
    """Grant the share of every new high of the confirmed savings up to a month; return a sentence.

    Raises:
        InputError: it is not for finance to say, or a later month was funded already.
    """
    settings = parts.settings.ledger
    by = rights.finance(settings, by)
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        _ = Ask(session, parts.settings, period, parts.now()).period
        before = savings.fundings(session)
        if before and period <= before[-1].period:
            return _funded_before(parts, before, period)
        high_before = before[-1].high_water_minor if before else 0
        found = budget(
            standing(savings.confirmed(session, until=period)),
            share_bp=settings.savings.budget_share_bp,
            funds=settings.savings.funds,
        )
        reached = found.rows[-1].high_water_minor if found.rows else 0
        cumulative = found.rows[-1].cumulative_minor if found.rows else 0
        # The difference of two rounded totals, so that pennies lost in one month come back in the next.
        share = settings.savings.budget_share_bp
        granted = reached * share // WHOLE - high_before * share // WHOLE
        if granted <= 0:
            return (
                f"Nothing to grant: confirmed savings stand at {_money(parts, cumulative)} in all, and only what passes"
                f" their highest mark so far, {_money(parts, max(high_before, reached))}, becomes budget."
            )
        today = parts.book_date(parts.now())
        draft = funds.budget_funded(f"budget:{period}", granted, on=today, currency=parts.model.currency)
        new_high = _money(parts, reached - high_before)
        memo = f"{share / 100:g} % of the new high {new_high} of {settings.savings.funds} savings"
        _post(parts, session, replace(draft, group_ref=f"budget:{period}", memo=memo), by)
        row = BudgetFunding(
            period=period,
            funds=settings.savings.funds,
            share_bp=share,
            high_before_minor=high_before,
            high_water_minor=reached,
            funded_minor=granted,
            funded_on=today,
            funded_by=by,
            journal_key=draft.key,
        )
        savings.store(session, row)
    return f"{_money(parts, granted)} granted for the savings up to {period}; give it out with: budget allocate."


def _funded_before(parts: Parts, before: list[BudgetFunding], period: str) -> str:
    for one in before:
        if one.period == period:
            return f"{_money(parts, one.funded_minor)} was granted for {period} before, on {one.funded_on}."
    raise InputError(f"--period {period}: savings up to {before[-1].period} are funded already, earlier ones with them")


def allocate(parts: Parts, initiative: str, amount_minor: int, *, by: str, document: str) -> str:
    """Give available budget to an initiative; the same ``document`` again is the same decision. Return a sentence.

    Raises:
        InputError: the initiative is not known or was dropped, the budget does not hold so much, or the document stands
            for another amount.
    """
    by, document = rights.finance(parts.settings.ledger, by), _document(document)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        wanted = _initiative(session, initiative)
        if wanted.ruling == "drop":
            raise InputError(f"the initiative '{initiative}' was dropped by {wanted.ruled_by}: {wanted.ruled_why}")
        draft = funds.budget_allocated(
            f"budget:{initiative}:{document}",
            initiative,
            amount_minor,
            on=parts.book_date(parts.now()),
            currency=parts.model.currency,
        )
        if _is_done(parts, session, draft, amount_minor):
            return f"{_money(parts, amount_minor)} was given to {initiative} before ({document})."
        left = report_night.budget_left(session, last=parts.book_date(parts.now()), unit=parts.model.currency)
        _post_within(parts, session, replace(draft, memo=document), by, left=left, holder="the innovation budget")
    return f"{_money(parts, amount_minor)} given to {initiative}; {_money(parts, left - amount_minor)} is left to give."


def spend(parts: Parts, initiative: str, amount_minor: int, *, by: str, document: str) -> str:
    """Book what an initiative has spent of its budget; the same ``document`` again is the same. Return a sentence.

    Raises:
        InputError: the initiative is not known or has not so much left, or the document stands for another amount.
    """
    by, document = rights.finance(parts.settings.ledger, by), _document(document)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        _initiative(session, initiative)
        today, unit = parts.book_date(parts.now()), parts.model.currency
        draft = funds.budget_spent(f"budget:{initiative}:{document}", initiative, amount_minor, on=today, currency=unit)
        if _is_done(parts, session, draft, amount_minor):
            return f"{_money(parts, amount_minor)} of {initiative} was booked before ({document})."
        given, spent = savings.initiative_balances(session, last=today, unit=unit).get(initiative, (0, 0))
        _post_within(parts, session, replace(draft, memo=document), by, left=given - spent, holder=initiative)
    return (
        f"{_money(parts, amount_minor)} spent by {initiative}; {_money(parts, given - spent - amount_minor)} is left."
    )


def _initiative(session: Session, name: str) -> Initiative:
    known = {one.external_id: one for one in report_imports.initiatives(session)}
    if name not in known:
        raise InputError(
            f"there is no initiative '{name}'; known: {', '.join(known) or 'none'}; import it with: earmark import"
            " initiatives FILE"
        )
    return known[name]


def _is_done(parts: Parts, session: Session, draft: Draft, amount_minor: int) -> bool:
    """True when the decision is in the books: whatever the day, the document is the same."""
    known = ledger.draft_by_key(session, draft.key)
    if known is None:
        return False
    if known.lines[0].amount != amount_minor:
        booked = _money(parts, known.lines[0].amount)
        raise InputError(f"this document stands for {booked} already; a further amount needs a document of its own")
    return True


def _post_within(parts: Parts, session: Session, draft: Draft, by: str, *, left: int, holder: str) -> None:
    try:
        _post(parts, session, draft, by)
    except LedgerError as error:
        if error.code != "E_BUDGET_OVERDRAWN":
            raise
        asked = _money(parts, draft.lines[0].amount)
        raise InputError(
            f"{error.code}: {asked} is asked and {holder} has {_money(parts, left)} left; grant or allocate more first"
        ) from error


def _post(parts: Parts, session: Session, draft: Draft, by: str) -> None:
    lines = tuple(line._replace(config_version=parts.model.config_version) for line in draft.lines)
    ledger.post(session, [replace(draft, lines=lines, actor_ref=by)], now=parts.now())


def _document(text: str) -> str:
    document = one_line(text)
    if not document or len(document) > DOCUMENT_MAX:
        raise InputError(f"--document: name the decision or invoice in at most {DOCUMENT_MAX} characters")
    return document


def _money(parts: Parts, minor: int) -> str:
    return money(minor, parts.model.currency)
