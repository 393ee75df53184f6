"""Weighted quantile regression and the influence of its coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr
from scipy.optimize import linprog
from scipy.stats import norm

from masar_research.engine.newton import LikelihoodFit, inverse_scaled, refuse_duplicates
from masar_research.errors import ModelError

_EXACT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Where the weighted sum of check losses is least.

    Attributes
    ----------
    coef : (p,) float array
    dual : (n,) float array
        weight × ψ of each row, ψ = τ above the fit, τ − 1 below, between on the fit; Σ dual x = 0.
    residual : (n,) float array
    unique : bool
        Whether the coefficients are the only ones that reach the least sum.
    """

    coef: np.ndarray
    dual: np.ndarray
    residual: np.ndarray
    unique: bool


def solve(X: np.ndarray, y: np.ndarray, weights: np.ndarray, tau: float) -> Solved:
    """Minimise ``Σ w ρ_τ(y − x'β)``, ``ρ_τ(u) = u (τ − 1[u < 0])``, by linear programming.

    The dual is solved (maximise Σ a y with X'a = 0, (τ − 1) w ≤ a ≤ τ w), and the coefficients are
    those that pass exactly through p rows of its solution.

    Parameters
    ----------
    X : (n, p) float array
    y, weights : (n,) float arrays
        weights > 0.
    tau : float

    Raises
    ------
    ModelError
        The programme has no solution.

    References
    ----------
    Koenker and Bassett (1978), *Econometrica* 46, 33–50; Koenker (2005), *Quantile Regression*.

    Examples
    --------
    >>> solve(np.ones((3, 1)), np.array([1.0, 5.0, 9.0]), np.array([1.0, 1.0, 3.0]), 0.5).coef
    array([9.])
    """
    w, p = weights / weights.mean(), X.shape[1]
    spread = float(np.abs(y - np.median(y)).mean()) or 1.0
    size = np.sqrt(np.einsum("ij,ij->j", X, X) / len(X))
    scaled, target = X / size, y / spread
    made = linprog(-target, A_eq=scaled.T, b_eq=np.zeros(p), method="highs-ds",
                   bounds=np.column_stack([(tau - 1) * w, tau * w]))  # fmt: skip
    if made.status != 0:
        raise ModelError(
            f"The quantile regression has no solution: {made.message}",
            remedy="Rescale the predictors (age in decades, income in thousands) or simplify it.",
            ar="لا حل لانحدار المئين؛ غيّر مقياس المتغيّرات أو بسّط النموذج.",
        )
    rough = -made.eqlin.marginals
    off = np.abs(target - scaled @ rough)
    coef = _through(scaled, target, rough, np.flatnonzero(off <= max(1e-7, np.partition(off, p - 1)[p - 1])))
    if _loss(target - scaled @ coef, w, tau) > _loss(target - scaled @ rough, w, tau) * (1 + 1e-9) + 1e-12:
        coef = rough
    inside = (made.x > (tau - 1) * w + _EXACT) & (made.x < tau * w - _EXACT)
    residual = spread * (target - scaled @ coef)
    unique = bool(np.count_nonzero(inside) >= p)
    return Solved(coef * spread / size, made.x * weights.mean(), residual, unique)


