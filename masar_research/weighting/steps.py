"""Weighting steps as data. Each is a frozen dataclass that knows how to run once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from masar_research import expressions
from masar_research.codebook import Text
from masar_research.engine import calibration
from masar_research.engine.auxiliary import Calibration
from masar_research.engine.marginals import counted
from masar_research.errors import DataError, WeightingError
from masar_research.weighting.classes import classes
from masar_research.weighting.measures import level_off
from masar_research.weighting.targets import MarginSpec, match

if TYPE_CHECKING:
    from masar_research.survey import Survey

Waves = tuple[np.ndarray, tuple[Any, ...], str]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a step stands on: the survey, the weights so far, and its waves if several.

    ``interviews`` (n,) says how many interviews each row stands for, where rows are cells of
    a table; None: one each.
    """

    survey: Survey
    weights: np.ndarray
    waves: Waves | None
    interviews: np.ndarray | None = None

    def count(self, where: np.ndarray) -> int:
        """Interviews behind the rows marked."""
        return counted(where, self.interviews)

    def parts(self) -> list[np.ndarray]:
        """Row masks of positive weight, one per wave."""
        positive = self.weights > 0
        if self.waves is None:
            return [positive]
        parts = [positive & (self.waves[0] == k) for k in range(len(self.waves[1]))]
        return [part for part in parts if part.any()]


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """A step that has been taken, as it stands in a survey's history.

    Attributes
    ----------
    step : Step
    text : Text
        What happened, in English and Arabic.
    facts : mapping
        Plain figures: counts, factors, iterations, gaps.
    before, after : (n,) float arrays
        Weights going in and coming out.
    """

    step: Step
    text: Text
    facts: Mapping[str, Any]
    before: np.ndarray = field(repr=False)
    after: np.ndarray = field(repr=False)

    def __str__(self) -> str:
        return self.text["en"]


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What running a step gives: weights, what the variance must know, words and figures."""

    weights: np.ndarray
    calibration: Calibration | None
    text: Text
    facts: Mapping[str, Any]
    restarts: bool = False


class Step(Protocol):
    """A weighting step."""

    def run(self, ground: Ground) -> Taken:
        """Take the step."""
        ...


@dataclass(frozen=True, slots=True)
class Base:
    """Weights computed from columns: a column of weights, or 1 / probability.

    Attributes
    ----------
    expression : str
        For instance ``"base_weight"`` or ``"1 / (p_block * p_household * p_person)"``.
    """

    expression: str

    def run(self, ground: Ground) -> Taken:
        """Evaluate the expression; every row must get a weight ≥ 0."""
        outcome = expressions.evaluate(self.expression, ground.survey.values)
        try:
            values = np.array(np.broadcast_to(outcome.value, ground.weights.shape), dtype=float)
        except (TypeError, ValueError) as error:
            raise WeightingError(f"{self.expression!r} does not give numbers.",
                                 remedy="Write arithmetic of numeric variables.") from error
        bad = ~outcome.known | ~np.isfinite(values) | (np.where(outcome.known, values, 0) < 0)
        if bad.any():
            raise WeightingError(
                f"{self.expression!r} gives no weight of zero or more on {int(bad.sum())} rows "
                f"(first: row {int(np.flatnonzero(bad)[0])}).",
                remedy="Complete the selection probabilities of these rows.",
                ar="صفوف بلا وزن أساسي صالح.",
            )
        text = Text(en=f"Base weights: {self.expression}.",
                    ar=f"أوزان أساسية: \u2066{self.expression}\u2069.")
        return Taken(values, None, text, {"sum": float(values.sum())}, restarts=True)


@dataclass(frozen=True, slots=True)
class Nonresponse:
    """Weight of non-respondents carried to the respondents of the same class.

    Attributes
    ----------
    responded : str
        Condition that is true for respondents; it must be known for every row.
    cells : tuple of str
        Variables whose crossing forms the classes.
    min_cell : int
        Classes with fewer respondents are merged with neighbours; 0 merges none.
    eligible : str or None
        Condition of belonging to the population; others leave with weight 0, carried by nobody.
    """

    responded: str
    cells: tuple[str, ...]
    min_cell: int = 0
    eligible: str | None = None

    def run(self, ground: Ground) -> Taken:
        """Form the classes and raise the respondents' weights."""
        positive = ground.weights > 0
        eligible = positive
        if self.eligible is not None:
            eligible = positive & _known(ground, self.eligible, positive, "eligibility")
        answered = _known(ground, self.responded, eligible, "response status")
        if not answered.any():
            raise WeightingError(f"Nobody satisfies {self.responded!r}.",
                                 remedy="Check the codes of the response status.")
        formed = classes(ground.survey, self.cells, eligible, answered, self.min_cell, ground.waves,
                         ground.interviews)
        weights = np.where(eligible, ground.weights, 0.0)
        done = calibration.respond(weights, answered, formed.codes, labels=formed.labels)
        lost = ground.count(eligible & ~answered)
        out = ground.count(positive & ~eligible)
        factors = done.g[answered & eligible]
        facts = {
            "respondents": ground.count(answered), "non_respondents": lost, "ineligible": out,
            "classes": len(formed.labels), "merged": formed.merged,
            "smallest_factor": float(factors.min()), "largest_factor": float(factors.max()),
            "cells": self.cells,
        }  # fmt: skip
        over = " × ".join(self.cells)
        left_en = f"; {out:,} ineligible rows left" if out else ""
        left_ar = f"، وخرج {_num(out)} سجلًا غير مؤهل" if out else ""
        text = Text(
            en=f"Non-response: the weight of {lost:,} non-respondents carried to "
            f"{facts['respondents']:,} respondents within {facts['classes']} classes of {over} "
            f"(factors {factors.min():.2f} to {factors.max():.2f}{left_en}).",
            ar=f"عدم الاستجابة: نُقل وزن {_num(lost)} من غير المستجيبين إلى "
            f"{_num(facts['respondents'])} من المستجيبين داخل {_num(facts['classes'])} فئة "
            f"حسب \u2066{over}\u2069{left_ar}.",
        )
        return Taken(done.weights, done.calibration, text, facts)


