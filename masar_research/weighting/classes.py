"""Weighting classes: cells of some variables, thin cells merged with their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.engine.marginals import counted, cross_classify
from masar_research.errors import WeightingError

if TYPE_CHECKING:
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Weighting classes of the rows.

    Attributes
    ----------
    codes : (n,) int array
        Class of each row, −1 outside.
    labels : tuple of str
        What each class holds.
    merged : tuple of str
        The merges that were made, in words.
    """

    codes: np.ndarray
    labels: tuple[str, ...]
    merged: tuple[str, ...]


def classes(
    survey: Survey,
    cells: Sequence[str],
    inside: np.ndarray,
    responded: np.ndarray,
    min_cell: int,
    waves: tuple[np.ndarray, tuple[Any, ...], str] | None,
    interviews: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    max_factor: float | None = None,
    within: Sequence[str] = (),
) -> Classes:
    """Cross the cell variables; merge classes with few respondents or a large factor.

    The class with fewest respondents (then the one with the largest factor) is merged with the
    neighbour, in the order of the levels, that shares most leading variables (the smaller of two
    equals), until every class meets the rules; never across waves or across cells of ``within``.

    Parameters
    ----------
    survey : Survey
    cells : sequence of str
        Variables, most important first.
    inside : (n,) bool array
        Rows to be classified.
    responded : (n,) bool array
    min_cell : int
        Fewest respondents a class may have; 0 merges nothing.
    waves : (codes, values, name) or None
    interviews : (n,) int array, optional
        Interviews that each row stands for; one by default.
    weights : (n,) float array, optional
        For ``max_factor``.
    max_factor : float, optional
        Largest Σw over all rows / Σw over respondents that a class may have.
    within : sequence of str
        Variables across whose cells nothing is merged.
    """
    if max_factor is not None and not max_factor > 1:
        raise WeightingError(f"max_factor={max_factor!r} leaves no room for any non-response.",
                             remedy="Give a number above 1, for instance 3.")
    if waves is not None and waves[2] in cells and waves[2] not in within:
        within = (waves[2], *within)
    cells = (*within, *(name for name in cells if name not in within))
    coded = [survey.coded(name) for name in cells]
    for name, c in zip(cells, coded, strict=True):
        lost = counted((c.codes < 0) & inside, interviews)
        if lost:
            raise WeightingError(
                f"{name}: {lost} rows to be weighted have no value, so they belong to no "
                "weighting class.",
                remedy="Form the classes from variables known for respondents and "
                "non-respondents alike (from the sampling frame), or impute them.",
                ar=f"قيم مفقودة في متغير فئات الترجيح: {name}.",
            )
    columns = [c.codes for c in coded]
    sizes = [len(c.levels) for c in coded]
    if waves is not None and waves[2] not in cells:
        columns, sizes = [waves[0], *columns], [len(waves[1]), *sizes]
    kept, cell_codes, _ = cross_classify(inside.astype(float), columns, sizes)
    n_cells = cell_codes.shape[1]
    answering = inside & responded
    each = None if interviews is None else interviews[answering]
    answers = np.bincount(kept[answering], each, minlength=n_cells)
    names = tuple(_name(survey, cells, coded, cell_codes[-len(cells):, k]) for k in range(n_cells))
    apart = len(within) + (waves is not None and waves[2] not in cells)
    factor = None
    if max_factor is not None:
        sums = [np.bincount(kept[rows], weights[rows], n_cells) for rows in (inside, answering)]
        factor = (sums[0], sums[1], max_factor)
    group, merged = _merge(cell_codes, answers, min_cell, apart, names, factor)
    place = np.where(kept >= 0, group[kept], -1)
    labels = tuple(
        " + ".join(names[k] for k in np.flatnonzero(group == g)) for g in range(group.max() + 1)
    )
    return Classes(place, labels, merged)


def _merge(cell_codes, answers, min_cell, apart, names, factor) -> tuple[np.ndarray, tuple[str, ...]]:
    order = np.lexsort(cell_codes[::-1])
    members = [[int(k)] for k in order]
    counts = [int(answers[k]) for k in order]
    merged = []

    def raised(i: int) -> float:
        """Factor of a group, 0 where no rule asks for it."""
        if factor is None:
            return 0.0
        whole, part, _ = factor
        below = part[members[i]].sum()
        return float(whole[members[i]].sum() / below) if below > 0 else np.inf

    def why(i: int) -> str | None:
        if counts[i] < min_cell:
            return f"{counts[i]} respondents"
        return f"factor {raised(i):.2f}" if factor is not None and raised(i) > factor[2] else None

    while (min_cell > 0 or factor is not None) and len(members) > 1:
        open_ = [i for i in range(len(members)) if why(i) is not None
                 and _partner(cell_codes, members, counts, i, apart) is not None]
        if not open_:
            break
        thin = min(open_, key=lambda i: (counts[i] >= min_cell, counts[i] if counts[i] < min_cell else -raised(i)))
        partner = _partner(cell_codes, members, counts, thin, apart)
        merged.append(f"{names[members[thin][0]]} ({why(thin)}) merged with {names[members[partner][0]]}")
        first, second = sorted((thin, partner))
        members[first] = members[first] + members.pop(second)
        counts[first] = counts[first] + counts.pop(second)
    short = [i for i in range(len(members)) if why(i) is not None]
    if short:
        raise WeightingError(
            f"{len(short)} weighting classes stay below {min_cell} respondents"
            + (f" or above the factor {factor[2]:g}" if factor is not None else "")
            + f" and have no neighbour left: {', '.join(names[members[i][0]] for i in short[:5])}.",
            remedy="Lower min_cell, raise max_factor, or use fewer variables in cells and within.",
        )
    group = np.empty(len(names), dtype=np.int64)
    for g, cells_of in enumerate(members):
        group[cells_of] = g
    return group, tuple(merged)


def _partner(cell_codes, members, counts, i, apart) -> int | None:
    best, best_key = None, None
    for j in (i - 1, i + 1):
        if not 0 <= j < len(members):
            continue
        near = members[j][-1] if j < i else members[j][0]
        mine = members[i][0] if j < i else members[i][-1]
        same = cell_codes[:, near] == cell_codes[:, mine]
        shared = int(np.argmin(np.append(same, False)))
        if shared < apart:
            continue
        key = (-shared, counts[j])
        if best_key is None or key < best_key:
            best, best_key = j, key
    return best


def _name(survey, cells, coded, codes) -> str:
    parts = []
    for name, c, code in zip(cells, coded, codes, strict=True):
        level = c.levels[code]
        label = None
        if name in survey.codebook:
            label = next((next(iter(k.label.values()), None)
                          for k in survey.codebook[name].categories if k.code == level), None)
        parts.append(f"{name} {label or level}")
    return ", ".join(parts)
