"""Savings that finance confirms: no more than the report proves, in months that cannot change (specification 2.4).

Losses are confirmed as well: the budget is fed by new highs of all that was confirmed.
"""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from bot import rights
from bot.errors import InputError
from bot.ledger import funds, postings
from bot.ledger.journal import Draft
from bot.parts import Parts
from bot.periods import require_closed
from bot.reporting import plans
from bot.reporting.ask import Ask
from bot.reports.figures import money
from bot.reports.savings import DEARER, SAVING, Saving, SavingClass
from bot.soundness import refuse_broken
from storage import ledger, report_imports, savings
from storage.db import transaction
from storage.models_money import ConfirmedSaving


def confirm(  # noqa: PLR0913  # what finance says, all by name
    parts: Parts,
    period: str,
    reason: str,
    *,
    by: str,
    saving_class: SavingClass,
    initiative: str = "",
    amount_minor: int | None = None,
    why: str = "",
) -> str:
    """Confirm the saving, or the loss, of a reason in a closed month; return a sentence.

    Without an amount it is the lower end of the interval, and of a loss the loss itself.

    Raises:
        InputError: it cannot be confirmed; the sentence says why.
    """
    by = rights.finance(parts.settings.ledger, by)
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        ask = Ask(session, parts.settings, period, parts.now())
        require_closed(session, period)
        said = _said_before(parts, session, period, reason, amount_minor, initiative)
        if said:
            return said
        _refuse_funded(session, period)
        report = plans.savings(ask)
        row = next((one for one in report.rows if one.reason == reason), None)
        if row is None:
            known = ", ".join(one.reason for one in report.rows) or "none"
            raise InputError(f"there is no reason '{reason}' in {period} or its baseline; there are: {known}")
        amount = _amount(parts, row, amount_minor)
        made = ConfirmedSaving(
            period=period,
            reason=reason,
            number=len(savings.of_reason(session, period, reason)) + 1,
            saving_class=saving_class,
            initiative=_claimed(session, row, initiative),
            amount_minor=amount,
            saving_minor=row.saving_minor,
            low_minor=row.low_minor,
            high_minor=row.high_minor,
            confirmed_on=parts.book_date(parts.now()),
            confirmed_by=by,
            why=_words(why),
            journal_key="",
        )
        book(parts, session, made)
        total = money(report.total_saving_minor, parts.model.currency)
    return (
        f"{period} {reason}: {money(made.amount_minor, parts.model.currency)} confirmed as {saving_class}"
        f" (all reasons of the month together: {total})."
    )


def book(parts: Parts, session: Session, row: ConfirmedSaving) -> None:
    """Post the journal of what is confirmed, and store it. Its amount must have been checked."""
    event = f"saving:{row.period}:{row.reason}:{row.number}"
    draft = funds.saving_confirmed(
        event, row.amount_minor, on=row.confirmed_on, currency=parts.model.currency, by=row.confirmed_by
    )
    row.journal_key = draft.key
    ledger.post(session, [_about(parts, draft, row)], now=parts.now())
    savings.store(session, row)


def _about(parts: Parts, draft: Draft, row: ConfirmedSaving) -> Draft:
    lines = tuple(
        line._replace(
            reason=row.reason,
            initiative_id=row.initiative or None,
            config_version=parts.model.config_version,
        )
        for line in draft.lines
    )
    return replace(
        draft,
        lines=lines,
        group_ref=f"saving:{row.period}:{row.reason}",
        memo=f"{row.saving_class}, {row.period}",
        actor_ref=row.confirmed_by,
    )


