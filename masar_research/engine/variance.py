"""Covariance of linearised estimates from totals per sampling unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.design import Design
from masar_research.engine.structure import Stage
from masar_research.engine.waves import Overlap
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]

# Columns of a cross-product formed at once.
_BLOCK = 24


def covariance(design: Design, totals: Floats) -> Floats:
    """Covariance matrix of m estimates from their unit totals.

    ``V = Σ_stages Σ_h a_h (1 − f_h) n_h / (n_h − 1) Σ_i (t_hi − t̄_h)(t_hi − t̄_h)'``

    with ``t_hi`` the total of weight × influence in unit i of stratum (or parent unit) h,
    ``a_h`` the product of the sampling fractions of the stages above (1 at the first stage). Between waves a
    and b, ``C_ab = Σ_h m_h / (m_h − 1) (1 − n_ah n_bh / (m_h N_h)) Σ_i (t_ahi − t̄_ah)(t_bhi − t̄_bh)'``
    over the m_h ≥ 2 PSUs of base stratum h that both waves hold, and ``V`` gains ``C_ab + C_ab'``.

    With replicates, ``V = Σ_r d_r d_r'`` over their scaled deviations ``d_r = √c_r (θ_r − θ̄)``. In a
    two-phase sample V is the sum of the parts of both phases
    (`masar_research.engine.two_phase.Phases.parts`). Weights calibrated to totals that are estimates of
    another source add rows of `totals` beyond the units, whose squares are the variance from there.

    Parameters
    ----------
    design : Design
    totals : ndarray (n_units, m), or (R, m) with R replicates
        As in `Linearized.totals`.

    Returns
    -------
    ndarray (m, m)
        Rows and columns of an estimate that does not exist are NaN.

    Raises
    ------
    EstimationError
        If `totals` does not have one row per unit of the design.

    Notes
    -----
    Sums are formed without BLAS, so that the last digit does not depend on the number of threads.

    References
    ----------
    Särndal, Swensson and Wretman (1992), result 4.3.1; Wood (2008), *Journal of Official
    Statistics* 24, 53–78, and Tam (1984), *American Statistician* 38, 288–289 (overlapping samples).

    Examples
    --------
    >>> from masar_research.engine.design import declare
    >>> design = declare([1.0, 1.0, 1.0, 1.0], strata=[1, 1, 2, 2])
    >>> covariance(design, np.array([[1.0], [3.0], [2.0], [2.0]]))
    array([[4.]])
    """
    if design.phases is not None:
        one, two = design.phases.parts(totals, design.unit_weights)
        return one + two
    outside = 0 if design.replicates is not None else getattr(design.calibration, "outside", 0)
    if outside and totals.shape[0] == design.n_units + outside:
        errors = totals[design.n_units :]
        own = covariance(replace(design, calibration=None), totals[: design.n_units])
        return own + np.einsum("qi,qj->ij", errors, errors)
    replicated = design.replicates
    expected = design.n_units if replicated is None else replicated.number
    if totals.ndim != 2 or totals.shape[0] != expected:
        raise EstimationError(
            f"Expected totals of shape ({expected}, m), one row per "
            f"{'sampling unit' if replicated is None else 'replicate'}; found {totals.shape}.",
            remedy="Pass the totals of an estimate made with this design or a reweighting of it.",
        )
    if replicated is not None:
        return _gram(totals)
    out = np.zeros((totals.shape[1], totals.shape[1]))
    for stage in design.structure.stages:
        out += _within(stage, totals)
    for overlap in design.structure.overlaps:
        shared = _between(overlap, totals)
        out += shared + shared.T
    return out


def _within(stage: Stage, totals: Floats) -> Floats:
    """Σ_h factor_h Σ_i (t_hi − t̄_h)(t_hi − t̄_h)' of one stage."""
    values = stage.units.sums(totals)
    means = stage.parents.sums(values) / stage.size[:, None]
    if not stage.centred.all():
        means[~stage.centred] = 0.0
    deviations = values - means[stage.parents.codes]
    deviations *= np.sqrt(stage.factor)[stage.parents.codes, None]
    return _gram(deviations)


def _between(overlap: Overlap, totals: Floats) -> Floats:
    """Σ_h factor_h Σ_i (t_ahi − t̄_ah)(t_bhi − t̄_bh)' of one pair of waves."""
    size = np.bincount(overlap.strata.codes).astype(float)
    first, second = (
        _centre(overlap, totals[rows], size) for rows in (overlap.first, overlap.second)
    )
    return _cross(first * overlap.factor[overlap.strata.codes, None], second)


def _centre(overlap: Overlap, values: Floats, size: Floats) -> Floats:
    return values - (overlap.strata.sums(values) / size[:, None])[overlap.strata.codes]


def _gram(values: Floats) -> Floats:
    """values' values: the columns on and right of the diagonal, and their mirror."""
    size = values.shape[1]
    out = np.empty((size, size))
    for begin in range(0, size, _BLOCK):
        end = begin + _BLOCK
        out[begin:end, begin:] = _cross(values[:, begin:end], values[:, begin:])
        out[begin:, begin:end] = out[begin:end, begin:].T
    return out


def _cross(left: Floats, right: Floats) -> Floats:
    """left' right, in an order of summation that is the same on any machine load."""
    return np.einsum("ki,kj->ij", left, right)
