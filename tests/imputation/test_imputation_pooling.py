"""Rubin's rules against R: mitools::MIcombine, mice::pool.scalar, mitml::testConstraints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import imputation as rubin
from masar_research.errors import EstimationError, ModelError
from masar_research.imputation import from_implicates, from_surveys

R = json.loads((Path(__file__).parent / "oracles" / "imputation.json").read_text())


def declare(frame: pd.DataFrame) -> mr.Survey:
    return mr.Survey(frame, weights="w", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def given():
    return from_surveys([declare(pd.DataFrame(one)) for one in R["sets"]])


def same(found, told, tol=1e-8):
    np.testing.assert_allclose(np.asarray(found, float).ravel(), np.asarray(told, float).ravel(), rtol=tol)


def test_a_mean_is_pooled_as_r_pools_it(given):
    found, told = given.mean("y"), R["mean"]
    row = found.frame.iloc[0]
    same(row["estimate"], told["estimate"])
    same(found.vcov, told["vcov"])
    same([row["df"], row["fmi"], row["riv"]], [told["df_mice"], told["fmi"], told["riv"]])


def test_domain_means_keep_their_covariance_and_so_does_a_contrast(given):
    found, told = given.mean("y", by="sex"), R["by"]
    same(found.frame["estimate"], told["estimate"])
    same(found.vcov, told["vcov"])
    apart = found.contrast("2 - 1").frame.iloc[0]
    V = np.array(told["vcov"])
    same(apart["std_error"] ** 2, V[0, 0] + V[1, 1] - 2 * V[0, 1])
    inside = given.estimate(lambda s: s.mean("y", by="sex").contrast("2 - 1")).frame.iloc[0]
    same(inside["std_error"], apart["std_error"])


@pytest.mark.parametrize("verb", ["linear", "logit"])
def test_a_regression_is_pooled_as_r_pools_it(given, verb):
    found = getattr(given, verb)(("y" if verb == "linear" else "high") + " ~ C(sex) + x")
    same(found.frame["estimate"], R[verb]["estimate"], 1e-7)
    np.testing.assert_allclose(found.vcov, R[verb]["vcov"], rtol=1e-6, atol=1e-12)
    same(found.frame["riv"], R[verb]["riv"], 1e-6)
    if verb == "logit":
        same(found.frame["odds_ratio"], np.exp(found.frame["estimate"]))


@pytest.mark.parametrize("verb", ["linear", "logit"])
def test_degrees_of_freedom_and_missing_information_are_those_of_mice(given, verb):
    """At the complete-data df of R's svyglm, which takes off the coefficients."""
    found = getattr(given, verb)(("y" if verb == "linear" else "high") + " ~ C(sex) + x").pooled
    complete = np.full(3, R["df_complete"] - 2.0)
    m, share = found.m, (1 + 1 / found.m) * np.diag(found.between) / np.diag(found.vcov)
    df = rubin.barnard_rubin(share, (m - 1) / share**2, complete)
    same(df, R[verb]["df_mice"], 1e-6)
    same((found.riv + 2 / (df + 3)) / (found.riv + 1), R[verb]["fmi"], 1e-6)


def test_the_joint_wald_test_is_that_of_mitml(given):
    model = given.linear("y ~ C(sex) + x")
    L = np.eye(3)[1:]
    for df, told in ((R["df_complete"] - 2.0, R["d1"]), (np.inf, R["lrr"])):
        found = rubin.wald_d1(model.pooled, L, df)
        same([found.statistic, found.df_num, found.df_den, found.riv], [told[0], told[1], told[2], told[4]], 1e-6)
    assert model.test(["C(sex)", "x"]).df_num == 2


def test_the_joint_test_of_one_coefficient_is_its_t_test(given):
    model = given.linear("y ~ C(sex) + x")
    row = model.frame.iloc[2]
    found = model.test("x")
    same([found.statistic, found.df_den, found.p_value], [row["statistic"] ** 2, row["df"], row["p_value"]])


def test_equal_imputations_add_nothing():
    one = declare(pd.DataFrame(R["sets"][0]))
    pooled, alone = from_surveys([one] * 3).mean("y").frame.iloc[0], one.mean("y").frame.iloc[0]
    same([pooled["estimate"], pooled["std_error"], pooled["fmi"], pooled["riv"]], [alone["estimate"], alone["std_error"], 0, 0])
    nu = alone["df"]
    same(pooled["df"], (nu + 1) / (nu + 3) * nu)


def test_a_file_with_a_column_of_implicates_is_the_same(given):
    frame = pd.concat([pd.DataFrame(one).assign(imp=k) for k, one in enumerate(R["sets"])]).sample(frac=1, random_state=3)
    found = from_implicates(frame, "imp", declare)
    same(found.mean("y").frame["estimate"], given.mean("y").frame["estimate"], 1e-12)
    same(found.mean("y").vcov, given.mean("y").vcov, 1e-10)


def test_shares_keep_their_interval_inside_and_are_averaged_as_shares(given):
    found = given.proportion("high", by="sex").frame
    each = np.mean([s.proportion("high", by="sex").frame["estimate"] for s in given.surveys()], axis=0)
    same(found["estimate"], each, 1e-12)
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    same(logit(found["conf_low"]) + logit(found["conf_high"]), 2 * logit(found["estimate"]), 1e-8)


def test_replicate_designs_and_subpopulations_pool(given):
    made = from_surveys([s.with_replicates(mr.replicates.JKn()) for s in given.given])
    same(made.mean("y").frame["estimate"], given.mean("y").frame["estimate"], 1e-10)
    same(made.mean("y").frame["std_error"], given.mean("y").frame["std_error"], 0.02)
    part = given.where("high == 1").mean("y").frame.iloc[0]
    counts = [int((s.frame["high"] == 1).sum()) for s in given.given]
    assert len(set(counts)) > 1 and part["n"] == min(counts) and part["riv"] > 0


def test_p_values_are_never_averaged(given):
    with pytest.raises(ModelError, match="P values") as told:
        given.estimate(lambda s: s.chi_square("sex", "high"))
    assert "قيم p" in str(told.value)
    with pytest.raises(ModelError, match="different rows"):
        seen = iter(["sex", "high", "sex", "sex", "sex"])
        given.estimate(lambda s: s.mean("y", by=next(seen)))
    with pytest.raises(EstimationError, match="two imputations"):
        rubin.pool(np.ones((1, 1)), np.ones((1, 1, 1)), np.array([9.0]))


def test_r_hat_tells_chains_apart():
    mixed = np.random.default_rng(1).normal(size=(4, 400))
    assert rubin.r_hat(mixed) == pytest.approx(1.0, abs=0.02)
    assert rubin.r_hat(mixed + np.arange(4)[:, None]) > 1.5
    assert np.isnan(rubin.r_hat(np.ones((3, 10))))
