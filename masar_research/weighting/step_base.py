"""Base weights from the selection probabilities of several stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from masar_research import expressions
from masar_research.codebook import Text
from masar_research.errors import WeightingError
from masar_research.weighting.ground import Ground, Taken


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of selection: a probability, or how many were selected out of how many.

    Attributes
    ----------
    probability : str or None
        Variable, or arithmetic of variables, that gives a probability in (0, 1].
    selected, total : str or None
        Instead of it: variables of the number selected and the number in the frame.
    unit : str or None
        Variable that names the units selected at this stage: the probability must be one number
        within each (all persons of a household share the household's).
    """

    probability: str | None = None
    selected: str | None = None
    total: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        counts = self.selected is not None and self.total is not None
        if counts == (self.probability is not None) or (self.selected is None) != (self.total is None):
            raise WeightingError(
                "A stage of selection needs a probability, or both the number selected and the total.",
                remedy='Write "p_psu", ("n_selected", "n_total"), or {"probability": "p_hh", "unit": "household"}.',
                ar="تحتاج كل مرحلة إلى احتمال، أو إلى عدد المختار والعدد الكلي معاً.",
            )

    @property
    def name(self) -> str:
        """As messages and the history show the stage."""
        return self.probability or f"{self.selected} / {self.total}"


def read_stages(given: Sequence[Any]) -> tuple[Stage, ...]:
    """Stages from what a user writes: text, a pair (selected, total), a mapping, or a `Stage`."""
    if isinstance(given, str | Mapping) or not len(given):
        raise WeightingError("stages= needs a list with one entry per stage of selection.",
                             remedy='Write stages=["p_psu", ("households_selected", "households_listed")].')
    out = []
    for stage in given:
        if isinstance(stage, Stage):
            out.append(stage)
        elif isinstance(stage, str):
            out.append(Stage(stage))
        elif isinstance(stage, Mapping):
            unknown = sorted(set(stage) - {"probability", "selected", "total", "unit"})
            if unknown:
                raise WeightingError(f"A stage of selection has no {', '.join(map(str, unknown))}.",
                                     remedy="It has probability, or selected and total; and unit.")
            out.append(Stage(**stage))
        else:
            out.append(Stage(selected=stage[0], total=stage[1]))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class BaseStages:
    """Weights 1 / Π p over the stages, divided by the ways a row could be selected.

    Attributes
    ----------
    stages : tuple of Stage
        First stage first.
    multiplicity : str or None
        Variable, or arithmetic: in how many ways the row could have been selected (telephone
        lines, listings); 1 or more.
    """

    stages: tuple[Stage, ...]
    multiplicity: str | None = None

    def run(self, ground: Ground) -> Taken:
        """Check every stage and multiply."""
        product = np.ones(ground.weights.size)
        ranges = []
        for number, stage in enumerate(self.stages, 1):
            p = _probability(ground, stage, number)
            _one_per_unit(ground, stage, number, p)
            ranges.append((stage.name, float(p.min()), float(p.max())))
            product *= p
        weights = 1.0 / product
        if self.multiplicity is not None:
            ways = _numbers(ground, self.multiplicity, "multiplicity")
            _refuse(ways < 1, f"multiplicity {self.multiplicity}: below 1", "A row was selected, so it could "
                    "be in at least one way.")
            weights = weights / ways
        shown = " × ".join(stage.name for stage in self.stages)
        more = f" / ({self.multiplicity})" if self.multiplicity else ""
        text = Text(
            en=f"Base weights: 1 / ({shown}){more}, over {len(self.stages)} stages of selection; "
            f"{weights.min():,.4g} to {weights.max():,.4g}.",
            ar=f"أوزان أساسية: مقلوب احتمال الاختيار عبر \u2066{len(self.stages)}\u2069 من المراحل، "
            f"\u20661 / ({shown}){more}\u2069.",
        )
        facts = {"sum": float(weights.sum()), "stages": tuple(ranges)}
        return Taken(weights, None, text, facts, restarts=True)


def _probability(ground: Ground, stage: Stage, number: int) -> np.ndarray:
    where = f"stage {number} ({stage.name})"
    if stage.probability is not None:
        p = _numbers(ground, stage.probability, where)
    else:
        selected = _numbers(ground, stage.selected, where)
        total = _numbers(ground, stage.total, where)
        _refuse((selected <= 0) | (total <= 0), f"{where}: a count that is not positive",
                "Give how many were selected and how many there were.")
        _refuse(selected > total, f"{where}: more selected than there were",
                f"Correct {stage.selected} or {stage.total}; they may be swapped.")
        p = selected / total
    _refuse(~((p > 0) & (p <= 1)), f"{where}: a probability outside (0, 1]",
            "Give probabilities, not percentages or weights; a weight w is the probability 1/w.")
    return p


def _numbers(ground: Ground, text: str, where: str) -> np.ndarray:
    outcome = expressions.evaluate(text, ground.survey.values)
    try:
        values = np.array(np.broadcast_to(outcome.value, ground.weights.shape), dtype=float)
    except (TypeError, ValueError) as error:
        raise WeightingError(f"{where}: {text!r} does not give numbers.",
                             remedy="Write arithmetic of numeric variables.") from error
    known = np.broadcast_to(outcome.known, values.shape) & np.isfinite(values)
    _refuse(~known, f"{where}: unknown", "Complete the selection probabilities of these rows.")
    return values


def _refuse(bad: np.ndarray, what: str, remedy: str) -> None:
    if bad.any():
        raise WeightingError(
            f"{what} on {int(bad.sum())} rows (first: row {int(np.flatnonzero(bad)[0])}).", remedy=remedy,
            ar="احتمالات اختيار غير صالحة في بعض السجلات.",
        )


def _one_per_unit(ground: Ground, stage: Stage, number: int, p: np.ndarray) -> None:
    if stage.unit is None:
        return
    coded = ground.survey.coded(stage.unit)
    _refuse(coded.codes < 0, f"stage {number}: no {stage.unit}", "Every row belongs to a unit of the stage.")
    k = len(coded.levels)
    low, high = np.full(k, np.inf), np.zeros(k)
    np.minimum.at(low, coded.codes, p)
    np.maximum.at(high, coded.codes, p)
    differ = np.flatnonzero(high > low * (1 + 1e-9))
    if differ.size:
        j = int(differ[0])
        raise WeightingError(
            f"Stage {number} ({stage.name}): {differ.size} units of {stage.unit} have several probabilities, "
            f"for instance {coded.levels[j]}: {low[j]:.6g} and {high[j]:.6g}.",
            remedy=f"One {stage.unit} is selected once, with one probability; correct the rows, or name the "
            "right unit.",
            ar="وحدة واحدة لها أكثر من احتمال اختيار في المرحلة نفسها.",
        )
