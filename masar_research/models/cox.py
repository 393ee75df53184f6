"""Survey-weighted Cox regression: `survey.cox`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import cox as engine
from masar_research.engine.newton import LikelihoodFit
from masar_research.errors import ModelError
from masar_research.models.coefficients import coefficient_frame
from masar_research.models.fitting import check_level
from masar_research.engine.cox_zph import Transform
from masar_research.models.formula import Parsed, parse
from masar_research.models.hazards import HazardsTest, proportional_hazards
from masar_research.models.inference import Inference, df_words, facts, infer
from masar_research.models.inspected import Inspected
from masar_research.models.predictors import Predictors, predictors
from masar_research.models.presented import Presented
from masar_research.models.showing import both, plain
from masar_research.models.survival import SurvivalCurve, survival_curve

if TYPE_CHECKING:
    from masar_research.survey import Survey

_SURV = re.compile(r"^\s*Surv\(\s*(\w+)\s*,\s*(\w+)\s*(?:,\s*(\w+)\s*)?\)\s*~(.*)$", re.S)


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """The outcome of a survival model.

    Attributes
    ----------
    entry : (n,) float array or None
    time, event : (n,) float arrays
        NaN where any of them, or the stratum, is missing.
    strata : (n,) int array or None
        Stratum of the baseline hazard, dense.
    strata_names : tuple of str
    strata_keys : tuple of tuple
        Codes of each stratum.
    """

    entry: np.ndarray | None
    time: np.ndarray
    event: np.ndarray
    strata: np.ndarray | None
    strata_names: tuple[str, ...]
    strata_keys: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class CoxModel(Inspected, Presented):
    """A survey-weighted proportional hazards model, ``h(t | x) = h_0(t) exp(x'β)``.

    Attributes
    ----------
    frame : pandas.DataFrame, p rows
        ``term, label_en, label_ar, estimate, std_error, conf_low, conf_high, statistic, df,
        p_value, hazard_ratio, hazard_low, hazard_high``.
    vcov : (p, p) array
        Design-based covariance (Binder, Lin).
    formula, family, ties : str
    note : mapping
        Rows, events, strata, ties, what was left out, df, base.
    level : float
    fit, sets, predictors, durations, inference
        What was fitted, to what.
    """

    survey: Survey
    formula: str
    family: str
    ties: engine.Ties
    frame: pd.DataFrame
    vcov: np.ndarray
    note: Mapping[str, Any]
    level: float
    fit: LikelihoodFit
    sets: engine.RiskSets
    predictors: Predictors
    durations: Durations
    inference: Inference

    @property
    def df(self) -> int:
        """Degrees of freedom of the t statistics."""
        return self.inference.df

    @property
    def matrix(self) -> Predictors:
        """The predictors, by the name other models use."""
        return self.predictors

    def survival(
        self, at: Mapping[str, Any] | None = None, times: Sequence[float] | None = None,
        stratum: Mapping[str, Any] | None = None,
    ) -> SurvivalCurve:  # fmt: skip
        """Cumulative hazard and survival of a person, with their errors.

        Parameters
        ----------
        at : mapping, optional
            Predictor → code, label or number. Predictors not named stand at their reference, or
            at their weighted mean over fitted rows: the baseline. The note says which.
        times : sequence of float, optional
            Every event time by default.
        stratum : mapping, optional
            Variable → code or label, in a model with strata.

        Returns
        -------
        SurvivalCurve

        Examples
        --------
        >>> model = survey.cox("Surv(months, found) ~ C(sex) + age")   # doctest: +SKIP
        >>> model.survival(at={"sex": 2, "age": 30}, times=[6, 12]).frame  # doctest: +SKIP
        """
        return survival_curve(self, at or {}, times, stratum)

    def proportional_hazards(self, transform: Transform = "km") -> HazardsTest:
        """Test of proportional hazards; see :func:`masar_research.models.hazards.proportional_hazards`."""
        return proportional_hazards(self, transform)

    def __repr__(self) -> str:
        return plain(self.frame, self.note, self.survey.codebook)

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.survey.codebook)


def cox(
    survey: Survey,
    formula: str,
    ties: engine.Ties = "efron",
    strata: str | Sequence[str] | None = None,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> CoxModel:
    """Survey-weighted Cox proportional hazards regression.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"Surv(months, found) ~ C(sex) + age"``: the time and whether the event ended it (1) or
        observation did (0). ``"Surv(start, stop, event) ~ …"`` gives the time at which a row came
        under observation.
    ties : {"efron", "breslow"}
    strata : str or list of str, optional
        Variables whose groups each have a baseline hazard of their own (not the strata of the
        sample, which the design holds).
    reference : mapping, optional
        Categorical predictor → code or label of its reference.
    level : float
        Confidence level.

    Returns
    -------
    CoxModel

    Raises
    ------
    ModelError
        A left side that is no ``Surv(…)``, an event not coded 0 and 1, no events, an entry after
        the end, collinear terms, a group without events.

    References
    ----------
    Binder (1992), *Biometrika* 79; Lin (2000), *Biometrika* 87; Efron (1977), *JASA* 72.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(4)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 200), "age": rng.uniform(2, 6, 200)})
    >>> frame["months"] = np.ceil(rng.exponential(np.exp(2 - 0.3 * frame["age"])) * 10)
    >>> frame["found"] = (rng.uniform(size=200) < 0.8).astype(int)
    >>> model = mr.Survey(frame, weights="w").cox("Surv(months, found) ~ age")
    >>> model.frame["term"].tolist(), bool(model.frame["hazard_ratio"].iloc[0] > 1)
    (['age'], True)
    """
    check_level(level)
    parsed, names = _parsed(formula)
    held = (strata,) if isinstance(strata, str) else tuple(strata or ())
    clash = sorted(set(held) & set(parsed.names))
    if clash:
        raise ModelError(
            f"{', '.join(clash)} stands among the predictors and in strata=.",
            remedy="Keep it in one of the two: within strata it is constant.",
            ar="تكرر المتغيّر في المفسّرات وفي strata؛ أبقه في أحدهما.",
        )
    durations, known = _durations(survey, names, held)
    made = predictors(survey, parsed, reference, constant=False, outcome=durations.time, known=known)
    X = made.X

    def fit(weights: np.ndarray, start: np.ndarray | None) -> tuple[LikelihoodFit, engine.RiskSets]:
        return engine.fit(
            X, durations.time, durations.event, weights, entry=durations.entry,
            strata=durations.strata, mask=made.used, ties=ties, names=made.names, start=start,
        )  # fmt: skip

    fitted, sets = fit(survey.design.weights, None)
    inferred = infer(survey, fitted.coef, fitted.influence, fitted.used,
                     lambda weights: fit(weights, fitted.coef)[0].coef, spent=len(made.names) - 1)
    used = durations.event[fitted.used]
    note = facts(
        survey, formula, names["event"], "cox", made, df=inferred.df, level=level,
        more={
            "df_rule": df_words(survey.design, "plus 1, minus coefficients (as R svycoxph)"),
            "iterations": fitted.iterations, "ties": ties, "events": int((used == 1).sum()),
            "baseline_strata": held, "time": names["time"], "entry": names.get("entry"),
        },
    )  # fmt: skip
    frame = coefficient_frame(survey.codebook, made, fitted.coef, inferred.vcov, inferred.df, level, "cox")
    frame = frame.assign(
        hazard_ratio=np.exp(frame["estimate"]), hazard_low=np.exp(frame["conf_low"]),
        hazard_high=np.exp(frame["conf_high"]),
    )  # fmt: skip
    return CoxModel(survey, formula, "cox", ties, frame, inferred.vcov, note, level, fitted, sets,
                    made, durations, inferred)


def _parsed(formula: str) -> tuple[Parsed, dict[str, str]]:
    """The predictors, and the variables of Surv(…) by their part."""
    match = _SURV.match(formula)
    if match is None:
        raise ModelError(
            f"{formula!r} has no Surv(time, event) on its left side.",
            remedy="Write 'Surv(time, event) ~ …', or 'Surv(entry, time, event) ~ …'.",
            ar="اكتب الطرف الأيسر من الصيغة على نحو Surv(time, event).",
        )
    one, two, three, right = match.groups()
    names = {"time": one, "event": two} if three is None else {"entry": one, "time": two, "event": three}
    parsed = parse(f"{names['time']} ~ {right.strip() or '1'}")
    twice = sorted(set(names.values()) & set(parsed.names))
    if twice or len(set(names.values())) < len(names):
        raise ModelError(
            f"{', '.join(twice) or 'A variable of Surv(…)'} stands twice in {formula!r}.",
            remedy="Leave the outcome's variables out of the predictors.",
            ar="تكرر متغيّر من متغيّرات Surv في الصيغة؛ احذفه من المفسّرات.",
        )
    return parsed, names


def _durations(
    survey: Survey, names: Mapping[str, str], held: tuple[str, ...]
) -> tuple[Durations, dict[str, np.ndarray]]:
    """Times, events and strata, missing together; and where each variable is known."""
    columns = {part: survey.values(name) for part, name in names.items()}
    known = {names[part]: np.isfinite(values) for part, values in columns.items()}
    codes = [survey.coded(name) for name in held]
    known |= {name: part.codes >= 0 for name, part in zip(held, codes, strict=True)}
    whole = np.logical_and.reduce(list(known.values()))
    made = {part: np.where(whole, values, np.nan) for part, values in columns.items()}
    strata, keys = None, ()
    if held:
        table = np.stack([part.codes for part in codes], axis=1)
        population = whole & (survey.design.weights > 0)
        population &= True if survey.mask is None else survey.mask
        present, place = np.unique(table[population], axis=0, return_inverse=True)
        strata = np.zeros(whole.size, np.intp)
        strata[population] = place.ravel()
        keys = tuple(tuple(part.levels[k] for part, k in zip(codes, row, strict=True)) for row in present)
    return Durations(made.get("entry"), made["time"], made["event"], strata, held, keys), known
