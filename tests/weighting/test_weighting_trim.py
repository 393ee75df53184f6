"""Trimming: rules, redistribution, margins inside, R's trimWeights, and that it always ends."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import WeightingError
from masar_research.weighting import kish

ORACLE = json.loads((Path(__file__).parent / "oracles" / "trim.json").read_text(encoding="utf-8"))


def survey_of(seed=3, n=600):
    rng = np.random.default_rng(seed)
    return mr.Survey(pd.DataFrame({
        "w": rng.lognormal(1, 0.9, n), "psu": np.repeat(np.arange(n // 10), 10), "sex": rng.integers(1, 3, n),
        "region": rng.integers(1, 4, n), "y": rng.normal(10, 3, n)}), weights="w", psu="psu")


def trimmed(**rule):
    return survey_of().weighting.trim(**rule).apply()


def refuses(words, call):
    with pytest.raises(WeightingError, match=words):
        call()


def test_weights_of_r():
    survey = mr.Survey(pd.DataFrame({"w": ORACLE["weights"]}), weights="w")
    for upper, key in ((9.0, "upper_9"), (6.0, "upper_6_strict")):
        ours = survey.weighting.trim(upper=upper, redistribute="equal").apply().design.weights
        reference = np.array(ORACLE[key])
        assert reference.max() <= upper * (1 + 1e-9)
        np.testing.assert_allclose(ours, reference, rtol=1e-8)


@pytest.mark.parametrize("rule", ["p95", "p99_5", "3*rms", "2.5*mean", "potter", "median + 3*iqr"])
def test_rules_are_met_and_the_sum_stays(rule):
    done = trimmed(upper=rule)
    (_, cap), = done.history[0].facts["bounds"]
    w, before = done.design.weights, survey_of().design.weights
    assert w.max() <= cap * (1 + 1e-12) and w.sum() == pytest.approx(before.sum(), rel=1e-12)
    np.testing.assert_array_equal(done.history[0].facts["rows"], np.flatnonzero(before > cap))
    assert {"p95": np.quantile(before, 0.95), "2.5*mean": 2.5 * before.mean(),
            "3*rms": 3 * np.sqrt(np.mean(before**2))}.get(rule, cap) == pytest.approx(cap)


def test_the_sum_of_each_class_stays():
    before, done = survey_of(), trimmed(upper="p95", within=["region"])
    np.testing.assert_allclose(done.count("region").frame["estimate"], before.count("region").frame["estimate"])
    assert not np.allclose(trimmed(upper="p95").design.weights, done.design.weights)


def test_the_bound_is_the_largest_that_keeps_the_design_effect():
    done = trimmed(max_deff=1.4)
    assert kish(done.design.weights) == pytest.approx(1.4, abs=1e-8)
    untouched = trimmed(max_deff=50.0)
    np.testing.assert_array_equal(untouched.design.weights, survey_of().design.weights)


def test_margins_and_bounds_hold_together():
    targets = {"sex": {1: 1500.0, 2: 1300.0}, "region": {1: 900.0, 2: 1000.0, 3: 900.0}}
    done = trimmed(upper=12.0, targets=targets)
    assert done.design.weights.max() <= 12 * (1 + 1e-12)
    np.testing.assert_allclose(done.count("sex").frame["estimate"], [1500, 1300], rtol=1e-8)
    np.testing.assert_allclose(done.count("region").frame["estimate"], [900, 1000, 900], rtol=1e-8)
    assert (done.count("sex").frame["std_error"] < 1e-6).all()
    at_cap = np.isclose(done.design.weights, 12.0)
    assert 5 < at_cap.sum() < 200
    loose = trimmed(upper=1e9, targets=targets).design.weights
    np.testing.assert_allclose(loose, survey_of().weighting.rake(targets).apply().design.weights, rtol=1e-7)
    shares = survey_of().weighting.trim(upper=12.0, targets={"sex": {1: 0.5, 2: 0.5}}, total="current").apply()
    np.testing.assert_allclose(shares.proportion("sex").frame["estimate"], 0.5)


def test_silent_error_16_linearised_and_replicates_agree_after_trimming_with_margins():
    targets = {"sex": {1: 1500.0, 2: 1300.0}, "region": {1: 900.0, 2: 1000.0, 3: 900.0}}
    done = trimmed(upper=12.0, targets=targets)
    jack = done.with_replicates(mr.replicates.JKn())
    for name in ("y",):
        a, b = done.total(name).frame["std_error"], jack.total(name).frame["std_error"]
        assert a.iloc[0] == pytest.approx(b.iloc[0], rel=0.03)
    assert (jack.count("sex").frame["std_error"] < 1e-5).all()


def test_a_row_drawn_twice_is_two_rows_below_the_cap_not_one_above():
    """Bootstrap factors multiply weights; the cap is on the weight of one copy."""
    done = trimmed(upper=12.0, redistribute=False)
    boot = done.with_replicates(mr.replicates.RaoWu(40), rng=np.random.default_rng(1))
    factors = survey_of().with_replicates(mr.replicates.RaoWu(40), rng=np.random.default_rng(1))
    for r in range(40):
        w = boot.design.replicates.weights.rows(boot.design, r)
        plain = factors.design.replicates.weights.rows(factors.design, r)
        np.testing.assert_allclose(w, plain * done.design.weights / survey_of().design.weights, rtol=1e-12)


def test_silent_error_28_every_weight_above_the_cap_ends_in_an_error():
    for rule in ({"upper": 0.1}, {"upper": 0.1, "redistribute": "equal"}, {"upper": 0.1, "within": ["sex"]}):
        refuses("lies outside the bounds", lambda rule=rule: trimmed(**rule))
    assert (trimmed(upper=0.1, redistribute=False).design.weights == 0.1).all()
    refuses("out of reach", lambda: trimmed(upper=0.1, targets={"sex": {1: 1500.0, 2: 1300.0}}))
    crossed = {"sex": {1: 1400.0, 2: 1400.0}, "region": {1: 2780.0, 2: 10.0, 3: 10.0}}
    refuses("out of reach|cannot hold together", lambda: trimmed(upper=7.5, targets=crossed))


def test_silent_error_18_what_would_change_nothing_is_refused():
    for words, rule in {
        "within= without": {"upper": 9.0, "within": ["sex"], "redistribute": False},
        "total= without": {"upper": 9.0, "total": 5.0},
        "max_deff= and upper": {"upper": 9.0, "max_deff": 2.0},
        "redistribute= and margins": {"upper": 9.0, "redistribute": "equal", "targets": {"sex": {1: 1, 2: 2}}},
        "cannot be reached": {"max_deff": 1.0},
        "is not known": {"upper": 9.0, "redistribute": "fairly"},
        "no bound": {},
    }.items():  # fmt: skip
        refuses(words, lambda rule=rule: trimmed(**rule))


def test_potters_distribution_has_the_moments_of_the_weights():
    from masar_research.weighting.step_trim import potter

    n, mean, variance = 1000.0, 100.0, 2500.0
    alpha = mean * (n * mean - 1) / (n * variance) + 2
    beta = (n * mean - 1) * (alpha - 1)
    w = 1 / (n * np.random.default_rng(1).beta(alpha, beta, 400_000))
    assert w.mean() == pytest.approx(mean, rel=0.005) and w.var() == pytest.approx(variance, rel=0.05)
    assert np.mean(w > potter(n, mean, variance)) == pytest.approx(0.01, rel=0.05)
