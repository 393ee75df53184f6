"""Calibration to categorical and numeric totals together, by any distance, firmly or softly.

Newton steps on λ in ``Σ d F(x'λ) x + P'(λ) = T``, which is the minimum of a convex function; where no
weights can meet the totals, `masar_research.engine.infeasibility` says which of them conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from masar_research.engine.auxiliary import (
    Basis,
    Calibrated,
    Calibration,
    Step,
    cell_sums,
    ginverse,
    products,
)
from masar_research.engine.distances import Distance
from masar_research.engine.household_means import unit_means
from masar_research.engine.infeasibility import LEAST, Columns, Conflict, UnmetTargets, conflict
from masar_research.engine.marginals import (
    Margin,
    check_agreement,
    checked_margins,
    checked_weights,
    crossed,
    indicators,
)
from masar_research.errors import WeightingError

# Smoothing of |λ| in the penalty of a tolerance, in units of the scaled λ, coarse to fine.
_SMOOTH = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
_HALVINGS = 30
# After so many steps without the largest gap having shrunk by a tenth there is nothing to reach.
_STALLED = 8
# Newton steps per degree of smoothing when the cost of a way out is tried.
_TRIES = 40


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Numeric auxiliaries and their totals.

    Parameters
    ----------
    matrix : (n, p) float array
        Complete on rows with weight.
    totals : (p,) float array
    names : tuple of str
        Used in messages.
    """

    matrix: np.ndarray
    totals: np.ndarray
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Softness:
    """How far each target, in the order of margins and then numbers, may be missed.

    Parameters
    ----------
    tolerance : (p,) float array
        Largest distance from the target, in its own units; 0: it is met.
    cost : (p,) float array
        What a squared relative distance weighs against the mean squared change of weights; inf: it
        is met. A target has a tolerance or a cost.
    """

    tolerance: np.ndarray
    cost: np.ndarray


