"""Two one-sided tests: is a difference small enough not to matter?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from masar_research.errors import EstimationError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tost:
    """Two one-sided t tests per difference.

    Parameters
    ----------
    p_low, p_high, p : ndarray (m,)
        Of "not above `low`", of "not below `high`", and the larger of the two.
    inner_low, inner_high : ndarray (m,)
        The ``1 − 2α`` interval; it lies within the bounds exactly when ``p < α``.
    """

    p_low: Floats
    p_high: Floats
    p: Floats
    inner_low: Floats
    inner_high: Floats


def tost(
    estimate: ArrayLike, std_error: ArrayLike, df: ArrayLike, low: float, high: float,
    alpha: float = 0.05,
) -> Tost:  # fmt: skip
    """``t_low = (d − low)/SE``, ``t_high = (d − high)/SE``, each one-sided on df.

    Parameters
    ----------
    estimate, std_error, df : array_like (m,)
    low, high : float
        Bounds of a difference too small to matter, ``low < high``, in the units of `estimate`.
    alpha : float
        Level of each one-sided test.

    References
    ----------
    Schuirmann (1987), *Journal of Pharmacokinetics and Biopharmaceutics* 15, 657–680.

    Examples
    --------
    >>> float(tost([0.0], [0.01], [40], -0.03, 0.03).p[0]).__round__(4)
    0.0023
    """
    if not low < high:
        raise EstimationError(
            f"Expected bounds with low < high; found {low} and {high}.",
            remedy="Give the largest fall and the largest rise that would not matter, "
            "as fractions for shares: low=-0.03, high=0.03 is three points.",
        )
    d, error = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    freedom = np.asarray(df, dtype=float)
    freedom = np.where(freedom > 0, freedom, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        p_low = stats.t.sf((d - low) / error, freedom)
        p_high = stats.t.cdf((d - high) / error, freedom)
    half = stats.t.ppf(1 - alpha, freedom) * error
    return Tost(p_low, p_high, np.maximum(p_low, p_high), d - half, d + half)
