"""Residuals and influence of ordinal, multinomial and Cox models: R, identities, brute force.

`oracles/model_residuals.R` wrote the numbers.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import ModelError
from masar_research.models import diagnostic_charts
from masar_research.models.row_residuals import linear_predictor, probabilities

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "model_residuals.json").read_text())
HAZARDS = {
    "efron": ("Surv(time, employed) ~ C(sex) + age", "efron", None),
    "breslow": ("Surv(time, employed) ~ C(sex) + age", "breslow", None),
    "entry_strata": ("Surv(entry, time, employed) ~ C(sex) + age", "efron", "urban"),
}


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    frame["time"] = np.round(frame["income"] / 40) + frame["age"] % 7 + 1
    frame["entry"] = np.maximum(0, np.minimum(frame["time"] - 1, frame["age"] % 5))
    return frame.assign(one=1.0)


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def models(survey):
    formula = "education ~ C(sex) + age"
    return {"logit": survey.ordinal(formula), "probit": survey.ordinal(formula, link="probit"),
            "multinomial": survey.multinomial(formula),
            **{name: survey.cox(f, ties=ties, strata=held) for name, (f, ties, held) in HAZARDS.items()}}


def changes(found, units):
    table = found.psus.set_index(["stratum", "psu"])
    columns = [c for c in table.columns if c.startswith("change[")]
    return np.array([table.loc[tuple(int(part) for part in unit.split()), columns].to_numpy(float) for unit in units])


@pytest.mark.parametrize("name", ["logit", "probit", "multinomial"])
def test_residuals_of_levels_are_those_of_r(models, name):
    model, answer = models[name], ORACLE[name]
    np.testing.assert_allclose(model.fit.coef, answer["coef"], rtol=1e-8)
    pearson = model.residuals("pearson")
    np.testing.assert_allclose(pearson.values[answer["rows"]], answer["pearson"], rtol=1e-7)
    assert pearson.columns == ("1", "2", "3", "4", "5")
    if name != "multinomial":
        np.testing.assert_allclose(model.residuals().values[answer["rows"]], answer["probability_scale"], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", ["logit", "probit", "multinomial"])
def test_influence_on_levels_is_that_of_r(models, name):
    model, answer = models[name], ORACLE[name]
    step, exact = model.influence(), model.influence("refit")
    errors = model.frame["std_error"].to_numpy()
    np.testing.assert_allclose(step.dfbetas[answer["rows"]] * errors, answer["dfbeta"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(changes(step, answer["units"]), answer["one_step"], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(model.fit.coef - changes(exact, answer["units"]), answer["without"], rtol=1e-6, atol=1e-8)
    assert (np.abs(changes(step, answer["units"]) - changes(exact, answer["units"])) / errors).max() < 0.1


@pytest.mark.parametrize("name", HAZARDS)
def test_cox_residuals_are_those_of_r(models, name):
    model, answer = models[name], ORACLE[name]
    rows = answer["rows"]
    for kind in ("martingale", "deviance", "score"):
        np.testing.assert_allclose(model.residuals(kind).values[rows], answer[kind], rtol=1e-7, atol=1e-9)
    of = answer["event_rows"]
    for kind, values in (("schoenfeld", answer["schoenfeld"]), ("scaled_schoenfeld", answer["scaled"])):
        found = model.residuals(kind).values
        assert sorted(of) == np.flatnonzero(np.isfinite(found).all(axis=1)).tolist()
        if name == "entry_strata":      # R gives them in an order of its own: the same rows, whichever comes first
            ours, theirs = (rows[np.lexsort(np.round(rows.T, 6))] for rows in (found[of], np.asarray(values)))
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
        else:
            np.testing.assert_allclose(found[of], values, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", HAZARDS)
def test_cox_influence_is_that_of_r(models, name):
    model, answer = models[name], ORACLE[name]
    step, exact = model.influence(), model.influence("refit")
    errors = model.frame["std_error"].to_numpy()
    np.testing.assert_allclose(step.dfbetas[answer["rows"]] * errors, answer["dfbeta"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(changes(step, answer["units"]), answer["summed"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.fit.coef - changes(exact, answer["units"]), answer["without"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(step.dfbetas * errors, model.fit.influence, rtol=1e-12)


def test_scaled_schoenfeld_without_weights_are_those_of_r(data):
    model = mr.Survey(data, weights="one").cox("Surv(time, employed) ~ C(sex) + age")
    found = model.residuals("scaled_schoenfeld").values
    found = found[np.isfinite(found).all(axis=1)]
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(ORACLE["unweighted_scaled"], axis=0), rtol=1e-7)


def test_what_must_be_zero_is_zero(models):
    for name in HAZARDS:
        model = models[name]
        w = model.fit.weights
        scale = w.sum()
        assert abs(np.nansum(w * model.residuals("martingale").values)) < 1e-10 * scale
        for kind in ("score", "schoenfeld"):
            assert (np.abs(np.nansum(w[:, None] * model.residuals(kind).values, axis=0)) < 1e-8 * scale).all()
        scaled = model.residuals("scaled_schoenfeld").summary()
        np.testing.assert_allclose(scaled["mean"], model.fit.coef, rtol=1e-8)
    logit, many = models["logit"], models["multinomial"]
    rows = logit.fit.used
    r = (logit.fit.weights * np.nan_to_num(logit.residuals().values))[rows]
    np.testing.assert_allclose(np.r_[r.sum(), r @ logit.matrix.X[rows]], 0, atol=1e-7)
    left = np.nan_to_num(many.residuals("response").values)[rows] * many.fit.weights[rows, None]
    np.testing.assert_allclose(left.T @ many.matrix.X[rows], 0, atol=1e-7)
    np.testing.assert_allclose(left.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("name", ["logit", "probit"])
def test_expected_probability_scale_residuals_are_zero_person_by_person(models, name):
    from masar_research.engine.outcome_residuals import probability_scale

    shares = probabilities(models[name])[models[name].fit.used]
    each = np.stack([probability_scale(shares, np.full(len(shares), k)) for k in range(5)], axis=1)
    np.testing.assert_allclose((shares * each).sum(axis=1), 0, atol=1e-12)
    assert (np.diff(each, axis=1) > 0).all() and (np.abs(each) < 1).all()


def test_two_levels_are_a_logit(survey, data):
    """Of two levels the probability-scale residual is y − p, the multinomial's Pearson and leverage the logit's."""
    two = mr.Survey(data, weights="weight", strata="stratum", psu="psu")
    logit, many = two.logit("employed ~ C(sex) + age"), two.multinomial("employed ~ C(sex) + age")
    np.testing.assert_allclose(many.residuals().values[:, 1], logit.residuals("pearson").values, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(many.influence().leverage, logit.influence("one_step").leverage, rtol=1e-7, atol=1e-12)
    theirs = logit.influence("one_step").psus.sort_values(["stratum", "psu"])
    ours = many.influence().psus.sort_values(["stratum", "psu"])
    np.testing.assert_allclose(ours["change[1: age]"], theirs["change[age]"], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["logit", "probit", "multinomial", *HAZARDS])
def test_leverages_add_to_the_parameters_and_are_the_information_of_rows(models, name):
    model = models[name]
    found = model.influence()
    assert found.leverage.sum() == pytest.approx(model.fit.coef.size, rel=1e-9)
    assert found.leverage.min() >= -1e-12 and (found.leverage[~model.fit.used] == 0).all()
    assert found.psus["leverage"].sum() == pytest.approx(model.fit.coef.size, rel=1e-9)
    assert found.psus["persons"].sum() == model.fit.n_used and list(found.terms) == list(model.frame["term"])


def test_weights_times_a_constant_and_doubled_rows_change_nothing(data):
    formula = HAZARDS["efron"][0]
    one, ten = (mr.Survey(data.assign(weight=data["weight"] * c), weights="weight", psu="psu").cox(formula) for c in (1, 10))
    for kind in ("martingale", "deviance", "score", "schoenfeld", "scaled_schoenfeld"):
        np.testing.assert_allclose(one.residuals(kind).values, ten.residuals(kind).values, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one.influence().dfbetas, ten.influence().dfbetas, rtol=1e-7, atol=1e-10)


def test_a_psu_without_which_a_level_is_gone_is_missing_and_counted(data):
    frame = data[data["education"].notna()].copy()
    frame["answer"] = np.where((frame["stratum"] == 111) & (frame["psu"] == 1), 3.0, np.where(frame["education"] < 3, 1.0, 2.0))
    model = mr.Survey(frame, weights="weight", strata="stratum", psu="psu").ordinal("answer ~ age")
    many = model.survey.multinomial("answer ~ age")
    for each in (model, many):
        for how in ("one_step", "refit"):
            found = each.influence(how)
            assert found.note["psus_without_fit"] == 1, how
            first = found.psus.iloc[0]
            assert (first["stratum"], first["psu"]) == (111, 1) and np.isnan(first["cook"])


def test_subpopulation_and_missing_rows_stay_out(survey):
    women = survey.where("sex == 2")
    for model in (women.ordinal("education ~ age"), women.cox("Surv(time, employed) ~ age")):
        outside = ~model.fit.used
        assert np.isnan(model.residuals().values[outside]).all() and np.isfinite(model.residuals().values[~outside]).all()
        assert (model.influence().dfbetas[outside] == 0).all() and np.isnan(model.residuals().fitted[outside]).all()


def test_what_cannot_be_done_is_refused_in_both_languages(models, data):
    logit, many, cox = models["logit"], models["multinomial"], models["efron"]
    unclustered = mr.Survey(data, weights="weight").multinomial("education ~ age")
    for call, words in (
        (lambda: logit.residuals("martingale"), "this model"), (lambda: many.residuals("probability_scale"), "this model"),
        (lambda: cox.residuals("pearson"), "this model"), (lambda: cox.influence("jackknife"), "leaving"),
        (lambda: logit.plot_residuals("en", "time"), "no plot"), (lambda: cox.plot_residuals("en", "calibration"), "no plot"),
        (lambda: many.plot_residuals("en"), "one level"), (lambda: logit.plot_residuals("en", "calibration"), "one level"),
        (lambda: cox.plot_residuals("en", of="age"), "whole model"), (lambda: cox.plot_residuals("en", "time"), "no term"),
        (lambda: many.plot_residuals("en", of=9), "not a code"), (lambda: unclustered.plot_influence(), "no primary sampling units"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            call()
        assert caught.value.remedy
        if "not a code" not in words:
            assert any("ء" <= c <= "ي" for c in caught.value.ar)


def test_prints_show_no_single_person_and_escape_labels(data):
    book = Codebook((Variable("education", {"en": "Education", "ar": "التعليم"}, level="ordinal", categories=tuple(
        Category(float(k), {"en": f"<b>{k}</b>", "ar": f"<i>{k}</i>"}) for k in range(1, 6))),))
    model = mr.Survey(data, weights="weight", strata="stratum", psu="psu", codebook=book).multinomial("education ~ age")
    found = model.residuals()
    html = found._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;1" in html and "<i>" not in html and "لا تُعرض بيانات أفراد" in html
    for extreme in (np.nanmin(found.values), np.nanmax(found.values)):
        assert f"{abs(extreme):,.3f}" not in repr(found) + html


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_charts_in_both_languages(models, lang):
    for name, kind, of in (
        ("logit", "binned", None), ("logit", "calibration", 3), ("multinomial", "binned", 2), ("efron", "binned", None),
        ("efron", "time", "age"),
    ):
        art = models[name].plot_residuals(lang, kind, of)
        assert art.png[:4] == b"\x89PNG" and len(art.texts) > 5
        assert any("ء" <= c <= "ي" for text in art.texts for c in text) == (lang == "ar")
    for name in ("logit", "multinomial", "efron"):
        assert models[name].plot_influence(lang).png[:4] == b"\x89PNG"


def test_binned_residuals_find_a_bend_and_leave_a_straight_line_alone():
    rng = np.random.default_rng(6)
    n = 4000
    frame = pd.DataFrame({"w": rng.uniform(1, 3, n), "psu": np.arange(n) // 20, "x": rng.uniform(-2, 2, n)})
    frame["bent"] = np.digitize(frame["x"] ** 2 + 0.4 * frame["x"] + rng.logistic(size=n), [0.5, 2.0])
    frame["months"] = rng.exponential(np.exp(-(frame["x"] ** 2) / 2 - 0.3 * frame["x"]))
    frame["event"] = 1.0
    survey = mr.Survey(frame, weights="w", psu="psu")

    def outside(model):
        drawn = diagnostic_charts.binned(model, linear_predictor(model), model.residuals().values, "en", across="", upward="")
        return sum(s.low > 0 or s.high < 0 for s in drawn.spots) / len(drawn.spots)

    for formula, verb in (("bent ~ {}", "ordinal"), ("Surv(months, event) ~ {}", "cox")):
        assert outside(getattr(survey, verb)(formula.format("x"))) > 0.6
        assert outside(getattr(survey, verb)(formula.format("poly(x, 2)"))) < 0.25
