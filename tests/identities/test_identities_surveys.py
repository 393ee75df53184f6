"""Every statistic of a survey under every kind of design: what must not change, what must agree.

The designs are drawn at random: plain strata, two stages with finite populations, a stratum with one
PSU under each rule, pooled waves with shared PSUs, and raked weights.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import masar_research as mr

KINDS = ("plain", "two stages", "centre", "scale", "certainty", "remove", "collapse", "waves", "raked")
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=2, deadline=None, derandomize=True, database=None)
MANY = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def drawn(seed: int, kind: str) -> pd.DataFrame:
    """A clustered sample with skips, rows of weight zero and, where asked, a lonely stratum."""
    rng = np.random.default_rng(seed)
    rows = []
    for h in range(5):
        lonely = h == 4 and kind in ("centre", "scale", "certainty", "remove", "collapse")
        for p in range(1 if lonely else int(rng.integers(3, 5))):
            rows += [(h, p, i // 2) for i in range(int(rng.integers(6, 11)))]
    frame = pd.DataFrame(rows, columns=["h", "p", "hh"])
    n = len(frame)
    block = rng.normal(0, 0.3, (5, 5))[frame["h"], frame["p"]]
    frame["w"] = rng.uniform(1, 20, n) * (rng.random(n) > 0.05)
    frame["y"] = np.where(rng.random(n) < 0.1, np.nan, np.exp(5 + block + rng.normal(0, 0.6, n)))
    frame["x"] = rng.uniform(10, 50, n)
    frame["b"] = np.where(rng.random(n) < 0.05, np.nan, (rng.random(n) < 0.4).astype(float))
    frame["c"] = np.concatenate([np.repeat([1, 2, 3], 2), rng.integers(1, 4, n - 6)])
    frame["g"] = np.where(frame["p"] + frame["h"] > 2, rng.integers(1, 3, n), 1 + np.arange(n) % 2)
    frame["wave"] = 2020 + 2 * (rng.permutation(n) % 2)
    frame["one"] = 1.0
    frame["age"] = np.concatenate([[1, 2, 3], rng.integers(1, 4, n - 3)])
    frame["sex"] = np.concatenate([[1, 2], rng.integers(1, 3, n - 2)])
    frame["k/a"], frame["k/b"] = rng.integers(0, 2, n), rng.integers(0, 2, n)
    frame["near"] = np.where(frame["h"] >= 3, "east", "west" + (frame["h"] // 2).astype(str))
    frame["n1"], frame["n2"] = 9, 12
    return frame


def declared(frame: pd.DataFrame, kind: str) -> mr.Survey:
    more = {"psu": "p"}
    if kind == "two stages":
        more = {"psu": ["p", "hh"], "fpc": ["n1", "n2"], "lonely_psu": "centre"}
    elif kind == "collapse":
        more |= {"lonely_psu": "collapse", "collapse": "near"}
    elif kind == "waves":
        more |= {"wave": "wave", "lonely_psu": "centre"}
    elif kind not in ("plain", "raked"):
        more["lonely_psu"] = kind
    survey = mr.Survey(frame, weights="w", strata="h", **more)
    if kind == "raked":
        total = float(frame["w"].sum())
        targets = {"sex": {1: 0.55 * total, 2: 0.45 * total}, "age": {k: total / 3 for k in (1, 2, 3)}}
        survey = survey.weighting.rake(targets, tol=1e-13).apply()
    return survey


STATISTICS = {
    "mean": lambda s, **by: s.mean(["y", "x"], **by),
    "total": lambda s, **by: s.total("y", **by),
    "count": lambda s, **by: s.count(**by),
    "ratio": lambda s, **by: s.ratio("y", "x", **by),
    "proportion": lambda s, **by: s.proportion("c", **by),
    "median": lambda s, **by: s.median("y", **by),
    "quantile": lambda s, **by: s.quantile("x", (0.25, 0.8), **by),
    "variance": lambda s, **by: s.variance("y", **by),
    "covariance": lambda s, **by: s.covariance("y", "x", **by),
    "correlation": lambda s, **by: s.correlation("y", "x", **by),
    "percent table": lambda s, **by: s.percent_table("c", "b", "cell", **by),
    "several answers": lambda s, **by: s.multi_response("k", of="responses", **by),
    "standardised": lambda s, **by: s.standardise("b", "one", {1.0: 1.0}, **by),
    "gini": lambda s, **by: s.gini("y", **by),
    "lorenz": lambda s, **by: s.lorenz("y", **by),
    "quintile ratio": lambda s, **by: s.quintile_ratio("y", **by),
    "poverty": lambda s, **by: s.fgt("y", line=120, **by),
}  # fmt: skip
SCALED = ("total", "count")
#: Statistics with n/(n − 1) in them.
OF_N = ("variance", "covariance")


def answer(name: str, survey: mr.Survey, **by) -> mr.Estimates:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return STATISTICS[name](survey, **by)


def same(mine: mr.Estimates, other: mr.Estimates, factor=1.0, rel: float = 1e-8, n: bool = True) -> None:
    """`other` is `factor` (a number, or one per row) times `mine`, with its whole covariance."""
    a, b = mine.frame, other.frame
    factor = np.broadcast_to(factor, len(a))
    scale = np.nanmax(np.abs(a["estimate"] * factor), initial=1e-300)
    np.testing.assert_allclose(b["estimate"], a["estimate"] * factor, rtol=rel, atol=1e-12 * scale)
    expected = mine.vcov * np.outer(factor, factor)
    spread = np.nanmax(np.abs(expected), initial=1e-300)
    np.testing.assert_allclose(other.vcov, expected, rtol=10 * rel, atol=1e-10 * spread)
    assert a["df"].tolist() == b["df"].tolist()
    if n:
        assert a["n"].tolist() == b["n"].tolist()


# --- what must not change ----------------------------------------------------------------------


def order_of_rows(kind: str, seed: int) -> None:
    frame = drawn(seed, kind)
    survey, other = declared(frame, kind), declared(frame.sample(frac=1, random_state=seed % 1000), kind)
    for name in STATISTICS:
        same(answer(name, survey, by="g"), answer(name, other, by="g"))


def names_of_strata_and_psus(kind: str, seed: int) -> None:
    frame = drawn(seed, kind)
    renamed = frame.assign(
        h=frame["h"].map(lambda v: f"محافظة {9 - v}"), p=frame["p"].map(lambda v: f"{97 - v}.10"),
        hh=frame["hh"].map(lambda v: f"بيت {7 - v}"),
    )  # fmt: skip
    survey, other = declared(frame, kind), declared(renamed, kind)
    for name in STATISTICS:
        same(answer(name, survey, by="g"), answer(name, other, by="g"))


def scale_of_weights(kind: str, seed: int) -> None:
    frame = drawn(seed, kind)
    survey, other = declared(frame, kind), declared(frame.assign(w=frame["w"] * 1024), kind)
    for name in STATISTICS:
        factor = 1024.0 if name in SCALED else 1.0
        same(answer(name, survey, by="g"), answer(name, other, by="g"), factor)


def splitting_the_rows_of_a_psu(kind: str, seed: int) -> None:
    """Each row as two rows of half its weight in the same PSU."""
    frame = drawn(seed, kind)
    halves = frame.assign(w=frame["w"] / 2)
    survey, other = declared(frame, kind), declared(pd.concat([halves, halves]), kind)
    for name in STATISTICS:
        one, two = answer(name, survey, by="g"), answer(name, other, by="g")
        n = one.frame["n"].to_numpy()
        assert (two.frame["n"] == 2 * n).all()
        factor = (2 * n) / (2 * n - 1) * (n - 1) / n if name in OF_N else 1.0
        same(one, two, factor, n=False)


def rows_without_weight(kind: str, seed: int) -> None:
    """Rows of weight zero in PSUs that have others add nothing, whatever they hold."""
    frame = drawn(seed, kind)
    ghosts = frame.assign(w=0.0, y=frame["y"] * 50, x=1e4, b=1.0)
    survey, other = declared(frame, kind), declared(pd.concat([frame, ghosts]), kind)
    for name in STATISTICS:
        same(answer(name, survey, by="g"), answer(name, other, by="g"))


def by_is_where(kind: str, seed: int) -> None:
    survey = declared(drawn(seed, kind), kind)
    for name in STATISTICS:
        found = answer(name, survey, by="g")
        for code in (1, 2):
            alone = answer(name, survey.where(f"g == {code}"))
            rows = np.flatnonzero(found.frame["g"] == code)
            part = found.frame.iloc[rows]
            for column in ("estimate", "std_error", "conf_low", "conf_high", "df", "n", "n_missing"):
                np.testing.assert_allclose(part[column], alone.frame[column], rtol=1e-8, atol=1e-11)
            np.testing.assert_allclose(
                found.vcov[np.ix_(rows, rows)], alone.vcov, rtol=1e-7,
                atol=1e-10 * np.nanmax(np.abs(alone.vcov), initial=1e-300),
            )  # fmt: skip


INVARIANCES = (
    order_of_rows, names_of_strata_and_psus, scale_of_weights, splitting_the_rows_of_a_psu,
    rows_without_weight, by_is_where,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("invariance", INVARIANCES, ids=lambda f: f.__name__)
def test_invariance(invariance, kind):
    FEW(given(SEEDS)(lambda seed: invariance(kind, seed)))()


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("invariance", INVARIANCES, ids=lambda f: f.__name__)
def test_invariance_over_many_designs(invariance, kind):
    MANY(given(SEEDS)(lambda seed: invariance(kind, seed)))()


# --- what must agree ---------------------------------------------------------------------------


@pytest.fixture(scope="module", params=KINDS)
def survey(request) -> mr.Survey:
    return declared(drawn(2026, request.param), request.param)


def errors(found) -> np.ndarray:
    return np.sqrt(np.maximum(np.diag(found.vcov), 0))


def agree(a: mr.Estimates, b: mr.Estimates) -> None:
    np.testing.assert_allclose(a.frame["estimate"], b.frame["estimate"], rtol=1e-10)
    scale = np.abs(a.vcov).max()
    np.testing.assert_allclose(a.vcov, b.vcov, rtol=1e-7, atol=1e-9 * scale)


def test_a_domain_mean_is_a_ratio_and_a_regression_coefficient(survey):
    means = survey.mean("y", by="g")
    agree(means, survey.ratio("y", "one", by="g"))
    model = survey.glm("y ~ C(g)")
    gap = means.contrast("2 - 1").frame.iloc[0]
    coefficients, se = model.frame["estimate"].to_numpy(), errors(model)
    np.testing.assert_allclose(coefficients, [means.frame["estimate"][0], gap["estimate"]], rtol=1e-9)
    np.testing.assert_allclose(se, [means.frame["std_error"][0], gap["std_error"]], rtol=1e-7)


def test_domain_totals_add_up_with_their_covariance(survey):
    for parts, whole in ((survey.total("y", by="c"), survey.total("y")), (survey.count(by="c"), survey.count())):
        assert parts.frame["estimate"].sum() == pytest.approx(whole.frame["estimate"][0], rel=1e-12)
        assert parts.vcov.sum() == pytest.approx(whole.vcov[0, 0], rel=1e-8, abs=1e-9 * np.abs(parts.vcov).max())


def test_shares_add_to_one_and_their_covariance_to_zero(survey):
    row = survey.percent_table("c", "b", "row")
    tables = {
        "proportion": (survey.proportion("c"), 1), "cell": (survey.percent_table("c", "b", "cell"), 1),
        "row": (row, 3), "column": (survey.percent_table("c", "b", "column"), 2),
        "responses": (survey.multi_response("k", of="responses"), 1),
    }  # fmt: skip
    for found, blocks in tables.values():
        size = len(found) // blocks
        key = found.frame[found.by[-1]].to_numpy() if blocks > 1 else np.zeros(len(found))
        for code in np.unique(key):
            rows = np.flatnonzero(key == code)
            assert len(rows) == size
            assert found.frame["estimate"].iloc[rows].sum() == pytest.approx(1, rel=1e-12)
            sums = found.vcov[rows].sum(axis=0) if blocks == 1 else found.vcov[np.ix_(rows, rows)].sum(axis=0)
            np.testing.assert_allclose(sums, 0, atol=1e-9 * np.abs(found.vcov).max())
    by = survey.where("b == 0 or b == 1").proportion("b", by="c").frame
    np.testing.assert_allclose(row.frame["estimate"].to_numpy()[1::2], by["estimate"], rtol=1e-12)
    np.testing.assert_allclose(row.frame["std_error"].to_numpy()[1::2], by["std_error"], rtol=1e-9)


def test_options_of_several_answers_are_means_of_indicators(survey):
    agree(survey.multi_response("k"), survey.mean(["k/a", "k/b"]))


def test_the_variance_of_a_share_follows_from_the_share(survey):
    share, spread = survey.proportion("b").frame.iloc[0], survey.variance("b").frame.iloc[0]
    p, factor = share["estimate"], share["n"] / (share["n"] - 1)
    assert spread["estimate"] == pytest.approx(factor * p * (1 - p), rel=1e-12)
    assert spread["std_error"] == pytest.approx(factor * abs(1 - 2 * p) * share["std_error"], rel=1e-8)


def test_covariance_correlation_and_variance_of_a_sum(survey):
    frame = survey.frame
    known = survey.where("not missing(y)").with_columns({"both": frame["y"] + frame["x"]})
    a, b, both = (known.variance(name).frame["estimate"][0] for name in ("y", "x", "both"))
    shared = known.covariance("y", "x").frame["estimate"][0]
    assert both == pytest.approx(a + b + 2 * shared, rel=1e-10)
    assert known.correlation("y", "x").frame["estimate"][0] == pytest.approx(shared / np.sqrt(a * b), rel=1e-10)
    turned = known.with_columns({"z": 7 - 3 * frame["x"]})
    one, other = known.correlation("y", "x"), turned.correlation("y", "z")
    assert other.frame["estimate"][0] == pytest.approx(-one.frame["estimate"][0], rel=1e-9)
    assert other.frame["std_error"][0] == pytest.approx(one.frame["std_error"][0], rel=1e-8)


def test_quantiles_follow_a_rising_function(survey):
    logged = survey.with_columns({"ln": np.log(survey.frame["x"])})
    a = survey.quantile("x", (0.2, 0.5, 0.7), rule="math").frame
    b = logged.quantile("ln", (0.2, 0.5, 0.7), rule="math").frame
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(np.exp(b[column]), a[column], rtol=1e-12)


def test_a_quantile_holds_its_share(survey):
    median = survey.median("x", rule="math").frame["estimate"][0]
    flagged = survey.with_columns({"low": (survey.frame["x"] <= median) * 1.0,
                                   "below": (survey.frame["x"] < median) * 1.0})  # fmt: skip
    at, under = (flagged.mean(name).frame["estimate"][0] for name in ("low", "below"))
    assert under < 0.5 <= at


def test_inequality_knows_no_currency_and_poverty_is_a_mean(survey):
    frame = survey.frame
    other = survey.with_columns({"fils": frame["y"] * 1000, "poor": np.where(frame["y"].isna(), np.nan, frame["y"] < 120)})
    for verb in ("gini", "quintile_ratio", "lorenz"):
        agree(getattr(survey, verb)("y"), getattr(other, verb)("fils"))
    rate, mean = survey.fgt("y", line=120).frame.iloc[0], other.mean("poor").frame.iloc[0]
    assert rate["estimate"] == pytest.approx(mean["estimate"], rel=1e-12)
    assert rate["std_error"] == pytest.approx(mean["std_error"], rel=1e-9)


def test_a_standardised_rate_is_a_contrast_of_the_rates_of_its_strata(survey):
    standard = {1: 0.5, 2: 0.3, 3: 0.2}
    found = survey.standardise("b", "c", standard)
    parts = survey.mean("b", by="c")
    weights = np.array(list(standard.values()))
    assert found.frame["estimate"][0] == pytest.approx(weights @ parts.frame["estimate"], rel=1e-12)
    assert found.vcov[0, 0] == pytest.approx(weights @ parts.vcov @ weights, rel=1e-8)


def test_a_trend_over_two_waves_is_their_difference(survey):
    means = survey.mean("y", by="wave")
    change, trend = means.contrast("2022 - 2020").frame.iloc[0], means.trend(scores={2020: 0, 2022: 1})
    slope = trend.slope.frame.iloc[0]
    for column in ("estimate", "std_error"):
        assert slope[column] == pytest.approx(change[column], rel=1e-9)
    assert trend.equality[0].statistic == pytest.approx((change["estimate"] / change["std_error"]) ** 2, rel=1e-8)


def test_contrasts_in_several_ways(survey):
    shares = survey.proportion("b", by="g")
    p = shares.frame["estimate"].to_numpy()
    jacobian = np.array([-1 / (p[0] * (1 - p[0])), 1 / (p[1] * (1 - p[1]))])
    odds = shares.odds_ratio(2, 1).frame.iloc[0]
    by_hand = np.sqrt(jacobian @ shares.vcov @ jacobian)
    assert odds["std_error"] / odds["estimate"] == pytest.approx(by_hand, rel=1e-9)
    model = survey.logit("b ~ C(g)")
    assert model.frame["estimate"][1] == pytest.approx(np.log(odds["estimate"]), rel=1e-7)
    assert errors(model)[1] == pytest.approx(by_hand, rel=1e-6)
