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


def per_copy(weights: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(n,) weight of one copy of each row that is ``times`` times in the sample; 0 where it is not.

    Parameters
    ----------
    weights, times : (n,) float arrays
    """
    return np.divide(weights, times, out=np.zeros_like(weights), where=times > 0)


def quantile(weights: np.ndarray, times: np.ndarray, share: float) -> float:
    """A quantile of weights; that of `numpy.quantile` where every row counts once.

    Knots are the middles of the rows' places in the cumulated ``times``, stretched to 0 … 1.

    Parameters
    ----------
    weights, times : (n,) float arrays
        ``times`` > 0.
    share : float
    """
    if (times == times[0]).all():
        return float(np.quantile(weights, share))
    order = np.argsort(weights, kind="stable")
    middle = np.cumsum(times[order]) - times[order] / 2
    places = (middle - middle[0]) / (middle[-1] - middle[0]) if middle.size > 1 else middle
    return float(np.interp(share, places, weights[order]))


def level_off(
    weights: np.ndarray, lower: float, upper: float, times: np.ndarray | None = None
) -> np.ndarray:
    """Clip weights to [lower, upper] and scale the rest so that the sum stays.

    Solves Σ m clip(λ w, lower, upper) = Σ m w for λ; weights strictly inside the bounds keep
    their proportions.

    Parameters
    ----------
    weights : (n,) float array
        Positive.
    lower, upper : float
        lower ≤ mean weight ≤ upper, or no λ exists.
    times : (n,) float array, optional
        m, how often each weight counts; once by default.

    Returns
    -------
    (n,) float array
    """
    return _solved(weights, lower, upper, times, lambda w, by: w * by, 1.0)


def shift_off(
    weights: np.ndarray, lower: float, upper: float, times: np.ndarray | None = None
) -> np.ndarray:
    """Clip weights to [lower, upper] and add one number to the rest so that the sum stays.

    Solves Σ m clip(w + δ, lower, upper) = Σ m w for δ. With an upper bound only this is where R's
    ``trimWeights(strict=TRUE)`` ends.

    Parameters
    ----------
    weights, lower, upper, times
        As for :func:`level_off`.

    Returns
    -------
    (n,) float array
    """
    spread = float(np.ptp(weights)) + min(abs(upper), float(weights.max()))
    return _solved(weights, lower, upper, times, lambda w, by: w + by, spread)


def _solved(weights, lower, upper, times, move, step) -> np.ndarray:
    """The weights moved by the number at which the sum is kept; found by bisection, so it ends."""
    m = np.ones_like(weights) if times is None else times
    total = float(m @ weights)

    def kept(by: float) -> float:
        return float(m @ np.clip(move(weights, by), lower, upper))

    low, high = (0.0, step) if move(1.0, 0.0) == 0.0 else (-step, step)
    for _ in range(60):
        if kept(high) >= total * (1 - 1e-15):
            break
        high *= 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if kept(middle) < total:
            low = middle
        else:
            high = middle
        if high - low <= 1e-15 * abs(high):
            break
    out = np.clip(move(weights, high), lower, upper)
    inside = (out > lower) & (out < upper)
    if inside.any():
        rest = total - m[~inside] @ out[~inside]
        if move(1.0, 0.0) == 0.0:
            out[inside] *= rest / (m[inside] @ out[inside])
        else:
            out[inside] += (rest - m[inside] @ out[inside]) / m[inside].sum()
    return out
