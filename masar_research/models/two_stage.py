"""Survey-weighted two-stage least squares: `survey.two_stage`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError
from scipy import stats

from masar_research.engine import two_stage as engine
from masar_research.engine.newton import LikelihoodFit
from masar_research.engine.sandwich import influence_totals
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.coefficients import coefficient_frame
from masar_research.models.fitting import check_level, model_facts
from masar_research.models.formula import build, learn, parse, unbuilt
from masar_research.models.inference import Inference, df_words, infer
from masar_research.models.matrix import Matrix
from masar_research.models.model import frozen
from masar_research.models.predictors import Renamed, refuse_offset
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain

if TYPE_CHECKING:
    from masar_research.survey import Survey

_WEAK = {
    "en": "Weak instruments (effective first-stage F {f}, below 10): the estimate leans towards ordinary "
    "regression and its interval is too narrow. Report model.anderson_rubin() instead.",
    "ar": "الأدوات ضعيفة (\u2066F = {f}\u2069 في المرحلة الأولى، دون 10): يميل التقدير إلى الانحدار العادي وفترة الثقة "
    "أضيق مما ينبغي؛ اعرض model.anderson_rubin() بدلاً منها.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """The data of both stages.

    Attributes
    ----------
    X : (n, p) float array
        Regressors; 0 on rows that are not used.
    Z : (n, l) float array
        Exogenous regressors and excluded instruments.
    y : (n,) float array
    used : (n,) bool array
    names, instruments : tuple of str
        Of the columns of X and Z.
    endogenous, excluded : tuple of int
        Columns of X that are not among Z's, and of Z that are not among X's.
    """

    X: np.ndarray
    Z: np.ndarray
    y: np.ndarray
    used: np.ndarray
    names: tuple[str, ...]
    instruments: tuple[str, ...]
    endogenous: tuple[int, ...]
    excluded: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A design-based test.

    Attributes
    ----------
    statistic, df_num, df_den, p_value : float
        F and its degrees of freedom.
    hypothesis : mapping
        What is tested, in both languages.
    """

    statistic: float
    df_num: float
    df_den: float
    p_value: float
    hypothesis: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class TwoStageModel(Presented):
    """A survey-weighted two-stage least squares regression.

    Attributes
    ----------
    frame : pandas.DataFrame, p rows
        ``term, label_en, label_ar, estimate, std_error, conf_low, conf_high, statistic, df, p_value,
        endogenous`` (bool).
    vcov : (p, p) array
    first_stage : pandas.DataFrame
        A row per endogenous regressor: ``term, f, df_num, df_den, p_value`` of its excluded
        instruments, ``effective_f``, ``partial_r2``.
    formula, family : str
    note : mapping
        Rows, endogenous regressors, instruments, a caution where they are weak, df, base.
    level : float
    fit, equations, encoding, inference
        What was fitted, to what.
    """

    survey: Survey
    formula: str
    family: str
    frame: pd.DataFrame
    vcov: np.ndarray
    first_stage: pd.DataFrame
    note: Mapping[str, Any]
    level: float
    fit: LikelihoodFit
    equations: Equations
    encoding: Renamed
    inference: Inference

    @property
    def df(self) -> int:
        """Degrees of freedom of the t statistics."""
        return self.inference.df

    @property
    def matrix(self) -> Renamed:
        """How the variables became columns, by the name other models use."""
        return self.encoding

    def anderson_rubin(self) -> tuple[tuple[float, float], ...]:
        """Interval of the one endogenous coefficient that holds whatever the instruments' strength.

        Returns
        -------
        tuple of (low, high)
            One interval as a rule; with weak instruments an end may be infinite, or there are two.

        Raises
        ------
        ModelError
            Several endogenous regressors; no degrees of freedom.
        """
        of = self.equations
        if len(of.endogenous) != 1:
            raise ModelError(
                f"The Anderson–Rubin interval is of one endogenous regressor; found {len(of.endogenous)}.",
                remedy="Use a model with one, or read the first stage of each.",
                ar="فترة أندرسون–روبن لمتغيّر داخلي واحد؛ استخدم نموذجاً فيه متغيّر داخلي واحد.",
            )
        outcomes = np.column_stack([of.y, of.X[:, of.endogenous[0]]])
        coef, found = _excluded(self.survey, of, outcomes)
        _enough(found.df)
        return engine.anderson_rubin(coef[:, 0], coef[:, 1], found.vcov, found.df, self.level)

    def endogeneity(self) -> WaldTest:
        """Durbin–Wu–Hausman test that the endogenous regressors could be taken as they are.

        The residuals of the first stage are added to the regression; under the hypothesis their
        coefficients are zero.
        """
        of, k = self.equations, len(self.equations.endogenous)

        def control(weights: np.ndarray) -> tuple[engine.Regression, np.ndarray]:
            first = engine.least_squares(of.Z, of.X[:, list(of.endogenous)], weights)
            whole = np.hstack([of.X, first.residual])
            return engine.least_squares(whole, of.y[:, None], weights), whole

        w = np.where(of.used, self.survey.design.weights, 0.0)
        made, whole = control(w)
        influence = (whole * (w * made.residual[:, 0])[:, None]) @ made.bread[:, -k:]
        found = infer(
            self.survey, made.coef[-k:, 0], influence, of.used,
            lambda other: control(np.where(of.used, other, 0.0))[0].coef[-k:, 0], spent=whole.shape[1] - 1,
        )  # fmt: skip
        return _wald(made.coef[-k:, 0], found.vcov, found.df, {
            "en": "The endogenous regressors are in truth exogenous: ordinary regression would do.",
            "ar": "المتغيّرات الداخلية خارجية في الحقيقة، ويكفي الانحدار العادي.",
        })  # fmt: skip

    def overidentification(self) -> WaldTest:
        """Hansen's J: whether the instruments agree with one another.

        ``J = g'S⁻¹g`` with g = Σ w z u at the efficient two-step estimate and S the design's
        covariance of Σ w z u; ``J / q`` on F(q, df), q the surplus of instruments.

        Raises
        ------
        ModelError
            As many instruments as coefficients: nothing is left to test.
        """
        of = self.equations
        q = of.Z.shape[1] - of.X.shape[1]
        if q == 0:
            raise ModelError(
                "There are as many instruments as endogenous regressors: their agreement cannot be tested.",
                remedy="Argue for the instrument from how it came about.",
                ar="عدد الأدوات يساوي عدد المتغيّرات الداخلية فلا يمكن اختبار اتفاقها؛ علّل صلاحية الأداة بكيفية نشوئها.",
            )
        w = np.where(of.used, self.survey.design.weights, 0.0)
        residual = of.y - of.X @ self.fit.coef
        moments = of.Z * (w * residual)[:, None]
        S = covariance(self.survey.design, influence_totals(self.survey.design, moments))
        Zx, Zy = of.Z.T @ (of.X * w[:, None]), of.Z.T @ (of.y * w)
        weighted = np.linalg.solve(S, np.column_stack([Zx, Zy]))
        coef = np.linalg.solve(Zx.T @ weighted[:, :-1], Zx.T @ weighted[:, -1])
        g = Zy - Zx @ coef
        _enough(self.df)
        value = float(g @ np.linalg.solve(S, g)) / q
        return WaldTest(value, q, self.df, float(stats.f.sf(value, q, self.df)), {
            "en": "All instruments are valid, given that enough of them are.",
            "ar": "كل الأدوات صالحة، على فرض أن عدداً كافياً منها صالح.",
        })  # fmt: skip

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def two_stage(
    survey: Survey, formula: str, reference: Mapping[str, Any] | None = None, level: float = 0.95
) -> TwoStageModel:
    """Survey-weighted two-stage least squares.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"pay ~ schooling + age + C(sex) | distance + age + C(sex)"``: regressors, then ``|``, then
        the instruments, exogenous regressors repeated among them. Regressors not repeated are
        endogenous.
    reference : mapping, optional
        Categorical variable → code or label of its reference.
    level : float
        Confidence level.

    Returns
    -------
    TwoStageModel

    Raises
    ------
    ModelError
        No ``|``, no endogenous regressor, fewer instruments than coefficients, instruments that
        say nothing, collinear terms.

    References
    ----------
    Wooldridge (2010), ch. 5; Montiel Olea and Pflueger (2013); Anderson and Rubin (1949).

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(2)
    >>> far, u = rng.normal(size=400), rng.normal(size=400)
    >>> years = 10 - far + u
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 400), "far": far, "years": years,
    ...                       "pay": 0.5 * years - u + rng.normal(size=400)})
    >>> model = mr.Survey(frame, weights="w").two_stage("pay ~ years | far")
    >>> bool(abs(model.frame["estimate"].iloc[1] - 0.5) < 0.2), model.note["endogenous"]
    (True, ('years',))
    """
    check_level(level)
    made, of = _equations(survey, formula, reference or {})
    w = np.where(of.used, survey.design.weights, 0.0)

    def refit(weights: np.ndarray) -> np.ndarray:
        return engine.fit(of.X, of.Z, of.y, np.where(of.used, weights, 0.0), names=of.names,
                          instruments=of.instruments).coef

    fitted = engine.fit(of.X, of.Z, of.y, w, names=of.names, instruments=of.instruments)
    inferred = infer(survey, fitted.coef, fitted.influence, of.used, refit, spent=of.X.shape[1] - 1)
    encoding = Renamed(of.names, made.references, made.absent, made.missing, made.lost, made.data)
    first = _first_stage(survey, of, w)
    weakest = float(first["effective_f"].min())
    endogenous = tuple(of.names[j] for j in of.endogenous)
    note = {
        **survey.facts(), **model_facts(formula, formula.split("~")[0].strip(), "two-stage", encoding),
        "rows": int(of.used.sum()), "df": inferred.df, "level": level,
        "df_rule": df_words(survey.design, "plus 1, minus coefficients (as R svyivreg)"),
        "endogenous": endogenous, "instruments": tuple(of.instruments[j] for j in of.excluded),
        "first_stage_f": weakest,
    }  # fmt: skip
    if not weakest >= 10:
        note["caution"] = {lang: text.format(f=f"{weakest:.1f}") for lang, text in _WEAK.items()}
    frame = coefficient_frame(survey.codebook, encoding, fitted.coef, inferred.vcov, inferred.df, level, "two-stage")
    frame["endogenous"] = [name in endogenous for name in of.names]
    return TwoStageModel(survey, formula, "two-stage", frame, inferred.vcov, first, frozen(note), level,
                         fitted, of, encoding, inferred)


