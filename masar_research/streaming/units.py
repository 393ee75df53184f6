"""Units and strata of a sample that is read block by block.

The first reading keeps one row per combination of the design's labels, the *skeleton*; the
structure of the sample is built on it as it is on any survey, and every row finds its unit by its
labels. Where no PSU is declared each row is a unit, and the skeleton is as long as the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from masar_research.columns import Columns
from masar_research.engine.design import Design
from masar_research.engine.encode import combine
from masar_research.engine.groups import first_value
from masar_research.engine.structure import Structure, build
from masar_research.errors import DesignError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# Sampling units whose totals are still held in memory, a few times 16 bytes per unit and domain.
MOST_UNITS = 1_000_000
_SHOWN = 9
_TABLE = 8_000_000


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns of a design, by what they are; `Survey` describes them."""

    weights: str
    strata: str | None = None
    psu: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    lonely_psu: str = "raise"
    collapse: str | None = None
    wave: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns whose values say which unit a row belongs to."""
        outer = [name for name in (self.wave, self.strata) if name is not None]
        return (*outer, *self.stages)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that can contribute to the variance: one below the last with an fpc."""
        return self.psu[: len(self.fpc) + 1]

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns of the skeleton."""
        more = [*self.fpc, *([] if self.collapse is None else [self.collapse])]
        return tuple(dict.fromkeys((*self.keys, *more)))

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """(role, column) of every column named, for messages."""
        single = {"strata": self.strata, "wave": self.wave, "collapse": self.collapse}
        found = [("weights", self.weights)]
        found += [(role, name) for role, name in single.items() if name is not None]
        found += [("psu", name) for name in self.psu] + [("fpc", name) for name in self.fpc]
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """What the first reading learns.

    Parameters
    ----------
    table : DataFrame, s rows
        The columns of `Roles.kept`, one row per combination that occurs, in the order of their
        first row; and ``rows``, ``positive`` (rows of positive weight), ``weight`` (their sum),
        ``first`` (position of the first row).
    wrong : tuple of (str, int, tuple of int)
        Faults of weights and labels: what, how many rows, the first of them.
    """

    table: pd.DataFrame
    wrong: tuple[tuple[str, int, tuple[int, ...]], ...]

    def merge(self, later: Skeleton, by_row: bool) -> Skeleton:
        """This and what the rows after it hold."""
        table = pd.concat([self.table, later.table], ignore_index=True)
        if not by_row:
            table = _compact(table)
        if len(table) > MOST_UNITS:
            raise DesignError(
                f"The sample has more than {MOST_UNITS:,} units whose totals would be held in memory"
                + (": without psu= every row is one." if by_row else "."),
                remedy="Name the primary sampling units in psu=; lower stages count only where fpc= "
                "is declared, and can be left out with it.",
                ar="وحدات المعاينة أكثر مما تتسع له الذاكرة؛ اذكر وحدات المعاينة الأولية في psu=.",
            )
        wrong = {what: (n, rows) for what, n, rows in self.wrong}
        for what, n, rows in later.wrong:
            before, shown = wrong.get(what, (0, ()))
            wrong[what] = (before + n, (*shown, *rows)[:_SHOWN])
        return Skeleton(table, tuple((what, *found) for what, found in wrong.items()))


def learn(columns: Columns, weights: Floats, roles: Roles, first_row: int) -> Skeleton:
    """The skeleton of one block."""
    wrong = _weight_faults(weights, first_row)
    kept = {name: _labels(columns, name) for name in roles.kept}
    for name, labels in kept.items():
        wrong += _fault(name, pd.isna(labels), first_row)
    n = len(weights)
    positive = (weights > 0).astype(np.int64)
    if not roles.psu:
        table = pd.DataFrame(kept | {
            "_rows": np.ones(n, np.int64), "_positive": positive, "_weight": weights,
            "_first": first_row + np.arange(n),
        })  # fmt: skip
        return Skeleton(table, tuple(wrong))
    codes = [pd.factorize(labels)[0].astype(np.intp) + 1 for labels in kept.values()]
    cell = combine(*codes)[0]
    m = int(cell.max()) + 1
    first = first_value(np.arange(n), cell, m)
    table = pd.DataFrame({name: labels.iloc[first].to_numpy() for name, labels in kept.items()})
    table = table.assign(
        _rows=np.bincount(cell, minlength=m), _positive=np.bincount(cell, positive, m).astype(np.int64),
        _weight=np.bincount(cell, weights, m), _first=first_row + first,
    )  # fmt: skip
    return Skeleton(table.sort_values("_first", ignore_index=True), tuple(wrong))


def learn_weights(weights: Floats, first_row: int) -> Skeleton:
    """The skeleton of one block of a sample whose units nobody knows: one row."""
    table = pd.DataFrame({
        "_rows": [len(weights)], "_positive": [np.count_nonzero(weights > 0)],
        "_weight": [weights.sum()], "_first": [first_row],
    })  # fmt: skip
    return Skeleton(table, tuple(_weight_faults(weights, first_row)))


def _weight_faults(weights: Floats, first_row: int) -> list[tuple[str, int, tuple[int, ...]]]:
    out = _fault("missing", np.isnan(weights), first_row)
    out += _fault("infinite", np.isinf(weights), first_row)
    return out + _fault("negative", weights < 0, first_row)


def _labels(columns: Columns, name: str) -> pd.Series:
    """A column of the design; a code declared missing is no unit."""
    raw = pd.Series(columns.raw(name))
    codes = columns.missing_codes(name)
    return raw.mask(raw.isin(list(codes))) if codes else raw


def _fault(what: str, at: Any, first_row: int) -> list[tuple[str, int, tuple[int, ...]]]:
    where = np.flatnonzero(np.asarray(at))
    if not len(where):
        return []
    return [(what, len(where), tuple(int(i) + first_row for i in where[:_SHOWN]))]


def _compact(table: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in table.columns if not name.startswith("_")]
    how = {"_rows": "sum", "_positive": "sum", "_weight": "sum", "_first": "min"}
    grouped = table.groupby(keys, sort=False, dropna=False, observed=True)
    return grouped.agg(how).reset_index()


def check(skeleton: Skeleton, roles: Roles) -> None:
    """Raise what `declare` would of the weights and labels."""
    faults = {what: (n, rows) for what, n, rows in skeleton.wrong}
    for what in ("missing", "infinite", "negative"):
        if what in faults:
            raise DesignError(
                f"Expected weights of zero or more; {faults[what][0]} are {what} "
                f"(rows {_listed(*faults[what])}).",
                remedy="Correct them in the source file, or give weight 0 to rows "
                "that do not belong to the sample.",
            )
    if not skeleton.table["_positive"].any():
        total = int(skeleton.table["_rows"].sum())
        raise DesignError(
            f"Expected at least one positive weight; all {total} are zero.",
            remedy="Check which column holds the weights.",
        )
    for role, name in roles.names:
        if name in faults and role != "fpc":
            raise DesignError(
                f"Expected a label in every row for {role}; {faults[name][0]} are missing "
                f"(rows {_listed(*faults[name])}).",
                remedy=f"Complete {role} in the source file; a row whose place in the sample is "
                "unknown cannot be used.",
            )


def _listed(n: int, rows: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, rows[:8]))
    return shown if n <= 8 else f"{shown} and {n - 8} more"


@dataclass(frozen=True, slots=True, eq=False)
class UnitIndex:
    """From the labels of a row to its unit.

    Parameters
    ----------
    names : tuple of str
        Key columns, outermost first; none where every row is a unit.
    labels : tuple of Index
        The labels of each.
    joint : tuple of ndarray
        For each key after the first, the combinations (code so far × labels + code) that occur.
    unit : ndarray of int
        Unit of each combination of all keys; of each row where `names` is empty.
    structure : Structure
        Of the whole sample; its `unit` stands for no rows.
    """

    names: tuple[str, ...]
    labels: tuple[pd.Index, ...]
    joint: tuple[NDArray[np.int64], ...]
    unit: Codes
    structure: Structure

    def of(self, columns: Columns, first_row: int, n_rows: int) -> Structure:
        """The structure of the sample, over the rows of one block."""
        if not self.names:
            unit = self.unit[first_row : first_row + n_rows] if len(self.unit) else np.zeros(n_rows, np.intp)
        else:
            unit = self.unit[self._cells([columns.raw(name) for name in self.names])]
        return replace(self.structure, unit=unit)

    def _cells(self, values: list[NDArray[Any]]) -> NDArray[np.int64]:
        code = np.zeros(len(values[0]), dtype=np.int64)
        for place, (labels, raw) in enumerate(zip(self.labels, values, strict=True)):
            own = _positions(labels, raw)
            code = own if place == 0 else _find(self.joint[place - 1], code * len(labels) + own)
        return code


def _positions(labels: pd.Index, raw: NDArray[Any]) -> NDArray[np.int64]:
    """Position of each value among labels; every one occurs."""
    if raw.dtype.kind in "iu" and labels.dtype.kind in "iu" and len(labels):
        low, span = int(labels[0]), int(labels[-1]) - int(labels[0]) + 1
        if labels.is_monotonic_increasing and span <= _TABLE:
            table = np.full(span, -1, dtype=np.int64)
            table[labels.to_numpy() - low] = np.arange(len(labels))
            return table[raw - low]
    return labels.get_indexer(pd.Index(raw))


def _find(known: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.int64]:
    span = int(known[-1]) + 1
    if span > _TABLE:
        return np.searchsorted(known, asked)
    table = np.full(span, -1, dtype=np.int64)
    table[known] = np.arange(len(known))
    return table[asked]


def index(skeleton: Skeleton, roles: Roles, n_rows: int) -> tuple[UnitIndex, Design]:
    """Build the structure of the sample, and the design of the whole file.

    The design holds what is known by unit; its weights by row are NaN, for nobody has them.
    """
    table = skeleton.table

    def column(name: str | None) -> Any:
        return None if name is None else table[name].to_numpy()

    structure = build(
        len(table), strata=column(roles.strata), psu=tuple(column(name) for name in roles.stages),
        fpc=tuple(column(name) for name in roles.fpc), lonely=roles.lonely_psu,
        wave=column(roles.wave), collapse=column(roles.collapse), rows=column("_first"),
    )  # fmt: skip
    unit, n_units = structure.unit, structure.n_units

    def by_unit(name: str) -> NDArray[Any]:
        sums = np.bincount(unit, table[name].to_numpy(), n_units)
        return sums if name == "_weight" else sums.astype(np.intp)

    rows, positive = by_unit("_rows"), by_unit("_positive")
    clustered = bool(roles.psu) and structure.facts["psus"] < n_rows
    structure = replace(
        structure, unit=np.empty(0, np.intp), unit_sizes=rows,
        facts={**structure.facts, "clustered": clustered},
    )  # fmt: skip
    whole = of_file(structure, by_unit("_weight"), positive, n_rows)
    if not roles.psu:
        return UnitIndex((), (), (), unit, structure), whole
    labels, joint, code = [], [], np.zeros(len(table), dtype=np.int64)
    for place, name in enumerate(roles.keys):
        level = pd.Index(table[name].unique())
        if level.dtype.kind in "iuf":
            level = level.sort_values()
        own = level.get_indexer(pd.Index(table[name]))
        if place == 0:
            code = own
        else:
            known, code = np.unique(code * len(level) + own, return_inverse=True)
            joint.append(known)
        labels.append(level)
    unit_of = first_value(unit, code, int(code.max()) + 1)
    return UnitIndex(roles.keys, tuple(labels), tuple(joint), unit_of, structure), whole


def of_file(
    structure: Structure, unit_weights: Floats, unit_rows: Codes, n_rows: int
) -> Design:
    """The design of a whole file, known by unit only.

    What stands for its rows takes no memory and cannot be mistaken for data: weights of NaN,
    units of −1.
    """
    return Design(
        weights=np.broadcast_to(np.float64(np.nan), (n_rows,)),
        structure=replace(structure, unit=np.broadcast_to(np.intp(-1), (n_rows,))),
        unit_weights=unit_weights, unit_rows=unit_rows,
        all_positive=bool(unit_rows.sum() == n_rows), calibration=None,
    )  # fmt: skip


def of_block(structure: Structure, weights: Floats) -> Design:
    """The design of one block: its weights over the units of the sample."""
    unit, n_units = structure.unit, structure.n_units
    return Design(
        weights=weights, structure=structure, unit_weights=np.bincount(unit, weights, n_units),
        unit_rows=np.bincount(unit[weights > 0], minlength=n_units),
        all_positive=bool(weights.min(initial=1) > 0), calibration=None,
    )  # fmt: skip
