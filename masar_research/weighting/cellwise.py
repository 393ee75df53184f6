"""Which weighting steps give all rows of a joint cell one factor, and what their cells are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from masar_research.weighting.calibrating import Calibrate, Entropy
from masar_research.weighting.step_eligibility import Eligibility
from masar_research.weighting.step_propensity import Attrition
from masar_research.weighting.steps import Combine, Nonresponse, Normalise, Poststratify, Rake


@dataclass(frozen=True, slots=True)
class Cellwise:
    """What tells the joint cells of a step apart.

    Attributes
    ----------
    names : tuple of str
        Variables.
    conditions : tuple of str
        True, false or unknown on a row.
    """

    names: tuple[str, ...]
    conditions: tuple[str, ...] = ()


def cellwise(step: Any, merging: bool = False) -> Cellwise | None:
    """The joint cells of a step; None where rows of one cell may get different factors.

    Parameters
    ----------
    step : Step
    merging : bool
        Whether classes may be merged by the number of interviews: only where cells know theirs.

    Examples
    --------
    >>> cellwise(Nonresponse("status == 1", ("region",)))
    Cellwise(names=('region',), conditions=('status == 1',))
    """
    match step:
        case Nonresponse():
            asked = (step.responded, step.eligible)
            found = Cellwise((*step.cells, *step.within), tuple(text for text in asked if text is not None))
            return found if merging or not step.merges else None
        case Eligibility():
            return Cellwise(step.cells, (step.eligible, step.ineligible, step.unknown))
        case Attrition():
            return Cellwise(step.cells, (step.responded,)) if step.panel is None and step.cells else None
        case Rake():
            return Cellwise(tuple(name for spec in step.margins for name in spec.variables))
        case Poststratify():
            return Cellwise(step.margin.variables)
        case Calibrate():
            names = step.cell_variables()
            return None if names is None else Cellwise(names)
        case Entropy():
            names = tuple(name for spec in step.shares for name in spec.variables)
            return None if step.means else Cellwise(names)
        case Normalise():
            # A mean of 1 counts rows, a total does not.
            return None if step.total is None else Cellwise(step.by)
        case Combine():
            return Cellwise(()) if step.factors else None
    return None
