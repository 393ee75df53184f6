"""From columns to harmonised variables: nothing disappears, skips are not refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masar_research.codebook import Codebook
from masar_research.errors import CardError, DataError
from masar_research.loading import load, read_card, recode_report
from masar_research.loading.harmonise import harmonise
from masar_research.loading.raw import make_raw

T = "{en: A, ar: ب}"
YES = "{1: {en: 'Yes', ar: نعم}, 0: {en: 'No', ar: لا}}"
FRONT = f"""\
study: small
title: {T}
population: {{en: Adults, ar: بالغون, nationality: all_residents, age_min: 15}}
design: {{weights: w, clustered: false, note: {T}}}
disclosure: {{strategy: {T}, sponsor: {T}, tools: {T}, population: {T}, sample: {T}, mode: {T}, processing: {T}, limitations: {T}}}
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    monkeypatch.delenv("MASAR_REAL_DATA", raising=False)


def make(folder, variables, data, *, more="", waves=None):
    """A card with these variables over these columns, written beside its data."""
    waves = waves or {2026: data}
    lines = [FRONT, more, "waves:"]
    for wave, columns in waves.items():
        frame = pd.DataFrame(columns)
        if "w" not in frame:
            frame["w"] = 1
        frame.to_csv(folder / f"d{wave}.csv", index=False)
        lines.append(f"  {wave}: {{file: d{wave}.csv, fieldwork: {{note: {T}}}}}")
    lines += [
        "variables:",
        f"  w: {{from: w, level: numeric, label: {T}}}",
        *[f"  {line}" for line in variables],
    ]
    path = folder / "small.yml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_card(path)


def column(folder, variables, data, name, **options):
    return load(make(folder, variables, data, **options)).frame[name].tolist()


def kinds(folder, variables, data, name, **options):
    return load(make(folder, variables, data, **options)).codebook.missing_kinds(name)


def same(left, right):
    return np.array_equal(np.asarray(left, float), np.asarray(right, float), equal_nan=True)


SEX = f"sex: {{from: q, label: {T}, codes: {{1: {{en: M, ar: ذ}}, 2: {{en: F, ar: أ}}}}, missing: {{9: refused}}}}"
AGE = f"age: {{from: age, label: {T}, missing: {{999: refused, 998: dont_know}}}}"


def test_codes_missing_codes_and_blanks(tmp_path):
    survey = load(make(tmp_path, [SEX], {"q": [1, 2, 9, None]}))
    assert same(survey.frame["sex"], [1, 2, 9, np.nan])
    assert same(survey.values("sex"), [1, 2, np.nan, np.nan])
    assert survey.codebook.missing_kinds("sex") == {9.0: "refused"}
    assert survey.codebook.category("sex", 9, "ar") == "رفض الإجابة"
    assert survey.codebook["sex"].source == ("q",)


def test_a_value_without_a_place_is_an_error_that_counts_it(tmp_path):
    with pytest.raises(CardError) as caught:
        load(make(tmp_path, [SEX], {"q": [1, 2, 3, 3, 8]}))
    for word in ("small.yml, line", "3 in 2 rows", "8 in 1 rows", "'q'", "missing:"):
        assert word in str(caught.value)
    recoded = f"sex: {{from: q, label: {T}, codes: {{1: {T}}}, recode: {{5: 1}}}}"
    with pytest.raises(CardError, match="recode"):
        load(make(tmp_path, [recoded], {"q": [5, 6]}))


def test_recode_may_swap_codes_and_merge_them(tmp_path):
    swap = f"s: {{from: q, label: {T}, codes: {{1: {T}, 2: {T}}}, recode: {{1: 2, 2: 1, 3: 1}}}}"
    assert column(tmp_path, [swap], {"q": [1, 2, 3]}, "s") == [2, 1, 1]


