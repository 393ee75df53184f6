"""Districts, or any areas within governorates, from a boundary file the user installs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from masar_research.errors import DataError
from masar_research.loading.places_of_files import home
from masar_research.loading.raw import has_arabic
from masar_research.places.gazetteer import fold_name, governorates
from masar_research.places.geometry import PLANE, SUFFIXES, boundaries, governorate_of, opened

CODES = frozenset({"code", "district", "district_code", "dist_code", "pcode", "adm2_pcode", "admin2pcod", "adm2_code"})
_AR_KIND = re.compile(r"^(?:لواء|قضاء|منطقة|مقاطعة)\s+")
_EN_KIND = re.compile(r"\s+(?:sub-?\s?district|district|liwa)$", re.IGNORECASE)


def districts(path: str | Path | None = None, *, code: str | None = None) -> gpd.GeoDataFrame | None:
    """The districts the user has installed, or None.

    Parameters
    ----------
    path : str or Path, optional
        A GeoPackage, GeoJSON, shapefile or FlatGeobuf with one row per district. Left out: the file
        named in ``MASAR_DISTRICTS``, else the only one in ``data/boundaries/`` (or the folder named in
        ``MASAR_BOUNDARIES``) whose rows each name their governorate.
    code : str, optional
        Column with the codes the survey uses. Left out: a column called ``code``, ``district``,
        ``pcode`` or alike, else the Arabic name is the code, and areas of a survey are found by
        their Arabic label.

    Returns
    -------
    GeoDataFrame or None
        ``code, en, ar, governorate, geometry``; «لواء» and "District" taken off the names; UTM 37N.

    Raises
    ------
    DataError
        No column of Arabic names that are all different, rows whose governorate is neither named nor
        found by where they lie, codes that stand twice, no CRS, not Jordan, several files that would do.

    Notes
    -----
    A row that does not name its governorate gets the one it lies in, where governorates are installed
    (`boundaries`).

    Examples
    --------
    >>> from masar_research import places
    >>> places.districts("data/boundaries/districts.gpkg")          # doctest: +SKIP
    """
    named = path or os.environ.get("MASAR_DISTRICTS")
    if named:
        if not Path(named).is_file():
            raise DataError(
                f"There is no boundary file {Path(named).name}.",
                remedy="Correct the path, or the variable MASAR_DISTRICTS.",
                ar=f"لا يوجد ملف حدود باسم {Path(named).name}.",
            )
        return _read(Path(named), code)
    given = os.environ.get("MASAR_BOUNDARIES")
    place = Path(given) if given else home() / "data" / "boundaries"
    files = sorted(p for p in place.glob("*") if p.suffix.lower() in SUFFIXES) if place.is_dir() else []
    fitting: list[tuple[Path, gpd.GeoDataFrame]] = []
    for file in files:
        try:
            fitting.append((file, _read(file, code)))
        except DataError:
            continue
    if len(fitting) > 1:
        raise DataError(
            f"{place.name} holds several files of districts: {', '.join(file.name for file, _ in fitting)}.",
            remedy="Name the file to use in the environment variable MASAR_DISTRICTS.",
            ar="حدّد ملف الألوية في المتغيّر MASAR_DISTRICTS.",
        )
    return fitting[0][1] if fitting else None


def _read(path: Path, code: str | None) -> gpd.GeoDataFrame:
    raw = opened(path)
    columns = [column for column in raw.columns if column != raw.geometry.name]
    arabic = _names(raw, columns, path.name)
    english = _english(raw, columns)
    shapes = raw.geometry.make_valid().to_crs(PLANE)
    governorate = _governorates(raw, columns, shapes, arabic, path.name)
    if governorate.nunique() == len(raw):
        raise DataError(
            f"Each row of {path.name} lies in a governorate of its own: these are governorates, not districts.",
            remedy="Use places.boundaries() for governorates.",
            ar=f"كل صف في {path.name} محافظة مستقلة؛ هذا ملف محافظات لا ألوية.",
        )
    return gpd.GeoDataFrame(
        {"code": _codes(raw, columns, code, arabic, path.name), "en": english if english is not None else arabic,
         "ar": arabic, "governorate": governorate},
        geometry=list(shapes), crs=PLANE,
    )  # fmt: skip


def _names(raw: gpd.GeoDataFrame, columns: list[str], name: str) -> list[str]:
    """The column of Arabic names that are all different."""
    for column in columns:
        values = raw[column]
        if values.map(lambda value: isinstance(value, str) and has_arabic(value)).all():
            found = [_AR_KIND.sub("", value.strip()) for value in values]
            if len({fold_name(value) for value in found}) == len(found):
                return found
    raise DataError(
        f"No column of {name} gives every row an Arabic name of its own; its columns are {', '.join(map(str, columns))}.",
        remedy="Add a column of Arabic names, one for each district.",
        ar=f"لا يوجد في الملف {name} عمود يعطي كل لواء اسماً عربياً خاصاً به.",
    )


def _english(raw: gpd.GeoDataFrame, columns: list[str]) -> list[str] | None:
    """Latin names that are all different, from a column whose name ends in ``en`` if there is one."""
    for column in sorted(columns, key=lambda column: "en" not in str(column).lower().replace("-", "_").split("_")):
        values = raw[column]
        if values.map(lambda value: isinstance(value, str) and not has_arabic(value) and value.strip() != "").all():
            found = [_EN_KIND.sub("", value.strip()) for value in values]
            if len(set(found)) == len(found) and any(" " in value for value in found):
                return found
    return None


def _governorates(
    raw: gpd.GeoDataFrame, columns: list[str], shapes: gpd.GeoSeries, names: list[str], name: str
) -> pd.Series:
    """Code of the governorate of each row: as named, else where it lies."""
    find = governorate_of()
    best = pd.Series([None] * len(raw), index=raw.index, dtype=object)
    for column in columns:
        found = raw[column].map(find)
        # A column of district codes may chance upon codes of governorates; half of the rows do not.
        if found.notna().sum() > max(best.notna().sum(), len(raw) // 2):
            best = found
    lost = best.isna()
    if lost.any():
        larger = _installed()
        if larger is not None:
            points = gpd.GeoDataFrame(geometry=shapes[lost].representative_point(), crs=PLANE)
            met = gpd.sjoin(points, larger[["code", "geometry"]], predicate="within")
            best[met.index] = met["code"]
        lost = best.isna()
    if lost.any():
        lacking = ", ".join(label for label, yes in zip(names, lost, strict=True) if yes)
        raise DataError(
            f"{int(lost.sum())} rows of {name} do not say their governorate: {lacking}.",
            remedy="Add a column with the governorate's code (11–34) or Arabic name, or install the governorates' "
            "boundaries beside it (data/boundaries/).",
            ar=f"صفوف في الملف {name} لا تذكر محافظتها: {lacking}.",
        )
    return best.astype(int)


def _installed() -> gpd.GeoDataFrame | None:
    try:
        return boundaries()
    except DataError:
        return None


def _codes(raw: gpd.GeoDataFrame, columns: list[str], code: str | None, names: list[str], name: str) -> list[Any]:
    if code is not None and code not in columns:
        raise DataError(
            f"{name} has no column {code!r}: {', '.join(map(str, columns))}.",
            remedy="Name the column with the codes the survey uses.",
            ar=f"لا يوجد في الملف {name} عمود باسم «{code}».",
        )
    named = code or next((column for column in columns if str(column).lower() in CODES), None)
    if named is None:
        return list(names)
    values = raw[named]
    if values.isna().any() or values.duplicated().any():
        raise DataError(
            f"The codes of {name} (column {named!r}) are missing or stand twice.",
            remedy="Give every district one code, or name another column with code=.",
            ar=f"رموز الملف {name} (العمود «{named}») ناقصة أو مكررة.",
        )
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]


def outlines_of(shapes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Districts merged into governorates, named as the project names them: ``code, en, ar, geometry``."""
    merged = shapes[["governorate", "geometry"]].dissolve(by="governorate", as_index=False)
    named = {place.code: place for place in governorates()}
    return gpd.GeoDataFrame(
        {"code": merged["governorate"], "en": [named[code].en for code in merged["governorate"]],
         "ar": [named[code].ar for code in merged["governorate"]]},
        geometry=merged.geometry, crs=shapes.crs,
    )  # fmt: skip


