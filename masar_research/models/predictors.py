"""Predictors of models that are not generalised linear: which columns, which rows, what was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.errors import ModelError
from masar_research.models.formula import Parsed, build, level_place
from masar_research.models.matrix import Matrix

if TYPE_CHECKING:
    from masar_research.codebook import Codebook
    from masar_research.engine.design import Design
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False)
class Predictors:
    """Columns of a design matrix, with or without its constant.

    Attributes
    ----------
    matrix : Matrix
        As the formula gives it.
    kept : (p,) int array
        Its columns that enter the model.
    missing : mapping
        Variable → rows lost because it is missing, outcomes included.
    """

    matrix: Matrix
    kept: np.ndarray
    missing: Mapping[str, int]

    @property
    def X(self) -> np.ndarray:
        """(n, p) matrix, zero on rows that are not used."""
        return self.matrix.X[:, self.kept]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the p columns."""
        return tuple(self.matrix.names[j] for j in self.kept)

    @property
    def used(self) -> np.ndarray:
        """(n,) bool: rows in the (sub)population with a weight and no missing value."""
        return self.matrix.used

    @property
    def data(self) -> pd.DataFrame:
        """Predictors of the used rows."""
        return self.matrix.data

    @property
    def references(self) -> Mapping[str, Any]:
        """Categorical variable → reference code."""
        return self.matrix.references

    @property
    def absent(self) -> Mapping[str, tuple[Any, ...]]:
        """Categorical variable → declared codes without a fitted row."""
        return self.matrix.absent

    @property
    def lost(self) -> int:
        """Rows of the (sub)population that miss a variable of the model."""
        return self.matrix.lost

    def world(self, changes: Mapping[str, Any]) -> np.ndarray:
        """(n, p) matrix with some variables set for everybody used."""
        return self.matrix.world(changes)[:, self.kept]


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A categorical outcome.

    Attributes
    ----------
    name : str
    codes : (n,) int array
        Place among `levels`, −1 where missing.
    levels : tuple
        Codes with a fitted row, in order.
    absent : tuple
        Declared codes without one.
    """

    name: str
    codes: np.ndarray
    levels: tuple[Any, ...]
    absent: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Answered:
    """A survey whose outcome is given as numbers."""

    survey: Survey
    name: str
    outcome: np.ndarray

    @property
    def design(self) -> Design:
        return self.survey.design

    @property
    def mask(self) -> np.ndarray | None:
        return self.survey.mask

    @property
    def codebook(self) -> Codebook:
        return self.survey.codebook

    @property
    def frame(self) -> pd.DataFrame:
        return self.survey.frame

    def values(self, name: str) -> np.ndarray:
        return self.outcome if name == self.name else self.survey.values(name)

    def coded(self, name: str) -> Any:
        return self.survey.coded(name)


def predictors(
    survey: Survey, parsed: Parsed, reference: Mapping[str, Any] | None, *,
    outcome: np.ndarray, known: Mapping[str, np.ndarray], constant: bool,
) -> Predictors:  # fmt: skip
    """The design matrix of rows whose outcomes are known.

    Parameters
    ----------
    survey : Survey
    parsed : Parsed
    reference : mapping, optional
    outcome : (n,) float array
        NaN where any variable of the outcome is missing.
    known : mapping
        Variable of the outcome → (n,) bool.
    constant : bool
        Whether the constant stays among the columns.

    Raises
    ------
    ModelError
        No predictors where the model needs them, no rows left.
    """
    refuse_offset(parsed)
    matrix = build(_Answered(survey, parsed.outcome, outcome), parsed, reference or {})
    kept = np.array([j for j, name in enumerate(matrix.names) if constant or name != "Intercept"],
                    dtype=np.intp)
    if not constant and kept.size == len(matrix.names) and matrix.references:
        raise ModelError(
            f"{parsed.text!r} leaves out the constant, which this model needs to code its categories.",
            remedy="Write the formula without '- 1' and '+ 0'.",
            ar="لا تحذف الثابت من صيغة هذا النموذج.",
        )
    population = survey.design.weights > 0
    if survey.mask is not None:
        population = population & survey.mask
    missing = {name: rows for name, rows in matrix.missing.items() if name != parsed.outcome}
    lost = {name: int((population & ~rows).sum()) for name, rows in known.items()}
    return Predictors(matrix, kept, {**missing, **{k: v for k, v in lost.items() if v}})


def outcome_levels(
    survey: Survey, parsed: Parsed, reference: Mapping[str, Any] | None, *, constant: bool,
    order: Sequence[Any] | None = None, first: Any = None,
) -> tuple[Predictors, Levels]:  # fmt: skip
    """Predictors and a categorical outcome, whose levels without a fitted row are left out.

    Parameters
    ----------
    survey, parsed, reference, constant
        As for :func:`predictors`.
    order : sequence, optional
        Every fitted level by code or label, lowest first; the codebook's order otherwise.
    first : code or label, optional
        The level to stand first.

    Raises
    ------
    ModelError
        A level named that does not exist, is absent, or is left out of `order`.
    """
    name = parsed.outcome
    coded = survey.coded(name)
    known = coded.codes >= 0
    made = predictors(survey, parsed, reference, constant=constant, known={name: known},
                      outcome=np.where(known, coded.codes, np.nan).astype(float))
    counts = np.bincount(coded.codes[made.used], minlength=len(coded.levels))
    places = [k for k in range(len(coded.levels)) if counts[k]]
    if order is not None:
        wanted = [level_place(survey, name, one, coded.levels) for one in order]
        left = [coded.levels[k] for k in places if k not in wanted]
        if left or len(set(wanted)) < len(wanted):
            raise ModelError(
                f"order= of {name} leaves out {left} or names a level twice.",
                remedy=f"Name each of {[coded.levels[k] for k in places]} once, lowest first.",
                ar=f"ينبغي أن يذكر ترتيب {name} كل فئة مرة واحدة.",
            )
        places = [k for k in wanted if counts[k]]
    if first is not None:
        place = level_place(survey, name, first, coded.levels)
        if place not in places:
            raise ModelError(
                f"The baseline {first!r} of {name} has no fitted row.",
                remedy=f"Choose one of {[coded.levels[k] for k in places]}.",
                ar=f"لا سجلات لفئة المقارنة في {name}؛ اختر غيرها.",
            )
        places = [place, *(k for k in places if k != place)]
    lookup = np.full(len(coded.levels) + 1, -1)
    lookup[places] = np.arange(len(places))
    levels = tuple(coded.levels[k] for k in places)
    absent = tuple(level for k, level in enumerate(coded.levels) if not counts[k])
    return made, Levels(name, np.where(made.used, lookup[coded.codes], -1), levels, absent)


def refuse_offset(parsed: Parsed) -> None:
    """Refuse an offset, which these models have no place for."""
    if parsed.offset:
        raise ModelError(
            f"{parsed.text!r} has an offset, which this model does not take.",
            remedy="Leave offset(…) out; survey.poisson and survey.glm take one.",
            ar="لا يقبل هذا النموذج مقداراً ثابتاً offset؛ احذفه أو استخدم survey.poisson أو survey.glm.",
        )


def level_words(survey: Survey, name: str, code: Any, lang: str) -> str:
    """A level of a variable in words; its code where the codebook has none in that language."""
    if name in survey.codebook:
        for category in survey.codebook[name].categories:
            if category.code == code and category.label.get(lang):
                return category.label[lang]
    return code_text(code)


def code_text(code: Any) -> str:
    """A code as the name of a term shows it."""
    return f"{code:g}" if isinstance(code, float) else str(code)


@dataclass(frozen=True, slots=True, eq=False)
class Renamed:
    """How the predictors of a model were made, under other names of its terms."""

    names: tuple[str, ...]
    references: Mapping[str, Any]
    absent: Mapping[str, tuple[Any, ...]]
    missing: Mapping[str, int]
    lost: int
    data: pd.DataFrame


def renamed(made: Predictors, names: Sequence[str]) -> Renamed:
    """The same encoding with other names of terms."""
    return Renamed(tuple(names), made.references, made.absent, made.missing, made.lost, made.data)
