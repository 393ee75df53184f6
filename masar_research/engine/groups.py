"""Partitions of the rows of a matrix, and sums within them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.encode import Codes, combine


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """A partition of the rows of a matrix, for sums within groups.

    Parameters
    ----------
    codes : ndarray (n,)
        Group of each row, dense.
    start : ndarray (n_groups,)
        First position of each group once the rows are ordered by group.
    order : ndarray (n,) or None
        Rows ordered by group; None if they already are.
    """

    codes: Codes
    start: Codes
    order: Codes | None

    @classmethod
    def of(cls, codes: Codes) -> Groups:
        """The partition given by dense codes."""
        ordered = bool(np.all(codes[1:] >= codes[:-1]))
        order = None if ordered else np.argsort(codes, kind="stable")
        placed = codes if order is None else codes[order]
        start = np.flatnonzero(np.concatenate([[True], placed[1:] != placed[:-1]]))
        return cls(codes, start, order)

    @property
    def trivial(self) -> bool:
        """Whether every row is a group of its own, in order."""
        return self.order is None and len(self.start) == len(self.codes)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n, m) → (n_groups, m): sums within groups; for booleans, whether any is true."""
        if self.trivial:
            return values
        placed = values if self.order is None else values[self.order]
        operation = np.logical_or if values.dtype == bool else np.add
        return operation.reduceat(placed, self.start, axis=0)


def first_value(values: NDArray[Any], codes: Codes, n_codes: int) -> NDArray[Any]:
    """The value of one row (the first) for each code."""
    out = np.zeros(n_codes, dtype=values.dtype)
    out[codes[::-1]] = values[::-1]
    return out


def dense(codes: NDArray[Any]) -> Codes:
    """Codes 0, 1, … in the order of the values."""
    return combine(codes.astype(np.intp))[0]
