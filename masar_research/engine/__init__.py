"""The survey engine: arrays in, frozen dataclasses out; no labels, languages or data frames."""

from __future__ import annotations

from masar_research.engine.design import (
    LONELY_RULES,
    BoundResidualizer,
    Design,
    Residualizer,
    declare,
)
from masar_research.engine.influences import Linearized, stack, transform
from masar_research.engine.linearized import (
    count,
    linearize,
    mean,
    proportion,
    ratio,
    total,
)
from masar_research.engine.variance import covariance

__all__ = [
    "LONELY_RULES",
    "BoundResidualizer",
    "Design",
    "Linearized",
    "Residualizer",
    "count",
    "covariance",
    "declare",
    "linearize",
    "mean",
    "proportion",
    "ratio",
    "stack",
    "total",
    "transform",
]
