"""Benchmarked area estimates, and mean squared errors by parametric bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from masar_research.engine import small_area, small_area_scales
from masar_research.engine.small_area import AreaFit, Method
from masar_research.engine.small_area_scales import Scale

Rule = Literal["ratio", "difference"]
RULES: tuple[Rule, ...] = ("ratio", "difference")


@dataclass(frozen=True, slots=True)
class Benchmarked:
    """Estimates brought to a known whole.

    Attributes
    ----------
    estimate : ndarray (k,)
        They satisfy ``Σ w_i estimate_i = whole``.
    mse_matrix : ndarray (k, k)
    before : float
        ``Σ w_i θ̂_i`` before.
    """

    estimate: np.ndarray
    mse_matrix: np.ndarray
    before: float


def brought(estimate: np.ndarray, shares: np.ndarray, whole: np.ndarray | float, rule: Rule) -> np.ndarray:
    """``θ̂_i W/Σ w θ̂`` (ratio) or ``θ̂_i + W − Σ w θ̂`` (difference); (..., k) and (...) each."""
    before = estimate @ shares
    if rule == "ratio":
        return estimate * np.asarray(whole / before)[..., None]
    return estimate + np.asarray(whole - before)[..., None]


def benchmark(
    fit: AreaFit, v: np.ndarray, g: np.ndarray, shares: np.ndarray, held: np.ndarray, whole: float, rule: Rule,
) -> Benchmarked:  # fmt: skip
    """Bring linear predictors to a whole, with the error that brings.

    ``D = W − Σ w_i θ̂_i = c'y`` with ``c = w̃ − L'w``, where W is taken as the sum of the direct
    estimates under the shares w̃ of the sampled areas. Each area moves by ``a_i D`` (a = 1, or
    ``θ̂_i/Σ w θ̂`` for the ratio), so

        M_b = M + a a' c'Vc + h a' + a h',   h = (L V − G) c,

    with ``V = Var(y)``, ``G = Cov(θ, y)``; h is zero where every area is sampled (Steorts and Ghosh
    2013, for known σ²; its estimation changes terms of smaller order).

    Parameters
    ----------
    fit : AreaFit
    v : ndarray (m, m)
        ``Var(y)`` under the model.
    g : ndarray (k, m)
        ``Cov(θ, y)``.
    shares : ndarray (k,)
        Population shares of the areas, summing to 1 (all ones for totals).
    held : ndarray (m,)
        w̃: those of the areas with a direct estimate, summing to 1 (all ones for totals).
    whole : float
    rule : {"ratio", "difference"}
    """
    before = float(fit.estimate @ shares)
    c = held - fit.matrix.T @ shares
    a = fit.estimate / before if rule == "ratio" else np.ones(len(shares))
    h = (fit.matrix @ v - g) @ c
    moved = np.outer(h, a)
    errors = fit.mse_matrix + np.outer(a, a) * float(c @ v @ c) + moved + moved.T
    return Benchmarked(brought(fit.estimate, shares, whole, rule), errors, before)


def bootstrap(
    fit: AreaFit, x: np.ndarray, psi: np.ndarray, sampled: np.ndarray, *, method: Method, scale: Scale,
    shares: np.ndarray | None, held: np.ndarray | None, rule: Rule | None, replicates: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Mean squared errors by parametric bootstrap: of the figures, (k, k), and on the scale, (k,).

    ``z* = Xβ̂ + σ̂ v*``, ``y* = z* + √ψ e*`` with standard normals; the model is fitted to y* by the
    same method, transformed back (and benchmarked to the whole of the starred direct estimates),
    and ``E* (θ̂* − θ*)(θ̂* − θ*)'`` is the mean over the replicates (Butar and Lahiri 2003;
    González-Manteiga et al. 2008).

    Parameters
    ----------
    fit : AreaFit
        On the scale.
    x : ndarray (k, p)
    psi : ndarray (k,)
        Sampling variances on the scale.
    """
    k = len(x)
    truth = fit.synthetic + fit.variance**0.5 * rng.standard_normal((replicates, k))
    design, spread = x[sampled], psi[sampled]
    direct = truth[:, sampled] + np.sqrt(spread) * rng.standard_normal((replicates, len(spread)))
    variance, _ = small_area.variances(direct, design, spread, method)
    inverse = 1.0 / (variance[:, None] + spread)
    p = x.shape[1]
    crossed = (design[:, :, None] * design[:, None, :]).reshape(-1, p * p)
    information = (inverse @ crossed).reshape(-1, p, p)
    coef = np.linalg.solve(information, ((inverse * direct) @ design)[..., None])[..., 0]
    gamma = np.zeros((replicates, k))
    gamma[:, sampled] = variance[:, None] * inverse
    found = coef @ x.T
    found[:, sampled] += gamma[:, sampled] * (direct - found[:, sampled])
    estimate = small_area_scales.expected(found, variance[:, None] * (1 - gamma), scale)
    if shares is not None and held is not None and rule is not None:
        whole = small_area_scales.back(direct, scale) @ held
        estimate = brought(estimate, shares, whole, rule)
    errors = estimate - small_area_scales.back(truth, scale)
    return errors.T @ errors / replicates, np.mean((found - truth) ** 2, axis=0)
