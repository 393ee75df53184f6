"""Decompositions: against R with errors from moved weights, identities, the gate, both languages, coverage.

`oracles/decomposition.R` wrote the numbers: estimates to 1e-8; errors there are of numerical
derivatives, so 1e-6.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import decomposition as engine
from masar_research.errors import EstimationError, ModelError, ReleaseError
from masar_research.present.lint import numerals

HERE = Path(__file__).parent / "oracles"
ORACLE = json.loads((HERE / "decomposition.json").read_text())
FORMULA = "~ age + C(education)"


@pytest.fixture(scope="module")
def data():
    return pd.read_csv(HERE.parents[1] / "weighting" / "oracles" / "generated.csv")


@pytest.fixture(scope="module")
def complete(data):
    return data.dropna(subset=["employed", "income", "age", "education", "sex"])


def declared(frame):
    return mr.Survey(frame, weights="weight", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def survey(data):
    """Rows without an outcome of any model lie outside the subpopulation, as in the R script."""
    return declared(data).where("not missing(employed) and not missing(income) and not missing(education)")


def agrees(found, answer):
    np.testing.assert_allclose(found.frame["estimate"], answer["estimate"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.frame["std_error"], answer["se"], rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("reference", ["pooled", "first", "second"])
def test_two_parts_of_a_mean(survey, reference):
    agrees(survey.oaxaca("income " + FORMULA, "sex", (1, 2), reference=reference), ORACLE[reference])


def test_three_parts(survey):
    agrees(survey.oaxaca_threefold("income " + FORMULA, "sex", (1, 2)), ORACLE["three"])


def test_yun_of_a_share(survey):
    agrees(survey.oaxaca("employed " + FORMULA, "sex", (1, 2), family="binomial"), ORACLE["yun"])


def test_fairlie_switches_values_over_all_pairs(survey):
    found = survey.oaxaca("employed " + FORMULA, "sex", (1, 2), family="binomial", detail="fairlie")
    told = found.frame[(found.frame["part"] == "explained") & (found.frame["variable"] != "")]
    np.testing.assert_allclose(told["estimate"], ORACLE["fairlie"]["estimate"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(told["std_error"], ORACLE["fairlie"]["se"], rtol=2e-6)
    np.testing.assert_allclose(told["estimate"].sum(), found.part("explained")["estimate"], rtol=1e-9)


def test_kitagawa(survey):
    agrees(survey.kitagawa("employed", "sex", "education", (1, 2)), ORACLE["kitagawa"])


def test_parts_of_a_variance(survey):
    """Its recentred influence holds the mean: errors of the parts, which take it as given, are near."""
    found = survey.rif_oaxaca("income " + FORMULA, "sex", of="variance", compare=(1, 2))
    np.testing.assert_allclose(found.frame["estimate"], ORACLE["rif_variance"]["estimate"], rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(found.frame["std_error"][:3], ORACLE["rif_variance"]["se"][:3], rtol=2e-6)
    np.testing.assert_allclose(found.frame["std_error"], ORACLE["rif_variance"]["se"], rtol=0.15)


@pytest.mark.parametrize("kind", ["standard", "generalised", "erreygers", "wagstaff"])
def test_concentration(data, kind):
    found = declared(data).concentration("employed", rank="income", kind=kind).frame.iloc[0]
    np.testing.assert_allclose(found["estimate"], ORACLE[kind]["estimate"], rtol=1e-8)
    np.testing.assert_allclose(found["std_error"], ORACLE[kind]["se"], rtol=2e-6)


def test_the_difference_is_the_contrast_with_its_error(survey):
    means = survey.mean("income", by="sex").contrast("1 - 2").frame.iloc[0]
    shares = survey.proportion("employed", by="sex").contrast("1 - 2").frame.iloc[0]
    for found, told in (
        (survey.oaxaca("income " + FORMULA, "sex", (1, 2)), means),
        (survey.oaxaca_threefold("income " + FORMULA, "sex", (1, 2)), means),
        (survey.oaxaca("employed " + FORMULA, "sex", (1, 2), family="binomial"), shares),
        (survey.kitagawa("employed", "sex", "education", (1, 2)), shares),
    ):
        row = found.part("difference")
        np.testing.assert_allclose(row["estimate"], told["estimate"], rtol=1e-8)
        np.testing.assert_allclose(row["std_error"], told["std_error"], rtol=1e-7)


def test_the_difference_of_gini_coefficients_is_that_of_the_indices(survey):
    row = survey.rif_oaxaca("income " + FORMULA, "sex", of="gini", compare=(1, 2)).part("difference")
    told = survey.gini("income", by="sex").contrast("1 - 2").frame.iloc[0]
    np.testing.assert_allclose(row[["estimate", "std_error"]].astype(float), told[["estimate", "std_error"]].astype(float),
                               rtol=1e-8)


def test_the_median_apart_is_the_median_apart(survey):
    found = survey.rif_oaxaca("income " + FORMULA, "sex", of="quantile", compare=(1, 2))
    told = survey.median("income", by="sex").frame["estimate"].to_numpy()
    # The mean of a recentred influence function is the quantile, up to the step of the distribution there.
    np.testing.assert_allclose(found.frame["estimate"][:2], told, rtol=0.01)


def test_parts_add_up(survey):
    for found in (
        survey.oaxaca("income " + FORMULA, "sex", (1, 2), reference="average"),
        survey.oaxaca_threefold("income " + FORMULA, "sex", (1, 2)),
        survey.oaxaca("employed " + FORMULA, "sex", (1, 2), family="binomial", reference="first"),
        survey.kitagawa("employed", "sex", ["education", "urban"], (1, 2)),
    ):
        frame = found.frame
        parts = frame.iloc[3:]
        whole = parts[parts["variable"] == ""].set_index("part")["estimate"]
        np.testing.assert_allclose(whole.sum(), frame["estimate"][2], rtol=1e-9)
        by_variable = parts[parts["variable"] != ""].groupby("part")["estimate"].sum()
        np.testing.assert_allclose(by_variable[whole.index], whole, rtol=1e-8, atol=1e-10)


def test_no_part_depends_on_the_reference_of_a_category(complete):
    renamed = complete.assign(education=complete["education"].map({1: 4, 2: 1, 3: 3, 4: 2}).fillna(complete["education"]))
    for family, outcome in (("gaussian", "income"), ("binomial", "employed")):
        one, other = (
            declared(frame).oaxaca(f"{outcome} {FORMULA}", "sex", (1, 2), family=family).frame
            for frame in (complete, renamed)
        )
        for column in ("estimate", "std_error"):
            np.testing.assert_allclose(other[column], one[column], rtol=1e-7, atol=1e-9)


def test_turning_the_groups_round_turns_the_signs(survey):
    one = survey.oaxaca("income " + FORMULA, "sex", (1, 2)).frame
    other = survey.oaxaca("income " + FORMULA, "sex", (2, 1)).frame
    np.testing.assert_allclose(other["estimate"][2:], -one["estimate"][2:], rtol=1e-8)
    np.testing.assert_allclose(other["std_error"][2:], one["std_error"][2:], rtol=1e-8)


def test_replicates_make_everything_again(survey, complete):
    made = declared(complete).with_replicates(mr.replicates.JKn())
    found = made.oaxaca("income " + FORMULA, "sex", (1, 2))
    linear = survey.oaxaca("income " + FORMULA, "sex", (1, 2))
    np.testing.assert_allclose(found.frame["estimate"], linear.frame["estimate"], rtol=1e-8)
    np.testing.assert_allclose(found.frame["std_error"], linear.frame["std_error"], rtol=0.12)
    assert (found.frame["std_error"] != linear.frame["std_error"]).all()


def test_change_between_waves_knows_shared_units(data):
    """The change and its error are those of the contrast, covariance of shared PSUs included."""
    rng = np.random.default_rng(3)
    later = data.assign(income=data["income"] * rng.uniform(0.9, 1.3, len(data)), wave=2, age=data["age"] + 1)
    pooled = pd.concat([data.assign(wave=1), later], ignore_index=True)
    survey = mr.Survey(pooled, weights="weight", strata="stratum", psu="psu", wave="wave")
    found = survey.oaxaca("income " + FORMULA, "wave", (2, 1))
    both = survey.where("not missing(income) and not missing(education) and not missing(age)")
    told = both.mean("income", by="wave").contrast("2 - 1").frame.iloc[0]
    np.testing.assert_allclose(found.part("difference")[["estimate", "std_error"]].astype(float),
                               told[["estimate", "std_error"]].astype(float), rtol=1e-7)
    assert "Behaviour" in repr(found) and "تغيّر السلوك" in repr(found.table("ar"))


def test_those_without_an_outcome_are_counted_and_warned_of(data):
    frame = data.assign(wage=data["income"].where((data["sex"] == 2) | (data["psu"] > 1)))
    found = declared(frame).oaxaca("wage ~ age", "sex", (1, 2))
    share = frame.assign(gone=frame["wage"].isna() | frame["age"].isna()).groupby("sex").apply(
        lambda part: np.average(part["gone"], weights=part["weight"]), include_groups=False)
    np.testing.assert_allclose([found.note["missing_by_group"][k] for k in (1, 2)], share)
    assert "selection" in found.reading("en")[-1] and "للاختيار" in found.reading("ar")[-1]


def test_it_is_read_in_both_languages(survey):
    found = survey.oaxaca("employed " + FORMULA, "sex", (1, 2), family="binomial")
    english, arabic = (found.reading(lang) for lang in ("en", "ar"))
    assert [numerals(line) for line in english[1:3]] == [numerals(line) for line in arabic[1:3]]
    assert "not by itself discrimination" in " ".join(english)
    unsure = found.part("explained")
    assert ("cannot be told from none" in english[1]) == bool(unsure["conf_low"] <= 0 <= unsure["conf_high"])
    assert found.plot("ar").texts and found.plot("en").texts


def test_a_withheld_group_withholds_every_part(data):
    few = data.assign(group=np.where(data.index < 12, 1, 2), employed=np.where(data.index == 3, 1.0, data["employed"]))
    few.loc[few.index < 12, "education"] = np.resize([1, 2, 3, 4], 12)
    few.loc[few.index < 12, "employed"] = np.resize([0, 1, 0], 12)
    found = declared(few).kitagawa("employed", "group", "urban", (1, 2)) if few.loc[:11, "urban"].nunique() > 1 else (
        declared(few).oaxaca("employed ~ age", "group", (1, 2)))
    assert (found.table("en").frame["Estimate"] == "*").all()
    with pytest.raises(ReleaseError):
        found.plot("en")


@pytest.mark.parametrize(
    ("formula", "group", "compare", "says"),
    [
        ("income ~ age * C(education)", "sex", None, "interaction"),
        ("income ~ age + sex", "sex", None, "stay out of the formula"),
        ("income ~ age", "education", None, "which two"),
        ("income ~ age", "sex", (1, 1), "twice"),
        ("income ~ age", "sex", (1,), "two groups"),
        ("income ~ age + C(stratum)", "governorate", (11, 12), "one of the two groups only"),
        ("income ~ 0 + age", "sex", None, "constant"),
    ],
)
def test_what_cannot_be_taken_apart_is_said(survey, formula, group, compare, says):
    with pytest.raises(ModelError, match=says) as error:
        survey.oaxaca(formula, group, compare)
    assert error.value.ar and error.value.remedy


def test_arguments_that_do_not_belong_together(survey):
    with pytest.raises(ModelError, match="0/1"):
        survey.oaxaca("income ~ age", "sex", family="binomial")
    with pytest.raises(ModelError, match="fairlie"):
        survey.oaxaca("income ~ age", "sex", detail="fairlie")
    with pytest.raises(ModelError, match="not one of"):
        survey.oaxaca("income ~ age", "sex", reference="nobody")
    with pytest.raises(ModelError, match="statistic"):
        survey.rif_oaxaca("income ~ age", "sex", of="mode")
    with pytest.raises(ModelError, match="nobody with"):
        survey.kitagawa("employed", "sex", "lonely") if "lonely" in survey.frame else survey.with_columns(
            {"lonely": np.where(survey.frame["sex"] == 1, 1.0, 2.0)}).kitagawa("employed", "sex", "lonely")
    with pytest.raises(ModelError, match="no part"):
        survey.oaxaca("income ~ age", "sex").part("luck")


def test_reach_is_a_ratio_of_shares(data):
    survey = declared(data)
    found = survey.reach("employed", by="sex")
    among = survey.where("employed == 1").proportion("sex").frame["estimate"].to_numpy()
    whole = survey.where("not missing(employed)").proportion("sex").frame["estimate"].to_numpy()
    np.testing.assert_allclose(found.frame["estimate"], among / whole, rtol=1e-10)
    # A group's reach is also its rate over everybody's: the same number with the same error.
    rate = survey.statistic(lambda w, y, s: np.average(y[s == 1], weights=w[s == 1]) / np.average(y, weights=w),
                            ["employed", "sex"]).frame.iloc[0]
    np.testing.assert_allclose(found.frame.iloc[0][["estimate", "std_error"]].astype(float),
                               rate[["estimate", "std_error"]].astype(float), rtol=1e-6)
    given = survey.reach("employed", by="sex", population={1: 0.4, 2: 0.6}).frame["estimate"]
    np.testing.assert_allclose(given, among / [0.4, 0.6], rtol=1e-10)
    with pytest.raises(EstimationError, match="summing to 1"):
        survey.reach("employed", by="sex", population={1: 0.4})
    with pytest.raises(EstimationError, match="0/1"):
        survey.reach("age", by="sex")


def test_a_concentration_index_of_having_and_of_lacking_mirror_each_other(data):
    survey = declared(data).with_columns({"out": 1 - data["employed"]})
    for kind in ("erreygers", "wagstaff"):
        one, other = (survey.concentration(v, rank="income", kind=kind).frame.iloc[0] for v in ("employed", "out"))
        np.testing.assert_allclose(other["estimate"], -one["estimate"], rtol=1e-9)
        np.testing.assert_allclose(other["std_error"], one["std_error"], rtol=1e-9)
    with pytest.raises(EstimationError, match="beyond bounds"):
        survey.concentration("income", rank="age", kind="wagstaff")


def covered(samples, seed):
    """Shares of intervals that hold the population's own parts, by part."""
    rng = np.random.default_rng(seed)
    psus, size = 400, 40
    psu = np.repeat(np.arange(psus), size)
    n = psu.size
    sex = rng.integers(1, 3, n)
    school = np.minimum(rng.integers(0, 3, n) + (rng.random(n) < 0.25 * (sex == 1)), 2)
    age = rng.normal(40, 10, n) + rng.normal(0, 3, psus)[psu]
    y = 100 + 8 * school * (1 + 0.3 * (sex == 1)) + 0.9 * age + 6 * (sex == 1) + rng.normal(0, 9, psus)[psu] + rng.normal(0, 20, n)
    whole = pd.DataFrame({"psu": psu, "sex": sex, "school": school, "age": age, "y": y, "w": 1.0})

    def parts(frame, **design):
        return mr.Survey(frame, weights="w", **design).oaxaca("y ~ age + C(school)", "sex", (1, 2)).frame

    truth = parts(whole)["estimate"].to_numpy()
    inside = []
    for _ in range(samples):
        chosen = rng.choice(psus, 50, replace=False)
        sample = whole[np.isin(psu, chosen)]
        sample = sample[rng.random(len(sample)) < 0.5].reset_index(drop=True)
        found = parts(sample, psu="psu")
        inside.append((found["conf_low"] <= truth) & (truth <= found["conf_high"]))
    return np.mean(inside, axis=0)


