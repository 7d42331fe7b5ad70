"""Speed and memory of the shipped tagger: ``python benchmarks/tagger.py [--texts FILE] [--json]``.

Mentions per second on one thread and on two (two callers sharing one tagger), the latency of single mentions, the time
to load, and the most memory held above the bare interpreter's.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import classifiers
from bot.domain import Tagger

REASONS = {
    "where_is_it": ("where is my order", "still not arrived", "tracking has not moved"),
    "billing_error": ("charged twice", "the bill is wrong", "what is this fee"),
    "praise": ("thank you", "great service", "love this"),
}
# Ours, of the lengths that real mentions have: 25 tokens in the mean, 40 at the 95th percentile.
SAMPLE = (
    "@acme where is my order? It was due on Monday and tracking hasn't moved since.",
    "Thank you so much to the lady at your Leeds counter, she sorted it in minutes!",
    "why does your app log me out every single morning? I have reinstalled it twice now, about to give up",
    "@acme can you tell me whether the 9:40 to York takes bikes?",
    "love it 😍",
    "Charged twice for one coffee. Again. #fail",
    "@acme still on hold. 52 minutes. Is there anybody in that call centre at all, or is music all that is left?",
    "Do you ship to Norway and what would that cost for a parcel of about 3 kg?",
)
ROUNDS = 40
Result = TypeVar("Result")
WARM_UP = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, help="JSON lines with `text`, instead of the built-in sample")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measure(_texts(given.texts))
    print(
        json.dumps(figures, indent=2)
        if given.json
        else "\n".join(f"{name:42} {value}" for name, value in figures.items())
    )


def measure(texts: Sequence[str]) -> dict[str, float]:
    """Return every figure by name."""
    before = _memory_mib()
    tagger, load_s = _timed(_loaded)
    tagger.tag(texts[:WARM_UP])
    alone, alone_s = _timed(lambda: tagger.tag(texts))
    cpu_s = _cpu_s(lambda: tagger.tag(texts))
    _, together_s = _timed(lambda: _two(tagger, texts))
    singles = sorted(_single_ms(tagger, text) for text in texts)
    return {
        "mentions": len(alone),
        "load_s": round(load_s, 2),
        "memory_mib": round(_memory_mib() - before),
        "mentions_per_s": round(len(texts) / alone_s, 1),
        "mentions_per_cpu_s": round(len(texts) / cpu_s, 1),
        "mentions_per_s_two_callers": round(2 * len(texts) / together_s, 1),
        "single_ms_p50": round(statistics.median(singles), 1),
        "single_ms_p95": round(singles[int(len(singles) * 0.95)], 1),
    }


def _loaded() -> Tagger:
    tagger = classifiers.load("shipped", reasons=REASONS, review_below=0.7)
    tagger.tag(["one text, since loading waits for the first"])
    return tagger


def _two(tagger: Tagger, texts: Sequence[str]) -> None:
    with ThreadPoolExecutor(2) as callers:
        list(callers.map(tagger.tag, [texts, texts]))


def _single_ms(tagger: Tagger, text: str) -> float:
    return _timed(lambda: tagger.tag([text]))[1] * 1e3


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _memory_mib() -> float:
    """Return the most memory this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def _texts(path: Path | None) -> list[str]:
    if path is None:
        return list(SAMPLE) * ROUNDS
    return [str(json.loads(line)["text"]) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
