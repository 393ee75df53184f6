"""Tests that groups do not differ: t test and rank tests under the survey's design."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import stats

from masar_research.engine import linearized, ranks
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.statistics.association import subject
from masar_research.statistics.pairs import pairwise
from masar_research.statistics.results import TestResult, df_rule
from masar_research.survey import Survey

_RANKS = {
    "wilcoxon": ("Design-based Wilcoxon rank test", "اختبار ويلكوكسون للرتب بحسب تصميم العينة"),
    "kruskal": ("Design-based Kruskal–Wallis test", "اختبار كروسكال وواليس بحسب تصميم العينة"),
    "vanderwaerden": (
        "Design-based van der Waerden test", "اختبار فان دير فيردن بحسب تصميم العينة",
    ),
    "median": ("Design-based median test", "اختبار الوسيط بحسب تصميم العينة"),
}  # fmt: skip


def t_test(
    survey: Survey, variable: str, by: str | None = None, null: float = 0.0, level: float = 0.95
) -> TestResult:
    """t test of the difference between two groups, or of one mean against a value.

    Parameters
    ----------
    variable : str
        Numeric or 0/1; missing answers are left out and counted.
    by : str, optional
        A variable with two categories in this population: the mean of the second minus that of
        the first, on df − 1 degrees of freedom (the residual df of R's ``svyttest``). Without it
        the mean of everybody, on df.
    null : float
        The difference, or the mean, under test.
    level : float
        Of the interval, and of the reading.

    Returns
    -------
    TestResult
        ``difference`` holds the estimate, its standard error and interval.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> survey.t_test("works", by="sex").figures()
    't(58) = -1.478'
    """
    values = survey.values(variable)
    share = set(np.unique(values[~np.isnan(values)])) in ({0.0, 1.0}, {1.0})
    estimate = survey.proportion if share else survey.mean
    if by is None:
        found = estimate(variable, level=level)
        row = found.frame.iloc[0]
        df = float(row["df"])
    else:
        codes, levels = _groups(survey, variable, by)
        if len(levels) != 2:
            raise EstimationError(
                f"Expected {by!r} to have two categories with answers; found {list(levels)}.",
                remedy="Select two with .where(...), or use .mean(...).pairwise().",
            )
        means = _only(estimate(variable, by=by, level=level), by, levels)
        found = pairwise(means, over=by, adjust="none")
        row = found.frame.iloc[0]
        df = _df(survey, variable, codes) - 1.0
    error = float(row["std_error"])
    usable = df > 0 and np.isfinite(error) and error > 0
    statistic = (float(row["estimate"]) - null) / error if usable else float("nan")
    p = float(2 * stats.t.sf(abs(statistic), df)) if usable else float("nan")
    half = float(stats.t.ppf(0.5 + level / 2, df)) * error if usable else float("nan")
    frame = found.frame.drop(columns="p_adjusted", errors="ignore").assign(
        conf_low=row["estimate"] - half, conf_high=row["estimate"] + half, df=df,
        statistic=statistic, p_value=p,
    )  # fmt: skip
    method = (
        ("Design-based t test of one mean", "اختبار ت لمتوسط واحد بحسب تصميم العينة")
        if by is None
        else ("Design-based t test of two groups", "اختبار ت لمجموعتين بحسب تصميم العينة")
    )
    names = (variable,) if by is None else (variable, by)
    n = _answers(survey, variable, by)
    note = {
        **survey.facts(), "made_by": "t_test", "names": names, "null": null,
        "missing": _population(survey) - n, "df": df, "df_rule": df_rule(survey.facts(), by is not None),
    }  # fmt: skip
    return TestResult(
        statistic=statistic, df_num=1.0, df_den=df, p_value=p, symbol="t",
        method=MappingProxyType({"en": method[0], "ar": method[1]}), subject=subject(survey, names),
        finding="difference", n=n, level=level, note=MappingProxyType(note),
        difference=replace(found, frame=frame),
    )  # fmt: skip


def rank_test(
    survey: Survey, variable: str, by: str, test: str = "wilcoxon", level: float = 0.95
) -> TestResult:
    """Rank test that the distribution of a variable is the same in all groups.

    Parameters
    ----------
    variable : str
        Ordered codes or numbers.
    by : str
        Two groups or more. Two: t on df − 1; g: F on (g − 1, df − g + 1), as R's ``svyranktest``.
    test : {"wilcoxon", "vanderwaerden", "median", "kruskal"}
        "wilcoxon" and "kruskal" use the same scores; the first is for two groups.

    Returns
    -------
    TestResult
        ``note["differences"]`` are the differences in mean rank score from the first group.

    References
    ----------
    Lumley and Scott (2013), *Biometrika* 100, 831–842.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> survey.rank_test("works", "sex", test="median").figures()
    't(58) = -1.478'
    """
    if test not in ranks.RANK_TESTS:
        raise EstimationError(
            f"test={test!r} is not a rank test.",
            remedy=f"Choose one of {', '.join(ranks.RANK_TESTS)}.",
        )
    codes, levels = _groups(survey, variable, by)
    if test == "wilcoxon" and len(levels) > 2:
        raise EstimationError(
            f"Wilcoxon's test compares two groups; {by!r} has {len(levels)}: {list(levels)}.",
            remedy='Use test="kruskal", or select two groups with .where(...).',
        )
    grouped = codes >= 0
    if survey.mask is not None:
        grouped &= survey.mask
    scores = ranks.scores(survey.values(variable), survey.design.weights, test, mask=grouped)
    found = ranks.compare(survey.design, scores, codes, len(levels), mask=survey.mask)
    n = int(found.n.sum())
    note = {
        **survey.facts(), "made_by": "rank_test", "names": (variable, by), "test": test,
        "missing": _population(survey) - n, "df": found.df_den, "df_rule": df_rule(survey.facts(), True),
        "differences": dict(zip(levels[1:], found.difference.tolist(), strict=True)),
        "std_errors": dict(zip(levels[1:], found.std_error.tolist(), strict=True)),
        "reference": levels[0],
    }  # fmt: skip
    method = _RANKS[test]
    return TestResult(
        statistic=found.statistic, df_num=found.df_num, df_den=found.df_den, p_value=found.p,
        symbol="t" if len(levels) == 2 else "F",
        method=MappingProxyType({"en": method[0], "ar": method[1]}),
        subject=subject(survey, (variable, by)), finding="difference", n=n, level=level,
        note=MappingProxyType(note),
    )  # fmt: skip


def _answered(survey: Survey, variable: str) -> np.ndarray:
    inside = ~np.isnan(survey.values(variable)) & (survey.design.weights > 0)
    return inside if survey.mask is None else inside & survey.mask


def _population(survey: Survey) -> int:
    inside = survey.design.weights > 0
    return int((inside if survey.mask is None else inside & survey.mask).sum())


def _answers(survey: Survey, variable: str, by: str | None) -> int:
    inside = _answered(survey, variable)
    if by is not None:
        inside = inside & (survey.coded(by).codes >= 0)
    return int(inside.sum())


def _groups(survey: Survey, variable: str, by: str) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Dense codes of the groups with answers, −1 elsewhere, and their levels."""
    coded = survey.coded(by)
    inside = _answered(survey, variable) & (coded.codes >= 0)
    seen = np.bincount(coded.codes[inside], minlength=len(coded.levels)) > 0
    place = np.append(np.where(seen, np.cumsum(seen) - 1, -1), -1)
    return place[coded.codes], tuple(v for v, there in zip(coded.levels, seen, strict=True) if there)


def _df(survey: Survey, variable: str, codes: np.ndarray) -> float:
    grouped = codes >= 0 if survey.mask is None else (codes >= 0) & survey.mask
    return float(linearized.mean(survey.design, survey.values(variable), mask=grouped).df[0])


def _only(means: Estimates, by: str, levels: tuple[Any, ...]) -> Estimates:
    keep = np.flatnonzero(means.frame[by].isin(levels))
    if len(keep) == len(means):
        return means
    totals = None if means.totals is None else means.totals[:, keep]
    return replace(
        means, frame=means.frame.iloc[keep].reset_index(drop=True),
        vcov=means.vcov[np.ix_(keep, keep)], totals=totals,
    )  # fmt: skip
