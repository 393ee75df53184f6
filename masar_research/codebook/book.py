"""`Codebook`: the variables of a frame, by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.codebook.entries import LEVELS, Category, ResponseSet, Variable, known_kind
from masar_research.codebook.words import LANGUAGES, fold
from masar_research.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from masar_research.codebook.applying import Applied


class Codebook(Mapping[str, Variable]):
    """The variables of a frame, by name, in the order they are displayed in; immutable.

    Parameters
    ----------
    variables : iterable of Variable
    sets : iterable of ResponseSet
        Questions with several answers.

    Examples
    --------
    >>> sex = Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal", categories=(
    ...     Category(1, {"en": "Male", "ar": "ذكر"}), Category(9, {"en": "Refused"}, missing="refused")))
    >>> book = Codebook([sex])
    >>> book.label("sex", "ar"), book.missing_codes("sex")
    ('الجنس', frozenset({9.0}))
    """

    __slots__ = ("_kinds", "_sets", "_variables")

    def __init__(self, variables: Iterable[Variable] = (), sets: Iterable[ResponseSet] = ()) -> None:
        self._variables: dict[str, Variable] = {}
        for variable in variables:
            if variable.name in self._variables:
                raise DataError(
                    f"Variable {variable.name!r} stands twice in the codebook.",
                    remedy="Give each variable a name of its own.",
                )
            self._variables[variable.name] = variable
        self._kinds = {
            name: {category.code: category.missing for category in variable.categories if category.missing}
            for name, variable in self._variables.items()
        }
        self._sets: dict[str, ResponseSet] = {}
        for each in sets:
            self._check(each)
            self._sets[each.name] = each

    def _check(self, each: ResponseSet) -> None:
        unknown = [name for name in each.variables if name not in self._variables]
        if unknown:
            raise DataError(
                f"The set {each.name!r} names {', '.join(unknown)}, which the codebook has not.",
                remedy="List variables of the codebook.",
                ar=f"في مجموعة الإجابات المتعددة «{each.name}» متغيرات ليست في دليل الترميز.",
            )
        if each.name in self._sets:
            raise DataError(f"The set {each.name!r} stands twice.", remedy="Give each set a name of its own.")

    def __getitem__(self, name: str) -> Variable:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Codebook):
            return NotImplemented
        return self._variables == other._variables and self._sets == other._sets

    def __hash__(self) -> int:
        return hash(tuple(self._variables.values()))

    def __repr__(self) -> str:
        return (
            f"Codebook of {len(self)} variables: {', '.join(list(self)[:8])}{', …' if len(self) > 8 else ''}"
        )

    # --- looking -----------------------------------------------------------------------

    @property
    def sets(self) -> dict[str, ResponseSet]:
        """Questions with several answers, by name."""
        return dict(self._sets)

    def variable(self, name: str) -> Variable:
        """The variable of that name; DataError with near matches where there is none."""
        try:
            return self._variables[name]
        except KeyError:
            near = difflib.get_close_matches(str(name), self._variables, n=4)
            raise DataError(
                f"The codebook has no variable {name!r}.",
                remedy=f"Did you mean {', '.join(near)}?"
                if near
                else "Look it up with codebook.search(...).",
            ) from None

    def label(self, name: str, lang: str) -> str:
        """The variable's label; DataError where that language is absent."""
        return self._words(self.variable(name).label, f"label of variable {name!r}", lang)

    def question(self, name: str, lang: str) -> str:
        """The question as asked; DataError where it is absent."""
        return self._words(self.variable(name).question or {}, f"question of variable {name!r}", lang)

    def category(self, name: str, code: float | str, lang: str) -> str:
        """The label of one code.

        Parameters
        ----------
        name : str
        code : float or str
            A number matches number codes only, text matches text codes only.
        lang : {"en", "ar"}

        Raises
        ------
        DataError
            If the variable, the code or the language is absent.
        """
        variable = self.variable(name)
        for category in variable.categories:
            if isinstance(category.code, str) == isinstance(code, str) and category.code == code:
                return self._words(category.label, f"label of code {code!r} of variable {name!r}", lang)
        known = ", ".join(
            f"{category.code:g}" if isinstance(category.code, float) else repr(category.code)
            for category in variable.categories[:20]
        )
        raise DataError(
            f"Variable {name!r} has no code {code!r}.", remedy=f"Its codes are: {known or 'none'}."
        )

    def missing_codes(self, name: str) -> frozenset:
        """The codes that are no answer; empty for a variable the codebook does not know."""
        return frozenset(self._kinds.get(name, ()))

    def missing_kinds(self, name: str) -> dict[float | str, str]:
        """Code → kind of missing value; empty for a variable the codebook does not know."""
        return dict(self._kinds.get(name, ()))

    # --- deriving ----------------------------------------------------------------------

    def add(self, *variables: Variable) -> Codebook:
        """A codebook with these variables too; one of the same name is replaced in place."""
        merged = dict(self._variables)
        merged.update({variable.name: variable for variable in variables})
        return Codebook(merged.values(), self._sets.values())

    def with_sets(self, *sets: ResponseSet) -> Codebook:
        """A codebook with these questions of several answers too; one of the same name is replaced.

        Examples
        --------
        >>> book = Codebook([Variable("water_pipe", {"en": "Pipe"}), Variable("water_tank", {"en": "Tank"})])
        >>> list(book.with_sets(ResponseSet("water", {"en": "Water"}, ("water_pipe", "water_tank"))).sets)
        ['water']
        """
        return Codebook(self.values(), {**self._sets, **{each.name: each for each in sets}}.values())

    def ordered(self, *names: str) -> Codebook:
        """The same variables, these first and the others after them.

        Examples
        --------
        >>> list(Codebook([Variable("a", {}), Variable("b", {}), Variable("c", {})]).ordered("c", "b"))
        ['c', 'b', 'a']
        """
        first = [self.variable(name) for name in dict.fromkeys(names)]
        rest = [variable for variable in self.values() if variable.name not in set(names)]
        return Codebook([*first, *rest], self._sets.values())

    def only(self, names: Iterable[str]) -> Codebook:
        """These variables alone, in this codebook's order; sets whose variables all stay."""
        kept = set(names)
        return Codebook(
            (variable for variable in self.values() if variable.name in kept),
            (each for each in self._sets.values() if kept.issuperset(each.variables)),
        )

    def covering(self, frame: pd.DataFrame) -> Codebook:
        """The codebook in which every code that lies in a range declared missing is a category.

        Parameters
        ----------
        frame : pandas.DataFrame
            The data; a code that stands in it, is in a range and has no category gets one.
        """
        found = []
        for variable in self.values():
            if not variable.missing_ranges or variable.name not in frame.columns:
                continue
            column = frame[variable.name]
            if column.dtype.kind not in "fiu":
                continue
            known = {category.code for category in variable.categories}
            seen = [float(code) for code in np.unique(column.dropna().to_numpy(float)) if code not in known]
            gone = [(code, variable.kind_of(code)) for code in seen]
            more = tuple(Category(code, {}, kind) for code, kind in gone if kind)
            if more:
                found.append(replace(variable, categories=variable.categories + more))
        return self.add(*found) if found else self

    def search(self, text: str = "", *, level: str | None = None, missing: str | None = None) -> Codebook:
        """The variables whose name, label, question or category labels contain the text.

        Case, Arabic diacritics and the usual spelling variants of Arabic letters do not matter;
        of several words each must occur.

        Parameters
        ----------
        text : str
        level : {"nominal", "ordinal", "numeric", "text", "date"}, optional
            Only variables of that level.
        missing : {"refused", "dont_know", "not_applicable", "not_asked", "missing"}, optional
            Only variables that have a code of that kind.

        Examples
        --------
        >>> book = Codebook([Variable("q1", {"en": "Age", "ar": "العُمر"}), Variable("q2", {"en": "Sex"})])
        >>> list(book.search("العمر"))
        ['q1']
        >>> list(book.search(level="text"))
        []
        """
        if level is not None and level not in LEVELS:
            raise DataError(f"The level {level!r} is not known.", remedy=f"Use one of {', '.join(LEVELS)}.")
        if missing is not None:
            known_kind(missing)
        wanted = fold(text).split()
        found = []
        for variable in self.values():
            kinds = {*self._kinds[variable.name].values(), *(span.missing for span in variable.missing_ranges)}
            if (level is None or variable.level == level) and (missing is None or missing in kinds):
                words = fold(" \n ".join(_all_words(variable)))
                if all(word in words for word in wanted):
                    found.append(variable.name)
        return self.only(found)

    # --- showing and exchanging --------------------------------------------------------

    def text(self, lang: str = "en", most: int = 60) -> str:
        """An aligned table for a terminal, in one language.

        Parameters
        ----------
        lang : {"en", "ar"}
        most : int
            Variables shown; how many more there are stands beneath.

        Examples
        --------
        >>> print(Codebook([Variable("age", {"en": "Age", "ar": "العمر"})]).text("ar"))
        المتغير  الوصف  المستوى
        ───────  ─────  ───────
        age      العمر  رقم
        """
        from masar_research.codebook.showing import as_text

        return as_text(self, lang, most)

    def show(self, lang: str = "en", most: int = 200) -> Any:
        """The table JupyterLab shows, in one language; Arabic from right to left."""
        from masar_research.codebook.showing import Shown

        return Shown(self, lang, most)

    def to_excel(self, path: str | Path, lang: str = "en") -> Path:
        """A workbook for a colleague to edit; `apply` reads it back.

        Parameters
        ----------
        path : str or Path
            Ends in ``.xlsx``.
        lang : {"en", "ar"}
            Language of sheet names and headings; Arabic sheets run from the right.
        """
        from masar_research.codebook.workbook import write_workbook

        return write_workbook(path, {"": self}, lang)

    def apply(self, path: str | Path) -> Applied:
        """An edited workbook of this codebook, applied; data follow with ``survey.apply_codebook``.

        Raises
        ------
        DataError
            If the workbook was made from other variables or codes, or says what cannot be.
        """
        from masar_research.codebook.applying import apply_workbook

        return apply_workbook(path, {"": self})[""]

    def _repr_html_(self) -> str:
        from masar_research.codebook.showing import as_html

        return as_html(self, None, 200)

    @staticmethod
    def _words(words: Mapping[str, str], what: str, lang: str) -> str:
        if lang not in LANGUAGES:
            raise DataError(f"The language {lang!r} is not known.", remedy='Use "en" or "ar".')
        if lang not in words:
            language = {"en": "English", "ar": "Arabic"}[lang]
            raise DataError(
                f"The {what} has no {language} wording.", remedy=f"Give it under {lang}: in the survey card."
            )
        return words[lang]


def _all_words(variable: Variable) -> Iterator[str]:
    yield variable.name
    yield from variable.label.values()
    yield from (variable.question or {}).values()
    for category in variable.categories:
        yield from category.label.values()
