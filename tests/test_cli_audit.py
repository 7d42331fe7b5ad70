"""The tag audit on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import time_machine

from bot import sampling
from tests.installation import START, Installation, line, work
from tests.terminal import Earmark, terminal

TEXT = "complaint/where_is_it: my parcel\x1b[31m is late"


@pytest.fixture
def earmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Earmark]:
    """A terminal beside an installation of which two taggings were drawn; it is the evening of that day."""
    place = Installation(tmp_path, f"sqlite:///{tmp_path / 'earmark.sqlite'}")
    place.publish([line(1, TEXT), line(2, "nothing much")])
    app = place.open()
    work(app)
    sampling.draw(app.parts, date(2026, 11, 18))
    app.parts.database.dispose()
    with terminal(tmp_path, monkeypatch, capsys) as run, time_machine.travel(START.replace(hour=20), tick=False):
        yield run


def test_the_list_shows_the_words_and_what_the_tagger_said(earmark: Earmark) -> None:
    code, out, _ = earmark("audit", "list")

    assert code == 0
    assert out.splitlines() == [
        "      1  2026-11-18  complaint: where is it",
        "         complaint/where_is_it: my parcel [31m is late",
        "      2  2026-11-18  nothing",
        "         nothing much",
        "2 wait to be judged.",
    ]


def test_the_list_as_json_has_the_words_as_they_are(earmark: Earmark) -> None:
    _, out, _ = earmark("audit", "list", "--json", "--limit", "1")

    assert json.loads(out) == {
        "waiting": 2,
        "taggings": [
            {
                "mention": 1, "date": "2026-11-18", "place": 1, "channel": "feed",
                "posted_at": "2026-11-18T09:00:00+00:00", "text": TEXT,
                "tags": ["complaint"], "primary": "complaint", "reason": "where_is_it",
            }
        ],
    }  # fmt: skip


def test_a_verdict_is_given_once_and_shows_in_the_accuracy_and_in_every_footer(earmark: Earmark) -> None:
    right = earmark("audit", "judge", "2", "--by", "Sue", "--right")
    corrected = earmark(
        "audit", "judge", "1", "--by", "Sue", "--tag", "complaint", "--tag", "request", "--reason", "billing_error"
    )
    again = earmark("audit", "judge", "1", "--by", "Tim", "--nothing")

    assert right == (0, "Thank you: right.\n", "")
    assert corrected == (0, "Thank you. Case 1 is corrected.\n", "")
    assert again == (2, "", "earmark: Sue has judged this already.\n")
    _, out, _ = earmark("ledger", "accuracy", "--period", "2026-11", "--json")
    found = json.loads(out)
    assert (found["drawn"], found["judged"], found["right"], found["share"]) == (2, 2, 1, "50.0%")
    assert [(row["tag"], row["right"], row["missed"]) for row in found["by_tag"]] == [
        ("complaint", 1, 0), ("praise", 0, 0), ("request", 0, 1),
    ]  # fmt: skip
    assert (found["footer"]["audit_ok"], found["footer"]["audit_n"], found["footer"]["audit_days"]) == (1, 2, 30)
    _, out, _ = earmark("ledger", "grid", "--period", "2026-11")
    assert "tag audit 1/2 right" in out


def test_what_was_judged_can_be_trained_on(earmark: Earmark) -> None:
    earmark("audit", "judge", "2", "--by", "Sue", "--right")

    _, out, _ = earmark("audit", "labels")

    assert [json.loads(row) for row in out.splitlines()] == [
        {
            "id": 2, "text": "nothing much", "language": "", "tags": [], "primary": None, "reason": "unclassified",
            "source": "human",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["1", "--by", "Sue"], "say one of --right, --nothing, or what is right with --tag and --reason"),
        (["1", "--by", "Sue", "--right", "--nothing"], "say one of --right, --nothing"),
        (["1", "--by", "Sue", "--tag", "praise"], "with --tag say the --reason too"),
        (["1", "--by", "Sue", "--right", "--reason", "how_to"], "--reason goes with --tag"),
        (["1", "--by", " ", "--right"], "--by is empty; write who judges"),
        (["9", "--by", "Sue", "--right"], "This mention was not drawn for the audit."),
        (["1", "--by", "Sue", "--tag", "praise", "--reason", "nix"], "There is no reason 'nix' in the taxonomy."),
    ],
)
def test_a_verdict_that_cannot_be_ends_with_one_sentence(earmark: Earmark, given: list[str], sentence: str) -> None:
    code, out, err = earmark("audit", "judge", *given)

    assert (code, out) == (2, "")
    assert sentence in err
