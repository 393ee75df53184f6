"""What is read off a factor model: standardised parameters, omega, and their slopes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from masar_research.engine.factor_model import Array, Floats, Places, implied, matrices


def slopes(function: Callable[[Array], Array], theta: Floats) -> Floats:
    """(m, q) derivatives of an analytic function of theta, by the complex step.

    Examples
    --------
    >>> slopes(lambda t: t**2, np.array([3.0])).tolist()
    [[6.0]]
    """
    out = []
    for k in range(len(theta)):
        moved = theta.astype(complex)
        moved[k] += 1e-30j
        out.append(function(moved).imag / 1e-30)
    return np.array(out).T


def standardised(at: Places, theta: Array, g: int = 0) -> Array:
    """(q,) parameters of group g for items and factors of variance 1; those of other groups as they are."""
    _, factor, residual, _, _ = matrices(at, theta, g)
    _, sigma = implied(at, theta, g)
    items, factors = np.sqrt(np.diag(sigma)), np.sqrt(np.diag(factor))
    errors = np.sqrt(np.diag(residual))
    out = theta.copy()

    def put(index: np.ndarray, values: Array) -> None:
        inside = index >= 0
        out[index[inside]] = values[inside]

    put(at.loading[g], theta[at.loading[g]] * factors / items[:, None])
    put(at.factor[g], factor / np.outer(factors, factors))
    put(at.intercept[g], theta[at.intercept[g]] / items)
    put(at.residual[g], np.where(np.eye(len(items), dtype=bool), residual / np.outer(items, items),
                                 residual / np.outer(errors, errors)))  # fmt: skip
    return out


def omegas(at: Places, theta: Array, g: int = 0) -> Array:
    """(k,) McDonald's omega of each factor, residual covariances of its items counted as error."""
    loading, factor, residual, _, _ = matrices(at, theta, g)
    out = []
    for j in range(loading.shape[1]):
        own = np.flatnonzero(at.loading[g, :, j] >= 0)
        true = factor[j, j] * loading[own, j].sum() ** 2
        out.append(true / (true + residual[np.ix_(own, own)].sum()))
    return np.array(out)
