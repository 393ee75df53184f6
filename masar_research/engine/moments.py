"""Variances, covariances and correlations by domain, through their influence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine import linearized
from masar_research.engine.design import Design
from masar_research.engine.linearized import Linearized

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]

# A deviation below this share of the mean is rounding, not variation.
_ROUNDING = 1e-12


def scores(
    design: Design, score: Floats, estimate: ArrayLike, *, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """Any statistic of a domain from its score: influence × Σ_d w, of weighted mean zero.

    Parameters
    ----------
    design : Design
    score : ndarray (n,)
        NaN where the outcome is missing. Outside the domains it does not count.
    estimate : array_like (n_domains,)
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
    lost = np.isnan(values)
    return replace(
        found, estimate=values, totals=np.where(lost, np.nan, found.totals),
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
    product = a * b * _by_row(n / np.maximum(n - 1, 1), domain, n_domains)
    estimate = linearized.mean(design, product, **cells).estimate
    return scores(design, product, np.where(n > 1, estimate, np.nan), **cells)


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
    return scores(design, score, np.where(flat_u | flat_v, np.nan, r), **cells)


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
