"""Entropy balancing: a group's weights changed least so that its moments are those of another group."""

from __future__ import annotations

import numpy as np

from masar_research.engine.auxiliary import Basis, Calibrated, Calibration, Step
from masar_research.engine.calibrating import Numbers, calibrate
from masar_research.engine.distances import Distance
from masar_research.engine.infeasibility import UnmetTargets
from masar_research.engine.marginals import checked_weights
from masar_research.errors import WeightingError


def balance(
    weights: np.ndarray,
    group: np.ndarray,
    reference: np.ndarray,
    matrix: np.ndarray,
    names: tuple[str, ...],
    *,
    max_iter: int = 100,
    tol: float = 1e-10,
) -> Calibrated:
    """Weights of a group nearest in Kullback–Leibler distance with the moments of a reference.

    ``w_i = d_i exp(λ_0 + x_i'λ)`` on the group, with ``Σ_group w = Σ_group d`` and
    ``Σ_group w x / Σ_group w = Σ_reference d x / Σ_reference d``; all other weights stay.

    Parameters
    ----------
    weights : (n,) float array
    group, reference : (n,) bool arrays
        Disjoint.
    matrix : (n, p) float array
        The moments x: complete on both groups where there is weight.
    names : tuple of str
        Of the columns, used in messages.
    max_iter, tol
        As in :func:`masar_research.engine.calibrating.calibrate`.

    Returns
    -------
    Calibrated
        Its calibration knows that the moments are those of a sample: an estimate z of the group
        gains ``B'`` times the error of the moments, B being the regression of z on (1, x) in the group.

    Raises
    ------
    UnmetTargets
        The reference's moments lie outside what the group can show.
    WeightingError
        A group without weight, or missing values.

    References
    ----------
    Hainmueller (2012), *Political Analysis* 20, 25–46; Zhao and Percival (2017), *Journal of Causal
    Inference* 5.

    Examples
    --------
    >>> treated, x = np.array([True, True, False, False, False]), np.array([[1.0], [3], [0], [2], [4]])
    >>> done = balance(np.ones(5), ~treated, treated, x, ("x",))
    >>> done.weights.round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    weights = checked_weights(weights)
    base = np.where(group, weights, 0.0)
    theirs = np.where(reference, weights, 0.0)
    size, other = base.sum(), theirs.sum()
    if not (size > 0 and other > 0):
        raise WeightingError("A group to be balanced, or the reference, has no weight.",
                             remedy="Check the codes of the groups.",
                             ar="إحدى المجموعتين بلا وزن؛ راجع رموز المجموعات.")
    use = (base > 0) | (theirs > 0)
    lost = (~np.isfinite(matrix) & use[:, None]).sum(axis=0)
    if lost.any():
        said = ", ".join(f"{names[j]} ({lost[j]} rows)" for j in np.flatnonzero(lost))
        raise WeightingError(f"Rows to be balanced have no value of {said}.",
                             remedy="Impute the variable or leave it out.",
                             ar=f"قيم مفقودة في متغيرات الموازنة: {said}.")
    x = np.where(use[:, None], matrix, 0.0)
    centre = theirs @ x / other
    apart = np.where(use[:, None], x - centre, 0.0)
    unit = np.sqrt(np.maximum((base + theirs) @ apart**2 / (size + other), 1e-300))
    inside = group & (weights > 0)
    columns = np.column_stack([np.ones(weights.size), apart / unit])
    x_group = np.where(inside[:, None], columns, 0.0)
    totals = np.r_[size, np.zeros(names.__len__())]
    try:
        done = calibrate(base, (), Numbers(x_group, totals, ("sum of weights", *names)),
                         distance=Distance("raking"), max_iter=max_iter, tol=tol)  # fmt: skip
    except UnmetTargets as error:
        raise _unmet(error, names) from error
    g = np.where(inside, done.g, 1.0)
    after = weights * g
    origin = np.where(inside[:, None], np.r_[1.0, np.zeros(len(names))], 0.0)
    origin[reference] = size / other * columns[reference] * np.r_[0.0, np.ones(len(names))]
    step = Step("balance", weights, after, Basis(None, None, 0, x_group),
                origin=Basis(None, None, 0, origin))  # fmt: skip
    return Calibrated(after, g, done.iterations, True, done.max_gap, Calibration((step,)))


def _unmet(error: UnmetTargets, names: tuple[str, ...]) -> WeightingError:
    found = [variable for variable, _ in error.conflict.conflicting if variable in names]
    said = ", ".join(found or names)
    told = UnmetTargets(
        f"No weights of the group give the reference's moments of {said}.",
        remedy="Merge categories that hardly occur in the group, balance fewer moments, or leave out persons "
        "of the reference who have no like in the group.",
        ar=f"لا توجد أوزان تجعل المجموعة مماثلة للمجموعة المرجعية في {said}؛ ادمج الفئات النادرة أو قلّل المتغيرات.",
    )
    told.conflict = error.conflict
    return told
