"""Margins of a calibration: what they are, how they are checked, how they cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from masar_research.engine.auxiliary import cell_sums
from masar_research.errors import WeightingError

_DENSE_CELLS = 4_000_000


class Margin(NamedTuple):
    """One margin: a code per row and a target per code.

    Parameters
    ----------
    codes : (n,) int array
        0 … k−1; −1 where the variable is missing.
    targets : (k,) float array
        Population total of each code, all positive.
    name : str
        Used in messages.
    labels : tuple of str
        Name of each code, used in messages.
    rows : (n,) int array or None
        Interviews that each row stands for, for counts in messages; None: itself.
    """

    codes: np.ndarray
    targets: np.ndarray
    name: str = "margin"
    labels: tuple[str, ...] = ()
    rows: np.ndarray | None = None

    def label(self, code: int) -> str:
        """Name of a code as messages show it."""
        return self.labels[code] if self.labels else str(code)


def cross_classify(
    weights: np.ndarray, codes: Sequence[np.ndarray], sizes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Occupied cells of the cross-classification of several codes.

    Parameters
    ----------
    weights : (n,) float array
        Rows without weight lie outside (cell −1).
    codes : sequence of (n,) int arrays
    sizes : sequence of int
        Number of codes of each.

    Returns
    -------
    cells : (n,) int array
        Cell of each row, −1 outside.
    cell_codes : (len(codes), n_cells) int array
        Codes of each occupied cell.
    table : (n_cells,) float array
        Sum of weights of each cell.
    """
    cell = np.array(codes[0], dtype=np.int64 if np.prod(sizes, dtype=float) > 2e9 else np.int32)
    room = sizes[0]
    seen = [np.arange(sizes[0])]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        if room * size > _DENSE_CELLS:
            kept, cell = np.unique(cell, return_inverse=True)
            seen = [s[kept] for s in seen]
            room = kept.size
        cell = cell * size + code
        seen = [np.repeat(s, size) for s in seen] + [np.tile(np.arange(size), room)]
        room *= size
    cell = outside_weightless(cell, weights)
    table = cell_sums(cell, weights, room)
    occupied = table > 0
    if not occupied.all():
        renumber = np.cumsum(occupied, dtype=cell.dtype) - 1
        cell = np.where(cell >= 0, renumber[cell], -1) if (cell < 0).any() else renumber[cell]
    return cell, np.array([s[occupied] for s in seen]), table[occupied]


