"""Intervals hold the truth in 95 of 100 samples: designs with replicates beside linearisation.

The frame is in `coverage_populations` (what is sampled), `coverage_designs` (how),
`coverage_statistics` (what is estimated) and `coverage_judge` (what is asked, and the exceptions,
listed before anything is drawn).
"""

from __future__ import annotations

import pytest
from coverage_designs import LONG, TRIALS
from coverage_judge import cells_of, judge

DESIGNS = [name for name, trial in TRIALS.items() if len(trial.tried) > 1]
pytestmark = pytest.mark.usefixtures("coverage_tables")


@pytest.mark.parametrize("design, method, statistic", cells_of(set(DESIGNS) - set(LONG)))
def test_intervals_cover(design, method, statistic):
    judge(design, method, statistic, 1000)


@pytest.mark.full
@pytest.mark.parametrize("design, method, statistic", cells_of(DESIGNS))
def test_intervals_cover_in_many_samples(design, method, statistic):
    judge(design, method, statistic, TRIALS[design].full)
