"""Files that come with replicate weights: checked in one pass, summed beside the estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.codebook import Codebook
from masar_research.columns import Columns
from masar_research.engine.cells import select
from masar_research.engine.design import Design
from masar_research.engine.replicate_given import check_size, given_facts, one_unit
from masar_research.engine.replicate_rank import MOST, numerical_rank, picked
from masar_research.engine.replicates import attach
from masar_research.errors import DataError, DesignError
from masar_research.replicates import Given
from masar_research.streaming.blocks import Block
from masar_research.streaming.executors import Executor
from masar_research.streaming.files import Files
from masar_research.streaming.moments import Asked, MomentPass, Moments, observed
from masar_research.streaming.source import Reader, Source, over_frames
from masar_research.streaming.units import (
    Roles,
    Skeleton,
    UnitIndex,
    check,
    learn_weights,
    of_file,
)

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """Replicate weights of a file: an estimate brings its sums under them along.

    Parameters
    ----------
    number : int
    rank : int
    """

    number: int
    rank: int

    def sums(self, cells: Moments) -> tuple[Floats, ...]:
        return cells.replicated

    def linear(self, design: Design, aggregate: Any) -> Floats:
        raise DesignError(
            "A statistic known by its influence cannot take given replicate weights from a file.",
            remedy="Read the columns it needs into memory and use mr.Survey there.",
        )

    def rows(self, design: Design, replicate: int) -> Floats:
        raise DesignError(
            "Nobody holds the replicate weights of every row of a file.",
            remedy="Read the columns it needs into memory and use mr.Survey there.",
        )

    def degrees(self, design: Design, rows: Moments) -> Codes | None:
        return rows.degrees


def source(
    files: Files, roles: Roles, kind: Given, book: Codebook, executor: Executor, block_rows: int
) -> Source:
    """Declare a file by the replicate weights it holds."""
    rule = None if roles.lonely_psu == "raise" else roles.lonely_psu
    asked = {
        "strata": roles.strata, "psu": roles.psu, "fpc": roles.fpc, "wave": roles.wave,
        "lonely_psu": rule, "collapse": roles.collapse,
    }  # fmt: skip
    others = [role for role, value in asked.items() if value]
    if others:
        raise DesignError(
            f"replicates= and {', '.join(others)}= were declared together; replicate weights "
            "already hold strata, units and their corrections.",
            remedy="Leave the others out, or leave replicates= out to linearise.",
        )
    names = kind.select(list(files.names), roles.weights)
    work = partial(
        over_frames, partial(_sums, roles, names, kind.combined), _merge, book,
        (roles.weights, *names), block_rows,
    )  # fmt: skip
    found = executor.reduce(files.pieces, work, _merge, "Replicate weights")
    check(found.skeleton, roles)
    _complete(names, found)
    total = float(found.skeleton.table["_weight"].sum())
    check_size(total, found.sums, kind.combined)
    positive = int(found.skeleton.table["_positive"].sum())
    structure = replace(
        one_unit(np.empty(0, dtype=np.intp)), unit_sizes=np.array([files.n_rows])
    )
    plain = of_file(structure, np.array([total]), np.array([positive]), files.n_rows)
    index = UnitIndex((), (), (), np.empty(0, np.intp), structure)
    reader = Reader(
        roles.weights, book, index, block_rows, replicates=names, combined=kind.combined
    )
    read = Source(files, reader, executor, plain)
    rank = int(_ranks(read, Asked("count", ()), (), found.counted, len(names))[0])
    scale = kind.scale_of(len(names))
    facts = given_facts(kind.kind, len(names), scale, kind.rscales, kind.mse, found.negative)
    facts |= {} if kind.scale is None else {"scale_from": "the producer"}
    design = attach(
        plain, Summed(len(names), rank), scale=scale, rscales=kind.rscales, mse=kind.mse,
        df=rank - 1, facts=facts,
    )  # fmt: skip
    return replace(read, design=design)


def numbers(table: Columns, name: str, role: str) -> Floats:
    """A column of the design as numbers."""
    try:
        return table.values(name)
    except DataError as error:
        raise DesignError(
            f"{role}={name!r}: {error.what}",
            remedy="Correct these values in the source file, or name the column that holds them.",
            ar=f"عمود «{name}» يحوي ما ليس رقماً؛ صحّح القيم في الملف أو سمِّ العمود الصحيح.",
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """Of the blocks read: the skeleton of weights; per replicate its sum, rows not finite, rows
    non-zero where the weight is zero, and whether it is non-zero anywhere; negative weights; rows
    of positive weight by block."""

    skeleton: Skeleton
    sums: Floats
    infinite: Codes
    outside: Codes
    alive: NDArray[np.bool_]
    negative: int
    counted: tuple[tuple[int, Codes], ...]


def _sums(
    roles: Roles, names: Sequence[str], combined: bool, table: Columns, first_row: int
) -> _Checked:
    weights = numbers(table, roles.weights, "weights")
    zero, columns = weights == 0, [numbers(table, name, "replicates") for name in names]
    return _Checked(
        learn_weights(weights, first_row),
        np.array([np.sum(c if combined else c * weights) for c in columns]),
        np.array([np.count_nonzero(~np.isfinite(c)) for c in columns]),
        np.array([np.count_nonzero(c[zero]) if combined else 0 for c in columns]),
        np.array([bool(c.any()) for c in columns]),
        sum(int(np.count_nonzero(c < 0)) for c in columns),
        ((first_row, np.array([np.count_nonzero(weights > 0)])),),
    )


def _merge(a: _Checked, b: _Checked) -> _Checked:
    return _Checked(
        a.skeleton.merge(b.skeleton, by_row=True), a.sums + b.sums, a.infinite + b.infinite,
        a.outside + b.outside, a.alive | b.alive, a.negative + b.negative,
        (*a.counted, *b.counted),
    )  # fmt: skip


def _complete(names: Sequence[str], found: _Checked) -> None:
    for name, infinite, outside, alive in zip(
        names, found.infinite, found.outside, found.alive, strict=True
    ):
        if infinite:
            raise DesignError(
                f"{name} is missing or infinite on {int(infinite)} rows.",
                remedy="Complete the replicate weights in the source file; 0 is a row left out.",
            )
        if not alive:
            raise DesignError(
                f"{name} is zero on every row.",
                remedy="Check which columns hold the replicate weights.",
            )
        if outside:
            raise DesignError(
                f"{name} is not zero on {int(outside)} rows whose weight is zero.",
                remedy="Check that the weight and its replicates belong together.",
            )


def with_degrees(read: Source, asked: Asked, by: tuple[str, ...], found: Moments) -> Moments:
    """With the rank of the replicate weights in each domain, less one, as degrees of freedom."""
    assert read.design.replicates is not None
    rank = read.design.replicates.weights.rank
    if found.everyone and not by:
        return replace(found, degrees=np.array([rank - 1], dtype=np.intp))
    ranks = _ranks(read, asked, by, found.counted, rank)
    return replace(found, degrees=np.maximum(ranks - 1, 0))


def _ranks(
    read: Source, asked: Asked, by: tuple[str, ...], counted: tuple[tuple[int, Codes], ...],
    enough: int,
) -> Codes:  # fmt: skip
    """(n_domains,) rank of the replicate weights over the rows that count.

    The rows looked at are those of :func:`masar_research.engine.replicate_rank.rank_of`: a few
    first, and 20,000 evenly spaced ones in a domain where these do not settle it.
    """
    n = np.sum([here for _, here in counted], axis=0)
    out = np.zeros(len(n), dtype=np.intp)
    found = read.run(Picks(asked, by, _chosen(counted, n, 3 * enough)), "Degrees of freedom", True)
    for domain, rows in enumerate(found):
        out[domain] = _rank(rows)
    for domain in np.flatnonzero((out < enough) & (n > 3 * enough)):
        only = np.where(np.arange(len(n)) == domain, n, 0)
        chosen = _chosen(counted, only, MOST)
        out[domain] = _rank(read.run(Picks(asked, by, chosen), "Degrees of freedom", True)[domain])
    return np.minimum(out, enough)


def _chosen(
    counted: tuple[tuple[int, Codes], ...], n: Codes, most: int
) -> dict[int, tuple[Codes, ...]]:
    """First row of a block → for each domain, which of its rows that count are looked at."""
    wanted = [picked(int(size), most) for size in n]
    before = np.zeros(len(n), dtype=np.intp)
    out = {}
    for first_row, here in sorted(counted, key=lambda block: block[0]):
        ends = before + here
        out[first_row] = tuple(
            rows[np.searchsorted(rows, low) : np.searchsorted(rows, high)] - low
            for rows, low, high in zip(wanted, before, ends, strict=True)
        )
        before = ends
    return out


def _rank(factors: Floats) -> int:
    ones = np.ones(len(factors))
    return numerical_rank(list(factors.T), ones, np.arange(len(factors)), False)


@dataclass(frozen=True, slots=True)
class Picks:
    """Replicate factors (weight_r / weight) of some rows of each domain.

    Parameters
    ----------
    asked : Asked
    by : tuple of str
    chosen : dict
        As `_chosen` gives them.
    """

    asked: Asked
    by: tuple[str, ...]
    chosen: dict[int, tuple[Codes, ...]]

    @property
    def columns(self) -> frozenset[str]:
        return MomentPass((self.asked,), self.by).columns

    @property
    def levels(self) -> frozenset[str]:
        return MomentPass((self.asked,), self.by).levels

    def partial(self, block: Block) -> tuple[Floats, ...]:
        domain, n_domains = block.domains(self.by)
        columns, absent = observed(block, self.asked, domain)
        rows, _ = select(
            block.design, columns, absent=absent, domain=domain, n_domains=n_domains,
            mask=block.mask,
        )  # fmt: skip
        given = block.replicates
        assert given is not None
        counted = np.flatnonzero(rows.weights > 0)
        place = np.zeros(len(counted), np.intp) if rows.domain is None else rows.domain[counted]
        out = []
        for d, chosen in enumerate(self.chosen[block.first_row]):
            at = counted[place == d][chosen]
            factors = np.stack([np.asarray(c[at], dtype=np.float64) for c in given.columns], axis=1)
            out.append(factors / block.weights[at][:, None] if given.combined else factors)
        return tuple(out)

    def merge(self, first: tuple[Floats, ...], second: tuple[Floats, ...]) -> tuple[Floats, ...]:
        return tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))

    def finish(self, state: tuple[Floats, ...]) -> tuple[Floats, ...]:
        return state
