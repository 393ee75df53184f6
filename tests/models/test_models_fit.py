"""Identities, silent errors and refusals of survey models."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import glm as engine
from masar_research.errors import DataError, MasarError, ModelError

BOOK = Codebook([
    Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal",
             categories=(Category(1, {"en": "Male", "ar": "ذكر"}), Category(2, {"en": "Female", "ar": "أنثى"}),
                         Category(9, {"en": "Refused", "ar": "رفض"}, missing="refused"))),
    Variable("education", {"en": "Education", "ar": "التعليم"}, level="ordinal",
             categories=tuple(Category(k, {"en": f"Level <{k}>", "ar": f"مستوى {k}"}) for k in range(1, 6))),
    Variable("works", {"en": "Works"}, level="nominal",
             categories=(Category(0, {"en": "No"}), Category(1, {"en": "Yes"}))),
])  # fmt: skip


def frame(seed=1, n=900):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 10), 10)
    data = pd.DataFrame({
        "w": rng.uniform(1, 4, n), "psu": psu, "stratum": psu // 15,
        "sex": rng.integers(1, 3, n).astype(float), "education": rng.integers(1, 5, n).astype(float),
        "age": rng.integers(15, 70, n).astype(float),
    })  # fmt: skip
    eta = 0.5 - 1.2 * (data["sex"] == 2) + 0.3 * data["education"] - 0.02 * data["age"] + rng.normal(0, 0.4, n // 10)[psu]
    data["works"] = (rng.random(n) < expit(eta)).astype(float)
    data["income"] = 100 * data["education"] + rng.normal(0, 50, n)
    return data


def made(data=None, **more):
    return mr.Survey(frame() if data is None else data, weights="w", strata="stratum", psu="psu", codebook=BOOK, **more)


def refuses(words, call, kind=ModelError):
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value), str(caught.value)
    assert isinstance(caught.value, MasarError) and caught.value.remedy


# --- identities ------------------------------------------------------------------------


def test_logit_on_one_group_is_the_domain_proportions():
    survey = made()
    model = survey.logit("works ~ C(sex)")
    shares = survey.proportion("works", by="sex")
    predicted = model.predictions("sex")
    np.testing.assert_allclose(predicted.frame["estimate"], shares.frame["estimate"], rtol=1e-10)
    np.testing.assert_allclose(predicted.vcov, shares.vcov, rtol=1e-8, atol=1e-14)
    effect = model.margins("sex").frame.iloc[0]
    gap = shares.contrast("2 - 1").frame.iloc[0]
    assert effect["estimate"] == pytest.approx(gap["estimate"], rel=1e-10)
    assert effect["std_error"] == pytest.approx(gap["std_error"], rel=1e-8)


def test_gaussian_on_dummies_is_the_domain_means():
    survey = made()
    model = survey.glm("income ~ C(education)")
    means = survey.mean("income", by="education")
    predicted = model.predictions("education")
    np.testing.assert_allclose(predicted.frame["estimate"], means.frame["estimate"].dropna(), rtol=1e-10)
    keep = means.frame["n"].to_numpy() > 0
    np.testing.assert_allclose(predicted.vcov, means.vcov[np.ix_(keep, keep)], rtol=1e-9, atol=1e-12)
    intercept = survey.glm("income ~ 1").frame.iloc[0]
    mean = survey.mean("income").frame.iloc[0]
    assert intercept["estimate"] == pytest.approx(mean["estimate"], rel=1e-12)
    assert intercept["std_error"] == pytest.approx(mean["std_error"], rel=1e-10)
    assert intercept["df"] == mean["df"]


def test_saturated_effect_over_a_group_is_the_gap_in_the_group():
    survey = made()
    effects = survey.logit("works ~ C(sex) * C(education)").margins("sex", over="education")
    gaps = survey.proportion("works", by=["sex", "education"]).contrast("2 - 1", over="sex")
    rows = gaps.frame["n"].to_numpy() > 0
    np.testing.assert_allclose(effects.frame["estimate"], gaps.frame["estimate"][rows], rtol=1e-9)
    np.testing.assert_allclose(effects.frame["std_error"], gaps.frame["std_error"][rows], rtol=1e-7)


def test_average_prediction_at_the_observed_values_is_the_mean():
    """The logit reproduces the weighted mean of its outcome, so a gaussian trend does too."""
    survey = made()
    model = survey.glm("income ~ C(education) + age")
    slope = model.margins("age").frame.iloc[0]
    term = model.frame.set_index("term").loc["age"]
    assert slope["estimate"] == pytest.approx(term["estimate"], rel=1e-7)
    assert slope["std_error"] == pytest.approx(term["std_error"], rel=1e-6)


def test_doubled_rows_in_the_same_clusters_change_nothing():
    data = frame()
    twice = pd.concat([data.assign(w=data["w"] / 2)] * 2, ignore_index=True)
    one, two = (made(d).logit("works ~ C(sex) + age") for d in (data, twice))
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-9)
    np.testing.assert_allclose(one.margins("sex").vcov, two.margins("sex").vcov, rtol=1e-8)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 5000), scale=st.floats(0.01, 1000))
def test_scale_of_weights_and_order_of_rows_do_not_matter(seed, scale):
    data = frame(seed, 300)
    order = np.random.default_rng(seed).permutation(len(data))
    other = data.iloc[order].assign(w=lambda d: d["w"] * scale).reset_index(drop=True)
    formula = "works ~ C(sex) + age"
    one, two = made(data).logit(formula), made(other).logit(formula)
    np.testing.assert_allclose(one.frame["estimate"], two.frame["estimate"], rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-6, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 5000))
def test_another_reference_turns_the_sign(seed):
    model = made(frame(seed, 400)).logit("works ~ C(sex) + C(education)")
    there, back = model.margins("sex").frame.iloc[0], model.margins("sex", reference="Female").frame.iloc[0]
    assert there["estimate"] == pytest.approx(-back["estimate"], rel=1e-10)
    assert there["std_error"] == pytest.approx(back["std_error"], rel=1e-9)
    assert (there["category"], back["category"]) == (2, 1)


def test_effect_is_the_derivative_of_the_average_prediction():
    model = made().logit("works ~ C(sex) * age")
    ages = model.matrix.data["age"].to_numpy()
    h, w = 1e-4, model.fit.weights
    up, down = (expit(model.matrix.world({"age": ages + s * h}) @ model.fit.coef) for s in (1, -1))
    by_hand = np.average((up - down) / (2 * h), weights=w)
    assert model.margins("age").frame["estimate"][0] == pytest.approx(by_hand, rel=1e-6)


def test_effect_under_calibrated_weights_knows_the_calibration():
    """The effect's unit totals with post-stratified weights equal the derivative that re-weights."""
    from masar_research.engine.calibration import poststratify

    data = frame(3, 400)
    survey = made(data)
    sex = data["sex"].to_numpy(int) - 1
    targets = np.array([600.0, 500.0])

    def effect(base):
        done = poststratify(base, (sex, targets))
        return survey.with_weights(done.weights, done.calibration, "post").logit("works ~ C(sex) + age").margins("sex")

    answer = effect(data["w"].to_numpy())
    unit, h = survey.design.unit, 1e-4
    for u in (0, 11):
        move = np.where(unit == u, h, 0.0)
        slopes = [effect(data["w"].to_numpy() * (1 + s * move)).frame["estimate"][0] for s in (1, -1)]
        assert (slopes[0] - slopes[1]) / (2 * h) == pytest.approx(answer.totals[u, 0], rel=1e-5)


