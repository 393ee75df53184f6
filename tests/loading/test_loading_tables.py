"""CSV, TSV, Excel and Parquet: encodings, separators, identifiers, damage."""

import datetime as dt

import numpy as np
import openpyxl
import pandas as pd
import pytest

from masar_research.errors import DataError
from masar_research.loading import read


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def csv(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
def test_arabic_in_every_encoding_the_field_sends(tmp_path, encoding):
    raw = read(csv(tmp_path, "المحافظة,n\nإربد,1\nعجلون,2\n".encode(encoding)))
    assert list(raw.frame.columns) == ["المحافظة", "n"]
    assert raw.frame["المحافظة"].tolist() == ["إربد", "عجلون"]
    assert [note.kind for note in raw.notes] == (["encoding"] if encoding == "cp1256" else [])
    assert raw.codebook.label("المحافظة", "ar") == "المحافظة"


def test_western_letters_are_not_taken_for_arabic(tmp_path):
    assert read(csv(tmp_path, "a,b\nété,1\n".encode("cp1252"))).frame["a"].tolist() == ["été"]


@pytest.mark.parametrize("header", ["\ufeffid,x\n", "ï»¿id,x\n", '"X.U.FEFF.id","x"\n', " id ,x\n"])
def test_a_byte_order_mark_in_the_first_name_goes(tmp_path, header):
    assert list(read(csv(tmp_path, header + "1,2\n")).frame.columns) == ["id", "x"]


@pytest.mark.parametrize(
    "mark, name", [(",", "a.csv"), (";", "a.csv"), ("\t", "a.tsv"), ("\t", "a.txt"), ("|", "a.csv")]
)
def test_separators(tmp_path, mark, name):
    raw = read(csv(tmp_path, f"a{mark}b\n1{mark}x\n", name))
    assert raw.frame.to_dict("list") == {"a": [1.0], "b": ["x"]}


def test_identifiers_stay_text_and_are_noted(tmp_path):
    raw = read(csv(tmp_path, "psu,phone,w\n122.1,0791,1.50\n122.10,0792,2.25\n"))
    assert raw.frame["psu"].nunique() == 2 and raw.frame["psu"].tolist() == ["122.1", "122.10"]
    assert raw.frame["phone"].tolist() == ["0791", "0792"]
    assert raw.frame["w"].tolist() == [1.5, 2.25]
    assert {note.columns for note in raw.notes} == {("psu",), ("phone",)}


def test_na_is_missing_where_a_program_wrote_it_and_text_where_a_person_did(tmp_path):
    quoted = read(csv(tmp_path, '"c","n"\n"NA",1\nNA,NA\n"DE",2\n'))
    assert quoted.frame["c"].fillna("?").tolist() == ["NA", "?", "DE"] and quoted.frame[
        "n"
    ].isna().tolist() == [False, True, False]
    plain = read(csv(tmp_path, "c,n\nNA,1\nDE,NA\n"))
    assert plain.frame["c"].tolist() == ["NA", "DE"] and plain.frame["n"].isna().tolist() == [False, True]


@pytest.mark.parametrize("row, found", [("1,2,3", "3"), ("1", "1")])
def test_a_ragged_row_is_an_error_with_its_count(tmp_path, row, found):
    with pytest.raises(DataError, match=f"{found} fields where the header has 2") as caught:
        read(csv(tmp_path, f"a,b\n1,2\n{row}\n"))
    assert "quotes" in caught.value.remedy


def test_line_breaks_inside_quoted_answers_are_answers(tmp_path):
    assert read(csv(tmp_path, 'a,b\n"one\ntwo",2\n')).frame["a"].tolist() == ["one\ntwo"]


def test_repeated_and_blank_names_become_unique(tmp_path):
    raw = read(csv(tmp_path, "a,a,,a__2\n1,2,3,4\n"))
    assert len(set(raw.frame.columns)) == 4 and raw.frame.iloc[0].tolist() == [1, 2, 3, 4]
    assert "column_3" in raw.frame.columns and [note.kind for note in raw.notes] == ["renamed"]


@pytest.mark.parametrize("content, word", [(b"\n\n", "empty"), (b"a\x00b" * 99, "binary")])
def test_no_text_table(tmp_path, content, word):
    with pytest.raises(DataError, match=word):
        read(csv(tmp_path, content))


def test_a_header_without_rows_is_an_empty_frame(tmp_path):
    assert read(csv(tmp_path, "a,b\n")).frame.shape == (0, 2)


def book(path, rows, sheet="data", more=()):
    wb = openpyxl.Workbook()
    wb.active.title = sheet
    for row in rows:
        wb.active.append(row)
    for name, other in more:
        ws = wb.create_sheet(name)
        for row in other:
            ws.append(row)
    wb.save(path)
    return path


def test_excel_cells_of_every_kind(tmp_path):
    rows = [
        ["n", "id", "t", "d", "mixed", "flag", "blank"],
        [1, "007", "=text", dt.datetime(2026, 3, 1), 1, True, None],
        [2.5, "010", "ب", dt.datetime(2026, 3, 2), "x", False, None],
    ]
    rows[1][2] = "'text"
    raw = read(book(tmp_path / "a.xlsx", rows))
    assert raw.frame["n"].tolist() == [1, 2.5] and raw.frame["id"].tolist() == ["007", "010"]
    assert raw.frame["d"].dtype == "datetime64[us]" and raw.frame["mixed"].tolist() == ["1", "x"]
    assert raw.frame["flag"].tolist() == [1, 0] and raw.frame["blank"].isna().all()


def test_sheets_are_named(tmp_path):
    path = book(tmp_path / "a.xlsx", [["a"], [1]], more=[("rooster", [["b"], [2]])])
    raw = read(path)
    assert list(raw.frame.columns) == ["a"] and "rooster" in str(raw.notes[0])
    assert list(read(path, sheet="rooster").frame.columns) == ["b"]
    with pytest.raises(DataError, match="no sheet 'c'") as caught:
        read(path, sheet="c")
    assert "rooster" in caught.value.remedy
    with pytest.raises(DataError, match="not a workbook"):
        read(csv(tmp_path, "a\n1\n"), sheet="a")


@pytest.mark.parametrize("damage", ["garbage", "cut", "no_header", "beyond"])
def test_damaged_workbooks(tmp_path, damage):
    path = book(tmp_path / "a.xlsx", [["a"], [1]] if damage != "no_header" else [[None], [1]])
    if damage == "garbage":
        path.write_bytes(b"PK\x03\x04" + b"garbage" * 50)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-400])
    elif damage == "beyond":
        book(path, [["a"], [1, 2]])
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.remedy and "a.xlsx" in str(caught.value)


