"""What a calibrated weight leaves behind for the variance: auxiliaries and their products.

A weight that has been calibrated makes the totals of its auxiliaries constants, so the
variance of an estimate is that of what the auxiliaries do not explain. Steps may follow one
another (non-response, then raking); they are undone from the last to the first, and every
product they need is summed once, when the calibration is bound to the units of a design.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from masar_research.errors import WeightingError

Aggregate = Callable[[np.ndarray, int, np.ndarray], np.ndarray]
"""``(codes (n,), n_codes, factor (n,)) -> (n_codes, m)``: sums over rows of factor × weight ×
influence by code, rows coded −1 left out. Whoever holds the influence supplies it."""

_DENSE_PAIRS = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The auxiliaries of one step: a row of ``table`` per cell, or a dense matrix.

    Parameters
    ----------
    cells : (n,) int array or None
        Cell of each row, −1 for rows outside (they must carry no weight).
    table : (n_cells, p) float array or None
        Auxiliary values of each cell; None with ``n_cells`` > 0 means one indicator per cell.
    n_cells : int
        Number of cells.
    matrix : (n, p) float array or None
        Dense auxiliaries, when they are not constant within cells. With ``cells`` as well, the
        auxiliaries are those of the cells followed by those of the matrix.
    """

    cells: np.ndarray | None
    table: np.ndarray | None
    n_cells: int
    matrix: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Number of auxiliary columns, p."""
        dense = 0 if self.matrix is None else self.matrix.shape[1]
        if self.cells is None:
            return dense
        return dense + (self.n_cells if self.table is None else self.table.shape[1])

    def parts(self) -> tuple[Basis, ...]:
        """The auxiliaries of the cells and those of the matrix, each by themselves."""
        if self.cells is None or self.matrix is None:
            return (self,)
        return (Basis(self.cells, self.table, self.n_cells), Basis(None, None, 0, self.matrix))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One calibration as the variance sees it.

    Parameters
    ----------
    kind : str
        "rake", "poststratify", "linear", "raking", "logit", "response" or "balance".
    before, after : (n,) float arrays
        Weights going in and coming out; ``after`` is 0 where a row left the sample.
    basis : Basis
        Auxiliaries whose totals were fixed.
    sampled : bool
        True if the totals were estimated from the sample itself with ``before`` (non-response
        classes); False if they are known for the population.
    origin : Basis, optional
        What the rows add to the totals, with ``before``, where these come from the sample but not
        from the same auxiliaries (moments of another group, shares of the sum of weights).
    penalty : (p,) float array, optional
        Second derivative of the penalty on λ of soft targets, added to the cross-products.
    spread : (p, q) float array, optional
        L of the covariance L L' of totals that are themselves estimates of another source.
    """

    kind: str
    before: np.ndarray
    after: np.ndarray
    basis: Basis
    sampled: bool = False
    origin: Basis | None = None
    penalty: np.ndarray | None = None
    spread: np.ndarray | None = None

    def onto(self, left: Basis, factor: np.ndarray | float = 1.0) -> np.ndarray | sparse.csr_matrix:
        """Σ factor · x_left times what the prediction xB takes away, shape (p_left, p)."""
        taken = products(left, self.basis, self.carried() * factor)
        if self.origin is None:
            return taken
        return _dense(taken) - _dense(products(left, self.origin, self.before * factor))

    def inverse_g(self) -> np.ndarray:
        """(n,) before / after, 0 where the row left the sample."""
        out = np.zeros_like(self.before)
        np.divide(self.before, self.after, out=out, where=self.after > 0)
        return out

    def carried(self) -> np.ndarray:
        """(n,) weight with which the prediction xB is taken away (sampled: and given back)."""
        return self.after - self.before if self.sampled else self.after

    def metric(self) -> np.ndarray:
        """(n,) weights of the cross-products of the auxiliaries."""
        return np.where(self.after > 0, self.before, 0.0)

    def without(self, rows: np.ndarray) -> Step:
        """This step with the rows marked (n,) left out."""
        return replace(self, before=np.where(rows, 0.0, self.before),
                       after=np.where(rows, 0.0, self.after))