def crossed(weights, margins) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cross-classification of checked margins; a category without data is refused."""
    cells, codes_of, table = cross_classify(weights, [m.codes for m in margins], [m.targets.size for m in margins])
    for margin, codes in zip(margins, codes_of, strict=True):
        present = np.zeros(margin.targets.size, bool)
        present[codes] = True
        refuse_empty(margin, present)
    return cells, codes_of, table


def indicators(cell_codes: np.ndarray, margins: Sequence[Margin]) -> np.ndarray:
    """(n_cells, Σk) 0/1 table: margin categories of each cell."""
    return np.hstack(
        [codes[:, None] == np.arange(m.targets.size)[None, :]
         for codes, m in zip(cell_codes, margins, strict=True)]
    ).astype(float)


def outside_weightless(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if weights.size and weights.min() > 0:
        return codes
    return np.where(weights > 0, codes, -1).astype(codes.dtype)


def checked_weights(weights: np.ndarray) -> np.ndarray:
    weights = np.asarray(weights, dtype=float)
    if not np.isfinite(weights).all() or (weights < 0).any() or not (weights > 0).any():
        raise WeightingError(
            f"{int((~np.isfinite(weights)).sum())} weights are missing or infinite and "
            f"{int((weights < 0).sum())} are negative, or none is positive.",
            remedy="Correct the weights before adjusting them.",
        )
    return weights


def checked_margins(weights, margins, *, agree: bool = True) -> list[Margin]:
    """Margins with their targets as floats; with ``agree`` they must sum to one total."""
    checked = []
    for position, given in enumerate(margins):
        margin = Margin(*given)
        if margin.name == "margin":
            margin = margin._replace(name=f"margin {position + 1}")
        codes = np.asarray(margin.codes)
        margin = margin._replace(codes=codes, targets=np.asarray(margin.targets, dtype=float))
        if codes.shape != weights.shape or codes.dtype.kind not in "iu":
            raise WeightingError(
                f"{margin.name}: codes of type {codes.dtype} and shape {codes.shape} for "
                f"{weights.size} weights.",
                remedy="Give one integer code per row, −1 where missing.",
            )
        refuse_missing(weights, margin)
        _check_targets(margin)
        checked.append(margin)
    if agree:
        check_agreement(checked)
    return checked


def check_agreement(margins: Sequence[Margin]) -> None:
    """Refuse margins that do not sum to one total."""
    sums = np.array([m.targets.sum() for m in margins])
    if sums.size and np.ptp(sums) > 1e-6 * sums.max():
        raise WeightingError(
            "The totals of the margins disagree: "
            + ", ".join(f"{m.name} {s:,.6g}" for m, s in zip(margins, sums, strict=True)) + ".",
            remedy="Scale all margins to the same population, or give shares with total=.",
            ar="مجاميع التوزيعات الهامشية غير متساوية: "
            + "، ".join(f"\u2066{m.name} {s:,.6g}\u2069" for m, s in zip(margins, sums, strict=True))
            + ". اجعلها لسكان واحد، أو أعطِ حصصًا مع total=.",
        )


def counted(where: np.ndarray, rows: np.ndarray | None) -> int:
    """Interviews behind the rows marked, ``rows`` (n,) for each; None: one each."""
    return int(where.sum() if rows is None else rows[where].sum())


def refuse_missing(weights, margin: Margin) -> None:
    if margin.codes.size and margin.codes.min() >= 0:
        return
    lost = counted((margin.codes < 0) & (weights > 0), margin.rows)
    if lost:
        raise WeightingError(
            f"{margin.name}: {lost} rows with a weight have no value.",
            remedy="Impute the variable or code a category for the missing, with its target.",
            ar=f"قيم مفقودة في متغير الترجيح \u2066{margin.name}\u2069 (\u2066{lost}\u2069)؛ عوّضها أو رمّز لها فئة لها هدف.",
        )


def _check_targets(margin: Margin) -> None:
    k = margin.targets.size
    bad = np.flatnonzero(~(margin.targets > 0) | ~np.isfinite(margin.targets))
    if bad.size:
        raise WeightingError(
            f"{margin.name}: targets must be positive; not so for {listed(margin, bad)}.",
            remedy="Leave categories without population out of data and targets, or correct them.",
            ar=f"يجب أن تكون أهداف {margin.name} أكبر من صفر؛ صحّحها أو احذف الفئات التي لا سكان لها.",
        )
    if margin.codes.size and margin.codes.max() >= k:
        extra = np.unique(margin.codes[margin.codes >= k])
        raise WeightingError(
            f"{margin.name}: in the data but without target: {extra.tolist()}.",
            remedy="Add their targets or recode them.",
            ar=f"فئات في البيانات بلا هدف في \u2066{margin.name}\u2069؛ أضف أهدافها أو أعد ترميزها.",
        )


def refuse_empty(margin: Margin, present: np.ndarray) -> None:
    if not present.all():
        empty = np.flatnonzero(~present)
        raise WeightingError(
            f"{margin.name}: with a target but without data: {listed(margin, empty)}.",
            remedy="Merge these categories with neighbours in both data and targets.",
            ar=f"فئات لها أهداف ولا بيانات لها في \u2066{margin.name}\u2069 (\u2066{listed(margin, empty)}\u2069)؛ ادمجها بفئات "
            "مجاورة في البيانات والأهداف معًا.",
        )


def listed(margin: Margin, codes: np.ndarray, limit: int = 8) -> str:
    shown = ", ".join(margin.label(int(c)) for c in codes[:limit])
    return shown + (f" and {codes.size - limit} more" if codes.size > limit else "")
