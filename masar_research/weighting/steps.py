"""Weighting steps as data. Each is a frozen dataclass that knows how to run once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masar_research import expressions
from masar_research.codebook import Text
from masar_research.engine import calibration
from masar_research.errors import WeightingError
from masar_research.weighting.classes import classes
from masar_research.weighting.ground import Applied, Ground, Step, Taken, Waves, known, num
from masar_research.weighting.matching import calibration_facts, matched_margin, of_current
from masar_research.weighting.step_scale import Combine, Normalise
from masar_research.weighting.step_trim import Trim
from masar_research.weighting.targets import MarginSpec

__all__ = [
    "Applied", "Base", "Combine", "Ground", "Nonresponse", "Normalise", "Poststratify", "Rake",
    "Step", "Taken", "Trim", "Waves", "calibration_facts", "matched_margin",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """Weights computed from columns: a column of weights, or 1 / probability.

    Attributes
    ----------
    expression : str
        For instance ``"base_weight"`` or ``"1 / (p_block * p_household * p_person)"``.
    """

    expression: str

    def run(self, ground: Ground) -> Taken:
        """Evaluate the expression; every row must get a weight ≥ 0."""
        outcome = expressions.evaluate(self.expression, ground.survey.values)
        try:
            values = np.array(np.broadcast_to(outcome.value, ground.weights.shape), dtype=float)
        except (TypeError, ValueError) as error:
            raise WeightingError(f"{self.expression!r} does not give numbers.",
                                 remedy="Write arithmetic of numeric variables.") from error
        bad = ~outcome.known | ~np.isfinite(values) | (np.where(outcome.known, values, 0) < 0)
        if bad.any():
            raise WeightingError(
                f"{self.expression!r} gives no weight of zero or more on {int(bad.sum())} rows "
                f"(first: row {int(np.flatnonzero(bad)[0])}).",
                remedy="Complete the selection probabilities of these rows.",
                ar="صفوف بلا وزن أساسي صالح.",
            )
        text = Text(en=f"Base weights: {self.expression}.",
                    ar=f"أوزان أساسية: \u2066{self.expression}\u2069.")
        return Taken(values, None, text, {"sum": float(values.sum())}, restarts=True)


@dataclass(frozen=True, slots=True)
class Nonresponse:
    """Weight of non-respondents carried to the respondents of the same class.

    Attributes
    ----------
    responded : str
        Condition that is true for respondents; it must be known for every row.
    cells : tuple of str
        Variables whose crossing forms the classes.
    min_cell : int
        Classes with fewer respondents are merged with neighbours; 0 merges none.
    eligible : str or None
        Condition of belonging to the population; others leave with weight 0, carried by nobody.
    max_factor : float or None
        Classes whose factor is larger are merged with neighbours.
    within : tuple of str
        Parents: classes of different cells of these variables are never merged.
    """

    responded: str
    cells: tuple[str, ...]
    min_cell: int = 0
    eligible: str | None = None
    max_factor: float | None = None
    within: tuple[str, ...] = ()

    @property
    def merges(self) -> bool:
        """Whether classes may be merged, anew in every replicate."""
        return self.min_cell > 0 or self.max_factor is not None

    def run(self, ground: Ground) -> Taken:
        """Form the classes and raise the respondents' weights."""
        positive = ground.weights > 0
        eligible = positive
        if self.eligible is not None:
            eligible = positive & known(ground, self.eligible, positive, "eligibility")
        answered = known(ground, self.responded, eligible, "response status")
        if not answered.any():
            raise WeightingError(f"Nobody satisfies {self.responded!r}.",
                                 remedy="Check the codes of the response status.")
        if self.within and not self.merges:
            raise WeightingError("within= says which classes may be merged, and none are.",
                                 remedy="Give min_cell= or max_factor=, or leave within= out.")
        formed = classes(ground.survey, self.cells, eligible, answered, self.min_cell, ground.waves,
                         ground.interviews, ground.weights, self.max_factor, self.within)
        weights = np.where(eligible, ground.weights, 0.0)
        done = calibration.respond(weights, answered, formed.codes, labels=formed.labels)
        lost = ground.count(eligible & ~answered)
        out = ground.count(positive & ~eligible)
        factors = done.g[answered & eligible]
        facts = {
            "respondents": ground.count(answered), "non_respondents": lost, "ineligible": out,
            "classes": len(formed.labels), "merged": formed.merged,
            "smallest_factor": float(factors.min()), "largest_factor": float(factors.max()),
            "cells": self.cells,
        }  # fmt: skip
        over = " × ".join(self.cells)
        left_en = f"; {out:,} ineligible rows left" if out else ""
        merged = len(formed.merged)
        if merged:
            left_en = f"; {merged:,} merges of classes{left_en}"
        left_ar = f"، ودُمجت فئات {num(merged)} مرة" if merged else ""
        left_ar += f"، وخرج {num(out)} سجلًا غير مؤهل" if out else ""
        text = Text(
            en=f"Non-response: the weight of {lost:,} non-respondents carried to "
            f"{facts['respondents']:,} respondents within {facts['classes']} classes of {over} "
            f"(factors {factors.min():.2f} to {factors.max():.2f}{left_en}).",
            ar=f"عدم الاستجابة: نُقل وزن {num(lost)} من غير المستجيبين إلى "
            f"{num(facts['respondents'])} من المستجيبين داخل {num(facts['classes'])} فئة "
            f"حسب \u2066{over}\u2069{left_ar}.",
        )
        return Taken(done.weights, done.calibration, text, facts)


