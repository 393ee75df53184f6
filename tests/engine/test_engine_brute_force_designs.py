"""Every sample there could have been, for stratified and cluster designs: exact answers on average."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import replicate_making as making
from masar_research.engine.replicates import attach

RNG = np.random.default_rng(31)


def moments(designs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and covariance of the estimates, and the mean estimated covariance, over all samples."""
    estimates, covariances = [], []
    for design, result in designs:
        estimates.append(result.estimate)
        covariances.append(engine.covariance(design, result.totals))
    estimates = np.array(estimates)
    return estimates.mean(axis=0), np.cov(estimates.T, ddof=0), np.mean(covariances, axis=0)


def exact(designs, truth) -> None:
    mean, true, estimated = moments(designs)
    np.testing.assert_allclose(mean, truth, rtol=1e-10)
    np.testing.assert_allclose(estimated, true, rtol=1e-9, atol=1e-9 * np.abs(true).max())


def stratified(sizes=(4, 5, 3), takes=(2, 3, 2), certain=False):
    """Stratified simple random samples; domain totals of two domains that cut across the strata."""
    y = [RNG.normal(10 * (h + 1), 3, size) for h, size in enumerate(sizes)]
    domain = [RNG.integers(0, 2, size) for size in sizes]
    if certain:  # a stratum taken whole
        y, domain = [*y, np.array([100.0, 140.0])], [*domain, np.array([0, 1])]
        sizes, takes = (*sizes, 2), (*takes, 2)
    parts = [list(combinations(range(size), take)) for size, take in zip(sizes, takes, strict=True)]

    def samples():
        for chosen in product(*parts):
            stratum = np.repeat(np.arange(len(sizes)), takes)
            size, take = np.array(sizes)[stratum], np.array(takes)[stratum]
            design = engine.declare(size / take, strata=stratum, fpc=size)
            values = np.concatenate([y[h][list(rows)] for h, rows in enumerate(chosen)])
            codes = np.concatenate([domain[h][list(rows)] for h, rows in enumerate(chosen)])
            yield design, engine.total(design, values, domain=codes, n_domains=2)

    whole, codes = np.concatenate(y), np.concatenate(domain)
    return samples(), [whole[codes == d].sum() for d in (0, 1)]


def test_domain_totals_of_stratified_samples_with_their_covariance():
    exact(*stratified())


def test_a_stratum_taken_whole_adds_no_variance():
    exact(*stratified(sizes=(4, 3), takes=(2, 2), certain=True))


def clusters():
    """Three of six clusters of unequal size, everybody in them asked."""
    sizes = RNG.integers(1, 5, 6)
    y = [RNG.normal(5 * size, 4, size) for size in sizes]

    def samples():
        for chosen in combinations(range(6), 3):
            values = np.concatenate([y[c] for c in chosen])
            psu = np.concatenate([np.full(sizes[c], c) for c in chosen])
            n = len(values)
            design = engine.declare(np.full(n, 2.0), psu=psu, fpc=np.full(n, 6))
            both = engine.stack(engine.total(design, values), engine.count(design))
            yield design, both

    return samples(), [sum(map(np.sum, y)), sizes.sum()]


def test_totals_and_counts_of_whole_clusters_with_their_covariance():
    exact(*clusters())


def stratified_two_stage():
    """In each of two strata 2 of 3 blocks, in each block 2 of 3 or of 4 dwellings."""
    counts = np.array([[3, 4, 3], [4, 3, 3]])
    y = {(h, i): RNG.normal(20 + 7 * h + 3 * i, 4, counts[h, i]) for h in range(2) for i in range(3)}
    within = {key: list(combinations(range(len(values)), 2)) for key, values in y.items()}

    def stratum(h):
        for blocks in combinations(range(3), 2):
            for dwellings in product(*(within[h, i] for i in blocks)):
                yield [(h, i, j) for i, rows in zip(blocks, dwellings, strict=True) for j in rows]

    # Equal probability within a stratum holds for the blocks, then for the dwellings of each.
    chance = {}
    for h in range(2):
        for rows in stratum(h):
            blocks = sorted({i for _, i, _ in rows})
            chance[tuple(rows)] = 1 / 3 * np.prod([1 / len(within[h, i]) for i in blocks])

    designs, weights = [], []
    for first in stratum(0):
        for second in stratum(1):
            rows = first + second
            h, i, j = map(np.array, zip(*rows, strict=True))
            dwellings = counts[h, i]
            design = engine.declare(
                3 / 2 * dwellings / 2, strata=h, psu=[i, j], fpc=[np.full(len(rows), 3), dwellings]
            )
            result = engine.total(design, [y[a, b][c] for a, b, c in rows])
            designs.append((result.estimate[0], engine.covariance(design, result.totals)[0, 0]))
            weights.append(chance[tuple(first)] * chance[tuple(second)])
    return np.array(designs), np.array(weights), sum(map(np.sum, y.values()))


def test_two_stages_within_strata_with_blocks_of_unequal_size():
    found, chance, truth = stratified_two_stage()
    assert chance.sum() == pytest.approx(1, rel=1e-12)
    mean = chance @ found[:, 0]
    assert mean == pytest.approx(truth, rel=1e-11)
    assert chance @ found[:, 1] == pytest.approx(chance @ (found[:, 0] - mean) ** 2, rel=1e-10)


def test_the_jackknife_of_a_total_is_the_linearised_variance_in_every_sample():
    samples, _ = stratified()
    for design, result in samples:
        made = making.jackknife(design, stratified=True)
        jack = attach(design, made.weights, scale=made.scale, rscales=made.rscales, mse=False, df=4, facts={})
        linear = engine.covariance(design, result.totals)
        y = np.linspace(1, 9, design.n_rows)
        a, b = engine.total(design, y), engine.total(jack, y)
        assert engine.covariance(jack, b.totals)[0, 0] == pytest.approx(
            engine.covariance(design, a.totals)[0, 0], rel=1e-10
        )
        assert np.linalg.eigvalsh(linear).min() > -1e-9 * np.abs(linear).max()


@pytest.mark.parametrize(("rule", "sign"), [("centre", 1), ("remove", -1), ("certainty", -1)])
def test_what_the_rules_for_a_lonely_psu_do_on_average(rule, sign):
    """One of three blocks drawn in the second stratum: nothing is unbiased. `centre` about zero is too
    much, `remove` and `certainty` too little, by exactly what that stratum has."""
    first, second = RNG.normal(30, 6, 5), RNG.normal(50, 6, 3)
    estimates, variances = [], []
    for chosen in combinations(range(5), 2):
        for one in range(3):
            design = engine.declare(
                [2.5, 2.5, 3.0], strata=[0, 0, 1], fpc=[5, 5, 3], lonely_psu=rule
            )
            result = engine.total(design, [*first[list(chosen)], second[one]])
            estimates.append(result.estimate[0])
            variances.append(engine.covariance(design, result.totals)[0, 0])
    true = np.var(estimates)
    hidden = 9 * np.var(second)  # the variance of 3 × one block
    if sign < 0:
        assert np.mean(variances) == pytest.approx(true - hidden, rel=1e-9)
    else:
        assert np.mean(variances) > true + hidden
