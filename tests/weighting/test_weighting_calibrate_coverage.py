"""After every method of calibration the stated errors are those seen over repeated samples."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr

STRATA, BLOCKS, HOMES, TAKEN, PICKED = 5, 80, 10, 8, 5
METHODS = {
    "linear": {"method": "linear"},
    "raking": {"method": "raking"},
    "logit": {"method": "logit", "bounds": (0.3, 3.0)},
    "linear_bounded": {"method": "linear", "bounds": (0.4, 2.5)},
    "household": {"method": "raking", "household": "home"},
    "tolerance": {"method": "raking", "tolerance": {"age": 0.02}},
    "cost": {"method": "linear", "cost": {"age": 1.0}},
    "other_survey": {"method": "linear"},
    "balance": {},
    "entropy": {},
    "shares of the sum": {},
}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(31)
    block = np.arange(STRATA * BLOCKS)
    place = rng.normal(0, 3, block.size)
    size = rng.integers(1, 6, block.size * HOMES)
    home = np.repeat(np.arange(size.size), size)
    frame = pd.DataFrame({"home": home + 1.0, "block": home // HOMES})
    frame["stratum"] = frame["block"] // BLOCKS
    frame["sex"] = rng.integers(1, 3, home.size).astype(float)
    frame["age"] = rng.gamma(4, 9, home.size)
    frame["y"] = 20 + 0.8 * frame["age"] + 5 * frame["sex"] + place[frame["block"]] + rng.normal(0, 8, home.size)
    return frame


def sample(people, rng, taken=TAKEN):
    """Blocks within strata, then homes within blocks; all members of a home."""
    blocks = np.concatenate([h * BLOCKS + rng.choice(BLOCKS, taken, replace=False) for h in range(STRATA)])
    homes = np.concatenate([b * HOMES + rng.choice(HOMES, PICKED, replace=False) for b in blocks])
    drawn = people[people["home"].isin(homes + 1.0)].reset_index(drop=True)
    return mr.Survey(drawn.assign(w=BLOCKS / taken * HOMES / PICKED), weights="w", strata="stratum", psu="block")


def run(people, name, samples):
    """Coverage of total, mean and gap; stated over seen standard error; bias over seen standard error."""
    rng = np.random.default_rng(samples)
    n = people.groupby("sex")["y"].size()
    known = {"sex": {1: int(n[1]), 2: int(n[2])}, "age": float(people["age"].sum())}
    truths = np.array([people["y"].sum(), people["y"].mean(),
                       people.loc[people["sex"] == 2, "y"].mean() - people.loc[people["sex"] == 1, "y"].mean()])
    rows = []
    for _ in range(samples):
        survey = sample(people, rng)
        if name == "other_survey":
            other = sample(people, rng, taken=20)
            done = survey.weighting.calibrate([other.count(by="sex"), other.total("age")], source=other, **METHODS[name]).apply()
        elif name == "entropy":
            done = survey.weighting.entropy({"sex": {1: n[1] / n.sum(), 2: n[2] / n.sum()}, "age": float(people["age"].mean())}).apply()
        elif name == "shares of the sum":
            done = survey.weighting.rake({"sex": {1: n[1] / n.sum(), 2: n[2] / n.sum()}}, total="current").apply()
        elif name == "balance":
            done = survey.weighting.balance("sex", 1, numbers=["age"]).apply()
        else:
            done = survey.weighting.calibrate(known, **METHODS[name]).apply()
        gap = done.mean("y", by="sex").contrast("2 - 1")
        rows.append([table.frame[column].iloc[0] for table in (done.total("y"), done.mean("y"), gap)
                     for column in ("estimate", "std_error", "conf_low", "conf_high")])
    rows = np.array(rows).reshape(samples, 3, 4)
    if name == "balance":
        rows, truths = rows[:, 2:], np.array([5.0])
        truths = truths + balanced_gap(people) - 5.0
    spread = rows[:, :, 0].std(axis=0)
    hits = (rows[:, :, 2] <= truths) & (truths <= rows[:, :, 3])
    return (hits.mean(axis=0), np.sqrt((rows[:, :, 1] ** 2).mean(axis=0)) / spread,
            (rows[:, :, 0].mean(axis=0) - truths) / spread)


def balanced_gap(people):
    """The gap in the population once women are given men's mean age, the same way."""
    whole = mr.Survey(people.assign(w=1.0), weights="w").weighting.balance("sex", 1, numbers=["age"]).apply()
    return float(whole.mean("y", by="sex").contrast("2 - 1").frame["estimate"][0])


@pytest.mark.parametrize("name", ["raking", "other_survey", "balance", "entropy"])
def test_a_few_samples(people, name):
    hits, ratio, bias = run(people, name, 40)
    assert (hits > 0.8).all() and ((ratio > 0.7) & (ratio < 1.45)).all() and (np.abs(bias) < 0.6).all()


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_many_samples(people, name):
    """500 samples of 40 blocks: 95 % intervals, errors within 10 % of what is seen (first stage 10 % of blocks)."""
    hits, ratio, bias = run(people, name, 500)
    print(name, hits.round(3), ratio.round(3), bias.round(3))
    assert ((hits > 0.92) & (hits < 0.985)).all()
    assert ((ratio > 0.91) & (ratio < 1.16)).all()
    assert (np.abs(bias) < 0.25).all()
