"""SPSS, Stata and transport files: codes, declared missing, encodings, checksums, damage."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.errors import DataError
from masar_research.loading import read

FRAME = pd.DataFrame(
    {"sex": [1.0, 2.0, 9.0, np.nan], "age": [15.0, 40.0, 998.0, 999.0], "town": ["ab", "", "cd", "ab"]}
)
LABELS = {"sex": "Sex of respondent", "age": "العمر بالسنوات", "town": "Town"}
VALUES = {"sex": {1.0: "Male", 2.0: "أنثى", 9.0: "Refused"}, "age": {998.0: "Don't know"}}


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def write_sav(path, frame=FRAME, **options):
    defaults = {
        "column_labels": LABELS,
        "variable_value_labels": VALUES,
        "missing_ranges": {"sex": [9.0], "age": [{"lo": 990.0, "hi": 999.0}]},
    }
    pyreadstat.write_sav(frame, str(path), **(defaults | options))
    return path


def test_codes_stay_codes_and_the_codebook_says_what_is_missing(tmp_path):
    raw = read(write_sav(tmp_path / "a.sav"))
    assert np.array_equal(raw.frame["sex"], [1, 2, 9, np.nan], equal_nan=True)
    assert raw.frame["age"].tolist() == [15, 40, 998, 999]
    assert raw.codebook.missing_kinds("sex") == {9.0: "refused"}
    assert raw.codebook.missing_kinds("age") == {998.0: "dont_know", 999.0: "missing"}
    assert raw.codebook["sex"].level == "nominal" and raw.codebook["age"].level == "numeric"
    assert raw.codebook.label("age", "ar") == "العمر بالسنوات" and "en" not in raw.codebook["age"].label
    assert raw.codebook.category("sex", 2, "ar") == "أنثى"
    assert raw.frame["town"].isna().tolist() == [False, True, False, False]


def test_silent_error_23_label_codes_keep_their_type(tmp_path):
    frame = pd.DataFrame({"code": ["1", "2"], "number": [1.0, 2.0]})
    raw = read(
        write_sav(
            tmp_path / "a.sav",
            frame,
            column_labels={},
            missing_ranges={},
            variable_value_labels={"code": {"1": "one"}, "number": {1: "one"}},
        )
    )
    assert [c.code for c in raw.codebook["code"].categories] == ["1"]
    assert [c.code for c in raw.codebook["number"].categories] == [1.0]


def test_sav_and_zsav_have_one_content(tmp_path):
    plain, packed = write_sav(tmp_path / "a.sav"), write_sav(tmp_path / "a.zsav", compress=True)
    assert plain.read_bytes() != packed.read_bytes()
    assert read(plain).checksum == read(packed).checksum


def test_the_checksum_is_of_content_not_of_bytes(tmp_path):
    first = write_sav(tmp_path / "a.sav", file_label="one")
    other = write_sav(tmp_path / "b.sav", file_label="two")
    assert first.read_bytes() != other.read_bytes() and read(first).checksum == read(other).checksum
    for changed in (
        FRAME.assign(age=[15.0, 41.0, 998.0, 999.0]),
        FRAME.rename(columns={"town": "city"}),
        FRAME[["age", "sex", "town"]],
        FRAME.iloc[::-1],
        FRAME.assign(town=["ab", "", "cd", "ac"]),
    ):
        assert (
            read(write_sav(tmp_path / "c.sav", changed, column_labels=None)).checksum
            != read(write_sav(tmp_path / "d.sav", column_labels=None)).checksum
        )
    for options in (
        {"variable_value_labels": {"sex": {1.0: "Man"}}},
        {"missing_ranges": {}},
        {"column_labels": {"sex": "S"}},
    ):
        assert read(write_sav(tmp_path / "e.sav", **options)).checksum != read(first).checksum
    assert read(first).checksum.startswith("sha256-content:") and len(read(first).checksum) == 15 + 64


def test_stata_tagged_missing_values_get_codes(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, "a", "b"], "y": [1.0, 2.0, 3.0, 4.0]})
    pyreadstat.write_dta(
        frame,
        str(tmp_path / "a.dta"),
        missing_user_values={"x": ["a", "b"]},
        variable_value_labels={"x": {"a": "Refused"}},
    )
    raw = read(tmp_path / "a.dta")
    assert raw.frame["x"].tolist() == [1, 2, -9801, -9802]
    assert raw.codebook.missing_kinds("x") == {-9801.0: "refused", -9802.0: "missing"}


def test_transport_file(tmp_path):
    pyreadstat.write_xport(FRAME[["sex", "age"]], str(tmp_path / "a.xpt"), column_labels={"sex": "Sex"})
    raw = read(tmp_path / "a.xpt")
    assert list(raw.frame.columns) == ["sex", "age"] and raw.frame["age"].tolist() == [15, 40, 998, 999]


def test_dates_in_every_kind_of_file(tmp_path):
    frame = pd.DataFrame({"day": pd.to_datetime(["2026-03-01", None, "1880-05-06"])})
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"))
    pyreadstat.write_dta(frame, str(tmp_path / "a.dta"))
    for name in ("a.sav", "a.dta"):
        raw = read(tmp_path / name)
        assert raw.frame["day"].dtype == "datetime64[us]" and raw.codebook["day"].level == "date"
        assert raw.frame["day"].astype(str).str[:10].tolist()[::2] == ["2026-03-01", "1880-05-06"]


def as_bytes(path, mapping):
    content = path.read_bytes()
    for before, after in mapping.items():
        assert len(before) == len(after) and before in content
        content = content.replace(before, after)
    path.write_bytes(content)
    return path


ARABIC = "ذكر الجنس المحافظة"


def test_arabic_in_cp1256_behind_a_utf8_declaration(tmp_path):
    path = write_sav(
        tmp_path / "a.sav",
        column_labels={"sex": "X" * len(ARABIC), "age": "A", "town": "T"},
        variable_value_labels={},
    )
    as_bytes(path, {b"X" * len(ARABIC): ARABIC.encode("cp1256")})
    raw = read(path)
    assert raw.codebook.label("sex", "ar") == ARABIC
    assert [note.kind for note in raw.notes] == ["encoding"] and "cp1256" in str(raw.notes[0])


def test_western_letters_in_cp1252_behind_a_utf8_declaration(tmp_path):
    path = write_sav(
        tmp_path / "a.sav",
        column_labels={"sex": "Rxponse donnxe en franxais", "age": "A", "town": "T"},
        variable_value_labels={},
    )
    as_bytes(path, {b"Rxponse donnxe en franxais": "Réponse donnée en français".encode("cp1252")})
    raw = read(path)
    label = next(iter(raw.codebook["sex"].label.values()))
    assert label in (
        "Réponse donnée en français",
        "Réponse donnée en français".encode("cp1252").decode("cp1256"),
    )
    assert [note.kind for note in raw.notes] == ["encoding"]


def test_cut_and_lost_labels_are_noted(tmp_path):
    raw = read(
        write_sav(tmp_path / "a.sav", column_labels={"sex": "x" * 80, "age": "????? ???", "town": "T"})
    )
    assert {note.kind: note.columns for note in raw.notes} == {
        "labels_cut": ("sex",),
        "labels_lost": ("age",),
    }
    assert all(note.en and note.ar for note in raw.notes)


def test_labels_are_tidied_and_html_stays_text(tmp_path):
    raw = read(
        write_sav(
            tmp_path / "a.sav",
            column_labels={"sex": "الجنـــس\r\n للمستجيب", "age": "<b>Age</b>", "town": "=1+1"},
        )
    )
    assert raw.codebook.label("sex", "ar") == "الجنس للمستجيب"
    assert raw.codebook.label("age", "en") == "<b>Age</b>"
    assert "<b>Age" not in raw._repr_html_() and "&lt;b&gt;Age" in raw._repr_html_()


@pytest.mark.parametrize("cut", [10, 150, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_a_truncated_file_is_an_error_with_a_remedy(tmp_path, suffix, cut):
    frame = pd.DataFrame({"a": np.arange(3000.0), "b": [f"text {k}" for k in range(3000)]})
    path = tmp_path / f"a{suffix}"
    (pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_dta)(frame, str(path))
    content = path.read_bytes()
    path.write_bytes(content[: cut if cut > 1 else int(len(content) * cut)])
    with pytest.raises(DataError, match=path.name) as caught:
        read(path)
    assert "complete" in caught.value.remedy and caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize(
    "name, content, word",
    [
        ("a.sav", b"", "empty"),
        ("a.sav", b"<!DOCTYPE html><html>", "web page"),
        ("a.sav", b"PK\x03\x04rest", "Excel"),
        ("a.dta", b"$FL2@(#) SPSS", "SPSS"),
        ("a.sav", b"version https://git-lfs.github.com/spec/v1", "LFS"),
        ("a.sav", b"$FL2" + bytes(range(256)) * 4, "cannot be read"),
        ("a.sas7bdat", b"nothing of the kind" * 50, "cannot be read"),
        ("a.por", b"nothing of the kind" * 50, "cannot be read"),
        ("a.doc", b"x", "not known"),
        ("a", b"x", "not known"),
    ],
)
def test_what_is_no_data_file_is_named_for_what_it_is(tmp_path, name, content, word):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=word):
        read(tmp_path / name)


def test_a_missing_file_names_its_neighbours(tmp_path):
    (tmp_path / "data_2026.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"data\.csv") as caught:
        read(tmp_path / "data.csv")
    assert "data_2026.csv" in caught.value.remedy and caught.value.ar
    with pytest.raises(DataError, match="folder"):
        read(tmp_path)


def test_the_checksum_never_changes_between_versions():
    """Cards carry checksums: another algorithm would call every known file a stranger."""
    from masar_research.codebook import Category, Codebook, Variable
    from masar_research.loading import content_checksum

    frame = pd.DataFrame(
        {
            "a": [1.0, np.nan, -0.0],
            "t": pd.Series(["ذكر", None, "x"], dtype="str"),
            "d": pd.to_datetime(["2026-03-01", None, "1880-05-06"]),
        }
    )
    codes = (Category(1, {"en": "One", "ar": "واحد"}), Category("1", {"en": "Text"}, "refused"))
    book = Codebook([Variable("a", {"en": "A"}, {"en": "Question?"}, "nominal", codes)])
    assert content_checksum(frame, book) == (
        "sha256-content:67f4db7ba16b73c4cbb05069c65b10fa4245b94b83ff4d3f42c77be0a51439af"
    )
    assert content_checksum(frame.assign(a=[1.0, np.nan, 0.0]), book) == content_checksum(frame, book)
