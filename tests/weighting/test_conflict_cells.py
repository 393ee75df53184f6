"""What conflicts is found on groups of like rows: for cells exactly, for numbers within a hair of the rows themselves."""

import numpy as np
import pytest
from scipy.optimize import linprog

from masar_research.engine.auxiliary import Basis
from masar_research.engine.calibrating import Numbers, calibrate
from masar_research.engine.distances import Distance
from masar_research.engine.infeasibility import Columns, UnmetTargets, conflict


def people(n=9000, seed=3):
    rng = np.random.default_rng(seed)
    return rng.gamma(3, 30, n), rng.integers(0, 4, n), rng.integers(0, 3, n), rng.lognormal(6, 0.7, n)


def totals(codes, weights, factors):
    sums = np.bincount(codes, weights) * np.asarray(factors)
    return sums * weights.sum() / sums.sum()


def by_rows(x, weights, low, high, targets):
    """Smallest sum of relative slacks over the rows themselves, and the smallest common tolerance."""
    p = targets.size
    own = (x * weights[:, None] / targets).T
    bounds = np.column_stack([np.broadcast_to(low, weights.size), np.broadcast_to(high, weights.size)])
    slack = linprog(np.r_[np.zeros(weights.size), np.ones(2 * p)], A_eq=np.hstack([own, np.eye(p), -np.eye(p)]), b_eq=np.ones(p),
                    bounds=np.vstack([bounds, np.tile([0, np.inf], (2 * p, 1))]), method="highs").fun  # fmt: skip
    both = np.hstack([np.vstack([own, -own]), -np.ones((2 * p, 1))])
    least = linprog(np.r_[np.zeros(weights.size), 1.0], A_ub=both, b_ub=np.r_[np.ones(p), -np.ones(p)],
                    bounds=np.vstack([bounds, [0, np.inf]]), method="highs").fun  # fmt: skip
    return slack, least


def found(call):
    with pytest.raises(UnmetTargets) as caught:
        call()
    return caught.value.conflict


def test_limits_of_rows_are_kept_exactly_by_cells():
    w, a, b, _ = people()
    targets = [totals(a, w, [0.3, 1.7, 1, 1]), totals(b, w, [1, 1, 1])]
    low, high = np.minimum(0.9, 40 / w), np.maximum(1.1, 120 / w)
    told = found(lambda: calibrate(w, [(a, targets[0]), (b, targets[1])], distance=Distance("raking", low, high)))
    x = np.column_stack([np.eye(4)[a], np.eye(3)[b]])
    slack, least = by_rows(x, w, low, high, np.concatenate(targets))
    assert told.least_tolerance == pytest.approx(least, rel=1e-7)
    moved = sum(abs(t.nearest / t.target - 1) for t in told.nearest)
    assert moved == pytest.approx(slack, rel=1e-6)


@pytest.mark.parametrize("bounds", [(0.5, 2.0), (0.0, 3.0)])
def test_classes_of_numbers_come_near_the_rows(bounds):
    w, a, _, x = people()
    z = np.sqrt(x) * (1 + a)
    goals = np.array([w @ x * 2.2, w @ z * 0.75])
    target = totals(a, w, [1, 1, 1.2, 0.8])
    told = found(lambda: calibrate(w, [(a, target)], Numbers(np.column_stack([x, z]), goals, ("x", "z")), distance=Distance("raking", *bounds)))
    slack, least = by_rows(np.column_stack([np.eye(4)[a], x, z]), w, *bounds, np.concatenate([target, goals]))
    assert least <= told.least_tolerance * (1 + 1e-9) and told.least_tolerance < 1.03 * least
    moved = sum(abs(t.nearest / t.target - 1) for t in told.nearest)
    assert slack <= moved * (1 + 1e-9) and moved < 1.03 * slack


def test_what_can_be_met_is_not_called_a_conflict_by_its_groups():
    """Targets of weights at the bounds, hardest for groups: what `conflict` sees of them is within a hundredth."""
    w, a, _, x = people()
    rng = np.random.default_rng(1)
    basis = Basis(a, np.eye(4), 4, x[:, None])
    columns = Columns.of(basis, w, 0.4, 2.5)
    assert columns.weights.size < 2000 and columns.weights.sum() == pytest.approx(w.sum())
    np.testing.assert_allclose(columns.weights @ columns.x, [*np.bincount(a, w), w @ x])
    for _ in range(5):
        g = rng.uniform(0.4, 2.5, w.size)
        targets = np.array([*np.bincount(a, w * g), (w * g) @ x])
        names = tuple(("a", str(k)) for k in range(4)) + (("x", ""),)
        assert conflict(columns, targets, names, np.zeros(5), lambda room: None) is None


def test_a_target_out_of_reach_by_itself_is_the_whole_conflict():
    w, a, b, x = people()
    told = found(lambda: calibrate(w, [(a, totals(a, w, [1, 1, 1, 1])), (b, totals(b, w, [1, 1, 1]))], Numbers(x[:, None], np.array([w @ x * 6]), ("x",)),
                                   distance=Distance("logit", 0.5, 2.0)))  # fmt: skip
    assert told.conflicting == (("x", ""),)
    assert 1.4 < told.nearest[0].nearest / (w @ x) < 2.0
    assert told.ways[0].variable == "x" and 0 < told.ways[0].n_eff < told.n_eff_before


def test_the_search_ends_where_a_proof_is_at_hand():
    """Newton steps on targets out of reach stop as soon as a direction proves it, not at the last iteration."""
    w, a, _, x = people(n=40_000)
    calls = []

    class Counting(Distance):
        def factor(self, u):
            calls.append(u.size)
            return super().factor(u)

    found(lambda: calibrate(w, [(a, totals(a, w, [1, 1, 1, 1]))], Numbers(x[:, None], np.array([w @ x * 6]), ("x",)), distance=Counting("raking", 0.5, 2.0)))
    assert sum(size == w.size for size in calls) < 150


def test_households_and_limits_without_number():
    rng = np.random.default_rng(5)
    homes = np.repeat(np.arange(6000), 3)
    w = np.repeat(rng.gamma(3, 30, 6000), 3)
    sex, area = rng.integers(0, 2, 18000), np.repeat(rng.integers(0, 5, 6000), 3)
    goal = [totals(sex, w, [1, 1]), totals(area, w, [0.1, 2, 1, 1, 1])]
    told = found(lambda: calibrate(w, [(sex, goal[0]), (area, goal[1])], distance=Distance("raking", 0.6, 1.6), units=homes))
    slack, least = by_rows(np.column_stack([np.eye(2)[sex], np.eye(5)[area]]), w, 0.6, 1.6, np.concatenate(goal))
    assert told.least_tolerance == pytest.approx(least, rel=0.02) and told.conflicting[0][0] == "margin 2"
