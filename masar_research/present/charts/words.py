"""The few words charts say themselves."""

from __future__ import annotations

from masar_research.present.direction import Lang
from masar_research.present.sentences import CAUTION, NOT_SHOWN

WORDS = {
    "interval": {"en": "line: confidence interval", "ar": "الخط: فترة الثقة"},
    "band": {"en": "shaded: confidence interval", "ar": "المساحة المظللة: فترة الثقة"},
    "caution": {"en": f"hollow: {CAUTION['en']}", "ar": f"المفرّغ: {CAUTION['ar']}"},
    "caution_words": CAUTION,
    "modelled": {"en": "model-based estimate", "ar": "تقدير قائم على نموذج"},
    "under_figure": {
        "en": "Under each figure: its confidence interval, in percent",
        "ar": "تحت كل رقم: فترة الثقة بالنسبة المئوية",
    },
    "all_modelled": {"en": "Model-based estimates", "ar": "تقديرات قائمة على نموذج"},
    "field_shares": {"en": "The figure itself", "ar": "الرقم نفسه"},
    "field_doubt": {
        "en": "How uncertain it is: half of the confidence interval, percentage points",
        "ar": "مقدار عدم اليقين: نصف فترة الثقة، بالنقاط المئوية",
    },
    "not_shown": NOT_SHOWN,
    "not_shown_short": {"en": "not shown", "ar": "غير معروض"},
    "hatched": {"en": "Not shown", "ar": NOT_SHOWN["ar"]},
    "reference": {"en": "reference group", "ar": "فئة المقارنة"},
    "unsettled": {
        "en": "grey: the interval holds no difference",
        "ar": "الرمادي: فترة الثقة تشمل عدم وجود فرق",
    },
    "undetectable": {
        "en": "grey: no statistically detectable difference",
        "ar": "الرمادي: لا يوجد فرق يمكن رصده إحصائياً",
    },
    "change": {"en": "Change, points", "ar": "التغيّر، نقطة مئوية"},
    "no_change": {"en": "no detectable change", "ar": "لا تغيّر يمكن رصده"},
    "points": {"en": "percentage points", "ar": "نقطة مئوية"},
    "break": {"en": "not comparable", "ar": "غير قابل للمقارنة"},
    "to": {"en": "to", "ar": "إلى"},
    "under": {"en": "to under", "ar": "إلى أقل من"},
}


def say(key: str, lang: Lang) -> str:
    """One of the words above."""
    return WORDS[key][lang]