@dataclass(frozen=True, slots=True, eq=False)
class Solved(Step):
    """Weights that are a smooth function of coefficients b which solve Σ score_i x_i = known.

    Parameters
    ----------
    slope : (n,) float array
        −∂ log(weight after) / ∂η of each row, η = x'b.
    score : (n,) float array
        The equations' term of each row: weight × residual of a response model, for instance.
    curvature : (n,) float array
        −∂ score / ∂η.
    free : bool
        The equations do not hold the weights before (an unweighted model), so that no earlier
        step reaches them.

    Notes
    -----
    The influence of row i on a total of z is w_i z_i − score_i x_i'B, with
    B = (Σ curvature x x')⁻ Σ slope w z x (M-estimation, the two sets of equations stacked).

    References
    ----------
    Stefanski and Boos (2002), Am. Statistician 56; Binder (1983), Int. Stat. Review 51.
    """

    slope: np.ndarray = field(kw_only=True)
    score: np.ndarray = field(kw_only=True)
    curvature: np.ndarray = field(kw_only=True)
    free: bool = False

    def onto(self, left: Basis, factor: np.ndarray | float = 1.0) -> np.ndarray | sparse.csr_matrix:
        """Σ factor · x_left times what xB takes away; nothing of an earlier step where free."""
        if self.free and isinstance(factor, np.ndarray):
            factor = np.zeros_like(factor)
        taken = products(left, self.basis, self.score * factor)
        if self.origin is None:
            return taken
        return _dense(taken) - _dense(products(left, self.origin, self.before * factor))

    def inverse_g(self) -> np.ndarray:
        """(n,) factor of weight × influence in the cross-products with the auxiliaries."""
        return self.slope

    def carried(self) -> np.ndarray:
        """(n,) weight with which the prediction xB is taken away."""
        return self.score

    def metric(self) -> np.ndarray:
        """(n,) weights of the cross-products of the auxiliaries."""
        return self.curvature

    def without(self, rows: np.ndarray) -> Solved:
        """This step with the rows marked (n,) left out."""
        kept = ~rows
        return replace(self, before=self.before * kept, after=self.after * kept, slope=self.slope * kept,
                       score=self.score * kept, curvature=self.curvature * kept)


def products(left: Basis, right: Basis, factor: np.ndarray) -> np.ndarray | sparse.csr_matrix:
    """Σ factor · x_left x_right' over rows, shape (p_left, p_right)."""
    if len(left.parts()) > 1 or len(right.parts()) > 1:
        return np.block([[_dense(products(a, b, factor)) for b in right.parts()]
                         for a in left.parts()])  # fmt: skip
    if left.matrix is not None and right.matrix is not None:
        return left.matrix.T @ (right.matrix * factor[:, None])
    if left.matrix is not None:
        return products(right, left, factor).T
    if right.matrix is not None:
        sums = row_sums(left.cells, factor, right.matrix, left.n_cells)
    elif left.cells is right.cells:
        diagonal = cell_sums(left.cells, factor, left.n_cells)
        if left.table is None and right.table is None:
            return sparse.diags_array(diagonal).tocsr()
        own = np.eye(right.n_cells) if right.table is None else right.table
        sums = diagonal[:, None] * own
    else:
        sums = _cross_sums(left, right, factor)
        if right.table is not None:
            sums = sums @ right.table
    return sums if left.table is None else left.table.T @ sums


def _dense(made: np.ndarray | sparse.csr_matrix) -> np.ndarray:
    return made.toarray() if sparse.issparse(made) else made


