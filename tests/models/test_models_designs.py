"""Every family under raked weights, two phases, replicates and pooled waves; and without any design.

`oracles/model_designs.R` wrote R's numbers (calibrate, twophase and as.svrepdesign with svyglm).
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import masar_research as mr
from masar_research.engine.families import LINKS
from masar_research.phases import Stratified

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "model_designs.json").read_text())
FAMILIES = {
    "binomial": "employed", "probit": "employed", "cloglog": "employed", "poisson": "children", "gamma": "pay",
    "gaussian": "income",
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    frame = frame[frame[["employed", "children", "income"]].notna().all(axis=1)].reset_index(drop=True)
    assert len(frame) == ORACLE["rows"]
    return frame.assign(pay=frame["income"] + 10, one=1.0)


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


def agrees(model, answer, rtol=1e-6):
    np.testing.assert_allclose(model.fit.coef, answer["estimate"], rtol=rtol, atol=1e-9)
    scale = np.sqrt(np.diag(answer["vcov"]))
    np.testing.assert_allclose(model.vcov / np.outer(scale, scale), answer["vcov"] / np.outer(scale, scale), atol=rtol)


@pytest.fixture(scope="module")
def raked(survey):
    total = ORACLE["total"]
    made = survey.weighting.rake({"sex": {1: 0.52 * total, 2: 0.48 * total}, "urban": {1: 0.7 * total, 2: 0.3 * total}},
                                 tol=1e-13)
    return made.apply()


@pytest.mark.parametrize("family", FAMILIES)
def test_raked_weights(raked, survey, family):
    model = raked.glm(f"{FAMILIES[family]} ~ C(sex) + age", family=family)
    agrees(model, ORACLE["raked"][family])
    ignored = mr.Survey(survey.frame.assign(g=raked.design.weights), weights="g", strata="stratum", psu="psu")
    plain = ignored.glm(f"{FAMILIES[family]} ~ C(sex) + age", family=family)
    assert np.abs(plain.frame["std_error"] / model.frame["std_error"] - 1).max() > 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_replicates(survey, family):
    model = survey.with_replicates(mr.replicates.JKn()).glm(f"{FAMILIES[family]} ~ C(sex) + age", family=family)
    agrees(model, ORACLE["replicated"][family])


@pytest.mark.parametrize("family", FAMILIES)
def test_two_phases(family):
    frame = pd.read_csv(HERE.parents[1] / "two_phase" / "two_phase.csv")
    known = frame["sampled"] == 1
    frame["w"] = frame["fpc_region"] / frame.groupby("region")["region"].transform("size")
    frame["count"], frame["pay"] = np.floor(frame["y"].abs() / 10), frame["y"].abs() + 1
    outcome = {"poisson": "count", "gamma": "pay", "gaussian": "y"}.get(family, "z")
    frame = frame.assign(**{outcome: frame[outcome].where(known)})
    survey = mr.Survey(frame, weights="w", strata="region", fpc="fpc_region",
                       second_phase=Stratified("sampled == 1", strata="screen", method="full"))
    agrees(survey.glm(f"{outcome} ~ C(sex) + x", family=family), ORACLE["phases"][family])


@pytest.mark.parametrize("family", FAMILIES)
def test_pooled_waves(data, survey, family):
    """Waves of other PSUs are strata of their own; a wave repeated with the same PSUs tells nothing new."""
    formula = f"{FAMILIES[family]} ~ C(sex) + age"
    other = data.assign(wave=2, age=data["age"] % 37 + 18, psu=data["psu"] + 500, weight=data["weight"] * 1.3)
    both = pd.concat([data.assign(wave=1), other], ignore_index=True)
    both["cell"] = both["wave"] * 1000 + both["stratum"]
    pooled = mr.Survey(both, weights="weight", strata="stratum", psu="psu", wave="wave").glm(formula, family=family)
    apart = mr.Survey(both, weights="weight", strata="cell", psu="psu").glm(formula, family=family)
    np.testing.assert_allclose(pooled.fit.coef, apart.fit.coef, rtol=1e-9)
    np.testing.assert_allclose(pooled.vcov, apart.vcov, rtol=1e-9)
    twice = pd.concat([data.assign(wave=1), data.assign(wave=2)], ignore_index=True)
    repeated = mr.Survey(twice, weights="weight", strata="stratum", psu="psu", wave="wave").glm(formula, family=family)
    np.testing.assert_allclose(repeated.vcov, survey.glm(formula, family=family).vcov, rtol=1e-6)


LIMITS = [(name, link) for name, links in LINKS.items() if name != "negative_binomial" for link in links]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")
@pytest.mark.parametrize(("family", "link"), LIMITS)
def test_without_a_design_it_is_statsmodels_with_its_sandwich(family, link):
    """Simple random sample, equal weights: HC0 of the expected information, times n/(n − 1)."""
    rng = np.random.default_rng(17)
    n = 500
    frame = pd.DataFrame({"w": 3.0, "x": rng.uniform(0, 1, n), "z": rng.integers(0, 2, n).astype(float)})
    eta = {"inverse": 1.2 + 0.5 * frame["x"] + 0.3 * frame["z"], "log": -1.2 + 0.5 * frame["x"] + 0.3 * frame["z"]}.get(
        link, 0.3 + 0.5 * frame["x"] + 0.3 * frame["z"])
    shape = {"binomial": sm.families.Binomial, "gaussian": sm.families.Gaussian, "poisson": sm.families.Poisson,
             "gamma": sm.families.Gamma}[family]
    links = sm.families.links
    bend = {"logit": links.Logit, "probit": links.Probit, "cloglog": links.CLogLog, "cauchit": links.Cauchy, "log": links.Log,
            "identity": links.Identity, "inverse": links.InversePower, "sqrt": links.Sqrt}[link]()
    mean = bend.inverse(eta.to_numpy()) if not (family == "poisson" and link == "identity") else 1 + eta.to_numpy()
    frame["y"] = {
        "binomial": lambda: (rng.random(n) < mean).astype(float), "gaussian": lambda: mean + rng.normal(0, 0.1, n),
        "poisson": lambda: rng.poisson(mean).astype(float), "gamma": lambda: mean * rng.gamma(5, 0.2, n),
    }[family]()  # fmt: skip
    model = mr.Survey(frame, weights="w").glm("y ~ x + z", family=family, link=link)
    X = sm.add_constant(frame[["x", "z"]].to_numpy())
    theirs = sm.GLM(frame["y"].to_numpy(), X, family=shape(bend)).fit(tol=1e-13, tol_criterion="params", maxiter=300)
    np.testing.assert_allclose(model.fit.coef, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(model.fit.mu, theirs.fittedvalues, rtol=1e-6)
    slope = 1 / theirs.family.link.deriv(theirs.fittedvalues)
    V = theirs.family.variance(theirs.fittedvalues)
    score = X * ((frame["y"].to_numpy() - theirs.fittedvalues) * slope / V)[:, None]
    bread = np.linalg.inv(X.T @ (X * (slope**2 / V)[:, None]))
    sandwich = bread @ (score.T @ score) @ bread * n / (n - 1)
    np.testing.assert_allclose(model.vcov, sandwich, rtol=1e-5, atol=1e-12)
    if model.fit.family.canonical:
        robust = sm.GLM(frame["y"].to_numpy(), X, family=shape(bend)).fit(
            tol=1e-13, tol_criterion="params", maxiter=300, cov_type="HC0")
        np.testing.assert_allclose(model.vcov, robust.cov_params() * n / (n - 1), rtol=1e-5, atol=1e-12)


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ConvergenceWarning")
def test_without_a_design_a_negative_binomial_is_statsmodels():
    from statsmodels.discrete.discrete_model import NegativeBinomial

    rng = np.random.default_rng(18)
    n = 800
    frame = pd.DataFrame({"w": 1.0, "x": rng.uniform(0, 1, n)})
    frame["y"] = rng.poisson(np.exp(0.4 + 0.8 * frame["x"]) * rng.gamma(1.5, 1 / 1.5, n)).astype(float)
    model = mr.Survey(frame, weights="w").negative_binomial("y ~ x")
    theirs = NegativeBinomial(frame["y"].to_numpy(), sm.add_constant(frame["x"].to_numpy())).fit(disp=0, gtol=1e-10, maxiter=500)
    np.testing.assert_allclose(model.fit.coef, theirs.params[:2], rtol=1e-5)
    assert model.note["dispersion"]["alpha"] == pytest.approx(theirs.params[2], rel=1e-5)


def test_daic_of_a_linear_model_has_the_parts_of_its_definition(survey):
    """Not R's figure: `extractAIC` divides the likelihood too by the variance, so it depends on the unit."""
    found, parts = survey.linear("income ~ C(sex) + age").fit_statistics(), ORACLE["daic"]
    assert found.effective_parameters == pytest.approx(parts["effects"] + parts["of_sigma"], rel=1e-7)
    assert found.daic == pytest.approx(parts["minus_two"] + 2 * (parts["effects"] + parts["of_sigma"]), rel=1e-8)