def calibrate(
    weights: np.ndarray,
    margins: Sequence[Margin | tuple[np.ndarray, np.ndarray]] = (),
    numbers: Numbers | None = None,
    *,
    distance: Distance | None = None,
    softness: Softness | None = None,
    spread: np.ndarray | None = None,
    units: np.ndarray | None = None,
    once: Sequence[bool] = (),
    max_iter: int = 100,
    tol: float = 1e-10,
) -> Calibrated:
    """Weights w = d F(x'λ) whose totals of the auxiliaries x are given.

    Without softness ``Σ w x = T`` and Σ d G(w/d) is smallest, G being the distance. A cost c adds
    ``½ c (Σ w x / T − 1)²`` to the mean distance; a tolerance asks only for ``|Σ w x − T| ≤ tolerance``.

    Parameters
    ----------
    weights : (n,) float array
        Weights d before, ≥ 0.
    margins : sequence of Margin or (codes, targets)
        Categorical auxiliaries. Their totals need not agree if one of them is soft.
    numbers : Numbers, optional
    distance : Distance, optional
        Linear without bounds by default.
    softness : Softness, optional
    spread : (p, q) float array, optional
        L of the covariance L L' of the totals, where these are estimates of another source.
    units : (n,) int array, optional
        Households: all their rows get one factor, by calibrating on means over the unit. Weights
        must be equal within a unit.
    once : sequence of bool
        Per margin and column of `numbers`: True if it is a fact of the unit, counted once for it
        and not once per row.
    max_iter : int
        Newton steps.
    tol : float
        Largest relative gap of a target that is not soft.

    Returns
    -------
    Calibrated

    Raises
    ------
    UnmetTargets
        No weights within the bounds can meet the totals.
    WeightingError
        What :func:`masar_research.engine.calibration.rake` refuses of margins; missing numbers; weights
        that turn negative (linear without bounds); weights that differ within a unit.

    References
    ----------
    Deville and Särndal (1992), JASA 87; Lemaître and Dufour (1987), *Survey Methodology* 13
    (one weight per household); Rao and Singh (1997) and Beaumont and Bocci (2008) (soft targets).

    Examples
    --------
    >>> sex, income = np.array([0, 0, 1, 1]), np.array([[1.0], [3.0], [2.0], [4.0]])
    >>> done = calibrate(np.ones(4), [(sex, np.array([4.0, 6.0]))], Numbers(income, np.array([26.0])),
    ...                  distance=Distance("raking"))
    >>> (done.weights @ income).round(8).tolist(), done.weights.round(3).tolist()
    ([26.0], [2.0, 2.0, 3.0, 3.0])
    """
    weights = checked_weights(weights)
    distance = Distance("linear") if distance is None else distance
    firm = softness is None or not (softness.tolerance.any() or np.isfinite(softness.cost).any())
    checked = checked_margins(weights, margins, agree=False) if margins else []
    if firm:
        facts = tuple(once) or (False,) * len(checked)
        for kind in (False, True):
            check_agreement([m for m, fact in zip(checked, facts, strict=False) if bool(fact) is kind])
    if numbers is not None:
        numbers = _checked(numbers, weights)
    if not checked and numbers is None:
        raise WeightingError("Calibration was given no auxiliaries.",
                             remedy="Give margins, or numbers with their totals.")
    targets = np.concatenate([m.targets for m in checked] + ([] if numbers is None else [numbers.totals]))
    basis = _basis(weights, checked, numbers, units, once)
    problem = _Problem.of(basis, weights, targets, distance)
    lam, iterations, penalty = _solve(problem, softness, max_iter, tol)
    u = problem.predict(lam)
    gap = problem.gap(u)
    allowed = problem.allowed(softness, tol)
    if not (np.abs(gap) <= allowed).all():
        names = named(checked, numbers)
        found = explain(basis, weights, targets, names, distance, softness)
        if found is not None:
            raise UnmetTargets.of(found)
        worst = int(np.argmax(np.abs(gap) / allowed))
        raise WeightingError(
            f"Weights that meet the totals exist, but {iterations} Newton steps of the {distance.method} "
            f"distance did not find them: {' = '.join(filter(None, names[worst]))} is off by {gap[worst]:+.2%}.",
            remedy="Raise max_iter, widen the bounds, or give the target a tolerance.",
            ar="توجد أوزان تحقق الأهداف لكن الحساب لم يبلغها؛ ارفع max_iter أو وسّع الحدود أو امنح الهدف هامش سماح.",
        )
    g = problem.spread_over(distance.factor(u))
    g = np.where(weights > 0, g, 1.0) if weights.min() <= 0 else g
    after = weights * g
    if after.min() < -1e-9 * weights.max():
        raise _negative(after, checked, numbers)
    after = np.maximum(after, 0.0)
    step = Step(distance.method, weights, after, basis, penalty=penalty, spread=spread)
    return Calibrated(after, g, iterations, True, float(np.abs(gap).max()), Calibration((step,)))


def named(margins: Sequence[Margin], numbers: Numbers | None = None) -> tuple[tuple[str, str], ...]:
    """(variable, level) of every target."""
    names = tuple((m.name, m.label(k)) for m in margins for k in range(m.targets.size))
    return names + tuple((name, "") for name in (() if numbers is None else numbers.names))


