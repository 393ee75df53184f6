"""`survey.first_phase` and `survey.phase_variances`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from masar_research.engine.two_phase import Phases
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.survey import Survey


def first_phase(survey: Survey) -> Survey:
    """The whole first phase of a two-phase sample, under its own weights and design.

    Returns
    -------
    Survey
        Same data and subpopulation. Variables that only the second phase knows are missing for
        everybody else.

    Raises
    ------
    EstimationError
        On a survey without a second phase.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 2.0, "age": [20, 30, 40, 50], "exam": [1, 1, 0, 0]})
    >>> survey = mr.Survey(frame, weights="w", second_phase=mr.phases.Stratified("exam"))
    >>> float(survey.mean("age").frame["estimate"].iloc[0])
    25.0
    >>> float(survey.first_phase().mean("age").frame["estimate"].iloc[0])
    35.0
    """
    alone = survey.with_design(_phases(survey).alone)
    alone.weights_name = str(survey.roles["weights"])
    alone.history = ()
    return alone


def phase_variances(survey: Survey, estimates: Estimates) -> pd.DataFrame:
    """How much of each variance is due to either phase of a two-phase sample.

    Parameters
    ----------
    estimates : Estimates
        Made from this survey.

    Returns
    -------
    pandas.DataFrame
        The estimates' own columns up to ``estimate``, then ``first`` and ``second`` (variances, whose
        sum is std_error²) and ``share_second``. The unbiased estimate of the first phase's part
        can be negative in small samples.

    Raises
    ------
    EstimationError
        On a survey without a second phase, or estimates that were not made from it.

    References
    ----------
    Särndal, Swensson and Wretman (1992), section 9.3; R's ``attr(vcov, "phases")``.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 2.0, "age": [20, 30, 40, 50], "exam": [1, 1, 0, 0]})
    >>> survey = mr.Survey(frame, weights="w", second_phase=mr.phases.Stratified("exam"))
    >>> parts, age = survey.phase_variances(survey.mean("age")), survey.mean("age").frame
    >>> bool(abs(parts["first"][0] + parts["second"][0] - age["std_error"][0] ** 2) < 1e-9)
    True
    """
    phases, totals = _phases(survey), estimates.totals
    if totals is None or estimates.note.get("weights") != survey.weights_name:
        raise EstimationError(
            "These estimates were not made from this two-phase survey, or were derived from others.",
            remedy="Pass what survey.mean, .total, .ratio and their like gave.",
            ar="هذه التقديرات ليست من هذا المسح ذي المرحلتين؛ مرّر ناتج survey.mean أو ما يشبهه.",
        )
    first, second = (np.diag(part) for part in phases.parts(totals, survey.design.unit_weights))
    frame = estimates.frame
    head = frame.iloc[:, : list(frame.columns).index("estimate") + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = second / (first + second)
    return head.assign(first=first, second=second, share_second=share)


def _phases(survey: Survey) -> Phases:
    if survey.design.phases is None:
        raise EstimationError(
            "This survey has no second phase.",
            remedy="Declare it: mr.Survey(..., second_phase=mr.phases.Stratified(...)).",
            ar="لا مرحلة ثانية لهذا المسح؛ أعلنها بالمعامل second_phase.",
        )
    return survey.design.phases
