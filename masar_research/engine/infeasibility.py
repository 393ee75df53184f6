"""Why totals cannot be met: which conflict, the nearest that can be met, what each way out costs.

Linear programmes over the weights of cells (or rows), solved by HiGHS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from masar_research.engine.auxiliary import Basis, cell_sums, row_sums
from masar_research.errors import WeightingError

# Columns of a programme; more cells or rows than this are grouped with their like.
_MOST_COLUMNS = 4_000
# Groups that rows with numeric auxiliaries are put into, about.
_GROUPS = 1_200
# Relative distances below this count as met.
_MET = 1e-7
# Factors of positive distances stay above this.
LEAST = 1e-3
# Stands for a bound that is none.
_ENDLESS = 1e30
# Sets of more targets are reduced in one order only.
_MANY = 40
_PATH = (1.05, 2.0, 4.0)
# Nearest targets lie on the edge of what can be met; their price is taken so far inside.
_BEYOND = (1.02, 1.1)
_SHOWN = 6

Trial = Callable[[np.ndarray], float | None]
"""(p,) tolerances → effective n of the nearest weights within them, None if none were found."""


@dataclass(frozen=True, slots=True)
class Target:
    """One total: what was asked and the nearest that can be met.

    Attributes
    ----------
    variable : str
    level : str
        Category, "" for a number.
    target, nearest : float
    """

    variable: str
    level: str
    target: float
    nearest: float

    def __str__(self) -> str:
        name = f"{self.variable} = {self.level}" if self.level else self.variable
        return f"{name} {self.target:,.6g} → {self.nearest:,.6g}"


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: the targets of one variable give way, all others are met.

    Attributes
    ----------
    variable : str
    targets : tuple of Target
        Those that change.
    n_eff : float or None
        Effective n (Kish) of the weights nearest to the base weights; None: not found.
    """

    variable: str
    targets: tuple[Target, ...]
    n_eff: float | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Targets that cannot be met together.

    Attributes
    ----------
    conflicting : tuple of (variable, level)
        Cannot be met together, but can once any one of them is left out: no smaller set was found.
    nearest : tuple of Target
        Targets that change when the sum of relative changes over all targets is smallest.
    ways : tuple of Way
        One per variable that can resolve the conflict by itself.
    least_tolerance : float
        Smallest relative distance that, granted to every target, lets all be met.
    path : tuple of (tolerance, n_eff or None)
        Effective n when every target has that tolerance.
    n_eff_before : float
    """

    conflicting: tuple[tuple[str, str], ...]
    nearest: tuple[Target, ...]
    ways: tuple[Way, ...]
    least_tolerance: float
    path: tuple[tuple[float, float | None], ...]
    n_eff_before: float

    def words(self, lang: str = "en") -> str:
        """What conflicts and what can be met.

        Parameters
        ----------
        lang : {"en", "ar"}
        """
        sets = _some([" = ".join(filter(None, pair)) for pair in self.conflicting])
        near = _some([str(target) for target in self.nearest])
        if lang == "ar":
            parts = [f"لا توجد أوزان تحقق هذه الأهداف معًا: \u2066{sets}\u2069.",
                     f"أقرب أهداف يمكن تحقيقها (المطلوب ← الممكن): \u2066{near}\u2069."]
            parts += [f"تعديل \u2066{way.variable}\u2069 وحده (\u2066{_some(list(map(str, way.targets)))}\u2069) "
                      f"يكفي{_cost(way.n_eff, self.n_eff_before, 'ar')}." for way in self.ways]
            parts += [f"هامش سماح \u2066{t:.2%}\u2069 لكل هدف{_cost(n, self.n_eff_before, 'ar')}."
                      for t, n in self.path]  # fmt: skip
            return " ".join(parts)
        parts = [f"No weights meet these targets together: {sets}.",
                 f"The nearest targets that can be met: {near}."]
        parts += [f"Changing {way.variable} alone ({_some(list(map(str, way.targets)))}) is enough"
                  f"{_cost(way.n_eff, self.n_eff_before, 'en')}." for way in self.ways]
        parts += [f"A tolerance of {t:.2%} on every target is enough{_cost(n, self.n_eff_before, 'en')}."
                  for t, n in self.path]  # fmt: skip
        return " ".join(parts)

    def remedy(self, lang: str = "en") -> str:
        """What to do."""
        if lang == "ar":
            return ("صحّح الأهداف المذكورة أو عدّلها إلى أقرب قيم ممكنة، أو امنحها هامش سماح "
                    "(tolerance=)، أو وسّع الحدود، أو ادمج الفئات النادرة.")
        return (
            "Correct these targets or take the nearest, give them a tolerance (calibrate(…, tolerance=)), widen "
            "the bounds, or merge rare categories."
        )


class UnmetTargets(WeightingError):
    """Targets that no weights within the bounds can meet.

    Attributes
    ----------
    conflict : Conflict or None
        Which targets conflict, the nearest that can be met, and what each way out costs; None
        where the error comes from another process.
    """

    conflict: Conflict | None = None

    @classmethod
    def of(cls, found: Conflict, before: str = "") -> UnmetTargets:
        """The error that says what was found; ``before`` stands in front of it."""
        error = cls(f"{before} {found.words('en')}".strip(), remedy=found.remedy("en"),
                    ar=f"{found.words('ar')} {found.remedy('ar')}")
        error.conflict = found
        return error


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The weights a programme decides on: of cells, of rows, or of groups of like rows.

    Attributes
    ----------
    x : (k, p) float array
        Auxiliaries per unit of weight.
    weights, squares : (k,) float arrays
        Sums of the base weights and of their squares.
    low, high : (k,) float arrays
        Bounds of w / d.
    """

    x: np.ndarray
    weights: np.ndarray
    squares: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def n_eff(self, g: np.ndarray) -> float:
        """Effective n (Kish) under factors g."""
        return float((self.weights @ g) ** 2 / (self.squares @ g**2))

    @classmethod
    def of(
        cls, basis: Basis, weights: np.ndarray, low: float | np.ndarray, high: float | np.ndarray
    ) -> Columns:
        """From auxiliaries of rows, as few columns as they allow and at most a few thousand.

        Rows of one cell are one column, whose bounds are the means of theirs: that loses nothing. Numeric
        auxiliaries are cut into classes within cells, finer where they lie far out.
        """
        weights = np.maximum(weights, 0.0)
        if basis.matrix is None:
            code, k = np.where(weights > 0, basis.cells, -1), basis.n_cells
        else:
            code, k = _classes(basis, weights)
        d = cell_sums(code, weights, k)
        inside = np.flatnonzero(d > 0)
        if basis.matrix is None:
            x = basis.table[inside]
        else:
            means = row_sums(code, weights, basis.matrix, k)[inside] / d[inside, None]
            x = means if basis.cells is None else np.hstack([_tables(basis, code, k)[inside], means])
        squares = cell_sums(code, weights**2, k)[inside]
        edges = [cell_sums(code, weights * b, k)[inside] / d[inside] if np.ndim(b) else np.full(inside.size, float(b))
                 for b in (_finite(low), _finite(high))]  # fmt: skip
        edges = [np.where(np.abs(b) >= _ENDLESS / 1e3, np.sign(b) * np.inf, b) for b in edges]
        return cls(x, d[inside], squares, *edges)._fewer()

    def _fewer(self) -> Columns:
        """Columns that are alike, or next to each other in rank, made one."""
        k = self.weights.size
        if k <= _MOST_COLUMNS:
            return self
        place = np.round(self.x @ np.sin(np.arange(1.0, self.x.shape[1] + 1)), 9)
        values, code = np.unique(place, return_inverse=True)
        if values.size > _MOST_COLUMNS:
            code = np.empty(k, dtype=np.intp)
            code[np.lexsort(self.x.T)] = np.arange(k) * _GROUPS // k
        n = int(code.max()) + 1
        whole = np.bincount(code, self.weights, n)

        def mean(v: np.ndarray) -> np.ndarray:
            with np.errstate(invalid="ignore"):
                return np.bincount(code, self.weights * v, n) / whole

        x = row_sums(code, self.weights, self.x, n) / whole[:, None]
        return Columns(x, whole, np.bincount(code, self.squares, n), mean(self.low), mean(self.high))