def explain(
    basis: Basis,
    weights: np.ndarray,
    targets: np.ndarray,
    names: tuple[tuple[str, str], ...],
    distance: Distance,
    softness: Softness | None = None,
) -> Conflict | None:
    """Which targets conflict under this distance; None if they can be met.

    Parameters
    ----------
    basis : Basis
    weights : (n,) float array
    targets : (p,) float array
    names : tuple of (variable, level)
    distance : Distance
    softness : Softness, optional
    """
    low = distance.low if distance.method == "linear" else np.maximum(distance.low, LEAST)
    room = np.zeros(targets.size)
    if softness is not None:
        room = np.where(np.isfinite(softness.cost), np.inf, softness.tolerance)
    columns = Columns.of(basis, weights, low, distance.high)
    k = columns.weights.size
    mild = Distance("linear", np.maximum(columns.low, 0.0), columns.high)
    small = Basis(np.arange(k), columns.x, k)
    problem = _Problem.of(small, columns.weights, targets, mild)

    def trial(tolerance: np.ndarray) -> float | None:
        tolerance = np.where(np.isfinite(tolerance), tolerance, 10.0 * problem.scale)
        soft = Softness(tolerance, np.full(targets.size, np.inf))
        lam, *_ = _solve(problem, soft, _TRIES, 1e-6)
        u = problem.predict(lam)
        if not (np.abs(problem.gap(u)) <= tolerance / problem.scale + 1e-5).all():
            return None
        return columns.n_eff(mild.factor(u))

    return conflict(columns, targets, names, room, trial)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """d, x and T in as few rows as the auxiliaries and bounds allow."""

    basis: Basis
    weights: np.ndarray  # (k,) by cell, or (n,) by row
    targets: np.ndarray
    scale: np.ndarray
    distance: Distance
    cells: np.ndarray | None  # of the rows, where the problem is one of cells

    @classmethod
    def of(cls, basis: Basis, weights: np.ndarray, targets: np.ndarray, distance: Distance) -> _Problem:
        by_row = basis.matrix is not None or np.ndim(distance.low) or np.ndim(distance.high)
        if by_row:
            small, d, cells = basis, weights, None
        else:
            every = np.arange(basis.n_cells)
            small, cells = Basis(every, basis.table, basis.n_cells), basis.cells
            d = cell_sums(basis.cells, weights, basis.n_cells)
        made = cls(small, d, targets, np.ones(targets.size), distance, cells)
        sizes = np.abs(targets)
        if (sizes == 0).any():
            sizes = np.where(sizes > 0, sizes, made.moment(d, absolute=True))
        return cls(small, d, targets, np.where(sizes > 0, sizes, 1.0), distance, cells)

    def predict(self, lam: np.ndarray) -> np.ndarray:
        """(k,) x'λ."""
        split = 0 if self.basis.cells is None else self.basis.table.shape[1]
        out = None if self.basis.matrix is None else self.basis.matrix @ lam[split:]
        if split:
            by_cell = self.basis.table @ lam[:split]
            part = by_cell if self.cells is not None else np.take(by_cell, self.basis.cells, mode="clip")
            out = part if out is None else np.add(out, part, out=out)
        return out

    def moment(self, v: np.ndarray, absolute: bool = False) -> np.ndarray:
        """(p,) Σ v x (or Σ v |x|)."""
        out = []
        if self.basis.cells is not None:
            table = np.abs(self.basis.table) if absolute else self.basis.table
            sums = v if self.cells is not None else cell_sums(self.basis.cells, v, self.basis.n_cells)
            out.append(sums @ table)
        if self.basis.matrix is not None:
            out.append(v @ (np.abs(self.basis.matrix) if absolute else self.basis.matrix))
        return np.concatenate(out)

    def gram(self, v: np.ndarray) -> np.ndarray:
        """(p, p) Σ v x x'."""
        if self.cells is not None:
            return self.basis.table.T @ (self.basis.table * v[:, None])
        return np.asarray(products(self.basis, self.basis, v))

    def gap(self, u: np.ndarray) -> np.ndarray:
        """(p,) relative gaps of the totals."""
        return (self.moment(self.weights * self.distance.factor(u)) - self.targets) / self.scale

    def out_of_reach(self, u: np.ndarray, lam: np.ndarray) -> bool:
        """True if λ proves that no weights within the bounds meet the totals: T'λ > max Σ w x'λ."""
        low, high = self.distance.low, self.distance.high
        if self.distance.method == "raking":
            low = np.maximum(low, 0.0)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return False
        most = float(self.weights @ np.maximum(low * u, high * u))
        return float(self.targets @ lam) - most > 1e-9 * float(np.abs(self.targets * lam).max(initial=0.0))

    def allowed(self, softness: Softness | None, tol: float) -> np.ndarray:
        room = np.full(self.targets.size, max(tol, 1e-12))
        if softness is not None:
            room = np.maximum(room, softness.tolerance / self.scale * (1 + 1e-9))
            room = np.where(np.isfinite(softness.cost), np.inf, room)
        return room

    def spread_over(self, g: np.ndarray) -> np.ndarray:
        """(n,) factors of the rows."""
        return g if self.cells is None else np.take(g, self.cells, mode="clip")


