"""Speed and memory of the shipped tagger: ``python -m benchmarks.tagger [--texts FILE] [--model FOLDER] [--json]``.

Mentions per second on one thread and on two, the latency of single mentions, the time to load, and the most memory held
above the bare interpreter's. With the extra ``train`` installed, in the same run: the same encoder in torch fp32, a
zero-shot NLI network of bart-large's shape with random weights (three labels, one pass each), and the most that
onnxruntime's int8 product does. All take turns and the best turn counts; ratios are of rates per CPU-second, so that a
machine that is busy with other work does not decide them.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
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
ROUNDS, TURNS = 40, 4
Result = TypeVar("Result")
WARM_UP = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, help="JSON lines with `text`, instead of the built-in sample")
    parser.add_argument("--model", default="shipped", help="another model's folder")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    texts = _texts(given.texts)
    figures = measure(texts, given.model)
    try:
        from benchmarks import peers
    except ImportError as error:
        print(f"nothing to compare with: {error.name} is not installed (the extra train)", file=sys.stderr)
    else:
        figures |= peers.measure(texts, given.model, figures["mentions_per_cpu_s"])
    print(
        json.dumps(figures, indent=2)
        if given.json
        else "\n".join(f"{name:42} {value}" for name, value in figures.items())
    )


def measure(texts: Sequence[str], model: str) -> dict[str, float]:
    """Return every figure by name."""
    before = _memory_mib()
    tagger, load_s = _timed(lambda: _loaded(model, threads=1))
    tagger.tag(texts[:WARM_UP])
    alone, alone_s, cpu_s = _best(lambda: tagger.tag(texts))
    held = _memory_mib() - before
    two = _loaded(model, threads=2)
    _, together_s, _ = _best(lambda: two.tag(texts))
    singles = sorted(_single_ms(tagger, text) for text in texts)
    return {
        "mentions": len(alone),
        "load_s": round(load_s, 2),
        "memory_mib": round(held),
        "mentions_per_s": round(len(texts) / alone_s, 1),
        "mentions_per_cpu_s": round(len(texts) / cpu_s, 1),
        "mentions_per_s_two_threads": round(len(texts) / together_s, 1),
        "single_ms_p50": round(statistics.median(singles), 1),
        "single_ms_p95": round(singles[int(len(singles) * 0.95)], 1),
    }


def _loaded(model: str, *, threads: int) -> Tagger:
    tagger = classifiers.load(model, reasons=REASONS, review_below=0.7, threads=threads)
    tagger.tag(["one text, since loading waits for the first"])
    return tagger


def _best(work: Callable[[], Result]) -> tuple[Result, float, float]:
    """Return what ``work`` returns, and the fewest seconds and CPU-seconds of several turns."""
    turns = []
    for _ in range(TURNS):
        cpu = time.process_time()
        result, seconds = _timed(work)
        turns.append((seconds, time.process_time() - cpu))
    return result, min(turn[0] for turn in turns), min(turn[1] for turn in turns)


def _single_ms(tagger: Tagger, text: str) -> float:
    return _timed(lambda: tagger.tag([text]))[1] * 1e3


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


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
