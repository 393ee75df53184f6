"""Response propensity: agreement with classes, M-estimation by brute force, replicates, coverage."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import glm
from masar_research.errors import DesignError, WeightingError


def frame(seed=5, strata=6, blocks=8, size=12):
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(strata * blocks), size)
    data = pd.DataFrame({"stratum": block // blocks, "psu": block, "w": rng.uniform(1, 4, block.size)[block],
                         "age": rng.uniform(15, 80, block.size), "kind": rng.integers(1, 4, block.size).astype(float)})
    p = 1 / (1 + np.exp(-(-0.4 + 0.025 * (data["age"] - 40) + 0.4 * data["kind"])))
    data["status"] = np.where(rng.random(block.size) < p, 1.0, 2.0)
    data["y"] = (0.1 * data["age"] + data["kind"] + rng.normal(0, 2, block.size)).where(data["status"] == 1)
    return data


def survey_of(data):
    return mr.Survey(data, weights="w", strata="stratum", psu="psu")


def test_a_saturated_model_is_the_classes_estimate_and_error_included():
    survey = survey_of(frame())
    by_class = survey.weighting.nonresponse("status == 1", cells=["kind"]).apply()
    by_model = survey.weighting.propensity("status == 1", on="C(kind)").apply()
    np.testing.assert_allclose(by_model.design.weights, by_class.design.weights, rtol=1e-8)
    for verb in ("mean", "total"):
        a, b = getattr(by_class, verb)("y").frame, getattr(by_model, verb)("y").frame
        np.testing.assert_allclose(a["std_error"], b["std_error"], rtol=1e-7)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("raked", [False, True])
def test_the_linearisation_is_the_derivative_of_the_whole_estimation(weighted, raked):
    """Each PSU's part is what moving its rows a little and estimating everything again gives."""
    data = frame(strata=2, blocks=4, size=40)
    survey = survey_of(data)
    builder = survey.weighting.propensity("status == 1", on="C(kind) + age", weighted=weighted)
    if raked:
        builder = builder.poststratify({"kind": {1: 300.0, 2: 280.0, 3: 290.0}})
    done = builder.apply()
    x = np.column_stack([np.ones(len(data)), data["kind"] == 2, data["kind"] == 3, data["age"]]).astype(float)
    r = (data["status"] == 1).to_numpy()
    y = data["y"].fillna(0.0).to_numpy()

    def total(m):
        w = data["w"].to_numpy() * m
        fitted = glm.fit(x, r.astype(float), w if weighted else m, tol=1e-12)
        after = np.where(r, w / fitted.mu, 0.0)
        if raked:
            for code, target in ((1, 300.0), (2, 280.0), (3, 290.0)):
                rows = (data["kind"] == code).to_numpy()
                after[rows] *= target / after[rows].sum()
        return after @ y

    psu, h = data["psu"].to_numpy(), 1e-5
    parts = np.array([(total(1 + h * (psu == k)) - total(1 - h * (psu == k))) / (2 * h) for k in np.unique(psu)])
    stratum = np.unique(psu) // 4
    variance = sum(4 / 3 * np.sum((parts[stratum == s] - parts[stratum == s].mean()) ** 2) for s in (0, 1))
    assert done.total("y").frame["std_error"].iloc[0] == pytest.approx(np.sqrt(variance), rel=2e-2 if raked else 1e-5)


@pytest.mark.parametrize("step", ["inverse", "unweighted", "classes"])
def test_silent_error_16_linearised_and_replicates_agree_after_a_response_model(step):
    survey = survey_of(frame(strata=10, blocks=10))
    more = {"inverse": {}, "unweighted": {"weighted": False}, "classes": {"classes": 5}}[step]
    done = survey.weighting.propensity("status == 1", on="C(kind) + age", **more).apply()
    jack = done.with_replicates(mr.replicates.JKn())
    fixed = done.with_weights(done.design.weights, None, "taken as given")
    ratio = [(done.total("y").frame["std_error"] / s.total("y").frame["std_error"]).iloc[0] for s in (jack, fixed)]
    assert abs(ratio[0] - 1) < (0.08 if step == "classes" else 0.01)
    assert abs(ratio[1] - 1) > 0.04
    assert "MB" in jack.mean("y").note["design"]["replicates"]["kept_as"]


def test_an_unweighted_model_counts_a_row_as_often_as_it_was_drawn():
    done = survey_of(frame(strata=8)).weighting.propensity("status == 1", on="age", weighted=False).apply()
    boot = done.with_replicates(mr.replicates.RaoWu(300), rng=np.random.default_rng(1))
    assert boot.total("y").frame["std_error"].iloc[0] == pytest.approx(
        done.total("y").frame["std_error"].iloc[0], rel=0.15)


