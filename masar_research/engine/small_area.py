"""The area-level model (Fay and Herriot 1979): variance of the area effects, predictors, mean squared errors.

Direct estimate of area i: ``y_i = θ_i + e_i``, ``e_i ~ (0, ψ_i)`` with ψ_i known;
``θ_i = x_i'β + v_i``, ``v_i ~ (0, σ²)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Method = Literal["reml", "ml", "li_lahiri", "yoshimori_lahiri"]
METHODS: tuple[Method, ...] = ("reml", "ml", "li_lahiri", "yoshimori_lahiri")
_GRID = np.geomspace(1e-8, 1e5, 66)
_HALVINGS = 58
_ROOM = 2_000_000


@dataclass(frozen=True, slots=True)
class AreaFit:
    """A fitted area-level model over k areas, m of them with a direct estimate.

    Attributes
    ----------
    method : str
        The likelihood that was maximised; ``yoshimori_lahiri`` where the one asked for gave zero.
    adjusted : bool
        Whether the likelihood asked for gave zero.
    variance : float
        ``σ̂²``, in squared units of y.
    variance_se : float
        Root of its asymptotic variance ``2 / Σ (σ² + ψ)⁻²``.
    coef, coef_cov : ndarray (p,), (p, p)
        ``β̂ = Q X'V⁻¹y`` and ``Q = (X'V⁻¹X)⁻¹``.
    shrinkage : ndarray (k,)
        ``γ_i = σ²/(σ² + ψ_i)``; zero in areas without a direct estimate.
    synthetic : ndarray (k,)
        ``x_i'β̂``.
    estimate : ndarray (k,)
        ``γ_i y_i + (1 − γ_i) x_i'β̂``.
    matrix : ndarray (k, m)
        L with ``estimate = L y`` at this σ².
    g1, g2, g3, mse : ndarray (k,)
        Terms of the mean squared error and their sum as the method has it.
    mse_matrix : ndarray (k, k)
        The same with covariances of the prediction errors.
    loglik : float
        Maximised log likelihood (restricted for every method but ``ml``), without the adjustment.
    """

    method: Method
    adjusted: bool
    variance: float
    variance_se: float
    coef: np.ndarray
    coef_cov: np.ndarray
    shrinkage: np.ndarray
    synthetic: np.ndarray
    estimate: np.ndarray
    matrix: np.ndarray
    g1: np.ndarray
    g2: np.ndarray
    g3: np.ndarray
    mse: np.ndarray
    mse_matrix: np.ndarray
    loglik: float


def fit(y: np.ndarray, x: np.ndarray, psi: np.ndarray, method: Method = "reml") -> AreaFit:
    """Fit the area-level model and predict every area.

    Parameters
    ----------
    y : ndarray (k,)
        Direct estimates; NaN in areas without one.
    x : ndarray (k, p)
        Covariates of every area, the constant among them.
    psi : ndarray (k,)
        Sampling variances, positive where there is a direct estimate.
    method : {"reml", "ml", "li_lahiri", "yoshimori_lahiri"}
        The adjusted likelihoods multiply the restricted one by ``σ²`` (Li and Lahiri 2010) or by
        ``arctan(Σ γ_i)^(1/m)`` (Yoshimori and Lahiri 2014), so that their maximum is positive.
        REML and ML that give zero are answered by the latter.

    Returns
    -------
    AreaFit

    Notes
    -----
    ``MSE = g1 + g2 + 2 g3 − b ∇g1`` with ``g1 = (1 − γ)σ²``, ``g2 = (1 − γ)² x'Qx``,
    ``g3 = (1 − γ)² V(σ̂²)/(σ² + ψ)``, ``∇g1 = (1 − γ)²``; the bias b of σ̂² is zero for REML and
    Yoshimori–Lahiri (Prasad and Rao 1990; Datta and Lahiri 2000),
    ``−tr(Q X'V⁻²X) / Σ (σ² + ψ)⁻²`` for ML and ``2 / (σ² Σ (σ² + ψ)⁻²)`` for Li–Lahiri, left out
    where it would bring the error to g2 or below. Errors of two areas covary by
    ``(1 − γ_i)(1 − γ_j) x_i'Q x_j``.

    Examples
    --------
    >>> y = np.array([1.0, 1.4, 0.7, 1.9, 1.2, 0.5])
    >>> found = fit(y, np.ones((6, 1)), np.full(6, 0.04))
    >>> round(found.variance, 6)        # the variance of y less 0.04
    0.213667
    """
    sampled = np.isfinite(y)
    direct, design, spread = y[sampled], x[sampled], psi[sampled]
    (variance,), (adjusted,) = (each.tolist() for each in variances(direct[None], design, spread, method))
    used: Method = "yoshimori_lahiri" if adjusted else method
    inverse = 1.0 / (variance + spread)
    q = np.linalg.inv((design.T * inverse) @ design)
    coef_matrix = q @ (design.T * inverse)
    coef = coef_matrix @ direct
    gamma = np.zeros(len(y))
    gamma[sampled] = variance * inverse
    matrix = (1 - gamma)[:, None] * (x @ coef_matrix)
    matrix[np.flatnonzero(sampled), np.arange(len(direct))] += gamma[sampled]
    information = float(np.sum(inverse**2))
    rest = (1 - gamma)[:, None] * x
    g2_matrix = rest @ q @ rest.T
    g1 = variance * (1 - gamma)
    g3 = np.zeros(len(y))
    g3[sampled] = (1 - gamma[sampled]) ** 2 * inverse * 2.0 / information
    bias = 0.0
    if used == "ml":
        bias = -float(np.trace(q @ ((design.T * inverse**2) @ design))) / information
    elif used == "li_lahiri":
        bias = 2.0 / (variance * information)
    g2 = np.diag(g2_matrix).copy()
    plain = g1 + g2 + 2 * g3
    corrected = plain - bias * (1 - gamma) ** 2
    mse = np.where(corrected > g2, corrected, plain)
    mse_matrix = g2_matrix.copy()
    np.fill_diagonal(mse_matrix, mse)
    synthetic = x @ coef
    estimate = synthetic.copy()
    estimate[sampled] += gamma[sampled] * (direct - synthetic[sampled])
    loglik = likelihood(np.array([variance]), direct[None], design, spread, used)[0][0]
    return AreaFit(
        method=used, adjusted=bool(adjusted), variance=variance, variance_se=(2.0 / information) ** 0.5,
        coef=coef, coef_cov=q, shrinkage=gamma, synthetic=synthetic, estimate=estimate, matrix=matrix,
        g1=g1, g2=g2, g3=g3, mse=mse, mse_matrix=mse_matrix, loglik=float(loglik),
    )  # fmt: skip


def variances(
    y: np.ndarray, x: np.ndarray, psi: np.ndarray, method: Method
) -> tuple[np.ndarray, np.ndarray]:
    """``σ̂²`` of many sets of direct estimates under one design.

    The likelihood is looked at on a grid of 66 values from 1e-8 to 1e5 times the size of the data,
    so that a second maximum is not mistaken for the first; the root of the score beside the best
    is then halved down to the last digit.

    Parameters
    ----------
    y : ndarray (b, m)
    x : ndarray (m, p)
    psi : ndarray (m,)
    method : str

    Returns
    -------
    variance : ndarray (b,)
    adjusted : ndarray (b,) of bool
        Where `method` gave zero and the adjusted likelihood of Yoshimori and Lahiri answered.
    """
    step = max(1, _ROOM // (len(_GRID) * len(psi)))
    parts = [_some(y[at : at + step], x, psi, method) for at in range(0, len(y), step)]
    found = np.concatenate(parts)
    zero = found == 0.0
    if method in ("reml", "ml") and zero.any():
        found[zero], _ = variances(y[zero], x, psi, "yoshimori_lahiri")
        return found, zero
    return found, np.zeros(len(y), dtype=bool)


def _some(y: np.ndarray, x: np.ndarray, psi: np.ndarray, method: Method) -> np.ndarray:
    size = float(np.mean(psi)) + np.var(y, axis=1)
    grid = size[:, None] * _GRID
    heights = likelihood(
        grid.ravel(), np.repeat(y, len(_GRID), axis=0), x, psi, method, adjust=True
    )[0].reshape(grid.shape)
    best = np.argmax(heights, axis=1)
    rows = np.arange(len(y))
    low = np.log(grid[rows, np.maximum(best - 1, 0)])
    high = np.log(grid[rows, np.minimum(best + 1, len(_GRID) - 1)])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rising = likelihood(np.exp(middle), y, x, psi, method, adjust=True)[1] > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    found = np.exp((low + high) / 2)
    return np.where(best == 0, 0.0, found) if method in ("reml", "ml") else found


def predictions(
    variance: np.ndarray, direct: np.ndarray, x: np.ndarray, psi: np.ndarray, sampled: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictors of every area at many values of ``σ²``.

    Parameters
    ----------
    variance : ndarray (b,)
    direct : ndarray (b, m) or (1, m)
        Direct estimates of the m areas that have one.
    x : ndarray (k, p)
    psi : ndarray (m,)
    sampled : ndarray (k,) of bool

    Returns
    -------
    estimate : ndarray (b, k)
    shrinkage : ndarray (b, k)
    coef_cov : ndarray (b, p, p)
    """
    design, p = x[sampled], x.shape[1]
    inverse = 1.0 / (variance[:, None] + psi)
    crossed = (design[:, :, None] * design[:, None, :]).reshape(-1, p * p)
    q = np.linalg.inv((inverse @ crossed).reshape(-1, p, p))
    coef = (q @ ((inverse * direct) @ design)[..., None])[..., 0]
    gamma = np.zeros((len(variance), len(x)))
    gamma[:, sampled] = variance[:, None] * inverse
    found = coef @ x.T
    found[:, sampled] += gamma[:, sampled] * (direct - found[:, sampled])
    return found, gamma, q


def likelihood(
    variance: np.ndarray, y: np.ndarray, x: np.ndarray, psi: np.ndarray, method: Method, adjust: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Profile log likelihood and its slope in σ², (b,) each, at one σ² for each row of y."""
    p = x.shape[1]
    total = variance[:, None] + psi
    inverse = 1.0 / total
    crossed = (x[:, :, None] * x[:, None, :]).reshape(len(psi), p * p)
    information = (inverse @ crossed).reshape(-1, p, p)
    coef = np.linalg.solve(information, ((inverse * y) @ x)[..., None])[..., 0]
    squared = (inverse * (y - coef @ x.T)) ** 2
    height = -0.5 * (np.log(total).sum(axis=1) + (squared * total).sum(axis=1))
    slope = -0.5 * (inverse.sum(axis=1) - squared.sum(axis=1))
    constant = len(psi) * np.log(2 * np.pi)
    if method != "ml":
        height -= 0.5 * np.linalg.slogdet(information)[1]
        second = (inverse**2 @ crossed).reshape(-1, p, p)
        slope += 0.5 * np.trace(np.linalg.solve(information, second), axis1=1, axis2=2)
        constant -= p * np.log(2 * np.pi)
    if adjust and method == "li_lahiri":
        height = height + np.log(variance)
        slope = slope + 1.0 / variance
    elif adjust and method == "yoshimori_lahiri":
        weight = (variance[:, None] * inverse).sum(axis=1)
        angle = np.arctan(weight)
        height = height + np.log(angle) / len(psi)
        slope = slope + (psi * inverse**2).sum(axis=1) / ((1 + weight**2) * angle * len(psi))
    return height - 0.5 * constant, slope