# --- rows and levels -------------------------------------------------------------------


def test_silent_error_01_and_silent_error_20_rows_that_are_missing_are_kept_out_of_everything_and_counted():
    """Silent errors 1 and 20: a missing row leaves its PSU in the design, and no average."""
    data = frame()
    data.loc[data["psu"] == 3, "age"] = np.nan
    data.loc[7, "sex"] = 9.0
    survey = made(data)
    model = survey.logit("works ~ C(sex) + age")
    assert model.note["missing"] == 11
    assert dict(model.note["missing_by_variable"]) == {"sex": 1, "age": 10}
    assert model.note["rows"] == len(data) - 11
    kept = data.assign(ok=(data["age"].notna() & (data["sex"] != 9)).astype(float))
    domain = made(kept).where("ok == 1").logit("works ~ C(sex) + age")
    np.testing.assert_array_equal(model.vcov, domain.vcov)
    assert model.df == domain.df == 90 - 6 - 1 + 1 - 3
    used = model.fit.used
    assert used.sum() == model.margins("sex").frame["n"][0]
    both = [expit(model.matrix.world({"sex": s}) @ model.fit.coef) for s in (1, 2)]
    by_hand = np.average((both[1] - both[0])[used], weights=data["w"][used])
    assert model.margins("sex").frame["estimate"][0] == pytest.approx(by_hand, rel=1e-12)


