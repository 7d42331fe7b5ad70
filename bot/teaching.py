"""Training and measuring taggers with what people said of our own mentions. Nothing here puts a model in service."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from bot import app
from bot.config import LedgerSettings, Settings
from bot.domain import UNCLASSIFIED, Tagging
from bot.errors import InputError
from bot.shadow import Pair, told
from storage import db, labels

if TYPE_CHECKING:
    from classifiers.learning.own import Own
    from storage.labels import Label, Tagged


@dataclass(frozen=True, slots=True)
class Lesson:
    """What ``earmark train`` was asked for; see its options."""

    data: Path | None
    own: Path | None
    out: Path
    recipe: str
    name: str
    base: Path | None
    epochs: int
    share: float
    labelled_repeat: int
    seed: int
    layers: str | None = None
    teacher: tuple[Path, ...] = ()


def train(lesson: Lesson, corrected_in: Settings | None) -> None:
    """Train a model into the folder of the lesson, with the corrections in a database if one is configured.

    Raises:
        ClassifierError: torch is not installed.
        InputError: what to learn from is missing, damaged or too little.
        StorageError: the database is unreachable.
    """
    from classifiers import train as training

    # Leaving layers out pays with many texts to teach the rest by, and is measured with the packaged encoder alone.
    usual = training.LAYERS if lesson.data and lesson.base is None else training.ALL_LAYERS
    layers = lesson.layers or usual
    plan = training.plan_of(lesson.epochs, lesson.share, lesson.labelled_repeat, lesson.seed, layers, lesson.teacher)
    own = own_labels(lesson.own, corrected_in)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    training.train(lesson.data, lesson.out, plan, recipe=lesson.recipe, name=lesson.name, base=lesson.base, own=own)


def learn_reasons(settings: Settings, file: Path) -> dict[str, int]:
    """Write what people's corrections teach about reasons to ``file``; return how many texts each reason has.

    Texts that are held back for measuring are not among them. Torch is not needed.

    Raises:
        ClassifierError: the configured model is missing or damaged.
        InputError: nobody gave a mention a reason yet.
        StorageError: the database is unreachable.
    """
    from classifiers import SHIPPED, Options
    from classifiers.learning.own import of_part
    from classifiers.learnt import write_learnt
    from classifiers.onnx import OnnxTagger

    own = own_labels(None, settings)
    told_reasons = [one for one in of_part(own, "train") + of_part(own, "dev") if one.reason != UNCLASSIFIED]
    if not told_reasons:
        raise InputError("no mention was given a reason by a person yet, so there is nothing to learn reasons from")
    model = settings.tagger.model
    folder = SHIPPED if model == "shipped" or model.startswith("transformer:") else Path(model)
    tagger = OnnxTagger(folder, Options({}, review_below=0.0))
    vectors = tagger.vectors([one.text for one in told_reasons])
    return write_learnt(file, tagger.network_digest, zip([one.reason for one in told_reasons], vectors, strict=True))


def measure(
    model: str,
    against: str | None,
    *,
    data: Path | None,
    own: Path | None,
    corrected_in: Settings | None,
    as_json: bool,
) -> str:
    """Return the figures of a model, or what is different with another one on the same texts.

    Raises:
        ClassifierError: there is no such model.
        InputError: there is nothing to measure on.
        StorageError: the database is unreachable.
    """
    from classifiers import compare, evaluate

    taxonomy = app.cost_model_of(corrected_in.ledger if corrected_in else LedgerSettings()).taxonomy
    reasons = {reason.id: reason.phrases for reason in taxonomy.reasons.values() if reason.phrases}
    texts = compare.Texts(data, own_labels(own, corrected_in), reasons)
    return evaluate.report(model, against, texts, as_json=as_json)


def own_labels(file: Path | None, corrected_in: Settings | None) -> list[Own]:
    """Return the labels of a file, and what people said of the mentions in a database; the latter is later."""
    from classifiers.learning.own import Own, read_own

    found = read_own(file) if file else []
    if corrected_in is not None:
        found += [
            Own(str(one.mention_id), one.text, frozenset(one.judged.tags), one.judged.primary, one.judged.reason)
            for one in corrections(corrected_in)
        ]
    return found


def corrections(settings: Settings) -> list[Label]:
    """Return what people said of the mentions whose text is still there: agents' retags and supervisors' verdicts.

    Raises:
        StorageError: the database is unreachable or its schema is not the newest.
    """
    with _open(settings) as session:
        return list(labels.labels(session))


def shadow(settings: Settings, model: str, count: int, advance: Callable[[int], None]) -> dict[str, Any]:
    """Have ``model`` read the last ``count`` mentions again; return what it would have said, as :mod:`bot.shadow` does.

    Raises:
        ClassifierError: there is no such model.
        StorageError: the database is unreachable or its schema is not the newest.
    """
    tagger = app.tagger_of(settings.tagger.model_copy(update={"model": model}), app.cost_model_of(settings.ledger))
    with _open(settings) as session:
        rows = labels.last_tagged(session, count)
    pairs, waiting = [], iter(rows)
    while batch := list(islice(waiting, settings.tagger.batch)):
        taggings = tagger.tag([one.text for one in batch])
        pairs += [_pair(one, tagging) for one, tagging in zip(batch, taggings, strict=True)]
        advance(len(batch))
    return told(pairs, tagger.version)


def _pair(one: Tagged, tagging: Tagging) -> Pair:
    from classifiers.learning.own import part_of

    return Pair(
        one.mention_id, one.text, one.model, one.said, tagging, one.corrected, held_back=part_of(one.text) == "test"
    )


@contextmanager
def _open(settings: Settings) -> Iterator[Session]:
    database = app.open_database(settings)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            yield session
    finally:
        database.dispose()
