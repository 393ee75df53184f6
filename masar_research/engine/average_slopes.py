"""Average slopes of a fitted model by predictors that enter as one column: all from one pass.

Their counterfactual worlds differ by a multiple of one coefficient, so the mean of dμ/dη and its
derivative by the coefficients serve them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.design import Design
from masar_research.engine.glm import GLMFit, influence_sums, response, response_slope
from masar_research.engine.margins import AveragePredictions, unit_totals
from masar_research.errors import ModelError

_STEP = 1e-5
_BLOCK = 65_536


def average_slopes(
    design: Design, fitted: GLMFit, X: np.ndarray, columns: Sequence[int], *,
    domain: np.ndarray | None = None, n_domains: int = 1,
) -> AveragePredictions:  # fmt: skip
    """Means of ``dμ/dx_j = β_j μ'(η)`` over the fitted rows, by domain.

    ``θ_jd = β_j m_d`` with ``m_d = Σ_{i∈d} w_i μ'(η_i) / W_d``. Its influence is
    ``β_j (μ'(η_i) − m_d) / W_d + J' (Σ w X'WX)⁻¹ x_i ∂ℓ_i/∂η``, ``J = e_j m_d + β_j Σ w μ'' x / W_d``.

    Parameters
    ----------
    design : Design
    fitted : GLMFit
        Without a `Nuisance`.
    X : (n, p) float array
        The matrix of the fit.
    columns : sequence of int
        The column of each predictor.
    domain : (n,) int array, optional
        −1 outside.
    n_domains : int

    Returns
    -------
    AveragePredictions
        m = n_domains × predictors, domain-major.

    References
    ----------
    Graubard and Korn (1999), Biometrics 55.
    """
    n, p = X.shape
    place = np.where(fitted.used, 0 if domain is None else domain, -1).astype(np.intp)
    weight = cell_sums(place, fitted.weights, n_domains)
    if not (weight > 0).all():
        raise ModelError(
            f"{int((weight <= 0).sum())} of {n_domains} groups hold no fitted row.",
            remedy="Use groups in which the model has data.",
        )
    eta = X @ fitted.coef if fitted.offset is None else X @ fitted.coef + fitted.offset
    eta = np.where(place >= 0, eta, 0.0)

    def slope_at(points: np.ndarray) -> np.ndarray:
        return response_slope(points, response(points, fitted.family), fitted.family)

    slope = slope_at(eta)
    mean = cell_sums(place, fitted.weights * slope, n_domains) / weight
    curve = (slope_at(eta + _STEP) - slope_at(eta - _STEP)) / (2 * _STEP)
    turn = row_sums(place, fitted.weights * curve, X, n_domains) / weight[:, None]
    beta = fitted.coef[list(columns)]
    unit = np.eye(p)[list(columns)]
    jacobian = mean[:, None, None] * unit + beta[:, None] * turn[:, None, :]
    apart = np.where(place >= 0, slope - mean[np.maximum(place, 0)], 0.0)

    def aggregate(codes: np.ndarray, n_codes: int, factor: np.ndarray) -> np.ndarray:
        model = influence_sums(fitted, X, codes, n_codes, factor) @ jacobian.reshape(-1, p).T
        inside = (place >= 0) & (codes >= 0)
        pair = np.where(inside, codes.astype(np.int64) * n_domains + place, -1)
        sums = cell_sums(pair, fitted.weights * apart * factor, n_codes * n_domains)
        own = (sums.reshape(n_codes, n_domains) / weight)[:, :, None] * beta
        return model + own.reshape(n_codes, -1)

    return AveragePredictions(
        estimate=(mean[:, None] * beta).ravel(), totals=unit_totals(design, aggregate),
        n=np.repeat(np.bincount(place[place >= 0], minlength=n_domains), len(beta)),
        sum_weights=np.repeat(weight, len(beta)),
        srs_variance=_srs(fitted, X, jacobian, beta, apart, place, weight),
    )  # fmt: skip


def _srs(fitted, X, jacobian, beta, apart, place, weight) -> np.ndarray:
    """Weighted mean square of the influence over the fitted rows, / (n − 1), from its moments."""
    p, n_domains = X.shape[1], len(weight)
    rows = np.flatnonzero(fitted.used)
    gram = np.zeros((p, p))
    for first in range(0, rows.size, _BLOCK):
        block = rows[first : first + _BLOCK]
        scaled = X[block] * (fitted.score[block] / np.sqrt(fitted.weights[block]))[:, None]
        gram += scaled.T @ scaled
    spread = fitted.bread @ gram @ fitted.bread
    cross = row_sums(place, fitted.score * apart, X, n_domains) @ fitted.bread / weight[:, None]
    own = cell_sums(place, fitted.weights * apart**2, n_domains) / weight**2
    squares = (
        np.einsum("dcp,pq,dcq->dc", jacobian, spread, jacobian)
        + 2 * beta * np.einsum("dcp,dp->dc", jacobian, cross) + beta**2 * own[:, None]
    )  # fmt: skip
    return (fitted.weights[rows].sum() * squares / max(rows.size - 1, 1)).ravel()
