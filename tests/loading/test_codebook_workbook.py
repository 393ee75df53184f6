"""The workbook of a codebook: written, edited by somebody, applied and taken back."""

import zipfile
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet, Text, Variable
from masar_research.codebook.applying import apply_workbook
from masar_research.codebook.cells import from_cell, to_cell
from masar_research.codebook.workbook import write_workbook
from masar_research.errors import DataError

BOOK = Codebook(
    [
        Variable(
            "q1", {"en": "Sex", "ar": "الجنس"}, {"en": "Sex?"}, "nominal",
            (Category(1, {"en": "Male", "ar": "ذكر"}), Category(2, {"en": "Female", "ar": "أنثى"}),
             Category(9, {"en": "Refused"}, "refused")),
        ),
        Variable("q2", {"en": "Age", "ar": "العمر"}, missing_ranges=(MissingRange(997, 999, "dont_know"),)),
        Variable("q3", {"en": "Works"}, level="nominal", universe="q2 >= 15",
                 categories=(Category(0, {"en": "No"}), Category(1, {"en": "Yes"}))),
        Variable("w1", {"en": "Pipe"}, level="nominal", categories=(Category(0, {}), Category(1, {}))),
        Variable("w2", {"en": "Tank"}, level="nominal", categories=(Category(0, {}), Category(1, {}))),
        Variable("town", {"en": "Town"}, level="nominal", categories=(Category("01", {"en": "=A"}), Category("x", {"en": "X"}))),
    ],
    sets=[ResponseSet("water", {"en": "Water"}, ("w1", "w2"))],
)  # fmt: skip
FRAME = pd.DataFrame(
    {"q1": [1.0, 2, 9, 2, np.nan], "q2": [20.0, 30, 998, 14, 50], "q3": [1.0, 0, 1, np.nan, 0], "w1": [1.0, 0, 1, 0, 0],
     "w2": [1.0, 1, 0, 0, 0], "town": pd.Series(["01", "x", "01", None, "x"], dtype="str")}
)  # fmt: skip


def edited(tmp_path, changes, book=None, lang="en"):
    """A workbook of BOOK in which cells were typed over: sheet → (variable, code or None, key) → value."""
    path = write_workbook(tmp_path / "book.xlsx", {"": BOOK} if book is None else book, lang)
    work = openpyxl.load_workbook(path)
    for sheet, cells in changes.items():
        page = work[sheet]
        keys = [str(cell.value).split("\n")[-1] for cell in page[1]]
        for (name, code, key), value in cells.items():
            for line in page.iter_rows(min_row=2):
                row = dict(zip(keys, line, strict=True))
                if row["variable"].value == name and (code is None or row["code"].value == code):
                    row[key].value = value
                    break
            else:
                raise AssertionError(f"no row {name} {code}")
    work.save(path)
    return path


def test_nothing_edited_changes_nothing(tmp_path):
    for lang in ("en", "ar"):
        done = BOOK.apply(BOOK.to_excel(tmp_path / f"{lang}.xlsx", lang))
        assert done.codebook == BOOK and done.changes == () and done.frame is None


def test_arabic_sheets_run_from_the_right(tmp_path):
    work = openpyxl.load_workbook(BOOK.to_excel(tmp_path / "b.xlsx", "ar"))
    assert work.sheetnames[:4] == ["اقرأني", "المتغيرات", "الرموز", "إجابات متعددة"]
    assert all(work[name].sheet_view.rightToLeft for name in work.sheetnames[:4])
    assert not openpyxl.load_workbook(BOOK.to_excel(tmp_path / "e.xlsx"))["Codes"].sheet_view.rightToLeft


