"""The unit-level nested error model (Battese, Harter and Fuller 1988) and its pseudo-EBLUP (You and Rao 2002).

``y_ij = x_ij'β + v_i + e_ij``, ``v_i ~ (0, σ_v²)``, ``e_ij ~ (0, σ_e²)``; the mean of area i is
``θ_i = X̄_i'β + v_i``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from masar_research.engine.small_area_integrated import Mixture, seen, spread_of

Method = Literal["reml", "ml"]
_GRID = np.geomspace(1e-8, 1e6, 99)
_STEPS = np.geomspace(1e-6, 1e5, 121)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Sums by area: sizes (m,), means of y (m,) and x (m, p), cross-products over all rows."""

    n: np.ndarray
    y: np.ndarray
    x: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: float

    @classmethod
    def of(cls, y: np.ndarray, x: np.ndarray, area: np.ndarray, areas: int) -> _Groups:
        n = np.bincount(area, minlength=areas).astype(float)
        means = [np.bincount(area, column, minlength=areas) / n for column in x.T]
        return cls(
            n, np.bincount(area, y, minlength=areas) / n, np.column_stack(means), x.T @ x, x.T @ y, float(y @ y)
        )

    def at(self, ratio: float) -> tuple[np.ndarray, np.ndarray, float]:
        """``σ_e² X'V⁻¹X``, β̂ and ``σ_e² r'V⁻¹r`` at ``λ = σ_v²/σ_e²``."""
        weight = self._gamma(ratio) * self.n
        a = self.xx - (self.x.T * weight) @ self.x
        b = self.xy - self.x.T @ (weight * self.y)
        coef = np.linalg.solve(a, b)
        return a, coef, float(self.yy - weight @ self.y**2 - coef @ b)

    def _gamma(self, ratio: float) -> np.ndarray:
        return ratio * self.n / (1 + ratio * self.n)

    def profile(self, ratio: float, method: Method, adjusted: bool = False) -> tuple[float, float]:
        """Log likelihood with β and σ_e² at their best, and its slope in λ; times arctan(Σ γ)^(1/m)."""
        a, coef, rest = self.at(ratio)
        total, p = self.n.sum(), len(coef)
        free = total - p if method == "reml" else total
        grow = self.n / (1 + ratio * self.n) ** 2 * self.n
        height = free * (np.log(2 * np.pi * rest / free) + 1) + np.log1p(ratio * self.n).sum()
        slope = (self.n / (1 + ratio * self.n)).sum()
        slope -= free * float(grow @ (self.y - self.x @ coef) ** 2) / rest
        if method == "reml":
            height += np.linalg.slogdet(a)[1]
            slope -= float(np.trace(np.linalg.solve(a, (self.x.T * grow) @ self.x)))
        more = (0.0, 0.0)
        if adjusted:
            weight, angle = self._gamma(ratio).sum(), np.arctan(self._gamma(ratio).sum())
            rise = (self.n / (1 + ratio * self.n) ** 2).sum() / ((1 + weight**2) * angle)
            more = (np.log(angle) / len(self.n), rise / len(self.n))
        return float(more[0] - 0.5 * height), float(more[1] - 0.5 * slope)


@dataclass(frozen=True, slots=True)
class _At:
    """Predictions for k areas at one ratio of the variances; ``share`` (m,) is 1/n_i or Σ w̃²."""

    between: float
    within: float
    coef: np.ndarray
    phi: np.ndarray
    gamma: np.ndarray
    share: np.ndarray
    reach: np.ndarray
    estimate: np.ndarray


