"""Inequality and poverty against R (oracles/inequality.R wrote inequality.json).

Tolerance 1e-8 relative: both sides are double-precision closed forms; R's go over every pair.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine.calibration import poststratify

HERE = Path(__file__).parent
REFERENCE = json.loads((HERE / "oracles" / "inequality.json").read_text(encoding="utf-8"))["rows"]
DESIGNS = {
    "wr": {"psu": "psu"},
    "fpc1": {"psu": "psu", "fpc": "fpc1"},
    "two_stage": {"psu": ["psu", "household"], "fpc": ["fpc1", "fpc2"]},
    "poststratified": {"psu": "psu"},
}
WHERE = {"region1": "region == 1", "women": "sex == 2"}
POVERTY_WEIGHTS = {"low_school": 0.5, "no_work": 0.3, "old": 0.2}


def survey_of(kind: str) -> mr.Survey:
    frame = pd.read_csv(HERE.parent / "oracles" / "jordan_like.csv")
    frame["low_school"] = (frame["education"] <= 2).astype(float)
    frame["no_work"] = (frame["hours"] == 0).astype(float)
    frame["old"] = (frame["age"] >= 60).astype(float)
    survey = mr.Survey(frame, weights="weight", strata="stratum", **DESIGNS[kind])
    if kind != "poststratified":
        return survey
    targets = np.array([18000.0, 15000.0, 9000.0])
    made = poststratify(survey.design.weights, (frame["region"].to_numpy() - 1, targets))
    return survey.with_weights(made.weights, made.calibration, "region")


def answer(survey: mr.Survey, statistic: str) -> pd.Series:
    name, _, rest = statistic.partition("_")
    if name == "gini":
        found = survey.gini("income")
    elif name == "lorenz":
        found = survey.lorenz("income", shares=[float(rest)])
    elif name == "s80s20":
        found = survey.quintile_ratio("income")
    elif name == "gap":
        found = survey.pay_gap("income")
        return found.rows(measure=rest).iloc[0]
    elif name == "af":
        found = survey.alkire_foster(list(POVERTY_WEIGHTS), POVERTY_WEIGHTS, cutoff=0.5)
        return found.rows(variable=rest).iloc[0]
    else:
        line = {"0.6median": "0.6*median", "0.5mean": "0.5*mean"}.get(rest, 200)
        found = survey.fgt("income", line, alpha=int(name[-1]))
    return found.frame.iloc[0]


@pytest.mark.parametrize("kind", list(DESIGNS))
def test_estimates_and_errors_are_those_of_r(kind):
    full = survey_of(kind)
    rows = [row for row in REFERENCE if row["design"] == kind]
    assert len(rows) == 55
    for row in rows:
        survey = full.where(WHERE[row["domain"]]) if row["domain"] in WHERE else full
        found = answer(survey, row["statistic"])
        what = f"{row['statistic']} {row['domain']}"
        assert found["estimate"] == pytest.approx(row["estimate"], rel=1e-8), what
        assert found["std_error"] == pytest.approx(row["std_error"], rel=1e-8), what


def test_domains_are_subpopulations():
    survey = survey_of("poststratified")
    calls = {
        "gini": lambda s, by=None: s.gini("income", by=by),
        "s80s20": lambda s, by=None: s.quintile_ratio("income", by=by),
        "rate": lambda s, by=None: s.fgt("income", "0.6*median", by=by),
        "severity": lambda s, by=None: s.fgt("income", "0.5*mean", alpha=2, by=by),
        "gap": lambda s, by=None: s.pay_gap("income", within=by),
        "af": lambda s, by=None: s.alkire_foster(list(POVERTY_WEIGHTS), cutoff=0.5, by=by),
    }
    for name, call in calls.items():
        together = call(survey, "region")
        for region in (1, 2, 3):
            alone = call(survey.where(f"region == {region}")).frame
            rows = together.rows(region=region)
            for column in ("estimate", "std_error", "df", "n", "n_missing"):
                np.testing.assert_allclose(
                    rows[column].to_numpy(float), alone[column].to_numpy(float), rtol=1e-10,
                    err_msg=f"{name} {column}",
                )  # fmt: skip


def test_differences_between_domains_carry_the_estimated_line():
    """The rates of two regions share a line: their covariance is not zero."""
    rates = survey_of("wr").fgt("income", "0.6*median", by="region")
    between = rates.contrast("1 - 2").frame.iloc[0]
    parts = rates.frame.set_index("region")["std_error"]
    assert between["std_error"] ** 2 == pytest.approx(
        parts[1] ** 2 + parts[2] ** 2 - 2 * rates.vcov[0, 1], rel=1e-10
    )
    assert abs(rates.vcov[0, 1]) > 1e-8
