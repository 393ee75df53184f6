"""The same weighted GLM under many sets of weights, all Newton steps taken together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.families import Family, kind_of
from masar_research.engine.scoring import working

Floats = NDArray[np.float64]

# Sets of weights taken together, and the most of their weights held at once.
_TOGETHER, _HELD = 32, 8_000_000
# Distinct products of columns that are kept from one step to the next, if all fit.
_KEPT = 16_000_000
# Values of a block (rows × sets): what stays in the processor's cache.
_BLOCK = 65_536
# OpenBLAS keeps products of no more multiplications than this in one thread, so that sums do not depend
# on the number of threads.
_ONE_THREAD = 250_000
_MOST = 25


def refits(
    X: np.ndarray,
    y: np.ndarray,
    weights_of: Callable[[int], np.ndarray],
    number: int,
    start: np.ndarray,
    *,
    family: Family = "binomial",
    offset: np.ndarray | None = None,
    tol: float = 1e-5,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Coefficients under each of R sets of weights, by Fisher scoring from those of the full sample.

    The steps of several sets are taken at once: linear predictors are one product of matrices, and
    the informations one product of the weights with the distinct products of columns.

    Parameters
    ----------
    X : (n, p) float array
        Fitted rows.
    y : (n,) float array
    weights_of : callable
        Number of a set → its (n,) weights, ≥ 0.
    number : int
        R.
    start : (p,) float array
        Coefficients of the full sample.
    family : Family
    offset : (n,) float array, optional
    tol : float
        The step, in information-weighted root mean squares of the columns, that is the last one;
        links that are not canonical take ``tol`` × 1e-5.

    Returns
    -------
    coef : (R, p) float array
    settled : (R,) bool array
        Where False the steps did not settle, and `glm.fit` has to say why.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.ones((4, 1)), np.array([0.0, 1.0, 1.0, 0.0])
    >>> sets = np.array([[3.0, 1.0, 0.0, 0.0], [1.0, 1.0, 2.0, 4.0]])
    >>> coef, settled = refits(X, y, lambda r: sets[r], 2, np.zeros(1))
    >>> (1 / (1 + np.exp(-coef[:, 0]))).round(9).tolist(), settled.tolist()
    ([0.25, 0.375], [True, True])
    """
    n, p = X.shape
    coef = np.tile(np.asarray(start, dtype=float), (number, 1))
    settled = np.zeros(number, bool)
    together = int(np.clip(_HELD // max(n, 1), 1, _TOGETHER))
    products = _products(X) if n * p * (p + 1) // 2 <= _KEPT else None
    enough = tol if kind_of(family).canonical else tol * 1e-5
    for first in range(0, number, together):
        sets = np.arange(first, min(first + together, number))
        weights = np.empty((sets.size, n))
        for place, r in enumerate(sets):
            weights[place] = weights_of(int(r))
        mass = weights.sum(axis=1)
        going = np.flatnonzero(mass > 0)
        scale = np.empty((sets.size, p))
        for turn in range(_MOST):
            if not going.size:
                break
            picked = weights if going.size == sets.size else weights[going]
            information, score = _sums(
                X, y, picked, coef[sets[going]], family, offset, products
            )
            step = _steps(information, score)
            if turn == 0:
                # Of the start: where an outcome is separated the information itself runs away.
                scale[going] = np.sqrt(np.diagonal(information, axis1=1, axis2=2) / mass[going, None])
            size = np.max(np.abs(step) * scale[going], axis=1, initial=0.0)
            fine = np.isfinite(size)
            coef[sets[going[fine]]] += step[fine]
            done = fine & ((size < enough) | (kind_of(family).linear and turn > 0))
            settled[sets[going[done]]] = True
            going = going[fine & ~done]
    return coef, settled


def _steps(information: Floats, score: Floats) -> Floats:
    """(k, p) solutions; NaN where an information is singular."""
    scale = np.sqrt(np.maximum(np.diagonal(information, axis1=1, axis2=2), 1e-300))
    scaled = information / (scale[:, :, None] * scale[:, None, :])
    try:
        return np.linalg.solve(scaled, (score / scale)[:, :, None])[:, :, 0] / scale
    except np.linalg.LinAlgError:
        out = np.full(score.shape, np.nan)
        for k in range(len(out)):
            try:
                out[k] = np.linalg.solve(scaled[k], score[k] / scale[k]) / scale[k]
            except np.linalg.LinAlgError:
                continue
        return out


def _products(X: Floats) -> Floats:
    """(n, p (p + 1) / 2) x_j x_k for j ≤ k."""
    n, p = X.shape
    out = np.empty((n, p * (p + 1) // 2))
    place = 0
    for j in range(p):
        np.multiply(X[:, j : j + 1], X[:, j:], out=out[:, place : place + p - j])
        place += p - j
    return out


def _sums(
    X: Floats, y: Floats, weights: Floats, coef: Floats, family: Family, offset: Floats | None,
    products: Floats | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """(k, p, p) informations and (k, p) scores at the coefficients of k sets of weights."""
    n, p = X.shape
    k = len(coef)
    upper = np.triu_indices(p)
    width = upper[0].size
    slice_rows = max(8, _ONE_THREAD // (k * width))
    at_once = max(1, _BLOCK // (k * slice_rows)) * slice_rows
    flat, score = np.zeros((k, width)), np.zeros((k, p))
    for begin in range(0, n, at_once):
        rows = slice(begin, begin + at_once)
        part = X[rows]
        eta = _by_slices(coef, np.ascontiguousarray(part.T), slice_rows)
        if offset is not None:
            eta += offset[rows]
        residual, curvature = working(eta, y[rows], family)
        residual *= weights[:, rows]
        curvature = curvature * weights[:, rows]
        pairs = _products(part) if products is None else products[rows]
        flat += _summed(curvature, pairs, slice_rows)
        score += _summed(residual, part, slice_rows)
    information = np.empty((k, p, p))
    information[:, upper[0], upper[1]] = flat
    information[:, upper[1], upper[0]] = flat
    return information, score


def _by_slices(coef: Floats, columns: Floats, slice_rows: int) -> Floats:
    """(k, m) coef × columns (p, m), in products small enough for one thread."""
    m = columns.shape[1]
    out = np.empty((len(coef), m))
    for first in range(0, m, slice_rows):
        out[:, first : first + slice_rows] = coef @ columns[:, first : first + slice_rows]
    return out


def _summed(left: Floats, right: Floats, slice_rows: int) -> Floats:
    """left (k, m) × right (m, q), summed slice by slice."""
    m = right.shape[0]
    whole = m // slice_rows * slice_rows
    out = left[:, whole:] @ right[whole:]
    if whole:
        stacked = left[:, :whole].reshape(len(left), -1, slice_rows).transpose(1, 0, 2)
        out = out + np.matmul(stacked, right[:whole].reshape(-1, slice_rows, right.shape[1])).sum(axis=0)
    return out
