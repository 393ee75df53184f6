"""Do tests at the 5 % level reject a true hypothesis in 5 of 100 samples?

Each sample: 20 strata of 5 PSUs with 8 persons, unequal weights, outcomes and groups with PSU
effects that are independent of each other, so that no two variables are related. A test fails
when the 99 % Monte-Carlo range of its size lies wholly outside 3–7 %.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy import stats

from masar_research.engine import contrasts, covariance, declare, linearized, multiplicity, ranks, raoscott

SAMPLES = int(os.environ.get("MASAR_SIZE_SAMPLES", "4000"))
STRATA, PSUS, PERSONS = 20, 5, 8
N = STRATA * PSUS * PERSONS
PSU = np.repeat(np.arange(STRATA * PSUS), PERSONS)
STRATUM = PSU // PSUS
LEVELS = 4


def levels(rng: np.random.Generator, k: int, clustered: float) -> np.ndarray:
    """k categories of equal expected share, whose shares differ between PSUs."""
    effect = rng.normal(0, clustered, (STRATA * PSUS, k))[PSU]
    return np.argmax(effect + rng.gumbel(size=(N, k)), axis=1)


def p_values(rng: np.random.Generator) -> dict[str, float]:
    base = declare(rng.gamma(4, 1, N), strata=STRATUM, psu=PSU)
    half, many = levels(rng, 2, 0.5), levels(rng, LEVELS, 1.2)
    region = levels(rng, 3, 1.5)
    y = rng.gamma(2, 1, N) + rng.normal(0, 0.7, STRATA * PSUS)[PSU]
    of = raoscott.table(base, region, 3, many, LEVELS)
    out = {name: raoscott.association(of, name).p for name in raoscott.STATISTICS}
    counts = np.zeros((3, LEVELS))
    np.add.at(counts, (region, many), 1)
    out["ignoring the design"] = float(stats.chi2_contingency(counts).pvalue)
    shares = raoscott.table(base, np.zeros(N, int), 1, many, LEVELS)
    out["fit, chisq"] = raoscott.fit(shares, np.full(LEVELS, 1 / LEVELS), "chisq").p
    out["fit, F"] = raoscott.fit(shares, np.full(LEVELS, 1 / LEVELS), "F").p
    out["t"] = ranks.compare(base, y, half, 2).p
    for test in ("wilcoxon", "vanderwaerden", "median"):
        out[test] = ranks.compare(base, ranks.scores(y, base.weights, test), half, 2).p
    out["kruskal"] = ranks.compare(base, ranks.scores(y, base.weights, "kruskal"), region, 3).p
    # A domain that misses every other PSU of some strata.
    inside = (PSU % 3 > 0) | (STRATUM < 10)
    out["t, subpopulation"] = ranks.compare(base, y, half, 2, mask=inside).p
    means = linearized.mean(base, y, domain=region, n_domains=3)
    vcov, df = covariance(base, means.totals), float(means.df.min())
    pairs = contrasts.linear([[-1, 1, 0], [-1, 0, 1], [0, -1, 1]], means.estimate, vcov, df)
    out["joint"] = contrasts.joint(pairs, df).p
    out["any of the pairs, Holm"] = float(multiplicity.adjust(pairs.p, "holm").min())
    # Three waves in the same PSUs, new persons in each, no change.
    wave = np.arange(N) % 3
    waves = declare(base.weights, strata=STRATUM, psu=PSU, wave=wave)
    moved = linearized.mean(waves, y, domain=wave, n_domains=3)
    spread, df = covariance(waves, moved.totals), float(moved.df.min())
    out["trend over waves"] = float(contrasts.linear([-0.5, 0, 0.5], moved.estimate, spread, df).p[0])
    equal = contrasts.linear([[-1, 1, 0], [-1, 0, 1]], moved.estimate, spread, df)
    out["equality of waves"] = contrasts.joint(equal, df).p
    return out


@pytest.fixture(scope="module")
def sizes() -> dict[str, float]:
    rng = np.random.default_rng(20268)
    found = [p_values(rng) for _ in range(SAMPLES)]
    return {name: float(np.mean([one[name] < 0.05 for one in found])) for name in found[0]}


NAMES = [
    *raoscott.STATISTICS, "fit, chisq", "fit, F", "t", "wilcoxon", "vanderwaerden", "median", "kruskal",
    "t, subpopulation", "joint", "trend over waves", "equality of waves",
]  # fmt: skip


def error(size: float) -> float:
    """Half the 99 % Monte-Carlo range."""
    return 2.576 * float(np.sqrt(max(size, 0.01) * (1 - size) / SAMPLES))


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_size_is_five_percent(sizes, name):
    size = sizes[name]
    print(f"{name}: {100 * size:.2f} % ± {100 * error(size):.2f}")
    assert size - error(size) <= 0.07 and size + error(size) >= 0.03


@pytest.mark.full
def test_holm_keeps_the_family_at_its_level(sizes):
    size = sizes["any of the pairs, Holm"]
    print(f"any of the pairs, Holm: {100 * size:.2f} %")
    assert size - error(size) <= 0.05


@pytest.mark.full
def test_ignoring_the_design_rejects_far_too_often(sizes):
    size = sizes["ignoring the design"]
    print(f"ignoring the design: {100 * size:.2f} %")
    assert size - error(size) > 0.10
