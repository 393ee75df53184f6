"""Why totals cannot be met: which conflict, the nearest that can be met, what each way out costs.

Linear programmes over the weights of cells (or rows), solved by HiGHS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from masar_research.engine.auxiliary import Basis, cell_sums
from masar_research.errors import WeightingError

# Columns of a programme; more rows than this are grouped with their like.
_MOST_COLUMNS = 4_000
# Relative distances below this count as met.
_MET = 1e-7
# Factors of positive distances stay above this.
LEAST = 1e-3
# Sets of more targets are reduced in one order only.
_MANY = 40
_PATH = (1.05, 2.0, 4.0)
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
        """From auxiliaries of rows, as few columns as they allow and at most a few thousand."""
        if basis.matrix is None and not np.ndim(low) and not np.ndim(high):
            d = cell_sums(basis.cells, weights, basis.n_cells)
            inside = np.flatnonzero(d > 0)
            squares = cell_sums(basis.cells, weights**2, basis.n_cells)[inside]
            x, d = basis.table[inside], d[inside]
        else:
            inside = np.flatnonzero(weights > 0)
            d = weights[inside]
            squares = d**2
            parts = [] if basis.cells is None else [basis.table[basis.cells[inside]]]
            x = np.hstack([*parts, *([] if basis.matrix is None else [basis.matrix[inside]])])
        low, high = (b[inside] if np.ndim(b) else np.full(d.size, float(b)) for b in (low, high))
        if d.size <= _MOST_COLUMNS:
            return cls(x, d, squares, low, high)
        order = np.lexsort(x.T)
        edges = np.linspace(0, d.size, _MOST_COLUMNS + 1).astype(int)[:-1]
        whole = np.add.reduceat(d[order], edges)
        return cls(
            np.add.reduceat((x * d[:, None])[order], edges, axis=0) / whole[:, None], whole,
            np.add.reduceat(squares[order], edges), np.maximum.reduceat(low[order], edges),
            np.minimum.reduceat(high[order], edges),
        )  # fmt: skip


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
    the bounds. Targets whose shadow price is not 0 prove that it cannot be 0; each is left out in turn
    and stays out if the others still conflict (deletion filter), in three orders, and the smallest set
    found is kept. More than 4,000 rows with numeric auxiliaries are grouped by cell and rank, which can
    only make the conflict look larger.

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
    suspects = np.flatnonzero(np.abs(price) > 1e-9)
    core = _smallest(programme, suspects, price)
    nearest = _changes(names, targets, slack, programme.scale)
    variables = dict.fromkeys(names[j][0] for j in core)
    ways = []
    for variable in variables:
        free = np.array([name[0] == variable for name in names])
        if programme.free_of_conflict(np.where(free, np.inf, room)):
            moved, _ = programme.solve(np.where(free, 1.0, 1e4))
            moved = np.where(free, moved, 0.0)
            allowed = np.maximum(room, np.abs(moved) * 1.02 + free * 1e-6 * programme.scale)
            ways.append(Way(variable, _changes(names, targets, moved, programme.scale), trial(allowed)))
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
            fewer = [i for i in kept if i != j]
            room = np.full(programme.targets.size, np.inf)
            room[fewer] = programme.room[fewer] * programme.scale[fewer]
            if not programme.free_of_conflict(room):
                kept = fewer
        if not best or len(kept) < len(best):
            best = kept
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
