"""Poverty below a line, multidimensional poverty, the pay gap."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import linearized
from masar_research.engine import poverty as measures
from masar_research.engine.functional import functional
from masar_research.engine.influences import Linearized, transform
from masar_research.errors import EstimationError
from masar_research.estimating import Answer, _cases, _wrap

if TYPE_CHECKING:
    from masar_research.estimates import Estimates
    from masar_research.survey import Survey

Names = str | Sequence[str]
_RELATIVE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*\*\s*(median|mean)\s*")



def fgt(
    survey: Survey, variable: str, line: float | str, alpha: int = 0, by: Names | None = None,
    level: float = 0.95, line_by: str | None = None,
) -> Estimates:  # fmt: skip
    """Foster–Greer–Thorbecke poverty: rate (α = 0), gap (1) and severity (2).

    ``FGT_α = Σ w ((z − y)/z)^α 1[y < z] / Σ w``. Poor is strictly below the line.

    Parameters
    ----------
    survey : Survey
    variable : str
        Income or spending per person (per equivalent adult).
    line : float or str
        An amount; ``"0.6*median"`` or ``"0.5*mean"``, estimated from everybody in the survey
        whatever the subpopulation, its sampling error carried along; or the name of a variable
        that holds each row's line.
    alpha : {0, 1, 2}
    by : str or list of str, optional
    level : float
    line_by : str, optional
        With a relative line: its own line in each category of this variable (``"wave"``).

    Returns
    -------
    Estimates
        kind ``"proportion"`` with logit intervals for α = 0, else ``"index"`` with t intervals.
        ``note["line"]`` says what the line was, with its value.

    Raises
    ------
    EstimationError
        A line that is not positive or not understood, or another alpha.

    References
    ----------
    Foster, Greer and Thorbecke (1984), *Econometrica* 52, 761–766; Osier (2009), *Survey
    Research Methods* 3, 167–195.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 4, "income": [1.0, 2.0, 3.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.fgt("income", line=2.5).frame["estimate"].tolist()
    [0.5]
    """
    if isinstance(alpha, bool) or alpha not in (0, 1, 2):
        raise EstimationError(f"alpha={alpha!r} is not a poverty measure here.",
                              remedy="Use 0 (rate), 1 (gap) or 2 (severity).")  # fmt: skip
    relative = _RELATIVE.fullmatch(line) if isinstance(line, str) else None
    if line_by is not None and relative is None:
        raise EstimationError("line_by= belongs to a relative line.",
                              remedy='Use it with line="0.6*median", or leave it out.')  # fmt: skip
    names = {0: "poverty rate", 1: "poverty gap", 2: "poverty severity"}
    asked = survey._answer(variable, by, level)
    domains = asked.columns.domains(asked.by)
    y, cells = asked.columns.values(variable), asked.cells(domains)
    if relative:
        made, place, shown = _estimated_line(asked, y, float(relative[1]), relative[2], line_by)
        result = measures.fgt_relative(asked.design, y, alpha, made, place, **cells)
        lines = measures.line_of_rows(made, place, len(y))
    else:
        lines, shown = _given_line(survey, line)
        result = linearized.mean(asked.design, measures.shortfall(y, lines, alpha), **cells)
    asked = replace(asked, note=asked.note | {
        "statistic": f"{names[alpha]} (FGT {alpha}), strictly below the line", "line": shown,
        "made_by": "fgt",
    })  # fmt: skip
    head = domains.keys.assign(variable=variable)
    missing = int(result.n_missing.sum())
    if alpha > 0:
        return _wrap(asked, "index", [head], [result], missing, "wald")
    poor = measures.shortfall(y, lines, 0) == 1
    cases = _cases(asked, domains, np.where(poor, 0, -1), 1)
    return _wrap(asked, "proportion", [head.assign(category="poor")], [result], missing, "logit", cases)


def _estimated_line(
    asked: Answer, y: np.ndarray, factor: float, centre: str, line_by: str | None
) -> tuple[Linearized, np.ndarray | None, dict[str, Any]]:
    """The relative line of each cell, the cell of each row, and what the note says."""
    places = asked.columns.domains((line_by,) if line_by else ())
    cells = {"domain": places.codes, "n_domains": places.count}
    if centre == "mean":
        middle = linearized.mean(asked.design, y, **cells)
    else:
        middle = functional(asked.design, [y], partial(measures.quantile, p=0.5), **cells)
    line = transform(
        middle, factor * middle.estimate, factor * np.eye(places.count)
    )
    lines = line.estimate
    if (lines <= 0).any() or not factor > 0:
        raise EstimationError(
            f"The relative line {factor:g}*{centre} is {np.nanmin(lines):g}, not a positive amount.",
            remedy="Check the amounts for negative and zero values, or give an absolute line.",
        )
    values = {"": float(lines[0])} if line_by is None else {
        str(key): float(value) for key, value in zip(places.keys[line_by], lines, strict=True)
    }  # fmt: skip
    base = "everybody in the survey" if line_by is None else f"everybody in each {line_by}"
    return line, places.codes, {"rule": f"{factor:g}*{centre} of {base}", "value": values}


def _given_line(survey: Survey, line: float | str) -> tuple[Any, dict[str, Any]]:
    if isinstance(line, str):
        if line not in survey.frame.columns:
            raise EstimationError(
                f"line={line!r} is neither an amount, nor \"0.6*median\", nor a variable.",
                remedy='Give a number, "factor*median", "factor*mean", or a column of lines.',
            )
        lines = survey.values(line)
        if (lines <= 0).any():
            raise EstimationError(f"Some lines in {line!r} are not positive.",
                                  remedy="Give every row a positive line.")  # fmt: skip
        return lines, {"rule": f"variable {line}", "value": {}}
    if not (np.isfinite(line) and line > 0):
        raise EstimationError(f"line={line!r} is not a positive amount.",
                              remedy="Give the line in the units of the variable.")  # fmt: skip
    return float(line), {"rule": "absolute", "value": {"": float(line)}}


def alkire_foster(
    survey: Survey, indicators: Sequence[str], weights: Mapping[str, float] | None = None,
    cutoff: float = 1 / 3, by: Names | None = None, level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Multidimensional poverty: headcount H, intensity A, adjusted headcount M0 = H · A.

    Parameters
    ----------
    survey : Survey
    indicators : sequence of str
        Variables coded 1 deprived, 0 not. A row with any of them missing is zero-weighted and
        counted.
    weights : mapping, optional
        Weight of each indicator; scaled to sum to 1. Equal by default.
    cutoff : float
        Poor is a weighted deprivation score of at least this; in (0, 1].
    by, level
        As everywhere.

    Returns
    -------
    Estimates
        kind ``"index"``; ``variable`` is ``"H"``, ``"A"`` or ``"M0"``, with their covariance.

    Raises
    ------
    EstimationError
        Indicators that are not 0/1, weights for other indicators or not positive, a cutoff
        outside (0, 1].

    References
    ----------
    Alkire and Foster (2011), *Journal of Public Economics* 95, 476–487.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
    ...                       "works": [1, 0, 1, 1], "poor": [0, 1, 0, 1]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.alkire_foster(["works", "poor"]).frame[["variable", "estimate"]].round(3).values.tolist()
    [['H', 1.0], ['A', 0.667], ['M0', 0.667]]
    """
    names = tuple(indicators)
    omega = _indicator_weights(names, weights)
    if not 0 < cutoff <= 1:
        raise EstimationError(f"cutoff={cutoff!r} is not a share of deprivations.",
                              remedy="Give a fraction above 0 and up to 1.")  # fmt: skip
    columns = [survey.values(name) for name in names]
    for name, values in zip(names, columns, strict=True):
        odd = np.setdiff1d(values[~np.isnan(values)], (0.0, 1.0))
        if len(odd):
            raise EstimationError(
                f"Indicator {name!r} holds {odd[0]:g}; expected 1 (deprived) and 0 only.",
                remedy="Derive a 0/1 indicator in the survey card, or declare the code missing.",
            )
    note = {
        "statistic": f"Alkire–Foster, cutoff {cutoff:g}; a score at the cutoff is poor",
        "indicator_weights": dict(zip(names, omega.tolist(), strict=True)),
    }
    asked = survey._answer(names, by, level, extra=note)
    domains = asked.columns.domains(asked.by)
    result = measures.alkire_foster(
        asked.design, np.stack(columns, axis=1), omega, cutoff, **asked.cells(domains)
    )
    heads = [domains.keys.assign(variable=name) for name in ("H", "A", "M0")]
    missing = int(result.n_missing[: domains.count].sum())
    return _wrap(asked, "index", [pd.concat(heads, ignore_index=True)], [result], missing, "wald")


def _indicator_weights(names: tuple[str, ...], weights: Mapping[str, float] | None) -> np.ndarray:
    given = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    if not names or len(set(names)) < len(names) or set(given) != set(names):
        raise EstimationError(
            f"Expected one weight for each of {list(names)}; found {list(given)}.",
            remedy="Name every indicator once, and weight exactly those.",
        )
    omega = np.array([given[name] for name in names], dtype=float)
    if not (np.isfinite(omega).all() and (omega > 0).all()):
        raise EstimationError(f"Indicator weights must be positive; found {omega.tolist()}.",
                              remedy="Leave out an indicator that should not count.")  # fmt: skip
    return omega / omega.sum()


def pay_gap(
    survey: Survey, variable: str, by: str = "sex", reference: Any = 1,
    within: Names | None = None, level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Unadjusted pay gap between two groups, of means and of medians (SDG 8.5.1).

    ``(x_reference − x_other) / x_reference``: 0.12 says that the others earn 12 % less.

    Parameters
    ----------
    survey : Survey
    variable : str
        Pay, best per hour; missing for people without pay.
    by : str
        The variable whose two categories are compared.
    reference : code
        The category compared with; 1 (men) in the harmonised coding of sex.
    within : str or list of str, optional
        Domains in which the gap is formed.
    level : float

    Returns
    -------
    Estimates
        kind ``"index"``, as fractions; column ``measure``: ``"mean"`` or ``"median"``. n, df
        and reliability are those of the smaller side. ``note["warning"]`` says in both
        languages that only those in paid work are compared.

    References
    ----------
    ILO, *Global Wage Report 2018/19*, part II; SDG indicator 8.5.1 metadata; medians: Deville
    (1999).

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
    ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.pay_gap("pay").frame["estimate"].round(3).tolist()
    [0.333, 0.333]
    """
    within_names = (within,) if isinstance(within, str) else tuple(within or ())
    coded = survey.coded(by)
    if len(coded.levels) != 2 or reference not in coded.levels:
        raise EstimationError(
            f"A pay gap compares two categories; {by!r} has {list(coded.levels)}, reference "
            f"{reference!r}.",
            remedy="Restrict with where(...) a recoded variable of two categories, and name one "
            "of them as reference.",
        )
    note = {
        "statistic": f"unadjusted gap by {by}: (x of {reference} − x of the other) / x of {reference}",
        "warning": {
            "en": "Only people with pay are compared. Where few women work for pay, those who do "
            "are not like those who do not, and the gap understates or overstates what women "
            "would face; it is not adjusted for education, occupation or hours.",
            "ar": "المقارنة بين العاملين بأجر فقط. حيث تقل نسبة النساء العاملات بأجر فهنّ يختلفن عن "
            "غير العاملات، فلا تقيس الفجوة ما كانت سائر النساء سيواجهنه؛ ولم تُعدَّل بحسب التعليم أو "
            "المهنة أو ساعات العمل.",
        },
    }  # fmt: skip
    asked = replace(survey._answer(variable, (*within_names, by), level, extra=note), by=within_names)
    pairs = asked.columns.domains((*within_names, by))
    y, cells = asked.columns.values(variable), asked.cells(pairs)
    sides = {
        "mean": linearized.mean(asked.design, y, **cells),
        "median": functional(asked.design, [y], partial(measures.quantile, p=0.5), **cells),
    }
    place = coded.levels.index(reference)
    parts = [measures.relative_gap(side, place) for side in sides.values()]
    keys = asked.columns.domains(within_names).keys
    heads = [keys.assign(variable=variable, measure=name) for name in sides]
    return _wrap(asked, "index", heads, parts, int(parts[0].n_missing.sum()), "wald")