def test_what_is_said_and_kept():
    done = survey_of(frame()).weighting.propensity("status == 1", on="C(kind) + age").apply()
    log = done.history[0]
    assert "propensities 0." in str(log) and "\u2066" in log.text["ar"]
    assert log.facts["smallest_factor"] >= 1 and 0 < log.facts["smallest_propensity"] < 0.6
    p = 1 / (log.after / log.before)[log.after > 0]
    assert log.facts["below_tenth"] == (p < 0.1).sum()
    assert len(done) == len(frame()) and done.design.df == survey_of(frame()).design.df


def test_every_wave_has_its_own_model():
    data = pd.concat([frame(1).assign(wave=2024.0), frame(2).assign(wave=2026.0)], ignore_index=True)
    pooled = mr.Survey(data, weights="w", strata="stratum", psu="psu", wave="wave")
    both = pooled.weighting.propensity("status == 1", on="age + C(kind)").apply()
    for wave, seed in ((2024, 1), (2026, 2)):
        alone = survey_of(frame(seed)).weighting.propensity("status == 1", on="age + C(kind)").apply()
        rows = (data["wave"] == wave).to_numpy()
        np.testing.assert_allclose(both.design.weights[rows], alone.design.weights, rtol=1e-7)
        ours = both.total("y", by="wave").frame.set_index("wave").loc[float(wave), "std_error"]
        assert ours == pytest.approx(alone.total("y").frame["std_error"].iloc[0], rel=1e-6)


def test_silent_error_17_an_unknown_status_is_nobodys_respondent():
    data = frame()
    data.loc[7, "status"] = np.nan
    for builder in (survey_of(data).weighting.propensity("status == 1", on="age"),
                    survey_of(data).weighting.attrition("status == 1", cells=["kind"]),
                    survey_of(data).weighting.eligibility("status == 1", "status == 2", "status == 3", ["kind"])):
        with pytest.raises(WeightingError, match="unknown on 1 rows"):
            builder.apply()


def test_refusals():
    data = frame()
    survey = survey_of(data)
    for words, call in {
        "Nobody satisfies": lambda: survey.weighting.propensity("status == 9", on="age").apply(),
        "no number of propensity classes": lambda: survey.weighting.propensity("status == 1", on="age", classes=1).apply(),
        "must be known for everybody": lambda: survey.weighting.propensity("status == 1", on="y").apply(),
        "cannot be formed": lambda: survey.weighting.propensity("status == 1", on="age +").apply(),
    }.items():  # fmt: skip
        with pytest.raises(WeightingError, match=words):
            call()
    split = survey_of(data.assign(twin=(data["status"] == 1).astype(float)))
    with pytest.raises(WeightingError, match="cannot be fitted"):
        split.weighting.propensity("status == 1", on="twin").apply()


def test_row_weights_of_too_many_replicates_are_refused(monkeypatch):
    import masar_research.weighting.replicates as module

    monkeypatch.setattr(module, "_MOST_MEMORY", 1000)
    done = survey_of(frame()).weighting.propensity("status == 1", on="age").apply()
    with pytest.raises(DesignError, match="GB"):
        done.with_replicates(mr.replicates.JKn())


def coverage(samples, seed):
    rng = np.random.default_rng(seed)
    blocks, size = 300, 30
    block = np.repeat(np.arange(blocks), size)
    age = rng.uniform(15, 80, block.size)
    y = 20 + 0.3 * age + rng.normal(0, 3, blocks)[block] + rng.normal(0, 6, block.size)
    chance = 1 / (1 + np.exp(-(0.3 + 0.04 * (age - 45))))
    truth, rows = np.array([y.sum(), y.mean()]), []
    for _ in range(samples):
        taken = np.concatenate([b * size + rng.choice(size, 10, replace=False)
                                for b in rng.choice(blocks, 30, replace=False)])
        answered = rng.random(taken.size) < chance[taken]
        data = pd.DataFrame({"w": 30.0, "psu": block[taken], "age": age[taken], "status": np.where(answered, 1.0, 2.0),
                             "y": np.where(answered, y[taken], np.nan)})
        done = mr.Survey(data, weights="w", psu="psu").weighting.propensity("status == 1", on="age").apply()
        rows.append([t[c].iloc[0] for t in (done.total("y").frame, done.mean("y").frame)
                     for c in ("estimate", "std_error", "conf_low", "conf_high")])
    rows = np.array(rows).reshape(samples, 2, 4)
    hits = ((rows[:, :, 2] <= truth) & (truth <= rows[:, :, 3])).mean(axis=0)
    return hits, np.sqrt((rows[:, :, 1] ** 2).mean(axis=0)) / rows[:, :, 0].std(axis=0)


def test_a_few_samples_of_the_propensity():
    hits, ratio = coverage(80, 3)
    assert (hits > 0.85).all() and (np.abs(ratio - 1) < 0.3).all()


@pytest.mark.full
def test_propensity_intervals_over_many_samples():
    """1,000 samples: 95 % intervals cover 93–97.5 %, stated errors within 10 % of those seen."""
    hits, ratio = coverage(1000, 4)
    print(hits, ratio)
    assert ((hits > 0.925) & (hits < 0.98)).all()
    assert (np.abs(ratio - 1) < 0.1).all()
