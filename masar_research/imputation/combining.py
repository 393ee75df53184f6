"""Results of every completed survey as one: estimates and models under Rubin's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import imputation as rubin
from masar_research.engine import intervals
from masar_research.errors import ModelError
from masar_research.estimates import STATISTICS, Estimates, assemble
from masar_research.models.coefficients import _RATIOS
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.survey import Survey

#: Kinds pooled on another scale: function, its slope, its inverse.
_SCALES = {
    "odds_ratio": (np.log, lambda x: 1 / x, np.exp, np.exp),
    "correlation": (np.arctanh, lambda x: 1 / (1 - x**2), np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PooledModel:
    """A model of the package over m imputations.

    Attributes
    ----------
    frame : pandas.DataFrame, p rows
        As of the model itself, with ``fmi``, ``riv``, ``efficiency`` beside; ``df`` of Barnard and Rubin.
    vcov : (p, p) array
        Rubin's total covariance.
    pooled : engine.imputation.Pooled
    df : float
        Of the complete data.
    """

    survey: Survey
    formula: str
    family: str
    frame: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]
    level: float
    pooled: rubin.Pooled
    df: float

    def test(self, terms: str | Sequence[str]) -> rubin.WaldD1:
        """Are all coefficients whose names begin with these terms nought? The pooled Wald test D1.

        Parameters
        ----------
        terms : str or list of str
            Terms of the formula (``"C(region)"``) or coefficients of the frame.

        Returns
        -------
        engine.imputation.WaldD1
        """
        wanted = [terms] if isinstance(terms, str) else list(terms)
        names = list(self.frame["term"])
        chosen = [i for i, name in enumerate(names)
                  if any(name == each or name.startswith(f"{each}[") for each in wanted)]
        if not chosen:
            raise ModelError(
                f"{', '.join(wanted)}: no coefficient has such a name.", remedy=f"Use one of {', '.join(names)}.",
                ar="لا معامل بهذا الاسم؛ استعمل أحد الأسماء المذكورة أعلاه.",
            )
        return rubin.wald_d1(self.pooled, np.eye(len(names))[chosen], self.df)

    def plot(self, lang: str = "en", effects: str = "coefficients") -> Art:
        """Coefficients or ratios with their intervals; see `models.comparison.compare_models`."""
        from masar_research.models.comparison import compare_models

        return compare_models(self, effects=effects).plot(lang)

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def combine(results: Sequence[Any], facts: Mapping[str, Any]) -> Estimates | PooledModel:
    """One answer from those of the completed surveys.

    Raises
    ------
    ModelError
        Results that are neither estimates nor models with a covariance, of which p values and test
        statistics cannot be averaged; or that differ in their rows.
    """
    first = results[0]
    if any(type(each) is not type(first) for each in results):
        raise ModelError("The imputations gave results of different kinds.", remedy="Return one kind of result.",
                         ar="أعطت التعويضات نتائج من أنواع مختلفة؛ أعِد نوعاً واحداً.")
    if isinstance(first, Estimates):
        return _estimates(results, facts)
    frame, vcov = getattr(first, "frame", None), getattr(first, "vcov", None)
    if frame is None or vcov is None or "term" not in getattr(frame, "columns", ()) or np.shape(vcov) != (len(frame),) * 2:
        raise ModelError(
            f"{type(first).__name__} holds no estimates with their covariance: it cannot be pooled. "
            "P values and test statistics are not averaged over imputations.",
            remedy="Return Estimates or a model; for a joint test use imputed.logit(...).test(terms), the pooled Wald test D1.",
            ar="هذه النتيجة بلا تقديرات وتباين مشترك فلا تُجمَّع، وقيم p لا يؤخذ متوسطها. أعِد تقديرات أو نموذجاً، "
            "وللاختبار المشترك استعمل test على النموذج المجمَّع.",
        )
    return _model(results, facts)


def _estimates(results: Sequence[Estimates], facts: Mapping[str, Any]) -> Estimates:
    first = results[0]
    known = {*STATISTICS, "count", "n_missing", "statistic", "p_value"}
    told = ("contrast", "variable", "category", *first.by)
    heads = [c for c in first.frame.columns if c in told
             or (c not in known and not pd.api.types.is_float_dtype(first.frame[c]))]
    for each in results[1:]:
        if each.kind != first.kind or each.by != first.by or not each.frame[heads].equals(first.frame[heads]):
            raise ModelError(
                "The imputations gave estimates of different rows: a domain or category exists in some only.",
                remedy="Declare the variable's categories in the codebook, or join the rare ones.",
                ar="تختلف صفوف التقديرات بين التعويضات؛ صرّح بفئات المتغيّر في دليل الترميز أو ادمج النادرة منها.",
            )
    values = np.array([each.frame["estimate"].to_numpy(float) for each in results])
    vcovs = np.array([each.vcov for each in results])
    dfs = np.array([each.frame["df"].to_numpy(float) for each in results])
    scale = _SCALES.get(first.kind)
    if scale is not None:
        forward, slope, back, steep = scale
        with np.errstate(divide="ignore", invalid="ignore"):
            s = np.array([slope(v) for v in values])
            vcovs = vcovs * s[:, :, None] * s[:, None, :]
            values = forward(values)
    lost = np.isnan(np.array([each.frame["std_error"].to_numpy(float) for each in results])).any(axis=0)
    found = rubin.pool(values, vcovs, dfs.mean(axis=0))
    total = np.diag(found.vcov).copy()
    total[lost] = np.nan
    std_error = np.sqrt(total)
    df = np.where(lost, np.nan, found.df)
    estimate, vcov = found.estimate, found.vcov
    if scale is not None:
        low, high = (back(end) for end in intervals.wald(estimate, std_error, df, first.level))
        d = steep(estimate)
        estimate, std_error, vcov = back(estimate), std_error * np.abs(d), vcov * np.outer(d, d)
        rule = "Wald, t, on the scale pooled on"
    else:
        low, high = intervals.wald(estimate, std_error, df, first.level)
        rule = "Wald, t"
        if first.kind == "proportion":
            inside = (estimate > 0) & (estimate < 1) & ~lost
            with np.errstate(invalid="ignore", divide="ignore"):
                a, b = intervals.logit(np.where(inside, estimate, 0.5), std_error, df, first.level)
            low, high, rule = np.where(inside, a, low), np.where(inside, b, high), "logit of the pooled share"
    frames = [each.frame for each in results]
    least = {c: np.min([f[c].to_numpy() for f in frames], axis=0) for c in ("n", "count") if c in frames[0]}
    with np.errstate(invalid="ignore", divide="ignore"):
        growth = np.diag(found.vcov) / np.diag(found.within)
        n_eff = np.mean([f["n_eff"].to_numpy(float) for f in frames], axis=0) / growth
        deff = np.mean([f["deff"].to_numpy(float) for f in frames], axis=0) * growth
    statistics: dict[str, Any] = {
        "estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high, "df": df,
        "n_eff": n_eff, "deff": deff, **least,
    }  # fmt: skip
    if "statistic" in frames[0]:
        with np.errstate(invalid="ignore", divide="ignore"):
            statistics["statistic"] = estimate / std_error
        statistics["p_value"] = 2 * stats.t.sf(np.abs(statistics["statistic"]), df)
    if "n_missing" in frames[0]:
        statistics["n_missing"] = np.max([f["n_missing"].to_numpy() for f in frames], axis=0)
    statistics |= {"fmi": found.fmi, "riv": found.riv, "efficiency": found.efficiency,
                   "within": np.diag(found.within), "between": np.diag(found.between)}
    note = {
        **first.note, **_facts(facts, len(results)), "interval": rule,
        "missing": max(int(each.note.get("missing", 0)) for each in results),
        "n": "the fewest over the imputations", "df_complete": tuple(float(x) for x in dfs.mean(axis=0)),
        "pooled_on": {"odds_ratio": "logarithm", "correlation": "Fisher's z"}.get(first.kind, "the estimate itself"),
    }  # fmt: skip
    return assemble(first.frame[heads], statistics, vcov, kind=first.kind, by=first.by, note=note,
                    codebook=first.codebook, level=first.level)


def _facts(facts: Mapping[str, Any], m: int) -> dict[str, Any]:
    return {"imputations": m, "imputation": dict(facts), "df": "Barnard and Rubin, the design's as those of complete data",
            "variance": "Rubin: mean within + (1 + 1/m) between imputations"}


def _model(results: Sequence[Any], facts: Mapping[str, Any]) -> PooledModel:
    first = results[0]
    terms = list(first.frame["term"])
    if any(list(each.frame["term"]) != terms for each in results):
        raise ModelError(
            "The imputations gave models of different coefficients: a category exists in some only, or a column was dropped.",
            remedy="Join rare categories, or leave the collinear predictor out.",
            ar="تختلف معاملات النماذج بين التعويضات؛ ادمج الفئات النادرة أو احذف المفسّر المتداخل.",
        )
    frames = [each.frame for each in results]
    values = np.array([f["estimate"].to_numpy(float) for f in frames])
    complete = np.mean([f["df"].to_numpy(float) for f in frames], axis=0)
    found = rubin.pool(values, np.array([each.vcov for each in results]), complete)
    std_error = np.sqrt(np.diag(found.vcov))
    low, high = intervals.wald(found.estimate, std_error, found.df, first.level)
    statistic = found.estimate / std_error
    frame = pd.DataFrame({
        **{c: first.frame[c] for c in ("term", "label_en", "label_ar") if c in first.frame},
        "estimate": found.estimate, "std_error": std_error, "conf_low": low, "conf_high": high,
        "statistic": statistic, "df": found.df, "p_value": 2 * stats.t.sf(np.abs(statistic), found.df),
    })  # fmt: skip
    ratios = next((names for names in [*_RATIOS.values(), ("hazard_ratio", "hazard_low", "hazard_high"),
                                       ("hazard_ratio", "ratio_low", "ratio_high")]
                   if set(names) <= set(first.frame.columns)), None)
    if ratios:
        frame = frame.assign(**dict(zip(ratios, (np.exp(found.estimate), np.exp(low), np.exp(high)), strict=True)))
    frame = frame.assign(fmi=found.fmi, riv=found.riv, efficiency=found.efficiency)
    note = {**first.note, **_facts(facts, len(results)), "df_complete": float(complete.min())}
    note["rows"] = min(int(each.note["rows"]) for each in results) if "rows" in first.note else None
    note["df"] = round(float(np.nanmin(found.df)), 1)
    return PooledModel(first.survey, first.formula, str(first.family), frame, found.vcov, note, first.level, found,
                       float(complete.min()))
