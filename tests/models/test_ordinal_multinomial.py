"""Ordinal and multinomial regression: R, statsmodels' unweighted limits, identities, errors.

`oracles/ordinal.R` and `oracles/multinomial.R` wrote the numbers, by numerical derivatives of the
likelihood (1e-8 relative in covariances) and by svyolr with tight controls.
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import covariance, declare, multinomial, ordinal
from masar_research.engine.newton import SeparationError
from masar_research.engine.sandwich import influence_totals
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORDINAL = json.loads((HERE / "ordinal.json").read_text())
MULTINOMIAL = json.loads((HERE / "multinomial.json").read_text())
REAL = os.environ.get("MASAR_REAL_DATA")
needs_api = pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA is not set: api of R's survey")


@pytest.fixture(scope="module")
def data():
    return pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


def api(name, **design):
    frame = pd.read_csv(Path(REAL) / "r_survey" / f"{name}.csv")
    frame["grade"] = np.digitize(frame["api00"], [550, 650, 750], right=True) + 1
    return mr.Survey(frame, weights="pw", **design)


def agrees(model, answer, rtol=1e-6):
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=rtol)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=rtol)


# --- R ---------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_silent_error_27_every_threshold_has_the_error_of_a_numerical_hessian(survey, link):
    model = survey.ordinal("education ~ C(sex) + age", link=link)
    answer = ORDINAL[link]
    agrees(model, answer["numeric"], 1e-7)
    np.testing.assert_allclose(model.vcov, answer["numeric"]["vcov"], rtol=1e-6)
    agrees(model, answer["svyolr"])
    assert model.df == answer["svyolr"]["df"]
    assert model.frame["part"].tolist() == ["coefficient"] * 2 + ["threshold"] * 4


def test_ordinal_in_a_subpopulation_is_that_of_r(survey):
    agrees(survey.where("sex == 2").ordinal("education ~ age"), ORDINAL["women"]["numeric"])


def test_multinomial_is_that_of_r(survey):
    model = survey.multinomial("education ~ C(sex) + age")
    agrees(model, MULTINOMIAL["generated"], 1e-7)
    np.testing.assert_allclose(model.vcov, MULTINOMIAL["generated"]["vcov"], rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(model.fit.coef, MULTINOMIAL["generated"]["nnet"], rtol=1e-3, atol=1e-4)
    agrees(survey.where("sex == 2").multinomial("education ~ age"), MULTINOMIAL["women"])


def test_average_effects_are_those_of_moving_the_weights(survey):
    effects = survey.multinomial("education ~ C(sex) + age").margins("sex")
    answer = MULTINOMIAL["effect_of_sex"]
    np.testing.assert_allclose(effects.frame["estimate"], answer["estimate"], rtol=1e-8)
    np.testing.assert_allclose(effects.vcov, answer["vcov"], rtol=1e-5, atol=1e-10)


@needs_api
def test_models_of_schools_are_those_of_r():
    strat = api("apistrat", strata="stype", fpc="fpc")
    agrees(strat.ordinal("grade ~ ell + meals"), ORDINAL["strat_logit"]["numeric"])
    clusters = api("apiclus1", psu="dnum", fpc="fpc")
    agrees(clusters.multinomial("grade ~ ell + meals"), MULTINOMIAL["clus1"])


@needs_api
def test_under_replicates_each_has_a_fit_of_its_own():
    jackknife = api("apiclus1", psu="dnum").with_replicates(mr.replicates.JK1())
    model = jackknife.ordinal("grade ~ ell + meals")
    np.testing.assert_allclose(model.vcov, ORDINAL["jackknife"]["vcov"], rtol=1e-5)
    answer = MULTINOMIAL["jackknife"]
    model = jackknife.multinomial("grade ~ ell")
    np.testing.assert_allclose(model.vcov, answer["vcov"], rtol=1e-6)
    averages = model.predictions()
    np.testing.assert_allclose(averages.frame["estimate"], answer["averages"], rtol=1e-8)
    np.testing.assert_allclose(averages.vcov, answer["averages_vcov"], rtol=1e-6, atol=1e-14)


# --- statsmodels' unweighted limits ------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(11)
    X = np.column_stack([rng.integers(0, 2, 900), rng.normal(size=900)]).astype(float)
    latent = X @ [0.6, -0.8]
    return X, latent, rng


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_ordinal_without_weights_is_statsmodels(drawn, link):
    X, latent, rng = drawn
    y = np.digitize(latent + (rng.logistic(size=900) if link == "logit" else rng.normal(size=900)), [-0.5, 0.7])
    found = ordinal.fit(X, y, np.ones(900), 3, link=link)
    other = OrderedModel(y, X, distr=link).fit(method="newton", disp=0, maxiter=100)
    cuts = other.model.transform_threshold_params(other.params)[1:-1]
    np.testing.assert_allclose(found.coef, [*other.params[:2], *cuts], rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(found.bread))[:2], other.bse[:2], rtol=1e-5)
    assert found.log_likelihood == pytest.approx(other.llf, rel=1e-10)


def test_multinomial_without_weights_is_statsmodels(drawn):
    X, latent, rng = drawn
    y = np.digitize(latent + rng.logistic(size=900), [-0.5, 0.7])
    full = sm.add_constant(X)
    found = multinomial.fit(full, y, np.ones(900), 3)
    other = sm.MNLogit(y, full).fit(disp=0, method="newton")
    np.testing.assert_allclose(found.coef, other.params.T.ravel(), rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(found.bread)), other.bse.T.ravel(), rtol=1e-9)


# --- identities --------------------------------------------------------------------------


def test_a_multinomial_of_two_levels_is_a_logit(survey):
    two = survey.multinomial("employed ~ C(sex) + age")
    one = survey.logit("employed ~ C(sex) + age")
    np.testing.assert_allclose(two.frame["estimate"], one.frame["estimate"], rtol=1e-8)
    np.testing.assert_allclose(two.vcov, one.vcov, rtol=1e-7)
    assert two.df == one.df
    both = two.margins("sex").frame.set_index("employed")["std_error"]
    alone = one.margins("sex").frame["std_error"].iloc[0]
    assert both.loc[1] == pytest.approx(alone, rel=1e-7) and both.loc[0] == pytest.approx(alone, rel=1e-7)


def test_average_predictions_of_a_saturated_model_are_the_shares(survey):
    model = survey.multinomial("education ~ C(sex)")
    averages = model.predictions(over="sex")
    shares = survey.proportion("education", by="sex")
    np.testing.assert_allclose(averages.frame["estimate"], shares.frame["estimate"], rtol=1e-9)
    np.testing.assert_allclose(averages.vcov, shares.vcov, rtol=1e-7, atol=1e-12)
    whole = model.predictions().frame["deff"] / survey.proportion("education").frame["deff"]
    np.testing.assert_allclose(whole, 1.0, rtol=1e-7)


def test_thresholds_without_predictors_are_the_cumulative_shares(survey):
    model = survey.ordinal("education ~ 1")
    shares = survey.proportion("education")
    cumulative = shares.frame["estimate"].cumsum().to_numpy()[:-1]
    np.testing.assert_allclose(model.frame["estimate"], np.log(cumulative / (1 - cumulative)), rtol=1e-9)
    sums = np.tri(4, 5)
    slopes = sums / (cumulative * (1 - cumulative))[:, None]
    np.testing.assert_allclose(model.vcov, slopes @ shares.vcov @ slopes.T, rtol=1e-7)


@pytest.mark.parametrize("verb", ["ordinal", "multinomial"])
def test_effects_add_to_zero_and_predictions_to_one(survey, verb):
    model = getattr(survey, verb)("education ~ C(sex) + age + C(urban)")
    for variable in ("sex", "age"):
        effects = model.margins(variable, over="urban")
        assert effects.by == ("urban", "education")
        assert effects.frame.groupby("urban")["estimate"].sum().abs().max() < 1e-10
    averages = model.predictions("age", at=[20, 60])
    assert np.allclose(averages.frame.groupby("category")["estimate"].sum(), 1.0)
    sums = np.kron(np.ones(5), np.eye(2))
    np.testing.assert_allclose(sums @ averages.vcov @ sums.T, 0.0, atol=1e-12)


def test_average_effects_are_over_fitted_rows(data):
    """As silent error 20, of a model with several levels."""
    half = data.assign(age=data["age"].where(np.arange(len(data)) % 3 > 0))
    survey = mr.Survey(half, weights="weight", strata="stratum", psu="psu")
    model = survey.ordinal("education ~ C(sex) + age")
    P = {v: ordinal.probabilities(model.fit.coef, model.predictors.world({"sex": v}), 5, "logit") for v in (1, 2)}
    w = np.where(model.predictors.used, half["weight"], 0.0)
    np.testing.assert_allclose(model.margins("sex").frame["estimate"], w @ (P[2] - P[1]) / w.sum(), rtol=1e-12)
    assert model.note["missing_by_variable"]["age"] == half["age"].isna().sum()


def test_an_outcome_turned_round_turns_the_signs(survey):
    one = survey.ordinal("education ~ C(sex) + age")
    other = survey.ordinal("education ~ C(sex) + age", order=[5, 4, 3, 2, 1])
    np.testing.assert_allclose(one.frame["estimate"][:2], -other.frame["estimate"][:2], rtol=1e-8)
    np.testing.assert_allclose(one.frame["std_error"][2:], other.frame["std_error"][:1:-1], rtol=1e-8)
    assert other.note["levels"] == (5, 4, 3, 2, 1)


def test_another_baseline_is_the_same_model(survey):
    one, other = (survey.multinomial("education ~ C(sex) + age", baseline=b) for b in (None, 3))
    assert (one.baseline, other.baseline) == (1, 3)
    np.testing.assert_allclose(one.fit.log_likelihood, other.fit.log_likelihood, rtol=1e-12)
    old = one.frame.pivot(index="predictor", columns="outcome", values="estimate")
    new = other.frame.pivot(index="predictor", columns="outcome", values="estimate")
    np.testing.assert_allclose(new[1], -old[3], rtol=1e-6)
    np.testing.assert_allclose(new[2], old[2] - old[3], rtol=1e-6)


def test_rows_out_of_the_domain_keep_their_units(survey, data):
    """A domain is zero-weighted, not cut out: the same rows fitted alone have another variance."""
    women = survey.where("sex == 2")
    by_hand = declare(np.where(data["sex"] == 2, data["weight"], 0.0), strata=data["stratum"], psu=data["psu"])
    y = np.where(data["education"].isna(), -1, data["education"].fillna(0) - 1).astype(int)
    found = ordinal.fit(data[["age"]].to_numpy(float), y, by_hand.weights, 5)
    np.testing.assert_allclose(
        women.ordinal("education ~ age").vcov, covariance(by_hand, influence_totals(by_hand, found.influence)),
        rtol=1e-8,
    )  # fmt: skip


def test_influence_is_the_derivative_by_a_weight(drawn):
    X, latent, _ = drawn
    y = np.digitize(latent + np.sin(np.arange(900.0)), [-0.5, 0.7])
    w = 1 + np.arange(900) % 3 / 2.0
    for fit in (lambda v: ordinal.fit(X, y, v, 3, link="probit"), lambda v: multinomial.fit(X, y, v, 3)):
        found = fit(w)
        for row in (0, 17, 400):
            moved = w.copy()
            moved[row] += 1e-3
            other = w.copy()
            other[row] -= 1e-3
            slope = (fit(moved).coef - fit(other).coef) / 2e-3
            np.testing.assert_allclose(found.influence[row] / w[row], slope, rtol=1e-5, atol=1e-9)


# --- proportional odds -------------------------------------------------------------------


def parallel(n, differ, seed=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    z = rng.integers(1, 3, n)
    cuts = np.column_stack([-0.5 - 0.6 * x, 0.8 - (0.6 - differ) * x])
    u = rng.logistic(size=n)
    return pd.DataFrame({"w": rng.uniform(1, 3, n), "x": x, "z": z, "y": 1 + (u[:, None] > cuts).sum(axis=1)})


def test_unequal_slopes_are_found_and_equal_ones_are_not():
    same = mr.Survey(parallel(1500, 0.0), weights="w").ordinal("y ~ x + C(z)").proportional_odds()
    other = mr.Survey(parallel(1500, 0.5), weights="w").ordinal("y ~ x + C(z)").proportional_odds()
    assert same.p_value > 0.05 and other.p_value < 1e-4
    assert other.frame["term"].tolist() == ["all", "x", "C(z)"]
    assert other.frame.set_index("term")["p_value"]["C(z)"] > 0.05
    assert "differ" in other.reading["en"] and "تختلف" in other.reading["ar"]
    assert "dir='rtl'" in other._repr_html_() and other.reading["en"] in repr(other)


def test_the_slopes_of_the_thresholds_are_logits():
    survey = mr.Survey(parallel(600, 0.3), weights="w")
    test = survey.ordinal("y ~ x + C(z)").proportional_odds()
    frame = survey.frame.assign(high=(survey.frame["y"] > 2).astype(int))
    logit = mr.Survey(frame, weights="w").logit("high ~ x + C(z)")
    np.testing.assert_allclose(test.by_threshold["2|3"], logit.frame["estimate"][1:], rtol=1e-8)
    assert list(test.by_threshold.index) == logit.frame["term"].tolist()[1:]


@pytest.mark.full
def test_the_test_keeps_its_size():
    found = [
        mr.Survey(parallel(500, 0.0, seed), weights="w").ordinal("y ~ x + C(z)").proportional_odds().p_value
        for seed in range(400)
    ]
    assert 0.025 < np.mean(np.array(found) < 0.05) < 0.08


# --- words, levels, errors ---------------------------------------------------------------


def labelled(frame):
    trust = Variable(
        name="trust", label={"en": "Trust", "ar": "الثقة"}, level="ordinal",
        categories=tuple(
            Category(code, {"en": en, "ar": ar}) for code, en, ar in
            ((1, "None", "معدومة"), (2, "Some", "بعض الثقة"), (3, "Much", "كثيرة"), (4, "Full", "تامة"))
        ),
    )  # fmt: skip
    return mr.Survey(frame, weights="w", codebook=Codebook([trust]))


def test_thresholds_and_levels_carry_their_labels_and_absent_levels_are_said():
    frame = parallel(400, 0.0).rename(columns={"y": "trust"})
    survey = labelled(frame)
    model = survey.ordinal("trust ~ x")
    cuts = model.frame[model.frame["part"] == "threshold"]
    assert cuts["term"].tolist() == ["1|2", "2|3"]
    assert cuts["label_en"].tolist() == ["None | Some", "Some | Much"]
    assert cuts["label_ar"].tolist() == ["معدومة | بعض الثقة", "بعض الثقة | كثيرة"]
    assert cuts["odds_ratio"].isna().all()
    assert model.note["outcome_levels_without_rows"] == (4,) and model.note["levels"] == (1, 2, 3)
    assert "الأرجحية" in model.note["caution"]["ar"]
    assert "nan" not in repr(model) and "nan" not in model._repr_html_()
    page = survey.multinomial("trust ~ x")._repr_html_()
    assert "Much — x" in page and "كثيرة" in page
    assert survey.multinomial("trust ~ x", baseline="Much").baseline == 3


def test_silent_error_21_levels_absent_from_a_domain_are_left_out_of_ordered_outcomes(survey, data):
    frame = data.assign(zone=np.where(data["sex"] == 1, 9, data["urban"]))
    women = mr.Survey(frame, weights="weight", strata="stratum", psu="psu").where("sex == 2")
    model = women.ordinal("education ~ C(zone)")
    assert model.note["levels_without_rows"]["zone"] == (9,)
    agrees(model, {"estimate": (other := survey.where("sex == 2").ordinal("education ~ C(urban)")).frame["estimate"],
                   "se": other.frame["std_error"]})  # fmt: skip


@pytest.mark.parametrize("verb", ["ordinal", "multinomial"])
def test_separation_is_refused_in_both_languages(verb):
    frame = parallel(300, 0.0)
    frame["same"] = np.where(frame["y"] == 3, 1.0, 0.0)
    with pytest.raises(SeparationError) as error:
        getattr(mr.Survey(frame, weights="w"), verb)("y ~ same")
    assert "same" in error.value.what and "Merge" in error.value.remedy and "ادمج" in error.value.ar


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.ordinal("two ~ x"), "survey.logit"),
        (lambda s: s.multinomial("one ~ x"), "varies"),
        (lambda s: s.ordinal("y ~ x + twice"), "merge"),
        (lambda s: s.multinomial("y ~ x + twice"), "merge"),
        (lambda s: s.ordinal("y ~ x", link="cauchit"), "logit, probit"),
        (lambda s: s.ordinal("y ~ x", order=[1, 2]), "lowest first"),
        (lambda s: s.multinomial("y ~ x", baseline=7), "codes"),
        (lambda s: s.ordinal("y ~ x", level=95), "between 0 and 1"),
        (lambda s: s.ordinal("y ~ x").margins("w"), "predictors are"),
        (lambda s: s.ordinal("y ~ x").predictions("x"), "at=["),
        (lambda s: s.ordinal("y ~ x").predictions(at=[1]), "Name the variable"),
        (lambda s: s.ordinal("y ~ x").margins("x", over="y"), "other variables"),
        (lambda s: s.ordinal("y ~ C(z) - 1"), "+ 0"),
    ],
)
def test_errors_name_the_remedy(call, said):
    frame = parallel(200, 0.0)
    frame["two"], frame["one"], frame["twice"] = frame["y"] > 1, 1, 2 * frame["x"] - 1
    frame["two"] = frame["two"].astype(int)
    with pytest.raises(ModelError) as error:
        call(mr.Survey(frame, weights="w"))
    assert said.lower() in error.value.remedy.lower()


def test_an_outcome_level_lost_in_a_replicate_is_named():
    frame = parallel(60, 0.0).assign(p=np.arange(60) // 3)
    frame.loc[frame["p"] > 0, "y"] = np.minimum(frame["y"], 2)
    frame.loc[:2, "y"] = 3
    survey = mr.Survey(frame, weights="w", psu="p").with_replicates(mr.replicates.JK1())
    with pytest.raises(ModelError, match="In replicate 1: Levels of the outcome without a fitted row: numbers 3"):
        survey.ordinal("y ~ x")


@pytest.mark.parametrize("reps", [pytest.param(60, id="short"), pytest.param(600, id="long", marks=pytest.mark.full)])
def test_intervals_cover_in_clusters(reps):
    """Coefficients, thresholds and an average effect, 30 clusters of 12 drawn from 800."""
    rng = np.random.default_rng(8)
    C, m = 800, 12
    x = rng.normal(size=(C, m)) + rng.normal(size=(C, 1))
    u = rng.logistic(size=(C, m)) + 0.6 * rng.normal(size=(C, 1))
    y = 1 + np.digitize(0.5 * x + u, [-0.8, 0.9])
    everybody = pd.DataFrame({"w": 1.0, "x": x.ravel(), "y": y.ravel()})
    population = mr.Survey(everybody, weights="w")
    truth = population.ordinal("y ~ x")
    effect = truth.margins("x").frame["estimate"].to_numpy()
    inside = np.zeros((reps, 6))
    for r in range(reps):
        chosen = rng.choice(C, 30, replace=False)
        frame = pd.DataFrame({"w": 1.0, "p": np.repeat(chosen, 12), "x": x[chosen, :12].ravel(), "y": y[chosen, :12].ravel()})
        model = mr.Survey(frame, weights="w", psu="p").ordinal("y ~ x")
        made = pd.concat([model.frame, model.margins("x").frame])
        target = np.concatenate([truth.frame["estimate"], effect])
        inside[r] = (made["conf_low"] <= target) & (target <= made["conf_high"])
    assert (inside.mean(axis=0) > 0.95 - 4 * np.sqrt(0.0475 / reps)).all(), inside.mean(axis=0)
    assert inside.mean() < 0.985
