"""Cumulative link models for ordered outcomes, weighted (logit and probit)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import expit, ndtr
from scipy.stats import norm

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.newton import (
    LikelihoodFit,
    Slope,
    inverse_scaled,
    maximise,
    refuse_duplicates,
)
from masar_research.errors import ModelError

Link = Literal["logit", "probit"]
LINKS: tuple[Link, ...] = ("logit", "probit")

_TINY = 1e-300


def fit(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, n_levels: int, *, link: Link = "logit",
    mask: np.ndarray | None = None, names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
) -> LikelihoodFit:  # fmt: skip
    """Fit ``P(Y ≤ k) = F(θ_k − x'β)`` by weighted maximum likelihood.

    Newton's method with the exact second derivatives, in the thresholds themselves: their
    covariance needs no change of variables.

    Parameters
    ----------
    X : (n, p) float array
        Without a constant: the thresholds are the constants.
    y : (n,) int array
        Levels 0 … n_levels − 1 in their order; −1 is missing.
    weights : (n,) float array
        ≥ 0; rows of weight 0 are left out.
    n_levels : int
        K ≥ 2, each with a fitted row.
    link : {"logit", "probit"}
        F logistic (proportional odds) or normal.
    mask : (n,) bool array, optional
    names : sequence of str, optional
        Of the columns of X.
    start : (p + K − 1,) float array, optional

    Returns
    -------
    LikelihoodFit
        ``coef`` holds β, then θ_1 < … < θ_{K−1}.

    Raises
    ------
    ModelError
        A level without a fitted row, fewer rows than parameters, collinear columns.
    SeparationError
        No finite maximum.

    References
    ----------
    McCullagh (1980), *J. R. Statist. Soc.* B 42, 109–142; Pratt (1981), *JASA* 76, 103–106
    (concavity); Binder (1983), *Int. Stat. Review* 51, 279–292.

    Examples
    --------
    >>> found = fit(np.zeros((4, 0)), np.array([0, 1, 1, 2]), np.ones(4), 3)
    >>> found.coef.round(4)
    array([-1.0986,  1.0986])
    """
    if link not in LINKS:
        raise ModelError(f"link={link!r} is not known.", remedy=f"Use one of {', '.join(LINKS)}.",
                         ar="دالة الربط غير معروفة؛ استخدم logit أو probit.")
    X, w = np.asarray(X, float), np.asarray(weights, float)
    used = (w > 0) & (y >= 0)
    if mask is not None:
        used &= mask
    p, k = X.shape[1], n_levels - 1
    names = list(names) if names is not None else [f"column {j}" for j in range(p)]
    rows = np.flatnonzero(used)
    Xu, yu, wu = X[rows], np.asarray(y)[rows], w[rows]
    shares = outcome_shares(yu, wu, n_levels, p + k)
    refuse_duplicates(Xu, wu, names, constant=True)
    if start is None:
        start = np.concatenate([np.zeros(p), _quantile(np.cumsum(shares)[:-1], link)])
    size = np.abs(Xu).max(axis=0, initial=0.0)

    def evaluate(coef: np.ndarray) -> Slope:
        return _slope(Xu, yu, wu, coef, link, n_levels)

    def moves(step: np.ndarray) -> np.ndarray:
        return np.abs(step) * np.concatenate([size, np.ones(k)])

    labels = [*names, *(f"threshold {j + 1}" for j in range(k))]
    coef, slope, passes = maximise(evaluate, start, names=labels, moves=moves, weight=float(wu.sum()))
    scores = np.zeros((y.size, p + k))
    scores[rows] = _scores(Xu, yu, wu, coef, link, n_levels)
    return LikelihoodFit(coef, inverse_scaled(slope.information), scores, np.where(used, w, 0.0),
                         used, slope.value, passes)


def outcome_shares(y: np.ndarray, w: np.ndarray, n_levels: int, q: int) -> np.ndarray:
    """(K,) weighted shares of the outcome's levels; refuses empty ones and too few rows."""
    if y.size <= q:
        raise ModelError(
            f"{y.size} rows with a weight and no missing value are left for {q} parameters.",
            remedy="Check the missing values and the subpopulation, or use fewer terms.",
            ar="لا تكفي السجلات المكتملة لعدد معاملات النموذج؛ راجع القيم المفقودة أو استخدم متغيّرات أقل.",
        )
    found = cell_sums(y, w, n_levels)
    empty = np.flatnonzero(found <= 0)
    if empty.size:
        raise ModelError(
            f"Levels of the outcome without a fitted row: numbers {', '.join(str(e + 1) for e in empty)} "
            f"of {n_levels}.",
            remedy="Merge them with a neighbour, or leave them out of the levels.",
            ar="بعض فئات المتغيّر التابع بلا سجلات؛ ادمجها مع فئة مجاورة.",
        )
    return found / found.sum()


def probabilities(coef: np.ndarray, X: np.ndarray, n_levels: int, link: Link) -> np.ndarray:
    """(n, K) probabilities of the levels.

    Parameters
    ----------
    coef : (p + K − 1,) float array
    X : (n, p) float array
    n_levels : int
    link : {"logit", "probit"}
    """
    upper, lower = _bounds(coef, X, n_levels)
    return _between(lower, upper, link)


def probability_slopes(
    coef: np.ndarray, X: np.ndarray, n_levels: int, link: Link, weights: np.ndarray,
    place: np.ndarray, n_domains: int,
) -> np.ndarray:  # fmt: skip
    """(n_domains, K, p + K − 1) sums over rows of weight × ∂P_k/∂coef, by domain.

    Parameters
    ----------
    coef, X, n_levels, link
        As for :func:`probabilities`.
    weights : (n,) float array
    place : (n,) int array
        Domain of each row, −1 outside.
    n_domains : int
    """
    p, k = X.shape[1], n_levels - 1
    upper, lower = _bounds(coef, X, n_levels)
    above, below = _density(upper, link), _density(lower, link)
    out = np.zeros((n_domains, n_levels, p + k))
    for level in range(n_levels):
        change = weights * (below[:, level] - above[:, level])
        out[:, level, :p] = row_sums(place, change, X, n_domains)
        if level < k:
            out[:, level, p + level] = cell_sums(place, weights * above[:, level], n_domains)
        if level:
            out[:, level, p + level - 1] = -cell_sums(place, weights * below[:, level], n_domains)
    return out


def _bounds(coef: np.ndarray, X: np.ndarray, n_levels: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, K) upper and lower ends of the levels on the latent scale."""
    p = X.shape[1]
    eta = X @ coef[:p]
    inner = coef[p:][None, :] - eta[:, None]
    edge = np.full((len(X), 1), np.inf)
    return np.hstack([inner, edge]), np.hstack([-edge, inner])


def _between(lower: np.ndarray, upper: np.ndarray, link: Link) -> np.ndarray:
    """F(upper) − F(lower) without cancellation in the upper tail."""
    flip = lower + upper > 0
    with np.errstate(invalid="ignore"):
        low, high = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    below = expit if link == "logit" else ndtr
    return below(high) - below(low)


def _density(at: np.ndarray, link: Link) -> np.ndarray:
    if link == "probit":
        return norm.pdf(at)
    small = np.exp(-np.abs(at))
    return small / (1 + small) ** 2


def _density_slope(at: np.ndarray, density: np.ndarray, link: Link) -> np.ndarray:
    finite = np.where(np.isfinite(at), at, 0.0)
    if link == "probit":
        return np.where(np.isfinite(at), -finite * density, 0.0)
    return np.where(np.isfinite(at), density * (1 - 2 * expit(finite)), 0.0)


def _ends(X, y, coef, n_levels) -> tuple[np.ndarray, np.ndarray]:
    """(n,) ends of the observed level."""
    p = X.shape[1]
    cuts = np.concatenate([[-np.inf], coef[p:], [np.inf]])
    eta = X @ coef[:p]
    return cuts[y + 1] - eta, cuts[y] - eta


def _scores(X, y, w, coef, link, n_levels) -> np.ndarray:
    upper, lower = _ends(X, y, coef, n_levels)
    share = np.maximum(_between(lower, upper, link), _TINY)
    above, below = w * _density(upper, link) / share, w * _density(lower, link) / share
    cuts = np.zeros((y.size, n_levels - 1))
    rows = np.arange(y.size)
    inner, outer = y < n_levels - 1, y > 0
    cuts[rows[inner], y[inner]] = above[inner]
    cuts[rows[outer], y[outer] - 1] -= below[outer]
    return np.hstack([X * (below - above)[:, None], cuts])


def _slope(X, y, w, coef, link, n_levels) -> Slope:
    p, k = X.shape[1], n_levels - 1
    if k > 1 and (np.diff(coef[p:]) <= 0).any():
        return Slope(-np.inf, np.zeros(p + k), np.eye(p + k), np.inf)
    upper, lower = _ends(X, y, coef, n_levels)
    share = _between(lower, upper, link)
    if not (share > 0).all():
        return Slope(-np.inf, np.zeros(p + k), np.eye(p + k), np.inf)
    f_up, f_low = _density(upper, link), _density(lower, link)
    up, low = f_up / share, f_low / share
    uu = w * (_density_slope(upper, f_up, link) / share - up**2)
    ll = w * (-_density_slope(lower, f_low, link) / share - low**2)
    ul = w * up * low
    score = np.concatenate([
        X.T @ (w * (low - up)),
        cell_sums(y, w * up, n_levels)[:k] - cell_sums(y, w * low, n_levels)[1:],
    ])  # fmt: skip
    info = np.zeros((p + k, p + k))
    info[:p, :p] = X.T @ (X * (uu + ll + 2 * ul)[:, None])
    by_level = row_sums(y, uu + ul, X, n_levels)[:k] + row_sums(y, ll + ul, X, n_levels)[1:]
    info[:p, p:] = -by_level.T
    info[p:, :p] = -by_level
    cuts = info[p:, p:]
    cuts[np.diag_indices(k)] = cell_sums(y, uu, n_levels)[:k] + cell_sums(y, ll, n_levels)[1:]
    middle = cell_sums(y, ul, n_levels)[1:k]
    cuts[np.arange(k - 1), np.arange(1, k)] = middle
    cuts[np.arange(1, k), np.arange(k - 1)] = middle
    finite = np.where(np.isfinite(upper), np.abs(upper), 0.0).max(initial=0.0)
    reach = max(finite, np.where(np.isfinite(lower), np.abs(lower), 0.0).max(initial=0.0))
    return Slope(float(w @ np.log(share)), score, -info, float(reach))


def _quantile(shares: np.ndarray, link: Link) -> np.ndarray:
    return norm.ppf(shares) if link == "probit" else np.log(shares / (1 - shares))
