"""The builder behind ``survey.weighting``: steps collected as data, applied in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.engine.auxiliary import Calibration
from masar_research.engine.infeasibility import UnmetTargets
from masar_research.errors import WeightingError
from masar_research.estimates import Estimates
from masar_research.weighting import steps as kinds
from masar_research.weighting.calibrating_asked import balance_step, calibration_step, entropy_step
from masar_research.weighting.ground import labelled
from masar_research.weighting.report import Report, report
from masar_research.weighting.sampling_verbs import SamplingVerbs
from masar_research.weighting.sampling_verbs import names as as_names
from masar_research.weighting.steps import Applied, Ground, Step, Waves
from masar_research.weighting.targets import read_margins

if TYPE_CHECKING:
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True)
class Weighting(SamplingVerbs):
    """Weighting steps to be applied to a survey; every verb returns a new builder.

    Attributes
    ----------
    survey : Survey
    steps : tuple
        Frozen dataclasses, see :mod:`masar_research.weighting.steps`.

    Notes
    -----
    In a survey of several waves every wave is weighted by itself: classes, targets, bounds and
    means are those of the wave. A margin that names the wave variable gives each wave its own
    targets; any other margin gives all waves the same.

    Examples
    --------
    >>> weighted = (survey.weighting                                    # doctest: +SKIP
    ...             .nonresponse(responded="status == 1", cells=["governorate", "urban"])
    ...             .rake({"sex": {1: 5.9e6, 2: 5.2e6}})
    ...             .trim(upper="median + 6*iqr")
    ...             .apply())
    """

    survey: Survey
    steps: tuple[Step, ...] = ()

    def nonresponse(
        self,
        responded: str,
        cells: Sequence[str],
        min_cell: int = 0,
        eligible: str | None = None,
        max_factor: float | None = None,
        within: Sequence[str] | str = (),
    ) -> Weighting:
        """Carry the weight of non-respondents to respondents of the same class.

        Parameters
        ----------
        responded : str
            Condition true for respondents; unknown on any row with weight is an error.
        cells : sequence of str
            Variables known for everybody sampled; their crossing forms the classes.
        min_cell : int
            Merge classes with fewer respondents with a neighbour; 0 merges none, and a class
            without respondents is then an error.
        eligible : str, optional
            Condition of belonging to the population; the others leave with weight 0.
        max_factor : float, optional
            Merge classes whose factor would be larger.
        within : sequence of str
            Variables across whose cells classes are never merged.
        """
        names = (cells,) if isinstance(cells, str) else tuple(cells)
        if not names:
            raise WeightingError("No variables were given for the weighting classes.",
                                 remedy='Name them: cells=["governorate", "urban"].')
        return self._with(kinds.Nonresponse(responded, names, min_cell, eligible, max_factor, as_names(within)))

    def poststratify(
        self, targets: Mapping[Any, Any], total: float | str | None = None
    ) -> Weighting:
        """Post-stratify to one table of population totals.

        Parameters
        ----------
        targets : mapping
            One entry: variable, or tuple of variables, → totals by code.
        total : float or "current", optional
            The targets are shares of this total, or of the current sum of weights.
        """
        margins = read_margins(targets)
        if len(margins) != 1:
            raise WeightingError(
                f"Post-stratification takes one table; found {len(margins)} margins.",
                remedy="Cross the variables in a tuple, or use rake() for several margins.",
            )
        return self._with(kinds.Poststratify(margins[0], total))

    def rake(
        self,
        targets: Mapping[Any, Any],
        total: float | str | None = None,
        max_iter: int = 200,
        tol: float = 1e-10,
    ) -> Weighting:
        """Rake to several margins.

        Parameters
        ----------
        targets : mapping
            Variable, or tuple of variables, → totals by code or label (mapping or Series).
        total : float or "current", optional
            The targets are shares of this total, or of the current sum of weights.
        max_iter, tol
            Most iterations, and the largest relative gap that may remain.
        """
        return self._with(kinds.Rake(read_margins(targets), total, max_iter, tol))

    def calibrate(
        self,
        targets: Mapping[Any, Any] | Estimates | Sequence[Estimates],
        method: str = "raking",
        bounds: tuple[float, float] | None = None,
        limits: tuple[float, float] | None = None,
        population: float | None = None,
        household: str | None = None,
        household_targets: Mapping[Any, Any] | None = None,
        tolerance: float | Mapping[Any, float] | None = None,
        cost: float | Mapping[Any, float] | None = None,
        covariance: Any = None,
        source: Survey | str | None = None,
        total: float | str | None = None,
        max_iter: int = 100,
        tol: float = 1e-10,
    ) -> Weighting:
        """Calibrate to categorical and numeric totals together.

        Parameters
        ----------
        targets : mapping, Estimates or sequence of Estimates
            Variable, or tuple of variables, → totals by code or label; or variable → its total, a
            number. Estimates of another survey (``count(by=…)``, ``total(…)``) bring their errors
            along into the variance; several need ``source``.
        method : {"raking", "linear", "logit"}
            Distance between weights before and after. ``logit`` needs bounds.
        bounds : (low, high), optional
            Of the factor that every weight is multiplied with.
        limits : (low, high), optional
            Of the weights themselves: trimming inside the calibration.
        population : float, optional
            Number of persons, as a target beside numeric ones.
        household : str, optional
            Variable that names the household: all its members get one weight.
        household_targets : mapping, optional
            As ``targets``, counting households; with ``household``.
        tolerance : float or mapping, optional
            Relative distance that is allowed, for all targets or by name of the target.
        cost : float or mapping, optional
            What a squared relative distance from the target weighs against the mean squared change
            of the weights, for all targets or by name.
        covariance : (p, p) array, optional
            Of the targets in the order they are written, where they are estimates.
        source : Survey or "independent", optional
            The survey that all the Estimates come from, for the covariance between them.
        total : float or "current", optional
            The categorical targets are shares of this total, or of the current sum of weights.
        max_iter, tol
            Most Newton steps, and the largest relative gap of a target that must be met.
        """
        return self._with(calibration_step(
            targets, method, bounds, limits, population, household, household_targets, tolerance,
            cost, covariance, source, total, max_iter, tol,
        ))  # fmt: skip

    def entropy(
        self, targets: Mapping[Any, Any], max_iter: int = 100, tol: float = 1e-10
    ) -> Weighting:
        """Entropy balancing: the weights nearest to these that have given means and shares.

        Parameters
        ----------
        targets : mapping
            Variable → mean, or (mean, standard deviation); categorical variable, or tuple → shares
            by code. The sum of weights stays.
        max_iter, tol
            As for :meth:`calibrate`.
        """
        return self._with(entropy_step(targets, max_iter, tol))

    def balance(
        self,
        group: str,
        reference: float | str,
        categories: Sequence[str] | str = (),
        numbers: Sequence[str] | str = (),
        moments: int = 1,
        max_iter: int = 100,
        tol: float = 1e-10,
    ) -> Weighting:
        """Entropy balancing of groups: each gets the moments of the reference group.

        Parameters
        ----------
        group : str
            Variable of the groups.
        reference : code
            The group whose weights stay, and whose shares and moments the others take.
        categories, numbers : sequence of str
            What is balanced.
        moments : int
            Of numbers: 1 means, 2 variances too, 3 skewness too.
        max_iter, tol
            As for :meth:`calibrate`.
        """
        return self._with(balance_step(group, reference, categories, numbers, moments, max_iter, tol))

    def apply(self) -> Survey:
        """Take the steps and return the weighted survey.

        Raises
        ------
        WeightingError
            On a subpopulation, without steps, or when a step cannot be taken.
        """
        survey = self.survey
        if survey.mask is not None:
            raise WeightingError(
                "Weights belong to the whole survey, not to a subpopulation.",
                remedy="Weight the survey first, then use .where().",
                ar="يُرجَّح المسح كاملًا قبل اختيار فئة منه.",
            )
        if not self.steps:
            raise WeightingError("There is no weighting step to apply.",
                                 remedy="Add .nonresponse(), .rake(), .trim() … first.")
        bound = survey.design.calibration
        chain: Calibration | None = None if bound is None else bound.calibration
        for position, step in enumerate(self.steps):
            ground = Ground(survey, survey.design.weights, waves_of(survey))
            taken = step.run(ground)
            if taken.restarts:
                chain = None
            if taken.forgets is not None and chain is not None:
                chain = chain.without(taken.forgets)
            if taken.calibration is not None:
                chain = taken.calibration if chain is None else chain.then(taken.calibration)
            log = Applied(step, labelled(taken.text, survey), taken.facts, ground.weights, taken.weights)
            final = position == len(self.steps) - 1
            survey = survey.with_weights(taken.weights, chain if final else None, log)
        return survey

    def report(
        self, indicators: Sequence[str] | None = None, further: Sequence[str] | None = None
    ) -> Report:
        """What the weighting did; steps that are not applied yet are taken for the report.

        Where targets cannot be met the report says which conflict, the nearest that can be met
        and what each way out costs, instead of an error.

        Parameters
        ----------
        indicators : sequence of str, optional
            Variables shown unweighted, before and after; by default up to twelve that are 0/1.
        further : sequence of str, optional
            Categorical variables besides those of the margins whose balance is shown; by default
            some of the codebook.
        """
        survey, conflict = self.survey, None
        for step in self.steps:
            try:
                survey = replace(self, survey=survey, steps=(step,)).apply()
            except UnmetTargets as error:
                if error.conflict is None:
                    raise
                conflict = error.conflict
                break
        return report(survey, indicators, further, conflict)

    def _with(self, step: Step) -> Weighting:
        return replace(self, steps=(*self.steps, step))


def weighting(survey: Survey) -> Weighting:
    """The builder of weighting steps of a survey.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.weighting.rake({"sex": {1: 50, 2: 70}}).apply().count(by="sex").frame["estimate"].tolist()
    [50.0, 70.0]
    """
    return Weighting(survey)


def waves_of(survey: Survey) -> Waves | None:
    """Waves of a survey's rows; None where it has one."""
    name = survey.roles["wave"]
    return None if name is None else waves_by(survey, name)


def waves_by(survey: Survey, name: str) -> Waves:
    """Waves of a survey's rows by a variable."""
    coded = survey.coded(name)
    present = np.unique(coded.codes[coded.codes >= 0])
    place = np.full(len(coded.levels) + 1, -1)
    place[present] = np.arange(present.size)
    return place[coded.codes], tuple(coded.levels[k] for k in present), name
