"""Whether `earmark tag` stays flat: ``python -m benchmarks.tagfile [--few N] [--many N] [--shipped]``.

The most memory that the command held for a file of few lines, and for one of many, each in a process of its own; every
thousandth line is broken and must only be reported. With a tagger that costs nothing, or with ``--shipped``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks.pipeline import Stub
from bot import tagfile
from bot.errors import InputError

BROKEN_EVERY = 1_000


def lines(count: int) -> Iterator[str]:
    """Yield JSON lines of the length of a mention, one in a thousand broken."""
    for number in range(1, count + 1):
        text = f"@acme order {number} has still not arrived and nobody answers, where is it?"
        yield "{broken\n" if number % BROKEN_EVERY == 0 else json.dumps({"id": str(number), "text": text}) + "\n"


def held_mib(count: int, *, shipped: bool) -> tuple[float, float]:
    """Tag ``count`` lines here; return the most memory held, in MiB, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        file = Path(folder, "mentions.jsonl")
        with file.open("w", encoding="utf-8") as written:
            written.writelines(lines(count))
        if not shipped:
            stack.enter_context(mock.patch("bot.app.tagger_of", return_value=Stub()))
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        stack.enter_context(contextlib.redirect_stderr(nowhere))
        started = time.perf_counter()
        broken = count // BROKEN_EVERY
        with contextlib.suppress(InputError):
            tagfile.run(file, "shipped")
            assert broken == 0
        took = time.perf_counter() - started
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (held / 2**20 if sys.platform == "darwin" else held / 2**10), took


def main() -> None:
    """Measure both and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--shipped", action="store_true", help="with the shipped tagger; choose smaller numbers")
    parser.add_argument("--tag", type=int, help="one measurement, for ourselves")
    given = parser.parse_args()
    if given.tag:
        print(*held_mib(given.tag, shipped=given.shipped))
        return
    found = {}
    for count in (given.few, given.many):
        command = [sys.executable, "-m", "benchmarks.tagfile", "--tag", str(count)]
        command += ["--shipped"] if given.shipped else []
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # ourselves
        held, took = map(float, answer.stdout.split())
        found[count] = held
        print(f"{count:9,} lines: {held:6.0f} MiB at most, {took:6.1f} s")
    print(f"ratio: {found[given.many] / found[given.few]:.2f}")


if __name__ == "__main__":
    main()
