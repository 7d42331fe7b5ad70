"""The reason by likeness, with a network of four words that points each where the test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.domain import UNCLASSIFIED
from bot.errors import ClassifierError
from classifiers.learnt import Learnt, read_learnt, write_learnt
from classifiers.manifest import ReasonScale
from classifiers.reasons import ReasonFinder
from classifiers.windows import Floats

NORTH, EAST = np.array([0.0, 1.0], np.float32), np.array([1.0, 0.0], np.float32)
SCALE = ReasonScale(likeness=10.0, lead=0.0, offset=-8.0, floor=0.5)


class Compass:
    """Reads a text as the direction it names."""

    def read(self, texts: Sequence[str]) -> list[tuple[Floats, Floats]]:
        return [(np.zeros(3, np.float32), NORTH if text == "north" else EAST) for text in texts]


def test_corrected_texts_draw_a_reason_s_middle_towards_them() -> None:
    reasons = {"up": ("north",), "aside": ("east",)}
    north_east = np.array([0.6, 0.8], np.float32)
    few = Learnt({"aside": 1}, {"aside": NORTH})
    many = Learnt({"aside": 30, "gone": 5}, {"aside": north_east, "gone": NORTH})

    assert ReasonFinder(reasons, Compass(), SCALE, 0.0, few).nearest(north_east)[0] == "up"
    assert ReasonFinder(reasons, Compass(), SCALE, 0.0, many).nearest(north_east)[0] == "aside"


def test_learnt_reasons_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "reasons.json"

    counts = write_learnt(file, "abc", [("late", NORTH), ("late", EAST), ("bill", EAST)])

    learnt = read_learnt(file, "abc")
    assert counts == learnt.counts == {"bill": 1, "late": 2}
    assert learnt.means["late"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"network": "other", "reasons": {}}', "was made with another model; make it again"),
        ('{"reasons": {"late": 1}}', "is not of the right form; make it again"),
        ("[]", "is not of the right form; make it again"),
        ("rubbish", "is not of the right form; make it again"),
    ],
)
def test_learnt_reasons_that_do_not_fit_are_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "reasons.json").write_text(content)

    with pytest.raises(ClassifierError, match=said):
        read_learnt(tmp_path / "reasons.json", "abc")


def _finder(least: float = 0.0, **reasons: Sequence[str]) -> ReasonFinder:
    return ReasonFinder(reasons, Compass(), SCALE, least)


def test_the_nearest_middle_of_phrases_wins() -> None:
    finder = _finder(up=("north",), aside=("east", "east"))

    assert finder.find(NORTH)[0] == "up"
    assert finder.find(EAST)[0] == "aside"
    assert finder.find(EAST)[1] == pytest.approx(0.881, abs=0.001)


def test_a_reason_less_probable_than_the_model_s_floor_is_not_named() -> None:
    finder = _finder(up=("north",))

    reason, chance = finder.find(np.array([0.8, 0.6], np.float32))

    assert reason == UNCLASSIFIED
    assert chance == pytest.approx(0.119, abs=0.001)


def test_an_operator_can_ask_for_more_than_the_floor() -> None:
    finder = _finder(0.9, up=("north",))

    assert finder.find(NORTH)[0] == UNCLASSIFIED


def test_a_reason_without_phrases_is_never_found() -> None:
    finder = _finder(up=("north",), empty=())

    assert finder.find(NORTH)[0] == "up"


def test_the_lead_is_the_distance_to_the_runner_up() -> None:
    finder = _finder(up=("north",), aside=("east",))

    name, likeness, lead = finder.nearest(np.array([0.6, 0.8], np.float32))

    assert name == "up"
    assert (likeness, lead) == pytest.approx((0.8, 0.2))
