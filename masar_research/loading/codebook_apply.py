"""An edited codebook workbook applied to a survey, or to the files of several waves at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, ResponseSet, Text, Variable
from masar_research.codebook.applying import Applied, apply_workbook
from masar_research.codebook.workbook import write_workbook
from masar_research.columns import Columns
from masar_research.errors import DataError, DesignError
from masar_research.loading.kinds import RESERVED, WORDS
from masar_research.loading.raw import Raw

if TYPE_CHECKING:
    from masar_research.survey import Survey

WAVE = "wave"


def apply_codebook(survey: Survey, path: str | Path) -> Survey:
    """The survey with its codebook, names and codes as an edited workbook says.

    Parameters
    ----------
    survey : Survey
        The one whose ``codebook.to_excel(path)`` wrote the workbook, before any ``where``.
    path : str or Path

    Returns
    -------
    Survey
        ``.edits[-1].report()`` lists what became what; ``.edits[-1].restored(frame)`` takes names
        and codes back.

    Raises
    ------
    DataError
        If the workbook belongs to other variables or codes, or says what cannot be.
    DesignError
        If the survey is a subpopulation, or the workbook gives a variable of the design other codes.

    Examples
    --------
    >>> survey.codebook.to_excel("codebook.xlsx", lang="ar")     # doctest: +SKIP
    >>> survey.apply_codebook("codebook.xlsx").edits[-1]         # doctest: +SKIP
    """
    if survey.mask is not None:
        raise DesignError(
            f"A codebook belongs to the whole survey, not to the subpopulation {' and '.join(survey.base)!r}.",
            remedy="Apply the workbook first, then use .where().",
            ar="يُطبَّق دليل الترميز على المسح كله لا على فئة منه؛ طبّقه أولاً ثم استعمل where.",
        )
    done = apply_workbook(path, {"": survey.codebook}, {"": survey.frame})[""]
    _design_untouched(survey, done)
    renames = done.renames
    derived = survey._derive()
    derived._columns = Columns(done.frame, done.codebook)
    derived.roles = {role: _renamed(names, renames) for role, names in survey.roles.items()}
    derived.weights_name = renames.get(survey.weights_name, survey.weights_name)
    derived.edits = (*survey.edits, done)
    return derived


def _renamed(names: str | tuple[str, ...] | None, renames: Mapping[str, str]) -> str | tuple[str, ...] | None:
    if names is None or isinstance(names, str):
        return renames.get(names, names) if names else names
    return tuple(renames.get(name, name) for name in names)


def _design_untouched(survey: Survey, done: Applied) -> None:
    names = [each for role in survey.roles.values() if role for each in ((role,) if isinstance(role, str) else role)]
    for name in dict.fromkeys(names):
        kinds = survey.codebook.missing_kinds(name) != done.codebook.missing_kinds(done.renames.get(name, name))
        if name in done.recodes or kinds:
            raise DesignError(
                f"{name} is part of the design (weights, strata, units or wave), and the workbook changes its codes "
                "or which of them are missing.",
                remedy="Leave its codes as they are; change them in the survey card, where the design is declared.",
                ar=f"المتغير «{name}» جزء من تصميم العينة، ولا تُغيَّر رموزه هنا؛ غيّرها في بطاقة المسح.",
            )


@dataclass(frozen=True, slots=True)
class Pooled:
    """Waves harmonised by one workbook, one under the other.

    Attributes
    ----------
    frame : pandas.DataFrame
        With a column ``wave``. Where a wave has not a variable, its rows hold the code for "not
        asked in this wave", and are blank for text and dates.
    codebook : Codebook
    edits : mapping
        Wave → Applied, with its report and the way back.
    """

    frame: pd.DataFrame
    codebook: Codebook
    edits: Mapping[str, Applied]

    def report(self) -> pd.DataFrame:
        """What became what, over all waves."""
        return pd.concat([each.report() for each in self.edits.values()], ignore_index=True)


def waves_to_excel(path: str | Path, waves: Mapping[int | str, Raw], lang: str = "en") -> Path:
    """The codebooks of several waves in one workbook, to be harmonised by hand.

    Parameters
    ----------
    path : str or Path
    waves : mapping
        Wave → file as read by ``masar_research.read``.
    lang : {"en", "ar"}

    Examples
    --------
    >>> raws = {2022: read("survey_2022.sav"), 2024: read("survey_2024.sav")}     # doctest: +SKIP
    >>> waves_to_excel("harmonise.xlsx", raws, lang="ar")                         # doctest: +SKIP
    >>> pooled = apply_waves("harmonise.xlsx", raws)                              # doctest: +SKIP
    """
    return write_workbook(path, {str(wave): raw.codebook for wave, raw in waves.items()}, lang)


def apply_waves(path: str | Path, waves: Mapping[int | str, Raw]) -> Pooled:
    """Waves harmonised as an edited workbook says.

    Variables of one name are one variable. Codes of a variable must mean the same in every wave.

    Raises
    ------
    DataError
        As for `apply_codebook`; and where waves disagree about a level, a code or a kind.
    """
    books = {str(wave): raw.codebook for wave, raw in waves.items()}
    done = apply_workbook(path, books, {str(wave): raw.frame for wave, raw in waves.items()})
    merged: dict[str, list[Variable]] = {}
    for each in done.values():
        for variable in each.codebook.values():
            merged.setdefault(variable.name, []).append(variable)
    if WAVE in merged:
        raise DataError(
            "A variable is called 'wave', the name that pooled waves need.",
            remedy="Give it another new name in the workbook.",
            ar="في الملف متغير اسمه wave، وهو اسم متغير الجولة؛ اختر له اسماً آخر.",
        )
    text = any(isinstance(wave, str) for wave in waves)
    parts, absent = [], set()
    for wave, each in zip(waves, done.values(), strict=True):
        part = each.frame.copy(deep=False)
        for name in merged:
            if name not in part.columns:
                part[name], asked = _blank(name, done, len(part))
                absent |= set() if asked else {name}
        parts.append(part[list(merged)].assign(wave=str(wave) if text else float(wave)))
    variables = [_joined(versions, name in absent) for name, versions in merged.items()]
    codes = tuple(Category(str(w) if text else float(w), Text(en=str(w), ar=str(w))) for w in waves)
    variables.append(Variable(WAVE, {"en": "Survey wave", "ar": "جولة المسح"}, level="ordinal", categories=codes))
    sets: dict[str, ResponseSet] = {}
    for each in done.values():
        sets = {**each.codebook.sets, **sets}
    return Pooled(pd.concat(parts, ignore_index=True), Codebook(variables, sets.values()), done)


def _blank(name: str, done: Mapping[str, Applied], rows: int) -> tuple[pd.Series, bool]:
    """A column for a wave without it, and whether it is blank (True) or coded as not asked (False)."""
    like = next(each.frame[name] for each in done.values() if name in each.frame.columns)
    if like.dtype.kind in "fiu":
        return pd.Series(np.full(rows, RESERVED["not_asked"])), False
    return pd.Series([None] * rows, dtype=like.dtype), True


def _joined(versions: list[Variable], absent: bool) -> Variable:
    first = versions[0]
    categories = {category.code: category for version in reversed(versions) for category in version.categories}
    order = dict.fromkeys(category.code for version in versions for category in version.categories)
    if absent:
        code = RESERVED["not_asked"]
        order[code] = None
        categories.setdefault(code, Category(code, WORDS["not_asked"], "not_asked"))
    return replace(
        first,
        label={lang: words for version in reversed(versions) for lang, words in version.label.items()},
        categories=tuple(categories[code] for code in order),
        source=tuple(dict.fromkeys(source for version in versions for source in version.source)),
        missing_ranges=tuple(dict.fromkeys(span for version in versions for span in version.missing_ranges)),
        personal=any(version.personal for version in versions),
    )
