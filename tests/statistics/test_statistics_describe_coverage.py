"""Do nominal 95 % intervals of quantiles, moments, rates and tables hold the truth?

A finite population of 72,000 persons in 20 strata and 1,800 blocks of 40 is sampled again and again: 6
blocks per stratum without replacement, 10 persons in each. A test fails when the 99 % range of
the Monte-Carlo error of the coverage lies wholly outside 93–97 %. No statistic is excepted.
"""

from __future__ import annotations

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import intervals, moments, quantiles, standardised

STRATA, SIZE, TAKE, PERSONS = 20, 40, 6, 10
BLOCKS = np.tile([60, 80, 100, 120], 5)
SHARES = np.array([0.4, 0.35, 0.25])


def populate(seed: int = 31) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    n_blocks = int(BLOCKS.sum())
    block = np.repeat(np.arange(n_blocks), SIZE)
    stratum = np.repeat(np.arange(STRATA), BLOCKS)[block]
    effect, level = rng.normal(0, 0.35, n_blocks)[block], rng.normal(0, 0.3, STRATA)[stratum]
    age, sex = rng.integers(0, 3, len(block)), rng.integers(0, 2, len(block))
    y = np.exp(5 + level + effect + 0.2 * age + rng.normal(0, 0.6, len(block)))
    odds = -0.5 + effect + 0.7 * (age - 1)
    return {
        "y": y, "log": np.log(y), "hours": 30 + 6 * np.log(y) + rng.normal(0, 6, len(block)),
        "works": (rng.random(len(block)) < 1 / (1 + np.exp(-odds))).astype(float),
        "age": age, "sex": sex,
    }  # fmt: skip


POPULATION = populate()
START = np.concatenate([[0], np.cumsum(BLOCKS)])[:-1]
N = len(POPULATION["y"])
WEIGHTS = np.repeat(BLOCKS * SIZE / (TAKE * PERSONS), TAKE * PERSONS)
DESIGN = engine.declare(
    WEIGHTS, strata=np.repeat(np.arange(STRATA), TAKE * PERSONS),
    psu=np.tile(np.repeat(np.arange(TAKE), PERSONS), STRATA),
)  # fmt: skip


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    rows = []
    for stratum in range(STRATA):
        blocks = START[stratum] + rng.permutation(BLOCKS[stratum])[:TAKE]
        people = np.argsort(rng.random((TAKE, SIZE)), axis=1)[:, :PERSONS]
        rows.append((blocks[:, None] * SIZE + people).ravel())
    chosen = np.concatenate(rows)
    return {name: values[chosen] for name, values in POPULATION.items()}


def truths() -> dict[str, float]:
    p = POPULATION
    rates = [p["works"][p["age"] == k].mean() for k in range(3)]
    return {
        "median": np.median(p["y"]), "median of women": np.median(p["y"][p["sex"] == 1]),
        "p25": np.quantile(p["y"], 0.25), "p95": np.quantile(p["y"], 0.95),
        "median, log odds": np.median(p["y"]), "variance": p["log"].var(ddof=1),
        "correlation": np.corrcoef(p["log"], p["hours"])[0, 1], "standardised": float(SHARES @ rates),
        "row share": rates[2], "arcsine": p["works"].mean(), "likelihood": p["works"].mean(),
        "interdecile range": np.quantile(p["y"], 0.9) - np.quantile(p["y"], 0.1),
    }  # fmt: skip


def limits(sample: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    out: dict[str, tuple[float, float]] = {}
    y, every = sample["y"], {}
    ordered = quantiles.order(DESIGN, y)

    def quantile(p: float, interval: str = "woodruff") -> quantiles.Quantile:
        return quantiles.quantile(
            DESIGN, y, ordered, p, rule="school", interval=interval, level=0.95
        )

    for name, p, interval in (
        ("median", 0.5, "woodruff"), ("p25", 0.25, "woodruff"), ("p95", 0.95, "woodruff"),
        ("median, log odds", 0.5, "xlogit"),
    ):  # fmt: skip
        every[name] = quantile(p, interval)
        out[name] = every[name].low[0], every[name].high[0]
    domain = {"domain": sample["sex"], "n_domains": 2}
    women = quantiles.quantile(
        DESIGN, y, quantiles.order(DESIGN, y, **domain), 0.5, rule="school", interval="woodruff",
        level=0.95, **domain,
    )  # fmt: skip
    out["median of women"] = women.low[1], women.high[1]

    def keep(name: str, found: engine.Linearized, method=intervals.wald, scale=None) -> None:
        error = np.sqrt(np.diag(engine.covariance(DESIGN, found.totals)))
        low, high = method(found.estimate, error, found.df, 0.95)
        out[name] = low[-1], high[-1]

    tails = engine.stack(quantile(0.9).result, quantile(0.1).result)
    keep("interdecile range", engine.transform(
        tails, [tails.estimate[0] - tails.estimate[1]], [[1.0, -1.0]]))  # fmt: skip
    keep("variance", moments.covariance(DESIGN, sample["log"], sample["log"]))
    keep("correlation", moments.correlation(DESIGN, sample["log"], sample["hours"]))
    keep("standardised", standardised.standardise(DESIGN, sample["works"], sample["age"], SHARES)[0])
    share = engine.proportion(
        DESIGN, sample["works"].astype(int), 2, domain=sample["age"], n_domains=3
    )
    keep("row share", share, intervals.logit)
    for name, method in (("arcsine", intervals.arcsine), ("likelihood", intervals.likelihood)):
        keep(name, engine.mean(DESIGN, sample["works"]), method)
    return out


def coverage(replicates: int, seed: int) -> dict[str, float]:
    rng, truth = np.random.default_rng(seed), truths()
    hits = dict.fromkeys(truth, 0)
    for _ in range(replicates):
        for name, (low, high) in limits(draw(rng)).items():
            hits[name] += bool(low <= truth[name] <= high)
    return {name: count / replicates for name, count in hits.items()}


@pytest.mark.full
def test_intervals_hold_the_truth(record_property):
    replicates = 4000
    found = coverage(replicates, seed=77)
    record_property("coverage", found)
    for name, share in found.items():
        reach = 2.576 * np.sqrt(share * (1 - share) / replicates)
        assert share + reach >= 0.93 and share - reach <= 0.97, (name, share, reach)


def test_a_short_run_of_the_simulation():
    """Every statistic has an interval, and none is wildly off."""
    found = coverage(60, seed=5)
    assert set(found) == set(truths())
    assert min(found.values()) > 0.8, found
