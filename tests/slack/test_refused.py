"""A database that refuses around the post of a card."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from bot.errors import StorageError
from tests.slack.bench import Bench


@pytest.mark.parametrize("good_writes", [0, 1], ids=["before the post", "after the post"])
def test_a_card_is_in_slack_once_although_the_database_refused_around_its_post(bench: Bench, good_writes: int) -> None:
    bench.add_case(1)
    bench.order("card", 1)
    begun = []

    def refuse(connection: Any) -> None:
        begun.append(connection)
        if len(begun) > good_writes:
            connection.exec_driver_sql("PRAGMA query_only=ON")

    event.listen(bench.engine, "begin", refuse)
    with pytest.raises(StorageError, match=r"can only be read \(attempt to write a readonly database\)"):
        bench.turn()
    event.remove(bench.engine, "begin", refuse)
    bench.engine.dispose()
    posted = len(bench.slack.messages("CCARE"))
    bench.clock.advance(60)
    bench.drain()

    assert posted == good_writes
    assert len(bench.slack.messages("CCARE")) == 1
    assert bench.states() == ["sent"]
