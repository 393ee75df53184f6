"""The area-level model against identities and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from masar_research.engine import small_area


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
