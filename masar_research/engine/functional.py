"""Any statistic of weighted rows, by domain, from its influence function.

A statistic is a function of the rows of one domain: ``answer(weights, *columns)`` returns its
k estimates and the influence of each row on them. Domains, subpopulations, missing outcomes,
calibrated weights, unit totals and counts are the work of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.cells import Rows, gather, outcome, select
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized, finish
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Answer = Callable[..., tuple[ArrayLike, ArrayLike]]
"""``(weights (r,), *columns (r,)) -> estimates (k,), influence (r, k)`` (or a number and (r,))."""


def functional(
    design: Design, columns: Sequence[ArrayLike], answer: Answer, *, size: int = 1,
    domain: ArrayLike | None = None, n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """k estimates per domain of a statistic that knows its influence.

    Parameters
    ----------
    design : Design
    columns : sequence of array_like (n,)
        What the statistic is computed from; a row with NaN in any of them is missing.
    answer : callable
        ``answer(weights, *columns)`` for the r rows of one domain that have a positive weight
        and no missing value. The influence of row i is the derivative of the estimate by the
        weight of row i.
    size : int
        k, the number of estimates `answer` gives.
    domain, n_domains, mask
        As in :func:`masar_research.engine.mean`.

    Returns
    -------
    Linearized
        m = n_domains × k, domain-major. NaN where a domain holds no row. The reference
        variance is ``Σ_d w · Σ_d w (z − z̄)² / (n_d − 1)`` of the influence z: that of a simple
        random sample, with replacement, of as many rows. With replicate weights the estimates
        are made again under each.

    Raises
    ------
    EstimationError
        If `answer` returns another number of values than announced.

    References
    ----------
    Deville (1999), *Survey Methodology* 25, 193–203.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> def mean(w, y):
    ...     centre = np.average(y, weights=w)
    ...     return centre, (y - centre) / w.sum()
    >>> functional(declare([1.0, 1.0, 2.0]), [[1.0, 2.0, 3.0]], mean).estimate
    array([2.25])
    """
    given = tuple(outcome(design, column, "columns") for column in columns)
    rows, filled = select(design, given, domain=domain, n_domains=n_domains, mask=mask)
    estimate = np.full((n_domains, size), np.nan)
    influence = np.zeros((design.n_rows, size))
    srs = np.full((n_domains, size), np.nan)
    for cell, inside in enumerate(domain_rows(rows)):
        if not len(inside):
            continue
        weights = rows.weights[inside]
        value, scores = answer(weights, *(column[inside] for column in filled))
        estimate[cell], scores = _shaped(value, scores, len(inside), size)
        influence[inside] = scores
        srs[cell] = _reference(weights, scores)
    cells = gather(design, rows, (None, *influence.T))
    weight = np.repeat(cells.sums[0].sum(axis=0), size)

    def totals(sums: tuple[Floats, ...]) -> Floats:
        return np.stack(sums[1:], axis=2).reshape(len(sums[0]), -1)

    present = np.repeat(cells.sums[0] > 0, size, axis=1)
    result = finish(
        design, rows, cells, estimate.ravel(), weight, srs.ravel(), totals, present, size
    )
    spread = result.totals
    if design.replicates is not None:
        spread = replicated(design, rows, filled, lambda *part: answer(*part)[0], result.estimate)
    return replace(result, totals=np.where(np.isnan(result.estimate), np.nan, spread))


def replicated(
    design: Design, rows: Rows, columns: tuple[Floats, ...], estimate_of: Callable[..., ArrayLike],
    full: Floats,
) -> Floats:  # fmt: skip
    """(R, m) deviations of the estimates made again under every replicate's weights.

    `estimate_of` takes the weights and columns of a domain's rows; rows without weight in a
    replicate are left out there. `full` (m,) are the estimates under the design's own weights.
    """
    replicates, places = design.replicates, domain_rows(rows)
    theta = np.full((replicates.number, len(full)), np.nan)
    size = len(full) // rows.n_domains
    for r in range(replicates.number):
        weights = replicates.weights.rows(design, r)
        for cell, inside in enumerate(places):
            counted = inside[weights[inside] > 0]
            if len(counted):
                part = (column[counted] for column in columns)
                theta[r, cell * size : (cell + 1) * size] = estimate_of(weights[counted], *part)
    return replicates.deviations(theta, full)


def domain_rows(rows: Rows) -> list[NDArray[np.intp]]:
    """The positions of the rows that count in each domain, in their order."""
    counted = np.flatnonzero(rows.weights > 0)
    if rows.domain is None:
        return [counted]
    codes = rows.domain[counted]
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=rows.n_domains))[:-1]
    return np.split(counted[order], ends)


def _shaped(value: ArrayLike, scores: ArrayLike, n: int, size: int) -> tuple[Floats, Floats]:
    values = np.atleast_1d(np.asarray(value, dtype=float))
    influence = np.asarray(scores, dtype=float)
    influence = influence[:, None] if influence.ndim == 1 else influence
    if values.shape != (size,) or influence.shape != (n, size):
        raise EstimationError(
            f"Expected {size} estimate(s) and an influence of shape ({n}, {size}); found "
            f"{values.shape} and {influence.shape}.",
            remedy="Return the estimate and one influence value per row it was given.",
        )
    return values, influence


def _reference(weights: Floats, scores: Floats) -> Floats:
    total = weights.sum()
    centred = scores - np.einsum("i,ik->k", weights, scores) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        return total * np.einsum("i,ik,ik->k", weights, centred, centred) / np.float64(
            len(weights) - 1
        )
