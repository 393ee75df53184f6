"""Replicates of a weighted file: its steps taken again in each, on the table of joint cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from masar_research.engine.design import Design
from masar_research.engine.replicate_weights import AdjustedFactors
from masar_research.engine.replicates import attach
from masar_research.errors import DesignError
from masar_research.replicates import Replicate
from masar_research.streaming.raking import CellFactors, cells_survey, take
from masar_research.weighting.replicates import Retaken, made_facts, make

if TYPE_CHECKING:
    from masar_research.streaming.survey import StreamedSurvey

Floats = NDArray[np.float64]

# Replicates whose cell weights are formed at once.
_TOGETHER = 50


@dataclass(frozen=True, slots=True, eq=False)
class PairFactors:
    """Factors per unit times what the steps taken again give each joint cell, for a file.

    Parameters
    ----------
    of_pairs : AdjustedFactors
        Its rows are the pairs of cell and unit; an estimate brings its sums by pair along.
    """

    of_pairs: AdjustedFactors

    @property
    def number(self) -> int:
        """R."""
        return self.of_pairs.number

    def sums(self, cells: Any) -> tuple[Floats, ...]:
        """(R, n_cells) for each value, from the sums by pair: the second group of `CellFactors`."""
        return tuple(self.of_pairs.expand(part) for part in cells.by(1, self.of_pairs.cell.size, None))

    def linear(self, design: Design, aggregate: Any) -> Floats:
        """(R, m) Σ w_r × influence."""
        return self.of_pairs.expand(aggregate(1, self.of_pairs.cell.size, None))

    def at(self, unit: NDArray[np.intp], cell: NDArray[np.intp]) -> AdjustedFactors:
        """The replicates over rows of a block, by their unit and cell."""
        return replace(self.of_pairs, unit=unit, cell=cell)

    def rows(self, design: Design, replicate: int) -> Floats:
        """Not without the cell of each row: see `at`."""
        raise DesignError(
            "The replicate weights of a weighted file are known by unit and cell, not by row.",
            remedy="Read the columns it needs into memory and use mr.Survey there.",
        )

    def degrees(self, design: Design, rows: Any) -> None:
        """Those of the design's PSUs."""
        return None


def with_steps_repeated(
    survey: StreamedSurvey, kind: Replicate, rng: np.random.Generator | None
) -> StreamedSurvey:
    """Replicates of a weighted survey, every weighting step taken again in each.

    No pass is taken: the weights of a replicate by joint cell follow from the table of cells and
    units. An estimate then keeps its sums by pair of cell and unit.

    Raises
    ------
    DesignError
        A replicate in which a step cannot be taken, named with the step's own reason.
    """
    reweighting = survey.source.reader.reweighting
    if not isinstance(reweighting, CellFactors):
        raise DesignError(
            "The weights of this survey were not made by steps that can be taken again.",
            remedy="Weight with survey.weighting, or use the linearised variance.",
            ar="لم تُصنع أوزان هذا المسح بخطوات يمكن إعادتها؛ رجّح عبر survey.weighting أو استعمل التباين الخطي.",
        )
    table, factor = reweighting.table, reweighting.factor
    made, number = make(survey.design, kind, rng)
    small = cells_survey(table, survey.source.levels(table.key.names), survey.codebook)
    anew = Retaken(survey.history, made)
    by_unit = csr_array(
        (table.pair_weight, (table.cell, table.unit)), shape=(table.keys.size, made.weights.n_units)
    )
    adjustment = np.empty((number, table.keys.size))
    for first in range(0, number, _TOGETHER):
        factors = made.weights.block(slice(first, first + _TOGETHER))
        for k, weights in enumerate((by_unit @ np.ascontiguousarray(factors.T)).T):
            which = f"replicate {first + k + 1}"
            steps = anew.steps(first + k)
            after = take(small, steps, table, survey.roles.wave, np.array(weights), which)[0]
            adjustment[first + k] = np.divide(
                after, weights, out=np.zeros_like(after), where=weights > 0
            )
    np.divide(adjustment, factor, out=adjustment, where=factor > 0)
    pairs = AdjustedFactors(made.weights, table.unit, table.cell, adjustment)
    facts = made_facts(made, kind) | {
        "steps_repeated": len(survey.history),
        "kept_as": f"factors per unit and per cell of the steps ({table.keys.size} cells)",
    }
    design = attach(
        survey.design, PairFactors(pairs), scale=made.scale, rscales=made.rscales, mse=kind.mse,
        df=min(survey.design.df, number - 1), facts=facts,
    )  # fmt: skip
    read = survey.source.reading(reweighting=replace(reweighting, paired=True))
    return survey._derive(source=replace(read, design=design))
