"""Average predictions of models with a probability per outcome level, linearised in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.design import Design
from masar_research.engine.margins import AveragePredictions, World, unit_totals
from masar_research.engine.newton import LikelihoodFit
from masar_research.errors import ModelError


class Predictor(Protocol):
    """What a model tells of its predicted probabilities."""

    def probabilities(self, coef: np.ndarray, X: np.ndarray) -> np.ndarray:
        """(n, K) at coefficients (q,)."""
        ...

    def slopes(
        self, coef: np.ndarray, X: np.ndarray, weights: np.ndarray, place: np.ndarray, n_domains: int
    ) -> np.ndarray:
        """(n_domains, K, q) sums of weight × ∂P_k/∂coef."""
        ...


def average_outcomes(
    design: Design,
    fitted: LikelihoodFit,
    model: Predictor,
    worlds: Sequence[World],
    combinations: np.ndarray,
    *,
    domain: np.ndarray | None = None,
    n_domains: int = 1,
    replicated: np.ndarray | None = None,
) -> AveragePredictions:
    """Combine average predicted probabilities over counterfactual worlds, by domain and level.

    θ_dkc = Σ_l C_cl Σ_{i∈d} w_i P_k(x_i^l) / Σ_{i∈d} w_i over fitted rows. Its influence is
    d_i (Σ_l C_cl P_k(x_i^l) − θ_dkc) / W_d + J_dkc' IF_i with J the weighted mean of
    Σ_l C_cl ∂P_k(x_i^l)/∂coef and IF_i the influence of the coefficients.

    Parameters
    ----------
    design : Design
    fitted : LikelihoodFit
    model : Predictor
    worlds : sequence of callables
        Each returns the (n, p) matrix of one counterfactual world.
    combinations : (C, n_worlds) float array
    domain : (n,) int array, optional
        −1 outside.
    n_domains : int
    replicated : (R, q) float array, optional
        Coefficients of every replicate, for a design with replicates: the average is then taken
        again in each, with its weights and coefficients.

    Returns
    -------
    AveragePredictions
        m = n_domains × K × C, in that order.

    References
    ----------
    Graubard and Korn (1999), *Biometrics* 55, 652–659.
    """
    place = np.where(fitted.used, 0 if domain is None else domain, -1).astype(np.intp)
    weight = cell_sums(place, fitted.weights, n_domains)
    counts = np.bincount(place[place >= 0], minlength=n_domains)
    if not (weight > 0).all():
        raise ModelError(
            f"{int((weight <= 0).sum())} of {n_domains} groups hold no fitted row.",
            remedy="Use groups in which the model has data.",
            ar="بعض المجموعات بلا سجلات في النموذج؛ اختر مجموعات فيها بيانات.",
        )
    values, jacobian = _values(fitted, model, worlds, combinations, place, n_domains)
    n_levels, n_combinations = values.shape[1:]
    flat = values.reshape(len(values), -1)
    m = flat.shape[1]
    estimate = _means(flat, fitted.weights, place, n_domains, weight)
    jacobian = (jacobian / weight[:, None, None, None]).reshape(n_domains * m, -1)
    inside = place >= 0
    centred = np.where(inside[:, None], flat - estimate[np.maximum(place, 0)], 0.0)
    carried = fitted.weights[:, None] * centred
    loading = fitted.bread @ jacobian.T

    def aggregate(codes: np.ndarray, n_codes: int, factor: np.ndarray) -> np.ndarray:
        out = row_sums(codes, factor, fitted.scores, n_codes) @ loading
        out = out.reshape(n_codes, n_domains, m)
        pair = np.where(inside & (codes >= 0), codes.astype(np.int64) * n_domains + place, -1)
        own = row_sums(pair, factor, carried, n_codes * n_domains)
        out += own.reshape(n_codes, n_domains, m) / weight[None, :, None]
        return out.reshape(n_codes, n_domains * m)

    if design.replicates is not None and replicated is not None:
        built = [world() for world in worlds]
        theta = []
        for r in range(design.replicates.number):
            again = np.where(fitted.used, design.replicates.weights.rows(design, r), 0.0)
            mixed = _combined(model, replicated[r], built, combinations)
            own = cell_sums(place, again, n_domains)
            with np.errstate(invalid="ignore", divide="ignore"):
                theta.append(_means(mixed.reshape(len(mixed), -1), again, place, n_domains, own).ravel())
        totals = design.replicates.deviations(np.array(theta), estimate.ravel())
    else:
        totals = unit_totals(design, aggregate)
    return AveragePredictions(
        estimate=estimate.ravel(), totals=totals, n=np.repeat(counts, m),
        sum_weights=np.repeat(weight, m),
        srs_variance=_srs(fitted, loading, centred, place, weight, m),
    )  # fmt: skip


def _combined(
    model: Predictor, coef: np.ndarray, worlds: Sequence[np.ndarray], combinations: np.ndarray
) -> np.ndarray:
    """(n, K, C) combinations of predictions."""
    shares = [model.probabilities(coef, X) for X in worlds]
    return np.einsum("cl,lnk->nkc", combinations, np.array(shares))


def _values(
    fitted: LikelihoodFit, model: Predictor, worlds: Sequence[World], combinations: np.ndarray,
    place: np.ndarray, n_domains: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(n, K, C) combined predictions and (n_domains, K, C, q) sums of weight × derivative."""
    values = jacobian = None
    for position, world in enumerate(worlds):
        X = world()
        share = model.probabilities(fitted.coef, X)
        slope = model.slopes(fitted.coef, X, fitted.weights, place, n_domains)
        factors = combinations[:, position]
        if values is None or jacobian is None:
            values = np.zeros((*share.shape, factors.size))
            jacobian = np.zeros((n_domains, share.shape[1], factors.size, fitted.coef.size))
        for c in np.flatnonzero(factors):
            values[:, :, c] += factors[c] * share
            jacobian[:, :, c] += factors[c] * slope
    return values, jacobian


def _means(
    values: np.ndarray, weights: np.ndarray, place: np.ndarray, n_domains: int, mass: np.ndarray
) -> np.ndarray:
    return row_sums(place, weights, values, n_domains) / mass[:, None]


def _srs(fitted, loading, centred, place, weight, m) -> np.ndarray:
    """Weighted mean square of the influence over the fitted rows, / (n − 1)."""
    rows = np.flatnonzero(fitted.used)
    squares = np.zeros(loading.shape[1])
    for first in range(0, rows.size, 65_536):
        block = rows[first : first + 65_536]
        w = fitted.weights[block]
        h = (fitted.scores[block] @ loading) / w[:, None]
        h = h.reshape(block.size, -1, m)
        at = np.flatnonzero(place[block] >= 0)
        d = place[block][at]
        h[at, d, :] += centred[block[at]] / weight[d][:, None]
        squares += np.einsum("i,ij->j", w, h.reshape(block.size, -1) ** 2)
    return fitted.weights[rows].sum() * squares / max(rows.size - 1, 1)
