"""Poverty: gaps below a line that may itself be estimated, quantiles, pay gaps, multidimensional.

Statistics that combine parts (a rate below an estimated line, a gap between two medians) are
built from the parts' unit totals by the delta method, so one covariance serves them all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.cells import select
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized, stack, transform
from masar_research.engine.linearized import mean, ratio

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def quantile(weights: Floats, y: Floats, p: float) -> tuple[float, Floats]:
    """Weighted quantile ``q = min{y : Σ_{y_i ≤ y} w_i ≥ p N}`` and its influence.

    Influence of row k: ``−(1[y_k ≤ q] − F(q)) / (N f(q))``, the density f estimated by a Gaussian
    kernel (:func:`density`).

    Parameters
    ----------
    weights, y : ndarray (r,)
    p : float

    References
    ----------
    Deville (1999); Osier (2009), *Survey Research Methods* 3, 167–195.

    Examples
    --------
    >>> float(quantile(np.ones(5), np.array([5.0, 1.0, 2.0, 4.0, 3.0]), 0.5)[0])
    3.0
    """
    order = np.argsort(y, kind="stable")
    below = np.cumsum(weights[order])
    n = below[-1]
    at = min(int(np.searchsorted(below, p * n * (1 - 1e-12), side="left")), len(y) - 1)
    q = float(y[order[at]])
    poorer = y <= q
    share = np.einsum("i,i->", weights, poorer) / n
    # Sorted amounts spare the density its own sort.
    return q, -(poorer - share) / (n * density(weights[order], y[order], q))


def density(weights: Floats, y: Floats, at: float) -> float:
    """Density of y at a point: Gaussian kernel, bandwidth ``0.79 · IQR · n_e^(−1/5)``.

    ``n_e = (Σw)² / Σw²``; where the interquartile range is zero the standard deviation takes
    the place of ``0.79 · IQR``. NaN where all amounts are equal.

    References
    ----------
    Silverman (1986), section 3.4; Graf and Tillé (2014), *Survey Methodology* 40, 61–79.
    """
    n = weights.sum()
    order = np.argsort(y, kind="stable")
    below = np.cumsum(weights[order])
    low, high = (y[order[np.searchsorted(below, p * n)]] for p in (0.25, 0.75))
    spread = 0.79 * (high - low)
    if not spread > 0:
        centre = np.einsum("i,i->", weights, y) / n
        spread = float(np.sqrt(np.einsum("i,i->", weights, (y - centre) ** 2) / n))
    if not spread > 0:
        return np.nan
    width = spread * (n**2 / np.einsum("i,i->", weights, weights)) ** -0.2
    kernel = np.exp(-0.5 * ((at - y) / width) ** 2)
    return float(np.einsum("i,i->", weights, kernel) / (n * width * np.sqrt(2 * np.pi)))


def shortfall(y: Floats, line: Floats | float, alpha: int) -> Floats:
    """(n,) ``((z − y) / z)^α`` below the line z, 0 from the line upwards, NaN where y is."""
    with np.errstate(invalid="ignore"):
        gap = np.where(y < line, (line - y) / line, 0.0)
        poor = np.where(y < line, gap**alpha, 0.0)
    return np.where(np.isnan(y) | np.isnan(line), np.nan, poor)


def fgt_relative(
    design: Design, y: Floats, alpha: int, line: Linearized, place: Codes | None, *,
    domain: Codes | None, n_domains: int, mask: NDArray[np.bool_] | None,
) -> Linearized:  # fmt: skip
    """Foster–Greer–Thorbecke measures below estimated lines.

    ``θ_d(z) = Σ_d w ((z − y)/z)^α 1[y < z] / Σ_d w`` at the estimated line; its unit totals are
    those at a fixed line plus ``∂θ_d/∂z`` times those of the line. The derivative is the
    density of the domain at the line for α = 0, and
    ``Σ_d w α (1 − y/z)^(α−1) y/z² 1[y < z] / Σ_d w`` above.

    Parameters
    ----------
    design : Design
    y : ndarray (n,)
    alpha : {0, 1, 2}
    line : Linearized
        The line of each cell.
    place : ndarray of int (n,) or None
        Cell of the line that holds for each row, −1 where none does; None with one line.
    domain, n_domains, mask
        As in :func:`masar_research.engine.mean`.

    References
    ----------
    Foster, Greer and Thorbecke (1984), *Econometrica* 52; Deville (1999), example 5; Osier (2009).
    """
    where = np.zeros(design.n_rows, dtype=np.intp) if place is None else place
    z = line_of_rows(line, place, design.n_rows)
    cells = {"domain": domain, "n_domains": n_domains, "mask": mask}
    fixed = mean(design, shortfall(y, z, alpha), **cells)
    n_lines = len(line.estimate)
    slopes = np.stack(
        [_slope(design, y, z, alpha, where == cell, **cells) for cell in range(n_lines)], axis=1
    )
    both = stack(fixed, line)
    jacobian = np.concatenate([np.eye(n_domains), slopes], axis=1)
    result = transform(both, fixed.estimate, jacobian)
    return replace(
        result, n=fixed.n, n_missing=fixed.n_missing, df=fixed.df, sum_weights=fixed.sum_weights,
        psu_count=fixed.psu_count, strata_count=fixed.strata_count, present=fixed.present,
        srs_variance=fixed.srs_variance,
    )  # fmt: skip


def line_of_rows(line: Linearized, place: Codes | None, n: int) -> Floats:
    """(n,) line that holds for each row; NaN where none does."""
    if place is None:
        return np.full(n, line.estimate[0])
    return np.where(place >= 0, line.estimate[place], np.nan)


def _slope(
    design: Design, y: Floats, z: Floats, alpha: int, here: NDArray[np.bool_], *,
    domain: Codes | None, n_domains: int, mask: NDArray[np.bool_] | None,
) -> Floats:  # fmt: skip
    """(n_domains,) derivative of each domain's measure by the line of one cell."""
    known = np.where(np.isnan(y) | np.isnan(z), np.nan, y)
    rows, (values,) = select(design, (known,), domain=domain, n_domains=n_domains, mask=mask)
    out = np.zeros(n_domains)
    codes = np.zeros(design.n_rows, dtype=np.intp) if rows.domain is None else rows.domain
    weights = np.bincount(codes, rows.weights, n_domains)
    used = here & (rows.weights > 0)
    if not used.any():
        return out
    if alpha > 0:
        below = used & (values < z)
        part = np.zeros(design.n_rows)
        ratio_to = values[below] / z[below]
        part[below] = alpha * (1 - ratio_to) ** (alpha - 1) * ratio_to / z[below]
        change = np.bincount(codes, rows.weights * part, n_domains)
        return np.divide(change, weights, out=out, where=weights > 0)
    for cell in np.unique(codes[used]):
        inside = used & (codes == cell)
        mass = rows.weights[inside].sum() / weights[cell]
        slope = density(rows.weights[inside], values[inside], float(z[inside][0]))
        # Equal amounts have no density; away from the line the rate does not move with it.
        out[cell] = 0.0 if np.isnan(slope) and values[inside][0] != z[inside][0] else mass * slope
    return out


