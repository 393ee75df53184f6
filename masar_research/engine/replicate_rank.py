"""Numerical rank of replicate weights: the degrees of freedom they carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# As in R's degf: a column counts if what is left of it exceeds this share of its length.
_TOLERANCE = 1e-5
# Rows looked at, spread evenly over the domain: bounds time and memory on large files.
MOST = 20_000


def rank_of(
    columns: Sequence[NDArray[Any]],
    weights: NDArray[np.float64],
    rows: NDArray[np.intp],
    combined: bool,
    enough: int,
) -> int:
    """Rank of the replicate weights over some rows.

    The rank of the weights equals that of the factors weight_r / weight, which are used.

    Parameters
    ----------
    columns : sequence of R ndarrays (n,)
    weights : ndarray (n,)
    rows : ndarray of int
        Rows of positive weight.
    combined : bool
        Whether the columns are weights (otherwise factors).
    enough : int
        The rank of the whole sample: that of a part cannot exceed it, and a few rows that
        reach it settle the matter.

    Returns
    -------
    int
        With more than 20,000 rows that many of them, evenly spaced, are looked at; the rank can
        then only be too small.
    """
    for most in (3 * enough, MOST):
        some = rows[picked(len(rows), most)]
        found = numerical_rank(columns, weights, some, combined)
        if found >= enough or len(some) == len(rows):
            return min(found, enough)
    return found


def picked(n: int, most: int) -> NDArray[np.intp]:
    """Positions looked at among n rows: all, or `most` evenly spaced."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.intp)


def full_rank(
    columns: Sequence[NDArray[Any]], weights: NDArray[np.float64], combined: bool
) -> int:
    """Rank over all rows of positive weight."""
    return rank_of(columns, weights, np.flatnonzero(weights > 0), combined, len(columns))


def numerical_rank(
    columns: Sequence[NDArray[Any]], weights: NDArray[np.float64], rows: NDArray[np.intp],
    combined: bool,
) -> int:  # fmt: skip
    """Rank over exactly these rows."""
    if not len(rows):
        return 0
    factors = np.stack([np.asarray(column[rows], dtype=np.float64) for column in columns], axis=1)
    if combined:
        factors /= weights[rows][:, None]
    length = np.sqrt(np.einsum("ir,ir->r", factors, factors))
    factors = factors[:, length > 0] / length[length > 0]
    if not factors.size:
        return 0
    from scipy.linalg import qr

    triangle = qr(factors, mode="r", pivoting=True)[0]
    return int(np.sum(np.abs(np.diag(triangle)) > _TOLERANCE))
