"""Coefficients and errors against R svyglm (1e-8), average marginal effects against R.

`oracles/models.R` wrote the numbers. The marginal effects were made there by moving the weights
of one PSU at a time and refitting (an infinitesimal jackknife), so their errors carry the
rounding of a numerical derivative: 1e-6.
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Codebook, Variable

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "models.json").read_text())
EXACT = 1e-8
NUMERIC = 1e-6


@pytest.fixture(scope="module")
def survey():
    data = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


def agrees(model, answer):
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=EXACT)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=EXACT)
    np.testing.assert_allclose(model.vcov, answer["vcov"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(model.frame["p_value"], answer["p"], rtol=1e-6, atol=1e-12)
    assert model.df == answer["df"]


def test_logit(survey):
    agrees(survey.logit("employed ~ C(sex) + C(education) + age"), ORACLE["logit"])


def test_logit_with_interaction(survey):
    model = survey.logit("employed ~ C(sex) * C(education) + age")
    agrees(model, reordered(ORACLE["interaction"], model))


def reordered(answer, model):
    """R puts main effects before interactions; so does formulaic, numeric terms included."""
    assert [":" in term for term in model.frame["term"]] == sorted(":" in t for t in model.frame["term"])
    return answer


def test_logit_of_a_subpopulation_keeps_the_design(survey):
    agrees(survey.where("sex == 2").logit("employed ~ C(education) + age"), ORACLE["women"])


@pytest.mark.parametrize(
    ("family", "formula"),
    [("gaussian", "income ~ C(sex) + C(education) + age"), ("poisson", "children ~ C(sex) + age"),
     ("probit", "employed ~ C(sex) + age"), ("cloglog", "employed ~ C(sex) + age")],
)  # fmt: skip
def test_other_families(survey, family, formula):
    agrees(survey.glm(formula, family=family), ORACLE[family])


def effect(estimates, answer):
    np.testing.assert_allclose(estimates.frame["estimate"], np.ravel(answer["estimate"]), rtol=EXACT)
    np.testing.assert_allclose(estimates.vcov, np.atleast_2d(answer["vcov"]), rtol=NUMERIC, atol=1e-10)


def test_effect_of_a_category(survey):
    model = survey.logit("employed ~ C(sex) * C(education) + age")
    effect(model.margins("sex"), ORACLE["ame_sex"])


def test_effect_against_a_reference(survey):
    model = survey.logit("employed ~ C(sex) + C(education) + age")
    table = model.margins("education", reference=1)
    row = table.frame["category"] == 5
    answer = ORACLE["ame_education"]
    np.testing.assert_allclose(table.frame.loc[row, "estimate"], answer["estimate"], rtol=EXACT)
    np.testing.assert_allclose(table.frame.loc[row, "std_error"] ** 2, np.ravel(answer["vcov"]), rtol=NUMERIC)


def test_effect_of_a_number(survey):
    effect(survey.logit("employed ~ C(sex) + C(education) + age").margins("age"), ORACLE["ame_age"])


def test_effect_by_group_with_covariance(survey):
    model = survey.logit("employed ~ C(sex) * C(education) + age")
    effect(model.margins("sex", over="urban"), ORACLE["ame_sex_by_urban"])


def test_effect_in_a_subpopulation(survey):
    model = survey.where("age < 40").logit("employed ~ C(sex) + C(education) + age")
    effect(model.margins("sex"), ORACLE["ame_sex_young"])


REAL = os.environ.get("MASAR_REAL_DATA")
needs_api = pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA is not set: r_survey/apistrat.csv, apiclus2.csv")


@needs_api
def test_apistrat_and_apiclus2():
    folder = Path(REAL) / "r_survey"
    strat, clus = pd.read_csv(folder / "apistrat.csv"), pd.read_csv(folder / "apiclus2.csv")
    for data in (strat, clus):
        data["wide"] = (data["sch.wide"] == "Yes").astype(float)
    survey = mr.Survey(strat, weights="pw", strata="stype", fpc="fpc")
    agrees(survey.logit("wide ~ ell + meals + mobility"), ORACLE["apistrat"])
    book = Codebook([Variable("stype", {"en": "School type"}, level="nominal")])
    survey = mr.Survey(clus, weights="pw", psu=["dnum", "snum"], fpc=["fpc1", "fpc2"], codebook=book)
    agrees(survey.glm("api00 ~ ell + meals + mobility"), ORACLE["apiclus2"])
    agrees(survey.logit("wide ~ meals + stype"), ORACLE["apiclus2_logit"])


@needs_api
def test_anes_2020_published_coefficients():
    """Early vote on party: −2.67899 (0.09883), LeanRep −0.51358 (0.16661), Other −0.29793 (0.31133)."""
    data = pd.read_csv(Path(REAL) / "anes2020" / "shortcourse_anes_2020.csv", encoding="latin-1")
    side = {"democrat": 1.0, "republican": 2.0, "Independent": 3.0}
    data["party"] = data["PartyID"].map(lambda p: side.get(str(p).split("-")[-1].split(" ")[-1], np.nan))
    data["early"] = data["EarlyVote2020"].map({"Yes": 1.0, "No": 0.0})
    survey = mr.Survey(data, weights="Weight", strata="Stratum", psu="VarUnit")
    table = survey.logit("early ~ C(party)").frame
    assert table["estimate"].round(5).tolist() == [-2.67899, -0.51358, -0.29793]
    assert table["std_error"].round(5).tolist() == [0.09883, 0.16661, 0.31133]
