"""Calibration of weights: post-stratification, raking, linear (GREG), response classes.

Arrays in, a frozen :class:`Calibrated` out. Raking works on the cross-classification of the
margins: rows are touched twice, whatever the number of iterations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from masar_research.engine.auxiliary import Basis, Calibration, Step, cell_sums, ginverse, products
from masar_research.errors import WeightingError

_DENSE_CELLS = 4_000_000


class Margin(NamedTuple):
    """One margin: a code per row and a target per code.

    Parameters
    ----------
    codes : (n,) int array
        0 … k−1; −1 where the variable is missing.
    targets : (k,) float array
        Population total of each code, all positive.
    name : str
        Used in messages.
    labels : tuple of str
        Name of each code, used in messages.
    """

    codes: np.ndarray
    targets: np.ndarray
    name: str = "margin"
    labels: tuple[str, ...] = ()

    def label(self, code: int) -> str:
        """Name of a code as messages show it."""
        return self.labels[code] if self.labels else str(code)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """Calibrated weights and how they came about.

    Attributes
    ----------
    weights : (n,) float array
        weights before × g.
    g : (n,) float array
        Calibration factor (1 where the weight before is 0).
    iterations : int
    converged : bool
        Always True for what is returned; a failure raises.
    max_gap : float
        Largest relative distance between an attained and a target total.
    calibration : Calibration
        What the variance needs to know.
    """

    weights: np.ndarray
    g: np.ndarray
    iterations: int
    converged: bool
    max_gap: float
    calibration: Calibration


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
    weights = _checked_weights(weights)
    checked = _checked_margins(weights, margins)
    cells, cell_codes, table = _crossed(weights, checked)
    factor = np.ones(table.size)
    gap, iterations = _gap(table, factor, cell_codes, checked), 0
    while gap > tol and iterations < max_iter:
        for codes, margin in zip(cell_codes, checked, strict=True):
            attained = np.bincount(codes, weights=table * factor, minlength=margin.targets.size)
            factor *= (margin.targets / attained)[codes]
        gap = _gap(table, factor, cell_codes, checked)
        iterations += 1
    if not gap <= tol:
        raise WeightingError(
            f"Raking did not converge in {iterations} iterations. Still off: "
            + _off(table * factor, cell_codes, checked, tol),
            remedy="Merge categories that hardly occur together, check that the margins describe "
            "the same population, or raise max_iter.",
            ar="لم يتقارب ضبط الأوزان مع التوزيعات الهامشية؛ ادمج الفئات النادرة أو راجع الأهداف.",
        )
    return _finish("rake", weights, factor, cells, _indicators(cell_codes, checked), iterations,
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
    weights = _checked_weights(weights)
    (checked,) = _checked_margins(weights, [margin])
    k = checked.targets.size
    cells = _outside_weightless(checked.codes, weights)
    attained = cell_sums(cells, weights, k)
    _refuse_empty(checked, attained > 0)
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
    weights = _checked_weights(weights)
    k = int(classes.max(initial=-1)) + 1
    everyone = Margin(np.asarray(classes), np.ones(k), "weighting class", tuple(labels))
    _refuse_missing(weights, everyone)
    cells = _outside_weightless(everyone.codes, weights)
    total = cell_sums(cells, weights, k)
    kept = cell_sums(cells, weights * responded, k)
    empty = np.flatnonzero((total > 0) & ~(kept > 0))
    if empty.size:
        raise WeightingError(
            f"Nobody responded in {empty.size} weighting class(es): "
            + _listed(everyone, empty),
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
    weights = _checked_weights(weights)
    checked = _checked_margins(weights, margins) if margins else []
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
        cells, cell_codes, _ = _crossed(weights, checked)
        table = _indicators(cell_codes, checked)
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


def cross_classify(
    weights: np.ndarray, codes: Sequence[np.ndarray], sizes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Occupied cells of the cross-classification of several codes.

    Parameters
    ----------
    weights : (n,) float array
        Rows without weight lie outside (cell −1).
    codes : sequence of (n,) int arrays
    sizes : sequence of int
        Number of codes of each.

    Returns
    -------
    cells : (n,) int array
        Cell of each row, −1 outside.
    cell_codes : (len(codes), n_cells) int array
        Codes of each occupied cell.
    table : (n_cells,) float array
        Sum of weights of each cell.
    """
    cell = np.array(codes[0], dtype=np.int64 if np.prod(sizes, dtype=float) > 2e9 else np.int32)
    room = sizes[0]
    seen = [np.arange(sizes[0])]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        if room * size > _DENSE_CELLS:
            kept, cell = np.unique(cell, return_inverse=True)
            seen = [s[kept] for s in seen]
            room = kept.size
        cell = cell * size + code
        seen = [np.repeat(s, size) for s in seen] + [np.tile(np.arange(size), room)]
        room *= size
    cell = _outside_weightless(cell, weights)
    table = cell_sums(cell, weights, room)
    occupied = table > 0
    if not occupied.all():
        renumber = np.cumsum(occupied, dtype=cell.dtype) - 1
        cell = np.where(cell >= 0, renumber[cell], -1) if (cell < 0).any() else renumber[cell]
    return cell, np.array([s[occupied] for s in seen]), table[occupied]


