"""Residuals of a survey model, and what persons and sampling units do to its coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd

from masar_research.engine import influential as engine
from masar_research.errors import ModelError
from masar_research.present import numbers, tables
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.models.model import SurveyModel

Leaving = Literal["one_step", "refit"]
KINDS = {
    "response": ("response residuals", "البواقي الخام"),
    "pearson": ("Pearson residuals", "بواقي بيرسون"),
    "standardized": ("standardised Pearson residuals", "بواقي بيرسون المعيارية"),
    "deviance": ("deviance residuals", "بواقي الانحراف"),
    "quantile": ("randomised quantile residuals", "بواقي الرتب العشوائية"),
    "probability_scale": ("probability-scale residuals", "بواقي مقياس الاحتمال"),
    "martingale": ("martingale residuals", "بواقي مارتنغيل"),
    "score": ("score residuals", "بواقي دالة الإحراز"),
    "schoenfeld": ("Schoenfeld residuals", "بواقي شونفيلد"),
    "scaled_schoenfeld": ("scaled Schoenfeld residuals", "بواقي شونفيلد المقيسة"),
}
SUMMARISED = {"en": "weighted; single persons are not shown", "ar": "مرجّحة؛ لا تُعرض بيانات أفراد"}
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_SHOWN = 8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Residuals:
    """Residuals of the fitted rows. A working table of persons: it prints as a summary only.

    Attributes
    ----------
    kind : str
    values : (n,) float array
        One for each row of the survey; NaN outside the fitted rows.
    fitted : (n,) float array
        Fitted means, in ordinal and Cox models linear predictors x'β; NaN outside.
    weights : (n,) float array
        0 outside.
    note : mapping
        Formula, family, dispersion.
    """

    kind: str
    values: np.ndarray
    fitted: np.ndarray
    weights: np.ndarray
    note: Mapping[str, Any]

    def summary(self) -> pd.DataFrame:
        """Weighted mean, standard deviation and quantiles, one row."""
        return pd.DataFrame([summary_of(self.values, self.weights)])

    def _parts(self, lang: str) -> tuple[list[list[str]], list[tables.Column], str]:
        row = self.summary().iloc[0]
        heads, quantiles = summary_heads(lang)
        cells = [KINDS[self.kind][lang == "ar"], *summary_cells(row, lang)]
        columns = [tables.Column(heads[0]), *(tables.Column(h, True) for h in (*heads[1:], *quantiles))]
        return [cells], columns, SUMMARISED[lang]

    def __repr__(self) -> str:
        rows, columns, note = self._parts("en")
        return tables.plain_text(rows, columns, notes=(note,))

    def _repr_html_(self) -> str:
        out = []
        for lang in ("en", "ar"):
            rows, columns, note = self._parts(lang)
            out.append(tables.estimates_html(rows, columns, lang, notes=(note,)))
        return "".join(out)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Influence:
    """What leaving out a person, or a primary sampling unit, does to the coefficients.

    Attributes
    ----------
    terms : tuple of str
    leverage : (n,) float array
        Survey-weighted leverages, 0 outside the fitted rows; they add to p.
    dfbetas : (n, p) float array
        Change of each coefficient by leaving out the row, in design-based standard errors.
    cook : (n,) float array
        ``Δ' V⁻¹ Δ / p`` with the design-based covariance V.
    psus : pandas.DataFrame
        One row per PSU with fitted rows, most influential first: its codes as the file gives them,
        ``persons, weight_share, leverage, cook, largest, term``, and ``change[term]`` of every
        coefficient (full fit less the fit without the PSU). Empty where the design has no PSUs.
    cutoffs : mapping
        ``leverage 2p/n, dfbetas 3/√n, cook 4/n, psu_dfbetas 2/√m, psu_cook 4/m``, m PSUs.
    note : mapping
        How PSUs were left out; rows above each cutoff; PSUs without which nothing finite is left.
    """

    terms: tuple[str, ...]
    leverage: np.ndarray
    dfbetas: np.ndarray
    cook: np.ndarray
    psus: pd.DataFrame
    cutoffs: Mapping[str, float]
    note: Mapping[str, Any]

    labels: Mapping[str, tuple[str, str]]

    def table(self, lang: str = "en", most: int = _SHOWN) -> str:
        """HTML table of the most influential PSUs in one language."""
        rows, columns, notes = self._parts(lang, most)
        return tables.estimates_html(rows, columns, lang, notes=notes)

    def _parts(self, lang: str, most: int) -> tuple[list[list[str]], list[tables.Column], tuple[str, ...]]:
        check_language(lang)
        ar = lang == "ar"
        heads = {
            "en": ("PSU", "Persons", "Share of weight", "Distance", "Largest change, in standard errors", "of"),
            "ar": ("وحدة المعاينة", "الأفراد", "حصتها من الأوزان", "المسافة", "أكبر تغيّر بوحدة الخطأ المعياري", "في معامل"),
        }[lang]
        keys = self.note["psu_columns"]
        rows = [
            [" · ".join(_code(row[key]) for key in keys), numbers.number(row["persons"], lang),
             numbers.percent(row["weight_share"], lang), _figure(row["cook"], lang, 3),
             _figure(row["largest"], lang, 2), self.labels.get(row["term"], ("–", "–"))[ar]]
            for row in self.psus.head(most).to_dict("records")
        ]  # fmt: skip
        over = self.note["psus_over_cook"]
        more = {
            "en": (f"Changes of coefficients when one sampling unit is left out ({self.note['psu_method'][0]}); "
                   f"distance above {self.cutoffs['psu_cook']:.3f}: {over} of {len(self.psus)}",
                   f"Persons above the cut-offs: leverage {self.note['over_leverage']}, "
                   f"distance {self.note['over_cook']}"),
            "ar": (f"تغيّر المعاملات عند ترك وحدة معاينة واحدة ({self.note['psu_method'][1]})؛ "
                   f"مسافة تفوق \u2066{self.cutoffs['psu_cook']:.3f}\u2069: \u2066{over}\u2069 من \u2066{len(self.psus)}\u2069",
                   f"أفراد فوق الحدود: الرافعة \u2066{self.note['over_leverage']}\u2069، "
                   f"المسافة \u2066{self.note['over_cook']}\u2069"),
        }[lang]  # fmt: skip
        if not keys:
            more = ({"en": "The design has no primary sampling units.", "ar": "لا وحدات معاينة أولية في التصميم."}[lang], more[1])
        return rows, [tables.Column(h, j not in (0, 5)) for j, h in enumerate(heads)], more

    def __repr__(self) -> str:
        rows, columns, notes = self._parts("en", _SHOWN)
        return tables.plain_text(rows, columns, notes=notes)

    def _repr_html_(self) -> str:
        return self.table("en") + self.table("ar")


def residuals(
    model: SurveyModel, kind: str = "pearson", rng: np.random.Generator | None = None
) -> Residuals:
    """Residuals of a generalised linear survey model.

    Parameters
    ----------
    model : SurveyModel
    kind : {"response", "pearson", "standardized", "deviance", "quantile"}
        See :func:`masar_research.engine.influential.residuals` for each formula. Survey weights do
        not scale them (as R's ``residuals(svyglm, "pearson")``); they enter the leverages of the
        standardised ones, the dispersion, and the summary.
    rng : numpy.random.Generator, optional
        For quantile residuals of an outcome with steps, and for nothing else.

    Returns
    -------
    Residuals

    Raises
    ------
    ModelError
        Unknown kind; a generator where nothing is drawn, or none where something is.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 10, "psu": list(range(10)) * 2, "age": range(20),
    ...                       "pay": [3.0, 5.0, 4.0, 8.0, 6.0] * 4})
    >>> model = mr.Survey(frame, weights="w", psu="psu").linear("pay ~ age")
    >>> found = model.residuals("response")
    >>> bool(abs(found.summary()["mean"].iloc[0]) < 1e-12)
    True
    """
    check_kind(kind, engine.RESIDUALS)
    if rng is not None and kind != "quantile":
        raise ModelError(f"{kind} residuals draw nothing at random.", remedy="Leave rng out.",
                         ar="لا سحب عشوائي في هذه البواقي؛ احذف rng.")
    fit = model.fit
    values = engine.residuals(fit, model.matrix.X, model.matrix.y, cast(engine.Residual, kind), rng)
    note = {"formula": model.formula, "family": model.family, "kind": kind, "rows": fit.n_used,
            "dispersion": engine.dispersion(fit, model.matrix.y), "weights": model.note["weights"]}
    return Residuals(kind, values, fit.mu, fit.weights, note)


def influence(model: SurveyModel, leaving: Leaving = "refit") -> Influence:
    """Leverages, DFBETAS, Cook-like distances, and coefficients without each PSU.

    Persons: ``Δ_i = (Σ ω x x')⁻¹ x_i s_i / (1 − h_i)``, exact for a linear model and one step for the
    others. PSUs: everybody in the PSU gets weight 0, others keep theirs.

    Parameters
    ----------
    model : SurveyModel
    leaving : {"refit", "one_step"}
        Coefficients without a PSU: of the model fitted again, or after one step from the full fit.
        A negative binomial keeps its dispersion.

    Returns
    -------
    Influence

    Raises
    ------
    ModelError
        A penalised fit; an unknown way of leaving out.

    References
    ----------
    Li and Valliant (2009, 2011), *Survey Methodology* 35 and *J. Official Statistics* 27;
    Pregibon (1981), *Ann. Statist.* 9.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 10, "psu": list(range(10)) * 2, "age": range(20),
    ...                       "pay": [3.0, 5.0, 4.0, 8.0, 6.0] * 4})
    >>> found = mr.Survey(frame, weights="w", psu="psu").linear("pay ~ age").influence()
    >>> len(found.psus), round(float(found.leverage.sum()), 6)
    (10, 2.0)
    """
    check_leaving(leaving)
    fit, X, y = model.fit, model.matrix.X, model.matrix.y
    if fit.penalty is not None:
        raise ModelError("A penalised fit has no such diagnostics: the penalty depends on all rows together.",
                         remedy="Look at the unpenalised model, or leave out a group with survey.where(...).",
                         ar="لا تتوافر هذه القياسات لنموذج معاقَب؛ انظر النموذج من غير جزاء.")
    leverage = engine.leverages(fit, X)
    change = engine.without_rows(fit, X, leverage)
    units = psus_of(model)
    found = engine.without_groups(fit, X, y, units.codes, len(units.labels), exact=leaving == "refit")
    return collected(model, leverage, change, units, found, exact=leaving == "refit" or model.family == "gaussian")


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Primary sampling units of the fitted rows.

    Attributes
    ----------
    columns : tuple of str
        That name a unit.
    codes : (n,) int array
        Unit of each fitted row, −1 outside.
    labels : pandas.DataFrame, m rows
    """

    columns: tuple[str, ...]
    codes: np.ndarray
    labels: pd.DataFrame


