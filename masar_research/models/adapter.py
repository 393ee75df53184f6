"""Survey models as the package ``marginaleffects`` reads models: `model.for_marginaleffects()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError

from masar_research.engine.glm import response
from masar_research.errors import ModelError
from masar_research.models.comparison_parts import code_of
from masar_research.models.matrix import offset_values

WEIGHT = "survey_weight"
_RESERVED = frozenset({
    "rowid", "type", "group", "estimate", "std_error", "p_value", "s_value", "conf_low", "conf_high", "term",
    "contrast", "statistic", "index", "rownames", WEIGHT,
})  # fmt: skip
_CATEGORICAL = ("ordinal", "multinomial")


@dataclass(frozen=True, slots=True, eq=False)
class Readable:
    """What another package must know of a fitted model, in plain arrays and frames.

    Attributes
    ----------
    model : a fitted model
    data : pandas.DataFrame, n_used rows
        The fitted rows: outcome, predictors (categorical ones as text codes, reference first), further
        columns asked for, and ``survey_weight``.
    coef : (q,) float array
    coef_names : tuple of str
    vcov : (q, q) float array
        Design-based.
    df : float
        Of t statistics.
    groups : tuple of str or None
        Levels of a categorical outcome.
    """

    model: Any
    data: pd.DataFrame
    coef: np.ndarray
    coef_names: tuple[str, ...]
    vcov: np.ndarray
    df: float
    groups: tuple[str, ...] | None

    @property
    def outcome(self) -> str:
        """The outcome's name."""
        return str(self.model.note["outcome"])

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of the predictors."""
        return tuple(self.model.matrix.data.columns)

    def levels(self, name: str) -> tuple[str, ...] | None:
        """Codes of a categorical predictor as text, reference first; None for a numeric one."""
        column = self.model.matrix.data[name]
        if not isinstance(column.dtype, pd.CategoricalDtype):
            return None
        return tuple(code_of(code) for code in column.cat.categories)

    def matrix(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """(m, p + 1) design matrix of other data, the offset in its last column.

        Parameters
        ----------
        columns : mapping
            Predictor → m values; categorical ones as text codes.

        Raises
        ------
        ModelError
            A predictor is lacking, or holds a level the model was not fitted on.
        """
        coded = {}
        for name in self.predictors:
            if name not in columns:
                raise ModelError(f"The data lack {name}, which {self.model.formula!r} needs.",
                                 remedy="Give one column for each predictor.",
                                 ar=f"تنقص البيانات المتغيّر {name} الذي يحتاجه النموذج.")
            levels = self.levels(name)
            if levels is None:
                coded[name] = np.asarray(columns[name], dtype=float)
                continue
            places = {code: k for k, code in enumerate(levels)}
            unknown = sorted({str(value) for value in columns[name]} - set(places))
            if unknown:
                raise ModelError(f"{name} holds {unknown}, on which the model was not fitted.",
                                 remedy=f"Its codes are {list(levels)}.",
                                 ar=f"في المتغيّر {name} فئات لم يُقدَّر عليها النموذج.")
            coded[name] = pd.Categorical.from_codes([places[str(value)] for value in columns[name]],
                                                    dtype=self.model.matrix.data[name].dtype)
        made = self.model.matrix
        length = len(next(iter(columns.values()))) if columns else 0
        frame = pd.DataFrame(coded, index=pd.RangeIndex(length))
        whole = getattr(made, "matrix", made)
        try:
            X = whole.rows_of(frame)
        except FormulaicError as error:
            raise ModelError(
                f"The predictors of {self.model.formula!r} could not be built of these data: {error}".split("\n")[0],
                remedy="A spline knows its own range only: use model.margins for its slope, or write "
                "bs(..., extrapolation='extend').",
                ar="تعذّر بناء المتغيّرات المفسّرة؛ فالشريحة spline لا تُعرف خارج مداها، فاستعمل \u2066model.margins\u2069.",
            ) from error
        if made is not whole:
            X = X[:, made.kept]
        offset = offset_values(whole.offsets, frame, np.ones(length, bool))
        return np.column_stack([X, np.zeros(length) if offset is None else offset])

    def predict(self, coef: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Predictions with given coefficients.

        Parameters
        ----------
        coef : (q,) float array
        matrix : (m, p + 1) float array
            As :meth:`matrix` gives it.

        Returns
        -------
        (m,) float array
            The mean of the outcome; (m, K) probabilities of the levels of a categorical one.
        """
        X, offset = matrix[:, :-1], matrix[:, -1]
        if self.groups is None:
            return response(X @ np.asarray(coef, float) + offset, self.model.fit.family)
        return self.model._averaging().model.probabilities(np.asarray(coef, float), X)


