"""Targets of a calibration step: shares and totals matched with the rows, and what it says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from masar_research.engine import calibration
from masar_research.errors import WeightingError
from masar_research.weighting.ground import Ground
from masar_research.weighting.targets import MarginSpec, match


def matched_margin(ground: Ground, spec: MarginSpec, total: float | str | None) -> calibration.Margin:
    about, rest = (ground.survey, spec, ground.weights), (ground.waves, ground.interviews)
    many = ground.waves is not None and ground.waves[2] in spec.variables
    if total is None:
        largest = max((value for _, value in spec.targets), default=np.inf)
        people = float(ground.weights.sum())
        kind = "shares" if largest <= 1 else "percentages" if abs(spec.sum - 100) < 0.5 and people > 1000 else None
        if kind:
            raise WeightingError(
                f"The targets of {spec.name} sum to {spec.sum:.4f}: they look like {kind}.",
                remedy='Give shares that sum to 1 with total= (the population size, or "current" to keep the '
                "sum of weights), or population totals.",
                ar=f"أهداف {spec.name} تبدو حصصاً أو نسباً مئوية لا مجاميع سكان؛ أعطِ total= أو أعطِ مجاميع.",
            )
        return match(*about, None, *rest)[0]
    if many:
        raise WeightingError(
            f"The targets of {spec.name} name the wave, so they cannot be shares of one total.",
            remedy="Give population totals and leave total= out.",
        )
    if abs(spec.sum - 1.0) > 1e-6:
        raise WeightingError(
            f"The targets of {spec.name} sum to {spec.sum:,.6g}; shares must sum to 1.",
            remedy="Give shares that sum to 1, or leave total= out if these are totals.",
            ar=f"مجموع حصص {spec.name} ليس واحداً؛ صحّحها، أو احذف total= إن كانت مجاميع.",
        )
    if total == "current":
        sums = [ground.weights[part].sum() for part in ground.parts()]
        margin, k = match(*about, 1.0, *rest)
        return margin._replace(targets=margin.targets * np.repeat(sums, k))
    if isinstance(total, str) or not total > 0:
        raise WeightingError(f"total={total!r} is not a population size.",
                             remedy='Give a positive number, or "current".')
    return match(*about, float(total), *rest)[0]


def calibration_facts(done, ground, specs, matched) -> dict[str, Any]:
    positive = ground.weights > 0
    g = done.g if positive.all() else done.g[positive]
    return {
        "iterations": done.iterations, "max_gap": done.max_gap,
        "smallest_factor": float(g.min()), "largest_factor": float(g.max()),
        "sources": tuple(spec.source for spec in specs if spec.source),
        "margins": tuple(matched),
    }  # fmt: skip
