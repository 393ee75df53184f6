"""`survey.percent_table`: two variables crossed, in percent of rows, columns or everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from masar_research.columns import Domains
from masar_research.engine import linearized
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import Answer, _cases, check_interval, _wrap
from masar_research.survey import Names, Survey

Percent = Literal["row", "column", "cell"]


def percent_table(
    survey: Survey,
    row: str,
    column: str,
    percent: Percent = "row",
    by: Names | None = None,
    level: float = 0.95,
    interval: str = "logit",
) -> Estimates:
    """Shares of a table of two variables, with the covariance between all its cells.

    Parameters
    ----------
    row, column : str
        Categorical variables.
    percent : {"row", "column", "cell"}
        What adds to one: the cells of each row (shares of `column` within `row`), of each column
        (shares of `row` within `column`), or the whole table.
    by : str or list of str, optional
        One table in each domain.
    level, interval
        As in ``survey.proportion``.

    Returns
    -------
    Estimates
        kind ``"proportion"``. The variable within which shares are taken is a domain column
        (with ``"cell"``: `row`), the other one's categories stand in ``category``. The base is
        those with an answer to both; ``note["missing"]`` counts the others. ``n`` is the base
        of the row, column or table, ``count`` the interviews in the cell.

    Raises
    ------
    EstimationError
        Unknown `percent` or `interval`; the same variable twice, or again in `by`.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "sex": [1, 1, 2, 2], "works": [1, 0, 0, 0]})
    >>> table = mr.Survey(frame, weights="w").percent_table("sex", "works")
    >>> table.frame[["sex", "category", "estimate"]].values.tolist()
    [[1.0, 0.0, 0.5], [1.0, 1.0, 0.5], [2.0, 0.0, 1.0], [2.0, 1.0, 0.0]]
    """
    if percent not in ("row", "column", "cell"):
        raise EstimationError(
            f"percent={percent!r} is not a way to percentage a table.",
            remedy='Choose "row", "column" or "cell".',
        )
    check_interval(interval)
    within, of = (column, row) if percent == "column" else (row, column)
    outer = (by,) if isinstance(by, str) else tuple(by or ())
    if len({row, column, *outer}) < 2 + len(outer):
        raise EstimationError(
            f"Expected different variables; found {[row, column, *outer]}.",
            remedy="Name each variable once: in row, in column, or in by.",
        )
    facts = {"made_by": "percent_table", "percent": percent, "table": (row, column)}
    asked = survey._answer(of, outer, level, extra=facts)
    inner, outside = asked.columns.coded(of), asked.columns.domains(outer)
    crossed = asked.columns.domains((*outer, within))
    levels = len(inner.levels)
    keys = crossed.keys.loc[crossed.keys.index.repeat(levels)].reset_index(drop=True)
    head = keys.assign(variable=of, category=list(inner.levels) * crossed.count)
    if percent == "cell":
        joint = asked.columns.domains((within, of))
        domains, codes, levels = outside, joint.codes, joint.count
    else:
        domains, codes = crossed, inner.codes
    found = linearized.proportion(asked.design, codes, levels, **asked.cells(domains))
    cases = _cases(asked, domains, codes, levels)
    asked = replace(asked, by=(*outer, within))
    missing = _missing(asked, outside, within, of)
    return _wrap(asked, "proportion", [head], [found], missing, interval, cases)


def _missing(asked: Answer, outside: Domains, within: str, of: str) -> int:
    """Rows of positive weight in the domains without an answer to either variable."""
    lost = (asked.columns.coded(within).codes < 0) | (asked.columns.coded(of).codes < 0)
    lost &= asked.design.weights > 0
    if asked.mask is not None:
        lost &= asked.mask
    if outside.codes is not None:
        lost &= outside.codes >= 0
    return int(np.count_nonzero(lost))
