"""Intervals of coefficients, average effects and marginal means cover, for every family of outcome.

Stratified clusters with unequal weights; the truth is the model fitted to the whole population.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, ndtr

import masar_research as mr

STRATA, BLOCKS, SIZE = 6, 60, 40
TAKEN, PERSONS = (5, 6, 7, 7, 8, 10), 10
OUTCOMES = {
    "logit": ("works", "binomial"), "probit": ("agrees", "probit"), "cloglog": ("leaves", "cloglog"),
    "poisson": ("visits", "poisson"), "negative binomial": ("calls", "negative_binomial"), "gamma": ("pay", "gamma"),
}  # fmt: skip


def population(seed=23):
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(STRATA * BLOCKS), SIZE)
    n, stratum = block.size, block // BLOCKS
    sex, age = rng.integers(1, 3, n).astype(float), rng.uniform(-2, 2, n)
    eta = 0.2 * (stratum - 2.5) - 0.6 * (sex == 2) + 0.3 * age + rng.normal(0, 0.35, STRATA * BLOCKS)[block]
    mean = np.exp(0.6 + 0.5 * eta)
    return pd.DataFrame({
        "stratum": stratum, "block": block, "w": 1.0, "sex": sex, "age": age,
        "works": (rng.random(n) < expit(eta)).astype(float), "agrees": (rng.random(n) < ndtr(0.7 * eta)).astype(float),
        "leaves": (rng.random(n) < -np.expm1(-np.exp(0.6 * eta - 0.3))).astype(float),
        "visits": rng.poisson(mean).astype(float), "calls": rng.poisson(mean * rng.gamma(1.5, 1 / 1.5, n)).astype(float),
        "pay": mean * rng.gamma(4, 0.25, n),
    })  # fmt: skip


def sample(data, rng):
    rows, weights = [], []
    for h, k in enumerate(TAKEN):
        for b in rng.choice(BLOCKS, k, replace=False) + h * BLOCKS:
            rows.append(b * SIZE + rng.choice(SIZE, PERSONS, replace=False))
            weights.append(np.full(PERSONS, BLOCKS / k * SIZE / PERSONS))
    return data.iloc[np.concatenate(rows)].assign(w=np.concatenate(weights)).reset_index(drop=True)


def figures(survey, outcome, family):
    """(7, 4) estimate, standard error and both ends of constant, sex, age, their average effects, means by sex."""
    model = survey.glm(f"{outcome} ~ C(sex) + age", family=family)
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    parts = [model.frame, model.margins("sex").frame, model.margins("age").frame, model.predictions("sex").frame]
    return np.vstack([part[columns].to_numpy(float) for part in parts])


def coverage(samples, seed=5):
    """Family → (7,) coverage and (7,) mean stated error over the spread of the estimates."""
    data, rng, out = population(), np.random.default_rng(seed), {}
    whole = mr.Survey(data.assign(block=np.arange(len(data))), weights="w")
    truth = {name: figures(whole, *asked)[:, 0] for name, asked in OUTCOMES.items()}
    drawn = {name: [] for name in OUTCOMES}
    for _ in range(samples):
        survey = mr.Survey(sample(data, rng), weights="w", strata="stratum", psu="block")
        for name, asked in OUTCOMES.items():
            drawn[name].append(figures(survey, *asked))
    for name, found in drawn.items():
        table = np.array(found)
        inside = (table[:, :, 2] <= truth[name]) & (truth[name] <= table[:, :, 3])
        stated = np.sqrt((table[:, :, 1] ** 2).mean(axis=0))
        out[name] = inside.mean(axis=0), stated / table[:, :, 0].std(axis=0)
    return out


def test_a_few_samples_of_every_family_cover():
    for name, (hits, ratio) in coverage(8).items():
        assert (hits > 0.49).all() and hits.mean() > 0.82, (name, hits)
        assert (ratio > 0.4).all() and (ratio < 2.6).all(), (name, ratio)


@pytest.mark.full
def test_every_family_covers():
    """500 samples: the 99 % range of the simulation's own error must reach into 93–97 %; a tenth of the
    blocks is taken and no fpc declared, so that errors may be 5 % too large. The page holds the table
    of 1,000 samples."""
    for name, (hits, ratio) in coverage(500).items():
        print(f"| {name} | " + " | ".join(f"{100 * h:.1f} ({r:.2f})" for h, r in zip(hits, ratio, strict=True)) + " |")
        error = 2.576 * np.sqrt(hits * (1 - hits) / 500)
        assert ((hits + error > 0.93) & (hits - error < 0.97)).all(), (name, hits)
        assert ((ratio > 0.92) & (ratio < 1.14)).all(), (name, ratio)
