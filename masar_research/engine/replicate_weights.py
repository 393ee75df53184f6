"""Replicate weights: factors per sampling unit, factors adjusted by cell, and given columns.

Each forms sums under all replicates cell by cell; none makes an array of rows × replicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.cells import Cells, Rows
from masar_research.engine.design import Aggregate, Design
from masar_research.engine.encode import combine
from masar_research.engine.replicate_rank import rank_of

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# Factors expanded at once (replicates × units): bounds the memory of a block.
_BLOCK = 2_000_000


class PerUnit(Protocol):
    """Replicates that give every row of a unit one factor."""

    @property
    def number(self) -> int:
        """R."""
        ...

    @property
    def n_units(self) -> int:
        """Units of the design."""
        ...

    def block(self, replicates: slice) -> Floats:
        """(k, n_units) factors of some replicates."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class UnitFactors:
    """Replicates that multiply the weights of a unit by a factor.

    Parameters
    ----------
    factors : ndarray (R, n_units)
    """

    factors: Floats

    @property
    def number(self) -> int:
        return len(self.factors)

    @property
    def n_units(self) -> int:
        return self.factors.shape[1]

    def block(self, replicates: slice) -> Floats:
        """(k, n_units) factors of some replicates."""
        return self.factors[replicates]

    def expand(self, totals: Floats) -> Floats:
        """Unit totals (n_units, m) → totals under each replicate (R, m)."""
        return np.einsum("ru,um->rm", self.factors, np.ascontiguousarray(totals))

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        return tuple(self.expand(part) for part in cells.sums)

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        return self.expand(aggregate(design.unit, design.n_units, np.ones(design.n_rows)))

    def rows(self, design: Design, replicate: int) -> Floats:
        return design.weights * self.factors[replicate][design.unit]

    def degrees(self, design: Design, rows: Rows) -> None:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Jackknife:
    """Each PSU left out once, the rest of its stratum raised by n_h / (n_h − 1).

    Nothing of the size PSUs × replicates is formed: the total without PSU j of stratum h is
    ``T − t_hj + (T_h − t_hj) / (n_h − 1)``.

    Parameters
    ----------
    psu : ndarray (n_units,)
        PSU of each unit.
    stratum, size : ndarray (n_psus,)
        Stratum of each PSU, and the number of PSUs in it.
    kept : ndarray (R,)
        The PSUs that are left out in turn (those of strata that contribute).
    """

    psu: NDArray[np.intp]
    stratum: NDArray[np.intp]
    size: Floats
    kept: NDArray[np.intp]

    @property
    def number(self) -> int:
        return len(self.kept)

    @property
    def n_units(self) -> int:
        return len(self.psu)

    def expand(self, totals: Floats) -> Floats:
        """Unit totals (n_units, m) → totals under each replicate (R, m)."""
        own = np.zeros((len(self.stratum), totals.shape[1]))
        np.add.at(own, self.psu, totals)
        of_stratum = np.zeros((int(self.stratum.max()) + 1, totals.shape[1]))
        np.add.at(of_stratum, self.stratum, own)
        left = own[self.kept]
        rest = of_stratum[self.stratum[self.kept]] - left
        everything = of_stratum.sum(axis=0)
        return everything - left + rest / (self.size[self.kept] - 1)[:, None]

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        return tuple(self.expand(part) for part in cells.sums)

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        return self.expand(aggregate(design.unit, design.n_units, np.ones(design.n_rows)))

    def block(self, replicates: slice) -> Floats:
        """(k, n_units) factors of some replicates."""
        out = self.kept[replicates]
        raised = np.ones(len(self.size))
        np.divide(self.size, self.size - 1, out=raised, where=self.size > 1)
        factor = np.where(self.stratum == self.stratum[out][:, None], raised, 1.0)
        factor[np.arange(len(out)), out] = 0.0
        return factor[:, self.psu]

    def rows(self, design: Design, replicate: int) -> Floats:
        return design.weights * self.block(slice(replicate, replicate + 1))[0][design.unit]

    def degrees(self, design: Design, rows: Rows) -> None:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class AdjustedFactors:
    """Factors per unit, times what weighting steps taken again give the cells of a replicate.

    Within a cell all rows get the same adjustment in a replicate, so that
    ``Σ w_r y = Σ_c a_rc Σ_u F_ru Σ_(u,c) w y``: sums by unit and cell, which are sparse.

    Parameters
    ----------
    base : UnitFactors, Jackknife or SharedJackknife
        Over the units of the sample.
    unit, cell : ndarray of int (n,)
        Of each row.
    adjustment : ndarray (R, n_cells)
        Adjustment in the replicate over that of the full sample.
    """

    base: PerUnit
    unit: Codes
    cell: Codes
    adjustment: Floats

    @property
    def number(self) -> int:
        return self.base.number

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        used = np.flatnonzero(cells.weights > 0)
        at: Any = slice(None) if len(used) == len(cells.weights) else used
        weights = cells.weights[at]
        domain = np.zeros(len(weights), np.intp) if cells.cell is None else cells.cell[at]
        code, where = combine(domain, self.cell[at], self.unit[at])
        n = len(where[0])
        return tuple(
            self._expand(
                np.bincount(code, weights if value is None else weights * value[at], n), where,
                cells.n_cells,
            )
            for value in cells.values
        )  # fmt: skip

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        code, (cell, unit) = combine(self.cell, self.unit)
        totals = aggregate(code, len(cell), np.ones(design.n_rows))
        none = np.zeros(len(cell), np.intp)
        return np.concatenate(
            [self._expand(column, (none, cell, unit), 1) for column in totals.T], axis=1
        )

    def rows(self, design: Design, replicate: int) -> Floats:
        factor = self.base.block(slice(replicate, replicate + 1))[0][self.unit]
        return design.weights * factor * self.adjustment[replicate][self.cell]

    def degrees(self, design: Design, rows: Rows) -> None:
        return None

    def expand(self, totals: Floats) -> Floats:
        """Totals by row (n, m), rows sorted by cell and then unit → totals by replicate (R, m)."""
        column, row = np.nonzero(totals.T)
        where = (column, self.cell[row], self.unit[row])
        return self._expand(totals[row, column], where, totals.shape[1])

    def _expand(self, totals: Floats, where: tuple[Codes, ...], n_domains: int) -> Floats:
        """Totals by (domain, cell, unit), sorted by domain and cell → (R, n_domains)."""
        out = np.zeros((self.number, n_domains))
        if not len(totals):
            return out
        domain, cell, unit = where
        column, (of_domain, of_cell) = combine(domain, cell)
        from scipy.sparse import csr_array

        by_unit = csr_array((totals, (column, unit)), shape=(len(of_cell), self.base.n_units))
        start = np.flatnonzero(np.concatenate([[True], of_domain[1:] != of_domain[:-1]]))
        step = max(1, _BLOCK // max(len(of_cell), self.base.n_units))
        for first in range(0, self.number, step):
            some = slice(first, first + step)
            found = by_unit @ np.ascontiguousarray(self.base.block(some).T)
            found *= self.adjustment[some][:, of_cell].T
            out[some, of_domain[start]] = np.add.reduceat(found, start, axis=0).T
        return out


@dataclass(frozen=True, slots=True, eq=False)
class RowWeights:
    """Replicate weights as a producer delivers them, one column per replicate.

    Parameters
    ----------
    columns : tuple of ndarray (n,)
        Read where they stand, one at a time.
    combined : bool
        Whether the columns are weights; otherwise factors of the design's weights.
    rank : int or None
        Numerical rank of the whole matrix; None where the design knows its PSUs.
    """

    columns: tuple[NDArray[Any], ...]
    combined: bool
    rank: int | None

    @property
    def number(self) -> int:
        return len(self.columns)

    def rows(self, design: Design, replicate: int) -> Floats:
        column = np.asarray(self.columns[replicate], dtype=np.float64)
        return column if self.combined else column * design.weights

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        used = np.flatnonzero(cells.weights > 0)
        whole = len(used) == len(cells.weights)
        at: Any = slice(None) if whole else used
        cell = None if cells.cell is None else cells.cell[at]
        values = [None if value is None else value[at] for value in cells.values]
        base = None if self.combined else cells.weights[at]
        out = tuple(np.empty((self.number, cells.n_cells)) for _ in values)
        for r, column in enumerate(self.columns):
            weight = np.asarray(column[at], dtype=np.float64)
            if base is not None:
                weight = weight * base
            for part, value in zip(out, values, strict=True):
                part[r] = _by_cell(weight, value, cell, cells.n_cells)
        return out

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        everybody = np.zeros(design.n_rows, dtype=np.intp)
        safe = np.where(design.weights > 0, design.weights, 1.0)
        return np.concatenate(
            [aggregate(everybody, 1, self.rows(design, r) / safe) for r in range(self.number)]
        )

    def degrees(self, design: Design, rows: Rows) -> NDArray[np.intp] | None:
        if self.rank is None:
            return None
        out = np.zeros(rows.n_domains, dtype=np.intp)
        counted = np.flatnonzero(rows.weights > 0)
        if rows.everyone and rows.domain is None:
            return np.array([self.rank - 1], dtype=np.intp)
        place = np.zeros(len(counted), np.intp) if rows.domain is None else rows.domain[counted]
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(rows.n_domains + 1))
        for d in range(rows.n_domains):
            inside = counted[order[edges[d] : edges[d + 1]]]
            found = rank_of(self.columns, design.weights, inside, self.combined, self.rank)
            out[d] = max(found - 1, 0)
        return out


def _by_cell(
    weight: Floats, value: Floats | None, cell: NDArray[np.intp] | None, n_cells: int
) -> Floats | float:
    if cell is None:
        return (
            np.einsum("i->", weight) if value is None else np.einsum("i,i->", weight, value)
        )
    return np.bincount(cell, weight if value is None else weight * value, n_cells)
