"""Replicates made from a survey's design, its weighting steps taken again in every one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from masar_research.columns import Columns
from masar_research.engine import replicate_making as making
from masar_research.engine.design import Design
from masar_research.engine.encode import combine
from masar_research.engine.replicate_weights import AdjustedFactors, RowWeights
from masar_research.engine.replicates import attach
from masar_research.errors import DesignError, MasarError
from masar_research.replicates import (
    BRR,
    JK1,
    JK2,
    Bootstrap,
    Fay,
    JKn,
    RaoWu,
    Replicate,
    SuccessiveDifference,
)
from masar_research.weighting.builder import waves_of
from masar_research.weighting.calibrating import Calibrate
from masar_research.weighting.cellwise import cellwise
from masar_research.weighting.step_base import BaseStages
from masar_research.weighting.steps import Applied, Base, Ground

if TYPE_CHECKING:
    from masar_research.survey import Survey

_USUAL = 500
# Replicates whose cell weights are formed at once.
_TOGETHER = 50
# Row weights of all replicates may not take more memory than this (bytes).
_MOST_MEMORY = 2_000_000_000
# Steps taken again on the full sample must give its weights to this relative precision.
_SAME = 1e-7


def with_replicates(
    survey: Survey, kind: Replicate, rng: np.random.Generator | None = None
) -> Survey:
    """The same survey, its variance from replicates made of the declared design.

    Every weighting step of the survey's history since its base weights is taken again on the
    weights of each replicate. Steps that give all rows of a cell one factor (eligibility, non-response
    and attrition in fixed classes, post-stratification, raking, calibration to categories, a given total)
    are kept as factors per cell; any other (propensity, trimming, numeric totals, merged classes) needs the
    weight of every row in every replicate: rows × replicates × 8 bytes, which the bar says beforehand and
    the note afterwards.

    Parameters
    ----------
    survey : Survey
        With its design declared by strata, psu and fpc.
    kind : replicates.JK1, JKn, JK2, BRR, Fay, RaoWu, Bootstrap or SuccessiveDifference
        Without columns.
    rng : numpy.random.Generator, optional
        Needed by RaoWu, Bootstrap and JK2, which draw lots.

    Returns
    -------
    Survey
        Degrees of freedom are PSUs minus strata in the domain, at most R − 1.

    Raises
    ------
    DesignError
        On a subpopulation; without rng where lots are drawn, with one where none are; a design
        the type cannot serve (named with the type that can); more than 2 GB of row weights; a
        replicate in which a weighting step fails, named with the step's own reason.

    References
    ----------
    Wolter (2007), *Introduction to Variance Estimation*; Valliant (1993), JASA 88, 89–96
    (post-stratification repeated in every replicate).

    Examples
    --------
    >>> import numpy as np, masar_research as mr
    >>> boot = survey.with_replicates(                                    # doctest: +SKIP
    ...     mr.replicates.RaoWu(500), rng=np.random.default_rng(2026))
    >>> boot.mean("income", by="governorate").frame                       # doctest: +SKIP
    """
    if survey.mask is not None:
        raise DesignError(
            "Replicates belong to the whole survey, not to a subpopulation.",
            remedy="Make the replicates first, then use .where().",
        )
    if survey.design.replicates is not None:
        raise DesignError(
            "This survey has replicates already.", remedy="Make them once, from the declared design."
        )
    steps = _since_base(survey)
    design = survey.design
    if not steps and design.calibration is not None:
        raise DesignError(
            "The weights are calibrated, but the survey's history does not hold the steps.",
            remedy="Weight with survey.weighting, whose steps can be taken again.",
        )
    made, number = make(design, kind, rng)
    facts = made_facts(made, kind)
    if steps:
        facts["steps_repeated"] = len(steps)
    anew = Retaken(steps, made)
    if not steps:
        weights: Any = made.weights
    elif all(cellwise(log.step) is not None for log in steps):
        weights = _adjusted(survey, steps, made.weights, anew)
        facts["kept_as"] = f"factors per unit and per cell of the steps ({weights.adjustment.shape[1]} cells)"
    else:
        needed = len(survey) * number * 8
        facts["kept_as"] = f"weights of every row ({needed / 1e6:,.0f} MB)"
        weights = _every_row(survey, steps, made.weights, needed, anew)
    df = min(survey.design.df, number - 1)
    return survey.with_design(
        attach(design, weights, scale=made.scale, rscales=made.rscales, mse=kind.mse, df=df,
               facts=facts)
    )  # fmt: skip


def made_facts(made: making.Made, kind: Replicate) -> dict[str, Any]:
    """What the note says of replicates that were made."""
    return {
        "kind": kind.kind, "number": made.weights.number, "scale": made.scale, "rscales": "1",
        "centre": "estimate (mse)" if kind.mse else "mean of the replicates",
        "df": "PSUs minus strata with answers in the domain, at most R − 1",
        "made": True, **made.facts,
    }  # fmt: skip


def make(
    design: Design, kind: Replicate, rng: np.random.Generator | None
) -> tuple[making.Made, int]:
    if not isinstance(kind, RaoWu):
        kind.refuse_given()
    drawn = isinstance(kind, RaoWu | Bootstrap | JK2)
    if drawn and not isinstance(rng, np.random.Generator):
        raise DesignError(
            f"{kind.kind} draws lots and needs rng=, a numpy Generator.",
            remedy="Pass rng=np.random.default_rng(seed), and report the seed.",
        )
    if not drawn and rng is not None:
        raise DesignError(
            f"{kind.kind} draws no lots; rng= would change nothing.", remedy="Leave rng= out."
        )
    match kind:
        case RaoWu():
            made = making.rao_wu(design, kind.number, rng)
        case Bootstrap():
            made = making.bootstrap(design, kind.number or _USUAL, rng)
        case JK2():
            made = making.paired_jackknife(design, rng)
        case JK1():
            made = making.jackknife(design, stratified=False)
        case JKn():
            made = making.jackknife(design, stratified=True)
        case BRR():
            made = making.balanced(design, kind.fay)
        case Fay():
            made = making.balanced(design, kind.rho)
        case SuccessiveDifference():
            made = making.successive_difference(design)
    return made, made.weights.number


def _since_base(survey: Survey) -> list[Applied]:
    """The steps after the last one that set base weights."""
    steps = list(survey.history)
    for position in range(len(steps) - 1, -1, -1):
        if isinstance(steps[position].step, Base | BaseStages):
            return steps[position + 1 :]
    return steps


class Retaken:
    """The steps as each replicate takes them.

    Targets that are estimates of another source move in every replicate:
    ``T_r = T + L q_r / √c_r``, with L L' their covariance, q_r the rows of a matrix with orthonormal
    columns that sum to nought and c_r the weight of the replicate in the variance, so that the variance
    gains ``B' L L' B``.

    References
    ----------
    Fuller (1998), *Statistica Sinica* 8, 1153–1164; Dever and Valliant (2010), *Survey
    Methodology* 36, 45–56.
    """

    __slots__ = ("_offsets", "_steps")

    def __init__(self, steps: Sequence[Applied], made: making.Made) -> None:
        self._steps = [log.step for log in steps]
        self._offsets: dict[int, np.ndarray] = {}
        number = made.weights.number
        each = 1.0 if made.rscales is None else made.rscales
        scales = np.sqrt(made.scale * np.broadcast_to(each, number))
        column = 0
        for place, step in enumerate(self._steps):
            if not isinstance(step, Calibrate) or step.covariance is None:
                continue
            root = step.root()
            last = column + root.shape[1]
            if last > number - 1:
                raise DesignError(
                    f"Targets with {last} independent errors need at least {last + 1} replicates; "
                    f"there are {number}.",
                    remedy="Take more replicates, or merge categories of the targets.",
                )
            self._offsets[place] = (_orthonormal(number, column, last) / scales[:, None]) @ root.T
            column = last

    def steps(self, r: int) -> list[Any]:
        """The steps of replicate r."""
        if not self._offsets:
            return self._steps
        return [step.moved(self._offsets[k][r]) if k in self._offsets else step
                for k, step in enumerate(self._steps)]  # fmt: skip


def _orthonormal(number: int, first: int, last: int) -> np.ndarray:
    """(number, last − first) cosines, orthonormal and summing to nought, rows out of the order of strata."""
    stride = max(1, round(0.618 * number))
    while np.gcd(stride, number) != 1:
        stride += 1
    row = (np.arange(number) * stride) % number
    wave = np.arange(first + 1, last + 1)
    return np.sqrt(2.0 / number) * np.cos(np.pi * np.outer(row + 0.5, wave) / number)


def _adjusted(
    survey: Survey, steps: list[Applied], base: Any, anew: Retaken
) -> AdjustedFactors:
    start, unit = steps[0].before, survey.design.unit
    cell, representative = _cells(survey, steps, start)
    small = survey.with_columns({})
    small._columns = Columns(survey.frame.iloc[representative], survey.codebook)
    waves, n_cells = waves_of(small), len(representative)
    pair, (unit_of, cell_of) = combine(unit, cell)
    sums = np.bincount(pair, start)

    def run(weights: np.ndarray, which: str, taken: Sequence[Any]) -> np.ndarray:
        after = _retake(small, taken, weights, waves, which)
        return np.divide(after, weights, out=np.zeros(n_cells), where=weights > 0)

    full = run(np.bincount(cell_of, sums, n_cells), "the full sample", [log.step for log in steps])
    _same_weights(survey, start * full[cell])
    adjustment = np.empty((base.number, n_cells))
    by_unit = csr_array((sums, (cell_of, unit_of)), shape=(n_cells, base.n_units))
    for first in range(0, base.number, _TOGETHER):
        factors = base.block(slice(first, first + _TOGETHER))
        for k, weights in enumerate((by_unit @ np.ascontiguousarray(factors.T)).T):
            adjustment[first + k] = run(weights, f"replicate {first + k + 1}",
                                        anew.steps(first + k))
    np.divide(adjustment, full, out=adjustment, where=full > 0)
    return AdjustedFactors(base, unit, cell, adjustment)


def _same_weights(survey: Survey, again: np.ndarray) -> None:
    if not np.allclose(again, survey.design.weights, rtol=_SAME, atol=0):
        raise DesignError(
            "The weighting steps of the survey's history, taken again, do not give its weights.",
            remedy="Weight the survey anew with survey.weighting, then make the replicates.",
        )


def _every_row(
    survey: Survey, steps: list[Applied], base: Any, needed: int, anew: Retaken
) -> RowWeights:
    if needed > _MOST_MEMORY:
        culprits = sorted({type(log.step).__name__ for log in steps if cellwise(log.step) is None})
        raise DesignError(
            f"{' and '.join(culprits)} cannot be kept as factors per cell: the weights of every "
            f"row in {base.number} replicates take {needed / 1e9:.1f} GB.",
            remedy="Use fewer replicates, leave that step out, or min_cell=0 for non-response.",
            ar=f"تحتاج الأوزان المكررة هنا إلى \u2066{needed / 1e9:.1f} GB\u2069 من الذاكرة؛ قلّل عددها، أو احذف الخطوات التي "
            "تعطي كل سجل معاملًا خاصًا به.",
        )
    start, waves = steps[0].before, waves_of(survey)
    columns, kept = [], {}
    whole = _retake(survey, [log.step for log in steps], start, waves, "the full sample", None, kept)
    _same_weights(survey, whole)
    from masar_research.streaming.progress import shown

    with shown(f"Replicates · أوزان مكررة ({needed / 1e6:,.0f} MB)", base.number) as done:
        for r in range(base.number):
            times = base.block(slice(r, r + 1))[0][survey.design.unit]
            columns.append(_retake(survey, anew.steps(r), start * times, waves, f"replicate {r + 1}", times, kept))
            done()
    return RowWeights(tuple(columns), True, None)


def _retake(
    survey: Survey, steps: Sequence[Any], weights: np.ndarray, waves: Any, which: str,
    times: np.ndarray | None = None, kept: dict[Any, Any] | None = None,
) -> np.ndarray:  # fmt: skip
    kept = {} if kept is None else kept
    for step in steps:
        try:
            weights = step.run(Ground(survey, weights, waves, times=times, kept=kept)).weights
        except MasarError as error:
            raise refused(which, step, error) from error
    return weights


def refused(which: str, step: Any, error: MasarError) -> DesignError:
    """A weighting step that cannot be taken again, in the full sample or a replicate."""
    return DesignError(
        f"In {which} a weighting step cannot be taken ({step.__class__.__name__}): {error.what}",
        remedy="Use larger classes or margins in that step, or a type of replicate that "
        "leaves out less, such as mr.replicates.BRR(fay=0.5) or JKn().",
    )


def _cells(
    survey: Survey, steps: Sequence[Applied], start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) cell of each row, within which the steps treat rows alike; a row of each cell."""
    parts = [(start > 0).astype(np.intp)]
    names: dict[str, None] = {}
    for log in steps:
        made = cellwise(log.step)
        assert made is not None
        names.update(dict.fromkeys(made.names))
        parts += [survey.truth(condition).astype(np.intp) for condition in made.conditions]
    if survey.roles["wave"] is not None:
        names[survey.roles["wave"]] = None
    parts += [survey.coded(name).codes + 1 for name in names]
    cell, _ = combine(*parts)
    first = np.zeros(int(cell.max()) + 1, dtype=np.intp)
    first[cell[::-1]] = np.arange(len(cell))[::-1]
    return cell, first

