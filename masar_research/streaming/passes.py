"""What an estimator does with a file it never holds: partial → merge → finish."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from masar_research.streaming.blocks import Block

Floats = NDArray[np.float64]
State = TypeVar("State")
Result = TypeVar("Result", covariant=True)


class Pass(Protocol[State, Result]):
    """One reading of the data.

    Passes and states travel to the workers of a cluster, so both must pickle; a pass holds
    names and numbers, never a file or a survey.
    """

    @property
    def columns(self) -> frozenset[str]:
        """Variables whose values are read (those of design, weights and base come by themselves)."""
        ...

    @property
    def levels(self) -> frozenset[str]:
        """Those of them that are read as codes: their levels are learnt before the pass."""
        ...

    def partial(self, block: Block) -> State:
        """What one block of rows adds."""
        ...

    def merge(self, first: State, second: State) -> State:
        """The state of two runs of rows, the first standing before the second: addition."""
        ...

    def finish(self, state: State) -> Result:
        """The answer, from the state of all rows."""
        ...


class Reweighting(Protocol):
    """Weights that are made anew for every block, such as raked ones; pickles.

    `StreamedSurvey.with_weights` puts one on a survey.
    """

    @property
    def columns(self) -> frozenset[str]:
        """Variables it reads; all are read as codes or values of the block."""
        ...

    @property
    def levels(self) -> frozenset[str]:
        """Those of them that it reads as codes."""
        ...

    def weights(self, block: Block) -> Floats:
        """(n_rows,) new weights; `block.weights` are those of the file."""
        ...

    def groups(self, block: Block) -> tuple[tuple[NDArray[Any], int, Floats], ...]:
        """``(codes (n_rows,), n_codes, factor (n_rows,))`` by which the variance needs sums.

        Every estimate then keeps Σ factor × weight × value by these codes (−1 is left out), and
        the calibration of the design asks for group k as ``aggregate(k, n_codes, None)``.
        """
        ...
