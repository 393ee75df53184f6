"""Intervals and contrasts: hand-checked values, edges, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from masar_research.engine import contrasts, intervals
from masar_research.errors import EstimationError


def test_korn_graubard_is_clopper_pearson_for_a_simple_random_sample():
    """se² = p (1 − p) / n and df = n − 1: the exact binomial interval for 15 of 80."""
    n, x = 80, 15
    p = x / n
    low, high, effective = intervals.korn_graubard(
        [p], [np.sqrt(p * (1 - p) / n)], [n], [n - 1], 0.95
    )
    exact = stats.binomtest(x, n).proportion_ci(0.95, method="exact")
    assert effective[0] == pytest.approx(n, rel=1e-12)
    assert (low[0], high[0]) == pytest.approx((exact.low, exact.high), rel=1e-9)


def test_korn_graubard_caps_the_effective_size_at_n():
    """A negative intra-class correlation would make n* larger than the sample: NCHS caps it."""
    capped = intervals.korn_graubard([0.4], [0.01], [100], [50], 0.95)
    free = intervals.korn_graubard([0.4], [0.01], [100], [50], 0.95, cap=False)
    assert capped[2][0] == 100
    assert free[2][0] > 2000
    assert free[1][0] - free[0][0] < capped[1][0] - capped[0][0]


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_korn_graubard_of_none_or_all_is_one_sided(p):
    low, high, effective = intervals.korn_graubard([p], [0.0], [50], [20], 0.95)
    reach = 1 - 0.025 ** (1 / 50)
    assert effective[0] == 50
    assert (low[0], high[0]) == pytest.approx((0, reach) if p == 0 else (1 - reach, 1), rel=1e-9)


def test_wilson_is_the_score_interval_for_a_simple_random_sample():
    n, x = 80, 15
    p = x / n
    low, high = intervals.wilson([p], [np.sqrt(p * (1 - p) / n)], [np.inf], 0.95)
    exact = stats.binomtest(x, n).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((exact.low, exact.high), rel=1e-9)


@pytest.mark.parametrize("df", [0, -3, np.nan])
def test_without_degrees_of_freedom_there_is_no_interval(df):
    for low, high in (
        intervals.wald([0.3], [0.1], [df], 0.95), intervals.logit([0.3], [0.1], [df], 0.95),
        intervals.wilson([0.3], [0.1], [df], 0.95), intervals.korn_graubard([0.3], [0.1], [40], [df], 0.95)[:2],
    ):  # fmt: skip
        assert np.isnan([low[0], high[0]]).all()


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_shares_of_none_or_all_have_no_logit_and_no_wilson(p):
    assert np.isnan(intervals.logit([p], [0.0], [9], 0.95)).all()
    assert np.isnan(intervals.wilson([p], [0.0], [9], 0.95)).all()


def test_intervals_of_shares_stay_between_0_and_1_and_hold_the_estimate():
    p = np.array([0.001, 0.02, 0.5, 0.97, 0.9995])
    error = np.array([0.01, 0.02, 0.2, 0.03, 0.001])
    for low, high in (
        intervals.logit(p, error, [12] * 5, 0.99), intervals.wilson(p, error, [12] * 5, 0.99),
        intervals.korn_graubard(p, error, [60] * 5, [12] * 5, 0.99)[:2],
    ):  # fmt: skip
        assert ((low >= 0) & (low <= p) & (p <= high) & (high <= 1)).all()


def test_a_higher_level_is_a_wider_interval():
    widths = [
        np.diff(intervals.wald([0.0], [1.0], [9], level), axis=0)[0, 0]
        for level in (0.8, 0.9, 0.95, 0.99)
    ]
    assert widths == sorted(widths)
    assert widths[2] / 2 == pytest.approx(2.262157163, rel=1e-9)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(EstimationError, match="not a confidence level"):
        intervals.wald([1.0], [1.0], [9], level)


def test_values_that_are_no_shares_are_refused():
    with pytest.raises(EstimationError, match="between 0 and 1"):
        intervals.logit([21.4], [1.0], [9], 0.95)


def test_the_published_example_of_a_change_between_waves():
    """13.8 % (SE 1.0) against 16.5 % (SE 1.1): 2.7 points, z = 1.82, p = 0.069, −0.2 … 5.6."""
    change = contrasts.linear([-1, 1], [13.8, 16.5], np.diag([1.0, 1.21]), np.inf)
    assert change.estimate[0] == pytest.approx(2.7)
    assert change.t[0] == pytest.approx(1.82, abs=0.005)
    assert change.p[0] == pytest.approx(0.069, abs=5e-4)
    low, high = intervals.wald(change.estimate, change.std_error, change.df, 0.95)
    assert (low[0], high[0]) == pytest.approx((-0.2, 5.6), abs=0.05)


def test_a_coefficient_of_zero_leaves_out_what_does_not_exist():
    vcov = np.diag([1.0, np.nan, 4.0])
    vcov[1] = vcov[:, 1] = np.nan
    gap = contrasts.linear([[1, 0, -1], [1, -1, 0]], [5.0, np.nan, 2.0], vcov, 10)
    assert (gap.estimate[0], gap.std_error[0]) == (3.0, np.sqrt(5.0))
    assert np.isnan([gap.std_error[1], gap.p[1]]).all()


def test_a_negative_variance_has_no_standard_error():
    gap = contrasts.linear([1, -1], [5.0, 4.0], [[1.0, 1.5], [1.5, 1.0]], 10)
    assert np.isnan([gap.std_error[0], gap.t[0], gap.p[0]]).all()
    assert gap.estimate[0] == 1


def test_without_degrees_of_freedom_a_contrast_has_no_test():
    gap = contrasts.linear([1, -1], [5.0, 4.0], np.eye(2), 0)
    assert np.isnan(gap.p[0])
    assert np.isfinite(gap.std_error[0])


def test_the_joint_test_of_one_contrast_is_its_squared_t():
    gap = contrasts.linear([1, -1], [5.0, 4.0], [[1.0, 0.2], [0.2, 0.5]], 17)
    test = contrasts.joint(gap, 17)
    assert test.f == pytest.approx(gap.t[0] ** 2, rel=1e-12)
    assert test.p == pytest.approx(gap.p[0], rel=1e-12)


def test_the_joint_test_does_not_depend_on_how_the_contrasts_are_written():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(4, 4))
    theta, vcov = rng.normal(size=4), root @ root.T
    pairs = contrasts.linear([[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1]], theta, vcov, 30)
    redundant = contrasts.linear(
        [[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1], [1, 0, 0, -1], [1, 0, -1, 0]], theta, vcov, 30
    )
    a, b = contrasts.joint(pairs, 30), contrasts.joint(redundant, 30)
    assert (a.df_num, b.df_num) == (3, 3)
    assert a.f == pytest.approx(b.f, rel=1e-9)


def test_too_many_contrasts_for_the_degrees_of_freedom_have_no_test():
    gaps = contrasts.linear(np.eye(4), np.ones(4), np.eye(4), 3)
    assert np.isnan(contrasts.joint(gaps, 3).p)


def test_the_delta_method_finds_its_own_derivatives():
    theta, vcov = np.array([2.0, 0.5, 1e-6]), np.diag([0.1, 0.2, 1e-14])
    fun = lambda b: [b[0] * b[1], np.exp(b[0]), b[2] / b[1]]  # noqa: E731
    grad = lambda b: [[b[1], b[0], 0], [np.exp(b[0]), 0, 0], [0, -b[2] / b[1] ** 2, 1 / b[1]]]  # noqa: E731
    numeric, exact = (
        contrasts.delta(fun, theta, vcov, 9),
        contrasts.delta(fun, theta, vcov, 9, grad=grad),
    )
    np.testing.assert_allclose(numeric.std_error, exact.std_error, rtol=1e-7)


def test_coefficients_that_do_not_fit_are_refused():
    with pytest.raises(EstimationError, match="one coefficient per estimate"):
        contrasts.linear([1, -1, 0], [5.0, 4.0], np.eye(2), 10)
