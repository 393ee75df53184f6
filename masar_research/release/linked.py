"""Which hidden figures a reader could work out from the shown ones: the auditor.

Figures are linked by sums: a total and its parts. A hidden figure is recoverable when the
equations and the shown figures leave it one value only, either by algebra alone or because
counts cannot be negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from masar_research.errors import ReleaseError

TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Table:
    """A group of linked figures: `total` is made up of `parts`.

    Attributes
    ----------
    total : str or None
        Address of the whole; None when the reader knows it anyway, as with shares that add up
        to 100 %.
    parts : tuple of str
        Addresses of figures that together make the whole, without overlap.
    """

    total: str | None
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts or len(set(self.parts)) != len(self.parts) or self.total in self.parts:
            raise ReleaseError(
                f"A linked group has total {self.total!r} and parts {list(self.parts)}.",
                remedy="Name at least one part, each once, and never the total among them.",
            )

    def renamed(self, keys: Mapping[str, str]) -> Table:
        """The same group in other names; unknown names stay."""
        total = None if self.total is None else keys.get(self.total, self.total)
        return Table(total, tuple(keys.get(part, part) for part in self.parts))


@dataclass(frozen=True, slots=True)
class System:
    """The equations of all groups: ``matrix`` (groups × keys), total −1, parts +1."""

    keys: tuple[str, ...]
    matrix: np.ndarray
    constant: np.ndarray

    @classmethod
    def of(cls, tables: Iterable[Table]) -> System:
        tables = list(dict.fromkeys(tables))
        keys = dict.fromkeys(k for t in tables for k in (*t.parts, t.total) if k is not None)
        place = {key: index for index, key in enumerate(keys)}
        matrix = np.zeros((len(tables), len(place)))
        for row, table in enumerate(tables):
            for part in table.parts:
                matrix[row, place[part]] = 1.0
            if table.total is not None:
                matrix[row, place[table.total]] = -1.0
        constant = np.array([table.total is None for table in tables], dtype=bool)
        return cls(tuple(keys), matrix, constant)


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a hidden figure is found: the groups used and the shown figures that enter."""

    key: str
    groups: tuple[int, ...]
    shown: tuple[str, ...]


def derivations(
    system: System, hidden: frozenset[str], counts: Mapping[str, float] | None = None
) -> tuple[Derivation, ...]:
    """Every hidden figure the shown ones give away, with the way it is done.

    Parameters
    ----------
    system : System
    hidden : frozenset of str
        Keys without a published value.
    counts : mapping, optional
        Unweighted counts behind the figures, published beside them. Where every figure of a
        group has one, the bounds "not negative" are audited too.

    Notes
    -----
    With ``A`` the columns of the hidden figures, figure ``j`` is determined iff ``e_j`` lies
    in the row space of ``A``, that is iff the j-th diagonal of ``A⁺A`` is 1; row j of ``A⁺``
    transposed names the groups used. With counts, each remaining figure is minimised and
    maximised over ``A x = b, x ≥ 0``: an interval narrower than one person gives it away.
    """
    columns = [index for index, key in enumerate(system.keys) if key in hidden]
    if not columns:
        return ()
    a = system.matrix[:, columns]
    inverse = np.linalg.pinv(a, rcond=1e-10)
    certain = np.einsum("jt,tj->j", inverse, a) > 1 - TOLERANCE
    found = []
    for position in np.flatnonzero(certain):
        used = np.abs(inverse[position]) > TOLERANCE
        found.append(_derivation(system, columns, columns[position], used))
    if counts:
        narrow = _narrow(system, columns, counts)
        for position in np.flatnonzero(narrow & ~certain):
            used = system.matrix[:, columns[position]] != 0
            found.append(_derivation(system, columns, columns[position], used))
    return tuple(found)


def _derivation(system: System, hidden: Sequence[int], column: int, used: np.ndarray) -> Derivation:
    enters = (system.matrix[used] != 0).any(axis=0)
    enters[list(hidden)] = False
    shown = tuple(system.keys[index] for index in np.flatnonzero(enters))
    return Derivation(system.keys[column], tuple(int(i) for i in np.flatnonzero(used)), shown)


def _narrow(system: System, columns: list[int], counts: Mapping[str, float]) -> np.ndarray:
    """Whether non-negative counts leave a hidden one less than one person of room."""
    known = np.array([counts.get(key, np.nan) for key in system.keys], dtype=float)
    counted = np.array([np.isfinite(known[row != 0]).all() for row in system.matrix])
    rows = counted & ~system.constant & (np.abs(system.matrix @ np.nan_to_num(known)) < 0.5)
    rows &= (system.matrix[:, columns] != 0).any(axis=1)
    answer = np.zeros(len(columns), dtype=bool)
    if not rows.any():
        return answer
    from scipy.optimize import linprog

    a = system.matrix[np.ix_(rows, columns)]
    b = a @ known[columns]
    for position in np.flatnonzero((a != 0).any(axis=0)):
        cost = np.zeros(len(columns))
        cost[position] = 1.0
        ends = [linprog(sign * cost, A_eq=a, b_eq=b, bounds=(0, None)) for sign in (1, -1)]
        if ends[0].status == 0 and ends[1].status == 0:
            answer[position] = -ends[1].fun - ends[0].fun < 1 - 1e-6
    return answer


def recoverable(
    tables: Iterable[Table], decisions: pd.DataFrame, counts: Mapping[str, float] | None = None
) -> frozenset[str]:
    """The auditor: addresses of suppressed cells that the shown ones give away.

    Parameters
    ----------
    tables : iterable of Table
        The linked groups, in addresses.
    decisions : DataFrame
        Columns ``address`` and ``status``, optionally ``same_as`` (cells with one key are one
        figure). A figure shown anywhere is known.
    counts : mapping, optional
        Address → unweighted count published beside the figure.

    Examples
    --------
    >>> decisions = pd.DataFrame({"address": ["all", "a", "b", "c"],
    ...                           "status": ["show", "suppress", "show", "show"]})
    >>> sorted(recoverable([Table("all", ("a", "b", "c"))], decisions))
    ['a']
    """
    same = decisions["same_as"] if "same_as" in decisions.columns else decisions["address"]
    keys = dict(zip(decisions["address"], same, strict=True))
    shown = {keys[address] for address in decisions.loc[decisions["status"] != "suppress", "address"]}
    system = System.of(table.renamed(keys) for table in tables)
    hidden = frozenset(system.keys) - shown
    by_key = {keys.get(address, address): value for address, value in (counts or {}).items()}
    given_away = {found.key for found in derivations(system, hidden, by_key)} | (
        shown & set(keys.values())
    )
    concealed = decisions["status"] == "suppress"
    return frozenset(
        address for address in decisions.loc[concealed, "address"] if keys[address] in given_away
    )
