"""Variances, covariances and correlations by domain, through their influence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine import linearized
from masar_research.engine.cells import gather, select
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A statistic as a function of sums of weight × column by domain (and level).

    Parameters
    ----------
    columns : tuple of ndarray (n,)
        What is summed beside the weights.
    of_sums : callable
        Sums of 1 and of each column, (k, n_domains × n_levels) each, → (k, n_domains).
    level : ndarray of int (n,), optional
    n_levels : int
    """

    columns: tuple[Floats, ...]
    of_sums: Callable[[tuple[Floats, ...]], Floats]
    level: NDArray[np.intp] | None = None
    n_levels: int = 1


# A deviation below this share of the mean is rounding, not variation.
_ROUNDING = 1e-12


def scores(
    design: Design, score: Floats, estimate: ArrayLike, statistic: Statistic, *,
    domain: ArrayLike | None = None, n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Any statistic of a domain from its score: influence × Σ_d w, up to a constant.

    Parameters
    ----------
    design : Design
    score : ndarray (n,)
        NaN where the outcome is missing. Outside the domains it does not count.
    estimate : array_like (n_domains,)
    statistic : Statistic
        The same statistic from sums: what a design with replicates computes in each of them.
    domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.

    Returns
    -------
    Linearized
        Unit totals, n and df of the mean of the scores; the reference variance is that of the
        statistic under simple random sampling with replacement.
    """
    found = linearized.mean(design, score, domain=domain, n_domains=n_domains, mask=mask)
    values = np.where(found.n > 0, np.asarray(estimate, dtype=float), np.nan)
    lost, totals = np.isnan(values), found.totals
    if design.replicates is not None:
        rows, _ = select(design, (score,), domain=domain, n_domains=n_domains, mask=mask)
        columns = (np.where(rows.weights > 0, column, 0.0) for column in statistic.columns)
        cells = gather(design, rows, (None, *columns), statistic.level, statistic.n_levels)
        totals = design.replicates.of_statistic(cells, statistic.of_sums)
    return replace(
        found, estimate=values, totals=np.where(lost, np.nan, totals),
        srs_variance=np.where(lost, np.nan, found.srs_variance),
    )  # fmt: skip


def covariance(
    design: Design, x: ArrayLike, y: ArrayLike, *, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Population covariances ``S_xy = n/(n − 1) · Σ_d w (x − x̄)(y − ȳ) / Σ_d w``; variances with x = y.

    Influence of row i: ``(n/(n − 1) (x_i − x̄)(y_i − ȳ) − S_xy) / Σ_d w``; the means add nothing to
    first order. n counts the rows of the domain with both answers and a positive weight.

    Parameters
    ----------
    design : Design
    x, y : array_like (n,)
        A row with NaN in either is missing.
    domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.

    Returns
    -------
    Linearized
        m = n_domains; NaN where n < 2.

    References
    ----------
    Särndal, Swensson and Wretman (1992), section 5.9; R survey, ``svyvar``.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> covariance(declare([1, 1, 1, 1]), [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]).estimate
    array([1.66666667])
    """
    cells = {"domain": domain, "n_domains": n_domains, "mask": mask}
    first, second = _both(x, y)
    a, n = _centred(design, first, cells)
    b = a if second is first else _centred(design, second, cells)[0]
    factor = n / np.maximum(n - 1, 1)
    product = a * b * _by_row(factor, domain, n_domains)
    estimate = linearized.mean(design, product, **cells).estimate

    def of_sums(s: tuple[Floats, ...]) -> Floats:
        return factor * (s[3] - s[1] * s[2] / s[0]) / s[0]

    statistic = Statistic((a, b, a * b), of_sums)
    return scores(design, product, np.where(n > 1, estimate, np.nan), statistic, **cells)


def correlation(
    design: Design, x: ArrayLike, y: ArrayLike, *, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Pearson correlations ``r = S_xy / √(S_xx S_yy)`` of the rows with both answers.

    With u and v the outcomes standardised by the weighted mean and deviation of the domain, the
    influence of row i is ``(u v − r (u² + v²) / 2) / Σ_d w``.

    Parameters
    ----------
    design, x, y, domain, n_domains, mask
        As in :func:`covariance`.

    Returns
    -------
    Linearized
        m = n_domains; NaN where an outcome does not vary.

    References
    ----------
    Kish and Frankel (1974), *JRSS B* 36, 1–37; Demnati and Rao (2004), *Survey Methodology* 30.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> found = correlation(declare([1, 1, 1]), [1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
    >>> round(float(found.estimate[0]), 12)
    0.5
    """
    cells = {"domain": domain, "n_domains": n_domains, "mask": mask}
    first, second = _both(x, y)
    (u, flat_u), (v, flat_v) = (_standardised(design, part, cells) for part in (first, second))
    r = np.clip(linearized.mean(design, u * v, **cells).estimate, -1.0, 1.0)
    score = u * v - _by_row(r, domain, n_domains) * (u * u + v * v) / 2

    def of_sums(s: tuple[Floats, ...]) -> Floats:
        uu, vv, uv = (s[i] - s[j] * s[k] / s[0] for i, j, k in ((3, 1, 1), (4, 2, 2), (5, 1, 2)))
        return uv / np.sqrt(uu * vv)

    statistic = Statistic((u, v, u * u, v * v, u * v), of_sums)
    return scores(design, score, np.where(flat_u | flat_v, np.nan, r), statistic, **cells)


def _both(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """The two outcomes, each missing where either is."""
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if second is first or first.shape != second.shape:
        return first, second
    lost = np.isnan(first) | np.isnan(second)
    if not lost.any():
        return first, second
    return np.where(lost, np.nan, first), np.where(lost, np.nan, second)


def _centred(design: Design, values: Floats, cells: dict[str, Any]) -> tuple[Floats, Counts]:
    """Deviations from the mean of the domain, and n of each domain."""
    found = linearized.mean(design, values, **cells)
    return values - _by_row(found.estimate, cells["domain"], cells["n_domains"]), found.n


def _standardised(
    design: Design, values: Floats, cells: dict[str, Any]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Deviations over their root mean square, and the domains in which nothing varies."""
    centred, _ = _centred(design, values, cells)
    found = linearized.mean(design, centred * centred, **cells)
    centre = linearized.mean(design, values, **cells).estimate
    with np.errstate(invalid="ignore"):
        flat = ~(found.estimate > (_ROUNDING * np.abs(centre)) ** 2)
    root = np.where(flat, 1.0, np.sqrt(np.where(flat, 1.0, found.estimate)))
    return centred / _by_row(root, cells["domain"], cells["n_domains"]), flat


def _by_row(values: ArrayLike, domain: ArrayLike | None, n_domains: int) -> Floats:
    """The value of each row's domain, NaN outside."""
    held = np.asarray(values, dtype=float)
    if domain is None or n_domains == 1:
        return np.asarray(held[0])
    return np.append(held, np.nan)[np.asarray(domain)]
