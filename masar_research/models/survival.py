"""Cumulative hazard and survival of a person under a Cox model, with their errors."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import cox as engine
from masar_research.engine.sandwich import influence_totals
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.formula import level_place
from masar_research.models.model import frozen

if TYPE_CHECKING:
    from masar_research.models.cox import CoxModel

_HEADS = {
    "time": ("Time", "الزمن"), "events": ("Events so far", "الأحداث حتى حينه"),
    "cumulative_hazard": ("Cumulative hazard", "الخطر المتراكم"),
    "hazard_std_error": ("Standard error", "الخطأ المعياري"),
    "survival": ("Survival", "نسبة البقاء"), "std_error": ("Standard error", "الخطأ المعياري"),
    "conf_low": ("From", "من"), "conf_high": ("To", "إلى"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SurvivalCurve:
    """Survival of a person over time.

    Attributes
    ----------
    frame : pandas.DataFrame, T rows
        ``time, events, cumulative_hazard, hazard_std_error, survival, std_error, conf_low,
        conf_high, df``; the interval is that of survival, formed on log(−log).
    vcov : (T, T) array
        Design-based covariance of the cumulative hazards.
    note : mapping
        Whose curve it is: value of every predictor, stratum; the rule of the interval.
    """

    frame: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]

    def __repr__(self) -> str:
        who = ", ".join(f"{name} = {value}" for name, value in self.note["at"].items())
        return f"{self.frame.to_string(index=False, float_format=lambda v: f'{v:.4f}')}\n{who}"

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{en}<br><span dir='rtl' lang='ar'>{ar}</span></th>" for en, ar in _HEADS.values()
        )
        body = "".join(
            "<tr>" + "".join(
                f"<td><bdi dir='ltr'>{row[name]:g}</bdi></td>" if name in ("time", "events")
                else f"<td><bdi dir='ltr'>{row[name]:.4f}</bdi></td>" for name in _HEADS
            ) + "</tr>"
            for row in self.frame.to_dict("records")
        )  # fmt: skip
        who = html.escape(", ".join(f"{name} = {value}" for name, value in self.note["at"].items()))
        return (f"<table class='masar-model'><caption><code>{html.escape(self.note['model'])}</code> · "
                f"<bdi dir='ltr'>{who}</bdi></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def survival_curve(
    model: CoxModel, at: Mapping[str, Any], times: Sequence[float] | None,
    stratum: Mapping[str, Any] | None,
) -> SurvivalCurve:  # fmt: skip
    """See :meth:`masar_research.models.cox.CoxModel.survival`."""
    row, told = _person(model, at)
    place, name = _stratum(model, stratum)
    own = model.sets.event_time[model.sets.event_stratum == place]
    moments = np.unique(own) if times is None else np.atleast_1d(np.asarray(times, float))
    if not moments.size or not np.isfinite(moments).all():
        raise ModelError("No time at which to show survival.",
                         remedy="Give times=[6, 12, 24], or choose a stratum with events.",
                         ar="لا أوقات تُعرض عندها نسبة البقاء؛ حدّدها بالوسيط times.")
    found = engine.cumulative_hazard(model.fit, model.sets, row, moments, place)
    design = model.survey.design
    if design.replicates is None:
        totals = influence_totals(design, found.influence)
    else:
        totals = design.replicates.deviations(_again(model, row, moments, place), found.estimate)
    vcov = covariance(design, totals)
    frame = _frame(moments, found, vcov, model.df, model.level)
    end = float(np.nanmax(model.durations.time[model.fit.used]))
    note = {
        "at": told, "stratum": name, "model": model.formula, "ties": model.ties,
        "interval": "t, on log(-log survival)", "level": model.level, "df": model.df,
        "observed_until": end, "beyond_observation": [float(t) for t in moments if t > end],
    }  # fmt: skip
    return SurvivalCurve(frame, vcov, frozen(note))


def _again(model: CoxModel, row: np.ndarray, moments: np.ndarray, place: int) -> np.ndarray:
    """(R, T) cumulative hazards with the weights and coefficients of every replicate."""
    design, kept = model.survey.design, model.durations
    X, replicated = model.predictors.X, model.inference.replicated
    assert design.replicates is not None and replicated is not None
    out = []
    for r in range(design.replicates.number):
        fitted, sets = engine.fit(
            X, kept.time, kept.event, design.replicates.weights.rows(design, r), entry=kept.entry,
            strata=kept.strata, mask=model.predictors.used, ties=model.ties, start=replicated[r],
        )  # fmt: skip
        out.append(engine.cumulative_hazard(fitted, sets, row, moments, place).estimate)
    return np.array(out)


def _person(model: CoxModel, at: Mapping[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    """(p,) predictors of one person, and what they stand for."""
    data = model.predictors.data
    unknown = sorted(set(at) - set(data.columns))
    if unknown:
        raise ModelError(
            f"{', '.join(unknown)} is not a predictor of {model.formula!r}.",
            remedy=f"Its predictors are {', '.join(data.columns)}.",
            ar="ذُكر متغيّر ليس من المتغيّرات المفسّرة في النموذج.",
        )
    weights = model.fit.weights[model.predictors.used]
    columns, told = {}, {}
    for name in data.columns:
        if isinstance(data[name].dtype, pd.CategoricalDtype):
            levels = tuple(data[name].cat.categories)
            place = level_place(model.survey, name, at[name], levels) if name in at else 0
            told[name] = levels[place]
            columns[name] = pd.Categorical.from_codes([place], dtype=data[name].dtype)
        else:
            value = at.get(name, float(np.average(data[name].to_numpy(float), weights=weights)))
            told[name] = columns[name] = float(value)
            columns[name] = [float(value)]
    frame = pd.DataFrame(columns, index=[0])
    whole = np.asarray(model.predictors.matrix.spec.get_model_matrix(frame), dtype=float)
    return whole[0][model.predictors.kept], told


def _stratum(model: CoxModel, wanted: Mapping[str, Any] | None) -> tuple[int, Any]:
    names, keys = model.durations.strata_names, model.durations.strata_keys
    if not names:
        if wanted is not None:
            raise ModelError("The model has no strata.", remedy="Leave stratum= out.",
                             ar="لا طبقات في النموذج؛ احذف الوسيط stratum.")
        return 0, None
    given = wanted or {}
    if set(given) != set(names):
        raise ModelError(
            f"Which stratum? Each has a baseline hazard of its own: {', '.join(names)}.",
            remedy=f"Write stratum={{{', '.join(f'{name!r}: …' for name in names)}}}.",
            ar="لكل طبقة خطر أساسي خاص بها؛ حدّد الطبقة بالوسيط stratum.",
        )
    key = []
    for k, name in enumerate(names):
        levels = tuple(dict.fromkeys(own[k] for own in keys))
        key.append(levels[level_place(model.survey, name, given[name], levels)])
    if tuple(key) not in keys:
        raise ModelError(f"No fitted row lies in the stratum {dict(given)}.",
                         remedy="Choose one that occurs.", ar="لا سجلات في هذه الطبقة؛ اختر غيرها.")
    return keys.index(tuple(key)), dict(zip(names, key, strict=True))


def _frame(
    moments: np.ndarray, found: engine.CumulativeHazard, vcov: np.ndarray, df: int, level: float
) -> pd.DataFrame:
    error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    if df <= 0:
        error = np.full(error.size, np.nan)
    survival = np.exp(-found.estimate)
    t = stats.t.ppf((1 + level) / 2, df) if df > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(t * error / found.estimate)
        low, high = np.exp(-found.estimate * factor), np.exp(-found.estimate / factor)
    none = found.estimate == 0
    return pd.DataFrame({
        "time": moments, "events": found.events, "cumulative_hazard": found.estimate,
        "hazard_std_error": np.where(none, np.nan, error), "survival": survival,
        "std_error": np.where(none, np.nan, survival * error), "conf_low": np.where(none, np.nan, low),
        "conf_high": np.where(none, np.nan, high), "df": df,
    })  # fmt: skip
