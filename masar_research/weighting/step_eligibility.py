"""Cases of unknown eligibility carried by those that are known; ineligible ones leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from masar_research.codebook import Text
from masar_research.engine import calibration
from masar_research.errors import WeightingError
from masar_research.weighting.classes import classes
from masar_research.weighting.ground import Ground, Taken, known, num


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Unknown eligibility: weight carried to known cases of the class, ineligible ones then leave.

    Every row with weight satisfies exactly one of the three conditions.

    Attributes
    ----------
    eligible, ineligible, unknown : str
        Conditions on the disposition.
    cells : tuple of str
        Variables known for every case; their crossing forms the classes.
    share : float or None
        AAPOR's e, the share of the unknown that is eligible; None: as among the known of the
        class, by weight (the CASRO rule).

    References
    ----------
    AAPOR (2023), *Standard Definitions*, 10th ed.; Valliant, Dever and Kreuter (2018), 13.4.
    """

    eligible: str
    ineligible: str
    unknown: str
    cells: tuple[str, ...]
    share: float | None = None

    def run(self, ground: Ground) -> Taken:
        """Carry the weight of the unknown."""
        if self.share is not None and not 0 <= self.share <= 1:
            raise WeightingError(f"share={self.share!r} is no share of the unknown cases.",
                                 remedy="Give a number from 0 to 1, or leave it out for the rule by class.")
        positive = ground.weights > 0
        groups = [known(ground, text, positive, "eligibility")
                  for text in (self.eligible, self.ineligible, self.unknown)]
        number = np.sum(groups, axis=0)
        odd = positive & (number != 1)
        if odd.any():
            raise WeightingError(
                f"{ground.count(odd)} rows satisfy none or several of {self.eligible!r}, {self.ineligible!r} "
                f"and {self.unknown!r} (first: row {int(np.flatnonzero(odd)[0])}).",
                remedy="Every disposition is eligible, ineligible or of unknown eligibility: one of them.",
                ar="بعض السجلات لا ينطبق عليها شرط واحد فقط من شروط الأهلية الثلاثة.",
            )
        eligible, out, unsure = groups
        if not eligible.any():
            raise WeightingError(f"Nobody satisfies {self.eligible!r}.", remedy="Check the dispositions' codes.")
        carriers = eligible if self.share is not None else eligible | out
        weights = ground.weights.copy()
        if self.share is not None:
            weights = np.where(unsure, self.share * weights, np.where(eligible, weights, 0.0))
        inside = weights > 0
        formed = classes(ground.survey, self.cells, inside, carriers, 0, ground.waves, ground.interviews)
        done = calibration.respond(weights, carriers & inside, formed.codes, labels=formed.labels)
        after = np.where(eligible, done.weights, 0.0)
        e = float(after.sum() - ground.weights[eligible].sum())
        lost = float(ground.weights[unsure].sum())
        counts = [ground.count(rows) for rows in groups]
        facts = {
            "eligible": counts[0], "ineligible": counts[1], "unknown": counts[2],
            "e_weighted": e / lost if lost > 0 else float("nan"),
            "e_unweighted": counts[0] / (counts[0] + counts[1]) if self.share is None else self.share,
            "classes": len(formed.labels), "cells": self.cells,
        }  # fmt: skip
        over = " × ".join(self.cells)
        said = f"e = {facts['e_weighted']:.3f}" if lost > 0 else "e does not matter"
        text = Text(
            en=f"Eligibility: {counts[2]:,} cases of unknown eligibility carried within "
            f"{facts['classes']} classes of {over} ({said}); {counts[1]:,} ineligible cases left, "
            f"{counts[0]:,} eligible remain.",
            ar=f"الأهلية: وُزّع وزن {num(counts[2])} من الحالات مجهولة الأهلية داخل {num(facts['classes'])} فئة "
            f"حسب \u2066{over}\u2069 (\u2066{said if lost > 0 else 'e –'}\u2069)؛ وخرجت {num(counts[1])} من الحالات "
            f"غير المؤهلة وبقيت {num(counts[0])} مؤهلة.",
        )
        return Taken(after, done.calibration, text, facts)
