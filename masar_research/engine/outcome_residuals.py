"""Residuals and leverages of ordinal and multinomial models, and the information of groups of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masar_research.engine import multinomial, ordinal
from masar_research.engine.newton import LikelihoodFit

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def probability_scale(shares: Floats, y: Codes) -> Floats:
    """Probability-scale residual ``P(Y* < y) − P(Y* > y)`` of an ordered outcome, Y* of the fitted law.

    Between −1 and 1, 0 in expectation; nothing is drawn. Under a cumulative logit it is minus the
    derivative of the log-likelihood by a shift of all thresholds, so ``Σ w r = 0`` and ``Σ w r x = 0``.

    Parameters
    ----------
    shares : (n, K) float array
        Fitted probabilities of the levels, lowest first.
    y : (n,) int array
        Level of each row, 0 … K − 1.

    Returns
    -------
    (n,) float array

    References
    ----------
    Li and Shepherd (2012), *Biometrika* 99, 473–480; Shepherd, Li and Liu (2016), *Canadian J.
    Statist.* 44.

    Examples
    --------
    >>> probability_scale(np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]]), np.array([0, 2])).round(3)
    array([-0.8,  0.5])
    """
    upto = np.cumsum(shares, axis=1)
    rows = np.arange(y.size)
    below = np.where(y > 0, upto[rows, np.maximum(y - 1, 0)], 0.0)
    above = np.cumsum(shares[:, ::-1], axis=1)[:, ::-1]
    more = np.where(y < shares.shape[1] - 1, above[rows, np.minimum(y + 1, shares.shape[1] - 1)], 0.0)
    return below - more


def per_level(shares: Floats, y: Codes, *, scaled: bool) -> Floats:
    """(n, K) ``1[y = k] − P_k``; scaled by ``√(P_k (1 − P_k))`` they are Pearson's.

    Parameters
    ----------
    shares : (n, K) float array
    y : (n,) int array
    scaled : bool

    Examples
    --------
    >>> per_level(np.array([[0.2, 0.8]]), np.array([1]), scaled=True).round(3)
    array([[-0.5,  0.5]])
    """
    raw = (y[:, None] == np.arange(shares.shape[1])[None, :]) - shares
    if not scaled:
        return raw
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(raw == 0, 0.0, raw / np.sqrt(shares * (1 - shares)))


def ordinal_leverages(fit: LikelihoodFit, X: Floats, y: Codes, n_levels: int, link: ordinal.Link) -> Floats:
    """(n,) trace of the bread × the observed information of each row; they add to p + K − 1.

    Parameters
    ----------
    fit : LikelihoodFit
    X : (n, p) float array
    y : (n,) int array
    n_levels : int
    link : {"logit", "probit"}
    """
    rows, p = np.flatnonzero(fit.used), X.shape[1]
    x, level, w, bread = X[rows], y[rows], fit.weights[rows], fit.bread
    uu, ll, ul = _bends(x, level, w, fit.coef, link, n_levels)
    inside, top, bottom = bread[:p, :p], level < n_levels - 1, level > 0
    up, low = p + np.minimum(level, n_levels - 2), p + np.maximum(level - 1, 0)
    square = np.einsum("ij,jk,ik->i", x, inside, x)
    with_up, with_low = (np.einsum("ij,ij->i", x, bread[at, :p]) for at in (up, low))
    own_up = square - 2 * with_up + bread[up, up]
    own_low = square - 2 * with_low + bread[low, low]
    across = square - with_up - with_low + bread[up, low]
    out = np.zeros(y.size)
    out[rows] = -(np.where(top, uu * own_up, 0.0) + np.where(bottom, ll * own_low, 0.0)
                  + np.where(top & bottom, 2 * ul * across, 0.0))
    return out


def _bends(
    X: Floats, y: Codes, w: Floats, coef: Floats, link: ordinal.Link, n_levels: int
) -> tuple[Floats, Floats, Floats]:
    """Second derivatives of w log(F(u) − F(l)): by u twice, by l twice, by both; u, l the level's ends."""
    upper, lower = ordinal._ends(X, y, coef, n_levels)
    share = ordinal._between(lower, upper, link)
    up, low = ordinal._density(upper, link), ordinal._density(lower, link)
    return (w * (ordinal._density_slope(upper, up, link) / share - (up / share) ** 2),
            w * (-ordinal._density_slope(lower, low, link) / share - (low / share) ** 2),
            w * up * low / share**2)


