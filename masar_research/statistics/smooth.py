"""Ratios, odds ratios and any smooth function of rows, by the delta method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import stats

from masar_research.engine import contrasts
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates, contrast_head
from masar_research.statistics.pairs import cells, code_label, kept


def transform(
    estimates: Estimates, function: Callable[..., float], rows: Mapping[str, Any],
    over: str | None = None, null: float = 0.0,
) -> Estimates:  # fmt: skip
    """A smooth function of rows, with its standard error from the full covariance.

    ``Var f(θ) = g' V g``, g the derivatives of f by central differences (relative error 1e-10);
    t interval and test of ``f(θ) = null`` on the smallest df among the rows used.

    Parameters
    ----------
    estimates : Estimates
    function : callable
        Takes one float per name in `rows`, by keyword, and returns a float.
    rows : mapping
        Argument name → code, or label, of `over`.
    over : str, optional
        The domain column the codes belong to; needed when there are several. The function is
        then formed within each cell of the remaining columns.
    null : float
        The value under test.

    Returns
    -------
    Estimates
        kind ``"difference"``: released only where all its rows are.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> rate = survey.proportion("works", by="sex")
    >>> relative = rate.transform(lambda a, b: (a - b) / b, {"a": 2, "b": 1})
    >>> round(float(relative.frame["estimate"].iloc[0]), 4)
    -0.2
    """
    if not rows:
        raise EstimationError(
            "Expected the rows the function takes; found none.",
            remedy="Name them: rows={'a': 2, 'b': 1}.",
        )
    names = list(rows)

    def value(theta: np.ndarray) -> float:
        return float(function(**dict(zip(names, theta.tolist(), strict=True))))

    def slopes(theta: np.ndarray) -> np.ndarray:
        return contrasts.slopes(value, theta, 1)[0]

    return _formed(
        estimates, list(rows.values()), over, value, slopes, what="function of rows",
        words=("function of rows", "دالة في الصفوف"), of="function", null=null,
    )  # fmt: skip


def ratio(
    estimates: Estimates, numerator: Any, denominator: Any, over: str | None = None
) -> Estimates:
    """Ratio of two rows, ``θ_a / θ_b``.

    The standard error is that of the ratio (delta method); interval and test are formed for its
    logarithm, ``log(θ_a/θ_b) ± t · SE / ratio`` and against a ratio of 1.

    Parameters
    ----------
    numerator, denominator : code or label
        Of `over`.
    over : str, optional
        The domain column the codes belong to; needed when there are several.

    Returns
    -------
    Estimates
        kind ``"difference"``: released only where both rows are. A ratio that is not positive
        has no interval.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> ratio = survey.proportion("works", by="sex").ratio(2, 1)
    >>> round(float(ratio.frame["estimate"].iloc[0]), 4)
    0.8
    """
    def value(theta: np.ndarray) -> float:
        return theta[0] / theta[1] if theta[1] else float("nan")

    def slopes(theta: np.ndarray) -> np.ndarray:
        if not theta[1]:
            return np.full(2, np.nan)
        return np.array([1 / theta[1], -theta[0] / theta[1] ** 2])

    return _formed(
        estimates, [numerator, denominator], over, value, slopes,
        what=f"{numerator} / {denominator}", words=("{0} ÷ {1}", "{0} ÷ {1}"), of="ratio",
    )  # fmt: skip


def odds_ratio(
    estimates: Estimates, numerator: Any, denominator: Any, over: str | None = None
) -> Estimates:
    """Odds ratio of two shares, ``[p_a / (1 − p_a)] / [p_b / (1 − p_b)]``.

    Interval and test are formed for its logarithm, as in :func:`ratio`.

    Raises
    ------
    EstimationError
        If the rows are not shares.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> odds = survey.proportion("works", by="sex").odds_ratio(2, 1)
    >>> round(float(odds.frame["estimate"].iloc[0]), 4)
    0.4
    """
    if estimates.kind != "proportion":
        raise EstimationError(
            f"An odds ratio compares shares; these rows are of kind {estimates.kind!r}.",
            remedy="Use .ratio(...), or estimate shares with .proportion(...).",
        )

    def value(theta: np.ndarray) -> float:
        below = theta[1] * (1 - theta[0])
        return theta[0] * (1 - theta[1]) / below if below else float("nan")

    def slopes(theta: np.ndarray) -> np.ndarray:
        spread = theta * (1 - theta)
        if not spread.all():
            return np.full(2, np.nan)
        return value(theta) * np.array([1.0, -1.0]) / spread

    return _formed(
        estimates, [numerator, denominator], over, value, slopes,
        what=f"odds of {numerator} / odds of {denominator}",
        words=("odds of {0} ÷ odds of {1}", "أرجحية {0} ÷ أرجحية {1}"), of="odds ratio",
    )  # fmt: skip


def _formed(
    estimates: Estimates, terms: list[Any], over: str | None,
    value: Callable[[np.ndarray], float], slopes: Callable[[np.ndarray], np.ndarray],
    *, what: str, words: tuple[str, str], of: str, null: float | None = None,
) -> Estimates:  # fmt: skip
    """One value per cell; `null` None means a ratio, tested on the log scale against 1."""
    over = estimates._over(over)
    known = estimates._codes(over)
    codes = [estimates._match(over, term, known) for term in terms]
    if len(set(codes)) < len(codes):
        raise EstimationError(
            f"Expected different rows of {over!r}; found {codes}.",
            remedy="Name each code once.",
        )
    theta = estimates.frame["estimate"].to_numpy(float)
    matrix, values, labels = [], [], []
    for key, at in cells(estimates, over):
        absent = [code for code in codes if code not in at]
        if absent:
            raise EstimationError(
                f"The cell {key} has no row for {over} {absent}.",
                remedy="Estimate again with these codes in the data, or drop the cell.",
            )
        place = [at[code] for code in codes]
        row = np.zeros(len(theta))
        derivative = slopes(theta[place])
        # A derivative of exactly 0 must not take its row out of the sides that decide release.
        row[place] = np.where(derivative == 0, np.finfo(float).tiny, derivative)
        matrix.append(row)
        values.append(value(theta[place]))
        labels.append(key)
    keys = kept(estimates, over)
    head = contrast_head([what] * len(labels), labels, keys)
    by = tuple(name for name in keys if name in estimates.by)
    slope = np.vstack(matrix)
    lost = np.isnan(slope).any(axis=1)
    out = estimates._combined(np.where(np.isnan(slope), 1.0, slope), head, by=by, what=what)
    frame = out.frame
    estimate = np.array(values)
    error = np.where(lost, np.nan, frame["std_error"].to_numpy(float))
    df = frame["df"].to_numpy(float)
    quantile = stats.t.ppf(0.5 + estimates.level / 2, np.where(df > 0, df, np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        if null is None:
            positive = np.where(estimate > 0, estimate, np.nan)
            half = quantile * error / positive
            low, high = positive * np.exp(-half), positive * np.exp(half)
            statistic = np.log(positive) / (error / positive)
        else:
            low, high = estimate - quantile * error, estimate + quantile * error
            statistic = (estimate - null) / error
    frame = frame.assign(
        estimate=estimate, std_error=error, conf_low=low, conf_high=high, statistic=statistic,
        p_value=2 * stats.t.sf(np.abs(statistic), np.where(df > 0, df, np.nan)),
    )  # fmt: skip
    vcov = out.vcov.copy()
    vcov[lost, :], vcov[:, lost] = np.nan, np.nan
    note = {
        **out.note, "of": of, "null": 1.0 if null is None else null,
        "interval": "Wald on the logarithm, t" if null is None else "Wald, t",
        "contrast_labels": {
            what: {
                lang: text.format(*(code_label(estimates, over, code, lang) for code in codes))
                for lang, text in zip(("en", "ar"), words, strict=True)
            }
        },
    }  # fmt: skip
    totals = None if out.totals is None else np.where(lost, np.nan, out.totals)
    return replace(out, frame=frame, vcov=vcov, note=MappingProxyType(note), totals=totals)
