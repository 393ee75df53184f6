"""The area-level model against identities and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from masar_research.engine import small_area, small_area_scales


def generated(m: int = 30, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(m), rng.normal(size=m)])
    psi = rng.uniform(0.1, 1.0, m)
    return x @ [2.0, 1.0] + 0.7 * rng.normal(size=m) + np.sqrt(psi) * rng.normal(size=m), x, psi


def likelihood(variance: float, y: np.ndarray, x: np.ndarray, psi: np.ndarray, method: str) -> float:
    """By whole matrices."""
    v = np.diag(variance + psi)
    inverse = np.linalg.inv(v)
    a = x.T @ inverse @ x
    rest = y - x @ np.linalg.solve(a, x.T @ inverse @ y)
    value = -0.5 * (np.linalg.slogdet(v)[1] + rest @ inverse @ rest)
    if method != "ml":
        value -= 0.5 * np.linalg.slogdet(a)[1]
    if method == "li_lahiri":
        value += np.log(variance)
    if method == "yoshimori_lahiri":
        value += np.log(np.arctan(np.sum(variance / (variance + psi)))) / len(y)
    return float(value)


@pytest.mark.parametrize("method", small_area.METHODS)
def test_it_is_the_maximum_of_the_likelihood(method: small_area.Method) -> None:
    y, x, psi = generated()
    found = small_area.fit(y, x, psi, method)
    best = optimize.minimize_scalar(
        lambda log: -likelihood(float(np.exp(log)), y, x, psi, method), bounds=(-8, 4), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    assert found.variance == pytest.approx(np.exp(best.x), rel=1e-6)
    assert not found.adjusted
    step = 1e-5
    heights = [likelihood(found.variance * (1 + k * step), y, x, psi, method) for k in (-1, 0, 1)]
    assert heights[1] >= max(heights) - 1e-13


def test_equal_variances_are_the_textbook_s() -> None:
    """Without covariates and with one ψ: σ² is s² − ψ, γ the same everywhere, the mean kept."""
    y = np.array([1.0, 1.4, 0.7, 1.9, 1.2, 0.5, 2.2])
    psi = np.full(7, 0.05)
    found = small_area.fit(y, np.ones((7, 1)), psi)
    assert found.variance == pytest.approx(np.var(y, ddof=1) - 0.05, rel=1e-12)
    gamma = found.variance / (found.variance + 0.05)
    np.testing.assert_allclose(found.estimate, gamma * y + (1 - gamma) * y.mean(), rtol=1e-12)
    assert found.estimate.mean() == pytest.approx(y.mean(), rel=1e-12)


def test_the_estimate_is_its_matrix_times_the_direct_ones() -> None:
    y, x, psi = generated()
    out = y.copy()
    out[[3, 7]] = np.nan
    found = small_area.fit(out, x, psi)
    np.testing.assert_allclose(found.matrix @ out[np.isfinite(out)], found.estimate, rtol=1e-12)
    np.testing.assert_allclose(found.matrix @ x[np.isfinite(out)], x, atol=1e-12)
    assert (found.shrinkage[[3, 7]] == 0).all()
    np.testing.assert_array_equal(found.estimate[[3, 7]], found.synthetic[[3, 7]])
    assert (found.g1[[3, 7]] == found.variance).all()


def test_order_of_areas_and_units_of_measurement_change_nothing() -> None:
    y, x, psi = generated()
    plain = small_area.fit(y, x, psi)
    turn = np.random.default_rng(0).permutation(len(y))
    turned = small_area.fit(y[turn], x[turn], psi[turn])
    np.testing.assert_allclose(turned.estimate, plain.estimate[turn], rtol=1e-10)
    scaled = small_area.fit(1000 * y, x, 1e6 * psi)
    np.testing.assert_allclose(scaled.estimate, 1000 * plain.estimate, rtol=1e-9)
    np.testing.assert_allclose(scaled.mse, 1e6 * plain.mse, rtol=1e-9)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_a_variance_of_zero_is_answered_by_the_adjusted_likelihood(method: small_area.Method) -> None:
    rng = np.random.default_rng(1)
    y = 0.01 * rng.normal(size=15)
    found = small_area.fit(y, np.ones((15, 1)), np.full(15, 1.0), method)
    assert found.adjusted and found.method == "yoshimori_lahiri"
    assert found.variance > 0 and (found.shrinkage > 0).all()
    own = small_area.fit(y, np.ones((15, 1)), np.full(15, 1.0), "yoshimori_lahiri")
    assert own.variance == found.variance and not own.adjusted
    larger = small_area.fit(y, np.ones((15, 1)), np.full(15, 1.0), "li_lahiri")
    assert larger.variance > own.variance


def test_many_fits_at_once_are_the_single_ones() -> None:
    y, x, psi = generated(m=12)
    rng = np.random.default_rng(4)
    several = y + rng.normal(size=(40, 12))
    found, adjusted = small_area.variances(several, x, psi, "reml")
    for row, value, flag in zip(several, found, adjusted, strict=True):
        one = small_area.fit(row, x, psi)
        assert value == pytest.approx(one.variance, rel=1e-12) and flag == one.adjusted


def errors(x: np.ndarray, psi: np.ndarray, variance: float, method: small_area.Method, times: int) -> np.ndarray:
    """Squared errors less estimated ones, and whether the interval held, by simulation: (2, times)."""
    rng = np.random.default_rng(9)
    m, out = len(psi), []
    for _ in range(times):
        theta = x @ [1.0, 1.0] + variance**0.5 * rng.normal(size=m)
        found = small_area.fit(theta + np.sqrt(psi) * rng.normal(size=m), x, psi, method)
        out.append([np.mean((found.estimate - theta) ** 2), np.mean(found.mse)])
    return np.mean(out, axis=0)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_estimated_error_is_the_true_one_on_average(method: small_area.Method) -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(30), rng.normal(size=30)])
    true, estimated = errors(x, rng.uniform(0.3, 1.2, 30), 1.0, method, 250)
    assert estimated == pytest.approx(true, rel=0.06)


def test_the_variance_function_is_the_gamma_regression_of_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    n, df = rng.integers(20, 200, 60).astype(float), rng.integers(1, 9, 60).astype(float)
    psi = 3.0 / n**0.8 * rng.chisquare(df) / df
    found = small_area_scales.smooth(psi, n, df)
    other = sm.GLM(
        psi, np.column_stack([np.ones(60), np.log(n)]), family=sm.families.Gamma(sm.families.links.Log()), freq_weights=df
    ).fit(tol=1e-14)
    assert found is not None
    np.testing.assert_allclose([found.intercept, found.slope], other.params, rtol=1e-7)
    assert found.variance.sum() == pytest.approx(psi.sum(), rel=1e-12)


def test_variances_from_few_units_do_not_turn_the_function_round() -> None:
    """Units go with interviews: on logarithms the few-unit areas would look steady and b be near zero."""
    rng = np.random.default_rng(7)
    slopes, plain = [], []
    for _ in range(200):
        df = rng.integers(1, 6, 40).astype(float)
        n = 12.0 * (df + 1)
        psi = 2.5 / n * rng.chisquare(df) / df
        found = small_area_scales.smooth(psi, n, df)
        assert found is not None
        slopes.append(found.slope)
        plain.append(np.polyfit(np.log(n), np.log(psi), 1)[0])
    assert abs(np.mean(slopes) + 1) < 0.1 and np.mean(plain) > -0.3
