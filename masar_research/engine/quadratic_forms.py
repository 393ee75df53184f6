"""Tail probabilities of weighted sums of χ² variables over an independent χ²."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, optimize, stats

from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Method = Literal["satterthwaite", "saddlepoint", "integration"]


def satterthwaite(weights: ArrayLike) -> tuple[float, float]:
    """Scale and degrees of freedom of the χ² with the first two moments of ``Σ λ_j χ²_1``.

    ``scale = Σλ² / Σλ``, ``df = (Σλ)² / Σλ²``.

    Examples
    --------
    >>> satterthwaite([2.0, 2.0, 2.0])
    (2.0, 3.0)
    """
    eigenvalues = np.asarray(weights, dtype=float)
    first, second = float(eigenvalues.sum()), float((eigenvalues**2).sum())
    return second / first, first**2 / second


def tail(x: float, weights: ArrayLike, df_den: float, method: Method) -> float:
    """``P(Σ_j λ_j χ²_1 > x · χ²_d / d)`` with d = `df_den`.

    Parameters
    ----------
    x : float
        Observed quadratic form, not divided by its degrees of freedom.
    weights : array_like (q,)
        λ, at least one of them positive.
    df_den : float
        Degrees of freedom of the variance estimate; need not be whole.
    method : {"satterthwaite", "saddlepoint", "integration"}
        Two moments; Lugannani–Rice; or Imhof's integral, exact to about 1e-9.

    Returns
    -------
    float
        The saddlepoint approximation does not exist near the mean of the form; there the
        two-moment value stands in, as in R's ``pFsum``.

    Raises
    ------
    EstimationError
        If no weight is positive, or `df_den` is not.

    References
    ----------
    Imhof (1961), *Biometrika* 48, 419–426; Kuonen (1999), *Biometrika* 86, 929–935.

    Examples
    --------
    >>> from scipy import stats
    >>> bool(abs(tail(6.0, [1.0, 1.0], 30, "integration") - stats.f.sf(3.0, 2, 30)) < 1e-9)
    True
    """
    eigenvalues = np.asarray(weights, dtype=float)
    if not (eigenvalues.max(initial=0.0) > 0 and df_den > 0):
        raise EstimationError(
            f"Expected a positive variance and degrees of freedom; found largest eigenvalue "
            f"{eigenvalues.max(initial=0.0):g} and {df_den:g} degrees of freedom.",
            remedy="Use fewer categories, or a subpopulation that touches more PSUs.",
        )
    if not x > 0:
        return 1.0
    scale, df_num = satterthwaite(eigenvalues)
    moments = float(stats.f.sf(x / (scale * df_num), df_num, df_den))
    if method == "satterthwaite":
        return moments
    terms = np.append(eigenvalues, -x / df_den)
    multiplicity = np.append(np.ones(len(eigenvalues)), df_den)
    if method == "integration":
        return _imhof(terms, multiplicity)
    found = _lugannani_rice(terms, multiplicity)
    return moments if np.isnan(found) else found


def _imhof(terms: Floats, multiplicity: Floats) -> float:
    """``P(Σ a_j χ²_{h_j} > 0) = 1/2 + 1/π ∫ sin θ(u) / (u ρ(u)) du``."""
    terms = terms / np.abs(terms).max()

    def size(u: float) -> float:
        return 0.25 * float((multiplicity * np.log1p((terms * u) ** 2)).sum())

    def integrand(u: float) -> float:
        if u == 0.0:
            return 0.5 * float((multiplicity * terms).sum())
        angle = 0.5 * float((multiplicity * np.arctan(terms * u)).sum())
        return float(np.sin(angle) * np.exp(-size(u)) / u)

    value, start, end = 0.0, 0.0, 1.0
    # What lies beyond the last knot is below 1e-14: |sin θ| ≤ 1 and ρ grows at least as √u.
    while start == 0.0 or size(start) < 33.0:
        value += integrate.quad(integrand, start, end, limit=1000, epsabs=1e-12, epsrel=1e-11)[0]
        start, end = end, 2.0 * end
    return float(np.clip(0.5 + value / np.pi, 0.0, 1.0))


def _lugannani_rice(terms: Floats, multiplicity: Floats) -> float:
    """Saddlepoint approximation of ``P(Σ a_j χ²_{h_j} > 0)``; NaN next to the mean."""
    terms = terms / terms.max()
    low = 0.99999 * float((1 / (2 * terms[terms < 0])).max())
    high = 0.99999 * float((1 / (2 * terms[terms > 0])).min())

    def slope(zeta: float) -> float:
        return float((multiplicity * terms / (1 - 2 * zeta * terms)).sum())

    if not slope(low) < 0 < slope(high):
        return float("nan")
    zeta = float(optimize.brentq(slope, low, high, xtol=1e-13))
    if abs(zeta) < 1e-4:
        return float("nan")
    generating = -0.5 * float((multiplicity * np.log(1 - 2 * zeta * terms)).sum())
    curvature = 2 * float((multiplicity * terms**2 / (1 - 2 * zeta * terms) ** 2).sum())
    w = np.sign(zeta) * np.sqrt(-2 * generating)
    v = zeta * np.sqrt(curvature)
    return float(stats.norm.sf(w + np.log(v / w) / w))
