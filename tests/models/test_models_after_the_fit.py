"""Tests of terms, fit statistics, predictions and ratios against R survey and against arithmetic."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import masar_research as mr
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "after_the_fit.json").read_text())


def generated() -> pd.DataFrame:
    data = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    return data.assign(years=1 + (data["age"] - 15) / 10)


@pytest.fixture(scope="module")
def survey():
    return mr.Survey(generated(), weights="weight", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def complete(survey):
    return survey.where("not missing(employed) and not missing(education)")


@pytest.fixture(scope="module")
def logit(complete):
    return complete.logit("employed ~ C(sex) + C(education) + age")


# --- tests of terms --------------------------------------------------------------------


def agrees(model, terms, answer):
    wald, lrt = model.test(terms), model.test(terms, method="lrt")
    work = model.test(terms, method="working_wald")
    assert (wald.df_num, wald.df_den) == (answer["df"], answer["ddf"])
    assert wald.statistic == pytest.approx(answer["f"], rel=1e-8)
    assert wald.p_value == pytest.approx(answer["p"], rel=1e-6)
    assert lrt.statistic == pytest.approx(answer["lrt"], rel=1e-8)
    assert work.statistic == pytest.approx(answer["work"], rel=1e-8)
    np.testing.assert_allclose(lrt.note["generalised_design_effects"], np.ravel(answer["lambda"]), rtol=1e-7)
    # R's p is a saddlepoint approximation, ours the integral.
    for ours, theirs in ((lrt.p_value, answer["lrt_p"]), (work.p_value, answer["work_p"])):
        assert ours == pytest.approx(theirs, rel=0.1, abs=2e-8)


@pytest.mark.parametrize(
    ("terms", "name"),
    [("education", "test_education"), (["C(education)", "age"], "test_two"), ("sex", "test_sex")],
)
def test_terms_of_a_logit(logit, terms, name):
    agrees(logit, terms, ORACLE[name])


def test_terms_of_counts_and_of_a_linear_model(survey, complete):
    agrees(survey.poisson("children ~ C(sex) + age"), "age", ORACLE["test_poisson"])
    agrees(complete.linear("income ~ C(sex) + C(education) + age"), "education", ORACLE["test_linear"])


def test_all_terms_at_once_and_interactions_in_any_order(complete):
    model = complete.logit("employed ~ C(sex) * age + bs(years, df=4)".replace("bs(years, df=4)", "C(education)"))
    table = model.term_tests().set_index("term")
    assert table.loc["C(education)", "statistic"] == model.test("education").statistic
    assert model.test("age:sex").statistic == model.test("C(sex):age").statistic
    with pytest.raises(ModelError, match="is not a term"):
        model.test("income")


def test_a_spline_is_tested_by_its_variable(survey):
    model = survey.linear("income ~ bs(age, df=4) + C(sex)")
    assert model.test("age").df_num == 4 and model.test("bs(age, df=4)").p_value == model.test("age").p_value


def test_one_degree_of_freedom_is_the_t_test_squared(logit):
    row = logit.frame.set_index("term").loc["age"]
    wald, lrt = logit.test("age"), logit.test("age", method="working_wald")
    assert wald.statistic == pytest.approx(row["statistic"] ** 2, rel=1e-9)
    assert wald.p_value == pytest.approx(row["p_value"], rel=1e-9)
    assert lrt.p_value == pytest.approx(row["p_value"], rel=1e-5, abs=1e-8)


def test_nested_models_are_compared_as_terms_are(complete, logit):
    small = complete.logit("employed ~ C(sex)")
    found = small.compare(logit)
    assert found.statistic == pytest.approx(ORACLE["anova"]["chisq"], rel=1e-8)
    assert found.p_value == pytest.approx(logit.test(["education", "age"], "lrt").p_value, rel=1e-8)
    assert logit.compare(small).p_value == found.p_value


def test_nesting_is_of_column_spaces_not_of_names(complete):
    """A linear trend in the years of schooling is nested in the categories."""
    trend = complete.logit("employed ~ education")
    levels = complete.logit("employed ~ C(education)")
    found = trend.compare(levels)
    assert found.df_num == 3 and 0 < found.p_value < 1
    reparametrised = complete.logit("employed ~ C(education)", reference={"education": 3})
    assert trend.compare(reparametrised).p_value == pytest.approx(found.p_value, rel=1e-6)
    with pytest.raises(ModelError, match="not nested"):
        complete.logit("employed ~ age").compare(levels)


def test_silent_error_26_likelihood_ratio_of_models_fitted_on_different_rows(survey):
    """Education is missing for some: the model without it was fitted on more people."""
    small = survey.logit("employed ~ C(sex)")
    large = survey.logit("employed ~ C(sex) + C(education)")
    assert small.fit.n_used > large.fit.n_used
    with pytest.raises(ModelError, match="different rows") as caught:
        small.compare(large)
    assert f"{small.fit.n_used - large.fit.n_used} only in the smaller" in caught.value.what
    assert "not missing(education)" in caught.value.remedy and "سجلات" in caught.value.ar
    known = survey.where("not missing(education)").logit("employed ~ C(sex)")
    assert known.compare(large).p_value == pytest.approx(large.test("education", "lrt").p_value, rel=1e-8)


def test_what_cannot_be_compared_is_refused(survey, complete, logit):
    other = complete.glm("employed ~ C(sex)", "probit")
    weights = survey.design.weights * np.linspace(1, 2, len(survey))
    heavier = survey.with_weights(weights, None, "heavier").where(
        "not missing(employed) and not missing(education)")
    for model, words in ((other, "famil"), (complete.poisson("children ~ age"), "outcome"),
                         (heavier.logit("employed ~ C(sex)"), "weights"),
                         (complete.logit("employed ~ C(sex)", penalty="firth"), "penalised")):
        with pytest.raises(ModelError, match=words) as caught:
            model.compare(logit)
        assert caught.value.ar and caught.value.remedy


def test_contrasts_of_coefficients(logit):
    terms = list(logit.frame["term"])
    third, fifth = (next(t for t in terms if f"T.{k}" in t and "education" in t) for k in (3, 5))
    found = logit.contrast({"3 − 5": {third: 1, fifth: -1}, "ten years": {"age": 10}})
    assert found.frame["estimate"][0] == pytest.approx(ORACLE["contrast"]["estimate"], rel=1e-8)
    assert found.frame["std_error"][0] == pytest.approx(ORACLE["contrast"]["se"], rel=1e-8)
    assert found.frame["ratio"][1] == pytest.approx(np.exp(10 * logit.fit.coef[-1]), rel=1e-12)
    assert "المقارنة" in found._repr_html_() and "ten years" in repr(found)
    with pytest.raises(ModelError, match="no coefficient"):
        logit.contrast({"x": {"height": 1}})


# --- fit statistics --------------------------------------------------------------------


def test_pseudo_r_squared_daic_and_dbic(survey, complete, logit):
    found, small = logit.fit_statistics(), complete.logit("employed ~ C(sex)")
    assert found.cox_snell == pytest.approx(ORACLE["psrsq"]["cox_snell"], rel=1e-8)
    assert found.nagelkerke == pytest.approx(ORACLE["psrsq"]["nagelkerke"], rel=1e-8)
    for model, name in ((logit, "aic"), (small, "aic_small"), (survey.poisson("children ~ C(sex) + age"), "aic_poisson")):
        assert model.fit_statistics().effective_parameters == pytest.approx(ORACLE[name]["eff"], rel=1e-7)
        assert model.fit_statistics().daic == pytest.approx(ORACLE[name]["aic"], rel=1e-8)
    assert small.dbic(logit) == pytest.approx(ORACLE["bic"]["bic"], rel=1e-7)
    assert logit.dbic(logit) == pytest.approx(ORACLE["bic_full"], rel=1e-8)


def test_a_simple_random_sample_gives_the_ordinary_aic_nearly():
    """δ is then about one each: dAIC goes to AIC without its constant's parameter."""
    rng = np.random.default_rng(4)
    n = 20_000
    frame = pd.DataFrame({"w": 1.0, "x": rng.normal(size=n)})
    frame["y"] = 1 + frame["x"] + rng.normal(size=n)
    found = mr.Survey(frame, weights="w").linear("y ~ x").fit_statistics()
    assert found.effective_parameters == pytest.approx(2, abs=0.1)
    assert found.r_squared == pytest.approx(np.corrcoef(frame["x"], frame["y"])[0, 1] ** 2, rel=1e-9)


