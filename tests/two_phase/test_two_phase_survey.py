"""A survey with a second phase: every verb, the note, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import DesignError, EstimationError, MasarError, WeightingError
from masar_research.phases import Bernoulli, Poisson, Stratified

HERE = Path(__file__).parent
SOURCE = pd.read_csv(HERE / "two_phase.csv")


def frame(**changes) -> pd.DataFrame:
    known = SOURCE["sampled"] == 1
    out = SOURCE.assign(
        w=SOURCE["villages"] / 20, y=SOURCE["y"].where(known), z=SOURCE["z"].where(known)
    )
    return out.assign(**changes)


def survey(data: pd.DataFrame | None = None, second=None, **first) -> mr.Survey:
    first = first or {"strata": "region", "psu": "village", "fpc": "villages"}
    second = second or Stratified("sampled == 1", strata="screen")
    return mr.Survey(frame() if data is None else data, weights="w", second_phase=second, **first)


def error(estimates) -> np.ndarray:
    return estimates.frame["std_error"].to_numpy(float)


# --- the verbs -----------------------------------------------------------------------------


def test_nothing_is_filtered_and_rows_of_the_first_phase_alone_have_no_weight():
    declared = survey()
    assert len(declared) == len(SOURCE)
    assert np.array_equal(declared.design.weights > 0, SOURCE["sampled"] == 1)
    counts = SOURCE["screen"].value_counts()
    drawn = SOURCE.loc[SOURCE["sampled"] == 1, "screen"].value_counts()
    expected = SOURCE["villages"] / 20 * SOURCE["screen"].map(counts / drawn)
    assert declared.design.weights == pytest.approx(np.where(SOURCE["sampled"] == 1, expected, 0), rel=1e-12)


def test_one_statistic_by_different_ways():
    declared = survey()
    mean = declared.mean("z")
    share = declared.proportion("z")
    assert error(share) == pytest.approx(error(mean), rel=1e-10)
    by = declared.mean("y", by="sex")
    assert error(by)[1] == pytest.approx(error(declared.where("sex == 2").mean("y"))[0], rel=1e-10)
    model = declared.glm("y ~ C(sex)")
    gap = by.contrast("2 - 1")
    row = model.frame[model.frame["term"] != "Intercept"].iloc[0]
    assert row["estimate"] == pytest.approx(gap.frame["estimate"].iloc[0], rel=1e-9)
    assert row["std_error"] == pytest.approx(gap.frame["std_error"].iloc[0], rel=1e-9)
    logit = declared.logit("z ~ 1")
    p = mean.frame["estimate"].iloc[0]
    assert logit.frame["std_error"].iloc[0] == pytest.approx(error(mean)[0] / (p * (1 - p)), rel=1e-7)


def test_counts_of_a_domain_are_totals_of_its_indicator():
    data = frame(woman=(SOURCE["sex"] == 2).astype(float))
    declared = survey(data)
    count = declared.count(by="sex")
    assert error(count)[1] == pytest.approx(error(declared.total("woman"))[0], rel=1e-10)


def test_the_other_verbs_answer():
    declared = survey()
    median = declared.median("y", by="sex")
    assert np.isfinite(error(median)).all()
    quartiles = declared.quantile("y", probs=(0.25, 0.75)).frame["estimate"].to_numpy()
    assert quartiles[0] < quartiles[1]
    assert np.isfinite(declared.chi_square("z", "sex").p_value)
    assert np.isfinite(declared.variance("y").frame["std_error"].iloc[0])
    assert declared.diagnostics("y").frame["deff"].iloc[0] == pytest.approx(
        declared.mean("y").frame["deff"].iloc[0], rel=1e-10
    )


def test_a_missing_outcome_in_the_second_phase_is_counted_and_that_of_others_is_not():
    data = frame()
    first_known = int(np.flatnonzero(data["sampled"] == 1)[0])
    data.loc[first_known, "y"] = np.nan
    answer = survey(data).mean("y")
    assert answer.note["missing"] == 1
    assert answer.frame["n"].iloc[0] == data["sampled"].sum() - 1


def test_the_first_phase_by_itself():
    plain = mr.Survey(frame(), weights="w", strata="region", psu="village", fpc="villages")
    first = survey().where("sex == 2").first_phase()
    expected = plain.where("sex == 2").mean("x")
    assert first.mean("x").frame["std_error"].iloc[0] == expected.frame["std_error"].iloc[0]
    assert first.mean("x").frame["estimate"].iloc[0] == expected.frame["estimate"].iloc[0]
    assert first.mean("x").note["weights"] == "w"


def test_phases_add_up_to_the_variance():
    declared = survey()
    answer = declared.mean("y", by="sex")
    parts = declared.phase_variances(answer)
    assert (parts["first"] + parts["second"]).to_numpy() == pytest.approx(error(answer) ** 2, rel=1e-12)
    assert list(parts.columns[:1]) == ["sex"]
    gap = answer.contrast("2 - 1")
    parts = declared.phase_variances(gap)
    assert (parts["first"] + parts["second"]).iloc[0] == pytest.approx(error(gap)[0] ** 2, rel=1e-10)


def test_the_note_says_both_phases_in_both_languages():
    note = survey().mean("y").note
    assert note["design"]["phase_one_rows"] == len(SOURCE)
    assert note["design"]["phase_two_rows"] == SOURCE["sampled"].sum()
    assert note["design"]["phase_two_strata"] == 3
    assert note["design"]["psus"] == 40
    assert "second-phase probability" in note["weights"]
    lines = "\n".join(note.lines("ar"))
    assert "المرحلة الثانية" in lines
    assert "phase" not in lines.replace("second-phase probability", "").replace("of the phase", "")


# --- weights -------------------------------------------------------------------------------


def test_calibrated_to_the_first_phase_its_totals_are_met_and_keep_their_error():
    declared = survey().calibrate_second_phase(["sex", "screen"], "x")
    plain = mr.Survey(frame(), weights="w", strata="region", psu="village", fpc="villages")
    for name in ("x", "sex"):
        met, whole = declared.total(name), plain.total(name)
        assert met.frame["estimate"].iloc[0] == pytest.approx(whole.frame["estimate"].iloc[0], rel=1e-9)
        second = declared.phase_variances(met)["second"].iloc[0]
        assert second == pytest.approx(0, abs=1e-9 * error(met)[0] ** 2)
    assert error(declared.total("y"))[0] < error(survey().total("y"))[0]
    assert "معايرة" in declared.history[-1].text["ar"]


def test_a_calibration_on_a_second_phase_of_everybody_changes_nothing():
    data = frame(all=1, y=SOURCE["y"])
    everybody = survey(data, Stratified("all", strata="screen"))
    calibrated = everybody.calibrate_second_phase(["sex"], "x")
    assert error(calibrated.mean("y")) == pytest.approx(error(everybody.mean("y")), rel=1e-9)


def test_population_totals_take_the_auxiliaries_out_of_both_phases():
    """With everybody in the second phase, raking is that of one phase."""
    data = frame(all=1, y=SOURCE["y"])
    margin = {"sex": {1: 1000.0, 2: 1100.0}}
    first = {"strata": "region", "psu": "village", "fpc": "villages"}
    one = mr.Survey(data, weights="w", **first).weighting.rake(margin).apply()
    two = survey(data, Stratified("all", strata="screen")).weighting.rake(margin).apply()
    assert error(two.mean("y")) == pytest.approx(error(one.mean("y")), rel=1e-9)
    raked = survey().weighting.rake(margin).apply()
    assert raked.count(by="sex").frame["estimate"].tolist() == pytest.approx([1000, 1100])
    assert error(raked.count(by="sex")) == pytest.approx([0, 0], abs=1e-6)


def test_weights_outside_the_second_phase_are_refused():
    declared = survey()
    with pytest.raises(DesignError, match="not in the second phase would get a weight"):
        declared.design.reweight(np.ones(len(SOURCE)))


# --- other kinds of second phase -----------------------------------------------------------


def test_bernoulli_is_poisson_with_one_probability():
    one = survey(second=Bernoulli("sampled", 0.4)).mean("y")
    two = survey(frame(p=0.4), Poisson("sampled", "p")).mean("y")
    assert error(one)[0] == error(two)[0]
    assert one.note["design"]["phase_two"]["en"] == "Bernoulli sampling"


def test_counts_or_fractions_given_are_those_that_would_be_counted():
    n = SOURCE.groupby("screen")["screen"].transform("size")
    share = SOURCE.groupby("screen")["sampled"].transform("mean")
    counted = survey(second=Stratified("sampled", strata="screen", method="full")).mean("y")
    data = frame(there=n.where(SOURCE["sampled"] == 1), share=share,
                 screen=SOURCE["screen"].where(SOURCE["sampled"] == 1))  # fmt: skip
    for column in ("there", "share"):
        given = survey(data, Stratified("sampled", strata="screen", fpc=column, method="full")).mean("y")
        assert error(given) == pytest.approx(error(counted), rel=1e-12)


def test_no_method_makes_up_a_difference_where_there_is_none():
    """Of a simple random sample both methods estimate the same variance, up to 1 / n."""
    first = {"fpc": "fpc_person"}
    full, approx, difference = (
        error(survey(second=Stratified("sampled", strata="screen", method=m), **first).mean("y"))[0]
        for m in ("full", "approx", "difference")
    )
    assert len({full, approx, difference}) == 3
    assert full == pytest.approx(approx, rel=2 / len(SOURCE))
    assert full == pytest.approx(difference, rel=2 / len(SOURCE))


# --- errors --------------------------------------------------------------------------------

BAD = {
    "in phase two but not in phase one": (
        lambda d: survey(d.assign(w=d["w"].where(d["sampled"] == 0, 0.0))), "no weight in the first"),
    "not known whether in phase two": (
        lambda d: survey(d.assign(sampled=d["sampled"].where(d.index > 2))), "is not known for 3 rows"),
    "nobody in phase two": (lambda d: survey(d.assign(sampled=0)), "No row is in the second phase"),
    "a stratum with one unit": (
        lambda d: survey(second=Stratified("lonely", strata="alone")), "Second phase: .*hold one: 9"),
    "an empty stratum": (
        lambda d: survey(d.assign(sampled=d["sampled"].where(d["screen"] != 2, 0))), "no row in it: 2"),
    "strata missing": (
        lambda d: survey(d.assign(screen=d["screen"].where(d.index > 4))), "Second phase: .*5 are missing"),
    "no condition": (lambda d: survey(second=Stratified("screen")), "neither a condition nor a column"),
    "no such column": (lambda d: survey(second=Stratified("sampeld")), "no variable 'sampeld'"),
    "probabilities missing": (
        lambda d: survey(d.assign(p=np.where(d.index == 9, 0.5, np.nan)), Poisson("sampled", "p")),
        "missing or outside"),
    "probabilities above one": (
        lambda d: survey(d.assign(p=1.5), Poisson("sampled", "p")), "missing or outside"),
    "no column of probabilities": (lambda d: survey(second=Poisson("sampled", "q")), "not a column of numbers"),
    "Bernoulli by column": (lambda d: survey(second=Bernoulli("sampled", "p")), "one number for all"),
    "half a village": (
        lambda d: survey(second=Stratified("sampled", psu="village")), "with some of their rows only"),
    "probabilities within a unit": (
        lambda d: survey(d.assign(p=np.linspace(0.1, 0.9, len(d))), Poisson("drawn", "p", psu="village")),
        "it varies within"),
    "labels that repeat from village to village": (
        lambda d: survey(d.assign(household=d.groupby("village_id").cumcount() // 2),
                         Stratified("sampled", psu="household")), "several PSUs of the first"),
    "collapse": (lambda d: survey(second=Stratified("sampled", lonely_psu="collapse")), "not a rule"),
    "a method that is none": (lambda d: survey(second=Stratified("sampled", method="exact")), "not a method"),
    "approx across villages": (
        lambda d: survey(second=Stratified("sampled", strata="screen", method="approx")), "into the second phase whole"),
    "approx with lower stages": (
        lambda d: survey(second=Stratified("sampled", strata="screen", method="approx"), strata="region",
                         psu=["village", "person"], fpc=["villages", "persons"]), "one stage of sampling"),
    "an fpc for every stage": (
        lambda d: survey(second=Stratified("sampled", psu=["village", "person"], fpc="villages")),
        "one fpc per stage"),
    "waves": (lambda d: survey(d.assign(year=2020 + d.index % 2), strata="region", wave="year"),
              "pooled waves"),
    "replicates": (
        lambda d: survey(d.assign(r1=d["w"], r2=d["w"] * 1.1),
                         replicates=mr.replicates.Bootstrap(["r1", "r2"])), "given replicate weights"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_errors_name_what_was_found_and_what_to_do(what):
    attempt, message = BAD[what]
    with pytest.raises(MasarError, match=f"(?s){message}") as raised:
        attempt(frame())
    assert raised.value.remedy
    assert raised.value.ar


@pytest.mark.parametrize("rule", ["centre", "scale", "certainty", "remove"])
def test_a_rule_for_a_stratum_with_one_unit_stands_in_the_note(rule):
    answer = survey(second=Stratified("lonely", strata="alone", lonely_psu=rule)).mean("x")
    assert np.isfinite(error(answer)).all()
    assert answer.note["design"]["phase_two_lonely"] == rule
    assert answer.note["design"]["phase_two_lonely_strata"] == ("9",)


def test_replicates_and_scripts_are_refused(tmp_path):
    declared = survey(strata="region", psu="village")
    lots = {"rng": np.random.default_rng(1)}
    for kind, options in (
        (mr.replicates.JKn(), {}), (mr.replicates.RaoWu(number=20), lots),
        (mr.replicates.Bootstrap(number=20), lots),
    ):  # fmt: skip
        with pytest.raises(DesignError, match="not available for two-phase samples"):
            declared.with_replicates(kind, **options)
    with pytest.raises(DesignError, match="not available for two-phase samples"):
        declared.as_r_script(declared.mean("y"), tmp_path / "r")
    with pytest.raises(WeightingError, match="once"):
        declared.calibrate_second_phase("sex").calibrate_second_phase("screen")
    with pytest.raises(WeightingError, match="calibrated to the first phase"):
        declared.calibrate_second_phase("sex").weighting.rake({"sex": {1: 5.0, 2: 5.0}}).apply()


def test_verbs_of_two_phases_ask_for_two_phases():
    plain = mr.Survey(frame(), weights="w")
    with pytest.raises(EstimationError, match="no second phase"):
        plain.first_phase()
    with pytest.raises(WeightingError, match="is not a two-phase sample"):
        plain.calibrate_second_phase("sex")
    with pytest.raises(EstimationError, match="not made from this"):
        survey().phase_variances(plain.mean("x"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No auxiliary"),
        ({"categories": "sex", "method": "logit"}, "not a way"),
        ({"categories": "sex", "numbers": "x", "method": "rake"}, "categories only"),
        ({"categories": "y"}, "missing for"),
        ({"numbers": "y"}, "missing for"),
    ],
)
def test_calibrations_that_cannot_be(options, message):
    with pytest.raises(WeightingError, match=message):
        survey().calibrate_second_phase(**options)


def test_approx_and_calibrated_weights_do_not_meet():
    declared = survey(second=Stratified("sampled", strata="screen", method="approx"), fpc="fpc_person")
    with pytest.raises(DesignError, match="knows no calibrated weights"):
        declared.calibrate_second_phase("sex")
