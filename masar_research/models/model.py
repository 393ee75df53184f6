"""A fitted survey model: coefficients, average marginal effects, average predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import intervals
from masar_research.engine.average_slopes import average_slopes
from masar_research.engine.glm import GLMFit
from masar_research.engine.margins import AveragePredictions, average_predictions
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.estimates import Estimates, assemble
from masar_research.models import diagnostics, fit_statistics, predicting, tests
from masar_research.models.formula import Matrix, level_place
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.present.art import Art
    from masar_research.statistics.results import TestResult
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model was asked for, so that it can be asked again of other weights or values.

    Parameters
    ----------
    formula, family, reference, level, link, exposure, penalty, collinear
        As for :func:`masar_research.models.glm`.
    """

    formula: str
    family: str
    reference: Mapping[str, Any]
    level: float
    link: str | None
    exposure: str | None
    penalty: Any
    collinear: Any


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class SurveyModel(Presented):
    """A survey-weighted generalised linear model.

    Attributes
    ----------
    frame : pandas.DataFrame, p rows
        ``term, label_en, label_ar, estimate, std_error, conf_low, conf_high, statistic, df,
        p_value``; for a logit also ``odds_ratio, odds_low, odds_high``.
    vcov : (p, p) array
        Design-based covariance of the coefficients.
    family, formula : str
    note : mapping
        Rows fitted and lost, reference levels, levels without rows, df, weights, base.
    level : float
        Confidence level.
    """

    survey: Survey
    formula: str
    family: str
    frame: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]
    level: float
    fit: GLMFit
    matrix: Matrix
    df: int
    asked: Asked

    def refit(self, survey: Survey) -> SurveyModel:
        """The same model of another survey: other weights, imputed values, another wave.

        Categorical predictors keep this model's reference levels.

        Parameters
        ----------
        survey : Survey

        Examples
        --------
        >>> model.refit(other).frame["estimate"]                # doctest: +SKIP
        """
        from masar_research.models.fitting import glm

        a = self.asked
        return glm(survey, a.formula, a.family, {**a.reference, **self.matrix.references}, a.level,
                   link=a.link, exposure=a.exposure, penalty=a.penalty, collinear=a.collinear)

    def test(self, terms: str | Sequence[str], method: tests.Method = "wald") -> TestResult:
        """Test of terms; see :func:`masar_research.models.tests.term_test`."""
        return tests.term_test(self, terms, method)

    def term_tests(self) -> pd.DataFrame:
        """Wald test of every term; see :func:`masar_research.models.tests.term_tests`."""
        return tests.term_tests(self)

    def compare(self, other: SurveyModel) -> TestResult:
        """Nested models; see :func:`masar_research.models.tests.likelihood_ratio`."""
        return tests.likelihood_ratio(self, other)

    def contrast(self, combinations: Mapping[str, Mapping[str, float]]) -> tests.CoefficientContrasts:
        """Linear combinations; see :func:`masar_research.models.tests.contrast`."""
        return tests.contrast(self, combinations)

    def margins(
        self,
        variable: str | Sequence[str] | None = None,
        over: str | Sequence[str] | None = None,
        reference: Any = None,
    ) -> Estimates:
        """Average marginal effects over the fitted rows, weighted by the survey.

        For a categorical predictor, and a variable coded 0 and 1 that the codebook calls nominal:
        the mean over fitted rows of μ(everybody at the level) − μ(everybody at the reference). For
        a numeric one: the mean of dμ/dx.

        Parameters
        ----------
        variable : str or list of str, optional
            Predictors of the model; all of them by default, in one table under one covariance.
        over : str or list of str, optional
            Domains within which to average; any variables of the survey.
        reference : code or label, optional
            For a single categorical predictor; the model's own reference otherwise.

        Returns
        -------
        Estimates
            kind ``"ame"``; ``category`` is the level compared with the reference (missing for
            a numeric predictor). The standard error holds the sampling of the coefficients and
            of the people averaged over.

        Raises
        ------
        ModelError
            `variable` is no predictor, or a reference is given for a numeric one.

        Examples
        --------
        >>> model = survey.logit("employed ~ C(sex) + age")     # doctest: +SKIP
        >>> model.margins("sex", over="region").frame           # doctest: +SKIP
        """
        if not isinstance(variable, str):
            return self._several(list(self.matrix.data.columns if variable is None else variable), over, reference)
        levels = self.levels_of(variable)
        if levels is None and self._named(variable):
            levels = (0.0, 1.0)
        if levels is None:
            if reference is not None:
                raise ModelError(f"{variable} is numeric, so it has no reference level.",
                                 remedy=f"Leave reference out, or write C({variable}).")
            if self._straight(variable) is not None:
                return self._slopes([variable], over)
            above, below, apart = self.matrix.around(variable)
            worlds = [{variable: above}, {variable: below}]
            combine = np.array([[1 / apart, -1 / apart]])
            return self._wrap(worlds, combine, variable, [None], "ame", over,
                              {"effect": f"mean of dμ/d{variable}"})
        base = 0 if reference is None else level_place(self.survey, variable, reference, levels)
        worlds = [{variable: level} for level in levels]
        others = [k for k in range(len(levels)) if k != base]
        combine = np.zeros((len(others), len(levels)))
        combine[np.arange(len(others)), others] = 1.0
        combine[:, base] = -1.0
        facts = {"effect": "difference of average predictions", "reference": levels[base]}
        return self._wrap(worlds, combine, variable, [levels[k] for k in others], "ame", over,
                          facts)

    def predictions(
        self,
        variable: str | Sequence[str],
        at: Sequence[float] | Mapping[str, Sequence[Any]] | None = None,
        over: str | Sequence[str] | None = None,
        held: Mapping[str, Any] | None = None,
    ) -> Estimates:
        """Average predictions (marginal means) with everybody at given values.

        Parameters
        ----------
        variable : str or list of str
            Predictors of the model; those of a list are crossed.
        at : sequence, or mapping of variable to sequence, optional
            Values or codes; all fitted levels of a categorical predictor by default.
        over : str or list of str, optional
            Domains within which to average.
        held : mapping, optional
            Further predictors set to one value for everybody: ``{"age": 40}``.

        Returns
        -------
        Estimates
            kind ``"mean"`` on the scale of the outcome (a probability for a logit); ``category`` is
            the value set. Variables of a list stand in columns of their own, so that
            ``.contrast("2 - 1", over="sex")`` compares within the others.
        """
        names = (variable,) if isinstance(variable, str) else tuple(variable)
        wanted = at if isinstance(at, Mapping) else ({} if at is None else {names[0]: at})
        if not names or set(wanted) - set(names):
            raise ModelError(f"at gives values of {sorted(set(wanted) - set(names))}, not of {names}.",
                             remedy="Name the variables of at among those to predict over.")
        values = [self._values(name, wanted.get(name)) for name in names]
        fixed = {name: self._values(name, [value])[0] for name, value in (held or {}).items()}
        if set(fixed) & set(names):
            raise ModelError(f"held names {sorted(set(fixed) & set(names))}, which the predictions vary.",
                             remedy="Hold other variables.")
        crossed = list(product(*values))
        worlds = [fixed | dict(zip(names, one, strict=True)) for one in crossed]
        facts = {"effect": "average prediction"} | ({"held": fixed} if fixed else {})
        if isinstance(variable, str):
            categories = [one[0] for one in crossed]
            return self._wrap(worlds, np.eye(len(crossed)), names[0], categories, "mean", over, facts)
        return self._wrap(worlds, np.eye(len(crossed)), names, crossed, "mean", over, facts)

    def _values(self, name: str, at: Sequence[Any] | None) -> list[Any]:
        levels = self.levels_of(name)
        if at is None and levels is None:
            raise ModelError(f"{name} is numeric: at which values?",
                             remedy=f"Write predictions({name!r}, at=[20, 40, 60]).")
        chosen = list(levels if at is None else at)
        if levels is None:
            return chosen
        return [levels[level_place(self.survey, name, c, levels)] for c in chosen]

    def predict(self, data: pd.DataFrame, scale: str = "response") -> pd.DataFrame:
        """For given persons; see :func:`masar_research.models.predicting.predict`."""
        return predicting.predict(self, data, scale)

    def ratios(
        self, variable: str, measure: predicting.Measure = "risk_ratio",
        over: str | Sequence[str] | None = None, reference: Any = None,
    ) -> Estimates:  # fmt: skip
        """Adjusted risk or odds ratios; see :func:`masar_research.models.predicting.ratios`."""
        return predicting.ratios(self, variable, measure, over, reference)

    def fit_statistics(self) -> fit_statistics.FitStatistics:
        """Pseudo-R² and dAIC; see :func:`masar_research.models.fit_statistics.fit_statistics`."""
        return fit_statistics.fit_statistics(self)

    def dbic(self, maximal: SurveyModel) -> float:
        """Design-based BIC; see :func:`masar_research.models.fit_statistics.dbic`."""
        return fit_statistics.dbic(self, maximal)

    def goodness_of_fit(self, groups: int = 10) -> TestResult:
        """Archer–Lemeshow; see :func:`masar_research.models.fit_statistics.goodness_of_fit`."""
        return fit_statistics.goodness_of_fit(self, groups)

    def vif(self) -> pd.DataFrame:
        """Variance inflation; see :func:`masar_research.models.fit_statistics.vif`."""
        return fit_statistics.vif(self)

    def residuals(
        self, kind: str = "pearson", rng: np.random.Generator | None = None
    ) -> diagnostics.Residuals:
        """Residuals; see :func:`masar_research.models.diagnostics.residuals`."""
        return diagnostics.residuals(self, kind, rng)

    def influence(self, leaving: diagnostics.Leaving = "refit") -> diagnostics.Influence:
        """Of persons and PSUs; see :func:`masar_research.models.diagnostics.influence`."""
        return diagnostics.influence(self, leaving)

    def plot_residuals(
        self, lang: str = "en", kind: str = "binned", rng: np.random.Generator | None = None
    ) -> Art:
        """See :func:`masar_research.models.diagnostic_charts.plot_residuals`."""
        from masar_research.models.diagnostic_charts import plot_residuals

        return plot_residuals(self, lang, kind, rng)

    def plot_influence(self, lang: str = "en") -> Art:
        """See :func:`masar_research.models.diagnostic_charts.plot_influence`."""
        from masar_research.models.diagnostic_charts import plot_influence

        return plot_influence(self, lang)

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)

    def _straight(self, variable: str) -> int | None:
        """The column of a numeric predictor that enters as itself and nowhere else."""
        if self.fit.nuisance is not None or self._named(variable) or self.levels_of(variable) is not None:
            return None
        return self.matrix.alone(variable)

    def _several(self, names: list[str], over: str | Sequence[str] | None, reference: Any) -> Estimates:
        if not names or reference is not None or len(set(names)) < len(names):
            raise ModelError(
                "Effects of several predictors need each named once, and have the model's own references.",
                remedy="Name predictors once, or ask for one with its reference=.",
                ar="عند طلب آثار عدة متغيرات يُذكر كل منها مرة واحدة ولا تُحدَّد فئة مرجعية؛ اطلب متغيراً واحداً مع reference=.",
            )
        straight = [name for name in names if self._straight(name) is not None]
        parts = ([self._slopes(straight, over)] if straight else []) + [
            self.margins(name, over) for name in names if name not in straight]
        return parts[0] if len(parts) == 1 else _together(self, parts, names)

    def _slopes(self, names: list[str], over: str | Sequence[str] | None) -> Estimates:
        by = (over,) if isinstance(over, str) else tuple(over or ())
        if set(by) & set(names):
            raise ModelError(f"over names {sorted(set(by) & set(names))[0]}, whose effect is asked for.",
                             remedy="Average over other variables.")
        keys, domain = _domains(self.survey, by, self.fit.used)
        columns = [self.matrix.alone(name) for name in names]
        found = average_slopes(self.survey.design, self.fit, self.matrix.X, columns, domain=domain, n_domains=len(keys))
        head = keys.loc[keys.index.repeat(len(names))].reset_index(drop=True)
        head = head.assign(variable=names * len(keys), category=None)
        effect = f"mean of dμ/d{names[0]}" if len(names) == 1 else "mean of dμ/dx"
        return self._assembled(found, head, "ame", by, {"effect": effect})

    def _named(self, variable: str) -> bool:
        """Whether a predictor that enters as numbers is a nominal one, coded 0 and 1."""
        book = self.survey.codebook
        return variable in book and book[variable].level in ("nominal", "text")

    def levels_of(self, variable: str) -> tuple[Any, ...] | None:
        """Fitted codes of a categorical predictor, reference first; None for a numeric one."""
        if variable not in self.matrix.data.columns:
            raise ModelError(
                f"{variable!r} is not a predictor of {self.formula!r}.",
                remedy=f"Its predictors are {', '.join(self.matrix.data.columns)}.",
            )
        column = self.matrix.data[variable]
        if isinstance(column.dtype, pd.CategoricalDtype):
            return tuple(column.cat.categories)
        return None

    def _wrap(self, worlds, combine, variable, categories, kind, over, facts) -> Estimates:
        by = (over,) if isinstance(over, str) else tuple(over or ())
        several = not isinstance(variable, str)
        if set(by) & set(variable if several else (variable,)):
            raise ModelError(f"over names {variable}, whose effect is asked for.",
                             remedy="Average over other variables.")
        keys, domain = _domains(self.survey, by, self.fit.used)
        found = average_predictions(
            self.survey.design, self.fit, self.matrix.X,
            [partial(self.matrix.world, changes) for changes in worlds], combine,
            domain=domain, n_domains=len(keys),
            offsets=[self.matrix.offset_of(changes) for changes in worlds],
        )  # fmt: skip
        k = len(categories)
        head = keys.loc[keys.index.repeat(k)].reset_index(drop=True)
        if several:
            head["variable"] = self.note["outcome"]
            for place, name in enumerate(variable):
                head[name] = [one[place] for one in categories] * len(keys)
            by = (*by, *variable)
        else:
            head = head.assign(variable=variable, category=list(categories) * len(keys))
        return self._assembled(found, head, kind, by, facts)

    def _assembled(self, found, head, kind, by, facts) -> Estimates:
        vcov = covariance(self.survey.design, found.totals)
        if self.survey.design.replicates is not None:
            facts = {**facts, "replicates": "of the linear approximation, not of a new fit each"}
        note = {**self.note, **facts, "interval": "Wald, t", "averaged_over": "fitted rows",
                "model": self.formula}
        return assemble(
            head, _statistics(found, vcov, self.df, self.level, kind), vcov, kind=kind, by=by,
            note=note, codebook=self.survey.codebook, level=self.level, totals=found.totals,
        )  # fmt: skip


