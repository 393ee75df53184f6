"""Tests on tables of shares: association of two variables, fit to given shares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from masar_research.engine import raoscott
from masar_research.errors import EstimationError
from masar_research.statistics.results import TestResult, df_rule
from masar_research.survey import Survey

_METHODS = {
    "F": (
        "Pearson's X² with the second-order Rao–Scott correction",
        "اختبار بيرسون بتصحيح راو وسكوت من الدرجة الثانية",
    ),
    "chisq": (
        "Pearson's X² with the first-order Rao–Scott correction",
        "اختبار بيرسون بتصحيح راو وسكوت من الدرجة الأولى",
    ),
    "wald": ("Wald test of association", "اختبار والد للعلاقة"),
    "adjusted_wald": ("Adjusted Wald test of association", "اختبار والد المعدَّل للعلاقة"),
    "lincom": (
        "Pearson's X² against its exact design-based distribution",
        "اختبار بيرسون وفق توزيعه الدقيق بحسب تصميم العينة",
    ),
    "saddlepoint": (
        "Pearson's X², saddlepoint approximation",
        "اختبار بيرسون بتقريب نقطة السرج",
    ),
    "working": (
        "Working Wald test of the log-linear interaction",
        "اختبار والد العامل للتفاعل اللوغاريتمي الخطي",
    ),
}
_FIT = {
    "chisq": (
        "Design-based test of given shares (Satterthwaite χ²)",
        "اختبار مطابقة النسب المعطاة بحسب تصميم العينة (مربع كاي)",
    ),
    "F": (
        "Design-based test of given shares (second-order Rao–Scott F)",
        "اختبار مطابقة النسب المعطاة بحسب تصميم العينة (توزيع F)",
    ),
}
_SYMBOLS = {"F": "F", "chisq": "χ²", "wald": "F", "adjusted_wald": "F"}


def chi_square(
    survey: Survey, row: str, column: str, statistic: str = "F", level: float = 0.95
) -> TestResult:
    """Test that two categorical variables are unrelated, under the survey's design.

    Parameters
    ----------
    survey : Survey
        A subpopulation (`where`) keeps its domain variance; calibrated weights theirs.
    row, column : str
        Variables; answers that are missing on either are left out and counted.
    statistic : {"F", "chisq", "wald", "adjusted_wald", "lincom", "saddlepoint", "working"}
        Second- and first-order Rao–Scott; Wald and its small-sample adjustment; Pearson's X²
        against its exact distribution or its saddlepoint approximation; the working Wald test
        of the log-linear interaction. The options of R's ``svychisq``, and "working".
    level : float
        The reading speaks of a relation when ``p < 1 − level``.

    Returns
    -------
    TestResult
        ``note["pearson"]`` is X² at the number of interviews, ``note["deff"]`` the eigenvalues λ,
        ``note["smallest_cell"]`` the fewest interviews in a cell.

    Raises
    ------
    EstimationError
        Unknown statistic; a variable that does not vary; a test the degrees of freedom do not
        carry.

    References
    ----------
    Rao and Scott (1984), *Annals of Statistics* 12, 46–60. See `docs/methods/tests_of_association.md`.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> survey.chi_square("sex", "works").figures()
    'F(1, 59) = 2.540'
    """
    if statistic not in raoscott.STATISTICS:
        raise EstimationError(
            f"statistic={statistic!r} is not a test of association.",
            remedy=f"Choose one of {', '.join(raoscott.STATISTICS)}.",
        )
    if row == column:
        raise EstimationError(
            f"Both variables are {row!r}.", remedy="Name two different variables."
        )
    codes, levels = zip(*(_present(survey, name, (row, column)) for name in (row, column)), strict=True)
    of = raoscott.table(
        survey.design, codes[0], len(levels[0]), codes[1], len(levels[1]), mask=survey.mask
    )
    tested = raoscott.association(of, statistic)
    return _result(
        survey, of, tested, _SYMBOLS.get(statistic, "X²"), _METHODS[statistic],
        (row, column), "relation", level, {"statistic": statistic},
    )  # fmt: skip


def goodness_of_fit(
    survey: Survey, variable: str, shares: Mapping[Any, float], statistic: str = "chisq",
    level: float = 0.95,
) -> TestResult:  # fmt: skip
    """Test that the shares of a variable equal given ones, under the survey's design.

    Parameters
    ----------
    variable : str
    shares : mapping
        A share for every category with answers, by code; divided by their sum.
    statistic : {"chisq", "F"}
        R's ``svygofchisq`` (χ² with Satterthwaite's scale and degrees of freedom), or its F form
        that also allows for few PSUs.

    Raises
    ------
    EstimationError
        A category without a share, a share without a category, or a share that is not positive.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> survey.goodness_of_fit("sex", shares={1: 0.6, 2: 0.4}).figures()
    'χ²(1) = 1.061'
    """
    if statistic not in _FIT:
        raise EstimationError(
            f"statistic={statistic!r} is not a test of fit.", remedy="Choose chisq or F."
        )
    codes, levels = _present(survey, variable, (variable,))
    if set(shares) != set(levels):
        raise EstimationError(
            f"Expected one share for each category of {variable!r} with answers, {list(levels)}; "
            f"found shares for {list(shares)}.",
            remedy="Give shares={code: share, ...} for exactly these codes.",
        )
    expected = np.array([float(shares[code]) for code in levels])
    if not (np.isfinite(expected).all() and (expected > 0).all()) or len(levels) < 2:
        raise EstimationError(
            f"Expected positive shares of two categories or more; found {dict(shares)}.",
            remedy="Leave out with .where() a category that cannot occur.",
        )
    of = raoscott.table(
        survey.design, np.where(codes >= 0, 0, -1), 1, codes, len(levels), mask=survey.mask
    )
    tested = raoscott.fit(of, expected, statistic)
    facts = {"statistic": statistic, "shares": dict(zip(levels, expected / expected.sum(), strict=True))}
    return _result(
        survey, of, tested, _SYMBOLS[statistic], _FIT[statistic], (variable,), "fit", level, facts
    )


def _present(survey: Survey, name: str, together: tuple[str, ...]) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Codes of the categories that occur among rows that answer all of `together`."""
    coded = survey.coded(name)
    inside = survey.design.weights > 0
    if survey.mask is not None:
        inside = inside & survey.mask
    for other in together:
        inside = inside & (survey.coded(other).codes >= 0)
    seen = np.bincount(coded.codes[inside], minlength=len(coded.levels)) > 0
    place = np.where(seen, np.cumsum(seen) - 1, -1)
    levels = tuple(level for level, there in zip(coded.levels, seen, strict=True) if there)
    return np.append(place, -1)[coded.codes], levels