def test_every_kind_of_edit_is_made_and_reported(tmp_path):
    path = edited(tmp_path, {
        "Variables": {("q1", None, "new_name"): "sex", ("q1", None, "label_ar"): "جنس المستجيب", ("q2", None, "new_name"): "age",
                      ("q2", None, "missing_ranges"): "997..999 refused; lowest..-1", ("q3", None, "order"): 0,
                      ("town", None, "personal"): "yes", ("w1", None, "new_name"): "pipe"},
        "Codes": {("q1", 1, "new_code"): 2, ("q1", 2, "new_code"): 1, ("q1", 9, "missing"): "dont_know",
                  ("q1", 9, "label_ar"): "لا أعرف", ("town", "01", "new_code"): "7"},
    })  # fmt: skip
    done = apply_workbook(path, {"": BOOK}, {"": FRAME})[""]
    book, frame = done.codebook, done.frame
    assert list(book) == ["q3", "sex", "age", "pipe", "w2", "town"]
    assert book.label("sex", "ar") == "جنس المستجيب" and book.category("sex", 1, "en") == "Female"
    assert book["q3"].universe == "age >= 15" and book.sets["water"].variables == ("pipe", "w2")
    assert book.missing_kinds("sex") == {9.0: "dont_know"} and book["sex"].source == ("q1",)
    assert book["age"].missing_ranges == (MissingRange(997, 999, "refused"), MissingRange(-np.inf, -1))
    assert book.missing_kinds("age") == {998.0: "refused"} and book["town"].personal
    assert frame["sex"].tolist()[:4] == [2, 1, 9, 1] and frame["town"].tolist()[:2] == ["7", "x"]
    told = done.report().set_index(["variable", "what", "code"])
    assert told.loc[("q1", "code", 1.0), "n"] == 1 and told.loc[("q1", "code", 2.0), "n"] == 2
    assert {"name", "label_ar", "missing_ranges", "personal", "order", "code", "missing"} == set(done.report()["what"])
    pd.testing.assert_frame_equal(done.restored(frame), FRAME)
    pd.testing.assert_frame_equal(done.restored(frame.iloc[1:3]), FRAME.iloc[1:3])


def test_merged_codes_keep_their_source(tmp_path):
    cells = {("town", "x", "new_code"): "01", ("town", "x", "label_en"): "'=A"}
    done = apply_workbook(edited(tmp_path, {"Codes": cells}), {"": BOOK}, {"": FRAME})[""]
    assert done.frame["town"].tolist()[:3] == ["01"] * 3
    assert done.frame["town__source"].tolist()[:2] == ["01", "x"] and "town__source" in done.codebook
    pd.testing.assert_frame_equal(done.restored(done.frame), FRAME)


def test_a_row_added_gives_a_label_and_a_row_deleted_changes_nothing(tmp_path):
    path = edited(tmp_path, {})
    work = openpyxl.load_workbook(path)
    work["Codes"].append(["q2", 998, None, None, "Does not know", None, "dont_know"])
    work["Variables"].delete_rows(3)
    work.save(path)
    done = apply_workbook(path, {"": BOOK}, {"": FRAME})[""]
    assert done.codebook.category("q2", 998, "en") == "Does not know" and list(done.codebook) == list(BOOK)
    assert {change.what for change in done.changes} == {"new code", "label_en", "missing"}


@pytest.mark.parametrize(
    "sheet, cell, value, words",
    [
        ("Variables", ("q1", None, "new_name"), "q2", ["q1", "q2", "called"]),
        ("Variables", ("q1", None, "new_name"), "1st", ["cannot be the name"]),
        ("Variables", ("q1", None, "new_name"), "not", ["cannot be the name"]),
        ("Variables", ("q1", None, "level"), "interval", ["interval", "row 2"]),
        ("Variables", ("q1", None, "order"), "first", ["order"]),
        ("Variables", ("q2", None, "missing_ranges"), "9 to 10", ["range"]),
        ("Variables", ("q3", None, "universe"), "income > 1", ["income"]),
        ("Variables", ("q3", None, "universe"), "__import__('os')", ["row 4"]),
        ("Variables", ("q3", None, "personal"), "maybe", ["personal"]),
        ("Codes", ("q1", 1, "new_code"), 2, ["both become 2", "labels"]),
        ("Codes", ("q1", 1, "new_code"), "two", ["not a number"]),
        ("Codes", ("q1", 1, "missing"), "lost", ["kind of missing"]),
        ("Variables", ("q1", None, "label_en"), "=1+1", ["formula", "D2"]),
        ("Variables", ("q1", None, "variable"), "q9", ["q9"]),
        ("Variables", ("q1", None, "variable"), "q2", ["row 2", "too"]),
    ],
)
def test_what_cannot_be_is_refused_in_both_languages(tmp_path, sheet, cell, value, words):
    path = edited(tmp_path, {sheet: {cell: value}})
    with pytest.raises(DataError) as caught:
        apply_workbook(path, {"": BOOK}, {"": FRAME})
    for word in words:
        assert word in str(caught.value)
    assert caught.value.ar != DataError.general


