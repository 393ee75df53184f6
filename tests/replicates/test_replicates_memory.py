"""A million rows: what 500 Rao–Wu replicates and a mean by 24 domains take in memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates

pytestmark = pytest.mark.full

ROWS, PSUS = 1_000_000, 2000


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    rng = np.random.default_rng(0)
    psu = np.sort(rng.integers(0, PSUS, ROWS))
    frame = pd.DataFrame({"w": rng.uniform(1, 5, ROWS), "h": psu // 20, "p": psu,
                          "d": rng.integers(1, 25, ROWS), "y": rng.gamma(2, 3, ROWS)})  # fmt: skip
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    survey.mean("y", by="d")
    return survey


def make_and_estimate(survey: mr.Survey) -> mr.Estimates:
    made = survey.with_replicates(replicates.RaoWu(500), rng=np.random.default_rng(1))
    return made.mean("y", by="d")


def test_three_hundred_megabytes(survey):
    tracemalloc.start()
    try:
        result = make_and_estimate(survey)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300e6
    linearised = survey.mean("y", by="d").frame["std_error"]
    assert np.mean(result.frame["std_error"] / linearised) == pytest.approx(1, abs=0.05)
