"""`Estimates.small_area` and `Survey.small_area_unit`: what goes in, what comes out, what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import places
from masar_research.engine import small_area
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates

sys.path.insert(0, str(Path(__file__).parent))
from small_area_samples import known, survey  # noqa: E402


@pytest.fixture(scope="module")
def people() -> mr.Survey:
    return survey()


@pytest.fixture(scope="module")
def rates(people: mr.Survey) -> Estimates:
    return people.proportion("works", by="governorate")


def test_it_is_the_engine_s_fit_on_the_figures_as_given(rates: Estimates) -> None:
    found = rates.small_area(known(), on="governorate", terms=["south"], variances="direct")
    x = np.column_stack([np.ones(12), known()["south"]])
    own = small_area.fit(rates.frame["estimate"].to_numpy(), x, np.diag(rates.vcov), "reml")
    np.testing.assert_allclose(found.frame["estimate"], own.estimate, rtol=1e-9)
    np.testing.assert_allclose(found.vcov, own.mse_matrix, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.coefficients["estimate"], own.coef, rtol=1e-8)
    np.testing.assert_allclose(found.coefficients["std_error"], np.sqrt(np.diag(own.coef_cov)), rtol=1e-8)
    assert found.coefficients["term"].tolist() == ["Intercept", "south"]
    assert isinstance(found, Estimates) and found.kind == "model_based_proportion"
    assert found.note["model_based"] is True and (found.frame["df"] == 10).all()


def test_covariates_are_joined_by_area_not_by_position(rates: Estimates) -> None:
    plain = rates.small_area(known(), on="governorate", terms=["south"])
    mixed = rates.small_area(known().sample(frac=1, random_state=3), on="governorate", terms=["south"])
    pd.testing.assert_frame_equal(plain.frame, mixed.frame, rtol=1e-9)
    assert plain.frame["governorate"].tolist() == rates.frame["governorate"].tolist()


def test_a_covariate_s_units_change_nothing(rates: Estimates) -> None:
    plain = rates.small_area(known(), on="governorate", terms=["persons"])
    larger = rates.small_area(known().assign(persons=lambda t: 1e6 * t["persons"] + 5e9), on="governorate", terms=["persons"])
    np.testing.assert_allclose(plain.frame["estimate"], larger.frame["estimate"], rtol=1e-8)


def test_every_term_is_used_unless_named(rates: Estimates) -> None:
    both = rates.small_area(known(), on="governorate")
    assert both.coefficients["term"].tolist() == ["Intercept", "south", "persons"]
    mean = rates.small_area(known(), on="governorate", terms=[])
    assert mean.coefficients["term"].tolist() == ["Intercept"] and (mean.frame["df"] == 11).all()


def test_smoothed_variances_keep_their_sum_and_go_with_n(rates: Estimates) -> None:
    found = rates.small_area(known(), on="governorate", terms=[])
    used = found.areas["sampling_variance"].to_numpy()
    assert used.sum() == pytest.approx(np.diag(rates.vcov).sum(), rel=1e-9)
    np.testing.assert_allclose(used * rates.frame["n"], used[0] * rates.frame["n"].iloc[0], rtol=1e-9)


def test_a_variance_of_zero_is_never_taken_as_exact() -> None:
    frame = survey().frame
    frame.loc[frame["governorate"] == 32, "works"] = 0.0
    direct = mr.Survey(frame, weights="w", strata="governorate", psu="psu").proportion("works", by="governorate")
    row = direct.frame["governorate"].tolist().index(32)
    assert direct.vcov[row, row] == 0
    for way in ("smoothed", "direct"):
        found = direct.small_area(known(), on="governorate", terms=[], variances=way)
        assert found.areas["sampling_variance"].iloc[row] > 0 and found.areas["shrinkage"].iloc[row] < 0.99
        assert found.frame["estimate"].iloc[row] > 0.01 and found.frame["std_error"].iloc[row] > 0
        assert found.note["zero_variances"] == (32,)
    kept = direct.small_area(known(), on="governorate", terms=[], transform="arcsine", rng=np.random.default_rng(1), replicates=60)
    assert kept.areas["source"].iloc[row] == "model"
    lost = direct.small_area(known(), on="governorate", terms=[], transform="logit", rng=np.random.default_rng(1), replicates=60)
    assert lost.areas["source"].iloc[row] == "synthetic" and lost.note["synthetic_areas"] == (32,)


def test_areas_without_interviews_are_synthetic_and_marked() -> None:
    direct = survey(g24=0, g32=0).proportion("works", by="governorate")
    held = direct.frame[direct.frame["n"] > 0]
    found = direct.small_area(known(), on="governorate", terms=["south"])
    lone = found.frame[found.frame["governorate"].isin([24, 32])]
    assert (lone["n"] == 0).all() and len(found) == 12 and (found.frame["df"] == len(held) - 2).all()
    assert set(found.areas.loc[found.areas["source"] == "synthetic", "governorate"]) == {24, 32}
    coef = found.coefficients.set_index("term")["estimate"]
    np.testing.assert_allclose(lone.set_index("governorate")["estimate"], [coef["Intercept"], coef["Intercept"] + coef["south"]], rtol=1e-9)
    assert (lone["std_error"] > found.note["area_variance"] ** 0.5).all()
    assert "no interview of this area itself" in str(found)


def test_fewer_than_five_interviews_take_no_part() -> None:
    frame = survey().frame
    few = frame[frame["governorate"] == 32].index[3:]
    direct = mr.Survey(frame.drop(few).reset_index(drop=True), weights="w", psu="psu").proportion("works", by="governorate")
    assert direct.frame.set_index("governorate")["n"][32] == 3
    found = direct.small_area(known(), on="governorate", terms=[])
    assert found.note["few_interviews"] == (32,)
    turned = frame.drop(few).reset_index(drop=True)
    turned.loc[turned["governorate"] == 32, "works"] = 1 - turned.loc[turned["governorate"] == 32, "works"]
    other = mr.Survey(turned, weights="w", psu="psu").proportion("works", by="governorate")
    again = other.small_area(known(), on="governorate", terms=[], variances="direct")
    first = direct.small_area(known(), on="governorate", terms=[], variances="direct")
    np.testing.assert_allclose(again.frame["estimate"], first.frame["estimate"], rtol=1e-12)


@pytest.mark.parametrize("rule", ["ratio", "difference"])
@pytest.mark.parametrize("scale", ["identity", "arcsine", "log", "logit"])
def test_a_benchmark_is_met(people: mr.Survey, rates: Estimates, rule: str, scale: str) -> None:
    national = people.proportion("works")
    drawn = {} if scale == "identity" else {"rng": np.random.default_rng(1), "replicates": 100}
    found = rates.small_area(
        known(), on="governorate", benchmark=rule, shares="persons", national=national, transform=scale, **drawn
    )
    held = known()["persons"] / known()["persons"].sum()
    assert found.frame["estimate"].to_numpy() @ held == pytest.approx(national.frame["estimate"].iloc[0], rel=1e-12)
    assert (found.frame["conf_low"] < found.frame["estimate"]).all()
    assert (found.frame["estimate"] < found.frame["conf_high"]).all()
    assert found.coefficients["term"].tolist() == ["Intercept", "south"]      # the shares are no covariate
    if scale == "identity":
        plain = rates.small_area(known(), on="governorate", terms=["south"])
        assert (found.frame["std_error"] > plain.frame["std_error"] * 0.9999).all()


def test_totals_add_up_to_the_national_total(people: mr.Survey) -> None:
    found = people.total("pay", by="governorate").small_area(known(), on="governorate", terms=["persons"], benchmark="ratio")
    assert found.frame["estimate"].sum() == pytest.approx(people.total("pay").frame["estimate"].iloc[0], rel=1e-12)
    assert found.kind == "model_based" and found.note["model_of"]["en"] == "total"


def test_a_contrast_has_the_covariance_of_the_errors(rates: Estimates) -> None:
    found = rates.small_area(known(), on="governorate", terms=["south"])
    gap = found.contrast("11 - 34")
    v = found.vcov
    assert gap.frame["std_error"].iloc[0] == pytest.approx((v[0, 0] + v[11, 11] - 2 * v[0, 11]) ** 0.5, rel=1e-12)
    assert gap.note["of"] == "model_based_proportion"


def test_scales_agree_where_the_figures_are_near_each_other(rates: Estimates) -> None:
    plain = rates.small_area(known(), on="governorate", terms=["south"]).frame["estimate"]
    for scale in ("arcsine", "logit"):
        other = rates.small_area(
            known(), on="governorate", terms=["south"], transform=scale, rng=np.random.default_rng(2), replicates=50
        ).frame["estimate"]  # fmt: skip
        np.testing.assert_allclose(other, plain, atol=0.02)


def test_the_same_seed_gives_the_same_errors_and_another_one_others(rates: Estimates) -> None:
    def errors(seed: int) -> np.ndarray:
        drawn = rates.small_area(known(), on="governorate", rng=np.random.default_rng(seed), replicates=80)
        return drawn.frame["std_error"].to_numpy()

    assert (errors(1) == errors(1)).all() and (errors(1) != errors(2)).any()


def test_a_chosen_category(people: mr.Survey) -> None:
    frame = people.frame.assign(level=lambda f: np.where(f["age"] < 30, 1.0, np.where(f["age"] < 50, 2.0, 3.0)))
    direct = mr.Survey(frame, weights="w", strata="governorate", psu="psu").proportion("level", by="governorate")
    found = direct.small_area(known(), on="governorate", category=2, terms=[])
    assert (found.frame["category"] == 2).all() and len(found) == 12
    with pytest.raises(EstimationError, match="more than once"):
        direct.small_area(known(), on="governorate", terms=[])


WRONG = [
    ({"on": "region"}, "not a domain column"),
    ({"covariates": known().drop(columns="governorate")}, "need a column"),
    ({"covariates": known().assign(governorate=lambda t: t["governorate"].astype(str))}, "None of the areas"),
    ({"covariates": known().iloc[2:]}, "2 areas of the estimates have no row of covariates: 11, 12"),
    ({"covariates": pd.concat([known(), known().iloc[:1]])}, "stand more than once in the covariates: 11"),
    ({"covariates": known().assign(south=lambda t: t["south"].where(t["governorate"] != 33))}, "missing for 33"),
    ({"covariates": known().assign(north=lambda t: 1 - t["south"])}, "'north' does not vary .* or is made of"),
    ({"covariates": known().assign(one=1.0)}, "'one' does not vary"),
    ({"covariates": known().assign(**{f"x{i}": np.random.default_rng(i).normal(size=12) for i in range(9)})}, "needs 15 at least"),
    ({"covariates": known().assign(name="a")}, "'name' is not a number"),
    ({"terms": ["nothing"]}, "no column 'nothing'"),
    ({"method": "fh"}, "method='fh' is not known"),
    ({"transform": "sqrt"}, "transform='sqrt' is not known"),
    ({"within": "region"}, "within='region' is no column"),
    ({"within": "south"}, "2 larger areas"),
    ({"covariates": known().assign(of=[*range(11), np.nan]), "within": "of"}, "does not say where 34 lie"),
    ({"within": "south", "rng": np.random.default_rng(1)}, "without bootstrap"),
    ({"within": "south", "method": "ml"}, "fitted by REML"),
    ({"variances": "none"}, "variances='none' is not known"),
    ({"benchmark": "ratio"}, "how much each area counts"),
    ({"benchmark": "raking", "shares": "persons"}, "benchmark='raking'"),
    ({"shares": "persons"}, "for a benchmark, and none"),
    ({"replicates": 500}, "needs rng="),
    ({"rng": 5}, "numpy Generator"),
    ({"category": 7}, "category=7 is not a category"),
    ({"neighbours": places.contiguity(places.tile_grid())}, "below 30"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), WRONG, ids=[said[:28] for _, said in WRONG])
def test_bad_input_is_named_in_both_languages(rates: Estimates, changed: dict, said: str) -> None:
    asked = {"covariates": known(), "on": "governorate", **changed}
    with pytest.raises(EstimationError, match=said) as caught:
        rates.small_area(**asked)
    assert caught.value.remedy and caught.value.ar != EstimationError.general


def changed(estimates: Estimates, **fields: object) -> Estimates:
    from dataclasses import replace

    return replace(estimates, **fields)


def test_variances_that_cannot_be_are_refused(rates: Estimates) -> None:
    below = rates.vcov.copy()
    below[2, 2] = -1e-5
    with pytest.raises(EstimationError, match="below zero in 13"):
        changed(rates, vcov=below).small_area(known(), on="governorate")
    with pytest.raises(EstimationError, match="sampling variance above zero"):
        changed(rates, vcov=np.zeros_like(below)).small_area(known(), on="governorate")
    with pytest.raises(EstimationError, match="kind 'difference'"):
        rates.contrast("11 - 12").small_area(known(), on="governorate")


def test_a_share_outside_its_range_names_the_way_out(rates: Estimates) -> None:
    far = pd.concat([known(), pd.DataFrame({"governorate": [99], "south": [40.0], "persons": [1.0]})])
    with pytest.raises(EstimationError, match="share of 99 outside"):
        rates.small_area(far, on="governorate", terms=["south"])
    found = rates.small_area(far, on="governorate", terms=["south"], transform="logit", rng=np.random.default_rng(1), replicates=50)
    assert found.frame["estimate"].between(0, 1).all()


# --- neighbours -------------------------------------------------------------------------


def grid(side: int = 6, seed: int = 2) -> tuple[Estimates, pd.DataFrame, dict]:
    """Areas on a board with like neighbours."""
    rng = np.random.default_rng(seed)
    near = {
        i * side + j: [
            a * side + b for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)) if 0 <= a < side and 0 <= b < side
        ]
        for i in range(side) for j in range(side)
    }  # fmt: skip
    w = np.zeros((side**2, side**2))
    for one, others in near.items():
        w[one, others] = 1 / len(others)
    v = np.linalg.solve(np.eye(side**2) - 0.8 * w, rng.normal(size=side**2))
    area = np.repeat(np.arange(side**2), 24)
    frame = pd.DataFrame({"w": 1.0, "area": area, "psu": np.arange(len(area)) // 4, "y": 5 + v[area] + 3 * rng.normal(size=len(area))})
    direct = mr.Survey(frame, weights="w", strata="area", psu="psu").mean("y", by="area")
    return direct, pd.DataFrame({"area": range(side**2), "x": rng.normal(size=side**2)}), near


def test_neighbours_are_learnt_from() -> None:
    direct, table, near = grid()
    found = direct.small_area(table, on="area", neighbours=near)
    assert found.note["spatial_correlation"] > 0.3
    plain = direct.small_area(table, on="area")
    assert np.mean(found.frame["std_error"]) < np.mean(plain.frame["std_error"])
    square = pd.DataFrame([[float(b in near[a]) for b in near] for a in near], index=list(near), columns=list(near))
    other = direct.small_area(table, on="area", neighbours=square)
    np.testing.assert_allclose(other.frame["estimate"], found.frame["estimate"], rtol=1e-12)
    weighed = direct.small_area(
        table.assign(size=1.0), on="area", terms=["x"], neighbours=near, benchmark="difference", shares="size"
    )
    assert weighed.frame["estimate"].mean() == pytest.approx(direct.frame["estimate"].mean(), rel=1e-12)


def test_what_neighbours_may_not_be() -> None:
    direct, table, near = grid()
    for wrong, said in (
        ({k: v for k, v in near.items() if k != 3}, "does not name 3"), (near | {0: [0]}, "the area itself"),
        (near | {0: [99]}, "no area of the model"), ({k: [] for k in near}, "No area has a neighbour"),
        (pd.DataFrame(np.eye(36), index=range(1, 37)), "same areas as rows and columns"),
    ):  # fmt: skip
        with pytest.raises(EstimationError, match=said):
            direct.small_area(table, on="area", neighbours=wrong)
    with pytest.raises(EstimationError, match="direct estimate in every area"):
        direct.small_area(pd.concat([table, pd.DataFrame({"area": [77], "x": [0.0]})]), on="area", neighbours=near)
    with pytest.raises(EstimationError, match="figures themselves"):
        direct.small_area(table, on="area", neighbours=near, method="li_lahiri")


# --- persons ----------------------------------------------------------------------------


def means(people: mr.Survey) -> pd.DataFrame:
    return known()[["governorate", "persons"]].assign(age=44.0)


def test_persons_and_areas_give_like_answers(people: mr.Survey) -> None:
    by_person = people.small_area_unit("pay", ["age"], "governorate", means(people))
    by_area = people.mean("pay", by="governorate").small_area(known(), on="governorate", terms=[])
    assert np.corrcoef(by_person.frame["estimate"], by_area.frame["estimate"])[0, 1] > 0.95
    assert by_person.kind == "model_based" and by_person.note["model_based"] is True
    shares = people.small_area_unit("works", [], "governorate", known()[["governorate"]])
    assert shares.kind == "model_based_proportion"


def test_without_weights_it_is_the_weighted_one_with_equal_weights(people: mr.Survey) -> None:
    equal = mr.Survey(people.frame.assign(w=1.0), weights="w")
    one = equal.small_area_unit("pay", ["age"], "governorate", means(people))
    other = equal.small_area_unit("pay", ["age"], "governorate", means(people), weighted=False)
    np.testing.assert_allclose(one.frame["estimate"], other.frame["estimate"], rtol=1e-10)
    np.testing.assert_allclose(one.frame["std_error"], other.frame["std_error"], rtol=1e-8)


def test_a_census_of_an_area_is_known(people: mr.Survey) -> None:
    counted = people.frame.groupby("governorate")["age"].agg(["mean", "size"]).reset_index()
    table = counted.rename(columns={"mean": "age", "size": "people"})
    found = people.small_area_unit("pay", ["age"], "governorate", table, weighted=False, size="people")
    np.testing.assert_allclose(found.frame["estimate"], people.frame.groupby("governorate")["pay"].mean(), rtol=1e-10)
    np.testing.assert_allclose(found.frame["std_error"], 0, atol=1e-9)


def test_the_pseudo_eblup_adds_up_to_the_survey_regression(people: mr.Survey) -> None:
    """Σ_i w_i θ̂_i = Ŷ + (X − X̂)'β̂_w, w_i the sum of the area's weights (You and Rao 2002)."""
    frame, table = people.frame, means(people)
    found = people.small_area_unit("pay", ["age"], "governorate", table)
    total = frame.groupby("governorate")["w"].sum().to_numpy()
    beta = found.coefficients["estimate"].to_numpy()
    direct = (frame["w"] * frame["pay"]).sum()
    gap = np.array([0.0, total @ table["age"].to_numpy() - (frame["w"] * frame["age"]).sum()])
    assert total @ found.frame["estimate"].to_numpy() == pytest.approx(direct + gap @ beta, rel=1e-10)


def test_rows_outside_the_subpopulation_do_not_count(people: mr.Survey) -> None:
    young = people.where("age < 40").small_area_unit("pay", ["age"], "governorate", means(people))
    frame = people.frame
    alone = mr.Survey(frame[frame["age"] < 40].reset_index(drop=True), weights="w")
    np.testing.assert_allclose(
        young.frame["estimate"],
        alone.small_area_unit("pay", ["age"], "governorate", means(people)).frame["estimate"], rtol=1e-10,
    )  # fmt: skip


def test_what_the_model_of_persons_refuses(people: mr.Survey) -> None:
    table = means(people)
    for asked, said in (
        ({"population": table.iloc[1:]}, "have no row in the population: 11"),
        ({"population": table.drop(columns="age")}, "no column 'age'"),
        ({"covariates": ["age", "age"]}, "named twice"),
        ({"covariates": ["age", "w"], "population": table.assign(w=1.0), "variable": "pay", "changed": True}, "does not vary"),
        ({"size": "persons"}, "without weights"),
        ({"method": "mle"}, "method='mle'"),
        ({"size": "persons", "weighted": False, "population": table.assign(persons=2.0)}, "fewer persons than interviews"),
    ):  # fmt: skip
        given = {"variable": "pay", "covariates": ["age"], "on": "governorate", "population": table, **asked}
        who = people
        if given.pop("changed", False):
            who = mr.Survey(people.frame.assign(w=1.0), weights="w")
        with pytest.raises(EstimationError, match=said) as caught:
            who.small_area_unit(**given)
        assert caught.value.ar != EstimationError.general
