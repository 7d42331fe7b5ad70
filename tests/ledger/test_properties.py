"""The ledger's invariants (specification 1.11), over random sequences of what happens on a desk."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bot.config import LedgerSettings
from bot.domain import RepeatKind, Tag
from bot.errors import LedgerError
from bot.ledger.accounts import CHART, CONTACT_ACCOUNTS
from bot.ledger.book import Book
from bot.ledger.corrections import not_a_contact, retagged, standing
from bot.ledger.journal import Draft, Line, chained, digest
from bot.ledger.model import CostModel, cost_model
from bot.ledger.money import cost_minor
from bot.ledger.postings import Contact, cost, hold, measured_seconds, reversal, tag_journals, void
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from bot.ledger.verify import verify

MODEL: CostModel = cost_model(LedgerSettings(), load_taxonomy())
GBP = frozenset({"GBP"})
START = date(2026, 9, 1)

REASONS = st.sampled_from(["where_is_it", "product_defect", "how_to", "praise", "unclassified", "not in the taxonomy"])
CHANNELS = st.sampled_from(["x", "mail"])
TAGS = st.lists(st.sampled_from(list(Tag)), min_size=1, max_size=3, unique=True)
REPEATS = st.sampled_from(list(RepeatKind))
WORK = st.one_of(st.none(), st.integers(1, 3600))


@dataclass
class DeskCase:
    """What the test itself keeps of a case."""

    contact: Contact
    opened_by: str
    live: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """By mention: tag, reason and channel of its live tags."""
    keys: dict[str, list[str]] = field(default_factory=dict)
    hold_key: str = ""
    worked_seconds: int = 0
    was_worked: bool = False


def contact_of(case_id: str, channel: str, tag: Tag, reason: str, repeat: RepeatKind = RepeatKind.NONE) -> Contact:
    found = cell(MODEL, tag=tag, reason=reason, repeat=repeat)
    return Contact(case_id, channel, "email" if channel == "mail" else "social", tag, reason, found)


class Desk(RuleBasedStateMachine):
    """Mentions arrive, agents work, people correct; the books must agree after every step."""

    cases = Bundle("cases")

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(GBP)
        self.desk: dict[str, DeskCase] = {}
        self.events = 0
        self.drafts: list[Draft] = []

    def post(self, *drafts: Draft) -> None:
        for draft in drafts:
            self.book.post(draft)
            self.drafts.append(draft)

    def event(self) -> tuple[str, date]:
        self.events += 1
        return f"event{self.events}", START + timedelta(days=self.events % 28)

    def tag(self, case: DeskCase, mention: str, contact: Contact, tags: list[Tag], *, opens: bool) -> None:
        _, on = self.event()
        for number, tag in enumerate(tags):
            [draft] = tag_journals(
                f"tag:{mention}:{tag}:v1", contact, tag=tag, primary=number == 0, opens=opens and number == 0, on=on,
                group_ref=mention, model=MODEL,
            )  # fmt: skip
            self.post(draft)
            case.keys.setdefault(mention, []).append(draft.key)
            case.live.setdefault(mention, []).append((tag.value, contact.reason, contact.channel))

    def held(self, case: DeskCase, *, follow_on: bool) -> None:
        event, on = self.event()
        draft = hold(event, case.contact, on=on, model=MODEL, follow_on=follow_on)
        self.post(draft)
        case.hold_key = draft.key

    def journals_of(self, case_id: str) -> list[Draft]:
        return [
            draft
            for draft in self.drafts
            if any(line.case_id == case_id for line in draft.lines) or draft.group_ref == case_id
        ]

    @rule(target=cases, tags=TAGS, reason=REASONS, channel=CHANNELS, repeat=REPEATS)
    def a_mention_opens_a_case(self, tags: list[Tag], reason: str, channel: str, repeat: RepeatKind) -> str:
        case_id = f"m{self.events}"
        case = DeskCase(contact_of(case_id, channel, tags[0], reason, repeat), opened_by=case_id)
        self.desk[case_id] = case
        self.tag(case, case_id, case.contact, tags, opens=True)
        self.held(case, follow_on=False)
        return case_id

    @rule(case_id=cases, tags=TAGS, reason=REASONS, channel=CHANNELS)
    def a_mention_joins_a_case(self, case_id: str, tags: list[Tag], reason: str, channel: str) -> None:
        case, mention = self.desk[case_id], f"m{self.events}"
        contact = replace(contact_of(case_id, channel, tags[0], reason), cell=case.contact.cell)
        self.tag(case, mention, contact, tags, opens=False)
        if not case.hold_key:
            self.held(case, follow_on=True)

    @rule(case_id=cases, seconds=WORK)
    def an_agent_resolves_it(self, case_id: str, seconds: int | None) -> None:
        case = self.desk[case_id]
        if not case.hold_key:
            return
        event, on = self.event()
        expected = next(draft for draft in self.drafts if draft.key == case.hold_key)
        self.post(cost(event, case.contact, on=on, model=MODEL, resolves=case.hold_key, seconds=seconds, hold=expected))
        case.hold_key, case.was_worked = "", True
        case.worked_seconds += seconds or 0

    @rule(case_id=cases)
    def nobody_acts_on_it(self, case_id: str) -> None:
        case = self.desk[case_id]
        if case.hold_key:
            event, on = self.event()
            self.post(void(event, resolves=case.hold_key, on=on, memo="no action", group_ref=case_id))
            case.hold_key = ""

    @rule(case_id=cases, tags=TAGS, reason=REASONS)
    def a_supervisor_retags_it(self, case_id: str, tags: list[Tag], reason: str) -> None:
        case, mention = self.desk[case_id], case_id
        event, on = self.event()
        old = standing(self.journals_of(case_id), case.keys[mention])
        case.contact = contact_of(case_id, case.contact.channel, tags[0], reason)
        drafts = retagged(event, old, case.contact, tags=tags, on=on, model=MODEL)
        self.post(*drafts)
        case.keys[mention] = [draft.key for draft in drafts if draft.kind == "tag"]
        case.live[mention] = [(tag.value, reason, case.contact.channel) for tag in tags]
        case.hold_key = next((draft.key for draft in drafts if draft.status == "pending"), "")

    @rule(case_id=consumes(cases))
    def it_is_not_about_us(self, case_id: str) -> None:
        case = self.desk[case_id]
        event, on = self.event()
        keys = [key for mention in case.keys.values() for key in mention]
        self.post(*not_a_contact(event, standing(self.journals_of(case_id), keys), on=on))
        case.live, case.hold_key, case.opened_by = {}, "", ""

    @rule()
    def everything_is_posted_again(self) -> None:
        seq, head = self.book.seq, self.book.head
        results = [self.book.post(draft) for draft in self.drafts]
        assert not any(is_new for _, is_new in results)
        assert (self.book.seq, self.book.head) == (seq, head)

    @invariant()
    def i1_i2_i3_every_journal_balances_and_is_well_formed(self) -> None:
        for journal in self.book.journals:
            sums: Counter[tuple[str, str]] = Counter()
            for line in journal.draft.lines:
                sums[line.commodity, line.basis] += line.amount
                assert type(line.amount) is int
                assert 0 < abs(line.amount) < 2**53
                assert line.account in CHART
                assert (line.basis == "N") == (line.commodity in {"TAG", "CNT"})
            assert set(sums.values()) <= {0}
            assert len(journal.draft.lines) >= 2 or (journal.draft.kind, sums) == ("cost_void", Counter())

    @invariant()
    def i4_the_chain_and_every_digest_recompute(self) -> None:
        head = "0" * 64
        for seq, journal in enumerate(self.book.journals, start=1):
            assert journal.seq == seq
            assert journal.payload_sha256 == digest(journal.draft.payload())
            head = chained(head, journal.payload_sha256, journal.key, seq)
            assert journal.hash == head
        assert verify(self.book.journals, GBP).ok

    @invariant()
    def i7_the_tag_balance_is_the_number_of_live_tags(self) -> None:
        expected = Counter(live for case in self.desk.values() for tags in case.live.values() for live in tags)
        booked: Counter[tuple[str, str, str]] = Counter()
        for line in self.lines("posted"):
            if line.commodity == "TAG" and line.account in CONTACT_ACCOUNTS:
                booked[line.tag or "", line.reason or "", line.channel or ""] += line.amount
        assert {key: amount for key, amount in booked.items() if amount} == expected

    @invariant()
    def i8_the_contact_balance_is_the_number_of_contacts_with_at_most_one_open_hold_each(self) -> None:
        counted = (line for line in self.lines("posted") if line.commodity == "CNT")
        contacts = sum(line.amount for line in counted if line.account in CONTACT_ACCOUNTS)
        assert contacts == sum(1 for case in self.desk.values() if case.opened_by)
        resolved = {draft.resolves for draft in self.drafts}
        holds = Counter(
            draft.group_ref for draft in self.drafts if draft.status == "pending" and draft.key not in resolved
        )
        assert holds == Counter(case_id for case_id, case in self.desk.items() if case.hold_key)

    @invariant()
    def i18_corrections_keep_the_measured_seconds(self) -> None:
        booked: Counter[str] = Counter()
        for line in self.lines("posted"):
            if (line.commodity, line.basis) == ("SEC", "M") and line.account in CONTACT_ACCOUNTS:
                booked[line.case_id or ""] += line.amount
        assert {key: total for key, total in booked.items() if total} == {
            case_id: case.worked_seconds for case_id, case in self.desk.items() if case.worked_seconds
        }

    @invariant()
    def i22_a_contact_nobody_acted_on_has_cost_nothing(self) -> None:
        money: defaultdict[str, int] = defaultdict(int)
        for line in self.lines("posted"):
            if line.commodity == "GBP" and line.account in CONTACT_ACCOUNTS:
                money[line.case_id or ""] += line.amount
        for case_id, case in self.desk.items():
            assert (money[case_id] > 0) == case.was_worked

    @invariant()
    def i17_all_accounts_sum_to_zero(self) -> None:
        sums: Counter[tuple[str, str, str]] = Counter()
        for journal in self.book.journals:
            for line in journal.draft.lines:
                sums[journal.draft.status, line.commodity, line.basis] += line.amount
        assert not any(sums.values())

    def lines(self, status: str) -> list[Line]:
        return [
            line for journal in self.book.journals if journal.draft.status == status for line in journal.draft.lines
        ]


Desk.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestTheBooksAgreeWithTheDesk = Desk.TestCase


@st.composite
def work_journals(draw: st.DrawFn) -> Draft:
    contact = contact_of("k1", draw(CHANNELS), draw(st.sampled_from(list(Tag))), draw(REASONS), draw(REPEATS))
    seconds = draw(st.integers(1, 10**6))
    return cost("event", contact, on=START, model=MODEL, resolves=None, seconds=seconds)


@given(draft=work_journals())
def test_a_measured_cost_books_the_seconds_and_their_price_exactly(draft: Draft) -> None:
    seconds = measured_seconds(draft.lines)
    money = sum(line.amount for line in draft.lines if line.commodity == "GBP" and line.amount > 0)

    assert money == cost_minor(seconds, MODEL.rate_minor_per_hour)


@given(draft=work_journals(), changes=st.dictionaries(st.integers(0, 3), st.integers(-(10**6), 10**6), min_size=1))
def test_i6_another_payload_under_an_old_key_is_refused_and_the_book_stays(
    draft: Draft, changes: dict[int, int]
) -> None:
    book = Book(GBP)
    book.post(draft)
    lines = list(draft.lines)
    for index, amount in changes.items():
        lines[index % len(lines)] = lines[index % len(lines)]._replace(amount=amount)
    other = replace(draft, lines=tuple(lines))

    if other == draft:
        assert book.post(other)[1] is False
    else:
        with pytest.raises(LedgerError, match="E_IDEMPOTENCY_CONFLICT"):
            book.post(other)
    assert (book.seq, len(book.journals)) == (1, 1)


@given(draft=work_journals())
def test_i10_a_reversal_mirrors_its_target_once_and_is_not_reversed(draft: Draft) -> None:
    book = Book(GBP)
    book.post(draft)
    mirror = reversal("fix", draft, memo="wrong")
    book.post(mirror)

    assert [line.amount for line in mirror.lines] == [-line.amount for line in draft.lines]
    assert mirror.effective == draft.effective
    for again, code in (
        (reversal("fix2", draft, memo=""), "REVERSED"),
        (reversal("fix3", mirror, memo=""), "REVERSAL"),
    ):
        with pytest.raises(LedgerError, match=code):
            book.post(again)


@given(order=st.permutations(range(6)))
def test_i24_the_order_of_independent_events_never_matters_to_a_balance(order: list[int]) -> None:
    def booked(numbers: list[int]) -> Counter[Line]:
        book, sums = Book(GBP), Counter[Line]()
        for number in numbers:
            contact = contact_of(f"k{number}", "x", Tag.COMPLAINT, "product_defect")
            for draft in (
                *tag_journals(
                    f"e{number}",
                    contact,
                    tag=Tag.COMPLAINT,
                    primary=True,
                    opens=True,
                    on=START,
                    group_ref="m",
                    model=MODEL,
                ),
                hold(f"e{number}", contact, on=START, model=MODEL),
            ):
                book.post(draft)
        for journal in book.journals:
            for line in journal.draft.lines:
                sums[line._replace(amount=0)] += line.amount
        return sums

    assert booked(order) == booked(sorted(order))
