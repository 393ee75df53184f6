"""Exploratory factors of a correlation matrix: maximum likelihood, rotation, parallel analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Rotation = Literal["oblimin", "promax", "varimax", "none"]

#: The least unique variance, as in R's factanal; an item that reaches it is a Heywood case.
LEAST_UNIQUE = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """``loadings`` (p, k) in falling order of their squares, largest sum positive; ``unique`` (p,);
    ``correlations`` (k, k) of the factors; ``loss``, the minimum of ``log|Σ| − log|R| + tr(RΣ⁻¹) − p``."""

    loadings: Floats
    unique: Floats
    correlations: Floats
    loss: float


def most_factors(p: int) -> int:
    """The most factors p items can be tested for: ``(p − k)² ≥ p + k``."""
    return max((k for k in range(p) if (p - k) ** 2 >= p + k), default=0)


def extract(correlations: Floats, k: int) -> Factors:
    """Unrotated factors by maximum likelihood (Lawley and Maxwell 1971).

    Parameters
    ----------
    correlations : ndarray (p, p)
        Positive definite.
    k : int

    Raises
    ------
    EstimationError
        More factors than the items can tell apart, a search that does not settle.

    Examples
    --------
    >>> extract(np.full((4, 4), 0.49) + 0.51 * np.eye(4), 1).loadings.ravel().round(6).tolist()
    [0.7, 0.7, 0.7, 0.7]
    """
    p = len(correlations)
    if not 1 <= k <= most_factors(p):
        raise EstimationError(
            f"{k} factors of {p} items: there can be {most_factors(p)} at most.",
            remedy="Ask for fewer factors, or name more items.",
            ar=f"عدد العوامل المطلوب {k} لا تحتمله البنود وعددها {p}؛ أقصى عدد هو {most_factors(p)}.",
        )

    def parts(unique: Floats) -> tuple[Floats, Floats]:
        root = 1 / np.sqrt(unique)
        return np.linalg.eigh(correlations * np.outer(root, root))

    def loss(unique: Floats) -> tuple[float, Floats]:
        values, vectors = parts(unique)
        small = values[: p - k]
        top = vectors[:, p - k :] * np.sqrt(np.maximum(values[p - k :] - 1, 0))
        loadings = np.sqrt(unique)[:, None] * top
        rest = loadings @ loadings.T + np.diag(unique) - correlations
        return float(np.sum(small - np.log(small)) + k - p), np.diag(rest) / unique**2

    start = np.clip((1 - 0.5 * k / p) / np.diag(np.linalg.inv(correlations)), LEAST_UNIQUE, 1)
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(LEAST_UNIQUE, 1.0)] * p,
                              options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000, "maxcor": 20})  # fmt: skip
    if not (found.success or np.max(np.abs(found.jac)) < 1e-4):
        raise EstimationError("The factors do not settle.", remedy="Ask for fewer factors.",
                              ar="لم يستقر حساب العوامل؛ اطلب عدداً أقل.")  # fmt: skip
    values, vectors = parts(found.x)
    top = vectors[:, p - k :][:, ::-1] * np.sqrt(np.maximum(values[p - k :][::-1] - 1, 0))
    return _ordered(np.sqrt(found.x)[:, None] * top, found.x, np.eye(k), float(found.fun))


def rotate(of: Factors, rotation: Rotation) -> Factors:
    """Factors turned to simple structure, by statsmodels' gradient projection.

    ``varimax`` with Kaiser's weights (as factanal), ``oblimin`` the quartimin without them (as
    psych), ``promax`` of power 4 on the varimax.
    """
    k = of.loadings.shape[1]
    if k == 1 or rotation == "none":
        return of
    from statsmodels.multivariate.factor_rotation import rotate_factors

    if rotation == "oblimin":
        turned, _ = rotate_factors(of.loadings, "quartimin", tol=1e-10, max_tries=5000)
        # The rotated factors reproduce the same common part: L Φ L' = A A'.
        inverse = np.linalg.pinv(turned) @ of.loadings
        return _ordered(turned, of.unique, inverse @ inverse.T, of.loss)
    size = np.sqrt(np.sum(of.loadings**2, axis=1))
    turned, _ = rotate_factors(of.loadings / size[:, None], "varimax", tol=1e-10, max_tries=5000)
    turned = turned * size[:, None]
    if rotation == "varimax":
        return _ordered(turned, of.unique, np.eye(k), of.loss)
    target = turned * np.abs(turned) ** 3
    way = np.linalg.lstsq(turned, target, rcond=None)[0]
    way = way * np.sqrt(np.diag(np.linalg.inv(way.T @ way)))
    inverse = np.linalg.inv(way)
    return _ordered(turned @ way, of.unique, inverse @ inverse.T, of.loss)


def _ordered(loadings: Floats, unique: Floats, correlations: Floats, loss: float) -> Factors:
    order = np.argsort(-np.sum(loadings**2, axis=0), kind="stable")
    sign = np.where(loadings[:, order].sum(axis=0) < 0, -1.0, 1.0)
    return Factors(loadings[:, order] * sign, unique, correlations[np.ix_(order, order)] * np.outer(sign, sign), loss)


def parallel(p: int, n: float, rng: np.random.Generator, draws: int = 500, quantile: float = 0.95) -> Floats:
    """(p,) eigenvalues that unrelated normal items reach by chance in n rows, largest first.

    References
    ----------
    Horn (1965), *Psychometrika* 30, 179–185; Glorfeld (1995) for the quantile.

    Examples
    --------
    >>> bool(parallel(5, 200, np.random.default_rng(1))[0] > 1)
    True
    """
    drawn = stats.wishart.rvs(max(n - 1, p), np.eye(p), size=draws, random_state=rng)
    spread = np.sqrt(np.diagonal(drawn, axis1=1, axis2=2))
    values = np.linalg.eigvalsh(drawn / (spread[:, :, None] * spread[:, None, :]))[:, ::-1]
    return np.quantile(values, quantile, axis=0)


def smoothed(correlations: Floats) -> tuple[Floats, bool]:
    """A matrix of pairwise correlations made positive definite, and whether that was needed."""
    values, vectors = np.linalg.eigh(correlations)
    if values[0] > 1e-6:
        return correlations, False
    fixed = (vectors * np.maximum(values, 1e-4)) @ vectors.T
    spread = np.sqrt(np.diag(fixed))
    return fixed / np.outer(spread, spread), True