def test_intervals_of_the_parts_cover():
    assert (covered(60, 5) > 0.95 - 0.1).all()


@pytest.mark.full
def test_intervals_of_the_parts_cover_in_many_samples():
    share = covered(1000, 6)
    error = 2.58 * np.sqrt(share * (1 - share) / 1000)
    assert (share + error > 0.93).all(), share


def test_the_influence_of_every_part_is_its_derivative():
    rng = np.random.default_rng(2)
    n = 60
    w, first = rng.uniform(0.5, 2, n), (rng.random(n) < 0.5).astype(float)
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.4, rng.random(n) < 0.3]).astype(float)
    y = (rng.random(n) < 0.5).astype(float)
    plan = engine.layout(4, 0, [[1], [2, 3]], [False, True])
    for make in (
        lambda w: engine.two_fold(w, y, first, X, plan, "average", "logit"),
        lambda w: engine.two_fold(w, y, first, X, plan, "pooled", "logit", switch=True),
        lambda w: engine.three_fold(w, y, first, X, plan),
        lambda w: engine.rates_and_composition(w, y, first, X[:, 2], 2),
    ):
        influence = make(w).influence
        for k in (0, 7, 31):
            step = np.zeros(n)
            step[k] = 1e-5
            np.testing.assert_allclose(influence[k], (make(w + step).value - make(w - step).value) / 2e-5, atol=2e-6)


def test_a_wave_that_is_not_compared_hides_nothing():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"w": 1.0, "wave": np.repeat([1, 2, 3], 400), "g": rng.integers(1, 3, 1200), "psu": np.arange(1200) // 10})
    frame["y"] = (rng.random(1200) < 0.4 + 0.05 * frame["g"]).astype(float)
    survey = mr.Survey(frame, weights="w", psu="psu", wave="wave")
    change = survey.kitagawa("y", group="wave", composition=["g"], compare=(3, 1))
    assert "*" not in str(change) and change.plot("ar").png
