"""What levels, kinds of missing values and headings are called in both languages."""

from __future__ import annotations

from masar_research.codebook.words import LANGUAGES, Text
from masar_research.errors import DataError

LEVEL_WORDS = {
    "nominal": Text("categories", "فئات"),
    "ordinal": Text("ordered categories", "فئات مرتبة"),
    "numeric": Text("number", "رقم"),
    "text": Text("open text", "نص مفتوح"),
    "date": Text("date", "تاريخ"),
}
KIND_WORDS = {
    "refused": Text("refused", "رفض الإجابة"),
    "dont_know": Text("don't know", "لا يعرف"),
    "not_applicable": Text("not applicable", "لا ينطبق"),
    "not_asked": Text("not asked", "لم يُسأل"),
    "missing": Text("no answer", "لا إجابة"),
}
HEADINGS = {
    "variable": Text("Variable", "المتغير"),
    "label": Text("Label", "الوصف"),
    "level": Text("Level", "المستوى"),
    "codes": Text("Codes", "الرموز"),
    "question": Text("Question", "السؤال"),
    "universe": Text("Asked of", "يُسأل عنه"),
    "unit": Text("Unit", "الوحدة"),
    "ranges": Text("Missing ranges", "مدى القيم المفقودة"),
    "sets": Text("Several answers", "إجابات متعددة"),
    "personal": Text("personal, values not shown", "شخصي، لا تُعرض قيمه"),
}


def counted(number: int, lang: str) -> str:
    """How many variables, in words that agree with the number.

    Examples
    --------
    >>> counted(1, "en"), counted(2, "ar"), counted(12, "ar")
    ('1 variable', 'متغيران', '12 متغيراً')
    """
    if lang == "en":
        return f"{number:,} variable{'' if number == 1 else 's'}"
    if number == 1:
        return "متغير واحد"
    if number == 2:
        return "متغيران"
    tail = number % 100
    return f"{number:,} {'متغيرات' if 3 <= tail <= 10 else 'متغيراً' if tail >= 11 else 'متغير'}"


def known_language(lang: str) -> str:
    """The language itself; DataError where it is neither English nor Arabic."""
    if lang not in LANGUAGES:
        raise DataError(
            f"The language {lang!r} is not known.", remedy='Use "en" or "ar".', ar='اللغة غير معروفة؛ استعمل "en" أو "ar".'
        )
    return lang


def code_text(code: float | str) -> str:
    """A code as people write it.

    Examples
    --------
    >>> code_text(1.0), code_text(2.5), code_text("a")
    ('1', '2.5', 'a')
    """
    if isinstance(code, str):
        return code
    code = float(code)
    return str(int(code)) if code.is_integer() and abs(code) < 1e15 else repr(code)


def span_text(low: float, high: float) -> str:
    """A range of codes, its open ends in words that read back.

    Examples
    --------
    >>> span_text(97, 99), span_text(-float("inf"), -1)
    ('97..99', 'lowest..-1')
    """
    ends = "lowest" if low == -float("inf") else code_text(low), "highest" if high == float("inf") else code_text(high)
    return "..".join(ends)