def test_a_recoded_variable_in_a_universe_asks_for_the_condition_anew(tmp_path):
    book = BOOK.add(replace(BOOK["q3"], universe="q1 == 2"))
    swap = {("q1", 1, "new_code"): 2, ("q1", 2, "new_code"): 1}
    path = edited(tmp_path, {"Codes": swap}, {"": book})
    with pytest.raises(DataError, match="other codes"):
        book.apply(path)
    path = edited(tmp_path, {"Codes": swap, "Variables": {("q3", None, "universe"): "q1 == 1"}}, {"": book})
    assert book.apply(path).codebook["q3"].universe == "q1 == 1"


def test_a_value_without_a_row_does_not_fall_together_with_a_new_code(tmp_path):
    path = edited(tmp_path, {"Codes": {("q1", 1, "new_code"): 5}})
    with pytest.raises(DataError, match="without a row"):
        apply_workbook(path, {"": BOOK}, {"": FRAME.assign(q1=[1.0, 5, 2, 9, 2])})


def test_another_surveys_workbook_is_refused(tmp_path):
    path = BOOK.to_excel(tmp_path / "b.xlsx")
    more = BOOK.add(Variable("new", {"en": "New"}))
    with pytest.raises(DataError, match="in the codebook only: new"):
        more.apply(path)
    codes = BOOK.add(replace(BOOK["q1"], categories=BOOK["q1"].categories[:2]))
    with pytest.raises(DataError, match="codes differ"):
        codes.apply(path)
    relabelled = BOOK.add(replace(BOOK["q1"], label={"en": "Gender"}))
    assert relabelled.apply(path).changes  # labels are no part of the signature


def test_what_is_no_codebook_workbook_is_refused(tmp_path):
    plain = openpyxl.Workbook()
    plain.save(tmp_path / "plain.xlsx")
    (tmp_path / "noise.xlsx").write_bytes(b"PK\x03\x04 not a zip")
    with zipfile.ZipFile(tmp_path / "zip.xlsx", "w") as packed:
        packed.writestr("a", "b")
    for name, words in (("plain", "signature"), ("noise", "cannot be read"), ("zip", "cannot be read"), ("none", "no file")):
        with pytest.raises(DataError, match=words) as caught:
            BOOK.apply(tmp_path / f"{name}.xlsx")
        assert caught.value.ar != DataError.general
    with pytest.raises(DataError, match="xlsx"):
        BOOK.to_excel(tmp_path / "book.csv")


def test_columns_unknown_twice_or_gone(tmp_path):
    def spoiled(change):
        path = BOOK.to_excel(tmp_path / "b.xlsx")
        work = openpyxl.load_workbook(path)
        change(work)
        work.save(path)
        return path

    def head(work, place, text):
        work["Codes"].cell(1, place).value = text

    for change, words in (
        (lambda work: head(work, 9, "labl_en"), "labl_en.*\n.*label_en"),
        (lambda work: head(work, 6, "label_en"), "twice"),
        (lambda work: head(work, 2, None), "no column code"),
        (lambda work: work.remove(work["Codes"]), "no sheet"),
    ):
        with pytest.raises(DataError, match=words):
            BOOK.apply(spoiled(change))
    # a column left out leaves what it held as it was
    assert BOOK.apply(spoiled(lambda work: work["Codes"].delete_cols(5))).codebook == BOOK


