"""Weighting steps as data: non-response, post-stratification, raking, calibration, trimming, their report."""

from masar_research.engine.infeasibility import Conflict, UnmetTargets
from masar_research.weighting.builder import Weighting, from_card, weighting
from masar_research.weighting.measures import kish
from masar_research.weighting.report import Report

__all__ = ["Conflict", "Report", "UnmetTargets", "Weighting", "from_card", "kish", "weighting"]
