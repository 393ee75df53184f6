"""An estimate as R code with its data, so that a partner can repeat it elsewhere."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.errors import DataError, EstimationError
from masar_research.estimates import Estimates
from masar_research.statistics import rscript_calls, rscript_design
from masar_research.statistics.results import TestResult

if TYPE_CHECKING:
    from masar_research.survey import Survey


def as_r_script(survey: Survey, result: Any, folder: str | Path) -> Path:
    """Write R code and data that repeat an estimate with R's ``survey``.

    Parameters
    ----------
    survey : Survey
        The survey `result` was estimated from.
    result : Estimates, TestResult or SurveyModel
        Means, totals, shares, ratios, counts, quantiles, variances, covariances and percent
        tables; tests of association and fit, t and rank tests; a logistic model whose formula
        holds variables, ``C(variable)``, ``+``, ``*`` and ``:`` only.
    folder : path
        Made if absent. Receives ``estimate.R``, ``data.csv`` (weights, renumbered strata and
        PSUs, and the columns used; every row of the design, for its standard error) and, for
        calibrated weights, ``calibration.csv``; for replicates ``replicates.csv`` in place of
        strata and PSUs.

    Returns
    -------
    Path
        The script. It prints one line per estimate: what, estimate, standard error (of a test:
        what, statistic, p-value).

    Raises
    ------
    DataError
        If a column used is text.
    DesignError
        For what R's survey cannot repeat: waves with common PSUs, collapsed strata, more than
        one calibration step, non-response classes; replicate weights too many to write.
    EstimationError
        If `result` belongs to another survey, or R's survey has no such statistic: the message
        says which and what to pass instead.

    Warns
    -----
    UserWarning
        Always: the folder holds data about persons.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0, 1.0], "pay": [3.0, 2.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     script = survey.as_r_script(survey.mean("pay"), "for_r")
    >>> sorted(path.name for path in script.parent.iterdir())
    ['data.csv', 'estimate.R']
    """
    fitted = None if isinstance(result, Estimates | TestResult) else result
    if fitted is not None and getattr(fitted, "family", None) != "binomial":
        raise EstimationError(
            "R code is written for estimates, tests and logistic models, not for "
            f"{getattr(fitted, 'family', type(fitted).__name__)}.",
            remedy="Pass an Estimates, a TestResult or the answer of survey.logit(...).",
        )
    facts = survey.facts()
    if any(result.note.get(name) != facts[name] for name in ("weights", "base", "checksum", "steps")):
        raise EstimationError(
            "These results were made from another survey, subpopulation or weights.",
            remedy="Call as_r_script on the very survey they were estimated from.",
        )
    columns, script = rscript_design.written(survey)
    replicated = survey.design.replicates is not None
    heading = rscript_calls.HEAD_ESTIMATES
    if isinstance(result, TestResult):
        names, lines = rscript_calls.test(result, replicated)
        heading = rscript_calls.HEAD_TESTS
    elif isinstance(result, Estimates):
        names, lines = rscript_calls.estimates(result, replicated)
    else:
        names, lines = rscript_calls.model(result, replicated)
        columns["fitted_row"] = result.matrix.used.astype(int)
    for name in names:
        columns[name] = _column(survey, name)
    columns["in_base"] = 1 if survey.mask is None else survey.mask.astype(int)
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(out / "data.csv", index=False, encoding="utf-8")
    rscript_design.write_beside(survey, out)
    path = out / "estimate.R"
    text = script + rscript_calls.SHOW + heading + "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    warnings.warn(
        f"{out / 'data.csv'} holds rows about persons; keep and share it as the survey's own file. "
        "· يحوي الملف بيانات أفراد فيُحفظ كما يُحفظ ملف المسح.",
        UserWarning,
        stacklevel=2,
    )
    return path


def _column(survey: Survey, name: str) -> np.ndarray:
    book = survey.codebook
    if (name in book and book[name].level == "text") or survey.frame[name].dtype.kind in "OUS":
        raise DataError(
            f"Variable {name!r} is text, which may tell who a person is, and is not written out.",
            remedy="Derive a coded variable from it in the survey card and use that.",
            ar=f"المتغيّر «{name}» نصّي وقد يكشف هوية الأشخاص فلا يُكتب.",
        )
    return survey.values(name)
