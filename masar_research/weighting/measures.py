"""Measures of a set of weights."""

from __future__ import annotations

import numpy as np


def kish(weights: np.ndarray) -> float:
    """Design effect of unequal weights, n Σw² / (Σw)², over positive weights.

    Parameters
    ----------
    weights : (n,) float array

    References
    ----------
    Kish (1965), *Survey Sampling*, 11.2C.

    Examples
    --------
    >>> import numpy as np
    >>> kish(np.array([1.0, 1.0, 2.0, 4.0]))
    1.375
    """
    w = weights[weights > 0]
    return float(w.size * np.sum(w * w) / np.sum(w) ** 2)


def summary(weights: np.ndarray) -> dict[str, float]:
    """n, sum, min, median, max, mean, CV, Kish design effect and effective n of positive weights.

    Parameters
    ----------
    weights : (n,) float array
    """
    w = weights[weights > 0]
    deff = kish(w)
    mean = float(w.mean())
    return {
        "n": int(w.size),
        "sum": float(w.sum()),
        "min": float(w.min()),
        "median": float(np.median(w)),
        "max": float(w.max()),
        "mean": mean,
        "cv": float(np.sqrt(max(deff - 1.0, 0.0))),
        "deff": deff,
        "n_eff": w.size / deff,
    }


def level_off(weights: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Clip weights to [lower, upper] and scale the rest so that the sum stays.

    Solves Σ clip(λ w, lower, upper) = Σ w for λ; weights strictly inside the bounds keep their
    proportions.

    Parameters
    ----------
    weights : (n,) float array
        Positive.
    lower, upper : float
        n·lower ≤ Σw ≤ n·upper, or no λ exists.

    Returns
    -------
    (n,) float array
    """
    total = weights.sum()
    low, high = 0.0, 1.0
    while np.clip(high * weights, lower, upper).sum() < total * (1 - 1e-15) and high < 1e12:
        high *= 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if np.clip(middle * weights, lower, upper).sum() < total:
            low = middle
        else:
            high = middle
        if high - low <= 1e-15 * high:
            break
    out = np.clip(high * weights, lower, upper)
    inside = (out > lower) & (out < upper)
    if inside.any():
        out[inside] *= (total - out[~inside].sum()) / out[inside].sum()
    return out
