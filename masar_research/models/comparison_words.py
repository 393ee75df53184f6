"""What a table of several models says in words, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from masar_research.present import numbers
from masar_research.present.direction import Lang
from masar_research.present.nouns import STRATUM, Noun

Words = Mapping[str, str]

#: What a column of figures is: key → words.
SCALES: dict[str, Words] = {
    "coefficient": {"en": "Coefficient", "ar": "المعامل"},
    "log_odds": {"en": "Log odds ratio", "ar": "لوغاريتم نسبة الأرجحية"},
    "log_risk": {"en": "Log risk ratio", "ar": "لوغاريتم نسبة الاحتمالات"},
    "log_rate": {"en": "Log rate ratio", "ar": "لوغاريتم نسبة المعدلات"},
    "log_mean": {"en": "Log ratio of means", "ar": "لوغاريتم نسبة المتوسطات"},
    "log_hazard": {"en": "Log hazard ratio", "ar": "لوغاريتم نسبة الخطر"},
    "log_relative": {"en": "Log relative risk ratio", "ar": "لوغاريتم نسبة الخطر النسبي"},
    "odds_ratio": {"en": "Odds ratio", "ar": "نسبة الأرجحية"},
    "risk_ratio": {"en": "Risk ratio", "ar": "نسبة الاحتمالات"},
    "rate_ratio": {"en": "Rate ratio", "ar": "نسبة المعدلات"},
    "mean_ratio": {"en": "Ratio of means", "ar": "نسبة المتوسطات"},
    "hazard_ratio": {"en": "Hazard ratio", "ar": "نسبة الخطر"},
    "relative_risk": {"en": "Relative risk ratio", "ar": "نسبة الخطر النسبي"},
    "points": {"en": "Average marginal effect, percentage points",
               "ar": "متوسط الأثر الهامشي، نقطة مئوية"},
    "ame": {"en": "Average marginal effect", "ar": "متوسط الأثر الهامشي"},
}  # fmt: skip
#: Column of exp(coefficient) in a model's frame → the scale of its logarithm.
LOGARITHMS = {
    "odds_ratio": "log_odds", "risk_ratio": "log_risk", "rate_ratio": "log_rate",
    "mean_ratio": "log_mean", "hazard_ratio": "log_hazard", "relative_risk": "log_relative",
}  # fmt: skip
RATIOS = frozenset(LOGARITHMS)

_FAMILIES: dict[str, Words] = {
    "gaussian": {"en": "Linear regression", "ar": "انحدار خطي"},
    "binomial": {"en": "Logistic regression", "ar": "انحدار لوجستي"},
    "binomial (log link)": {"en": "Log-binomial regression", "ar": "انحدار ثنائي برابط لوغاريتمي"},
    "probit": {"en": "Probit regression", "ar": "انحدار بروبيت"},
    "cloglog": {"en": "Complementary log-log regression", "ar": "انحدار اللوغاريتم المتمم المزدوج"},
    "poisson": {"en": "Poisson regression", "ar": "انحدار بواسون"},
    "negative_binomial": {"en": "Negative binomial regression", "ar": "انحدار ذي الحدين السالب"},
    "gamma": {"en": "Gamma regression", "ar": "انحدار غاما"},
    "ordinal logit": {"en": "Ordinal logistic regression", "ar": "انحدار لوجستي ترتيبي"},
    "ordinal probit": {"en": "Ordinal probit regression", "ar": "انحدار بروبيت ترتيبي"},
    "multinomial": {"en": "Multinomial logistic regression", "ar": "انحدار لوجستي متعدد الفئات"},
    "cox": {"en": "Cox proportional hazards", "ar": "نموذج كوكس للأخطار المتناسبة"},
    "quantile": {"en": "Quantile regression", "ar": "انحدار المئينات"},
    "two-stage": {"en": "Two-stage least squares", "ar": "المربعات الصغرى على مرحلتين"},
    "loglinear": {"en": "Log-linear model", "ar": "نموذج لوغاريتمي خطي"},
}  # fmt: skip

#: Rows beneath the coefficients: key → words.
FACTS: dict[str, Words] = {
    "outcome": {"en": "Outcome", "ar": "المتغيّر التابع"},
    "family": {"en": "Model", "ar": "النموذج"},
    "base": {"en": "Population", "ar": "الفئة السكانية"},
    "rows": {"en": "Interviews fitted (n)", "ar": "المقابلات الداخلة في النموذج (ن)"},
    "missing": {"en": "Left out: an answer missing", "ar": "مستبعدة لنقص إجابة"},
    "psus": {"en": "Sampling units (PSUs) with fitted rows", "ar": "وحدات المعاينة الأولية الممثَّلة"},
    "df": {"en": "Degrees of freedom", "ar": "درجات الحرية"},
    "daic": {"en": "dAIC", "ar": "معيار أكايكي بحسب التصميم (dAIC)"},
    "r_squared": {"en": "R²", "ar": "معامل التحديد \u2066R²\u2069"},
    "mcfadden": {"en": "Pseudo-R² (McFadden)", "ar": "معامل تحديد تقريبي (McFadden)"},
    "share_of_deviance": {"en": "Pseudo-R² (share of deviance)", "ar": "معامل تحديد تقريبي (حصة الانحراف)"},
    "nagelkerke": {"en": "Pseudo-R² (Nagelkerke)", "ar": "معامل تحديد تقريبي (Nagelkerke)"},
    "weights": {"en": "Weights", "ar": "الأوزان"},
    "design": {"en": "Design", "ar": "التصميم"},
}  # fmt: skip

TITLE: Words = {"en": "Models side by side", "ar": "النماذج جنباً إلى جنب"}
TERM: Words = {"en": "Predictor", "ar": "المتغيّر"}
REFERENCE: Words = {"en": "reference", "ar": "فئة المقارنة"}
CONSTANT: Words = {"en": "Constant", "ar": "الثابت"}
THRESHOLDS: Words = {"en": "Thresholds", "ar": "العتبات"}
EVERYBODY: Words = {"en": "everybody", "ar": "الجميع"}
UNWEIGHTED: Words = {"en": "none", "ar": "دون أوزان"}
BENEATH: dict[str, Words] = {
    "interval": {"en": "{level} confidence interval in brackets", "ar": "بين القوسين فترة الثقة {level}"},
    "std_error": {"en": "Standard error in brackets", "ar": "بين القوسين الخطأ المعياري"},
    "p_value": {"en": "p-value in brackets", "ar": "بين القوسين القيمة الاحتمالية"},
}  # fmt: skip
NOT_CAUSAL: Words = {
    "en": "Associations, not causes.",
    "ar": "ارتباطات لا تعني السببية.",
}
WARNINGS: dict[str, Words] = {
    "rows": {
        "en": "The models are fitted to different rows ({detail}): figures can differ because the people do.",
        "ar": "النماذج مقدّرة على سجلات مختلفة ({detail})، فقد تختلف الأرقام لاختلاف الأشخاص.",
    },
    "weights": {
        "en": "The models carry different weights or designs ({detail}).",
        "ar": "تختلف الأوزان أو التصاميم بين النماذج ({detail}).",
    },
    "data": {
        "en": "The models come from different surveys or versions of the data.",
        "ar": "النماذج من مسوح مختلفة أو من نسخ مختلفة من البيانات.",
    },
    "outcomes": {
        "en": "The outcomes differ: figures of different columns answer different questions.",
        "ar": "تختلف المتغيّرات التابعة، فأرقام الأعمدة تجيب عن أسئلة مختلفة.",
    },
    "scales": {
        "en": "The columns are on different scales; compare effects=\"ame\" instead.",
        "ar": "الأعمدة على مقاييس مختلفة؛ قارن بالخيار \u2066effects=\"ame\"\u2069 بدلاً منها.",
    },
    "references": {
        "en": "Reference groups differ ({detail}).",
        "ar": "تختلف فئات المقارنة ({detail}).",
    },
    "rescaled": {
        "en": "Coefficients and odds ratios of models with different predictors are not on one scale, "
        "even where nothing else differs; average marginal effects are (effects=\"ame\").",
        "ar": "معاملات النماذج ونسب الأرجحية ليست على مقياس واحد إذا اختلفت متغيّراتها المفسّرة، ولو لم يختلف "
        "غيرها؛ أما متوسطات الآثار الهامشية فعلى مقياس واحد: اطلبها بالخيار \u2066effects=\"ame\"\u2069.",
    },
    "levels": {
        "en": "Confidence levels differ ({detail}).",
        "ar": "تختلف مستويات الثقة ({detail}).",
    },
    "imputed": {
        "en": "{detail}, combined by Rubin's rules.",
        "ar": "{detail}، مجمّعة بقواعد روبن.",
    },
    "kept": {
        "en": "{detail}: no ratio exists for this model, its coefficients are shown.",
        "ar": "{detail}: لا نسبة لهذا النموذج، فتُعرض معاملاته.",
    },
    "without_ame": {
        "en": "{detail}: no average marginal effects are offered for this model.",
        "ar": "{detail}: لا تتوافر متوسطات آثار هامشية لهذا النموذج.",
    },
}  # fmt: skip
_UNIT = Noun(
    one="وحدة معاينة واحدة", two="وحدتا معاينة", two_oblique="وحدتي معاينة", few="وحدات معاينة", many="وحدة معاينة",
    other="وحدة معاينة", en="sampling unit", en_plural="sampling units",
)  # fmt: skip
_REPLICATE = Noun(
    one="وزن مكرر واحد", two="وزنان مكرران", two_oblique="وزنين مكررين", few="أوزان مكررة", many="وزناً مكرراً",
    other="وزن مكرر", en="replicate weight", en_plural="replicate weights",
)  # fmt: skip
IMPUTATION = Noun(
    one="تعويض واحد", two="تعويضان", two_oblique="تعويضين", few="تعويضات", many="تعويضاً", other="تعويض",
    en="imputation", en_plural="imputations",
)  # fmt: skip
_LINEARISED: Words = {"en": "linearised standard errors", "ar": "أخطاء معيارية بالتقريب الخطي"}
_UNCLUSTERED: Words = {"en": "no clusters declared", "ar": "دون عناقيد معلنة"}
_IN: Words = {"en": "in", "ar": "في"}
_STOP: Words = {"en": "; ", "ar": "؛ "}


def family(name: str) -> Words:
    """A family of models in words; its own name where there are none."""
    if name in _FAMILIES:
        return _FAMILIES[name]
    base = _FAMILIES.get(name.split(" ")[0])
    return {"en": name, "ar": f"\u2066{name}\u2069"} if base is None else {
        "en": f"{base['en']}, {name.partition(' ')[2]}", "ar": f"{base['ar']}، \u2066{name.partition(' ')[2]}\u2069",
    }  # fmt: skip


def design(facts: Mapping[str, Any], replicates: Mapping[str, Any] | None) -> Words:
    """How the standard errors come about, from the facts of a design.

    Examples
    --------
    >>> design({"clustered": True, "psus": 300, "strata": 3, "strata_declared": True}, None)["en"]
    '300 sampling units in 3 strata; linearised standard errors'
    """
    return {"en": _design(facts, replicates, "en"), "ar": _design(facts, replicates, "ar")}


def _design(facts: Mapping[str, Any], replicates: Mapping[str, Any] | None, lang: Lang) -> str:
    if replicates is not None:
        kind = str(replicates["kind"])
        count = numbers.counted(int(replicates["number"]), _REPLICATE, lang)
        return f"{count} (\u2066{kind}\u2069)" if lang == "ar" else f"{count} ({kind})"
    if not facts.get("clustered") or facts.get("psus") is None:
        return _UNCLUSTERED[lang] + _STOP[lang] + _LINEARISED[lang]
    told = numbers.counted(int(facts["psus"]), _UNIT, lang)
    if facts.get("strata_declared") and facts.get("strata") is not None:
        told += f" {_IN[lang]} {numbers.counted(int(facts['strata']), STRATUM, lang, case='oblique')}"
    return told + _STOP[lang] + _LINEARISED[lang]


def beneath(kind: str, level: float, lang: Lang) -> str:
    """What stands in brackets beneath an estimate."""
    return BENEATH[kind][lang].format(level=numbers.percent(level, lang, 0))
