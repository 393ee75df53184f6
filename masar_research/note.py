"""`Note`: every choice behind an estimate, as a mapping and as lines to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_NAMES = {
    "statistic": ("Statistic", "الإحصاءة"), "base": ("Base", "الأساس"),
    "weights": ("Weights", "الأوزان"), "preset": ("Design read by preset", "التصميم بحسب القالب"),
    "steps": ("Weighting steps", "خطوات الترجيح"),
    "interval": ("Interval", "فترة الثقة"), "level": ("Confidence level", "مستوى الثقة"),
    "df": ("Degrees of freedom", "درجات الحرية"), "deff": ("Design effect", "أثر التصميم"),
    "missing": ("No answer or not asked", "دون إجابة أو خارج السؤال"),
    "outside": ("In none of the groups", "خارج الفئات المعروضة"),
    "read": ("Read from", "مقروء من"),
    "checksum": ("Data checksum", "بصمة البيانات"), "denominator": ("Denominator", "المقام"),
    "contrast": ("Contrast", "المقارنة"), "of": ("Difference of", "فرق بين"),
    "sides": ("Rows compared", "الصفوف المقارنة"), "negative": ("Amounts below zero", "قيم دون الصفر"),
    "withheld": ("Rows withheld for confidentiality", "صفوف محجوبة حفاظاً على السرية"),
    "warning": ("Warning", "تنبيه"), "line": ("Poverty line", "خط الفقر"),
    "indicator_weights": ("Indicator weights", "أوزان المؤشرات"),
    "columns": ("Columns", "الأعمدة"), "influence": ("Influence", "دالة التأثير"),
    "link": ("Link", "دالة الربط"), "offset": ("Offset", "المقدار الثابت"),
    "dispersion": ("Dispersion", "التشتت الزائد"), "penalty": ("Penalty", "الجزاء"),
    "dropped": ("Collinear columns dropped", "أعمدة مكررة خطياً أُسقطت"),
    "terms": ("Terms tested", "الحدود المختبرة"), "groups": ("Groups", "المجموعات"),
    "generalised_design_effects": ("Generalised design effects", "آثار التصميم المعممة"),
    "held": ("Held at", "مثبتة عند"),
    "formula": ("Formula", "الصيغة"), "family": ("Family", "العائلة"),
    "references": ("Reference categories", "الفئات المرجعية"), "design": ("Design", "التصميم"),
    "rows": ("Rows", "السجلات"), "rows_with_weight": ("Rows with a weight", "السجلات ذات الوزن"),
    "strata": ("Strata", "الطبقات"), "strata_declared": ("Strata declared", "طبقات معلنة"),
    "psus": ("Primary sampling units", "وحدات المعاينة الأولية"),
    "clustered": ("Clusters declared", "عناقيد معلنة"), "stages": ("Stages", "المراحل"),
    "units": ("Units of the variance", "وحدات التباين"),
    "fpc": ("Finite population correction", "تصحيح المجتمع المحدود"),
    "lonely_psu": ("Rule for strata with one PSU", "قاعدة الطبقات ذات الوحدة الواحدة"),
    "lonely_strata": ("Strata with one PSU", "طبقات ذات وحدة واحدة"), "waves": ("Waves", "الجولات"),
    "common_psus": ("PSUs common to waves", "وحدات مشتركة بين الجولات"),
    "psus_without_weight": ("PSUs without weight", "وحدات بلا وزن"),
    "calibrated": ("Calibrated weights", "أوزان معايرة"),
    "replicates": ("Replicates", "الأوزان المكررة"),
    "negative_variance": ("No standard error", "دون خطأ معياري"),
    "phase_one_rows": ("Rows of the first phase", "سجلات المرحلة الأولى"),
    "phase_two_rows": ("Rows of the second phase", "سجلات المرحلة الثانية"),
    "phase_two": ("Second phase", "المرحلة الثانية"),
    "phase_two_strata": ("Strata of the second phase", "طبقات المرحلة الثانية"),
    "phase_two_units": ("Units of the second phase", "وحدات المرحلة الثانية"),
    "phase_two_lonely": ("Rule for second-phase strata with one unit", "قاعدة طبقات المرحلة الثانية ذات الوحدة الواحدة"),
    "phase_two_lonely_strata": ("Second-phase strata with one unit", "طبقات المرحلة الثانية ذات الوحدة الواحدة"),
    "phase_method": ("Variance of both phases", "تباين المرحلتين"),
    "base_strata_with_one_common_psu": (
        "Base strata with one common PSU", "طبقات أساسية ذات وحدة مشتركة واحدة"
    ),
    "made_by": ("Made by", "أمر التقدير"), "names": ("Variables", "المتغيرات"),
    "percent": ("Percentages of", "النسب من"), "table": ("Table", "الجدول"),
    "base_of_shares": ("Shares of", "الحصص من"), "options": ("Options", "الخيارات"),
    "rule": ("Rule", "القاعدة"), "std_error": ("Standard error", "الخطأ المعياري"),
    "adjust": ("Adjustment of p", "تعديل القيمة الاحتمالية"),
    "comparisons": ("Comparisons", "عدد المقارنات"), "null": ("Tested against", "القيمة المختبرة"),
    "reading": ("Reading", "القراءة"), "contrast_labels": ("Contrasts", "المقارنات"),
    "kind": ("Kind", "النوع"), "number": ("Number", "العدد"), "scale": ("Scale", "معامل التباين"),
    "rscales": ("Scale of each", "معامل كل تكرار"), "centre": ("Centre", "المركز"),
    "memory": ("Memory", "الذاكرة"), "reference": ("Reference", "المرجع"),
    "alpha": ("Alpha", "ألفا"), "cutoff": ("Cutoff", "حد الفقر متعدد الأبعاد"),
    "statistics_by_influence": ("Statistics by influence", "إحصاءات بدالة التأثير"),
    "breaks": ("Not comparable with earlier waves", "لا يقارن بالجولات السابقة"),
    "bounds": ("Bounds of equivalence", "حدود التكافؤ"),
    "df_rule": ("Rule of the degrees of freedom", "قاعدة درجات الحرية"),
    "smallest_cell": ("Fewest interviews in a cell", "أقل عدد مقابلات في خلية"),
    "pearson": ("Pearson's X² at the number of interviews", "مربع كاي لبيرسون بعدد المقابلات"),
    "test": ("Test", "الاختبار"), "differences": ("Differences", "الفروق"),
    "std_errors": ("Standard errors", "الأخطاء المعيارية"),
    "shares": ("Shares given", "النسب المعطاة"), "rank": ("Differences tested", "عدد الفروق المختبرة"),
    "contrasts": ("Contrasts", "المقارنات"),
    "standardised_by": ("Standardised by", "التوحيد بحسب"),
    "standard_population": ("Standard population", "السكان المعياريون"),
    "compared_with": ("Population compared with", "السكان المقارن بهم"),
    "empty": ("Groups without interviews in a stratum", "فئات بلا مقابلات في إحدى الطبقات"),
    "scores": ("Scores", "الدرجات"), "per": ("Per", "لكل"),
    "transform": ("Scale of the model", "مقياس النموذج"), "model_of": ("Estimates of", "تقديرات"),
    "model_based": ("Model-based", "قائم على نموذج"), "model": ("Model", "النموذج"),
    "method": ("Fitted by", "طريقة التقدير"), "areas": ("Areas in the fit", "المناطق الداخلة في النموذج"),
    "synthetic_areas": ("Areas without a direct estimate", "مناطق بلا تقدير مباشر"),
    "area_variance": ("Variance between areas", "التباين بين المناطق"),
    "within_variance": ("Variance within areas", "التباين داخل المناطق"),
    "few_interviews": ("Areas with fewer than five interviews", "مناطق دون خمس مقابلات"),
    "spatial_correlation": ("Correlation of neighbours", "ارتباط المتجاورات"),
    "adjusted": ("Likelihood", "الأرجحية"), "sampling_variances": ("Sampling variances", "تباينات المعاينة"),
    "zero_variances": ("Areas whose own variance is zero or unknown", "مناطق تباينها صفر أو غير معروف"),
    "benchmark": ("Benchmarked", "المواءمة مع الرقم الوطني"),
    "mean_squared_error": ("Mean squared error", "متوسط مربع الخطأ"),
}  # fmt: skip
# Given replicate weights stand for strata and units, which exist all the same.
_UNKNOWN = ("strata", "psus", "units")
_COUNTS = frozenset((
    "rows", "rows_with_weight", "strata", "psus", "units", "missing", "outside", "number", "df",
))  # fmt: skip
# Values as they are noted → in Arabic.
_ARABIC = {
    "PSUs minus strata with answers in the domain": "وحدات المعاينة ناقص الطبقات التي فيها إجابات من الفئة",
    "PSUs minus strata with answers in the domain, at most R − 1":
        "وحدات المعاينة ناقص الطبقات التي فيها إجابات من الفئة، وبحد أقصى عدد التكرارات − 1",
    "rank of the replicate weights − 1": "رتبة الأوزان المكررة − 1",
    "against simple random sampling with replacement": "نسبةً إلى العينة العشوائية البسيطة مع الإرجاع",
    "estimate ± t × root mean squared error": "التقدير ± ت × جذر متوسط مربع الخطأ",
    "areas in the fit minus one": "المناطق الداخلة في النموذج ناقص واحد",
    "areas in the fit minus coefficients": "المناطق الداخلة في النموذج ناقص المعاملات",
    "Wald, t": "والد بتوزيع ت", "wald": "والد بتوزيع ت", "logit": "لوغاريتم الأرجحية",
    "xlogit": "لوغاريتم الأرجحية", "beta": "كورن وغروبارد (بيتا)", "wilson": "ويلسون",
    "arcsine": "جيب القوس", "likelihood": "الأرجحية العظمى",
    "Wald on the logarithm, t": "والد على اللوغاريتم بتوزيع ت",
    "Wald on Fisher's z, t": "والد على تحويل فيشر بتوزيع ت",
    "width of the interval over 2 t": "عرض الفترة على ضعف ت",
    "raise": "رفض التصميم (raise)", "centre": "حول الصفر (centre)",
    "scale": "متوسط الطبقات الأخرى (scale)", "certainty": "وحدة مؤكدة (certainty)",
    "remove": "بلا إسهام (remove)", "collapse": "دمج الطبقات (collapse)",
    "mean of the replicates": "متوسط التكرارات", "estimate (mse)": "التقدير نفسه (mse)",
    "replicates of their linear approximation": "تكرارات تقريبها الخطي",
    "holm": "هولم", "bh": "بنجاميني وهوخبرغ", "none": "بلا تعديل",
    "row": "الصف", "column": "العمود", "cell": "الجدول كله",
    "respondents": "المستجيبين", "responses": "الإجابات",
}  # fmt: skip
_VALUES = {True: ("yes", "نعم"), False: ("no", "لا")}


class Note(Mapping[str, Any]):
    """The choices behind an estimate; reads as a mapping, prints as lines.

    Parameters
    ----------
    facts : mapping
        Plain facts by name. A value ``{"en": ..., "ar": ...}`` is text in both languages.

    Examples
    --------
    >>> note = Note({"level": 0.95, "base": None, "warning": {"en": "Careful.", "ar": "انتبه."}})
    >>> note["level"]
    0.95
    >>> print(note)
    Confidence level: 0.95
    Base: everybody
    Warning: Careful.
    """

    __slots__ = ("_facts",)

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = dict(facts)

    def __getitem__(self, name: str) -> Any:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __repr__(self) -> str:
        return f"Note({self._facts!r})"

    def lines(self, lang: str = "en") -> list[str]:
        """One line per choice, in ``"en"`` or ``"ar"``; those of the design are indented."""
        return [f"{'  ' * depth}{name}: {value}".rstrip() for depth, name, value in _told(self, lang, 0)]

    def __str__(self) -> str:
        return "\n".join(self.lines("en"))

    def _repr_html_(self) -> str:
        return "".join(self._html(lang) for lang in ("en", "ar"))

    def _html(self, lang: str) -> str:
        direction = "rtl" if lang == "ar" else "ltr"
        rows = "".join(
            f"<tr><th scope='row' style='text-align:start;font-weight:600;padding-inline-start:{depth}em'>"
            f"{escape(name)}</th><td style='text-align:start'><bdi>{escape(value)}</bdi></td></tr>"
            for depth, name, value in _told(self, lang, 0)
        )
        return f"<table lang='{lang}' dir='{direction}' class='masar-note'>{rows}</table>"


def _told(facts: Mapping[str, Any], lang: str, depth: int) -> Iterator[tuple[int, str, str]]:
    """Depth, name and value of every fact; a group of facts follows its own name."""
    for name, value in facts.items():
        told = _NAMES.get(name, (name.replace("_", " "), name))[lang == "ar"]
        if isinstance(value, Mapping) and not _is_text(value) and value and depth == 0 and name == "design":
            yield depth, told, ""
            yield from _told(value, lang, depth + 1)
        else:
            yield depth, told, _worded(name, value, lang)


def _worded(name: str, value: Any, lang: str) -> str:
    if isinstance(value, bool):
        return _VALUES[value][lang == "ar"]
    if name in _UNKNOWN and value is None:
        return "غير معروف" if lang == "ar" else "not known"
    if name == "base" and value is None:
        return "الجميع" if lang == "ar" else "everybody"
    if value is None or (isinstance(value, Mapping | list | tuple) and not len(value)):
        return "لا شيء" if lang == "ar" else "none"
    if isinstance(value, Mapping):
        if _is_text(value):
            return str(value.get(lang, value["en"]))
        return ", ".join(f"{key}: {_worded('', each, lang)}".removeprefix(": ") for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_worded("", each, lang) for each in value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and name in _COUNTS:
        return f"{value:,}"
    return _ARABIC.get(str(value), str(value)) if lang == "ar" else str(value)


def _is_text(value: Mapping[str, Any]) -> bool:
    return set(value) <= {"en", "ar"} and "en" in value
