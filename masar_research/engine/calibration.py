"""Calibration of weights: post-stratification, raking, linear (GREG), response classes.

Arrays in, a frozen :class:`Calibrated` out. Raking works on the cross-classification of the
margins: rows are touched twice, whatever the number of iterations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.engine.auxiliary import (
    Basis,
    Calibrated,
    Calibration,
    Step,
    cell_sums,
    ginverse,
    products,
)
from masar_research.engine.calibrating import explain, named
from masar_research.engine.distances import Distance
from masar_research.engine.infeasibility import UnmetTargets
from masar_research.engine.marginals import (
    Margin,
    checked_margins,
    checked_weights,
    crossed,
    indicators,
    listed,
    outside_weightless,
    refuse_empty,
    refuse_missing,
)
from masar_research.errors import WeightingError

__all__ = ["Calibrated", "Margin", "linear", "poststratify", "rake", "respond"]


def rake(
    weights: np.ndarray,
    margins: Sequence[Margin | tuple[np.ndarray, np.ndarray]],
    *,
    max_iter: int = 200,
    tol: float = 1e-10,
) -> Calibrated:
    """Rake weights to several margins (iterative proportional fitting).

    Each pass multiplies the weights of every category by target / attained, margin after
    margin, until every margin is met: g = Π_q f_q(category). Rows are first collapsed to the
    occupied cells of the cross-classification of the margins.

    Parameters
    ----------
    weights : (n,) float array
        Weights before, ≥ 0.
    margins : sequence of Margin or (codes, targets)
        One per margin.
    max_iter : int
        Passes over all margins.
    tol : float
        Largest relative gap |attained − target| / target at which raking stops.

    Returns
    -------
    Calibrated

    Raises
    ------
    WeightingError
        Missing codes, a category without target or without data, targets that are not positive,
        margins whose totals disagree, no convergence (says which margins are off).

    References
    ----------
    Deming and Stephan (1940); Deville, Särndal and Sautory (1993), JASA 88.

    Examples
    --------
    >>> import numpy as np
    >>> sex, urban = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> raked = rake(np.ones(4), [(sex, np.array([4.0, 6.0])), (urban, np.array([7.0, 3.0]))])
    >>> raked.weights.round(2).tolist()
    [2.8, 1.2, 4.2, 1.8]
    """
    weights = checked_weights(weights)
    checked = checked_margins(weights, margins)
    cells, cell_codes, table = crossed(weights, checked)
    factor = np.ones(table.size)
    gap, iterations = _gap(table, factor, cell_codes, checked), 0
    while gap > tol and iterations < max_iter:
        for codes, margin in zip(cell_codes, checked, strict=True):
            attained = np.bincount(codes, weights=table * factor, minlength=margin.targets.size)
            factor *= (margin.targets / attained)[codes]
        gap = _gap(table, factor, cell_codes, checked)
        iterations += 1
    if not gap <= tol:
        told = (f"Raking did not converge in {iterations} iterations. Still off: "
                + _off(table * factor, cell_codes, checked, tol))
        basis = Basis(cells, indicators(cell_codes, checked), table.size)
        found = explain(basis, weights, np.concatenate([m.targets for m in checked]), named(checked),
                        Distance("raking"))
        if found is not None:
            raise UnmetTargets.of(found, told)
        raise WeightingError(
            f"{told} Weights that meet all targets exist.",
            remedy="Raise max_iter, take calibrate(…, method=\"raking\"), whose steps are longer, or merge "
            "categories that hardly occur together.",
            ar="لم يتقارب ضبط الأوزان مع التوزيعات الهامشية مع أن تحقيقها ممكن؛ ارفع max_iter أو ادمج الفئات النادرة.",
        )
    return _finish("rake", weights, factor, cells, indicators(cell_codes, checked), iterations,
                   gap)


def poststratify(
    weights: np.ndarray, margin: Margin | tuple[np.ndarray, np.ndarray]
) -> Calibrated:
    """Post-stratify weights: g = target / attained within each category.

    Parameters
    ----------
    weights : (n,) float array
        Weights before, ≥ 0.
    margin : Margin or (codes, targets)
        The post-strata; several variables are crossed by the caller.

    Returns
    -------
    Calibrated

    Raises
    ------
    WeightingError
        As :func:`rake`.

    References
    ----------
    Holt and Smith (1979), JRSS A 142.

    Examples
    --------
    >>> import numpy as np
    >>> poststratify(np.ones(3), (np.array([0, 0, 1]), np.array([10.0, 5.0]))).weights.tolist()
    [5.0, 5.0, 5.0]
    """
    weights = checked_weights(weights)
    (checked,) = checked_margins(weights, [margin])
    k = checked.targets.size
    cells = outside_weightless(checked.codes, weights)
    attained = cell_sums(cells, weights, k)
    refuse_empty(checked, attained > 0)
    factor = checked.targets / attained
    return _finish("poststratify", weights, factor, cells, None, 1, 0.0)


def respond(
    weights: np.ndarray,
    responded: np.ndarray,
    classes: np.ndarray,
    *,
    labels: Sequence[str] = (),
) -> Calibrated:
    """Carry the weight of non-respondents to the respondents of the same class.

    g = Σ_class w / Σ_respondents w for a respondent, 0 for a non-respondent. The class totals
    are those of the sample, so the step is marked ``sampled``: the variance keeps the part
    that comes from their being estimated.

    Parameters
    ----------
    weights : (n,) float array
        Weights of all sampled rows.
    responded : (n,) bool array
    classes : (n,) int array
        Weighting class 0 … k−1 of each row with weight.
    labels : sequence of str
        Names of the classes, used in messages.

    Returns
    -------
    Calibrated

    Raises
    ------
    WeightingError
        A missing class, or a class in which nobody responded.

    References
    ----------
    Särndal and Lundström (2005), ch. 7 and 11; Kalton and Flores-Cervantes (2003).

    Examples
    --------
    >>> import numpy as np
    >>> respond(np.ones(4), np.array([True, False, True, True]),
    ...         np.array([0, 0, 1, 1])).weights.tolist()
    [2.0, 0.0, 1.0, 1.0]
    """
    weights = checked_weights(weights)
    k = int(classes.max(initial=-1)) + 1
    everyone = Margin(np.asarray(classes), np.ones(k), "weighting class", tuple(labels))
    refuse_missing(weights, everyone)
    cells = outside_weightless(everyone.codes, weights)
    total = cell_sums(cells, weights, k)
    kept = cell_sums(cells, weights * responded, k)
    empty = np.flatnonzero((total > 0) & ~(kept > 0))
    if empty.size:
        raise WeightingError(
            f"Nobody responded in {empty.size} weighting class(es): "
            + listed(everyone, empty),
            remedy="Merge these classes with neighbours, or use fewer variables for the classes.",
            ar="لا مستجيبين في بعض فئات الترجيح؛ ادمجها مع فئات مجاورة.",
        )
    factor = np.divide(total, kept, out=np.ones(k), where=kept > 0)
    g = np.where(responded, _spread(factor, cells), 0.0)
    g = np.where(weights > 0, g, 1.0)
    after = weights * g
    basis = Basis(cells, None, k)
    step = Step("response", weights, after, basis, sampled=True)
    return Calibrated(after, g, 1, True, 0.0, Calibration((step,)))


def linear(
    weights: np.ndarray,
    *,
    margins: Sequence[Margin | tuple[np.ndarray, np.ndarray]] = (),
    matrix: np.ndarray | None = None,
    totals: np.ndarray | None = None,
) -> Calibrated:
    """Linear (GREG) calibration: g = 1 + x'(Σ w x x')⁻(T − Σ w x).

    Parameters
    ----------
    weights : (n,) float array
        Weights before, ≥ 0.
    margins : sequence of Margin or (codes, targets)
        Categorical auxiliaries.
    matrix : (n, p) float array, optional
        Numeric auxiliaries, without missing values where the weight is positive.
    totals : (p,) float array, optional
        Population totals of ``matrix``.

    Returns
    -------
    Calibrated

    Raises
    ------
    WeightingError
        As :func:`rake`; totals that cannot be met; weights that would turn negative.

    References
    ----------
    Deville and Särndal (1992), JASA 87, case 1.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 9.0]])
    >>> out = linear(np.ones(3), matrix=x, totals=np.array([6.0, 33.0]))
    >>> (out.weights @ x).round(9).tolist()
    [6.0, 33.0]
    """
    weights = checked_weights(weights)
    checked = checked_margins(weights, margins) if margins else []
    basis, targets = _linear_basis(weights, checked, matrix, totals)
    gram = products(basis, basis, weights)
    attained = products(basis, Basis(np.zeros(weights.size, np.int32), None, 1), weights)
    slope = ginverse(np.asarray(gram)) @ (targets - np.asarray(attained).ravel())
    if basis.matrix is None:
        g = 1.0 + _spread(basis.table @ slope, basis.cells)
    else:
        g = 1.0 + basis.matrix @ slope
    g = np.where(weights > 0, g, 1.0)
    after = weights * g
    reached = np.asarray(
        products(basis, Basis(np.zeros(weights.size, np.int32), None, 1), after)
    ).ravel()
    gap = float(np.max(np.abs(reached - targets) / np.maximum(np.abs(targets), 1.0)))
    if gap > 1e-6:
        raise WeightingError(
            f"The totals cannot be met together (largest relative gap {gap:.2g}).",
            remedy="Check that the totals describe one population and that no auxiliary is a "
            "combination of others with another total.",
        )
    if (after < 0).any():
        raise WeightingError(
            f"Linear calibration makes {int((after < 0).sum())} weights negative.",
            remedy="Use rake(), which keeps weights positive, or merge rare categories.",
            ar="تُنتج المعايرة الخطية أوزانًا سالبة؛ استخدم الضبط المتكرر (raking) بدلًا منها.",
        )
    return Calibrated(after, g, 1, True, gap,
                      Calibration((Step("linear", weights, after, basis),)))


def _linear_basis(weights, checked, matrix, totals) -> tuple[Basis, np.ndarray]:
    if matrix is None and not checked:
        raise WeightingError("Linear calibration was given no auxiliaries.",
                             remedy="Give margins, or a matrix with its totals.")
    cells = table = None
    if checked:
        cells, cell_codes, _ = crossed(weights, checked)
        table = indicators(cell_codes, checked)
    targets = [m.targets for m in checked]
    if matrix is None:
        return Basis(cells, table, table.shape[0]), np.concatenate(targets)
    matrix = np.asarray(matrix, dtype=float)
    totals = np.atleast_1d(np.asarray([] if totals is None else totals, dtype=float))
    if matrix.ndim != 2 or totals.size != matrix.shape[1] or matrix.shape[0] != weights.size:
        raise WeightingError(
            f"The auxiliary matrix has shape {matrix.shape} and {totals.size} totals were given "
            f"for {weights.size} rows.",
            remedy="Give one row per weight and one total per column.",
        )
    lost = ~np.isfinite(matrix).all(axis=1) & (weights > 0)
    if lost.any():
        raise WeightingError(
            f"{int(lost.sum())} rows with a weight have a missing auxiliary.",
            remedy="Impute the auxiliary or leave it out of the calibration.",
        )
    matrix = np.where(np.isfinite(matrix), matrix, 0.0)
    if checked:
        matrix = np.hstack([np.where((cells >= 0)[:, None], table[cells], 0.0), matrix])
    return Basis(None, None, 0, matrix), np.concatenate([*targets, totals])


def _finish(kind, weights, factor, cells, table, iterations, gap) -> Calibrated:
    g = _spread(factor, cells)
    after = weights * g
    step = Step(kind, weights, after, Basis(cells, table, factor.size))
    return Calibrated(after, g, iterations, True, float(gap), Calibration((step,)))


def _spread(factor: np.ndarray, cells: np.ndarray) -> np.ndarray:
    out = np.take(factor, cells, mode="wrap") if factor.size else np.ones(cells.size)
    if cells.size and cells.min() < 0:
        out[cells < 0] = 1.0
    return out


def _gap(table, factor, cell_codes, margins) -> float:
    fitted = table * factor
    return max(
        float(np.max(np.abs(
            np.bincount(codes, weights=fitted, minlength=m.targets.size) / m.targets - 1.0)))
        for codes, m in zip(cell_codes, margins, strict=True)
    )


def _off(fitted, cell_codes, margins, tol) -> str:
    parts = []
    for codes, m in zip(cell_codes, margins, strict=True):
        attained = np.bincount(codes, weights=fitted, minlength=m.targets.size)
        worst = int(np.argmax(np.abs(attained / m.targets - 1.0)))
        gap = attained[worst] / m.targets[worst] - 1.0
        if abs(gap) > tol:
            parts.append(f"{m.name} = {m.label(worst)} by {gap:+.2%} "
                         f"({attained[worst]:,.1f} instead of {m.targets[worst]:,.1f})")
    return "; ".join(parts) + "."
