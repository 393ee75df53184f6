"""Values of a file in order, as far as a quantile needs them: counted between edges, then kept.

A reading counts the rows and weights between edges, in each domain; where a share falls among few
rows these are kept in the next reading, where it falls among many the edges are drawn closer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.cells import select
from masar_research.streaming.blocks import Block
from masar_research.streaming.moments import Asked, MomentPass, observed

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# Values of a first look from which edges are drawn, and edges.
SAMPLE = 65_536
EDGES = 2_048
_SIGN = np.int64(0x7FFF_FFFF_FFFF_FFFF)


def keys(values: Floats) -> NDArray[np.int64]:
    """Whole numbers in the order of the values, one for every float64."""
    bits = (np.asarray(values, dtype=np.float64) + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ _SIGN, bits)


def _of_keys(numbers: NDArray[np.int64]) -> Floats:
    return np.where(numbers < 0, numbers ^ _SIGN, numbers).view(np.float64)


def between(low: float, high: float, number: int) -> Floats:
    """Edges above `low` up to `high`, close together where floating-point numbers are."""
    first, last = (int(k) for k in keys(np.array([low, high])))
    step = max((last - first) // number, 1)
    return _of_keys(np.array(list(range(first + step, last, step)) + [last], dtype=np.int64))


def around(values: Floats) -> Floats:
    """Edges at evenly spaced values of a sample, each value a bin of its own."""
    ordered = np.sort(values)
    if len(ordered) > EDGES:
        ordered = ordered[np.linspace(0, len(ordered) - 1, EDGES).astype(np.intp)]
    chosen = np.unique(ordered)
    return np.unique(np.concatenate([chosen, np.nextafter(chosen, np.inf)]))


def _counted(block: Block, name: str, by: tuple[str, ...]) -> tuple[Floats, Floats, Codes, int]:
    """Values, weights and domains of the rows that count."""
    domain, n_domains = block.domains(by)
    columns, _ = observed(block, Asked("mean", (name,)), domain)
    rows, (values,) = select(
        block.design, columns, domain=domain, n_domains=n_domains, mask=block.mask
    )
    used = np.flatnonzero(rows.weights > 0)
    place = np.zeros(len(used), np.intp) if rows.domain is None else rows.domain[used]
    return values[used] + 0.0, rows.weights[used], place, n_domains


@dataclass(frozen=True, slots=True)
class _Named:
    """A pass over one variable by domain."""

    name: str
    by: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        return MomentPass((Asked("mean", (self.name,)),), self.by).columns

    @property
    def levels(self) -> frozenset[str]:
        return frozenset(self.by)

    def finish(self, state: Any) -> Any:
        return state


@dataclass(frozen=True, slots=True)
class SamplePass(_Named):
    """Some values, evenly spaced in the file: (values, rows between two of them)."""

    def partial(self, block: Block) -> Floats:
        values = _counted(block, self.name, self.by)[0]
        return values[:: max(1, len(values) // (SAMPLE // 8))]

    def merge(self, first: Floats, second: Floats) -> Floats:
        both = np.concatenate([first, second])
        return both if len(both) <= SAMPLE else both[::2]


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Rows between edges, (n_domains, n_bins) each.

    Parameters
    ----------
    weight, n : ndarray
        Sum of weights, and rows.
    low, high : ndarray
        Smallest and largest value; ±inf in an empty bin.
    first, last : ndarray
        Least weight among the rows of the smallest value, greatest among those of the largest.
    """

    weight: Floats
    n: Codes
    low: Floats
    high: Floats
    first: Floats
    last: Floats

    def merge(self, other: Bins) -> Bins:
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        first = np.minimum(
            np.where(self.low == low, self.first, np.inf), np.where(other.low == low, other.first, np.inf)
        )
        last = np.maximum(
            np.where(self.high == high, self.last, -np.inf),
            np.where(other.high == high, other.last, -np.inf),
        )
        return Bins(self.weight + other.weight, self.n + other.n, low, high, first, last)


