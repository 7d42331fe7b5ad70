"""`earmark train` and `earmark evaluate` beside an installation whose mentions people have corrected."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import time_machine

from bot import app, config, sampling, teaching
from bot.config import LedgerSettings
from bot.domain import Actor, Judgement, Tag
from storage import db
from tests.installation import START, Installation, line, work
from tests.terminal import Earmark, terminal

SUE = Actor("slack:U1", "Sue", is_supervisor=True)
LATE = "complaint/where_is_it: @acme where is my parcel, it is three days late"
WRONG = "praise: you charged me twice for one coffee, this is outrageous"
NEWS = "nothing: Acme opens a shop in Leeds"


@pytest.fixture
def earmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Earmark]:
    """A terminal beside an installation with three mentions; Sue has retagged the second and judged the third."""
    place = Installation(tmp_path, f"sqlite:///{tmp_path / 'earmark.sqlite'}")
    place.publish([line(1, LATE), line(2, WRONG), line(3, NEWS)])
    running = place.open()
    work(running)
    running.desk.retag(2, SUE, action_id="a", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="billing_error")
    sampling.draw(running.parts, date(2026, 11, 18))
    running.desk.judge(3, SUE, action_id="b")
    running.parts.database.dispose()
    with terminal(tmp_path, monkeypatch, capsys) as run, time_machine.travel(START.replace(hour=20), tick=False):
        yield run


def test_what_people_said_is_a_label_with_who_and_when(earmark: Earmark, tmp_path: Path) -> None:
    found = teaching.corrections(config.load(tmp_path / "config.toml"))

    assert [(one.mention_id, one.text, one.by, one.origin) for one in found] == [
        (2, WRONG, "slack:U1", "retag"),
        (3, NEWS, "slack:U1", "audit"),
    ]
    assert found[0].judged == Judgement((Tag.COMPLAINT,), Tag.COMPLAINT, "billing_error")
    assert found[1].judged.tags == ()
    assert found[0].at == datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


def test_labels_can_be_taken_out_with_who_and_when(earmark: Earmark) -> None:
    _, out, _ = earmark("audit", "labels", "--with-retags")

    assert json.loads(out.splitlines()[0]) == {
        "id": 2, "text": WRONG, "language": "", "tags": ["complaint"], "primary": "complaint",
        "reason": "billing_error", "source": "human", "by": "slack:U1", "at": "2026-11-18T09:00:00+00:00",
        "origin": "retag",
    }  # fmt: skip


def test_of_an_erased_mention_no_label_is_left(earmark: Earmark, tmp_path: Path) -> None:
    database = db.connect(f"sqlite:///{tmp_path / 'earmark.sqlite'}")
    with db.transaction(database) as session:
        session.connection().exec_driver_sql("UPDATE mention SET text = '' WHERE id = 2")
    database.dispose()

    found = teaching.corrections(config.load(tmp_path / "config.toml"))

    assert [one.mention_id for one in found] == [3]


def test_a_shadow_run_says_what_would_be_different_and_writes_nothing(earmark: Earmark, tmp_path: Path) -> None:
    before = _taggings(tmp_path)

    code, out, _ = earmark("evaluate", "--shadow", "10", "--against", "shipped", "--json")

    run = json.loads(out)
    assert (code, run["mentions"], run["stored_by"]) == (0, 3, {"told-1": 3})
    assert run["new"].startswith("earmark-minilm-")
    assert run["primary"]["complaint"]["complaint"] == 1
    assert run["primary"]["praise"]["complaint"] == 1
    assert run["corrected"]["by_people"] == 2
    assert [one["text"] for one in run["examples"] if one["mention"] == 2] == [WRONG]
    assert _taggings(tmp_path) == before


def test_a_shadow_run_masks_handles_and_names_the_newest_first(earmark: Earmark) -> None:
    code, out, _ = earmark("evaluate", "--shadow", "2", "--against", "shipped")

    assert code == 0
    assert out.startswith("The last 2 mentions were tagged by told-1 (2).\n")
    assert "@acme" not in out
    assert "\n          " in out


def test_a_shadow_run_needs_a_model_to_try(earmark: Earmark) -> None:
    code, _, err = earmark("evaluate", "--shadow", "2")

    assert code == 2
    assert "--shadow needs the model to try with --against" in err


def test_training_needs_something_to_learn_from(earmark: Earmark) -> None:
    code, _, err = earmark("train", "--out", "model")

    assert code == 2
    assert "say what to learn from: --data, --own, --with-corrections" in err


def test_training_without_torch_says_what_to_install(earmark: Earmark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)

    code, _, err = earmark("train", "--with-corrections", "--out", "model")

    assert code == 2
    assert err.startswith("earmark: training needs ")
    assert err.endswith(": install the extra with pip install 'earmark[train]'\n")
    assert err.count("\n") == 1


def test_reasons_are_learnt_from_corrections_and_put_in_service_by_the_config(earmark: Earmark, tmp_path: Path) -> None:
    code, out, _ = earmark("train", "--reasons", "reasons.json")
    settings = config.load(tmp_path / "config.toml").tagger
    model = app.cost_model_of(LedgerSettings())

    taught = app.tagger_of(settings.model_copy(update={"reasons": "reasons.json"}), model)

    assert (code, out.splitlines()[0]) == (0, "     1  billing_error")
    assert "coffee" not in (tmp_path / "reasons.json").read_text()
    assert taught.version != app.tagger_of(settings, model).version
    assert taught.tag([WRONG])[0].reason == "billing_error"


def test_training_makes_a_model_or_reasons_and_asks_which(earmark: Earmark) -> None:
    code, _, err = earmark("train", "--with-corrections")

    assert code == 2
    assert "say what to make: a model with --out FOLDER, or reasons with --reasons FILE" in err


def test_measuring_on_nothing_says_what_to_give(earmark: Earmark) -> None:
    code, _, err = earmark("evaluate", "--model", "shipped")

    assert code == 2
    assert err.startswith(
        "earmark: there is nothing to measure on: give the folder of the public data sets with --data"
    )


def test_two_models_are_compared_on_the_own_labels_that_are_held_back(earmark: Earmark, tmp_path: Path) -> None:
    rows = [
        {"text": f"Parcel {n} never came, this is the worst service I have ever had!", "tags": ["complaint"]}
        if n % 2
        else {"text": f"Thank you for parcel {n}, wonderful staff and lovely service!", "tags": ["praise"]}
        for n in range(60)
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    code, out, _ = earmark("evaluate", "--own", "own.jsonl", "--against", "shipped")

    assert code == 0
    assert "own labels, primary  accuracy   1.000  1.000  +0.000 [+0.000, +0.000]  no evidence of a difference" in out


def test_a_line_that_is_no_label_is_named(earmark: Earmark, tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text('{"text": "fine", "tags": []}\n{"text": "what", "tags": ["anger"]}\n')

    code, _, err = earmark("evaluate", "--own", "own.jsonl")

    assert code == 2
    assert err.startswith("earmark: own.jsonl, line 2: not a label; write {")


def _taggings(folder: Path) -> int:
    database = db.connect(f"sqlite:///{folder / 'earmark.sqlite'}")
    with db.reading(database) as session:
        count = session.connection().exec_driver_sql("SELECT count(*) FROM tagging").scalar_one()
    database.dispose()
    return int(count)
