"""Whom a margin counts, and its refusal where that is not whom the survey covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from masar_research.codebook import Text
from masar_research.errors import WeightingError

NATIONALITIES = {
    "all_residents": Text(en="all residents", ar="جميع المقيمين"),
    "jordanians": Text(en="Jordanians", ar="الأردنيون"),
    "refugees": Text(en="refugees", ar="اللاجئون"),
    "not_documented": Text(en="a nationality that is not documented", ar="جنسية غير موثّقة"),
}


@dataclass(frozen=True, slots=True)
class Universe:
    """Whom figures count.

    Attributes
    ----------
    nationality : {"all_residents", "jordanians", "refugees", "not_documented"}
    age_min, age_max : int, int or None
        Completed years; None: no upper limit.
    excluded : tuple of Text
        Groups left out, in the words of the card or the source.
    """

    nationality: str
    age_min: int = 0
    age_max: int | None = None
    excluded: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        if self.nationality not in NATIONALITIES:
            raise WeightingError(
                f"The population {self.nationality!r} is not known.",
                remedy=f"Use one of {', '.join(NATIONALITIES)}.",
                ar=f"السكان المشمولون {self.nationality!r} غير معروفين؛ استعمل إحدى القيم المذكورة أعلاه.",
            )

    def words(self, lang: str) -> str:
        """Nationality and ages in words.

        Examples
        --------
        >>> Universe("jordanians", 15).words("en")
        'Jordanians, 15 and over'
        """
        who = NATIONALITIES[self.nationality][lang]
        if self.age_max is not None:
            ages = f"{self.age_min}–{self.age_max}"
            return f"{who}, {ages}" if lang == "en" else f"{who}، \u2066{ages}\u2069 سنة"
        if self.age_min == 0:
            return f"{who}, all ages" if lang == "en" else f"{who}، جميع الأعمار"
        return (f"{who}, {self.age_min} and over" if lang == "en"
                else f"{who}، \u2066{self.age_min}\u2069 سنة فأكثر")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a margin beside its figures.

    Attributes
    ----------
    universe : Universe
    key : str or None
        Its name in ``data/reference/margins.yml``.
    date, coverage, note : Text or None
    facts : tuple of str
        Ids of ``data/reference/facts.csv``.
    accepted : Text or None
        Why other exclusions than the survey's are accepted.
    lacking : tuple of (Universe, Text)
        What is not published of these variables: whom it would count, and why.
    """

    universe: Universe
    key: str | None = None
    date: Text | None = None
    coverage: Text | None = None
    note: Text | None = None
    facts: tuple[str, ...] = ()
    accepted: Text | None = None
    lacking: tuple[tuple[Universe, Text], ...] = ()


def of_survey(survey: Any) -> Universe | None:
    """Whom a survey covers by its card; None without one."""
    population = getattr(getattr(survey, "card", None), "population", None)
    if population is None:
        return None
    return Universe(population.nationality, population.age_min, population.age_max, population.excluded)


@dataclass(frozen=True, slots=True)
class Difference:
    """Why a margin does not count whom a survey covers.

    Attributes
    ----------
    kind : {"undeclared", "universe", "coverage"}
        The survey states no population; nationality or ages differ; only excluded groups differ.
    what, remedy : Text
    """

    kind: str
    what: Text
    remedy: Text


