"""Log-linear models: R's svyloglin and its anova (1e-6), identities, errors, size of the test."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import loglinear
from masar_research.engine.newton import SeparationError
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "loglinear.json").read_text())


@pytest.fixture(scope="module")
def survey():
    data = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv").dropna(subset=["education"])
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


@pytest.mark.parametrize(
    ("name", "formula"), [("two", "~ sex * education + urban"), ("all2", "~ (sex + education + urban)**2")]
)
def test_coefficients_and_covariance_are_those_of_r(survey, name, formula):
    model, answer = survey.loglinear(formula), ORACLE[name]
    place = {term.replace("T.", "").replace("[", "").replace("]", ""): k for k, term in enumerate(model.frame["term"])}
    order = [place[term.replace("factor(", "").replace(")", "")] for term in answer["names"]]
    np.testing.assert_allclose(model.frame["estimate"].to_numpy()[order], answer["estimate"], rtol=1e-7)
    np.testing.assert_allclose(model.vcov[np.ix_(order, order)], answer["vcov"], rtol=1e-6, atol=1e-9)
    if name == "all2":
        np.testing.assert_allclose(np.sort(model.cells["fitted"]), np.sort(ORACLE["fitted_all2"]), rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "small", "large"),
    [("ind_two", "independence", "~ sex * education + urban"), ("two_sat", "~ sex * education + urban", "saturated"),
     ("all2_sat", "~ (sex + education + urban)**2", "saturated")],
)
def test_nested_tests_are_those_of_r(survey, name, small, large):
    model = survey.loglinear("~ sex * education * urban" if large == "saturated" else large)
    test, answer = model.test(small), ORACLE[name]
    np.testing.assert_allclose(test.eigenvalues, np.atleast_1d(answer["eigenvalues"]), rtol=1e-6)
    rows = test.frame.set_index("test")
    for kind in ("deviance", "pearson"):
        row = rows.loc[kind]
        assert row["value"] == pytest.approx(answer[kind], rel=1e-7)
        assert row["p_first_order"] == pytest.approx(answer[f"{kind}_first"], rel=1e-6)
        assert row["p_value"] == pytest.approx(answer[f"{kind}_f"], rel=1e-6)
        assert row["p_mixture"] == pytest.approx(row["p_value"], rel=0.15, abs=0.01)
    same = model.test(survey.loglinear(test.small if small != "saturated" else test.large))
    pd.testing.assert_frame_equal(same.frame, test.frame)


def test_it_is_a_poisson_model_of_the_table():
    rng = np.random.default_rng(1)
    X = np.array([[a, b, a * b] for a in (0, 1) for b in (0, 1, 2)], float)
    counts = rng.integers(10, 60, 6)
    found = loglinear.fit(counts / counts.sum(), X)
    other = sm.GLM(counts, sm.add_constant(X), family=sm.families.Poisson()).fit(tol=1e-14)
    np.testing.assert_allclose(found.coef, other.params[1:], rtol=1e-8)
    spread = np.linalg.inv(other.cov_params())  # of a Poisson: its slopes are those of the multinomial at n
    np.testing.assert_allclose(found.bread / counts.sum(), np.linalg.inv(spread)[1:, 1:], rtol=1e-8)


def test_independence_is_tested_as_by_chi_square(survey):
    """Pearson's statistic of two variables and its F are those of the Rao–Scott table test."""
    test = survey.loglinear("~ sex * education").test("independence")
    table = survey.chi_square("sex", "education")
    row = test.frame.set_index("test").loc["pearson"]
    assert row["p_value"] == pytest.approx(table.p_value, rel=0.02)


def test_a_saturated_table_gives_the_odds_ratio_of_the_shares(survey):
    model = survey.loglinear("~ sex * urban")
    shares = survey.proportion("urban", by="sex").frame["estimate"].to_numpy()
    ratio = (shares[3] / shares[2]) / (shares[1] / shares[0])
    assert model.frame["odds_ratio"].iloc[-1] == pytest.approx(ratio, rel=1e-9)
    assert model.frame["odds_ratio"][:-1].isna().all()
    logit = mr.Survey(survey.frame.assign(rural=survey.frame["urban"] - 1), weights="weight", strata="stratum",
                      psu="psu").logit("rural ~ C(sex)")
    assert model.frame["std_error"].iloc[-1] == pytest.approx(logit.frame["std_error"].iloc[-1], rel=1e-9)
    assert model.cells["residual"].isna().all()
    np.testing.assert_allclose(model.cells["fitted"], model.cells["observed"], rtol=1e-9)


def test_residuals_are_standard_under_the_model(survey):
    model = survey.loglinear("~ sex + education")
    assert model.cells["residual"].abs().max() < 6 and model.cells["residual"].notna().all()
    by_sex = model.cells.groupby("education", observed=True)["residual"].sum()
    assert by_sex.abs().max() < 1e-6


