"""``tagger.json``: what a model folder says about its model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain import Tag
from bot.errors import ClassifierError
from classifiers.calibration import Scale

MANIFEST = "tagger.json"
NETWORK = "model.onnx"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class ReasonScale:
    """How a reason's likeness becomes a probability: a Platt scale over likeness and its lead on the runner-up."""

    likeness: float
    lead: float
    offset: float
    floor: float
    """A reason less probable than this is never named."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is needed to run a model besides its network and its tokenizer."""

    name: str
    digest: str
    files: Mapping[str, str]
    """File name → SHA-256."""
    scales: Mapping[Tag, Scale]
    thresholds: Mapping[Tag, float]
    certainty: Scale
    reason: ReasonScale
    languages: frozenset[str]
    """Languages the model was measured on."""
    window_tokens: int
    overlap_tokens: int
    fixed_scales: bool
    """Whether what a text is given does not depend on the texts it is run with."""


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest in ``folder``.

    Raises:
        ClassifierError: there is none, or it is not of the form this version reads.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        return _parsed(json.loads(content), hashlib.sha256(content).hexdigest())
    except OSError as error:
        raise ClassifierError(
            f"there is no tagger in {folder}: [tagger] model takes `shipped`, `transformer:` and a name, "
            f"or a folder with {MANIFEST}, {NETWORK} and {TOKENIZER}",
            permanent=True,
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ClassifierError(f"{path} is not a tagger's description ({error})", permanent=True) from error


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as the manifest of ``folder``, with the digests of the files it describes."""
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (NETWORK, TOKENIZER)}
    text = json.dumps({**content, "files": files}, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _parsed(content: Mapping[str, Any], digest: str) -> Manifest:
    return Manifest(
        name=str(content["name"]),
        digest=digest,
        files={str(name): str(value) for name, value in content["files"].items()},
        scales={tag: Scale(**content["scales"][tag.value]) for tag in Tag},
        thresholds={tag: float(content["thresholds"][tag.value]) for tag in Tag},
        certainty=Scale(**content["certainty"]),
        reason=ReasonScale(**content["reason"]),
        languages=frozenset(content["languages"]),
        window_tokens=int(content["window_tokens"]),
        overlap_tokens=int(content["overlap_tokens"]),
        fixed_scales=bool(content.get("fixed_scales", False)),
    )