def test_text_codes_become_numbers_and_their_missing_codes_too(tmp_path):
    card = f"s: {{from: q, label: {T}, codes: {{1: {T}, 2: {T}}}, recode: {{male: 1, female: 2}}, missing: {{dk: dont_know}}}}"
    assert column(tmp_path, [card], {"q": ["male", "female", "dk", None]}, "s")[:3] == [1, 2, -9994]
    assert kinds(tmp_path, [card], {"q": ["male", "dk"]}, "s") == {-9994.0: "dont_know"}


def test_a_missing_code_that_is_a_target_gets_a_code_of_its_own(tmp_path):
    card = f"s: {{from: q, label: {T}, codes: {{8: {T}, 2: {T}}}, recode: {{1: 8, 2: 2}}, missing: {{8: refused}}}}"
    assert column(tmp_path, [card], {"q": [1, 2, 8]}, "s") == [8, 2, -9993]
    with pytest.raises(CardError, match="at once"):
        load(
            make(
                tmp_path,
                [f"s: {{from: q, label: {T}, codes: {{8: {T}}}, missing: {{8: refused}}}}"],
                {"q": [8]},
            )
        )
    with pytest.raises(CardError, match="recode: and under missing:"):
        load(
            make(
                tmp_path,
                [f"s: {{from: q, label: {T}, codes: {{8: {T}}}, recode: {{8: 8}}, missing: {{8: refused}}}}"],
                {"q": [8]},
            )
        )


def test_missing_codes_the_file_declares_are_kept_unless_the_card_gives_them_a_meaning(tmp_path):
    import pyreadstat

    card = make(
        tmp_path,
        [
            f"s: {{from: q, label: {T}, codes: {{1: {T}}}}}",
            f"t: {{from: q, label: {T}, codes: {{1: {T}, 9: {T}}}}}",
            f"u: {{from: q, label: {T}}}",
        ],
        {"q": [1]},
    )
    frame = pd.DataFrame({"q": [1.0, 9.0], "w": [1.0, 1.0]})
    pyreadstat.write_sav(
        frame, str(tmp_path / "d.sav"), missing_ranges={"q": [9]}, variable_value_labels={"q": {9: "Refused"}}
    )
    text = card.path.read_text(encoding="utf-8").replace("d2026.csv", "d.sav")
    card.path.write_text(text, encoding="utf-8")
    survey = load(card.path)
    assert survey.codebook.missing_kinds("s") == {9.0: "refused"} == survey.codebook.missing_kinds("u")
    assert survey.codebook.missing_kinds("t") == {} and survey.values("t").tolist() == [1, 9]


def test_silent_error_23_numbers_against_text_is_an_error_not_an_empty_column(tmp_path):
    with pytest.raises(CardError, match="text in 1 of 2 rows, such as xxxx"):
        load(make(tmp_path, [SEX], {"q": ["male", "1"]}))
    with pytest.raises(CardError, match="without quotes"):
        load(make(tmp_path, [f"s: {{from: q, label: {T}, codes: {{'1': {T}}}}}"], {"q": [1, 2]}))
    with pytest.raises(CardError, match="text in 1 of 2 rows, such as =0"):
        load(make(tmp_path, [f"a: {{from: q, level: numeric, label: {T}}}"], {"q": ["=1", "2"]}))


def test_silent_error_30_identifiers_as_text_and_measurements_as_numbers(tmp_path):
    rows = [f"psu: {{from: p, level: text, label: {T}}}", f"x: {{from: p, level: numeric, label: {T}}}"]
    survey = load(make(tmp_path, rows, {"p": ["122.1", "122.10", "122.9"]}))
    assert survey.frame["psu"].tolist() == ["122.1", "122.10", "122.9"] and survey.frame["x"].tolist() == [
        122.1,
        122.1,
        122.9,
    ]


def test_dates_are_dates(tmp_path):
    survey = load(make(tmp_path, [f"d: {{from: q, level: date, label: {T}}}"], {"q": ["31/3/2026", None]}))
    assert survey.frame["d"].dtype == "datetime64[us]" and survey.frame["d"].isna().tolist() == [False, True]
    with pytest.raises(CardError, match="no date"):
        load(make(tmp_path, [f"d: {{from: q, level: date, label: {T}}}"], {"q": ["soon"]}))