def test_replicates_missing_domains_and_words():
    data = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    sex = Variable(name="sex", label={"en": "Sex", "ar": "الجنس"}, level="nominal",
                   categories=tuple(Category(k, {"en": e, "ar": a}) for k, e, a in ((1, "Male", "ذكر"), (2, "Female", "أنثى"), (3, "Other", "آخر"))))
    survey = mr.Survey(data, weights="weight", strata="stratum", psu="psu", codebook=Codebook([sex]))
    model = survey.loglinear("~ sex * urban + education", reference={"sex": "Female"})
    assert model.note["missing_by_variable"] == {"education": 18} and model.note["rows"] == 657
    assert model.note["levels_without_rows"] == {"sex": (3,)} and model.note["references"]["sex"] == 2
    assert model.frame["label_ar"][0] == "الجنس: ذكر"
    assert "نسبة الأرجحية" in model._repr_html_() and "nan" not in model._repr_html_()
    again = survey.with_replicates(mr.replicates.JKn()).loglinear("~ sex * urban + education")
    plain = survey.loglinear("~ sex * urban + education")
    np.testing.assert_allclose(again.frame["estimate"], plain.frame["estimate"], rtol=1e-10)
    np.testing.assert_allclose(again.frame["std_error"], plain.frame["std_error"], rtol=0.05)
    women = survey.where("sex == 2").loglinear("~ urban * education")
    assert women.note["rows"] == int((data["education"].notna() & (data["sex"] == 2)).sum())
    test = model.test("saturated")
    assert test.reading["ar"] and "⊂" in test._repr_html_() and "within" in repr(test)


def frame(n=120):
    rng = np.random.default_rng(3)
    out = pd.DataFrame({"w": 1.0, "a": rng.integers(1, 3, n), "b": rng.integers(1, 4, n), "one": 1, "many": np.arange(n)})
    return out.assign(c=np.where(out["a"] == 1, 1, out["b"]), d=np.arange(n) % 7)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.loglinear("a ~ b"), "'~ sex * education'"),
        (lambda s: s.loglinear("~ 1"), "'~ sex * education'"),
        (lambda s: s.loglinear("~ a + one"), "varies"),
        (lambda s: s.loglinear("~ many * b * a * c * d"), "Group the variables"),
        (lambda s: s.loglinear("~ a + b").test("~ a + c"), "within the table"),
        (lambda s: s.loglinear("~ a + b").test("~ a + b"), "all terms of the other"),
        (lambda s: s.loglinear("~ a * b").test(s.loglinear("~ a + c")), "formula"),
        (lambda s: s.loglinear("~ a + b", reference={"c": 1}), "reference"),
        (lambda s: s.loglinear("~ a + b", level=2), "between 0 and 1"),
    ],
)
def test_errors_name_the_remedy(call, said):
    with pytest.raises(ModelError) as error:
        call(mr.Survey(frame(), weights="w"))
    assert said is None or said in error.value.remedy


def test_an_empty_cell_of_a_saturated_table_is_refused_and_said_elsewhere():
    survey = mr.Survey(frame(), weights="w")
    with pytest.raises(SeparationError, match="run away"):
        survey.loglinear("~ a * c")
    assert survey.loglinear("~ a + c").note["empty_cells"] == 2


@pytest.mark.parametrize("reps", [pytest.param(60, id="short"), pytest.param(600, id="long", marks=pytest.mark.full)])
def test_the_test_keeps_its_size_in_clusters(reps):
    """Two independent variables that both vary between clusters: an uncorrected X² rejects far too often."""
    rng = np.random.default_rng(17)
    found, naive, inside = np.zeros(reps), np.zeros(reps), np.zeros(reps)
    for r in range(reps):
        a, b = (rng.normal(size=(40, 1)) + rng.normal(size=(40, 10)) > 0.3 for _ in range(2))
        data = pd.DataFrame({"w": 1.0, "p": np.repeat(np.arange(40), 10), "a": 1 + a.ravel(), "b": 1 + b.ravel()})
        model = mr.Survey(data, weights="w", psu="p").loglinear("~ a * b")
        row = model.test("independence").frame.iloc[1]
        found[r], naive[r] = row["p_value"], row["value"] > 3.84
        inside[r] = (model.frame["conf_low"].iloc[-1] <= 0) & (0 <= model.frame["conf_high"].iloc[-1])
    room = 4 * np.sqrt(0.0475 / reps)
    assert abs((found < 0.05).mean() - 0.05) < room and abs(inside.mean() - 0.95) < room
    assert naive.mean() > 0.05 + room
