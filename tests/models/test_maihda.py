"""MAIHDA: against lme4, against a likelihood summed over a fixed grid, identities, the gate, coverage.

`oracles/maihda.R` wrote the numbers. lme4 stops its search near 1e-5 of the optimum, so its
log-likelihood is the sharp comparison (1e-8); the fixed grid is sharp throughout (1e-6).
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import gating
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import multilevel
from masar_research.errors import ModelError
from masar_research.models import maihda as module
from masar_research.present.lint import numerals

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "maihda.json").read_text())
BY = ["sex", "education", "governorate"]


@pytest.fixture(scope="module")
def data():
    """As the R script made it: the outcome of women in governorates of odd code turned round."""
    frame = pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")
    odd = (frame["sex"] == 2) & (frame["governorate"] % 2 == 1)
    return frame.assign(
        employed=np.where(odd, 1 - frame["employed"], frame["employed"]),
        income=frame["income"] + 90 * odd,
    )


@pytest.fixture(scope="module")
def survey(data):
    return mr.Survey(data, weights="weight", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def found(survey):
    return survey.maihda("employed", BY, number=40)


def summed(data, outcome, weighted):
    """Strata of complete rows, sex slowest, as the engine takes them."""
    rows = data.dropna(subset=["employed", "income", *BY])
    weight = rows["weight"] if weighted else pd.Series(1.0, rows.index)
    groups = rows.assign(w=weight, wy=weight * rows[outcome], wy2=weight * rows[outcome] ** 2).groupby(BY)
    sums = groups[["w", "wy", "wy2"]].sum()
    n = groups.size().to_numpy(float)
    scale = n / sums["w"].to_numpy()
    keys = sums.index.to_frame(index=False)
    X = np.column_stack([np.ones(len(keys))] + [
        keys[name] == level for name in BY for level in sorted(keys[name].unique())[1:]
    ]).astype(float)
    return X, n[None], (scale * sums["wy"].to_numpy())[None], (scale * sums["wy2"].to_numpy())[None]


@pytest.mark.parametrize("model", ["null", "adjusted"])
def test_logistic_without_weights_is_lme4s(data, model):
    X, n, ones, _ = summed(data, "employed", weighted=False)
    fit = multilevel.logistic(multilevel.Strata(X if model == "adjusted" else X[:, :1], n, ones))
    answer = ORACLE[model]
    # glmer leaves out the binomial constants too: outcomes are single people there as here.
    np.testing.assert_allclose(fit.loglik[0], answer["loglik"], rtol=1e-9)
    np.testing.assert_allclose(fit.sigma2[0], answer["sigma2"], rtol=1e-4)
    np.testing.assert_allclose(fit.coef[0], answer["coef"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model", ["null", "adjusted"])
def test_weighted_logistic_maximises_the_pseudo_likelihood(data, model):
    X, n, ones, _ = summed(data, "employed", weighted=True)
    fit = multilevel.logistic(multilevel.Strata(X if model == "adjusted" else X[:, :1], n, ones))
    answer = ORACLE[f"weighted_{model}"]
    assert fit.converged[0]
    np.testing.assert_allclose(fit.loglik[0], answer["loglik"], rtol=1e-10)
    np.testing.assert_allclose(fit.coef[0], answer["coef"], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(fit.sigma2[0], answer["sigma2"], rtol=1e-6)
    np.testing.assert_allclose(fit.effect[0], answer["effect"], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(fit.spread[0], answer["spread"], rtol=1e-6)


@pytest.mark.parametrize("model", ["null", "adjusted"])
def test_linear_without_weights_is_lme4s(data, model):
    X, n, ones, squares = summed(data, "income", weighted=False)
    fit = multilevel.linear(multilevel.Strata(X if model == "adjusted" else X[:, :1], n, ones, squares))
    answer = ORACLE[f"linear_{model}"]
    np.testing.assert_allclose(fit.loglik[0], answer["loglik"], rtol=1e-10)
    np.testing.assert_allclose(fit.sigma2[0], answer["sigma2"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fit.residual2[0], answer["residual2"], rtol=1e-6)
    np.testing.assert_allclose(fit.coef[0], answer["coef"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(fit.effect[0], answer["effect"], rtol=1e-4, atol=1e-4)


def test_the_verb_fits_the_weighted_likelihood(found):
    """The whole way from columns: the numbers of R's grid."""
    value = found.summary.set_index("statistic")["estimate"]
    np.testing.assert_allclose(value["variance_null"], ORACLE["weighted_null"]["sigma2"], rtol=1e-6)
    np.testing.assert_allclose(value["variance_adjusted"], ORACLE["weighted_adjusted"]["sigma2"], rtol=1e-6)
    vpc = ORACLE["weighted_null"]["sigma2"] / (ORACLE["weighted_null"]["sigma2"] + np.pi**2 / 3)
    np.testing.assert_allclose(value["vpc_null"], vpc, rtol=1e-6)
    pcv = 1 - ORACLE["weighted_adjusted"]["sigma2"] / ORACLE["weighted_null"]["sigma2"]
    np.testing.assert_allclose(value["pcv"], pcv, rtol=1e-6)
    np.testing.assert_allclose(found.adjusted["estimate"], ORACLE["weighted_adjusted"]["coef"], rtol=1e-6)
    assert len(found.strata) == ORACLE["strata"]


