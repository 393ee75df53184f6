"""The design of a file under weights that are made anew for every block."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.design import BoundResidualizer, Design
from masar_research.errors import DesignError
from masar_research.streaming.blocks import Block
from masar_research.streaming.source import Source
from masar_research.streaming.units import of_file

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WeightPass:
    """Sums of the weights and rows of positive weight, by unit; faults."""

    @property
    def columns(self) -> frozenset[str]:
        return frozenset()

    @property
    def levels(self) -> frozenset[str]:
        return frozenset()

    def partial(self, block: Block) -> tuple[Floats, NDArray[np.intp], int]:
        wrong = int(np.count_nonzero(~((block.weights >= 0) & np.isfinite(block.weights))))
        return block.design.unit_weights, block.design.unit_rows, wrong

    def merge(self, first: Any, second: Any) -> Any:
        return tuple(a + b for a, b in zip(first, second, strict=True))

    def finish(self, state: Any) -> Any:
        return state


def whole_design(source: Source, calibration: BoundResidualizer | None) -> Design:
    """What is known by unit of the weights that `source` reads."""
    weights, rows, wrong = source.run(WeightPass(), "Weights")
    if wrong or not rows.any():
        raise DesignError(
            f"Expected new weights of zero or more, not all zero; {wrong} are missing, negative or "
            "infinite.",
            remedy="Check the step that makes the weights.",
        )
    n_rows = source.design.n_rows
    made = of_file(source.design.structure, weights, rows, n_rows)
    return replace(made, calibration=calibration)
