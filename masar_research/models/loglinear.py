"""Log-linear models of weighted tables: `survey.loglinear`."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError

from masar_research.engine import linearized
from masar_research.engine import loglinear as engine
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.coefficients import coefficient_frame
from masar_research.models.fitting import check_level, model_facts
from masar_research.models.formula import (
    check_complete,
    check_reference,
    choose_levels,
    learn,
    parse,
    unbuilt,
)
from masar_research.models.inference import Inference, df_words, infer
from masar_research.models.model import frozen
from masar_research.models.predictors import Renamed, refuse_offset
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.survey import Survey

_MOST_CELLS = 2_000
_READING = {
    "worse": {"en": "The smaller model leaves out an association that is there (p {p}).",
              "ar": "النموذج الأصغر يُسقط ارتباطاً قائماً (\u2066p {p}\u2069)."},
    "enough": {"en": "No sign that the larger model is needed (p {p}); that is no proof of independence.",
               "ar": "لا دليل على الحاجة إلى النموذج الأكبر (\u2066p {p}\u2069)، وليس ذلك برهاناً على الاستقلال."},
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The table behind a log-linear model.

    Attributes
    ----------
    code : (n,) int array
        Cell of each row, −1 outside.
    keys : pandas.DataFrame, C rows
        Codes of each cell, categorical, reference first.
    shares : (C,) float array
    vcov : (C, C) float array
        Design-based covariance of the shares.
    n : (C,) int array
        Interviews in each cell.
    """

    code: np.ndarray
    keys: pd.DataFrame
    shares: np.ndarray
    vcov: np.ndarray
    n: np.ndarray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LoglinearTest:
    """Rao–Scott tests of one log-linear model within another.

    Attributes
    ----------
    frame : pandas.DataFrame, 2 rows
        ``test`` (``"deviance"``, ``"pearson"``), ``value``, ``q``, ``statistic, df_num, df_den,
        p_value`` (second-order corrected F), ``p_first_order``, ``p_mixture``, ``mean_deff``.
    small, large : str
        Formulas.
    eigenvalues : (q,) array
        Generalised design effects.
    reading : mapping
        A cautious sentence in both languages.
    """

    frame: pd.DataFrame
    small: str
    large: str
    eigenvalues: np.ndarray
    reading: Mapping[str, str]

    def __repr__(self) -> str:
        table = self.frame.to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return f"{self.small}  within  {self.large}\n{table}\n{self.reading['en']}"

    def _repr_html_(self) -> str:
        table = self.frame.to_html(index=False, float_format=lambda value: f"{value:.4g}")
        return (f"<p><code>{html.escape(self.small)}</code> ⊂ <code>{html.escape(self.large)}</code></p>{table}"
                f"<p>{html.escape(self.reading['en'])}</p><p dir='rtl' lang='ar'>{html.escape(self.reading['ar'])}</p>")


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class LoglinearModel(Presented):
    """A log-linear model of a weighted table, ``log π_c = constant + x_c'θ``.

    Attributes
    ----------
    frame : pandas.DataFrame, p rows
        ``term, label_en, label_ar, estimate, std_error, conf_low, conf_high, statistic, df, p_value,
        odds_ratio, odds_low, odds_high``; the ratios stand for terms of two variables only, where
        exp(θ) is a conditional odds ratio.
    cells : pandas.DataFrame, C rows
        Codes, ``n``, ``observed`` and ``fitted`` shares, ``residual`` (over its design-based error).
    vcov : (p, p) array
    formula, family : str
    note : mapping
    level : float
    fit, table, encoding, inference
        What was fitted, to what.
    """

    survey: Survey
    formula: str
    family: str
    frame: pd.DataFrame
    cells: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]
    level: float
    fit: engine.LoglinearFit
    table: Cells
    encoding: Renamed
    inference: Inference

    @property
    def df(self) -> int:
        """Degrees of freedom of the t statistics: those of the design."""
        return self.inference.df

    @property
    def matrix(self) -> Renamed:
        """How the variables became columns, by the name other models use."""
        return self.encoding

    def test(self, other: str | LoglinearModel) -> LoglinearTest:
        """Rao–Scott test against a model nested in this one, or in which this one is nested.

        Parameters
        ----------
        other : str or LoglinearModel
            A formula (``"~ sex + education"``), ``"independence"`` (main effects only),
            ``"saturated"`` (all interactions) or a model of the same table.

        Returns
        -------
        LoglinearTest

        Raises
        ------
        ModelError
            Models of other tables, or neither within the other.

        Examples
        --------
        >>> model = survey.loglinear("~ sex * education")            # doctest: +SKIP
        >>> model.test("independence").frame                         # doctest: +SKIP
        """
        formula, fitted = _other(self, other)
        small, large = (self.fit, fitted) if self.fit.X.shape[1] < fitted.X.shape[1] else (fitted, self.fit)
        names = (self.formula, formula) if small is self.fit else (formula, self.formula)
        rows = int(self.table.n.sum())
        found = {
            kind: engine.nested(small, large, self.table.vcov, rows, self.df, pearson=kind == "pearson")
            for kind in ("deviance", "pearson")
        }  # fmt: skip
        frame = pd.DataFrame([
            {"test": kind, "value": t.value, "q": t.q, "statistic": t.statistic, "df_num": t.df_num,
             "df_den": t.df_den, "p_value": t.p, "p_first_order": t.p_first_order,
             "p_mixture": t.p_mixture, "mean_deff": float(t.eigenvalues.mean())}
            for kind, t in found.items()
        ])  # fmt: skip
        p = found["pearson"].p
        words = _READING["worse" if p < 0.05 else "enough"]
        shown = "< 0.001" if p < 0.001 else f"= {p:.3f}"
        return LoglinearTest(frame, *names, found["pearson"].eigenvalues,
                             {lang: text.format(p=shown) for lang, text in words.items()})

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def loglinear(
    survey: Survey, formula: str, reference: Mapping[str, Any] | None = None, level: float = 0.95
) -> LoglinearModel:
    """Log-linear model of a weighted table of two or more categorical variables.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        One-sided: ``"~ sex * education + region"``. Every variable is taken as categorical; rows
        that miss one are left out and counted.
    reference : mapping, optional
        Variable → code or label of its reference.
    level : float
        Confidence level.

    Returns
    -------
    LoglinearModel

    Raises
    ------
    ModelError
        A left side, a variable with one level, an empty margin of the model, too many cells.

    References
    ----------
    Rao and Scott (1984), *Annals of Statistics* 12; Lumley (2010), *Complex Surveys*, ch. 6.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(6)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 200), "a": rng.integers(1, 3, 200),
    ...                       "b": rng.integers(1, 4, 200)})
    >>> model = mr.Survey(frame, weights="w").loglinear("~ a + b")
    >>> model.frame["term"].tolist(), model.test("saturated").frame["q"].tolist()
    (['a[T.2]', 'b[T.2]', 'b[T.3]'], [2, 2])
    """
    check_level(level)
    if not formula.strip().startswith("~"):
        raise ModelError(
            f"{formula!r} has a left side; a log-linear model counts the cells of its variables.",
            remedy="Write '~ sex * education'.",
            ar="لا طرف أيسر لصيغة هذا النموذج؛ اكتبها على نحو ~ sex * education.",
        )
    parsed = parse(f"cell_count {formula}")
    refuse_offset(parsed)
    if not parsed.names:
        raise ModelError(f"{formula!r} names no variable.", remedy="Write '~ sex * education'.",
                         ar="لا متغيّر في الصيغة؛ اكتبها على نحو ~ sex * education.")
    table, references, absent, missing, lost = _table(survey, parsed.names, reference or {})
    X, names = _columns(parsed, table.keys)
    fitted = engine.fit(table.shares, X, names=names)
    weights = np.where(table.code >= 0, survey.design.weights, 0.0)

    def refit(other: np.ndarray) -> np.ndarray:
        own = np.bincount(table.code[table.code >= 0], other[table.code >= 0], len(X))
        return engine.fit(own / own.sum(), X, names=names, start=fitted.coef).coef

    influence = weights[:, None] / weights.sum() * fitted.by_cell[np.maximum(table.code, 0)]
    used = table.code >= 0
    inferred = infer(survey, fitted.coef, influence, used, refit, spent=0)
    encoding = Renamed(tuple(names), references, absent, missing, lost, table.keys)
    note = frozen({
        **survey.facts(), **model_facts(formula, " × ".join(parsed.names), "loglinear", encoding),
        "rows": int(used.sum()), "df": inferred.df, "level": level, "cells": len(X),
        "df_rule": df_words(survey.design, "as of the shares").removesuffix(", as of the shares"),
        "empty_cells": int((table.shares == 0).sum()), "iterations": fitted.iterations,
    })  # fmt: skip
    frame = coefficient_frame(survey.codebook, encoding, fitted.coef, inferred.vcov, inferred.df, level, "loglinear")
    pairs = frame["term"].str.count(":") == 1
    for name, of in (("odds_ratio", "estimate"), ("odds_low", "conf_low"), ("odds_high", "conf_high")):
        frame[name] = np.exp(frame[of]).where(pairs)
    cells = table.keys.astype(object).infer_objects().assign(
        n=table.n, observed=table.shares, fitted=fitted.fitted,
        residual=engine.adjusted_residuals(fitted, table.vcov),
    )  # fmt: skip
    return LoglinearModel(survey, formula, "loglinear", frame, cells, inferred.vcov, note, level, fitted,
                          table, encoding, inferred)


