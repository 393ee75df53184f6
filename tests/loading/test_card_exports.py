"""Cards that read exports: columns set aside as personal, versions of a form, decimal signs, zips."""

import zipfile

import openpyxl
import pytest

from masar_research.errors import CardError, DataError
from masar_research.loading import load, read_card, read_wave

CARD = """study: field
synthetic: true
title: {{en: Field, ar: ميدان}}
notice: {{en: Invented., ar: مختلق.}}
population: {{en: Adults, ar: بالغون, nationality: all_residents, age_min: 18}}
design: {{weights: w, clustered: false, note: {{en: Simple., ar: بسيط.}}}}
waves:
  2026: {{{wave}, fieldwork: {{start: 2026-03-01, end: 2026-03-31}}}}
{select}variables:
  w: {{from: weight, level: numeric, label: {{en: W, ar: و}}}}
  x: {{{x}, label: {{en: X, ar: س}}}}
disclosure:
"""
CARD += "".join(
    f"  {item}: {{{{en: None, ar: لا شيء}}}}\n"
    for item in ("strategy", "sponsor", "tools", "population", "sample", "mode", "processing", "limitations")
)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def form(path, choices):
    book = openpyxl.Workbook()
    book.active.title = "survey"
    for row in (
        ["type", "name", "label::English (en)", "label::Arabic (ar)"], ["decimal", "weight", "Weight", "الوزن"],
        ["begin_group", "p", "P", "ش"], ["text", "phone", "Telephone number", "رقم الهاتف"], ["end_group", None, None, None],
        ["select_one k", "kind", "Kind", "النوع"],
    ):  # fmt: skip
        book.active.append(row)
    sheet = book.create_sheet("choices")
    for row in (["list_name", "name", "label::English (en)", "label::Arabic (ar)"], *choices):
        sheet.append(row)
    book.save(path)


@pytest.fixture
def folder(tmp_path):
    form(tmp_path / "v1.xlsx", [["k", 1, "Town", "مدينة"], ["k", 2, "Village", "قرية"]])
    form(tmp_path / "v2.xlsx", [["k", 1, "City", "مدن"], ["k", 2, "Village", "قرية"]])
    (tmp_path / "d.csv").write_text("weight;p/phone;kind\n1,5;0791234567;1\n2,25;0781234567;2\n0,5;0771234567;2\n")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.write(tmp_path / "d.csv", "d.csv")
    return tmp_path


def card(folder, wave="file: d.csv, form: v1.xlsx", x="from: kind, codes: {1: {en: Town, ar: مدينة}, 2: {en: Village, ar: قرية}}", select=""):
    path = folder / "card.yml"
    path.write_text(CARD.format(wave=wave, x=x, select=select), encoding="utf-8")
    return path


@pytest.mark.parametrize("x", ["from: phone, level: text", "combine: {columns: [weight, phone], by: product}", "compute: weight * phone"])
def test_a_card_that_reads_a_column_set_aside_is_told_how_to_keep_it(folder, x):
    with pytest.raises(CardError) as caught:
        load(card(folder, x=x))
    assert "'phone' of wave 2026 identifies people" in caught.value.what and "line 11" in caught.value.what
    assert "keep_personal: [phone] under wave 2026" in caught.value.remedy and "keep_personal: [phone]" in caught.value.ar


def test_a_selection_by_a_column_set_aside_too(folder):
    with pytest.raises(CardError, match="'phone' of the wave identifies people"):
        load(card(folder, select="select: phone != 'x'\n"))


def test_with_keep_personal_it_is_read_and_an_unknown_column_is_still_unknown(folder):
    kept = card(folder, "file: d.csv, form: v1.xlsx, keep_personal: [phone]", "from: phone, level: text")
    assert load(kept).frame["x"].tolist()[0] == "0791234567"
    with pytest.raises(CardError, match="has no column 'phon'") as caught:
        load(card(folder, x="from: phon, level: text"))
    assert "keep_personal" not in caught.value.remedy and "عمود باسم phon" in caught.value.ar


def test_versions_and_decisions_of_a_wave(folder):
    with pytest.raises(DataError, match="contradict"):
        load(card(folder, "file: d.csv, form: [v1.xlsx, v2.xlsx]"))
    study = read_card(card(folder, "file: d.csv, form: [v1.xlsx, v2.xlsx], decide: {kind: same}"))
    assert read_wave(study, 2026).codebook.category("kind", 1, "en") == "City"
    assert load(study).frame["x"].tolist() == [1, 2, 2]


def test_decimal_signs_and_zips_of_a_wave(folder):
    assert load(card(folder, "file: d.zip, form: v1.xlsx")).frame["w"].tolist() == [1.5, 2.25, 0.5]
    (folder / "d.csv").write_text("weight;kind\n1,500;1\n2,250;2\n")
    with pytest.raises(DataError, match="decimal="):
        load(card(folder))
    assert load(card(folder, 'file: d.csv, form: v1.xlsx, decimal: ","')).frame["w"].tolist() == [1.5, 2.25]
    assert load(card(folder, 'file: d.csv, form: v1.xlsx, decimal: {weight: "."}')).frame["w"].tolist() == [1500, 2250]
    with pytest.raises(CardError, match="decimal"):
        load(card(folder, 'file: d.csv, form: v1.xlsx, decimal: ";"'))
