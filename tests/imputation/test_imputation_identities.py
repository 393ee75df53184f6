"""Identities: what is not missing is as without imputation; Rubin by hand; weight_by and formulas column by column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import masar_research as mr
from masar_research.errors import ModelError
from masar_research.imputation import from_surveys
from masar_research.imputation.chain import Walk


def data(n=400, seed=3):
    rng = np.random.default_rng(seed)
    psu = np.arange(n) % 40
    w = np.exp(rng.normal(0, 0.5, n))
    x, sex = rng.normal(size=n), rng.integers(1, 3, n).astype(float)
    z = 1 + x + 0.5 * (sex == 2) + 0.4 * rng.normal(size=40)[psu] + rng.normal(size=n)
    return pd.DataFrame({"w": w, "stratum": psu % 4, "psu": psu, "x": x, "sex": sex, "z": z,
                         "high": (z > 1.2).astype(float), "lost": np.where(rng.random(n) < 0.3, np.nan, z + rng.normal(size=n))})


def declare(frame=None):
    return mr.Survey(data() if frame is None else frame, weights="w", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def imputed():
    return declare().impute("lost", predictors=["x", "sex", "z"], m=5, iterations=2, rng=np.random.default_rng(1))


ASKED = {
    "mean": lambda s: s.mean("z"), "domains": lambda s: s.mean("z", by="sex"), "total": lambda s: s.total("z"),
    "share": lambda s: s.proportion("high", by="sex"), "ratio": lambda s: s.ratio("z", "w"), "count": lambda s: s.count(by="sex"),
    "median": lambda s: s.median("z"), "contrast": lambda s: s.mean("z", by="sex").contrast("2 - 1"),
    "linear": lambda s: s.linear("z ~ x * C(sex)"), "logit": lambda s: s.logit("high ~ x + C(sex)"),
    "poisson": lambda s: s.glm("high ~ x", "poisson"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("whence", ["untouched", "copies"])
def test_where_nothing_is_missing_the_pooled_is_the_complete_answer(imputed, name, whence):
    survey = declare()
    pooled = (imputed if whence == "untouched" else from_surveys([survey] * 5)).estimate(ASKED[name])
    alone = ASKED[name](survey)
    np.testing.assert_allclose(pooled.frame["estimate"], alone.frame["estimate"], rtol=1e-12)
    np.testing.assert_allclose(pooled.frame["std_error"], alone.frame["std_error"], rtol=1e-12)
    np.testing.assert_allclose(pooled.vcov, alone.vcov, rtol=1e-11, atol=1e-14 * np.abs(alone.vcov).max())
    np.testing.assert_allclose(pooled.frame[["riv", "fmi"]], 0, atol=1e-12)
    nu = alone.frame["df"].to_numpy(float)
    np.testing.assert_allclose(pooled.frame["df"], (nu + 1) / (nu + 3) * nu, rtol=1e-9)


@pytest.mark.parametrize(("name", "ask"), [
    ("mean", lambda s: s.mean("lost", by="sex")), ("linear", lambda s: s.linear("lost ~ x + C(sex)")),
    ("predictor", lambda s: s.logit("high ~ lost + C(sex)")), ("formula", lambda s: s.linear("z ~ lost * C(sex)")),
])  # fmt: skip
def test_rubin_s_rules_by_hand(imputed, name, ask):
    each = [ask(s) for s in imputed.surveys()]
    found = imputed.estimate(ask)
    Q, U = np.array([e.frame["estimate"] for e in each]), np.array([e.vcov for e in each])
    m, middle = len(each), Q.mean(0)
    B = sum(np.outer(q - middle, q - middle) for q in Q) / (m - 1)
    T = U.mean(0) + (1 + 1 / m) * B
    np.testing.assert_allclose(found.frame["estimate"], middle, rtol=1e-12)
    np.testing.assert_allclose(found.vcov, T, rtol=1e-10)
    share = (1 + 1 / m) * np.diag(B) / np.diag(T)
    nu = np.mean([e.frame["df"] for e in each], axis=0)
    df = 1 / (share**2 / (m - 1) + 1 / ((nu + 1) / (nu + 3) * nu * (1 - share)))
    np.testing.assert_allclose(found.frame["df"], df, rtol=1e-10)
    r = share / (1 - share)
    np.testing.assert_allclose(found.frame["riv"], r, rtol=1e-9)
    np.testing.assert_allclose(found.frame["fmi"], (r + 2 / (df + 3)) / (r + 1), rtol=1e-9)
    half = stats.t.ppf(0.975, df) * np.sqrt(np.diag(T))
    np.testing.assert_allclose(found.frame["conf_low"], middle - half, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.frame["conf_high"], middle + half, rtol=1e-8, atol=1e-10)
    assert (share > 0).any() and (df < nu).all()


def columns(found, name="lost"):
    """The target's model matrix as a chain begins, and the rows' own frame."""
    state = Walk(found.plan, 1, None)
    state.begin()
    t = next(each for each in found.plan.targets if each.name == name)
    return state.predictors(t), found.plan.survey.frame.iloc[found.plan.rows]


def test_weight_by_adds_the_products_with_the_log_weight():
    given = {"m": 2, "iterations": 1, "design": ("weight",)}
    found = declare().impute("lost", predictors=["x"], weight_by=["x", "sex"], rng=np.random.default_rng(1), **given)
    X, rows = columns(found)
    log = np.log(rows["w"].to_numpy())
    log = log - log.mean()
    x, second = rows["x"].to_numpy(), (rows["sex"] == 2).to_numpy()
    sex = second.astype(float) if X.shape[1] == 6 and set(np.unique(X[:, 2])) == {0.0, 1.0} else rows["sex"].to_numpy()
    np.testing.assert_array_equal(X, np.column_stack([np.ones(len(x)), x, sex, log, x * log, sex * log]))


def test_weight_by_lets_a_slope_go_with_the_weight_and_its_absence_does_not():
    frame = data(1500, 8)
    log = np.log(frame["w"])
    frame["y"] = frame["x"] * (1 + 1.5 * log) + 0.3 * np.random.default_rng(2).normal(size=1500)
    full = frame["y"].copy()
    gone = np.random.default_rng(6).random(1500) < 0.4
    frame.loc[gone, "y"] = np.nan
    def slope(weight_by):
        found = declare(frame).impute("y", predictors="x", methods={"y": "norm"}, weight_by=weight_by, m=2, iterations=1,
                                      rng=np.random.default_rng(3))
        made = found.completed(1).frame["y"]
        part = gone & (log > 0.5)
        return np.polyfit(frame["x"][part], made[part], 1)[0]
    part = gone & (log > 0.5)
    told = np.polyfit(frame["x"][part], full[part], 1)[0]
    assert slope(["x"]) == pytest.approx(told, abs=0.15)
    assert abs(slope([]) - told) > 0.5


def test_weight_by_without_weights_is_refused():
    with pytest.raises(ModelError, match="weight_by needs"):
        declare(data().assign(w=2.0)).impute("lost", weight_by=["x"], m=2, rng=np.random.default_rng(1))


def test_a_formula_of_main_effects_gives_the_bits_of_the_same_predictors():
    given = {"m": 3, "iterations": 2}
    one = declare().impute("lost", predictors=["x", "z"], rng=np.random.default_rng(1), **given)
    two = declare().impute({"lost": "x + z"}, rng=np.random.default_rng(1), **given)
    np.testing.assert_array_equal(one.cells["lost"], two.cells["lost"])


def test_a_formula_s_columns_are_those_it_says():
    found = declare().impute({"lost": "x * C(sex) + I(x**2)"}, m=2, iterations=1, design=(), rng=np.random.default_rng(1))
    X, rows = columns(found)
    x, second = rows["x"].to_numpy(), (rows["sex"] == 2).to_numpy(float)
    wanted = np.column_stack([np.ones(len(x)), second, x, x * second, x**2])
    order = [int(np.argmin(np.abs(X - col[:, None]).sum(0))) for col in wanted.T]
    assert X.shape == wanted.shape and sorted(order) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(X[:, order], wanted, rtol=1e-12, atol=1e-12)


def test_a_curve_is_imputed_by_its_formula_and_not_without_it():
    frame = data(900, 5)
    full = 2 * frame["x"] ** 2 + 0.2 * np.random.default_rng(4).normal(size=900)
    gone = np.random.default_rng(5).random(900) < 0.3
    frame["y"] = full.mask(gone)
    def error(variables, predictors=()):
        found = declare(frame).impute(variables, predictors=predictors, methods={"y": "norm"}, m=2, iterations=1,
                                      rng=np.random.default_rng(3))
        return float(np.sqrt(((found.completed(1).frame["y"] - full)[gone] ** 2).mean()))
    assert error({"y": "x + I(x**2)"}) < 0.4 and error("y", ["x"]) > 1.5
