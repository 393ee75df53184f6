"""Comparisons against published figures, other libraries and closed forms."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

import masar_research as mr
from masar_research.codebook import Codebook
from masar_research.engine import declare, multiplicity, quadratic_forms, ranks, raoscott
from masar_research.engine.equivalence import tost
from masar_research.estimates import assemble

ROOT = Path(os.environ.get("MASAR_REAL_DATA", "/nonexistent"))
ANES = pytest.mark.skipif(
    not (ROOT / "anes2020").is_dir(), reason="MASAR_REAL_DATA/anes2020 is not here"
)
API = pytest.mark.skipif(
    not (ROOT / "r_survey").is_dir(), reason="MASAR_REAL_DATA/r_survey is not here"
)


def independent(estimate, std_error, codes, by="wave", df=np.inf, kind="proportion"):
    """Estimates of independent samples, given by their standard errors."""
    m = len(codes)
    size = np.full(m, 10_000.0)
    statistics = {
        "estimate": np.array(estimate), "std_error": np.array(std_error),
        "conf_low": np.full(m, np.nan), "conf_high": np.full(m, np.nan), "df": np.full(m, df),
        "n": size, "n_eff": size, "deff": np.ones(m),
    }  # fmt: skip
    head = pd.DataFrame({by: list(codes), "variable": "y"})
    return assemble(
        head, statistics, np.diag(np.array(std_error) ** 2), kind=kind, by=[by], note={},
        codebook=Codebook(), level=0.95,
    )  # fmt: skip


# --- the published wave change -------------------------------------------------------------


def test_overlapping_intervals_and_a_change_of_2_7_points():
    waves = independent([0.138, 0.165], [0.010, 0.011], [1, 2])
    row = waves.pairwise(adjust="none").frame.iloc[0]
    assert round(row["estimate"], 3) == 0.027
    assert round(row["statistic"], 2) == 1.82
    assert round(row["p_value"], 3) == 0.069
    assert (round(row["conf_low"], 3), round(row["conf_high"], 3)) == (-0.002, 0.056)
    found = waves.trend()
    assert found.equality[0].p_value == pytest.approx(row["p_value"], rel=1e-9)
    assert "No change over time that can be detected" in found.equality[0].reading("en")
    assert "لا يوجد تغيّر عبر الزمن يمكن رصده إحصائياً" in found.equality[0].reading("ar")


# --- multiplicity --------------------------------------------------------------------------

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@pytest.mark.parametrize("seed", range(6))
def test_holm_and_benjamini_hochberg_are_those_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p = rng.random(int(rng.integers(1, 30))) ** 3
    p = np.concatenate([p, p[:3], [0.0, 1.0]])
    for mine, theirs in (("holm", "holm"), ("bh", "fdr_bh")):
        np.testing.assert_allclose(
            multiplicity.adjust(p, mine), multipletests(p, method=theirs)[1], rtol=1e-12, atol=0
        )


@settings(max_examples=50, deadline=None)
@given(P_VALUES, st.randoms(use_true_random=False))
def test_adjustment_does_not_depend_on_order_and_skips_what_is_missing(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for method in ("holm", "bh"):
        whole = multiplicity.adjust(p, method)
        np.testing.assert_array_equal(multiplicity.adjust([p[i] for i in order], method), whole[order])
        gap = multiplicity.adjust([*p, np.nan], method)
        np.testing.assert_array_equal(gap[:-1], whole)
        assert np.isnan(gap[-1])


# --- equivalence ---------------------------------------------------------------------------


def test_tost_is_that_of_statsmodels():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.05, 1, 80), rng.normal(0, 1, 90)
    p, low, high = ttost_ind(a, b, -0.4, 0.4, usevar="pooled")
    pooled = (79 * a.var(ddof=1) + 89 * b.var(ddof=1)) / 168
    error = np.sqrt(pooled * (1 / 80 + 1 / 90))
    found = tost(a.mean() - b.mean(), error, 168, -0.4, 0.4)
    assert float(found.p) == pytest.approx(p, rel=1e-10)
    assert float(found.p_low) == pytest.approx(low[1], rel=1e-10)
    assert float(found.p_high) == pytest.approx(high[1], rel=1e-10)


@settings(max_examples=100, deadline=None)
@given(st.floats(-1, 1), st.floats(0.01, 1), st.floats(2, 200), st.floats(0.01, 0.6))
def test_equivalence_is_shown_exactly_when_the_inner_interval_lies_within(d, error, df, bound):
    found = tost(d, error, df, -bound, bound)
    within = -bound < float(found.inner_low) and float(found.inner_high) < bound
    margin = min(abs(float(found.inner_low) + bound), abs(float(found.inner_high) - bound))
    if margin > 1e-9:
        assert (float(found.p) < 0.05) == within


# --- tails of quadratic forms --------------------------------------------------------------


@pytest.mark.parametrize(("x", "expected"), [(0.1, 0.9458), (0.7, 0.5064), (2.0, 0.1240)])
def test_imhofs_published_tail(x, expected):
    """Imhof (1961), table 1: 0.6 χ²₁ + 0.3 χ²₁ + 0.1 χ²₁."""
    found = quadratic_forms.tail(x, [0.6, 0.3, 0.1], 3000.0, "integration")
    assert found == pytest.approx(expected, abs=3e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.floats(0.1, 5), st.floats(2, 300), st.floats(0.1, 4))
def test_equal_weights_give_the_f_distribution(q, weight, df, f):
    expected = stats.f.sf(f, q, df)
    weights = np.full(q, weight)
    assert quadratic_forms.tail(f * q * weight, weights, df, "satterthwaite") == pytest.approx(expected)
    found = quadratic_forms.tail(f * q * weight, weights, df, "integration")
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


# --- simple random sampling ----------------------------------------------------------------


def test_first_order_correction_leaves_pearsons_statistic_under_simple_random_sampling():
    rng = np.random.default_rng(11)
    n = 4000
    row, column = rng.integers(0, 3, n), rng.integers(0, 4, n)
    of = raoscott.table(declare(np.ones(n)), row, 3, column, 4)
    counts = np.zeros((3, 4))
    np.add.at(counts, (row, column), 1)
    pearson = stats.chi2_contingency(counts, correction=False)
    tested = raoscott.association(of, "chisq")
    assert tested.statistic == pytest.approx(pearson.statistic, rel=1e-10)
    assert tested.df_num == pearson.dof
    assert tested.p == pytest.approx(pearson.pvalue, abs=0.02)
    # Away from independence the eigenvalues are close to 1 only at independence itself.
    assert tested.eigenvalues.mean() == pytest.approx(n / (n - 1), rel=0.02)


def test_two_by_two_wald_is_the_squared_t_of_the_departure():
    rng = np.random.default_rng(5)
    n = 500
    row, column = rng.integers(0, 2, n), rng.integers(0, 2, n)
    design = declare(rng.uniform(1, 4, n), psu=rng.integers(0, 40, n))
    of = raoscott.table(design, row, 2, column, 2)
    plain, adjusted = (raoscott.association(of, s) for s in ("wald", "adjusted_wald"))
    assert plain.statistic == pytest.approx(adjusted.statistic)
    tails = [raoscott.association(of, s).p for s in ("F", "lincom")]
    assert tails[0] == pytest.approx(tails[1], rel=1e-6)


def test_ranks_with_equal_weights_are_scipys():
    y = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0])
    mine = ranks.scores(y, np.ones(9), "wilcoxon") * 9 + 0.5
    np.testing.assert_allclose(mine, stats.rankdata(y))


# --- invariance ----------------------------------------------------------------------------


def generated(seed=8, n=900):
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 60, n)
    return pd.DataFrame({
        "w": rng.uniform(1, 5, n), "h": psu % 6, "p": psu, "a": rng.integers(1, 4, n),
        "b": rng.integers(1, 3, n), "y": np.round(rng.normal(size=n) + 0.3 * (psu % 3), 1),
    })  # fmt: skip


def answers(data, where=None):
    survey = mr.Survey(data, weights="w", strata="h", psu="p")
    survey = survey if where is None else survey.where(where)
    tests = [survey.chi_square("a", "b", statistic=s) for s in raoscott.STATISTICS]
    tests += [survey.t_test("y", by="b"), survey.goodness_of_fit("b", {1: 0.5, 2: 0.5}, statistic="F")]
    tests += [survey.rank_test("y", "a", test=t) for t in ("kruskal", "vanderwaerden", "median")]
    return np.array([[t.statistic, t.df_num, t.df_den, t.p_value] for t in tests])


def test_tests_do_not_depend_on_row_order_weight_scale_or_labels():
    data = generated()
    reference = answers(data)
    shuffled = data.sample(frac=1, random_state=2)
    np.testing.assert_allclose(answers(shuffled), reference, rtol=1e-9)
    np.testing.assert_allclose(answers(data.assign(w=data["w"] * 731.5)), reference, rtol=1e-9)
    renamed = data.assign(h=data["h"].map(lambda v: f"s{9 - v}"), p=data["p"] * 7 + 3)
    np.testing.assert_allclose(answers(renamed), reference, rtol=1e-9)


def test_rows_outside_the_subpopulation_keep_their_psus_and_lend_no_answers():
    data = generated()
    inside = data["y"] > -0.5
    changed = data.assign(a=np.where(inside, data["a"], 3), b=np.where(inside, data["b"], 1))
    np.testing.assert_allclose(answers(data, "y > -0.5"), answers(changed, "y > -0.5"), rtol=1e-12)
    assert not np.allclose(answers(data, "y > -0.5"), answers(data))


def test_doubled_rows_with_the_same_psus_change_nothing():
    data = generated()
    doubled = pd.concat([data, data]).assign(w=lambda d: d["w"] / 2)
    mine, twice = answers(data), answers(doubled)
    scaled = [i for i, s in enumerate(raoscott.STATISTICS) if s in ("chisq", "lincom", "saddlepoint", "working")]
    rest = [i for i in range(len(mine)) if i not in scaled]
    np.testing.assert_allclose(twice[rest], mine[rest], rtol=1e-9)
    # X² is stated at the number of interviews; its p-value does not depend on it.
    np.testing.assert_allclose(twice[scaled][:, 0], 2 * mine[scaled][:, 0], rtol=1e-9)
    np.testing.assert_allclose(twice[scaled][:, 1:], mine[scaled][:, 1:], rtol=1e-7)


# --- real files ----------------------------------------------------------------------------


def anes() -> mr.Survey:
    data = pd.read_csv(ROOT / "anes2020" / "shortcourse_anes_2020.csv")
    return mr.Survey(data, weights="Weight", strata="Stratum", psu="VarUnit")


@ANES
def test_anes_2020_rao_scott_of_party_by_early_vote():
    tested = anes().chi_square("PartyID", "EarlyVote2020")
    assert round(tested.statistic, 3) == 5.105
    assert round(tested.df_num, 4) == 5.1053
    assert round(tested.df_den, 4) == 260.3680
    assert float(f"{tested.p_value:.4g}") == 0.0001549


@ANES
def test_anes_2020_wald_of_party_by_trust():
    tested = anes().chi_square("PartyID", "TrustGovernment", statistic="wald")
    assert round(tested.statistic, 3) == 15.134
    assert (tested.df_num, tested.df_den) == (24, 51)
    assert tested.p_value < 1e-14


@API
def test_api_file_against_the_survey_package():
    """apiclus1 with `id = ~dnum, weights = ~pw, fpc = ~fpc`; figures printed by R survey 4.1."""
    data = pd.read_csv(ROOT / "r_survey" / "apiclus1.csv")
    survey = mr.Survey(data, weights="pw", psu="dnum", fpc="fpc")
    tested = survey.t_test("enroll", by="comp.imp")
    assert tested.statistic == pytest.approx(-0.731051146955974, rel=1e-8)
    assert tested.df_den == 13
    assert tested.p_value == pytest.approx(0.477718390068632, rel=1e-8)
    assert tested.difference.frame["estimate"].iloc[0] == pytest.approx(-55.456090225563869, rel=1e-8)
    for test, value, p in (
        ("wilcoxon", -0.06101464842480508, 0.95227560332472982),
        ("vanderwaerden", -0.0410203436116646, 0.9679029902651255),
        ("median", -0.2588070437262384, 0.7998367648581408),
    ):
        ranked = survey.rank_test("enroll", "comp.imp", test=test)
        assert ranked.statistic == pytest.approx(value, rel=1e-7)
        assert ranked.p_value == pytest.approx(p, rel=1e-8)
    ranked = survey.rank_test("enroll", "stype", test="kruskal")
    assert ranked.statistic == pytest.approx(41.5453198376848 / 2, rel=1e-8)
    assert ranked.p_value == pytest.approx(1.26694678566514e-04, rel=1e-8)
    for statistic, value, p in (
        ("F", 5.19336954147488, 0.0217474623707969), ("chisq", 11.9408920807453, 0.00555326330311322),
        ("wald", 2.40105860060268, 0.126896300602351),
        ("adjusted_wald", 2.22955441484534, 0.147057886901248),
    ):  # fmt: skip
        found = survey.chi_square("sch.wide", "stype", statistic=statistic)
        assert found.statistic == pytest.approx(value, rel=1e-8)
        assert found.p_value == pytest.approx(p, rel=1e-8)
    fit = survey.goodness_of_fit("stype", {"E": 4421, "H": 755, "M": 1018})
    assert fit.statistic == pytest.approx(180.101899310171660 / 70.101915672231684, rel=1e-8)
    assert fit.p_value == pytest.approx(0.187970988871844, rel=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.2, 3), st.floats(1.2, 5), st.floats(3, 200), st.floats(0.2, 4))
def test_two_pairs_of_weights_have_a_closed_form(b, times, df, f):
    """λ = (a, a, b, b): ``[a (1 + x/ad)^(−d/2) − b (1 + x/bd)^(−d/2)] / (a − b)``."""
    a, x = b * times, f * 2 * b * (1 + times)
    expected = (a * (1 + x / (a * df)) ** (-df / 2) - b * (1 + x / (b * df)) ** (-df / 2)) / (a - b)
    found = quadratic_forms.tail(x, [a, a, b, b], df, "integration")
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
