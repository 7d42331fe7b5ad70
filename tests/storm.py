"""A storm over an installation: people write, agents press, Slack answers badly, and processes are killed at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

from bot.app import App, Role
from bot.domain import Actor
from bot.errors import CaseError
from storage import cases
from storage.db import reading
from storage.models import Case, LedgerJournal, Mention, OutboxMessage, Tagging
from tests.installation import assert_books_agree, line
from tests.looking import contacts, rows
from tests.nodes import Node, Nodes
from tests.servers.slack import Slack, running
from tests.servers.slack_faults import Fault

CHANNEL = "C0CARE"
AGENTS = (Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob"))
TEXTS = (
    "complaint/where_is_it: where is my parcel",
    "complaint+request/billing_error: charged twice, please mend it",
    "praise/praise: thank you all",
    "request/how_to: how do i return this",
    "just talking to a friend",
)
# What goes wrong with a post, and how often of a hundred times.
FAULTS = {Fault.STORED_THEN_RESET: 6, Fault.RESET_BEFORE: 3, Fault.STORED_THEN_500: 3, Fault.RATE_LIMITED: 4}
GUST_S = 0.8
"""A process is killed within so many seconds from when it began to work."""
STARTED_S_MAX = 600.0
"""How long a process may take to begin: a storm says nothing about speed, and may blow on a machine that is busy."""
EARLY_OF = 8
"""One of so many kills does not wait for that: the process may not have opened its database yet."""
FREEZE_OF = 6
"""One of so many victims on a cluster is first frozen for a while, as a suspended machine is."""


@dataclass
class Storm:
    """``crew`` nodes at a time: one with SQLite, several with PostgreSQL."""

    nodes: Nodes
    slack: Slack
    crew: int
    seed: int
    published: int = 0
    kills: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    presses: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self._alive: list[tuple[Role, Node]] = []
        self._pause = Event()

    def rage(self, kills: int) -> None:
        """Kill so many processes, each in the middle of what it does."""
        desk = self.nodes.open()
        while self.kills < kills:
            self._crew_up()
            self.write(self.chance.randrange(1, 7))
            self._trouble_slack()
            self._press(desk)
            self._kill_one()
        desk.parts.database.dispose()

    def calm(self) -> None:
        """Let the work be finished by processes that nobody kills."""
        self._crew_up()
        self.nodes.wait_until(self.is_done, within_s=240 + 3 * self.kills)
        for _, node in self._alive:
            assert node.stop() == 0
        self._alive = []

    def check(self) -> None:
        """Nothing is lost, and nothing is there twice: mentions, tags, journals, cases, cards."""
        looking = self.nodes.open()
        found = rows(looking, Mention)
        assert Counter(mention.external_id for mention in found) == Counter(map(str, range(self.published)))
        assert {mention.state for mention in found} == {"tagged", "ignored"}
        assert Counter(row.mention_id for row in rows(looking, Tagging)) == Counter(row.id for row in found)
        assert contacts(looking) == len([case for case in rows(looking, Case) if case.state != "dismissed"])
        keys = Counter(journal.idem_key for journal in rows(looking, LedgerJournal))
        assert set(keys.values()) == {1}
        assert_books_agree(looking)
        self._check_slack(looking)
        looking.parts.database.dispose()

    def told(self) -> str:
        """What happened, for the one who ran it."""
        faults = ", ".join(f"{count} {fault.value}" for fault, count in sorted(self.faults.items()))
        presses = ", ".join(f"{count} {action}" for action, count in sorted(self.presses.items()))
        return f"{self.kills} kills, {self.published} mentions, {presses}; Slack: {faults}; seed {self.seed}"

    def _crew_up(self) -> None:
        while len(self._alive) < self.crew:
            # One node does everything; those added to it only tag and deliver, as an operator would have it.
            missing = {Role.ALL, Role.WORK, Role.SLACK} - {role for role, _ in self._alive}
            role = Role.ALL if Role.ALL in missing else self.chance.choice(sorted(missing) or [Role.WORK])
            self._alive.append((role, self.nodes.start(role)))

    def write(self, count: int) -> None:
        """People write so many mentions."""
        for _ in range(count):
            text, author = self.chance.choice(TEXTS), self.chance.randrange(60)
            self.nodes.publish(line(self.published, text, author=f"author-{author}"))
            self.published += 1

    def _trouble_slack(self) -> None:
        weights = [100 - sum(FAULTS.values()), *FAULTS.values()]
        planned = self.chance.choices([None, *FAULTS], weights, k=4)
        self.slack.fail("chat.postMessage", *planned)
        self.faults.update(fault for fault in planned if fault)

    def _press(self, desk: App) -> None:
        waiting = [case for case in rows(desk, Case) if case.state in {"open", "claimed"}]
        if not waiting:
            return
        case, actor = self.chance.choice(waiting), self.chance.choice(AGENTS)
        action = self.chance.choice(("claim", "resolve", "not_for_us"))
        try:
            getattr(desk.desk, action)(case.id, actor, action_id=f"press-{self.kills}-{action}")
        except CaseError:
            self.presses["refused"] += 1
        else:
            self.presses[action] += 1

    def _kill_one(self) -> None:
        place = self.chance.randrange(len(self._alive))
        _, victim = self._alive.pop(place)
        if self.chance.randrange(EARLY_OF):
            self.nodes.wait_until(lambda: victim.said("started") > 0, within_s=STARTED_S_MAX)
        # Real time: what a kill hits must not be what a test thought of.
        self._pause.wait(self.chance.uniform(0, GUST_S))
        if self.crew > 1 and not self.chance.randrange(FREEZE_OF):
            victim.freeze()
            self._pause.wait(self.chance.uniform(0, 4 * GUST_S))
        victim.kill()
        self.kills += 1

    def is_done(self) -> bool:
        """Whether every mention is worked and Slack shows all it is to show."""
        return self.nodes.tagged() == self.published and not self.nodes.undelivered()

    def _check_slack(self, looking: App) -> None:
        with reading(looking.parts.database) as session:
            assert cases.cards_shown(session) == cases.count(session)
        orders = rows(looking, OutboxMessage)
        assert {order.state for order in orders} == {"sent"}
        where = {case.id: case.card_ts for case in rows(looking, Case) if case.id}
        posted = [message["ts"] for message in self.slack.messages(CHANNEL)]
        cards = [where[order.case_id] for order in orders if order.kind == "card" and order.case_id]
        # One message a case, the one the case knows as its card.
        assert Counter(posted) == Counter(cards)
        # In the order of the orders; only a case that somebody pressed a button of may be shown before its turn.
        pressed = {where[order.case_id] for order in orders if order.is_urgent and order.case_id}
        assert [ts for ts in posted if ts not in pressed] == [ts for ts in cards if ts not in pressed]


@contextmanager
def storm(folder: Path, url: str, *, crew: int, seed: int) -> Iterator[Storm]:
    """A storm over a new installation in ``folder`` with the database ``url``."""
    slack = Slack(seconds_between_messages=0.0, has_tiers=False)
    slack.add_channel(CHANNEL, "care")
    with ExitStack() as stack:
        address = stack.enter_context(running(slack))
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 2.0}
        nodes = stack.enter_context(Nodes(folder, url, {"slack": quick}))
        yield Storm(nodes, slack, crew, seed)