def _known(ground: Ground, condition: str, rows: np.ndarray, what: str) -> np.ndarray:
    """A condition that must be decided, with codes the codebook knows, on the given rows."""
    survey = ground.survey
    for name in sorted(expressions.parse(condition).names):
        if name in survey.codebook and survey.codebook[name].categories:
            declared = {c.code for c in survey.codebook[name].categories}
            coded = survey.coded(name)
            strange = [k for k, level in enumerate(coded.levels)
                       if level not in declared and (rows & (coded.codes == k)).any()]
            if strange:
                raise WeightingError(
                    f"{name} holds codes without meaning in the codebook: "
                    f"{[coded.levels[k] for k in strange]} ({what}).",
                    remedy="Declare what these dispositions mean, or correct them.",
                    ar=f"رموز غير معروفة في {name}.",
                )
    yes = survey.truth(condition)
    unknown = rows & ~yes & ~survey.truth(f"not ({condition})")
    if unknown.any():
        first = int(np.flatnonzero(unknown)[0])
        raise WeightingError(
            f"The {what} is unknown on {ground.count(unknown)} rows: {condition!r} meets a missing "
            f"value{f' (first: row {first})' if ground.interviews is None else ''}.",
            remedy="Give every sampled row a disposition; an unknown one must not count as a "
            "respondent.",
            ar=f"حالة الاستجابة غير معروفة في {ground.count(unknown)} سجلًا.",
        )
    return yes & rows


@dataclass(frozen=True, slots=True)
class Rake:
    """Raking to several margins.

    Attributes
    ----------
    margins : tuple of MarginSpec
    total : float, "current" or None
        None: the targets are population totals. Otherwise they are shares of this total, or of
        the current sum of weights (in each wave).
    max_iter, tol
        See :func:`masar_research.engine.calibration.rake`.
    """

    margins: tuple[MarginSpec, ...]
    total: float | str | None = None
    max_iter: int = 200
    tol: float = 1e-10

    def run(self, ground: Ground) -> Taken:
        """Match the targets and rake."""
        matched = [_matched(ground, spec, self.total) for spec in self.margins]
        done = calibration.rake(ground.weights, matched, max_iter=self.max_iter, tol=self.tol)
        names = "; ".join(spec.name for spec in self.margins)
        facts = _calibration_facts(done, ground, self.margins, matched)
        text = Text(
            en=f"Raking to {len(self.margins)} margins ({names}) in {done.iterations} iterations, "
            f"largest gap {done.max_gap:.1e}; factors {facts['smallest_factor']:.2f} to "
            f"{facts['largest_factor']:.2f}.",
            ar=f"ضبط تكراري للأوزان على {_num(len(self.margins))} من التوزيعات الهامشية "
            f"(\u2066{names}\u2069) في {_num(done.iterations)} دورة.",
        )
        return Taken(done.weights, done.calibration, text, facts)


