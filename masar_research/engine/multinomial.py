"""Weighted multinomial logistic regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.engine.auxiliary import row_sums
from masar_research.engine.newton import (
    LikelihoodFit,
    Slope,
    inverse_scaled,
    maximise,
    refuse_duplicates,
)
from masar_research.engine.ordinal import outcome_shares


def fit(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, n_levels: int, *,
    mask: np.ndarray | None = None, names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
) -> LikelihoodFit:  # fmt: skip
    """Fit ``log P(Y = k) / P(Y = 0) = x'β_k`` by weighted maximum likelihood.

    Parameters
    ----------
    X : (n, p) float array
        With its constant.
    y : (n,) int array
        Levels 0 … n_levels − 1, the baseline first; −1 is missing.
    weights : (n,) float array
        ≥ 0; rows of weight 0 are left out.
    n_levels : int
        K, each with a fitted row.
    mask : (n,) bool array, optional
    names : sequence of str, optional
        Of the columns of X.
    start : ((K − 1) p,) float array, optional

    Returns
    -------
    LikelihoodFit
        ``coef`` holds β_1, …, β_{K−1} one after another.

    Raises
    ------
    ModelError
        A level without a fitted row, fewer rows than parameters, collinear columns.
    SeparationError
        No finite maximum.

    References
    ----------
    McFadden (1974), in Zarembka, *Frontiers in Econometrics*; Binder (1983), *Int. Stat. Review*
    51, 279–292; Morel (1989), *Survey Methodology* 15, 203–223.

    Examples
    --------
    >>> found = fit(np.ones((4, 1)), np.array([0, 1, 1, 2]), np.ones(4), 3)
    >>> found.coef.round(4).tolist()
    [0.6931, 0.0]
    """
    X, w = np.asarray(X, float), np.asarray(weights, float)
    used = (w > 0) & (y >= 0)
    if mask is not None:
        used &= mask
    p, k = X.shape[1], n_levels - 1
    names = list(names) if names is not None else [f"column {j}" for j in range(p)]
    rows = np.flatnonzero(used)
    Xu, yu, wu = X[rows], np.asarray(y)[rows], w[rows]
    outcome_shares(yu, wu, n_levels, p * k)
    refuse_duplicates(Xu, wu, names, constant=False)
    observed = yu[:, None] == np.arange(1, n_levels)[None, :]
    size = np.abs(Xu).max(axis=0, initial=0.0)

    def evaluate(coef: np.ndarray) -> Slope:
        return _slope(Xu, observed, wu, coef, k)

    def moves(step: np.ndarray) -> np.ndarray:
        return np.abs(step) * np.tile(size, k)

    labels = [f"{name} (level {level + 2})" for level in range(k) for name in names]
    begin = np.zeros(p * k) if start is None else start
    coef, slope, passes = maximise(evaluate, begin, names=labels, moves=moves, weight=float(wu.sum()))
    scores = np.zeros((y.size, p * k))
    pull = wu[:, None] * (observed - _shares(Xu, coef, k)[0][:, 1:])
    scores[rows] = (pull[:, :, None] * Xu[:, None, :]).reshape(rows.size, p * k)
    return LikelihoodFit(coef, inverse_scaled(slope.information), scores, np.where(used, w, 0.0),
                         used, slope.value, passes)


def probabilities(coef: np.ndarray, X: np.ndarray, n_levels: int) -> np.ndarray:
    """(n, K) probabilities of the levels, the baseline first.

    Parameters
    ----------
    coef : ((K − 1) p,) float array
    X : (n, p) float array
    n_levels : int
    """
    return _shares(X, coef, n_levels - 1)[0]


def probability_slopes(
    coef: np.ndarray, X: np.ndarray, n_levels: int, weights: np.ndarray, place: np.ndarray,
    n_domains: int,
) -> np.ndarray:  # fmt: skip
    """(n_domains, K, (K − 1) p) sums over rows of weight × ∂P_k/∂coef, by domain.

    Parameters
    ----------
    coef, X, n_levels
        As for :func:`probabilities`.
    weights : (n,) float array
    place : (n,) int array
        Domain of each row, −1 outside.
    n_domains : int
    """
    p = X.shape[1]
    share = probabilities(coef, X, n_levels)
    out = np.zeros((n_domains, n_levels, n_levels - 1, p))
    for level in range(n_levels):
        for other in range(level, n_levels):
            change = weights * share[:, level] * (float(level == other) - share[:, other])
            sums = row_sums(place, change, X, n_domains)
            if other:
                out[:, level, other - 1] = sums
            if level:
                out[:, other, level - 1] = sums
    return out.reshape(n_domains, n_levels, -1)


def _shares(X: np.ndarray, coef: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, K) probabilities, (n, K) linear predictors, (n,) log of the sum of their exponentials."""
    eta = np.zeros((len(X), k + 1))
    eta[:, 1:] = X @ coef.reshape(k, X.shape[1]).T
    top = eta.max(axis=1, keepdims=True)
    raised = np.exp(eta - top)
    whole = raised.sum(axis=1, keepdims=True)
    return raised / whole, eta, (top + np.log(whole))[:, 0]


def _slope(X: np.ndarray, observed: np.ndarray, w: np.ndarray, coef: np.ndarray, k: int) -> Slope:
    p = X.shape[1]
    share, eta, log_sum = _shares(X, coef, k)
    value = float(w @ ((observed * eta[:, 1:]).sum(axis=1) - log_sum))
    score = ((w[:, None] * (observed - share[:, 1:])).T @ X).ravel()
    info = np.empty((k, p, k, p))
    for a in range(k):
        for b in range(a, k):
            mixed = w * share[:, a + 1] * (float(a == b) - share[:, b + 1])
            info[a, :, b, :] = X.T @ (X * mixed[:, None])
            info[b, :, a, :] = info[a, :, b, :].T
    return Slope(value, score, info.reshape(k * p, k * p), float(np.abs(eta).max(initial=0.0)))
