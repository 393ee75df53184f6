"""One pass over the rows: which count, and their sums per sampling unit and cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.abreast import sums
from masar_research.engine.design import Design
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.intp]

# Rows per block of a sum: index and product of a block stay in the processor's cache.
_BLOCK = 65_536

Influence = Callable[[tuple[Floats, ...]], Floats]
"""Sums of weight × value, one (k, n_cells) array per value → sums of weight × influence (k, m)."""


class Tally(Protocol):
    """Rows counted by domain: what an estimate needs of `Rows` once the sums are formed."""

    @property
    def n_domains(self) -> int: ...
    @property
    def n(self) -> Counts: ...
    @property
    def n_missing(self) -> Counts: ...
    @property
    def missing_weight(self) -> Floats: ...


class Sums(Protocol):
    """Sums of weight × value: what an estimate needs of `Cells`, of one block or of many."""

    @property
    def sums(self) -> tuple[Floats, ...]:
        """(n_units, n_cells) for each value."""
        ...

    def by(self, codes: Any, n_codes: int, factor: Any) -> tuple[Floats, ...]:
        """Sums of factor × weight × value by another code and cell."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows that count for an estimate, by domain.

    Parameters
    ----------
    weights : ndarray (n,)
        Weights; 0 outside the domains and where an outcome is missing.
    domain : ndarray of int (n,) or None
        Domain of each row (any, where the weight is 0); None with a single domain.
    n_domains : int
    n, n_missing : ndarray of int (n_domains,)
        Rows of positive weight with and without an observed outcome.
    missing_weight : ndarray (n_domains,)
        Weight of the rows whose outcome is missing.
    everyone : bool
        Whether `weights` are those of the design, untouched.
    """

    weights: Floats
    domain: NDArray[np.intp] | None
    n_domains: int
    n: Counts
    n_missing: Counts
    missing_weight: Floats
    everyone: bool


def outcome(design: Design, values: ArrayLike, what: str) -> Floats:
    """(n,) float64 of an outcome, of the design's length and without infinities."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (design.n_rows,):
        raise EstimationError(
            f"Expected {what} with one value per row of the design ({design.n_rows}); "
            f"found shape {array.shape}.",
            remedy="Select a subpopulation with a mask or where(...), never by leaving rows out.",
        )
    return array


