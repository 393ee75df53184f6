"""Raking, post-stratification and non-response on files larger than memory, or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masar_research import expressions
from masar_research.codebook import Codebook
from masar_research.engine.auxiliary import Basis, BoundCalibration, Calibration
from masar_research.engine.auxiliary import Step as EngineStep
from masar_research.errors import MasarError, WeightingError
from masar_research.streaming.blocks import Block
from masar_research.streaming.cell_tables import Key, Table, Tabulate
from masar_research.streaming.units import of_file
from masar_research.survey import Survey
from masar_research.weighting.builder import Weighting, waves_by
from masar_research.weighting.cellwise import cellwise
from masar_research.weighting.replicates import refused
from masar_research.weighting.steps import Applied, Ground, Step

if TYPE_CHECKING:
    from masar_research.streaming.survey import StreamedSurvey

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CellFactors:
    """Weights of the file times the factor of each row's joint cell; a `Reweighting`.

    Parameters
    ----------
    table : Table
        Its keys say which cell a row is in.
    factor : ndarray (n_cells,)
    paired : bool
        Whether sums by pair of cell and unit are kept too: replicates need them.
    """

    table: Table
    factor: Floats
    paired: bool = False

    @property
    def columns(self) -> frozenset[str]:
        return self.table.key.columns

    @property
    def levels(self) -> frozenset[str]:
        return frozenset(self.table.key.names)

    def weights(self, block: Block) -> Floats:
        return block.weights * self.factor[self._places(block)]

    def groups(self, block: Block) -> tuple[tuple[Codes, int, Floats], ...]:
        cell = self._places(block)
        ones = np.ones(block.n_rows)
        found = [(cell, self.table.keys.size, ones)]
        if self.paired:
            found.append((self.table.pairs(cell, block.unit), self.table.cell.size, ones))
        return tuple(found)

    def _places(self, block: Block) -> Codes:
        return self.table.places(self.table.key.read(block))


@dataclass(frozen=True, slots=True, eq=False)
class CellCalibration:
    """What the variance takes out because weights were calibrated, from sums by joint cell.

    Pairs of cell and unit stand for the rows: the products of the auxiliaries over units and
    over each other are sums over pairs.

    Parameters
    ----------
    bound : BoundCalibration
        Of the pairs.
    leading : ndarray of int (n_cells,)
        The pair of each cell that holds most weight.
    """

    bound: BoundCalibration
    leading: Codes

    @property
    def outside(self) -> int:
        """Rows that `residualise` adds for errors of the targets themselves."""
        return self.bound.outside

    def residualise(self, totals: Floats, aggregate: Any) -> Floats:
        """Unit totals (n_units, m) less what the auxiliaries explain."""
        of_cell = aggregate(0, self.leading.size, None)

        def sums(codes: Codes, n_codes: int, factor: Floats) -> Floats:
            out = np.zeros((n_codes + 1, of_cell.shape[1]))
            place = codes[self.leading]
            np.add.at(out, np.where(place < 0, n_codes, place), factor[self.leading, None] * of_cell)
            return out[:n_codes]

        return self.bound.residualise(totals, sums)


@dataclass(frozen=True, slots=True)
class StreamedWeighting(Weighting):
    """The builder behind ``survey.weighting`` of a file: steps as data, applied to joint cells.

    Eligibility, non-response and attrition in classes, post-stratification, raking, calibration to
    categories by any distance, entropy balancing of shares and scaling to a total give all rows of a joint
    cell of their variables one factor, so they need one pass, whatever their number; the table of cells
    stays in memory and no weight of a row is ever stored. Steps that treat rows of a cell differently
    (trimming, propensities, numeric totals, households, weights computed from columns) are refused.

    Examples
    --------
    >>> import tempfile, pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 6, "psu": [1, 2, 3] * 2, "sex": [1, 1, 1, 1, 2, 2]})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     frame.to_parquet(f"{place}/part.parquet")
    ...     survey = mr.scan(place, weights="w", psu="psu")
    ...     raked = survey.weighting.rake({"sex": {1: 60.0, 2: 50.0}}).apply()
    ...     counted = raked.count(by="sex")
    >>> counted.frame["estimate"].round(9).tolist()
    [60.0, 50.0]
    """

    survey: Any
    steps: tuple[Step, ...] = ()

    def apply(self) -> StreamedSurvey:
        """Take the steps and return the weighted survey.

        Raises
        ------
        WeightingError
            As in memory; and for a step that is not the same for all rows of a joint cell.
        """
        survey = self.survey
        if survey.base:
            raise WeightingError(
                "Weights belong to the whole survey, not to a subpopulation.",
                remedy="Weight the survey first, then use .where().",
                ar="يُرجَّح المسح كاملًا قبل اختيار فئة منه.",
            )
        if not self.steps:
            raise WeightingError("There is no weighting step to apply.",
                                 remedy="Add .nonresponse(), .rake(), .trim() … first.")
        if survey.design.replicates is not None:
            raise WeightingError(
                "This survey has replicates, which belong to its weights as they stand.",
                remedy="Weight first, then make the replicates: they take the steps again.",
                ar="الأوزان المكررة تابعة للأوزان الحالية؛ رجّح المسح أولاً ثم أنشئ الأوزان المكررة.",
            )
        steps = (*(log.step for log in survey.history), *self.steps)
        for step in steps:
            _refuse_by_row(step)
        source = survey.source.reading(reweighting=None)
        names, conditions = needs(steps, survey.roles.wave)
        levels = source.levels(_split(names, conditions, survey.codebook))
        key = Key.of(names, conditions, levels, survey.codebook)
        for name in sorted(key.columns):
            source.files.require(name)
        table = source.run(Tabulate(key), "Weighting cells")
        small = cells_survey(table, levels, survey.codebook)
        weights, chain, history = take(small, steps, table, survey.roles.wave)
        factor = np.divide(weights, table.weight, out=np.ones_like(weights), where=table.weight > 0)
        read = source.reading(reweighting=CellFactors(table, factor))
        made = of_file(source.design.structure, *by_unit(table, factor, source.design.n_units),
                       source.design.n_rows)
        design = replace(made, calibration=calibration_of(chain, table, made.n_units))
        return survey._derive(
            source=replace(read, design=design), history=tuple(history), weights_name="weight"
        )

    def report(self, indicators: Sequence[str] | None = None) -> Any:
        """The report of a weighting needs the weights of all rows, which a file does not give.

        Raises
        ------
        WeightingError
            Always.
        """
        raise WeightingError(
            "The report of a weighting reads the weights of all rows at once, and this survey is read in "
            "blocks.",
            remedy="Read survey.history: each step says its factors, iterations and largest gap.",
            ar="يحتاج تقرير الترجيح إلى أوزان السجلات كلها معاً والملف يُقرأ على دفعات؛ راجع survey.history.",
        )


def weighting(survey: StreamedSurvey) -> StreamedWeighting:
    """The builder of weighting steps of a survey that is read in blocks."""
    return StreamedWeighting(survey)


def _refuse_by_row(step: Step) -> None:
    if cellwise(step, merging=True) is not None:
        return
    what = type(step).__name__.lower()
    raise WeightingError(
        f"The step {what!r} gives rows of one weighting cell different factors, so it would need the "
        "weight of every row at once.",
        remedy="Take it in memory and write the weights as a column, or leave it out. On files of any size work "
        "eligibility(), nonresponse() and attrition(cells=…), poststratify(), rake(), calibrate() to categories, "
        "entropy() to shares, normalise(total) and combine(factors).",
        ar=f"خطوة الترجيح «{what}» تحتاج إلى وزن كل سجل والملف يُقرأ على دفعات؛ نفّذها في الذاكرة واكتب الأوزان "
        "عموداً، أو احذفها.",
    )


def needs(steps: Sequence[Any], wave: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Variables that steps cross, and conditions they evaluate."""
    names: dict[str, None] = {} if wave is None else {wave: None}
    conditions: dict[str, None] = {}
    for step in steps:
        made = cellwise(step, merging=True)
        if made is not None:
            names.update(dict.fromkeys(made.names))
            conditions.update(dict.fromkeys(made.conditions))
    return tuple(names), tuple(conditions)