WORKED = f"worked: {{from: worked, label: {T}, codes: {{1: {T}, 2: {T}}}, missing: {{9: refused}}}}"
ABSENT = f"absent: {{from: absent, label: {T}, codes: {{1: {T}, 2: {T}}}, missing: {{9: refused}}, universe: 'worked == 2'}}"
EMPLOYED = f"employed: {{cases: [{{code: 1, when: 'worked == 1 or absent == 1'}}, {{code: 0, otherwise: true}}], label: {T}, codes: {YES}}}"
WORK = {"worked": [1, 2, 2, 2, 9, None], "absent": [None, 1, 2, 9, None, None]}


def test_cases_skips_and_refusals(tmp_path):
    assert same(
        column(tmp_path, [WORKED, ABSENT, EMPLOYED], WORK, "employed"), [1, 1, 0, np.nan, np.nan, np.nan]
    )
    assert same(
        column(tmp_path, [WORKED, ABSENT, EMPLOYED], WORK, "absent"), [-9991, 1, 2, 9, np.nan, np.nan]
    )


def test_order_in_the_card_does_not_matter(tmp_path):
    rows = [WORKED, ABSENT, EMPLOYED]
    assert same(column(tmp_path, rows[::-1], WORK, "employed"), column(tmp_path, rows, WORK, "employed"))


def test_an_unknown_earlier_condition_is_never_passed_over(tmp_path):
    band = f"x: {{cases: [{{code: 1, when: 'age < 18'}}, {{code: 0, when: 'worked == 1'}}], label: {T}, codes: {YES}}}"
    assert same(
        column(tmp_path, [AGE, WORKED, band], {"age": [999, 20, 17], "worked": [1, 1, 1]}, "x"),
        [np.nan, 0, 1],
    )


def test_what_hangs_on_a_skipped_question_is_not_applicable(tmp_path):
    deeper = f"why: {{from: why, label: {T}, universe: 'absent == 2'}}"
    data = WORK | {"why": [None, None, 5, None, None, None]}
    assert same(
        column(tmp_path, [WORKED, ABSENT, deeper], data, "why"), [-9991, -9991, 5, np.nan, np.nan, np.nan]
    )
    derived = f"x: {{cases: [{{code: 1, when: 'absent == 1'}}, {{code: 0, when: 'absent == 2'}}], label: {T}, codes: {YES}}}"
    assert same(column(tmp_path, [WORKED, ABSENT, derived], data, "x"), [-9991, 1, 0, np.nan, np.nan, np.nan])


def test_answers_outside_the_universe_are_not_applicable_and_reported(tmp_path):
    card = make(
        tmp_path,
        [AGE, f"v: {{from: v, label: {T}, universe: 'age >= 18'}}"],
        {"age": [17, 18, 999], "v": [1, 2, 3]},
    )
    assert same(load(card).frame["v"], [-9991, 2, np.nan])
    assert load(card).codebook.missing_kinds("v") == {-9991.0: "not_applicable"}
    report = recode_report(card)
    row = report[(report.variable == "v") & report.before.astype(str).str.contains("outside")]
    assert row.n.tolist() == [1]


def test_silent_error_24_bands_and_their_edges(tmp_path):
    closed = f"b: {{bands: {{of: age, starts: [15, 25, 40], end: 59}}, label: {T}, codes: {{1: {T}, 2: {T}, 3: {T}}}}}"
    ages = [14, 15, 24, 25, 39.9, 40, 59, 60, 998, None]
    assert same(
        column(tmp_path, [AGE, closed], {"age": ages}, "b"), [-9991, 1, 1, 2, 2, 3, 3, -9991, np.nan, np.nan]
    )
    open_ended = closed.replace(", end: 59", "")
    assert column(tmp_path, [AGE, open_ended], {"age": ages}, "b")[7] == 3


