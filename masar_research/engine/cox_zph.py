"""Whether hazards are proportional: score tests of coefficients that change with time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.cox import RiskSets, _state
from masar_research.engine.newton import LikelihoodFit

Floats = NDArray[np.float64]
Transform = Literal["km", "identity", "log", "rank"]
TRANSFORMS: tuple[Transform, ...] = ("km", "identity", "log", "rank")


@dataclass(frozen=True, slots=True, eq=False)
class TimeScores:
    """Scores of the coefficients of ``x g(t)`` at zero, linearised.

    Attributes
    ----------
    score : (p,) float array
        Σ over event times of g(t) × the score there.
    influence : (n, p) float array
        Weight × influence of each row, that of estimating β taken off.
    information : (p, p) float array
        Of those coefficients, β partialled out: the variance of `score` without weights or design.
    correlation : (p,) float array
        Weighted, of the scaled Schoenfeld residuals with g(t).
    """

    score: Floats
    influence: Floats
    information: Floats
    correlation: Floats


def times_of(
    sets: RiskSets, transform: Transform, time: Floats, entry: Floats | None = None
) -> Floats:
    """(J,) transformed event times.

    Parameters
    ----------
    sets : RiskSets
    transform : {"km", "identity", "log", "rank"}
        1 − the weighted Kaplan–Meier estimate of all strata together just before the time; t; log t;
        mean rank among all ends of
        observation.
    time : (n,) float array
        End of observation of every row of the data.
    entry : (n,) float array, optional
    """
    t = sets.event_time
    if transform == "identity":
        return t.copy()
    if transform == "log":
        return np.log(t)
    if transform == "rank":
        seen = np.sort(time[sets.rows])
        return (np.searchsorted(seen, t, "left") + 1 + np.searchsorted(seen, t, "right")) / 2
    moments, place = np.unique(t, return_inverse=True)
    has = sets.event_of >= 0
    total = _weight_from(time[sets.rows], sets.weights, moments)
    if entry is not None:
        total -= _weight_from(entry[sets.rows], sets.weights, moments)
    died = np.bincount(place[sets.event_of[has]], sets.weights[has], moments.size)
    before = np.concatenate([[1.0], np.cumprod(1 - died / total)[:-1]])
    return (1 - before)[place]


def _weight_from(when: Floats, weights: Floats, moments: Floats) -> Floats:
    """(T,) weight of the rows whose time is at or after each moment."""
    order = np.argsort(when, kind="stable")
    left = np.concatenate([np.cumsum(weights[order][::-1])[::-1], [0.0]])
    return left[np.searchsorted(when[order], moments, "left")]


def time_scores(fitted: LikelihoodFit, sets: RiskSets, g: Floats) -> TimeScores:
    """Scores of time-varying coefficients.

    With U_j, I_j the score and information of event time j at β̂: ``U = Σ g_j U_j``, its variance
    without weights ``Σ g_j² I_j − (Σ g_j I_j) (Σ I_j)⁻¹ (Σ g_j I_j)``. The influence of a row is its score
    residual with every event time multiplied by g_j, less ``(Σ g_j I_j)(Σ I_j)⁻¹`` times its score
    residual.

    Parameters
    ----------
    fitted : LikelihoodFit
    sets : RiskSets
    g : (J,) float array

    Returns
    -------
    TimeScores

    References
    ----------
    Grambsch and Therneau (1994), *Biometrika* 81, 515–526; Therneau (2020), `cox.zph` of survival 3
    (the score test); Lin (2000), *Biometrika* 87.
    """
    g = g - np.average(g, weights=sets.of_events(sets.weights))
    now = _state(sets, fitted.coef)
    has = sets.event_of >= 0
    own, w = sets.event_of[has], sets.weights[has]
    mass = now.hazard * now.denominator

    def matrix(factor: Floats) -> Floats:
        exposed = sets.over_time(sets.by_group(now.hazard) * factor)
        exposed[has] -= (sets.by_group(sets.fraction * now.hazard) * factor)[own]
        lines = mass * factor[sets.group]
        return sets.X.T @ (sets.X * (now.risk * exposed)[:, None]) - now.mean.T @ (now.mean * lines[:, None])

    across, second, whole = matrix(g), matrix(g * g), matrix(np.ones_like(g))
    score = (w * g[own]) @ sets.X[has] - (mass * g[sets.group]) @ now.mean
    drift = sets.over_time(sets.by_group(now.hazard[:, None] * now.mean) * g[:, None])
    tied = sets.by_group((sets.fraction * now.hazard)[:, None] * now.mean) * g[:, None]
    drift[has] -= tied[own]
    exposed = sets.over_time(sets.by_group(now.hazard) * g)
    exposed[has] -= (sets.by_group(sets.fraction * now.hazard) * g)[own]
    rows = now.risk[:, None] * (drift - sets.X * exposed[:, None])
    centre = sets.by_group(sets.share[:, None] * now.mean)
    schoenfeld = sets.X[has] - centre[own]
    rows[has] += (w * g[own])[:, None] * schoenfeld
    partial = np.linalg.solve(whole, across).T
    influence = np.zeros((fitted.used.size, sets.X.shape[1]))
    influence[sets.rows] = rows
    influence -= fitted.scores @ partial.T
    scaled = schoenfeld @ np.linalg.inv(whole)
    return TimeScores(score, influence, second - partial @ across, _correlation(scaled, g[own], w))


def _correlation(values: Floats, g: Floats, w: Floats) -> Floats:
    share = w / w.sum()
    a, b = values - share @ values, g - share @ g
    with np.errstate(divide="ignore", invalid="ignore"):
        return (share * b) @ a / np.sqrt((share @ (a * a)) * (share @ (b * b)))
