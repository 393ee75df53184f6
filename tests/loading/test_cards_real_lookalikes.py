"""The traps of real files, on files made here: what a partner without those files can check."""

import itertools

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.codebook.plain import from_plain, to_plain
from masar_research.errors import CardError
from masar_research.loading import harmonisation_report, load, raw_rows, read, source_of

T = "{en: A, ar: ب}"
FRONT = f"""\
study: likeness
title: {T}
population: {{en: Adults, ar: بالغون, nationality: all_residents, age_min: 15}}
disclosure: {{strategy: {T}, sponsor: {T}, tools: {T}, population: {T}, sample: {T}, mode: {T}, processing: {T}, limitations: {T}}}
"""
YES = "codes: {1: {en: 'Yes', ar: نعم}, 0: {en: 'No', ar: لا}}"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("MASAR_REAL_DATA", raising=False)


def study(folder, file, variables, design=None, form=""):
    design = design or f"{{weights: w, clustered: false, note: {T}}}"
    lines = [
        FRONT, f"design: {design}", f"waves: {{2026: {{file: {file}, {form}fieldwork: {{note: {T}}}}}}}", "variables:",
        *[f"  {line}" for line in variables],
    ]  # fmt: skip
    path = folder / "likeness.yml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def weight(name="w"):
    return f"{name}: {{from: {name}, level: numeric, label: {T}}}"


def test_like_arab_barometer_eight_and_nine_are_answers_elsewhere(tmp_path):
    """0, 8/9, 98/99 are ordinary labelled codes: only the card knows where they are no answers."""
    frame = pd.DataFrame({"trust": [1.0, 2, 8, 9, 0, 1], "score": [0.0, 8, 9, 10, 99, 98], "w": 1.0})
    labels = {"trust": {0: "Missing", 1: "Yes", 2: "No", 8: "Don't know", 9: "Declined to answer"}, "score": {98: "Don't know", 99: "Refused"}}
    pyreadstat.write_sav(frame, tmp_path / "ab.sav", variable_value_labels=labels)
    variables = [
        weight(),
        f"trust: {{from: trust, label: {T}, {YES}, recode: {{1: 1, 2: 0}}, missing: {{0: missing, 8: dont_know, 9: refused}}}}",
        f"score: {{from: score, level: numeric, label: {T}, missing: {{98: dont_know, 99: refused}}}}",
    ]
    path = study(tmp_path, "ab.sav", variables)
    survey = load(path)
    assert np.nansum(survey.values("score")) == 27 and np.isnan(survey.values("score")).sum() == 2
    # 0 is a code of the answer "No" after recoding, so the file's 0 gets a code of its own
    kinds = survey.codebook.missing_kinds("trust")
    assert survey.frame["trust"].tolist() == [1, 0, 8, 9, -9995, 1]
    assert kinds == {8: "dont_know", 9: "refused", -9995: "missing"}
    assert source_of(survey, "trust").of(-9995.0)["raw"].tolist() == ["0"]
    assert harmonisation_report(path).raise_errors().remarks == ()


def test_like_anes_negative_codes_of_every_kind(tmp_path):
    frame = pd.DataFrame({"vote": [1, 2, -9, -8, -1, -6, -4], "w": 1.0})
    labels = {"vote": {-9: "-9. Refused", -8: "-8. Don't know", -6: "-6. No interview", -4: "-4. Error", -1: "-1. Inapplicable", 1: "1. Yes", 2: "2. No"}}
    pyreadstat.write_dta(frame, tmp_path / "anes.dta", variable_value_labels=labels)
    card = f"vote: {{from: vote, label: {T}, {YES}, recode: {{1: 1, 2: 0}}, missing: {{-9: refused, -8: dont_know, -1: not_applicable, '-7..-2': missing}}}}"
    survey = load(study(tmp_path, "anes.dta", [weight(), card]))
    assert survey.codebook.missing_kinds("vote") == {
        -9: "refused", -8: "dont_know", -1: "not_applicable", -6: "missing", -4: "missing"
    }  # fmt: skip
    assert survey.proportion("vote").frame[["estimate", "n"]].values.tolist() == [[0.5, 2]]
    forgotten = card.replace("-8: dont_know, ", "")
    with pytest.raises(CardError, match=r"-8 \(-8\. Don't know\) in 1 rows"):
        load(study(tmp_path, "anes.dta", [weight(), forgotten]))