def collected(
    model: Any, leverage: np.ndarray, change: np.ndarray, units: Units, found: engine.Deletions, *, exact: bool
) -> Influence:
    """Changes of coefficients as an :class:`Influence`.

    Parameters
    ----------
    model : a fitted model
    leverage : (n,) float array
    change : (n, q) float array
        Coefficients less those without each row.
    units : Units
    found : Deletions
        The same for each unit.
    exact : bool
        Whether the model was fitted again without each unit.
    """
    fit = model.fit
    n, p, terms = fit.n_used, fit.coef.size, tuple(model.frame["term"])
    error = np.sqrt(np.diag(model.vcov))
    cook = engine.distances(change, model.vcov)
    columns, codes, labels = units.columns, units.codes, units.labels
    moved = found.change / error
    m = max(len(labels), 1)
    cutoffs = {"leverage": 2 * p / n, "dfbetas": 3 / np.sqrt(n), "cook": 4 / n,
               "psu_dfbetas": 2 / np.sqrt(m), "psu_cook": 4 / m}
    frame = labels.copy()
    frame["persons"] = np.bincount(codes[codes >= 0], minlength=len(labels))
    frame["weight_share"] = np.bincount(codes[codes >= 0], fit.weights[codes >= 0], len(labels)) / fit.weights.sum()
    frame["leverage"] = found.leverage
    frame["cook"] = engine.distances(found.change, model.vcov)
    known = np.isfinite(moved).all(axis=1)
    place = np.abs(np.where(known[:, None], moved, 0.0)).argmax(axis=1)
    frame["largest"] = np.where(known, moved[np.arange(len(labels)), place], np.nan)
    frame["term"] = [terms[j] if fine else None for j, fine in zip(place, known, strict=True)]
    for j, term in enumerate(terms):
        frame[f"change[{term}]"] = found.change[:, j]
    frame = frame.sort_values("cook", ascending=False, na_position="first", kind="stable").reset_index(drop=True)
    note = {
        "formula": model.formula, "psu_columns": columns,
        "psu_method": ("fitted again", "بتقدير النموذج من جديد") if exact else ("one step", "بخطوة واحدة"),
        "psus_over_cook": int((frame["cook"] > cutoffs["psu_cook"]).sum()),
        "psus_without_fit": int((~known).sum()),
        "over_leverage": int((leverage > cutoffs["leverage"]).sum()),
        "over_dfbetas": int((np.abs(change / error) > cutoffs["dfbetas"]).any(axis=1).sum()),
        "over_cook": int((cook > cutoffs["cook"]).sum()), "standard_errors": "design-based",
    }  # fmt: skip
    words = {row["term"]: (row["label_en"] or row["term"], row["label_ar"] or row["term"])
             for row in model.frame.to_dict("records")}
    return Influence(terms, leverage, change / error, cook, frame, cutoffs, note, words)


