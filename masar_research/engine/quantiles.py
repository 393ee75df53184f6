"""Weighted quantiles by domain, with Woodruff intervals inverted by the rule of the point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine import intervals, linearized, variance
from masar_research.engine.cells import outcome, select
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized
from masar_research.engine.ordering import EQUAL, SELECT_FROM, Ordered, Selection, arrange
from masar_research.engine.ordering import select as selection
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]

_POSITIONS: dict[str, tuple[float, float]] = {
    "hf4": (1.0, 0.0),
    "hf5": (1 / 2, 0.0),
    "hf6": (1.0, 1.0),
    "hf7": (0.0, -1.0),
    "hf8": (2 / 3, 1 / 3),
    "hf9": (5 / 8, 1 / 4),
}
"""Rule → (θ, φ): value i stands at ``(W_{i−1} + θ w_i) / (W + φ w_n)``."""
STEPS = {"math": False, "hf1": False, "school": True, "hf2": True}
RULES: tuple[str, ...] = (*STEPS, *_POSITIONS)

Limits = Callable[[Linearized, Floats, float], tuple[Floats, Floats]]


def _wald(share: Linearized, error: Floats, level: float) -> tuple[Floats, Floats]:
    return intervals.wald(share.estimate, error, share.df, level)


def _xlogit(share: Linearized, error: Floats, level: float) -> tuple[Floats, Floats]:
    return intervals.logit(share.estimate, error, share.df, level)


def _arcsine(share: Linearized, error: Floats, level: float) -> tuple[Floats, Floats]:
    return intervals.arcsine(share.estimate, error, share.df, level)


def _beta(share: Linearized, error: Floats, level: float) -> tuple[Floats, Floats]:
    limits = intervals.korn_graubard(
        share.estimate, error, share.n, share.df, level, cap=False
    )
    return limits[0], limits[1]


_LIMITS: dict[str, Limits] = {
    "woodruff": _wald, "xlogit": _xlogit, "beta": _beta, "arcsine": _arcsine,
}  # fmt: skip
INTERVALS: tuple[str, ...] = tuple(_LIMITS)


@dataclass(frozen=True, slots=True, eq=False)
class Quantile:
    """One quantile in each of m domains.

    Parameters
    ----------
    result : Linearized
        The standard error is the width of the interval over 2 t; unit totals are those of the
        share at or below the quantile, over the slope that this width implies.
    low, high : ndarray (m,)
        NaN where the share's limit lies outside 0 and 1, or the sample ends at the quantile.
    """

    result: Linearized
    low: Floats
    high: Floats


def order(
    design: Design, y: ArrayLike, *, domain: ArrayLike | None = None, n_domains: int = 1,
    mask: NDArray[np.bool_] | None = None, ties: bool = True,
) -> Ordered | Selection:  # fmt: skip
    """The rows that count by domain and value, prepared once for any number of quantiles.

    Parameters
    ----------
    design, y, domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.
    ties : bool
        Put equal values in order of weight. Interpolating rules see where each of them lies, and
        must not depend on the order of the rows; the rules in `STEPS` do not see it, and without
        `ties` many rows are not sorted but selected from: for these rules only, which then give
        the same values.
    """
    rows, (values,) = select(
        design, (outcome(design, y, "y"),), domain=domain, n_domains=n_domains, mask=mask
    )
    weights, codes = rows.weights, rows.domain
    counted = weights > 0
    if not counted.all():
        values, weights = values[counted], weights[counted]
        codes = None if codes is None else codes[counted]
    if not ties and len(values) >= SELECT_FROM:
        return selection(values, weights, codes, n_domains)
    return arrange(values, weights, codes, rows.n, ties=ties)


def invert(ordered: Ordered | Selection, p: ArrayLike, rule: str) -> Floats:
    """The value below which a share p of the weight lies, in each domain.

    Parameters
    ----------
    ordered : Ordered or Selection
    p : array_like (m,) or float
        Shares between 0 and 1; NaN gives NaN.
    rule : str
        One of `RULES`. ``math``/``hf1``: the smallest value with ``F ≥ p``. ``school``/``hf2``:
        the same, but where ``F = p`` exactly the middle between it and the next value. ``hf4`` …
        ``hf9``: linear between values that stand at ``(W_{i−1} + θ w_i) / (W + φ w_n)``; the
        first or last value beyond them.

    Returns
    -------
    ndarray (m,)
        NaN for a domain without observations.

    Raises
    ------
    EstimationError
        If there is no such rule, or one that interpolates is asked of rows that are not sorted.

    References
    ----------
    Hyndman and Fan (1996), *American Statistician* 50, 361–365; R survey 4.1, ``svyquantile``.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> ordered = order(declare([1.0, 1.0, 1.0, 1.0]), [4.0, 1.0, 3.0, 2.0])
    >>> [float(invert(ordered, 0.5, rule)[0]) for rule in ("math", "school", "hf7")]
    [2.0, 2.5, 2.5]
    """
    check_rule(rule)
    if isinstance(ordered, Selection) and rule not in STEPS:
        raise EstimationError(
            f"rule={rule!r} interpolates between all values, and these rows are not sorted.",
            remedy="Order them with order(…, ties=True).",
        )
    shares = np.broadcast_to(np.asarray(p, dtype=float), len(ordered.whole))
    near, whole = ordered.near(shares)
    out = np.full(len(shares), np.nan)
    for cell, share in enumerate(shares):
        part = slice(near.start[cell], near.start[cell + 1])
        if part.stop == part.start or np.isnan(share):
            continue
        parts = near.values[part], near.weights[part], near.cumulated[part]
        out[cell] = among(*parts, share, rule, whole[cell], parts[1][-1])
    # A zero has no sign here: which of 0 and −0 comes first in order is not defined.
    return out + 0.0


def among(
    values: Floats, weights: Floats, cumulated: Floats, p: float, rule: str, whole: float,
    last: float,
) -> float:  # fmt: skip
    """The quantile among rows that surround it.

    Parameters
    ----------
    values, weights, cumulated : ndarray (k,)
        Consecutive rows of a domain, as in `Ordered`; the weights of the rows before them are in
        `cumulated`.
    p : float
    rule : str
    whole, last : float
        The weight of the domain, and of its last row.
    """
    if len(values) == 1:
        return float(values[0])
    if rule in STEPS:
        return _step(values, cumulated, p, whole, middle=STEPS[rule])
    return _line(values, place(cumulated, weights, rule, whole, last), p)


def place(
    cumulated: Floats, weights: Floats, rule: str, whole: float, last: float
) -> Floats:
    """Where rows stand between 0 and 1 under a rule."""
    theta, phi = (1.0, 0.0) if rule in STEPS else _POSITIONS[rule]
    return (cumulated - (1 - theta) * weights) / (whole + phi * last)


def check_rule(rule: str) -> None:
    """Raise unless it names a rule for quantiles."""
    if rule not in RULES:
        raise EstimationError(
            f"rule={rule!r} is not a rule for quantiles.",
            remedy=f"Choose one of {', '.join(RULES)}.",
        )


def _step(values: Floats, cumulated: Floats, p: float, whole: float, *, middle: bool) -> float:
    at = min(int(np.searchsorted(cumulated, (p - EQUAL) * whole)), len(values) - 1)
    if middle and at + 1 < len(values) and abs(cumulated[at] - p * whole) <= EQUAL * whole:
        return float(values[at] + (values[at + 1] - values[at]) / 2)
    return float(values[at])


def _line(values: Floats, position: Floats, p: float) -> float:
    above = int(np.searchsorted(position, p - EQUAL))
    if above == 0 or above == len(values):
        return float(values[min(above, len(values) - 1)])
    if position[above] <= p + EQUAL:
        return float(values[above])
    low, high = values[above - 1], values[above]
    return float(low + (p - position[above - 1]) / (position[above] - position[above - 1]) * (high - low))


def quantile(
    design: Design, y: ArrayLike, ordered: Ordered | Selection, p: float, *, rule: str, interval: str,
    level: float, domain: ArrayLike | None = None, n_domains: int = 1,
    mask: NDArray[np.bool_] | None = None,
) -> Quantile:  # fmt: skip
    """Quantile p of each domain with its Woodruff interval.

    The share ``F(q)`` at or below the quantile q is a mean with a design-based interval; its
    limits are turned back into values by the same `rule` that made q. The standard error is
    ``(high − low) / (2 t)``; with ``s = std_error / SE(F)`` standing for one over the density,
    the influence of row i is ``−s (1[y_i ≤ q] − F(q)) / Σ_d w``, so that quantiles have a
    covariance with each other and with other statistics.

    Parameters
    ----------
    design : Design
    y : array_like (n,)
        Outcome; NaN is missing.
    ordered : Ordered or Selection
        What `order` made of the same outcome, domains and mask.
    p : float
        Between 0 and 1, both excluded.
    rule : str
        One of `RULES`.
    interval : {"woodruff", "xlogit", "beta", "arcsine"}
        The interval of the share: t on its own scale (R's ``"mean"``), on the log odds, Beta on
        the effective sample size, or on the arcsine of the root.
    level : float
    domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.

    Returns
    -------
    Quantile

    Raises
    ------
    EstimationError
        Unknown rule or interval; p not between 0 and 1.

    References
    ----------
    Woodruff (1952), *JASA* 47, 635–646; Francisco and Fuller (1991), *Annals of Statistics* 19;
    Lumley (2010), *Complex Surveys*, section 2.4.1.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> design, y = declare([1.0] * 40), np.arange(40.0)
    >>> found = quantile(design, y, order(design, y), 0.5, rule="school", interval="woodruff", level=0.95)
    >>> float(found.result.estimate[0]), float(found.low[0]), float(found.high[0])
    (19.5, 13.0, 26.0)
    """
    check(p, interval)
    point = invert(ordered, p, rule)
    values = np.asarray(y, dtype=float)
    one = domain is None or n_domains == 1
    bound = point[0] if one else np.append(point, np.nan)[np.asarray(domain)]
    below = np.where(np.isnan(values), np.nan, values <= bound)
    share = linearized.mean(design, below, domain=domain, n_domains=n_domains, mask=mask)
    error, limits = share_limits(design, share, interval, level)
    low, high = (invert(ordered, x, rule) for x in limits)
    return finish(share, point, error, low, high, ordered.flat(), level)


def check(p: float, interval: str) -> None:
    """Raise unless p and the interval are such as a quantile can have."""
    if interval not in _LIMITS:
        raise EstimationError(
            f"interval={interval!r} is not an interval for quantiles.",
            remedy=f"Choose one of {', '.join(INTERVALS)}.",
        )
    if not 0 < p < 1:
        raise EstimationError(
            f"A quantile needs a share between 0 and 1; found {p!r}.",
            remedy="Give fractions, for instance probs=(0.25, 0.5, 0.75).",
        )


def share_limits(
    design: Design, share: Linearized, interval: str, level: float
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Standard error of the share at or below the quantile, and the limits of its interval; a
    limit outside 0 and 1 is NaN."""
    spread = np.diag(variance.covariance(design, share.totals))
    error = np.sqrt(np.where(spread < 0, np.nan, spread))
    with np.errstate(invalid="ignore"):
        low, high = (
            np.where((x < 0) | (x > 1), np.nan, x)
            for x in _LIMITS[interval](share, error, level)
        )
    return error, (low, high)


def finish(
    share: Linearized, point: Floats, error: Floats, low: Floats, high: Floats,
    flat: NDArray[np.bool_], level: float,
) -> Quantile:  # fmt: skip
    """The quantile from its point, the share there, and the values at the limits of that share."""
    ends = (share.estimate >= 1 - EQUAL) & ~flat
    low, high = (
        np.where(flat & (share.df > 0), point, np.where(ends, np.nan, x)) for x in (low, high)
    )
    std_error = (high - low) / (2 * intervals.t_quantile(share.df, level))
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(error > 0, std_error / error, np.where(std_error == 0, 0.0, np.nan))
    result = replace(
        share, estimate=point, totals=-share.totals * slope, srs_variance=share.srs_variance * slope**2
    )
    return Quantile(result, low, high)