def test_information_criteria_of_linear_models_follow_the_unit_of_the_outcome():
    """In other units −2ℓ moves by n ln c², the same for every model: what they say of models stays."""
    rng = np.random.default_rng(6)
    n = 400
    frame = pd.DataFrame({"w": rng.uniform(1, 4, n), "psu": np.repeat(np.arange(80), 5), "x": rng.normal(size=n),
                          "z": rng.normal(size=n)})
    frame["y"] = 1 + frame["x"] + np.repeat(rng.normal(size=80), 5) + rng.normal(size=n)
    frame["fils"] = 1000 * frame["y"]
    survey = mr.Survey(frame, weights="w", psu="psu")
    small, large = survey.linear("y ~ x"), survey.linear("y ~ x + z")
    other, larger = survey.linear("fils ~ x"), survey.linear("fils ~ x + z")
    moved = n * np.log(1000.0**2)
    assert other.fit_statistics().effective_parameters == pytest.approx(small.fit_statistics().effective_parameters)
    assert other.fit_statistics().daic == pytest.approx(small.fit_statistics().daic + moved)
    assert other.dbic(larger) == pytest.approx(small.dbic(large) + moved)
    w = frame["w"] / frame["w"].mean()
    X = np.column_stack([np.ones(n), frame["x"]])
    residual = frame["y"] - X @ small.fit.coef
    variance = float(np.average(residual**2, weights=w))
    naive = variance * np.linalg.inv(X.T @ (X * w.to_numpy()[:, None]))
    score = (residual**2 / variance - 1) / (2 * variance)
    effects = small.vcov[1, 1] / naive[1, 1] + float(w @ score**2) / (n / (2 * variance**2))
    assert small.fit_statistics().effective_parameters == pytest.approx(effects, rel=1e-10)


