"""Sums of weight × value and weight × value² of many columns in one walk over the rows.

The rows are cut into two halves and these into blocks; where the cuts lie depends on the number
of rows and cells alone, and every column is summed by itself within a block. So the sums have the
same bits whether one thread or two walk the halves, and whether a column comes alone or in company.

NumPy's ``bincount`` keeps the other thread waiting; the product of a sparse matrix of ones does
not. Both add the same numbers in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]
Found = TypeVar("Found")
Scatter = Callable[[Floats], Floats]
"""Numbers of the rows of a block (rows,) → their sums by cell (size,)."""

# Rows per block: what is made of a column stays in the processor's cache, and the two threads
# seldom meet between two calls.
_BLOCK = 262_144
# Rows that one thread sums by itself.
_ALONE = 65_536
# Rows per run of equal codes from which runs are summed before they are scattered.
_RUN = 16

_NONE = np.empty(0, np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """What a column with missing values (NaN) leaves out.

    Parameters
    ----------
    observed : ndarray (n_units, n_cells)
        Σ weight of the rows with a value.
    n : ndarray of int (n_cells,)
        Rows of positive weight without one.
    weight : ndarray (n_cells,)
        Their weight.
    """

    observed: Floats
    n: NDArray[np.intp]
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums of k columns.

    Parameters
    ----------
    sums : ndarray (k, n_units, n_cells)
        Σ weight × value over the rows with a value.
    squares : ndarray (k, n_cells)
        Σ weight × value², about zero.
    missing : tuple of (Missing or None)
        None where every row has a value.
    """

    sums: Floats
    squares: Floats
    missing: tuple[Missing | None, ...]


def sums(
    unit: Codes, n_units: int, cell: Codes | None, n_cells: int, weights: Floats,
    columns: Sequence[Floats | None],
) -> Floats:  # fmt: skip
    """Sums of weight × value by unit and cell, (k, n_units, n_cells).

    Parameters
    ----------
    unit : ndarray of int (n,)
        Unit 0 … n_units − 1 of each row.
    n_units : int
    cell : ndarray of int (n,) or None
        Cell 0 … n_cells − 1 of each row; None with one cell.
    n_cells : int
    weights : ndarray (n,)
    columns : sequence of (ndarray (n,) or None)
        Finite values; None stands for 1.

    Examples
    --------
    >>> sums(np.array([0, 1, 1]), 2, None, 1, np.ones(3), [np.array([1.0, 2.0, 3.0])]).ravel().tolist()
    [1.0, 5.0]
    """
    layout = _Layout(unit, n_units, cell, n_cells)
    if not columns:
        return np.zeros((0, n_units, n_cells))

    def walk(begin: int, end: int) -> Floats:
        out = np.zeros((len(columns), layout.size))
        for block in layout.blocks(begin, end):
            weight = weights[block.rows]
            for total, y in zip(out, columns, strict=True):
                total += block.scatter(weight if y is None else weight * y[block.rows])
        return out

    return np.add.reduce(layout.halves(walk)).reshape(len(columns), n_units, n_cells)


def moments(
    unit: Codes, n_units: int, cell: Codes | None, n_cells: int, weights: Floats,
    columns: Sequence[Floats | None],
) -> Moments:  # fmt: skip
    """Sums of weight × value by unit and cell, and of weight × value² by cell.

    Parameters
    ----------
    unit, n_units, cell, n_cells, weights
        As in :func:`sums`.
    columns : sequence of (ndarray (n,) or None)
        NaN is missing and adds nothing; None stands for 1. The sums of a column with infinite
        values are not finite.

    Returns
    -------
    Moments

    Examples
    --------
    >>> column = np.array([1.0, np.nan, 3.0])
    >>> found = moments(np.array([0, 1, 1]), 2, None, 1, np.ones(3), [column])
    >>> found.sums.ravel().tolist(), found.squares.tolist()
    ([1.0, 3.0], [[10.0]])
    >>> found.missing[0].observed.ravel().tolist(), found.missing[0].n.tolist()
    ([1.0, 1.0], [1])
    """
    layout, k = _Layout(unit, n_units, cell, n_cells), len(columns)

    def walk(begin: int, end: int) -> _Half:
        half = _Half(layout, weights, k, min(layout.step, end - begin))
        for block in layout.blocks(begin, end):
            for at, y in enumerate(columns):
                half.add(block, at, y)
        return half

    halves = layout.halves(walk)
    gaps = np.any([half.gaps for half in halves], axis=0)
    for half in halves:
        half.settle(gaps)
    whole, shape = halves[0], (k, n_units, n_cells)
    for half in halves[1:]:
        for total, part in zip(whole.parts, half.parts, strict=True):
            total += part
    observed = whole.observed.reshape(shape)
    missing = (
        Missing(observed[at], whole.n_lost[at].astype(np.intp), whole.lost[at]) if gap else None
        for at, gap in enumerate(gaps)
    )
    return Moments(whole.sums.reshape(shape), whole.squares, tuple(missing))


