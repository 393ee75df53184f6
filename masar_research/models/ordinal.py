"""Survey-weighted cumulative link models: `survey.ordinal`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import ordinal as engine
from masar_research.engine.newton import LikelihoodFit
from masar_research.errors import ModelError
from masar_research.estimates import Estimates
from masar_research.models import categorical
from masar_research.models.coefficients import coefficient_frame
from masar_research.models.fitting import check_level
from masar_research.models.formula import parse
from masar_research.models.inference import Inference, df_words, facts, infer
from masar_research.models.inspected import Inspected
from masar_research.models.parallel import SlopesTest, parallel_slopes
from masar_research.models.predictors import (
    Levels,
    Predictors,
    code_text,
    level_words,
    outcome_levels,
    renamed,
)
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.survey import Survey

_CAUTION = {
    "logit": {
        "en": "Odds ratios are taken to be the same at every threshold (proportional odds); "
        "model.proportional_odds() tests it.",
        "ar": "يفترض النموذج أن نسبة الأرجحية واحدة عند كل عتبة (تناسب الأرجحيات)؛ "
        "ويختبر ذلك model.proportional_odds().",
    },
    "probit": {
        "en": "Coefficients are taken to be the same at every threshold (parallel slopes); "
        "model.proportional_odds() tests it.",
        "ar": "يفترض النموذج أن المعاملات واحدة عند كل عتبة (توازي الميول)؛ "
        "ويختبر ذلك model.proportional_odds().",
    },
}


@dataclass(frozen=True, slots=True)
class _Link:
    """Predicted probabilities of a cumulative link model."""

    link: engine.Link
    n_levels: int

    def probabilities(self, coef: np.ndarray, X: np.ndarray) -> np.ndarray:
        return engine.probabilities(coef, X, self.n_levels, self.link)

    def slopes(
        self, coef: np.ndarray, X: np.ndarray, weights: np.ndarray, place: np.ndarray, n_domains: int
    ) -> np.ndarray:
        return engine.probability_slopes(coef, X, self.n_levels, self.link, weights, place, n_domains)


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class OrdinalModel(Inspected, Presented):
    """A survey-weighted cumulative link model, ``P(Y ≤ k) = F(θ_k − x'β)``.

    Attributes
    ----------
    frame : pandas.DataFrame, p + K − 1 rows
        Coefficients, then thresholds: ``term, label_en, label_ar, part, estimate, std_error,
        conf_low, conf_high, statistic, df, p_value``, ``part`` being ``"coefficient"`` or
        ``"threshold"``; under the logit also ``odds_ratio, odds_low, odds_high`` (missing for
        thresholds). A positive coefficient raises the outcome.
    vcov : (p + K − 1, p + K − 1) array
        Design-based covariance of coefficients and thresholds.
    formula, family : str
        `family` is ``"ordinal logit"`` or ``"ordinal probit"``.
    link : {"logit", "probit"}
    note : mapping
        Rows fitted and lost, levels from lowest to highest, levels without rows, df, base.
    level : float
        Confidence level.
    fit, predictors, outcome, inference
        What was fitted, to what.
    """

    survey: Survey
    formula: str
    family: str
    link: engine.Link
    frame: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]
    level: float
    fit: LikelihoodFit
    predictors: Predictors
    outcome: Levels
    inference: Inference

    @property
    def df(self) -> int:
        """Degrees of freedom of the t statistics."""
        return self.inference.df

    @property
    def matrix(self) -> Predictors:
        """The predictors, by the name other models use."""
        return self.predictors

    def margins(
        self, variable: str, over: str | Sequence[str] | None = None, reference: Any = None
    ) -> Estimates:
        """Average marginal effects on the probability of each level, weighted over fitted rows.

        Parameters
        ----------
        variable : str
            A predictor of the model.
        over : str or list of str, optional
            Domains within which to average.
        reference : code or label, optional
            For a categorical predictor; the model's own otherwise.

        Returns
        -------
        Estimates
            kind ``"ame"``; the outcome's level is the last column of ``by``. Within a category
            the effects add to zero over the levels.

        Examples
        --------
        >>> model = survey.ordinal("trust ~ C(sex) + age")           # doctest: +SKIP
        >>> model.margins("sex").frame                               # doctest: +SKIP
        """
        return categorical.margins(self._averaging(), variable, over, reference)

    def predictions(
        self, variable: str | None = None, at: Sequence[float] | None = None,
        over: str | Sequence[str] | None = None,
    ) -> Estimates:  # fmt: skip
        """Average predicted probabilities of each level.

        Parameters
        ----------
        variable : str, optional
            A predictor to set for everybody; without it everybody stays as they are.
        at : sequence, optional
            Its values or codes; all fitted levels of a categorical predictor by default.
        over : str or list of str, optional
            Domains within which to average.

        Returns
        -------
        Estimates
            kind ``"mean"``; the outcome's level is the last column of ``by``.
        """
        return categorical.predictions(self._averaging(), variable, at, over)

    def proportional_odds(self) -> SlopesTest:
        """Test that the coefficients are the same at every threshold.

        Returns
        -------
        SlopesTest
            As of :func:`masar_research.models.parallel.parallel_slopes`.
        """
        return parallel_slopes(self.survey, self.predictors, self.outcome, self.link)

    def _averaging(self) -> categorical.Averaging:
        return categorical.Averaging(
            self.survey, self.formula, self.fit, self.predictors, self.outcome,
            _Link(self.link, len(self.outcome.levels)), self.df, self.level,
            self.inference.replicated, self.note,
        )  # fmt: skip

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def ordinal(
    survey: Survey,
    formula: str,
    link: engine.Link = "logit",
    reference: Mapping[str, Any] | None = None,
    order: Sequence[Any] | None = None,
    level: float = 0.95,
) -> OrdinalModel:
    """Survey-weighted ordinal regression (cumulative logit or probit).

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"trust ~ C(sex) + age"``; the outcome's levels are those of its codes that have a
        fitted row, from lowest to highest in the codebook's order.
    link : {"logit", "probit"}
        ``"logit"`` is proportional odds.
    reference : mapping, optional
        Categorical predictor → code or label of its reference.
    order : sequence, optional
        The outcome's levels from lowest to highest, by code or label, where the codebook's order
        is another one.
    level : float
        Confidence level.

    Returns
    -------
    OrdinalModel

    Raises
    ------
    ModelError
        Fewer than three levels, collinear terms, separation, a formula that cannot be read.

    References
    ----------
    McCullagh (1980), *J. R. Statist. Soc.* B 42; Binder (1983), *Int. Stat. Review* 51.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(5)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 300), "age": rng.uniform(2, 6, 300)})
    >>> frame["trust"] = np.digitize(0.5 * frame["age"] + rng.logistic(size=300), [1.0, 2.5])
    >>> model = mr.Survey(frame, weights="w").ordinal("trust ~ age")
    >>> model.frame["term"].tolist()
    ['age', '0|1', '1|2']
    """
    check_level(level)
    parsed = parse(formula)
    made, outcome = outcome_levels(survey, parsed, reference, constant=False, order=order)
    n_levels = len(outcome.levels)
    if n_levels < 3:
        raise ModelError(
            f"{parsed.outcome} has {n_levels} levels among the fitted rows; an ordinal model needs three.",
            remedy="Use survey.logit for an outcome of two levels, or a population in which more occur.",
            ar=f"للمتغيّر {parsed.outcome} أقل من ثلاث فئات في هذه السجلات؛ استخدم survey.logit لفئتين.",
        )
    X, names, codes = made.X, made.names, outcome.codes

    def refit(weights: np.ndarray) -> np.ndarray:
        return engine.fit(X, codes, weights, n_levels, link=link, names=names, start=fitted.coef).coef

    fitted = engine.fit(X, codes, survey.design.weights, n_levels, link=link, names=names)
    inferred = infer(survey, fitted.coef, fitted.influence, fitted.used, refit, spent=len(names))
    note = facts(
        survey, formula, parsed.outcome, f"ordinal {link}", made, df=inferred.df, level=level,
        more={
            "df_rule": df_words(survey.design, "minus coefficients, thresholds apart (as R svyolr)"),
            "iterations": fitted.iterations, "levels": outcome.levels,
            "outcome_levels_without_rows": outcome.absent, "caution": _CAUTION[link],
        },
    )  # fmt: skip
    frame = _frame(survey, made, outcome, fitted.coef, inferred, level, link)
    return OrdinalModel(survey, formula, f"ordinal {link}", link, frame, inferred.vcov, note, level,
                        fitted, made, outcome, inferred)


def _frame(survey, made, outcome, coef, inferred, level, link) -> pd.DataFrame:
    p = len(made.names)
    slopes = coefficient_frame(survey.codebook, made, coef[:p], inferred.vcov[:p, :p], inferred.df,
                               level, "binomial" if link == "logit" else link)
    pairs = list(zip(outcome.levels[:-1], outcome.levels[1:], strict=True))
    terms = ["|".join(code_text(code) for code in pair) for pair in pairs]
    cuts = coefficient_frame(
        survey.codebook, renamed(made, terms), coef[p:], inferred.vcov[p:, p:], inferred.df,
        level, "threshold",
    )  # fmt: skip
    for lang in ("en", "ar"):
        cuts[f"label_{lang}"] = [
            " | ".join(level_words(survey, outcome.name, code, lang) for code in pair)
            for pair in pairs
        ]
    whole = pd.concat([slopes, cuts], ignore_index=True)
    whole.insert(3, "part", ["coefficient"] * p + ["threshold"] * len(pairs))
    return whole
