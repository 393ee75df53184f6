"""Quantiles: rules against NumPy, the interval's rule, tails, domains, missing answers, contrasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import masar_research as mr
from masar_research import engine
from masar_research.engine import calibration, quantiles
from masar_research.errors import EstimationError

NUMPY = {
    "math": "inverted_cdf", "hf1": "inverted_cdf", "school": "averaged_inverted_cdf",
    "hf2": "averaged_inverted_cdf", "hf4": "interpolated_inverted_cdf", "hf5": "hazen",
    "hf6": "weibull", "hf7": "linear", "hf8": "median_unbiased", "hf9": "normal_unbiased",
}  # fmt: skip


def frame(seed: int = 5, strata: int = 6, psus: int = 4, rows: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = strata * psus * rows
    stratum = np.repeat(np.arange(strata), psus * rows)
    psu = np.tile(np.repeat(np.arange(psus), rows), strata)
    shift = rng.normal(0, 0.5, strata * psus)[stratum * psus + psu]
    return pd.DataFrame({
        "w": rng.uniform(1, 5, n), "stratum": stratum, "psu": psu, "sex": rng.integers(1, 3, n),
        "region": stratum // 2, "income": np.exp(5 + shift + rng.normal(0, 0.7, n)).round(1),
        "hours": rng.uniform(0, 60, n),
    })  # fmt: skip


def declared(data: pd.DataFrame) -> mr.Survey:
    return mr.Survey(data, weights="w", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    return declared(frame())


def value(found: mr.Estimates, column: str = "estimate") -> float:
    return float(found.frame[column].iloc[0])


@pytest.mark.parametrize("rule", quantiles.RULES)
def test_equal_weights_give_numpy_s_quantile(rule):
    """With equal weights each rule is a type of Hyndman and Fan, ties and exact shares included."""
    rng = np.random.default_rng(3)
    for n in (2, 3, 10, 37):
        y = rng.integers(0, 15, n).astype(float)
        ordered = quantiles.order(engine.declare(np.full(n, 2.5)), y)
        for p in (0.01, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99):
            expected = np.quantile(y, p, method=NUMPY[rule])
            assert quantiles.invert(ordered, p, rule)[0] == pytest.approx(expected, abs=1e-9)


def test_silent_error_09_interval_inverted_by_another_rule_than_the_point():
    """In a sparse tail the rules part by a tenth; each interval must use the rule of its point."""
    y = np.concatenate([np.arange(1.0, 181.0), 200.0 * 1.2 ** np.arange(20)])
    data = pd.DataFrame({"w": 1.0, "y": y})
    chosen = mr.Survey(data, weights="w")
    ordered = quantiles.order(chosen.design, y)
    limits = {}
    for rule in ("math", "school", "hf6", "hf7"):
        row = chosen.quantile("y", 0.95, rule=rule).frame.iloc[0]
        share = engine.mean(chosen.design, (y <= row["estimate"]).astype(float))
        error = np.sqrt(engine.covariance(chosen.design, share.totals)[0, 0])
        low, high = engine.intervals.wald(share.estimate, [error], share.df, 0.95)
        assert row["conf_low"] == quantiles.invert(ordered, low, rule)[0]
        assert row["conf_high"] == quantiles.invert(ordered, high, rule)[0]
        limits[rule] = row["conf_high"]
    assert limits["math"] / limits["hf7"] > 1.05


def test_a_share_below_that_of_the_smallest_value_gives_the_smallest(survey):
    """R 4.1 gives the second smallest there, and extrapolates with hf4."""
    values = survey.values("income")
    ordered = quantiles.order(survey.design, values)
    for rule in ("math", "school", "hf4", "hf5", "hf6", "hf8", "hf9"):
        assert quantiles.invert(ordered, 1e-4, rule)[0] == values.min()
    for rule in quantiles.RULES:
        assert quantiles.invert(ordered, 0.0, rule)[0] == values.min()
        assert quantiles.invert(ordered, 1.0, rule)[0] == values.max()


def test_the_largest_value_has_no_standard_error():
    """The sample ends at the quantile: a width of zero would claim certainty."""
    chosen = mr.Survey(pd.DataFrame({"w": 1.0, "y": np.arange(20.0)}), weights="w")
    row = chosen.quantile("y", 0.99, rule="math").frame.iloc[0]
    assert row["estimate"] == 19
    assert np.isnan([row["std_error"], row["conf_low"], row["conf_high"]]).all()
    assert row["reliability"] == "suppress"


def test_what_does_not_vary_has_an_error_of_zero():
    chosen = mr.Survey(pd.DataFrame({"w": 1.0, "y": np.full(20, 7.0)}), weights="w")
    row = chosen.median("y").frame.iloc[0]
    assert (row["estimate"], row["std_error"], row["conf_low"], row["conf_high"]) == (7, 0, 7, 7)


def test_a_limit_beyond_the_sample_is_missing_and_the_other_intervals_reach_further():
    chosen = mr.Survey(pd.DataFrame({"w": 1.0, "y": np.arange(40.0)}), weights="w")
    row = chosen.quantile("y", 0.97, rule="math").frame.iloc[0]
    assert np.isnan(row["conf_high"]) and np.isnan(row["std_error"])
    for interval in ("xlogit", "beta"):
        assert value(chosen.quantile("y", 0.97, rule="math", interval=interval), "std_error") > 0


def test_doubled_data_have_the_same_median(survey):
    """Every row twice in its PSU, with half its weight or all of it, changes no answer of F."""
    data = frame()
    for factor in (0.5, 1.0):
        twice = pd.concat([data, data]).assign(w=np.tile(data["w"], 2) * factor)
        for rule in ("math", "school"):
            for p in (0.1, 0.5, 0.9):
                one = survey.quantile("income", p, rule=rule).frame.iloc[0]
                two = declared(twice).quantile("income", p, rule=rule).frame.iloc[0]
                columns = ["estimate", "std_error", "conf_low", "conf_high", "df"]
                assert two[columns].tolist() == pytest.approx(one[columns].tolist(), rel=1e-10)


def test_row_order_labels_and_weight_scale_change_nothing(survey):
    """With ties of unequal weight too, where interpolating rules could see the order of rows."""
    data = frame()
    data["income"] = (data["income"] / 60).round() * 60
    mixed = data.sample(frac=1, random_state=np.random.default_rng(1)).assign(
        stratum=lambda d: "s" + (9 - d["stratum"]).astype(str), w=lambda d: d["w"] * 1000
    )
    for rule in quantiles.RULES:
        columns = ["estimate", "std_error", "conf_low", "conf_high", "df", "n"]
        one = declared(data).quantile("income", 0.3, by="sex", rule=rule).frame[columns]
        two = declared(mixed).quantile("income", 0.3, by="sex", rule=rule).frame[columns]
        np.testing.assert_allclose(one, two, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.floats(0.1, 9)), min_size=2, max_size=25),
    st.sampled_from(quantiles.RULES),
)
def test_quantiles_never_fall_as_the_share_rises_and_stay_within_the_data(rows, rule):
    y, w = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    ordered = quantiles.order(engine.declare(w), y)
    found = [quantiles.invert(ordered, p, rule)[0] for p in np.linspace(0, 1, 41)]
    assert np.all(np.diff(found) >= -1e-9)
    assert y.min() <= min(found) and max(found) <= y.max()


def test_silent_error_05_by_gives_what_where_gives(survey):
    columns = ["estimate", "std_error", "conf_low", "conf_high", "df", "n", "deff"]
    by = survey.quantile("income", (0.25, 0.5), by=["region", "sex"])
    for region in (0, 1, 2):
        for sex in (1, 2):
            alone = survey.where(f"region == {region} and sex == {sex}").quantile(
                "income", (0.25, 0.5)
            )
            rows = by.rows(region=region, sex=sex)
            np.testing.assert_allclose(rows[columns], alone.frame[columns], rtol=1e-12)
    assert by.frame["df"].max() < survey.design.df


def test_silent_error_01_missing_outcomes_are_zero_weighted_and_counted():
    data = frame()
    asked = ~((data["stratum"] == 1) & (data["psu"] == 2))
    skipped = declared(data.assign(income=data["income"].where(asked)))
    inside = declared(data.assign(asked=asked.astype(int))).where("asked == 1")
    one, two = skipped.median("income"), inside.median("income")
    assert value(one, "std_error") == pytest.approx(value(two, "std_error"), rel=1e-12)
    assert value(one, "df") == value(two, "df") == 17
    assert one.note["missing"] == 15 and two.note["missing"] == 0


def test_contrasts_of_shares_and_of_domains_keep_the_covariance(survey):
    found = survey.quantile("income", (0.1, 0.9), by="sex")
    spread = found.contrast("0.9 - 0.1", over="prob")
    assert spread.frame["sex"].tolist() == [1, 2]
    place = {(r.sex, r.prob): i for i, r in enumerate(found.frame.itertuples())}
    i, j = place[1, 0.9], place[1, 0.1]
    v = found.vcov
    assert value(spread, "std_error") == pytest.approx(
        np.sqrt(v[i, i] + v[j, j] - 2 * v[i, j]), rel=1e-12
    )
    assert v[i, j] != 0
    gap = survey.median("income", by="sex").contrast("2 - 1")
    assert np.isfinite(gap.frame[["estimate", "std_error", "p_value"]].to_numpy(float)).all()
    np.testing.assert_allclose(found.frame["std_error"] ** 2, np.diag(v), rtol=1e-10)


def test_silent_error_16_the_calibration_reaches_the_error_of_a_median():
    """Weights post-stratified on 'below the median' leave nothing of its share to chance."""
    data = frame()
    plain = declared(data)
    middle = value(plain.median("income", rule="math"))
    below = (data["income"] <= middle).to_numpy().astype(int)
    target = np.bincount(below, data["w"])
    made = calibration.poststratify(data["w"].to_numpy(), (below, target))
    known = plain.design.reweight(made.weights, made.calibration)
    values = data["income"].to_numpy()
    errors = []
    for design in (plain.design, known):
        found = quantiles.quantile(
            design, values, quantiles.order(design, values), 0.5, rule="math",
            interval="woodruff", level=0.95,
        )  # fmt: skip
        errors.append(np.sqrt(engine.covariance(design, found.result.totals)[0, 0]))
    assert errors[0] > 1
    assert errors[1] < 0.05 * errors[0]


def test_every_argument_changes_the_result(survey):
    base = survey.quantile("income", 0.3).frame.iloc[0]
    assert value(survey.quantile("income", 0.31)) != base["estimate"]
    assert value(survey.quantile("income", 0.3, rule="hf6")) != base["estimate"]
    assert value(survey.quantile("income", 0.3, level=0.8), "conf_low") > base["conf_low"]
    lows = {value(survey.quantile("hours", 0.04, rule="hf6", interval=i), "conf_low")
            for i in quantiles.INTERVALS}  # fmt: skip
    assert len(lows) == len(quantiles.INTERVALS)
    assert value(survey.median("income")) == value(survey.quantile("income"))
    assert value(survey.median("income", rule="hf6")) == value(survey.quantile("income", rule="hf6"))


def test_an_empty_domain_has_no_quantile():
    data = frame()
    data.loc[data["sex"] == 2, "income"] = np.nan
    found = declared(data).median("income", by="sex").frame
    assert np.isfinite(found["estimate"].iloc[0])
    assert np.isnan(found[["estimate", "std_error", "conf_low"]].iloc[1].to_numpy(float)).all()
    assert found["n"].tolist()[1] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"rule": "hf3"}, "rule='hf3'"), ({"interval": "wald"}, "interval='wald'"),
     ({"probs": 1.0}, "between 0 and 1"), ({"probs": (0.5, 0.5)}, "different shares"),
     ({"probs": ()}, "different shares")],
)  # fmt: skip
def test_errors_name_the_remedy(survey, arguments, words):
    with pytest.raises(EstimationError, match=words) as raised:
        survey.quantile("income", **arguments)
    assert raised.value.remedy


def test_tables_in_both_languages(survey):
    found = survey.quantile("income", (0.25, 0.5), by="sex")
    for lang in ("en", "ar"):
        assert "0.25" in repr(found.table(lang))
