"""What the weighting of a survey did: efficiency, balance and effect on key indicators."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine.auxiliary import cell_sums
from masar_research.errors import WeightingError
from masar_research.weighting.measures import summary
from masar_research.weighting.steps import Applied, Trim

if TYPE_CHECKING:
    from masar_research.survey import Survey

_MEASURES = {
    "n": ("Rows with weight", "سجلات لها وزن", "{:,.0f}"),
    "sum": ("Sum of weights", "مجموع الأوزان", "{:,.0f}"),
    "min": ("Smallest", "الأصغر", "{:,.3f}"),
    "median": ("Median", "الوسيط", "{:,.3f}"),
    "max": ("Largest", "الأكبر", "{:,.3f}"),
    "cv": ("Coefficient of variation", "معامل الاختلاف", "{:.3f}"),
    "deff": ("Design effect of weighting (Kish)", "أثر التصميم الناتج عن الترجيح (كيش)", "{:.3f}"),
    "n_eff": ("Effective sample size", "حجم العينة الفعّال", "{:,.0f}"),
    "trimmed_share": ("Share of weights trimmed", "نسبة الأوزان المقلَّمة", "{:.1%}"),
}


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Report:
    """The weighting of a survey in figures and words.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per stage (``stage`` 0 is the weights before the first step): ``step``, ``n``,
        ``sum``, ``min``, ``median``, ``max``, ``mean``, ``cv``, ``deff`` (Kish), ``n_eff``,
        ``trimmed_share``.
    balance : pandas.DataFrame
        Per margin and category: share under the weights before, after the margin's own step,
        and final, beside the target's share; ``gap`` is final − target.
    indicators : pandas.DataFrame
        Key indicators unweighted, under the first weights, and under the final ones
        (respondents of the final weights throughout).
    steps : tuple of Applied
    """

    frame: pd.DataFrame
    balance: pd.DataFrame
    indicators: pd.DataFrame
    steps: tuple[Applied, ...]

    def text(self, lang: str = "en") -> str:
        """The report in words.

        Parameters
        ----------
        lang : {"en", "ar"}
        """
        if lang not in ("en", "ar"):
            raise WeightingError(f"The language {lang!r} is not known.",
                                 remedy='Use "en" or "ar".')
        lines = [f"{i}. {log.text[lang]}" for i, log in enumerate(self.steps, 1)]
        first, last = self.frame.iloc[0], self.frame.iloc[-1]
        for name in ("deff", "n_eff", "cv", "min", "max", "trimmed_share"):
            en, ar, shape = _MEASURES[name]
            before, after = shape.format(first[name]), shape.format(last[name])
            lines.append(
                f"{en}: {before} before, {after} after." if lang == "en"
                else f"{ar}: قبل \u2066{before}\u2069، بعد \u2066{after}\u2069."
            )
        if len(self.balance):
            worst = self.balance.loc[self.balance["gap"].abs().idxmax()]
            gap = f"{100 * abs(worst['gap']):.2f}"
            where = f"{worst['margin']}: {worst['category']}"
            lines.append(
                f"Largest remaining distance from a target: {gap} percentage points ({where})."
                if lang == "en"
                else f"أكبر بعدٍ متبقٍّ عن هدف: \u2066{gap}\u2069 نقطة مئوية (\u2066{where}\u2069)."
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{html.escape(_MEASURES[name][0])}<br><span dir='rtl' lang='ar'>"
            f"{_MEASURES[name][1]}</span></th>" for name in _MEASURES
        )
        rows = "".join(
            f"<tr><th style='text-align:start'>{html.escape(row['step'])}</th>"
            + "".join(f"<td><bdi dir='ltr'>{_MEASURES[name][2].format(row[name])}</bdi></td>"
                      for name in _MEASURES) + "</tr>"
            for row in self.frame.to_dict("records")
        )
        words = "".join(
            f"<p dir='{direction}' lang='{lang}'>"
            + html.escape(self.text(lang)).replace("\n", "<br>") + "</p>"
            for lang, direction in (("en", "ltr"), ("ar", "rtl"))
        )
        tables = _table("Balance · التوازن مع الأهداف", self.balance) + _table(
            "Effect on indicators · أثر الترجيح على المؤشرات", self.indicators)
        return (f"<div class='masar-weighting'><table><caption>Weighting · الترجيح</caption>"
                f"<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"
                f"{tables}{words}</div>")


def report(survey: Survey, indicators: Sequence[str] | None = None) -> Report:
    """Describe the weighting steps in a survey's history.

    Parameters
    ----------
    survey : Survey
        After ``survey.weighting….apply()``.
    indicators : sequence of str, optional
        0/1 variables; by default up to twelve of the codebook.

    Raises
    ------
    WeightingError
        If no weighting step has been applied.
    """
    logs = tuple(entry for entry in survey.history if isinstance(entry, Applied))
    if not logs:
        raise WeightingError("No weighting step has been applied to this survey.",
                             remedy="Apply steps first: survey.weighting.rake(…).apply(); report "
                             "the survey that returns.")
    stages = [("Before", logs[0].before, 0.0)]
    for log in logs:
        share = log.facts["trimmed_share"] if isinstance(log.step, Trim) else stages[-1][2]
        stages.append((type(log.step).__name__, log.after, share))
    frame = pd.DataFrame(
        [{"stage": i, "step": name, **summary(w), "trimmed_share": share}
         for i, (name, w, share) in enumerate(stages)]
    )
    final = survey.design.weights
    names = _binary(survey) if indicators is None else tuple(indicators)
    return Report(frame, _balance(logs, final), _effects(survey, names, logs[0].before, final),
                  logs)


def _balance(logs: tuple[Applied, ...], final: np.ndarray) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for log in logs:
        for margin in log.facts.get("margins", ()):
            sums = [cell_sums(margin.codes, w, margin.targets.size)
                    for w in (log.before, log.after, final)]
            shares = [part / part.sum() for part in (*sums, margin.targets)]
            rows += [
                {"margin": margin.name, "category": label, "before": b, "after_step": a,
                 "final": f, "target": t, "gap": f - t}
                for label, b, a, f, t in zip(margin.labels, *shares, strict=True)
            ]
    columns = ["margin", "category", "before", "after_step", "final", "target", "gap"]
    return pd.DataFrame(rows, columns=columns)


def _effects(
    survey: Survey, names: Sequence[str], before: np.ndarray, final: np.ndarray
) -> pd.DataFrame:
    rows = []
    for name in names:
        y = survey.values(name)
        use = np.isfinite(y) & (final > 0)
        if not use.any() or not before[use].any():
            continue
        rows.append({
            "variable": name, "n": int(use.sum()), "unweighted": float(y[use].mean()),
            "before": float(np.average(y[use], weights=before[use])),
            "final": float(np.average(y[use], weights=final[use])),
        })  # fmt: skip
    columns = ["variable", "n", "unweighted", "before", "final"]
    return pd.DataFrame(rows, columns=columns)


def _binary(survey: Survey, most: int = 12) -> tuple[str, ...]:
    found = []
    for name in survey.codebook:
        if name in survey.frame.columns and survey.codebook[name].level != "text":
            levels = survey.coded(name).levels
            if 1 in levels and set(levels) <= {0, 1}:
                found.append(name)
    return tuple(found[:most])


def _table(caption: str, frame: pd.DataFrame) -> str:
    if not len(frame):
        return ""
    head = "".join(f"<th>{html.escape(str(c))}</th>" for c in frame.columns)
    body = "".join(
        "<tr>" + "".join(
            f"<td><bdi>{html.escape(f'{v:.2%}' if isinstance(v, float) else str(v))}</bdi></td>"
            for v in row) + "</tr>"
        for row in frame.itertuples(index=False)
    )
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
