"""Response propensity: weights divided by an estimated chance of response, or adjusted in its classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from masar_research.codebook import Text
from masar_research.engine import calibration, glm
from masar_research.engine.auxiliary import Basis, Calibration, Solved
from masar_research.errors import MasarError, WeightingError
from masar_research.models import formula as formulas
from masar_research.weighting.ground import Ground, Taken, known, num
from masar_research.weighting.measures import quantile

_LOW = 0.1
_ANSWER = "_masar_response"


@dataclass(frozen=True, slots=True)
class Propensity:
    """Non-response by a logistic model of responding, fitted in each wave.

    Attributes
    ----------
    responded : str
        Condition that is true for respondents; it must be known for every row.
    on : str
        Right-hand side of a formula in variables known for everybody: ``"C(governorate) + age"``.
    classes : int or None
        None: weights are divided by the fitted propensity. k: rows are put into k classes at the
        quantiles of the propensity, and adjusted by the weighted response rate of their class.
    weighted : bool
        Fit with the weights; False: every row counts once.
    eligible : str or None
        Condition of belonging to the population; others leave with weight 0.

    References
    ----------
    Little (1986), Int. Stat. Review 54; Kim and Kim (2007), Canadian J. Stat. 35.
    """

    responded: str
    on: str
    classes: int | None = None
    weighted: bool = True
    eligible: str | None = None

    def run(self, ground: Ground) -> Taken:
        """Fit, and raise the respondents' weights."""
        if self.classes is not None and self.classes < 2:
            raise WeightingError(f"classes={self.classes!r} is no number of propensity classes.",
                                 remedy="Give 2 or more (5 is usual), or leave it out for inverse propensities.")
        positive = ground.weights > 0
        eligible = positive
        if self.eligible is not None:
            eligible = positive & known(ground, self.eligible, positive, "eligibility")
        answered = known(ground, self.responded, eligible, "response status")
        if not answered.any():
            raise WeightingError(f"Nobody satisfies {self.responded!r}.",
                                 remedy="Check the codes of the response status.")
        before = np.where(eligible, ground.weights, 0.0)
        counts = ground.copies()
        v = before if self.weighted else np.where(eligible, counts, 0.0)
        x, names = _matrix(ground, self, eligible)
        p, columns = np.zeros(before.size), []
        for part in ground.parts():
            rows = part & eligible
            if not rows.any():
                continue
            if (answered & rows).sum() == rows.sum():
                p[rows] = 1.0
                continue
            p[rows] = _fitted(x, answered, np.where(rows, v, 0.0), rows, names, self)
            columns.append(np.where(rows[:, None], x, 0.0))
        facts, more = _facts(ground, p, answered, eligible, positive), {}
        if self.classes is None:
            after = np.divide(before, p, out=np.zeros_like(before), where=answered)
            calibrated = _solved(before, after, v, p, answered, columns, not self.weighted)
        else:
            codes = _classes(ground, p, eligible, counts, self.classes)
            done = calibration.respond(before, answered, codes)
            after, calibrated = done.weights, done.calibration
            more = {"classes": int(codes.max()) + 1}
        factors = after[answered] / before[answered]
        facts |= {"smallest_factor": float(factors.min()), "largest_factor": float(factors.max()),
                  "on": self.on, **more}  # fmt: skip
        return Taken(after, calibrated, self._said(facts), facts)

    def _said(self, facts: dict[str, Any]) -> Text:
        how = ("inverse propensities", "مقلوب احتمال الاستجابة المقدّر") if self.classes is None else (
            f"{facts['classes']} classes of propensity", f"{num(facts['classes'])} فئة من احتمال الاستجابة المقدّر")
        low = facts["below_tenth"]
        warn_en = f"; {low:,} respondents below {_LOW:g}" if low else ""
        warn_ar = f"، منهم {num(low)} من المستجيبين دون \u2066{_LOW:g}\u2069" if low else ""
        left_en = f"; {facts['ineligible']:,} ineligible rows left" if facts["ineligible"] else ""
        left_ar = f"، وخرج {num(facts['ineligible'])} سجلًا غير مؤهل" if facts["ineligible"] else ""
        return Text(
            en=f"Non-response: the weight of {facts['non_respondents']:,} non-respondents carried to "
            f"{facts['respondents']:,} respondents by {how[0]} on {self.on}"
            f"{'' if self.weighted else ' (unweighted fit)'}; propensities {facts['smallest_propensity']:.3f} to "
            f"{facts['largest_propensity']:.3f}{warn_en}, factors {facts['smallest_factor']:.2f} to "
            f"{facts['largest_factor']:.2f}{left_en}.",
            ar=f"عدم الاستجابة: نُقل وزن {num(facts['non_respondents'])} من غير المستجيبين إلى "
            f"{num(facts['respondents'])} من المستجيبين بواسطة {how[1]} حسب \u2066{self.on}\u2069؛ الاحتمالات من "
            f"\u2066{facts['smallest_propensity']:.3f}\u2069 إلى \u2066{facts['largest_propensity']:.3f}\u2069"
            f"{warn_ar}{left_ar}.",
        )


