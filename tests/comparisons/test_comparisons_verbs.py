"""Verbs of comparison on surveys and estimates: identities, words, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import EstimationError
from masar_research.present import lint


def label(en: str, ar: str) -> dict[str, str]:
    return {"en": en, "ar": ar}


BOOK = Codebook([
    Variable("sex", label("Sex", "الجنس"), level="nominal",
             categories=(Category(1, label("Men", "ذكور")), Category(2, label("Women", "إناث")))),
    Variable("trust", label("Trust", "الثقة"), level="ordinal",
             categories=(Category(1, label("High", "عالية")), Category(2, label("Low", "منخفضة")),
                         Category(3, label("None", "معدومة")),
                         Category(9, label("Refused", "رفض"), missing="refused"))),
])  # fmt: skip


def data(n: int = 3000, seed: int = 4) -> pd.DataFrame:
    """Three waves in the same 90 PSUs."""
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 90, n)
    effect = rng.normal(0, 0.6, 90)[psu]
    sex = rng.integers(1, 3, n)
    wave = rng.choice([2022, 2024, 2026], n)
    return pd.DataFrame({
        "w": rng.uniform(1, 5, n), "h": psu % 6, "p": psu, "wave": wave, "sex": sex.astype(float),
        "y": 10 + rng.normal(size=n) + 2 * effect,
        "works": (rng.random(n) < 0.3 + 0.2 * (sex == 1) + 0.02 * (wave - 2022)).astype(float),
        "trust": rng.choice([1.0, 2.0, 3.0, 9.0], n, p=[0.3, 0.4, 0.2, 0.1]),
        "region": np.where(psu % 3 == 0, "north", np.where(psu % 3 == 1, "middle", "south")),
    })  # fmt: skip


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    return mr.Survey(data(), weights="w", strata="h", psu="p", wave="wave", codebook=BOOK)


# --- pairs ----------------------------------------------------------------------------------


def test_pairs_are_contrasts(survey):
    means = survey.mean("y", by=["sex", "wave"])
    pairs = means.pairwise(over="wave")
    assert len(pairs) == 6
    for name in ("2024 - 2022", "2026 - 2022", "2026 - 2024"):
        one = means.contrast(name, over="wave").frame
        many = pairs.frame[pairs.frame["contrast"] == name]
        for column in ("estimate", "std_error", "df", "p_value", "conf_low", "reliability"):
            assert list(many[column]) == list(one[column])
    assert (pairs.frame["p_adjusted"] >= pairs.frame["p_value"]).all()
    assert pairs.note["comparisons"] == 6
    assert len(pairs.note["sides"]) == 6


def test_shared_psus_carry_covariance_into_pairs_and_trend(survey):
    means = survey.mean("y", by="wave")
    pairs = means.pairwise(adjust="none").frame
    alone = np.hypot(*means.frame["std_error"].to_numpy()[:2])
    assert pairs["std_error"].iloc[0] < 0.8 * alone
    two = mr.Survey(
        data().query("wave != 2024"), weights="w", strata="h", psu="p", wave="wave", codebook=BOOK
    ).mean("y", by="wave")
    change, slope = two.contrast("2026 - 2022").frame.iloc[0], two.trend().slope.frame.iloc[0]
    assert slope["estimate"] * 4 == pytest.approx(change["estimate"], rel=1e-12)
    assert slope["std_error"] * 4 == pytest.approx(change["std_error"], rel=1e-12)
    equality = two.trend().equality[0]
    assert equality.statistic == pytest.approx(change["statistic"] ** 2, rel=1e-9)
    assert equality.p_value == pytest.approx(change["p_value"], rel=1e-9)


def test_equality_of_waves_does_not_depend_on_the_contrasts_that_span_it(survey):
    shares = survey.proportion("works", by=["sex", "wave"])
    found = shares.trend()
    assert len(found.slope) == 2 and len(found.equality) == 2
    women = survey.where("sex == 2").proportion("works", by="wave")
    chain = women.joint(["2024 - 2022", "2026 - 2024"])
    star = women.joint(["2022 - 2026", "2024 - 2026", "2024 - 2022"])
    assert star.df_num == 2 and star.statistic == pytest.approx(chain.statistic, rel=1e-9)
    assert found.equality[1].statistic == pytest.approx(chain.statistic, rel=1e-9)


def test_many_small_domains_are_tested_together():
    """Twelve governorates of 4 to 9 degrees of freedom have 82 together; the two sexes no more."""
    sample = pd.read_csv(Path(__file__).parents[1] / "oracles" / "jordan_like.csv")
    survey = mr.Survey(sample, weights="weight", strata="stratum", psu="psu")
    by_governorate = survey.mean("age", by="governorate")
    others = [f"{code} - 11" for code in by_governorate.frame["governorate"][1:]]
    found = by_governorate.joint(others)
    assert by_governorate.frame["df"].max() < 11
    assert (found.note["df"], found.df_num, found.df_den) == (82, 11, 72)
    by_sex = survey.mean("age", by="sex")
    assert by_sex.joint(["2 - 1"]).note["df"] == by_sex.frame["df"].max()
    assert by_governorate.joint(others, df=30).df_den == 20


def test_scores_place_the_waves_in_time(survey):
    means = survey.mean("y", by="wave")
    years, steps = means.trend(), means.trend(scores={2022: 0, 2024: 1, 2026: 2})
    assert steps.slope.frame["estimate"].iloc[0] == pytest.approx(2 * years.slope.frame["estimate"].iloc[0])
    assert steps.slope.frame["p_value"].iloc[0] == pytest.approx(years.slope.frame["p_value"].iloc[0])


# --- ratios ---------------------------------------------------------------------------------


def test_ratio_and_odds_ratio_are_transforms(survey):
    shares = survey.proportion("works", by=["sex", "region"])
    ratio = shares.ratio("Women", "Men", over="sex")
    logs = shares.transform(lambda a, b: np.log(a / b), {"a": 2, "b": 1}, over="sex")
    np.testing.assert_allclose(np.log(ratio.frame["estimate"]), logs.frame["estimate"], rtol=1e-9)
    np.testing.assert_allclose(np.log(ratio.frame["conf_low"]), logs.frame["conf_low"], rtol=1e-8)
    np.testing.assert_allclose(ratio.frame["p_value"], logs.frame["p_value"], rtol=1e-7)
    odds = shares.odds_ratio(2, 1, over="sex")
    logit = shares.transform(
        lambda a, b: np.log(a / (1 - a)) - np.log(b / (1 - b)), {"a": 2, "b": 1}, over="sex"
    )
    np.testing.assert_allclose(np.log(odds.frame["conf_high"]), logit.frame["conf_high"], rtol=1e-8)
    flipped = shares.odds_ratio(1, 2, over="sex")
    np.testing.assert_allclose(1 / flipped.frame["conf_low"], odds.frame["conf_high"], rtol=1e-10)
    assert ratio.by == ("region",) and ratio.kind == "difference"


def test_odds_ratio_of_two_shares_is_the_logistic_coefficient(survey):
    odds = survey.proportion("works", by="sex").odds_ratio(2, 1).frame.iloc[0]
    model = survey.logit("works ~ C(sex)").frame
    row = model[model["term"].str.contains("sex")].iloc[0]
    assert odds["estimate"] == pytest.approx(row["odds_ratio"], rel=1e-7)
    assert odds["statistic"] == pytest.approx(row["statistic"], rel=1e-6)


def test_a_transform_can_be_transformed_again(survey):
    shares = survey.proportion("works", by=["sex", "region"])
    logs = shares.transform(lambda a, b: np.log(a / b), {"a": 2, "b": 1}, over="sex")
    gap = logs.contrast("'north' - 'south'", over="region").frame.iloc[0]
    rows = {r: i for i, r in enumerate(logs.frame["region"])}
    at = [rows["north"], rows["south"]]
    spread = logs.vcov[np.ix_(at, at)]
    assert gap["std_error"] ** 2 == pytest.approx(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])


# --- the same question asked in several ways -------------------------------------------------


@pytest.mark.parametrize("where", [None, "trust == 1"])
@pytest.mark.parametrize("calibrated", [False, True])
def test_one_difference_in_four_ways(survey, where, calibrated):
    asked = survey
    if calibrated:
        asked = asked.weighting.rake({"sex": {1: 5000, 2: 4500}}).apply()
    asked = asked if where is None else asked.where(where)
    t = asked.t_test("works", by="sex")
    shares = asked.proportion("works", by="sex")
    pair = shares.pairwise(adjust="none").frame.iloc[0]
    assert t.difference.frame["estimate"].iloc[0] == pytest.approx(pair["estimate"], rel=1e-12)
    assert t.statistic == pytest.approx(pair["statistic"], rel=1e-12)
    joint = shares.joint(["2 - 1"])
    assert joint.statistic == pytest.approx(pair["statistic"] ** 2, rel=1e-9)
    median = asked.rank_test("works", "sex", test="median")
    assert median.statistic == pytest.approx(t.statistic, rel=1e-9)


def test_share_of_one_category_fits_where_its_t_test_says_so(survey):
    t = survey.t_test("works", null=0.4)
    fit = survey.goodness_of_fit("works", {0: 0.6, 1: 0.4}, statistic="F")
    assert t.note["null"] == 0.4 and np.sign(t.p_value - 0.05) == np.sign(fit.p_value - 0.05)
    zero = survey.t_test("works", null=float(survey.mean("works").frame["estimate"].iloc[0]))
    assert zero.p_value == pytest.approx(1)


# --- equivalence ----------------------------------------------------------------------------


def test_equivalence_tells_small_from_undetected(survey):
    change = survey.mean("y", by="sex").contrast("2 - 1")
    estimate, error = (float(change.frame[c].iloc[0]) for c in ("estimate", "std_error"))
    wide = change.equivalence(-abs(estimate) - 5 * error, abs(estimate) + 5 * error)
    narrow = change.equivalence(-1e-6, 1e-6)
    detected = bool(change.frame["p_value"].iloc[0] < 0.05)
    assert wide.frame["verdict"].iloc[0] == ("negligible" if detected else "equivalent")
    assert narrow.frame["verdict"].iloc[0] == ("different" if detected else "undecided")
    assert wide.frame["estimate"].equals(change.frame["estimate"])
    table = narrow.table("ar")
    assert "ضمن الحدود المعلنة" in " ".join(table.notes)


def test_a_withheld_row_says_nothing_of_its_difference(survey):
    change = survey.mean("y", by="sex").contrast("2 - 1")
    object.__setattr__(change, "frame", change.frame.assign(reliability="suppress"))
    said = change.equivalence(-5, 5).note["reading"]
    assert said == {"en": ("Not shown.",), "ar": ("محجوب.",)}


# --- words ----------------------------------------------------------------------------------


def results(survey):
    shares = survey.proportion("works", by=["sex", "wave"])
    return [
        survey.chi_square("sex", "trust"), survey.goodness_of_fit("sex", {1: 0.5, 2: 0.5}),
        survey.t_test("y", by="sex"), survey.rank_test("y", "region", test="kruskal"),
        shares.joint(["2024 - 2022"], over="wave"), *shares.trend().equality,
    ]  # fmt: skip


def test_no_reading_claims_equality_or_holds_a_figure(survey):
    for result in results(survey):
        for p in (0.001, 0.3, np.nan):
            again = type(result)(**{f: getattr(result, f) for f in result.__slots__} | {"p_value": p})
            for lang in ("en", "ar"):
                text = again.reading(lang)
                assert not lint.numerals(text)
                for claim in ("no difference.", "are the same", "لا فرق.", "متساويان", "متطابق"):
                    assert claim not in text
        assert "that does not show" in type(result)(
            **{f: getattr(result, f) for f in result.__slots__} | {"p_value": 0.3}
        ).reading("en")


def test_results_show_themselves_in_both_languages(survey):
    for result in results(survey):
        text = result._repr_html_()
        assert "dir='rtl'" in text and "dir='ltr'" in text and "القيمة الاحتمالية" in text
        assert result.reading("ar") in text
        assert result.figures() in text
    table = survey.chi_square("sex", "trust")
    assert table.subject == {"en": "Sex × Trust", "ar": "الجنس × الثقة"}
    pairs = survey.proportion("works", by="sex").pairwise()
    assert "Women − Men" in str(pairs.table("en").frame.iloc[0, 0])
    assert "هولم" in pairs.table("ar").notes[0]
    assert "p_adjusted" not in pairs.table("en").frame.columns
    shares = survey.proportion("works", by=["sex", "wave"])
    assert shares.ratio(2, 1, over="sex").note["contrast_labels"] == {
        "2 / 1": {"en": "Women ÷ Men", "ar": "إناث ÷ ذكور"}
    }
    titles = [test.subject for test in shares.trend().equality]
    assert titles[1] == {"en": "Women · works by wave", "ar": "إناث · works بحسب الجولة"}


def test_labels_are_escaped():
    book = Codebook([
        Variable("sex", label("<b>Sex</b>", "<b>الجنس</b>"), level="nominal",
                 categories=(Category(1, label("Men", "ذكور")), Category(2, label("Women", "إناث")))),
    ])  # fmt: skip
    survey = mr.Survey(data(), weights="w", strata="h", psu="p", wave="wave", codebook=book)
    assert "<b>" not in survey.chi_square("sex", "region")._repr_html_()


def test_missing_answers_are_left_out_and_counted(survey):
    tested = survey.chi_square("sex", "trust")
    refused = int((survey.frame["trust"] == 9).sum())
    assert tested.note["missing"] == refused and tested.n == len(survey) - refused
    assert tested.note["smallest_cell"] > 0
    by_hand = survey.where("trust != 9").chi_square("sex", "trust")
    assert by_hand.statistic == pytest.approx(tested.statistic, rel=1e-12)


# --- refusals -------------------------------------------------------------------------------


def test_errors_name_the_remedy(survey):
    shares = survey.proportion("works", by=["sex", "wave"])
    wrong = [
        (lambda: survey.chi_square("sex", "trust", statistic="exact"), "Choose one of F"),
        (lambda: survey.chi_square("sex", "sex"), "two different variables"),
        (lambda: survey.where("sex == 2").chi_square("sex", "trust"), "vary within this population"),
        (lambda: survey.goodness_of_fit("trust", {1: 0.5, 2: 0.5}), "exactly these codes"),
        (lambda: survey.goodness_of_fit("sex", {1: 1.0, 2: 0.0}), "cannot occur"),
        (lambda: survey.t_test("y", by="region"), "pairwise"),
        (lambda: survey.rank_test("y", "region"), "kruskal"),
        (lambda: survey.rank_test("y", "region", test="mood"), "Choose one of"),
        (lambda: shares.pairwise(), "over="),
        (lambda: shares.pairwise(over="wave", adjust="bonferroni"), "Choose one of"),
        (lambda: shares.equivalence(-0.1, 0.1), "contrast"),
        (lambda: shares.contrast("2 - 1", over="sex").equivalence(0.1, -0.1), "low=-0.03"),
        (lambda: shares.ratio(2, 2, over="sex"), "Name each code once"),
        (lambda: survey.mean("y", by="sex").odds_ratio(2, 1), ".ratio("),
        (lambda: shares.joint("2024 - 2022", over="wave"), "Pass ["),
        (lambda: survey.mean("y", by="region").trend(over="region"), "scores="),
        (lambda: shares.trend(scores={2022: 1, 2024: 1, 2026: 1}), "place in time"),
    ]
    for call, remedy in wrong:
        with pytest.raises(EstimationError) as caught:
            call()
        assert remedy in str(caught.value), str(caught.value)


def test_too_few_psus_for_a_wald_test_are_refused_and_named():
    rng = np.random.default_rng(1)
    n = 400
    few = pd.DataFrame({
        "w": np.ones(n), "p": rng.integers(0, 6, n), "a": rng.integers(0, 4, n), "b": rng.integers(0, 4, n),
    })  # fmt: skip
    survey = mr.Survey(few, weights="w", psu="p")
    with pytest.raises(EstimationError, match='statistic="F"'):
        survey.chi_square("a", "b", statistic="wald")
    assert np.isfinite(survey.chi_square("a", "b").p_value)
    means = survey.mean("w", by="b")
    joint = survey.proportion("a", by="b").joint(["1 - 0", "2 - 0", "3 - 0"])
    assert np.isnan(joint.p_value) and joint.reading("en") == "The test cannot be made with these data."
    assert np.isnan(means.pairwise().frame["p_adjusted"]).all()


def test_no_argument_is_inert(survey):
    """silent_errors 18: every argument changes the answer."""
    shares = survey.proportion("works", by=["sex", "wave"])
    gap = survey.mean("y", by="sex").contrast("2 - 1")
    log = {"a": 2, "b": 1}

    def numbers(found):
        if isinstance(found, mr.Estimates):
            columns = ["estimate", "conf_low", "p_value", "p_adjusted", "p_equivalence", "inner_low"]
            part = found.frame[[c for c in columns if c in found.frame]]
            return [*found.frame.get("contrast", []), *found.by, *part.to_numpy(float).ravel()]
        if hasattr(found, "slope"):
            return [*numbers(found.slope), *(x for test in found.equality for x in numbers(test))]
        interval = [] if found.difference is None else numbers(found.difference)
        return [found.statistic, found.df_den, found.p_value, found.reading(), *interval]

    pairs = [
        *[(lambda s=s: survey.chi_square("sex", "trust", statistic=s), lambda: survey.chi_square("sex", "trust"))
          for s in ("chisq", "wald", "adjusted_wald", "lincom", "saddlepoint", "working")],
        (lambda: survey.chi_square("sex", "trust"), lambda: survey.chi_square("region", "trust")),
        (lambda: survey.chi_square("sex", "trust", level=0.01), lambda: survey.chi_square("sex", "trust")),
        (lambda: survey.goodness_of_fit("sex", {1: 0.4, 2: 0.6}), lambda: survey.goodness_of_fit("sex", {1: 0.5, 2: 0.5})),
        (lambda: survey.goodness_of_fit("trust", {1: 1, 2: 1, 3: 1}, statistic="F"),
         lambda: survey.goodness_of_fit("trust", {1: 1, 2: 1, 3: 1})),
        (lambda: survey.t_test("y", by="sex"), lambda: survey.t_test("y")),
        (lambda: survey.t_test("y", by="sex", null=0.1), lambda: survey.t_test("y", by="sex")),
        (lambda: survey.t_test("y", by="sex", level=0.5), lambda: survey.t_test("y", by="sex")),
        (lambda: survey.rank_test("y", "sex", test="median"), lambda: survey.rank_test("y", "sex")),
        (lambda: survey.rank_test("y", "sex", test="vanderwaerden"), lambda: survey.rank_test("y", "sex")),
        (lambda: shares.pairwise(over="sex"), lambda: shares.pairwise(over="wave")),
        (lambda: shares.pairwise(over="wave", adjust="bh"), lambda: shares.pairwise(over="wave")),
        (lambda: shares.pairwise(over="wave", adjust="none"), lambda: shares.pairwise(over="wave", adjust="bh")),
        (lambda: shares.ratio(1, 2, over="sex"), lambda: shares.ratio(2, 1, over="sex")),
        (lambda: shares.transform(lambda a, b: a - b, log, over="sex"),
         lambda: shares.transform(lambda a, b: a / b, log, over="sex")),
        (lambda: shares.transform(lambda a, b: a - b, log, over="sex", null=0.1),
         lambda: shares.transform(lambda a, b: a - b, log, over="sex")),
        (lambda: gap.equivalence(-0.2, 0.3), lambda: gap.equivalence(-0.1, 0.3)),
        (lambda: gap.equivalence(-0.2, 0.3), lambda: gap.equivalence(-0.2, 0.01)),
        (lambda: shares.trend(over="sex"), lambda: shares.trend()),
        (lambda: shares.trend(scores={2022: 0, 2024: 1, 2026: 9}), lambda: shares.trend()),
        (lambda: shares.trend(df=20), lambda: shares.trend()),
        (lambda: shares.joint(["2024 - 2022"], over="wave"), lambda: shares.joint(["2026 - 2022"], over="wave")),
        (lambda: shares.joint(["2 - 1"], over="sex", adjusted=False), lambda: shares.joint(["2 - 1"], over="sex")),
        (lambda: shares.trend(level=1 - 1e-15), lambda: shares.trend()),
        (lambda: shares.joint(["2024 - 2022"], over="wave", level=1e-9),
         lambda: shares.joint(["2024 - 2022"], over="wave", level=1 - 1e-9)),
        (lambda: shares.joint(["2 - 1"], over="sex", df=20), lambda: shares.joint(["2 - 1"], over="sex")),
    ]  # fmt: skip
    for number, (one, other) in enumerate(pairs):
        assert numbers(one()) != numbers(other()), number
    with pytest.raises(EstimationError, match="confidence level"):
        survey.chi_square("sex", "trust", level=95)


@pytest.mark.full
def test_statistics_are_the_same_bits_whatever_the_threads_and_the_hash_seed():
    code = (
        "import pandas as pd, masar_research as mr\n"
        "d = pd.read_csv('tests/oracles/jordan_like.csv'); d['band'] = d['age'] // 8\n"
        "s = mr.Survey(d, weights='weight', strata='stratum', psu='psu')\n"
        "for t in (s.chi_square('governorate', 'band'), s.chi_square('region', 'band', statistic='wald'),\n"
        "          s.goodness_of_fit('governorate', {k: 1 for k in d['governorate'].unique()})):\n"
        "    print(t.statistic.hex(), t.p_value.hex())\n"
    )
    seen = set()
    for threads, seed in (("1", "1"), ("2", "7")):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parents[2], env=environment,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seen.add(done.stdout)
    assert len(seen) == 1 and len(seen.pop().splitlines()) == 3
