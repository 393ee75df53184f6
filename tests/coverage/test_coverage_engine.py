"""Do nominal 95 % intervals hold the truth in 95 of 100 samples?

A finite population of about 120,000 persons in 20 strata and 2,000 blocks is sampled again and again:
6 blocks per stratum with probability proportional to size, 12 persons in each; a second wave keeps
3 of the 6 blocks and draws new persons. A test fails when the 99 % Monte-Carlo range of the
coverage lies wholly outside 93–97 %, or when the estimated variance is off the variance seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import contrasts, intervals

STRATA, BLOCKS, TAKE, KEPT, PERSONS = 20, 100, 6, 3, 12


@dataclass(frozen=True)
class Population:
    """Persons sorted by block; blocks sorted by stratum."""

    start: np.ndarray
    size: np.ndarray
    y: np.ndarray
    y_later: np.ndarray
    x: np.ndarray
    rare: np.ndarray
    common: np.ndarray
    sex: np.ndarray
    region: np.ndarray


def populate(seed: int = 12) -> Population:
    rng = np.random.default_rng(seed)
    size = rng.integers(30, 91, STRATA * BLOCKS)
    block = np.repeat(np.arange(STRATA * BLOCKS), size)
    stratum = block // BLOCKS
    n = len(block)
    effect = rng.normal(0, 1, STRATA * BLOCKS)[block]
    sex = rng.integers(0, 2, n)
    level = rng.normal(0, 1, STRATA)[stratum]
    y = 50 + 4 * level + 4 * effect + 3 * sex + rng.gamma(2, 6, n)
    later = 52 + 4 * level + 4 * effect + 2 * sex + rng.gamma(2, 6, n)

    def binary(mean: float) -> np.ndarray:
        logit = np.log(mean / (1 - mean)) + 0.3 * level + 0.5 * effect - 0.4 * (sex - 0.5)
        return (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)

    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    x = 10 + 0.5 * y + rng.normal(0, 5, n)
    return Population(start, size, y, later, x, binary(0.09), binary(0.3), sex, stratum // 5)


POPULATION = populate()


def draw_blocks(rng: np.random.Generator, take: int) -> np.ndarray:
    """(STRATA, take) blocks, proportional to size with replacement."""
    chance = POPULATION.size.reshape(STRATA, BLOCKS) / POPULATION.size.reshape(STRATA, BLOCKS).sum(
        1, keepdims=True
    )
    edges = np.cumsum(chance, axis=1)
    picks = (rng.random((STRATA, take))[:, :, None] > edges[:, None, :]).sum(axis=2)
    return np.minimum(picks, BLOCKS - 1) + np.arange(STRATA)[:, None] * BLOCKS


def draw_persons(rng: np.random.Generator, blocks: np.ndarray) -> np.ndarray:
    """(n_blocks, PERSONS) rows of the population, without replacement within a block."""
    size = POPULATION.size[blocks]
    keys = rng.random((len(blocks), size.max()))
    keys[np.arange(size.max()) >= size[:, None]] = 2.0
    return POPULATION.start[blocks][:, None] + np.argpartition(keys, PERSONS, axis=1)[:, :PERSONS]


def layout(waves: int) -> dict[str, np.ndarray]:
    """Strata, PSU and wave labels of a sample, the same for every draw."""
    psu = np.concatenate([np.arange(TAKE) + w * (TAKE - KEPT) for w in range(waves)])
    strata = np.repeat(np.arange(STRATA), TAKE * waves * PERSONS)
    return {
        "strata": strata,
        "psu": np.tile(np.repeat(psu, PERSONS), STRATA),
        "wave": np.tile(np.repeat(np.repeat(np.arange(waves), TAKE), PERSONS), STRATA),
    }


PLACES = layout(2)
FIRST = PLACES["wave"] == 0
ROWS = STRATA * 2 * TAKE * PERSONS
WEIGHTS = np.repeat(
    POPULATION.size.reshape(STRATA, BLOCKS).sum(1) / (TAKE * PERSONS), 2 * TAKE * PERSONS
)
ONE_WAVE = engine.declare(WEIGHTS[FIRST], strata=PLACES["strata"][FIRST], psu=PLACES["psu"][FIRST])
TWO_WAVES = engine.declare(WEIGHTS, **PLACES)
UNCLUSTERED = engine.declare(WEIGHTS[FIRST])


def answers(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, ...]]:
    """One sample: (estimate, standard error, low, high) of every statistic."""
    blocks = draw_blocks(rng, 2 * TAKE - KEPT)
    both = np.concatenate([blocks[:, :TAKE], blocks[:, TAKE - KEPT :]], axis=1)
    rows = draw_persons(rng, both.ravel()).ravel()
    first = rows[FIRST]
    p = POPULATION
    out = {}

    def keep(name, design, result, method="wald"):
        error = np.sqrt(np.diag(engine.covariance(design, result.totals)))
        if method == "wald":
            low, high = intervals.wald(result.estimate, error, result.df, 0.95)
        elif method == "logit":
            low, high = intervals.logit(result.estimate, error, result.df, 0.95)
        elif method == "wilson":
            low, high = intervals.wilson(result.estimate, error, result.df, 0.95)
        else:
            low, high, _ = intervals.korn_graubard(
                result.estimate, error, result.n, result.df, 0.95
            )
        out[name] = (result.estimate, error, low, high)

    y = p.y[first]
    keep("mean", ONE_WAVE, engine.mean(ONE_WAVE, y))
    keep("total of women", ONE_WAVE, engine.total(ONE_WAVE, y, mask=p.sex[first] == 1))
    keep("ratio", ONE_WAVE, engine.ratio(ONE_WAVE, y, p.x[first]))
    for method in ("logit", "wilson", "beta"):
        keep(f"share near 0.1, {method}", ONE_WAVE, engine.mean(ONE_WAVE, p.rare[first]), method)
        keep(f"share near 0.3, {method}", ONE_WAVE, engine.mean(ONE_WAVE, p.common[first]), method)
    keep("mean by region", ONE_WAVE, engine.mean(ONE_WAVE, y, domain=p.region[first], n_domains=4))
    keep("women in the last region", ONE_WAVE, engine.mean(
        ONE_WAVE, y, mask=(p.region[first] == 3) & (p.sex[first] == 1)))  # fmt: skip
    sexes = engine.mean(ONE_WAVE, y, domain=p.sex[first], n_domains=2)
    gap = contrasts.linear(
        [-1, 1], sexes.estimate, engine.covariance(ONE_WAVE, sexes.totals), ONE_WAVE.df
    )
    out["gap between the sexes"] = (
        gap.estimate, gap.std_error, *intervals.wald(gap.estimate, gap.std_error, gap.df, 0.95))  # fmt: skip
    pooled = np.where(FIRST, p.y[rows], p.y_later[rows])
    waves = engine.mean(TWO_WAVES, pooled, domain=PLACES["wave"], n_domains=2)
    change = contrasts.linear(
        [-1, 1], waves.estimate, engine.covariance(TWO_WAVES, waves.totals), ONE_WAVE.df
    )
    out["change between waves"] = (
        change.estimate, change.std_error, *intervals.wald(change.estimate, change.std_error, change.df, 0.95))  # fmt: skip
    keep("mean, clustering ignored", UNCLUSTERED, engine.mean(UNCLUSTERED, y))
    return out


def truths() -> dict[str, np.ndarray]:
    p = POPULATION
    mean = np.array([p.y.mean()])
    shares = {f"share near {t}, {m}": np.array([v.mean()]) for t, v in (("0.1", p.rare), ("0.3", p.common))
              for m in ("logit", "wilson", "beta")}  # fmt: skip
    return {
        "mean": mean, "mean, clustering ignored": mean, "total of women": np.array([p.y[p.sex == 1].sum()]),
        "ratio": np.array([p.y.sum() / p.x.sum()]), **shares,
        "mean by region": np.array([p.y[p.region == r].mean() for r in range(4)]),
        "women in the last region": np.array([p.y[(p.region == 3) & (p.sex == 1)].mean()]),
        "gap between the sexes": np.array([p.y[p.sex == 1].mean() - p.y[p.sex == 0].mean()]),
        "change between waves": np.array([p.y_later.mean() - p.y.mean()]),
    }  # fmt: skip


TRUTHS = truths()
HONEST = [name for name in TRUTHS if name != "mean, clustering ignored"]


@dataclass(frozen=True)
class Simulated:
    samples: int
    coverage: dict[str, np.ndarray]
    variance_ratio: dict[str, np.ndarray]


def simulate(samples: int, seed: int) -> Simulated:
    rng = np.random.default_rng(seed)
    drawn = [answers(rng) for _ in range(samples)]
    coverage, ratio = {}, {}
    for name, truth in TRUTHS.items():
        estimate, error, low, high = (np.array([d[name][i] for d in drawn]) for i in range(4))
        coverage[name] = ((low <= truth) & (truth <= high)).mean(axis=0)
        ratio[name] = (error**2).mean(axis=0) / estimate.var(axis=0)
    return Simulated(samples, coverage, ratio)


@pytest.fixture(scope="module")
def few():
    return simulate(1000, seed=2026)


@pytest.fixture(scope="module")
def many():
    return simulate(5000, seed=2027)


def check(done: Simulated, name: str) -> None:
    coverage = done.coverage[name]
    reach = 2.576 * np.sqrt(coverage * (1 - coverage) / done.samples)
    top = 1.0 if "beta" in name else 0.97  # Korn–Graubard is conservative by construction
    assert np.all(coverage + reach >= 0.93), f"{name}: covers {coverage}"
    assert np.all(coverage - reach <= top), f"{name}: covers {coverage}"
    slack = 4 * np.sqrt(2 / done.samples)
    assert np.all(np.abs(done.variance_ratio[name] - 1) < slack), (
        f"{name}: variance ratio {done.variance_ratio[name]}"
    )


@pytest.mark.parametrize("name", HONEST)
def test_intervals_cover(few, name):
    check(few, name)


def test_the_check_catches_a_design_that_ignores_clustering(few):
    with pytest.raises(AssertionError, match="clustering ignored: covers"):
        check(few, "mean, clustering ignored")


@pytest.mark.full
@pytest.mark.parametrize("name", HONEST)
def test_intervals_cover_in_five_thousand_samples(many, name):
    check(many, name)
