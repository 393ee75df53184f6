"""Sentences of a brief: templates and rules in both languages, with no number in them.

A template is prose with placeholders, ``{name}`` or ``{name:spec}``; each name is bound to a
reference. No digit and no number word may stand in the template itself, so that a number
typed by hand cannot reach a page.

Specs: ``percent``, ``points`` (signed, with its noun), ``size`` (points without the sign),
``number``, ``ci`` (in words), ``range`` (short, for tables), ``low``, ``high``, ``n``, ``magnitude`` (words such as "about a quarter",
where the interval allows them), ``label``, ``date``, ``month``, ``year``, ``value``. A number
of decimals may follow, ``{x:percent.0}``, and the Arabic case after a verb or preposition,
``{x:points,oblique}``.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from masar_research.briefs.refs import CellRef, Model, Ref
from masar_research.errors import BriefError
from masar_research.present import lint

LANGUAGES = ("en", "ar")
SPECS = (
    "percent", "points", "size", "number", "ci", "range", "low", "high", "n", "magnitude",
    "label", "date", "month", "year", "value",
)  # fmt: skip
_SPEC = re.compile(r"^(?P<name>[a-z]+)(?:\.(?P<digits>\d))?(?:,(?P<case>nominative|oblique))?$")


class Phrase(Model):
    """A noun phrase: what a rule sentence is about, with its Arabic gender.

    Examples
    --------
    >>> Phrase(en="women's participation rate", ar="معدل مشاركة النساء", gender="m").gender
    'm'
    """

    en: str
    ar: str
    gender: Literal["m", "f"]
    number: Literal["singular", "plural"] = "singular"

    @model_validator(mode="after")
    def _both(self) -> Phrase:
        for lang in LANGUAGES:
            check_template(getattr(self, lang), lang, placeholders=False)
        return self


class Text(Model):
    """A template in both languages.

    Parameters
    ----------
    en, ar : str
        Prose with placeholders; both must use the same names.
    values : mapping
        Name → reference (`CellRef`, fact, parameter, label, question, date).
    otherwise : Text, optional
        What stands there when a cell it refers to is suppressed. Without it the sentence is
        replaced by "This figure cannot be shown", with the reason.
    needs : tuple of CellRef
        Cells that the sentence speaks of without a figure; it counts as referring to them.

    Raises
    ------
    BriefError
        A missing language, a digit or number word in the prose, a placeholder without value.

    Examples
    --------
    >>> Text(en="Most women stay outside the labour force", ar="معظم النساء خارج قوة العمل").en
    'Most women stay outside the labour force'
    """

    rule: Literal["text"] = "text"
    en: str = ""
    ar: str = ""
    values: dict[str, Ref] = {}
    otherwise: Text | None = None
    needs: tuple[CellRef, ...] = ()

    @field_validator("values", mode="before")
    @classmethod
    def _references(cls, values: object) -> object:
        for name, value in dict(values or {}).items():  # type: ignore[call-overload]
            if isinstance(value, bool | int | float | str):
                raise BriefError(
                    f"{{{name}}} was given the bare value {value!r}; a number enters a brief only by reference.",
                    remedy="Pass a cell, a fact, a parameter, a label or a date: "
                    "handle.cell(...), brief.fact('F001'), brief.parameter('wave'), brief.label(...).",
                    ar=f"القيمة {value!r} أُعطيت مباشرة؛ لا يدخل رقم إلى الموجز إلا بمرجع.",
                )
        return values or {}

    @model_validator(mode="after")
    def _sound(self) -> Text:
        names = {}
        for lang in LANGUAGES:
            text = getattr(self, lang)
            if not text.strip():
                other = self.en or self.ar
                raise BriefError(
                    f"The text {other!r} has no {'Arabic' if lang == 'ar' else 'English'} version.",
                    remedy=f"Write it: Text(en=..., ar=...); {lang}= is empty.",
                    ar="النص ينقصه إحدى اللغتين.",
                )
            names[lang] = {name for name, _ in placeholders(text)}
            check_template(text, lang)
        for lang, used in names.items():
            unknown = sorted(used - self.values.keys())
            if unknown:
                raise BriefError(
                    f"The {lang} text {getattr(self, lang)!r} uses {unknown}, which no value was given for.",
                    remedy=f"Bind every placeholder in values=; given: {sorted(self.values)}.",
                )
        idle = sorted(self.values.keys() - names["en"] - names["ar"])
        if idle:
            raise BriefError(
                f"The values {idle} are not used in either language of {self.en!r}.",
                remedy="Put them in the text as {name}, or leave them out.",
            )
        return self


class Level(Model):
    """"{subject} was 14.9% (95% confidence interval …)", with the verb in agreement.

    `among` is the group as it stands after "among" / «لدى»; `interval` and `n` fill the
    bracket.
    """

    rule: Literal["level"] = "level"
    cell: CellRef
    subject: Phrase
    among: Phrase | None = None
    interval: bool = True
    n: bool = False
    otherwise: Text | None = None


class Gap(Model):
    """Two groups side by side; whether there is a gap follows the test of the difference cell.

    `test` is the difference *first − second*; `first` and `second` are its sides, the phrases
    stand after "among" / «لدى».
    """

    rule: Literal["gap"] = "gap"
    test: CellRef
    first: CellRef
    second: CellRef
    subject: Phrase
    first_label: Phrase
    second_label: Phrase
    interval: bool = False
    alpha: float = 0.05
    otherwise: Text | None = None


class Change(Model):
    """Rose, fell or no detectable change, by the test of the difference *now − before*.

    `since` is the earlier wave (a parameter or date shown as a year).
    """

    rule: Literal["change"] = "change"
    test: CellRef
    now: CellRef
    before: CellRef
    subject: Phrase
    since: Ref
    levels: bool = True
    interval: bool = False
    alpha: float = 0.05
    otherwise: Text | None = None


class Choice(Model):
    """One of three texts by the test of a difference cell, or the fourth when it is suppressed.

    ``p < alpha`` with a positive estimate → `rising`, negative → `falling`, else `flat`.
    """

    rule: Literal["choice"] = "choice"
    test: CellRef
    rising: Text
    falling: Text
    flat: Text
    suppressed: Text
    alpha: float = 0.05


Sentence = Annotated[Text | Level | Gap | Change | Choice, Field(discriminator="rule")]
Text.model_rebuild()


def placeholders(template: str) -> list[tuple[str, str]]:
    """``(name, spec)`` of every placeholder, in order."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise BriefError(
            f"The template {template!r} has a brace that does not close: {error}.",
            remedy="Write {name} or {name:spec}; a literal brace is doubled.",
        ) from error
    found = []
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or conversion:
            raise BriefError(
                f"{{{name}}} in {template!r} is not a plain name.",
                remedy="Use letters only, {name} or {name:spec}, and bind it in values=.",
            )
        if spec:
            read_spec(spec)
        found.append((name, spec or ""))
    return found


