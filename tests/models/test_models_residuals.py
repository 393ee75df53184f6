"""Residuals, leverage and influence: R, statsmodels' unweighted limit, brute force, identities.

`oracles/diagnostics.R` wrote the numbers.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import ndtri

import masar_research as mr
from masar_research.engine import influential
from masar_research.engine.families import kind_of
from masar_research.errors import ModelError
from masar_research.models import diagnostic_charts

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "diagnostics.json").read_text())
MODELS = {
    "logit": ("employed ~ C(sex) + age", "binomial"), "cloglog": ("employed ~ C(sex) + age", "cloglog"),
    "poisson": ("children ~ C(sex) + age", "poisson"), "gamma": ("pay ~ C(sex) + age", "gamma"),
    "gaussian": ("income ~ C(sex) + age", "gaussian"),
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    frame["pay"] = frame["income"] + 10
    return frame.assign(one=1.0, visits=np.random.default_rng(4).negative_binomial(1.2, 0.3, len(frame)).astype(float))


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def models(survey):
    return {name: survey.glm(formula, family=family) for name, (formula, family) in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_residuals_and_influence_are_those_of_r(models, name):
    model, answer = models[name], ORACLE[name]
    rows = answer["rows"]
    for kind in ("response", "pearson", "deviance"):
        np.testing.assert_allclose(model.residuals(kind).values[rows], answer[kind], rtol=1e-6, atol=1e-8)
    found = model.influence("one_step")
    np.testing.assert_allclose(found.leverage[rows], answer["hat_by_qr"], rtol=1e-7)
    np.testing.assert_allclose(found.leverage[rows], answer["hat"], rtol=1e-7)
    np.testing.assert_allclose(found.dfbetas[rows], answer["dfbetas"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.cook[rows], answer["cook"], rtol=1e-6, atol=1e-12)
    assert found.leverage.sum() == pytest.approx(model.fit.coef.size, rel=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_coefficients_without_a_psu_are_those_of_r_fitted_again(models, name):
    model, answer = models[name], ORACLE[name]
    table = model.influence().psus.set_index(["stratum", "psu"])
    change = table[[c for c in table.columns if c.startswith("change[")]]
    for unit, coef in zip(answer["units"], answer["without"], strict=True):
        key = tuple(int(part) for part in unit.split())
        np.testing.assert_allclose(model.fit.coef - change.loc[key].to_numpy(float), coef, rtol=1e-6, atol=1e-8)


def test_one_step_is_exact_for_a_linear_model_and_near_for_others(models):
    for name, near in (("gaussian", 1e-9), ("logit", 0.08)):
        exact, step = (models[name].influence(how).psus.sort_values(["stratum", "psu"]) for how in ("refit", "one_step"))
        columns = [c for c in exact.columns if c.startswith("change[")]
        error = models[name].frame["std_error"].to_numpy()
        assert (np.abs(exact[columns].to_numpy() - step[columns].to_numpy()) / error).max() < near


def test_a_person_left_out_changes_a_linear_model_by_what_is_said(data, survey, models):
    found = models["gaussian"].influence("one_step")
    row = int(np.nanargmax(found.cook))
    weights = survey.design.weights.copy()
    weights[row] = 0.0
    without = survey.with_weights(weights, None, "without one").linear("income ~ C(sex) + age")
    delta = models["gaussian"].fit.coef - without.fit.coef
    np.testing.assert_allclose(found.dfbetas[row], delta / models["gaussian"].frame["std_error"], rtol=1e-6)
    V = models["gaussian"].vcov
    assert found.cook[row] == pytest.approx(delta @ np.linalg.solve(V, delta) / 3, rel=1e-6)


def test_a_psu_that_does_not_belong_comes_first(data):
    rng = np.random.default_rng(3)
    spoiled = data.copy()
    inside = (spoiled["stratum"] == 111) & (spoiled["psu"] == 2)
    spoiled.loc[inside, "income"] = 4000 + 50 * spoiled.loc[inside, "age"] + rng.normal(0, 5, inside.sum())
    model = mr.Survey(spoiled, weights="weight", strata="stratum", psu="psu").linear("income ~ C(sex) + age")
    found = model.influence()
    first = found.psus.iloc[0]
    assert (first["stratum"], first["psu"]) == (111, 2) and first["cook"] > found.cutoffs["psu_cook"]
    assert abs(first["largest"]) > found.cutoffs["psu_dfbetas"] and found.note["psus_over_cook"] >= 1
    assert "111 · 2" in repr(found) and "111 · 2" in found.table("ar")


def test_unweighted_limit_is_statsmodels(data):
    survey = mr.Survey(data, weights="one")
    for name, family in (("gaussian", sm.families.Gaussian()), ("logit", sm.families.Binomial()),
                         ("poisson", sm.families.Poisson())):
        model = survey.glm(MODELS[name][0], family=MODELS[name][1])
        rows = model.fit.used
        fitted = sm.GLM(model.matrix.y[rows], model.matrix.X[rows], family=family).fit(tol=1e-13, tol_criterion="params")
        about = fitted.get_influence()
        found = model.influence("one_step")
        np.testing.assert_allclose(found.leverage[rows], about.hat_matrix_diag, rtol=1e-6)
        # its fit is taken one step from the answer, and compared with the model's own errors
        np.testing.assert_allclose(found.dfbetas[rows] * model.frame["std_error"].to_numpy(),
                                   about.d_params, rtol=2e-5, atol=1e-9)
        np.testing.assert_allclose(model.residuals("pearson").values[rows], fitted.resid_pearson, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(model.residuals("deviance").values[rows], fitted.resid_deviance, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(model.residuals("standardized").values[rows], about.resid_studentized, rtol=1e-5, atol=1e-7)
        assert found.psus.empty and found.note["psu_columns"] == ()
        assert "no primary sampling units" in repr(found) and "لا وحدات" in found.table("ar")


def test_quantile_residuals_of_gamma_are_those_of_statmod(data):
    model = mr.Survey(data, weights="one").gamma("pay ~ C(sex) + age")
    answer = ORACLE["quantile_gamma"]
    np.testing.assert_allclose(model.residuals("quantile").values[answer["rows"]], answer["value"], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(model.residuals("standardized").values[answer["rows"]], answer["standard"], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("family, outcome", [("binomial", "employed"), ("poisson", "children"), ("negative_binomial", "visits")])
def test_quantile_residuals_lie_within_their_step_and_are_normal(survey, family, outcome):
    from scipy import stats

    model = survey.glm(f"{outcome} ~ C(sex) + age", family=family)
    found = model.residuals("quantile", np.random.default_rng(8))
    again = model.residuals("quantile", np.random.default_rng(8))
    np.testing.assert_array_equal(found.values, again.values)
    rows, y = model.fit.used, model.matrix.y
    mu = model.fit.mu[rows]
    law = {"binomial": lambda: stats.bernoulli(mu), "poisson": lambda: stats.poisson(mu),
           "negative_binomial": lambda: stats.nbinom(model.fit.family.theta, model.fit.family.theta / (model.fit.family.theta + mu))}[family]()
    low, high = ndtri(law.cdf(y[rows] - 1)), ndtri(law.cdf(y[rows]))
    assert (found.values[rows] >= low - 1e-6).all() and (found.values[rows] <= high + 1e-6).all()
    assert np.isnan(found.values[~rows]).all()
    if family != "poisson":
        assert abs(found.summary()["mean"].iloc[0]) < 0.12 and 0.85 < found.summary()["std"].iloc[0] < 1.15


def test_the_fitted_distribution_has_the_variance_of_the_family():
    """Both ends of a step differ by its probability."""
    from scipy import stats

    kind, y, mu = kind_of("poisson"), np.arange(6.0), np.full(6, 1.7)
    low, high = influential.between(kind, y, mu, 1.0)
    np.testing.assert_allclose(high - low, stats.poisson(1.7).pmf(y), rtol=1e-12)


def test_a_domain_and_missing_rows_stay_out(survey):
    women = survey.where("sex == 2").logit("employed ~ C(education) + age")
    found = women.influence()
    outside = ~women.fit.used
    assert outside.any() and (found.leverage[outside] == 0).all() and (found.dfbetas[outside] == 0).all()
    assert np.isnan(women.residuals().values[outside]).all()
    assert found.psus["persons"].sum() == women.fit.n_used
    assert found.psus["weight_share"].sum() == pytest.approx(1)


def test_a_psu_without_which_nothing_is_left_is_missing_and_counted(data):
    spoiled = data.assign(only=((data["stratum"] == 111) & (data["psu"] == 1)).astype(float))
    spoiled = spoiled[spoiled["income"].notna()]
    model = mr.Survey(spoiled, weights="weight", strata="stratum", psu="psu").linear("income ~ only + age")
    found = model.influence()
    assert found.note["psus_without_fit"] == 1
    first = found.psus.iloc[0]
    assert (first["stratum"], first["psu"]) == (111, 1) and np.isnan(first["cook"])
    assert "–" in repr(found)
    assert len(model.plot_influence("en").svg) > 1000


def test_what_cannot_be_done_is_refused_in_both_languages(survey, models):
    logit = models["logit"]
    firth = survey.glm("employed ~ C(sex) + age", "binomial", penalty="firth")
    rng = np.random.default_rng(1)
    for call, words in (
        (lambda: logit.residuals("raw"), "kind"), (lambda: logit.residuals("quantile"), "at random"),
        (lambda: logit.residuals("pearson", rng), "nothing at random"), (lambda: logit.influence("jackknife"), "leaving"),
        (lambda: firth.influence(), "penalised"), (lambda: logit.plot_residuals("en", "scatter"), "kind"),
        (lambda: logit.plot_residuals("en", "binned", rng), "nothing at random"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            call()
        assert caught.value.remedy and any("ء" <= c <= "ي" for c in caught.value.ar)
    unclustered = mr.Survey(survey.frame, weights="weight").logit("employed ~ age")
    with pytest.raises(ModelError, match="no primary sampling units"):
        unclustered.plot_influence()


def test_prints_show_no_single_person(models):
    for text in (repr(models["gaussian"].residuals("response")), models["gaussian"].residuals("response")._repr_html_()):
        values = models["gaussian"].residuals("response").values
        for extreme in (np.nanmin(values), np.nanmax(values)):
            assert f"{abs(extreme):,.3f}" not in text
    assert "لا تُعرض بيانات أفراد" in models["gaussian"].residuals()._repr_html_()


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_charts_in_both_languages(models, lang):
    for name, kind in (("logit", "binned"), ("logit", "fitted"), ("logit", "calibration"), ("gaussian", "qq"), ("poisson", "binned")):
        art = models[name].plot_residuals(lang, kind)
        assert art.png[:4] == b"\x89PNG" and len(art.texts) > 5
        assert any("ء" <= c <= "ي" for text in art.texts for c in text) == (lang == "ar")
    assert models["logit"].plot_influence(lang).png[:4] == b"\x89PNG"
    qq = models["logit"].plot_residuals(lang, "qq", np.random.default_rng(2))
    assert qq.svg.startswith("<?xml") or "<svg" in qq.svg


def test_binned_means_are_domain_means_and_find_a_bend():
    rng = np.random.default_rng(5)
    n = 4000
    frame = pd.DataFrame({"w": rng.uniform(1, 3, n), "psu": np.arange(n) // 20, "x": rng.uniform(-2, 2, n)})
    frame["y"] = frame["x"] ** 2 + rng.normal(0, 0.5, n)
    bent = mr.Survey(frame, weights="w", psu="psu").linear("y ~ x")
    place = diagnostic_charts.groups_of(bent)
    drawn = diagnostic_charts._grouped(bent, "en", False)
    assert all(s.low <= s.y <= s.high for s in drawn.spots) and len(drawn.spots) == place.max() + 1
    outside = [s for s in drawn.spots if s.low > 0 or s.high < 0]
    assert len(outside) > len(drawn.spots) / 2
    right = mr.Survey(frame, weights="w", psu="psu").linear("y ~ poly(x, 2)")
    fine = [s for s in diagnostic_charts._grouped(right, "en", False).spots if s.low > 0 or s.high < 0]
    assert len(fine) <= 4
    smoothed = np.array(diagnostic_charts.smooth(frame["x"].to_numpy(), frame["y"].to_numpy(), frame["w"].to_numpy()))
    middle = np.abs(smoothed[:, 0]) < 1.5
    np.testing.assert_allclose(smoothed[middle, 1], smoothed[middle, 0] ** 2, atol=0.12)


def test_a_smoother_of_a_straight_line_is_that_line():
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=300), rng.uniform(0.5, 2, 300)
    found = np.array(diagnostic_charts.smooth(x, 3 - 2 * x, w))
    np.testing.assert_allclose(found[:, 1], 3 - 2 * found[:, 0], atol=1e-9)
