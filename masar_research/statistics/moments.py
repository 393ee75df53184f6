"""`survey.variance`, `survey.covariance` and `survey.correlation`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from masar_research.engine import intervals, moments
from masar_research.engine.influences import Linearized
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates, Kind
from masar_research.estimating import _wrap
from masar_research.statistics.limits import with_limits
from masar_research.survey import Names, Survey


def variance(
    survey: Survey, variables: Names, by: Names | None = None, level: float = 0.95
) -> Estimates:
    """Population variances ``n/(n − 1) · Σ w (y − ȳ)² / Σ w`` by domain.

    Parameters
    ----------
    variables, by : str or list of str
    level : float

    Returns
    -------
    Estimates
        kind ``"variance"``, one row per domain and variable. The interval is that of the
        logarithm, turned back: a variance is not below zero.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "y": [1.0, 2.0, 3.0, 4.0]})
    >>> round(float(mr.Survey(frame, weights="w").variance("y").frame["estimate"].iloc[0]), 6)
    1.666667
    """
    asked = survey._answer(variables, by, level)
    domains = asked.columns.domains(asked.by)
    heads = [domains.keys.assign(variable=name) for name in asked.variables]
    parts = []
    for name in asked.variables:
        values = asked.columns.values(name)
        parts.append(moments.covariance(asked.design, values, values, **asked.cells(domains)))
    missing = sum(int(part.n_missing.sum()) for part in parts)
    estimates = _wrap(asked, "variance", heads, parts, missing, "wald")
    value, error, df = _columns(estimates)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = intervals.wald(np.log(value), error / value, df, level)
    low, high = np.exp(low), np.exp(high)
    flat = value == 0
    return with_limits(
        estimates, np.where(flat, 0.0, low), np.where(flat, 0.0, high),
        interval="Wald on the logarithm, t",
    )  # fmt: skip


def covariance(
    survey: Survey, first: str, second: str, by: Names | None = None, level: float = 0.95
) -> Estimates:
    """Population covariance of two variables by domain, over those who answered both.

    Parameters
    ----------
    first, second : str
    by : str or list of str, optional
    level : float

    Returns
    -------
    Estimates
        kind ``"covariance"``; columns ``variable`` and ``other`` name the pair. t interval.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
    ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.covariance("pay", "works").frame["estimate"].round(3).tolist()
    [0.481]
    """
    return _pair(survey, first, second, by, level, "covariance", moments.covariance)


def correlation(
    survey: Survey, first: str, second: str, by: Names | None = None, level: float = 0.95
) -> Estimates:
    """Pearson correlation of two variables by domain, over those who answered both.

    Parameters
    ----------
    first, second : str
    by : str or list of str, optional
    level : float

    Returns
    -------
    Estimates
        kind ``"correlation"``; columns ``variable`` and ``other`` name the pair. The interval is
        that of Fisher's ``z = atanh r``, ``SE(z) = SE(r)/(1 − r²)``, turned back: it stays
        within −1 and 1.

    Examples
    --------
    >>> survey.correlation("income", "hours", by="sex")        # doctest: +SKIP
    """
    estimates = _pair(survey, first, second, by, level, "correlation", moments.correlation)
    value, error, df = _columns(estimates)
    inside = np.abs(value) < 1
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(inside, 1 - value**2, np.nan)
        low, high = intervals.wald(np.arctanh(np.where(inside, value, 0.0)), error / slope, df, level)
    return with_limits(
        estimates, np.where(inside, np.tanh(low), value), np.where(inside, np.tanh(high), value),
        interval="Wald on Fisher's z, t",
    )  # fmt: skip


def _pair(
    survey: Survey, first: str, second: str, by: Names | None, level: float, kind: Kind,
    engine: Callable[..., Linearized],
) -> Estimates:  # fmt: skip
    if first == second:
        raise EstimationError(
            f"Expected two variables; found {first!r} twice.",
            remedy="Use survey.variance(...) for a single one.",
        )
    asked = survey._answer(first, by, level)
    domains = asked.columns.domains(asked.by)
    found = engine(
        asked.design, asked.columns.values(first), asked.columns.values(second),
        **asked.cells(domains),
    )  # fmt: skip
    head = domains.keys.assign(variable=first, other=second)
    return _wrap(asked, kind, [head], [found], int(found.n_missing.sum()), "wald")


def _columns(estimates: Estimates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = estimates.frame
    df = frame["df"].to_numpy(float)
    return (
        frame["estimate"].to_numpy(float), frame["std_error"].to_numpy(float),
        np.where(df > 0, df, np.nan),
    )  # fmt: skip
