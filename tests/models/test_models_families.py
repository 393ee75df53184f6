"""Families, links, offsets, dispersion and Firth's penalty against R and against arithmetic."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.special import expit

import masar_research as mr
from masar_research.engine.families import Kind
from masar_research.engine.firth import at_least_model_based, fit_firth
from masar_research.engine.glm import fit
from masar_research.engine.negative_binomial import fit_negative_binomial
from masar_research.engine.refits import refits
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "after_the_fit.json").read_text())
EXACT = 1e-8


def generated() -> pd.DataFrame:
    data = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    every_fifth = (np.arange(len(data)) + 1) % 5 == 0
    return data.assign(years=1 + (data["age"] - 15) / 10,
                       visits=data["children"] * np.where(every_fifth, 5, 1))


@pytest.fixture(scope="module")
def survey():
    return mr.Survey(generated(), weights="weight", strata="stratum", psu="psu")


def agrees(model, answer, rtol=EXACT):
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=rtol)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=rtol)
    np.testing.assert_allclose(model.vcov, answer["vcov"], rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(model.frame["p_value"], answer["p"], rtol=1e-6, atol=1e-12)
    assert model.df == answer["df"]


# --- against R svyglm ------------------------------------------------------------------


def test_gamma_with_either_link(survey):
    agrees(survey.gamma("income ~ C(sex) + age"), ORACLE["gamma"])
    agrees(survey.gamma("income ~ C(sex) + C(urban)", link="inverse"), ORACLE["gamma_inverse"])


def test_gaussian_with_a_log_link_and_cauchit(survey):
    agrees(survey.glm("income ~ C(sex) + age", link="log"), ORACLE["gaussian_log"])
    agrees(survey.glm("employed ~ C(sex) + age", "binomial", link="cauchit"), ORACLE["cauchit"])


def test_poisson_with_an_offset_or_an_exposure(survey):
    one = survey.poisson("children ~ C(sex) + C(education) + offset(log(years))")
    two = survey.poisson("children ~ C(sex) + C(education)", exposure="years")
    agrees(one, ORACLE["poisson_offset"])
    agrees(two, ORACLE["poisson_offset"])
    assert one.note["offset"] == two.note["offset"] == "log(years)"
    women = survey.where("sex == 2").poisson("children ~ age + offset(log(years))")
    agrees(women, ORACLE["poisson_women"])


@pytest.mark.parametrize(("name", "exposure"), [("negbin", None), ("negbin_offset", "years")])
def test_negative_binomial_with_its_dispersion(survey, name, exposure):
    """R maximised the likelihood by numerical derivatives: 1e-6."""
    model, answer = survey.negative_binomial("visits ~ C(sex) + age", exposure=exposure), ORACLE[name]
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"][:3], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"][:3], rtol=1e-6)
    np.testing.assert_allclose(model.vcov, np.array(answer["vcov"])[:3, :3], rtol=1e-5, atol=1e-9)
    alpha = model.note["dispersion"]
    assert alpha["alpha"] == pytest.approx(np.exp(-answer["estimate"][3]), rel=1e-6)
    assert alpha["std_error"] == pytest.approx(alpha["alpha"] * answer["se"][3], rel=1e-6)


def test_replicates_are_refitted_to_convergence(survey):
    """R's as.svrepdesign(type="JKn") with scale and rscales of its own."""
    again = survey.with_replicates(mr.replicates.JKn())
    for verb, formula, name in (("logit", "employed ~ C(sex) + C(education) + age", "jackknife"),
                                ("poisson", "children ~ C(sex) + age", "jackknife_poisson")):
        model, answer = getattr(again, verb)(formula), ORACLE[name]
        np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=1e-7)
        np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=1e-6)


def test_firth_with_weights_against_brglm2():
    data = generated().dropna(subset=["employed", "education"])
    data["sep"] = np.where(data["education"] == 5, 1.0, data["employed"])
    survey = mr.Survey(data, weights="weight", strata="stratum", psu="psu")
    with pytest.raises(ModelError, match="penalty='firth'"):
        survey.logit("sep ~ C(sex) + C(education) + age")
    model = survey.logit("sep ~ C(sex) + C(education) + age", penalty="firth")
    np.testing.assert_allclose(model.frame["estimate"], ORACLE["firth"]["estimate"], rtol=1e-6)
    assert "Firth" in model.note["penalty"]