def cell_sums(codes: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
    """Sums of ``values`` by code, rows coded −1 left out."""
    if codes.size and codes.min() < 0:
        return np.bincount(codes + 1, weights=values, minlength=k + 1)[1:]
    return np.bincount(codes, weights=values, minlength=k)


def row_sums(codes: np.ndarray, factor: np.ndarray, matrix: np.ndarray, k: int) -> np.ndarray:
    """(k, p) sums of factor × rows of ``matrix`` by code; rows coded −1 or with factor 0 left out.

    The rows are read once, in the order they stand.
    """
    keep = (codes >= 0) & (factor != 0)
    entries = codes if keep.all() else codes[keep]
    start = np.zeros(codes.size + 1, dtype=np.int64)
    np.cumsum(keep, out=start[1:])
    by_row = sparse.csc_array((factor[keep] if entries is not codes else factor, entries, start),
                              shape=(k, codes.size))
    return by_row @ matrix


def _cross_sums(left: Basis, right: Basis, factor: np.ndarray):
    """(n_cells_left, n_cells_right) sums of factor by pairs of cells; sparse when large."""
    room = left.n_cells * right.n_cells
    if room <= _DENSE_PAIRS:
        pair = left.cells.astype(np.int32) * np.int32(right.n_cells)
        pair += right.cells.astype(np.int32, copy=False)
        for cells in (left.cells, right.cells):
            if cells.size and cells.min() < 0:
                pair[cells < 0] = -1
        return cell_sums(pair, factor, room).reshape(left.n_cells, right.n_cells)
    keep = (left.cells >= 0) & (right.cells >= 0) & (factor != 0)
    entries = (factor[keep], (left.cells[keep], right.cells[keep]))
    return sparse.coo_matrix(entries, shape=(left.n_cells, right.n_cells)).tocsr()


def ginverse(gram: np.ndarray) -> np.ndarray:
    """Moore–Penrose inverse of a cross-product matrix after scaling it to unit diagonal."""
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > 0, scale, 1.0)
    return np.linalg.pinv(gram / np.outer(scale, scale), rcond=1e-11, hermitian=True) / np.outer(
        scale, scale
    )


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The calibration steps behind a set of weights, in the order they were taken.

    Parameters
    ----------
    steps : tuple of Step
        First step first.

    Notes
    -----
    For a total of z the last step K replaces w_K z by w_K (z − x B_K), where B_K is the
    regression of z on the step's auxiliaries weighted by the weights *before* the step; a step
    towards totals estimated from the sample gives w_{K−1} x B_K back. The step before is then
    undone in the same way, for the value that remains.

    References
    ----------
    Deville and Särndal (1992), JASA 87; Särndal and Lundström (2005), *Estimation in Surveys
    with Nonresponse*, ch. 11.
    """

    steps: tuple[Step, ...]

    def then(self, later: Calibration) -> Calibration:
        """This calibration followed by ``later``."""
        return Calibration(self.steps + later.steps)

    def without(self, rows: np.ndarray) -> Calibration:
        """This calibration on the other rows only: those marked (n,) no longer count in it."""
        return Calibration(tuple(step.without(rows) for step in self.steps))

    def bind(self, unit: np.ndarray, n_units: int) -> BoundCalibration:
        """Sum every product the variance needs over the units of a design.

        Parameters
        ----------
        unit : (n,) int array
            Unit code of each row, −1 for rows outside the design.
        n_units : int
            Number of units.
        """
        if any(step.before.size != unit.size for step in self.steps):
            raise WeightingError(
                f"The calibration was made for {self.steps[0].before.size} rows, "
                f"the design has {unit.size}.",
                remedy="Calibrate the weights of the same rows that the design declares.",
            )
        return BoundCalibration(self, unit, n_units)


@dataclass(frozen=True, slots=True, eq=False)
class _Products:
    """Per step: before / after, inverse Gram matrix, x carried by unit and by earlier steps."""

    inverse_g: np.ndarray
    ginverse: np.ndarray
    onto_units: np.ndarray | sparse.csr_matrix
    onto_later: tuple[np.ndarray | sparse.csr_matrix, ...]


@dataclass(frozen=True, eq=False)
class BoundCalibration:
    """A calibration bound to the units of a design; see :class:`Calibration`.

    The products are summed when a variance is first asked for, and kept.
    """

    calibration: Calibration
    unit: np.ndarray
    n_units: int

    @property
    def outside(self) -> int:
        """Rows that `residualise` adds for errors of the totals themselves."""
        return sum(step.spread.shape[1] for step in self.calibration.steps if step.spread is not None)

    @cached_property
    def products(self) -> tuple[_Products, ...]:
        """The products of each step."""
        steps = self.calibration.steps
        units = Basis(cells=self.unit, table=None, n_cells=self.n_units)
        out = []
        for k, step in enumerate(steps):
            inverse_g = step.inverse_g()
            gram = products(step.basis, step.basis, step.metric())
            if step.penalty is not None:
                gram = gram + np.diag(step.penalty)
            if sparse.issparse(gram):
                diagonal = gram.diagonal()
                inverse = np.divide(1.0, diagonal, out=np.zeros(diagonal.size), where=diagonal > 0)
            else:
                inverse = ginverse(gram)
            later = tuple(
                steps[j].onto(step.basis, inverse_g)
                for j in range(k + 1, len(steps))
            )
            onto_units = step.onto(units)
            out.append(_Products(inverse_g, inverse, onto_units, later))
        return tuple(out)

    def residualise(self, totals: np.ndarray, aggregate: Aggregate) -> np.ndarray:
        """Unit totals of weight × influence less what the auxiliaries explain.

        Parameters
        ----------
        totals : (n_units, m) float array
            Totals of final weight × influence.
        aggregate : Aggregate
            Sums of factor × weight × influence by any row code.

        Returns
        -------
        (n_units + outside, m) float array
            The rows after those of the units are independent sources of variance 1 outside the
            sample: errors of the totals themselves.
        """
        steps = self.calibration.steps
        out = np.array(totals, dtype=float)
        slopes: list[np.ndarray] = [np.empty(0)] * len(steps)
        for k in range(len(steps) - 1, -1, -1):
            made = self.products[k]
            cross = self._cross(steps[k].basis, made.inverse_g, aggregate)
            for offset, matrix in enumerate(made.onto_later):
                cross = cross - matrix @ slopes[k + 1 + offset]
            inverse = made.ginverse
            slopes[k] = inverse[:, None] * cross if inverse.ndim == 1 else inverse @ cross
            out -= made.onto_units @ slopes[k]
        outside = [step.spread.T @ slope for step, slope in zip(steps, slopes, strict=True)
                   if step.spread is not None]  # fmt: skip
        return np.concatenate([out, *outside]) if outside else out

    @staticmethod
    def _cross(basis: Basis, factor: np.ndarray, aggregate: Aggregate) -> np.ndarray:
        if len(basis.parts()) > 1:
            return np.concatenate([BoundCalibration._cross(part, factor, aggregate)
                                   for part in basis.parts()])  # fmt: skip
        if basis.matrix is not None:
            everyone = np.zeros(factor.size, dtype=np.int32)
            return np.concatenate(
                [aggregate(everyone, 1, factor * column) for column in basis.matrix.T]
            )
        sums = aggregate(basis.cells, basis.n_cells, factor)
        return sums if basis.table is None else basis.table.T @ sums


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """Calibrated weights and how they came about.

    Attributes
    ----------
    weights : (n,) float array
        weights before × g.
    g : (n,) float array
        Calibration factor (1 where the weight before is 0).
    iterations : int
    converged : bool
        Always True for what is returned; a failure raises.
    max_gap : float
        Largest relative distance between an attained and a target total.
    calibration : Calibration
        What the variance needs to know.
    """

    weights: np.ndarray
    g: np.ndarray
    iterations: int
    converged: bool
    max_gap: float
    calibration: Calibration
