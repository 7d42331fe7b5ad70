"""Plays events into a book, one after the other: each posts what it makes the ledger say (specification 1.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from bot.domain import UNCLASSIFIED, RepeatKind, Tag
from bot.errors import InputError
from bot.ledger import funds, promises, values
from bot.ledger.book import Book
from bot.ledger.bookfile import Entry
from bot.ledger.corrections import Standing, merged, not_a_contact, retagged, standing
from bot.ledger.journal import Draft, Journal
from bot.ledger.model import CostModel
from bot.ledger.postings import Contact, bot_cost, cost, hold, tag_journals, void
from bot.ledger.quadrants import cell


@dataclass
class _Case:
    """What a replay keeps of a contact outside the ledger."""

    contact: Contact
    subject: str
    opened_on: date
    tag_keys: dict[str, list[str]] = field(default_factory=dict)
    """By mention; the first one opened the contact."""
    hold: Draft | None = None
    closed_on: date | None = None
    was_resolved: bool = False

    def close(self, on: date, *, resolved: bool) -> None:
        """Nobody works on it any more."""
        self.hold, self.closed_on, self.was_resolved = None, on, resolved

    def is_opened_by(self, mention: str) -> bool:
        """True when that mention decides what the contact is about."""
        return next(iter(self.tag_keys), mention) == mention


class Player:
    """The books and the contacts outside them, event after event."""

    def __init__(self, model: CostModel) -> None:
        self.model = model
        self.book = Book(frozenset({model.currency}))
        self.repeats: dict[str, str] = {}
        self._cases: dict[str, _Case] = {}
        self._merged: dict[str, str] = {}
        """A duplicate and the contact that goes on in its place."""
        self._promises: dict[str, Draft] = {}
        """What is owed."""
        self._estimates: dict[str, list[Draft]] = {}
        """Live ones, by case."""

    def apply(self, event: Entry) -> None:
        """Post what the event makes the ledger say.

        Raises:
            InputError: the event cannot be read, or names what is not there.
            LedgerError: it does not fit the books.
        """
        name = event.text("type")
        if name not in _EVENTS:
            raise InputError(f"{event.name}: there is no event type '{name}'; known: {', '.join(sorted(_EVENTS))}")
        _EVENTS[name](self, event)

    def _post(self, *drafts: Draft) -> list[Draft]:
        """Post the drafts that say something; return them as they were placed."""
        return [self.book.post(draft)[0].draft for draft in drafts if not draft.says_nothing]

    def _case(self, event: Entry, key: str = "contact") -> _Case:
        name = event.text(key)
        while name in self._merged:
            name = self._merged[name]
        if name not in self._cases:
            raise InputError(f"{event.name}: {key} '{name}' was not opened by an earlier event")
        return self._cases[name]

    def _case_of_mention(self, event: Entry) -> _Case:
        case, mention = self._case(event), event.text("mention")
        if mention not in case.tag_keys:
            raise InputError(f"{event.name}: mention '{mention}' is none of contact '{case.contact.case_id}'")
        return case

    def _standing(self, case: _Case, mention: str | None = None, *, with_work: bool = True) -> Standing:
        about = case.contact.case_id
        drafts = [journal.draft for journal in self.book.journals if _is_about(journal, about)]
        keys = [key for name, keys in case.tag_keys.items() if mention in {None, name} for key in keys]
        return standing(drafts, keys, with_work=with_work)

    def tag(self, event: Entry) -> None:
        """A mention was tagged: it opens a contact, or joins one."""
        on, opens = event.day(), event.says("opens")
        case = self._opened(event, on) if opens else self._case(event)
        mention = event.text("mention")
        is_further = mention in case.tag_keys
        tagged = case.contact if opens else self._told(event, case.contact)
        [draft] = tag_journals(
            event.text("id"),
            tagged,
            tag=tagged.tag,
            primary=not is_further,
            opens=opens,
            on=on,
            group_ref=mention,
            model=self.model,
        )
        self._post(draft)
        case.tag_keys.setdefault(mention, []).append(draft.key)
        if event.says("routed") and (opens or (case.closed_on is not None and not is_further)):
            case.closed_on = None
            expected = hold(event.text("id"), case.contact, on=on, model=self.model, follow_on=not opens)
            case.hold = next(iter(self._post(expected)), None)
        if opens and tagged.tag is Tag.PRAISE and event.says("public"):
            self._assume(event, "spread_word", self.model.praise_public_minor)

    def _opened(self, event: Entry, on: date) -> _Case:
        name, subject = event.text("contact"), event.text("subject")
        if name in self._cases or name in self._merged:
            raise InputError(f"{event.name}: contact '{name}' was opened already")
        repeat = self._repeat(event, subject, on)
        case = _Case(self._contact(event, name, channel=event.text("channel"), repeat=repeat), subject, on)
        self._cases[name] = case
        self._note(name, repeat)
        return case

    def _note(self, name: str, repeat: RepeatKind) -> None:
        self.repeats.pop(name, None)
        if repeat is not RepeatKind.NONE:
            self.repeats[name] = repeat.value

    def _repeat(self, event: Entry, subject: str, on: date, case: _Case | None = None) -> RepeatKind:
        """How a contact of ``on`` follows the earlier ones of the subject with the event's reason.

        One known to be the same as an open one is no repeat: it will be merged.
        """
        if "same_as_open" in event.values:
            return RepeatKind.NONE
        reason = _reason(event)
        same = [
            one
            for one in self._cases.values()
            if (one.subject, one.contact.reason) == (subject, reason)
            and one is not case
            and reason != UNCLASSIFIED
            and one.opened_on <= on
        ]
        if any(one.closed_on is None or one.closed_on > on for one in same):
            return RepeatKind.CHASE
        closed = [one.closed_on for one in same if one.was_resolved and one.closed_on is not None]
        is_recent = any((on - day).days <= self.model.repeat_window_days for day in closed)
        return RepeatKind.AFTER_RESOLVED if is_recent else RepeatKind.NONE

    def _told(self, event: Entry, contact: Contact) -> Contact:
        """The contact with the tag, reason and channel of a mention that joins it."""
        channel = event.text("channel") if "channel" in event.values else contact.channel
        return replace(contact, tag=_tag(event), reason=_reason(event), channel=channel)

    def _contact(self, event: Entry, name: str, *, channel: str, repeat: RepeatKind, queue: str = "") -> Contact:
        tag, reason = _tag(event), _reason(event)
        found = cell(self.model, tag=tag, reason=reason, channel=channel, repeat=repeat, on=event.day())
        queue = event.text("queue") if "queue" in event.values else queue
        return Contact(name, channel, channel, tag, reason, found, queue=queue)

    def _assume(self, event: Entry, behaviour: values.Behaviour, amount: int, case_id: str = "") -> None:
        if amount:
            name = case_id or event.text("contact")
            draft = values.value(
                event.text("id"), name, behaviour, amount, on=event.day(), currency=self.model.currency
            )
            self._estimates.setdefault(name, []).extend(self._post(draft))

    def resolve(self, event: Entry) -> None:
        """Somebody has answered."""
        case, on = self._case(event), event.day()
        held = case.hold
        self._post(
            cost(
                event.text("id"),
                case.contact,
                on=on,
                model=self.model,
                resolves=held.key if held else None,
                seconds=event.seconds_or_none("measured_seconds"),
                hold=held,
            )
        )
        case.close(on, resolved=event.says("resolved"))
        if event.says("saved"):
            self._assume(event, "buy_again", self.model.saved_customer_minor)

    def no_action(self, event: Entry) -> None:
        """Nobody worked on the contact."""
        case, on = self._case(event), event.day()
        if case.hold is not None:
            self._post(
                void(event.text("id"), resolves=case.hold.key, on=on, memo="no action", group_ref=case.contact.case_id)
            )
        case.close(on, resolved=False)

    def bot_resolve(self, event: Entry) -> None:
        """The bot has answered alone."""
        case, on = self._case(event), event.day()
        resolves = case.hold.key if case.hold else None
        self._post(bot_cost(event.text("id"), case.contact, on=on, model=self.model, resolves=resolves))
        case.close(on, resolved=True)

    def retag(self, event: Entry) -> None:
        """A person has corrected reason or tag; a mention that joined keeps its contact's place and work."""
        case, mention, event_id = self._case_of_mention(event), event.text("mention"), event.text("id")
        opened = case.is_opened_by(mention)
        old = self._standing(case, mention, with_work=opened)
        if opened:
            about, repeat = case.contact, self._repeat(event, case.subject, case.opened_on, case)
            case.contact = self._contact(event, about.case_id, channel=about.channel, repeat=repeat, queue=about.queue)
            self._note(about.case_id, repeat)
        about = case.contact if opened else self._told(event, case.contact)
        drafts = retagged(event_id, old, about, tags=[about.tag], on=event.day(), model=self.model)
        posted = self._post(*drafts)
        case.tag_keys[mention] = [draft.key for draft in drafts if draft.kind == "tag"]
        if old.hold is not None:
            case.hold = next((draft for draft in posted if draft.status == "pending"), None)

    def merge(self, event: Entry) -> None:
        """A contact was a duplicate."""
        case, survivor, on = self._case(event), self._case(event, "into"), event.day()
        if case is survivor:
            raise InputError(f"{event.name}: a contact cannot be merged into itself")
        self._post(
            *merged(event.text("id"), self._standing(case), case.contact, survivor.contact, on=on, model=self.model)
        )
        name = case.contact.case_id
        del self._cases[name]
        self._merged[name] = survivor.contact.case_id
        self.repeats.pop(name, None)

    def not_a_contact(self, event: Entry) -> None:
        """The mention is spam, or not about us."""
        case, mention = self._case_of_mention(event), event.text("mention")
        old = self._standing(case, mention)
        opened = any(line.commodity == "CNT" for tag in old.tags for line in tag.lines)
        self._post(*not_a_contact(event.text("id"), old if opened else Standing(old.tags), on=event.day()))
        if opened:
            case.close(event.day(), resolved=False)

    def promise_made(self, event: Entry) -> None:
        """A customer was given a time."""
        name = event.text("promise")
        if name in self._promises:
            raise InputError(f"{event.name}: promise '{name}' is open already")
        draft = promises.promise_made(event.text("id"), self._case(event).contact, on=event.day(), model=self.model)
        [self._promises[name]] = self._post(draft)

    def promise_kept(self, event: Entry) -> None:
        """What was promised is done, in time or late."""
        made, seconds = self._promised(event), event.seconds_or_none("measured_seconds")
        contact = self._case(event).contact
        self._post(
            *promises.promise_kept(event.text("id"), made, contact, on=event.day(), model=self.model, seconds=seconds)
        )

    def promise_cancelled(self, event: Entry) -> None:
        """Nothing is owed any more."""
        self._post(promises.promise_cancelled(event.text("id"), self._promised(event), on=event.day()))

    def promise_broken(self, event: Entry) -> None:
        """Its time is over: what is owed stays owed until it is done or cancelled, so nothing is posted."""
        if event.text("promise") not in self._promises:
            raise InputError(f"{event.name}: promise '{event.text('promise')}' is not open")

    def _promised(self, event: Entry) -> Draft:
        name = event.text("promise")
        if name not in self._promises:
            raise InputError(f"{event.name}: promise '{name}' is not open")
        return self._promises.pop(name)

    def opening_estimate(self, event: Entry) -> None:
        """An estimate of value from before the book began."""
        self._assume(event, _behaviour(event), event.number("amount"), event.text("case"))

    def expire(self, event: Entry) -> None:
        """Estimates that are too old run out."""
        as_of = event.day("as_of")
        for name, live in self._estimates.items():
            old = [one for one in live if (as_of - one.wanted).days > self.model.estimate_expiry_days]
            self._estimates[name] = [one for one in live if one not in old]
            for number, estimate in enumerate(old):
                self._post(_numbered(values.value_expired(event.text("id"), estimate, on=event.day()), number))

    def realise(self, event: Entry) -> None:
        """Value is proven; the estimates it covers go."""
        for name in event.texts("releases"):
            if not self._estimates.get(name):
                raise InputError(f"{event.name}: there is no live estimate of '{name}' to release")
            for number, estimate in enumerate(self._estimates.pop(name)):
                self._post(_numbered(values.value_released(event.text("id"), estimate, on=event.day()), number))
        self._post(
            values.value_realised(
                event.text("id"),
                _behaviour(event),
                event.number("amount"),
                on=event.day(),
                currency=self.model.currency,
                evidence=event.text("evidence"),
            )
        )

    def goodwill(self, event: Entry) -> None:
        """A refund or gesture was paid."""
        contact, amount = self._case(event).contact, event.number("amount")
        self._post(funds.goodwill(event.text("id"), contact, amount, on=event.day(), model=self.model))

    def fund(self, event: Entry) -> None:
        """Money moved between payroll, savings and budget."""
        how = _FUNDS[event.text("type")]
        self._post(how(event, event.text("id"), event.number("amount"), self.model.currency))


