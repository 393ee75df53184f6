"""Residuals and leverages of a weighted Cox regression."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.cox import RiskSets, _exposure, _state
from masar_research.engine.newton import LikelihoodFit

Floats = NDArray[np.float64]
CoxResidual = Literal["martingale", "deviance", "score", "schoenfeld", "scaled_schoenfeld"]


def expected_events(fit: LikelihoodFit, sets: RiskSets) -> Floats:
    """(n,) events expected of each row over its time at risk, ``r_i Λ_0``; NaN outside the fitted rows.

    With Efron's ties a row that has the event is charged the share of the increment that R's
    ``coxph`` charges it.

    Parameters
    ----------
    fit : LikelihoodFit
    sets : RiskSets
    """
    now = _state(sets, fit.coef)
    out = np.full(fit.used.size, np.nan)
    out[sets.rows] = np.exp(now.eta - now.shift) * _exposure(sets, now)
    return out


def residuals(fit: LikelihoodFit, sets: RiskSets, which: CoxResidual) -> Floats:
    """Residuals of a Cox regression; survey weights enter the hazard and do not scale them.

    martingale ``M = d − Λ``, ``Σ w M = 0``; deviance ``sign(M) √(−2 (M + d log(d − M)))``; score the
    row's derivative of the log partial likelihood, ``Σ w s = 0``; schoenfeld ``x − x̄(t)`` of rows with
    the event, x̄ the weighted mean over the risk set; scaled ``β + Σ_d w · V (x − x̄)``, V the inverse
    information: about ``β(t)``.

    Parameters
    ----------
    fit : LikelihoodFit
    sets : RiskSets
    which : {"martingale", "deviance", "score", "schoenfeld", "scaled_schoenfeld"}

    Returns
    -------
    (n,) or (n, p) float array
        NaN outside the fitted rows; Schoenfeld residuals also where there is no event.

    References
    ----------
    Therneau, Grambsch and Fleming (1990), *Biometrika* 77, 147–160; Schoenfeld (1982), *Biometrika*
    69; Grambsch and Therneau (1994), *Biometrika* 81; with weights Lin (2000), *Biometrika* 87.

    Examples
    --------
    >>> from masar_research.engine import cox
    >>> X, time = np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([1.0, 2.0, 3.0, 4.0])
    >>> found = residuals(*cox.fit(X, time, np.array([1, 1, 1, 0]), np.ones(4)), "martingale")
    >>> found.round(3).tolist(), bool(abs(found.sum()) < 1e-12)
    ([0.64, 0.64, -0.64, -0.64], True)
    """
    n, p = fit.used.size, fit.coef.size
    has = sets.event_of >= 0
    if which in ("martingale", "deviance"):
        event = np.full(n, np.nan)
        event[sets.rows] = has
        expected = expected_events(fit, sets)
        raw = event - expected
        if which == "martingale":
            return raw
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(event == 1, np.log(expected), 0.0)
        return np.sign(raw) * np.sqrt(np.maximum(-2 * (raw + logs), 0.0))
    out = np.full((n, p), np.nan)
    if which == "score":
        out[fit.used] = fit.scores[fit.used] / fit.weights[fit.used, None]
        return out
    now = _state(sets, fit.coef)
    centre = sets.by_group(sets.share[:, None] * now.mean)
    found = sets.X[has] - centre[sets.event_of[has]]
    if which == "scaled_schoenfeld":
        found = fit.coef + (found @ fit.bread) * sets.weights[has].sum()
    out[sets.rows[has]] = found
    return out


def leverages(fit: LikelihoodFit, sets: RiskSets) -> Floats:
    """(n,) trace of the bread × the row's part of the information; they add to p.

    The information is ``Σ_i ∫ w_i r_i (x_i − x̄)(x_i − x̄)' dΛ``, whose summand is the row's part.

    Parameters
    ----------
    fit : LikelihoodFit
    sets : RiskSets
    """
    now = _state(sets, fit.coef)
    carried = now.mean @ fit.bread
    parts = np.column_stack([np.ones(now.hazard.size), carried, np.einsum("ij,ij->i", carried, now.mean)])
    parts = parts * now.hazard[:, None]
    summed = sets.over_time(sets.by_group(parts))
    has = sets.event_of >= 0
    summed[has] -= sets.by_group(sets.fraction[:, None] * parts)[sets.event_of[has]]
    square = np.einsum("ij,jk,ik->i", sets.X, fit.bread, sets.X)
    found = square * summed[:, 0] - 2 * np.einsum("ij,ij->i", sets.X, summed[:, 1:-1]) + summed[:, -1]
    out = np.zeros(fit.used.size)
    out[sets.rows] = now.risk * found
    return out