def test_archer_lemeshow(logit):
    found, answer = logit.goodness_of_fit(), ORACLE["archer"]
    assert (found.df_num, found.df_den) == (answer["df"], answer["ddf"])
    assert found.statistic == pytest.approx(answer["f"], rel=1e-7)
    assert found.p_value == pytest.approx(answer["p"], rel=1e-6)
    with pytest.raises(ModelError, match="leave nothing"):
        logit.goodness_of_fit(groups=2)


def test_a_misfit_is_seen():
    rng = np.random.default_rng(2)
    n = 3000
    frame = pd.DataFrame({"w": 1.0, "psu": np.arange(n) // 15, "x": rng.uniform(-2, 2, n)})
    frame["y"] = (rng.random(n) < 1 / (1 + np.exp(-(frame["x"] ** 2 + 0.5 * frame["x"] - 1)))).astype(float)
    survey = mr.Survey(frame, weights="w", psu="psu")
    assert survey.logit("y ~ x").goodness_of_fit().p_value < 1e-6
    assert survey.logit("y ~ x + I(x ** 2)").goodness_of_fit().p_value > 0.01


def test_variance_inflation(complete, logit):
    for model, name in ((logit, "inflation"), (complete.linear("income ~ C(sex) + C(education) + age"), "inflation_linear")):
        table = model.vif()
        np.testing.assert_allclose(table["vif"], ORACLE[name]["plain"], rtol=1e-8)
        np.testing.assert_allclose(table["design_vif"], ORACLE[name]["design"], rtol=1e-7)
    single = logit.vif().set_index("term").loc["age"]
    assert single["gvif"] == pytest.approx(np.sqrt(single["vif"]), rel=1e-9)


# --- predictions -----------------------------------------------------------------------


def test_predictions_for_given_persons(survey, logit):
    people = pd.DataFrame({"sex": [1, 2, 2], "education": [1, 3, 5], "age": [20, 40, 60]})
    for scale, name in (("link", "predict_link"), ("response", "predict_response")):
        found = logit.predict(people, scale)
        np.testing.assert_allclose(found["estimate"], ORACLE[name]["estimate"], rtol=1e-8)
        np.testing.assert_allclose(found["std_error"], ORACLE[name]["se"], rtol=1e-8)
    assert ((0 < found["conf_low"]) & (found["conf_low"] < found["estimate"]) & (found["conf_high"] < 1)).all()
    counts = survey.poisson("children ~ C(sex) + age").predict(people)
    np.testing.assert_allclose(counts["estimate"], ORACLE["predict_poisson"]["estimate"], rtol=1e-8)
    np.testing.assert_allclose(counts["std_error"], ORACLE["predict_poisson"]["se"], rtol=1e-8)
    with pytest.raises(ModelError, match="lack age"):
        logit.predict(people.drop(columns="age"))
    with pytest.raises(ModelError, match="not a code or label"):
        logit.predict(people.assign(sex=7))


def test_adjusted_ratios_are_those_of_the_average_predictions(complete):
    model = complete.logit("employed ~ C(sex) * age + C(education)")
    averages = model.predictions("sex", over="urban")
    risk = model.ratios("sex", over="urban")
    p = averages.frame["estimate"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(risk.frame["estimate"], p[:, 1] / p[:, 0], rtol=1e-12)
    odds = model.ratios("sex", "odds_ratio")
    overall = model.predictions("sex").frame["estimate"].to_numpy()
    assert odds.frame["estimate"][0] == pytest.approx(
        overall[1] / (1 - overall[1]) / (overall[0] / (1 - overall[0])), rel=1e-12)
    row = odds.frame.iloc[0]
    assert np.sqrt(row["conf_low"] * row["conf_high"]) == pytest.approx(row["estimate"], rel=1e-10)
    one = model.predictions(["sex"]).ratio(2, 1).frame.iloc[0]
    same = model.ratios("sex").frame.iloc[0]
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
        assert same[name] == pytest.approx(one[name], rel=1e-8), name
    difference = model.ratios("sex", "risk_difference").frame.iloc[0]
    assert difference["estimate"] == pytest.approx(overall[1] - overall[0], rel=1e-12)
    assert np.sqrt(np.diag(risk.vcov)) == pytest.approx(risk.frame["std_error"].to_numpy(), rel=1e-12)


def test_a_log_binomial_model_has_the_standardised_risk_ratio_as_its_coefficient(complete):
    model = complete.glm("employed ~ C(sex)", "binomial", link="log")
    assert model.ratios("sex").frame["estimate"][0] == pytest.approx(model.frame["risk_ratio"][1], rel=1e-8)
    shares = complete.proportion("employed", by="sex").ratio(2, 1).frame.iloc[0]
    assert model.ratios("sex").frame["std_error"][0] == pytest.approx(shares["std_error"], rel=1e-6)


def test_predictions_over_several_variables_and_with_others_held(complete):
    model = complete.logit("employed ~ C(sex) * C(urban) + age")
    crossed = model.predictions(["sex", "urban"], held={"age": 40})
    assert list(crossed.by) == ["sex", "urban"] and crossed.note["held"] == {"age": 40}
    people = crossed.frame[["sex", "urban"]].assign(age=40)
    np.testing.assert_allclose(crossed.frame["estimate"], model.predict(people)["estimate"], rtol=1e-12)
    np.testing.assert_allclose(crossed.frame["std_error"], model.predict(people)["std_error"], rtol=1e-6)
    gap = crossed.contrast("2 - 1", over="sex").frame
    assert len(gap) == 2
    with pytest.raises(ModelError, match="held"):
        model.predictions("sex", held={"sex": 1})
    with pytest.raises(ModelError, match="at gives"):
        model.predictions("sex", at={"age": [3]})


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda m: m.ratios("age"), "numeric"), (lambda m: m.ratios("sex", "rate"), "not known"),
     (lambda m: m.test("sex", "score"), "not known"), (lambda m: m.contrast({}), "No contrast"),
     (lambda m: m.predict(pd.DataFrame(), "odds"), "not known")],
)  # fmt: skip
def test_what_is_unknown_is_said(logit, call, words):
    with pytest.raises(ModelError, match=words):
        call(logit)


