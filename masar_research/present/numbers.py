"""Numbers as a reader in Jordan expects them: Western digits, «21.4%», points counted by rule.

Every function takes a full-precision value and returns bare text in logical order, without
directional controls; `masar_research.present.direction` adds those where a renderer needs
them. Values are rounded half up (away from zero) on the shortest decimal that reads back as
the same float, so 0.2145 shows as 21.5%, as it does on a calculator. Digits are those of the
system named (``latn`` by default), whatever the machine's locale says.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from babel import Locale
from babel.dates import get_month_names
from babel.numbers import format_decimal

from masar_research.errors import ParameterError
from masar_research.present.direction import Lang, isolate
from masar_research.present.nouns import POINT, YEAR, Case, Noun

__all__ = [
    "MINUS", "age_from", "age_range", "counted", "date", "date_range", "interval",
    "interval_parts", "isolate", "month", "number", "percent", "percent_word", "plural",
    "points", "range_text", "rounded", "signed_points", "year_range",
]  # fmt: skip

System = Literal["latn", "arab"]
Unit = Literal["percent", "points", "number"]
Value = float | int | Decimal

MINUS = "−"
_LOCALE = {"en": Locale("en"), "ar": Locale("ar")}
_ARAB_DIGITS = {ord(str(i)): chr(0x660 + i) for i in range(10)}
_PERCENT = {"latn": "%", "arab": "٪"}


def rounded(x: Value, digits: int = 0) -> Decimal:
    """`x` rounded half up to `digits` decimals; a negative zero becomes zero.

    Parameters
    ----------
    x : float, int or Decimal
        Finite.
    digits : int
        Decimals kept, 0 or more.

    Raises
    ------
    ParameterError
        If `x` is not finite.

    Examples
    --------
    >>> rounded(2.675, 2), rounded(-0.04, 1)
    (Decimal('2.68'), Decimal('0.0'))
    """
    exact = _decimal(x)
    out = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return abs(out) if out == 0 else out


def number(x: Value, lang: Lang, digits: int = 0, *, system: System = "latn") -> str:
    """A plain number: «1,638,351», "−0.6".

    Parameters
    ----------
    x : float, int or Decimal
    lang : {"ar", "en"}
    digits : int
        Decimals shown, trailing zeros included.
    system : {"latn", "arab"}
        Western or Arabic-Indic digits with their own separators.

    Returns
    -------
    str
        Minus is U+2212. No directional controls.

    Raises
    ------
    ParameterError
        If `x` is not finite, or Arabic-Indic digits are asked for English text.

    Examples
    --------
    >>> number(1638351, "ar"), number(-0.64, "en", 1), number(12.5, "ar", 1, system="arab")
    ('1,638,351', '−0.6', '١٢٫٥')
    """
    return _shown(rounded(x, digits), lang, digits, system)


def percent(x: Value, lang: Lang, digits: int = 1, *, system: System = "latn") -> str:
    """A fraction as a percentage, the sign after the number: 0.214 → «21.4%».

    Examples
    --------
    >>> percent(0.214, "ar"), percent(0.2145, "en"), percent(0.5, "en", 0)
    ('21.4%', '21.5%', '50%')
    """
    return number(_decimal(x) * 100, lang, digits, system=system) + _PERCENT[system]


def percent_word(x: Value, lang: Lang, digits: int = 0) -> str:
    """A fraction in the words of the press: «45 بالمئة», "45 per cent".

    Examples
    --------
    >>> percent_word(0.45, "ar")
    '45 بالمئة'
    """
    word = "بالمئة" if lang == "ar" else "per cent"
    return f"{number(_decimal(x) * 100, lang, digits)} {word}"


def plural(shown: Value, lang: Lang) -> str:
    """CLDR plural category of a number as it is shown.

    Examples
    --------
    >>> [plural(n, "ar") for n in (0, 1, 2, 3, 11, 100, 0.6)]
    ['zero', 'one', 'two', 'few', 'many', 'other', 'other']
    """
    return _LOCALE[lang].plural_form(abs(_decimal(shown)))


def counted(
    n: Value, noun: Noun, lang: Lang, *, digits: int = 0, case: Case = "nominative",
    system: System = "latn",
) -> str:  # fmt: skip
    """A number with its noun in the right form: «3 مقابلات», «11 شخصاً», "1 interview".

    One and two of something are words in Arabic («مقابلة واحدة», «مقابلتان»). Decimals that
    are all zero are dropped, so that 2.0 reads as two.

    Parameters
    ----------
    n : float, int or Decimal
        The number itself (3 for three points, not 0.03).
    noun : Noun
    lang : {"ar", "en"}
    digits : int
        Most decimals shown.
    case : {"nominative", "oblique"}
        Oblique after a preposition, as an object or in a construct: «بمقدار نقطتين».
    system : {"latn", "arab"}

    Examples
    --------
    >>> [counted(n, POINT, "ar", digits=1) for n in (1, 2, 3, 11, 100, 0.6)] == [
    ...     "نقطة مئوية واحدة", "نقطتان مئويتان", "3 نقاط مئوية", "11 نقطة مئوية",
    ...     "100 نقطة مئوية", "0.6 نقطة مئوية"]
    True
    """
    value = rounded(n, digits)
    if value == value.to_integral_value():
        value, digits = value.to_integral_value(), 0
    shown = _shown(value, lang, digits, system)
    if lang == "en":
        return f"{shown} {noun.en if abs(value) == 1 else noun.en_plural}"
    form = plural(value, "ar")
    if value == 1:
        return noun.one
    if value == 2:
        return noun.two_oblique if case == "oblique" else noun.two
    if form == "few":
        return f"{shown} {noun.few}"
    if form == "many":
        return f"{shown} {noun.many}"
    return f"{shown} {noun.other}"


def points(
    x: Value, lang: Lang, digits: int = 1, *, case: Case = "nominative", system: System = "latn"
) -> str:
    """A difference of two fractions in percentage points, with its noun.

    Examples
    --------
    >>> points(0.03, "ar"), points(0.02, "ar", case="oblique"), points(0.006, "en")
    ('3 نقاط مئوية', 'نقطتين مئويتين', '0.6 percentage points')
    """
    return counted(_decimal(x) * 100, POINT, lang, digits=digits, case=case, system=system)


def signed_points(x: Value, lang: Lang, digits: int = 1, *, system: System = "latn") -> str:
    """A difference of two fractions as a bare signed number of points: "+3.2", "−0.6", "0.0".

    Examples
    --------
    >>> signed_points(0.032, "ar"), signed_points(-0.006, "en")
    ('+3.2', '−0.6')
    """
    value = rounded(_decimal(x) * 100, digits)
    return ("+" if value > 0 else "") + _shown(value, lang, digits, system)


def interval(
    low: Value, high: Value, lang: Lang, unit: Unit = "percent", *, digits: int = 1,
    system: System = "latn",
) -> str:  # fmt: skip
    """An interval in words: «من 14.0% إلى 15.1%», "from 14.0% to 15.1%".

    With ``unit="points"`` the ends are fractions and the noun stands once, agreeing with the
    upper end as it is shown: «من 0.6 إلى 3.1 نقطة مئوية».

    Raises
    ------
    ParameterError
        If an end is not finite or `low` is above `high`.

    Examples
    --------
    >>> interval(0.14, 0.151, "ar")
    'من 14.0% إلى 15.1%'
    >>> interval(-0.004, 0.031, "en", "points")
    'from −0.4 to 3.1 percentage points'
    """
    first, second, noun = interval_parts(low, high, lang, unit, digits=digits, system=system)
    words = ("من", "إلى") if lang == "ar" else ("from", "to")
    text = f"{words[0]} {first} {words[1]} {second}"
    return f"{text} {noun}" if noun else text


def interval_parts(
    low: Value, high: Value, lang: Lang, unit: Unit = "percent", *, digits: int = 1,
    system: System = "latn",
) -> tuple[str, str, str]:  # fmt: skip
    """Both ends and the noun after them (empty when the unit is in the numbers)."""
    if _decimal(low) > _decimal(high):
        raise ParameterError(
            f"An interval needs its lower end first; found {low} and {high}.",
            remedy="Swap the two ends.",
        )
    if unit == "percent":
        return percent(low, lang, digits, system=system), percent(high, lang, digits, system=system), ""
    if unit == "number":
        return number(low, lang, digits, system=system), number(high, lang, digits, system=system), ""
    ends = [rounded(_decimal(end) * 100, digits) for end in (low, high)]
    shown = [_shown(end, lang, digits, system) for end in ends]
    if lang == "en":
        return shown[0], shown[1], POINT.en_plural
    few = ends[1] == ends[1].to_integral_value() and plural(ends[1], "ar") == "few"
    return shown[0], shown[1], POINT.few if few else POINT.other


def range_text(low: int, high: int) -> str:
    """A closed range of whole numbers with an en dash: «15–24»."""
    return f"{low}–{high}"


def age_range(low: int, high: int, lang: Lang) -> str:
    """«15–24 سنة», "aged 15–24"."""
    if lang == "en":
        return f"aged {range_text(low, high)}"
    return f"{range_text(low, high)} {counted(high, YEAR, 'ar').split(' ', 1)[-1]}"


def age_from(low: int, lang: Lang) -> str:
    """A half-open age: «15 سنة فأكثر», "aged 15 and over"."""
    return f"aged {low} and over" if lang == "en" else f"{counted(low, YEAR, 'ar')} فأكثر"


def month(day: dt.date, lang: Lang) -> str:
    """Month and year; in Arabic the Levantine name with the other beside it.

    Examples
    --------
    >>> month(dt.date(2026, 1, 5), "ar"), month(dt.date(2026, 1, 5), "en")
    ('كانون الثاني/يناير 2026', 'January 2026')
    """
    return f"{_month_name(day.month, lang)} {day.year}"


def date(day: dt.date, lang: Lang) -> str:
    """Day, month and year: «5 كانون الثاني/يناير 2026», "5 January 2026"."""
    return f"{day.day} {month(day, lang)}"


def date_range(first: dt.date, last: dt.date, lang: Lang) -> str:
    """«من 1 آذار/مارس إلى 15 نيسان/أبريل 2026», "1 March to 15 April 2026".

    Raises
    ------
    ParameterError
        If `first` is after `last`.
    """
    if first > last:
        raise ParameterError(
            f"A period needs its first day first; found {first} and {last}.",
            remedy="Swap the two dates.",
        )
    start = f"{first.day} {_month_name(first.month, lang)}"
    if first.year != last.year:
        start = f"{start} {first.year}"
    return f"من {start} إلى {date(last, lang)}" if lang == "ar" else f"{start} to {date(last, lang)}"


def year_range(first: int, last: int) -> str:
    """«2022–2026»; one year when both are the same."""
    return str(first) if first == last else range_text(first, last)


def _month_name(index: int, lang: Lang) -> str:
    if lang == "en":
        return str(get_month_names("wide", locale="en")[index])
    levantine = get_month_names("wide", locale="ar_JO")[index]
    other = get_month_names("wide", locale="ar_EG")[index]
    return str(levantine) if levantine == other else f"{levantine}/{other}"


def _decimal(x: Value) -> Decimal:
    if isinstance(x, Decimal):
        exact = x
    elif isinstance(x, int):
        exact = Decimal(x)
    else:
        exact = Decimal(repr(float(x)))
    if not exact.is_finite():
        raise ParameterError(
            f"Only a finite number can be shown; found {x}.",
            remedy="Show the reason why there is no estimate instead of a number.",
        )
    return exact


def _shown(value: Decimal, lang: Lang, digits: int, system: System) -> str:
    if system == "arab" and lang == "en":
        raise ParameterError(
            "Arabic-Indic digits were asked for in English text.",
            remedy="Use system='latn' for lang='en'.",
        )
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    locale = "en" if system == "latn" else "ar"
    text = format_decimal(abs(value), format=pattern, locale=locale, numbering_system=system)
    if system == "arab":
        text = text.translate(_ARAB_DIGITS)
    return MINUS + text if value < 0 else text