def _finite(bound: float | np.ndarray) -> float | np.ndarray:
    return np.clip(bound, -_ENDLESS, _ENDLESS) if np.ndim(bound) else bound


def _classes(basis: Basis, weights: np.ndarray) -> tuple[np.ndarray, int]:
    """(n,) cell and class of each numeric auxiliary, −1 without weight; their number."""
    live = weights > 0
    cells = np.zeros(weights.size, dtype=np.int64) if basis.cells is None else basis.cells.astype(np.int64)
    code = np.where(live, cells, -1)
    columns = basis.matrix.shape[1]
    room = _GROUPS / max(int(np.count_nonzero(np.bincount(code[live]))), 1)
    each = max(int(room ** (1 / columns)), 12 if columns == 1 else 4 if columns == 2 else 2)
    for column in basis.matrix.T:
        x, d = column[live], weights[live]
        order = np.argsort(x, kind="stable")
        apart = np.abs(x[order] - np.average(x, weights=d))
        spread = np.cumsum(d[order] * (apart + max(float(np.average(apart, weights=d[order])), 1e-300)))
        part = np.minimum((spread * (each / spread[-1])).astype(np.int64), each - 1)
        # equal values share a class
        first = np.concatenate([[True], np.diff(x[order]) > 0])
        part = part[np.maximum.accumulate(np.where(first, np.arange(x.size), 0))]
        place = np.empty(x.size, dtype=np.int64)
        place[order] = part
        _, code[live] = np.unique(code[live] * each + place, return_inverse=True)
    return code, int(code.max()) + 1


