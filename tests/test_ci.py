"""CI must notice a part that is missing, so there a skipped test fails."""

from __future__ import annotations

from pathlib import Path

import pytest

QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:socket", "-p", "no:timeout")
CONFTEST = Path(__file__).parent / "conftest.py"
SKIPPING = """
import pytest

def test_that_needs_a_part():
    pytest.skip("no part")

@pytest.mark.skipif(True, reason="no part")
def test_that_is_marked():
    pass

def test_on_other_data():
    pytest.skip("optional: no data")

@pytest.mark.xfail(reason="known", strict=True)
def test_that_is_known_to_fail():
    raise AssertionError

def test_that_passes():
    pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(test_skipping=SKIPPING)
    return pytester


def test_a_missing_part_skips_its_tests(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARMARK_CI", raising=False)

    outcome = suite.runpytest_inprocess(*QUIET)

    outcome.assert_outcomes(skipped=3, xfailed=1, passed=1)


def test_a_missing_part_fails_its_tests_in_ci(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_CI", "1")
    suite.makepyfile(test_whole="import pytest\npytest.skip('no part', allow_module_level=True)")

    outcome = suite.runpytest_inprocess(*QUIET, "--continue-on-collection-errors")

    # A mark and a file are skipped before the test itself runs, so they count as errors.
    outcome.assert_outcomes(failed=1, errors=2, skipped=1, xfailed=1, passed=1)
    outcome.stdout.fnmatch_lines(["*skipped, which is a failure in CI: no part*"])
