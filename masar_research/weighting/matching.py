"""Targets of a calibration step: shares and totals matched with the rows, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from masar_research.engine import calibration
from masar_research.engine.auxiliary import Basis, Calibrated, Calibration, cell_sums
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
        sums = _sums(ground, 1 if ground.waves is None else len(ground.waves[1]))
        margin, k = match(*about, 1.0, *rest)
        return margin._replace(targets=margin.targets * np.repeat(sums, k))
    if isinstance(total, str) or not total > 0:
        raise WeightingError(f"total={total!r} is not a population size.",
                             remedy='Give a positive number, or "current".')
    return match(*about, float(total), *rest)[0]


def of_sample(
    done: Calibrated, ground: Ground, shares: Sequence[tuple[np.ndarray, bool]], more: np.ndarray | None = None
) -> Calibrated:
    """Say of a calibration that its totals are shares of the sample's own sum of weights.

    Each row then adds its weight before × share to every total, so that the variance keeps what comes from
    the sum being estimated.

    Parameters
    ----------
    done : Calibrated
    ground : Ground
    shares : sequence of ((k,) float array, bool)
        Per margin: its targets, and whether they are repeated for each wave.
    more : (waves, q) float array, optional
        What a unit of weight in each wave adds to the totals that follow those of the margins.
    """
    if done.calibration is None:
        return done
    waves = 1 if ground.waves is None else len(ground.waves[1])
    sums = _sums(ground, waves)
    blocks = []
    for targets, by_wave in shares:
        if by_wave:
            block = np.zeros((waves, targets.size))
            k = targets.size // waves
            for wave in range(waves):
                own = slice(wave * k, (wave + 1) * k)
                block[wave, own] = targets[own] / sums[wave] if sums[wave] > 0 else 0.0
        else:
            block = np.tile(targets / sums.sum(), (waves, 1))
        blocks.append(block)
    if more is not None:
        blocks.append(more)
    codes = np.zeros(ground.weights.size, np.int32) if ground.waves is None else ground.waves[0]
    codes = np.where(ground.weights > 0, codes, -1)
    origin = Basis(codes, np.hstack(blocks), waves)
    steps = (*done.calibration.steps[:-1], replace(done.calibration.steps[-1], origin=origin))
    return replace(done, calibration=Calibration(steps))


def of_current(
    done: Calibrated, ground: Ground, matched: Sequence[calibration.Margin], total: float | str | None,
    further: int = 0,
) -> Calibrated:  # fmt: skip
    """`of_sample` where ``total="current"``, with ``further`` totals that are known; else unchanged."""
    if total != "current":
        return done
    waves = 1 if ground.waves is None else len(ground.waves[1])
    return of_sample(done, ground, [(margin.targets, True) for margin in matched], np.zeros((waves, further)))


def _sums(ground: Ground, waves: int) -> np.ndarray:
    if ground.waves is None:
        return np.array([ground.weights.sum()])
    return cell_sums(np.where(ground.weights > 0, ground.waves[0], -1), ground.weights, waves)


def calibration_facts(done, ground, specs, matched) -> dict[str, Any]:
    positive = ground.weights > 0
    g = done.g if positive.all() else done.g[positive]
    return {
        "iterations": done.iterations, "max_gap": done.max_gap,
        "smallest_factor": float(g.min()), "largest_factor": float(g.max()),
        "sources": tuple(spec.source for spec in specs if spec.source),
        "margins": tuple(matched),
    }  # fmt: skip
