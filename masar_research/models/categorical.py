"""Average effects and predictions of models whose outcome is a category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import intervals
from masar_research.engine.newton import LikelihoodFit
from masar_research.engine.outcome_margins import Predictor, average_outcomes
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.estimates import Estimates, assemble
from masar_research.models.formula import level_place
from masar_research.models.predictors import Levels, Predictors

if TYPE_CHECKING:
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False)
class Averaging:
    """A fitted model of a categorical outcome, as averages need it.

    Attributes
    ----------
    survey : Survey
    formula : str
    fit : LikelihoodFit
    predictors : Predictors
    outcome : Levels
    model : engine.outcome_margins.Predictor
    df : int
    level : float
    replicated : (R, q) float array or None
    note : mapping
    """

    survey: Survey
    formula: str
    fit: LikelihoodFit
    predictors: Predictors
    outcome: Levels
    model: Predictor
    df: int
    level: float
    replicated: np.ndarray | None
    note: Mapping[str, Any]


def margins(
    of: Averaging, variable: str, over: str | Sequence[str] | None, reference: Any
) -> Estimates:
    """Average marginal effects on the probability of every level of the outcome.

    For a categorical predictor, and a variable coded 0 and 1 that the codebook calls nominal: the
    mean over fitted rows of P(level; everybody at the category) − P(level; everybody at the
    reference). For a numeric one the mean of dP(level)/dx.
    """
    levels = _levels(of, variable)
    if levels is None:
        if reference is not None:
            raise ModelError(f"{variable} is numeric, so it has no reference level.",
                             remedy=f"Leave reference out, or write C({variable}).",
                             ar=f"المتغيّر {variable} رقمي فلا فئة مرجعية له.")
        above, below, apart = of.predictors.matrix.around(variable)
        worlds = [partial(of.predictors.world, {variable: values}) for values in (above, below)]
        return _wrap(of, worlds, np.array([[1 / apart, -1 / apart]]), variable, [None], "ame", over,
                     {"effect": f"mean of dP/d{variable}"})
    base = 0 if reference is None else level_place(of.survey, variable, reference, levels)
    worlds = [partial(of.predictors.world, {variable: level}) for level in levels]
    others = [k for k in range(len(levels)) if k != base]
    combine = np.zeros((len(others), len(levels)))
    combine[np.arange(len(others)), others] = 1.0
    combine[:, base] = -1.0
    return _wrap(of, worlds, combine, variable, [levels[k] for k in others], "ame", over,
                 {"effect": "difference of average predictions", "reference": levels[base]})


def predictions(
    of: Averaging, variable: str | None, at: Sequence[float] | None,
    over: str | Sequence[str] | None,
) -> Estimates:  # fmt: skip
    """Average predicted probabilities of every level, with everybody at given values or as they are."""
    if variable is None:
        if at is not None:
            raise ModelError("at= gives values of no variable.",
                             remedy="Name the variable: predictions('age', at=[20, 40]).",
                             ar="اذكر المتغيّر الذي تعود إليه قيم at.")
        worlds = [lambda: of.predictors.X]
        return _wrap(of, worlds, np.eye(1), of.outcome.name, [None], "mean", over,
                     {"effect": "average prediction"})
    levels = _levels(of, variable)
    if at is None and levels is None:
        raise ModelError(f"{variable} is numeric: at which values?",
                         remedy=f"Write predictions({variable!r}, at=[20, 40, 60]).",
                         ar=f"المتغيّر {variable} رقمي؛ حدّد القيم بالوسيط at.")
    chosen = list(levels if at is None else at)
    if levels is not None:
        chosen = [levels[level_place(of.survey, variable, c, levels)] for c in chosen]
    worlds = [partial(of.predictors.world, {variable: value}) for value in chosen]
    return _wrap(of, worlds, np.eye(len(chosen)), variable, chosen, "mean", over,
                 {"effect": "average prediction"})


def _levels(of: Averaging, variable: str) -> tuple[Any, ...] | None:
    data = of.predictors.data
    if variable not in data.columns:
        raise ModelError(
            f"{variable!r} is not a predictor of {of.formula!r}.",
            remedy=f"Its predictors are {', '.join(data.columns)}.",
            ar=f"المتغيّر {variable} ليس من المتغيّرات المفسّرة في النموذج.",
        )
    if isinstance(data[variable].dtype, pd.CategoricalDtype):
        return tuple(data[variable].cat.categories)
    book = of.survey.codebook
    if variable in book and book[variable].level in ("nominal", "text"):
        return (0.0, 1.0)
    return None


def _wrap(of, worlds, combine, variable, categories, kind, over, facts) -> Estimates:
    by = (over,) if isinstance(over, str) else tuple(over or ())
    if variable in by or of.outcome.name in by:
        raise ModelError(
            f"over= names {variable} or the outcome, over which there is nothing to average.",
            remedy="Average over other variables.",
            ar="لا يصح حساب المتوسط ضمن فئات المتغيّر نفسه أو المتغيّر التابع؛ اختر متغيّرات أخرى.",
        )
    keys, domain = fitted_domains(of.survey, by, of.fit.used)
    design = of.survey.design
    found = average_outcomes(design, of.fit, of.model, worlds, combine, domain=domain,
                             n_domains=len(keys), replicated=of.replicated)
    k, levels = len(categories), of.outcome.levels
    head = keys.loc[keys.index.repeat(k * len(levels))].reset_index(drop=True)
    head[of.outcome.name] = list(np.repeat(np.array(levels, dtype=object), k)) * len(keys)
    head = head.infer_objects().assign(
        variable=variable, category=list(categories) * (len(keys) * len(levels))
    )
    vcov = covariance(design, found.totals)
    note = {**of.note, **facts, "interval": "Wald, t", "averaged_over": "fitted rows",
            "model": of.formula}
    statistics = wald_statistics(found.estimate, vcov, found.n, found.srs_variance, of.df, of.level,
                                 tested=kind == "ame")
    return assemble(
        head, statistics, vcov, kind=kind, by=(*by, of.outcome.name), note=note,
        codebook=of.survey.codebook, level=of.level, totals=found.totals,
    )  # fmt: skip


def wald_statistics(
    estimate: np.ndarray, vcov: np.ndarray, n: np.ndarray, srs: np.ndarray, df: int, level: float, *,
    tested: bool,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Columns of estimates with t intervals; with ``tested``, of the test against zero."""
    spread = np.diag(vcov)
    dfs = np.full(spread.size, float(df))
    known = np.where(dfs > 0, dfs, np.nan)
    std_error = np.sqrt(np.maximum(spread, 0.0)) if df > 0 else np.full(spread.size, np.nan)
    low, high = intervals.wald(estimate, std_error, known, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.where(srs > 0, spread / srs, np.nan)
        statistic = estimate / std_error
    out = {
        "estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high,
        "df": dfs, "n": n, "n_eff": np.where(deff > 0, n / deff, n), "deff": deff,
    }  # fmt: skip
    if tested:
        out |= {"statistic": statistic, "p_value": 2 * stats.t.sf(np.abs(statistic), known)}
    return out


def fitted_domains(
    survey: Survey, by: tuple[str, ...], used: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Cells of some variables that hold a fitted row, and the cell of each row (−1 outside)."""
    if not by:
        return pd.DataFrame(index=range(1)), None
    codes = np.zeros(used.size, dtype=np.int64)
    outside = ~used
    levels = []
    for name in by:
        part = survey.coded(name)
        codes = codes * len(part.levels) + part.codes
        outside = outside | (part.codes < 0)
        levels.append(part.levels)
    codes[outside] = -1
    present = np.unique(codes[codes >= 0])
    if not present.size:
        raise ModelError(f"No fitted row has a value of {' and '.join(by)}.",
                         remedy="Average over variables known for the fitted rows.",
                         ar="لا قيمة لمتغيّرات التجميع في سجلات النموذج؛ اختر غيرها.")
    keys = pd.MultiIndex.from_product(levels, names=list(by))
    place = np.full(len(keys) + 1, -1)
    place[present] = np.arange(present.size)
    return keys[present].to_frame(index=False), place[codes]
