"""Means, proportions, totals, counts and ratios with their unit totals of weight × influence.

Every estimator passes over the rows once, to sums per sampling unit and cell (domain, or domain
× level); the sums of two parts of the data add, and the estimates and unit totals follow from
the sums alone (`finish_mean` and its like, which is where data that are read in blocks come
back in). The reference variance of deff takes a second pass, but for means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.abreast import moments
from masar_research.engine.cells import (
    Cells,
    Rows,
    Sums,
    Tally,
    gather,
    outcome,
    select,
    squares,
)
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized, finish
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]

# Squares about zero over squares about the mean up to which their difference keeps its digits.
_CANCELLING = 100.0

Spread = Callable[[Floats], Floats]
"""(n_domains,) slopes b → (n_domains,) Σ_d w (y − b_d x)²; x is 1 but for ratios."""


def mean(
    design: Design, y: ArrayLike, *, domain: ArrayLike | None = None, n_domains: int = 1,
    mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Weighted means ``ȳ_d = Σ_d w y / Σ_d w``.

    Influence of row i in domain d: ``(y_i − ȳ_d) / Σ_d w``. Reference variance:
    ``s²_d / n_d`` with ``s²_d = n_d / (n_d − 1) · Σ_d w (y − ȳ_d)² / Σ_d w``.

    Parameters
    ----------
    design : Design
    y : array_like (n,)
        Outcome; NaN is missing.
    domain : array_like of int (n,), optional
        Domain 0 … n_domains − 1 of each row, −1 for rows outside.
    n_domains : int
    mask : ndarray of bool (n,), optional
        Subpopulation; all domains are taken within it.

    Returns
    -------
    Linearized
        m = n_domains.

    Raises
    ------
    EstimationError
        If an array has another length than the design, a domain is out of range, or an outcome
        is infinite.

    References
    ----------
    Särndal, Swensson and Wretman (1992), section 5.8.

    Examples
    --------
    >>> from masar_research.engine import covariance, declare
    >>> design = declare([10, 10, 20, 20], strata=[1, 1, 2, 2])
    >>> result = mean(design, [1.0, 2.0, 3.0, 4.0])
    >>> float(result.estimate[0]), float(covariance(design, result.totals)[0, 0] ** 0.5)
    (2.8333333333333335, 0.37267799624996495)
    """
    return means(design, (y,), domain=domain, n_domains=n_domains, mask=mask)[0]


