"""The passes of a regression over a file: what its predictors are, and the sums scoring asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from masar_research.engine import scoring
from masar_research.engine.auxiliary import row_sums
from masar_research.engine.design import Design
from masar_research.engine.replicate_weights import RowWeights
from masar_research.engine.replicates import ReplicateWeights
from masar_research.engine.scoring import Answer, Evaluate, Family, Question
from masar_research.models.fitting import refuse_negative
from masar_research.models.formula import Levels, Parsed, unbuilt
from masar_research.streaming.blocks import Block
from masar_research.streaming.raked_replicates import PairFactors

Floats = NDArray[np.float64]

# Rows whose design matrix is formed at once.
_ROWS = 65_536
_DISTINCT = 7


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a model, by how they are read."""

    outcome: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        """All of them."""
        return frozenset((self.outcome, *self.numeric, *self.categorical))

    def read(self, block: Block) -> tuple[dict[str, Any], Floats, dict[str, Any]]:
        """Predictors (codes or values), the outcome, and by variable where it is known."""
        values: dict[str, Any] = {name: block.values(name) for name in self.numeric}
        values |= {name: block.codes(name) for name in self.categorical}
        y = block.values(self.outcome)
        known = {name: np.isfinite(values[name]) for name in self.numeric}
        known |= {name: values[name] >= 0 for name in self.categorical}
        return values, y, known | {self.outcome: np.isfinite(y)}


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What the first pass of a model sees.

    Parameters
    ----------
    population, used : int
        Rows of the subpopulation with a weight; those of them without a missing variable.
    missing, infinite : dict of str to int
        By variable.
    counts : dict of str to ndarray of int
        Used rows by level of the categorical predictors.
    observed : ndarray
        Smallest distinct outcomes of the used rows, sorted.
    first : DataFrame
        The first two used rows, ``_y`` and ``_w`` with them.
    sample : DataFrame
        Used rows at every `Look.thin`-th place of the file.
    """

    population: int
    used: int
    missing: dict[str, int]
    infinite: dict[str, int]
    counts: dict[str, NDArray[np.intp]]
    observed: Floats
    first: pd.DataFrame
    sample: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Look:
    """The first pass: rows, levels and missing values, and a thinned sample to start from."""

    variables: Variables
    thin: int

    @property
    def columns(self) -> frozenset[str]:
        return self.variables.columns

    @property
    def levels(self) -> frozenset[str]:
        return frozenset(self.variables.categorical)

    def partial(self, block: Block) -> Looked:
        values, y, known = self.variables.read(block)
        population = block.weights > 0
        if block.mask is not None:
            population = population & block.mask
        used = population.copy()
        for rows in known.values():
            used &= rows
        numbers = {name: values[name] for name in self.variables.numeric}
        every = slice(-block.first_row % self.thin, None, self.thin) if self.thin else slice(0, 0)
        chosen = np.zeros(block.n_rows, bool)
        chosen[every] = True

        def rows_at(at: NDArray[np.intp]) -> pd.DataFrame:
            every = values | {"_y": y, "_w": block.weights}
            return pd.DataFrame({name: column[at] for name, column in every.items()})

        return Looked(
            population=int(population.sum()), used=int(used.sum()),
            missing={name: int((population & ~rows).sum()) for name, rows in known.items()},
            infinite={
                name: int(np.isinf(column).sum())
                for name, column in {**numbers, self.variables.outcome: y}.items()
            },
            counts={
                name: np.bincount(values[name][used], minlength=len(block.levels(name)))
                for name in self.variables.categorical
            },
            observed=np.unique(y[used])[:_DISTINCT],
            first=rows_at(np.flatnonzero(used)[:2]),
            sample=rows_at(np.flatnonzero(chosen & used)),
        )  # fmt: skip

    def merge(self, first: Looked, second: Looked) -> Looked:
        return Looked(
            first.population + second.population, first.used + second.used,
            {name: n + second.missing[name] for name, n in first.missing.items()},
            {name: n + second.infinite[name] for name, n in first.infinite.items()},
            {name: n + second.counts[name] for name, n in first.counts.items()},
            np.union1d(first.observed, second.observed)[:_DISTINCT],
            pd.concat([first.first, second.first]).iloc[:2],
            pd.concat([first.sample, second.sample]),
        )  # fmt: skip

    def finish(self, state: Looked) -> Looked:
        return state


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """Predictors as columns, the same in every block.

    Parameters
    ----------
    variables : Variables
    parsed : Parsed
    chosen : mapping of str to Levels
        Levels of the categorical predictors, reference first.
    spec : formulaic.ModelSpec
    family : Family
    """

    variables: Variables
    parsed: Parsed
    chosen: Mapping[str, Levels]
    spec: ModelSpec
    family: Family

    def frame(self, values: Mapping[str, Any]) -> pd.DataFrame:
        """Predictors as the formula reads them, from codes and values (n,)."""
        made = {
            name: self.chosen[name].encode(values[name]) if name in self.chosen else values[name]
            for name in self.parsed.names
        }
        length = len(next(iter(values.values()))) if values else 0
        return pd.DataFrame(made, index=pd.RangeIndex(length))

    def matrix(self, data: pd.DataFrame) -> Floats:
        """(n, p) design matrix of some rows."""
        try:
            return np.ascontiguousarray(self.spec.get_model_matrix(data), dtype=float)
        except (FormulaicError, ValueError) as error:
            raise unbuilt(self.parsed, error) from error

    def parts(self, block: Block) -> Iterator[tuple[Floats, Floats, NDArray[np.intp]]]:
        """Design matrix, outcome and places in the block of fitted rows, some at a time."""
        values, y, known = self.variables.read(block)
        used = block.weights > 0
        if block.mask is not None:
            used = used & block.mask
        for rows in known.values():
            used &= rows
        at = np.flatnonzero(used)
        for begin in range(0, at.size, _ROWS):
            rows = at[begin : begin + _ROWS]
            every = {name: column[rows] for name, column in values.items()} or {"_": y[rows]}
            X = self.matrix(self.frame(every))
            finite = np.isfinite(X @ np.ones(X.shape[1]))
            if not finite.all():
                X, rows = X[finite], rows[finite]
            yield X, y[rows], rows


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Answers of some rows, and what else a pass counts.

    Parameters
    ----------
    answers : dict of key to Answer
        Key None for the full sample, r for replicate r.
    n : int
        Fitted rows.
    low, high : float
        Range of the outcome.
    scores : tuple of ndarray or None
        At the last coefficients: (n_units, p) sums of the score and, per group by which a
        calibrated variance needs them, (n_codes, p) more.
    unit_rows : ndarray of int (n_units,) or None
        Fitted rows by unit.
    """

    answers: dict[int | None, Answer]
    n: int
    low: float
    high: float
    scores: tuple[Floats, ...] | None
    unit_rows: NDArray[np.intp] | None


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One pass that answers the questions of the full sample and of any number of replicates.

    Parameters
    ----------
    encoder : Encoder
    questions : dict of key to Question
    replicates : ReplicateWeights or None
        Weights of the replicates made from the design; given ones come with the block.
    """

    encoder: Encoder
    questions: dict[int | None, Question]
    replicates: ReplicateWeights | None = None

    @property
    def columns(self) -> frozenset[str]:
        return self.encoder.variables.columns

    @property
    def levels(self) -> frozenset[str]:
        return frozenset(self.encoder.variables.categorical)

    def partial(self, block: Block) -> Told:
        p = len(self.encoder.spec.column_names)
        empty = (np.empty((0, p)), np.empty(0), np.empty(0, np.intp))
        told = None
        for X, y, rows in self.encoder.parts(block):
            found = self._told(block, X, y, rows)
            told = found if told is None else self.merge(told, found)
        return self._told(block, *empty) if told is None else told

    def _told(self, block: Block, X: Floats, y: Floats, rows: NDArray[np.intp]) -> Told:
        family = self.encoder.family
        answers: dict[int | None, Answer] = {}
        own, under = _of_rows(block, rows)
        repeated = under if self.replicates is None else self.replicates
        if isinstance(repeated, PairFactors):
            repeated = repeated.at(own.unit, block.groups[0][0][rows])
        for key, question in self.questions.items():
            w = own.weights if key is None else repeated.rows(own, key)
            refuse_negative(w)
            counted = slice(None) if key is None else w > 0
            answers[key] = scoring.of_block(question, X[counted], y[counted], w[counted], None, family)
        scores = unit_rows = None
        asked = self.questions.get(None)
        if isinstance(asked, Evaluate) and asked.last:
            eta = scoring.linear_predictor(X, asked.coef, None)
            factor, _, _ = scoring.pieces(eta, y, own.weights, family)
            scores = (row_sums(own.unit, factor, X, own.n_units),) + tuple(
                row_sums(codes[rows], factor * by[rows], X, n) for codes, n, by in block.groups
            )
            unit_rows = np.bincount(own.unit, minlength=own.n_units)
        return Told(answers, y.size, y.min(initial=np.inf), y.max(initial=-np.inf), scores, unit_rows)

    def merge(self, first: Told, second: Told) -> Told:
        answers = {key: told.merge(second.answers[key]) for key, told in first.answers.items()}
        scores = unit_rows = None
        if first.scores is not None and second.scores is not None:
            scores = tuple(a + b for a, b in zip(first.scores, second.scores, strict=True))
            unit_rows = first.unit_rows + second.unit_rows
        return Told(
            answers, first.n + second.n, min(first.low, second.low), max(first.high, second.high),
            scores, unit_rows,
        )  # fmt: skip

    def finish(self, state: Told) -> Told:
        return state


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """Fitted rows by every combination of the categorical predictors and the outcome."""

    encoder: Encoder

    @property
    def columns(self) -> frozenset[str]:
        return self.encoder.variables.columns

    @property
    def levels(self) -> frozenset[str]:
        return frozenset(self.encoder.variables.categorical)

    def partial(self, block: Block) -> pd.DataFrame:
        values, y, known = self.encoder.variables.read(block)
        used = block.weights > 0
        if block.mask is not None:
            used = used & block.mask
        for rows in known.values():
            used &= rows
        names = self.encoder.variables.categorical
        table = pd.DataFrame({name: values[name][used] for name in names} | {"_y": y[used]})
        return _counted(table.assign(_n=1))

    def merge(self, first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
        return _counted(pd.concat([first, second]))

    def finish(self, state: pd.DataFrame) -> pd.DataFrame:
        return state


def _of_rows(block: Block, rows: NDArray[np.intp]) -> tuple[Design, RowWeights | None]:
    """The design and the given replicate weights of some rows of a block."""
    structure = replace(block.design.structure, unit=block.unit[rows])
    design = replace(block.design, weights=block.weights[rows], structure=structure)
    given = block.replicates
    if given is None:
        return design, None
    return design, replace(given, columns=tuple(column[rows] for column in given.columns))


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in table.columns if name != "_n"]
    return table.groupby(keys, as_index=False)["_n"].sum()
