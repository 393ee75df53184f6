"""Map geometry: a user's own boundary file, or the tile grid that is always there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import geopandas as gpd
import pandas as pd
from shapely.geometry import box

from masar_research.errors import DataError
from masar_research.loading.places_of_files import home
from masar_research.loading.raw import has_arabic
from masar_research.places.gazetteer import codes_of, fold_name, governorates, regions

SUFFIXES = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
PLANE = "EPSG:32637"
JORDAN = (34.5, 28.8, 39.7, 33.8)
TILES = {
    21: (0, 0),
    24: (0, 1), 23: (1, 1), 22: (2, 1),
    12: (0, 2), 11: (1, 2), 13: (2, 2),
    14: (0, 3), 31: (1, 3),
    32: (0, 4), 33: (1, 4),
    34: (0, 5),
}  # fmt: skip


def tile_grid() -> gpd.GeoDataFrame:
    """One square per governorate, laid out as Jordan lies.

    Returns
    -------
    GeoDataFrame, 12 rows
        ``code, iso, en, ar, region, geometry``; unit squares that touch, y upwards, no CRS.

    Examples
    --------
    >>> len(tile_grid())
    12
    """
    lowest = max(row for _, row in TILES.values())
    squares = [
        box(column, lowest - row, column + 1, lowest - row + 1)
        for column, row in (TILES[place.code] for place in governorates())
    ]
    return gpd.GeoDataFrame(_attributes(), geometry=squares)


def regions_of(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Governorates merged into regions, so that both can be drawn on one map.

    Returns
    -------
    GeoDataFrame, 3 rows
        ``code`` (1–3), ``en, ar, geometry``, in the CRS of `places`.
    """
    merged = places[["region", "geometry"]].dissolve(by="region", as_index=False)
    named = {region.code: region for region in regions()}
    return gpd.GeoDataFrame(
        {
            "code": merged["region"].astype(int),
            "en": [named[code].en for code in merged["region"]],
            "ar": [named[code].ar for code in merged["region"]],
        },
        geometry=merged.geometry,
        crs=places.crs,
    )


def boundaries(level: Literal["governorate", "region"] = "governorate") -> gpd.GeoDataFrame | None:
    """The boundaries the user has installed, or None.

    Looked for under ``MASAR_BOUNDARIES`` (a file or a folder), else in ``data/boundaries/``:
    GeoPackage, GeoJSON, shapefile or FlatGeobuf with one row per governorate. Rows are matched
    by a column of codes (Department of Statistics, ISO 3166-2 or P-code) or of Arabic names;
    English spellings are never used.

    Returns
    -------
    GeoDataFrame or None
        ``code, iso, en, ar, region, geometry`` for governorates, as `regions_of` for regions;
        UTM 37N, so that areas and distances keep their proportions.

    Raises
    ------
    DataError
        A named file that is missing or unreadable, several files that would do, no column that
        names all twelve once, columns that contradict each other, no CRS, or a place that is
        not Jordan.
    """
    if level not in ("governorate", "region"):
        raise DataError(
            f"There are no boundaries of level {level!r}.", remedy="Use 'governorate' or 'region'."
        )
    found = _installed()
    if found is None:
        return None
    return regions_of(found) if level == "region" else found


def _installed() -> gpd.GeoDataFrame | None:
    named = os.environ.get("MASAR_BOUNDARIES")
    place = Path(named) if named else home() / "data" / "boundaries"
    if named and not place.exists():
        raise DataError(
            f"MASAR_BOUNDARIES names {place}, which does not exist.",
            remedy="Correct the variable, or unset it to use data/boundaries/.",
            ar="المسار المذكور في MASAR_BOUNDARIES غير موجود.",
        )
    if place.is_file():
        return read_boundaries(place)
    files = sorted(p for p in place.glob("*") if p.suffix.lower() in SUFFIXES) if place.is_dir() else []
    if len(files) == 1:
        return read_boundaries(files[0])
    fitting, refused = [], []
    for path in files:
        try:
            fitting.append((path, read_boundaries(path)))
        except DataError as error:
            refused.append(f"{path.name}: {error.what}")
    if len(fitting) == 1:
        return fitting[0][1]
    if not files:
        return None
    names = ", ".join(path.name for path, _ in fitting)
    raise DataError(
        f"{place.name} holds several files with all twelve governorates: {names}." if fitting
        else f"None of the {len(files)} files in {place.name} holds the twelve governorates: "
        + " ".join(refused),
        remedy="Name the file to use in the environment variable MASAR_BOUNDARIES.",
        ar="حدّد ملف الحدود في المتغيّر MASAR_BOUNDARIES.",
    )  # fmt: skip


def read_boundaries(path: Path) -> gpd.GeoDataFrame:
    """Read one boundary file and bring it to the project's codes; see `boundaries`."""
    raw = opened(path, check=False)
    codes = _codes(raw, path.name)
    _require_jordan(raw, path.name)
    shapes = pd.Series(list(raw.geometry.make_valid().to_crs(PLANE)), index=raw.index)
    by_code = {code: shapes[row] for row, code in codes.items()}
    ordered = [by_code[place.code] for place in governorates()]
    return gpd.GeoDataFrame(_attributes(), geometry=ordered, crs=PLANE)


