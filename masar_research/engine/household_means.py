"""Auxiliaries of households, for weights that are one number for all members."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.engine.auxiliary import Basis, cell_sums
from masar_research.engine.marginals import Margin
from masar_research.errors import WeightingError


def unit_means(
    weights: np.ndarray,
    margins: Sequence[Margin],
    numbers: tuple[np.ndarray, tuple[str, ...]] | None,
    units: np.ndarray,
    once: Sequence[bool],
) -> Basis:
    """One row per household: means over its members of the auxiliaries; facts of it over its size.

    Parameters
    ----------
    weights : (n,) float array
        Equal within a household.
    margins : sequence of Margin
    numbers : ((n, q) float array, names) or None
    units : (n,) int array
        −1: no household; an error on a row with weight.
    once : sequence of bool
        Per margin and number: a fact of the household, counted once for it.

    Raises
    ------
    WeightingError
        No household, weights that differ within one, or a fact that does.

    References
    ----------
    Lemaître and Dufour (1987), *Survey Methodology* 13.
    """
    inside = (weights > 0) & (units >= 0)
    lost = int(((weights > 0) & (units < 0)).sum())
    if lost:
        raise WeightingError(f"{lost} rows with a weight belong to no household.",
                             remedy="Give every person the code of the household.",
                             ar=f"{lost} من السجلات ذات الوزن بلا رمز أسرة.")
    k = int(units.max()) + 1
    size = np.bincount(units[inside], minlength=k).astype(float)
    whole = np.maximum(size, 1.0)
    level = np.bincount(units[inside], weights[inside], k) / whole
    apart = inside & (np.abs(weights - level[units]) > 1e-9 * weights)
    if apart.any():
        raise WeightingError(
            f"The weights differ within {np.unique(units[apart]).size} households, so one factor would not "
            "give one weight per household.",
            remedy="Calibrate before steps that treat members differently, or average the weights within "
            "households first.",
            ar="تختلف الأوزان داخل الأسرة الواحدة؛ وحّدها داخل الأسرة قبل المعايرة.",
        )
    matrix, names = numbers or (np.empty((units.size, 0)), ())
    count = matrix.shape[1]
    flags = tuple(once) or (False,) * (len(margins) + count)
    columns = []
    for margin, fact in zip(margins, flags, strict=False):
        pair = units.astype(np.int64) * margin.targets.size + margin.codes
        sums = cell_sums(np.where(inside, pair, -1), np.ones(weights.size), k * margin.targets.size)
        part = sums.reshape(k, margin.targets.size) / whole[:, None]
        columns.append(_fact(part, whole, margin.name) if fact else part)
    for j in range(count):
        column = np.where(inside, matrix[:, j], 0.0)
        mean = np.bincount(units[inside], column[inside], k) / whole
        if flags[len(margins) + j]:
            if (np.abs(column - mean[units]) > 1e-9 * np.abs(column))[inside].any():
                raise _differs(names[j])
            mean = mean / whole
        columns.append(mean[:, None])
    return Basis(np.where(inside, units, -1), np.hstack(columns), k)


def _fact(part: np.ndarray, whole: np.ndarray, name: str) -> np.ndarray:
    if ((part > 1e-9) & (part < 1 - 1e-9)).any():
        raise _differs(name)
    return part / whole[:, None]


def _differs(name: str) -> WeightingError:
    return WeightingError(
        f"{name} differs among members of a household, so it is no fact of the household.",
        remedy="Give its target among those of persons, or correct the variable.",
        ar=f"المتغيّر {name} يختلف بين أفراد الأسرة الواحدة؛ اجعله من أهداف الأفراد أو صحّحه.",
    )
