"""The variance engine against a plain recursion, and against every sample there could have been."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from masar_research import engine


def recursion(values, strata, units, fpc):
    """Variance of Σ values by the textbook recursion; one list entry per stage; no shortcuts."""
    out = 0.0
    for h in sorted(set(strata)):
        rows = [i for i in range(len(values)) if strata[i] == h]
        psus = sorted({units[0][i] for i in rows})
        n, population = len(psus), fpc[0][rows[0]]
        f = 0.0 if population is None else n / population
        totals = [sum(values[i] for i in rows if units[0][i] == u) for u in psus]
        centre = sum(totals) / n
        out += (1 - f) * n / (n - 1) * sum((t - centre) ** 2 for t in totals)
        if len(units) > 1 and f > 0:
            for u in psus:
                inside = [i for i in rows if units[0][i] == u]
                deeper = [[stage[i] for i in inside] for stage in units[1:]]
                counts = [[stage[i] for i in inside] for stage in fpc[1:]]
                out += f * recursion([values[i] for i in inside], [0] * len(inside), deeper, counts)
    return out


@pytest.mark.parametrize("stages", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_random_designs_agree_with_the_recursion(stages, seed):
    rng = np.random.default_rng(seed)
    strata, units, sizes = [], [[], [], []], [[], [], []]
    for h in range(3):
        n1, more = int(rng.integers(2, 5)), int(rng.integers(0, 5))
        for i in range(n1):
            n2, more2 = int(rng.integers(2, 4)), int(rng.integers(0, 4))
            for j in range(n2):
                n3, more3 = int(rng.integers(2, 4)), int(rng.integers(0, 4))
                for k in range(n3):
                    strata.append(h)
                    for level, (label, size) in enumerate(
                        ((i, n1 + more), (j, n2 + more2), (k, n3 + more3))
                    ):
                        units[level].append(label)
                        sizes[level].append(size)
    y, w = rng.normal(20, 5, len(strata)), rng.uniform(1, 9, len(strata))
    order = rng.permutation(len(strata))
    pick = lambda values: np.array(values)[order]  # noqa: E731
    design = engine.declare(
        pick(w),
        strata=pick(strata),
        psu=[pick(u) for u in units[:stages]],
        fpc=[pick(s) for s in sizes[:stages]],
    )
    result = engine.total(design, pick(y))
    expected = recursion(list(w * y), strata, units[:stages], sizes[:stages])
    assert engine.covariance(design, result.totals)[0, 0] == pytest.approx(expected, rel=1e-10)


def population(rng, shape):
    return {index: float(rng.normal(10, 4)) for index in product(*(range(s) for s in shape))}


def every_sample(shape, take):
    """Every equally likely multistage sample: lists of element indices."""

    def below(prefix, level):
        if level == len(shape):
            return [[prefix]]
        found = []
        for chosen in combinations(range(shape[level]), take[level]):
            parts = [below((*prefix, c), level + 1) for c in chosen]
            found += [sum(choice, []) for choice in product(*parts)]
        return found

    return below((), 0)


@pytest.mark.parametrize(
    ("shape", "take"), [((6,), (3,)), ((4, 3), (2, 2)), ((3, 3, 3), (2, 2, 2))]
)
def test_the_variance_estimator_is_unbiased_over_every_possible_sample(shape, take):
    """Averaged over all samples, V̂ of a total is the true variance of the total: exactly."""
    truth = population(np.random.default_rng(3), shape)
    weight = np.prod([s / t for s, t in zip(shape, take, strict=True)])
    estimates, variances = [], []
    for sample in every_sample(shape, take):
        index = np.array(sample)
        design = engine.declare(
            np.full(len(index), weight),
            psu=list(index.T), fpc=[np.full(len(index), s) for s in shape],
        )  # fmt: skip
        result = engine.total(design, [truth[i] for i in sample])
        estimates.append(result.estimate[0])
        variances.append(engine.covariance(design, result.totals)[0, 0])
    assert np.mean(estimates) == pytest.approx(sum(truth.values()), rel=1e-10)
    assert np.mean(variances) == pytest.approx(np.var(estimates), rel=1e-9)


def test_linearised_means_and_ratios_approach_the_truth_over_every_possible_sample():
    """All 3,003 samples of 5 from 15: a ratio's linearised variance is right to the order of 1/n."""
    rng = np.random.default_rng(4)
    x = rng.uniform(5, 8, 15)
    y = 2 * x + rng.normal(0, 0.5, 15)
    estimates, variances = [], []
    fpc = np.full(5, 15)
    for sample in combinations(range(15), 5):
        rows = list(sample)
        design = engine.declare(np.full(5, 3.0), fpc=fpc)
        result = engine.ratio(design, y[rows], x[rows])
        estimates.append(result.estimate[0])
        variances.append(engine.covariance(design, result.totals)[0, 0])
    assert np.mean(variances) == pytest.approx(np.var(estimates), rel=0.05)