@dataclass(frozen=True, slots=True, eq=False)
class BinPass(_Named):
    """Counts between edges.

    Parameters
    ----------
    edges : tuple of ndarray
        One array for all domains, or one of the same length per domain. Bin b holds
        ``edges[b − 1] ≤ value < edges[b]``.
    """

    edges: tuple[Floats, ...]

    def partial(self, block: Block) -> Bins:
        values, weights, domain, n_domains = _counted(block, self.name, self.by)
        n_bins = len(self.edges[0]) + 1
        place = domain * n_bins + bin_of(self.edges, values, domain)
        size = n_domains * n_bins
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(low, place, values)
        np.maximum.at(high, place, values)
        first, last = np.full(size, np.inf), np.full(size, -np.inf)
        at = values == low[place]
        np.minimum.at(first, place[at], weights[at])
        at = values == high[place]
        np.maximum.at(last, place[at], weights[at])
        found = (
            np.bincount(place, weights, size), np.bincount(place, minlength=size),
            low, high, first, last,
        )  # fmt: skip
        return Bins(*(each.reshape(n_domains, n_bins) for each in found))

    def merge(self, first: Bins, second: Bins) -> Bins:
        return first.merge(second)


def bin_of(edges: tuple[Floats, ...], values: Floats, domain: Codes) -> Codes:
    """(n,) bin of each value among the edges of its domain."""
    if len(edges) == 1:
        return np.searchsorted(edges[0], values, side="right")
    out = np.empty(len(values), dtype=np.intp)
    order = np.argsort(domain, kind="stable")
    ends = np.searchsorted(domain[order], np.arange(len(edges) + 1))
    for own, low, high in zip(edges, ends[:-1], ends[1:], strict=True):
        at = order[low:high]
        out[at] = np.searchsorted(own, values[at], side="right")
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Distinct values of some bins, sorted by cell (domain × bin) and value, (k,) each.

    Parameters
    ----------
    cell : ndarray of int
    value, weight : ndarray
        A value, and the weight of its rows.
    n : ndarray of int
        Its rows.
    first, last : ndarray
        Least and greatest weight among them.
    """

    cell: Codes
    value: Floats
    weight: Floats
    n: Codes
    first: Floats
    last: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KeepPass(_Named):
    """The distinct values in some bins.

    Parameters
    ----------
    edges : tuple of ndarray
        As in `BinPass`.
    wanted : ndarray of bool (n_domains, n_bins)
    within : (float, float)
        The smallest and the largest value in them.
    """

    edges: tuple[Floats, ...]
    wanted: NDArray[np.bool_]
    within: tuple[float, float]

    def partial(self, block: Block) -> Kept:
        values, weights, domain, _ = _counted(block, self.name, self.by)
        near = np.flatnonzero((values >= self.within[0]) & (values <= self.within[1]))
        values, weights, domain = values[near], weights[near], domain[near]
        cell = domain * self.wanted.shape[1] + bin_of(self.edges, values, domain)
        at = self.wanted.ravel()[cell]
        w = weights[at]
        return _distinct(Kept(cell[at], values[at], w, np.ones(len(w), np.intp), w, w))

    def merge(self, first: Kept, second: Kept) -> Kept:
        pairs = ((getattr(first, f), getattr(second, f)) for f in Kept.__dataclass_fields__)
        return _distinct(Kept(*(np.concatenate(pair) for pair in pairs)))


def _distinct(rows: Kept) -> Kept:
    """Rows of one cell and value as one."""
    if not len(rows.cell):
        return rows
    order = np.lexsort((rows.value, rows.cell))
    cell, value = rows.cell[order], rows.value[order]
    start = np.flatnonzero(
        np.concatenate([[True], (cell[1:] != cell[:-1]) | (value[1:] != value[:-1])])
    )
    return Kept(
        cell[start], value[start], np.add.reduceat(rows.weight[order], start),
        np.add.reduceat(rows.n[order], start), np.minimum.reduceat(rows.first[order], start),
        np.maximum.reduceat(rows.last[order], start),
    )  # fmt: skip