def readable(model: Any, columns: Sequence[str] = ()) -> Readable:
    """A model in plain arrays, for a package that computes marginal effects.

    Parameters
    ----------
    model : SurveyModel, OrdinalModel or MultinomialModel
    columns : sequence of str, optional
        Further variables of the survey to average over.

    Raises
    ------
    ModelError
        A model without predictions of a mean or of probabilities; a name that package keeps for itself.
    """
    base = model.family.split(" ")[0]
    if not hasattr(model, "margins"):
        raise ModelError(
            f"A {model.family} model gives no predictions that marginal effects can be made of.",
            remedy="Use a generalised linear, ordinal or multinomial model.",
            ar="لا يعطي هذا النموذج تنبؤات تُحسب منها آثار هامشية؛ استعمل نموذجاً خطياً معمماً أو ترتيبياً أو متعدد الفئات.",
        )
    made, used = model.matrix, model.fit.used
    outcome = str(model.note["outcome"])
    names = [outcome, *made.data.columns, *columns]
    taken = sorted(set(names) & _RESERVED)
    if taken:
        raise ModelError(f"{', '.join(taken)} is a name marginaleffects keeps for itself.",
                         remedy="Give the variable another name before fitting.",
                         ar=f"الاسم \u2066{', '.join(taken)}\u2069 محجوز في حزمة marginaleffects؛ غيّر اسم المتغيّر.")
    data: dict[str, Any] = {outcome: model.survey.values(outcome)[used]}
    for name, column in made.data.items():
        data[str(name)] = ([code_of(code) for code in column] if isinstance(column.dtype, pd.CategoricalDtype)
                           else column.to_numpy(float))
    for name in columns:
        if name not in data:
            coded = model.survey.coded(name)
            data[name] = [code_of(coded.levels[k]) if k >= 0 else "–" for k in coded.codes[used]]
    data[WEIGHT] = model.fit.weights[used]
    groups = None if base not in _CATEGORICAL else tuple(code_of(level) for level in model.outcome.levels)
    return Readable(model, pd.DataFrame(data), np.asarray(model.fit.coef, float), tuple(model.frame["term"]),
                    np.asarray(model.vcov, float), float(model.df), groups)


def for_marginaleffects(model: Any, columns: Sequence[str] = ()) -> Any:
    """A model that functions of ``marginaleffects`` take.

    Parameters
    ----------
    model : SurveyModel, OrdinalModel or MultinomialModel
    columns : sequence of str, optional
        Further variables of the survey for ``by=``.

    Returns
    -------
    marginaleffects ModelAbstract
        Its data hold ``survey_weight``: averages need ``wts="survey_weight"``. Its covariance is the
        design's and its t quantiles have the model's degrees of freedom.

    Raises
    ------
    ModelError
        The package is not installed; otherwise as :func:`readable`.

    Notes
    -----
    ``marginaleffects`` takes the people averaged over as fixed: its standard errors hold the sampling
    of the coefficients only. `model.margins` adds that of the people, as a survey's population average
    needs; estimates agree, standard errors of nonlinear models differ by that part.

    Examples
    --------
    >>> from marginaleffects import avg_comparisons                       # doctest: +SKIP
    >>> avg_comparisons(model.for_marginaleffects(), wts="survey_weight")   # doctest: +SKIP
    """
    try:
        import polars as pl
        from marginaleffects.classes import ModelAbstract, ModelVault
    except ImportError as error:
        raise ModelError(
            "The package marginaleffects (0.6 or later) is not installed.",
            remedy="Install it beside this package: pip install 'marginaleffects>=0.6'. model.margins needs it not.",
            ar="حزمة marginaleffects (الإصدار 0.6 فما بعد) غير مثبتة؛ ثبّتها، أو استعمل model.margins التي لا تحتاج إليها.",
        ) from error
    from_us = readable(model, columns)

    class SurveyAdapter(ModelAbstract):
        """Hands the calls of marginaleffects to `Readable`."""

        df_resid = from_us.df

        def get_vcov(self, vcov: Any = True) -> np.ndarray | None:
            if isinstance(vcov, bool):
                return from_us.vcov if vcov else None
            raise ModelError(f"vcov={vcov!r}: the covariance is that of the survey's design.",
                             remedy="Use vcov=True, or refit the model with another design.",
                             ar="التغاير هو تغاير تصميم المسح؛ استعمل vcov=True.")

        def get_exog(self, newdata: Any) -> np.ndarray:
            return from_us.matrix({name: newdata[name].to_list() for name in from_us.predictors})

        def get_predict(self, params: np.ndarray, newdata: Any) -> Any:
            matrix = newdata if isinstance(newdata, np.ndarray) else self.get_exog(newdata)
            found = from_us.predict(params, matrix)
            rows = np.arange(len(found), dtype=np.int32)
            if found.ndim == 1:
                return pl.DataFrame({"rowid": rows, "estimate": found})
            assert from_us.groups is not None
            return pl.DataFrame({
                "rowid": np.tile(rows, found.shape[1]), "group": np.repeat(from_us.groups, len(found)),
                "estimate": found.T.ravel(),
            })  # fmt: skip

    table = pl.DataFrame({
        str(name): pl.Series(column.to_list()).cast(pl.Enum(_order(from_us, str(name), column)))
        if column.dtype.kind == "O" or str(column.dtype).startswith("str") else column.to_numpy()
        for name, column in from_us.data.items()
    })  # fmt: skip
    return SurveyAdapter(model, ModelVault(
        coef=from_us.coef, coefnames=np.array(from_us.coef_names), modeldata=table, vcov=from_us.vcov,
        # Text would be parsed again, with rules of its own for C() and splines.
        formula=lambda data: (None, from_us.matrix({name: data[name].to_list() for name in from_us.predictors})),
        variable_names=[from_us.outcome, *from_us.predictors], package="masar_research",
    ))  # fmt: skip


def _order(from_us: Readable, name: str, column: pd.Series) -> list[str]:
    known = from_us.levels(name) if name in from_us.predictors else None
    return list(known) if known is not None else sorted(column.unique())
