"""Cox regression: R's svycoxph, statsmodels' unweighted limit, identities, errors, coverage.

`oracles/cox.R` wrote the numbers; cumulative hazards there come from moving the weights of one PSU
at a time, a numerical derivative (1e-5).
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.hazard_regression import PHReg

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import cox
from masar_research.engine.newton import SeparationError
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "cox.json").read_text())


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    frame["time"] = np.round(frame["income"] / 40) + frame["age"] % 7 + 1
    frame["entry"] = np.maximum(0, np.minimum(frame["time"] - 1, frame["age"] % 5))
    return frame


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


def agrees(model, answer, rtol=1e-7):
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=rtol)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=rtol)
    np.testing.assert_allclose(model.vcov, np.reshape(answer["vcov"], model.vcov.shape), rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_coefficients_and_errors_are_those_of_r(survey, ties):
    model = survey.cox("Surv(time, employed) ~ C(sex) + age", ties=ties)
    agrees(model, ORACLE[ties])
    assert model.ties == ties


def test_late_entries_strata_and_domains_are_those_of_r(survey):
    agrees(survey.cox("Surv(entry, time, employed) ~ C(sex) + age"), ORACLE["entry"])
    agrees(survey.cox("Surv(time, employed) ~ C(sex) + age", strata="urban"), ORACLE["strata"])
    model = survey.cox("Surv(entry, time, employed) ~ C(sex) + C(education)", "breslow", strata=["urban"])
    agrees(model, ORACLE["entry_strata_breslow"])
    agrees(survey.where("sex == 2").cox("Surv(time, employed) ~ C(education) + age"), ORACLE["women"])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cumulative_hazards_have_the_errors_of_moving_the_weights(survey, ties):
    model = survey.cox("Surv(time, employed) ~ C(sex) + age", ties=ties)
    curve = model.survival(at={"sex": 2, "age": 40}, times=[5, 10, 15])
    answer = ORACLE[f"hazard_{ties}"]
    np.testing.assert_allclose(curve.frame["cumulative_hazard"], answer["estimate"], rtol=1e-8)
    np.testing.assert_allclose(curve.vcov, answer["vcov"], rtol=1e-5)


def test_under_replicates_each_has_a_fit_of_its_own(survey, data):
    kept = data.dropna(subset=["time", "employed"])
    whole = mr.Survey(kept, weights="weight", strata="stratum", psu="psu")
    jackknife = whole.with_replicates(mr.replicates.JKn())
    model = jackknife.cox("Surv(time, employed) ~ C(sex) + age")
    np.testing.assert_allclose(model.vcov, ORACLE["replicates"]["efron"], rtol=1e-6)
    other = jackknife.cox("Surv(time, employed) ~ C(sex) + age", ties="breslow")
    np.testing.assert_allclose(other.vcov, ORACLE["replicates"]["breslow"], rtol=1e-5)
    errors = [m.survival(times=[10]).frame["hazard_std_error"][0] for m in (model, whole.cox(model.formula))]
    assert errors[0] == pytest.approx(errors[1], rel=0.1) and errors[0] != errors[1]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_without_weights_it_is_statsmodels(ties):
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.integers(0, 2, 700), rng.normal(size=700)]).astype(float)
    time = np.ceil(rng.exponential(np.exp(-X @ [0.5, -0.3])) * 10)
    event, strata = (rng.uniform(size=700) < 0.7).astype(float), rng.integers(0, 3, 700)
    found, _ = cox.fit(X, time, event, np.ones(700), ties=ties, strata=strata)
    other = PHReg(time, X, status=event, ties=ties, strata=strata).fit()
    np.testing.assert_allclose(found.coef, other.params, rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(found.bread)), other.bse, rtol=1e-9)
    assert found.log_likelihood == pytest.approx(other.llf, rel=1e-10)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_sums_over_risk_sets_are_those_of_brute_force(ties):
    rng = np.random.default_rng(9)
    n = 40
    X, w = rng.normal(size=(n, 2)), rng.uniform(0.5, 2, n)
    entry = rng.integers(0, 4, n).astype(float)
    time, event = entry + rng.integers(1, 6, n), (rng.uniform(size=n) < 0.7).astype(float)
    strata = rng.integers(0, 2, n)
    found, _ = cox.fit(X, time, event, w, entry=entry, strata=strata, ties=ties)

    def likelihood(b):
        value, r = 0.0, w * np.exp(X @ b)
        for s in (0, 1):
            for t in np.unique(time[(event == 1) & (strata == s)]):
                dead = np.flatnonzero((event == 1) & (strata == s) & (time == t))
                risk = (strata == s) & (entry < t) & (t <= time)
                value += w[dead] @ (X[dead] @ b)
                for k in range(dead.size):
                    left = k / dead.size if ties == "efron" else 0.0
                    value -= w[dead].mean() * np.log(r[risk].sum() - left * r[dead].sum())
        return value

    assert found.log_likelihood == pytest.approx(likelihood(found.coef), rel=1e-12)
    for step in np.eye(2) * 1e-5:
        assert abs(likelihood(found.coef + step) - likelihood(found.coef - step)) < 1e-8


def test_influence_is_the_derivative_by_a_weight():
    rng = np.random.default_rng(12)
    n = 200
    X, w = rng.normal(size=(n, 2)), rng.uniform(0.5, 2, n)
    entry = rng.integers(0, 3, n).astype(float)
    time, event = entry + rng.integers(1, 9, n), (rng.uniform(size=n) < 0.6).astype(float)
    strata = rng.integers(0, 2, n)
    moments, who = np.array([3.0, 6.0]), np.array([0.4, -0.2])
    for ties in cox.TIES:

        def everything(v):
            found, sets = cox.fit(X, time, event, v, entry=entry, strata=strata, ties=ties)
            return found, cox.cumulative_hazard(found, sets, who, moments, 1)

        found, hazard = everything(w)
        for row in (*np.flatnonzero(event)[:3], *np.flatnonzero(event == 0)[:2]):
            up, down = w.copy(), w.copy()
            up[row], down[row] = w[row] + 1e-4, w[row] - 1e-4
            (one, a), (two, b) = everything(up), everything(down)
            np.testing.assert_allclose(found.influence[row] / w[row], (one.coef - two.coef) / 2e-4, rtol=1e-5, atol=1e-9)
            np.testing.assert_allclose(hazard.influence[row] / w[row], (a.estimate - b.estimate) / 2e-4, rtol=1e-5, atol=1e-9)


def test_without_predictors_the_hazard_is_nelson_aalen():
    frame = pd.DataFrame({"w": [1.0, 2.0, 1.0, 3.0], "t": [1, 2, 2, 4], "d": [1, 1, 0, 1]})
    curve = mr.Survey(frame, weights="w").cox("Surv(t, d) ~ 1", ties="breslow").survival()
    np.testing.assert_allclose(curve.frame["cumulative_hazard"], np.cumsum([1 / 7, 2 / 6, 1.0]))
    assert curve.frame["events"].tolist() == [1, 2, 3]


def test_words_note_and_baseline(survey):
    sex = Variable(name="sex", label={"en": "Sex", "ar": "الجنس"}, level="nominal",
                   categories=(Category(1, {"en": "Male", "ar": "ذكر"}), Category(2, {"en": "Female", "ar": "أنثى"})))
    labelled = mr.Survey(survey.frame, weights="weight", strata="stratum", psu="psu", codebook=Codebook([sex]))
    model = labelled.cox("Surv(time, employed) ~ sex + age", reference={"sex": "Female"})
    assert model.frame["label_ar"][0] == "الجنس: ذكر"
    assert "نسبة الخطر" in model._repr_html_() and "Hazard ratio" in repr(model)
    used = model.predictors.used
    assert model.note["events"] == int((labelled.frame["employed"][used] == 1).sum())
    assert model.note["missing_by_variable"].keys() == {"time", "employed"} & {
        name for name in ("time", "employed") if labelled.frame[name].isna().any()}
    base = model.survival()
    assert base.note["at"]["sex"] == 2
    assert base.note["at"]["age"] == pytest.approx(np.average(labelled.frame["age"][used], weights=labelled.frame["weight"][used]))
    assert (np.diff(base.frame["survival"]) <= 0).all()
    assert (base.frame["conf_low"] <= base.frame["survival"]).all() and (base.frame["survival"] <= base.frame["conf_high"]).all()
    late = model.survival(at={"sex": "Male"}, times=[3, 500])
    assert late.note["at"]["sex"] == 1 and late.note["beyond_observation"] == [500.0]
    assert "نسبة البقاء" in late._repr_html_() and "sex = 1" in repr(late)


def test_strata_have_their_own_baseline(survey):
    model = survey.cox("Surv(time, employed) ~ age", strata="urban")
    one, two = (model.survival(times=[8], stratum={"urban": u}).frame["survival"][0] for u in (1, 2))
    assert one != two
    alone = survey.where("urban == 2").cox("Surv(time, employed) ~ 1").survival(times=[8])
    apart = survey.cox("Surv(time, employed) ~ 1", strata="urban").survival(times=[8], stratum={"urban": 2})
    np.testing.assert_allclose(apart.frame["survival"], alone.frame["survival"], rtol=1e-12)
    np.testing.assert_allclose(apart.vcov, alone.vcov, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.cox("t ~ x"), "Surv(time, event)"),
        (lambda s: s.cox("Surv(t, g) ~ x"), "1 and 0"),
        (lambda s: s.cox("Surv(t, none) ~ x"), "event's codes"),
        (lambda s: s.cox("Surv(t, t2, d) ~ x"), "until its time"),
        (lambda s: s.cox("Surv(t, d) ~ t + x"), "predictors"),
        (lambda s: s.cox("Surv(t, d) ~ x + x2"), "merge"),
        (lambda s: s.cox("Surv(t, d) ~ x", strata="x"), "one of the two"),
        (lambda s: s.cox("Surv(t, d) ~ x", ties="exact"), "efron, breslow"),
        (lambda s: s.cox("Surv(t, d) ~ x", strata="g").survival(), "stratum={'g'"),
        (lambda s: s.cox("Surv(t, d) ~ x").survival(stratum={"g": 1}), "Leave stratum"),
        (lambda s: s.cox("Surv(t, d) ~ x").survival(at={"y": 1}), "predictors are x"),
        (lambda s: s.cox("Surv(t, d) ~ x").survival(times=[]), "times="),
    ],
)
def test_errors_name_the_remedy_in_both_languages(call, said):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"w": 1.0, "t": rng.integers(1, 9, 60), "d": rng.integers(0, 2, 60), "x": rng.normal(size=60),
                          "g": rng.integers(1, 3, 60), "none": 0})
    frame["t2"], frame["x2"] = frame["t"], 3 * frame["x"]
    with pytest.raises(ModelError) as error:
        call(mr.Survey(frame, weights="w"))
    assert said in error.value.remedy and error.value.ar


def test_a_group_without_events_is_named():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"w": 1.0, "t": rng.integers(1, 9, 80), "d": 1, "group": rng.integers(0, 2, 80)})
    frame.loc[frame["group"] == 1, "d"] = 0
    with pytest.raises(SeparationError) as error:
        mr.Survey(frame, weights="w").cox("Surv(t, d) ~ C(group)")
    assert "C(group)" in error.value.what and "ادمج" in error.value.ar


@pytest.mark.parametrize("reps", [pytest.param(60, id="short"), pytest.param(600, id="long", marks=pytest.mark.full)])
def test_intervals_cover_in_clusters(reps):
    """The coefficient and survival at two times, 30 clusters of 12 drawn from 1,000."""
    rng = np.random.default_rng(21)
    C, m = 1000, 12
    x = rng.normal(size=(C, m)) + 0.7 * rng.normal(size=(C, 1))
    time = np.ceil(rng.exponential(np.exp(-0.5 * x + 0.4 * rng.normal(size=(C, 1)))) * 10)
    stop = rng.integers(5, 30, (C, m))
    d, t = (time <= stop).astype(int), np.minimum(time, stop)
    whole = pd.DataFrame({"w": 1.0, "x": x.ravel(), "t": t.ravel(), "d": d.ravel()})
    fixed = {"at": {"x": 0.5}, "times": [4, 12]}
    truth = mr.Survey(whole, weights="w").cox("Surv(t, d) ~ x")
    target = np.array([truth.frame["estimate"][0], *truth.survival(**fixed).frame["survival"]])
    inside = np.zeros((reps, 3))
    for r in range(reps):
        chosen = rng.choice(C, 30, replace=False)
        frame = pd.DataFrame({"w": 1.0, "p": np.repeat(chosen, m), "x": x[chosen].ravel(), "t": t[chosen].ravel(),
                              "d": d[chosen].ravel()})
        model = mr.Survey(frame, weights="w", psu="p").cox("Surv(t, d) ~ x")
        both = [pd.concat([model.frame[c], model.survival(**fixed).frame[c]]).to_numpy() for c in ("conf_low", "conf_high")]
        inside[r] = (both[0] <= target) & (target <= both[1])
    assert (inside.mean(axis=0) > 0.95 - 4 * np.sqrt(0.0475 / reps)).all(), inside.mean(axis=0)
    assert inside.mean() < 0.99