def means(
    design: Design, columns: Sequence[ArrayLike], *, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> tuple[Linearized, ...]:  # fmt: skip
    """`mean` of several outcomes in one pass over the rows.

    Parameters
    ----------
    columns : sequence of array_like (n,)
    design, domain, n_domains, mask
        As in :func:`mean`.

    Returns
    -------
    tuple of Linearized
        One per outcome, in their order.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> both = means(declare([1, 1, 2]), ([1.0, 2.0, 3.0], [1.0, np.nan, 4.0]))
    >>> [float(each.estimate[0]) for each in both]
    [2.25, 3.0]
    """
    cells_of = {"domain": domain, "n_domains": n_domains, "mask": mask}
    outcomes = [outcome(design, column, "y") for column in columns]
    rows, _ = select(design, (), **cells_of)
    known = rows.everyone and rows.domain is None
    of = moments(
        design.unit, design.n_units, rows.domain, n_domains, rows.weights,
        outcomes if known else [None, *outcomes],
    )  # fmt: skip
    weight = design.unit_weights[:, None] if known else of.sums[0]
    found = []
    for at, values in enumerate(outcomes, 0 if known else 1):
        sums, square, missing = of.sums[at], of.squares[at], of.missing[at]
        again = cache(partial(_observed, design, values, cells_of))
        if not np.isfinite(np.sum(sums)) or (missing is not None and design.replicates is not None):
            mine = again()
            cells = gather(design, mine.rows, (None, mine.values))
            found.append(finish_mean(design, mine.rows, cells, mine.squares))
        elif missing is None:
            whole = Cells(rows.weights, rows.domain, n_domains, (None, values), (weight, sums))
            spread = _about(square, sums, weight, lambda v=values: _Observed(rows, v))
            found.append(finish_mean(design, rows, whole, spread))
        else:
            partly = _Partly((missing.observed, sums), n_domains, again)
            tally = _Counted(n_domains, rows.n - missing.n, missing.n, missing.weight)
            spread = _about(square, sums, missing.observed, again)
            found.append(finish_mean(design, tally, partly, spread))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Observed:
    """The rows that count for one outcome, and its values with 0 in place of NaN."""

    rows: Rows
    values: Floats

    def squares(self, centre: Floats) -> Floats:
        return squares(self.rows, self.values, centre)


def _observed(design: Design, values: Floats, cells_of: dict[str, Any]) -> _Observed:
    rows, (filled,) = select(design, (values,), **cells_of)
    return _Observed(rows, filled)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Rows counted by domain, where the rows themselves are not asked for (`Tally`)."""

    n_domains: int
    n: NDArray[np.intp]
    n_missing: NDArray[np.intp]
    missing_weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Partly:
    """Sums of an outcome with missing values; its rows are picked out when they are asked for."""

    sums: tuple[Floats, ...]
    n_domains: int
    again: Callable[[], _Observed]

    def by(self, codes: Any, n_codes: int, factor: Any) -> tuple[Floats, ...]:
        mine = self.again()
        values = (None, mine.values)
        cells = Cells(mine.rows.weights, mine.rows.domain, self.n_domains, values, self.sums)
        return cells.by(codes, n_codes, factor)


def _about(
    square: Floats, sums: Floats, weight: Floats, again: Callable[[], _Observed]
) -> Spread:
    """Squares about the mean from those about zero; from the rows again where digits would be lost."""

    def spread(centre: Floats) -> Floats:
        with np.errstate(invalid="ignore", over="ignore"):
            around = square - centre * sums.sum(axis=0)
            kept = square <= _CANCELLING * around
        empty = weight.sum(axis=0) == 0
        return around if np.all(kept | empty) else again().squares(centre)

    return spread


def finish_mean(design: Design, rows: Tally, cells: Sums, spread: Spread) -> Linearized:
    """Means from the sums (w, w y) by unit and domain."""
    weight, moment = (part.sum(axis=0) for part in cells.sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = moment / weight
        srs = spread(estimate) / weight / (rows.n - 1)
    return finish(
        design, rows, cells, estimate, weight, srs,
        lambda s: _over(s[1] - estimate * s[0], weight), statistic=lambda s: s[1] / s[0],
    )  # fmt: skip


def proportion(
    design: Design, codes: ArrayLike, n_levels: int, *, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Weighted shares of the levels of a variable, ``p_dk = Σ_d w 1[level k] / Σ_d w``.

    The mean of the indicator of each level. Reference variance ``p (1 − p) / (n_d − 1)``.

    Parameters
    ----------
    design : Design
    codes : array_like of int (n,)
        Level 0 … n_levels − 1 of each row, −1 where missing.
    n_levels : int
    domain, n_domains, mask
        As in :func:`mean`.

    Returns
    -------
    Linearized
        m = n_domains × n_levels, domain-major; ``n`` and ``df`` are those of the domain.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> proportion(declare([1, 1, 2]), [0, 1, 1], 2).estimate
    array([0.25, 0.75])
    """
    level, absent = _levels(design, codes, n_levels)
    rows, _ = select(design, (), domain=domain, n_domains=n_domains, mask=mask, absent=absent)
    cells = gather(design, rows, (None,), level, n_levels)
    return finish_proportion(design, rows, cells, n_levels)


def finish_proportion(design: Design, rows: Tally, cells: Sums, n_levels: int) -> Linearized:
    """Shares from the sums (w) by unit and, domain-major, domain × level."""
    n_domains = rows.n_domains

    def by_domain(sums: Floats) -> Floats:
        return np.repeat(sums.reshape(len(sums), n_domains, n_levels).sum(axis=2), n_levels, axis=1)

    moment = cells.sums[0].sum(axis=0)
    weight = by_domain(moment[None, :])[0]
    n = np.repeat(rows.n, n_levels)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = moment / weight
        srs = estimate * (1 - estimate) / (n - 1)
    presence = by_domain(cells.sums[0]) > 0
    return finish(
        design, rows, cells, estimate, weight, srs,
        lambda s: _over(s[0] - estimate * by_domain(s[0]), weight), presence, n_levels,
        statistic=lambda s: s[0] / by_domain(s[0]),
    )  # fmt: skip


def total(
    design: Design, y: ArrayLike, *, domain: ArrayLike | None = None, n_domains: int = 1,
    mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Weighted totals ``T_d = Σ_d w y``.

    Influence of row i: ``y_i 1[i in d]``. The reference variance of deff is that of the total of
    ``y 1[in d]`` in a simple random sample of the whole survey, ``W² s² / n``: the size of the domain
    is as unknown there as here.

    Parameters
    ----------
    design, y, domain, n_domains, mask
        As in :func:`mean`. Rows whose outcome is missing add nothing: a total is that of the
        rows observed.

    Returns
    -------
    Linearized
        m = n_domains; an empty domain has total 0.
    """
    rows, (values,) = select(
        design, (outcome(design, y, "y"),), domain=domain, n_domains=n_domains, mask=mask
    )
    cells = gather(design, rows, (None, values))
    return finish_total(design, rows, cells, lambda centre: squares(rows, values, centre))


def finish_total(design: Design, rows: Tally, cells: Sums, spread: Spread) -> Linearized:
    """Totals from the sums (w, w y) by unit and domain."""
    weight, estimate = (part.sum(axis=0) for part in cells.sums)
    srs = _total_reference(design, rows, weight, estimate, spread)
    return finish(design, rows, cells, estimate, weight, srs, lambda s: s[1])


def count(
    design: Design, *, domain: ArrayLike | None = None, n_domains: int = 1,
    mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Estimated population counts ``N_d = Σ_d w``: the totals of ones.

    Parameters
    ----------
    design, domain, n_domains, mask
        As in :func:`mean`.

    Returns
    -------
    Linearized
        m = n_domains. The reference variance of a domain is that of a binomial count of the
        whole survey; it is 0 for the count of everybody.
    """
    rows, _ = select(design, (), domain=domain, n_domains=n_domains, mask=mask)
    return finish_count(design, rows, gather(design, rows, (None,)))


def finish_count(design: Design, rows: Tally, cells: Sums) -> Linearized:
    """Counts from the sums (w) by unit and domain."""
    weight = cells.sums[0].sum(axis=0)
    srs = _total_reference(design, rows, weight, weight, lambda centre: weight * (1 - centre) ** 2)
    return finish(design, rows, cells, weight.copy(), weight, srs, lambda s: s[0])


def ratio(
    design: Design, num: ArrayLike, den: ArrayLike, *, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Ratios of totals ``R_d = Σ_d w y / Σ_d w x``.

    Influence of row i in domain d: ``(y_i − R_d x_i) / Σ_d w x``. Reference variance: that of
    the residual's total, ``Σ_d w · Σ_d w (y − R x)² / ((n_d − 1) (Σ_d w x)²)``.

    Parameters
    ----------
    design : Design
    num, den : array_like (n,)
        Numerator y and denominator x; a row with NaN in either is missing.
    domain, n_domains, mask
        As in :func:`mean`.

    Returns
    -------
    Linearized
        m = n_domains; NaN where the denominator is 0.
    """
    pair = (outcome(design, num, "num"), outcome(design, den, "den"))
    rows, (upper, lower) = select(design, pair, domain=domain, n_domains=n_domains, mask=mask)
    cells = gather(design, rows, (None, upper, lower))

    def spread(slopes: Floats) -> Floats:
        slope = slopes[0] if rows.domain is None else slopes[rows.domain]
        with np.errstate(invalid="ignore"):
            residual = np.where(rows.weights > 0, upper - slope * lower, 0.0)
        return squares(rows, residual, np.zeros(n_domains))

    return finish_ratio(design, rows, cells, spread)


def finish_ratio(design: Design, rows: Tally, cells: Sums, spread: Spread) -> Linearized:
    """Ratios from the sums (w, w y, w x) by unit and domain."""
    weight, above, below = (part.sum(axis=0) for part in cells.sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = np.where(below == 0, np.nan, above / below)
        srs = weight * spread(estimate) / (rows.n - 1) / below**2
    return finish(
        design, rows, cells, estimate, weight, srs,
        lambda s: _over(s[1] - estimate * s[2], below), statistic=lambda s: s[1] / s[2],
    )  # fmt: skip


def linearize(
    design: Design,
    estimate: ArrayLike,
    influence: ArrayLike,
    *,
    mask: NDArray[np.bool_] | None = None,
) -> Linearized:
    """Any estimates, from the influence of each row on them.

    Parameters
    ----------
    design : Design
    estimate : array_like (m,)
    influence : array_like (n, m)
        Derivative of each estimate by the weight of each row (unweighted influence). Rows with
        NaN, and rows outside the mask, do not count. With replicates the variance is that of
        the linear approximation under each replicate's weights.
    mask : ndarray of bool (n,), optional

    Returns
    -------
    Linearized
        ``srs_variance`` is NaN: there is no reference without a statistic.
    """
    scores = np.asarray(influence, dtype=float)
    scores = scores[:, None] if scores.ndim == 1 else scores
    columns = tuple(outcome(design, column, "influence") for column in scores.T)
    rows, columns = select(design, columns, domain=None, n_domains=1, mask=mask)
    m = len(columns)
    cells = gather(design, rows, (None, *columns))
    weight = np.repeat(cells.sums[0].sum(axis=0), m)
    result = np.atleast_1d(np.asarray(estimate, dtype=float))
    return finish(
        design, rows, cells, result, weight, np.full(m, np.nan),
        lambda s: np.concatenate(s[1:], axis=1), np.repeat(cells.sums[0] > 0, m, axis=1), m,
    )  # fmt: skip


def _over(sums: Floats, weight: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / weight


def _total_reference(
    design: Design, rows: Tally, weight: Floats, estimate: Floats, spread: Spread
) -> Floats:
    """W² s² / n of y 1[in domain] over all rows of positive weight whose outcome is known."""
    everybody = design.unit_weights.sum() - rows.missing_weight
    n = design.unit_rows.sum() - rows.n_missing
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = estimate / everybody
        around = spread(centre) + (everybody - weight) * centre**2
        return everybody * around / (n - 1)


def _levels(
    design: Design, codes: ArrayLike, n_levels: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_] | None]:
    """Level codes without negatives, and which rows are missing (None: no row)."""
    level = np.asarray(codes)
    if level.shape != (design.n_rows,) or level.dtype.kind not in "iu":
        raise EstimationError(
            f"Expected {design.n_rows} whole-number level codes; found {level.dtype} of shape {level.shape}.",
            remedy="Code the levels 0 … n_levels − 1, and −1 where missing.",
        )
    low, high = int(level.min()), int(level.max())
    if high >= n_levels or low < -1:
        raise EstimationError(
            f"Expected level codes from −1 to {n_levels - 1}; found {low} to {high}.",
            remedy="Pass n_levels = number of levels, and −1 where missing.",
        )
    level = level.astype(np.intp, copy=False)
    return (level, None) if low >= 0 else (np.maximum(level, 0), level < 0)
