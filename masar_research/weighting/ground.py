"""What weighting steps stand on and leave behind: the ground, the log, and conditions on rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from masar_research import expressions
from masar_research.codebook import Text
from masar_research.engine.auxiliary import Calibration
from masar_research.engine.marginals import counted
from masar_research.errors import WeightingError

if TYPE_CHECKING:
    from masar_research.survey import Survey

Waves = tuple[np.ndarray, tuple[Any, ...], str]


_ISOLATED = re.compile("\u2066([^\u2069]+)\u2069")


def labelled(text: Text, survey: Survey) -> Text:
    """A step's words with the variables it names by their Arabic labels; a name without one stays."""

    def words(found: re.Match[str]) -> str:
        crossings = [[_arabic(survey, name) for name in run.split(" × ")] for run in found[1].split(", ")]
        if any(label is None for run in crossings for label in run):
            return found[0]
        return "، ".join(" × ".join(f"«{label}»" for label in run) for run in crossings)

    return Text(en=text["en"], ar=_ISOLATED.sub(words, text["ar"]))


def _arabic(survey: Survey, name: str) -> str | None:
    return survey.codebook[name].label.get("ar") if name in survey.codebook else None


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a step stands on: the survey, the weights so far, and its waves if several.

    ``interviews`` (n,) says how many interviews each row stands for, where rows are cells of
    a table; None: one each. ``times`` (n,) says how often each row is in a replicate, as the
    factor of its unit there; None: once. ``kept`` holds what does not depend on weights from one
    replicate to the next.
    """

    survey: Survey
    weights: np.ndarray
    waves: Waves | None
    interviews: np.ndarray | None = None
    times: np.ndarray | None = None
    kept: dict[Any, Any] = field(default_factory=dict)

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

    def copies(self) -> np.ndarray:
        """(n,) how often each row of positive weight is in the sample; 0 elsewhere."""
        positive = self.weights > 0
        return positive.astype(float) if self.times is None else np.where(positive, self.times, 0.0)


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
    """What running a step gives: weights, what the variance must know, words and figures.

    ``restarts``: earlier calibrations no longer count; ``forgets`` (n,): they do not on these rows.
    """

    weights: np.ndarray
    calibration: Calibration | None
    text: Text
    facts: Mapping[str, Any]
    restarts: bool = False
    forgets: np.ndarray | None = None


class Step(Protocol):
    """A weighting step."""

    def run(self, ground: Ground) -> Taken:
        """Take the step."""
        ...


def known(ground: Ground, condition: str, rows: np.ndarray, what: str) -> np.ndarray:
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


def num(value: float) -> str:
    """A count inside an Arabic sentence, isolated from the direction of what surrounds it."""
    return f"\u2066{value:,}\u2069"