def select(
    design: Design, outcomes: tuple[Floats, ...], *, domain: ArrayLike | None, n_domains: int,
    mask: Bools | None, absent: Bools | None = None,
) -> tuple[Rows, tuple[Floats, ...]]:  # fmt: skip
    """Decide which rows count.

    Parameters
    ----------
    design : Design
    outcomes : tuple of ndarray (n,)
        A row with NaN in any of them is missing: zero-weighted, never dropped.
    domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.
    absent : ndarray of bool (n,), optional
        Further rows whose outcome is missing.

    Returns
    -------
    Rows
    outcomes : tuple of ndarray (n,)
        With 0 in place of NaN.
    """
    codes, inside = _domains(design, domain, n_domains)
    if mask is not None:
        mask = np.asarray(mask)
        if mask.shape != (design.n_rows,) or mask.dtype != bool:
            raise EstimationError(
                f"Expected a mask of {design.n_rows} booleans; found {mask.dtype} of shape {mask.shape}.",
                remedy="Pass one True or False per row of the design.",
            )
        inside = mask if inside is None else inside & mask
    missing, filled = absent, []
    for values in outcomes:
        if np.isfinite(np.sum(values)):
            filled.append(values)
            continue
        if np.isinf(values).any():
            raise EstimationError(
                f"Expected finite outcomes; {int(np.isinf(values).sum())} are infinite.",
                remedy="Correct the source, or make them missing (NaN) if their value is unknown.",
            )
        gone = np.isnan(values)
        missing = gone if missing is None else missing | gone
        filled.append(np.where(gone, 0.0, values))

    weights = design.weights
    n_missing, missing_weight = np.zeros(n_domains, dtype=np.intp), np.zeros(n_domains)
    if missing is not None:
        lost = np.flatnonzero(missing if inside is None else missing & inside)
        own, where = weights[lost], None if codes is None else codes[lost]
        n_missing, missing_weight = _rows_by(where, own, n_domains), _sums_by(where, own, n_domains)
    if missing is not None or inside is not None:
        counted = ~missing if inside is None else inside if missing is None else inside & ~missing
        weights = np.where(counted, weights, 0.0)
    everyone = weights is design.weights
    if inside is None and design.all_positive:
        rows = [design.n_rows] if codes is None else np.bincount(codes, minlength=n_domains)
        n = np.asarray(rows) - n_missing
    else:
        n = _rows_by(codes, weights, n_domains)
    return Rows(weights, codes, n_domains, n, n_missing, missing_weight, everyone), tuple(filled)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Sums of weight × value per unit and cell.

    Parameters
    ----------
    weights : ndarray (n,)
    cell : ndarray of int (n,) or None
        Cell of each row; None with one cell.
    n_cells : int
    values : tuple of (ndarray (n,) or None)
        Values summed; None stands for 1.
    sums : tuple of ndarray (n_units, n_cells)
        One per value.
    """

    weights: Floats
    cell: NDArray[np.intp] | None
    n_cells: int
    values: tuple[Floats | None, ...]
    sums: tuple[Floats, ...]

    def by(self, codes: NDArray[np.integer], n_codes: int, factor: Floats) -> tuple[Floats, ...]:
        """Sums of factor × weight × value by another code and cell, each (n_codes, n_cells)."""
        weights = self.weights * factor
        if codes.min(initial=0) < 0:
            weights = np.where(codes < 0, 0.0, weights)
            codes = np.maximum(codes, 0)
        return tuple(sums(codes, n_codes, self.cell, self.n_cells, weights, self.values))


def gather(
    design: Design, rows: Rows, values: tuple[Floats | None, ...],
    level: NDArray[np.intp] | None = None,
    n_levels: int = 1,
) -> Cells:  # fmt: skip
    """Sum weight × value per unit and cell; a cell is a domain, or a level within a domain.

    Parameters
    ----------
    design : Design
    rows : Rows
    values : tuple of (ndarray (n,) or None)
        None stands for 1.
    level : ndarray of int (n,), optional
        Level 0 … n_levels − 1 of each row; cells are then domain-major.
    n_levels : int
    """
    cell = rows.domain if level is None else _joint(rows.domain, level, n_levels)
    n_cells = rows.n_domains * n_levels
    known = rows.everyone and cell is None
    asked = tuple(value for value in values if value is not None or not known)
    summed = list(sums(design.unit, design.n_units, cell, n_cells, rows.weights, asked))
    found = tuple(
        design.unit_weights[:, None] if value is None and known else summed.pop(0)
        for value in values
    )
    return Cells(rows.weights, cell, n_cells, values, found)


def squares(rows: Rows, values: Floats, centre: Floats) -> Floats:
    """(n_domains,) Σ_d w (value − centre_d)², `centre` (n_domains,), in blocks that fit the cache."""
    out = np.zeros(rows.n_domains)
    for begin in range(0, len(values), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        weights = rows.weights[block]
        domain = None if rows.domain is None else rows.domain[block]
        residual = values[block] - (centre[0] if domain is None else centre.take(domain))
        if not rows.everyone:
            # Rows of weight 0 may sit in a domain without a centre (NaN); they must not reach a sum.
            residual = np.where(weights > 0, residual, 0.0)
        residual *= residual
        if domain is None:
            out += np.einsum("i,i->", weights, residual)
        else:
            residual *= weights
            out += np.bincount(domain, residual, rows.n_domains)
    return out


def unit_totals(design: Design, cells: Sums, influence: Influence) -> Floats:
    """(n_units, m) unit totals of weight × influence; residuals if the weights were calibrated."""
    totals = influence(cells.sums)
    if design.calibration is None:
        return totals
    return design.calibration.residualise(
        totals, lambda codes, n_codes, factor: influence(cells.by(codes, n_codes, factor))
    )


def _domains(
    design: Design, domain: ArrayLike | None, n_domains: int
) -> tuple[NDArray[np.intp] | None, Bools | None]:
    """Domain codes without negatives, and which rows lie in a domain (None: all)."""
    if domain is None:
        if n_domains != 1:
            raise EstimationError(
                f"n_domains={n_domains} was given without domain codes.",
                remedy="Pass domain=, or leave n_domains at 1.",
            )
        return None, None
    codes = np.asarray(domain)
    if codes.shape != (design.n_rows,) or codes.dtype.kind not in "iu":
        raise EstimationError(
            f"Expected {design.n_rows} whole-number domain codes; "
            f"found {codes.dtype} of shape {codes.shape}.",
            remedy="Code each row's domain as 0 … n_domains − 1, or −1 outside.",
        )
    low, high = int(codes.min()), int(codes.max())
    if high >= n_domains or low < -1:
        raise EstimationError(
            f"Expected domain codes from −1 to {n_domains - 1}; found {low} to {high}.",
            remedy="Pass n_domains = number of domains, and −1 for rows outside.",
        )
    codes = codes.astype(np.intp, copy=False)
    inside = None
    if low < 0:
        inside = codes >= 0
        codes = np.maximum(codes, 0)
    return (codes if n_domains > 1 else None), inside


def _joint(
    outer: NDArray[np.integer] | None, inner: NDArray[np.integer] | None, n_inner: int
) -> NDArray[np.intp] | None:
    if inner is None or outer is None:
        return inner if outer is None else outer
    index = np.multiply(outer, n_inner, dtype=np.intp)
    index += inner
    return index


def _sums_by(codes: NDArray[np.intp] | None, weights: Floats, n: int) -> Floats:
    return (
        np.array([np.einsum("i->", weights)]) if codes is None else np.bincount(codes, weights, n)
    )


def _rows_by(codes: NDArray[np.intp] | None, weights: Floats, n: int) -> Counts:
    positive = weights > 0
    return (
        np.array([np.count_nonzero(positive)])
        if codes is None
        else np.bincount(codes[positive], minlength=n)
    )
