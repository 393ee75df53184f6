"""The rows of one block of a file, as the engine wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from masar_research import expressions
from masar_research.codebook import Codebook
from masar_research.columns import Columns
from masar_research.engine.design import Design
from masar_research.engine.replicate_weights import RowWeights
from masar_research.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The levels of a variable in the whole file.

    Parameters
    ----------
    observed : pandas.Index
        Every value that occurs.
    code : ndarray of int (len(observed) + 1,)
        Its code; −1 where it is declared missing, and at the end for blanks.
    levels : tuple
        The value of each code: those the codebook declares first, others after them, sorted.
    """

    observed: pd.Index
    code: NDArray[np.int64]
    levels: tuple[Any, ...]

    @classmethod
    def of(cls, name: str, values: pd.Series, codebook: Codebook) -> Levels:
        """From the distinct values of the file, blanks left out."""
        coded = Columns(pd.DataFrame({name: values}), codebook).coded(name)
        return cls(pd.Index(values.to_numpy()), np.append(coded.codes, -1), coded.levels)

    def encode(self, raw: NDArray[Any]) -> NDArray[np.int64]:
        """(n,) codes of values, −1 where missing."""
        return self.code[self.observed.get_indexer(pd.Index(raw))]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of a file.

    Parameters
    ----------
    table : Columns
        The columns read, by name.
    all_levels : mapping of str to Levels
        Levels of the variables read as codes, known to the whole file.
    design : Design
        Weights of these rows over the units of the whole sample: `unit` has global codes,
        `n_units` is that of the sample, `unit_weights` and `unit_rows` count these rows only.
        Engine kernels run on it unchanged, and their sums by unit add up over the blocks.
    mask : ndarray of bool (n_rows,) or None
        The subpopulation; None for everybody.
    first_row : int
        Position of the first row in the file.
    replicates : RowWeights or None
        Replicate weights as the producer delivers them.
    groups : tuple of (ndarray (n_rows,), int, ndarray (n_rows,))
        Codes, number of codes and factor by which a calibrated variance needs sums; see
        `passes.Reweighting`.
    """

    table: Columns
    all_levels: Mapping[str, Levels]
    design: Design
    mask: NDArray[np.bool_] | None
    first_row: int
    replicates: RowWeights | None = None
    groups: tuple[tuple[NDArray[Any], int, Floats], ...] = ()

    @property
    def n_rows(self) -> int:
        return self.design.n_rows

    @property
    def weights(self) -> Floats:
        """(n_rows,) weights ≥ 0; the mask is not in them."""
        return self.design.weights

    @property
    def unit(self) -> NDArray[np.intp]:
        """(n_rows,) dense codes over the units of the whole sample."""
        return self.design.unit

    def values(self, name: str) -> Floats:
        """(n_rows,) float64 of a variable; NaN where blank or a code declared missing."""
        return self.table.values(name)

    def raw(self, name: str) -> NDArray[Any]:
        """(n_rows,) the column as it stands."""
        return self.table.raw(name)

    def codes(self, name: str) -> NDArray[np.int64]:
        """(n_rows,) codes of a variable against `levels` of the whole file, −1 where missing."""
        return self._known(name).encode(self.table.raw(name))

    def levels(self, name: str) -> tuple[Any, ...]:
        """The value of each code in `codes`."""
        return self._known(name).levels

    def domains(self, by: Sequence[str]) -> tuple[NDArray[np.int64] | None, int]:
        """(n_rows,) cell of each row, first variable slowest, −1 where any is missing; their number."""
        if not by:
            return None, 1
        number, out = 1, np.zeros(self.n_rows, dtype=np.int64)
        bad = np.zeros(self.n_rows, dtype=bool)
        for name in by:
            codes, size = self.codes(name), len(self.levels(name))
            bad |= codes < 0
            out = out * size + codes
            number *= size
        out[bad] = -1
        return out, number

    def truth(self, expression: str) -> NDArray[np.bool_]:
        """(n_rows,) where an expression is known to be true."""
        return expressions.truth(expression, self.table.raw, self.table.codebook.missing_kinds)

    def _known(self, name: str) -> Levels:
        if name not in self.all_levels:
            raise DataError(
                f"The levels of {name!r} were not learnt before this pass.",
                remedy="Name it in the levels of the pass.",
            )
        return self.all_levels[name]
