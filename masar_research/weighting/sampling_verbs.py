"""Verbs of the builder for what happened between selection and interview, and for scaling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from masar_research.errors import WeightingError
from masar_research.weighting import steps as kinds
from masar_research.weighting.step_base import BaseStages, read_stages
from masar_research.weighting.step_eligibility import Eligibility
from masar_research.weighting.step_propensity import Attrition, Propensity
from masar_research.weighting.targets import read_margins

if TYPE_CHECKING:
    from masar_research.weighting.builder import Weighting


class SamplingVerbs:
    """Verbs that `Weighting` offers beside those of calibration."""

    __slots__ = ()

    def base(
        self,
        expression: str | None = None,
        stages: Sequence[Any] | None = None,
        multiplicity: str | None = None,
    ) -> Weighting:
        """Start from weights computed from columns; earlier calibrations no longer count.

        Parameters
        ----------
        expression : str
            A column of weights, or arithmetic such as ``"1 / (p_block * p_person)"``. Or:
        stages : list
            Selection probabilities, first stage first: a variable (or arithmetic), a pair (number
            selected, number in the frame), or a mapping with ``probability``, or ``selected`` and
            ``total``, and the ``unit`` within which it must be one number.
        multiplicity : str, optional
            With stages: in how many ways the row could have been selected.
        """
        if (expression is None) == (stages is None):
            raise WeightingError("Base weights need an expression or stages=, one of the two.",
                                 remedy='Write base("1 / p") or base(stages=["p_psu", ("m", "M")]).')
        if stages is not None:
            return self._with(BaseStages(read_stages(stages), multiplicity))
        if multiplicity is not None:
            raise WeightingError("multiplicity= belongs to stages=.",
                                 remedy="Divide in the expression: base(\"w / lines\").")
        return self._with(kinds.Base(expression))

    def eligibility(
        self, eligible: str, ineligible: str, unknown: str, cells: Sequence[str] | str,
        share: float | None = None,
    ) -> Weighting:  # fmt: skip
        """Carry the weight of cases of unknown eligibility to known ones; ineligible ones leave.

        Parameters
        ----------
        eligible, ineligible, unknown : str
            Conditions of which every row with weight satisfies exactly one.
        cells : sequence of str
            Variables known for every case.
        share : float, optional
            AAPOR's e; without it that of the known cases of the class, by weight.
        """
        return self._with(Eligibility(eligible, ineligible, unknown, names(cells), share))

    def propensity(
        self, responded: str, on: str, classes: int | None = None, weighted: bool = True,
        eligible: str | None = None,
    ) -> Weighting:  # fmt: skip
        """Carry the weight of non-respondents by a logistic model of responding.

        Parameters
        ----------
        responded : str
            Condition true for respondents; unknown on any row with weight is an error.
        on : str
            Right-hand side of a formula, in variables known for everybody: ``"C(region) + age"``.
        classes : int, optional
            Adjust in so many classes of the propensity (5 is usual) instead of dividing by it.
        weighted : bool
            Fit with the weights so far.
        eligible : str, optional
            Condition of belonging to the population; the others leave with weight 0.
        """
        return self._with(Propensity(responded, on, classes, weighted, eligible))

    def attrition(
        self, responded: str, cells: Sequence[str] | str = (), on: str | None = None,
        panel: str | None = None,
    ) -> Weighting:  # fmt: skip
        """Carry the weight of panel members who were lost to those who answered again.

        Parameters
        ----------
        responded : str
        cells : sequence of str
            Classes, of variables as they stood in the wave before; or
        on : str
            a formula's right-hand side, for inverse propensities.
        panel : str, optional
            Variable of the person's id, where waves stand one under the other: rows of a wave
            start from the person's weight in the wave before. Who was lost keeps a row.
        """
        return self._with(Attrition(responded, names(cells), on, panel))

    def trim(
        self,
        upper: float | str | None = None,
        lower: float | str | None = None,
        redistribute: bool | str = True,
        within: Sequence[str] | str = (),
        max_deff: float | None = None,
        targets: Mapping[Any, Any] | None = None,
        total: float | str | None = None,
    ) -> Weighting:
        """Bring extreme weights back to a bound.

        Parameters
        ----------
        upper, lower : float or str, optional
            Numbers, or rules in ``median, mean, iqr, n, rms, potter`` and percentiles:
            ``"median + 6*iqr"``, ``"3.16*rms"``, ``"p99"``.
        redistribute : bool or "equal"
            True: scale the weights inside the bounds so that the sum stays; "equal": add the same
            to each; False: let the sum go.
        within : sequence of str
            Keep the sum in each cell of these variables.
        max_deff : float, optional
            Instead of upper: the largest bound at which Kish's design effect is at most this.
        targets : mapping, optional
            Margins, as for :meth:`rake`, that hold together with the bounds.
        total : float or "current", optional
            As for :meth:`rake`.
        """
        margins = () if targets is None else read_margins(targets)
        return self._with(kinds.Trim(upper, lower, redistribute, names(within), max_deff, margins, total))

    def normalise(self, total: float | None = None, by: Sequence[str] | str = ()) -> Weighting:
        """Scale weights to mean 1, or to a sum, in each wave and each cell of ``by``."""
        return self._with(kinds.Normalise(total, names(by)))

    def combine(self, factors: Mapping[Any, float] | None = None) -> Weighting:
        """Combine waves for pooled estimates: each wave's weights times its factor.

        Parameters
        ----------
        factors : mapping, optional
            Wave → factor, summing to 1; by effective sample size without it.
        """
        return self._with(kinds.Combine(tuple((factors or {}).items())))

    def replay(self, source: Any) -> Weighting:
        """The steps of another survey's history, or those written by `write_steps`, once more.

        Parameters
        ----------
        source : path, survey.history, or list of mappings
        """
        from masar_research.weighting.written import read_steps

        builder = self
        for step in read_steps(source):
            builder = builder._with(step)
        return builder


def names(given: Sequence[str] | str) -> tuple[str, ...]:
    """Names as a tuple, also where one was given as text."""
    return (given,) if isinstance(given, str) else tuple(given)