def withdraw(parts: Parts, period: str, reason: str, *, by: str, why: str) -> str:
    """Take back what was confirmed for a reason and a month, unless it was turned into budget; return a sentence.

    Raises:
        InputError: nothing stands there, the month is funded, or no reason is given.
    """
    by = rights.finance(parts.settings.ledger, by)
    if not _words(why):
        raise InputError("say with --why what was wrong with it")
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        standing = [one for one in savings.of_reason(session, period, reason) if one.withdrawn_on is None]
        if not standing:
            raise InputError(f"no saving of '{reason}' stands confirmed for {period}; see 'earmark ledger budget'")
        _refuse_funded(session, period)
        [row] = standing
        confirmed, today = ledger.draft_by_key(session, row.journal_key), parts.book_date(parts.now())
        if confirmed is None:
            raise InputError(f"the journal '{row.journal_key}' is missing; see 'earmark ledger verify'")
        # Finance is acting: a month that is only softly closed takes the reversal on its own day.
        ledger.trust(session)
        event = row.journal_key.removesuffix(":saving")
        ledger.post(session, [postings.reversal(event, confirmed, memo="withdrawn", actor_ref=by)], now=parts.now())
        savings.withdraw(session, row, on=today, by=by, why=_words(why))
    return f"{period} {reason}: {money(row.amount_minor, parts.model.currency)} is withdrawn; it may be confirmed anew."


def _said_before(
    parts: Parts, session: Session, period: str, reason: str, amount_minor: int | None, initiative: str
) -> str:
    """What to say when it stands confirmed; "" when it does not."""
    standing = [one for one in savings.of_reason(session, period, reason) if one.withdrawn_on is None]
    if not standing:
        return ""
    [row] = standing
    amount = money(row.amount_minor, parts.model.currency)
    if amount_minor not in {None, row.amount_minor} or initiative not in {"", row.initiative}:
        raise InputError(
            f"{period} {reason} is confirmed already with {amount} for {row.initiative or 'no initiative'};"
            " withdraw that first: earmark ledger savings withdraw"
        )
    return f"{period} {reason}: {amount} was confirmed before, on {row.confirmed_on} by {row.confirmed_by}."


def _refuse_funded(session: Session, period: str) -> None:
    funded = [one.period for one in savings.fundings(session)]
    if funded and period <= funded[-1]:
        raise InputError(
            f"--period {period}: budget was granted on the savings up to {funded[-1]}, so those stand; what was wrong"
            " is made good in a later month"
        )


def _claimed(session: Session, row: Saving, initiative: str) -> str:
    """The initiative that brought the saving about; a loss needs none."""
    known = {one.external_id: one for one in report_imports.initiatives(session)}
    if not initiative:
        if row.verdict == DEARER:
            return ""
        attacking = [name for name, one in known.items() if row.reason in one.effects]
        raise InputError(
            f"say with --initiative what brought the saving of {row.reason} about;"
            f" initiatives that attack it: {', '.join(attacking) or 'none, import one first'}"
        )
    if initiative not in known:
        raise InputError(f"there is no initiative '{initiative}'; known: {', '.join(known) or 'none'}")
    if row.reason not in known[initiative].effects:
        aims = ", ".join(known[initiative].effects)
        raise InputError(f"the initiative '{initiative}' attacks {aims}, not {row.reason}; it cannot have saved it")
    return initiative


def _amount(parts: Parts, row: Saving, wanted: int | None) -> int:
    def shown(minor: int) -> str:
        return money(minor, parts.model.currency)

    if row.verdict == SAVING:
        amount = row.creditable_minor if wanted is None else wanted
        if not 0 < amount <= row.creditable_minor:
            raise InputError(
                f"{shown(amount)} cannot be confirmed for {row.reason}: {shown(row.creditable_minor)} is proven,"
                " the 95 % floor; give more than 0 and up to that"
            )
        return amount
    if row.verdict == DEARER:
        amount = row.saving_minor if wanted is None else wanted
        if not row.low_minor <= amount <= row.high_minor:
            raise InputError(
                f"{row.reason} became dearer: confirm a loss between {shown(row.low_minor)} and {shown(row.high_minor)}"
            )
        return amount
    raise InputError(f"nothing can be confirmed for {row.reason}: {row.verdict}")


def _words(why: str) -> str:
    return " ".join(why.split())[:500]
