"""Survey-weighted multinomial logistic regression: `survey.multinomial`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import multinomial as engine
from masar_research.engine.newton import LikelihoodFit
from masar_research.errors import ModelError
from masar_research.estimates import Estimates
from masar_research.models import categorical
from masar_research.models.coefficients import coefficient_frame
from masar_research.models.fitting import check_level
from masar_research.models.formula import parse
from masar_research.models.inference import Inference, df_words, facts, infer
from masar_research.models.inspected import Inspected
from masar_research.models.predictors import (
    Levels,
    Predictors,
    code_text,
    level_words,
    outcome_levels,
)
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True)
class _Shares:
    """Predicted probabilities of a multinomial logit."""

    n_levels: int

    def probabilities(self, coef: np.ndarray, X: np.ndarray) -> np.ndarray:
        return engine.probabilities(coef, X, self.n_levels)

    def slopes(
        self, coef: np.ndarray, X: np.ndarray, weights: np.ndarray, place: np.ndarray, n_domains: int
    ) -> np.ndarray:
        return engine.probability_slopes(coef, X, self.n_levels, weights, place, n_domains)


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class MultinomialModel(Inspected, Presented):
    """A survey-weighted multinomial logit, ``log P(Y = k) / P(Y = baseline) = x'β_k``.

    Attributes
    ----------
    frame : pandas.DataFrame, (K − 1) p rows
        Level by level: ``term`` (``"3: age"``), ``label_en, label_ar``, ``outcome`` (the level's
        code), ``predictor``, ``estimate, std_error, conf_low, conf_high, statistic, df, p_value``,
        ``relative_risk, relative_risk_low, relative_risk_high`` = exp of the estimate: how the
        ratio of the level's probability to the baseline's multiplies.
    vcov : ((K − 1) p, (K − 1) p) array
    formula, family : str
    baseline : code
        The level the others are compared with.
    note : mapping
        Rows fitted and lost, levels, baseline, levels without rows, df, base.
    level : float
        Confidence level.
    fit, predictors, outcome, inference
        What was fitted, to what.
    """

    survey: Survey
    formula: str
    family: str
    baseline: Any
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
            kind ``"ame"``; the outcome's level is the last column of ``by``.
        """
        return categorical.margins(self._averaging(), variable, over, reference)

    def predictions(
        self, variable: str | None = None, at: Sequence[float] | None = None,
        over: str | Sequence[str] | None = None,
    ) -> Estimates:  # fmt: skip
        """Average predicted probabilities of each level; without a variable, of people as they are.

        Parameters
        ----------
        variable : str, optional
        at : sequence, optional
            Values or codes; all fitted levels of a categorical predictor by default.
        over : str or list of str, optional

        Returns
        -------
        Estimates
            kind ``"mean"``; the outcome's level is the last column of ``by``.
        """
        return categorical.predictions(self._averaging(), variable, at, over)

    def _averaging(self) -> categorical.Averaging:
        return categorical.Averaging(
            self.survey, self.formula, self.fit, self.predictors, self.outcome,
            _Shares(len(self.outcome.levels)), self.df, self.level, self.inference.replicated,
            self.note,
        )  # fmt: skip

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def multinomial(
    survey: Survey,
    formula: str,
    reference: Mapping[str, Any] | None = None,
    baseline: Any = None,
    level: float = 0.95,
) -> MultinomialModel:
    """Survey-weighted multinomial logistic regression.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"employment ~ C(sex) + age"``; the outcome's levels are those of its codes that have a
        fitted row.
    reference : mapping, optional
        Categorical predictor → code or label of its reference.
    baseline : code or label, optional
        Level of the outcome that the others are compared with; the first by default.
    level : float
        Confidence level.

    Returns
    -------
    MultinomialModel

    Raises
    ------
    ModelError
        An outcome that does not vary, collinear terms, separation, a formula that cannot be read.

    References
    ----------
    McFadden (1974); Binder (1983), *Int. Stat. Review* 51; Morel (1989), *Survey Methodology* 15.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(5)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 300), "age": rng.uniform(2, 6, 300),
    ...                       "work": rng.integers(1, 4, 300)})
    >>> model = mr.Survey(frame, weights="w").multinomial("work ~ age")
    >>> model.frame["term"].tolist()
    ['2: Intercept', '2: age', '3: Intercept', '3: age']
    """
    check_level(level)
    parsed = parse(formula)
    made, outcome = outcome_levels(survey, parsed, reference, constant=True, first=baseline)
    n_levels = len(outcome.levels)
    if n_levels < 2:
        raise ModelError(
            f"{parsed.outcome} is {outcome.levels[0]!r} on every fitted row.",
            remedy="Choose an outcome that varies in this subpopulation.",
            ar="لا يتغير المتغير التابع في هذه الفئة.",
        )
    X, names, codes = made.X, made.names, outcome.codes

    def refit(weights: np.ndarray) -> np.ndarray:
        return engine.fit(X, codes, weights, n_levels, names=names, start=fitted.coef).coef

    fitted = engine.fit(X, codes, survey.design.weights, n_levels, names=names)
    inferred = infer(survey, fitted.coef, fitted.influence, fitted.used, refit, spent=len(names) - 1)
    spent = "plus 1, minus coefficients of one level"
    note = facts(
        survey, formula, parsed.outcome, "multinomial", made, df=inferred.df, level=level,
        more={
            "df_rule": df_words(survey.design, spent), "iterations": fitted.iterations,
            "levels": outcome.levels, "baseline": outcome.levels[0],
            "outcome_levels_without_rows": outcome.absent,
        },
    )  # fmt: skip
    frame = _frame(survey, made, outcome, fitted.coef, inferred, level)
    return MultinomialModel(survey, formula, "multinomial", outcome.levels[0], frame, inferred.vcov,
                            note, level, fitted, made, outcome, inferred)


def _frame(survey, made, outcome, coef, inferred, level) -> pd.DataFrame:
    p = len(made.names)
    parts = []
    for k, code in enumerate(outcome.levels[1:]):
        rows = slice(k * p, (k + 1) * p)
        part = coefficient_frame(survey.codebook, made, coef[rows], inferred.vcov[rows, rows],
                                 inferred.df, level, "multinomial")
        for lang in ("en", "ar"):
            words = level_words(survey, outcome.name, code, lang)
            part[f"label_{lang}"] = [f"{words} — {own}" if own else "" for own in part[f"label_{lang}"]]
        part.insert(3, "outcome", code)
        part.insert(4, "predictor", part["term"])
        part["term"] = [f"{code_text(code)}: {term}" for term in part["term"]]
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(
        relative_risk=np.exp(whole["estimate"]), relative_risk_low=np.exp(whole["conf_low"]),
        relative_risk_high=np.exp(whole["conf_high"]),
    )  # fmt: skip
