"""Recodes as data: ranges, reversed scales, both edges of bands, waves that differ, the frame's vocabulary."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import masar_research as mr
from masar_research.errors import CardError, EstimationError
from masar_research.loading import load, read_card
from masar_research.loading.code_ranges import check_keys, span_of, spread
from masar_research.loading.standard_frame import standard_frame, strange_codes

T = "{en: A, ar: ب}"
FRONT = f"""\
study: small
title: {T}
population: {{en: Adults, ar: بالغون, nationality: all_residents, age_min: 15}}
design: {{weights: w, clustered: false, note: {T}}}
disclosure: {{strategy: {T}, sponsor: {T}, tools: {T}, population: {T}, sample: {T}, mode: {T}, processing: {T}, limitations: {T}}}
"""
SCALE = "codes: {1: {en: Never, ar: أبداً}, 2: {en: Often, ar: غالباً}, 3: {en: Always, ar: دائماً}}"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    monkeypatch.delenv("MASAR_REAL_DATA", raising=False)


def make(folder, variables, waves, more=""):
    lines = [FRONT, more, "waves:"]
    for wave, columns in waves.items():
        frame = pd.DataFrame(columns).assign(w=1)
        frame.to_csv(folder / f"d{wave}.csv", index=False)
        lines.append(f"  {wave}: {{file: d{wave}.csv, fieldwork: {{note: {T}}}}}")
    lines += ["variables:", f"  w: {{from: w, level: numeric, label: {T}}}", *[f"  {line}" for line in variables]]
    path = folder / "small.yml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def values(folder, variable, raw, name="x"):
    return load(make(folder, [variable], {2026: {"q": raw}})).frame[name].tolist()


def test_ranges_take_both_ends_and_leave_no_gap_unnoticed(tmp_path):
    card = f"x: {{from: q, label: {T}, {SCALE}, recode: {{'lowest..10': 1, '11..19': 2, '20..highest': 3}}}}"
    assert values(tmp_path, card, [-5, 10, 11, 19, 20, 1e6]) == [1, 1, 2, 2, 3, 3]
    with pytest.raises(CardError, match="10.5 in 1 rows"):
        values(tmp_path, card, [10, 10.5, 11])


def test_ranges_of_missing_codes(tmp_path):
    card = f"x: {{from: q, level: numeric, label: {T}, missing: {{'97..99': refused, 'lowest..-1': missing}}}}"
    survey = load(make(tmp_path, [card], {2026: {"q": [5, 97, 98, -7, 96, 100]}}))
    assert np.isnan(survey.values("x")).tolist() == [False, True, True, True, False, False]
    assert survey.codebook.missing_kinds("x") == {97.0: "refused", 98.0: "refused", -7.0: "missing"}


@pytest.mark.parametrize(
    "recode, words",
    [("{'1..3': 1, 2: 2}", "stands alone and within"), ("{'1..3': 1, '3..4': 2}", "overlap"), ("{'5..3': 1}", "backwards")],
)
def test_a_code_with_two_places_is_refused_before_a_file_is_read(tmp_path, recode, words):
    with pytest.raises(CardError, match=words):
        read_card(make(tmp_path, [f"x: {{from: q, label: {T}, {SCALE}, recode: {recode}}}"], {2026: {"q": [1]}}))


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30), st.integers(-50, 50), st.integers(0, 20))
def test_spread_agrees_with_comparison(numbers, low, width):
    column = pd.Series(numbers, dtype=float)
    found = spread({f"{low}..{low + width}": "in"}, column)
    assert set(found) == {float(x) for x in numbers if low <= x <= low + width}
    assert span_of(f"{low}..{low + width}") == (low, low + width)


@given(st.dictionaries(st.integers(0, 9).map(float), st.integers(0, 3), max_size=6))
def test_single_codes_are_never_touched(codes):
    assert check_keys(codes) == codes and spread(codes, pd.Series([1.0])) == codes


def test_a_range_does_not_swallow_what_the_file_declares_missing(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q": [1.0, 2.0, 9.0], "w": 1.0})
    pyreadstat.write_sav(frame, tmp_path / "d.sav", missing_ranges={"q": [9.0]}, variable_value_labels={"q": {9: "Refused"}})
    path = make(tmp_path, [f"x: {{from: q, label: {T}, {SCALE}, recode: {{'1..highest': 1}}}}"], {2026: {"q": [1]}})
    path.write_text(path.read_text(encoding="utf-8").replace("d2026.csv", "d.sav"), encoding="utf-8")
    survey = load(path)
    assert survey.frame["x"].tolist() == [1, 1, 9] and survey.codebook.missing_kinds("x") == {9.0: "refused"}


def test_a_reversed_scale_is_its_own_inverse(tmp_path):
    turned = f"x: {{from: q, level: ordinal, label: {T}, {SCALE}, reverse: true, missing: {{8: dont_know}}}}"
    assert values(tmp_path, turned, [1, 2, 3, 8]) == [3, 2, 1, 8]
    crooked = f"x: {{from: q, label: {T}, reverse: true, codes: {{1: {T}, 2: {T}, 5: {T}}}}}"
    with pytest.raises(CardError, match="evenly about their middle"):
        values(tmp_path, crooked, [1])
    both = f"x: {{from: q, label: {T}, {SCALE}, reverse: true, recode: {{1: 1}}}}"
    with pytest.raises(CardError, match="one of the two"):
        values(tmp_path, both, [1])


def test_bands_keep_both_outer_edges(tmp_path):
    """Silent error 24: the outer edge of a band dropped, and its rows with it."""
    age = f"age: {{from: q, level: numeric, label: {T}}}"
    bands = f"b: {{bands: {{of: age, starts: [15, 25], end: 30}}, label: {T}, codes: {{1: {T}, 2: {T}}}}}"
    survey = load(make(tmp_path, [age, bands], {2026: {"q": [14, 15, 24, 25, 30, 31]}}))
    assert survey.frame["b"].tolist() == [-9991, 1, 1, 2, 2, -9991]


def test_a_wave_with_its_own_codes_direction_and_wording(tmp_path):
    card = (
        f"x: {{from: q, level: ordinal, label: {T}, {SCALE}, waves: {{2026: {{reverse: true, question: {T}, "
        "break: {en: 'The scale was turned round.', ar: 'قُلب المقياس.'}}}}"
    )
    survey = load(make(tmp_path, [card], {2024: {"q": [1, 2, 3, 3]}, 2026: {"q": [1, 1, 2, 3]}}))
    assert survey.frame["x"].tolist() == [1, 2, 3, 3, 3, 3, 2, 1]
    shares = survey.mean("x", by="wave")
    assert shares.note["breaks"] == {2026: {"en": "The scale was turned round.", "ar": "قُلب المقياس."}}
    assert "قُلب المقياس." in "\n".join(shares.note.lines("ar"))
    with pytest.raises(EstimationError, match="breaks at wave 2026") as caught:
        shares.trend()
    assert "قُلب المقياس" in caught.value.ar
    assert len(shares.trend(across_breaks=True).slope) == 1
    assert "breaks" not in survey.mean("x").note


def test_a_break_is_inherited_and_named_once(tmp_path):
    asked = f"q: {{from: q, label: {T}, {SCALE}, waves: {{2026: {{break: {{en: Changed., ar: تغيّر.}}}}}}}}"
    derived = f"d: {{cases: [{{code: 1, when: 'q == 3'}}, {{code: 0, otherwise: true}}], label: {T}, codes: {{0: {T}, 1: {T}}}}}"
    again = f"e: {{cases: [{{code: 1, when: 'd == 1 and q == 3'}}, {{code: 0, otherwise: true}}], label: {T}, codes: {{0: {T}, 1: {T}}}}}"
    card = read_card(make(tmp_path, [asked, derived, again], {2024: {"q": [1]}, 2026: {"q": [3]}}))
    assert {wave: dict(why) for wave, why in card.breaks(["e"]).items()} == {2026: {"en": "Changed.", "ar": "تغيّر."}}
    assert card.breaks(["w", "nothing"]) == {} and card.ingredients(["e"]) == ["e", "d", "q"]


def test_waves_after_the_break_are_compared(tmp_path):
    card = f"x: {{from: q, label: {T}, {SCALE}, level: ordinal, waves: {{2024: {{break: {T}}}}}}}"
    path = make(tmp_path, [card], {2022: {"q": [1, 2]}, 2024: {"q": [1, 3]}, 2026: {"q": [2, 3]}})
    change = load(path).mean("x", by="wave").contrast("2026 - 2024", over="wave")
    assert change.frame["estimate"].tolist() == [0.5] and 2024 in change.note["breaks"]


def test_the_frame_has_one_vocabulary(tmp_path):
    frame = standard_frame()
    assert set(frame["governorate"].codes) == {11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34}
    assert sorted(level for levels in frame["education"].isced.values() for level in levels) == list(range(9))
    assert all(words["en"] and words["ar"] for v in frame.values() for words in (v.label, *v.codes.values()))
    swapped = f"sex: {{from: q, label: {T}, codes: {{1: {{en: Female, ar: أنثى}}, 2: {{en: Male, ar: ذكر}}}}}}"
    with pytest.raises(CardError, match="which is code 2 of the frame"):
        read_card(make(tmp_path, [swapped], {2026: {"q": [1]}}))
    other = f"marital: {{from: q, label: {T}, codes: {{7: {T}}}}}"
    with pytest.raises(CardError, match="code 7 is not in the frame"):
        read_card(make(tmp_path, [other], {2026: {"q": [1]}}))
    assert list(strange_codes("sex", {1: {"en": "Men", "ar": "رجال"}})) == []


def test_every_card_of_the_project_follows_the_frame():
    from masar_research.loading.places_of_files import home

    cards = sorted((home() / "data" / "surveys").glob("*.yml"))
    assert len(cards) >= 5
    for path in cards:
        card = read_card(path)
        for name, variable in card.variables.items():
            assert not list(strange_codes(name, variable.codes)), (path.name, name)
        assert mr.loading.SurveyCard is type(card) and not card.draft
