"""Counted nouns in Arabic and English, by the plural categories of the CLDR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Case = Literal["nominative", "oblique"]


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun that can stand after a number.

    Arabic counts in six ways (CLDR ``zero one two few many other``). ``one`` and ``two`` are
    whole phrases, since the noun itself says the number; the other four stand after digits.

    Attributes
    ----------
    one, two, two_oblique : str
        Arabic, with the number in the word; `two_oblique` after a verb's object or a
        preposition.
    few, many, other : str
        Arabic, after 3–10 (103–110 …), after 11–99 (111–199 …), after all else (0, 100, 101,
        102, 1000, decimals).
    en, en_plural : str
        English singular and plural.
    """

    one: str
    two: str
    two_oblique: str
    few: str
    many: str
    other: str
    en: str
    en_plural: str


POINT = Noun(
    one="نقطة مئوية واحدة", two="نقطتان مئويتان", two_oblique="نقطتين مئويتين",
    few="نقاط مئوية", many="نقطة مئوية", other="نقطة مئوية",
    en="percentage point", en_plural="percentage points",
)  # fmt: skip
PERSON = Noun(
    one="شخص واحد", two="شخصان", two_oblique="شخصين", few="أشخاص", many="شخصاً", other="شخص",
    en="person", en_plural="persons",
)  # fmt: skip
INTERVIEW = Noun(
    one="مقابلة واحدة", two="مقابلتان", two_oblique="مقابلتين", few="مقابلات", many="مقابلة",
    other="مقابلة", en="interview", en_plural="interviews",
)  # fmt: skip
RESPONDENT = Noun(
    one="مستجيب واحد", two="مستجيبان", two_oblique="مستجيبين", few="مستجيبين",
    many="مستجيباً", other="مستجيب", en="respondent", en_plural="respondents",
)  # fmt: skip
WOMAN = Noun(
    one="امرأة واحدة", two="امرأتان", two_oblique="امرأتين", few="نساء", many="امرأة",
    other="امرأة", en="woman", en_plural="women",
)  # fmt: skip
MAN = Noun(
    one="رجل واحد", two="رجلان", two_oblique="رجلين", few="رجال", many="رجلاً", other="رجل",
    en="man", en_plural="men",
)  # fmt: skip
YEAR = Noun(
    one="سنة واحدة", two="سنتان", two_oblique="سنتين", few="سنوات", many="سنة", other="سنة",
    en="year", en_plural="years",
)  # fmt: skip
HOUSEHOLD = Noun(
    one="أسرة واحدة", two="أسرتان", two_oblique="أسرتين", few="أسر", many="أسرة", other="أسرة",
    en="household", en_plural="households",
)  # fmt: skip
GOVERNORATE = Noun(
    one="محافظة واحدة", two="محافظتان", two_oblique="محافظتين", few="محافظات", many="محافظة",
    other="محافظة", en="governorate", en_plural="governorates",
)  # fmt: skip
CLUSTER = Noun(
    one="عنقود واحد", two="عنقودان", two_oblique="عنقودين", few="عناقيد", many="عنقوداً",
    other="عنقود", en="cluster", en_plural="clusters",
)  # fmt: skip
STRATUM = Noun(
    one="طبقة واحدة", two="طبقتان", two_oblique="طبقتين", few="طبقات", many="طبقة",
    other="طبقة", en="stratum", en_plural="strata",
)  # fmt: skip
FIGURE = Noun(
    one="رقم واحد", two="رقمان", two_oblique="رقمين", few="أرقام", many="رقماً", other="رقم",
    en="figure", en_plural="figures",
)  # fmt: skip
GROUP = Noun(
    one="فئة واحدة", two="فئتان", two_oblique="فئتين", few="فئات", many="فئة", other="فئة",
    en="group", en_plural="groups",
)  # fmt: skip
NOUNS = (
    POINT, PERSON, INTERVIEW, RESPONDENT, WOMAN, MAN, YEAR, HOUSEHOLD, GOVERNORATE, CLUSTER,
    STRATUM, FIGURE, GROUP,
)  # fmt: skip

_FEMININE = {
    "أعزب": "عزباء", "متزوج": "متزوجة", "مطلق": "مطلقة", "منفصل": "منفصلة", "أرمل": "أرملة", "أمي": "أمية",
    "أردني": "أردنية", "مشتغل": "مشتغلة", "متعطل": "متعطلة", "متقاعد": "متقاعدة", "طالب": "طالبة",
}  # fmt: skip


def feminine(label: str) -> str:
    """An Arabic label of a status as it is said of women; other words stay.

    Examples
    --------
    >>> feminine("أرمل"), feminine("مطلق أو منفصل"), feminine("أقل من ثانوي")
    ('أرملة', 'مطلقة أو منفصلة', 'أقل من ثانوي')
    """
    return " ".join(_FEMININE.get(word, word) for word in label.split(" "))
