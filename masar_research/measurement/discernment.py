"""Telling true headlines from false ones, apart from the readiness to believe: `survey.discernment`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research.codebook import Variable
from masar_research.engine import detection, linearized
from masar_research.engine.functional import functional
from masar_research.engine.influences import transform
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import _wrap, by_variable
from masar_research.measurement import discernment_showing as shows

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey

Unsure = Literal["left_out", "not_true"]
#: Scores of a respondent, in the order of the table.
SCORES = ("d_prime", "criterion", "difference", "area", "hit_rate", "false_alarm_rate")
POOLED = ("pooled_d_prime", "pooled_criterion")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Discernment:
    """Discernment of a population and its groups.

    Attributes
    ----------
    estimates : Estimates
        A row per score and group: mean ``d_prime``, ``criterion``, ``difference``, ``area``,
        ``hit_rate``, ``false_alarm_rate`` of respondents, ``pooled_d_prime`` and
        ``pooled_criterion`` of the group's pooled rates; one covariance over all.
    items : Estimates
        Share of each headline judged true.
    survey : Survey
        With every respondent's scores as variables ``<name>_d_prime`` and so on, ready for
        models and tables; never printed.
    true, false : tuple of str
        The headlines.
    note : Note
        Items shown and answered, respondents without a score, the correction, the scale.
    """

    estimates: Estimates
    items: Estimates
    survey: Survey
    true: tuple[str, ...]
    false: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """The frame of the estimates."""
        return self.estimates.frame

    @property
    def note(self) -> Mapping[str, Any]:
        """The note of the estimates."""
        return self.estimates.note

    @property
    def by(self) -> tuple[str, ...]:
        """The domain columns."""
        return self.estimates.by

    def contrast(self, expression: str, over: str | None = None) -> Estimates:
        """Differences of every score between groups, and whether skill or readiness to believe differs.

        Parameters
        ----------
        expression, over
            As for `Estimates.contrast`: ``"2 - 1"``.

        Returns
        -------
        Estimates
            kind ``"difference"``; ``note["reading"]`` tells sensitivity and bias apart.
        """
        return shows.told_apart(self.estimates.contrast(expression, over))

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences on sensitivity and bias of every group that may be shown."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en", profile: str = "nchs") -> Shown:
        """Scores by group, behind the release gate."""
        return shows.table(self, lang, profile)

    def plot(self, lang: str = "en", profile: str = "nchs") -> Art:
        """Sensitivity by bias, a point with two intervals for every group, behind the gate."""
        return shows.plot(self, lang, profile)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def discernment(
    survey: Survey, true: Sequence[str], false: Sequence[str], judged_true: Sequence[float],
    by: str | Sequence[str] | None = None, *, unsure: Unsure = "left_out", least: int = 2,
    name: str = "discernment", level: float = 0.95,
) -> Discernment:  # fmt: skip
    """How well people tell true headlines from false ones, and how ready they are to believe.

    Sensitivity ``d′ = z(H) − z(F)`` and bias ``c = −(z(H) + z(F)) / 2`` of every respondent, with
    the log-linear correction H = (hits + 0.5) / (n + 1); their means by domain with the design's
    standard errors.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    true, false : sequence of str
        Variables of headlines that are true, and false. One scale for all.
    judged_true : sequence of codes
        The answers that call a headline true: ``[1]`` of real/fake, ``[3, 4]`` of four ratings.
        They stand at one end of the scale, which tells its direction.
    by : str or list of str, optional
    unsure : {"left_out", "not_true"}
        Whether "don't know" and refusals leave the item out, or count as not judged true.
    least : int
        Answered headlines of each kind that a respondent's score needs.
    name : str
        Prefix of the variables that the scores become.
    level : float

    Returns
    -------
    Discernment
        Headlines not shown (rotated blocks, outside the universe, blank) are missing by design and
        counted apart from answers not given.

    Raises
    ------
    EstimationError
        No headline of a kind, one that stands on both sides, codes of different scales, `judged_true`
        not at one end of the scale, names that are taken.

    References
    ----------
    Green and Swets (1966), *Signal Detection Theory*; Hautus (1995); Pennycook and Rand (2021),
    *Trends in Cognitive Sciences* 25; Batailler et al. (2022), *Perspectives on Psychological
    Science* 17.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0], "t1": [1, 1, 0], "t2": [1, 0, 1], "f1": [0, 0, 0],
    ...                       "f2": [0, 1, 0]})
    >>> found = mr.Survey(frame, weights="w").discernment(["t1", "t2"], ["f1", "f2"], judged_true=[1])
    >>> found.survey.values("discernment_d_prime").round(4).tolist()
    [1.9348, 0.0, 0.9674]
    """
    items = _items(survey, true, false, name)
    _check(unsure, least)
    read = _read(survey, items, judged_true, unsure)
    sides = [[read[item] for item in side] for side in (true, false)]
    scores = detection.score(
        *(np.column_stack([one.yes for one in side]) for side in sides),
        *(np.column_stack([one.rating for one in side]) for side in sides), least,
    )  # fmt: skip
    scored = survey.with_columns(
        {f"{name}_{key}": getattr(scores, key) for key in SCORES}
        | {f"{name}_{item}_judged_true": one.yes for item, one in read.items()},
        *(Variable(f"{name}_{key}", shows.SCORES[key], unit=None, source=tuple(items)) for key in SCORES),
        *(Variable(f"{name}_{item}_judged_true", _label(survey, item), source=(item,)) for item in items),
    )
    facts = _facts(survey, scores, read, tuple(true), tuple(false), judged_true, unsure, least)
    judged = scored.proportion([f"{name}_{item}_judged_true" for item in items], level=level)
    estimates = _estimates(scored, scores, read, true, false, by, name, level, facts)
    return Discernment(estimates, judged, scored, tuple(true), tuple(false))


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """One headline: ``yes`` and ``rating`` (n,), and who was not shown it or gave no answer."""

    yes: np.ndarray
    rating: np.ndarray
    not_shown: np.ndarray
    no_answer: np.ndarray


def _items(survey: Survey, true: Sequence[str], false: Sequence[str], name: str) -> list[str]:
    for side, items in (("true", true), ("false", false)):
        if isinstance(items, str) or not len(items):
            raise EstimationError(
                f"{side}= needs a list of headlines that are {side}; found {items!r}.",
                remedy='Name their variables: true=["headline_1", "headline_3"].',
                ar="يلزم ذكر العناوين الصحيحة في true= والعناوين الكاذبة في false=، كل منها قائمة متغيّرات.",
            )
    items = [*true, *false]
    twice = sorted({item for item in items if items.count(item) > 1})
    if twice:
        raise EstimationError(
            f"{', '.join(twice)} is named twice: a headline is either true or false.",
            remedy="Name each headline once.",
            ar=f"ذُكر «{'، '.join(twice)}» مرتين؛ العنوان إما صحيح وإما كاذب.",
        )
    taken = [key for key in (f"{name}_{score}" for score in SCORES) if key in survey.frame.columns]
    if taken:
        raise EstimationError(
            f"The survey already has {taken[0]!r}.", remedy="Choose another prefix with name=.",
            ar=f"في المسح متغيّر باسم «{taken[0]}»؛ اختر بادئة أخرى بالوسيط name=.",
        )  # fmt: skip
    return items


def _check(unsure: str, least: int) -> None:
    if unsure not in ("left_out", "not_true"):
        raise EstimationError(
            f"unsure={unsure!r} is not a way to take those who do not know.",
            remedy="Use 'left_out' or 'not_true'.",
            ar="حدّد معالجة «لا أعرف»: left_out لاستبعاد البند أو not_true لعدّه غير مصدَّق.",
        )
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        raise EstimationError(
            f"least={least!r} is not a number of headlines.", remedy="Use 1 or more; 2 is the default.",
            ar="أقل عدد من العناوين المجاب عنها عدد صحيح موجب.",
        )  # fmt: skip


def _read(survey: Survey, items: Sequence[str], judged_true: Sequence[float], unsure: str) -> dict[str, _Item]:
    """Every headline's answers, in the direction of truth."""
    values = {item: survey.values(item) for item in items}
    declared = {item: _declared(survey, item) for item in items}
    observed = set().union(*(set(np.unique(v[np.isfinite(v)])) for v in values.values()))
    scale = sorted(observed.union(*declared.values()))
    yes = sorted({float(code) for code in np.atleast_1d(np.asarray(judged_true, float))})
    if len(scale) < 2 or not set(yes) < set(scale) or yes not in (scale[: len(yes)], scale[-len(yes):]):
        raise EstimationError(
            f"judged_true={list(judged_true)} must be some of the answers {[f'{c:g}' for c in scale]}, at one end "
            "of the scale.",
            remedy="Name the codes that call a headline true, for instance [3, 4] of four ratings.",
            ar="حدّد في judged_true= رموز الإجابات التي تعدّ العنوان صحيحاً، وهي عند أحد طرفي السلّم.",
        )
    upward = yes == scale[-len(yes):]
    out = {}
    for item, value in values.items():
        unlike = declared[item] ^ set(scale)
        if unlike and declared[item]:
            raise EstimationError(
                f"{item!r} has other answers than the rest ({', '.join(f'{c:g}' for c in sorted(unlike))} only on one "
                "side).",
                remedy="Give all headlines one scale, or analyse each battery by itself.",
                ar=f"سلّم إجابات «{item}» يختلف عن بقية العناوين؛ حلّل كل مجموعة عناوين وحدها.",
            )
        answered = np.isfinite(value)
        judged = np.where(answered, np.isin(value, yes).astype(float), np.nan)
        rating = judged if len(scale) == 2 else value if upward else scale[0] + scale[-1] - value
        no_answer = _unanswered(survey, item)
        if unsure == "not_true":
            judged = np.where(no_answer, 0.0, judged)
        out[item] = _Item(judged, rating, ~answered & ~no_answer, no_answer)
    return out


