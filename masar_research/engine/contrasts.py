"""Differences, tests and smooth functions of estimates, with their full covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.distributions import chi2_tail, f_tail, t_tail
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """k functions of estimates.

    Parameters
    ----------
    estimate, std_error : ndarray (k,)
        The standard error is NaN where the estimated variance is negative (possible between
        waves that share few PSUs) or an estimate used does not exist.
    t, p : ndarray (k,)
        Statistic and two-sided p-value of "is zero"; NaN without degrees of freedom.
    df : ndarray (k,)
    vcov : ndarray (k, k)
    """

    estimate: Floats
    std_error: Floats
    t: Floats
    df: Floats
    p: Floats
    vcov: Floats


@dataclass(frozen=True, slots=True)
class JointTest:
    """F test that several contrasts are all zero.

    Parameters
    ----------
    f, p : float
    df_num, df_den : float
        Numerator: rank of the contrasts' covariance.
    """

    f: float
    df_num: float
    df_den: float
    p: float


def linear(L: ArrayLike, estimate: ArrayLike, vcov: ArrayLike, df: ArrayLike) -> Contrast:
    """Linear combinations ``L θ`` with variance ``L V L'`` and t tests.

    Parameters
    ----------
    L : array_like (k, m) or (m,)
        Coefficients. A coefficient of 0 leaves its estimate out, also when that is NaN.
    estimate : array_like (m,)
    vcov : array_like (m, m)
    df : float or array_like (k,)

    Returns
    -------
    Contrast

    Examples
    --------
    >>> gap = linear([1, -1], [0.5, 0.3], [[0.0004, 0.0001], [0.0001, 0.0004]], 60)
    >>> round(float(gap.estimate[0]), 3), round(float(gap.std_error[0]), 5), round(float(gap.p[0]), 6)
    (0.2, 0.02449, 0.0)
    """
    coefficients = np.atleast_2d(np.asarray(L, dtype=float))
    theta, spread = np.asarray(estimate, dtype=float), np.asarray(vcov, dtype=float)
    _check(coefficients, theta, spread)
    used = coefficients != 0
    lost = np.isnan(theta) | np.isnan(np.diag(spread))
    value = np.where(used, coefficients * np.where(used, theta, 0.0), 0.0).sum(axis=1)
    known = np.where(np.isnan(spread), 0.0, spread)
    out = _sandwich(coefficients, known)
    unknown = (used & lost).any(axis=1)
    out[unknown, :] = np.nan
    out[:, unknown] = np.nan
    return _tested(value, out, df)


def delta(
    fun: Callable[[Floats], ArrayLike],
    estimate: ArrayLike,
    vcov: ArrayLike,
    df: ArrayLike,
    grad: Callable[[Floats], ArrayLike] | None = None,
) -> Contrast:
    """Smooth functions of estimates by the delta method: variance ``G V G'``.

    Parameters
    ----------
    fun : callable
        (m,) → scalar or (k,).
    estimate : array_like (m,)
    vcov : array_like (m, m)
    df : float or array_like (k,)
    grad : callable, optional
        (m,) → (m,) or (k, m), the derivatives of `fun`. Without it central differences with a
        step of ``6e-6 · max(|θ|, 1e-3)`` are used (relative error about 1e-10).

    Returns
    -------
    Contrast

    Examples
    --------
    >>> import numpy as np
    >>> ratio = delta(lambda b: b[0] / b[1], [2.0, 4.0], np.diag([0.01, 0.04]), 50)
    >>> round(float(ratio.estimate[0]), 4), round(float(ratio.std_error[0]), 6)
    (0.5, 0.035355)
    """
    theta, spread = np.asarray(estimate, dtype=float), np.asarray(vcov, dtype=float)
    value = np.atleast_1d(np.asarray(fun(theta), dtype=float))
    jacobian = (
        slopes(fun, theta, len(value))
        if grad is None
        else np.atleast_2d(np.asarray(grad(theta), dtype=float))
    )
    _check(jacobian, theta, spread)
    return _tested(value, _sandwich(jacobian, spread), df)


def joint(contrast: Contrast, df: float, adjusted: bool = True) -> JointTest:
    """Wald test that all contrasts are zero.

    ``F = (df − q + 1) / (df q) · δ' V⁻ δ`` on q and df − q + 1 degrees of freedom, q the rank of
    V; unadjusted, ``δ' V⁻ δ / q`` on q and df.

    Parameters
    ----------
    contrast : Contrast
    df : float
        Degrees of freedom of the design.
    adjusted : bool
        Korn and Graubard's adjustment for few degrees of freedom.

    Returns
    -------
    JointTest
        NaN where the denominator's degrees of freedom are not positive, or where δ has a part that
        V says cannot vary: V then comes from too few PSUs, and no test can be made.

    References
    ----------
    Korn and Graubard (1990), *The American Statistician* 44, 270–276.
    """
    if np.isnan(contrast.vcov).any():
        return JointTest(np.nan, np.nan, np.nan, np.nan)
    scale = np.sqrt(np.maximum(np.diag(contrast.vcov), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    root, vectors = np.linalg.eigh(contrast.vcov / np.outer(scale, scale))
    kept = root > 1e-10 * max(root.max(), 0.0)
    rank = int(kept.sum())
    freedom = df - rank + 1 if adjusted else df
    along = vectors.T @ (contrast.estimate / scale)
    fixed = np.abs(along[~kept]).max(initial=0.0) > 1e-6 * np.abs(along).max(initial=0.0)
    if rank == 0 or freedom <= 0 or fixed:
        return JointTest(np.nan, float(rank), float(freedom), np.nan)
    wald = float(np.sum(along[kept] ** 2 / root[kept]))
    if np.isinf(df):
        return JointTest(wald / rank, float(rank), float(df), float(chi2_tail(wald, rank)))
    statistic = freedom / (df * rank) * wald
    p = float(f_tail(statistic, rank, freedom))
    return JointTest(statistic, float(rank), float(freedom), p)


def _tested(value: Floats, vcov: Floats, df: ArrayLike) -> Contrast:
    variance = np.diag(vcov)
    error = np.sqrt(np.where(variance < 0, np.nan, variance))
    freedom = np.broadcast_to(np.asarray(df, dtype=float), value.shape).copy()
    freedom[~(freedom > 0)] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        t = value / error
    return Contrast(value, error, t, freedom, 2 * t_tail(np.abs(t), freedom), vcov)


def _sandwich(outer: Floats, inner: Floats) -> Floats:
    return np.einsum("kb,lb->kl", np.einsum("ka,ab->kb", outer, inner), outer)


def _check(coefficients: Floats, theta: Floats, vcov: Floats) -> None:
    m = len(theta)
    if coefficients.shape[1] != m or vcov.shape != (m, m):
        raise EstimationError(
            f"Expected coefficients for {m} estimates and their {m} × {m} covariance; "
            f"found {coefficients.shape[1]} coefficients and a covariance of shape {vcov.shape}.",
            remedy="Give one coefficient per estimate, in the order of the covariance matrix.",
        )


def slopes(fun: Callable[[Floats], ArrayLike], theta: Floats, k: int) -> Floats:
    """(k, m) derivatives of a function of m estimates, by central differences."""
    out = np.empty((k, len(theta)))
    for j in range(len(theta)):
        step = 6e-6 * max(abs(theta[j]), 1e-3)
        up, down = theta.copy(), theta.copy()
        up[j] += step
        down[j] -= step
        out[:, j] = (np.atleast_1d(fun(up)) - np.atleast_1d(fun(down))) / (up[j] - down[j])
    return out
