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


def classes(values: Sequence[float], most: int = 5) -> tuple[float, ...]:
    """Limits of at most `most` equal classes with round limits that hold all values.

    Examples
    --------
    >>> classes([0.11, 0.17, 0.24], 4)
    (0.1, 0.15, 0.2, 0.25)
    """
    low, high = min(values), max(values)
    span = max(high - low, 0.02)
    for wanted in range(most, 0, -1):
        limits = ticks(low, low + span, wanted)
        while len(limits) > 2 and limits[-2] > high:
            limits = limits[:-1]
        if limits[-1] <= high:
            limits = (*limits, round(2 * limits[-1] - limits[-2], 12))
        if len(limits) - 1 <= most:
            return limits
    return limits


def class_of(value: float, limits: Sequence[float]) -> int:
    """Index of the class ``limits[i] ≤ value < limits[i + 1]``; the last class is closed."""
    for index in range(len(limits) - 2):
        if value < limits[index + 1] - 1e-12:
            return index
    return len(limits) - 2