def test_silent_error_21_levels_without_rows_are_left_out_and_noted():
    """Silent error 21: education 5 never occurs, 4 not among the young."""
    data = frame()
    data.loc[(data["age"] < 30) & (data["education"] == 4), "education"] = 3.0
    survey = made(data)
    assert dict(survey.logit("works ~ C(education)").note["levels_without_rows"]) == {"education": (5,)}
    young = survey.where("age < 30").logit("works ~ C(sex) + C(education)")
    assert dict(young.note["levels_without_rows"]) == {"education": (4, 5)}
    assert young.frame["term"].tolist() == ["Intercept", "C(sex)[T.2]", "C(education)[T.2]", "C(education)[T.3]"]
    assert young.margins("education").frame["category"].tolist() == [2, 3]


def test_domains_without_fitted_rows_are_left_out():
    survey = made()
    effects = survey.where("education <= 2").logit("works ~ C(sex)").margins("sex", over="education")
    assert effects.frame["education"].tolist() == [1, 2]


def test_nominal_variables_are_categories_without_being_told():
    plain, told = made().logit("works ~ sex + age"), made().logit("works ~ C(sex) + age")
    np.testing.assert_array_equal(plain.vcov, told.vcov)
    assert plain.note["references"] == {"sex": 1}


def test_labels_and_references_come_from_the_codebook():
    model = made().logit("works ~ C(sex) * C(education)", reference={"education": "Level <3>"})
    table = model.frame.set_index("term")
    assert table.loc["C(sex)[T.2]", "label_en"] == "Sex: Female"
    assert table.loc["C(sex)[T.2]", "label_ar"] == "الجنس: أنثى"
    assert table.loc["C(sex)[T.2]:C(education)[T.4]", "label_en"] == "Sex: Female × Education: Level <4>"
    assert "C(education)[T.3]" not in table.index
    page = model._repr_html_()
    assert "Level &lt;4&gt;" in page and "Level <4>" not in page and "مستوى 4" in page


def test_effects_show_themselves_in_both_languages():
    data = frame()
    data.loc[:4, "age"] = np.nan
    model = made(data).logit("works ~ C(sex) * C(education) + age")
    page = model.margins("sex", over="education")._repr_html_()
    assert page.startswith("<") and "5" in page
    assert "missing: 5 (age 5)" in model._repr_html_()


def test_text_predictors_are_categories():
    data = frame().assign(town=lambda d: np.where(d["psu"] % 2 == 0, "Irbid", "Zarqa"))
    table = made(data).logit("works ~ town").frame
    assert table["term"].tolist() == ["Intercept", "town[T.Zarqa]"]


def test_odds_ratios_and_intervals():
    model = made().logit("works ~ C(sex) + age", level=0.9)
    table = model.frame
    np.testing.assert_allclose(table["odds_ratio"], np.exp(table["estimate"]))
    np.testing.assert_allclose(np.log(table["odds_high"]), table["conf_high"])
    wide = made().logit("works ~ C(sex) + age").frame
    assert (wide["conf_high"] > table["conf_high"]).all()
    assert "odds_ratio" not in made().glm("works ~ C(sex)").frame.columns


def test_contrast_of_effects_uses_their_covariance():
    effects = made().logit("works ~ C(sex) * C(education)").margins("sex", over="education")
    difference = effects.contrast("4 - 1").frame.iloc[0]
    v = effects.vcov
    assert difference["std_error"] == pytest.approx(np.sqrt(v[3, 3] + v[0, 0] - 2 * v[3, 0]), rel=1e-10)


