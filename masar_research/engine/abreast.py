"""Sums of weight × value and weight × value² of many columns in one walk over the rows.

The rows are cut into two halves and these into blocks; where the cuts lie depends on the number
of rows and cells alone, and every column is summed by itself within a block. So the sums have the
same bits whether one thread or two walk the halves, and whether a column comes alone or in company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]

# Rows per block: codes, weights, a column and its product stay in the processor's cache.
_BLOCK = 65_536
# Rows per run of equal codes from which runs are summed before they are scattered.
_RUN = 16


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums of k columns.

    Parameters
    ----------
    sums : ndarray (k, n_units, n_cells)
        Σ weight × value.
    squares : ndarray (k, n_cells)
        Σ weight × value², about zero.
    """

    sums: Floats
    squares: Floats


def moments(
    unit: Codes, n_units: int, cell: Codes | None, n_cells: int, weights: Floats,
    columns: Sequence[Floats],
) -> Moments:  # fmt: skip
    """Sums of weight × value by unit and cell, and of weight × value² by cell.

    Parameters
    ----------
    unit : ndarray of int (n,)
        Unit 0 … n_units − 1 of each row.
    n_units : int
    cell : ndarray of int (n,) or None
        Cell 0 … n_cells − 1 of each row; None with one cell.
    n_cells : int
    weights : ndarray (n,)
    columns : sequence of ndarray (n,)
        Finite values.

    Returns
    -------
    Moments

    Examples
    --------
    >>> found = moments(np.array([0, 1, 1]), 2, None, 1, np.ones(3), [np.array([1.0, 2.0, 3.0])])
    >>> found.sums.ravel().tolist(), found.squares.tolist()
    ([1.0, 5.0], [[14.0]])
    """
    n, size = len(weights), n_units * n_cells
    step = max(_BLOCK, size)

    def walk(begin: int, end: int) -> tuple[Floats, Floats]:
        sums, squares = np.zeros((len(columns), size)), np.zeros((len(columns), n_cells))
        with np.errstate(over="ignore", invalid="ignore"):
            for first in range(begin, end, step):
                rows = slice(first, min(first + step, end))
                own = unit[rows]
                inner = None if cell is None else cell[rows]
                index = own if inner is None else own.astype(np.intp) * n_cells + inner
                _block(index, size, inner, n_cells, weights[rows], [y[rows] for y in columns], sums, squares)
        return sums, squares

    middle = n // 2 if n >= 2 * step else 0
    if not middle:
        sums, squares = walk(0, n)
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as other:
            second = other.submit(walk, middle, n)
            sums, squares = walk(0, middle)
            for total, part in zip((sums, squares), second.result(), strict=True):
                total += part
    return Moments(sums.reshape(len(columns), n_units, n_cells), squares)


def _block(
    index: Codes, size: int, cell: Codes | None, n_cells: int, weights: Floats,
    columns: Sequence[Floats], sums: Floats, squares: Floats,
) -> None:  # fmt: skip
    """Add the sums of a block of rows to `sums` (k, size) and `squares` (k, n_cells)."""
    product = np.empty(len(weights))
    changes = index[1:] != index[:-1]
    runs = np.count_nonzero(changes) * _RUN < len(index)
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1]) if runs else np.empty(0, np.intp)
    heads = index[starts]
    for at, y in enumerate(columns):
        np.multiply(weights, y, out=product)
        if runs:
            sums[at] += np.bincount(heads, np.add.reduceat(product, starts), size)
        else:
            sums[at] += np.bincount(index, product, size)
        product *= y
        # Not a dot product: BLAS may cut it by the number of its threads.
        squares[at] += np.add.reduce(product) if cell is None else np.bincount(cell, product, n_cells)