def test_old_excel_says_what_to_do(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(60))
    with pytest.raises(DataError, match="before 2007"):
        read(tmp_path / "a.xls")


def test_parquet_keeps_types(tmp_path):
    frame = pd.DataFrame(
        {
            "i": [1, 2],
            "t": ["a", None],
            "d": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "c": pd.Categorical(["x", "y"]),
            "b": [True, False],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    raw = read(tmp_path / "a.parquet")
    assert [raw.frame[c].dtype.kind for c in "id"] == ["f", "M"] and raw.frame["c"].tolist() == ["x", "y"]
    assert raw.frame["b"].tolist() == [1, 0] and raw.frame["t"].isna().tolist() == [False, True]
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + bytes(40))
    with pytest.raises(DataError, match="Parquet"):
        read(tmp_path / "b.parquet")


def test_the_same_table_in_three_formats_has_one_checksum(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.5, np.nan], "b": ["x", "ب", "z"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    assert len({read(tmp_path / f"a.{kind}").checksum for kind in ("csv", "parquet", "xlsx")}) == 1


def test_a_caller_cannot_change_what_was_read(tmp_path):
    path = csv(tmp_path, "a\n1\n")
    raw = read(path)
    raw.frame.loc[0, "a"] = 5
    assert read(path).frame["a"].tolist() == [1]
