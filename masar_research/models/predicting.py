"""Predictions of a model: for given persons, and ratios of average predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research.engine import intervals
from masar_research.engine.distributions import t_tail
from masar_research.engine.glm import response, response_slope
from masar_research.errors import ModelError
from masar_research.estimates import Estimates, assemble
from masar_research.models.formula import level_place
from masar_research.models.matrix import offset_values

if TYPE_CHECKING:
    from masar_research.models.model import SurveyModel

Measure = Literal["risk_ratio", "odds_ratio", "risk_difference"]


def predict(model: SurveyModel, data: pd.DataFrame, scale: str = "response") -> pd.DataFrame:
    """Predictions for given persons, with intervals formed on the scale of the link.

    Parameters
    ----------
    model : SurveyModel
    data : pandas.DataFrame, m rows
        One column per predictor; categorical ones hold codes or labels.
    scale : {"response", "link"}
        The mean of the outcome, or the linear predictor.

    Returns
    -------
    pandas.DataFrame
        `data` and ``estimate, std_error, conf_low, conf_high``; the standard error of the mean by the
        delta method. They tell of the mean for such persons, not of where a single one will lie.

    Raises
    ------
    ModelError
        A predictor that is missing from `data`, or a level the model was not fitted on.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 20, "psu": list(range(10)) * 2, "pay": [2.0, 6.0] * 10,
    ...                       "region": ["north", "south"] * 10})
    >>> model = mr.Survey(frame, weights="w", psu="psu").gamma("pay ~ region")
    >>> model.predict(pd.DataFrame({"region": ["south", "north"]}))["estimate"].round(9).tolist()
    [6.0, 2.0]
    """
    if scale not in ("response", "link"):
        raise ModelError(f"scale={scale!r} is not known.", remedy="Use 'response' or 'link'.")
    known = model.matrix.data
    lacking = [name for name in known.columns if name not in data.columns]
    if lacking:
        raise ModelError(
            f"The data lack {', '.join(lacking)}, which {model.formula!r} needs.",
            remedy="Give one column for each predictor.",
            ar=f"تنقص البيانات متغيرات يحتاجها النموذج: \u2066{', '.join(lacking)}\u2069.",
        )
    coded = pd.DataFrame({name: _coded(model, name, data[name]) for name in known.columns},
                         index=pd.RangeIndex(len(data)))
    X = model.matrix.rows_of(coded)
    eta = X @ model.fit.coef
    offset = offset_values(model.matrix.offsets, coded, np.ones(len(data), bool))
    if offset is not None:
        eta = eta + offset
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", X, model.vcov, X), 0.0))
    freedom = np.full(len(data), float(model.df) if model.df > 0 else np.nan)
    low, high = intervals.wald(eta, error, freedom, model.level)
    if scale == "response":
        mu = response(eta, model.fit.family)
        error = error * np.abs(response_slope(eta, mu, model.fit.family))
        ends = np.stack([response(low, model.fit.family), response(high, model.fit.family)])
        eta, low, high = mu, ends.min(axis=0), ends.max(axis=0)
    return data.assign(estimate=eta, std_error=error, conf_low=low, conf_high=high)


def _coded(model: SurveyModel, name: str, column: pd.Series) -> Any:
    known = model.matrix.data[name]
    if not isinstance(known.dtype, pd.CategoricalDtype):
        values = column.to_numpy(dtype=float)
        if not np.isfinite(values).all():
            raise ModelError(f"{name} is missing or infinite on {int((~np.isfinite(values)).sum())} rows.",
                             remedy="Give a number for every row.",
                             ar=f"في المتغيّر {name} قيم مفقودة أو لا نهائية؛ أعطِ رقماً لكل سجل.")
        return values
    levels = tuple(known.cat.categories)
    places = {value: level_place(model.survey, name, value, levels) for value in column.unique()}
    return pd.Categorical.from_codes([places[value] for value in column], dtype=known.dtype)


def ratios(
    model: SurveyModel, variable: str, measure: Measure = "risk_ratio",
    over: str | Sequence[str] | None = None, reference: Any = None,
) -> Estimates:  # fmt: skip
    """Adjusted risk ratios, odds ratios or risk differences from average predictions.

    With P_l the average prediction over the fitted rows, survey-weighted, had everybody level l:
    ``P_l / P_ref``, ``[P_l / (1 − P_l)] / [P_ref / (1 − P_ref)]`` or ``P_l − P_ref``. Intervals of
    ratios are formed for their logarithm; standard errors hold the sampling of the coefficients and
    of the people averaged over.

    Parameters
    ----------
    model : SurveyModel
    variable : str
        A categorical predictor.
    measure : {"risk_ratio", "odds_ratio", "risk_difference"}
        A risk ratio is a ratio of means for outcomes that are no probabilities.
    over : str or list of str, optional
        Domains within which to average.
    reference : code or label, optional
        The model's own by default.

    Returns
    -------
    Estimates
        kind ``"ratio"``, ``"odds_ratio"`` or ``"ame"``.

    Raises
    ------
    ModelError
        A numeric predictor, an unknown measure, odds of an outcome that is not 0/1.

    References
    ----------
    Bieler, Brown, Williams and Brogan (2010), Am. J. Epidemiology 171, 618–623.

    Examples
    --------
    >>> model.ratios("sex", "risk_ratio", over="region")            # doctest: +SKIP
    """
    if measure == "risk_difference":
        return model.margins(variable, over=over, reference=reference)
    if measure not in ("risk_ratio", "odds_ratio"):
        raise ModelError(f"measure={measure!r} is not known.",
                         remedy="Use 'risk_ratio', 'odds_ratio' or 'risk_difference'.")
    binary = model.family.split(" ")[0] in ("binomial", "probit", "cloglog")
    if measure == "odds_ratio" and not binary:
        raise ModelError(f"Odds are of 0/1 outcomes; the model is {model.family}.",
                         remedy="Ask for measure='risk_ratio', a ratio of average predictions.",
                         ar="نسبة الأرجحية للمتغيرات الثنائية وحدها؛ اطلب measure='risk_ratio'.")
    levels = model.levels_of(variable)
    if levels is None:
        raise ModelError(f"{variable} is numeric: a ratio of which values?",
                         remedy=f"Write model.predictions([{variable!r}], at=[20, 40]).ratio(40, 20).",
                         ar=f"المتغيّر {variable} رقمي؛ حدّد القيم بالأمر \u2066predictions([…], at=[…]).ratio\u2069.")
    base = 0 if reference is None else level_place(model.survey, variable, reference, levels)
    averages = model.predictions(variable, at=levels, over=over)
    p = averages.frame["estimate"].to_numpy()
    k = len(levels)
    others = [j for j in range(k) if j != base]
    outside = (p <= 0) | ((p >= 1) & binary)
    if outside.any():
        raise ModelError(f"{int(outside.sum())} average predictions are not positive: no ratio exists.",
                         remedy="Use measure='risk_difference'.",
                         ar="بعض المتوسطات المتوقعة ليست موجبة فلا نسبة بينها؛ استعمل measure='risk_difference'.")
    logged, slope = (np.log(p), 1 / p) if measure == "risk_ratio" else (np.log(p / (1 - p)), 1 / (p * (1 - p)))
    rows = []
    turn = np.zeros((p.size // k * len(others), p.size))
    for d in range(p.size // k):
        for place, j in enumerate(others):
            row = d * len(others) + place
            turn[row, d * k + j], turn[row, d * k + base] = slope[d * k + j], -slope[d * k + base]
            rows.append(d * k + j)
    logs = np.array([logged[r] - logged[r // k * k + base] for r in rows])
    spread = turn @ averages.vcov @ turn.T
    error = np.sqrt(np.maximum(np.diag(spread), 0.0))
    df = averages.frame["df"].to_numpy()[rows]
    freedom = np.where(df > 0, df, np.nan)
    low, high = intervals.wald(logs, error, freedom, model.level)
    value = np.exp(logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = logs / error
    counted = averages.frame.iloc[rows]
    statistics = {
        "estimate": value, "std_error": value * error, "conf_low": np.exp(low), "conf_high": np.exp(high),
        "df": df, "n": counted["n"].to_numpy(), "n_eff": counted["n_eff"].to_numpy(),
        "deff": np.full(value.size, np.nan), "statistic": t, "p_value": 2 * t_tail(np.abs(t), freedom),
    }  # fmt: skip
    head = counted[[*averages.by, "variable", "category"]].reset_index(drop=True)
    words = "ratio of average predictions" if measure == "risk_ratio" else "odds ratio of average predictions"
    note = {**averages.note, "effect": words, "reference": levels[base], "interval": "log, t"}
    return assemble(
        head, statistics, spread * np.outer(value, value), note=note,
        kind="ratio" if measure == "risk_ratio" else "odds_ratio",
        by=averages.by, codebook=averages.codebook, level=model.level,
        totals=None if averages.totals is None else averages.totals @ (turn * value[:, None]).T,
    )  # fmt: skip
