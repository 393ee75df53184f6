"""Negative binomial regression whose dispersion is estimated with the coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from masar_research.engine.families import Kind
from masar_research.engine.glm import GLMFit, Nuisance, Problem, blocks, checked, fit
from masar_research.engine.scoring import linear_predictor
from masar_research.errors import ModelError

Floats = NDArray[np.float64]

_LARGEST, _SMALLEST = 1e6, 1e-6


def fit_negative_binomial(
    X: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    offset: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
    theta: float | None = None,
    max_iter: int = 60,
) -> GLMFit:
    """Weighted maximum likelihood of coefficients and dispersion together, log link.

    ``ℓ_i = lnΓ(y+θ) − lnΓ(θ) − lnΓ(y+1) + θ ln θ + y ln μ − (y+θ) ln(μ+θ)``, ``Var y = μ + μ²/θ``.
    ``Σ w ℓ_i`` is maximised over (β, ln θ) by Newton steps on the observed information, which is
    also what the sandwich is made of: the covariance of β holds the uncertainty of θ.

    Parameters
    ----------
    X : (n, p) float array
    y : (n,) float array
        Counts.
    weights : (n,) float array
    mask, offset, names
        As for :func:`masar_research.engine.glm.fit`.
    start : (p,) float array, optional
        Of the coefficients; those of a Poisson fit by default.
    theta : float, optional
        To start from; of the moments by default.
    max_iter : int

    Returns
    -------
    GLMFit
        ``family`` holds θ; ``nuisance`` is ln θ; ``bread`` the block of the coefficients in the
        inverse of the joint observed information; ``log_likelihood`` the weighted one in full.

    Raises
    ------
    ModelError
        As for :func:`masar_research.engine.glm.fit`; and where the counts do not vary more than
        Poisson counts would, so that θ has no finite estimate.

    References
    ----------
    Hilbe (2011), *Negative Binomial Regression*, ch. 8; Binder (1983), Int. Stat. Review 51.

    Examples
    --------
    >>> import numpy as np
    >>> out = fit_negative_binomial(np.ones((4, 1)), np.array([0.0, 1.0, 2.0, 9.0]), np.ones(4))
    >>> float(np.exp(out.coef[0]).round(6)), round(out.family.theta, 3)
    (3.0, 0.811)
    """
    problem, names = checked(X, y, weights, Kind("negative_binomial", "log", 1.0), mask, offset, names)
    if start is None:
        start = fit(X, y, weights, family="poisson", mask=mask, offset=offset, names=names).coef
    coef = np.array(start, dtype=float)
    tau = float(np.log(theta or _of_moments(problem, coef)))
    now = _sums(problem, coef, tau)
    for passes in range(1, max_iter + 1):
        step = _uphill(now)
        size = float(np.sqrt(abs(step @ now[1]) / now[3]))
        halved = 0
        while True:
            trial = _sums(problem, coef + step[:-1], tau + step[-1])
            if trial[0] >= now[0] - 1e-11 * abs(now[0]) or halved == 30:
                break
            step, halved = step / 2, halved + 1
        coef, tau, now = coef + step[:-1], tau + float(step[-1]), trial
        if not np.log(_SMALLEST) < tau < np.log(_LARGEST):
            _refuse_dispersion(tau)
        if size < 1e-9:
            return _finished(problem, coef, tau, now, passes)
    raise ModelError(
        f"The negative binomial model did not converge in {max_iter} passes.",
        remedy="Rescale the predictors or simplify the formula; family='poisson' fits without a dispersion.",
        ar="لم يستقر نموذج ذي الحدين السالب؛ بسّط الصيغة أو استعمل نموذج بواسون.",
    )


def _refuse_dispersion(tau: float) -> None:
    if tau > 0:
        raise ModelError(
            "The counts do not vary more than Poisson counts would: the dispersion 1/θ goes to zero.",
            remedy="Use family='poisson'; its standard errors do not depend on the variance of the counts.",
            ar="لا تتباين الأعداد أكثر مما يفترضه نموذج بواسون؛ استعمل family='poisson'.",
        )
    raise ModelError(
        "The dispersion 1/θ goes to infinity: nearly all counts are zero.",
        remedy="Model whether the count is above zero with a logit.",
        ar="معظم الأعداد أصفار؛ استعمل نموذجاً لوجستياً لكون العدد أكبر من صفر.",
    )


def _of_moments(problem: Problem, coef: Floats) -> float:
    """θ with Σ w ((y − μ)² − μ) = Σ w μ² / θ, kept within bounds."""
    excess = squares = 0.0
    for X, y, w, offset in blocks(problem):
        mu = np.exp(linear_predictor(X, coef, offset))
        excess += float(w @ ((y - mu) ** 2 - mu))
        squares += float(w @ mu**2)
    return float(np.clip(squares / excess, 0.01, 1e3)) if excess > 0 else 1e3


def _rows(eta: Floats, y: Floats, tau: float) -> tuple[Floats, ...]:
    """ℓ, ∂ℓ/∂η, −∂²ℓ/∂η², ∂ℓ/∂τ, −∂²ℓ/∂τ², −∂²ℓ/∂η∂τ of each row, τ = ln θ."""
    theta = np.exp(tau)
    mu = np.exp(eta)
    whole = mu + theta
    value = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1) + theta * tau + y * eta - (y + theta) * np.log(whole)
    slope = theta * (y - mu) / whole
    bend = theta * mu * (y + theta) / whole**2
    first = digamma(y + theta) - digamma(theta) + tau + 1 - np.log(whole) - (y + theta) / whole
    second = polygamma(1, y + theta) - polygamma(1, theta) + 1 / theta - 2 / whole + (y + theta) / whole**2
    cross = theta * mu * (y - mu) / whole**2
    return value, slope, bend, theta * first, -(theta**2 * second + theta * first), -cross


def _sums(problem: Problem, coef: Floats, tau: float) -> tuple[float, Floats, Floats, float]:
    """Log-likelihood, score and observed information of (β, ln θ), and the sum of weights."""
    p = coef.size
    total, mass = 0.0, 0.0
    score, information = np.zeros(p + 1), np.zeros((p + 1, p + 1))
    with np.errstate(all="ignore"):
        for X, y, w, offset in blocks(problem):
            value, slope, bend, first, second, cross = _rows(linear_predictor(X, coef, offset), y, tau)
            total += float(w @ value)
            mass += float(w.sum())
            both = np.column_stack([X * (w * bend)[:, None], w * slope, w * cross])
            found = X.T @ both
            information[:p, :p] += found[:, :p]
            score[:p] += found[:, p]
            information[:p, p] += found[:, p + 1]
            score[p] += float(w @ first)
            information[p, p] += float(w @ second)
    information[p, :p] = information[:p, p]
    return (total if np.isfinite(information).all() else np.nan), score, information, mass


def _uphill(now: tuple[float, Floats, Floats, float]) -> Floats:
    """The Newton step, on an information made positive where it is not."""
    _, score, information, _ = now
    scale = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    root, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    root = np.maximum(np.abs(root), 1e-8 * np.abs(root).max())
    return (vectors @ ((vectors.T @ (score / scale)) / root)) / scale


def _finished(problem: Problem, coef: Floats, tau: float, now: tuple, passes: int) -> GLMFit:
    n, p = problem.y.size, coef.size
    used = np.ones(n, bool) if problem.used is None else problem.used
    offset = None if problem.offset is None else problem.offset[used]
    eta = linear_predictor(problem.X[used], coef, offset)
    _, slope, _, first, _, _ = _rows(eta, problem.y[used], tau)
    w = problem.w[used]
    joint = np.linalg.inv(now[2])
    joint = (joint + joint.T) / 2

    def spread(values: Floats, outside: float) -> Floats:
        out = np.full(n, outside)
        out[used] = values
        return out

    nuisance = Nuisance("ln theta", tau, spread(w * first, 0.0), joint[:p, p].copy(), float(joint[p, p]))
    return GLMFit(
        coef, joint[:p, :p], spread(w * slope, 0.0), spread(eta, np.nan), spread(np.exp(eta), np.nan),
        np.where(used, problem.w, 0.0), used, Kind("negative_binomial", "log", float(np.exp(tau))),
        passes, now[0], problem.offset, nuisance,
    )  # fmt: skip