def _matrix(ground: Ground, step: Propensity, eligible: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(n, p) predictors of the eligible rows; those of the full sample serve every replicate."""
    key = (step, "matrix")
    if key not in ground.kept or (eligible & ~ground.kept[key][2]).any():
        survey = ground.survey.with_columns({_ANSWER: np.where(eligible, 1.0, np.nan)})
        survey = survey.with_weights(np.where(eligible, 1.0, 0.0), None, step)
        try:
            made = formulas.build(survey, formulas.parse(f"{_ANSWER} ~ {step.on}"), {})
        except MasarError as error:
            raise WeightingError(f"The response model cannot be formed: {error.what}",
                                 remedy=error.remedy, ar="تعذّر تكوين نموذج الاستجابة.") from error
        lost = {name: count for name, count in made.missing.items() if name != _ANSWER}
        if lost:
            raise WeightingError(
                "Predictors of response must be known for everybody sampled; missing: "
                + ", ".join(f"{name} on {count} rows" for name, count in lost.items()) + ".",
                remedy="Take variables of the sampling frame, or impute them.",
                ar=f"متغيرات نموذج الاستجابة ناقصة: {', '.join(lost)}.",
            )
        ground.kept[key] = (made.X, tuple(made.names), eligible)
    return ground.kept[key][:2]


def _fitted(x, answered, v, rows, names, step) -> np.ndarray:
    live = np.flatnonzero(np.abs(x[rows]).max(axis=0) > 0)
    try:
        fit = glm.fit(np.ascontiguousarray(x[:, live]), answered.astype(float), v,
                      names=[names[j] for j in live], tol=1e-8)
    except MasarError as error:
        raise WeightingError(f"The response model on {step.on} cannot be fitted: {error.what}",
                             remedy="Use fewer or broader predictors, or classes: nonresponse(cells=…).",
                             ar="تعذّر تقدير نموذج الاستجابة.") from error
    return fit.mu[rows]


def _solved(before, after, v, p, answered, columns, free) -> Calibration | None:
    if not columns:
        return None
    basis = Basis(None, None, 0, np.hstack(columns))
    step = Solved("propensity", before, after, basis, slope=np.where(answered, 1 - p, 0.0),
                  score=v * (answered - p), curvature=v * p * (1 - p), free=free)
    return Calibration((step,))


def _classes(ground, p, eligible, counts, k) -> np.ndarray:
    """(n,) class of each eligible row at the quantiles of its wave's propensities, −1 elsewhere."""
    codes, taken = np.full(p.size, -1), 0
    for part in ground.parts():
        rows = np.flatnonzero(part & eligible)
        if not rows.size:
            continue
        edges = np.unique([quantile(p[rows], counts[rows], j / k) for j in range(1, k)])
        _, place = np.unique(np.searchsorted(edges, p[rows], side="right"), return_inverse=True)
        codes[rows] = taken + place
        taken = int(codes.max()) + 1
    return codes


def _facts(ground, p, answered, eligible, positive) -> dict[str, Any]:
    mine = p[answered]
    return {
        "respondents": ground.count(answered), "non_respondents": ground.count(eligible & ~answered),
        "ineligible": ground.count(positive & ~eligible),
        "smallest_propensity": float(p[eligible].min()), "largest_propensity": float(p[eligible].max()),
        "below_tenth": ground.count(answered & (p < _LOW)),
        "extreme_rows": np.flatnonzero(answered & (p <= np.quantile(mine, 0.01)))[:20],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attrition:
    """Panel attrition: the weight of those lost carried to those who answered again.

    With ``panel``, rows of a later wave first take the weight of the same person in the wave
    before; who had a weight there needs a row in the later wave, with a disposition.

    Attributes
    ----------
    responded : str
        Condition that is true for those who answered again.
    cells : tuple of str
        Classes; or
    on : str or None
        right-hand side of a formula: inverse propensities.
    panel : str or None
        Variable that names the person in all waves; None: one row per person of the first wave.

    References
    ----------
    Rendtel and Harms (2009), in Lynn (ed.), *Methodology of Longitudinal Surveys*, ch. 15.
    """

    responded: str
    cells: tuple[str, ...] = ()
    on: str | None = None
    panel: str | None = None

    def __post_init__(self) -> None:
        if bool(self.cells) == (self.on is not None):
            raise WeightingError("Attrition needs cells= (classes) or on= (a model), one of the two.",
                                 remedy='Write cells=["governorate", "sex"], or on="C(governorate) + age".')

    def run(self, ground: Ground) -> Taken:
        """Carry weights along the panel, then to those who answered again."""
        from masar_research.weighting.steps import Nonresponse

        inner = (Propensity(self.responded, self.on) if self.on is not None
                 else Nonresponse(self.responded, self.cells))
        if self.panel is None:
            taken = inner.run(ground)
            return replace(taken, text=_attrition_text(taken.text, taken.facts))
        codes, levels, _ = _waves(ground)
        people = ground.survey.coded(self.panel).codes
        weights, done, facts = ground.weights.copy(), None, []
        for wave in range(1, len(levels)):
            earlier = _matched(people, codes, weights, wave, levels, self.panel)
            rows = np.flatnonzero(codes == wave)
            weights[rows] = np.where(earlier >= 0, weights[np.maximum(earlier, 0)], 0.0)
            only = replace(ground, weights=np.where(codes == wave, weights, 0.0),
                           survey=_as_before(ground.survey, self, rows, earlier), kept={}, waves=None)
            taken = inner.run(only)
            weights[rows] = taken.weights[rows]
            facts.append(taken.facts | {"wave": levels[wave]})
            if taken.calibration is not None:
                done = taken.calibration if done is None else done.then(taken.calibration)
        whole = {name: sum(part[name] for part in facts)
                 for name in ("respondents", "non_respondents", "ineligible")}
        text = _attrition_text(taken.text if len(facts) == 1 else None, whole)
        return Taken(weights, done, text, whole | {"waves": tuple(facts)}, forgets=codes > 0)


def _waves(ground: Ground) -> Any:
    if ground.waves is None:
        raise WeightingError("panel= chains weights over waves, and this survey has one.",
                             remedy="Leave panel= out, or declare wave= in mr.Survey.",
                             ar="لا توجد جولات لربط الأوزان بينها.")
    return ground.waves


def _matched(people, codes, weights, wave, levels, panel) -> np.ndarray:
    """Row in the wave before of each row of a wave, −1 where there is none."""
    place = np.full(int(people.max()) + 2, -1)
    before = np.flatnonzero((codes == wave - 1) & (people >= 0))
    rows = np.flatnonzero(codes == wave)
    for group in (before, rows):
        ids, number = np.unique(people[group], return_counts=True)
        if (number > 1).any() or (people[group] < 0).any():
            raise WeightingError(f"{panel} does not name one row per person and wave.",
                                 remedy="Give every person of the panel one id, once in each wave.",
                                 ar="معرّف الأشخاص مكرر أو مفقود في إحدى الجولات.")
    place[people[before]] = before
    earlier = place[people[rows]]
    present = np.zeros(place.size, dtype=bool)
    present[people[rows]] = True
    lost = before[(weights[before] > 0) & ~present[people[before]]]
    if lost.size:
        raise WeightingError(
            f"{lost.size} persons with a weight in wave {levels[wave - 1]} have no row in wave {levels[wave]}.",
            remedy="Those lost stay in the design: add their rows with a disposition (not interviewed) and "
            "their stratum and PSU.",
            ar="أضف سجلات من فُقدوا في الجولة اللاحقة مع حالة الاستجابة؛ فهم يبقون في التصميم.",
        )
    return earlier


def _as_before(survey: Any, step: Attrition, rows: np.ndarray, earlier: np.ndarray) -> Any:
    """The survey with the adjustment's variables as they stood in the wave before."""
    names = step.cells
    if step.on is not None:
        names = formulas.parse(f"{_ANSWER} ~ {step.on}").names
    columns, frame = {}, survey.frame
    found = earlier >= 0
    for name in names:
        values = frame[name].copy()
        values.iloc[rows[found]] = frame[name].iloc[earlier[found]].to_numpy()
        columns[name] = values
    return survey.with_columns(columns)


def _attrition_text(inner: Text | None, facts: dict[str, Any]) -> Text:
    lost, stayed = facts["non_respondents"], facts["respondents"]
    how = "" if inner is None else inner["en"].partition(" respondents ")[2]
    return Text(
        en=f"Attrition: the weight of {lost:,} lost panel members carried to {stayed:,} who answered again"
        + (f" {how}" if how else "."),
        ar=f"فقدان أعضاء العينة الطولية: نُقل وزن {num(lost)} ممن فُقدوا إلى {num(stayed)} ممن أجابوا مجددًا.",
    )
