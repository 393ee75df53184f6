"""Inequality of one thing along the ranks of another; reach of a programme beside the population."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def concentration(
    weights: Floats, health: Floats, rank: Floats, kind: str = "standard", low: float = 0.0, high: float = 1.0
) -> tuple[float, Floats]:
    """Concentration index ``C = 2 S / (N T) − 1``, ``S = Σ w h (L + E/2)``, ``T = Σ w h``.

    L is the weight of those ranked below, E of those ranked alike, so ties share their mean rank.
    Below zero: the outcome gathers among the lowest ranks.

    Parameters
    ----------
    weights, health, rank : ndarray (r,)
    kind : {"standard", "generalised", "erreygers", "wagstaff"}
        C; ``μ C``; ``4 μ C / (b − a)``; ``C μ (b − a) / ((b − μ)(μ − a))``, for an outcome bounded by a and b.
    low, high : float
        a and b.

    Returns
    -------
    estimate : float
        NaN where the outcome's mean is not positive (or lies on a bound).
    influence : ndarray (r,)

    References
    ----------
    Kakwani, Wagstaff and van Doorslaer (1997), *Journal of Econometrics* 77, 87–103; Erreygers (2009),
    *Journal of Health Economics* 28, 504–515; Wagstaff (2005), *Health Economics* 14, 429–432.

    Examples
    --------
    >>> float(concentration(np.ones(2), np.array([0.0, 1.0]), np.array([1.0, 2.0]))[0])
    0.5
    """
    n, total = weights.sum(), float(weights @ health)
    mean = total / n
    if not mean > 0 or (kind == "wagstaff" and not low < mean < high):
        return np.nan, np.full(len(health), np.nan)
    _, place = np.unique(rank, return_inverse=True)
    alike, held = (np.bincount(place, part) for part in (weights, weights * health))
    below = np.cumsum(alike) - alike
    above = total - np.cumsum(held)
    middle = (below + alike / 2)[place]
    s = float((weights * health) @ middle)
    moved = health * middle + (above + held / 2)[place]
    index = 2 * s / (n * total) - 1
    influence = 2 * (moved - s / n - s * health / total) / (n * total)
    of_mean = (health - mean) / n
    if kind == "standard":
        return index, influence
    if kind == "generalised":
        return mean * index, mean * influence + index * of_mean
    width = high - low
    if kind == "erreygers":
        return 4 * mean * index / width, 4 * (mean * influence + index * of_mean) / width
    room = (high - mean) * (mean - low)
    factor = width * mean / room
    slope = width * (room - mean * (high + low - 2 * mean)) / room**2
    return factor * index, factor * influence + index * slope * of_mean


def reach(weights: Floats, taking: Floats, group: Floats, population: Floats) -> tuple[Floats, Floats]:
    """Share of each group among those reached over its share of the population.

    Parameters
    ----------
    weights : ndarray (r,)
    taking : ndarray (r,)
        1 for those reached, else 0.
    group : ndarray (r,)
        0 … k − 1.
    population : ndarray (k,)
        Known shares; NaN to take the survey's own.

    Returns
    -------
    estimate : ndarray (k,)
        1 where a group is reached in proportion; NaN where nobody is reached.
    influence : ndarray (r, k)
    """
    k = len(population)
    inside = group[:, None] == np.arange(k)
    reached, n = float(weights @ taking), weights.sum()
    if not reached > 0:
        return np.full(k, np.nan), np.full((len(weights), k), np.nan)
    among = (weights * taking) @ inside / reached
    move_among = taking[:, None] * (inside - among) / reached
    own = weights @ inside / n
    known = np.isfinite(population)
    share = np.where(known, population, own)
    move_share = np.where(known, 0.0, (inside - own) / n)
    ratio = np.divide(among, share, out=np.full(k, np.nan), where=share > 0)
    return ratio, (move_among - ratio * move_share) / np.where(share > 0, share, np.nan)
