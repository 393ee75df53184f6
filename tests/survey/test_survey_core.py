"""Survey and Estimates: nothing filters rows, every choice is in the note, errors teach."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import DataError, DesignError, EstimationError


def label(en: str, ar: str) -> dict[str, str]:
    return {"en": en, "ar": ar}


BOOK = Codebook(
    [
        Variable(
            "sex", label("Sex", "الجنس"), level="nominal",
            categories=(Category(1, label("Men", "ذكور")), Category(2, label("Women", "إناث"))),
        ),
        Variable(
            "trust", label("Trust", "الثقة"), level="ordinal",
            categories=(
                Category(1, label("High", "عالية")), Category(2, label("Low", "منخفضة")),
                Category(9, label("Refused", "رفض"), missing="refused"),
            ),
        ),
    ]
)  # fmt: skip


def data(n: int = 1200, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 60, n)
    effect = rng.normal(0, 0.6, 60)[psu]
    sex = rng.integers(1, 3, n)
    return pd.DataFrame(
        {
            "w": rng.uniform(1, 5, n), "h": psu % 6, "p": psu, "sex": sex.astype(float),
            "y": rng.normal(size=n) + effect,
            "works": (rng.random(n) < 0.25 + 0.3 * (sex == 1)).astype(float),
            "trust": rng.choice([1.0, 2.0, 9.0], n, p=[0.4, 0.5, 0.1]),
        }
    )  # fmt: skip


@pytest.fixture
def survey() -> mr.Survey:
    return mr.Survey(data(), weights="w", strata="h", psu="p", codebook=BOOK)


def test_silent_error_05_by_gives_what_where_gives_df_included(survey):
    # silent error 5
    together = survey.mean("y", by="sex").frame
    for code in (1, 2):
        alone = survey.where(f"sex == {code}").mean("y").frame.iloc[0]
        row = together[together["sex"] == code].iloc[0]
        for name in ("estimate", "std_error", "conf_low", "conf_high", "df", "n", "deff"):
            assert row[name] == pytest.approx(alone[name], rel=1e-12), name


def test_a_subpopulation_keeps_every_unit_and_weight(survey):
    part = survey.where("sex == 2")
    assert part.design is survey.design
    assert part.frame.shape == survey.frame.shape


def test_codes_declared_missing_are_no_answers_and_are_counted(survey):
    shares = survey.proportion("trust")
    assert list(shares.frame["category"]) == [1, 2]
    assert shares.frame["estimate"].sum() == pytest.approx(1)
    refused = int((survey.frame["trust"] == 9).sum())
    assert shares.frame["n_missing"].tolist() == [refused, refused]
    assert survey.where('missing(trust, "refused")').mask.sum() == refused
    assert survey.where("trust != 1").mask.sum() == (survey.frame["trust"] == 2).sum()


def test_a_zero_one_variable_gives_the_share_of_ones(survey):
    share = survey.proportion("works").frame
    mean = survey.mean("works").frame
    assert share["estimate"].iloc[0] == mean["estimate"].iloc[0]
    assert share["std_error"].iloc[0] == mean["std_error"].iloc[0]


def test_silent_error_07_proportion_times_hundred_is_percent(survey):
    # silent error 7
    frame = survey.frame.assign(percent=survey.frame["works"] * 100)
    percent = mr.Survey(frame, weights="w", strata="h", psu="p").mean("percent").frame.iloc[0]
    share = survey.proportion("works").frame.iloc[0]
    assert percent["std_error"] == pytest.approx(100 * share["std_error"], rel=1e-12)


def test_contrast_is_the_regression_on_the_group_and_labels_work(survey):
    rates = survey.proportion("works", by="sex")
    gap = rates.contrast("2 - 1").frame.iloc[0]
    assert rates.contrast("'Women' - 'Men'").frame["estimate"].iloc[0] == gap["estimate"]
    assert rates.contrast("'إناث' - 'ذكور'").frame["std_error"].iloc[0] == gap["std_error"]
    one, two = rates.frame["estimate"]
    weights = np.array([-1.0, 1.0])
    assert gap["estimate"] == pytest.approx(two - one)
    assert gap["std_error"] ** 2 == pytest.approx(weights @ rates.vcov @ weights)
    assert rates.contrast("2 - 1").kind == "difference"


def test_contrast_within_the_other_cells(survey):
    rates = survey.mean("y", by=["h", "sex"])
    gaps = rates.contrast("2 - 1", over="sex")
    assert list(gaps.frame["h"]) == list(range(6))
    with pytest.raises(EstimationError, match="over="):
        rates.contrast("2 - 1")


def test_arithmetic_drops_the_standard_error_and_says_so(survey):
    rates = survey.proportion("works", by="sex")
    with pytest.warns(UserWarning, match="drops the standard error"):
        plain = rates * 100
    assert "std_error" not in plain.columns


def test_silent_error_12_the_callers_data_and_the_survey_do_not_reach_each_other():
    # silent error 12
    frame = data()
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    before = survey.mean("y").frame["estimate"].iloc[0]
    frame["y"] = 0.0
    survey.frame["y"] = 1.0
    assert survey.mean("y").frame["estimate"].iloc[0] == before
    assert mr.Survey(frame, weights="w", strata="h", psu="p").mean("y").frame["estimate"].iloc[0] == 0


def test_an_empty_domain_is_flagged_and_an_empty_where_is_an_error(survey):
    book = survey.codebook.add(
        Variable(
            "sex", label("Sex", "الجنس"), level="nominal",
            categories=tuple(Category(c, label(str(c), str(c))) for c in (1, 2, 3)),
        )  # fmt: skip
    )
    declared = mr.Survey(survey.frame, weights="w", strata="h", psu="p", codebook=book)
    row = declared.mean("y", by="sex").frame.iloc[2]
    assert row["n"] == 0 and np.isnan(row["estimate"]) and row["reliability"] == "suppress"
    with pytest.raises(EstimationError, match="Nobody"):
        survey.where("sex == 3")


def test_silent_error_21_a_level_of_the_domain_only_is_enough():
    # silent error 21 for means: levels that a domain lacks give flagged rows, not failures
    frame = data()
    frame.loc[frame["sex"] == 2, "trust"] = 1.0
    survey = mr.Survey(frame, weights="w", strata="h", psu="p", codebook=BOOK)
    shares = survey.where("sex == 2").proportion("trust").frame
    assert shares["estimate"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"w": np.nan}, "missing"), ({"w": -1.0}, "negative"), ({"p": np.nan}, "missing"),
        ({"h": np.nan}, "missing"),
    ],
)  # fmt: skip
def test_bad_designs_are_refused_with_a_remedy(change, error):
    frame = data()
    for name, value in change.items():
        frame[name] = frame[name].astype(float)
        frame.loc[3, name] = value
    with pytest.raises(DesignError, match=error) as caught:
        mr.Survey(frame, weights="w", strata="h", psu="p")
    assert caught.value.remedy


def test_silent_error_10_a_stratum_with_one_psu_is_refused_by_name():
    # silent error 10
    frame = data()
    frame.loc[frame["h"] == 5, "p"] = 5
    with pytest.raises(DesignError, match="5"):
        mr.Survey(frame, weights="w", strata="h", psu="p")
    assert mr.Survey(frame, weights="w", strata="h", psu="p", lonely_psu="centre").mean("y").frame["std_error"].iloc[0] > 0


def test_unknown_names_are_answered_with_near_ones(survey):
    with pytest.raises(DataError, match="works"):
        survey.mean("work")
    with pytest.raises(DesignError, match="weights"):
        mr.Survey(data(), weights="weight")


def test_a_subpopulation_cannot_be_weighted(survey):
    with pytest.raises(DesignError, match="subpopulation"):
        survey.where("sex == 1").with_weights(np.ones(len(survey)), None, "test")


def test_lent_verbs_are_visible_to_completion():
    assert {"weighting", "logit", "glm"} <= set(dir(mr.Survey))
    assert "map" in dir(mr.Estimates)


def test_ratio_of_totals_is_the_domain_mean(survey):
    frame = survey.frame.assign(women=(survey.frame["sex"] == 2) * 1.0)
    frame["women_y"] = frame["women"] * frame["y"]
    whole = mr.Survey(frame, weights="w", strata="h", psu="p")
    ratio = whole.ratio("women_y", "women").frame.iloc[0]
    mean = survey.where("sex == 2").mean("y").frame.iloc[0]
    assert ratio["estimate"] == pytest.approx(mean["estimate"], rel=1e-12)
    assert ratio["std_error"] == pytest.approx(mean["std_error"], rel=1e-12)


def test_counts_sum_to_the_weights(survey):
    counts = survey.count(by="sex").frame
    assert counts["estimate"].sum() == pytest.approx(survey.frame["w"].sum())
