"""Items that work differently in two groups: weighted Mantel–Haenszel, pseudo R², classes of size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Points of the ETS delta scale per unit of the log odds ratio.
DELTA = -2.35


def mantel_haenszel(
    y: NDArray[np.intp], focal: NDArray[np.bool_], level: NDArray[np.intp], weights: Floats
) -> tuple[float, Floats]:
    """Weighted Mantel–Haenszel log odds ratio of a right answer, focal to reference, with its influence.

    ``log α = log Σ_k A_k D_k / N_k − log Σ_k B_k C_k / N_k`` over levels of the matching score; A
    and B are the weights of right and wrong answers in the focal group, C and D in the reference.

    Parameters
    ----------
    y : ndarray of 0/1 (n,)
    focal : ndarray of bool (n,)
    level : ndarray of int (n,)
        Dense codes of the matching score.
    weights : ndarray (n,)

    Returns
    -------
    log_odds : float
        NaN where one of the two sums is zero.
    influence : ndarray (n,)
        Derivative by the weight of each row.

    References
    ----------
    Mantel and Haenszel (1959), *JNCI* 22; Holland and Thayer (1988); Graubard, Fears and Gail
    (1989), *Biometrics* 45 (sampled data).

    Examples
    --------
    >>> y, focal = np.array([1, 1, 0, 1, 0, 0]), np.array([True, True, True, False, False, False])
    >>> float(np.exp(mantel_haenszel(y, focal, np.zeros(6, int), np.ones(6))[0]).round(6))
    4.0
    """
    cell = np.where(focal, np.where(y == 1, 0, 1), np.where(y == 1, 2, 3))
    k = int(level.max()) + 1
    table = np.bincount(level * 4 + cell, weights, 4 * k).reshape(k, 4)
    total = table.sum(axis=1)
    safe = np.where(total > 0, total, 1.0)
    up, down = table[:, 0] * table[:, 3] / safe, table[:, 1] * table[:, 2] / safe
    first, second = float(up.sum()), float(down.sum())
    if not (first > 0 and second > 0):
        return float("nan"), np.zeros(len(y))
    # Derivatives of both sums by each cell of each level.
    slopes = np.zeros((k, 4))
    slopes[:, 0], slopes[:, 3] = table[:, 3] / safe / first, table[:, 0] / safe / first
    slopes[:, 1], slopes[:, 2] = -table[:, 2] / safe / second, -table[:, 1] / safe / second
    slopes += (-up / safe / first + down / safe / second)[:, None]
    return float(np.log(first) - np.log(second)), slopes[level, cell]


def nagelkerke(null: float, fitted: float, weight: float) -> float:
    """Nagelkerke's R² from weighted log-likelihoods and the sum of weights.

    ``(1 − exp(2 (ℓ₀ − ℓ) / Σw)) / (1 − exp(2 ℓ₀ / Σw))``, as in R's ``psrsq``.

    Examples
    --------
    >>> round(nagelkerke(-69.3147, -50.0, 100.0), 4)
    0.4272
    """
    return float((1 - np.exp(2 * (null - fitted) / weight)) / (1 - np.exp(2 * null / weight)))


def size_class(change: float, limits: tuple[float, float] = (0.035, 0.070)) -> str:
    """A, B or C of a change of Nagelkerke's R²: by default Jodoin and Gierl's limits.

    Examples
    --------
    >>> size_class(0.01), size_class(0.05), size_class(0.2, (0.13, 0.26))
    ('A', 'B', 'B')
    """
    return "A" if change < limits[0] else "B" if change < limits[1] else "C"


def ets_class(delta: float, std_error: float, critical: float) -> str:
    """ETS class of a Mantel–Haenszel delta: A negligible, B moderate, C large, "–" unknown.

    A where |Δ| < 1 or Δ cannot be told from 0; C where |Δ| ≥ 1.5 and detectably above 1; else B.

    References
    ----------
    Zieky (1993), in Holland and Wainer, *Differential Item Functioning*.

    Examples
    --------
    >>> ets_class(-2.0, 0.2, 1.96), ets_class(1.6, 0.4, 1.96), ets_class(0.5, 0.1, 1.96)
    ('C', 'B', 'A')
    """
    size = abs(delta)
    if not (np.isfinite(size) and np.isfinite(std_error)):
        return "–"
    if size < 1 or size <= critical * std_error:
        return "A"
    # The test of |Δ| > 1 is one-sided at half of the two-sided chance, by the same critical value.
    return "C" if size >= 1.5 and size - 1 > critical * std_error else "B"