def _is_about(journal: Journal, case_id: str) -> bool:
    draft = journal.draft
    return draft.group_ref == case_id or any(line.case_id == case_id for line in draft.lines)


def _numbered(draft: Draft, number: int) -> Draft:
    """The ``number``-th journal of one event and case; the first has the plain key."""
    return replace(draft, key=f"{draft.key}-{number}") if number else draft


def _reason(event: Entry) -> str:
    """The event's reason; ``unclassified`` where it has none yet."""
    return UNCLASSIFIED if event.values.get("reason") is None else event.text("reason")


def _tag(event: Entry) -> Tag:
    try:
        return Tag(event.text("tag"))
    except ValueError as error:
        raise InputError(f"{event.name}: tag must be complaint, praise or request") from error


def _behaviour(event: Entry) -> values.Behaviour:
    match event.text("behaviour"):
        case "spread_word" | "buy_again" | "buy_more" as behaviour:
            return behaviour
        case _:
            raise InputError(f"{event.name}: behaviour must be one of {', '.join(values.OF_BEHAVIOUR)}")


_FUNDS: Final[Mapping[str, Callable[[Entry, str, int, str], Draft]]] = {
    "pool_actual": lambda event, key, amount, currency: funds.pool_actual(
        key, amount, on=event.day(), currency=currency
    ),
    "saving_confirmed": lambda event, key, amount, currency: funds.saving_confirmed(
        key, amount, on=event.day(), currency=currency, by=event.text("by")
    ),
    "budget_fund": lambda event, key, amount, currency: funds.budget_funded(
        key, amount, on=event.day(), currency=currency
    ),
    "budget_allocate": lambda event, key, amount, currency: funds.budget_allocated(
        key, event.text("initiative"), amount, on=event.day(), currency=currency
    ),
    "budget_spend": lambda event, key, amount, currency: funds.budget_spent(
        key, event.text("initiative"), amount, on=event.day(), currency=currency
    ),
}

_EVENTS: Final[Mapping[str, Callable[[Player, Entry], None]]] = {
    "tag": Player.tag,
    "resolve": Player.resolve,
    "no_action": Player.no_action,
    "bot_resolve": Player.bot_resolve,
    "retag": Player.retag,
    "merge": Player.merge,
    "not_a_contact": Player.not_a_contact,
    "promise_made": Player.promise_made,
    "promise_kept": Player.promise_kept,
    "promise_cancelled": Player.promise_cancelled,
    "promise_broken": Player.promise_broken,
    "goodwill": Player.goodwill,
    "opening_estimate": Player.opening_estimate,
    "expire": Player.expire,
    "realise": Player.realise,
    **dict.fromkeys(_FUNDS, Player.fund),
}
"""Every event type a book may have."""
