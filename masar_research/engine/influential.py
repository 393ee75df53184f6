"""What each row, or each group of rows, does to the coefficients of a weighted GLM; its residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from masar_research.engine.auxiliary import row_sums
from masar_research.engine.families import Kind, kind_of
from masar_research.engine.glm import GLMFit
from masar_research.engine.refits import refits
from masar_research.errors import ModelError

Floats = NDArray[np.float64]
Residual = Literal["response", "pearson", "standardized", "deviance", "quantile"]
RESIDUALS: tuple[Residual, ...] = ("response", "pearson", "standardized", "deviance", "quantile")
_EDGE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Deletions:
    """Coefficients less those found without some rows.

    Attributes
    ----------
    change : (k, p) float array
        β̂ − β̂(without the rows); NaN where no finite coefficients are left.
    leverage : (k,) float array
        Sum of the leverages of the rows.
    """

    change: Floats
    leverage: Floats


def information(fitted: GLMFit) -> Floats:
    """(n,) weight × μ'(η)² / V(μ) of each row, 0 outside: the weights of the last least-squares step."""
    kind, out = kind_of(fitted.family), np.zeros(fitted.used.size)
    eta, mu = fitted.eta[fitted.used], fitted.mu[fitted.used]
    out[fitted.used] = fitted.weights[fitted.used] * kind.slope(eta, mu) ** 2 / kind.variance(mu)
    return out


def leverages(fitted: GLMFit, X: Floats) -> Floats:
    """Leverage ``h_i = ω_i x_i' (Σ ω x x')⁻¹ x_i``, ω weight × μ'² / V; 0 outside the fitted rows.

    Parameters
    ----------
    fitted : GLMFit
    X : (n, p) float array
        The matrix of the fit.

    Returns
    -------
    (n,) float array
        They add to p.

    References
    ----------
    Li and Valliant (2009), *Survey Methodology* 35, 15–24; Pregibon (1981), *Ann. Statist.* 9.

    Examples
    --------
    >>> from masar_research.engine import glm
    >>> X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    >>> found = glm.fit(X, np.array([1.0, 0.0, 2.0, 1.0]), np.ones(4), family="gaussian")
    >>> leverages(found, X).round(3)
    array([0.7, 0.3, 0.3, 0.7])
    """
    omega = information(fitted)
    out = np.zeros(omega.size)
    rows = fitted.used
    out[rows] = omega[rows] * np.einsum("ij,jk,ik->i", X[rows], fitted.bread, X[rows])
    return out


def without_rows(fitted: GLMFit, X: Floats, leverage: Floats) -> Floats:
    """(n, p) ``(Σ ω x x')⁻¹ x_i s_i / (1 − h_i)``: coefficients less those without row i, after one step.

    Exact for a linear model; s is the weighted score factor.

    Parameters
    ----------
    fitted : GLMFit
    X : (n, p) float array
    leverage : (n,) float array
        Of :func:`leverages`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(leverage < 1 - _EDGE, fitted.score / (1 - leverage), np.nan)
    out = np.zeros(X.shape)
    out[fitted.used] = (X[fitted.used] @ fitted.bread) * factor[fitted.used, None]
    return out


def without_groups(
    fitted: GLMFit, X: Floats, y: Floats, codes: NDArray[np.intp], n_codes: int, *, exact: bool
) -> Deletions:
    """Coefficients less those found without each group of rows, whose weights become 0.

    One step: ``(Σ ω x x' − Σ_g ω x x')⁻¹ Σ_g x s``, exact for a linear model. Otherwise the model is
    fitted again without each group, from there.

    Parameters
    ----------
    fitted : GLMFit
    X : (n, p) float array
    y : (n,) float array
    codes : (n,) int array
        Group of each row, −1 in none.
    n_codes : int
    exact : bool
        Fit again instead of taking one step.

    Returns
    -------
    Deletions

    References
    ----------
    Li and Valliant (2015), *Int. Stat. Review* (groups of influential observations).
    """
    p = X.shape[1]
    omega, rows = information(fitted), np.flatnonzero(fitted.used & (codes >= 0))
    upper = np.triu_indices(p)
    flat = np.zeros((n_codes, upper[0].size))
    for place, (j, k) in enumerate(zip(*upper, strict=True)):
        flat[:, place] = np.bincount(codes[rows], omega[rows] * X[rows, j] * X[rows, k], n_codes)
    own = np.zeros((n_codes, p, p))
    own[:, upper[0], upper[1]] = flat
    own[:, upper[1], upper[0]] = flat
    whole = np.linalg.inv(fitted.bread)
    leverage = np.einsum("gjk,kj->g", own, fitted.bread)
    score = row_sums(np.where(fitted.used, codes, -1), fitted.score, X, n_codes)
    change = np.full((n_codes, p), np.nan)
    for g in range(n_codes):
        left = whole - own[g]
        if np.linalg.cond(left) < 1e13:
            change[g] = np.linalg.solve(left, score[g])
    if not exact or kind_of(fitted.family).linear:
        return Deletions(change, leverage)
    inside = np.flatnonzero(fitted.used)
    weights, group = fitted.weights[inside], codes[inside]
    coef, settled = refits(
        X[inside], y[inside], lambda g: np.where(group == g, 0.0, weights), n_codes, fitted.coef,
        family=fitted.family, offset=None if fitted.offset is None else fitted.offset[inside], tol=1e-7,
    )  # fmt: skip
    good = settled & np.isfinite(change).all(axis=1)
    return Deletions(np.where(good[:, None], fitted.coef - coef, np.nan), leverage)


def distances(change: Floats, vcov: Floats) -> Floats:
    """(k,) ``Δ' V⁻¹ Δ / p`` of changes (k, p), V the design-based covariance of the coefficients."""
    fine = np.isfinite(change).all(axis=1)
    scale = np.sqrt(np.diag(vcov))
    unit = np.where(fine[:, None], change, 0.0) / scale
    solved = np.linalg.solve(vcov / np.outer(scale, scale), unit.T).T
    return np.where(fine, np.einsum("kj,kj->k", unit, solved) / change.shape[1], np.nan)


