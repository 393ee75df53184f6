"""Weighted and unweighted frequencies of every variable of a survey, with small counts withheld."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Variable
from masar_research.loading.personal import find
from masar_research.release import LEAST_CASES

if TYPE_CHECKING:
    from masar_research.survey import Survey

Shown = Literal["categories", "numbers", "count", "design", "personal"]
QUARTILES_FROM = 20
MOST_CODES = 400


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of a frequency table.

    Attributes
    ----------
    category : Category
    n : int or None
        Interviews; None where withheld.
    share : float or None
        Weighted share of the answers, 0 to 1; None where withheld, and for what is no answer.
    """

    category: Category
    n: int | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What is shown of a variable's values.

    Attributes
    ----------
    variable : Variable
    shown : {"categories", "numbers", "count", "design", "personal"}
        ``"count"``: text and dates, counted without their values; ``"design"``: strata and units.
    valid, absent : int
        Interviews with and without an answer.
    cells : tuple of Cell
        Categories, then kinds of missing.
    stats : tuple of (name, float)
        Weighted ``mean``, ``sd``, ``p25``, ``p50``, ``p75``; quartiles from twenty answers on.
    is_weight : bool
    """

    variable: Variable
    shown: Shown
    valid: int
    absent: int
    cells: tuple[Cell, ...] = ()
    stats: tuple[tuple[str, float], ...] = ()
    is_weight: bool = False


def all_counts(survey: Survey) -> Iterator[Counts]:
    """Counts of every variable, in the codebook's order; columns without an entry come last.

    Notes
    -----
    The weighted share of a category is ``Σ w 1[y = c] / Σ w`` over the rows with an answer. A
    category with one to four interviews is withheld, and with it the next smallest ones until
    two are withheld that hold five or more together: the others would give it away. Kinds of
    missing values with fewer than five interviews are withheld alike. The base is everybody in
    the file, or in the subpopulation.
    """
    frame, book = survey.frame, survey.codebook
    rows = slice(None) if survey.mask is None else survey.mask
    weights = np.asarray(survey.design.weights, float)[rows]
    roles = {role: (names,) if isinstance(names, str) else tuple(names or ()) for role, names in survey.roles.items()}
    design = {*roles["strata"], *roles["psu"]}
    identifying = {found.column for found in find(frame, book) if found.kind != "open_text"}
    extra = [Variable(str(name), {}) for name in frame.columns if name not in book]
    for variable in (*book.values(), *extra):
        if variable.name not in frame.columns:
            continue
        column = frame[variable.name].loc[rows] if survey.mask is not None else frame[variable.name]
        is_weight = variable.name in roles["weights"]
        if variable.personal or (variable.name in identifying and not is_weight):
            yield Counts(variable, "personal", int(column.notna().sum()), int(column.isna().sum()))
        else:
            yield _counts(variable, column, weights, variable.name in design, is_weight)


def _counts(variable: Variable, column: pd.Series, weights: np.ndarray, design: bool, is_weight: bool) -> Counts:
    codes, observed = pd.factorize(column)
    values = [value if isinstance(value, str) else value for value in observed]
    known = {category.code: category for category in variable.categories}
    gone = np.array([_kind(variable, value) is not None for value in values] + [True])
    missing = gone[codes]
    valid, absent = int((~missing).sum()), int(missing.sum())
    numeric = column.dtype.kind in "fiub"
    if design:
        return Counts(variable, "design", valid, absent, stats=(("distinct", float(len(set(codes[~missing])))),))
    labelled = variable.level in ("nominal", "ordinal") and len(values) <= MOST_CODES
    if not labelled and (not numeric or _identifies_rows(variable, values, valid)):
        return Counts(variable, "count", valid, absent, _missing_cells(variable, column, known, values, codes))
    if labelled:
        cells = _valid_cells(variable, known, values, codes, weights, missing)
        return Counts(variable, "categories", valid, absent, cells + _missing_cells(variable, column, known, values, codes))
    # a weight describes the file, so it is not weighted by itself
    stats = _stats(column.to_numpy(float)[~missing], np.ones(valid) if is_weight else weights[~missing])
    cells = _missing_cells(variable, column, known, values, codes)
    return Counts(variable, "numbers", valid, absent, cells, stats, is_weight)


def _identifies_rows(variable: Variable, values: list, valid: int) -> bool:
    """Whether a number is another one in every row: a questionnaire's, of which no mean is taken."""
    whole = valid >= QUARTILES_FROM and len(values) == valid and not variable.categories
    return whole and all(float(value).is_integer() for value in values)


