"""Base weights by stage, eligibility, merging of classes, attrition, scaling, waves combined, history and replay."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import WeightingError
from masar_research.weighting import Stage, read_steps, write_steps
from masar_research.weighting.step_data import as_data, from_data


def refuses(words, call):
    with pytest.raises(WeightingError, match=words) as caught:
        call()
    assert caught.value.remedy


def frame(seed=1, n=600):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 10), 10)
    return pd.DataFrame({
        "w": rng.uniform(2, 6, n), "psu": psu, "stratum": psu // 6, "hh": np.arange(n) // 2, "p_psu": 0.01 + 0.001 * (psu % 7),
        "m": 4.0, "M": 40.0 + psu % 5, "persons": 1.0 + np.arange(n) // 2 % 4, "lines": 1.0 + np.arange(n) % 2,
        "kind": rng.integers(1, 4, n).astype(float), "sex": rng.integers(1, 3, n).astype(float),
        "status": rng.choice([1.0, 2.0, 3.0, 4.0], n, p=[0.6, 0.2, 0.1, 0.1]), "y": rng.normal(10, 2, n)})  # fmt: skip


def made(data=None, **more):
    return mr.Survey(frame() if data is None else data, weights="w", strata="stratum", psu="psu", **more)


# --- base weights --------------------------------------------------------------------------

STAGES = [{"probability": "p_psu", "unit": "psu"}, ("m", "M"), Stage("1 / persons", unit="hh")]


def test_base_weights_are_the_product_over_stages():
    data = frame()
    done = made().weighting.base(stages=STAGES, multiplicity="lines").apply()
    hand = data["M"] / data["m"] / data["p_psu"] * data["persons"] / data["lines"]
    np.testing.assert_allclose(done.design.weights, hand, rtol=1e-12)
    same = made().weighting.base("M / m / p_psu * persons / lines").apply()
    np.testing.assert_allclose(done.design.weights, same.design.weights, rtol=1e-12)
    assert "3 stages" in str(done.history[0])


def test_selection_that_cannot_be_is_refused():
    data = frame()
    for words, change, stages in (
        ("outside \\(0, 1\\]", {"p_psu": 1.2}, STAGES), ("outside \\(0, 1\\]", {"p_psu": 0.0}, STAGES),
        ("unknown", {"p_psu": np.nan}, STAGES), ("more selected than", {"m": 50.0}, STAGES),
        ("not positive", {"M": 0.0}, STAGES), ("several probabilities", {"persons": 9.0}, STAGES),
    ):  # fmt: skip
        bad = data.copy()
        bad.loc[3, list(change)] = list(change.values())
        refuses(words, lambda bad=bad, stages=stages: made(bad).weighting.base(stages=stages).apply())
    refuses("below 1", lambda: made().weighting.base(stages=["p_psu"], multiplicity="lines - 1").apply())
    refuses("one of the two", lambda: made().weighting.base())
    refuses("belongs to stages", lambda: made().weighting.base("w", multiplicity="lines"))
    refuses("needs a probability", lambda: made().weighting.base(stages=[{"selected": "m"}]))
    refuses("has no p", lambda: made().weighting.base(stages=[{"p": "m"}]))
    refuses("one entry per stage", lambda: made().weighting.base(stages="p_psu"))


# --- eligibility ---------------------------------------------------------------------------

SAY = {"eligible": "status in [1, 2]", "ineligible": "status == 3", "unknown": "status == 4"}


def test_the_unknown_are_carried_within_classes_and_ineligible_rows_stay_without_weight():
    data, done = frame(), made().weighting.eligibility(**SAY, cells=["kind"]).apply()
    for kind, rows in data.groupby("kind"):
        w, s = rows["w"], rows["status"]
        factor = w.sum() / w[s != 4].sum()
        eligible = rows.index[s.isin([1, 2])]
        np.testing.assert_allclose(done.design.weights[eligible], data["w"][eligible] * factor)
    assert (done.design.weights[data["status"] > 2] == 0).all() and len(done) == len(data)
    facts, known = done.history[0].facts, data["status"] < 4
    e = [data["w"][(data["kind"] == k) & s].sum() for k in (1, 2, 3) for s in (data["status"] < 3, known, ~known)]
    by_class = np.reshape(e, (3, 3))
    assert facts["e_weighted"] == pytest.approx((by_class[:, 0] / by_class[:, 1]) @ by_class[:, 2] / by_class[:, 2].sum())


def test_aapor_e_is_the_share_of_the_unknown_that_counts():
    data = frame()
    for share in (0.0, 0.4, 1.0):
        done = made().weighting.eligibility(**SAY, cells=["kind"], share=share).apply()
        expected = data["w"][data["status"] < 3].sum() + share * data["w"][data["status"] == 4].sum()
        assert done.design.weights.sum() == pytest.approx(expected)


@pytest.mark.parametrize("share", [None, 0.4])
def test_silent_error_16_the_error_knows_the_carried_weight(share):
    done = made().weighting.eligibility(**SAY, cells=["kind"], share=share).apply()
    jack = done.with_replicates(mr.replicates.JKn())
    for verb in ("total", "mean"):
        a, b = getattr(done, verb)("y").frame["std_error"], getattr(jack, verb)("y").frame["std_error"]
        assert a.iloc[0] == pytest.approx(b.iloc[0], rel=0.01)


def test_silent_error_17_a_disposition_of_no_group_is_refused():
    refuses("none or several", lambda: made().weighting.eligibility("status == 1", "status == 3", "status == 4", ["kind"]).apply())
    refuses("none or several", lambda: made().weighting.eligibility("status < 4", "status == 3", "status == 4", ["kind"]).apply())
    refuses("no share", lambda: made().weighting.eligibility(**SAY, cells=["kind"], share=1.5).apply())


# --- merging of classes --------------------------------------------------------------------


def test_classes_merge_by_factor_and_never_across_parents():
    data = frame()
    data.loc[(data["kind"] == 2) & (data["sex"] == 1), "status"] = 2.0
    data.loc[data.index[(data["kind"] == 2) & (data["sex"] == 1)][:3], "status"] = 1.0
    free = made(data).weighting.nonresponse("status == 1", cells=["sex", "kind"], max_factor=4).apply()
    assert len(free.history[0].facts["merged"]) == 1 and "factor" in free.history[0].facts["merged"][0]
    assert free.history[0].facts["largest_factor"] <= 4 and "1 merges" in str(free.history[0])
    sums = made(data).count("sex").frame["estimate"]
    kept = made(data).weighting.nonresponse("status == 1", cells=["kind"], max_factor=4, within=["sex"]).apply()
    np.testing.assert_allclose(kept.count("sex").frame["estimate"], sums)
    refuses("no neighbour left", lambda: made(data).weighting.nonresponse(
        "status == 1", cells=["kind"], max_factor=1.01, within=["sex"]).apply())
    refuses("none are", lambda: made(data).weighting.nonresponse("status == 1", cells=["kind"], within=["sex"]).apply())
    refuses("no room", lambda: made(data).weighting.nonresponse("status == 1", cells=["kind"], max_factor=1).apply())


# --- panel ---------------------------------------------------------------------------------


def panel(seed=4, n=400):
    rng = np.random.default_rng(seed)
    first = frame(seed, n).assign(person=np.arange(n), wave=1.0, answered=1.0)
    second = first.assign(wave=2.0, w=1.0, answered=(rng.random(n) < 0.5 + 0.1 * first["kind"]).astype(float),
                          kind=9.0)  # fmt: skip
    second["y"] = (second["y"] + 1).where(second["answered"] == 1)
    return pd.concat([first, second.sample(frac=1, random_state=1)], ignore_index=True)


def test_attrition_chains_weights_on_the_person_and_lost_rows_stay():
    data = panel()
    survey = made(data, wave="wave")
    done = survey.weighting.attrition("answered == 1", cells=["kind"], panel="person").apply()
    assert len(done) == len(data)
    one = data[data["wave"] == 1].set_index("person")
    two = data[data["wave"] == 2]
    kind, w1 = one["kind"].reindex(two["person"]).to_numpy(), one["w"].reindex(two["person"]).to_numpy()
    stays = (two["answered"] == 1).to_numpy()
    for k in (1, 2, 3):
        rows = kind == k
        expected = w1[rows & stays] * w1[rows].sum() / w1[rows & stays].sum()
        np.testing.assert_allclose(done.design.weights[two.index[rows & stays]], expected)
    assert (done.design.weights[two.index[~stays]] == 0).all()
    np.testing.assert_array_equal(done.design.weights[data["wave"] == 1], data["w"][data["wave"] == 1])
    jack = done.with_replicates(mr.replicates.JKn())
    np.testing.assert_allclose(done.total("y", by="wave").frame["std_error"], jack.total("y", by="wave").frame["std_error"], rtol=0.01)
    model = survey.weighting.attrition("answered == 1", on="C(kind)", panel="person").apply()
    np.testing.assert_allclose(model.design.weights, done.design.weights, rtol=1e-7)


def test_attrition_of_one_row_per_person_and_what_is_refused():
    plain = made().weighting.attrition("status == 1", cells=["kind"]).apply()
    same = made().weighting.nonresponse("status == 1", cells=["kind"]).apply()
    np.testing.assert_array_equal(plain.design.weights, same.design.weights)
    assert str(plain.history[0]).startswith("Attrition") and "الطولية" in plain.history[0].text["ar"]
    data = panel()
    gone = data.drop(data.index[(data["wave"] == 2) & (data["answered"] == 0)])
    refuses("have no row in wave", lambda: made(gone, wave="wave").weighting.attrition(
        "answered == 1", cells=["kind"], panel="person").apply())
    twice = data.assign(person=data["person"] // 2)
    refuses("does not name one row", lambda: made(twice, wave="wave").weighting.attrition(
        "answered == 1", cells=["kind"], panel="person").apply())
    refuses("this survey has one", lambda: made().weighting.attrition("status == 1", cells=["kind"], panel="hh").apply())
    refuses("one of the two", lambda: made().weighting.attrition("status == 1"))


# --- scaling -------------------------------------------------------------------------------


def test_scaling_to_totals_and_by_domain():
    survey = made()
    np.testing.assert_allclose(survey.weighting.normalise(total=500.0).apply().design.weights.sum(), 500)
    by = survey.weighting.normalise(total=50.0, by="kind").apply()
    np.testing.assert_allclose(by.count("kind").frame["estimate"], 50)
    ones = survey.weighting.normalise(by=["kind"]).apply()
    np.testing.assert_allclose(ones.count("kind").frame["estimate"], frame()["kind"].value_counts().sort_index())
    a, b = survey.mean("y", by="kind").frame, by.mean("y", by="kind").frame
    np.testing.assert_allclose(a[["estimate", "std_error"]], b[["estimate", "std_error"]])
    refuses("no sum of weights|not a sum", lambda: survey.weighting.normalise(total=0).apply())


def test_waves_take_their_shares():
    data = pd.concat([frame(1).assign(wave=2024.0), frame(2, 300).assign(wave=2026.0)], ignore_index=True)
    survey = made(data, wave="wave")
    sums = survey.count("wave").frame["estimate"].to_numpy()
    given = survey.weighting.combine({2024: 0.3, "2026": 0.7}).apply()
    np.testing.assert_allclose(given.count("wave").frame["estimate"], sums * [0.3, 0.7])
    n_eff = np.array([g["w"].sum() ** 2 / (g["w"] ** 2).sum() for _, g in data.groupby("wave")])
    by_size = survey.weighting.combine().apply()
    np.testing.assert_allclose(by_size.count("wave").frame["estimate"], sums * n_eff / n_eff.sum())
    refuses("sum to", lambda: survey.weighting.combine({2024: 0.3, 2026: 0.9}).apply())
    refuses("the waves are", lambda: survey.weighting.combine({2024: 1.0}).apply())
    refuses("one wave only", lambda: made().weighting.combine().apply())


# --- the log -------------------------------------------------------------------------------


def whole_way(survey):
    return (survey.weighting.base(stages=STAGES)
            .eligibility(**SAY, cells=["kind"]).propensity("status == 1", on="C(kind) + persons")
            .rake({"sex": {1: 0.5, 2: 0.5}, "kind": {1: 0.3, 2: 0.3, 3: 0.4}}, total="current")
            .trim(upper="p99", within=["sex"]).trim(upper="5*mean", targets={("sex", "kind"): {1: {1: .1, 2: .2, 3: .2}, 2: {1: .1, 2: .2, 3: .2}}}, total="current")
            .normalise(total=1000.0))  # fmt: skip


def test_steps_are_written_read_and_taken_again_on_another_file(tmp_path):
    done = whole_way(made()).apply()
    path = write_steps(done, tmp_path / "steps.yml")
    assert read_steps(path) == tuple(log.step for log in done.history)
    again = made().weighting.replay(path).apply()
    np.testing.assert_array_equal(again.design.weights, done.design.weights)
    other = made(frame(9))
    np.testing.assert_array_equal(other.weighting.replay(path).apply().design.weights,
                                  other.weighting.replay(done.history).apply().design.weights)
    jack = done.with_replicates(mr.replicates.JKn())
    assert jack.mean("y").frame["std_error"].iloc[0] == pytest.approx(done.mean("y").frame["std_error"].iloc[0], rel=0.1)


def test_every_step_has_a_plain_form():
    for step in (*whole_way(made()).steps, *made().weighting.base("w").attrition("status == 1", cells="kind")
                 .combine({2024: 0.3, 2026: 0.7}).poststratify({"sex": {1: 5.0, 2: 6.0}}).steps):  # fmt: skip
        assert from_data(as_data(step)) == step
    for given, words in (({"step": "magic"}, "no weighting step"), ({"step": "trim", "uper": 3}, "has no uper"),
                         ({"step": "rake"}, "needs margins"), ("trim", "no weighting step")):  # fmt: skip
        refuses(words, lambda given=given: from_data(given))


def test_the_history_prints_in_both_languages():
    done = whole_way(made()).apply()
    en, ar = done.history.text("en"), done.history.text("ar")
    assert en.count("\n") == ar.count("\n") == 6 and str(done.history) == en
    assert en.startswith("1. Base weights") and "الأهلية" in ar
    page = done.history._repr_html_()
    assert "dir='rtl'" in page and page.count("<li>") == 14
    assert made().history == () and "No weighting step" in str(made().history)
    for log in done.history:
        assert log.text["ar"].count("\u2066") == log.text["ar"].count("\u2069")


def test_a_card_declares_the_steps(tmp_path):
    from types import SimpleNamespace

    from pydantic import TypeAdapter

    from masar_research.briefs.steps import step_words
    from masar_research.codebook import Codebook
    from masar_research.loading.card_weighting import Step
    from masar_research.weighting import from_card

    given = [{"step": "eligibility", **SAY, "cells": ["kind"]},
             {"step": "propensity", "responded": "status == 1", "on": "C(kind) + persons", "classes": 4},
             {"step": "trim", "max_deff": 1.3, "within": ["sex"]}, {"step": "normalise", "total": 900.0, "by": ["sex"]}]  # fmt: skip
    steps = tuple(TypeAdapter(Step).validate_python(step) for step in given)
    survey = made()
    survey.card = SimpleNamespace(weighting=steps)
    done = from_card(survey)
    by_hand = (made().weighting.eligibility(**SAY, cells=["kind"]).propensity("status == 1", on="C(kind) + persons", classes=4)
               .trim(max_deff=1.3, within="sex").normalise(900.0, by="sex").apply())  # fmt: skip
    np.testing.assert_array_equal(done.design.weights, by_hand.design.weights)
    assert all(step_words(step, Codebook([])).ar for step in steps)