@dataclass(frozen=True, slots=True)
class _Data:
    """Persons (n,), the m areas they live in, and what is known of all k."""

    y: np.ndarray
    x: np.ndarray
    group: np.ndarray
    inside: np.ndarray
    groups: _Groups
    means: np.ndarray
    weights: np.ndarray | None
    fraction: np.ndarray

    @classmethod
    def of(
        cls, y: np.ndarray, x: np.ndarray, area: np.ndarray, means: np.ndarray, weights: np.ndarray | None,
        size: np.ndarray | None,
    ) -> _Data:  # fmt: skip
        inside, group = np.unique(area, return_inverse=True)
        groups = _Groups.of(y, x, group, len(inside))
        fraction = np.zeros(len(means))
        if size is not None:
            fraction[inside] = groups.n / size[inside]
        return cls(y, x, group, inside, groups, means, weights, fraction)

    def at(self, ratio: float, method: Method) -> _At:
        groups, inside, k = self.groups, self.inside, len(self.means)
        a, coef, rest = groups.at(ratio)
        within = rest / (len(self.y) - len(coef) if method == "reml" else len(self.y))
        between = ratio * within
        gamma, ybar, xbar = np.zeros(k), np.zeros(k), np.zeros_like(self.means)
        if self.weights is None:
            gamma[inside] = ratio * groups.n / (1 + ratio * groups.n)
            ybar[inside], xbar[inside] = groups.y, groups.x
            phi = within * np.linalg.inv(a)
            share = 1 / groups.n
        else:
            coef, phi, gamma[inside], ybar[inside], xbar[inside], share = _weighted(
                self.y, self.x, self.group, self.weights, between, within
            )
        fraction = self.fraction
        others = (self.means - fraction[:, None] * xbar) / np.where(fraction < 1, 1 - fraction, 1)[:, None]
        targets = np.where((fraction < 1)[:, None], others, self.means)
        predicted = targets @ coef + gamma * (ybar - xbar @ coef)
        return _At(
            between, within, coef, phi, gamma, share, targets - gamma[:, None] * xbar,
            fraction * ybar + (1 - fraction) * predicted,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnitFit:
    """A fitted nested error model with predictions for k areas.

    Attributes
    ----------
    between, within : float
        ``σ̂_v²`` and ``σ̂_e²``.
    adjusted : bool
        Whether the likelihood gave ``σ̂_v² = 0``; the one times ``arctan(Σ γ_i)^(1/m)`` answered, as
        Yoshimori and Lahiri (2014) have it for the area-level model.
    variance_cov : ndarray (2, 2)
        Their asymptotic covariance (inverse Fisher information).
    coef, coef_cov : ndarray (p,), (p, p)
        β̂ (weighted estimating equations where there are weights) and its model covariance.
    shrinkage : ndarray (k,)
        ``γ_i``; zero in areas without a unit.
    synthetic, estimate : ndarray (k,)
        ``X̄_i'β̂`` and ``X̄_i'β̂ + γ_i (ȳ_i − x̄_i'β̂)``, for the mean of all units of the area.
    g1, g2, g3, mse : ndarray (k,)
        Terms of the mean squared error and the error itself.
    mse_matrix : ndarray (k, k)
    loglik : float
    """

    between: float
    within: float
    adjusted: bool
    variance_cov: np.ndarray
    coef: np.ndarray
    coef_cov: np.ndarray
    shrinkage: np.ndarray
    synthetic: np.ndarray
    estimate: np.ndarray
    g1: np.ndarray
    g2: np.ndarray
    g3: np.ndarray
    mse: np.ndarray
    mse_matrix: np.ndarray
    loglik: float


def fit(
    y: np.ndarray, x: np.ndarray, area: np.ndarray, means: np.ndarray, *, method: Method = "reml",
    weights: np.ndarray | None = None, size: np.ndarray | None = None,
) -> UnitFit:  # fmt: skip
    """Fit the nested error model and predict the mean of every area.

    Parameters
    ----------
    y : ndarray (n,)
    x : ndarray (n, p)
        The constant among them.
    area : ndarray (n,) of int
        Row of `means` each unit belongs to.
    means : ndarray (k, p)
        Population means of x in every area.
    method : {"reml", "ml"}
    weights : ndarray (n,), optional
        Survey weights for the pseudo-EBLUP: ``γ_i = σ_v²/(σ_v² + σ_e² Σ_j w̃_ij²)``,
        ``w̃_ij = w_ij/Σ_j w_ij``, weighted means, and β̂ from
        ``Σ w_ij (x_ij − γ_i x̄_iw)(y_ij − x_ij'β) = 0``. The variances are those of the unweighted model.
    size : ndarray (k,), optional
        Numbers of units in the population: the sampled ones are then known, and the mean of the
        others is predicted. Not with weights.

    Returns
    -------
    UnitFit

    Notes
    -----
    ``MSE = g1 + g2 + 2 g3 − b'∇g1``: ``g1 = (1 − γ)σ_v²``,
    ``g2 = (X̄ − γx̄)'Φ(X̄ − γx̄)``, ``g3 = γ(1 − γ)²/(σ_e⁴σ_v²) · Var(σ̂_v² σ_e² − σ̂_e² σ_v²)``,
    b the bias of ML (``½ I⁻¹ (−tr Q X'V⁻¹V_kV⁻¹X)``), zero for REML (Prasad and Rao 1990; Datta
    and Lahiri 2000). With `size`, ``(1 − f)²`` times that at the mean of the units not sampled plus
    ``(1 − f) σ_e²/N``.
    """
    data = _Data.of(y, x, area, means, weights, size)
    groups = data.groups
    ratio = _ratio(groups, method, adjusted=False)
    adjusted = ratio == 0.0
    if adjusted:
        ratio = _ratio(groups, method, adjusted=True)
    at = data.at(ratio, method)
    between, within, gamma, inside = at.between, at.within, at.gamma, data.inside
    information, bias = _information(groups, between, within, groups.at(ratio)[0], method)
    spread = np.linalg.inv(information)
    g1 = (1 - gamma) * between
    g2_matrix = at.reach @ at.phi @ at.reach.T
    g3 = np.zeros(len(means))
    noise = within**2 * spread[0, 0] - 2 * within * between * spread[0, 1] + between**2 * spread[1, 1]
    g3[inside] = (1 - gamma[inside]) ** 2 / (between + within * at.share) / within**2 * noise
    slope = np.column_stack([(1 - gamma) ** 2, np.zeros(len(means))])
    slope[inside, 1] = gamma[inside] ** 2 * at.share
    g2 = np.diag(g2_matrix).copy()
    mse = g1 + g2 + 2 * g3 - (slope @ bias if method == "ml" else 0.0)
    left = 1 - data.fraction
    errors = g2_matrix.copy()
    np.fill_diagonal(errors, mse)
    errors *= np.outer(left, left)
    if size is not None:
        errors += np.diag(left * within / size)
    return UnitFit(
        between=between, within=within, adjusted=adjusted, variance_cov=spread, coef=at.coef, coef_cov=at.phi,
        shrinkage=gamma, synthetic=means @ at.coef, estimate=at.estimate, g1=g1, g2=g2, g3=g3,
        mse=np.diag(errors).copy(), mse_matrix=errors, loglik=groups.profile(ratio, method)[0],
    )  # fmt: skip


def integrated(
    y: np.ndarray, x: np.ndarray, area: np.ndarray, means: np.ndarray, *, weights: np.ndarray | None = None,
    size: np.ndarray | None = None,
) -> Mixture:  # fmt: skip
    """The same with ``λ = σ_v²/σ_e²`` integrated out of the restricted likelihood, its prior flat.

    Given λ, an area has mean ``θ̂_i(λ)`` and variance ``g1 + g2``; the likelihood with σ_e² at its best
    is that with σ_e² integrated out under ``1/σ_e²``.
    """
    data = _Data.of(y, x, area, means, weights, size)
    height = np.array([data.groups.profile(ratio, "reml")[0] for ratio in _STEPS]) + np.log(_STEPS)
    ratios, weight = seen(height, _STEPS)
    left = 1 - data.fraction
    mean, inner, reach, phi = [], [], [], []
    for ratio in ratios:
        at = data.at(float(ratio), "reml")
        mean.append(at.estimate)
        inner.append(left**2 * (1 - at.gamma) * at.between + (0.0 if size is None else left * at.within / size))
        reach.append(left[:, None] * at.reach)
        phi.append(at.phi)
    return Mixture(weight, np.array(mean), np.array(inner) + spread_of(np.array(reach), np.array(phi)))


def _ratio(groups: _Groups, method: Method, adjusted: bool) -> float:
    """``λ̂ = σ̂_v²/σ̂_e²``: the best of a grid, then the root of the slope beside it; zero at its lower end."""
    best = int(np.argmax([groups.profile(at, method, adjusted)[0] for at in _GRID]))
    low, high = _GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)]

    def slope(at: float) -> float:
        return groups.profile(float(np.exp(at)), method, adjusted)[1]

    if best == 0 and not adjusted:
        return 0.0
    if slope(np.log(low)) <= 0 or slope(np.log(high)) >= 0:
        return float(_GRID[best])
    return float(np.exp(brentq(slope, np.log(low), np.log(high), xtol=1e-14, rtol=1e-14)))


