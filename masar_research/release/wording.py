"""The gate's codes in words, in Arabic and English; no digits, so that they carry no figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from masar_research.errors import ReleaseError

MARK = "*"

REASONS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "n": ("Suppressed: too few interviews", "محجوب لعدم كفاية الحالات"),
    "n_eff": (
        "Suppressed: too few interviews once the sample design is allowed for",
        "محجوب لعدم كفاية الحالات بعد احتساب أثر التصميم",
    ),
    "width": (
        "Suppressed: the confidence interval is too wide",
        "محجوب لاتساع فترة الثقة",
    ),
    "relative_width": (
        "Suppressed: the confidence interval is too wide for an estimate of this size",
        "محجوب لاتساع فترة الثقة قياساً إلى حجم التقدير",
    ),
    "half_width": (
        "Suppressed: the margin of error is too large",
        "محجوب لكبر هامش الخطأ",
    ),
    "rse": (
        "Suppressed: the relative standard error is too large",
        "محجوب لارتفاع الخطأ المعياري النسبي",
    ),
    "cv": (
        "Suppressed: the coefficient of variation is too large",
        "محجوب لارتفاع معامل الاختلاف",
    ),
    "df": (
        "Suppressed: too few sampling units to measure precision",
        "محجوب لقلة وحدات المعاينة اللازمة لقياس الدقة",
    ),
    "no_df": (
        "Suppressed: the sample does not allow precision to be measured here",
        "محجوب لأن العينة لا تسمح بقياس الدقة هنا",
    ),
    "review_df": (
        "Suppressed pending review: few sampling units",
        "محجوب بانتظار المراجعة: وحدات المعاينة قليلة",
    ),
    "review_extreme": (
        "Suppressed pending review: all or none of the respondents",
        "محجوب بانتظار المراجعة: جميع المستجيبين أو لا أحد منهم",
    ),
    "disclosure": (
        "Suppressed for confidentiality",
        "محجوب حفاظاً على سرية المستجيبين",
    ),
    "sensitive": (
        "Suppressed for confidentiality: a sensitive answer given by a whole group",
        "محجوب حفاظاً على السرية: إجابة حساسة تشمل الفئة كلها",
    ),
    "complementary": (
        "Suppressed so that another confidential figure cannot be worked out",
        "محجوب كي لا يُستنتج منه رقم سري آخر",
    ),
    "earlier": (
        "Suppressed, as in an earlier release, for confidentiality",
        "محجوب حفاظاً على السرية كما في إصدار سابق",
    ),
    "sides": (
        "Suppressed: a figure it compares is suppressed",
        "محجوب لأن أحد طرفي المقارنة محجوب",
    ),
    "sides_unknown": (
        "Suppressed: the figures it compares are not part of this release",
        "محجوب لأن طرفي المقارنة ليسا ضمن هذا الإصدار",
    ),
})  # fmt: skip

NOTES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "complement": (
        "The remaining share is an unreliable estimate",
        "الحصة المتبقية تقدير غير موثوق",
    ),
    "caution": ("Interpret with caution", "يُقرأ بحذر"),
    "chart_only": (
        "Interpret with caution: for charts, not for headlines",
        "يُقرأ بحذر: للرسوم لا للعناوين",
    ),
    "approved": (
        "Interpret with caution: released after review",
        "يُقرأ بحذر: نُشر بعد المراجعة",
    ),
    "model_based": (
        "Model-based estimate",
        "تقدير قائم على نموذج إحصائي",
    ),
    "model_based_caution": (
        "Model-based estimate, to be interpreted with caution",
        "تقدير قائم على نموذج إحصائي، يُقرأ بحذر",
    ),
    "model_based_synthetic": (
        "Model-based estimate that rests on no interview of this area itself, to be interpreted with caution",
        "تقدير قائم على نموذج إحصائي دون مقابلات من المنطقة نفسها، يُقرأ بحذر",
    ),
})  # fmt: skip

# Codes of figures that a model made; whatever shows them says so.
MODEL_BASED = frozenset(code for code in NOTES if code.startswith("model_based"))


def drawn(status: str, note: str) -> tuple[str, bool]:
    """How a drawing treats a decision: its status, and whether a model made the figure.

    A note that only says so asks for no caution; one of a figure without interviews does.

    Examples
    --------
    >>> drawn("flag", "model_based"), drawn("flag", "model_based_synthetic"), drawn("show", "")
    (('show', True), ('flag', True), ('show', False))
    """
    modelled = note in MODEL_BASED
    calm = note == "model_based" and status == "flag"
    return "show" if calm else status, modelled

STATUSES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "show": ("Shown", "معروض"),
    "flag": ("Shown with a note", "معروض مع ملاحظة"),
    "suppress": ("Suppressed", "محجوب"),
})  # fmt: skip


# Reasons a reader need not tell apart stand together under a figure.
KINDS: Mapping[str, tuple[tuple[str, ...], str, str]] = MappingProxyType({
    "few": (("n", "n_eff"), "too few interviews", "قلة المقابلات"),
    "units": (("df", "no_df", "review_df"), "too few sampling units", "قلة وحدات المعاينة"),
    "wide": (
        ("width", "relative_width", "half_width", "rse", "cv"),
        "too wide a confidence interval", "اتساع فترة الثقة",
    ),
    "extreme": (("review_extreme",), "answers all alike, pending review", "تماثل الإجابات بانتظار المراجعة"),
    "secret": (("disclosure", "sensitive", "complementary", "earlier"), "confidentiality", "السرية"),
    "sides": (("sides", "sides_unknown"), "a figure it compares is not shown", "عدم عرض أحد طرفي المقارنة"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """One line of a summary: a code, its words, the number of cells."""

    code: str
    words: str
    cells: int


def words(code: str, lang: str) -> str:
    """The words for a reason, note or status code.

    Raises
    ------
    ReleaseError
        For a code or language without words.

    Examples
    --------
    >>> words("n", "ar")
    'محجوب لعدم كفاية الحالات'
    """
    if lang not in ("en", "ar"):
        raise ReleaseError(
            f"The gate has no words in language {lang!r}.", remedy="Use lang='ar' or lang='en'."
        )
    for table in (REASONS, NOTES, STATUSES):
        if code in table:
            return table[code][0 if lang == "en" else 1]
    raise _unworded(code)


def together(codes: Iterable[str], lang: str) -> str:
    """One phrase for why several figures are not shown, each kind of reason once.

    Raises
    ------
    ReleaseError
        For a code without words.

    Examples
    --------
    >>> together(["width", "n", "n_eff", "relative_width"], "en")
    'Not shown: too few interviews; too wide a confidence interval'
    >>> together(["disclosure", "complementary"], "ar")
    'غير معروض بسبب: السرية'
    """
    given = list(codes)
    for code in given:
        if code not in REASONS:
            raise _unworded(code)
    found = [kind[1 if lang == "en" else 2] for kind in KINDS.values() if set(kind[0]) & set(given)]
    return f"Not shown: {'; '.join(found)}" if lang == "en" else f"غير معروض بسبب: {'؛ '.join(found)}"


def _unworded(code: str) -> ReleaseError:
    return ReleaseError(
        f"The gate has no words for the code {code!r}.",
        remedy=f"Use one of {', '.join([*REASONS, *NOTES, *STATUSES])}.",
    )


def summary(decisions: pd.DataFrame, lang: str) -> tuple[Count, ...]:
    """How many cells were shown, shown with a note, and suppressed for each reason.

    Parameters
    ----------
    decisions : DataFrame
        From `decide` or `assess`.
    lang : {"ar", "en"}

    Returns
    -------
    tuple of Count
        Statuses first (all three, zero included), then the reasons and notes that occur, most
        frequent first.

    Examples
    --------
    >>> frame = pd.DataFrame({"status": ["show", "suppress"], "reason": ["", "n"],
    ...                       "note_code": ["", ""]})
    >>> [(line.code, line.cells) for line in summary(frame, "en")]
    [('show', 1), ('flag', 0), ('suppress', 1), ('n', 1)]
    """
    status = decisions["status"].value_counts()
    lines = [Count(code, words(code, lang), int(status.get(code, 0))) for code in STATUSES]
    for column in ("reason", "note_code"):
        codes = decisions.loc[decisions[column] != "", column].value_counts()
        ordered = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
        lines += [Count(code, words(code, lang), int(cells)) for code, cells in ordered]
    return tuple(lines)
