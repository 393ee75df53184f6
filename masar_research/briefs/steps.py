"""Weighting steps of a survey card in words, in both languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
        case "base":
            if step.stages:
                return LabelRef(en="inverse selection probability over all stages", source=source,
                                ar="مقلوب احتمال الاختيار عبر جميع المراحل")
            return LabelRef(en="base weights computed from the design", ar="أوزان أساسية محسوبة من تصميم العينة",
                            source=source)
        case "attrition":
            return LabelRef(
                en="weights of panel members who were lost carried by those who answered again",
                ar="نقل أوزان من فُقدوا من العينة الطولية إلى من أجابوا مجدداً",
                source=source,
            )
        case "calibrate":
            return _calibration(step, codebook, source)
        case "entropy":
            names = [name for margin in step.shares for name in margin.variables] + list(step.means)
            return LabelRef(en=f"entropy balancing to given shares and means of {_labels(names, codebook, 'en')}",
                            ar=f"موازنة بالإنتروبيا على حصص ومتوسطات معلومة لـ{_labels(names, codebook, 'ar')}",
                            source=source)
        case "balance":
            names = [*step.categories, *step.numbers]
            return LabelRef(
                en=f"entropy balancing of the groups of {_labels([step.group], codebook, 'en')} on "
                f"{_labels(names, codebook, 'en')}",
                ar=f"موازنة بالإنتروبيا بين مجموعات {_labels([step.group], codebook, 'ar')} حسب "
                f"{_labels(names, codebook, 'ar')}",
                source=source,
            )
        case "combine":
            return LabelRef(en="waves combined into one sample", ar="جمع الجولات في عينة واحدة", source=source)
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
            held = [name for margin in step.margins for name in margin.variables]
            en = f", together with totals by {_labels(held, codebook, 'en')}" if held else ""
            ar = f"، مع مجاميع السكان حسب {_labels(held, codebook, 'ar')}" if held else ""
            if not bounds:
                return LabelRef(en=f"extreme weights cut until the design effect of weighting is {step.max_deff:g}{en}",
                                ar=f"تقليم الأوزان المتطرفة حتى يبلغ أثر التصميم الناتج عن الترجيح {step.max_deff:g}{ar}",
                                source=source)
            return LabelRef(
                en=f"extreme weights cut at {' and '.join(_rule(bound, 'en') for bound in bounds)}{en}",
                ar=f"تقليم الأوزان المتطرفة عند {' و'.join(_rule(bound, 'ar') for bound in bounds)}{ar}",
                source=source,
            )
    raise BriefError(
        f"The weighting step {name!r} has no words for the method box.",
        remedy="Add them to masar_research/briefs/steps.py, in both languages.",
    )


def _calibration(step: Any, codebook: Codebook, source: str) -> LabelRef:
    names = [name for margin in (*step.margins, *step.household_margins) for name in margin.variables]
    names += [*step.numbers, *step.household_numbers]
    if step.estimates is not None:
        names = [name for by in step.estimates.counts for name in by] + list(step.estimates.totals)
    en, ar = _labels(names, codebook, "en"), _labels(names, codebook, "ar")
    if not names:
        en, ar = "the number of persons", "عدد الأشخاص"
    whose = ("estimates of another survey", "تقديرات مسح آخر") if step.estimates is not None else (
        "population totals", "مجاميع السكان")
    one = (", one weight for all members of a household", "، بوزن واحد لجميع أفراد الأسرة") if step.household else ("", "")
    return LabelRef(en=f"calibration to {whose[0]} by {en}{one[0]}", ar=f"معايرة الأوزان على {whose[1]} حسب {ar}{one[1]}",
                    source=source)


def _labels(names: Sequence[str], codebook: Codebook, lang: str) -> str:
    kept = [name for name in dict.fromkeys(names) if name != "wave"] or list(dict.fromkeys(names))
    said = [codebook.label(name, lang) for name in kept]
    return ", ".join(word.casefold() for word in said) if lang == "en" else "، ".join(said)


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