def _information(
    groups: _Groups, between: float, within: float, a: np.ndarray, method: Method
) -> tuple[np.ndarray, np.ndarray]:
    """Fisher information of (σ_v², σ_e²), and the bias of their ML estimates."""
    n, total = groups.n, within + groups.n * between
    ee = float(np.sum((n - 1) / within**2 + total**-2.0))
    ve = float(np.sum(n / total**2))
    information = 0.5 * np.array([[np.sum(n**2 / total**2), ve], [ve, ee]])
    if method != "ml":
        return information, np.zeros(2)
    q = within * np.linalg.inv(a)
    v_part = (groups.x.T * (n**2 / total**2)) @ groups.x
    inside = groups.xx - (groups.x.T * n) @ groups.x
    e_part = inside / within**2 + (groups.x.T * (n / total**2)) @ groups.x
    traces = np.array([np.trace(q @ v_part), np.trace(q @ e_part)])
    return information, -0.5 * np.linalg.solve(information, traces)


def _weighted(
    y: np.ndarray, x: np.ndarray, group: np.ndarray, weights: np.ndarray, between: float, within: float
) -> tuple[np.ndarray, ...]:
    """β̂_w, its covariance under the model, γ_w, weighted means of y and x, Σ w̃²."""
    m = int(group.max()) + 1
    total = np.bincount(group, weights, minlength=m)
    normed = weights / total[group]
    share = np.bincount(group, normed**2, minlength=m)
    ybar = np.bincount(group, normed * y, minlength=m)
    xbar = np.column_stack([np.bincount(group, normed * column, minlength=m) for column in x.T])
    gamma = between / (between + within * share)
    z = weights[:, None] * (x - (gamma[:, None] * xbar)[group])
    inverse = np.linalg.inv(x.T @ z)
    sums = np.column_stack([np.bincount(group, column, minlength=m) for column in z.T])
    middle = within * z.T @ z + between * sums.T @ sums
    return inverse.T @ (z.T @ y), inverse.T @ middle @ inverse, gamma, ybar, xbar, share