def _declared(survey: Survey, item: str) -> set[float]:
    if item not in survey.codebook:
        return set()
    return {float(c.code) for c in survey.codebook[item].valid if not isinstance(c.code, str)}


def _unanswered(survey: Survey, item: str) -> np.ndarray:
    """(n,) bool: shown and not answered, by the kind the codebook gives the code; a blank is not shown."""
    kinds = survey.codebook.missing_kinds(item)
    codes = [code for code, kind in kinds.items() if kind in ("dont_know", "refused")]
    return pd.Series(survey.frame[item].to_numpy()).isin(codes).to_numpy()


def _label(survey: Survey, item: str) -> Mapping[str, str]:
    words = survey.codebook[item].label if item in survey.codebook else {}
    return {lang: words.get(lang) or item for lang in ("en", "ar")}


def _facts(
    survey: Survey, scores: detection.Detection, read: Mapping[str, _Item], true: tuple[str, ...],
    false: tuple[str, ...], judged_true: Sequence[float], unsure: str, least: int,
) -> dict[str, Any]:  # fmt: skip
    inside = survey.design.weights > 0
    if survey.mask is not None:
        inside &= survey.mask
    scored = inside & np.isfinite(scores.d_prime)
    numbers = {(int(a), int(b)) for a, b in zip(scores.n_true[scored], scores.n_false[scored], strict=True)}
    lost = inside & ~scored
    shown_none = np.logical_and.reduce([one.not_shown for one in read.values()])
    facts: dict[str, Any] = {
        "true_headlines": list(true), "false_headlines": list(false),
        "judged_true": [float(code) for code in np.atleast_1d(np.asarray(judged_true, float))],
        "correction": "log-linear: (hits + 0.5) / (n + 1)", "unsure": unsure, "least": least,
        "respondents_scored": int(scored.sum()), "shown_none": int((lost & shown_none).sum()),
        "too_few_answers": int((lost & ~shown_none).sum()),
        "items_not_shown": sum(int((one.not_shown & inside & ~shown_none).sum()) for one in read.values()),
        "items_without_answer": sum(int((one.no_answer & inside).sum()) for one in read.values()),
    }  # fmt: skip
    if len(numbers) > 1:
        least_, most = (pick(a + b for a, b in numbers) for pick in (min, max))
        facts["warning"] = {
            lang: text.format(least_, most) for lang, text in shows.UNEQUAL.items()
        }
    return facts


