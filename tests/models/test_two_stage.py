"""Two-stage least squares: R's svyivreg, statsmodels, identities, weak instruments, errors."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.sandbox.regression.gmm import IV2SLS

import masar_research as mr
from masar_research.engine import two_stage
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "two_stage.json").read_text())


@pytest.fixture(scope="module")
def data():
    d = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    d["far"] = (d["age"] * 7 + d["psu"] * 3) % 11
    d["near"] = (d["age"] * 5 + d["children"]) % 4
    return d.assign(years=d["education"] + d["far"] / 4 + d["near"] / 3 + (d["income"] % 10) / 5)


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


def agrees(model, answer, rtol=1e-7):
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=rtol)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=rtol)
    np.testing.assert_allclose(model.vcov, answer["vcov"], rtol=1e-5, atol=1e-9 * np.abs(answer["vcov"]).max())
    assert model.df == answer["df"]


TWO = "income ~ years + C(sex) + age | far + near + C(sex) + age"


def aligned(model, answer):
    """R writes years before sex; formulaic puts it where the formula does."""
    terms = model.frame["term"].tolist()
    order = [terms.index(t) for t in ("Intercept", "years", "C(sex)[T.2]", "age") if t in terms]
    frame = model.frame.iloc[order].reset_index(drop=True)
    return type("Model", (), {"frame": frame, "vcov": model.vcov[np.ix_(order, order)], "df": model.df})


def test_coefficients_and_errors_are_those_of_r(survey):
    for formula, name in (("income ~ years + C(sex) + age | far + C(sex) + age", "one"), (TWO, "two")):
        agrees(aligned(survey.two_stage(formula), None), ORACLE[name], 1e-6)
    women = survey.where("sex == 2").two_stage("income ~ years + age | far + near + age")
    agrees(aligned(women, None), ORACLE["women"], 1e-6)


def test_the_first_stage_is_that_of_r(survey):
    row = survey.two_stage(TWO).first_stage.iloc[0]
    assert row["f"] == pytest.approx(ORACLE["first_two"]["f"], rel=1e-7)
    assert (row["df_num"], row["df_den"]) == (2, ORACLE["first_two"]["ddf"])
    assert row["p_value"] == pytest.approx(ORACLE["first_two"]["p"], rel=1e-6)
    assert 0 < row["partial_r2"] < 1 and 0 < row["effective_f"]


def test_replicates_are_refitted(data):
    whole = mr.Survey(data.dropna(subset=["years"]), weights="weight", strata="stratum", psu="psu")
    model = whole.with_replicates(mr.replicates.JKn()).two_stage(TWO)
    terms = model.frame["term"].tolist()
    order = [terms.index(t) for t in ("Intercept", "years", "C(sex)[T.2]", "age")]
    np.testing.assert_allclose(model.vcov[np.ix_(order, order)], ORACLE["replicates"], rtol=1e-6)
    assert model.endogeneity().df_den > 0 and model.first_stage["f"].iloc[0] > 10


def test_without_weights_it_is_statsmodels():
    rng = np.random.default_rng(4)
    z, u = rng.normal(size=(300, 2)), rng.normal(size=300)
    x = z @ [1.0, 0.5] + u
    y = 2 * x - u + rng.normal(size=300)
    X, Z = np.column_stack([np.ones(300), x]), np.column_stack([np.ones(300), z])
    found = two_stage.fit(X, Z, y, np.ones(300))
    other = IV2SLS(y, X, instrument=Z).fit()
    np.testing.assert_allclose(found.coef, other.params, rtol=1e-9)
    scale = np.sum((y - X @ found.coef) ** 2) / 298
    np.testing.assert_allclose(found.bread * scale, other.cov_params(), rtol=1e-9)


def simulated(n, strength, seed, effect=1.0, q=1):
    rng = np.random.default_rng(seed)
    z, u = rng.normal(size=(n, q)), rng.normal(size=n)
    x = strength * z.sum(axis=1) + u + rng.normal(size=n)
    frame = pd.DataFrame({"w": rng.uniform(1, 2, n), "x": x, "y": effect * x - u + rng.normal(size=n)})
    return frame.assign(**{f"z{j}": z[:, j] for j in range(q)})


def test_one_instrument_is_the_ratio_of_the_reduced_forms(survey):
    frame = simulated(300, 0.6, 1)
    survey = mr.Survey(frame, weights="w")
    model = survey.two_stage("y ~ x | z0")
    up, down = (survey.glm(f"{v} ~ z0").frame["estimate"].iloc[1] for v in "yx")
    assert model.frame["estimate"].iloc[1] == pytest.approx(up / down, rel=1e-10)
    first = survey.glm("x ~ z0").frame.iloc[1]
    assert model.first_stage["f"].iloc[0] == pytest.approx(first["statistic"] ** 2, rel=1e-9)
    assert model.first_stage["effective_f"].iloc[0] == pytest.approx(first["statistic"] ** 2, rel=1e-9)


def test_instruments_that_are_the_regressors_give_least_squares():
    frame = simulated(200, 0.6, 2)
    X = np.column_stack([np.ones(200), frame["x"]])
    w = frame["w"].to_numpy()
    found = two_stage.fit(X, X, frame["y"].to_numpy(), w)
    plain = mr.Survey(frame, weights="w").glm("y ~ x")
    np.testing.assert_allclose(found.coef, plain.frame["estimate"], rtol=1e-10)


def test_anderson_rubin_of_one_instrument_is_fieller():
    frame = simulated(300, 0.5, 3)
    model = mr.Survey(frame, weights="w").two_stage("y ~ x | z0")
    ((low, high),) = model.anderson_rubin()
    assert low < model.frame["estimate"].iloc[1] < high
    for b in (low, high):  # the ends are where the instrument's t in the regression of y − b x is critical
        t = mr.Survey(frame.assign(r=frame["y"] - b * frame["x"]), weights="w").glm("r ~ z0").frame["statistic"].iloc[1]
        assert abs(t) == pytest.approx(stats.t.ppf(0.975, model.df), rel=1e-6)


def test_a_weak_instrument_is_said_in_both_languages_and_its_interval_is_open():
    frame = simulated(150, 0.02, 5)
    model = mr.Survey(frame, weights="w").two_stage("y ~ x | z0")
    assert model.note["first_stage_f"] < 10
    assert "Weak instruments" in model.note["caution"]["en"] and "الأدوات ضعيفة" in model.note["caution"]["ar"]
    assert any(not np.isfinite(end) for part in model.anderson_rubin() for end in part)
    strong = mr.Survey(simulated(300, 1.0, 5), weights="w").two_stage("y ~ x | z0")
    assert "caution" not in strong.note


def test_endogeneity_and_agreement_of_instruments():
    frame = simulated(800, 0.8, 6, q=2)
    model = mr.Survey(frame, weights="w").two_stage("y ~ x | z0 + z1")
    assert model.endogeneity().p_value < 1e-4 and model.overidentification().p_value > 0.01
    assert model.endogeneity().hypothesis["ar"]
    wrong = frame.assign(y=frame["y"] + 0.7 * frame["z1"])
    assert mr.Survey(wrong, weights="w").two_stage("y ~ x | z0 + z1").overidentification().p_value < 1e-4
    fine = frame.assign(y=frame["x"] + np.random.default_rng(1).normal(size=800))
    assert mr.Survey(fine, weights="w").two_stage("y ~ x | z0 + z1").endogeneity().p_value > 0.01
    assert model.frame["endogenous"].tolist() == [False, True]
    assert model.note["instruments"] == ("z0", "z1")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.two_stage("y ~ x"), "to the right of |"),
        (lambda s: s.two_stage("y ~ x | z0 | z1"), "to the right of |"),
        (lambda s: s.two_stage("y ~ x + z0 | x + z0"), "survey.glm"),
        (lambda s: s.two_stage("y ~ x + c | z0"), "at least one instrument"),
        (lambda s: s.two_stage("y ~ x | dead"), "merge"),
        (lambda s: s.two_stage("y ~ x + offset(c) | z0"), "offset"),
        (lambda s: s.two_stage("y ~ x | z0").overidentification(), "came about"),
        (lambda s: s.two_stage("y ~ x + c | z0 + z1").anderson_rubin(), "model with one"),
    ],
)
def test_errors_name_the_remedy_in_both_languages(call, said):
    frame = simulated(120, 0.6, 7, q=2).assign(dead=3.0)
    frame["c"] = frame["x"] ** 2
    with pytest.raises(ModelError) as error:
        call(mr.Survey(frame, weights="w"))
    assert said in error.value.remedy and error.value.ar


@pytest.mark.parametrize("reps", [pytest.param(40, id="short"), pytest.param(800, id="long", marks=pytest.mark.full)])
def test_intervals_cover_in_clusters_and_anderson_rubin_with_weak_instruments(reps):
    rng = np.random.default_rng(31)
    hits = np.zeros((reps, 2))
    for r in range(reps):
        z, c = rng.normal(size=(40, 10)) + rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
        u = rng.normal(size=(40, 10)) + c
        for k, strength in enumerate((1.0, 0.15)):
            x = strength * z + u + rng.normal(size=(40, 10))
            y = 0.5 * x - u + rng.normal(size=(40, 10))
            frame = pd.DataFrame({"w": 1.0, "p": np.repeat(np.arange(40), 10), "x": x.ravel(), "y": y.ravel(), "z": z.ravel()})
            model = mr.Survey(frame, weights="w", psu="p").two_stage("y ~ x | z")
            row = model.frame.iloc[1]
            parts = model.anderson_rubin() if k else ((row["conf_low"], row["conf_high"]),)
            hits[r, k] = any(low <= 0.5 <= high for low, high in parts)
    room = 4 * np.sqrt(0.0475 / reps)
    assert (np.abs(hits.mean(axis=0) - 0.95) < room + 0.01).all(), hits.mean(axis=0)
