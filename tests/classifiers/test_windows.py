from __future__ import annotations

import numpy as np
import pytest

from classifiers import SHIPPED
from classifiers.manifest import TOKENIZER
from classifiers.windows import WindowReader, joined


@pytest.fixture(scope="module")
def reader() -> WindowReader:
    return WindowReader(SHIPPED / TOKENIZER, tokens=10, overlap=2)


def test_a_short_text_is_one_window_with_its_ends(reader: WindowReader) -> None:
    windows = reader.read(["late again"])

    assert [len(window.ids) for window in windows] == [4]


def test_an_empty_text_is_still_a_window(reader: WindowReader) -> None:
    assert [len(window.ids) for window in reader.read([""])] == [2]


def test_a_long_text_is_covered_by_windows_that_overlap(reader: WindowReader) -> None:
    windows = reader.read(["one two three four five six seven eight nine ten eleven twelve"])

    first, second = (window.ids[1:-1] for window in windows)
    assert (len(first), len(second)) == (8, 6)
    assert first[-2:] == second[:2]


def test_of_an_endless_text_the_middle_is_not_read(reader: WindowReader) -> None:
    windows = reader.read(["one " * 3000 + "two"])

    assert len(windows) == 48 + 16
    assert windows[-1].ids[-2] != windows[0].ids[1]


def test_windows_remember_their_text(reader: WindowReader) -> None:
    assert [window.text for window in reader.read(["one", "two " * 9, "three"])] == [0, 1, 1, 2]


def test_one_strong_window_outweighs_many_weak_ones() -> None:
    vector = np.array([1.0, 0.0], np.float32)
    weak = (np.array([-4.0], np.float32), vector, 10)
    strong = (np.array([4.0], np.float32), vector, 10)

    logits, _ = joined([weak] * 9 + [strong])

    assert logits[0] == pytest.approx(1.70, abs=0.01)


def test_many_weak_windows_stay_weak() -> None:
    weak = (np.array([-1.0], np.float32), np.array([1.0, 0.0], np.float32), 10)

    logits, vector = joined([weak] * 20)

    assert logits[0] == pytest.approx(-1.0)
    assert vector.tolist() == [1.0, 0.0]
