"""One variable: its categories, its ranges of missing codes; and questions with several answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from masar_research.codebook.words import Text
from masar_research.errors import DataError
from masar_research.expressions import KINDS

LEVELS = ("nominal", "ordinal", "numeric", "text", "date")


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
        if self.missing is not None:
            known_kind(self.missing)


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Numbers from `low` to `high`, both included, that are no answer.

    Attributes
    ----------
    low, high : float
        Either end may be infinite.
    missing : str
        The kind, as in :class:`Category`.

    Examples
    --------
    >>> 98 in MissingRange(97, 99), 90 in MissingRange(97, 99)
    (True, False)
    """

    low: float
    high: float
    missing: str = "missing"

    def __post_init__(self) -> None:
        for end in ("low", "high"):
            object.__setattr__(self, end, float(getattr(self, end)))
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise DataError(
                f"A range of missing codes from {self.low:g} to {self.high:g} holds nothing.",
                remedy="Give the lower end first.",
                ar="مدى القيم المفقودة لا يضم شيئاً؛ اكتب الحد الأدنى أولاً.",
            )
        known_kind(self.missing)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, int | float) and self.low <= code <= self.high


def known_kind(kind: str) -> str:
    """The kind of missing value itself; DataError where it is none."""
    if kind not in KINDS:
        raise DataError(f"{kind!r} is not a kind of missing value.", remedy=f"Use one of {', '.join(KINDS)}.")
    return kind


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
        In the order they are displayed in.
    universe : str or None
        The expression that says to whom the question applies.
    source : tuple of str
        The columns or variables it was made from.
    missing_ranges : tuple of MissingRange
        Ranges of codes that are no answer, beside the categories that are none.
    personal : bool
        Whether it identifies a person, a household or a device: listed, never shown.
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
    missing_ranges: tuple[MissingRange, ...] = ()
    personal: bool = False

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
        for field in ("categories", "source", "missing_ranges"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
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

    def kind_of(self, code: float | str) -> str | None:
        """The kind of missing value a code stands for, by its category or else by a range; None for an answer."""
        for category in self.categories:
            if isinstance(category.code, str) == isinstance(code, str) and category.code == code:
                return category.missing
        return next((span.missing for span in self.missing_ranges if code in span), None)


@dataclass(frozen=True, slots=True)
class ResponseSet:
    """A question with several answers, kept in several variables.

    Attributes
    ----------
    name : str
    label : Text
    variables : tuple of str
        Two or more, in the order they are displayed in.
    counted : float, str or None
        With one variable per option: the code that says the option was chosen. None where the
        variables hold the first, second, … answer as codes.
    """

    name: str
    label: Mapping[str, str]
    variables: tuple[str, ...]
    counted: float | str | None = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", Text.of(self.label))
        object.__setattr__(self, "variables", tuple(self.variables))
        if self.counted is not None and not isinstance(self.counted, str):
            object.__setattr__(self, "counted", float(self.counted))
        if len(set(self.variables)) < 2 or len(set(self.variables)) < len(self.variables):
            raise DataError(
                f"The set {self.name!r} lists {', '.join(self.variables) or 'no variable'}; "
                "two or more different variables were expected.",
                remedy="List each variable of the question once.",
                ar=f"يلزم أن تضم مجموعة الإجابات المتعددة «{self.name}» متغيرين مختلفين أو أكثر.",
            )