def _tables(basis: Basis, code: np.ndarray, k: int) -> np.ndarray:
    """(k, p) auxiliaries of the cell that each class lies in."""
    cell = np.zeros(k, dtype=np.intp)
    cell[code[code >= 0]] = basis.cells[code >= 0]
    return basis.table[cell]


def conflict(
    columns: Columns,
    targets: np.ndarray,
    names: Sequence[tuple[str, str]],
    room: np.ndarray,
    trial: Trial,
) -> Conflict | None:
    """Which targets conflict; None if weights within the bounds meet all of them.

    Parameters
    ----------
    columns : Columns
    targets : (p,) float array
    names : sequence of (variable, level)
    room : (p,) float array
        Distance from the target that each total may keep; inf: any.
    trial : callable
        See `Trial`.

    Notes
    -----
    With y the weights, the first programme minimises ``Σ_j |s_j| / |T_j|`` subject to ``X'y + s = T`` and
    the bounds. A target beyond what the bounds allow it by itself is the whole conflict. Otherwise targets
    whose shadow price is not 0 prove that the minimum cannot be 0; each is left out in turn and stays out if
    the others still conflict (deletion filter), in three orders, and the smallest set found is kept. Rows are
    cells of like rows; numeric auxiliaries are cut into classes, which can only make the conflict look larger.

    References
    ----------
    Chinneck and Dravnieks (1991), *ORSA Journal on Computing* 3, 157–168 (deletion filter).
    """
    programme = _Programme.of(columns, targets, room)
    p = targets.size
    everyone = np.ones(p)
    slack, price = programme.solve(everyone)
    if np.abs(slack / programme.scale).max() <= _MET:
        return None
    core = programme.alone()
    if not core:
        core = _smallest(programme, np.flatnonzero(np.abs(price) > 1e-9), price)
    nearest = _changes(names, targets, slack, programme.scale)
    variables = dict.fromkeys(names[j][0] for j in core)
    ways = []
    for variable in variables:
        free = np.array([name[0] == variable for name in names])
        if programme.free_of_conflict(np.where(free, np.inf, room)):
            moved, _ = programme.solve(np.where(free, 1.0, 1e4))
            moved = np.where(free, moved, 0.0)
            tries = (np.maximum(room, np.abs(moved) * more + free * 1e-6 * programme.scale) for more in _BEYOND)
            n_eff = next((found for allowed in tries if (found := trial(allowed)) is not None), None)
            ways.append(Way(variable, _changes(names, targets, moved, programme.scale), n_eff))
    least = programme.least_tolerance()
    path = tuple((float(least * k), trial(np.maximum(room, least * k * programme.scale))) 
                 for k in _PATH if k == _PATH[0] or least * k < 1.0)
    before = columns.n_eff(np.ones(columns.weights.size))
    return Conflict(tuple(names[j] for j in core), nearest, tuple(ways), least, path, before)


