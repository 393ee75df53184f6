"""What the note of model-based estimates says, in both languages."""

from __future__ import annotations

from typing import Any

import numpy as np

from masar_research.engine.small_area_scales import Smoothed

SCALES = {
    "identity": {"en": "the figures themselves", "ar": "الأرقام نفسها"},
    "log": {"en": "logarithm", "ar": "اللوغاريتم"},
    "logit": {"en": "logarithm of the odds", "ar": "لوغاريتم الأرجحية"},
    "arcsine": {"en": "arcsine of the square root", "ar": "جيب القوس للجذر التربيعي"},
}
METHODS = {
    "reml": {"en": "restricted maximum likelihood (REML)", "ar": "الأرجحية العظمى المقيّدة (REML)"},
    "ml": {"en": "maximum likelihood (ML)", "ar": "الأرجحية العظمى (ML)"},
    "li_lahiri": {"en": "adjusted likelihood (Li and Lahiri)", "ar": "الأرجحية المعدّلة (لي ولاهيري)"},
    "yoshimori_lahiri": {
        "en": "adjusted likelihood (Yoshimori and Lahiri)", "ar": "الأرجحية المعدّلة (يوشيموري ولاهيري)",
    },
}  # fmt: skip
MODELS = {
    "area": {"en": "Fay–Herriot area-level model", "ar": "نموذج فاي–هيريوت على مستوى المناطق"},
    "spatial": {"en": "spatial Fay–Herriot area-level model", "ar": "نموذج فاي–هيريوت المكاني على مستوى المناطق"},
    "unit": {
        "en": "unit-level nested error model (Battese, Harter and Fuller)",
        "ar": "نموذج الخطأ المتداخل على مستوى الأفراد (باتيس وهارتر وفولر)",
    },
    "pseudo": {
        "en": "unit-level nested error model with survey weights (You and Rao)",
        "ar": "نموذج الخطأ المتداخل على مستوى الأفراد بأوزان المسح (يو وراو)",
    },
}  # fmt: skip
ADJUSTED = {
    "en": "the likelihood asked for gave no difference between areas; the adjusted one answered",
    "ar": "لم تُظهر الأرجحية المطلوبة فرقاً بين المناطق، فاستُعملت الأرجحية المعدّلة",
}
_WARNING = {
    "en": "Model-based estimates: the answers of an area are drawn towards those of areas like it",
    "ar": "تقديرات قائمة على نموذج إحصائي: تُقرَّب إجابات كل منطقة من المناطق الشبيهة بها",
}


def of_model(name: str, method: str) -> dict[str, Any]:
    """Every model-based table says that it is one."""
    return {"model_based": True, "model": MODELS[name], "method": METHODS[method], "warning": _WARNING,
            "interval": "estimate ± t × root mean squared error", "df": "areas in the fit minus coefficients"}  # fmt: skip


def of_fit(fit: Any, outside: np.ndarray, areas: int, few: tuple[object, ...]) -> dict[str, Any]:
    """The model, its variance, the areas it had."""
    spatial = hasattr(fit, "correlation")
    found = of_model("spatial" if spatial else "area", "reml" if spatial else fit.method)
    found |= {"areas": areas, "synthetic_areas": tuple(outside), "area_variance": fit.variance}
    if few:
        found["few_interviews"] = tuple(few)
    if spatial:
        found["spatial_correlation"] = fit.correlation
    elif fit.adjusted:
        found["adjusted"] = ADJUSTED
    return found


def of_variances(way: str, smooth: Smoothed, replaced: np.ndarray) -> dict[str, Any]:
    """Where the sampling variances come from."""
    shown = f"{smooth.factor * np.exp(smooth.intercept):.4g} × n^{smooth.slope:.2f}"
    if way == "smoothed":
        said = {"en": f"smoothed: {shown} ({smooth.used} areas)", "ar": f"ممهّدة: {shown} (عدد المناطق {smooth.used})"}
    else:
        said = {"en": "as estimated", "ar": "كما قُدّرت"}
        if len(replaced):
            said = {"en": f"as estimated; where there was none: {shown}", "ar": f"كما قُدّرت، وحيث لا تباين: {shown}"}
    found: dict[str, Any] = {"sampling_variances": said}
    if len(replaced):
        found["zero_variances"] = tuple(replaced)
    return found


def of_benchmark(rule: str, before: float, whole: float) -> dict[str, Any]:
    """What the whole was, and how it was met."""
    en, ar = {"ratio": ("ratio", "النسبة"), "difference": ("difference", "الفرق")}[rule]
    return {
        "benchmark": {
            "en": f"{en}, from {before:.6g} to {whole:.6g}", "ar": f"بطريقة {ar}، من {before:.6g} إلى {whole:.6g}",
        }
    }  # fmt: skip


def of_bootstrap(replicates: int) -> dict[str, Any]:
    """Where the mean squared errors come from."""
    return {
        "mean_squared_error": {
            "en": f"parametric bootstrap, {replicates} replicates", "ar": f"محاكاة وسيطية، عدد التكرارات {replicates}",
        }
    }  # fmt: skip