"""Whether memory stays flat: ``python -m benchmarks.memory [--few N] [--many N]``.

The most memory that a process held while it took in few mentions, and while another one took in many, with a tagger
that costs nothing; the ratio should stay within 1.2. Each count is taken in by a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from benchmarks.pipeline import Stub, check, connected, installation, take_in

GOAL = 1.2


def most_mib(count: int) -> float:
    """Return what a new process held at most while it took in ``count`` mentions."""
    command = [sys.executable, "-m", "benchmarks.memory", "--take-in", str(count)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603  # ourselves


def taken_in(count: int) -> float:
    """Take in ``count`` mentions here; return the most memory held before the books were checked, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        running = connected(installation(Path(folder), count, Stub()))
        take_in(running, count)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check(running, count)
    return held / 2**20 if sys.platform == "darwin" else held / 2**10


def main() -> None:
    """Measure both and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=200_000)
    parser.add_argument("--take-in", type=int, help="one measurement, for ourselves")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    if given.take_in:
        print(taken_in(given.take_in))
        return
    few, many = most_mib(given.few), most_mib(given.many)
    print(f"{given.few:8,} mentions: {few:6.0f} MiB at most")
    print(f"{given.many:8,} mentions: {many:6.0f} MiB at most")
    print(f"ratio: {many / few:.2f} (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