@dataclass(frozen=True, slots=True, eq=False)
class _Penalty:
    """P(λ) = τ'(√(λ² + ε²) − ε) + ½ s'λ², with λ of scaled targets."""

    tau: np.ndarray
    ridge: np.ndarray
    smooth: np.ndarray

    def value(self, lam: np.ndarray) -> float:
        return float(self.tau @ (np.sqrt(lam**2 + self.smooth**2) - self.smooth) + 0.5 * self.ridge @ lam**2)

    def first(self, lam: np.ndarray) -> np.ndarray:
        return self.tau * lam / np.sqrt(lam**2 + self.smooth**2) + self.ridge * lam

    def second(self, lam: np.ndarray) -> np.ndarray:
        return self.tau * self.smooth**2 / (lam**2 + self.smooth**2) ** 1.5 + self.ridge


def _solve(
    problem: _Problem, softness: Softness | None, max_iter: int, tol: float
) -> tuple[np.ndarray, int, np.ndarray | None]:
    """λ, the steps taken, and the second derivative of the penalty there."""
    p, scale = problem.targets.size, problem.scale
    lam = np.zeros(p)
    if softness is None:
        lam, steps = _newton(problem, lam, None, max_iter, tol)
        return lam, steps, None
    ridge = np.divide(scale**2, problem.weights.sum() * softness.cost,
                      out=np.zeros(p), where=np.isfinite(softness.cost))  # fmt: skip
    spread = np.sqrt(np.maximum(np.diag(problem.gram(problem.weights)), 1e-300))
    steps = 0
    levels = _SMOOTH if softness.tolerance.any() else (1.0,)
    for level in levels:
        # So much of each λ moves x'λ by about `level`: the smoothing is in units of g.
        smooth = level * np.sqrt(problem.weights.sum()) / spread
        penalty = _Penalty(softness.tolerance, ridge, smooth)
        lam, taken = _newton(problem, lam, penalty, max_iter, tol)
        steps += taken
    return lam, steps, penalty.second(lam)


def _newton(
    problem: _Problem, lam: np.ndarray, penalty: _Penalty | None, max_iter: int, tol: float
) -> tuple[np.ndarray, int]:
    d, distance, scale = problem.weights, problem.distance, problem.scale

    def value(u: np.ndarray, at: np.ndarray) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            out = float(d @ distance.integral(u) - problem.targets @ at)
        return out + (0.0 if penalty is None else penalty.value(at))

    def gradient(u: np.ndarray, at: np.ndarray) -> np.ndarray:
        out = problem.moment(d * distance.factor(u)) - problem.targets
        return out if penalty is None else out + penalty.first(at)

    u = problem.predict(lam)
    slope = gradient(u, lam)
    now = value(u, lam)
    steps, earlier = 0, np.inf
    while np.abs(slope / scale).max() > tol and steps < max_iter:
        if steps % _STALLED == _STALLED - 1:
            if np.abs(slope / scale).max() > 0.9 * earlier:
                break
            earlier = np.abs(slope / scale).max()
        if penalty is None and steps and problem.out_of_reach(u, lam):
            break
        steps += 1
        hessian = problem.gram(d * distance.slope(u))
        if penalty is not None:
            hessian = hessian + np.diag(penalty.second(lam))
        moved = False
        size = np.abs(slope / scale).max()
        for firmness in (0.0, 1e-6, 1e-3, 1.0):
            if firmness:
                hessian = hessian + firmness * np.diag(np.diag(problem.gram(d)) + 1e-300)
            step = -ginverse(hessian) @ slope
            drop = float(slope @ step)
            share = 1.0
            for _ in range(_HALVINGS):
                trial = lam + share * step
                u_next = problem.predict(trial)
                there = value(u_next, trial)
                if np.isfinite(there):
                    slope_next = gradient(u_next, trial)
                    nearer = np.abs(slope_next / scale).max() < 0.5 * size and share == 1.0
                    if nearer or there < now + 1e-4 * share * drop and drop < 0:
                        moved = True
                        break
                share *= 0.5
            if moved:
                break
        if not moved:
            break
        lam, u, now, slope = trial, u_next, there, slope_next
    return lam, steps


