"""Decimal commas, thousands marks, percent signs; and columns nobody can read without being told."""

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.errors import DataError
from masar_research.loading import read
from masar_research.loading.decimals import settle


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def frame(**columns):
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


def number(values, **how):
    return settle(frame(a=values), **how)[0]["a"].tolist()


@pytest.mark.parametrize(
    ("values", "out"),
    [
        (["12,5", "3,25"], ["12.5", "3.25"]), (["0,250", "1,500"], ["0.250", "1.500"]), (["1.234,56", "12"], ["1234.56", "12"]),
        (["1,234.5", "2"], ["1234.5", "2"]), (["1,234,567", "8"], ["1234567", "8"]), (["1.234.567", "8,5"], ["1234567", "8.5"]),
        (["1 234,5", "7"], ["1234.5", "7"]), (["1\u00a0234", "7"], ["1234", "7"]), (["١٢،٥", "٣"], ["12.5", "3"]),
        (["-1,5", "+2,25"], ["-1.5", "+2.25"]), (["12.5%", "3 %"], ["12.5", "3"]), (["١٢٪", "٣٪"], ["12", "3"]), (["1,5e3"], ["1.5e3"]),
    ],
)  # fmt: skip
def test_certain_values_are_rewritten(values, out):
    values = [value.replace("1 234", "1\u00a0234") for value in values]
    assert number(values, semicolons=True) == out


@pytest.mark.parametrize("values", [["1.5", "2"], ["007", "12"], ["a,b", "c"], ["1,2,3", "4"], ["12-5"], ["31.9539"], ["1", "2"], ["0791,12 x"]])
def test_what_needs_nothing_is_given_back_itself(values):
    given_frame = frame(a=values)
    assert settle(given_frame)[0] is given_frame


def test_a_lone_column_of_thousands_or_thousandths_is_an_error_that_names_what_decides():
    with pytest.raises(DataError) as caught:
        number(["1,234", "5,678"])
    assert "1,234 in 'a'" in caught.value.what and 'decimal={"a": ","}' in caught.value.remedy and "decimal=" in caught.value.ar
    assert number(["1,234", "5"], decimal=",") == ["1.234", "5"]
    assert number(["1,234", "5"], decimal=".") == ["1234", "5"]
    assert number(["1,234", "5"], decimal={"a": "text"}) == ["1,234", "5"]
    with pytest.raises(DataError, match="1.234 in 'a'"):
        number(["1.234", "5"], semicolons=True)
    assert number(["1.234", "5"], semicolons=True, decimal=",") == ["1234", "5"]
    assert number(["1.234", "5"]) == ["1.234", "5"]


def test_other_columns_of_the_file_decide_where_they_agree():
    table, notes = settle(frame(a=["1,234"], b=["0,5"]), semicolons=True)
    assert table.iloc[0].tolist() == ["1.234", "0.5"] and notes[0].kind == "decimal" and set(notes[0].columns) == {"a", "b"}
    assert settle(frame(a=["1,234"], b=["0.5"]))[0].iloc[0].tolist() == ["1234", "0.5"]
    with pytest.raises(DataError, match="1,234 in 'a'"):
        settle(frame(a=["1,234"], b=["0.5"], c=["0,75x".rstrip("x")]), semicolons=True)


def test_answers_listed_with_commas_are_no_decimals_where_commas_part_the_fields():
    assert number(["1,2", "3,4", "5"]) == ["1,2", "3,4", "5"]
    assert number(["1,2", "3,4", "5"], semicolons=True) == ["1.2", "3.4", "5"]
    assert number(["1,2", "3,4", "5"], decimal={"a": ","}) == ["1.2", "3.4", "5"]


def test_signs_given_in_vain_are_errors():
    table = frame(a=["1.5"], t=["x,y"], n=["3"])
    for decimal, word in (({"a": ","}, "no such numbers"), ({"t": ","}, "no numbers"), ({"z": ","}, "has not"), (";", "not known")):
        with pytest.raises(DataError, match=word):
            settle(table, decimal)
    assert settle(table, ",")[0]["t"].tolist() == ["x,y"]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.decimals(-(10**7), 10**7, places=2), min_size=1, max_size=8), st.sampled_from([(",", "."), (".", ","), (",", "\u00a0"), (",", "")]))
def test_numbers_with_two_decimals_come_back_exactly_in_every_dress(numbers, marks):
    sign, group = marks
    texts = [f"{n:,.2f}".replace(",", "G").replace(".", sign).replace("G", group) for n in numbers]
    out, _ = settle(frame(a=texts), semicolons=True)
    assert [float(t) for t in out["a"]] == [float(n) for n in numbers]


def test_a_semicolon_file_of_a_spreadsheet_program(tmp_path):
    (tmp_path / "a.csv").write_text("id;w;income;town\n1;0,75;1.200,5;إربد\n2;1,25;950;جرش\n", encoding="utf-8-sig")
    raw = read(tmp_path / "a.csv")
    assert raw.frame["w"].tolist() == [0.75, 1.25] and raw.frame["income"].tolist() == [1200.5, 950]
    assert {"w", "income"} == set(next(note for note in raw.notes if note.kind == "decimal").columns)


def test_the_copy_kept_knows_the_decision(tmp_path, monkeypatch):
    monkeypatch.delenv("MASAR_NO_CACHE")
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text('n,"a"\n1,"1,234"\n')
    assert read(tmp_path / "a.csv", decimal=",").frame["a"].tolist() == [1.234]
    assert read(tmp_path / "a.csv", decimal=".").frame["a"].tolist() == [1234]
    assert read(tmp_path / "a.csv", decimal={"a": "text"}).frame["a"].tolist() == ["1,234"]
    with pytest.raises(DataError, match="decimal="):
        read(tmp_path / "a.csv")


def test_a_form_decides_which_columns_are_numbers(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "survey"
    for row in (["type", "name", "label"], ["decimal", "w", "W"], ["text", "t", "T"], ["select_one k", "s", "S"]):
        book.active.append(row)
    sheet = book.create_sheet("choices")
    for row in (["list_name", "name", "label"], ["k", "1,234", "A"], ["k", "2", "B"]):
        sheet.append(row)
    book.save(tmp_path / "f.xlsx")
    (tmp_path / "a.csv").write_text("w;t;s\n0,5;1,234;1,234\n1,25;2,345;2\n")
    raw = read(tmp_path / "a.csv", form=tmp_path / "f.xlsx")
    assert raw.frame["w"].tolist() == [0.5, 1.25] and raw.frame["t"].tolist() == ["1,234", "2,345"] and raw.frame["s"].tolist() == ["1,234", "2"]


def test_numbers_already_numbers_need_no_sign(tmp_path):
    pd.DataFrame({"a": [1.0, np.nan]}).to_excel(tmp_path / "a.xlsx", index=False)
    assert read(tmp_path / "a.xlsx", decimal=",").frame["a"].tolist()[0] == 1
