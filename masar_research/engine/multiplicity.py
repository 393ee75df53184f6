"""p-values adjusted for the number of comparisons made."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Adjustment = Literal["holm", "bh", "none"]
ADJUSTMENTS: tuple[Adjustment, ...] = ("holm", "bh", "none")


def adjust(p_values: ArrayLike, method: Adjustment) -> Floats:
    """Adjusted p-values, in the order given.

    Holm: ``max_{j ≤ i} min(1, (m − j + 1) p_(j))``, which bounds the chance of any false
    finding. Benjamini–Hochberg: ``min_{j ≥ i} min(1, m p_(j) / j)``, which bounds the expected
    share of false findings. m counts the p-values that exist; NaN stays NaN.

    Parameters
    ----------
    p_values : array_like (m,)
    method : {"holm", "bh", "none"}

    References
    ----------
    Holm (1979), *Scandinavian Journal of Statistics* 6, 65–70; Benjamini and Hochberg (1995),
    *JRSS B* 57, 289–300.

    Examples
    --------
    >>> adjust([0.01, 0.04, 0.03], "holm")
    array([0.03, 0.06, 0.06])
    """
    if method not in ADJUSTMENTS:
        raise EstimationError(
            f"adjust={method!r} is not an adjustment for multiple comparisons.",
            remedy=f"Choose one of {', '.join(ADJUSTMENTS)}.",
        )
    p = np.array(p_values, dtype=float)
    known = np.flatnonzero(~np.isnan(p))
    m = len(known)
    if method == "none" or m == 0:
        return p
    order = known[np.argsort(p[known], kind="stable")]
    place = np.arange(1, m + 1)
    if method == "holm":
        steps = np.maximum.accumulate((m - place + 1) * p[order])
    else:
        steps = np.minimum.accumulate((m / place * p[order])[::-1])[::-1]
    p[order] = np.minimum(steps, 1.0)
    return p