def _together(model: SurveyModel, parts: list[Estimates], names: list[str]) -> Estimates:
    """Effects of several predictors as one table, in the order they were named."""
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    totals = np.column_stack([part.totals for part in parts])
    order = np.argsort([names.index(name) for name in frame["variable"]], kind="stable")
    frame, totals = frame.iloc[order].reset_index(drop=True), totals[:, order]
    first = parts[0]
    head = frame[[*first.by, "variable", "category"]]
    statistics = {name: frame[name].to_numpy() for name in frame.columns if name not in head.columns}
    note = {**first.note, "effect": "mean of dμ/dx, or difference of average predictions from the reference"}
    return assemble(head, statistics, covariance(model.survey.design, totals), kind="ame", by=first.by, note=note,
                    codebook=first.codebook, level=first.level, totals=totals)  # fmt: skip


def _statistics(
    found: AveragePredictions, vcov: np.ndarray, df: int, level: float, kind: str
) -> dict[str, np.ndarray]:
    spread = np.diag(vcov)
    std_error = np.sqrt(np.maximum(spread, 0.0)) if df > 0 else np.full(spread.size, np.nan)
    dfs = np.full(spread.size, float(df))
    low, high = intervals.wald(found.estimate, std_error, np.where(dfs > 0, dfs, np.nan), level)
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.where(found.srs_variance > 0, spread / found.srs_variance, np.nan)
        statistic = found.estimate / std_error
    out = {
        "estimate": found.estimate, "std_error": std_error, "conf_low": low, "conf_high": high,
        "df": dfs, "n": found.n, "n_eff": np.where(deff > 0, found.n / deff, found.n),
        "deff": deff,
    }  # fmt: skip
    if kind == "ame":
        out["statistic"] = statistic
        out["p_value"] = 2 * stats.t.sf(np.abs(statistic), np.where(dfs > 0, dfs, np.nan))
    return out


def _domains(
    survey: Survey, by: tuple[str, ...], used: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Domains that hold a fitted row, first variable slowest."""
    if not by:
        return pd.DataFrame(index=range(1)), None
    parts = [survey.coded(name) for name in by]
    codes = np.zeros(used.size, dtype=np.int64)
    outside = ~used
    for part in parts:
        codes = codes * len(part.levels) + part.codes
        outside = outside | (part.codes < 0)
    codes[outside] = -1
    keys = pd.MultiIndex.from_product([part.levels for part in parts], names=list(by))
    present = np.unique(codes[codes >= 0])
    if not present.size:
        raise ModelError(f"No fitted row has a value of {' and '.join(by)}.",
                         remedy="Average over variables known for the fitted rows.")
    place = np.full(len(keys) + 1, -1)
    place[present] = np.arange(present.size)
    return keys[present].to_frame(index=False), place[codes]


def frozen(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy."""
    return MappingProxyType(dict(facts))
