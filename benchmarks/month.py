"""A month of made-up work, checked to the penny: ``python -m benchmarks.month [--days N] [--seed N] [--url URL]``.

Mentions come in through the real pipeline, simulated agents do whatever agents do to their cases, finance imports
payroll, drivers and goodwill and closes the month before. Then every report has to agree with every other, every
printed figure has to be the sum of the journals behind it, and beancount has to accept the books. The same seed gives
the same month.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import select, update
from sqlmodel import col

from benchmarks.traces import traced
from bot import app, config, erase, estimates, periods, pipeline, promising
from bot.app import App
from bot.domain import Actor, Quadrant, Tag, Tagging
from bot.errors import CaseError
from bot.imports.command import import_file
from bot.imports.kinds import KINDS
from storage import models
from storage.cases import CaseFilter, page
from storage.db import reading, transaction

START: Final = datetime(2026, 9, 1, 7, tzinfo=UTC)
BEFORE_DAYS: Final = 3
"""The simulation begins in August, so that a month can be closed and something come late."""
CLOSING_DAY: Final = 8
"""August is closed on the 9th: the days of the month are counted from 0."""
SHARE_LATE: Final = 0.03
"""Of the mentions, those that arrive ten days late."""
SHARE_FINISHED: Final = 0.6
"""Of the cases that wait, those that are finished the same day: most."""
SHARE_TWICE: Final = 0.2
"""Of the actions, those that Slack sends twice."""

AGENTS: Final = (Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob"))
SUE: Final = Actor("slack:USUE", "Sue", is_supervisor=True)
KINDS_OF_MENTION: Final = (
    ((Tag.COMPLAINT,), "where_is_it"),
    ((Tag.COMPLAINT,), "billing_error"),
    ((Tag.COMPLAINT,), "product_defect"),
    ((Tag.COMPLAINT, Tag.REQUEST), "outage_fault"),
    ((Tag.COMPLAINT,), "service_failure"),
    ((Tag.COMPLAINT,), "identity_check"),
    ((Tag.COMPLAINT,), "leave_cancel"),
    ((Tag.COMPLAINT,), "unclassified"),
    ((Tag.REQUEST,), "how_to"),
    ((Tag.REQUEST,), "feature_request"),
    ((Tag.PRAISE,), "praise"),
    ((), "unclassified"),
)
PRICES: Final = {"rate_minor_per_hour_by_queue": {"thanks": 2_400}, "fixed_minor": {"social": 7}}
VALUE: Final = {"praise_public_minor": 150, "saved_customer_margin_12m_minor": 10_000, "saved_customer_uplift_bp": 500}


class Told:
    """Reads the kind of a made-up mention off its first word; what real texts mean is not the matter here."""

    version = "told"

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text."""
        return [self._tagging(*KINDS_OF_MENTION[int(text.split()[0])]) for text in texts]

    def _tagging(self, tags: tuple[Tag, ...], reason: str) -> Tagging:
        scores = {one: 0.9 if one in tags else 0.1 for one in Tag}
        return Tagging(scores, tags, tags[0] if tags else None, 0.9, reason, 0.9, "en", self.version)


