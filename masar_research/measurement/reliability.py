"""How consistently items measure one thing: `survey.reliability`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research.codebook import Variable
from masar_research.engine import intervals, reliability as engine
from masar_research.engine.factor_model import omega
from masar_research.engine.functional import functional
from masar_research.engine.polychoric import ordinal_alpha
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import _wrap, by_variable
from masar_research.measurement.polychoric import ordered
from masar_research.measurement.scales import oriented
from masar_research.present import numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.survey import Survey

LABELS = {
    "alpha": {"en": "Cronbach's alpha", "ar": "ألفا كرونباخ"},
    "standardised_alpha": {"en": "Standardised alpha", "ar": "ألفا المعيارية"},
    "omega": {"en": "McDonald's omega", "ar": "أوميغا ماكدونالد"},
    "ordinal_alpha": {"en": "Ordinal alpha", "ar": "ألفا الترتيبية"},
}
_MEASURES = {"alpha": engine.alpha, "standardised_alpha": engine.standardised_alpha,
             "omega": omega, "ordinal_alpha": ordinal_alpha}  # fmt: skip
_HEADS = {
    "en": ("Item", "Mean", "SD", "Item–rest correlation", "Alpha without it", "At lowest", "At highest", "Missing"),
    "ar": ("البند", "المتوسط", "الانحراف المعياري", "الارتباط ببقية البنود", "ألفا من دونه", "عند الأدنى",
           "عند الأعلى", "بلا إجابة"),
}  # fmt: skip
#: Complete rows under which the table of items shows no figures.
_LEAST = 30


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reliability:
    """Reliability of a scale.

    Attributes
    ----------
    estimates : Estimates
        ``alpha``, ``standardised_alpha`` and what else was asked for, by domain.
    items : DataFrame
        A row per item of the whole subpopulation: ``item, label_en, label_ar, n, n_missing, mean,
        sd, item_rest, alpha_without, floor, ceiling``.
    against : tuple of str
        Items that correlate negatively with the rest.
    """

    estimates: Estimates
    items: pd.DataFrame
    against: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """The frame of the estimates."""
        return self.estimates.frame

    @property
    def note(self) -> Mapping[str, Any]:
        """The note of the estimates."""
        return self.estimates.note

    def table(self, lang: str = "en") -> Shown:
        """Item analysis; no figures with fewer than thirty complete rows."""
        check_language(lang)
        heads, rows = _HEADS[lang], []
        for row in self.items.to_dict("records"):
            keys = ("mean", "sd", "item_rest", "alpha_without")
            shown = [numbers.number(row[k], lang, 2) if np.isfinite(row[k]) else "–" for k in keys]
            shown += [numbers.percent(row[k], lang) for k in ("floor", "ceiling")]
            shown = shown if row["n"] >= _LEAST else ["–"] * len(shown)
            turned = {"en": " (turned around)", "ar": " (معكوس)"}[lang] if row["item"] in self.note["reversed"] else ""
            rows.append((row[f"label_{lang}"] + turned, *shown, numbers.number(row["n_missing"], lang)))
        told = (self.note["warning"][lang],) if self.against else ()
        return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset(heads[1:]), told)

    def __repr__(self) -> str:
        return f"{self.estimates!r}\n{self.table('en')}"

    def _repr_html_(self) -> str:
        return "".join(
            self.estimates.table(lang)._repr_html_() + self.table(lang)._repr_html_() for lang in ("en", "ar")
        )


def reliability(
    survey: Survey, items: Sequence[str], by: str | Sequence[str] | None = None, *,
    reverse: Sequence[str] = (), also: Sequence[Literal["omega", "ordinal_alpha"]] = (), level: float = 0.95,
) -> Reliability:  # fmt: skip
    """Cronbach's alpha with the design's standard error, and item analysis.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    items : sequence of str
        Two or more numeric items; complete rows only, the others are counted.
    by : str or list of str, optional
    reverse : sequence of str
        Items turned around, as in `scale`. Items that run against the rest are named in
        ``note["warning"]``, never turned around unasked.
    also : sequence of {"omega", "ordinal_alpha"}
        Beside Cronbach's and the standardised alpha: omega of a model of one factor (three items
        or more), and the alpha of polychoric correlations (two to twelve ordered answers).
    level : float
        Of the interval, a t interval of ``log(1 − alpha)``.

    Returns
    -------
    Reliability

    Raises
    ------
    EstimationError
        Fewer than two items, doubled or constant ones, nobody with all answers.

    References
    ----------
    Cronbach (1951); Bonett (2002), *Journal of Educational and Behavioral Statistics* 27.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 1.0], "a": [1, 2, 3], "b": [1, 3, 2]})
    >>> mr.Survey(frame, weights="w").reliability(["a", "b"]).frame["estimate"].round(4).tolist()
    [0.6667, 0.6667]
    """
    strange = [name for name in also if name not in _MEASURES]
    if isinstance(also, str) or strange:
        raise EstimationError(
            f"also={also!r} names no coefficient of reliability.", remedy='Use also=["omega"] or ["ordinal_alpha"].',
            ar='معامل الثبات غير معروف؛ استعمل \u2066also=["omega"]\u2069 أو \u2066["ordinal_alpha"]\u2069.',
        )  # fmt: skip
    kinds = list(dict.fromkeys(["alpha", "standardised_alpha", *also]))
    if "omega" in kinds and len(items) < 3:
        raise EstimationError(
            "Omega needs three items or more.", remedy="Leave it out, or add items.",
            ar="يتطلب معامل أوميغا ثلاثة بنود على الأقل؛ أضف بنوداً أو لا تطلبه.",
        )  # fmt: skip
    columns = ordered(survey, items, reverse) if "ordinal_alpha" in kinds else oriented(survey, items, reverse)
    weights = survey.design.weights
    inside = weights > 0 if survey.mask is None else (weights > 0) & survey.mask
    complete = inside & np.isfinite(np.column_stack(columns)).all(axis=1)
    if complete.sum() < 2 or np.any([np.ptp(column[complete]) == 0 for column in columns]):
        raise EstimationError(
            "Among those who answered every item, too few remain or an item has one answer only.",
            remedy="Drop items that were not asked of the same people.",
            ar="لا يكفي عدد من أجابوا عن جميع البنود أو أن بنداً لا تتغير إجاباته بينهم؛ استبعد البنود التي لم تُطرح "
            "على الأشخاص أنفسهم.",
        )
    of = engine.analyse(weights[complete], *(column[complete] for column in columns))
    words = [survey.codebook[item].label if item in survey.codebook else {} for item in items]
    table = pd.DataFrame({
        "item": list(items), "label_en": [w.get("en") or i for w, i in zip(words, items, strict=True)],
        "label_ar": [w.get("ar") or i for w, i in zip(words, items, strict=True)],
        "n": int(complete.sum()), "n_missing": [int((inside & np.isnan(c)).sum()) for c in columns],
        "mean": of.mean, "sd": of.sd, "item_rest": of.rest, "alpha_without": of.without,
        "floor": of.floor, "ceiling": of.ceiling,
    })  # fmt: skip
    against = tuple(item for item, r in zip(items, of.rest, strict=True) if r < 0)
    extra: dict[str, Any] = {"items": list(items), "reversed": list(reverse)}
    if against:
        extra["warning"] = {
            "en": f"Runs against the other items: {', '.join(against)}. Declare what is worded the other way in "
            "reverse=; nothing was turned around unasked.",
            "ar": f"بنود تسير عكس بقية البنود: {'، '.join(against)}. صرّح في \u2066reverse=\u2069 بما صيغ في الاتجاه المعاكس؛ "
            "لم يُعكس أي بند من دون طلب.",
        }
    asked = survey._answer(list(items), by, level, extra=extra)
    domains = asked.columns.domains(asked.by)
    cells = asked.cells(domains)
    parts = [functional(asked.design, columns, f, **cells) for f in (_MEASURES[k] for k in kinds)]
    head = by_variable(domains.keys, kinds)
    found = _wrap(asked, "index", [head], parts, int(parts[0].n_missing.sum()), "wald")
    frame = found.frame.copy()
    lost = 1 - frame["estimate"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = intervals.wald(np.log(lost), frame["std_error"].to_numpy(float) / lost, frame["df"].to_numpy(float), level)
    frame["conf_low"], frame["conf_high"] = 1 - np.exp(ends[1]), 1 - np.exp(ends[0])
    labels = [Variable(key, LABELS[key]) for key in kinds]
    found = replace(found, frame=frame, codebook=found.codebook.add(*labels),
                    note={**found.note, "interval": "t of log(1 − alpha)"})  # fmt: skip
    return Reliability(found, table, against)
