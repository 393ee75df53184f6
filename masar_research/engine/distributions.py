"""Tails and quantiles of the reference distributions, without the import of ``scipy.stats``.

The same routines that ``scipy.stats`` calls; NaN where a parameter is NaN or not positive.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


def t_quantile(p: ArrayLike, df: ArrayLike) -> Floats:
    """Quantile of Student's t; that of the normal at infinite df.

    Examples
    --------
    >>> round(float(t_quantile(0.975, 10)), 6), round(float(t_quantile(0.975, np.inf)), 6)
    (2.228139, 1.959964)
    """
    freedom = _positive(df)
    normal = np.isinf(freedom)
    found = special.stdtrit(np.where(normal, 1.0, freedom), p)
    return np.where(normal, special.ndtri(p), found)


def t_tail(t: ArrayLike, df: ArrayLike) -> Floats:
    """P(T > t); that of the normal at infinite df."""
    freedom = _positive(df)
    normal = np.isinf(freedom)
    found = special.stdtr(np.where(normal, 1.0, freedom), -np.asarray(t, dtype=float))
    return np.where(normal, special.ndtr(-np.asarray(t, dtype=float)), found)


def beta_quantile(p: ArrayLike, a: ArrayLike, b: ArrayLike) -> Floats:
    """Quantile of the beta distribution."""
    return special.betaincinv(_positive(a), _positive(b), p)


def f_tail(x: ArrayLike, df_num: ArrayLike, df_den: ArrayLike) -> Floats:
    """P(F > x)."""
    return special.fdtrc(_positive(df_num), _positive(df_den), x)


def chi2_tail(x: ArrayLike, df: ArrayLike) -> Floats:
    """P(χ² > x)."""
    return special.chdtrc(_positive(df), x)


def _positive(parameter: ArrayLike) -> Floats:
    values = np.asarray(parameter, dtype=float)
    return np.where(values > 0, values, np.nan)