def dispersion(fitted: GLMFit, y: Floats) -> float:
    """Weighted Pearson dispersion ``n / (n − p) Σ w (y − μ)² / V(μ) / Σ w``; 1 for a binomial, Poisson
    or negative binomial outcome, whose variance the family gives."""
    kind, rows = kind_of(fitted.family), fitted.used
    if kind.name not in ("gaussian", "gamma"):
        return 1.0
    w, mu = fitted.weights[rows], fitted.mu[rows]
    n, p = int(rows.sum()), fitted.coef.size
    spread = float(w @ ((y[rows] - mu) ** 2 / kind.variance(mu)) / w.sum())
    return spread * n / (n - p) if n > p else float("nan")


def residuals(
    fitted: GLMFit, X: Floats, y: Floats, which: Residual, rng: np.random.Generator | None = None
) -> Floats:
    """Residuals of a fit; survey weights do not scale them.

    response ``y − μ``; pearson ``(y − μ) / √V(μ)``; standardized: pearson over ``√(φ (1 − h))``;
    deviance ``sign(y − μ) √d``; quantile ``Φ⁻¹(u)``, u uniform on ``[F(y−), F(y)]`` of the fitted
    distribution: standard normal under the model.

    Parameters
    ----------
    fitted : GLMFit
    X : (n, p) float array
    y : (n,) float array
    which : {"response", "pearson", "standardized", "deviance", "quantile"}
    rng : numpy.random.Generator, optional
        Draws u for an outcome with steps; a continuous one needs none.

    Returns
    -------
    (n,) float array
        NaN outside the fitted rows.

    Raises
    ------
    ModelError
        Quantile residuals of an outcome with steps without a generator; counts that are not whole.

    References
    ----------
    Dunn and Smyth (1996), *J. Comput. Graph. Statist.* 5, 236–244; McCullagh and Nelder (1989), 2.4.

    Examples
    --------
    >>> from masar_research.engine import glm
    >>> X, y = np.ones((4, 1)), np.array([0.0, 1.0, 1.0, 0.0])
    >>> residuals(glm.fit(X, y, np.ones(4)), X, y, "pearson").tolist()
    [-1.0, 1.0, 1.0, -1.0]
    """
    kind, rows = kind_of(fitted.family), fitted.used
    out = np.full(rows.size, np.nan)
    mu, seen = fitted.mu[rows], np.asarray(y, float)[rows]
    if which == "response":
        out[rows] = seen - mu
    elif which == "deviance":
        out[rows] = np.sign(seen - mu) * np.sqrt(np.maximum(kind.deviance(seen, mu), 0.0))
    elif which == "quantile":
        out[rows] = _quantile(kind, seen, mu, dispersion(fitted, y), rng)
    else:
        found = (seen - mu) / np.sqrt(kind.variance(mu))
        if which == "standardized":
            left = np.maximum(1 - leverages(fitted, X)[rows], 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.where(left > _EDGE, found / np.sqrt(dispersion(fitted, y) * left), np.nan)
        out[rows] = found
    return out


def between(kind: Kind, y: Floats, mu: Floats, phi: float) -> tuple[Floats, Floats]:
    """``F(y−)`` and ``F(y)`` of the fitted distribution; the same where it is continuous."""
    if kind.name == "gaussian":
        at = special.ndtr((y - mu) / np.sqrt(phi))
        return at, at
    if kind.name == "gamma":
        at = special.gammainc(1 / phi, y / (mu * phi))
        return at, at
    if kind.name == "binomial":
        return np.where(y > 0, 1 - mu, 0.0), np.where(y > 0, 1.0, 1 - mu)
    if kind.name == "poisson":
        return np.where(y > 0, special.pdtr(np.maximum(y - 1, 0), mu), 0.0), special.pdtr(y, mu)
    size = float(kind.theta or np.nan)
    share = size / (size + mu)
    below = np.where(y > 0, special.betainc(size, np.maximum(y, 1), share), 0.0)
    return below, special.betainc(size, y + 1, share)


def _quantile(kind: Kind, y: Floats, mu: Floats, phi: float, rng: np.random.Generator | None) -> Floats:
    steps = kind.name not in ("gaussian", "gamma")
    if steps and rng is None:
        raise ModelError(
            "Quantile residuals of an outcome with steps are drawn at random within each step.",
            remedy="Give a generator: rng=numpy.random.default_rng(1).",
            ar="بواقي الرتب لمتغيّر متقطّع تُسحب عشوائياً داخل كل درجة؛ أعطِ مولّداً: \u2066rng=numpy.random.default_rng(1)\u2069.",
        )
    if steps and (y != np.floor(y)).any():
        raise ModelError("Quantile residuals of counts need whole numbers.",
                         remedy="Ask for pearson or deviance residuals.",
                         ar="بواقي الرتب للأعداد تحتاج إلى أعداد صحيحة؛ اطلب بواقي بيرسون أو الانحراف.")
    low, high = between(kind, y, mu, phi)
    if steps:
        assert rng is not None
        low = low + rng.random(y.size) * (high - low)
    return special.ndtri(np.clip(low, _EDGE, 1 - _EDGE))
