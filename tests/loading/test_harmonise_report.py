"""A harmonised value goes back to the file; the report counts what became what and finds what does not add up."""

import dataclasses
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from masar_research.errors import CardError, DataError
from masar_research.loading import harmonisation_report, load, raw_rows, read_card, source_of
from masar_research.loading.harmonisation import _counts
from masar_research.survey import Survey

T = "{en: A, ar: ب}"
FRONT = f"""\
study: small
title: {{en: Small, ar: صغير}}
population: {{en: Adults, ar: بالغون, nationality: all_residents, age_min: 15}}
design: {{weights: w, clustered: false, note: {T}}}
select: "country == 8"
disclosure: {{strategy: {T}, sponsor: {T}, tools: {T}, population: {T}, sample: {T}, mode: {T}, processing: {T}, limitations: {T}}}
lacks:
  - {{variable: wealth5, reason: {{en: No assets., ar: لا أصول.}}}}
"""
VARIABLES = f"""\
variables:
  w: {{from: w, level: numeric, label: {T}}}
  sex:
    from: q1
    label: {{en: Sex, ar: الجنس}}
    codes: {{1: {{en: Male, ar: ذكر}}, 2: {{en: Female, ar: أنثى}}}}
    recode: {{m: 1, M: 1, f: 2}}
    missing: {{x: refused}}
    waves: {{2026: {{from: gender}}}}
  age: {{from: age, level: numeric, label: {T}, missing: {{99: refused}}}}
  age_adult:
    bands: {{of: age, starts: [18, 30, 50]}}
    label: {T}
    codes: {{1: {{en: 18–29, ar: 18–29}}, 2: {{en: 30–49, ar: 30–49}}, 3: {{en: 50+, ar: 50 فأكثر}}}}
  old_woman:
    cases: [{{code: 1, when: "sex == 2 and age_adult == 3"}}, {{code: 0, when: "sex == 1"}}]
    label: {T}
    codes: {{0: {{en: 'No', ar: لا}}, 1: {{en: 'Yes', ar: نعم}}}}
  pays:
    from: pays
    label: {T}
    codes: {{1: {{en: 'Yes', ar: نعم}}, 2: {{en: 'No', ar: لا}}}}
    universe: "sex == 1"
    waves: {{2024: {{not_asked: true}}}}
"""
WAVES = {
    2024: {"country": [8, 8, 8, 1, 8, 8], "q1": ["m", "M", "f", "f", "x", "f"], "age": [18, 30, 55, 40, 99, 20]},
    2026: {"country": [1, 8, 8, 8], "gender": ["m", "f", "m", "m"], "age": [20, 60, 49, 29], "pays": [1, 1, 2, 1]},
}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    monkeypatch.delenv("MASAR_REAL_DATA", raising=False)


@pytest.fixture
def card(tmp_path):
    lines = [FRONT + "waves:"]
    for wave, columns in WAVES.items():
        pd.DataFrame(columns).assign(w=1).to_csv(tmp_path / f"d{wave}.csv", index=False)
        lines.append(f"  {wave}: {{file: d{wave}.csv, fieldwork: {{note: {T}}}}}")
    path = tmp_path / "small.yml"
    path.write_text("\n".join([*lines, VARIABLES]), encoding="utf-8")
    return read_card(path)


def test_codes_go_back_to_the_columns_of_each_wave(card):
    source = source_of(load(card), "sex")
    assert source.columns == {2024: ("q1",), 2026: ("gender",)}
    women = source.of(2.0)
    assert women[["wave", "source", "raw", "n"]].values.tolist() == [[2024, "q1", "f", 2], [2026, "gender", "f", 1]]
    assert set(source.of(1.0)["raw"]) == {"m", "M"}
    refused = source.table[source.table["meaning"] == "refused"]
    assert refused["raw"].tolist() == ["x"] and refused["n"].tolist() == [1]
    assert source.table["n"].sum() == 8


def test_a_derived_variable_goes_back_through_all_between(card):
    source = source_of(load(card), "old_woman")
    assert source.columns == {2024: ("age", "q1"), 2026: ("age", "gender")}
    assert source.of(1.0)[["raw", "n"]].values.tolist() == [["55 × f", 1], ["60 × f", 1]]


