"""A smaller vocabulary: half of the shipped model would otherwise be words it never meets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_COMMON = 14_000
"""The encoder's vocabulary is ordered by frequency; entries up to here are kept even if our texts lack them."""
_SEEN = 2
"""Rarer entries are kept when our texts use them this often."""


def kept_ids(tokenizer: Tokenizer, texts: Iterable[str]) -> list[int]:
    """Return the entries worth keeping: special ones first, then by number the common ones and those ``texts`` use.

    Latin single characters all stay, so that any Latin word can still be spelt.
    """
    used: Counter[int] = Counter()
    for text in texts:
        used.update(tokenizer.encode(text, add_special_tokens=False).ids)
    vocabulary: Mapping[str, int] = tokenizer.get_vocab()
    special = [vocabulary[token] for token in SPECIAL]
    rest = sorted(number for token, number in vocabulary.items() if _is_kept(token, number, used[number]))
    return special + [number for number in rest if number not in special]


def _is_kept(token: str, number: int, uses: int) -> bool:
    if token.startswith("[unused"):
        return False
    bare = token.removeprefix("##")
    is_latin = bare.isascii() or max(bare) < "\u0250" or "\u2000" <= max(bare) < "\u2c00"
    return uses >= _SEEN or (is_latin and (number < _COMMON or len(bare) == 1))


def shrink(tokenizer_file: Path, kept: list[int]) -> str:
    """Return the tokenizer file with only the ``kept`` entries, renumbered in that order, and no cutting or padding."""
    content: dict[str, Any] = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    names = {number: token for token, number in content["model"]["vocab"].items()}
    vocabulary = {names[old]: new for new, old in enumerate(kept)}
    content["model"]["vocab"] = vocabulary
    content["truncation"] = content["padding"] = None
    for token in content["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    for name, token in content["post_processor"]["special_tokens"].items():
        token["ids"] = [vocabulary[name]]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
