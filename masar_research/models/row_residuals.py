"""Residuals of ordinal, multinomial and Cox models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from masar_research.engine import cox_residuals, multinomial, ordinal, outcome_residuals
from masar_research.models.diagnostics import (
    KINDS,
    SUMMARISED,
    Residuals,
    check_kind,
    summary_cells,
    summary_heads,
    summary_of,
)
from masar_research.models.predictors import code_text, level_words
from masar_research.present import tables

if TYPE_CHECKING:
    from masar_research.models.cox import CoxModel
    from masar_research.models.multinomial import MultinomialModel
    from masar_research.models.ordinal import OrdinalModel

    Likelihood = OrdinalModel | MultinomialModel | CoxModel

#: Kinds of residuals by family, the default first.
KINDS_OF = {
    "ordinal": ("probability_scale", "pearson", "response"),
    "multinomial": ("pearson", "response"),
    "cox": ("martingale", "deviance", "score", "schoenfeld", "scaled_schoenfeld"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ColumnResiduals:
    """Residuals of the fitted rows, a column for each level of the outcome or each coefficient.

    A working table of persons: it prints as a summary only.

    Attributes
    ----------
    kind : str
    columns : tuple of str
        Codes of the levels, or terms.
    values : (n, k) float array
        NaN outside the fitted rows, Schoenfeld residuals also where there is no event.
    weights : (n,) float array
        0 outside the fitted rows.
    labels : mapping
        Column → (English, Arabic).
    note : mapping
    """

    kind: str
    columns: tuple[str, ...]
    values: np.ndarray
    weights: np.ndarray
    labels: Mapping[str, tuple[str, str]]
    note: Mapping[str, Any]

    def summary(self) -> pd.DataFrame:
        """Weighted mean, standard deviation and quantiles, a row for each column."""
        return pd.DataFrame([
            {"column": name, **summary_of(values, self.weights)}
            for name, values in zip(self.columns, self.values.T, strict=True)
        ])  # fmt: skip

    def _parts(self, lang: str) -> tuple[list[list[str]], list[tables.Column], tuple[str, str]]:
        heads, quantiles = summary_heads(lang)
        ar = lang == "ar"
        rows = [[self.labels[row["column"]][ar], *summary_cells(row, lang)] for row in self.summary().to_dict("records")]
        words = KINDS[self.kind][ar]
        columns = [tables.Column(heads[0]), *(tables.Column(h, True) for h in (*heads[1:], *quantiles))]
        return rows, columns, (words[0].upper() + words[1:], SUMMARISED[lang])

    def __repr__(self) -> str:
        rows, columns, notes = self._parts("en")
        return tables.plain_text(rows, columns, notes=notes)

    def _repr_html_(self) -> str:
        out = []
        for lang in ("en", "ar"):
            rows, columns, notes = self._parts(lang)
            out.append(tables.estimates_html(rows, columns, lang, notes=notes))
        return "".join(out)


def residuals(model: Likelihood, kind: str | None = None) -> Residuals | ColumnResiduals:
    """Residuals of an ordinal, multinomial or Cox model; none is drawn at random.

    Parameters
    ----------
    model : OrdinalModel, MultinomialModel or CoxModel
    kind : str, optional
        Ordinal: "probability_scale" (default), P(Y* < y) − P(Y* > y) under the fitted law; "pearson"
        and "response" of each level. Multinomial: "pearson" (default) or "response" of each level.
        Cox: "martingale" (default), "deviance", "score", "schoenfeld", "scaled_schoenfeld". Survey
        weights do not scale them, as with R's ``residuals``.

    Returns
    -------
    Residuals or ColumnResiduals
        The latter where a row has one for each level or coefficient.

    Raises
    ------
    ModelError
        A kind that the model has not.

    References
    ----------
    Li and Shepherd (2012), *Biometrika* 99, 473–480; Therneau, Grambsch and Fleming (1990),
    *Biometrika* 77, 147–160.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(5)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 300), "age": rng.uniform(2, 6, 300)})
    >>> frame["trust"] = np.digitize(0.5 * frame["age"] + rng.logistic(size=300), [1.0, 2.5])
    >>> found = mr.Survey(frame, weights="w").ordinal("trust ~ age").residuals()
    >>> bool(abs(found.summary()["mean"].iloc[0]) < 1e-9)
    True
    """
    family = model.family.split(" ")[0]
    kind = KINDS_OF[family][0] if kind is None else kind
    check_kind(kind, KINDS_OF[family])
    fit = model.fit
    note = {"formula": model.formula, "family": model.family, "kind": kind, "rows": fit.n_used,
            "weights": model.note["weights"]}
    if family == "cox":
        return _of_cox(cast("CoxModel", model), kind, note)
    shares, rows = probabilities(cast("OrdinalModel", model)), fit.used
    outcome = cast("OrdinalModel", model).outcome
    y = outcome.codes[rows]
    if kind == "probability_scale":
        values = np.full(rows.size, np.nan)
        values[rows] = outcome_residuals.probability_scale(shares[rows], y)
        return Residuals(kind, values, linear_predictor(model), fit.weights, note)
    table = np.full(shares.shape, np.nan)
    table[rows] = outcome_residuals.per_level(shares[rows], y, scaled=kind == "pearson")
    names = tuple(code_text(code) for code in outcome.levels)
    words = {
        name: tuple(level_words(model.survey, outcome.name, code, lang) for lang in ("en", "ar"))
        for name, code in zip(names, outcome.levels, strict=True)
    }
    return ColumnResiduals(kind, names, table, fit.weights, cast("Mapping[str, tuple[str, str]]", words), note)


def _of_cox(model: CoxModel, kind: str, note: Mapping[str, Any]) -> Residuals | ColumnResiduals:
    values = cox_residuals.residuals(model.fit, model.sets, cast(cox_residuals.CoxResidual, kind))
    if values.ndim == 1:
        return Residuals(kind, values, linear_predictor(model), model.fit.weights, note)
    words = labels_of(model)
    return ColumnResiduals(kind, tuple(words), values, model.fit.weights, words, {**note, "events": model.note["events"]})


def labels_of(model: Any) -> dict[str, tuple[str, str]]:
    """Each term's labels in both languages; the term itself where it has none."""
    return {row["term"]: (row["label_en"] or row["term"], row["label_ar"] or row["term"])
            for row in model.frame.to_dict("records")}


def probabilities(model: OrdinalModel | MultinomialModel) -> np.ndarray:
    """(n, K) fitted probabilities of the levels; NaN outside the fitted rows."""
    rows, n_levels = model.fit.used, len(model.outcome.levels)
    X, out = model.matrix.X[rows], np.full((rows.size, n_levels), np.nan)
    if model.family == "multinomial":
        out[rows] = multinomial.probabilities(model.fit.coef, X, n_levels)
    else:
        out[rows] = ordinal.probabilities(model.fit.coef, X, n_levels, cast("OrdinalModel", model).link)
    return out


def linear_predictor(model: OrdinalModel | CoxModel) -> np.ndarray:
    """(n,) x'β without thresholds; NaN outside the fitted rows."""
    rows, out = model.fit.used, np.full(model.fit.used.size, np.nan)
    X = model.matrix.X[rows]
    out[rows] = X @ model.fit.coef[: X.shape[1]]
    return out
