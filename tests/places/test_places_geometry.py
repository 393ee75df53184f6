"""Boundaries the user installs, and the tile grid that is always there."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from masar_research import places
from masar_research.errors import DataError


def made(names: dict[str, list[object]], crs: str | None = "EPSG:4326", west: float = 35.0) -> gpd.GeoDataFrame:
    """Twelve generated squares inside Jordan, in the order of the codes, with given columns."""
    count = len(next(iter(names.values())))
    squares = [box(west + 0.3 * (i % 4), 30 + 0.5 * (i // 4), west + 0.3 * (i % 4) + 0.3, 30.5 + 0.5 * (i // 4)) for i in range(count)]
    return gpd.GeoDataFrame(names, geometry=squares, crs=crs)


CODES = [p.code for p in places.governorates()]
WRONG_ENGLISH = ["Zarka", "Amman", "Tafila", "Irbid", "Maan", "Balka", "Ajloun", "Jerash", "Aqaba",
                 "Kerak", "Mafraq", "Madaba"]  # fmt: skip


@pytest.fixture
def install(tmp_path, monkeypatch):
    def put(frame: gpd.GeoDataFrame, name: str = "gov.gpkg") -> Path:
        folder = tmp_path / "data" / "boundaries"
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_file(folder / name)
        monkeypatch.setenv("MASAR_BOUNDARIES", str(folder))
        return folder / name

    return put


def places_of(frame: gpd.GeoDataFrame) -> dict[int, tuple[float, float]]:
    """Code → centre in degrees, to tell which shape became which governorate."""
    centres = frame.geometry.centroid.to_crs("EPSG:4326")
    return {code: (round(c.x, 2), round(c.y, 2)) for code, c in zip(frame["code"], centres, strict=True)}


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp"])
@pytest.mark.parametrize(
    "column",
    [
        {"adm1": CODES},
        {"adm1": [float(code) for code in CODES]},
        {"shapeISO": [p.iso for p in places.governorates()]},
        {"pcode": [p.pcode for p in places.governorates()]},
        {"name_ar": ["عمّان", "محافظة البلقاء", "الزرقا", "مأدبا", "اربد", "محافظة المفرق", "جرش",
                     "عَجلون", "الكرك", "الطفيله", "معان", "محافظة العقبه"]},
    ],
    ids=["codes", "float codes", "iso", "pcode", "arabic"],
)  # fmt: skip
def test_shapes_are_matched_by_code_or_arabic_name(install, suffix: str, column: dict) -> None:
    install(made({**column, "name_en": WRONG_ENGLISH}), f"gov.{suffix}")
    found = places.boundaries()
    assert list(found["code"]) == CODES
    assert found.crs.is_projected
    expected = {code: (round(35 + 0.3 * (i % 4) + 0.15, 2), round(30.25 + 0.5 * (i // 4), 2)) for i, code in enumerate(CODES)}
    for code, (x, y) in places_of(found).items():
        assert abs(x - expected[code][0]) < 0.02 and abs(y - expected[code][1]) < 0.02


def test_the_order_of_the_rows_does_not_matter(install) -> None:
    install(made({"iso": [p.iso for p in places.governorates()]}).iloc[::-1])
    found = places.boundaries()
    assert list(found["code"]) == CODES
    assert places_of(found)[11][1] < places_of(found)[34][1]


def test_english_spellings_are_never_used(install) -> None:
    install(made({"name": [p.en for p in places.governorates()], "shapeName": WRONG_ENGLISH}))
    with pytest.raises(DataError, match="No column of gov.gpkg names all twelve"):
        places.boundaries()


def test_a_missing_or_doubled_governorate_is_named(install) -> None:
    doubled = [11 if code == 34 else code for code in CODES]
    install(made({"code": doubled}))
    with pytest.raises(DataError, match="lacks Aqaba.*Amman stand more than once"):
        places.boundaries()


def test_districts_that_share_a_governorates_name_are_not_taken_for_it(install) -> None:
    install(made({"name_ar": [*(p.ar for p in places.governorates()), "قضاء", "لواء"]}))
    with pytest.raises(DataError, match="it has 14 rows"):
        places.boundaries()


def test_columns_that_contradict_each_other_are_refused(install) -> None:
    turned = [*CODES[1:], CODES[0]]
    install(made({"code": CODES, "pcode": [f"JO{code}" for code in turned]}))
    with pytest.raises(DataError, match="different governorates to one shape"):
        places.boundaries()


def test_shapes_elsewhere_or_without_a_crs_are_refused(install) -> None:
    install(made({"code": CODES}, west=10.0))
    with pytest.raises(DataError, match="not in Jordan"):
        places.boundaries()
    path = install(made({"code": CODES}), "gov.shp")
    (path.parent / "gov.gpkg").unlink()
    path.with_suffix(".prj").unlink()
    with pytest.raises(DataError, match="coordinate system"):
        places.boundaries()


def test_other_projections_come_out_in_the_same_place(install) -> None:
    install(made({"code": CODES}))
    straight = places_of(places.boundaries())
    install(made({"code": CODES}).to_crs("EPSG:28191"))
    for code, (x, y) in places_of(places.boundaries()).items():
        assert abs(x - straight[code][0]) < 0.02 and abs(y - straight[code][1]) < 0.02


def test_without_an_installed_file_there_are_none(tmp_path, monkeypatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MASAR_BOUNDARIES", str(tmp_path / "empty"))
    assert places.boundaries() is None
    monkeypatch.setenv("MASAR_BOUNDARIES", str(tmp_path / "gone.gpkg"))
    with pytest.raises(DataError, match="does not exist"):
        places.boundaries()
    with pytest.raises(DataError, match="district"):
        places.boundaries("district")


def test_the_folder_of_the_project_is_looked_in(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "data" / "boundaries"
    folder.mkdir(parents=True)
    reference = tmp_path / "data" / "reference"
    reference.mkdir()
    source = places.reference("governorates.csv")
    (reference / source.name).write_bytes(source.read_bytes())
    made({"code": CODES}).to_file(folder / "mine.geojson")
    monkeypatch.delenv("MASAR_BOUNDARIES", raising=False)
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    assert list(places.boundaries()["code"]) == CODES


def test_unreadable_files_and_several_that_would_do(install, tmp_path) -> None:
    path = install(made({"code": CODES}))
    (path.parent / "broken.geojson").write_text("{not json", encoding="utf-8")
    assert places.boundaries() is not None
    install(made({"pcode": [f"JO{code}" for code in CODES]}), "second.gpkg")
    with pytest.raises(DataError, match="gov.gpkg, second.gpkg"):
        places.boundaries()
    path.unlink()
    (path.parent / "second.gpkg").unlink()
    with pytest.raises(DataError, match="broken.geojson cannot be read"):
        places.boundaries()


def test_a_table_without_shapes_is_refused(tmp_path, monkeypatch) -> None:
    bare = gpd.GeoDataFrame({"code": CODES}, geometry=[None] * 12, crs="EPSG:4326")
    bare.to_file(tmp_path / "bare.gpkg")
    monkeypatch.setenv("MASAR_BOUNDARIES", str(tmp_path / "bare.gpkg"))
    with pytest.raises(DataError, match="no shapes"):
        places.boundaries()


def test_twelve_tiles_lie_as_jordan_lies() -> None:
    tiles = places.tile_grid()
    assert sorted(tiles["code"]) == CODES
    assert tiles.geometry.is_valid.all() and (tiles.area == 1).all()
    assert tiles.union_all().area == 12, "tiles do not overlap"
    at = {row.iso: (row.geometry.centroid.x, row.geometry.centroid.y) for row in tiles.itertuples()}
    north = max(at.values(), key=lambda p: (p[1], -p[0]))
    assert at["JO-IR"] == north
    assert at["JO-MA"][0] > at["JO-JA"][0] > at["JO-AJ"][0]
    assert at["JO-BA"][0] < at["JO-AM"][0] < at["JO-AZ"][0]
    assert at["JO-MD"][1] < at["JO-AM"][1] and at["JO-KA"][1] < at["JO-AM"][1]
    assert at["JO-AT"][0] < at["JO-MN"][0]
    assert at["JO-AQ"] == min(at.values(), key=lambda p: (p[1], p[0]))


def test_regions_are_whole_and_cover_what_their_governorates_cover() -> None:
    tiles = places.tile_grid()
    merged = places.regions_of(tiles)
    assert list(merged["code"]) == [1, 2, 3]
    assert list(merged["ar"]) == ["الوسط", "الشمال", "الجنوب"]
    assert (merged.geometry.geom_type == "Polygon").all(), "each region's tiles hang together"
    for region in merged.itertuples():
        own = tiles[tiles["region"] == region.code].union_all()
        assert own.symmetric_difference(region.geometry).area < 1e-9


@pytest.mark.skipif(not os.environ.get("MASAR_REAL_DATA"), reason="jordan_boundaries: MASAR_REAL_DATA is not set")
def test_real_boundaries(monkeypatch) -> None:
    folder = Path(os.environ["MASAR_REAL_DATA"]) / "jordan_boundaries"
    if not folder.is_dir():
        pytest.skip("jordan_boundaries is not in MASAR_REAL_DATA")
    monkeypatch.setenv("MASAR_BOUNDARIES", str(folder))
    found = places.boundaries()
    assert list(found["code"]) == CODES
    assert 85_000 < found.area.sum() / 1e6 < 93_000
    centre = {row.code: row.geometry.centroid for row in found.itertuples()}
    assert centre[34].y == min(p.y for p in centre.values())
    assert centre[22].x == max(p.x for p in centre.values())
    assert centre[33].x > centre[32].x
    assert len(places.boundaries("region")) == 3
    with pytest.raises(DataError, match="51 rows"):
        places.read_boundaries(folder / "dis_simpl_20m.gpkg")