def read_spec(spec: str) -> tuple[str, int | None, str | None]:
    """``"points.1,oblique"`` → ``("points", 1, "oblique")``."""
    match = _SPEC.match(spec)
    if not match or match["name"] not in SPECS:
        raise BriefError(
            f"{spec!r} is not a way to show a value.",
            remedy=f"Use one of {', '.join(SPECS)}, e.g. {{x:percent}}, {{x:percent.0}}, {{x:points,oblique}}.",
        )
    digits = match["digits"]
    return match["name"], int(digits) if digits else None, match["case"]


def prose(template: str) -> str:
    """The template's own words, placeholders taken out."""
    return " ".join(text for text, *_ in string.Formatter().parse(template) if text)


def check_template(template: str, lang: str, placeholders: bool = True) -> None:
    """Refuse digits of any script and number words in the words of a template."""
    words = prose(template) if placeholders else template
    digits = [character for character in words if unicodedata.category(character) in {"Nd", "Nl", "No"}]
    found = "".join(digits) or next(iter(lint.number_words(words, lang)), "")
    if found:
        raise BriefError(
            f"The {lang} text {template!r} holds the number {found!r}, typed by hand.",
            remedy="Put a placeholder there and bind it to a cell, a fact, a parameter, a label or a date.",
            ar=f"النص يتضمن الرقم «{found}» مكتوباً باليد؛ ضع مكانه مرجعاً.",
        )
