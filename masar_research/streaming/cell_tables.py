"""The weighted table of joint cells: all that raking has to know of a file.

Rows that agree in the variables of the weighting steps get one factor. A pass sums the weights by
sampling unit and joint cell; the steps are taken on that table, and a row's weight is its own
times the factor of its cell, made when the row is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from masar_research import expressions
from masar_research.codebook import Codebook
from masar_research.errors import WeightingError
from masar_research.streaming.blocks import Block
from masar_research.streaming.blocks import Levels as FileLevels

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_DENSE = 8_000_000
_MOST_KEYS = 2**62
# Pairs of unit and cell whose weights are held in memory, some 60 bytes each while they are summed.
_MOST_PAIRS = 20_000_000


@dataclass(frozen=True, slots=True)
class Key:
    """What tells joint cells apart.

    Parameters
    ----------
    names : tuple of str
        Variables, by their levels in the whole file; a missing value is a level of its own.
    sizes : tuple of int
        Number of levels of each.
    conditions : tuple of str
        Conditions, each true, false or unknown on a row.
    carried : tuple of str
        Variables of the conditions, of which a cell keeps the values of one row.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    conditions: tuple[str, ...]
    carried: tuple[str, ...]

    @classmethod
    def of(
        cls, names: Sequence[str], conditions: Sequence[str], levels: Mapping[str, FileLevels],
        codebook: Codebook,
    ) -> Key:  # fmt: skip
        """Variables and conditions as the cells need them."""
        carried = dict.fromkeys(
            name for text in conditions for name in sorted(expressions.parse(text).names)
        )
        split = dict.fromkeys(names)
        split |= dict.fromkeys(n for n in carried if n in codebook and codebook[n].categories)
        made = cls(
            tuple(split), tuple(len(levels[name].levels) for name in split),
            tuple(dict.fromkeys(conditions)), tuple(carried),
        )  # fmt: skip
        if made.room >= _MOST_KEYS:
            raise WeightingError(
                f"{', '.join(made.names)} have {made.room:.1e} joint categories; no table of them can "
                "be numbered.",
                remedy="Weight by variables with fewer categories (age groups rather than ages).",
                ar="فئات متغيرات الترجيح المتقاطعة أكثر من أن تُرقَّم؛ استعمل متغيرات بفئات أقل.",
            )
        return made

    @property
    def room(self) -> float:
        """Number of keys that could occur."""
        return float(np.prod([size + 1 for size in self.sizes], dtype=float) * 3.0 ** len(self.conditions))

    @property
    def columns(self) -> frozenset[str]:
        """Variables read."""
        return frozenset((*self.names, *self.carried))

    def read(self, block: Block) -> Codes:
        """(n_rows,) key of each row."""
        key = np.zeros(block.n_rows, dtype=np.int64)
        for condition in self.conditions:
            true = block.truth(condition)
            key = key * 3 + np.where(true, 1, np.where(block.truth(f"not ({condition})"), 0, 2))
        for name, size in zip(self.names, self.sizes, strict=True):
            key *= size + 1
            key += block.codes(name)
            key += 1
        return key

    def codes(self, keys: Codes) -> dict[str, Codes]:
        """Codes of each variable, −1 where missing, of keys (k,)."""
        out, left = {}, keys
        for name, size in zip(reversed(self.names), reversed(self.sizes), strict=True):
            left, own = np.divmod(left, size + 1)
            out[name] = own - 1
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Weights by joint cell and sampling unit.

    Parameters
    ----------
    table : DataFrame
        ``key, unit, weight, n`` (rows of positive weight), one row per pair that occurs.
    carried : DataFrame
        ``_key`` and the carried variables of a row of each cell.
    """

    table: pd.DataFrame
    carried: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Tabulate:
    """The pass that sums weights by joint cell and unit."""

    key: Key

    @property
    def columns(self) -> frozenset[str]:
        return self.key.columns

    @property
    def levels(self) -> frozenset[str]:
        return frozenset(self.key.names)

    def partial(self, block: Block) -> Pairs:
        code, keys = pd.factorize(self.key.read(block))
        n_units = block.design.n_units
        pair = code.astype(np.int64) * n_units + block.unit
        if len(keys) * n_units <= _DENSE:
            rows = np.bincount(pair, minlength=len(keys) * n_units)
            found = np.flatnonzero(rows)
            weight = np.bincount(pair, block.weights, rows.size)[found]
            n = np.bincount(pair, block.weights > 0, rows.size)[found]
        else:
            place, found = pd.factorize(pair)
            weight = np.bincount(place, block.weights, found.size)
            n = np.bincount(place, block.weights > 0, found.size)
        table = pd.DataFrame({
            "key": keys[found // n_units], "unit": found % n_units, "weight": weight,
            "n": n.astype(np.int64),
        })  # fmt: skip
        first = np.zeros(len(keys), dtype=np.intp)
        first[code[::-1]] = np.arange(block.n_rows)[::-1]
        carried = {name: block.raw(name)[first] for name in self.key.carried}
        return Pairs(table, pd.DataFrame({"_key": keys} | carried))

    def merge(self, first: Pairs, second: Pairs) -> Pairs:
        table = pd.concat([first.table, second.table], ignore_index=True)
        table = table.groupby(["key", "unit"], as_index=False, sort=True).sum()
        if len(table) > _MOST_PAIRS:
            raise WeightingError(
                f"More than {_MOST_PAIRS:,} pairs of sampling unit and joint weighting cell; their "
                "weights would be held in memory.",
                remedy="Declare psu=, or weight by variables with fewer categories.",
                ar="عدد أزواج وحدات المعاينة وخلايا الترجيح أكبر مما تتسع له الذاكرة؛ اذكر psu= أو استعمل متغيرات "
                "بفئات أقل.",
            )
        carried = pd.concat([first.carried, second.carried], ignore_index=True)
        return Pairs(table, carried.drop_duplicates("_key", ignore_index=True))

    def finish(self, state: Pairs) -> Table:
        pairs = state.table.sort_values(["key", "unit"], ignore_index=True)
        keys, cell = np.unique(pairs["key"].to_numpy(), return_inverse=True)
        weight, n = pairs["weight"].to_numpy(), pairs["n"].to_numpy()
        return Table(
            key=self.key, keys=keys, weight=np.bincount(cell, weight, keys.size),
            interviews=np.bincount(cell, n, keys.size).astype(np.int64),
            carried=state.carried.set_index("_key").loc[keys].reset_index(drop=True),
            unit=pairs["unit"].to_numpy(), cell=cell, pair_weight=weight, pair_rows=n,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The joint cells of a file.

    Parameters
    ----------
    key : Key
    keys : ndarray of int (n_cells,)
        Sorted.
    weight : ndarray (n_cells,)
    interviews : ndarray of int (n_cells,)
        Rows of positive weight.
    carried : DataFrame, n_cells rows
    unit, cell : ndarray of int (n_pairs,)
        Of each pair that occurs.
    pair_weight : ndarray (n_pairs,)
    pair_rows : ndarray of int (n_pairs,)
    """

    key: Key
    keys: Codes
    weight: Floats
    interviews: Codes
    carried: pd.DataFrame
    unit: Codes
    cell: Codes
    pair_weight: Floats
    pair_rows: Codes

    def frame(self, levels: Mapping[str, FileLevels]) -> pd.DataFrame:
        """One row per cell with the variables as a survey holds them."""
        codes = self.key.codes(self.keys)
        columns: dict[str, Any] = {}
        for name in self.key.names:
            values = [*levels[name].levels, None]
            columns[name] = pd.Series([values[code] for code in codes[name]])
        return pd.DataFrame(columns | {name: self.carried[name] for name in self.carried})

    def places(self, keys: Codes) -> Codes:
        """(n,) cell of each key."""
        span = int(self.keys[-1]) + 1
        if span > _DENSE:
            return np.searchsorted(self.keys, keys)
        lookup = np.full(span, -1, dtype=np.int64)
        lookup[self.keys] = np.arange(self.keys.size)
        return lookup[keys]

    def pairs(self, cell: Codes, unit: Codes) -> Codes:
        """(n,) pair of each row's cell and unit; every one occurs."""
        n_units = int(self.unit.max()) + 1
        known = self.cell * n_units + self.unit
        asked = cell * n_units + unit
        if self.keys.size * n_units > _DENSE:
            return np.searchsorted(known, asked)
        lookup = np.full(self.keys.size * n_units, -1, dtype=np.int64)
        lookup[known] = np.arange(known.size)
        return lookup[asked]
