"""One chain: every variable in turn drawn given the others, its universe asked again each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import formulaic
import numpy as np
import pandas as pd

from masar_research import expressions
from masar_research.engine import imputation_draws as draws
from masar_research.errors import ModelError
from masar_research.imputation import passive
from masar_research.imputation.plan import Plan, Target


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """A departure from what the data say: ``amount`` (r,) added to imputed values, or to their log odds.

    ``category`` is the place among the answers of the one whose odds move; −1: of any higher answer.
    """

    name: str
    amount: np.ndarray
    category: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """What one chain ended with.

    Attributes
    ----------
    cells : mapping of str to (q,) float array
        Values of the open cells of each variable; the outside code where it does not apply.
    means, spreads : (iterations, targets) float arrays
        Of the imputed values.
    flags : mapping of str to tuple of str
        Variable → what was out of the ordinary: "separated", "few_donors".
    undecided : mapping of str to int
        Open cells left as they were: whether the question applies is unknown.
    """

    cells: Mapping[str, np.ndarray]
    means: np.ndarray
    spreads: np.ndarray
    flags: Mapping[str, tuple[str, ...]]
    undecided: Mapping[str, int]


class Walk:
    """The changing state of a chain; made, run once and thrown away."""

    def __init__(self, plan: Plan, seed: int, delta: Delta | None) -> None:
        self.plan, self.delta = plan, delta
        self.rng = np.random.default_rng(seed)
        self.r = len(plan.rows)
        self.now = {t.name: t.start.copy() for t in plan.targets}
        self.applies: dict[str, np.ndarray] = {}
        self.states = {t.name: [draws.State() for _ in range(max(1, 0 if t.levels is None else t.levels.size - 1))]
                       for t in plan.targets}
        self.flags: dict[str, set[str]] = {t.name: set() for t in plan.targets}
        self.undecided: dict[str, int] = {}
        self.raw: dict[str, np.ndarray] = {}
        frame = plan.survey.frame
        self.frame = frame
        self.missing = plan.survey.codebook.missing_kinds

    def look(self, name: str) -> np.ndarray:
        """A column as it now stands, derived ones made again."""
        if name in self.now:
            return self.now[name]
        if name in self.plan.recipes:
            recipe = self.plan.recipes[name]
            outside = next((c for c, kind in self.missing(name).items() if kind == "not_applicable"), float("nan"))
            return passive.made(recipe, self.look, self.missing, self.r, float(outside))
        if name not in self.raw:
            self.raw[name] = self.frame[name].to_numpy()[self.plan.rows]
        return self.raw[name]

    def universe(self, t: Target) -> np.ndarray:
        """(r,) bool: to whom the question now applies; where unknown, not."""
        if t.universe is None:
            return np.ones(self.r, bool)
        out = expressions.evaluate(t.universe, self.look, self.missing)
        known = np.broadcast_to(out.known, (self.r,))
        self.undecided[t.name] = int((t.open & ~known).sum())
        return known & np.broadcast_to(out.value, (self.r,)).astype(bool)

    def settle(self, t: Target) -> np.ndarray:
        """(r,) bool of the cells to draw now; open cells outside the universe are set aside."""
        inside = self.universe(t)
        cells = t.open & inside
        self.now[t.name][t.open & ~inside] = t.outside
        self.applies[t.name] = t.answered | cells
        return cells

    def begin(self) -> None:
        """Every cell filled with some answer, parents first."""
        for t in self.plan.targets:
            cells = self.settle(t)
            self.now[t.name][cells] = self.rng.choice(t.start[t.answered], int(cells.sum()))

    def step(self, t: Target) -> tuple[float, float]:
        """One variable drawn; mean and standard deviation of its imputed values."""
        cells = self.settle(t)
        if not cells.any():
            return float("nan"), float("nan")
        X = self.predictors(t)
        at = np.flatnonzero(cells)
        fit = np.flatnonzero(t.answered)
        unit = self.plan.unit
        y = self.now[t.name][fit]
        if t.levels is not None:
            y = np.searchsorted(t.levels, y).astype(float)
        shift, category = np.zeros(at.size), -1
        if self.delta is not None and self.delta.name == t.name:
            shift, category = self.delta.amount[at], self.delta.category
        none = np.zeros(0, int)
        problem = draws.Problem(
            X[fit], y, X[at], unit[fit] if unit is not None else none, unit[at] if unit is not None else none,
            0 if unit is None else int(unit.max()) + 1, shift, category,
        )  # fmt: skip
        self.now[t.name][at] = self.drawn(t, problem)
        values = self.now[t.name][at]
        return float(values.mean()), float(values.std())

    def drawn(self, t: Target, problem: draws.Problem) -> np.ndarray:
        """(q,) new values of the cells, as codes."""
        states = self.states[t.name]
        if t.method in ("norm", "pmm") and len(problem.y) <= problem.X.shape[1] + 1:
            self.flags[t.name].add("few_answers")
        if t.method == "norm":
            return draws.linear(problem, states[0], self.rng)
        if t.method == "pmm":
            if len(problem.y) < 2 * self.plan.donors:
                self.flags[t.name].add("few_donors")
            return draws.matched(problem, states[0], self.rng, self.plan.donors)
        if t.method == "logit":
            codes = draws.logit(problem, states[0], self.rng)
        elif t.method == "ordered":
            codes = draws.ordered(problem, t.levels.size, states[0], self.rng)
        else:
            codes = draws.multinomial(problem, t.levels.size, states, self.rng)
        if any(state.separated for state in states):
            self.flags[t.name].add("separated")
        return t.levels[codes.astype(int)]

    def predictors(self, t: Target) -> np.ndarray:
        """(r, p) columns of a target's model: the constant, predictors, then the design."""
        parts = [np.ones((self.r, 1))]
        if t.name in self.plan.formulas:
            parts.append(self.by_formula(t))
        else:
            parts += [self.columns(name) for name in self.plan.used[t.name]]
        weight = self.plan.log_weight
        if weight is not None:
            parts.append(weight[:, None])
            parts += [self.columns(name) * weight[:, None] for name in self.plan.weight_by if name != t.name]
        if self.plan.strata is not None:
            parts.append(np.eye(int(self.plan.strata.max()) + 1)[self.plan.strata][:, 1:])
        return np.hstack(parts)

    def columns(self, name: str) -> np.ndarray:
        """(r, c) of one predictor: numbers, or a column per level after the first; one for "outside"."""
        values, outside, levels = self.current(name)
        if levels is None:
            main = np.where(outside, 0.0, values)[:, None]
        else:
            main = (values[:, None] == levels[None, 1:]) & ~outside[:, None]
        return np.hstack([main.astype(float), outside[:, None].astype(float)]) if outside.any() else main.astype(float)

    def current(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        if name in self.plan.fixed:
            held = self.plan.fixed[name]
            return held.values, held.outside, held.levels
        t = next(each for each in self.plan.targets if each.name == name)
        return self.now[name], ~self.applies[name], t.levels

    def by_formula(self, t: Target) -> np.ndarray:
        """(r, c) of a formula's right-hand side, its constant left out."""
        data = {}
        for name in self.plan.used[t.name]:
            values, outside, levels = self.current(name)
            if levels is None:
                data[name] = np.where(outside, 0.0, values)
            else:
                data[name] = pd.Categorical(np.where(outside, np.inf, values), [*levels, np.inf][: None if outside.any() else -1])
        try:
            matrix = formulaic.model_matrix(self.plan.formulas[t.name], pd.DataFrame(data), na_action="ignore")
        except Exception as error:
            raise ModelError(
                f"The formula {self.plan.formulas[t.name]!r} of {t.name!r} cannot be read: {error}",
                remedy="Write the right-hand side alone, for example 'age + C(sex)*education'.",
                ar=f"لا يمكن قراءة صيغة المتغيّر «{t.name}»؛ اكتب طرفها الأيمن فقط.",
            ) from error
        return matrix.drop(columns="Intercept", errors="ignore").to_numpy(float)


def walk(plan: Plan, seed: int, delta: Delta | None, progress: Callable[[], None]) -> Chain:
    """Run one chain to its end.

    Parameters
    ----------
    plan : Plan
    seed : int
    delta : Delta or None
    progress : callable
        Called after every iteration.
    """
    state = Walk(plan, seed, delta)
    state.begin()
    shape = (plan.iterations, len(plan.targets))
    means, spreads = np.full(shape, np.nan), np.full(shape, np.nan)
    for i in range(plan.iterations):
        for j, t in enumerate(plan.targets):
            means[i, j], spreads[i, j] = state.step(t)
        progress()
    cells = {}
    for t in plan.targets:
        values = state.now[t.name][t.open]
        if state.undecided.get(t.name):
            applies = state.applies[t.name][t.open]
            out = expressions.evaluate(t.universe, state.look, state.missing)
            known = np.broadcast_to(out.known, (state.r,))[t.open]
            values = np.where(~applies & ~known, t.start[t.open], values)
        cells[t.name] = values
    return Chain(cells, means, spreads, {k: tuple(sorted(v)) for k, v in state.flags.items() if v}, dict(state.undecided))