def test_firth_on_the_endometrial_cancer_study():
    """Heinze and Schemper (2002): separated by NV; brglm2's estimates and model-based errors."""
    answer = ORACLE["endometrial"]
    data = {name: np.array(values, dtype=float) for name, values in answer["data"].items()}
    X = np.column_stack([np.ones(79), data["NV"], data["PI"], data["EH"]])
    out = fit_firth(X, data["HG"], np.ones(79))
    np.testing.assert_allclose(out.coef, answer["estimate"], rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(out.bread)), answer["se"], rtol=1e-6)
    np.testing.assert_allclose(out.coef.round(5), [3.77456, 2.92927, -0.03475, -2.60416])
    weighted = fit_firth(X, data["HG"], np.full(79, 250.0))
    np.testing.assert_allclose(weighted.coef, out.coef, rtol=1e-9)


# --- identities and brute force --------------------------------------------------------


def test_firth_maximises_the_penalised_likelihood():
    rng = np.random.default_rng(5)
    X = np.column_stack([np.ones(40), rng.normal(size=40), rng.integers(0, 2, 40)])
    y, w = (X[:, 2] > 0).astype(float), rng.gamma(3.0, size=40)
    v = w * 40 / w.sum()

    def penalised(b):
        mu = expit(X @ b)
        likelihood = v @ (y * np.log(mu) + (1 - y) * np.log1p(-mu))
        return -(likelihood + 0.5 * np.linalg.slogdet(X.T @ (X * (v * mu * (1 - mu))[:, None]))[1])

    best = optimize.minimize(penalised, np.zeros(3), method="Nelder-Mead",
                             options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000}).x
    np.testing.assert_allclose(fit_firth(X, y, w).coef, best, rtol=1e-5)


def test_firth_never_claims_more_than_as_many_independent_interviews():
    """A group with one outcome has no residual variation; its error is at least the model's."""
    data = generated().dropna(subset=["employed", "education"])
    data["sep"] = np.where(data["education"] == 5, 1.0, data["employed"])
    model = mr.Survey(data, weights="weight", strata="stratum", psu="psu").logit(
        "sep ~ C(sex) + C(education)", penalty="firth")
    naive = model.fit.bread * model.fit.weights.sum() / model.fit.n_used
    assert np.linalg.eigvalsh(model.vcov - naive).min() > -1e-10
    V, M = np.diag([4.0, 9.0]), np.eye(2)
    np.testing.assert_allclose(at_least_model_based(V, M), V, rtol=1e-12)


def test_a_negative_binomial_of_known_theta_is_a_glm_and_the_joint_fit_has_no_score():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(500), rng.normal(size=500)])
    y = rng.negative_binomial(2, 2 / (2 + np.exp(X @ [0.5, 0.3]))).astype(float)
    w = rng.gamma(2.0, size=500)
    joint = fit_negative_binomial(X, y, w)
    alone = fit(X, y, w, family=Kind("negative_binomial", "log", joint.family.theta))
    np.testing.assert_allclose(alone.coef, joint.coef, rtol=1e-8)
    np.testing.assert_allclose(X.T @ joint.score, 0, atol=1e-7)
    assert abs(joint.nuisance.score.sum()) < 1e-7


def test_counts_without_more_variation_than_poisson_are_refused():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"w": 1.0, "y": rng.binomial(4, 0.5, 300).astype(float), "x": rng.normal(size=300)})
    with pytest.raises(ModelError, match="do not vary more than Poisson") as caught:
        mr.Survey(frame, weights="w").negative_binomial("y ~ x")
    assert "بواسون" in caught.value.ar


