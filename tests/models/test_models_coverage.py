"""Intervals of average marginal effects cover, over samples drawn again and again."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import masar_research as mr


def population(seed=11, strata=6, blocks=60, size=40):
    """Persons in blocks in strata; the true effect is that of the model fitted to all of them."""
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(strata * blocks), size)
    stratum = block // blocks
    place = rng.normal(0, 0.5, strata * blocks)
    data = pd.DataFrame({
        "stratum": stratum, "block": block, "sex": rng.integers(1, 3, block.size).astype(float),
        "age": rng.integers(15, 65, block.size).astype(float), "w": 1.0,
    })  # fmt: skip
    eta = 0.4 * (stratum - 2) - 1.3 * (data["sex"] == 2) + 0.02 * (data["age"] - 40) + place[block]
    data["works"] = (rng.random(block.size) < expit(eta)).astype(float)
    return data


def sample(data, rng, taken=(4, 5, 5, 6, 6, 8), persons=10, blocks=60, size=40):
    """Blocks at random in each stratum (unequal rates), persons at random in each block."""
    rows, weights = [], []
    for h, k in enumerate(taken):
        for b in rng.choice(blocks, k, replace=False) + h * blocks:
            rows.append(b * size + rng.choice(size, persons, replace=False))
            weights.append(np.full(persons, blocks / k * size / persons))
    return data.iloc[np.concatenate(rows)].assign(w=np.concatenate(weights)).reset_index(drop=True)


def effects(data):
    survey = mr.Survey(data, weights="w", strata="stratum", psu="block")
    model = survey.logit("works ~ C(sex) * age")
    return pd.concat([model.margins("sex").frame, model.margins("age").frame], ignore_index=True)


def coverage(samples):
    data = population()
    truth = effects(data.assign(block=np.arange(len(data))))["estimate"].to_numpy()
    rng = np.random.default_rng(samples)
    drawn = [effects(sample(data, rng)) for _ in range(samples)]
    hits = np.mean([(d["conf_low"] <= truth) & (truth <= d["conf_high"]) for d in drawn], axis=0)
    spread = np.std([d["estimate"] for d in drawn], axis=0)
    stated = np.sqrt(np.mean([d["std_error"] ** 2 for d in drawn], axis=0))
    return hits, stated / spread


def test_a_few_samples_cover():
    hits, ratio = coverage(60)
    assert (hits > 0.83).all()
    assert ((ratio > 0.75) & (ratio < 1.35)).all()


@pytest.mark.full
def test_intervals_of_effects_cover():
    """800 samples: 95 % ± 2.5 points is three standard errors, plus the with-replacement allowance.

    A tenth of the blocks is sampled and no fpc is declared, so errors may be 5 % too large.
    """
    hits, ratio = coverage(800)
    assert ((hits > 0.925) & (hits < 0.98)).all()
    assert ((ratio > 0.93) & (ratio < 1.13)).all()