@dataclass(frozen=True, slots=True)
class Poststratify:
    """Post-stratification to one table.

    Attributes
    ----------
    margin : MarginSpec
    total : float, "current" or None
        As for :class:`Rake`.
    """

    margin: MarginSpec
    total: float | str | None = None

    def run(self, ground: Ground) -> Taken:
        """Match the targets and post-stratify."""
        matched = _matched(ground, self.margin, self.total)
        done = calibration.poststratify(ground.weights, matched)
        facts = _calibration_facts(done, ground, (self.margin,), [matched])
        text = Text(
            en=f"Post-stratification by {self.margin.name} ({len(self.margin.targets)} cells); "
            f"factors {facts['smallest_factor']:.2f} to {facts['largest_factor']:.2f}.",
            ar=f"ترجيح بعدي حسب \u2066{self.margin.name}\u2069 "
            f"({_num(len(self.margin.targets))} خلية).",
        )
        return Taken(done.weights, done.calibration, text, facts)


def _matched(ground: Ground, spec: MarginSpec, total: float | str | None) -> calibration.Margin:
    about, rest = (ground.survey, spec, ground.weights), (ground.waves, ground.interviews)
    many = ground.waves is not None and ground.waves[2] in spec.variables
    if total is None:
        largest = max((value for _, value in spec.targets), default=np.inf)
        people = float(ground.weights.sum())
        kind = "shares" if largest <= 1 else "percentages" if abs(spec.sum - 100) < 0.5 and people > 1000 else None
        if kind:
            raise WeightingError(
                f"The targets of {spec.name} sum to {spec.sum:.4f}: they look like {kind}.",
                remedy='Give shares that sum to 1 with total= (the population size, or "current" to keep the '
                "sum of weights), or population totals.",
                ar=f"أهداف {spec.name} تبدو حصصاً أو نسباً مئوية لا مجاميع سكان؛ أعطِ total= أو أعطِ مجاميع.",
            )
        return match(*about, None, *rest)[0]
    if many:
        raise WeightingError(
            f"The targets of {spec.name} name the wave, so they cannot be shares of one total.",
            remedy="Give population totals and leave total= out.",
        )
    if abs(spec.sum - 1.0) > 1e-6:
        raise WeightingError(
            f"The targets of {spec.name} sum to {spec.sum:,.6g}; shares must sum to 1.",
            remedy="Give shares that sum to 1, or leave total= out if these are totals.",
            ar=f"مجموع حصص {spec.name} ليس واحداً؛ صحّحها، أو احذف total= إن كانت مجاميع.",
        )
    if total == "current":
        sums = [ground.weights[part].sum() for part in ground.parts()]
        margin, k = match(*about, 1.0, *rest)
        return margin._replace(targets=margin.targets * np.repeat(sums, k))
    if isinstance(total, str) or not total > 0:
        raise WeightingError(f"total={total!r} is not a population size.",
                             remedy='Give a positive number, or "current".')
    return match(*about, float(total), *rest)[0]