def _result(
    survey: Survey, of: raoscott.Table, tested: raoscott.Tested, symbol: Any,
    method: tuple[str, str], names: tuple[str, ...], finding: Any, level: float,
    facts: Mapping[str, Any],
) -> TestResult:  # fmt: skip
    population = survey.design.weights > 0
    if survey.mask is not None:
        population = population & survey.mask
    verb = "chi_square" if finding == "relation" else "goodness_of_fit"
    note = {
        **survey.facts(), "made_by": verb, "names": names, **facts, "missing": int(population.sum()) - of.n, "df": of.df,
        "df_rule": df_rule(survey.facts(), False),
        "smallest_cell": int(of.cases.min()), "pearson": tested.pearson,
        "deff": tuple(float(root) for root in tested.eigenvalues),
    }  # fmt: skip
    return TestResult(
        statistic=tested.statistic, df_num=tested.df_num, df_den=tested.df_den,
        p_value=tested.p, symbol=symbol, method=MappingProxyType({"en": method[0], "ar": method[1]}),
        subject=subject(survey, names), finding=finding, n=of.n, level=level,
        note=MappingProxyType(note),
    )  # fmt: skip


def subject(survey: Survey, names: tuple[str, ...]) -> Mapping[str, str]:
    """Labels of the variables in both languages; the name where there is no label."""
    book = survey.codebook
    return MappingProxyType({
        lang: " × ".join(book[n].label.get(lang) or n if n in book else n for n in names)
        for lang in ("en", "ar")
    })  # fmt: skip
