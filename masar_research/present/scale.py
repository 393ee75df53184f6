"""Round numbers for axes and classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def step_for(length: float, most: int) -> float:
    """The smallest round step that gives at most `most` steps over `length`."""
    if length <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(length / most))
    for factor in _STEPS:
        if length / (factor * power) <= most + 1e-9:
            return factor * power
    return 10.0 * power


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round ticks that cover ``low … high``.

    Examples
    --------
    >>> ticks(0, 0.63)
    (0.0, 0.2, 0.4, 0.6, 0.8)
    >>> ticks(-0.07, 0.12, 4)
    (-0.1, -0.05, 0.0, 0.05, 0.1, 0.15)
    """
    step = step_for(high - low, most)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return tuple(round(i * step, 12) + 0.0 for i in range(first, max(last, first + 1) + 1))


def classes(values: Sequence[float], most: int = 5, least: float = 0.05) -> tuple[float, ...]:
    """Limits of at most `most` equal classes with round limits that hold all values.

    `least` is the narrowest a class may be, so that a map does not colour small differences.

    Examples
    --------
    >>> classes([0.11, 0.17, 0.24], 4)
    (0.1, 0.15, 0.2, 0.25)
    >>> classes([0.139, 0.148, 0.171], 4)
    (0.1, 0.15, 0.2)
    """
    low, high = min(values), max(values)
    step = max(step_for(high - low, most), least)
    while True:
        first = math.floor(low / step + 1e-9)
        last = max(math.ceil(high / step - 1e-9), first + 1)
        if last - first <= most:
            return tuple(round(i * step, 12) + 0.0 for i in range(first, last + 1))
        step = step_for(step * 1.001, 1)


def class_of(value: float, limits: Sequence[float]) -> int:
    """Index of the class ``limits[i] ≤ value < limits[i + 1]``; the last class is closed."""
    for index in range(len(limits) - 2):
        if value < limits[index + 1] - 1e-12:
            return index
    return len(limits) - 2