@pytest.mark.parametrize("family", ["binomial", "probit", "poisson", "gamma", Kind("gamma", "inverse"), "gaussian"])
def test_refits_equal_fits_of_their_own(family):
    rng = np.random.default_rng(8)
    n = 700
    X = np.column_stack([np.ones(n), rng.uniform(-1, 1, n), rng.integers(0, 2, n)])
    name = family.name if isinstance(family, Kind) else family
    mu = np.exp(0.3 + 0.2 * X[:, 1])
    y = {"poisson": rng.poisson(mu), "gamma": rng.gamma(3, mu / 3), "gaussian": rng.normal(mu)}.get(
        name, rng.integers(0, 2, n)).astype(float)
    w, offset = rng.gamma(2.0, size=n), None
    if family == "poisson":
        offset = rng.uniform(-0.2, 0.2, n)
    sets = w * rng.poisson(1.0, (45, 70)).astype(float)[:, np.arange(n) % 70]
    full = fit(X, y, w, family=family, offset=offset)
    coef, settled = refits(X, y, lambda r: sets[r], 45, full.coef, family=family, offset=offset)
    own = np.array([fit(X, y, s, family=family, offset=offset).coef for s in sets])
    assert settled.all()
    np.testing.assert_allclose(coef, own, rtol=1e-8, atol=1e-9)


def test_a_replicate_without_an_estimate_is_named():
    """One PSU holds all the women who do not work: without it the outcome is separated."""
    frame = pd.DataFrame({"w": 1.0, "psu": np.repeat(np.arange(8), 5), "sex": [1, 2, 1, 2, 1] * 8,
                          "works": 1.0})
    frame.loc[(frame["sex"] == 1) & (frame.index % 3 == 0), "works"] = 0.0
    frame.loc[(frame["psu"] == 2) & (frame["sex"] == 2), "works"] = 0.0
    survey = mr.Survey(frame, weights="w", psu="psu").with_replicates(mr.replicates.JKn())
    with pytest.raises(ModelError, match="In replicate 3: Separation"):
        survey.logit("works ~ C(sex)")


# --- the formula -----------------------------------------------------------------------


def test_offsets_are_evaluated_in_every_world(survey):
    """A rate model's mean count at twice the exposure is twice the mean count."""
    model = survey.poisson("children ~ C(sex)", exposure="years")
    found = model.predictions("years", at=[1.0, 2.0]).frame["estimate"]
    assert found[1] == pytest.approx(2 * found[0], rel=1e-10)
    total = np.average(model.fit.mu[model.fit.used], weights=model.fit.weights[model.fit.used])
    seen = survey.mean("children").frame["estimate"][0]
    assert total == pytest.approx(seen, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.glm("income ~ age", "beta"), "beta"),
        (lambda s: s.glm("income ~ age", "gamma", link="logit"), "not offered"),
        (lambda s: s.glm("employed ~ age", "probit", link="log"), "not offered"),
        (lambda s: s.glm("children ~ age", "gamma"), "above zero"),
        (lambda s: s.glm("income ~ age", exposure="years"), "logarithm"),
        (lambda s: s.glm("income ~ age", penalty="firth"), "logit"),
        (lambda s: s.poisson("children ~ age + offset(bs(age, df=3))"), "offset"),
        (lambda s: s.poisson("children ~ age", exposure="children"), "both sides"),
        (lambda s: s.poisson("visits ~ age + offset(log(children))"), "not finite"),
        (lambda s: s.linear("income ~ age", collinear="ignore"), "collinear"),
    ],
)
def test_what_cannot_be_is_refused(survey, call, words):
    with pytest.raises(ModelError, match=words) as caught:
        call(survey)
    assert caught.value.remedy and caught.value.ar


def test_collinear_columns_are_named_or_dropped_and_flagged(survey):
    twice = survey.with_columns({"months": survey.values("age") * 12})
    with pytest.raises(ModelError, match="months duplicates"):
        twice.linear("income ~ age + months + C(sex)")
    model = twice.linear("income ~ age + months + C(sex)", collinear="drop")
    plain = twice.linear("income ~ age + C(sex)")
    np.testing.assert_allclose(model.vcov, plain.vcov, rtol=1e-9)
    assert list(model.frame["term"]) == list(plain.frame["term"])
    assert "months duplicates" in model.note["dropped"]["months"] and "age" in model.note["dropped"]["months"]
    np.testing.assert_allclose(model.margins("sex").vcov, plain.margins("sex").vcov, rtol=1e-8)


