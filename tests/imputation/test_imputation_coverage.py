"""Intervals over imputations cover under a stratified cluster design; imputation that ignores it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr

STRATA, PSUS, TAKE = 4, 15, 8


def sample(rng):
    """Strata with means of their own, sampling units with a common part, weights that go with the stratum."""
    unit = np.repeat(np.arange(STRATA * PSUS), TAKE)
    stratum = unit // PSUS
    b = rng.normal(0, 1.0, STRATA * PSUS)
    n = unit.size
    x, sex = rng.normal(size=n), rng.integers(1, 3, n)
    y = 2.0 * stratum + x + 0.5 * (sex == 2) + b[unit] + rng.normal(0, 1.0, n)
    w = 1.0 + stratum * 2.0
    lost = rng.random(n) < 1 / (1 + np.exp(-(-0.8 + 0.7 * x + 0.5 * (stratum - 1.5))))
    return pd.DataFrame({"w": w, "stratum": stratum, "psu": unit, "x": x, "sex": sex.astype(float),
                         "y": np.where(lost, np.nan, y)})


SHARE = np.array([1.0, 3.0, 5.0, 7.0]) / 16
MEAN = float((SHARE * 2.0 * np.arange(4)).sum() + 0.25)


def covered(times, design, method="norm", m=10):
    rng = np.random.default_rng(77)
    hits = np.zeros(3)
    for _ in range(times):
        survey = mr.Survey(sample(rng), weights="w", strata="stratum", psu="psu")
        found = survey.impute("y", predictors=["x", "sex"], m=m, iterations=6, methods={"y": method}, design=design, rng=rng)
        rows = [found.mean("y").frame.iloc[0], found.mean("y", by="sex").frame.iloc[1],
                found.linear("y ~ x + C(sex) + C(stratum)").frame.set_index("term").loc["x"]]
        truth = (MEAN, MEAN + 0.25, 1.0)
        hits += [row["conf_low"] <= t <= row["conf_high"] for row, t in zip(rows, truth, strict=True)]
    return hits / times


def test_intervals_cover_when_the_design_is_imputed_with_and_not_when_it_is_ignored():
    """12 samples: at 0.95 fewer than 9 hits have a chance of 0.2 %."""
    assert (covered(12, ("strata", "weight", "psu"), m=4) >= 9 / 12).all()
    assert covered(6, (), m=4)[0] < 0.7


@pytest.mark.full
@pytest.mark.parametrize("method", ["norm", "pmm"])
def test_intervals_cover_at_their_level(method):
    """150 samples: three standard errors of 0.95 are 0.053."""
    found = covered(150, ("strata", "weight", "psu"), method, m=5)
    assert (found > 0.89).all(), found