def _basis(
    weights: np.ndarray, margins: list[Margin], numbers: Numbers | None, units: np.ndarray | None,
    once: Sequence[bool],
) -> Basis:  # fmt: skip
    if units is None:
        if not margins:
            return Basis(None, None, 0, numbers.matrix)
        cells, cell_codes, _ = crossed(weights, margins)
        table = indicators(cell_codes, margins)
        return Basis(cells, table, table.shape[0], None if numbers is None else numbers.matrix)
    for margin in margins:
        crossed(weights, [margin])
    held = None if numbers is None else (numbers.matrix, numbers.names)
    return unit_means(weights, margins, held, units, once)


def _checked(numbers: Numbers, weights: np.ndarray) -> Numbers:
    matrix = np.asarray(numbers.matrix, dtype=float)
    totals = np.atleast_1d(np.asarray(numbers.totals, dtype=float))
    if matrix.ndim != 2 or totals.size != matrix.shape[1] or matrix.shape[0] != weights.size:
        raise WeightingError(
            f"The auxiliary matrix has shape {matrix.shape} and {totals.size} totals were given "
            f"for {weights.size} rows.",
            remedy="Give one row per weight and one total per column.",
        )
    names = numbers.names or tuple(f"column {j + 1}" for j in range(totals.size))
    if not np.isfinite(totals).all():
        raise WeightingError("A numeric total is missing or infinite.", remedy="Give every column a total.")
    bad = ~np.isfinite(matrix)
    if bad.any():
        lost = (bad & (weights > 0)[:, None]).sum(axis=0)
        if lost.any():
            said = ", ".join(f"{names[j]} ({lost[j]} rows)" for j in np.flatnonzero(lost))
            raise WeightingError(
                f"Rows with a weight have no value of {said}.",
                remedy="Impute the variable or leave it out of the calibration.",
                ar=f"قيم مفقودة في متغيرات المعايرة: {said}.",
            )
        matrix = np.where(bad, 0.0, matrix)
    return Numbers(matrix, totals, names)


def _negative(after: np.ndarray, margins: list[Margin], numbers: Numbers | None) -> WeightingError:
    below = after < 0
    where = []
    for margin in margins:
        counts = np.bincount(margin.codes[below], minlength=margin.targets.size)
        worst = int(counts.argmax())
        where.append(f"{margin.name} = {margin.label(worst)} ({counts[worst]} rows)")
    for j, name in enumerate(() if numbers is None else numbers.names):
        low, high = numbers.matrix[below, j].min(), numbers.matrix[below, j].max()
        where.append(f"{name} from {low:,.6g} to {high:,.6g}")
    said = "; ".join(where)
    return WeightingError(
        f"Linear calibration makes {int(below.sum())} weights negative, the lowest {after.min():,.4g}. Most of "
        f"them: {said}.",
        remedy='Use method="raking", which keeps weights positive, or bounds such as bounds=(0.3, 3); or merge '
        "rare categories.",
        ar=f"تجعل المعايرة الخطية {int(below.sum())} وزنًا سالبًا (معظمها: {said}). استخدم "
        'method="raking" أو حدودًا مثل bounds=(0.3, 3)، أو ادمج الفئات النادرة.',
    )
