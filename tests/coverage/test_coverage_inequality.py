"""Do 95 % intervals of inequality and poverty hold the truth?

A population of 60,000 persons with log-normal incomes in 12 strata of 100 blocks is sampled again
and again: 8 blocks per stratum with replacement, 15 persons in each. Listed beforehand: Gini,
S80/S20 and the share of the richest tenth undercover in skewed populations (Langel and Tillé
2013, *JRSS A* 176, section 6), and so may statistics that rest on a kernel density (the rate below
a share of the median, the gap of medians: Graf and Tillé 2014); they must still hold 88 %. Means
and ratios of fixed lines have no exception: 93–97 %, less the simulation's own error.
"""

from __future__ import annotations

import numpy as np
import pytest

from masar_research.engine import covariance, declare, intervals, linearized
from masar_research.engine import inequality as measures
from masar_research.engine import poverty
from masar_research.engine.functional import functional

STRATA, BLOCKS, SIZE, TAKE, PERSONS = 12, 100, 50, 8, 15
EXCEPTIONS = ("gini", "s80s20", "lorenz 0.9", "rate 0.6 median", "gap of medians", "median")


def population(seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = STRATA * BLOCKS * SIZE
    block = np.repeat(np.arange(STRATA * BLOCKS), SIZE)
    level = rng.normal(0, 0.25, STRATA)[block // BLOCKS] + rng.normal(0, 0.25, STRATA * BLOCKS)[block]
    sex = rng.integers(0, 2, n)
    income = np.exp(5.5 + level + rng.normal(0, 0.5, n) - 0.15 * sex)
    deprived = (rng.random((n, 3)) < 1 / (1 + np.exp(1 + 2 * level[:, None]))).astype(float)
    return {"income": income, "sex": sex, "deprived": deprived}


def answers(design, data) -> dict[str, linearized.Linearized]:
    y, sex = data["income"], data["sex"]
    every = {"domain": None, "n_domains": 1, "mask": None}
    middle = functional(design, [y], lambda w, y: poverty.quantile(w, y, 0.5))
    half = linearized.mean(design, y)
    line = linearized.transform(middle, 0.6 * middle.estimate, [[0.6]])
    half_mean = linearized.transform(half, 0.5 * half.estimate, [[0.5]])
    by_sex = {"domain": sex, "n_domains": 2}
    medians = functional(design, [y], lambda w, y: poverty.quantile(w, y, 0.5), **by_sex)
    weights = np.array([0.5, 0.25, 0.25])
    found = {
        "gini": functional(design, [y], measures.gini),
        "s80s20": functional(design, [y], lambda w, y: measures.share_ratio(w, y, 0.2, 0.2)),
        "lorenz 0.4": functional(design, [y], lambda w, y: measures.lorenz(w, y, np.array([0.4]))),
        "lorenz 0.9": functional(design, [y], lambda w, y: measures.lorenz(w, y, np.array([0.9]))),
        "rate 150": linearized.mean(design, poverty.shortfall(y, 150.0, 0)),
        "gap 150": linearized.mean(design, poverty.shortfall(y, 150.0, 1)),
        "severity 150": linearized.mean(design, poverty.shortfall(y, 150.0, 2)),
        "rate 0.6 median": poverty.fgt_relative(design, y, 0, line, None, **every),
        "gap 0.5 mean": poverty.fgt_relative(design, y, 1, half_mean, None, **every),
        "gap of means": poverty.relative_gap(linearized.mean(design, y, **by_sex), 0),
        "gap of medians": poverty.relative_gap(medians, 0),
        "median": middle,
    }
    af = poverty.alkire_foster(design, data["deprived"], weights, 0.5, **every)
    for k, name in enumerate(("H", "A", "M0")):
        found[f"af {name}"] = linearized.transform(af, [af.estimate[k]], np.eye(3)[[k]])
    return found


def run(draws: int) -> dict[str, float]:
    people = population()
    n = len(people["income"])
    truth = {k: r.estimate[0] for k, r in answers(declare(np.ones(n)), people).items()}
    rng = np.random.default_rng(17)
    hits = dict.fromkeys(truth, 0)
    strata = np.repeat(np.arange(STRATA), TAKE * PERSONS)
    psu = np.repeat(np.arange(STRATA * TAKE), PERSONS)
    for _ in range(draws):
        blocks = (rng.integers(0, BLOCKS, (STRATA, TAKE)) + np.arange(STRATA)[:, None] * BLOCKS).ravel()
        inside = rng.permuted(np.tile(np.arange(SIZE), (len(blocks), 1)), axis=1)[:, :PERSONS]
        rows = (blocks[:, None] * SIZE + inside).ravel()
        data = {name: values[rows] for name, values in people.items()}
        design = declare(np.full(len(rows), BLOCKS * SIZE / (TAKE * PERSONS)), strata=strata, psu=psu)
        for name, result in answers(design, data).items():
            error = np.sqrt(covariance(design, result.totals)[0, 0])
            low, high = intervals.wald(result.estimate, np.array([error]), result.df, 0.95)
            hits[name] += bool(low[0] <= truth[name] <= high[0])
    return {name: count / draws for name, count in hits.items()}


def judge(coverage: dict[str, float], draws: int) -> None:
    reach = 2.576 * np.sqrt(0.95 * 0.05 / draws)
    wrong = {}
    for name, share in coverage.items():
        low = 0.88 if name in EXCEPTIONS else 0.93
        if share + reach < low or share - reach > 0.97:
            wrong[name] = share
    assert not wrong, f"coverage of 95 % intervals over {draws} samples: {coverage}"


def test_inequality_and_poverty_in_a_thousand_samples():
    judge(run(1000), 1000)


@pytest.mark.full
def test_inequality_and_poverty():
    judge(run(4000), 4000)
