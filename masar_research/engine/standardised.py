"""Directly standardised means and rates by domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine import linearized
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized
from masar_research.engine.moments import Statistic, scores
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]


def standardise(
    design: Design, y: ArrayLike, group: ArrayLike, shares: ArrayLike, *,
    domain: ArrayLike | None = None, n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> tuple[Linearized, NDArray[np.bool_]]:  # fmt: skip
    """Means that domains would have if groups had the shares of a standard population.

    ``θ_d = Σ_k π_k ȳ_dk``, with ȳ_dk the weighted mean of group k within domain d. Influence of
    row i of group k: ``π_k (y_i − ȳ_dk) / Σ_dk w``; the shares π are known constants.

    Parameters
    ----------
    design : Design
    y : array_like (n,)
        Outcome; NaN is missing.
    group : array_like of int (n,)
        Group 0 … K − 1 of each row, −1 where missing.
    shares : array_like (K,)
        Shares π of the standard population, which add to one.
    domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.

    Returns
    -------
    result : Linearized
        m = n_domains; NaN where a group with a positive share has no observation. A row whose
        group is missing is missing.
    empty : ndarray of bool (n_domains, K)
        Groups with a positive share and no observation.

    Raises
    ------
    EstimationError
        If the shares are negative or do not add to one, or codes do not fit.

    References
    ----------
    Korn and Graubard (1999), *Analysis of Health Surveys*, section 3.5; R survey,
    ``svystandardize``.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> found, _ = standardise(declare([1, 1, 1, 1]), [1.0, 3.0, 5.0, 9.0], [0, 0, 0, 1], [0.5, 0.5])
    >>> float(found.estimate[0])
    6.0
    """
    standard = np.asarray(shares, dtype=float)
    if np.any(standard < 0) or not np.isclose(standard.sum(), 1.0, rtol=0, atol=1e-9):
        raise EstimationError(
            f"Expected shares of zero or more that add to one; found a sum of {standard.sum():g}.",
            remedy="Divide the counts of the standard population by their total.",
        )
    values, groups = np.asarray(y, dtype=float), np.asarray(group)
    k = len(standard)
    if values.shape != (design.n_rows,) or groups.shape != (design.n_rows,):
        raise EstimationError(
            f"Expected {design.n_rows} outcomes and groups, one per row of the design; "
            f"found shapes {values.shape} and {groups.shape}.",
            remedy="Select a subpopulation with a mask or where(...), never by leaving rows out.",
        )
    if groups.max(initial=-1) >= k:
        raise EstimationError(
            f"Expected group codes from −1 to {k - 1}; found {groups.max()}.",
            remedy="Give one share per group.",
        )
    outer = np.zeros(design.n_rows, dtype=np.intp) if domain is None else np.asarray(domain)
    values = np.where(groups < 0, np.nan, values)
    cell = np.where((outer < 0) | (groups < 0), -1, outer * k + groups)
    means = linearized.mean(design, values, domain=cell, n_domains=n_domains * k, mask=mask)
    inside = means.sum_weights.reshape(n_domains, k)
    averages = means.estimate.reshape(n_domains, k)
    empty = (means.n.reshape(n_domains, k) == 0) & (standard > 0)
    estimate = np.where(standard > 0, standard * averages, 0.0).sum(axis=1)
    whole = inside.sum(axis=1, keepdims=True)
    factor = np.where(inside > 0, standard * whole / np.where(inside > 0, inside, 1.0), 0.0).ravel()
    centre = np.where(inside > 0, averages, 0.0).ravel()
    used = np.maximum(cell, 0)
    score = np.where(np.isnan(values), np.nan, factor[used] * (values - centre[used]))

    def of_sums(s: tuple[Floats, ...]) -> Floats:
        rates = (s[1] / s[0]).reshape(len(s[0]), n_domains, k)
        return np.where(standard > 0, standard * rates, 0.0).sum(axis=2)

    statistic = Statistic((values,), of_sums, np.maximum(groups, 0).astype(np.intp), k)
    found = scores(design, score, estimate, statistic, domain=domain, n_domains=n_domains, mask=mask)
    return found, empty