def psus_of(model: Any) -> Units:
    """The primary sampling units among the fitted rows of a model; none where the design has none."""
    roles, frame = model.survey.roles, model.survey.frame
    used, codes = model.fit.used, np.full(model.fit.used.size, -1, dtype=np.intp)
    stages = tuple(roles["psu"] or ())
    if not stages:
        return Units((), codes, pd.DataFrame(index=range(0)))
    strata = roles["strata"]
    columns = tuple(dict.fromkeys(name for name in (strata, stages[0]) if name))
    groups = frame.loc[used, list(columns)].groupby(list(columns), sort=False, observed=True, dropna=False)
    codes[used] = groups.ngroup().to_numpy()
    labels = frame.loc[used, list(columns)].drop_duplicates().reset_index(drop=True)
    return Units(columns, codes, labels)


def check_kind(kind: str, known: Sequence[str]) -> None:
    """Refuse a kind of residual that a model has not."""
    if kind not in known:
        raise ModelError(f"kind={kind!r} is no kind of residual of this model.", remedy=f"Use one of {', '.join(known)}.",
                         ar=f"نوع البواقي غير معروف لهذا النموذج؛ الأنواع: \u2066{', '.join(known)}\u2069.")


def check_leaving(leaving: str) -> None:
    """Refuse an unknown way of leaving units out."""
    if leaving not in ("refit", "one_step"):
        raise ModelError(f"leaving={leaving!r} is not known.", remedy="Use 'refit' or 'one_step'.",
                         ar="طريقة الترك غير معروفة؛ استعمل refit أو one_step.")