def matched(shapes: gpd.GeoDataFrame, labels: dict[Any, str]) -> dict[Any, Any]:
    """Code of an area → code of its shape: the same code, else the same Arabic name.

    Parameters
    ----------
    shapes : GeoDataFrame
        As from `districts`.
    labels : dict
        Code of each area → its Arabic label.

    Raises
    ------
    DataError
        Naming the areas that have no shape, and the shapes none of them took.
    """
    known = set(shapes["code"])
    by_name = {fold_name(name): code for name, code in zip(shapes["ar"], shapes["code"], strict=True)}
    found = {
        area: area if area in known else by_name.get(fold_name(_AR_KIND.sub("", label.strip())))
        for area, label in labels.items()
    }  # fmt: skip
    lost = [labels[area] for area, code in found.items() if code is None]
    if lost:
        taken = set(found.values())
        left = [name for name, code in zip(shapes["ar"], shapes["code"], strict=True) if code not in taken]
        raise DataError(
            f"{len(lost)} areas have no shape: {', '.join(map(str, lost[:8]))}. Shapes left over: {', '.join(left[:8])}.",
            remedy="Give both the same codes (places.districts(path, code=...)) or the same Arabic names.",
            ar=f"لا شكل على الخريطة لهذه المناطق: {'، '.join(map(str, lost[:8]))}؛ وحّد الرموز أو الأسماء العربية.",
        )
    return found