def _equations(
    survey: Survey, formula: str, reference: Mapping[str, Any]
) -> tuple[Matrix, Equations]:
    left, _, rest = formula.partition("~")
    right, _, instruments = rest.partition("|")
    if not instruments.strip() or not right.strip() or "|" in instruments:
        raise ModelError(
            f"{formula!r} does not name regressors and instruments.",
            remedy="Write 'pay ~ schooling + age | distance + age': the instruments, and the exogenous "
            "regressors again, to the right of |.",
            ar="اكتب المتغيّرات المفسّرة ثم | ثم الأدوات مع تكرار المتغيّرات الخارجية.",
        )
    both_sides = parse(f"{left} ~ {right} + {instruments}")
    refuse_offset(both_sides)
    made = build(survey, both_sides, reference)
    matrices, names = [], []
    for side in (right, instruments):
        parsed = parse(f"{left} ~ {side}")
        try:
            spec = learn(parsed, made.data)
            part = np.asarray(spec.get_model_matrix(made.data), dtype=float)
        except (FormulaicError, ValueError) as error:
            raise unbuilt(parsed, error) from error
        whole = np.zeros((made.used.size, part.shape[1]))
        whole[made.used] = part
        matrices.append(whole)
        names.append(tuple(spec.column_names))
    endogenous = tuple(j for j, name in enumerate(names[0]) if name not in names[1])
    if not endogenous:
        raise ModelError(
            f"Every regressor of {formula!r} is among the instruments: none is endogenous.",
            remedy="Leave the endogenous regressor out on the right of |, or use survey.glm.",
            ar="كل المتغيّرات المفسّرة مذكورة بين الأدوات؛ احذف المتغيّر الداخلي مما بعد | أو استخدم survey.glm.",
        )
    excluded = tuple(j for j, name in enumerate(names[1]) if name not in names[0])
    return made, Equations(*matrices, np.asarray(made.y, float), made.used, *names, endogenous, excluded)


