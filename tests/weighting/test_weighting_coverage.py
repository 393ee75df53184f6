"""Response classes and raking: the stated errors are those seen over repeated samples."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr

SIZE = 30


def population(seed=21, strata=5, blocks=80):
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(strata * blocks), SIZE)
    place = rng.normal(0, 6, strata * blocks)
    data = pd.DataFrame({"stratum": block // blocks, "block": block,
                         "kind": rng.integers(1, 4, block.size).astype(float),
                         "sex": rng.integers(1, 3, block.size).astype(float)})
    data["y"] = 20 + 12 * data["kind"] - 6 * data["sex"] + place[block] + rng.normal(0, 8, block.size)
    data["chance"] = np.array([0.0, 0.9, 0.6, 0.4])[data["kind"].astype(int)]
    return data


def survey_of(data, rng, blocks=80, taken=7, persons=10):
    rows = [b * SIZE + rng.choice(SIZE, persons, replace=False)
            for h in range(5) for b in rng.choice(blocks, taken, replace=False) + h * blocks]
    drawn = data.iloc[np.concatenate(rows)].reset_index(drop=True)
    answered = rng.random(len(drawn)) < drawn["chance"]
    drawn["status"] = np.where(answered, 1.0, 2.0)
    drawn["y"] = drawn["y"].where(answered)
    return mr.Survey(drawn.assign(w=blocks / taken * SIZE / persons), weights="w", strata="stratum", psu="block")


def run(samples, rake):
    data, rng = population(), np.random.default_rng(samples + rake)
    sexes = {1: float((data["sex"] == 1).sum()), 2: float((data["sex"] == 2).sum())}
    truth = np.array([data["y"].sum(), data["y"].mean()])
    rows = []
    for _ in range(samples):
        builder = survey_of(data, rng).weighting.nonresponse(responded="status == 1", cells=["kind"])
        done = (builder.rake({"sex": sexes}) if rake else builder).apply()
        fixed = done.with_weights(done.design.weights, None, "taken as given")
        tables = [done.total("y").frame, done.mean("y").frame, fixed.total("y").frame]
        rows.append([t[c].iloc[0] for t in tables for c in ("estimate", "std_error", "conf_low", "conf_high")])
    rows = np.array(rows).reshape(samples, 3, 4)
    spread = rows[:, :, 0].std(axis=0)
    hits = (rows[:, :2, 2] <= truth) & (truth <= rows[:, :2, 3])
    bias = (rows[:, :2, 0].mean(axis=0) - truth) / truth
    return hits.mean(axis=0), np.sqrt((rows[:, :, 1] ** 2).mean(axis=0)) / spread, bias


@pytest.mark.parametrize("rake", [False, True])
def test_a_few_samples(rake):
    hits, ratio, bias = run(60, rake)
    assert (hits > 0.83).all()
    assert ((ratio[:2] > 0.75) & (ratio[:2] < 1.35)).all()
    assert (np.abs(bias) < 0.01).all()


@pytest.mark.full
@pytest.mark.parametrize("rake", [False, True])
def test_response_classes_over_many_samples(rake):
    """600 samples: errors within 10 % of what is seen, where weights taken as given are far off."""
    hits, ratio, bias = run(600, rake)
    assert ((hits > 0.92) & (hits < 0.985)).all()
    assert ((ratio[:2] > 0.92) & (ratio[:2] < 1.14)).all()
    assert (np.abs(bias) < 0.004).all()
    assert abs(ratio[2] - 1) > 0.3