def test_like_dhs_a_preset_an_isco_range_and_a_code_that_means_two_things(tmp_path):
    frame = pd.DataFrame({
        "mv005": [500_000.0, 1_500_000] * 4, "mv021": np.repeat([1.0, 2, 3, 4], 2), "mv022": np.repeat([1.0, 2], 4),
        "mv716": [0.0, 1, 11, 13, 21, 61, 96, 98],
    })  # fmt: skip
    labels = {"mv716": {0: "not working", 1: "armed forces", 96: "other"}}
    pyreadstat.write_dta(frame, tmp_path / "ZZMR.DTA", variable_value_labels=labels)
    codes = ", ".join(f"{k}: {T}" for k in (0, 1, 2, 6))
    card = (
        f"job: {{from: mv716, label: {T}, codes: {{{codes}}}, recode: {{1: 0, '11..13': 1, '21..24': 2, '61..62': 6}}, "
        "missing: {0: not_applicable, '96..99': missing}}"
    )
    survey = load(study(tmp_path, "ZZMR.DTA", [card], design="{preset: dhs}"))
    assert survey.frame["job"].tolist() == [-9991, 0, 1, 1, 2, 6, 96, 98]
    assert np.isnan(survey.values("job")).sum() == 3 and survey.design.n_units == 4


def kobo(folder):
    form = [("select_one yn", "owns", "Owns?", "هل يملك؟"), ("select_multiple src", "water", "Water?", "المياه؟"), ("integer", "spent", "Spent?", "الإنفاق؟")]
    pd.DataFrame(form, columns=["type", "name", "label::English (en)", "label::Arabic (ar)"]).to_csv(folder / "survey.csv", index=False)
    choices = [
        ("yn", "yes", "Yes", "نعم"), ("yn", "no", "No", "لا"), ("yn", "yes", "Yes again", "نعم ثانية"),
        ("yn", "dont_know", "Don't know", "لا أعرف"), ("src", "tap", "Tap", "صنبور"), ("src", "well", "Well", "بئر"),
    ]  # fmt: skip
    pd.DataFrame(choices, columns=["list_name", "name", "label::English (en)", "label::Arabic (ar)"]).to_csv(folder / "choices.csv", index=False)
    data = pd.DataFrame({
        "owns": ["yes", "no", "dont_know", "yes"], "water": ["tap", "tap well", "well", "tap"],
        "water.tap": ["TRUE", "TRUE", "FALSE", "TRUE"], "water.well": ["FALSE", "TRUE", "TRUE", "FALSE"],
        "spent": ["3e+05", "250000", "0", "8e+05"], "block": ["122.10", "122.9", "122.10", "7.0"],
    })  # fmt: skip
    data.to_csv(folder / "kobo.csv", index=False)


def test_like_kobo_the_same_code_twice_text_codes_and_rounded_sums(tmp_path):
    kobo(tmp_path)
    variables = [
        f"w: {{cases: [{{code: 1, otherwise: true}}], level: numeric, label: {T}}}",
        f"owns: {{from: owns, label: {T}, {YES}, recode: {{'yes': 1, 'no': 0}}, missing: {{dont_know: dont_know}}}}",
        f"tap: {{from: water__tap, label: {T}, {YES}}}",
        f"spent: {{from: spent, level: numeric, label: {T}}}",
    ]
    survey = load(study(tmp_path, "kobo.csv", variables, form="form: {survey: survey.csv, choices: choices.csv}, "))
    assert survey.frame["owns"].tolist() == [1, 0, -9994, 1] and survey.frame["tap"].tolist() == [1, 1, 0, 1]
    assert survey.frame["spent"].tolist() == [300_000, 250_000, 0, 800_000]
    behind = source_of(survey, "owns").of(1.0)
    assert behind[["raw", "n"]].values.tolist() == [["yes", 2]] and behind["raw_ar"].iloc[0].startswith("نعم")


def test_ids_that_look_like_numbers_stay_apart(tmp_path):
    """Silent error 30: "122.10" read as a number merges two clusters."""
    kobo(tmp_path)
    variables = [
        f"w: {{cases: [{{code: 1, otherwise: true}}], level: numeric, label: {T}}}",
        f"block: {{from: block, level: text, label: {T}}}",
    ]
    frame = pd.DataFrame({"block": ["122.10", "122.1", "122.9", "122.10"]})
    frame.to_csv(tmp_path / "kobo.csv", index=False)
    survey = load(study(tmp_path, "kobo.csv", variables, design="{weights: w, psu: block}"))
    assert survey.design.n_units == 3 and set(survey.frame["block"]) == {"122.10", "122.1", "122.9"}
    assert raw_rows(survey, "block")["block (file)"].tolist() == frame["block"].tolist()


