"""The twelve governorates and three regions of Jordan: codes, names, and finding them by name."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from masar_research.codebook import fold
from masar_research.errors import DataError, ParameterError
from masar_research.loading.places_of_files import home

_AR_PREFIX = re.compile(r"^(?:محافظه|اقليم|منطقه)\s+")
_EN_AROUND = re.compile(r"^(?:governorate of|the)\s+|\s+(?:governorate|region|province|gov\.?)$")
_EN_ARTICLE = re.compile(r"^(?:al|az|at|ash|as|ad|ar|el|ez|et|es)[\s-]+")
_AR_ARTICLE = re.compile(r"^ال(?=\w{3})")
_NUMBERED = re.compile(r"^(\d{1,3})\s*[-–—.:)،,]?\s*(?=[^\W\d])")
_PARTS = re.compile(r"\s*[()\[\]/،,|]\s*|\s+[-–—]\s+")

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


def fold_name(text: str) -> str:
    """A name of a place as it is matched: letters folded, «محافظة», "Governorate" and the article off.

    Examples
    --------
    >>> fold_name("محافظة الطفيلة") == fold_name("الطفيله"), fold_name("Al-Karak Governorate")
    (True, 'karak')
    """
    folded = re.sub(r"['‘`ʿʾ]", "", fold(text)).strip()
    folded = _EN_AROUND.sub("", _AR_PREFIX.sub("", folded))
    return _AR_ARTICLE.sub("", _EN_ARTICLE.sub("", folded)).strip()


def codes_of(place: Governorate) -> frozenset[str]:
    """The folded codes that name a governorate whatever the language."""
    return frozenset({str(place.code), place.iso.casefold(), place.pcode.casefold()})


@lru_cache(maxsize=4)
def _index(places: tuple[Governorate, ...]) -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for place in places:
        names = {fold_name(name) for name in (place.en, place.ar, *place.variants)}
        for name in names | codes_of(place):
            found.setdefault(name, set()).add(place.code)
    return MappingProxyType({name: frozenset(codes) for name, codes in found.items()})


def match(text: str | int | float) -> int:
    """The code of the governorate a text names.

    Parameters
    ----------
    text : str or number
        A code (11), ISO code (``JO-AM``), P-code (``JO11``) or a name in Arabic or English,
        in any usual spelling, with or without «محافظة» or "Governorate"; two names of one place, or its
        code and its name, may stand together: ``11 - Amman``, «العاصمة (عمان)».

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
    codes = known.get(_key(text), frozenset()) or _of_parts(str(text), known)
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


def _of_parts(text: str, known: Mapping[str, frozenset[int]]) -> frozenset[int]:
    """What the parts of a text name, where all of them name one place; a number that is no code may stand before."""
    numbered = _NUMBERED.match(fold(text))
    number = known.get(numbered[1], frozenset()) if numbered else frozenset()
    rest = fold(text)[numbered.end() :] if numbered else text
    parts = [part for part in _PARTS.split(rest) if part.strip()]
    found = [known.get(fold_name(part), frozenset()) for part in parts]
    if not found or not all(found) or (numbered is None and len(found) < 2):
        return frozenset()
    return frozenset.intersection(*found, *([number] if number else []))


def _key(text: str | int | float) -> str:
    if isinstance(text, float) and text.is_integer():
        text = int(text)
    return fold_name(re.sub(r"^(\d+)\.0$", r"\1", str(text).strip()))


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
    if key in ("jo", "jordan", fold_name("الأردن")):
        return Geography("country", "JO", MappingProxyType({"en": "Jordan", "ar": "الأردن"}), None)
    for region in regions():
        if key in (region.key.casefold(), fold_name(region.en), fold_name(region.ar)):
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
