"""Whatever happens in whatever order, killed or not: the books agree with the mentions after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from storage import models
from tests.company import Company
from tests.conftest import IN_CI
from tests.installation import assert_books_agree
from tests.looking import contacts, rows

pytestmark = pytest.mark.slow


class Books(Company):
    """The company, and what holds after every step."""

    @invariant()
    def the_ledger_verifies_and_its_tags_are_the_live_tags(self) -> None:
        assert_books_agree(self.running)

    @invariant()
    def every_case_that_is_one_counts_as_one_contact(self) -> None:
        assert contacts(self.running) == sum(case.state != "dismissed" for case in rows(self.running, models.Case))

    @invariant()
    def a_case_has_its_hold_while_it_is_open_and_no_other(self) -> None:
        journals = rows(self.running, models.LedgerJournal)
        resolved = {journal.resolves_id for journal in journals}
        held = Counter(
            (journal.group_ref, journal.idem_key)
            for journal in journals
            if journal.status == "pending" and journal.id not in resolved
        )
        cases = rows(self.running, models.Case)
        assert held == Counter((str(case.id), case.hold_key) for case in cases if case.hold_key)
        assert all(bool(case.hold_key) == (case.state in {"open", "claimed"}) for case in cases)
        assert all(case.hold_expires_at is not None for case in cases if case.state == "open")

    @invariant()
    def every_mention_is_there_once_and_a_tagged_one_has_a_case(self) -> None:
        mentions = rows(self.running, models.Mention)
        cases = {case.id: case for case in rows(self.running, models.Case)}
        assert len(mentions) <= self.published
        for mention in mentions:
            assert (mention.case_id in cases) == (mention.state == "tagged")
        counted = Counter(mention.case_id for mention in mentions if mention.case_id)
        assert counted == Counter({case.id: case.mention_count for case in cases.values()})

    @invariant()
    def nobody_worked_for_a_case_that_cost_nothing_and_nobody_else(self) -> None:
        worked = {row.case_id for row in rows(self.running, models.CaseEvent) if row.kind == "resolved"}
        cost = {int(row.group_ref) for row in rows(self.running, models.LedgerJournal) if row.kind == "cost"}
        assert cost == worked


# Few examples where somebody waits for them, many where a machine does.
Books.TestCase.settings = settings(max_examples=60 if IN_CI else 6, stateful_step_count=25)
TestBooks = Books.TestCase


def test_the_same_holds_on_postgresql(new_postgresql_url: Callable[[], str]) -> None:
    class OnPostgresql(Books):
        def new_url(self, folder: Path) -> str:  # noqa: ARG002  # no file
            return new_postgresql_url()

    examples = 12 if IN_CI else 3

    run_state_machine_as_test(OnPostgresql, settings=settings(max_examples=examples, stateful_step_count=25))
