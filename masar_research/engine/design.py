"""The sampling design: weights, and the structure of the sample they came from.

A design is declared once. Its structure (:class:`masar_research.engine.structure.Structure`) is
encoded once and shared by every reweighted copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.encode import row_names
from masar_research.engine.structure import Structure, build
from masar_research.errors import DesignError

if TYPE_CHECKING:
    from masar_research.engine.replicates import Replicates
    from masar_research.engine.two_phase import Phases

Floats = NDArray[np.float64]
LonelyRule = Literal["raise", "centre", "scale", "certainty", "remove", "collapse"]
LONELY_RULES: tuple[LonelyRule, ...] = (
    "raise",
    "centre",
    "scale",
    "certainty",
    "remove",
    "collapse",
)

Aggregate = Callable[[NDArray[np.integer[Any]], int, Floats], Floats]
"""``(codes (n,), n_codes, factor (n,)) -> (n_codes, m)``: sums over rows of factor × weight ×
influence by code; rows coded −1 are left out."""


class BoundResidualizer(Protocol):
    """A calibration bound to the units of one design."""

    def residualise(self, totals: Floats, aggregate: Aggregate) -> Floats:
        """Unit totals (n_units, m) of weight × influence, less what the auxiliaries explain."""
        ...


class Residualizer(Protocol):
    """What a calibration offers so that its effect reaches the variance."""

    def bind(self, unit: NDArray[np.intp], n_units: int) -> BoundResidualizer:
        """Sum what the variance needs over the units ``unit`` (n,) of a design."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Weights and the structure of the sample.

    Made by :func:`declare`; never changed. Reweighting returns a new design with the same
    structure.

    Parameters
    ----------
    weights : ndarray (n,)
        Weights ≥ 0. A row of weight zero stays in the design and counts neither in n nor in df.
    structure : Structure
        Units, strata and stages, encoded.
    unit_weights : ndarray (n_units,)
        Sum of weights per unit.
    unit_rows : ndarray (n_units,)
        Rows of positive weight per unit.
    all_positive : bool
        Whether every weight is above zero.
    calibration : BoundResidualizer or None
        What the linearised variance takes out because the weights were calibrated.
    replicates : Replicates or None
        Where the variance comes from replicate weights instead.
    phases : Phases or None
        What the second phase of a two-phase sample adds; its weights are those of both phases.
    """

    weights: Floats
    structure: Structure
    unit_weights: Floats
    unit_rows: NDArray[np.intp]
    all_positive: bool
    calibration: BoundResidualizer | None
    replicates: Replicates | None = None
    phases: Phases | None = None

    @property
    def n_rows(self) -> int:
        """Rows of the data, those of weight zero included."""
        return len(self.weights)

    @property
    def unit(self) -> NDArray[np.intp]:
        """(n,) dense codes of the units of the lowest stage that contributes to the variance."""
        return self.structure.unit

    @property
    def n_units(self) -> int:
        """Units of the lowest stage that contributes to the variance."""
        return self.structure.n_units

    @property
    def n_strata(self) -> int:
        """Variance strata (per wave, after collapsing)."""
        return self.structure.n_strata

    @property
    def df(self) -> int:
        """PSUs minus strata, among rows of positive weight; with replicates, theirs."""
        if self.replicates is not None:
            return self.replicates.df
        return int(self.structure.degrees_of_freedom(self.unit_rows[:, None] > 0)[0])

    def reweight(self, weights: ArrayLike, calibration: Residualizer | None = None) -> Design:
        """The same sample under other weights; the encodings are shared, not made again.

        Parameters
        ----------
        weights : array_like (n,)
            New weights ≥ 0, not all zero.
        calibration : Residualizer, optional
            What made the weights, if they were calibrated. Without it the weights are taken as
            given, also when this design was calibrated.

        Raises
        ------
        DesignError
            If the length differs or a weight is missing, negative or infinite; on a design
            with replicates, whose weights would no longer belong to it; if a row outside the second
            phase of a two-phase sample gets a weight.

        Examples
        --------
        >>> design = declare([1.0, 1.0, 2.0, 2.0])
        >>> design.reweight([2.0, 2.0, 1.0, 1.0]).weights.sum()
        np.float64(6.0)
        """
        if self.replicates is not None:
            raise DesignError(
                "The replicate weights of this design belong to its weights as they stand; under "
                "new ones the variance would leave out the step that made them.",
                remedy="Weight the survey first, then make replicates with survey.with_replicates(), "
                "which takes the weighting steps again in every replicate.",
            )
        checked = _weights(weights, self.n_rows, None)
        if self.phases is not None:
            self.phases.check(checked, calibrated=calibration is not None)
        return _weighted(checked, self.structure, calibration, self.phases)

    def describe(self) -> dict[str, Any]:
        """Plain facts of the design, for a method note: counts, rules and what they touched."""
        return {
            "rows": self.n_rows,
            "rows_with_weight": int(self.unit_rows.sum()),
            **self.structure.facts,
            "psus_without_weight": int(
                np.sum(self.structure.psu_sums(self.unit_rows[:, None]) == 0)
            ),
            "df": self.df,
            "calibrated": self.calibration is not None,
            **({} if self.replicates is None else {"replicates": dict(self.replicates.facts)}),
        }


def declare(
    weights: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    psu: ArrayLike | Sequence[ArrayLike] | None = None,
    fpc: ArrayLike | Sequence[ArrayLike] | None = None,
    lonely_psu: LonelyRule = "raise",
    wave: ArrayLike | None = None,
    collapse: ArrayLike | None = None,
    rows: ArrayLike | None = None,
) -> Design:
    """Declare a stratified, clustered, possibly multistage sampling design.

    Parameters
    ----------
    weights : array_like (n,)
        Inverse inclusion probabilities, or weights made from them; ≥ 0.
    strata : array_like (n,), optional
        First-stage strata. Without it the sample is one stratum.
    psu : array_like (n,) or list of them, optional
        Primary sampling units, or one array per stage, first stage first. Labels are nested:
        PSU 1 of stratum A is not PSU 1 of stratum B, and so at every stage. Without it each row
        is a PSU.
    fpc : array_like (n,) or list of them, optional
        Per stage, the number of units in the population of the stratum (of the parent unit at
        lower stages), or the sampling fraction if no value of the stage is above 1. Infinity
        means sampling with replacement. Stages for which none is given count as sampled with
        replacement.
    lonely_psu : {"raise", "centre", "scale", "certainty", "remove", "collapse"}
        What a stratum with a single sampled unit contributes: an error naming the strata; its
        squared deviation from zero, the mean of an influence (R's "adjust"); the average of the other
        strata (R's "average"); nothing, because the unit was certain to be sampled; nothing,
        and anti-conservative; or, merged with the strata that share its value of `collapse`,
        what the merged stratum gives. A stratum that is fully sampled is never lonely, nor is
        one that has one PSU only inside a domain.
    wave : array_like (n,), optional
        Wave of each row. Each wave keeps its own strata for its own variance; `strata` and
        `psu` are ids common to the waves, and PSUs common to two waves carry covariance
        between them.
    collapse : array_like (n,), optional
        With ``lonely_psu="collapse"``: all strata of a group that holds a lonely stratum become
        one stratum (within each wave).
    rows : array_like (n,), optional
        Names of the rows for error messages; by default positions from 0.

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        Weights missing, negative, infinite or all zero; missing strata or PSUs; a population
        smaller than its sample or varying within a stratum; one-PSU strata under "raise".

    References
    ----------
    Särndal, Swensson and Wretman (1992), *Model Assisted Survey Sampling*, ch. 4; Lumley (2010),
    *Complex Surveys*, ch. 2–3.

    Examples
    --------
    >>> design = declare([10, 10, 20, 20], strata=[1, 1, 2, 2], psu=[1, 2, 1, 2])
    >>> design.n_units, design.n_strata, design.df
    (4, 2, 2)
    """
    if lonely_psu not in LONELY_RULES:
        raise DesignError(
            f"lonely_psu={lonely_psu!r} is not a rule for strata with one PSU.",
            remedy=f"Choose one of {', '.join(LONELY_RULES)}.",
        )
    if (lonely_psu == "collapse") != (collapse is not None):
        raise DesignError(
            'lonely_psu="collapse" and collapse= belong together; found one without the other.',
            remedy="Give the variable whose values say which strata merge, and the rule that uses it.",
        )
    checked = _weights(weights, None, rows)
    structure = build(
        len(checked), strata=strata, psu=_stages(psu), fpc=_stages(fpc), lonely=lonely_psu,
        wave=wave, collapse=collapse, rows=rows,
    )  # fmt: skip
    return _weighted(checked, structure, None, None)


def _stages(given: ArrayLike | Sequence[ArrayLike] | None) -> tuple[ArrayLike, ...]:
    """One array per stage: a list of arrays is stages, anything one-dimensional is one stage."""
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        if not given:
            return ()
        first = given[0]
        if isinstance(first, str) or np.ndim(first) == 0:
            return (given,)
        return tuple(given)
    array = np.asarray(given)
    return (array,) if array.ndim == 1 else tuple(array.T)


def _weights(weights: ArrayLike, n_rows: int | None, rows: ArrayLike | None) -> Floats:
    try:
        values = np.ascontiguousarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"Expected numbers as weights; found {np.asarray(weights).dtype} that cannot be read as numbers.",
            remedy="Convert the weight column to numbers in the source file or its card.",
        ) from error
    if values.ndim != 1 or (n_rows is not None and len(values) != n_rows):
        expected = "one weight per row" if n_rows is None else f"{n_rows} weights, one per row"
        raise DesignError(
            f"Expected {expected}; found an array of shape {values.shape}.",
            remedy="Pass the weights as one column of the survey's own rows.",
        )
    if not len(values):
        raise DesignError(
            "Expected at least one row; found none.",
            remedy="Check whether the file was read completely.",
        )
    if not (values.min() >= 0 and np.isfinite(values.sum())):
        for wrong, what in (
            (np.isnan(values), "missing"),
            (np.isinf(values), "infinite"),
            (values < 0, "negative"),
        ):
            if wrong.any():
                raise DesignError(
                    f"Expected weights of zero or more; {int(wrong.sum())} are {what} "
                    f"(rows {row_names(wrong, rows)}).",
                    remedy="Correct them in the source file, or give weight 0 to rows "
                    "that do not belong to the sample.",
                )
    if not values.any():
        raise DesignError(
            f"Expected at least one positive weight; all {len(values)} are zero.",
            remedy="Check which column holds the weights.",
        )
    # A view, or an array its owner can still write to, is copied; a read-only array is shared.
    if values.base is not None or (values is weights and values.flags.writeable):
        values = values.copy()
    values.flags.writeable = False
    return values


def _weighted(
    weights: Floats, structure: Structure, calibration: Residualizer | None, phases: Phases | None
) -> Design:
    unit, n_units = structure.unit, structure.n_units
    all_positive = bool(weights.min() > 0)
    return Design(
        weights=weights,
        structure=structure,
        unit_weights=np.bincount(unit, weights, n_units),
        unit_rows=structure.unit_sizes
        if all_positive
        else np.bincount(unit[weights > 0], minlength=n_units),
        all_positive=all_positive,
        calibration=None if calibration is None else calibration.bind(unit, n_units),
        phases=phases,
    )
