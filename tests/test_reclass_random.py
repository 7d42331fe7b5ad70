"""Whatever was done before, a new configuration moves money between owners and counts nothing anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import reclass
from bot.app import App
from bot.domain import Tag
from bot.errors import CaseError
from tests.conftest import IN_CI
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import case, take_in
from tests.two_models import (
    AFTER,
    BEFORE,
    BILL,
    EVE,
    PARCEL,
    SCAM,
    THANKS,
    Place,
    assert_estimates_follow_their_version,
    assert_owed_is_on_the_balance_sheet,
    counts,
    measured,
)

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "resolve", "retag", "dismiss", "promise", "keep", "goodwill", "reclass", "write"]),
        st.integers(1, 4),
        st.sampled_from(["where_is_it", "billing_error", "praise"]),
    ),
    max_size=14,
)


@settings(max_examples=30 if IN_CI else 10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_whatever_was_done_a_reclassification_keeps_the_counts_and_twice_is_once(
    actions: list[tuple[str, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    place = Place(folder, f"sqlite:///{folder / 'earmark.sqlite'}", Clock())
    running, installation = place.open()
    take_in(
        running,
        installation,
        *(line(n, text, author=f"p{n}") for n, text in enumerate([PARCEL, BILL, SCAM, THANKS], 1)),
    )
    versions = {running.parts.model.config_version: running.parts.model}
    settings_now = [(BEFORE, 3000), (AFTER, 6000)]
    for number, (name, which, reason) in enumerate(actions):
        place.clock.forward(seconds=70)
        if name == "reclass":
            settings_now.reverse()
            reasons, rate = settings_now[0]
            running, installation = place.open(reasons, rate=rate)
            versions[running.parts.model.config_version] = running.parts.model
        before = (counts(running), measured(running))
        if name == "reclass":
            reclass.run(running.parts)
            assert (counts(running), measured(running)) == before
            assert reclass.run(running.parts).journals == 0
        else:
            act(running, installation, name, number, which, reason)
    assert_books_agree(running)
    assert_owed_is_on_the_balance_sheet(running)
    assert_estimates_follow_their_version(running, versions)
    place.leave()


def act(running: App, installation: Installation, name: str, number: int, which: int, reason: str) -> None:
    desk, key = running.desk, f"a{number}"
    target = case(running, which).id
    doings: dict[str, Callable[[], object]] = {
        "claim": lambda: desk.claim(target, EVE, action_id=key),
        "resolve": lambda: desk.resolve(target, EVE, action_id=key),
        "retag": lambda: desk.retag(
            target, EVE, action_id=key, tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason=reason
        ),
        "dismiss": lambda: desk.not_for_us(target, EVE, action_id=key),
        "promise": lambda: desk.promise(target, EVE, installation.clock() + timedelta(hours=1), action_id=key),
        "keep": lambda: desk.keep_promise(target, EVE, action_id=key),
        "goodwill": lambda: desk.goodwill(target, 500, "sorry", actor=EVE, action_id=key),
        "write": lambda: take_in(
            running, installation, line(100 + number, PARCEL, author=f"p{which}", minutes=2 + number)
        ),
    }
    try:
        doings[name]()
    except CaseError:
        # The case is in a state in which that can't be done.
        return
