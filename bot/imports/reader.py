"""Reads CSV and JSON lines, a line at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import InputError

LINE_BYTES_MAX: Final = 1_048_576
JSON_LINES: Final = (".jsonl", ".ndjson", ".json")

Fields = dict[str, str]
"""A line's fields by name, as text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file; ``number`` counts from 1, with the heading. ``problem`` says why it cannot be read."""

    number: int
    fields: Fields
    problem: str = ""


def lines(path: Path, *, advance: Callable[[int], None] = lambda _bytes: None) -> Iterator[Line]:
    """Yield the lines of a file; ``advance`` is told how many bytes were read.

    Raises:
        InputError: the file cannot be opened, or is no CSV with a heading.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise InputError(f"{path} is UTF-16; save it as UTF-8")
            texts = _texts(file, advance)
            is_json = path.suffix.lower() in JSON_LINES or start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{")
            yield from _json_lines(texts) if is_json else _csv_lines(path, texts)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _texts(file: BinaryIO, advance: Callable[[int], None]) -> Iterator[str]:
    """The physical lines. What is no UTF-8 becomes lone surrogates, by which the line is refused."""
    while raw := file.readline(LINE_BYTES_MAX):
        advance(len(raw))
        yield raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _json_lines(texts: Iterator[str]) -> Iterator[Line]:
    for number, text in enumerate(texts, start=1):
        if text.strip():
            yield _json_line(number, text)


def _json_line(number: int, text: str) -> Line:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Line(number, {}, "is not JSON")
    if not isinstance(found, dict):
        return Line(number, {}, "is not a JSON object")
    fields = {str(name): _text(value) for name, value in found.items()}
    if "id" in fields:
        fields.setdefault("external_id", fields["id"])
    return _checked(Line(number, fields))


def _text(value: object) -> str:
    """A JSON value as it would stand in CSV; a float stays one, so that a number that must be whole is refused."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _csv_lines(path: Path, texts: Iterator[str]) -> Iterator[Line]:
    heading = next(texts, "")
    names = next(csv.reader([heading], delimiter=_delimiter(heading)), [])
    names = [name.strip().lower() for name in names]
    if not any(names) or len(set(names)) < len(names):
        raise InputError(f"{path} needs a first line with the name of each column, each once")
    reader = csv.reader(texts, delimiter=_delimiter(heading))
    while True:
        number = reader.line_num + 2
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, {}, f"is no CSV ({error})")
            continue
        if any(row):
            yield _csv_line(number, names, row)


def _csv_line(number: int, names: list[str], row: list[str]) -> Line:
    if len(row) > len(names):
        return Line(number, {}, f"has {len(row)} fields, the first line names {len(names)}")
    fields = dict(zip(names, row, strict=False))
    if "id" in fields:
        fields.setdefault("external_id", fields["id"])
    return _checked(Line(number, fields))


def _delimiter(heading: str) -> str:
    return max(",;\t", key=heading.count)


def _checked(line: Line) -> Line:
    try:
        for text in line.fields.values():
            text.encode()
    except UnicodeEncodeError:
        return Line(line.number, {}, "is no valid UTF-8")
    return line
