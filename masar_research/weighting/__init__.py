"""Weighting steps as data: non-response, post-stratification, raking, calibration, trimming, their report."""

from masar_research.engine.infeasibility import Conflict, UnmetTargets
from masar_research.weighting.builder import Weighting, weighting
from masar_research.weighting.card_steps import from_card
from masar_research.weighting.measures import kish
from masar_research.weighting.report import Report
from masar_research.weighting.step_base import Stage
from masar_research.weighting.written import read_steps, replay, write_steps

__all__ = [
    "Conflict", "Report", "Stage", "UnmetTargets", "Weighting", "from_card", "kish", "read_steps",
    "replay", "weighting", "write_steps",
]  # fmt: skip