def summary_of(values: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """``n, mean, std, q05 … q95`` of the finite values of rows with a weight, weighted."""
    keep = (weights > 0) & np.isfinite(values)
    value, w = values[keep], weights[keep] / weights[keep].sum()
    mean = float(w @ value)
    cuts = weighted_quantiles(value, w, np.array(_LEVELS))
    named = {f"q{round(100 * level):02d}": cut for level, cut in zip(_LEVELS, cuts, strict=True)}
    return {"n": int(value.size), "mean": mean, "std": float(np.sqrt(w @ (value - mean) ** 2)), **named}


def summary_heads(lang: str) -> tuple[tuple[str, ...], list[str]]:
    """Heads of a summary's table, and of its quantiles."""
    heads = {"en": ("Residuals", "n", "Mean", "SD"), "ar": ("البواقي", "ن", "المتوسط", "الانحراف المعياري")}[lang]
    return heads, [numbers.percent_word(level, lang) for level in _LEVELS]


def summary_cells(row: Any, lang: str) -> list[str]:
    """Cells of one row of a summary."""
    return [numbers.number(row["n"], lang),
            *(numbers.number(row[c], lang, 3) for c in ("mean", "std", *(f"q{round(100 * q):02d}" for q in _LEVELS)))]


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles at which the weighted distribution first reaches each level, halfway through steps."""
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(weights[order]) - weights[order] / 2
    return np.interp(levels, middle / weights.sum(), values[order])


def _code(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(value: float, lang: str, digits: int) -> str:
    return "–" if not np.isfinite(value) else numbers.number(value, lang, digits)
