"""What corrections teach about reasons: the middle of the texts that people gave each reason, in a small file.

It holds no text and no person: a mean of sentence vectors and a count for each reason, bound to the network that made
the vectors. Written by ``earmark train --reasons``, read when ``[tagger] reasons`` names it; torch is not needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.errors import ClassifierError

Vector = NDArray[np.float32]
_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Learnt:
    """How many corrected texts each reason has, and the mean of their unit vectors. Empty: nothing was learnt."""

    counts: Mapping[str, int] = field(default_factory=dict)
    means: Mapping[str, Vector] = field(default_factory=dict)
    network: str = ""
    """SHA-256 of the network whose vectors they are."""
    digest: str = ""
    """SHA-256 of the file."""


def read_learnt(path: Path, network: str) -> Learnt:
    """Return what the file at ``path`` holds, which must be of the network with this digest.

    Raises:
        ClassifierError: it can't be read, is of another form, or of another network.
    """
    again = "make it again with earmark train --reasons"
    try:
        content = path.read_bytes()
        parsed = json.loads(content)
        counts = {str(name): int(one["texts"]) for name, one in parsed["reasons"].items()}
        means = {str(name): np.array(one["mean"], np.float32) for name, one in parsed["reasons"].items()}
        learnt = Learnt(counts, means, str(parsed["network"]), hashlib.sha256(content).hexdigest())
    except OSError as error:
        raise ClassifierError(f"[tagger] reasons: {path} can't be read ({error.strerror})", permanent=True) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClassifierError(f"[tagger] reasons: {path} is not of the right form; {again}", permanent=True) from error
    if learnt.network != network:
        raise ClassifierError(f"[tagger] reasons: {path} was made with another model; {again}", permanent=True)
    return learnt


def write_learnt(path: Path, network: str, examples: Iterable[tuple[str, Vector]]) -> dict[str, int]:
    """Write the middle of the vectors of each reason; return how many texts each has."""
    found: dict[str, list[Vector]] = {}
    for reason, vector in examples:
        found.setdefault(reason, []).append(vector)
    reasons = {
        name: {"texts": len(rows), "mean": [round(float(value), _DECIMALS) for value in np.mean(rows, axis=0)]}
        for name, rows in sorted(found.items())
    }
    path.write_text(json.dumps({"network": network, "reasons": reasons}) + "\n", encoding="utf-8")
    return {name: len(rows) for name, rows in sorted(found.items())}
