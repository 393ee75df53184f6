"""Replicates made from the design of a file: factors per PSU, nothing per row."""

from __future__ import annotations

import numpy as np

from masar_research.engine.design import Design
from masar_research.engine.replicates import attach
from masar_research.errors import DesignError
from masar_research.replicates import Replicate
from masar_research.weighting.replicates import made_facts, make


def with_made(
    design: Design, kind: Replicate, rng: np.random.Generator | None
) -> Design:
    """The design with replicates of its own units, under weights as the file has them."""
    if design.replicates is not None:
        raise DesignError(
            "This survey has replicates already.", remedy="Make them once, from the declared design."
        )
    made, number = make(design, kind, rng)
    return attach(
        design, made.weights, scale=made.scale, rscales=made.rscales, mse=kind.mse,
        df=min(design.df, number - 1), facts=made_facts(made, kind),
    )  # fmt: skip
