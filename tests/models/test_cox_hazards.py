"""Proportional hazards: R's cox.zph without weights, brute force for the influence, size and power.

`oracles/diagnostics.R` wrote R's numbers.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import cox, cox_zph
from masar_research.engine.sandwich import influence_totals
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "diagnostics.json").read_text())["zph"]


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    frame["time"] = np.round(frame["income"] / 40) + frame["age"] % 7 + 1
    frame["entry"] = np.maximum(0, np.minimum(frame["time"] - 1, frame["age"] % 5))
    return frame.assign(one=2.5)


@pytest.mark.parametrize("transform", cox_zph.TRANSFORMS)
def test_without_weights_the_score_is_that_of_r(data, transform):
    model = mr.Survey(data, weights="one").cox("Surv(time, employed) ~ C(sex) + age")
    found = model.proportional_hazards(transform).frame
    np.testing.assert_allclose(found["chisq"], ORACLE[transform]["chisq"], rtol=1e-9)
    np.testing.assert_allclose(found["chisq_p"], ORACLE[transform]["p"], rtol=1e-8)


def test_breslow_late_entries_and_strata_are_those_of_r(data):
    survey = mr.Survey(data, weights="one")
    found = survey.cox("Surv(time, employed) ~ C(sex) + age", "breslow").proportional_hazards()
    np.testing.assert_allclose(found.frame["chisq"], ORACLE["breslow"]["chisq"], rtol=1e-9)
    model = survey.cox("Surv(entry, time, employed) ~ C(sex) + age", strata="urban")
    np.testing.assert_allclose(model.proportional_hazards("identity").frame["chisq"], ORACLE["strata"]["chisq"], rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_influence_of_a_row_is_the_change_of_the_score_with_its_weight(data, ties):
    """The model is fitted again with each weight moved; the score is taken at the new coefficients."""
    part = data[data["time"].notna() & data["employed"].notna()].head(120)
    X = np.column_stack([part["sex"] == 2, part["age"] / 10]).astype(float)
    time, event = part["time"].to_numpy(), part["employed"].to_numpy()
    entry, weights = part["entry"].to_numpy(), part["weight"].to_numpy() / 100

    def score(w, g):
        fitted, sets = cox.fit(X, time, event, w, entry=entry, ties=ties)
        now = cox._state(sets, fitted.coef)
        has = sets.event_of >= 0
        mass = now.hazard * now.denominator
        U = (sets.weights[has] * g[sets.event_of[has]]) @ sets.X[has] - (mass * g[sets.group]) @ now.mean
        return U, fitted, sets

    fitted, sets = cox.fit(X, time, event, weights, entry=entry, ties=ties)
    g = cox_zph.times_of(sets, "km", time, entry)
    found = cox_zph.time_scores(fitted, sets, g)
    g = g - np.average(g, weights=sets.of_events(sets.weights))
    np.testing.assert_allclose(score(weights, g)[0], found.score, rtol=1e-9)
    for row in (0, 17, 54, 90):
        step = 1e-4 * weights[row]
        ends = []
        for sign in (1, -1):
            w = weights.copy()
            w[row] += sign * step
            ends.append(score(w, g)[0])
        slope = (ends[0] - ends[1]) / (2 * step) * weights[row]
        np.testing.assert_allclose(found.influence[row], slope, rtol=2e-4, atol=1e-7)


def test_the_f_test_is_the_wald_test_of_the_score(data):
    survey = mr.Survey(data, weights="weight", strata="stratum", psu="psu")
    model = survey.cox("Surv(time, employed) ~ C(sex) + age")
    frame = model.proportional_hazards("identity").frame
    g = cox_zph.times_of(model.sets, "identity", model.durations.time)
    found = cox_zph.time_scores(model.fit, model.sets, g)
    V = covariance(survey.design, influence_totals(survey.design, found.influence))
    assert frame["F"].iloc[1] == pytest.approx(found.score[1] ** 2 / V[1, 1], rel=1e-10)
    f = model.df - 1 + 2
    wald = found.score @ np.linalg.solve(V, found.score)
    assert frame["F"].iloc[2] == pytest.approx((f - 1) / (2 * f) * wald, rel=1e-10)
    assert frame["df_den"].tolist() == [f, f, f - 1]
    scaled = survey.with_weights(survey.design.weights * 7, None, "other units").cox("Surv(time, employed) ~ C(sex) + age")
    again = scaled.proportional_hazards("identity").frame
    np.testing.assert_allclose(again[["F", "chisq"]], frame[["F", "chisq"]], rtol=1e-7)


def test_rows_outside_a_domain_stay_out_and_replicates_are_taken(data):
    survey = mr.Survey(data, weights="weight", strata="stratum", psu="psu")
    model = survey.where("sex == 2").cox("Surv(time, employed) ~ age")
    g = cox_zph.times_of(model.sets, "km", model.durations.time)
    found = cox_zph.time_scores(model.fit, model.sets, g)
    assert (found.influence[~model.fit.used] == 0).all() and (data.loc[model.fit.used, "sex"] == 2).all()
    women = model.proportional_hazards().frame
    near = survey.with_replicates(mr.replicates.JKn()).where("sex == 2").cox("Surv(time, employed) ~ age")
    np.testing.assert_allclose(near.proportional_hazards().frame["F"], women["F"], rtol=1e-6)


def test_what_is_shown_and_refused(data):
    survey = mr.Survey(data, weights="weight", strata="stratum", psu="psu")
    model = survey.cox("Surv(time, employed) ~ C(sex) + age")
    found = model.proportional_hazards("log")
    assert "All together" in repr(found) and "جميعها معاً" in found._repr_html_() and found.note["transform"] == "log"
    assert "does not show" in repr(found)
    with pytest.raises(ModelError, match="transform") as caught:
        model.proportional_hazards("square")
    assert "تحويل" in caught.value.ar
    zero = mr.Survey(data.assign(time=data["time"] - data["time"].min()), weights="weight")
    with pytest.raises(ModelError, match="time 0"):
        zero.cox("Surv(time, employed) ~ age").proportional_hazards("log")


def rejected(samples, seed, change):
    """Share of clustered samples in which proportional hazards are rejected at 5 %."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(samples):
        m, size = 50, 10
        psu = np.repeat(np.arange(m), size)
        x = rng.integers(0, 2, m * size).astype(float)
        frailty = rng.gamma(6, 1 / 6, m)[psu]
        first = rng.exponential(1 / (frailty * np.exp(0.4 * x)))
        late = 0.5 + rng.exponential(1 / (frailty * np.exp((0.4 + change) * x)))
        time = np.where(first < 0.5, first, late)
        end = rng.uniform(0.3, 2.5, m * size)
        frame = pd.DataFrame({"w": rng.uniform(1, 3, m)[psu], "psu": psu, "h": psu // 10, "x": x,
                              "t": np.minimum(time, end), "e": (time <= end).astype(float)})
        model = mr.Survey(frame, weights="w", psu="psu", strata="h").cox("Surv(t, e) ~ x")
        out.append(model.proportional_hazards().frame["p_value"].iloc[0] < 0.05)
    return np.mean(out)


def test_a_few_samples_find_a_crossing_and_seldom_what_is_not_there():
    assert rejected(30, 2, -1.6) > 0.7
    assert rejected(60, 3, 0.0) <= 0.16


@pytest.mark.full
def test_the_test_has_its_size():
    """A frailty shared in PSUs bends marginal hazards a little; 1,000 samples, three standard errors 2 points."""
    assert 0.025 < rejected(1000, 4, 0.0) < 0.08