def fit(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, tau: float, *,
    mask: np.ndarray | None = None, names: Sequence[str] | None = None,
) -> tuple[LikelihoodFit, Solved]:  # fmt: skip
    """Quantile regression with what the variance engine needs.

    The influence of row i is ``D⁻¹ x_i ψ_i`` with ``D = Σ w f_i x x'``, f_i the density of the outcome
    at its fitted quantile, by a normal kernel on the residuals (Powell) whose bandwidth is Hall
    and Sheather's at Kish's effective number of rows.

    Parameters
    ----------
    X : (n, p) float array
        With its constant.
    y : (n,) float array
        NaN is missing.
    weights : (n,) float array
        ≥ 0; rows of weight 0 are left out.
    tau : float
        Between 0 and 1.
    mask : (n,) bool array, optional
    names : sequence of str, optional

    Returns
    -------
    fitted : LikelihoodFit
        `bread` is D⁻¹; `log_likelihood` minus the sum of check losses.
    solved : Solved
        Of the fitted rows.

    Raises
    ------
    ModelError
        tau outside (0, 1), fewer rows than coefficients, collinear columns, residuals without
        spread.

    References
    ----------
    Powell (1991), in Barnett et al., *Nonparametric and Semiparametric Methods*; Hall and Sheather
    (1988), *J. R. Statist. Soc.* B 50, 381–391; Wang and Opsomer (2011), *Biometrika* 98, 91–106.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0, 4.0, 9.0])
    >>> fit(np.ones((5, 1)), y, np.ones(5), 0.5)[0].coef
    array([3.])
    """
    if not 0 < tau < 1:
        raise ModelError(f"tau={tau!r} is no quantile.", remedy="Give a number between 0 and 1: 0.5 is the median.",
                         ar="المئين رقم بين 0 و1؛ 0.5 هو الوسيط.")
    w = np.asarray(weights, float)
    used = (w > 0) & np.isfinite(y)
    used &= np.ones(w.size, bool) if mask is None else mask
    rows, p = np.flatnonzero(used), X.shape[1]
    names = list(names) if names is not None else [f"column {j}" for j in range(p)]
    if rows.size <= p:
        raise ModelError(
            f"{rows.size} rows with a weight and no missing value are left for {p} coefficients.",
            remedy="Check the missing values and the subpopulation, or use fewer terms.",
            ar="لا تكفي السجلات المكتملة لعدد معاملات النموذج؛ راجع القيم المفقودة أو استخدم متغيّرات أقل.",
        )
    Xu, yu, wu = X[rows], y[rows], w[rows]
    refuse_duplicates(Xu, wu, names, constant=False)
    found = solve(Xu, yu, wu, tau)
    density = kernel_density(found.residual, wu, tau)
    bread = inverse_scaled(Xu.T @ (Xu * (wu * density)[:, None]))
    scores = np.zeros((w.size, p))
    scores[rows] = Xu * found.dual[:, None]
    loss = _loss(found.residual, wu, tau)
    return LikelihoodFit(found.coef, bread, scores, np.where(used, w, 0.0), used, -loss, 1), found


def kernel_density(residual: np.ndarray, weights: np.ndarray, tau: float) -> np.ndarray:
    """(n,) normal kernel at each residual, whose weighted means estimate densities at zero.

    Bandwidth ``(Φ⁻¹(τ + h) − Φ⁻¹(τ − h)) · min(s, IQR / 1.34)``, h Hall and Sheather's for 95 %
    intervals, halved until τ ± h lies in (0, 1); s and IQR are weighted.

    Raises
    ------
    ModelError
        Half of the residuals or more are zero.
    """
    n = weights.sum() ** 2 / (weights**2).sum()
    h = hall_sheather(tau, n)
    while tau - h <= 0 or tau + h >= 1:
        h /= 2
    mean = weights @ residual / weights.sum()
    spread = np.sqrt(weights @ (residual - mean) ** 2 / weights.sum() * n / (n - 1))
    order = np.argsort(residual)
    middle = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    low, high = np.interp([0.25, 0.75], middle, residual[order])
    width = (norm.ppf(tau + h) - norm.ppf(tau - h)) * min(spread, (high - low) / 1.34)
    if not width > 1e-9 * max(float(np.abs(residual).max()), 1e-300):
        raise ModelError(
            "Half of the rows or more lie exactly on the fitted quantile: the outcome has too few values.",
            remedy="Use survey.ordinal for an outcome of few values.",
            ar="نصف السجلات أو أكثر تقع على المئين المقدّر تماماً لأن قيم المتغيّر قليلة؛ استخدم survey.ordinal.",
        )
    return norm.pdf(residual / width) / width


def hall_sheather(tau: float, n: float, level: float = 0.95) -> float:
    """Hall and Sheather's bandwidth on the scale of probabilities.

    ``n^(−1/3) z^(2/3) (1.5 φ² / (2 x² + 1))^(1/3)`` with x = Φ⁻¹(τ), φ the normal density there.

    Examples
    --------
    >>> round(hall_sheather(0.5, 1000), 6)
    0.097156
    """
    at = norm.ppf(tau)
    z = norm.ppf((1 + level) / 2)
    return float(n ** (-1 / 3) * z ** (2 / 3) * (1.5 * norm.pdf(at) ** 2 / (2 * at**2 + 1)) ** (1 / 3))


def _through(X: np.ndarray, y: np.ndarray, rough: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Coefficients that pass exactly through p independent rows among those near the fit."""
    triangle, order = qr(X[near].T, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    if size.size < X.shape[1] or size.min() < 1e-8 * size.max():
        return rough
    rows = near[order[: X.shape[1]]]
    return np.linalg.solve(X[rows], y[rows])


def _loss(residual: np.ndarray, weights: np.ndarray, tau: float) -> float:
    return float(weights @ (residual * (tau - (residual < 0))))
