"""Moments, percent tables, several answers, standardised rates, diagnostics and the newer intervals:
identities, derivatives by brute force, domains, missing answers, arguments, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import intervals, moments, standardised
from masar_research.errors import EstimationError
from masar_research.statistics.rscript import as_r_script

STANDARD = {1: 30.0, 2: 45.0, 3: 25.0}


def frame(seed: int = 8, strata: int = 6, psus: int = 4, rows: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = strata * psus * rows
    stratum = np.repeat(np.arange(strata), psus * rows)
    psu = np.tile(np.repeat(np.arange(psus), rows), strata)
    shift = rng.normal(0, 0.5, strata * psus)[stratum * psus + psu]
    age = rng.integers(1, 4, n)
    hours = 30 + 6 * shift + 4 * age + rng.normal(0, 8, n)
    works = (rng.random(n) < 1 / (1 + np.exp(-shift - 0.6 * (age - 2)))).astype(float)
    data = pd.DataFrame({
        "w": rng.uniform(1, 5, n), "stratum": stratum, "psu": psu, "sex": rng.integers(1, 3, n),
        "age": age, "hours": hours, "income": 10 * hours + rng.normal(0, 120, n), "works": works,
        "education": rng.integers(1, 5, n).astype(float), "one": 1,
    })  # fmt: skip
    for k, share in enumerate((0.7, 0.4, 0.1)):
        data[f"water/{k}"] = (rng.random(n) < share).astype(float)
    data.loc[rng.random(n) < 0.06, "works"] = np.nan
    data.loc[rng.random(n) < 0.05, "income"] = np.nan
    data.loc[rng.random(n) < 0.05, "education"] = np.nan
    data.loc[rng.random(n) < 0.04, ["water/0", "water/1", "water/2"]] = np.nan
    return data


def declared(data: pd.DataFrame) -> mr.Survey:
    return mr.Survey(data, weights="w", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    return declared(frame())


VERBS = {
    "variance": lambda s, by: s.variance("income", by=by),
    "covariance": lambda s, by: s.covariance("income", "hours", by=by),
    "correlation": lambda s, by: s.correlation("income", "hours", by=by),
    "row": lambda s, by: s.percent_table("education", "works", "row", by=by),
    "column": lambda s, by: s.percent_table("education", "works", "column", by=by),
    "cell": lambda s, by: s.percent_table("education", "works", "cell", by=by),
    "respondents": lambda s, by: s.multi_response("water", by=by),
    "responses": lambda s, by: s.multi_response("water", by=by, of="responses"),
    "standardise": lambda s, by: s.standardise("works", "age", STANDARD, by=by),
}
ANSWERS = {
    "variance": ["income"], "covariance": ["income", "hours"], "correlation": ["income", "hours"],
    "row": ["works", "education"], "column": ["works", "education"], "cell": ["works", "education"],
    "respondents": ["water/0", "water/1", "water/2"],
    "responses": ["water/0", "water/1", "water/2"], "standardise": ["works"],
}  # fmt: skip
COLUMNS = ["estimate", "std_error", "conf_low", "conf_high", "df", "n", "deff"]


@pytest.mark.parametrize("verb", VERBS)
def test_silent_error_05_by_gives_what_where_gives(survey, verb):
    found = VERBS[verb](survey, "sex")
    for sex in (1, 2):
        alone = VERBS[verb](survey.where(f"sex == {sex}"), None).frame
        np.testing.assert_allclose(found.rows(sex=sex)[COLUMNS], alone[COLUMNS], rtol=1e-10)
    assert found.totals is not None and found.vcov.shape == (len(found), len(found))


@pytest.mark.parametrize("verb", VERBS)
def test_silent_error_01_missing_answers_are_zero_weighted_and_counted(verb):
    """A skip pattern removes a whole PSU; the errors stay those of the domain of those asked."""
    data = frame().dropna(subset=ANSWERS[verb], how="all").reset_index(drop=True)
    known = data[ANSWERS[verb]].notna().all(axis=1)
    skipped = known & ~((data["stratum"] == 1) & (data["psu"] == 2))
    blank = data.copy()
    blank.loc[~skipped, ANSWERS[verb]] = np.nan
    one = VERBS[verb](declared(blank), None)
    inside = declared(data.assign(asked=skipped.astype(int))).where("asked == 1")
    two = VERBS[verb](inside, None)
    np.testing.assert_allclose(one.frame[COLUMNS], two.frame[COLUMNS], rtol=1e-10)
    assert one.note["missing"] == int((~skipped).sum()) and two.note["missing"] == 0
    if verb not in ("row", "column"):
        assert one.frame["df"].iloc[0] == 17


@pytest.mark.parametrize("verb", VERBS)
def test_weight_scale_and_row_order_change_nothing(survey, verb):
    mixed = frame().sample(frac=1, random_state=np.random.default_rng(2))
    other = declared(mixed.assign(w=mixed["w"] * 250))
    one, two = VERBS[verb](survey, "sex"), VERBS[verb](other, "sex")
    np.testing.assert_allclose(one.frame[COLUMNS], two.frame[COLUMNS], rtol=1e-9)


@pytest.mark.parametrize("verb", VERBS)
def test_a_contrast_between_domains_is_the_difference_with_its_covariance(survey, verb):
    found = VERBS[verb](survey, "sex")
    gap = found.contrast("2 - 1", over="sex").frame
    first = found.frame[found.frame["sex"] == 1].index
    second = found.frame[found.frame["sex"] == 2].index
    v = found.vcov
    expected = np.sqrt(v[first, first] + v[second, second] - 2 * v[first, second])
    np.testing.assert_allclose(sorted(gap["std_error"]), sorted(expected), rtol=1e-9)
    assert np.abs(v[first, second]).max() > 0


def derivative(statistic, weights: np.ndarray) -> np.ndarray:
    """(n,) change of a statistic with the weight of each row, by central differences."""
    out = np.empty(len(weights))
    for i in range(len(weights)):
        step = 1e-4 * weights[i]
        up, down = weights.copy(), weights.copy()
        up[i] += step
        down[i] -= step
        out[i] = (statistic(up) - statistic(down)) / (2 * step)
    return out


def test_influences_are_the_derivatives_by_the_weights():
    rng = np.random.default_rng(4)
    n = 40
    w, x = rng.uniform(1, 4, n), rng.normal(3, 2, n)
    y, group = 0.5 * x + rng.normal(0, 1, n), np.arange(n) % 3
    shares = np.array([0.2, 0.5, 0.3])

    def centred(v, a, b):
        return np.average((a - np.average(a, weights=v)) * (b - np.average(b, weights=v)), weights=v)

    def adjusted(v):
        return sum(s * np.average(y[group == k], weights=v[group == k]) for k, s in enumerate(shares))

    design = mr.Survey(pd.DataFrame({"w": w}), weights="w").design
    cases = [
        (moments.covariance(design, x, x), lambda v: n / (n - 1) * centred(v, x, x)),
        (moments.covariance(design, x, y), lambda v: n / (n - 1) * centred(v, x, y)),
        (moments.correlation(design, x, y),
         lambda v: centred(v, x, y) / np.sqrt(centred(v, x, x) * centred(v, y, y))),
        (standardised.standardise(design, y, group, shares)[0], adjusted),
    ]  # fmt: skip
    for found, statistic in cases:
        assert found.estimate[0] == pytest.approx(statistic(w), rel=1e-12)
        np.testing.assert_allclose(found.totals[:, 0] / w, derivative(statistic, w), atol=1e-8)


# --- moments ---------------------------------------------------------------------------


def test_the_variance_of_a_share_is_p_times_one_minus_p(survey):
    share, spread = survey.proportion("works").frame.iloc[0], survey.variance("works").frame.iloc[0]
    p, n = share["estimate"], share["n"]
    assert spread["estimate"] == pytest.approx(p * (1 - p) * n / (n - 1), rel=1e-12)
    slope = abs(1 - 2 * p) * n / (n - 1)
    assert spread["std_error"] == pytest.approx(slope * share["std_error"], rel=1e-10)


def test_variance_of_a_sum():
    data = frame().dropna(subset=["income"])
    data["both"] = data["income"] + data["hours"]
    s = declared(data)
    var = s.variance(["income", "hours", "both"]).frame["estimate"].to_numpy()
    cov = s.covariance("income", "hours").frame["estimate"].iloc[0]
    assert var[2] == pytest.approx(var[0] + var[1] + 2 * cov, rel=1e-12)
    r = s.correlation("income", "hours").frame["estimate"].iloc[0]
    assert r == pytest.approx(cov / np.sqrt(var[0] * var[1]), rel=1e-12)


def test_correlations_know_units_and_sign():
    data = frame()
    data["dollars"] = 40 - 1.41 * data["income"]
    s = declared(data)
    one = s.correlation("income", "hours").frame.iloc[0]
    two = s.correlation("dollars", "hours").frame.iloc[0]
    assert two["estimate"] == pytest.approx(-one["estimate"], rel=1e-12)
    assert two["std_error"] == pytest.approx(one["std_error"], rel=1e-9)
    assert two["conf_low"] == pytest.approx(-one["conf_high"], rel=1e-9)
    perfect = s.correlation("dollars", "income").frame.iloc[0]
    assert perfect["estimate"] == pytest.approx(-1, abs=1e-12)
    assert perfect["std_error"] == pytest.approx(0, abs=1e-12)
    assert -1 <= one["conf_low"] < one["estimate"] < one["conf_high"] <= 1


def test_what_does_not_vary_has_no_correlation_and_variance_zero(survey):
    row = survey.correlation("one", "hours").frame.iloc[0]
    assert np.isnan([row["estimate"], row["std_error"]]).all()
    row = survey.variance("one").frame.iloc[0]
    assert (row["estimate"], row["std_error"], row["conf_low"]) == (0, 0, 0)


def test_the_interval_of_a_variance_is_above_zero(survey):
    found = survey.where("stratum == 0").variance("income", level=0.999).frame.iloc[0]
    assert 0 < found["conf_low"] < found["estimate"] < found["conf_high"]


# --- tables ----------------------------------------------------------------------------


def test_percent_tables_add_to_one_with_variance_zero(survey):
    for percent, keys in (("row", ["education"]), ("column", ["works"]), ("cell", [])):
        found = survey.percent_table("education", "works", percent, by="sex")
        groups = found.frame.groupby(["sex", *keys]).indices.values()
        for rows in groups:
            assert found.frame["estimate"].loc[rows].sum() == pytest.approx(1, rel=1e-12)
            block = found.vcov[np.ix_(rows, rows)]
            assert abs(block.sum()) < 1e-12 * np.abs(block).sum() + 1e-18
            assert found.frame["count"].loc[rows].sum() == found.frame["n"].loc[rows].iloc[0]


def test_percent_tables_agree_with_each_other(survey):
    cell = survey.percent_table("education", "works", "cell").frame
    row = survey.percent_table("education", "works", "row").frame
    column = survey.percent_table("works", "education", "column").frame
    np.testing.assert_allclose(row[COLUMNS], column[COLUMNS], rtol=1e-12)
    whole = cell.groupby("education")["estimate"].transform("sum")
    np.testing.assert_allclose(row["estimate"], cell["estimate"] / whole, rtol=1e-12)
    ones = row[row["category"] == 1]
    share = survey.proportion("works", by="education").frame
    np.testing.assert_allclose(ones[COLUMNS], share[COLUMNS], rtol=1e-10)
    assert cell["count"].tolist() == row["count"].tolist()


def test_several_answers(survey):
    names = ["water/0", "water/1", "water/2"]
    people, answers = survey.multi_response("water"), survey.multi_response(names, of="responses")
    share = survey.proportion(names).frame
    np.testing.assert_allclose(people.frame[COLUMNS], share[COLUMNS], rtol=1e-12)
    assert answers.frame["estimate"].sum() == pytest.approx(1, rel=1e-12)
    assert np.abs(answers.vcov.sum(axis=1)).max() < 1e-12 * np.abs(answers.vcov).max()
    ratio = people.frame["estimate"] / people.frame["estimate"].sum()
    np.testing.assert_allclose(answers.frame["estimate"], ratio, rtol=1e-12)
    assert answers.frame["count"].tolist() == people.frame["count"].tolist()
    assert answers.note["missing"] == people.note["missing"] > 0
    nobody = (frame()[names].sum(axis=1, min_count=1) == 0).sum()
    assert people.frame["n"].iloc[0] - answers.frame["n"].iloc[0] == nobody > 0


def test_an_option_left_blank_by_somebody_who_answered_was_not_chosen():
    data = frame()
    data.loc[data["water/0"] == 1, "water/1"] = np.nan
    found = declared(data).multi_response("water").frame
    filled = declared(data.assign(**{"water/1": data["water/1"].where(
        data["water/0"].isna(), data["water/1"].fillna(0))})).multi_response("water").frame  # fmt: skip
    np.testing.assert_allclose(found[COLUMNS], filled[COLUMNS], rtol=1e-12)


# --- standardised rates ----------------------------------------------------------------


def test_standardised_to_its_own_composition_a_rate_is_the_crude_one():
    data = frame().dropna(subset=["works"])
    known = declared(data)
    own = data.groupby("age")["w"].sum().to_dict()
    found, crude = known.standardise("works", "age", own), known.proportion("works")
    assert found.frame["estimate"].iloc[0] == pytest.approx(crude.frame["estimate"].iloc[0], rel=1e-12)
    assert found.kind == crude.kind == "proportion"


def test_standardised_over_a_single_stratum_everything_is_the_crude_one(survey):
    found = survey.standardise("works", "one", {1: 7}, by="sex").frame
    crude = survey.proportion("works", by="sex").frame
    np.testing.assert_allclose(found[COLUMNS], crude[COLUMNS], rtol=1e-10)
    mean = survey.standardise("hours", "one", {1: 7})
    np.testing.assert_allclose(mean.frame[COLUMNS], survey.mean("hours").frame[COLUMNS], rtol=1e-10)
    assert mean.kind == "mean"


def test_a_standardised_rate_is_the_contrast_of_the_rates_of_its_strata(survey):
    rates = survey.proportion("works", by="age")
    same = rates.contrast("0.3 * 1 + 0.45 * 2 + 0.25 * 3").frame.iloc[0]
    found = survey.standardise("works", "age", STANDARD).frame.iloc[0]
    assert found["estimate"] == pytest.approx(same["estimate"], rel=1e-12)
    assert found["std_error"] == pytest.approx(same["std_error"], rel=1e-10)
    assert found["df"] == survey.design.df


def test_silent_error_19_the_standard_population_is_matched_by_key(survey):
    shuffled = {3: 25.0, 1: 30.0, 2: 45.0}
    one = survey.standardise("works", "age", STANDARD).frame
    np.testing.assert_array_equal(
        one[COLUMNS], survey.standardise("works", "age", shuffled).frame[COLUMNS]
    )
    pairs = {(a, s): STANDARD[a] * (1 + s) for a in STANDARD for s in (1, 2)}
    found = survey.standardise("works", ["age", "sex"], pairs)
    assert found.note["standard_population"][2, 1] == pytest.approx(0.45 * 2 / 5)


def test_a_domain_without_a_stratum_has_no_rate_and_is_named():
    data = frame()
    data.loc[(data["sex"] == 2) & (data["age"] == 3), "works"] = np.nan
    found = declared(data).standardise("works", "age", STANDARD, by="sex")
    assert np.isfinite(found.frame["estimate"].iloc[0])
    assert np.isnan(found.frame[["estimate", "std_error"]].iloc[1].to_numpy(float)).all()
    assert found.note["empty"] == ("sex=2: 3",)
    weightless = declared(data).standardise("works", "age", {**STANDARD, 3: 0.0}, by="sex")
    assert np.isfinite(weightless.frame["estimate"]).all()
    with pytest.raises(EstimationError, match="sex=2: 3|everybody: 3"):
        declared(data).where("sex == 2").standardise("works", "age", STANDARD)


# --- diagnostics -----------------------------------------------------------------------


def test_a_simple_random_sample_costs_nothing():
    data = frame().assign(w=4.0)
    row = mr.Survey(data, weights="w").diagnostics("hours").frame.iloc[0]
    for column in ("deff", "deft", "deff_weights", "meff"):
        assert row[column] == pytest.approx(1, rel=1e-12)
    assert row["n_eff"] == pytest.approx(row["n"], rel=1e-12)
    assert np.isnan(row["icc"])


def test_silent_error_15_the_reference_of_deff_is_named(survey):
    one = survey.diagnostics("hours", by="sex")
    two = survey.diagnostics("hours", by="sex", reference="without_replacement")
    mean = survey.mean("hours", by="sex").frame
    np.testing.assert_allclose(one.frame["deff"], mean["deff"], rtol=1e-12)
    n, size = mean["n"], survey.count(by="sex").frame["estimate"]
    np.testing.assert_allclose(two.frame["deff"], mean["deff"] / (1 - n / size), rtol=1e-12)
    assert "with replacement" in one.note["deff"] and "without" in two.note["deff"]
    assert "with replacement" in repr(one) and "<table" in one._repr_html_()


def test_clusters_of_one_mind():
    """Everybody in a PSU says the same: icc 1, and deff is about the size of the PSUs."""
    data = frame().assign(w=1.0, stratum=0)
    data["place"] = np.repeat(np.arange(24), 15)
    data["same"] = np.random.default_rng(3).normal(0, 1, 24)[data["place"]]
    row = mr.Survey(data, weights="w", psu="place").diagnostics("same").frame.iloc[0]
    assert row["icc"] == pytest.approx(1, abs=1e-12)
    assert row["rows_per_psu"] == 15
    assert row["deff"] == pytest.approx(15 * 359 / 360 * 24 / 23, rel=1e-12)
    assert row["meff"] == pytest.approx(row["deff"], rel=1e-12)


def test_kish_factor(survey):
    w = frame()["w"]
    row = survey.diagnostics("hours").frame.iloc[0]
    assert row["deff_weights"] == pytest.approx(len(w) * (w**2).sum() / w.sum() ** 2, rel=1e-12)
    assert row["cv"] == pytest.approx(row["std_error"] / row["estimate"])


# --- intervals, arguments, errors --------------------------------------------------------


def test_intervals_of_shares_solve_what_they_promise():
    p, se, df = np.array([0.02, 0.3, 0.9]), np.array([0.01, 0.04, 0.03]), np.array([5, 30, 400])
    t = intervals.t_quantile(df, 0.95)
    for limit in intervals.likelihood(p, se, df, 0.95):
        size = p * (1 - p) / se**2
        fit = 2 * size * (p * np.log(p / limit) + (1 - p) * np.log((1 - p) / (1 - limit)))
        np.testing.assert_allclose(fit, t**2, rtol=1e-9)
    low, high = intervals.arcsine(p, se, df, 0.95)
    reach = t * se / (2 * np.sqrt(p * (1 - p)))
    np.testing.assert_allclose(np.arcsin(np.sqrt(high)) - np.arcsin(np.sqrt(p)), reach)
    assert np.all((0 <= low) & (low < p) & (p < high) & (high <= 1))
    wide, _ = intervals.arcsine([0.02], [0.05], [5], 0.95)
    assert wide[0] == 0
    for method in (intervals.arcsine, intervals.likelihood):
        assert np.isnan(method([0.0, 1.0, 0.5], [0.0, 0.0, 0.1], [9, 9, 0], 0.95)).all()
        one, two = method([0.3], [0.05], [20], 0.9), method([0.7], [0.05], [20], 0.9)
        assert one[0][0] == pytest.approx(1 - two[1][0], rel=1e-12)


def test_silent_error_18_every_argument_changes_the_result(survey):
    def first(found: mr.Estimates, column: str = "conf_low") -> float:
        return float(found.frame[column].iloc[0])

    everyone = {
        interval: first(survey.proportion("works", interval=interval))
        for interval in ("logit", "beta", "wilson", "arcsine", "likelihood", "wald")
    }
    assert len(set(everyone.values())) == 6
    assert first(survey.proportion("works", interval="xlogit")) == everyone["logit"]
    for verb in (
        lambda **o: survey.percent_table("education", "works", **o),
        lambda **o: survey.multi_response("water", **o),
        lambda **o: survey.standardise("works", "age", STANDARD, **o),
    ):
        assert len({first(verb(interval=i)) for i in everyone}) == 6
        assert first(verb(level=0.8)) > first(verb())
    for verb in (
        lambda **o: survey.variance("hours", **o),
        lambda **o: survey.covariance("hours", "income", **o),
        lambda **o: survey.correlation("hours", "income", **o),
    ):
        assert first(verb(level=0.8)) > first(verb())
    other = survey.standardise("works", "age", {1: 10, 2: 10, 3: 80})
    assert first(other, "estimate") != first(survey.standardise("works", "age", STANDARD), "estimate")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.covariance("income", "income"), "twice"),
        (lambda s: s.percent_table("education", "works", "total"), "percent='total'"),
        (lambda s: s.percent_table("education", "education"), "different variables"),
        (lambda s: s.percent_table("education", "works", by="works"), "different variables"),
        (lambda s: s.percent_table("education", "works", interval="exact"), "interval='exact'"),
        (lambda s: s.multi_response("water", of="people"), "of='people'"),
        (lambda s: s.multi_response("fire"), "two or more"),
        (lambda s: s.multi_response(["water/0"]), "two or more"),
        (lambda s: s.multi_response(["water/0", "age"]), "'age' holds"),
        (lambda s: s.standardise("works", "age", {1: 1, 2: 1}), r"without a figure \[3\]"),
        (lambda s: s.standardise("works", "age", {**STANDARD, 9: 1}), r"not in the survey \[9\]"),
        (lambda s: s.standardise("works", "age", {1: -1, 2: 1, 3: 1}), "zero or more"),
        (lambda s: s.diagnostics("hours", reference="srs"), "reference='srs'"),
        (lambda s: declared(frame().assign(w=1.0)).diagnostics(
            "hours", reference="without_replacement"), "no larger population"),
    ],
)  # fmt: skip
def test_errors_name_the_remedy(survey, call, words):
    with pytest.raises(EstimationError, match=words) as raised:
        call(survey)
    assert raised.value.remedy


def test_no_r_script_of_a_plain_share_for_what_is_more_than_one(survey, tmp_path):
    """Their kind is that of a share; R code for the share of the variable would be another figure."""
    for verb in ("respondents", "responses", "standardise"):
        with pytest.raises(EstimationError, match="R code is written for"):
            as_r_script(survey, VERBS[verb](survey, None), tmp_path / verb)
        assert not (tmp_path / verb).exists()


def test_results_show_themselves_in_both_languages(survey):
    for verb in VERBS.values():
        found = verb(survey, "sex")
        for lang in ("en", "ar"):
            assert len(found.table(lang).frame) == len(found)
