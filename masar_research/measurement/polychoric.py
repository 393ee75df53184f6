"""Correlations of what lies behind ordered answers: `survey.polychoric`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.engine import intervals
from masar_research.engine.functional import functional
from masar_research.engine.polychoric import polychoric as engine
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import _wrap
from masar_research.measurement.scales import oriented
from masar_research.statistics.limits import with_limits

if TYPE_CHECKING:
    from masar_research.survey import Survey

#: Answers beyond which a variable is a measurement, not a set of ordered categories.
MOST = 12


def polychoric(
    survey: Survey, items: Sequence[str], by: str | Sequence[str] | None = None, *,
    reverse: Sequence[str] = (), level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Polychoric correlations of every pair of ordered items; tetrachoric for yes/no items.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    items : sequence of str
        Two or more items of two to twelve ordered answers. A pair is estimated on those who
        answered both.
    by : str or list of str, optional
    reverse : sequence of str
        Items turned around, as in `scale`.
    level : float
        Of the interval, that of Fisher's ``z = atanh rho`` turned back.

    Returns
    -------
    Estimates
        kind ``"correlation"``, a row per domain and pair (``variable``, ``other``). An estimate
        of ±1 has no standard error: its table has an empty corner.

    Raises
    ------
    EstimationError
        Fewer than two items, doubled or constant ones, more than twelve answers.

    References
    ----------
    Olsson (1979), *Psychometrika* 44, 443–460.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [2.0, 1, 1, 2], "a": [0, 0, 1, 1], "b": [0, 1, 0, 1]})
    >>> mr.Survey(frame, weights="w").polychoric(["a", "b"]).frame["estimate"].round(4).tolist()
    [0.5]
    """
    columns = dict(zip(items, ordered(survey, items, reverse), strict=True))
    asked = survey._answer(list(items), by, level, extra={"items": list(items), "reversed": list(reverse)})
    domains = asked.columns.domains(asked.by)
    cells = asked.cells(domains)
    heads, parts = [], []
    for first, second in combinations(items, 2):
        parts.append(functional(asked.design, [columns[first], columns[second]], engine, **cells))
        heads.append(domains.keys.assign(variable=first, other=second))
    missing = max(int(part.n_missing.sum()) for part in parts)
    found = _wrap(asked, "correlation", [pd.concat(heads, ignore_index=True)], parts, missing, "wald")
    value, error, df = (found.frame[c].to_numpy(float) for c in ("estimate", "std_error", "df"))
    inside = np.abs(value) < 1
    slope = np.where(inside, 1 - value**2, np.nan)
    turned = np.arctanh(np.where(inside, value, 0.0))
    low, high = intervals.wald(turned, error / slope, np.where(df > 0, df, np.nan), level)
    return with_limits(found, np.tanh(low), np.tanh(high), interval="Wald on Fisher's z, t")


def ordered(survey: Survey, items: Sequence[str], reverse: Sequence[str]) -> list[np.ndarray]:
    """The items as `scale` turns them, refused where they have more than twelve answers."""
    columns = oriented(survey, items, reverse)
    many = [i for i, c in zip(items, columns, strict=True) if len(np.unique(c[np.isfinite(c)])) > MOST]
    if many:
        raise EstimationError(
            f"{', '.join(many)}: more than {MOST} answers; polychoric correlations are of ordered categories.",
            remedy="Use survey.correlation for measurements, or group the answers.",
            ar=f"للمتغيّرات ({'، '.join(many)}) أكثر من \u2066{MOST}\u2069 إجابة؛ ارتباط الفئات المرتبة لا يصلح لها. "
            "استخدم survey.correlation أو اجمع الإجابات في فئات.",
        )
    return columns


def matrix(columns: np.ndarray, weights: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(p, p) polychoric correlations of columns (n, p), each pair on the rows that hold both; ±1 is refused."""
    out = np.eye(columns.shape[1])
    for i, j in combinations(range(len(out)), 2):
        both = np.isfinite(columns[:, i]) & np.isfinite(columns[:, j])
        out[i, j] = out[j, i] = engine(weights[both], columns[both, i], columns[both, j])[0]
        if not abs(out[i, j]) < 1:
            raise EstimationError(
                f"The polychoric correlation of {names[i]!r} and {names[j]!r} is ±1 or unknown: their table has an empty corner.",
                remedy="Group rare answers, leave one of the two out, or use correlations='pearson'.",
                ar=f"الارتباط بين «{names[i]}» و«{names[j]}» تام أو غير معروف لخلو إحدى زوايا جدولهما؛ اجمع الإجابات النادرة أو استبعد أحدهما.",
            )
    return out
