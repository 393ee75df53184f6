"""Survey-weighted quantile regression: `survey.quantile_regression`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import quantile_regression as engine
from masar_research.engine.newton import LikelihoodFit
from masar_research.errors import ModelError
from masar_research.models.coefficients import coefficient_frame
from masar_research.models.fitting import check_level
from masar_research.models.formula import parse
from masar_research.models.inference import Inference, df_words, facts, infer
from masar_research.models.predictors import Predictors, predictors
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.survey import Survey

_HEAPED = {
    "en": "{share} of the weight lies exactly on a fitted quantile: the outcome is heaped, and the standard "
    "errors, which take it as continuous, are rough. Bootstrap replicates make no such assumption.",
    "ar": "تقع \u2066{share}\u2069 من الأوزان على المئين المقدّر تماماً: قيم المتغيّر متكتلة، والأخطاء المعيارية التي "
    "تعدّه متصلاً تقريبية. أما أوزان الاستعيان المكررة فلا تفترض ذلك.",
}
_JACKKNIFE = {
    "en": "The jackknife is not consistent for quantiles; use mr.replicates.RaoWu() or BRR.",
    "ar": "طريقة السكين (jackknife) غير متسقة للمئينات؛ استخدم mr.replicates.RaoWu() أو BRR.",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class QuantileModel(Presented):
    """A survey-weighted quantile regression, Q_τ(y | x) = x'β(τ).

    Attributes
    ----------
    frame : pandas.DataFrame, T p rows
        Quantile by quantile: ``term`` (``"0.25: age"`` where there are several), ``label_en,
        label_ar, tau, predictor, estimate, std_error, conf_low, conf_high, statistic, df, p_value``.
    vcov : (T p, T p) array
        Design-based covariance, between quantiles too.
    formula, family : str
    tau : tuple of float
    note : mapping
        Rows, how the standard error came about, cautions, df, base.
    level : float
    fits : tuple of LikelihoodFit
    predictors, inference
        What was fitted, to what.
    """

    survey: Survey
    formula: str
    family: str
    tau: tuple[float, ...]
    frame: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]
    level: float
    fits: tuple[LikelihoodFit, ...]
    predictors: Predictors
    inference: Inference

    @property
    def df(self) -> int:
        """Degrees of freedom of the t statistics."""
        return self.inference.df

    @property
    def fit(self) -> LikelihoodFit:
        """The fit of the first quantile."""
        return self.fits[0]

    @property
    def matrix(self) -> Predictors:
        """The predictors, by the name other models use."""
        return self.predictors

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def quantile_regression(
    survey: Survey,
    formula: str,
    tau: float | Sequence[float] = 0.5,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> QuantileModel:
    """Survey-weighted linear quantile regression.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"wage ~ C(sex) + age"``; a numeric outcome.
    tau : float or sequence of float
        Quantiles, strictly between 0 and 1; several are fitted side by side with the covariance
        between them.
    reference : mapping, optional
        Categorical predictor → code or label of its reference.
    level : float
        Confidence level.

    Returns
    -------
    QuantileModel

    Raises
    ------
    ModelError
        tau outside (0, 1), collinear terms, an outcome of too few values.

    References
    ----------
    Koenker and Bassett (1978), *Econometrica* 46; Powell (1991); Wang and Opsomer (2011),
    *Biometrika* 98.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(3)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 300), "age": rng.uniform(20, 60, 300)})
    >>> frame["wage"] = 100 + 5 * frame["age"] + rng.exponential(50, 300)
    >>> model = mr.Survey(frame, weights="w").quantile_regression("wage ~ age", tau=[0.25, 0.75])
    >>> model.frame["term"].tolist()
    ['0.25: Intercept', '0.25: age', '0.75: Intercept', '0.75: age']
    """
    check_level(level)
    asked = tuple(float(t) for t in np.atleast_1d(np.asarray(tau, float)))
    if not asked or len(set(asked)) < len(asked):
        raise ModelError(f"tau={tau!r} names no quantile, or one twice.",
                         remedy="Name each once: tau=[0.25, 0.5, 0.75].",
                         ar="اذكر كل مئين مرة واحدة، مثل tau=[0.25, 0.5, 0.75].")
    parsed = parse(formula)
    y = survey.values(parsed.outcome)
    made = predictors(survey, parsed, reference, constant=True, outcome=y,
                      known={parsed.outcome: np.isfinite(y)})
    X, names = made.X, made.names

    def fit(weights: np.ndarray) -> list[tuple[LikelihoodFit, engine.Solved]]:
        return [engine.fit(X, y, weights, t, mask=made.used, names=names) for t in asked]

    def refit(weights: np.ndarray) -> np.ndarray:
        rows = made.used & (weights > 0)
        return np.concatenate([engine.solve(X[rows], y[rows], weights[rows], t).coef for t in asked])

    found = fit(survey.design.weights)
    fits = tuple(one for one, _ in found)
    coef = np.concatenate([one.coef for one in fits])
    influence = np.hstack([one.influence for one in fits])
    inferred = infer(survey, coef, influence, made.used, refit, spent=len(names) - 1)
    note = facts(
        survey, formula, parsed.outcome, "quantile", made, df=inferred.df, level=level,
        more={
            "df_rule": df_words(survey.design, "plus 1, minus coefficients of one quantile"),
            "tau": asked, "unique": tuple(solved.unique for _, solved in found),
            **_how(survey, found, made),
        },
    )  # fmt: skip
    frame = _frame(survey, made, asked, coef, inferred, level)
    return QuantileModel(survey, formula, "quantile", asked, frame, inferred.vcov, note, level, fits,
                         made, inferred)


def _how(survey: Survey, found: Sequence[tuple[LikelihoodFit, engine.Solved]], made: Predictors) -> dict[str, Any]:
    """How the standard errors came about, and what makes them doubtful."""
    replicates = survey.design.replicates
    if replicates is not None:
        kind = str(replicates.facts["kind"])
        told = {"std_error": f"a fit in each of {replicates.number} {kind} replicates"}
        return told | ({"caution": _JACKKNIFE} if kind.startswith("JK") else {})
    told = {"std_error": "sandwich with kernel densities (Powell), bandwidth of Hall and Sheather"}
    weights = found[0][0].weights[made.used]
    share = 0.0
    for _, solved in found:
        on = np.abs(solved.residual) < 1e-9 * max(float(np.abs(solved.residual).max()), 1e-300)
        share = max(share, float(weights[on].sum() / weights.sum()))
    if share > 0.05 and share * made.used.sum() > 2 * len(made.names):
        told["caution"] = {lang: text.format(share=f"{share:.0%}") for lang, text in _HEAPED.items()}
    return told


def _frame(
    survey: Survey, made: Predictors, tau: tuple[float, ...], coef: np.ndarray, inferred: Inference,
    level: float,
) -> pd.DataFrame:  # fmt: skip
    p = len(made.names)
    parts = []
    for k, t in enumerate(tau):
        rows = slice(k * p, (k + 1) * p)
        part = coefficient_frame(survey.codebook, made, coef[rows], inferred.vcov[rows, rows], inferred.df,
                                 level, "quantile")
        part.insert(3, "tau", t)
        part.insert(4, "predictor", part["term"])
        if len(tau) > 1:
            for name in ("label_en", "label_ar"):
                part[name] = [f"\u2066{t:g}\u2069 — {own}" if own else "" for own in part[name]]
            part["term"] = [f"{t:g}: {term}" for term in part["term"]]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
