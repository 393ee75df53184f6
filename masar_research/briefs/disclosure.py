"""The disclosure items of AAPOR's Code (III.A, April 2021): from the card, and computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from masar_research.briefs.blocks import EstimatesBlock, FigureBlock, Header
from masar_research.briefs.refs import (
    DateRef,
    LabelRef,
    ParameterRef,
    QuestionRef,
    SurveyRef,
)
from masar_research.briefs.words import Text
from masar_research.errors import BriefError

LEAST_WORDS = 50
ITEMS: tuple[tuple[str, str, str], ...] = (
    ("strategy", "Data-collection strategy", "استراتيجية جمع البيانات"),
    ("sponsor", "Sponsor, funder and conductor", "الجهة الراعية والممولة والمنفذة"),
    ("tools", "Measurement tools", "أدوات القياس"),
    ("population", "Population under study", "المجتمع المدروس"),
    ("sample", "Sample generation and recruitment", "سحب العينة والوصول إلى المستجيبين"),
    ("mode", "Mode and languages", "طريقة المقابلة ولغاتها"),
    ("dates", "Dates", "تواريخ العمل الميداني"),
    ("sizes", "Sample size and precision", "حجم العينة ودقتها"),
    ("weighting", "Weighting", "الترجيح"),
    ("processing", "Processing and data quality", "المعالجة وجودة البيانات"),
    ("limitations", "Limitations", "حدود الدراسة"),
)
COMPUTED = ("dates", "sizes", "weighting")


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its name, its heading in both languages, and its sentences and labels."""

    name: str
    en: str
    ar: str
    parts: tuple[Any, ...]


def items(
    header: Header, sets: Sequence[EstimatesBlock], figures: Iterable[FigureBlock],
    headline_deff: float | None, opt_in: bool,
) -> tuple[Item, ...]:  # fmt: skip
    """The eleven items, each from the card where it speaks and computed where it can be.

    Parameters
    ----------
    header : Header
    sets, figures : blocks
        Their questions are the wording of the items used.
    headline_deff : float or None
        Design effect of the headline share, which enters the margin of error; without one it
        is Kish's, of the weights alone, and the text says so.
    opt_in : bool
        A non-probability sample: no margin of error is given.

    Raises
    ------
    BriefError
        An immediate item is empty, or the limitations are shorter than fifty words.
    """
    computed = {
        "dates": _dates(header, spoken=_given(header, "dates")),
        "sizes": _sizes(header, headline_deff, opt_in),
        "weighting": _weights(header, spoken=_given(header, "weighting")),
        "tools": _questions(sets, figures),
        "limitations": (_LIMITS,),
    }
    found = []
    for name, en, ar in ITEMS:
        text = header.disclosure.get(name)
        parts = ((text,) if text is not None and _said(text) else ()) + tuple(computed.get(name, ()))
        needs_card = name not in COMPUTED
        if (needs_card and (text is None or not _said(text))) or not parts:
            raise BriefError(
                f"The disclosure item {name!r} ({en}) is empty; a brief is not published without it.",
                remedy=f"Fill disclosure: {name}: in the survey card, in English and Arabic.",
                ar=f"بند الإفصاح «{ar}» فارغ؛ لا يُنشر الموجز دونه.",
            )
        found.append(Item(name, en, ar, parts))
    _long_enough(header)
    return tuple(found)


def margin_of_error(n: float, deff: float, df: float, level: float = 0.95) -> float:
    """Half-width of the interval of a share of one half: ``t √(deff · 0.25 / n)``."""
    return float(stats.t.ppf(0.5 + level / 2, df) * math.sqrt(deff * 0.25 / n))


def _given(header: Header, name: str) -> bool:
    text = header.disclosure.get(name)
    return text is not None and _said(text)


def _said(text: Any) -> bool:
    return bool(text.en.strip()) and bool(text.ar.strip())


_LIMITS = Text(
    en="All figures are estimates from a sample: the intervals cover sampling error only, not errors of "
    "coverage, of non-response or of answers. Groups with too few interviews are not shown.",
    ar="جميع الأرقام تقديرات من عينة: تغطي فترات الثقة خطأ المعاينة وحده، ولا تغطي أخطاء التغطية أو عدم "
    "الاستجابة أو الإجابات. ولا تُعرض الفئات التي يقل عدد مقابلاتها عن الحد اللازم.",
)


def _long_enough(header: Header) -> None:
    text = header.disclosure["limitations"]
    for lang, house in (("en", _LIMITS.en), ("ar", _LIMITS.ar)):
        count = len(getattr(text, lang).split()) + len(house.split())
        if count < LEAST_WORDS:
            raise BriefError(
                f"The statement of limitations has {count} words in {lang!r}; {LEAST_WORDS} are needed.",
                remedy="Say more in disclosure: limitations: of the survey card: coverage, non-response, recall.",
            )


def _dates(header: Header, spoken: bool) -> tuple[Any, ...]:
    """Fieldwork as declared, interviews where the data say otherwise, and the wave's note where the card is silent."""
    wave = next(wave for wave in header.waves if wave.wave == header.parameters["wave"])
    parts: list[Any] = []
    if wave.start:
        declared = DateRef(start=wave.start, end=wave.end, source="survey card: fieldwork")
        parts.append(Text(en="Fieldwork: {period}", ar="العمل الميداني: {period}", values={"period": declared}))
    if header.interviewed and tuple(header.interviewed) != (wave.start, wave.end):
        first, last = header.interviewed
        held = DateRef(start=first, end=last, source="interview dates in the data")
        parts.append(
            Text(en="Interviews in the data: {period}", ar="تواريخ المقابلات في البيانات: {period}", values={"period": held})
        )
    if wave.note and not spoken:
        parts.append(wave.note)
    return tuple(parts)


