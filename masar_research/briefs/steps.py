"""Weighting steps of a survey card in words, in both languages."""

from __future__ import annotations

import re
from typing import Any

from masar_research.briefs.refs import LabelRef
from masar_research.codebook import Codebook
from masar_research.errors import BriefError


def step_words(step: Any, codebook: Codebook) -> LabelRef:
    """What one step of the card does, as a short phrase with the variables' labels."""
    name = step.step
    source = f"survey card: weighting ({name})"
    match name:
        case "nonresponse":
            return LabelRef(
                en="weights of respondents raised within cells to carry those who did not answer",
                ar="رفع أوزان المستجيبين داخل خلايا لتعويض من لم يستجب",
                source=source,
            )
        case "eligibility":
            return LabelRef(
                en="weights of cases of unknown eligibility carried within cells by those that are known",
                ar="توزيع أوزان الحالات مجهولة الأهلية داخل خلايا على الحالات المعروفة",
                source=source,
            )
        case "propensity":
            return LabelRef(
                en="weights of respondents raised by an estimated chance of response to carry those who did not answer",
                ar="رفع أوزان المستجيبين بحسب احتمال استجابة مقدّر لتعويض من لم يستجب",
                source=source,
            )
        case "normalise":
            return LabelRef(en="weights scaled to a common mean or total", ar="تعديل الأوزان إلى متوسط أو مجموع موحّد",
                            source=source)
        case "rake":
            return LabelRef(
                en=f"raking to population totals by {', '.join(_cells(m, codebook, 'en') for m in step.margins)}",
                ar="معايرة الأوزان لتطابق مجاميع السكان حسب "
                + "، ".join(_cells(m, codebook, "ar") for m in step.margins),
                source=source,
            )
        case "poststratify":
            return LabelRef(
                en=f"post-stratification to population counts by {_cells(step.margin, codebook, 'en')}",
                ar=f"ترجيح بعدي لتطابق أعداد السكان حسب {_cells(step.margin, codebook, 'ar')}",
                source=source,
            )
        case "trim":
            bounds = [str(bound) for bound in (step.lower, step.upper) if bound is not None]
            if not bounds:
                return LabelRef(en=f"extreme weights cut until the design effect of weighting is {step.max_deff:g}",
                                ar=f"تقليم الأوزان المتطرفة حتى يبلغ أثر التصميم الناتج عن الترجيح {step.max_deff:g}",
                                source=source)
            return LabelRef(
                en=f"extreme weights cut at {' and '.join(_rule(bound, 'en') for bound in bounds)}",
                ar=f"تقليم الأوزان المتطرفة عند {' و'.join(_rule(bound, 'ar') for bound in bounds)}",
                source=source,
            )
    raise BriefError(
        f"The weighting step {name!r} has no words for the method box.",
        remedy="Add them to masar_research/briefs/steps.py, in both languages.",
    )


_RULE = {
    "rms": ("the root mean square", "الجذر التربيعي لمتوسط المربعات"),
    "potter": ("the bound of Potter's distribution of weights", "حد توزيع بوتر للأوزان"),
    "median": ("the median", "الوسيط"),
    "mean": ("the mean", "المتوسط"),
    "iqr": ("the interquartile range", "المدى الربيعي"),
    "sd": ("the standard deviation", "الانحراف المعياري"),
}
_SIGNS = {"+": ("plus", "زائد"), "-": ("minus", "ناقص")}
_TIMES = re.compile(r"([\d.]+)\s*\*\s*(\w+)")


def _rule(bound: str, lang: str) -> str:
    """A trimming rule such as ``median + 6*iqr`` in words; signs between words would turn round in Arabic."""
    bound = _TIMES.sub(r"\1 times \2" if lang == "en" else r"\2 مضروباً في \1", bound)
    for name, words in _RULE.items():
        bound = re.sub(rf"\b{name}\b", words[lang == "ar"], bound)
    for sign, words in _SIGNS.items():
        bound = bound.replace(f" {sign} ", f" {words[lang == 'ar']} ")
    return bound


def _cells(margin: Any, codebook: Codebook, lang: str) -> str:
    names = [name for name in margin.variables if name != "wave"]
    return " × ".join(codebook.label(name, lang).casefold() for name in names or margin.variables)