def multinomial_leverages(fit: LikelihoodFit, X: Floats, n_levels: int) -> Floats:
    """(n,) trace of the bread × the information of each row; they add to (K − 1) p.

    Parameters
    ----------
    fit : LikelihoodFit
    X : (n, p) float array
    n_levels : int

    References
    ----------
    Lesaffre and Albert (1989), *Applied Statistics* 38, 425–440.
    """
    rows, p = np.flatnonzero(fit.used), X.shape[1]
    x = X[rows]
    shares = multinomial.probabilities(fit.coef, x, n_levels)[:, 1:]
    total = np.zeros(rows.size)
    for a in range(n_levels - 1):
        for b in range(n_levels - 1):
            block = fit.bread[a * p : (a + 1) * p, b * p : (b + 1) * p]
            bend = shares[:, a] * (float(a == b) - shares[:, b])
            total += bend * np.einsum("ij,jk,ik->i", x, block, x)
    out = np.zeros(fit.used.size)
    out[rows] = fit.weights[rows] * total
    return out


def group_changes(fit: LikelihoodFit, own: Floats, codes: Codes) -> Floats:
    """(m, q) ``(I − I_g)⁻¹ Σ_g s``: coefficients less those without each group, after one Newton step.

    Parameters
    ----------
    fit : LikelihoodFit
    own : (m, q, q) float array
        Observed information of each group.
    codes : (n,) int array
        Group of each row, −1 in none.

    Returns
    -------
    (m, q) float array
        NaN where what is left has no finite coefficients.
    """
    whole = np.linalg.inv(fit.bread)
    score = group_scores(fit.scores, codes, len(own))
    out = np.full(score.shape, np.nan)
    for g, information in enumerate(own):
        left = whole - information
        scale = np.sqrt(np.maximum(np.diag(left), 0.0))
        if (scale > 0).all() and np.linalg.cond(left / np.outer(scale, scale)) < 1e12:
            out[g] = np.linalg.solve(left, score[g])
    return out


def group_scores(scores: Floats, codes: Codes, n_codes: int) -> Floats:
    """(m, q) sums of scores (n, q) over groups."""
    inside = codes >= 0
    return np.stack([np.bincount(codes[inside], column[inside], n_codes) for column in scores.T], axis=1)


def ordinal_informations(
    fit: LikelihoodFit, X: Floats, y: Codes, n_levels: int, link: ordinal.Link, codes: Codes, n_codes: int
) -> Floats:
    """(m, q, q) observed information of each group of rows."""
    q = fit.coef.size
    return np.array([
        ordinal._slope(X[rows], y[rows], fit.weights[rows], fit.coef, link, n_levels).information
        for rows in _rows_of(codes, n_codes)
    ]).reshape(n_codes, q, q)  # fmt: skip


def multinomial_informations(
    fit: LikelihoodFit, X: Floats, n_levels: int, codes: Codes, n_codes: int
) -> Floats:
    """(m, q, q) information of each group of rows; it does not depend on the outcome."""
    q, seen = fit.coef.size, np.zeros((len(X), n_levels - 1), bool)
    return np.array([
        multinomial._slope(X[rows], seen[rows], fit.weights[rows], fit.coef, n_levels - 1).information
        for rows in _rows_of(codes, n_codes)
    ]).reshape(n_codes, q, q)  # fmt: skip


def _rows_of(codes: Codes, n_codes: int) -> list[NDArray[np.intp]]:
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(n_codes + 1))
    return [order[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]
