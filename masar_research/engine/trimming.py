"""Raking inside bounds: weights that meet margins and caps together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.engine.auxiliary import Basis, Calibration, Solved
from masar_research.engine.calibration import Calibrated, indicators
from masar_research.engine.marginals import Margin, checked_margins, checked_weights, crossed
from masar_research.errors import WeightingError

_INNER = 50


def rake_within(
    weights: np.ndarray,
    margins: Sequence[Margin],
    low: np.ndarray,
    high: np.ndarray,
    *,
    max_iter: int = 500,
    tol: float = 1e-9,
) -> Calibrated:
    """Rake weights that may not leave their bounds: w → clip(w Π_q f_q, low, high).

    Trimming and raking in turn, in one: each margin's factor is found with the bounds on, so that
    rows at a bound stay there while the others make up for them, until every margin is met.

    Parameters
    ----------
    weights : (n,) float array
        Weights before, ≥ 0.
    margins : sequence of Margin
    low, high : (n,) float arrays
        Bounds of each row's weight; 0 and inf: none.
    max_iter : int
        Passes over all margins.
    tol : float
        Largest relative gap of a target.

    Returns
    -------
    Calibrated
        Its calibration takes rows at a bound as fixed: they move with no margin.

    Raises
    ------
    WeightingError
        A category whose target is out of reach of its rows' bounds; margins and bounds that
        cannot hold together, named with what is still off.

    References
    ----------
    Deville and Särndal (1992), JASA 87, case 7 (truncated); Deville, Särndal and Sautory (1993).

    Examples
    --------
    >>> import numpy as np
    >>> sex = np.array([0, 0, 0, 1])
    >>> made = rake_within(np.array([1.0, 1.0, 4.0, 2.0]), [Margin(sex, np.array([9.0, 3.0]))],
    ...                    np.zeros(4), np.full(4, 4.0))
    >>> made.weights.round(6).tolist()
    [2.5, 2.5, 4.0, 3.0]
    """
    weights = checked_weights(weights)
    checked = checked_margins(weights, margins)
    rows = np.flatnonzero(weights > 0)
    w, floor, cap = weights[rows], low[rows], high[rows]
    codes = [np.asarray(margin.codes)[rows] for margin in checked]
    _refuse_out_of_reach(checked, codes, floor, cap)
    factor = np.ones(rows.size)
    gap, iterations = np.inf, 0
    while gap > tol and iterations < max_iter:
        for margin, code in zip(checked, codes, strict=True):
            factor *= _factors(margin, code, w * factor, floor, cap, tol)[code]
        after = np.clip(w * factor, floor, cap)
        gap = max(_gaps(margin, code, after)[1] for margin, code in zip(checked, codes, strict=True))
        iterations += 1
    if not gap <= tol:
        off = [_gaps(margin, code, after) for margin, code in zip(checked, codes, strict=True)]
        worst = int(np.argmax([each for _, each in off]))
        place, distance = off[worst]
        raise WeightingError(
            f"The margins and the bounds of the weights cannot hold together: after {iterations} passes "
            f"{checked[worst].name} = {checked[worst].label(place)} is off by {distance:.2%}.",
            remedy="Raise the upper bound, merge rare categories, or leave out the margin.",
            ar="لا يمكن تحقيق التوزيعات الهامشية مع حدود الأوزان معاً؛ ارفع الحد الأعلى أو ادمج الفئات النادرة.",
        )
    final, g = np.zeros_like(weights), np.ones_like(weights)
    final[rows], g[rows] = after, after / w
    inside = np.zeros_like(weights)
    inside[rows] = (after > floor) & (after < cap)
    cells, cell_codes, _ = crossed(weights, checked)
    table = indicators(cell_codes, checked)
    step = Solved("trim", weights, final, Basis(cells, table, table.shape[0]), slope=inside,
                  score=final, curvature=inside * final)
    return Calibrated(final, g, iterations, True, float(gap), Calibration((step,)))


def _refuse_out_of_reach(margins, codes, floor, cap) -> None:
    for margin, code in zip(margins, codes, strict=True):
        k = margin.targets.size
        most = np.bincount(code, weights=cap, minlength=k)
        least = np.bincount(code, weights=floor, minlength=k)
        bad = np.flatnonzero((most < margin.targets * (1 - 1e-12)) | (least > margin.targets * (1 + 1e-12)))
        if bad.size:
            j = int(bad[0])
            raise WeightingError(
                f"{margin.name} = {margin.label(j)}: the target {margin.targets[j]:,.6g} is out of reach, "
                f"its rows can weigh {least[j]:,.6g} to {most[j]:,.6g} inside the bounds.",
                remedy="Raise the upper bound (or lower the lower one), or merge the category with another.",
                ar="الهدف خارج ما تسمح به حدود الأوزان؛ ارفع الحد الأعلى أو ادمج الفئة بغيرها.",
            )


def _factors(margin, code, w, floor, cap, tol) -> np.ndarray:
    """(k,) factors at which the clipped weights of each category meet its target."""
    k, factor = margin.targets.size, np.ones(margin.targets.size)
    for _ in range(_INNER):
        moved = w * factor[code]
        clipped = np.clip(moved, floor, cap)
        attained = np.bincount(code, weights=clipped, minlength=k)
        if np.max(np.abs(attained / margin.targets - 1)) <= tol / 10:
            break
        loose = np.bincount(code, weights=np.where(moved == clipped, moved, 0.0), minlength=k)
        rest = margin.targets - (attained - loose)
        sure = (loose > 0) & (rest > 0)
        factor *= np.where(sure, rest / np.where(sure, loose, 1.0), margin.targets / attained)
    return factor


def _gaps(margin, code, after) -> tuple[int, float]:
    attained = np.bincount(code, weights=after, minlength=margin.targets.size)
    gaps = np.abs(attained / margin.targets - 1)
    worst = int(np.argmax(gaps))
    return worst, float(gaps[worst])
