"""Concentration indices, and the reach of a programme beside the population it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from masar_research.engine import concentration as measures
from masar_research.engine.functional import functional
from masar_research.errors import EstimationError
from masar_research.estimating import _wrap

if TYPE_CHECKING:
    from masar_research.estimates import Estimates
    from masar_research.survey import Survey

Names = str | Sequence[str]
Kind = Literal["standard", "generalised", "erreygers", "wagstaff"]
KINDS: tuple[Kind, ...] = ("standard", "generalised", "erreygers", "wagstaff")

OTHER = {"en": "shares given from another source", "ar": "حصص معطاة من مصدر آخر"}
OWN = {"en": "shares estimated by this survey", "ar": "حصص يقدّرها هذا المسح"}


def concentration(
    survey: Survey, variable: str, rank: str, by: Names | None = None, kind: Kind = "standard",
    bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Concentration index of an outcome along the ranks of another variable.

    ``C = 2 cov(h, R) / μ`` with R the weighted fractional rank, ties at their mean rank: below zero
    where the outcome gathers among the poor, above where it gathers among the rich.

    Parameters
    ----------
    survey : Survey
    variable : str
        Outcome; not negative on average.
    rank : str
        What people are ranked by: a wealth score, income, …
    by : str or list of str, optional
        Ranks are formed within each domain.
    kind : {"standard", "generalised", "erreygers", "wagstaff"}
        For a bounded outcome, a share among them, the standard index depends on which of having
        and not having is counted; Erreygers' and Wagstaff's do not.
    bounds : (float, float)
        Least and greatest value, for Erreygers' and Wagstaff's.
    level : float

    Returns
    -------
    Estimates
        kind ``"index"``.

    Raises
    ------
    EstimationError
        An unknown kind, bounds that do not hold the values.

    References
    ----------
    Kakwani, Wagstaff and van Doorslaer (1997); Erreygers (2009); Wagstaff (2005).

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 4, "ill": [1, 1, 0, 0], "income": [1.0, 2.0, 3.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.concentration("ill", rank="income").frame["estimate"].tolist()
    [-0.5]
    """
    low, high = bounds
    if kind not in KINDS or not low < high:
        raise EstimationError(
            f"kind={kind!r}, bounds={bounds!r}: no concentration index.",
            remedy=f"Use one of {', '.join(KINDS)}, and bounds with the lower one first.",
            ar="نوع المؤشر أو حدّاه غير معروفين؛ استعمل standard أو generalised أو erreygers أو wagstaff.",
        )
    asked = survey._answer((variable, rank), by, level, extra={
        "statistic": f"concentration index, {kind}, ranked by {rank}", "columns": [variable, rank],
    })  # fmt: skip
    domains = asked.columns.domains(asked.by)
    columns = [asked.columns.values(name) for name in (variable, rank)]
    known = columns[0][np.isfinite(columns[0])]
    if kind in ("erreygers", "wagstaff") and known.size and (known.min() < low or known.max() > high):
        raise EstimationError(
            f"{variable} reaches from {known.min():g} to {known.max():g}, beyond bounds={bounds!r}.",
            remedy="Give the least and greatest value the outcome can have.",
            ar=f"قيم {variable} تتجاوز الحدين المذكورين؛ اذكر أدنى قيمة ممكنة وأعلاها.",
        )

    def answer(weights: np.ndarray, h: np.ndarray, r: np.ndarray) -> tuple[float, np.ndarray]:
        return measures.concentration(weights, h, r, kind, low, high)

    result = functional(asked.design, columns, answer, **asked.cells(domains))
    head = domains.keys.assign(variable=variable)
    return _wrap(asked, "index", [head], [result], int(result.n_missing.sum()), "wald")


def reach(
    survey: Survey, participated: str, by: str, population: Mapping[Any, float] | None = None,
    level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Reach-equity ratios: a group's share of the participants over its share of the population.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any: the people the programme is for.
    participated : str
        Coded 0/1.
    by : str
        The groups.
    population : mapping, optional
        Code → share of the population from another source, taken as exact; they must sum to 1. The
        survey's own shares by default, whose error is carried.
    level : float

    Returns
    -------
    Estimates
        kind ``"ratio"``, a row per group: 1 where it is reached in proportion, below where it is
        left behind. Intervals on the logarithm.

    Raises
    ------
    EstimationError
        A variable that is not 0/1, nobody reached, shares that do not name every group or do not
        sum to 1.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 4, "came": [1, 0, 1, 1], "sex": [1, 1, 2, 2]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.reach("came", by="sex").frame["estimate"].round(3).tolist()
    [0.667, 1.333]
    """
    asked = survey._answer((participated,), by, level, extra={
        "statistic": "share of participants over share of population", "columns": [participated],
    })  # fmt: skip
    taking, coded = asked.columns.values(participated), asked.columns.coded(by)
    used = np.isfinite(taking) & (asked.design.weights > 0) & (coded.codes >= 0)
    if asked.mask is not None:
        used &= asked.mask
    if not np.isin(taking[used], (0.0, 1.0)).all() or not (taking[used] == 1).any():
        raise EstimationError(
            f"{participated} must be coded 0/1 with somebody reached.",
            remedy="Derive a 0/1 variable that says who took part.",
            ar=f"يجب أن يكون {participated} مرمّزاً 0/1 وأن يكون فيه مشاركون.",
        )
    counts = np.bincount(coded.codes[used], minlength=len(coded.levels))
    levels = [level for level, count in zip(coded.levels, counts, strict=True) if count]
    shares = np.full(len(levels), np.nan)
    if population is not None:
        if set(population) != set(levels) or abs(sum(population.values()) - 1) > 1e-6:
            raise EstimationError(
                f"population must give the share of each of {levels}, summing to 1.",
                remedy="Add the missing groups, or divide by their sum.",
                ar="يجب أن تذكر population حصة كل فئة وأن يكون مجموع الحصص 1.",
            )
        shares = np.array([population[level] for level in levels])
    place = np.full(len(coded.levels) + 1, -1)
    place[np.flatnonzero(counts)] = np.arange(len(levels))
    group = np.where(coded.codes >= 0, place[coded.codes], np.nan).astype(float)
    group[~used] = np.nan

    def answer(weights: np.ndarray, y: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return measures.reach(weights, y, g, shares)

    found = functional(asked.design, [taking, group], answer, size=len(levels), mask=asked.mask)
    n = np.bincount(place[coded.codes[used]], minlength=len(levels))
    one = replace(found, n=n)
    head = asked.columns.domains((by,)).keys
    head = head[head[by].isin(levels)].reset_index(drop=True).assign(variable=participated)
    out = _wrap(asked, "ratio", [head], [one], int(found.n_missing.sum()), "wald")
    frame = out.frame
    with np.errstate(divide="ignore", invalid="ignore"):
        width = (frame["conf_high"] - frame["estimate"]) / frame["estimate"]
        frame = frame.assign(conf_low=frame["estimate"] * np.exp(-width), conf_high=frame["estimate"] * np.exp(width))
    return replace(out, frame=frame, note={**out.note, "interval": "Wald on the logarithm, t",
                                           "compared_with": OTHER if population else OWN})  # fmt: skip
