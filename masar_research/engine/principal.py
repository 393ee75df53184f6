"""The first principal component of weighted indicators, and groups of equal weight along a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masar_research.errors import EstimationError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """The first principal component of the weighted correlation matrix of p indicators.

    Attributes
    ----------
    mean, sd : ndarray (p,)
        Weighted, ``sd² = Σ w (x − x̄)² / Σ w``, of the rows with a value.
    loading : ndarray (p,)
        Unit eigenvector, in the direction of `toward`.
    eigenvalues : ndarray (p,)
        Descending; they add up to p.
    score : ndarray (n,)
        ``Σ_j loading_j z_j / √λ₁``: weighted mean 0 and variance 1 among rows without gaps.
    """

    mean: Floats
    sd: Floats
    loading: Floats
    eigenvalues: Floats
    score: Floats

    @property
    def share(self) -> float:
        """Share of the variance of all indicators that the component holds."""
        return float(self.eigenvalues[0] / self.eigenvalues.sum())


def component(
    X: Floats, weights: Floats, toward: Floats | None = None, correlation: Floats | None = None
) -> Component:
    """First principal component of standardised columns.

    Parameters
    ----------
    X : ndarray (n, p)
        Indicators that vary; NaN counts as the weighted mean of its column (0 once standardised).
    weights : ndarray (n,)
    toward : ndarray (p,), optional
        Which indicators mean more: the loadings' sum over them, weighted by it, is positive.
    correlation : ndarray (p, p), optional
        Taken instead of the weighted one of `X` (a polychoric one).

    Raises
    ------
    EstimationError
        An indicator that does not vary, or fewer than two.

    Examples
    --------
    >>> X = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    >>> found = component(X, np.ones(4), np.ones(2))
    >>> found.loading.round(4), round(found.share, 4)
    (array([0.7071, 0.7071]), 0.7887)
    """
    if X.shape[1] < 2:
        raise EstimationError("A component needs two indicators or more.", remedy="Name more assets.",
                              ar="يلزم مؤشران على الأقل؛ اذكر ممتلكات أكثر.")  # fmt: skip
    known = ~np.isnan(X)
    w = weights[:, None] * known
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(np.where(known, X, 0.0) * w, axis=0) / w.sum(axis=0)
        apart = np.where(known, X - mean, 0.0)
        sd = np.sqrt((w * apart**2).sum(axis=0) / w.sum(axis=0))
    if not (sd > 0).all():
        raise EstimationError("An indicator does not vary.", remedy="Leave it out.",
                              ar="أحد المؤشرات لا يتغيّر؛ استبعده.")  # fmt: skip
    z = apart / sd
    if correlation is None:
        filled = (z * weights[:, None]).T @ z / weights.sum()
        spread = np.sqrt(np.diag(filled))
        correlation = filled / np.outer(spread, spread)
    values, vectors = np.linalg.eigh(correlation)
    loading, largest = vectors[:, -1], float(values[-1])
    aim = np.ones(X.shape[1]) if toward is None else toward
    if loading @ aim < 0:
        loading = -loading
    return Component(mean, sd, loading, values[::-1], z @ loading / np.sqrt(largest))


def fractions(score: Floats, weights: Floats, groups: int) -> tuple[NDArray[np.intp], Floats]:
    """Groups 1 … k of equal weight along a score; equal scores are never parted.

    Cut point q is the smallest score at or below which at least q / k of the weight lies; a row's
    group is one more than the number of cut points under its score.

    Parameters
    ----------
    score : ndarray (n,)
        NaN stays outside (group 0).
    weights : ndarray (n,)
    groups : int

    Returns
    -------
    codes : ndarray of int (n,)
    cuts : ndarray (k − 1,)

    Examples
    --------
    >>> fractions(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 1.0, 4.0]), 2)[0]
    array([1, 1, 1, 2])
    """
    known = np.isfinite(score) & (weights > 0)
    order = np.argsort(score[known], kind="stable")
    ranked, mass = score[known][order], np.cumsum(weights[known][order])
    targets = np.arange(1, groups) / groups * mass[-1]
    cuts = ranked[np.searchsorted(mass, targets * (1 - 1e-12))]
    codes = 1 + np.searchsorted(cuts, score, side="left")
    return np.where(np.isfinite(score), codes, 0), cuts


def anchor(own: Floats, common: Floats, weights: Floats) -> tuple[float, float]:
    """Intercept and slope of the weighted regression of a common score on an area's own.

    Examples
    --------
    >>> anchor(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), np.ones(3))
    (1.0, 2.0)
    """
    total = weights.sum()
    x, y = own @ weights / total, common @ weights / total
    slope = float(((own - x) * weights) @ (common - y) / (((own - x) * weights) @ (own - x)))
    return float(y - slope * x), slope