def test_rows_hold_their_raw_codes_and_their_place_in_the_file(card):
    survey = load(card)
    rows = raw_rows(survey, "sex")
    assert rows["row of the file"].tolist() == [0, 1, 2, 4, 5, 1, 2, 3]
    assert rows["q1"].tolist()[:5] == ["m", "M", "f", "x", "f"] and rows["gender"].tolist()[5:] == ["f", "m", "m"]
    assert rows["sex"].equals(survey.frame["sex"]) and rows["wave"].tolist() == [2024] * 5 + [2026] * 3
    back = {"m": 1.0, "M": 1.0, "f": 2.0}
    raw = rows["q1"].fillna(rows["gender"])
    assert all(back[code] == value for code, value in zip(raw, rows["sex"]) if code in back)
    # a column that bears the variable's own name
    assert raw_rows(survey, "age")["age (file)"].tolist() == [18, 30, 55, 99, 20, 60, 49, 29]


def test_the_same_from_the_survey(card):
    survey = load(card, wave=2026)
    assert survey.source_of("sex").columns == {2026: ("gender",)}
    assert len(survey.raw_rows("sex")) == 3
    report = survey.harmonisation()
    assert report.rows == {2026: 3} and set(report.codes["wave"]) == {2026}
    assert (report.indicators["status"] == "lacks").any()


def test_what_cannot_be_traced_is_said(card):
    survey = load(card)
    with pytest.raises(DataError, match="not a variable of the card"):
        source_of(survey, "sexx")
    bare = Survey(pd.DataFrame({"w": [1.0, 2.0]}), weights="w")
    with pytest.raises(DataError, match="not loaded from a card"):
        source_of(bare, "w")
    with pytest.raises(DataError, match="not loaded from a card"):
        bare.harmonisation()


def test_the_report_accounts_for_every_row_and_names_what_has_no_place(card):
    report = harmonisation_report(card)
    for (_, wave), part in report.codes.groupby(["variable", "wave"]):
        assert part["n"].sum() == report.rows[wave] == {2024: 5, 2026: 3}[wave]
    found = Counter((r.kind, r.variable, r.wave) for r in report.remarks)
    # a known young woman: no case of old_woman fits her
    assert found[("unmapped", "old_woman", 2024)] == 1 and [r.n for r in report.errors] == [1]
    assert ("outside", "pays", 2026) in found
    with pytest.raises(CardError, match="no case fits 1 rows") as caught:
        report.raise_errors()
    assert "إجابات بلا رمز" in caught.value.ar
    # errors come first
    assert report.remarks[0].is_error and not report.remarks[-1].is_error


def test_a_count_that_does_not_add_up_is_an_error():
    seen = []
    recoded = pd.DataFrame({"before": [1.0, 2.0], "n": [3, 1]})
    list(_counts(lambda kind, en, ar, n: seen.append((kind, en, n)), list(recoded.itertuples()), pd.Series([1.0, 1.0, 2.0, 2.0])))
    assert seen == [
        ("count", "1.0 stands in 2 rows of the file and was recoded in 3", 1),
        ("count", "2.0 stands in 2 rows of the file and was recoded in 1", 1),
    ]


def test_what_the_survey_has_and_lacks(card):
    frame = harmonisation_report(card).frame.set_index("name")
    assert frame.loc["sex", "status"] == "has" and frame.loc["sex", "answered"] == 7
    assert frame.loc["wealth5", ["status", "reason_en", "reason_ar"]].tolist() == ["lacks", "No assets.", "لا أصول."]
    assert frame.loc["age_labour", "reason_en"] == "The card makes no bands of age."
    assert (frame["reason_ar"] != "")[frame["status"] == "lacks"].all()