class Month:
    """An installation, its clock, and what people do to it."""

    def __init__(self, folder: Path, url: str, *, seed: int, people: int = 40) -> None:
        self.folder = folder
        self.random = Random(seed)
        self.now = START - timedelta(days=BEFORE_DAYS)
        self.done = 0
        """Actions that were taken, also those that a case did not allow."""
        self._people = people
        self._heard = 0
        self._other: dict[str, int] = {}
        self._feed = folder / "feed.jsonl"
        self._feed.touch()
        settings = config.parse(
            {
                "earmark": {"database_url": url},
                "channels": [{"name": "feed", "connector": "replay", "path": str(self._feed)}],
                "queues": [{"name": "care"}, {"name": "thanks"}],
                "routes": [{"queue": "thanks", "tag": "praise"}, {"queue": "care"}],
                "ledger": {"value": VALUE, "cost": PRICES},
            },
            source="month",
        )
        app.create_if_new(settings)
        self.running: App = app.build(settings, tagger=Told(), now=lambda: self.now)

    def live(self, days: int, a_day: int) -> None:
        """Let the days before the month, the month, and the days until its last promise is due go by."""
        for day in range(-BEFORE_DAYS, days):
            self.now = START + timedelta(days=day)
            self.hear(a_day)
            self.work()
            if day == CLOSING_DAY:
                self.close("2026-08")
        for _ in range(5):
            self.wait(hours=24)
        self.bring_the_books()

    def hear(self, number: int) -> None:
        """People write, over some hours; it is received and tagged."""
        lines = [self._line(number) for number in range(number)]
        with self._feed.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        self.wait(hours=4)
        while pipeline.receive(self.running.parts, "feed").more:
            pass
        while pipeline.tag(self.running.parts):
            pass

    def _line(self, number: int) -> dict[str, object]:
        self._heard += 1
        # Some arrive days late, so that they belong to a month that is closed.
        late = timedelta(days=10 if self.random.random() < SHARE_LATE else 0)
        at = self.now + timedelta(minutes=11 * number) - late
        kind = self.random.randrange(len(KINDS_OF_MENTION))
        author = f"person-{self.random.randrange(self._people)}"
        return {"id": self._heard, "text": f"{kind} written", "author": author, "created_at": at.isoformat()}

    def wait(self, *, hours: float) -> None:
        """Let time go by, and the clock's own work be done."""
        self.now += timedelta(hours=hours)
        pipeline.expire_holds(self.running.parts)
        promising.ring(self.running.parts)
        estimates.expire(self.running.parts)

    def work(self) -> None:
        """Agents look at every case that waits and do something to most of them; some actions arrive twice."""
        for case_id in self.open_cases():
            for act in self.random.sample(self._acts(), k=self.random.choice((0, 1, 2, 2, 3))):
                self.now += timedelta(seconds=self.random.randrange(20, 240))
                self._take(act, case_id)
            if self.random.random() < SHARE_FINISHED:
                self._take(lambda case, who, act: self.running.desk.resolve(case, who, action_id=act), case_id)

    def _take(self, act: Callable[[int, Actor, str], object], case_id: int) -> None:
        self.done += 1
        who, action_id = self.random.choice((*AGENTS, SUE)), f"made-up:{self.done}"
        for _ in range(2 if self.random.random() < SHARE_TWICE else 1):
            with suppress(CaseError):
                act(case_id, who, action_id)

    def _acts(self) -> list[Callable[[int, Actor, str], object]]:
        desk, random = self.running.desk, self.random
        due = self.now + timedelta(hours=random.randrange(1, 60))
        tags, reason = random.choice(KINDS_OF_MENTION[:-1])
        amount = random.randrange(1, 2_000)
        quadrant = random.choice((None, Quadrant.SIMPLIFY, Quadrant.LIABILITY, Quadrant.ASSET))
        return [
            lambda case, who, act: desk.claim(case, who, action_id=act),
            lambda case, who, act: desk.release(case, who, action_id=act),
            lambda case, _, act: desk.retag(case, SUE, action_id=act, tags=tags, primary=tags[0], reason=reason),
            lambda case, who, act: desk.promise(case, who, due, action_id=act),
            lambda case, who, act: desk.keep_promise(case, who, action_id=act),
            lambda case, who, act: desk.cancel_promise(case, who, action_id=act),
            lambda case, who, act: desk.goodwill(case, amount, "late", actor=who, action_id=act),
            lambda case, _, act: self._merge(case, act),
            lambda case, _, act: desk.override(
                case, SUE, action_id=act, why="seen", quadrant=quadrant, owners=(("billing", 3_333), ("risk", 6_667))
            ),
            lambda case, _, act: desk.lift_override(case, SUE, action_id=act, why="seen again"),
            lambda case, who, act: desk.resolve(case, who, action_id=act, customer_kept=amount % 2 == 0),
            lambda case, _, act: desk.not_for_us(case, SUE, action_id=act) if amount % 4 == 0 else None,
        ]

    def _merge(self, case_id: int, action_id: str) -> None:
        """One person wrote under two names, and two cases are one."""
        into = self._other.setdefault(action_id, self.random.choice(self.open_cases()))
        table = models.Case
        with transaction(self.running.parts.database) as session:
            mine = select(col(table.author_id)).where(col(table.id).in_([case_id, into]))
            authors = list(session.scalars(mine))
            customer = session.get(models.Customer, 1) or models.Customer(id=1, ref="twice", created_at=self.now)
            session.add(customer)
            session.flush()
            known = col(models.Author.id).in_(authors)
            session.execute(update(models.Author).where(known).values(customer_id=customer.id))
        self.running.desk.merge(case_id, SUE, into, action_id=action_id)

    def open_cases(self, *, before: datetime | None = None) -> list[int]:
        """The cases somebody may work on; those opened before a moment."""
        with reading(self.running.parts.database) as session:
            views = [view for view in page(session, CaseFilter(), limit=10_000) if view.closed_at is None]
        return [view.id for view in views if before is None or view.opened_at < before]

    def close(self, month: str) -> None:
        """A supervisor finishes what is left of a month, and finance closes it."""
        for case_id in self.open_cases(before=START):
            self._take(lambda case, _, act: self.running.desk.resolve(case, SUE, action_id=act), case_id)
        periods.close(self.running.parts, month, by="Finance", accept_unclassified=True)

    def bring_the_books(self) -> None:
        """Finance imports payroll, drivers and goodwill, twice; a customer wants to be forgotten."""
        days = [START.date() + timedelta(days=day) for day in range(-14, 30)]
        files = {
            "payroll": "period,team,amount_minor\n2026-08,service,40000\n2026-09,service,90000\n",
            "drivers": "name,date,quantity\n" + "".join(f"orders,{day},900\n" for day in days),
            "goodwill": "external_id,case_id,paid_on,amount_minor\ng1,1,2026-09-05,700\n",
        }
        for kind, text in files.items():
            path = self.folder / f"{kind}.csv"
            path.write_text(text, encoding="utf-8")
            for _ in range(2):
                import_file(self.running.parts, KINDS[kind], path)
        first = json.loads(self._feed.read_text(encoding="utf-8").splitlines()[0])
        erase.erase(self.running.parts, f"replay:{first['author']}")


def lived(folder: Path, url: str, *, days: int, a_day: int, seed: int) -> Month:
    """Return an installation after a month."""
    month = Month(folder, url, seed=seed)
    month.live(days, a_day)
    return month


def main() -> None:
    """Live a month and check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--a-day", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--url", help="of an empty database; else a temporary SQLite file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        url = given.url or f"sqlite:///{Path(folder) / 'earmark.sqlite'}"
        month = lived(Path(folder), url, days=given.days, a_day=given.a_day, seed=given.seed)
        print(f"{given.days} days, {month.done:,} actions in {time.perf_counter() - start:.1f} s", flush=True)
        for line in told(month):
            print(line)


def told(month: Month) -> Iterator[str]:
    """Yield what was checked, in sentences; the first thing that does not agree ends with an AssertionError."""
    yield from traced(month.running, "2026-09", folder=month.folder)


if __name__ == "__main__":
    main()