def test_splines_keep_their_knots_in_other_worlds(survey):
    model = survey.linear("income ~ bs(age, df=4) + C(sex)")
    everywhere = model.predictions("age", at=[20.0, 40.0]).frame["estimate"]
    at_forty = model.matrix.data.assign(age=40.0)
    by_hand = np.average(model.matrix.rows_of(at_forty) @ model.fit.coef,
                         weights=model.fit.weights[model.fit.used])
    assert everywhere[1] == pytest.approx(by_hand, rel=1e-12)


def test_a_model_can_be_asked_again_of_another_survey(survey):
    model = survey.poisson("children ~ C(sex) + age", exposure="years", reference={"sex": 2})
    doubled = survey.with_weights(survey.design.weights * 2, None, "doubled")
    again = model.refit(doubled)
    np.testing.assert_allclose(again.vcov, model.vcov, rtol=1e-8)
    assert again.note["references"] == {"sex": 2} and again.formula == model.formula


# --- real files ------------------------------------------------------------------------

REAL = os.environ.get("MASAR_REAL_DATA")
needs_real = pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA is not set: api, scd, nhanes, RECS 2015")


@needs_real
def test_api_gamma_and_poisson():
    folder = Path(REAL) / "r_survey"
    clus, strat = pd.read_csv(folder / "apiclus2.csv"), pd.read_csv(folder / "apistrat.csv")
    two = mr.Survey(clus, weights="pw", psu=["dnum", "snum"], fpc=["fpc1", "fpc2"])
    agrees(two.gamma("api00 ~ ell + meals"), ORACLE["apiclus2_gamma"])
    one = mr.Survey(strat, weights="pw", strata="stype", fpc="fpc")
    agrees(one.poisson("enroll ~ stype + meals"), ORACLE["apistrat_poisson"])


@needs_real
def test_scd_linear_with_given_brr():
    data = pd.read_csv(Path(REAL) / "r_survey" / "scd.csv")
    signs = np.array([[1, 0, 1, 0, 1, 0], [1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1], [0, 1, 0, 1, 1, 0]]) * 2.0
    data = data.assign(one=1.0, **{f"r{k}": signs[k] for k in range(4)})
    survey = mr.Survey(data, weights="one", replicates=mr.replicates.BRR("r*", combined=False))
    answer, model = ORACLE["scd"], survey.linear("alive ~ arrests")
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=1e-9)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=1e-9)


@needs_real
def test_nhanes_logit_on_its_answered_rows():
    data = pd.read_csv(Path(REAL) / "r_survey" / "nhanes.csv")
    survey = mr.Survey(data, weights="WTMEC2YR", strata="SDMVSTRA", psu="SDMVPSU")
    model = survey.logit("HI_CHOL ~ C(race) + C(agecat) + RIAGENDR")
    agrees(model, ORACLE["nhanes"], rtol=1e-7)


@needs_real
def test_recs_regressions_published():
    """DOLLAREL ~ region: 1345.84 (34.18), Midwest −150.33 (40.01), South 284.68 (42.45), West −200.14
    (47.28); TOTALDOL ~ TOTCSQFT: 1378 (26.64), 0.3503 (0.01893)."""
    columns = ["NWEIGHT", "DOLLAREL", "TOTALDOL", "TOTCSQFT", "Region"]
    data = pd.read_csv(Path(REAL) / "recs2015" / "recs.csv",
                       usecols=lambda c: c in columns or c.startswith("BRRWT"))
    survey = mr.Survey(data, weights="NWEIGHT", replicates=mr.replicates.BRR("BRRWT*", fay=0.5, mse=True))
    region = survey.linear("DOLLAREL ~ C(Region)", reference={"Region": "Northeast"}).frame
    assert region["estimate"].round(2).tolist() == [1345.84, -150.33, 284.68, -200.14]
    assert region["std_error"].round(2).tolist() == [34.18, 40.01, 42.45, 47.28]
    area = survey.linear("TOTALDOL ~ TOTCSQFT").frame
    assert round(area["estimate"][0]) == 1378
    assert area["estimate"][1] == pytest.approx(0.3503, abs=1e-4) and round(area["std_error"][0], 2) == 26.64
    assert round(area["std_error"][1], 5) == 0.01893