def _estimates(
    survey: Survey, scores: detection.Detection, read: Mapping[str, _Item], true: Sequence[str],
    false: Sequence[str], by: str | Sequence[str] | None, name: str, level: float, facts: Mapping[str, Any],
) -> Estimates:  # fmt: skip
    asked = survey._answer([f"{name}_{key}" for key in SCORES], by, level, extra=facts)
    domains = asked.columns.domains(asked.by)
    cells = asked.cells(domains)
    means = [linearized.mean(asked.design, getattr(scores, key), **cells) for key in SCORES]
    scored = np.isfinite(scores.d_prime)

    def summed(items: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        yes = np.column_stack([read[item].yes for item in items])
        return tuple(np.where(scored, part, np.nan) for part in (np.nansum(yes, axis=1), (~np.isnan(yes)).sum(axis=1)))

    columns = [*summed(true), *summed(false)]
    group = functional(asked.design, columns, detection.pooled, size=2, **cells)
    order = np.arange(2 * domains.count).reshape(domains.count, 2).T.ravel()
    slopes = np.eye(2 * domains.count)[order]
    group = transform(group, group.estimate[order], slopes)
    head = by_variable(domains.keys, [*SCORES, *POOLED])
    lost = int(means[0].n_missing.sum())
    found = _wrap(asked, "index", [head], [*means, group], lost, "wald")
    labels = [Variable(key, shows.SCORES[key]) for key in (*SCORES, *POOLED)]
    found = replace(found, codebook=found.codebook.add(*labels))
    return found
