"""`TestResult`: what a test found, in numbers and in words of both languages."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.note import Note
from masar_research.present import theme
from masar_research.present.direction import isolate
from masar_research.present.tables import FACE

Finding = Literal["relation", "fit", "difference", "trend", "joint", "term", "calibration"]
Symbol = Literal["F", "t", "χ²", "X²"]

_FOUND = {
    "relation": (
        "A relation between the two can be detected statistically.",
        "توجد علاقة بين المتغيّرين يمكن رصدها إحصائياً.",
    ),
    "fit": (
        "The shares differ from the given ones by more than chance explains.",
        "يوجد فرق بين النسب والنسب المعطاة يمكن رصده إحصائياً.",
    ),
    "difference": (
        "A difference can be detected statistically.",
        "يوجد فرق يمكن رصده إحصائياً.",
    ),
    "trend": (
        "A change over time can be detected statistically.",
        "يوجد تغيّر عبر الزمن يمكن رصده إحصائياً.",
    ),
    "joint": (
        "At least one of the differences can be detected statistically.",
        "يوجد فرق واحد على الأقل يمكن رصده إحصائياً.",
    ),
    "term": (
        "What is tested adds to the model by more than chance explains.",
        "يضيف ما اختُبر إلى النموذج أكثر مما تفسّره الصدفة.",
    ),
    "calibration": (
        "Predicted probabilities differ from observed shares by more than chance explains.",
        "تختلف الاحتمالات المتوقعة عن النسب المشاهدة اختلافاً يمكن رصده إحصائياً.",
    ),
}
_NOT_FOUND = {
    "relation": (
        "No relation that can be detected statistically; that does not show there is none.",
        "لا توجد علاقة يمكن رصدها إحصائياً، ولا يعني ذلك عدم وجودها.",
    ),
    "fit": (
        "No difference from the given shares that can be detected statistically; "
        "that does not show they are equal.",
        "لا يوجد فرق عن النسب المعطاة يمكن رصده إحصائياً، ولا يعني ذلك تساويها.",
    ),
    "difference": (
        "No difference that can be detected statistically; that does not show there is none.",
        "لا يوجد فرق يمكن رصده إحصائياً، ولا يعني ذلك عدم وجوده.",
    ),
    "trend": (
        "No change over time that can be detected statistically; that does not show there is none.",
        "لا يوجد تغيّر عبر الزمن يمكن رصده إحصائياً، ولا يعني ذلك عدم وجوده.",
    ),
    "joint": (
        "None of the differences can be detected statistically; that does not show there are none.",
        "لا يوجد فرق يمكن رصده إحصائياً، ولا يعني ذلك عدم وجود فروق.",
    ),
    "term": (
        "No contribution that can be detected statistically; that does not show there is none.",
        "لا توجد إضافة يمكن رصدها إحصائياً، ولا يعني ذلك عدم وجودها.",
    ),
    "calibration": (
        "No misfit that can be detected statistically; that does not show that the model is right.",
        "لا يوجد اختلاف يمكن رصده إحصائياً، ولا يعني ذلك صحة النموذج.",
    ),
}
_UNKNOWN = (
    "The test cannot be made with these data.",
    "لا يمكن إجراء الاختبار على هذه البيانات.",
)
_HEADS = {
    "en": ("Test", "Compared", "Statistic", "p", "Interviews", "Reading"),
    "ar": ("الاختبار", "المقارنة", "قيمة الاختبار", "القيمة الاحتمالية", "عدد المقابلات", "القراءة"),
}


_DF = ("PSUs minus strata with answers", "وحدات المعاينة ناقص الطبقات التي فيها إجابات")
_DF_REPLICATES = ("those of the replicate weights with answers", "درجات حرية الأوزان المكررة في ما فيه إجابات")
_DF_LESS = (", minus the differences tested", "، ناقص عدد الفروق المختبرة")


def df_rule(facts: Mapping[str, Any], less: bool) -> Mapping[str, str]:
    """How the degrees of freedom of a test are counted, in both languages.

    Parameters
    ----------
    facts : mapping
        Of the survey or the estimates.
    less : bool
        Whether the differences tested are taken off.
    """
    rule = _DF_REPLICATES if (facts.get("design") or {}).get("replicates") else _DF
    return {lang: rule[side] + _DF_LESS[side] * less for side, lang in enumerate(("en", "ar"))}


@dataclass(frozen=True, slots=True, eq=False)
class TestResult:
    """Outcome of one test.

    Attributes
    ----------
    statistic : float
    df_num, df_den : float
        Degrees of freedom; `df_den` is infinite for a χ² reference and the only one for t.
    p_value : float
        Two-sided.
    symbol : {"F", "t", "χ²", "X²"}
        Reference distribution; X² is referred to a weighted sum of χ².
    method, subject : mapping {"en", "ar"}
        What was done, and to what.
    finding : str
        Which sentence reads the result.
    n : int
        Interviews with an answer.
    level : float
        The reading speaks of a finding when ``p < 1 − level``.
    note : Note
        Plain facts: weights, base, design, level, rule of the degrees of freedom, effective
        figures of the test. A mapping that prints as lines, ``note.lines("ar")`` in Arabic.
    difference : Estimates or None
        What was compared, where the test is about differences.

    Notes
    -----
    A test is a working figure of the office, as `Estimates.frame` is.
    """

    __test__ = False

    statistic: float
    df_num: float
    df_den: float
    p_value: float
    symbol: Symbol
    method: Mapping[str, str]
    subject: Mapping[str, str]
    finding: Finding
    n: int
    level: float
    note: Mapping[str, Any]
    difference: Estimates | None = None

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise EstimationError(
                f"level={self.level!r} is not a confidence level.",
                remedy="Give a fraction between 0 and 1, for instance 0.95.",
            )
        object.__setattr__(self, "note", Note({**self.note, "level": self.level}))

    def reading(self, lang: str = "en") -> str:
        """One plain sentence; the absence of a finding is never called equality."""
        side = int(lang == "ar")
        if not np.isfinite(self.p_value):
            return _UNKNOWN[side]
        table = _FOUND if self.p_value < 1 - self.level else _NOT_FOUND
        return table[self.finding][side]

    def figures(self) -> str:
        """``F(5.11, 260.4) = 5.105``, as statisticians write it."""
        value = f"{self.statistic:.3f}" if np.isfinite(self.statistic) else "–"
        if self.symbol == "t":
            freedom = f"({_df(self.df_den)})"
        elif self.symbol == "χ²":
            freedom = f"({_df(self.df_num)})"
        else:
            freedom = f"({_df(self.df_num)}, {_df(self.df_den)})"
        return f"{self.symbol}{freedom} = {value}"

    def told(self, lang: str = "en") -> str:
        """Method, figures and reading in one line."""
        figures = f"{self.figures()}, p {_equal(self.p_value)}"
        if lang == "ar":
            figures = isolate(figures)
        return f"{self.method[lang]}: {figures}. {self.reading(lang)}"

    def __repr__(self) -> str:
        return f"<{self.told()}>"

    def _repr_html_(self) -> str:
        return "".join(_html(self, lang) for lang in ("en", "ar"))


def _df(value: float) -> str:
    if not np.isfinite(value):
        return "∞" if np.isinf(value) else "–"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _equal(value: float) -> str:
    """``= 0.042`` or ``< 0.001``, as it follows a p."""
    text = _p(value)
    return text if text.startswith("<") else f"= {text}"


def _html(result: TestResult, lang: str) -> str:
    # A bracketed statistic is one left-to-right token inside an Arabic page.
    guard = isolate if lang == "ar" else str
    values = (
        result.method[lang], result.subject[lang], guard(result.figures()),
        guard(_p(result.p_value)), guard(f"{result.n:,}"), result.reading(lang),
    )  # fmt: skip
    cell = f"text-align:start;padding-block:.2em;border-bottom:1px solid {theme.FAINT}"
    body = "".join(
        f"<tr><th scope='row' style='{cell};padding-inline:.4em 1.2em;font-weight:600;"
        f"white-space:nowrap;vertical-align:top'>{head}</th>"
        f"<td style='{cell};padding-inline:.4em'>{html.escape(value)}</td></tr>"
        for head, value in zip(_HEADS[lang], values, strict=True)
    )
    direction = "rtl" if lang == "ar" else "ltr"
    return (
        f"<table class='masar-test' lang='{lang}' dir='{direction}' style='direction:{direction};"
        f"border-collapse:collapse;font-family:{FACE};color:{theme.INK};margin-block:.4em 1em;"
        f"line-height:1.5'>{body}</table>"
    )