@pytest.fixture(scope="module")
def banded(tmp_path_factory):
    card = f"b: {{bands: {{of: age, starts: [15, 25, 40, 60]}}, label: {T}, codes: {{1: {T}, 2: {T}, 3: {T}, 4: {T}}}}}"
    return make(tmp_path_factory.mktemp("bands"), [AGE, card], {"age": [1, 2]})


@given(ages=st.lists(st.integers(0, 110), min_size=1, max_size=40))
def test_every_age_has_one_band_or_is_outside(banded, ages):
    frame = pd.DataFrame({"age": np.array(ages, float), "w": 1.0})
    out = harmonise(make_raw(frame, Codebook(), []), banded, 2026).frame["b"].to_numpy()
    expected = np.array(
        [-9991 if a < 15 else 1 if a < 25 else 2 if a < 40 else 3 if a < 60 else 4 for a in ages]
    )
    assert (out == expected).all()


def test_compute_and_needs(tmp_path):
    rows = [AGE, WORKED, f"m: {{compute: 'age * 12', label: {T}, needs: [worked]}}"]
    assert same(column(tmp_path, rows, {"age": [2, 3, 998], "worked": [1, 9, 1]}, "m"), [24, np.nan, np.nan])
    kept = [row.replace(", needs: [worked]", "") for row in rows]
    assert same(column(tmp_path, kept, {"age": [2, 3, 998], "worked": [1, 9, 1]}, "m"), [24, 36, np.nan])


def test_cases_may_give_a_kind_of_missing(tmp_path):
    card = f"x: {{cases: [{{missing: not_applicable, when: 'age < 18'}}, {{code: 1, otherwise: true}}], label: {T}, codes: {{1: {T}}}}}"
    assert column(tmp_path, [AGE, card], {"age": [17, 18]}, "x") == [-9991, 1]


def test_select_reads_the_columns_of_the_file(tmp_path):
    data = {"country": [8, 1, 8], "q": [1, 7, 2]}
    survey = load(make(tmp_path, [SEX], data, more='select: "country == 8"'))
    assert survey.frame["sex"].tolist() == [1, 2]
    with pytest.raises(CardError, match="no row"):
        load(make(tmp_path, [SEX], data, more='select: "country == 9"'))
    with pytest.raises(CardError, match="countr") as caught:
        load(make(tmp_path, [SEX], data, more='select: "countri == 8"'))
    assert "country" in caught.value.remedy and "line" in str(caught.value)


def test_circles_and_unknown_names_are_errors(tmp_path):
    a = f"a: {{compute: 'b + 1', label: {T}}}"
    with pytest.raises(CardError, match="a → b → a"):
        load(make(tmp_path, [a, f"b: {{compute: 'a + 1', label: {T}}}"], {"q": [1]}))
    with pytest.raises(CardError, match="'b'") as caught:
        load(make(tmp_path, [a], {"q": [1]}))
    assert "line" in str(caught.value)
    itself = f"q: {{compute: 'q + 1', label: {T}}}"
    assert column(tmp_path, [itself], {"q": [1, 2]}, "q") == [2, 3]


def test_a_condition_that_is_a_number_or_text_against_numbers_names_its_line(tmp_path):
    for when, word in (("age + 1", "yes or no"), ('age == "x"', "never match")):
        rows = [AGE, f"x: {{cases: [{{code: 1, when: '{when}'}}], label: {T}, codes: {{1: {T}}}}}"]
        with pytest.raises(CardError, match=word) as caught:
            load(make(tmp_path, rows, {"age": [1]}))
        assert "small.yml, line" in str(caught.value)


def test_a_column_that_is_not_in_the_file_names_line_and_neighbours(tmp_path):
    with pytest.raises(CardError) as caught:
        load(make(tmp_path, [SEX.replace("from: q,", "from: sexx,")], {"sex1": [1], "age": [1]}))
    message = str(caught.value)
    assert "'sexx'" in message and "line" in message and "sex1" in message and "2026" in message


