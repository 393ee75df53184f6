"""Means, totals, shares, counts and ratios of a file: sums by unit and domain, added over blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from masar_research.engine import linearized
from masar_research.engine.cells import Cells, Rows, gather, outcome, select, squares
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized
from masar_research.errors import EstimationError
from masar_research.streaming.blocks import Block

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]
Kind = Literal["mean", "total", "count", "ratio", "proportion", "share"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One statistic.

    Parameters
    ----------
    kind : str
        ``share``: the mean of 1[value ≤ bound] in each domain.
    names : tuple of str
        Variable; numerator and denominator of a ratio; none for a count.
    bound : tuple of float
        For a share, one per domain.
    binary : bool
        For a mean: also count the rows whose value is 1.
    """

    kind: Kind
    names: tuple[str, ...]
    bound: tuple[float, ...] = ()
    binary: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Weighted squares about a slope, which can be moved: Σ w (y − b x)² for any b.

    Parameters
    ----------
    slope, square, cross, size : ndarray (n_domains,)
        b; with e = y − b x: Σ w e², Σ w e x, Σ w x².

    Notes
    -----
    ``Σ w (y − c x)² = square − 2 (c − b) cross + (c − b)² size``. Each block is centred on its
    own slope, so nothing large cancels when blocks are merged (Chan, Golub and LeVeque 1983).
    """

    slope: Floats
    square: Floats
    cross: Floats
    size: Floats

    def about(self, slope: Floats) -> Floats:
        """(n_domains,) Σ w (y − slope x)²."""
        away = slope - self.slope
        return self.square - 2 * away * self.cross + away**2 * self.size

    def moved(self, slope: Floats) -> Residuals:
        """The same squares about another slope."""
        away = slope - self.slope
        return Residuals(slope, self.about(slope), self.cross - away * self.size, self.size)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What the rows read so far add to one statistic; `Rows` and `Cells` without rows.

    Parameters
    ----------
    n_domains : int
    n, n_missing, missing_weight : ndarray (n_domains,)
    sums : tuple of ndarray (n_units, n_cells)
        One per value summed.
    replicated : tuple of ndarray (R, n_cells)
        The same under given replicate weights; empty without.
    groups : tuple of tuple of ndarray (n_codes, n_cells)
        The same by the codes a calibrated variance needs.
    residuals : Residuals or None
    cases : ndarray of int (n_cells,) or None
        Interviews behind each share.
    everyone : bool
        Whether every row counts.
    counted : tuple of (int, ndarray (n_domains,))
        Position of the first row of each block, and its rows that count; with given replicates.
    degrees : ndarray (n_domains,) or None
        Degrees of freedom where replicate weights give them.
    """

    n_domains: int
    n: Counts
    n_missing: Counts
    missing_weight: Floats
    sums: tuple[Floats, ...]
    replicated: tuple[Floats, ...]
    groups: tuple[tuple[Floats, ...], ...]
    residuals: Residuals | None
    cases: Counts | None
    everyone: bool
    counted: tuple[tuple[int, Counts], ...]
    degrees: Counts | None = None

    def by(self, codes: int, n_codes: int, factor: None) -> tuple[Floats, ...]:
        """Sums by the codes of a group, which is named by its position."""
        found = self.groups[codes]
        if len(found[0]) != n_codes:
            raise EstimationError(
                f"Group {codes} has {len(found[0])} codes; {n_codes} were asked for.",
                remedy="Ask for the groups of the survey's own reweighting.",
            )
        return found

    def merge(self, later: Moments) -> Moments:
        """With the rows after them."""
        return Moments(
            n_domains=self.n_domains,
            n=self.n + later.n,
            n_missing=self.n_missing + later.n_missing,
            missing_weight=self.missing_weight + later.missing_weight,
            sums=_added(self.sums, later.sums),
            replicated=_added(self.replicated, later.replicated),
            groups=tuple(_added(a, b) for a, b in zip(self.groups, later.groups, strict=True)),
            residuals=self._residuals(later),
            cases=None if self.cases is None or later.cases is None else self.cases + later.cases,
            everyone=self.everyone and later.everyone,
            counted=(*self.counted, *later.counted),
        )

    def _residuals(self, later: Moments) -> Residuals | None:
        first, second = self.residuals, later.residuals
        if first is None or second is None:
            return None
        total = first.size + second.size
        share = np.divide(second.size, total, out=np.zeros_like(total), where=total > 0)
        middle = first.slope + share * (second.slope - first.slope)
        a, b = first.moved(middle), second.moved(middle)
        return Residuals(middle, a.square + b.square, a.cross + b.cross, total)


def _added(first: tuple[Floats, ...], second: tuple[Floats, ...]) -> tuple[Floats, ...]:
    return tuple(a + b for a, b in zip(first, second, strict=True))