@dataclass(frozen=True, slots=True)
class Rake:
    """Raking to several margins.

    Attributes
    ----------
    margins : tuple of MarginSpec
    total : float, "current" or None
        None: the targets are population totals. Otherwise they are shares of this total, or of
        the current sum of weights (in each wave).
    max_iter, tol
        See :func:`masar_research.engine.calibration.rake`.
    """

    margins: tuple[MarginSpec, ...]
    total: float | str | None = None
    max_iter: int = 200
    tol: float = 1e-10

    def run(self, ground: Ground) -> Taken:
        """Match the targets and rake."""
        matched = [matched_margin(ground, spec, self.total) for spec in self.margins]
        done = calibration.rake(ground.weights, matched, max_iter=self.max_iter, tol=self.tol)
        done = of_current(done, ground, matched, self.total)
        names = "; ".join(spec.name for spec in self.margins)
        facts = calibration_facts(done, ground, self.margins, matched)
        text = Text(
            en=f"Raking to {len(self.margins)} margins ({names}) in {done.iterations} iterations, "
            f"largest gap {done.max_gap:.1e}; factors {facts['smallest_factor']:.2f} to "
            f"{facts['largest_factor']:.2f}.",
            ar=f"ضبط تكراري للأوزان على {num(len(self.margins))} من التوزيعات الهامشية "
            f"(\u2066{names}\u2069) في {num(done.iterations)} دورة.",
        )
        return Taken(done.weights, done.calibration, text, facts)


@dataclass(frozen=True, slots=True)
class Poststratify:
    """Post-stratification to one table.

    Attributes
    ----------
    margin : MarginSpec
    total : float, "current" or None
        As for :class:`Rake`.
    """

    margin: MarginSpec
    total: float | str | None = None

    def run(self, ground: Ground) -> Taken:
        """Match the targets and post-stratify."""
        matched = matched_margin(ground, self.margin, self.total)
        done = of_current(calibration.poststratify(ground.weights, matched), ground, [matched], self.total)
        facts = calibration_facts(done, ground, (self.margin,), [matched])
        text = Text(
            en=f"Post-stratification by {self.margin.name} ({len(self.margin.targets)} cells); "
            f"factors {facts['smallest_factor']:.2f} to {facts['largest_factor']:.2f}.",
            ar=f"ترجيح بعدي حسب \u2066{self.margin.name}\u2069 "
            f"({num(len(self.margin.targets))} خلية).",
        )
        return Taken(done.weights, done.calibration, text, facts)
