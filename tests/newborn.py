"""What a node of the tests is from its first moment: ``earmark run``, but for its tagger and its clock."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import time_machine

from bot import app
from bot.cli import main
from bot.domain import Tagging
from tests import doom
from tests.installation import ToldTagger

ROOT = Path(__file__).parent.parent


class HeldTagger(ToldTagger):
    """Tags by what a text says, but not while a file is there."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self._held = held

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        while self._held and Path(self._held).exists():
            time.sleep(0.02)
        return super().tag(texts)


def be(arguments: Sequence[str], tagger: str, skew_s: float, log: str, environment: dict[str, str]) -> None:
    """Be ``earmark`` with these arguments, until the end. Everything but tagger and clock is the command itself."""
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(told, number)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["earmark", *arguments]
    if skew_s:
        time_machine.travel(time.time() + skew_s, tick=True).start()
    if tagger != "shipped":
        app.tagger_of = lambda *_: HeldTagger(tagger.partition(":")[2])
    doom.arm()
    main()
