"""Variables, labels, question wording, universes and kinds of missing values, beside the data."""

from __future__ import annotations

import difflib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from masar_research.errors import DataError
from masar_research.expressions import KINDS

LEVELS = ("nominal", "ordinal", "numeric", "text", "date")
LANGUAGES = ("en", "ar")


@dataclass(frozen=True, slots=True, repr=False)
class Text(Mapping[str, str]):
    """Words in one or two languages; a mapping of the languages it has.

    Parameters
    ----------
    en, ar : str, optional

    Examples
    --------
    >>> Text(en="Male", ar="ذكر")["ar"]
    'ذكر'
    >>> "ar" in Text(en="Male")
    False
    """

    en: str | None = None
    ar: str | None = None

    @classmethod
    def of(cls, words: Mapping[str, str] | None) -> Text:
        """From any mapping of languages."""
        words = words or {}
        unknown = set(words) - set(LANGUAGES)
        if unknown:
            raise DataError(
                f"Words in {sorted(unknown)} were found; English (en) and Arabic (ar) are known.",
                remedy="Give the words under en and ar.",
            )
        return cls(en=words.get("en"), ar=words.get("ar"))

    def __getitem__(self, lang: str) -> str:
        if lang in LANGUAGES and getattr(self, lang) is not None:
            return getattr(self, lang)
        raise KeyError(lang)

    def __iter__(self) -> Iterator[str]:
        return (lang for lang in LANGUAGES if getattr(self, lang) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Text({', '.join(f'{lang}={self[lang]!r}' for lang in self)})"


@dataclass(frozen=True, slots=True)
class Category:
    """One code of a variable.

    Attributes
    ----------
    code : float or str
        As it stands in the frame.
    label : Text
    missing : str or None
        ``"refused"``, ``"dont_know"``, ``"not_applicable"``, ``"not_asked"`` or ``"missing"`` where the
        code is no answer.
    """

    code: float | str
    label: Mapping[str, str]
    missing: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.code, bool) or not isinstance(self.code, int | float | str):
            raise DataError(
                f"A category's code must be a number or text, found {self.code!r}.",
                remedy="Give the code as it stands in the data.",
            )
        if not isinstance(self.code, str):
            object.__setattr__(self, "code", float(self.code))
        object.__setattr__(self, "label", Text.of(self.label))
        if self.missing is not None and self.missing not in KINDS:
            raise DataError(
                f"{self.missing!r} is not a kind of missing value.", remedy=f"Use one of {', '.join(KINDS)}."
            )


@dataclass(frozen=True, slots=True)
class Variable:
    """What is known about one column.

    Attributes
    ----------
    name : str
    label, question, unit, note : Text
        In English and Arabic; question, unit and note may be None.
    level : {"nominal", "ordinal", "numeric", "text", "date"}
    categories : tuple of Category
    universe : str or None
        The expression that says to whom the question applies.
    source : tuple of str
        The columns or variables it was made from.
    """

    name: str
    label: Mapping[str, str]
    question: Mapping[str, str] | None = None
    level: str = "numeric"
    categories: tuple[Category, ...] = ()
    universe: str | None = None
    unit: Mapping[str, str] | None = None
    source: tuple[str, ...] = ()
    note: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise DataError(
                f"The level {self.level!r} of variable {self.name!r} is not known.",
                remedy=f"Use one of {', '.join(LEVELS)}.",
            )
        object.__setattr__(self, "label", Text.of(self.label))
        for field in ("question", "unit", "note"):
            if getattr(self, field) is not None:
                object.__setattr__(self, field, Text.of(getattr(self, field)))
        object.__setattr__(self, "categories", tuple(self.categories))
        object.__setattr__(self, "source", tuple(self.source))
        codes = [category.code for category in self.categories]
        if len(set(codes)) != len(codes):
            twice = sorted({str(code) for code in codes if codes.count(code) > 1})
            raise DataError(
                f"Variable {self.name!r} lists code {', '.join(twice)} more than once.",
                remedy="Give each code one label.",
            )

    @property
    def valid(self) -> tuple[Category, ...]:
        """The categories that are answers."""
        return tuple(category for category in self.categories if category.missing is None)


