"""Weighted Cox regression: ties, entry times, strata; influence of coefficients and hazards.

Rows are ordered once by stratum and time; sums over risk sets are then differences of running
sums, and no table of rows × event times is formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.newton import (
    LikelihoodFit,
    Slope,
    inverse_scaled,
    maximise,
    refuse_duplicates,
)
from masar_research.errors import ModelError

Ties = Literal["efron", "breslow"]
TIES: tuple[Ties, ...] = ("efron", "breslow")


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Who is at risk when; n fitted rows, J distinct event times (each within its stratum).

    Attributes
    ----------
    rows : (n,) int array
        Fitted rows, ordered by stratum and time.
    X : (n, p) float array
        Their predictors, less `centre`.
    centre : (p,) float array
    weights : (n,) float array
    event_time, event_stratum : (J,) arrays
    event_of : (n,) int array
        Event time of each row with an event, −1 without.
    from_time, to_end : (J,) int arrays
        First row still under observation at each event time, and the end of its stratum.
    entered_from, entered_end : (J,) int arrays
        The same among rows ordered by entry: those who enter at or after the event time.
    by_entry : (n,) int array or None
        Rows ordered by stratum and entry; None where nobody enters late.
    first, last : (n,) int arrays
        Event times at which each row is at risk: first … last − 1.
    group : (E,) int array
        Event time of each term of the denominator: one per death (Efron), one per time (Breslow).
    fraction : (E,) float array
        Share of the tied deaths' risk that the term leaves out.
    share : (E,) float array
        Share of the tied deaths' weight that the term carries.
    """

    rows: np.ndarray
    X: np.ndarray
    centre: np.ndarray
    weights: np.ndarray
    event_time: np.ndarray
    event_stratum: np.ndarray
    event_of: np.ndarray
    from_time: np.ndarray
    to_end: np.ndarray
    entered_from: np.ndarray
    entered_end: np.ndarray
    by_entry: np.ndarray | None
    first: np.ndarray
    last: np.ndarray
    group: np.ndarray
    fraction: np.ndarray
    share: np.ndarray

    def at_risk(self, values: np.ndarray) -> np.ndarray:
        """(J, …) sums over the risk set of each event time, of values (n, …)."""
        later = _tail(values)
        out = later[self.from_time] - later[self.to_end]
        if self.by_entry is not None:
            entered = _tail(values[self.by_entry])
            out = out - (entered[self.entered_from] - entered[self.entered_end])
        return out

    def over_time(self, values: np.ndarray) -> np.ndarray:
        """(n, …) sums over the event times at which each row is at risk, of values (J, …)."""
        running = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        return running[self.last] - running[self.first]

    def of_events(self, values: np.ndarray) -> np.ndarray:
        """(J, …) sums over the rows with an event at each time, of values (n, …)."""
        n_times = self.event_time.size
        if values.ndim == 1:
            return cell_sums(self.event_of, values, n_times)
        return row_sums(self.event_of, np.ones(len(values)), values, n_times)

    def by_group(self, values: np.ndarray) -> np.ndarray:
        """(J, …) sums over the terms of each event time, of values (E, …)."""
        return np.add.reduceat(values, np.searchsorted(self.group, np.arange(self.event_time.size)))


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The risk sets at one set of coefficients."""

    eta: np.ndarray
    shift: float
    risk: np.ndarray
    carried: np.ndarray
    denominator: np.ndarray
    mean: np.ndarray
    hazard: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeHazard:
    """Cumulative hazards of one person, linearised.

    Attributes
    ----------
    estimate : (T,) float array
    influence : (n, T) float array
        Weight × influence of every row of the data.
    events : (T,) int array
        Events in the stratum up to each time.
    """

    estimate: np.ndarray
    influence: np.ndarray
    events: np.ndarray


def risk_sets(
    X: np.ndarray, time: np.ndarray, event: np.ndarray, weights: np.ndarray, *,
    entry: np.ndarray | None = None, strata: np.ndarray | None = None,
    mask: np.ndarray | None = None, ties: Ties = "efron",
) -> RiskSets:  # fmt: skip
    """Order the rows of a survival analysis.

    Parameters
    ----------
    X : (n, p) float array
        Without a constant.
    time : (n,) float array
        End of observation; NaN leaves a row out.
    event : (n,) float array
        1 where the event ended it, 0 where observation ended without it.
    weights : (n,) float array
        ≥ 0; rows of weight 0 are left out.
    entry : (n,) float array, optional
        When observation began: a row is at risk at t if entry < t ≤ time.
    strata : (n,) int array, optional
        Groups with a baseline hazard of their own, from 0.
    mask : (n,) bool array, optional
    ties : {"efron", "breslow"}

    Raises
    ------
    ModelError
        Unknown ties, an event that is not 0 or 1, an entry at or after the end, no event.
    """
    if ties not in TIES:
        raise ModelError(f"ties={ties!r} is not known.", remedy=f"Use one of {', '.join(TIES)}.",
                         ar="طريقة الأوقات المتساوية غير معروفة؛ استخدم efron أو breslow.")
    w = np.asarray(weights, float)
    used = (w > 0) & np.isfinite(time) & np.isfinite(event)
    used &= np.ones(w.size, bool) if mask is None else mask
    if entry is not None:
        used &= np.isfinite(entry)
    where = np.flatnonzero(used)
    t, d = np.asarray(time, float)[where], np.asarray(event, float)[where]
    s = np.zeros(where.size, np.intp) if strata is None else np.asarray(strata)[where]
    _check(t, d, None if entry is None else np.asarray(entry, float)[where])
    order = np.lexsort((t, s))
    where, t, d, s = where[order], t[order], d[order] == 1, s[order]
    Xu, wu = np.asarray(X, float)[where], w[where]
    centre = wu @ Xu / wu.sum()
    keys = np.stack([s[d], t[d]], axis=1)
    distinct, of = np.unique(keys, axis=0, return_inverse=True)
    at, moment = distinct[:, 0].astype(np.intp), distinct[:, 1]
    event_of = np.full(where.size, -1, np.intp)
    event_of[d] = of.ravel()
    from_time, to_end = _places(s, t, at, moment)
    last = _count(at, moment, s, t, "right")
    first, by_entry = _count(at, moment, s, np.full(t.size, -np.inf), "right"), None
    entered_from = entered_end = np.zeros(at.size, np.intp)
    if entry is not None:
        begin = np.asarray(entry, float)[where]
        by_entry = np.lexsort((begin, s))
        entered_from, entered_end = _places(s[by_entry], begin[by_entry], at, moment)
        first = _count(at, moment, s, begin, "right")
    deaths = np.bincount(of.ravel(), minlength=at.size)
    if ties == "efron":
        group = np.repeat(np.arange(at.size), deaths)
        start = np.concatenate([[0], np.cumsum(deaths)[:-1]])
        fraction = (np.arange(group.size) - start[group]) / deaths[group]
        share = 1.0 / deaths[group]
    else:
        group, fraction, share = np.arange(at.size), np.zeros(at.size), np.ones(at.size)
    return RiskSets(where, Xu - centre, centre, wu, moment, at, event_of, from_time, to_end,
                    entered_from, entered_end, by_entry, first, last, group, fraction, share)


def fit(
    X: np.ndarray, time: np.ndarray, event: np.ndarray, weights: np.ndarray, *,
    entry: np.ndarray | None = None, strata: np.ndarray | None = None,
    mask: np.ndarray | None = None, ties: Ties = "efron", names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
) -> tuple[LikelihoodFit, RiskSets]:  # fmt: skip
    """Maximise the weighted partial likelihood.

    With risk r_i = exp(x_i'β) and the deaths D at time t, ``Σ_D w x'β − Σ_l m log(S − f_l S_D)``,
    S = Σ w r over the risk set, S_D over D: Efron takes the terms l = 0 … d − 1 with f_l = l/d and
    m the mean weight of the deaths, Breslow one term with f = 0 and m their sum.

    Parameters
    ----------
    X, time, event, weights, entry, strata, mask, ties
        As for :func:`risk_sets`.
    names : sequence of str, optional
        Of the columns of X.
    start : (p,) float array, optional

    Returns
    -------
    fitted : LikelihoodFit
        `scores` are weighted score residuals, the derivative of the score by each row's weight
        (Lin and Wei; with Efron's ties as in R's coxph), so that ``scores @ bread`` are its
        weighted dfbeta.
    sets : RiskSets

    Raises
    ------
    ModelError
        As for :func:`risk_sets`; collinear columns, no convergence.
    SeparationError
        A group without events, or with all of them first: no finite maximum.

    References
    ----------
    Cox (1972), *J. R. Statist. Soc.* B 34; Efron (1977), *JASA* 72; Binder (1992), *Biometrika*
    79, 139–147; Lin (2000), *Biometrika* 87, 37–47.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> found, _ = fit(X, np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 0]), np.ones(4))
    >>> found.coef.round(4)
    array([-0.9406])
    """
    sets = risk_sets(X, time, event, weights, entry=entry, strata=strata, mask=mask, ties=ties)
    p = sets.X.shape[1]
    names = list(names) if names is not None else [f"column {j}" for j in range(p)]
    if sets.rows.size <= p:
        raise ModelError(
            f"{sets.rows.size} rows with a weight and no missing value are left for {p} coefficients.",
            remedy="Check the missing values and the subpopulation, or use fewer terms.",
            ar="لا تكفي السجلات المكتملة لعدد معاملات النموذج؛ راجع القيم المفقودة أو استخدم متغيّرات أقل.",
        )
    refuse_duplicates(sets.X + sets.centre, sets.weights, names, constant=True)
    size = np.abs(sets.X).max(axis=0, initial=0.0)
    coef, slope, passes = maximise(
        lambda b: _slope(sets, b), np.zeros(p) if start is None else start, names=names,
        moves=lambda step: np.abs(step) * size, weight=float(sets.weights.sum()),
    )  # fmt: skip
    n = np.asarray(weights).size
    scores, used, kept = np.zeros((n, p)), np.zeros(n, bool), np.zeros(n)
    scores[sets.rows] = _score_residuals(sets, coef)
    used[sets.rows], kept[sets.rows] = True, sets.weights
    bread = inverse_scaled(slope.information) if p else np.zeros((0, 0))
    return LikelihoodFit(coef, bread, scores, kept, used, slope.value, passes), sets


def cumulative_hazard(
    fitted: LikelihoodFit, sets: RiskSets, at: np.ndarray, times: np.ndarray, stratum: int = 0
) -> CumulativeHazard:
    """Cumulative hazard at given times of a person with given predictors.

    ``Λ(t | x) = exp(x'β) Σ_{t_j ≤ t} Σ_l m / (S_j − f_l S_Dj)``. Its influence is the derivative by
    each row's weight: of the events' weight, of the risk sets, and through β.

    Parameters
    ----------
    fitted : LikelihoodFit
    sets : RiskSets
    at : (p,) float array
    times : (T,) float array
    stratum : int

    Returns
    -------
    CumulativeHazard
    """
    now = _state(sets, fitted.coef)
    x = at - sets.centre
    level = float(np.exp(x @ fitted.coef - now.shift))
    inside = sets.event_stratum == stratum
    step = sets.by_group(now.hazard)
    tied = sets.of_events(sets.weights)
    square = sets.by_group(now.hazard / now.denominator)
    tied_square = sets.by_group(sets.fraction * now.hazard / now.denominator)
    drift = sets.by_group(now.hazard[:, None] * now.mean)
    n, has = fitted.used.size, sets.event_of >= 0
    own = sets.event_of[has]
    estimate, events = np.zeros(len(times)), np.zeros(len(times), np.intp)
    influence = np.zeros((n, len(times)))
    for k, t in enumerate(times):
        chosen = inside & (sets.event_time <= t)
        estimate[k] = level * step[chosen].sum()
        events[k] = np.count_nonzero(chosen[own])
        pull = -now.risk * sets.over_time(square * chosen)
        pull[has] += (sets.weights[has] * step[own] / tied[own] + now.risk[has] * tied_square[own]) * chosen[own]
        slope = x * step[chosen].sum() - drift[chosen].sum(axis=0)
        influence[sets.rows, k] = level * pull
        influence[:, k] += level * (fitted.influence @ slope)
    return CumulativeHazard(estimate, influence, events)


def _state(sets: RiskSets, coef: np.ndarray) -> _State:
    eta = sets.X @ coef
    shift = float(eta.max(initial=0.0))
    risk = sets.weights * np.exp(eta - shift)
    carried = risk[:, None] * sets.X
    both = np.column_stack([risk, carried])
    total, tied = sets.at_risk(both), sets.of_events(both)
    left = total[sets.group] - sets.fraction[:, None] * tied[sets.group]
    weight = sets.of_events(sets.weights)[sets.group] * sets.share
    denominator = left[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, hazard = left[:, 1:] / denominator[:, None], weight / denominator
    return _State(eta, shift, risk, carried, denominator, mean, hazard)


def _slope(sets: RiskSets, coef: np.ndarray) -> Slope:
    p = coef.size
    now = _state(sets, coef)
    if not (now.denominator > 0).all():
        return Slope(-np.inf, np.zeros(p), np.eye(p), np.inf)
    has = sets.event_of >= 0
    w = sets.weights[has]
    mass = now.hazard * now.denominator
    value = w @ (now.eta[has] - now.shift) - mass @ np.log(now.denominator)
    score = w @ sets.X[has] - mass @ now.mean
    total = _exposure(sets, now)
    info = sets.X.T @ (sets.X * (now.risk * total)[:, None]) - now.mean.T @ (now.mean * mass[:, None])
    return Slope(float(value), score, info, float(np.abs(now.eta).max(initial=0.0)))


def _exposure(sets: RiskSets, now: _State) -> np.ndarray:
    """(n,) hazard each row was exposed to, less what Efron's ties take off."""
    out = sets.over_time(sets.by_group(now.hazard))
    has = sets.event_of >= 0
    out[has] -= sets.by_group(sets.fraction * now.hazard)[sets.event_of[has]]
    return out


def _score_residuals(sets: RiskSets, coef: np.ndarray) -> np.ndarray:
    now = _state(sets, coef)
    has = sets.event_of >= 0
    own = sets.event_of[has]
    drift = sets.over_time(sets.by_group(now.hazard[:, None] * now.mean))
    tied = sets.by_group((sets.fraction * now.hazard)[:, None] * now.mean)
    drift[has] -= tied[own]
    out = now.risk[:, None] * (drift - sets.X * _exposure(sets, now)[:, None])
    centre = sets.by_group(sets.share[:, None] * now.mean)
    out[has] += sets.weights[has][:, None] * (sets.X[has] - centre[own])
    return out


def _tail(values: np.ndarray) -> np.ndarray:
    """(n + 1, …) sums of values from each place to the end."""
    out = np.zeros((len(values) + 1, *values.shape[1:]))
    out[:-1] = np.cumsum(values[::-1], axis=0)[::-1]
    return out


def _places(
    s: np.ndarray, t: np.ndarray, at: np.ndarray, moment: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First row of a stratum at or after a moment, and the end of the stratum (rows ordered)."""
    begin, end = np.searchsorted(s, at, "left"), np.searchsorted(s, at, "right")
    first = _count(s, t, at, moment, "left")
    return np.clip(first, begin, end), end


def _count(s: np.ndarray, t: np.ndarray, at: np.ndarray, moment: np.ndarray, side: str) -> np.ndarray:
    """Place of each (stratum, moment) among ordered (s, t)."""
    distinct = np.unique(np.concatenate([t, moment]))
    code = np.searchsorted(distinct, t) + s * np.intp(distinct.size)
    wanted = np.searchsorted(distinct, moment) + at * np.intp(distinct.size)
    return np.searchsorted(code, wanted, side)


def _check(t: np.ndarray, d: np.ndarray, entry: np.ndarray | None) -> None:
    if not np.isin(d, (0.0, 1.0)).all():
        raise ModelError(
            f"The event holds {np.unique(d)[:6].tolist()}; it must be 1 (happened) or 0 (not by then).",
            remedy="Derive a variable coded 1 and 0.",
            ar="ينبغي أن يكون متغيّر الحدث 1 (وقع) أو 0 (لم يقع بعد).",
        )
    if not (d == 1).any():
        raise ModelError("No event among the fitted rows.",
                         remedy="Check the event's codes and the subpopulation.",
                         ar="لا حدث في سجلات النموذج؛ تحقق من رموز الحدث ومن الفئة المختارة.")
    if entry is not None and (entry >= t).any():
        raise ModelError(
            f"{int((entry >= t).sum())} rows enter at or after the end of their observation.",
            remedy="Correct entry and time: a row is at risk from its entry until its time.",
            ar="تبدأ متابعة بعض السجلات عند نهايتها أو بعدها؛ صحّح وقت الدخول ووقت النهاية.",
        )