def _excluded(survey: Survey, of: Equations, outcomes: np.ndarray) -> tuple[np.ndarray, Inference]:
    """(q, m) coefficients of the excluded instruments for m outcomes, and their joint inference."""
    place = list(of.excluded)
    w = np.where(of.used, survey.design.weights, 0.0)
    made = engine.least_squares(of.Z, outcomes, w)
    influence = np.hstack([
        (of.Z * (w * made.residual[:, m])[:, None]) @ made.bread[:, place] for m in range(outcomes.shape[1])
    ])  # fmt: skip

    def refit(weights: np.ndarray) -> np.ndarray:
        return engine.least_squares(of.Z, outcomes, np.where(of.used, weights, 0.0)).coef[place].T.ravel()

    coef = made.coef[place]
    return coef, infer(survey, coef.T.ravel(), influence, of.used, refit, spent=of.Z.shape[1] - 1)


def _first_stage(survey: Survey, of: Equations, w: np.ndarray) -> pd.DataFrame:
    others = [j for j in range(of.Z.shape[1]) if j not in of.excluded]
    instruments = of.Z[:, list(of.excluded)]
    left = engine.least_squares(of.Z[:, others], instruments, w).residual if others else instruments
    gram = left.T @ (left * w[:, None])
    rows = []
    for j in of.endogenous:
        coef, found = _excluded(survey, of, of.X[:, [j]])
        test = _wald(coef[:, 0], found.vcov, found.df, {})
        alone = engine.least_squares(of.Z[:, others], of.X[:, [j]], w).residual[:, 0]
        rows.append({
            "term": of.names[j], "f": test.statistic, "df_num": test.df_num, "df_den": test.df_den,
            "p_value": test.p_value, "effective_f": engine.effective_f(coef[:, 0], found.vcov, gram),
            "partial_r2": float(coef[:, 0] @ gram @ coef[:, 0] / (w @ alone**2)),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _wald(coef: np.ndarray, vcov: np.ndarray, df: int, hypothesis: Mapping[str, str]) -> WaldTest:
    q = coef.size
    value = float(coef @ np.linalg.lstsq(vcov, coef, rcond=None)[0]) / q
    p = float(stats.f.sf(value, q, df)) if df > 0 else float("nan")
    return WaldTest(value, q, df, p, hypothesis)


def _enough(df: int) -> None:
    if df <= 0:
        raise ModelError(
            "The design has no degrees of freedom left for this test.",
            remedy="Use fewer terms or a larger subpopulation.",
            ar="لا درجات حرية كافية لهذا الاختبار؛ قلّل المتغيّرات أو وسّع الفئة.",
        )
