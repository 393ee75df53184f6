"""What a sceptic tries: text passed off as numbers, rows met by position, one code under two names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import DataError, DesignError, EstimationError


def book() -> Codebook:
    return Codebook(
        [
            Variable(
                "sex", {"en": "Sex", "ar": "الجنس"}, level="nominal",
                categories=(
                    Category(1.0, {"en": "Men", "ar": "ذكور"}), Category(2.0, {"en": "Women", "ar": "إناث"}),
                ),
            ),
            Variable(
                "told", {"en": "Told", "ar": "قيل"}, level="text",
                categories=(Category("99", {"en": "Refused", "ar": "رفض"}, missing="refused"),),
            ),
            Variable(
                "w", {"en": "Weight", "ar": "الوزن"}, level="numeric",
                categories=(Category(999.0, {"en": "Unknown", "ar": "غير معروف"}, missing="missing"),),
            ),
        ]
    )  # fmt: skip


def data(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "w": rng.uniform(1, 4, n), "h": np.repeat(np.arange(4), n // 4), "p": np.repeat(np.arange(24), n // 24),
            "sex": rng.integers(1, 3, n).astype(float), "y": rng.normal(size=n),
            "answer": rng.integers(1, 6, n).astype(float), "told": rng.choice(["1", "2", "99"], n),
            "day": pd.to_datetime("2026-03-01"), "place": rng.integers(1, 3, n).astype(float),
        }
    )  # fmt: skip
    frame.loc[:9, "answer"] = np.nan
    frame.loc[frame["p"] == 7, "place"] = 3.0
    return frame


@pytest.fixture
def survey() -> mr.Survey:
    return mr.Survey(data(), weights="w", strata="h", psu="p", codebook=book())


def test_an_answer_missing_counts_once_however_many_categories(survey) -> None:
    assert survey.proportion("answer").note["missing"] == 10
    assert survey.proportion("answer", by="sex").note["missing"] == 10
    assert survey.mean(["answer", "y"]).note["missing"] == 10


def test_rows_whose_group_is_unknown_are_counted_and_said(survey) -> None:
    place = survey.values("place").copy()
    place[:25] = np.nan
    known = survey.with_columns({"place": place})
    assert known.mean("y", by="place").note["outside"] == 25
    assert known.where("sex == 2").mean("y", by=["sex", "place"]).note["outside"] == int(
        (survey.values("sex")[:25] == 2).sum()
    )
    assert survey.mean("y", by="place").note["outside"] == survey.mean("y").note["outside"] == 0
    assert "In none of the groups: 25" in known.mean("y", by="place").table("en")._repr_html_()
    assert "خارج الفئات المعروضة" in known.mean("y", by="place").table("ar")._repr_html_()


@pytest.mark.parametrize("name", ["told", "day"])
def test_digits_in_text_and_dates_are_no_numbers(survey, name) -> None:
    with pytest.raises(DataError, match="cannot be averaged"):
        survey.mean(name)


def test_whole_numbers_with_blanks_and_truth_values_are_numbers(survey) -> None:
    n = len(survey)
    whole = pd.array([1, None] * (n // 2), dtype="Int64")
    plain = pd.Series([1.0, None] * (n // 2), dtype=object)
    truth = pd.Series([True, False] * (n // 2))
    columns = survey.with_columns({"whole": whole, "plain": plain, "truth": truth})
    assert columns.mean("whole").frame["estimate"][0] == columns.mean("plain").frame["estimate"][0] == 1.0
    assert columns.mean("truth").note["missing"] == 0
    assert columns.mean("whole").note["missing"] == n // 2


def test_a_code_and_its_label_are_one_term_of_a_contrast(survey) -> None:
    rate = survey.mean("y", by="sex")
    half = rate.contrast("(1 + 'Men') / 2 - 2").frame
    assert half["estimate"][0] == rate.contrast("1 - 2").frame["estimate"][0]
    with pytest.raises(EstimationError, match="with itself"):
        rate.contrast("1 - 'Men'")


def test_a_side_without_degrees_of_freedom_leaves_a_difference_without_error(survey) -> None:
    """All of place 3 lies in one PSU: its variance cannot be estimated, so neither can the gap's."""
    by_place = survey.mean("y", by="place")
    one = by_place.rows(place=3).iloc[0]
    assert one["df"] == 0 and np.isnan(one[["std_error", "deff", "n_eff"]].astype(float)).all()
    gap = by_place.contrast("1 - 3").frame.iloc[0]
    assert np.isfinite(gap["estimate"]) and np.isnan(gap[["std_error", "p_value", "conf_low"]].astype(float)).all()
    assert np.isfinite(by_place.contrast("1 - 2").frame["std_error"][0])


@pytest.mark.filterwarnings("ignore:.*drops the standard errors")
def test_arithmetic_never_meets_rows_by_position(survey) -> None:
    women = survey.where("sex == 2")
    assert len(survey.mean("y", by="place") - women.mean("y", by="place")) == 3
    two = survey.with_columns({"pair": np.where(survey.values("place") > 1, 1.0, 2.0)})
    with pytest.raises(EstimationError, match="other domains"):
        survey.mean("y", by="sex") - two.mean("y", by="pair")


def test_a_missing_code_is_no_weight() -> None:
    frame = data()
    frame.loc[3, "w"] = 999.0
    with pytest.raises(DesignError, match="1 are missing"):
        mr.Survey(frame, weights="w", strata="h", psu="p", codebook=book())
