"""Inequality of income, spending or any amount: Gini, Lorenz curve, quintile share ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import inequality as measures
from masar_research.engine.functional import functional
from masar_research.engine.influences import Linearized
from masar_research.errors import EstimationError
from masar_research.estimating import _wrap

if TYPE_CHECKING:
    from masar_research.estimates import Estimates
    from masar_research.survey import Survey

Names = str | Sequence[str]


def gini(
    survey: Survey, variables: Names, by: Names | None = None, level: float = 0.95
) -> Estimates:
    """Gini coefficients by domain.

    ``G = Σ_i Σ_j w_i w_j |y_i − y_j| / (2 N Y)``: 0 where everybody has the same, near 1 where
    one has everything. The standard error is linearised through the exact influence.

    Parameters
    ----------
    survey : Survey
    variables, by : str or list of str
    level : float
        Confidence level of the t interval.

    Returns
    -------
    Estimates
        kind ``"index"``, one row per domain and variable. ``note["negative"]`` counts amounts
        below zero, with which a Gini may pass 1; ``note["warning"]`` says so in both languages.
        NaN where a domain's amounts do not have a positive total.

    References
    ----------
    Langel and Tillé (2013), *JRSS A* 176; Osier (2009), *Survey Research Methods* 3.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 4, "income": [0.0, 0.0, 0.0, 1.0]})
    >>> float(mr.Survey(frame, weights="w").gini("income").frame["estimate"].iloc[0])
    0.75
    """
    return _of_amounts(survey, variables, by, level, "Gini coefficient", measures.gini)


def quintile_ratio(
    survey: Survey, variables: Names, by: Names | None = None, level: float = 0.95,
    top: float = 0.2, bottom: float = 0.2,
) -> Estimates:  # fmt: skip
    """Ratio of the share of the richest to the share of the poorest (S80/S20).

    Parameters
    ----------
    survey, variables, by, level
        As in :func:`gini`.
    top, bottom : float
        Parts of the population compared; 0.1 and 0.4 give the Palma ratio.

    Returns
    -------
    Estimates
        kind ``"index"``. NaN where the poorest part holds nothing or less.

    References
    ----------
    Langel and Tillé (2011), *Survey Methodology* 37; Osier (2009).

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
    ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.quintile_ratio("pay").frame["estimate"].round(3).tolist()
    [2.769]
    """
    for name, part in (("top", top), ("bottom", bottom)):
        if not 0 < part < 1:
            raise EstimationError(
                f"{name}={part!r} is not a part of the population.",
                remedy="Give a fraction between 0 and 1, for instance 0.2.",
            )

    def answer(weights: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        return measures.share_ratio(weights, y, top, bottom)

    what = f"share of the richest {top:g} over the share of the poorest {bottom:g}"
    return _of_amounts(survey, variables, by, level, what, answer)


def lorenz(
    survey: Survey, variable: str, by: Names | None = None, level: float = 0.95,
    shares: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
) -> Estimates:  # fmt: skip
    """Lorenz curve: the part of the total held by the poorest parts of the population.

    Parameters
    ----------
    survey, variable, by, level
        As in :func:`gini`, for one variable.
    shares : sequence of float
        Cumulative population shares between 0 and 1, ascending.

    Returns
    -------
    Estimates
        kind ``"index"``, one row per domain and share, column ``share``; the covariance between
        the points of the curve stands in ``vcov``.

    References
    ----------
    Kovačević and Binder (1997), *Journal of Official Statistics* 13, 41–58.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
    ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.lorenz("pay", shares=(0.5,)).frame["estimate"].round(3).tolist()
    [0.36]
    """
    points = np.asarray(shares, dtype=float)
    if not (points.ndim == 1 and len(points) and ((points > 0) & (points < 1)).all()):
        raise EstimationError(
            f"shares={list(shares)!r} are not cumulative population shares.",
            remedy="Give fractions between 0 and 1, for instance [0.2, 0.4, 0.6, 0.8].",
        )
    asked = survey._answer(variable, by, level, extra=_facts(survey, (variable,), "Lorenz curve"))
    domains = asked.columns.domains(asked.by)
    result = functional(
        asked.design, [asked.columns.values(variable)],
        lambda weights, y: measures.lorenz(weights, y, points),
        size=len(points), **asked.cells(domains),
    )  # fmt: skip
    keys = domains.keys.loc[domains.keys.index.repeat(len(points))].reset_index(drop=True)
    head = keys.assign(variable=variable, share=np.tile(points, domains.count))
    missing = int(result.n_missing[:: len(points)].sum())
    return _wrap(asked, "index", [head], [result], missing, interval="wald")


def _of_amounts(
    survey: Survey, variables: Names, by: Names | None, level: float, what: str,
    answer: Callable[..., Any],
) -> Estimates:  # fmt: skip
    names = (variables,) if isinstance(variables, str) else tuple(variables)
    asked = survey._answer(names, by, level, extra=_facts(survey, names, what))
    domains = asked.columns.domains(asked.by)
    parts: list[Linearized] = []
    heads: list[pd.DataFrame] = []
    for name in names:
        values = asked.columns.values(name)
        parts.append(functional(asked.design, [values], answer, **asked.cells(domains)))
        heads.append(domains.keys.assign(variable=name))
    missing = sum(int(part.n_missing.sum()) for part in parts)
    return _wrap(asked, "index", heads, parts, missing, interval="wald")


def _facts(survey: Survey, names: Sequence[str], what: str) -> dict[str, Any]:
    """The note's facts: the statistic, and amounts below zero among the rows that count."""
    counted = survey.design.weights > 0
    if survey.mask is not None:
        counted = counted & survey.mask
    negative = sum(int(np.sum(survey.values(name)[counted] < 0)) for name in names)
    facts: dict[str, Any] = {"statistic": what, "negative": negative}
    if negative:
        facts["warning"] = {
            "en": f"{negative} amounts are below zero: shares of the total may be negative and a "
            "Gini coefficient may pass 1.",
            "ar": f"توجد {negative} من القيم دون الصفر، فقد تكون الحصص سالبة وقد يتجاوز معامل جيني "
            "الواحد.",
        }
    return facts