def _calibration_facts(done, ground, specs, matched) -> dict[str, Any]:
    positive = ground.weights > 0
    g = done.g if positive.all() else done.g[positive]
    return {
        "iterations": done.iterations, "max_gap": done.max_gap,
        "smallest_factor": float(g.min()), "largest_factor": float(g.max()),
        "sources": tuple(spec.source for spec in specs if spec.source),
        "margins": tuple(matched),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trim:
    """Extreme weights brought back to a bound.

    Attributes
    ----------
    upper, lower : float, str or None
        A number or a rule in ``median, mean, iqr, n`` of the positive weights (of each wave):
        ``"median + 6*iqr"``.
    redistribute : bool
        Keep the sum of weights by scaling those inside the bounds.
    """

    upper: float | str | None = None
    lower: float | str | None = None
    redistribute: bool = True

    def run(self, ground: Ground) -> Taken:
        """Clip, and scale the rest."""
        weights = ground.weights.copy()
        bounds, changed, moved = [], 0, 0.0
        for part in ground.parts():
            w = weights[part]
            low, high = _bound(self.lower, w, 0.0), _bound(self.upper, w, np.inf)
            if not low < high:
                raise WeightingError(f"The bounds cross: lower {low:g}, upper {high:g}.",
                                     remedy="Choose lower below upper.")
            outside = (w < low) | (w > high)
            if self.redistribute and not low * w.size <= w.sum() <= high * w.size:
                raise WeightingError(
                    f"The mean weight {w.mean():,.4g} lies outside the bounds {low:,.4g} to "
                    f"{high:,.4g}, so the sum of weights cannot be kept.",
                    remedy="Choose an upper bound above the mean weight, or redistribute=False.",
                    ar="حد التقليم أدنى من متوسط الأوزان، فلا يمكن الحفاظ على مجموعها.",
                )
            clipped = np.clip(w, low, high)
            moved += float(np.abs(clipped - w).sum())
            changed += int(outside.sum())
            if outside.any():
                weights[part] = level_off(w, low, high) if self.redistribute else clipped
            bounds.append((low, high))
        positive = int((ground.weights > 0).sum())
        facts = {
            "trimmed": changed, "trimmed_share": changed / positive,
            "weight_moved_share": moved / float(ground.weights.sum()), "bounds": tuple(bounds),
        }  # fmt: skip
        caps = ", ".join(f"{high:,.4g}" if np.isfinite(high) else f"≥ {low:,.4g}"
                         for low, high in bounds)
        what = "the rest scaled to keep the sum" if self.redistribute else "sum not kept"
        text = Text(
            en=f"Trimming: {changed:,} of {positive:,} weights ({changed / positive:.1%}) brought "
            f"to the bound {caps}; {what}.",
            ar=f"تقليم الأوزان: أُعيد {_num(changed)} وزنًا من {_num(positive)} إلى الحد "
            f"\u2066{caps}\u2069.",
        ) if changed else Text(
            en=f"Trimming: no weight lies beyond the bound {caps}; nothing changed.",
            ar=f"تقليم الأوزان: لا وزن يتجاوز الحد \u2066{caps}\u2069؛ لم يتغير شيء.",
        )
        return Taken(weights, None, text, facts)


def _bound(rule: float | str | None, w: np.ndarray, default: float) -> float:
    if rule is None:
        return default
    if isinstance(rule, str):
        low, high = np.quantile(w, [0.25, 0.75])
        known = {"median": np.median(w), "mean": w.mean(), "iqr": high - low, "n": float(w.size)}
        try:
            value = expressions.evaluate(rule, {k: np.array([v]) for k, v in known.items()}).value
            rule = float(np.ravel(value)[0])
        except DataError as error:
            raise WeightingError(f"The trimming rule {rule!r} cannot be read: {error.what}",
                                 remedy=f"Use numbers and {', '.join(known)}.") from error
    if not np.isfinite(rule) or rule < 0:
        raise WeightingError(f"The bound {rule!r} is not a positive number.",
                             remedy='Give a number, or a rule such as "median + 6*iqr".')
    return float(rule)


@dataclass(frozen=True, slots=True)
class Normalise:
    """Weights scaled to mean 1 (in each wave). Means and shares stay; totals lose their sense."""

    def run(self, ground: Ground) -> Taken:
        """Divide by the mean positive weight."""
        weights = ground.weights.copy()
        means = []
        for part in ground.parts():
            means.append(float(weights[part].mean()))
            weights[part] /= means[-1]
        text = Text(
            en="Weights scaled to mean 1: shares and means unchanged, totals are counts of "
            "interviews.",
            ar="عُدّلت الأوزان ليصبح متوسطها \u20661\u2069.",
        )
        return Taken(weights, None, text, {"means": tuple(means)})


def _num(value: int) -> str:
    return f"\u2066{value:,}\u2069"
