"""Value that is proven: by a control group at the lower end of its interval, or by a document (specification 1.7, 2.9).

What was only assumed of the same customers makes way for it, so that nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from bot import rights
from bot.errors import InputError
from bot.ledger import values
from bot.ledger.values import Behaviour
from bot.parts import Parts
from bot.reporting import customers
from bot.reporting.ask import Ask, month_of
from bot.reports.control import REDUCTION
from bot.reports.figures import counted, money, one_line
from bot.soundness import refuse_broken
from storage import estimates, ledger, savings
from storage.db import transaction
from storage.estimates import Estimate
from storage.models_money import RealisedValue

KEPT: Behaviour = "buy_again"
"""What an experiment on churn proves: a customer who is kept buys again."""

DOCUMENT_MAX = 80


@dataclass(frozen=True, slots=True)
class _Proof:
    """What is proven, by what, and the word of whoever books it."""

    event: str
    title: str
    behaviour: Behaviour
    amount_minor: int
    by: str
    why: str = ""


def credit(parts: Parts, experiment: str, *, by: str) -> str:
    """Book what an experiment proves, once; the estimates of the customers it treated go. Return a sentence.

    Raises:
        InputError: there is no such experiment, or it proves no reduction.
    """
    by = rights.finance(parts.settings.ledger, by)
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        event = f"experiment:{experiment}"
        done = savings.realised(session, event)
        if done is not None:
            return f"{_money(parts, done.amount_minor)} was credited to {experiment} before, on {done.realised_on}."
        today = parts.book_date(parts.now())
        ask = Ask(session, parts.settings, month_of(today), parts.now(), {"name": experiment})
        [found] = customers.experiment(ask)
        if found.churn.verdict != REDUCTION:
            raise InputError(f"the experiment '{experiment}' proves nothing to credit: {found.churn.verdict}")
        if not found.churn.creditable_value_minor:
            raise InputError(
                f"the experiment '{experiment}' proves a reduction worth 0: import it with the margin_12m_minor of a"
                " customer, which had to be fixed before"
            )
        covered = [
            one
            for one, assigned_at in estimates.of_treated(session, experiment, behaviour=KEPT)
            if parts.book_date(assigned_at)
            <= one.assumed_on
            <= parts.book_date(assigned_at + timedelta(days=found.window_days))
        ]
        proof = _Proof(event, found.title or experiment, KEPT, found.churn.creditable_value_minor, by)
        _realise(parts, session, proof, covered)
    return (
        f"{_money(parts, proof.amount_minor)} credited to {experiment}, the lower end of its 95 % interval;"
        f" {counted(len(covered), 'estimate')} made way."
    )


def accept(  # noqa: PLR0913  # what finance signs, all by name
    parts: Parts,
    document: str,
    *,
    amount_minor: int,
    behaviour: Behaviour,
    by: str,
    why: str,
    cases: Sequence[int] = (),
) -> str:
    """Book value that finance accepts as incremental on a document, once; the estimates of the cases go.

    Raises:
        InputError: it is not for finance to say, the document stands for another amount, or a case has no estimate.
    """
    by, document = rights.finance(parts.settings.ledger, by), one_line(document)
    if not document or len(document) > DOCUMENT_MAX:
        raise InputError(f"DOCUMENT: name what was signed in at most {DOCUMENT_MAX} characters")
    if not one_line(why):
        raise InputError("say with --why the value is due to us and would not have come anyway")
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        proof = _Proof(f"document:{document}", document, behaviour, amount_minor, by, one_line(why)[:500])
        done = savings.realised(session, proof.event)
        if done is not None:
            return _accepted_before(parts, done, proof)
        covered = [one for case_id in sorted(set(cases)) for one in _assumed(session, case_id, behaviour)]
        _realise(parts, session, proof, covered)
    return (
        f"{_money(parts, amount_minor)} of {behaviour} accepted on {document};"
        f" {counted(len(covered), 'estimate')} made way."
    )


def _accepted_before(parts: Parts, done: RealisedValue, proof: _Proof) -> str:
    if (done.amount_minor, done.behaviour) != (proof.amount_minor, proof.behaviour):
        raise InputError(
            f"the document '{proof.title}' stands for {_money(parts, done.amount_minor)} of {done.behaviour} already;"
            " what is more needs a document of its own"
        )
    return f"{_money(parts, done.amount_minor)} was accepted on {proof.title} before, on {done.realised_on}."


def _assumed(session: Session, case_id: int, behaviour: Behaviour) -> list[Estimate]:
    found = [one for one in estimates.live(session, case_id) if one.behaviour == behaviour]
    if not found:
        raise InputError(
            f"--case {case_id}: no value of {behaviour} is assumed for it; see: earmark ledger explain {case_id}"
        )
    return found


def _realise(parts: Parts, session: Session, proof: _Proof, covered: Sequence[Estimate]) -> None:
    today, drafts = parts.book_date(parts.now()), []
    for estimate in covered:
        assumed = ledger.draft_by_key(session, estimate.journal_key)
        if assumed is None:
            raise InputError(f"the journal '{estimate.journal_key}' is missing; see 'earmark ledger verify'")
        release = values.value_released(estimate.journal_key, assumed, on=today)
        drafts.append(replace(release, memo=proof.event, actor_ref=proof.by))
        estimates.end(session, estimate.journal_key, how="released", ended_key=release.key)
    realised = values.value_realised(
        proof.event,
        proof.behaviour,
        proof.amount_minor,
        on=today,
        currency=parts.model.currency,
        evidence=proof.event,
    )
    drafts.append(replace(realised, group_ref=proof.event, actor_ref=proof.by))
    ledger.post(session, drafts, now=parts.now())
    row = RealisedValue(
        event=proof.event,
        title=proof.title,
        behaviour=proof.behaviour,
        amount_minor=proof.amount_minor,
        released=len(covered),
        released_minor=sum(one.amount_minor for one in covered),
        realised_on=today,
        realised_by=proof.by,
        why=proof.why,
        journal_key=realised.key,
    )
    savings.store(session, row)


def _money(parts: Parts, minor: int) -> str:
    return money(minor, parts.model.currency)
