"""A file that is read in passes: pieces, the columns they need, units and levels known before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from masar_research import expressions
from masar_research.codebook import Codebook
from masar_research.columns import Columns
from masar_research.engine.design import Design
from masar_research.engine.replicate_weights import RowWeights
from masar_research.errors import DataError
from masar_research.streaming.blocks import Block, Levels
from masar_research.streaming.executors import Executor
from masar_research.streaming.files import Files, Piece
from masar_research.streaming.passes import Pass, Reweighting
from masar_research.streaming.units import UnitIndex, of_block

Result = TypeVar("Result")

# More distinct values than this are no categories, and would not stay within memory.
_MOST_LEVELS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Everything a worker needs to make blocks of a piece; pickles.

    Parameters
    ----------
    weights : str
    codebook : Codebook
    units : UnitIndex
    block_rows : int
        Rows in memory at once.
    base : tuple of str
        Conditions of the subpopulation.
    reweighting : Reweighting or None
        What makes the weights anew.
    replicates : tuple of str
        Columns of given replicate weights.
    combined : bool
        Whether those are weights; otherwise factors.
    """

    weights: str
    codebook: Codebook
    units: UnitIndex
    block_rows: int
    base: tuple[str, ...] = ()
    reweighting: Reweighting | None = None
    replicates: tuple[str, ...] = ()
    combined: bool = True

    def own_columns(self, replicates: bool) -> frozenset[str]:
        """Columns read in every pass, whatever it asks for."""
        names = {self.weights, *self.units.names, *(self.replicates if replicates else ())}
        for condition in self.base:
            names |= expressions.parse(condition).names
        if self.reweighting is not None:
            names |= self.reweighting.columns
        return frozenset(names)

    def blocks(
        self, piece: Piece, columns: tuple[str, ...], levels: dict[str, Levels]
    ) -> Iterator[Block]:
        """The rows of a piece, block by block."""
        for first_row, frame in piece.frames(columns, self.block_rows):
            yield self._block(first_row, frame, levels)

    def _block(self, first_row: int, frame: pd.DataFrame, levels: dict[str, Levels]) -> Block:
        table = Columns(frame, self.codebook)
        structure = self.units.of(table, first_row, len(frame))
        design = of_block(structure, table.values(self.weights))
        groups: tuple[Any, ...] = ()
        if self.reweighting is not None:
            plain = Block(table, levels, design, None, first_row)
            design = of_block(structure, self.reweighting.weights(plain))
            groups = self.reweighting.groups(replace(plain, design=design))
        mask: NDArray[np.bool_] | None = None
        for condition in self.base:
            true = expressions.truth(condition, table.raw, self.codebook.missing_kinds)
            mask = true if mask is None else mask & true
        given = None
        if self.replicates and self.replicates[0] in frame.columns:
            given = RowWeights(
                tuple(frame[name].to_numpy() for name in self.replicates), self.combined, None
            )
        return Block(table, levels, design, mask, first_row, given, groups)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Files and how they are read; shared by every survey derived from one `scan`.

    Parameters
    ----------
    files : Files
    reader : Reader
    executor : Executor
    design : Design
        Of the whole file, known by unit only.
    known : dict of str to Levels
        Levels learnt so far; they belong to the file, so all derived surveys share them.
    """

    files: Files
    reader: Reader
    executor: Executor
    design: Design
    known: dict[str, Levels] = field(default_factory=dict)

    def run(self, asked: Pass[Any, Result], what: str, replicates: bool = False) -> Result:
        """Read the file once for a pass.

        Parameters
        ----------
        asked : Pass
        what : str
            For the progress bar: "Means", "Raking 3".
        replicates : bool
            Whether the columns of given replicate weights are read too.
        """
        own = self.reader.own_columns(replicates)
        needed = {*asked.levels}
        if self.reader.reweighting is not None:
            needed |= self.reader.reweighting.levels
        levels = self.levels(needed)
        columns = tuple(sorted({*own, *asked.columns, *asked.levels}))
        for name in columns:
            self.files.require(name)
        work = partial(_over_blocks, self.reader, asked, columns, levels)
        return asked.finish(self.executor.reduce(self.files.pieces, work, asked.merge, what))

    def levels(self, names: Iterable[str], most: int = _MOST_LEVELS) -> dict[str, Levels]:
        """Levels of variables, read where not known yet; more than `most` are refused."""
        wanted = tuple(sorted({*names}))
        for name in wanted:
            self.files.require(name)
        unknown = tuple(name for name in wanted if name not in self.known)
        if unknown:
            work = partial(_distinct, unknown, self.reader.block_rows, most)
            union = partial(_union, most)
            found = self.executor.reduce(self.files.pieces, work, union, "Categories")
            for name in unknown:
                self.known[name] = Levels.of(name, found[name], self.reader.codebook)
        return {name: self.known[name] for name in wanted}

    def reading(self, **changes: Any) -> Source:
        """The same file, read with other conditions or weights (fields of `Reader`)."""
        return replace(self, reader=replace(self.reader, **changes))


def _over_blocks(
    reader: Reader, asked: Pass[Any, Any], columns: tuple[str, ...], levels: dict[str, Levels],
    piece: Piece,
) -> Any:  # fmt: skip
    state: Any = None
    for block in reader.blocks(piece, columns, levels):
        found = asked.partial(block)
        state = found if state is None else asked.merge(state, found)
    return state


def over_frames(
    work: Callable[[Columns, int], Any], merge: Callable[[Any, Any], Any], codebook: Codebook,
    columns: tuple[str, ...], block_rows: int, piece: Piece,
) -> Any:  # fmt: skip
    """Fold `work` over the blocks of a piece before units and levels are known."""
    state: Any = None
    for first_row, frame in piece.frames(columns, block_rows):
        found = work(Columns(frame, codebook), first_row)
        state = found if state is None else merge(state, found)
    return state


def _distinct(
    names: tuple[str, ...], block_rows: int, most: int, piece: Piece
) -> dict[str, pd.Series]:
    state: dict[str, pd.Series] = {}
    for _, frame in piece.frames(names, block_rows):
        here = {name: pd.Series(pd.unique(frame[name].dropna().to_numpy())) for name in names}
        state = _union(most, state, here)
    return state


def _union(
    most: int, first: dict[str, pd.Series], second: dict[str, pd.Series]
) -> dict[str, pd.Series]:
    out = {}
    for name, values in second.items():
        parts = [part for part in (first.get(name), values) if part is not None and len(part)]
        out[name] = pd.Series(pd.concat(parts, ignore_index=True).unique()) if parts else values
        if len(out[name]) > most:
            raise DataError(
                f"{name!r} has too many values to be categories: more than {most:,}.",
                remedy="Use a coded variable in by= and proportion(), or mean() and quantile() for numbers.",
                ar=f"قيم «{name}» أكثر من أن تكون فئات؛ استعمل متغيّراً مرمّزاً، أو المتوسط والوسيط للأرقام.",
            )
    return out
