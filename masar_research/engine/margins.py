"""Average predictions of a fitted model over its fitted rows, linearised in full.

A marginal effect is a linear combination of average predictions in counterfactual worlds:
everybody at one level less everybody at the reference, or at x + h less at x − h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.design import Design
from masar_research.engine.glm import GLMFit, influence_rows, influence_sums, response, response_slope
from masar_research.errors import ModelError


@dataclass(frozen=True, slots=True, eq=False)
class AveragePredictions:
    """Linear combinations of average predictions by domain, with unit totals.

    Attributes
    ----------
    estimate : (m,) float array
        m = n_combinations × n_domains, domain-major.
    totals : (n_units, m) float array
        Unit totals of weight × influence, residualised if the weights are calibrated.
    n : (m,) int array
        Fitted rows in the domain.
    sum_weights : (m,) float array
    srs_variance : (m,) float array
        Variance of the same statistic from a simple random sample with replacement of as many
        fitted rows.
    """

    estimate: np.ndarray
    totals: np.ndarray
    n: np.ndarray
    sum_weights: np.ndarray
    srs_variance: np.ndarray


World = Callable[[], np.ndarray]


def average_predictions(
    design: Design,
    fitted: GLMFit,
    X: np.ndarray,
    worlds: Sequence[World],
    combinations: np.ndarray,
    *,
    domain: np.ndarray | None = None,
    n_domains: int = 1,
    offsets: Sequence[np.ndarray | None] | None = None,
) -> AveragePredictions:
    """Combine average predictions over counterfactual worlds, by domain.

    θ_cd = Σ_l C_cl Σ_{i∈d} w_i μ(x_i^l'β) / Σ_{i∈d} w_i, over fitted rows. Its influence is
    d_i (Σ_l C_cl μ_i^l − θ_cd) / W_d + J_cd' (Σ w X'WX)⁻¹ x_i ∂ℓ_i/∂η, with
    J_cd = Σ_l C_cl Σ_{i∈d} w_i μ'(η_i^l) x_i^l / W_d: the first part is the sampling of the
    people averaged over, the second that of the coefficients.

    Parameters
    ----------
    design : Design
    fitted : GLMFit
    X : (n, p) float array
        The matrix of the fit.
    worlds : sequence of callables
        Each returns the (n, p) matrix of one counterfactual world.
    combinations : (n_combinations, n_worlds) float array
    domain : (n,) int array, optional
        −1 outside.
    n_domains : int
    offsets : sequence of (n,) float arrays, optional
        The offset in each world; that of the fit by default.

    Returns
    -------
    AveragePredictions

    References
    ----------
    Graubard and Korn (1999), Biometrics 55; Bieler et al. (2010), Am. J. Epidemiology 171.
    """
    n, p = X.shape
    place = np.where(fitted.used, 0 if domain is None else domain, -1).astype(np.intp)
    weight = cell_sums(place, fitted.weights, n_domains)
    counts = np.bincount(place[place >= 0], minlength=n_domains)
    if not (weight > 0).all():
        raise ModelError(
            f"{int((weight <= 0).sum())} of {n_domains} groups hold no fitted row.",
            remedy="Use groups in which the model has data.",
        )
    n_combinations = combinations.shape[0]
    values = np.zeros((n_combinations, n))
    slopes = np.zeros((n_combinations, n_domains, p))
    for position, world in enumerate(worlds):
        offset = fitted.offset if offsets is None else offsets[position]
        mu, slope_sums = _predict(world(), fitted, place, n_domains, offset)
        for c in np.flatnonzero(combinations[:, position]):
            values[c] += combinations[c, position] * mu
            slopes[c] += combinations[c, position] * slope_sums / weight[:, None]
    estimate = np.stack(
        [cell_sums(place, fitted.weights * v, n_domains) / weight for v in values], axis=1
    )
    jacobian = np.moveaxis(slopes, 0, 1).reshape(-1, p)

    def aggregate(codes: np.ndarray, n_codes: int, factor: np.ndarray) -> np.ndarray:
        out = influence_sums(fitted, X, codes, n_codes, factor) @ jacobian.T
        out = out.reshape(n_codes, n_domains, n_combinations)
        inside = (place >= 0) & (codes >= 0)
        pair = np.where(inside, codes.astype(np.int64) * n_domains + place, -1)
        for c in range(n_combinations):
            own = estimate[np.maximum(place, 0), c]
            carried = np.where(inside, fitted.weights * (values[c] - own), 0.0) * factor
            sums = cell_sums(pair, carried, n_codes * n_domains).reshape(n_codes, n_domains)
            out[:, :, c] += sums / weight
        return out.reshape(n_codes, n_domains * n_combinations)

    return AveragePredictions(
        estimate=estimate.ravel(),
        totals=unit_totals(design, aggregate),
        n=np.repeat(counts, n_combinations),
        sum_weights=np.repeat(weight, n_combinations),
        srs_variance=_srs(fitted, X, jacobian, values, estimate, place, weight),
    )


def unit_totals(
    design: Design, aggregate: Callable[[np.ndarray, int, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Unit totals of weight × influence, residualised where the design is calibrated.

    Parameters
    ----------
    design : Design
    aggregate : callable
        ``(codes, n_codes, factor) -> (n_codes, m)`` sums of factor × weight × influence.
    """
    if design.replicates is not None:
        return design.replicates.of_influence(design, aggregate)
    everything = np.ones(design.n_rows)
    totals = aggregate(design.unit, design.n_units, everything)
    if design.calibration is None:
        return totals
    return design.calibration.residualise(totals, aggregate)


def coefficient_totals(design: Design, fitted: GLMFit, X: np.ndarray) -> np.ndarray:
    """(n_units, p) unit totals of weight × influence of the coefficients.

    Parameters
    ----------
    design : Design
    fitted : GLMFit
    X : (n, p) float array
        The matrix of the fit.
    """
    return unit_totals(
        design, lambda codes, k, factor: influence_sums(fitted, X, codes, k, factor)
    )


def _predict(X, fitted, place, n_domains, offset) -> tuple[np.ndarray, np.ndarray]:
    eta = X @ fitted.coef if offset is None else X @ fitted.coef + offset
    eta = np.where(place >= 0, eta, 0.0)
    mu = response(eta, fitted.family)
    carried = fitted.weights * response_slope(eta, mu, fitted.family)
    return mu, row_sums(place, carried, X, n_domains)


def _srs(fitted, X, jacobian, values, estimate, place, weight) -> np.ndarray:
    """Weighted mean square of the influence over the fitted rows, / (n − 1)."""
    n_domains, n_combinations = estimate.shape
    rows = np.flatnonzero(fitted.used)
    total = fitted.weights[rows].sum()
    squares = np.zeros((n_domains, n_combinations))
    for first in range(0, rows.size, 65_536):
        block = rows[first : first + 65_536]
        w = fitted.weights[block]
        model = influence_rows(fitted, X, block) @ jacobian.T / w[:, None]
        h = model.reshape(block.size, n_domains, n_combinations)
        where = place[block]
        at = np.flatnonzero(where >= 0)
        d = where[at]
        h[at, d, :] += (values[:, block[at]].T - estimate[d, :]) / weight[d][:, None]
        squares += np.einsum("i,idc->dc", w, h * h)
    return (total * squares / max(rows.size - 1, 1)).ravel()
