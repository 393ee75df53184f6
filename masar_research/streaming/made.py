"""Replicates made from the design of a file: factors per PSU, nothing per row."""

from __future__ import annotations

import numpy as np

from masar_research.engine.design import Design
from masar_research.engine.replicates import attach
from masar_research.errors import DesignError
from masar_research.replicates import Replicate
from masar_research.weighting.replicates import made_facts, make


def with_made(
    design: Design, kind: Replicate, rng: np.random.Generator | None, n_steps: int
) -> Design:
    """The design with replicates of its own units; `n_steps` weighting steps stand before it."""
    if design.replicates is not None:
        raise DesignError(
            "This survey has replicates already.", remedy="Make them once, from the declared design."
        )
    if n_steps:
        raise DesignError(
            "Replicates of a file cannot take its weighting steps again, and would understate or "
            "overstate the variance without them.",
            remedy="Use the linearised variance, which knows the raking, or make the replicates in "
            "memory with mr.Survey and survey.weighting.",
            ar="لا يمكن إعادة خطوات الترجيح في كل وزن مكرر على ملفات تُقرأ على دفعات؛ استعمل التباين "
            "الخطي الذي يعرف خطوات الترجيح، أو أنشئ الأوزان المكررة في الذاكرة.",
        )
    made, number = make(design, kind, rng)
    return attach(
        design, made.weights, scale=made.scale, rscales=made.rscales, mse=kind.mse,
        df=min(design.df, number - 1), facts=made_facts(made, kind),
    )  # fmt: skip
