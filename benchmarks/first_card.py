"""From ``make demo`` in an empty clone to the first card on the board: ``python benchmarks/first_card.py``.

Clones this repository as it is committed, runs ``make demo`` there with this machine's package cache, and asks the
board over and over until a card is on it. ``--cold`` gives pip an empty cache, so that everything is downloaded.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
ADDRESS = re.compile(r"The board is at (http://\S+/)")
CARD = re.compile(r'href="/case/\d+"')
LIMIT_S = 1800.0


def main() -> None:
    """Clone, run, wait, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="with an empty package cache")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "earmark"
        _run("git", "clone", "--quiet", "--local", str(ROOT), str(clone))
        environment = dict(os.environ)
        if given.cold:
            environment["PIP_CACHE_DIR"] = str(Path(folder) / "cache")
        start = time.perf_counter()
        with _demo(clone, environment) as demo:
            address = _address(demo)
            print(f"the board answers after {time.perf_counter() - start:6.1f} s")
            _wait_for_a_card(address)
            print(f"the first card is there after {time.perf_counter() - start:6.1f} s")


@contextmanager
def _demo(clone: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    make = shutil.which("make")
    assert make, "make is not installed"
    demo = subprocess.Popen(  # noqa: S603  # our own Makefile
        [make, "demo", "ARGS=--port 0"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield demo
    finally:
        # make and the demo under it: the session that we started, and nothing else.
        os.killpg(demo.pid, signal.SIGTERM)
        demo.wait(60)


def _address(demo: subprocess.Popen[str]) -> str:
    """Read what the demo says until it names its address."""
    assert demo.stdout is not None
    for line in demo.stdout:
        if found := ADDRESS.search(line):
            return found[1]
    raise SystemExit("make demo ended before the board was there; see its messages above")


def _wait_for_a_card(address: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if CARD.search(_page(address)):
            return
        time.sleep(0.05)
    raise SystemExit("no card came")


def _page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # loopback
        return str(answer.read().decode())


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603  # ourselves


if __name__ == "__main__":
    main()
