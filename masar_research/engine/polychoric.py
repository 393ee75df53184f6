"""Polychoric correlation of two ordered variables by weighted two-step maximum likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri, owens_t

Floats = NDArray[np.float64]

# Beyond this a normal score has no probability left in double precision.
_FAR = 40.0
# |rho| at which the search ends: a table without one corner is fitted best at 1.
_EDGE = 0.9999
_TINY = 1e-300


def binormal(h: Floats, k: Floats, rho: float) -> Floats:
    """``P(X ≤ h, Y ≤ k)`` of standard normals with correlation ``rho``, by Owen's T.

    Parameters
    ----------
    h, k : ndarray, broadcast against each other
    rho : float
        Between −1 and 1, ends excluded.

    References
    ----------
    Owen (1956), *Annals of Mathematical Statistics* 27, 1075–1090.

    Examples
    --------
    >>> float(np.round(binormal(np.array(0.0), np.array(0.0), 0.5), 12))
    0.333333333333
    """
    h, k = np.broadcast_arrays(np.clip(h, -_FAR, _FAR), np.clip(k, -_FAR, _FAR))
    h, k = np.where(np.abs(h) < _TINY, _TINY, h), np.where(np.abs(k) < _TINY, _TINY, k)
    root = np.sqrt(1 - rho**2)
    ratio = k / h
    first, second = (ratio - rho) / root, (1 / ratio - rho) / root
    apart = np.where(h * np.sign(k) > 0, 0.0, 0.5)
    return (ndtr(h) + ndtr(k)) / 2 - owens_t(h, first) - owens_t(k, second) - apart


def polychoric(weights: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
    """Polychoric correlation and its influence; tetrachoric where both have two answers.

    Thresholds are normal scores of the weighted cumulative shares; given these, rho maximises
    ``Σ w log π_ab(rho)``, π_ab the binormal probability of the cell. The influence carries the
    error of the thresholds: with ``g`` the mean score of rho,
    ``−(g_i + Σ_c ∂g/∂τ_c · dτ_ci) / (∂g/∂rho) / W``, ``dτ_ci = (1{answer ≤ c} − P_c)/φ(τ_c)``.

    Parameters
    ----------
    weights, x, y : ndarray (r,)
        Positive weights; ordered codes without missing values.

    Returns
    -------
    estimate : float
        NaN where a variable has one answer only; ±1 where the table leaves no other (its
        likelihood has no maximum inside ±0.9999).
    influence : ndarray (r,)
        Derivative by the weight of each row; NaN where the estimate is NaN or at its end.

    References
    ----------
    Olsson (1979), *Psychometrika* 44, 443–460.

    Examples
    --------
    >>> x, y = np.array([0, 0, 1, 1.0]), np.array([0, 1, 0, 1.0])
    >>> round(polychoric(np.array([2.0, 1, 1, 2]), x, y)[0], 6)
    0.5
    """
    a_levels, a = np.unique(x, return_inverse=True)
    b_levels, b = np.unique(y, return_inverse=True)
    rows, columns = len(a_levels), len(b_levels)
    nothing = np.full(len(x), np.nan)
    if rows < 2 or columns < 2:
        return np.nan, nothing
    total = weights.sum()
    share = np.bincount(a * columns + b, weights, rows * columns).reshape(rows, columns) / total
    below_a, below_b = np.cumsum(share.sum(axis=1))[:-1], np.cumsum(share.sum(axis=0))[:-1]
    tau_a, tau_b = ndtri(below_a), ndtri(below_b)
    rho, inside = _maximum(share, tau_a, tau_b)
    if not inside:
        return rho, nothing
    score, by_rho, by_tau = _score(share, tau_a, tau_b, rho)
    cells = score.copy()
    for levels, below, tau, slopes, axis in (
        (rows, below_a, tau_a, by_tau[: rows - 1], 0), (columns, below_b, tau_b, by_tau[rows - 1 :], 1),
    ):  # fmt: skip
        reached = np.arange(levels)[:, None] <= np.arange(levels - 1)
        moved = (reached - below) / _density(tau) @ slopes
        cells += moved[:, None] if axis == 0 else moved
    return rho, (-cells / by_rho / total)[a, b]


def _density(z: Floats) -> Floats:
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def _corners(tau: Floats) -> Floats:
    return np.concatenate([[-_FAR], tau, [_FAR]])


def _cells(tau_a: Floats, tau_b: Floats, rho: float) -> Floats:
    """Probabilities of the cells, never below the smallest a logarithm can bear."""
    grid = binormal(_corners(tau_a)[:, None], _corners(tau_b), rho)
    return np.maximum(np.diff(np.diff(grid, axis=0), axis=1), _TINY)


def _maximum(share: Floats, tau_a: Floats, tau_b: Floats) -> tuple[float, bool]:
    """Rho of the greatest likelihood, and whether it lies inside the range."""
    seen = share > 0

    def loss(rho: float) -> float:
        return -float(share[seen] @ np.log(_cells(tau_a, tau_b, rho)[seen]))

    found = minimize_scalar(loss, bounds=(-_EDGE, _EDGE), method="bounded", options={"xatol": 1e-7})
    rho = float(found.x)
    if abs(rho) > _EDGE - 1e-4:
        return float(np.sign(rho)), False
    for _ in range(20):
        score, slope, _ = _score(share, tau_a, tau_b, rho, thresholds=False)
        step = float(np.sum(share * score)) / slope
        rho = float(np.clip(rho - step, -_EDGE, _EDGE))
        if abs(step) < 1e-13:
            break
    return rho, True


def _score(
    share: Floats, tau_a: Floats, tau_b: Floats, rho: float, thresholds: bool = True
) -> tuple[Floats, float, Floats]:
    """Score of rho in each cell, and the slopes of its mean by rho and by each threshold."""
    seen = share > 0

    def slopes(ta: Floats, tb: Floats, at: float) -> Floats:
        h, k = _corners(ta)[:, None], _corners(tb)
        corner = np.exp(-(h**2 - 2 * at * h * k + k**2) / (2 * (1 - at**2)))
        corner /= 2 * np.pi * np.sqrt(1 - at**2)
        change = np.diff(np.diff(corner, axis=0), axis=1)
        return np.where(seen, change / _cells(ta, tb, at), 0.0)

    def mean(ta: Floats, tb: Floats, at: float) -> float:
        return float(np.sum(share * slopes(ta, tb, at)))

    step = 1e-5 * (1 - rho**2)
    by_rho = (mean(tau_a, tau_b, rho + step) - mean(tau_a, tau_b, rho - step)) / (2 * step)
    by_tau = []
    both = np.concatenate([tau_a, tau_b]) if thresholds else np.empty(0)
    for c in range(len(both)):
        ends = []
        for sign in (1, -1):
            moved = both.copy()
            moved[c] += sign * 1e-5
            ends.append(mean(moved[: len(tau_a)], moved[len(tau_a) :], rho))
        by_tau.append((ends[0] - ends[1]) / 2e-5)
    return slopes(tau_a, tau_b, rho), by_rho, np.array(by_tau)


def ordinal_alpha(weights: Floats, *items: Floats) -> tuple[float, Floats]:
    """Standardised alpha of polychoric correlations, ``K r̄ / (1 + (K−1) r̄)``, and its influence.

    Parameters and answer as in :func:`masar_research.engine.reliability.alpha`; NaN where a pair
    has no polychoric correlation.

    References
    ----------
    Zumbo, Gadermann and Zeisser (2007), *Journal of Modern Applied Statistical Methods* 6, 21–29.

    Examples
    --------
    >>> x, y = np.array([0, 0, 1, 1.0]), np.array([0, 1, 0, 1.0])
    >>> round(ordinal_alpha(np.array([2.0, 1, 1, 2]), x, y)[0], 6)
    0.666667
    """
    k = len(items)
    parts = [polychoric(weights, items[i], items[j]) for i in range(k) for j in range(i)]
    mean = float(np.mean([value for value, _ in parts]))
    base = 1 + (k - 1) * mean
    return k * mean / base, k / base**2 * np.mean([change for _, change in parts], axis=0)


def expected_scores(weights: Floats, x: Floats) -> Floats:
    """(r,) mean of the standard normal behind each answer, ``(φ(τ_{c−1}) − φ(τ_c)) / P_c``; NaN stays.

    References
    ----------
    Kolenikov and Angeles (2009), *Review of Income and Wealth* 55, 128–165.

    Examples
    --------
    >>> expected_scores(np.ones(4), np.array([0, 0, 1, 1.0])).round(4).tolist()
    [-0.7979, -0.7979, 0.7979, 0.7979]
    """
    known = np.isfinite(x)
    _, codes = np.unique(x[known], return_inverse=True)
    share = np.bincount(codes, weights[known]) / weights[known].sum()
    edges = _density(_corners(ndtri(np.cumsum(share)[:-1])))
    out = np.full(len(x), np.nan)
    out[known] = ((edges[:-1] - edges[1:]) / share)[codes]
    return out