def _kind(variable: Variable, value: float | str) -> str | None:
    return variable.kind_of(value if isinstance(value, str) else _number(value))


def _number(value: object) -> float | object:
    return float(value) if isinstance(value, int | float | np.number) else value


def _valid_cells(variable, known, values, codes, weights, missing) -> tuple[Cell, ...]:
    n = np.bincount(codes[codes >= 0], minlength=len(values))
    w = np.bincount(codes[codes >= 0], weights[codes >= 0], minlength=len(values))
    whole = float(weights[~missing].sum())
    place = {_number(value): at for at, value in enumerate(values)}
    rows: list[tuple[Category, int, float]] = []
    for category in variable.valid:
        at = place.get(category.code)
        rows.append((category, 0, 0.0) if at is None else (category, int(n[at]), float(w[at])))
    for at, value in sorted(enumerate(values), key=lambda pair: str(pair[1])):
        if _number(value) not in known and _kind(variable, value) is None:
            code = value if isinstance(value, str) else _number(value)
            rows.append((Category(code if isinstance(code, float | str) else str(code), {}), int(n[at]), float(w[at])))
    hidden = withheld([count for _, count, _ in rows])
    return tuple(
        Cell(category, None if hide else count, None if hide or whole <= 0 else share / whole)
        for (category, count, share), hide in zip(rows, hidden, strict=True)
    )


def withheld(counts: list[int]) -> list[bool]:
    """Which counts of parts of a known whole are withheld.

    Examples
    --------
    >>> withheld([3, 40, 60]), withheld([3, 2, 60]), withheld([0, 40, 60])
    ([True, True, False], [True, True, False], [False, False, False])
    """
    hidden = [0 < count < LEAST_CASES for count in counts]
    if any(hidden):
        rest = sorted((count, place) for place, count in enumerate(counts) if count >= LEAST_CASES)
        for _, place in rest:
            if sum(hidden) > 1 and sum(c for c, hide in zip(counts, hidden, strict=True) if hide) >= LEAST_CASES:
                break
            hidden[place] = True
    return hidden


def _missing_cells(variable, column, known, values, codes) -> tuple[Cell, ...]:
    counts: dict[float | str, tuple[Category, int]] = {c.code: (c, 0) for c in variable.categories if c.missing}
    sizes = np.bincount(codes[codes >= 0], minlength=len(values)) if len(values) else np.zeros(0, int)
    for at, value in enumerate(values):
        kind, code = _kind(variable, value), _number(value)
        if kind is not None:
            counts[code] = (known.get(code, Category(code, {}, kind)), int(sizes[at]))
    blank = int((codes < 0).sum())
    cells = [Cell(c, None if 0 < n < LEAST_CASES else n, None) for c, n in counts.values()]
    if blank:
        cells.append(Cell(Category("", {"en": "(blank)", "ar": "(فارغ)"}, "missing"), None if blank < LEAST_CASES else blank, None))
    return tuple(cells)


def _stats(values: np.ndarray, weights: np.ndarray) -> tuple[tuple[str, float], ...]:
    if len(values) < LEAST_CASES or weights.sum() <= 0:
        return ()
    mean = float(np.average(values, weights=weights))
    sd = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    out = [("mean", mean), ("sd", sd)]
    if len(values) >= QUARTILES_FROM:
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order]) / weights.sum()
        for name, share in (("p25", 0.25), ("p50", 0.5), ("p75", 0.75)):
            out.append((name, float(values[order][min(np.searchsorted(reached, share - 1e-12), len(values) - 1)])))
    return tuple(out)