def opened(path: Path, check: bool = True) -> gpd.GeoDataFrame:
    """A boundary file as it is; with `check` its shapes lie in Jordan.

    Raises
    ------
    DataError
        Unreadable, without shapes, without CRS, or elsewhere.
    """
    try:
        raw = gpd.read_file(path)
    except Exception as error:
        raise DataError(
            f"The boundary file {path.name} cannot be read: {error}",
            remedy="Export it again as a GeoPackage, GeoJSON or shapefile with all its parts.",
            ar=f"تعذّرت قراءة ملف الحدود {path.name}.",
        ) from error
    if not isinstance(raw, gpd.GeoDataFrame) or raw.geometry.isna().all():
        raise DataError(
            f"The boundary file {path.name} holds no shapes.",
            remedy="Use a layer with one polygon per governorate.",
        )
    if check:
        _require_jordan(raw, path.name)
    return raw


def governorate_of() -> Callable[[object], int | None]:
    """A function from a value of a boundary file to the governorate it names, by code or Arabic name."""
    by_code, by_arabic = _by_code(), _by_arabic()

    def find(value: object) -> int | None:
        found = by_code(value)
        return by_arabic(value) if found is None else found

    return find


def _attributes() -> dict[str, list[object]]:
    places = governorates()
    return {
        "code": [p.code for p in places], "iso": [p.iso for p in places],
        "en": [p.en for p in places], "ar": [p.ar for p in places],
        "region": [p.region.code for p in places],
    }  # fmt: skip


def _require_jordan(raw: gpd.GeoDataFrame, name: str) -> None:
    if raw.crs is None:
        raise DataError(
            f"The boundary file {name} does not say its coordinate system.",
            remedy="Add the .prj file, or set the CRS (usually EPSG:4326) and export it again.",
            ar=f"ملف الحدود {name} لا يذكر نظام الإحداثيات.",
        )
    west, south, east, north = raw.to_crs("EPSG:4326").total_bounds
    inside = JORDAN[0] < west < east < JORDAN[2] and JORDAN[1] < south < north < JORDAN[3]
    if not inside:
        raise DataError(
            f"The shapes of {name} lie between {west:.1f}–{east:.1f}°E and {south:.1f}–{north:.1f}°N, "
            "not in Jordan.",
            remedy="Check the file and its coordinate system.",
            ar=f"أشكال الملف {name} لا تقع في الأردن.",
        )


def _codes(raw: gpd.GeoDataFrame, name: str) -> dict[object, int]:
    """Row label → governorate code, from the columns that name all twelve exactly once."""
    columns = [column for column in raw.columns if column != raw.geometry.name]
    wanted = {place.code for place in governorates()}
    whole: dict[str, dict[object, int]] = {}
    best: tuple[int, str, list[int]] | None = None
    for column in columns:
        for find in (_by_code(), _by_arabic()):
            found = {row: find(value) for row, value in raw[column].items()}
            matched = {row: code for row, code in found.items() if code is not None}
            codes = list(matched.values())
            if set(codes) == wanted and len(codes) == len(wanted) == len(raw):
                whole[column] = matched
            elif best is None or len(set(codes)) > best[0]:
                best = (len(set(codes)), column, codes)
    if not whole:
        raise DataError(
            f"No column of {name} names all twelve governorates once, one row each: it has {len(raw)} "
            f"rows. {_closest(best, columns)}",
            remedy="Add a column with the codes 11–34, JO-AM … JO-AQ, JO11 … JO34, or the Arabic "
            "names, one row per governorate; English spellings are not used.",
            ar=f"لا يوجد في الملف {name} عمود يسمّي المحافظات الاثنتي عشرة مرة واحدة لكل منها.",
        )
    first, *others = whole
    for other in others:
        if whole[other] != whole[first]:
            raise DataError(
                f"The columns {first!r} and {other!r} of {name} give different governorates to one shape.",
                remedy="Correct one of them, or leave it out of the file.",
                ar=f"عمودان في الملف {name} يتناقضان في تسمية المحافظات.",
            )
    return whole[first]


def _closest(best: tuple[int, str, list[int]] | None, columns: list[str]) -> str:
    if best is None or best[0] == 0:
        return f"Its columns are {', '.join(map(str, columns)) or 'none'}."
    _, column, codes = best
    lacking = [p.en for p in governorates() if p.code not in codes]
    twice = [p.en for p in governorates() if codes.count(p.code) > 1]
    said = f"The closest, {column!r}, lacks {', '.join(lacking)}." if lacking else ""
    return said + (f" In {column!r} {', '.join(twice)} stand more than once." if twice else "")


def _by_code() -> Callable[[object], int | None]:
    known = {code: place.code for place in governorates() for code in codes_of(place)}

    def find(value: object) -> int | None:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return known.get(str(value).strip().casefold())

    return find


def _by_arabic() -> Callable[[object], int | None]:
    known = {
        fold_name(name): place.code
        for place in governorates()
        for name in (place.ar, *place.variants)
        if has_arabic(name)
    }

    def find(value: object) -> int | None:
        return known.get(fold_name(value)) if isinstance(value, str) and has_arabic(value) else None

    return find