class _Half:
    """Sums of k columns over one half of the rows, and what their missing values leave out."""

    def __init__(self, layout: _Layout, weights: Floats, k: int, rows: int) -> None:
        self._layout, self._weights = layout, weights
        self.sums, self.observed = np.zeros((2, k, layout.size))
        self.squares, self.lost, self.n_lost = np.zeros((3, k, layout.n_cells))
        # Whether a value is missing, rows of weight 0 included.
        self.gaps = np.zeros(k, np.bool_)
        # Columns without a missing value in a block, whose observed weight is everybody's there.
        self._clean: list[tuple[_Block, int]] = []
        self._product, self._filled = np.empty((2, rows))

    @property
    def parts(self) -> tuple[Floats, ...]:
        """What adds up over the halves."""
        return self.sums, self.observed, self.squares, self.lost, self.n_lost

    def add(self, block: _Block, at: int, y: Floats | None) -> None:
        """Add a block of rows of column `at`."""
        weight = self._weights[block.rows]
        if y is None:
            self.sums[at] += block.scatter(weight)
            return
        values, absent = y[block.rows], _NONE
        sums, square = self._moments(block, weight, values)
        if not np.isfinite(square.sum()):
            absent = np.flatnonzero(np.isnan(values))
            sums, square = self._moments(block, weight, self._without(values, absent))
        self.sums[at] += sums
        self.squares[at] += square
        if not absent.size:
            self._clean.append((block, at))
            return
        self.gaps[at] = True
        self.observed[at] += block.scatter(self._without(weight, absent))
        own, cell, n_cells = weight[absent], self._layout.cell, self._layout.n_cells
        where = np.zeros(len(own), np.intp) if cell is None else cell[block.rows][absent]
        self.lost[at] += np.bincount(where, own, n_cells)
        self.n_lost[at] += np.bincount(where, own > 0, n_cells)

    def settle(self, gaps: NDArray[np.bool_]) -> None:
        """Count everybody of the blocks where a column that has gaps elsewhere has none."""
        last, everybody = None, np.zeros(0)
        for block, at in self._clean:
            if not gaps[at]:
                continue
            if block is not last:
                last, everybody = block, block.scatter(self._weights[block.rows])
            self.observed[at] += everybody

    def _moments(self, block: _Block, weight: Floats, values: Floats) -> tuple[Floats, Floats]:
        product = self._product[: len(weight)]
        with np.errstate(over="ignore", invalid="ignore"):
            sums = block.scatter(np.multiply(weight, values, out=product))
            return sums, block.within(np.multiply(product, values, out=product))

    def _without(self, values: Floats, absent: NDArray[np.intp]) -> Floats:
        filled = self._filled[: len(values)]
        np.copyto(filled, values)
        filled[absent] = 0.0
        return filled


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A block of rows, and how numbers of these rows are summed by unit and cell, and by cell."""

    rows: slice
    scatter: Scatter
    within: Scatter


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where each row is summed, and how the rows are walked."""

    unit: Codes
    n_units: int
    cell: Codes | None
    n_cells: int

    @property
    def size(self) -> int:
        return self.n_units * self.n_cells

    @property
    def step(self) -> int:
        """Rows per block: more than there are sums, so that these are not added more often."""
        return max(_BLOCK, self.size)

    def halves(self, walk: Callable[[int, int], Found]) -> list[Found]:
        """What `walk` finds in both halves of the rows, a thread each; in all, where they are few."""
        n = len(self.unit)
        middle = n // 2
        if middle < max(_ALONE, self.size):
            return [walk(0, n)]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as other:
            second = other.submit(walk, middle, n)
            return [walk(0, middle), second.result()]

    def blocks(self, begin: int, end: int) -> Iterator[_Block]:
        for first in range(begin, end, self.step):
            rows = slice(first, min(first + self.step, end))
            if self.cell is None:
                yield _Block(rows, _scatter(self.unit[rows], self.size), _all)
                continue
            inner = self.cell[rows].astype(np.int32)
            index = self.unit[rows].astype(np.int32)
            index *= self.n_cells
            index += inner
            yield _Block(rows, _scatter(index, self.size), _scatter(inner, self.n_cells))


def _all(values: Floats) -> Floats:
    # Not a dot product: BLAS may cut it by the number of its threads.
    return np.add.reduce(values, keepdims=True)


def _scatter(index: Codes, size: int) -> Scatter:
    """Sums of numbers by `index` (rows,), which is 0 … size − 1."""
    changes = index[1:] != index[:-1]
    if np.count_nonzero(changes) * _RUN < len(index):
        starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
        heads = index[starts]
        return lambda values: np.bincount(heads, np.add.reduceat(values, starts), size)
    if len(index) < _ALONE:
        return lambda values: np.bincount(index, values, size)
    from scipy.sparse import csc_array

    n = len(index)
    ones, ends = _each(max(_BLOCK, n))
    of = (ones[:n], index.astype(np.int32, copy=False), ends[: n + 1])
    return csc_array(of, shape=(size, n)).__matmul__


@lru_cache(maxsize=1)
def _each(n: int) -> tuple[Floats, NDArray[np.int32]]:
    """A one in each of n columns of a sparse matrix, and where the columns end."""
    return np.ones(n), np.arange(n + 1, dtype=np.int32)
