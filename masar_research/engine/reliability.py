"""Internal consistency of items from weighted covariances, with influence functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ItemAnalysis:
    """What each of K items does in the scale, from complete rows.

    ``mean, sd, rest, without, floor, ceiling`` are (K,): weighted mean, standard deviation,
    correlation with the sum of the other items, alpha without the item (NaN with two items), and
    the weighted shares at the item's lowest and highest observed answer.
    """

    mean: Floats
    sd: Floats
    rest: Floats
    without: Floats
    floor: Floats
    ceiling: Floats


def alpha(weights: Floats, *items: Floats) -> tuple[float, Floats]:
    """Cronbach's alpha ``K/(K−1) · (1 − Σ v_k / v_T)`` and its influence.

    Parameters
    ----------
    weights : ndarray (r,)
    *items : ndarray (r,)
        K complete items; v are weighted variances, T the sum of the items.

    Returns
    -------
    estimate : float
        NaN where the sum does not vary.
    influence : ndarray (r,)
        Derivative by the weight of each row.

    References
    ----------
    Cronbach (1951), *Psychometrika* 16, 297–334.

    Examples
    --------
    >>> round(alpha(np.ones(3), np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))[0], 4)
    0.6667
    """
    y = np.column_stack(items)
    k, total = y.shape[1], weights.sum()
    centred = y - weights @ y / total
    square, whole = np.sum(centred**2, axis=1), centred.sum(axis=1) ** 2
    within, variance = weights @ square / total, weights @ whole / total
    if not variance > 0:
        return np.nan, np.full(len(y), np.nan)
    change = (-(square - within) / variance + within * (whole - variance) / variance**2) / total
    return float(k / (k - 1) * (1 - within / variance)), k / (k - 1) * change


def standardised_alpha(weights: Floats, *items: Floats) -> tuple[float, Floats]:
    """Alpha of standardised items, ``K r̄ / (1 + (K−1) r̄)``, and its influence.

    r̄ is the mean correlation of pairs. Parameters and answer as in :func:`alpha`; NaN where an
    item does not vary.

    Examples
    --------
    >>> round(standardised_alpha(np.ones(3), np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))[0], 4)
    0.6667
    """
    y = np.column_stack(items)
    k, total = y.shape[1], weights.sum()
    centred = y - weights @ y / total
    spread = np.sqrt(weights @ centred**2 / total)
    if not np.all(spread > 0):
        return np.nan, np.full(len(y), np.nan)
    z = centred / spread
    r = (z * weights[:, None]).T @ z / total
    pairs = k * (k - 1) / 2
    mean = (r.sum() - k) / 2 / pairs
    products = (z.sum(axis=1) ** 2 - np.sum(z**2, axis=1)) / 2
    change = (products - z**2 @ (r.sum(axis=1) - 1) / 2) / pairs / total
    base = 1 + (k - 1) * mean
    return float(k * mean / base), k * change / base**2


def analyse(weights: Floats, *items: Floats) -> ItemAnalysis:
    """Item analysis of K complete items (r,) under weights (r,)."""
    y, total = np.column_stack(items), weights.sum()
    k = y.shape[1]
    mean = weights @ y / total
    centred = y - mean
    covariance = (centred * weights[:, None]).T @ centred / total
    variance, row = np.diag(covariance), covariance.sum(axis=1)
    others = covariance.sum() - 2 * row + variance
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (row - variance) / np.sqrt(variance * others)
        within = variance.sum() - variance
        without = (k - 1) / (k - 2) * (1 - within / others) if k > 2 else np.full(k, np.nan)
    ends = [weights @ (y == end) / total for end in (y.min(axis=0), y.max(axis=0))]
    return ItemAnalysis(mean, np.sqrt(variance), rest, without, *ends)
