"""The data of a model: its matrix, and the matrices of other worlds."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec, model_matrix

from masar_research.errors import ModelError

_BLOCK = 65_536
#: Half the distance of a numeric derivative, over the range of the values; smaller beside a bound.
_STEP, _INNER_STEP = 1e-4, 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The data of a model.

    Attributes
    ----------
    X : (n, p) float array
        Zero on rows that are not used.
    y : (n,) float array
    used : (n,) bool array
        Rows in the (sub)population with a weight and no missing value.
    data : pandas.DataFrame
        Predictors of the used rows; categorical ones hold codes, reference first.
    spec : formulaic.ModelSpec
    lost : int
        Rows of the (sub)population with a weight that miss a variable of the model.
    missing : mapping
        Variable → rows lost because it is missing (a row may be counted under several).
    references : mapping
        Categorical variable → reference code.
    absent : mapping
        Categorical variable → declared codes without a fitted row, left out.
    offset : (n,) float array or None
        Sum of the offsets; zero on rows that are not used.
    offsets : tuple of str
        Their expressions.
    kept : (p,) int array or None
        Columns of ``spec`` that X holds, where collinear ones were dropped.
    """

    X: np.ndarray
    y: np.ndarray
    used: np.ndarray
    data: pd.DataFrame
    spec: ModelSpec
    lost: int
    missing: Mapping[str, int]
    references: Mapping[str, Any]
    absent: Mapping[str, tuple[Any, ...]]
    offset: np.ndarray | None = None
    offsets: tuple[str, ...] = ()
    kept: np.ndarray | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Column names of X."""
        names = tuple(self.spec.column_names)
        return names if self.kept is None else tuple(names[j] for j in self.kept)

    @property
    def terms(self) -> dict[str, tuple[int, ...]]:
        """Term of the formula → its columns of X; "1" is the constant."""
        place = {name: j for j, name in enumerate(self.names)}
        names = self.spec.column_names
        return {
            str(term): tuple(place[names[j]] for j in columns if names[j] in place)
            for term, columns in self.spec.term_indices.items()
        }

    def without(self, dropped: Collection[int]) -> Matrix:
        """The matrix less some of its columns."""
        kept = np.setdiff1d(np.arange(self.X.shape[1]), list(dropped))
        return replace(self, X=np.ascontiguousarray(self.X[:, kept]), kept=kept)

    def world(self, changes: Mapping[str, Any]) -> np.ndarray:
        """(n, p) matrix with some variables set for everybody used.

        Parameters
        ----------
        changes : mapping
            Variable → a code, a number, or (n_used,) numbers.
        """
        touched = [term for term in self.spec.terms if _names_of(term) & set(changes)]
        if not touched:
            return self.X
        part = self.spec.subset(touched)
        data = self._changed(changes)
        place = {name: j for j, name in enumerate(self.names)}
        columns = [(j, place[name]) for j, name in enumerate(part.column_names) if name in place]
        own, target = [j for j, _ in columns], [j for _, j in columns]
        X = self.X.copy()
        rows = None if bool(self.used.all()) else np.flatnonzero(self.used)
        for first in range(0, len(data), _BLOCK):
            block = slice(first, first + _BLOCK)
            found = np.asarray(part.get_model_matrix(data.iloc[block]), dtype=float)[:, own]
            if rows is None:
                X[block, target] = found
            else:
                X[np.ix_(rows[block], target)] = found
        return X

    def offset_of(self, changes: Mapping[str, Any]) -> np.ndarray | None:
        """(n,) offset with some variables set for everybody used; None without one."""
        if not any(set(changes) & names_in(expr) for expr in self.offsets):
            return self.offset
        return offset_values(self.offsets, self._changed(changes), self.used)

    def around(self, name: str) -> tuple[np.ndarray, np.ndarray, float]:
        """Values of a numeric predictor a little above and below its own, and how far they are apart.

        A spline with bounds is known between its least and its largest value only: there the pair of
        a row near an end is moved inside.

        Returns
        -------
        above, below : (n_used,) float arrays
        apart : float
        """
        values = self.data[name].to_numpy(float)
        spread = float(np.ptp(values)) or 1.0
        bounded = any("bs(" in factor.expr and name in names_in(factor.expr)
                      for term in self.spec.terms for factor in term.factors)
        if not bounded:
            step = _STEP * spread
            return values + step, values - step, 2 * step
        step = _INNER_STEP * spread
        inside = np.clip(values, values.min() + step, values.max() - step)
        return inside + step, inside - step, 2 * step

    def alone(self, name: str) -> int | None:
        """The column of a variable that enters as itself, in no other term and no offset; else None."""
        touched = [term for term in self.spec.terms if name in _names_of(term)]
        if len(touched) != 1 or str(touched[0]) != name or any(name in names_in(expr) for expr in self.offsets):
            return None
        return self.names.index(name) if name in self.names else None

    def rows_of(self, data: pd.DataFrame) -> np.ndarray:
        """(m, p) rows of X for other data, coded as :attr:`data` is."""
        found = np.asarray(self.spec.get_model_matrix(data), dtype=float)
        return found if self.kept is None else found[:, self.kept]

    def _changed(self, changes: Mapping[str, Any]) -> pd.DataFrame:
        data = self.data.copy(deep=False)
        for name, value in changes.items():
            column = self.data[name]
            if isinstance(column.dtype, pd.CategoricalDtype):
                code = list(column.cat.categories).index(value)
                codes = np.full(len(data), code)
                data[name] = pd.Categorical.from_codes(codes, dtype=column.dtype)
            else:
                data[name] = np.broadcast_to(np.asarray(value, dtype=float), len(data)).copy()
        return data


def _names_of(term: Any) -> set[str]:
    return set().union(*(names_in(factor.expr) for factor in term.factors))


def names_in(expr: str) -> set[str]:
    """Variables that a factor of a formula names."""
    tree = ast.parse(expr.strip("`"), mode="eval")
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called


def offset_values(offsets: Sequence[str], data: pd.DataFrame, used: np.ndarray) -> np.ndarray | None:
    """(n,) sum of offsets from the data of the used rows, zero elsewhere; None without any.

    Raises
    ------
    ModelError
        An offset that is not finite: the logarithm of an exposure of zero.
    """
    if not offsets:
        return None
    total = np.zeros(len(data))
    for expr in offsets:
        with np.errstate(all="ignore"):
            found = model_matrix(f"0 + I({expr})", data, output="numpy", na_action="ignore", context={})
        total += np.asarray(found, dtype=float)[:, 0]
    bad = int((~np.isfinite(total)).sum())
    if bad:
        raise ModelError(
            f"The offset {' + '.join(offsets)} is not finite on {bad} fitted rows.",
            remedy="An exposure must be above zero: leave these rows out with .where(...), or correct them.",
            ar="قيمة التعرّض (offset) يجب أن تكون أكبر من صفر في كل السجلات؛ استبعد السجلات الأخرى أو صحّحها.",
        )
    out = np.zeros(used.size)
    out[used] = total
    return out


def filled(spec: ModelSpec, data: pd.DataFrame, used: np.ndarray) -> np.ndarray:
    """(n, p) matrix: the rows of ``data`` where ``used``, zero elsewhere; built block by block.

    A formula of numeric variables as they are needs no more than their columns.
    """
    everyone = bool(used.all())
    X = (np.empty if everyone else np.zeros)((used.size, len(spec.column_names)))
    place = None if everyone else np.flatnonzero(used)
    plain = _plain(spec, data)
    for first in range(0, len(data), _BLOCK):
        rows = slice(first, first + _BLOCK)
        if plain is not None:
            block = X[rows] if place is None else np.empty((len(place[rows]), X.shape[1]))
            for j, column in enumerate(plain):
                block[:, j] = 1.0 if column is None else column[rows]
            if place is not None:
                X[place[rows]] = block
            continue
        part = np.asarray(spec.get_model_matrix(data.iloc[rows]), dtype=float)
        X[rows if place is None else place[rows]] = part
    return X


def _plain(spec: ModelSpec, data: pd.DataFrame) -> list[np.ndarray | None] | None:
    """The variable of each column, None for the constant; None where a column is more than a variable."""
    numeric = {name for name in data.columns if not isinstance(data[name].dtype, pd.CategoricalDtype)}
    names = list(spec.column_names)
    terms = ["Intercept" if str(term) == "1" else str(term) for term in spec.terms]
    if names != terms or not set(names) <= numeric | {"Intercept"}:
        return None
    return [None if name == "Intercept" else data[name].to_numpy(float) for name in names]