def test_only_the_shape_of_the_weights_within_strata_counts(data, found):
    doubled = data.assign(weight=data["weight"] * np.where(data["sex"] == 1, 1.0, 7.0))
    again = mr.Survey(doubled.sample(frac=1, random_state=3), weights="weight", strata="stratum", psu="psu")
    other = again.maihda("employed", BY, number=2)
    np.testing.assert_allclose(other.strata["shrunken"], found.strata["shrunken"], rtol=1e-8)
    same = [k for k in range(5)]
    np.testing.assert_allclose(other.summary["estimate"][same], found.summary["estimate"][same], rtol=1e-7)


def test_without_variance_between_strata_it_is_the_plain_logit():
    rng = np.random.default_rng(4)
    X = np.column_stack([np.ones(12), np.tile([0, 1], 6)]).astype(float)
    n = np.full((1, 12), 50.0)
    ones = n * np.where(X[:, 1] == 1, 0.3, 0.6)   # nothing varies beyond the main effect
    fit = multilevel.logistic(multilevel.Strata(X, n, ones))
    assert fit.sigma2[0] == 0 and fit.vpc[0] == 0
    np.testing.assert_allclose(fit.coef[0], [np.log(0.6 / 0.4), np.log(0.3 / 0.7) - np.log(0.6 / 0.4)])
    np.testing.assert_array_equal(fit.effect, 0)
    squares = ones + rng.uniform(1, 2, ones.shape)
    assert multilevel.linear(multilevel.Strata(X, n, ones, squares)).sigma2[0] == 0


