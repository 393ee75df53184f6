"""The builder, its steps and its report: what they do, say and refuse."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import MasarError, WeightingError
from masar_research.weighting import from_card, kish
from masar_research.weighting.measures import level_off
from masar_research.weighting.steps import Applied
from masar_research.weighting.targets import margin

BOOK = Codebook([
    Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal",
             categories=(Category(1, {"en": "Male", "ar": "ذكر"}), Category(2, {"en": "Female", "ar": "أنثى"}))),
    Variable("status", {"en": "Disposition"}, level="nominal",
             categories=(Category(1, {"en": "Completed"}), Category(2, {"en": "Refused to take part"}),
                         Category(3, {"en": "Not eligible"}))),
    Variable("works", {"en": "Works <b>now</b>"}, level="nominal",
             categories=(Category(0, {"en": "No"}), Category(1, {"en": "Yes"}))),
])  # fmt: skip
GOVERNORATES = {11: 3000.0, 12: 2500.0, 13: 1500.0, 14: 1000.0}
SEX = {1: 3800.0, 2: 4200.0}


def frame(seed=1, n=1200):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 10), 10)
    data = pd.DataFrame({
        "w": rng.uniform(2, 6, n), "psu": psu, "stratum": psu // 12, "governorate": 11.0 + psu % 4,
        "sex": rng.integers(1, 3, n).astype(float), "age": rng.integers(15, 80, n).astype(float),
    })  # fmt: skip
    data["status"] = np.where(rng.random(n) < 0.6 + 0.2 * (data["sex"] == 2), 1.0, 2.0)
    data["works"] = (rng.random(n) < 0.6 - 0.3 * (data["sex"] == 2)).astype(float)
    return data


def made(data=None, **more):
    return mr.Survey(frame() if data is None else data, weights="w", strata="stratum", psu="psu",
                     codebook=BOOK, **more)


def refuses(words, call):
    with pytest.raises(MasarError) as caught:
        call()
    assert words in str(caught.value) and caught.value.remedy
    return caught.value


def weighted(survey=None):
    return (
        (survey or made()).weighting.nonresponse(responded="status == 1", cells=["governorate", "sex"])
        .rake({"governorate": GOVERNORATES, "sex": SEX}).trim(upper="median + 6*iqr").apply()
    )  # fmt: skip


def test_kish():
    assert kish(np.array([1.0, 1.0, 2.0, 4.0])) == 1.375
    assert kish(np.array([1.0, 1.0, 2.0, 4.0, 0.0])) == 1.375


def test_the_whole_way():
    survey = made()
    done = weighted(survey)
    out = survey.values("status") != 1
    assert len(done) == len(survey) and (done.design.weights[out] == 0).all()
    assert done.count("sex").frame["estimate"].round(6).tolist() == [3800.0, 4200.0]
    assert done.design.df == survey.design.df
    assert [type(entry.step).__name__ for entry in done.history] == ["Nonresponse", "Rake", "Trim"]
    assert survey.history == () and survey.design.calibration is None
    lost = int(out.sum())
    assert f"the weight of {lost:,} non-respondents" in str(done.history[0])
    assert f"\u2066{lost:,}\u2069" in done.history[0].text["ar"]


def test_builder_and_steps_are_frozen_and_reusable():
    builder = made().weighting.normalise()
    longer = builder.trim(upper=3.0)
    assert len(builder.steps) == 1 and len(longer.steps) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        builder.steps = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        longer.steps[1].upper = 9.0


def test_silent_error_19_targets_match_by_code_label_and_never_by_position():
    survey = made()
    plain = survey.weighting.rake({"sex": {1: 3800.0, 2: 4200.0}}).apply().design.weights
    for same in (
        {2: 4200.0, 1: 3800.0}, {"2": 4200.0, "1": 3800.0}, {"Female": 4200.0, "Male": 3800.0},
        {"أنثى": 4200.0, "ذكر": 3800.0}, pd.Series({2.0: 4200.0, 1.0: 3800.0}),
        [{"sex": "2", "total": "4200"}, {"sex": 1, "total": 3800}],
    ):  # fmt: skip
        np.testing.assert_array_equal(survey.weighting.rake({"sex": same}).apply().design.weights, plain)


def test_crossed_targets_nested_or_by_tuple_or_series():
    survey = made()
    nested = {g: {1: 0.45 * t, 2: 0.55 * t} for g, t in GOVERNORATES.items()}
    flat = {(g, s): t for g, row in nested.items() for s, t in row.items()}
    names = ("governorate", "sex")
    answers = [
        survey.weighting.poststratify({names: given}).apply().design.weights
        for given in (nested, flat, pd.Series(flat).sample(frac=1, random_state=1))
    ]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_shares_with_a_total_and_the_current_total():
    survey = made()
    shares = {"sex": {1: 0.475, 2: 0.525}}
    by_total = survey.weighting.rake(shares, total=8000.0).apply()
    np.testing.assert_allclose(by_total.design.weights,
                               survey.weighting.rake({"sex": SEX}).apply().design.weights)
    current = survey.weighting.rake(shares, total="current").apply()
    assert current.design.weights.sum() == pytest.approx(survey.design.weights.sum())
    refuses("look like shares", lambda: survey.weighting.rake(shares).apply())
    refuses("shares must sum to 1", lambda: survey.weighting.rake({"sex": SEX}, total=8000.0).apply())
    refuses("is not a population size", lambda: survey.weighting.rake(shares, total="all").apply())


def test_what_targets_refuse_names_the_category():
    survey = made()
    refuses("in the data but without target: 2 (Female)", lambda: survey.weighting.rake({"sex": {1: 8000.0}}).apply())
    refuses("with a target but without data: 3",
            lambda: survey.weighting.rake({"sex": {1: 1.0, 2: 2.0, 3: 3.0}}).apply())
    refuses("two targets meet the same category",
            lambda: survey.weighting.rake({"sex": {1: 3.0, "Male": 3.0, 2: 4.0}}).apply())
    refuses("governorate 8,000, sex 9,000",
            lambda: survey.weighting.rake({"governorate": GOVERNORATES, "sex": {1: 4000.0, 2: 5000.0}}).apply())
    refuses("no variable 'sexx'", lambda: survey.weighting.rake({"sexx": SEX}).apply())
    refuses("must be a mapping", lambda: survey.weighting.rake([1.0, 2.0]))
    refuses("hold 'many'", lambda: survey.weighting.rake({"sex": {1: "many", 2: 3.0}}))
    refuses("takes one table", lambda: survey.weighting.poststratify({"sex": SEX, "governorate": GOVERNORATES}))
    refuses("need 2 codes per cell", lambda: margin(("sex", "age"), {1: 3.0}))


def test_a_missing_margin_value_is_refused_for_rows_with_weight_only():
    data = frame()
    data.loc[3, "sex"] = np.nan
    refuses("1 rows with a weight have no value", lambda: made(data).weighting.rake({"sex": SEX}).apply())
    data.loc[3, "w"] = 0.0
    assert made(data).weighting.rake({"sex": SEX}).apply().design.weights[3] == 0.0


def test_silent_error_17_an_unknown_response_status_is_no_response():
    """Silent error 17."""
    data = frame()
    data.loc[5, "status"] = np.nan
    step = dict(responded="status == 1", cells=["sex"])
    refuses("response status is unknown on 1 rows", lambda: made(data).weighting.nonresponse(**step).apply())
    data.loc[5, "status"] = 77.0
    refuses("codes without meaning in the codebook: [77]", lambda: made(data).weighting.nonresponse(**step).apply())
    refuses("Nobody satisfies", lambda: made().weighting.nonresponse(responded="status == 3", cells=["sex"]).apply())
    refuses("No variables were given", lambda: made().weighting.nonresponse(responded="status == 1", cells=[]))


def test_ineligible_rows_leave_and_give_their_weight_to_nobody():
    data = frame()
    data.loc[:49, "status"] = 3.0
    survey = made(data)
    done = survey.weighting.nonresponse(responded="status == 1", cells=["sex"], eligible="status != 3").apply()
    assert done.design.weights.sum() == pytest.approx(data["w"][50:].sum())
    assert done.history[0].facts["ineligible"] == 50
    naive = survey.weighting.nonresponse(responded="status == 1", cells=["sex"]).apply()
    assert naive.design.weights.sum() == pytest.approx(data["w"].sum())


def test_thin_classes_are_merged_within_the_leading_variable_and_said_so():
    data = frame()
    rare = (data["governorate"] == 14) & (data["sex"] == 1)
    data.loc[rare, "status"] = 2.0
    data.loc[data.index[rare][:3], "status"] = 1.0
    survey = made(data)
    done = survey.weighting.nonresponse(responded="status == 1", cells=["governorate", "sex"], min_cell=10).apply()
    facts = done.history[0].facts
    assert facts["classes"] == 7
    assert facts["merged"] == ("governorate 14, sex Male (3 respondents) merged with governorate 14, sex Female",)
    data.loc[rare, "status"] = 2.0
    refuses("Nobody responded in 1 weighting class(es): governorate 14, sex Male",
            lambda: made(data).weighting.nonresponse(responded="status == 1", cells=["governorate", "sex"]).apply())
    refuses("stay below 5000 respondents",
            lambda: made(data).weighting.nonresponse(responded="status == 1", cells=["sex"], min_cell=5000).apply())
    data.loc[2, "governorate"] = np.nan
    refuses("governorate: 1 rows to be weighted have no value",
            lambda: made(data).weighting.nonresponse(responded="status == 1", cells=["governorate"]).apply())


def test_weighting_a_subpopulation_is_an_error():
    women = made().where("sex == 2")
    refuses("not to a subpopulation", lambda: women.weighting.normalise().apply())
    refuses("no weighting step", lambda: made().weighting.apply())


# --- trimming --------------------------------------------------------------------------


def test_trimming_brings_weights_to_the_bound_and_keeps_the_sum():
    survey = made()
    before = survey.design.weights
    done = survey.weighting.trim(upper=5.0).apply().design.weights
    assert done.max() <= 5.0 + 1e-12 and done.sum() == pytest.approx(before.sum(), rel=1e-12)
    inside = done < 5.0 - 1e-9
    assert np.ptp(done[inside] / before[inside]) < 1e-12
    cut = survey.weighting.trim(upper=5.0, redistribute=False).apply().design.weights
    np.testing.assert_array_equal(cut, np.minimum(before, 5.0))


def test_trimming_by_rule_and_from_below():
    survey = made()
    w = survey.design.weights
    low, high = np.quantile(w, [0.25, 0.75])
    done = survey.weighting.trim(upper="median + 0.5*iqr").apply().design.weights
    assert done.max() == pytest.approx(np.median(w) + 0.5 * (high - low))
    assert survey.weighting.trim(lower="mean / 1.5").apply().design.weights.min() == pytest.approx(w.mean() / 1.5)


def test_silent_error_28_every_weight_above_the_cap_terminates():
    """Silent error 28."""
    survey = made()
    refuses("lies outside the bounds", lambda: survey.weighting.trim(upper=1.0).apply())
    assert (survey.weighting.trim(upper=1.0, redistribute=False).apply().design.weights == 1.0).all()
    refuses("The bounds cross", lambda: survey.weighting.trim(upper=2.0, lower=3.0).apply())
    refuses("cannot be read", lambda: survey.weighting.trim(upper="p950 * 2").apply())
    refuses("not a positive number", lambda: survey.weighting.trim(upper=-1.0).apply())
    refuses("given no bound", lambda: survey.weighting.trim())


def test_levelling_meets_both_bounds_exactly():
    rng = np.random.default_rng(2)
    for _ in range(50):
        w = rng.lognormal(0, 1.2, 40)
        low, high = w.mean() * rng.uniform(0.1, 0.9), w.mean() * rng.uniform(1.1, 4)
        out = level_off(w, low, high)
        assert out.sum() == pytest.approx(w.sum(), rel=1e-12)
        assert low - 1e-12 <= out.min() and out.max() <= high + 1e-12
    np.testing.assert_allclose(level_off(np.array([1.0, 3.0]), 0.0, 2.0), [2.0, 2.0])


def test_normalise_changes_totals_and_nothing_else():
    survey = weighted()
    done = survey.weighting.normalise().apply()
    positive = done.design.weights > 0
    assert done.design.weights[positive].mean() == pytest.approx(1.0)
    for a, b in ((survey.mean("works"), done.mean("works")), (survey.mean("works", by="sex"), done.mean("works", by="sex"))):
        np.testing.assert_allclose(a.frame[["estimate", "std_error"]], b.frame[["estimate", "std_error"]], rtol=1e-10)


def test_base_weights_from_probabilities():
    data = frame().assign(p1=0.1, p2=0.05)
    done = made(data).weighting.base("1 / (p1 * p2)").apply()
    np.testing.assert_allclose(done.design.weights, 200.0)
    data.loc[4, "p2"] = np.nan
    refuses("no weight of zero or more on 1 rows (first: row 4)", lambda: made(data).weighting.base("1 / (p1 * p2)").apply())
    restarted = weighted().weighting.base("w").apply()
    assert restarted.design.calibration is None


def test_weighting_in_two_goes_is_weighting_in_one():
    """Steps applied to an already weighted survey keep what the variance knows of the earlier ones."""
    survey = made()
    first = survey.weighting.nonresponse(responded="status == 1", cells=["governorate"]).apply()
    twice = first.weighting.rake({"sex": SEX}).apply()
    once = (survey.weighting.nonresponse(responded="status == 1", cells=["governorate"])
            .rake({"sex": SEX}).apply())
    np.testing.assert_array_equal(once.mean("works").frame["std_error"], twice.mean("works").frame["std_error"])
    forgetful = survey.with_weights(twice.design.weights, None, "x")
    assert forgetful.total("works").frame["std_error"][0] != twice.total("works").frame["std_error"][0]


# --- waves -----------------------------------------------------------------------------


def pooled():
    data = pd.concat([frame(1).assign(wave=2024.0), frame(2).assign(wave=2026.0)], ignore_index=True)
    return data, made(data, wave="wave")


def test_each_wave_is_weighted_by_itself():
    data, survey = pooled()
    done = weighted(survey)
    for wave in (2024.0, 2026.0):
        rows = (data["wave"] == wave).to_numpy()
        alone = weighted(made(data[rows].reset_index(drop=True)))
        np.testing.assert_allclose(done.design.weights[rows], alone.design.weights, rtol=1e-9)
        expected = alone.mean("works", by="sex").frame["std_error"]
        got = done.mean("works", by=["wave", "sex"]).frame.query("wave == @wave")["std_error"]
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_targets_by_wave():
    data, survey = pooled()
    by_wave = {2024: {1: 3000.0, 2: 5000.0}, 2026: {1: 4500.0, 2: 4500.0}, 2030: {1: 1.0, 2: 1.0}}
    done = survey.weighting.rake({("wave", "sex"): by_wave}).apply()
    got = done.count(["wave", "sex"]).frame["estimate"].round(6).tolist()
    assert got == [3000.0, 5000.0, 4500.0, 4500.0]
    one = made(data[data["wave"] == 2026].reset_index(drop=True))
    assert one.weighting.rake({("wave", "sex"): by_wave}).apply().count("sex").frame["estimate"].round(6).tolist() == [4500.0, 4500.0]
    refuses("cannot be shares of one total", lambda: survey.weighting.rake({("wave", "sex"): by_wave}, total=1.0).apply())


# --- report ----------------------------------------------------------------------------


def test_report_says_what_happened_in_both_languages():
    done = weighted()
    report = done.weighting.report(["works"])
    assert report.frame["step"].tolist() == ["Before", "Nonresponse", "Rake", "Trim"]
    assert report.frame["deff"].iloc[-1] == kish(done.design.weights)
    final = done.design.weights
    row = report.indicators.iloc[0]
    works = done.values("works")
    assert row["final"] == pytest.approx(np.average(works, weights=final))
    assert row["unweighted"] == pytest.approx(works[final > 0].mean())
    balance = report.balance
    assert set(balance["margin"]) == {"governorate", "sex"}
    np.testing.assert_allclose(balance["after_step"], balance["target"], atol=1e-10)
    assert (balance["before"] - balance["target"]).abs().max() > 0.01
    assert f"{kish(final):.3f}" in report.text("en") and f"\u2066{kish(final):.3f}\u2069" in report.text("ar")
    assert "عدم الاستجابة" in report.text("ar")
    page = report._repr_html_()
    assert "<script" not in page and 'dir="rtl"' in page and "Kish" in page
    refuses("language 'fr'", lambda: report.text("fr"))
    refuses("No weighting step", lambda: made().weighting.report())


def test_trimmed_share_is_reported():
    done = made().weighting.trim(upper="median + 0.5*iqr").apply()
    entry = done.history[-1]
    assert isinstance(entry, Applied)
    assert done.weighting.report().frame["trimmed_share"].iloc[-1] == entry.facts["trimmed"] / 1200 > 0.1


def test_steps_of_a_card():
    from pathlib import Path

    card = Path(__file__).parents[2] / "data" / "surveys" / "masar_demo.yml"
    survey = mr.load(card, wave=2026)
    if survey.history:
        pytest.skip("loading applies the card's steps itself")
    done = from_card(survey)
    assert len(done.history) == len(survey.card.weighting) > 0
    refuses("not loaded from a card", lambda: from_card(made()))


def test_errors_are_weighting_errors():
    with pytest.raises(WeightingError):
        made().weighting.rake({"sex": {1: -5.0, 2: 10.0}}).apply()
