"""What the weighting of a survey did: efficiency, balance and effect on key indicators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.engine.infeasibility import Conflict
from masar_research.errors import WeightingError
from masar_research.weighting import report_page, report_parts
from masar_research.weighting.measures import summary
from masar_research.weighting.steps import Applied, Trim

if TYPE_CHECKING:
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class Report:
    """The weighting of a survey in figures, pictures and words of both languages.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per stage (``stage`` 0 is the weights before the first step): ``step``, ``n``,
        ``sum``, ``min``, ``median``, ``max``, ``mean``, ``cv``, ``deff`` (Kish), ``n_eff``,
        ``trimmed_share``.
    balance : pandas.DataFrame
        Per margin and category: share under the weights before the margin's own step, after it,
        and final, beside the target's share; ``gap`` is final − target; ``std_before`` (first
        weights of those who keep a weight) and ``std_final`` are (share − t) / √(t (1 − t)).
    further : pandas.DataFrame
        Shares of variables without target before and after; ``moved`` is their difference in
        units of √(p (1 − p)). Categories of fewer than five people are left out.
    extremes : pandas.DataFrame
        Groups that hold the largest two in a hundred weights more than 1.5 times as often as
        others: at least five such people each, never single records.
    indicators : pandas.DataFrame
        Key indicators unweighted, under the first weights, and under the final ones with their
        interval (respondents of the final weights throughout).
    steps : tuple of Applied
    conflict : Conflict or None
        Why the targets of a step that was asked for cannot be met.
    weights : tuple of (n,) arrays
        First and final weights.
    """

    frame: pd.DataFrame
    balance: pd.DataFrame
    further: pd.DataFrame
    extremes: pd.DataFrame
    indicators: pd.DataFrame
    steps: tuple[Applied, ...]
    conflict: Conflict | None
    weights: tuple[np.ndarray, np.ndarray]

    def text(self, lang: str = "en") -> str:
        """The report in words.

        Parameters
        ----------
        lang : {"en", "ar"}
        """
        return report_page.text(self, _known(lang))

    def html(self, lang: str = "en") -> str:
        """One language as a piece of a page, with its pictures.

        Parameters
        ----------
        lang : {"en", "ar"}
        """
        return report_page.section(self, _known(lang))

    def to_html(self, path: str | Path, lang: str | None = None) -> Path:
        """Write the report as a page that needs nothing from elsewhere.

        Parameters
        ----------
        path : str or Path
        lang : {"en", "ar"}, optional
            By default both languages, one after the other.
        """
        place = Path(path)
        langs = ("en", "ar") if lang is None else (_known(lang),)
        place.write_text(report_page.page(self, langs), encoding="utf-8")
        return place

    def _repr_html_(self) -> str:
        return report_page.fragment(self, ("en", "ar"))

    def __str__(self) -> str:
        return f"{self.text('en')}\n\n{self.text('ar')}"

    __repr__ = __str__


def report(
    survey: Survey, indicators: Sequence[str] | None = None, further: Sequence[str] | None = None,
    conflict: Conflict | None = None,
) -> Report:  # fmt: skip
    """Describe the weighting steps in a survey's history.

    Parameters
    ----------
    survey : Survey
        After ``survey.weighting….apply()``.
    indicators, further : sequence of str, optional
        Variables whose estimates, and whose shares, are shown; by default some of the codebook.
    conflict : Conflict, optional
        Of a further step whose targets cannot be met.

    Raises
    ------
    WeightingError
        If no weighting step has been applied and none failed.
    """
    logs = tuple(entry for entry in survey.history if isinstance(entry, Applied))
    if not logs and conflict is None:
        raise WeightingError("No weighting step has been applied to this survey.",
                             remedy="Apply steps first: survey.weighting.rake(…).apply(); report "
                             "the survey that returns.",
                             ar="لم تُطبَّق أي خطوة ترجيح على هذا المسح؛ طبّق الخطوات أولًا ثم اطلب التقرير.")  # fmt: skip
    final = survey.design.weights
    first = logs[0].before if logs else final
    stages = [("Before", first, 0.0)]
    for log in logs:
        share = log.facts["trimmed_share"] if isinstance(log.step, Trim) else stages[-1][2]
        stages.append((type(log.step).__name__, log.after, share))
    frame = pd.DataFrame(
        [{"stage": i, "step": name, **summary(w), "trimmed_share": share}
         for i, (name, w, share) in enumerate(stages)]
    )
    names = _binary(survey) if indicators is None else tuple(indicators)
    more = report_parts.further_names(survey, logs) if further is None else tuple(further)
    grouping = _grouping(survey, logs, more)
    return Report(
        frame, report_parts.balance(survey, logs, final), report_parts.further(survey, more, first, final),
        report_parts.extremes(survey, grouping, final), report_parts.effects(survey, names, first, final),
        logs, conflict, (first, final),
    )  # fmt: skip


def _grouping(survey: Survey, logs: Sequence[Applied], more: Sequence[str]) -> tuple[str, ...]:
    """Variables by which extreme weights are described: of margins and classes, then further ones."""
    names = [n for log in logs for m in log.facts.get("margins", ()) for n in m.name.split(" × ")]
    names += [n for log in logs for n in log.facts.get("cells", ())]
    held = dict.fromkeys(n for n in (*names, *more) if n in survey.frame.columns)
    return tuple(n for n in held if 1 < len(survey.coded(n).levels) <= 30)[:6]


def _binary(survey: Survey, most: int = 12) -> tuple[str, ...]:
    found = []
    for name in survey.codebook:
        if name in survey.frame.columns and survey.codebook[name].level != "text":
            levels = survey.coded(name).levels
            if 1 in levels and set(levels) <= {0, 1}:
                found.append(name)
    return tuple(found[:most])


def _known(lang: str) -> str:
    if lang not in ("en", "ar"):
        raise WeightingError(f"The language {lang!r} is not known.", remedy='Use "en" or "ar".',
                             ar="اللغة غير معروفة؛ استعمل en أو ar.")  # fmt: skip
    return lang