def _sizes(
    header: Header, deff: float | None, opt_in: bool
) -> tuple[Any, ...]:
    def fact(name: str) -> SurveyRef:
        value = header.facts[name]
        assert value is not None
        return SurveyRef(name=name, value=value)

    parts: list[Any] = [
        Text(en="Interviews: {n}", ar="عدد المقابلات: {n}", values={"n": fact("interviews")})
    ]
    if header.replicates is not None:
        parts.append(replicates_sentence(header))
    elif header.clustered:
        parts.append(
            Text(
                en="Sampling units: {psus}; strata: {strata}",
                ar="وحدات المعاينة: {psus}؛ الطبقات: {strata}",
                values={"psus": fact("psus"), "strata": fact("strata")},
            )
        )
    if opt_in or not header.probability:
        parts.append(
            Text(
                en="No margin of error is given, because the sample was not drawn at random",
                ar="لا يُذكر هامش خطأ لأن العينة لم تُسحب عشوائياً",
            )
        )
        return tuple(parts)
    n, df = header.facts["interviews"], header.facts["df"]
    design = deff if deff is not None else header.facts["weight_deff"]
    if n and df and df > 0 and design:
        half = margin_of_error(n, design, df)
        whole = header.clustered and deff is not None
        known_en = "design effect {deff} included" if whole else "design effect {deff} of the weights only"
        known_ar = "مع احتساب أثر التصميم {deff}" if whole else "مع احتساب أثر الأوزان وحدها {deff}"
        parts.append(
            Text(
                en="Margin of error for a share of {half} of the whole sample: ± {moe} percentage points (confidence level {level:percent}, "
                + known_en + ")",
                ar="هامش الخطأ لحصة قدرها {half} من العينة كلها: ± {moe} نقطة مئوية (مستوى الثقة {level:percent}، "
                + known_ar + ")",
                values={
                    "half": ParameterRef(name="reference share", value="50%", source="convention"),
                    "moe": SurveyRef(name="margin_of_error_points", value=round(half * 100, 1)),
                    "level": ParameterRef(name="confidence level 0.95", value=0.95, source="confidence level of the intervals"),
                    "deff": SurveyRef(name="design_effect", value=round(design, 2)),
                },
            )
        )
    return tuple(parts)


def replicates_sentence(header: Header) -> Text:
    """That the variance comes from replicate weights, which stand for strata and sampling units."""
    en, ar = _REPLICATES.get(header.replicates or "", ("replicate weights", "أوزان مكررة"))
    return Text(
        en="Standard errors come from {number} " + en + " of the producer, which stand for its strata and sampling "
        "units; their numbers are not in the file",
        ar="تُحسب الأخطاء المعيارية من أوزان مكررة أعدّتها الجهة المنتجة ("
        + ar
        + ")، عددها {number}، وهي تقوم مقام الطبقات ووحدات المعاينة التي لا يذكر الملف عددها",
        values={"number": SurveyRef(name="replicates", value=header.facts["replicates"] or 0)},
    )


_REPLICATES = {
    "BRR": ("balanced replicate weights", "التكرار المتوازن"),
    "Fay": ("balanced replicate weights (Fay's method)", "التكرار المتوازن بطريقة فاي"),
    "JK1": ("jackknife replicate weights", "طريقة جاكنايف"),
    "JK2": ("jackknife replicate weights", "طريقة جاكنايف"),
    "JKn": ("jackknife replicate weights", "طريقة جاكنايف"),
    "SuccessiveDifference": ("successive-difference replicate weights", "الفروق المتتالية"),
    "Bootstrap": ("bootstrap replicate weights", "طريقة البوتستراب"),
}


def _weights(header: Header, spoken: bool) -> tuple[Any, ...]:
    """The spread of the weights, after the steps where the card does not describe them."""
    def fact(name: str) -> SurveyRef:
        return SurveyRef(name=name, value=round(float(header.facts[name] or 0), 2))

    values = {
        "low": fact("weight_min"),
        "high": fact("weight_max"),
        "cv": fact("weight_cv"),
        "deff": fact("weight_deff"),
        "n": SurveyRef(name="n_eff_weights", value=round(float(header.facts["n_eff_weights"] or 0))),
    }
    spread = Text(
        en="Weights relative to their mean run from {low} to {high}; coefficient of variation {cv}; design effect of "
        "weighting {deff}; effective sample {n}",
        ar="تتراوح الأوزان قياساً إلى متوسطها من {low} إلى {high}؛ معامل الاختلاف {cv}؛ أثر الترجيح في التصميم {deff}؛ "
        "حجم العينة الفعلي {n}",
        values=values,
    )
    steps = () if spoken or not header.weighting else (steps_sentence(header.weighting),)
    return (*steps, spread)


def steps_sentence(steps: Sequence[LabelRef]) -> Text:
    """The weighting steps in one sentence."""
    names = [f"step_{chr(ord('a') + number)}" for number in range(len(steps))]
    return Text(
        en="Weights: " + "; ".join(f"{{{name}}}" for name in names),
        ar="الأوزان: " + "؛ ".join(f"{{{name}}}" for name in names),
        values=dict(zip(names, steps, strict=True)),
    )


def _questions(sets: Sequence[EstimatesBlock], figures: Iterable[FigureBlock]) -> tuple[QuestionRef, ...]:
    """The wording of what no figure shows; under a figure its own stands already."""
    under = {(block.question.en, block.question.ar) for block in figures if block.question is not None}
    asked = {(block.question.en, block.question.ar): block.question for block in sets if block.question is not None}
    return tuple(question for key, question in asked.items() if key not in under)
