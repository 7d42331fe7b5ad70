"""``earmark tag``: lines in, taggings out, in flat memory and in order."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from bot.domain import Tagger, Tagging
from bot.errors import InputError

BATCH = 512
"""Lines tagged together: enough to sort by length, little enough to hold in memory."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line to tag. ``id`` is the input's own, or its line number. ``size`` counts the bytes it was read from."""

    id: str
    text: str
    size: int


def run(file: Path | None, model: str) -> None:
    """Tag ``file`` (standard input without one) and print JSON lines.

    Raises:
        InputError: the file cannot be read, or lines of it cannot; those are named on standard error and passed over.
    """
    from bot.app import cost_model_of, tagger_of
    from bot.config import LedgerSettings, TaggerSettings

    tagger = tagger_of(TaggerSettings(model=model), cost_model_of(LedgerSettings()))
    bad: list[int] = []
    with _opened(file) as lines, _progress(file) as advance:
        for batch in _batches(_items(lines, bad)):
            sys.stdout.writelines(_tagged(tagger, batch))
            advance(sum(item.size for item in batch))
    sys.stdout.flush()
    if bad:
        raise InputError(f"{file or 'standard input'}: {len(bad)} lines could not be read and were passed over")


@contextmanager
def _opened(file: Path | None) -> Iterator[IO[bytes]]:
    if file is None:
        yield sys.stdin.buffer
        return
    try:
        with file.open("rb") as opened:
            yield opened
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check its path and permissions") from error


@contextmanager
def _progress(file: Path | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where somebody watches and the output does not scroll through it."""
    if file is None or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _size: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with ExitStack() as stack:
        # The output is ours: left to itself, rich draws what is written to it above the bar.
        bar = stack.enter_context(Progress(console=Console(stderr=True), redirect_stdout=False))
        task = bar.add_task(f"tagging {file.name}", total=file.stat().st_size)
        yield lambda size: bar.advance(task, size)


def _items(lines: Iterable[bytes], bad: list[int]) -> Iterator[Item]:
    """Read plain lines, or JSON lines if the first line that is not blank is a JSON object."""
    is_json: bool | None = None
    for number, raw in enumerate(lines, start=1):
        text = raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
        if not text.strip():
            continue
        if is_json is None:
            is_json = _parsed(text) is not None
        item = _from_json(text, number, len(raw)) if is_json else Item(str(number), text, len(raw))
        if item is None:
            bad.append(number)
            message = f"line {number}: this is no JSON object with a 'text'; correct it and tag it again"
            print(f"earmark: {message}", file=sys.stderr)  # noqa: T201  # the command's own channel to a person
        else:
            yield item


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _from_json(line: str, number: int, size: int) -> Item | None:
    value = _parsed(line)
    if value is None or not isinstance(value.get("text"), str):
        return None
    return Item(str(value.get("id", value.get("external_id", number))), value["text"], size)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, BATCH)):
        yield batch


def _tagged(tagger: Tagger, batch: list[Item]) -> Iterator[str]:
    taggings = tagger.tag([item.text for item in batch])
    return (
        json.dumps(_row(item, tagging), ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
        for item, tagging in zip(batch, taggings, strict=True)
    )


def _row(item: Item, tagging: Tagging) -> dict[str, Any]:
    return {
        "id": item.id,
        "text": item.text,
        "tags": [tag.value for tag in tagging.tags],
        "primary": tagging.primary.value if tagging.primary else None,
        "scores": {tag.value: round(score, 4) for tag, score in tagging.scores.items()},
        "confidence": round(tagging.confidence, 4),
        "reason": tagging.reason,
        "language": tagging.language,
        "review": tagging.review,
        "model": tagging.model,
    }
