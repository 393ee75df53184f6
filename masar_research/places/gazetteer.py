"""The twelve governorates and three regions of Jordan: codes, names, and finding them by name."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from masar_research.errors import DataError, ParameterError
from masar_research.loading.places_of_files import home
from masar_research.places.folding import fold

Level = Literal["country", "region", "governorate"]


@dataclass(frozen=True, slots=True)
class Region:
    """A region: ``code`` 1–3 (first digit of its governorates' codes) and names."""

    code: int
    en: str
    ar: str

    @property
    def key(self) -> str:
        return f"R{self.code}"


@dataclass(frozen=True, slots=True)
class Governorate:
    """A governorate.

    Attributes
    ----------
    code : int
        Department of Statistics code, 11–34.
    iso, pcode : str
        ISO 3166-2 (``JO-AM``) and ``JO`` + code (not an official OCHA file).
    en, ar : str
        Department of Statistics spelling.
    variants : tuple of str
    region : Region
    census2015 : int
        Persons; `census_status` says whether the figure was found or recalled.
    """

    code: int
    iso: str
    pcode: str
    en: str
    ar: str
    variants: tuple[str, ...]
    region: Region
    census2015: int
    census_status: str


@dataclass(frozen=True, slots=True)
class Geography:
    """A place a brief can be about.

    Attributes
    ----------
    level : {"country", "region", "governorate"}
    code : str
        ``JO``, ``R1`` … ``R3``, or the governorate code ``11`` … ``34``.
    names : mapping
        ``{"en": ..., "ar": ...}``.
    where : str or None
        The expression that selects its people; None for the whole country.
    """

    level: Level
    code: str
    names: Mapping[str, str]
    where: str | None


def reference(name: str) -> Path:
    """The path of a file of ``data/reference/``.

    Raises
    ------
    DataError
        If it is not there.
    """
    path = home() / "data" / "reference" / name
    if not path.is_file():
        raise DataError(
            f"The reference file data/reference/{name} is not there.",
            remedy="Restore it from the repository, or point MASAR_HOME at the project's folder.",
            ar=f"الملف المرجعي data/reference/{name} غير موجود.",
        )
    return path


def governorates() -> tuple[Governorate, ...]:
    """The twelve governorates, in the order of their codes."""
    return _read(reference("governorates.csv"))


def regions() -> tuple[Region, ...]:
    """The three regions, in the order of their codes."""
    return tuple(sorted({g.region for g in governorates()}, key=lambda region: region.code))


@lru_cache(maxsize=4)
def _read(path: Path) -> tuple[Governorate, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Governorate(
            code=int(row["code"]), iso=row["iso"], pcode=row["pcode"], en=row["en"], ar=row["ar"],
            variants=tuple(part.strip() for part in row["variants"].split("|") if part.strip()),
            region=Region(int(row["region"]), row["region_en"], row["region_ar"]),
            census2015=int(row["census2015"]), census_status=row["census2015_status"],
        )
        for row in rows
    )  # fmt: skip


def codes_of(place: Governorate) -> frozenset[str]:
    """The folded codes that name a governorate whatever the language."""
    return frozenset({str(place.code), place.iso.casefold(), place.pcode.casefold()})


@lru_cache(maxsize=4)
def _index(places: tuple[Governorate, ...]) -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for place in places:
        names = {fold(name) for name in (place.en, place.ar, *place.variants)}
        for name in names | codes_of(place):
            found.setdefault(name, set()).add(place.code)
    return MappingProxyType({name: frozenset(codes) for name, codes in found.items()})


def match(text: str | int | float) -> int:
    """The code of the governorate a text names.

    Parameters
    ----------
    text : str or number
        A code (11), ISO code (``JO-AM``), P-code (``JO11``) or a name in Arabic or English,
        in any usual spelling, with or without «محافظة» or "Governorate".

    Raises
    ------
    DataError
        If it names none or more than one; the message offers the nearest.

    Examples
    --------
    >>> match("محافظة مأدبا"), match("Jerash"), match("JO-MN"), match(11)
    (14, 23, 33, 11)
    """
    known = _index(governorates())
    codes = known.get(_key(text), frozenset())
    if len(codes) == 1:
        return next(iter(codes))
    names = {place.code: place for place in governorates()}
    near = [code for name in difflib.get_close_matches(_key(text), known, n=6, cutoff=0.5) for code in known[name]]
    offered = [names[code] for code in dict.fromkeys(codes or near)] or list(governorates())
    listed = "، ".join(f"{place.ar} ({place.code})" for place in offered)
    said = "names more than one governorate" if codes else "is not a governorate of Jordan"
    raise DataError(
        f"{text!r} {said}.",
        remedy="Nearest: " + ", ".join(f"{p.en} ({p.code}, {p.iso})" for p in offered) + ".",
        ar=f"«{text}» ليس اسماً معروفاً لمحافظة. الأقرب: {listed}.",
    )


def _key(text: str | int | float) -> str:
    if isinstance(text, float) and text.is_integer():
        text = int(text)
    return fold(str(text))


def geography(text: str | Geography) -> Geography:
    """The place a brief's ``geography`` parameter names.

    Parameters
    ----------
    text : str
        ``JO`` (or Jordan, الأردن); a region: ``R1``, ``Middle``, ``الوسط``, «إقليم الوسط»; or
        a governorate by code, ISO code, P-code or name.

    Raises
    ------
    ParameterError
        If it names no place; the message lists all there are.

    Examples
    --------
    >>> geography("الوسط").where
    'region == 1'
    >>> geography("JO-KA").names["en"]
    'Karak'
    """
    if isinstance(text, Geography):
        return text
    key = _key(text)
    if key in ("jo", "jordan", fold("الأردن")):
        return Geography("country", "JO", MappingProxyType({"en": "Jordan", "ar": "الأردن"}), None)
    for region in regions():
        if key in (region.key.casefold(), fold(region.en), fold(region.ar)):
            names = MappingProxyType({"en": f"{region.en} region", "ar": f"إقليم {region.ar}"})
            return Geography("region", region.key, names, f"region == {region.code}")
    codes = _index(governorates()).get(key, frozenset())
    if len(codes) != 1:
        raise _unknown(text)
    place = next(p for p in governorates() if p.code in codes)
    names = MappingProxyType({"en": place.en, "ar": place.ar})
    return Geography("governorate", str(place.code), names, f"governorate == {place.code}")


def _unknown(text: str) -> ParameterError:
    wide = "; ".join(f"{region.key} {region.en} {region.ar}" for region in regions())
    local = "; ".join(f"{place.code} {place.en} {place.ar}" for place in governorates())
    return ParameterError(
        f"geography={text!r} names no place of Jordan.",
        remedy=f"Use JO for the whole country, or one of: {wide}; {local}.",
        ar=f"المكان «{text}» غير معروف. استعمل JO أو أحد الأقاليم أو المحافظات المذكورة.",
    )