@dataclass(frozen=True, slots=True, eq=False)
class _Programme:
    x: np.ndarray  # (k, p) scaled to unit targets
    bounds: np.ndarray  # (k, 2)
    targets: np.ndarray  # (p,) scaled
    scale: np.ndarray
    room: np.ndarray  # (p,) scaled

    @classmethod
    def of(cls, columns: Columns, targets: np.ndarray, room: np.ndarray) -> _Programme:
        # Weights in units of the base weights keep the matrix well scaled.
        whole = columns.x * columns.weights[:, None]
        scale = np.where(targets != 0, np.abs(targets), np.maximum(np.abs(whole).sum(axis=0), 1e-300))
        return cls(whole / scale, np.column_stack([columns.low, columns.high]), targets / scale, scale,
                   room / scale)  # fmt: skip

    def solve(self, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(p,) smallest slacks T − X'y by these prices, in units of the targets; their shadow prices."""
        k, p = self.x.shape
        eye = np.eye(p)
        result = linprog(
            np.concatenate([np.zeros(k), price, price, np.zeros(p)]),
            A_eq=np.hstack([self.x.T, eye, -eye, eye]), b_eq=self.targets,
            bounds=np.vstack([self.bounds, np.tile([0.0, np.inf], (2 * p, 1)),
                              np.column_stack([-self.room, self.room])]),
            method="highs",
        )  # fmt: skip
        if result.status != 0:
            return np.full(p, np.inf), np.ones(p)
        slack = result.x[k : k + p] - result.x[k + p : k + 2 * p]
        return slack * self.scale, result.eqlin.marginals

    def alone(self) -> list[int]:
        """The target that lies farthest beyond what the bounds allow it by itself, if there is one."""
        with np.errstate(invalid="ignore"):
            ends = np.stack([np.where(self.x == 0, 0.0, self.x * self.bounds[:, [e]]) for e in (0, 1)])
        beyond = np.maximum(self.targets - ends.max(axis=0).sum(axis=0), ends.min(axis=0).sum(axis=0) - self.targets)
        beyond = beyond - self.room
        worst = int(np.argmax(beyond))
        return [worst] if beyond[worst] > _MET else []

    def proof(self, rows: list[int]) -> list[int] | None:
        """Those of some targets whose shadow prices prove that these conflict; None if they do not."""
        if not rows:
            return None
        k, q = self.x.shape[0], len(rows)
        eye = np.eye(q)
        result = linprog(
            np.concatenate([np.zeros(k), np.ones(2 * q), np.zeros(q)]),
            A_eq=np.hstack([self.x.T[rows], eye, -eye, eye]), b_eq=self.targets[rows],
            bounds=np.vstack([self.bounds, np.tile([0.0, np.inf], (2 * q, 1)),
                              np.column_stack([-self.room[rows], self.room[rows]])]),
            method="highs",
        )  # fmt: skip
        if result.status != 0 or result.fun <= _MET:
            return None
        prices = np.abs(result.eqlin.marginals)
        return [j for j, priced in zip(rows, prices, strict=True) if priced > 1e-9]

    def free_of_conflict(self, room: np.ndarray) -> bool:
        """True if all totals can lie within this room of their targets."""
        k = self.x.shape[0]
        kept = np.isfinite(room)
        if not kept.any():
            return True
        result = linprog(
            np.zeros(k), A_ub=np.vstack([self.x.T[kept], -self.x.T[kept]]),
            b_ub=np.concatenate([self.targets[kept] + room[kept] / self.scale[kept],
                                 room[kept] / self.scale[kept] - self.targets[kept]]) + _MET / 10,
            bounds=self.bounds, method="highs",
        )  # fmt: skip
        return result.status == 0

    def least_tolerance(self) -> float:
        """Smallest relative distance of all totals."""
        k, p = self.x.shape
        kept = np.isfinite(self.room)
        matrix = np.hstack([self.x.T, -np.ones((p, 1))])[kept]
        mirror = np.hstack([-self.x.T, -np.ones((p, 1))])[kept]
        result = linprog(
            np.r_[np.zeros(k), 1.0], A_ub=np.vstack([matrix, mirror]),
            b_ub=np.concatenate([self.targets[kept], -self.targets[kept]]),
            bounds=np.vstack([self.bounds, [0.0, np.inf]]), method="highs",
        )  # fmt: skip
        return float(result.x[-1]) if result.status == 0 else float("nan")


def _smallest(programme: _Programme, suspects: np.ndarray, price: np.ndarray) -> list[int]:
    orders = [suspects[np.argsort(np.abs(price[suspects]), kind="stable")]]
    if suspects.size <= _MANY:
        orders += [suspects, suspects[::-1]]
    best: list[int] = []
    for order in orders:
        kept = list(order)
        for j in order:
            if j in kept:
                proof = programme.proof([i for i in kept if i != j])
                kept = kept if proof is None else proof
        if not best or len(kept) < len(best):
            best = kept
        if len(best) <= 2:
            break  # no target conflicts by itself
    return sorted(int(j) for j in best)


def _changes(names, targets, slack, scale) -> tuple[Target, ...]:
    moved = np.flatnonzero(np.abs(slack) > _MET * scale)
    return tuple(Target(*names[j], float(targets[j]), float(targets[j] - slack[j])) for j in moved)


def _some(items: list[str]) -> str:
    shown = "; ".join(items[:_SHOWN])
    return shown + (f" … (+{len(items) - _SHOWN})" if len(items) > _SHOWN else "")


def _cost(n_eff: float | None, before: float, lang: str) -> str:
    if n_eff is None:
        return ""
    if lang == "ar":
        return f"، وحجم العينة الفعّال حينئذٍ \u2066{n_eff:,.0f}\u2069 من \u2066{before:,.0f}\u2069"
    return f" and leaves an effective n of {n_eff:,.0f} (of {before:,.0f})"