def test_many_fits_at_once_are_the_fits_one_by_one(data):
    X, n, ones, squares = summed(data, "employed", weighted=True)
    rng = np.random.default_rng(8)
    factor = rng.uniform(0.4, 1.6, (6, n.shape[1]))
    many = multilevel.Strata(X, n * factor, ones * factor, squares * factor)
    together = multilevel.logistic(many, start=(np.zeros(X.shape[1]), 1.0))
    lines = multilevel.linear(many)
    for k in range(6):
        alone = multilevel.logistic(many.some(slice(k, k + 1)))
        np.testing.assert_allclose(together.coef[k], alone.coef[0], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(together.sigma2[k], alone.sigma2[0], rtol=1e-6, atol=1e-9)
        line = multilevel.linear(many.some(slice(k, k + 1)))
        np.testing.assert_allclose(lines.sigma2[k], line.sigma2[0], rtol=1e-9)


def test_auc_is_the_share_of_pairs():
    rng = np.random.default_rng(2)
    score = rng.integers(0, 5, (3, 9)) / 4.0
    ones, noughts = rng.uniform(0, 3, (2, 3, 9))
    found = multilevel.auc(score, ones, noughts)
    for k in range(3):
        better = (score[k][:, None] > score[k]) + 0.5 * (score[k][:, None] == score[k])
        pairs = np.outer(ones[k], noughts[k])
        np.testing.assert_allclose(found[k], (pairs * better).sum() / pairs.sum())


def test_standard_errors_are_those_of_models_fitted_in_every_replicate(survey, data):
    made = survey.with_replicates(mr.replicates.RaoWu(12), rng=np.random.default_rng(5))
    answer = made.maihda("employed", ["sex", "education"])
    replicates = made.design.replicates
    theta = []
    for r in range(12):
        weights = replicates.weights.rows(made.design, r)
        rows = data.assign(w=weights, f=weights / data["weight"]).dropna(subset=["employed", "sex", "education"])
        rows["wy"] = rows["w"] * rows["employed"]
        sums = rows.groupby(["sex", "education"])[["w", "wy", "f"]].sum()
        people = sums["f"].to_numpy()[None]
        ones = people * (sums["wy"] / sums["w"]).to_numpy()
        theta.append(multilevel.logistic(multilevel.Strata(np.ones((len(sums), 1)), people, ones)).sigma2[0])
    expected = np.sqrt(np.sum((np.array(theta) - np.mean(theta)) ** 2) / 11)
    got = answer.summary.set_index("statistic").loc["variance_null", "std_error"]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_the_subpopulation_is_fitted_under_the_whole_design(survey, data):
    women = survey.where("sex == 2").maihda("employed", ["education", "governorate"], number=20)
    assert women.note["rows"] == data.query("sex == 2").dropna(subset=["employed", "education"]).shape[0]
    assert women.note["base"] is not None


def test_an_outcome_that_no_group_explains_gets_no_interval():
    rng = np.random.default_rng(1)
    n = 1200
    frame = pd.DataFrame({
        "w": 1.0, "p": np.repeat(np.arange(60), 20), "a": rng.integers(0, 2, n), "b": rng.integers(0, 3, n),
        "y": rng.integers(0, 2, n).astype(float),
    })
    found = mr.Survey(frame, weights="w", psu="p").maihda("y", ["a", "b"], number=40)
    row = found.summary.set_index("statistic").loc["vpc_null"]
    assert row["near_zero"] and np.isnan(row["conf_low"])
    assert "cannot be told from zero" in found.reading("en")[0]
    assert "عن الصفر" in found.reading("ar")[0]


def test_shrunken_values_pass_the_gate_and_are_marked(data):
    frame = data.assign(education=data["education"].where(data.index >= 3, 9))
    survey = mr.Survey(frame, weights="weight", strata="stratum", psu="psu")
    found = survey.maihda("employed", ["sex", "education"], number=40)
    few = found.strata["n"].to_numpy() < 5
    judged = gating.decisions(found.shrunken)
    assert few.any() and (judged["status"][few] == "suppress").all()
    shown = judged["status"] != "suppress"
    assert shown.any() and judged["note_code"][shown].str.startswith("model_based").all()
    for lang in ("en", "ar"):
        art = found.plot(lang)
        drawn = {text.strip("\u2066\u2069") for text in art.texts}
        written = {place: f"{100 * value:.1f}%" for place, value in found.strata["shrunken"].items()}
        assert {written[k] for k in np.flatnonzero(shown)} <= drawn
        assert not {written[k] for k in np.flatnonzero(few)} & drawn


def test_it_is_read_in_both_languages_and_never_as_a_cause(found):
    for lang in ("en", "ar"):
        text = " ".join(found.reading(lang))
        assert numerals(text) and repr(found.table(lang))
    assert "not a cause" in " ".join(found.reading("en"))
    arabic = " ".join(found.reading("ar"))
    for token in numerals(arabic):
        assert token in arabic
    assert "وليس سبباً" in arabic
    assert [numerals(line) for line in found.reading("en")[:2]] == [numerals(line) for line in found.reading("ar")[:2]]


def test_the_area_level_estimate_lies_between_direct_and_additive_fit(found):
    """Shrinkage never leaves the segment between the direct estimate and its synthetic one."""
    frame = found.strata.dropna(subset=["area_level"])
    assert len(frame) == ORACLE["strata"]
    spread = frame["direct"].std()
    assert frame["area_level"].std() < spread and frame["shrunken"].std() < spread


@pytest.mark.parametrize(
    ("change", "asked", "says"),
    [
        ({}, {"strata": ["sex"]}, "two or more different"),
        ({}, {"strata": ["sex", "employed"]}, "two or more different"),
        ({}, {"strata": ["sex", "age"]}, "at most 15"),
        ({"employed": 1.0}, {}, "every fitted row"),
        ({"education": 2.0}, {}, "one category"),
        ({"employed": lambda d: np.where(d["sex"] == 1, 1.0, d["employed"])}, {}, "runs off to infinity"),
        ({"income": lambda d: d["sex"] * 10.0 + d["education"]}, {"outcome": "income"}, "does not vary within"),
    ],
)
def test_what_cannot_be_fitted_is_said(data, change, asked, says):
    frame = data.assign(**change)
    survey = mr.Survey(frame, weights="weight", strata="stratum", psu="psu")
    with pytest.raises(ModelError, match=says) as error:
        survey.maihda(asked.get("outcome", "employed"), asked.get("strata", ["sex", "education"]), number=4)
    assert error.value.ar and error.value.remedy


def test_collinear_groups_are_said(data):
    frame = data.assign(copy=data["sex"])
    with pytest.raises(ModelError, match="collinear"):
        mr.Survey(frame, weights="weight", strata="stratum", psu="psu").maihda("employed", ["sex", "copy"], number=4)


def sampled(rng, strata=24, psus=48):
    """A sample of PSUs from a population with strata that do not add up, and its truth."""
    codes = np.array([(a, b, c) for a in range(2) for b in range(3) for c in range(4)])
    additive = -0.4 + 0.7 * codes[:, 0] - 0.3 * codes[:, 1] + 0.15 * codes[:, 2]
    eta = additive + rng.normal(0, 0.45, strata)
    psu = np.repeat(np.arange(psus), 40)
    j = rng.integers(0, strata, psu.size)
    y = rng.random(psu.size) < 1 / (1 + np.exp(-(eta[j] + rng.normal(0, 0.3, psus)[psu])))
    grid = rng.normal(0, 0.3, 4000)
    truth = (1 / (1 + np.exp(-(eta[:, None] + grid)))).mean(axis=1)
    weight = rng.uniform(0.5, 2, psu.size)
    frame = pd.DataFrame({"w": weight, "h": psu % 8, "p": psu, "y": y.astype(float),
                          **dict(zip("abc", codes[j].T, strict=True))})
    return mr.Survey(frame, weights="w", strata="h", psu="p"), truth


def covered(samples, seed):
    rng, inside = np.random.default_rng(seed), []
    for k in range(samples):
        survey, truth = sampled(rng)
        strata = survey.maihda("y", ["a", "b", "c"], number=60, seed=k).strata
        inside.append((strata["shrunken_low"] <= truth) & (truth <= strata["shrunken_high"]))
    return np.mean(inside), np.std([part.mean() for part in inside]) / np.sqrt(samples)


def test_intervals_of_shrunken_strata_cover_on_average():
    share, error = covered(8, 21)
    assert share > 0.93 - 3 * error - 0.02 and share < 0.995


@pytest.mark.full
def test_intervals_of_shrunken_strata_cover_on_average_over_many_samples():
    share, error = covered(200, 22)
    assert 0.93 < share + 2.58 * error and share - 2.58 * error < 0.97


def test_rows_of_a_group_are_named_in_both_languages(data):
    book = Codebook([
        Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal", categories=(
            Category(1, {"en": "Men", "ar": "رجال"}), Category(2, {"en": "Women", "ar": "نساء"}))),
    ])
    survey = mr.Survey(data, weights="weight", strata="stratum", psu="psu", codebook=book)
    found = survey.maihda("employed", ["sex", "education"], number=20)
    assert found.adjusted["label_ar"].str.contains("نساء").any()
    assert any("نساء" in text for text in found.plot("ar").texts)
    assert module.NEAR_ZERO < 0.05
