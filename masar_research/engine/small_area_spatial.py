"""The spatial area-level model: area effects that follow a simultaneous autoregression.

``v = ρ W v + u``, ``u ~ (0, σ²)``, W row-standardised: ``Var(v) = G = σ² C⁻¹``,
``C = (I − ρW)'(I − ρW)`` (Singh, Shukla and Kundu 2005; Pratesi and Salvati 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

Method = Literal["reml", "ml"]
EDGE = 0.999
_STEPS = 40


@dataclass(frozen=True, slots=True)
class SpatialFit:
    """A fitted spatial model over m areas, each with a direct estimate.

    Attributes
    ----------
    variance, correlation : float
        ``σ̂²`` and ``ρ̂``.
    variance_cov : ndarray (2, 2)
        Their asymptotic covariance.
    coef, coef_cov : ndarray (p,), (p, p)
    synthetic, estimate : ndarray (m,)
        ``Xβ̂`` and ``Xβ̂ + G V⁻¹ (y − Xβ̂)``.
    shrinkage : ndarray (m,)
        Weight of the area's own direct estimate: the diagonal of ``G V⁻¹``.
    matrix : ndarray (m, m)
        L with ``estimate = L y``.
    effects : ndarray (m, m)
        G.
    g1, g2, g3, g4, mse : ndarray (m,)
    mse_matrix : ndarray (m, m)
    loglik : float
    """

    variance: float
    correlation: float
    variance_cov: np.ndarray
    coef: np.ndarray
    coef_cov: np.ndarray
    synthetic: np.ndarray
    estimate: np.ndarray
    shrinkage: np.ndarray
    matrix: np.ndarray
    effects: np.ndarray
    g1: np.ndarray
    g2: np.ndarray
    g3: np.ndarray
    g4: np.ndarray
    mse: np.ndarray
    mse_matrix: np.ndarray
    loglik: float


@dataclass(frozen=True, slots=True)
class _At:
    """The model at one (σ², ρ): what likelihood, slope and information are made of."""

    coef: np.ndarray
    q: np.ndarray
    inverse: np.ndarray
    projection: np.ndarray
    effects: np.ndarray
    turns: tuple[np.ndarray, np.ndarray]
    loglik: float
    slope: np.ndarray
    information: np.ndarray


def _parts(rho: float, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """C and its slope in ρ."""
    left = np.eye(len(w)) - rho * w
    return left.T @ left, -w - w.T + 2 * rho * w.T @ w


def _at(theta: np.ndarray, y: np.ndarray, x: np.ndarray, psi: np.ndarray, w: np.ndarray, method: Method) -> _At:
    variance, rho = theta
    c, turn = _parts(rho, w)
    c_inverse = np.linalg.inv(c)
    effects = variance * c_inverse
    v = effects + np.diag(psi)
    inverse = np.linalg.inv(v)
    scaled = inverse @ x
    q = np.linalg.inv(x.T @ scaled)
    projection = inverse - scaled @ q @ scaled.T
    coef = q @ (scaled.T @ y)
    turns = (c_inverse, -variance * c_inverse @ turn @ c_inverse)
    rest = projection @ y
    used = projection if method == "reml" else inverse
    loglik = -0.5 * (np.linalg.slogdet(v)[1] + y @ rest + len(y) * np.log(2 * np.pi))
    if method == "reml":
        loglik += 0.5 * (np.linalg.slogdet(q)[1] + x.shape[1] * np.log(2 * np.pi))
    slope = np.array([-0.5 * (np.sum(used * each) - rest @ each @ rest) for each in turns])
    moved = [inverse @ each for each in turns]
    information = np.array([[0.5 * np.sum(one * other.T) for other in moved] for one in moved])
    return _At(coef, q, inverse, projection, effects, turns, float(loglik), slope, information)


def fit(
    y: np.ndarray, x: np.ndarray, psi: np.ndarray, w: np.ndarray, method: Method = "reml"
) -> SpatialFit | None:
    """Fit the spatial model and predict every area.

    Parameters
    ----------
    y : ndarray (m,)
    x : ndarray (m, p)
    psi : ndarray (m,)
    w : ndarray (m, m)
        Neighbours, rows summing to 1 (or to 0 for an island).
    method : {"reml", "ml"}

    Returns
    -------
    SpatialFit, or None where the likelihood is greatest at a variance of zero or at |ρ| = 0.999:
    the model is then not to be told from one without space.

    Notes
    -----
    ``MSE = g1 + g2 + 2 g3 − g4 − b'∇g1`` (Singh et al. 2005; Molina, Salvati and Pratesi 2009):
    ``g1 = diag(G − G V⁻¹G)``; g2 from ``(X − G V⁻¹X) Q (…)'``; ``g3 = tr(L V L' V(θ̂))`` with L the
    slopes of the rows of ``G V⁻¹`` in (σ², ρ); ``g3 − g4 = −½ tr(∇²g1 V(θ̂))``; b the bias of ML,
    zero for REML. Covariances of two errors are those of ``G − G V⁻¹G`` and of g2.
    """
    size = float(np.var(y - x @ np.linalg.lstsq(x, y, rcond=None)[0])) + float(np.mean(psi))

    def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
        theta = np.array([size * np.exp(free[0]), EDGE * np.tanh(free[1])])
        found = _at(theta, y, x, psi, w, method)
        scale = np.array([theta[0], EDGE - theta[1] ** 2 / EDGE])
        return -found.loglik, -found.slope * scale

    best = None
    for rho in (-0.6, 0.0, 0.6, 0.9):
        for share in (0.1, 0.6):
            start = np.array([np.log(share), np.arctanh(rho / EDGE)])
            tried = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 200})
            if best is None or tried.fun < best.fun - 1e-12:
                best = tried
    theta = np.array([size * np.exp(best.x[0]), EDGE * np.tanh(best.x[1])])
    if theta[0] < 1e-6 * size or abs(theta[1]) > EDGE - 1e-4:
        return None
    theta = _polished(theta, y, x, psi, w, method)
    return _predicted(theta, y, x, psi, w, method)


def _polished(
    theta: np.ndarray, y: np.ndarray, x: np.ndarray, psi: np.ndarray, w: np.ndarray, method: Method
) -> np.ndarray:
    """Newton steps on the slope, its derivative by central differences, while they bring it nearer zero."""
    found = _at(theta, y, x, psi, w, method)
    for _ in range(_STEPS):
        steps = np.array([theta[0], 1.0]) * 1e-5
        sides = [[_at(theta + s * np.eye(2)[i] * steps[i], y, x, psi, w, method).slope for s in (1, -1)] for i in (0, 1)]
        bend = np.column_stack([(up - down) / (2 * step) for (up, down), step in zip(sides, steps, strict=True)])
        moved = theta - np.linalg.solve(bend, found.slope)
        if moved[0] <= 0 or abs(moved[1]) >= EDGE:
            return theta
        after = _at(moved, y, x, psi, w, method)
        if np.abs(after.slope * steps).max() >= np.abs(found.slope * steps).max():
            return theta
        theta, found = moved, after
    return theta


def _predicted(
    theta: np.ndarray, y: np.ndarray, x: np.ndarray, psi: np.ndarray, w: np.ndarray, method: Method
) -> SpatialFit:
    found = _at(theta, y, x, psi, w, method)
    variance, rho = float(theta[0]), float(theta[1])
    blup = found.effects @ found.inverse
    reach = x - blup @ x
    left = found.effects - blup @ found.effects
    spread = np.linalg.inv(found.information)
    v = found.effects + np.diag(psi)
    slopes = [(turn - blup @ turn) @ found.inverse for turn in found.turns]
    g3 = sum(
        spread[i, j] * np.sum((slopes[i] @ v) * slopes[j], axis=1) for i in (0, 1) for j in (0, 1)
    )
    bends = _curvature(left, variance, rho, w)
    half = 0.5 * sum(spread[i, j] * bends[i][j] for i in (0, 1) for j in (0, 1))
    g1 = np.diag(left).copy()
    g4 = g3 + half
    g2_matrix = reach @ found.q @ reach.T
    mse = g1 + np.diag(g2_matrix) + 2 * g3 - g4
    if method == "ml":
        scaled = found.inverse @ x
        traces = np.array([-np.sum(found.q * (scaled.T @ turn @ scaled)) for turn in found.turns])
        bias = 0.5 * spread @ traces
        c, turn = _parts(rho, w)
        changes = [-left @ change @ left for change in (-c / variance**2, turn / variance)]
        mse = mse - sum(bias[i] * np.diag(changes[i]) for i in (0, 1))
    errors = left + g2_matrix
    np.fill_diagonal(errors, mse)
    synthetic = x @ found.coef
    coef_matrix = found.q @ (found.inverse @ x).T
    return SpatialFit(
        variance=variance, correlation=rho, variance_cov=spread, coef=found.coef, coef_cov=found.q,
        synthetic=synthetic, estimate=synthetic + blup @ (y - synthetic), shrinkage=np.diag(blup).copy(),
        matrix=blup + reach @ coef_matrix, effects=found.effects, g1=g1, g2=np.diag(g2_matrix).copy(),
        g3=np.asarray(g3), g4=np.asarray(g4), mse=mse, mse_matrix=errors, loglik=found.loglik,
    )  # fmt: skip


def _curvature(left: np.ndarray, variance: float, rho: float, w: np.ndarray) -> list[list[np.ndarray]]:
    """Second derivatives of the diagonal of ``T = (G⁻¹ + Ψ⁻¹)⁻¹`` in (σ², ρ).

    ``T_jk = T A_j T A_k T + T A_k T A_j T − T A_jk T`` with ``A = G⁻¹ = C/σ²``.
    """
    c, turn = _parts(rho, w)
    first = (-c / variance**2, turn / variance)
    second = {(0, 0): 2 * c / variance**3, (0, 1): -turn / variance**2, (1, 1): 2 * w.T @ w / variance}

    def bend(i: int, j: int) -> np.ndarray:
        one = left @ first[i] @ left @ first[j] @ left
        return np.diag(one + one.T - left @ second[min(i, j), max(i, j)] @ left)

    return [[bend(i, j) for j in (0, 1)] for i in (0, 1)]
