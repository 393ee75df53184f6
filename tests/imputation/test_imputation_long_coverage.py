"""Coverage over 500 samples and more: stratified, clustered, weighted by what matters, missing at random.

A weight that depends on the sampling unit's own level makes the design informative: whoever leaves the
weight, the strata or the units out of the imputation is wrong. Truths come from quadrature, not from a sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import masar_research as mr

STRATA, PSUS, TAKE = 4, 12, 8
BASE = np.array([1.0, 1.5, 2.0, 3.0])
SHARE = BASE / BASE.sum()
TILT, PULL, SPREAD = 0.3, 0.5, 0.7
LOW, HIGH = 0.93, 0.97


def design(rng):
    """Unit, stratum, weight, unit effect, covariate and group of one sample.

    log w = log base + 0.3 z, b = 0.7 (0.5 z + √0.75 e): in the population z is N(0.3, 1), in the sample N(0, 1).
    """
    unit = np.repeat(np.arange(STRATA * PSUS), TAKE)
    stratum = unit // PSUS
    z = rng.normal(size=STRATA * PSUS)
    b = SPREAD * (PULL * z + np.sqrt(1 - PULL**2) * rng.normal(size=z.size))
    x = rng.normal(size=unit.size) + 0.3 * rng.normal(size=z.size)[unit]
    return unit, stratum, (BASE[stratum] * np.exp(TILT * z[unit])), b[unit], x, rng.integers(1, 3, unit.size)


def frame(rng, family, lose_x):
    """A sample with everything answered, and as it was answered.

    y is lost by x and stratum; where x is lost too, y by sex and stratum and x by sex and the y that was
    answered, so that all that is missing is missing at random.
    """
    unit, stratum, w, b, x, sex = design(rng)
    eta = EFFECT[family](stratum, x, sex) + b
    y = eta + rng.normal(size=unit.size) if family == "linear" else (rng.random(unit.size) < expit(eta)).astype(float)
    whole = pd.DataFrame({"w": w, "stratum": stratum, "psu": unit, "x": x, "sex": sex.astype(float), "y": y})
    chance = expit(-0.9 + 0.4 * (stratum - 1.5) + (0.6 * (sex == 2) if lose_x else 0.8 * x))
    lost = rng.random(unit.size) < chance
    data = whole.assign(y=whole["y"].mask(lost))
    if lose_x:
        told = np.where(lost, 0.0, y)
        data["x"] = whole["x"].mask(rng.random(unit.size) < expit(-1.2 + 0.5 * told + 0.4 * (sex == 2)))
    return whole, data


EFFECT = {
    "linear": lambda stratum, x, sex: 0.8 * stratum + x + 0.5 * (sex == 2),
    "logit": lambda stratum, x, sex: -1.2 + 0.4 * stratum + 0.8 * x + 0.5 * (sex == 2),
}


def truths(family):
    """Population mean, mean of the second group, and slope of x in y ~ x + sex, by quadrature."""
    at, mass = np.polynomial.hermite_e.hermegauss(40)
    mass = mass / mass.sum()
    x_sd, b_mean, b_sd = np.sqrt(1.09), SPREAD * PULL * TILT, SPREAD
    h, i, j, s = (a.ravel() for a in np.meshgrid(np.arange(STRATA), np.arange(40), np.arange(40), [1, 2], indexing="ij"))
    weight = SHARE[h] * mass[i] * mass[j] / 2
    x = at[i] * x_sd
    eta = EFFECT[family](h, x, s) + b_mean + b_sd * at[j]
    y = eta if family == "linear" else expit(eta)
    X = np.column_stack([np.ones(x.size), x, s == 2]).astype(float)
    coef = np.zeros(3)
    for _ in range(50):
        mu = X @ coef if family == "linear" else expit(X @ coef)
        slope = np.ones(x.size) if family == "linear" else mu * (1 - mu)
        coef = coef + np.linalg.solve(X.T @ (X * (weight * slope)[:, None]), X.T @ (weight * (y - mu)))
    second = s == 2
    return np.array([weight @ y, weight[second] @ y[second] / weight[second].sum(), coef[1]])


def asked(family) -> Callable:
    """Mean, mean of the second group and slope, with intervals, of a survey or of its imputations."""
    def of(survey):
        verb = survey.linear if family == "linear" else survey.logit
        table = survey.mean if family == "linear" else survey.proportion
        answers = table("y").frame, table("y", by="sex").frame
        if family == "logit":
            answers = tuple(each[each["category"] == 1] for each in answers)
        return [answers[0].iloc[0], answers[1].iloc[1], verb("y ~ x + sex").frame.set_index("term").loc["x"]]
    return of


def simulate(times, family, methods, lose_x, seed, parts=("strata", "weight", "psu"), m=10):
    """What `times` samples gave for the mean, the second group's mean and the slope.

    Returns
    -------
    dict
        ``cover``, ``bias`` (in standard deviations of the estimator), ``se`` (root mean square of the
        standard error over that standard deviation), ``fmi``, and ``whole``: the coverage had nobody been
        silent; (3,) arrays.
    """
    rng = np.random.default_rng(seed)
    truth, of = truths(family), asked(family)
    iterations = 8 if lose_x else 2  # two variables that hang together need rounds: after 3 the slope was 0.4 sd too low
    got, full = np.zeros((times, 3, 5)), np.zeros((times, 3, 2))
    for k in range(times):
        whole, data = frame(rng, family, lose_x)
        survey = mr.Survey(data, weights="w", strata="stratum", psu="psu")
        found = survey.impute(["x", "y"] if lose_x else ["y"], predictors=["sex"] if lose_x else ["x", "sex"], m=m,
                              iterations=iterations, methods=methods, design=parts, rng=rng)
        for i, row in enumerate(of(found)):
            got[k, i] = row["estimate"], row["std_error"], row["conf_low"], row["conf_high"], row["fmi"]
        for i, row in enumerate(of(mr.Survey(whole, weights="w", strata="stratum", psu="psu"))):
            full[k, i] = row["conf_low"], row["conf_high"]
    away = got[:, :, 0].std(axis=0, ddof=1)
    inside = lambda low, high: ((low <= truth) & (truth <= high)).mean(0)  # noqa: E731
    return {"cover": inside(got[:, :, 2], got[:, :, 3]), "bias": (got[:, :, 0].mean(0) - truth) / away,
            "se": np.sqrt((got[:, :, 1] ** 2).mean(0)) / away, "fmi": got[:, :, 4].mean(0),
            "whole": inside(full[:, :, 0], full[:, :, 1])}


CASES = {
    "norm": ("linear", {"y": "norm"}, False, 1),
    "pmm": ("linear", {"y": "pmm"}, False, 2),
    "logit": ("logit", {"y": "logit"}, False, 3),
    "norm, covariate too": ("linear", {"y": "norm", "x": "norm"}, True, 4),
    "logit, covariate too": ("logit", {"y": "logit", "x": "norm"}, True, 5),
}


# Where the covariate is missing too, the slope is drawn towards zero by 0.4 of its standard deviation (seen; its
# interval holds in 97.8 %), as docs/methods/imputation.md says.
KNOWN = {"norm, covariate too": 0.4}


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_intervals_over_imputations_hold_the_truth_at_their_level(name):
    """Fails where the 99 % range of a seen coverage lies wholly outside 93–97 %, or the estimate is biased.

    500 samples: that is fewer than 90.0 or more than 98.8 %; an estimator a fifth of its standard
    deviation off loses less than half a point of coverage and is let pass.
    """
    times = 500
    family, methods, lose_x, seed = CASES[name]
    found = simulate(times, family, methods, lose_x, seed)
    for share in found["cover"]:
        low, high = stats.binomtest(round(share * times), times).proportion_ci(0.99)
        assert high >= LOW and low <= HIGH, (name, found)
    assert (np.abs(found["bias"]) < KNOWN.get(name, 0.2) + 2.6 / np.sqrt(times)).all(), (name, found)


@pytest.mark.full
def test_without_the_design_the_same_intervals_fail():
    """Sharpness of the test above: leaving the design out of the imputation shows."""
    found = simulate(60, *CASES["norm"], parts=(), m=5)
    assert found["bias"][0] < -0.3 or stats.binomtest(round(found["cover"][0] * 60), 60).proportion_ci(0.99).high < LOW, found


@pytest.mark.parametrize("family", ["linear", "logit"])
def test_the_truths_of_the_simulation_are_those_of_a_large_sample(family):
    rng, truth, parts = np.random.default_rng(5), truths(family), []
    for _ in range(60):
        whole, _ = frame(rng, family, False)
        parts.append(whole)
    big = pd.concat(parts)
    w, y, second = big["w"], big["y"], big["sex"] == 2
    assert np.average(y, weights=w) == pytest.approx(truth[0], abs=0.06)
    assert np.average(y[second], weights=w[second]) == pytest.approx(truth[1], abs=0.06)
