"""Second-phase weights calibrated to what the whole first phase knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from masar_research.codebook import Text
from masar_research.engine import calibration
from masar_research.engine.encode import combine, name
from masar_research.engine.marginals import Margin
from masar_research.engine.two_phase import PhaseTwoCalibration
from masar_research.errors import WeightingError
from masar_research.weighting.steps import Applied

if TYPE_CHECKING:
    from masar_research.survey import Survey

How = Literal["linear", "rake"]


@dataclass(frozen=True, slots=True)
class FirstPhaseTotals:
    """The step, as the survey's history holds it.

    Attributes
    ----------
    categories : tuple of tuple of str
        Variables of each margin.
    numbers : tuple of str
    method : {"linear", "rake"}
    """

    categories: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]
    method: How


def calibrate_second_phase(
    survey: Survey,
    categories: Sequence[str | Sequence[str]] | str = (),
    numbers: Sequence[str] | str = (),
    method: How = "linear",
) -> Survey:
    """Calibrate a two-phase sample to totals that the whole first phase estimates.

    The weights w of the second phase become g w with ``Σ_second g w x = Σ_first w_1 x`` for every
    auxiliary x. In the variance the second phase then counts with the residuals of the
    regression on x only, the first with the whole influence: its totals are estimates.

    Parameters
    ----------
    categories : str, or sequence of str or of tuples of str
        Categorical variables known for everybody in the first phase; a tuple is crossed. One entry
        alone is post-stratification.
    numbers : str or sequence of str
        Numeric variables known for everybody in the first phase ("linear" only). Without any
        category the size of the population is calibrated as well.
    method : {"linear", "rake"}
        Generalised regression, or iterative proportional fitting.

    Returns
    -------
    Survey
        Under the calibrated weights.

    Raises
    ------
    WeightingError
        Not a two-phase sample under its own weights, or a subpopulation; no auxiliary; values
        missing in the first phase; a category without a row in the second; what `linear` and
        `rake` refuse.

    References
    ----------
    Särndal, Swensson and Wretman (1992), sections 9.6–9.7; Breslow et al. (2009), *American Journal
    of Epidemiology* 169, 1398–1405; R's ``calibrate(phase = 2)``, which is the same where the
    weights of the first phase are equal.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "sex": [1, 1, 1, 2, 2, 2], "exam": [1, 0, 0, 1, 1, 0],
    ...                       "y": [2.0, None, None, 4.0, 6.0, None]})
    >>> survey = mr.Survey(frame, weights="w", second_phase=mr.phases.Stratified("exam"))
    >>> survey.calibrate_second_phase("sex").design.weights.tolist()
    [3.0, 0.0, 0.0, 1.5, 1.5, 0.0]
    """
    phases = survey.design.phases
    if phases is None or survey.mask is not None or survey.design.calibration is not None:
        what = (
            "is not a two-phase sample" if phases is None
            else "is a subpopulation" if survey.mask is not None
            else "has calibrated weights already"
        )  # fmt: skip
        raise WeightingError(
            f"Weights of a second phase are calibrated once, on the whole sample; this survey {what}.",
            remedy="Start from mr.Survey(..., second_phase=...), and use .where() afterwards.",
            ar="تُعاير أوزان المرحلة الثانية مرة واحدة على العينة كاملة المعلنة بـ second_phase.",
        )
    if method not in ("linear", "rake"):
        raise WeightingError(
            f"method={method!r} is not a way to calibrate.", remedy='Choose "linear" or "rake".'
        )
    crossings = tuple(
        (entry,) if isinstance(entry, str) else tuple(entry)
        for entry in ((categories,) if isinstance(categories, str) else categories)
    )
    numeric = (numbers,) if isinstance(numbers, str) else tuple(numbers)
    if not crossings and not numeric:
        raise WeightingError("No auxiliary was named.",
                             remedy='Name them: survey.calibrate_second_phase(categories=["sex"]).')
    if numeric and method == "rake":
        raise WeightingError("Raking takes categories only; numbers= was given as well.",
                             remedy='Use method="linear", or group the numbers.')
    first, before = phases.alone.weights, survey.design.weights
    margins = [_margin(survey, names, first) for names in crossings]
    if method == "rake":
        done = calibration.rake(before, margins)
    elif numeric:
        matrix, totals = _numbers(survey, numeric, first, constant=not crossings)
        done = calibration.linear(before, margins=margins, matrix=matrix, totals=totals)
    else:
        done = calibration.linear(before, margins=margins)
    step = FirstPhaseTotals(crossings, numeric, method)
    said = ", ".join([" × ".join(names) for names in crossings] + list(numeric))
    text = Text(
        en=f"Calibration of the second phase to the first ({method}): {said}.",
        ar=f"معايرة المرحلة الثانية على الأولى: \u2066{said}\u2069.",
    )
    positive = before > 0
    facts = {"iterations": done.iterations, "max_gap": done.max_gap,
             "smallest_factor": float(done.g[positive].min()),
             "largest_factor": float(done.g[positive].max())}  # fmt: skip
    log = Applied(step, text, facts, before, done.weights)
    return survey.with_weights(
        done.weights, PhaseTwoCalibration(done.calibration), log,
        name=f"{survey.weights_name}, calibrated to the first phase",
    )  # fmt: skip


def _margin(survey: Survey, names: tuple[str, ...], first: np.ndarray) -> Margin:
    """The crossing of some variables, with its totals in the first phase."""
    known = first > 0
    coded = [survey.coded(each) for each in names]
    for each, one in zip(names, coded, strict=True):
        _complete(each, one.codes[known] < 0)
    found, places = combine(*(one.codes[known] for one in coded))
    codes = np.full(len(first), -1)
    codes[known] = found
    labels = tuple(
        " × ".join(name(one.levels[place]) for one, place in zip(coded, cell, strict=True))
        for cell in zip(*(place.tolist() for place in places), strict=True)
    )
    return Margin(codes, np.bincount(found, first[known]), " × ".join(names), labels)


def _numbers(
    survey: Survey, names: tuple[str, ...], first: np.ndarray, *, constant: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(n, p) numeric auxiliaries and their totals in the first phase."""
    known = first > 0
    columns = [np.ones(len(first))] if constant else []
    for each in names:
        values = survey.values(each)
        _complete(each, np.isnan(values[known]))
        columns.append(np.where(known, values, 0.0))
    matrix = np.stack(columns, axis=1)
    return matrix, np.einsum("i,ij->j", first, matrix)


def _complete(variable: str, missing: np.ndarray) -> None:
    if missing.any():
        raise WeightingError(
            f"{variable} is missing for {int(missing.sum())} rows of the first phase.",
            remedy="Calibrate to what is known for everybody, or code a category for the missing.",
            ar=f"المتغيّر «{variable}» مفقود لبعض سجلات المرحلة الأولى؛ عاير على ما هو معروف للجميع.",
        )