def alkire_foster(
    design: Design, deprived: Floats, weights: Floats, cutoff: float, *,
    domain: Codes | None, n_domains: int, mask: NDArray[np.bool_] | None,
) -> Linearized:  # fmt: skip
    """Multidimensional poverty: headcount H, intensity A and adjusted headcount M0 = H · A.

    The deprivation score is ``c_i = Σ_j ω_j d_ij``; poor is ``c_i ≥ k``. ``H = Σw 1[poor] / Σw``,
    ``M0 = Σw c 1[poor] / Σw``, ``A = Σw c 1[poor] / Σw 1[poor]``.

    Parameters
    ----------
    design : Design
    deprived : ndarray (n, j)
        1 deprived, 0 not; a row with NaN in any indicator is missing.
    weights : ndarray (j,)
        ω, summing to 1.
    cutoff : float
        k in (0, 1].

    Returns
    -------
    Linearized
        m = 3 × n_domains: H of every domain, then A, then M0.

    References
    ----------
    Alkire and Foster (2011), *Journal of Public Economics* 95, 476–487; Alkire et al. (2015),
    *Multidimensional Poverty Measurement and Analysis*, ch. 5 and 8.
    """
    score = np.einsum("ij,j->i", deprived, weights)
    # Weights such as thirds do not add up exactly: a score at the cutoff is poor.
    poor = np.where(np.isnan(score), np.nan, score >= cutoff - 1e-9)
    censored = np.where(poor == 1, score, np.where(np.isnan(score), np.nan, 0.0))
    cells = {"domain": domain, "n_domains": n_domains, "mask": mask}
    return stack(
        mean(design, poor, **cells), ratio(design, censored, poor, **cells),
        mean(design, censored, **cells),
    )  # fmt: skip


def relative_gap(sides: Linearized, reference: int) -> Linearized:
    """``(x_r − x_o) / x_r`` of pairs of estimates, by the delta method.

    Parameters
    ----------
    sides : Linearized
        2k estimates, pairs side by side.
    reference : {0, 1}
        Which of a pair is r.
    """
    k = len(sides.estimate) // 2
    first, second = sides.estimate.reshape(k, 2)[:, [reference, 1 - reference]].T
    jacobian = np.zeros((k, 2 * k))
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(first > 0, 1 - second / first, np.nan)
        jacobian[np.arange(k), 2 * np.arange(k) + reference] = second / first**2
        jacobian[np.arange(k), 2 * np.arange(k) + 1 - reference] = -1 / first
    absent = np.isnan(gap)
    # A side that does not exist must not reach the gaps of other domains.
    jacobian[absent] = 0.0
    totals = np.where(np.isnan(sides.estimate), 0.0, sides.totals)
    result = transform(replace(sides, totals=totals), gap, jacobian)
    counts = sides.n.reshape(k, 2).min(axis=1)
    return replace(
        result, totals=np.where(absent, np.nan, result.totals), n=counts,
        df=sides.df.reshape(k, 2).min(axis=1), n_missing=sides.n_missing.reshape(k, 2).sum(axis=1),
    )  # fmt: skip