def test_transformations_keep_what_they_learnt():
    """A centred or scaled predictor keeps its mean in the counterfactual worlds."""
    plain, centred = made().logit("works ~ C(sex) + age"), made().logit("works ~ C(sex) + center(age)")
    scaled = made().logit("works ~ C(sex) + scale(age)")
    for model in (centred, scaled):
        np.testing.assert_allclose(model.margins("age").vcov, plain.margins("age").vcov, rtol=1e-6)
        np.testing.assert_allclose(model.predictions("age", at=[20, 60]).frame["estimate"],
                                   plain.predictions("age", at=[20, 60]).frame["estimate"], rtol=1e-8)


def test_squares_and_logs():
    model = made().logit("works ~ C(sex) + age + I(age ** 2) + log(income + 500)")
    ages, coef = model.matrix.data["age"].to_numpy(), model.fit.coef
    mu = model.fit.mu
    by_hand = np.average(mu * (1 - mu) * (coef[2] + 2 * coef[3] * ages), weights=model.fit.weights)
    assert model.margins("age").frame["estimate"][0] == pytest.approx(by_hand, rel=1e-6)


# --- refusals --------------------------------------------------------------------------


def test_collinear_terms_are_named_with_what_they_duplicate():
    data = frame().assign(months=lambda d: 12 * d["age"], adult=lambda d: 1.0 + 0 * d["age"])
    refuses("months duplicates age", lambda: made(data).logit("works ~ age + months"))
    refuses("adult duplicates Intercept", lambda: made(data).logit("works ~ adult"))
    data["both"] = data["age"] + 3 * data["education"]
    refuses("both duplicates age and education", lambda: made(data).logit("works ~ age + education + both"))


def test_a_calendar_year_is_not_collinear():
    data = frame().assign(year=lambda d: 2022.0 + 2 * (d["psu"] % 3))
    model = made(data).logit("works ~ year")
    centred = made(data.assign(year=lambda d: d["year"] - 2024)).logit("works ~ year")
    assert model.frame["estimate"][1] == pytest.approx(centred.frame["estimate"][1], rel=1e-7)
    assert model.frame["std_error"][1] == pytest.approx(centred.frame["std_error"][1], rel=1e-6)


def test_separation_is_named():
    data = frame()
    data.loc[data["education"] == 1, "works"] = 0.0
    refuses("education 1 (", lambda: made(data).logit("works ~ C(sex) + C(education)"))
    refuses("all 0", lambda: made(data).logit("works ~ C(education)", reference={"education": 2}))
    data["works"] = (data["age"] > 40).astype(float)
    refuses("Terms that run away: Intercept, age", lambda: made(data).logit("works ~ age"))


def test_formulas_that_are_refused():
    survey = made()
    for formula, words in {
        "works ~ __import__('os').getcwd()": "cannot be read as a formula",
        "works ~ I(__import__('os'))": "is not allowed in a formula",
        "works ~ I(age.__class__)": "is not allowed in a formula",
        "works ~ age.mean()": "is not allowed in a formula",
        "works ~ (lambda x: x)(age)": "cannot be read as a formula",
        "works ~ I([age][0])": "is not allowed",
        "works ~ I(sum(a for a in age))": "is not allowed",
        "works ~ C(sex, contr.sum)": "is not allowed",
        "works ~ eval('1')": "is not allowed",
        "~ age": "needs one variable on its left side",
        "log(works) ~ age": "needs one variable on its left side",
        "works ~ works + age": "stands on both sides",
        "works ~ age +": "cannot be read as a formula",
    }.items():
        refuses(words, lambda formula=formula: survey.logit(formula))