def test_codes_travel_as_pairs_through_cache_and_json(tmp_path, monkeypatch):
    """Silent error 23: keys of a label map turned into text, so that labels miss their codes."""
    monkeypatch.setenv("MASAR_CACHE", str(tmp_path / "cache"))
    frame = pd.DataFrame({"q": [1.0, 2.0, -9.0], "t": ["1", "2", "1"], "w": 1.0})
    labels = {"q": {1.0: "One", 2.0: "Two", -9.0: "Refused"}, "t": {"1": "Text one", "2": "Text two"}}
    pyreadstat.write_sav(frame, tmp_path / "pairs.sav", variable_value_labels=labels)
    first, second = read(tmp_path / "pairs.sav", cache=False), read(tmp_path / "pairs.sav")
    again = from_plain(to_plain(second.codebook))
    for book in (first.codebook, second.codebook, again):
        assert book.category("q", 1, "en") == "One" and book.category("q", -9.0, "en") == "Refused"
        assert book.category("t", "1", "en") == "Text one"
        assert all(isinstance(c.code, float) for c in book["q"].categories)
    variables = [weight(), f"q: {{from: q, label: {T}, {YES}, recode: {{1: 1, 2: 0}}, missing: {{-9: refused}}}}", f"t: {{from: t, label: {T}, {YES}, recode: {{'1': 1, '2': 0}}}}"]
    path = study(tmp_path, "pairs.sav", variables)
    for cache in (False, True, True):
        survey = load(path, cache=cache)
        assert survey.frame["q"].tolist() == [1, 0, -9] and survey.frame["t"].tolist() == [1, 0, 1]


def test_labels_cut_at_eighty_letters_are_noted_and_replaced_by_the_card(tmp_path):
    long = "In general, do you agree that the government does all it can to provide its citi"
    assert len(long) == 80
    frame = pd.DataFrame({"q": [1.0, 2.0], "w": 1.0})
    pyreadstat.write_sav(frame, tmp_path / "cut.sav", column_labels={"q": long}, variable_value_labels={"q": {1: "Yes", 2: "No"}})
    raw = read(tmp_path / "cut.sav", cache=False)
    assert [(n.kind, n.columns) for n in raw.notes] == [("labels_cut", ("q",))]
    survey = load(study(tmp_path, "cut.sav", [weight(), f"q: {{from: q, label: {T}, {YES}, recode: {{1: 1, 2: 0}}}}"]))
    assert survey.codebook.label("q", "ar") == "ب"


@pytest.mark.parametrize("base, share", [("answered", 2 / 3), ("all", 2 / 5)])
def test_the_base_decides_whether_refusals_count(tmp_path, base, share):
    """Keeping or dropping refusals and don't-knows changes the figure; the card says which, and the report shows it."""
    pd.DataFrame({"q": [1, 1, 2, 8, 9], "w": 1}).to_csv(tmp_path / "b.csv", index=False)
    gone = "missing: {8: dont_know, 9: refused}" if base == "answered" else ""
    recode = "{1: 1, 2: 0}" if base == "answered" else "{1: 1, 2: 0, 8: 0, 9: 0}"
    card = f"q: {{from: q, label: {T}, {YES}, recode: {recode}{', ' + gone if gone else ''}}}"
    survey = load(study(tmp_path, "b.csv", [weight(), card]))
    assert survey.proportion("q").frame["estimate"].iloc[0] == pytest.approx(share)
    behind = source_of(survey, "q").of(0.0)["raw"].tolist()
    assert behind == (["2"] if base == "answered" else ["2", "8", "9"])


def test_reading_the_file_back_through_the_recode_gives_the_same_frame(tmp_path):
    """Every harmonised value can be made again from the raw codes beside it."""
    rng = np.random.default_rng(7)
    raw = rng.choice([1, 2, 3, 4, 5, 98, 99], size=500)
    pd.DataFrame({"q": raw, "w": 1}).to_csv(tmp_path / "r.csv", index=False)
    codes = ", ".join(f"{k}: {T}" for k in (1, 2, 3))
    card = f"x: {{from: q, label: {T}, codes: {{{codes}}}, recode: {{1: 1, '2..4': 2, 5: 3}}, missing: {{98: dont_know, 99: refused}}}}"
    survey = load(study(tmp_path, "r.csv", [weight(), card]))
    table = source_of(survey, "x").table
    forward = {float(before): after for before, after in zip(table["raw"], table["code"])}
    rows = raw_rows(survey, "x")
    assert [forward[code] for code in rows["q"]] == rows["x"].tolist()
    assert table["n"].sum() == 500 and sorted(forward) == sorted(set(map(float, raw)))
    assert all(len(set(group)) == 1 for _, group in itertools.groupby(sorted(zip(table["raw"], table["code"])), key=lambda pair: pair[0]))
