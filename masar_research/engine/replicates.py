"""Variance from replicate weights: every estimate again under each replicate's weights.

Replicates are kept as factors per sampling unit where they can be, and as the producer's columns
otherwise; sums under all of them are formed cell by cell, never as one array of rows × replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.cells import Cells, Rows
from masar_research.engine.design import Aggregate, Design
from masar_research.engine.encode import combine
from masar_research.engine.groups import Groups
from masar_research.engine.replicate_rank import rank_of
from masar_research.errors import DesignError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# Factors expanded at once (replicates × units): bounds the memory of a block.
_BLOCK = 2_000_000

Statistic = Callable[[tuple[Floats, ...]], Floats]
"""Sums of weight × value, one (k, n_cells) array per value → k rows of m estimates (k, m)."""


class ReplicateWeights(Protocol):
    """R sets of weights over the rows of a design."""

    @property
    def number(self) -> int:
        """R."""
        ...

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        """Σ w_r value by replicate and cell, (R, n_cells) for each value of `cells`."""
        ...

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        """(R, m) Σ w_r × influence, from sums of factor × weight × influence by code."""
        ...

    def rows(self, design: Design, replicate: int) -> Floats:
        """(n,) weights of one replicate."""
        ...

    def degrees(self, design: Design, rows: Rows) -> NDArray[np.intp] | None:
        """(n_domains,) degrees of freedom by domain; None: those of the design's PSUs."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """How a design's variance comes from replicates.

    ``V = Σ_r c_r (θ_r − θ̄)(θ_r − θ̄)'``, with c_r = scale × rscale_r and θ̄ the mean of the
    replicate estimates with c_r > 0, or the estimate itself under `mse`.

    Parameters
    ----------
    weights : ReplicateWeights
    scales : ndarray (R,)
        c_r.
    mse : bool
    df : int
        Degrees of freedom of the whole sample.
    facts : mapping
        Plain facts for the method note.
    """

    weights: ReplicateWeights
    scales: Floats
    mse: bool
    df: int
    facts: Mapping[str, Any]

    @property
    def number(self) -> int:
        """R."""
        return self.weights.number

    def deviations(self, theta: Floats, full: Floats) -> Floats:
        """√c_r (θ_r − centre), whose cross-products are the covariance.

        Parameters
        ----------
        theta : ndarray (R, m)
            Replicate estimates. An estimate that does not exist in some replicate gets no
            variance: its column is NaN.
        full : ndarray (m,)
            The estimates under the design's own weights.

        Returns
        -------
        ndarray (R, m)
        """
        centre = full if self.mse else theta[self.scales > 0].mean(axis=0)
        return (theta - centre) * np.sqrt(self.scales)[:, None]

    def of_statistic(self, cells: Cells, statistic: Statistic) -> Floats:
        """(R, m) deviations of estimates that are functions of sums by cell."""
        with np.errstate(invalid="ignore", divide="ignore"):
            theta = statistic(self.weights.sums(cells))
            full = statistic(tuple(part.sum(axis=0, keepdims=True) for part in cells.sums))[0]
        return self.deviations(theta, full)

    def degrees(
        self, design: Design, rows: Rows, df: NDArray[np.intp], repeats: int
    ) -> NDArray[np.intp]:
        """(m,) degrees of freedom by domain; `df` (m,) are PSUs minus strata."""
        own = self.weights.degrees(design, rows)
        if own is None:
            return np.minimum(df, self.number - 1)
        return np.repeat(own, repeats)

    def degrees_among(self, design: Design, used: NDArray[np.bool_]) -> int:
        """Degrees of freedom among the rows marked."""
        weights = np.where(used, design.weights, 0.0)
        counted = used & (design.weights > 0)
        n = np.array([np.count_nonzero(counted)])
        rows = Rows(weights, None, 1, n, np.zeros(1, np.intp), np.zeros(1), bool(counted.all()))
        present = np.bincount(design.unit[counted], minlength=design.n_units)[:, None] > 0
        return int(self.degrees(design, rows, design.structure.degrees_of_freedom(present), 1)[0])

    def of_influence(self, design: Design, aggregate: Aggregate) -> Floats:
        """(R, m) deviations to first order, of estimates known by their influence."""
        theta = self.weights.linear(design, aggregate)
        full = aggregate(np.zeros(design.n_rows, dtype=np.intp), 1, np.ones(design.n_rows))[0]
        return self.deviations(theta, full)


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

    The units of the design are pairs (unit of the sample, cell of the steps): within a cell all
    rows get the same adjustment in a replicate.

    Parameters
    ----------
    base : UnitFactors or Jackknife
        Over the units of the sample.
    unit, cell : ndarray (n_pairs,)
    adjustment : ndarray (R, n_cells)
        Adjustment in the replicate over that of the full sample.
    """

    base: UnitFactors | Jackknife
    unit: NDArray[np.intp]
    cell: NDArray[np.intp]
    adjustment: Floats

    @property
    def number(self) -> int:
        return self.base.number

    def block(self, replicates: slice) -> Floats:
        """(k, n_pairs) factors of some replicates."""
        factor = self.base.block(replicates)[:, self.unit]
        factor *= self.adjustment[replicates][:, self.cell]
        return factor

    def expand(self, totals: Floats) -> Floats:
        """Pair totals (n_pairs, m) → totals under each replicate (R, m), in blocks."""
        out = np.empty((self.number, totals.shape[1]))
        plain = np.ascontiguousarray(totals)
        step = max(1, _BLOCK // max(len(self.unit), 1))
        for first in range(0, self.number, step):
            some = slice(first, first + step)
            out[some] = np.einsum("rp,pm->rm", self.block(some), plain)
        return out

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        return tuple(self.expand(part) for part in cells.sums)

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        return self.expand(aggregate(design.unit, design.n_units, np.ones(design.n_rows)))

    def rows(self, design: Design, replicate: int) -> Floats:
        return design.weights * self.block(slice(replicate, replicate + 1))[0][design.unit]

    def degrees(self, design: Design, rows: Rows) -> None:
        return None


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


def refine(design: Design, cell: NDArray[np.intp]) -> tuple[Design, Codes, Codes]:
    """A design whose units are the pairs (unit, cell) that occur.

    Parameters
    ----------
    design : Design
    cell : ndarray of int (n,)

    Returns
    -------
    design : Design
        For replicates only: its stages are gone.
    unit, cell : ndarray of int (n_pairs,)
    """
    pair, (unit, cells) = combine(design.unit, cell)
    pair.flags.writeable = False
    old = design.structure
    structure = replace(
        old, unit=pair, n_units=len(unit), unit_sizes=np.bincount(pair, minlength=len(unit)),
        stages=(), psus=Groups.of(old.psus.codes[unit]), df_psus=Groups.of(old.df_psus.codes[unit]),
        df_strata=Groups.of(old.df_strata.codes[unit]),
    )  # fmt: skip
    refined = replace(
        design, structure=structure, calibration=None,
        unit_weights=np.bincount(pair, design.weights, len(unit)),
        unit_rows=np.bincount(pair[design.weights > 0], minlength=len(unit)),
    )  # fmt: skip
    return refined, unit, cells


def _by_cell(
    weight: Floats, value: Floats | None, cell: NDArray[np.intp] | None, n_cells: int
) -> Floats | float:
    if cell is None:
        return (
            np.einsum("i->", weight) if value is None else np.einsum("i,i->", weight, value)
        )
    return np.bincount(cell, weight if value is None else weight * value, n_cells)


def attach(
    design: Design,
    weights: ReplicateWeights,
    *,
    scale: float,
    rscales: ArrayLike | None,
    mse: bool,
    df: int,
    facts: Mapping[str, Any],
) -> Design:
    """A design whose variance comes from replicates.

    Parameters
    ----------
    design : Design
        Without replicates; its calibration, if any, must already be in the replicate weights.
    weights : ReplicateWeights
    scale : float
    rscales : array_like (R,), optional
        Ones by default.
    mse : bool
        Centre on the estimate rather than on the mean of the replicate estimates.
    df : int
    facts : mapping

    Raises
    ------
    DesignError
        Scales that are negative, missing, all zero or of another number than the replicates.
    """
    number = weights.number
    if number < 2:
        raise DesignError(
            f"Expected at least two replicates; found {number}.",
            remedy="Name all the replicate weights, for instance by a pattern like 'brrwt*'.",
        )
    each = np.ones(number) if rscales is None else np.asarray(rscales, dtype=float)
    if each.shape != (number,):
        raise DesignError(
            f"Expected {number} rscales, one per replicate; found shape {each.shape}.",
            remedy="Give the producer's rscales in the order of the replicate columns.",
        )
    scales = scale * each
    if not (np.isfinite(scales).all() and (scales >= 0).all() and (scales > 0).any()):
        raise DesignError(
            "Expected replicate scales of zero or more, not all zero; found some that are not.",
            remedy="Take scale and rscales from the producer's documentation.",
        )
    found = Replicates(weights, scales, mse, df, dict(facts))
    return replace(design, replicates=found, calibration=None)
