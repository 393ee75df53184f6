"""Types of second phases, as a researcher names them.

The survey itself declares the first phase: its weights, strata, PSUs and finite populations. The
second phase says which rows were followed up, and how they were drawn from the first::

    mr.Survey(frame, weights="w1", strata="region", psu="village", fpc="villages",
              second_phase=mr.phases.Stratified("examined == 1", strata="screening"))

Nothing is filtered: rows of the first phase only stay, with weight 0 in estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from masar_research import expressions
from masar_research.engine.design import Design, LonelyRule
from masar_research.engine.two_phase import Method
from masar_research.engine.two_phase_design import independent_subsample, subsample
from masar_research.errors import DesignError

if TYPE_CHECKING:
    from masar_research.survey import Survey

Names = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Stratified:
    """A simple random sample of the first phase, within strata if any are named.

    Attributes
    ----------
    rows : str
        Which rows are in the second phase: a column of zeros and ones, or a condition such as
        ``"examined == 1"``. It must be known for every row of the first phase.
    strata : str, optional
        Column of second-phase strata; they may follow from what the first phase found.
    psu : str or list of str, optional
        Columns of second-phase units, one per stage; without it rows were drawn. Labels are
        nested in the strata of both phases.
    fpc : str or list of str, optional
        Columns of the number of first-phase units in the stratum (in the parent unit at lower
        stages), or of sampling fractions. Without it they are counted in the first phase, and the
        probabilities of the second are units drawn / units there.
    lonely_psu : {"raise", "centre", "scale", "certainty", "remove"}
        What a stratum with one unit in the second phase contributes.
    method : {"difference", "full", "approx"}
        "full" is unbiased for any stages of either phase (R's "full"). "difference" is the same but
        for the means of the second-phase strata, and much steadier where the first phase drew
        clusters. "approx" is the formula R calls "approx" and "simple", for first-phase units that
        enter the second whole.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 10.0, "screen": [0, 0, 0, 1, 1, 1],
    ...                       "exam": [1, 1, 0, 1, 1, 1], "y": [1.0, 3.0, None, 5.0, 9.0, 7.0]})
    >>> survey = mr.Survey(frame, weights="w", second_phase=mr.phases.Stratified("exam", strata="screen"))
    >>> survey.design.weights.tolist()
    [15.0, 15.0, 0.0, 10.0, 10.0, 10.0]
    >>> float(survey.mean("y").frame["estimate"].iloc[0])
    4.5
    """

    rows: str
    strata: str | None = None
    psu: Names | None = None
    fpc: Names | None = None
    lonely_psu: LonelyRule = "raise"
    method: Method = "difference"

    def join(self, survey: Survey, first: Design) -> Design:
        """The design of both phases, from the survey's columns and its first phase."""
        return subsample(
            first, chosen(survey, self.rows, first),
            strata=_of(survey, self.strata, "strata"),
            psu=[_of(survey, name, "psu") for name in _listed(self.psu)],
            fpc=[_of(survey, name, "fpc") for name in _listed(self.fpc)],
            lonely_psu=self.lonely_psu, method=self.method,
            first_strata=_of(survey, survey.roles["strata"], "strata"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Poisson:
    """Every unit entered the second phase by itself, with a probability of its own.

    Attributes
    ----------
    rows : str
        As for :class:`Stratified`.
    probability : str
        Column of the probability to enter the second phase, above 0 and at most 1.
    psu : str, optional
        Column of units drawn as one; without it rows were.
    method : {"difference", "full"}
        As for :class:`Stratified`.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 2.0, "p": [0.5, 1.0, 0.25], "exam": [1, 1, 0], "y": [1.0, 3.0, None]})
    >>> survey = mr.Survey(frame, weights="w", second_phase=mr.phases.Poisson("exam", probability="p"))
    >>> survey.design.weights.tolist()
    [4.0, 2.0, 0.0]
    """

    rows: str
    probability: str
    psu: str | None = None
    method: Literal["difference", "full"] = "difference"

    def join(self, survey: Survey, first: Design) -> Design:
        """The design of both phases, from the survey's columns and its first phase."""
        try:
            probability = survey.values(self.probability)
        except ValueError as error:
            raise DesignError(
                f"probability={self.probability!r} of the second phase is not a column of numbers.",
                remedy="Name the column that holds each unit's probability; one number for all is "
                "mr.phases.Bernoulli.",
                ar="عمود احتمالات المرحلة الثانية غير موجود أو ليس أرقاماً.",
            ) from error
        return independent_subsample(
            first, chosen(survey, self.rows, first), probability,
            psu=_of(survey, self.psu, "psu"),
            first_strata=_of(survey, survey.roles["strata"], "strata"), method=self.method,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bernoulli:
    """Every unit entered the second phase by itself, all with the same probability.

    Attributes
    ----------
    rows : str
        As for :class:`Stratified`.
    probability : float
        Above 0 and at most 1.
    psu : str, optional
        Column of units drawn as one; without it rows were.
    method : {"difference", "full"}
        As for :class:`Stratified`.
    """

    rows: str
    probability: float
    psu: str | None = None
    method: Literal["difference", "full"] = "difference"

    def join(self, survey: Survey, first: Design) -> Design:
        """The design of both phases, from the survey's columns and its first phase."""
        if isinstance(self.probability, str):
            raise DesignError(
                f"Bernoulli takes one number for all units; found {self.probability!r}.",
                remedy="A column of probabilities is mr.phases.Poisson.",
                ar="يأخذ Bernoulli رقماً واحداً لكل الوحدات؛ لعمود من الاحتمالات استخدم Poisson.",
            )
        return independent_subsample(
            first, chosen(survey, self.rows, first), np.full(first.n_rows, float(self.probability)),
            psu=_of(survey, self.psu, "psu"),
            first_strata=_of(survey, survey.roles["strata"], "strata"), bernoulli=True,
            method=self.method,
        )  # fmt: skip


SecondPhase = Stratified | Poisson | Bernoulli


def chosen(survey: Survey, rows: str, first: Design) -> np.ndarray:
    """(n,) bool: the rows of the second phase.

    Raises
    ------
    DesignError
        Not zeros and ones or a condition, or not known for a row of the first phase.
    """
    parsed = expressions.parse(rows)
    for name in parsed.names:
        survey._columns.require(name)
    found = expressions.evaluate(parsed, survey._columns.raw, survey.codebook.missing_kinds)
    unknown = ~np.asarray(found.known) & (first.weights > 0)
    if unknown.any():
        where = ", ".join(map(str, np.flatnonzero(unknown)[:8].tolist()))
        raise DesignError(
            f"Whether a row is in the second phase ({rows!r}) is not known for {int(unknown.sum())} rows "
            f"of the first (rows {where}).",
            remedy="Complete the column: who was not drawn is 0, not blank.",
            ar="لا يُعرف لبعض سجلات المرحلة الأولى أكانت في الثانية؛ ضع 0 لمن لم يُختر.",
        )
    values = np.where(found.known, found.value, 0)
    if values.dtype == bool:
        return values
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise DesignError(
            f"{rows!r} is neither a condition nor a column of zeros and ones.",
            remedy='Say which rows are in the second phase, for instance "examined == 1".',
            ar="حدّد سجلات المرحلة الثانية بشرط أو بعمود من 0 و1.",
        )
    return numbers == 1


def _listed(names: Names | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())


def _of(survey: Survey, name: str | None, role: str) -> np.ndarray | None:
    return survey._column(name, f"second_phase {role}")