def test_a_refusal_that_is_kept_as_an_answer_is_pointed_out(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q": [1.0, 2.0, 8.0, 9.0], "w": 1.0, "country": 8.0})
    labels = {"q": {1: "Yes", 2: "No", 8: "Don't know", 9: "Refused", 7: "Maybe"}}
    pyreadstat.write_sav(frame, tmp_path / "d.sav", variable_value_labels=labels)
    codes = "codes: {1: {en: 'Yes', ar: نعم}, 2: {en: 'No', ar: لا}, 8: {en: Eight, ar: ثمانية}}"
    text = f"{FRONT}waves: {{1: {{file: d.sav, fieldwork: {{note: {T}}}}}}}\nvariables:\n  w: {{from: w, level: numeric, label: {T}}}\n"
    (tmp_path / "c.yml").write_text(text + f"  x: {{from: q, label: {T}, {codes}, missing: {{9: refused}}}}\n", encoding="utf-8")
    remarks = {r.kind: r.detail["en"] for r in harmonisation_report(tmp_path / "c.yml").remarks}
    assert remarks == {"kept": "8 Don't know", "unused": "7 Maybe"}


def test_pages_in_both_languages(card, tmp_path):
    report = harmonisation_report(card)
    arabic, english = (report.to_html(lang, tmp_path / f"r.{lang}.html") for lang in ("ar", "en"))
    assert '<html lang="ar" dir="rtl">' in arabic and '<html lang="en" dir="ltr">' in english
    assert "ما الذي صار إليه كل رمز" in arabic and "What became what" in english
    assert '<code><bdi dir="ltr">gender</bdi></code>' in arabic and "أنثى" in arabic
    assert (tmp_path / "r.ar.html").read_text(encoding="utf-8") == arabic == report.to_html("ar")
    assert "http" not in arabic.replace("http-equiv", "") and "<script" not in arabic
    hostile = dataclasses.replace(report, title=type(report.title)("<b>x</b>", "<b>س</b>"))
    assert "<b>" not in hostile.to_html("ar") and "&lt;b&gt;" in hostile._repr_html_()
    with pytest.raises(DataError):
        report.to_html("fr")


def test_many_values_are_told_as_ranges_and_many_combinations_as_one_line(tmp_path):
    numbers = np.arange(400)
    frame = pd.DataFrame({"a": numbers % 20, "b": numbers // 20, "c": numbers, "w": 1, "country": 8})
    frame.to_csv(tmp_path / "d.csv", index=False)
    body = f"""\
waves: {{1: {{file: d.csv, fieldwork: {{note: {T}}}}}}}
variables:
  w: {{from: w, level: numeric, label: {T}}}
  wide: {{cases: [{{code: 1, when: "c < 100"}}, {{code: 0, otherwise: true}}], label: {T}, codes: {{0: {T}, 1: {T}}}}}
  both: {{cases: [{{code: 1, when: "a > b"}}, {{code: 0, otherwise: true}}], label: {T}, codes: {{0: {T}, 1: {T}}}}}
"""
    (tmp_path / "c.yml").write_text(FRONT + body, encoding="utf-8")
    survey = load(tmp_path / "c.yml")
    assert source_of(survey, "wide").table[["raw", "code", "n"]].values.tolist() == [["100..399", 0, 300], ["0..99", 1, 100]]
    assert source_of(survey, "both").table[["source", "n"]].values.tolist() == [["a × b", 210], ["a × b", 190]]


def test_what_people_wrote_is_counted_and_never_listed(tmp_path):
    frame = pd.DataFrame({"said": ["Huda lives here", "7.10", None], "day": ["2026-03-01", "2026-03-02", "2026-03-04"], "w": 1, "country": 8})
    frame.to_csv(tmp_path / "d.csv", index=False)
    body = f"""\
waves: {{1: {{file: d.csv, fieldwork: {{note: {T}}}}}}}
variables:
  w: {{from: w, level: numeric, label: {T}}}
  said: {{from: said, level: text, label: {T}}}
  day: {{from: day, level: date, label: {T}}}
"""
    (tmp_path / "c.yml").write_text(FRONT + body, encoding="utf-8")
    report = harmonisation_report(tmp_path / "c.yml")
    assert "Huda" not in report.to_html("ar") + report.codes.to_csv()
    day = report.codes[report.codes["variable"] == "day"]
    assert day[["raw", "n"]].values.tolist() == [["(3)", 3]]
    said = report.codes[report.codes["variable"] == "said"]
    assert sorted(said["n"]) == [1, 2] and "(blank)" in set(said["raw"])