REAL = os.environ.get("MASAR_REAL_DATA")
needs_real = pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA is not set: apistrat, nhanes")


@needs_real
def test_terms_on_api_and_nhanes():
    folder = Path(REAL) / "r_survey"
    strat = pd.read_csv(folder / "apistrat.csv")
    strat["wide"] = (strat["sch.wide"] == "Yes").astype(float)
    one = mr.Survey(strat, weights="pw", strata="stype", fpc="fpc").logit("wide ~ stype + meals + ell")
    agrees(one, "stype", ORACLE["apistrat_terms"])
    nhanes = mr.Survey(pd.read_csv(folder / "nhanes.csv"), weights="WTMEC2YR", strata="SDMVSTRA", psu="SDMVPSU")
    model = nhanes.logit("HI_CHOL ~ C(race) + C(agecat) + RIAGENDR")
    agrees(model, "race", ORACLE["nhanes_terms"])
    agrees(model, "agecat", ORACLE["nhanes_age"])
    assert stats.f.sf(model.test("race").statistic, 3, 9) == pytest.approx(model.test("race").p_value)


# --- slopes of splines -----------------------------------------------------------------


def test_the_slope_of_a_spline_is_that_of_the_polynomial_it_is():
    """``bs(x, df=3)`` without knots spans the cubic polynomials; its ends bound it, theirs do not."""
    rng = np.random.default_rng(12)
    n = 300
    frame = pd.DataFrame({"w": rng.uniform(1, 3, n), "psu": np.repeat(np.arange(60), 5), "x": rng.uniform(0, 2, n)})
    frame["y"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-(frame["x"] ** 2 - 1)))).astype(float)
    frame["mood"] = 1.0 + frame["y"] + (rng.uniform(size=n) < 0.4)
    survey = mr.Survey(frame, weights="w", psu="psu")
    for fit, outcome in ((survey.logit, "y"), (survey.linear, "y"), (survey.multinomial, "mood")):
        spline = fit(f"{outcome} ~ bs(x, df=3)").margins("x")
        cubic = fit(f"{outcome} ~ x + I(x**2) + I(x**3)").margins("x")
        for column in ("estimate", "std_error"):
            assert spline.frame[column].to_numpy() == pytest.approx(cubic.frame[column].to_numpy(), rel=2e-5)
