"""``earmark ledger replay`` with books that nobody has seen: balanced figures, or one sentence and exit code 2."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.cli import cli
from bot.errors import EarmarkError
from tests.conftest import IN_CI

VECTORS = Path(__file__).parent / "vectors"
BOOK: dict[str, Any] = json.loads((VECTORS / "02_postings.json").read_text("utf-8")) | {
    "config": json.loads((VECTORS / "01_cost_model.json").read_text("utf-8"))["config"]
}
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**53, 10**30, 1.5, float("nan"), "", "x", "2026-02-30", "0001-01-01", "9999-12-31",
    "\x00", "\ud800", "k1", [], {}, [None], {"a": 1}, [["x", 10_000]], [["x", 5_000], ["x", 5_000]],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a book but what is expected of it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, one in inner:
        if path or key in {"config", "events", "closed_before_event"}:
            found += places(one, (*path, key))
    return found


PLACES = places(BOOK)
CLOSING, CLOSED, RELEASED, PROMISED = (
    PLACES.index(path)
    for path in (
        ("closed_before_event",),
        ("closed_before_event", "e04"),
        ("events", 36, "releases", 0),
        ("config", "promise_seconds"),
    )
)


def with_odd(places_and_values: list[tuple[int, int]], drop: bool) -> Any:
    book = deepcopy(BOOK)
    for place, odd in places_and_values:
        *way, last = PLACES[place % len(PLACES)]
        target: Any = book
        try:
            for key in way:
                target = target[key]
            if drop and isinstance(target, dict):
                target.pop(last, None)
            else:
                target[last] = deepcopy(ODD[odd % len(ODD)])
        except (KeyError, IndexError, TypeError):
            continue
    return book


def replay(file: Path) -> tuple[int, str]:
    """What the command answers: its exit code, and figures or the sentence that ``main`` makes of an error."""
    result = CliRunner().invoke(cli, ["ledger", "replay", str(file), "--json"], standalone_mode=False)
    if isinstance(result.exception, EarmarkError):
        return 2, str(result.exception)
    assert result.exception is None, repr(result.exception)
    return 0, result.output


@settings(max_examples=100 if IN_CI else 40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 100)), min_size=1, max_size=3), drop=st.booleans()
)
@example(changes=[(0, 0)], drop=True)
@example(changes=[(CLOSING, 1)], drop=False)
@example(changes=[(CLOSING, 17)], drop=False)
@example(changes=[(CLOSED, 13)], drop=False)
@example(changes=[(RELEASED, 17)], drop=False)
@example(changes=[(PROMISED, 3)], drop=False)
def test_a_bad_book_is_refused_in_one_sentence_and_a_good_one_balances(
    changes: list[tuple[int, int]],
    drop: bool,
    tmp_path: Path,
) -> None:
    file = tmp_path / "book.json"
    file.write_text(json.dumps(with_odd(changes, drop)), encoding="utf-8")

    code, said = replay(file)

    if code == 0:
        found = json.loads(said)
        assert not any(found["posted_sum_per_commodity_basis"].values())
        assert found["journal_count"] >= 0
    else:
        assert "\n" not in said
        assert len(said) > 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"events": {}}',
        '{"events": [], "config": 5}',
        '{"events": [[]]}',
        "[" * 5000,
        "\ufeff{}",
    ],
)
def test_a_file_that_is_no_book_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "book.json"
    file.write_text(text, encoding="utf-8")

    code, said = replay(file)

    assert code == 2
    assert "\n" not in said


def test_events_of_a_strange_book_balance_in_any_order(tmp_path: Path) -> None:
    book = deepcopy(BOOK)
    tags = [one for one in book["events"] if one["type"] == "tag" and one.get("opens")]
    Random(5).shuffle(tags)
    file = tmp_path / "book.json"
    file.write_text(json.dumps(book | {"events": tags, "closed_before_event": {}}), encoding="utf-8")

    code, said = replay(file)

    assert code == 0
    assert json.loads(said)["live_contacts"] == len(tags)