def _crossed(weights, margins) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cross-classification of checked margins; a category without data is refused."""
    crossed = cross_classify(weights, [m.codes for m in margins], [m.targets.size for m in margins])
    for margin, codes in zip(margins, crossed[1], strict=True):
        present = np.zeros(margin.targets.size, bool)
        present[codes] = True
        _refuse_empty(margin, present)
    return crossed


def _finish(kind, weights, factor, cells, table, iterations, gap) -> Calibrated:
    g = _spread(factor, cells)
    after = weights * g
    step = Step(kind, weights, after, Basis(cells, table, factor.size))
    return Calibrated(after, g, iterations, True, float(gap), Calibration((step,)))


def _indicators(cell_codes: np.ndarray, margins: Sequence[Margin]) -> np.ndarray:
    """(n_cells, Σk) 0/1 table: margin categories of each cell."""
    return np.hstack(
        [codes[:, None] == np.arange(m.targets.size)[None, :]
         for codes, m in zip(cell_codes, margins, strict=True)]
    ).astype(float)


def _spread(factor: np.ndarray, cells: np.ndarray) -> np.ndarray:
    out = np.take(factor, cells, mode="wrap") if factor.size else np.ones(cells.size)
    if cells.size and cells.min() < 0:
        out[cells < 0] = 1.0
    return out


def _outside_weightless(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if weights.size and weights.min() > 0:
        return codes
    return np.where(weights > 0, codes, -1).astype(codes.dtype)


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


def _checked_weights(weights: np.ndarray) -> np.ndarray:
    weights = np.asarray(weights, dtype=float)
    if not np.isfinite(weights).all() or (weights < 0).any() or not (weights > 0).any():
        raise WeightingError(
            f"{int((~np.isfinite(weights)).sum())} weights are missing or infinite and "
            f"{int((weights < 0).sum())} are negative, or none is positive.",
            remedy="Correct the weights before adjusting them.",
        )
    return weights


def _checked_margins(weights, margins) -> list[Margin]:
    checked = []
    for position, given in enumerate(margins):
        margin = Margin(*given)
        if margin.name == "margin":
            margin = margin._replace(name=f"margin {position + 1}")
        codes = np.asarray(margin.codes)
        margin = margin._replace(codes=codes, targets=np.asarray(margin.targets, dtype=float))
        if codes.shape != weights.shape or codes.dtype.kind not in "iu":
            raise WeightingError(
                f"{margin.name}: codes of type {codes.dtype} and shape {codes.shape} for "
                f"{weights.size} weights.",
                remedy="Give one integer code per row, −1 where missing.",
            )
        _refuse_missing(weights, margin)
        _check_targets(margin)
        checked.append(margin)
    sums = np.array([m.targets.sum() for m in checked])
    if np.ptp(sums) > 1e-6 * sums.max():
        raise WeightingError(
            "The totals of the margins disagree: "
            + ", ".join(f"{m.name} {s:,.6g}" for m, s in zip(checked, sums, strict=True)) + ".",
            remedy="Scale all margins to the same population, or give shares with total=.",
            ar="مجاميع التوزيعات الهامشية غير متساوية.",
        )
    return checked


def _refuse_missing(weights, margin: Margin) -> None:
    if margin.codes.size and margin.codes.min() >= 0:
        return
    lost = int(((margin.codes < 0) & (weights > 0)).sum())
    if lost:
        raise WeightingError(
            f"{margin.name}: {lost} rows with a weight have no value.",
            remedy="Impute the variable or code a category for the missing, with its target.",
            ar=f"قيم مفقودة في متغير الترجيح: {margin.name} ({lost}).",
        )


def _check_targets(margin: Margin) -> None:
    k = margin.targets.size
    bad = np.flatnonzero(~(margin.targets > 0) | ~np.isfinite(margin.targets))
    if bad.size:
        raise WeightingError(
            f"{margin.name}: targets must be positive; not so for {_listed(margin, bad)}.",
            remedy="Leave categories without population out of data and targets, or correct them.",
        )
    if margin.codes.size and margin.codes.max() >= k:
        extra = np.unique(margin.codes[margin.codes >= k])
        raise WeightingError(
            f"{margin.name}: in the data but without target: {extra.tolist()}.",
            remedy="Add their targets or recode them.",
        )


def _refuse_empty(margin: Margin, present: np.ndarray) -> None:
    if not present.all():
        empty = np.flatnonzero(~present)
        raise WeightingError(
            f"{margin.name}: with a target but without data: {_listed(margin, empty)}.",
            remedy="Merge these categories with neighbours in both data and targets.",
            ar=f"فئات لها أهداف ولا بيانات لها في {margin.name}.",
        )


def _listed(margin: Margin, codes: np.ndarray, limit: int = 8) -> str:
    shown = ", ".join(margin.label(int(c)) for c in codes[:limit])
    return shown + (f" and {codes.size - limit} more" if codes.size > limit else "")
