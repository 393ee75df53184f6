"""Quantile regression: quantreg, statsmodels, identities, errors, coverage.

`oracles/quantile_regression.R` wrote the numbers; the sandwich there is put together from
quantreg's bandwidth and survey's covariance of a total.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import quantile_regression as engine
from masar_research.errors import ModelError

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "quantile_regression.json").read_text())


@pytest.fixture(scope="module")
def data():
    return pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


def agrees(model, answer, rtol=1e-7):
    np.testing.assert_allclose(model.frame["estimate"], answer["estimate"], rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(model.frame["std_error"], answer["se"], rtol=rtol)
    np.testing.assert_allclose(model.vcov, answer["vcov"], rtol=1e-6)


def test_coefficients_and_errors_are_those_of_r(survey):
    agrees(survey.quantile_regression("income ~ C(sex) + age"), ORACLE["median"])
    agrees(survey.quantile_regression("income ~ C(sex) + age", tau=0.9), ORACLE["upper"])
    agrees(survey.where("sex == 2").quantile_regression("income ~ age", tau=0.25), ORACLE["women"])


def test_under_replicates_each_has_a_fit_of_its_own(data):
    frame = data.copy()
    for r in range(1, 13):
        sign = ((frame["psu"] * 7 + frame["stratum"] * 3 + r * 5 + frame["psu"] * r) % 2) * 2 - 1
        frame[f"half{r}"] = frame["weight"] * (1 + 0.5 * sign)
    half = mr.Survey(frame, weights="weight", replicates=mr.replicates.Fay("half*", rho=0.5))
    model = half.quantile_regression("income ~ C(sex) + age")
    np.testing.assert_allclose(model.frame["estimate"], ORACLE["half"]["estimate"], rtol=1e-8)
    np.testing.assert_allclose(model.vcov, ORACLE["half"]["vcov"], rtol=1e-6)
    assert "12 Fay replicates" in model.note["std_error"]


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.8])
def test_without_weights_it_is_statsmodels(tau):
    rng = np.random.default_rng(7)
    X = sm.add_constant(np.column_stack([rng.integers(0, 2, 300), rng.normal(size=300)]))
    y = X @ [2.0, 1.0, -1.0] + rng.gumbel(size=300) * (1 + X[:, 1])
    found = engine.solve(X, y, np.ones(300), tau)
    other = sm.QuantReg(y, X).fit(q=tau, p_tol=1e-10, max_iter=5000)
    np.testing.assert_allclose(found.coef, other.params, atol=2e-4)
    assert np.count_nonzero(np.abs(found.residual) < 1e-9) == 3 and found.unique
    assert np.abs(X.T @ found.dual).max() < 1e-9


def test_a_weight_of_two_is_a_row_twice():
    rng = np.random.default_rng(8)
    X, y = np.column_stack([np.ones(81), rng.normal(size=81)]), rng.normal(size=81)
    w = rng.integers(1, 4, 81)
    one = engine.solve(X, y, w.astype(float), 0.3)
    other = engine.solve(np.repeat(X, w, axis=0), np.repeat(y, w), np.ones(w.sum()), 0.3)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-9)


def test_no_other_line_through_two_rows_is_better():
    rng = np.random.default_rng(9)
    X, y, w = np.column_stack([np.ones(25), rng.normal(size=25)]), rng.normal(size=25), rng.uniform(0.5, 2, 25)
    found = engine.solve(X, y, w, 0.4)

    def loss(b):
        u = y - X @ b
        return w @ (u * (0.4 - (u < 0)))

    best = min(loss(np.linalg.solve(X[[i, j]], y[[i, j]])) for i in range(25) for j in range(i))
    assert loss(found.coef) == pytest.approx(best, rel=1e-12)


def test_the_fit_moves_with_the_outcome(survey, data):
    plain = survey.quantile_regression("income ~ C(sex) + age", tau=0.3).frame["estimate"].to_numpy()
    moved = mr.Survey(data.assign(income=1e4 + 5 * data["income"] + 2 * data["age"]), weights="weight", strata="stratum",
                      psu="psu").quantile_regression("income ~ C(sex) + age", tau=0.3).frame["estimate"]
    np.testing.assert_allclose(moved, 5 * plain + [1e4, 0, 2], rtol=1e-8)
    down = mr.Survey(data.assign(income=-data["income"]), weights="weight").quantile_regression("income ~ C(sex) + age", tau=0.7)
    np.testing.assert_allclose(down.frame["estimate"], -plain, rtol=1e-8)


def test_a_constant_alone_is_the_weighted_median(survey):
    model = survey.quantile_regression("income ~ 1", tau=[0.25, 0.5])
    quantiles = [survey.quantile("income", q).frame for q in (0.25, 0.5)]
    for row, own in zip(model.frame.itertuples(), quantiles, strict=True):
        assert row.estimate == pytest.approx(own["estimate"].iloc[0], rel=0.01)
        assert row.std_error == pytest.approx(own["std_error"].iloc[0], rel=0.35)
    assert model.frame["term"].tolist() == ["0.25: Intercept", "0.5: Intercept"]
    assert model.vcov[0, 1] > 0
    alone = survey.quantile_regression("income ~ 1", tau=0.5)
    assert alone.frame["std_error"].iloc[0] == pytest.approx(model.frame["std_error"].iloc[1], rel=1e-12)
    assert alone.note["tau"] == (0.5,) and alone.frame["term"].tolist() == ["Intercept"]


def test_words_levels_and_missing(data):
    sex = Variable(name="sex", label={"en": "Sex", "ar": "الجنس"}, level="nominal",
                   categories=tuple(Category(k, {"en": e, "ar": a}) for k, e, a in ((1, "Male", "ذكر"), (2, "Female", "أنثى"), (3, "Other", "آخر"))))
    frame = data.assign(income=data["income"].where(data["age"] > 20))
    survey = mr.Survey(frame, weights="weight", strata="stratum", psu="psu", codebook=Codebook([sex]))
    model = survey.quantile_regression("income ~ sex", reference={"sex": "Female"}, tau=[0.5, 0.9])
    assert model.note["levels_without_rows"] == {"sex": (3,)}
    assert model.note["missing_by_variable"] == {"income": int(frame["income"].isna().sum())}
    assert "الجنس: ذكر" in model.frame["label_ar"][1] and "\u20660.5\u2069" in model.frame["label_ar"][1]
    assert "Sex: Male" in repr(model) and "الجنس" in model._repr_html_()


def test_heaped_outcomes_and_jackknives_are_cautioned(data):
    heaped = data.assign(income=np.round(data["income"] / 200) * 200)
    model = mr.Survey(heaped, weights="weight", strata="stratum", psu="psu").quantile_regression("income ~ C(sex)")
    assert "heaped" in model.note["caution"]["en"] and "متكتلة" in model.note["caution"]["ar"]
    plain = mr.Survey(data.iloc[:200], weights="weight")
    assert "caution" not in plain.quantile_regression("income ~ age").note
    jackknife = mr.Survey(data.iloc[:50], weights="weight").with_replicates(mr.replicates.JK1()).quantile_regression("income ~ age")
    assert "jackknife" in jackknife.note["caution"]["en"] and "السكين" in jackknife.note["caution"]["ar"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.quantile_regression("y ~ x", tau=50), "between 0 and 1"),
        (lambda s: s.quantile_regression("y ~ x", tau=[]), "once"),
        (lambda s: s.quantile_regression("y ~ x", tau=[0.5, 0.5]), "once"),
        (lambda s: s.quantile_regression("y ~ x + x2"), "merge"),
        (lambda s: s.quantile_regression("few ~ x"), "survey.ordinal"),
        (lambda s: s.quantile_regression("y ~ x + offset(x2)"), "offset"),
        (lambda s: s.where("x > 2.4").quantile_regression("y ~ x"), "fewer terms"),
    ],
)
def test_errors_name_the_remedy_in_both_languages(call, said):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"w": 1.0, "x": np.sort(rng.normal(size=90)), "y": rng.normal(size=90)})
    frame.loc[88:, "x"] = [3.0, 4.0]
    frame["x2"], frame["few"] = 1 + frame["x"], np.where(np.arange(90) % 5 > 0, 1, 2 + np.arange(90) % 2)
    with pytest.raises(ModelError) as error:
        call(mr.Survey(frame, weights="w"))
    assert said in error.value.remedy and error.value.ar


@pytest.mark.parametrize("reps", [pytest.param(50, id="short"), pytest.param(800, id="long", marks=pytest.mark.full)])
def test_intervals_cover_in_clusters(reps):
    """Median and upper quartile with unequal spread, 40 clusters of 15 and unequal weights."""
    rng = np.random.default_rng(41)
    from scipy.stats import norm

    hits = np.zeros((reps, 4))
    # y | x is normal with mean 1 + x and variance (1 + x)² (1 + 0.3): β(τ) = (1, 1) (1 + √1.3 z_τ)
    target = np.concatenate([np.ones(2) * (1 + np.sqrt(1.3) * norm.ppf(t)) for t in (0.5, 0.75)])
    for r in range(reps):
        x = rng.uniform(0, 2, size=(40, 15))
        e = rng.normal(size=(40, 15)) + np.sqrt(0.3) * rng.normal(size=(40, 1))
        y = (1 + x) * (1 + e)
        frame = pd.DataFrame({"w": rng.uniform(1, 3, 600), "p": np.repeat(np.arange(40), 15), "x": x.ravel(), "y": y.ravel()})
        made = mr.Survey(frame, weights="w", psu="p").quantile_regression("y ~ x", tau=[0.5, 0.75]).frame
        hits[r] = (made["conf_low"] <= target) & (target <= made["conf_high"])
    assert (hits.mean(axis=0) > 0.95 - 4 * np.sqrt(0.0475 / reps) - 0.01).all(), hits.mean(axis=0)
    assert hits.mean() < 0.985, hits.mean(axis=0)


@pytest.mark.full
def test_bootstrap_intervals_cover_a_heaped_outcome():
    rng = np.random.default_rng(43)
    hits = []
    for _ in range(80):
        group = np.repeat(np.arange(30) % 2, 12)
        shift = np.repeat(rng.normal(size=30) * 20, 12)
        y = np.round((300 + 50 * group + shift + rng.gamma(2, 60, 360)) / 5) * 5
        frame = pd.DataFrame({"w": 1.0, "p": np.repeat(np.arange(30), 12), "h": group, "g": group, "y": y})
        survey = mr.Survey(frame, weights="w", psu="p", strata="h")
        boot = survey.with_replicates(mr.replicates.RaoWu(number=80), rng=np.random.default_rng(rng.integers(1 << 30)))
        row = boot.quantile_regression("y ~ g").frame.iloc[1]
        hits.append(row["conf_low"] <= 50 <= row["conf_high"])
    assert 0.88 < np.mean(hits) <= 0.995
