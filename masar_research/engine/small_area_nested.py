"""Areas within larger ones: the area-level model with an effect of the larger area too (Torabi and Rao 2014).

Direct estimate of area i in group g: ``y_i = θ_i + e_i``, ``e_i ~ (0, ψ_i)`` with ψ_i known;
``θ_i = x_i'β + u_g + v_i``, ``u_g ~ (0, σ_u²)``, ``v_i ~ (0, σ_v²)``. A district without an interview
still learns from its governorate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

from masar_research.engine import small_area
from masar_research.engine.small_area_integrated import Mixture, seen, spread_of

_GRID = np.geomspace(1e-6, 1e4, 41)
_STEPS = np.geomspace(1e-4, 1e4, 57)
_NEWTON = 30


@dataclass(frozen=True, slots=True)
class NestedFit:
    """A fitted model of k areas in G groups, m areas with a direct estimate.

    Attributes
    ----------
    between : float
        ``σ̂_u²``, between groups.
    variance : float
        ``σ̂_v²``, between areas of a group.
    adjusted : bool
        Whether the likelihood gave ``σ̂_v² = 0``; the one times ``arctan(Σ σ_v²/(σ_v² + ψ_i))^(1/m)``
        answered (Yoshimori and Lahiri 2014).
    variance_cov : ndarray (2, 2)
        Of the two, in this order: inverse Fisher information.
    coef, coef_cov : ndarray (p,), (p, p)
    effects : ndarray (G,)
        ``û_g``.
    shrinkage : ndarray (k,)
        Weight of an area's own direct estimate in its deviation; zero without one.
    synthetic : ndarray (k,)
        ``x_i'β̂ + û_g``: what is said of an area without a direct estimate.
    estimate : ndarray (k,)
    matrix : ndarray (k, m)
        L with ``estimate = L y`` at these variances.
    v, g : ndarray (m, m), (k, m)
        ``Var(y)`` and ``Cov(θ, y)``.
    g1, g2, g3, mse : ndarray (k,)
        Terms of the mean squared error, and ``g1 + g2 + 2 g3``.
    mse_matrix : ndarray (k, k)
    loglik : float
        Restricted, without the adjustment.
    method : str
    """

    between: float
    variance: float
    adjusted: bool
    variance_cov: np.ndarray
    coef: np.ndarray
    coef_cov: np.ndarray
    effects: np.ndarray
    shrinkage: np.ndarray
    synthetic: np.ndarray
    estimate: np.ndarray
    matrix: np.ndarray
    v: np.ndarray
    g: np.ndarray
    g1: np.ndarray
    g2: np.ndarray
    g3: np.ndarray
    mse: np.ndarray
    mse_matrix: np.ndarray
    loglik: float
    method: str = field(default="reml")


@dataclass(frozen=True, slots=True)
class _At:
    """Sums at P pairs of variances."""

    loglik: np.ndarray
    coef: np.ndarray
    q: np.ndarray
    inverse: np.ndarray
    shrink: np.ndarray
    crossed: np.ndarray


@dataclass(frozen=True, slots=True)
class _Data:
    """Direct estimates (m,), covariates (m, p), sampling variances (m,), membership (m, G)."""

    y: np.ndarray
    x: np.ndarray
    psi: np.ndarray
    z: np.ndarray

    def at(self, between: np.ndarray, within: np.ndarray) -> _At:
        """By the inverse of ``V = diag(σ_v² + ψ) + σ_u² ZZ'`` group by group; (P,) each.

        ``shrink`` is ``c_g = σ_u²/(1 + σ_u² t_g)``, ``t_g`` the sum of ``1/(σ_v² + ψ)`` in the group;
        ``crossed`` ``s_g = Σ x_i/(σ_v² + ψ_i)``.
        """
        p = self.x.shape[1]
        inverse = 1.0 / (within[:, None] + self.psi)
        held = inverse @ self.z
        shrink = between[:, None] / (1 + between[:, None] * held)
        crossed = np.stack([(inverse * column) @ self.z for column in self.x.T], axis=2)
        sums = (inverse * self.y) @ self.z
        products = (self.x[:, :, None] * self.x[:, None, :]).reshape(-1, p * p)
        information = (inverse @ products).reshape(-1, p, p)
        information = information - np.einsum("pg,pga,pgb->pab", shrink, crossed, crossed, optimize=True)
        xy = (inverse * self.y) @ self.x - np.einsum("pg,pga->pa", shrink * sums, crossed)
        q = np.linalg.inv(information)
        coef = np.einsum("pab,pb->pa", q, xy)
        yy = inverse @ self.y**2 - (shrink * sums**2).sum(axis=1)
        height = -np.log(inverse).sum(axis=1) + np.log1p(between[:, None] * held).sum(axis=1)
        height += np.linalg.slogdet(information)[1] + yy - (coef * xy).sum(axis=1)
        height += (len(self.y) - p) * np.log(2 * np.pi)
        return _At(-0.5 * height, coef, q, inverse, shrink, crossed)

    def dense(self, between: float, within: float) -> np.ndarray:
        return between * self.z @ self.z.T + np.diag(within + self.psi)


def _data(y: np.ndarray, x: np.ndarray, psi: np.ndarray, group: np.ndarray) -> tuple[_Data, np.ndarray, np.ndarray]:
    sampled = np.isfinite(y)
    z = (group[:, None] == np.arange(int(group.max()) + 1)).astype(float)
    # Centred on a plain fit, so that sums of squares keep their digits.
    middle = x @ np.linalg.lstsq(x[sampled], y[sampled], rcond=None)[0]
    return _Data((y - middle)[sampled], x[sampled], psi[sampled], z[sampled]), z, middle


def fit(y: np.ndarray, x: np.ndarray, psi: np.ndarray, group: np.ndarray) -> NestedFit:
    """Fit the model by REML and predict every area.

    Parameters
    ----------
    y : ndarray (k,)
        Direct estimates; NaN in areas without one.
    x : ndarray (k, p)
        The constant among them.
    psi : ndarray (k,)
    group : ndarray (k,) of int
        0 … G − 1. A group without any direct estimate has ``û_g = 0``.

    Notes
    -----
    ``g1 = diag(Ω − B Ω_s')`` with ``Ω = σ_u² ZZ' + σ_v² I``, ``B = Ω_s V⁻¹``; ``g2 = d'Qd``,
    ``d = x − B X``; ``g3 = Σ_ij S_ij b_i V b_j'``, ``b_i = ∂B/∂σ_i²``, S the inverse of the Fisher
    information ``½ tr(V⁻¹V_iV⁻¹V_j)`` (Prasad and Rao 1990; Datta and Lahiri 2000).

    Examples
    --------
    >>> y = np.array([1.0, 1.2, 3.0, 2.7, 0.4, 0.8, 2.1, np.nan])
    >>> found = fit(y, np.ones((8, 1)), np.full(8, 0.05), np.array([0, 0, 1, 1, 2, 2, 3, 1]))
    >>> found.estimate.round(2)[-1], found.coef.round(2)    # nearer its group than the mean of all
    (np.float64(2.81), array([1.66]))
    """
    data, z, middle = _data(y, x, psi, group)
    between, within, adjusted = _variances(data)
    sampled = np.isfinite(y)
    at = data.at(np.array([between]), np.array([within]))
    v = data.dense(between, within)
    inverse = np.linalg.inv(v)
    own = np.eye(len(y))[:, sampled]
    turns = (data.z @ data.z.T, np.eye(len(v)))
    reach = (z @ data.z.T, own)
    g = between * reach[0] + within * reach[1]
    blup = g @ inverse
    left = between * z @ z.T + within * np.eye(len(y)) - blup @ g.T
    away = x - blup @ data.x
    q = at.q[0]
    g2_matrix = away @ q @ away.T
    products = [inverse @ turn for turn in turns]
    information = 0.5 * np.array([[np.sum(one * other.T) for other in products] for one in products])
    spread = np.linalg.inv(information)
    slopes = [(side - blup @ turn) @ inverse for side, turn in zip(reach, turns, strict=True)]
    g3 = sum(spread[i, j] * np.sum((slopes[i] @ v) * slopes[j], axis=1) for i in (0, 1) for j in (0, 1))
    g1, g2 = np.diag(left).copy(), np.diag(g2_matrix).copy()
    mse = g1 + g2 + 2 * np.asarray(g3)
    errors = left + g2_matrix
    np.fill_diagonal(errors, mse)
    rest = data.y - data.x @ at.coef[0]
    effects = at.shrink[0] * ((at.inverse[0] * rest) @ data.z)
    shrinkage = np.zeros(len(y))
    shrinkage[sampled] = np.diag(blup[sampled])
    synthetic = middle + x @ at.coef[0] + z @ effects
    coef = at.coef[0] + np.linalg.lstsq(x, middle, rcond=None)[0]
    return NestedFit(
        between=between, variance=within, adjusted=adjusted, variance_cov=spread, coef=coef, coef_cov=q,
        effects=effects, shrinkage=shrinkage, synthetic=synthetic,
        estimate=middle + x @ at.coef[0] + blup @ rest, matrix=blup + away @ (q @ data.x.T @ inverse), v=v, g=g,
        g1=g1, g2=g2, g3=np.asarray(g3), mse=mse, mse_matrix=errors, loglik=float(at.loglik[0]),
    )  # fmt: skip


def integrated(y: np.ndarray, x: np.ndarray, psi: np.ndarray, group: np.ndarray) -> Mixture:
    """The same with both variances integrated out of the restricted likelihood, priors flat.

    Given the variances, ``γ_i = σ_v²/(σ_v² + ψ_i)`` and ``c_g`` the variance of ``u_g``, an area has
    mean ``θ̂_i`` and variance ``(1 − γ_i)σ_v² + (1 − γ_i)² c_g + g2_i``.
    """
    data, z, middle = _data(y, x, psi, group)
    sampled = np.isfinite(y)
    size = float(np.mean(data.psi)) + float(np.var(data.y))
    between, within = (each.ravel() for each in np.meshgrid(size * _STEPS, size * _STEPS))
    height = data.at(between, within).loglik + np.log(between) + np.log(within)
    between, within, weight = seen(height, between, within)
    at = data.at(between, within)
    gamma = np.zeros((len(weight), len(y)))
    gamma[:, sampled] = within[:, None] * at.inverse
    rest = data.y - at.coef @ data.x.T
    effects = at.shrink * ((at.inverse * rest) @ data.z)
    mean = middle + at.coef @ x.T + effects @ z.T
    mean[:, sampled] += gamma[:, sampled] * (y[sampled] - mean[:, sampled])
    kept = 1 - gamma
    inner = kept * within[:, None] + kept**2 * (at.shrink @ z.T)
    reach = kept[..., None] * (x - np.einsum("pg,pga,ig->pia", at.shrink, at.crossed, z, optimize=True))
    return Mixture(weight, mean, inner + spread_of(reach, at.q))


def _variances(data: _Data) -> tuple[float, float, bool]:
    """``σ̂_u²``, ``σ̂_v²``, and whether the adjusted likelihood answered."""
    size = float(np.mean(data.psi)) + float(np.var(data.y))
    values = np.concatenate([[0.0], size * _GRID])
    between, within = (each.ravel() for each in np.meshgrid(values, values, indexing="ij"))
    best = int(np.argmax(data.at(between, within).loglik))
    least = values[1]
    if between[best] <= least:
        (one,), (zero,) = small_area.variances(data.y[None], data.x, data.psi, "reml")
        return 0.0, float(one), bool(zero)
    if within[best] <= least:
        return (*_highest(data, np.array([between[best], size * 0.01]), adjust=True), True)
    start = _highest(data, np.array([between[best], within[best]]), adjust=False)
    return (*_polished(data, np.array(start)), False)


def _highest(data: _Data, start: np.ndarray, adjust: bool) -> tuple[float, float]:
    def loss(free: np.ndarray) -> float:
        between, within = np.exp(np.clip(free, -60.0, 60.0))
        height = data.at(np.array([between]), np.array([within])).loglik[0]
        if adjust:
            height += np.log(np.arctan(np.sum(within / (within + data.psi)))) / len(data.y)
        return -float(height)

    found = minimize(loss, np.log(start), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 2000})
    between, within = np.exp(found.x)
    return float(between), float(within)


def _polished(data: _Data, theta: np.ndarray) -> tuple[float, float]:
    """Newton steps by average information while they bring the slope nearer zero."""

    def slope(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inverse = np.linalg.inv(data.dense(*at))
        scaled = inverse @ data.x
        rest = inverse - scaled @ np.linalg.solve(data.x.T @ scaled, scaled.T)
        told = rest @ data.y
        turned = [data.z @ (data.z.T @ told), told]
        first = [np.sum((rest @ data.z) * data.z), np.trace(rest)]
        score = np.array([-0.5 * (trace - told @ each) for trace, each in zip(first, turned, strict=True)])
        return score, 0.5 * np.array([[one @ rest @ other for other in turned] for one in turned])

    score, information = slope(theta)
    for _ in range(_NEWTON):
        moved = theta + np.linalg.solve(information, score)
        if (moved <= 0).any():
            break
        after, bend = slope(moved)
        if np.abs(after * moved).max() >= np.abs(score * theta).max():
            break
        theta, score, information = moved, after, bend
    return float(theta[0]), float(theta[1])
