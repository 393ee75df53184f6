"""Printed figures that other files do not hold: R's stored test of design effects, two randomised studies.

Elsewhere: api, fpc, mu284, ANES, Lohr (tests/engine), RECS (tests/replicates, tests/statistics), Rao–Scott
(tests/comparisons), Kalton and Flores-Cervantes (tests/weighting), Arab Barometer (tests/loading).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr

ROOT = Path(os.environ.get("MASAR_REAL_DATA", "/nonexistent"))
CAUSAL = pytest.mark.skipif(not (ROOT / "causal").is_dir(), reason="MASAR_REAL_DATA/causal is not here")
Y = [15.0, 143, 21, 51, 337, 50, 274, 145, 15, 86]


def test_deff_of_r_s_stored_test_under_both_references():
    equal = mr.Survey(pd.DataFrame({"y": Y, "w": 100.0}), weights="w")
    mean = equal.mean("y").frame.iloc[0]
    assert (round(mean["estimate"], 3), round(mean["std_error"], 3)) == (113.700, 35.626)
    without = equal.diagnostics("y", reference="without_replacement").frame.iloc[0]
    assert round(without["deff"], 4) == 1.0101
    assert mean["deff"] == pytest.approx(1, rel=1e-12)
    weights = [20.0, 200, 11, 25, 550, 30, 250, 100, 10, 55]
    unequal = mr.Survey(pd.DataFrame({"y": Y, "w": weights}), weights="w")
    mean, total = unequal.mean("y").frame.iloc[0], unequal.total("y").frame.iloc[0]
    assert [round(mean[c], d) for c, d in (("estimate", 3), ("std_error", 3), ("deff", 4))] == [243.914, 48.752, 1.9741]
    assert [round(total[c], d) for c, d in (("estimate", 0), ("std_error", 0), ("deff", 3))] == [305136, 184965, 18.157]


@CAUSAL
def test_effect_of_training_on_earnings():
    """LaLonde's trainees: 1794.34 (632.85). The printed error pools the two variances, as least
    squares does; ours lets them differ: 632.85 follows from the same variances."""
    data = pd.read_csv(ROOT / "causal" / "nsw_mixtape.csv").assign(w=1.0)
    survey = mr.Survey(data, weights="w")
    gap = survey.mean("re78", by="treat").contrast("1 - 0").frame.iloc[0]
    assert round(gap["estimate"], 2) == 1794.34
    spread, n = (survey.variance("re78", by="treat").frame[c].to_numpy() for c in ("estimate", "n"))
    pooled = ((n - 1) * spread).sum() / (n.sum() - 2)
    assert round(float(np.sqrt(pooled * (1 / n).sum())), 2) == 632.85
    own = np.sqrt((spread * (n - 1) / n / n).sum() * n.sum() / (n.sum() - 1))
    assert gap["std_error"] == pytest.approx(own, rel=1e-9)


@CAUSAL
def test_effect_of_an_incentive_on_learning_a_result():
    """Thornton (2008): 0.4506, least squares 0.0192; 33.9 % without, 78.9 % with an incentive."""
    data = pd.read_csv(ROOT / "causal" / "thornton_hiv.csv").assign(w=1.0)
    survey = mr.Survey(data, weights="w").where("not missing(got) and not missing(any)")
    shares = survey.proportion("got", by="any")
    assert shares.frame["estimate"].round(3).tolist() == [0.339, 0.789]
    gap = shares.contrast("1 - 0").frame.iloc[0]
    assert round(gap["estimate"], 4) == 0.4506
    spread, n = (survey.variance("got", by="any").frame[c].to_numpy() for c in ("estimate", "n"))
    pooled = ((n - 1) * spread).sum() / (n.sum() - 2)
    assert round(float(np.sqrt(pooled * (1 / n).sum())), 4) == 0.0192