def difference(survey: Any, name: str, about: About) -> Difference | None:
    """What stands between a margin and a survey; None where both count the same people.

    Parameters
    ----------
    survey : Survey
    name : str
        Of the margin, for the words.
    about : About

    Examples
    --------
    >>> difference(survey, "governorate", about).kind     # doctest: +SKIP
    'universe'
    """
    theirs, ours = about.universe, of_survey(survey)
    if ours is None:
        return Difference(
            "undeclared",
            Text(en=f"The margin {name} counts {theirs.words('en')}, and this survey does not say whom it covers.",
                 ar=f"يعدّ التوزيع الهامشي \u2066{name}\u2069 {theirs.words('ar')}، ولا يذكر المسح من يشمل."),
            Text(en="Load the survey through a card that states its population: (nationality, age_min, excluded).",
                 ar="حمّل المسح ببطاقة تذكر السكان المشمولين (population)."),
        )  # fmt: skip
    differing = []
    if theirs.nationality != ours.nationality or ours.nationality == "not_documented":
        differing.append(Text(en="nationality", ar="الجنسية"))
    if (theirs.age_min, theirs.age_max) != (ours.age_min, ours.age_max):
        differing.append(Text(en="age range", ar="الفئة العمرية"))
    if differing:
        return Difference(
            "universe",
            Text(en=f"The margin {name} counts {theirs.words('en')}; the survey covers {ours.words('en')}. They differ in "
                    f"{' and '.join(d['en'] for d in differing)}.{_lacking(about, ours, 'en')}",
                 ar=f"يعدّ التوزيع الهامشي \u2066{name}\u2069 {theirs.words('ar')}، والمسح يشمل {ours.words('ar')}؛ "
                    f"ويختلفان في {' و'.join(d['ar'] for d in differing)}.{_lacking(about, ours, 'ar')}"),
            Text(en="Take a margin of the survey's own population, or weight a file of only those whom the margin "
                    "counts (select: in the card, with the population: it leaves).",
                 ar="استعمل توزيعًا للسكان الذين يشملهم المسح، أو رجّح ملفًا يقتصر على من يعدّهم التوزيع "
                    "(select: في البطاقة مع population: الموافق له)."),
        )  # fmt: skip
    missing, more = _unlike(ours.excluded, theirs.excluded), _unlike(theirs.excluded, ours.excluded)
    if about.accepted is not None or not (missing or more):
        return None
    return Difference(
        "coverage",
        Text(en=f"The margin {name} does not cover what the survey covers."
                + _groups(missing, " Counted in the margin, left out of the survey: ", "en")
                + _groups(more, " In the survey, left out of the margin: ", "en"),
             ar=f"تغطية التوزيع الهامشي \u2066{name}\u2069 غير تغطية المسح."
                + _groups(missing, " في التوزيع وخارج المسح: ", "ar")
                + _groups(more, " في المسح وخارج التوزيع: ", "ar")),
        Text(en="Take a margin with the same coverage, or accept the difference with its reason: "
                'margins(…).accepting(en="…", ar="…"), in a card accept: {en: …, ar: …}. The report prints it.',
             ar="استعمل توزيعًا له التغطية نفسها، أو اقبل الفرق مع ذكر سببه (accept:) فيُطبع في التقرير."),
    )  # fmt: skip


def refuse_other(survey: Any, name: str, about: About) -> None:
    """Refuse a margin that does not count whom the survey covers.

    Parameters
    ----------
    survey : Survey
    name : str
        Of the margin, for the message.
    about : About

    Raises
    ------
    WeightingError
        Nationality, age range or excluded groups differ, or the survey does not say whom it covers.
    """
    found = difference(survey, name, about)
    if found is not None:
        raise WeightingError(found.what["en"], remedy=found.remedy["en"], ar=f"{found.what['ar']} {found.remedy['ar']}")


def _unlike(these: Sequence[Text], those: Sequence[Text]) -> list[Text]:
    known = {words for text in those for words in text.values()}
    return [text for text in these if not known.intersection(text.values())]


def _groups(groups: Sequence[Text], head: str, lang: str) -> str:
    if not groups:
        return ""
    return head + ("; " if lang == "en" else "؛ ").join(group[lang] for group in groups) + "."


def _lacking(about: About, ours: Universe, lang: str) -> str:
    fitting = [text[lang] for whom, text in about.lacking
               if whom.nationality == ours.nationality and (whom.age_min > 0) == (ours.age_min > 0)]
    if not fitting:
        return ""
    head = " Not published: " if lang == "en" else " غير منشور: "
    return head + ("; " if lang == "en" else "؛ ").join(fitting) + "."
