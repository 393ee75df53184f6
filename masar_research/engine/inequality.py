"""Inequality of an amount: Lorenz ordinates, Gini, quintile share ratio, with their influence.

Each function takes the weights and amounts of the rows of one domain and answers the estimate
and the influence of each row, as :func:`masar_research.engine.functional.functional` wants it.
The influences are exact derivatives by the weights: none needs a density.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gini(weights: Floats, y: Floats) -> tuple[float, Floats]:
    """Gini coefficient ``G = Σ_i Σ_j w_i w_j |y_i − y_j| / (2 N Y)``, ``N = Σw``, ``Y = Σwy``.

    Influence of row k: ``(A_k − G (Y + N y_k)) / (N Y)`` with
    ``A_k = Σ_j w_j |y_k − y_j| = y_k (2 C_k − N) + Y − 2 S_k``, where C and S are the sums of w
    and wy over the rows with amounts up to y_k.

    Parameters
    ----------
    weights, y : ndarray (r,)
        Positive weights; amounts with a positive total. Negative amounts may carry G above 1.

    Returns
    -------
    estimate : float
        NaN where the amounts do not have a positive total.
    influence : ndarray (r,)

    References
    ----------
    Langel and Tillé (2013), *JRSS A* 176, 521–540; Osier (2009), *Survey Research Methods* 3.

    Examples
    --------
    >>> float(gini(np.ones(4), np.array([0.0, 0.0, 0.0, 1.0]))[0])
    0.75
    """
    total = np.einsum("i,i->", weights, y)
    if not total > 0:
        return np.nan, np.full(len(y), np.nan)
    # Distances do not change with the origin; from the least amount equal ones are exactly 0.
    above = y - y.min()
    order, below, amount = _sorted(weights, above)
    n, ordered = below[-1], above[order]
    last = np.searchsorted(ordered, ordered, side="right") - 1
    distance = np.empty(len(y))
    distance[order] = ordered * (2 * below[last] - n) + amount[-1] - 2 * amount[last]
    estimate = float(np.einsum("i,i->", weights, distance)) / (2 * n * total)
    return estimate, (distance - estimate * (total + n * y)) / (n * total)


def lorenz(weights: Floats, y: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Ordinates of the Lorenz curve, ``L(p) = max_q {p N q − Σ w (q − y)₊} / Y``.

    The piecewise linear curve through ``(Σ_{j≤i} w_j / N, Σ_{j≤i} w_j y_j / Y)``: the share of
    the total held by the poorest part p of the population, a row split where p falls within
    it. Influence of row k: ``(p q_p − (q_p − y_k)₊ − L(p) y_k) / Y``, q_p the quantile.

    Parameters
    ----------
    weights, y : ndarray (r,)
    shares : ndarray (k,)
        Cumulative population shares p in [0, 1].

    Returns
    -------
    estimate : ndarray (k,)
    influence : ndarray (r, k)

    References
    ----------
    Kovačević and Binder (1997), *Journal of Official Statistics* 13, 41–58.

    Examples
    --------
    >>> lorenz(np.ones(4), np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 1.0]))[0]
    array([0.3, 1. ])
    """
    order, below, amount = _sorted(weights, y)
    n, total = below[-1], amount[-1]
    if not total > 0:
        return np.full(len(shares), np.nan), np.full((len(y), len(shares)), np.nan)
    at = np.minimum(np.searchsorted(below, shares * n * (1 - 1e-12), side="left"), len(y) - 1)
    quantile = y[order][at]
    estimate = (amount[at] - (below[at] - shares * n) * quantile) / total
    lack = np.maximum(quantile[None, :] - y[:, None], 0.0)
    return estimate, (shares * quantile - lack - estimate * y[:, None]) / total


def share_ratio(weights: Floats, y: Floats, top: float, bottom: float) -> tuple[float, Floats]:
    """``(1 − L(1 − top)) / L(bottom)``: the share of the richest over that of the poorest.

    S80/S20 with ``top = bottom = 0.2``. The influence follows from those of the two ordinates.

    Returns
    -------
    estimate : float
        NaN where the poorest hold nothing or less.
    influence : ndarray (r,)
    """
    ordinates, influence = lorenz(weights, y, np.array([1 - top, bottom]))
    if not ordinates[1] > 0:
        return np.nan, np.full(len(y), np.nan)
    estimate = (1 - ordinates[0]) / ordinates[1]
    return estimate, -(influence[:, 0] + estimate * influence[:, 1]) / ordinates[1]


def _sorted(weights: Floats, y: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Order of the amounts, cumulative weights and cumulative amounts."""
    order = np.argsort(y, kind="stable")
    return order, np.cumsum(weights[order]), np.cumsum(weights[order] * y[order])