def _table(survey, names, reference):
    """Cells of the levels that occur, with the design's covariance of their shares."""
    coded = {name: survey.coded(name) for name in names}
    check_reference(reference, names)
    population = survey.design.weights > 0
    if survey.mask is not None:
        population = population & survey.mask
    known = {name: part.codes >= 0 for name, part in coded.items()}
    used = population & np.logical_and.reduce(list(known.values()))
    missing = {name: int((population & ~rows).sum()) for name, rows in known.items()}
    check_complete(missing, bool(used.any()))
    code, sizes, parts, references, absent = np.zeros(used.size, np.int64), [], [], {}, {}
    for name, part in coded.items():
        counts = np.bincount(part.codes[used], minlength=len(part.levels))
        chosen = choose_levels(survey, name, part.levels, counts, reference.get(name))
        own = np.where(used, chosen.lookup[np.maximum(part.codes, 0)], 0)
        code, k = code * len(chosen.categories) + own, len(chosen.categories)
        sizes.append(k)
        parts.append(chosen.categories)
        references[name] = chosen.categories[0]
        if chosen.absent:
            absent[name] = chosen.absent
    n_cells = int(np.prod(sizes))
    if n_cells > _MOST_CELLS:
        raise ModelError(
            f"The table of {' × '.join(names)} has {n_cells:,} cells, more than {_MOST_CELLS:,}.",
            remedy="Group the variables with many values, or use fewer.",
            ar="خلايا الجدول كثيرة جداً؛ اجمع فئات المتغيّرات ذات القيم الكثيرة أو استخدم متغيّرات أقل.",
        )
    code = np.where(used, code, -1)
    found = linearized.proportion(survey.design, code, n_cells, mask=used)
    where = np.unravel_index(np.arange(n_cells), sizes)
    keys = pd.DataFrame({
        name: pd.Categorical.from_codes(place, categories=list(levels))
        for name, place, levels in zip(names, where, parts, strict=True)
    })  # fmt: skip
    table = Cells(code, keys, found.estimate, covariance(survey.design, found.totals),
                  np.bincount(code[used], minlength=n_cells))
    return table, references, absent, {k: v for k, v in missing.items() if v}, int((population & ~used).sum())


