"""`Estimates.map`: gated, on tiles or boundaries, one figure per place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import places
from masar_research.errors import EstimationError
from masar_research.present import numbers


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    """Large governorates in the Middle, small ones elsewhere; 12 interviews a PSU."""
    rng = np.random.default_rng(5)
    sizes = {11: 70, 12: 30, 13: 40, 14: 3, 21: 40, 22: 25, 23: 3, 24: 2, 31: 20, 32: 2, 33: 2, 34: 2}
    governorate = np.repeat([code for code, n in sizes.items() for _ in range(n)], 12).astype(float)
    n = len(governorate)
    return mr.Survey(
        pd.DataFrame({
            "w": rng.uniform(1, 2, n), "psu": np.repeat(np.arange(n // 12), 12),
            "governorate": governorate, "region": governorate // 10,
            "sex": rng.integers(1, 3, n).astype(float),
            "employed": (rng.uniform(size=n) < 0.4).astype(float), "age": rng.uniform(15, 80, n),
        }),
        weights="w", strata="governorate", psu="psu",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_boundaries(tmp_path, monkeypatch) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("MASAR_BOUNDARIES", str(tmp_path / "none"))


def test_only_released_figures_are_drawn(survey: mr.Survey) -> None:
    found = survey.proportion("employed", by="governorate")
    art = found.map("en")
    drawn = " ".join(art.texts)
    hidden = found.frame[found.frame["reliability"] == "suppress"]
    shown = found.frame[found.frame["reliability"] != "suppress"]
    assert 0 < len(hidden) < 12 and len(shown) > 3
    for value in shown["estimate"]:
        assert numbers.percent(value, "en") in drawn
    released = {numbers.percent(value, "en") for value in shown["estimate"]}
    for value in hidden["estimate"]:
        assert numbers.percent(value, "en") not in drawn or numbers.percent(value, "en") in released
    assert all(place.en in drawn for place in places.governorates())


def test_regions_in_arabic(survey: mr.Survey) -> None:
    found = survey.proportion("employed", by="region")
    drawn = " ".join(found.map("ar").texts)
    for region, value in zip(places.regions(), found.frame["estimate"], strict=True):
        assert region.ar in drawn and numbers.percent(value, "ar") in drawn


def test_the_profile_changes_what_is_shown(survey: mr.Survey) -> None:
    found = survey.proportion("employed", by="governorate")
    assert found.map("en", profile="dhs").texts != found.map("en").texts


def test_a_place_without_interviews_is_hatched_not_missing(survey: mr.Survey) -> None:
    drawn = " ".join(survey.where("region == 1").proportion("employed", by="governorate").map("en").texts)
    assert "Aqaba" in drawn and "Amman" in drawn


def test_what_is_no_map_is_refused(survey: mr.Survey) -> None:
    with pytest.raises(EstimationError, match="one figure per place"):
        survey.proportion("employed", by=["governorate", "sex"]).map("en")
    with pytest.raises(EstimationError, match="one figure per place"):
        survey.proportion("employed", by="sex").map("en")
    with pytest.raises(EstimationError, match="shares"):
        survey.mean("age", by="region").map("en")
    elsewhere = survey.with_columns({"governorate": survey.frame["governorate"] + 100})
    with pytest.raises(EstimationError, match="111 is not a governorate"):
        elsewhere.proportion("employed", by="governorate").map("en")
