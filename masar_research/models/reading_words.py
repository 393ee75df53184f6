"""Names of outcomes, predictors and groups as they stand inside a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from masar_research.models.comparison_parts import code_of
from masar_research.present.pieces import Phrase

if TYPE_CHECKING:
    from masar_research.codebook import Codebook

#: Names given by the caller: variable, or (variable, code).
Words = Mapping[str | tuple[str, Any], Phrase]

_SEXES = {"1": Phrase("men", "الرجال", number="plural"), "2": Phrase("women", "النساء", number="plural")}
_YES = {"yes", "no", "نعم", "لا"}
#: Adjectives of nationality and the like keep their capital.
_PROPER = ("Jordan", "Syria", "Palestin", "Egypt", "Arab", "Islam", "Muslim", "Christian", "Amman", "Bachelor")
_MARKS = re.compile(r"[,،;؛:()«»“”?؟]")
_AGES = {"age": Phrase("age", "العمر")}


def quoted(text: str, lang: str) -> str:
    """Words as they stand in the codebook, between quotation marks."""
    return f"«{text}»" if lang == "ar" else f"“{text}”"


def name_of(book: Codebook, variable: str, words: Words) -> Phrase:
    """A predictor inside a sentence; a name with marks of its own stands between quotation marks."""
    if variable in words:
        return words[variable]
    if variable in _AGES:
        return _AGES[variable]
    known = book[variable].label if variable in book else {}
    en, ar = known.get("en") or variable, known.get("ar")
    return Phrase(_inside(en, "en"), quoted(f"\u2066{variable}\u2069", "ar") if ar is None else _inside(ar, "ar"))


def _inside(text: str, lang: str) -> str:
    if _MARKS.search(text) or len(text) > 50:
        return quoted(text, lang)
    first = text.split(" ")[0]
    if lang == "en" and first[1:].islower() and not first.startswith(_PROPER):
        return text[0].lower() + text[1:]
    return text


def group_of(book: Codebook, variable: str, code: Any, words: Words) -> Phrase:
    """A group as it stands after "among" / «لدى»."""
    if (variable, code) in words:
        return words[variable, code]
    if variable == "sex" and code_of(code) in _SEXES:
        return _SEXES[code_of(code)]
    label = category(book, variable, code)
    if not {text.lower() for text in label.values()} & _YES:
        return Phrase(f"those in the group {quoted(label['en'], 'en')}", f"فئة {quoted(label['ar'], 'ar')}", "f")
    name = label_of(book, variable)
    return Phrase(f"those in the group {quoted(label['en'], 'en')} of {quoted(name['en'], 'en')}",
                  f"فئة {quoted(label['ar'], 'ar')} من {quoted(name['ar'], 'ar')}", "f")


def category(book: Codebook, variable: str, code: Any) -> dict[str, str]:
    """A category's label in both languages; its code where the codebook has none."""
    known: Mapping[str, str] = {}
    if variable in book:
        known = next((c.label for c in book[variable].categories if code_of(c.code) == code_of(code)), {})
    return {"en": known.get("en") or code_of(code), "ar": known.get("ar") or f"\u2066{code_of(code)}\u2069"}


def label_of(book: Codebook, variable: str) -> dict[str, str]:
    """A variable's label in both languages; its name where the codebook has none."""
    known = book[variable].label if variable in book else {}
    return {"en": known.get("en") or variable, "ar": known.get("ar") or f"\u2066{variable}\u2069"}


def share_of(book: Codebook, outcome: str, code: Any, words: Words) -> Phrase:
    """The share of people in a category of the outcome."""
    for key in ((outcome, code), outcome):
        if key in words and (key != outcome or code_of(code) == "1"):
            return words[key]
    label = category(book, outcome, code)
    if outcome in book and not {text.lower() for text in label.values()} & (_YES | {"1", "\u20661\u2069"}):
        return Phrase(f"the share of {quoted(label['en'], 'en')}", f"نسبة {quoted(label['ar'], 'ar')}", "f")
    name = label_of(book, outcome)
    return Phrase(f"the share of {quoted(name['en'], 'en')}", f"نسبة {quoted(name['ar'], 'ar')}", "f")


def amount_of(book: Codebook, outcome: str, words: Words, kind: str = "mean", tau: float | None = None) -> Phrase:
    """The mean, rate, hazard or quantile of the outcome."""
    if outcome in words:
        return words[outcome]
    name = {lang: quoted(text, lang) for lang, text in label_of(book, outcome).items()}
    if kind == "quantile":
        if tau == 0.5:
            return Phrase(f"the median of {name['en']}", f"وسيط {name['ar']}")
        return Phrase(f"the quantile {tau:g} of {name['en']}", f"المئين {tau:g} من {name['ar']}")
    heads = {"mean": ("the mean of", "متوسط"), "rate": ("the rate of", "معدل"),
             "hazard": ("the hazard of", "معدل خطر وقوع")}  # fmt: skip
    en, ar = heads[kind]
    return Phrase(f"{en} {name['en']}", f"{ar} {name['ar']}")


def step_of(book: Codebook, variable: str, words: Words) -> Phrase:
    """One unit more of a numeric predictor."""
    name = name_of(book, variable, words)
    if variable in _AGES:
        return Phrase(f"each further year of {name.en}", f"كل سنة إضافية من {name.ar}", slot=name.slot)
    return Phrase(f"each further unit of {name.en}", f"كل وحدة إضافية من {name.ar}", "f", slot=name.slot)


def unit_of(book: Codebook, variable: str) -> Phrase | None:
    """The unit of the outcome, where the codebook gives it in both languages."""
    unit = book[variable].unit if variable in book else None
    if not unit or not {"en", "ar"} <= set(unit):
        return None
    # "points from 0 to 100": the range belongs to the label, not to an amount.
    return Phrase(unit["en"].partition(" from ")[0], unit["ar"].partition(" من ")[0])