@dataclass(frozen=True, slots=True)
class MomentPass:
    """Several statistics in one reading.

    Parameters
    ----------
    asked : tuple of Asked
    by : tuple of str
    """

    asked: tuple[Asked, ...]
    by: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(name for one in self.asked for name in one.names) | self.levels

    @property
    def levels(self) -> frozenset[str]:
        coded = {one.names[0] for one in self.asked if one.kind == "proportion"}
        return frozenset(coded | {*self.by})

    def partial(self, block: Block) -> tuple[tuple[Moments, ...], int, int]:
        """Moments; rows of positive weight whose domain is unknown; rows of the subpopulation."""
        domain, n_domains = block.domains(self.by)
        outside, seen = 0, block.n_rows
        if block.mask is not None:
            seen = int(np.count_nonzero(block.mask))
        if domain is not None:
            lost = (domain < 0) & (block.weights > 0)
            outside = int(np.count_nonzero(lost if block.mask is None else lost & block.mask))
        cells = {"domain": domain, "n_domains": n_domains, "mask": block.mask}
        return tuple(moments(block, one, cells) for one in self.asked), outside, seen

    def merge(self, first: Any, second: Any) -> tuple[tuple[Moments, ...], int, int]:
        both = zip(first[0], second[0], strict=True)
        return tuple(a.merge(b) for a, b in both), first[1] + second[1], first[2] + second[2]

    def finish(self, state: Any) -> tuple[tuple[Moments, ...], int, int]:
        return state


def moments(block: Block, asked: Asked, cells: dict[str, Any]) -> Moments:
    """The moments of one block."""
    design, kind = block.design, asked.kind
    level, n_levels = None, 1
    if kind == "proportion":
        level, n_levels = block.codes(asked.names[0]), len(block.levels(asked.names[0]))
        level = np.maximum(level, 0)
    columns, absent = observed(block, asked, cells["domain"])
    rows, values = select(design, columns, absent=absent, **cells)
    gathered = gather(design, rows, (None, *values), level, n_levels)
    cases = None
    if kind == "proportion":
        counted = rows.weights > 0
        cell = level if rows.domain is None else rows.domain * n_levels + level
        cases = np.bincount(cell[counted], minlength=gathered.n_cells)
    elif asked.binary:
        ones = (values[0] == 1) & (rows.weights > 0)
        cases = (
            np.array([np.count_nonzero(ones)]) if rows.domain is None
            else np.bincount(rows.domain[ones], minlength=rows.n_domains)
        )  # fmt: skip
    given = block.replicates
    return Moments(
        n_domains=rows.n_domains, n=rows.n, n_missing=rows.n_missing,
        missing_weight=rows.missing_weight, sums=gathered.sums,
        replicated=() if given is None else given.sums(gathered),
        groups=tuple(gathered.by(*group) for group in block.groups),
        residuals=_residuals(rows, gathered, values), cases=cases, everyone=rows.everyone,
        counted=() if given is None else ((block.first_row, rows.n),),
    )  # fmt: skip


def observed(
    block: Block, asked: Asked, domain: NDArray[np.int64] | None
) -> tuple[tuple[Floats, ...], NDArray[np.bool_] | None]:
    """The outcomes, NaN where missing; and the rows that are missing besides."""
    if asked.kind == "proportion":
        return (), block.codes(asked.names[0]) < 0
    if asked.kind == "share":
        return (_below(block.values(asked.names[0]), asked.bound, domain),), None
    return tuple(outcome(block.design, block.values(name), name) for name in asked.names), None


def _below(
    values: Floats, bound: tuple[float, ...], domain: NDArray[np.int64] | None
) -> Floats:
    """1 where a value is at or below the bound of its domain, NaN where missing."""
    limit = bound[0] if domain is None or len(bound) == 1 else np.append(bound, np.nan)[domain]
    return np.where(np.isnan(values), np.nan, values <= limit)


def _residuals(rows: Rows, cells: Cells, values: tuple[Floats, ...]) -> Residuals | None:
    if not values:
        return None
    above = cells.sums[1].sum(axis=0)
    below = cells.sums[2 if len(values) == 2 else 0].sum(axis=0)
    slope = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    y = values[0]
    if len(values) == 1:
        residual = y - (slope[0] if rows.domain is None else slope[rows.domain])
        square = squares(rows, y, slope)
        return Residuals(slope, square, _sum(rows, residual), below)
    x = values[1]
    residual = y - x * (slope[0] if rows.domain is None else slope[rows.domain])
    none = np.zeros(rows.n_domains)
    return Residuals(
        slope, squares(rows, residual, none), _sum(rows, residual * x), squares(rows, x, none)
    )


def _sum(rows: Rows, values: Floats) -> Floats:
    weighted = np.where(rows.weights > 0, rows.weights * values, 0.0)
    if rows.domain is None:
        return np.array([np.einsum("i->", weighted)])
    return np.bincount(rows.domain, weighted, rows.n_domains)


def finish(design: Design, asked: Asked, found: Moments) -> Linearized:
    """The estimates, as the engine finishes them in memory."""
    if asked.kind == "proportion":
        n_levels = found.sums[0].shape[1] // found.n_domains
        return linearized.finish_proportion(design, found, found, n_levels)
    if asked.kind == "count":
        return linearized.finish_count(design, found, found)
    assert found.residuals is not None
    end = {
        "mean": linearized.finish_mean, "share": linearized.finish_mean,
        "total": linearized.finish_total, "ratio": linearized.finish_ratio,
    }[asked.kind]  # fmt: skip
    return end(design, found, found, found.residuals.about)

