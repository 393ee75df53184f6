"""Confidence intervals of survey estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine import distributions
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]


def wald(
    estimate: ArrayLike, std_error: ArrayLike, df: ArrayLike, level: float
) -> tuple[Floats, Floats]:
    """Estimate ± t standard errors.

    Parameters
    ----------
    estimate, std_error : array_like (m,)
    df : array_like (m,)
        Degrees of freedom; without any (≤ 0 or NaN) there is no interval: NaN.
    level : float
        Coverage, for instance 0.95.

    Returns
    -------
    low, high : ndarray (m,)

    Examples
    --------
    >>> low, high = wald([10.0], [1.0], [30], 0.95)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (7.9577, 12.0423)
    """
    centre, error = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    reach = t_quantile(df, level) * error
    return centre - reach, centre + reach


def logit(p: ArrayLike, std_error: ArrayLike, df: ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Wald interval of the log odds, turned back: ``expit(logit p ± t se / (p (1 − p)))``.

    Stays within 0 and 1. It is R's ``svyciprop`` with "logit" and with "xlogit". A share of exactly 0 or 1
    has no log odds: NaN (see :func:`korn_graubard`).

    Parameters
    ----------
    p, std_error, df : array_like (m,)
    level : float

    Returns
    -------
    low, high : ndarray (m,)
    """
    share, error = _shares(p), np.asarray(std_error, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(share) - np.log1p(-share)
        reach = t_quantile(df, level) * error / (share * (1 - share))
        low, high = 1 / (1 + np.exp(reach - odds)), 1 / (1 + np.exp(-reach - odds))
    inside = (share > 0) & (share < 1)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def korn_graubard(
    p: ArrayLike,
    std_error: ArrayLike,
    n: ArrayLike,
    df: ArrayLike,
    level: float,
    *,
    cap: bool = True,
) -> tuple[Floats, Floats, Floats]:
    """Clopper–Pearson limits on the effective sample size.

    ``n* = p (1 − p) / se² · (t_{n−1} / t_df)²``, at most n; the limits are Beta quantiles with
    ``x = n* p``: ``Beta(α/2; x, n* − x + 1)`` and ``Beta(1 − α/2; x + 1, n* − x)``.

    Parameters
    ----------
    p, std_error : array_like (m,)
        Where the share is 0 or 1, or its standard error 0, ``n* = n``.
    n : array_like (m,)
        Observations in the domain.
    df : array_like (m,)
        Without any (≤ 0 or NaN) there is no interval: NaN.
    level : float
    cap : bool
        Cap n* at n, as NCHS does; False gives R's ``svyciprop(method = "beta")``.

    Returns
    -------
    low, high : ndarray (m,)
    effective : ndarray (m,)
        n*, after the adjustment for degrees of freedom and the cap.

    References
    ----------
    Korn and Graubard (1998), *Survey Methodology* 24, 193–201; Parker et al. (2017), NCHS Vital
    and Health Statistics, Series 2 No. 175.

    Examples
    --------
    >>> low, high, effective = korn_graubard([0.1], [0.03], [200], [20], 0.95)
    >>> [round(float(x[0]), 4) for x in (low, high, effective)]
    [0.0466, 0.1817, 89.3678]
    """
    share, error = _shares(p), np.asarray(std_error, dtype=float)
    size = np.asarray(n, dtype=float)
    freedom = np.asarray(df, dtype=float)
    alpha = 1 - _checked(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        finer = t_quantile(size - 1, level) / t_quantile(freedom, level)
        effective = share * (1 - share) / error**2 * finer**2
    effective = np.where((share <= 0) | (share >= 1) | (error == 0), size, effective)
    if cap:
        effective = np.minimum(effective, size)
    effective = np.where((freedom > 0) & (size > 0), effective, np.nan)
    hits = effective * share
    low = np.where(share <= 0, 0.0, distributions.beta_quantile(alpha / 2, hits, effective - hits + 1))
    high = np.where(share >= 1, 1.0, distributions.beta_quantile(1 - alpha / 2, hits + 1, effective - hits))
    known = np.isfinite(effective)
    return np.where(known, low, np.nan), np.where(known, high, np.nan), effective


def wilson(
    p: ArrayLike, std_error: ArrayLike, df: ArrayLike, level: float
) -> tuple[Floats, Floats]:
    """Wilson's score interval on the effective sample size ``n_e = p (1 − p) / se²``.

    ``(p + t²/2n_e ± t √(p (1 − p)/n_e + t²/4n_e²)) / (1 + t²/n_e)`` with the t quantile of the
    design's degrees of freedom.

    Parameters
    ----------
    p, std_error, df : array_like (m,)
        A share of exactly 0 or 1 has no effective sample size: NaN (see :func:`korn_graubard`).
    level : float

    Returns
    -------
    low, high : ndarray (m,)

    References
    ----------
    Dean and Pagano (2015), *Journal of Survey Statistics and Methodology* 3, 484–503.
    """
    share, error = _shares(p), np.asarray(std_error, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = t_quantile(df, level) ** 2 * error**2 / (share * (1 - share))  # t² / n_e
        centre = (share + ratio / 2) / (1 + ratio)
        reach = np.sqrt(share * (1 - share) * ratio + ratio**2 / 4) / (1 + ratio)
    inside = (share > 0) & (share < 1)
    return np.where(inside, centre - reach, np.nan), np.where(inside, centre + reach, np.nan)


def arcsine(
    p: ArrayLike, std_error: ArrayLike, df: ArrayLike, level: float
) -> tuple[Floats, Floats]:
    """Wald interval of the angle ``asin √p``, turned back: ``sin²(asin √p ± t se / (2 √(p (1 − p))))``.

    It is R's ``svyciprop(method = "asin")``, except that an angle beyond 0 or π/2 is cut there:
    turned back as it is, it would come out as a limit on the wrong side.

    Parameters
    ----------
    p, std_error, df : array_like (m,)
        A share of exactly 0 or 1 has no variance on this scale: NaN (see :func:`korn_graubard`).
    level : float

    Returns
    -------
    low, high : ndarray (m,)
    """
    share, error = _shares(p), np.asarray(std_error, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arcsin(np.sqrt(share))
        reach = t_quantile(df, level) * error / (2 * np.sqrt(share * (1 - share)))
        low = np.sin(np.maximum(angle - reach, 0.0)) ** 2
        high = np.sin(np.minimum(angle + reach, np.pi / 2)) ** 2
    inside = (share > 0) & (share < 1)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def likelihood(
    p: ArrayLike, std_error: ArrayLike, df: ArrayLike, level: float
) -> tuple[Floats, Floats]:
    """Shares that a binomial likelihood of effective size ``n_e = p (1 − p) / se²`` does not reject.

    The limits solve ``2 n_e [p log(p/π) + (1 − p) log((1 − p)/(1 − π))] = t²`` in π: the working
    likelihood-ratio statistic scaled by the design effect. It is what R's
    ``svyciprop(method = "likelihood")`` approximates by a spline through the profile.

    Parameters
    ----------
    p, std_error, df : array_like (m,)
        A share of exactly 0 or 1 has no effective sample size: NaN (see :func:`korn_graubard`).
    level : float

    Returns
    -------
    low, high : ndarray (m,)

    References
    ----------
    Rao and Scott (1984), *Annals of Statistics* 12, 46–60; Lumley and Scott (2014),
    *Australian & New Zealand Journal of Statistics* 56, 1–14.
    """
    share, error = _shares(p), np.asarray(std_error, dtype=float)
    inside = (share > 0) & (share < 1)
    centre = np.where(inside, share, 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        allowed = t_quantile(df, level) ** 2 * error**2 / (centre * (1 - centre)) / 2
    limits = [_reached(centre, np.nan_to_num(allowed), end) for end in (0.0, 1.0)]
    known = inside & ~np.isnan(allowed)
    return np.where(known, limits[0], np.nan), np.where(known, limits[1], np.nan)


def _reached(p: Floats, allowed: Floats, end: float) -> Floats:
    """π between p and 0 or 1 whose divergence from p is `allowed`, by bisection."""
    near, far = p.copy(), np.full_like(p, end)
    for _ in range(200):
        middle = (near + far) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            divergence = p * np.log(p / middle) + (1 - p) * np.log1p(-p) - (1 - p) * np.log1p(-middle)
        within = divergence <= allowed
        near, far = np.where(within, middle, near), np.where(within, far, middle)
    return (near + far) / 2


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise EstimationError(
            f"level={level!r} is not a confidence level.",
            remedy="Give a fraction between 0 and 1, for instance 0.95.",
        )
    return level


def t_quantile(df: ArrayLike, level: float) -> Floats:
    """Two-sided t quantile (m,); NaN without degrees of freedom, normal at infinity."""
    freedom = np.asarray(df, dtype=float)
    known = freedom > 0
    quantile = distributions.t_quantile((1 + _checked(level)) / 2, np.where(known, freedom, 1.0))
    return np.where(known, quantile, np.nan)


def _shares(p: ArrayLike) -> Floats:
    share = np.asarray(p, dtype=float)
    if np.any((share < -1e-12) | (share > 1 + 1e-12)):
        raise EstimationError(
            f"Expected shares between 0 and 1; found {share.min():g} to {share.max():g}.",
            remedy="Use the Wald interval for means, or code the outcome 0/1.",
        )
    return np.clip(share, 0.0, 1.0)
