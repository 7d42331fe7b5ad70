"""Replays a book of events in memory, for auditors and for our own checks: the events of vector 02, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from bot.domain import Quadrant, RepeatKind, Tag
from bot.errors import InputError
from bot.ledger import funds, promises, values
from bot.ledger.accounts import CONTACT_ACCOUNTS
from bot.ledger.book import Book
from bot.ledger.corrections import Standing, merged, not_a_contact, retagged, standing
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel
from bot.ledger.postings import Contact, bot_cost, cost, hold, tag_journals, void
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import Reason, taxonomy
from bot.ledger.totals import Balance, balances

HOURS_PER_DAY: Final = 24
