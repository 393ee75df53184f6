"""The thirty known ways to be silently wrong: each has a test that carries its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = {
    1: "rows with a missing outcome dropped instead of zero-weighted",
    2: "JKn scaled by a global (R − 1)/R",
    3: "mse centring ignored by one replicate family",
    4: "second-stage fpc grouped by PSU labels that repeat across strata",
    5: "domain df taken from the full design",
    6: "deff counts rows of weight zero",
    7: "percents with another variance than proportions",
    8: "normal instead of t quantiles",
    9: "quantile interval inverted by another rule than the point",
    10: "strata with one PSU silently dropped",
    11: "sums in hash order",
    12: "cache keyed on object identity",
    13: "declaring strata switches the estimator",
    14: "the producer's replicate scale discarded",
    15: "deff means two different things",
    16: "linearised variance ignores calibration",
    17: "an unknown response status counted as respondent",
    18: "an argument accepted and ignored",
    19: "calibration targets aligned by position",
    20: "margins averaged over raw rows, not fitted rows",
    21: "all-zero dummies from levels outside the domain",
    22: "sample size: order of deff, fpc and non-response",
    23: "value-label keys turned to strings",
    24: "outer bin edge dropped",
    25: "a test stub invented the interface it stood for",
    26: "likelihood-ratio test compared models fitted on different rows",
    27: "ordinal model's threshold errors wrong except the first",
    28: "trimming recursed for ever",
    29: "bootstrap ignored how often a unit was drawn",
    30: "ids read as numbers merge clusters",
}


def named() -> dict[int, list[str]]:
    """Tests by the row they carry."""
    found: dict[int, list[str]] = {row: [] for row in ROWS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), re.M):
            for number in re.findall(r"silent_error_(\d\d)", name):
                found[int(number)].append(f"{path.name}::{name}")
    return found


FOUND = named()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row:02d}")
def test_the_row_has_a_test_of_its_number(row):
    assert FOUND[row], f"row {row} has no test named test_silent_error_{row:02d}_…: {ROWS[row]}"


def test_numbers_are_written_in_one_way():
    """silent_error_07, never row_7 or silent_errors_07: the index would not see it."""
    other = re.compile(r"def (test_\w*(?:silent_error(?!_\d\d)|silent_errors_\d|_row_\d)\w*)")
    odd = [
        f"{path.name}::{name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for name in other.findall(path.read_text(encoding="utf-8"))
    ]
    assert odd == []
