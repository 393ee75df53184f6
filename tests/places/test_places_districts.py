"""Districts the user installs, and the maps of direct and model-based shares drawn on them."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import masar_research as mr
from masar_research import places
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import DataError, EstimationError
from masar_research.places.districts import matched, outlines_of
from masar_research.present import charts
from masar_research.present.charts import Mark

LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


def governorate_squares() -> gpd.GeoDataFrame:
    found = places.governorates()
    squares = [box(35 + 0.6 * (i % 4), 30 + 0.5 * (i // 4), 35.6 + 0.6 * (i % 4), 30.5 + 0.5 * (i // 4)) for i in range(12)]
    return gpd.GeoDataFrame({"code": [p.code for p in found]}, geometry=squares, crs="EPSG:4326")


def halves(**more: list[object]) -> gpd.GeoDataFrame:
    """Two generated districts in each generated governorate."""
    rows = []
    for at, (place, square) in enumerate(zip(places.governorates(), governorate_squares().geometry, strict=True)):
        west, south, east, north = square.bounds
        middle = (west + east) / 2
        for side, shape in enumerate((box(west, south, middle, north), box(middle, south, east, north))):
            letter = LETTERS[2 * at + side]
            rows.append({
                "name_ar": f"لواء {letter}{letter}", "name_en": f"Number {2 * at + side} District", "gov": place.ar,
                "geometry": shape,
            })  # fmt: skip
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")
    return frame.assign(**more)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MASAR_BOUNDARIES", str(tmp_path))
    monkeypatch.delenv("MASAR_DISTRICTS", raising=False)
    return tmp_path


def test_districts_are_read_with_names_and_governorates(folder: Path) -> None:
    halves(district=list(range(101, 125))).to_file(folder / "d.gpkg")
    governorate_squares().to_file(folder / "g.gpkg")
    found = places.districts()
    assert found is not None and len(found) == 24 and found.crs.is_projected
    assert found["code"].tolist() == list(range(101, 125))
    assert found["ar"].iloc[0] == "اا" and found["en"].iloc[3] == "Number 3"
    assert found["governorate"].tolist() == [p.code for p in places.governorates() for _ in (0, 1)]
    # The file of districts is none of governorates, and the other way round.
    assert places.boundaries() is not None and len(places.boundaries()) == 12
    merged = outlines_of(found)
    assert len(merged) == 12 and merged.geometry.area.sum() == pytest.approx(found.geometry.area.sum(), rel=1e-9)


def test_without_codes_the_arabic_name_is_the_code_and_labels_find_it(folder: Path) -> None:
    halves().to_file(folder / "d.geojson")
    found = places.districts()
    assert found["code"].iloc[1] == "بب"
    assert matched(found, {7.0: "لواء بب", 8.0: "تت"}) == {7.0: "بب", 8.0: "تت"}
    with pytest.raises(DataError, match="1 areas have no shape: لواء قصبة") as caught:
        matched(found, {7.0: "لواء قصبة"})
    assert "قصبة" in caught.value.ar


def test_a_district_that_does_not_say_its_governorate_gets_the_one_it_lies_in(folder: Path) -> None:
    lacking = halves()
    lacking.loc[5, "gov"] = None
    lacking.to_file(folder / "d.gpkg")
    with pytest.raises(DataError, match="1 rows of d.gpkg do not say their governorate: حح"):
        places.districts(folder / "d.gpkg")
    governorate_squares().to_file(folder / "g.gpkg")
    found = places.districts()
    assert found["governorate"].iloc[5] == places.governorates()[2].code


def test_what_districts_may_not_be(folder: Path, tmp_path: Path) -> None:
    assert places.districts() is None
    halves().to_file(folder / "d.gpkg")
    for wrong, said in (
        (halves(name_ar=["لواء"] * 24), "Arabic name of its own"), (halves(code=[1] * 24), "missing or stand twice"),
        (governorate_squares().assign(name_ar=[p.ar for p in places.governorates()]), "governorates, not districts"),
    ):  # fmt: skip
        path = tmp_path / "elsewhere" / "w.gpkg"
        path.parent.mkdir(exist_ok=True)
        wrong.to_file(path)
        with pytest.raises(DataError, match=said) as caught:
            places.districts(path)
        assert caught.value.ar
        path.unlink()
    with pytest.raises(DataError, match="no column 'adm2'"):
        places.districts(folder / "d.gpkg", code="adm2")
    with pytest.raises(DataError, match="no boundary file"):
        places.districts(folder / "none.gpkg")
    halves().to_file(folder / "e.gpkg")
    with pytest.raises(DataError, match="several files of districts"):
        places.districts()


def surveyed(shapes: gpd.GeoDataFrame, seed: int = 3) -> tuple[mr.Survey, pd.DataFrame]:
    """Interviews in some districts, under their Arabic names; the rest have none."""
    rng = np.random.default_rng(seed)
    k = len(shapes)
    size = rng.integers(4, 14, k)
    size[[1, 6]] = 0
    level = 0.45 + 0.12 * np.sin(shapes["governorate"].to_numpy(float)) + 0.05 * rng.normal(size=k)
    at = np.repeat(np.arange(k), 10 * size)
    frame = pd.DataFrame({
        "w": rng.uniform(1, 2, len(at)), "psu": np.arange(len(at)) // 10, "district": at + 1.0,
        "governorate": shapes["governorate"].to_numpy(float)[at], "works": (rng.uniform(size=len(at)) < level[at]).astype(float),
    })  # fmt: skip
    names = tuple(
        Category(i + 1, {"en": en, "ar": f"لواء {ar}"}) for i, (en, ar) in enumerate(zip(shapes["en"], shapes["ar"], strict=True))
    )
    book = Codebook().add(
        Variable("district", {"en": "District", "ar": "اللواء"}, None, "nominal", names, None, None, ("q1",), None),
        Variable(
            "works", {"en": "In work", "ar": "يعمل"}, None, "nominal",
            (Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"})), None, None, ("q2",), None,
        ),
    )  # fmt: skip
    table = pd.DataFrame({
        "district": np.arange(1.0, k + 1), "governorate": shapes["governorate"].to_numpy(float),
        "persons": rng.uniform(1e3, 9e4, k),
    })  # fmt: skip
    return mr.Survey(frame, weights="w", strata="governorate", psu="psu", codebook=book), table


def modelled(shapes: gpd.GeoDataFrame):
    survey, table = surveyed(shapes)
    direct = survey.proportion("works", by="district")
    return direct.small_area(
        table, on="district", terms=[], within="governorate", benchmark="ratio", shares="persons"
    )  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_both_maps_and_their_uncertainty_are_drawn_by_district(folder: Path, lang: str) -> None:
    with pytest.raises(EstimationError, match="no file of districts is installed"):
        modelled(_shapes()).side_by_side(lang)
    halves().to_file(folder / "d.gpkg")
    found = modelled(places.districts())
    art = found.side_by_side(lang)
    said = " ".join(art.texts)
    for words in (
        {"en": "Direct estimates", "ar": "تقديرات مباشرة"}, {"en": "Model-based estimates", "ar": "قائمة على نموذج"},
        {"en": "half of the confidence interval", "ar": "نصف فترة الثقة"}, {"en": "Not shown", "ar": "غير معروض"},
    ):  # fmt: skip
        assert words[lang] in said
    assert art.png[:4] == b"\x89PNG" and art.height > 100
    phone = charts.area_fields(places.districts(), _panels(places.districts()), lang, width=85.0)
    assert phone.height > 2 * phone.width


def _shapes() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({
        "en": [f"Number {i}" for i in range(24)], "ar": [LETTERS[i] * 2 for i in range(24)],
        "governorate": [p.code for p in places.governorates() for _ in (0, 1)],
    })  # fmt: skip


def _panels(shapes: gpd.GeoDataFrame):
    marks = {code: Mark(0.2 + 0.02 * i, 0.1 + 0.02 * i, 0.3 + 0.03 * i) for i, code in enumerate(shapes["code"])}
    return ("one", marks), ("two", marks)


def test_a_figure_that_is_not_shown_has_no_uncertainty_either(folder: Path) -> None:
    """Colours of the second row come from the figures the gate lets through."""
    area_fields = importlib.import_module("masar_research.present.charts.area_fields")
    hidden = {1: Mark(None, status="suppress"), 2: Mark(0.4, 0.3, 0.6)}
    field = area_fields._doubt((("a", hidden), ("b", hidden)), "en")
    assert field.values[0][1] is None and field.values[0][2] == pytest.approx(0.15)
    assert field.limits[0] <= 0.15 <= field.limits[-1]


@pytest.mark.skipif(not os.environ.get("MASAR_REAL_DATA"), reason="jordan_boundaries: MASAR_REAL_DATA is not set")
def test_the_real_districts_of_jordan(monkeypatch) -> None:
    real = Path(os.environ["MASAR_REAL_DATA"]) / "jordan_boundaries"
    if not real.is_dir():
        pytest.skip("jordan_boundaries is not in MASAR_REAL_DATA")
    monkeypatch.setenv("MASAR_BOUNDARIES", str(real))
    monkeypatch.delenv("MASAR_DISTRICTS", raising=False)
    found = places.districts()
    assert len(found) == 51 and found["governorate"].value_counts().to_dict() == {
        21: 9, 11: 9, 31: 7, 12: 5, 22: 4, 33: 4, 13: 3, 32: 3, 24: 2, 34: 2, 14: 2, 23: 1,
    }  # fmt: skip
    areas = modelled(found)
    assert len(areas) == 51
    for lang in ("en", "ar"):
        assert len(areas.side_by_side(lang).svg) > 10_000
