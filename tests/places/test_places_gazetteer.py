"""Governorates and regions by code and name, in both languages and any usual spelling."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research import places
from masar_research.errors import DataError, ParameterError
from masar_research.places.gazetteer import fold_name


def test_twelve_governorates_whose_region_is_the_first_digit() -> None:
    found = places.governorates()
    assert [p.code for p in found] == [11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34]
    assert all(p.region.code == p.code // 10 for p in found)
    assert all(p.pcode == f"JO{p.code}" for p in found)
    assert len({p.iso for p in found}) == 12
    assert [(r.code, r.en, r.ar) for r in places.regions()] == [
        (1, "Middle", "الوسط"), (2, "North", "الشمال"), (3, "South", "الجنوب")]  # fmt: skip


def test_the_census_adds_up_and_says_which_figures_were_recalled() -> None:
    found = places.governorates()
    assert sum(p.census2015 for p in found) == 9_531_712
    recalled = {p.en for p in found if p.census_status == "recalled, unverified"}
    assert recalled == {"Amman", "Irbid", "Zarqa"}
    assert {p.census_status for p in found} == {"recalled, unverified", "found"}


@pytest.mark.parametrize("place", places.governorates(), ids=lambda p: p.en)
def test_every_code_name_and_variant_finds_its_governorate(place: places.Governorate) -> None:
    texts = [place.code, float(place.code), str(place.code), place.iso, place.iso.lower(), place.pcode]
    texts += [place.en, place.en.upper(), f"{place.en} Governorate", f"Governorate of {place.en}"]
    texts += [place.ar, f"محافظة {place.ar}", f"  {place.ar} ", *place.variants]
    assert {places.match(text) for text in texts} == {place.code}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Jerash", 23), ("Jarash", 23), ("Ajloun", 24), ("Tafilah", 32), ("Tafileh", 32),
        ("At-Tafilah", 32), ("Ma’an", 33), ("Maan", 33), ("Az-Zarqa'", 13), ("عمّان", 11),
        ("اربد", 21), ("أربد", 21), ("الطفيله", 32), ("العقبه", 34), ("مأدبا", 14),
        ("الـعـقـبـة", 34), ("مُعان", 33), ("٢١", 21), ("\u200fجرش\u200e", 23), ("الزرقا", 13),
    ],
)  # fmt: skip
def test_awkward_spellings(text: str, code: int) -> None:
    assert places.match(text) == code


@settings(max_examples=80, deadline=None)
@given(
    place=st.sampled_from(places.governorates()),
    marks=st.lists(st.sampled_from(["\u064b", "\u064e", "\u0651", "\u0640", "\u200f"]), max_size=6),
    seed=st.integers(0, 1000),
)
def test_marks_and_letter_forms_do_not_matter(place, marks, seed) -> None:
    name = place.ar
    for step, mark in enumerate(marks):
        at = 1 + (seed + step) % len(name)
        name = name[:at] + mark + name[at:]
    swapped = name.replace("ة", "ه").replace("إ", "ا")
    assert places.match(name) == places.match(swapped) == place.code


@given(st.text(max_size=12))
@settings(max_examples=80, deadline=None)
def test_folding_is_idempotent_on_what_it_keeps(text: str) -> None:
    once = fold_name(text)
    assert once == once.strip()
    assert fold_name(f" {text} ") == once


def test_an_unknown_place_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="Jarash") as caught:
        places.match("Jrash")
    assert "جرش" in str(caught.value)
    for text in ("Beirut", "", "99", "Amman and Zarqa", "الوسط"):
        with pytest.raises(DataError, match="not a governorate"):
            places.match(text)


@pytest.mark.parametrize("text", ["JO", "jo", "Jordan", "الأردن", "الاردن"])
def test_the_whole_country(text: str) -> None:
    found = places.geography(text)
    assert (found.level, found.code, found.where) == ("country", "JO", None)
    assert found.names["ar"] == "الأردن"


@pytest.mark.parametrize(
    ("text", "code"),
    [("R1", 1), ("Middle", 1), ("الوسط", 1), ("إقليم الوسط", 1), ("north", 2), ("اقليم الشمال", 2),
     ("South region", 3), ("r3", 3)],
)  # fmt: skip
def test_regions(text: str, code: int) -> None:
    found = places.geography(text)
    assert (found.level, found.code, found.where) == ("region", f"R{code}", f"region == {code}")
    assert found.names["ar"].startswith("إقليم ")


@pytest.mark.parametrize("text", ["31", "JO-KA", "JO31", "Karak", "Kerak", "محافظة الكرك"])
def test_governorates_as_geography(text: str) -> None:
    found = places.geography(text)
    assert (found.level, found.code, found.where) == ("governorate", "31", "governorate == 31")
    assert dict(found.names) == {"en": "Karak", "ar": "الكرك"}
    assert places.geography(found) is found


def test_an_unknown_geography_lists_what_there_is() -> None:
    with pytest.raises(ParameterError) as caught:
        places.geography("Atlantis")
    for expected in ("JO", "R2 North الشمال", "24 Ajlun عجلون", "Atlantis"):
        assert expected in str(caught.value)


def test_a_missing_reference_file_says_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    with pytest.raises(DataError, match="data/reference/governorates.csv"):
        places.governorates()


SPELLINGS = {
    11: "Amman|‘Ammān|'Amman|Al ‘Āşimah|Al-'Asimah|Capital|Capital Governorate|Amman Governorate|Governorate of Amman|AMMAN|Greater Amman|"
    "Amman (Capital)|العاصمة|العاصمه|محافظة العاصمة|محافظه العاصمه|عمّان|عمان|عَمَّان|محافظة عمان|العاصمة عمان|العاصمة (عمان)|عمان/العاصمة|11 - Amman|JO11|11.0",
    12: "Balqa|Al Balqā’|Al-Balqa'|El Balqa|Balqaa|Balka|Salt|As-Salt|البلقاء|البلقا|بلقاء|محافظة البلقاء|محافظه البلقاء|السلط|JO-BA",
    13: "Zarqa|Az Zarqā'|Az-Zarqa|Al-Zarqa|Zarka|Zerqa|Ez Zarqa|الزرقاء|الزرقا|زرقاء|محافظة الزرقاء|13. الزرقاء",
    14: "Madaba|Mādabā|Ma'daba|مادبا|مأدبا|مأدبة|محافظة مادبا|محافظة مأدبا",
    21: "Irbid|Irbed|Arbid|إربد|اربد|أربد|إربــد|محافظة إربد|محافظة اربد|١ - إربد|٢١",
    22: "Mafraq|Al Mafraq|Al-Mafraq|El-Mafraq|Mafrak|المفرق|مفرق|محافظة المفرق",
    23: "Jarash|Jerash|Jarāsh|Jerash Governorate|جرش|محافظة جرش|جَرَش",
    24: "Ajlun|Ajloun|‘Ajlūn|'Ajlun|Ajlon|عجلون|محافظة عجلون",
    31: "Karak|Al Karak|Al-Karak|Kerak|El Kerak|الكرك|كرك|محافظة الكرك|الکرک",
    32: "Tafilah|Aţ Ţafīlah|At-Tafilah|Tafiela|Tafila|Tafileh|Al-Tafilah|Tafielah|الطفيلة|الطفيله|طفيلة|محافظة الطفيلة|محافظه الطفيله",
    33: "Ma'an|Ma‘ān|Maan|Ma`an|Ma’an|MA'AN|معان|محافظة معان|مَعان",
    34: "Aqaba|Al ‘Aqabah|Al-Aqaba|Aqabah|Akaba|العقبة|العقبه|عقبة|محافظة العقبة|34/Aqaba",
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SPELLINGS.items() for text in texts.split("|")])
def test_official_boundary_and_field_spellings_give_one_code(code: int, text: str) -> None:
    assert places.match(text) == code
    assert places.match(unicodedata.normalize("NFD", text)) == code


def test_no_folded_spelling_belongs_to_two_governorates() -> None:
    owners: dict[str, set[int]] = {}
    for place in places.governorates():
        for name in (place.en, place.ar, *place.variants):
            owners.setdefault(fold_name(name), set()).add(place.code)
    assert all(len(codes) == 1 for codes in owners.values())


@pytest.mark.parametrize("text", ["12 - Amman", "Amman (Irbid)", "إربد/جرش", "11 Beirut", "Amman, Jordan Street", "()", "1", "-", "ال"])
def test_parts_that_disagree_name_no_governorate(text: str) -> None:
    with pytest.raises(DataError):
        places.match(text)


@pytest.mark.skipif(not os.environ.get("MASAR_REAL_DATA"), reason="jordan_boundaries: MASAR_REAL_DATA is not set")
def test_every_name_of_the_boundary_file_gives_one_code_per_row() -> None:
    import geopandas as gpd

    rows = gpd.read_file(Path(os.environ["MASAR_REAL_DATA"]) / "jordan_boundaries" / "gov_simpl_20m.gpkg")
    columns = ["alt_name_e", "name", "name_ar", "name_en", "official_n"]
    found = [{places.match(text) for text in row if isinstance(text, str)} for row in rows[columns].itertuples(index=False)]
    assert all(len(codes) == 1 for codes in found) and len(set.union(*found)) == 12