def test_waves_are_harmonised_in_one_workbook(tmp_path):
    old = Codebook([Variable("v5", {"en": "Sex"}, level="nominal", categories=(
        Category(0, {"en": "Man"}), Category(1, {"en": "Woman"})))])  # fmt: skip
    books = {"2022": old, "2024": BOOK}
    frames = {"2022": pd.DataFrame({"v5": [0.0, 1, 1]}), "2024": FRAME}
    path = write_workbook(tmp_path / "w.xlsx", books, "ar")
    work = openpyxl.load_workbook(path)
    names, codes = work["المتغيرات"], work["الرموز"]
    for line in names.iter_rows(min_row=2):
        if (line[0].value, line[1].value) in (("2022", "v5"), ("2024", "q1")):
            line[2].value = "sex"
    clash = tmp_path / "clash.xlsx"
    work.save(clash)
    with pytest.raises(DataError, match="sex: code 1 is 'Woman' in 2022 and 'Male' in 2024"):
        apply_workbook(clash, books)
    for line in codes.iter_rows(min_row=2):
        if line[0].value == "2022":
            line[3].value = line[2].value + 1
            line[5].value = {0: "Male", 1: "Female"}[line[2].value]
    work.save(path)
    done = apply_workbook(path, books, frames)
    assert done["2022"].frame["sex"].tolist() == [1, 2, 2] and done["2024"].frame["sex"].tolist()[:2] == [1, 2]
    with pytest.raises(DataError, match="made from other"):
        apply_workbook(path, {"2023": old, "2024": BOOK})


HOSTILE = st.text(st.characters(codec="utf-8", exclude_categories=()), max_size=30) | st.sampled_from(
    ["=HYPERLINK(\"http://x\")", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "'quoted", "_x000D_", "x005F_", "⟦0007⟧", "\r\n", "\t=1", " x "]
)  # fmt: skip
TEXTS = st.builds(Text, en=st.none() | HOSTILE, ar=st.none() | HOSTILE | st.just("نعم"))
CODES = st.lists(
    st.floats(-1e6, 1e6).map(lambda x: round(x, 3) + 0.0) | st.integers(-(10**6), 10**6).map(float) | HOSTILE,
    max_size=4, unique=True,
)  # fmt: skip


@given(HOSTILE)
def test_a_text_comes_back_from_its_cell(text):
    cell = to_cell(text)
    assert from_cell(cell) == text and not cell.startswith(("=", "+", "-", "@"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), labels=st.lists(TEXTS, min_size=1, max_size=4), codes=CODES)
def test_any_codebook_comes_back_from_its_workbook(tmp_path, data, labels, codes):
    kinds = st.sampled_from([None, "refused", "not_asked"])
    book = Codebook(
        Variable(f"v{k}", label, data.draw(st.none() | TEXTS), note=data.draw(st.none() | TEXTS),
                 categories=tuple(Category(code, data.draw(TEXTS), data.draw(kinds)) for code in codes))
        for k, label in enumerate(labels)
    )  # fmt: skip
    done = book.apply(book.to_excel(tmp_path / "any.xlsx", data.draw(st.sampled_from(["en", "ar"]))))
    assert done.changes == () and done.codebook == book


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.sampled_from([1.0, 2.0, 9.0, np.nan, 77.0]), min_size=1, max_size=12),
       new=st.permutations([1, 2, 9, 30, 40]))  # fmt: skip
def test_any_recode_is_taken_back(tmp_path, values, new):
    frame = FRAME.iloc[[0] * len(values)].assign(q1=values).reset_index(drop=True)
    cells = {("q1", old, "new_code"): after for old, after in zip((1, 2, 9), new, strict=False)}
    done = apply_workbook(edited(tmp_path, {"Codes": cells}), {"": BOOK}, {"": frame})[""]
    pd.testing.assert_frame_equal(done.restored(done.frame), frame)
