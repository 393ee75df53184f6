"""Whether the hazards of a Cox model are proportional."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import cox_zph as engine
from masar_research.engine.distributions import chi2_tail, f_tail
from masar_research.engine.sandwich import influence_totals
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.present import numbers, tables

if TYPE_CHECKING:
    from masar_research.models.cox import CoxModel

_TIMES = {
    "km": ("1 − Kaplan–Meier", "1 − كابلان–ماير"), "identity": ("time", "الزمن"),
    "log": ("logarithm of time", "لوغاريتم الزمن"), "rank": ("rank of time", "رتبة الزمن"),
}  # fmt: skip
_ALL = {"en": "All together", "ar": "جميعها معاً"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HazardsTest:
    """Score tests that each coefficient is constant over time.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per coefficient and a last one, ``GLOBAL``: ``term, label_en, label_ar, correlation``
        (of scaled Schoenfeld residuals with transformed time), ``F, df_num, df_den, p_value`` with
        the design-based covariance, and ``chisq, chisq_p``, the same score with the variance of a
        model without design and with the weights scaled to n (R's ``cox.zph``).
    note : mapping
        Transform, events, rule of the degrees of freedom.
    """

    frame: pd.DataFrame
    note: Mapping[str, Any]

    def _parts(self, lang: str) -> tuple[list[list[str]], list[tables.Column], tuple[str, ...]]:
        ar = lang == "ar"
        heads = (("المعامل", "الارتباط مع الزمن", "F", "درجات الحرية", "القيمة الاحتمالية") if ar else
                 ("Coefficient", "Correlation with time", "F", "df", "p"))
        rows = [
            [_ALL[lang] if row["term"] == "GLOBAL" else str(row[f"label_{lang}"] or row["term"]),
             _number(row["correlation"], lang, 3), _number(row["F"], lang, 2),
             f"{row['df_num']:.0f}, {row['df_den']:.0f}", _p(row["p_value"], lang)]
            for row in self.frame.to_dict("records")
        ]  # fmt: skip
        words = _TIMES[self.note["transform"]][ar]
        said = {
            "en": (f"Against {words}. A small p says that a hazard ratio changes with time; "
                   "a large one does not show that it is constant.",),
            "ar": (f"مقابل: {words}. القيمة الاحتمالية الصغيرة تعني أن نسبة الخطر تتغير مع الزمن، "
                   "أما الكبيرة فلا تثبت ثباتها.",),
        }[lang]  # fmt: skip
        return rows, [tables.Column(h, j > 0) for j, h in enumerate(heads)], said

    def __repr__(self) -> str:
        rows, columns, notes = self._parts("en")
        return tables.plain_text(rows, columns, notes=notes)

    def _repr_html_(self) -> str:
        out = []
        for lang in ("en", "ar"):
            rows, columns, notes = self._parts(lang)
            out.append(tables.estimates_html(rows, columns, lang, notes=notes))
        return "".join(out)


def proportional_hazards(model: CoxModel, transform: engine.Transform = "km") -> HazardsTest:
    """Test proportional hazards.

    To the model are added, in thought, x g(t); the score of their coefficients at zero is a weighted
    sum of Schoenfeld residuals. ``F = (f − q + 1)/(f q) U'V⁻¹U`` on q and f − q + 1, V the
    design-based covariance of U with the estimation of β taken into account, f PSUs less strata.

    Parameters
    ----------
    model : CoxModel
    transform : {"km", "identity", "log", "rank"}
        g(t), as in R's ``cox.zph``; "km" with the survey's weights.

    Returns
    -------
    HazardsTest

    Raises
    ------
    ModelError
        An unknown transform; log of a time that is not positive.

    Notes
    -----
    With replicate weights V is that of the linear approximation in each replicate, not of fits anew.

    References
    ----------
    Grambsch and Therneau (1994), *Biometrika* 81; Lin (2000), *Biometrika* 87.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(4)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 200), "age": rng.uniform(2, 6, 200)})
    >>> frame["months"] = np.ceil(rng.exponential(np.exp(2 - 0.3 * frame["age"])) * 10)
    >>> frame["found"] = (rng.uniform(size=200) < 0.8).astype(int)
    >>> model = mr.Survey(frame, weights="w").cox("Surv(months, found) ~ age")
    >>> model.proportional_hazards().frame["term"].tolist()
    ['age', 'GLOBAL']
    """
    if transform not in engine.TRANSFORMS:
        raise ModelError(f"transform={transform!r} is not known.", remedy=f"Use one of {', '.join(engine.TRANSFORMS)}.",
                         ar=f"تحويل الزمن غير معروف؛ المتاح: \u2066{', '.join(engine.TRANSFORMS)}\u2069.")
    sets, fit, design = model.sets, model.fit, model.survey.design
    if transform == "log" and (sets.event_time <= 0).any():
        raise ModelError("An event happened at time 0 or before: its logarithm does not exist.",
                         remedy="Use transform='km' or 'rank'.",
                         ar="وقع حدث عند الزمن صفر أو قبله فلا لوغاريتم له؛ استعمل km أو rank.")
    g = engine.times_of(sets, transform, model.durations.time, model.durations.entry)
    found = engine.time_scores(fit, sets, g)
    vcov = covariance(design, influence_totals(design, found.influence))
    scale = fit.n_used / float(fit.weights.sum())
    p = found.score.size
    f = model.df - 1 + fit.coef.size
    rows = []
    for index, row in [([j], model.frame.iloc[j]) for j in range(p)] + [(list(range(p)), None)]:
        block, q = np.ix_(index, index), len(index)
        U, freedom = found.score[index], f - q + 1
        wald = float(U @ np.linalg.solve(vcov[block], U))
        plain = float(U @ np.linalg.solve(found.information[block], U)) * scale
        F = wald * freedom / (f * q) if freedom > 0 else np.nan
        rows.append({
            "term": "GLOBAL" if row is None else row["term"], "label_en": None if row is None else row["label_en"],
            "label_ar": None if row is None else row["label_ar"],
            "correlation": np.nan if row is None else found.correlation[index[0]], "F": F,
            "df_num": q, "df_den": freedom, "p_value": float(f_tail(F, q, freedom)) if freedom > 0 else np.nan,
            "chisq": plain, "chisq_p": float(chi2_tail(plain, q)),
        })  # fmt: skip
    note = {**model.note, "transform": transform,
            "df_rule": "coefficients tested; PSUs minus strata with fitted rows, minus coefficients, plus 1"}
    return HazardsTest(pd.DataFrame(rows), note)


def _number(value: float, lang: str, digits: int) -> str:
    return "" if not np.isfinite(value) else numbers.number(value, lang, digits)


def _p(value: float, lang: str) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else numbers.number(value, lang, 3)