def test_models_that_are_refused():
    survey = made()
    refuses("no variable 'agee'", lambda: survey.logit("works ~ agee"), DataError)
    refuses("holds [1.0, 2.0]", lambda: survey.logit("sex ~ age"))
    refuses("needs 0 and 1", lambda: survey.glm("age ~ sex", family="probit"))
    refuses("family='beta' is not known", lambda: survey.glm("works ~ age", family="beta"))
    refuses("level=95", lambda: survey.logit("works ~ age", level=95))
    refuses("reference names ['age']", lambda: survey.logit("works ~ age", reference={"age": 3}))
    refuses("has no fitted row", lambda: survey.logit("works ~ C(education)", reference={"education": 5}))
    refuses("is not a code or label", lambda: survey.logit("works ~ C(sex)", reference={"sex": "Woman"}))
    refuses("is 0 on all", lambda: survey.where("works == 0").logit("works ~ age"))
    refuses("2 rows with a weight and no missing value are left for 3 coefficients",
            lambda: engine.fit(np.eye(3), np.array([0.0, 1.0, np.nan]), np.ones(3)))
    refuses("Shapes do not fit", lambda: engine.fit(np.eye(3), np.zeros(2), np.ones(3)))
    refuses("negative values", lambda: engine.fit(np.ones((4, 1)), np.array([-1.0, 2, 3, 4]), np.ones(4), family="poisson"))
    model = survey.logit("works ~ C(sex) + age")
    refuses("is not a predictor", lambda: model.margins("income"))
    refuses("has no reference level", lambda: model.margins("age", reference=20))
    refuses("over names sex", lambda: model.margins("sex", over="sex"))
    refuses("at which values", lambda: model.predictions("age"))
    data = frame().assign(zero=0.0)
    refuses("No row has a weight", lambda: made(data.assign(age=np.nan)).logit("works ~ age"))


# --- engine ----------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["binomial", "probit", "cloglog", "poisson", "gaussian"])
def test_engine_agrees_with_statsmodels(family):
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    X = np.column_stack([np.ones(400), rng.normal(size=(400, 3))])
    eta, w = X @ [0.2, 0.5, -0.4, 0.1], rng.uniform(0.5, 3, 400)
    y = rng.poisson(np.exp(eta)) * 1.0 if family == "poisson" else (rng.random(400) < expit(eta)) * 1.0
    offset = rng.normal(0, 0.2, 400)
    shape = {
        "binomial": sm.families.Binomial(), "probit": sm.families.Binomial(sm.families.links.Probit()),
        "cloglog": sm.families.Binomial(sm.families.links.CLogLog()), "poisson": sm.families.Poisson(),
        "gaussian": sm.families.Gaussian(),
    }[family]  # fmt: skip
    ours = engine.fit(X, y, w, family=family, offset=offset)
    theirs = sm.GLM(y, X, family=shape, freq_weights=w, offset=offset).fit(tol=1e-15, maxiter=300)
    np.testing.assert_allclose(ours.coef, theirs.params, rtol=1e-7)
    np.testing.assert_allclose(ours.mu, theirs.fittedvalues, rtol=1e-7)
    assert np.abs(X.T @ ours.score).max() < 1e-7


def test_a_thinned_start_finds_the_same_maximum():
    rng = np.random.default_rng(6)
    n = 120_000
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    y = (rng.random(n) < expit(X @ [-1.0, 0.5, 0.0, 0.3])) * 1.0
    w = rng.uniform(1, 2, n)
    fitted = engine.fit(X, y, w)
    assert fitted.iterations <= 4
    assert np.abs(X.T @ fitted.score).max() / w.sum() < 1e-12
    masked = engine.fit(np.vstack([X, X]), np.r_[y, y], np.r_[w, w], mask=np.arange(2 * n) < n)
    np.testing.assert_allclose(masked.coef, fitted.coef, rtol=1e-9)


def test_silent_error_11_last_digits_do_not_depend_on_threads():
    """Silent error 11."""
    code = (
        "import numpy as np; from masar_research.engine import glm\n"
        "r = np.random.default_rng(1); X = np.c_[np.ones(60000), r.normal(size=(60000, 8))]\n"
        "y = (r.random(60000) < .4) * 1.; print(repr(glm.fit(X, y, r.uniform(1, 2, 60000)).coef.tolist()))"
    )
    root = str(Path(__file__).parents[2])
    out = [
        eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root,
                            env={**os.environ, "OPENBLAS_NUM_THREADS": k, "PYTHONPATH": root}).stdout)
        for k in ("1", "2")
    ]
    assert out[0] == out[1]