def test_waves_are_pooled_with_their_own_columns_and_codes(tmp_path):
    rows = [
        f"s: {{from: q1, label: {T}, codes: {{1: {T}, 2: {T}}}, missing: {{9: refused}}, "
        f"waves: {{2024: {{from: q7, recode: {{5: 1, 6: 2}}, missing: {{99: refused}}}}}}}}",
        f"n: {{from: n, label: {T}, waves: {{2024: {{not_asked: true}}}}}}",
    ]
    waves = {2024: {"q7": [5, 6, 99]}, 2026: {"q1": [2, 1, 9], "n": [1, 2, 3]}}
    card = make(tmp_path, rows, None, waves=waves)
    survey = load(card)
    assert survey.frame["wave"].tolist() == [2024] * 3 + [2026] * 3
    assert survey.frame["s"].tolist() == [1, 2, 99, 2, 1, 9] and survey.codebook.missing_kinds("s") == {
        9.0: "refused",
        99.0: "refused",
    }
    assert survey.frame["n"].tolist() == [-9992, -9992, -9992, 1, 2, 3] and survey.codebook.missing_kinds(
        "n"
    ) == {-9992.0: "not_asked"}
    assert survey.codebook.category("wave", 2026, "ar") == "2026"
    one = load(card, wave=2026)
    assert one.frame["wave"].unique().tolist() == [2026] and one.checksum != survey.checksum
    assert load(card, wave="2026").frame.equals(one.frame)
    with pytest.raises(DataError, match="2028") as caught:
        load(card, wave=2028)
    assert "2024, 2026" in caught.value.remedy


def test_a_code_missing_in_one_wave_and_an_answer_in_another(tmp_path):
    rows = [f"n: {{from: n, label: {T}, waves: {{2024: {{missing: {{98: dont_know}}}}}}}}"]
    survey = load(make(tmp_path, rows, None, waves={2024: {"n": [98, 1]}, 2026: {"n": [98, 2]}}))
    assert survey.values("n").tolist()[2:] == [98, 2] and np.isnan(survey.values("n")[0])
    assert survey.frame["n"].tolist() == [-9994, 1, 98, 2] and survey.codebook.missing_kinds("n") == {
        -9994.0: "dont_know"
    }


def test_one_code_of_two_kinds_in_two_waves(tmp_path):
    rows = [
        f"n: {{from: n, label: {T}, missing: {{98: refused}}, waves: {{2024: {{missing: {{98: dont_know}}}}}}}}"
    ]
    survey = load(make(tmp_path, rows, None, waves={2024: {"n": [98, 1]}, 2026: {"n": [98, 2]}}))
    assert survey.frame["n"].tolist() == [-9994, 1, -9993, 2]
    assert survey.codebook.missing_kinds("n") == {-9994.0: "dont_know", -9993.0: "refused"}


def test_the_report_accounts_for_every_row(tmp_path):
    card = make(tmp_path, [SEX, WORKED, ABSENT, EMPLOYED], WORK | {"q": [1, 2, 9, 1, 2, None]})
    report = recode_report(card)
    for name in ("sex", "worked"):
        assert report[report.variable == name].n.sum() == 6
    sex = report[report.variable == "sex"].set_index("before")
    assert sex.loc[9.0, "meaning"] == "refused" and sex.loc["(blank)", "n"] == 1
    assert report[(report.variable == "employed")].n.sum() == 6
    assert set(report.wave) == {2026}


def test_a_design_column_never_keeps_a_missing_code(tmp_path):
    from masar_research.errors import DesignError

    card = make(tmp_path, [], {"w": [1, 99]})
    card.path.write_text(
        card.path.read_text(encoding="utf-8").replace(
            "level: numeric, label", "missing: {99: missing}, level: numeric, label"
        ),
        encoding="utf-8",
    )
    with pytest.raises(DesignError):
        load(card.path)
