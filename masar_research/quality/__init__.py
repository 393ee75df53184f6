"""Checks before analysis: duplicates, durations, interviewers, skips, ranges, weights, margins, outcome rates."""

from masar_research.quality.findings import Checked, Finding
from masar_research.quality.material import Target
from masar_research.quality.outcomes import Outcomes, Rates, outcome_rates
from masar_research.quality.running import Quality, check
from masar_research.quality.sources import target

__all__ = ["Checked", "Finding", "Outcomes", "Quality", "Rates", "Target", "check", "outcome_rates", "target"]
