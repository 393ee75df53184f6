"""Errors that name what was expected, what was found and what to do about it."""

from __future__ import annotations

from typing import Any, ClassVar


REMEDY = "What to do: "


class MasarError(ValueError):
    """An error a user can act on.

    Parameters
    ----------
    what : str
        What was expected and what was found, in English.
    remedy : str
        What to do, as an instruction.
    ar : str, optional
        The same message in Arabic, printed beneath the English. Without it the Arabic reader is
        told what kind of thing is wrong and where the remedy stands (`general`).

    Examples
    --------
    >>> raise MasarError("3 weights are negative (rows 4, 9, 12).",
    ...                  remedy="Correct them in the source file or drop the rows there.")
    Traceback (most recent call last):
    masar_research.errors.MasarError: 3 weights are negative (rows 4, 9, 12).
    What to do: Correct them in the source file or drop the rows there.
    تعذّر إكمال العمل. تذكر السطور الإنجليزية أعلاه ما وُجد، ويذكر السطر الأخير منها ما ينبغي فعله.
    """

    general: ClassVar[str] = (
        "تعذّر إكمال العمل. تذكر السطور الإنجليزية أعلاه ما وُجد، ويذكر السطر الأخير منها ما ينبغي فعله."
    )

    def __init__(self, what: str, *, remedy: str, ar: str | None = None) -> None:
        self.what = what
        self.remedy = remedy
        self.ar = ar or self.general
        super().__init__("\n".join([what, f"{REMEDY}{remedy}", self.ar]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors come back whole from the workers of a cluster."""
        return _again, (type(self), self.what, self.remedy, self.ar)


def _again(kind: type[MasarError], what: str, remedy: str, ar: str) -> MasarError:
    return kind(what, remedy=remedy, ar=ar)


class DataError(MasarError):
    """A file, column, label or expression that is not what it should be."""

    general: ClassVar[str] = (
        "في ملف البيانات أو في أحد أعمدته أو تعابيره ما لا يصح. صحّح ما تسمّيه السطور الإنجليزية أعلاه ثم أعد الأمر."
    )


class CardError(MasarError):
    """A survey card that does not validate."""

    general: ClassVar[str] = "في بطاقة المسح ما لا يصح. صحّح الموضع المذكور أعلاه ثم أعد الأمر."


class DesignError(MasarError):
    """A sampling design that cannot be right: weights, strata, PSUs, population counts."""

    general: ClassVar[str] = (
        "في تصميم العينة (الأوزان أو الطبقات أو وحدات المعاينة) ما لا يصح. صحّح ما هو مذكور أعلاه في الملف أو في بطاقة المسح."
    )


class EstimationError(MasarError):
    """An estimate that cannot be computed from these data."""

    general: ClassVar[str] = "لا يمكن حساب هذا التقدير من هذه البيانات. راجع أعلاه ما طُلب وما هو متاح."


class WeightingError(MasarError):
    """A weighting step that cannot be carried out."""

    general: ClassVar[str] = "لا يمكن تنفيذ خطوة الترجيح هذه. صحّح الأهداف أو الفئات المذكورة أعلاه."


class ModelError(MasarError):
    """A model that cannot be fitted or read as asked."""

    general: ClassVar[str] = "لا يمكن تقدير النموذج كما طُلب. عدّل الصيغة كما هو مذكور أعلاه."


class ParameterError(MasarError):
    """A brief's parameter that is unknown, mistyped or out of range."""

    general: ClassVar[str] = "قيمة إحدى المعلمات غير صحيحة. استعمل إحدى القيم المذكورة أعلاه."


class ReleaseError(MasarError):
    """A figure that may not leave the office as asked."""

    general: ClassVar[str] = "لا يجوز نشر هذا الرقم كما طُلب. راجع السبب المذكور أعلاه."


class BriefError(MasarError):
    """A brief that cannot be built: missing translation, untraceable number, broken block."""

    general: ClassVar[str] = (
        "تعذّر إعداد الموجز أو التحقق منه، ولم يُنشر شيء ناقص. صحّح ما هو مذكور أعلاه ثم أعد الأمر."
    )


def from_outside(error: Exception) -> MasarError:
    """What a user is told of an error that is none of ours: a disk that refuses, or a defect.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    MasarError
        With `error` as its cause.
    """
    told: MasarError
    if isinstance(error, MasarError):
        return error
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename else ""
        told = BriefError(
            f"The system refused to read or write ({error.strerror or error}{place}).",
            remedy="Check that the place exists, that you may write there and that the disk has room, "
            "or choose another folder with --out.",
            ar="رفض النظام القراءة أو الكتابة في الموضع المذكور أعلاه. تأكد من وجود المجلد ومن صلاحية الكتابة "
            "ومن توفر مساحة على القرص، أو اختر مجلداً آخر بالخيار --out.",
        )
    else:
        told = BriefError(
            f"An unexpected {type(error).__name__}: {error}",
            remedy="Nothing was published. Run the command again with MASAR_TRACE=1 to see where it happened, "
            "and report it with the notebook and the survey card.",
            ar="وقع خطأ غير متوقع ولم يُنشر شيء. أعد الأمر مع MASAR_TRACE=1 لمعرفة موضعه، وأبلغ عنه مرفقاً بالدفتر "
            "وبطاقة المسح.",
        )
    told.__cause__ = error
    return told