def _split(names: Sequence[str], conditions: Sequence[str], codebook: Codebook) -> set[str]:
    """Variables whose levels tell cells apart."""
    more = {name for text in conditions for name in expressions.parse(text).names}
    return {*names, *(name for name in more if name in codebook and codebook[name].categories)}


def cells_survey(table: Table, levels: Mapping[str, Any], codebook: Codebook) -> Survey:
    """The joint cells as a survey of one row each, on which steps are taken."""
    frame = table.frame(levels).assign(_weight=table.weight)
    return Survey(frame, weights="_weight", lonely_psu="remove", codebook=codebook)


def take(
    small: Survey, steps: Sequence[Step], table: Table, wave: str | None,
    weights: Floats | None = None, which: str | None = None,
) -> tuple[Floats, Calibration | None, list[Applied]]:  # fmt: skip
    """Take steps on the joint cells; `which` names the replicate they are taken in.

    Returns
    -------
    weights : ndarray (n_cells,)
    chain : Calibration or None
        Its rows are the cells.
    history : list of Applied
        ``before`` and ``after`` are sums by cell.
    """
    weights = table.weight if weights is None else weights
    waves = None if wave is None else waves_by(small, wave)
    chain: Calibration | None = None
    history: list[Applied] = []
    for step in steps:
        ground = Ground(small, weights, waves, table.interviews * (weights > 0))
        try:
            taken = step.run(ground)
        except MasarError as error:
            if which is None:
                raise
            raise refused(which, step, error) from error
        if taken.calibration is not None:
            chain = taken.calibration if chain is None else chain.then(taken.calibration)
        history.append(Applied(step, taken.text, taken.facts, weights, taken.weights))
        weights = taken.weights
    return weights, chain, history


def calibration_of(
    chain: Calibration | None, table: Table, n_units: int
) -> CellCalibration | None:
    """The steps as the variance needs them, from rows that are cells to rows that are pairs."""
    if chain is None:
        return None
    whole = table.weight[table.cell]
    share = np.divide(table.pair_weight, whole, out=np.zeros_like(whole), where=whole > 0)

    def pairs(basis: Basis) -> Basis:
        return Basis(None if basis.cells is None else basis.cells[table.cell], basis.table, basis.n_cells,
                     None if basis.matrix is None else basis.matrix[table.cell])

    def spread(step: EngineStep) -> EngineStep:
        return replace(
            step, before=step.before[table.cell] * share, after=step.after[table.cell] * share, basis=pairs(step.basis),
            origin=None if step.origin is None else pairs(step.origin),
        )  # fmt: skip

    bound = Calibration(tuple(spread(step) for step in chain.steps)).bind(table.unit, n_units)
    order = np.lexsort((-table.pair_weight, table.cell))
    start = np.searchsorted(table.cell[order], np.arange(table.keys.size))
    return CellCalibration(bound, order[start])


def by_unit(
    table: Table, factor: Floats, n_units: int
) -> tuple[Floats, NDArray[np.intp]]:
    """Sum of the new weights, and rows to which they give any, by unit."""
    each = factor[table.cell]
    rows = np.bincount(table.unit, table.pair_rows * (each > 0), n_units)
    return np.bincount(table.unit, table.pair_weight * each, n_units), rows.astype(np.intp)
