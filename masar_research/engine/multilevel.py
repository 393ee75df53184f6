"""Two-level models with one random intercept per stratum, by weighted pseudo-likelihood.

Predictors are the same for everybody in a stratum (they are made of what defines the strata), so
the work is strata × quadrature nodes, whatever the number of people. Many sets of weights (the
sample's own and those of its replicates) are fitted at once.

References
----------
Rabe-Hesketh and Skrondal (2006), *JRSS A* 169, 805–827 (pseudo-likelihood and its weights);
Liu and Pierce (1994), *Biometrika* 81, 624–629 (adaptive Gauss–Hermite quadrature);
Louis (1982), *JRSS B* 44, 226–233 (its derivatives).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.polynomial.hermite import hermgauss
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from masar_research.errors import ModelError

Floats = NDArray[np.float64]

_STEPS = 60
_CLOSE = 1e-9
# A share beyond logit⁻¹(20) is one that has run off.
_FAR = 20.0
# Numbers (fits × strata × nodes × predictors) held at once.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """People summed by stratum under R sets of scaled weights.

    Parameters
    ----------
    X : ndarray (J, p)
        Predictors of each stratum, a column of ones among them.
    count, ones : ndarray (R, J)
        Σ w and Σ w y.
    squares : ndarray (R, J), optional
        Σ w y², for the linear model.
    """

    X: Floats
    count: Floats
    ones: Floats
    squares: Floats | None = None

    def some(self, fits: slice) -> Strata:
        """The same strata under some of the sets of weights."""
        squares = None if self.squares is None else self.squares[fits]
        return Strata(self.X, self.count[fits], self.ones[fits], squares)


@dataclass(frozen=True, slots=True, eq=False)
class Multilevel:
    """R fits of one model.

    Attributes
    ----------
    coef : ndarray (R, p)
    sigma2 : ndarray (R,)
        Variance between strata; 0 where the likelihood is highest at its bound.
    residual2 : ndarray (R,)
        Variance within strata of a linear model; π²/3 of a logistic one.
    loglik : ndarray (R,)
    effect, spread : ndarray (R, J)
        Mean and variance of the stratum effects given the data and the parameters.
    fixed : ndarray (R, J)
        Linear predictor without the stratum effect.
    converged : ndarray of bool (R,)
        Not where an effect runs off to infinity: some category has one outcome only.
    """

    coef: Floats
    sigma2: Floats
    residual2: Floats
    loglik: Floats
    effect: Floats
    spread: Floats
    fixed: Floats
    converged: NDArray[np.bool_]

    def beside(self, other: Multilevel) -> Multilevel:
        """These fits and others of the same model."""
        return _together([self, other])

    @property
    def vpc(self) -> Floats:
        """(R,) share of the variance that lies between strata, ``σ² / (σ² + residual)``."""
        return self.sigma2 / (self.sigma2 + self.residual2)


def logistic(strata: Strata, nodes: int = 25, start: tuple[Floats, float] | None = None) -> Multilevel:
    """Maximise ``Σ_j log ∫ Π_i Bernoulli(y_ij; logit⁻¹(x'β + σz))^w_ij φ(z) dz``.

    Parameters
    ----------
    strata : Strata
    nodes : int
        Points of the adaptive Gauss–Hermite quadrature.
    start : (ndarray (p,), float), optional
        β and σ to begin from.

    Returns
    -------
    Multilevel

    Raises
    ------
    ModelError
        If predictors are collinear.
    """
    _refuse_collinear(strata)
    each = max(1, _BLOCK // (len(strata.X) * nodes * strata.X.shape[1]))
    parts = [
        _logistic(strata.some(slice(at, at + each)), nodes, start)
        for at in range(0, len(strata.count), each)
    ]
    return _together(parts)


def _together(parts: Sequence[Multilevel]) -> Multilevel:
    names = (field.name for field in fields(Multilevel))
    return Multilevel(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _logistic(strata: Strata, nodes: int, start: tuple[Floats, float] | None) -> Multilevel:
    fits, p = len(strata.count), strata.X.shape[1]
    if start is None:
        theta = np.column_stack([_without_strata(strata), np.full(fits, 0.5)])
    else:
        theta = np.tile(np.r_[start[0], max(start[1], 0.1)], (fits, 1))
    mode = np.zeros((fits, len(strata.X)))
    value, gradient, hessian, mode, *_ = _likelihood(strata, theta, mode, nodes)
    active, runs_off = np.ones(fits, bool), np.zeros(fits, bool)
    for _ in range(_STEPS):
        step = _ascent(gradient, hessian)
        # An even function of σ: its maximum at the bound is reached from above.
        gain = np.einsum("rp,rp->r", gradient, step)
        active &= gain > _CLOSE**2 * (1 + np.abs(value))
        if not active.any():
            break
        length = np.where(active, 1.0, 0.0)
        step *= np.minimum(1.0, 3.0 / np.maximum(np.abs(step).max(axis=1), 1e-300))[:, None]
        for _ in range(30):
            tried = theta + length[:, None] * step
            new = _likelihood(strata, tried, mode, nodes)
            worse = active & ~(new[0] >= value - 1e-11 * (1 + np.abs(value)))
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        theta, (value, gradient, hessian, mode, *_) = tried, new
        runs_off |= np.abs(theta[:, :p] @ strata.X.T).max(axis=1) > _FAR
        active &= ~runs_off
    _, _, _, _, z_mean, z_var = _likelihood(strata, theta, mode, nodes)
    sigma = np.abs(theta[:, p])
    sign = np.sign(theta[:, p])[:, None]
    nought = sigma < 1e-4
    sigma2 = np.where(nought, 0.0, sigma**2)
    return Multilevel(
        theta[:, :p], sigma2, np.full(fits, np.pi**2 / 3), value,
        np.where(nought[:, None], 0.0, sign * sigma[:, None] * z_mean), sigma2[:, None] * z_var,
        theta[:, :p] @ strata.X.T, ~(active | runs_off),
    )  # fmt: skip


def _likelihood(strata: Strata, theta: Floats, mode: Floats, nodes: int) -> tuple[Floats, ...]:
    """Log-likelihood, gradient, Hessian by Louis' identity; mode, mean and variance of z by stratum."""
    X, count, ones = strata.X, strata.count, strata.ones
    p = X.shape[1]
    fixed, sigma = theta[:, :p] @ X.T, theta[:, p : p + 1]
    z = mode
    for _ in range(50):
        mu = expit(fixed + sigma * z)
        slope = sigma * (ones - count * mu) - z
        curve = 1 + sigma**2 * count * mu * (1 - mu)
        move = slope / curve
        z = z + np.clip(move, -2, 2)
        if np.abs(move).max() < 1e-10:
            break
    mu = expit(fixed + sigma * z)
    curve = 1 + sigma**2 * count * mu * (1 - mu)
    width = np.sqrt(2 / curve)
    points, mass = hermgauss(nodes)
    at = z[:, :, None] + width[:, :, None] * points
    eta = fixed[:, :, None] + sigma[:, :, None] * at
    log_height = (
        ones[:, :, None] * eta + count[:, :, None] * log_expit(-eta) - at**2 / 2
        + points**2 + np.log(mass) + np.log(width / np.sqrt(2 * np.pi))[:, :, None]
    )  # fmt: skip
    top = log_height.max(axis=2, keepdims=True)
    height = np.exp(log_height - top)
    whole = height.sum(axis=2, keepdims=True)
    value = (top + np.log(whole))[:, :, 0].sum(axis=1)
    share = height / whole

    mu = expit(eta)
    residual = ones[:, :, None] - count[:, :, None] * mu
    scores = np.empty((*at.shape, p + 1))
    np.multiply(residual[..., None], X[None, :, None, :], out=scores[..., :p])
    scores[..., p] = at * residual
    mean = np.einsum("rjq,rjqk->rjk", share, scores)
    gradient = mean.sum(axis=1)
    flat = (scores * np.sqrt(share)[..., None]).reshape(len(theta), -1, p + 1)
    hessian = flat.transpose(0, 2, 1) @ flat - mean.transpose(0, 2, 1) @ mean
    weight = share * count[:, :, None] * mu * (1 - mu)
    level, tilt, bend = weight.sum(axis=2), (weight * at).sum(axis=2), (weight * at**2).sum(axis=2)
    hessian[:, :p, :p] -= np.einsum("rj,jk,jl->rkl", level, X, X, optimize=True)
    cross = tilt @ X
    hessian[:, :p, p] -= cross
    hessian[:, p, :p] -= cross
    hessian[:, p, p] -= bend.sum(axis=1)
    z_mean = (share * at).sum(axis=2)
    z_var = (share * (at - z_mean[:, :, None]) ** 2).sum(axis=2)
    return value, gradient, hessian, z, z_mean, z_var


def _ascent(gradient: Floats, hessian: Floats) -> Floats:
    """Newton's step, uphill also where the likelihood is not concave."""
    values, vectors = np.linalg.eigh(hessian)
    floor = 1e-8 * np.abs(values).max(axis=1, keepdims=True)
    curve = np.maximum(np.abs(values), floor)
    along = np.einsum("rpk,rp->rk", vectors, gradient)
    return np.einsum("rpk,rk->rp", vectors, along / curve)


def _without_strata(strata: Strata) -> Floats:
    """(R, p) coefficients of the logistic model without stratum effects, to begin from."""
    X = strata.X
    beta = np.zeros((len(strata.count), X.shape[1]))
    for _ in range(25):
        mu = expit(beta @ X.T)
        gradient = (strata.ones - strata.count * mu) @ X
        bend = np.einsum("rj,jk,jl->rkl", strata.count * mu * (1 - mu), X, X, optimize=True)
        step = _ascent(gradient, -bend)
        beta += np.clip(step, -2, 2)
        if np.abs(beta @ X.T).max() > _FAR:
            break
        if np.abs(step).max() < 1e-6:
            break
    return beta


def linear(strata: Strata) -> Multilevel:
    """Maximise the weighted likelihood of ``y = x'β + u_j + e``, u ~ N(0, σ²), e ~ N(0, τ²).

    ``Σ_j log ∫ Π_i N(y_ij; x'β + u, τ²)^w_ij N(u; 0, σ²) du`` in closed form; with weights of one
    it is maximum likelihood (not REML).

    Parameters
    ----------
    strata : Strata
        With `squares`.

    Raises
    ------
    ModelError
        If predictors are collinear, or nothing varies within strata.
    """
    _refuse_collinear(strata)
    assert strata.squares is not None
    X, mass, total = strata.X, strata.count, strata.ones
    fits = len(mass)
    people = mass.sum(axis=1)

    def solve(ratio: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """β, RSS, Σ residuals by stratum, and the slope of the profile likelihood in the ratio."""
        keep = 1 / (1 + ratio[:, None] * mass)
        left = np.einsum("rj,jk,jl->rkl", keep * mass, X, X, optimize=True)
        beta = (np.linalg.pinv(left, hermitian=True) @ ((keep * total) @ X)[..., None])[..., 0]
        fixed = beta @ X.T
        rest = total - mass * fixed
        plain = (strata.squares - 2 * fixed * total + fixed**2 * mass).sum(axis=1)
        rss = plain - (ratio[:, None] * keep * rest**2).sum(axis=1)
        bend = 1 + ratio[:, None] * mass
        slope = people * (rest**2 / bend**2).sum(axis=1) / rss - (mass / bend).sum(axis=1)
        return beta, rss, rest, slope

    _, _, _, slope = solve(np.zeros(fits))
    mean = np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
    within = (strata.squares - mean * total).sum(axis=1)
    if (within <= 1e-12 * strata.squares.sum(axis=1)).any():
        raise ModelError(
            "The outcome does not vary within strata, so there is no variance to divide.",
            remedy="Check the outcome; a stratum variable may be built from it.",
            ar="لا يتغيّر المتغيّر التابع داخل الطبقات، فلا تباين يُقسم؛ تحقق من المتغيّر.",
        )
    between = slope > 0
    low, high = np.full(fits, np.log(1e-12 / mass.max())), np.full(fits, np.log(1e6))
    for _ in range(80):
        middle = (low + high) / 2
        uphill = solve(np.exp(middle))[3] > 0
        low, high = np.where(uphill, middle, low), np.where(uphill, high, middle)
    ratio = np.where(between, np.exp((low + high) / 2), 0.0)
    beta, rss, rest, _ = solve(ratio)
    residual2 = rss / people
    bend = 1 + ratio[:, None] * mass
    loglik = -0.5 * people * (np.log(2 * np.pi * residual2) + 1) - 0.5 * np.log(bend).sum(axis=1)
    sigma2 = ratio * residual2
    return Multilevel(
        beta, sigma2, residual2, loglik, ratio[:, None] / bend * rest, sigma2[:, None] / bend,
        beta @ X.T, np.ones(fits, bool),
    )  # fmt: skip


def auc(score: Floats, ones: Floats, noughts: Floats) -> Floats:
    """(R,) weighted area under the curve of a score that is constant within strata.

    ``Σ_j one_j (Σ_{k: s_k < s_j} nought_k + ½ Σ_{k: s_k = s_j} nought_k) / (Σ one Σ nought)``.

    Parameters
    ----------
    score, ones, noughts : ndarray (R, J)
        Score of each stratum, and its weight of people with the outcome and without.
    """
    order = np.argsort(score, axis=1, kind="stable")
    s, one, nought = (np.take_along_axis(a, order, axis=1) for a in (score, ones, noughts))
    below = np.cumsum(nought, axis=1) - nought
    new = np.c_[np.ones(len(s), bool), np.diff(s, axis=1) > 0]
    group = np.cumsum(new, axis=1) - 1 + (np.arange(len(s)) * s.shape[1])[:, None]
    tied = np.zeros(s.size)
    np.add.at(tied, group, nought)
    start = np.zeros(s.size)
    start[group[new]] = below[new]
    area = (one * (start[group] + tied[group] / 2)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return area / (ones.sum(axis=1) * noughts.sum(axis=1))


def _refuse_collinear(strata: Strata) -> None:
    if np.linalg.matrix_rank(strata.X) < strata.X.shape[1]:
        raise ModelError(
            "Predictors are collinear within the strata that have people.",
            remedy="Leave one out: a main effect may be the sum of others, or a level may stand in one stratum only.",
            ar="بعض المتغيرات المفسرة مركّب خطي من غيره في الطبقات التي فيها سجلات؛ احذف أحدها.",
        )
