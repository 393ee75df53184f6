"""What an estimator gives: estimates, and the unit totals of weight × influence their errors come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.cells import Influence, Sums, Tally, unit_totals
from masar_research.engine.design import Design
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Linearized:
    """m estimates and what their covariance needs.

    Parameters
    ----------
    estimate : ndarray (m,)
        NaN where a domain holds no observation (a total or count there is 0).
    totals : ndarray (n_units, m)
        Unit totals of weight × influence; residuals where the weights were calibrated. With
        R replicates (R, m): the scaled deviations of the replicate estimates.
    n : ndarray of int (m,)
        Rows of positive weight with an observed outcome, in the domain.
    sum_weights : ndarray (m,)
        Sum of their weights.
    srs_variance : ndarray (m,)
        Variance under simple random sampling with replacement of as many rows: the reference
        of deff (R's ``deff="replace"``). NaN where not defined.
    df : ndarray of int (m,)
        PSUs minus strata, counting those with an observation in the domain; with replicates at
        most R − 1, and for given ones their rank in the domain − 1.
    n_missing : ndarray of int (m,)
        Rows of positive weight in the domain whose outcome is missing; they are zero-weighted.
    psu_count, strata_count : ndarray of int (m,)
        PSUs and strata with an observation in the domain; at most 1 for given replicate
        weights, whose PSUs nobody knows.
    present : ndarray of bool (n_units, m)
        Units with an observation in the domain.
    """

    estimate: Floats
    totals: Floats
    n: Counts
    sum_weights: Floats
    srs_variance: Floats
    df: Counts
    n_missing: Counts
    psu_count: Counts
    strata_count: Counts
    present: NDArray[np.bool_]


def transform(result: Linearized, estimate: ArrayLike, jacobian: ArrayLike) -> Linearized:
    """Smooth functions of estimates, by their derivatives (delta method).

    Parameters
    ----------
    result : Linearized
        m estimates.
    estimate : array_like (k,)
        The functions at the estimates.
    jacobian : array_like (k, m)
        Their derivatives.

    Returns
    -------
    Linearized
        k estimates; n, df and counts are the smallest among the estimates each one uses.
    """
    slopes = np.atleast_2d(np.asarray(jacobian, dtype=float))
    used = slopes != 0

    def least(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.array([values[row].min() if row.any() else values.min() for row in used])

    return Linearized(
        estimate=np.atleast_1d(np.asarray(estimate, dtype=float)),
        totals=np.einsum("um,km->uk", result.totals, slopes),
        n=least(result.n), sum_weights=least(result.sum_weights),
        srs_variance=np.full(len(slopes), np.nan), df=least(result.df),
        n_missing=np.array([result.n_missing[row].max(initial=0) for row in used]),
        psu_count=least(result.psu_count), strata_count=least(result.strata_count),
        present=np.stack([result.present[:, row].any(axis=1) for row in used], axis=1),
    )  # fmt: skip


def stack(*results: Linearized) -> Linearized:
    """Several results of one design side by side, so that they share one covariance matrix.

    Examples
    --------
    >>> from masar_research.engine import covariance, declare, mean
    >>> design = declare([1, 1, 1, 1])
    >>> both = stack(mean(design, [1, 2, 3, 4.0]), mean(design, [4, 3, 2, 1.0]))
    >>> covariance(design, both.totals).round(4).tolist()
    [[0.4167, -0.4167], [-0.4167, 0.4167]]
    """
    if not results:
        raise EstimationError(
            "Expected at least one result to stack; found none.",
            remedy="Pass results of one design.",
        )
    sizes = {len(result.totals) for result in results}
    if len(sizes) > 1:
        raise EstimationError(
            f"Expected results of one design; their units differ in number ({sorted(sizes)}).",
            remedy="Estimate all of them with the same design.",
        )
    joined = {
        field: np.concatenate([getattr(result, field) for result in results], axis=-1)
        for field in Linearized.__dataclass_fields__
    }
    return Linearized(**joined)


def finish(
    design: Design, rows: Tally, cells: Sums, estimate: Floats, weight: Floats, srs: Floats,
    influence: Influence, presence: NDArray[np.bool_] | None = None, repeats: int = 1,
    statistic: Influence | None = None,
) -> Linearized:  # fmt: skip
    """With replicates, `statistic` gives the estimates from the sums of each replicate; without
    it (or for totals, which are their own influence) the linear approximation stands for it."""
    present = cells.sums[0] > 0 if presence is None else presence
    psus, strata = design.structure.counts(present)
    df = psus - strata
    if design.replicates is None:
        totals = unit_totals(design, cells, influence)
    else:
        totals = design.replicates.of_statistic(cells, statistic or influence)
        df = design.replicates.degrees(design, rows, df, repeats)
    n = np.repeat(rows.n, repeats)
    return Linearized(
        estimate=estimate,
        totals=totals,
        n=n, sum_weights=weight, srs_variance=np.where(n > 1, srs, np.nan),
        df=df, n_missing=np.repeat(rows.n_missing, repeats),
        psu_count=psus, strata_count=strata, present=present,
    )  # fmt: skip
