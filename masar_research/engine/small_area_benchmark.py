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
class Wholes:
    """What areas are to add up to, in G groups (one: the country).

    Attributes
    ----------
    shares : ndarray (k, G)
        Share of each area in its group, zero elsewhere; ones for totals. A group that is not
        benchmarked is no column.
    held : ndarray (m, G)
        Those of the areas with a direct estimate, within the group.
    whole : ndarray (G,)
    rule : {"ratio", "difference"}
    """

    shares: np.ndarray
    held: np.ndarray
    whole: np.ndarray
    rule: Rule

    def steps(self, estimate: np.ndarray) -> np.ndarray:
        """(k, G): how far each area moves when its group is one short: ``θ̂_i/Σ w θ̂``, or ``1/Σ w``."""
        inside = self.shares > 0
        if self.rule == "ratio":
            return inside * estimate[:, None] / (estimate @ self.shares)
        return inside / self.shares.sum(axis=0)

    def brought(self, estimate: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Estimates (..., k) brought to wholes (..., G)."""
        before = estimate @ self.shares
        inside = (self.shares > 0).astype(float)
        if self.rule == "ratio":
            return estimate * (1 + (whole / before - 1) @ inside.T)
        return estimate + ((whole - before) / self.shares.sum(axis=0)) @ inside.T


def errors_after(
    errors: np.ndarray, matrix: np.ndarray, v: np.ndarray, g: np.ndarray, estimate: np.ndarray, wholes: Wholes,
    slopes: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Mean squared errors, (k, k), of estimates brought to wholes.

    ``D = W − w'θ̂ = C'y`` with ``C = w̃ − L'w``, where W is taken as the sum of the direct
    estimates under the shares w̃ of the sampled areas. Areas move by ``A D`` (`Wholes.steps`), so

        M_b = M + A C'VC A' + H A' + A H',   H = (L V − G) C,

    with ``V = Var(y)``, ``G = Cov(θ, y)``; H is zero where every area is sampled (Steorts and Ghosh
    2013, for known σ²; its estimation changes terms of smaller order). On another scale L, V and G
    are those of the scale and the slopes of the back-transformation bring them to the figures.

    Parameters
    ----------
    errors : ndarray (k, k)
        M.
    matrix : ndarray (k, m)
        L with ``θ̂ = L y``.
    v : ndarray (m, m)
        ``Var(y)`` under the model.
    g : ndarray (k, m)
        ``Cov(θ, y)``.
    estimate : ndarray (k,)
        Before.
    slopes : (ndarray (k,), ndarray (m,))
        Of the estimates, and of the direct ones.
    """
    ours, theirs = slopes
    c = theirs[:, None] * wholes.held - matrix.T @ (ours[:, None] * wholes.shares)
    a = wholes.steps(estimate)
    h = ours[:, None] * ((matrix @ v - g) @ c)
    moved = h @ a.T
    return errors + a @ (c.T @ v @ c) @ a.T + moved + moved.T


@dataclass(frozen=True, slots=True)
class Drawn:
    """Mean squared errors by bootstrap.

    Attributes
    ----------
    errors : ndarray (k, k)
        Of the figures, benchmarked where that is asked.
    before : ndarray (k,)
        Of the figures before the benchmark.
    """

    errors: np.ndarray
    before: np.ndarray


def bootstrap(
    fit: AreaFit, x: np.ndarray, psi: np.ndarray, sampled: np.ndarray, *, method: Method, scale: Scale,
    wholes: Wholes | None, replicates: int, rng: np.random.Generator,
) -> Drawn:  # fmt: skip
    """Mean squared errors by parametric bootstrap.

    ``z* = Xβ̂ + σ̂ v*``, ``y* = z* + √ψ e*`` with standard normals; the model is fitted to y* by the
    same method, transformed back (and benchmarked to the wholes of the starred direct estimates),
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
    truth = fit.synthetic + fit.variance**0.5 * rng.standard_normal((replicates, len(x)))
    spread = psi[sampled]
    direct = truth[:, sampled] + np.sqrt(spread) * rng.standard_normal((replicates, len(spread)))
    variance, _ = small_area.variances(direct, x[sampled], spread, method)
    found, gamma, _ = small_area.predictions(variance, direct, x, spread, sampled)
    estimate = small_area_scales.expected(found, variance[:, None] * (1 - gamma), scale)
    true = small_area_scales.back(truth, scale)
    before = np.mean((estimate - true) ** 2, axis=0)
    if wholes is not None:
        estimate = wholes.brought(estimate, small_area_scales.back(direct, scale) @ wholes.held)
    errors = estimate - true
    return Drawn(errors.T @ errors / replicates, before)
