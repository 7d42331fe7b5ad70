"""Replaying a file: its place, its bad lines, its growth. All sample text is ours."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import Author, Connector, Mention, Page, Skipped
from bot.errors import ConnectorError, CursorLostError
from connectors import replay
from connectors.replay import Replay

MTIME = 1_760_000_000
NO_TIME = "created_at: this is no time; write ISO 8601 or Unix seconds"


def connector(path: Path, **options: Any) -> Connector:
    return Replay(Replay.Options(path=path, **options), {})


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (MTIME, MTIME))
    return path


def drained(source: Connector, cursor: str | None = None) -> list[Page]:
    pages = [source.poll(cursor)]
    while pages[-1].more:
        pages.append(source.poll(pages[-1].cursor))
    return pages


def test_a_line_with_every_key_becomes_that_mention(tmp_path: Path) -> None:
    line = {
        "id": 7, "platform": "x", "author": "ada", "author_name": "Ada", "followers": 12, "text": "It broke.",
        "created_at": "2026-03-01T10:00:00+02:00", "url": "https://example.test/7", "thread": 5, "in_reply_to": "6",
        "language": "en", "private": True, "label": "ignored",
    }  # fmt: skip
    path = written(tmp_path / "m.jsonl", json.dumps(line).encode() + b"\n")

    (page,) = drained(connector(path))

    assert page.mentions == (
        Mention(
            platform="x",
            external_id="7",
            author=Author("ada", "ada", "Ada", 12),
            text="It broke.",
            posted_at=datetime(2026, 3, 1, 8, tzinfo=UTC),
            url="https://example.test/7",
            thread="5",
            in_reply_to="6",
            language="en",
            is_private=True,
        ),
    )


def test_a_line_without_author_has_an_author_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}\n')

    (page,) = drained(connector(path))

    assert [mention.author.external_id for mention in page.mentions] == ["anonymous:1", "anonymous:2"]
    assert [mention.author.handle for mention in page.mentions] == ["", ""]


def test_a_line_without_a_time_takes_that_of_the_line_before_and_the_first_that_of_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path / "m.jsonl",
        b'{"id": 1, "text": "a"}\n{"id": 2, "text": "b", "created_at": 1700000000}\n{"id": 3, "text": "c"}\n',
    )

    pages = drained(connector(path, page_lines=1))

    times = [mention.posted_at for page in pages for mention in page.mentions]
    assert times == [
        datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC),
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "is not JSON"),
        (b'{"id": 1, "text": "half', "is not JSON"),
        (b"[" * 5000, "is not JSON"),  # deeper than Python recurses
        (b"9" * 5000, "is not JSON"),  # more digits than Python converts
        (b'["id", 1]', "is not a JSON object"),
        (b'{"text": "no id"}', "external_id: Field required"),
        (b'{"id": "  ", "text": "blank id"}', "external_id: this is empty"),
        (b'{"id": true, "text": "a truth is no id"}', "external_id: Input should be a valid integer"),
        (b'{"id": 1}', "text: Field required"),
        (b'{"id": 1, "text": ""}', "text: String should have at least 1 character"),
        (b'{"id": 1, "text": 5}', "text: Input should be a valid string"),
        (b'{"id": 1, "text": "t", "created_at": "yesterday"}', NO_TIME),
        (b'{"id": 1, "text": "t", "created_at": 1e300}', NO_TIME),
        (b'{"id": 1, "text": "t", "created_at": "0001-01-01T00:00:00+14:00"}', NO_TIME),
        (b'{"id": 1, "text": "t", "followers": -1}', "followers: Input should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_a_bad_line_is_skipped_with_its_number_and_the_rest_is_read(tmp_path: Path, line: bytes, reason: str) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": "a", "text": "t"}\n\n' + line + b'\n{"id": "b", "text": "t"}\n')

    (page,) = drained(connector(path))

    assert page.skipped == (Skipped("line 3", reason),)
    assert [mention.external_id for mention in page.mentions] == ["a", "b"]


def test_text_that_no_database_takes_is_kept_as_far_as_it_can_be(tmp_path: Path) -> None:
    path = written(
        tmp_path / "m.jsonl",
        b'\xef\xbb\xbf{"id": 1, "text": "nul \\u0000 lone \\ud800 pair \\ud83d\\ude00"}\r\n'
        b'{"id": 2, "text": "caf\xe9"}\r\n',
    )

    (page,) = drained(connector(path))

    assert [mention.text for mention in page.mentions] == ["nul \ufffd lone \ufffd pair \U0001f600", "caf\ufffd"]


def test_a_file_that_grows_is_followed_from_where_reading_stopped(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n')
    first = connector(path).poll(None)

    with path.open("ab") as file:
        file.write(b'{"id": 2, "text": "b"}\n')
    second = connector(path).poll(first.cursor)

    assert [mention.external_id for mention in first.mentions + second.mentions] == ["1", "2"]
    assert (first.more, second.more) == (False, False)


def test_half_a_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n{"id": 2, "te')
    first = connector(path).poll(None)
    with path.open("ab") as file:
        file.write(b'xt": "b"}\nbad\n')

    second = connector(path).poll(first.cursor)

    assert [mention.external_id for mention in first.mentions] == ["1"]
    assert [mention.external_id for mention in second.mentions] == ["2"]
    assert (first.skipped, second.skipped) == ((), (Skipped("line 3", "is not JSON"),))


def test_half_a_line_at_the_end_of_a_finished_file_is_a_bad_line(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n{"id": 2, "te')

    (page,) = drained(connector(path, follow=False))

    assert page.skipped == (Skipped("line 2", "is not JSON"),)
    assert connector(path, follow=False).poll(page.cursor).skipped == ()


def test_a_complete_object_without_a_line_end_counts_once_and_line_numbers_stay_right(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}')
    first = connector(path).poll(None)
    with path.open("ab") as file:
        file.write(b"\nbad\n")

    second = connector(path).poll(first.cursor)

    assert [mention.external_id for mention in first.mentions] == ["1"]
    assert (second.mentions, second.skipped) == ((), (Skipped("line 2", "is not JSON"),))


def test_a_line_longer_than_the_limit_is_reported_once_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LINE_BYTES_MAX", 64)
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "' + b"x" * 1000 + b'"}\n{"id": 2, "text": "b"}\n')

    pages = drained(connector(path, page_lines=3))

    assert [skip for page in pages for skip in page.skipped] == [Skipped("line 1", "is longer than 64 bytes")]
    assert [mention.external_id for page in pages for mention in page.mentions] == ["2"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": 9, "text": "z"}\n',  # cut short and rewritten
        b'{"id": 8, "text": "y"}\n{"id": 9, "text": "z"}\n{"id": 10, "text": "z"}\n',  # replaced by a longer one
    ],
)
def test_a_file_that_was_replaced_is_reported_and_read_from_its_beginning(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}\n')
    first = connector(path).poll(None)
    written(path, content)

    page = connector(path).poll(first.cursor)

    assert page.notice == f"{path} was replaced or cut short, so it is read again from its beginning"
    assert page.mentions[-1].text == "z"
    assert connector(path).poll(page.cursor).notice == ""


def test_reading_may_start_at_the_end_and_then_sees_only_what_is_new(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n{"id": 2, "te')
    first = connector(path, start="end").poll(None)
    with path.open("ab") as file:
        file.write(b'xt": "b"}\nbad\n')

    second = connector(path, start="end").poll(first.cursor)

    assert first.mentions == ()
    assert [mention.external_id for mention in second.mentions] == ["2"]
    assert second.skipped == (Skipped("line 3", "is not JSON"),)


def test_a_file_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"replay cannot read .*gone\.jsonl: No such file") as raised:
        connector(tmp_path / "gone.jsonl").poll(None)

    assert raised.value.permanent is False


def test_what_is_no_regular_file_is_refused_for_good(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="needs a regular file") as raised:
        connector(tmp_path).poll(None)

    assert raised.value.permanent is True


def test_a_cursor_of_somebody_else_is_lost(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"id": 1, "text": "a"}\n')

    with pytest.raises(CursorLostError, match="cannot be read"):
        connector(path).poll("soup")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_the_file_grows_every_line_is_read_exactly_once(tmp_path: Path, data: st.DataObject) -> None:
    """The file arrives in arbitrary pieces, and every poll is made by a new object."""
    content = b"".join(b'{"id": %d, "text": "caf\xc3\xa9 %d"}\n' % (number, number) for number in range(12))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    page_lines = data.draw(st.integers(1, 5))
    path, seen, cursor = tmp_path / "grows.jsonl", [], None

    for cut in [*cuts, len(content)]:
        path.write_bytes(content[:cut])
        for page in drained(connector(path, page_lines=page_lines), cursor):
            seen += [mention.external_id for mention in page.mentions]
            assert page.skipped == ()
            assert page.notice == ""
            cursor = page.cursor

    assert seen == [str(number) for number in range(12)]