def _columns(parsed, keys: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    try:
        spec = learn(parsed, keys)
        whole = np.asarray(spec.get_model_matrix(keys), dtype=float)
    except (FormulaicError, ValueError, TypeError) as error:
        raise unbuilt(parsed, error) from error
    names = list(spec.column_names)
    kept = [j for j, name in enumerate(names) if name != "Intercept"]
    return whole[:, kept], [names[j] for j in kept]


def _other(model: LoglinearModel, other: str | LoglinearModel) -> tuple[str, engine.LoglinearFit]:
    names = list(model.table.keys.columns)
    if isinstance(other, LoglinearModel):
        same = list(other.table.keys.columns) == names and len(other.fit.shares) == len(model.fit.shares)
        if not (same and np.array_equal(other.table.code, model.table.code)
                and np.array_equal(other.fit.shares, model.fit.shares)):  # fmt: skip
            raise ModelError(
                "The models are of different tables.",
                remedy="Give a formula: it is fitted to this model's own table and rows.",
                ar="النموذجان لجدولين مختلفين؛ أعطِ صيغة لتُقدَّر على جدول هذا النموذج نفسه.",
            )
        return other.formula, other.fit
    formula = {"independence": f"~ {' + '.join(names)}", "saturated": f"~ {' * '.join(names)}"}.get(other, other)
    parsed = parse(f"cell_count {formula if formula.strip().startswith('~') else '~ ' + formula}")
    strange = sorted(set(parsed.names) - set(names))
    if strange:
        raise ModelError(
            f"{', '.join(strange)} is not in the table of {model.formula!r}.",
            remedy=f"Compare within the table of {', '.join(names)}: name every variable in the larger model.",
            ar="في الصيغة متغيّر ليس في جدول هذا النموذج؛ اذكر كل المتغيّرات في النموذج الأكبر.",
        )
    X, columns = _columns(parsed, model.table.keys)
    return formula, engine.fit(model.table.shares, X, names=columns)