class Codebook(Mapping[str, Variable]):
    """The variables of a frame, by name; immutable.

    Parameters
    ----------
    variables : iterable of Variable

    Examples
    --------
    >>> sex = Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal", categories=(
    ...     Category(1, {"en": "Male", "ar": "ذكر"}), Category(9, {"en": "Refused"}, missing="refused")))
    >>> book = Codebook([sex])
    >>> book.label("sex", "ar"), book.missing_codes("sex")
    ('الجنس', frozenset({9.0}))
    """

    __slots__ = ("_kinds", "_variables")

    def __init__(self, variables=()) -> None:
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

    def __getitem__(self, name: str) -> Variable:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __hash__(self) -> int:
        return hash(tuple(self._variables.values()))

    def __repr__(self) -> str:
        return (
            f"Codebook of {len(self)} variables: {', '.join(list(self)[:8])}{', …' if len(self) > 8 else ''}"
        )

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

    def add(self, *variables: Variable) -> Codebook:
        """A codebook with these variables too; one of the same name is replaced in place."""
        merged = dict(self._variables)
        merged.update({variable.name: variable for variable in variables})
        return Codebook(merged.values())

    def search(self, text: str) -> Codebook:
        """The variables whose name, label, question or category labels contain the text.

        Case, Arabic diacritics and the usual spelling variants of Arabic letters do not matter.

        Examples
        --------
        >>> book = Codebook([Variable("q1", {"en": "Age", "ar": "العُمر"}), Variable("q2", {"en": "Sex"})])
        >>> list(book.search("العمر"))
        ['q1']
        """
        wanted = fold(text)
        return Codebook(
            variable
            for variable in self.values()
            if any(wanted in fold(words) for words in _all_words(variable))
        )

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

    def _repr_html_(self) -> str:
        rows = "".join(_row(variable) for variable in self.values())
        return (
            '<div style="max-height:32em;overflow:auto"><table class="masar-codebook">'
            f'<caption>{len(self)} variables · {len(self)} متغيراً — codebook.search("…")</caption>'
            '<thead><tr><th>Variable</th><th>Label</th><th dir="rtl">الوصف</th><th>Level</th>'
            "<th>Codes · الرموز</th><th>Asked of</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )


_FOLD = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ـ": None,
        **{chr(mark): None for mark in (*range(0x064B, 0x0653), 0x0670, 0x200E, 0x200F, 0x061C)},
        **{chr(0x0660 + d): str(d) for d in range(10)},
        **{chr(0x06F0 + d): str(d) for d in range(10)},
    }
)


def fold(text: str) -> str:
    """Letters as they are matched, never as they are shown: case, hamza seats, ة/ه, ى/ي, diacritics,
    tatweel, digits and white space.

    Examples
    --------
    >>> fold("إربــد") == fold("اربد")
    True
    """
    return " ".join(str(text).translate(_FOLD).casefold().split())


def _all_words(variable: Variable) -> Iterator[str]:
    yield variable.name
    yield from variable.label.values()
    yield from (variable.question or {}).values()
    for category in variable.categories:
        yield from category.label.values()


def _row(variable: Variable) -> str:
    def cell(text: str | None, lang: str = "en") -> str:
        direction = ' dir="rtl" lang="ar"' if lang == "ar" else ""
        return f'<td{direction} style="text-align:start">{html.escape(text or "")}</td>'

    codes = []
    for category in variable.categories[:12]:
        code = f"{category.code:g}" if isinstance(category.code, float) else category.code
        words = " · ".join(f"<bdi>{html.escape(words)}</bdi>" for words in category.label.values())
        kind = f" <i>({category.missing.replace('_', ' ')})</i>" if category.missing else ""
        codes.append(f"<bdi>{html.escape(code)}</bdi> {words}{kind}")
    if len(variable.categories) > 12:
        codes.append(f"… {len(variable.categories) - 12} more")
    return (
        f"<tr><td><code>{html.escape(variable.name)}</code></td>{cell(variable.label.get('en'))}"
        f"{cell(variable.label.get('ar'), 'ar')}{cell(variable.level)}"
        f'<td style="text-align:start">{"<br>".join(codes)}</td>{cell(variable.universe)}</tr>'
    )
